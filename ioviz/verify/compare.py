"""Two runs of the same programs, call by call: what agrees, what agrees by a rule, what differs.

Each task's calls are compared in its own order. Descriptors and chosen ports are first exchanged for names that say
whom they belong to: the same on both sides, whatever numbers the kernels gave.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ioviz.model.syscalls import SYS
from ioviz.verify.rules import FIRST, LARGE, MAKERS, MOVES, PAIRS, SIZES

if TYPE_CHECKING:
    from ioviz.verify.traced import Call, TaskName, Traced

UNKNOWN: Final = "?"
WAITS: Final = frozenset({SYS.clock_nanosleep, SYS.poll, SYS.select, SYS.epoll_wait})
EPHEMERAL: Final = 1024
STREAMS: Final = {SYS.read: (0,), SYS.write: (1, 2), SYS.close: (0,)}
"""Descriptors that none of the program's calls made and that are compared all the same."""
MOD: Final = 3
ADDRESSED: Final = (SYS.accept4, SYS.getpeername, SYS.recvfrom, SYS.recvmsg)


@dataclass(frozen=True)
class Known:
    """A call with names in the place of numbers."""

    call: Call
    args: tuple[Any, ...]
    ret: Any
    out: Any


@dataclass(frozen=True)
class Difference:
    """Where the runs part. `why` is a key of the texts: call, args, result, out, sleeps, wakes, missing, more, printed
    or ending; `before` are the calls of the task before it, which agreed."""

    why: str
    task: TaskName
    mine: Call | None
    theirs: Call | None
    before: tuple[Call, ...] = ()
    texts: tuple[str, str] = ("", "")


@dataclass
class Compared:
    """The outcome. `agreed` calls by name; `by_rule` how often a rule was needed; `asleep` tasks sleep at the end on
    both sides."""

    agreed: Counter[str] = field(default_factory=Counter)
    by_rule: Counter[str] = field(default_factory=Counter)
    asleep: int = 0
    pieces: set[int] = field(default_factory=set)
    """Programs that moved large data in other pieces."""
    printed: int = 0
    """Programs that printed something."""
    differences: list[Difference] = field(default_factory=list)

    @property
    def calls(self) -> int:
        """How many calls agree."""
        return self.agreed.total()


class _Names:
    """Names for the descriptors and ports of one side, given in the order of its calls."""

    def __init__(self, fixed: set[int]) -> None:
        self._fds: dict[tuple[int, int], str] = {}
        self._made: Counter[TaskName] = Counter()
        self._paths: dict[str | bytes, int] = {}
        """Of sockets, by the order in which they come up: a program may have made them up at random."""
        self._fixed = fixed

    def fd(self, call: Call, number: Any) -> Any:
        return self._fds.get((call.task[0], number), UNKNOWN) if isinstance(number, int) else number

    def new(self, call: Call, number: int) -> str:
        self._made[call.task] += 1
        name = f"{call.task[0]}.{call.task[1]}#{self._made[call.task]}"
        self._fds[call.task[0], number] = name
        return name

    def gone(self, call: Call) -> None:
        self._fds.pop((call.task[0], call.args[0]), None)

    def address(self, address: Any) -> Any:
        if isinstance(address, (tuple, list)) and len(address) >= 2:
            port = address[1]
            return "loopback" if port == 0 else ("loopback", port if port in self._fixed else "a port")
        if isinstance(address, (str, bytes)) and address:
            return "path", self._paths.setdefault(address, len(self._paths))
        return address or None

    def args(self, call: Call) -> tuple[Any, ...]:
        nr, args = call.nr, call.args
        if nr == SYS.poll:
            return (frozenset((self.fd(call, fd), mask) for fd, mask in args[0]), args[1], args[2] is None)
        if nr == SYS.select:
            return (*(frozenset(self.fd(call, fd) for fd in fds) for fds in args[1:4]), args[4] is None)
        if nr == SYS.clock_nanosleep:
            return ()
        if nr == SYS.epoll_ctl:
            return (self.fd(call, args[0]), args[1], self.fd(call, args[2]), args[3])
        if nr == SYS.epoll_wait:
            return (self.fd(call, args[0]), args[1], args[2] < 0)
        if nr in (SYS.bind, SYS.connect):
            return (self.fd(call, args[0]), self.address(args[1]))
        if nr == SYS.sendto:
            return (self.fd(call, args[0]), *args[1:4], self.address(args[4]))
        if nr == SYS.recvfrom:
            return (self.fd(call, args[0]), *args[1:3])
        if nr == SYS.fcntl:
            return (self.fd(call, args[0]), "dup")
        if nr in FIRST:
            return (self.fd(call, args[0]), *args[1:])
        return args

    def result(self, call: Call) -> tuple[Any, Any]:
        nr, ret, out = call.nr, call.ret, call.out
        if ret is None or ret < 0:
            return ret, None
        if nr in MAKERS:
            return self.new(call, ret), self.address(out) if nr in ADDRESSED else None
        if nr in PAIRS:
            return 0, (self.new(call, out[0]), self.new(call, out[1]))
        if nr == SYS.epoll_wait or nr == SYS.poll:
            return ret, None if out is None else tuple((self.fd(call, fd), mask) for fd, mask in out)
        if nr == SYS.select:
            return ret, None if out is None else tuple(frozenset(self.fd(call, fd) for fd in fds) for fds in out)
        if nr == SYS.getpeername:
            return ret, self.address(out)
        if nr in (SYS.recvfrom, SYS.recvmsg) and out is not None:
            return ret, (*out[:-1], self.address(out[-1]))
        if nr in (SYS.read, SYS.getsockopt):
            return ret, out
        return ret, None


def known(traced: Traced, fixed: set[int]) -> dict[TaskName, list[Known]]:
    """The calls of each task with names; those on descriptors that none of them made are left out (files)."""
    names = _Names(fixed)
    args: dict[int, tuple[Any, ...]] = {}
    results: dict[int, tuple[Any, Any]] = {}
    for kind, what in traced.order:
        if isinstance(what, int):
            continue
        if kind == "enter":
            args[id(what)] = names.args(what)
            if what.nr == SYS.close:
                names.gone(what)
        else:
            results[id(what)] = names.result(what)
    found: dict[TaskName, list[Known]] = {}
    for task, calls in traced.calls.items():
        for call in calls:
            ret, out = results.get(id(call), (None, None))
            found.setdefault(task, []).append(Known(call, args[id(call)], ret, out))
    return found


def drop_foreign(traced: Traced) -> None:
    """Take out of the machine's run what the real side does not announce: calls on files, and the input of programs
    that read it some other way than by `input()`."""
    names = _Names(set())
    foreign: set[int] = set()
    for kind, what in traced.order:
        if isinstance(what, int):
            continue
        if kind == "return":
            names.result(what)
        elif what.nr in (SYS.read, SYS.write, SYS.close) and what.args[0] not in STREAMS[what.nr]:
            if names.fd(what, what.args[0]) == UNKNOWN:
                foreign.add(id(what))
            elif what.nr == SYS.close:
                names.gone(what)
    traced.order = [mark for mark in traced.order if id(mark[1]) not in foreign]
    for task, calls in traced.calls.items():
        traced.calls[task] = [call for call in calls if id(call) not in foreign]


def compare(mine: Traced, theirs: Traced, fixed: set[int], lost: bool) -> Compared:
    """Compare the machine's run with the real one. `fixed` are ports that programs name themselves; `lost`: the real
    run was not led to its end."""
    compared = Compared()
    ours, real = known(mine, fixed), known(theirs, fixed)
    cut = bool(mine.why) or lost
    for task in sorted(ours.keys() | real.keys()):
        _task(compared, task, ours.get(task, []), real.get(task, []), cut)
    for number in sorted(mine.endings):
        _ending(compared, number, mine, theirs, cut)
    if mine.interrupted:
        compared.by_rule["interrupted"] = mine.interrupted
    compared.differences.sort(key=lambda one: one.mine.seq if one.mine is not None else 1 << 60)
    return compared


def _task(compared: Compared, task: TaskName, mine: list[Known], theirs: list[Known], cut: bool) -> None:
    i = j = 0
    while i < len(mine) and j < len(theirs):
        one, other = mine[i], theirs[j]
        why = _differs(compared, one, other)
        if why:
            first, first_of_theirs = _back(mine, i), _back(theirs, j)
            last_of_mine, last_of_theirs = _run(mine, first), _run(theirs, first_of_theirs)
            further = last_of_mine > i or last_of_theirs > j
            if further and _large(mine[first:last_of_mine], theirs[first_of_theirs:last_of_theirs]):
                compared.by_rule["large"] += 1
                compared.pieces.add(task[0])
                i, j = last_of_mine, last_of_theirs
                continue
            ends = _echoed(mine, i, theirs, j)
            if ends is not None:
                compared.by_rule["large"] += 1
                compared.pieces.add(task[0])
                i, j = ends
                continue
            before = tuple(known.call for known in mine[max(i - 3, 0) : i])
            compared.differences.append(Difference(why, task, one.call, other.call, before))
            return
        compared.agreed[one.call.name] += 1
        compared.asleep += one.ret is None and other.ret is None
        i, j = i + 1, j + 1
    before = tuple(known.call for known in mine[max(i - 3, 0) : i])
    if i < len(mine):
        if cut and mine[i].ret is None:
            return
        compared.differences.append(Difference("missing", task, mine[i].call, None, before))
    elif j < len(theirs) and not cut:
        compared.differences.append(Difference("more", task, None, theirs[j].call, before))


def _differs(compared: Compared, one: Known, other: Known) -> str:
    """Why two calls differ; empty if they agree, be it by a rule."""
    nr = one.call.nr
    if nr != other.call.nr:
        return "call"
    if nr == SYS.read and one.call.args[0] == 0:
        return ""
    if one.args != other.args:
        return "args"
    if one.ret is None or other.ret is None:
        if one.ret is None and _timed(one.call):  # the machine's run was over before its time was
            return ""
        return "" if one.ret == other.ret else "sleeps" if other.ret is None else "wakes"
    if nr in (SYS.poll, SYS.select, SYS.epoll_wait):
        return _ready(compared, one, other)
    if one.ret != other.ret:
        return "result"
    if one.out != other.out:
        if nr == SYS.getsockopt and one.call.args[1:3] in [(1, size) for size in SIZES]:
            compared.by_rule["buffers"] += 1
            return ""
        return "out"
    return ""


def _timed(call: Call) -> bool:
    """Whether a sleep in `call` ends by itself."""
    if call.nr == SYS.clock_nanosleep:
        return True
    if call.nr in (SYS.poll, SYS.select):
        return call.args[-1] is not None
    return call.nr == SYS.epoll_wait and call.args[2] >= 0


def _ready(compared: Compared, one: Known, other: Known) -> str:
    if other.out is None and other.ret >= 0:  # C waited on its own, and told nobody what it found
        return "" if bool(one.ret) == bool(other.ret) else "result"
    if one.ret != other.ret:
        return "result"
    if one.out == other.out or one.ret < 0:
        return ""
    if one.call.nr != SYS.select and sorted(map(str, one.out)) == sorted(map(str, other.out)):
        compared.by_rule["ready-order"] += 1
        return ""
    return "out"


def _back(calls: list[Known], place: int) -> int:
    """Where the run of calls begins that the one at `place` belongs to: those that move bytes one way, and the waiting
    in between."""
    moving = None
    for earlier in range(place, -1, -1):
        one = calls[earlier]
        if one.call.nr in MOVES and moving in (None, (one.call.nr, one.args[:1])):
            moving, place = (one.call.nr, one.args[:1]), earlier
        elif one.call.nr not in WAITS:
            break
    return place


def _run(calls: list[Known], start: int) -> int:
    """The end of the run that begins at `start`."""
    first = calls[start]
    end = start
    while end < len(calls):
        one = calls[end]
        if one.call.nr not in WAITS and (one.call.nr, one.args[:1]) != (first.call.nr, first.args[:1]):
            break
        end += 1
    return end


def _large(mine: list[Known], theirs: list[Known]) -> bool:
    """Whether both runs move much of the same descriptor: then only the pieces differ, and the waiting in between."""
    ours, real = ([one for one in run if one.call.nr in MOVES] for run in (mine, theirs))
    if not ours or not real or (ours[0].call.nr, ours[0].args[:1]) != (real[0].call.nr, real[0].args[:1]):
        return False
    moved = [sum(one.ret for one in run if isinstance(one.ret, int) and one.ret > 0) for run in (ours, real)]
    asked = ours[0].call.args[2] if ours[0].call.nr == SYS.sendto else 0
    return max(*moved, asked) >= LARGE


def _echoed(mine: list[Known], i: int, theirs: list[Known], j: int) -> tuple[int, int] | None:
    """Where both runs are done with moving much to and fro over one descriptor, if they moved as much each way."""
    moved = next((one for one in (mine[i], theirs[j]) if one.call.nr in MOVES), None)
    if moved is None:
        return None
    fd = moved.args[0]
    runs = [_exchange(mine, i, fd), _exchange(theirs, j, fd)]
    totals: list[Counter[int]] = []
    for calls, (start, end) in zip((mine, theirs), runs, strict=True):
        total: Counter[int] = Counter()
        for one in calls[start:end]:
            if one.call.nr in MOVES and isinstance(one.ret, int):
                total[one.call.nr] += max(one.ret, 0)
        totals.append(total)
    if totals[0] != totals[1] or totals[0].total() < LARGE:
        return None
    return runs[0][1], runs[1][1]


def _exchange(calls: list[Known], place: int, fd: Any) -> tuple[int, int]:
    """The calls around `place` that move bytes over `fd`, wait, or say what to wait for there."""

    def fits(one: Known) -> bool:
        nr, args = one.call.nr, one.args
        if nr == SYS.epoll_ctl:
            return bool(args[1] == MOD and args[2] == fd)
        return nr in WAITS or (nr in MOVES and args[0] == fd)

    start, end = place, place
    while start > 0 and fits(calls[start - 1]):
        start -= 1
    while end < len(calls) and fits(calls[end]):
        end += 1
    return start, end


def _ending(compared: Compared, number: int, mine: Traced, theirs: Traced, cut: bool) -> None:
    ours, real = mine.printed.get(number, b""), theirs.printed.get(number, b"")
    texts = [told(raw) for raw in (ours, real)]
    threads = sum(task[0] == number for task in mine.calls) > 1
    compared.printed += bool(ours or real)
    if texts[0] != texts[1]:
        lines = [text.splitlines() for text in texts]
        if threads and sorted(lines[0]) == sorted(lines[1]):
            compared.by_rule["lines"] += 1
        elif number in compared.pieces and _shapes(lines[0]) == _shapes(lines[1]):
            compared.by_rule["amounts"] += 1
        elif cut and (texts[0].startswith(texts[1]) or texts[1].startswith(texts[0])):
            compared.by_rule["cut"] += 1
        else:
            place = next(
                (n for n, pair in enumerate(zip(*lines, strict=False)) if pair[0] != pair[1]), min(map(len, lines))
            )
            shown = tuple(each[place] if place < len(each) else "" for each in lines)
            compared.differences.append(Difference("printed", (number, 0), None, None, (), (shown[0], shown[1])))
    code, real_code = mine.endings.get(number), theirs.endings.get(number)
    if code != real_code and not cut:
        texts = [str(each) for each in (code, real_code)]
        compared.differences.append(Difference("ending", (number, 0), None, None, (), (texts[0], texts[1])))


def _shapes(lines: list[str]) -> list[str]:
    """The lines without their numbers; of those that follow each other and are then the same, one."""
    shapes = [_NUMBER.sub("…", line) for line in lines]
    return [shape for place, shape in enumerate(shapes) if place == 0 or shape != shapes[place - 1]]


_NUMBER: Final = re.compile(r"\d+")
_PORT: Final = re.compile(
    r"(?<=process )\d+\b|(?<=进程 )\d+\b|(?<=pid )\d+\b|(?<=pid=)\d+\b|"
    r"(?<=['\"], )\d{4,5}\b|(?<=:)\d{4,5}\b|\b(?=0x)0x[0-9a-f]{6,}\b|(?<=port=)\d{4,5}\b|(?<=port )\d{4,5}\b"
    r"|(?<=端口 )\d{4,5}\b"
)
_TIME: Final = re.compile(r"\b\d+(?:\.\d+)? ?(?=(?:ns|us|µs|ms|s|seconds?|秒|毫秒)\b)")
_HOST: Final = re.compile(r"\b(?:10\.0\.0\.\d+|0\.0\.0\.0)\b")


def told(raw: bytes) -> str:
    """What a program printed, with chosen ports, addresses in memory, hosts and times replaced."""
    text = raw.decode("utf-8", "replace")
    return _TIME.sub("…", _HOST.sub("127.0.0.1", _PORT.sub("…", text)))
