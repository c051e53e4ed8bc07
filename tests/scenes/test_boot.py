"""What the scene `boot` claims."""

from __future__ import annotations

from ioviz.model.boot import IdtLoaded, KernelLoaded, ProtectionEnabled
from ioviz.model.cpu import ExceptionRaised, IrqEntered, TrapEntered
from ioviz.model.disk import BlocksLoaded, BlocksRequested
from ioviz.model.idt import DISK, PAGE_FAULT
from ioviz.model.memory import PageMapped, layout_of
from ioviz.model.task import ProcessStarted, TaskSlept, TaskWoken
from tests.scenes.played import play, shown

FIRST, SECOND = 101, 102


def test_the_kernel_is_loaded_before_any_process_exists() -> None:
    scene = play("boot")
    assert [event.name for event in scene.of(BlocksLoaded)][:3] == ["boot loader", "kernel", "/sbin/init"]
    first, second = scene.of(BlocksRequested)[:2]
    assert (first.block, first.name) == (0, "boot loader")  # the firmware knows the first blocks only
    assert (second.block, second.name) == (first.count, "kernel")
    assert not scene.of(ProcessStarted, stop=scene.of(KernelLoaded)[0].seq)
    assert scene.of(ProcessStarted)[0].pid == 1


def test_rings_first_then_the_table_and_only_then_interrupts_and_calls() -> None:
    scene = play("boot")
    rings, table = scene.of(ProtectionEnabled)[0].seq, scene.of(IdtLoaded)[0].seq
    assert rings < table
    for kind in (IrqEntered, TrapEntered, ExceptionRaised):
        assert not scene.of(kind, stop=table)
    boot = scene.world(rings).boots[1]
    assert boot.mode != "protected"
    assert scene.world(rings + 1).boots[1].mode == "protected"
    assert scene.world(table + 1).boots[1].idt_base > 1 << 63


def test_every_process_was_started_by_a_process() -> None:
    scene = play("boot")
    assert scene.returns("clone") == [FIRST, SECOND]
    assert scene.printed("hello.py").splitlines() == [f"process {pid} started by process 1" for pid in (FIRST, SECOND)]


def test_process_1_is_made_by_the_kernel_and_is_the_only_one() -> None:
    world = play("boot").at("Process 1")
    assert set(world.processes) == {1}
    assert (world.cpus[1].task, world.page_tables[1]) == (1, 1)


def test_the_first_start_waits_for_the_disk_and_the_second_does_not() -> None:
    scene = play("boot")
    slept = [event.task for event in scene.of(TaskSlept, "hello.py") if event.wchan == "folio_wait_bit_common"]
    assert set(slept) == {FIRST}
    read = [event.name for event in scene.of(BlocksRequested, "hello.py")]
    assert read == ["hello.py", "/usr/bin/python3"]
    asleep = scene.at("execve() waits for the disk")
    assert asleep.tasks[FIRST].state == "sleeping"
    assert asleep.disks[1].reading == "hello.py"


def test_pages_come_when_they_are_touched_and_are_shared() -> None:
    scene = play("boot")
    world = scene.at("The program has become a process")
    assert not [page for page in world.memory_pages.values() if page.pid == FIRST]
    mapped = {event.pid: event for event in scene.of(PageMapped)}
    assert mapped[FIRST].frame == mapped[SECOND].frame
    assert not mapped[FIRST].writable
    world = scene.at("The same program, another process")
    assert {FIRST, SECOND} <= set(world.processes)


def test_at_power_on_there_is_nothing_yet() -> None:
    world = play("boot").at("Power on")
    assert not world.processes
    assert not world.memory_pages
    assert (world.boots[1].mode, world.boots[1].idt_base) == ("real", 0)


def test_the_panels_show_nothing_that_is_not_there_yet() -> None:
    scene = play("boot")
    for title, kernel in (("The boot loader", False), ("Rings and page tables", True), ("Process 1", True)):
        place = scene.chapter(title)
        shown_then = {name: scene.panel(name, place, 60, 8) for name in ("syscalls", "sched", "files", "idt")}
        assert ("there is no kernel yet" in shown_then["syscalls"]) == (not kernel)
        assert (shown_then["sched"] == "no task yet") == (title != "Process 1")
        assert (shown_then["files"] == "no process yet") == (title != "Process 1")
        assert ("there is no table yet" in shown_then["idt"]) == (title != "Process 1")


def test_an_interrupt_of_the_disk_ends_the_wait() -> None:
    scene = play("boot")
    slept = scene.chapter("execve() waits for the disk")
    loaded = scene.of(BlocksLoaded, start=slept)[0]
    entered = scene.of(IrqEntered, start=slept)[0]
    woken = scene.of(TaskWoken, start=slept)[0]
    assert (loaded.name, entered.vector, woken.tid) == ("hello.py", DISK, FIRST)
    assert loaded.seq < entered.seq < woken.seq


def test_the_first_instruction_faults_and_the_disk_is_not_asked_again() -> None:
    scene = play("boot")
    for pid, title in ((FIRST, "The first instruction is a page fault"), (SECOND, "The text is shared")):
        mapped = scene.chapter(title)
        raised = scene.of(ExceptionRaised, stop=mapped)[-1]
        assert (raised.task, raised.vector) == (pid, PAGE_FAULT)
        assert not scene.of(BlocksRequested, start=raised.seq, stop=mapped)


def test_the_shape_of_an_address_space_of_32_bits() -> None:
    layout = layout_of(play("boot", bits="32").at("Process 1"))
    assert (layout.user_end, layout.kernel_end) == (3 << 30, 4 << 30)


def test_the_knobs() -> None:
    assert play("boot", bits="32").printed("hello.py") == play("boot").printed("hello.py")
    assert not play("boot", boot="off").of(KernelLoaded)


def test_on_linux() -> None:
    by_calls, from_disk = (int(line.split()[1]) for line in shown("boot", 1).splitlines())
    assert by_calls > 0
    assert from_disk % 512 == 0  # whole blocks, or nothing: the page cache
    assert shown("boot", 2).strip()
    assert shown("boot", 3).strip()
    size, resident = (int(line.split()[1]) for line in shown("boot", 4).splitlines())
    assert resident < size
