"""Alliances: both sign, either ends; one rate wins; one touch counts."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from protocol.alliances import (
    Agreement,
    Ending,
    Partner,
    agreement_id,
    in_force,
    judge,
    points_of,
    read_agreement,
    read_ending,
    sign_agreement,
    sign_ending,
    signed_by,
)
from protocol.attribution import DAY_MS, Policy, Touch, attributed
from protocol.errors import LocalProtocolError, Void
from protocol.rates import Allied, below_listing, winning_rate
from protocol.records import Alliance
from protocol.signing import Signer
from tests.protocol.author import NETWORK, START, Author

ADA, BOB = sorted((Author("ada"), Author("bob")), key=lambda each: each.id)
EVE = Author("eve")
OPEN = Agreement(
    first=Partner(epoch=0, id=ADA.id, points=1_000),
    from_=START,
    nonce=bytes(16),
    notice=30,
    second=Partner(epoch=0, id=BOB.id, listings=("hat",), points=2_000),
)


def both(agreement: Agreement = OPEN) -> bytes:
    one = sign_agreement(NETWORK, ADA.signer, ADA.id, agreement)
    return sign_agreement(NETWORK, BOB.signer, BOB.id, read_agreement(one))


def keys(networker: bytes, epoch: int) -> tuple[bytes, ...]:
    known: dict[bytes, bytes] = {each.id: each.signer.public for each in (ADA, BOB, EVE)}
    return (known[networker],) if epoch == 0 and networker in known else ()


def record(data: bytes, ending: bytes | None = None) -> Alliance:
    return Alliance(salt=bytes(16), agreement=data, ending=UNSET if ending is None else ending, openers=())


def test_an_agreement_that_both_signed_counts_in_the_log_of_either() -> None:  # [R-ALLY-2] [R-ALLY-3]
    data = both()
    for author in (ADA, BOB):
        assert judge(NETWORK, author.id, record(data), keys) == (read_agreement(data), None)
    with pytest.raises(Void, match="alliance"):
        judge(NETWORK, EVE.id, record(data), keys)


def test_the_order_of_the_signatures_does_not_matter() -> None:  # [R-ALLY-2]
    other = sign_agreement(NETWORK, BOB.signer, BOB.id, OPEN)
    assert sign_agreement(NETWORK, ADA.signer, ADA.id, read_agreement(other)) == both()


def test_one_signature_is_a_proposal() -> None:  # [R-ALLY-2]
    for data in (
        sign_agreement(NETWORK, ADA.signer, ADA.id, OPEN),
        sign_agreement(
            NETWORK, EVE.signer, BOB.id, read_agreement(sign_agreement(NETWORK, ADA.signer, ADA.id, OPEN))
        ),
    ):
        with pytest.raises(Void, match="not_signed"):
            judge(NETWORK, ADA.id, record(data), keys)
    assert signed_by(NETWORK, read_agreement(both()), "second", (BOB.signer.public,))
    assert not signed_by(NETWORK, OPEN, "second", (BOB.signer.public,))
    with pytest.raises(LocalProtocolError):
        sign_agreement(NETWORK, EVE.signer, EVE.id, OPEN)


def test_a_changed_rate_is_not_what_was_signed() -> None:  # [R-ALLY-2]
    agreement = read_agreement(both())
    raised = msgspec.structs.replace(agreement, first=msgspec.structs.replace(agreement.first, points=9_999))
    data = msgspec.msgpack.encode(raised, order=None)
    with pytest.raises(Void, match="not_signed"):
        judge(NETWORK, ADA.id, record(data), keys)


def test_the_form_of_an_agreement() -> None:  # [R-ALLY-1]
    for wrong in (
        {"first": OPEN.second, "second": OPEN.first},
        {"second": OPEN.first},
        {"until": START},
    ):
        broken = msgspec.structs.replace(OPEN, **wrong)
        with pytest.raises(Void, match="alliance"):
            read_agreement(sign_agreement(NETWORK, Signer(bytes(32)), broken.first.id, broken))
    with pytest.raises(Void, match="alliance"):
        read_agreement(b"\xc1")
    with pytest.raises(Void, match="alliance"):
        read_ending(both())


def test_either_ends_it_alone_after_the_notice() -> None:  # [R-ALLY-4]
    data = both()
    for author in (ADA, BOB):
        end = sign_ending(
            NETWORK, author.signer, agreement=agreement_id(data), who=author.id, epoch=0, time=START + 5
        )
        agreement, ending = judge(NETWORK, ADA.id, record(data, end), keys)
        assert isinstance(ending, Ending)
        over = START + 5 + 30 * DAY_MS
        assert in_force(agreement, over - 1, (ending,)) and not in_force(agreement, over, (ending,))


def test_an_end_by_another_or_of_another_agreement_ends_nothing() -> None:  # [R-ALLY-4]
    data = both()
    other = both(msgspec.structs.replace(OPEN, nonce=b"n" * 16))
    ends = (
        (
            sign_ending(NETWORK, EVE.signer, agreement=agreement_id(data), who=EVE.id, epoch=0, time=0),
            "alliance",
        ),
        (
            sign_ending(NETWORK, EVE.signer, agreement=agreement_id(data), who=ADA.id, epoch=0, time=0),
            "not_signed",
        ),
        (
            sign_ending(NETWORK, ADA.signer, agreement=agreement_id(other), who=ADA.id, epoch=0, time=0),
            "alliance",
        ),
    )
    for end, code in ends:
        with pytest.raises(Void, match=code):
            judge(NETWORK, ADA.id, record(data, end), keys)


def test_it_holds_from_its_first_moment_until_its_last() -> None:  # [R-ALLY-4]
    dated = msgspec.structs.replace(OPEN, until=START + 10)
    assert [in_force(dated, START + at) for at in (-1, 0, 9, 10)] == [False, True, True, False]
    assert in_force(OPEN, START + 10**12)


def test_each_side_pays_at_its_own_rate_for_its_own_listings() -> None:  # [R-ALLY-4]
    assert points_of(OPEN, ADA.id, BOB.id, "anything") == 1_000
    assert points_of(OPEN, BOB.id, ADA.id, "hat") == 2_000
    assert points_of(OPEN, BOB.id, ADA.id, "shirt") is None
    assert points_of(OPEN, BOB.id, ADA.id, None) is None
    assert points_of(OPEN, ADA.id, EVE.id, "hat") is None
    assert points_of(OPEN, ADA.id, ADA.id, "hat") is None


# -- which rate wins -----------------------------------------------------------------------------------------
def test_alliance_then_listing_then_plan() -> None:  # [R-ALLY-5]
    allies = (Allied(OPEN),)
    won = winning_rate(BOB.id, (EVE.id, ADA.id), "hat", 500, allies, START)
    assert (won.source, won.points, won.ally) == ("alliance", 2_000, ADA.id)
    assert winning_rate(BOB.id, (EVE.id, ADA.id), "shirt", 500, allies, START).source == "listing"
    assert winning_rate(BOB.id, (ADA.id,), "hat", 500, allies, START - 1).points == 500
    assert winning_rate(BOB.id, (ADA.id,), "hat", 2_500, allies, START).points == 2_000  # the one agreed on
    assert winning_rate(BOB.id, (EVE.id,), "hat", None, allies, START).source == "plan"
    assert winning_rate(BOB.id, (EVE.id,), "hat", 0, allies, START).points == 0
    ended = Allied(OPEN, (Ending(agreement=bytes(32), epoch=0, signature=b"", signer=ADA.id, time=START),))
    assert winning_rate(BOB.id, (ADA.id,), "hat", 1, (ended,), START + 30 * DAY_MS).source == "listing"
    assert below_listing(1, 2) and not below_listing(2, 2) and not below_listing(0, None)


def test_of_two_allies_the_one_nearer_to_the_buyer_and_of_two_agreements_the_better() -> None:  # [R-ALLY-5]
    with_eve = Agreement(
        first=Partner(epoch=0, id=min(EVE.id, BOB.id), points=300),
        from_=START,
        nonce=bytes(16),
        notice=0,
        second=Partner(epoch=0, id=max(EVE.id, BOB.id), points=300),
    )
    better = msgspec.structs.replace(OPEN, second=Partner(epoch=0, id=BOB.id, points=2_100))
    allies = (Allied(OPEN), Allied(with_eve), Allied(better))
    assert winning_rate(BOB.id, (ADA.id, EVE.id), "hat", None, allies, START).points == 300
    assert winning_rate(BOB.id, (EVE.id, ADA.id), "hat", None, allies, START).points == 2_100


# -- attribution ---------------------------------------------------------------------------------------------
def touch(
    name: str, time: int, *, code: bool = False, expires: int = 10**15, listing: str | None = None
) -> Touch:
    return Touch((name.encode(),), START + time, code, expires, listing)


def named(policy: Policy, touches: list[Touch], at: int = 0, bound: Touch | None = None) -> str | None:
    found = attributed(policy, touches, "hat", START + at, bound)
    return None if found is None else found.path[0].decode()


def test_first_or_last_touch_within_the_window() -> None:  # [R-ALLY-6]
    touches = [touch("late", 5), touch("early", 1), touch("middle", 3)]
    assert named(Policy(), touches, 6) == "late"
    assert named(Policy(model="first"), touches, 6) == "early"
    assert named(Policy(model="first"), touches, 30 * DAY_MS + 1) == "middle"
    assert named(Policy(), touches, 30 * DAY_MS + 5) is None
    assert named(Policy(), touches, 30 * DAY_MS + 4) == "late"
    assert named(Policy(), touches, 4) == "middle"  # what is not met yet does not count
    assert named(Policy(), touches, 5) == "late"
    assert named(Policy(), []) is None


def test_a_code_typed_at_checkout_beats_every_link() -> None:  # [R-ALLY-7]
    touches = [touch("link", 5), touch("code", 1, code=True), touch("older", 0, code=True)]
    assert named(Policy(), touches, 6) == "code"
    assert named(Policy(model="first"), touches, 6) == "code"


def test_an_expired_token_or_one_of_another_listing_brings_nobody() -> None:  # [R-ALLY-6]
    assert named(Policy(), [touch("over", 0, expires=START + 5)], 5) is None
    assert named(Policy(), [touch("over", 0, expires=START + 5)], 4) == "over"
    assert named(Policy(), [touch("shirt", 0, listing="shirt"), touch("hat", -1, listing="hat")], 5) == "hat"


def test_a_customer_is_bound_once_while_the_tokens_last() -> None:  # [R-ALLY-8] [R-REF-9]
    first = touch("first", 0, expires=START + 401 * DAY_MS)
    touches = [touch("other", 10), touch("code", 11, code=True)]
    assert named(Policy(), touches, 400 * DAY_MS, first) == "first"
    assert named(Policy(), touches, 401 * DAY_MS, first) == "code", "by expired tokens nobody would be paid"
    assert named(Policy(), touches, 12, touch("mug", 0, listing="mug")) == "code", "it is of another listing"
    assert named(Policy(bind=False), touches, 12, first) == "code"


@given(
    st.permutations(
        [touch("a", 1), touch("b", 1), touch("c", 2), touch("d", 2, code=True), touch("e", 2, code=True)]
    )
)
def test_the_order_in_which_touches_are_held_does_not_matter(touches: list[Touch]) -> None:  # [R-ALLY-6]
    assert named(Policy(), touches, 5) == "e"
    links = [each for each in touches if not each.code]
    assert named(Policy(), links, 5) == "c"
    assert named(Policy(model="first"), links, 5) == "a"
