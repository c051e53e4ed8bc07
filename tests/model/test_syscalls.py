"""The tables of system calls against the headers of this computer's kernel."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from ioviz.model.syscall_names import NAMES
from ioviz.model.syscalls import SYS, SYSCALLS, name_of

HEADERS = Path("/usr/include/x86_64-linux-gnu/asm")


def defined(name: str) -> dict[int, str]:
    """The numbers that a header defines."""
    text = (HEADERS / name).read_text()
    return {int(number): call for call, number in re.findall(r"#define __NR_(\w+) (\d+)", text)}


def test_one_name_on_every_floor() -> None:
    assert {row.nr: row.name for row in SYSCALLS}.items() <= NAMES.items()
    assert {name: value for name, value in vars(SYS).items() if not name.startswith("_")} == {
        row.name: row.nr for row in SYSCALLS
    }
    assert (name_of(0), name_of(424), name_of(9999)) == ("read", "pidfd_send_signal", "syscall_9999")


@pytest.mark.skipif(
    not (HEADERS / "unistd_64.h").exists() or sys.platform != "linux", reason="no headers of Linux here"
)
def test_the_numbers_are_those_of_the_headers() -> None:
    header = defined("unistd_64.h")
    assert {nr: NAMES.get(nr) for nr in header} == header
    i386 = defined("unistd_32.h")
    other = {row.name: i386[row.nr32] for row in SYSCALLS if i386[row.nr32] != row.name}
    ids = {name: f"{name}32" for name in ("getuid", "getgid", "geteuid", "getegid")}
    assert other == ids | {"mmap": "mmap2", "select": "_newselect"}
