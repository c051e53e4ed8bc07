"""epoll and the lives of open files: dup, close, ghosts, nested instances, on the simulated and on the real kernel."""

from __future__ import annotations

from typing import Any

import pytest

from tests.machine.kernel.two_kernels import ADD, DEL, ET, IN, MOD, Calls, Found, agree, errno_name, on_simulated


def data(found: Found) -> Any:
    return found if isinstance(found, int) else sorted(tag for tag, _ in found)


def test_a_ghost_reports_under_a_dead_number() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        ep = s.epoll()
        s.ctl(ep, ADD, reader, IN, 1)
        copy = s.dup(reader)
        s.close(reader)
        s.write(writer, b"x")
        seen: list[Any] = [data(s.wait(ep)), errno_name(s.ctl(ep, DEL, reader)), errno_name(s.ctl(ep, MOD, reader, IN))]
        seen += [errno_name(s.ctl(ep, DEL, copy)), s.ctl(ep, ADD, copy, IN, 2), data(s.wait(ep))]
        s.close(copy)
        s.write(writer, b"y")
        return [*seen, data(s.wait(ep))]

    agree(script, [[1], "EBADF", "EBADF", "ENOENT", 0, [1, 2], []])


def test_reuse_of_the_number_does_not_stop_the_ghost() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        other, _ = s.pipe()
        ep = s.epoll()
        s.ctl(ep, ADD, reader, IN, 1)
        copy = s.dup(reader)
        s.dup2(other, reader)
        s.write(writer, b"x")
        seen = [data(s.wait(ep)), errno_name(s.ctl(ep, DEL, reader)), s.ctl(ep, ADD, reader, IN, 2), data(s.wait(ep))]
        s.close(copy)
        return [*seen, data(s.wait(ep))]

    agree(script, [[1], "ENOENT", 0, [1], []])


def test_a_file_and_its_copy_are_two_items() -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.pipe()
        copy = s.dup(reader)
        ep = s.epoll()
        s.ctl(ep, ADD, reader, IN, 1)
        s.ctl(ep, ADD, copy, IN, 2)
        s.write(writer, b"x")
        seen = [data(s.wait(ep))]
        s.close(copy)
        return [*seen, data(s.wait(ep))]

    agree(script, [[1, 2], [1, 2]])


@pytest.mark.parametrize("how", ["close", "dup2"])
def test_the_last_close_removes_the_item_silently(how: str) -> None:
    def script(s: Calls) -> Any:
        reader, writer = s.unix()
        other, _ = s.pipe()
        ep = s.epoll()
        s.ctl(ep, ADD, reader, IN, 1)
        s.write(writer, b"x")
        if how == "close":
            s.close(reader)
        else:
            s.dup2(other, reader)
        s.write(writer, b"y")
        return data(s.wait(ep))

    agree(script, [])
    world = on_simulated(script)[1].kernel.world
    assert not world.epitems
    assert not world.rb_nodes


def test_the_number_can_be_added_anew_after_a_close() -> None:
    def script(s: Calls) -> Any:
        reader, _ = s.pipe()
        ep = s.epoll()
        s.ctl(ep, ADD, reader, IN)
        s.close(reader)
        again, writer = s.pipe()
        s.write(writer, b"x")
        return again == reader, s.ctl(ep, ADD, again, IN, 5), data(s.wait(ep))

    agree(script, (True, 0, [5]))


def test_closing_the_instance_forgets_all_its_items() -> None:
    def script(s: Calls) -> Any:
        pairs = [s.pipe() for _ in range(20)]
        ep, other = s.epoll(), s.epoll()
        for number, (reader, _) in enumerate(pairs):
            s.ctl(ep, ADD, reader, IN, number)
            s.ctl(other, ADD, reader, IN, number)
        for _, writer in pairs[:3]:
            s.write(writer, b"x")
        s.close(ep)
        return data(s.wait(other))

    agree(script, [0, 1, 2])


# -- nested instances


def nest(s: Calls, inner_events: int, outer_events: int) -> tuple[int, int, int, int]:
    reader, writer = s.pipe()
    inner, outer = s.epoll(), s.epoll()
    s.ctl(inner, ADD, reader, inner_events, 1)
    s.ctl(outer, ADD, inner, outer_events, 2)
    return reader, writer, inner, outer


def test_an_outer_level_fires_until_the_inner_one_is_drained() -> None:
    def script(s: Calls) -> Any:
        reader, writer, inner, outer = nest(s, IN, IN)
        seen = [data(s.wait(outer))]
        s.write(writer, b"x")
        seen += [data(s.wait(outer)), data(s.wait(inner)), data(s.wait(outer))]
        s.read(reader, 9)
        return [*seen, data(s.wait(outer))]

    agree(script, [[], [2], [1], [2], []])


def test_an_outer_level_over_an_inner_edge_fires_until_the_inner_wait() -> None:
    def script(s: Calls) -> Any:
        _, writer, inner, outer = nest(s, IN | ET, IN)
        s.write(writer, b"x")
        return data(s.wait(outer)), data(s.wait(outer)), data(s.wait(inner)), data(s.wait(outer))

    agree(script, ([2], [2], [1], []))


def test_an_outer_edge_fires_at_each_callback_of_the_inner_one() -> None:
    def script(s: Calls) -> Any:
        _, writer, _, outer = nest(s, IN, IN | ET)
        seen = []
        for _ in range(2):
            s.write(writer, b"x")
            seen += [data(s.wait(outer)), data(s.wait(outer))]
        return seen

    agree(script, [[2], [], [2], []])


def test_an_instance_can_be_polled() -> None:
    def script(s: Calls) -> Any:
        reader, writer, inner, _ = nest(s, IN, IN)
        seen = [s.select([inner], [], []) == ([], [], [])]
        s.write(writer, b"x")
        seen.append(s.select([inner], [], []) == ([inner], [], []))
        s.read(reader, 9)
        return [*seen, s.poll([(inner, IN)]) == []]

    agree(script, [True, True, True])
