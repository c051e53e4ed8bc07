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
    "causes": ("What led to this", "全部前因"),
    "causes-count": ("{n} causes", "{n} 个前因"),
    "causes-root": ("The root: nothing in the run led to this.", "根源：运行中没有什么引起它。"),
    "causes-hint": (
        "↑↓ choose · Enter goes there, Backspace comes back · End root · Esc stays",
        "↑↓ 选择 · 回车跳过去，退格键回来 · End 根源 · Esc 留在原处",
    ),
    "floor-user": ("user", "用户态"),
    "floor-kernel": ("kernel", "内核态"),
    "floor-hardware": ("hardware", "硬件"),
    "type-line": ("Type a line to {name}", "给 {name} 输入一行"),
    "type-line-hint": (
        "Enter types it: the run is made again with it, and you keep your place. ^D alone ends the input.",
        "回车输入：带着这一行重新运行，你停留的位置不变。只写 ^D 表示输入结束。",
    ),
    "type-several-hint": (
        "Several wait: put the number before the line, as in 102: hello. ^D for the line ends the input.",
        "有几个程序在等：在前面写上编号，例如 102: hello。行里只写 ^D 表示输入结束。",
    ),
    "type-here": (
        "{name} waits for a line at its terminal. Press I to type one.",
        "{name} 在终端上等待输入一行。按 I 输入。",
    ),
    "type-none": ("No program waits here for a line of yours.", "这里没有程序在等你输入。"),
    "type-done": ("Typed. The keyboard's interrupt comes next.", "已输入。接下来就是键盘中断。"),
    "type-ended": ("The input has ended there.", "输入到此结束。"),
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
    "breakpoint-marking": (
        "Breakpoint: {what}. Marking it on the timeline … {n} of {of} events",
        "已设断点：{what}。正在时间线上标出……已看 {n}/{of} 个事件",
    ),
    "breakpoint-times": (
        "Breakpoint: {what}, {n} times in this run. g runs to it, Space plays until then.",
        "已设断点：{what}，这次运行中共 {n} 次。按 g 运行到断点，按空格键播放到那里。",
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
    "motion-on": ("Bytes are seen to move.", "会显示字节移动的动画。"),
    "motion-off": ("Nothing moves but what is stepped.", "不再显示字节移动的动画。"),
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
        "Enter opens · ↑↓ choose · type to search · L 中文 · ? help · q quit",
        "回车打开 · ↑↓ 选择 · 打字查找 · L English · ? 帮助 · q 退出",
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
    "observed": ("observed", "观察到"),
    "inferred": ("inferred", "推断"),
    "measured": ("measured", "测得"),
    "kernel-own": ("the kernel's own", "内核原样"),
    "no-demo": (
        "Only a live demo can be steered: ioviz live opens one.",
        "只有实时演示才能操控：ioviz live 会打开一个。",
    ),
    "demo-clients": ("{n} clients", "{n} 个客户端"),
    "demo-rate": ("{n} msg/s", "{n} 条/秒"),
    "demo-trip": ("{n} µs a trip", "往返 {n} 微秒"),
    "demo-once": (" once", " 读一次"),
    "demo-sent": ("A client sends a message.", "一个客户端发出一条消息。"),
    "demo-nobody": ("There is no client: o opens one.", "现在没有客户端：按 o 新开一个。"),
    "demo-opened": ("One more client connects.", "又一个客户端来连接。"),
    "demo-closed": ("The oldest client leaves.", "最早的客户端离开了。"),
    "demo-load": ("{n} messages a second, from all clients together.", "所有客户端合计每秒 {n} 条消息。"),
    "demo-no-trigger": (
        "This server has no epoll of its own: ioviz live epoll-lt has.",
        "这个服务器自己没有用 epoll：可以试试 ioviz live epoll-lt。",
    ),
    "demo-lt": (
        "The server turns its connections to level-triggered.",
        "服务器把它的连接都改成水平触发（LT）。",
    ),
    "demo-et": ("The server turns its connections to edge-triggered.", "服务器把它的连接都改成边缘触发（ET）。"),
    "demo-drains": ("The server reads until nothing is left.", "服务器每次读到没有为止。"),
    "demo-reads-once": (
        "The server reads once an event, at most 16 bytes.",
        "服务器每个事件只读一次，最多 16 字节。",
    ),
    "live-now": ("{dot} live", "{dot} 实时"),
    "live-past": ("{bars} past", "{bars} 过去"),
    "live-ended": ("{stop} ended", "{stop} 已结束"),
    "live-differences": ("diff {n} of {of}", "差异 {n}/{of}"),
    "live-blind": ("fdinfo only ({why})", "只看 fdinfo（{why}）"),
    "live-gaps": ("{n} gaps, {lost} lost", "缺口 {n}，丢失 {lost}"),
    "live-left-out": ("{n} left out", "略去 {n}"),
    "live-rate": ("{n} calls/s", "{n} 次/秒"),
    "live-slower": ("{x}x slower", "耗时 {x} 倍"),
    "live-not-slower": ("not slowed", "未变慢"),
    "live-paused": (
        "The stage stands still; the program goes on. e returns to the present.",
        "舞台停住了，程序仍在运行。按 e 回到现在。",
    ),
    "live-follows": ("The stage follows the present.", "舞台跟随现在。"),
    "not-live": ("Nothing goes on here any more: this run is over, or was never live.", "这里没有正在进行的运行。"),
    "running": ("running", "运行中"),
    "part-1": ("Part I: the kernel", "第一部分：内核"),
    "part-2": ("Part II: sockets", "第二部分：socket"),
    "part-3": ("Part III: from BIO to epoll", "第三部分：从 BIO 到 epoll"),
    "part-4": ("Part IV: which one when", "第四部分：什么时候用哪个"),
    "part-n": ("Part {n}", "第 {n} 部分"),
    "part-more": ("More scenes", "更多场景"),
    "scene-n": ("scene {n}", "第 {n} 个场景"),
    "minutes": ("{n} minutes", "{n} 分钟"),
    "minutes-short": ("{n} min", "{n} 分"),
    "page-learn": ("What you will learn", "会学到什么"),
    "page-watch": ("Watch for", "注意看"),
    "page-learned": ("What you have learned", "学到了什么"),
    "page-reading": ("To read", "可以读"),
    "page-next": ("What comes next", "接下来"),
    "page-end": ("The end of “{title}”", "“{title}”到此结束"),
    "page-start": ("Enter starts · ↑↓ scroll", "回车开始 · ↑↓ 滚动"),
    "page-close": ("Enter or Esc closes · ↑↓ scroll", "回车或 Esc 关闭 · ↑↓ 滚动"),
    "page-choose": ("↑↓ choose · Enter takes it · Esc back", "↑↓ 选择 · 回车确定 · Esc 返回"),
    "page-copy": (
        "↑↓ choose a command · Enter copies it · Esc back",
        "↑↓ 选择命令 · 回车复制 · Esc 返回",
    ),
    "copied": ("Copied: paste it into a shell of your own.", "已复制：粘贴到你自己的 shell 里运行。"),
    "resume": ("Go on where you left off: {title}", "从上次停下的地方继续：{title}"),
    "from-start": ("From the start", "从头开始"),
    "key-play": ("Space plays", "空格键播放"),
    "key-chapter": ("] next chapter", "] 下一章"),
    "key-article": ("A what the article says", "A 文章怎么说"),
    "key-tries": ("x what to try", "x 可以试什么"),
    "key-predict": ("P questions on or off", "P 开关提问"),
    "key-costs": ("m what it costs on this computer", "m 这台电脑上的开销"),
    "key-race": ("m the race", "m 比赛"),
    "open-tries": ("Turn a knob (x)", "拧一个旋钮（x）"),
    "open-article": ("What the article says, and what Linux does (A)", "文章怎么说，Linux 怎么做（A）"),
    "open-costs": ("What it costs on this computer (m)", "这台电脑上的开销（m）"),
    "open-race": ("The race (m)", "比赛（m）"),
    "last-scene": (
        "This was the last scene of the course. Any program of yours can be watched the same way: ioviz play FILE.py",
        "课程到这里就全部结束了。你自己的程序也可以这样看：ioviz play 文件.py",
    ),
    "open-gallery": ("Back to the gallery", "回到场景列表"),
    "score": ("Questions answered rightly: {right} of {asked}", "答对的问题：{asked} 个中的 {right} 个"),
    "article-title": ("What the article says · what Linux does", "文章怎么说 · Linux 实际怎么做"),
    "article-says": ("The article:", "文章说："),
    "linux-does": ("Linux:", "Linux："),
    "tries-title": ("Turn a knob", "拧一个旋钮"),
    "tries-about": (
        "The scene runs again with it, from its start, and you keep your place. c then compares the two runs.",
        "场景会用新的设定从头重新运行，你停留的位置不变。之后按 c 可以对比两次运行。",
    ),
    "tries-now": ("(as it is)", "（当前）"),
    "tries-back": ("All knobs as the scene has them", "所有旋钮恢复原样"),
    "scene-over": (
        "What the scene shows ends here; its programs would go on.",
        "这个场景到此为止；它的程序本来还会继续运行。",
    ),
    "no-scene": ("This is no scene of the course.", "这不是课程里的场景。"),
    "no-article": ("There is no such page here.", "这里没有这一页。"),
    "no-tries": (
        "This scene names no knobs to turn. t turns the trigger.",
        "这个场景没有推荐的旋钮。按 t 切换触发方式。",
    ),
    "no-page": ("This scene has no further page.", "这个场景没有附加页。"),
    "predict": ("What comes next?", "接下来会怎样？"),
    "predict-one": ("1–9 or ↑↓ and Enter answers · Esc skips", "按 1–9，或 ↑↓ 加回车作答 · Esc 跳过"),
    "predict-several": (
        "1–9 or Space marks, any number of them · Enter answers · Esc skips",
        "按 1–9 或空格勾选，可选任意多个 · 回车作答 · Esc 跳过",
    ),
    "predict-on": ("Enter goes on", "回车继续"),
    "right": ("Right.", "对。"),
    "wrong": ("Not so.", "不对。"),
    "this-is-right": ("← so it is", "← 是这样"),
    "answer": ("Answer:", "答案："),
    "answer-none": ("none of them", "一个都没有"),
    "questions-on": ("Questions: on. A step forward may ask you something.", "提问：开。往前走时可能会问你。"),
    "questions-off": ("Questions: off.", "提问：关。"),
    "costs-title": ("What it costs", "开销"),
    "costs-start": (
        "Enter measures what these take on this computer; it takes some seconds.",
        "按回车测量它们在这台电脑上的开销，需要几秒钟。",
    ),
    "costs-running": ("measuring … {n} of {all}", "测量中……{n}/{all}"),
    "costs-hint": (
        "Enter measure again · w the machine goes by it · x built-in table · Esc back",
        "回车重新测量 · w 让模拟机器按它计时 · x 恢复内置的表 · Esc 返回",
    ),
    "costs-hint-running": ("Esc stops", "Esc 停止"),
    "costs-written": (
        "From the next run on the machine goes by what was measured.",
        "从下一次运行起，模拟机器按测得的数值计时。",
    ),
    "costs-reset": (
        "From the next run on the machine goes by its built-in table.",
        "从下一次运行起，模拟机器恢复内置的表。",
    ),
    "costs-none": ("Measure first: press Enter.", "请先测量：按回车。"),
    "race-title": ("The race: who serves many connections fastest", "比赛：谁服务大量连接最快"),
    "race-running": ("racing … {n} of {all} laps", "比赛中……{n}/{all}"),
    "race-track": (
        "{n} connections, {k} active: the time of a message",
        "{n} 个连接，其中 {k} 个说话：每条消息的耗时",
    ),
    "race-hint": (
        "←→↑↓ a track · Enter races again · PgDn what it comes to · Esc back",
        "←→↑↓ 或点击选一格 · 回车重跑 · PgDn 文字结论 · Esc 返回",
    ),
    "race-hint-running": ("←→↑↓ a track · Esc stops", "←→↑↓ 选一格 · Esc 停止"),
    "race-stopped": ("Stopped. Enter races again.", "已停止。按回车重跑。"),
    "race-about": (
        "= others are as fast, within 3 %. Both sides run the same Python program, whose own work is in all times.",
        "= 表示还有同样快的（相差不到 3%）。两边运行同一个 Python 程序，它自身的开销也在内。",
    ),
    "gallery-filter": ("looking for “{text}”: {n} · Esc shows all", "查找“{text}”：{n} 个 · Esc 显示全部"),
    "gallery-none": ("No scene has “{text}” in its title or text.", "没有标题或说明里含“{text}”的场景。"),
    "gallery-go-on": ("go on here", "从这里继续"),
    "gallery-done": ("{done} of {all} played", "已看完 {done}/{all}"),
    "played-finished": ("played", "已看完"),
    "played-part": ("played to chapter {n}", "看到第 {n} 章"),
    "played-score": ("questions {right}/{asked}", "问题 {right}/{asked}"),
    "progress-problem": ("What has been played cannot be kept: {why}", "学习进度存不下来：{why}"),
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


_IN_ASCII: Final = str.maketrans(
    {
        "←": "<-",
        "→": "->",
        "↑": "^",
        "↓": "v",
        "·": "|",
        "…": "...",
        "×": "x",
        "•": "*",
        "–": "-",
        "“": '"',
        "”": '"',
    }
)


def drawn(text: str, ascii_only: bool) -> str:
    """`text` with arrows and dots that any terminal has, if it is to be ASCII (English is, then)."""
    return text.translate(_IN_ASCII) if ascii_only else text
