"""What the frame of the stage says, in both languages. What panels and events say belongs to `view` and `lesson`."""

from __future__ import annotations

import os
from typing import Final

LANGUAGES: Final = ("en", "zh")

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "user": ("USER  ring 3", "用户态  ring 3"),
    "kernel": ("KERNEL  ring 0", "内核态  ring 0"),
    "hardware": ("HARDWARE", "硬件"),
    "why": ("why", "说明"),
    "chapter": ("chapter", "章"),
    "loading": ("starting the machine …", "正在启动机器……"),
    "at-start": (
        "The machine has not started. Space plays, → makes one step, ] goes to the first chapter.",
        "机器还没有启动。按空格键播放，→ 走一步，] 到第一章。",
    ),
    "at-start-plain": (
        "The machine has not started. Space plays, → makes one step, n goes over a system call.",
        "机器还没有启动。按空格键播放，→ 走一步，n 越过一次系统调用。",
    ),
    "at-end": (
        "This is the end. Home goes back to the start, t tries the other mode.",
        "到头了。按 Home 回到开头，按 t 换另一种触发方式。",
    ),
    "at-first": ("This is the start.", "这里就是开头。"),
    "no-more": ("Nothing of this kind follows.", "后面没有了。"),
    "no-before": ("Nothing of this kind comes before.", "前面没有了。"),
    "no-cause": (
        "Nothing led to this: it is the program's own doing, or the start.",
        "它没有前因：这是程序自己做的，或者是起点。",
    ),
    "no-because": ("You have not asked why yet: press y.", "还没有问过为什么：请按 y。"),
    "cause-found": ("This led to it. Backspace goes back, y asks on.", "就是它引起的。按退格键返回，再按 y 继续追问。"),
    "looking": ("looking … {n} events", "查找中……已看 {n} 个事件"),
    "rerunning": ("running again with {knob} …", "正在以 {knob} 重新运行……"),
    "no-rerun": (
        "A recording cannot be run again: open the program or the scene.",
        "录像不能重新运行：请打开程序或场景。",
    ),
    "same-run": (
        "The two runs do not differ: epoll does nothing here that the mode changes.",
        "两次运行没有区别：这里没有受触发方式影响的 epoll 操作。",
    ),
    "differ-at": (
        "The runs first differ at event {n}. c shows them side by side.",
        "两次运行从第 {n} 个事件开始不同。按 c 并排对比。",
    ),
    "no-match": ("{text}: not found.", "没有找到：{text}"),
    "no-search": ("Press / first, and say what to look for.", "请先按 /，写上要找什么。"),
    "search": ("Search", "搜索"),
    "search-hint": (
        "a kind (ReadyLinked), a call (recvfrom), fd 7, task 101, or a word of the sentence",
        "事件种类（ReadyLinked）、系统调用（recvfrom）、fd 7、task 101，或说明里的词",
    ),
    "breakpoint": ("Breakpoint", "断点"),
    "breakpoint-hint": (
        "server.py:27, a line, a call (recvfrom), a kind (TaskWoken), fd 7; the same again removes it",
        "server.py:27、行号、系统调用（recvfrom）、事件种类（TaskWoken）、fd 7；再输入一次则取消",
    ),
    "breakpoint-set": (
        "Breakpoint: {what}. g runs to it, Space plays until then.",
        "已设断点：{what}。按 g 运行到断点，按空格键播放到那里。",
    ),
    "breakpoint-removed": ("Breakpoint removed: {what}.", "已取消断点：{what}。"),
    "breakpoint-bad": (
        "{what}: no line, system call, event or fd of this name. Try 27, recvfrom, TaskWoken or fd 7.",
        "{what}：没有这样的行、系统调用、事件或 fd。可以试试 27、recvfrom、TaskWoken 或 fd 7。",
    ),
    "breakpoint-none": ("There is no breakpoint: press b to set one.", "还没有断点：按 b 设置。"),
    "breakpoint-here": ("Stopped at the breakpoint {what}.", "停在断点 {what}。"),
    "one-host": ("There is one host only.", "只有一台主机。"),
    "host": ("Now showing {name}.", "现在看的是 {name}。"),
    "follow-on": ("The panel that an event concerns grows.", "与事件有关的面板会自动放大。"),
    "follow-off": ("The layout stays as it is.", "布局保持不变。"),
    "paused": ("paused", "已暂停"),
    "too-small": (
        "A little more room, please:\n60×16 at least,\nthis is {w}×{h}.",
        "窗口太小：\n至少要 60×16，\n现在是 {w}×{h}。",
    ),
    "message-next": (
        "Enter goes back. IOVIZ_DEBUG=1 ioviz … shows where it comes from.",
        "按回车返回。用 IOVIZ_DEBUG=1 ioviz … 可看到出错位置。",
    ),
    "load-failed": ("This cannot be opened", "打不开"),
    "machine-failed": ("The machine stopped: {why}", "机器停了：{why}"),
    "panel-failed": ("This panel cannot be drawn ({why}). The rest goes on.", "这个面板画不出来（{why}），其余照常。"),
    "gallery": ("Scenes", "场景"),
    "gallery-hint": (
        "Enter opens · ↑↓ choose · L 中文 · ? help · q quit",
        "回车打开 · ↑↓ 选择 · L English · ? 帮助 · q 退出",
    ),
    "gallery-own": (
        "Your own program:  ioviz play --peer client.py server.py",
        "自己的程序：ioviz play --peer client.py server.py",
    ),
    "gallery-recording": ("A recording:       ioviz play run.ioviz", "一份录像：  ioviz play run.ioviz"),
    "gallery-empty": (
        "There are no scenes. Your own program works all the same: ioviz play --peer client.py server.py",
        "没有找到场景。也可以打开自己的程序：ioviz play --peer client.py server.py",
    ),
    "gallery-broken": ("A scene is broken and was left out:", "有一个场景坏了，没有列出："),
    "programs": ("programs", "程序"),
    "chapters": ("chapters", "章节"),
    "press-enter": ("press Enter to open", "按回车打开"),
    "keys": ("Keys", "按键"),
    "help-close": ("Esc closes", "按 Esc 关闭"),
    "help-scroll": ("↑↓ scroll · Esc closes", "↑↓ 滚动 · Esc 关闭"),
    "mouse": (
        "Mouse: click or drag the timeline, click a panel to open it.",
        "鼠标：点击或拖动时间线，点击面板可放大。",
    ),
    "compare": ("Side by side", "并排对比"),
    "compare-first": ("first difference: event {n}", "第一个不同处：事件 {n}"),
    "compare-same": ("still the same", "到此相同"),
    "compare-differs": ("they differ", "已不同"),
    "tagline": ("a kernel that you can watch", "看得见的内核"),
    "compare-hint": (
        "←→ event  n p call  [ first difference  Home End  Esc back",
        "←→ 事件  n p 调用  [ 第一个不同处  Home End  Esc 返回",
    ),
    "panel-hint": ("←→ event  n p call  Tab next panel  Esc back", "←→ 事件  n p 调用  Tab 下一面板  Esc 返回"),
    "running": ("running", "运行中"),
}


def choose_language(lang: str | None = None) -> str:
    """The language to speak: what was asked for, else what the environment says, else English."""
    if lang in LANGUAGES:
        return lang
    for name in ("IOVIZ_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name, ""):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def say(lang: str, key: str, **values: object) -> str:
    """The text `key` in `lang`."""
    text = TEXTS[key][lang == "zh"]
    return text.format(**values) if values else text


_IN_ASCII: Final = str.maketrans({"←": "<-", "→": "->", "↑": "^", "↓": "v", "·": "|", "…": "...", "×": "x"})


def drawn(text: str, ascii_only: bool) -> str:
    """`text` with arrows and dots that any terminal has, if it is to be ASCII (English is, then)."""
    return text.translate(_IN_ASCII) if ascii_only else text
