"""The fixture `mesh` in a project of somebody else: found by itself, and talkative when a test fails."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from netnode.testing import environment, wait_until
from tests.processes.test_mesh_command import alive

SUITE = """
from pathlib import Path

def test_passes(mesh):
    ada = mesh.start("ada")
    Path("passed").write_text(str(mesh.folder))

def test_fails(mesh):
    ada, ben = mesh.up(["ada", "ben"])
    assert ada.id == ben.id, "two networkers"

def test_ends_badly(mesh):
    mesh.start("ada").process.kill()

def test_needs_no_mesh():
    pass
"""
HANGS = """
import signal
from pathlib import Path

def test_hangs(mesh):
    ada, ben = mesh.start_all("ada", "ben")
    ben.pause()
    Path("pids.new").write_text(f"{ada.ready.pid} {ben.ready.pid}")
    Path("pids.new").rename("pids")
    signal.pause()
"""


def outside(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs pytest on the suite, as its own project would."""
    kept = {name: value for name, value in environment().items() if name != "PYTEST_ADDOPTS"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env=kept | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=110,
    )


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_suite.py").write_text(SUITE)
    return tmp_path


def test_a_failure_tells_what_the_nodes_said_and_keeps_their_homes(suite: Path) -> None:
    done = outside(suite, "-p", "no:asyncio", "test_suite.py")  # it needs no event loop of a plugin
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 3 passed, 1 error" in done.stdout, done.stdout
    assert not Path((suite / "passed").read_text()).exists()
    failed = done.stdout.split("AssertionError: two networkers", 1)[1].split("netnode mesh", 1)[1]
    (kept,) = re.findall(r"homes and logs are kept in (\S+)", failed.split("=====")[0])
    assert (Path(kept) / "ada" / "node.log").exists() and (Path(kept) / "ben" / "store.sqlite3").exists()
    assert re.search(r"^ada  \d{4}-.*serves peers at", failed, re.M)
    assert "ada ended with -9" in done.stdout
    assert len([path for path in suite.iterdir() if path.name.startswith("netnode-mesh-")]) == 2


def test_homes_are_kept_where_that_is_asked_for(suite: Path) -> None:
    done = outside(suite, "--mesh-keep", "test_suite.py::test_passes")
    assert done.returncode == 0, done.stdout
    assert (Path((suite / "passed").read_text()) / "ada" / "keys.json").exists()


def test_a_project_without_a_mesh_is_left_alone(suite: Path) -> None:
    done = outside(suite, "-p", "no:netnode", "test_suite.py::test_needs_no_mesh")
    assert done.returncode == 0
    found = outside(suite, "--fixtures-per-test", "test_suite.py::test_passes")
    assert "A `netnode.testing.Mesh` without nodes" in found.stdout, os.linesep.join(
        [found.stdout, found.stderr]
    )


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_no_node_outlives_a_test_process_that_was_ended(tmp_path: Path, by: int) -> None:
    (tmp_path / "test_hangs.py").write_text(HANGS)
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_hangs.py"],
        cwd=tmp_path,
        env={**environment(), "TMPDIR": str(tmp_path), "PYTEST_ADDOPTS": ""},
        stdout=subprocess.DEVNULL,
    )
    wait_until((tmp_path / "pids").exists, "two nodes serve", 60)
    process.send_signal(by)
    process.wait(10)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    wait_until(lambda: not any(map(alive, pids)), "the nodes have ended, the paused one too", 20)
