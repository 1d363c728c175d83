"""Searches at hubs: peers that answer queries [R-QRY-1, R-QRY-4, R-QRY-5].

What comes is believed as far as signatures go and never enters a log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from netnode.ports import LinkClosed
from netnode.store import Reader, Store
from protocol import limits, messages
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.found import Hit, hits_of
from protocol.openers import Openers

HUBS: Final = 2  # why: a second opinion; more would only tell more peers what somebody looks for
HUB_SECONDS: Final = 2.0  # why: a person waits for the answer
_log = logging.getLogger("netnode.sync")


class Hub(Protocol):
    """A session whose peer answers queries."""

    id: bytes
    outbound: bool

    @property
    def answers_queries(self) -> bool:
        """Whether the peer said so in its hello."""

    async def query(self, question: messages.Query) -> messages.Found:
        """One question. Raises NotHeld, LinkClosed or RemoteProtocolError."""

    def farewell(self, code: str, text: str) -> None:
        """Ends the session."""


@dataclass(frozen=True, slots=True)
class HubAnswer:
    """What one hub found: its hits in its order, or in `refused` why there are none."""

    hub: bytes
    hits: tuple[Hit, ...] = ()
    refused: str = ""


async def ask_hubs(
    network: str, store: Store, sessions: Sequence[Hub], question: messages.Query, now_ms: int
) -> list[HubAnswer]:
    """Asks up to two hubs at once; peers this node chose to dial come first.

    Args:
        network: the network's name.
        store: what is known here of sellers.
        sessions: the open sessions.
        question: what is looked for.
        now_ms: the clock; what has expired is left out.
    """
    hubs = sorted((each for each in sessions if each.answers_queries), key=lambda each: not each.outbound)
    return list(await asyncio.gather(*(_ask(network, store, hub, question, now_ms) for hub in hubs[:HUBS])))


async def _ask(network: str, store: Store, hub: Hub, question: messages.Query, now_ms: int) -> HubAnswer:
    try:
        async with asyncio.timeout(HUB_SECONDS):
            found = await hub.query(question)
        known, forked = await store.read(_known, found)
        hits = hits_of(network, found, known, forked)
    except TimeoutError:
        return HubAnswer(hub.id, refused="it did not answer in time")
    except NotHeld as refusal:
        return HubAnswer(hub.id, refused=refusal.text)
    except LinkClosed:
        return HubAnswer(hub.id, refused="the session ended")
    except RemoteProtocolError as fault:
        _log.info("an answer of a hub is wrong: %s", fault)
        hub.farewell(fault.code, fault.text)
        return HubAnswer(hub.id, refused="it sent what cannot be right")
    return HubAnswer(hub.id, tuple(hit for hit in hits if _asked_for(hit, question, now_ms)))


def _asked_for(hit: Hit, question: messages.Query, now_ms: int) -> bool:
    listing = hit.listing
    expired = isinstance(listing.expires, int) and listing.expires <= now_ms
    return (
        not expired
        and hit.entry.time <= now_ms + limits.CLOCK_TOLERANCE_MS
        and question.kind in (None, listing.kind)
        and question.seller in (None, hit.entry.author)
    )


def _known(reader: Reader, found: messages.Found) -> tuple[dict[bytes, Openers], set[bytes]]:
    """Of the authors of hits: the openers known here, and who is forked here."""
    openers: dict[bytes, Openers] = {}
    forked: set[bytes] = set()
    for author in {run.author for run in (*found.hits, *found.openers)}:
        state = reader.load(author)
        if state is not None:
            openers[author] = state.openers
            if state.forked:
                forked.add(author)
    return openers, forked
