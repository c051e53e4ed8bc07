"""`ioviz exec`: run programs on the machine, with their own output and exit code, and nothing else on the screen."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from ioviz.cli.arguments import UsageError
from ioviz.cli.launches import config_of, launches_of, limits_of
from ioviz.cli.messages import in_language, say
from ioviz.cli.output import Output
from ioviz.machine.machine import Machine
from ioviz.model.event import NO_CAUSE, Origin
from ioviz.model.host import RunEnded
from ioviz.trace.recording import RecordingError, Writer, json_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from ioviz.cli.arguments import Request
    from ioviz.model.event import Event

SLICE = 20_000
"""Events between two looks at the world outside."""
PATIENCE = 3
"""Presses of Ctrl+C after which we go without waiting for the program."""
INTERRUPTED = 130
NOT_WRITTEN = 74
PIPE_CLOSED = 141


class _Interrupted(Exception):
    """Ctrl+C while a person was asked for a line."""


def run_exec(request: Request) -> int:
    """Run the programs of `request` to their end; the exit code."""
    try:
        code = _run(request)
    except RecordingError as error:
        print(say("usage", text=error), file=sys.stderr)
        return NOT_WRITTEN
    if request.record is not None:
        print(say("recorded", path=request.record), file=sys.stderr)
    return code


def _run(request: Request) -> int:
    launches, config = launches_of(request), config_of(request.knobs)
    with ExitStack() as stack:
        run = Run()
        person = sys.stdin is not None and sys.stdin.isatty()
        output = Output(run.peer_name, show_stdout=not request.json)
        sinks: list[Callable[[Event], object]] = []
        if request.record is not None:
            run.writer = _recording(request, stack)
            sinks.append(run.writer.hold)
        if request.json:
            sinks.append(lambda event: output.out(json_of(event)))
        if request.strace:
            from ioviz.view.strace import Strace

            strace = Strace(output.err)
            stack.callback(strace.finish)
            sinks.append(strace.feed)
        run.machine = Machine(
            launches,
            config,
            _all(sinks),
            seed=request.seed,
            limits=limits_of(request),
            printed=output.printed,
            ask=run.ask,
            person=person,
            lines=request.lines and bool(request.record or request.json),
            bursts=not sinks,
        )
        stack.callback(run.machine.dispose)
        if person:
            run.sit_down(stack)
        before = signal.signal(signal.SIGINT, run.on_sigint)
        stack.callback(signal.signal, signal.SIGINT, before)
        stack.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, run.on_sigterm))
        while not run.machine.run(SLICE) and not output.closed:
            if run.writer is not None:
                run.writer.flush()
        output.finish()
        if output.problem:
            print(say("usage", text=say("no-output", why=output.problem)), file=sys.stderr)
            return NOT_WRITTEN
        return PIPE_CLOSED if output.closed else run.report()


class Run:
    """A machine and the person at its keyboard."""

    machine: Machine

    def __init__(self) -> None:
        self.writer: Writer | None = None
        self._asking = False
        self._presses = 0
        self._woken: socket.socket | None = None
        """Becomes readable with a signal."""

    def sit_down(self, stack: ExitStack) -> None:
        """A person is at the keyboard, until `stack` is left."""
        self._woken, end = (stack.enter_context(one) for one in socket.socketpair())
        end.setblocking(False)
        stack.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(end.fileno(), warn_on_full_buffer=False))

    def peer_name(self, pid: int) -> str | None:
        """The name of process `pid`, None if it is the main program."""
        process = self.machine.world.processes[pid]
        return None if process.role == "main" else process.name

    def ask(self) -> bytes | None:
        """The next line of our own stdin; b"" at its end, None after Ctrl+C."""
        self._asking = True
        try:
            if self._woken is not None:  # a signal may come just before the read, which would not hear of it
                select.select([sys.stdin, self._woken], [], [])
            return None if self.machine.interrupting else sys.stdin.buffer.readline()
        except _Interrupted:
            return None
        finally:
            self._asking = False

    def on_sigint(self, number: int, frame: FrameType | None) -> None:
        """Ctrl+C: the program gets SIGINT, a second one ends the run, a third one does not wait for the program, a
        fourth one for nothing."""
        self._presses += 1
        if self._presses > PATIENCE:
            os._exit(INTERRUPTED)
        if self._presses == PATIENCE:
            self._leave()
            return
        self.machine.interrupt()
        if self._asking:
            raise _Interrupted

    def on_sigterm(self, number: int, frame: FrameType | None) -> None:
        """Somebody (`timeout`, a service manager) wants us gone: at once, but not without the recording."""
        self._leave(128 + number)

    def _leave(self, code: int = INTERRUPTED) -> None:
        """Go, wherever the machine is, with all that happened in the recording."""
        run = self.machine.world.runs.get(1)
        message = run.message if run is not None and run.ended else f"interrupted {self.machine.kernel.where()}"
        now = self.machine.kernel.now

        def end(seq: int) -> Event:
            return RunEnded(seq, now, 0, 0, NO_CAUSE, Origin.SIMULATED, 0, "interrupted", message, code)

        def go() -> None:
            os.write(2, f"{say('usage', text=in_language(message))}\n".encode("utf-8", "backslashreplace"))
            with suppress(RuntimeError):  # it was just being written to
                sys.stdout.flush()
            os._exit(code)

        if self.writer is None:
            go()
        else:
            self.writer.break_off(go, None if run is not None and run.ended else end)

    def report(self) -> int:
        """Say why the run ended unless the program ended it; the exit code."""
        end = self.machine.world.runs[1]
        if end.message:  # a signal's victim is named as a shell does it
            text = in_language(end.message)
            print(text if end.ended == "exit" else say("usage", text=text), file=sys.stderr)
        return end.code


def _all(sinks: list[Callable[[Event], object]]) -> Callable[[Event], object]:
    if not sinks:
        return lambda event: None
    if len(sinks) == 1:
        return sinks[0]

    def every(event: Event) -> None:
        for sink in sinks:
            sink(event)

    return every


def _recording(request: Request, stack: ExitStack) -> Writer:
    """A writer of the recording; it is closed, and so complete, when `stack` is."""
    assert request.record is not None
    try:
        return stack.enter_context(Writer(request.record))
    except OSError as error:
        raise UsageError(say("no-record", path=request.record, why=error.strerror)) from error
