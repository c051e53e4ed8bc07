"""What shared C code raises, makes or knows is of the classes that the guest's own library has."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.machine.user.both import on_linux, on_the_machine

if TYPE_CHECKING:
    from pathlib import Path

JSON = """
import json
for bad in ("{", "[1,", '{"a" 1}', '"\\x01"', "nul"):
    try:
        json.loads(bad)
    except json.JSONDecodeError as error:
        print(type(error) is json.decoder.JSONDecodeError, error)
"""
NUMBERS = """
import array, collections.abc, decimal, fractions, numbers
print(isinstance(decimal.Decimal(1), numbers.Number), isinstance(array.array("i"), collections.abc.MutableSequence))
print(sorted([decimal.Decimal(2), fractions.Fraction(1, 2), 1.0]))
"""
CODECS = """
import codecs, io, re
print(isinstance(codecs.lookup("utf-8"), codecs.CodecInfo))
print(isinstance(codecs.getincrementaldecoder("utf-8")(), codecs.IncrementalDecoder))
print(isinstance(codecs.getreader("utf-8")(io.BytesIO(b"a")), codecs.StreamReader))
try:
    re.sub("a", r"\\g<", "a")
except re.error as error:
    print(error)
"""
TYPING = """
import typing
from typing import *
T = TypeVar("T")
P = ParamSpec("P")
Ts = TypeVarTuple("Ts")
class Reader(Protocol[T]): pass
class Box(Generic[T]): pass
class Call(Generic[P, T]): pass
class Row(Generic[Unpack[Ts]]): pass
class IntBox(Box[int]): size: int
print(get_origin(Box[int]), get_args(Box[int]), get_origin(Reader[int]), isinstance(Box[int], typing._GenericAlias))
print(get_origin(Box[int] | None), get_args(Call[[int], str]), get_args(Row[int, str]), get_origin(T | int))
print(Box[T][int], Optional[T][int], IntBox.__orig_bases__, get_type_hints(IntBox))
try:
    Box[int, str]
except TypeError as error:
    print(error)
"""
PARAMETERS = """
import typing
class Box[T]:
    def put[S](self, thing: S) -> T: ...
type Rows[T] = list[Box[T]]
base = Box.__orig_bases__[0]
print(typing.get_origin(Box[int]), isinstance(base, typing._GenericAlias), typing.get_origin(base), Rows[int])
"""


@pytest.mark.parametrize("text", [JSON, NUMBERS, CODECS, TYPING])
def test_what_c_code_hands_out(tmp_path: Path, text: str) -> None:
    same(tmp_path, text)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters came with Python 3.12")
def test_type_parameters(tmp_path: Path) -> None:
    same(tmp_path, PARAMETERS)


def test_pickle_is_the_one_in_python_and_there_are_no_time_zones(tmp_path: Path) -> None:
    text = """
import pickle, zoneinfo
try: pickle.dumps(lambda: 0)
except pickle.PicklingError: print("cannot be found again")
try: zoneinfo.ZoneInfo("Europe/Berlin")
except zoneinfo.ZoneInfoNotFoundError as error: print(error)
"""
    ended = on_the_machine(tmp_path, text)
    assert ended.out == "cannot be found again\n'No time zone found with key Europe/Berlin'\n"


def test_the_host_keeps_its_own(tmp_path: Path) -> None:
    import json
    import typing

    on_the_machine(tmp_path, JSON + TYPING)
    with pytest.raises(json.JSONDecodeError):
        json.loads("{")
    assert typing.get_origin(list[int] | typing.TypeVar("T")) is typing.Union
    assert sys.modules["typing"].Protocol is typing.Protocol


def same(folder: Path, text: str) -> None:
    ours, theirs = on_the_machine(folder, text), on_linux(folder, text)
    assert (ours.out, ours.err, ours.status) == (theirs.out, theirs.err, theirs.status)
    assert ours.out
