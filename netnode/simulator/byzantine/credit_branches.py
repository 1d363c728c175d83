"""An issuer that leaves its debts on another branch: it forks its log, settles or rotates below them [L13]."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from msgspec import Struct

from netnode.issuing.appending import lacking
from netnode.keys.rotating import grant
from netnode.keys.words import decode_words
from netnode.operations import models
from netnode.ports import LinkClosed
from netnode.services.node_services import NodeServices
from netnode.simulator.byzantine.credits import Issuer
from netnode.simulator.byzantine.deals import Crook
from netnode.simulator.byzantine.scene import Scene, Target
from netnode.simulator.credit_scene import UNIT
from netnode.store.credits import LimitRow
from protocol import messages
from protocol.entry import SETTLEMENT, Entry, sign_entry
from protocol.ledger.governing import DAY
from protocol.ledger.statements import Request, sign
from protocol.records import Settlement, Transfer, Withdraw, encode_record
from protocol.run import run_of

SHOWN_SECONDS = 20.0  # virtual; how long a branch is shown to one node


def branch(issuer: Issuer, above: Entry, *records: Struct) -> list[Entry]:
    """Entries above one of the own log, signed by hand: its program knows nothing of them."""
    made = [above]
    for record in records:
        made.append(_signed(issuer, made[-1], record.KIND, encode_record(record)))  # type: ignore[attr-defined]
    return made[1:]


def settled(issuer: Issuer, above: Entry, *left: Entry) -> Entry:
    """A settlement above an entry, which names the branches that it leaves."""
    record = Settlement(branches=tuple(sorted((each.seq, each.id) for each in left)))
    return _signed(issuer, above, SETTLEMENT, encode_record(record))


def _signed(issuer: Issuer, before: Entry, kind: int, record: bytes) -> Entry:
    return sign_entry(
        issuer.crook.network,
        issuer.crook.seed,
        author=issuer.id,
        seq=before.seq + 1,
        prev=before.id,
        epoch=before.epoch,
        term=before.term + (kind == SETTLEMENT),
        time=max(issuer.now, before.time),
        kind=kind,
        record=record,
    )


async def show(scene: Scene, issuer: bytes, log: Sequence[Entry], targets: Sequence[Target]) -> None:
    """Friends of the issuer show one branch of its log to some nodes.

    Args:
        scene: of the friends.
        issuer: its networker.
        log: the whole branch, from the inception on.
        targets: who sees it.
    """
    shelf = scene.shelf()
    shelf.put(log)
    for target in targets:
        friend = scene.author(f"friend of {target.name} {log[-1].seq}")
        await scene.show(target, friend, shelf, seconds=SHOWN_SECONDS, act="branch", pushed=issuer)


async def expose(scene: Scene, target: Target, left: Sequence[Entry], right: Sequence[Entry]) -> None:
    """A friend of nobody tells one node of the fork, by entries of both branches that need not be the first to differ.

    Args:
        scene: of the friend.
        target: the node.
        left: one branch, from the place that the proof begins with.
        right: the other, from the same place.
    """
    with suppress(LinkClosed):
        async with scene.meeting(target, scene.author("tell-tale"), act="branch") as puppet:
            await puppet.say(messages.Fork(left=run_of(left[:1]), right=run_of(right[:1])))
            await puppet.over(SHOWN_SECONDS)


def filler(count: int, side: int) -> list[Struct]:
    """So many records that mean nothing to a ledger; behind many of them a proof of a fork shows no sale.

    Args:
        count: how many.
        side: of the fork; each has its own.
    """
    salt = bytes([side]) * 16
    return [Withdraw(salt=salt, key=f"gone-{number}") for number in range(count)]


def transfer(issuer: Issuer, thief: Crook, amount: int, limit: LimitRow) -> Transfer:
    """A transfer that its holder has signed, with the counter of another one.

    Args:
        issuer: in whose log it is to stand.
        thief: the holder.
        amount: minor units.
        limit: that the recipient has signed.
    """
    thief_id = thief.node.id
    unsigned = Request(
        action="transfer", amount=amount, counter=1, epoch=0, expires=issuer.now + DAY, holder=thief_id,
        issuer=issuer.id, recipient=limit.holder, signature=bytes(64), unit=UNIT,
    )  # fmt: skip
    openers = lacking(issuer.book(), issuer.openers(thief_id, limit.holder))
    return Transfer(
        limit=limit.data, openers=openers, request=sign(issuer.crook.network, thief.seed, unsigned)
    )


async def rotated(issuer: Issuer, last: int) -> None:
    """Replaces its key, as if a thief had written all above an entry."""
    await issuer.crook.node.ask(partial(_rotate, issuer, last))


async def _rotate(issuer: Issuer, last: int, services: NodeServices) -> None:
    created = issuer.crook.node.created
    assert created is not None  # its home was made here
    plan = await services.keys.plan(last)
    words = decode_words(" ".join(created.words))
    given = grant(plan.network, words, plan.epoch, words)
    await services.keys.rotate(
        models.KeyRotation(
            head=plan.head,
            seed=given.seed.hex(),
            promise=given.promise.hex(),
            backup_public=given.backup_public.hex(),
            last=last,
        )
    )


async def taken_back(issuer: Issuer, last: int) -> None:
    """Settles its log above an entry, as if a wrong clock had dated what comes after."""
    await issuer.crook.parts.own.take_back(last + 1)
