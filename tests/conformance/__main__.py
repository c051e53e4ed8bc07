"""CPython's own tests on the real kernel and as guests, side by side: `make conformance`.

`python -m tests.conformance [--write] [MODULE ...]` prints a table: how many tests of a module pass on the real kernel
of this computer, how many of those pass on the machine, and the others by name. `--write` puts the table into
ACCURACY.md, between its marks. Exits 1 if a test that passes really does not pass on the machine without an excuse.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from tests.conformance.excused import EXCUSED

ROOT: Final = Path(__file__).resolve().parent.parent.parent
MODULES: Final = (
    "test.test_epoll",
    "test.test_select",
    "test.test_poll",
    "test.test_selectors",
    "test.test_socket",
    "test.test_socketserver",
    "test.test_threading",
    "test.test_queue",
    "test.test_httplib",
    "test.test_httpservers",
    "test.test_asyncio.test_locks",
    "test.test_asyncio.test_queues",
    "test.test_asyncio.test_selector_events",
    "test.test_asyncio.test_sock_lowlevel",
    "test.test_asyncio.test_streams",
    "test.test_asyncio.test_tasks",
    "test.test_asyncio.test_protocols",
    "test.test_asyncio.test_transports",
)
FEW: Final = 8
PATIENCE: Final = 420
"""Seconds that a module may take on either side."""
LINE: Final = re.compile(r"^(?P<test>\w+) \((?P<where>[\w.]+)\)(?P<rest>.*)$")
OUTCOME: Final = re.compile(r"\.\.\. (ok|skipped|FAIL|ERROR|expected failure|unexpected success)")
BEGIN, END = "<!-- conformance: begin -->", "<!-- conformance: end -->"


class Outcome(NamedTuple):
    """The tests of a module by their names; whether it came to its end."""

    passed: frozenset[str]
    failed: frozenset[str]
    whole: bool


def run(command: list[str], module: str) -> Outcome:
    """Run `module` with unittest, and read how each test ended."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", "IOVIZ_LANG": "en"}
    try:
        done = subprocess.run(
            [*command, "-m", "unittest", "-v", module],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            cwd=ROOT,
            env=environment,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        said = done.stderr
    except subprocess.TimeoutExpired as error:
        said = (error.stderr or b"").decode(errors="replace") if isinstance(error.stderr, bytes) else ""
    passed, failed, name = set(), set(), ""
    for line in said.splitlines():
        if match := LINE.match(line):
            name = f"{match['where'].removeprefix('test.')}"
            name = name if name.endswith(match["test"]) else f"{name}.{match['test']}"
        if (outcome := OUTCOME.search(line)) and name:
            if outcome[1] in {"ok", "expected failure"}:
                passed.add(name)
            elif outcome[1] in {"FAIL", "ERROR", "unexpected success"}:
                failed.add(name)
            name = ""
    return Outcome(frozenset(passed), frozenset(failed), bool(re.search(r"^Ran \d+ tests? in", said, re.MULTILINE)))


class Row(NamedTuple):
    """A module on both sides: what passes really, what of that passes on the machine, and what does not."""

    module: str
    real: int
    machine: int
    missing: tuple[str, ...]
    whole: bool
    seconds: float

    @property
    def unexcused(self) -> tuple[str, ...]:
        """The tests that do not pass on the machine, without a reason that we give."""
        return tuple(name for name in self.missing if not excuse(name))


def excuse(name: str) -> str:
    """The reason why a test need not pass on the machine; empty if there is none."""
    for pattern, reason in EXCUSED:
        if re.search(pattern, name):
            return reason
    return ""


def compare(module: str) -> Row:
    """Both sides of one module."""
    began = time.monotonic()
    real = run([sys.executable], module)
    machine = run([sys.executable, "-m", "ioviz", "exec", "--no-lines"], module)
    missing = tuple(sorted(real.passed - machine.passed))
    return Row(
        module,
        len(real.passed),
        len(real.passed & machine.passed),
        missing,
        machine.whole,
        time.monotonic() - began,
    )


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        f"Python {platform.python_version()}, Linux {platform.release()}: tests that pass on the real kernel, how many",
        "of those pass on the machine, and by name which do not, and why.",
        "",
        "| module | real | machine | not on the machine |",
        "|---|---|---|---|",
    ]
    for row in rows:
        reasons: dict[str, list[str]] = {}
        for name in row.missing:
            reasons.setdefault(excuse(name) or "not yet", []).append(name)
        said = "; ".join(f"{reason}: {_few(names)}" for reason, names in reasons.items())
        if not row.whole:
            said = "does not come to its end; " + said
        lines.append(f"| {row.module.removeprefix('test.')} | {row.real} | {row.machine} | {said or '–'} |")
    return "\n".join(lines)


def _few(names: list[str]) -> str:
    """The tests by name; of many only their classes, with how many there are."""
    if len(names) <= FEW:
        return ", ".join(f"`{name.rsplit('.', 1)[1]}`" for name in names)
    classes = sorted({name.rsplit(".", 2)[-2] for name in names})
    return f"{len(names)} tests of {', '.join(f'`{name}`' for name in classes)}"


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance")
    parser.add_argument("modules", nargs="*", default=MODULES, metavar="MODULE")
    parser.add_argument("--write", action="store_true", help="put the table into ACCURACY.md")
    options = parser.parse_args()
    rows = []
    with ThreadPoolExecutor(2) as pool:
        for row in pool.map(compare, options.modules):
            rows.append(row)
            print(f"{row.module:<42}{row.machine:>5} of {row.real:<5}{row.seconds:6.0f} s", flush=True)
            for name in row.missing:
                print(f"    {name}: {excuse(name) or 'NOT EXCUSED'}", flush=True)
    if options.write:
        file = ROOT / "ACCURACY.md"
        text = file.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        file.write_text(f"{before}{BEGIN}\n{table(rows)}\n{END}{after}", encoding="utf-8")
    return int(any(row.unexcused or not row.whole for row in rows))


if __name__ == "__main__":
    sys.exit(main())
