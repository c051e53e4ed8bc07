"""A scene on the stage: its pages, its questions, its knobs and its end; and the gallery with what was played."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from ioviz.cli.new_scene import lay
from ioviz.cli.play import open_scene
from ioviz.lesson import scene as scenes
from ioviz.lesson.progress import Progress, state_file
from ioviz.lesson.scene import load_scene
from ioviz.machine.hardware.costs import load_costs, own_file
from ioviz.machine.kernel.config import Config
from ioviz.measure import calibrate, race
from ioviz.measure.calibrate import Measured
from ioviz.tui.app import IovizApp
from ioviz.tui.knobs import shown
from ioviz.tui.player import Player
from ioviz.tui.screens.costs import CostsScreen
from ioviz.tui.screens.gallery import GalleryScreen
from ioviz.tui.screens.message import MessageScreen
from ioviz.tui.screens.page import PageScreen
from ioviz.tui.screens.question import QuestionScreen
from ioviz.tui.screens.stage import StageScreen
from tests.tui.test_stage import shown as screen_text


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course of two scenes, and one beside it."""
    folder = tmp_path / "scenes"
    for number, name in enumerate(("first", "second", "aside")):
        laid = lay(name, folder) / "scene.toml"
        text = laid.read_text(encoding="utf-8").replace("A blocking recv", f"The {name} scene")
        if name != "aside":
            text = text.replace("minutes = 2", f"minutes = 2\npart = {number + 1}\nnumber = {number + 1}")
        laid.write_text(text, encoding="utf-8")
    monkeypatch.setattr(scenes, "scenes_folder", lambda: folder)
    return folder


def stage_on(name: str) -> IovizApp:
    return IovizApp(lambda: open_scene(load_scene(name)), open_scene, lang="en")


async def until(pilot: Pilot[int], kind: type) -> None:
    """Wait for a screen of `kind`."""
    for _ in range(200):
        if isinstance(pilot.app.screen, kind):
            await pilot.pause()
            return
        await pilot.pause(0.02)
    raise AssertionError(f"{pilot.app.screen} is on top, not a {kind.__name__}")


def stage(app: IovizApp) -> StageScreen:
    return next(screen for screen in app.screen_stack if isinstance(screen, StageScreen))


def player_of(app: IovizApp) -> Player:
    player = stage(app).player
    assert player is not None
    return player


async def another(pilot: Pilot[int], player: Player) -> Player:
    """Wait for the stage to show another run than that of `player`."""
    assert isinstance(pilot.app, IovizApp)
    for _ in range(200):
        if player_of(pilot.app) is not player:
            break
        await pilot.pause(0.02)
    return player_of(pilot.app)


@pytest.mark.parametrize(("key", "screen"), [("]", QuestionScreen), ("space", StageScreen), ("x", PageScreen)])
async def test_the_keys_that_the_opening_page_names_do_there_what_they_do_on_the_stage(
    course: Path, key: str, screen: type
) -> None:
    app = stage_on("first")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, PageScreen)
        await pilot.press(key)  # before the first chapter lies a question
        await until(pilot, screen)
        assert stage(app).playing == (key == "space")
        assert ("Turn a knob" in screen_text(app)) == (key == "x")


async def test_a_scene_whose_program_is_broken_is_refused_and_the_gallery_stays(course: Path) -> None:
    (course / "first" / "server.py").write_bytes(b"print('\xff')\n")
    app = IovizApp(None, open_scene, lang="en")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, GalleryScreen)
        await pilot.press("home", "enter")
        await until(pilot, MessageScreen)
        assert "server.py:1 is not utf-8 text" in "".join(screen_text(app).split("│")).replace("\n", "")
        await pilot.press("enter")
        await until(pilot, GalleryScreen)


async def test_a_long_title_leaves_room_for_the_number_of_the_chapter(course: Path) -> None:
    file = course / "first" / "scene.toml"
    title = "The first scene, with a title as long as a sentence, which it should not be"
    file.write_text(file.read_text(encoding="utf-8").replace("The first scene", title), encoding="utf-8")
    app = stage_on("first")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, PageScreen)
        await pilot.press("]")
        await until(pilot, QuestionScreen)
        await pilot.press("2", "enter")
        await until(pilot, StageScreen)
        line = screen_text(app).splitlines()[0]
        assert "The first scene, with" in line
        assert "…  1/" in line


@pytest.mark.parametrize("name", ["syscall-int80", "nic-interrupt", "handshake"])
async def test_a_scene_plays_at_a_speed_at_which_it_takes_minutes(name: str) -> None:
    app = stage_on(name)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, PageScreen)
        log, speed = player_of(app).source.timeline, float(stage(app).speed_text)
        assert len(log) / (2 * speed) <= 180
        assert (speed > 1) == (len(log) > 100)


async def test_a_scene_opens_with_what_to_watch_for_asks_and_closes_with_what_comes_next(course: Path) -> None:
    app = stage_on("first")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, PageScreen)
        text = screen_text(app)
        for piece in (
            "The first scene",
            "Part I: the kernel · scene 1 · 2 minutes",
            "What you will learn",
            "Watch for",
        ):
            assert piece in text
        await pilot.press("enter")
        await until(pilot, StageScreen)
        await pilot.press("]", "]")  # past chapter 1, towards chapter 2: the question lies before the first
        await until(pilot, QuestionScreen)
        assert "Will this call put it to sleep?" in screen_text(app)
        await pilot.press("2")
        await pilot.pause()
        text = screen_text(app)
        assert "Not so." in text
        assert "it sleeps" in text
        assert type(player_of(app).event).__name__ == "TaskSlept"
        await pilot.press("enter")
        await until(pilot, StageScreen)
        await pilot.press("]")
        assert app.progress.of("first").chapter == 2
        await pilot.press("]")
        await until(pilot, PageScreen)
        text = screen_text(app)
        for piece in ("What you have learned", "answered rightly: 0 of 1", "recv(2)", "The second scene"):
            assert piece in text
        assert app.progress.of("first").finished
        await pilot.press("enter")
        await until(pilot, PageScreen)
        await pilot.pause(0.1)
        assert "The second scene" in screen_text(app)
    kept = Progress()
    assert kept.of("first").asked == 1
    assert kept.last == "second"


async def test_a_right_answer_by_mouse_and_questions_turned_off(course: Path) -> None:
    app = stage_on("first")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, PageScreen)
        await pilot.press("escape", "]")
        await until(pilot, QuestionScreen)
        await pilot.click("Choices", offset=(3, 0))
        await pilot.pause()
        assert "Right." in screen_text(app)
        await pilot.press("escape", "home", "P", "]")
        await pilot.pause()
        assert isinstance(app.screen, StageScreen)
        assert app.progress.of("first").right == 1


async def test_neither_a_turned_knob_nor_the_way_to_the_end_is_stopped_by_a_question(course: Path) -> None:
    app = stage_on("first")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, PageScreen)
        await pilot.press("enter", "end")
        await pilot.pause(0.1)
        assert isinstance(app.screen, StageScreen)
        before = player_of(app)
        assert before.at_end
        await pilot.press("x", "enter")
        await another(pilot, before)
        await pilot.pause(0.1)
        assert isinstance(app.screen, StageScreen)
        assert player_of(app).at_end
        await pilot.press("home", "]")  # and there it is
        await until(pilot, QuestionScreen)


async def test_in_any_run_questions_can_be_turned_on(course: Path) -> None:
    toml = course / "first" / "scene.toml"
    text = toml.read_text(encoding="utf-8")
    toml.write_text(text[: text.index("[[questions]]")], encoding="utf-8")
    app = stage_on("first")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, PageScreen)
        await pilot.press("enter", "P")
        for _ in range(120):
            await pilot.press("right")
            if isinstance(app.screen, QuestionScreen):
                break
        assert isinstance(app.screen, QuestionScreen)
        await pilot.press("escape")
        await until(pilot, StageScreen)


async def test_the_article_s_page_copies_its_command(course: Path) -> None:
    app = stage_on("first")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, PageScreen)
        await pilot.press("enter", "A")
        await until(pilot, PageScreen)
        text = screen_text(app)
        assert "The article:" in text
        assert "Linux:" in text
        await pilot.press("enter")
        assert app.clipboard == "grep ctxt /proc/self/status"
        await pilot.press("L")
        await pilot.pause()
        assert "文章说：" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, StageScreen)


def test_a_knob_is_shown_as_a_person_would_write_it() -> None:
    told = [("time_slice", "3000000", "3ms"), ("time_slice", "5000", "5us"), ("latency", "200000000", "200ms")]
    told += [
        ("sndbuf", "65536", "64k"),
        ("sndbuf", "0", "0"),
        ("rcvbuf", "5000", "5000"),
        ("somaxconn", "4096", "4096"),
    ]
    for name, value, text in told:
        assert shown(name, value, "en") == f"{name}={text}"
        assert getattr(Config().turned(name, text), name) == int(value)
    assert shown("trigger", "et", "zh") == "ET"


async def test_a_knob_is_turned_and_the_place_kept(course: Path) -> None:
    app = stage_on("first")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, PageScreen)
        await pilot.press("enter", "P", "]")
        before = player_of(app)
        place = before.place
        await pilot.press("x")
        await until(pilot, PageScreen)
        assert "entry = syscall" in screen_text(app)
        await pilot.press("enter")
        after = await another(pilot, before)
        assert after.source.knob("entry") == "syscall"
        assert after.place == place
        await pilot.press("x", "down", "down", "enter")
        back = await another(pilot, after)
        assert back.source.knob("entry") == "int80"


async def test_one_goes_on_where_one_left_off(course: Path) -> None:
    Progress().reached("first", 1)  # that is where it begins anyway
    async with stage_on("first").run_test(size=(80, 24)) as pilot:
        await until(pilot, PageScreen)
        assert isinstance(pilot.app, IovizApp)
        assert "left off" not in screen_text(pilot.app)
    Progress().reached("first", 2)
    app = stage_on("first")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, PageScreen)
        assert "Go on where you left off: It returns" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, StageScreen)
        assert player_of(app).place.position == stage(app).chapter_places[1]
    Progress().finished("first")
    app = stage_on("first")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, PageScreen)
        assert "left off" not in screen_text(app)


async def test_the_gallery_has_parts_marks_and_a_search(course: Path) -> None:
    progress = Progress()
    progress.reached("first", 2)
    progress.finished("first")
    app = IovizApp(None, open_scene, lang="en")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.2)
        text = screen_text(app)
        assert "1 of 3 played" in text
        rows = [line.strip() for line in text.split("\n")[2:10]]
        assert rows[0] == "Part I: the kernel"
        assert rows[1].startswith("✓  1 The first scene")
        assert rows[2] == "Part II: sockets"
        assert rows[3].startswith("▸    2 The second scene")  # where one left off: what follows the one that was played
        assert rows[4] == "More scenes"
        await pilot.press(*"aside")
        await pilot.pause()
        text = screen_text(app)
        assert "looking for “aside”: 1" in text
        assert "The second scene" not in text
        await pilot.press(*"xx")
        assert "No scene has “asidexx”" in screen_text(app)
        await pilot.press("escape", *"the wait queue of")  # which no heading has, but a chapter
        assert "looking for “the wait queue of”: 3" in screen_text(app)
        await pilot.press("escape", "home", "enter")
        await until(pilot, PageScreen)
        assert "The first scene" in screen_text(app)
        await pilot.press("escape", "escape")
        await until(pilot, GalleryScreen)
        await pilot.click("Cards", offset=(10, 5))
        await pilot.click("Cards", offset=(10, 5))
        await until(pilot, PageScreen)
        assert "The aside scene" in screen_text(app)


async def test_the_gallery_says_that_progress_cannot_be_kept(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    app = IovizApp(None, open_scene, lang="en")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        assert "cannot be kept" in screen_text(app)
        assert "Enter opens" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, PageScreen)


async def test_the_gallery_says_that_progress_cannot_be_read_and_offers_what_was_not_played(course: Path) -> None:
    file = state_file()
    file.parent.mkdir(parents=True)
    file.write_text("{broken")
    app = IovizApp(None, open_scene, lang="en")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.2)
        assert "What was played before cannot be read" in screen_text(app)
        for name in ("second", "first"):
            app.progress.finished(name)
        assert file.with_name("progress.json.bad").read_text() == "{broken"
    app = IovizApp(None, open_scene, lang="en")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.2)
        (chosen,) = [line for line in screen_text(app).splitlines() if line.startswith(" ▸")]
        assert "The aside scene" in chosen  # after the first comes the second, but it was played


async def test_the_table_of_costs_is_measured_and_written(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml = course / "first" / "scene.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace("minutes = 2", 'minutes = 2\npage = "costs"'))
    monkeypatch.setattr(calibrate, "measure", lambda stop: iter([Measured("call", 2.0), Measured("syscall", 220.0)]))
    app = stage_on("first")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, PageScreen)
        await pilot.press("enter", "m")
        await until(pilot, CostsScreen)
        assert "Enter measures" in screen_text(app)
        await pilot.press("w")
        assert "Measure first" in screen_text(app)
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert " 110" in screen_text(app)
        assert "so it is" in screen_text(app)
        await pilot.press("w", "L")
        assert load_costs("own").trap == 140
        await pilot.press("x")
        assert not own_file().exists()
        await pilot.press("escape")
        await until(pilot, StageScreen)


async def test_the_race_is_run_looked_at_and_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    laps = [race.Lap(method, one, 100.0 * len(method)) for method in race.METHODS for one in race.cells()]
    monkeypatch.setattr(race, "simulated", lambda config: iter([*laps, None]))
    monkeypatch.setattr(race, "measured", lambda stop: iter(laps))
    app = IovizApp(page="race", lang="en")
    async with app.run_test(size=(80, 24)) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause(0.1)
        text = screen_text(app)
        assert text.count("BIO=") == 2 * len(race.cells())
        assert "450 connections, 1 active" in text
        await pilot.press("up", "right", "right", "right")
        assert "100 connections, 100 active" in screen_text(app)
        await pilot.click("Maps", offset=(8, 2))
        await pilot.pause()
        assert "4 connections, 1 active" in screen_text(app)

        def never(stop: Callable[[], bool]) -> Iterator[race.Lap]:
            while not stop():
                yield laps[0]

        monkeypatch.setattr(race, "measured", never)
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert "Esc stops" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause(0.1)
        assert "Stopped" in screen_text(app)
        await pilot.press("escape")
    assert app.return_code == 0


async def test_a_scene_that_ends_by_plan_is_no_failure(course: Path) -> None:
    toml = course / "first" / "scene.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace("minutes = 2", "minutes = 2\nseconds = 0.05"))
    app = stage_on("first")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, PageScreen)
        await pilot.press("enter", "end")
        await pilot.pause(0.1)
        text = screen_text(app)
        assert "What the scene shows ends here" in text
        assert "limit" not in text


async def test_a_question_neither_hides_a_chapter_nor_passes_one_over(course: Path) -> None:
    file = course / "first" / "scene.toml"
    between = """[[chapters]]
at = { event = "TrapEntered", call = "recvfrom", program = "server.py" }
title.en = "Into the kernel"
title.zh = "进内核"
text.en = "The call has begun."
text.zh = "调用开始了。"

"""
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace(", nth = 2", "").replace("[[chapters]]", between + "[[chapters]]", 1), encoding="utf-8"
    )
    app = stage_on("first")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, PageScreen)
        await pilot.press("enter")
        await until(pilot, StageScreen)
        await pilot.press("]")
        await pilot.pause()
        assert isinstance(app.screen, StageScreen)  # the question lies here, and the chapter is read first
        assert "The call has begun." in screen_text(app)
        await pilot.press("right")
        await until(pilot, QuestionScreen)
        await pilot.press("1", "enter")
        await until(pilot, StageScreen)
        assert player_of(app).place.position == stage(app).chapter_places[1]


async def test_a_chapter_says_what_is_large_and_which_host_is_looked_at() -> None:
    app = stage_on("two-buffers")
    scene = load_scene("two-buffers")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, PageScreen)
        await pilot.press("enter", "P")
        await until(pilot, StageScreen)
        seen = set()
        for chapter in scene.chapters:
            await pilot.press("]")
            await pilot.pause()
            here = stage(app)
            assert here.host == chapter.host
            seen.add(here.host)
            large = {spot.id for spot in here._plan.spots if not spot.folded} if here._plan is not None else set()
            assert chapter.focus[0] in large, chapter.title.en
        assert seen == {1, 2}
        await pilot.press("[", "[", "[")
        await pilot.pause()
        assert stage(app).host == 2
        await pilot.press("h")
        await pilot.pause()
        assert stage(app).host == 1  # a person may look elsewhere


@pytest.mark.parametrize("name", [scene.id for scene in scenes.find_scenes() if scene.part in (1, 2)])
async def test_what_a_chapter_is_about_is_large_at_80_by_24(name: str) -> None:
    app = stage_on(name)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, PageScreen)
        await pilot.press("escape", "P")
        await until(pilot, StageScreen)
        here = stage(app)
        for _ in range(200):
            if here.chapter_places:
                break
            await pilot.pause(0.02)
        for number, place in enumerate(here.chapter_places, 1):
            here.seek(place)
            await pilot.pause()
            focus = here.nth_chapter(number).focus
            large = {spot.id for spot in here._plan.spots if not spot.folded} if here._plan is not None else set()
            assert not focus or focus[0] in large, here.nth_chapter(number).title.en
