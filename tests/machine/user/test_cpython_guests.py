"""CPython's own tests of sockets, threads and what stands on them, as guests: they pass as on the real kernel."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys

import pytest

SOCKETS = (
    *(
        "BasicTCPTest",
        "BasicUDPTest",
        "BufferIOTest",
        "CmsgMacroTests",
        "FileObjectClassTestCase",
        "GeneralModuleTests",
    ),
    *("InheritanceTest", "InterruptedRecvTimeoutTest", "InterruptedSendTimeoutTest", "NetworkConnectionAttributesTest"),
    *("NetworkConnectionBehaviourTest", "NonBlockingTCPTests", "NonblockConstantTest", "RecvmsgIntoTCPTest"),
    *("RecvmsgTCPTest", "RecvmsgUDPTest", "SendmsgTCPTest", "SendmsgUDPTest", "TCPCloserTest", "TCPTimeoutTest"),
    *("TestExceptions", "TestUnixDomain", "TestLinuxAbstractNamespace", "UDPTimeoutTest"),
)
SETS: dict[str, tuple[str, ...]] = {
    "sockets": tuple(f"test.test_socket.{name}" for name in SOCKETS),
    "threads": ("test.test_queue", "test.test_threadsignals", "test.test_thread.LockTests", "test.test_sched"),
    "asyncio": ("test.test_asyncio.test_sock_lowlevel", "test.test_asyncio.test_locks", "test.test_timeout"),
}
LEAST = {"sockets": 200, "threads": 50, "asyncio": 100}
ALLOWED = {
    # Our class can be written to, since it is one of Python's; see `_socket.py`.
    "test_socket_type",
}
# Debian ships test.support with Python, and the tests themselves apart.
HAS_TESTS = importlib.util.find_spec("test") is not None and importlib.util.find_spec("test.test_socket") is not None


@pytest.mark.skipif(not HAS_TESTS, reason="Python came without its tests")
@pytest.mark.parametrize("name", SETS)
def test_they_pass(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ioviz", "exec", "--no-lines", "-m", "unittest", *SETS[name]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    failed = set(re.findall(r"^(?:ERROR|FAIL): (\w+)", done.stdout, re.MULTILINE))
    assert failed <= ALLOWED, done.stdout
    ran = re.search(r"^Ran (\d+) tests", done.stdout, re.MULTILINE)
    assert ran, done.stdout
    assert int(ran[1]) >= LEAST[name]
