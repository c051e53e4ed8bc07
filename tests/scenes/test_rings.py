"""What the scene `rings` claims."""

from __future__ import annotations

import platform
import signal
import subprocess
import sys

import pytest

from ioviz.model.cpu import ExceptionRaised, ExceptionReturned, TrapEntered
from ioviz.model.memory import ByteStored, PageMapped, byte_at, fault_of, layout_of, region_at
from ioviz.model.task import ProcessExited
from tests.scenes.played import Played, play, shown

PRESENT_FROM_USER = 5
"""The page is there, and ring 3 may not use it."""


def both(scene: Played) -> tuple[int, int]:
    """The process that keeps the 1 and the one that keeps the 2."""
    stored = {event.value: event.pid for event in scene.of(ByteStored)}
    return stored[1], stored[2]


def test_one_address_two_values_in_two_pages() -> None:
    scene = play("rings")
    first, second = both(scene)
    (address,) = {event.address for event in scene.of(ByteStored)}
    world = scene.at("The same address, another memory")
    assert (byte_at(world, first, address), byte_at(world, second, address)) == (1, 2)
    frames = [event.frame for event in scene.of(PageMapped)]
    assert len(set(frames)) == 2


def test_a_system_call_keeps_cr3_and_a_switch_of_processes_changes_it() -> None:
    scene = play("rings")
    first, second = both(scene)
    assert scene.at("At this address is 1").page_tables[1] == first
    assert scene.at("At this address is 1").cpus[1].ring == 3
    inside = scene.at("Into ring 0, with the same page tables")
    assert (inside.cpus[1].ring, inside.page_tables[1]) == (0, first)
    assert scene.at("The same address, another memory").page_tables[1] == second


def test_the_kernel_is_mapped_and_closed_in_every_process() -> None:
    scene = play("rings")
    world = scene.at("It knows the address")
    (event,) = scene.of(ExceptionRaised, "thief.py")
    address = event.address
    assert event.error == PRESENT_FROM_USER
    for pid in (*both(scene), scene.pid("thief.py")):
        assert region_at(world, pid, address) is not None
        assert fault_of(world, pid, address, False) == PRESENT_FROM_USER


def test_two_die_and_nobody_else_notices() -> None:
    scene = play("rings")
    ended = {event.pid: event.signal for event in scene.of(ProcessExited)}
    first, second = both(scene)
    assert (ended[scene.pid("thief.py")], ended[scene.pid("usurper.py")]) == (11, 11)
    assert (ended[first], ended[second]) == (0, 0)
    assert scene.printed("usurper.py") == "stopping the CPU\n"
    assert scene.printed("mine.py").splitlines()[2].endswith(" is 1")
    assert scene.printed("mine.py").splitlines()[3].endswith(" is 2")


@pytest.mark.parametrize(("bits", "own"), [("32", 3 << 30), ("64", 1 << 47)])
def test_how_large_the_halves_are(bits: str, own: int) -> None:
    scene = play("rings", bits=bits)
    layout = layout_of(scene.at("A page of its own"))
    assert layout.user_end == own
    if bits == "32":
        assert layout.kernel_end - layout.kernel_start == 1 << 30
    killed = scene.of(ExceptionRaised, "thief.py")[0]
    assert layout.kernel_start <= killed.address < layout.kernel_end
    assert all(event.address < layout.user_end for event in scene.of(ByteStored))


def test_the_exit_codes() -> None:
    scene = play("rings")
    ended = {event.pid: event.code for event in scene.of(ProcessExited)}
    assert (ended[scene.pid("thief.py")], ended[scene.pid("usurper.py")]) == (139, 139)
    raised = {scene.program_of[event.task]: event.vector for event in scene.of(ExceptionRaised) if event.task > 102}
    assert raised == {"thief.py": 14, "usurper.py": 13}


def test_the_other_entry_keeps_cr3_as_well() -> None:
    scene = play("rings", entry="syscall")
    inside = scene.at("Into ring 0, with the same page tables")
    assert (inside.cpus[1].ring, inside.page_tables[1]) == (0, both(scene)[0])


def test_writing_needs_no_kernel_once_the_page_is_there() -> None:
    scene = play("rings")
    stored = scene.chapter("At this address is 1")
    served = scene.of(ExceptionReturned, stop=stored)[-1].seq
    assert not [*scene.of(TrapEntered, None, served, stored), *scene.of(ExceptionRaised, None, served, stored)]


@pytest.mark.skipif(platform.machine() != "x86_64" or sys.platform != "linux", reason="machine code of x86-64 on Linux")
@pytest.mark.parametrize(("name", "code"), [("hlt", "f4c3"), ("cli", "fac3"), ("mov cr3, rax", "0f22d8c3")])
def test_linux_kills_what_executes_an_instruction_of_the_kernel(name: str, code: str) -> None:
    program = (
        "import ctypes as c,mmap\n"
        f"m=mmap.mmap(-1,4096,prot=7); m.write(bytes.fromhex('{code}'))\n"
        "c.CFUNCTYPE(None)(c.addressof(c.c_char.from_buffer(m)))()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == -signal.SIGSEGV, name


def test_on_linux() -> None:
    assert shown("rings", 1) == "CS 0x33 ring 3\n"
    assert shown("rings", 2).endswith("exit code 139\n")
    assert shown("rings", 3) == "parent 1 child 999\n"
    assert shown("rings", 4).startswith("page tables ")
    size, child, parent = shown("rings", 5).splitlines()
    assert size == "200 GiB"
    (there, theirs), (here, ours) = child.split(), parent.split()
    assert there == here
    assert (theirs, ours) == ("999", "1")
    before, after = (int(line.split()[1]) for line in shown("rings", 6).splitlines())
    assert after - before > 800  # other programs' threads come and go as well
