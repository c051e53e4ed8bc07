"""Whether strace may watch here, and why not: found out before anything is started."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from ioviz.live import procfs
from ioviz.live.source import Refusal


def why_not(pid: int | None = None) -> Refusal | None:
    """Why strace cannot watch here, or not process `pid`; None if it can."""
    if not sys.platform.startswith("linux"):
        return Refusal("strace is for Linux, and this is another system", "use --source probe",
                       "strace 只用于 Linux，这里是别的系统", "请用 --source probe")  # fmt: skip
    if shutil.which("strace") is None:
        return Refusal("there is no strace here", "install it (apt install strace, dnf install strace), or use another "
                       "--source", "这里没有 strace", "请安装（apt install strace），或换一种 --source")  # fmt: skip
    scope = yama()
    if scope == 3:
        return Refusal("this kernel lets nobody trace (kernel.yama.ptrace_scope is 3)", "only a restart changes that",
                       "这个内核禁止一切跟踪（kernel.yama.ptrace_scope 为 3）", "只有重启才能改变")  # fmt: skip
    if scope == 2 and os.geteuid() != 0:
        return Refusal("this kernel lets only root trace (kernel.yama.ptrace_scope is 2)",
                       "run as root, or use --source probe or procfs",
                       "这个内核只允许 root 跟踪（kernel.yama.ptrace_scope 为 2）",
                       "请用 root 运行，或用 --source probe、--source procfs")  # fmt: skip
    if pid is None:
        return None
    refusal = procfs.why_not(pid)
    if refusal is not None:
        return refusal
    tracer = procfs.status_of(pid, "TracerPid")
    if tracer not in ("", "0"):
        return Refusal(f"process {pid} is traced already, by process {tracer}", "end that first (a debugger, strace)",
                       f"进程 {pid} 已被进程 {tracer} 跟踪", "请先结束那个跟踪（调试器或 strace）")  # fmt: skip
    if os.geteuid() != 0 and scope:
        return Refusal("this kernel lets you trace only what you start (kernel.yama.ptrace_scope is "
                       f"{scope})", "run as root, start it with `ioviz trace -- …`, or use --source procfs",
                       f"这个内核只允许跟踪自己启动的程序（kernel.yama.ptrace_scope 为 {scope}）",
                       "请用 root 运行，或用 `ioviz trace -- …` 启动它，或用 --source procfs")  # fmt: skip
    return None


def yama() -> int:
    """What kernel.yama.ptrace_scope says; 0 where there is none."""
    try:
        return int(Path("/proc/sys/kernel/yama/ptrace_scope").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
