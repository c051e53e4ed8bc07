"""Memory against a plain dict: whatever a program writes to which page and when, it reads again."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ioviz.machine.hardware import instructions
from ioviz.machine.kernel.kernel import Kernel
from ioviz.model.cpu import ExceptionRaised
from ioviz.model.invariants import Checker
from ioviz.model.memory import PAGE_SIZE, PageMapped
from ioviz.model.syscalls import SYS
from ioviz.model.world import World
from tests.machine.kernel.harness import run

PAGES = 4
OFFSETS = st.integers(0, PAGES * PAGE_SIZE - 1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("peek"), st.integers(0, 1), OFFSETS, st.just(0)),
        st.tuples(st.just("poke"), st.integers(0, 1), OFFSETS, st.integers(0, 255)),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_memory_keeps_what_is_written(steps: list[tuple[str, int, int, int]]) -> None:
    wrong: list[Any] = []

    def body(k: Kernel) -> None:
        starts = [k.syscall(SYS.mmap, 0, PAGES * PAGE_SIZE, 3, 0x22, -1, 0) for _ in range(2)]
        memory: dict[int, int] = {}
        for what, which, offset, value in steps:
            address = starts[which] + offset
            if what == "poke":
                while k.execute(instructions.store, address, value) is None:
                    pass
                memory[address] = value
            else:
                while (found := k.execute(instructions.load, address)) is None:
                    pass
                if found != memory.get(address, 0):
                    wrong.append((what, which, offset, found))

    log = run(body).log
    assert not wrong
    world, checker = World(), Checker(World())
    checker.world = world
    for event in log:
        event.apply(world)
        assert checker.after(event) == [], event
    touched = {(which, offset // PAGE_SIZE) for _, which, offset, _ in steps}
    written = {(which, offset // PAGE_SIZE) for what, which, offset, _ in steps if what == "poke"}
    faults = sum(isinstance(event, ExceptionRaised) for event in log)
    own = sum(isinstance(event, PageMapped) and event.writable for event in log)
    assert own == len(written), "a page of its own for each that was written"
    assert len(touched) <= faults <= len(touched) + len(written), "one at the first touch, one more if that only read"
