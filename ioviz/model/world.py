"""The world: tables of frozen rows. Rows name each other by id; `Event.apply` is the only writer.

A row that is the same object has not changed. Copying a world copies the tables, never a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections import abc

from ioviz.model.boot import Boot
from ioviz.model.buffer import Buffer, Segment
from ioviz.model.cpu import Cpu, Frame
from ioviz.model.disk import Disk
from ioviz.model.eventfd import Eventfd
from ioviz.model.eventpoll import Epitem, Eventpoll
from ioviz.model.files import Fd, OpenFile
from ioviz.model.flock import Flock
from ioviz.model.futex import Futex
from ioviz.model.host import Host, Run
from ioviz.model.inputs import InputDevice
from ioviz.model.lists import Link, Queue
from ioviz.model.memory import Image, Mapping, Page
from ioviz.model.mirror import Mirror
from ioviz.model.nic import Nic, Packet
from ioviz.model.pipe import Pipe
from ioviz.model.ramfs import Inode
from ioviz.model.rbtree import RbNode
from ioviz.model.signalfd import Signalfd
from ioviz.model.signals import PendingSignals
from ioviz.model.socket import Socket, TimeWait
from ioviz.model.softirq import Softirq
from ioviz.model.task import Process, Source, Task
from ioviz.model.tcp import Tcp
from ioviz.model.terminal import Terminal
from ioviz.model.timerfd import Timerfd
from ioviz.model.wait import WaitEntry


class World:
    """Every table, in the order of the floors of the stage: run, user space, kernel, hardware."""

    runs: dict[int, Run]
    mirrors: dict[int, Mirror]
    """What is known of the mirroring, in a world that is a mirror of real processes."""
    hosts: dict[int, Host]
    sources: dict[int, Source]
    processes: dict[int, Process]
    tasks: dict[int, Task]
    lines: dict[int, int]
    """The source position (see `at_of`) of each task."""
    terminals: dict[int, Terminal]

    frames: dict[int, Frame]
    run_queues: dict[int, Queue]
    run_links: dict[int, Link]
    wait_queues: dict[int, Queue]
    wait_links: dict[int, Link]
    wait_entries: dict[int, WaitEntry]
    futexes: dict[tuple[int, int], Futex]
    signals: dict[int, PendingSignals]
    sigmasks: dict[int, tuple[int, ...]]
    """The signals that a task blocks, if any."""
    fds: dict[int, Fd]
    files: dict[int, OpenFile]
    flocks: dict[int, Flock]
    """The locks of files, by the object that the files open."""
    pipes: dict[int, Pipe]
    inodes: dict[int, Inode]
    names: dict[tuple[int, str], int]
    """The inode of a path on a host; 0 hides a file of the layer below."""
    pages: dict[int, bytes]
    """The contents of files: see `page_key`."""
    mappings: dict[tuple[int, int], Mapping]
    images: dict[int, Image]
    """The programs that processes were made of, where the run tells how."""
    memory_pages: dict[tuple[int, int], Page]
    """The present pages of mappings."""
    eventfds: dict[int, Eventfd]
    timerfds: dict[int, Timerfd]
    signalfds: dict[int, Signalfd]
    sockets: dict[int, Socket]
    options: dict[int, tuple[tuple[int, int, int], ...]]
    """The options of each socket that has any: (level, option, value)."""
    time_waits: dict[int, TimeWait]
    tcps: dict[int, Tcp]
    accept_queues: dict[int, Queue]
    accept_links: dict[int, Link]
    buffers: dict[int, Buffer]
    segments: dict[int, Segment]
    senders: dict[int, str]
    """Who sent a segment that is a datagram."""
    rights: dict[int, tuple[int, ...]]
    """The open files that travel with a segment."""
    eventpolls: dict[int, Eventpoll]
    epitems: dict[int, Epitem]
    rb_nodes: dict[int, RbNode]
    ready_lists: dict[int, Queue]
    ready_links: dict[int, Link]

    cpus: dict[int, Cpu]
    page_tables: dict[int, int]
    """The process whose page tables the register CR3 of each CPU names."""
    irq_lines: dict[tuple[int, int], bool]
    softirqs: dict[int, Softirq]
    boots: dict[int, Boot]
    disks: dict[int, Disk]
    nics: dict[int, Nic]
    input_devices: dict[tuple[int, str], InputDevice]
    packets: dict[int, Packet]

    def __init__(self, tables: abc.Mapping[str, dict[Any, Any]] | None = None) -> None:
        for name in TABLES:
            setattr(self, name, {} if tables is None else dict(tables[name]))

    def table(self, name: str) -> dict[Any, Any]:
        """The table called `name`."""
        found: dict[Any, Any] = getattr(self, name)
        return found

    def copy(self) -> World:
        """An independent world with the same rows."""
        return World({name: self.table(name) for name in TABLES})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, World):
            return NotImplemented
        return all(self.table(name) == other.table(name) for name in TABLES)

    __hash__ = None  # type: ignore[assignment]  # a world changes


TABLES: tuple[str, ...] = tuple(World.__annotations__)
