"""Nodes in a line: what is published at one end is found at the other, although the ends never meet."""

from __future__ import annotations

from pathlib import Path

from netnode.testing import Mesh, Node, wait_until


def test_a_listing_and_its_withdrawal_travel_the_line(mesh: Mesh) -> None:
    ada = mesh.start("ada")
    ben = mesh.start("ben", "--peer", ada.invite())
    cleo = mesh.start("cleo", "--peer", ben.invite())
    wait_until(
        lambda: cleo.api.get("/status")["logs"] == 3 == ada.api.get("/status")["logs"],
        "everybody has all three logs",
    )

    ref = ada.add("lamp", "Brass lamp", price="80.00", currency="EUR")["ref"]
    wait_until(lambda: cleo.keys("lamp") == {"lamp"}, "found at the other end")
    assert cleo.ask("listing", "show", ref)["fields"]["title"] == "Brass lamp"
    cleo.add("lamp-shade", "Lamp shade")
    wait_until(lambda: ada.keys("lamp") == {"lamp", "lamp-shade"}, "found the other way")

    ada.ask("listing", "withdraw", "lamp")
    wait_until(lambda: cleo.keys("lamp") == {"lamp-shade"}, "gone at the other end")
    assert cleo.api.get("/search", text="brass lamp")["total"] == 0

    assert ada.connected() == {ben.id} == cleo.connected()
    assert ben.connected() == {ada.id, cleo.id}
    assert ada.id not in {peer["id"] for peer in cleo.peers()}
    assert cleo.id not in {peer["id"] for peer in ada.peers()}


def test_the_ends_of_a_line_find_each_other(tmp_path: Path) -> None:
    """Peer exchange: who is in the middle tells each of the other [R-BOOK-6] [R-BOOK-7]."""
    with Mesh(tmp_path, settings={"outbound_sessions": 8}) as mesh:
        ada = mesh.start("ada")
        ben = mesh.start("ben", "--peer", ada.invite())
        cleo = mesh.start("cleo", "--peer", ben.invite())
        wait_until(lambda: cleo.connected() == {ada.id, ben.id}, "the triangle is closed", 30)
        told = lambda: cleo.api.get("/peers/show", peer=ada.id)  # noqa: E731
        groups = lambda: [each["group"] for each in told()["addresses"]]  # noqa: E731
        wait_until(lambda: groups() == ["loopback"], "whoever dialled, cleo knows where ada listens")
        wait_until(
            lambda: "tried" in states(cleo, ada) + states(ada, cleo), "who dialled knows that it answers"
        )
        assert told()["peer"]["addresses"] == []
        assert ben.end() == 0
        ada.add("lamp", "Brass lamp")
        wait_until(lambda: cleo.keys("lamp") == {"lamp"}, "it works without the one in the middle")


def states(node: Node, peer: Node) -> list[str]:
    """The states of the addresses that one node knows of another."""
    rows = node.api.get("/peers/addresses")["items"]
    return [row["state"] for row in rows if row["id"] == peer.id]


def test_what_was_published_while_a_peer_was_away_comes_when_it_is_back(mesh: Mesh) -> None:
    ada = mesh.start("ada")
    ben = mesh.start("ben", "--peer", ada.invite())
    wait_until(lambda: ben.api.get("/status")["logs"] == 2, "they met")
    assert ben.end() == 0
    for number in range(5):
        ada.add(f"cup-{number}", f"Cup number {number}")
    again = mesh.start("ben")
    wait_until(lambda: len(again.keys("cup")) == 5, "what was missed is here")
    again.add("saucer", "Saucer")
    wait_until(lambda: ada.keys("saucer") == {"saucer"}, "and the other way")


def test_a_peer_that_comes_back_at_the_same_address_is_met_again(mesh: Mesh) -> None:
    ada = mesh.start("ada")
    ben = mesh.start("ben", "--peer", ada.invite())
    wait_until(lambda: ben.connected() == {ada.id}, "they met")
    address = f"127.0.0.1:{ada.port}"
    assert ada.end() == 0
    wait_until(lambda: ben.connected() == set(), "the end of the session was noticed")
    back = mesh.start("ada", "--listen", address)
    wait_until(lambda: ben.connected() == {back.id}, "they met again", 30)
    back.add("kettle", "Kettle")
    wait_until(lambda: ben.keys("kettle") == {"kettle"}, "and replicate")


def test_a_blocked_networker_gets_no_session(mesh: Mesh) -> None:
    ada, ben = mesh.start_all("ada", "ben")
    ada.ask("peer", "block", ben.id)
    ben.ask("peer", "add", ada.invite())
    wait_until(lambda: any(peer["note"] for peer in ben.peers()), "the refusal is told")
    ada.add("lamp", "Brass lamp")
    assert ada.api.get("/status")["sessions"] == 0 == ben.api.get("/status")["sessions"]
    assert ben.keys("lamp") == set()
    ada.ask("peer", "block", "--lift", ben.id)
    wait_until(lambda: ben.keys("lamp") == {"lamp"}, "once it is lifted they meet", 30)
