"""With bursts a run makes the log that it makes without, event by event, and the world at every place between calls."""

from __future__ import annotations

from itertools import islice, product
from pathlib import Path
from typing import Any

import pytest

from ioviz.lesson.scene import find_scenes
from ioviz.machine.kernel.config import Config
from ioviz.machine.launch import Launch
from ioviz.machine.machine import Machine
from ioviz.machine.user.loader import load_program
from ioviz.model.burst import Burst
from ioviz.model.bursts import BURSTS
from ioviz.model.connection_bursts import ClosedFirst, Connected
from ioviz.model.data_bursts import Polled, Sent
from ioviz.model.event import Event
from ioviz.model.telling import Telling
from ioviz.model.terminal import TextPrinted
from ioviz.model.world import World
from ioviz.session import Setup, setup_of
from ioviz.trace.log import CHUNK, Log, unfolded
from ioviz.verify.backends import simulate
from ioviz.verify.sequences import Generator

PROGRAMS = Path(__file__).parents[2] / "benchmarks" / "programs"
SCENES = [scene for scene in find_scenes() if scene.id not in ("race", "boot")]
"""One has no machine of its own, the other no system call that a burst could stand for."""


def run(machine: Machine, entries: list[Any]) -> dict[int, World]:
    """Run to the end; the worlds on the way, by the number of events before them."""
    worlds = {}
    while not machine.run(397):
        last = entries[-1]
        worlds[last.seq + (last.count if isinstance(last, Burst) else 1)] = machine.world.copy()
    machine.dispose()
    return worlds


def entries_of(setup: Setup, bursts: bool) -> tuple[list[Any], dict[int, World]]:
    entries: list[Any] = []
    machine = Machine(
        setup.launches,
        setup.config,
        entries.append,
        seed=setup.seed,
        limits=setup.limits,
        lines=setup.lines,
        inputs=setup.inputs,
        bursts=bursts,
    )
    return entries, run(machine, entries)


def check_worlds(events: list[Event], worlds: dict[int, World]) -> None:
    world = World()
    for place, event in enumerate(events):
        if place in worlds:
            assert worlds[place] == world, f"after {place} events"
        event.apply(world)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.id)
def test_a_scene_is_the_same_with_bursts(scene: Any) -> None:
    setup = setup_of(scene)
    plain, _ = entries_of(setup, False)
    entries, worlds = entries_of(setup, True)
    assert not any(isinstance(entry, Burst) for entry in plain)
    events = unfolded(entries)
    assert events == plain
    assert [event.seq for event in events] == list(range(len(events)))
    check_worlds(events, worlds)


def test_random_operations_are_the_same_with_bursts() -> None:
    for seed in range(60):
        sequence = Generator(seed).sequence()
        plain: list[Event] = []
        entries: list[Any] = []
        assert simulate(sequence, plain.append) == simulate(sequence, entries.append, bursts=True)
        assert unfolded(entries) == plain, f"seed {seed}"


SLOWLY = """
import socket, sys, time

for _ in range(int(sys.argv[2])):
    time.sleep(0.001)
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
        time.sleep(0.001)
        connection.send(b"hello")
        connection.recv(100)
        time.sleep(0.001)
"""


def test_servers_are_the_same_with_bursts_and_make_every_kind(tmp_path: Path) -> None:
    (tmp_path / "slowly.py").write_text(SLOWLY)
    seen: set[type] = set()
    told: set[tuple[type, bool, bool]] = set()
    clients = (PROGRAMS / "epoll_echo_client.py", tmp_path / "slowly.py")
    for server, client in product(("epoll_echo_server.py", "thread_echo_server.py"), clients):
        logs = []
        for bursts in (False, True):
            launches = [
                Launch(load_program(str(PROGRAMS / server), ["8000", "70"]), "main"),
                Launch(load_program(str(client), ["8000", "70", "3"]), "peer", None, 1_000_000),
            ]
            entries: list[Any] = []
            worlds = run(Machine(launches, Config(), entries.append, lines=False, bursts=bursts), entries)
            logs.append(unfolded(entries))
            check_worlds(logs[-1], worlds)
        assert logs[0] == logs[1]
        seen.update(map(type, entries))
        told.update((type(entry), entry.ep > 0, entry.woken > 0) for entry in entries if isinstance(entry, Telling))
    assert seen >= set(BURSTS)
    possible = set(product((Sent, ClosedFirst, Connected), (False, True), (False, True)))
    assert possible - told <= {(ClosedFirst, False, False), (Connected, True, False)}


BESIDE = """
import errno, socket

def bound(port):
    with socket.socket() as other:
        try:
            other.bind(("127.0.0.1", port))
        except OSError as error:
            return errno.errorcode[error.errno]
    return "free"

listener = socket.socket()
listener.bind(("127.0.0.1", 9000))
listener.listen()
for turn in range(2):
    client = socket.create_connection(("127.0.0.1", 9000))
    server, address = listener.accept()
    print(server.fileno(), server.getsockname(), address == client.getsockname())
    port = client.getsockname()[1]
    print(bound(port), bound(port + 2))
    (client, server)[turn % 2].close()
    print((server, client)[turn % 2].recv(5), bound(port), bound(9000))
    (server, client)[turn % 2].close()
    print(bound(port), bound(9000), socket.socket().fileno())

listener = socket.socket()
listener.bind(("127.0.0.1", 8000))
listener.listen()
client = socket.create_connection(("127.0.0.1", 8000))
server, _ = listener.accept()
listener.close()
print(bound(8000))
client.close()
server.close()
print(bound(8000))
"""


def test_what_the_kernel_keeps_beside_the_world_is_the_same_with_bursts(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text(BESIDE)
    logs, ports = [], []
    for bursts in (False, True):
        launches = [Launch(load_program(str(tmp_path / "beside.py"), []), "main")]
        entries: list[Any] = []
        machine = Machine(launches, Config(), entries.append, lines=False, bursts=bursts)
        run(machine, entries)
        logs.append(unfolded(entries))
        ports.append((machine.kernel.net.ports, machine.kernel.net.taken))
    printed = b"".join(event.data for event in logs[1] if isinstance(event, TextPrinted))
    assert printed.count(b"EADDRINUSE") >= 7
    assert printed.count(b"free") >= 3
    assert b"Traceback" not in printed
    assert logs[0] == logs[1]
    assert ports[0] == ports[1]


DISTURBED = """
import os, select, socket, subprocess, sys, threading

def connected():
    client = socket.create_connection(("127.0.0.1", 9000))
    server, _ = listener.accept()
    client.setblocking(False)
    server.setblocking(False)
    return client, server

def attempt(what, *args):
    try:
        result = what(*args)
    except Exception as error:
        result = type(error).__name__
    return result

def exchange():
    for one, other in ((client, server), (server, client), (client, server)):
        print(attempt(one.send, b"hello"), attempt(epoll.poll, 0), attempt(other.recv, 3), attempt(epoll.poll, 0),
              attempt(other.recv, 100), attempt(epoll.poll, 0))

def inherited():
    number = client.fileno()
    send = f"import socket; socket.socket(fileno={number}).send(b'from the child')"
    subprocess.run([sys.executable, "-c", send], pass_fds=[number])

def reading():
    server.setblocking(True)
    thread = threading.Thread(target=lambda: print("read", attempt(server.recv, 100)))
    thread.start()
    return thread

def woken_by_close():
    thread = reading()
    client.close()
    thread.join()

def woken_by_data():
    thread = reading()
    client.send(b"awake")
    thread.join()

def watched_by_another(events=1):
    other = select.epoll()
    other.register(server, events)
    client.send(b"both")
    print(other.poll(0))
    other.close()

def number_for_another():
    number = server.fileno()
    server.close()
    pair = connected()
    kept.append((pair, socket.socket(fileno=os.dup(number))))

disturbances = [
    lambda: None,
    lambda: epoll.modify(server, 0),
    lambda: epoll.modify(server, select.EPOLLOUT),
    lambda: epoll.modify(server, select.EPOLLIN | select.EPOLLET),
    lambda: epoll.modify(server, select.EPOLLIN | select.EPOLLONESHOT),
    lambda: (epoll.unregister(server), epoll.register(server, select.EPOLLIN | select.EPOLLEXCLUSIVE)),
    lambda: (epoll.unregister(server), epoll.register(server, select.EPOLLOUT)),
    lambda: epoll.unregister(server),
    watched_by_another,
    lambda: watched_by_another(select.EPOLLIN | select.EPOLLET),
    lambda: os.dup2(second[0].fileno(), client.fileno()),
    lambda: os.dup2(second[1].fileno(), server.fileno()),
    lambda: os.dup2(0, client.fileno()),
    lambda: kept.append(client.dup()) or kept[-1].send(b"by the other descriptor") and client.send(b"and back"),
    lambda: os.close(server.fileno()),
    number_for_another,
    lambda: server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 9),
    lambda: client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1),
    lambda: client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    lambda: server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304),
    lambda: [attempt(client.send, b"x" * 60000) for _ in range(200)] and None,
    lambda: client.shutdown(socket.SHUT_WR),
    lambda: client.shutdown(socket.SHUT_RD),
    lambda: server.shutdown(socket.SHUT_RDWR),
    lambda: client.send(b"!", socket.MSG_OOB),
    lambda: client.close(),
    lambda: (client.send(b"unread"), server.close()),
    inherited,
    woken_by_close,
    woken_by_data,
    lambda: epoll.close(),
]
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 9000))
listener.listen()
kept = []
for number, disturbance in enumerate(disturbances):
    epoll = select.epoll()
    (client, server), second = connected(), connected()
    for one in (server, client, second[1]):
        epoll.register(one, select.EPOLLIN)
    exchange()
    print(number, attempt(disturbance))
    exchange()
    exchange()
    kept.clear()
    for one in (client, server, *second):
        attempt(one.close)
"""


def test_whatever_disturbs_a_connection_is_the_same_with_bursts(tmp_path: Path) -> None:
    (tmp_path / "disturbed.py").write_text(DISTURBED)
    logs = []
    for bursts in (False, True):
        launches = [Launch(load_program(str(tmp_path / "disturbed.py"), []), "main")]
        entries: list[Any] = []
        machine = Machine(launches, Config(), entries.append, lines=False, bursts=bursts)
        worlds = run(machine, entries)
        logs.append(unfolded(entries))
        check_worlds(logs[-1], worlds)
    printed = b"".join(event.data for event in logs[0] if isinstance(event, TextPrinted) and event.fd == 1)
    assert printed.count(b"\n") > 30 * 10
    assert b"m the child" in printed
    assert logs[0] == logs[1]


def test_a_log_of_bursts_is_a_log_of_events() -> None:
    entries: list[Any] = []
    for seed in range(200, 400):
        one: list[Any] = []
        simulate(Generator(seed).sequence(), one.append, bursts=True)
        entries.extend(one)
    events = [
        type(event)(number, *[getattr(event, name) for name in event.__struct_fields__[1:]])
        for number, event in enumerate(unfolded(entries))
    ]
    log, counted = Log(), 0
    for entry in entries:
        if isinstance(entry, Burst):
            entry = type(entry)(counted, *[getattr(entry, name) for name in entry.__struct_fields__[1:]])
            log.append(entry)  # type: ignore[arg-type]  # a log takes bursts
            counted += entry.count
        else:
            log.append(events[counted])
            counted += 1
        if counted % 7 == 0:
            log.pack()
        assert len(log) == counted
    assert counted == len(events) > 3 * CHUNK
    for place in range(0, len(events), 91):
        assert type(log.event(place)) is type(events[place])
        assert log.event(place).seq == place
        part = log.events(place, place + 300)
        assert list(map(type, part)) == list(map(type, islice(events, place, place + 300)))
        assert log.kinds(place, place + 300) >= set(map(type, part))
    log.forget(CHUNK + 100)
    assert log.event(CHUNK + 100).seq == CHUNK + 100
    with pytest.raises(IndexError):
        log.event(CHUNK + 99)


def test_a_long_way_along_the_ready_list_is_several_bursts() -> None:
    items = list(range(1, 301))
    one = Polled(5, 100, 1, 7, 4, 0, True, -1, (3, 400, -1), 9, 10, items[:256], [3] * 256, -1, (), 8)
    two = Polled(262, 2660, 1, 7, 5, 0, False, -1, (3, 400, -1), 9, 10, items[256:], [0] * 44, 256, ((1, 1),), 8)
    events = unfolded([one, two])
    assert [event.seq for event in events] == list(range(5, 5 + 1 + 300 + 1))
    assert {event.cause for event in events[1:]} == {5}
    assert events[-1].t == 100 + 300 * 10 + 8


DEEP = """
import select, socket

listener = socket.socket()
listener.bind(("127.0.0.1", 9000))
listener.listen(100)
listener.setblocking(False)
epoll = select.epoll()
ends = {}
calls = [
    lambda: ends.update(client=socket.socket()),
    lambda: ends["client"].connect(("127.0.0.1", 9000)),
    lambda: ends.update(server=listener.accept()[0]),
    lambda: ends["server"].setblocking(False),
    lambda: epoll.register(ends["server"].fileno(), 1),
    lambda: ends["client"].send(b"hello"),
    lambda: epoll.poll(0),
    lambda: ends["server"].recv(100),
    lambda: epoll.unregister(ends["server"].fileno()),
    lambda: ends["client"].close(),
    lambda: ends["server"].close(),
]

def below(frames, call):
    return below(frames - 1, call) if frames else call()

def room(frames):
    try:
        return room(frames + 1)
    except RecursionError:
        return frames

failed = 0
deepest = room(0)
for frames in range(deepest - 40, deepest + 1):
    ends.clear()
    for call in calls:
        try:
            below(frames, call)
        except (RecursionError, KeyError, OSError):  # some may follow from one before
            failed += 1
            try:
                call()
            except (KeyError, OSError):
                pass
print(failed)
"""


@pytest.mark.parametrize("bursts", [False, True])
def test_a_program_that_recursed_to_its_limit_leaves_the_world_that_the_log_gives(tmp_path: Path, bursts: bool) -> None:
    (tmp_path / "deep.py").write_text(DEEP)
    entries: list[Any] = []
    machine = Machine(
        [Launch(load_program(str(tmp_path / "deep.py"), []), "main")],
        Config(),
        entries.append,
        lines=False,
        bursts=bursts,
    )
    while not machine.run(1000):
        pass
    world = World()
    for event in unfolded(entries):
        event.apply(world)
        if isinstance(event, TextPrinted):
            assert 0 < int(event.data) < 400  # some had room and some had not
    assert world == machine.world
    assert world.runs[1].ended == "exit"
    machine.dispose()
