"""A sequence of operations as an ordinary Python program: it runs under `python3` and under `ioviz play`, says what
each step gives, and what Linux gave when the difference was found."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any, Final

from ioviz.verify.backends import Step
from ioviz.verify.ops import SLOTS, Op

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ioviz.verify.campaign import Difference

PRELUDE: Final = '''\
import errno, fcntl, os, select, socket, struct, sys, threading, time

fds, names, epolls, back, threads = {}, {}, {}, [], {}
ALL = select.POLLIN | select.POLLPRI | select.POLLOUT | select.POLLRDHUP
KNOWN = ALL | select.POLLERR | select.POLLHUP | select.POLLNVAL


def own(name, fd):
    fds[name], names[fd] = fd, name
    return "ok"

def fd(name):
    return fds.get(name, -1)

def sock(name):
    if fd(name) < 0:
        raise OSError(errno.EBADF, "closed")
    return socket.socket(fileno=fd(name))

def with_sock(name, use):
    s = sock(name)
    try:
        return use(s)
    finally:
        s.detach()

def epoll(name):
    if fd(name) < 0:
        raise OSError(errno.EBADF, "closed")
    if fd(name) not in epolls:
        epolls[fd(name)] = select.epoll.fromfd(fd(name))
    return epolls[fd(name)]

def blocking(made, flags):
    os.set_blocking(made, not flags & os.O_NONBLOCK)
    return made

def tcp(a, b, flags):
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        accepted = server.accept()[0]
    for name, one in ((a, client), (b, accepted)):
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        own(name, blocking(one.detach(), flags))
    return "ok"

def pair(a, b, kind):
    for name, one in zip((a, b), socket.socketpair(socket.AF_UNIX, kind & 15)):
        own(name, blocking(one.detach(), kind))
    return "ok"

def pipe(r, w, flags):
    for name, one in zip((r, w), os.pipe()):
        own(name, blocking(one, flags))
    return "ok"

def listener(name, backlog, flags):
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(backlog)
    own(name, blocking(s.detach(), flags))
    return 0

def local(name, kind, backlog):
    s = socket.socket(socket.AF_UNIX, kind & 15)
    s.bind("")
    s.listen(backlog)
    own(name, blocking(s.detach(), kind))
    return 0

def udp(name, flags, family=socket.AF_INET):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
    own(name, blocking(s.detach(), flags))
    return 0

def address(name):
    return with_sock(name, lambda s: s.getsockname())

def connect(name, to):
    family, kind = with_sock(to, lambda s: (s.family, s.type))
    s = socket.socket(family, kind)
    if family != socket.AF_UNIX:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    own(name, blocking(s.detach(), os.O_NONBLOCK))
    return again(name, to)

def again(name, to):
    code = with_sock(name, lambda s: s.connect_ex(address(to)))
    return errno.errorcode[code] if code else 0

def accept(name, listener, flags):
    accepted = with_sock(listener, lambda s: s.accept())[0]
    return own(name, blocking(accepted.detach(), flags))

def eventfd(name, count, flags):
    return own(name, os.eventfd(count, flags))

def new_epoll(name):
    made = select.epoll()
    epolls[made.fileno()] = made
    return own(name, made.fileno())

def dup(name, old):
    return own(name, os.dup(fd(old)))

def dup2(name, old, over):
    if fd(old) < 0 or fd(over) < 0:
        raise OSError(errno.EBADF, "closed")
    if fd(over) in epolls and fd(old) != fd(over):
        kept.append(epolls.pop(fd(over)))
    made = os.dup2(fd(old), fd(over))
    del fds[over]
    return own(name, made)

def close(name):
    gone = fds.pop(name, -1)
    if gone in epolls:  # the object must not close another's descriptor later
        kept.append(epolls.pop(gone))
    os.close(gone)
    return 0

kept = []

def reset(name):
    with_sock(name, lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)))
    return close(name)

def send(name, data, flags=0):
    return with_sock(name, lambda s: s.send(data, flags))

def sendto(name, to, data, flags=0):
    return with_sock(name, lambda s: s.sendto(data, flags, address(to)))

def recv(name, n, flags=0):
    return with_sock(name, lambda s: s.recv(n, flags))

def write(name, data):
    return os.write(fd(name), data)

def read(name, n):
    return os.read(fd(name), n)

def shutdown(name, how):
    return with_sock(name, lambda s: s.shutdown(how)) or 0

def error(name):
    code = with_sock(name, lambda s: s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    return errno.errorcode[code] if code else 0

def queued(name):
    room = bytearray(4)
    fcntl.ioctl(fd(name), 0x541B, room)  # FIONREAD
    return int.from_bytes(room, sys.byteorder)

def set_option(name, level, option, value):
    return with_sock(name, lambda s: s.setsockopt(level, option, value)) or 0

def get_option(name, level, option):
    return with_sock(name, lambda s: s.getsockopt(level, option))

def listen(name, backlog):
    return with_sock(name, lambda s: s.listen(backlog)) or 0

def ctl(ep, name, op, mask):
    one = epoll(ep)
    if op == 1:
        one.register(fd(name), mask)
    elif op == 2:
        one.unregister(fd(name))
    else:
        one.modify(fd(name), mask)
    return 0

def wait(ep, most, timeout):
    return [(names[n], mask) for n, mask in epoll(ep).poll(timeout, most)]

def poll(masks, timeout):
    poller = select.poll()
    for name, mask in masks:
        if fd(name) >= 0:
            poller.register(fd(name), mask)
    return [(names[n], mask & KNOWN) for n, mask in poller.poll(timeout)]

def select_(reads, writes, excepts, timeout):
    found = select.select(*([fd(n) for n in each if n in fds] for each in (reads, writes, excepts)), timeout)
    return [sorted(names[n] for n in each) for each in found] if any(found) else "nothing"

def look():
    return poll([(name, ALL) for name in sorted(fds, key=lambda name: int(name[1:]))], 0)

def result(call):
    try:
        return call()
    except OSError as failed:
        return errno.errorcode[failed.errno]
    except ValueError:  # Python's own refusal of -1
        return "EBADF"

def step(number, text, call, linux, came_back=(), task=0):
    """One operation: by this thread, or by thread `task`, which may sleep in it."""
    if task and task in threads and threads[task].is_alive():
        got = "task sleeps"
    elif task:
        threads[task] = threading.Thread(target=lambda: back.append((number, result(call))), daemon=True)
        threads[task].start()
        got = "waits"
    else:
        got = result(call)
    if threads:
        time.sleep(0.05)
    for one in list(back):
        if one[0] == number:
            got = one[1]
            back.remove(one)
    came, back[:] = sorted(back, key=lambda one: one[0]), []
    same = got == linux and came == sorted(came_back, key=lambda one: one[0])
    more = "".join(f"; step {n} comes back with {value!r}" for n, value in came)
    print(f"{number:3} {text:44} {got!r}{more}" + ("" if same else f"   <-- Linux: {linux!r} {list(came_back) or ''}"))
    return same


'''

_NAMED: Final = {"epoll": "new_epoll", "select": "select_", "set": "set_option", "get": "get_option"}


def _name(slot: int) -> str:
    return f"s{slot}"


def _call(op: Op) -> str:
    """The call of `op` as the text of a Python expression."""
    args: list[Any] = list(op.args)
    places = sum(SLOTS[op.kind])
    args[:places] = [_name(slot) for slot in args[:places]]
    if op.kind in ("send", "write", "sendto"):
        tag, size = args[places : places + 2]
        data = bytes((tag,)) * size
        if op.kind == "write" and size == 8:
            data = bytes((tag % 3 + 1,)) + bytes(7)
        shown = repr(data) if size <= 20 else f"{bytes((tag,))!r} * {size}"
        texts = [*(repr(arg) for arg in args[:places]), shown, *(repr(arg) for arg in args[places + 2 :] if arg)]
    elif op.kind == "poll":
        texts = [repr([(_name(slot), mask) for slot, mask in args[0]]), repr(args[1])]
    elif op.kind == "select":
        texts = [*(repr([_name(slot) for slot in slots]) for slots in args[:3]), repr(args[3])]
    else:
        texts = [repr(arg) for arg in args]
    return f"{_NAMED.get(op.kind, op.kind)}({', '.join(texts)})"


def _shown(op: Op, value: Any) -> Any:
    """A result in the program's own names."""
    if op.kind in ("wait", "poll", "look") and isinstance(value, list):
        return [(_name(slot), mask) for slot, mask in value]
    if op.kind == "select" and isinstance(value, list):
        return [sorted(_name(slot) for slot in slots) for slots in value]
    return value


def _expected(ops: Sequence[Op], step: Step, op: Op) -> tuple[str, str]:
    back = [(number, _shown(ops[number], value)) for number, value in step.back]
    return repr(_shown(op, step.result)), repr(back)


def program_of(difference: Difference) -> str:
    """The text of the program that shows `difference`."""
    ops = difference.ops
    lines = []
    for number, (op, simulated, real) in enumerate(
        zip(ops, difference.simulated[: len(ops)], difference.real[: len(ops)], strict=False)
    ):
        linux, back = _expected(ops, real, op)
        call = _call(op)
        extra = (f", came_back={back}" if real.back else "") + (f", task={op.task}" if op.task else "")
        if simulated != real:
            mine, came = _expected(ops, simulated, op)
            lines.append(f"# Here the machine gave {mine}{'' if not simulated.back else f' and {came} came back'}.")
        lines.append(f"same &= step({number}, {call!r}, lambda: {call}, {linux}{extra})")
    head = (
        f'"""The shortest program on which the machine and {platform.system()} {platform.release()} differ.\n\n'
        f"Found by: ioviz verify --random N --seed {difference.seed} (sequence {difference.number}).\n"
        'Each step tells what it gives here; where that is not what Linux gave, the line says so.\n"""\n'
    )
    body = "\n".join(lines)
    return f"{head}{PRELUDE}same = True\n{body}\n{_LAST}"


_LAST: Final = """\
print("as on Linux" if same else "not as on Linux")
sys.stdout.flush()
os._exit(not same)
"""
