"""Predict first: questions about what comes next in a run, with choices and answers that are computed from its log.

A question has two places in the log: `stop`, where it is asked (that many events have happened), and `show`, where its
answer can be seen. Between them lies what it is about, so nothing that the answer depends on is still unknown at `stop`
but to whoever does not know the kernel: a wait is asked about when it has been woken, not when it began.

Kinds: `ready` (which descriptors will epoll_wait, poll or select return), `blocks` (will this call put the task to
sleep), `result` (what will it return), `readylist` (what is on the ready list after this event), `next` (which task
runs next). Scenes name an event; `offered` finds something to ask in any run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ioviz.lesson import choices
from ioviz.lesson.choices import Choice, Texts
from ioviz.model.cpu import SyscallReturned, TrapEntered
from ioviz.model.eventpoll import EventDelivered, ReadyDropped
from ioviz.model.poll import FdsScanned
from ioviz.model.syscalls import name_of
from ioviz.model.task import TaskSlept, TaskSwitched, TaskWoken

if TYPE_CHECKING:
    from ioviz.lesson.scene import Question
    from ioviz.model.event import Event
    from ioviz.trace.timeline import Timeline

KINDS: Final = ("ready", "blocks", "result", "readylist", "next")
WAITS: Final = frozenset({"epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select", "pselect6"})
FREE: Final = frozenset({"recvfrom", "sendto", "accept4", "read", "write", "connect", "accept", "recvmsg", "sendmsg"})
"""Calls whose outcome is worth asking for when nobody chose."""
STDERR: Final = 2
NEAR: Final = 8_192
"""Events within which a question that nobody prepared must have its answer: a step must not look through a long run."""
SLICE: Final = 1024


class QuestionError(Exception):
    """A question that cannot be asked there; the text says what can."""


class Asked(NamedTuple):
    """A question as it is put: `right` are the indices of the right `choices`, of which there may be any number if
    `several`. `because` is the event (its index in the log) whose sentence explains the answer."""

    kind: str
    stop: int
    show: int
    because: int
    prompt: Texts
    choices: tuple[Choice, ...]
    right: frozenset[int]
    several: bool


class Call(NamedTuple):
    """A system call in the log: the indices of its entry and its return (-1: it never returns), of its last sleep and
    of the last time it was woken (-1: never)."""

    entry: int
    back: int
    slept: int
    woken: int
    first_sleep: int


def check_question(question: Question) -> None:
    """Raise QuestionError unless what `question` asks can be asked at an event like that of its anchor."""
    at, ask = question.at, question.ask
    if ask == "next" and at.event != "TaskSwitched":
        raise QuestionError(f"`next` is asked at TaskSwitched, not at {at.event}")
    if ask in {"ready", "blocks", "result"} and at.event not in {"TrapEntered", "SyscallReturned"}:
        raise QuestionError(f"`{ask}` is asked at TrapEntered or SyscallReturned, not at {at.event}")
    if ask == "ready" and at.call not in WAITS:
        raise QuestionError(f"`ready` needs a `call` that waits for descriptors: {', '.join(sorted(WAITS))}")


def pose(log: Timeline, ask: str, index: int, within: int = 1 << 60) -> Asked | None:
    """The question of kind `ask` about event `index` of `log`; None if the run gives no answer to it (yet), or none
    `within` so many events."""
    event = log.event(index)
    if ask == "next":
        return _next(log, index, event) if isinstance(event, TaskSwitched) else None
    if ask == "readylist":
        return _ready_list(log, index, event)
    call = find_call(log, index, within)
    if call is None:
        return None
    if ask == "blocks":
        return _blocks(log, call)
    if call.back < 0:
        return None
    return _ready(log, call) if ask == "ready" else _result(log, call)


def offered(log: Timeline, index: int) -> Asked | None:
    """What may be asked when event `index` has happened, if anything; for runs that no scene has prepared."""
    event = log.event(index)
    if isinstance(event, TrapEntered):
        name = name_of(event.nr)
        if name in WAITS or (name in FREE and entry_fd(event) > STDERR):
            found = pose(log, "blocks", index, NEAR)
            return found if found is not None and found.stop == index + 1 else None
    if isinstance(event, TaskWoken):
        entry = _entry_of(log, index, event.tid, NEAR)
        if entry >= 0 and name_of(_as_trap(log.event(entry)).nr) in WAITS:
            return pose(log, "ready", entry, 2 * NEAR)
    return None


def entry_fd(entry: TrapEntered) -> int:
    """The descriptor that a call is about, by its first argument; -1 if that is none."""
    return entry.args[0] if entry.args and isinstance(entry.args[0], int) else -1


# -- the calls in the log ----------------------------------------------------------------------------------------------


def find_call(log: Timeline, index: int, within: int = 1 << 60) -> Call | None:
    """The call that event `index` is the entry of or the return from, as far as `within` so many events tell; None if
    it is neither."""
    event = log.event(index)
    if isinstance(event, SyscallReturned):
        index = _entry_of(log, index, event.task, within)
    elif not isinstance(event, TrapEntered):
        return None
    if index < 0:
        return None
    task = log.event(index).task
    slept = woken = first = -1
    place = index + 1
    while place < min(len(log), index + within):
        for event in log.events(place, place + SLICE):
            if event.task == task and isinstance(event, SyscallReturned):
                return Call(index, place, slept, woken, first)
            if event.task == task and isinstance(event, TrapEntered):
                return Call(index, -1, slept, woken, first)
            if event.task == task and isinstance(event, TaskSlept):
                slept = place
                first = place if first < 0 else first
            elif isinstance(event, TaskWoken) and event.tid == task:
                woken = place
            place += 1
    return Call(index, -1, slept, woken, first)


def _entry_of(log: Timeline, index: int, task: int, within: int) -> int:
    """The last entry of `task` into the kernel before event `index`; -1 if there is none `within` so many events."""
    stop = index
    while stop > max(0, index - within):
        start = max(0, stop - SLICE)
        events = log.events(start, stop)
        for offset in range(len(events) - 1, -1, -1):
            event = events[offset]
            if event.task == task and isinstance(event, TrapEntered):
                return start + offset
            if event.task == task and isinstance(event, SyscallReturned):
                return -1
        stop = start
    return -1


def _as_trap(event: Event) -> TrapEntered:
    assert isinstance(event, TrapEntered)
    return event


# -- the kinds ---------------------------------------------------------------------------------------------------------


def _ready(log: Timeline, call: Call) -> Asked | None:
    entry, back = _as_trap(log.event(call.entry)), log.event(call.back)
    assert isinstance(back, SyscallReturned)
    name = name_of(entry.nr)
    start = max(call.entry, call.woken) + 1
    telling = (EventDelivered, ReadyDropped) if name.startswith("epoll") else (FdsScanned,)
    stop = because = call.back
    found: set[int] = set()
    for place, event in enumerate(log.events(start, call.back), start):
        if event.task == entry.task and isinstance(event, telling):
            stop, because = (place if stop == call.back else stop), place
    world = log.world(stop)
    pid = world.tasks[entry.task].process if entry.task in world.tasks else 0
    watched = choices.watched_fds(world, pid, name, entry.args)
    found = choices.returned_fds(name, back.out) if back.ret > 0 else set()
    fds = choices.few([*dict.fromkeys([*watched, *sorted(found)])], found)
    if not fds:
        return None
    names = tuple(choices.fd_choice(world, pid, fd) for fd in fds)
    right = frozenset(place for place, fd in enumerate(fds) if fd in found)
    prompt = choices.PROMPTS["ready"].filled(who=choices.who(world, entry.task), call=name)
    return Asked("ready", stop, call.back + 1, because, prompt, names, right, True)


def _blocks(log: Timeline, call: Call) -> Asked | None:
    entry = _as_trap(log.event(call.entry))
    if call.back < 0 and call.first_sleep < 0:
        return None  # exit_group, or the log ends here: nothing is known
    sleeps = call.first_sleep >= 0
    because = call.first_sleep if sleeps else call.back
    world = log.world(call.entry + 1)
    prompt = choices.PROMPTS["blocks"].filled(who=choices.who(world, entry.task), call=choices.call_text(entry))
    right = frozenset({0 if sleeps else 1})
    return Asked("blocks", call.entry + 1, because + 1, because, prompt, choices.YES_NO, right, False)


def _result(log: Timeline, call: Call) -> Asked | None:
    entry, back = _as_trap(log.event(call.entry)), log.event(call.back)
    assert isinstance(back, SyscallReturned)
    stop = max(call.entry, call.woken) + 1
    world = log.world(stop)
    pid = world.tasks[entry.task].process if entry.task in world.tasks else 0
    values = choices.likely_results(world, pid, entry, back.ret)
    prompt = choices.PROMPTS["result"].filled(who=choices.who(world, entry.task), call=choices.call_text(entry))
    named = tuple(choices.result_choice(value) for value in values)
    return Asked("result", stop, call.back + 1, call.back, prompt, named, frozenset({values.index(back.ret)}), False)


def _ready_list(log: Timeline, index: int, event: Any) -> Asked | None:
    world = log.world(index)
    ep = choices.instance_of(world, event)
    if not ep:
        return None
    before = choices.items_of(world, ep)
    world = log.world(index + 1)
    after = choices.ready_of(world, ep)
    names = {**before, **choices.items_of(world, ep)}
    fds = choices.few(sorted(set(names.values())), {names[item] for item in after if item in names})
    right = frozenset(fds.index(names[item]) for item in after if item in names)
    if not fds:
        return None
    pid = choices.owner_of(world, ep)
    made = tuple(choices.fd_choice(world, pid, fd) for fd in fds)
    prompt = choices.PROMPTS["readylist"].filled(what=type(event).__name__)
    return Asked("readylist", index, index + 1, index, prompt, made, right, True)


def _next(log: Timeline, index: int, event: TaskSwitched) -> Asked | None:
    world = log.world(index)
    tasks = [row.id for row in world.tasks.values() if row.host == event.cpu and row.state != "dead"]
    tasks = choices.few(tasks, {event.next})
    made = (*(choices.task_choice(world, task) for task in tasks), choices.IDLE)
    right = tasks.index(event.next) if event.next in tasks else len(tasks)
    if len(made) < 2:
        return None
    return Asked("next", index, index + 1, index, choices.PROMPTS["next"], made, frozenset({right}), False)
