"""Transcripts: a whole deal in one file, which proves itself without a network or a store [R-DEAL-26..29]."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from protocol.deals.message import Message
from protocol.deals.state import DealState
from protocol.entry import Entry


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a file proves nothing: the message (its place in the file from 0, None when it is none), field, reason."""

    message: int | None
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """A verified file: its messages in the order of the file, their enclosures by hash, and the state they have."""

    network: str
    messages: tuple[Message, ...]
    enclosures: dict[bytes, bytes]
    state: DealState


def encode(
    network: str,
    messages: Iterable[Message],
    openers: Iterable[Sequence[Entry]],
    enclosures: Iterable[bytes] = (),
) -> bytes:
    """The one file of a deal [R-DEAL-26].

    Args:
        network: name of the network.
        messages: of one deal, each authentic.
        openers: of each networker whose signature counts (seller, arbiter, named buyer): inception and rotations.
        enclosures: canonical bytes of the private documents to include.

    Raises:
        LocalProtocolError: the file would not verify; the sentence names message, field and reason.
    """
    raise NotImplementedError


def verify(data: bytes) -> Transcript | Fault:
    """Reads and proves a file: forms, signatures, keys, enclosures [R-DEAL-27]. Nothing else is consulted."""
    raise NotImplementedError
