"""The race as lines of text: who wins on each track, simulated beside measured, and the five on one track as bars.

The article's two claims (epoll where many are connected and few speak, select where few are and all speak) are judged
by the numbers.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Final

from rich.text import Text

from ioviz.measure.race import (
    CONNECTIONS,
    MARGIN,
    METHODS,
    SHARES,
    Cell,
    Left,
    Times,
    ahead,
    cell,
    cells,
    tracks_won,
    winners,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

COLOURS: Final = {"bio": "magenta", "nio": "red", "select": "yellow", "poll": "cyan", "epoll": "green"}
NAMES: Final = {"bio": "BIO", "nio": "NIO", "select": "select", "poll": "poll", "epoll": "epoll"}
FIRST: Final = 6
WIDE: Final = 8
"""Columns of the table: the number of connections, and each track."""
COLUMN: Final = 8
"""Columns of a time in the table of how it grows."""
HEADS: Final = {
    "simulated": ("on the machine", "在模拟机器上"),
    "measured": ("on this computer", "在这台电脑上"),
    "both": ("on both", "两边"),
    "connections": ("conn.", "连接"),
    "fastest": ("{where}: the fastest", "{where}：谁最快"),
    "one": ("one", "一个"),
    "speaks": ("{share}% speak", "{share}% 说话"),
    "speaks-one": ("one speaks", "一个说话"),
    "growth": (
        "µs a message as connections grow; {speaks} (left: machine, right: here)",
        "连接数增长时每条消息的微秒数（{speaks}；左：模拟机器，右：这台电脑）",
    ),
}
SAYS: Final = {
    "many": (
        "Many connections, few that speak ({n}, one speaks): epoll is {machine} times as fast as select on the "
        "machine, {here} times on this computer. The article says epoll: {verdict}.",
        "连接多、活跃少（{n} 个连接，一个说话）：epoll 的速度是 select 的 {machine} 倍（模拟机器）、"
        "{here} 倍（这台电脑）。"
        "文章说这时 epoll 更合适：{verdict}。",
    ),
    "few": (
        "Few connections, all of which speak ({n}): select takes {machine} of epoll's time on the machine, {here} on "
        "this computer. The article says select: {verdict}.",
        "连接少、活跃高（{n} 个连接都说话）：select 的耗时是 epoll 的 {machine}（模拟机器）、{here}（这台电脑）。"
        "文章说这时 select 更合适：{verdict}。",
    ),
    "nio": (
        "Where all speak, NIO is the fastest {where}: none of its recv() is for nothing, and it need not ask who is "
        "ready. But it cannot sleep: with nobody speaking it would take a whole CPU.",
        "全都在说话时，{where}最快的是 NIO：没有一次 recv() 是白问的，也不用先问谁就绪了。"
        "可它不会睡：没人说话时，它会占满一个 CPU。",
    ),
    "wins": ("select beats epoll {where}: {tracks}.", "select 胜过 epoll 的情形（{where}）：{tracks}。"),
    "never": ("select beats epoll nowhere {where}.", "select 没有在任何情形下胜过 epoll（{where}）。"),
    "track": (
        "{connections} connections, {active} speak ({percent}% less time)",
        "{connections} 个连接、{active} 个说话（少用 {percent}%）",
    ),
}
LEFT: Final = {
    "all": ("{n} connections", "{n} 个连接"),
    "one": ("{method} with {n} connections", "{n} 个连接的 {method}"),
    "said": ("Left out on this computer: {tracks} ({why}).", "这台电脑上没有跑：{tracks}（{why}）。"),
    "files": ("a process may have {n} open files, see ulimit -n", "一个进程最多打开 {n} 个文件，见 ulimit -n"),
    "threads": ("there are no more threads, see ulimit -u", "线程数到了上限，见 ulimit -u"),
}
VERDICTS: Final = {
    (1,): ("so it is here", "这里确实如此"),
    (-1,): ("not so here", "这里并非如此"),
    (0,): ("no difference here", "这里看不出差别"),
    (0, 1): ("so it is on one side, no difference on the other", "一边如此，另一边看不出差别"),
    (-1, 0): ("not so on one side, no difference on the other", "一边并非如此，另一边看不出差别"),
    (-1, 1): ("the two do not agree", "两边结果不一致"),
}
"""By what the two sides say: 1 as the article, -1 the contrary, 0 within the margin."""


def map_lines(times: Times, side: str, lang: str, chosen: Cell | None = None, left: Left | None = None) -> list[Text]:
    """Who wins on each track: a row for each number of connections, a column for each share. Those who are `left` out
    are not waited for; a track on which nobody can run is a dash."""
    zh = lang == "zh"
    lines = [Text(HEADS["fastest"][zh].format(where=HEADS[side][zh]), "bold")]
    head = _fit(Text(HEADS["connections"][zh], "dim"), FIRST)
    for share in SHARES:
        head.append_text(_fit(Text(f"{share}%" if share else HEADS["one"][zh], "dim"), WIDE))
    lines.append(head)
    for connections in CONNECTIONS:
        line = _fit(Text(f"{connections:>4}", "dim"), FIRST)
        for share in SHARES:
            one = cell(connections, share)
            found = winners(times, one, left)
            none = " – " if all((method, one) in (left or {}) for method in METHODS) else " · "
            name = Text(none if not found else NAMES[found[0]] + ("=" if len(found) > 1 else ""))
            name.stylize(f"bold {COLOURS[found[0]]}" if found else "dim")
            part = _fit(name, WIDE - 1)
            if one == chosen:
                part.stylize("reverse")
            line.append_text(part).append(" ")
        lines.append(line)
    return lines


def bar_lines(both: Sequence[tuple[str, Times]], one: Cell, lang: str, width: int, bar: str = "█") -> list[Text]:
    """The five on one track: microseconds a message, a bar for each side, each side to its own scale."""
    zh = lang == "zh"
    room = max(4, (width - 10) // len(both) - 12)
    lines = [Text(" " * 8)]
    for side, _ in both:
        lines[0].append_text(_fit(Text(HEADS[side][zh], "dim"), room + 12))
    for method in METHODS:
        line = _fit(Text(NAMES[method], f"bold {COLOURS[method]}"), 8)
        for _, times in both:
            slowest = max((times[name, one] for name in METHODS if (name, one) in times), default=0.0)
            ns = times.get((method, one))
            if ns is None:
                line.append_text(_fit(Text("–", "dim"), room + 12))
                continue
            length = max(1, round(room * ns / slowest)) if slowest else 1
            part = Text(bar * length, COLOURS[method]).append(f" {ns / 1e3:.2f} µs")
            line.append_text(_fit(part, room + 12))
        lines.append(line)
    return lines


def growth_lines(both: Sequence[tuple[str, Times]], share: int, lang: str, blocks: str = "▁▂▃▄▅▆▇█") -> list[Text]:
    """How the time of a message grows with the connections while `share` (of SHARES) speaks: a line a way to wait. The
    height of a block is on a logarithmic scale, from the least to the most of its side; no `blocks`: numbers only."""
    zh = lang == "zh"
    speaks = HEADS["speaks" if share else "speaks-one"][zh].format(share=share)
    lines = [Text(HEADS["growth"][zh].format(speaks=speaks), "bold")]
    head = Text(" " * 8)
    for _ in both:
        for number, connections in enumerate(CONNECTIONS):
            last = number == len(CONNECTIONS) - 1
            head.append_text(_fit(Text(f"{connections:>{COLUMN - 1}}", "dim"), COLUMN + 2 * last))
    lines.append(head)
    tracks = [cell(connections, share) for connections in CONNECTIONS]
    for method in METHODS:
        line = _fit(Text(NAMES[method], f"bold {COLOURS[method]}"), 8)
        for _, times in both:
            known = [times[name, one] for name in METHODS for one in tracks if (name, one) in times]
            low, high = log(max(1.0, min(known, default=1.0))), log(max(2.0, *known, 2.0))
            for number, one in enumerate(tracks):
                ns, last = times.get((method, one)), number == len(tracks) - 1
                shown = "–" if ns is None else f"{ns / 1e3:.1f}"
                if ns is not None and blocks:
                    part = (log(max(1.0, ns)) - low) / max(0.01, high - low)
                    shown = f"{shown} {blocks[min(len(blocks) - 1, int(part * len(blocks)))]}"
                style = COLOURS[method] if ns is not None else "dim"
                line.append_text(_fit(Text(f"{shown:>{COLUMN - 1}}", style), COLUMN + 2 * last))
        lines.append(line)
    return lines


def left_out(left: Left, lang: str) -> list[str]:
    """What could not be run on this computer, a sentence a reason."""
    zh = lang == "zh"
    found = []
    for why in dict.fromkeys(left.values()):
        runs = {(method, one.connections) for (method, one), reason in left.items() if reason == why}
        tracks = []
        for connections in sorted({connections for _, connections in runs}):
            methods = [method for method in METHODS if (method, connections) in runs]
            whole = len(methods) == len(METHODS)
            key, names = ("all", [""]) if whole else ("one", [NAMES[method] for method in methods])
            tracks += [LEFT[key][zh].format(n=connections, method=name) for name in names]
        kind, _, number = why.partition(" ")
        reason = LEFT[kind][zh].format(n=number) if kind in {"files", "threads"} else why
        found.append(LEFT["said"][zh].format(tracks=("、" if zh else ", ").join(tracks), why=reason))
    return found


def verdicts(machine: Times, here: Times, lang: str, left: Left | None = None) -> list[str]:
    """The article's claims and where select wins, from the numbers; `left`: what this computer left out."""
    zh = lang == "zh"
    found = []
    ran = [one for one in cells() if all((method, one) not in (left or {}) for method in ("select", "epoll"))]
    most = max((one.connections for one in ran), default=CONNECTIONS[-1])
    many, few = cell(most, 0), cell(CONNECTIONS[0], 100)
    for key, one, method, other in (("many", many, "epoll", "select"), ("few", few, "epoll", "select")):
        ratios = [ahead(times, one, method, other) for times in (machine, here)]
        if ratios[0] is None or ratios[1] is None:
            continue
        asked = [ratio if key == "many" else 1 / ratio for ratio in ratios if ratio]
        holds = {(ratio > MARGIN) - (ratio < 1 / MARGIN) for ratio in asked}
        verdict = VERDICTS[tuple(sorted(holds))][zh]
        shown = [f"{ratio:.1f}" if key == "many" else f"{ratio * 100:.0f}%" for ratio in ratios if ratio is not None]
        found.append(SAYS[key][zh].format(n=one.connections, machine=shown[0], here=shown[1], verdict=verdict))
    by_nio = [side for side, times in (("simulated", machine), ("measured", here)) if _nio_wins(times, left)]
    if by_nio:
        where = HEADS[by_nio[0]][zh] if len(by_nio) == 1 else HEADS["both"][zh]
        found.append(SAYS["nio"][zh].format(where=where))
    for side, times in (("simulated", machine), ("measured", here)):
        if not all((method, one) in times for method in ("select", "epoll") for one in ran):
            continue
        won = tracks_won(times, "select", "epoll")
        tracks = ("、" if zh else ", ").join(
            SAYS["track"][zh].format(
                connections=one.connections, active=one.active, percent=round((1 - 1 / ratio) * 100)
            )
            for one, ratio in won
        )
        found.append(SAYS["wins" if won else "never"][zh].format(where=HEADS[side][zh], tracks=tracks))
    return found


def _nio_wins(times: Times, left: Left | None) -> bool:
    """Whether it is the fastest on most of the tracks where all speak."""
    tracks = [winners(times, cell(connections, 100), left) for connections in CONNECTIONS]
    known = [found[0] for found in tracks if found]
    return known.count("nio") * 2 > len(known)


def _fit(text: Text, width: int) -> Text:
    if text.cell_len > width:
        text.truncate(width, overflow="ellipsis")
    return text.append(" " * max(0, width - text.cell_len))
