"""The issuer's side: requests of holders, carried out in the own log or refused with the reason [R-CRED-73, 74].

A request that came is durable before its sender is told so. Whether it is carried out is judged by the own ledger; the
log itself says what was carried out, so after a crash the answer is the same and nothing is logged twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import apsw
from msgspec import UNSET, UnsetType

from netnode.deals import moving
from netnode.deals.desk import Desk, Move
from netnode.deals.known import Known, load
from netnode.deals.means import Means
from netnode.deals.signers import Signers, wire
from netnode.deals.signers import read as read_openers
from netnode.issuing.appending import Appending, Next, lacking
from netnode.issuing.units import COMMISSION_DIGITS
from netnode.mail.letters import Incoming, Refusal, Taken
from netnode.market import money
from netnode.problems import ExitCode, Problem
from netnode.store import Reader, Writer, credits, deals
from netnode.store import letters as outbox
from netnode.store.credits import LimitRow, RequestRow
from protocol import encoding, limits
from protocol.deals.bodies import PaymentReceived, PaymentSent
from protocol.errors import ProtocolError, Void
from protocol.ledger import drafting
from protocol.ledger.book import Book
from protocol.ledger.effects import movement_id
from protocol.ledger.letters import AnsweredLetter, LimitLetter, RequestLetter
from protocol.ledger.statements import Limit, Request, read, statement_id
from protocol.records import Payout, Record, Redeem, Transfer

LOOK_SECONDS: Final = 60.0
AT_ONCE: Final = 100
METHOD: Final = "credit"
_PAGE: Final = 1_000
_log = logging.getLogger("netnode")


class Answering:
    """Takes requests and limits of holders, and answers them.

    Args:
        means: what it acts with.
        appending: appends to the own log.
        desk: confirms payments in deals.
    """

    def __init__(self, means: Means, appending: Appending, desk: Desk) -> None:
        self._means = means
        self._appending = appending
        self._desk = desk
        self._come = asyncio.Event()
        self._place: tuple[int, int] | None = (
            None  # epoch and term in which all that was answered was in the log
        )

    def listen(self) -> None:
        """Takes letters from now on."""
        self._means.letters.receive("request", self.request)
        self._means.letters.receive("limit", self.limit)

    # -- letters ---------------------------------------------------------------------------------------------
    async def request(self, incoming: Incoming) -> Taken | Refusal:
        """Takes a holder's request; it is answered by a letter.

        Raises:
            Problem: the disk; the letter comes again.
        """
        body = incoming.body
        assert isinstance(body, RequestLetter)
        try:
            said = read(Request, body.request)
            _check_openers(self._means.network, body.openers)
        except ProtocolError as error:
            return Refusal(error.code, error.text)
        if said.issuer != self._means.own.id:
            return Refusal("not_issuer", "the request is to another issuer")
        if said.holder != incoming.sender:
            return Refusal("not_holder", "the request is of another holder")
        row = RequestRow(
            0, statement_id(self._means.network, said), False, said.issuer, said.holder, body.request,
            encoding.encode(list(body.openers)), None if body.limit is UNSET else body.limit, incoming.at,
            order=None if said.order is UNSET else said.order,
        )  # fmt: skip
        taken = await self._means.store.write(self._take, row)
        self._means.letters.wake()
        self._come.set()
        return taken

    async def limit(self, incoming: Incoming) -> Taken | Refusal:
        """Keeps how much a networker is willing to hold; the newest one counts.

        Raises:
            Problem: the disk; the letter comes again.
        """
        body = incoming.body
        assert isinstance(body, LimitLetter)
        try:
            said = read(Limit, body.limit)
            _check_openers(self._means.network, body.openers)
        except ProtocolError as error:
            return Refusal(error.code, error.text)
        if said.holder != incoming.sender:
            return Refusal("not_holder", "the limit is of another holder")
        row = LimitRow(
            said.holder, said.issuer, said.unit, said.counter, body.limit, encoding.encode(list(body.openers)),
            incoming.at,
        )  # fmt: skip
        await self._means.store.write(_keep_limit, row)
        return Taken()

    # -- the chore -------------------------------------------------------------------------------------------
    async def run(self) -> None:
        """Answers what waits, again and again.

        Raises:
            Problem: the disk.
        """
        while True:
            self._come.clear()
            await self.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._come.wait()

    async def look(self) -> None:
        """Answers what waits.

        Raises:
            Problem: the disk, or a full outbox.
        """
        if self._means.ring.opened is None:
            return
        await self._disowned()
        for row in await self._means.store.read(_waiting):
            try:
                await self.answer(row)
            except Problem as problem:
                if problem.exit_code not in (ExitCode.REFUSED, ExitCode.USAGE):
                    raise
                _log.warning("the request %s waits: %s", row.id.hex()[:10], problem.text)

    async def answer(self, row: RequestRow) -> None:
        """Carries out one request of a holder, or refuses it; its holder is told, durably.

        Raises:
            Problem: the log takes no entries now (4); the disk.
        """
        said = read(Request, row.data)
        code, text = None, ""
        entry = await self._appending.place(movement_id(row.id))  # logged before this node ended
        try:
            if entry is None and said.action == "redeem" and said.order is not UNSET:
                await self._require_payable(said, said.order)
            if entry is None:
                await self._appending.append(await self._movement(row, said))
                entry = await self._appending.place(movement_id(row.id))
        except ProtocolError as error:  # a Void; of anything else the others that wait must not suffer
            code, text = error.code, error.text
        if entry is not None and said.action == "redeem" and said.order is not UNSET:
            await self._confirm(row, said, said.order)
        await self._means.store.write(self._end, row, entry, code, text, self._means.clock.now_ms())
        self._means.letters.wake()

    async def _movement(self, row: RequestRow, said: Request) -> Callable[[Book, Next], tuple[Record, ...]]:
        """What makes its entry; nothing where the log has it."""
        recipient = None if said.recipient is UNSET else said.recipient
        limit, openers = await self._means.store.read(self._with, row, said, recipient)

        def make(book: Book, place: Next) -> tuple[Record, ...]:
            if movement_id(row.id) in book.effects:
                return ()
            new = lacking(book, openers)
            record: Transfer | Redeem | Payout
            match said.action:
                case "transfer":
                    record = Transfer(limit=limit, openers=new, request=row.data)
                case "redeem":
                    record = Redeem(openers=new, request=row.data)
                case "payout":
                    record = Payout(openers=new, request=row.data)
            drafting.require_movement(book.state, record, place.time)
            return (record,)

        return make

    def _with(
        self, reader: Reader, row: RequestRow, said: Request, recipient: bytes | None
    ) -> tuple[bytes | UnsetType, dict[bytes, list[Any]]]:
        """The recipient's newest limit, and the openers of both as far as they are known."""
        limit, given = row.recipients, [row.openers]
        if recipient is not None:
            kept = credits.limit_of(reader.connection, recipient, said.issuer, said.unit)
            if kept is not None:
                given.append(kept.openers)
                if limit is None or read(Limit, limit).counter < kept.counter:
                    limit = kept.data
        brought = {}
        for data in given:
            for entries in encoding.decode(data, limits.MAX_MESSAGE):
                found = read_openers(self._means.network, entries)
                brought[found.author] = found
        signers = Signers(self._means.network, reader.connection)
        people = [said.holder] if recipient is None or limit is None else [said.holder, recipient]
        openers: dict[bytes, list[Any]] = {}
        for each in people:
            log, along = signers.log(each), brought.get(each)
            if along is not None and (log is None or log.epoch < along.epoch):
                openers[each] = wire(
                    along
                )  # a letter may bring a rotation that the logs here do not have yet
            else:
                openers[each] = signers.entries(each, 0) or []
        return UNSET if limit is None else limit, openers

    async def _disowned(self) -> None:
        """Has requests wait again whose entries a rotation took out of the log; what a settlement left stays a debt."""
        state = await self._means.store.load(self._means.own.id)
        assert state is not None  # the owner's
        if state.openers.place == self._place:
            return
        after = 0
        while rows := await self._means.store.read(_answered, after):
            after = rows[-1][0]
            missing = await self._appending.missing([movement_id(id) for _, id in rows])
            if missing:
                await self._means.store.write(_again, [id[1:] for id in missing])
        self._place = state.openers.place

    # -- redemptions that pay a deal -------------------------------------------------------------------------
    async def _require_payable(self, said: Request, order: bytes) -> None:
        """Refuses a redemption for a deal that it cannot pay.

        Raises:
            Void: `no_deal`, `other_unit`, `too_much`.
        """
        known = await self._means.store.read(self._deal, order)
        if known is None:
            raise Void("no_deal", "the issuer sells nothing by that order")
        if unit_of(known) != said.unit:
            raise Void("other_unit", "that order is not priced in this unit")
        confirmed = any(_reference(known, each.id) == statement_id(self._means.network, said).hex()
                        for each in known.ordered() if isinstance(each.body, PaymentReceived))  # fmt: skip
        if not confirmed and said.amount > known.state.figures.payment_due:
            raise Void("too_much", "the order does not cost so much more")

    def _deal(self, reader: Reader, order: bytes) -> Known | None:
        row = deals.by_id(reader.connection, order)
        if row is None or row.role != "seller":
            return None
        return load(reader.connection, row, self._means.clock.now_ms())

    async def _confirm(self, row: RequestRow, said: Request, order: bytes) -> None:
        """Confirms the payment in the deal, once.

        Raises:
            Problem: the disk.
        """
        try:
            await self._desk.move(order, redeemed(row.id, said.amount))
        except _Confirmed:
            return
        except Problem as problem:
            if problem.exit_code is not ExitCode.REFUSED:
                raise
            _log.warning("the deal %s takes no confirmation: %s", order.hex()[:10], problem.text)

    # -- in a lane -------------------------------------------------------------------------------------------
    def _take(self, writer: Writer, row: RequestRow) -> Taken | Refusal:
        with writer.transaction(durable=True) as connection:
            known = credits.request(connection, row.id)
            if known is not None and known.state != "waits":
                self._tell(writer, known)  # the answer was lost, or its sender put back from a backup
                return Taken()
            of_one, of_all = credits.waits_of(connection, row.holder)
            if known is None and (of_one >= credits.WAITING_OF_ONE or of_all >= credits.WAITING):
                return Refusal("busy", "too many requests wait for this issuer; try again later")
            credits.put_request(writer, row)
        return Taken()

    def _end(
        self,
        writer: Writer,
        row: RequestRow,
        entry: tuple[int, bytes] | None,
        code: str | None,
        text: str,
        now: int,
    ) -> None:
        with writer.transaction(durable=True) as connection:
            credits.end_request(
                writer, row.id, now, entry=entry, code=code if entry else code or "other", text=text
            )
            ended = credits.request(connection, row.id)
            assert ended is not None  # it waited
            self._tell(writer, ended)

    def _tell(self, writer: Writer, row: RequestRow) -> None:
        """Queues the answer; one that has no room is left out, since who asks again is answered again."""
        if outbox.crowded(writer.connection, row.holder):
            return
        entry = UNSET if row.seq is None or row.entry is None else (row.seq, row.entry)
        code = row.code if row.code is not None and entry is UNSET else UNSET
        body = AnsweredLetter(
            code=code,
            entry=entry,
            request=row.id,
            text="" if entry is not UNSET else row.text[: limits.MAX_REASON],
        )
        try:
            letter = outbox.queue(writer, self._means.letters.draft(row.holder, body))
        except Problem as problem:
            if problem.code != outbox.FULL:
                raise
            _log.warning("a holder is not told what became of a request: %s", problem.text)
        else:
            credits.carried_by(writer, row.id, letter)


class _Confirmed(Exception):
    """The seller has confirmed this redemption in the deal."""


def redeemed(request: bytes, amount: int) -> Callable[[Known, apsw.Connection], Move]:
    """The seller confirms a payment by credit, which names the request as its reference.

    Args:
        request: its id.
        amount: minor units of the order's money.
    """

    def make(known: Known, connection: apsw.Connection) -> Move:
        reference = request.hex()
        claim: bytes | UnsetType = UNSET
        for each in known.ordered():
            if _reference(known, each.id) != reference:
                continue
            if isinstance(each.body, PaymentReceived):
                raise _Confirmed
            if isinstance(each.body, PaymentSent) and each.body.amount == amount:
                claim = each.id
        note = moving.note(method=METHOD, reference=reference)
        return Move(PaymentReceived(amount=amount, payment=claim), note)

    return make


def unit_of(known: Known) -> str:
    """The unit of its seller's credit that pays an order one to one: the order's own, or that of commissions.

    Empty where there is none. Commissions are counted in hundredths of their currency, whatever its smallest coin is.
    """
    order = known.order
    if order.unit is not UNSET:
        return order.unit if order.issuer == order.seller else ""
    currency = "" if order.currency is UNSET else order.currency
    return currency if currency and money.exponent(currency) == COMMISSION_DIGITS else ""


def said_paid(known: Known, request: bytes) -> bool:
    """Whether the buyer has said in the deal that a redemption pays it."""
    return any(
        isinstance(each.body, PaymentSent) and _reference(known, each.id) == request.hex()
        for each in known.ordered()
    )


def _reference(known: Known, message: bytes) -> str:
    note = known.note_of(known.messages[message])
    return "" if note is None or note.reference is UNSET else note.reference


def _check_openers(network: str, wires: tuple[Any, ...]) -> None:
    for entries in wires:
        read_openers(network, entries)


def _keep_limit(writer: Writer, row: LimitRow) -> None:
    with writer.transaction(durable=True):
        credits.put_limit(writer, row)


def _answered(reader: Reader, after: int) -> list[tuple[int, bytes]]:
    return credits.answered(reader.connection, after, _PAGE)


def _again(writer: Writer, requests: list[bytes]) -> None:
    with writer.transaction(durable=True):
        for each in requests:
            credits.request_again(writer, each)


def _waiting(reader: Reader) -> list[RequestRow]:
    return credits.waiting(reader.connection, own=False, limit=AT_ONCE)
