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
    "on-machine": ("on the machine …", "正在模拟内核上运行……"),
    "on-linux": ("on {kernel} …", "正在 {kernel} 上运行……"),
    "compared": ("{what}: on the machine and on {kernel}", "{what}：模拟内核与 {kernel} 对照"),
    "agrees": (
        "All agree: {calls:,} calls of {tasks} tasks, and what {programs} programs print.",
        "全部一致：{tasks} 个任务的 {calls:,} 次调用，以及 {programs} 个程序的输出。",
    ),
    "agrees-one": (
        "All agree: {calls:,} calls of {tasks} tasks, and what the program prints.",
        "全部一致：{tasks} 个任务的 {calls:,} 次调用，以及程序的输出。",
    ),
    "agrees-printed": (
        "It agrees in what it prints and in how it ends; it makes none of the calls that are compared.",
        "打印的内容和结束方式一致；程序没有做任何需要比较的调用。",
    ),
    "nothing": (
        "there is nothing to compare: {what} prints nothing and makes none of the calls that are compared",
        "没有可比较的内容：{what} 什么也不打印，也没有做任何需要比较的调用",
    ),
    "differs": (
        "They differ, after {calls:,} calls that agree.",
        "出现了不一致；在此之前有 {calls:,} 次调用一致。",
    ),
    "asleep-both": (
        "{asleep} tasks sleep at the end, on both.",
        "结束时两边都有 {asleep} 个任务在睡眠。",
    ),
    "by-rule": ("{count} × by rule: {rule}", "按规则放行 {count} 处：{rule}"),
    "ended": ("The machine's run ended so: {why}", "模拟运行这样结束：{why}"),
    "ports": (
        "Port {port} is taken here; the real programs used {free}.",
        "端口 {port} 已被占用，真实一侧改用 {free}。",
    ),
    "remote": (
        "The second host is this one too on the real side: its address is 127.0.0.1.",
        "真实一侧没有第二台主机：它的地址换成了 127.0.0.1。",
    ),
    "knob": ("{name}={value}: {how}", "{name}={value}：{how}"),
    "knob-trigger": (
        "on both: the recorder sets or clears EPOLLET as the machine does",
        "两边都生效：记录器和模拟内核一样，设置或清除 EPOLLET",
    ),
    "own-module": (
        "{name} uses the module ioviz, which only the machine has",
        "{name} 用到了模块 ioviz，只有模拟内核才有",
    ),
    "knob-real": (
        "on both: the recorder sets it on every socket",
        "两边都生效：记录器在每个 socket 上设置它",
    ),
    "knob-machine": (
        "on the machine alone; Linux has no such knob for one program, so a difference may come of it",
        "只在模拟内核上生效；Linux 没有针对单个程序的这种设置，可能因此出现差异",
    ),
    "knob-shown": (
        "without meaning here: it changes what is shown, not what calls give",
        "在这里没有意义：它只影响画面，不影响调用的结果",
    ),
    "knob-slice": (
        "not honoured: tasks change at every call, so that a sleeper comes back before its waker goes on",
        "未采用：每次调用后都换任务，这样被唤醒者先返回，唤醒者再继续",
    ),
    "too-long": (
        "The real programs took longer than {limit:g} s, and were ended; the calls up to there were compared.",
        "真实程序运行超过 {limit:g} 秒，已被结束；只比较了到那时为止的调用。",
    ),
    "lost": (
        "{lost} calls came in another order than on the machine.",
        "有 {lost} 次调用没能按模拟内核的次序到来。",
    ),
    "again-once": (
        "The first real run differed, a second one did not: Linux leaves that to chance.",
        "真实一侧第一次运行不一致，第二次一致：这是 Linux 不保证的偶然。",
    ),
    "program": ("{name}, thread {thread}", "{name}，线程 {thread}"),
    "program-main": ("{name}", "{name}"),
    "why-call": ("The next call is another one:", "下一个调用不同："),
    "why-args": ("The call has other arguments:", "调用的参数不同："),
    "why-result": ("The call gives another result:", "调用的结果不同："),
    "why-out": ("The call hands over something else:", "调用交回的内容不同："),
    "why-sleeps": ("The machine comes back; Linux sleeps:", "模拟内核返回了，Linux 还在睡眠："),
    "why-wakes": ("Linux comes back; the machine sleeps:", "Linux 返回了，模拟内核还在睡眠："),
    "why-missing": ("Linux does not come to this call:", "Linux 没有走到这次调用："),
    "why-more": ("Linux makes one more call:", "Linux 多了一次调用："),
    "why-printed": ("It prints something else:", "打印的内容不同："),
    "why-ending": ("It ends with another exit code:", "退出码不同："),
    "more-differ": ("{count} more tasks or programs differ.", "另有 {count} 个任务或程序不一致。"),
    "what-it-said": ("what the real {name} said at its end:", "真实的 {name} 最后说："),
    "unsupported": (
        "cannot be compared: {why}",
        "无法对照：{why}",
    ),
    "watch": ("Watch it: ioviz play {what}", "观看：ioviz play {what}"),
}

_LANGUAGES: Final = ("en", "zh")


def text(lang: str, key: str, **values: object) -> str:
    """The text `key` in `lang`."""
    return TEXTS[key][_LANGUAGES.index(lang)].format(**values)
