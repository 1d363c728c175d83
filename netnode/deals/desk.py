"""Own moves in deals: judged, signed and stored with their letter in one durable transaction [R-DEAL-31].

Whatever happens, either the move is in the store with its letter in the outbox, or nothing of it is anywhere. What it
rests on is read inside the transaction, so no other move and no letter comes between: two orders of the last piece
cannot both be accepted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

import apsw
import msgspec
from msgspec import UNSET

from netnode.deals import sending
from netnode.deals.buyer_keys import buyer_signer
from netnode.deals.holding import Held, holding, question
from netnode.deals.known import Known, enclose, heads, load, noted, wanted
from netnode.deals.means import Means
from netnode.deals.signers import Signers
from netnode.deals.wording import amount_text, impossible, possible, sentence, why
from netnode.keys.keystore import Keys
from netnode.own.caution import copied
from netnode.own.log import RETIRED
from netnode.problems import ExitCode, Problem
from netnode.store import Reader, Writer, consents, deals, stock
from netnode.store.deals import DealRow
from netnode.store.stock import SoldOut
from protocol import limits
from protocol.deals.bodies import DealBody, Order, Renewal
from protocol.deals.consent import check_arbiter
from protocol.deals.enclosures import Goods, Note
from protocol.deals.message import Message, sign, type_of
from protocol.deals.moves import draft, moves
from protocol.deals.offers import name_buyer, parse_offer
from protocol.deals.table import confirmable, refundable
from protocol.errors import LocalProtocolError, NotHeld, RemoteProtocolError, Void
from protocol.paths import Path, path_hash
from protocol.signing import Signer

SHOWN: Final = 10  # hex digits of a deal's id in sentences; why: enough to tell apart what one person has


@dataclass(frozen=True, slots=True)
class Move:
    """What a message will say: its body without `enclosed`, and what is enclosed (its salt is drawn here)."""

    body: DealBody
    note: Note | None = None


Make = Callable[[Known, apsw.Connection], Move]
"""Makes a move of a deal as it stands; runs inside the transaction and may raise Problem or Void."""
MakeRenewal = Callable[[Known, apsw.Connection], Renewal]
"""Makes the renewal of a deal as it stands; runs inside the transaction and may raise Problem."""


class Desk:
    """Makes own moves.

    Args:
        means: to sign, keep and send.
    """

    def __init__(self, means: Means) -> None:
        self._means = means
        self.moved: Callable[[bytes], Awaitable[None]] = _nobody
        """Told of each deal in which the owner moved, by its id."""

    async def move(self, deal: bytes, make: Make) -> Known:
        """Sends one message in a deal; durable when it returns.

        Args:
            deal: its id.
            make: what it says, made of the deal as it stands.

        Raises:
            Problem: `no_deal` (3); a code of the table, `sold_out`, `held`, `twin` or what `make` raises (4);
                the disk.
        """
        self._means.own.caution.require_alone()
        keys = self._means.ring.keys
        now = self._means.clock.now_ms()
        try:
            known = await self._means.store.write(self._move, deal, make, keys, now)
        except Held as held:
            await self._means.store.write(
                question,
                held.row,
                self._means.letters,
                self._means.entropy.token(limits.LETTER_ID_BYTES),
                now,
            )
            raise held.problem from None
        finally:
            self._means.letters.wake()
        await self.moved(deal)
        return known

    async def would(self, deal: bytes, make: Make) -> DealBody:
        """What a move would say now; nothing is sent.

        Raises:
            Problem: as `move`, where it would have no effect.
        """
        return await self._means.store.read(self._would, deal, make, self._means.clock.now_ms())

    async def order(self, order: Order, goods: Goods, path: Path | None = None) -> Known:
        """Starts a deal with an order; durable when it returns.

        Args:
            order: its body; `key`, `enclosed` and `named` are put in here.
            goods: what is ordered; its salt is drawn here.
            path: who led the owner to the seller.

        Raises:
            Problem: it cannot be sent; the disk.
        """
        self._means.own.caution.require_alone()
        keys = await self.secret()
        assert keys.deal_secret is not None
        salt = self._means.entropy.token(limits.SALT_BYTES)
        signer = buyer_signer(self._means.network, keys.deal_secret, salt)
        goods = msgspec.structs.replace(goods, salt=salt)
        data, name = enclose(goods)
        order = msgspec.structs.replace(order, key=signer.public, enclosed=name)
        kept = {name: data}
        if path is not None:
            order = msgspec.structs.replace(order, path=path_hash(self._means.network, path))
            kept[order.path or b""] = path.encode()
        if order.offer is not UNSET and parse_offer(order.offer).offer.buyer is not UNSET:
            named = name_buyer(
                self._means.network,
                Signer(keys.signing_seed),
                id=keys.networker,
                epoch=keys.epoch,
                key=order.key,
                seller=order.seller,
            )
            order = msgspec.structs.replace(order, named=named)
        now = self._date(order)
        try:
            check_arbiter(order, now, path)
        except Void as void:
            raise Problem(sentence(void.text), ExitCode.REFUSED, void.code) from void
        try:
            start = sign(
                self._means.network, signer, body=order, deal=None, role="buyer", number=0, previous=None, seen=(),
                time=now, epoch=None,
            )  # fmt: skip
        except LocalProtocolError as error:
            raise Problem(f"This order cannot be sent: {error.text}.", ExitCode.USAGE, "order") from error
        row = row_of(start, order, goods, "buyer", keys.networker, salt)
        try:
            known = await self._means.store.write(self._start, row, start, kept, now)
        except LocalProtocolError as error:
            raise Problem(sentence(error.text), ExitCode.REFUSED, "order") from error
        self._means.letters.wake()
        return known

    async def renew(self, first: bytes, make: MakeRenewal) -> Known:
        """Starts the deal of one further period; durable when it returns.

        Args:
            first: id of the deal with the mandate, in which the owner is the seller.
            make: the renewal, made of that deal as it stands.

        Raises:
            Problem: `no_deal` (3); it is held, another copy runs, it would have no effect, or what `make` raises (4);
                the disk.
        """
        self._means.own.caution.require_alone()
        keys = self._means.ring.keys
        now = self._means.clock.now_ms()
        try:
            known = await self._means.store.write(self._renew, first, make, keys, now)
        except LocalProtocolError as error:
            raise _waits(first, error) from error
        self._means.letters.wake()
        return known

    async def resend(self, deal: bytes, *, answered: bool = False) -> None:
        """Sends again what the other side has not answered yet; durable when it returns.

        Args:
            deal: its id.
            answered: also where all is answered, and with it what no other message names, whoever said that: who
                was put back from a backup and lacks any of it asks for the rest then.

        Raises:
            Problem: `no_deal` (3); the disk, or a full outbox.
        """
        await self._means.store.write(self._resend, deal, answered, self._means.clock.now_ms())
        self._means.letters.wake()

    async def secret(self) -> Keys:
        """The keys, with the secret that those of orders are derived from."""

        def with_secret(keys: Keys) -> Keys:
            if keys.deal_secret is not None:
                return keys
            return keys.with_deal_secret(self._means.entropy.token(limits.KEY_BYTES))

        return await self._means.ring.change(with_secret)

    def _date(self, order: Order) -> int:
        """The date of an own order: now, and not before the offer that it is on.

        Raises:
            Problem: `clock` (4): the offer is dated further ahead than clocks may differ.
        """
        now = self._means.clock.now_ms()
        made = now if order.offer is UNSET else parse_offer(order.offer).offer.time
        if made > now + limits.CLOCK_TOLERANCE_MS:
            raise Problem(
                "The offer is dated ahead of this computer's clock, so an order on it would be refused. Set the "
                "clock of this computer, or wait until that date.",
                ExitCode.REFUSED,
                "clock",
            )
        return max(now, made)  # why: its seller's clock may be a little ahead

    # -- in the writer's lane --------------------------------------------------------------------------------
    def _start(
        self, writer: Writer, row: DealRow, start: Message, kept: Mapping[bytes, bytes], now: int
    ) -> Known:
        with writer.transaction(durable=True) as connection:
            row = replace(
                row, number=deals.start(writer, replace(row, copies=copied(writer).times, changed=now))
            )
            for name, data in kept.items():
                deals.put_enclosure(writer, row.number, name, data)
            deals.put_message(writer, row.number, start.id, start.data, now, own=True)
            known = None if row.arbiter is None else consents.openers(connection, row.arbiter)
            if row.arbiter is not None and known is not None:  # the seller may not know the arbiter
                deals.put_signer(writer, row.number, row.arbiter, known)
            return self._sent(writer, connection, row, start, now)

    def _renew(self, writer: Writer, first: bytes, make: MakeRenewal, keys: Keys, now: int) -> Known:
        with writer.transaction(durable=True) as connection:
            row = deals.by_id(connection, first)
            if row is None:
                raise no_deal(first.hex())
            if holding(connection, row) is not None:
                raise Held(row).problem
            known = load(connection, row, now)
            goods = known.enclosures[known.order.enclosed]
            start = sign(
                self._means.network, self._signer(writer, known, keys), body=make(known, connection), deal=None,
                role="seller", number=0, previous=None, seen=(), time=now, epoch=keys.epoch,
            )  # fmt: skip
            fresh = replace(
                row_of(start, known.order, known.goods, "seller", row.buyer, None),
                copies=copied(writer).times,
                changed=now,
            )
            fresh = replace(fresh, number=deals.start(writer, fresh))
            deals.put_enclosure(writer, fresh.number, known.order.enclosed, goods)
            deals.put_message(writer, fresh.number, start.id, start.data, now, own=True)
            return self._sent(writer, connection, fresh, start, now)

    def _move(self, writer: Writer, deal: bytes, make: Make, keys: Keys, now: int) -> Known:
        with writer.transaction(durable=True) as connection:
            row = deals.by_id(connection, deal)
            if row is None:
                raise no_deal(deal.hex())
            if holding(connection, row) is not None:
                raise Held(row)
            known = load(connection, row, now)
            signer = self._signer(writer, known, keys)
            shown = deal.hex()[:SHOWN]
            try:
                move = make(known, connection)
                try:
                    message = self._signed(writer, known, move, signer, keys, now)
                except Void as void:
                    raise self._impossible(known, type_of(move.body), void) from void
                after = self._sent(writer, connection, row, message, now)
            except Void as void:
                raise self._impossible(known, "", void) from void
            except SoldOut as sold:
                raise sold_out(sold, shown) from sold
            except LocalProtocolError as error:
                raise _waits(deal, error) from error
            return after

    def _would(self, reader: Reader, deal: bytes, make: Make, now: int) -> DealBody:
        row = deals.by_id(reader.connection, deal)
        if row is None:
            raise no_deal(deal.hex())
        known = load(reader.connection, row, now)
        body, type = None, ""
        try:
            body = make(known, reader.connection).body
            type = type_of(body)
            draft(known.state, known.role, body, known.now)
        except Void as void:
            raise self._impossible(known, type, void) from void
        except LocalProtocolError as error:
            raise _waits(deal, error) from error
        return body

    def _impossible(self, known: Known, type: str, void: Void) -> Problem:
        """Why a move has no effect, and what is possible instead."""
        deal = known.row.id.hex()
        reason = impossible(type, known.role, void.code, void.text, known.steps)
        most = _most(known, type) if void.code == "too_much" else None
        if most is not None:
            reason += f" It can be {amount_text(known.order, most)} at most."
        instead = possible(moves(known.state, known.role, known.now), deal[:SHOWN])
        return Problem(f"{reason} {instead}", ExitCode.REFUSED, void.code, {"deal": deal})

    def _signed(
        self, writer: Writer, known: Known, move: Move, signer: Signer, keys: Keys, now: int
    ) -> Message:
        """Signs and stores one message; it is proved before that it has effect."""
        body = move.body
        data = None
        if move.note is not None:
            note = msgspec.structs.replace(move.note, salt=self._means.entropy.token(limits.SALT_BYTES))
            data, name = enclose(note)
            if len(data) > limits.MAX_ENCLOSURE:
                raise Problem(
                    f"What you enclose takes {len(data)} bytes; {limits.MAX_ENCLOSURE} fit. Send a link instead: --url",
                    ExitCode.USAGE,
                    "enclosure",
                )
            body = msgspec.structs.replace(body, enclosed=name)
            deals.put_enclosure(writer, known.row.number, name, data)
        frame = draft(known.state, known.role, body, known.now)
        message = sign(
            self._means.network, signer, body=frame.body, deal=frame.deal, role=known.role, number=frame.number,
            previous=frame.previous, seen=frame.seen, time=frame.time,
            epoch=None if known.role == "buyer" else keys.epoch,
        )  # fmt: skip
        deals.put_message(writer, known.row.number, message.id, message.data, now, own=True)
        return message

    def _sent(
        self, writer: Writer, connection: apsw.Connection, row: DealRow, message: Message, now: int
    ) -> Known:
        """Queues the letters of what was stored last, counts its pieces, and writes down what it comes to."""
        known = load(connection, replace(row, changed=now), now)
        code = known.state.verdicts.get(message.id, "waits")
        if code is not None:
            raise LocalProtocolError(f"your {message.type} would have no effect: {why(code)}")
        if row.role == "seller":
            stock.hold(writer, row.number, wanted(known), strict=message.type == "accept")
        self._carry(writer, connection, known, message)
        deals.note(writer, row.number, noted(known))
        return load(connection, replace(row, changed=now), now)

    def _carry(
        self,
        writer: Writer,
        connection: apsw.Connection,
        known: Known,
        message: Message,
        repeated: Collection[bytes] = (),
    ) -> None:
        """Queues the letters with what others are owed, and notes which one carries the newest own message.

        Somebody who is owed nothing gets that message alone; what is repeated goes along, whoever said it. Who may have
        lost the deal, or never heard of it, gets before a renewal what it renews.
        """
        openers = sending.signers_of(Signers(self._means.network, connection), known, self._means.own.id)
        first: int | None = None
        for recipient in sending.recipients(known, self._means.own.id):
            owed = {each.id for each in sending.owed_to(known, recipient) or [message]}
            carried = [each for each in known.ordered() if each.id in owed or each.id in repeated]
            if repeated or recipient.id == known.row.arbiter:
                sending.queue_renewed(writer, self._means, known, recipient, known.now)
            number = sending.queue(writer, self._means.letters, known, recipient, carried, openers)
            first = number if first is None else first
        if first is not None:
            deals.carried(writer, known.row.number, message.id, first)

    def _resend(self, writer: Writer, deal: bytes, answered: bool, now: int) -> None:
        with writer.transaction(durable=True) as connection:
            row = deals.by_id(connection, deal)
            if row is None:
                raise no_deal(deal.hex())
            known = load(connection, row, now)
            newest = _newest(known) if answered else known.state.newest.get(known.role)
            if newest is not None and (answered or newest.id not in known.state.settled):
                ends = heads(known.messages.values()) if answered else ()
                self._carry(writer, connection, known, newest, ends)

    def _signer(self, writer: Writer, known: Known, keys: Keys) -> Signer:
        if known.role == "buyer":
            if keys.deal_secret is None or known.row.nonce is None:
                raise Problem(
                    "The key of this order is not in this home: it was made in another one, or the keystore is an "
                    "older copy. Nothing can be signed in this deal here.",
                    ExitCode.REFUSED,
                    "no_key",
                )
            return buyer_signer(self._means.network, keys.deal_secret, known.row.nonce)
        state = Reader(writer.connection).load(self._means.own.id)
        if state is not None and state.openers.epoch > keys.epoch:
            raise Problem(RETIRED, ExitCode.REFUSED, "retired")
        return Signer(keys.signing_seed)


def row_of(
    start: Message, order: Order, goods: Goods | None, role: deals.Role, buyer: bytes, nonce: bytes | None
) -> DealRow:
    """The row of a new deal.

    Args:
        start: its first message.
        order: whose terms hold.
        goods: what was ordered, if it is here.
        role: the owner's.
        buyer: whom letters to the buyer go to.
        nonce: the salt that the key of an own order is derived from.
    """
    offer: bytes | None = None
    if order.offer is not UNSET:
        try:
            offer = parse_offer(order.offer).id
        except (RemoteProtocolError, NotHeld):
            offer = None  # the judge says that such an order has no contract by it
    return DealRow(
        number=0,
        id=start.id,
        role=role,
        seller=order.seller,
        buyer=buyer,
        arbiter=None if order.terms.arbiter is UNSET else order.terms.arbiter,
        nonce=nonce,
        offer=offer,
        title=title_of(goods),
        opened=start.time,
        copies=0,
    )


def _newest(known: Known) -> Message | None:
    """What is repeated to who may have lost the deal: the newest own message, else the other side's."""
    newest = known.state.newest
    match known.role:
        case "buyer":
            return newest.get("buyer", newest.get("seller"))
        case "seller":
            return newest.get("seller", newest.get("buyer"))
        case "arbiter":
            return newest.get("arbiter")


def _most(known: Known, type: str) -> int | None:
    """The most that a message of a type can say now, in minor units; None: nothing bounds it but the money itself."""
    figures = known.state.figures
    match type:
        case "payment_sent":
            return figures.price - figures.sent
        case "refund":
            return refundable(known.state.outcome.view)
        case "refund_received":
            return confirmable(known.state.outcome.view)
        case "ruling":
            return figures.price
        case _:
            return None


def title_of(goods: Goods | None) -> str:
    """What a list calls the goods."""
    if goods is None:
        return ""
    first, more = goods.lines[0], len(goods.lines) - 1
    pieces = f"{first.quantity} x " if first.quantity > 1 else ""
    choice = f" ({', '.join(first.options)})" if first.options else ""
    return f"{pieces}{first.title}{choice}" + (f" and {more} more" if more else "")


async def unless_refused(work: Awaitable[object]) -> None:
    """Does a thing that may turn out not to be allowed any more: somebody was quicker, or the deal is held."""
    try:
        await work
    except Problem as problem:
        if problem.exit_code is not ExitCode.REFUSED:
            raise


def _waits(deal: bytes, error: LocalProtocolError) -> Problem:
    """Why nothing can be said in a deal now, as `protocol.deals.moves.draft` tells."""
    return Problem(sentence(error.text), ExitCode.REFUSED, "waits", {"deal": deal.hex()})


def no_deal(name: str) -> Problem:
    """The Problem for a deal that is not here."""
    text = f"There is no deal {name[:SHOWN]} here. See yours with: netnode deal ls --all"
    return Problem(text, ExitCode.NOT_FOUND, "no_deal")


def sold_out(sold: SoldOut, shown: str) -> Problem:
    """The Problem of an accept for which too few pieces are left."""
    choice = f" ({', '.join(sold.options)})" if sold.options else ""
    left = f"only {sold.left:,} can be sold" if sold.left else "none is left"
    text = (
        f"Of {sold.key}{choice} {left}, and the order needs {sold.wanted:,}. Tell the buyer: "
        f"netnode deal decline {shown} --reason sold_out, or count again: netnode listing stock {sold.key} --help"
    )
    return Problem(
        text, ExitCode.REFUSED, "sold_out", {"key": sold.key, "left": sold.left, "wanted": sold.wanted}
    )


async def _nobody(deal: bytes) -> None:
    """Who is told of moves while nobody listens."""
