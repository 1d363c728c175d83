"""The effects of one log by id: of most of them columns say the value."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping
from heapq import merge
from typing import Final

from protocol.ledger.effects import Earned, Moved, Sold, Swapped, Value, is_sale, order_of, sale_id
from protocol.ledger.period_awards import PeriodAwards
from protocol.near import Near
from protocol.plans.columns import Column
from protocol.rolls import Roll

_NONE: Final = -1
_ODD: Final = -2
_Which = bytes | tuple[int, int]
"""The id of a movement or swap; else (0, number of the order) of a sale, (1, place) of an award of a period."""


class _Items(ItemsView[bytes, Value]):
    """Ids and values, gone through without looking for any."""

    _mapping: Effects

    def __iter__(self) -> Iterator[tuple[bytes, Value]]:
        return self._mapping.each()


class Effects(Mapping[bytes, Value]):
    """Every effect of a log, in the order of coming.

    A sale without awards of its own of which all was received, paid and kept takes six bytes beside its order's
    number; an award of a period what `PeriodAwards` says.

    Args:
        orders: numbers of the orders that were sold.
        awards: of closed periods.
    """

    __slots__ = ("_awards", "_made", "_orders", "_others", "_sales", "_sold")

    def __init__(self, orders: Roll[bytes], awards: PeriodAwards) -> None:
        self._orders = orders
        self._awards = awards
        self._sold = Column()  # by order: earned, which is paid as well; or one of the above
        self._made = Near("h")  # by order: number of the entry
        self._sales: dict[int, Sold] = {}  # the odd ones, by number of the order
        self._others: dict[bytes, tuple[int, Moved | Swapped]] = {}  # with the number of the entry

    def __len__(self) -> int:
        absent = self._sold.values.count(_NONE)
        return len(self._sold) - absent + len(self._awards) + len(self._others)

    def __getitem__(self, id: bytes) -> Value:
        found = self.find(id)
        if found is None:
            raise KeyError(id)
        return found

    def find(self, id: bytes) -> Value | None:
        """The value of an effect; None: there is none."""
        if is_sale(id):
            number = self._order(id)
            return None if number is None else self._sale(number)
        if (found := self._others.get(id)) is not None:
            return found[1]
        place = self._awards.place(id)
        return None if place is None else self._awards.value(place)

    def __contains__(self, id: object) -> bool:
        return isinstance(id, bytes) and self.made(id) is not None

    def __iter__(self) -> Iterator[bytes]:
        return (self._id(which) for _, which in self._order_of_coming())

    def items(self) -> ItemsView[bytes, Value]:
        """Ids and values, in the order of coming."""
        return _Items(self)

    def each(self) -> Iterator[tuple[bytes, Value]]:
        """The same, once."""
        return ((self._id(which), self._value(which)) for _, which in self._order_of_coming())

    def made(self, id: bytes) -> int | None:
        """The number, among the critical ones, of the entry that made an effect; None: there is none."""
        if is_sale(id):
            number = self._order(id)
            return None if number is None else self._made[number]
        if (found := self._others.get(id)) is not None:
            return found[0]
        place = self._awards.place(id)
        return None if place is None else self._awards.made(place)

    def put(self, id: bytes, value: Value, made: int) -> None:
        """Gives an effect its value; `made` is the number of the entry, which counts for a new effect."""
        if isinstance(value, Sold):
            self._sell(self._orders.add(order_of(id)), value, made)
        elif isinstance(value, Earned):
            self._awards.put(id, value, made)
        else:
            known = self._others.get(id)
            self._others[id] = (made if known is None else known[0], value)

    def _order_of_coming(self) -> Iterator[tuple[int, _Which]]:
        """With the number of the entry that made it."""
        sales = ((made, (0, number)) for number, made in enumerate(self._made) if self._sold[number] != _NONE)
        awards = ((self._awards.made(place), (1, place)) for place in range(len(self._awards)))
        others = ((made, id) for id, (made, _) in self._others.items())
        return merge(sales, awards, others, key=lambda each: each[0])

    def _id(self, which: _Which) -> bytes:
        if isinstance(which, bytes):
            return which
        table, place = which
        return self._awards.id(place) if table else sale_id(self._orders.said(place))

    def _value(self, which: _Which) -> Value:
        if isinstance(which, bytes):
            return self._others[which][1]
        table, place = which
        return self._awards.value(place) if table else self._sale(place)

    def _order(self, id: bytes) -> int | None:
        number = self._orders.find(order_of(id))
        absent = number is None or number >= len(self._sold) or self._sold[number] == _NONE
        return None if absent else number

    def _sale(self, number: int) -> Sold:
        earned = int(self._sold[number])
        return self._sales[number] if earned == _ODD else Sold(earned, earned, 0, None, ())

    def _sell(self, number: int, value: Sold, made: int) -> None:
        while number >= len(self._sold):
            self._sold.append(_NONE)
            self._made.append(made)
        if self._sold[number] == _NONE:
            self._made[number] = made
        self._sales.pop(number, None)
        whole = value.earned == value.paid and not value.refunded and value.keeps is None
        if whole and not value.awards and value.earned < 1 << 63:
            self._sold[number] = value.earned
        else:
            self._sold[number] = _ODD
            self._sales[number] = value
