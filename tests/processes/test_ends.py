"""How a node ends, and what holds after an end of any kind."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from netnode.testing import Mesh, Place, wait_until
from tests.processes.kills import kill_rounds


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_node_with_open_sessions_cleanly(mesh: Mesh, by: int) -> None:
    ada = mesh.start("ada")
    ben = mesh.start("ben", "--peer", ada.invite())
    wait_until(lambda: ada.api.get("/status")["logs"] == 2, "they met")
    assert ada.connected() == {ben.id}
    assert ada.end(by) == 0
    assert not (ada.home / "running.json").exists()
    wait_until(lambda: ben.api.get("/status")["sessions"] == 0, "the other side noticed")
    assert "ERROR" not in ada.said() + ben.said()
    after = ada.ask("status")
    assert after["running"] is False and after["logs"] == 2


def test_nothing_acknowledged_is_lost_by_kill(mesh: Mesh) -> None:
    told = kill_rounds(mesh, 5)
    assert told.acknowledged > 50 and told.writer and told.reader


def test_a_home_killed_while_it_was_made_is_made_anew(mesh: Mesh) -> None:
    for files in (1, 2, 3):  # the settings are there before the program begins
        node = mesh.launch("ada")
        wait_until(
            lambda node=node, files=files: len(os.listdir(node.home)) > files, "the home is being made"
        )
        node.end(signal.SIGKILL)
    assert mesh.start("ada").api.get("/status")["entries"] in (
        2,
        3,
    )  # with its encryption keys, once they are published


def test_a_second_start_on_one_home_says_so(mesh: Mesh) -> None:
    ada = mesh.start("ada")
    for _ in range(2):
        second = ada.run("start", "--listen", "127.0.0.1:0", "--json")
        assert second.code == 4
        assert "running already" in second.sentence and ada.ready.api in second.sentence
        assert second.json["error"]["code"] == "running"
    assert ada.api.get("/status")["running"]


def test_of_two_starts_at_once_one_runs(mesh: Mesh, place: Place) -> None:
    one, other = (mesh.launch(name, home=place.home) for name in ("one", "other"))
    wait_until(lambda: not (one.running and other.running), "one of them gives up", 20)
    loser, winner = (other, one) if one.running else (one, other)
    winner.wait_ready()
    loser.launches[-1].expected = (4,)
    assert loser.process.returncode == 4
    assert "Another netnode process" in loser.said() or "running already" in loser.said()
    assert winner.api.get("/status")["running"]


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
