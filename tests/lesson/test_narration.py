"""Every kind of event has a sentence in both languages, and every event of real runs can be told."""

from __future__ import annotations

import re
import string

import pytest

from ioviz.lesson import sentences_en, sentences_zh
from ioviz.lesson.narration import MAKERS, VARIANTS, Word, narrate
from ioviz.model.event import Unknown
from ioviz.model.vocabulary import KINDS
from ioviz.model.world import World
from tests.view.test_panels import runs

TABLES = {"en": sentences_en, "zh": sentences_zh}


@pytest.mark.parametrize("lang", TABLES)
def test_every_kind_has_a_sentence(lang: str) -> None:
    told = {name.partition(".")[0] for name in TABLES[lang].SENTENCES}
    assert set(KINDS) - {"Unknown"} == told


def test_both_languages_tell_the_same_kinds_with_the_same_facts() -> None:
    assert set(sentences_en.SENTENCES) == set(sentences_zh.SENTENCES)
    assert {name.partition(".")[0] for name in sentences_en.SENTENCES if "." in name} == set(VARIANTS)


@pytest.mark.parametrize("lang", TABLES)
def test_a_sentence_asks_for_nothing_that_its_event_lacks(lang: str) -> None:
    for name, template in TABLES[lang].SENTENCES.items():
        kind = KINDS[name.partition(".")[0]]
        for _, place, _, _ in string.Formatter().parse(template):
            assert place is None or place in MAKERS or place in kind.__struct_fields__, (name, place)


def test_real_runs_are_told_in_both_languages() -> None:
    seen: set[str] = set()
    for log in runs():
        world = World()
        for event in log:
            english, chinese = narrate(world, event, "en"), narrate(world, event, "zh")
            assert english, event
            assert chinese not in ("", english), event
            if type(event).__name__ != "LineReached":  # a program may have braces of its own
                assert "{" not in english + chinese, event
            seen.add(type(event).__name__)
            event.apply(world)
    assert len(seen) > 50


def test_an_unknown_kind_is_named_and_nothing_claimed() -> None:
    event = Unknown(0, 0, 1, 0, -1, 0, 0, "QuantumLeapt", b"[]")
    assert "QuantumLeapt" in narrate(World(), event, "en")
    assert "QuantumLeapt" in narrate(World(), event, "zh")


def test_a_pipe_and_a_local_socket_have_no_send_buffer_to_copy_into() -> None:
    told = set()
    for log in runs():
        world = World()
        for event in log:
            if type(event).__name__ == "BytesCopiedIn":
                sentence = narrate(world, event, "en")
                pipe = getattr(event, "buffer", 0) >> 1 in world.pipes
                assert ("the pipe of" in sentence) == pipe, sentence
                told.add(pipe)
            event.apply(world)
    assert told == {True, False}


def test_one_byte_is_no_bytes() -> None:
    for number, told in ((0, "0 bytes are"), (1, "1 byte is"), (2, "2 bytes are"), (11, "11 bytes are")):
        assert "{n:byte|bytes} {n:=is|are}".format_map({"n": Word(str(number))}) == told
    assert f"{Word('x')}" == "x"
    for name, template in sentences_en.SENTENCES.items():
        for _, place, spec, _ in string.Formatter().parse(template):
            assert not spec or "|" in spec, (name, place)
    for log in runs():
        world = World()
        for event in log:
            if type(event).__name__ not in ("LineReached", "TextPrinted"):
                sentence = narrate(world, event, "en")
                assert not re.search(r"(?<![\w.,:-])1 (bytes|packets|blocks|readers|writers)\b", sentence), sentence
            event.apply(world)
