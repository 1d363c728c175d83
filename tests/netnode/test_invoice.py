"""Invoices and credit notes: their figures are those of the deal, and their page is safe to open."""

from __future__ import annotations

import html.parser

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netnode.deals import invoice as invoices
from netnode.deals.invoice import Document, Heading, Line, Off, Taxed, credit_note, credited, further, invoice
from netnode.deals.invoice_page import date_text, page, percent_text
from netnode.problems import ExitCode, Problem
from protocol.deals.bodies import (
    Accept,
    Cancel,
    Fulfil,
    Mandate,
    Order,
    PaymentReceived,
    PaymentSent,
    Receive,
    Refund,
    RefundReceived,
    Renewal,
)
from protocol.deals.enclosures import Goods, TaxLine
from protocol.deals.mandates import renewal, sign_statement, turn_of
from protocol.deals.message import parse
from protocol.deals.state import PartStatus, Phase
from protocol.records.money import Per
from tests.netnode.deals_made import ADA, HEADING, goods, known, ordered, play
from tests.protocol.deals.made import BUYER, HOUR, Play, signed, started

VAT = TaxLine(amount=238, included=True, rate=1_900, shipping=78, title="VAT")
SHIRT = goods(("Shirt <b>& co", 1, 1_000), taxes=(VAT,), address=ADA, shipping="Post")


def accepted(bought: Goods, shipping: int = 0) -> Play:
    """A deal with its contract."""
    played = play(bought, shipping)
    start = played.start.body
    assert isinstance(start, Order)
    played.say("seller", Accept(key=start.key, listing=start.listing))
    return played


def issued(played: Play, bought: Goods) -> Document:
    return invoice(known(played, bought), HEADING)


def later(played: Play, bought: Goods, number: str, before: list[Document]) -> Document | None:
    """The credit note as of now."""
    first = issued_before(played, bought)
    return credit_note(known(played, bought), numbered(number), [first, *before])


def numbered(number: str) -> Heading:
    return Heading(number, HEADING.time, HEADING.seller, HEADING.buyer)


def issued_before(played: Play, bought: Goods) -> Document:
    """The invoice as it was made when the contract was: only order and accept were there."""
    before = Play(played.start)
    before.messages, before.now = played.messages[:2], played.messages[1].time
    return issued(before, bought)


def test_an_invoice_states_what_was_agreed() -> None:
    found = issued(accepted(SHIRT, 412), SHIRT)
    assert found.lines == (Line(amount=1_000, quantity=1, title="Shirt <b>& co", unit_price=1_000),)
    assert found.shipping == Off(amount=490, title="Shipping: Post")  # as stated: with the tax inside it
    assert found.taxes == (Taxed(amount=238, included=True, rate=1_900, title="VAT"),)
    assert (found.net, found.tax, found.total) == (1_252, 238, 1_490)
    assert (found.parts, found.period, found.credits, found.kind) == ((), None, None, "invoice")
    assert msgspec.json.decode(msgspec.json.encode(found), type=Document) == found


def test_there_is_no_invoice_without_a_contract_or_without_the_goods() -> None:
    with pytest.raises(Problem) as caught:
        issued(play(SHIRT, 412), SHIRT)
    assert (caught.value.code, caught.value.exit_code) == ("no_contract", ExitCode.REFUSED)
    with pytest.raises(Problem) as caught:
        invoice(known(accepted(SHIRT, 412), None), HEADING)
    assert caught.value.code == "enclosure"


def test_who_buys_is_named_as_on_a_letter() -> None:
    side = invoices.buyer_side(known(accepted(SHIRT, 412), SHIRT), "Ada's node")
    assert (side.name, side.lines) == (
        "Ada Byron",
        ("c/o Babbage", "1 Dorset St", "W1U 4EE London", "GB"),
    )
    assert side.id.startswith("nx1")
    plain = goods(("Hat", 1, 5))
    assert invoices.buyer_side(known(accepted(plain), plain), "Ada's node").name == "Ada's node"
    assert invoices.buyer_side(known(accepted(plain), plain), "").name == "Buyer"


# -- milestones ------------------------------------------------------------------------------------------------
ADDED = TaxLine(amount=57_001, included=False, rate=1_900, title="VAT")
HOUSE = goods(("Drawings", 1, 100_005), ("Walls", 10, 15_000), ("Roof", 1, 50_000), taxes=(ADDED,))


def test_three_milestones_from_order_to_final() -> None:  # [R-PRICE-7] [R-PRICE-9]
    played = accepted(HOUSE)
    prices = [part.price for part in played.state().parts]
    assert prices == [119_006, 178_500, 59_500] and sum(prices) == 300_005 + 57_001
    document = issued(played, HOUSE)
    assert document.parts == tuple(prices) and document.total == sum(prices)
    # Paid in parts, each milestone signed off by the buyer.
    for part, (price, titled) in enumerate(zip(prices, ("Drawings", "Walls", "Roof"), strict=True)):
        sent = played.say("buyer", PaymentSent(amount=price))
        played.say("seller", PaymentReceived(amount=price, payment=sent.id))
        figures = played.state().figures
        assert (figures.paid, figures.payment_due) == (sum(prices[: part + 1]), sum(prices[part + 1 :]))
        done = played.say("seller", Fulfil(part=part))
        assert played.state().parts[part].status is PartStatus.FULFILLED
        played.say("buyer", Receive(part=part, fulfil=done.id))
        assert played.state().figures.base == sum(prices[: part + 1])
        assert f"{part + 1}: {titled}" in page(document)
    assert played.state().phase is Phase.FINAL
    assert credited(played.state()) == 0
    assert later(played, HOUSE, "C2026-1", []) is None


def test_a_milestone_that_is_given_up_is_credited_with_its_tax() -> None:
    played = accepted(HOUSE)
    prices = [part.price for part in played.state().parts]
    paid = played.say("buyer", PaymentSent(amount=sum(prices)))
    played.say("seller", PaymentReceived(amount=sum(prices), payment=paid.id))
    done = played.say("seller", Fulfil(part=0))
    played.say("buyer", Receive(part=0, fulfil=done.id))
    played.say("buyer", Cancel(reason="changed_mind"))
    assert played.state().figures.refund_due == prices[1] + prices[2]
    first = later(played, HOUSE, "C2026-1", [])
    assert first is not None and first.total == prices[1] + prices[2] == 238_000
    assert first.taxes[0].amount == 38_000 and first.net == 200_000
    assert first.credits == HEADING.number and "Credited" in page(first)
    # Refunding what is credited already credits nothing more; paying back beyond it does.
    back = played.say("seller", Refund(amount=238_000))
    played.say("buyer", RefundReceived(amount=238_000, refund=back.id, total=238_000))
    assert later(played, HOUSE, "C2026-2", [first]) is None
    played.say("seller", Refund(amount=10_000))
    second = later(played, HOUSE, "C2026-2", [first])
    assert second is not None and second.total == 10_000
    played.say("seller", Refund(amount=prices[0] - 10_000))
    third = later(played, HOUSE, "C2026-3", [first, second])
    assert third is not None
    assert sum(each.total for each in (first, second, third)) == sum(prices)
    assert sum(each.tax for each in (first, second, third)) == 57_001  # to the unit


def test_money_that_was_too_much_is_sent_back_without_a_credit_note() -> None:
    played = accepted(SHIRT, 412)
    for amount in (1_490, 10):
        played.say("seller", PaymentReceived(amount=amount))
    played.say("seller", Fulfil())
    played.say("seller", Refund(amount=10))
    assert credited(played.state()) == 0
    played.say("seller", Refund(amount=5))
    assert credited(played.state()) == 5


@settings(max_examples=25)
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=5), st.integers(1, 10_000), st.data())
def test_credit_notes_of_the_whole_take_back_the_whole_tax(
    prices: list[int], rate: int, data: st.DataObject
) -> None:
    tax = (2 * sum(prices) * rate + 10_000) // 20_000
    bought = goods(
        *(("Line", 1, price) for price in prices),
        taxes=(TaxLine(amount=tax, included=False, rate=rate, title="T"),),
    )
    played = accepted(bought)
    total = sum(part.price for part in played.state().parts)
    notes: list[Document] = []
    if total:
        played.say("seller", PaymentReceived(amount=total))
    for part in range(len(prices)):
        played.say("seller", Fulfil(part=part))
    left = total
    while left:
        amount = data.draw(st.integers(max(1, left // 3), left))
        played.say("seller", Refund(amount=amount))
        left -= amount
        note = later(played, bought, "C", notes)
        assert note is not None and note.total == amount and note.net >= 0
        notes.append(note)
    assert (sum(each.total for each in notes), sum(each.tax for each in notes)) == (
        total,
        tax if total else 0,
    )


# -- an invoice that comes late --------------------------------------------------------------------------------
def test_an_invoice_after_a_cancellation_states_what_is_left() -> None:
    played = accepted(HOUSE)
    prices = [part.price for part in played.state().parts]
    paid = played.say("buyer", PaymentSent(amount=sum(prices)))
    played.say("seller", PaymentReceived(amount=sum(prices), payment=paid.id))
    done = played.say("seller", Fulfil(part=0))
    played.say("buyer", Receive(part=0, fulfil=done.id))
    early = issued_before(played, HOUSE)
    played.say("buyer", Cancel(reason="changed_mind"))
    credit = later(played, HOUSE, "C2026-1", [])
    assert credit is not None
    found = issued(played, HOUSE)
    # Whoever got the invoice and the credit note, or only the late invoice, reads the same.
    assert found.total == early.total - credit.total == prices[0] == played.state().figures.owed
    assert (found.tax, found.net) == (early.tax - credit.tax, early.net - credit.net)
    assert (found.given_up, found.paid) == (credit.total, sum(prices))
    assert found.parts == tuple(prices)
    lines = sum(line.amount for line in found.lines) - sum(off.amount for off in found.discounts)
    assert lines + found.tax == found.total  # the tax is added below: the page adds up
    text = page(found)
    assert "Cancelled or paid back before this invoice" in text and "To be paid back" in text
    assert ">3570.06<" in text and ">2380.00<" in text  # paid by then; what of it goes back
    # The credit note on it is of what comes after it alone.
    assert credit_note(known(played, HOUSE), numbered("C2026-1"), [found]) is None
    back = played.say("seller", Refund(amount=238_000))
    played.say("buyer", RefundReceived(amount=238_000, refund=back.id, total=238_000))
    assert credit_note(known(played, HOUSE), numbered("C2026-1"), [found]) is None
    played.say("seller", Refund(amount=10_000))
    more = credit_note(known(played, HOUSE), numbered("C2026-1"), [found])
    assert more is not None and more.total == 10_000
    assert (issued(played, HOUSE).total, issued(played, HOUSE).paid) == (prices[0] - 10_000,) * 2


def test_a_late_invoice_with_the_tax_inside_its_prices_adds_up() -> None:
    played = accepted(SHIRT, 412)
    played.say("seller", PaymentReceived(amount=1_490))
    played.say("seller", Fulfil())
    played.say("seller", Refund(amount=490))
    found = issued(played, SHIRT)
    assert (found.total, found.given_up, found.paid) == (1_000, 490, 1_000)
    assert found.shipping is not None and found.tax == 160  # 238 of 1,490, in proportion
    assert 1_000 + found.shipping.amount - sum(off.amount for off in found.discounts) == found.total
    assert "Still to pay" in page(found) and ">0.00<" in page(found)


def test_goods_that_come_after_the_cancellation_are_invoiced_too() -> None:
    played = accepted(HOUSE)
    prices = [part.price for part in played.state().parts]
    done = played.say("seller", Fulfil(part=0))
    played.say("buyer", Receive(part=0, fulfil=done.id))
    played.say("buyer", Cancel(reason="changed_mind"))
    late = issued(played, HOUSE)
    early = issued_before(played, HOUSE)
    note = later(played, HOUSE, "C2026-1", [])
    assert note is not None
    for made in ([late], [early, note]):
        assert further(known(played, HOUSE), numbered("2026-2"), made) is None
    played.say("buyer", Receive(part=1))  # the seller had sent them: its price is owed again
    assert played.state().figures.owed == prices[0] + prices[1]
    for made in ([late], [early, note]):
        more = further(known(played, HOUSE), numbered("2026-2"), made)
        assert more is not None and (more.kind, more.total, more.credits) == ("invoice", prices[1], "2026-1")
        assert more.tax == 28_500 and "Of invoice" in page(more)
        whole = [*made, more]
        assert further(known(played, HOUSE), numbered("2026-3"), whole) is None
        assert credit_note(known(played, HOUSE), numbered("C2026-2"), whole) is None


def test_of_a_deal_that_was_given_up_whole_there_is_no_invoice() -> None:
    played = accepted(SHIRT, 412)
    played.say("seller", Cancel(reason="sold_out"))
    with pytest.raises(Problem) as caught:
        issued(played, SHIRT)
    assert (caught.value.code, caught.value.exit_code) == ("nothing", ExitCode.REFUSED)


def test_an_invoice_as_an_earlier_version_stored_it_is_read() -> None:
    found = issued(accepted(SHIRT, 412), SHIRT)
    stored = msgspec.json.decode(msgspec.json.encode(found))
    del stored["given_up"], stored["paid"]
    assert msgspec.json.decode(msgspec.json.encode(stored), type=Document) == found


# -- renewals --------------------------------------------------------------------------------------------------
def renewed(price: int | None) -> Play:
    """The second month of a subscription, at another price if one is given."""
    mandate = Mandate(notice=HOUR, per=Per(count=1, unit="month"))
    first = signed([started(ordered(SHIRT, 412, mandate=mandate))])[0]
    time = first.time + HOUR
    said = [] if price is None else [
        sign_statement("test", BUYER, action="price", order=first.id, number=0, time=time, price=price)
    ]  # fmt: skip
    return Play(started(renewal(first, said, 1), time=time + HOUR))


def test_a_renewal_is_invoiced_for_its_period() -> None:
    played = renewed(None)
    assert isinstance(played.start.body, Renewal) and played.state().contract
    found = issued(played, SHIRT)
    assert (found.total, found.tax, found.lines[0].amount) == (1_490, 238, 1_000)
    assert found.period is not None
    assert [date_text(moment) for moment in found.period] == ["2023-12-14", "2024-01-14"]
    turn = turn_of(parse(played.start.body.first), 1)
    assert found.period == (turn.begins, turn.ends - 1)


def test_a_renewal_at_another_price_states_that_price() -> None:
    found = issued(renewed(2_980), SHIRT)
    assert found.lines == (
        Line(amount=2_980, quantity=1, title="Shirt <b>& co, at the price agreed", unit_price=2_980),
    )
    assert (found.total, found.tax, found.shipping, found.discounts) == (2_980, 476, None, ())
    free = issued(renewed(0), SHIRT)
    assert (free.total, free.tax, free.net) == (0, 0, 0)


# -- the page --------------------------------------------------------------------------------------------------
class Tags(html.parser.HTMLParser):
    """Which elements and attributes a page has; and that every one that is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize(
    "bought", [SHIRT, HOUSE, goods(("</style><script>alert(1)</script>", 2, 5), discount=3)]
)
def test_a_page_needs_nothing_and_runs_nothing(bought: Goods) -> None:
    played = accepted(bought, 412 if bought is SHIRT else 0)
    text = page(issued(played, bought))
    tags = Tags()
    tags.feed(text)
    assert not tags.open
    assert not tags.tags & {"script", "link", "img", "iframe", "object", "svg", "form", "a"}
    assert not {name for name in tags.attributes if name.startswith("on") or name in ("style", "src", "href")}
    assert text.count("<style>") == 1 and "url(" not in text and "@import" not in text
    assert "Ben&#39;s &lt;Lamps&gt;" in text


def test_a_page_says_amounts_as_people_write_them() -> None:
    text = page(issued(accepted(SHIRT, 412), SHIRT))
    for part in ("Invoice 2026-1", "Total (EUR)", ">14.90<", "VAT 19 %, included", ">2.38<", ">12.52<", "2026-01-31",
                 "Shirt &lt;b&gt;&amp; co"):  # fmt: skip
        assert part in text
    star = goods(("Hat", 1, 7))
    played = Play(started(ordered(star, currency=msgspec.UNSET, issuer=b"i" * 32, unit="star")))
    order = played.start.body
    assert isinstance(order, Order)
    played.say("seller", Accept(key=order.key, listing=order.listing))
    assert "Total (star)" in page(issued(played, star)) and ">7<" in page(issued(played, star))


@pytest.mark.parametrize(("points", "said"), [(1_900, "19 %"), (770, "7.7 %"), (5, "0.05 %"), (0, "0 %")])
def test_rates_in_words(points: int, said: str) -> None:
    assert percent_text(points) == said
