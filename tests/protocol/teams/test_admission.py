"""Admissions: what each of them rests on is embedded, and nothing short of it makes a member."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from protocol.records import Admission
from protocol.teams import statements
from protocol.teams.statements import Application, Invite, read, statement_id
from tests.protocol.author import seed
from tests.protocol.teams.made import DAY, KEY, PAPER, Play, bounded


def changed(record: Admission, **fields: Any) -> Admission:
    return msgspec.structs.replace(record, **fields)


def applied(play: Play, member: str, invite: bytes, record: Admission, **fields: Any) -> Admission:
    """The record with another invite, and an application by it."""
    before = read(Application, record.application)
    application = play.signed(
        member, Application, acknowledgement=before.acknowledgement, invite=statement_id(invite), **fields
    )
    return changed(record, invite=invite, application=application)


def test_an_admission_makes_a_member_below_the_sponsor() -> None:
    play = Play()
    entry = play.log(play.admission("ada", "owner"))
    play.join(("bob", "ada"), ("cid", "bob"))
    assert play.upline("cid") == ["bob", "ada"]
    assert play.tree.sponsor(play.id("ada")) == play.owner.id
    assert play.tree.joined(play.id("ada")) == entry.seq
    assert play.tree.joined_ms(play.id("ada")) == entry.time
    assert play.names(list(play.tree.members())) == ["ada", "bob", "cid"]


def test_a_day_less_than_seven_since_it_was_seen_is_too_soon() -> None:  # [R-TEAM-9]
    play = Play()
    record = play.admission("ada", "owner", wait=7 * DAY - 1)
    assert play.refused(record) == "too_soon"
    play.now += 1
    play.log(record)
    assert play.tree.member(play.id("ada"))


@pytest.mark.parametrize("witness", ["owner", "ada", "bob"])
def test_the_word_of_owner_sponsor_and_member_does_not_count(witness: str) -> None:  # [R-TEAM-9]
    play = Play()
    play.join(("ada", "owner"))
    play.signers.admit([[play.owner.entries[0]]])
    record = play.admission("bob", "ada", witness=witness)
    assert play.refused(record) == "too_soon"


def test_one_statement_that_counts_is_enough() -> None:  # [R-TEAM-9]
    play = Play()
    record = play.admission("ada", "owner")
    play.log(changed(record, seen=(b"nothing", *record.seen)))
    assert play.tree.member(play.id("ada"))


def test_a_statement_about_another_entry_or_by_an_unknown_witness_does_not_count() -> None:  # [R-TEAM-9]
    play = Play()
    record = play.admission("ada", "owner")
    other = play.acknowledge("ada")
    assert play.refused(changed(record, seen=(play.saw("witness", other, play.now - 8 * DAY),))) == "too_soon"
    acknowledged = play.who("ada").entries[-2]
    assert play.refused(changed(record, seen=(play.saw("stranger", acknowledged, 0),))) == "too_soon"


def test_the_acknowledgement_is_of_this_disclosure_of_this_team() -> None:  # [R-TEAM-8]
    for fields in ({"disclosure": seed("other")}, {"opportunity": "other"}, {"owner": seed("other")}):
        play = Play()
        record = play.admission("ada", "owner")
        wrong = play.acknowledge("ada", **fields)
        application = play.signed(
            "ada", Application, acknowledgement=(wrong.seq, wrong.id), invite=statement_id(record.invite)
        )
        broken = changed(record, acknowledgement=(wrong.wire(),), application=application)
        assert play.refused(broken) == "not_acknowledged"


def test_the_acknowledgement_is_the_entry_that_the_application_names() -> None:  # [R-TEAM-8]
    play = Play()
    record = play.admission("ada", "owner")
    other = play.acknowledge("ada")
    assert play.refused(changed(record, acknowledgement=(other.wire(),))) == "not_acknowledged"
    assert play.refused(changed(record, acknowledgement=(b"no entry",))) == "not_acknowledged"


def test_an_acknowledgement_without_a_valid_signature_is_proved_by_a_later_entry() -> None:  # [R-TEAM-8]
    play = Play()
    record = play.admission("ada", "owner")
    author = play.who("ada")
    # the same acknowledgement, unsigned, with a signed entry after it
    unsigned = author.after(author.entries[-1], 21, author.entries[-1].record, signer=play.who("bob").signer)
    after = author.after(unsigned)
    apart = author.after(after)
    application = play.signed(
        "ada", Application, acknowledgement=(unsigned.seq, unsigned.id), invite=statement_id(record.invite)
    )
    statement = play.saw("witness", unsigned, play.now - 7 * DAY)
    record = changed(record, application=application, seen=(statement,))
    for broken in ((unsigned,), (unsigned, apart), (unsigned, author.entries[1])):
        wires = tuple(entry.wire() for entry in broken)
        assert play.refused(changed(record, acknowledgement=wires)) == "not_acknowledged"
    play.log(changed(record, acknowledgement=(unsigned.wire(), after.wire())))
    assert play.tree.member(author.id)


def test_an_acknowledgement_whose_record_is_gone_proves_nothing() -> None:  # [R-TEAM-8]
    play = Play()
    record = play.admission("ada", "owner")
    header, signature, _ = record.acknowledgement[0]
    assert play.refused(changed(record, acknowledgement=((header, signature, None),))) == "not_acknowledged"


def test_papers_about_another_team_or_person_do_not_count() -> None:  # [R-TEAM-6]
    play = Play()
    record = play.admission("ada", "owner")
    for fields in ({"owner": seed("other")}, {"opportunity": "other"}, {"disclosure": seed("other")}):
        assert play.refused(applied(play, "ada", play.invite("owner", **fields), record)) == "names_differ"
    for fields in ({"owner": seed("other")}, {"opportunity": "other"}):
        assert play.refused(applied(play, "ada", record.invite, record, **fields)) == "names_differ"
    assert play.refused(changed(record, invite=play.invite("owner", nonce=bytes(16)))) == "names_differ"
    assert play.refused(changed(record, opportunity="other")) == "names_differ"


def test_an_invite_is_of_the_sponsor_or_the_owner() -> None:  # [R-TEAM-7]
    play = Play()
    play.join(("ada", "owner"), ("eve", "owner"))
    record = play.admission("bob", "ada")
    by_another = play.invite("ada", by="eve")
    assert play.refused(applied(play, "bob", by_another, record)) == "names_differ"
    play.log(applied(play, "bob", play.invite("ada", by="owner"), record))
    assert play.upline("bob") == ["ada"]


def test_an_invite_nobody_signed_admits_nobody() -> None:  # [R-TEAM-5]
    play = Play()
    play.join(("ada", "owner"))
    record = play.admission("bob", "ada")
    forged = play.signed(
        "bob", Invite, disclosure=PAPER, expires=play.now + DAY, nonce=bytes(16), sponsor=play.id("ada"),
        signer=play.id("ada"),
    )  # fmt: skip
    assert play.refused(applied(play, "bob", forged, record)) == "not_signed"
    application = play.signed("ada", Application, acknowledgement=(1, bytes(32)), invite=bytes(32))
    fields = msgspec.structs.asdict(read(Application, record.application))
    fields["signature"] = read(Application, application).signature
    forged = msgspec.msgpack.encode(Application(**fields))
    assert play.refused(changed(record, application=forged)) == "not_signed"


def test_an_invite_admits_whom_it_is_for_in_its_time_and_once() -> None:  # [R-TEAM-7]
    play = Play()
    record = play.admission("ada", "owner")
    for_another = play.invite("owner", for_=play.id("bob"))
    assert play.refused(applied(play, "ada", for_another, record)) == "invitation_over"
    over = play.invite("owner", expires=play.now)
    assert play.refused(applied(play, "ada", over, record)) == "invitation_over"
    mine = play.invite("owner", for_=play.id("ada"))
    play.log(applied(play, "ada", mine, record))
    again = applied(play, "bob", mine, play.admission("bob", "owner"))
    assert play.refused(again) == "invitation_over"
    open_to_all = play.invite("owner")
    play.log(applied(play, "bob", open_to_all, play.admission("bob", "owner")))
    assert (
        play.refused(applied(play, "cid", open_to_all, play.admission("cid", "owner"))) == "invitation_over"
    )


def test_nobody_is_admitted_twice_nor_the_owner() -> None:  # [R-TEAM-10]
    play = Play()
    play.join(("ada", "owner"))
    assert play.refused(play.admission("ada", "owner")) == "is_member"
    play.signers.admit([[play.owner.entries[0]]])
    assert play.refused(play.admission("owner", "ada")) == "is_member"


def test_a_sponsor_is_a_member() -> None:  # [R-TEAM-10]
    play = Play()
    assert play.refused(play.admission("bob", "ada")) == "no_sponsor"
    play.join(("ada", "owner"))
    play.leave("ada")
    assert play.refused(play.admission("bob", "ada")) == "no_sponsor"


def test_nobody_sponsors_themselves_not_even_through_others() -> None:  # [R-TEAM-10]
    play = Play()
    play.govern(bounded(orphans="stay"))
    play.join(("ada", "owner"), ("bob", "ada"), ("cid", "bob"))
    play.leave("ada")
    assert play.refused(play.admission("ada", "cid")) == "cycle"
    play.join(("ada", "owner"))
    assert play.upline("cid") == ["bob", "ada"]


def test_the_depth_of_the_plan_is_kept() -> None:  # [R-TEAM-10]
    play = Play()
    play.govern(bounded(depth=2))
    play.join(("ada", "owner"), ("bob", "ada"))
    assert play.refused(play.admission("cid", "bob")) == "too_deep"
    play.join(("cid", "ada"))


def test_who_comes_back_below_another_brings_no_more_levels_than_fit() -> None:  # [R-TEAM-10]
    play = Play()
    play.govern(bounded(orphans="stay", depth=3))
    play.join(("ada", "owner"), ("bob", "ada"), ("cid", "bob"), ("dot", "owner"))
    play.leave("ada")
    assert play.refused(play.admission("ada", "dot")) == "too_deep"
    play.join(("ada", "owner"))


def test_signatures_of_an_epoch_that_this_log_has_seen_replaced_do_not_admit() -> None:  # [R-TEAM-5]
    play = Play()
    record = play.admission("ada", "owner")
    author = play.who("ada")
    rotation, _ = author.rotation(author.entries[-1])
    play.signers.admit([[author.entries[0], rotation]])
    assert play.refused(changed(record, openers=())) == "not_signed"


def test_an_invite_and_a_statement_of_a_witness_stay_good_when_their_signer_rotates() -> None:  # [R-TEAM-5]
    play = Play()
    play.join(("ada", "owner"))
    record = play.admission("bob", "ada")
    for name in ("ada", "witness"):
        author = play.who(name)
        rotation, _ = author.rotation(author.entries[-1])
        play.signers.admit([[rotation]])
    play.log(record)
    assert play.upline("bob") == ["ada"]


def test_a_statement_of_a_wrong_form_is_void() -> None:  # [R-TEAM-5]
    play = Play()
    record = play.admission("ada", "owner")
    assert play.refused(changed(record, invite=b"\xc1")) == "statement"
    assert play.refused(changed(record, application=record.invite)) == "statement"
    assert UNSET is read(Invite, record.invite).for_
    assert record.opportunity == KEY


def test_an_entry_that_is_no_acknowledgement_proves_none() -> None:  # [R-TEAM-8]
    play = Play()
    record = play.admission("ada", "owner")
    author = play.who("ada")
    for kind, content in ((1, None), (21, b"no record of this kind")):
        entry = author.after(author.entries[-1], kind, content)
        application = play.signed(
            "ada", Application, acknowledgement=(entry.seq, entry.id), invite=statement_id(record.invite)
        )
        broken = changed(record, acknowledgement=(entry.wire(),), application=application)
        assert play.refused(broken) == "not_acknowledged"


def test_the_teams_of_one_log_stand_apart() -> None:  # [R-TEAM-10]
    play = Play()
    play.join(("ada", "owner"))
    assert list(play.teams.teams) == [KEY]
    assert list(play.teams.tree("other").members()) == []
    assert statements.read_named("invite", play.invite("owner")) == read(Invite, play.invite("owner"))


def test_an_opener_proves_no_acknowledgement_below_it() -> None:  # [R-TEAM-8]
    play = Play()
    record = play.admission("ada", "owner")
    author = play.who("ada")
    unsigned = author.after(author.entries[-1], 21, author.entries[-1].record, signer=play.who("bob").signer)
    rotation, fresh = author.rotation(unsigned)
    after = author.after(rotation, signer=fresh, place=(1, 0))
    author.entries += [unsigned, rotation]
    author.signer = fresh
    application = play.signed(
        "ada", Application, acknowledgement=(unsigned.seq, unsigned.id), invite=statement_id(record.invite)
    )
    play.signers.admit([[author.entries[0], rotation]])
    wires = tuple(entry.wire() for entry in (unsigned, rotation, after))
    broken = changed(
        record, acknowledgement=wires, application=application, seen=(play.saw("witness", unsigned, 0),)
    )
    assert play.refused(broken) == "not_acknowledged"
