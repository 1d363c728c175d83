"""The command line, in process against a fake node, without and with a running one."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace

import click
import pytest

from netnode.api.server import ApiServer
from netnode.cli import main as program
from netnode.cli.output import plain, price_text, when
from netnode.home import Home, Running
from netnode.operations import models
from netnode.system import SystemDisk, SystemEntropy
from tests.netnode.fake_services import ME, OTHER, FakeRuntime, FakeServices


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        """The one document on stdout; fails when there is anything else."""
        assert self.out.endswith("\n")
        return json.loads(self.out)


@pytest.fixture
def home(tmp_path, monkeypatch):
    path = tmp_path / "home"
    monkeypatch.setenv("NETNODE_HOME", str(path))
    monkeypatch.chdir(tmp_path)
    return path


@pytest.fixture
def runtime(home):
    return FakeRuntime(home)


@pytest.fixture
def run(runtime, capfd):
    def go(*arguments):
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            program.main([str(one) for one in arguments], runtime)
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return Result(ended.value.code, out, err)

    return go


@pytest.fixture
def ready(run):
    """A home with unprotected keys."""
    assert run("init", "--name", "Ada", "--no-passphrase").code == 0
    return run


@contextmanager
def node_running(home, services):
    """A running node on the home, as commands see one: lock, running.json, token and the API."""
    place = Home(home, SystemDisk())
    started, address = threading.Event(), {}

    async def serve():
        server = ApiServer(services, place.token(SystemEntropy()))
        _, address["port"] = await server.start("127.0.0.1", 0)
        address["loop"], address["end"] = asyncio.get_running_loop(), asyncio.Event()
        started.set()
        await address["end"].wait()
        await server.close()

    with ExitStack() as held:
        held.enter_context(place.lock())
        thread = threading.Thread(target=lambda: asyncio.run(serve()))
        thread.start()
        assert started.wait(10)
        api = f"http://127.0.0.1:{address['port']}"
        place.write_running(Running(os.getpid(), api, "ws://127.0.0.1:1/inx/1", ME))
        held.callback(place.remove_running)
        try:
            yield SimpleNamespace(api=api, release=held.close)
        finally:
            address["loop"].call_soon_threadsafe(address["end"].set)
            thread.join()


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
        (("search", "x", "--min-price", "1,5"), 2, "min_price"),
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


# -- init and start --------------------------------------------------------------------------------------------
def test_init_answers_as_documented(run, home):
    result = run("init", "--name", "Ada", "--no-passphrase", "--json")
    assert result.code == 0
    assert result.json["id"] == ME
    assert len(result.json["recovery_words"]) == 24
    assert result.json["home"] == str(home)
    assert "without a passphrase" in result.err


def test_init_shows_the_words_once_in_a_grid_with_numbers(run):
    out = run("init", "--name", "Ada", "--no-passphrase").out
    for number in range(1, 25):
        assert len(re.findall(rf"\b{number}\. word{number}\b", out)) == 1
    assert ME in out and "netnode start" in out


@pytest.mark.parametrize("command", ["init", "start"])
@pytest.mark.parametrize(
    ("given", "named"),
    [
        ((), "--name"),
        (("--no-passphrase",), "--name"),
        (("--name", "Ada"), "--passphrase-file FILE, or --no-passphrase"),
        (("--name", " ", "--no-passphrase"), "--name"),
        (("--name", "a\nb", "--no-passphrase"), "--name"),
        (("--name", "Ada", "--no-passphrase", "--passphrase-file", "x"), "one of them"),
    ],
)
def test_without_a_terminal_nothing_is_asked(run, home, command, given, named):
    result = run(command, *given)
    assert result.code == 2
    assert named in result.err
    assert not (home / "keys.json").exists()


def test_a_passphrase_file_protects_the_keys_and_opens_them(run, tmp_path, runtime):
    secret = tmp_path / "secret"
    secret.write_text("open sesame\n")
    secret.chmod(0o600)
    assert run("init", "--name", "Ada", "--passphrase-file", secret).code == 0
    add = ("listing", "add", "--key", "k", "--kind", "service", "--title", "Lessons")
    refused = run(*add, "--json")
    assert refused.code == 2
    assert "--passphrase-file" in refused.json["error"]["text"]
    assert runtime.opened_with == []
    assert run("listing", "ls").code == 0  # reading asks for nothing
    assert run(*add, "--passphrase-file", secret).code == 0
    assert runtime.opened_with == [None, b"open sesame"]
    wrong = tmp_path / "wrong"
    wrong.write_text("x")
    assert run(*add, "--passphrase-file", wrong).code == 1


def test_start_hands_over_its_options_and_says_where_the_node_is(ready, runtime, tmp_path):
    result = ready(
        "start",
        "--listen",
        "127.0.0.1:0",
        "--peer",
        "ws://a/inx/1",
        "--peer",
        "inx:b",
        "--ready-file",
        tmp_path / "ready",
        "--no-browser",
        "--json",
    )
    assert (result.code, set(result.json)) == (0, {"id", "pid", "peer", "api"})
    options = runtime.started[0]
    assert (options.listen, options.peers) == ("127.0.0.1:0", ("ws://a/inx/1", "inx:b"))
    assert (options.ready_file, options.browser, options.passphrase) == (tmp_path / "ready", False, None)


def test_start_makes_a_networker_in_an_empty_home(run, home, runtime):
    result = run("start", "--name", "Ada", "--no-passphrase")
    assert result.code == 0
    assert "recovery-nx1memem.txt" in result.err
    assert "word7" not in result.out + result.err  # a service's output ends in a journal
    assert "http://127.0.0.1:2" in result.out
    assert run("start", "--name", "Ada").code == 0
    assert len(runtime.started) == 2


def test_start_of_protected_keys_needs_the_passphrase(run, tmp_path, runtime):
    secret = tmp_path / "secret"
    secret.write_text("open sesame")
    assert run("init", "--name", "Ada", "--passphrase-file", secret).code == 0
    refused = run("start")
    assert (refused.code, runtime.started) == (2, [])
    assert "--passphrase-file" in refused.err
    assert run("start", "--passphrase-file", secret).code == 0
    assert runtime.started[0].passphrase == b"open sesame"


def test_a_person_at_a_terminal_is_asked(home, tmp_path):
    """A real terminal: name, passphrase twice, two words back."""
    script = tmp_path / "ask.py"
    script.write_text(
        "import pathlib, sys\n"
        "from netnode.cli.main import main\n"
        "from tests.netnode.fake_services import FakeRuntime\n"
        f"main(['init'], FakeRuntime(pathlib.Path({str(home)!r})))\n"
    )
    ours, theirs = pty.openpty()
    environment = {
        **os.environ,
        "PYTHONPATH": os.fspath(os.path.dirname(os.path.dirname(os.path.dirname(__file__)))),
    }
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        seen = converse(ours, ["Ada", "pass", "pass"])
    assert process.returncode == 0, seen
    assert "That is not word" not in seen
    assert "Your node is ready" in seen
    assert json.loads((home / "keys.json").read_text())["public"]["protected"] is True


def converse(terminal, answers):
    """Answers each question in turn, then the numbers of the words asked back."""
    seen, answered = "", 0
    questions = re.compile(r"others will see: |Passphrase[^:\n]*: |confirmation: |type word (\d+): ")
    while True:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # Linux says EIO when the other side has closed
            data = b""
        if not data:
            os.close(terminal)
            return seen
        seen += data.decode(errors="replace")
        found = list(questions.finditer(seen))
        while answered < len(found):
            number = found[answered][1]
            text = f"word{number}" if number else answers[min(answered, len(answers) - 1)]
            os.write(terminal, text.encode() + b"\n")
            answered += 1


# -- commands --------------------------------------------------------------------------------------------------
ADD = ("listing", "add", "--key", "k", "--kind", "product", "--title", "Red shirt", "--price", "12.50")


def everything(run, tmp_path):
    """Every command once; the answers with --json."""
    feed, runs = tmp_path / "feed.csv", tmp_path / "runs.inx"
    feed.write_text("Handle\nhat\nshoe")
    answers = {}
    for arguments in (
        ("status",),
        (*ADD, "--currency", "eur", "--tag", "a", "--tag", "b"),
        ("listing", "ls"),
        ("listing", "show", "k"),
        ("listing", "edit", "k", "--title", "Blue shirt", "--clear", "tags"),
        ("search", "shirt", "--kind", "product", "--limit", "5"),
        ("listing", "import", feed, "--currency", "usd"),
        ("listing", "withdraw", "hat"),
        ("listing", "ls", "--all", "--limit", "2"),
        ("profile", "show"),
        ("profile", "edit", "--name", "Bo", "--bio", "Hi"),
        ("invite",),
        ("invite", "--qr"),
        ("peer", "add", "ws://127.0.0.1:9/inx/1"),
        ("peer", "ls"),
        ("peer", "rm", "ws://127.0.0.1:9/inx/1"),
        ("peer", "block", OTHER),
        ("follow", OTHER),
        ("following",),
        ("unfollow", OTHER),
        ("moderate", "block", OTHER, "--reason", "spam"),
        ("moderate", "report", f"{OTHER}/x", "--reason", "fraud"),
        ("moderate", "ls"),
        ("log", "ls", "--author", ME),
        ("log", "heads"),
        ("log", "verify"),
        ("log", "export", runs),
        ("log", "import", runs),
        ("config", "path"),
        ("config", "ls"),
        ("config", "set", "hops", "2"),
        ("config", "get", "hops"),
        ("completion", "zsh"),
    ):
        result = run(*arguments)
        assert result.code == 0, (arguments, result.err)
        answers[" ".join(str(part) for part in arguments[:3])] = result
    return answers


def test_every_command_without_a_running_node(ready, tmp_path):
    answers = everything(lambda *arguments: ready(*arguments, "--json"), tmp_path)
    assert {name: type(one.json) for name, one in answers.items()} == dict.fromkeys(answers, dict)
    assert set(answers["listing add --key"].json) == {"key", "ref", "entry"}
    shown = answers["search shirt --kind"].json
    assert (shown["total"], shown["next"]) == (1, None)
    assert shown["items"][0]["price"] == {"amount": "12.50", "minor": 1250, "currency": "EUR"}
    imported = answers[f"listing import {tmp_path / 'feed.csv'}"].json
    assert imported == {
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "skipped": [{"row": 9, "field": "title", "reason": "it has none"}],
    }
    assert set(answers["invite"].json) == {"uri"}
    assert len(answers["listing ls --all"].json["items"]) == 2
    assert answers["listing ls --all"].json["next"] is not None
    assert (tmp_path / "runs.inx").read_bytes() == b"runs" * 50_000


def test_every_command_for_a_person(ready, tmp_path):
    answers = everything(ready, tmp_path)
    assert "12.50 EUR" in answers["search shirt --kind"].out
    assert "2 created" in answers[f"listing import {tmp_path / 'feed.csv'}"].out
    assert "Size: M" in answers["listing show k"].out
    assert (
        "\N{UPPER HALF BLOCK}" in answers["invite --qr"].out or "\N{FULL BLOCK}" in answers["invite --qr"].out
    )
    assert "\x1b" not in answers["log ls --author"].out
    assert "All is well" in answers["log verify"].out
    assert "#compdef netnode" in answers["completion zsh"].out
    assert "--cursor" in answers["listing ls --all"].err


def test_every_command_with_a_running_node(ready, runtime, home, tmp_path):
    alone = everything(lambda *arguments: ready(*arguments, "--json"), tmp_path)
    runtime.opened_with.clear()
    services = FakeServices(home)
    (home / "config.toml").unlink()
    with node_running(home, services):
        reached = everything(lambda *arguments: ready(*arguments, "--json"), tmp_path)
    assert runtime.opened_with == []
    for name, result in reached.items():
        if name != "status":
            assert result.json == alone[name].json, name
    assert reached["status"].json["running"] is True


def test_stop_ends_the_node_and_waits_for_it(ready, home, monkeypatch):
    services = FakeServices(home)
    with node_running(home, services) as node:

        async def stop():
            services.node.stopped = True
            node.release()

        monkeypatch.setattr(services.node, "stop", stop)
        result = ready("stop", "--json")
        assert services.node.stopped
    assert (result.code, result.json) == (0, {"stopped": True, "pid": os.getpid()})


def test_stop_says_when_the_node_does_not_end(ready, home, monkeypatch):
    monkeypatch.setattr("netnode.cli.node._STOP_SECONDS", 0.2)
    with node_running(home, FakeServices(home)):
        result = ready("stop", "--json")
    assert (result.code, result.json["error"]["code"]) == (1, "stop")
    assert "node.log" in result.err


def test_a_locked_home_without_an_answer_is_exit_5(ready, home):
    with Home(home, SystemDisk()).lock():
        result = ready("listing", "ls", "--json")
    assert (result.code, result.json["error"]["code"]) == (5, "locked")


def test_a_node_that_does_not_answer_is_exit_5(ready, home):
    place = Home(home, SystemDisk())
    place.token(SystemEntropy())
    with place.lock():
        place.write_running(Running(os.getpid(), "http://127.0.0.1:1", "ws://127.0.0.1:1/inx/1", ME))
        result = ready("status", "--json")
    assert (result.code, result.json["error"]["code"]) == (5, "unreachable")


def test_a_stale_running_file_is_not_believed(ready, home):
    Home(home, SystemDisk()).write_running(Running(os.getpid(), "http://127.0.0.1:1", "ws://x", ME))
    assert ready("status", "--json").json["running"] is False


def test_a_second_start_is_refused(ready, home):
    with node_running(home, FakeServices(home)) as node:
        result = ready("start", "--json")
    assert (result.code, result.json["error"]["details"]["api"]) == (4, node.api)


def test_verify_with_problems_is_exit_1_and_one_document(ready, runtime):
    runtime.services.log.problems.append(models.LogProblem(OTHER, 3, "signature", "it is wrong"))
    result = ready("log", "verify", "--json")
    assert (result.code, result.json["ok"]) == (1, False)
    assert "it is wrong" in ready("log", "verify").out


def test_an_export_that_breaks_off_leaves_no_file(ready, runtime, tmp_path):
    runtime.services.log.breaks = True
    before = sorted(tmp_path.iterdir())
    assert ready("log", "export", tmp_path / "out.inx").code == 1
    assert sorted(tmp_path.iterdir()) == before
    assert ready("log", "export", tmp_path / "no" / "out.inx").code == 1


def test_a_feed_without_currency_is_exit_2(ready, tmp_path):
    feed = tmp_path / "feed.csv"
    feed.write_text("Handle\nhat")
    result = ready("listing", "import", feed, "--json")
    assert result.code == 2
    assert "--currency" in result.json["error"]["text"]


def test_a_feed_over_20_mib_is_refused_before_it_is_sent(ready, tmp_path):
    feed = tmp_path / "feed.csv"
    with feed.open("wb") as file:
        file.truncate(20 * 1024 * 1024 + 1)
    result = ready("listing", "import", feed, "--currency", "EUR", "--json")
    assert (result.code, result.json["error"]["code"]) == (1, "too_large")


def test_a_form_in_a_file_and_options_over_it(ready, runtime, tmp_path):
    form = tmp_path / "shirt.toml"
    form.write_text(
        'key = "shirt"\nkind = "product"\ntitle = "Red"\nexpires = 2030-12-31\n'
        '[area]\ncountry = "DE"\n[[variants]]\noptions = { Size = "M" }\n'
    )
    (tmp_path / "text.md").write_text("# Long")
    assert (
        ready(
            "listing",
            "add",
            "--from",
            form,
            "--title",
            "Blue",
            "--region",
            "Berlin",
            "--ship-to",
            "DE=4.90",
            "--ship-to",
            "*",
            "--image",
            "https://x.example/a.png",
            "--description-file",
            tmp_path / "text.md",
            "--no-ships",
            "--format",
            "markdown",
        ).code
        == 0
    )
    assert runtime.services.listings.fields["shirt"] == {
        "key": "shirt",
        "kind": "product",
        "title": "Blue",
        "expires": "2030-12-31",
        "area": {"country": "DE", "region": "Berlin"},
        "variants": [{"options": {"Size": "M"}}],
        "shipping": [{"regions": ["DE"], "price": "4.90"}, {"regions": ["*"]}],
        "images": [{"url": "https://x.example/a.png"}],
        "description": "# Long",
        "ships": False,
        "format": "markdown",
    }
    assert ready("listing", "edit", "other", "--from", form).code == 2


@pytest.mark.parametrize("content", [b"key = ", b"\xff\xfe", b"x = [" * 5000])
def test_a_form_that_is_no_toml(ready, tmp_path, content):
    form = tmp_path / "bad.toml"
    form.write_bytes(content)
    result = ready("listing", "add", "--from", form)
    assert result.code == 2
    assert "bad.toml" in result.err


def test_settings_need_no_networker(run, home):
    assert run("config", "path", "--json").json == {"path": str(home / "config.toml")}
    assert run("config", "set", "peers", "ws://a.example/inx/1, ws://b.example/inx/1").code == 0
    assert run("config", "get", "peers", "--json").json["value"] == [
        "ws://a.example/inx/1",
        "ws://b.example/inx/1",
    ]
    first = run("config", "ls", "--json", "--limit", "3").json
    rest = run("config", "ls", "--json", "--cursor", first["next"]).json
    assert len(first["items"]) == 3 and rest["items"] and rest["next"] is None
    assert run("config", "ls", "--cursor", "x").code == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(run, shell):
    result = run("completion", shell)
    assert result.code == 0
    assert "_NETNODE_COMPLETE" in result.out
    assert "To install" in result.err


def test_completion_completes():
    environment = {
        **os.environ,
        "_NETNODE_COMPLETE": "bash_complete",
        "COMP_WORDS": "netnode listing ",
        "COMP_CWORD": "2",
    }
    done = subprocess.run([sys.executable, "-m", "netnode"], capture_output=True, env=environment, check=True)
    assert b"plain,import" in done.stdout


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
        == "5 pt per 3 weeks"
    )
    assert when(0) == "1970-01-01 00:00"
    assert when(2**60) == "-"
