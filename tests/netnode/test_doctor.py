"""What the doctor finds, in sound homes and in broken ones."""

from __future__ import annotations

import asyncio
import errno
import shutil
import socket
from contextlib import closing
from pathlib import Path

import apsw
import msgspec
import pytest

from netnode import node
from netnode.backups.scratch import Watch
from netnode.config import Config
from netnode.home import Home
from netnode.homes.repairing import repair
from netnode.operations import models
from netnode.operations.runtime import StartOptions
from netnode.own.caution import Reason, mark
from netnode.services.doctor import Live, computer, examine
from netnode.store import PeerRow, Writer
from netnode.system import SystemDisk, SystemEntropy
from protocol.items import Standing
from tests.netnode.services_home import TestClock
from tests.netnode.store_version_1 import make_store

NOW = computer.EARLIEST + 10 * 86_400_000


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which nothing is wrong, on another disk than its backups as far as it can tell."""
    home = tmp_path_factory.mktemp("sound") / "h"
    created = node.initialise(home, name="Ada", passphrase=None)
    created.sheet.unlink()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    Config(home / "config.toml", SystemDisk()).set("listen", f"127.0.0.1:{port}")
    return home


@pytest.fixture
def home(sound: Path, tmp_path: Path) -> Path:
    shutil.copytree(sound, tmp_path / "h")
    Home(tmp_path / "h", SystemDisk()).remember("here")
    return tmp_path / "h"


def found(
    home: Path, live: Live | None = None, now: int | None = None, machine: str = "here"
) -> models.Examined:
    clock = TestClock()
    clock.now = 1_800_000_000_000 if now is None else now
    return examine(Home(home, SystemDisk()), machine, clock, SystemDisk(), SystemEntropy(), live)


def spoil(path: Path) -> None:
    path.write_bytes(b"x" * 4096 + path.read_bytes()[4096:])


def states(examined: models.Examined) -> dict[str, str]:
    return {check.name: check.state for check in examined.checks}


def check(examined: models.Examined, name: str) -> models.Check:
    (one,) = (check for check in examined.checks if check.name == name)
    return one


def test_a_sound_home(home: Path) -> None:
    examined = found(home)
    assert examined.ok and not examined.running
    wrong = {name: state for name, state in states(examined).items() if state != "ok"}
    assert wrong == {"backup": "warn"}  # none was made yet
    assert all(one.mend for one in examined.checks if one.state != "ok")
    assert set(states(examined)) == {
        "python", "sqlite", "home", "place", "keys", "settings", "store", "log", "catalogue", "backup", "clock", "disk",
        "port", "letters",
    }  # fmt: skip


def test_who_can_get_in(home: Path) -> None:
    (home / "keys.json").chmod(0o640)
    one = check(found(home), "home")
    assert one.state == "fail" and "keys.json" in one.text and one.mend == f"chmod 600 {home / 'keys.json'}"
    home.chmod(0o755)
    assert check(found(home), "home").mend == f"chmod 700 {home}"
    home.chmod(0o700)
    (home / "keys.json").chmod(0o600)
    (home / "recovery-nx1abcde.txt").touch(0o600)
    assert "recovery sheet is still" in check(found(home), "home").text


def test_keys_and_settings_that_are_gone_or_broken(home: Path) -> None:
    (home / "config.toml").write_text("listen = 5")
    (home / "keys.json").write_text("{}")
    examined = found(home)
    assert states(examined)["settings"] == states(examined)["keys"] == "fail" and not examined.ok
    assert states(examined)["store"] == "ok" and "log" not in states(examined)


def test_a_home_that_moved(home: Path) -> None:
    assert check(found(home, machine="elsewhere"), "place").state == "warn"


@pytest.mark.parametrize("reason", list(Reason))
def test_a_node_that_may_not_publish(home: Path, reason: Reason) -> None:
    with closing(apsw.Connection(str(home / "store.sqlite3"))) as connection:
        mark(Writer(connection), reason, 1, bytes(16))
    examined = found(home)
    one = check(examined, "publishing")
    assert one.state == "warn" and "until your peers have told" in one.text and one.mend == "netnode status"
    assert examined.ok


def test_a_node_whose_peers_have_answered_may_publish(home: Path) -> None:
    """Though it has not since, so that nobody wrote down by which rule."""
    peer = bytes([7]) * 32
    with closing(apsw.Connection(str(home / "store.sqlite3"))) as connection:
        writer = Writer(connection)
        mark(writer, Reason.RESTORED, 1, bytes(16))
        kept = {"since": 1, "reason": "restored", "answers": {peer.hex(): "loopback"}}
        writer.set_meta("caution", msgspec.json.encode(kept))
        assert check(found(home), "publishing").state == "warn"  # no peer in the book
        writer.put_peer(PeerRow(id=peer))
        assert "publishing" not in states(found(home))
        writer.put_peer(PeerRow(addresses=("ws://silent",)))
        assert check(found(home), "publishing").state == "warn"


def test_two_nodes_of_one_networker(home: Path) -> None:
    with closing(apsw.Connection(str(home / "store.sqlite3"))) as connection:
        kept = {"since": 1, "alarm": "Another node of this networker is running."}
        Writer(connection).set_meta("caution", msgspec.json.encode(kept))
    examined = found(home)
    one = check(examined, "publishing")
    assert one.state == "fail" and one.text.startswith("Another node of this networker is running. Two would")
    assert one.mend == "netnode log resume" and not examined.ok


@pytest.mark.parametrize(
    ("column", "value", "words", "mend"),
    [
        ("epoch", 1, "replaced elsewhere", "netnode key rotate"),
        ("standing", int(Standing.FORKED), "is forked", "netnode log settle"),
    ],
)
def test_a_log_that_goes_on_without_this_home(
    home: Path, column: str, value: int, words: str, mend: str
) -> None:
    """Whoever asks the doctor of a home left behind by a rotation heard that nothing was wrong."""
    with closing(apsw.Connection(str(home / "store.sqlite3"))) as connection:
        mark(Writer(connection), Reason.RESTORED, 1, bytes(16))  # says less than the log itself
        connection.execute(f"UPDATE log SET {column} = ?", (value,))
    examined = found(home)
    one = check(examined, "publishing")
    assert one.state == "fail" and words in one.text and one.mend == mend and not examined.ok


def test_damage(home: Path) -> None:
    path = home / "store.sqlite3"
    whole = path.read_bytes()
    path.write_bytes(b"x" * 4096 + whole[4096:])
    one = check(found(home), "store")
    assert one.state == "fail" and "no database" in one.text and "netnode repair" in (one.mend or "")
    path.write_bytes(b"")
    assert check(found(home), "store").state == "fail"
    path.unlink()
    assert "missing" in check(found(home), "store").text
    make_store(path, "inx")
    one = check(found(home), "store")
    assert one.state == "warn" and "version 1" in one.text
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE meta SET value = '99' WHERE name = 'version'")
    connection.close()
    assert "newer netnode" in check(found(home), "store").text


def test_any_damaged_page_is_no_error(home: Path) -> None:
    path = home / "store.sqlite3"
    whole = path.read_bytes()
    for number in range(1, len(whole) // 4096):
        path.write_bytes(whole[: number * 4096] + b"\xa5" * 4096 + whole[(number + 1) * 4096 :])
        assert states(found(home))["store"] in ("ok", "fail")


def test_a_disk_that_is_read_only(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite opens no store there that was in use; to repair it would be the wrong thing to do."""
    spoil(home / "store.sqlite3")  # why: stands for a store that cannot be opened; root may write everywhere

    def read_only(**options: object) -> None:
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr("tempfile.TemporaryFile", read_only)
    examined = found(home)
    for name in ("home", "store"):
        one = check(examined, name)
        assert one.state == "fail" and "read-only" in one.text and "writable" in (one.mend or "")


def test_a_log_that_does_not_verify(home: Path) -> None:
    connection = apsw.Connection(str(home / "store.sqlite3"))
    connection.execute("UPDATE entry SET signature = zeroblob(64)")
    connection.close()
    one = check(found(home), "log")
    assert one.state == "fail" and "does not verify" in one.text


def test_the_age_and_place_of_backups(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def backed_up() -> models.BackupMade:
        async with node.opened(home, passphrase=None) as services:
            return await services.backups.create(models.BackupOrder(path=str(tmp_path / "x.backup")))

    created = asyncio.run(backed_up()).backup.created
    assert created is not None
    one = check(found(home, now=created + 3_600_000 * 5), "backup")
    assert one.state == "warn" and "5 hours old, on the same disk" in one.text
    monkeypatch.setattr("netnode.services.doctor.stored._same_disk", lambda home, backup: False)
    assert check(found(home, now=created + 3_600_000 * 5), "backup").state == "ok"
    assert "4 days old" in check(found(home, now=created + 86_400_000 * 4), "backup").text
    one = check(found(home, Live("ws://127.0.0.1:1/inx/1", None, "The disk is full."), now=created), "backup")
    assert one.state == "fail" and "The disk is full." in one.text
    (tmp_path / "x.backup").unlink()
    assert "no longer at" in check(found(home, now=created), "backup").text


def test_the_clock() -> None:
    assert computer.clock(NOW, None, None).state == "ok"
    assert computer.clock(NOW, NOW - 5, 100).state == "ok"
    assert computer.clock(1000, None, None).state == "fail"
    assert computer.clock(computer.LATEST, None, None).state == "fail"
    assert (
        computer.clock(NOW, None, 121_000).state == "fail"
        and "behind" in computer.clock(NOW, None, 121_000).text
    )
    assert "ahead of" in computer.clock(NOW, None, -121_000).text
    assert computer.clock(NOW, None, -60_000).state == "warn"
    assert computer.clock(NOW, NOW + 600_000, None).state == "fail"


def test_the_versions() -> None:
    assert computer.sqlite("3.40.1").state == computer.sqlite("3.51.2").state == "fail"
    assert computer.sqlite("3.51.3").state == computer.sqlite("3.54.1").state == "ok"
    assert computer.python().state == "ok"


class Full(SystemDisk):
    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left

    def free(self, path: Path) -> int:
        return self.left


def test_the_disk(tmp_path: Path) -> None:
    for left, state in ((1000, "fail"), (computer.LOW, "warn"), (computer.LOW * 10, "ok")):
        assert computer.space("disk", Full(left), tmp_path, 1_000_000).state == state
    assert computer.space("disk", SystemDisk(), tmp_path / "none", 1).state == "fail"


def test_the_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        assert "another program listens" in computer.port(listen, None).text
        assert computer.port(listen, "ws://x").state == "ok"
    assert computer.port(listen, None).state == "ok"
    assert computer.port("192.0.2.7:0", None).state == "fail"
    assert computer.port("[::1]:0", None).state in ("ok", "fail")


async def test_a_running_node_answers_for_itself(home: Path) -> None:
    options = StartOptions(passphrase=None, listen="127.0.0.1:0")
    async with node.online(home, options) as services:
        examined = await services.doctor.examine()
    assert examined.running and examined.ok
    assert "listens at ws://127.0.0.1" in check(examined, "port").text


async def test_after_a_repair_all_is_well(home: Path) -> None:
    path = home / "store.sqlite3"
    spoil(path)
    assert not found(home).ok
    await repair(home, False, Watch())
    examined = found(home)
    assert {
        state for name, state in states(examined).items() if name not in ("place", "backup", "publishing")
    } == {"ok"}
