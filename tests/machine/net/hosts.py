"""Two hosts joined by a link, with a task written as a plain function on each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ioviz.machine.hardware import nic
from ioviz.machine.kernel.config import Config
from ioviz.machine.kernel.kernel import Kernel
from ioviz.machine.kernel.process import spawn_task
from ioviz.machine.kernel.sched import Limits
from ioviz.model.event import Event
from ioviz.model.task import ProcessStarted
from ioviz.model.world import World
from tests.machine.kernel.harness import Ran
from tests.machine.net.calls import MS, Net

Body = Callable[[Net], object]
SERVER, CLIENT = ("10.0.0.1", 8000), "10.0.0.2"


def run_hosts(server: Body, client: Body, config: Config | None = None, delay: int = MS) -> tuple[Any, Any, Ran]:
    """Run `server` on host 1 and, `delay` ns later, `client` on host 2; what each returned, and the run. The rings and
    sequence numbers are checked after every event."""
    log: list[Event] = []
    kernel = Kernel(config or Config(), 0, log.append, Limits(), lambda *piece: None, lines=False)

    def sink(event: Event) -> None:
        log.append(event)
        check(kernel.world)

    kernel.sink = sink
    kernel.boot(1, "host1", "10.0.0.1")
    kernel.boot(2, "host2", "10.0.0.2")
    nic.boot(kernel, [1, 2])
    seen: dict[int, Any] = {}

    def start(host: int, body: Body) -> None:
        kernel.cpu, kernel.task = host, 0
        pid = kernel.next_tid()
        kernel.emit(ProcessStarted, pid, host, f"host{host}.py", (), "main" if host == 1 else "remote")
        kernel.add_process(pid)
        if host == 1:
            kernel.main_pid = pid

        def entry() -> None:
            net = Net(kernel.syscall, True)
            seen[host] = body(net)
            while host == 1 and 2 not in seen and kernel.now < 60_000 * MS:
                net.wait(10)  # the run ends with its main program

        spawn_task(kernel, pid, host, pid, entry)

    start(1, server)
    kernel.after(delay, 2, start, 2, client)
    kernel.run(1 << 60)
    folded = World()
    for event in log:
        event.apply(folded)
    assert folded == kernel.world, "folding the log gives another world than the machine has"
    return seen.get(1), seen.get(2), Ran(kernel, log, [])


def check(world: World) -> None:
    """What always holds of cards, packets and connections."""
    for card in world.nics.values():
        assert card.rx_tail <= card.rx_head <= card.rx_tail + card.size
        assert card.tx_tail <= card.tx_head <= card.tx_tail + card.size
    for tcp in world.tcps.values():
        assert tcp.snd_una <= tcp.snd_nxt <= tcp.snd_max
        assert tcp.rcv_nxt <= tcp.rcv_adv
        buffer = world.buffers[tcp.id * 2 + 1]
        assert tcp.snd_max - max(tcp.snd_una, 1) <= buffer.bytes + 1
        assert buffer.bytes >= 0
        assert buffer.total >= buffer.bytes


def serve(s: Net) -> int:
    """A listening socket on the address that clients know; blocking."""
    fd = s.socket(blocking=True)
    s.set(fd, 2, 1)
    assert s.syscall(49, fd, SERVER) == 0
    assert s.syscall(50, fd, 8) == 0
    return fd


def accept_blocking(s: Net, listener: int) -> int:
    return int(s.syscall(288, listener, 0)[0])


def receive_all(s: Net, fd: int, n: int = 65536) -> bytes:
    """Until the end of the stream."""
    pieces = []
    while isinstance(got := s.recv(fd, n), bytes) and got:
        pieces.append(got)
    assert got == b"", got
    return b"".join(pieces)
