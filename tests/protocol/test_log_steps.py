"""What `receive` tells of a chain besides what it keeps: steps, the rest, divergence, proofs."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from protocol.entry import Entry
from protocol.errors import LocalProtocolError, NotHeld
from protocol.items import Standing
from protocol.log import (
    Drop,
    Keep,
    Release,
    SetAside,
    hold_from,
    receive,
    receive_opener,
    receive_proof,
    signed_run,
)
from protocol.signing import Signer
from tests.protocol.author import NETWORK, Author, seed
from tests.protocol.held import Held


def author(count: int = 20) -> Author:
    made = Author("a")
    made.write(count)
    return made


def held(entries: list[Entry]) -> Held:
    store = Held()
    assert store.receive(entries).fault is None
    return store


def unsigned(made: Author, tip: Entry) -> Entry:
    return made.after(tip, signer=Signer(seed("somebody")), note="unsigned")


def test_kept_counts_entries_and_nothing_else() -> None:
    made = author()
    store = held(made.entries)
    settlement = made.settlement(made.entries[10])
    assert store.state is not None
    admission = receive_opener(store.state, settlement, store)
    assert [type(step) for step in admission.steps] == [SetAside, Keep, Drop]
    assert admission.kept == 1


def test_a_log_is_held_from_an_entry_of_its_main_run_only() -> None:
    """[R-LOG-29]"""
    made = author()
    store = held(made.entries)
    assert store.state is not None
    state, step = hold_from(store.state, made.entries[8])
    assert step == Release(8) and (state.base.seq, state.base.prev) == (8, made.entries[7].id)
    assert hold_from(state, made.entries[8])[0] == state
    assert hold_from(state, made.entries[20])[0].base.seq == 20
    for wrong in (
        made.entries[7],
        made.after(made.entries[20]),
        Author("b").entries[0],
        Author("b").write(9)[-1],
    ):
        with pytest.raises(LocalProtocolError, match="is not held"):
            hold_from(state, wrong)


def test_an_entry_in_another_place_of_the_head_shows_where_logs_part() -> None:
    """[R-SYNC-6] `diverged` says: bisect; a gap does not."""
    made = author()
    store = held(made.entries)
    elsewhere = made.branch(made.entries[5], 18)
    for chain, diverged in (
        (elsewhere[15:], True),  # seq 21, where the own log would go on
        (elsewhere[16:], False),  # behind a gap
        (elsewhere[8:12], True),  # its first entry differs
        (elsewhere, True),
        ([*made.entries[4:6], *elsewhere], False),  # the first difference is there
    ):
        again = held(made.entries)
        admission = again.receive(chain)
        assert (admission.fault is not None, admission.diverged) == (True, diverged), chain[0].seq
    assert store.state == held(made.entries).state


def test_the_proof_that_a_chain_shows_is_handed_out_once() -> None:
    """[R-LOG-15]"""
    made = author()
    store = held(made.entries)
    other = made.branch(made.entries[9], 3)
    admission = store.receive(other)
    assert admission.proof == ((made.entries[10],), (other[0],))
    assert store.receive(other).proof is None
    lower = made.branch(made.entries[6], 2)
    assert store.receive(lower).proof == ((made.entries[7],), (lower[0],))
    assert store.state is not None and store.state.fork == 7
    assert store.receive(other).proof is None and store.state.fork == 7


def test_a_proof_at_a_lower_seq_takes_the_place_of_one_above() -> None:
    made = author()
    store = held(made.entries)
    high, low = made.branch(made.entries[9], 1), made.branch(made.entries[4], 1)
    assert store.state is not None
    one = receive_proof(store.state, made.entries[10:11], high)
    both = receive_proof(one, made.entries[5:6], low)
    assert (one.fork, both.fork, receive_proof(both, made.entries[10:11], high).fork) == (10, 5, 5)


def test_a_side_of_a_proof_goes_up_to_the_next_anchor() -> None:
    """[R-LOG-11, 14]"""
    made = author(70)
    store = held(made.entries)
    assert store.state is not None
    openers = store.state.openers
    assert signed_run(openers, made.entries[5:]) == (made.entries[5],)
    first = unsigned(made, made.entries[9])
    assert signed_run(openers, [first, *made.branch(first, 2)])[0] == first
    assert len(signed_run(openers, [first, *made.branch(first, 2)])) == 2
    run = [unsigned(made, made.entries[62])]
    run.append(unsigned(made, run[-1]))
    with pytest.raises(NotHeld, match="unproved"):
        signed_run(openers, [*run, made.after(run[-1])])  # the anchor itself has no signature
    with pytest.raises(NotHeld, match="unproved"):
        signed_run(openers, run[:1])


def test_what_is_contested_takes_openers_only() -> None:
    """[R-LOG-16] neither above the head nor in the place of what is held."""
    made = author()
    one, key = made.rotation(made.entries[-1], generation=1)
    two, _ = made.rotation(made.entries[-1], generation=2)
    store = held([*made.entries, one])
    made.signer = key
    after = made.branch(one, 3)
    assert store.receive(after[:2]).fault is None
    store.opener(two)
    for chain in (after[2:], made.branch(one, 1, "y"), made.branch(after[0], 2, "y")):
        fault = store.receive(chain).fault
        assert fault is not None and fault.code == "contested"
    assert store.state is not None and store.state.fork is None
    assert store.state.common == one.seq - 1


def test_a_forked_term_takes_what_lies_below_the_fork_and_no_more() -> None:
    """[R-LOG-15]"""
    made = author(30)
    store = held(made.entries[:10])
    store.proof(made.entries[15:16], made.branch(made.entries[14], 1))
    for chain, kept in ((made.entries[15:18], 0), (made.entries[10:], 5), (made.entries[15:], 0)):
        admission = store.receive(chain)
        assert admission.fault is not None and admission.fault.code == "forked" and admission.kept == kept
    assert store.state is not None and store.state.tip.seq == 14
    assert (store.state.common, store.state.lacking) == (14, ())


def test_what_a_forked_log_lacks_is_told_up_to_where_a_proof_may_lie() -> None:
    """[R-SYNC-6] COMMON"""
    made = author(130)
    store = held(made.entries[:10])
    store.proof(made.entries[66:67], made.branch(made.entries[65], 1))
    assert store.state is not None
    assert (store.state.common, store.state.lacking) == (65, ((10, 128),))
    nearly = held(made.entries[:64])
    nearly.proof(made.entries[65:66], made.branch(made.entries[64], 1))
    assert nearly.state is not None and nearly.state.lacking == ((64, 64),)
    whole = held(made.entries[:65])
    whole.proof(made.entries[65:66], made.branch(made.entries[64], 1))
    assert whole.state is not None and whole.state.lacking == ()
    state, _ = hold_from(whole.state, made.entries[1])
    assert state.lacking == ((0, 0),) and hold_from(whole.state, made.entries[0])[0].lacking == ()
    assert replace(state, fork=None).lacking == ()


def test_the_common_part_ends_below_the_lowest_difference_known() -> None:
    """[R-LOG-14, 15] two settlements and a fork between entries above them."""
    made = author(12)
    low, high = made.settlement(made.entries[4]), made.settlement(made.entries[8])
    store = held([*made.entries[:9], high])
    store.opener(low)
    assert store.state is not None and store.state.forked and store.state.common == low.seq - 1
    rows = made.branch(high, 2)
    fault = store.receive(rows).fault
    assert fault is not None and fault.code == "forked"
    assert store.state.item().standing is Standing.FORKED


def test_an_opener_counts_by_itself_behind_what_a_chain_breaks_at() -> None:
    """[R-LOG-5] with everything the chain told, in one call or in several."""
    made = author(10)
    store = held(made.entries[:4])
    rotation, signer = made.rotation(made.entries[-1])
    made.signer = signer
    after = made.branch(rotation, 2)
    admission = receive(NETWORK, store.state, [*made.entries[6:], rotation, *after], store)
    assert admission.fault is not None and admission.fault.code == "gap"
    assert store.receive([*made.entries[6:], rotation, *after]).fault is not None
    assert store.state is not None and store.state.openers.epoch == 1
    broken = held(made.entries[:4])
    admission = broken.receive([*made.entries[4:6], rotation, *after])
    assert admission.fault is None and broken.state is not None and broken.state.tip.id == after[-1].id
    assert {entry.id for entry in broken.extents[0].values()} == {each.id for each in made.entries[:6]}


def test_a_back_dated_opener_leaves_a_hole() -> None:
    """[R-LOG-5, 9] it opens; what it names does not follow from it."""
    made = author(10)
    tip = made.entries[-1]
    right, _ = made.rotation(tip)
    early = made.after(tip, 2, right.record, signer=made.promised(1), place=(1, 0), time=tip.time - 1)
    store = held(made.entries)
    assert store.receive([early]).fault is None
    assert store.state is not None and store.state.base.seq == early.seq
    fault = store.receive(made.entries).fault
    assert fault is not None and fault.code == "gap" and store.log() == [early]
    below = made.after(made.entries[4], 2, right.record, signer=made.promised(1), place=(1, 0), time=0)
    inside = held(made.entries)
    assert inside.receive([below]).fault is None
    assert inside.state is not None and inside.state.base.seq == below.seq
    same = made.after(
        made.entries[4], 2, right.record, signer=made.promised(1), place=(1, 0), time=made.entries[4].time
    )
    level = held(made.entries)
    assert level.receive([same]).fault is None and level.log() == [*made.entries[:5], same]


def test_an_opener_of_a_later_place_stands_on_nothing_that_is_not_the_one_before() -> None:
    """[R-LOG-6] a settlement of term 2 upon an entry of term 0, and a rotation to epoch 2 upon epoch 0."""
    made = author(10)
    tip = made.entries[-1]
    record = made.settlement(tip).record
    for below in (tip, made.entries[4]):
        skips = made.after(below, 4, record, place=(0, 2))
        store = held(made.entries)
        assert store.receive([skips]).fault is None
        assert store.state is not None and store.state.base.seq == skips.seq
        fault = store.receive(made.entries[: below.seq + 1]).fault
        assert fault is not None and fault.code == "gap"


def test_filling_stops_at_an_anchor_that_fails_and_at_a_close() -> None:
    """[R-LOG-7, 8]"""
    made = author(150)
    bad = Signer(seed("somebody"))
    made.entries = made.entries[:64]
    made.entries.append(made.after(made.entries[-1], signer=bad))
    made.write(80)
    rotation, _ = made.rotation(made.entries[-1])
    store = held(made.entries[:1])
    store.opener(rotation)
    admission = store.receive(made.entries[1:])
    assert admission.fault is not None and admission.fault.code == "signature"
    assert admission.fault.text == "anchor 64 fails its own signature"
    assert store.state is not None and store.state.base.seq == 65
    closed = Author("c")
    closed.write(5)
    closed.entries.append(closed.after(closed.entries[-1], 6, b"\x80"))
    closed.write(3)
    rotation, _ = closed.rotation(closed.entries[-1])
    other = held(closed.entries[:1])
    other.opener(rotation)
    assert other.receive(closed.entries[7:]).fault is None
    fault = other.receive(closed.entries[1:7]).fault
    assert fault is not None and fault.code == "gap"
    assert other.state is not None and other.state.base.seq == 7


def test_an_entry_below_an_opener_of_another_author_or_nothing_is_left_alone() -> None:
    made, other = author(), Author("b")
    assert Held().receive(made.entries[1:3]).fault is not None
    nothing = receive(NETWORK, None, made.entries[1:3], Held())
    assert nothing.state is None and nothing.fault is not None and nothing.fault.code == "unknown_author"
    store = held(made.entries)
    fault = store.receive(other.entries).fault
    assert fault is not None and fault.code == "opener" and store.log() == made.entries


def test_a_chain_goes_over_settlements_of_closed_terms_that_are_held() -> None:
    """[R-LOG-28] only the newest settlement is kept as an opener; the others are entries of the run."""
    made = author(4)
    for _ in range(3):
        made.settle()
        made.write(2)
    store = held(made.entries[:-1])
    admission = store.receive(made.entries)
    assert admission.fault is None and admission.kept == 1 and store.log() == made.entries
    rotation = made.rotate()
    assert store.receive([*made.entries[3:], *made.write(2)]).fault is None
    assert store.state is not None and store.state.tip.seq == rotation.seq + 2


def test_a_second_opener_told_again_is_no_fork_of_the_entries_held_in_its_place() -> None:
    """[R-LOG-14] it is known; nobody is to blame for telling it."""
    made = author(8)
    low, high = made.settlement(made.entries[4]), made.settlement(made.entries[6])
    rows = made.branch(low, 4)
    store = held([*made.entries[:5], low, *rows])
    store.opener(high)
    before = store.state
    for chain in ([high], [high, made.after(high)], [*made.entries[5:7], high]):
        fault = store.receive(chain).fault
        assert isinstance(fault, NotHeld), fault
    assert store.state == before


def test_what_lies_behind_a_break_and_below_the_base_is_not_forgotten_over_what_is_set_aside() -> None:
    """[R-LOG-5, 24] a chain that sets entries aside is gone on with."""
    made = author(20)
    rotation, signer = made.rotation(made.entries[-1])
    made.signer = signer
    above = made.branch(rotation, 2)
    store = held(made.entries[:1])
    store.opener(rotation)
    assert store.receive(above).fault is None
    settlement = made.settlement(rotation)
    assert store.receive([*made.entries[5:], rotation, settlement]).fault is None
    assert store.state is not None and (store.state.base.seq, store.state.tip.id) == (5, settlement.id)
    second = made.settlement(above[1])
    again = held([*made.entries, rotation, *above])
    far = made.after(second, 4, second.record, place=(1, 2))
    again.receive([settlement, far])
    assert again.state is not None and again.state.openers.place == (1, 2)


def test_a_log_jumps_over_entries_but_not_to_one_that_should_link() -> None:
    """[R-LOG-30]"""
    made = author(20)
    for first in (2, 3, 10):
        store = held(made.entries[:1])
        assert store.receive(made.entries[first:], jump=True).fault is None
        assert store.state is not None and (store.state.base.seq, store.state.tip.seq) == (first, 20)
    elsewhere = made._sign(made.signer, 1, seed("nowhere"), 0, 0, made.entries[0].time, 1, b"\x80")
    store = held(made.entries[:1])
    admission = store.receive([elsewhere], jump=True)
    assert admission.fault is not None and admission.fault.code == "gap" and admission.diverged
    behind = held(made.entries[:2])
    fault = behind.receive(made.entries[5:], jump=True).fault
    assert fault is not None and fault.code == "gap" and behind.log() == made.entries[:2]


def test_stretches_are_filled_from_the_top_down() -> None:
    """[R-LOG-13, 24] several terms below a hole, in one chain and in parts."""
    made = author(3)
    for _ in range(3):
        made.settle()
        made.write(2)
    rotation = made.rotate()
    whole = list(made.entries)
    store = held(whole[:1])
    store.opener(rotation)
    assert store.receive(whole).fault is None and store.log() == whole
    for cut in range(1, rotation.seq):
        parts = held(whole[:1])
        parts.opener(rotation)
        assert parts.receive(whole[cut : rotation.seq]).fault is None
        assert parts.state is not None and parts.state.base.seq == (cut if cut > 1 else 0)
        assert parts.receive(whole[:cut]).fault is None and parts.log() == whole


def test_what_was_set_aside_joins_again_in_any_number_of_pieces() -> None:
    """[R-LOG-13] pieces under pieces, and the upper end of one is let go of."""
    made = author(30)
    whole = list(made.entries)
    rotation = made.rotate(20)  # entries 21 to 30 are disowned
    upper = list(made.entries)
    other = held(whole[:11])
    other.opener(rotation)
    assert other.state is not None and len(other.state.aside) == 1
    assert other.receive(upper[15:21]).fault is None and other.state.base.seq == 15
    assert other.receive(upper[11:15]).fault is None
    assert other.log() == upper and other.state.aside == () and other.dropped == []
    longer = held(whole)
    assert longer.opener(rotation).fault is None
    assert {entry.id for entry in longer.dropped} == {entry.id for entry in whole[21:]}


def test_what_joins_while_a_chain_fills_does_not_hide_what_lies_below_it() -> None:
    """[R-LOG-24] of a stretch that is held in part, the lower part is filled all the same."""
    made = author(4)
    settlement = made.settle()
    whole = [*made.entries, *made.write(3)]
    other = made.branch(settlement, 2)
    rotation, _ = made.rotation(other[-1])
    store = held(whole)
    assert store.state is not None
    store.state, step = hold_from(store.state, whole[4])
    assert isinstance(step, Release)
    store.rows = {seq: entry for seq, entry in store.rows.items() if seq >= step.first}
    assert store.opener(rotation).fault is None
    assert store.receive([*whole[1:6], *other]).fault is None
    assert store.log() == [*whole[1:6], *other, rotation]
    assert store.receive(whole[:2]).fault is None and store.state.aside == ()
