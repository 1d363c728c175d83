"""What a log has of a sale: its entries, read again, and what its messages prove with those of another entry.

Of a sale the ledger keeps where its entries are and what they came to [`filing`]; their bytes stay in the log.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, Struct
from msgspec.structs import replace

from protocol import limits
from protocol.deals.bodies import Order
from protocol.deals.message import Message, first_order
from protocol.entry import Entry
from protocol.errors import LocalProtocolError, Void
from protocol.ledger.contents import SaleContent, read_sale
from protocol.ledger.effects import Sold, sale_id
from protocol.ledger.filing import OrderFile
from protocol.ledger.reckoning import Reckoned, enlarged, reckon
from protocol.ledger.sales import NOT_JUDGED, Money, Proven, check_messages, look, prove, read_messages
from protocol.ledger.state import State
from protocol.plans.facts import SaleFacts
from protocol.records import Freeze, RefundEntry, SalePart, decode_record


class Filed(Struct, frozen=True, gc=False):
    """A sale that is in the log: its place, its value, its messages, its first content and the seq that ends that."""

    file: OrderFile
    sold: Sold
    messages: tuple[Message, ...]
    first: SaleContent
    logged: int

    @property
    def counted(self) -> int:
        """The base that it was evaluated on, minor units of the order's money."""
        return self.file.taken if self.file.counted is None else self.file.counted

    def itself(self, order: Order) -> int:
        """What credit of this very sale has paid for: redeemed for its order by whom it awarded that [R17]."""
        redeemed = self.file.redeemed or {}
        unit = order.currency if order.currency is not UNSET else order.unit
        awarded: dict[bytes, int] = {}
        for each in self.sold.awards if redeemed else ():
            if each.unit == unit:
                awarded[each.to] = awarded.get(each.to, 0) + max(step.amount for step in each.steps)
        return sum(
            min(amount, awarded.get(holder, 0)) for (holder, name), amount in redeemed.items() if name == unit
        )

    @property
    def late(self) -> bool:
        """Whether it was logged too late: its place is before its entry."""
        return self.file.at != self.logged

    @property
    def money(self) -> Money:
        """What is proved so far."""
        return Money(self.sold.earned, self.sold.paid, self.sold.refunded, self.sold.keeps)


def filed_of(state: State, order: bytes, *, kept: bool = False) -> Filed | None:
    """A sale by its order; None where no sale of it is logged.

    Args:
        state: of the book.
        order: id of the order.
        kept: whether its file is to be changed.
    """
    file = state.orders.kept(order) if kept else state.orders.find(order)
    if file is None:
        return None
    sold = state.effects[sale_id(order)]
    assert isinstance(sold, Sold)  # by its id
    messages: list[Message] = []
    contents: list[tuple[SaleContent, int]] = []
    for seq in file.seqs:
        content, more, last = embedded_at(state, seq)
        messages += more
        contents += [] if content is None else [(content, last.seq)]
    return Filed(file, sold, tuple(messages), *contents[0])


def embedded_at(state: State, seq: int) -> tuple[SaleContent | None, tuple[Message, ...], Entry]:
    """Of an entry of a sale: its content, if it is a sale entry; its messages; the entry, or its last part."""
    entry = state.read(seq)
    record = None if entry.record is None else decode_record(entry.kind, entry.record)
    if isinstance(record, SalePart):
        content = read_sale(_whole(state, seq, record))
        last = state.read(seq + record.count - 1)
        return content, read_messages(content.messages), last
    if isinstance(record, RefundEntry | Freeze):
        return None, read_messages(record.messages), entry
    raise LocalProtocolError(f"entry {seq} of this log cannot be read again")


def _whole(state: State, seq: int, part: SalePart) -> bytes:
    pieces = [part.content]
    for number in range(1, part.count):
        entry = state.read(seq + number)
        record = None if entry.record is None else decode_record(entry.kind, entry.record)
        assert isinstance(record, SalePart)  # the group was whole when it was folded
        pieces.append(record.content)
    return b"".join(pieces)


def with_more(state: State, order: bytes, messages: Sequence[bytes], time: int) -> tuple[Filed, Proven]:
    """A sale, to be changed, with what the messages prove that an entry adds to it.

    Raises:
        Void: `no_sale`, those of `prove_with`.
    """
    filed = filed_of(state, order, kept=True)
    if filed is None:
        raise Void("no_sale", "order: no sale of it is logged")
    return filed, prove_with(state, time, filed, read_messages(messages))


def embedded(state: State, order: bytes) -> frozenset[bytes]:
    """Ids of the messages of a deal that entries of its sale embed."""
    filed = filed_of(state, order)
    return frozenset() if filed is None else frozenset(each.id for each in filed.messages)


def look_at(state: State, order: bytes) -> None:
    """Counts an entry of an order that is in the log, whatever it comes to.

    Raises:
        Void: `sale_full`.
    """
    require_room(state, order)
    file = state.orders.kept(order)
    if file is not None:
        file.looked += 1


def require_room(state: State, order: bytes) -> None:
    """Refuses one more entry of an order of which so many were looked at [R-CRED-91].

    Raises:
        Void: `sale_full`.
    """
    if room(state, order) == 0:
        raise Void("sale_full", f"order: {limits.MAX_SALE_ENTRIES} entries after its first have named it")


def room(state: State, order: bytes) -> int:
    """How many more entries of an order are looked at, once a sale of it is logged."""
    file = state.orders.find(order)
    return limits.MAX_SALE_ENTRIES - (0 if file is None else file.looked)


def prove_with(
    state: State, time: int, filed: Filed | None, new: tuple[Message, ...], *, proved: bool = False
) -> Proven:
    """What messages prove with those that the log has of the sale; each of those was judged before [R-CRED-90].

    Args:
        state: the ledger.
        time: date of the entry that embeds them, ms UTC.
        filed: the sale; None: it is the first entry of it.
        new: the messages.
        proved: whether the buyer's signatures on them were verified.

    Raises:
        Void: `sale_full`, and those of `check_messages` and `prove`.
    """
    before, known = ((), NOT_JUDGED) if filed is None else (filed.messages, filed.file.verdicts)
    if len(before) + len(new) > limits.MAX_SALE_MESSAGES:
        raise Void("sale_full", f"messages: with those embedded before, above {limits.MAX_SALE_MESSAGES}")
    order = check_messages(
        state.network, state.issuer, before, new, time, state.signers, state.verify, proved=proved
    )
    looked = look((*before, *new), time, known)
    if filed is not None:  # also where the entry comes to nothing: what came before is never judged again
        filed.file.verdicts = looked.verdicts(len(before))
    return prove(order, looked)


def as_first(state: State, filed: Filed) -> tuple[Reckoned, SaleFacts[bytes]]:
    """What the first sale entry was evaluated on, and the facts of the sale as its plan's activity has it now."""
    file = filed.file
    proven = proven_first(filed)
    reckoned = reckon(
        state, filed.first, proven, at=file.at, time=file.time, base=proven.money.base, led=file.led
    )
    if filed.late:
        reckoned = replace(reckoned, facts=replace(reckoned.facts, logged=filed.logged))
    return reckoned, enlarged(reckoned, proven, filed.counted)


def proven_first(filed: Filed) -> Proven:
    """What the first sale entry proved."""
    messages = filed.messages[: len(filed.first.messages)]
    return prove(first_order(messages[0]), look(messages, filed.file.time, filed.file.verdicts))
