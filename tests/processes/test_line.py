"""Nodes in a line: what is published at one end is found at the other, although the ends never meet."""

from __future__ import annotations

from pathlib import Path

from tests.processes.launcher import Launcher, Node, launcher, until


def test_a_listing_and_its_withdrawal_travel_the_line(nodes: Launcher) -> None:
    ada = nodes.start("ada")
    ben = nodes.start("ben", "--peer", ada.invite())
    cleo = nodes.start("cleo", "--peer", ben.invite())
    until(
        lambda: cleo.get("/status")["logs"] == 3 == ada.get("/status")["logs"], "everybody has all three logs"
    )

    ref = ada.add("lamp", "Brass lamp", price="80.00", currency="EUR")["ref"]
    until(lambda: cleo.keys("lamp") == {"lamp"}, "found at the other end")
    assert cleo.ask("listing", "show", ref)["fields"]["title"] == "Brass lamp"
    cleo.add("lamp-shade", "Lamp shade")
    until(lambda: ada.keys("lamp") == {"lamp", "lamp-shade"}, "found the other way")

    ada.ask("listing", "withdraw", "lamp")
    until(lambda: cleo.keys("lamp") == {"lamp-shade"}, "gone at the other end")
    assert cleo.get("/search", text="brass lamp")["total"] == 0

    assert ada.connected() == {ben.id} == cleo.connected()
    assert ben.connected() == {ada.id, cleo.id}
    assert ada.id not in {peer["id"] for peer in cleo.peers()}
    assert cleo.id not in {peer["id"] for peer in ada.peers()}


def test_the_ends_of_a_line_find_each_other(tmp_path: Path) -> None:
    """Peer exchange: who is in the middle tells each of the other [R-BOOK-6] [R-BOOK-7]."""
    with launcher(tmp_path, outbound_sessions=8) as nodes:
        ada = nodes.start("ada")
        ben = nodes.start("ben", "--peer", ada.invite())
        cleo = nodes.start("cleo", "--peer", ben.invite())
        until(lambda: cleo.connected() == {ada.id, ben.id}, "the triangle is closed", 30)
        told = cleo.get("/peers/show", peer=ada.id)
        assert [each["group"] for each in told["addresses"]] == ["loopback"]
        until(lambda: "tried" in states(cleo, ada) + states(ada, cleo), "who dialled knows that it answers")
        assert told["peer"]["addresses"] == []
        assert ben.end() == 0
        ada.add("lamp", "Brass lamp")
        until(lambda: cleo.keys("lamp") == {"lamp"}, "it works without the one in the middle")


def states(node: Node, peer: Node) -> list[str]:
    """The states of the addresses that one node knows of another."""
    rows = node.get("/peers/addresses")["items"]
    return [row["state"] for row in rows if row["id"] == peer.id]


def test_what_was_published_while_a_peer_was_away_comes_when_it_is_back(nodes: Launcher) -> None:
    ada = nodes.start("ada")
    ben = nodes.start("ben", "--peer", ada.invite())
    until(lambda: ben.get("/status")["logs"] == 2, "they met")
    assert ben.end() == 0
    for number in range(5):
        ada.add(f"cup-{number}", f"Cup number {number}")
    again = nodes.start("ben")
    until(lambda: len(again.keys("cup")) == 5, "what was missed is here")
    again.add("saucer", "Saucer")
    until(lambda: ada.keys("saucer") == {"saucer"}, "and the other way")


def test_a_peer_that_comes_back_at_the_same_address_is_met_again(nodes: Launcher) -> None:
    ada = nodes.start("ada")
    ben = nodes.start("ben", "--peer", ada.invite())
    until(lambda: ben.connected() == {ada.id}, "they met")
    address = f"127.0.0.1:{ada.port}"
    assert ada.end() == 0
    until(lambda: ben.connected() == set(), "the end of the session was noticed")
    back = nodes.start("ada", "--listen", address)
    until(lambda: ben.connected() == {back.id}, "they met again", 30)
    back.add("kettle", "Kettle")
    until(lambda: ben.keys("kettle") == {"kettle"}, "and replicate")


def test_a_blocked_networker_gets_no_session(nodes: Launcher) -> None:
    ada, ben = nodes.start_all("ada", "ben")
    ada.ask("peer", "block", ben.id)
    ben.ask("peer", "add", ada.invite())
    until(lambda: any(peer["note"] for peer in ben.peers()), "the refusal is told")
    ada.add("lamp", "Brass lamp")
    assert ada.get("/status")["sessions"] == 0 == ben.get("/status")["sessions"]
    assert ben.keys("lamp") == set()
    ada.ask("peer", "block", "--lift", ben.id)
    until(lambda: ben.keys("lamp") == {"lamp"}, "once it is lifted they meet", 30)
