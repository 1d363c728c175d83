"""What goes wrong at a person's hands: a sentence, the right exit code, and no harm."""

from __future__ import annotations

import ctypes
import os
import resource
import socket
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from netnode.testing import Mesh, Place, command, wait_until

_PR_CAPBSET_DROP = 24
_CAPABILITIES = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: what lets root pass by permissions


def like_anybody() -> None:
    """In a child about to become the program: gives up root's way around permissions."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in _CAPABILITIES:
            libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


def files_up_to(size: int) -> Callable[[], None]:
    """In a child: no file may grow past `size` bytes, as on a disk that is full."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize(
    ("what", "content", "code", "says"),
    [
        ("missing", None, 3, "no such file"),
        ("folder", "folder", 1, "it is a folder"),
        ("unreadable", "Title,Price\nA,1\n", 2, "not readable"),
        ("rubbish", "\x00\x01\x02 no table \xff", 1, ""),
        ("empty", "", 1, ""),
        ("other columns", "a,b\n1,2\n", 1, "none of the formats"),
        ("no currency", "Handle,Title,Variant Price,Published\na,A thing,5,true\n", 2, "--currency"),
    ],
)
def test_a_feed_that_cannot_be_imported(
    place: Place, tmp_path: Path, what: str, content: str | None, code: int, says: str
) -> None:
    file = tmp_path / "feed.csv"
    if content == "folder":
        file.mkdir()
    elif content is not None:
        file.write_text(content, encoding="latin-1")
    if what == "unreadable":
        file.chmod(0)
    before = place.home.joinpath("store.sqlite3").stat().st_size
    result = place.run("listing", "import", file, "--json", preexec_fn=like_anybody)
    assert result.code == code, result
    assert says in result.sentence
    assert result.json["error"]["text"] == result.sentence
    assert place.home.joinpath("store.sqlite3").stat().st_size == before


def test_a_port_that_is_taken_is_told(mesh: Mesh, place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = place.run("start", "--listen", f"127.0.0.1:{port}", "--json")
    assert result.code == 1
    assert str(port) in result.sentence and "in use" in result.sentence
    assert mesh.start("home", "--listen", f"127.0.0.1:{port}", home=place.home).port == port


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1:99999", "no.such.host.invalid:0"])
def test_an_address_to_listen_at_that_is_none(place: Place, listen: str) -> None:
    result = place.run("start", "--listen", listen, "--json")
    assert result.code in {1, 2}
    assert result.json["error"]["text"] == result.sentence


@pytest.mark.parametrize("peer", ["http://127.0.0.1:1/inx/1", "inx:nx1qqqq"])
def test_a_peer_that_is_none(place: Place, peer: str) -> None:
    added = place.run("peer", "add", peer, "--json")
    assert added.code == 2
    started = place.run("start", "--listen", "127.0.0.1:0", "--peer", peer, "--json")
    assert started.code == 2
    assert added.sentence in started.sentence


def test_a_home_that_is_a_file_or_open_to_others_or_of_nobody(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for arguments in (("init", "--name", "A", "--no-passphrase"), ("status",)):
        result = command("--home", file, *arguments)
        assert result.code in {1, 3}
        assert str(file) in result.sentence
    nobody = command("--home", tmp_path / "nothing", "search", "shirt", "--json")
    assert nobody.code == 3 and "netnode init" in nobody.sentence
    assert not (tmp_path / "nothing").exists()
    place.home.chmod(0o755)
    open_to_all = place.run("status")
    assert open_to_all.code == 1 and "chmod" in open_to_all.sentence


def test_a_home_that_cannot_be_written(place: Place, tmp_path: Path) -> None:
    place.ask("listing", "add", "--kind", "product", "--key", "lamp", "--title", "Brass lamp")
    locked_away = tmp_path / "locked"
    locked_away.mkdir()
    locked_away.chmod(0o500)
    result = command(
        "--home", locked_away / "home", "init", "--name", "A", "--no-passphrase", preexec_fn=like_anybody
    )
    assert result.code == 1 and "no permission" in result.sentence
    try:
        for path in place.home.iterdir():
            path.chmod(stat.S_IRUSR)
        place.home.chmod(0o500)
        result = place.run(
            "listing", "add", "--kind", "product", "--key", "cup", "--title", "Cup", preexec_fn=like_anybody
        )
        assert result.code == 1
        assert str(place.home) in result.sentence
        started = place.run("start", "--listen", "127.0.0.1:0", preexec_fn=like_anybody)
        assert started.code == 1 and str(place.home) in started.sentence
    finally:
        place.home.chmod(0o700)
        for path in place.home.iterdir():
            path.chmod(0o600)
    assert place.ask("search", "lamp")["total"] == 1


def test_a_full_disk_loses_nothing_that_was_there(place: Place, tmp_path: Path) -> None:
    place.ask("listing", "add", "--kind", "product", "--key", "lamp", "--title", "Brass lamp")
    feed = tmp_path / "feed.csv"
    rows = [f"thing-{n},Thing {n},5,true,{'long text ' * 150}" for n in range(600)]
    feed.write_text("\n".join(["Handle,Title,Variant Price,Published,Body (HTML)", *rows]))
    full = place.home.joinpath("store.sqlite3").stat().st_size + 64 * 1024
    result = place.run("listing", "import", feed, "--currency", "EUR", preexec_fn=files_up_to(full))
    assert result.code == 1
    assert result.sentence
    assert place.ask("log", "verify")["ok"]
    assert place.ask("search", "lamp")["total"] == 1
    assert place.ask("listing", "import", feed, "--currency", "EUR")["created"] == 600  # once there is room


def test_an_export_goes_into_a_pipe_and_leaves_it_a_pipe(place: Place, tmp_path: Path) -> None:
    pipe, file = tmp_path / "pipe", tmp_path / "file"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_bytes)
        place.ask("log", "export", pipe)
        data = read.result(20)
    place.ask("log", "export", file)
    assert data == file.read_bytes() != b""
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_an_export_to_a_full_disk_leaves_no_half_file(mesh: Mesh, tmp_path: Path) -> None:
    stick = tmp_path / "stick" / "logs.inx"
    stick.parent.mkdir()
    result = mesh.start("ada").run("log", "export", stick, preexec_fn=files_up_to(100))
    assert result.code == 1 and str(stick) in result.sentence
    assert list(stick.parent.iterdir()) == []


@pytest.mark.parametrize("name", ["keys.json", "store.sqlite3", "config.toml"])
def test_a_damaged_file_of_the_home_is_named(place: Place, name: str) -> None:
    path = place.home / name
    path.write_bytes(b"damaged" * 100)
    for arguments in (("status",), ("start", "--listen", "127.0.0.1:0")):
        result = place.run(*arguments)
        assert result.code == 1
        assert str(path) in result.sentence


def test_a_ready_file_that_cannot_be_written_is_told(place: Place, tmp_path: Path) -> None:
    result = place.run(
        "start", "--listen", "127.0.0.1:0", "--ready-file", tmp_path / "no" / "ready", "--json"
    )
    assert result.code == 1 and str(tmp_path / "no" / "ready") in result.sentence


def test_an_address_where_no_node_is_is_noted_and_tried_again(mesh: Mesh) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
    ada = mesh.start("ada", "--peer", f"ws://127.0.0.1:{port}/inx/1")
    wait_until(lambda: any("connect" in (peer["note"] or "") for peer in ada.peers()), "the book says why")
    ben = mesh.start("ben", "--listen", f"127.0.0.1:{port}")
    wait_until(lambda: ada.connected() == {ben.id}, "once somebody is there they meet", 30)
