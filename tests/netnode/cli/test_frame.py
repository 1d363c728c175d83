"""Options that work anywhere, exit codes, what is said when a command fails."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys

import click
import pytest

from netnode.cli import main as program
from netnode.cli.output import plain, price_text, when
from netnode.operations import models
from tests.netnode.fake_services import OTHER


def commands(group, path=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


# -- the frame -------------------------------------------------------------------------------------------------
def test_every_command_takes_home_and_json_and_says_what_it_does(run):
    for path, command in commands(program.netnode):
        result = run(*path, "--help")
        assert result.code == 0
        assert "--home DIR" in result.out and "--json" in result.out, path
        assert command.help, path


def test_every_command_has_examples_that_it_would_take(run):
    """Each names the command, with options that this has; beside it may stand what one does before or after."""
    for path, command in commands(program.netnode):
        _, found, lines = run(*path, "--help").out.partition("Examples:\n")
        assert found, f"{' '.join(path)} has no example"
        own = {name for each in command.get_params(click.Context(command)) for name in each.opts}
        told = [line.strip() for line in lines.split("\n\n")[0].splitlines()]
        told = [shlex.split(re.split(r" {3,}", line)[0]) for line in told]
        shown = [line for line in told if tuple(line[: len(path) + 1]) == ("netnode", *path)]
        assert shown, f"no example of {' '.join(path)} shows it"
        for line in shown:
            given = {word for word in line if word.startswith("--")}
            assert given <= own, (line, given - own)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--json", "--home", "{home}", "listing", "ls"),
        ("listing", "--json", "--home", "{home}", "ls"),
        ("listing", "ls", "--json", "--home", "{home}"),
        ("--home", "{home}", "listing", "ls", "--json"),
        ("--json", "listing", "ls", "--home={home}"),
    ],
)
def test_home_and_json_stand_anywhere(ready, home, monkeypatch, arguments):
    monkeypatch.delenv("NETNODE_HOME")
    result = ready(*(part.format(home=home) for part in arguments))
    assert (result.code, result.json) == (0, {"items": [], "next": None})


def test_the_innermost_home_wins(ready, home):
    assert ready("--home", "/nowhere", "status", "--home", home).code == 0


def test_a_tilde_in_home(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run("config", "path", "--home=~/shop").out == f"{tmp_path}/shop/config.toml\n"


def test_version(run):
    assert run("--version").out.startswith("netnode ")
    assert set(run("--version", "--json").json) == {"name", "version"}
    assert set(run("--json", "--version").json) == {"name", "version"}


def test_module_and_bare_program():
    environment = {**os.environ, "COLUMNS": "80"}
    helped = subprocess.run(
        [sys.executable, "-m", "netnode", "-h"], capture_output=True, env=environment, check=True
    )
    assert b"Commands:" in helped.stdout
    bare = subprocess.run([sys.executable, "-m", "netnode"], capture_output=True, env=environment)
    assert (bare.returncode, bare.stdout) == (2, b"")
    assert b"Commands:" in bare.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nonsense",), 2, "nonsense"),
        (("listing", "ls", "--bogus"), 2, "--bogus"),
        (("listing", "ls", "--limit", "0"), 2, "--limit"),
        (("listing", "ls", "--limit", "501"), 2, "--limit"),
        (("search",), 2, "TEXT"),
        (("listing", "show", "none"), 3, "none"),
        (("listing", "edit", "none", "--title", "x"), 3, "none"),
        (("listing", "edit", "none"), 2, "--title"),
        (("profile", "edit"), 2, "--name"),
        (("peer", "rm", "ws://x"), 3, "not in the book"),
        (("peer", "add", "http://x"), 2, "no peer address"),
        (("unfollow", OTHER), 3, "not follow"),
        (("search", "x", "--min-price", "1,5"), 2, "--min-price: is not an amount such as 12.50"),
        (("search", "x", "--currency", "euro"), 2, "--currency: is not a currency code such as EUR"),
        (("search", "x" * 501), 2, "TEXT: has more than 500 characters"),
        (("profile", "edit", "--name", ""), 2, "--name: may not be empty"),
        (("completion",), 2, "{bash|fish|zsh}"),
        (("search", "x", "--kind", "car"), 2, "--kind"),
        (("config", "get", "nope"), 3, "nope"),
        (("config", "set", "hops", "many"), 2, "hops"),
        (("log", "ls", "--author", "nx1none"), 3, "nx1none"),
        (("log", "import", "missing.inx"), 3, "missing.inx"),
        (("listing", "add", "--key", "k", "--kind", "product"), 2, "--title"),
        (("listing", "add", "--from", "missing.toml"), 3, "missing.toml"),
        (("stop",), 5, "netnode start"),
        (("init", "--name", "Eve", "--no-passphrase"), 4, "already"),
        (("search", "crash"), 1, "node.log"),
    ],
)
def test_exit_codes_and_error_documents(ready, home, arguments, code, words):
    told = ready(*arguments)
    assert (told.code, told.out) == (code, "")
    assert words in told.err
    for placed in ((*arguments, "--json"), ("--json", *arguments)):
        documented = ready(*placed)
        assert documented.code == code
        error = documented.json["error"]
        assert set(error) == {"code", "text", "details"}
        assert words in error["text"]


def test_an_unexpected_error_leaves_its_trace_in_the_log(ready, home):
    result = ready("search", "crash")
    assert "RuntimeError: a bug" in (home / "node.log").read_text()
    assert (home / "node.log").stat().st_mode & 0o077 == 0
    assert result.err.count("\n") == 1


def test_without_a_home(run):
    for arguments in (("status",), ("search", "x"), ("listing", "ls"), ("log", "verify")):
        result = run(*arguments)
        assert result.code == 3
        assert "netnode init --name" in result.err


def test_an_open_home_is_refused(ready, home):
    home.chmod(0o755)
    result = ready("status")
    assert result.code == 1
    assert "chmod 700" in result.err


# -- words -----------------------------------------------------------------------------------------------------
def test_text_of_others_cannot_move_the_terminal():
    assert plain("a\x1b[2Jb\u202ec\nd\u2028") == "a [2Jb c d "
    assert plain("\N{WOMAN}\u200d\N{PERSONAL COMPUTER}") == "\N{WOMAN}\u200d\N{PERSONAL COMPUTER}"


def test_prices_and_times_in_words():
    assert price_text(None) == "-"
    per = models.Price(amount="9.00", minor=900, currency="EUR", per=models.Per(1, "month"), from_=True)
    assert price_text(per) == "from 9.00 EUR per month"
    assert (
        price_text(models.Price(amount="5", minor=5, unit="pt", per=models.Per(3, "week")))
        == "5 smallest parts of pt per 3 weeks"
    )
    assert when(0) == "1970-01-01 00:00"
    assert when(2**60) == "-"


def test_lists_of_commands_say_whole_sentences(run):
    """Nothing is cut off where a terminal is narrow."""
    groups = {path[:-1] for path, _ in commands(program.netnode)}
    for path in groups:
        listed = run(*path, "--help").out.partition("Commands:\n")[2]
        assert listed and not any(line.endswith("...") for line in listed.splitlines()), path


def test_a_command_imports_neither_the_others_nor_the_node(tmp_path):
    """What a running node answers must not wait for what it does not need: on a small computer that takes seconds."""
    asked = (
        "import sys\n"
        "from netnode.cli.main import main\n"
        "try:\n"
        f"    main(['status', '--home', {str(tmp_path / 'none')!r}])\n"
        "except SystemExit:\n"
        "    print(sum(name in sys.modules for name in sys.argv[1:]))\n"
    )
    unneeded = (
        "netnode.node",
        "netnode.cli.deals",
        "netnode.cli.plans",
        "netnode.simulator",
        "aiohttp",
        "babel",
    )
    done = subprocess.run(
        [sys.executable, "-c", asked, *unneeded], capture_output=True, text=True, check=False
    )
    assert done.stdout == "0\n", done


def test_the_program_has_every_command_there_is():
    """Also those that join a group of another module: only the program's own table brings them in."""
    compared = (
        "import importlib, pkgutil\n"
        "import netnode.cli\n"
        "from netnode.cli.main import netnode as program\n"
        "from tests.netnode.cli.test_frame import commands\n"
        "had = {path for path, _ in commands(program)}\n"
        "modules = [importlib.import_module(f'netnode.cli.{each.name}')\n"
        "           for each in pkgutil.iter_modules(netnode.cli.__path__)]\n"
        "reached = {id(command) for _, command in commands(program)}\n"
        "print(sorted({path for path, _ in commands(program)} - had))\n"
        "print(sorted(name for module in modules for name, each in vars(module).items()\n"
        "             if type(each) is netnode.cli.frame.NodeCommand and id(each) not in reached))\n"
    )
    done = subprocess.run([sys.executable, "-c", compared], capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n[]\n", done
