"""Every action there is, in one table: keys, footer, help screen and command palette are all made from it.

`method` names an `action_…` method of the screen that `where` says. Labels are for the footer (short), the help is a
sentence. Uppercase keys go backward where that is natural.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.binding import Binding

STAGE: Final = "stage"
EVERYWHERE: Final = "app"


class Both(NamedTuple):
    """A text in both languages."""

    en: str
    zh: str

    def of(self, lang: str) -> str:
        """The text in `lang`."""
        return self.zh if lang == "zh" else self.en


class Action(NamedTuple):
    """`footer` is its rank in the footer (0: not there); `shown` how its keys are written for a person."""

    id: str
    keys: tuple[str, ...]
    shown: str
    label: Both
    help: Both
    group: str
    where: str = STAGE
    footer: int = 0

    @property
    def method(self) -> str:
        """The name of the action method, without `action_`."""
        return self.id.replace("-", "_")


GROUPS: Final[dict[str, Both]] = {
    "run": Both("Run", "运行"),
    "step": Both("Step by step", "单步"),
    "jump": Both("Jump", "跳转"),
    "ask": Both("Ask", "提问"),
    "look": Both("Look", "查看"),
    "lesson": Both("Lesson", "课程"),
    "demo": Both("Live demo", "实时演示"),
    "app": Both("Program", "程序"),
}

ACTIONS: Final[tuple[Action, ...]] = (
    Action("play", ("space",), "Space", Both("play", "播放"), Both("Play, or pause", "播放或暂停"), "run", footer=1),
    Action("faster", ("+", "="), "+", Both("faster", "加快"), Both("Play faster", "加快播放"), "run"),
    Action("slower", ("-", "_"), "-", Both("slower", "放慢"), Both("Play slower", "放慢播放"), "run"),
    Action(
        "next-event", ("right",), "→", Both("event", "事件"), Both("The next event", "下一个事件"), "step", footer=2
    ),
    Action(
        "previous-event", ("left",), "←", Both("event back", "上一事件"), Both("The event before", "上一个事件"), "step"
    ),
    Action(
        "into",
        ("s",),
        "s",
        Both("into", "进入"),
        Both("Into the event: one step of a trap at a time", "进入事件内部：陷入过程一次一步"),
        "step",
        footer=7,
    ),
    Action("out-of", ("S",), "S", Both("step back", "退一步"), Both("One step back", "退回一步"), "step"),
    Action(
        "next-call",
        ("n",),
        "n",
        Both("call", "调用"),
        Both("Over a system call: to the next return from one", "越过一次系统调用：到下一次调用返回"),
        "step",
        footer=3,
    ),
    Action(
        "previous-call",
        ("p",),
        "p",
        Both("call back", "上次调用"),
        Both("Back to the return from the call before", "回到上一次调用返回"),
        "step",
    ),
    Action(
        "finish",
        ("f",),
        "f",
        Both("until it returns", "到返回"),
        Both("Until the system call of this task returns", "直到这个任务的系统调用返回"),
        "step",
    ),
    Action(
        "entry",
        ("F",),
        "F",
        Both("to its entry", "到入口"),
        Both("Back to where this task entered the kernel", "回到这个任务进入内核的地方"),
        "step",
    ),
    Action(
        "next-line",
        ("u",),
        "u",
        Both("line", "源码行"),
        Both("The next source line that a program reaches", "程序执行到的下一行源码"),
        "step",
        footer=8,
    ),
    Action(
        "previous-line", ("U",), "U", Both("line back", "上一行"), Both("The source line before", "上一行源码"), "step"
    ),
    Action(
        "next-wakeup",
        ("w",),
        "w",
        Both("wake-up", "唤醒"),
        Both("The next wake-up or switch of tasks", "下一次唤醒或任务切换"),
        "step",
        footer=9,
    ),
    Action(
        "previous-wakeup",
        ("W",),
        "W",
        Both("wake-up back", "上次唤醒"),
        Both("The wake-up or switch before", "上一次唤醒或任务切换"),
        "step",
    ),
    Action("next-chapter", ("]",), "]", Both("chapter", "章节"), Both("The next chapter", "下一章"), "jump", footer=4),
    Action(
        "previous-chapter", ("[",), "[", Both("chapter back", "上一章"), Both("The chapter before", "上一章"), "jump"
    ),
    Action("first", ("home",), "Home", Both("start", "开头"), Both("To the start", "回到开头"), "jump"),
    Action("last", ("end",), "End", Both("end", "结尾"), Both("To the end of the run", "到运行结束处"), "jump"),
    Action(
        "present",
        ("e",),
        "e",
        Both("now", "现在"),
        Both("Back to the present of a live program, and follow it", "回到正在运行的程序的现在，并跟随它"),
        "jump",
        footer=2,
    ),
    Action(
        "search",
        ("/",),
        "/",
        Both("search", "搜索"),
        Both(
            "Search the events: a kind, a system call, a word of the sentence, fd 7",
            "搜索事件：事件种类、系统调用、说明里的词、fd 7",
        ),
        "jump",
        footer=10,
    ),
    Action("next-match", (";",), ";", Both("match", "下一个"), Both("The next match", "下一个匹配"), "jump"),
    Action(
        "previous-match", ("comma",), ",", Both("match back", "前一个"), Both("The match before", "上一个匹配"), "jump"
    ),
    Action(
        "type-line",
        ("I",),
        "I",
        Both("type", "输入"),
        Both("Type a line to a program", "给程序输入一行"),
        "run",
    ),
    Action(
        "breakpoint",
        ("b",),
        "b",
        Both("breakpoint", "断点"),
        Both(
            "Set or remove a breakpoint: a line, a system call, an event, an fd",
            "设置或取消断点：行、系统调用、事件、fd",
        ),
        "jump",
    ),
    Action(
        "run-to-breakpoint",
        ("g",),
        "g",
        Both("run", "运行到断点"),
        Both("Run to the next breakpoint", "运行到下一个断点"),
        "jump",
    ),
    Action(
        "back-to-breakpoint",
        ("G",),
        "G",
        Both("run back", "反向到断点"),
        Both("Back to the breakpoint before", "反向运行到上一个断点"),
        "jump",
    ),
    Action(
        "why",
        ("y",),
        "y",
        Both("why?", "为什么"),
        Both("Why did this happen? Jump to the event that led to it", "为什么会这样？跳到引起它的事件"),
        "ask",
        footer=5,
    ),
    Action(
        "because",
        ("Y", "backspace"),
        "Y",
        Both("back from why", "从原因返回"),
        Both("Back to where you asked why (also Backspace)", "回到提问的地方（也可按退格键）"),
        "ask",
    ),
    Action(
        "causes",
        ("C",),
        "C",
        Both("all causes", "全部前因"),
        Both("All that led to this, down to the root, as a list to go through", "列出引起它的全部前因，一直追到根源"),
        "ask",
    ),
    Action(
        "toggle-trigger",
        ("t",),
        "t",
        Both("LT/ET", "LT/ET"),
        Both("Turn level-triggered into edge-triggered, or back, and run again", "切换水平触发与边缘触发，并重新运行"),
        "ask",
        footer=6,
    ),
    Action(
        "compare",
        ("c",),
        "c",
        Both("compare", "对比"),
        Both(
            "Side by side: two runs, at their first difference; of what cannot run again, two moments",
            "并排对比：两次运行，停在第一个不同处；不能重新运行的，则对比两个时刻",
        ),
        "ask",
        footer=11,
    ),
    Action(
        "open-panel",
        ("enter",),
        "Enter",
        Both("open", "放大"),
        Both("Open the panel full size", "整屏查看这个面板"),
        "look",
        footer=12,
    ),
    Action("next-panel", ("tab",), "Tab", Both("panel", "面板"), Both("The next panel", "下一个面板"), "look"),
    Action(
        "previous-panel",
        ("shift+tab",),
        "Shift+Tab",
        Both("panel back", "上一面板"),
        Both("The panel before", "上一个面板"),
        "look",
    ),
    Action(
        "auto-focus",
        ("a",),
        "a",
        Both("follow", "跟随"),
        Both(
            "Let the panel that the event concerns grow, or leave the layout as it is",
            "让与事件有关的面板自动放大，或保持布局不变",
        ),
        "look",
    ),
    Action(
        "motion",
        ("V",),
        "V",
        Both("motion", "动画"),
        Both("Whether bytes are seen to move between the floors", "字节在各层之间移动时是否显示动画"),
        "look",
    ),
    Action("other-host", ("h",), "h", Both("host", "主机"), Both("Look at the other host", "看另一台主机"), "look"),
    Action(
        "about",
        ("i",),
        "i",
        Both("about", "简介"),
        Both("What this scene is about, and what to watch for", "这个场景讲什么，该看什么"),
        "lesson",
    ),
    Action(
        "article",
        ("A",),
        "A",
        Both("article", "文章"),
        Both("What the article says, and what Linux does", "文章怎么说，Linux 实际怎么做"),
        "lesson",
    ),
    Action(
        "tries",
        ("x",),
        "x",
        Both("try", "试试"),
        Both("The knobs worth turning, and what they will do", "值得拧的旋钮，以及会发生什么"),
        "lesson",
        footer=6,
    ),
    Action(
        "predict",
        ("P",),
        "P",
        Both("questions", "提问"),
        Both("Ask me what comes next, or stop asking", "让我预测接下来会怎样，或不再提问"),
        "lesson",
    ),
    Action(
        "further",
        ("m",),
        "m",
        Both("measure", "测量"),
        Both("The scene's further page: the table of costs, or the race", "场景的附加页：开销表或比赛"),
        "lesson",
    ),
    Action(
        "closing",
        ("E",),
        "E",
        Both("what next", "小结"),
        Both("What was learned, what to read, and what comes next", "学到了什么、读什么、接下来看什么"),
        "lesson",
    ),
    Action(
        "message",
        ("M",),
        "M",
        Both("send", "发消息"),
        Both("Let a client of the live demo send a message", "让演示里的一个客户端发一条消息"),
        "demo",
    ),
    Action(
        "more-clients",
        ("o",),
        "o",
        Both("open", "新客户端"),
        Both("One more client", "再来一个客户端"),
        "demo",
    ),
    Action(
        "fewer-clients",
        ("O",),
        "O",
        Both("close", "关客户端"),
        Both("The oldest client leaves", "最早的客户端离开"),
        "demo",
    ),
    Action(
        "more-load",
        (">", "full_stop"),
        ">",
        Both("more", "加负载"),
        Both("More messages a second", "每秒更多消息"),
        "demo",
    ),
    Action(
        "less-load",
        ("<",),
        "<",
        Both("less", "减负载"),
        Both("Fewer messages a second", "每秒更少消息"),
        "demo",
    ),
    Action(
        "drain",
        ("d",),
        "d",
        Both("read all/once", "读尽/读一次"),
        Both(
            "The server reads until nothing is left, or once an event: with ET the rest is then forgotten",
            "服务器每次读到没有为止，或每个事件只读一次：在 ET 下，剩下的就被忘掉了",
        ),
        "demo",
    ),
    Action("language", ("L",), "L", Both("中文", "English"), Both("The other language", "切换语言"), "app", EVERYWHERE),
    Action(
        "dark",
        ("D",),
        "D",
        Both("light/dark", "明暗"),
        Both("Light or dark colours", "切换浅色或深色"),
        "app",
        EVERYWHERE,
    ),
    Action("help", ("?", "f1"), "?", Both("help", "帮助"), Both("This help", "本帮助"), "app", EVERYWHERE, footer=13),
    Action(
        "command-palette",
        ("ctrl+p",),
        "Ctrl+P",
        Both("actions", "所有操作"),
        Both("Every action, to be found by its name", "按名字查找所有操作"),
        "app",
        EVERYWHERE,
    ),
    Action(
        "back",
        ("escape",),
        "Esc",
        Both("back", "返回"),
        Both(
            "Back: close what is open, stop what runs, leave to the gallery",
            "返回：关闭打开的东西，停止播放，回到场景列表",
        ),
        "app",
    ),
    Action("quit", ("q", "ctrl+q"), "q", Both("quit", "退出"), Both("Quit", "退出"), "app", EVERYWHERE, footer=14),
)

DEMO: Final = (
    "play",
    "present",
    "message",
    "more-clients",
    "fewer-clients",
    "more-load",
    "less-load",
    "toggle-trigger",
)
"""What a live demo's footer begins with."""

BY_ID: Final = {action.id: action for action in ACTIONS}


def bindings(where: str) -> list[Binding]:
    """The key bindings of a screen, made from the table."""
    from textual.binding import Binding

    return [
        Binding(key, action.method, action.label.en, id=f"{action.id}.{key}", show=False)
        for action in ACTIONS
        if action.where == where
        for key in action.keys
    ]


def footer_actions(first: tuple[str, ...] = ()) -> tuple[Action, ...]:
    """Those in the footer, most important first; before all others those of the ids `first`."""
    begin = tuple(BY_ID[id] for id in first)
    return (*begin, *sorted((a for a in ACTIONS if a.footer and a not in begin), key=lambda a: a.footer))


def by_group() -> Iterator[tuple[Both, tuple[Action, ...]]]:
    """Each group with its actions, in order."""
    for group, title in GROUPS.items():
        yield title, tuple(action for action in ACTIONS if action.group == group)
