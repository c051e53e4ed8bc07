"""What the command line says, in both languages. Each message says what is wrong, where, and what to do."""

from __future__ import annotations

import os
from typing import Final

LANGUAGES: Final = ("en", "zh")

_chosen: list[str] = []

MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "unknown-verb": (
        "there is no verb {verb!r}: use exec, play, or none for the gallery; to run a program, ioviz exec {verb}",
        "没有 {verb!r} 这个命令：可用 exec、play，什么都不写则打开场景列表；要运行程序请用 ioviz exec {verb}",
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
    "usage": ("ioviz: {text}", "ioviz：{text}"),
    "no-program": (
        "{path}: cannot read the program ({why}); check the name, or use -m for a module",
        "{path}：读不了这个程序（{why}）；请检查文件名，模块请用 -m",
    ),
    "no-input": (
        "{path}: cannot read the input for {program} ({why}); --peer-stdin takes a text file",
        "{path}：读不了给 {program} 的输入（{why}）；--peer-stdin 后面要跟一个文本文件",
    ),
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
    "our-fault": (
        "this is a fault of ioviz itself, not of your program: {what} at {where}; "
        "please report it with the command you typed (IOVIZ_DEBUG=1 shows the traceback)",
        "这是 ioviz 自身的错误，与你的程序无关：{what}，位于 {where}；"
        "请把你输入的命令一起报告给我们（IOVIZ_DEBUG=1 可显示完整的回溯）",
    ),
}


def choose_language(lang: str | None) -> str:
    """The language to speak: what was asked for, else what the environment says, else English."""
    if lang is None:
        for name in ("IOVIZ_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
            if value := os.environ.get(name, ""):
                lang = "zh" if value.lower().startswith("zh") else "en"
                break
    _chosen[:] = [lang or "en"]
    return _chosen[0]


def say(key: str, **values: object) -> str:
    """The message `key` in the chosen language."""
    lang = _chosen[0] if _chosen else choose_language(None)
    return MESSAGES[key][LANGUAGES.index(lang)].format(**values)
