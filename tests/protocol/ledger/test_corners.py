"""Verdicts that the other tests do not come by."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any, Literal

import msgspec
import pytest
from msgspec import UNSET

from protocol import encoding
from protocol.deals.bodies import Mandate
from protocol.deals.mandates import renewal
from protocol.deals.message import sign as sign_message
from protocol.deals.offers import name_buyer
from protocol.errors import LocalProtocolError, Void
from protocol.ledger.contents import CloseContent, encode_content
from protocol.ledger.figures import lines
from protocol.ledger.groups import cut
from protocol.ledger.statements import Releasing, sign
from protocol.records import ClosePart, Lock, Release, SalePart, SwapEntry, Transfer, encode_record
from protocol.records.money import Per
from protocol.records.plan import Exchange, Step, Tiers
from protocol.signing import Signer
from tests.protocol.author import NETWORK, Author, seed
from tests.protocol.ledger.swapping import Bench, credit
from tests.protocol.ledger.world import DAY, HOLD, World, plan_record


def world() -> World:
    made = World()
    made.publish()
    made.join("cid")
    return made


def log(made: World, content: Any, at: int) -> str | None:
    return made.write(cut(SalePart, encode_content(content))[0], at=at).code


# -- sales ---------------------------------------------------------------------------------------------------
def test_a_renewal_is_a_sale_by_the_order_that_gave_the_mandate() -> None:
    made = world()
    path = made.path("cid")
    mandate = Mandate(notice=DAY, per=Per(count=1, unit="month"))
    deal = made.deal(10_000, path=path, mandate=mandate, tax=1_000)
    body = renewal(deal.messages[0], [], 1)
    start = sign_message(
        NETWORK, made.issuer.signer, body=body, deal=None, role="seller", number=0, previous=None, seen=(),
        time=deal.now + 25 * DAY, epoch=0,
    )  # fmt: skip
    again = replace(deal, messages=[start], now=start.time, sent=0)
    again.pay(10_000).receive(0)
    assert made.sell(again, path=path).code is None
    assert made.figures("cid", made.now + 2 * HOLD).balance == 900


@pytest.mark.parametrize("by", ["dan", "forger"])
def test_a_named_buyer_has_signed(by: str) -> None:
    made = world()
    path = made.path("cid")
    dan, key = made.who("dan"), Signer(seed("key of dan"))
    named = name_buyer(
        NETWORK, made.who(by).signer, id=dan.id, epoch=0, key=key.public, seller=made.issuer.id
    )
    deal = made.deal(path=path)
    deal.buyer = key
    body = msgspec.structs.replace(deal.body, key=key.public, named=named)
    deal.body = body
    deal.messages = [
        sign_message(
            NETWORK, key, body=body, deal=None, role="buyer", number=0, previous=None, seen=(), time=deal.now,
            epoch=None,
        )
    ]  # fmt: skip
    deal.complete()
    content = made.content(deal, path=path, openers=made.openers("cid", "dan"))
    code = log(made, content, deal.now)
    assert code == ("awards_differ" if by == "dan" else "not_signed")


def test_free_goods_have_no_listing() -> None:
    from protocol.ledger.reckoning import listing_of

    made = world()
    deal = made.deal().complete()
    content = made.content(deal)
    order = msgspec.structs.replace(deal.body, listing=UNSET)
    with pytest.raises(Void, match="listing_differs"):
        listing_of(made.book.state, content, order)
    assert listing_of(made.book.state, msgspec.structs.replace(content, listing=UNSET), order) is None


def test_a_listing_of_wrong_bytes_is_not_the_one_ordered() -> None:
    made = world()
    deal = made.deal(path=made.path("cid")).complete()
    content = made.content(deal, path=made.path("cid"), listing=(b"h", b"s", b"r"))
    assert log(made, content, deal.now) == "listing_differs"


def test_a_commission_is_of_a_price_in_a_currency() -> None:
    made = world()
    deal = made.deal(commission=100, currency=UNSET, issuer=made.issuer.id, unit="star").complete()
    assert log(made, made.content(deal), deal.now) == "no_plan"


def test_a_price_in_credit_has_no_awards() -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(path=path, currency=UNSET, issuer=made.issuer.id, unit="star").complete()
    assert made.sell(deal, path=path).code is None
    assert made.figures("cid", made.now + 2 * HOLD).balance == 0


def test_a_deal_that_is_not_straight_needs_a_contract_as_well() -> None:
    from protocol.deals.bodies import Cancel

    made = world()
    deal = made.deal()
    deal.say("buyer", Cancel(reason="other"))
    assert log(made, made.content(deal), deal.now) == "not_agreed"


def test_an_arbiter_who_is_not_named_rules_nothing() -> None:
    from protocol.deals.bodies import Ruling

    made = world()
    deal = made.deal().complete()
    ruling = sign_message(
        NETWORK, Author("arbiter").signer, body=Ruling(dispute=bytes(32), keeps=0, paid=0), deal=deal.id,
        role="arbiter", number=0, previous=None, seen=(deal.messages[-1].id,), time=deal.now, epoch=0,
    )  # fmt: skip
    deal.messages.append(ruling)
    assert log(made, made.content(deal), deal.now) == "not_signed"


def test_a_raised_sale_of_several_parts_is_read_again() -> None:
    from protocol.deals.bodies import PaymentReceived, Receive

    made = world()
    path = made.path("cid")
    deal = made.deal(*(200,) * 50, path=path).accept()
    for _ in range(250):
        deal.say("seller", PaymentReceived(amount=40))
    for part in range(49):
        deal.say("buyer", Receive(part=part))
    before = len(made.issuer.entries)
    assert made.sell(deal, path=path).code is None
    assert len(made.issuer.entries) > before + 1
    deal.receive(49)
    assert made.sell(deal, path=path).code is None
    assert made.figures("cid", made.now + 2 * HOLD).balance == 1_000


def test_a_log_that_cannot_be_read_again_is_this_programs_fault() -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(path=path).complete()
    made.sell(deal, path=path)
    made.issuer.entries[-1] = msgspec.structs.replace(made.issuer.entries[-1], record=None)
    deal.refund(100)
    with pytest.raises(LocalProtocolError):
        made.refund(deal, 9_900)


# -- periods -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("what", "code"), [("plan", "no_plan"), ("early", "period"), ("awards", "awards_differ")]
)
def test_what_is_wrong_with_a_close(what: str, code: str) -> None:
    from protocol.ledger.contents import AwardLine
    from tests.protocol.ledger.closes import close_with_awards

    made = world()
    governed = made.book.governing.find(made.plan or b"")
    assert governed is not None
    begins = made.now - 40 * DAY if what == "early" else made.now
    content: CloseContent = close_with_awards(made.book.state, governed, begins)
    if what == "plan":
        content = msgspec.structs.replace(content, plan=bytes(32))
    if what == "awards":
        content = msgspec.structs.replace(content, awards=(AwardLine(made.id("cid"), "level", 1, 1),))
    assert made.write(cut(ClosePart, encode_content(content))[0], at=content.ends + 40 * DAY).code == code


def test_a_content_too_large_for_a_group_is_not_cut() -> None:
    with pytest.raises(LocalProtocolError):
        cut(SalePart, b"")


def test_a_plan_without_a_team_has_no_rules_at_the_close() -> None:
    """[R-CRED-19] A close is of an opportunity, so such a rule could never pay."""
    made = World()

    def rule(when: Literal["sale", "period"]) -> Tiers:
        return Tiers(mode="whole", name=when, steps=(Step(at=0, rate=(1, 10)),), when=when)

    tiers = [rule("sale"), rule("period")]
    for given in (tiers, tiers[1:]):
        record = plan_record(opportunity=UNSET, team=UNSET, unilevel=(), tiers=tuple(given))
        verdict = made.write(record)
        assert verdict.code == "plan_terms" and "no period is ever closed" in verdict.text
        assert made.book.governing.find(sha256(encode_record(record)).digest()) is None
    assert made.write(plan_record(opportunity=UNSET, team=UNSET, unilevel=(), tiers=(tiers[0],))).code is None
    assert made.write(plan_record(unilevel=(), tiers=tuple(tiers))).code is None


# -- movements, releases -------------------------------------------------------------------------------------
def test_a_limit_for_other_credit_is_not_of_this_transfer() -> None:
    made = world()
    credit(made, "cid", 100)
    made.now += 2 * HOLD
    limit = made.limit("zoe", 10, unit="moon")
    record = Transfer(
        limit=limit, openers=made.openers("cid", "zoe"), request=made.request("transfer", "cid", 1, "zoe")
    )
    assert made.write(record).code == "names_differ"


def test_a_release_to_somebody_else_is_none() -> None:
    made = world()
    cid = made.who("cid")
    unsigned = Releasing(about=bytes(32), epoch=0, holder=cid.id, issuer=bytes(32), signature=bytes(64))
    record = Release(openers=made.openers("cid"), release=sign(NETWORK, cid.signer, unsigned))
    assert made.write(record).code == "names_differ"


# -- swaps ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("what", ["garbage", "unsigned", "record gone", "not the lock's", "void lock"])
def test_entries_that_prove_no_lock(what: str) -> None:
    bench = Bench()
    document = bench.document()
    bench.lock(document)
    lock = bench.x.issuer.entries[-1]
    match what:
        case "garbage":
            wire: Any = (b"h", b"s", None)
        case "unsigned":
            forged = bench.x.issuer.after(
                bench.x.issuer.entries[-2], Lock.KIND, lock.record, time=bench.start, signer=Signer(seed("x"))
            )
            wire = tuple(forged.wire())
        case "record gone":
            wire = (lock.header, lock.signature, None)
        case "not the lock's":
            wire = tuple(bench.x.issuer.entries[0].wire())
        case _:
            empty = encode_record(Lock(document=document, openers=()))
            wire = tuple(
                bench.x.issuer.after(bench.x.issuer.entries[-1], Lock.KIND, empty, time=bench.start).wire()
            )
    record = SwapEntry(document=document, lock=(wire,), openers=bench.openers(*bench.holders, bench.x.issuer))
    assert bench.y.write(record, at=bench.start + 1).code == "no_lock"


def test_the_wrong_issuer_neither_locks_nor_decides() -> None:
    bench = Bench()
    document = bench.document()
    record = Lock(document=document, openers=bench.openers(*bench.holders))
    assert bench.y.write(record, at=bench.start).code == "names_differ"
    bench.lock(document)
    lock = tuple(bench.x.issuer.entries[-1].wire())
    entry = SwapEntry(document=document, lock=(lock,), openers=bench.openers(*bench.holders, bench.x.issuer))
    assert bench.x.write(entry, at=bench.start + 1).code == "names_differ"


def test_another_entry_of_the_other_issuer_ends_no_lock() -> None:
    bench = Bench()
    document = bench.document()
    bench.lock(document)
    bench.swap(document)
    right = bench.y.issuer.entries[-1]
    assert right.record is not None
    value = encoding.decode(right.record, 10**6)
    del value["openers"]
    for record in (encoding.encode({**value, "openers": []}), b"\x80"):
        wrong = bench.y.issuer.after(right, SwapEntry.KIND, record)
        assert bench.give(document, swap=wrong).code == "no_swap"
    assert bench.give(document, swap=right).code is None


def test_a_statement_shows_each_movement() -> None:
    bench = Bench()
    document = bench.document()
    bench.lock(document)
    ann, bob = bench.x.id("ann"), bench.x.id("bob")
    effects = bench.x.book.effects
    assert [each.what for each in lines(effects, ann)] == ["award", "locked"]
    bench.swap(document)
    bench.give(document)
    assert [(each.what, each.amount) for each in lines(effects, ann)] == [("award", 1_000), ("sent", 600)]
    bench.x.redeem("ann", 100)
    bench.x.pay_out("ann", 50)
    bench.x.transfer("bob", "ann", 10, at=bench.x.now + 1)
    assert [(each.what, each.other) for each in lines(effects, ann)][2:] == [
        ("redeemed", b""), ("paid_out", b""), ("received", bob),
    ]  # fmt: skip
    assert [each.what for each in lines(effects, bob)] == ["received", "sent"]


@pytest.mark.parametrize("rate", [1_000, 10**9])
def test_an_award_that_no_number_states_is_refused_before_it_is_logged(rate: int) -> None:
    """Its entry would be void, and the sale would be tried for ever."""
    world = World("large")
    world.publish(currencies=(Exchange(currency="EUR", rate=(rate, 1)),))
    world.join("ann")
    path = world.path("ann")
    deal = world.deal(2**53 - 1, path=path).complete()
    before = len(world.issuer.entries)
    with pytest.raises(Void) as void:
        world.sell(deal, path=path)
    assert void.value.code == "malformed" and len(world.issuer.entries) == before
