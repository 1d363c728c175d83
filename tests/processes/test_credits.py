"""Two networks in real processes: who is owed what, by whom, and that every node computes it alike.

`sol` sells lamps by a plan along the path, `nora` tea by a plan of an opportunity; `ann` and `ben` recommend both,
nora is sol's third referrer and ally, and `vera` belongs to nobody: it buys, and audits. A buyer without a node orders
by the pages of whoever brought it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from netnode.testing import Mesh, Node, timeout_factor, wait_until
from netnode.testing.programs import PYTHON
from tests.examples.shopping import shop
from tests.processes import credit_market as credit
from tests.processes.credit_market import PATIENCE, SALE
from tests.processes.test_copies import unnoticed

EXPOSED_SECONDS = 15.0  # from when both branches are on the way until a node has the proof

LAMP_PLAN = """
title = "Along the path"
unit = "ray"
currency = "EUR"
maximum = "20%"
r5 = false
r6 = false
r19 = false
[[path]]
mode = "geometric"
first = "10%"
ratio = "50%"
"""
TEA_PLAN = """
title = "Tea levels"
unit = "leaf"
currency = "EUR"
maximum = "20%"
opportunity = "tea-team"
[[unilevel]]
compression = "none"
rates = ["12%", "5%"]
"""
TEA_TEAM = """
key = "tea-team"
title = "Tea team"
description = "Sell tea."
products = ["tea"]
[disclosure]
identity = "Nora Ltd, 1 High Street."
legal = "none"
cancellation = "At any time."
references = ["Ask any member."]
"""


@dataclass
class Two:
    """The nodes of both networks."""

    sol: Node
    nora: Node
    ann: Node
    ben: Node
    vera: Node

    @property
    def all(self) -> list[Node]:
        return [self.sol, self.nora, self.ann, self.ben, self.vera]


def networks(mesh: Mesh, folder: Path) -> Two:
    """Both issuers with their plans and listings, known everywhere."""
    two = Two(*credit.market(mesh, ("sol", "nora", "ann", "ben", "vera")))
    for name, text in (("lamp", LAMP_PLAN), ("tea", TEA_PLAN), ("team", TEA_TEAM)):
        (folder / f"{name}.toml").write_text(text)
    two.sol.ask("plan", "publish", folder / "lamp.toml")
    two.sol.add("lamp", "Brass lamp", price="80.00", currency="EUR")
    two.nora.ask("opportunity", "publish", folder / "team.toml")
    two.nora.ask("plan", "publish", folder / "tea.toml")
    two.nora.add("tea", "Green tea", price="12.50", currency="EUR")
    mesh.wait_level()
    return two


def made(by: Node, subject: str) -> str:
    """The link of a recommendation."""
    return str(by.api.post("/referrals/make", {"subject": subject})["link"])


def forwarded(by: Node, link: str) -> str:
    """The link of who passes a recommendation on."""
    return str(by.api.post("/referrals/forward", {"link": link})["link"])


def shopped(way: Node, seller: Node, link: str) -> tuple[str, str]:
    """A whole deal of a buyer without a node, at the page of a node; the deal, and the buyer's link to it."""
    ordered = shop("order", way.ready.api, link, "--bits", 0)
    back, deal = ordered["link"], ordered["deal"]
    until(back, "agreed")
    shop("paid", back, ordered["figures"]["price"])
    credit.paid_and_sent(seller, deal)
    until(back, "fulfilled")
    assert shop("received", back)["phase"] == "final"
    return deal, back


def until(link: str, phase: str) -> Any:
    """What the shopper sees once its deal is in a phase."""

    def look() -> Any:
        seen = shop("show", link)
        return seen if seen["phase"] == phase else None

    return wait_until(look, f"the shopper sees {phase}", PATIENCE)


def allied(two: Two) -> None:
    """The issuers agree to pay each other: sol a fifth of its lamps, nora 8 % of its tea."""
    made = two.sol.ask("alliance", "propose", two.nora.id, "--give", 20, "--get", 8)["alliance"]
    wait_until(lambda: two.nora.api.get("/alliances")["items"], "the proposal is there", PATIENCE)
    two.nora.ask("alliance", "accept", made)
    wait_until(
        lambda: all(one["state"] == "agreed" for one in two.sol.api.get("/alliances")["items"]),
        "both have signed",
        PATIENCE,
    )


def audited(by: Node, issuer: Node) -> Any:
    """What a node says of an issuer from its log alone."""
    found = by.ask("credit", "audit", issuer.id)
    assert (found["wrongs"], found["unknown_from"], found["branches"]) == (0, None, []), found
    return found


def standing(by: Node, issuer: Node) -> Any:
    """What speaks against an issuer as far as a node knows."""
    return by.api.get("/credits/audit", issuer=issuer.id)["standing"]


def stage(node: Node, swap: str) -> str:
    """How far a swap is."""
    return str(node.api.get("/swaps/show", swap=swap)["stage"])


def brought(node: Node) -> Any:
    """What a node says of the one deal that it brought about."""
    (found,) = node.api.get("/referrals/orders")["items"]
    return found


def refunded(link: str, amount: int) -> bool:
    """Has the shopper confirm a refund once it has come."""
    if not any(each["action"] == "refund_received" for each in shop("show", link)["steps"]):
        return False
    return bool(shop("refunded", link, amount)["figures"]["refund_received"] == amount)


def owed(audit: Any) -> dict[str, tuple[str, ...]]:
    """By unit: issued, clawed back, outstanding."""
    return {
        each["unit"]: (each["issued"], each["clawed_back"], each["outstanding"]) for each in audit["units"]
    }


@pytest.mark.timeout(300)
def test_two_networks_pay_whom_they_owe_and_every_node_computes_it_alike(mesh: Mesh, tmp_path: Path) -> None:
    two = networks(mesh, tmp_path)
    sol, nora, ann, ben, vera = two.all
    lamp, tea = f"{sol.id}/lamp", f"{nora.id}/tea"

    # A plan along the path: ann told ben, ben told nora, and nora's page served who bought.
    along = forwarded(nora, forwarded(ben, made(ann, lamp)))
    deal, back = shopped(nora, sol, along)
    for holder, amount in ((nora, "8.00"), (ben, "4.00"), (ann, "2.00")):
        credit.has(vera, sol, holder, ray={"pending": amount})

    # A quarter goes back: what remains of each award is what the rest of the price gives.
    sol.api.post("/deals/refund", {"deal": deal, "amount": "20.00"})
    wait_until(lambda: refunded(back, 2_000), "the shopper confirms the refund", PATIENCE)
    for holder, left in ((nora, "6.00"), (ben, "3.00"), (ann, "1.50")):
        credit.has(vera, sol, holder, ray={"pending": left})

    # Between the networks the alliance decides, both ways; inside the other one its own plan does.
    allied(two)
    shopped(nora, sol, made(ann, lamp))
    credit.bought(vera, nora, made(sol, tea))
    credit.bought(ann, nora, made(ben, tea))
    credit.has(vera, sol, nora, ray={"pending": "6.00"}, EUR={"pending": "16.00"})
    credit.has(vera, nora, sol, EUR={"pending": "1.00"})
    credit.has(vera, nora, ben, leaf={"pending": "1.50"})

    # The holds are over: ann and ben swap, and what each has of both issuers is the same to the cent.
    credit.pass_days(two.all, 31)
    swap = ann.ask(
        "credit", "swap", "propose", ben.id, "--give", "1.00", "--from", sol.id, "--give-unit", "ray", "--get",
        "0.75", "--of", nora.id, "--get-unit", "leaf",
        "--yes",
    )["swap"]  # fmt: skip
    wait_until(lambda: ben.api.get("/swaps")["items"], "the proposal is there", PATIENCE)
    ben.ask("credit", "swap", "accept", swap, "--yes")
    for node in (ann, ben):
        wait_until(lambda node=node: stage(node, swap) == "given", "the swap is over", PATIENCE)
    mesh.wait_level()
    mine = {"balance": "0.50", "available": "0.50", "awarded": "2.00", "clawed_back": "0.50", "sent": "1.00"}
    yours = {
        "balance": "4.00",
        "available": "4.00",
        "awarded": "4.00",
        "clawed_back": "1.00",
        "received": "1.00",
    }
    for by in two.all:
        credit.has(by, sol, ann, ray=mine)
        credit.has(by, sol, ben, ray=yours)
        credit.has(by, nora, ann, leaf={"balance": "0.75", "available": "0.75", "received": "0.75"})
        credit.has(
            by, nora, ben, leaf={"balance": "0.75", "available": "0.75", "awarded": "1.50", "sent": "0.75"}
        )

    # A node that has no part in it recomputes both ledgers from the logs it holds.
    sols, noras = audited(vera, sol), audited(vera, nora)
    assert owed(sols) == {"ray": ("14.00", "3.50", "10.50"), "EUR": ("16.00", "0.00", "16.00")}
    assert owed(noras) == {"leaf": ("1.50", "0.00", "1.50"), "EUR": ("1.00", "0.00", "1.00")}
    assert not sols["standing"]["exposed"] and not noras["standing"]["suspected"]
    assert [len(credit.entries(vera, each, SALE)) for each in (sol, nora)] == [2, 2]

    exposed_everywhere(mesh, two)


def exposed_everywhere(mesh: Mesh, two: Two) -> None:
    """A copy of the issuer's home publishes beside it: every node has the proof within seconds, and shows it."""
    two.sol.end()
    copy = mesh.folder / "copy"
    unnoticed(two.sol.home, copy)
    for home, title in ((two.sol.home, "Ours"), (copy, "Theirs")):
        file = mesh.folder / f"{title}.toml"
        file.write_text(LAMP_PLAN.replace("Along the path", title))
        credit.alone(two.sol, home, "plan", "publish", file)
    others = [two.nora, two.ann, two.ben, two.vera]
    sol = mesh.start("sol", clock=timedelta(days=31))
    credit.introduce(sol, others)
    other = mesh.start("copy", clock=timedelta(days=31))
    credit.introduce(other, others)
    began = time.monotonic()
    for node in others:
        wait_until(
            lambda node=node: standing(node, sol)["exposed"], f"{node.name} has the proof", EXPOSED_SECONDS
        )
    assert time.monotonic() - began < EXPOSED_SECONDS * timeout_factor()
    found = two.vera.ask("credit", "audit", sol.id)
    assert found["standing"]["exposed"]
    # What both branches have in common is owed once.
    assert owed(found) == {"ray": ("14.00", "3.50", "10.50"), "EUR": ("16.00", "0.00", "16.00")}
    assert "Exposed: this issuer has forked its log." in two.vera.run("credit", "audit", sol.id).out


@pytest.mark.timeout(300)
def test_an_issuer_that_publishes_no_sale_is_challenged_and_suspected(mesh: Mesh) -> None:
    """[R-CRED-56] [R-CRED-76] The referrer's node proves the sale, asks in public, and shows who does not answer."""
    settings = {"outbound_sessions": 0, "stamp_bits": 0, "auto_accept": "on"}
    silent = (*PYTHON, "tests.processes.silent", str(mesh.folder / "mute.clock"))
    mute = mesh.start("mute", clock=timedelta(0), settings=settings, program=silent)
    rita, vera = mesh.start_all("rita", "vera", clock=timedelta(0), settings=settings)
    nodes = [mute, rita, vera]
    credit.meet(nodes)
    mute.add("lamp", "Brass lamp", price="80.00", currency="EUR", commission="10")
    mesh.wait_level()
    deal, _ = shopped(rita, mute, made(rita, f"{mute.id}/lamp"))
    wait_until(lambda: brought(rita)["received"] == 1, "the receipt is proved", PATIENCE)
    assert (brought(rita)["logged"], brought(rita)["awards"]) == ("not_logged", [])
    challenge = rita.ask("credit", "challenge", "--order", deal)
    assert challenge["issuer"]["id"] == mute.id
    wait_until(lambda: standing(mute, mute)["open"] == 1, "the issuer has it", PATIENCE)
    mesh.wait_level()
    for days, open_, suspected in ((13, 1, False), (28, 0, True)):
        for node in nodes:
            node.set_clock(timedelta(days=days))
        for node in (rita, vera):  # looks at challenges when it starts, and else every five minutes
            mesh.restart(node, same_port=True)
        wait_until(lambda open_=open_: standing(rita, mute)["open"] == open_, "it is looked at", PATIENCE)
        assert standing(rita, mute)["suspected"] is suspected
    wait_until(
        lambda: standing(vera, mute)["suspected"], "everybody sees that nobody answered in public", PATIENCE
    )
    assert "Suspected: 1 challenge not answered" in rita.run("credit", "balance", mute.id).out
    assert credit.entries(vera, mute, SALE) == [] and not standing(rita, mute)["exposed"]
