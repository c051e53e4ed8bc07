"""sh: a very small shell, run as a guest when a program starts `/bin/sh`.

It knows `;`, `&&`, `||`, `|`, `&`, newlines, quotes, `$name`, `$?`, `$$`, `>`, `>>`, `<`, `2>&1`, and the words for,
in, do, done, while, until, if, then, elif, else, fi. Its commands are functions of this file; Python and `sh` itself
are started as processes of their own. Whatever else is named does not exist here, and the message says so (127).
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence

TOKEN = re.compile(
    r"""\s*(?:(?P<comment>\#[^\n]*)|(?P<redirect>\d?(?:>>|>&|<&|>|<))|(?P<op>\n|;;|;|&&|&|\|\||\|)
    |(?P<word>(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s;&|<>'"\\])+))""".replace("\\s*(?", "[ \\t]*(?", 1),
    re.VERBOSE | re.DOTALL,
)
PART = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^'"\\]+""", re.DOTALL)
NAME = re.compile(r"\$(?:\{(\w+|[?$#@*])\}|(\w+|[?$#@*]))")
CLOSERS = {"then", "do", "done", "elif", "else", "fi"}
LACKING = 127
Token = tuple[str, str, int]


class Leave(Exception):
    """`exit`."""


class Shell:
    """One run of a script. `status` is `$?`."""

    def __init__(self, text: str, name: str, args: Sequence[str]) -> None:
        self.text = text
        self.name = name
        self.args = list(args)
        self.status = 0
        self.tokens = list(tokens(text))
        self.place = 0
        self.variables: dict[str, str] = dict(os.environ)

    # -- the grammar; each method runs what it reads, or only reads it

    def at(self, *words: str) -> bool:
        return self.place < len(self.tokens) and self.tokens[self.place][1] in words

    def take(self, word: str) -> None:
        if not self.at(word):
            found = self.tokens[self.place][1] if self.place < len(self.tokens) else "end of file"
            raise SyntaxError(f"{found!r} unexpected (expecting {word!r})")
        self.place += 1

    def lines(self, run: bool) -> None:
        """Commands up to a word that closes what is open, or to the end."""
        while True:
            while self.at("\n", ";"):
                self.place += 1
            if self.place >= len(self.tokens) or self.at(*CLOSERS):
                return
            self.chain(run)

    def chain(self, run: bool) -> None:
        start = self.place
        self.place, after = start, self.skip_chain()
        if self.at_end_of(after, "&"):
            if run:
                self.background(start, after)
            self.place = after + 1
            return
        self.place = start
        self.pipeline(run)
        while self.at("&&", "||"):
            wanted = self.at("&&")
            self.place += 1
            while self.at("\n"):
                self.place += 1
            self.pipeline(run and (self.status == 0) == wanted)

    def skip_chain(self) -> int:
        self.pipeline(False)
        while self.at("&&", "||"):
            self.place += 1
            self.pipeline(False)
        return self.place

    def at_end_of(self, place: int, word: str) -> bool:
        return place < len(self.tokens) and self.tokens[place][1] == word

    def source(self, start: int, end: int) -> str:
        last = self.tokens[end - 1]
        return self.text[self.tokens[start][2] : last[2] + len(last[1])]

    def background(self, start: int, end: int) -> None:
        self.child(self.source(start, end), 0, 1)
        self.status = 0

    def child(self, text: str, stdin: int, stdout: int) -> int:
        actions = [(os.POSIX_SPAWN_DUP2, stdin, 0)] if stdin != 0 else []
        actions += [(os.POSIX_SPAWN_DUP2, stdout, 1)] if stdout != 1 else []
        return os.posix_spawn("/bin/sh", ["sh", "-c", text], self.variables, file_actions=actions)

    def pipeline(self, run: bool) -> None:
        start = self.place
        self.command(False)
        if not self.at("|"):
            if run:
                self.place = start
                self.command(True)
            return
        stages = [(start, self.place)]
        while self.at("|"):
            self.place += 1
            begin = self.place
            self.command(False)
            stages.append((begin, self.place))
        if run:
            self.run_pipeline(stages)

    def run_pipeline(self, stages: list[tuple[int, int]]) -> None:
        source, pids = 0, []
        for number, (start, end) in enumerate(stages):
            last = number == len(stages) - 1
            reader, writer = (0, 1) if last else os.pipe()
            pids.append(self.child(self.source(start, end), source, writer))
            for fd in (source, 0 if last else writer):
                if fd:
                    os.close(fd)
            source = reader
        for pid in pids:
            self.status = exit_status(os.waitpid(pid, 0)[1])

    def command(self, run: bool) -> None:
        if self.at("for"):
            self.for_(run)
        elif self.at("while", "until"):
            self.while_(run)
        elif self.at("if"):
            self.if_(run)
        else:
            self.simple(run)

    def for_(self, run: bool) -> None:
        self.place += 1
        name = self.tokens[self.place][1]
        self.place += 1
        values: list[str] = list(self.args)
        if self.at("in"):
            self.place += 1
            values = []
            while not self.at("\n", ";"):
                values += self.expand(self.tokens[self.place][1])
                self.place += 1
        while self.at("\n", ";"):
            self.place += 1
        self.take("do")
        body = self.place
        for value in values if run else ():
            self.place = body
            self.variables[name] = value
            self.lines(True)
        self.place = body
        self.lines(False)
        self.take("done")

    def while_(self, run: bool) -> None:
        until = self.at("until")
        self.place += 1
        head = self.place
        while run:
            self.place = head
            self.lines(True)
            self.take("do")
            if (self.status == 0) is until:
                break
            self.lines(True)
        self.place = head
        self.lines(False)
        self.take("do")
        self.lines(False)
        self.take("done")

    def if_(self, run: bool) -> None:
        done = not run
        while self.at("if", "elif"):
            self.place += 1
            self.lines(not done)
            self.take("then")
            chosen = not done and self.status == 0
            self.lines(chosen)
            done = done or chosen
        if self.at("else"):
            self.place += 1
            self.lines(not done)
        self.take("fi")

    def simple(self, run: bool) -> None:
        words: list[str] = []
        redirects: list[tuple[str, str]] = []
        while self.place < len(self.tokens) and self.tokens[self.place][0] != "op":
            kind, text, _ = self.tokens[self.place]
            self.place += 1
            if kind == "redirect":
                redirects.append((text, self.tokens[self.place][1]))
                self.place += 1
            elif run:
                words += self.expand(text)
            else:
                words.append(text)
        if not words and not redirects:
            raise SyntaxError("a command is missing")
        if run:
            self.run(words, redirects)

    # -- words

    def expand(self, word: str) -> list[str]:
        """The fields that a word stands for."""
        pieces, split = [""], False
        for part in PART.findall(word):
            if part[0] == "'":
                pieces[-1] += part[1:-1]
            elif part[0] == '"':
                pieces[-1] += NAME.sub(self.value, re.sub(r'\\(["\\$`])', r"\1", part[1:-1]))
            elif part[0] == "\\":
                pieces[-1] += part[1:]
            else:
                value = NAME.sub(self.value, part)
                fields = value.split() if value != part else [value]
                split = split or value != part
                pieces[-1] += fields[0] if fields else ""
                pieces += fields[1:]
        return [] if pieces == [""] and split else pieces

    def value(self, match: re.Match[str]) -> str:
        name = match[1] or match[2]
        special = {"?": str(self.status), "$": str(os.getpid()), "#": str(len(self.args)), "0": self.name}
        if name in special:
            return special[name]
        if name in "@*":
            return " ".join(self.args)
        if name.isdigit():
            return self.args[int(name) - 1] if int(name) <= len(self.args) else ""
        return self.variables.get(name, "")

    # -- running

    def run(self, words: list[str], redirects: list[tuple[str, str]]) -> None:
        saved: list[tuple[int, int]] = []
        self.status = 2
        try:
            for operator, target in redirects:
                self.redirect(operator, self.expand(target)[0], saved)
            self.status = 1
            self.status = self.execute(words)
        except OSError as error:
            say(2, f"sh: 1: {error.filename or ''}: {error.strerror}\n")
        finally:
            for fd, copy in reversed(saved):
                os.dup2(copy, fd)
                os.close(copy)

    def redirect(self, operator: str, target: str, saved: list[tuple[int, int]]) -> None:
        digits = operator.rstrip("<>&")
        sign = operator[len(digits) :]
        fd = int(digits) if digits else 0 if sign[0] == "<" else 1
        saved.append((fd, os.dup(fd)))
        if sign.endswith("&"):
            os.dup2(int(target), fd)
            return
        flags = {"<": os.O_RDONLY, ">": os.O_WRONLY | os.O_CREAT | os.O_TRUNC}
        opened = os.open(target, flags.get(sign, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 0o666)
        os.dup2(opened, fd)
        os.close(opened)

    def execute(self, words: list[str]) -> int:
        if words[:1] == ["exec"] and len(words) > 1:
            raise Leave(self.execute(words[1:]))
        while words and re.match(r"\w+=", words[0]) and not words[0][0].isdigit():
            name, _, value = words.pop(0).partition("=")
            self.variables[name] = value
        if not words:
            return 0
        command = COMMANDS.get(words[0])
        if command is not None:
            return command(self, words)
        if re.fullmatch(r"(.*/)?(python[\d.]*|sh)", words[0]):
            pid = os.posix_spawnp(words[0], words, self.variables)
            return exit_status(os.waitpid(pid, 0)[1])
        lacking = f"not found: of programs ioviz has Python and sh, and sh knows {', '.join(sorted(COMMANDS))}"
        say(2, f"sh: 1: {words[0]}: {lacking}\n")
        return LACKING


def tokens(text: str) -> list[Token]:
    """(kind, text, place) of each token. Raises SyntaxError."""
    found: list[Token] = []
    place = 0
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            if not text[place:].strip():
                break
            raise SyntaxError(f"{text[place:].strip()[:20]!r} can't be read")
        if match.lastgroup != "comment":
            found.append((match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        place = match.end()
    return found


def exit_status(status: int) -> int:
    """`$?` of a wait status."""
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def say(fd: int, text: str) -> None:
    """Write all of `text`."""
    data = text.encode()
    while data:
        data = data[os.write(fd, data) :]


def echo(shell: Shell, words: list[str]) -> int:
    newline = words[1:2] != ["-n"]
    say(1, " ".join(words[1 if newline else 2 :]) + ("\n" if newline else ""))
    return 0


def sleep(shell: Shell, words: list[str]) -> int:
    time.sleep(sum(map(float, words[1:])))
    return 0


def cat(shell: Shell, words: list[str]) -> int:
    for name in words[1:] or ["-"]:
        fd = 0 if name == "-" else os.open(name, os.O_RDONLY)
        while data := os.read(fd, 1 << 16):
            while data:
                data = data[os.write(1, data) :]
        if fd:
            os.close(fd)
    return 0


def leave(shell: Shell, words: list[str]) -> int:
    raise Leave(int(words[1]) & 0xFF if len(words) > 1 else shell.status)


def kill(shell: Shell, words: list[str]) -> int:
    number = int(signal.SIGTERM)
    for word in words[1:]:
        if word.startswith("-") and not word[1:].isdigit():
            number = int(signal.Signals["SIG" + word[1:].removeprefix("SIG")])
        elif word.startswith("-"):
            number = int(word[1:])
        else:
            os.kill(int(word), number)
    return 0


def wait(shell: Shell, words: list[str]) -> int:
    while True:
        try:
            status = os.waitpid(-1, 0)[1]
        except ChildProcessError:
            return 0
        shell.status = exit_status(status)


def cd(shell: Shell, words: list[str]) -> int:
    os.chdir(words[1] if len(words) > 1 else shell.variables.get("HOME", "/"))
    return 0


def pwd(shell: Shell, words: list[str]) -> int:
    say(1, os.getcwd() + "\n")
    return 0


def export(shell: Shell, words: list[str]) -> int:
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if equals:
            shell.variables[name] = value
    return 0


COMMANDS: dict[str, Callable[[Shell, list[str]], int]] = {
    ":": lambda shell, words: 0,
    "true": lambda shell, words: 0,
    "false": lambda shell, words: 1,
    "echo": echo,
    "sleep": sleep,
    "cat": cat,
    "exit": leave,
    "kill": kill,
    "wait": wait,
    "cd": cd,
    "pwd": pwd,
    "export": export,
}


def main(argv: list[str]) -> int:
    """`sh -c TEXT [NAME ARGS]`, `sh FILE ARGS`, or a script on standard input."""
    for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
        if number != signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    rest = argv[1:]
    name = "sh"
    if rest and rest[0].startswith("-") and "c" in rest[0]:
        text = rest[1] if len(rest) > 1 else ""
        name, args = (rest[2] if len(rest) > 2 else "sh"), rest[3:]
    else:
        fd = os.open(rest[0], os.O_RDONLY) if rest else 0
        text = b"".join(iter(lambda: os.read(fd, 1 << 16), b"")).decode()
        name, args = (rest[0] if rest else "sh"), rest[1:]
    try:
        shell = Shell(text, name, args)
        shell.lines(True)
        if shell.place < len(shell.tokens):
            raise SyntaxError(f"{shell.tokens[shell.place][1]!r} unexpected")
    except Leave as left:
        return int(left.args[0])
    except SyntaxError as error:
        say(2, f"sh: 1: Syntax error: {error.msg}\n")
        return 2
    return shell.status


if __name__ == "__main__":
    os._exit(main(sys.argv))
