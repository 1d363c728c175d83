"""Deals of this node's networker: ordering, every move, and the list that says what is to be done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import apsw
from msgspec import UNSET

from netnode.arbiters.cases import ruling
from netnode.deals import moving, sending, terms
from netnode.deals.desk import Make, Move, no_deal
from netnode.deals.holding import question
from netnode.deals.known import Known, load
from netnode.deals.selling import accept, differences
from netnode.deals.signers import Signers
from netnode.deals.trading import Trading
from netnode.issuing.answering import METHOD, said_paid, unit_of
from netnode.issuing.asking import Asking, Wish
from netnode.mail.letters import Letters
from netnode.operations import models
from netnode.own.caution import copied
from netnode.ports import Clock, Entropy
from netnode.problems import ExitCode, Problem
from netnode.services import deal_views, paging
from netnode.services.ordering import Ordering
from netnode.services.ports import OwnLog
from netnode.services.prefixes import ambiguous, span
from netnode.store import Reader, Store, Writer, credits, deals
from netnode.store.deals import DealRow, Filter
from protocol import limits
from protocol.deals import transcript
from protocol.deals.bodies import Fulfil, PaymentSent
from protocol.entry import parse_wire
from protocol.errors import LocalProtocolError
from protocol.ledger.statements import Request as CreditRequest
from protocol.ledger.statements import read as read_request

_LIST: Final = "deals"


class DealBook:
    """`operations.services.Deals`.

    Args:
        network: name of the network.
        store: holds the deals.
        own: who this is.
        trading: makes the moves.
        letters: carry them.
        ordering: makes orders.
        clock: the date.
        entropy: nonces.
        asking: asks sellers to take their credit as payment.
    """

    def __init__(
        self,
        network: str,
        store: Store,
        own: OwnLog,
        trading: Trading,
        letters: Letters,
        ordering: Ordering,
        clock: Clock,
        entropy: Entropy,
        asking: Asking,
    ) -> None:
        self._network = network
        self._store = store
        self._own = own
        self._trading = trading
        self._letters = letters
        self._ordering = ordering
        self._clock = clock
        self._entropy = entropy
        self._asking = asking

    # -- moves -----------------------------------------------------------------------------------------------
    async def order(self, request: models.DealOrder) -> models.DealState:
        """Orders; see `Ordering.order`."""
        return await self._state(await self._ordering.order(request))

    async def accept(self, request: models.DealAccept) -> models.DealState:
        """Accepts an order that is what is offered, or `anyway`.

        Raises:
            Problem: as every move: no such deal (3); it has no effect, its code and what is possible instead (4).
        """
        row = await self._row(request.deal)
        besides = await self._apart(row)
        make = accept(self._trading.settings, anyway=request.anyway, text=request.text, besides=besides)
        return await self._state(await self._trading.desk.move(row.id, make))

    async def decline(self, request: models.DealEnd) -> models.DealState:
        """Declines an order."""
        return await self._move(request.deal, moving.decline(request.reason, moving.note(text=request.text)))

    async def cancel(self, request: models.DealEnd) -> models.DealState:
        """Ends what is open."""
        return await self._move(request.deal, moving.cancel(request.reason, moving.note(text=request.text)))

    async def paid(self, request: models.DealMoney) -> models.DealState:
        """Says that a payment was sent; with `redeem` one by the seller's credit, which is asked for first.

        Raises:
            Problem: besides as every move, `other_unit` or `not_covered` (4): credit does not pay this deal.
        """
        if request.redeem:
            return await self._redeem(request)
        return await self._move(
            request.deal, moving.paid(request.amount, _money_note(request), anyway=request.anyway)
        )

    async def received(self, request: models.DealMoney) -> models.DealState:
        """Confirms a payment."""
        return await self._move(
            request.deal, moving.received(request.amount, _money_note(request), anyway=request.anyway)
        )

    async def fulfil(self, request: models.DealFulfil) -> models.DealState:
        """Delivers a part."""
        if request.content is not None and len(request.content) > limits.MAX_DIGITAL:
            raise Problem(
                f"A delivery by letter holds at most {limits.MAX_DIGITAL // 1024} KiB, this file has "
                f"{len(request.content) // 1024:,}. Put it where the buyer can fetch it, and send the address: --url",
                ExitCode.USAGE,
                "too_large",
            )
        enclosed = moving.note(
            content=request.content,
            content_type=request.content_type,
            licence=request.licence,
            text=request.text,
            tracking=request.tracking,
            url=request.url,
        )
        return await self._move(request.deal, moving.fulfil(request.part, enclosed))

    async def receipt(self, request: models.DealPartName) -> models.DealState:
        """Confirms a part."""
        make = moving.receipt(request.part, moving.note(text=request.text))
        row = await self._row(request.deal)
        known = await self._trading.desk.move(row.id, make)
        await self._trading.leading.look(row.id)
        return await self._state(known)

    async def refund(self, request: models.DealMoney) -> models.DealState:
        """Says that money was paid back."""
        return await self._move(request.deal, moving.refund(request.amount, _money_note(request)))

    async def refunded(self, request: models.DealMoney) -> models.DealState:
        """Confirms a refund."""
        return await self._move(request.deal, moving.refunded(request.amount))

    async def dispute(self, request: models.DealDispute) -> models.DealState:
        """Opens a dispute."""
        return await self._move(request.deal, moving.dispute(request.claim, moving.note(text=request.text)))

    async def rule(self, request: models.DealRuling) -> models.DealState:
        """Rules on a dispute, as its arbiter; see `netnode.arbiters.cases.ruling` for what bars that."""
        make = moving.rule(
            request.keeps, request.paid, tuple(request.delivered), moving.note(text=request.text)
        )
        return await self._move(request.deal, ruling(make, self._own.id))

    async def lapse(self, request: models.DealLapse) -> models.DealState:
        """Ends what did not come in time."""
        return await self._move(request.deal, moving.lapse(request.what, request.part))

    async def presume(self, request: models.DealPresume) -> models.DealState:
        """Takes as confirmed what nobody confirmed in time."""
        return await self._move(request.deal, moving.presume(request.what, request.part))

    async def ask(self, request: models.DealAsk) -> models.DealState:
        """Exchanges all messages of a deal again, or lets go of a deal that waits for the other side's answer.

        Raises:
            Problem: no such deal (3); a full outbox.
        """
        row = await self._row(request.deal)
        if request.release:
            await self._store.write(_release, row.number)
        else:
            await self._trading.desk.resend(row.id)
            await self._store.write(_forget_question, row.number)
            nonce = self._entropy.token(limits.LETTER_ID_BYTES)
            await self._store.write(question, row, self._letters, nonce, self._clock.now_ms())
            self._letters.wake()
        return await self._store.read(self._read, row.number, deal_views.state)

    async def _redeem(self, request: models.DealMoney) -> models.DealState:
        """Asks the seller for a redemption, then says in the deal that it was paid by it; twice is once."""
        row = await self._row(request.deal)
        known = await self._store.read(self._known, row.number)
        unit = unit_of(known)
        if not unit:
            raise Problem(
                "This deal is not priced in credit of its seller, nor in a currency that commissions are paid in, so "
                "credit does not pay it one to one. Ask the seller for an offer in their credit.",
                ExitCode.REFUSED,
                "other_unit",
            )
        pay = moving.paid(request.amount, None)
        asked = await self._store.read(
            lambda reader: credits.request_for(reader.connection, row.seller, row.id)
        )
        if asked is None:
            body = await self._trading.desk.would(row.id, pay)
            assert isinstance(body, PaymentSent)
            asked = await self._asking.ask(
                Wish("redeem", row.seller, unit, body.amount, order=row.id), anyway=request.anyway
            )
        if not said_paid(known, asked.id):
            reference = moving.note(method=METHOD, reference=asked.id.hex(), text=request.text)
            said = PaymentSent(amount=read_request(CreditRequest, asked.data).amount)
            await self._trading.desk.move(row.id, lambda known, connection: Move(said, reference))
        return await self._store.read(self._read, row.number, deal_views.state)

    # -- looking ---------------------------------------------------------------------------------------------
    async def show(self, name: str) -> models.DealShown:
        """A deal with its whole history.

        Raises:
            Problem: no such deal (3).
        """
        row = await self._row(name)
        apart = await self._apart(row)

        def read(reader: Reader) -> models.DealShown:
            known = self._known(reader, row.number)
            differs: list[str] = []
            if known.role == "seller" and not known.state.contract:
                settings = self._trading.settings
                differs = [*differences(reader.connection, known, settings), *apart]
                differs += terms.differences(known.order.terms, settings)
            return deal_views.shown(reader.connection, known, differs)

        return await self._store.read(read)

    async def list(self, query: models.DealsQuery) -> models.Page[models.DealItem]:
        """Deals, those that wait for the owner first, the most urgent at first."""
        place = paging.opened(_LIST, query.cursor, int, int, int)
        after = None if place is None else (place[0], place[1], place[2])
        await self._trading.refresh()
        wanted = Filter(query.all, query.role, query.state)

        def read(reader: Reader) -> models.Page[models.DealItem]:
            rows = deals.page(reader.connection, wanted, after, query.limit + 1)
            shown = rows[: query.limit]
            items = [
                deal_views.item(reader.connection, load(reader.connection, row, self._clock.now_ms()))
                for row in shown
            ]
            if len(rows) <= query.limit:
                return models.Page(items)
            last = shown[-1]
            return models.Page(items, paging.seal(_LIST, last.rank, last.until, last.number))

        return await self._store.read(read)

    async def content(self, request: models.DealContent) -> AsyncIterator[bytes]:
        """The digital delivery of a part.

        Raises:
            Problem: nothing of that kind was delivered (3).
        """
        row = await self._row(request.deal)

        def read(reader: Reader) -> bytes:
            known = self._known(reader, row.number)
            for message in reversed(known.ordered()):
                note = known.note_of(message)
                if (
                    isinstance(message.body, Fulfil)
                    and known.state.verdicts.get(message.id, "waits") is None
                    and (request.part is None or message.body.part == request.part - 1)
                    and note is not None
                    and note.content is not UNSET
                ):
                    return note.content
            raise Problem("No file was delivered in this deal.", ExitCode.NOT_FOUND, "no_content")

        yield await self._store.read(read)

    async def export(self, name: str) -> AsyncIterator[bytes]:
        """The deal as a file that proves itself.

        Raises:
            Problem: no such deal (3); a signer's keys are not known here (4).
        """
        row = await self._row(name)

        def read(reader: Reader) -> bytes:
            known = self._known(reader, row.number)
            signers = Signers(self._network, reader.connection)
            openers = [
                [parse_wire(each) for each in entries]
                for networker in sending.signing(known)
                if (entries := signers.entries(networker, row.number)) is not None
            ]
            try:
                return transcript.encode(
                    self._network, known.ordered(), openers, list(known.enclosures.values())
                )
            except LocalProtocolError as error:
                raise Problem(
                    f"This deal cannot be exported: {error.text}.", ExitCode.REFUSED, "export"
                ) from error

        yield await self._store.read(read)

    # -- steps -----------------------------------------------------------------------------------------------
    async def _move(self, name: str, make: Make) -> models.DealState:
        row = await self._row(name)
        return await self._state(await self._trading.desk.move(row.id, make))

    async def _apart(self, row: DealRow) -> Sequence[str]:
        """How an order to the owner is not what is offered, as far as that is in the own ledger."""
        if row.role != "seller" or row.contract:
            return ()
        return await self._trading.accepting.apart(await self._store.read(self._known, row.number))

    async def _state(self, known: Known) -> models.DealState:
        return await self._store.read(lambda reader: deal_views.moved(reader.connection, known))

    def _known(self, reader: Reader, number: int) -> Known:
        row = deals.by_number(reader.connection, number)
        assert row is not None  # only what nobody answered is ever removed, thousands of others later
        return load(reader.connection, row, self._clock.now_ms())

    def _read(self, reader: Reader, number: int, view: Any) -> models.DealState:
        found: models.DealState = view(reader.connection, self._known(reader, number))
        return found

    async def _row(self, name: str) -> DealRow:
        return await self._store.read(lambda reader: one_deal(reader.connection, name))


def one_deal(connection: apsw.Connection, name: str) -> DealRow:
    """The deal that an id, or its first digits, name.

    Raises:
        Problem: there is none (3), or there are two (2).
    """
    low, high = span(name)
    rows = deals.by_prefix(connection, low, high)
    if not rows:
        raise no_deal(name.lower())
    if len(rows) > 1:
        raise ambiguous(name, "deal")
    return rows[0]


def _money_note(request: models.DealMoney) -> Any:
    return moving.note(method=request.method, reference=request.reference, text=request.text)


def _release(writer: Writer, number: int) -> None:
    with writer.transaction(durable=True):
        deals.release(writer, number, copied(writer).times)


def _forget_question(writer: Writer, number: int) -> None:
    with writer.transaction(durable=True):
        deals.forget_question(writer, number)
