"""What letters of a deal carry, and to whom they go [R-DEAL-31]."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import apsw
from msgspec import UNSET

from netnode.deals.known import Known, heads, load
from netnode.deals.means import Means
from netnode.deals.signers import Signers
from netnode.mail.letters import Letters
from netnode.store import Reader, Writer, deals
from netnode.store import letters as outbox
from protocol import encoding, limits
from protocol.deals.bodies import Renewal
from protocol.deals.enclosures import ReplyTo
from protocol.deals.message import Message, parse
from protocol.letter_bodies import Answers, DealLetter

_ROOM: Final = limits.MAX_LETTER_CONTENT - 1024  # why: what stands around the parts of a letter
_OPENERS: Final = (
    8 * 1024
)  # why: the sender's openers stand in the letter anyway; a long history does not fit twice
OWED: Final = 200  # letters to one partner; why: who asks again and takes none would fill the outbox
BUSY: Final = "too many letters to you wait; ask again when they have arrived"
_FRAME: Final = 5  # bytes before each part


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a letter goes to: a networker, or the key of a buyer without a node with the place where it looks."""

    id: bytes
    reply: ReplyTo | None = None


def recipients(known: Known, own: bytes) -> list[Recipient]:
    """Who hears of what the owner does in a deal: the other side; both from an arbiter; an arbiter in a dispute."""
    row = known.row
    parties: list[Recipient] = []
    if row.role != "seller":
        parties.append(Recipient(row.seller))
    if row.role != "buyer":
        goods = known.goods
        reply = None if goods is None or goods.reply is UNSET else goods.reply
        # An arbiter who has heard of the deal from its seller alone may know no more of a buyer than the key.
        if reply is not None or row.buyer != known.order.key:
            parties.append(Recipient(row.buyer, reply))
    if row.role != "arbiter" and row.arbiter is not None and known.state.disputes:
        parties.append(Recipient(row.arbiter))
    return [each for each in parties if each.id != own]


def owed_to(known: Known, recipient: Recipient) -> list[Message]:
    """The messages of a letter: own ones that the other side has not named; everything for an arbiter or a doubt."""
    if known.role == "arbiter" or recipient.id == known.row.arbiter or known.state.doubled:
        return known.ordered()
    return [
        each for each in known.ordered() if known.kept[each.id].own and each.id not in known.state.settled
    ]


def may_add(connection: apsw.Connection, recipient: bytes) -> bool:
    """Whether letters that nobody here wrote may go to somebody, who has taken those before."""
    return outbox.waits_for(Reader(connection), recipient) < OWED


def letters_of(
    known: Known, messages: Sequence[Message], openers: Sequence[Sequence[Any]], nonce: bytes | None = None
) -> list[DealLetter]:
    """Letters that carry messages with their enclosures, each after those it names, as few as hold them.

    Args:
        known: the deal.
        messages: in order.
        openers: of signers that the recipient may not know: lists of entries as they travel.
        nonce: of the question that they answer, together.
    """
    found: list[DealLetter] = []
    room, carried, enclosed = 0, list[bytes](), dict[bytes, bytes]()

    def close() -> None:
        found.append(
            DealLetter(
                messages=tuple(carried),
                enclosures=tuple(enclosed.values()),
                openers=tuple(tuple(each) for each in openers),
            )
        )

    for message in messages:
        name = getattr(message.body, "enclosed", UNSET)
        part = known.enclosures.get(name) if isinstance(name, bytes) else None
        size = len(message.data) + (0 if part is None else len(part)) + 2 * _FRAME
        if carried and (size > room or max(len(carried), len(enclosed)) + 1 > limits.MAX_LETTER_PARTS):
            close()
            carried, enclosed = [], {}
        if not carried:
            room = _ROOM - len(encoding.encode(list(openers)))
        room -= size
        carried.append(message.data)
        if part is not None and isinstance(name, bytes):
            enclosed[name] = part
    if carried:
        close()
    if nonce is not None and found:
        answers = Answers(heads=heads(known.messages.values())[: limits.MAX_LETTER_PARTS], nonce=nonce)
        found[-1] = DealLetter(
            answers=answers,
            enclosures=found[-1].enclosures,
            messages=found[-1].messages,
            openers=found[-1].openers,
        )
    return found


def signers_of(signers: Signers, known: Known, own: bytes) -> list[list[Any]]:
    """The openers that go along: of all networkers who sign in the deal, as far as they are known and short.

    Args:
        signers: what is known of openers.
        known: the deal.
        own: the own networker, whose letter is signed by the newest key alone.
    """
    found = [signers.entries(each, known.row.number) for each in dict.fromkeys((own, *signing(known)))]
    return [entries for entries in found if entries and len(encoding.encode(entries)) <= _OPENERS]


def signing(known: Known) -> Iterable[bytes]:
    """The networkers whose signatures count in a deal."""
    order = known.order
    yield order.seller
    if order.terms.arbiter is not UNSET:
        yield order.terms.arbiter
    if order.named is not UNSET:
        yield order.named.id


def queue_renewed(writer: Writer, means: Means, known: Known, recipient: Recipient, now: int) -> None:
    """Puts all of the deal that a renewal renews into the outbox, for somebody who may not have it.

    Without that deal they take no word of the renewal, and so could not even ask for it [R-DEAL-31].
    """
    start = known.state.start.body
    connection = writer.connection
    row = deals.by_id(connection, parse(start.first).id) if isinstance(start, Renewal) else None
    if row is not None:
        first = load(connection, row, now)
        openers = signers_of(Signers(means.network, connection), first, means.own.id)
        queue(writer, means.letters, first, recipient, first.ordered(), openers)


def queue(
    writer: Writer,
    letters: Letters,
    known: Known,
    recipient: Recipient,
    messages: Sequence[Message],
    openers: Sequence[Sequence[Any]],
    nonce: bytes | None = None,
) -> int | None:
    """Puts letters with messages of a deal into the outbox, inside the open transaction.

    Returns:
        The row of the last letter; None when there is nothing to send.
    """
    number: int | None = None
    for body in letters_of(known, messages, openers, nonce):
        number = outbox.queue(writer, letters.draft(recipient.id, body, reply=recipient.reply))
    return number
