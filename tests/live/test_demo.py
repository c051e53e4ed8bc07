"""The demo's servers and clients: each works, obeys, and is gone afterwards."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ioviz.live.calls import Call
from ioviz.live.demo import demo as demo_module
from ioviz.live.demo.demo import MODELS, Demo
from ioviz.live.probe.source import ProbeSource
from ioviz.live.source import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ioviz.live.calls import Item

linux = pytest.mark.skipif(sys.platform != "linux", reason="epoll is Linux's")


@contextmanager
def running(model: str, **settings: int) -> Iterator[tuple[Demo, ProbeSource, list[Item]]]:
    """A demo under the probe, what it delivers, and its end."""
    demo = Demo(model, **settings)
    source = ProbeSource(demo.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, new_session=True)
    source.start()
    assert source.process is not None
    try:
        demo.begin(source.process)
        yield demo, source, []
    finally:
        demo.stop()
        source.stop()


def until(source: ProbeSource, items: list[Item], fits: Callable[[Call], bool]) -> Call:
    """The first call that fits; what comes before it goes to `items`."""
    deadline = time.monotonic() + 15
    place = 0
    while time.monotonic() < deadline:
        for item in items[place:]:
            if isinstance(item, Call) and not item.entered_only and fits(item):
                return item
        place = len(items)
        source.wait(0.1)
        items += source.take(10_000)
    raise AssertionError(f"no such call among {len(items)}")


@linux
@pytest.mark.parametrize("model", MODELS)
def test_each_model_serves_its_clients_and_strangers(model: str) -> None:
    with running(model, clients=2, rate=20) as (demo, source, items):
        until(source, items, lambda call: call.name == "sendto" and (call.data or b"").startswith(b"hello, kernel!"))
        with socket.create_connection(("127.0.0.1", demo.port), timeout=10) as stranger:
            stranger.sendall(b"abc")
            assert stranger.recv(10) == b"abc"
        deadline = time.monotonic() + 10
        while not (demo.status.echoed and demo.status.trip) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert demo.status.clients == 2
        assert demo.status.echoed
    assert source.process is not None
    assert source.process.poll() is not None


@linux
def test_the_trigger_is_switched_in_the_running_server() -> None:
    with running("epoll-lt", clients=1, rate=0) as (demo, source, items):
        until(source, items, lambda call: call.name == "epoll_ctl" and call.args[1] == 1 and call.args[3][0] == 1)
        until(source, items, lambda call: call.name == "accept4")
        assert demo.switch() == "et"
        changed = until(source, items, lambda call: call.name == "epoll_ctl" and call.args[1] == 3)
        assert changed.args[3][0] == 0x80000001


@linux
def test_commands_open_close_send_and_change_the_rate() -> None:
    with running("epoll-lt", clients=1, rate=0) as (demo, source, items):
        demo.open_client()
        demo.send("you there?")
        until(source, items, lambda call: call.name == "recvfrom" and call.data == b"you there?\n")
        demo.close_client()
        until(source, items, lambda call: call.name == "recvfrom" and call.result == 0)
        assert demo.change_rate(100) == 100_000
        assert demo.change_rate(-100) == 0


def test_a_server_without_a_trigger_cannot_be_switched() -> None:
    demo = Demo("bio")
    assert demo.switch() is None
    assert demo.switch_draining() is None


def test_a_port_that_is_taken_is_said() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(SourceError, match="did not begin to listen"),
        running("bio", port=taken.getsockname()[1]),
    ):
        pass


@pytest.mark.parametrize("dismissed", [False, True])
def test_the_server_ends_with_us_even_when_we_are_killed(dismissed: bool) -> None:
    """Of a killed ioviz only its pipes tell: the clients see to the server then, and leave it alone otherwise."""
    load = Path(demo_module.__file__).with_name("load.py")
    with subprocess.Popen(
        [sys.executable, "-S", "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    ) as server:
        words = [sys.executable, str(load), "127.0.0.1", "1", str(server.pid)]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as clients:
            clients.communicate(b"quit\n" if dismissed else b"", timeout=20)
        if dismissed:
            assert server.poll() is None
        else:
            assert server.wait(20) == -signal.SIGTERM
