"""What waits between strace and the stage: nothing is lost, and what says least is passed over without being read."""

from __future__ import annotations

from ioviz.live.calls import Call, Ended, Item, LeftOut
from ioviz.live.snapshot import Snapshot
from ioviz.live.strace_feed import Feed

READ = '7 1700000000.{n:06} read(5, ""..., 100) = 3 <0.000010>\n'
CLOSE = "7 1700000000.{n:06} close(5) = 0 <0.000010>\n"


def calls(items: list[Item]) -> list[tuple[str, bool]]:
    return [(item.name, item.entered_only) for item in items if isinstance(item, Call)]


def test_a_line_that_comes_in_pieces_is_one_call() -> None:
    feed = Feed(hides=False)
    text = (READ + CLOSE).format(n=1).encode()
    ended = sum(feed.read(text[at : at + 7]) for at in range(0, len(text), 7))
    assert ended == 2
    assert calls(feed.take(10)) == [("read", False), ("close", False)]
    assert feed.take(10) == []


def test_a_call_that_sleeps_is_told_once_and_then_whole() -> None:
    feed = Feed(hides=False)
    feed.read(b"7 1700000000.000001 epoll_wait(4, ")
    feed.sleeps()
    assert calls(feed.take(10)) == [("epoll_wait", True)]
    feed.read(b"[], 16, 100) = 0 <0.100001>\n")
    assert calls(feed.take(10)) == [("epoll_wait", False)]


def test_what_is_passed_over_is_counted_and_changes_are_kept() -> None:
    feed = Feed(hides=False)
    for n in range(1000):
        feed.read((CLOSE if n % 10 == 0 else READ).format(n=n).encode())
    unfinished = "7 1700000001.000000 read(5,  <unfinished ...>\n"
    feed.read(unfinished.encode())
    feed.put([Ended(9), Snapshot(0, (), {})])
    feed.read((READ.format(n=1) * 50).encode())
    first, *items = feed.skim(frozenset({"read", "write"}), 50)
    assert first == LeftOut(900)
    assert calls(items[:100]) == [("close", False)] * 100
    assert calls(items[100:101]) == [("read", True)]
    assert items[101:103] == [Ended(9), Snapshot(0, (), {})]
    assert calls(items[103:]) == [("read", False)] * 50
    assert feed.skim(frozenset({"read"}), 50) == [LeftOut(0)]


def test_what_the_launcher_does_is_hidden_until_the_program_is_there() -> None:
    feed = Feed(hides=True)
    feed.read(b'7 1700000000.000001 read(3, ""..., 1) = 1 <0.000010>\n')
    feed.read(b'7 1700000000.000002 execve("/bin/x", ["x"], 0x7ffd) = -1 ENOENT (No such file) <0.000010>\n')
    assert feed.take(1) == []
    feed.read(b'7 1700000000.000003 execve("/usr/bin/x", ["x"], 0x7ffd) = 0 <0.000010>\n')
    feed.read(CLOSE.format(n=4).encode())
    assert calls(feed.take(1)) == [("execve", False)]
    assert calls(feed.take(1)) == [("close", False)]


def test_what_stands_behind_the_last_newline_belongs_to_it() -> None:
    feed = Feed(hides=False)
    feed.read(CLOSE.format(n=1).encode()[:-1])
    feed.finish()
    feed.close()
    assert not feed.empty
    assert calls(feed.take(10)) == [("close", False)]
    assert feed.empty
