"""The machine: hosts, a kernel and the programs that run on it, from power on to the end.

Hosts are numbered from 1. The main program and its peers run on host 1; remote programs run on host 2, or another that
their launch names, and all hosts are joined by links. Programs start one after the other, `START_GAP` apart, as a
person would start a server and then its clients.
"""

from __future__ import annotations

import signal
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from ioviz.machine.hardware import nic
from ioviz.machine.hardware.inputs import Input, plug_in
from ioviz.machine.kernel import boot
from ioviz.machine.kernel.kernel import Kernel
from ioviz.machine.kernel.process import spawn_task
from ioviz.machine.kernel.sched import Limits
from ioviz.machine.kernel.signals import send_to_group
from ioviz.machine.kernel.tty import STDERR, Terminal, type_line
from ioviz.machine.launch import MAIN, REMOTE, Launch
from ioviz.machine.user.guest import Guest
from ioviz.machine.user.hosting import Hosting
from ioviz.model.files import TTY
from ioviz.model.task import ProcessStarted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ioviz.machine.kernel.config import Config
    from ioviz.model.event import Event
    from ioviz.model.world import World

START_GAP: Final = 50_000_000
O_RDWR: Final = 2


class Machine:
    """A run of `launches`, which goes on as far as `run` is told. `sink` gets every event, `printed(pid, fd, data)` all
    that the programs print, `ask()` fetches the next line for the main program (b"": end of input, None: the person who
    types it was interrupted); `person`: somebody does, and is not asked before there is need. `inputs`: what is done
    with mouse and keyboard of the first host, and when. `bursts`: `sink` is a log, which takes several events as one
    entry (`ioviz.model.bursts`)."""

    def __init__(
        self,
        launches: Sequence[Launch],
        config: Config,
        sink: Callable[[Event], object],
        *,
        seed: int = 0,
        limits: Limits | None = None,
        printed: Callable[[int, int, bytes], object] = lambda pid, fd, data: None,
        ask: Callable[[], bytes | None] | None = None,
        person: bool = False,
        lines: bool | Literal["once"] = True,
        inputs: Sequence[Input] = (),
        bursts: bool = False,
    ) -> None:
        self.kernel = Kernel(config, seed, sink, limits or Limits(), printed, lines=lines, bursts=bursts)
        self._hosting = Hosting(self.kernel)
        self._seed = seed
        self._ask = ask
        self._person = person
        self._interrupts = 0
        self._interrupted = True
        """Whether the last Ctrl+C has been attended to."""
        hosts = [(host, *name_and_address(host)) for host in sorted({1, *map(_host, launches)})]
        self._full = config.boot == "full"
        for host, name, address in hosts:
            if self._full and host == 1:
                here = [(each.name, len(each.program.text.encode())) for each in launches if each.role != REMOTE]
                boot.power_on(self.kernel, host, name, address, here)
            else:
                self.kernel.boot(host, name, address)
        if len(hosts) > 1:
            nic.boot(self.kernel, [host for host, _, _ in hosts])
        self.kernel.cpu = 1
        self.kernel.on_attend.insert(0, self._look_for_interrupt)  # before the signals that it sends are delivered
        plug_in(self.kernel, inputs)
        by_init: list[tuple[int, Callable[[], int]]] = []
        for number, launch in enumerate(launches):
            delay = launch.delay if launch.delay >= 0 else number * START_GAP
            if self._full and launch.role != REMOTE:
                by_init.append((delay, partial(self._start, launch)))
            elif delay:
                self.kernel.after(delay, _host(launch), self._start, launch)
            else:
                self._start(launch)
        if by_init:
            boot.start_init(self.kernel, 1, sorted(by_init, key=lambda start: start[0]))

    @property
    def world(self) -> World:
        """The machine's state."""
        return self.kernel.world

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.kernel.ended

    def run(self, max_events: int = 1 << 60) -> bool:
        """Go on for about `max_events` events; True when the run has ended."""
        with self._hosting:
            return self.kernel.run(max_events)

    def is_over(self, pid: int) -> bool:
        """Whether the program of process `pid` has come to its end, and only what it leaves is taken apart."""
        guest = self._hosting.guests.get(pid)
        return guest is not None and guest.over

    def interrupt(self) -> None:
        """A person pressed Ctrl+C: the main program gets SIGINT; a second time ends the run."""
        self._interrupts += 1
        self._interrupted = False
        self.kernel.attention = 0

    @property
    def interrupting(self) -> bool:
        """Whether nobody has attended to the last Ctrl+C yet."""
        return not self._interrupted

    def dispose(self) -> None:
        """End every guest. The log keeps what happened."""
        with self._hosting:
            self.kernel.dispose()
            self._hosting.release()

    def _ask_person(self) -> bytes | None:
        """The person's next line. Nobody may be running who would look for Ctrl+C."""
        assert self._ask is not None
        line = self._ask()
        if line is None and self.kernel.switch.in_hub():
            self._look_for_interrupt()
        return line

    def _look_for_interrupt(self) -> None:
        if self._interrupted:
            return
        self._interrupted = True
        kernel = self.kernel
        process = kernel.world.processes.get(kernel.main_pid)
        if self._interrupts > 1 or process is None or not process.alive:
            if not kernel.switch.in_hub():
                kernel.stop("interrupted", f"interrupted {kernel.where()}", 130)
            kernel.end("interrupted", f"interrupted {kernel.where(kernel.main_pid)}", 130)
            return
        send_to_group(kernel, kernel.processes[kernel.main_pid].group, signal.SIGINT)

    def _start(self, launch: Launch) -> int:
        kernel = self.kernel
        host, program = _host(launch), launch.program
        saved = kernel.cpu, kernel.task, kernel.pid, kernel.at
        if not self._full or launch.role == REMOTE:
            kernel.cpu, kernel.task, kernel.at = host, 0, 0
        pid = kernel.next_tid()
        kernel.cause = kernel.emit(ProcessStarted, pid, host, launch.name, program.argv, launch.role)
        state = kernel.add_process(pid)
        kernel.pid = pid
        if launch.role == MAIN:
            kernel.main_pid = pid
        terminal = kernel.new_id()
        script = iter([line.encode() + b"\n" for line in launch.stdin]) if launch.stdin is not None else None
        ask = self._ask_person if self._ask is not None and launch.role == MAIN and script is None else None
        person = self._person and ask is not None
        keyboard = Terminal(pid, host, script, ask, launch.times, launch.held, person)
        kernel.terminals[terminal] = keyboard
        for at, line in launch.typed:
            data = b"" if line is None else line.encode() + b"\n"
            kernel.after(max(at - kernel.now, 1), host, type_line, kernel, keyboard, terminal, data, waits=True)
        for number in range(3):
            flags = O_RDWR | (STDERR if number == 2 else 0)
            kernel.install_fd(kernel.open_file(TTY, terminal, flags, terminal), False)
        seen = (*kernel.visible.get(host, ()), *program.folders)
        kernel.visible[host] = tuple(dict.fromkeys(seen))
        guest = Guest(kernel, program, pid=pid, host_name=name_and_address(host)[0], seed=self._seed)
        guest.attach(state)
        guest.family = self._hosting.guests
        self._hosting.guests[pid] = guest
        spawn_task(kernel, pid, host, pid, partial(self._exec, launch, guest) if self._full else guest.main)
        kernel.cpu, kernel.task, kernel.pid, kernel.at = saved
        return pid

    def _exec(self, launch: Launch, guest: Guest) -> None:
        """What a new process does first if it is told how programs come from the disk."""
        if launch.role != REMOTE:
            script = launch.program.text.startswith("#!")
            argv = launch.program.argv if script else ("python3", *launch.program.argv)
            files = (launch.name, boot.PYTHON) if script else (boot.PYTHON,)
            boot.execve(self.kernel, launch.program.name if script else boot.PYTHON, argv, files)
        guest.main()


def name_and_address(host: int) -> tuple[str, str]:
    """What host number `host` is called, and its address on the link."""
    return f"host{host}", f"10.0.0.{host}"


def _host(launch: Launch) -> int:
    return (launch.host or 2) if launch.role == REMOTE else 1
