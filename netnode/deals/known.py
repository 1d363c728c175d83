"""One deal as this node holds it: its row, its messages, and the state they come to at some moment."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import apsw
import msgspec
from msgspec import UNSET

from netnode.store import deals
from netnode.store.deals import DUE_TO_ME, MINE, NEVER, OVER, THEIRS, DealRow, MessageRow, Noted
from netnode.store.stock import Wanted
from protocol import encoding, limits
from protocol.deals.bodies import Order, Role
from protocol.deals.enclosures import Goods, Note
from protocol.deals.message import Message, first_order, parse
from protocol.deals.moves import Next, steps
from protocol.deals.state import DealState, PartStatus, Phase, judge
from protocol.deals.transcript import in_order
from protocol.errors import RemoteProtocolError

Enclosure = TypeVar("Enclosure", Goods, Note)
_ENDS_DISPUTE: Final = ("ruling", "lapse_dispute")
_SO_ANYHOW: Final = ("payment_received", "receive", "refund", "refund_received")
_OVER: Final = (Phase.FINAL, Phase.BROKEN)


@dataclass(frozen=True, slots=True)
class Known:
    """A deal of one moment.

    Attributes:
        row: as the store lists it.
        messages: every message kept, by id.
        kept: how each is kept, by id.
        enclosures: canonical bytes by hash.
        state: what the messages come to.
        now: the moment, ms UTC; not before the date of the first message.
    """

    row: DealRow
    messages: Mapping[bytes, Message]
    kept: Mapping[bytes, MessageRow]
    enclosures: Mapping[bytes, bytes]
    state: DealState
    now: int

    @property
    def order(self) -> Order:
        """The order whose terms hold; of a renewal the one with the mandate."""
        return first_order(self.state.start)

    @property
    def role(self) -> Role:
        """The owner's."""
        return self.row.role

    @property
    def goods(self) -> Goods | None:
        """What was ordered; None where its enclosure is not here."""
        return self.enclosure(self.order.enclosed, Goods)

    def note_of(self, message: Message) -> Note | None:
        """What is enclosed with any message but an order; None without one that is here and has a right form."""
        name = getattr(message.body, "enclosed", UNSET)
        return None if name is UNSET or isinstance(message.body, Order) else self.enclosure(name, Note)

    def enclosure(self, name: bytes, form: type[Enclosure]) -> Enclosure | None:
        """One enclosure by its hash."""
        data = self.enclosures.get(name)
        return None if data is None else read_enclosure(data, form)

    @property
    def steps(self) -> tuple[Next, ...]:
        """What the deal waits for, the owner's steps first; nobody has to deliver before it is paid.

        In a dispute what ends it comes before both, whoever's it is: all else hangs on that.
        """
        found = steps(self.state, self.now)
        unpaid = any(each.action == "payment_sent" for each in found)
        own = [each for each in found if each.by == self.role and not (unpaid and each.action == "fulfil")]
        return tuple(sorted(found, key=lambda each: (each.action not in _ENDS_DISPUTE, each not in own)))

    @property
    def beside(self) -> Next | None:
        """What the owner can say in a dispute that somebody else ends: what arrived or went back, however that goes."""
        found = self.steps
        if not found or found[0].action not in _ENDS_DISPUTE or found[0].by == self.role:
            return None
        return next((each for each in found if each.by == self.role and each.action in _SO_ANYHOW), None)

    def ordered(self) -> list[Message]:
        """All messages, each after those that it names."""
        return in_order(self.messages.values())


def load(connection: apsw.Connection, row: DealRow, now: int) -> Known:
    """Reads a deal and judges it.

    Args:
        connection: of a reader, or the writer's with what its open transaction has stored.
        row: of the deal.
        now: the clock, ms UTC.
    """
    kept = {each.id: each for each in deals.messages(connection, row.number)}
    messages = {name: parse(each.data) for name, each in kept.items()}
    # Its buyer's clock may be a little ahead: what comes next is dated like the order then.
    now = max(now, row.opened)
    state = judge(messages.values(), now)
    return Known(row, messages, kept, deals.enclosures(connection, row.number), state, now)


def noted(known: Known) -> Noted:
    """What lists and chores are told of a deal."""
    state, found = known.state, known.steps
    step = known.beside or (found[0] if found else None)
    if state.phase in _OVER or (step is None and not state.waits):
        rank = OVER
    elif step is not None and step.by == known.role:
        rank = MINE
    elif state.phase is Phase.CLOSED:
        rank = DUE_TO_ME
    else:
        rank = THEIRS
    until = NEVER - known.row.changed if rank == OVER else NEVER
    if rank != OVER and step is not None and step.until is not None:
        until = step.until
    coming = [each.until + 1 for each in found if each.until is not None and each.until >= known.now]
    coming += [known.messages[name].time for name in state.waits if known.messages[name].time > known.now]
    return Noted(state.phase.value, state.contract, rank, until, min(coming, default=None))


def wanted(known: Known) -> Wanted:
    """The pieces that a deal holds or has used up, by key and variant: those of parts that did not end undelivered.

    What was sent out has left the shelf, also where a ruling gives the money back. What the owner promised is promised
    also where a clock that was ahead has dated it after now.
    """
    pieces: Counter[tuple[str, tuple[str, ...]]] = Counter()
    goods, state = known.goods, known.state
    said = max((known.messages[name].time for name, each in known.kept.items() if each.own), default=0)
    if said > known.now:
        state = judge(known.messages.values(), said)
    if known.row.role != "seller" or not state.contract or goods is None:
        return pieces
    sent = state.outcome.view.tally.fulfilled
    ended = {
        part.number for part in state.parts if part.status is PartStatus.ENDED and not sent >> part.number & 1
    }
    for line in goods.lines:
        if line.key is not UNSET and line.part not in ended:
            pieces[line.key, line.options] += line.quantity
    return pieces


def heads(messages: Iterable[Message]) -> tuple[bytes, ...]:
    """Ids of the messages that no other one names, ascending."""
    known = {each.id: each for each in messages}
    named = {name for each in known.values() for name in each.names}
    named |= {each.deal for each in known.values() if not each.starts}
    return tuple(sorted(name for name in known if name not in named))


def complete(messages: Mapping[bytes, Message], tips: Iterable[bytes]) -> bool:
    """Whether these messages are here, and all that they name, directly or through others."""
    return named_by(messages, tips) <= messages.keys()


def named_by(messages: Mapping[bytes, Message], tips: Iterable[bytes]) -> set[bytes]:
    """These messages and all that they name, directly or through others that are here, with the start of their deal."""
    left, met = list(tips), set[bytes]()
    while left:
        name = left.pop()
        if name in met:
            continue
        met.add(name)
        if name in messages:
            left += (messages[name].deal, *messages[name].names)
    return met


def enclose(value: Goods | Note) -> tuple[bytes, bytes]:
    """The canonical bytes of an enclosure, and their hash."""
    data = encoding.encode_struct(value)
    return data, hashlib.sha256(data).digest()


def read_enclosure(data: bytes, form: type[Enclosure]) -> Enclosure | None:
    """An enclosure from its bytes; None when they have another form, which is its sender's fault alone."""
    try:
        return encoding.typed(encoding.decode(data, limits.MAX_ENCLOSURE), form)
    except (RemoteProtocolError, msgspec.ValidationError):
        return None
