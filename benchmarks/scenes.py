"""Each scene: seconds to its first picture and to its whole run, and how many events that is. Aim: a picture in 1 s."""

from __future__ import annotations

import asyncio
import os
import tempfile
from time import perf_counter

from benchmarks.report import line
from ioviz.cli.play import open_scene
from ioviz.lesson.scene import Scene, find_scenes
from ioviz.session import Session, setup_of
from ioviz.tui.app import IovizApp
from ioviz.tui.screens.stage import StageScreen


async def _first_picture(scene: Scene) -> float:
    """Seconds until the stage shows a place in the run of `scene`."""
    start = perf_counter()
    app = IovizApp(lambda: open_scene(scene), open_scene, lang="en")
    async with app.run_test(size=(120, 40)) as pilot:
        stage = next(screen for screen in app.screen_stack if isinstance(screen, StageScreen))
        while stage.moment is None:
            await pilot.pause(0.005)
        return perf_counter() - start


def main() -> None:
    """Print a line a scene; what the person has played is left alone."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = folder
        _all_scenes()


def _all_scenes() -> None:
    slowest = 0.0
    for scene in find_scenes():
        seconds = asyncio.run(_first_picture(scene))
        slowest = max(slowest, seconds)
        start = perf_counter()
        session = Session(setup_of(scene))
        while not session.advance(10_000):
            pass
        session.close()
        print(
            f"  {scene.id:<24} first picture {seconds:5.2f} s, whole run {perf_counter() - start:5.2f} s,"
            f" {len(session.timeline):>6} events"
        )
    line("the slowest scene's first picture", slowest, "s", 1.0)
