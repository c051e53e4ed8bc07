"""`ioviz live`: what was typed, the demo as text, and the demo steered by its keys on the stage."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from ioviz.cli.live import NAMES, open_session, parser
from ioviz.live.demo.demo import MODELS
from ioviz.tui.app import IovizApp
from ioviz.tui.source import Careful
from tests.cli.programs import ROOT, ioviz

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.pilot import Pilot

linux = pytest.mark.skipif(sys.platform != "linux", reason="epoll is Linux's")


def test_every_model_can_be_named() -> None:
    assert set(NAMES) == set(MODELS)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["foo"], "no server 'foo'"),
        (["--clients", "x"], "no whole number"),
        (["--clients", "100000"], "from 0 to 1000"),
        (["--port", "70000"], "from 0 to 65535"),
        (["--record", "/nowhere/at/all/x.ioviz"], "cannot write"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_sentence(args: list[str], says: str) -> None:
    result = ioviz("live", "--plain", *args)
    assert result.code == 2
    assert says in result.err
    assert "Traceback" not in result.err
    assert result.err.count("\n") == 1


@linux
def test_as_text_and_recorded(tmp_path: Path) -> None:
    record = tmp_path / "demo.ioviz"
    command = [
        sys.executable,
        "-m",
        "ioviz",
        "--lang",
        "en",
        "live",
        "--plain",
        "--rate",
        "10",
        "--record",
        str(record),
    ]
    process = subprocess.Popen(
        [*command, "epoll-et"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, bufsize=1
    )
    assert process.stdout is not None
    deadline, told = time.monotonic() + 20, ""
    while "recvfrom returns 16" not in told and time.monotonic() < deadline:
        told += process.stdout.readline()
    process.send_signal(2)
    _, err = process.communicate(timeout=20)
    assert "recvfrom returns 16" in told
    assert re.search(r"nc 127\.0\.0\.1 \d+", err)
    assert process.returncode in {0, 130}
    again = ioviz("play", "--plain", record)
    assert again.code == 0
    assert "Edge-triggered" in again.out


async def until(pilot: Pilot[Any], fits: Callable[[], bool]) -> None:
    """Wait until the stage shows what is expected."""
    deadline = time.monotonic() + 20
    while not fits():
        assert time.monotonic() < deadline
        await pilot.pause(0.05)


@linux
async def test_the_keys_steer_the_running_server() -> None:
    session = open_session(
        parser().parse_args(["epoll-lt", "--clients", "1", "--rate", "0", "--source", "probe"]), "en"
    )
    demo = session.demo
    try:
        app = IovizApp(lambda: session, lang="en")
        async with app.run_test(size=(120, 40)) as pilot:
            screen: Any = app.screen
            await until(pilot, lambda: isinstance(getattr(screen.player, "source", None), Careful))
            await pilot.press("o")
            await until(pilot, lambda: demo.status.clients == 2)
            await pilot.press("M")
            await until(pilot, lambda: demo.status.echoed > 0)
            items = session.mirror.world.epitems
            await pilot.press("t")
            await until(pilot, lambda: sum(bool(item.events & 1 << 31) for item in items.values()) == 2)
            assert demo.trigger == "et"
            await pilot.press("O")
            await until(pilot, lambda: demo.status.clients == 1)
            await pilot.press("full_stop")
            await until(pilot, lambda: demo.status.rate > 0)
            assert "clients" in " ".join(said.text for said in screen.live_state())
            await pilot.press("left")
            assert not screen.following
            await pilot.press("e")
            assert screen.following
    finally:
        session.close()


async def test_a_run_that_is_no_demo_says_so(tmp_path: Path) -> None:
    from ioviz.lesson.scene import load_scene
    from ioviz.session import Session, setup_of

    app = IovizApp(lambda: Session(setup_of(load_scene("syscall-int80"))), lang="en")
    async with app.run_test(size=(120, 40)) as pilot:
        screen: Any = app.screen
        await until(pilot, lambda: screen.player is not None)
        screen.action_message()
        assert "ioviz live" in screen._toast
