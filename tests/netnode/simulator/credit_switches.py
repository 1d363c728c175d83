"""Rules of the ledger taken out one at a time; the scenarios with dishonest issuers and holders have to notice."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import msgspec

import netnode.issuing.challenging
import netnode.swapping.deciding
import netnode.swapping.watching
import protocol.ledger.challenges
import protocol.ledger.filed
import protocol.ledger.movements
import protocol.ledger.sales
import protocol.ledger.selling
import protocol.ledger.swaps
from netnode.ledgers.joining import Joined, Side
from netnode.store.batch import Batch
from protocol.deals.bodies import Dispute, Refund
from protocol.errors import Void
from protocol.ledger.sales import prove
from protocol.ledger.statements import Swap, read, require_both


def _with(value: Any, **fields: Any) -> Any:
    """The same value with other fields."""
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.replace(value, **fields)
    return dataclasses.replace(value, **fields)


def buyers_sign(stack: ExitStack) -> None:
    """Messages of buyers need no signature."""
    stack.enter_context(patch.object(protocol.ledger.sales, "_signed", lambda *_: True))


def awards_are_recomputed(stack: ExitStack) -> None:
    """A sale awards what it says."""
    assess = protocol.ledger.selling.assess

    def believed(state: Any, content: Any, *rest: Any, **named: Any) -> Any:
        return _with(assess(state, content, *rest, **named), awards=content.awards)

    stack.enter_context(patch.object(protocol.ledger.selling, "assess", believed))


def plans_bind(stack: ExitStack) -> None:
    """A sale follows the plan that it names, and awards what it says by it."""
    assess = protocol.ledger.selling.assess

    def believed(state: Any, content: Any, *rest: Any, **named: Any) -> Any:
        found = assess(state, content, *rest, **named)
        governed = _with(found.reckoned.governed, hash=content.plan)
        return _with(found, reckoned=_with(found.reckoned, governed=governed), awards=content.awards)

    stack.enter_context(patch.object(protocol.ledger.selling, "assess", believed))


def refunds_are_confirmed(stack: ExitStack) -> None:
    """What a seller says it has refunded is refunded."""

    def proved(found: Any, messages: Any) -> Any:
        sent = sum(each.body.amount for each in messages if isinstance(each.body, Refund))
        return _with(found, money=_with(found.money, refunded=sent))

    _proving(stack, proved)


def buyers_dispute(stack: ExitStack) -> None:
    """Anybody's dispute freezes a sale."""

    def proved(found: Any, messages: Any) -> Any:
        return _with(found, disputed=any(isinstance(each.body, Dispute) for each in messages))

    _proving(stack, proved)


def _proving(stack: ExitStack, proved: Any) -> None:
    def changed(order: Any, looked: Any) -> Any:
        return proved(prove(order, looked), looked.messages)

    stack.enter_context(patch.object(protocol.ledger.filed, "prove", changed))


def holders_sign(stack: ExitStack) -> None:
    """Requests need no signature."""
    stack.enter_context(patch.object(protocol.ledger.movements, "require_signed", lambda *_: None))


def forks_bind(stack: ExitStack) -> None:
    """Only one branch of a forked log counts."""
    lay = Joined.lay

    def alone(joined: Joined, sides: Sequence[Side], lacking: Any, around: Any) -> None:
        lay(joined, [side for side in sides if side.rotation is not None], lacking, around)

    stack.enter_context(patch.object(Joined, "lay", alone))


def evidence_stays(stack: ExitStack) -> None:
    """What leaves a log is forgotten."""
    stack.enter_context(patch.object(Batch, "_keep_evidence", lambda *_: None))


def silence_is_shown(stack: ExitStack) -> None:
    """Nobody has to answer a challenge."""
    stack.enter_context(patch.object(protocol.ledger.challenges, "DEADLINE_MS", 2**50))


def refusing_is_having(stack: ExitStack) -> None:
    """Who refuses the letter of a challenge was never handed it."""
    arrived = ("at_mailbox", "delivered", "settled")
    stack.enter_context(patch.object(netnode.issuing.challenging, "_ARRIVED", arrived))


def swaps_are_in_time(stack: ExitStack) -> None:
    """Locks and swaps count whatever their date."""

    def undated(network: str, entry: Any, document: Swap, signers: Any, verify: Any) -> None:
        one, two = (signers.ever(each.holder, each.epoch) for each in (document.first, document.second))
        require_both(network, document, one, two, verify)

    stack.enter_context(patch.object(protocol.ledger.swaps, "_require_standing", undated))


def locks_are_proved(stack: ExitStack) -> None:
    """A second issuer's swap needs no lock."""

    def standing(network: str, entry: Any, record: Any, verify: Any) -> Swap:
        return read(Swap, record.document)

    stack.enter_context(patch.object(protocol.ledger.swaps, "standing_swap", standing))


def branches_prove_swaps(stack: ExitStack) -> None:
    """A swap that only a branch has is brought to nobody."""
    for module in (netnode.swapping.deciding, netnode.swapping.watching):
        stack.enter_context(patch.object(module, "proof_beside", lambda *_: None))


def cover_binds(stack: ExitStack) -> None:
    """A lock or swap without cover is void like everything else that is not covered."""
    side = protocol.ledger.swaps._side

    def covered(state: Any, entry: Any, id: bytes, leg: Any, to: bytes, openers: Any) -> Any:
        found = side(state, entry, id, leg, to, openers)
        free = state.accounts.figures(leg.unit, leg.holder, entry.time).available
        if free < leg.amount:
            raise Void("not_covered", "more than is available")
        return found

    stack.enter_context(patch.object(protocol.ledger.swaps, "_side", covered))
