"""Letters of deals: what is authentic is kept, whatever effect it has; the rest is refused with its code [R-DEAL-33].

A letter is taken as a whole or not at all, in one transaction, by the inbox's turn. It may come twice: what is kept
already changes nothing. Nothing here judges by the order in which letters come.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

import apsw
from msgspec import UNSET

from netnode.deals import sending
from netnode.deals.buyer_keys import buyer_signer
from netnode.deals.desk import SHOWN, row_of
from netnode.deals.holding import answered, copies_for, holding
from netnode.deals.known import Known, complete, load, named_by, noted, read_enclosure, wanted
from netnode.deals.leading import opened_for_seller
from netnode.deals.means import Means
from netnode.deals.signers import Signers, read, wire
from netnode.mail.letters import Incoming, Later, Refusal, Taken
from netnode.own.caution import copied
from netnode.store import Reader, Writer, deals, shop, stock
from netnode.store import letters as outbox
from netnode.store.deals import DealRow
from protocol import encoding, limits
from protocol.certificate import DAY_MS
from protocol.deals.bodies import Order, Renewal
from protocol.deals.enclosures import Goods
from protocol.deals.mandates import authentic_renewal
from protocol.deals.message import Message, first_order, parse
from protocol.errors import ProtocolError, RemoteProtocolError
from protocol.letter_bodies import Answers, Ask, DealLetter, Witness
from protocol.openers import Openers
from protocol.paths import read_path

UNDECIDED: Final = 5_000  # orders of strangers that nobody looked at; why: judging all takes half a minute
TAKEN_BACK: Final = (
    5_000  # orders that ended before their seller said a word; why: strangers make them for nothing
)
LATE_MS: Final = (
    30 * DAY_MS
)  # why: long after the time to accept, a buyer has taken the order back or forgot it
UNANSWERED: Final = (
    100  # messages of a stranger before their seller says a word; why: fifty parts, each paid for once
)
CASES: Final = (
    200  # cases of strangers that wait for their arbiter, and as many that are over; why: 2 MiB each
)
CASES_OF_ONE: Final = 20  # of them, with one party; why: nobody takes the room of all others
CASE_BYTES: Final = (
    2 << 20
)  # of one case of strangers; why: fifty digital deliveries, with all that is said of them
CASE_MS: Final = 90 * DAY_MS  # why: in a case in which nothing came for so long nobody waits for a ruling
AHEAD_MS: Final = 3_600_000  # why: clocks differ, but an answer to an order must be dated like it


class _Refused(Exception):
    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.refusal = Refusal(code, text)


class _Strange(Exception):
    """An own message came that this store never had, though it lacks none that anybody knows of."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.id.hex())
        self.message = message


@dataclass(frozen=True, slots=True)
class _Letter:
    """A letter with its parts read."""

    incoming: Incoming
    messages: tuple[Message, ...]
    enclosures: dict[bytes, bytes]
    openers: dict[bytes, Openers]
    answers: Answers | None


class Receiving:
    """Takes letters of the types `deal` and `ask`.

    Args:
        means: to keep and answer; its keys tell own orders that this store has lost from those of others.
    """

    def __init__(self, means: Means) -> None:
        self._means = means
        self.changed: Callable[[bytes], Awaitable[None]] = _nobody
        """Told of each deal that got something new, by its id."""

    def listen(self) -> None:
        """Takes letters from now on."""
        self._means.letters.receive("deal", self.deal)
        self._means.letters.receive("ask", self.ask)

    async def deal(self, incoming: Incoming) -> Taken | Refusal:
        """Takes messages of deals.

        Raises:
            Problem: the disk; the letter comes again.
        """
        body = incoming.body
        assert isinstance(body, DealLetter)
        try:
            letter = _Letter(
                incoming,
                tuple(parse(data) for data in body.messages),
                {hashlib.sha256(data).digest(): data for data in body.enclosures},
                {found.author: found for each in body.openers for found in [read(self._means.network, each)]},
                None if body.answers is UNSET else body.answers,
            )
            changed = await self._taken(letter)
        except _Refused as refused:
            return refused.refusal
        except ProtocolError as error:
            return Refusal(error.code, error.text)
        self._means.letters.wake()
        for deal in changed:
            await self.changed(deal)
        return Taken()

    async def ask(self, incoming: Incoming) -> Taken | Refusal | Later:
        """Answers the question for everything of a deal, once own mailbox hosts have had time to hand over theirs.

        What whoever asks wrote before it was put back from a backup may be there, and the answer would lack it.

        Raises:
            Problem: the disk, or a full outbox; the letter comes again.
        """
        body = incoming.body
        assert isinstance(body, Ask)
        if self._means.letters.collecting:
            return Later()
        try:
            await self._means.store.write(self._answer, body, incoming.sender, self._means.clock.now_ms())
        except _Refused as refused:
            return refused.refusal
        self._means.letters.wake()
        return Taken()

    async def _taken(self, letter: _Letter) -> list[bytes]:
        """The deals that got something new; that a copy of this home runs is durable before its word is kept."""
        store, own, now = self._means.store, self._means.own, self._means.clock.now_ms()
        try:
            return await store.write(self._take, letter, own.caution.alarmed is None, now)
        except _Strange as strange:
            said = strange.message
            await own.said_elsewhere(said.time, f"in the deal {said.deal.hex()[:SHOWN]}")
        return await store.write(self._take, letter, False, now)

    # -- in the writer's lane --------------------------------------------------------------------------------
    def _take(self, writer: Writer, letter: _Letter, wary: bool, now: int) -> list[bytes]:
        with writer.transaction(durable=True) as connection:
            signers = Signers(self._means.network, connection, letter.openers)
            rows: dict[bytes, DealRow] = {}
            new: dict[bytes, set[bytes]] = {}
            unknown = set[bytes]()
            for message in letter.messages:
                row = rows.get(message.deal) or deals.by_id(connection, message.deal)
                if row is None and not message.starts:
                    if letter.answers is None and message.deal not in unknown:
                        self._ask_for(writer, message.deal, letter.incoming, None)
                    unknown.add(message.deal)
                    continue
                if row is None:
                    row = self._begin(writer, message, letter, signers, now)
                rows[message.deal] = row
                if self._keep(writer, row, message, letter, signers, now):
                    new.setdefault(message.deal, set()).add(message.id)
                    if wary and _strange(writer, row, message):
                        raise _Strange(message)
            for deal, known in rows.items():
                row = self._with_buyer(writer, known, letter.incoming.sender)
                fresh = new.get(deal, set())
                changed = now if fresh else row.changed
                found = row.buyer != known.buyer
                self._settle(writer, connection, replace(row, changed=changed), letter, fresh, found, now)
            return sorted(new)

    def _begin(self, writer: Writer, start: Message, letter: _Letter, signers: Signers, now: int) -> DealRow:
        """The row of a deal that is new here.

        Raises:
            _Refused: this node has no part in it, the goods do not come along, or it is dated far ahead.
        """
        order = first_order(start)
        if start.time > now + AHEAD_MS:
            raise _Refused("bad_time", "the order is dated more than an hour ahead of this node's clock")
        data = letter.enclosures.get(order.enclosed)
        goods = None if data is None else read_enclosure(data, Goods)
        if isinstance(start.body, Renewal):
            return self._begin_period(writer, start, start.body, letter, now)
        nonce: bytes | None = None
        buyer = _buyer_of(order, letter.incoming.sender)
        if self._is_own(order, goods):
            role: deals.Role = "buyer"
            assert goods is not None
            buyer, nonce = self._means.own.id, goods.salt
        elif order.seller == self._means.own.id:
            role = "seller"
            if goods is None:
                raise _Refused("enclosure", "the goods of the order do not come along, or have another form")
            if letter.incoming.stranger and deals.undecided(writer.connection, now) >= UNDECIDED:
                raise _Refused("busy", "too many orders wait for their seller; try again later")
            if letter.incoming.stranger:
                deals.forget_taken_back(writer, TAKEN_BACK, now - LATE_MS)
        elif order.terms.arbiter == self._means.own.id:
            role = "arbiter"
            self._require_room(writer, letter, now)
        else:
            raise _Refused("not_party", "this networker has no part in that deal")
        row = row_of(start, order, goods, role, buyer, nonce)
        row = replace(row, copies=copies_for(writer, start.time), changed=now)
        return replace(row, number=deals.start(writer, row))

    def _require_room(self, writer: Writer, letter: _Letter, now: int) -> None:
        """Refuses a case of strangers where many wait for the owner, who gave a consent that anybody may use."""
        if not letter.incoming.stranger:
            return
        deals.forget_cases(writer, CASES, now, CASE_MS)
        together, of_one = deals.cases(writer.connection, letter.incoming.sender, now, CASE_MS)
        if together >= CASES or of_one >= CASES_OF_ONE:
            raise _Refused("busy", "too many cases wait for their arbiter; try again later")

    def _begin_period(
        self, writer: Writer, start: Message, body: Renewal, letter: _Letter, now: int
    ) -> DealRow:
        """The row of a further period: in it everybody has the part they have in the deal with the mandate."""
        connection = writer.connection
        first = deals.by_id(connection, parse(body.first).id)
        if first is None:
            raise _Refused("no_deal", "the deal with the mandate is not here")
        if first.role == "arbiter":
            self._require_room(writer, letter, now)
        known = load(connection, first, now)
        row = row_of(start, known.order, known.goods, first.role, first.buyer, first.nonce)
        row = replace(row, copies=copies_for(writer, start.time), changed=now)
        row = replace(row, number=deals.start(writer, row))
        if known.order.enclosed in known.enclosures:
            deals.put_enclosure(
                writer, row.number, known.order.enclosed, known.enclosures[known.order.enclosed]
            )
        return row

    def _is_own(self, order: Order, goods: Goods | None) -> bool:
        """Whether this networker made the order, though this store does not know it: it was lost with another."""
        keys = self._means.ring.opened
        if keys is None or keys.deal_secret is None or goods is None:
            return False
        return buyer_signer(self._means.network, keys.deal_secret, goods.salt).public == order.key

    def _keep(
        self, writer: Writer, row: DealRow, message: Message, letter: _Letter, signers: Signers, now: int
    ) -> bool:
        """Keeps one message if it is authentic; whether it is new."""
        connection = writer.connection
        name = getattr(message.body, "enclosed", UNSET)
        if isinstance(name, bytes) and name in letter.enclosures:
            deals.put_enclosure(writer, row.number, name, letter.enclosures[name])
        if deals.has_message(connection, row.number, message.id):
            return False
        order = first_order(message) if message.starts else self._order_of(connection, row)
        signers.check(message, order, row.number)
        if isinstance(message.body, Order):
            signers.check_named(message.body)
            signers.check_offer(message.body)
            signers.check_consent(message.body.terms, row.number)
        if isinstance(message.body, Renewal) and not authentic_renewal(self._means.network, message.body):
            raise RemoteProtocolError("signature", "the buyer did not sign what the renewal rests on")
        if deals.count(connection, row.number) >= limits.MAX_DEAL_MESSAGES:
            raise _Refused("too_large", f"a deal has at most {limits.MAX_DEAL_MESSAGES} messages of others")
        if self._unanswered(connection, row, letter) >= UNANSWERED:
            raise _Refused(
                "too_large", "the seller has not said a word in this deal yet; wait for their answer"
            )
        if self._outgrown(connection, row, letter):
            raise _Refused("too_large", "this case is larger than its arbiter keeps one of strangers")
        for networker, openers in letter.openers.items():
            if networker in (order.seller, order.terms.arbiter) or (
                order.named and networker == order.named.id
            ):
                deals.put_signer(writer, row.number, networker, encoding.encode(wire(openers)))
        return deals.put_message(
            writer, row.number, message.id, message.data, now, own=message.role == row.role
        )

    def _unanswered(self, connection: apsw.Connection, row: DealRow, letter: _Letter) -> int:
        """How many messages of a stranger are kept of a deal in which its owner, the seller, has said nothing."""
        if row.role != "seller" or not letter.incoming.stranger:
            return 0
        if any(each.role == row.role for each in letter.messages) or deals.spoken(connection, row.number):
            return 0
        return deals.count(connection, row.number)

    def _outgrown(self, connection: apsw.Connection, row: DealRow, letter: _Letter) -> bool:
        """Whether a case of strangers in which its arbiter, the owner, has not ruled takes no more."""
        if row.role != "arbiter" or not letter.incoming.stranger:
            return False
        return deals.size(connection, row.number) > CASE_BYTES and not deals.spoken(connection, row.number)

    def _with_buyer(self, writer: Writer, row: DealRow, sender: bytes) -> DealRow:
        """The row of a deal that the buyer has not sent, once a letter shows who that is."""
        order = self._order_of(writer.connection, row)
        buyer = _buyer_of(order, sender)
        if row.role == "buyer" or row.buyer != order.key or buyer in (order.key, self._means.own.id):
            return row
        goods = load(writer.connection, row, row.opened).goods
        if goods is not None and goods.reply is not UNSET:  # a buyer without a node, who writes by that key
            return row
        deals.set_buyer(writer, row.number, buyer)
        return replace(row, buyer=buyer)

    def _order_of(self, connection: apsw.Connection, row: DealRow) -> Order:
        data = deals.message(connection, row.number, row.id)
        assert data is not None
        return first_order(parse(data))

    def _settle(
        self,
        writer: Writer,
        connection: apsw.Connection,
        row: DealRow,
        letter: _Letter,
        fresh: set[bytes],
        found: bool,
        now: int,
    ) -> None:
        """Draws the conclusions: letters that arrived, gaps, pieces, an arbiter who must know, the list.

        Args:
            writer: inside the transaction of the letter.
            connection: of the writer.
            row: of one deal that the letter is about.
            letter: what came.
            fresh: ids of the messages of this deal that came for the first time.
            found: whether it tells an arbiter who the buyer is.
            now: ms UTC.
        """
        known = load(connection, row, now)
        carried = [
            each.letter
            for each in known.kept.values()
            if each.letter is not None and each.id in known.state.settled
        ]
        outbox.settle(writer, carried, now)
        if row.role == "seller":
            stock.hold(writer, row.number, wanted(known), strict=False)
        if letter.answers is not None:
            # What an answer does not bring nobody asks for again, else two would ask for ever.
            if row.asked == letter.answers.nonce and complete(known.messages, letter.answers.heads):
                answered(writer, row, letter.incoming.sender)
        elif not complete(known.messages, [each.id for each in letter.messages if each.deal == row.id]):
            self._ask_for(writer, row.id, letter.incoming, known)
        told = [] if fresh or letter.answers is not None else self._behind(known, letter)
        if _doubled(known, fresh):  # whoever used a number twice may not know it yet
            told += sending.recipients(known, self._means.own.id)
        elif row.role != "arbiter" and any(each.message.id in fresh for each in known.state.disputes):
            told += self._others(row)
        elif found and row.role in known.state.newest:  # said when nobody knew where the buyer is
            told.append(sending.Recipient(row.buyer))
        lost = any(known.messages[each].role == row.role for each in fresh)
        if lost:  # what an older copy of this home said may have reached the sender alone
            heard = sending.recipients(known, self._means.own.id)
            told += [each for each in heard if each.id != letter.incoming.sender and each not in told]
        for recipient in told:
            if sending.may_add(connection, recipient.id):  # else the next own move brings them all of it
                self._send(writer, connection, known, recipient, None)
        deals.note(writer, row.number, noted(known))

    def _answer(self, writer: Writer, question: Ask, sender: bytes, now: int) -> None:
        with writer.transaction(durable=True) as connection:
            row = deals.by_id(connection, question.deal)
            known = None if row is None else load(connection, row, now)
            found = [] if known is None else self._recipients(known, sender)
            opened = self._opened(connection, known, question.deal, sender)
            if row is None and opened is None:
                raise _Refused("no_deal", "there is no such deal here")
            if not found and opened is None:
                raise _Refused("not_party", "whoever asks has no part in that deal")
            if not sending.may_add(connection, sender):
                raise _Refused("busy", sending.BUSY)
            if known is not None and found:
                self._send(writer, connection, known, found[0], question.nonce)
            if opened is not None:
                outbox.queue(writer, self._means.letters.draft(sender, opened))

    def _opened(
        self, connection: apsw.Connection, known: Known | None, deal: bytes, sender: bytes
    ) -> Witness | None:
        """Who led the buyer, for the seller that asks: from an own order, or as its witness [R-PATH-8]."""
        if known is not None and known.role == "buyer" and known.row.seller == sender:
            path = known.enclosures.get(known.order.path or b"") if known.state.contract else None
        else:
            row = shop.witness(Reader(connection), deal)
            path = None if row is None or row.seller != sender else row.path
        if path is None:
            return None
        signers = Signers(self._means.network, connection)
        people = [each.referrer for each in read_path(path).referrals]
        return opened_for_seller(deal, path, (signers.entries(each, 0) for each in people))

    def _behind(self, known: Known, letter: _Letter) -> list[sending.Recipient]:
        """The sender of a letter, where what it carries and names, and what that side said, is not all of the deal.

        Then a letter to them was lost with somebody's home, and nobody else may know.
        """
        sender = letter.incoming.sender
        roles = {known.row.seller: "seller", known.row.buyer: "buyer", known.row.arbiter: "arbiter"}
        role = roles.get(sender)
        shown = {each.id for each in (*letter.messages, *known.messages.values()) if each.role == role}
        shown |= {each.id for each in letter.messages if each.deal == known.row.id}
        behind = known.messages.keys() > named_by(known.messages, shown & known.messages.keys())
        return self._recipients(known, sender)[:1] if behind else []

    def _recipients(self, known: Known, who: bytes) -> list[sending.Recipient]:
        """How letters get to somebody with a part in a deal; nothing for anybody else."""
        found = (*sending.recipients(known, self._means.own.id), *self._others(known.row))
        return [each for each in found if each.id == who]

    def _others(self, row: DealRow) -> list[sending.Recipient]:
        return [] if row.arbiter is None else [sending.Recipient(row.arbiter)]

    def _send(
        self,
        writer: Writer,
        connection: apsw.Connection,
        known: Known,
        recipient: sending.Recipient,
        nonce: bytes | None,
    ) -> None:
        """Queues all messages of a deal, and before a renewal of what it renews."""
        sending.queue_renewed(writer, self._means, known, recipient, known.now)
        openers = sending.signers_of(Signers(self._means.network, connection), known, self._means.own.id)
        sending.queue(writer, self._means.letters, known, recipient, known.ordered(), openers, nonce)

    def _ask_for(self, writer: Writer, deal: bytes, incoming: Incoming, known: Known | None) -> None:
        """Asks the sender of a message for those it rests on; they were lost here, or on the way.

        A buyer without a node is found by what the goods say, so only with these.
        """
        goods = None if known is None else known.goods
        reply = None if goods is None or goods.reply is UNSET or incoming.epoch is not None else goods.reply
        if (incoming.epoch is not None or reply is not None) and sending.may_add(
            writer.connection, incoming.sender
        ):
            body = Ask(deal=deal, nonce=self._means.entropy.token(limits.LETTER_ID_BYTES))
            outbox.queue(writer, self._means.letters.draft(incoming.sender, body, reply=reply))


def _buyer_of(order: Order, sender: bytes) -> bytes:
    """Whom letters to the buyer of an order go to, by who sent it; the key of the order where that does not show.

    Seller and arbiter send it too, so that either may have it from the other before it comes from the buyer.
    """
    if order.named is not UNSET:
        return order.named.id
    return order.key if sender in (order.seller, order.terms.arbiter) else sender


def _strange(writer: Writer, row: DealRow, message: Message) -> bool:
    """Whether an own message is one that no older copy explains which this store is known to have been [R-DEAL-35]."""
    if message.role != row.role or holding(writer.connection, row) is not None:
        return False
    return message.time > copied(writer).at


def _doubled(known: Known, fresh: set[bytes]) -> bool:
    """Whether one of these messages shares its number with another of its role."""
    if not known.state.doubled:
        return False
    used = Counter((each.role, each.number) for each in known.messages.values())
    return any(used[known.messages[name].role, known.messages[name].number] > 1 for name in fresh)


async def _nobody(deal: bytes) -> None:
    """Who is told of changes while nobody listens."""
