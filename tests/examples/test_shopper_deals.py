"""The JavaScript shopper against real nodes: a seller who publishes nothing, and the node that brought the buyer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from netnode.services.witnesses import verified
from netnode.testing import Mesh, Node, wait_until
from tests.examples.shopping import SECONDS, shop, tried

NOTE = "Please-wrap-it-in-blue-paper-7391"
STREET = "Secret-Street-4242"


def order(way: Node, seller: Node, *more: object) -> Any:
    """An order of two lamps through a node."""
    return shop(
        "order", way.ready.api, f"{seller.id}/lamp", "--quantity", 2, "--note", NOTE, "--country", "DE",
        "--name", "Bea Buyer", "--line", STREET, "--city", "Berlin", "--bits", 0, *more,
    )  # fmt: skip


def show(link: str) -> Any:
    return shop("show", link)


def until(link: str, phase: str) -> Any:
    """Looks at a deal until it is in a phase."""
    seen: list[Any] = []

    def look() -> bool:
        seen[:] = [show(link)]
        return bool(seen[0]["phase"] == phase)

    wait_until(look, f"the shopper sees {phase}", SECONDS)
    return seen[0]


def deals(node: Node) -> list[dict[str, Any]]:
    return node.api.pages("/deals", all=True)


def unlogged(node: Node) -> list[str]:
    """Codes of the sales that its log does not have."""
    return [each["code"] for each in node.ask("credit", "sales")["items"]]


def bytes_of(node: Node) -> Iterator[tuple[Path, bytes]]:
    for path in node.home.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes()


@pytest.fixture
def market(mesh: Mesh) -> tuple[Mesh, Node, Node]:
    """A seller with a lamp, and a referrer that knows it."""
    seller, way = mesh.up(["seller", "referrer"])
    seller.add(
        "lamp", "Brass lamp", price="12.50", currency="EUR", commission="10",
        tax={"rate": "19", "included": True, "title": "VAT"},
        shipping=[{"regions": ["*"], "price": "4.90", "label": "Post"}],
    )  # fmt: skip
    wait_until(lambda: way.keys("lamp") == {"lamp"}, "the referrer knows the lamp", SECONDS)
    return mesh, seller, way


def test_a_deal_through_a_referrer(market: tuple[Mesh, Node, Node], tmp_path: Path) -> None:
    """[R-SHOP-5..8, 10..12, 14] From order to receipt; the referrer proves it and knows nothing of the goods."""
    _, seller, way = market
    ordered = order(way, seller)
    assert (ordered["phase"], ordered["figures"]["price"]) == ("ordered", 2_990)
    link, deal = ordered["link"], ordered["deal"]
    wait_until(lambda: len(deals(seller)) == 1, "the order is at the seller", SECONDS)
    shown = seller.api.get("/deals/show", deal=deal)
    assert shown["note"] == NOTE and shown["address"]["lines"] == [STREET] and shown["differs"] == []
    seller.api.post("/deals/accept", {"deal": deal})
    agreed = until(link, "agreed")
    assert agreed["contract"] and agreed["witnessed"] and agreed["steps"][0]["action"] == "payment_sent"
    paid = shop("paid", link, 2_990, "--reference", "Order 7")
    assert paid["figures"]["unconfirmed_payments"] == 2_990
    wait_until(
        lambda: seller.api.get("/deals/show", deal=deal)["figures"]["unconfirmed"]["minor"] > 0,
        "paid",
        SECONDS,
    )
    seller.api.post("/deals/received", {"deal": deal})
    seller.api.post("/deals/fulfil", {"deal": deal, "tracking": "Tracking-T-1"})
    until(link, "fulfilled")
    final = shop("received", link)
    assert final["phase"] == "final" and set(final["verdicts"].values()) == {None}
    wait_until(lambda: seller.api.get("/deals/show", deal=deal)["state"] == "final", "final", SECONDS)

    [witnessed] = way.ask("witness", "ls")["items"]
    assert (witnessed["order"], witnessed["seller"], len(witnessed["receipts"])) == (deal, seller.id, 1)
    assert [step["referrer"] for step in witnessed["path"]] == [way.id]
    file = tmp_path / "proof.inxw"
    assert way.ask("witness", "export", file, "--order", deal[:8])["bytes"] == file.stat().st_size
    proof = way.ask("witness", "verify", file)
    assert proof["valid"] and proof["witnesses"][0]["listing"] == witnessed["listing"]
    assert proof["witnesses"][0]["path"][0]["checked"]
    assert verified(file.read_bytes()).valid, "without a store, whatever the seller publishes or not"

    assert shop("review", link, 5, "A warm light.")["phase"] == "final"
    [review] = way.ask("review", "ls", seller.id)["items"]
    assert (review["rating"], review["text"], review["witnessed"]) == (5, "A warm light.", True)
    shop("review", link, "none")
    assert way.ask("review", "ls", seller.id)["items"] == []
    # The sale that the seller's node has logged by now, and the way in holds too, tells nothing of it.
    for node in (seller, way):
        node.end()  # what is in the write-ahead log is in the store then
    for secret in (NOTE, STREET, "Bea Buyer", "Order 7", "Tracking-T-1"):
        assert any(secret.encode() in data for _, data in bytes_of(seller)), secret
        for path, data in bytes_of(way):
            assert secret.encode() not in data, f"{secret} in {path}"


def test_one_flipped_bit_of_a_proof_is_named(market: tuple[Mesh, Node, Node], tmp_path: Path) -> None:
    """[R-SHOP-11, 12]"""
    _, seller, way = market
    ordered = order(way, seller)
    wait_until(lambda: len(deals(seller)) == 1, "the order is at the seller", SECONDS)
    seller.api.post("/deals/accept", {"deal": ordered["deal"]})
    until(ordered["link"], "agreed")
    file = tmp_path / "proof.inxw"
    way.ask("witness", "export", file)
    whole = file.read_bytes()
    assert verified(whole).valid
    for at in range(0, len(whole), 13):
        spoilt = verified(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert not spoilt.valid and spoilt.error is not None and spoilt.error.reason, at
    file.write_bytes(whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:])
    told = way.run("witness", "verify", file)
    assert told.code == 1 and "is not proved" in told.out


def test_everybody_of_the_path_hears_of_it(mesh: Mesh) -> None:
    """[R-PATH-3] [R-SHOP-6] [R-SHOP-11] The way in passes the proof on to who recommended before it."""
    seller, first, way = mesh.up(["seller", "first", "referrer"], "ring")
    seller.add("lamp", "Brass lamp", price="12.50", currency="EUR")
    wait_until(lambda: first.keys("lamp") == way.keys("lamp") == {"lamp"}, "both know the lamp", SECONDS)
    ref = f"{seller.id}/lamp"
    [token] = shop("look", first.ready.api, ref)["path"]
    both = shop("look", way.ready.api, ref, "--path", token)["path"]
    assert both[0] == token and len(both) == 2
    assert shop("look", way.ready.api, ref, "--path", both[0], "--path", both[1])["path"] == both
    spoilt = token[:-2] + ("00" if token[-2:] != "00" else "01")
    code, _, err = tried("look", way.ready.api, ref, "--path", spoilt)
    assert code == 1 and "recommendation" in err and "(path)" in err, (
        "who recommended it is not lost silently"
    )
    ordered = order(way, seller, "--path", token)
    wait_until(lambda: len(deals(seller)) == 1, "the order is at the seller", SECONDS)
    seller.api.post("/deals/accept", {"deal": ordered["deal"]})
    until(ordered["link"], "agreed")
    wait_until(lambda: len(first.ask("witness", "ls")["items"]) == 1, "the first hears of it", SECONDS)
    [here], [there] = (node.ask("witness", "ls")["items"] for node in (way, first))
    assert [step["referrer"] for step in there["path"]] == [first.id, way.id]
    assert there["path_hash"] == here["path_hash"] and all(step["checked"] for step in there["path"])
    assert way.status().shop.witnesses == first.status().shop.witnesses == 1


def test_a_seller_that_lost_who_led_the_buyer_asks_the_way_in(mesh: Mesh) -> None:
    """[R-PATH-8] Its home was put back from before it was told, and the shopper has no node that could be asked."""
    seller, way = mesh.up(["seller", "referrer"], clock=timedelta(0))
    seller.add("lamp", "Brass lamp", price="12.50", currency="EUR", commission="10")
    wait_until(lambda: way.keys("lamp") == {"lamp"}, "the referrer knows the lamp", SECONDS)
    ordered = order(way, seller)
    link, deal = ordered["link"], ordered["deal"]
    wait_until(lambda: len(deals(seller)) == 1, "the order is at the seller", SECONDS)
    seller.api.post("/deals/accept", {"deal": deal})
    until(link, "agreed")
    [witnessed] = way.ask("witness", "ls")["items"]
    wait_until(lambda: way.ask("status")["mail"]["queued"] == 0, "the seller was told", SECONDS)
    seller.end()
    with closing(sqlite3.connect(seller.home / "store.sqlite3")) as store, store:
        gone = store.execute(
            "DELETE FROM deal_enclosure WHERE hash = ?", (bytes.fromhex(witnessed["path_hash"]),)
        )
        assert gone.rowcount == 1
    mesh.restart(seller)
    shop("paid", link, 2_500)
    wait_until(
        lambda: seller.api.get("/deals/show", deal=deal)["figures"]["unconfirmed"]["minor"] > 0,
        "paid",
        SECONDS,
    )
    seller.api.post("/deals/received", {"deal": deal})
    seller.api.post("/deals/fulfil", {"deal": deal})
    until(link, "fulfilled")
    shop("received", link)
    wait_until(lambda: unlogged(seller) == ["path_missing"], "the sale waits", SECONDS)
    for node in (seller, way):
        node.set_clock(timedelta(hours=2))
    seller.end()
    mesh.restart(seller)
    soon = 40  # seconds; why: a node that is not told of the path looks again after a minute
    wait_until(lambda: unlogged(seller) == [], "the sale is logged when the path comes", soon)


def test_a_referral_link_and_a_code_at_checkout(mesh: Mesh) -> None:
    """[R-REF-2] [R-REF-5] [R-ALLY-7] Forwarded over two nodes; one wrong character says so; a code beats the link."""
    seller, first, way = mesh.up(["seller", "first", "referrer"], "ring")
    seller.add("lamp", "Brass lamp", price="12.50", currency="EUR")
    wait_until(lambda: first.keys("lamp") == way.keys("lamp") == {"lamp"}, "both know the lamp", SECONDS)
    ref = f"{seller.id}/lamp"
    made = first.ask("refer", "make", ref, "--campaign", "spring")
    link = way.ask("refer", "forward", made["link"])["link"]
    there = shop("look", way.ready.api, link)
    assert (there["title"], len(there["path"])) == ("Brass lamp", 2)
    for wrong in (link[:40] + ("q" if link[40] != "q" else "p") + link[41:], link[:-3]):
        code, _, err = tried("look", way.ready.api, wrong)
        assert code == 1 and "checksum" in err and "(bad_uri)" in err, err
    typed = way.ask("refer", "make", ref, "--code", "")["code"]
    code, _, err = tried(
        "order", way.ready.api, link, "--code", typed[:-1] + ("A" if typed[-1] != "A" else "B")
    )
    assert code == 1 and "mistyped" in err, err
    ordered = shop("order", way.ready.api, link, "--bits", 0)
    coded = shop("order", way.ready.api, link, "--code", typed.lower(), "--bits", 0)
    wait_until(lambda: len(deals(seller)) == 2, "the orders are at the seller", SECONDS)
    for each in (ordered, coded):
        seller.api.post("/deals/accept", {"deal": each["deal"]})
        until(each["link"], "agreed")
    wait_until(lambda: len(way.ask("refer", "orders")["items"]) == 2, "both are witnessed", SECONDS)
    paths = {one["order"]: len(one["path"]) for one in way.ask("witness", "ls")["items"]}
    assert paths == {ordered["deal"]: 2, coded["deal"]: 1}
    wait_until(lambda: len(first.ask("refer", "orders")["items"]) == 1, "the first hears of it", SECONDS)
    [brought] = first.ask("refer", "orders")["items"]
    assert (brought["order"], brought["campaign"]) == (ordered["deal"], "spring")


def test_the_seller_is_off(market: tuple[Mesh, Node, Node]) -> None:
    """[R-SHOP-7, 8] An order waits at the node that took it; the answer waits in the buyer's box."""
    mesh, seller, way = market
    seller.end()
    ordered = order(way, seller)
    assert show(ordered["link"])["phase"] == "ordered"
    mesh.restart(seller)
    wait_until(lambda: len(deals(seller)) == 1, "the order is at the seller", SECONDS)
    seller.api.post("/deals/accept", {"deal": ordered["deal"]})
    until(ordered["link"], "agreed")
    seller.end()
    cancelled = shop("cancel", ordered["link"])
    assert [part["status"] for part in cancelled["parts"]] == ["ended"]
    again = show(ordered["link"])
    assert again["phase"] == cancelled["phase"] and again["messages"] == cancelled["messages"]


def test_the_seller_is_off_and_has_a_mailbox_host(market: tuple[Mesh, Node, Node]) -> None:
    """[R-SHOP-7] The order goes on to the seller's mailbox host, and arrives though the way in is off by then."""
    mesh, seller, way = market
    [host] = mesh.start_all("host", settings={"mailbox": "all"})
    mesh.connect(seller, host)
    mesh.connect(way, host)
    mesh.wait_connected()
    seller.ask("profile", "edit", "--mailbox", host.id)
    mesh.wait_level()
    seller.end()
    ordered = order(way, seller)
    wait_until(lambda: host.ask("status")["mail"]["kept"] == 1, "the order is at the mailbox host", SECONDS)
    way.end()
    mesh.restart(seller)
    wait_until(lambda: len(deals(seller)) == 1, "the order is at the seller", SECONDS)
    mesh.restart(way, same_port=True)
    seller.api.post("/deals/accept", {"deal": ordered["deal"]})
    until(ordered["link"], "agreed")


def test_who_comes_back_after_all_letters_expired_asks_the_seller(mesh: Mesh) -> None:
    """[R-SHOP-8] [R-SHOP-13]"""
    seller, way = mesh.up(["seller", "referrer"], clock=timedelta(0))
    seller.add("lamp", "Brass lamp", price="12.50", currency="EUR")
    wait_until(lambda: way.keys("lamp") == {"lamp"}, "the referrer knows the lamp", SECONDS)
    ordered = order(way, seller)
    wait_until(lambda: len(deals(seller)) == 1, "the order is at the seller", SECONDS)
    seller.api.post("/deals/accept", {"deal": ordered["deal"]})
    until(ordered["link"], "agreed")
    seller.end()  # why: it answers who asks within the first look
    for node in (seller, way):
        node.set_clock(timedelta(days=32))
    empty = show(ordered["link"])
    assert (empty["phase"], empty["messages"]) == (None, []), "the box is empty"
    mesh.restart(seller)
    assert until(ordered["link"], "agreed")["messages"] == ["order", "accept"]


def test_the_sellers_own_page(mesh: Mesh) -> None:
    """[R-SHOP-6] Who comes without a path leaves none: nobody is owed for bringing them."""
    [seller] = mesh.start_all("seller")
    seller.add("lamp", "Brass lamp", price="12.50", currency="EUR")
    ordered = order(seller, seller)
    wait_until(lambda: len(deals(seller)) == 1, "the order is there", SECONDS)
    seller.api.post("/deals/accept", {"deal": ordered["deal"]})
    assert not until(ordered["link"], "agreed")["witnessed"]
    assert seller.ask("witness", "ls")["items"] == []


def test_a_stranger_shows_work(mesh: Mesh) -> None:
    """[R-SHOP-9] A seller who asks strangers for work gets it from the buyer's own device."""
    seller, way = mesh.up(["seller", "referrer"], settings={"stamp_asked": 12})
    seller.add("lamp", "Brass lamp", price="12.50", currency="EUR")
    wait_until(lambda: way.keys("lamp") == {"lamp"}, "the referrer knows the lamp", SECONDS)
    ordered = order(way, seller, "--bits", 12)
    wait_until(lambda: len(deals(seller)) == 1, "the order is at the seller", SECONDS)
    assert ordered["phase"] == "ordered"


def test_a_node_need_not_serve_buyers(mesh: Mesh) -> None:
    """[R-SHOP-2] Without the setting there is nothing at these paths, as anywhere else."""
    seller = mesh.start("seller", settings={"shop": "off"})
    code, _, err = tried("look", seller.ready.api, f"{seller.id}/lamp")
    assert code == 1 and "HTTP 401" in err


def test_a_link_that_is_cut_or_of_another(mesh: Mesh) -> None:
    [way] = mesh.start_all("way")
    for link in ("nonsense", "inx-deal?v=2&s=00", f"inx-deal?v=1&s=00&w={way.ready.api}&n=inx"):
        code, _, err = tried("show", link)
        assert code == 1 and "(bad_uri)" in err
    fresh = shop("show", f"inx-deal?v=1&s={'ab' * 32}&w={way.ready.api}&n=inx")
    assert fresh["phase"] is None and fresh["messages"] == []
    code, _, err = tried("show", f"inx-deal?v=1&s={'ab' * 32}&w={way.ready.api}&n=other")
    assert code == 1 and "another network" in err


def code(seller: Node, name: str, **what: object) -> None:
    """An offer that the seller makes by a code."""
    seller.api.post("/offers/make", {"code": name, **what})


def test_a_code_and_a_quote_by_code(market: tuple[Mesh, Node, Node]) -> None:
    """[R-OFF-3, 5] [R-PRICE-3] [R-LET-19] The seller answers who has no node and no deal yet."""
    _, seller, way = market
    code(seller, "SUMMER", percent="10", title="Summer")
    code(seller, "FIXED", key="lamp", price="9.00", count=5)
    cheaper = order(way, seller, "--code", "sum mer")
    assert cheaper["figures"]["price"] == 2_250 + 490
    wait_until(lambda: len(deals(seller)) == 1, "the order is at the seller", SECONDS)
    shown = seller.api.get("/deals/show", deal=cheaper["deal"])
    assert shown["differs"] == [] and shown["discounts"][0]["title"] == "Summer"
    seller.api.post("/deals/accept", {"deal": cheaper["deal"]})
    assert until(cheaper["link"], "agreed")["witnessed"]
    fixed = order(way, seller, "--code", "FIXED")
    assert fixed["figures"]["price"] == 900
    wait_until(lambda: len(deals(seller)) == 2, "the second order is at the seller", SECONDS)
    shown = seller.api.get("/deals/show", deal=fixed["deal"])
    assert shown["differs"] == [] and shown["address"]["lines"] == [STREET]
    ended, _, err = tried(
        "order", way.ready.api, f"{seller.id}/lamp", "--country", "DE", "--bits", 0, "--code", "NONE"
    )
    assert ended == 1 and "(no_offer)" in err


def test_a_subscription(mesh: Mesh) -> None:
    """[R-MAN-1, 3, 4, 5, 9] A mandate is given, paused, resumed, priced anew and ended, from several devices."""
    seller, way = mesh.up(["seller", "referrer"])
    seller.add("tea", "Tea of the week", price="5.00", currency="EUR", per="week")
    wait_until(lambda: way.keys("tea") == {"tea"}, "the referrer knows the tea", SECONDS)
    ordered = shop("order", way.ready.api, f"{seller.id}/tea", "--bits", 0, "--renew", "yes", "--turns", 3)
    link, deal = ordered["link"], ordered["deal"]
    assert ordered["mandate"] == {"standing": "active", "price": 500, "asked": None, "renewals": []}
    wait_until(lambda: len(deals(seller)) == 1, "the order is at the seller", SECONDS)
    assert seller.api.get("/deals/show", deal=deal)["differs"] == []
    seller.api.post("/deals/accept", {"deal": deal})
    until(link, "agreed")

    def standing(wanted: str, price: int = 500) -> None:
        def so() -> bool:
            [one] = seller.api.get("/subscriptions")["items"]
            return bool(one["standing"] == wanted and one["price"]["minor"] == price)

        wait_until(so, f"the seller knows {wanted} at {price}", SECONDS)

    assert shop("pause", link)["mandate"]["standing"] == "paused"
    standing("paused")
    refused, _, err = tried("pause", link)
    assert refused == 1 and "(already)" in err
    assert shop("resume", link)["mandate"]["standing"] == "active"
    standing("active")
    seller.api.post("/subscriptions/renew", {"deal": deal})
    seen: list[Any] = []

    def renewed() -> bool:
        seen[:] = show(link)["mandate"]["renewals"]
        return bool(seen)

    wait_until(renewed, "the buyer sees the renewal", SECONDS)
    assert seen == [{"turn": 1, "price": 500}]
    assert shop("consent", link, 600)["mandate"]["price"] == 600
    standing("active", 600)
    assert shop("end", link)["mandate"]["standing"] == "ended"
    standing("ended", 600)
    assert seller.api.get("/subscriptions")["items"][0]["deal"] == deal


def test_the_gift_for_who_was_recommended(mesh: Mesh) -> None:
    """[R-REF-8] [R-ALLY-9] Off a first order by a path and off no other; one that the seller has ended is left out."""
    seller, way = mesh.up(["seller", "referrer"], settings={"outbound_sessions": 0, "stamp_bits": 0})
    seller.add("lamp", "Brass lamp", price="12.50", currency="EUR")
    seller.ask("refer", "policy", "--gift", 10)
    ref = f"{seller.id}/lamp"
    wait_until(lambda: way.keys("lamp") == {"lamp"}, "the referrer knows the lamp", SECONDS)
    mesh.wait_level()

    def price(at: Node, *more: object) -> int:
        ordered = shop("order", at.ready.api, ref, "--bits", 0, *more)
        wait_until(
            lambda: ordered["deal"] in {each["deal"] for each in deals(seller)}, "it is there", SECONDS
        )
        shown = seller.api.get("/deals/show", deal=ordered["deal"])
        assert shown["differs"] == [] and shown["figures"]["price"]["minor"] == ordered["figures"]["price"]
        return int(ordered["figures"]["price"])

    assert price(way) == 1_125
    assert price(way, "--gift", "no") == 1_250
    assert price(seller) == 1_250, "nobody recommended"
    [offer] = seller.ask("offer", "ls")["items"]
    seller.ask("offer", "end", offer["offer"])
    assert price(way) == 1_250
