"""Each value of a TOML text is found on its line."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioviz.lesson.scene import scenes_folder
from ioviz.lesson.toml_lines import line_of

TEXT = '''\
id = "a" # = [
title.en = """
two = 3
[[no]]"""
learn = [
    { en = "x", zh = "]" },
    { en = 'y', zh = "\\"" },
]
[knobs]
trigger = "et"
[[chapters]]
at = { event = "E", where = { ret = 3 } }
[[chapters]]
"quoted key" = 1
[chapters.inner]
deep.er = 2
[[chapters.more]]
z = 1
[[chapters.more]]
z = 2
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("id",), 1),
        (("title", "en"), 2),
        (("title", "zh"), 2),
        (("learn",), 5),
        (("learn", 0, "zh"), 6),
        (("learn", 1), 7),
        (("knobs", "trigger"), 10),
        (("chapters", 0, "at", "where", "ret"), 12),
        (("chapters", 1), 13),
        (("chapters", 1, "quoted key"), 14),
        (("chapters", 1, "inner", "deep", "er"), 16),
        (("chapters", 1, "more", 1, "z"), 20),
        (("chapters", 1, "nothing"), 13),
        (("nothing",), 1),
        ((), 1),
    ],
)
def test_where_values_stand(path: tuple[str | int, ...], line: int) -> None:
    tomllib.loads(TEXT)
    assert line_of(TEXT, path) == line


def test_every_value_of_every_scene_is_found_on_a_line_of_its_own_table() -> None:
    for file in scenes_folder().glob("*/scene.toml"):
        text = file.read_text(encoding="utf-8")
        lines = text.split("\n")
        for number, chapter in enumerate(tomllib.loads(text)["chapters"]):
            start = line_of(text, ("chapters", number))
            assert lines[start - 1].startswith("[[chapters]]")
            assert lines[line_of(text, ("chapters", number, "at", "event")) - 1].startswith("at")
            assert chapter["title"]["zh"] in lines[line_of(text, ("chapters", number, "title", "zh")) - 1]


@given(st.text(alphabet="ab=[]{}\"'.#,\n \\", max_size=60))
def test_any_text_is_survived(text: str) -> None:
    try:
        table: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        table = {}
    for key in table or {"a": 1}:
        assert 1 <= line_of(text, (key,)) <= text.count("\n") + 1
