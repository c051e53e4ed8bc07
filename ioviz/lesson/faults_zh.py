"""What is wrong with a scene's file or with a recording, in Chinese: the second table of `ioviz.lesson.endings`.

A message may be made of several, put together with "; ", and may begin with the place that it is about.
"""

from __future__ import annotations

from typing import Final

SCENES: Final[tuple[tuple[str, str], ...]] = (
    (r"allowed: (?P<allowed>[^;]*)", "可用：{allowed}"),
    (r"there is no (?P<name>'.*?') here \(did you mean (?P<close>\w+)\?\)", "这里没有 {name}（是不是想写 {close}？）"),
    (r"there is no (?P<name>'.*?') here", "这里没有 {name}"),
    (r"(?P<name>'.*?') of (?P<place>\S+) is missing", "{place} 缺少 {name}"),
    (r"(?P<name>'\w+') is missing", "缺少 {name}"),
    (r"it needs (?P<needed>.*), and may have (?P<others>[^;]*)", "必须有 {needed}，还可以有 {others}"),
    (r"it needs (?P<needed>[^;]*)", "必须有 {needed}"),
    (r"see scenes/README\.md", "见 scenes/README.md"),
    (r"expected `(?P<want>[^`]*)`, got `(?P<got>[^`]*)`", "应为 `{want}`，却是 `{got}`"),
    (r"expected `(?P<want>[^`]*)` of length (?P<rule>[<>=]+ \d+)", "`{want}` 的长度应 {rule}"),
    (r"expected `(?P<want>[^`]*)` (?P<rule>[<>=]+ \S+)", "`{want}` 应 {rule}"),
    (r"expected `(?P<want>[^`]*)` matching regex (?P<rule>[^;]*)", "文字应匹配正则表达式 {rule}"),
    (r"invalid enum value (?P<value>[^;]*)", "{value} 不在可用的值之内"),
    (
        r"the id is (?P<id>'.*?'), but the folder is (?P<folder>'.*?'): make them the same",
        "id 是 {id}，而目录名是 {folder}：请改成一样的",
    ),
    (
        r"the first program, and no other, must have the role main",
        "第一个程序的 role 必须是 main，其他程序都不能是",
    ),
    (r"(?P<file>.*) has the role (?P<role>'.*?')", "{file} 的 role 是 {role}"),
    (
        r"(?P<file>.*) has a host, and only a program with the role remote may",
        "{file} 写了 host，只有 role 为 remote 的程序才能写",
    ),
    (r"(?P<file>.*) has both stdin and typed: keep one", "{file} 同时写了 stdin 和 typed：请只留一个"),
    (r"near it are (?P<names>[^;]*)", "相近的有 {names}"),
    (r"there are: (?P<names>[^;]*)", "现有：{names}"),
    (r"`ioviz check-scene --events` lists them all", "`ioviz check-scene --events` 会全部列出"),
    (
        r"(?P<name>['\"].*['\"]) leads out of the scene's folder: programs lie beside scene\.toml",
        "{name} 指向场景目录之外：程序要和 scene.toml 放在一起",
    ),
    (
        r"(?P<name>['\"].*['\"]) is not a readable file of at most (?P<n>\d+) bytes beside scene\.toml",
        "scene.toml 旁边没有可读的、不超过 {n} 字节的文件 {name}",
    ),
    (r"there is no event (?P<name>'.*')", "没有 {name} 这种事件"),
    (r"there is no system call (?P<name>'.*')", "没有系统调用 {name}"),
    (r"(?P<event>\w+) is no event of a call: leave out `call`", "{event} 不是系统调用的事件：请去掉 `call`"),
    (r"(?P<event>\w+) has no field (?P<name>'.*'): it has (?P<names>[^;]*)", "{event} 没有字段 {name}：它有 {names}"),
    (r"no program of the scene is (?P<name>'.*'): they are (?P<names>[^;]*)", "场景里没有程序 {name}：有 {names}"),
    (r"`next` is asked at TaskSwitched, not at (?P<event>\w+)", "`next` 要在 TaskSwitched 处提问，不能在 {event}"),
    (
        r"`(?P<ask>\w+)` is asked at TrapEntered or SyscallReturned, not at (?P<event>\w+)",
        "`{ask}` 要在 TrapEntered 或 SyscallReturned 处提问，不能在 {event}",
    ),
    (
        r"`ready` needs a `call` that waits for descriptors: (?P<names>[^;]*)",
        "`ready` 需要一个等待描述符的 `call`：{names}",
    ),
    (r"there is a control character in it", "里面有控制字符"),
    (r"there is no line (?P<line>\d+): (?P<file>.+) has (?P<n>\d+) lines", "没有第 {line} 行：{file} 只有 {n} 行"),
    (r"there is no host (?P<host>\d+)", "没有第 {host} 台主机"),
    (r"chapter (?P<n>\d+) \((?P<title>.*?)\): (?P<told>.*)", "第 {n} 章（{title}）：{told}"),
    (r"question (?P<n>\d+): (?P<told>.*)", "第 {n} 个问题：{told}"),
    # what the reader of TOML says
    (r"(?P<told>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)", "{told}（第 {line} 行第 {column} 列）"),
    (r"(?P<told>.*) \(at end of document\)", "{told}（文件末尾）"),
    (r"Invalid value", "值不合法"),
    (r"Invalid statement", "语句不合法"),
    (r"Invalid initial character for a key part", "键的开头字符不合法"),
    (r"Invalid date or datetime", "日期或时间不合法"),
    (r"Expected '=' after a key in a key/value pair", "键的后面缺少 '='"),
    (r"Expected (?P<what>'.*') at the end of (?:an array|a table) declaration", "表头缺少结尾的 {what}"),
    (r"Expected newline or end of document after a statement", "语句后面应当换行"),
    (r"Unclosed (?:array|inline table)", "括号没有闭合"),
    (r"Unterminated string", "字符串没有结束"),
    (r"Unescaped '\\' in a string", "字符串里有未转义的反斜杠"),
    (r"(?:Illegal|Found invalid) character (?P<what>'.*')", "有不合法的字符 {what}"),
    (r"Expected (?P<what>'.*')", "这里缺少 {what}"),
    (r"Invalid hex value", "不是合法的十六进制数"),
    (r"Escaped character is not a Unicode scalar value", "转义写出的不是 Unicode 字符"),
    (
        r"Cannot (?:overwrite a value|mutate immutable namespace .*|redefine namespace .*|declare .* twice)",
        "同一个键写了两次",
    ),
    (r"Duplicate inline table key (?P<what>'.*')", "键 {what} 写了两次"),
)

ALLOWED: Final[tuple[tuple[str, str], ...]] = (
    (r"(?P<kind>.+?) from (?P<low>\S+) to (?P<high>\S+)", "{kind}，从 {low} 到 {high}"),
    (r"(?P<kind>.+?) from (?P<low>\S+)", "{kind}，不小于 {low}"),
    (r"(?P<kind>.+) of at most (?P<most>\d+) characters", "{kind}，最多 {most} 个字符"),
    (r"a whole number", "整数"),
    (r"a number", "数"),
    (r"a text or a number", "文字或数"),
    (r"a text", "文字"),
    (r"small letters, digits and hyphens", "小写字母、数字和连字符"),
    (r"true or false", "true 或 false"),
    (r"a table of names and values", "由名字和值组成的表"),
    (r"a list \((?P<kind>.*)\)", "列表（{kind}）"),
    (r"main, peer \(same host\), remote", "main、peer（同一台主机）、remote"),
    (r"it needs (?P<needed>.*), and may have (?P<others>[^;]*)", "必须有 {needed}，还可以有 {others}"),
)
"""What may stand there: `kind` is one of these again."""

RECORDINGS: Final[tuple[tuple[str, str], ...]] = (
    (r"(?P<path>.*) can't be opened: (?P<told>.*)", "{path} 打不开：{told}"),
    (r"there is no such file", "没有这个文件"),
    (r"it is no file", "它不是普通文件"),
    (r"(?P<path>.*) is refused: it unpacks to more than (?P<n>[\d,]+) bytes", "不读 {path}：解压后超过 {n} 字节"),
    (r"(?P<path>.*) is refused: it has a line of more than (?P<n>[\d,]+) bytes", "不读 {path}：有一行超过 {n} 字节"),
    (r"(?P<path>.*) is damaged: something follows its end", "{path} 已损坏：结尾之后还有内容"),
    (
        r"(?P<path>.*) is damaged \((?P<why>.*)\): copy it again from where it came from",
        "{path} 已损坏（{why}）：请重新拷贝一份",
    ),
    (
        r"(?P<path>.*) could not be written: (?P<why>.*); what was written before that is in (?P<part>.*)",
        "{path} 写不进去：{why}；在此之前写好的部分在 {part}",
    ),
    (r"(?P<path>.*) could not be written: (?P<why>.*)", "{path} 写不进去：{why}"),
    (
        r"(?P<path>.*) is no recording of ioviz: its first line is not the header of one",
        "{path} 不是 ioviz 的录像：第一行不是录像的文件头",
    ),
    (
        r"(?P<path>.*) is no recording of ioviz: its header says (?P<what>.*)",
        "{path} 不是 ioviz 的录像：文件头写的是 {what}",
    ),
    (
        r"(?P<path>.*) has version (?P<version>\S+) of the format, written by ioviz (?P<by>.*), and this one reads "
        r"version (?P<ours>\d+): open it with a (?:newer|fitting) ioviz",
        "{path} 的格式版本是 {version}（由 ioviz {by} 写成），这里只能读版本 {ours}：请用相应版本的 ioviz 打开",
    ),
    (
        r"(?P<path>.*) is incomplete: it says that it has (?P<said>[\d,]+) events, and has (?P<has>[\d,]+): "
        r"copy it again from where it came from",
        "{path} 不完整：它说有 {said} 个事件，实际只有 {has} 个：请重新拷贝一份",
    ),
    (r"(?P<path>.*) can't be used: line (?P<line>[\d,]+): (?P<told>.*)", "{path} 不能用：第 {line} 行：{told}"),
    (r"it goes on after its end", "结尾之后还有内容"),
    (r"(?P<kind>\w+) does not fit what came before it \((?P<why>.*)\)", "{kind} 与前面的事件对不上（{why}）"),
    (r"it is not a well-formed event \((?P<why>.*)\)", "这一行不是完整的事件（{why}）"),
    (r"it is neither an event nor the end of a recording", "这一行既不是事件，也不是录像的结尾"),
    (r"event (?P<n>\d+) was to come, and this is event (?P<m>-?\d+)", "这里应是第 {n} 号事件，却是第 {m} 号"),
    (
        r"event (?P<n>\d+) says that its cause is event (?P<m>\d+), which comes later",
        "第 {n} 号事件说起因是第 {m} 号，而那个事件还在后面",
    ),
    (
        r"event (?P<n>\d+) has the origin (?P<o>-?\d+), which there is not",
        "第 {n} 号事件的来源是 {o}，没有这样的来源",
    ),
    (
        r"event (?P<n>\d+) is at (?P<t>-?\d+) ns, before the one in front of it",
        "第 {n} 号事件的时间是 {t} 纳秒，早于它前面的事件",
    ),
    (r"no cause", "起因不合法"),
    (r"the recording breaks off after (?P<n>[\d,]+) events", "录像在 {n} 个事件之后中断"),
)

LAST: Final[tuple[tuple[str, str], ...]] = (
    (r"(?P<name>\S.*?:\d+): (?P<told>.*)", "{name}：{told}"),
    (r"(?P<name>[a-z]\w*(?:\[\d+\])?(?:\.\w+(?:\[\d+\])?)*): (?P<told>.*)", "{name}：{told}"),
)
"""A place and what is wrong there."""
