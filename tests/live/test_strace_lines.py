"""Lines of strace: every way of writing PIDs and times, calls in pieces, and whatever else a file may hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioviz.live.calls import Call, Ended, Item
from ioviz.live.strace_lines import KNOWN, NAMELESS, Lines

RAW_CTL = "epoll_ctl(4, 0x1, 6, {events=0x80000001, data={u32=6, u64=6}}) = 0"
NAMED_CTL = "epoll_ctl(4, EPOLL_CTL_ADD, 6, {events=EPOLLIN|EPOLLET, data={u32=6, u64=6}}) = 0"


def items(*lines: str, rest: str = "") -> list[Any]:
    parser, out = Lines(), []  # type: tuple[Lines, list[Any]]
    for line in lines:
        parser.feed(line, out)
    parser.finish(out, rest)
    assert not parser.unknown, parser.first_unknown
    return out


@pytest.mark.parametrize("text", [RAW_CTL, NAMED_CTL])
@pytest.mark.parametrize(
    ("prefix", "tid", "start"),
    [
        ("", NAMELESS, 0),
        ("[pid  4711] ", 4711, 0),
        ("4711  ", 4711, 0),
        ("4711 1795423720.059006 ", 4711, 1795423720_059006_000),
        ("[pid 4711] 10:11:12 ", 4711, (10 * 3600 + 11 * 60 + 12) * 10**9),
        ("4711 10:11:12.000345 ", 4711, (10 * 3600 + 11 * 60 + 12) * 10**9 + 345_000),
        ("     0.000120 ", NAMELESS, 120_000),
    ],
)
def test_every_prefix_and_both_ways_to_write_flags(prefix: str, tid: int, start: int, text: str) -> None:
    (call,) = items(prefix + text)
    assert (call.tid, call.start) == (tid, start)
    assert (call.name, call.args, call.result) == ("epoll_ctl", (4, 1, 6, (0x80000001, 6)), 0)


def test_relative_times_add_up_and_midnight_passes() -> None:
    first, second = items("     0.000100 close(3) = 0", "     0.000200 close(4) = 0")
    assert (first.start, second.start) == (100_000, 300_000)
    before, after = items("23:59:59.900000 close(3) = 0", "00:00:00.100000 close(4) = 0")
    assert after.start - before.start == 200_000_000


def test_a_call_in_pieces_is_entered_and_then_whole() -> None:
    entered, other, whole = items(
        "7 1795423720.062375 epoll_wait(4,  <unfinished ...>",
        "8 1795423720.062397 close(7)            = 0 <0.000005>",
        "7 1795423720.067749 <... epoll_wait resumed>[{events=0x1, data={u32=3, u64=3}}], 1023, -1) = 1 <0.005367>",
    )
    assert entered.entered_only
    assert entered.args == (4,)
    assert other.name == "close"
    assert (whole.args, whole.result) == ((4, ((1, 3),), 1023, -1), 1)
    assert whole.end - whole.start == 5_367_000
    assert whole.start == entered.start


def test_a_resumed_call_whose_beginning_is_missing_has_no_arguments() -> None:
    (call,) = items('7 <... recvfrom resumed>""..., 10, 0, NULL, NULL) = 5')
    assert (call.name, call.args, call.result, call.entered_only) == ("recvfrom", (), 5, False)


def test_a_log_that_ends_inside_a_call() -> None:
    (call,) = items(rest="7 1795423720.062375 epoll_wait(4, ")
    assert (call.name, call.args, call.entered_only, call.result) == ("epoll_wait", (4,), True, None)
    (whole,) = items(rest="7 close(4) = 0")
    assert whole.result == 0


def test_what_poll_found_stands_behind_its_result_and_before_the_time_it_took() -> None:
    (call,) = items("7 1795423720.062375 poll([{fd=3, events=0x1}], 1, -1) = 1 ([{fd=3, revents=0x1}]) <0.000006>")
    assert call.args == (((3, 1, 1),), 1, -1)
    assert call.end - call.start == 6_000
    (call,) = items("7 1795423720.062375 select(4, [3], NULL, NULL, NULL) = 1 (in [3]) <0.000006>")
    assert call.out == ((3,), (), ())
    assert not items("7 1795423720.062375 poll([{fd=3, events=0x1}], 1, -1) = 1 ([{fd=3, <0.000006>")[1:]


def test_a_call_during_which_strace_let_go() -> None:
    (call,) = items("7 12:45:50.761887 epoll_ctl(4, EPOLL_CTL_DEL, 21, 0x7ffd37142c44 <detached ...>")
    assert (call.name, call.args[:3], call.entered_only) == ("epoll_ctl", (4, 2, 21), True)


@pytest.mark.parametrize(
    ("line", "args", "result"),
    [
        ('accept4(3, {sa_family=0x2, sin_port="\\xe1\\xe6", sin_addr="\\x7f\\x00\\x00\\x01"}, [16], 0x80000) = 6',
         (3, "127.0.0.1:57830", 16, 0x80000), 6),
        ('accept4(3, {sa_family=AF_INET, sin_port=htons(57830), sin_addr=inet_addr("127.0.0.1")}, [128 => 16], '
         "SOCK_CLOEXEC) = 6", (3, "127.0.0.1:57830", 16, 0o2000000), 6),
        ('connect(5, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), '
         'inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}, 28) = -1 EINPROGRESS (Operation now in progress)',
         (5, "[::1]:80", 28), -115),
        ('connect(5, {sa_family=AF_UNIX, sun_path="/run/x"}, 110) = 0', (5, "/run/x", 110), 0),
        ('bind(5, {sa_family=AF_UNIX, sun_path=@"abc"}, 6) = 0', (5, "@abc", 6), 0),
        ("accept4(3, 0x7ffdbfd63e60, [16], 0x80000) = -1 EAGAIN (Resource temporarily unavailable)",
         (3, None, 16, 0x80000), -11),
        ("epoll_wait(4, [{events=EPOLLIN|EPOLLHUP, data={u32=5, u64=8589934597}}, {events=EPOLLOUT, data={u32=6, "
         "u64=6}}], 1023, -1) = 2", (4, ((17, 8589934597), (4, 6)), 1023, -1), 2),
        ("epoll_ctl(4<anon_inode:[eventpoll]>, EPOLL_CTL_MOD, 5<TCP:[1.2.3.4:80->1.2.3.5:9]>, {events=EPOLLIN|EPOLLET, "
         "data={u32=5, u64=5}}) = 0", (4, 3, 5, (0x80000001, 5)), 0),
        ('sendto(5<socket:[77]>, "a\\"b\\n"..., 4096, MSG_DONTWAIT|MSG_NOSIGNAL, NULL, 0) = 3',
         (5, None, 4096, 0x4040, None, 0), 3),
        ("close(4<TCP:[127.0.0.1:80->127.0.0.1:4711]>) = 0", (4,), 0),
        ("socketpair(0x1, 0x1|0x80000, 0, [5, 6]) = 0", (1, 0x80001, 0, (5, 6)), 0),
        ("pipe2([3, 4], O_CLOEXEC) = 0", ((3, 4), 0o2000000), 0),
        ("poll([{fd=3, events=POLLIN}, {fd=5, events=POLLIN|POLLOUT}], 2, -1) = 1 ([{fd=5, revents=POLLOUT}])",
         (((3, 1, 0), (5, 5, 4)), 2, -1), 1),
        ("clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f) = 77",
         (0x1200011,), 77),
        ("clone3({flags=0x3d0f00, exit_signal=0} => {parent_tid=[28887]}, 88) = 28887", (0x3D0F00,), 28887),
        ('execve("/bin/sh", ["sh", "/usr/lib/some/very/long/name/of/"...], 0x7ffc /* 25 vars */) = 0',
         ("/bin/sh", ("sh", "/usr/lib/some/very/long/name/of/…"), None), 0),
        ('execve("/usr/bin/python3", ["python3", "a.py"], 0x7ffc /* 25 vars */) = 0',
         ("/usr/bin/python3", ("python3", "a.py"), None), 0),
        ("epoll_wait(4, [], 64, 100) = 0", (4, (), 64, 100), 0),
        ("fcntl(5, F_SETFL, O_RDWR|O_NONBLOCK) = 0", (5, 4, 0o4002), 0),
        ("ioctl(3, FIONBIO, [1]) = 0", (3, 0x5421, 1), 0),
        ("exit_group(0) = ?", (0,), None),
        ("epoll_wait(4, 0x7ffc, 64, -1) = ? ERESTARTSYS (To be restarted …)", (4, None, 64, -1), -512),
    ],
)  # fmt: skip
def test_arguments_have_one_form(line: str, args: tuple[Any, ...], result: int | None) -> None:
    (call,) = items(line)
    assert call.args == args
    assert call.result == result


def test_select_gives_its_sets_and_data_is_what_was_shown() -> None:
    (call,) = items(
        "select(6, [3 5], [4], NULL, {tv_sec=1, tv_usec=5}) = 2 (in [3], out [4], left {tv_sec=0, tv_usec=9})"
    )
    assert call.args == (6, (3, 5), (4,), None, 1_000_005_000)
    assert call.out == ((3,), (4,), ())
    (sent,) = items('sendto(5, "he\\nl\\303\\251", 6, MSG_NOSIGNAL, NULL, 0) = 6')
    assert sent.data == b"he\nl\xc3\xa9"
    (hidden,) = items('recvfrom(5, ""..., 100, 0, NULL, NULL) = 6')
    assert hidden.data is None


def test_descriptors_that_come_in_a_message() -> None:
    (call,) = items(
        'recvmsg(5, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="x", iov_len=1}], msg_iovlen=1, msg_control='
        "[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[7, 8]}], msg_controllen=24, "
        "msg_flags=0}, 0) = 1"
    )
    assert call.args[1] == (None, (7, 8))


def test_a_message_of_strace_in_the_middle_of_a_line() -> None:
    entered, other = items(
        "futex(0x7f, 0, 0, NULL, 1strace: Process 8 attached", " <unfinished ...>", "[pid 8] close(3) = 0"
    )
    assert (entered.name, entered.entered_only) == ("futex", True)
    assert (other.tid, other.result) == (8, 0)


def test_ends_of_threads() -> None:
    assert items("7 +++ exited with 3 +++", "8 +++ killed by SIGSEGV (core dumped) +++") == [
        Ended(7, 3, 0, 0),
        Ended(8, 0, 11, 0),
    ]


def test_what_strace_itself_says_is_kept_and_signals_are_passed_over() -> None:
    parser, out = Lines(), []  # type: tuple[Lines, list[Any]]
    for line in (
        "strace: Process 7 attached",
        "--- SIGCHLD {si_signo=SIGCHLD} ---",
        "+++ superseded by execve in pid 7 +++",
    ):
        parser.feed(line, out)
    assert (out, parser.unknown, parser.messages) == ([], 0, ["Process 7 attached"])


def test_lines_that_are_none_are_counted() -> None:
    parser, out = Lines(), []  # type: tuple[Lines, list[Any]]
    for line in ("hello", "close(3) = 0", 'read(3, "abc', "x" * (1 << 21)):
        parser.feed(line, out)
    assert parser.unknown == 3
    assert parser.first_unknown == (1, "hello")
    assert len(out) == 1


@given(st.lists(st.text(max_size=200), max_size=5))
def test_any_text_is_taken(lines: list[str]) -> None:
    parser, out = Lines(), []  # type: tuple[Lines, list[Any]]
    for line in lines:
        parser.feed(line, out)
    parser.finish(out, "x(")


GOOD = [
    "7 1795423720.062375 epoll_wait(4, [{events=0x1, data={u32=3, u64=3}}], 1023, -1) = 1 <0.000010>",
    'accept4(3, {sa_family=AF_INET, sin_port=htons(5), sin_addr=inet_addr("1.2.3.4")}, [16], SOCK_CLOEXEC) = 6',
    'recvmsg(5, {msg_name=NULL, msg_iov=[{iov_base="x", iov_len=1}], msg_control=[{cmsg_data=[7]}]}, 0) = 1',
    "[pid 7] 10:11:12 <... poll resumed>[{fd=3, events=POLLIN}], 1, 10) = 1 ([{fd=3, revents=POLLIN}])",
]


@given(st.sampled_from(GOOD), st.data())
def test_a_line_that_was_damaged_gives_a_call_or_is_counted(line: str, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(line)))
        cut = data.draw(st.integers(0, 6))
        line = line[:at] + data.draw(st.text('[]{}()=,"\\|0x9-? <>.a', max_size=4)) + line[at + cut :]
    parser, out = Lines(), []  # type: tuple[Lines, list[Any]]
    parser.feed(line, out)
    assert all(isinstance(item, (Call, Ended)) for item in out)


def test_a_forged_nesting_is_refused() -> None:
    parser, out = Lines(), []  # type: tuple[Lines, list[Any]]
    parser.feed(f"poll({'[' * 500_000}, 1) = 0", out)
    assert parser.unknown == 1


BODIES = (
    'read(5, "GET", 100) = 3', 'read(5, "a <b> = 1", 100) = 9', "epoll_wait(4, [], 16, 0) = 0 (Timeout)",
    "accept4(4, NULL, NULL, 0) = -1 EAGAIN (Resource temporarily unavailable)", 'write(5, "x.y", 3) = 3',
    "poll([{fd=3, events=POLLIN}], 1, 0) = 1 ([{fd=3, revents=POLLIN}])", "read(5,  <unfinished ...>",
    '<... read resumed>"x", 10) = 1', "+++ exited with 0 +++", "close(5) = 0", "getpid() = ?",
)  # fmt: skip
TIMES = ("1700000000.000001", "1700000000.5", "23:59:59.999999", "00:00:00.000001", "12:00:00", "1700000001.000002")
TAILS = (" <0.000010>", " <0.123456>", " <1.000010>", " <0.00001>", "", " <0.000010", " <٠.٠٠٠٠١٠>")


@given(st.lists(st.tuples(st.sampled_from(["7 ", "7   ", "8 ", "[pid 7] ", ""]), st.sampled_from(TIMES),
                          st.sampled_from(BODIES), st.sampled_from(TAILS)), max_size=60))  # fmt: skip
def test_a_line_means_the_same_whether_its_like_was_seen_before(parts: list[tuple[str, str, str, str]]) -> None:
    quick, slow = Lines(), Lines()
    slow._learns = False
    for number, time, body, tail in parts:
        line = f"{number}{time} {body}{tail}"
        one: list[Item] = []
        other: list[Item] = []
        quick.feed(line, one)
        slow.feed(line, other)
        assert one == other, line


def test_a_busy_server_is_understood_by_what_is_known() -> None:
    lines = Lines()
    out: list[Item] = []
    for n in range(20_000):
        lines.feed(f'7 1700000000.{n:06} read({n % 100}, "x", 100) = 1 <0.000{n % 1000:03}>', out)
    assert lines._hits == 20_000 - 100
    for n in range(3 * KNOWN):  # and one that never says the same twice is not remembered
        lines.feed(f'7 1700000000.000001 read({n}, "y", 100) = 1 <0.000001>', out)
    assert not lines._learns
    assert len(lines._known) <= KNOWN


@pytest.mark.parametrize(
    ("line", "name", "args", "result"),
    [
        ("7<redis-server> 1700000000.000001 close(3) = 0 <0.000010>", "close", (3,), 0),
        ("[pid 7<a b>] close(3) = 0", "close", (3,), 0),
        ("7 18:51:14.096836 [   3] [00007fa5938d6ad7] close(3) = 0", "close", (3,), 0),
        ("7 18:49:48 umask(0777) = 022", "umask", (777,), 0o22),
        ("7 umask(0777) = 022", "umask", (777,), 0o22),
        ("18:52:20.706232 epoll_pwait(9,  <unfinished ...>) = ?", "epoll_pwait", (9,), None),
    ],
)
def test_what_other_flags_make_of_a_line(line: str, name: str, args: tuple[int, ...], result: int | None) -> None:
    (call,) = items(line)
    assert (call.name, call.args, call.result) == (name, args, result)


def test_a_thread_that_ends_inside_a_call() -> None:
    entered, whole = items("7 epoll_pwait(9,  <unfinished ...>", "7 <... epoll_pwait resumed> <unfinished ...>) = ?")
    assert entered.entered_only
    assert (whole.args, whole.result, whole.entered_only) == ((9,), None, False)


def test_stacks_and_counts_are_passed_over() -> None:
    lines = [
        "7 close(3) = 0",
        " > /usr/lib/x86_64-linux-gnu/libc.so.6(__close+0x17) [0x10d7f7]",
        "% time     seconds  usecs/call     calls    errors syscall",
        "------ ----------- ----------- --------- --------- ----------------",
        " 24.22    0.000583           1       351           mmap",
        "100.00    0.002407           0      2735        73 total",
    ]
    assert len(items(*lines)) == 1
