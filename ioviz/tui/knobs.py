"""The knobs on the stage: which of them two runs differ in, how that is said, and which any run may try.

A scene names its own tries; what is here is for programs that belong to no scene.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ioviz.lesson.scene import Both, Try
from ioviz.tui.texts import say

if TYPE_CHECKING:
    from ioviz.lesson.scene import Scene
    from ioviz.model.world import World
    from ioviz.tui.source import Source

COMMON: Final = tuple(
    Try(knob, value, Both(en, zh))
    for knob, value, en, zh in (
        ("trigger", "lt", "epoll is level-triggered, whatever is asked for", "不管程序怎么写，epoll 都用水平触发"),
        ("trigger", "et", "epoll is edge-triggered, whatever is asked for", "不管程序怎么写，epoll 都用边缘触发"),
        ("entry", "syscall", "the way of 64-bit programs into the kernel", "64 位程序进入内核的方式"),
        ("rcvbuf", "4k", "receive buffers fill soon, and the sender waits", "接收缓冲区很快就满，发送方只好等"),
        ("sndbuf", "4k", "send buffers fill soon: send() sleeps earlier", "发送缓冲区很快就满：send() 更早睡眠"),
        ("somaxconn", "1", "accept queues for one: connections wait", "accept 队列只有一个位置：连接只好等"),
        ("time_slice", "100us", "the timer takes the CPU away more often", "定时器更频繁地收回 CPU"),
        ("latency", "20ms", "a long way between the hosts", "两台主机相距很远"),
    )
)
"""Knobs that show something in most programs."""
NAMED: Final = ("trigger", "entry", "bits", "timer")
"""Those that the title bar names by themselves."""


BUFFERS: Final = ("rcvbuf", "sndbuf")
TIMES: Final = (("s", 10**9), ("ms", 10**6), ("us", 10**3))
SIZES: Final = (("m", 1 << 20), ("k", 1 << 10))


def tries_of(scene: Scene | None) -> tuple[Try, ...]:
    """The knobs worth turning: the scene's own, or what shows something in most programs."""
    return COMMON if scene is None else scene.tries


def settings_of(world: World) -> dict[str, str]:
    """Every knob with its value as text in the run that `world` is of; empty if nothing says it."""
    run = world.runs.get(1)
    return dict(run.knobs) if run is not None else {}


def as_written(scene: Scene | None) -> dict[str, str]:
    """The knobs as the scene, or nobody, has turned them."""
    from ioviz.machine.kernel.config import Config

    config = Config()
    for name, value in scene.knobs.items() if scene is not None else ():
        config = config.turned(name, str(value))
    return dict(config.settings())


def stands(now: dict[str, str], one: Try) -> bool:
    """Whether a knob stands where `one` would turn it."""
    from ioviz.machine.kernel.config import Config

    return now.get(one.knob) == str(getattr(Config().turned(one.knob, str(one.value)), one.knob))


def differing(one: Source, two: Source) -> tuple[str, ...]:
    """The knobs that stand differently in two runs of the same."""
    here, there = (settings_of(source.timeline.world(min(1, len(source.timeline)))) for source in (one, two))
    return tuple(name for name, value in here.items() if there.get(name, value) != value)


def turned(world: World, written: dict[str, str], lang: str) -> list[str]:
    """What the title bar says of knobs that it does not name anyway, where they are not as `written`."""
    now = settings_of(world)
    return [
        shown(name, value, lang)
        for name, value in now.items()
        if name not in NAMED and written.get(name, value) != value and name != "cost_table"
    ]


def shown(name: str, value: str, lang: str) -> str:
    """A knob with its value as a person would write it: times and sizes by units, the trigger by its own names."""
    if name == "trigger":
        return value.upper() if value in ("lt", "et") else say(lang, "as-written")
    for unit, factor in TIMES if name in ("time_slice", "latency", "typing") else SIZES if name in BUFFERS else ():
        if value.isdecimal() and int(value) and int(value) % factor == 0:
            return f"{name}={int(value) // factor}{unit}"
    return f"{name}={value}"
