"""What a question says and which answers it offers: texts in both languages, made from the world where it is asked.

A choice never gives the answer away: wrong ones are what one might expect (the size asked for, what is there, EAGAIN),
in an order that does not depend on which is right.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ioviz.lesson.words import short, task_name
from ioviz.model import rbtree
from ioviz.model.buffer import rx
from ioviz.model.files import EVENTPOLL, PIPE_READ, PIPE_WRITE, SOCKET, fd_key
from ioviz.model.lists import walk
from ioviz.model.syscalls import name_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ioviz.model.cpu import TrapEntered
    from ioviz.model.world import World

MOST: Final = 8
"""Choices that a question offers; more cannot be taken in."""


class Texts(NamedTuple):
    """A text in both languages."""

    en: str
    zh: str

    def of(self, lang: str) -> str:
        """The text in `lang`."""
        return self.zh if lang == "zh" else self.en

    def filled(self, **values: object) -> Texts:
        """With its places filled."""
        return Texts(self.en.format(**values), self.zh.format(**values))


Choice = Texts

PROMPTS: Final = {
    "ready": Texts(
        "{who} is in {call}(). Which descriptors will it return, if any?",
        "{who} 正在 {call}() 里。它会返回哪些描述符？（也可能一个都没有）",
    ),
    "blocks": Texts(
        "{who} calls {call}. Will this call put it to sleep?",
        "{who} 调用 {call}。这次调用会让它睡眠吗？",
    ),
    "result": Texts("{who} calls {call}. What will it return?", "{who} 调用 {call}。它会返回什么？"),
    "readylist": Texts(
        "What is on the ready list after the next event, if anything?",
        "下一个事件之后，就绪链表上有哪些项？（也可能一项都没有）",
    ),
    "next": Texts("Who runs next on this CPU?", "这个 CPU 接下来运行谁？"),
}
YES_NO: Final = (
    Texts("yes: it sleeps until something happens", "会：睡到有事发生为止"),
    Texts("no: it returns at once", "不会：马上返回"),
)
STATES: Final = {
    "ready": Texts("ready", "就绪"),
    "running": Texts("running", "运行中"),
    "sleeping": Texts("asleep", "睡眠中"),
}
NOTHING: Final = Texts("none of them", "一个都没有")
IDLE: Final = Texts("nobody: the CPU idles", "谁也不运行：CPU 空闲")


def few(values: Sequence[int], needed: Collection[int]) -> list[int]:
    """At most MOST of `values`, those that are `needed` among them, in their order."""
    spare = max(0, MOST - len(needed))
    kept: list[int] = []
    for value in values:
        if value in needed:
            kept.append(value)
        elif spare:
            kept.append(value)
            spare -= 1
    return kept


def who(world: World, task: int) -> str:
    """The task by its program."""
    return task_name(world, task) or str(task)


def _is_address(arg: object) -> bool:
    return isinstance(arg, tuple) and len(arg) >= 2 and isinstance(arg[0], str) and isinstance(arg[1], int)


def _argument(arg: Any) -> str:
    return f"{arg[0]}:{arg[1]}" if _is_address(arg) else repr(arg) if isinstance(arg, str) else str(arg)


OPERATIONS: Final = {"1": "EPOLL_CTL_ADD", "2": "EPOLL_CTL_DEL", "3": "EPOLL_CTL_MOD"}
MOST_ASKED: Final = 6
"""Descriptors of a call of select or poll that a question names."""


def call_text(entry: TrapEntered) -> str:
    """`recvfrom(5, 4)`: the call with those arguments that are plain; of select and poll, what they ask about."""
    plain = [_argument(arg) for arg in entry.args[:3] if isinstance(arg, (int, str)) or _is_address(arg)]
    name = name_of(entry.nr)
    if name == "epoll_ctl":
        plain = [OPERATIONS.get(text, text) if place == 1 else text for place, text in enumerate(plain)]
    if name in {"select", "poll"}:
        args: tuple[Any, ...] = entry.args
        asked = args[1] if name == "select" else [line[0] for line in args[0]]
        numbers = [str(fd) for fd in asked[:MOST_ASKED]] + ["…"] * (len(asked) > MOST_ASKED)
        plain = [*plain[: name == "select"], f"{{{', '.join(numbers)}}}"]
    if name in {"execve", "accept4"}:
        plain = plain[:1]
    if name in {"sendto", "write", "recvfrom", "read"}:
        plain = [text if len(text) <= 20 else f"{text[:16]}…'" for text in plain]
    return f"{name}({', '.join(plain)})"


def task_choice(world: World, task: int) -> Choice:
    """A task with its state."""
    row = world.tasks[task]
    state = STATES.get(row.state, Texts(row.state, row.state))
    name = who(world, task)
    return Texts(f"{name} ({state.en})", f"{name}（{state.zh}）")


# -- descriptors -------------------------------------------------------------------------------------------------------


def fd_choice(world: World, pid: int, fd: int) -> Choice:
    """A descriptor with what it names."""
    row = world.fds.get(fd_key(pid, fd))
    file = world.files.get(row.file) if row is not None else None
    if file is None:
        return Texts(f"fd {fd}", f"fd {fd}")
    if file.kind == SOCKET and (sock := world.sockets.get(file.obj)) is not None:
        if sock.state == "LISTEN":
            return Texts(f"fd {fd}, listens on {short(sock.local)}", f"fd {fd}，监听 {short(sock.local)}")
        if sock.remote:
            return Texts(f"fd {fd}, connected to {short(sock.remote)}", f"fd {fd}，连着 {short(sock.remote)}")
        return Texts(f"fd {fd}, a socket", f"fd {fd}，socket")
    if file.kind in (PIPE_READ, PIPE_WRITE):
        side = ("read", "读") if file.kind == PIPE_READ else ("write", "写")
        return Texts(f"fd {fd}, the {side[0]} end of a pipe", f"fd {fd}，管道的{side[1]}端")
    return Texts(f"fd {fd}, {file.kind}", f"fd {fd}，{file.kind}")


def watched_fds(world: World, pid: int, call: str, args: tuple[Any, ...]) -> list[int]:
    """The descriptors that a call waits for, from its arguments."""
    if call.startswith("epoll"):
        row = world.fds.get(fd_key(pid, args[0])) if args and isinstance(args[0], int) else None
        file = world.files.get(row.file) if row is not None else None
        return sorted(set(items_of(world, file.obj).values())) if file is not None and file.kind == EVENTPOLL else []
    if call in ("poll", "ppoll"):
        pairs = args[0] if args and isinstance(args[0], tuple) else ()
        return [pair[0] for pair in pairs if isinstance(pair, tuple) and pair and isinstance(pair[0], int)]
    sets = [part for part in args[1:4] if isinstance(part, tuple)]
    return sorted({fd for part in sets for fd in part if isinstance(fd, int)})


def returned_fds(call: str, out: Any) -> set[int]:
    """The descriptors that a call returned, from what it copied to the program."""
    if not isinstance(out, tuple):
        return set()
    if call.startswith("epoll") or call in ("poll", "ppoll"):
        return {pair[0] for pair in out if isinstance(pair, tuple) and pair and isinstance(pair[0], int)}
    return {fd for part in out if isinstance(part, tuple) for fd in part if isinstance(fd, int)}


# -- epoll -------------------------------------------------------------------------------------------------------------


def instance_of(world: World, event: Any) -> int:
    """The epoll instance that an event is about; else the only one that watches something; 0 if there is none."""
    ep = getattr(event, "ep", 0)
    if ep in world.eventpolls:
        return int(ep)
    watching = [row.id for row in world.eventpolls.values() if row.count]
    return watching[0] if len(watching) == 1 else 0


def items_of(world: World, ep: int) -> dict[int, int]:
    """Item → descriptor, of an instance."""
    row = world.eventpolls.get(ep)
    return {item: world.epitems[item].fd for item in rbtree.walk(world, row.root)} if row is not None else {}


def ready_of(world: World, ep: int) -> list[int]:
    """The items on the ready list, in its order."""
    return list(walk(world.ready_lists, ep, world.ready_links))


def owner_of(world: World, ep: int) -> int:
    """A process that has a descriptor of the instance; 0 if there is none."""
    for row in world.fds.values():
        file = world.files.get(row.file)
        if file is not None and file.kind == EVENTPOLL and file.obj == ep:
            return row.pid
    return 0


# -- results -----------------------------------------------------------------------------------------------------------


def result_choice(value: int) -> Choice:
    """A result by its number, or the errno by its name."""
    if -4096 < value < 0:
        name = errno.errorcode.get(-value, str(-value))
        return Texts(f"-1, {name}", f"-1，{name}")
    return Texts(str(value), str(value))


def likely_results(world: World, pid: int, entry: TrapEntered, right: int) -> list[int]:
    """What a call might return, `right` among it: numbers in their order, errors after them."""
    name, args = name_of(entry.nr), entry.args
    found = {right, 0, -errno.EAGAIN}
    sizes = [arg for arg in args[1:3] if isinstance(arg, int) and arg > 0]
    if name in ("recvfrom", "read", "recvmsg", "sendto", "write", "sendmsg"):
        found.update(sizes[-1:] if name in ("sendto", "write") else sizes[:1])
        fd = args[0] if args and isinstance(args[0], int) else -1
        found.update(_in_buffer(world, pid, fd))
        if name in ("sendto", "write", "sendmsg"):
            found.add(-errno.EPIPE)
    elif name.startswith("accept"):
        found.add(next((row.fd for row in world.fds.values() if row.pid == pid), 3))
        found.discard(0)
        found.add(max((row.fd for row in world.fds.values() if row.pid == pid), default=2) + 1)
    elif name.startswith("epoll_wait") or name in ("poll", "select"):
        found.update({1, 2})
    elif name == "connect":
        found.update({-errno.EINPROGRESS, -errno.ECONNREFUSED})
    elif name == "epoll_ctl":
        found.update({-errno.EEXIST, -errno.ENOENT})
        found.discard(-errno.EAGAIN)
    else:
        found.update({-errno.EBADF, -errno.EINVAL})
    spare = [value for value in sorted(found, key=_rank) if value != right][: MOST - 3]
    return sorted([right, *spare], key=_rank)


def _in_buffer(world: World, pid: int, fd: int) -> list[int]:
    """How many bytes the receive buffer behind a descriptor holds."""
    row = world.fds.get(fd_key(pid, fd))
    file = world.files.get(row.file) if row is not None else None
    buffer = world.buffers.get(rx(file.obj)) if file is not None and file.kind == SOCKET else None
    return [buffer.bytes] if buffer is not None and buffer.bytes else []


def _rank(value: int) -> tuple[bool, int]:
    return value < 0, abs(value)
