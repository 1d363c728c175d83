"""L14: what an issuer does not log is asked for in public [R-CRED-53..57]."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.errors import Void
from protocol.ledger.challenges import DEADLINE_MS, Demand, Outcome, outcome, outcomes, read_challenge
from protocol.records import Answer, Redeem
from protocol.records.credit import Reply
from tests.protocol.author import NETWORK, Author
from tests.protocol.ledger.asking import back, challenged, keys, on_offer
from tests.protocol.ledger.swapping import credit
from tests.protocol.ledger.world import HOLD, World


def rich() -> World:
    world = World()
    world.publish()
    world.join("ann")
    credit(world, "ann", 1_000)
    world.now += 2 * HOLD
    return world


def demand(world: World, by: str = "ann", **fields: Any) -> Demand:
    entry, record = challenged(world, by, **fields)
    return read_challenge(NETWORK, entry, record, keys(world))


def test_a_covered_request_has_standing_until_it_is_logged() -> None:
    world = rich()
    request = world.request("redeem", "ann", 1_000)
    asked = demand(world, request=request)
    day = world.now
    assert outcome(asked, world.book, day, None) is Outcome.OPEN
    assert outcome(asked, world.book, day + DEADLINE_MS - 1, day) is Outcome.OPEN
    assert outcome(asked, world.book, day + DEADLINE_MS, day) is Outcome.OVERDUE
    assert outcome(asked, world.book, day + 2 * DEADLINE_MS, None) is Outcome.OPEN
    world.write(Redeem(openers=world.openers("ann"), request=request))
    assert outcome(asked, world.book, day + DEADLINE_MS, day) is Outcome.CLEARED


def test_a_request_that_is_not_covered_or_has_expired_has_no_standing() -> None:
    world = rich()
    asked = demand(world, request=world.request("redeem", "ann", 1_001))
    assert outcome(asked, world.book, world.now, world.now) is Outcome.NO_STANDING
    asked = demand(world, request=world.request("redeem", "ann", 1, expires=world.now + 5))
    assert outcome(asked, world.book, world.now + 5, world.now) is Outcome.NO_STANDING


def test_an_answer_clears_and_a_reason_stays_shown() -> None:
    world = rich()
    first, second = (demand(world, request=world.request("redeem", "ann", 1)) for _ in range(2))
    replies = sorted(
        (Reply(challenge=first.id, reason="other"), Reply(challenge=second.id, entry=2)),
        key=lambda each: each.challenge,
    )
    assert world.write(Answer(replies=tuple(replies))).code is None
    assert outcome(first, world.book, world.now, None) is Outcome.REFUSED
    assert outcome(second, world.book, world.now, None) is Outcome.CLEARED
    assert world.book.reply(first.id) == (world.issuer.entries[-1].seq, "other")
    assert world.write(Answer(replies=(Reply(challenge=first.id, entry=2),))).code is None
    assert outcome(first, world.book, world.now, None) is Outcome.CLEARED


def test_an_answer_that_names_what_is_not_there_yet_is_void() -> None:
    world = rich()
    asked = demand(world, request=world.request("redeem", "ann", 1))
    later = Answer(replies=(Reply(challenge=asked.id, entry=len(world.issuer.entries)),))
    assert world.write(later).code == "no_entry"
    assert outcome(asked, world.book, world.now, None) is Outcome.OPEN


def test_of_one_claimant_one_challenge_is_open_at_a_time() -> None:
    world = rich()
    mine = [demand(world, request=world.request("redeem", "ann", 1)) for _ in range(3)]
    credit(world, "bob", 10)
    world.now += 2 * HOLD
    other = demand(world, "bob", request=world.request("redeem", "bob", 1))
    found = {
        each.id: standing for each, standing in outcomes([*mine[::-1], other], world.book, world.now, {})
    }
    assert [found[each.id] for each in mine] == [Outcome.OPEN, Outcome.WAITING, Outcome.WAITING]
    assert found[other.id] is Outcome.OPEN


def test_the_issuers_accept_with_the_opened_path_has_standing_until_the_sale_is_logged() -> None:
    world = rich()
    path = world.path("ann", "bob")
    deal = world.deal(path=path).complete()
    contract = deal.messages[1].data
    asked = demand(world, "bob", contract=contract, path=path.encode())
    assert asked.order == deal.id
    assert outcome(asked, world.book, world.now + DEADLINE_MS, world.now) is Outcome.OVERDUE
    assert world.sell(deal, path=path).code is None
    assert outcome(asked, world.book, world.now + DEADLINE_MS, world.now) is Outcome.CLEARED


@pytest.mark.parametrize(
    ("what", "code"),
    [("stranger", "no_standing"), ("other path", "path_differs"), ("order", "no_standing"), ("no path", "path_differs"),
     ("forged", "not_signed"), ("garbage", "statement")],
)  # fmt: skip
def test_a_contract_that_does_not_bind_the_issuer_to_the_author_is_void(what: str, code: str) -> None:
    world = rich()
    path = world.path("ann")
    deal = world.deal(path=path).accept()
    contract, opened, by = deal.messages[1].data, path.encode(), "ann"
    match what:
        case "stranger":
            by = "zoe"
        case "other path":
            opened = world.path("ann", "bob").encode()
        case "order":
            contract = deal.messages[0].data
        case "no path":
            opened = b"\x80"
        case "forged":
            contract = contract[:-1] + bytes([contract[-1] ^ 1])
        case "garbage":
            contract = b"\x80"
    with pytest.raises(Void) as caught:
        demand(world, by, contract=contract, path=opened)
    assert caught.value.code == code


def test_a_request_of_somebody_else_or_that_is_not_signed_is_void() -> None:
    world = rich()
    with pytest.raises(Void, match="names_differ"):
        demand(world, "bob", request=world.request("redeem", "ann", 1))
    other = Author("other")
    forged = world.request("redeem", "ann", 1)
    world.people["ann"].signer = other.signer
    with pytest.raises(Void, match="not_signed"):
        demand(world, "ann", request=forged)


# -- goods to be taken back [R-TEAM-29] ----------------------------------------------------------------------
def test_a_member_who_bought_by_the_issuers_contract_may_demand_the_buyback() -> None:
    """[R-CRED-54] Only an answer clears it: the refund stands in the deal."""
    world = rich()
    deal = world.deal().complete()
    asked = demand(world, request=back(world, "ann", deal), contract=deal.messages[1].data)
    assert asked.buyback is not None and asked.buyback.order == deal.id
    assert outcome(asked, world.book, world.now + DEADLINE_MS, world.now) is Outcome.OVERDUE
    world.write(Answer(replies=(Reply(challenge=asked.id, reason="refunded"),)))
    assert outcome(asked, world.book, world.now, None) is Outcome.REFUSED


def test_who_was_never_a_member_has_no_buyback_to_demand() -> None:
    """[R-CRED-55] Else any stranger who bought something could have an issuer shown as suspected."""
    world = rich()
    deal = world.deal().complete()
    asked = demand(world, "zoe", request=back(world, "zoe", deal), contract=deal.messages[1].data)
    assert outcome(asked, world.book, world.now + DEADLINE_MS, world.now) is Outcome.NO_STANDING


@pytest.mark.parametrize(
    ("what", "code"),
    [("alone", "no_standing"), ("other order", "names_differ"), ("other buyer", "not_signed"), ("order", "no_standing"),
     ("in another's name", "names_differ"), ("other owner", "names_differ"), ("no contract", "statement")],
)  # fmt: skip
def test_a_buyback_without_the_contract_of_its_buyer_is_void(what: str, code: str) -> None:
    """[R-CRED-54] Signed by the key of the order as well: nobody demands money for the goods of others."""
    world = rich()
    deal, other = world.deal().complete(), world.deal().complete()
    fields: dict[str, Any] = {"request": back(world, "ann", deal), "contract": deal.messages[1].data}
    match what:
        case "alone":
            del fields["contract"]
        case "other order":
            fields["contract"] = other.messages[1].data
        case "other buyer":
            fields["request"] = back(world, "ann", other, order=deal.id)
        case "order":
            fields["contract"] = deal.messages[0].data
        case "in another's name":
            fields["request"] = back(world, "bob", deal)
        case "other owner":
            fields["request"] = back(world, "ann", deal, owner=bytes(32))
        case "no contract":
            fields["contract"] = b"\x80"
    with pytest.raises(Void) as caught:
        demand(world, **fields)
    assert caught.value.code == code


def test_an_order_on_the_issuers_offer_to_its_buyer_is_the_contract_too() -> None:
    """[R-CRED-54] The offer binds the issuer; another signer or seller of it does not."""
    world = rich()
    deal = on_offer(world, "ann")
    fields = {"request": back(world, "ann", deal), "contract": deal.messages[0].data}
    assert demand(world, **fields).buyback is not None
    for other, code in (
        (on_offer(world, "ann", world.who("zoe").signer), "not_signed"),
        (on_offer(world, "ann", seller=world.id("zoe")), "names_differ"),
    ):
        with pytest.raises(Void) as caught:
            demand(world, request=back(world, "ann", other), contract=other.messages[0].data)
        assert caught.value.code == code
