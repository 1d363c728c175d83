"""Three real nodes: an order with an arbiter, a dispute from both sides, a ruling, a refund and a review."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netnode.testing import Mesh, Node, wait_until

PATIENCE = 60.0  # seconds; why: the load of other tests
CAP = {"key": "cap", "kind": "product", "title": "Blue cap", "price": "12.50", "currency": "EUR"}


def knows(node: Node, deal: str, type_: str) -> bool:
    """Whether a deal has a message of that type here."""
    rows = node.api.get("/deals", all="true")["items"]
    return any(row["deal"] == deal for row in rows) and any(
        each["type"] == type_ for each in node.api.get("/deals/show", deal=deal)["messages"]
    )


def move(node: Node, name: str, deal: str, to: tuple[Node, ...], type_: str, **fields: Any) -> None:
    """Makes a move, and waits until others have it."""
    node.api.post(f"/deals/{name}", {"deal": deal, **fields})
    for each in to:
        wait_until(lambda each=each: knows(each, deal, type_), f"the {type_} is there", PATIENCE)


def claims(arbiter: Node) -> list[str]:
    cases = arbiter.api.get("/arbiters/cases")["items"]
    return sorted(each["role"] for case in cases for each in case["claims"])


def test_a_dispute_from_order_to_review(mesh: Mesh, tmp_path: Path) -> None:  # [R-ARB-5] [R-ARB-8] [R-REV-2]
    sol, bea, abe = mesh.start_all("sol", "bea", "abe")
    for one, other in ((sol, bea), (sol, abe), (bea, abe)):
        one.api.post("/peers/add", {"uri": other.peer})
    sol.api.post("/listings/add", {"fields": CAP})
    ref = f"{sol.id}/cap"
    wait_until(lambda: bea.api.get("/search", text="cap")["items"], "the listing is found", PATIENCE)
    given = {"percent": "4", "terms": "Whoever loses pays the fee.", "to": [sol.id, bea.id]}
    abe.api.post("/arbiters/offer", given)
    for node in (sol, bea):
        wait_until(lambda node=node: node.api.get("/arbiters")["items"], "the consent is there", PATIENCE)

    deal: str = bea.api.post("/deals/order", {"ref": ref, "arbiter": abe.id})["deal"]
    wait_until(lambda: knows(sol, deal, "order"), "the order is there", PATIENCE)
    move(sol, "accept", deal, (bea,), "accept")
    move(bea, "paid", deal, (sol,), "payment_sent")
    move(sol, "received", deal, (bea,), "payment_received")
    move(sol, "fulfil", deal, (bea,), "fulfil")
    move(bea, "dispute", deal, (sol, abe), "dispute", claim="2.50", text="The seam was open.")
    move(sol, "dispute", deal, (), "dispute", claim="12.50", text="It left whole.")
    wait_until(lambda: claims(abe) == ["buyer", "seller"], "both claims are there", PATIENCE)
    (case,) = abe.api.get("/arbiters/cases")["items"]
    assert case["deal"] == deal and case["fee"]["amount"] == "0.50" and case["warnings"] == []
    move(abe, "rule", deal, (sol, bea), "ruling", keeps="5.00", paid="12.50", delivered=[1], text="Half.")
    move(sol, "refund", deal, (bea,), "refund")
    move(bea, "refunded", deal, (sol,), "refund_received")
    move(bea, "receipt", deal, (sol,), "receive")
    for node in (sol, bea):
        shown = node.api.get("/deals/show", deal=deal)
        assert (shown["state"], shown["figures"]["base"]["amount"]) == ("final", "5.00")

    bea.api.post("/reviews/write", {"deal": deal, "rating": 2, "text": "Ask Abe."})
    wait_until(lambda: sol.api.get("/reviews", ref=ref)["items"], "the review is there", PATIENCE)
    (review,) = sol.api.get("/reviews", ref=sol.id)["items"]
    assert (review["rating"], review["buyer"], review["listing"]) == (2, bea.id, ref)
    file = tmp_path / "case.inxd"
    abe.ask("deal", "export", deal, str(file))
    assert abe.ask("deal", "verify", str(file))["valid"] is True
