"""What a program may `import ioviz` for: memory by its address, and instructions that the CPU may refuse.

    ioviz.peek(address)             the byte there
    ioviz.poke(address, byte)       write a byte there
    ioviz.divide(a, b)              the CPU's own division of signed 64-bit numbers (`idiv`), cut toward zero
    ioviz.interrupt(vector)         `int vector`; by vector 0x80 the i386 call whose number is `eax` (getpid)
    ioviz.halt()                    `hlt`, which only the kernel may
    ioviz.allocate(pages)           fresh memory of so many pages (an anonymous `mmap`): its address
    ioviz.KERNEL                    an address of the kernel's (where its text begins, unless it hides: KASLR)
    ioviz.PAGE_SIZE                 bytes of a page

A program that runs on the machine gets these from `ioviz.machine.user.shims.ioviz`. Under a real Python they are the
functions below, which do the very same on this computer: a forbidden address really ends the process with SIGSEGV.
Nothing here is imported before it is used, and this file belongs to no floor.
"""

from __future__ import annotations

import operator
import platform
import sys
from typing import Any, Final

PAGE_SIZE: Final = 4096
KERNEL: Final = 0xFFFF_FFFF_8100_0000
CALLS: Final = {"getpid": 20, "sched_yield": 158, "gettid": 224}
"""The system calls without arguments that `interrupt` may make, by their i386 numbers."""


def peek(address: int, /) -> int:
    """The byte at `address`."""
    import ctypes

    return ctypes.c_ubyte.from_address(check_address(address)).value


def poke(address: int, byte: int, /) -> None:
    """Write `byte` to `address`."""
    import ctypes

    ctypes.c_ubyte.from_address(check_address(address)).value = check_byte(byte)


def divide(a: int, b: int, /) -> int:
    """`a` divided by `b` by the CPU: unlike Python, nobody asks first whether `b` is 0. Linux on x86-64."""
    # mov rax, rdi; cqo; idiv rsi; ret
    return _machine_code("4889f8 4899 48f7fe c3", check_number(a), check_number(b))


def interrupt(vector: int, eax: int = CALLS["getpid"], /) -> int:
    """`int vector` with `eax`; the result is what it leaves in eax. Linux on x86-64."""
    check_vector(vector, eax)
    # mov eax, edi; int vector; movsxd rax, eax; ret
    return _machine_code(f"89f8 cd{vector:02x} 4863c0 c3", eax)


def halt() -> None:
    """`hlt`, which stops the CPU until the next interrupt, and which only ring 0 may. Linux on x86-64."""
    _machine_code("f4 c3")


def allocate(pages: int, /) -> int:
    """The address of `pages` fresh pages of memory, which are this process's until it ends."""
    import ctypes
    import mmap

    size = check_pages(pages) * PAGE_SIZE
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    _kept.append(memory)
    return address


_kept: list[Any] = []
"""What must not be collected: a program knows it by its address only."""


def _machine_code(code: str, *arguments: int) -> int:
    """Execute instructions, written in hexadecimal, as a function of up to two 64-bit numbers."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        where = f"{platform.system()} on {platform.machine()}"
        raise NotImplementedError(f"this needs Linux on x86-64, and here is {where}; `ioviz exec` can run it anywhere")
    import ctypes
    import mmap

    memory = mmap.mmap(-1, PAGE_SIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(bytes.fromhex(code))
    long = ctypes.c_long
    function = ctypes.CFUNCTYPE(long, *(long for _ in arguments))(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
    result: int = function(*arguments)
    return result


def check_address(address: int) -> int:
    """An address of 64 bits. Raises TypeError and ValueError, as the others below."""
    address = operator.index(address)
    if not 0 <= address < 1 << 64:
        raise ValueError(f"an address has 64 bits, and {address:#x} has not")
    return address


def check_byte(byte: int) -> int:
    """0 to 255."""
    byte = operator.index(byte)
    if not 0 <= byte <= 255:
        raise ValueError(f"a byte is 0 to 255, not {byte}")
    return byte


def check_number(number: int) -> int:
    """A signed number of 64 bits."""
    number = operator.index(number)
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"the CPU divides signed numbers of 64 bits, and {number} is none")
    return number


def check_pages(pages: int) -> int:
    """1 to 65,536 pages."""
    pages = operator.index(pages)
    if not 1 <= pages <= 1 << 16:
        raise ValueError(f"allocate takes 1 to 65536 pages, not {pages}")
    return pages


def check_vector(vector: int, eax: int) -> None:
    """A vector is 0 to 255; by 0x80 only calls that take no arguments may be made."""
    if not 0 <= operator.index(vector) <= 255:
        raise ValueError(f"a vector is 0 to 255, not {vector}")
    if vector == 0x80 and eax not in CALLS.values():
        known = ", ".join(f"{number} ({name})" for name, number in CALLS.items())
        raise ValueError(f"by interrupt 0x80 these calls can be made here, by their numbers in eax: {known}")
