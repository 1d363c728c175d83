"""Orders that came: whether they are what the seller offers, their accept, and accepting by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import apsw
from msgspec import UNSET

from netnode.deals import terms
from netnode.deals.desk import Desk, Move, unless_refused
from netnode.deals.known import Known, load
from netnode.deals.offering import enclosed_goods
from netnode.ports import Clock
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.settings import Settings
from netnode.store import Reader, Store, consents, deals, offers, stock
from protocol.deals.bodies import Accept, Decline, Order
from protocol.deals.enclosures import Goods, Note
from protocol.deals.offers import Offer, parse_offer
from protocol.deals.pricing import check_order, check_sums
from protocol.entry import Entry
from protocol.errors import RemoteProtocolError, Void
from protocol.identity import id_text
from protocol.records import Listing, decode_record

OLDER: Final = 5_000  # own entries looked through for the version of a listing that an order names
_SOLD_OUT: Final = Move(Decline(reason="sold_out"))
_CHUNK: Final = 500
_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Version:
    """A version of an own listing: the one an order names; `newest`: it is what is offered now."""

    record: Listing
    newest: bool


def differences(connection: apsw.Connection, known: Known, settings: Settings) -> list[str]:
    """How an order is not what its seller offers, in sentences; none when all is as offered.

    Args:
        connection: of the store.
        known: the deal, in which the owner is the seller.
        settings: what terms the owner asks for.
    """
    order, goods = known.order, known.goods
    if goods is None:
        return ["what is ordered did not come along"]
    signed = offer_of(order)
    if signed is not None and signed.quote is not UNSET:
        return _on_quote(connection, known, order, goods, signed)
    found = _used_up(connection, known, signed)
    if signed is not None and signed.expires < known.state.start.time:
        found.append("the offer had expired when it was ordered")
    try:
        version = _version(connection, order, goods, known.now)
        if version is None:
            found.append("it names a listing, or a version of one, that is not yours or not kept any more")
            return found
        if not version.newest:
            found.append("the listing was changed or withdrawn since it was ordered")
        discount = None if signed is None or signed.discount is UNSET else signed.discount
        check_order(version.record, known.state.start.time, order, goods, discount)
        found += _agreed(version.record, order) + _arbitrated(connection, order)
    except Void as void:
        found.append(void.text)
    return found


def accept(
    settings: Settings, *, anyway: bool, text: str | None = None, besides: Sequence[str] = ()
) -> Callable[[Known, apsw.Connection], Move]:
    """Makes the accept of an order.

    Args:
        settings: of the node: terms and ways to pay.
        anyway: also of one that is not what is offered.
        text: a word to the buyer.
        besides: further differences, those that `Accepting.apart` tells.
    """

    def make(known: Known, connection: apsw.Connection) -> Move:
        if not (anyway or known.state.contract or known.role != "seller"):
            found = [*differences(connection, known, settings), *besides]
            if found:
                shown = known.row.id.hex()[:10]
                raise Problem(
                    f"This order is not what you offer: {'; '.join(found)}. To accept it all the same: "
                    f"netnode deal accept {shown} --anyway; else: netnode deal decline {shown}",
                    ExitCode.REFUSED,
                    "differs",
                    {"deal": known.row.id.hex(), "differs": found},
                )
        order = known.order
        methods = terms.methods_of(settings)
        note = Note(salt=b"", methods=methods, text=UNSET if text is None else text)
        return Move(
            Accept(key=order.key, listing=order.listing, path=order.path),
            note if methods or text is not None else None,
        )

    return make


class Accepting:
    """Accepts orders by itself, where the owner said so and all is as offered [R-DEAL-30].

    Args:
        desk: accepts and declines.
        store: tells what was ordered.
        clock: the date.
        settings: of the node.
    """

    def __init__(self, desk: Desk, store: Store, clock: Clock, settings: Settings) -> None:
        self._desk = desk
        self._store = store
        self._clock = clock
        self._settings = settings
        self.apart: Callable[[Known], Awaitable[list[str]]] = _nothing
        """How an order is not what is offered, as far as that is in the own ledger."""

    async def look(self, deal: bytes) -> None:
        """Accepts an order that has come, or declines it when it is sold out; else leaves it to the owner.

        Raises:
            Problem: the disk.
        """
        known = await self._store.read(self._suiting, deal, self._settings)
        if known is None or await self.apart(known):
            return
        try:
            await self._desk.move(deal, accept(self._settings, anyway=False))
        except Problem as problem:
            if problem.exit_code is not ExitCode.REFUSED:
                raise
            if problem.code == "sold_out":
                await unless_refused(self._desk.move(deal, lambda known, connection: _SOLD_OUT))

    async def look_at_all(self) -> None:
        """Looks at every order that waits, for those that came just before the node ended.

        Raises:
            Problem: the disk.
        """
        for deal in await self._store.read(lambda reader: deals.waiting_orders(reader.connection)):
            await self.look(deal)

    def _suiting(self, reader: Reader, deal: bytes, settings: Settings) -> Known | None:
        """An order that may be accepted by itself."""
        connection = reader.connection
        row = deals.by_id(connection, deal)
        if row is None or row.role != "seller" or row.contract:
            return None
        known = load(connection, row, self._clock.now_ms())
        goods = known.goods
        if known.state.contract or goods is None or not any(each.action == "accept" for each in known.steps):
            return None
        keys = {line.key for line in goods.lines if line.key is not UNSET}
        said = [stock.auto_accept(connection, key) for key in sorted(keys)]
        automatic = settings.auto_accept == "on"
        suits = (
            bool(said)
            and all(automatic if each is None else each for each in said)
            and not differences(connection, known, settings)
            and not terms.differences(known.order.terms, settings)
        )
        return known if suits else None


async def _nothing(known: Known) -> list[str]:
    """What is apart while nobody keeps a ledger."""
    return []


def _on_quote(
    connection: apsw.Connection, known: Known, order: Order, goods: Goods, offer: Offer
) -> list[str]:
    found = _used_up(connection, known, offer)
    if offer.expires < known.state.start.time:
        found.append("the offer had expired when it was ordered")
    quoted = enclosed_goods(connection, order)
    if quoted is None:
        try:
            check_sums(order, goods)
        except Void as void:
            found.append(void.text)
    elif any(getattr(goods, name) != getattr(quoted, name) for name in ("lines", "discounts", "taxes")):
        found.append("its goods are not those of your offer")
    return found


def _used_up(connection: apsw.Connection, known: Known, offer: Offer | None) -> list[str]:
    if offer is None or known.row.offer is None:
        return []
    found: list[str] = []
    if offer.count is not UNSET and deals.sold_by(connection, known.row.offer) >= offer.count:
        found.append(f"the offer was for {offer.count}, and all of them are taken")
    kept = offers.by_id(connection, known.row.offer)
    if kept is not None and kept.ended is not None:
        found.append("you took the offer back")
    if kept is not None and known.order.path is UNSET and kept.code == _gift(connection, known.order.seller):
        found.append("it takes your gift for who was brought by a recommendation, and names none")
    return found


def _gift(connection: apsw.Connection, seller: bytes) -> str | None:
    """Code of the gift in the seller's profile [R-REF-8]."""
    row = views.profile(connection, seller)
    said = UNSET if row is None else row.record.attribution
    return None if said is UNSET or said.gift is UNSET else said.gift


def _agreed(listing: Listing, order: Order) -> list[str]:
    """Fields of an order beside its price that have to be those of the listing."""
    if listing.commission != order.commission:
        return ["its commission is not that of the listing"]
    return []


def _arbitrated(connection: apsw.Connection, order: Order) -> list[str]:
    """Whoever sells agrees to an arbiter by having taken a consent of theirs; else by `--anyway`."""
    arbiter = order.terms.arbiter
    if arbiter is UNSET or any(row.text is not None for row in consents.of(connection, arbiter)):
        return []
    return [f"it names an arbiter of whom you have no consent, {id_text(arbiter)}"]


def offer_of(order: Order) -> Offer | None:
    """The offer that an order is on; None: it is on none, or on one that cannot be read."""
    if order.offer is UNSET:
        return None
    try:
        return parse_offer(order.offer).offer
    except RemoteProtocolError:
        return None


def _version(connection: apsw.Connection, order: Order, goods: Goods, now: int) -> Version | None:
    """The version of an own listing that an order names."""
    key = goods.lines[0].key
    if key is UNSET or order.listing is UNSET:
        return None
    row = views.listing(connection, order.seller, key)
    if row is not None and row.entry == order.listing:
        return Version(row.record, row.in_force(now))
    older = entry_of_listing(Reader(connection), order.seller, order.listing, None)
    if older is None or older.record is None:
        return None
    record = decode_record(older.kind, older.record)
    return Version(record, False) if isinstance(record, Listing) and record.key == key else None


def entry_of_listing(reader: Reader, seller: bytes, entry: bytes, key: str | None) -> Entry | None:
    """The entry of a version of a listing, with its record; None where it is not held any more, or too old to find.

    Args:
        reader: of the store.
        seller: networker id.
        entry: its id.
        key: of the listing, where it is known; the current version is found at once by it.
    """
    state = reader.load(seller)
    if state is None:
        return None
    seq = reader.connection.execute(
        "SELECT seq FROM listing JOIN networker USING (n) WHERE id = ? AND key = ? AND entry = ?",
        (seller, key, entry),
    ).get
    if seq is not None:
        found = reader.entry(seller, seq)
        if found is not None and found.id == entry:
            return found
    last = state.tip.seq
    end = max(state.base.seq, last - OLDER)
    while last >= end:
        first = max(end, last - _CHUNK + 1)
        for each in reader.entries(seller, first, last, _BYTES):
            if each.id == entry and each.kind == Listing.KIND and each.record is not None:
                return each
        last = first - 1
    return None
