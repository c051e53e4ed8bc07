"""As much of libbpf as we need, through ctypes: load an object, attach its programs, read and write its maps.

The object lives as long as the process: the kernel takes the programs away when their descriptors are closed, which the
kernel itself does at the end, so a killed ioviz leaves nothing behind. Errors are `BpfError`s with libbpf's own words.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import c_char_p, c_int, c_size_t, c_uint64, c_void_p
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY: Final = "libbpf.so.1"
PRINT = ctypes.CFUNCTYPE(c_int, c_int, c_char_p, c_void_p)


class BpfError(OSError):
    """The kernel or libbpf refused."""


def library() -> Any:
    """libbpf, with the types of what we call. Raises OSError if it is not there."""
    found = ctypes.CDLL(LIBRARY, use_errno=True)
    pointer, text = c_void_p, c_char_p
    for name, result, arguments in (
        ("bpf_object__open_file", pointer, (text, pointer)),
        ("bpf_object__load", c_int, (pointer,)),
        ("bpf_object__close", None, (pointer,)),
        ("bpf_object__find_program_by_name", pointer, (pointer, text)),
        ("bpf_object__find_map_by_name", pointer, (pointer, text)),
        ("bpf_program__attach", pointer, (pointer,)),
        ("bpf_program__attach_iter", pointer, (pointer, pointer)),
        ("bpf_link__fd", c_int, (pointer,)),
        ("bpf_link__destroy", c_int, (pointer,)),
        ("bpf_iter_create", c_int, (c_int,)),
        ("bpf_map__fd", c_int, (pointer,)),
        ("bpf_map_update_elem", c_int, (c_int, pointer, pointer, c_uint64)),
        ("bpf_map_delete_elem", c_int, (c_int, pointer)),
        ("bpf_map_lookup_elem", c_int, (c_int, pointer, pointer)),
        ("libbpf_set_print", pointer, (pointer,)),
        ("libbpf_strerror", c_int, (c_int, text, c_size_t)),
    ):
        function = getattr(found, name)
        function.restype, function.argtypes = result, arguments
    found.libbpf_set_print(None)
    return found


class Object:
    """A loaded object file. Raises BpfError where the kernel does not take it, and OSError without libbpf."""

    def __init__(self, path: Path) -> None:
        self._library = library()
        self._links: list[int] = []
        self._object = self._library.bpf_object__open_file(os.fsencode(path), None)
        if not self._object:
            raise BpfError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))
        try:
            self._check(self._library.bpf_object__load(self._object), "load")
        except BpfError:
            self.close()
            raise

    def attach(self, *programs: str) -> None:
        """Let these programs run from now on."""
        for name in programs:
            link = self._library.bpf_program__attach(self._program(name))
            if not link:
                raise BpfError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)
            self._links.append(link)

    def iterator(self, program: str) -> int:
        """Attach an iterator; gives its link, to be handed to `iterate` again and again."""
        link = self._library.bpf_program__attach_iter(self._program(program), None)
        if not link:
            raise BpfError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), program)
        self._links.append(link)
        return int(self._library.bpf_link__fd(link))

    def iterate(self, link: int) -> bytes:
        """Run an iterator once; gives all that it wrote."""
        fd = self._library.bpf_iter_create(link)
        self._check(fd, "iterate")
        parts = []
        try:
            while part := os.read(fd, 1 << 16):
                parts.append(part)
        finally:
            os.close(fd)
        return b"".join(parts)

    def map(self, name: str) -> int:
        """The descriptor of a map."""
        found = self._library.bpf_object__find_map_by_name(self._object, name.encode())
        if not found:
            raise BpfError(2, "no such map", name)
        return int(self._library.bpf_map__fd(found))

    def put(self, fd: int, key: bytes, value: bytes) -> None:
        """Set an entry of a map."""
        self._check(self._library.bpf_map_update_elem(fd, key, value, 0), "map update")

    def drop(self, fd: int, key: bytes) -> None:
        """Remove an entry of a map; one that is not there does no harm."""
        self._library.bpf_map_delete_elem(fd, key)

    def get(self, fd: int, key: bytes, size: int) -> bytes:
        """An entry of a map, `size` bytes; empty if it is not there."""
        value = ctypes.create_string_buffer(size)
        return value.raw if self._library.bpf_map_lookup_elem(fd, key, value) == 0 else b""

    def close(self) -> None:
        """Take everything out of the kernel. Twice does no harm."""
        while self._links:
            self._library.bpf_link__destroy(self._links.pop())
        if self._object:
            self._library.bpf_object__close(self._object)
            self._object = None

    def _program(self, name: str) -> int:
        found = self._library.bpf_object__find_program_by_name(self._object, name.encode())
        if not found:
            raise BpfError(2, "no such program", name)
        return int(found)

    def _check(self, result: int, what: str) -> None:
        if result < 0:
            raise BpfError(-result, os.strerror(-result), what)
