"""Duties: the member's signature counts, deadlines run from the admission, neglect is computed."""

from __future__ import annotations

import pytest

from protocol.errors import Void
from protocol.records import Duty
from protocol.records.team import Module
from protocol.teams.duties import Answers, neglected
from protocol.teams.statements import Followup, Training
from tests.protocol.teams.made import DAY, KEY, Play, bounded

RULES = bounded(followups=(7, 30), modules=(Module(days=14, key="start"), Module(key="talk")))


def team() -> Play:
    play = Play()
    play.govern(RULES)
    play.join(("ada", "owner"), ("bob", "ada"), ("eve", "owner"))
    return play


def code(play: Play, *statements: bytes) -> str:
    return play.refused(Duty(openers=(), opportunity=KEY, statements=statements))


def test_what_the_member_signed_and_the_log_holds_counts() -> None:  # [R-TEAM-17]
    play = team()
    play.followup("bob", "ada")
    play.training("bob", "start", "ada")
    membership = play.team.membership(play.id("bob"))
    assert membership is not None
    assert membership.followups[1].by == play.id("ada")
    assert membership.trainings["start"].by == play.id("ada")
    assert membership.untrained() == (("talk", None),)
    assert membership.due(play.now) == ((2, membership.since + 30 * DAY),)


def test_a_sponsor_cannot_sign_for_the_member() -> None:  # [R-TEAM-17]
    play = team()
    forged = play.signed("ada", Followup, by=play.id("ada"), signer=play.id("bob"), step=1)
    assert code(play, forged) == "not_signed"


def test_only_who_stands_above_does_duties() -> None:  # [R-TEAM-18]
    play = team()
    assert code(play, play.signed("bob", Followup, by=play.id("eve"), step=1)) == "no_duty"
    assert code(play, play.signed("bob", Training, by=play.id("bob"), module="start")) == "no_duty"
    play.followup("bob", "owner")


def test_duties_that_the_plan_does_not_name_or_that_were_counted_are_void() -> None:  # [R-TEAM-18]
    play = team()
    assert code(play, play.signed("bob", Training, module="other")) == "no_duty"
    assert code(play, play.signed("bob", Followup, by=play.id("ada"), step=3)) == "no_duty"
    one = play.signed("bob", Followup, by=play.id("ada"), step=1)
    assert code(play, one, play.signed("bob", Followup, by=play.owner.id, step=1)) == "no_duty"
    play.duty(one)
    assert code(play, one) == "no_duty"
    play.training("bob", "start")
    assert code(play, play.signed("bob", Training, module="start")) == "no_duty"


def test_a_duty_of_a_former_membership_or_of_tomorrow_does_not_count() -> None:  # [R-TEAM-18]
    play = team()
    old = play.signed("bob", Followup, by=play.id("ada"), step=1)
    assert code(play, play.signed("bob", Training, module="start", time=play.now + 1)) == "no_duty"
    play.leave("bob")
    assert code(play, old) == "no_member"
    play.join(("bob", "ada"))
    assert code(play, old) == "no_duty"


def test_duties_of_another_team_do_not_count() -> None:  # [R-TEAM-18]
    play = team()
    assert code(play, play.signed("bob", Training, module="start", owner=play.id("eve"))) == "names_differ"
    assert code(play, b"\xc1") == "statement"


def test_the_neglected_are_listed_the_longest_first_and_a_late_follow_up_helps() -> None:  # [R-TEAM-19]
    play = team()
    play.followup("eve", "owner")
    since = play.tree.joined_ms(play.id("bob"))
    assert since is not None and neglected(play.team, since + 7 * DAY) != ()  # ada, since before
    late = neglected(play.team, since + 7 * DAY + 1)
    assert play.names([each.member for each in late]) == ["ada", "bob"]
    assert late[1].sponsor == play.id("ada") and late[1].missed == (1,) and late[1].oldest == since + 7 * DAY
    play.now = since + 20 * DAY
    play.followup("bob", "ada")
    assert play.names([each.member for each in neglected(play.team, play.now)]) == ["ada"]
    assert neglected(play.team, since + 31 * DAY)[1].missed == (2,)


def test_a_deadline_that_runs_is_not_shortened_by_a_later_plan() -> None:  # [R-TEAM-11]
    play = team()
    play.govern(bounded(followups=(1,)))
    since = play.tree.joined_ms(play.id("bob"))
    assert since is not None
    assert play.id("bob") not in [each.member for each in neglected(play.team, since + 2 * DAY)]


def test_what_was_done_in_place_of_a_sponsor_goes_to_who_did_it() -> None:  # [R-TEAM-21]
    play = team()
    play.join(("cid", "bob"))
    cid, bob, ada = play.id("cid"), play.id("bob"), play.id("ada")
    since = play.tree.joined_ms(cid)
    assert since is not None
    before = play.seq
    assert Answers(play.team, since + 7 * DAY).done_by(bob, cid) == bob  # not due yet
    late = Answers(play.team, since + 7 * DAY + 1)
    assert late.done_by(bob, cid) is None
    assert late.done_by(ada, cid) == ada  # owes nothing to another's recruit
    play.now = since + 8 * DAY
    play.followup("cid", "ada")
    assert late.done_by(bob, cid) == ada
    assert late.done_by(bob, cid, before) is None  # as of an entry before
    play.followup("cid", "bob", 2)
    assert Answers(play.team, since + 31 * DAY).done_by(bob, cid) == ada


def test_where_nothing_is_owed_it_is_done() -> None:  # [R-TEAM-21]
    play = Play()
    play.join(("ada", "owner"), ("bob", "ada"))
    assert Answers(play.team, play.now + 999 * DAY).done_by(play.id("ada"), play.id("bob")) == play.id("ada")


def test_what_is_counted_stays_with_a_move_by_agreement() -> None:
    play = team()
    play.followup("bob", "ada")
    play.move("bob", "eve", "agreed", ("bob", "ada", "eve"))
    membership = play.team.membership(play.id("bob"))
    assert membership is not None and 1 in membership.followups
    play.training("bob", "start", "ada")  # who stood above when the membership began may still have done it
    assert code(play, play.signed("bob", Training, module="talk", by=play.id("cid"))) == "no_duty"
    with pytest.raises(Void):
        play.followup("bob", "ada")


def test_a_sponsor_whom_somebody_forestalls_has_missed_nothing_before_the_deadline() -> None:  # [R-TEAM-21]
    play = team()
    play.join(("cid", "bob"))
    cid, bob, ada = play.id("cid"), play.id("bob"), play.id("ada")
    since = play.tree.joined_ms(cid)
    assert since is not None
    play.now = since + 3 * DAY
    play.followup("cid", "ada")
    assert Answers(play.team, since + 7 * DAY).done_by(bob, cid) == bob
    assert Answers(play.team, since + 7 * DAY + 1).done_by(bob, cid) == ada
