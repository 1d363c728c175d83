"""The holder's side: what the owner of this node asks issuers to do with its credit [R-CRED-72].

A request is signed, kept and handed to the outbox in one durable transaction, with a counter that never was used
before.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Final

from msgspec import UNSET, UnsetType

from netnode.deals.means import Means
from netnode.deals.signers import Signers
from netnode.keys.keystore import Keys
from netnode.ledgers.facts import exponent_of
from netnode.ledgers.ledgers import Ledgers
from netnode.mail.letters import Incoming, Refusal, Taken
from netnode.market.dates import day
from netnode.own.caution import copied
from netnode.plans.values import amount_text
from netnode.problems import ExitCode, Problem
from netnode.store import Reader, Writer, credits
from netnode.store import letters as outbox
from netnode.store.credits import LimitRow, RequestRow
from protocol import encoding
from protocol.certificate import DAY_MS
from protocol.ledger.letters import AnsweredLetter, LimitLetter, RequestLetter, sound_answer
from protocol.ledger.statements import Action, Limit, Request, read, sign, statement_id
from protocol.signing import Signer

REQUEST_DAYS: Final = 30  # why: longer than an issuer has to answer a challenge; as long as a letter lives
MINDFUL_MS: Final = 60 * DAY_MS
"""How long after a home was put back requests of the lost copy may be carried out: a letter lives 30 days, and so does
a request unless its holder says otherwise."""

FOUND: Final = "found in the issuer's log: this home was put back since, and had forgotten it"
NO_OPENERS: Final = encoding.encode([])
_log = logging.getLogger("netnode")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of an issuer.

    Attributes:
        action: what is done with the credit.
        issuer: networker id.
        unit: as the issuer names it.
        amount: minor units.
        recipient: of a transfer.
        order: id of the deal that is paid by a redemption.
        days: until the request expires.
    """

    action: Action
    issuer: bytes
    unit: str
    amount: int
    recipient: bytes | UnsetType = UNSET
    order: bytes | UnsetType = UNSET
    days: int = REQUEST_DAYS


class Asking:
    """Asks issuers, and notes what they answer.

    Args:
        means: what it acts with.
        ledgers: what the logs held here say.
    """

    def __init__(self, means: Means, ledgers: Ledgers) -> None:
        self._means = means
        self._ledgers = ledgers

    def listen(self) -> None:
        """Takes answers from now on."""
        self._means.letters.receive("answered", self.answered)

    async def ask(self, wish: Wish, *, anyway: bool = False) -> RequestRow:
        """Signs a request and sends it; durable when it returns.

        A redemption for a deal that was asked for and not refused is not asked for twice: that one is returned.

        Args:
            wish: what is asked.
            anyway: also for more than the issuer's log, as it is held here, has for the owner, and although a copy of
                this home that was lost may have asked for the same.

        Raises:
            Problem: `not_covered`, `put_back` (4); locked keys (2), another copy of this home runs (4), a full outbox,
                the disk.
        """
        self._means.own.caution.require_alone()
        if not anyway:
            await self._require_remembered(wish)
            await self._require_cover(wish)
        keys = self._means.ring.keys
        row = await self._means.store.write(self._ask, wish, keys, self._means.clock.now_ms())
        self._means.letters.wake()
        return row

    async def accept(
        self,
        issuer: bytes,
        unit: str,
        amount: int,
        *,
        days: int,
        lasts: int | None = None,
        to: bytes | None = None,
    ) -> LimitRow:
        """Says up to how much of an issuer's credit the owner is willing to hold; durable when it returns.

        Args:
            issuer: networker id; it is told.
            unit: as the issuer names it.
            amount: minor units; 0 takes back what was said before.
            days: until it ends.
            lasts: ms UTC; credit that expires before is not received.
            to: a holder who is told as well.

        Raises:
            Problem: as `ask`.
        """
        self._means.own.caution.require_alone()
        keys, now = self._means.ring.keys, self._means.clock.now_ms()
        unsigned = Limit(
            amount=amount, counter=0, epoch=keys.epoch, expires=now + days * DAY_MS, holder=self._means.own.id,
            issuer=issuer, lasts=UNSET if lasts is None else lasts, signature=bytes(64), unit=unit,
        )  # fmt: skip
        row = await self._means.store.write(self._accept, unsigned, keys, to, now)
        self._means.letters.wake()
        return row

    async def answered(self, incoming: Incoming) -> Taken | Refusal:
        """Notes what an issuer answers.

        Raises:
            Problem: the disk; the letter comes again.
        """
        body = incoming.body
        assert isinstance(body, AnsweredLetter)
        if not sound_answer(body):
            return Refusal("letter", "an answer names an entry or a code")
        return await self._means.store.write(self._answered, body, incoming.sender, incoming.at)

    async def _require_remembered(self, wish: Wish) -> None:
        """Tells the owner once for each issuer that this home may have forgotten what it asked for [R-CRED-77].

        A redemption for a deal is not asked about: the issuer redeems no more than the deal costs.

        Raises:
            Problem: `put_back`.
        """

        def forgotten(reader: Reader) -> int | None:
            put_back = copied(reader)
            since = put_back.at if put_back.times else 0
            if not since or self._means.clock.now_ms() > since + MINDFUL_MS:
                return None
            return None if credits.asked_since(reader.connection, wish.issuer, since) else since

        since = None if wish.order is not UNSET else await self._means.store.read(forgotten)
        if since is not None:
            raise Problem(
                f"This home was put back from a backup on {day(since)}: what it asked of this issuer after that backup "
                "may be carried out all the same, and this would come on top of it. Look what has come of it, once the "
                "issuer's newest entries are here: netnode credit requests. To ask all the same, add --anyway.",
                ExitCode.REFUSED,
                "put_back",
            )

    async def _require_cover(self, wish: Wish) -> None:
        own, now = self._means.own.id, self._means.clock.now_ms()
        if wish.order is not UNSET:
            order = wish.order
            known = await self._means.store.read(
                lambda reader: credits.request_for(reader.connection, wish.issuer, order)
            )
            if known is not None:
                return
        try:
            have, digits, others = await self._ledgers.ask(
                wish.issuer,
                lambda ledger: (
                    ledger.figures(wish.unit, own, now).available,
                    exponent_of(ledger, wish.unit),
                    [
                        unit
                        for unit in ledger.units()
                        if unit != wish.unit and ledger.figures(unit, own, now).available
                    ],
                ),
            )
        except Problem as problem:
            if problem.code in ("unknown_author", "incomplete"):  # who does not hold the log cannot say
                return
            raise
        if have < wish.amount:
            shown = amount_text(have, digits)
            raise Problem(
                f"Only {shown} {wish.unit} of this issuer's credit is available to you, as far as their log is here. "
                + (
                    f"What you have in {', '.join(others)} is another credit and pays no {wish.unit}. "
                    if others
                    else ""
                )
                + "If it has more by now, add --anyway.",
                ExitCode.REFUSED,
                "not_covered",
                {"available": shown},
            )

    # -- in the writer's lane --------------------------------------------------------------------------------
    def _ask(self, writer: Writer, wish: Wish, keys: Keys, now: int) -> RequestRow:
        with writer.transaction(durable=True) as connection:
            if wish.order is not UNSET:
                known = credits.request_for(connection, wish.issuer, wish.order)
                if known is not None:
                    return known
            own = self._means.own.id
            unsigned = Request(
                action=wish.action, amount=wish.amount,
                counter=credits.next_counter(writer, wish.issuer, now), epoch=keys.epoch,
                expires=now + wish.days * DAY_MS, holder=own, issuer=wish.issuer, order=wish.order,
                recipient=wish.recipient, signature=bytes(64), unit=wish.unit,
            )  # fmt: skip
            data = sign(self._means.network, Signer(keys.signing_seed), unsigned)
            limit = None
            people = [own]
            if wish.recipient is not UNSET:
                limit = credits.limit_of(connection, wish.recipient, wish.issuer, wish.unit)
                people += [] if limit is None else [wish.recipient]
            openers = self._openers(connection, people)
            row = RequestRow(
                0, statement_id(self._means.network, read(Request, data)), True, wish.issuer, own, data,
                encoding.encode(openers), None if limit is None else limit.data, now,
                order=None if wish.order is UNSET else wish.order,
            )  # fmt: skip
            credits.put_request(writer, row)
            body = RequestLetter(
                limit=UNSET if limit is None else limit.data,
                openers=tuple(tuple(each) for each in openers),
                request=data,
            )
            draft = self._means.letters.draft(wish.issuer, body, expires=unsigned.expires)
            credits.carried_by(writer, row.id, outbox.queue(writer, draft))
            found = credits.request(connection, row.id)
            assert found is not None  # put there just now
            return found

    def _accept(self, writer: Writer, unsigned: Limit, keys: Keys, to: bytes | None, now: int) -> LimitRow:
        with writer.transaction(durable=True) as connection:
            counter = credits.next_counter(writer, unsigned.issuer, now)
            fields = {name: getattr(unsigned, name) for name in unsigned.__struct_fields__}
            signed = Limit(**(fields | {"counter": counter}))
            data = sign(self._means.network, Signer(keys.signing_seed), signed)
            openers = self._openers(connection, [self._means.own.id])
            body = LimitLetter(limit=data, openers=tuple(tuple(each) for each in openers))
            letter = outbox.queue(writer, self._means.letters.draft(unsigned.issuer, body))
            if to is not None:
                outbox.queue(writer, self._means.letters.draft(to, body))
            if unsigned.amount:
                writer.follow(unsigned.issuer, now)  # why: what is received shows in that log
            row = LimitRow(
                unsigned.holder, unsigned.issuer, unsigned.unit, counter, data, encoding.encode(openers), now, letter
            )  # fmt: skip
            credits.put_limit(writer, row)
            return row

    def _answered(self, writer: Writer, body: AnsweredLetter, sender: bytes, at: int) -> Taken | Refusal:
        with writer.transaction(durable=True) as connection:
            row = credits.request(connection, body.request)
            if row is None and copied(writer).times:
                name, said = body.request.hex()[:10], "carried out" if body.code is UNSET else "refused"
                _log.warning("a request %s that this home forgot when it was put back was %s", name, said)
                return Taken()
            if row is None or not row.own or row.issuer != sender:
                return Refusal("no_request", "no such request was made here")
            entry = None if body.entry is UNSET else body.entry
            code = None if body.code is UNSET else body.code
            credits.end_request(writer, row.id, at, entry=entry, code=code, text=body.text)
        return Taken()

    def _openers(self, connection: Any, people: list[bytes]) -> list[list[Any]]:
        signers = Signers(self._means.network, connection)
        found = (signers.entries(each, 0) for each in dict.fromkeys(people))
        return [entries for entries in found if entries]
