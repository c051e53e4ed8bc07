"""Which tables an event may write, read off the names in its `apply`: what it never names, it can't change.

A cursor that goes elsewhere copies only the tables that the events on its way may write, and a keyframe looks only at
those. The answer errs on the side of too much: reading a table counts, and so does every function that `apply` calls.
An `apply` that reaches tables by computed names is taken to write them all.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Final

from ioviz.model.world import TABLES

if TYPE_CHECKING:
    from ioviz.model.event import Event

ALL: Final = frozenset(TABLES)
_COMPUTED: Final = frozenset({"table", "copy", "getattr", "setattr", "delattr", "vars", "__dict__", "TABLES"})


@cache
def tables_of(kinds: frozenset[type[Event]]) -> frozenset[str]:
    """The tables that events of `kinds` may write."""
    return frozenset().union(*map(_of_kind, kinds))


@cache
def _of_kind(kind: type[Event]) -> frozenset[str]:
    names: set[str] = set()
    _collect([vars(base)["apply"] for base in kind.__mro__ if "apply" in vars(base)][:1], kind, names, set())
    return ALL if names & _COMPUTED else ALL & names


def _collect(functions: Iterable[FunctionType], kind: type[Event], names: set[str], seen: set[FunctionType]) -> None:
    """Gather the names in `functions`, in what they contain and in what they call."""
    for function in functions:
        if function in seen:
            continue
        seen.add(function)
        found = _names(function.__code__)
        names |= found
        known = [function.__globals__.get(name) or getattr(kind, name, None) for name in found]
        modules = [each for each in known if isinstance(each, ModuleType)]
        called = known + [getattr(module, name, None) for module in modules for name in found]
        _collect([each for each in called if isinstance(each, FunctionType)], kind, names, seen)


def _names(code: CodeType) -> set[str]:
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _names(constant)
        elif isinstance(constant, str):
            found.add(constant)
    return found
