"""`netnode mesh`: a mesh that stays up, steered from another terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from netnode.testing import END_SECONDS, PROGRAM, Place, Result, command, environment, wait_until

UP_SECONDS = 60


def on(folder: Path, *arguments: object) -> Result:
    """A command on the mesh of a folder."""
    return command("mesh", *arguments, "--folder", folder)


def asked(folder: Path, *arguments: object) -> Any:
    result = on(folder, *arguments, "--json")
    assert result.code == 0, result
    return result.json


@contextmanager
def mesh_up(folder: Path, *arguments: object) -> Iterator[tuple[subprocess.Popen[bytes], Any]]:
    """A mesh in a process of its own, and what its ready file says."""
    ready, said = folder.with_suffix(".ready"), folder.with_suffix(".said")
    given = ["mesh", "up", "--folder", folder, "--ready-file", ready, *arguments]
    with said.open("wb") as sink:
        process = subprocess.Popen(
            [*PROGRAM, *map(str, given)],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
        )
    try:
        wait_until(lambda: ready.exists() or process.poll() is not None, "the mesh is up", UP_SECONDS)
        assert process.poll() is None, said.read_text()
        yield process, json.loads(ready.read_text())
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(3 * END_SECONDS)
    assert "Traceback" not in said.read_text()


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended, and that nobody has asked for its end yet, does not."""
    with suppress(OSError):  # where there is no /proc, the signal alone tells
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_mesh_from_up_to_down(tmp_path: Path) -> None:
    folder = tmp_path / "mesh"
    with mesh_up(folder, "--nodes", 4, "--topology", "ring", "--latency", 5) as (process, ready):
        assert [node["name"] for node in ready["nodes"]] == ["n1", "n2", "n3", "n4"] and ready["level"]
        assert {(edge["dialler"], edge["target"]) for edge in ready["edges"]} == {
            ("n2", "n1"), ("n3", "n2"), ("n4", "n3"), ("n1", "n4"),
        }  # fmt: skip
        assert {(edge["state"], edge["latency"]) for edge in ready["edges"]} == {("open", 0.005)}
        shown = on(folder, "status")
        assert (
            shown.code == 0
            and "All nodes that are up hold the same." in shown.out
            and str(folder) in shown.out
        )

        assert asked(folder, "partition", "n1,n2", "/", "n3,n4") == {"cut": [["n3", "n2"], ["n1", "n4"]]}
        homes = {node["name"]: Place(Path(node["home"])) for node in ready["nodes"]}
        for name in ("n1", "n3"):
            homes[name].ask(
                "listing", "add", "--kind", "product", "--key", f"lamp-{name}", "--title", "A lamp"
            )
        state = asked(folder, "status")
        assert not state["level"]
        assert [edge["state"] for edge in state["edges"]] == ["open", "cut", "open", "cut"]

        killed = asked(folder, "kill", "n2")
        assert killed["state"] == "ended" and killed["sessions"] is None and not alive(killed["pid"])
        again = on(folder, "kill", "n2")
        assert again.code == 4 and "--restart" in again.sentence
        back = asked(folder, "kill", "n2", "--restart")
        assert back["state"] == "up" and back["pid"] != killed["pid"] and back["id"] == killed["id"]
        assert asked(folder, "heal")["edges"][1]["state"] == "open"
        wait_until(lambda: asked(folder, "status")["level"], "all hold the same", 20)
        found = lambda: {node["listings"] for node in asked(folder, "status")["nodes"]}  # noqa: E731
        wait_until(lambda: found() == {2}, "the catalogues show it, a moment later", 20)

        pids = [node["pid"] for node in asked(folder, "status")["nodes"]]
        ended = on(folder, "down")
        assert ended.code == 0 and ended.out == "The mesh has ended.\n"
        assert process.wait(END_SECONDS) == 0
        assert not any(alive(pid) for pid in pids)
    assert on(folder, "status").code == 5
    assert (folder / "n1" / "keys.json").exists(), "a folder that was named stays"


def test_a_mesh_with_clocks_lets_time_pass(tmp_path: Path) -> None:
    """Its nodes are on a network of their own, so that nothing of a clock that was set reaches anybody else."""
    folder = tmp_path / "mesh"
    with mesh_up(folder, "--nodes", 2, "--clock", "1d") as (_, ready):
        assert [node["clock"] for node in ready["nodes"]] == [86_400, 86_400]
        n1 = Place(Path(ready["nodes"][0]["home"]))
        assert n1.ask("config", "get", "network")["value"] == "test"
        assert [node["clock"] for node in asked(folder, "clock", "7d")["nodes"]] == [691_200, 691_200]
        shown = on(folder, "clock", "2h", "--back", "--node", "n2")
        assert shown.code == 0 and shown.out == "n1  8d ahead\nn2  7d 22h ahead\n"
        n1.ask("listing", "add", "--kind", "product", "--key", "lamp", "--title", "A lamp")
        lamp = n1.ask("listing", "show", "lamp")
        assert 7.9 < (lamp["time"] / 1000 - time.time()) / 86_400 < 8.1
        asked(folder, "kill", "n2", "--restart")
        assert asked(folder, "status")["nodes"][1]["clock"] == 684_000, "it keeps its clock"
        for arguments, code, says in (
            (("clock", "soon"), 2, "write a time as"),
            (("clock", "9999d"), 4, "3650 days"),
            (("clock", "1d", "--node", "n9"), 3, "There are: n1, n2."),
        ):
            result = on(folder, *arguments)
            assert result.code == code and says in result.sentence, result


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "mesh"
    none = on(folder, "status", "--json")
    assert none.code == 5 and none.json["error"]["code"] == "no_mesh" and "netnode mesh up" in none.sentence
    with mesh_up(folder, "--nodes", 2):
        for arguments, code, says in (
            (("kill", "n9"), 3, "There are: n1, n2."),
            (("partition", "n1", "/"), 2, "netnode mesh partition n1,n2 / n3,n4"),
            (("partition", "n1,n2", "/", "n1"), 4, "one group at most"),
            (("partition",), 2, "A,B"),
            (("up", "--nodes", 2), 4, "netnode mesh down"),
            (("clock", "7d"), 4, "netnode mesh up --clock 0"),
            (("up", "--nodes", 0), 2, "--nodes"),
            (("up", "--clock", "late"), 2, "--clock"),
            (("up", "--topology", "cube"), 2, "cube"),
        ):
            result = on(folder, *arguments)
            assert result.code == code and says in result.sentence, result
        nothing = on(folder, "partition", "n1,n2")
        assert nothing.code == 0 and "nothing was cut" in nothing.out
        silent = on(folder, "partition", "n1", "--silent")
        assert silent.code == 0 and "n2 - n1" in silent.out
        control = json.loads((folder / "mesh.json").read_text())
        assert (folder / "mesh.json").stat().st_mode & 0o077 == 0
        (folder / "mesh.json").write_text(json.dumps(control | {"token": "0" * 32}))
        refused = on(folder, "down", "--json")
        assert refused.code == 4 and refused.json["error"]["code"] == "token"
        (folder / "mesh.json").write_text(json.dumps(control))
    used = on(folder, "up")
    assert used.code == 4 and "not empty" in used.sentence


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_leaves_nothing(
    tmp_path: Path, by: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no folder is named, one of this user is taken, and goes."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    ready = tmp_path / "ready"
    with (tmp_path / "said").open("wb") as sink:
        process = subprocess.Popen(
            [*PROGRAM, "mesh", "up", "--nodes", "2", "--json", "--ready-file", str(ready)],
            env=environment(), stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    wait_until(ready.exists, "the mesh is up", UP_SECONDS)
    assert command("mesh", "status", "--json").json["level"]
    process.send_signal(by)
    assert process.wait(2 * END_SECONDS) == 0
    (line,) = (tmp_path / "said").read_text().splitlines()
    document = json.loads(line)
    assert document == json.loads(ready.read_text())
    assert not any(alive(node["pid"]) for node in document["nodes"])
    assert not Path(document["folder"]).exists()


def test_what_a_killed_mesh_left_behind_is_ended(tmp_path: Path) -> None:
    folder = tmp_path / "mesh"
    with mesh_up(folder, "--nodes", 2) as (process, ready):
        process.kill()
        process.wait(END_SECONDS)
        left = on(folder, "status")
        assert left.code == 5 and "netnode mesh down" in left.sentence
        wait_until(lambda: not any(alive(node["pid"]) for node in ready["nodes"]), "the nodes have ended", 20)
        assert on(folder, "down").code == 0
    assert on(folder, "down").code == 5


def test_a_start_that_was_killed_can_be_ended(tmp_path: Path) -> None:
    folder = tmp_path / "mesh"
    process = subprocess.Popen(
        [*PROGRAM, "mesh", "up", "--nodes", "2", "--folder", str(folder)],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until((folder / "n1").exists, "a node is being started", UP_SECONDS)
    process.kill()
    process.wait(END_SECONDS)
    again = on(folder, "up")
    assert again.code == 4 and "netnode mesh down" in again.sentence
    assert on(folder, "down").code == 0
    assert on(folder, "down").code == 5
