"""What is true of every world: predicates over its rows, each naming what it found wrong.

`check(world)` asks them all. Most hold after every event; those in `SETTLED` hold whenever a system call is over (in
the middle of `epoll_ctl` a tree is being repaired). `Checker` follows a world event by event and asks only about the
tables that changed, 20 µs an event in a small run; it also counts references.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from ioviz.model import eventpoll, lists, rbtree
from ioviz.model.cpu import USER, SyscallReturned
from ioviz.model.files import EVENTFD, EVENTPOLL, INODE, PIPE_READ, PIPE_WRITE, SIGNALFD, SOCKET, TIMERFD, FileHeld
from ioviz.model.memory import PAGE_SIZE as MEMORY_PAGE
from ioviz.model.memory import WRITE, ZERO_PAGE
from ioviz.model.nic import RX, TX
from ioviz.model.pipe import PAGE
from ioviz.model.socket import ESTABLISHED, LISTEN
from ioviz.model.task import DEAD, READY, RUNNING, SLEEPING
from ioviz.model.world import TABLES, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ioviz.model.event import Event

SOCK_STREAM: Final = 1
AF_UNIX: Final = 1
LISTS: Final = (
    ("run_queues", "run_links"),
    ("wait_queues", "wait_links"),
    ("accept_queues", "accept_links"),
    ("ready_lists", "ready_links"),
)
OBJECTS: Final = {
    SOCKET: "sockets",
    PIPE_READ: "pipes",
    PIPE_WRITE: "pipes",
    EVENTPOLL: "eventpolls",
    EVENTFD: "eventfds",
    TIMERFD: "timerfds",
    SIGNALFD: "signalfds",
    INODE: "inodes",
}


def linked_lists(world: World) -> Iterator[str]:
    """Every list is consistent, and every link is on one."""
    for queues_name, links_name in LISTS:
        queues, links = world.table(queues_name), world.table(links_name)
        for queue in queues:
            wrong = lists.check(queues, queue, links)
            if wrong:
                yield f"{queues_name}: {wrong}"
        listed = sum(row.count for row in queues.values())
        if listed != len(links):
            yield f"{links_name} has {len(links)} links, and {listed} are on lists"


def tasks(world: World) -> Iterator[str]:
    """READY: on the run queue. RUNNING: the one of its CPU. SLEEPING and DEAD: neither. Only sleepers wait."""
    queued = {tid: host for host in world.run_queues for tid in _walk(world, "run_queues", "run_links", host)}
    for tid, row in world.tasks.items():
        if row.state == READY and queued.get(tid) != row.host:
            yield f"task {tid} is ready and not on the run queue of its host"
        if row.state != READY and tid in queued:
            yield f"task {tid} is {row.state} and on a run queue"
        if row.state == RUNNING and world.cpus[row.host].task != tid:
            yield f"task {tid} is running, but CPU {row.host} has task {world.cpus[row.host].task}"
        if row.state not in (READY, RUNNING, SLEEPING, DEAD):
            yield f"task {tid} is in no state: {row.state!r}"
        if row.state != SLEEPING and (row.wchan or row.entries):
            yield f"task {tid} is {row.state} and still waits in {row.wchan!r}"
    for host, cpu in world.cpus.items():
        if cpu.task and cpu.task not in world.tasks:
            yield f"CPU {host} runs task {cpu.task}, which is none"
        if cpu.ring == USER and (not cpu.task or cpu.task in world.frames):
            yield f"CPU {host} is in user mode with a frame on the kernel stack of task {cpu.task}"


def wait_entries(world: World) -> Iterator[str]:
    """An entry is linked into its queue, and belongs to a sleeping task or to an epoll item that knows it."""
    for entry, row in world.wait_entries.items():
        if entry not in world.wait_links or row.queue not in world.wait_queues:
            yield f"wait entry {entry} is not on queue {row.queue}"
        if row.item:
            item = world.epitems.get(row.item)
            if item is None or item.entry != entry:
                yield f"wait entry {entry} belongs to item {row.item}, which does not know it"
        else:
            task = world.tasks.get(row.task)
            if task is None or task.state != SLEEPING or not task.entry <= entry < task.entry + task.entries:
                yield f"wait entry {entry} belongs to task {row.task}, which does not wait by it"
    if len(world.wait_entries) != len(world.wait_links):
        yield f"{len(world.wait_entries)} wait entries and {len(world.wait_links)} links"


def signals(world: World) -> Iterator[str]:
    """Only living processes have pending signals, only living tasks block any."""
    for pid, pending in world.signals.items():
        if not world.processes[pid].alive:
            yield f"process {pid} is dead and has pending signals"
        for tid, number in pending.private:
            if world.tasks[tid].process != pid:
                yield f"signal {number} for task {tid} is pending in process {pid}, which has no such task"
    for tid in world.sigmasks:
        if world.tasks[tid].state == DEAD:
            yield f"task {tid} is dead and blocks signals"


def interest(world: World) -> Iterator[str]:
    """Every item is in the tree of its instance and watches an open file; a ready item is in the tree."""
    for ep, row in world.eventpolls.items():
        items = sum(1 for _ in rbtree.walk(world, row.root))
        if items != row.count:
            yield f"the tree of eventpoll {ep} has {items} items and says {row.count}"
        for item in _walk(world, "ready_lists", "ready_links", ep):
            if item not in world.epitems or world.epitems[item].ep != ep:
                yield f"item {item} is ready in eventpoll {ep} and not in its tree"
    for item, epitem in world.epitems.items():
        if item not in world.rb_nodes or epitem.ep not in world.eventpolls:
            yield f"item {item} is in no tree"
        if epitem.file not in world.files:
            yield f"item {item} watches file {epitem.file}, which is gone"
    if len(world.rb_nodes) != len(world.epitems):
        yield f"{len(world.rb_nodes)} nodes and {len(world.epitems)} items"


def red_black_rules(world: World) -> Iterator[str]:
    """The trees are in order and keep the rules of red-black trees."""
    for ep in world.eventpolls:
        wrong = eventpoll.check(world, ep)
        if wrong:
            yield f"eventpoll {ep}: {wrong}"


def buffers(world: World) -> Iterator[str]:
    """A buffer's sums are those of its segments; a segment is on one chain; a pipe has no more slots than it has."""
    chained = 0
    for key, row in world.buffers.items():
        unread = charge = last = count = 0
        node = row.head
        while node and count <= len(world.segments):
            segment = world.segments.get(node)
            if segment is None:
                yield f"buffer {key}: segment {node} is missing"
                break
            if not 0 <= segment.start <= len(segment.data):
                yield f"buffer {key}: segment {node} is read up to {segment.start} of {len(segment.data)} bytes"
            unread += len(segment.data) - segment.start
            charge += segment.truesize
            last, node, count = node, segment.next, count + 1
        chained += count
        if world.mirrors and not row.head:
            continue  # nobody saw the bytes that are in it
        if (unread, charge, last) != (row.bytes, row.truesize, row.tail):
            yield f"buffer {key} says {row}, and its segments have {unread} bytes, {charge} charged, the last is {last}"
        if row.total < row.bytes:
            yield f"buffer {key} has {row.bytes} bytes, and only {row.total} ever came in"
    if chained != len(world.segments):
        yield f"{len(world.segments)} segments, and {chained} are in buffers"
    if not world.senders.keys() <= world.segments.keys():
        yield "a datagram that is gone still has a sender"
    for pipe in world.pipes:
        if world.buffers[pipe * 2].truesize > world.buffers[pipe * 2].limit:
            yield f"pipe {pipe} has more slots in use than it has"


def open_files(world: World) -> Iterator[str]:
    """A descriptor names an open file, which has at least so many references, and an open object."""
    named = Counter(row.file for row in world.fds.values())
    for file in named.keys() - world.files.keys():
        yield f"descriptors name file {file}, which is gone"
    for file, row in world.files.items():
        if row.refs < named[file]:
            yield f"file {file} has {row.refs} references, and {named[file]} descriptors name it"
        table = OBJECTS.get(row.kind)
        if row.refs and table is not None and row.obj not in world.table(table):
            yield f"file {file} opens {row.kind} {row.obj}, which is gone"
    for key, fd in world.fds.items():
        if key != fd.pid << 24 | fd.fd:
            yield f"descriptor {fd.fd} of process {fd.pid} has the key {key}"


def sockets(world: World) -> Iterator[str]:
    """A socket has its buffers and its wait queue; who is on an accept queue knows whose it is; nothing that was sent
    on this host is lost: sent = buffered + received."""
    for sock, row in world.sockets.items():
        if not {sock * 2, sock * 2 + 1} <= world.buffers.keys() or sock not in world.wait_queues:
            yield f"socket {sock} lacks a buffer or its wait queue"
            continue
        if row.state == LISTEN:
            for child in _walk(world, "accept_queues", "accept_links", sock):
                whose = world.sockets[child].listener
                if whose != sock:
                    yield f"connection {child} is on the accept queue of {sock} and says {whose}"
        # A local socket has no send buffer of its own: it writes into its peer's receive buffer.
        inet = row.family != AF_UNIX and row.type == SOCK_STREAM
        other = world.sockets.get(row.peer)
        if other is not None and other.peer == sock and inet and row.state == ESTABLISHED:
            sent, got = world.buffers[sock * 2 + 1], world.buffers[row.peer * 2]
            if sent.total != sent.bytes + got.total:
                yield f"socket {sock} sent {sent.total} bytes: {sent.bytes} are left, {got.total} came to {row.peer}"


def tcp(world: World) -> Iterator[str]:
    """Sequence numbers fit the buffers: what is not acknowledged is still there."""
    for sock, row in world.tcps.items():
        if not row.snd_una <= row.snd_nxt:
            yield f"socket {sock}: {row.snd_una} is acknowledged, and only {row.snd_nxt} was sent"
        if sock in world.sockets and world.sockets[sock].state == ESTABLISHED and row.snd_una:
            out = world.buffers[sock * 2 + 1]
            if out.total != out.bytes + row.snd_una - 1:
                yield f"socket {sock}: {out.total} bytes to send, {row.snd_una - 1} acknowledged, {out.bytes} kept"


def cards(world: World) -> Iterator[str]:
    """Ring positions are in order, and a packet that says it is in a ring is in it."""
    at = Counter((row.host, row.where) for row in world.packets.values())
    for host, row in world.nics.items():
        for ring, head, tail in ((RX, row.rx_head, row.rx_tail), (TX, row.tx_head, row.tx_tail)):
            if not tail <= head <= tail + row.size:
                yield f"{ring} ring of host {host}: head {head}, tail {tail}, {row.size} descriptors"
            if at[host, ring] != head - tail:
                yield f"{ring} ring of host {host} has {head - tail} packets in use, and {at[host, ring]} say so"


def file_system(world: World) -> Iterator[str]:
    """A name that is not hidden names an inode, which knows how many do; a page is one of a file, within its size."""
    named = Counter(world.names.values())
    for inode in named.keys() - world.inodes.keys() - {0}:
        yield f"inode {inode} has a name and is gone"
    for inode, row in world.inodes.items():
        if row.links != named[inode]:
            yield f"inode {inode} says that it has {row.links} names, and has {named[inode]}"
    for key, page in world.pages.items():
        inode, number = key >> 24, key & 0xFFFFFF
        if inode not in world.inodes or number * PAGE + len(page) > world.inodes[inode].size or len(page) > PAGE:
            yield f"page {number} with {len(page)} bytes does not belong to inode {inode}"


def address_spaces(world: World) -> Iterator[str]:
    """A present page lies in a mapping of its process, and is as writable as that; no two share a frame but zeros."""
    frames = Counter(page.frame for page in world.memory_pages.values())
    for (pid, number), page in world.memory_pages.items():
        address = number * MEMORY_PAGE
        mine = (row for row in world.mappings.values() if row.pid == pid)
        mapping = next((row for row in mine if 0 <= address - row.start < row.pages * MEMORY_PAGE), None)
        if mapping is None and pid in world.images:
            continue
        if mapping is None:
            yield f"page {number:#x} of process {pid} lies in no mapping"
        elif page.writable and not mapping.prot & WRITE:
            yield f"page {number:#x} of process {pid} is writable, and its mapping is not"
        if page.frame == ZERO_PAGE and (page.writable or page.data):
            yield f"process {pid} could write to the page of zeros"
        if page.frame != ZERO_PAGE and frames[page.frame] > 1:
            yield f"{frames[page.frame]} pages are in frame {page.frame}"


Rule = tuple["Callable[[World], Iterator[str]]", frozenset[str]]


def _rule(predicate: Callable[[World], Iterator[str]], *tables: str) -> Rule:
    return predicate, frozenset(tables)


RULES: Final[tuple[Rule, ...]] = (
    _rule(linked_lists, *(name for pair in LISTS for name in pair)),
    _rule(tasks, "tasks", "cpus", "frames", "run_queues", "run_links"),
    _rule(wait_entries, "tasks", "epitems", "wait_entries", "wait_queues", "wait_links"),
    _rule(signals, "signals", "sigmasks", "processes", "tasks"),
    _rule(interest, "eventpolls", "epitems", "rb_nodes", "ready_lists", "ready_links", "files"),
    _rule(buffers, "buffers", "segments", "senders", "pipes"),
    _rule(open_files, "files", "fds", *set(OBJECTS.values())),
    _rule(sockets, "sockets", "buffers", "wait_queues", "accept_queues", "accept_links"),
    _rule(tcp, "tcps", "sockets", "buffers"),
    _rule(cards, "nics", "packets"),
    _rule(file_system, "names", "inodes", "pages"),
    _rule(address_spaces, "mappings", "memory_pages", "images"),
)
"""What holds after every event, with the tables that it is about."""
SETTLED: Final[tuple[Rule, ...]] = (_rule(red_black_rules, "eventpolls", "epitems", "rb_nodes", "ready_lists"),)
"""What holds when a system call has returned."""


def check(world: World, *, settled: bool = True) -> list[str]:
    """All that is wrong with `world`. O(rows)."""
    rules = RULES + SETTLED if settled else RULES
    return [wrong for predicate, _ in rules for wrong in _ask(predicate, world)]


class Checker:
    """Follows `world`; call `after` with each event that was applied to it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._before: dict[str, dict[Any, Any]] = {name: {} for name in TABLES}
        self._held: Counter[int] = Counter()
        self._unsettled: set[str] = set()

    def after(self, event: Event) -> list[str]:
        """What is wrong now, in so far as the event can have done it."""
        changed = set()
        for name in TABLES:
            table = self.world.table(name)
            if table != self._before[name]:
                changed.add(name)
                self._before[name] = dict(table)
        rules = [predicate for predicate, tables in RULES if tables & changed]
        self._unsettled |= changed
        if isinstance(event, SyscallReturned):
            rules += [predicate for predicate, tables in SETTLED if tables & self._unsettled]
            self._unsettled.clear()
        wrong = [each for predicate in rules for each in _ask(predicate, self.world)]
        if isinstance(event, FileHeld):
            self._held[event.file] += event.delta
        if "files" in changed or "fds" in changed:
            wrong += self._references()
        return wrong

    def _references(self) -> Iterator[str]:
        """An open file has as many references as descriptors and calls that hold it."""
        named = Counter(row.file for row in self.world.fds.values())
        for file, row in self.world.files.items():
            if row.refs != named[file] + self._held[file]:
                yield f"file {file}: {row.refs} references, {named[file]} descriptors, held {self._held[file]} times"


def _ask(predicate: Callable[[World], Iterator[str]], world: World) -> Iterator[str]:
    """The complaints of a predicate; rows that are missing altogether are one too."""
    try:
        yield from predicate(world)
    except (KeyError, ValueError) as error:
        yield f"{predicate.__name__}: a row is missing or out of place ({error})"


def _walk(world: World, queues: str, links: str, queue: int) -> Iterator[int]:
    return lists.walk(world.table(queues), queue, world.table(links))
