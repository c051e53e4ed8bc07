"""What verifying says, in both languages: key → (English, Chinese)."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "no-epoll": (
        "this system ({system}) has no epoll, so there is nothing to compare with: verify runs on Linux",
        "这个系统（{system}）没有 epoll，无从对照：verify 需要在 Linux 上运行",
    ),
    "operations": ("operations", "次操作"),
    "progress": (
        "{done:>11,} of {wanted:,} operations  {rate:>7,.0f} a second  seed {seed}",
        "{done:>11,} / {wanted:,} 次操作  每秒 {rate:>7,.0f} 次  种子 {seed}",
    ),
    "random-agrees": (
        "{operations:,} operations in {sequences:,} sequences: the machine does what {kernel} does.",
        "{sequences:,} 个序列共 {operations:,} 次操作：模拟内核与 {kernel} 完全一致。",
    ),
    "random-how": (
        "{seconds:.1f} s, {rate:,.0f} operations a second, seed {seed}",
        "用时 {seconds:.1f} 秒，每秒 {rate:,.0f} 次操作，种子 {seed}",
    ),
    "random-retried": (
        "{retried} sequences agreed only when they were run again: there Linux leaves the order to chance.",
        "有 {retried} 个序列重跑之后才一致：那里的先后次序 Linux 本身就不保证。",
    ),
    "random-stopped": (
        "stopped after {operations:,} operations; up to there the machine does what {kernel} does.",
        "已中断，共完成 {operations:,} 次操作；到此为止模拟内核与 {kernel} 一致。",
    ),
    "random-differs": (
        "The machine and {kernel} differ. The shortest sequence that shows it, out of {operations:,} operations:",
        "模拟内核与 {kernel} 不一致。在 {operations:,} 次操作中找到，最短的复现序列如下：",
    ),
    "again": (
        "Again: ioviz verify --random {operations} --seed {seed}",
        "复现：ioviz verify --random {operations} --seed {seed}",
    ),
    "save-hint": (
        "As a program that can be played: add --save FILE.py",
        "要保存成可以播放的程序：加上 --save 文件.py",
    ),
    "saved": ("Saved; watch it with: ioviz play {path}", "已保存；观看请用：ioviz play {path}"),
    "not-saved": ("{path}: cannot be written ({why})", "{path}：写不进去（{why}）"),
    "step": ("step", "步"),
    "task": ("task", "任务"),
    "operation": ("operation", "操作"),
    "machine": ("the machine", "模拟内核"),
    "linux": ("Linux", "Linux"),
    "same": ("the same", "相同"),
    "back": ("step {number} comes back: {value}", "第 {number} 步返回：{value}"),
    "asleep": ("asleep at the end: {steps}", "结束时仍在睡眠：{steps}"),
    "nobody": ("nobody", "无"),
}

_LANGUAGES: Final = ("en", "zh")


def text(lang: str, key: str, **values: object) -> str:
    """The text `key` in `lang`."""
    return TEXTS[key][_LANGUAGES.index(lang)].format(**values)
