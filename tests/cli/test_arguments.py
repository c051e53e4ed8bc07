"""What is typed means what the help says, and nonsense is refused in a sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from ioviz.cli import main
from ioviz.cli.arguments import MODULES, Program, UsageError, parse
from ioviz.cli.help import ABOUT, FLAGS, VERBS
from ioviz.cli.messages import MESSAGES, choose_language


def test_what_follows_the_program_belongs_to_it() -> None:
    request = parse(["exec", "--seed", "7", "server.py", "--seed", "8", "--help", "--peer", "x"])
    assert request.seed == 7
    assert request.program == Program("server.py", ("--seed", "8", "--help", "--peer", "x"))
    assert request.others == ()


def test_what_follows_a_module_belongs_to_it() -> None:
    request = parse(["exec", "--strace", "-m", "unittest", "-v", "test.test_epoll"])
    assert request.strace
    assert request.program == Program("unittest", ("-v", "test.test_epoll"), module=True)


def test_peers_keep_their_order_and_their_input() -> None:
    flags = ["--peer", "client.py a 'b c'", "--peer-stdin", "one.txt", "--remote", "far.py", "--peer", "other.py"]
    request = parse(["exec", *flags, "--peer-stdin=two.txt", "server.py"])
    assert request.others == (
        Program("client.py", ("a", "b c"), role="peer", stdin=Path("one.txt")),
        Program("far.py", role="remote"),
        Program("other.py", role="peer", stdin=Path("two.txt")),
    )


def test_knobs_are_kept_in_order() -> None:
    assert parse(["play", "--set", "trigger=et", "--set=rcvbuf=4k", "x"]).knobs == (("trigger", "et"), ("rcvbuf", "4k"))


def test_flags_behind_a_scene_are_ours_since_it_takes_no_arguments() -> None:
    request = parse(["play", "boot", "--lang", "zh", "--set", "bits=32", "--plain"])
    assert request.program == Program("boot", ())
    assert (request.lang, request.knobs, request.plain) == ("zh", (("bits", "32"),), True)
    assert parse(["play", "boot.py", "--lang", "zh"]).program == Program("boot.py", ("--lang", "zh"))
    assert parse(["play", "boot", "more"]).program == Program("boot", ("more",))


def test_no_verb_is_the_gallery() -> None:
    assert parse([]).verb == "gallery"
    assert parse(["--lang", "zh"]).lang == "zh"


def test_the_verb_s_language_wins() -> None:
    assert parse(["--lang", "zh", "exec", "--lang", "en", "x.py"]).lang == "en"
    assert parse(["--lang", "zh", "exec", "x.py"]).lang == "zh"


@pytest.mark.parametrize(
    "argv",
    [
        ["frob"],
        ["exec"],
        ["exec", "--"],
        ["exec", "--bogus", "x.py"],
        ["exec", "--seed", "x.py"],
        ["exec", "--seed", "many", "x.py"],
        ["exec", "--peer-stdin", "in.txt", "x.py"],
        ["exec", "--peer", "'open", "x.py"],
        ["exec", "--peer", "", "x.py"],
        ["exec", "--set", "trigger", "x.py"],
        ["exec", "--set", "=et", "x.py"],
        ["exec", "--max-steps", "0", "x.py"],
        ["exec", "--max-steps", "-1", "x.py"],
        ["exec", "--max-time", "nan", "x.py"],
        ["exec", "--lang", "fr", "x.py"],
        ["play", "--json", "x.py"],
    ],
)
def test_nonsense_is_refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError):
        parse(argv)
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1


def test_complaints_are_in_the_language_that_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lang", "zh", "frob"]) == 2
    assert "没有" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "value", "lang"), [("LANG", "zh_CN.UTF-8", "zh"), ("LC_ALL", "C", "en")])
def test_the_environment_chooses_the_language(
    name: str, value: str, lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in ("IOVIZ_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, value)
    assert choose_language(None) == lang


def test_both_languages_say_the_same_things() -> None:
    for key, (english, chinese) in MESSAGES.items():
        fields = [
            sorted(part.split("}")[0].split("!")[0] for part in text.split("{")[1:]) for text in (english, chinese)
        ]
        assert set(fields[0]) == set(fields[1]), key


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb])
def test_every_verb_has_its_help_in_both_languages(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    for lang in ("en", "zh"):
        with pytest.raises(SystemExit):
            main([verb, "--help", "--lang", lang])
        out, err = capsys.readouterr()
        assert err == ""
        assert f"ioviz {verb}" in out
        assert all(cell_len(line) <= 100 for line in out.splitlines())
        described = [line for line in out.splitlines()[2:] if line.strip()]
        if lang == "en":
            assert not re.search("[\u4e00-\u9fff]", out)
        else:  # no line of it is English
            assert not [line for line in described if re.search(r"[a-z]+ [a-z]+ [a-z]+ [a-z]+", line)]


def test_the_help_s_tables_are_whole_and_name_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(VERBS) == {"", "exec", "play", *MODULES}
    assert set(VERBS) <= set(ABOUT)
    for table in (FLAGS, ABOUT):
        for key, (english, chinese) in table.items():
            assert english, key
            assert re.search("[\u4e00-\u9fff]", chinese), key
            assert "%" not in english + chinese, key
    with pytest.raises(SystemExit):
        main(["--lang", "zh", "--help"])
    out, _ = capsys.readouterr()
    assert all(f"ioviz {verb}" in out for verb in VERBS)


@pytest.mark.parametrize(
    "argv",
    [
        ["exec", "--seed", "x", "a.py"],
        ["exec", "--max-steps", "0", "a.py"],
        ["exec", "--strace=1", "a.py"],
        ["doctor", "x"],
    ],
)
def test_what_argparse_complains_of_is_told_in_chinese(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lang", "zh", *argv]) == 2
    assert "argument" not in capsys.readouterr().err
