"""Where the sales of a log stand: of nearly all of them a row of columns says it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from protocol.ledger.dates import Dates
from protocol.ledger.effects import Exact
from protocol.ledger.sales import NOT_JUDGED, Verdicts
from protocol.near import Near
from protocol.plans.columns import Column
from protocol.rolls import Roll

_MOST: Final = 255  # the last opportunity that a byte can say


class OrderFile(Struct, gc=False):
    """Where a sale stands in its log.

    Attributes:
        seqs: of the entries that embed its messages: first part of each.
        at: the place as of which it is evaluated.
        time: date of its first sale entry, ms UTC.
        taken: what `activity` has of it, minor units of the order's money.
        hold: ms UTC: the end of the hold.
        frozen: ms UTC: a dispute has frozen its awards since; None: none has.
        thawed: ms UTC: when that ended, or ends at the latest.
        bought: networker who bought, where the order names one, the plan's unit, and the commissionable amount of
            `taken` in it.
        sold: whose own sale it is and under which opportunity's plan, or under a plan without a team (empty); None:
            nobody's, one that they bought themselves, or one that counts nothing by R3 or R17.
        led: whether its path led anybody.
        looked: entries of the order that were looked at after the first one, void ones too.
        verdicts: on the messages that its entries embed.
        counted: what of `taken` counts, without what credit of the sale itself paid for; None: all.
        redeemed: by (holder, unit) what was redeemed for the order since its first sale entry; None: nothing.
    """

    seqs: tuple[int, ...]
    at: int
    time: int
    taken: int
    hold: int
    frozen: int | None = None
    thawed: int | None = None
    bought: tuple[bytes, str, Exact] | None = None
    sold: tuple[bytes, str] | None = None
    led: bool = False
    looked: int = 0
    verdicts: Verdicts = NOT_JUDGED
    counted: int | None = None
    redeemed: dict[tuple[bytes, str], int] | None = None

    def redeem(self, holder: bytes, unit: str, amount: int) -> None:
        """Notes credit that was redeemed for the order [R-CRED-24]."""
        if self.redeemed is None:
            self.redeemed = {}
        self.redeemed[holder, unit] = self.redeemed.get((holder, unit), 0) + amount


class Files(Mapping[bytes, OrderFile]):
    """The files of all sales by order, in the order of the log; what is got is a copy, to be changed is what `kept` is.

    A sale of one entry, on time, that went straight, of a buyer who is not named takes 16 bytes beside its order's
    number.

    Args:
        orders: their numbers.
        dates: of the log.
        everybody: that the ledger has met.
    """

    __slots__ = (
        "_dates",
        "_everybody",
        "_hold",
        "_led",
        "_number",
        "_odd",
        "_orders",
        "_owner",
        "_taken",
        "_under",
        "_unders",
    )

    def __init__(self, orders: Roll[bytes], dates: Dates, everybody: Roll[bytes]) -> None:
        self._orders = orders
        self._dates = dates
        self._everybody = everybody
        self._number = Near("h")  # of the entry
        self._taken = Column()
        self._hold = Near("i")  # its end, from the date of the entry on
        self._led = bytearray()
        self._owner = array("I")  # one more than the number among everybody; 0: nobody's
        self._under = bytearray()  # place in `_unders`
        self._unders: dict[str, int] = {}  # keys of opportunities
        self._odd: dict[int, OrderFile] = {}  # of whom the columns say nothing

    def __len__(self) -> int:
        return len(self._number)

    def __iter__(self) -> Iterator[bytes]:
        return map(self._orders.said, range(len(self._number)))

    def __getitem__(self, order: bytes) -> OrderFile:
        found = self.find(order)
        if found is None:
            raise KeyError(order)
        return found

    def find(self, order: bytes) -> OrderFile | None:
        """A copy of the file; None: there is none."""
        number = self._orders.find(order)
        if number is None or number >= len(self._number):
            return None
        odd = self._odd.get(number)
        if odd is not None:
            return replace(odd)
        seq, owner = self._dates.seq(self._number[number]), self._owner[number]
        sold = (self._everybody[owner - 1], list(self._unders)[self._under[number]]) if owner else None
        time = self._dates.time(self._number[number])
        led = bool(self._led[number])
        taken, hold = int(self._taken[number]), time + int(self._hold[number])
        return OrderFile((seq,), seq, time, taken, hold, sold=sold, led=led)

    def kept(self, order: bytes) -> OrderFile | None:
        """The file itself, to be changed: it is an object from now on; None: there is none."""
        found = self.find(order)
        number = self._orders.find(order)
        if found is None or number is None:
            return None
        return self._odd.setdefault(number, found)

    def put(self, order: bytes, file: OrderFile) -> None:
        """Files a sale, or files it anew."""
        number = self._orders.add(order)
        entry, hold = self._dates.number(file.at), file.hold - file.time
        fits = self._fits(file)
        if number == len(self._number):
            self._number.append(entry)
            self._hold.append(hold if fits else 0)
            for column in (self._taken, self._led, self._owner, self._under):
                column.append(0)
        if not fits:
            self._odd[number] = file
            return
        self._odd.pop(number, None)
        self._number[number], self._hold[number] = entry, hold
        self._taken[number] = file.taken
        self._led[number] = file.led
        if file.sold is None:
            self._owner[number] = 0
        else:
            self._owner[number] = self._everybody.add(file.sold[0]) + 1
            self._under[number] = self._unders[file.sold[1]]

    def _fits(self, file: OrderFile) -> bool:
        """Whether the columns can say all of a file."""
        said = OrderFile((file.at,), file.at, file.time, file.taken, file.hold, sold=file.sold, led=file.led)
        if file != said or max(file.taken, file.hold) >= 1 << 63:
            return False
        if file.sold is not None and self._unders.setdefault(file.sold[1], len(self._unders)) > _MOST:
            return False
        return self._dates.date(file.at) == file.time
