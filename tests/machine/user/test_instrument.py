"""Line hooks: every statement has one, every loop passes one, and the program is the same as before."""

from __future__ import annotations

import ast
import asyncio
import builtins
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioviz.machine.user.instrument import CLASS_HOOK, HOOK, LAST_LINE, compile_guest
from ioviz.model.event import at_of
from tests.machine.user.fake import run

LIBRARY = Path(ast.__file__).parent


def execute(source: str, limit: int = 10_000) -> tuple[dict[str, Any], list[int]]:
    """Run instrumented `source`; its globals and the lines that were reached."""
    lines: list[int] = []

    def hook(at: int) -> None:
        assert at >> 16 == 7
        lines.append(at & 0xFFFF)
        if len(lines) > limit:
            raise TimeoutError

    namespace: dict[str, Any] = {"__builtins__": {**vars(builtins), HOOK: hook, CLASS_HOOK: id}, "__name__": "guest"}
    exec(compile_guest(source, "guest.py", 7), namespace)
    return namespace, lines


def test_lines_in_their_order() -> None:
    source = """\
        '''doc'''
        from __future__ import annotations
        x = 0
        while x < 2:
            x += 1
        for y in range(2): z = y
        if x: x = 5
        else:
            x = 6
        try:
            1 / 0
        except ZeroDivisionError:
            x = 7
        finally:
            x = 8
        match x:
            case 8:
                x = 9
    """
    namespace, lines = execute(textwrap.dedent(source))
    assert lines == [3, 4, 4, 5, 4, 5, 4, 6, 6, 6, 7, 7, 10, 11, 13, 15, 16, 18]
    assert (namespace["__doc__"], namespace["x"]) == ("doc", 9)


def test_docstrings_and_annotations_stay() -> None:
    namespace, _ = execute(
        '"module"\nfrom __future__ import annotations\n'
        'def f(x: undefined) -> undefined:\n    "function"\n    return x\n'
        'class C:\n    "class"\n    a: int = 1\n    async def g(self):\n        "method"\n        return 1\n'
    )
    kinds = namespace["f"].__doc__, namespace["C"].__doc__, namespace["C"].g.__doc__, namespace["__doc__"]
    assert kinds == ("function", "class", "method", "module")
    assert namespace["f"].__annotations__ == {"x": "undefined", "return": "undefined"}


@pytest.mark.parametrize(
    "source",
    [
        "while True: pass",
        "while not 0:\n    continue",
        "x = 1\nwhile x: pass",
        "import itertools\n[y for y in itertools.count()]",
        "import itertools\n{y for y in itertools.count() if 0}",
        "import itertools\nsum(1 for y in itertools.count() if y < 0)",
        "import itertools\n{y: 1 for x in itertools.count() for y in ()}",
        "list(iter(lambda: 0, 1))",
        "def f():\n    while True:\n        try: x = 1\n        except ValueError: pass\nf()",
        "import itertools\nfor _ in itertools.count(): pass",
        "class A:\n    while True: x = 1",
        "def g():\n    while (yield): pass\nfor _ in iter(lambda: 1, 2): ...",
    ],
)
def test_no_endless_loop_escapes(source: str) -> None:
    with pytest.raises(TimeoutError):
        execute(source)


def test_async_code() -> None:
    source = """\
        import asyncio
        async def numbers():
            for i in range(3):
                yield i
                await asyncio.sleep(0)
        async def main():
            async with asyncio.Lock():
                got = [i async for i in numbers() if i]
            async for i in numbers():
                got.append(await asyncio.sleep(0, i))
            return got, (lambda: got[0])()
    """
    namespace, lines = execute(textwrap.dedent(source))
    assert asyncio.run(namespace["main"]()) == ([1, 2, 0, 1, 2], 1)
    assert {3, 4, 5, 7, 8, 9, 10, 11} <= set(lines)


def test_values_are_kept() -> None:
    namespace, _ = execute(
        "a = (lambda x: x)(0)\nb = [x for x in range(5) if x % 2 if x > 1]\nc = {x: y for x in 'ab' for y in 'c'}\n"
        "d = f'{[z for z in range(2)]!r:>10}'\ne = (lambda: (yield 5))\nf = next(e())\n"
        "class C:\n    __x = 1\n    def get(self): return self.__x\ng = C().get()\n"
        "@property\ndef h(self): return 1\n"
        "i = 3\nwhile i > 1: i -= 1\nelse: i = 'else'\n"
    )
    values = [namespace[name] for name in "abcdfgi"]
    assert values == [0, [3], {"a": "c", "b": "c"}, "    [0, 1]", 5, 1, "else"]


def test_the_hook_is_at_the_first_decorator() -> None:
    _, lines = execute("def d(f):\n    return f\n\n@d\n@d\ndef g():\n    pass\n")
    assert lines == [1, 4, 2, 2]


def test_lines_beyond_what_a_position_holds() -> None:
    _, lines = execute("x = 1\n" + "\n" * 70_000 + "y = 2\n")
    assert lines == [1, LAST_LINE]
    assert at_of(7, LAST_LINE) >> 16 == 7


@pytest.mark.parametrize("name", ["heapq.py", "textwrap.py", "dataclasses.py", "contextlib.py", "asyncio/streams.py"])
def test_every_statement_of_the_library_has_a_hook(name: str) -> None:
    source = (LIBRARY / name).read_text(encoding="utf-8")
    hooks: set[int] = set()
    pending = [compile_guest(source, name, 1)]
    for code in pending:
        names = code.co_names
        assert HOOK in names or not any(isinstance(each, type(code)) for each in code.co_consts)
        for each in code.co_consts:
            if isinstance(each, int) and each >> 16 == 1:
                hooks.add(each & 0xFFFF)
            elif isinstance(each, type(code)):
                pending.append(each)
    tree = ast.parse(source)
    wanted = {
        (node.decorator_list[0] if getattr(node, "decorator_list", None) else node).lineno  # type: ignore[attr-defined]
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        and not (isinstance(node, ast.ImportFrom) and node.module == "__future__")
    }
    # The compiler throws away what can't be reached.
    assert len(wanted - hooks) <= 2


@given(st.lists(st.sampled_from("abc"), max_size=6), st.integers(0, 5))
def test_generated_programs_compute_the_same(parts: list[str], n: int) -> None:
    pieces = {
        "a": "t += sum(x * x for x in range(N) if x % 2)",
        "b": "for i in range(N):\n    if i == 3: break\n    t += i\nelse:\n    t -= 1",
        "c": "k = N\nwhile k > 0 and t < 10**6:\n    k -= 1\n    t += (lambda q: q + k)(t)",
    }
    source = f"N = {n}\nt = 0\n" + "\n".join(pieces[part] for part in parts)
    plain: dict[str, Any] = {}
    exec(source, plain)
    assert execute(source)[0]["t"] == plain["t"]


def test_sets_of_objects_have_the_same_order_in_every_run(tmp_path: Path) -> None:
    text = """
import dataclasses, enum, typing
class Plain: pass
class Sub(Plain): pass
class Meta(type): pass
class WithMeta(metaclass=Meta): pass
class Slots: __slots__ = ("n", "__weakref__")
@dataclasses.dataclass(eq=False)
class Data: n: int = 0
def made():
    class Local: pass
    return Local
for kind in (Plain, Sub, WithMeta, Slots, Data, made()):
    objects = [kind() for _ in range(40)]
    for n, each in enumerate(objects): each.n = n
    kept = [hash(each) for each in objects]
    print(kept == list(range(kept[0], kept[0] + 40)), end=" ")
@dataclasses.dataclass(frozen=True)
class Frozen: n: int
@dataclasses.dataclass
class Mutable: n: int
class Equal:
    def __eq__(self, other): return True
class Color(enum.Enum): RED = 1
@typing.runtime_checkable
class Closes(typing.Protocol):
    def close(self): ...
print({Frozen(1), Frozen(1)} == {Frozen(1)}, Mutable.__hash__, Equal.__hash__, len({Color.RED, Color(1)}))
class Unhashable(list):
    def close(self): pass
print(isinstance(Unhashable(), Closes))
"""
    ran = run(tmp_path, text)
    assert ran.err == ""
    assert ran.out == "True True True True True True True None None 1\nTrue\n"


def test_the_hook_does_not_show(tmp_path: Path) -> None:
    ran = run(tmp_path, "import builtins\nprint([n for n in [*dir(), *globals(), *dir(builtins)] if 'ioviz' in n])\n")
    assert ran.out == "[]\n"
    assert set(ran.lines) == {1, 2}
