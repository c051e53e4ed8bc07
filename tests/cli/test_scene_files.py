"""Scenes are checked as a whole when they are loaded, and hostile ones are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ioviz.lesson.scene import SceneError, find_scenes, load_scene

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
        ('id = "mine"', 'id = "other"', "its folder is 'mine'"),
        ('id = "mine"', 'id = "../mine"', "id"),
        ('id = "mine"', 'id = "mine"\nfree = 1', "unknown field `free`"),
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
