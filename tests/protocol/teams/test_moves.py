"""Moves, places, leaving: nothing without consent or a rule, and everything of the past stays answerable."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import Void
from protocol.records import Admission, Duty, Leave, Move
from protocol.records.team import Module, Position
from protocol.teams.moves import next_sponsor
from protocol.teams.statements import Application, Followup, Leaving, Placing, read, statement_id
from protocol.teams.tree import Tree
from tests.protocol.teams.made import DAY, KEY, Play, bounded


def refused(play: Play, act: object, *args: object) -> str:
    with pytest.raises(Void) as fault:
        act(*args)  # type: ignore[operator]
    return fault.value.code


# -- leaving -------------------------------------------------------------------------------------------------
def test_whom_a_leaver_sponsored_stands_below_the_next_above() -> None:  # [R-TEAM-16]
    play = Play()
    play.join(("ada", "owner"), ("bob", "ada"), ("cid", "bob"), ("dot", "bob"), ("eve", "cid"))
    before = play.seq
    play.leave("bob")
    assert play.upline("cid") == ["ada"] and play.upline("eve") == ["cid", "ada"]
    assert play.upline("cid", before) == ["bob", "ada"]
    assert play.names(list(play.tree.sponsored(play.id("ada")))) == ["cid", "dot"]
    assert play.names(list(play.tree.sponsored(play.id("ada"), before))) == ["bob"]
    assert not play.tree.member(play.id("bob")) and play.tree.member(play.id("bob"), before)
    assert play.tree.left(play.id("bob")) == play.seq and play.tree.left(play.id("bob"), before) is None
    assert [reason for *_, reason in play.team.endings] == ["time"]


def test_a_leaving_dated_ahead_ends_one_membership() -> None:  # [R-TEAM-15]
    """Else the owner, or whoever has it, could end the next one by it against the member's will."""
    play = Play()
    play.join(("ada", "owner"))
    ahead = play.signed("ada", Leaving, reason="time", time=play.now + 365 * DAY)
    left = Leave(leaving=ahead, member=play.id("ada"), openers=(), opportunity=KEY)
    play.log(left)
    assert not play.teams.tree(KEY).member(play.id("ada"))
    play.join(("ada", "owner"))
    with pytest.raises(Void, match="has ended a membership"):
        play.log(left)
    play.leave("ada")


def test_a_plan_may_leave_an_empty_place_in_the_line() -> None:  # [R-TEAM-16]
    play = Play()
    play.govern(bounded(orphans="stay"))
    play.join(("ada", "owner"), ("bob", "ada"), ("cid", "bob"))
    play.leave("bob")
    assert play.upline("cid") == ["bob", "ada"]
    assert play.names(list(play.tree.members())) == ["ada", "cid"]


def test_a_leaving_is_the_members_own_or_has_the_owners_reason() -> None:  # [R-TEAM-15]
    play = Play()
    play.join(("ada", "owner"), ("bob", "owner"))
    forged = play.signed("bob", Leaving, reason="time")
    assert (
        play.refused(Leave(leaving=forged, member=play.id("ada"), openers=(), opportunity=KEY))
        == "names_differ"
    )
    unsigned = msgspec.msgpack.decode(play.signed("ada", Leaving, reason="time"))
    unsigned["signature"] = bytes(64)
    bad = msgspec.msgpack.encode(unsigned, order="deterministic")
    assert (
        play.refused(Leave(leaving=bad, member=play.id("ada"), openers=(), opportunity=KEY)) == "not_signed"
    )
    play.log(Leave(ended="terms", member=play.id("ada"), openers=(), opportunity=KEY))
    assert play.team.endings[-1][3] == "owner:terms"
    again = Leave(ended="terms", member=play.id("ada"), openers=(), opportunity=KEY)
    assert play.refused(again) == "no_member"


def test_an_old_leaving_does_not_end_a_later_membership() -> None:  # [R-TEAM-15]
    play = Play()
    play.join(("ada", "owner"))
    old = play.signed("ada", Leaving, reason="time")
    play.leave("ada")
    play.join(("ada", "owner"))
    assert (
        play.refused(Leave(leaving=old, member=play.id("ada"), openers=(), opportunity=KEY)) == "names_differ"
    )


def test_a_key_that_this_log_has_seen_replaced_neither_moves_nor_leaves() -> None:  # [R-TEAM-5]
    play = Play()
    play.govern(bounded(followups=(7,)))
    play.join(("ada", "owner"), ("bob", "ada"))
    wish = play.signed("bob", Placing, member=play.id("bob"), sponsor=play.owner.id)
    leaving = play.signed("bob", Leaving, reason="time")
    followup = play.signed("bob", Followup, by=play.id("ada"), step=1)
    author = play.who("bob")
    rotation, _ = author.rotation(author.entries[-1])
    play.signers.admit([[rotation]])
    bob = play.id("bob")
    assert play.refused(Leave(leaving=leaving, member=bob, openers=(), opportunity=KEY)) == "not_signed"
    assert play.refused(Duty(openers=(), opportunity=KEY, statements=(followup,))) == "not_signed"
    play.now += 8 * DAY
    record = Move(
        member=bob, openers=(), opportunity=KEY, reason="neglect", sponsor=play.owner.id, statements=(wish,)
    )
    assert play.refused(record) == "not_signed"


# -- sponsors ------------------------------------------------------------------------------------------------
def test_a_move_by_agreement_needs_all_three() -> None:  # [R-TEAM-12]
    play = Play()
    play.join(("ada", "owner"), ("bob", "owner"), ("cid", "ada"))
    for some in (("cid", "ada"), ("cid", "bob"), ("ada", "bob")):
        assert refused(play, play.move, "cid", "bob", "agreed", some) == "no_consent"
    play.move("cid", "bob", "agreed", ("cid", "ada", "bob"))
    assert play.upline("cid") == ["bob"]


def test_a_consent_serves_once() -> None:  # [R-TEAM-12]
    play = Play()
    play.join(("ada", "owner"), ("bob", "owner"), ("cid", "ada"))
    there = [
        play.signed(each, Placing, member=play.id("cid"), sponsor=play.id("bob"))
        for each in ("cid", "ada", "bob")
    ]
    record = Move(
        member=play.id("cid"), openers=(), opportunity=KEY, reason="agreed", sponsor=play.id("bob"),
        statements=tuple(there),
    )  # fmt: skip
    twice = msgspec.structs.replace(record, statements=(*record.statements, record.statements[0]))
    assert play.refused(twice) == "no_consent"
    play.log(record)
    play.now += 1
    play.move("cid", "ada", "agreed", ("cid", "ada", "bob"))
    assert play.refused(record) == "no_consent"


def test_nobody_is_moved_below_themselves_or_too_deep() -> None:  # [R-TEAM-10]
    play = Play()
    play.govern(bounded(depth=3))
    play.join(("ada", "owner"), ("bob", "ada"), ("cid", "bob"), ("dot", "owner"))
    assert refused(play, play.move, "ada", "cid", "agreed", ("ada", "cid")) == "cycle"
    assert refused(play, play.move, "ada", "dot", "agreed", ("ada", "dot")) == "too_deep"
    assert refused(play, play.move, "bob", "ada", "agreed", ("bob", "ada")) == "no_sponsor"
    play.move("bob", "dot", "agreed", ("bob", "ada", "dot"))
    assert play.upline("cid") == ["bob", "dot"]


def test_a_neglected_member_goes_to_the_next_above_and_no_other() -> None:  # [R-TEAM-20]
    play = Play()
    play.govern(bounded(followups=(7,), missed=1, modules=(Module(key="start"),)))
    play.join(("ada", "owner"), ("bob", "ada"), ("eve", "owner"), ("cid", "bob"))
    play.training("cid", "start")
    play.now += 7 * DAY
    assert refused(play, play.move, "cid", "ada", "neglect", ("cid",)) == "not_neglected"
    play.now += 1
    assert refused(play, play.move, "cid", "eve", "neglect", ("cid",)) == "no_sponsor"
    assert refused(play, play.move, "cid", "ada", "neglect", ("bob",)) == "no_consent"
    assert next_sponsor(play.team, play.id("cid")) == play.id("ada")
    play.move("cid", "ada", "neglect", ("cid",))
    assert play.upline("cid") == ["ada"]
    membership = play.team.membership(play.id("cid"))
    assert membership is not None and "start" in membership.trainings
    assert not membership.neglected(play.now)  # the new sponsor gets the days anew
    assert next_sponsor(play.team, play.id("cid")) == play.owner.id


def test_the_next_above_a_sponsor_who_left_and_still_stands_is_not_passed_over() -> None:  # [R-TEAM-20]
    play = Play()
    play.govern(bounded(followups=(1,), missed=1, orphans="stay"))
    play.join(("ada", "owner"), ("bob", "ada"), ("cid", "bob"), ("dot", "cid"))
    play.leave("cid")
    play.now += 30 * DAY
    assert next_sponsor(play.team, play.id("dot")) == play.id("bob")
    assert next_sponsor(play.team, play.id("ada")) == play.owner.id
    play.move("dot", "bob", "neglect", ("dot",))
    assert play.upline("dot") == ["bob", "ada"]


def test_a_plan_may_let_the_neglected_choose_who_takes_them() -> None:  # [R-TEAM-20]
    play = Play()
    play.govern(bounded(followups=(7,), replacement="choice"))
    play.join(("ada", "owner"), ("eve", "owner"), ("bob", "ada"))
    play.now += 8 * DAY
    assert refused(play, play.move, "bob", "eve", "neglect", ("bob",)) == "no_consent"
    play.move("bob", "eve", "neglect", ("bob", "eve"))
    assert play.upline("bob") == ["eve"]


def test_without_a_rule_neglect_moves_nobody() -> None:  # [R-TEAM-20]
    play = Play()
    play.govern(bounded(followups=(7,), replacement="none"))
    play.join(("ada", "owner"), ("bob", "ada"))
    play.now += 8 * DAY
    assert refused(play, play.move, "bob", "owner", "neglect", ("bob",)) == "not_neglected"


# -- places --------------------------------------------------------------------------------------------------
def test_a_sponsor_chooses_the_place_and_the_owner_cannot_before_the_days_are_over() -> None:  # [R-TEAM-14]
    play = Play()
    play.govern(bounded(legs=2, holding=10))
    play.join(("ada", "owner"))
    play.put("ada", "owner", 1)
    play.join(("bob", "ada"))
    assert play.names(list(play.tree.holding())) == ["bob"]
    play.now += 10 * DAY - 1
    assert refused(play, play.put, "bob", "ada", 0) == "no_consent"
    play.put("bob", "ada", 1, ("ada",))
    assert play.tree.placement(play.id("bob")) == (play.id("ada"), 1)
    assert refused(play, play.put, "bob", "ada", 0, ("ada",)) == "no_place"


def test_once_the_days_are_over_the_rule_gives_the_nearest_free_place() -> None:  # [R-TEAM-14]
    play = Play()
    play.govern(bounded(legs=2, holding=1))
    play.join(("ada", "owner"))
    play.put("ada", "owner", 0)
    play.join(("bob", "ada"), ("cid", "ada"), ("dot", "ada"))
    play.now += DAY
    play.put("bob", "ada", 0)
    assert refused(play, play.put, "cid", "bob", 0) == "no_place"
    play.put("cid", "ada", 1)
    play.put("dot", "bob", 0)
    assert play.names(list(play.tree.holding())) == []


def test_a_place_is_below_the_sponsors_own_free_and_within_the_legs() -> None:  # [R-TEAM-13]
    play = Play()
    play.govern(bounded(legs=2))
    play.join(("ada", "owner"), ("bob", "owner"), ("cid", "ada"))
    play.put("ada", "owner", 0)
    play.put("bob", "owner", 1)
    assert refused(play, play.put, "cid", "bob", 0, ("ada",)) == "no_place"  # not below ada
    assert refused(play, play.put, "cid", "ada", 2, ("ada",)) == "no_place"
    assert refused(play, play.put, "cid", "cid", 0, ("ada",)) == "no_place"
    play.put("cid", "ada", 0, ("ada",))
    play.join(("dot", "ada"))
    assert refused(play, play.put, "dot", "ada", 0, ("ada",)) == "no_place"


def test_a_sponsor_may_wish_for_the_place_in_the_invite() -> None:  # [R-TEAM-13]
    play = Play()
    play.govern(bounded(legs=2))
    record = play.admission("ada", "owner")
    place = Position(leg=1, parent=play.owner.id)
    assert play.refused(msgspec.structs.replace(record, position=place)) == "no_place"


def test_a_place_stays_with_who_has_left_and_waits_for_them() -> None:  # [R-TEAM-16]
    play = Play()
    play.govern(bounded(legs=2))
    play.join(("ada", "owner"))
    play.put("ada", "owner", 0)
    play.leave("ada")
    assert play.tree.placed(play.owner.id, 0) == play.id("ada")
    play.join(("ada", "owner"))
    assert list(play.tree.holding()) == []


def test_a_later_plan_does_not_change_the_number_of_legs() -> None:  # [R-TEAM-11]
    play = Play()
    play.govern(bounded(legs=2))
    play.govern(bounded(legs=3))
    play.join(("ada", "owner"))
    assert refused(play, play.put, "ada", "owner", 2) == "no_place"
    play.govern(bounded())
    play.put("ada", "owner", 1)


def test_without_a_tree_of_places_nobody_is_placed() -> None:  # [R-TEAM-13]
    play = Play()
    play.join(("ada", "owner"))
    assert refused(play, play.put, "ada", "owner", 0) == "no_place"
    assert list(play.tree.holding()) == []


# -- the tree alone ------------------------------------------------------------------------------------------
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(0, 9)), max_size=40))
def test_the_tree_answers_about_every_moment_as_it_was_then(acts: list[tuple[int, int, int]]) -> None:
    tree: Tree[int] = Tree(-1)
    tree.set_legs(2)
    seen: list[tuple[dict[int, int | None], list[int]]] = [(dict.fromkeys(range(10)), [])]
    for at, (act, who, other) in enumerate(acts, 1):
        try:
            if act == 0:
                tree.join(who, other if tree.member(other) else -1, at, at)
            elif act == 1:
                tree.leave(who, at, at, roll_up=bool(other % 2))
            elif act == 2:
                tree.move(who, other, at)
            elif tree.member(who) and tree.placement(who) is None:
                tree.place(who, *tree.free_place(-1, "breadth"), at)
        except Void:
            pass
        seen.append(({each: tree.sponsor(each) for each in range(10)}, list(tree.members())))
        for each in range(10):
            line = list(tree.upline(each))
            assert len(set(line)) == len(line) and each not in line  # no cycle, ever
    for at, (sponsors, members) in enumerate(seen):
        assert {each: tree.sponsor(each, at) for each in range(10)} == sponsors
        assert sorted(tree.members(at)) == sorted(members)
        for each in members:
            sponsor = sponsors[each]
            assert sponsor is not None and each in tree.sponsored(sponsor, at)


class Asked(dict[int, dict[int, int]]):
    """Counts how often somebody's legs are looked at."""

    count = 0

    def get(self, key: int, default: Any = None) -> Any:
        self.count += 1
        return super().get(key, default)


@pytest.mark.parametrize("spill", ["breadth", "depth"])
def test_down_one_leg_nobody_goes_twice(spill: str) -> None:
    """[R-CRED-93]: members below each other would have a reader go down the whole line for each of them."""
    tree: Tree[int] = Tree(0)
    tree.set_legs(1)
    for person in range(1, 301):
        tree.join(person, person - 1, person, 0)
        tree.place(person, person - 1, 0, person)
    asked = tree._taken = Asked(tree._taken)
    assert {tree.free_place(sponsor, spill) for sponsor in range(301)} == {(300, 0)}
    assert asked.count < 4 * 301


def test_the_nearest_free_place_is_that_of_a_search_level_by_level() -> None:
    tree: Tree[int] = Tree(0)
    tree.set_legs(3)
    expected = [(parent, leg) for parent in range(20) for leg in range(3)]
    for person in range(1, 60):
        tree.join(person, 0, person, person)
        assert tree.free_place(0, "breadth") == expected[person - 1]
        tree.place(person, *tree.free_place(0, "breadth"), person)
    assert tree.free_place(59, "depth") == (59, 0)
    assert tree.free_place(1, "depth") == (40, 0)  # down the first legs: 1, 4, 13, 40


@given(st.lists(st.integers(0, 200), min_size=1, max_size=60), st.integers(1, 3))
def test_whether_one_place_lies_below_another_is_what_a_walk_up_finds(parents: list[int], legs: int) -> None:
    tree: Tree[int] = Tree(0)
    tree.set_legs(legs)
    above: dict[int, int] = {}
    for person, wish in enumerate(parents, 1):
        tree.join(person, 0, person, person)
        parent = wish % person
        leg = next((leg for leg in range(legs) if tree.placed(parent, leg) is None), None)
        if leg is not None and (parent == 0 or parent in above):
            tree.place(person, parent, leg, person)
            above[person] = parent
    for lower in above:
        line = [lower]
        while line[-1] != 0:
            line.append(above[line[-1]])
        for upper in range(len(parents) + 1):
            assert tree.under(upper, lower) == (upper in line)


def test_the_first_legs_are_walked_once() -> None:
    tree: Tree[int] = Tree(0)
    tree.set_legs(2)
    for person in range(1, 30):
        tree.join(person, 0, person, person)
        assert tree.free_place(0, "depth") == (person - 1, 0)
        tree.place(person, person - 1, 0, person)
    assert tree.free_place(7, "depth") == (29, 0) and tree.under(7, 29) and not tree.under(29, 7)
    assert not tree.under(99, 3) and not tree.under(3, 99)


def test_the_tree_refuses_by_itself_what_no_record_should_bring() -> None:
    tree: Tree[int] = Tree(0)
    with pytest.raises(Void, match="no_place"):
        tree.place(1, 0, 0, 1)
    tree.set_legs(2)
    with pytest.raises(Void, match="no_sponsor"):
        tree.join(1, 9, 1, 1)
    tree.join(1, 0, 1, 1)
    for parent, leg in ((9, 0), (0, 2)):
        with pytest.raises(Void, match="no_place"):
            tree.place(1, parent, leg, 1)
    tree.place(1, 0, 0, 1)
    with pytest.raises(Void, match="no_place"):
        tree.place(1, 0, 1, 1)
    tree.join(2, 1, 2, 2)
    with pytest.raises(Void, match="no_place"):
        tree.place(2, 0, 0, 2)
    assert tree.free_place(2, "breadth") == (1, 0)  # who has no place yet: that of the nearest above
    for person, sponsor, code in ((9, 1, "no_member"), (2, 9, "no_sponsor"), (1, 2, "cycle")):
        with pytest.raises(Void, match=code):
            tree.move(person, sponsor, 3)
    with pytest.raises(Void, match="no_member"):
        tree.leave(9, 3, 3, roll_up=True)
    assert tree.left(9) is None and tree.joined_ms(9) is None and tree.spans(9) == ()


def test_a_move_of_somebody_else_or_of_nobody_is_void() -> None:  # [R-TEAM-12]
    play = Play()
    play.join(("ada", "owner"), ("bob", "owner"))
    assert refused(play, play.move, "eve", "ada", "agreed", ("ada",)) == "no_member"
    other = play.signed("bob", Placing, member=play.id("ada"), sponsor=play.owner.id)
    record = Move(
        member=play.id("bob"), openers=(), opportunity=KEY, reason="agreed", sponsor=play.id("ada"),
        statements=(other,),
    )  # fmt: skip
    assert play.refused(record) == "names_differ"
    assert refused(play, play.move, "bob", "eve", "agreed", ("bob", "eve")) in ("no_sponsor", "not_signed")
    play.signers.admit([[play.who("eve").entries[0]]])
    assert refused(play, play.move, "bob", "eve", "agreed", ("bob", "eve")) == "no_sponsor"


def test_a_wish_that_can_be_met_gives_the_place_at_once() -> None:  # [R-TEAM-13]
    play = Play()
    play.govern(bounded(legs=2))
    place = Position(leg=1, parent=play.owner.id)
    record = play.admission("ada", "owner")
    play.log(with_wish(play, "ada", record, place))
    assert play.tree.placement(play.id("ada")) == (play.owner.id, 1)
    play.leave("ada")
    again = with_wish(play, "ada", play.admission("ada", "owner"), Position(leg=0, parent=play.owner.id))
    assert play.refused(again) == "no_place"  # theirs waits for them
    taken = with_wish(play, "bob", play.admission("bob", "owner"), place)
    assert play.refused(taken) == "no_place"


def with_wish(play: Play, member: str, record: Admission, place: Position) -> Admission:
    """The admission by an invite that asks for a place, at that place."""
    invite = play.invite("owner", position=place)
    before = read(Application, record.application)
    application = play.signed(
        member, Application, acknowledgement=before.acknowledgement, invite=statement_id(invite)
    )
    return msgspec.structs.replace(record, application=application, invite=invite, position=place)
