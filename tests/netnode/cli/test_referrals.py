"""Commands on recommendations and alliances: what they ask a node, and what they tell a person."""

from __future__ import annotations

from pathlib import Path

from tests.netnode.fake_referrals import LINK
from tests.netnode.fake_shared import OTHER

CAP = f"{OTHER}/cap"


def test_a_recommendation_is_a_link_to_give_away(ready, tmp_path: Path) -> None:
    told = ready("refer", "make", CAP, "--campaign", "spring")
    assert told.code == 0 and LINK in told.out and "netnode deal order LINK" in told.err
    file = tmp_path / "cap.svg"
    assert ready("refer", "make", CAP, "--code", "", "--qr-file", str(file)).code == 0 and file.is_file()
    assert ready("refer", "make", CAP, "--qr-file", str(tmp_path / "cap.txt")).code == 2
    assert ready("refer", "make", CAP, "--campaign", "Spring sale").code == 2
    assert ready("refer", "make", CAP, "--days", "0").code == 2
    assert "█" in ready("refer", "make", CAP, "--qr").out or "▄" in ready("refer", "make", CAP, "--qr").out
    assert ready("refer", "make", CAP, "--json").json["link"] == LINK
    assert ready("refer", "forward", LINK, "--to", OTHER, "--json").json["id"] == "ab" * 32


def test_a_mistyped_link_says_so_everywhere(ready) -> None:
    for command in (("refer", "show"), ("refer", "forward")):
        told = ready(*command, LINK[:-1] + "p")
        assert told.code == 2 and "mistyped" in told.err


def test_what_a_recommendation_brought(ready) -> None:
    shown = ready("refer", "show", LINK).out
    for words in ("Blue cap", "ANNA", "3 orders, 2 received, 1 in sellers' logs", "campaign spring"):
        assert words in shown, words
    assert "spring" in ready("refer", "ls").out and "None yet" in ready("refer", "ls", "--met").out
    orders = ready("refer", "orders")
    assert "1.25 EUR" in orders.out and "not in the seller's log" in orders.out and "challenge" in orders.err
    assert ready("refer", "orders", "--limit", "1", "--json").json["next"] == "1"
    rates = ready("refer", "make", "--help").out
    assert "ALLIANCE" in rates and rates.index("ALLIANCE") < rates.index("COMMISSION") < rates.index("PLAN")


def test_how_orders_are_attributed(ready) -> None:
    assert "the last link of 30 days" in ready("refer", "policy").out
    assert "10.00 % off" in ready("refer", "policy", "--model", "first", "--gift", "10").out
    assert ready("refer", "policy", "--no-bind", "--json").json["bind"] is False
    assert ready("refer", "policy", "--seller", OTHER, "--json").json["seller"] == OTHER
    assert ready("refer", "policy", "--window", "0").code == 2
    assert ready("refer", "policy", "--gift", "ten").code == 2


def test_an_alliance_from_its_proposal_to_its_end(ready) -> None:
    told = ready("alliance", "propose", OTHER, "--give", "5", "--get", "12.5", "--until", "2027-01-01")
    assert told.code == 0 and "12.50 % of their cap" in told.out and "mug" in told.err
    assert ready("alliance", "propose", OTHER, "--give", "5").code == 2
    assert ready("alliance", "propose", OTHER, "--give", "5", "--get", "a lot").code == 2
    assert "proposed to you" in ready("alliance", "ls").out
    assert ready("alliance", "show", "abab", "--json").json["notice"] == 30
    assert ready("alliance", "show", "cdcd").code == 3
    assert ready("alliance", "accept", "abab").code == 0 and ready("alliance", "end", "abab").code == 0


def test_an_order_by_a_link(ready, tmp_path: Path) -> None:
    assert ready("deal", "order", LINK, "--json").code == 0
    file = tmp_path / "link.txt"
    file.write_text(f"{LINK}\n")
    assert ready("deal", "order", CAP, "--path", str(file), "--json").code == 0
    assert ready("deal", "order", LINK, "--path", LINK).code == 2
    assert ready("deal", "order", CAP, "--nobody", "--json").code == 0
    nothing = ready("deal", "order", CAP, "--path", "no token")
    assert nothing.code == 2 and "copied whole" in nothing.err
