"""Proofs of a fork, and what only looks like one [R-LOG-11, 14]."""

from __future__ import annotations

import pytest

from protocol.entry import Entry
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.forks import check_fork
from protocol.openers import Openers
from tests.protocol.author import Author, seed


def author() -> Author:
    made = Author("a")
    made.write(70)
    return made


def refused(openers: Openers, left: list[Entry], right: list[Entry]) -> None:
    for one, two in ((left, right), (right, left)):
        with pytest.raises(RemoteProtocolError, match="bad_proof"):
            check_fork(openers, one, two)


def test_two_signed_entries_of_one_place_are_a_fork() -> None:
    made = author()
    openers = made.openers()
    assert check_fork(openers, made.entries[5:6], made.branch(made.entries[4], 1, "x")) == 5
    assert check_fork(openers, made.entries[5:8], made.branch(made.entries[4], 3, "x")) == 5


def test_entries_of_different_places_are_none() -> None:
    """Another author, epoch, term or seq, or twice the same entry."""
    made, other = author(), Author("b")
    other.write(10)
    openers = made.openers()
    refused(openers, made.entries[5:6], made.entries[5:6])
    refused(openers, made.entries[5:6], made.branch(made.entries[5], 1, "x"))
    refused(openers, made.entries[5:6], other.entries[5:6])
    refused(openers, made.entries[5:6], [made.after(made.entries[4], place=(0, 1))])
    refused(openers, made.entries[5:6], [made.after(made.entries[4], place=(1, 0))])
    refused(openers, other.entries[5:6], other.branch(other.entries[4], 1, "x"))


def test_a_fork_of_another_term_is_not_held() -> None:
    made = author()
    left, right = made.entries[5:6], made.branch(made.entries[4], 1, "x")
    settlement = made.settlement(made.entries[-1])
    with pytest.raises(NotHeld, match="stale"):
        check_fork(made.openers(settlement), left, right)
    above = [made.branch(settlement, 1, note) for note in ("x", "y")]
    with pytest.raises(NotHeld, match="unknown_epoch"):
        check_fork(made.openers(), *above)
    assert check_fork(made.openers(settlement), *above) == settlement.seq + 1


def test_a_contested_identity_has_no_fork() -> None:
    made = author()
    one, _ = made.rotation(made.entries[-1], generation=1)
    two, key = made.rotation(made.entries[-1], generation=2)
    made.signer = key
    with pytest.raises(NotHeld, match="contested"):
        check_fork(made.openers(one, two), made.branch(one, 1, "x"), made.branch(one, 1, "y"))


def test_a_fork_lies_above_every_opener_of_its_term() -> None:
    """Two settlements fork the term: what lies between them is no other fork."""
    made = author()
    low, high = made.settlement(made.entries[5]), made.settlement(made.entries[20])
    openers = made.openers(low, high)
    assert openers.term_forked
    branches = [made.branch(low, 20, note) for note in ("x", "y")]
    refused(openers, *(branch[3:4] for branch in branches))
    refused(openers, *(branch[high.seq - low.seq - 1 : high.seq - low.seq] for branch in branches))
    assert check_fork(openers, *(branch[high.seq - low.seq :][:1] for branch in branches)) == high.seq + 1


def test_a_side_is_linked_up_to_the_next_anchor() -> None:
    made = author()
    openers = made.openers()
    left = made.entries[60:61]
    whole = made.branch(made.entries[59], 6, "x")
    assert whole[4].seq == 64 and check_fork(openers, left, whole[:5]) == 60
    refused(openers, left, whole)
    refused(openers, left, [whole[0], whole[2]])
    skips = made._sign(made.signer, whole[0].seq + 2, whole[0].id, 0, 0, whole[0].time + 1, 1, b"\x80")
    refused(openers, left, [whole[0], skips])
    elsewhere = made._sign(made.signer, whole[0].seq + 1, seed("p"), 0, 0, whole[0].time + 1, 1, b"\x80")
    refused(openers, left, [whole[0], elsewhere])
    term = made.after(whole[0], place=(0, 1))
    refused(openers, left, [whole[0], term])
    epoch = made.after(whole[0], place=(1, 0))
    refused(openers, left, [whole[0], epoch])


def test_a_side_holds_no_opener_and_goes_not_on_after_a_close() -> None:
    made = author()
    openers = made.openers()
    left, first = made.entries[5:6], made.branch(made.entries[4], 1, "x")[0]
    opener = made.after(first, 4, made.settlement(first).record, place=(0, 0))
    refused(openers, left, [opener, made.after(opener)])
    refused(openers, left, [first, opener, made.after(opener)])
    close = made.after(first, 6, b"\x80")
    assert check_fork(openers, left, [first, close]) == 5
    refused(openers, left, [first, close, made.after(close)])


def test_a_side_is_in_order_of_time_and_its_last_entry_is_signed() -> None:
    made = author()
    openers = made.openers()
    left, first = made.entries[5:6], made.branch(made.entries[4], 1, "x")[0]
    assert check_fork(openers, left, [first, made.after(first, time=first.time)]) == 5
    refused(openers, left, [first, made.after(first, time=first.time - 1)])
    thief = Author("thief").signer
    refused(openers, left, [made.after(made.entries[4], signer=thief)])
    unsigned = made.after(made.entries[4], signer=thief)
    assert check_fork(openers, left, [unsigned, made.after(unsigned)]) == 5
