"""Exceptions as entries: what the CPU refuses, what the kernel makes of it, and that a real kernel does the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ioviz.machine.hardware import instructions
from ioviz.machine.kernel.kernel import Kernel
from ioviz.machine.kernel.signals import HANDLER, IGNORE
from ioviz.model.cpu import ExceptionRaised, refused_vector
from ioviz.model.event import Event
from ioviz.model.idt import DIVIDE_ERROR, GENERAL_PROTECTION, PAGE_FAULT
from ioviz.model.invariants import Checker
from ioviz.model.memory import LAYOUT_64, PAGE_SIZE, PageMapped
from ioviz.model.syscalls import SYS
from ioviz.model.task import ProcessExited
from ioviz.model.trap_steps import registers, steps_of
from ioviz.model.world import World
from tests.cli.programs import ioviz
from tests.machine.kernel.harness import Ran, run

SIGTRAP, SIGFPE, SIGSEGV = 5, 8, 11
KERNEL_TEXT = 0xFFFF_FFFF_8100_0000
LEAST = -(1 << 63)


def ended(ran: Ran) -> tuple[int, int]:
    """(exit code, signal) of the process."""
    event = next(event for event in ran.log if isinstance(event, ProcessExited))
    return event.code, event.signal


def raised(ran: Ran) -> list[tuple[int, int, int]]:
    return [(event.vector, event.address, event.error) for event in ran.log if isinstance(event, ExceptionRaised)]


def mapped(k: Kernel, pages: int = 4, prot: int = 3) -> int:
    address: int = k.syscall(SYS.mmap, 0, pages * PAGE_SIZE, prot, 0x22, -1, 0)
    return address


@pytest.mark.parametrize(
    ("operands", "entry", "signal"),
    [
        ((instructions.load, KERNEL_TEXT), (PAGE_FAULT, KERNEL_TEXT, 5), SIGSEGV),
        ((instructions.store, KERNEL_TEXT, 1), (PAGE_FAULT, KERNEL_TEXT, 7), SIGSEGV),
        ((instructions.load, 8), (PAGE_FAULT, 8, 4), SIGSEGV),
        ((instructions.store, 8, 1), (PAGE_FAULT, 8, 6), SIGSEGV),
        ((instructions.store, LAYOUT_64.text, 1), (PAGE_FAULT, LAYOUT_64.text, 7), SIGSEGV),
        ((instructions.load, 1 << 63), (GENERAL_PROTECTION, 0, 0), SIGSEGV),
        ((instructions.divide, 7, 0), (DIVIDE_ERROR, 0, 0), SIGFPE),
        ((instructions.divide, LEAST, -1), (DIVIDE_ERROR, 0, 0), SIGFPE),
        ((instructions.interrupt, 0x21), (GENERAL_PROTECTION, 0, 0x10A), SIGSEGV),
        ((instructions.interrupt, PAGE_FAULT), (GENERAL_PROTECTION, 0, 0x72), SIGSEGV),
        ((instructions.interrupt, 3), (3, 0, 0), SIGTRAP),
        ((instructions.interrupt, 4), (4, 0, 0), SIGSEGV),
        ((instructions.halt,), (GENERAL_PROTECTION, 0, 0), SIGSEGV),
    ],
)
def test_what_the_cpu_refuses_ends_the_process(
    operands: tuple[int, ...], entry: tuple[int, int, int], signal: int
) -> None:
    ran = run(lambda k: k.execute(*operands))  # type: ignore[arg-type]
    assert raised(ran) == [entry]
    assert ended(ran) == (128 + signal, signal)
    assert ran.code == 128 + signal


def test_the_first_touch_makes_a_page_present() -> None:
    seen = []

    def body(k: Kernel) -> None:
        address = mapped(k)
        for touch in ((instructions.load, address), (instructions.load, address + 1)):
            seen.append([k.execute(*touch), k.execute(*touch)])
        seen.append([k.execute(instructions.store, address, 7), k.execute(instructions.store, address, 7)])
        seen.append([k.execute(instructions.load, address)])
        seen.append([k.execute(instructions.store, address + PAGE_SIZE, 9)])

    ran = run(body)
    assert seen == [[None, 0], [0, 0], [None, 0], [7], [None]], "None: the fault was served, try again"
    assert [error for *_, error in raised(ran)] == [4, 7, 6], "absent; the page of zeros is read-only; absent, write"
    pages = [event for event in ran.log if isinstance(event, PageMapped)]
    assert [(page.frame, page.writable) for page in pages] == [(0, False), (1, True), (2, True)]
    assert ran.reason == "exit"
    assert not ran.kernel.world.memory_pages, "they go with the process"


def test_a_mapping_forbids_what_its_protection_does() -> None:
    ran = run(lambda k: k.execute(instructions.store, mapped(k, prot=1), 1))
    assert ended(ran) == (139, SIGSEGV)
    ran = run(lambda k: k.execute(instructions.load, mapped(k, prot=0)))
    assert ended(ran) == (139, SIGSEGV)
    ran = run(lambda k: k.execute(instructions.load, mapped(k) + 4 * PAGE_SIZE - 1))
    assert ended(ran) == (0, 0)


def test_one_process_cannot_reach_the_memory_of_another() -> None:
    addresses: list[int] = []

    def first(k: Kernel) -> None:
        addresses.append(mapped(k))
        k.execute(instructions.store, addresses[0], 5)
        k.syscall(SYS.clock_nanosleep, 10**6)

    def second(k: Kernel) -> None:
        k.execute(instructions.load, addresses[0])

    ran = run(first, second)
    assert [(event.pid, event.signal) for event in ran.log if isinstance(event, ProcessExited)] == [(102, 11), (101, 0)]


def test_a_handler_that_returns_leads_back_to_the_same_instruction() -> None:
    marked: list[int] = []

    def body(k: Kernel) -> None:
        k.syscall(SYS.rt_sigaction, SIGSEGV, HANDLER, marked.append)
        for _ in range(3):
            assert k.execute(instructions.load, 0) is None
        k.syscall(SYS.rt_sigaction, SIGSEGV, IGNORE, None)
        k.execute(instructions.load, 0)

    ran = run(body)
    assert marked == [SIGSEGV] * 3
    assert ended(ran) == (139, SIGSEGV), "what is ignored ends it all the same"


def test_a_handler_that_never_helps_is_an_endless_loop() -> None:
    def body(k: Kernel) -> None:
        k.syscall(SYS.rt_sigaction, SIGFPE, HANDLER, lambda number: None)
        while k.execute(instructions.divide, 1, 0) is None:
            pass

    ran = run(body)
    assert (ran.reason, ran.code) == ("limit", 124)
    assert "returns to the instruction that failed" in ran.kernel.world.runs[1].message


def test_the_world_is_right_after_every_event() -> None:
    def body(k: Kernel) -> None:
        address = mapped(k, 3)
        for offset in (0, 5, PAGE_SIZE, 2 * PAGE_SIZE):
            while k.execute(instructions.store, address + offset, 1) is None:
                pass
        mapped(k)
        k.execute(instructions.divide, 1, 0)

    world = World()
    checker = Checker(world)
    for event in run(body, body).log:
        event.apply(world)
        assert checker.after(event) == [], event


def test_mmap_says_what_it_cannot_do() -> None:
    results = []

    def body(k: Kernel) -> None:
        for length, flags in ((0, 0x22), (1 << 40, 0x22), (4096, 0x02), (1, 0x22), (1, 0x22)):
            results.append(k.syscall(SYS.mmap, 0, length, 3, flags, -1, 0))

    run(body)
    assert results[:3] == [-22, -12, -19]
    assert results[3] - results[4] == PAGE_SIZE, "downward, in whole pages"


def names(event: Event) -> list[str]:
    return [step.name for step in steps_of(event)]


def test_the_steps_of_an_exception() -> None:
    fault = ExceptionRaised(0, 0, 1, 101, -1, 0, 1 << 16 | 3, PAGE_FAULT, KERNEL_TEXT, 5)
    assert names(fault) == ["vector", "cr2", "idt", "stack", "frame", "error", "if", "handler"]
    gate = ExceptionRaised(0, 0, 1, 101, -1, 0, 1 << 16 | 3, GENERAL_PROTECTION, 0, 0x10A)
    assert refused_vector(gate.error) == 0x21
    assert names(gate)[:4] == ["named", "dpl", "idt", "stack"]
    assert "dpl" in names(ExceptionRaised(0, 0, 1, 101, -1, 0, 1 << 16 | 3, 3))
    after = registers(fault, 8)
    assert after is not None
    assert (after.ring, after.rip, after.intr, after.saved) == (0, "asm_exc_page_fault", False, True)


PROGRAM = """
import sys, ioviz
address = ioviz.allocate(2)
print(ioviz.peek(address), end=" ")
ioviz.poke(address + 4097, 200)
print(ioviz.peek(address + 4097), ioviz.divide(-7, 2), ioviz.interrupt(0x80) == __import__("os").getpid(), flush=True)
{0}
print("still there")
"""
DEEDS = {
    "nothing": "",
    "kernel": "ioviz.peek(0xffffffff81000000)",
    "null": "ioviz.poke(8, 1)",
    "no address": "ioviz.peek(1 << 63)",
    "after the end": "ioviz.peek(address + (1 << 45))",
    "division": "ioviz.divide(1, 0)",
    "overflow": "ioviz.divide(-1 << 63, -1)",
    "python": "\ntry:\n    1 // 0\nexcept ZeroDivisionError:\n    print('Python looks first')",
    "gate": "ioviz.interrupt(0x21)",
    "breakpoint": "ioviz.interrupt(3)",
    "halt": "ioviz.halt()",
    "faults": """
import resource
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def touched(what, start):
    before = faults()
    for page in range(64):
        what(start + page * 4096)
    return faults() - before
def store(place):
    ioviz.poke(place, 1)
def in_32(what, start):
    return touched(what, start) // 32  # Python's own memory may bring a few faults more
new, other = ioviz.allocate(64), ioviz.allocate(64)
print([in_32(what, new) for what in (ioviz.peek, ioviz.peek, store, store)], in_32(store, other), in_32(store, other))
""",
    "switches": """
import os, resource, time
def switches(what, times):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
    for _ in range(times):
        what()
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before
print(switches(os.getppid, 500), switches(lambda: time.sleep(0.01), 5) >= 5)
""",
    "ignored": "import signal; signal.signal(signal.SIGSEGV, signal.SIG_IGN); ioviz.peek(0)",
    "trap": "import signal; signal.signal(signal.SIGTRAP, lambda *_: print('trapped')); ioviz.interrupt(3)",
    "faulthandler": "import faulthandler; faulthandler.enable(); ioviz.peek(0)",
    "bad byte": "ioviz.poke(address, 256)",
    "bad vector": "ioviz.interrupt(256)",
    "bad call": "ioviz.interrupt(0x80, 4)",
}


@pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="needs a real Linux on x86-64")
@pytest.mark.parametrize("deed", DEEDS)
def test_a_program_fares_as_on_the_real_kernel(deed: str, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM.format(DEEDS[deed]))
    command = [sys.executable, str(path)]
    package = Path(__file__).resolve().parents[3]
    env = {**os.environ, "PYTHONPATH": str(package)}
    real = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path, check=False, timeout=30)
    simulated = ioviz("exec", path, cwd=tmp_path)
    assert simulated.out == real.stdout
    assert simulated.code == (128 - real.returncode if real.returncode < 0 else real.returncode)
    first = real.stderr.splitlines()[:1]
    assert [line for line in first if line not in simulated.err] == []
