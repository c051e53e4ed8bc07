"""Recordings: round trips, files that break off, other versions, and files made by somebody with bad intent."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioviz.lesson.endings import told
from ioviz.model.cpu import TrapEntered
from ioviz.model.event import Event, Unknown, own_fields
from ioviz.model.host import RunEnded
from ioviz.model.vocabulary import KINDS
from ioviz.model.world import World
from ioviz.trace import lines as lines_module
from ioviz.trace.recording import Loader, Recording, RecordingError, Writer, json_of, load, looks_like_recording, save
from ioviz.trace.timeline import Timeline
from ioviz.trace.writer import LEVEL
from tests.trace.synthetic import echo_log


@cache
def log() -> list[Event]:
    return echo_log(4, 3)


@cache
def text() -> list[bytes]:
    """The lines of a recording, with their newlines."""
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"ioviz-test-{os.getpid()}.ioviz"
    write(path, log())
    try:
        return gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    finally:
        path.unlink()


def write(path: Path, events: list[Event]) -> Path:
    with Writer(path) as writer:
        for event in events:
            writer.write(event)
    return path


def plain(tmp_path: Path, lines: list[bytes]) -> Path:
    path = tmp_path / "plain.ioviz"
    path.write_bytes(b"".join(lines))
    return path


def events_of(timeline: Timeline) -> list[Event]:
    return timeline.events(0, len(timeline))


def refused(path: Path) -> str:
    with pytest.raises(RecordingError) as caught:
        load(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert not re.search(r"(?:^|[^\w(]) ?(it|is|was|line|that|has|comes) ", told(message, "zh").partition("（")[0])
    return message


def changed(number: int, place: int, value: Any) -> list[bytes]:
    """The lines with element `place` of event `number` replaced."""
    lines = list(text())
    row = json.loads(lines[number + 1])
    row[place] = value
    lines[number + 1] = json.dumps(row).encode() + b"\n"
    return lines


def test_what_was_written_is_read(tmp_path: Path) -> None:
    recording = load(write(tmp_path / "run.ioviz", log()))
    assert events_of(recording) == log()
    assert not recording.cut
    assert recording.foreign == {}
    world = World()
    for event in log():
        event.apply(world)
    assert recording.world(len(recording)) == world


def test_the_same_events_give_the_same_bytes_and_a_copy_does_too(tmp_path: Path) -> None:
    first = write(tmp_path / "one.ioviz", log())
    second = write(tmp_path / "elsewhere-and-longer.ioviz", log())
    assert first.read_bytes() == second.read_bytes()
    save(load(first), tmp_path / "copy.ioviz")
    assert (tmp_path / "copy.ioviz").read_bytes() == first.read_bytes()


def test_an_uncompressed_recording_opens_too(tmp_path: Path) -> None:
    assert events_of(load(plain(tmp_path, text()))) == log()


def test_the_header_names_the_fields_of_every_kind() -> None:
    header = json.loads(text()[0])
    assert header["format"] == "ioviz recording"
    assert header["kinds"]["TrapEntered"] == list(own_fields(TrapEntered))
    assert set(header["kinds"]) == set(KINDS) - {"Unknown"}


@settings(max_examples=12)
@given(st.data())
def test_every_kind_survives_both_ways_of_storing_it(data: st.DataObject) -> None:
    """Packing and JSON, with any values; nothing is applied."""
    import msgspec

    from ioviz.model.vocabulary import ANY_EVENT

    for kind in KINDS.values():
        values = data.draw(
            st.tuples(*(st.from_type(hint) for hint in _hints(kind))).map(lambda row: tuple(map(_small, row)))
        )
        event = kind(*values)
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(event), type=ANY_EVENT) == event
        if kind is not Unknown:
            assert msgspec.json.decode(msgspec.json.encode(event), type=ANY_EVENT) == event
        json.loads(json_of(event))


def _hints(kind: type[Event]) -> list[Any]:
    import typing

    hints = typing.get_type_hints(kind)
    return [hints[name] for name in kind.__struct_fields__]


def _small(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return max(-(2**63), min(value, 2**63 - 1))
    return tuple(map(_small, value)) if isinstance(value, tuple) else value


def test_no_file_of_the_name_exists_before_the_recording_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "run.ioviz"
    with Writer(target) as writer:
        for event in log():
            writer.write(event)
        writer.flush()
        assert not target.exists()
        assert writer.temporary is not None
        begun = load(writer.temporary)
        assert begun.cut
        assert events_of(begun)[: len(log())] == log()
    assert [path.name for path in tmp_path.iterdir()] == ["run.ioviz"]


def test_a_recording_replaces_an_older_one_only_when_it_is_whole(tmp_path: Path) -> None:
    target = write(tmp_path / "run.ioviz", log())
    with Writer(target) as writer:
        writer.write(log()[0])
        assert len(load(target)) == len(log())
    assert len(load(target)) == 1


def test_what_a_crash_left_is_not_overwritten(tmp_path: Path) -> None:
    crashed = Writer(tmp_path / "run.ioviz")
    with Writer(tmp_path / "run.ioviz") as writer:
        assert writer.temporary != crashed.temporary
    assert crashed.temporary is not None
    assert crashed.temporary.exists()
    crashed.close()


def test_a_link_is_followed_and_a_device_is_written_in_place(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "run.ioviz")
    write(tmp_path / "link", log())
    assert (tmp_path / "link").is_symlink()
    assert len(load(tmp_path / "run.ioviz")) == len(log())
    write(Path("/dev/null"), log())
    assert not Path("/dev/null").is_file()
    with pytest.raises(IsADirectoryError):
        Writer(tmp_path)


def test_a_full_disk_does_not_stop_the_run_and_is_told_at_the_end() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    writer = Writer("/dev/full")
    choose = random.Random(1)
    for event in log():
        writer.write(event)
    noise = TrapEntered(0, 0, 0, 0, -1, 0, 0, 0, 0, tuple(choose.randrange(1 << 60) for _ in range(100_000)))
    writer.write(noise)
    with pytest.raises(RecordingError, match="could not be written: No space left"):
        writer.close()


@pytest.mark.parametrize("when", range(4))
def test_whoever_must_go_at_once_leaves_a_whole_recording(tmp_path: Path, when: int) -> None:
    """`break_off` as a signal handler calls it, which may find the writer inside a write."""

    class Gone(Exception):
        pass

    def go() -> None:
        raise Gone

    def end(seq: int) -> Event:
        return RunEnded(seq, 10**12, 0, 0, -1, 0, 0, "interrupted", "", 130)

    events = echo_log(60, 3)[:5_000]
    writer = Writer(tmp_path / "run")
    inner, writes, wrote = writer._gzip, 0, 0

    class Interrupted:
        flush, close = inner.flush, inner.close

        def write(self, data: bytes) -> None:
            nonlocal writes
            if writes == when:
                writer.break_off(go, end)
            writes += 1
            inner.write(data)

    writer._gzip = Interrupted()  # type: ignore[assignment]
    try:
        for event in events:
            writer.write(event)
            wrote += 1
        writer.close()
    except Gone:
        pass
    else:
        pytest.fail("nobody went")
    recording = load(tmp_path / "run")
    assert not recording.cut
    assert wrote <= len(events_of(recording)) <= wrote + 2


def test_a_recording_that_breaks_off_anywhere_gives_its_whole_events(tmp_path: Path) -> None:
    whole = write(tmp_path / "run.ioviz", log()).read_bytes()
    header = zlib.compressobj(LEVEL, wbits=31)
    least = len(header.compress(text()[0]) + header.flush(zlib.Z_SYNC_FLUSH))
    path = tmp_path / "cut.ioviz"
    choose = random.Random(2)
    lengths = {least + 40, len(whole) - 1, *(choose.randrange(least + 40, len(whole)) for _ in range(60))}
    found = set()
    for length in sorted(lengths):
        path.write_bytes(whole[:length])
        recording = load(path)
        assert recording.cut
        have = zlib.decompressobj(wbits=31).decompress(whole[:length]).count(b"\n") - 1
        events = events_of(recording)
        have = min(have, len(log()))
        assert events[:have] == log()[:have]
        extra = events[have:]
        if log()[have - 1 : have] == log()[-1:]:
            assert extra == []  # the run ended; only the last line is missing
        elif have:
            assert [type(event) for event in extra] == [RunEnded]
            assert recording.world(len(recording)).runs[1].ended == "cut"
        found.add(have)
    assert len(found) > 20


@pytest.mark.parametrize("keep", [1, 2, 3, 50])
def test_an_uncompressed_recording_that_breaks_off_in_a_line(tmp_path: Path, keep: int) -> None:
    lines = text()[: keep + 1]
    path = plain(tmp_path, [*lines, text()[keep + 1][:-4]])
    recording = load(path)
    assert recording.cut
    assert events_of(recording)[:keep] == log()[:keep]
    assert len(recording) == keep + 1  # and the event that says so


def test_kinds_from_the_future_are_kept_and_written_again_unchanged(tmp_path: Path) -> None:
    lines = list(text())
    header = json.loads(lines[0])
    header["version"] = [1, 7]
    header["colour"] = "green"
    header["kinds"]["RingFilled"] = ["ring", "places"]
    lines[0] = json.dumps(header).encode() + b"\n"
    lines[7] = b'["RingFilled",6,600,1,0,-1,0,0, 7,{"a": [1.50, null]},"\\u4e2d"]\n'
    path = plain(tmp_path, lines)
    recording = load(path)
    event = recording.event(6)
    assert isinstance(event, Unknown)
    assert event.name == "RingFilled"
    assert recording.foreign == {"RingFilled": ("ring", "places")}
    save(recording, tmp_path / "copy.ioviz")
    copy = gzip.decompress((tmp_path / "copy.ioviz").read_bytes()).splitlines(keepends=True)
    assert json.loads(copy[7]) == json.loads(lines[7])
    assert b'7,{"a": [1.50, null]},"\\u4e2d"]' in copy[7]
    assert json.loads(copy[0])["kinds"]["RingFilled"] == ["ring", "places"]
    assert events_of(load(tmp_path / "copy.ioviz")) == events_of(recording)


def test_a_kind_whose_fields_were_others_is_kept_as_unknown(tmp_path: Path) -> None:
    lines = list(text())
    header = json.loads(lines[0])
    header["kinds"]["TextPrinted"] = ["pid", "text"]
    lines[0] = json.dumps(header).encode() + b"\n"
    recording = load(plain(tmp_path, lines))
    assert len(recording) == len(log())
    assert {event.name for event in events_of(recording) if isinstance(event, Unknown)} == {"TextPrinted"}


def test_a_newer_major_version_is_refused(tmp_path: Path) -> None:
    header = json.loads(text()[0])
    header["version"] = [2, 0]
    message = refused(plain(tmp_path, [json.dumps(header).encode() + b"\n", *text()[1:]]))
    assert "version 2.0" in message
    assert "newer ioviz" in message


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (0, "Unknown", "well-formed"),
        (0, 5, "well-formed"),
        (0, "", "well-formed"),
        (1, 11, "event 10 was to come"),
        (1, "10", "well-formed"),
        (2, -1, "at -1 ns"),
        (5, 10, "cause"),
        (5, -2, "cause"),
        (6, None, "well-formed"),
        (6, -1, "origin -1"),
        (6, 3, "origin 3"),
        (8, 2.5, "well-formed"),
        (8, "x" * 10, "well-formed"),
    ],
)
def test_an_event_that_is_not_one_is_refused_with_its_line(tmp_path: Path, place: int, value: Any, words: str) -> None:
    message = refused(plain(tmp_path, changed(10, place, value)))
    assert "line 12:" in message
    assert words in message


def test_an_event_that_does_not_fit_is_refused_with_its_line(tmp_path: Path) -> None:
    number = next(n for n, event in enumerate(log()) if type(event).__name__ == "BytesCopiedIn")
    message = refused(plain(tmp_path, changed(number, 8, 999_999)))
    assert f"line {number + 2}:" in message
    assert "does not fit" in message


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "not the header"),
        ([b"hello\n"], "not the header"),
        ([b"[" * 100_000 + b"\n"], "not the header"),
        ([b'{"format":"a cake","version":[1,0],"ioviz":"1","head":[],"kinds":{}}\n'], "no recording"),
    ],
)
def test_what_is_no_recording(tmp_path: Path, lines: list[bytes], words: str) -> None:
    assert words in refused(plain(tmp_path, lines))


def test_an_end_that_is_none(tmp_path: Path) -> None:
    assert "neither an event nor the end" in refused(plain(tmp_path, [*text()[:5], b"{}\n"]))
    assert "incomplete" in refused(plain(tmp_path, [*text()[:5], text()[-1]]))
    assert "well-formed" in refused(plain(tmp_path, [*text(), text()[4]]))


def test_missing_and_unreadable_files(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "nothing.ioviz")
    assert "no file" in refused(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "no file" in refused(tmp_path / "pipe")


def test_a_damaged_file_is_told_apart_from_a_cut_one(tmp_path: Path) -> None:
    data = bytearray(write(tmp_path / "run.ioviz", log()).read_bytes())
    path = tmp_path / "damaged.ioviz"
    data[-6] ^= 0xFF  # the checksum
    path.write_bytes(data)
    assert "damaged" in refused(path)
    path.write_bytes((tmp_path / "run.ioviz").read_bytes() + b"more")
    assert "damaged" in refused(path)


def test_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.ioviz"
    path.write_bytes(gzip.compress(text()[0] + b'["' + b"a" * 3_000_000 + b'"]\n'))
    monkeypatch.setattr(lines_module, "MAX_LINE", 1 << 20)
    assert "a line of more than" in refused(path)
    path.write_bytes(gzip.compress(b"".join(text())))
    with pytest.raises(RecordingError, match="unpacks to more"):
        Loader(path, max_total=10_000).advance()


def test_lists_and_trees_that_go_round_in_circles_end(tmp_path: Path) -> None:
    def event(kind: str, *own: Any) -> bytes:
        rows.append([kind, len(rows), 0, 1, 0, -1, 0, 0, *own])
        return json.dumps(rows[-1]).encode() + b"\n"

    rows: list[list[Any]] = []
    lines = [text()[0], event("EpollCreated", 1, 1, 2)]
    for item in (5, 6):
        lines.append(event("EpitemInserted", 1, item, item, item, 1, 1, 0, 1, 30, 0, False))
    lines.append(event("EpitemInserted", 1, 5, 5, 5, 1, 1, 0, 0, 30, 5, True))
    lines.append(event("EpollReleased", 1))
    refused(plain(tmp_path, lines))


def test_a_file_that_says_it_is_huge_ends_too(tmp_path: Path) -> None:
    rows = [
        ["InodeCreated", 0, 0, 1, 0, -1, 0, 0, 1, "/a", 50, 0o100644, ""],
        ["FileTruncated", 1, 0, 1, 0, -1, 0, 0, 50, 1 << 62],
        ["FileWritten", 2, 0, 1, 0, -1, 0, 0, 50, 1 << 35, "aGVsbG8="],
        ["FileTruncated", 3, 0, 1, 0, -1, 0, 0, 50, 5],
        ["FileTruncated", 4, 0, 1, 0, -1, 0, 0, 50, 1 << 62],
        ["InodeFreed", 5, 0, 1, 0, -1, 0, 0, 50],
    ]
    recording = load(plain(tmp_path, [text()[0], *(json.dumps(row).encode() + b"\n" for row in rows)]))
    assert recording.world(4).pages == {}
    assert recording.world(6).inodes == {}


@settings(max_examples=150)
@given(st.data())
def test_no_change_of_a_recording_makes_reading_fail_in_another_way(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Lines exchanged, left out, doubled, their numbers changed: it opens, or is refused with a sentence."""
    lines = list(text())
    number = data.draw(st.integers(1, len(lines) - 2))
    how = data.draw(st.sampled_from(["swap", "drop", "double", "value", "renumber"]))
    if how == "swap":
        lines[number], lines[number - 1 or 2] = lines[number - 1 or 2], lines[number]
    elif how == "drop":
        del lines[number]
    elif how == "double":
        lines.insert(number, lines[number])
    else:
        row = json.loads(lines[number])
        place = data.draw(st.integers(1, len(row) - 1))
        row[place] = data.draw(st.one_of(st.integers(-3, 130), st.just(2**70), st.none(), st.booleans(), st.text()))
        lines[number] = json.dumps(row).encode() + b"\n"
    if how in ("drop", "renumber"):
        for place, line in enumerate(lines[1:-1]):
            row = json.loads(line)
            row[1] = place
            lines[place + 1] = json.dumps(row).encode() + b"\n"
    path = plain(tmp_path_factory.mktemp("changed"), lines)
    try:
        recording = load(path)
    except RecordingError:
        refused(path)
    else:
        recording.world(len(recording))
        save(recording, path.with_suffix(".copy"))


def test_reading_a_piece_at_a_time_and_its_progress(tmp_path: Path) -> None:
    path = write(tmp_path / "run.ioviz", echo_log(20, 20))
    loader = Loader(path)
    seen = []
    while not loader.advance(500):
        seen.append((len(loader.recording), loader.progress))
        assert loader.recording.world(len(loader.recording)) is not None
    assert seen == sorted(seen)
    assert events_of(loader.recording) == echo_log(20, 20)
    told: list[float] = []
    assert isinstance(load(path, told.append), Recording)


def test_what_no_file_can_hold_is_made_writable(tmp_path: Path) -> None:
    odd: list[Event] = [
        TrapEntered(0, 0, 1, 0, -1, 0, 0, 0x80, 1, (2**80, "caf\udce9", ("\udcff", -(2**70)))),
    ]
    recording = load(write(tmp_path / "odd.ioviz", odd))
    event = recording.event(0)
    assert isinstance(event, TrapEntered)
    assert event.args[1] == "caf\\udce9"
    timeline = Timeline()
    for number in range(3000):
        timeline.append(TrapEntered(number, *[getattr(odd[0], name) for name in odd[0].__struct_fields__[1:]]))
    assert len(timeline.events(0, 3000)) == 3000


def test_one_event_as_json() -> None:
    event = next(event for event in log() if type(event).__name__ == "BytesCopiedIn")
    table = json.loads(json_of(event))
    assert list(table)[:3] == ["kind", "seq", "t"]
    assert table["kind"] == "BytesCopiedIn"
    assert table["data"] == "hello"


def test_what_looks_like_a_recording(tmp_path: Path) -> None:
    assert looks_like_recording(write(tmp_path / "a", log()))
    assert looks_like_recording(plain(tmp_path, text()))
    (tmp_path / "program").write_text("import socket\n")
    assert not looks_like_recording(tmp_path / "program")
    assert not looks_like_recording(tmp_path / "missing")
