"""Challenges: the owner's to issuers that log nothing, those of others, and answers to those to the owner [R-CRED-76].

A challenge stands in the log of its author. The node that meets one hands it to its issuer by a letter where it has an
interest, and counts the deadline from the day on which that was delivered. Challenges to the owner are answered by the
log: what can be logged is logged, and for anything else an answer says why not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from msgspec import UNSET, UnsetType

from netnode.bus import Bus, Stored
from netnode.deals.means import Means
from netnode.deals.signers import Signers, wire
from netnode.deals.signers import read as read_openers
from netnode.issuing.answering import Answering
from netnode.issuing.appending import Appending
from netnode.issuing.sales import LOGGED, Sales
from netnode.ledgers.ledgers import Ledgers
from netnode.mail.letters import Incoming, Refusal, Taken
from netnode.problems import ExitCode, Problem
from netnode.store import Reader, Writer, credits, deals, shop
from netnode.store import letters as outbox
from netnode.store.credits import ChallengeRow, RequestRow
from netnode.store.deals import DealRow
from protocol import encoding, limits
from protocol.deals.message import first_order, parse
from protocol.entry import Entry, parse_wire, signature_valid
from protocol.errors import ProtocolError, RemoteProtocolError
from protocol.ledger.book import Book
from protocol.ledger.challenges import Demand, Outcome, outcome, outcomes, read_challenge
from protocol.ledger.effects import sale_id
from protocol.ledger.letters import ChallengeLetter
from protocol.openers import Openers
from protocol.records import Answer, Challenge, Record, decode_record, encode_record
from protocol.records.credit import Reply

LOOK_SECONDS: Final = 300.0  # why: what comes wakes it at once; this is for what was not delivered then
BREATH_SECONDS: Final = 1.0  # why: a log that fills with challenges costs a look a second
AT_ONCE: Final = 100
_ROUNDS: Final = credits.CHALLENGES_OF_ONE  # of an author one is looked at in a round
_OPENERS: Final = 8 * 1024  # why: a long history does not fit a letter or a record beside the document
OVER: Final = ("refused", "letter_expired")  # nobody took it while it lived
_ARRIVED: Final = ("at_mailbox", "delivered", "settled", "refused")  # who refuses a letter has it
_REASONS: Final = {
    "not_covered": "no_balance",
    "no_receipt": "unpaid",
    "not_agreed": "unpaid",
    "no_plan": "no_plan",
}
_log = logging.getLogger("netnode")
_Asked = tuple[ChallengeRow, Challenge, Demand]


class Projects(Protocol):
    """Who keeps the projections, which find the challenges in logs."""

    async def level(self) -> None:
        """Returns when everything stored before the call is projected."""


class Challenging:
    """Makes, hands on and answers challenges.

    Args:
        means: what it acts with.
        ledgers: say what is answered.
        appending: appends answers.
        answering: carries requests out.
        sales: logs sales.
    """

    def __init__(
        self, means: Means, ledgers: Ledgers, appending: Appending, answering: Answering, sales: Sales
    ) -> None:
        self._means = means
        self._ledgers = ledgers
        self._appending = appending
        self._answering = answering
        self._sales = sales
        self._author = 0  # number of the author whose challenge was looked at last
        self.goods: Callable[[Demand, bytes, bytes, int], Awaitable[str | None]] = _undecided
        """Why goods are not to be taken back any more, by (what is asked for, the request, openers, when it came)."""
        self._come = asyncio.Event()

    def listen(self) -> None:
        """Takes letters from now on."""
        self._means.letters.receive("challenge", self.take)

    # -- the claimant ----------------------------------------------------------------------------------------
    async def claim_request(self, request: RequestRow) -> ChallengeRow:
        """Asks in public for what an issuer does not log; on disk when it returns.

        Raises:
            Problem: the log takes no entries now; the disk, or a full outbox.
        """
        return await self._claim(request.issuer, (), request=request.data)

    async def claim_sale(self, order: bytes) -> ChallengeRow:
        """Asks in public for a sale that this node is a witness of.

        Raises:
            Problem: `no_witness` (3): nothing proves that sale here; `already_logged` (4); as `claim_request`.
        """
        row = await self._means.store.read(shop.witness, order)
        if row is None:
            raise Problem(
                f"No deal {order.hex()[:10]} is witnessed here. See them with: netnode witness ls",
                ExitCode.NOT_FOUND,
                "no_witness",
            )
        if await self._published(row.seller, order):
            raise Problem(
                f"That sale is in the issuer's log. What it awards: netnode credit explain {order.hex()[:16]}",
                ExitCode.REFUSED,
                "already_logged",
            )
        wires = encoding.decode(row.openers, limits.MAX_TESTIMONY)
        openers = (tuple(wires),) if len(row.openers) <= _OPENERS else ()
        return await self._claim(row.seller, openers, contract=row.accept, path=row.path)

    async def claim_goods(self, owner: bytes, request: bytes, contract: bytes) -> ChallengeRow:
        """Asks in public for goods to be taken back, with the contract of their order; as `claim_request`."""
        return await self._claim(owner, (), request=request, contract=contract)

    async def _claim(self, issuer: bytes, openers: tuple[Any, ...], **document: bytes) -> ChallengeRow:
        before = await self._means.store.read(self._claimed, issuer, document)
        if before is not None:  # a second one would only wait behind it [R-CRED-55], in the log for good
            return before
        salt = self._means.entropy.token(limits.SALT_BYTES)
        record = Challenge(salt=salt, issuer=issuer, openers=openers, **document)
        entry = (await self._means.own.append([(Challenge.KIND, encode_record(record))]))[0]
        now = self._means.clock.now_ms()
        row = await self._means.store.write(self._keep, entry, record, (), now)
        assert row is not None  # there is always room for an own one
        self._means.letters.wake()
        return row

    def _claimed(self, reader: Reader, issuer: bytes, document: Mapping[str, bytes]) -> ChallengeRow | None:
        """The own challenge by this very document that something can still come of."""
        for row in credits.challenges_to(reader.connection, issuer):
            if row.author == self._means.own.id:
                said = _challenge(parse_wire(encoding.decode(row.entry, limits.MAX_MESSAGE)))
                if all(getattr(said, name) == value for name, value in document.items()):
                    return row
        return None

    # -- the issuer ------------------------------------------------------------------------------------------
    async def take(self, incoming: Incoming) -> Taken | Refusal:
        """Takes a challenge to the owner, whoever brings it; its author signed the document in it.

        Raises:
            Problem: the disk; the letter comes again.
        """
        body = incoming.body
        assert isinstance(body, ChallengeLetter)
        try:
            entry = parse_wire(list(body.entry))
            record = _challenge(entry)
            if record.issuer != self._means.own.id:
                return Refusal("not_issuer", "the challenge is to another issuer")
            given = [read_openers(self._means.network, each) for each in body.openers]
            await self._means.store.read(self._demand, entry, record, given)
        except ProtocolError as error:
            return Refusal(error.code, error.text)
        if await self._means.store.write(self._keep, entry, record, given, incoming.at) is None:
            return Refusal("busy", "too many challenges wait for this issuer; try again later")
        self._come.set()
        return Taken()

    async def run(self, bus: Bus, projector: Projects) -> None:
        """Looks whenever a challenge comes, by letter or in a log, and now and then.

        Args:
            bus: tells what was stored.
            projector: finds the challenges in it.

        Raises:
            Problem: the disk, or a full outbox.
        """
        leave = bus.subscribe(self._stored)
        try:
            while True:
                self._come.clear()
                await projector.level()
                await self.look()
                await asyncio.sleep(BREATH_SECONDS)
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._come.wait()
        finally:
            leave()

    def _stored(self, stored: Stored) -> None:
        if any(entry.kind == Challenge.KIND for entries in stored.entries.values() for entry in entries):
            self._come.set()

    async def look(self) -> None:
        """Notes the challenges that came with logs, hands them on, and answers those to the owner.

        Raises:
            Problem: the disk, or a full outbox.
        """
        for _ in range(_ROUNDS):
            if not await self._meet():
                break
        await self._note_handed()
        if self._means.ring.opened is not None:
            await self._answer()

    async def _meet(self) -> bool:
        """Looks at one challenge of each author, so that a log full of them holds up nobody else's.

        Returns:
            Whether one was noted, so that the next of its author may be there.
        """
        own, noted = self._means.own.id, False
        found = await self._means.store.read(
            lambda reader: credits.met_anew(reader.connection, own, self._author, AT_ONCE)
        )
        for number, author, seq, id_ in found:
            self._author = number
            entry = await self._means.store.read(Reader.entry, author, seq)
            if entry is None or entry.id != id_:
                continue
            now = self._means.clock.now_ms()
            try:
                record = _challenge(entry)
                demand = await self._means.store.read(self._demand, entry, record, ())
            except ProtocolError:
                await self._means.store.write(_over, [id_], now)
                noted = True
                continue
            if author != own and not await self._stands(demand, now):
                if demand.request is not None and now >= demand.request.expires:
                    await self._means.store.write(_over, [id_], now)
                    noted = True
                continue
            noted |= await self._means.store.write(self._keep, entry, record, (), now) is not None
            self._means.letters.wake()
        if len(found) < AT_ONCE:
            self._author = 0
        return noted

    async def _stands(self, demand: Demand, now: int) -> bool:
        """Whether a request is covered, as far as the issuer's log is here [R-CRED-55]."""
        try:
            found = await self._ledgers.ask(
                demand.issuer, lambda ledger: outcome(demand, ledger.book, now, None)
            )
        except Problem:  # nothing of that log is here, or not its beginning
            return True
        return found is not Outcome.NO_STANDING

    async def _published(self, issuer: bytes, order: bytes) -> bool:
        """Whether an issuer's log, as far as it is here, has a sale: nobody is asked in public for what is there."""
        try:
            return await self._ledgers.ask(issuer, lambda ledger: sale_id(order) in ledger.effects)
        except Problem:  # nothing of that log is here, or not its beginning
            return False

    async def _note_handed(self) -> None:
        for row in await self._means.store.read(
            lambda reader: credits.unhanded(reader.connection, AT_ONCE * 10)
        ):
            assert row.letter is not None  # asked for
            delivery = await self._means.letters.delivery(row.letter)
            if delivery is None or (delivery.state, delivery.code) == OVER:
                await self._means.store.write(self._hand_again, row)
                self._means.letters.wake()
            elif delivery.state in _ARRIVED:
                await self._means.store.write(_handed, row.id, delivery.at)

    async def _answer(self) -> None:
        """Answers what is open: of one claimant one at a time, the next as soon as that has its answer [R-CRED-55]."""
        found, looked = await self._asked(), set[bytes]()
        while asked := [each for each in await self._open(found) if each[0].id not in looked]:
            reasons: dict[bytes, str] = {}
            for row, record, demand in asked:
                looked.add(row.id)
                reason = await self._do(demand, record, row)
                if reason is not None:
                    reasons[row.id] = reason
            while reasons:
                some = dict(sorted(reasons.items())[: limits.MAX_REPLIES])
                await self._appending.append(lambda book, place, some=some: _replies(book, some))  # type: ignore[misc]
                for each in some:
                    del reasons[each]

    async def _asked(self) -> dict[bytes, _Asked]:
        """The challenges to the owner that are kept, by id; nothing can come of one that is no good."""
        own, now = self._means.own.id, self._means.clock.now_ms()
        rows = await self._means.store.read(lambda reader: credits.challenges_to(reader.connection, own))
        found: dict[bytes, _Asked] = {}
        over: list[bytes] = []
        for row in rows:
            try:
                record, demand = await self._means.store.read(self._read, row)
            except ProtocolError:
                over.append(row.id)
                continue
            found[row.id] = (row, record, demand)
        if over:
            await self._means.store.write(_over, over, now)
        return found

    async def _open(self, found: dict[bytes, _Asked]) -> list[_Asked]:
        """Those that are open, by the own log as it is now; what is over leaves the store, and `found`."""
        own, now = self._means.own.id, self._means.clock.now_ms()
        demands = [demand for _, _, demand in found.values()]
        stands = await self._ledgers.ask(own, lambda ledger: _stand(ledger.book, demands, now))
        over = [each.id for each in demands if _ended(each, stands[each.id], now)]
        if over:
            await self._means.store.write(_over, over, now)
        for each in over:
            del found[each]
        return [each for each in found.values() if stands[each[0].id] is Outcome.OPEN]

    async def _do(self, demand: Demand, record: Challenge, row: ChallengeRow) -> str | None:
        """Does what is asked for; the reason where that cannot be done, None where nothing is to be said."""
        if demand.buyback is not None and record.request is not UNSET:
            return await self.goods(demand, record.request, row.openers, row.at)
        if demand.request is not None and record.request is not UNSET:
            said = RequestRow(
                0, (demand.effect or b"")[1:], False, row.issuer, row.author, record.request, row.openers, None, row.at,
                order=None if demand.request.order is UNSET else demand.request.order,
            )  # fmt: skip
            known = await self._means.store.write(_put, said)
            if known.state == "waits":
                await self._answering.answer(known)
                known = await self._means.store.write(_put, said)
            if known.code in ("not_covered", "request_over"):
                return None  # without standing there is nothing to answer [R-CRED-55]
            return None if known.code is None else _REASONS.get(known.code, known.code)
        assert demand.order is not None  # one of the three
        deal = await self._means.store.write(self._led, demand.order, record.path, self._given(row))
        if deal is None:
            return "no_deal"
        await self._sales.look_at(deal.number)
        code = await self._means.store.read(lambda reader: credits.sale_code(reader.connection, deal.number))
        if code == LOGGED:
            return None
        return "unpaid" if code is None else _REASONS.get(code, code)

    # -- in a lane -------------------------------------------------------------------------------------------
    def _keep(
        self, writer: Writer, entry: Entry, record: Challenge, given: Sequence[Openers], now: int
    ) -> ChallengeRow | None:
        """Keeps a challenge, with the letter that hands it to its issuer where the owner takes an interest.

        Returns:
            As kept; None: it is one to the owner, and there is no room for more.
        """
        own = self._means.own.id
        with writer.transaction(durable=True) as connection:
            reader = Reader(connection)
            known = credits.challenge(connection, entry.id)
            if known is not None:
                return known
            if record.issuer == own and credits.challenges_full(connection, entry.author, own):
                return None
            author = Signers(self._means.network, connection, {each.author: each for each in given}).entries(
                entry.author, 0
            )
            openers = (*([author] if author else []), *map(list, record.openers))
            followed = any(id_ == record.issuer for id_, _ in reader.follows())
            letter = None
            if record.issuer != own and (entry.author == own or followed):
                letter = self._letter(writer, record.issuer, entry.wire(), openers)
            row = ChallengeRow(
                entry.id,
                entry.author,
                record.issuer,
                encoding.encode(entry.wire()),
                encoding.encode(list(openers)),
                now,
                letter,
            )
            credits.put_challenge(writer, row)
            return row

    def _letter(
        self, writer: Writer, issuer: bytes, wire: Sequence[Any], openers: Sequence[Sequence[Any]]
    ) -> int | None:
        """Queues the letter that hands a challenge over, inside the open transaction; None: it fits none."""
        room, short = _OPENERS, []
        for each in openers:
            room -= len(encoding.encode(each))
            short += [tuple(each)] if room >= 0 else []
        try:
            draft = self._means.letters.draft(
                issuer, ChallengeLetter(entry=tuple(wire), openers=tuple(short))
            )
        except Problem as problem:  # a challenge that is all of a record, say
            _log.warning("a challenge is not handed over: %s", problem.text)
            return None
        return outbox.queue(writer, draft)

    def _hand_again(self, writer: Writer, row: ChallengeRow) -> None:
        """An issuer that was away for longer than a letter lives gets another one."""
        with writer.transaction(durable=True):
            wire = encoding.decode(row.entry, limits.MAX_MESSAGE)
            openers = encoding.decode(row.openers, limits.MAX_TESTIMONY)
            credits.challenge_carried(writer, row.id, self._letter(writer, row.issuer, wire, openers))

    def _demand(self, reader: Reader, entry: Entry, record: Challenge, given: Sequence[Openers]) -> Demand:
        """What a challenge asks for.

        Raises:
            Void: its document does not hold.
            RemoteProtocolError: openers in it prove nothing; `signature`: its author did not sign it.
        """
        brought = {each.author: each for each in given}
        for entries in record.openers:
            found = read_openers(self._means.network, entries)
            brought[found.author] = found
        signers = Signers(self._means.network, reader.connection, brought)
        keys = signers.keys(entry.author, entry.epoch, 0)
        if not any(signature_valid(self._means.network, key, entry) for key in keys):
            raise RemoteProtocolError("signature", "the challenge is not signed by its author")
        return read_challenge(
            self._means.network, entry, record, lambda networker, epoch: signers.keys(networker, epoch, 0)
        )

    def _read(self, reader: Reader, row: ChallengeRow) -> tuple[Challenge, Demand]:
        """A challenge that is kept. Raises as `_demand`."""
        entry = parse_wire(encoding.decode(row.entry, limits.MAX_MESSAGE))
        record = _challenge(entry)
        return record, self._demand(reader, entry, record, self._given(row))

    def _given(self, row: ChallengeRow) -> list[Openers]:
        return [
            read_openers(self._means.network, each)
            for each in encoding.decode(row.openers, limits.MAX_TESTIMONY)
        ]

    def _led(
        self, writer: Writer, order: bytes, path: bytes | UnsetType, given: Sequence[Openers]
    ) -> DealRow | None:
        """The own deal of an order, with the path that the challenge opened; None: there is none here."""
        with writer.transaction(durable=True) as connection:
            row = deals.by_id(connection, order)
            data = (
                None if row is None or row.role != "seller" else deals.message(connection, row.number, order)
            )
            if row is None or data is None:
                return None
            name = first_order(parse(data)).path
            if path is not UNSET and name is not UNSET:  # its hash was checked with the contract
                deals.put_enclosure(writer, row.number, name, path)
                for each in given:
                    deals.put_signer(writer, row.number, each.author, encoding.encode(wire(each)))
            credits.sale_again(writer, row.number)
            return row


async def _undecided(demand: Demand, request: bytes, openers: bytes, at: int) -> str | None:
    """What is said of goods while nobody keeps teams."""
    return None


def _challenge(entry: Entry) -> Challenge:
    """The record of a challenge.

    Raises:
        RemoteProtocolError: it is none.
        Void: it breaks a rule of its form.
    """
    record = None if entry.record is None else decode_record(entry.kind, entry.record)
    if not isinstance(record, Challenge):
        raise RemoteProtocolError("letter", "the entry is no challenge")
    return record


def _stand(book: Book, demands: Sequence[Demand], now: int) -> dict[bytes, Outcome]:
    """Where challenges stand in the own log."""
    return {demand.id: found for demand, found in outcomes(demands, book, now, {})}


def _ended(demand: Demand, found: Outcome, now: int) -> bool:
    """Whether nothing is left to do about a challenge."""
    if found is Outcome.NO_STANDING:
        return demand.request is not None and now >= demand.request.expires
    return found in (Outcome.CLEARED, Outcome.REFUSED)


def _replies(book: Book, reasons: dict[bytes, str]) -> tuple[Record, ...]:
    new = tuple(
        Reply(challenge=each, reason=reason) for each, reason in reasons.items() if book.reply(each) is None
    )
    return (Answer(replies=new),) if new else ()


def _put(writer: Writer, row: RequestRow) -> RequestRow:
    with writer.transaction(durable=True) as connection:
        credits.put_request(writer, row)
        found = credits.request(connection, row.id)
        assert found is not None  # put there just now, or before
        return found


def _handed(writer: Writer, id: bytes, at: int) -> None:
    with writer.transaction(durable=True):
        credits.challenge_handed(writer, id, at)


def _over(writer: Writer, ids: Sequence[bytes], now: int) -> None:
    with writer.transaction(durable=True):
        for each in ids:
            credits.challenge_over(writer, each, now)
