"""Buffered files ask the kernel for the same, as often and as much, as those of CPython that are written in C."""

from __future__ import annotations

import random
from pathlib import Path

from tests.machine.user.both import on_linux, on_the_machine

RAW = """
import io, os, random, socket, sys
class Raw(io.RawIOBase):
    # Hands out `pieces`, None where it would block, and notes how much it was asked for or given.
    def __init__(self, pieces):
        self.pieces, self.log = list(pieces), []
    def readable(self): return True
    def writable(self): return True
    def readinto(self, room):
        self.log.append(len(room))
        piece = self.pieces.pop(0) if self.pieces else b""
        if piece is None: return None
        n = min(len(room), len(piece))
        room[:n] = piece[:n]
        if piece[n:]: self.pieces.insert(0, piece[n:])
        return n
    def write(self, data):
        self.log.append(len(data))
        return len(data)
"""
ANY_CALLS = """
random.seed(SEED)
for case in range(300):
    sizes = [random.choice([1, 3, 10, 40]) for _ in range(random.randrange(8))]
    raw = Raw(None if random.random() < .1 else bytes(random.choices(b"ab\\n", k=size)) for size in sizes)
    file, got = io.BufferedReader(raw, random.choice([1, 4, 8, 10, 16])), []
    for _ in range(12):
        name = random.choice(["read", "read1", "peek", "readline", "readline", "readinto", "readinto1", "all", "next"])
        n = random.choice([0, 1, 2, 5, 17, 40])
        if name == "all":
            if random.random() < .2: got.append(file.read())
        elif name == "next": got.append(next(file, "end"))
        elif name.startswith("readinto"):
            room = bytearray(n)
            got.append((getattr(file, name)(room), bytes(room)))
        else: got.append(getattr(file, name)(n))
    print(got, raw.log)
for case in range(200):
    raw = Raw(())
    file = io.BufferedWriter(raw, random.choice([4, 8, 10]))
    for _ in range(10):
        file.write(b"x" * random.choice([0, 1, 2, 3, 5, 8, 9, 17]))
        if random.random() < .1: file.flush()
    file.flush()
    print(raw.log)
"""
NO_ROOM = """
r, w = os.pipe()
os.set_blocking(w, False)
os.set_blocking(r, False)
out, into, count = os.fdopen(w, "wb", 4096), os.fdopen(r, "rb"), 0
try:
    while True: out.write(b"y" * 3000)
except BlockingIOError as error:
    print(error, error.characters_written)
while data := into.read(5000): count += len(data)
print(count, data, into.peek(), into.readline(), into.read(3))
out.flush()
print(len(into.read()))
out.close()
print(into.read(), into.readline())
into.close()
a, b = socket.socketpair()
binary, text = a.makefile("rwb"), b.makefile("rw")
text.write("hello\\nworld\\n")
text.flush()
print(binary.readline(), binary.readline())
binary.write(b"x\\n")
binary.flush()
print(text.readline())
print(text._CHUNK_SIZE)
text.close(), b.close()
print(binary.readline(), binary.read())
for wrong in (lambda: binary.write("s"), lambda: io.BufferedReader(io.BytesIO()).read(-5), into.readline, into.read,
              lambda: out.write(b"")):
    try: print(wrong())
    except (TypeError, ValueError) as error: print(type(error).__name__, error)
"""


def test_any_calls(tmp_path: Path) -> None:
    same(tmp_path, RAW + ANY_CALLS.replace("SEED", str(random.randrange(1 << 32))))


def test_no_room_and_nothing_there(tmp_path: Path) -> None:
    same(tmp_path, "import io, os, socket\n" + NO_ROOM)


def same(folder: Path, text: str) -> None:
    ours, theirs = on_the_machine(folder, text), on_linux(folder, text)
    assert theirs.status == 0, theirs.err
    assert (ours.out, ours.err, ours.status) == (theirs.out, theirs.err, theirs.status)
