"""Openers verified one by one, and which of several are kept [R-LOG-1..5, 14, 16, 25, 26]."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from protocol import limits
from protocol.entry import NO_PREV, Entry
from protocol.errors import NotHeld, ProtocolError, RemoteProtocolError
from protocol.openers import start, verify_inception
from protocol.records import encode_record
from protocol.records.openers import Inception, Rotation
from protocol.recovery import promise
from tests.protocol.author import NETWORK, START, Author, seed

SMALL_ORDER = b"\x01" + bytes(31)


def code_of(act: Any, *given: Any) -> str:
    with pytest.raises(ProtocolError) as caught:
        act(*given)
    return caught.value.code


def author() -> Author:
    made = Author("a")
    made.write(6)
    return made


def second_inception(made: Author, later: int = 5) -> Entry:
    first = made.entries[0]
    return made._sign(made.signer, 0, NO_PREV, 0, 0, START + later, 0, first.record or b"")


def test_only_an_inception_is_one() -> None:
    """[R-LOG-1] each of its places."""
    made = author()
    first = made.entries[0]
    record = first.record or b""
    for seq, prev, epoch, term, kind in (
        (0, NO_PREV, 0, 0, 1),
        (1, NO_PREV, 0, 0, 0),
        (0, seed("p"), 0, 0, 0),
        (0, NO_PREV, 1, 0, 0),
        (0, NO_PREV, 0, 1, 0),
    ):
        entry = made._sign(made.signer, seq, prev, epoch, term, START, kind, record)
        assert code_of(verify_inception, NETWORK, entry) == "opener"
    assert code_of(verify_inception, NETWORK, msgspec.structs.replace(first, record=None)) == "opener"
    assert code_of(verify_inception, "other", first) == "opener"
    assert verify_inception(NETWORK, first).key == made.signer.public


def test_an_inception_with_a_key_of_small_order() -> None:
    """[R-LOG-1] [R-SIG-1]"""
    made = author()
    record = encode_record(Inception(key=SMALL_ORDER, nonce=bytes(16), promise=bytes(32)))
    from protocol.identity import networker_id

    made.id = networker_id(NETWORK, record)
    entry = made._sign(made.signer, 0, NO_PREV, 0, 0, START, 0, record)
    assert code_of(start, NETWORK, entry) == "key"


def rotated(made: Author, place: tuple[int, int], seq: int) -> Entry:
    """A rotation with other places than it should have."""
    tip = made.entries[-1]
    right, _ = made.rotation(tip)
    return made._sign(made.promised(1), seq, tip.id, *place, tip.time + 1, 2, right.record or b"")


@pytest.mark.parametrize(
    ("place", "seq"),
    [((0, 0), 5), ((1, 1), 5), ((1, 0), 0), ((limits.MAX_EPOCHS, 0), 5), ((limits.MAX_EPOCHS + 5, 0), 5)],
)
def test_a_rotation_stands_above_seq_0_in_term_0_of_an_epoch_from_1_on(place: Any, seq: int) -> None:
    """[R-LOG-3, 26]"""
    made = author()
    entry = rotated(made, place, seq)
    assert code_of(made.openers().admit, entry) == "opener"


def test_a_rotation_whose_epoch_below_is_not_known_waits() -> None:
    """[R-LOG-3]"""
    made = author()
    for epoch in (2, 3, limits.MAX_EPOCHS - 1):
        entry = rotated(made, (epoch, 0), made.entries[-1].seq + 1)
        with pytest.raises(NotHeld, match="unknown_epoch"):
            made.openers().admit(entry)


def test_a_settlement_stands_above_seq_0_in_a_term_from_1_on() -> None:
    """[R-LOG-4]"""
    made = author()
    right = made.settlement(made.entries[-1])
    for seq, term in ((0, 1), (5, 0)):
        entry = made._sign(made.signer, seq, NO_PREV, 0, term, START, 4, right.record or b"")
        assert code_of(made.openers().admit, entry) == "opener"
    assert made.openers(right).place == (0, 1)


def test_another_kind_opens_nothing_and_another_author_neither() -> None:
    made = author()
    assert code_of(made.openers().admit, made.entries[1]) == "opener"
    assert code_of(made.openers().admit, Author("b").entries[0]) == "opener"


def test_a_record_that_is_gone_opens_nothing() -> None:
    """[R-LOG-27] it cannot come from a reader, and must not be believed from anywhere else."""
    made = author()
    rotation, _ = made.rotation(made.entries[-1])
    settlement = made.settlement(made.entries[-1])
    for entry in (rotation, settlement):
        with pytest.raises(RemoteProtocolError, match="opener: an opener travels with its record"):
            made.openers().admit(msgspec.structs.replace(entry, record=None))


def test_a_promised_key_of_small_order_is_no_key() -> None:
    """[R-LOG-3] [R-SIG-1] promised, revealed, and refused for what it is."""
    made = Author("a")
    one, signer = made.rotation(made.entries[0], promises=promise(NETWORK, SMALL_ORDER))
    record = encode_record(Rotation(key=signer.public, promise=bytes(32), reveal=SMALL_ORDER))
    two = made.after(one, 2, record, signer=signer, place=(2, 0))
    assert code_of(made.openers(one).admit, two) == "key"
    bad = encode_record(Rotation(key=SMALL_ORDER, promise=bytes(32), reveal=made.promised(1).public))
    other = made.after(made.entries[0], 2, bad, signer=made.promised(1), place=(1, 0))
    assert code_of(made.openers().admit, other) == "key"


def test_a_second_inception_leaves_what_was_settled_since() -> None:
    """[R-LOG-25]"""
    made = author()
    other = second_inception(made)
    settlement = made.settlement(made.entries[-1])
    assert made.openers(other).term_forked and made.openers(other).contested is None
    openers = made.openers(settlement, other)
    assert openers.place == (0, 1) and openers.settlements == (settlement,) and not openers.term_forked
    rotation, _ = made.rotation(made.entries[-1])
    assert made.openers(rotation, other).newest == (rotation,)
    assert not made.openers(rotation, other).term_forked and not made.openers(other, rotation).term_forked
    assert (made.openers(settlement).term, made.openers(settlement, rotation).term) == (1, 0)
    assert made.openers(other, rotation).contested is None


def test_a_second_rotation_of_the_newest_epoch_takes_its_settlements_with_it() -> None:
    """[R-LOG-16]"""
    made = author()
    one, signer = made.rotation(made.entries[-1], generation=1)
    two, _ = made.rotation(made.entries[-1], generation=2)
    made.signer = signer
    settlement = made.settlement(one)
    assert made.openers(one, settlement).place == (1, 1)
    openers = made.openers(one, settlement, two)
    assert (openers.place, openers.contested, openers.settlements) == ((1, 0), 1, ())
    assert len(openers.keys(1)) == 2 and openers.keys(2) == ()
    with pytest.raises(NotHeld, match="contested"):
        openers.admit(settlement)


def test_a_second_rotation_of_a_healed_epoch_changes_nothing_above() -> None:
    """[R-LOG-16] the same words promised the same key."""
    made = author()
    one, _ = made.rotation(made.entries[-1], generation=1)
    two, _ = made.rotation(made.entries[-1], generation=2)
    above, signer = made.rotation(one)
    made.signer = signer
    settlement = made.settlement(above)
    openers = made.openers(one, above, settlement, two)
    assert (openers.place, openers.contested, openers.settlements) == ((2, 1), None, (settlement,))
    assert openers == made.openers(one, two, above, settlement)


def test_of_three_openers_the_two_lowest_are_kept_in_any_order() -> None:
    """[R-LOG-16, 28] unless a third one promises another key."""
    made = author()
    tips = made.entries[-3:]
    rotations = [made.rotation(tip, generation=1)[0] for tip in tips]
    settlements = [made.settlement(tip) for tip in tips]
    for orders in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        openers = made.openers(*(rotations[each] for each in orders))
        assert openers.newest == tuple(rotations[:2])
        assert made.openers(*(settlements[each] for each in orders)).settlements == tuple(settlements[:2])
    other, _ = made.rotation(made.entries[-1], promises=seed("other words"))
    for orders in ((0, 1, 3), (3, 1, 0), (1, 3, 0)):
        openers = made.openers(*([*rotations, other][each] for each in orders))
        assert openers.newest == (rotations[0], other) and openers.contested == 1


def test_a_contest_for_good_lets_go_of_what_lies_above() -> None:
    """[R-LOG-16] the lowest such epoch, whatever was known above it."""
    made = author()
    one, signer = made.rotation(made.entries[-1])
    above, upper = made.rotation(one)
    made.signer = upper
    settlement = made.settlement(above)
    other, _ = made.rotation(made.entries[-1], promises=seed("other words"))
    openers = made.openers(one, above, settlement, other)
    assert (openers.contested, openers.epoch, openers.settlements) == (1, 1, ())
    assert code_of(openers.admit, above) == "contested"
    assert signer.public in openers.keys(1)
