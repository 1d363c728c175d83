"""What comes later: sales raised, plans changed and ended, periods closed [L9, L11, L12; R-CRED-21, 24, 30..33]."""

from __future__ import annotations

from protocol.deals.bodies import Accept, PaymentReceived, Receive
from protocol.ledger.contents import CloseContent, encode_content
from protocol.ledger.effects import Sold, sale_id
from protocol.ledger.groups import cut
from protocol.records import ClosePart
from protocol.records.plan import Differential, Step
from tests.protocol.author import START
from tests.protocol.ledger.closes import close_with_awards
from tests.protocol.ledger.test_invariants import world
from tests.protocol.ledger.world import DAY, HOLD, Deal, World, plan_record


def test_l12_a_sale_that_was_refunded_whole_and_raised_counts_its_buyer_again() -> None:
    """And a second whole refund takes the buyer back once more: nothing an author writes makes the fold raise."""
    made = world(unlock_buyers=1)
    path = made.path("bob")
    deal = made.deal(path=path).accept().pay(4_000).receive()
    assert made.sell(deal, path=path).code is None
    unlocked = []
    for amount in (4_000, 10_000):
        deal.refund(amount)
        assert made.refund(deal, 0).code is None
        unlocked.append(_overrides(made))
        if amount == 4_000:
            deal.pay(10_000)
            assert made.sell(deal, path=path).code is None
            unlocked.append(_overrides(made))
    assert unlocked == [0, 500, 0]


def _overrides(made: World) -> int:
    """What bob has of a sale of cid's."""
    path = made.path("cid")
    deal = made.deal(path=path).complete()
    assert made.sell(deal, path=path).code is None
    sold = made.book.effects[sale_id(deal.id)]
    assert isinstance(sold, Sold)
    return sum(step.amount for credit in sold.awards for step in credit.steps if credit.to == made.id("bob"))


def monthly() -> World:
    """The same people under a plan that pays 10 per cent of the group's volume when the month is closed."""
    return world(
        unilevel=(),
        differential=(Differential(mode="marginal", name="group", steps=(Step(at=0, rate=(1, 10)),)),),
    )


def raised_after_the_close() -> tuple[World, Deal]:
    """An order of two parts: one received and closed, the other received a month later."""
    made = monthly()
    path = made.path("cid")
    deal = made.deal(4_000, 6_000, path=path).accept().pay().receive(0)
    assert made.sell(deal, path=path).code is None
    first = close(made)
    assert [each.amount for each in first.awards] == [400]
    deal.say("buyer", Receive(part=1), at=made.now)
    assert made.sell(deal, path=path).code is None
    return made, deal


def test_l12_what_is_received_after_the_close_counts_in_the_period_of_the_later_entry() -> None:
    made, _ = raised_after_the_close()
    assert [(each.to, each.amount) for each in close(made).awards] == [(made.id("cid"), 600)]


def test_l11_a_refund_of_what_was_received_after_the_close_takes_nothing_off_the_closed_award() -> None:
    made, deal = raised_after_the_close()
    for amount, base, left in ((5_000, 5_000, 400), (3_000, 2_000, 200)):
        deal.refund(amount)
        assert made.refund(deal, base).code is None
        assert made.figures("cid", made.now + HOLD).balance == left
    assert close(made).awards == ()


def test_l9_of_a_month_in_which_the_plan_changed_both_plans_awards_stand() -> None:
    """What the newer plan awards for the month is another award, and replaces none of the older plan's."""
    made = monthly()
    old = made.book.governing.find(made.plan or b"")
    path = made.path("cid")
    made.publish(
        unilevel=(), title="Newer",
        differential=(Differential(mode="marginal", name="group", steps=(Step(at=0, rate=(1, 10)),)),),
    )  # fmt: skip
    new = made.book.governing.find(made.plan or b"")
    assert old is not None and new is not None
    assert old.ends == new.starts
    for plan, price, at in ((old, 10_000, new.starts - DAY), (new, 5_000, new.starts + DAY)):
        made.plan, made.now = plan.hash, at
        assert made.sell(made.deal(price, path=path).complete(), path=path).code is None
    for plan in (old, new):
        content = close_with_awards(made.book.state, plan, new.starts)
        assert (
            made.write(cut(ClosePart, encode_content(content))[0], at=max(content.ends, made.now)).code
            is None
        )
    assert made.figures("cid", made.now + 2 * HOLD).signed == 1_500


def test_l12_what_was_ordered_before_a_plan_ended_is_paid_when_it_is_received_months_later() -> None:
    """R11: a changed plan takes nothing from what was agreed on; the old one is closed as long as sales follow it."""
    made = monthly()
    old = made.book.governing.find(made.plan or b"")
    path = made.path("cid")
    deal = made.deal(path=path).accept()
    made.publish(title="Newer")
    assert old is not None
    assert old.ends is not None
    deal.now = made.now = old.ends + 40 * DAY
    deal.pay().receive()
    assert made.sell(deal, path=path).code is None
    paid = []
    while old.closed is None or old.left(old.closed):
        content = close_with_awards(made.book.state, old, old.closed or START)
        assert (
            made.write(cut(ClosePart, encode_content(content))[0], at=max(content.ends, made.now)).code
            is None
        )
        paid += [each.amount for each in content.awards]
    assert paid == [1_000]
    content = close_with_awards(made.book.state, old, old.closed)
    assert made.write(cut(ClosePart, encode_content(content))[0], at=content.ends).code == "period"


def close(made: World) -> CloseContent:
    """Closes the period of the newest sale."""
    governed = made.book.governing.find(made.plan or b"")
    assert governed is not None
    content = close_with_awards(made.book.state, governed, made.now)
    verdict = made.write(cut(ClosePart, encode_content(content))[0], at=content.ends)
    assert verdict.code is None, verdict
    return content


# -- L12 [R-CRED-21, 24, 30..33] -----------------------------------------------------------------------------
def test_l12_a_later_sale_of_the_order_raises_awards_as_of_the_first() -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(4_000, 6_000, path=path).accept().pay().receive(0)
    made.sell(deal, path=path)
    assert made.figures("cid", made.now + HOLD).balance == 400
    made.rekey("ann")
    made.book.teams.tree("team").move(made.id("cid"), made.id("ann"), made.issuer.entries[-1].seq)
    deal.receive(1)
    made.sell(deal, path=path)
    assert made.figures("cid", made.now + HOLD).balance == 1_000
    assert made.figures("bob", made.now + HOLD).balance == 500  # the sponsor when it was first logged


def test_l12_what_the_first_entry_found_of_its_plan_is_not_asked_again() -> None:
    """A plan that ends at the very moment of the order was in force when the sale was first logged [R-CRED-21]."""
    made = world(notice_days=0)
    path = made.path("cid")
    deal = made.deal(4_000, 6_000, path=path)
    order = deal.body
    deal.say("seller", Accept(key=order.key, listing=order.listing, path=order.path), at=deal.now)
    deal.say("seller", PaymentReceived(amount=10_000), at=deal.now)
    deal.say("buyer", Receive(part=0), at=deal.now)
    made.now = deal.now
    assert made.sell(deal, path=path, at=deal.now).code is None
    assert made.write(plan_record(notice_days=0, title="Another"), at=deal.now).code is None
    deal.receive(1)
    assert made.sell(deal, path=path).code is None
    assert made.figures("cid", made.now + HOLD).balance == 1_000


def test_l12_a_later_sale_without_a_larger_base_has_no_effect() -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(path=path).complete()
    made.sell(deal, path=path)
    deal.pay(1)
    assert made.sell(deal, path=path, awards=(), plan=made.plan).code == "already_logged"


def test_l12_a_sale_logged_too_late_is_evaluated_as_of_the_contract() -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(path=path).complete()
    made.rekey("ann")
    made.book.teams.tree("team").move(made.id("cid"), made.id("ann"), made.issuer.entries[-1].seq + 1)
    made.now = deal.messages[1].time + 15 * DAY
    made.rekey("ann")
    assert made.sell(deal, path=path, at=made.now + 1).code is None
    assert made.figures("bob", made.now + HOLD).balance == 500


def test_l12_closing_a_period_twice_gives_the_same_bytes_and_the_second_has_no_effect() -> None:
    made = world()
    path = made.path("cid")
    made.sell(made.deal(path=path).complete(), path=path)
    first = close(made)
    governed = made.book.governing.find(made.plan or b"")
    assert governed is not None
    again = close_with_awards(made.book.state, governed, first.begins)
    assert encode_content(again) == encode_content(first)
    verdict = made.write(cut(ClosePart, encode_content(again))[0], at=first.ends + 1)
    assert verdict.code == "already_logged"


def test_l12_a_period_that_is_not_over_or_not_the_next_is_not_closed() -> None:
    made = world()
    governed = made.book.governing.find(made.plan or b"")
    assert governed is not None
    content = close_with_awards(made.book.state, governed, made.now)
    assert made.write(cut(ClosePart, encode_content(content))[0], at=content.ends - 1).code == "period"
    assert made.write(cut(ClosePart, encode_content(content))[0], at=content.ends).code is None
    later = close_with_awards(made.book.state, governed, content.ends + 40 * DAY)
    assert made.write(cut(ClosePart, encode_content(later))[0], at=later.ends).code == "period"


def test_l11_a_period_award_falls_by_what_a_refund_after_the_close_took_from_its_volume() -> None:
    made = monthly()
    path = made.path("cid")
    deals = [made.deal(path=path).complete() for _ in range(2)]
    for deal in deals:
        assert made.sell(deal, path=path).code is None
    close(made)
    assert made.figures("cid", made.now + HOLD).balance == 2_000
    deals[0].refund(5_000)
    assert made.refund(deals[0], 5_000, at=deals[0].messages[2].time + HOLD).code is None
    assert made.figures("cid", made.now + HOLD).balance == 1_500
