"""L14: what an issuer does not log is asked for in public [R-CRED-53..57]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from protocol.entry import Entry
from protocol.errors import Void
from protocol.ledger.challenges import DEADLINE_MS, Demand, Outcome, outcome, outcomes, read_challenge
from protocol.records import Answer, Challenge, Redeem, encode_record
from protocol.records.credit import Reply
from tests.protocol.author import NETWORK, Author
from tests.protocol.ledger.swapping import credit
from tests.protocol.ledger.world import HOLD, World

SALT = bytes(range(16))


def rich() -> World:
    world = World()
    world.publish()
    world.join("ann")
    credit(world, "ann", 1_000)
    world.now += 2 * HOLD
    return world


def keys(world: World) -> Any:
    def of(networker: bytes, epoch: int) -> Sequence[bytes]:
        people = [*world.people.values(), world.issuer]
        return [each.signer.public for each in people if each.id == networker and epoch == 0]

    return of


def challenged(world: World, by: str, **fields: Any) -> tuple[Entry, Challenge]:
    """A challenge in somebody's log."""
    record = Challenge(salt=SALT, issuer=world.issuer.id, openers=(), **fields)
    author = world.who(by)
    entry = author.after(author.entries[-1], Challenge.KIND, encode_record(record), time=world.now)
    author.entries.append(entry)
    return entry, record


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
