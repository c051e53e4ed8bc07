"""The whole program in a real pseudo-terminal: a person's keys and clicks at three sizes, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from ioviz.lesson.scene import load_scene
from ioviz.tui.pages import opens
from ioviz.tui.texts import say
from tests.tui.terminal import Terminal

SIZES = [(80, 24), (120, 40), (200, 60)]
Start = Callable[..., Terminal]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Terminal] = []

    def make(args: list[str], size: tuple[int, int], **environment: str) -> Terminal:
        started.append(Terminal(args, size[0], size[1], **environment))
        return started[-1]

    yield make
    for terminal in started:
        terminal.close()


def place(text: str) -> tuple[int, int]:
    """(position, length) from the timeline."""
    found = re.search(r"^ +(\d+)/(\d+)(?!\d*…) ", text, re.MULTILINE)
    return (int(found[1]), int(found[2])) if found else (-1, -1)


def past_opening(terminal: Terminal, scene: str, lang: str) -> None:
    """Close the opening page of a scene, if it has one."""
    if opens(load_scene(scene)):
        start = say(lang, "page-start")
        terminal.wait(start)
        terminal.press("enter")
        terminal.wait(lambda text: start not in text)


def at(position: int) -> Callable[[str], bool]:
    return lambda text: place(text)[0] == position


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("lang", "user", "title"), [("en", "USER", "one message"), ("zh", "用户态", "同一条消息")])
def test_a_scene_is_watched(start: Start, size: tuple[int, int], lang: str, user: str, title: str) -> None:
    terminal = start(["play", "--lang", lang, "epoll-lt-et"], size)
    terminal.wait(lambda text: place(text)[1] > 100)
    past_opening(terminal, "epoll-lt-et", lang)
    text = terminal.wait(user)
    assert title in text
    terminal.press("home", "right")
    terminal.wait(at(1))
    terminal.press("end")
    length = place(terminal.text)[1]
    terminal.wait(at(length))
    terminal.press("home", "]")
    chapter = terminal.wait(lambda text: 0 < place(text)[0] < length)
    first = place(chapter)[0]
    terminal.press("]", "[")
    terminal.wait(at(first))
    terminal.press("n")
    terminal.wait(lambda text: place(text)[0] > first)
    terminal.press("t")
    terminal.wait(lambda text: " ET " in text and place(text)[1] not in {-1, length})
    terminal.press("c")
    terminal.wait("Esc back" if lang == "en" else "Esc 返回")
    terminal.press("escape")
    terminal.wait("Space")  # which the keys of the comparison do not name
    terminal.press("L")
    terminal.wait("用户态" if lang == "en" else "USER")
    terminal.press("q")
    assert terminal.ended() == 0


def test_the_gallery_opens_a_scene_and_comes_back(start: Start) -> None:
    terminal = start([], (120, 40))
    terminal.wait("type to search")
    terminal.press(*"nic-int")
    terminal.wait("DMA, interrupt")
    terminal.press("enter")
    terminal.wait(lambda text: place(text)[1] > 100)
    past_opening(terminal, "nic-interrupt", "en")
    terminal.press("escape")
    terminal.wait("looking for")
    terminal.press("escape")
    terminal.wait("type to search")
    terminal.press("q")
    assert terminal.ended() == 0


def test_the_mouse_goes_along_the_timeline_and_opens_a_panel(start: Start) -> None:
    terminal = start(["play", "--lang", "en", "syscall-int80"], (120, 40))
    text = terminal.wait(lambda text: place(text)[1] > 10)
    past_opening(terminal, "syscall-int80", "en")
    length = place(text)[1]
    row = next(row for row, line in enumerate(terminal.lines) if f"/{length}" in line and "─" in line)
    end = max(terminal.lines[row].rfind(mark) for mark in "─╷")  # a chapter may begin at the last event
    terminal.click(end, row)
    terminal.wait(at(length))
    terminal.click(terminal.lines[row].index("━"), row)
    terminal.wait(at(0))
    row = next(row for row, line in enumerate(terminal.lines) if "CPU" in line)
    terminal.click(terminal.lines[row].index("CPU"), row)
    terminal.wait("next panel")
    terminal.press("escape")
    terminal.wait("USER")


def test_the_environment_s_language_no_colour_and_ascii(start: Start) -> None:
    terminal = start(["play", "--ascii", "syscall-int80"], (80, 24), LANG="en_GB.UTF-8", NO_COLOR="1")
    text = terminal.wait(lambda text: place(text)[1] > 10)
    assert text.isascii()
    colours = {cell.fg for row in terminal.screen.buffer.values() for cell in row.values()}
    assert all(colour == "default" or len(set(re.findall("..", colour))) == 1 for colour in colours), colours
    terminal = start(["play", "syscall-int80"], (80, 24), LANG="zh_CN.UTF-8")
    terminal.wait("用户态")


def test_a_program_that_fails_says_where(start: Start, tmp_path: object) -> None:
    from pathlib import Path

    file = Path(str(tmp_path)) / "broken.py"
    file.write_text("print('so far')\nraise ValueError('no more')\n")
    terminal = start(["play", "--lang", "en", str(file)], (80, 24))
    terminal.wait(lambda text: place(text)[1] > 10)
    terminal.press("end")
    terminal.wait("broken.py")


def test_one_can_type_to_a_program(start: Start, tmp_path: object) -> None:
    from pathlib import Path

    file = Path(str(tmp_path)) / "asks.py"
    file.write_text("name = input('name? ')\nprint('hello', name)\nprint(input())\n")
    terminal = start(["play", "--lang", "en", str(file)], (80, 24))
    terminal.wait(lambda text: place(text)[1] > 10)
    terminal.press("I")
    terminal.wait("Type a line to")
    terminal.press("escape", "end")
    terminal.wait("waits for a line at its terminal")
    terminal.press("I")
    terminal.wait("Type a line to")
    terminal.press("b", "o", "b", "enter")
    terminal.wait("keyboard's interrupt")
    terminal.press("end")
    terminal.wait("hello bob")
    terminal.press("I")
    terminal.wait("Type a line to")
    terminal.press("^", "D", "enter")
    terminal.wait("has ended")
    terminal.press("end")
    terminal.wait("EOFError")
    terminal.press("I")
    terminal.wait("Nobody can type here")
