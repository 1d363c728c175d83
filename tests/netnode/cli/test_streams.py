"""What happens to a command whose stdin, stdout or stderr is closed, full or a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from netnode import node
from netnode.cli import reach

NETNODE = (sys.executable, "-m", "netnode")


def shell(home, line):
    """Runs a line of sh with the program as "$@"."""
    environment = {**os.environ, "NETNODE_HOME": str(home)}
    return subprocess.run(
        ["sh", "-c", line, "sh", *NETNODE], capture_output=True, env=environment, text=True, timeout=60
    )


@pytest.mark.parametrize("options", ["", "--json"])
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_end_no_command(home, options, closed):
    done = shell(home, f'"$@" config ls {options} {closed}')
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)


def test_what_is_opened_does_not_take_the_place_of_a_closed_stream(home):
    done = shell(home, '"$@" init --name Ada --no-passphrase >&- 2>&- && "$@" status --json')
    assert (done.returncode, '"name":"Ada"' in done.stdout) == (0, True)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", ["config ls", "config ls --json", "config path", "--version"])
def test_a_full_disk_behind_stdout_is_a_sentence(home, arguments):
    done = shell(home, f'"$@" {arguments} > /dev/full')
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "stdout" in done.stderr and "full" in done.stderr


def test_a_reader_that_went_away_is_told_nothing(home):
    done = shell(home, '"$@" completion bash 2>/dev/null | true')
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("given", ["--home ''", "--home=", "--home ' '"])
def test_an_empty_home_is_not_the_folder_at_hand(home, given):
    done = shell(home, f'"$@" config path {given}')
    assert (done.returncode, done.stdout) == (2, "")
    assert "--home" in done.stderr


def at_terminal(columns, *arguments, home):
    """What a command writes to a terminal of that width."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "NETNODE_HOME": str(home), "COLUMNS": str(columns), "TERM": "xterm"}
    with subprocess.Popen(
        [*NETNODE, *arguments], stdout=follower, stderr=follower, env=environment
    ) as command:
        os.close(follower)
        said = b""
        try:
            while piece := os.read(leader, 4096):
                said += piece
        except OSError:
            pass  # how a terminal says that nobody holds its other end any more
        finally:
            os.close(leader)
    assert command.returncode is not None
    return said.decode()


def test_a_narrow_terminal_cuts_no_reference(home):
    node.initialise(home, name="Ada", passphrase=None)
    add = ("listing", "add", "--key", "red-shirt", "--kind", "product", "--title", "Shirt", "--price", "9")
    assert shell(home, " ".join(('"$@"', *add, "--currency EUR"))).returncode == 0
    wide = at_terminal(150, "search", "shirt", home=home)
    assert "\u2500" in wide and "/red-shirt" in wide
    narrow = at_terminal(60, "search", "shirt", home=home).replace("\r", "").splitlines()
    assert narrow[:2] == ["Shirt", "  price   9.00 EUR"]
    assert narrow[4].startswith("  ref     nx1") and narrow[4].endswith("/red-shirt")


def test_messages_at_a_terminal_are_folded_between_words(home):
    said = at_terminal(40, "status", home="/nowhere/at/all")
    lines = said.replace("\r", "").splitlines()
    assert len(lines) > 1 and max(map(len, lines)) <= 40
    assert " ".join(line.strip() for line in lines).endswith("netnode init --name NAME")


def test_an_export_never_replaces_a_pipe(ready, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with (tmp_path / "copy").open("wb") as copy, subprocess.Popen(["cat", str(pipe)], stdout=copy):
        assert ready("log", "export", pipe).code == 0
    assert pipe.is_fifo()
    assert (tmp_path / "copy").read_bytes() == b"runs" * 50_000


def test_ctrl_c_at_a_file_says_what_to_do(ready, tmp_path, monkeypatch):
    def interrupted(path, advance):
        raise KeyboardInterrupt

    feed = tmp_path / "feed.csv"
    feed.write_text("Handle\nhat")
    monkeypatch.setattr(reach, "file_chunks", interrupted)
    told = ready("listing", "import", feed, "--currency", "EUR", "--json")
    assert (told.code, told.json["error"]["code"]) == (130, "interrupted")
    assert "adds only what is missing" in told.err
