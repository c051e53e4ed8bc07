"""What the verbs and their flags are for, in both languages: all that `--help` says, and the parser that says it.

One table. A flag that means the same everywhere stands there once; where it means something else with one verb, the
verb's name stands before it.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ioviz.cli.messages import language, say
from ioviz.lesson.language import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterable

VERBS: Final[dict[str, tuple[str, str, str]]] = {
    # what is typed, and what it does: for `ioviz --help`
    "": ("ioviz [--lang LANG]", "the gallery of scenes", "场景列表"),
    "play": ("ioviz play WHAT [ARGS]", "watch a scene, a program or a recording", "看一个场景、程序或录像"),
    "exec": ("ioviz exec PROGRAM.py [ARGS]", "run a program on the simulated kernel", "在模拟内核上运行程序"),
    "verify": ("ioviz verify WHAT [ARGS]", "compare it with the real kernel, call by call", "与真实内核逐次调用对照"),
    "live": (
        "ioviz live [MODEL]",
        "a real server with real clients, to look at",
        "看一个真实的服务器和它的真实客户端",
    ),
    "trace": ("ioviz trace -- PROGRAM [ARGS]", "start any real program, and watch it", "启动任意真实程序并观察它"),
    "attach": ("ioviz attach PID", "watch a process that runs", "观察正在运行的进程"),
    "doctor": ("ioviz doctor", "what this computer lets one watch", "这台电脑上能观察到什么"),
    "new-scene": ("ioviz new-scene NAME", "lay a scene of one's own", "新建一个自己的场景"),
    "check-scene": (
        "ioviz check-scene WHAT...",
        "play scenes without a terminal, and say what is wrong",
        "不用终端把场景跑一遍，指出问题",
    ),
    "calibrate": (
        "ioviz calibrate",
        "measure what this computer takes for calls and switches",
        "测量这台电脑上调用和切换的开销",
    ),
    "race": (
        "ioviz race",
        "BIO, NIO, select, poll and epoll, simulated and measured",
        "BIO、NIO、select、poll、epoll 的比赛：模拟与实测",
    ),
    "progress": ("ioviz progress [--reset]", "what of the course has been played", "课程看到了哪里"),
}

USAGES: Final[dict[str, str]] = {
    "exec": "ioviz exec [flags] PROGRAM.py [ARGS]\n       ioviz exec [flags] -m MODULE [ARGS]",
    "play": "ioviz play [flags] WHAT [ARGS]\n       ioviz play [flags] -m MODULE [ARGS]",
    "verify": "ioviz verify [flags] WHAT [ARGS]\n"
    "       ioviz verify [flags] -m MODULE [ARGS]\n"
    "       ioviz verify --random N [--seed S] [--save FILE.py]",
    "verify --random": "ioviz verify --random N [--seed S] [--save FILE.py]",
    "live": "ioviz live [flags] [MODEL]",
    "trace": "ioviz trace [flags] -- PROGRAM [ARGS]",
    "attach": "ioviz attach [flags] PID",
}
"""Where argparse's own line would not do."""

ABOUT: Final[dict[str, tuple[str, str]]] = {
    "": (
        "A kernel that one can watch. `ioviz VERB --help` lists the flags of a verb.",
        "看得见的内核。`ioviz 命令 --help` 列出该命令的选项。",
    ),
    "exec": ("Run a Python program on the simulated kernel.", "在模拟内核上运行一个 Python 程序。"),
    "play": (
        "Watch a scene, a program (with its peers) or a recording.",
        "观看一个场景、一个程序（可带对端程序）或一份录像。",
    ),
    "verify": (
        "Run a scene or programs on the simulated and on the real kernel, and compare call by call; or compare random "
        "operations (see ioviz verify --random 1 --help).",
        "把一个场景或程序分别放在模拟内核和真实内核上运行，逐次调用地对照；也可以对照随机操作"
        "（见 ioviz verify --random 1 --help）。",
    ),
    "verify --random": (
        "Make random operations on the simulated and on the real kernel, and compare what they give.",
        "在模拟内核和真实内核上做同样的随机操作，对照两边的结果。",
    ),
    "live": (
        "Start a real server with real clients, and watch it. Anybody may join with nc.",
        "启动一个真实的服务器和真实的客户端并观察它们。谁都可以用 nc 加入。",
    ),
    "trace": ("Start a program and watch it.", "启动一个程序并观察它。"),
    "attach": ("Watch a process that runs already.", "观察一个已经在运行的进程。"),
    "doctor": ("What this computer lets ioviz watch.", "ioviz 在这台电脑上能观察到什么。"),
    "new-scene": (
        "Lay a scene that works, to be made into one's own.",
        "新建一个可以运行的场景，再改成自己的。",
    ),
    "check-scene": (
        "Play scenes without a terminal, under each setting of their tries, and say what is wrong.",
        "不用终端把场景在它推荐的每种设定下各跑一遍，指出有什么问题。",
    ),
    "calibrate": (
        "Measure what this computer takes for calls, switches and copies, and let the machine go by it.",
        "测量这台电脑上调用、切换和拷贝的开销，并让模拟机器按它计时。",
    ),
    "race": (
        "BIO, NIO, select, poll and epoll over the number of connections and the share that speaks: on the machine "
        "and on this computer.",
        "BIO、NIO、select、poll、epoll 在不同连接数、不同活跃比例下的比赛：在模拟机器上，也在这台电脑上。",
    ),
    "progress": ("What of the course has been played.", "课程看到了哪里。"),
}

FLAGS: Final[dict[str, tuple[str, str]]] = {
    "--help": ("show this and leave", "显示本帮助并退出"),
    "--version": ("show the version and leave", "显示版本并退出"),
    "--lang": ("language of the texts (else from the environment)", "界面语言（不写则看环境变量）"),
    "--ascii": ("draw with ASCII only", "只用 ASCII 字符画图"),
    "--plain": ("as text (also when there is no terminal)", "输出为文字（没有终端时也是这样）"),
    "trace --stdin": (
        "what the program reads as its stdin (on the stage it has nothing to read otherwise)",
        "程序从这个文件读标准输入（否则在舞台上它读不到任何内容）",
    ),
    "trace --output": (
        "where what the program prints goes (the stage shows none of it otherwise)",
        "程序的输出写到这个文件（否则舞台上不显示）",
    ),
    "--record": ("keep all of it, to be played later", "录下全部过程，以后可以播放"),
    "-m": ("run a module, as Python has it; the rest are its arguments", "像 Python 那样运行模块；其余都是它的参数"),
    "--peer": ("a further program on the same host (repeatable)", "同一台主机上的另一个程序（可重复）"),
    "--remote": ("a further program on a second host, joined by a link", "第二台主机上的程序，两台主机由链路相连"),
    "--peer-stdin": (
        "feeds the program before it, a line for each input()",
        "给它前面的程序提供输入，每次 input() 一行",
    ),
    "play --stdin": (
        "feeds the program itself, a line for each input()",
        "给程序本身提供输入，每次 input() 一行",
    ),
    "--set": ("turn a kernel knob, such as trigger=et (repeatable)", "拧一个内核旋钮，例如 trigger=et（可重复）"),
    "--seed": ("of everything that is random in the run (0)", "运行中一切随机数的种子（0）"),
    "--no-lines": (
        "do not follow source lines: faster, and less to see",
        "不跟踪源码行：更快，能看到的也少些",
    ),
    "--max-steps": ("end the run after N events (50,000,000)", "N 个事件后结束运行（50,000,000）"),
    "--max-time": ("end the run after S virtual seconds", "虚拟时间 S 秒后结束运行"),
    "--strace": (
        "print each system call to stderr, in strace's format",
        "按 strace 的格式把每次系统调用打印到 stderr",
    ),
    "--json": ("print each event to stdout, as JSON Lines", "把每个事件以 JSON Lines 打印到 stdout"),
    "verify --limit": ("seconds for the real programs (30)", "真实程序最多运行的秒数（30）"),
    "verify --random --random": ("how many operations", "多少个操作"),
    "verify --random --seed": (
        "of the operations (without: a fresh one, which is told)",
        "这些操作的种子（不写则新取一个，并告诉你）",
    ),
    "verify --random --save": ("keep a difference as a program", "把发现的差异存成一个程序"),
    "live model": ("how the server is written", "服务器的写法"),
    "live --clients": ("clients at the beginning (3)", "开始时的客户端数（3）"),
    "live --rate": ("messages a second, from all of them (1)", "所有客户端合计每秒的消息数（1）"),
    "live --port": ("where the server listens (a free port)", "服务器监听的端口（默认找一个空闲的）"),
    "live --source": ("how to watch (the probe; with eBPF as root)", "观察方式（探针；root 时再加 eBPF）"),
    "--source": ("how to watch (the best that works here)", "观察方式（这里可用的最好的一种）"),
    "trace program": ("what to start, and its words", "要启动的程序和它的参数"),
    "attach pid": ("the process, with its children and threads", "进程号（连同它的子进程和线程）"),
    "new-scene name": ("its name: small letters, digits and hyphens", "场景名：小写字母、数字和连字符"),
    "new-scene --into": ("where to lay it (here)", "建在哪个目录（当前目录）"),
    "check-scene what": (
        "a folder with a scene, or the name of one of ioviz's",
        "场景所在的目录，或 ioviz 自带场景的名字",
    ),
    "check-scene --all": ("every scene that ioviz has", "ioviz 的全部场景"),
    "check-scene --quiet": ("say only what is wrong", "只说有问题的地方"),
    "check-scene --run-commands": (
        "also run the commands of the articles' pages",
        "同时运行“文章怎么说”页面里的命令",
    ),
    "check-scene --events": ("list every kind of event with its fields", "列出每种事件及其字段"),
    "calibrate --dry-run": (
        "show it, and leave the machine's table as it is",
        "只显示结果，不改动模拟机器的开销表",
    ),
    "calibrate --reset": ("go back to the built-in table", "恢复内置的表"),
    "calibrate --no-compiler": (
        "measure from Python, even if there is a C compiler",
        "即使有 C 编译器也用 Python 测量",
    ),
    "progress --reset": ("forget it all", "清除全部进度"),
}


class UsageError(Exception):
    """What was typed makes no sense; the text is one sentence for the person."""


class Parser(argparse.ArgumentParser):
    """The flags of a verb, with the texts of the tables above. What it complains of is a UsageError."""

    def __init__(self, verb: str) -> None:
        zh = language() == "zh"
        super().__init__(
            prog=f"ioviz {verb}".strip(),
            usage=USAGES.get(verb) or (None if verb else _all_verbs()),
            description=ABOUT[verb][zh],
            formatter_class=_Formatter,
            allow_abbrev=False,
            add_help=False,
        )
        self.verb = verb
        self._positionals.title, self._optionals.title = say("help-arguments"), say("help-flags")
        self.add("-h", "--help", action="help")
        self.add("--lang", choices=LANGUAGES)

    def add(self, *names: str, **options: Any) -> None:
        """Add a flag or an argument, with its text."""
        name = names[-1]
        text = FLAGS.get(f"{self.verb} {name}") or FLAGS[name]
        self.add_argument(*names, help=text[language() == "zh"], **options)

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


class _Formatter(argparse.HelpFormatter):
    """Says "usage" in the chosen language, and wraps what is written without spaces."""

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, say("help-usage") if prefix is None else prefix)

    def _split_lines(self, text: str, width: int) -> list[str]:
        from rich.text import Text

        from ioviz.tui.wrap import wrap

        return [line.plain for line in wrap(Text(text), width)]

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(indent + line for line in self._split_lines(text, width - len(indent)))


def _all_verbs() -> str:
    zh = language() == "zh"
    rows: Iterable[tuple[str, str, str]] = VERBS.values()
    return "\n       ".join(f"{typed:<33}{(english, chinese)[zh]}" for typed, english, chinese in rows)
