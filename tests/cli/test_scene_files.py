"""Scenes are checked as a whole when they are loaded, and hostile ones are refused."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioviz.lesson.endings import told
from ioviz.lesson.scene import SceneError, find_scenes, load_scene
from ioviz.model.terminal import LineTyped, TextPrinted
from ioviz.session import Session, setup_of

GOOD = """
id = "mine"
title.en = "Mine"
title.zh = "我的"
summary.en = "One."
summary.zh = "一。"
[[programs]]
file = "main.py"
[[chapters]]
at = { event = "SyscallReturned", call = "write", where = { ret = 3 } }
title.en = "Written"
title.zh = "写好了"
text.en = "Three bytes."
text.zh = "三个字节。"
"""


def scene(folder: Path, text: str = GOOD) -> Path:
    """A scene folder called `mine`."""
    path = folder / "mine"
    path.mkdir(exist_ok=True)
    (path / "main.py").write_text("print(1)\n")
    (path / "scene.toml").write_text(text, encoding="utf-8")
    return path


def in_chinese(error: SceneError) -> None:
    """Nothing of the message is English but names: single words, or what stands in quotes or lists of names."""
    assert told(error, "en") == str(error)
    text = re.sub(r"'[^']*'|`[^`]*`|\"[^\"]*\"", "", told(error, "zh").partition("scene.toml:")[2])
    assert not re.search(r"[A-Za-z]+ [a-z]+", text), text


def test_a_good_scene_is_found_and_loaded(tmp_path: Path) -> None:
    loaded = load_scene(scene(tmp_path))
    assert loaded.title.of("zh") == "我的"
    assert loaded.path(loaded.main.file).read_text() == "print(1)\n"
    assert find_scenes(tmp_path) == (loaded,)


def test_ioviz_s_own_scenes_are_sound() -> None:
    problems: list[SceneError] = []
    scenes = find_scenes(problems=problems)
    assert problems == []
    assert {"epoll-lt-et", "nic-interrupt", "syscall-int80"} <= {scene.id for scene in scenes}
    for scene in scenes:
        assert scene.chapters
        assert load_scene(scene.id) == scene


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('id = "mine"', 'id = "other"', "the folder is 'mine'"),
        ('id = "mine"', 'id = "../mine"', "id"),
        ('id = "mine"', 'id = "mine"\nfree = 1', "mine/scene.toml:3: there is no 'free' here; allowed: id, title"),
        ('title.zh = "我的"', "", "zh"),
        ('title.zh = "我的"', 'title.zh = ""', "title"),
        ('file = "main.py"', 'file = "../other.py"', "leads out"),
        ('file = "main.py"', 'file = "/etc/passwd"', "leads out"),
        ('file = "main.py"', 'file = "link.py"', "leads out"),
        ('file = "main.py"', 'file = "none.py"', "not a readable file"),
        ('file = "main.py"', 'file = "."', "not a readable file"),
        ('file = "main.py"', 'file = "a\\u0000b"', "not a readable file"),
        ('file = "main.py"', 'file = "main.py"\nrole = "peer"', "role main"),
        ('file = "main.py"', 'file = "main.py"\nstdin = "../x"', "leads out"),
        ('file = "main.py"', 'file = "main.py"\ndelay = -1', "delay"),
        ('"SyscallReturned"', '"Nonsense"', "no event 'Nonsense'"),
        ('call = "write"', 'call = "nonsense"', "no system call 'nonsense'"),
        ("ret = 3", "colour = 3", "no field 'colour'"),
        ('call = "write"', 'program = "none.py"', "no program of the scene"),
        ('call = "write"', "nth = 0", "nth"),
        ("[[programs]]", "[[programs", "is not TOML"),
        ('call = "write"', "line = 7", "there is no line 7: main.py has 1 lines"),
        ('title.en = "Written"', 'host = 2\ntitle.en = "Written"', "there is no host 2; allowed: 1"),
        ('"Three bytes."', '"Three\\u0007bytes."', "there is a control character in it"),
    ],
)
def test_a_bad_scene_is_refused(old: str, new: str, complaint: str, tmp_path: Path) -> None:
    assert old in GOOD
    (tmp_path / "other.py").write_text("print(2)\n")
    path = scene(tmp_path, GOOD.replace(old, new))
    (path / "link.py").symlink_to(tmp_path / "other.py")
    with pytest.raises(SceneError) as caught:
        load_scene(path)
    assert complaint in str(caught.value)
    assert "scene.toml" in str(caught.value)
    in_chinese(caught.value)
    problems: list[SceneError] = []
    assert find_scenes(tmp_path, problems) == ()
    assert len(problems) == 1


@pytest.mark.parametrize("name", ["no-such-scene", "../scenes/epoll-lt-et/..", "", "a\0b"])
def test_a_scene_that_is_not_there(name: str) -> None:
    with pytest.raises(SceneError):
        load_scene(name)


def test_a_scene_that_is_not_text(tmp_path: Path) -> None:
    path = scene(tmp_path)
    (path / "scene.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SceneError, match="not UTF-8"):
        load_scene(path)


FULL = GOOD.replace(
    "[[programs]]",
    """
part = 3
number = 14
minutes = 4
seconds = 2.5
page = "race"
next = "other"
reading = ["write(2)"]
watch.en = "W."
watch.zh = "看。"
learn = [{ en = "L.", zh = "学。" }]
learned = [{ en = "L.", zh = "学。" }]
[[tries]]
knob = "trigger"
value = "et"
text.en = "T."
text.zh = "试。"
[[article]]
says.en = "S."
says.zh = "说。"
linux.en = "X."
linux.zh = "实。"
command = "true"
[[questions]]
at = { event = "SyscallReturned", call = "write" }
ask = "result"
[[programs]]
typed = [{ at = 0.5, line = "hello" }, { at = 1, line = "" }]""",
    1,
)


def test_a_scene_of_the_course(tmp_path: Path) -> None:
    loaded = load_scene(scene(tmp_path, FULL))
    assert loaded.place == (3, 14)
    assert [one.line for one in loaded.main.typed] == ["hello", ""]
    assert loaded.article[0].command == "true"


def test_the_course_comes_in_its_order_and_other_scenes_after_it(tmp_path: Path) -> None:
    texts = {"a": GOOD, "b": FULL, "c": FULL.replace("number = 14", "number = 9")}
    for name, text in texts.items():
        path = scene(tmp_path, text.replace('id = "mine"', f'id = "{name}"'))
        path.rename(tmp_path / name)
    assert [scene.id for scene in find_scenes(tmp_path)] == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('knob = "trigger"', 'knob = "colour"', "no knob 'colour'"),
        ('value = "et"', 'value = "blue"', "takes as-written or lt or et"),
        ('ask = "result"', 'ask = "weather"', "weather"),
        ("part = 3", "part = 0", "part"),
        ("at = 0.5", "at = -1", "at"),
        ('file = "main.py"', 'file = "main.py"\nstdin = "main.py"', "both stdin and typed"),
        ('{ event = "SyscallReturned", call = "write" }', '{ event = "Nonsense" }', "question 1"),
        ('page = "race"', 'page = "2"', "page"),
    ],
)
def test_a_bad_scene_of_the_course_is_refused(old: str, new: str, complaint: str, tmp_path: Path) -> None:
    assert old in FULL
    with pytest.raises(SceneError) as caught:
        load_scene(scene(tmp_path, FULL.replace(old, new, 1)))
    assert complaint in str(caught.value)
    in_chinese(caught.value)


def test_lines_are_typed_at_their_times(tmp_path: Path) -> None:
    path = scene(tmp_path, FULL)
    (path / "main.py").write_text("print(input())\nprint(input())\n")
    session = Session(setup_of(load_scene(path)))
    while not session.advance(1000):
        pass
    typed = [event for event in session.timeline.events(0, len(session.timeline)) if isinstance(event, LineTyped)]
    assert [(round(event.t / 1e9, 3), event.data) for event in typed] == [(0.5, b"hello\n"), (1.0, b"\n")]


def test_a_run_ends_after_its_seconds(tmp_path: Path) -> None:
    path = scene(tmp_path, FULL)
    (path / "main.py").write_text("import time\nwhile True:\n    time.sleep(0.1)\n")
    session = Session(setup_of(load_scene(path)))
    while not session.advance(1000):
        pass
    run = session.timeline.world(len(session.timeline)).runs[1]
    assert run.ended == "limit"


def test_remote_programs_may_have_hosts_of_their_own(tmp_path: Path) -> None:
    talks = '[[programs]]\nfile = "talk.py"\nrole = "remote"\nhost = {}\ndelay = 0.01\n'
    path = scene(tmp_path, GOOD.replace("[[chapters]]", talks.format(3) + talks.format(2) + "[[chapters]]"))
    (path / "main.py").write_text(
        "import socket\ns = socket.create_server(('0.0.0.0', 80))\n"
        "print(sorted(s.accept()[1][0] for _ in range(2)))\nprint(socket.gethostname())\n"
    )
    (path / "talk.py").write_text("import socket\nsocket.create_connection(('10.0.0.1', 80))\n")
    session = Session(setup_of(load_scene(path)))
    while not session.advance(1000):
        pass
    world = session.timeline.world(len(session.timeline))
    assert [host.name for host in world.hosts.values()] == ["host1", "host2", "host3"]
    texts = [
        event.data for event in session.timeline.events(0, len(session.timeline)) if isinstance(event, TextPrinted)
    ]
    assert b"".join(texts) == b"['10.0.0.2', '10.0.0.3']\nhost1\n"


def test_only_a_remote_program_has_a_host(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"scene.toml:\d+: main.py has a host"):
        load_scene(scene(tmp_path, GOOD.replace('file = "main.py"', 'file = "main.py"\nhost = 2')))


SPOILED = (
    "0",
    "-1",
    "1e9",
    "true",
    "nan",
    "[]",
    "{}",
    '""',
    '"x"',
    "[1]",
    "{ a = 1 }",
    "1979-05-27",
    '"\\u0000"',
    "[[",
    "é",
)


@given(
    spoiled=st.lists(
        st.tuples(
            st.integers(0, FULL.count("\n")),
            st.sampled_from(("value", "line", "none", "again")),
            st.sampled_from(SPOILED),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_however_a_scene_is_spoiled_the_file_and_the_line_are_told(spoiled: list[tuple[int, str, str]]) -> None:
    lines = FULL.split("\n")
    for at, how, text in spoiled:
        line = lines[at]
        value = f"{line.partition('=')[0]}= {text}" if "=" in line else text
        lines[at] = {"value": value, "line": text, "none": "", "again": f"{line}\n{line}"}[how]
    said: SceneError | None = None
    with TemporaryDirectory() as folder:
        path = scene(Path(folder), "\n".join(lines))
        try:
            load_scene(path)
        except SceneError as error:
            said = error
    if said is not None:
        assert re.match(r".*mine/scene\.toml:\d+: .+", str(said), re.DOTALL)
        assert told(said, "zh") != str(said)
