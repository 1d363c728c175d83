"""Issuers, holders and buyers made by hand: logs with ledger entries as a test wants them, right or wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from protocol import paths
from protocol.deals import message
from protocol.deals.bodies import (
    Accept,
    DealBody,
    Dispute,
    Order,
    Part,
    PaymentReceived,
    Receive,
    Refund,
    RefundReceived,
    Role,
    Terms,
)
from protocol.deals.message import Message
from protocol.deals.moves import draft
from protocol.deals.state import DealState, judge
from protocol.entry import Entry
from protocol.ledger.accounts import Figures
from protocol.ledger.book import Book, Verdict
from protocol.ledger.contents import SaleContent, encode_content
from protocol.ledger.drafting import sale_with_awards
from protocol.ledger.groups import cut
from protocol.ledger.statements import (
    Action,
    Limit,
    Request,
    Verify,
    sign,
)
from protocol.paths import Path, path_of, sign_referral
from protocol.records import (
    Freeze,
    Listing,
    Payout,
    Plan,
    Redeem,
    RefundEntry,
    Rekey,
    SalePart,
    Transfer,
    encode_record,
)
from protocol.records.fields import Place
from protocol.records.money import Per
from protocol.records.plan import Exchange, RankRates, Unilevel, Unit
from protocol.signing import Signer
from protocol.signing import verify as verify_signature
from protocol.teams.team import NO_RULES
from tests.protocol.author import START, Author, seed
from tests.protocol.deals.made import ARBITER, CONSENT

HOUR = 3_600_000
DAY = 24 * HOUR
HOLD = 30 * DAY
UNIT = "star"
TEAM = "team"


def plan_record(**fields: Any) -> Plan:
    """A unilevel plan of three levels for the team, without the limits that need outside buyers."""
    whole: dict[str, Any] = {
        "currencies": (Exchange(currency="EUR", rate=(1, 1)),),
        "idle_periods": 0,
        "maximum": (1, 2),
        "opportunity": TEAM,
        "outside_full": (0, 1),
        "outside_least": (0, 1),
        "period": Per(count=1, unit="month"),
        "personal_free": True,
        "team": NO_RULES,
        "title": "Three levels",
        "unilevel": (
            Unilevel(
                compression="none", name="level", rates=(RankRates(rates=((1, 10), (1, 20), (1, 100))),)
            ),
        ),
        "unit": Unit(exponent=2, name=UNIT),
        "unlock_buyers": 0,
    }
    return Plan(**(whole | fields))


@dataclass
class Deal:
    """One deal with an issuer, message by message; each side has read all that was said."""

    issuer: Author
    number: int
    body: Order
    buyer: Signer
    messages: list[Message] = field(default_factory=list)
    now: int = START
    sent: int = 0  # how many of the messages are in the log

    @property
    def id(self) -> bytes:
        return self.messages[0].id

    def state(self) -> DealState:
        return judge(self.messages, 2**53 - 1)

    def say(
        self, role: Role, body: DealBody, *, at: int | None = None, signer: Signer | None = None
    ) -> Message:
        """Sends the next message of a side."""
        self.now = self.now + HOUR if at is None else at
        place = draft(self.state(), role, body, self.now)
        made = message.sign(
            self.issuer.network,
            signer or {"buyer": self.buyer, "seller": self.issuer.signer, "arbiter": ARBITER.signer}[role],
            body=body,
            deal=place.deal,
            role=role,
            number=place.number,
            previous=place.previous,
            seen=place.seen,
            time=place.time,
            epoch=None if role == "buyer" else self.issuer.entries[-1].epoch,
        )
        self.messages.append(made)
        return made

    def new(self) -> tuple[bytes, ...]:
        """The messages that are in no entry yet."""
        new = tuple(each.data for each in self.messages[self.sent :])
        self.sent = len(self.messages)
        return new

    # -- what usually happens --------------------------------------------------------------------------------
    def accept(self) -> Deal:
        self.say("seller", Accept(key=self.body.key, listing=self.body.listing, path=self.body.path))
        return self

    def pay(self, amount: int | None = None) -> Deal:
        amount = sum(part.price for part in self.body.parts) if amount is None else amount
        self.say("seller", PaymentReceived(amount=amount))
        return self

    def receive(self, *parts: int) -> Deal:
        for part in parts or range(len(self.body.parts)):
            self.say("buyer", Receive(part=part))
        return self

    def refund(self, amount: int, *, confirmed: bool = True) -> Deal:
        total = self.state().figures.refund_received + amount
        self.say("seller", Refund(amount=amount))
        if confirmed:
            self.say("buyer", RefundReceived(amount=amount, total=total))
        return self

    def complete(self) -> Deal:
        """Accepted, paid and received."""
        return self.accept().pay().receive()

    def dispute(self, role: Role = "buyer") -> Deal:
        self.say(role, Dispute(claim=0))
        return self


class World:
    """One issuer's log, whoever deals with it, and the fold of the log.

    Args:
        name: of the issuer.
        verify: handed to the book.
    """

    def __init__(
        self,
        name: str = "issuer",
        verify: Verify = verify_signature,
        between: Callable[[bytes, Place, Place], Sequence[Entry] | None] | None = None,
    ) -> None:
        self.issuer = Author(name)
        self.people: dict[str, Author] = {}
        self.known: set[str] = set()
        self.counters: dict[str, int] = {}
        self.now = START
        self.deals = 0
        self.verify = verify
        self.between = between or (lambda author, first, last: None)
        self.plan: bytes | None = None
        self.thing: Entry | None = None
        self.book = self.fresh()
        self.verdicts: list[Verdict] = [self.book.take(self.issuer.entries[0])]

    def fresh(self) -> Book:
        """An empty fold of this log."""
        return Book(
            self.issuer.network,
            self.issuer.id,
            lambda seq: self.issuer.entries[seq],
            self.between,
            self.verify,
        )

    def who(self, name: str) -> Author:
        if name not in self.people:
            self.people[name] = Author(name, network=self.issuer.network)
        return self.people[name]

    def id(self, name: str) -> bytes:
        return self.who(name).id

    def openers(self, *names: str, whole: bool = False) -> tuple[Any, ...]:
        """Openers of those whom the log does not hold yet; `whole`: of all of them."""
        new = [name for name in dict.fromkeys(names) if whole or name not in self.known]
        self.known.update(() if whole else new)
        return tuple(
            tuple(entry.wire() for entry in self.who(name).entries if entry.is_opener) for name in new
        )

    # -- the log ---------------------------------------------------------------------------------------------
    def write(self, record: Struct, *, at: int | None = None) -> Verdict:
        """Appends an entry and folds it."""
        self.now = max(self.now, self.issuer.entries[-1].time) + 1 if at is None else at
        kind: int = record.KIND  # type: ignore[attr-defined]
        entry = self.issuer.after(self.issuer.entries[-1], kind, encode_record(record), time=self.now)
        self.issuer.entries.append(entry)
        self.verdicts.append(self.book.take(entry))
        return self.verdicts[-1]

    def publish(self, **fields: Any) -> Plan:
        """Publishes a plan."""
        record = plan_record(**fields)
        verdict = self.write(record)
        assert verdict.code is None, verdict
        self.plan = next(reversed(list(self.book.governing.all()))).hash
        return record

    def join(self, name: str, sponsor: str | None = None) -> None:
        """Makes somebody a member, as an admission would."""
        above = self.issuer.id if sponsor is None else self.id(sponsor)
        self.book.teams.tree(TEAM).join(self.id(name), above, self.issuer.entries[-1].seq, self.now)

    # -- deals -----------------------------------------------------------------------------------------------
    def path(self, *names: str, listing: str | None = None, expires: int = START + 10**4 * DAY) -> Path:
        """An opened path; the last name is nearest the buyer."""
        tokens: list[bytes] = []
        for name in names:
            by = self.who(name)
            tokens.append(
                sign_referral(
                    by.network, by.signer, referrer=by.id, epoch=by.entries[-1].epoch, seller=self.issuer.id,
                    expires=expires, listing=listing, prior=paths.token_id(tokens[-1]) if tokens else None,
                )
            )  # fmt: skip
        return path_of(seed("path", names)[:16], tokens)

    def deal(
        self, *prices: int, path: Path | None = None, commission: int | None = None, **fields: Any
    ) -> Deal:
        """A deal that somebody starts; by the plan in force unless there is a commission."""
        self.deals += 1
        buyer = Signer(seed(self.issuer.name, "buyer", self.deals))
        body = Order(
            commission=UNSET if commission is None else commission,
            currency="EUR",
            enclosed=seed("goods", self.deals),
            key=buyer.public,
            listing=self.listing().id,
            parts=tuple(Part(price=price) for price in prices or (10_000,)),
            path=UNSET if path is None else paths.path_hash(self.issuer.network, path),
            plan=UNSET if commission is not None or self.plan is None else self.plan,
            seller=self.issuer.id,
            terms=Terms(
                accept_by=DAY,
                confirm_by=DAY,
                dispute_until=30 * DAY,
                fulfil_by=10 * DAY,
                pay_by=DAY,
                ruling_by=DAY,
            ),
        )
        body = msgspec.structs.replace(body, **fields)
        deal = Deal(self.issuer, self.deals, body, buyer, now=self.now)
        deal.messages.append(
            message.sign(
                self.issuer.network, buyer, body=body, deal=None, role="buyer", number=0, previous=None, seen=(),
                time=self.now, epoch=None,
            )
        )  # fmt: skip
        return deal

    def ruled_deal(self, *prices: int, path: Path | None = None) -> Deal:
        """A deal whose order names an arbiter."""
        terms = Terms(
            accept_by=DAY, arbiter=ARBITER.id, confirm_by=DAY, consent=CONSENT.data, dispute_until=30 * DAY,
            fulfil_by=10 * DAY, pay_by=DAY, ruling_by=DAY,
        )  # fmt: skip
        self.people["arbiter"] = ARBITER
        return self.deal(*prices, path=path, terms=terms)

    def listing(self) -> Entry:
        """The one listing that is sold."""
        if self.thing is None:
            record = encode_record(
                Listing(salt=bytes(range(1, 17)), key="thing", kind="product", title="Thing")
            )
            self.thing = self.issuer.after(self.issuer.entries[0], Listing.KIND, record, time=START)
        return self.thing

    def content(
        self, deal: Deal, *, path: Path | None = None, awards: Any = None, **fields: Any
    ) -> SaleContent:
        """The content of a sale; awards that are not given are those that the plan comes to."""
        names = [] if path is None else [self._name(each.referrer) for each in path.referrals]
        listing = self.listing()
        known = listing.id in self.book.state.listings
        messages = deal.new()
        whole: dict[str, Any] = {
            "awards": () if awards is None else awards,
            "listing": UNSET if known or deal.body.listing is UNSET else tuple(listing.wire()),
            "messages": messages,
            "openers": self.openers(*names),
            "path": UNSET if path is None else path.encode(),
            "plan": bytes(32) if deal.body.plan is UNSET else deal.body.plan,
        }
        return SaleContent(**(whole | fields))

    def sell(
        self,
        deal: Deal,
        *,
        path: Path | None = None,
        at: int | None = None,
        awards: Any = None,
        **fields: Any,
    ) -> Verdict:
        """Logs a sale; the awards are found by asking a copy of the fold what they would be."""
        content = self.content(deal, path=path, awards=awards, **fields)
        at = max(self.now + 1, deal.now, self.issuer.entries[-1].time) if at is None else at
        if awards is None:
            seq = self.issuer.entries[-1].seq + 1
            content = sale_with_awards(self.book.state, content, seq=seq, time=at)
        return self.parts(SalePart, encode_content(content), at)

    def parts(self, form: Any, content: bytes, at: int) -> Verdict:
        """Logs a group; the verdict of its last part."""
        verdicts = [self.write(part, at=at) for part in cut(form, content)]
        return verdicts[-1]

    def refund(
        self, deal: Deal, base: int, *, at: int | None = None, openers: tuple[Any, ...] = ()
    ) -> Verdict:
        at = max(self.now + 1, deal.now) if at is None else at
        return self.write(RefundEntry(base=base, messages=deal.new(), openers=openers, order=deal.id), at=at)

    def freeze(self, deal: Deal, *, at: int | None = None) -> Verdict:
        at = max(self.now + 1, deal.now) if at is None else at
        return self.write(Freeze(messages=deal.new(), openers=(), order=deal.id), at=at)

    def _name(self, id: bytes) -> str:
        return next(name for name, author in self.people.items() if author.id == id)

    # -- movements -------------------------------------------------------------------------------------------
    def counter(self, name: str) -> int:
        self.counters[name] = self.counters.get(name, 0) + 1
        return self.counters[name]

    def request(
        self, action: Action, holder: str, amount: int, to: str | None = None, **fields: Any
    ) -> bytes:
        by = self.who(holder)
        whole: dict[str, Any] = {
            "action": action,
            "amount": amount,
            "counter": fields["counter"] if "counter" in fields else self.counter(holder),
            "epoch": by.entries[-1].epoch,
            "expires": self.now + 10**4 * DAY,
            "holder": by.id,
            "issuer": self.issuer.id,
            "recipient": UNSET if to is None else self.id(to),
            "signature": bytes(64),
            "unit": UNIT,
        }
        return sign(by.network, by.signer, Request(**(whole | fields)))

    def limit(self, name: str, amount: int, **fields: Any) -> bytes:
        by = self.who(name)
        whole: dict[str, Any] = {
            "amount": amount,
            "counter": 0,
            "epoch": by.entries[-1].epoch,
            "expires": self.now + 10**4 * DAY,
            "holder": by.id,
            "issuer": self.issuer.id,
            "signature": bytes(64),
            "unit": UNIT,
        }
        return sign(by.network, by.signer, Limit(**(whole | fields)))

    def transfer(
        self,
        holder: str,
        to: str,
        amount: int,
        *,
        limit: int | None = None,
        at: int | None = None,
        **fields: Any,
    ) -> Verdict:
        record = Transfer(
            limit=UNSET if limit is None else self.limit(to, limit),
            openers=self.openers(holder, to),
            request=self.request("transfer", holder, amount, to, **fields),
        )
        return self.write(record, at=at)

    def redeem(self, holder: str, amount: int, *, at: int | None = None, **fields: Any) -> Verdict:
        request = self.request("redeem", holder, amount, **fields)
        return self.write(Redeem(openers=self.openers(holder), request=request), at=at)

    def pay_out(self, holder: str, amount: int, *, at: int | None = None, **fields: Any) -> Verdict:
        request = self.request("payout", holder, amount, **fields)
        return self.write(Payout(openers=self.openers(holder), request=request), at=at)

    def rekey(self, *names: str) -> Verdict:
        return self.write(Rekey(openers=self.openers(*names, whole=True)))

    def figures(self, name: str, at: int | None = None, unit: str = UNIT) -> Figures:
        return self.book.figures(unit, self.id(name), self.now if at is None else at)
