"""Address spaces: what each address of a process means, and which pages are really there.

The lower half belongs to the process (regions: text, data, heap, libraries, mappings, stacks), the upper half to the
kernel: the same in every process, and closed to ring 3 by the supervisor bit of its pages, whether their addresses are
known or not. The regions of a program that nobody mapped by a call are worked out, not logged; a `Mapping` is one
`mmap`, and a `Page` one page of it that a page fault has made present. Invariant: a page lies in a mapping.

Sources: Intel SDM volume 3, 4.7 (error codes); Linux `Documentation/arch/x86/x86_64/mm.rst`, `mm/mmap.c`. Where Linux
differs: it puts text, libraries and stacks at random places (ASLR) and the kernel as well (KASLR), maps a program's own
pages on demand too, and with page-table isolation (KPTI) hardly maps the kernel while user code runs.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from ioviz.model.event import Event
from ioviz.model.task import DEAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ioviz.model.world import World

PAGE_SIZE: Final = 4096
READ, WRITE, EXECUTE = 1, 2, 4
"""What may be done in a region: PROT_READ, PROT_WRITE, PROT_EXEC."""

PRESENT, WRITING, FROM_USER, FETCHING = 1, 2, 4, 16
"""The bits of a page fault's error code: the page was there and forbade it; it was a write; ring 3 did it; an
instruction was to be fetched."""
FROM_FILE: Final = ("text", "data", "libraries")
"""Regions whose pages come from a file."""
ZERO_PAGE: Final = 0
"""The frame of the one page of zeros, which every page that was only read shares."""


class Mapping(msgspec.Struct, frozen=True, gc=False):
    """What one `mmap` made (`struct vm_area_struct`): `pages` pages from `start` on. Its key is (pid, start)."""

    pid: int
    start: int
    pages: int
    prot: int


class Page(msgspec.Struct, frozen=True, gc=False):
    """A present page of a mapping: its page-table entry and what is in it. Its key is (pid, page number).

    `frame` is the page of physical memory (`ZERO_PAGE`: the shared one, which is read-only); `data` its bytes up to the
    last one that is not zero."""

    pid: int
    number: int
    frame: int
    writable: bool
    data: bytes = b""


class Image(msgspec.Struct, frozen=True, gc=False):
    """The file that process `pid` runs. Where a process has this row, its pages become present one by one."""

    pid: int
    path: str


class ProgramLoaded(Event):
    """`execve`: the address space of process `pid` is laid out anew for the program in file `path`. Nothing is copied:
    pages come in when they are touched."""

    pid: int
    path: str

    def apply(self, world: World) -> None:
        world.images[self.pid] = Image(self.pid, self.path)


class ImageReleased(Event):
    """`exit_mm`: process `pid` has ended, and its program's pages are its own no longer."""

    pid: int

    def apply(self, world: World) -> None:
        del world.images[self.pid]
        for key in [key for key in world.memory_pages if key[0] == self.pid]:
            del world.memory_pages[key]


class MemoryMapped(Event):
    """`mmap`: process `pid` may use `pages` pages from `start` on. Not one of them is present yet."""

    pid: int
    start: int
    pages: int
    prot: int

    def apply(self, world: World) -> None:
        world.mappings[(self.pid, self.start)] = Mapping(self.pid, self.start, self.pages, self.prot)


class MemoryUnmapped(Event):
    """The mapping at `start` is gone with its pages: `munmap`, or its process has ended."""

    pid: int
    start: int

    def apply(self, world: World) -> None:
        row = world.mappings.pop((self.pid, self.start))
        first = self.start // PAGE_SIZE
        for key in [key for key in world.memory_pages if key[0] == self.pid and 0 <= key[1] - first < row.pages]:
            del world.memory_pages[key]


class PageMapped(Event):
    """The page fault was served: page `number` of process `pid` is present now, in physical page `frame`.

    A first touch that reads gets the page of zeros that all share (`frame` 0), one that writes a page of its own."""

    pid: int
    number: int
    frame: int
    writable: bool

    def apply(self, world: World) -> None:
        key = (self.pid, self.number)
        world.memory_pages[key] = Page(self.pid, self.number, self.frame, self.writable)


class ByteStored(Event):
    """The program wrote `value` to `address`, a present page of its own: no kernel was asked."""

    pid: int
    address: int
    value: int

    def apply(self, world: World) -> None:
        number, offset = divmod(self.address, PAGE_SIZE)
        row = world.memory_pages[(self.pid, number)]
        data = row.data.ljust(offset, b"\0")
        data = data[:offset] + bytes((self.value,)) + data[offset + 1 :]
        world.memory_pages[(self.pid, number)] = replace(row, data=data)


class Region(NamedTuple):
    """A stretch of an address space from `start` up to, not including, `end`. `user` is the bit of its pages that lets
    ring 3 in; `prot` what ring 3 may do there; `resident`: up to where its pages are present without any fault."""

    name: str
    start: int
    end: int
    prot: int
    user: bool
    resident: int
    task: int = 0
    """Whose stack it is."""

    @property
    def permissions(self) -> str:
        """As `/proc/PID/maps` shows them."""
        return "".join(
            letter if self.prot & bit else "-" for letter, bit in (("r", READ), ("w", WRITE), ("x", EXECUTE))
        )


class Layout(NamedTuple):
    """The size of an address space and where Linux puts things in it."""

    bits: int
    user_end: int
    """Where the user half ends."""
    kernel_start: int
    kernel_end: int
    text: int
    data: int
    heap: int
    libraries: int
    mmap_top: int
    """Mappings are made downward from here."""
    stacks: int
    stack_gap: int
    """From one task's user stack to the next one's."""
    stack_size: int
    """Of a process's first task; what its further threads get is mapped by the C library."""
    thread_stack_size: int
    kernel_stacks: int
    kernel_regions: tuple[Region, ...]

    @property
    def idt_base(self) -> int:
        """Where the interrupt table is mapped (`CPU_ENTRY_AREA_RO_IDT`): read-only, the same for every CPU."""
        return next(each.start for each in self.kernel_regions if each.name.startswith("IDT"))

    @property
    def idt_limit(self) -> int:
        """The offset of the table's last byte: 256 gates of 16 bytes, or of 8 on 32 bit."""
        return 256 * (16 if self.bits == 64 else 8) - 1

    def canonical(self, address: int) -> bool:
        """Whether the CPU takes it for an address at all."""
        return 0 <= address < self.user_end or self.kernel_start <= address < self.kernel_end


def _kernel(name: str, start: int, end: int, resident: int, prot: int = READ | WRITE) -> Region:
    return Region(name, start, end, prot, False, resident)


LAYOUT_64: Final = Layout(
    bits=64,
    user_end=1 << 47,
    kernel_start=0xFFFF_8000_0000_0000,
    kernel_end=1 << 64,
    text=0x40_0000,
    data=0xA0_0000,
    heap=0xC0_0000,
    libraries=0x7F00_0000_0000,
    mmap_top=0x7F00_0000_0000,
    stacks=0x7FFD_0000_0000,
    stack_gap=0x100_0000,
    stack_size=0x2_1000,
    thread_stack_size=0x80_0000,
    kernel_stacks=0xFFFF_C900_0000_0000,
    kernel_regions=(
        _kernel("all RAM", 0xFFFF_8880_0000_0000, 0xFFFF_C880_0000_0000, 0xFFFF_8881_0000_0000),
        _kernel("kernel stacks", 0xFFFF_C900_0000_0000, 0xFFFF_E900_0000_0000, 0xFFFF_C900_4000_0000),
        _kernel("IDT, TSS", 0xFFFF_FE00_0000_0000, 0xFFFF_FE80_0000_0000, 0xFFFF_FE00_0004_0000, READ),
        _kernel("kernel text", 0xFFFF_FFFF_8100_0000, 0xFFFF_FFFF_8300_0000, 0xFFFF_FFFF_8300_0000, READ | EXECUTE),
    ),
)
LAYOUT_32: Final = Layout(
    bits=32,
    user_end=0xC000_0000,
    kernel_start=0xC000_0000,
    kernel_end=1 << 32,
    text=0x0804_8000,
    data=0x0864_8000,
    heap=0x0880_0000,
    libraries=0x7000_0000,
    mmap_top=0x7000_0000,
    stacks=0xBFFF_0000,
    stack_gap=0x4_0000,
    stack_size=0x2_1000,
    thread_stack_size=0x2_1000,
    kernel_stacks=0xF800_0000,
    kernel_regions=(
        _kernel("kernel text", 0xC100_0000, 0xC200_0000, 0xC200_0000, READ | EXECUTE),
        _kernel("RAM (first 896 MiB)", 0xC200_0000, 0xF800_0000, 0xF800_0000),
        _kernel("kernel stacks", 0xF800_0000, 0xFE00_0000, 0xFA00_0000),
        _kernel("IDT", 0xFFFB_0000, 0xFFFB_1000, 0xFFFB_1000, READ),
    ),
)
"""3 GiB for the process and 1 GiB for the kernel, as the article draws it."""

TEXT_SIZE: Final = 0x60_0000
DATA_SIZE: Final = 0x10_0000
HEAP_SIZE: Final = 0x21_000
LIBRARIES_SIZE: Final = 0x40_0000


def layout_of(world: World) -> Layout:
    """The layout that the knob `bits` asked for."""
    run = world.runs.get(1)
    bits = dict(run.knobs).get("bits", "64") if run is not None else "64"
    return LAYOUT_32 if bits == "32" else LAYOUT_64


def stack_of(layout: Layout, tid: int, *, further: bool = False) -> tuple[int, int]:
    """(lowest address, end) of a task's user stack, which grows down from the end; `further`: it is no first task."""
    end = layout.stacks - tid % 2048 * layout.stack_gap
    return end - (layout.thread_stack_size if further else layout.stack_size), end


def user_regions(world: World, pid: int, most: int | None = None) -> Iterator[Region]:
    """The regions of process `pid`, from low addresses to high ones. O(tasks), of which `most` are looked at."""
    layout = layout_of(world)
    lazy = pid in world.images or bool(world.boots)  # what is forked has no page of a file either before it touches one
    yield _own("text", layout.text, TEXT_SIZE, READ | EXECUTE, lazy)
    yield _own("data", layout.data, DATA_SIZE, READ | WRITE, lazy)
    yield _own("heap", layout.heap, HEAP_SIZE, READ | WRITE, lazy)
    mapped = [row for row in islice(world.mappings.values(), most) if row.pid == pid]
    for row in sorted(mapped, key=lambda row: row.start):
        yield Region("mmap", row.start, row.start + row.pages * PAGE_SIZE, row.prot, True, row.start)
    yield _own("libraries", layout.libraries, LIBRARIES_SIZE, READ | EXECUTE, lazy)
    tasks = islice(world.tasks.values(), most)
    threads = [task.id for task in tasks if task.process == pid and task.state != DEAD]
    for tid in sorted(threads, reverse=True):
        start, end = stack_of(layout, tid, further=tid != pid)
        if tid != pid:  # below the stack of a further thread the C library leaves a page that nobody may touch
            yield Region("guard", start - PAGE_SIZE, start, 0, True, start - PAGE_SIZE, tid)
        yield Region("stack", start, end, READ | WRITE, True, end, tid)


def _own(name: str, start: int, size: int, prot: int, lazy: bool) -> Region:
    return Region(name, start, start + size, prot, True, start if lazy else start + size)


def regions(world: World, pid: int) -> tuple[Region, ...]:
    """Both halves of the address space of process `pid`, from low addresses to high ones."""
    return (*user_regions(world, pid), *layout_of(world).kernel_regions)


def region_at(world: World, pid: int, address: int) -> Region | None:
    """`find_vma`: the region in which `address` lies."""
    return next((each for each in regions(world, pid) if each.start <= address < each.end), None)


def fault_of(world: World, pid: int, address: int, write: bool) -> int:
    """What the page tables say to ring 3 touching `address`: -1 if it may, else the error code of the page fault.

    This is what the CPU does, so it knows present, writable and user bits only, and no regions' names."""
    asked = FROM_USER | (WRITING if write else 0)
    page = world.memory_pages.get((pid, address // PAGE_SIZE))
    if page is not None:
        return PRESENT | asked if write and not page.writable else -1
    region = region_at(world, pid, address)
    if region is None or address >= region.resident:
        return asked
    if not region.user or (write and not region.prot & WRITE):
        return PRESENT | asked
    return -1


def byte_at(world: World, pid: int, address: int) -> int:
    """The byte at a present address: what the program wrote there, and 0 elsewhere."""
    number, offset = divmod(address, PAGE_SIZE)
    page = world.memory_pages.get((pid, number))
    return page.data[offset] if page is not None and offset < len(page.data) else 0


def free_range(world: World, pid: int, pages: int) -> int:
    """Where `mmap` puts `pages` pages: below what was mapped before. 0 if there is no room."""
    layout = layout_of(world)
    low = min((row.start for row in world.mappings.values() if row.pid == pid), default=layout.mmap_top)
    start = low - pages * PAGE_SIZE
    return start if start >= layout.heap + (1 << 28) else 0
