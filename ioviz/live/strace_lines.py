"""From lines of strace to items: whatever flags strace was given, and whoever ran it.

Understood: PIDs as `[pid N]`, as `N` or missing; times by -t, -tt, -ttt, -r or none; durations (-T) or none; calls in
one piece, or cut into `<unfinished ...>` and `<... resumed>`; a log that ends in the middle. Lines that are neither are
counted, with the first of them, and passed over. Only memory for open calls is kept.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ioviz.live.calls import Call, Ended
from ioviz.live.strace_args import normal
from ioviz.live.strace_values import ERRNOS, Values

if TYPE_CHECKING:
    from ioviz.live.calls import Item

Known = tuple[str, tuple[Any, ...], int, tuple[Any, ...] | None, bytes | None]
"""Name, arguments, result, sets and bytes of a call."""

NAMELESS: Final = 1
"""The thread of a log without PIDs."""
LONGEST: Final = 1 << 20
"""Characters of a line, at most."""
OPEN: Final = 4096
"""Calls that may be open at once: more threads than that are not believed."""
DAY: Final = 86_400 * 10**9

_WHOLE: Final = re.compile(
    r"(?:(\d+) +|\[pid +(\d+)\] )?(?:(\d{10,12})\.(\d{6}) |(\d\d):(\d\d):(\d\d)\.(\d{6}) )?"
    r"([a-z_]\w*)\((.*)\) += (-?\d+)(?: ([A-Z]\w+) \([^)]*\)| \(.*\))?(?: <(\d+)\.(\d{6})>)?"
)
"""A whole call with a time by -ttt, -tt or none: what nearly every line of nearly every log is."""
KNOWN: Final = 4096
"""Calls that are known by their text, so many at a time: a busy server says the same few again and again."""
MEDIUM: Final = 400
"""Characters of a line that is worth being known, at most."""
SCANS: Final = frozenset({"poll", "ppoll", "select", "pselect6"})
"""Calls that tell behind their result what they found."""
_HEAD: Final = re.compile(
    r"(?:\[pid +(\d+)(?:<.*?>)?\] +|(\d+)(?:<.*?>)? +)?"
    r" *(?:(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))? |(\d+)\.(\d{6,9}) )? *(?:\(\+ *(\d+)\.(\d{6,9})\) )?"
    r"(?:\[[ 0-9a-f?]+\] ){0,2}"
)
_CALL: Final = re.compile(r"([a-z_]\w*)\((.*)", re.DOTALL)
_RESUMED: Final = re.compile(r"<\.\.\. (\S+) resumed> ?(.*)", re.DOTALL)
_RESULT: Final = re.compile(r"(.*)\)\s+= (.*)", re.DOTALL)
_VALUE: Final = re.compile(
    r"(-?\d+|0x[0-9a-f]+|\?)(?:<[^ ]*>)?(?: ([A-Z]\w+))?(.*?)(?: <(\d+)\.(\d{6,9})>)?", re.DOTALL
)
_EXITED: Final = re.compile(r"\+\+\+ exited with (\d+) \+\+\+")
_KILLED: Final = re.compile(r"\+\+\+ killed by (\w+)(?: \(core dumped\))? \+\+\+")
_SETS: Final = re.compile(r"(in|out|except) (\[[\d ]*\])")
_ATTACHED: Final = re.compile(r"(.*[^ \]].*)strace: Process \d+ attached")
_UNFINISHED: Final = "<unfinished ...>"
_FOR_EVER: Final = "<unfinished ...>) = ?"
"""What strace writes behind a call in which the thread ended."""
_DETACHED: Final = "<detached ...>"
"""What strace writes behind a call during which it lets go."""
_QUIET: Final = ("---", "+++ superseded", "strace: ", "Process ", "[ Process", "> ")
"""What is no call: signals, strace's own words, and the lines of a stack (-k)."""
_COUNTS: Final = re.compile(r"% time +seconds .*|[- ]{20,}|( *\d+\.\d+){2} .*")
"""The table that -C adds."""


def parse_time(seconds: str, fraction: str | None) -> int:
    """Nanoseconds."""
    return int(seconds) * 10**9 + int((fraction or "0").ljust(9, "0"))


def _number(text: str) -> int:
    """A result: decimal, 0x and hexadecimal, or 0 and octal (umask)."""
    return int(text, 8) if text[:1] == "0" and text.isdecimal() else int(text, 0)


class Lines:
    """Feed it lines (without their newline); it gives items. `nameless` is the thread of lines that name none."""

    def __init__(self, nameless: int = NAMELESS) -> None:
        self.lines = 0
        self.unknown = 0
        """Lines that could not be understood, and the first of them."""
        self.first_unknown: tuple[int, str] | None = None
        self.messages: list[str] = []
        """What strace itself had to say (at most 20 lines)."""
        self._nameless = nameless
        self._broken = ""
        self._open: dict[int, tuple[str, str, int]] = {}
        """Thread → name, arguments so far, start of the call that it has not come back from."""
        self._last = 0
        self._days = 0
        self._known: dict[str, Known] = {}
        """What a whole call means, by its text without times."""
        self._heads: dict[str, tuple[int, int, int | None]] = {}
        """PID and time up to the seconds → thread, and nanoseconds; or seconds since midnight, by -tt."""
        self._hits = 0
        self._learns = True

    def feed(self, line: str, out: list[Item]) -> None:
        """Understand one line, and append what it says to `out`."""
        self.lines += 1
        if self._known and self._again(line, out):
            return
        match = _WHOLE.fullmatch(line)
        if match is None or (self._broken and match[1] is None):
            self._slowly(line, out)
            return
        number, bracketed, seconds, fraction, hour, minute, second, part, name, text, value, error, whole, rest = (
            match.groups()
        )
        result = int(value) if value[0] != "0" else _number(value)
        sets = None
        try:
            args, data = normal(name, text)
            if result > 0 and name in SCANS:
                found = line[match.end(11) : match.start(13) - 1 if whole is not None else None]
                if name in ("select", "pselect6"):
                    sets = _sets(found)
                elif args and args[0]:
                    args = (_revents(args[0], found), *args[1:])
        except (ValueError, RecursionError):
            self._puzzled(line)
            return
        if number is None:
            number = bracketed
        if seconds is not None:
            start = int(seconds) * 10**9 + int(fraction) * 1000
            self._last = start
        elif hour is not None:
            start = self._of_day((int(hour) * 60 + int(minute)) * 60 + int(second), int(part) * 1000)
        else:
            start = 0
        if error is not None:
            result = -ERRNOS.get(error, 1)
        end = start + int(whole) * 10**9 + int(rest) * 1000 if whole is not None else start
        thread = int(number[:10]) if number is not None else self._nameless
        if thread in self._open:
            del self._open[thread]
        out.append(Call(thread, name, args, result, start, end, False, 0, sets, data))
        if self._learns and number is not None and whole is not None and len(line) < MEDIUM:
            if seconds is not None:
                self._learn(line, thread, start - int(fraction) * 1000, None, (name, args, result, sets, data))
            elif hour is not None:
                day = (int(hour) * 60 + int(minute)) * 60 + int(second)
                self._learn(line, thread, 0, day, (name, args, result, sets, data))

    def _again(self, line: str, out: list[Item]) -> bool:
        """Understand a line of which all but the microseconds has been seen before."""
        dot = line.find(".")
        head = self._heads.get(line[:dot])
        if head is None or line[dot + 7 : dot + 8] != " ":
            return False
        end = line.rfind(" <")
        call = self._known.get(line[dot + 8 : end])
        if call is None or line[end + 2 : end + 4] != "0." or line[end + 10 :] != ">":
            return False
        thread, since, day = head
        digits = line[dot + 1 : dot + 7] + line[end + 4 : end + 10]
        if not digits.isdecimal() or thread in self._open or self._broken:
            return False
        fraction, took = divmod(int(digits), 1_000_000)
        if day is None:
            start = self._last = since + fraction * 1000
        else:
            start = self._of_day(day, fraction * 1000)
        name, args, result, sets, data = call
        self._hits += 1
        out.append(Call(thread, name, args, result, start, start + took * 1000, False, 0, sets, data))
        return True

    def _learn(self, line: str, thread: int, since: int, day: int | None, call: Known) -> None:
        """Know the parts of this line when they come again."""
        if len(self._known) >= KNOWN:
            self._learns = self._hits >= KNOWN  # else this program hardly ever says the same twice
            self._hits = 0
            self._known.clear()
            self._heads.clear()
        dot = line.find(".")
        self._heads[line[:dot]] = thread, since, day
        self._known[line[dot + 8 : line.rfind(" <")]] = call

    def _of_day(self, second: int, nanoseconds: int) -> int:
        """The time that -t and -tt mean: the days that have passed are counted."""
        t = second * 10**9 + nanoseconds + self._days * DAY
        if t + DAY // 2 < self._last:  # past midnight
            self._days += 1
            t += DAY
        self._last = t
        return t

    def enter(self, part: str, out: list[Item]) -> None:
        """A line that has no end yet: its call was entered and sleeps. The line itself is still to be fed."""
        tid, start, body = self._head(part)
        match = _CALL.fullmatch(body)
        if match is not None:
            self._entered(tid, match[1], match[2], start, out)

    def finish(self, out: list[Item], rest: str = "") -> None:
        """The log ends, with `rest` after the last newline."""
        if rest.strip():
            tid, start, body = self._head(rest)
            match = _CALL.fullmatch(body)
            if match is not None and len(rest) <= LONGEST:
                if _RESULT.fullmatch(body):
                    self.feed(rest, out)
                else:
                    self._entered(tid, match[1], match[2], start, out)
            else:
                self._slowly(rest, out)

    def _slowly(self, line: str, out: list[Item]) -> None:
        if self._broken:  # strace's own message stood in the middle of a line of its
            line, self._broken = self._broken + line, ""
        if line.endswith(" attached"):
            inside = _ATTACHED.fullmatch(line)
            if inside is not None:
                self._broken = inside[1]
                return
        if len(line) > LONGEST or "\0" in line:
            self._puzzled(line)
            return
        tid, start, body = self._head(line)
        body = body.rstrip()
        try:
            if self._call(tid, start, body, out):
                return
        except (ValueError, RecursionError):
            self._puzzled(line)
            return
        match = _EXITED.fullmatch(body)
        if match is not None:
            out.append(Ended(tid, int(match[1][:9]), 0, start))
            self._open.pop(tid, None)
            return
        match = _KILLED.fullmatch(body)
        if match is not None:
            from ioviz.live.strace_values import CONSTANTS

            out.append(Ended(tid, 0, CONSTANTS.get(match[1], 9), start))
            self._open.pop(tid, None)
        elif line.startswith("strace: ") or body.startswith("strace: "):
            if len(self.messages) < 20:
                self.messages.append(line[line.find("strace: ") + 8 :])
        elif body and not body.startswith(_QUIET) and _COUNTS.fullmatch(line) is None:
            self._puzzled(line)

    def _call(self, tid: int, start: int, body: str, out: list[Item]) -> bool:
        match = _RESUMED.fullmatch(body)
        if match is not None:
            name, rest = match[1], match[2]
            opened = self._open.pop(tid, None)
            if opened is not None and (opened[0] == name or name == "???"):
                name, before, since = opened
            else:
                before, since = "", 0
            if rest.endswith(_FOR_EVER):
                rest = ") = ?"
            if rest.endswith((_UNFINISHED, _DETACHED)):
                self._open[tid] = (name, before, since)
                return True
            glue = " " if before.endswith(",") and not rest.startswith(" ") else ""
            return self._whole(tid, name, before + glue + rest, since, start, out, cut=not since and not before)
        match = _CALL.fullmatch(body)
        if match is None:
            return body.startswith("???")
        name, rest = match[1], match[2]
        if rest.endswith(_FOR_EVER):
            rest = rest.removesuffix(_FOR_EVER).rstrip(" ,") + ") = ?"
        for cut in (_UNFINISHED, _DETACHED):
            if rest.endswith(cut):
                self._entered(tid, name, rest[: -len(cut)], start, out)
                return True
        self._open.pop(tid, None)
        return self._whole(tid, name, rest, start, 0, out)

    def _entered(self, tid: int, name: str, rest: str, start: int, out: list[Item]) -> None:
        before = rest.rstrip()
        if len(self._open) < OPEN:
            self._open[tid] = (name, before, start)
        try:
            args, data = normal(name, before.rstrip(", "))
        except ValueError:
            args, data = (), None
        out.append(Call(tid, name, args, None, start, 0, True, 0, None, data))

    def _whole(
        self, tid: int, name: str, rest: str, start: int, returned: int, out: list[Item], *, cut: bool = False
    ) -> bool:
        """`rest` is what stands behind the opening parenthesis. `cut`: the beginning of the call is missing."""
        match = _RESULT.fullmatch(rest)
        if match is None:
            return False
        text, tail = match[1], match[2]
        value = _VALUE.fullmatch(tail)
        if value is None:
            return False
        number, error, comment, whole, part = value.groups()
        if error is not None and (number == "?" or number == "-1"):
            result: int | None = -ERRNOS.get(error, 1)
        else:
            result = None if number == "?" else _number(number)
        args: tuple[Any, ...] = ()
        data = None
        if not cut:
            args, data = normal(name, text)
        took = parse_time(whole, part) if whole is not None else None
        start = start or (returned - took if took is not None and returned else returned)
        end = start + took if took is not None else max(returned, start)
        sets = _sets(comment) if name in ("select", "pselect6") and result else None
        if name in ("poll", "ppoll") and result and args and args[0]:
            args = (_revents(args[0], comment), *args[1:])
        out.append(Call(tid, name, args, result, start, end, False, 0, sets, data))
        return True

    def _head(self, line: str) -> tuple[int, int, str]:
        """The thread, the time (0: none), and the rest."""
        match = _HEAD.match(line)
        assert match is not None
        bracketed, plain, hours, minutes, seconds, fraction, whole, part, delta, delta_part = match.groups()
        body = line[match.end() :]
        number = bracketed or plain
        tid = int(number[:10]) if number else self._nameless
        if hours is not None:
            second = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
            t = self._of_day(second, parse_time("0", fraction))
        elif whole is not None:
            t = parse_time(whole[:12], part)
            if len(whole) < 9:  # -r: since the line before
                t += self._last
        elif delta is not None:
            t = self._last + parse_time(delta[:12], delta_part)
        else:
            t = 0
        if t:
            self._last = t
        return tid, t, body

    def _puzzled(self, line: str) -> None:
        self.unknown += 1
        if self.first_unknown is None:
            self.first_unknown = self.lines, line[:80]


def _sets(comment: str) -> tuple[tuple[int, ...], ...]:
    """What `select` found: `(in [3 4], out [5], left {…})`."""
    found = {name: tuple(map(int, fds[1:-1].split())) for name, fds in _SETS.findall(comment)}
    return found.get("in", ()), found.get("out", ()), found.get("except", ())


def _revents(polled: tuple[tuple[int, int, int], ...], comment: str) -> tuple[tuple[int, int, int], ...]:
    """What `poll` found stands behind its result: `([{fd=3, revents=POLLIN}])`."""
    start = comment.find("([")
    if start < 0:
        return polled
    found = Values(comment[start + 1 :].rstrip(" )")).all()
    rows = found[0] if found and isinstance(found[0], list) else []
    events = {row.get("fd"): row.get("revents") or 0 for row in rows if isinstance(row, dict)}
    return tuple((fd, asked, events.get(fd, 0)) for fd, asked, _ in polled)
