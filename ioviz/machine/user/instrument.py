"""Line hooks: the guest's own source is compiled with a call of `__ioviz_line__(at)` before each statement.

`sys.settrace` and `sys.monitoring` lose events when a task switches inside their hook, so the syntax tree is
instrumented instead. Invariants: the program computes what it computed; docstrings, `from __future__` and the line and
column numbers of tracebacks stay; every loop that can be written passes a hook on every turn, so that a guest can be
preempted anywhere:

- before every statement (a decorated definition: at its first decorator);
- in the condition of `while`, unless it is a constant: `while __ioviz_line__(at) or test` (the hook returns None);
- in every `for` of a comprehension: `for x in y if not __ioviz_line__(at)`;
- in the body of a lambda, which C code may call for ever.

Behind every class stands `__ioviz_class__(cls)`: its objects are to hash by a serial number (see `Serials.mark`), not
by their address, so that sets of them have the same order in every run.

A hook is a name of the guest's builtins, so that neither `globals()` nor `dir()` shows it.
"""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Any, Final

from ioviz.model.event import at_of

if TYPE_CHECKING:
    from types import CodeType

HOOK: Final = "__ioviz_line__"
CLASS_HOOK: Final = "__ioviz_class__"
LAST_LINE: Final = 0xFFFF
"""The largest line number that a source position can hold; lines after it count as this one."""


class _Instrument(ast.NodeTransformer):
    def __init__(self, file: int) -> None:
        self._file = file

    def _call(self, node: Any, line: int) -> ast.Call:
        at = at_of(self._file, min(line, LAST_LINE))
        call = ast.Call(ast.Name(HOOK, ast.Load()), [ast.Constant(at)], [])
        for part in (call, call.func, call.args[0]):
            ast.copy_location(part, node)
            # The hook must not be on another line than it says, where a decorator stands before the node.
            part.lineno, part.end_lineno = line, max(line, part.end_lineno or line)
        return call

    def hooked(self, statements: list[ast.stmt], keep: int = 0) -> list[ast.stmt]:
        """The statements with a hook before each but the first `keep`."""
        result: list[ast.stmt] = []
        for place, statement in enumerate(statements):
            if place >= keep:
                decorators = getattr(statement, "decorator_list", None)
                line = decorators[0].lineno if decorators else statement.lineno
                result.append(ast.copy_location(ast.Expr(self._call(statement, line)), statement))
                result[-1].lineno = line
            result.append(self.visit(statement))
            if isinstance(statement, ast.ClassDef):
                result.append(_class_hook(statement))
        return result

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Statement lists get hooks; whatever else is a child is visited."""
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                if value and isinstance(value[0], ast.stmt):
                    keep = _untouchable(node, value) if name == "body" else 0
                    setattr(node, name, self.hooked(value, keep))
                else:
                    value[:] = [self.visit(child) if isinstance(child, ast.AST) else child for child in value]
            elif isinstance(value, ast.AST):
                setattr(node, name, self.visit(value))
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.test, ast.Constant):
            node.test = self._before(node.test)
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self.generic_visit(node)
        node.body = self._before(node.body)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        self.generic_visit(node)
        call = self._call(node.target, node.target.lineno)
        node.ifs.insert(0, ast.copy_location(ast.UnaryOp(ast.copy_location(ast.Not(), call), call), call))
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        # Before 3.12 the places inside an f-string are not to be trusted, and only a loop inside one would need a hook.
        return node if sys.version_info < (3, 12) else self.generic_visit(node)

    def _before(self, value: ast.expr) -> ast.expr:
        return ast.copy_location(ast.BoolOp(ast.Or(), [self._call(value, value.lineno), value]), value)


def _class_hook(node: ast.ClassDef) -> ast.stmt:
    """`__ioviz_class__(Name)` behind the definition and its decorators."""
    call = ast.Call(ast.Name(CLASS_HOOK, ast.Load()), [ast.Name(node.name, ast.Load())], [])
    statement = ast.Expr(call)
    for part in ast.walk(statement):
        if isinstance(part, ast.expr | ast.stmt):
            ast.copy_location(part, node)
    return statement


def _untouchable(node: ast.AST, body: list[ast.stmt]) -> int:
    """How many statements must stay first in `body`: a docstring, and imports from `__future__`."""
    kept = 0
    if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        first = body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            kept = 1
    if isinstance(node, ast.Module):
        while kept < len(body):
            statement = body[kept]
            if not (isinstance(statement, ast.ImportFrom) and statement.module == "__future__"):
                break
            kept += 1
    return kept


def compile_guest(source: str | bytes, path: str, file: int) -> CodeType:
    """Compile a source file of a guest with hooks for file id `file`. Raises what `compile` raises."""
    tree = compile(source, path, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    tree = _Instrument(file).visit(tree)
    code: CodeType = compile(tree, path, "exec", dont_inherit=True)
    return code
