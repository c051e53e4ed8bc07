"""Sets and gets every option that programs set, with many values, on every kind of socket; prints what came of it.

`python tests/guests/socket_options.py` prints what this computer does, `ioviz exec` the same file what the machine does.
"""

import errno
import socket

VALUES = (0, 1, 2, -1, 5, 100, 1000, 70000, 1 << 20)
OPTIONS = {
    1: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19, 25, 30, 32, 33, 35, 36, 38, 39, 40, 45, 46, 49),
    6: (1, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 18, 23, 25),
    17: (10, 11, 101, 102),
    136: (10, 11),
    0: (1, 2, 6, 7, 8, 10, 11, 12, 13, 14, 15, 19, 20, 21, 24, 33, 34, 35, 36, 49),
    41: (16, 19, 20, 21, 23, 25, 26, 29, 49, 51, 53, 56, 58, 60, 62, 66, 67, 70, 73, 74),
}
KINDS = (
    ("tcp", socket.AF_INET, socket.SOCK_STREAM, 0),
    ("tcp6", socket.AF_INET6, socket.SOCK_STREAM, 0),
    ("udp", socket.AF_INET, socket.SOCK_DGRAM, 0),
    ("udp6", socket.AF_INET6, socket.SOCK_DGRAM, 0),
    ("udplite", socket.AF_INET, socket.SOCK_DGRAM, 136),
    ("unix", socket.AF_UNIX, socket.SOCK_STREAM, 0),
    ("unix packets", socket.AF_UNIX, socket.SOCK_SEQPACKET, 0),
)


def named(call, *args):
    try:
        return call(*args)
    except OSError as error:
        return errno.errorcode[error.errno]


for label, family, kind, protocol in KINDS:
    with socket.socket(family, kind, protocol) as sock:
        for level, numbers in OPTIONS.items():
            for number in numbers:
                size = named(sock.getsockopt, level, number, 256)
                first = named(sock.getsockopt, level, number)
                print(label, level, number, first, size if type(size) is str else len(size))
                for value in (*VALUES, b"\1", b""):
                    result = named(sock.setsockopt, level, number, value)
                    print(label, level, number, value, result, named(sock.getsockopt, level, number))
