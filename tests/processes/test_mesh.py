"""Meshes of real processes with everything that can go wrong between them and in them."""

from __future__ import annotations

import os
import shutil
import signal
import time
import urllib.request
from datetime import timedelta

import pytest

from netnode.problems import ExitCode, Problem
from netnode.testing import Faults, Mesh, MeshFailure, Node, timeout_factor, wait_until

LEVEL_SECONDS = 10.0  # what is promised after healing


def publish(nodes: list[Node], *keys: str) -> set[str]:
    """Publishes at each node; the keys of what was acknowledged."""
    told = set()
    for node in nodes:
        for key in keys:
            told.add(node.add(f"{node.name}-{key}", f"Thing {key} of {node.name}")["key"])
    return told


def test_a_partition_with_kills_on_both_sides_heals(mesh: Mesh) -> None:
    """Six nodes in a ring with chords of chance; both sides publish, one node of each is killed and comes back."""
    nodes = mesh.up(["a1", "a2", "a3", "b1", "b2", "b3"], "ring", faults=Faults(latency=0.005))
    left, right = nodes[:3], nodes[3:]
    mesh.connect("a1", "a3")
    mesh.connect("b1", "b3")
    mesh.wait_connected()
    acknowledged = publish(nodes, "before")
    mesh.wait_level()

    cut = mesh.partition(left, right)
    assert [(edge.dialler, edge.target) for edge in cut] == [("b1", "a3"), ("a1", "b3")]
    for side in (left, right):
        ids = {node.id for node in side}
        wait_until(lambda side=side, ids=ids: all(node.connected() <= ids for node in side), "they are apart")
    acknowledged |= publish(nodes, "apart-1", "apart-2")
    mesh.wait_level(left)
    mesh.wait_level(right)
    assert left[0].logs() != right[0].logs()
    for victim in (left[1], right[2]):
        acknowledged |= publish([victim], "last")
        victim.kill()
    survivors = [node for node in nodes if node.running]
    assert len(survivors) == 4
    acknowledged |= publish(survivors, "meanwhile")
    for victim in (left[1], right[2]):
        mesh.restart(victim)
        acknowledged |= publish([victim], "back")

    began = time.monotonic()
    mesh.heal()
    mesh.wait_level(seconds=LEVEL_SECONDS)
    assert time.monotonic() - began < LEVEL_SECONDS * timeout_factor()
    for node in nodes:
        assert {log[4] for log in node.logs().values()} == {"open"} and len(node.logs()) == 6
        wait_until(lambda node=node: node.keys("Thing") == acknowledged, f"{node.name} finds all of it")
        assert node.api.get("/log/verify")["ok"]


def test_a_silent_partition_holds_what_is_sent_and_heals(mesh: Mesh) -> None:
    """What was sent while the cable was cut comes when it is mended, in the sessions that stood."""
    ada, ben = mesh.up(["ada", "ben"])
    mesh.partition([ada], silent=True)
    ada.add("lamp", "Brass lamp")
    assert ben.keys("lamp") == set() and ada.connected() == {ben.id}
    mesh.heal()
    wait_until(lambda: ben.keys("lamp") == {"lamp"}, "the listing came through", LEVEL_SECONDS)


def test_a_session_that_is_reset_at_any_byte_comes_back(mesh: Mesh) -> None:
    ada, ben = mesh.up(["ada", "ben"])
    edge = mesh["ada", "ben"]
    for number, at in enumerate((0, 1, 100, 700, 1_500, 4_000)):
        edge.set(reset_after=at)
        edge.reset()
        ada.add(f"lamp-{number}", f"Lamp {number}")
        mesh.heal()
        mesh.wait_connected()
    mesh.wait_level()
    assert len(ben.keys("lamp")) == 6


def test_one_direction_that_is_cut(mesh: Mesh) -> None:
    ada, ben = mesh.up(["ada", "ben"])  # ben dials
    ada.add("rug", "Rag rug")
    mesh.wait_level()  # the first comparison is over: from now on ada tells what is new unasked
    wait_until(lambda: ben.keys("rug") == {"rug"}, "they have met")
    edge = mesh[ada, ben]
    edge.cut("out")
    ben.add("book", "Cook book")
    ada.add("lamp", "Brass lamp")
    wait_until(lambda: ben.keys("lamp") == {"lamp"}, "what comes back gets through")
    assert ada.keys("book") == set()
    edge.heal()
    mesh.wait_level()
    assert ada.keys("book") == {"book"} and ben.keys("lamp") == {"lamp"}


def test_a_half_open_connection_is_replaced(mesh: Mesh) -> None:
    ada, ben = mesh.up(["ada", "ben"])
    mesh[ada, ben].half_open()
    wait_until(lambda: ada.connected() == set(), "the far side was told")
    assert ben.connected() == {ada.id}, "the dialler was not"
    ada.add("lamp", "Brass lamp")
    mesh.heal()
    wait_until(lambda: ben.keys("lamp") == {"lamp"}, "they met again", LEVEL_SECONDS)


def test_a_thin_slow_line_carries_it_all(mesh: Mesh) -> None:
    slow = Faults(latency=0.04, jitter=0.02, bandwidth=40_000)
    ada, ben = mesh.start_all("ada", "ben")
    for number in range(30):
        ada.add(f"lamp-{number}", f"Lamp {number}", description="x" * 500)
    began = time.monotonic()
    edge = mesh.connect(ben, ada, slow)
    mesh.wait_level()
    assert time.monotonic() - began > edge.passed[1] / 40_000 > 0.3


def test_a_node_that_hangs_holds_nobody_up(mesh: Mesh) -> None:
    """SIGSTOP: its connections stand and it answers nothing; the others go on, and it catches up."""
    ada, ben, cleo = mesh.up(["ada", "ben", "cleo"], "ring")
    ben.pause()
    mesh.wait_connected()  # it is passed over
    ada.add("lamp", "Brass lamp")
    wait_until(lambda: cleo.keys("lamp") == {"lamp"}, "around the one that hangs")
    mesh.wait_level()
    ben.resume()
    wait_until(lambda: ben.keys("lamp") == {"lamp"}, "it caught up")
    ben.pause()
    ben.end()  # a paused node can be ended


def test_a_clock_that_jumps_forty_days_ahead(mesh: Mesh) -> None:
    """What it publishes is dated then, its peers keep it; it comes back, and publishes nothing until it is asked."""
    ada, ben = mesh.up(["ada", "ben"], clock=timedelta(0))
    ben.add("lamp", "Brass lamp")
    mesh.wait_level()
    ada.set_clock(timedelta(days=40))
    ada.add("book", "Cook book")
    mesh.wait_level()
    (entry,) = [e for e in ben.api.pages("/log", author=ada.id) if e["kind_name"] == "listing"]
    assert abs(entry["time"] / 1000 - time.time() - 40 * 86_400) < 300
    ada.set_clock(timedelta(0))
    with pytest.raises(Problem) as refused:
        ada.add("cup", "Cup")
    assert (refused.value.exit_code, refused.value.code) == (ExitCode.REFUSED, "clock")
    mesh.restart(ada)  # also when it begins so
    with pytest.raises(Problem, match="clock"):
        ada.add("cup", "Cup")
    plain = mesh.start("plain")
    with pytest.raises(MeshFailure, match="computer's clock"):
        plain.set_clock(timedelta(1))


def test_a_node_comes_back_at_another_port_or_the_same(mesh: Mesh) -> None:
    ada, ben = mesh.up(["ada", "ben"])
    before = ada.port
    mesh.restart(ada, same_port=True)
    assert ada.port == before
    mesh.wait_connected()
    ada.kill()
    assert not ada.running
    mesh.start("taken", "--listen", f"127.0.0.1:{before}")
    mesh.restart(ada)
    assert ada.port != before
    ada.add("lamp", "Brass lamp")
    wait_until(lambda: ben.keys("lamp") == {"lamp"}, "found at the new port", 30)
    assert mesh["ben", "ada"].address == mesh["ada", "ben"].address


def test_a_client_from_outside_meets_faults_at_the_front(mesh: Mesh) -> None:
    ada = mesh.start("ada")
    front = ada.front
    assert front.api != ada.ready.api
    ben = mesh.start("ben", "--peer", front.address)  # peers are clients too
    wait_until(lambda: ben.connected() == {ada.id}, "a session through the front")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(f"{front.api}/api/v1/status")
    request.add_header("Authorization", f"Bearer {(ada.home / 'token').read_text().strip()}")
    with opener.open(request, timeout=20) as answer:
        assert answer.status == 200
    front.refuse()
    with pytest.raises(OSError, match="refused"):
        opener.open(request, timeout=20)
    assert ada.status().running, "calls of the node itself do not take it"
    mesh.restart(ada)
    front.heal()
    with opener.open(request, timeout=20) as answer:
        assert answer.status == 200


def test_what_a_mesh_says_when_it_is_used_wrongly(mesh: Mesh) -> None:
    ada, ben = mesh.up(2)
    assert (ada.name, ben.name) == ("n1", "n2")
    for wrong, says in (
        (lambda: mesh.start("n1"), "runs already"),
        (lambda: mesh["ada"], "there are: n1, n2"),
        (lambda: mesh.connect(ben, ada), "dials n1 already"),
        (lambda: mesh.partition([ada], [ada, ben]), "one group at most"),
        (lambda: mesh.partition(), "in one of its groups at least"),
        (lambda: mesh["n1", mesh.start("n3")], "not connected"),
        (lambda: mesh.wait_level([ada, mesh["n3"]], 0.1), "all hold the same:\n  n1: "),
        (lambda: mesh.wait_connected(0.1) or ben.kill() or ben.status(), "n2|does not answer"),
        (lambda: mesh.launch("n4", "--listen", "nowhere").wait_ready(), "n4 ended at its start"),
    ):
        with pytest.raises((MeshFailure, Problem), match=says):
            wrong()
    mesh["n4"].launches[-1].expected = (2,)


def test_a_node_that_ends_badly_fails_its_mesh() -> None:
    made = Mesh()
    node = made.start("ada")
    os.kill(node.process.pid, signal.SIGKILL)  # nobody told the mesh
    node.process.wait(10)
    with pytest.raises(MeshFailure, match="ada ended with -9") as failed:
        made.close()
    assert str(made.folder) in str(failed.value) and made.folder.exists()
    made.close(judge=False)
    made = Mesh(made.folder)  # its folder is used again, and stays
    assert made.start("ada").id == node.id
    made.close()
    assert made.folder.exists()
    shutil.rmtree(made.folder)


def test_a_mesh_outside_of_pytest_keeps_its_homes_when_it_fails(capfd: pytest.CaptureFixture[str]) -> None:
    with Mesh() as mesh:
        mesh.start("ada")
        gone = mesh.folder
    assert not gone.exists()
    with pytest.raises(ZeroDivisionError), Mesh() as mesh:
        mesh.start("ada")
        assert mesh.log() and "serves peers" in mesh.log()[0]
        raise ZeroDivisionError
    assert str(mesh.folder) in capfd.readouterr().err and (mesh.folder / "ada" / "node.log").exists()
    with Mesh(mesh.folder) as again:
        assert again.folder == mesh.folder
    shutil.rmtree(mesh.folder)
