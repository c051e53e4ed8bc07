"""On which line of a TOML text a value stands: `tomllib` tells only what the values are.

A path is a tuple of keys and indices, as in `("chapters", 2, "at", "nth")`. The text must be valid TOML, which whoever
asks has found out before; what this reading does not follow is answered with the nearest line above.
"""

from __future__ import annotations

Path = tuple[str | int, ...]


def line_of(text: str, path: Path) -> int:
    """The line (from 1) where the value at `path` begins, or the innermost table around it that is there."""
    lines = _Reader(text).read()
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


class _Reader:
    """Walks the text once and notes where each path begins."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.tables: dict[Path, int] = {}
        """How many tables an array of tables has so far."""

    def read(self) -> dict[Path, int]:
        """Path → line."""
        table: Path = ()
        while self._skip_blank():
            if self.text.startswith("[[", self.at):
                self.at += 2
                array = self._array(self._keys())
                count = self.tables[array] = self.tables.get(array, 0) + 1
                table = (*array, count - 1)
                self._note(array)
                self._note(table)
                self._to_line_end()
            elif self.text[self.at] == "[":
                self.at += 1
                table = self._in_arrays(self._keys())
                self._note(table)
                self._to_line_end()
            else:
                before = self.at
                self._pair(table)
                if self.at == before:  # nothing that can be read: do not stand still
                    self.at += 1
        return self.lines

    def _array(self, keys: Path) -> Path:
        return (*self._in_arrays(keys[:-1]), *keys[-1:])

    def _in_arrays(self, keys: Path) -> Path:
        """`keys`, each array of tables on the way entered at its last table."""
        found: Path = ()
        for key in keys:
            found = (*found, key)
            if found in self.tables:
                found = (*found, self.tables[found] - 1)
        return found

    def _pair(self, table: Path) -> None:
        start = self.at
        keys = self._keys()
        for length in range(1, len(keys) + 1):
            self._note((*table, *keys[:length]), start)
        if self._skip_blank(lines=False) and self.text[self.at] == "=":
            self.at += 1
            self._skip_blank(lines=False)
            self._value((*table, *keys))

    def _keys(self) -> Path:
        keys: list[str] = []
        while self._skip_blank(lines=False):
            if self.text[self.at] in "\"'":
                keys.append(self._string())
            else:
                start = self.at
                while self.at < len(self.text) and (self.text[self.at].isalnum() or self.text[self.at] in "-_"):
                    self.at += 1
                keys.append(self.text[start : self.at])
            self._skip_blank(lines=False)
            if self.at >= len(self.text) or self.text[self.at] != ".":
                break
            self.at += 1
        return tuple(keys)

    def _value(self, path: Path) -> None:
        text = self.text
        if self.at >= len(text):
            return
        if text[self.at] in "\"'":
            self._string()
        elif text[self.at] in "[{":
            close = "]" if text[self.at] == "[" else "}"
            self.at += 1
            number = 0
            while self._skip_blank() and text[self.at] != close:
                before = self.at
                if close == "]":
                    self._note((*path, number))
                    self._value((*path, number))
                    number += 1
                else:
                    self._pair(path)
                if self._skip_blank() and (text[self.at] == "," or self.at == before):
                    self.at += 1
            self.at += 1
        else:
            while self.at < len(text) and text[self.at] not in ",]}\n#":
                self.at += 1

    def _string(self) -> str:
        quote = self.text[self.at]
        fence = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        start = self.at = self.at + len(fence)
        while self.at < len(self.text) and not self.text.startswith(fence, self.at):
            self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
        end = self.at
        self.at += len(fence)
        while len(fence) == 3 and self.text.startswith(quote, self.at):  # up to two quotes may stand before the fence
            self.at += 1
        return self.text[start:end]

    def _skip_blank(self, *, lines: bool = True) -> bool:
        """Over spaces (and, with `lines`, line ends and comments). False at the end of the text."""
        while self.at < len(self.text):
            character = self.text[self.at]
            if lines and character == "#":
                self._to_line_end()
            elif character in " \t\r" or (lines and character == "\n"):
                self.at += 1
            else:
                return True
        return False

    def _to_line_end(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def _note(self, path: Path, at: int | None = None) -> None:
        self.lines.setdefault(path, self.text.count("\n", 0, self.at if at is None else at) + 1)
