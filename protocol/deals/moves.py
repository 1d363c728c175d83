"""What a side may do next: the types allowed, the frame of its next message, and whose turn it is until when."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.deals.bodies import DealBody, Role
from protocol.deals.state import DealState


@dataclass(frozen=True, slots=True)
class Draft:
    """The frame of a message about to be signed: what `message.sign` takes besides signer, role and epoch."""

    body: DealBody
    deal: bytes
    number: int
    previous: bytes | None
    seen: tuple[bytes, ...]
    time: int


@dataclass(frozen=True, slots=True)
class Next:
    """A step the deal waits for: the type of message, who sends it, and until when (ms UTC; None: no date)."""

    action: str
    by: Role
    until: int | None


def draft(state: DealState, role: Role, body: DealBody, now: int) -> Draft:
    """The frame of a role's next message, after proving that it would have effect [R-DEAL-11].

    Args:
        state: of the messages this side holds, as of `now`.
        role: of the sender.
        body: what it will say.
        now: this side's clock, ms UTC: the date of the message.

    Raises:
        Void: it would have no effect; the code and a sentence say why.
        LocalProtocolError: the role's own message waits (the clock is behind it, or what it names is missing): a next
            one would use its number twice.
    """
    raise NotImplementedError


def moves(state: DealState, role: Role, now: int) -> tuple[str, ...]:
    """The types of message that would have effect when a role sent them now, in the order of the table."""
    raise NotImplementedError


def steps(state: DealState, now: int) -> tuple[Next, ...]:
    """Every step the deal waits for, the first one first; empty when final or broken [R-DEAL-24]."""
    raise NotImplementedError


def next_step(state: DealState, now: int) -> Next | None:
    """The first of `steps`."""
    return next(iter(steps(state, now)), None)
