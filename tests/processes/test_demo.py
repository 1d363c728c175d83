"""`netnode demo --once`: a mesh of real nodes that ends by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from netnode.testing import PROGRAM, command, environment, wait_until


@pytest.fixture
def own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the demo puts its nodes, to see that it leaves nothing."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def test_the_nodes_of_the_demo_level_and_find_the_same(own_tmp: Path) -> None:
    result = command("demo", "--once", "--nodes", 3, "--json")
    assert result.code == 0
    document = result.json
    assert set(document) == {"nodes", "search"}
    assert len(document["nodes"]) == 3
    for row in document["nodes"]:
        assert set(row) == {"node", "id", "logs", "entries", "listings", "seconds"}
        assert row["logs"] == 3 and row["listings"] == 10
        assert 16 <= row["entries"] <= 19  # each node publishes its encryption keys meanwhile
        assert 0 <= row["seconds"] < 30
    assert len({row["id"] for row in document["nodes"]}) == 3
    search = document["search"]
    assert search["total"] == len(search["items"]) == 4
    assert len({item["seller"] for item in search["items"]}) > 1, (
        "what is found comes from more than one node"
    )
    assert list(own_tmp.iterdir()) == []


def test_the_demo_shows_a_table_to_people(own_tmp: Path) -> None:
    result = command("demo", "--once", "--nodes", 2)
    assert result.code == 0
    for said in ("Node", "Logs", "Entries", "Listings", "Converged", "Amara", "Bastian", "coffee"):
        assert said in result.out


@pytest.mark.parametrize("moment", ["Starting", "serves peers", "stay up"])
def test_ctrl_c_ends_the_demo_and_all_its_nodes_at_any_moment(own_tmp: Path, moment: str) -> None:
    with tempfile.TemporaryFile() as sink:
        demo = subprocess.Popen(
            [*PROGRAM, "demo", "--nodes", "2"], env=environment() | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True,
        )  # fmt: skip

        def said() -> str:
            return os.pread(sink.fileno(), 100_000, 0).decode()

        wait_until(lambda: moment in said(), "the demo is that far", 30)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(15) == 0
        assert "Traceback" not in said() and "Error" not in said()
    assert list(own_tmp.iterdir()) == []
