"""The invariants of a ledger, each by its number in the contract."""

from __future__ import annotations

import msgspec
import pytest

from protocol.deals.bodies import LapseDispute, PaymentReceived, Receive
from protocol.ledger.contents import read_sale
from protocol.ledger.effects import Sold, sale_id
from protocol.ledger.figures import lines, solvency
from protocol.ledger.union import Union
from protocol.records import SalePart, Transfer
from protocol.records.plan import RankRates, Unilevel
from tests.protocol.ledger.operations import Operations
from tests.protocol.ledger.swapping import credit
from tests.protocol.ledger.world import DAY, HOLD, UNIT, World

YEAR = 365 * DAY


def world(**plan: object) -> World:
    """An issuer with a line of four members: ann, bob, cid, dan."""
    made = World()
    made.publish(**plan)
    for name, sponsor in (("ann", None), ("bob", "ann"), ("cid", "bob"), ("dan", "cid")):
        made.join(name, sponsor)
    return made


def rich(**plan: object) -> World:
    """The same, where cid has 1,000 and bob 500 that are posted."""
    made = world(**plan)
    credit(made, "cid", 1_000)
    made.now += 2 * HOLD
    return made


# -- L1, L2 [R-CRED-64..67] ----------------------------------------------------------------------------------
def test_l1_l2_figures_sum_to_what_is_outstanding_and_that_is_issued_less_what_came_back() -> None:
    operations = Operations(4)
    for _ in range(80):
        operations.step()
    book = operations.world.book
    for later in (0, HOLD, YEAR):
        now = operations.now + later
        sums = solvency(book, UNIT, now)
        every = [book.figures(UNIT, holder, now) for holder in book.holders(UNIT)]
        assert sums.outstanding == sum(each.signed for each in every)
        assert sums.owed == sum(each.balance for each in every)
        anew = operations.folded()
        assert solvency(anew, UNIT, now) == sums


def test_l1_every_amount_that_leaves_somebody_is_with_somebody_else_or_gone() -> None:
    made = rich()
    assert made.transfer("cid", "zoe", 100, limit=100).code is None
    assert made.redeem("cid", 200).code is None
    assert made.pay_out("bob", 50).code is None
    every = {name: made.figures(name) for name in ("ann", "bob", "cid", "zoe")}
    assert [every[name].signed for name in ("ann", "bob", "cid", "zoe")] == [100, 450, 700, 100]
    sums = solvency(made.book, UNIT, made.now)
    assert sums.outstanding == 1_600 - 200 - 50 == sum(each.signed for each in every.values())
    assert sum(each.received - each.sent for each in every.values()) == 0


def test_l2_the_running_figures_are_those_recomputed_from_entry_0() -> None:
    """Accounts that were kept along a log with raises, refunds and freezes, and accounts made of what it came to."""
    made = rich()
    path = made.path("cid")
    deal = made.deal(4_000, 6_000, path=path).accept().pay().receive(0)
    assert made.sell(deal, path=path).code is None
    deal.receive(1)
    assert made.sell(deal, path=path).code is None
    deal.refund(2_500)
    assert made.refund(deal, 7_500).code is None
    deal.dispute()
    assert made.freeze(deal).code is None
    anew = Union((), made.book.effects)
    for at in (made.now, made.now + HOLD, made.now + YEAR):
        assert solvency(made.book, UNIT, at) == solvency(anew, UNIT, at)
        for name in ("ann", "bob", "cid"):
            assert made.figures(name, at) == anew.figures(UNIT, made.id(name), at)
    assert made.figures("cid", made.now + YEAR).balance == 1_750


# -- L3 [R-CRED-38, 60] --------------------------------------------------------------------------------------
def test_l3_the_same_sale_or_request_again_has_no_effect() -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(path=path).complete()
    assert made.sell(deal, path=path).code is None
    entry = made.issuer.entries[-1]
    assert entry.record is not None
    again = SalePart(**msgspec.msgpack.decode(entry.record))
    assert made.write(again).code == "deal"  # messages that are embedded already
    made.now += 2 * HOLD
    request = made.request("transfer", "cid", 10, "bob")
    record = Transfer(openers=(), request=request)
    assert [made.write(record).code for _ in range(2)] == [None, "already_logged"]
    assert made.figures("cid").sent == 10


def test_l3_one_counter_with_other_content_is_a_conflict() -> None:
    made = rich()
    assert made.transfer("cid", "bob", 10, counter=7).code is None
    assert made.transfer("cid", "bob", 11, counter=7).code == "counter"
    assert made.figures("cid").sent == 10


# -- L4 [R-CRED-11, 12] --------------------------------------------------------------------------------------
def test_l4_a_group_has_effect_with_its_last_part_and_not_before() -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(*(200,) * 50, path=path).accept().pay()
    for part in range(50):
        deal.say("buyer", Receive(part=part))
        for _ in range(5):
            deal.say("seller", PaymentReceived(amount=1))
    verdicts_before = len(made.verdicts)
    assert made.sell(deal, path=path).code is None
    parts = made.verdicts[verdicts_before:]
    assert len(parts) > 1
    assert all(not each.changed and each.code is None for each in parts[:-1])
    assert parts[-1].changed == (sale_id(deal.id),)


def test_l4_a_group_that_is_broken_off_or_mixed_up_never_has_effect() -> None:
    made = world()
    first, second = (
        SalePart(content=piece, count=2, hash=bytes(32), number=number)
        for number, piece in ((1, b"a"), (2, b"b"))
    )
    assert made.write(first).code is None
    made.rekey("ann")  # something between
    assert made.write(second).code == "group"
    assert made.write(first).code is None
    assert made.write(second).code == "group"  # not what the hash says
    assert made.write(second).code == "group"


# -- L5 [R-CRED-23, 28, 29] ----------------------------------------------------------------------------------
def test_l5_pending_becomes_payable_at_a_date_without_anyone_acting() -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(path=path).complete()
    made.sell(deal, path=path)
    due = deal.messages[-1].time + HOLD
    assert [made.figures("cid", at).balance for at in (due - 1, due)] == [0, 1_000]
    assert [made.figures("cid", at).pending for at in (due - 1, due)] == [1_000, 0]


def test_l5_a_dispute_freezes_and_its_end_lets_go() -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(path=path).complete()
    made.sell(deal, path=path)
    due = deal.messages[-1].time + HOLD
    deal.dispute()
    assert made.freeze(deal, at=due - DAY).code is None
    assert made.figures("cid", due).balance == 0
    deal.say("buyer", LapseDispute(dispute=deal.messages[-1].id), at=due + DAY)
    assert made.freeze(deal, at=due + 2 * DAY).code is None
    assert [made.figures("cid", due + days * DAY).balance for days in (2, 3)] == [1_000, 1_000]


def test_l5_a_freeze_ends_60_days_past_the_hold_without_anyone_acting() -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(path=path).complete()
    made.sell(deal, path=path)
    end = deal.messages[-1].time + HOLD + 60 * DAY
    deal.dispute()
    assert made.freeze(deal).code is None
    assert [made.figures("cid", at).balance for at in (end - 1, end)] == [0, 1_000]


def test_l5_a_later_sale_entry_that_embeds_the_dispute_freezes_what_is_pending_already() -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(4_000, 6_000, path=path).accept().pay().receive(0)
    assert made.sell(deal, path=path).code is None
    first = deal.messages[-1].time + HOLD
    deal.now += DAY
    deal.receive(1).dispute()
    assert made.sell(deal, path=path).code is None
    end = deal.messages[-2].time + HOLD + 60 * DAY
    assert [made.figures("cid", at).balance for at in (first, end - 1, end)] == [0, 0, 1_000]


def test_l5_what_is_received_after_a_freeze_is_pending_through_its_own_hold() -> None:
    """R8: counted from the newest receipt, though the freeze of the sale ended before."""
    made = world()
    path = made.path("cid")
    deal = made.deal(4_000, 6_000, path=path).accept().pay().receive(0)
    assert made.sell(deal, path=path).code is None
    first = deal.messages[-1].time + HOLD
    deal.dispute()
    assert made.freeze(deal).code is None
    deal.say("buyer", LapseDispute(dispute=deal.messages[-1].id))
    assert made.freeze(deal).code is None
    deal.now = first - DAY
    deal.receive(1)
    assert made.sell(deal, path=path, at=deal.now).code is None
    second = deal.messages[-1].time + HOLD
    assert [made.figures("cid", at).balance for at in (first, second - 1, second)] == [400, 400, 1_000]


def test_l5_no_freeze_after_the_hold_none_twice_and_none_by_the_sellers_own_dispute() -> None:
    made = world()
    path = made.path("cid")
    late = made.deal(path=path).complete()
    made.sell(late, path=path)
    late.dispute()
    assert made.freeze(late, at=late.messages[-2].time + HOLD + 1).code == "hold_over"
    made = world()
    path = made.path("cid")
    own = made.deal(path=path).complete()
    made.sell(own, path=path)
    own.dispute("seller")
    assert made.freeze(own).code == "no_dispute"


# -- L6 [R-CRED-34, 35] --------------------------------------------------------------------------------------
def test_l6_nothing_moves_more_than_is_available() -> None:
    made = rich()
    assert made.transfer("cid", "bob", 1_001).code == "not_covered"
    assert made.redeem("cid", 1_001).code == "not_covered"
    assert made.pay_out("cid", 1_001).code == "not_covered"
    assert made.redeem("cid", 1_000).code is None
    assert made.redeem("cid", 1).code == "not_covered"


def test_l6_pending_credit_does_not_move() -> None:
    made = world()
    credit(made, "cid", 1_000)
    assert made.transfer("cid", "bob", 1).code == "not_covered"


# -- L7 [R-CRED-36, 37] --------------------------------------------------------------------------------------
def test_l7_a_stranger_receives_only_within_a_limit_they_signed() -> None:
    made = rich()
    assert made.transfer("cid", "zoe", 10).code == "no_limit"
    assert made.transfer("cid", "zoe", 10, limit=9).code == "over_limit"
    assert made.transfer("cid", "zoe", 10, limit=15).code is None
    assert made.transfer("cid", "zoe", 10, limit=15).code == "over_limit"
    forged = Transfer(
        limit=made.limit("yan", 10**6, holder=made.id("zoe")),
        openers=made.openers("yan"),
        request=made.request("transfer", "cid", 1, "zoe"),
    )
    assert made.write(forged).code == "not_signed"


def test_l7_a_limit_taken_back_is_no_limit() -> None:
    made = rich()
    old = made.limit("zoe", 100)
    openers = made.openers("zoe", "cid")
    new = made.limit("zoe", 50, counter=1)
    for limit, code in ((new, None), (old, "no_limit")):
        request = made.request("transfer", "cid", 5, "zoe")
        assert made.write(Transfer(limit=limit, openers=openers, request=request)).code == code
        openers = ()


def test_l7_a_recipient_may_refuse_credit_that_expires_soon() -> None:
    made = rich(expiry_days=100)
    openers = made.openers("zoe", "cid")
    for lasts, code in ((made.now + YEAR, "not_covered"), (made.now + DAY, None)):
        limit = made.limit("zoe", 100, lasts=lasts)
        request = made.request("transfer", "cid", 5, "zoe")
        assert made.write(Transfer(limit=limit, openers=openers, request=request)).code == code
        openers = ()


# -- L8, L9, L10 [R-CRED-22, 69] -----------------------------------------------------------------------------
def test_l8_awards_never_come_to_more_than_the_declared_share_for_any_prefix() -> None:
    made = world(
        maximum=(16, 100),
        rounding="half_even",
        unilevel=(
            Unilevel(
                compression="none", name="level", rates=(RankRates(rates=((1, 10), (1, 20), (1, 100))),)
            ),
        ),
    )
    path = made.path("dan")
    base = 0
    for price in (1, 7, 15, 50, 55, 99, 101, 9_999):
        deal = made.deal(price, path=path).complete()
        assert made.sell(deal, path=path).code is None
        base += price
        sold = made.book.effects[sale_id(deal.id)]
        assert isinstance(sold, Sold)
        given = sum(step.amount for credit in sold.awards for step in credit.steps)
        assert given * 100 <= price * 16
    assert solvency(made.book, UNIT, made.now + 2 * HOLD).outstanding * 100 <= base * 16


@pytest.mark.parametrize("field", ["to", "rule", "level", "amount"])
def test_l9_an_award_that_is_not_what_the_plan_comes_to_voids_the_sale(field: str) -> None:
    made = world()
    path = made.path("cid")
    right = made.deal(path=path).complete()
    made.sell(right, path=path)
    entry = made.issuer.entries[-1]
    assert entry.record is not None
    part = msgspec.msgpack.decode(entry.record)
    awards = read_sale(part["content"]).awards
    other = {"to": made.id("dan"), "rule": "other", "level": 9, "amount": awards[0].amount + 1}
    wrong = (msgspec.structs.replace(awards[0], **{field: other[field]}), *awards[1:])
    deal = made.deal(path=path).complete()
    assert made.sell(deal, path=path, awards=wrong, plan=made.plan).code == "awards_differ"
    assert made.figures("cid", made.now + 2 * HOLD).awarded == 1_000


def test_l10_one_rounding_toward_zero_and_no_award_of_zero() -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(19, path=path).complete()
    made.sell(deal, path=path)
    found = [each for name in ("cid", "bob", "ann") for each in lines(made.book.effects, made.id(name))]
    assert [each.amount for each in found] == [1]  # 1.9, 0.95, 0.19


# -- L11 [R-CRED-25..27] -------------------------------------------------------------------------------------
def test_l11_what_remains_of_an_award_is_in_proportion_to_the_base_now() -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(999, path=path).complete()
    made.sell(deal, path=path)
    for amount, base, left in ((1, 998, 98), (332, 666, 66), (665, 1, 0), (1, 0, 0)):
        deal.refund(amount)
        assert made.refund(deal, base).code is None
        assert made.figures("cid", made.now + HOLD).balance == left


def test_l11_a_refund_that_the_buyer_has_not_confirmed_takes_nothing() -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(path=path).complete()
    made.sell(deal, path=path)
    deal.refund(5_000, confirmed=False)
    assert made.refund(deal, 5_000).code == "no_reduction"


def test_l11_a_refund_after_the_hold_leaves_the_award_standing() -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(path=path).complete()
    made.sell(deal, path=path)
    deal.refund(5_000)
    assert made.refund(deal, 5_000, at=deal.messages[3].time + HOLD + 1).code == "hold_over"
    assert made.figures("cid").balance == 1_000


def test_l11_a_refund_after_a_won_dispute_may_come_14_days_after_the_freeze() -> None:
    for days, code in ((14, None), (15, "hold_over")):
        made = world()
        path = made.path("cid")
        deal = made.deal(path=path).complete()
        made.sell(deal, path=path)
        end = deal.messages[-1].time + HOLD
        deal.dispute()
        dispute = deal.messages[-1].id
        made.freeze(deal)
        deal.say("buyer", LapseDispute(dispute=dispute), at=end + DAY)
        made.freeze(deal, at=end + DAY)
        deal.refund(10_000)
        assert made.refund(deal, 0, at=end + (1 + days) * DAY).code == code


def test_l11_a_clawback_beyond_the_balance_is_due_and_later_awards_are_set_off() -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(path=path).complete()
    made.sell(deal, path=path)
    deal.dispute()
    dispute = deal.messages[-1].id
    made.freeze(deal)
    credit(made, "cid", 100)
    end = deal.messages[2].time + HOLD
    deal.say("buyer", LapseDispute(dispute=dispute), at=end + DAY)
    made.freeze(deal, at=end + DAY)
    assert made.transfer("cid", "bob", 1_100).code is None
    deal.refund(10_000)
    assert made.refund(deal, 0).code is None
    now = made.figures("cid")
    assert (now.balance, now.clawback_due, now.available) == (0, 1_000, 0)
    credit(made, "cid", 1_500)
    assert made.figures("cid", made.now + 2 * HOLD).balance == 500


# -- L12 is in test_later, L13 in test_union, L14 in test_challenges -------------------------------------------
# -- L15, L16 [R-CRED-10, 39..41] ----------------------------------------------------------------------------
def test_l15_a_transfer_stays_whatever_comes_after_it_in_the_log() -> None:
    made = rich()
    assert made.transfer("cid", "zoe", 100, limit=100).code is None
    made.rekey("cid")
    credit(made, "cid", 10)
    assert made.figures("zoe").balance == 100


def test_l16_an_overdraft_is_void_and_its_code_shown() -> None:
    made = rich()
    verdict = made.transfer("cid", "bob", 10**6)
    assert (verdict.code, verdict.changed) == ("not_covered", ())
    assert verdict.text == "request: asks for more than is available"


@pytest.mark.parametrize("kind", [22, 44])
def test_l16_a_missing_record_or_unknown_kind_makes_the_ledger_unknown_from_there(kind: int) -> None:
    made = rich()
    before = made.figures("cid")
    entry = made.issuer.after(made.issuer.entries[-1], kind, b"\x80", time=made.now + 1)
    if kind == 22:
        entry = msgspec.structs.replace(entry, record=None)
    made.issuer.entries.append(entry)
    assert made.book.take(entry).code == "unknown"
    assert made.book.unknown == entry.seq
    assert made.transfer("cid", "bob", 10).code == "unknown"
    assert made.figures("cid") == before


def test_union_of_one_branch_is_the_log_itself() -> None:
    made = rich()
    head = (made.issuer.entries[-1].seq, made.issuer.entries[-1].id)
    union = Union([head], made.book.effects)
    assert union.branches == (head,)
    assert union.figures(UNIT, made.id("cid"), made.now) == made.figures("cid")
