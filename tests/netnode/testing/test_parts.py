"""The small parts of netnode.testing: waiting, topologies, merged logs, clocks, the lazy package."""

from __future__ import annotations

import pydoc
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

import netnode.testing
from netnode.system import SystemClock, SystemEntropy
from netnode.testing import MeshFailure, timeout_factor, wait_until
from netnode.testing.client import Client
from netnode.testing.clocks import OffsetClock, write_offset
from netnode.testing.logs import merged
from netnode.testing.programs import Result, environment
from netnode.testing.topologies import TOPOLOGIES, edges_of

NAMES = [f"n{number}" for number in range(1, 8)]


def test_waiting_gives_the_first_true_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NETNODE_TIMEOUT_FACTOR", raising=False)
    answers = iter([0, None, "", "there"])
    assert wait_until(lambda: next(answers), "it is there") == "there"
    with pytest.raises(MeshFailure, match=r"^not within 0.05 s: the moon$"):
        wait_until(lambda: False, "the moon", 0.05)
    with pytest.raises(MeshFailure, match=r"the moon \(the last answer was set\(\)\)$"):
        wait_until(set[str], "the moon", 0.05)
    monkeypatch.setenv("NETNODE_TIMEOUT_FACTOR", "2.5")
    with pytest.raises(MeshFailure, match=r"not within 0.25 s"):
        wait_until(lambda: False, "the moon", 0.1)


@pytest.mark.parametrize("wrong", ["", "0", "-1", "much", "nan", "inf"])
def test_a_factor_that_makes_no_sense(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    assert timeout_factor() > 0
    monkeypatch.setenv("NETNODE_TIMEOUT_FACTOR", wrong)
    with pytest.raises(MeshFailure, match="NETNODE_TIMEOUT_FACTOR"):
        timeout_factor()


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("count", range(1, 8))
def test_a_mesh_is_connected_and_nobody_is_dialled_twice(topology: str, count: int) -> None:
    names = NAMES[:count]
    edges = edges_of(names, topology, SystemEntropy())  # type: ignore[arg-type]
    assert len({frozenset(edge) for edge in edges}) == len(edges) and all(a != b for a, b in edges)
    reached = {names[0]}
    for _ in names:
        reached |= {name for edge in edges if reached & set(edge) for name in edge}
    assert reached == set(names)


def test_the_form_of_each_topology() -> None:
    chance = SystemEntropy()
    assert edges_of(NAMES[:3], "line", chance) == [("n2", "n1"), ("n3", "n2")]
    assert edges_of(NAMES[:3], "ring", chance) == [("n2", "n1"), ("n3", "n2"), ("n1", "n3")]
    assert edges_of(NAMES[:3], "star", chance) == [("n2", "n1"), ("n3", "n1")]
    assert len(edges_of(NAMES, "random", chance)) == 6 + 3


def test_logs_are_merged_by_time(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("2026-11-22 03:00:00,100 a\nTraceback\n2026-11-22 03:00:00,300 c\n")
    other.write_text("2026-11-22 03:00:00,200 b\n")
    assert merged([("ada", one), ("benedict", other), ("gone", tmp_path / "gone")]) == [
        "ada       2026-11-22 03:00:00,100 a",
        "ada       Traceback",
        "benedict  2026-11-22 03:00:00,200 b",
        "ada       2026-11-22 03:00:00,300 c",
    ]


@pytest.mark.parametrize("ahead", [timedelta(days=40), timedelta(days=-400), timedelta(milliseconds=1)])
def test_a_clock_is_set_while_it_is_read(tmp_path: Path, ahead: timedelta) -> None:
    write_offset(tmp_path / "clock", timedelta(0))
    clock, real = OffsetClock(tmp_path / "clock"), SystemClock()
    assert abs(clock.now_ms() - real.now_ms()) < 5_000
    write_offset(tmp_path / "clock", ahead)
    assert abs(clock.now_ms() - real.now_ms() - ahead / timedelta(milliseconds=1)) < 5_000
    before = clock.monotonic()
    assert before <= clock.monotonic() <= real.monotonic()


def test_results_of_commands() -> None:
    assert Result(0, '{"a": 1}\n', "").json == {"a": 1}
    assert Result(1, "", "Error: The disk is full. Free some.\n").sentence == "The disk is full. Free some."
    for wrong in ("", "Error: no\n", "Error: one sentence of it\nError: and another one\n"):
        with pytest.raises(MeshFailure):
            _ = Result(1, "", wrong).sentence
    for wrong in ("", "{}", "{}\n{}\n"):
        with pytest.raises(MeshFailure):
            _ = Result(0, wrong, "").json


def test_nodes_run_what_this_process_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETNODE_HOME", "/nowhere")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    given = environment()
    assert "NETNODE_HOME" not in given
    assert given["PYTHONPATH"].split(":") == [str(Path(netnode.__file__).parents[1]), "/elsewhere"]


def test_a_node_that_does_not_answer() -> None:
    from netnode.problems import ExitCode, Problem

    with pytest.raises(Problem) as raised:
        Client(lambda: "http://127.0.0.1:1", lambda: "token").get("/status")
    assert (raised.value.exit_code, raised.value.code) == (ExitCode.UNREACHABLE, "unreachable")


def test_all_that_is_public_is_there_and_documented() -> None:
    for name in netnode.testing.__all__:
        found = getattr(netnode.testing, name)
        assert name.isupper() or found.__doc__, name
    assert set(netnode.testing.__all__) == set(netnode.testing._PLACES)
    with pytest.raises(AttributeError):
        _ = netnode.testing.nothing  # type: ignore[attr-defined]


def test_the_plugin_loads_next_to_nothing() -> None:
    """Every test run of a project that has netnode installed imports it."""
    script = "import pytest, sys; before = set(sys.modules); import netnode.testing.plugin\n"
    script += "print(*sorted(set(sys.modules) - before))"
    said = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True
    ).stdout
    assert said.split() == ["netnode", "netnode.testing", "netnode.testing.plugin"]


def test_all_but_the_plugin_works_without_pytest() -> None:
    script = "import sys; sys.modules['pytest'] = None\n"
    script += "import netnode.cli.mesh, netnode.testing.control, netnode.testing.program"
    subprocess.run([sys.executable, "-c", script], env=environment(), check=True)


def test_a_mesh_of_nobody(tmp_path: Path) -> None:
    with netnode.testing.Mesh(tmp_path) as mesh:
        mesh.wait_connected(0.1)
        mesh.heal()
        with pytest.raises(MeshFailure, match="no node runs"):
            mesh.wait_level()
        with pytest.raises(MeshFailure, match="none"):
            mesh["ada"]
    assert mesh.log() == []


def test_the_clocked_program_says_how_it_is_used() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "netnode.testing.program"], env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stderr.startswith("usage: ")


def test_help_shows_what_is_public() -> None:
    shown = pydoc.render_doc(netnode.testing, renderer=pydoc.plaintext)
    for said in ("class Mesh(", "class Node(", "class Edge(", "class Faults(", "wait_until(look"):
        assert said in shown
