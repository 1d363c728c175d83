"""The rules of the log, and the attacks they answer [R-LOG-1..17]."""

from __future__ import annotations

import msgspec
import pytest

from protocol import limits
from protocol.entry import Entry, parse_wire, sign_entry
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.items import Need, Standing, need
from protocol.log import hold_from
from protocol.run import rebuild, run_of
from protocol.signing import Signer
from tests.protocol.author import NETWORK, Author, odd_record, seed
from tests.protocol.held import Held


def held(entries: list[Entry]) -> Held:
    store = Held()
    admission = store.receive(entries)
    assert admission.fault is None
    return store


def resigned(author: Author, entry: Entry) -> Entry:
    """The same header under a signature by a foreign key: authentic only through a later one."""
    forged = Signer(seed("someone else")).sign(b"INX/1\0test\0entry\0" + entry.header)
    return parse_wire([entry.header, forged, entry.record])


def test_a_log_is_taken_whole_and_again_without_effect() -> None:
    author = Author("a")
    author.write(200)
    store = held(author.entries)
    assert store.log() == author.entries
    again = store.receive(author.entries)
    assert (again.fault, again.kept, store.log()) == (None, 0, author.entries)
    assert store.state is not None and store.state.item().held_from == 0


def test_runs_rebuild_the_same_entries() -> None:
    author = Author("a")
    author.write(5)
    run = msgspec.msgpack.decode(
        msgspec.msgpack.encode(run_of(author.entries)), type=type(run_of(author.entries))
    )
    assert rebuild(run) == author.entries


def test_a_bad_inner_signature_is_proved_by_a_later_one() -> None:
    """[R-LOG-7] an entry is authentic when a later signature up to the next anchor verifies."""
    author = Author("a")
    author.write(10)
    bad = resigned(author, author.after(author.entries[-1]))
    last = author.after(bad)
    store = held([*author.entries, bad, last])
    assert store.log()[-2:] == [bad, last]


def test_a_bad_last_signature_is_cut() -> None:
    """[R-LOG-10] a receiver cuts a run at the last entry it can prove."""
    author = Author("a")
    author.write(10)
    bad = resigned(author, author.after(author.entries[-1]))
    store = Held()
    admission = store.receive([*author.entries, bad])
    assert admission.fault is not None and admission.fault.code == "signature"
    assert store.log() == author.entries


def test_a_log_is_cut_before_a_bad_anchor() -> None:
    """[R-LOG-7] anchors need their own valid signature, whatever follows."""
    author = Author("a")
    author.write(63)
    anchor = resigned(author, author.after(author.entries[-1]))
    assert anchor.seq == 64
    after = author.after(anchor)
    store = Held()
    admission = store.receive([*author.entries, anchor, after])
    assert admission.fault is not None and admission.fault.code == "signature"
    assert store.log() == author.entries


def test_nothing_follows_a_close_but_an_opener() -> None:
    """[R-LOG-8]"""
    author = Author("a")
    author.write(2)
    close = author.after(author.entries[-1], 6, b"\x80")
    store = Held()
    admission = store.receive([*author.entries, close, author.after(close)])
    assert admission.fault is not None and admission.fault.code == "after_close"
    assert store.log()[-1] == close
    settlement = author.settlement(close)
    assert store.receive([settlement, author.after(settlement)]).fault is None


def test_an_entry_dated_before_its_predecessor_is_not_authentic() -> None:
    """[R-LOG-9]"""
    author = Author("a")
    author.write(2)
    back = author.after(author.entries[-1], time=author.entries[-1].time - 1)
    store = Held()
    admission = store.receive([*author.entries, back])
    assert admission.fault is not None and admission.fault.code == "time_order"
    store = held(author.entries)
    admission = store.receive([back])
    assert admission.fault is not None and admission.fault.code == "time_order"


def test_a_rotation_found_alone_leaves_a_hole_that_fills_downwards() -> None:
    """[R-LOG-5, 13]"""
    author = Author("a")
    author.write(300)
    store = held(author.entries[:100])
    author.rotate()
    author.write(3)
    rotation = author.entries[301]
    assert store.opener(rotation).fault is None
    assert store.state is not None and store.state.base.seq == 301
    assert store.receive(author.entries[301:]).fault is None
    assert store.receive(author.entries[200:301]).fault is None
    assert store.state.base.seq == 200
    assert store.receive(author.entries[100:200]).fault is None
    assert store.log() == author.entries
    assert store.dropped == []


def test_a_rotation_disowns_what_a_stolen_key_wrote() -> None:
    """[R-LOG-3, 13] one rotation heals a theft of the signing key."""
    author = Author("a")
    author.write(20)
    thief = author.after(author.entries[-1], note="thief")
    store = held([*author.entries, thief])
    author.rotate()
    author.write(2)
    assert store.receive(author.entries).fault is None
    assert store.log() == author.entries
    assert store.dropped == [thief]


def test_what_a_retired_key_signs_counts_nowhere_and_frames_nobody() -> None:
    """[R-LOG-13, 14] alone, in a run, back-dated, or as a fork proof of the closed epoch."""
    author = Author("a")
    author.write(20)
    old, fork_tip = author.signer, author.entries[10]
    author.rotate()
    author.write(2)
    store = held(author.entries)
    framed = author.after(fork_tip, signer=old, note="framed")
    admission = store.receive([framed])
    assert admission.fault is not None and admission.fault.code == "stale"
    with pytest.raises(NotHeld, match="stale"):
        store.proof([author.entries[11]], [framed])
    above = author.after(author.entries[-1], signer=old, note="new place")
    admission = store.receive([above])
    assert admission.fault is not None and admission.fault.code == "signature"
    assert store.log() == author.entries and store.state is not None and store.state.open


def test_a_copied_reveal_with_a_garbage_signature_opens_no_epoch() -> None:
    """[R-LOG-5]"""
    author = Author("a")
    author.write(3)
    rotation, _ = author.rotation(author.entries[-1])
    copied = parse_wire([rotation.header, bytes(64), rotation.record])
    resigned_by_thief = sign_entry(
        NETWORK, author.signer, author=author.id, seq=rotation.seq, prev=rotation.prev, epoch=1, term=0,
        time=rotation.time, kind=2, record=rotation.record or b"",
    )  # fmt: skip
    store = held(author.entries)
    for attack in (copied, resigned_by_thief):
        admission = store.opener(attack)
        assert isinstance(admission.fault, RemoteProtocolError) and admission.fault.code == "signature"
    assert store.state is not None and store.state.openers.place == (0, 0)


def test_a_fork_is_proved_shown_up_to_the_common_entry_and_healed_by_a_settlement() -> None:
    """[R-LOG-4, 14, 15]"""
    author = Author("a")
    author.write(30)
    branch = [author.after(author.entries[-1], note="b0")]
    branch.append(author.after(branch[-1], note="b1"))
    author.write(5)
    store = held(author.entries)
    admission = store.receive(branch)
    assert admission.fault is not None and admission.fault.code == "forked"
    assert store.state is not None
    assert store.state.item().standing is Standing.FORKED
    assert store.state.common == 30
    assert store.receive(author.write(1)).fault is not None
    del author.entries[-1]
    author.settle()
    author.write(2)
    assert store.receive(author.entries[36:]).fault is None
    assert store.state.item().standing is Standing.HEAD and store.log() == author.entries


def test_a_settlement_may_choose_the_branch_not_held() -> None:
    """[R-LOG-4, 13]"""
    author = Author("a")
    author.write(30)
    other = [author.after(author.entries[-1], note="x")]
    other += [author.after(other[-1], note="y")]
    common = list(author.entries)
    store = held([*common, *other])
    author.write(5)
    assert store.receive(author.entries[31:]).fault is not None
    author.settle()
    assert store.receive(author.entries[-1:]).fault is None
    assert store.state is not None and store.state.base.seq == 36
    assert store.receive(author.entries[31:36]).fault is None
    assert store.log() == author.entries
    assert {entry.id for entry in store.dropped} == {entry.id for entry in other}


def test_two_settlements_of_one_term_fork_it_until_the_next() -> None:
    """[R-LOG-14]"""
    author = Author("a")
    author.write(5)
    one, two = author.settlement(author.entries[3]), author.settlement(author.entries[4])
    store = held([*author.entries[:5], two])
    assert store.opener(one).fault is None
    assert store.state is not None and store.state.item().standing is Standing.FORKED
    assert store.state.common == one.seq - 1
    healing = author.settlement(two)
    assert store.receive([healing]).fault is None
    assert store.state.item().standing is Standing.HEAD and store.state.item().term == 2
    assert store.log() == [*author.entries[:5], two, healing]


def test_two_inceptions_of_one_record_fork_the_first_term() -> None:
    """[R-LOG-14] the id does not cover the inception's header, so both verify."""
    author = Author("a")
    first = author.entries[0]
    second = author._sign(author.signer, 0, bytes(32), 0, 0, first.time + 5, 0, first.record or b"")
    store = held([first])
    assert store.opener(second).fault is None
    assert store.state is not None and store.state.item().standing is Standing.FORKED
    author.settle()
    assert store.receive(author.entries[1:]).fault is None
    assert store.state.item().standing is Standing.HEAD


def test_two_rotations_contest_and_the_same_words_heal() -> None:
    """[R-LOG-16]"""
    author = Author("a")
    author.write(10)
    one, key_one = author.rotation(author.entries[-1], generation=1)
    two, _ = author.rotation(author.entries[-2], generation=2)
    store = held([*author.entries, one])
    assert store.opener(two).fault is None
    assert store.state is not None
    assert store.state.item().wire() == [2, author.id, 1]
    assert store.state.common == two.seq - 1
    refused = store.receive([author.after(one, signer=key_one)])
    assert refused.fault is not None and refused.fault.code == "contested"
    healing, _ = author.rotation(one)
    assert store.receive([healing]).fault is None
    assert store.state.item().standing is Standing.HEAD and store.state.item().epoch == 2
    assert store.log() == [*author.entries, one, healing]


def test_differing_promises_contest_for_good() -> None:
    """[R-LOG-16] whoever holds old words after new ones can freeze the identity, not take it."""
    author = Author("a")
    author.write(10)
    one, key = author.rotation(author.entries[-1], generation=1)
    two, _ = author.rotation(author.entries[-1], generation=2, promises=seed("other promise"))
    store = held([*author.entries, one])
    assert store.opener(two).fault is None
    healing, _ = author.rotation(one)
    assert store.state is not None
    assert store.opener(healing).fault is not None
    assert store.state.item().wire() == [2, author.id, 1]
    late = held([*author.entries, one, healing])
    assert late.opener(two).fault is None
    assert late.state is not None and late.state.item().wire() == [2, author.id, 1]
    assert key.public


def test_entries_of_a_gap_wait_and_another_author_is_unknown() -> None:
    author = Author("a")
    author.write(10)
    store = held(author.entries[:4])
    gap = store.receive(author.entries[6:])
    assert gap.fault is not None and gap.fault.code == "gap" and not gap.diverged
    fresh = Held().receive(author.entries[1:])
    assert fresh.fault is not None and fresh.fault.code == "unknown_author"


def test_a_log_may_be_held_from_a_higher_seq() -> None:
    author = Author("a")
    author.write(200)
    store = held(author.entries)
    assert store.state is not None
    state, step = hold_from(store.state, author.entries[150])
    assert state.item().held_from == 150 and state.item().equals(store.state.item())
    assert step.first == 150  # type: ignore[union-attr]
    jumping = held(author.entries[:1])
    assert jumping.receive(author.entries[100:], jump=True).fault is None
    assert jumping.state is not None and jumping.state.item().held_from == 100
    assert jumping.receive(author.entries[1:100]).fault is None
    assert jumping.state.item().held_from == 1


def test_divergence_below_the_head_asks_for_a_bisection() -> None:
    author = Author("a")
    author.write(50)
    other = [author.after(author.entries[20], note="o")]
    for _ in range(40):
        other.append(author.after(other[-1], note="o"))
    store = held(author.entries)
    admission = store.receive(other[30:])
    assert admission.diverged
    assert store.receive(other).fault is not None
    assert store.state is not None and store.state.common == 20


@pytest.mark.parametrize("kind", [0, 2, 4])
def test_a_malformed_opener_opens_nothing(kind: int) -> None:
    author = Author("a")
    store = held(author.entries)
    entry = author.after(author.entries[0], kind, b"\x80", place={0: (0, 0), 2: (1, 0), 4: (0, 1)}[kind])
    if kind == 4:
        entry = author.after(author.entries[0], kind, b"\x90", place=(0, 1))
    fault = store.receive([entry]).fault
    assert isinstance(fault, RemoteProtocolError) and fault.code == "opener"
    assert store.log() == author.entries


def test_need_of_every_pair_of_standings() -> None:
    author = Author("a")
    author.write(5)
    mine = held(author.entries).state
    assert mine is not None
    item = mine.item()
    assert need(item, item) is Need.NOTHING
    assert need(None, item) is Need.ENTRIES
    ahead = msgspec.structs.replace(item, seq=9, id=seed(9))
    assert (need(item, ahead), need(ahead, item)) == (Need.ENTRIES, Need.NOTHING)
    differs = msgspec.structs.replace(item, id=seed(1))
    assert need(item, differs) is Need.BISECT
    forked = msgspec.structs.replace(item, standing=Standing.FORKED)
    assert (need(item, forked), need(forked, item)) == (Need.PROOF, Need.NOTHING)
    later = msgspec.structs.replace(item, term=1)
    assert (need(item, later), need(forked, later), need(later, item)) == (
        Need.OPENERS,
        Need.OPENERS,
        Need.NOTHING,
    )
    contested = msgspec.structs.replace(item, standing=Standing.CONTESTED, epoch=1)
    assert (need(item, contested), need(contested, item)) == (Need.OPENERS, Need.NOTHING)
    again = msgspec.structs.replace(
        contested, epoch=2
    )  # found by simulated healers: either may be the one that stays
    assert (need(again, contested), need(contested, again)) == (Need.OPENERS, Need.OPENERS)
    lower = msgspec.structs.replace(item, held_from=3)
    assert (need(lower, item), need(item, lower)) == (Need.LOWER, Need.NOTHING)


def test_odd_records_may_be_gone_even_ones_not() -> None:
    author = Author("a")
    author.write(1)
    purged = msgspec.structs.replace(author.entries[1], record=None)
    store = held([author.entries[0], purged])
    assert store.log()[1].record is None and store.log()[1].id == author.entries[1].id
    with pytest.raises(RemoteProtocolError, match="record_missing"):
        parse_wire([author.entries[0].header, author.entries[0].signature, None])
    assert odd_record("x") != odd_record("y")


def test_the_common_part_of_a_fork_is_taken_after_its_proof() -> None:
    """[R-SYNC-6, R-LOG-15] whoever learns of the fork first gets the listings below it all the same."""
    author = Author("a")
    author.write(100)
    branch = [author.after(author.entries[79], note="b")]
    store = held(author.entries[:40])
    store.proof(author.entries[80:81], branch)
    assert store.state is not None and store.state.common == 79
    assert store.state.lacking == ((40, 128),)
    admission = store.receive(author.entries[40:])
    assert admission.fault is not None and admission.fault.code == "forked"
    assert store.log() == author.entries[:80]
    assert store.state.lacking == ()
    refused = store.receive(author.entries[80:])
    assert refused.fault is not None and refused.fault.code == "forked" and refused.kept == 0


def test_the_common_part_of_a_contest_is_filled_from_the_top() -> None:
    """[R-SYNC-6, R-LOG-16]"""
    author = Author("a")
    author.write(30)
    one, _ = author.rotation(author.entries[-1], generation=1)
    two, _ = author.rotation(author.entries[-1], generation=2)
    store = held(author.entries[:1])
    assert store.opener(one).fault is None and store.opener(two).fault is None
    assert store.state is not None and store.state.lacking == ((30, 0),)
    assert store.receive(author.entries[1:]).fault is None
    assert store.log() == [*author.entries, one] and store.state.lacking == ()
    item = store.state.item()
    assert (need(item, item, whole=False), need(item, item)) == (Need.COMMON, Need.NOTHING)


def test_openers_count_behind_a_gap_and_below_the_base() -> None:
    """[R-LOG-5] however they came: a contest is not missed because what lies between is."""
    author = Author("a")
    author.write(30)
    one, _ = author.rotation(author.entries[20], generation=1)
    two, _ = author.rotation(author.entries[-1], generation=2)
    store = held([*author.entries[:21], one])
    admission = store.receive([author.entries[-1], two])
    assert admission.fault is not None
    assert store.state is not None and store.state.openers.contested == 1
    high, _ = author.rotation(author.entries[-1], generation=1)
    low, _ = author.rotation(author.entries[9], generation=2)
    other = held([author.entries[0]])
    assert other.opener(high).fault is None
    assert other.state is not None and other.state.base.seq == 31
    other.receive([author.entries[9], low])
    assert other.state.openers.contested == 1


def test_an_author_of_many_holes_sets_aside_a_bounded_number_of_extents() -> None:
    """[R-LOG-13] what is let go of is held no more; nothing else changes."""
    author = Author("a")
    author.write(200)
    store = held(author.entries[:100])
    for term in range(1, limits.MAX_EXTENTS + 6):
        tip = author.after(author.entries[-1], place=(0, term - 1), note=term)
        opener = author.settlement(tip)
        assert store.opener(opener).fault is None
        author.entries = [*author.entries, tip, opener]
    assert store.state is not None and len(store.state.aside) == limits.MAX_EXTENTS
    assert max(len(rows) for rows in store.extents.values()) == 100
    assert store.receive(author.entries[1:]).fault is None
    assert store.log() == author.entries
