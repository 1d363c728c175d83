"""Subscriptions: the owner's statements on mandates, letters about them, and renewals that are made by themselves.

A seller's node makes a renewal once its time has come, never of a mandate that is paused or ended, never two of one
turn, and at no price that both sides have not said. A buyer's node cancels a renewal that the buyer's own statements
forbid, which happens when the two cross, and says them again when the seller seems to have lost one.
"""

from __future__ import annotations

from typing import Final

import apsw
import msgspec
from msgspec import UNSET

from netnode.deals.buyer_keys import buyer_signer
from netnode.deals.desk import Desk, Make, Move, unless_refused
from netnode.deals.holding import Held, copied_times, holding
from netnode.deals.known import Known, load
from netnode.deals.means import Means
from netnode.deals.sending import BUSY, may_add, recipients
from netnode.deals.subscribed import (
    SENTENCES,
    Subscription,
    all_of,
    due,
    lost_by_seller,
    of_deal,
    read,
    unwanted,
)
from netnode.keys.keystore import Keys
from netnode.mail.letters import Incoming, Refusal, Taken
from netnode.problems import ExitCode, Problem
from netnode.store import Reader, Writer, deals, mandates
from netnode.store import letters as outbox
from netnode.store.deals import DealRow
from protocol.certificate import DAY_MS
from protocol.deals.bodies import Cancel, Renewal
from protocol.deals.mandates import (
    Action,
    mandate_state,
    parse_statement,
    renewal,
    sign_statement,
    stated_by,
)
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.letter_bodies import MandateLetter

LOOK_SECONDS: Final = 60.0  # why: a look at few rows; a renewal is due for two days
TOLD_AGAIN_MS: Final = (
    3_600_000,
    40 * DAY_MS,
)  # first pause, and for how long; each pause is as long as all before
KEPT: Final = 64  # statements of one mandate; why: sixteen numbers, and what contradicts them
_REASONS: Final = {
    "contradicted": "Two statements of yours contradict each other, which has ended this mandate. Order again.",
    "already": "That is so already.",
    "ended": "This mandate is ended, for good. To go on, order again.",
    "bad_time": "This computer's clock is behind your statement before this one.",
}


class Renewing:
    """Mandates of the owner, on either side.

    Args:
        means: to sign, keep and send statements.
        desk: makes renewals, and cancels.
    """

    def __init__(self, means: Means, desk: Desk) -> None:
        self._means = means
        self._desk = desk

    def listen(self) -> None:
        """Takes letters from now on."""
        self._means.letters.receive("mandate", self.take)

    async def find(self) -> None:
        """Looks for mandates and renewals among the deals that are new.

        Raises:
            Problem: the disk.
        """
        while await self._means.store.write(_scan):
            pass

    async def one(self, deal: bytes) -> Subscription:
        """The mandate of a deal, or of the deal that a renewal renews.

        Raises:
            Problem: `no_deal` (3), `no_mandate` (4).
        """
        await self.find()
        return await self._means.store.read(
            lambda reader: of_deal(reader.connection, deal, self._means.clock.now_ms())
        )

    async def all(self) -> list[Subscription]:
        """Every mandate of the owner, own orders first, the oldest first."""
        await self.find()
        now = self._means.clock.now_ms()
        return await self._means.store.read(
            lambda reader: all_of(reader.connection, ("buyer", "seller"), now)
        )

    async def say(self, deal: bytes, action: Action, price: int | None = None) -> Subscription:
        """Makes and sends a buyer's statement; durable when it returns [R-MAN-4].

        Args:
            deal: with the mandate.
            action: what it says.
            price: with `price`, minor units; None: what the seller asks for.

        Raises:
            Problem: `no_deal` (3); `no_mandate`, `not_party`, `held`, `twin`, `no_key`, or the code of a statement that
                would have no effect (4); the disk.
        """
        self._means.own.caution.require_alone()
        await self.find()
        try:
            found = await self._means.store.write(
                self._say, deal, action, price, self._means.ring.keys, self._means.clock.now_ms()
            )
        except Held as held:
            raise held.problem from None
        self._means.letters.wake()
        return found

    async def ask(self, deal: bytes, price: int, word: str) -> Subscription:
        """Asks the buyer for another price; it holds once they have consented.

        Args:
            deal: with the mandate, in which the owner is the seller.
            price: of a renewal, minor units.
            word: why.

        Raises:
            Problem: as `say`.
        """
        return await self._as_seller(deal, price, None, word)

    async def stop(self, deal: bytes, stopped: bool) -> Subscription:
        """Renews a mandate no more, or again, as its seller.

        Raises:
            Problem: as `say`.
        """
        return await self._as_seller(deal, None, stopped, "")

    async def renew(self, deal: bytes, *, anyway: bool = False) -> Known:
        """Makes the renewal of the next turn now.

        Args:
            deal: with the mandate, in which the owner is the seller.
            anyway: also when this node would not do so by itself, after a period that ended unperformed.

        Raises:
            Problem: `no_deal` (3); why there is nothing to renew (4); the disk.
        """
        first = (await self.one(deal)).row.id

        def make(known: Known, connection: apsw.Connection) -> Renewal:
            while mandates.scan(connection):
                pass
            found = read(connection, known.row, known.now)
            if found.why and not (anyway and found.why == "not_performed"):
                raise Problem(SENTENCES[found.why], ExitCode.REFUSED, found.why, {"deal": deal.hex()})
            assert found.turn is not None
            if known.now < found.turn.earliest:
                raise Problem(SENTENCES["renewed"], ExitCode.REFUSED, "renewed", {"deal": deal.hex()})
            return renewal(found.first, found.statements, found.turn.number)

        return await self._desk.renew(first, make)

    async def run(self) -> None:
        """Makes the renewals whose time has come, and cancels those that own statements forbid [R-MAN-8].

        Raises:
            Problem: the disk, or a full outbox; the next round goes on.
        """
        await self.find()
        now = self._means.clock.now_ms()
        for found in await self._means.store.read(
            lambda reader: all_of(reader.connection, ("seller", "buyer"), now)
        ):
            if found.behind:
                await self._means.store.write(self._inquire, found.row, now)
            if (
                found.row.role == "seller"
                and not found.why
                and found.turn is not None
                and now >= due(found.turn)
            ):
                await unless_refused(self.renew(found.row.id))
        for found, code in await self._means.store.read(_untold, now):
            await self._means.store.write(self._tell_again, found)
            if code == "no_deal":
                await self._desk.resend(found.row.id, answered=True)
            self._means.letters.wake()
        for deal, reason in await self._means.store.read(lambda reader: unwanted(reader.connection, now)):
            await unless_refused(self._desk.move(deal, _cancel(reason)))

    async def take(self, incoming: Incoming) -> Taken | Refusal:
        """Takes a letter about a mandate [R-MAN-9].

        Raises:
            Problem: the disk; the letter comes again.
        """
        body = incoming.body
        assert isinstance(body, MandateLetter)
        await self.find()
        taken = await self._means.store.write(self._take, body, incoming.sender, self._means.clock.now_ms())
        self._means.letters.wake()
        return taken

    # -- in the writer's lane --------------------------------------------------------------------------------
    def _say(
        self, writer: Writer, deal: bytes, action: Action, price: int | None, keys: Keys, now: int
    ) -> Subscription:
        with writer.transaction(durable=True) as connection:
            found = of_deal(connection, deal, now)
            row = found.row
            if row.role != "buyer":
                text = "Only the buyer speaks on a mandate. As its seller: netnode deal renewals --help"
                raise Problem(text, ExitCode.REFUSED, "not_party", {"deal": row.id.hex()})
            if holding(connection, row) is not None:
                raise Held(row)
            if found.behind:
                text = f"{SENTENCES['held']} Once its answer is here you can go on."
                raise Problem(text, ExitCode.REFUSED, "held", {"deal": row.id.hex()})
            if keys.deal_secret is None or row.nonce is None:
                text = (
                    "The key of this order is not in this home, so nothing can be signed on its mandate here."
                )
                raise Problem(text, ExitCode.REFUSED, "no_key")
            if action == "price" and price is None:
                price = found.kept.asked
                if price is None:
                    text = "The seller asks for no other price. To consent to one of yours, give it: --price"
                    raise Problem(text, ExitCode.USAGE, "price")
            try:
                said = sign_statement(
                    self._means.network,
                    buyer_signer(self._means.network, keys.deal_secret, row.nonce),
                    action=action,
                    order=found.first.id,
                    number=found.state.number,
                    time=now,
                    price=price,
                )
            except LocalProtocolError as error:
                raise Problem(f"This cannot be said: {error.text}.", ExitCode.REFUSED, "changes") from error
            statements = (*found.statements, said)
            code = mandate_state(found.first, statements).verdicts[said.id]
            if code is not None:
                raise Problem(_REASONS[code], ExitCode.REFUSED, code, {"deal": row.id.hex()})
            mandates.put_statement(writer, row.number, said.id, said.data, now)
            letter = self._send(writer, read(connection, row, now), MandateLetter(order=row.id))
            mandates.carried(writer, row.number, said.id, letter)
            return read(connection, row, now)

    async def _as_seller(
        self, deal: bytes, price: int | None, stopped: bool | None, word: str
    ) -> Subscription:
        await self.find()
        found = await self._means.store.write(
            self._ask, deal, price, stopped, word, self._means.clock.now_ms()
        )
        self._means.letters.wake()
        return found

    def _ask(
        self, writer: Writer, deal: bytes, price: int | None, stopped: bool | None, word: str, now: int
    ) -> Subscription:
        with writer.transaction(durable=True) as connection:
            found = of_deal(connection, deal, now)
            row = found.row
            if row.role != "seller":
                text = "Only the seller can ask for another price, or stop renewing."
                raise Problem(text, ExitCode.REFUSED, "not_party", {"deal": row.id.hex()})
            if stopped is not None:
                mandates.stop(writer, row.number, stopped)
                return read(connection, row, now)
            mandates.ask(writer, row.number, price, word)
            found = read(connection, row, now)
            self._send(writer, found, _asking(found))
            return found

    def _take(self, writer: Writer, body: MandateLetter, sender: bytes, now: int) -> Taken | Refusal:
        with writer.transaction(durable=True) as connection:
            row = deals.by_id(connection, body.order)
            kept = None if row is None else mandates.mandate(connection, row.number)
            if row is None or kept is None:
                return Refusal("no_deal", "there is no order with a mandate of that id here")
            if row.role == "arbiter" or (row.role == "buyer" and sender != row.seller):
                return Refusal("not_party", "only buyer and seller speak about a mandate")
            refusal = self._keep(writer, row, body, now)
            if refusal is not None:
                return refusal
            if row.role == "buyer" and body.price is not UNSET:
                mandates.ask(writer, row.number, body.price, body.text)
            if sender == row.partner and not body.asks:
                mandates.told(writer, row.number, copied_times(connection))
            elif sender == row.partner and not may_add(connection, sender):
                return Refusal("busy", BUSY)
            elif sender == row.partner:
                found = read(connection, row, now)
                self._send(writer, found, _asking(found))
        return Taken()

    def _keep(self, writer: Writer, row: DealRow, body: MandateLetter, now: int) -> Refusal | None:
        """Keeps the statements of a letter; whoever carries them, the order's key must have signed."""
        connection = writer.connection
        found = read(connection, row, now)
        known = {each.id for each in found.statements}
        new: dict[bytes, bytes] = {}
        for data in body.statements:
            try:
                said = parse_statement(data)
            except RemoteProtocolError as error:
                return Refusal(error.code, error.text)
            if said.order != row.id or not stated_by(self._means.network, said, found.order.key):
                return Refusal("signature", "a statement that the order's key did not sign")
            new[said.id] = said.data
        if len(known | new.keys()) > KEPT:
            return Refusal("too_large", f"at most {KEPT} statements on one mandate are kept")
        for name, data in new.items():
            mandates.put_statement(writer, row.number, name, data, now)
        after = read(connection, row, now)
        if row.role == "seller" and after.state.price == after.kept.asked:
            mandates.agree(writer, row.number, after.state.price)
        return None

    def _tell_again(self, writer: Writer, found: Subscription) -> None:
        """Says once more what the seller could not take: the order was on its way, or lost there, or a clock wrong."""
        with writer.transaction(durable=True):
            number = self._send(writer, found, MandateLetter(order=found.row.id))
            mandates.carried(writer, found.row.number, found.statements[-1].id, number)

    def _inquire(self, writer: Writer, row: DealRow, now: int) -> None:
        """Asks the other side for all statements it has, once for each time this home was a copy."""
        with writer.transaction(durable=True) as connection:
            found, times = read(connection, row, now), copied_times(connection)
            if found.behind and found.kept.asking < times:
                self._send(writer, found, MandateLetter(order=row.id, asks=True))
                mandates.asking(writer, row.number, times)

    def _send(self, writer: Writer, found: Subscription, body: MandateLetter) -> int | None:
        """Queues a letter to the other side, with all statements there are."""
        row = found.row
        known = load(writer.connection, row, self._means.clock.now_ms())
        said = tuple(each.data for each in found.statements)
        own = row.buyer if row.role == "buyer" else row.seller
        for recipient in recipients(known, own):
            if recipient.id == row.partner:
                whole = msgspec.structs.replace(body, statements=said)
                draft = self._means.letters.draft(recipient.id, whole, reply=recipient.reply)
                return outbox.queue(writer, draft)
        return None


def _scan(writer: Writer) -> bool:
    with writer.transaction(durable=False) as connection:
        return mandates.scan(connection)


def _untold(reader: Reader, now: int) -> list[tuple[Subscription, str]]:
    """Own mandates whose newest statement its seller could not take, with the code, when it is time to say it again.

    Without a code those whose newest renewal shows that its seller has lost a statement.
    """
    untold = []
    for found in all_of(reader.connection, ("buyer",), now):
        letter = None if found.letter is None else outbox.out(reader, found.letter)
        if lost_by_seller(reader.connection, found, letter):
            untold.append((found, ""))
        if letter is None or letter.state != "refused" or letter.code not in ("letter_expired", "no_deal"):
            continue
        (pause, longest), waited = TOLD_AGAIN_MS, letter.since - found.state.time
        if waited < longest and now >= letter.since + max(pause, waited):
            untold.append((found, letter.code))
    return untold


def _asking(found: Subscription) -> MandateLetter:
    """What a seller asks for; of a buyer no more than the statements."""
    kept = found.kept
    if found.row.role != "seller" or kept.asked is None:
        return MandateLetter(order=found.row.id)
    return MandateLetter(order=found.row.id, price=kept.asked, text=kept.word)


def _cancel(reason: str) -> Make:
    return lambda known, connection: Move(Cancel(reason=reason))
