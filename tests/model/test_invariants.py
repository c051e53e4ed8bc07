"""The invariants hold in worlds that are right, and each of them notices what it is there for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from ioviz.model import invariants
from ioviz.model.buffer import Buffer, Segment
from ioviz.model.cpu import Cpu
from ioviz.model.files import FileHeld
from ioviz.model.invariants import Checker, check
from ioviz.model.nic import Nic, Packet
from ioviz.model.pipe import Pipe
from ioviz.model.ramfs import Inode
from ioviz.model.task import LineReached
from ioviz.model.tcp import Tcp
from ioviz.model.wait import WaitEntry
from ioviz.model.world import World
from tests.trace.synthetic import CLIENT, SERVER, SERVER_EP, Echo, echo_log


def busy() -> World:
    """A world in the middle of things: data in buffers, items ready, a task asleep."""
    world = World()
    log = echo_log(6, 2)
    last = max(n for n, event in enumerate(log) if type(event).__name__ == "ReadyLinked")
    for event in log[: last + 2]:
        event.apply(world)
    assert world.segments
    assert any(row.count for row in world.ready_lists.values())
    return world


def test_a_world_that_is_right_has_no_complaints() -> None:
    assert check(World()) == []
    assert check(busy()) == []


def test_they_hold_after_every_event() -> None:
    world = World()
    checker = Checker(world)
    for event in echo_log(8, 3):
        event.apply(world)
        assert checker.after(event) == [], event


def put(table: str, key: Any, **fields: Any) -> Callable[[World], None]:
    """Change fields of a row; `key` may be a function of the world."""

    def change(world: World) -> None:
        rows = world.table(table)
        place = key(world) if callable(key) else key
        rows[place] = replace(rows[place], **fields)

    return change


def drop(table: str, key: Any) -> Callable[[World], None]:
    return lambda world: world.table(table).pop(key(world) if callable(key) else key)


def a_ready_item(world: World) -> int:
    return next(iter(world.ready_links))


def a_full_buffer(world: World) -> int:
    return next(key for key, row in world.buffers.items() if row.bytes)


def asleep(world: World) -> int:
    return next(tid for tid, row in world.tasks.items() if row.state == "sleeping")


def awake(world: World) -> int:
    return next(tid for tid, row in world.tasks.items() if row.state == "running")


def a_red_node(world: World) -> int:
    return next(node for node, row in world.rb_nodes.items() if row.red and world.epitems[node].ep == SERVER_EP)


def a_child(world: World) -> int:
    return next(sock for sock, row in world.sockets.items() if row.state == "ESTABLISHED")


def pipe_with_too_much(world: World) -> None:
    world.pipes[9000] = Pipe(9000, 1, 1, 1, 9001)
    world.segments[9100] = Segment(0, 0, 17 * 4096, b"x")
    world.buffers[18000] = Buffer(9100, 9100, 1, 17 * 4096, 65536, 1)


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("linked_lists", drop("ready_links", a_ready_item)),
        ("linked_lists", put("run_queues", 1, count=1)),
        ("tasks", put("tasks", awake, state="ready")),
        ("tasks", put("tasks", asleep, state="running", wchan="", entries=0)),
        ("tasks", put("tasks", awake, state="dreaming")),
        ("tasks", put("tasks", awake, wchan="ep_poll")),
        ("tasks", lambda world: world.cpus.update({1: Cpu(1, 0, 555, -1, 0, True)})),
        ("wait_entries", put("tasks", asleep, state="dead", wchan="", entries=0)),
        ("wait_entries", drop("epitems", a_ready_item)),
        ("wait_entries", lambda world: world.wait_entries.update({7777: WaitEntry(5, 0, 3, False)})),
        ("interest", put("eventpolls", SERVER_EP, count=99)),
        ("interest", lambda world: world.files.pop(world.epitems[a_ready_item(world)].file)),
        ("red_black_rules", lambda world: put("rb_nodes", a_red_node, red=False)(world)),
        ("buffers", put("buffers", a_full_buffer, bytes=1)),
        ("buffers", put("buffers", a_full_buffer, total=1)),
        ("buffers", lambda world: world.segments.update({9999: Segment(0, 0, 10, b"lost")})),
        ("buffers", drop("segments", lambda world: next(iter(world.segments)))),
        ("buffers", lambda world: world.senders.update({9998: "nobody"})),
        ("buffers", pipe_with_too_much),
        ("open_files", lambda world: put("files", next(iter(world.files)), refs=0)(world)),
        ("open_files", lambda world: world.fds.update({5: next(iter(world.fds.values()))})),
        ("open_files", lambda world: world.sockets.pop(next(iter(world.files.values())).obj)),
        ("sockets", drop("buffers", lambda world: a_child(world) * 2)),
        ("tcp", lambda world: world.tcps.update({4: Tcp(4, 10, 5, 0, 0, 0, 0)})),
        ("cards", lambda world: world.nics.update({1: Nic(1, 4, 9, 2, 0, 0, False)})),
        ("cards", lambda world: world.nics.update({1: Nic(1, 4, 3, 2, 0, 0, False)})),
        ("file_system", lambda world: world.names.update({(1, "/a"): 600})),
        ("file_system", lambda world: world.inodes.update({600: Inode(600, 0o100644, 0, 1)})),
        ("file_system", lambda world: world.pages.update({600 << 24: b"text"})),
    ],
)
def test_what_is_wrong_is_noticed(rule: str, change: Callable[[World], object]) -> None:
    world = busy()
    change(world)
    predicate = getattr(invariants, rule)
    assert list(invariants._ask(predicate, world)), rule
    assert check(world)


def test_lost_bytes_are_noticed() -> None:
    world = busy()
    sock = next(sock for sock, row in world.sockets.items() if row.peer and row.state == "ESTABLISHED")
    other = world.sockets[sock].peer
    world.sockets[other] = replace(world.sockets[other], peer=sock)
    assert list(invariants.sockets(world)) == []
    key = other * 2
    world.buffers[key] = replace(world.buffers[key], total=world.buffers[key].total + 5)
    assert any("sent" in wrong for wrong in invariants.sockets(world))


def test_a_packet_in_its_ring_is_right() -> None:
    world = busy()
    world.nics[1] = Nic(1, 4, 3, 2, 0, 0, False)
    world.packets[50] = Packet(50, "10.0.0.1:1", "10.0.0.2:2", "S", 0, 0, 100, b"", "rx", 1, 2)
    assert list(invariants.cards(world)) == []


def test_references_are_counted_with_the_calls_that_hold_a_file() -> None:
    echo = Echo(lambda event: None)
    echo.start()
    checker = Checker(echo.world)
    echo.connect(0)
    file = next(iter(echo.world.files))
    line = LineReached(echo.seq, 0, 1, CLIENT, -1, 0, 0)
    assert checker.after(line) == []
    held = FileHeld(echo.seq, 0, 1, SERVER, -1, 0, 0, file, 1)
    held.apply(echo.world)
    assert checker.after(held) == []
    echo.world.files[file] = replace(echo.world.files[file], refs=3)
    assert any("references" in wrong for wrong in checker.after(line))
