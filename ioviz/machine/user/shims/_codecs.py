"""_codecs: the host's, with the guest's own registry on top: what a guest registers stays in the guest."""

from __future__ import annotations

import _codecs
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ioviz.machine.user.cmodules import copy_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ioviz.machine.user.guest import Guest


class _Registry:
    """Search functions and error handlers of one guest. The encodings that Python brings are found in the host's
    registry, where the methods of `str` and `bytes` look for theirs too."""

    def __init__(self) -> None:
        self._searches: list[Callable[[str], Any]] = []
        self._found: dict[str, Any] = {}

    def register(self, search: Any, /) -> None:
        if not callable(search):
            raise TypeError("argument must be callable")
        if getattr(search, "__module__", None) != "encodings":
            self._searches.append(search)

    def unregister(self, search: Any, /) -> None:
        if search in self._searches:
            self._searches.remove(search)
            self._found.clear()

    def lookup(self, encoding: str, /) -> Any:
        try:
            return _codecs.lookup(encoding)
        except LookupError:
            name = encoding.lower().replace(" ", "-")
            if name in self._found:
                return self._found[name]
            for search in self._searches:
                found = search(name)
                if found is not None:
                    self._found[name] = found
                    return found
            raise

    def encode(self, obj: Any, encoding: str = "utf-8", errors: str = "strict") -> Any:
        if self._searches and not self._host_knows(encoding):
            return self.lookup(encoding).encode(obj, errors)[0]
        return _codecs.encode(obj, encoding, errors)

    def decode(self, obj: Any, encoding: str = "utf-8", errors: str = "strict") -> Any:
        if self._searches and not self._host_knows(encoding):
            return self.lookup(encoding).decode(obj, errors)[0]
        return _codecs.decode(obj, encoding, errors)

    def _host_knows(self, encoding: str) -> bool:
        try:
            return _codecs.lookup(encoding) is not None
        except LookupError:
            return False


class _Function:
    """A function of the module, which `pickle` finds by its name, as it does the one in C."""

    __module__ = "_codecs"

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.__name__ = self.__qualname__ = name
        self.__doc__ = function.__doc__
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)

    def __reduce__(self) -> str:
        return self.__name__


def build(guest: Guest) -> ModuleType:
    module = copy_of(_codecs)
    registry = _Registry()
    for name in ("register", "unregister", "lookup", "encode", "decode"):
        module.__dict__[name] = _Function(name, getattr(registry, name))
    return module
