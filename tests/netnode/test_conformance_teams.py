"""Two implementations of teams come to the same, whatever is logged: that of the node and that of the checks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from netnode.conformance.entries import read_entry
from netnode.conformance.faults import Fault
from netnode.conformance.teamfold import TeamFold
from protocol.errors import Void
from protocol.ledger.signers import Signers, entries_of
from protocol.records import Leave, decode_record
from protocol.records.team import Module, Position, TeamRules
from protocol.teams.fold import Teams
from protocol.teams.statements import Application, read, statement_id
from tests.protocol.author import NETWORK
from tests.protocol.teams.made import DAY, KEY, Play, bounded

NAMES = ("owner", "ada", "bob", "cid", "dot")
RULES: tuple[TeamRules, ...] = (
    bounded(followups=(1, 9), modules=(Module(key="start"),)),
    bounded(depth=2, orphans="stay", followups=(1,), replacement="choice"),
    bounded(legs=2, holding=1, followups=(1,), missed=1, replacement="none"),
    bounded(legs=1, spill="depth", depth=3),
)
Act = tuple[int, int, int, int]


def played(rules: TeamRules, acts: list[Act]) -> Play:
    """A log in which somebody tries all kinds of things, many of them wrong."""
    play = Play()
    play.govern(rules)

    def attempt(act: Callable[..., object], *args: object) -> None:
        with suppress(Void):
            act(*args)

    for what, first, second, third in acts:
        who, other, more = NAMES[1 + first % 4], NAMES[second % 5], NAMES[third % 5]
        match what:
            case 0 | 1 | 2:
                record = play.admission(who, other, wait=(7 - (third == 4)) * DAY)
                if third == 3:
                    wish = Position(leg=second % 3, parent=play.id(more))
                    invite = play.invite(other, position=wish)
                    before = read(Application, record.application)
                    application = play.signed(
                        who, Application, acknowledgement=before.acknowledgement, invite=statement_id(invite)
                    )
                    record = msgspec.structs.replace(
                        record, application=application, invite=invite, position=wish
                    )
                attempt(play.log, record)
            case 3:
                attempt(play.leave, who)
            case 4:
                attempt(play.log, Leave(ended="terms", member=play.id(who), openers=(), opportunity=KEY))
            case 5:
                attempt(play.move, who, other, "agreed", tuple({who, other, more} - {"owner"}))
            case 6:
                attempt(play.move, who, other, "neglect", tuple({who, other} - {"owner"}))
            case 7:
                attempt(play.put, who, other, third % 3, () if first % 2 else (more,))
            case 8:
                attempt(play.followup, who, other, 1 + third % 2)
            case _:
                attempt(play.training, who, "start", None if third == 0 else other)
        play.now += third * DAY // 2
    return play


@settings(max_examples=60)
@given(
    st.sampled_from(RULES), st.lists(st.tuples(*(st.integers(0, high) for high in (9, 4, 4, 4))), max_size=25)
)
def test_both_come_to_the_same_team_and_the_same_codes(rules: TeamRules, acts: list[Act]) -> None:
    play = played(rules, acts)
    teams, signers = Teams(NETWORK, play.owner.id), Signers(NETWORK)
    teams.govern(KEY, rules)
    fold = TeamFold(NETWORK, play.owner.id, KEY, msgspec.to_builtins(rules))
    tree = teams.tree(KEY)
    for entry in play.owner.entries:
        mine = theirs = None
        if entry.kind in (12, 14, 16, 18):
            record: Any = decode_record(entry.kind, entry.record or b"")
            try:
                signers.admit(entries_of(record.openers))
                teams.take(entry, record, signers)
            except Void as void:
                mine = void.code
        try:
            fold.take(read_entry(entry.wire()))
        except Fault as fault:
            theirs = fault.code
        assert mine == theirs, (entry.seq, entry.kind)
        assert {who for who, member in fold.members.items() if member.inside} == set(tree.members())
        for who in fold.members:
            assert tree.sponsor(who) == fold.members[who].sponsor
            assert tree.placement(who) == fold.places.get(who)
