"""Sales: what their entries embed, and which plan they follow [R-CRED-13..24]."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import UNSET

from protocol.deals import message
from protocol.deals.bodies import Fulfil, PaymentSent, PresumePayment, PresumeReceived, Receive
from protocol.errors import Void
from protocol.ledger.contents import encode_content, read_close, read_sale
from protocol.ledger.governing import commission_plan
from protocol.ledger.groups import cut
from protocol.records import Listing, SalePart, encode_record
from protocol.records.plan import Exchange
from protocol.signing import Signer
from tests.protocol.author import START, Author, seed
from tests.protocol.ledger.agreements import alliance
from tests.protocol.ledger.world import DAY, HOLD, World, plan_record


def world() -> World:
    made = World()
    made.publish()
    for name, sponsor in (("ann", None), ("bob", "ann"), ("cid", "bob")):
        made.join(name, sponsor)
    return made


def later(made: World, name: str, unit: str = "star") -> int:
    """What somebody has once all holds are over."""
    return made.book.figures(unit, made.id(name), made.now + 3 * HOLD).balance


# -- messages ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("what", "code"),
    [("no contract", "not_agreed"), ("not received", "no_receipt"), ("not paid", "no_receipt"),
     ("ahead", "dated_ahead"), ("other seller", "names_differ"), ("forged receipt", "not_signed"),
     ("missing", "deal"), ("no start", "deal"), ("garbage", "deal"), ("twice", "deal")],
)  # fmt: skip
def test_what_a_sale_must_embed(what: str, code: str) -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(path=path)
    match what:
        case "no contract":
            deal.pay()
        case "not received":
            deal.accept().pay()
        case "not paid":
            deal.accept().receive()
        case "other seller":
            deal.issuer = Author("other")
            deal = made.deal(path=path, seller=deal.issuer.id).accept()
        case "forged receipt":
            deal.accept().pay()
            deal.say("buyer", Receive(part=0), signer=Signer(seed("somebody")))
        case _:
            deal.complete()
    content = made.content(deal, path=path)
    messages = list(content.messages)
    match what:
        case "missing":
            del messages[1]
        case "no start":
            del messages[0]
        case "garbage":
            messages[1] = b"\x80"
        case "twice":
            messages.append(messages[-1])
        case _:
            pass
    content = msgspec.structs.replace(content, messages=tuple(messages))
    at = deal.now - 1 if what == "ahead" else deal.now
    made.now = at
    assert made.write(cut(SalePart, encode_content(content))[0], at=at).code == code


def test_a_presumption_of_receipt_and_of_payment_make_a_sale() -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(path=path).accept()
    sent = deal.say("buyer", PaymentSent(amount=10_000))
    fulfil = deal.say("seller", Fulfil(part=0))
    deal.say("buyer", PresumePayment(payment=sent.id), at=deal.now + 2 * DAY)
    deal.say("seller", PresumeReceived(fulfil=fulfil.id), at=deal.now + 2 * DAY)
    made.now = deal.now
    assert made.sell(deal, path=path).code is None
    assert later(made, "cid") == 1_000


def test_the_hold_runs_from_the_newest_receipt() -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(5_000, 5_000, path=path).accept().pay().receive(0)
    deal.now += 5 * DAY
    deal.receive(1)
    assert made.sell(deal, path=path).code is None
    due = deal.messages[-1].time + HOLD
    assert [made.figures("cid", at).balance for at in (due - 1, due)] == [0, 1_000]


# -- path ----------------------------------------------------------------------------------------------------
def test_the_referrer_is_who_is_nearest_the_buyer() -> None:
    made = world()
    path = made.path("ann", "cid")
    made.sell(made.deal(path=path).complete(), path=path)
    assert [later(made, name) for name in ("cid", "bob", "ann")] == [1_000, 500, 100]


def test_a_token_for_another_seller_is_no_consent() -> None:
    """Who signed it recommended somebody else's goods, and agreed to hold nobody else's credit [R-CRED-16]."""
    made, other = world(), World("other")
    other.people = made.people
    path = other.path("cid")
    deal = made.deal(path=path).complete()
    assert made.sell(deal, path=path).code is None
    assert later(made, "cid") == 0


@pytest.mark.parametrize("what", ["expired", "other listing", "forged"])
def test_a_token_that_is_not_for_this_order_leads_nobody(what: str) -> None:
    made = world()
    if what == "forged":
        real, forger = made.who("cid").signer, Author("forger")
        made.who("cid").signer = forger.signer
        path = made.path("cid")
        made.who("cid").signer = real
    else:
        path = made.path(
            "cid",
            listing="else" if what == "other listing" else None,
            expires=START + (1 if what == "expired" else 10**4 * DAY),
        )
    deal = made.deal(path=path).complete()
    assert made.sell(deal, path=path).code is None
    assert later(made, "cid") == 0


@pytest.mark.parametrize("what", ["none", "another", "garbage", "not asked for"])
def test_the_opened_path_is_the_one_that_the_order_names(what: str) -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(path=None if what == "not asked for" else path).complete()
    content = made.content(deal, path=path)
    given = {
        "none": UNSET, "another": made.path("bob").encode(), "garbage": b"\x80", "not asked for": path.encode(),
    }[what]  # fmt: skip
    content = msgspec.structs.replace(content, path=given)
    assert made.write(cut(SalePart, encode_content(content))[0], at=deal.now).code == "path_differs"


def test_without_the_openers_of_a_referrer_a_sale_is_void() -> None:
    made = world()
    path = made.path("cid")
    made.known.add("cid")
    deal = made.deal(path=path).complete()
    content = made.content(deal, path=path)
    assert made.write(cut(SalePart, encode_content(content))[0], at=deal.now).code == "openers"


# -- listing, rate, plan -------------------------------------------------------------------------------------
def test_the_listing_is_embedded_at_its_first_sale_and_named_by_later_ones() -> None:
    made = world()
    path = made.path("cid")
    first, second = (made.deal(path=path).complete() for _ in range(2))
    content = made.content(first, path=path, listing=UNSET)
    assert made.write(cut(SalePart, encode_content(content))[0], at=first.now).code == "listing_differs"
    first.sent = 0
    assert made.sell(first, path=path, openers=()).code is None
    assert made.book.state.listings == {made.listing().id: "thing"}
    assert made.content(second, path=path).listing is UNSET
    second.sent = 0
    assert made.sell(second, path=path).code is None


def test_another_listing_is_not_the_one_ordered() -> None:
    made = world()
    record = encode_record(Listing(salt=bytes(range(16)), key="other", kind="product", title="Other"))
    other = made.issuer.after(made.issuer.entries[0], Listing.KIND, record, time=START)
    path = made.path("cid")
    deal = made.deal(path=path).complete()
    content = made.content(deal, path=path, listing=(other.header, other.signature, record))
    assert made.write(cut(SalePart, encode_content(content))[0], at=deal.now).code == "listing_differs"


def test_a_commission_follows_the_built_in_plan_of_one_level() -> None:
    made = World()
    path = made.path("zoe")
    deal = made.deal(10_000, path=path, commission=700).complete()
    assert made.sell(deal, path=path).code is None
    assert later(made, "zoe", "EUR") == 700
    assert commission_plan(700, "EUR").currencies == (Exchange(currency="EUR", rate=(1, 1)),)


@pytest.mark.parametrize("signed", [True, False])
def test_an_alliance_comes_before_commission_and_plan(signed: bool) -> None:
    made = world()
    data = alliance(made, made.who("zoe"), 1_500, signed=signed)
    path = made.path("cid", "zoe")
    deal = made.deal(10_000, path=path, commission=700).complete()
    if signed:
        assert made.sell(deal, path=path, agreement=data).code is None
        assert (later(made, "zoe", "EUR"), later(made, "cid")) == (1_500, 0)
    else:
        with pytest.raises(Void, match="not_signed"):
            made.sell(deal, path=path, agreement=data)


def test_an_order_without_plan_and_commission_has_no_awards_to_log() -> None:
    made = World()
    deal = made.deal(10_000).complete()
    content = made.content(deal)
    assert made.write(cut(SalePart, encode_content(content))[0], at=deal.now).code == "no_plan"


def test_a_changed_plan_holds_after_its_notice_and_what_was_ordered_before_follows_the_old_one() -> None:
    made = world()
    old = made.plan
    early = made.deal(path=made.path("cid")).complete()
    at = made.now + 10
    made.now = at
    made.publish(title="Changed")
    new, starts = made.plan, made.now + 30 * DAY
    governed = made.book.governing.find(new or b"")
    assert governed is not None and governed.starts == starts
    assert made.sell(early, path=made.path("cid"), at=starts + DAY).code is None
    made.now = starts + DAY
    for plan, code in ((old, "no_plan"), (new, None)):
        deal = made.deal(path=made.path("cid"), plan=plan or b"").complete()
        content = made.content(deal, path=made.path("cid"))
        found = made.write(cut(SalePart, encode_content(content))[0], at=deal.now).code
        assert found == code or (code is None and found == "awards_differ")
        made.now = deal.now


def test_the_same_plan_again_is_void() -> None:
    made = world()
    assert made.write(plan_record()).code == "already_logged"


def test_a_plan_that_is_stated_wrongly_voids_the_sale() -> None:
    made = world()
    path = made.path("cid")
    deal = made.deal(path=path).complete()
    assert made.sell(deal, path=path, awards=(), plan=bytes(32)).code == "plan_differs"


def test_a_content_is_canonical_and_has_no_other_field() -> None:
    for read in (read_sale, read_close):
        for data in (b"", b"\x80", b"\xc1", b"\x81\xa1x\x01"):
            with pytest.raises(Void, match="malformed"):
                read(data)


def test_messages_are_those_of_the_seller_by_the_word_of_the_entry() -> None:
    """The author of the log need not prove its own word in it."""
    made = world()
    path = made.path("cid")
    deal = made.deal(path=path)
    made.issuer.signer, real = Signer(seed("other key")), made.issuer.signer
    deal.accept().pay()
    made.issuer.signer = real
    deal.receive()
    assert made.sell(deal, path=path).code is None
    assert message.parse(deal.messages[1].data).role == "seller"
