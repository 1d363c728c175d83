"""Asks again who led a buyer to the owner: the path of a sale that is told once may be lost with a home [R-PATH-8]."""

from __future__ import annotations

from typing import Final

from netnode.deals.known import Known
from netnode.deals.means import Means
from netnode.deals.sending import may_add, recipients
from netnode.own.caution import copied
from netnode.store import Writer
from netnode.store import letters as outbox
from protocol import limits
from protocol.certificate import DAY_MS
from protocol.deals.bodies import Renewal
from protocol.deals.message import parse
from protocol.letter_bodies import Ask

WAITS_MS: Final = (3_600_000, DAY_MS, 7 * DAY_MS, 30 * DAY_MS)
"""After the newest message of a deal, or since the home was put back: then it is asked, and not again after the last.

Why: what is on its way arrives within minutes, and a letter lives 30 days, so later only a challenge can help.
"""
_LATE_MS: Final = DAY_MS  # why: who was off at the last of them still asks


def ask_for_path(writer: Writer, means: Means, known: Known, now: int) -> int | None:
    """Queues the question where it is time, durably.

    Args:
        writer: of the store.
        means: draw up the letter.
        known: a deal in which the owner sells, whose path is not here.
        now: ms UTC.

    Returns:
        When it is to be looked at again, ms UTC; None: it has been asked often enough.

    Raises:
        Problem: a full outbox.
    """
    with writer.transaction(durable=True) as connection:
        since = max(copied(writer).at, *(each.at for each in known.kept.values()))
        if since + WAITS_MS[0] <= now <= since + WAITS_MS[-1] + _LATE_MS:
            for who in _asked(known, means.own.id):
                if may_add(connection, who):
                    nonce = means.entropy.token(limits.LETTER_ID_BYTES)
                    outbox.queue(writer, means.letters.draft(who, Ask(deal=_ordered(known), nonce=nonce)))
        return next((since + wait for wait in WAITS_MS if since + wait > now), None)


def _ordered(known: Known) -> bytes:
    """The deal whose path it is: of a renewal that with the mandate."""
    start = known.state.start
    return parse(start.body.first).id if isinstance(start.body, Renewal) else start.id


def _asked(known: Known, own: bytes) -> list[bytes]:
    """Who may know the path: the buyer, or the node by which one without a node came."""
    found = [each.id if each.reply is None else each.reply.host for each in recipients(known, own)[:1]]
    return [each for each in found if each not in (own, known.row.arbiter)]
