"""The mirror: observed calls become the model's events, and the world that they make keeps the model's rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioviz.live.calls import Call, Ended, Lost, ReadySeen
from ioviz.live.mirror import Mirror
from ioviz.live.names import program_name
from ioviz.live.snapshot import Descriptor, Interest, ProcessState, Snapshot, SocketState, Thread
from ioviz.model.cpu import SyscallReturned, TrapEntered
from ioviz.model.event import Event, Gap, Origin
from ioviz.model.eventpoll import EpitemInserted, EpitemRemoved, EventDelivered, ReadyDropped, ReadyLinked
from ioviz.model.invariants import check
from ioviz.model.lists import walk
from ioviz.model.poll_bits import EPOLLET, EPOLLONESHOT, POLLERR, POLLHUP, POLLIN
from ioviz.model.process import ProcessExecuted
from ioviz.model.rbtree import walk as in_order
from ioviz.model.syscalls import name_of
from ioviz.model.task import DEAD, SLEEPING, TaskSlept
from ioviz.model.world import World

ADD, DEL, MOD = 1, 2, 3
ALWAYS = POLLERR | POLLHUP


class Played:
    """A mirror, its log, and short ways to feed it."""

    def __init__(self) -> None:
        self.log: list[Event] = []
        self.mirror = Mirror(self.log.append, "test")
        self.t = 0

    def call(self, name: str, *args: Any, result: int | None = 0, tid: int = 1, **more: Any) -> None:
        self.t += 1000
        self.mirror.feed([Call(tid, name, args, result, self.t, self.t + 500, **more)])

    def enter(self, name: str, *args: Any, tid: int = 1) -> None:
        self.t += 1000
        self.mirror.feed([Call(tid, name, args, None, self.t, 0, True)])

    @property
    def world(self) -> World:
        return self.mirror.world

    def items(self) -> dict[int, tuple[int, int]]:
        """Descriptor → (mask, data) of the only instance."""
        (ep,) = self.world.eventpolls.values()
        rows = [self.world.epitems[item] for item in in_order(self.world, ep.root)]
        return {row.fd: (row.events, row.data) for row in rows}

    def ready(self) -> list[int]:
        (ep,) = self.world.eventpolls
        lists = self.world.ready_lists
        return [self.world.epitems[item].fd for item in walk(lists, ep, self.world.ready_links)]

    def kinds(self, *kinds: type[Event]) -> list[Any]:
        return [event for event in self.log if isinstance(event, kinds)]

    def check(self) -> None:
        assert list(check(self.world)) == []
        folded = World()
        for event in self.log:
            event.apply(folded)
        assert folded == self.world


@pytest.fixture
def server() -> Played:
    """A server with a listener 3, an epoll instance 4 that watches it, and a client 5."""
    played = Played()
    played.call("socket", 2, 1, 0, result=3)
    played.call("bind", 3, "127.0.0.1:80", 16)
    played.call("listen", 3, 5)
    played.call("epoll_create1", 0o2000000, result=4)
    played.call("epoll_ctl", 4, ADD, 3, (POLLIN, 3))
    played.call("accept4", 3, "127.0.0.1:999", 16, 0o4000, result=5)
    played.call("epoll_ctl", 4, ADD, 5, (POLLIN, 5))
    return played


def test_a_server_s_calls_make_its_world(server: Played) -> None:
    assert server.items() == {3: (POLLIN | ALWAYS, 3), 5: (POLLIN | ALWAYS, 5)}
    row = next(row for row in server.world.sockets.values() if row.remote)
    assert (row.local, row.remote, row.state) == ("127.0.0.1:80", "127.0.0.1:999", "ESTABLISHED")
    server.check()


def test_what_was_seen_is_told_from_what_was_worked_out(server: Played) -> None:
    server.call("epoll_wait", 4, ((POLLIN, 5),), 64, -1, result=1)
    for event in server.log:
        if isinstance(event, (TrapEntered, SyscallReturned, EpitemInserted, EventDelivered)):
            assert event.origin == Origin.OBSERVED, event
        if isinstance(event, (ReadyLinked, ReadyDropped, TaskSlept)):
            assert event.origin == Origin.INFERRED, event
    assert {event.origin for event in server.log} == {Origin.OBSERVED, Origin.INFERRED}


def test_level_triggered_stays_on_the_ready_list_until_it_is_asked_again(server: Played) -> None:
    server.call("epoll_wait", 4, ((POLLIN, 5), (POLLIN, 3)), 64, -1, result=2)
    assert server.ready() == [5, 3]
    server.call("epoll_wait", 4, ((POLLIN, 3),), 64, -1, result=1)
    assert server.ready() == [3]
    server.enter("epoll_wait", 4)
    assert server.ready() == []
    server.check()


def test_a_full_answer_says_nothing_of_the_rest(server: Played) -> None:
    server.call("epoll_wait", 4, ((POLLIN, 5), (POLLIN, 3)), 64, -1, result=2)
    server.call("epoll_wait", 4, ((POLLIN, 5),), 1, -1, result=1)
    assert server.ready() == [3, 5]


def test_edge_triggered_leaves_the_list_and_one_shot_is_disarmed(server: Played) -> None:
    server.call("epoll_ctl", 4, MOD, 5, (POLLIN | EPOLLET, 5))
    server.call("epoll_ctl", 4, MOD, 3, (POLLIN | EPOLLONESHOT, 3))
    server.call("epoll_wait", 4, ((POLLIN, 5), (POLLIN, 3)), 64, -1, result=2)
    assert server.ready() == []
    assert server.items()[3][0] == EPOLLONESHOT
    server.call("epoll_ctl", 4, MOD, 3, (POLLIN | EPOLLONESHOT, 3))
    assert server.items()[3][0] == POLLIN | EPOLLONESHOT | ALWAYS
    server.check()


def test_an_item_goes_with_the_last_reference_to_its_file(server: Played) -> None:
    server.call("dup", 5, result=6)
    server.call("close", 5)
    assert 5 in server.items()
    server.call("close", 6)
    assert 5 not in server.items()
    assert server.kinds(EpitemRemoved)[-1].by == "close"
    server.check()


def test_a_child_holds_the_file_too(server: Played) -> None:
    server.call("clone", 17, result=2)
    server.call("close", 5)
    assert 5 in server.items()
    server.mirror.feed([Ended(2, 0, 0, server.t)])
    assert 5 not in server.items()
    assert server.world.tasks[2].state == DEAD
    server.check()


def test_a_thread_shares_the_table_and_may_be_seen_before_its_clone_returns(server: Played) -> None:
    server.enter("clone", 0x10000)
    server.call("close", 5, tid=2)
    server.call("clone", 0x10000, result=2)
    assert server.world.tasks[2].process == 1
    assert 5 not in server.items()
    server.check()


def test_a_number_is_given_again_before_its_close_is_told(server: Played) -> None:
    server.call("clone", 0x10000, result=2)
    server.t += 10_000
    late = Call(2, "close", (5,), 0, server.t - 4_000, server.t + 9_000)
    server.call("accept4", 3, "127.0.0.1:5000", 16, 0, result=5)
    server.call("epoll_ctl", 4, 1, 5, (1, 77))
    server.mirror.feed([late])
    assert server.items()[5][1] == 77
    server.call("close", 5, tid=2)
    assert 5 not in server.items()
    server.check()


def test_exit_group_ends_the_threads_that_nobody_traced(server: Played) -> None:
    server.call("clone", 0x10000, result=2)
    server.call("exit_group", 0, result=None)
    server.mirror.feed([Ended(1, 0, 0, server.t)])
    assert not server.world.processes[1].alive
    assert server.world.tasks[2].state == DEAD
    assert not server.world.fds
    server.check()


def test_data_has_64_bits_and_names_the_item(server: Played) -> None:
    garbage = 0x7F9600000005
    server.call("epoll_ctl", 4, MOD, 5, (POLLIN, garbage))
    server.call("epoll_wait", 4, ((POLLIN, garbage),), 64, -1, result=1)
    assert server.ready() == [5]
    assert server.mirror.unmatched == 0


def test_an_epoll_ctl_takes_effect_before_it_returns(server: Played) -> None:
    server.call("clone", 0x10000, result=2)
    server.call("epoll_ctl", 4, MOD, 5, (POLLIN | EPOLLONESHOT, 5))
    server.call("epoll_wait", 4, ((POLLIN, 5),), 64, -1, result=1)
    server.enter("epoll_ctl", 4, MOD, 5, (POLLIN | EPOLLONESHOT, 5))
    server.call("epoll_wait", 4, ((POLLIN, 5),), 64, -1, result=1, tid=2)
    server.call("epoll_ctl", 4, MOD, 5, (POLLIN | EPOLLONESHOT, 5))
    assert server.items()[5][0] == EPOLLONESHOT
    server.check()


def test_operations_done_twice_do_no_harm(server: Played) -> None:
    server.call("epoll_ctl", 4, ADD, 5, (POLLIN, 5))
    server.call("epoll_ctl", 4, DEL, 5)
    server.call("epoll_ctl", 4, DEL, 5)
    server.call("close", 77)
    assert list(server.items()) == [3]
    server.check()


def test_a_sleeping_call_is_on_the_instance_s_wait_queue(server: Played) -> None:
    server.enter("epoll_wait", 4)
    task = server.world.tasks[1]
    assert (task.state, task.wchan) == (SLEEPING, "ep_poll")
    (ep,) = server.world.eventpolls
    assert server.world.wait_queues[ep].count == 1
    server.call("epoll_wait", 4, (), 64, 100)
    assert server.world.tasks[1].state != SLEEPING
    server.check()


def test_bytes_are_counted_and_not_invented(server: Played) -> None:
    server.call("recvfrom", 5, None, 100, 0, None, None, result=40)
    sock = next(row.id for row in server.world.sockets.values() if row.remote)
    assert (server.world.buffers[sock * 2].bytes, server.world.buffers[sock * 2].total) == (0, 40)
    assert not server.world.segments
    server.call("recvfrom", 5, None, 100, 0, None, None, result=0)
    assert server.world.sockets[sock].state == "CLOSE-WAIT"
    server.check()


def test_a_call_that_the_machine_lacks_has_its_name(server: Played) -> None:
    for name in ("rt_sigreturn", "statx", "sched_setaffinity", "openat2", "cachestat"):
        server.call(name, result=0)
    assert [name_of(event.nr) for event in server.kinds(SyscallReturned)[-5:]] == [
        *("rt_sigreturn", "statx", "sched_setaffinity", "openat2", "cachestat")
    ]
    server.check()


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (("/usr/sbin/nginx", "-g", "daemon off;"), "nginx"),
        (("/usr/bin/python3", "-u", "/srv/app.py", "-c", "x"), "app.py"),
        (("/usr/bin/python3", "-m", "http.server", "8000"), "http.server"),
        (("/bin/sh", "-c", "sleep 1; /bin/true"), "sh"),
        (("/bin/bash", "-lc", "true"), "bash"),
        (("/bin/bash", "--rcfile", "x"), "x"),
        (("python3",), "python3"),
        (("",), "program"),
    ],
)
def test_what_a_program_is_called(argv: tuple[str, ...], name: str) -> None:
    assert program_name(argv[0], argv) == name


def test_a_child_has_the_name_of_the_program_that_it_executes(server: Played) -> None:
    server.call("fork", result=9)
    server.call("execve", "/usr/bin/nix", ("nix",), result=-2, tid=9)
    before = server.world.processes[9].name
    server.call("execve", "/usr/bin/python3", ("python3", "-u", "/srv/worker.py"), tid=9)
    row = server.world.processes[9]
    assert (row.name, row.argv) == ("worker.py", ("python3", "-u", "/srv/worker.py"))
    assert before == server.world.processes[1].name != row.name
    server.call("execve", "/usr/bin/python3", ("python3", "-u", "/srv/worker.py"), tid=9)
    assert len(server.kinds(ProcessExecuted)) == 1
    server.call("execve", "/usr/bin/env", ("", ""), tid=9)  # strace was told to show no strings
    assert server.world.processes[9].argv == ("/usr/bin/env",)
    server.mirror.who = lambda tid: (tid, "other", ("other",))
    server.call("execve", None, None, None, tid=9)  # a source that does not tell of what
    assert [(event.name, event.origin) for event in server.kinds(ProcessExecuted)[2:]] == [("other", Origin.INFERRED)]
    server.check()


def test_a_loss_is_a_gap_with_a_number(server: Played) -> None:
    server.mirror.feed([Lost(12, "")])
    assert [event.lost for event in server.kinds(Gap)] == [12]
    assert server.world.mirrors[1].lost == 12
    assert server.mirror.wants_look


def test_io_uring_ends_the_claim(server: Played) -> None:
    server.call("io_uring_enter", 9, 1, 0, 0, None, 0, result=1)
    assert server.world.mirrors[1].blind == "io_uring"


def test_the_kernel_s_own_ready_list_is_taken_as_it_is(server: Played) -> None:
    server.mirror.feed([ReadySeen(server.t, 1, 4, (5, 3))])
    assert server.ready() == [5, 3]
    server.mirror.feed([ReadySeen(server.t, 1, 4, (3,))])
    assert server.ready() == [3]
    assert server.kinds(ReadyLinked)[-1].origin == Origin.OBSERVED
    server.check()


def snapshot(t: int, items: tuple[Interest, ...], *, seed: bool = False, rx: int = 0) -> Snapshot:
    descriptors = (
        Descriptor(3, "socket", 100, "socket:[100]", 2),
        Descriptor(4, "epoll", 0, "anon_inode:[eventpoll]", 0o2000002, items),
        Descriptor(5, "socket", 101, "socket:[101]", 2),
    )
    sockets = {
        100: SocketState(100, 2, 1, "LISTEN", "127.0.0.1:80", "", 2, 5),
        101: SocketState(101, 2, 1, "ESTABLISHED", "127.0.0.1:80", "127.0.0.1:999", rx, 0, 0, 131072, 2626560),
    }
    thread = Thread(1, "S", 232, (4, 0, 64, 0, 0, 0), "ep_poll")
    process = ProcessState(1, 0, "server", ("server",), (thread,), descriptors)
    return Snapshot(t, (process,), sockets, (), True, seed)


def test_a_mirror_begins_from_a_snapshot() -> None:
    played = Played()
    played.mirror.feed(
        [snapshot(1000, (Interest(3, POLLIN | ALWAYS, 3, 100), Interest(5, POLLIN | ALWAYS, 5, 101)), seed=True)]
    )
    assert played.items() == {3: (POLLIN | ALWAYS, 3), 5: (POLLIN | ALWAYS, 5)}
    assert played.world.tasks[1].state == SLEEPING
    listener = next(row.id for row in played.world.sockets.values() if row.state == "LISTEN")
    assert played.world.accept_queues[listener].count == 2
    played.t = 2000
    played.call("epoll_wait", 4, ((POLLIN, 3),), 64, -1, result=1)
    played.call("accept4", 3, "127.0.0.1:7", 16, 0, result=6)
    assert played.world.accept_queues[listener].count == 1
    played.check()


def test_differences_are_counted_and_mended(server: Played) -> None:
    later = server.t + 10**9
    server.mirror.feed([snapshot(later, (Interest(3, POLLIN | ALWAYS, 3), Interest(5, POLLIN | ALWAYS, 5)), rx=7)])
    row = server.world.mirrors[1]
    assert (row.compared, row.differences, row.queues_off) == (2, 0, 1)
    server.mirror.feed([snapshot(later + 1, (Interest(5, POLLIN | EPOLLET | ALWAYS, 5),))])
    assert server.world.mirrors[1].differences == 2
    assert server.items() == {5: (POLLIN | EPOLLET | ALWAYS, 5)}
    server.check()


def test_a_disarmed_item_is_taken_over_disarmed(server: Played) -> None:
    later = server.t + 10**9
    items = (Interest(3, EPOLLONESHOT, 3), Interest(5, POLLIN | ALWAYS, 5))
    server.mirror.feed([snapshot(later, items)])
    server.mirror.feed([snapshot(later + 1, items)])
    assert server.items()[3][0] == EPOLLONESHOT
    assert server.world.mirrors[1].differences == 1


def test_why_somebody_sleeps_is_the_call_that_it_made(server: Played) -> None:
    server.enter("epoll_wait", 4)
    (slept,) = server.kinds(TaskSlept)
    entered = server.log[slept.cause]
    assert isinstance(entered, TrapEntered)
    assert entered.task == 1


def test_what_a_call_has_just_touched_is_not_compared(server: Played) -> None:
    server.mirror.feed([snapshot(server.t + 5, (Interest(3, POLLIN | ALWAYS, 3),))])
    assert server.world.mirrors[1].differences == 0
    assert 5 in server.items()


FDS = st.integers(3, 9)
STEPS = st.one_of(
    st.tuples(st.just("socket"), FDS),
    st.tuples(st.just("epoll_create1"), FDS),
    st.tuples(st.just("pipe2"), FDS),
    st.tuples(st.just("close"), FDS),
    st.tuples(st.just("dup2"), FDS, FDS),
    st.tuples(st.just("ctl"), FDS, st.integers(1, 3), FDS, st.sampled_from([1, 1 | EPOLLET, 1 | EPOLLONESHOT])),
    st.tuples(st.just("wait"), FDS, st.lists(FDS, max_size=3, unique=True), st.integers(1, 3)),
    st.tuples(st.just("sleep"), FDS),
    st.tuples(st.just("accept"), FDS, FDS),
    st.tuples(st.just("recv"), FDS, st.integers(-11, 50)),
    st.tuples(st.just("send"), FDS, st.integers(-11, 50)),
    st.tuples(st.just("fork"), st.integers(10, 12)),
    st.tuples(st.just("end"), st.integers(1, 12)),
)


@given(st.lists(st.tuples(st.sampled_from([1, 2, 10]), STEPS), max_size=40))
def test_any_order_of_calls_leaves_a_sound_world(steps: list[tuple[int, tuple[Any, ...]]]) -> None:
    played = Played()
    for tid, (name, *args) in steps:
        if name in ("socket", "epoll_create1"):
            played.call(name, *((2, 1, 0) if name == "socket" else (0,)), result=args[0], tid=tid)
        elif name == "pipe2":
            played.call(name, (args[0], args[0] + 1), 0, tid=tid)
        elif name == "close":
            played.call(name, args[0], tid=tid)
        elif name == "dup2":
            played.call(name, *args, result=args[1], tid=tid)
        elif name == "ctl":
            epfd, op, fd, mask = args
            played.call("epoll_ctl", epfd, op, fd, (mask, fd), tid=tid)
        elif name == "wait":
            found = tuple((POLLIN, fd) for fd in args[1])
            played.call("epoll_wait", args[0], found, args[2], -1, result=len(found), tid=tid)
        elif name == "sleep":
            played.enter("epoll_wait", args[0], tid=tid)
        elif name == "accept":
            played.call("accept4", args[0], "1.2.3.4:5", 16, 0, result=args[1], tid=tid)
        elif name == "recv":
            played.call("recvfrom", args[0], None, 100, 0, None, None, result=args[1], tid=tid)
        elif name == "send":
            played.call("sendto", args[0], None, 100, 0, None, 0, result=args[1], tid=tid)
        elif name == "fork":
            played.call("fork", result=args[0], tid=tid)
        else:
            played.mirror.feed([Ended(args[0], 0, 0, played.t)])
    played.check()


def test_threads_that_went_with_their_process_do_not_come_back() -> None:
    mirror = Mirror(lambda event: None, "test")
    flags = 0x3D0F00
    mirror.feed([
        Call(7, "clone3", (flags,), 8, 1, 2), Call(8, "futex", (), None, 3, 0, True),
        Call(7, "exit_group", (0,), None, 4, 5), Ended(7, 0, 0, 6), Call(8, "futex", (), None, 3, 7), Ended(8, 0, 0, 8),
    ])  # fmt: skip
    assert list(mirror.world.processes) == [7]
    assert not mirror.world.processes[7].alive
    mirror.feed([Call(9, "clone", (0,), 8, 10, 11), Call(8, "close", (1,), 0, 12, 13)])  # its number is another's now
    assert mirror.world.processes[8].alive


def test_a_thread_that_the_kernel_says_sleeps_is_not_shown_as_ready() -> None:
    mirror = Mirror(lambda event: None, "test")
    t = 10**9
    mirror.feed([Call(7, "close", (3,), 0, t, t + 5), Call(8, "close", (3,), 0, t, t + 5, pid=7)])
    threads = (Thread(7, "S", 202, (), "futex_do_wait"), Thread(8, "R", -1))
    state = ProcessState(7, 1, "x", ("x",), threads, ())
    mirror.feed([Snapshot(t + 10**6, (state,), {})])
    assert mirror.world.tasks[7].state != SLEEPING  # it was heard of just before
    mirror.feed([Snapshot(t + 10**9, (state,), {})])
    assert mirror.world.tasks[7].state == SLEEPING
    assert mirror.world.tasks[7].wchan == "futex_do_wait"
    assert mirror.world.tasks[8].state != SLEEPING
    mirror.feed([Call(7, "close", (4,), 0, t + 2 * 10**9, t + 2 * 10**9)])
    assert mirror.world.tasks[7].state != SLEEPING


def test_descriptors_in_a_message_are_the_files_that_were_sent() -> None:
    events: list[Event] = []
    mirror = Mirror(events.append, "test")
    mirror.feed([
        Call(7, "socketpair", (1, 1, 0, (3, 4)), 0, 1, 2),
        Call(7, "clone", (0,), 8, 3, 4),
        Call(7, "socket", (2, 1, 0), 5, 5, 6),
        Call(7, "sendmsg", (3, (None, (5,)), 0), 1, 7, 8),
        Call(7, "close", (5,), 0, 9, 10),
    ])  # fmt: skip
    sent = mirror.world.sockets  # the message refers to the socket: it is still there
    assert any(row.family == 2 for row in sent.values())
    mirror.feed([Call(8, "recvmsg", (4, (None, (9,)), 0), 1, 11, 12)])
    file = mirror.world.files[mirror.file_of(8, 9)]
    assert mirror.world.sockets[file.obj].family == 2
    assert file.refs == 1
    mirror.feed([Call(8, "recvmsg", (4, (None, (10,)), 0), 1, 13, 14)])  # nobody saw that one being sent
    assert mirror.world.files[mirror.file_of(8, 10)].kind == "socket"
    mirror.feed([Call(8, "close", (9,), 0, 15, 16)])
    assert file.id not in mirror.world.files
    assert not check(mirror.world)


def test_an_instance_that_two_processes_share_is_one_and_doubtful_for_both() -> None:
    mirror = Mirror(lambda event: None, "test")
    t = 10**12
    epolls = [Descriptor(4, "epoll", -1, "anon_inode:[eventpoll]", 2), Descriptor(5, "epoll", -2, "", 2)]

    def shot(at: int, *interests: Interest, seed: bool = False) -> Snapshot:
        from msgspec.structs import replace

        one = replace(epolls[0], interests=interests)
        states = [ProcessState(pid, 1, "x", ("x",), (Thread(pid, "R"),), (one, epolls[1])) for pid in (7, 8)]
        states[1] = replace(states[1], descriptors=(one, replace(epolls[1], inode=-3)))
        return Snapshot(at, tuple(states), {}, (), False, seed)

    mirror.feed([shot(t, seed=True)])
    assert mirror.file_of(7, 4) == mirror.file_of(8, 4)
    assert mirror.file_of(7, 5) != mirror.file_of(8, 5)
    mirror.feed([
        Call(8, "socket", (2, 1, 0), 6, t + 10**9, t + 10**9 + 1, pid=8),
        Call(8, "epoll_ctl", (4, 1, 6, (1, 6)), 0, t + 10**9 + 2, t + 10**9 + 3, pid=8),
    ])  # fmt: skip
    mirror.feed([shot(t + 10**9)])  # taken just then, it may have the item or not, whoever's descriptor was read
    assert mirror.world.mirrors[1].differences == 0
    assert len(mirror.world.epitems) == 1
    mirror.feed([shot(t + 2 * 10**9)])
    assert mirror.world.mirrors[1].differences == 1


def test_who_sleeps_in_poll_stands_on_the_queues_of_all_that_it_asked() -> None:
    mirror = Mirror(lambda event: None, "test")
    mirror.feed([Call(7, "socket", (2, 1, 0), fd, fd, fd + 1) for fd in (3, 4, 5)])
    asks = ((3, 1, None), (5, 1, None), (99, 1, None), (5, 4, None))
    mirror.feed([Call(7, "poll", (asks, 4, -1), None, 10, 0, True)])
    world = mirror.world
    objects = [world.files[mirror.file_of(7, fd)].obj for fd in (3, 5)]
    task = world.tasks[7]
    entries = [world.wait_entries[number] for number in range(task.entry, task.entry + task.entries)]
    assert [entry.queue for entry in entries] == objects
    assert not check(world)
    mirror.feed([Call(7, "poll", (((3, 1, 1),), 4, -1), 1, 10, 20)])
    mirror.feed([Call(7, "select", (5, (4,), (), None, None), None, 30, 0, True)])
    assert world.wait_queues[objects[0]].count == 0
    assert world.tasks[7].entries == 1
    mirror.feed([Call(7, "select", (5, (4,), (), None, None), 1, 30, 40, out=((4,), (), ()))])
    assert not check(world)


def test_spliced_bytes_change_queues_and_nobody_reads_them() -> None:
    events: list[Event] = []
    mirror = Mirror(events.append, "test")
    mirror.feed([
        Call(7, "socket", (2, 1, 0), 3, 1, 2), Call(7, "pipe2", ((4, 5), 0), 0, 3, 4),
        Call(7, "pipe2", ((6, 7), 0), 0, 5, 6),
        Call(7, "splice", (3, None, 5, None, 100, 0), 60, 7, 8),
        Call(7, "tee", (4, 7, 100, 0), 40, 9, 10),
        Call(7, "splice", (4, None, 3, None, 100, 0), 50, 11, 12),
    ])  # fmt: skip
    world = mirror.world
    held = {fd: world.buffers[2 * world.files[mirror.file_of(7, fd)].obj].bytes for fd in (3, 4, 6)}
    assert held == {3: 0, 4: 10, 6: 40}
    assert not any(type(event).__name__ == "BytesCopiedOut" for event in events)
    assert not check(world)
