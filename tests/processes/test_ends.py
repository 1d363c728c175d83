"""How a node ends, and what holds after an end of any kind."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.processes.kills import kill_rounds
from tests.processes.launcher import Launcher, Place, until


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_node_with_open_sessions_cleanly(nodes: Launcher, by: int) -> None:
    ada = nodes.start("ada")
    ben = nodes.start("ben", "--peer", ada.invite())
    until(lambda: ada.get("/status")["logs"] == 2, "they met")
    assert ada.connected() == {ben.id}
    assert ada.end(by) == 0
    assert not (ada.home / "running.json").exists()
    until(lambda: ben.get("/status")["sessions"] == 0, "the other side noticed")
    assert "ERROR" not in ada.said() + ben.said()
    after = ada.ask("status")
    assert after["running"] is False and after["logs"] == 2


def test_nothing_acknowledged_is_lost_by_kill(nodes: Launcher) -> None:
    told = kill_rounds(nodes, 5)
    assert told.acknowledged > 50 and told.writer and told.reader


def test_a_home_killed_while_it_was_made_is_made_anew(nodes: Launcher) -> None:
    for _ in range(3):
        node, _ = nodes.launch("ada")
        until(lambda node=node: node.home.exists(), "the home is being made")
        node.end(signal.SIGKILL)
    assert nodes.start("ada").get("/status")["entries"] in (
        2,
        3,
    )  # with its encryption keys, once they are published


def test_a_second_start_on_one_home_says_so(nodes: Launcher) -> None:
    ada = nodes.start("ada")
    for _ in range(2):
        second = ada.run("start", "--listen", "127.0.0.1:0", "--json")
        assert second.code == 4
        assert "running already" in second.sentence and ada.ready["api"] in second.sentence
        assert second.json["error"]["code"] == "running"
    assert ada.get("/status")["running"]


def test_of_two_starts_at_once_one_runs(nodes: Launcher, place: Place) -> None:
    one, other = (nodes.launch("home") for _ in range(2))
    until(
        lambda: any(node.process.poll() is not None for node, _ in (one, other)), "one of them gives up", 20
    )
    (loser, _), (winner, ready_file) = (one, other) if one[0].process.poll() is not None else (other, one)
    winner.wait_ready(ready_file)
    loser.expected = (4,)
    assert loser.process.returncode == 4
    assert "Another netnode process" in loser.said() or "running already" in loser.said()
    assert winner.get("/status")["running"]


def test_without_a_running_node_stop_says_so_and_status_answers_from_the_store(place: Place) -> None:
    stopped = place.run("stop", "--json")
    assert stopped.code == 5
    assert "No node is running" in stopped.sentence
    assert stopped.json["error"]["code"] == "not_running"
    assert place.ask("status")["running"] is False


def test_commands_on_one_home_wait_for_each_other(place: Place) -> None:
    def add(number: int) -> int:
        return place.run(
            "listing", "add", "--kind", "service", "--key", f"k{number}", "--title", f"Service {number}"
        ).code

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(add, range(6))) == [0] * 6
    assert len(place.ask("listing", "ls")["items"]) == 6
    assert place.ask("log", "verify")["ok"]
