"""init, start, stop, and reaching a node that is there, half there or gone."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from netnode.home import Home, Running
from netnode.operations.runtime import Ready
from netnode.system import SystemDisk, SystemEntropy
from protocol.uri import format_invite
from tests.netnode.cli.running import node_running
from tests.netnode.fake_services import ME, FakeServices


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
    invite = format_invite(bytes(32), ["ws://b.example/inx/1"])
    result = ready(
        "start",
        "--listen",
        "127.0.0.1:0",
        "--peer",
        "ws://a/inx/1",
        "--peer",
        invite,
        "--ready-file",
        tmp_path / "ready",
        "--no-browser",
        "--json",
    )
    assert (result.code, set(result.json)) == (0, {"id", "pid", "peer", "api"})
    options = runtime.started[0]
    assert (options.listen, options.peers) == ("127.0.0.1:0", ("ws://a/inx/1", invite))


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
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
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


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--listen", "foo"),
        ("--listen", "127.0.0.1:99999"),
        ("--listen", "127.0.0.1:22x"),
        ("--peer", "foo"),
        ("--peer", "http://shop.example"),
        ("--peer", "inx:bogus"),
    ],
)
def test_a_slip_at_the_first_start_makes_no_networker(run, home, option, value):
    told = run("start", "--name", "Ada", "--no-passphrase", option, value, "--json")
    assert (told.code, told.json["error"]["code"]) == (2, "usage")
    assert option in told.err and value in told.err
    assert not home.exists()


def test_a_node_that_publishes_nothing_says_why_at_its_start(run, home, monkeypatch):
    """A copy waits for its peers: its owner is told before anything else."""
    run("init", "--name", "Ada", "--no-passphrase")
    plain = Ready.__init__
    assert "Nothing is published" not in run("start").err
    monkeypatch.setattr(
        Ready,
        "__init__",
        lambda self, *args, **named: plain(self, *args, **{**named, "notice": "Nothing is published."}),
    )
    told = run("start", "--json")
    assert told.err.startswith("Nothing is published.") and "notice" not in told.out
