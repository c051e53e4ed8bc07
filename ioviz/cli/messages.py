"""What the command line says, in both languages. Each message says what is wrong, where, and what to do."""

from __future__ import annotations

from typing import Final

from ioviz.lesson.language import LANGUAGES, language_of

_chosen: list[str] = []

MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "unknown-verb": (
        "there is no verb {verb!r}: use {verbs}, or none for the gallery; to run a program, ioviz exec {verb}",
        "没有 {verb!r} 这个命令：可用 {verbs}，什么都不写则打开场景列表；要运行程序请用 ioviz exec {verb}",
    ),
    "what-to-run": (
        "ioviz {verb} needs something to work on: name a program, or see ioviz {verb} --help",
        "ioviz {verb} 后面缺少对象：请写上程序名，或看 ioviz {verb} --help",
    ),
    "stdin-of-whom": (
        "--peer-stdin feeds the --peer or --remote before it, and there is none: put it after one",
        "--peer-stdin 是给它前面的 --peer 或 --remote 提供输入的，而前面没有：请把它放在后面",
    ),
    "bad-quotes": (
        "{option} {text!r}: the quotes do not match; write it as {option} 'FILE ARGS'",
        "{option} {text!r}：引号不配对；请写成 {option} '文件 参数'",
    ),
    "bad-knob": (
        "--set {text!r}: write it as KNOB=VALUE, such as --set trigger=et",
        "--set {text!r}：请写成 旋钮=值，例如 --set trigger=et",
    ),
    "not-positive": (
        "{text!r} is no number above zero",
        "{text!r} 不是大于零的数",
    ),
    "no-model": (
        "there is no server {text!r}; choose one of {names}",
        "没有 {text!r} 这种服务器；可选：{names}",
    ),
    "not-in-range": ("{text!r} is no whole number from 0 to {most}", "{text!r} 不是 0 到 {most} 的整数"),
    "demo-listens": (
        "ioviz: the server listens on 127.0.0.1 port {port}; join it with: nc 127.0.0.1 {port}",
        "ioviz：服务器在 127.0.0.1 端口 {port} 上监听；可以用 nc 127.0.0.1 {port} 加入",
    ),
    "bad-pid": (
        "{text!r} is no process ID: `ps` lists them, ioviz trace -- PROGRAM starts a program",
        "{text!r} 不是进程号：可用 `ps` 查看；要启动程序请用 ioviz trace -- 程序",
    ),
    "bad-log": (
        "{path}: this strace log cannot be opened ({why})",
        "{path}：打不开这份 strace 日志（{why}）",
    ),
    "doctor-machine": (
        "The simulated machine works everywhere. Real processes can be watched by:",
        "模拟的机器处处可用。真实的进程可以这样观察：",
    ),
    "doctor-ebpf": (
        "calls without stopping the program, and the kernel's own ready list",
        "不打断程序就能看到系统调用，还有内核自己的就绪链表",
    ),
    "doctor-strace": (
        "every call of any program; it stops the program twice a call",
        "任何程序的每次调用；每次调用都会让程序停两下",
    ),
    "doctor-probe": ("Python programs that ioviz starts, from within", "由 ioviz 启动的 Python 程序，从内部观察"),
    "doctor-procfs": (
        "the state of what runs: descriptors, interest lists, queues; no calls",
        "运行中进程的状态：描述符、兴趣列表、队列；看不到调用",
    ),
    "doctor-no": ("cannot be used: {why}", "不能用：{why}"),
    "doctor-best": (
        "ioviz attach takes {name} by itself; --source takes another.",
        "ioviz attach 会自动选用 {name}；可用 --source 换一种。",
    ),
    "doctor-none": ("No process that runs already can be watched here.", "这里无法观察已在运行的进程。"),
    "doctor-yama": (
        "kernel.yama.ptrace_scope is {scope}: without root, only what ioviz starts can be traced.",
        "kernel.yama.ptrace_scope 为 {scope}：没有 root 时，只能跟踪由 ioviz 启动的程序。",
    ),
    "help-usage": ("usage: ", "用法： "),
    "help-arguments": ("arguments", "参数"),
    "help-flags": ("flags", "选项"),
    "help-model": ("MODEL: {names} ({default})", "MODEL：{names}（默认 {default}）"),
    "usage": ("ioviz: {text}", "ioviz：{text}"),
    "no-program": (
        "{path}: cannot read the program ({why}); check the name, or use -m for a module",
        "{path}：读不了这个程序（{why}）；请检查文件名，模块请用 -m",
    ),
    "no-input": (
        "{path}: cannot read the input for {program} ({why}); it must be a text file",
        "{path}：读不了给 {program} 的输入（{why}）；要用文本文件",
    ),
    "too-long": ("more than {n} bytes", "超过 {n} 字节"),
    "no-output": (
        "the output could not be written: {why}",
        "输出写不出去：{why}",
    ),
    "no-stream": ("cannot open {path}: {why}", "无法打开 {path}：{why}"),
    "no-record": (
        "{path}: cannot write the recording ({why}); choose another place with --record",
        "{path}：录像写不进去（{why}）；请用 --record 换个位置",
    ),
    "what-is-it": (
        "{what!r} is no scene, no program and no recording; the scenes are: {scenes}",
        "{what!r} 既不是场景，也不是程序或录像；可用的场景有：{scenes}",
    ),
    "scene-is-whole": (
        "{scene} is a scene and brings its own programs: leave out arguments, --peer and --remote",
        "{scene} 是一个场景，自带程序：请去掉参数以及 --peer、--remote",
    ),
    "recorded": (
        "ioviz: the run is in {path}; watch it with: ioviz play {path}",
        "ioviz：录像在 {path}；观看请用：ioviz play {path}",
    ),
    "no-terminal": (
        "the gallery needs a terminal; as text: ioviz play --plain SCENE, with SCENE one of: {scenes}",
        "场景列表需要在终端里打开；要看文字版：ioviz play --plain 场景，场景可以是：{scenes}",
    ),
    "scene-exists": (
        "{path} is there already: choose another name, or remove it",
        "{path} 已经存在：请换个名字，或先删除它",
    ),
    "scene-name": (
        "{name!r} is no name for a scene: use small letters, digits and hyphens, as in my-scene",
        "{name!r} 不能作场景名：请用小写字母、数字和连字符，例如 my-scene",
    ),
    "scene-unwritable": ("{path}: cannot be written ({why})", "{path}：写不进去（{why}）"),
    "scene-laid": (
        "{path} is there; watch it with: ioviz play {path}   check it with: ioviz check-scene {path}",
        "已建好 {path}；观看：ioviz play {path}   检查：ioviz check-scene {path}",
    ),
    "check-what": (
        "ioviz check-scene needs folders or names of scenes, or --all",
        "ioviz check-scene 后面要写场景的目录或名字，或用 --all",
    ),
    "check-fine": ("{scene}: fine", "{scene}：没有问题"),
    "check-wrong": ("{scene}: {n} wrong", "{scene}：有 {n} 处问题"),
    "check-played": ("played as written", "按原样运行"),
    "check-played-with": ("played with {knob}", "以 {knob} 运行"),
    "check-ended": ("{n} events, {ms} ms, ended: {why}", "{n} 个事件，{ms} 毫秒，结束：{why}"),
    "check-exit": (
        "{program} ended with exit code {code}; it printed last: {last}",
        "{program} 以退出码 {code} 结束，最后输出：{last}",
    ),
    "check-chapter": ("chapter {n} {title}: event {at}", "第 {n} 章 {title}：第 {at} 个事件"),
    "check-not-here": ("chapter {n} {title}: not in this run", "第 {n} 章 {title}：这次运行里没有"),
    "check-question": ("question {n} ({ask}): {prompt} {right}", "问题 {n}（{ask}）：{prompt}{right}"),
    "check-nothing-right": ("none", "一个都没有"),
    "check-never": (
        "chapter {n} ({title}) is reached under no setting: mend its `at`, or add the `tries` that lead there",
        "第 {n} 章（{title}）在任何设定下都到不了：请修改它的 at，或加上能到那里的 tries",
    ),
    "check-unanswered": (
        "question {n} ({ask}) has no answer under any setting: its event does not happen, or the call never returns",
        "问题 {n}（{ask}）在任何设定下都没有答案：事件没有发生，或者调用没有返回",
    ),
    "check-long": (
        "{what} ({lang}) takes {rows} lines of 76 columns, and there is room for {room} at 80x24: make it shorter",
        "{what}（{lang}）按 76 列要占 {rows} 行，80x24 的窗口只放得下 {room} 行：请缩短",
    ),
    "check-focus": (
        "focus: there is no panel {panel!r}; allowed: {panels}",
        "focus：没有名为 {panel!r} 的面板；可用：{panels}",
    ),
    "check-next": (
        "next: there is no scene {name!r}; the scenes are: {scenes}",
        "next：没有名为 {name!r} 的场景；可用：{scenes}",
    ),
    "check-failed": ("cannot be played ({setting}): {why}", "运行不了（{setting}）：{why}"),
    "check-command": ("$ {command}", "$ {command}"),
    "check-command-failed": (
        "article {n}: the command fails ({why}): {command}",
        "article 第 {n} 条：命令失败（{why}）：{command}",
    ),
    "check-late": ("it does not end within {s} s", "{s} 秒内没有结束"),
    "check-limit": (
        "({setting}) the run does not end within the limits: set `seconds`, or let the programs end",
        "（{setting}）运行没有在限制之内结束：请设置 seconds，或让程序自己结束",
    ),
    "costs-reset": (
        "the machine goes by its built-in table of costs again",
        "模拟机器恢复使用内置的开销表",
    ),
    "costs-built-in": (
        "the machine goes by its built-in table of costs already",
        "模拟机器用的就是内置的开销表",
    ),
    "costs-written": (
        "The machine goes by this from now on ({path}); ioviz calibrate --reset goes back to the built-in table.",
        "从现在起模拟机器按这张表计时（{path}）；ioviz calibrate --reset 可恢复内置的表。",
    ),
    "costs-measuring": ("measuring … {n} of {all}", "测量中……{n}/{all}"),
    "costs-by-c": (
        "Measured by a small C program: the least of several rounds, on one CPU. A virtual machine makes traps and "
        "int 0x80 dearer; compare ratios, not nanoseconds. An interrupt cannot be measured from user space.",
        "由一个小 C 程序测得：取几轮中的最小值，固定在一个 CPU 上。虚拟机会让陷入和 int 0x80 更贵；"
        "请比较倍数，不要比较纳秒数。中断无法从用户态测量。",
    ),
    "costs-by-python": (
        "Measured from Python, since there is no C compiler (or --no-compiler): less exact, without int 0x80 and "
        "function calls; what Python itself takes is subtracted as far as it can be told apart.",
        "没有 C 编译器（或用了 --no-compiler），因此用 Python 测量：精度较低，测不了 int 0x80 和函数调用；"
        "Python 自身的开销已尽量扣除。",
    ),
    "progress-reset": ("what has been played is forgotten", "学习进度已清除"),
    "progress-problem": ("what has been played cannot be read: {why}", "学习进度读不出来：{why}"),
    "progress-none": ("not played", "未看"),
    "progress-finished": ("played", "已看完"),
    "progress-chapter": ("to chapter {n}", "到第 {n} 章"),
    "progress-score": ("questions {right}/{asked} ", "问题 {right}/{asked} "),
    "race-running": ("racing … {n} of {all} laps", "比赛中……{n}/{all}"),
    "race-track": (
        "{n} connections, {k} active: the time of a message",
        "{n} 个连接，其中 {k} 个说话：每条消息的耗时",
    ),
    "race-about": (
        "Both sides run the same Python program, whose own work is in all times: compare who wins and by how much. "
        "The machine charges by its cost table for what the kernel does, nothing for a busy computer. "
        "= means that others are as fast, within 3 %.",
        "两边运行的是同一个 Python 程序，它自身的开销包含在所有时间里：请比较谁赢、赢多少。"
        "模拟机器只按开销表给内核的动作计时，不受电脑繁忙的影响。= 表示还有别的方式同样快（相差不到 3%）。",
    ),
    "our-fault": (
        "this is a fault of ioviz itself, not of your program: {what} at {where}; "
        "please report it with the command you typed (IOVIZ_DEBUG=1 shows the traceback)",
        "这是 ioviz 自身的错误，与你的程序无关：{what}，位于 {where}；"
        "请把你输入的命令一起报告给我们（IOVIZ_DEBUG=1 可显示完整的回溯）",
    ),
}


def choose_language(lang: str | None) -> str:
    """The language to speak from now on: what was asked for, else what the environment says, else English."""
    _chosen[:] = [language_of(lang)]
    return _chosen[0]


def language() -> str:
    """The chosen language."""
    return _chosen[0] if _chosen else choose_language(None)


def in_language(text: object) -> str:
    """A message of the machine's, or of argparse's, in the chosen language."""
    from ioviz.lesson.endings import told

    return told(text, language())


def say(key: str, **values: object) -> str:
    """The message `key` in the chosen language."""
    return MESSAGES[key][LANGUAGES.index(language())].format(**values)
