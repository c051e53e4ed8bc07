"""Tests of CPython that need not pass on the machine, and why: a pattern of their names, and the reason."""

from __future__ import annotations

from typing import Final

FORK: Final = "fork is refused"
TLS: Final = "TLS is refused"
ENDS: Final = "guests end together with the run: no interpreter is torn down"

EXCUSED: Final[tuple[tuple[str, str], ...]] = (
    (r"fork", FORK),
    (r"Fork", FORK),
    (r"test_reinit_tls|test_clear_threads_states", FORK),
    (r"[Ss][Ss][Ll]|[Tt]ls|TLS|HTTPS", TLS),
    (r"VSOCK", "there are no sockets to virtual machines"),
    (r"test_sethostname", "the name of the host stays"),
    (r"test_tasks\..*C(Task|Future|CurrentLoop|Introspection)", "asyncio written in Python is used, not the one in C"),
    (r"SubinterpThreadingTests", "guests share one interpreter: there are no others"),
    (r"test_queue\.C", "the queue written in Python is used: the one in C knows the threads of the system"),
    (r"SetAsyncExc|test_frame_tstate_tracing", "needs ctypes or _testcapi"),
    (r"test_locals_at_exit|test_main_thread_during_shutdown|test_finalize_running_thread", ENDS),
    (r"test_print_exception_stderr_is_none_1", ENDS),
    (r"test_join_nondaemon_on_shutdown", "prints a function of the shim, which is no builtin"),
)
