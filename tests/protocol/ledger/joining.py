"""Members of an issuer's team by real entries: admissions, moves, duties, leaves, in the log of a `World`."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from protocol import seen
from protocol.ledger.book import Verdict
from protocol.records import Acknowledgement, Admission, Duty, Leave, Move, encode_record
from protocol.records.team import Position
from protocol.teams.statements import Application, Followup, Invite, Leaving, Placing, sign, statement_id
from tests.protocol.author import seed
from tests.protocol.ledger.world import DAY, TEAM, World

PAPER = seed("disclosure")
WAIT = 7 * DAY


def signed(world: World, name: str | None, form: type[Any], **fields: Any) -> bytes:
    """A statement about the team; `name` None: by the owner."""
    by = world.issuer if name is None else world.who(name)
    whole: dict[str, Any] = {
        "epoch": by.entries[-1].epoch, "opportunity": TEAM, "owner": world.issuer.id, "signature": bytes(64),
        "signer": by.id,
    }  # fmt: skip
    if form is not Invite:
        whole["time"] = world.now
    return sign(by.network, by.signer, form(**(whole | fields)))


def join(
    world: World, name: str, sponsor: str | None = None, position: Position | None = None, wait: int = WAIT
) -> Verdict:
    """Admits somebody below a member, or below the owner; a week passes.

    Args:
        world: of the issuer.
        name: of the new member.
        sponsor: None: the owner.
        position: a place that the sponsor asks for.
        wait: ms from the acknowledgement to the admission.
    """
    member, place = world.who(name), UNSET if position is None else position
    invite = signed(
        world, sponsor, Invite, disclosure=PAPER, expires=world.now + 60 * DAY,
        nonce=seed("invite", name, world.now)[:16], position=place,
        sponsor=world.issuer.id if sponsor is None else world.id(sponsor),
    )  # fmt: skip
    told = Acknowledgement(salt=bytes(16), disclosure=PAPER, opportunity=TEAM, owner=world.issuer.id)
    entry = member.after(member.entries[-1], Acknowledgement.KIND, encode_record(told), time=world.now)
    member.entries.append(entry)
    witness = world.who("witness")
    statement = seen.sign(
        witness.network, witness.signer, author=entry.author, epoch=entry.epoch, term=entry.term, seq=entry.seq,
        id=entry.id, time=world.now, witness=witness.id, witness_epoch=witness.entries[-1].epoch,
    )  # fmt: skip
    application = signed(
        world, name, Application, acknowledgement=(entry.seq, entry.id), invite=statement_id(invite)
    )
    people = ["witness", name, *([] if sponsor is None else [sponsor])]
    record = Admission(
        acknowledgement=(entry.wire(),), application=application, disclosure=PAPER, invite=invite,
        openers=world.openers(*people), opportunity=TEAM, position=place, seen=(seen.encode(statement),),
    )  # fmt: skip
    world.now += wait
    return world.write(record)


def leave(world: World, name: str) -> Verdict:
    """Somebody leaves."""
    leaving = signed(world, name, Leaving, reason="time")
    return world.write(Leave(leaving=leaving, member=world.id(name), openers=(), opportunity=TEAM))


def move(world: World, name: str, sponsor: str | None, *consents: str) -> Verdict:
    """Another sponsor (None: the owner), with the consent of those named."""
    to = world.issuer.id if sponsor is None else world.id(sponsor)
    papers = tuple(signed(world, each, Placing, member=world.id(name), sponsor=to) for each in consents)
    record = Move(
        member=world.id(name), openers=(), opportunity=TEAM, reason="agreed", sponsor=to, statements=papers
    )
    return world.write(record)


def followup(world: World, name: str, by: str, step: int = 1) -> Verdict:
    """Somebody got a follow-up."""
    statement = signed(world, name, Followup, by=world.id(by), step=step)
    return world.write(Duty(openers=(), opportunity=TEAM, statements=(statement,)))
