"""Invites, ping, netcheck and the well-known document, as a person meets them: real nodes, real command line."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

from netnode.testing import Mesh, Node, command, wait_until


def joined(node: Node) -> list[str]:
    return [joiner["id"] for row in node.ask("peer", "invites", "ls")["items"] for joiner in row["joined"]]


def test_an_invite_with_a_pin(mesh: Mesh, tmp_path: Path) -> None:
    """Who has the link alone gets five tries in all; with the PIN it opens once."""
    ada, ben = mesh.start_all("ada", "ben")
    qr = tmp_path / "invite.svg"
    made = ada.ask(
        "peer", "invite", "--pin", "--expires", "1h", "--uses", "1", "--note", "fair", "--qr-file", qr
    )
    assert qr.read_text().startswith("<?xml") and made["pin"] not in made["uri"].split("?a=")[0]
    asked = ben.run("peer", "add", made["uri"])
    assert asked.code == 2 and "--pin-file" in asked.sentence
    pin = tmp_path / "pin"
    wrong = f"{(int(made['pin']) + 1) % 10**6:06}"
    pin.write_text("12345\n")
    assert ben.run("peer", "add", made["uri"], "--pin-file", pin).code == 2, "five digits are no PIN"
    pin.write_text(wrong + "\n")
    said = [ben.run("peer", "add", made["uri"], "--pin-file", pin) for _ in range(5)]
    assert [result.code for result in said] == [4] * 5
    left = [re.search(r"(\d) (try is|tries are) left", result.sentence) for result in said]
    assert [match and match[1] for match in left] == ["4", "3", "2", "1", None] and "last try" in said[
        4
    ].sentence
    pin.write_text(f"{made['pin'][:3]} {made['pin'][3:]}\n")
    late = ben.run("peer", "add", made["uri"], "--pin-file", pin)
    assert late.code == 4 and "too many wrong PINs" in late.sentence
    assert joined(ada) == [] and ben.connected() == {ada.id}, "the session goes on"
    again = ada.ask("peer", "invite", "--pin")
    pin.write_text(f"{again['pin'][:3]} {again['pin'][3:]}\n")
    assert ben.ask("peer", "add", again["uri"], "--pin-file", pin)["invite"] == "joined"
    assert joined(ada) == [ben.id]
    rows = ada.ask("peer", "invites", "ls")["items"]
    assert [(row["state"], row["wrong_pins"]) for row in rows] == [("used", 0), ("locked", 5)]
    assert "locked: too many wrong PINs" in ada.run("peer", "invites", "ls").out


def test_an_invite_that_expired_was_taken_back_or_used_up(mesh: Mesh) -> None:
    ada, ben = mesh.start_all("ada", "ben")
    made = ada.ask("peer", "invite", "--expires", "never", "--follow")
    link = made["uri"]
    early = link.replace("?t=", "?e=1000000000&t=")
    told = ben.run("peer", "add", early)
    assert told.code == 4 and "time is over" in told.sentence and ben.peers() == []
    assert ada.run("peer", "invite", "--expires", "soon").code == 2
    assert ada.run("peer", "invite", "--qr-file", "code.gif").code == 2
    assert ben.ask("peer", "add", link)["invite"] == "joined"
    assert ben.id in [one["id"] for one in ada.ask("following")["items"]], "--follow"
    other = ada.ask("peer", "invite")
    assert ada.run("peer", "invites", "revoke", other["number"]).code == 0
    assert ada.run("peer", "invites", "revoke", "99").code == 3
    back = ben.run("peer", "add", other["uri"])
    assert back.code == 4 and "taken back" in back.sentence


def test_an_invite_is_shown_when_the_node_starts_later(mesh: Mesh) -> None:
    ada = mesh.start("ada")
    made = ada.ask("peer", "invite")
    ben = mesh.folder / "ben"
    assert command("--home", ben, "init", "--name", "Ben", "--no-passphrase").code == 0
    added = command("--home", ben, "peer", "add", made["uri"], "--json")
    assert added.json["invite"] == "pending"
    node = mesh.start("ben")
    wait_until(lambda: joined(ada) == [node.id], "ben joined")
    wait_until(lambda: node.peers()[0]["invite"] == "joined", "ben knows")


def test_ping_and_netcheck(mesh: Mesh) -> None:
    ada, ben = mesh.start_all("ada", "ben")
    assert ben.run("ping", ada.id).code == 3, "nobody of that name is in the book"
    alone = ben.ask("netcheck")
    assert alone["reachable"] == "unknown" and alone["peers"] == []
    ben.ask("peer", "add", ada.ask("peer", "invite")["uri"])
    pinged = ben.ask("ping", ada.id)
    assert (
        pinged["seen_as"] == "127.0.0.1" and pinged["milliseconds"] < 10_000 and abs(pinged["clock"]) < 10_000
    )
    assert "sees you at 127.0.0.1" in ben.run("ping", ada.peer).out
    found = ben.ask("netcheck")
    assert found["reachable"] == "here" and found["confirmed"] == [ben.peer]
    assert [(one["id"], one["reached"], one["dialled"]) for one in found["peers"]] == [
        (ada.id, True, ben.peer)
    ]
    shown = ben.run("netcheck").out
    assert "from this computer only" in shown and "netnode config set listen" in shown


def test_a_node_that_nobody_can_dial_says_so_and_works(mesh: Mesh) -> None:
    """It publishes, receives and searches through the session it opened [R-REACH-5]."""
    ada, ben = mesh.start_all("ada", "ben")
    ben.ask(
        "config", "set", "public_address", "ws://127.0.0.1:1/inx/1"
    )  # a port that a router does not forward
    ben.ask("peer", "add", ada.ask("peer", "invite")["uri"])
    wait_until(lambda: ben.connected() == {ada.id}, "a session")
    other = mesh.start("cleo")
    other.ask("peer", "add", ada.ask("peer", "invite")["uri"])
    found = ben.ask("netcheck")
    assert (found["reachable"], found["confirmed"]) == ("no", [])
    assert [one["reached"] for one in found["peers"] if one["id"] == ada.id] == [False]
    assert "works all the same" in found["advice"][0] and "router" in " ".join(found["advice"])
    ben.add("lamp", "Brass lamp")
    wait_until(lambda: ada.keys("lamp") == {"lamp"}, "ada has it")
    other.add("book", "Cook book")
    wait_until(lambda: ben.keys("book") == {"book"}, "ben has it through ada")
    assert ben.ask("status")["reachable"] == "no"
    assert "no; it works through the sessions it opens itself" in ben.run("status").out


def test_the_well_known_document_needs_no_token(mesh: Mesh) -> None:
    ada = mesh.start("ada")
    url = f"{ada.ready.api}/.well-known/netnode.json"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as answer:
        found = json.load(answer)
        assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert (found["id"], found["network"], found["name"]) == (ada.id, "inx", "Ada")
    assert ada.ask("domain", "document") == found
    request = urllib.request.Request(url, headers={"Host": "evil.example"})
    try:
        opener.open(request, timeout=10)
        raise AssertionError("it answered to a foreign name")
    except urllib.error.HTTPError as error:
        assert error.code == 403
        error.close()
    none = ada.run("domain", "verify")
    assert none.code == 3 and "profile edit --domain" in none.sentence
    ada.ask("profile", "edit", "--domain", "nobody.invalid")
    assert "unverified" in ada.run("profile", "show").out
    looked = ada.run("domain", "verify", "--json")
    assert looked.code == 1
    failed = json.loads(looked.out)
    assert failed["state"] == "failed" and "nobody.invalid" in failed["note"]
    assert "failed on" in ada.run("profile", "show").out and "failed on" in ada.run("domain", "ls").out
