"""Why a run ended, and what is wrong with what was asked for, in the reader's language.

The machine's own messages are English: they stand in recordings, which must not depend on who made them. Here they are
said in Chinese. A message is recognised by its form; its parts (places, names, further messages) are told in turn, and
what is not known stays as it is.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

_WHERE: Final = r"(?P<where>at \S+:\d+|before its first line)"
_PATTERNS: Final[tuple[tuple[str, str], ...]] = (
    (r"stalled: nothing can wake anyone any more: (?P<told>.*)", "停住了：再也没有谁能唤醒谁：{told}"),
    (r"(?P<name>\S+) " + _WHERE + r" sleeps in (?P<wchan>\w+)", "{name} {where} 睡在 {wchan} 里"),
    (r"and (?P<n>\d+) more", "另有 {n} 个"),
    (r"the limit of (?P<n>[\d,]+) steps is reached " + _WHERE, "{where} 达到了 {n} 步的上限"),
    (
        r"the time limit of (?P<n>\S+) s of virtual time is reached " + _WHERE + r"(?P<rest>.*)",
        "{where} 达到了 {n} 秒虚拟时间的上限{rest}",
    ),
    (r"the time limit of (?P<n>\S+) s of virtual time is reached: (?P<told>.*)", "达到了 {n} 秒虚拟时间的上限：{told}"),
    (r"endless loop " + _WHERE + r": (?P<told>.*)", "{where} 是死循环：{told}"),
    (r"the others starve " + _WHERE + r": (?P<told>.*)", "{where} 让别的任务饿死了：{told}"),
    (r"no system call for (?P<n>\S+) s of processor time(?P<rest>.*)", "用了 {n} 秒处理器时间没有一次系统调用{rest}"),
    (
        r"its signal handler returns to the instruction that failed, and it fails again",
        "信号处理函数返回到出错的那条指令，它又出错",
    ),
    (r"interrupted " + _WHERE, "{where} 被中断"),
    (r"the machine has no system call (?P<name>\w+) " + _WHERE, "{where}：这台机器没有系统调用 {name}"),
    (r"(?P<name>\w+) " + _WHERE + r": (?P<told>.*)", "{where} 的 {name}：{told}"),
    (r"the machine stops no process \(SIGSTOP, SIGTSTP\)", "这台机器不能暂停进程（SIGSTOP、SIGTSTP）"),
    (r"a signal to every process there is \(kill -1\)", "不能给所有进程发信号（kill -1）"),
    (r"execve in a process of several threads", "多线程的进程不能 execve"),
    (r"urgent data \(MSG_OOB\) to another host", "不能给另一台主机发紧急数据（MSG_OOB）"),
    (r"the program (?P<path>\S+); Python and sh are there", "没有程序 {path}；能运行的只有 Python 和 sh"),
    (r"(?P<signal>[A-Z][\w ()]+?) at (?P<place>\S+:\d+)", "{signal}，位于 {place}"),
    (r"(?P<name>'.*') is not the name of a module", "{name} 不是模块名"),
    (r"(?P<name>.*) is a folder without a __main__\.py", "{name} 是个没有 __main__.py 的文件夹"),
    (r"there is no file (?P<name>.*)", "没有文件 {name}；请检查文件名，模块请用 -m"),
    (r"(?P<name>.*) has more than (?P<n>[\d,]+) bytes, which no program has", "{name} 超过 {n} 字节，没有程序这么大"),
    (r"(?P<name>.*) can't be read: (?P<why>.*)", "读不了 {name}：{why}"),
    (
        r"(?P<name>.*) is a zip archive: unpack it, and run its folder",
        "{name} 是 zip 压缩包：请解开后运行文件夹",
    ),
    (r"(?P<name>.*) is not a Python program: it has binary data in it", "{name} 不是 Python 程序：里面有二进制数据"),
    (r"(?P<name>.*) can't be decoded: (?P<why>.*)", "{name} 的编码读不懂：{why}"),
    (r"(?P<name>.*:\d+) is not (?P<encoding>\S+) text", "{name} 不是 {encoding} 文本"),
    (r"(?P<name>.*:\d+): syntax error: (?P<why>.*)", "{name}：语法错误：{why}"),
    (r"(?P<name>.*:\d+): indentation error: (?P<why>.*)", "{name}：缩进错误：{why}"),
    (r"(?P<name>.*) can't be compiled: (?P<why>.*)", "{name} 编译不了：{why}"),
    (r"(?P<option>--set \S+): (?P<told>.*)", "{option}：{told}"),
    (r"there is no knob (?P<name>'.*'); the knobs are (?P<all>.*)", "没有 {name} 这个旋钮；可用的旋钮有 {all}"),
    (
        r"knob (?P<name>\w+) takes a time such as 3ms, not (?P<value>.*)",
        "旋钮 {name} 要一个时间，例如 3ms，而不是 {value}",
    ),
    (
        r"knob (?P<name>\w+) takes a number such as 4096 or 64k, not (?P<value>.*)",
        "旋钮 {name} 要一个数，例如 4096 或 64k，而不是 {value}",
    ),
    (
        r"knob (?P<name>\w+) takes (?P<choices>.* or .*), not (?P<value>.*)",
        "旋钮 {name} 只能是 {choices}，不能是 {value}",
    ),
    (
        r"knob (?P<name>\w+) must lie between (?P<low>\d+) and (?P<high>\d+), not (?P<value>.*)",
        "旋钮 {name} 要在 {low} 和 {high} 之间，而不是 {value}",
    ),
    (
        r"(?P<what>.*): no scene of this name, and no folder with a (?P<file>\S+)",
        "{what}：没有这个名字的场景，也没有含 {file} 的文件夹",
    ),
    (
        r"(?P<what>.*): a folder without a (?P<file>\S+); `ioviz new-scene` lays a scene that works",
        "{what}：这个文件夹里没有 {file}；`ioviz new-scene` 可以建一个能用的场景",
    ),
    (
        r"(?P<what>.*): a file, and a scene is a folder with a (?P<file>\S+)",
        "{what}：这是个文件，而场景是含 {file} 的文件夹",
    ),
    (r"(?P<what>.*): larger than (?P<n>\d+) bytes, which no scene needs", "{what}：超过 {n} 字节，没有场景需要这么大"),
    (r"(?P<what>.*): cannot be read \((?P<why>.*)\)", "{what}：读不了（{why}）"),
    (r"(?P<what>.*): is not UTF-8 text", "{what}：不是 UTF-8 文本"),
    (r"(?P<what>.*): is not TOML: (?P<told>.*)", "{what}：不是 TOML：{told}"),
    (r"unrecognized arguments: (?P<what>.*)", "不认识的参数：{what}"),
    (r"the following arguments are required: (?P<what>.*)", "缺少参数：{what}"),
    (r"argument (?P<option>\S+): expected one argument", "参数 {option} 后面要跟一个值"),
    (
        r"argument (?P<option>\S+): invalid choice: (?P<value>'.*') \(choose from (?P<choices>.*)\)",
        "参数 {option}：不能是 {value}（可用的有 {choices}）",
    ),
    (r"argument (?P<option>\S+): invalid \w+ value: (?P<value>'.*')", "参数 {option}：{value} 不是合适的数"),
    (r"argument (?P<option>\S+): ignored explicit argument (?P<value>'.*')", "参数 {option} 不带值，却写了 {value}"),
    (r"argument (?P<option>\S+): (?P<told>.*)", "参数 {option}：{told}"),
)


@cache
def _known(allowed: bool = False) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The tables, made when the first message is to be told in Chinese: they take as long as an import or two."""
    from ioviz.lesson.faults_zh import ALLOWED, LAST, RECORDINGS, SCENES

    table = ALLOWED if allowed else (*_PATTERNS, *SCENES, *RECORDINGS, *LAST)
    return tuple((re.compile(pattern, re.DOTALL), template) for pattern, template in table)


def told(text: object, lang: str) -> str:
    """A message of the machine's, or of the command line's parser, in `lang`."""
    message = str(text)
    return _chinese(message) if lang == "zh" else message


def _chinese(message: str) -> str:
    for pattern, template in _known():
        match = pattern.fullmatch(message)
        if match is not None:
            parts = match.groupdict()
            for name in ("told", "where"):
                if name in parts:
                    parts[name] = _parts(parts[name]) if name == "told" else _where(parts[name])
            if "choices" in parts:
                parts["choices"] = parts["choices"].replace(" or ", "、")
            if "allowed" in parts:
                parts["allowed"] = _allowed(parts["allowed"])
            return template.format(**parts)
    return message


def _parts(message: str) -> str:
    """Several messages, one after the other."""
    whole = _chinese(message)
    return whole if whole != message else "；".join(_chinese(part) for part in message.split("; "))


def _allowed(text: str) -> str:
    """What may stand at a place of a scene's file."""
    for pattern, template in _known(allowed=True):
        match = pattern.fullmatch(text)
        if match is not None:
            parts = match.groupdict()
            return template.format(**{**parts, "kind": _allowed(parts.get("kind") or "")})
    return text


def _where(place: str) -> str:
    return "在它的第一行之前" if place.startswith("before") else place.removeprefix("at ")
