"""A dishonest issuer of credit: a whole node whose owner logs what no program of INX would, and not what it should.

Its entries are signed and linked like any others, and every node stores them. What is wrong is what they say: each
deed names the code with which every reader has to find its entry without effect. [R-CRED-13..42]
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, Struct

from netnode.deals.signers import Signers
from netnode.issuing.appending import lacking
from netnode.issuing.embedding import Gathered, gather
from netnode.ledgers.reading import Source
from netnode.mail.letters import Incoming, Refusal
from netnode.services.node_services import NodeServices
from netnode.simulator.byzantine.deals import Crook
from netnode.simulator.credit_scene import UNIT
from netnode.store import Reader, credits
from protocol.deals import bodies
from protocol.deals.message import Message
from protocol.entry import Entry
from protocol.ledger import drafting
from protocol.ledger.book import Book
from protocol.ledger.contents import AwardLine, SaleContent, encode_content
from protocol.ledger.governing import DAY
from protocol.ledger.groups import cut
from protocol.ledger.statements import Request, sign
from protocol.records import (
    Answer,
    Freeze,
    Payout,
    RefundEntry,
    SalePart,
    Transfer,
    decode_record,
    encode_record,
)
from protocol.records.credit import Reply
from protocol.signing import verify

Needs = Literal["accepted", "received", "logged"]
"""How far a deal is when something is made of it."""

_ALL: Final = 2**40


@dataclass(slots=True)
class Issuer:
    """The owner of a dishonest issuer's node.

    Attributes:
        crook: with the node.
        friend: networker id of whom it favours.
        wrong: entries that must be without effect, with the code, in the order of the log.
    """

    crook: Crook
    friend: bytes
    wrong: dict[bytes, str] = field(default_factory=dict)

    @property
    def id(self) -> bytes:
        """Its networker."""
        return self.crook.node.id

    def fall_silent(self, *, refusing: bool = False) -> None:
        """From now on its program logs nothing by itself and answers nobody, also after a start.

        Args:
            refusing: it says no to each challenge that is handed to it, else it takes them.
        """

        def change(services: NodeServices) -> None:
            silence(services)
            if refusing:
                services.issued.means.letters._receivers["challenge"] = _refuse

        self.crook.node.changed = change
        change(self.crook.services)

    async def speak_again(self) -> None:
        """Starts the program of production again, which does what is due."""
        self.crook.node.changed = honest
        await self.crook.node.stop()
        await self.crook.node.start()

    async def carry_out(self, request: bytes) -> None:
        """Carries out one request, as its program would if it were not silent."""
        row = self.crook.parts.store.reading(lambda reader: credits.request(reader.connection, request))
        assert row is not None  # it came by letter
        await self.crook.services.issued.answering.answer(row)

    async def answer(self, *challenges: bytes) -> None:
        """Answers challenges with a reason that is none."""
        await self.write(
            Answer(replies=tuple(Reply(challenge=each, reason="unpaid") for each in sorted(challenges)))
        )

    # -- its log ---------------------------------------------------------------------------------------------
    async def write(self, *records: Struct) -> list[Entry]:
        """Signs and stores whatever it likes."""
        return await self.crook.parts.own.append(
            [(record.KIND, encode_record(record)) for record in records]  # type: ignore[attr-defined]
        )

    async def wrongly(self, code: str, *records: Struct) -> Entry:
        """Logs something of which no reader may take the last entry for valid."""
        entry = (await self.write(*records))[-1]
        self.wrong[entry.id] = code
        return entry

    def entries(self) -> list[Entry]:
        """The own log."""
        return self.crook.parts.store.reading(Reader.entries, self.id, 0, _ALL, _ALL)

    def book(self, *, gullible: bool = True) -> Book:
        """The fold of the own log; a gullible one believes every signature, so that it drafts what nobody signed."""
        source = Source(self.crook.parts.store, self.id)
        book = Book(
            self.crook.network, self.id, source.read, source.between, _believe if gullible else verify
        )
        for entry in self.entries():
            book.take(entry)
        return book

    def openers(self, *people: bytes) -> dict[bytes, list[Any]]:
        """Openers of others, as its store has them."""

        def found(reader: Reader) -> dict[bytes, list[Any]]:
            signers = Signers(self.crook.network, reader.connection)
            return {each: signers.entries(each, 0) or [] for each in people}

        return self.crook.parts.store.reading(found)

    # -- what it makes of a deal -----------------------------------------------------------------------------
    def gathered(self, deal: bytes) -> Gathered:
        """A deal with all that an entry of it embeds."""
        number = self.crook.known(deal).row.number
        return self.crook.parts.store.reading(
            gather, self.crook.network, number, self.crook.node.clock.now_ms()
        )

    def sale(self, deal: bytes, *more: Message) -> SaleContent:
        """A sale of all that was said in a deal, and of messages that were not, with the awards it would have."""
        found, book = self.gathered(deal), self.book()
        new = found.order.listing is not UNSET and found.order.listing not in book.state.listings
        listing = found.listing if new else None
        content = SaleContent(
            awards=(),
            listing=UNSET if listing is None else (listing.header, listing.signature, listing.record or b""),
            messages=tuple(each.data for each in (*found.known.ordered(), *more)),
            openers=lacking(book, dict(found.openers)),
            path=UNSET if found.path is None else found.path.encode(),
            plan=bytes(32),
        )
        assert book.head is not None  # its log has a beginning
        return drafting.sale_with_awards(book.state, content, seq=book.head[0] + 1, time=self.now)

    def parts(self, deal: bytes) -> tuple[SalePart, ...]:
        """The records of a sale as it was."""
        return parts_of(self.sale(deal))

    def says(self, deal: bytes, body: bodies.DealBody, *, after: Message | None = None) -> Message:
        """Something it says in a deal to nobody but its own log."""
        return self.crook.says(self.crook.known(deal), body, after=after)

    def forges(self, deal: bytes, body: bodies.DealBody) -> Message:
        """Something that its buyer did not say."""
        return self.crook.says(self.crook.known(deal), body, forged="buyer")

    def logged(self, deal: bytes) -> tuple[SalePart, ...]:
        """The records of a sale in the own log."""
        first = self.book().state.orders[deal].seqs[0]
        entries = self.entries()
        part = decode_record(SalePart.KIND, entries[first].record or b"")
        assert isinstance(part, SalePart)  # by its place
        records = [decode_record(SalePart.KIND, each.record or b"") for each in entries[first:][: part.count]]
        return tuple(each for each in records if isinstance(each, SalePart))

    def request(self, deal: bytes, action: Literal["payout", "transfer"]) -> bytes:
        """A request for all that the referrer of a deal was awarded, in the referrer's name."""
        path = self.gathered(deal).path
        assert path is not None  # the deal was brought
        holder = path.referrals[-1].referrer
        unsigned = Request(
            action=action, amount=max(1, self.book().figures(UNIT, holder, self.now).available), counter=1, epoch=0,
            expires=self.now + DAY, holder=holder, issuer=self.id,
            recipient=self.friend if action == "transfer" else UNSET, signature=bytes(64), unit=UNIT,
        )  # fmt: skip
        return sign(self.crook.network, self.crook.seed, unsigned)

    @property
    def now(self) -> int:
        """The date of its next entry, ms UTC."""
        return self.crook.node.clock.now_ms()


def silence(services: NodeServices) -> None:
    """Has a program do nothing as an issuer; the calls that people make go on working."""
    issued = services.issued
    for part, call in (
        (issued.sales, "look"),
        (issued.sales, "look_at"),
        (issued.answering, "look"),
        (issued.challenging, "_answer"),
        (services.swapping.deciding, "look"),
    ):
        setattr(part, call, _nothing)


def honest(services: NodeServices) -> None:
    """The program of production."""


async def _refuse(incoming: Incoming) -> Refusal:
    return Refusal("busy", "too many challenges wait for this issuer")


async def _nothing(*_: object) -> None:
    """What a silent program does instead."""


def _believe(key: bytes, signature: bytes, message: bytes) -> bool:
    return True


# -- deeds ---------------------------------------------------------------------------------------------------
Act = Callable[[Issuer, bytes], Awaitable[Entry]]


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that it does to its ledger; what the entry says must have no effect.

    Attributes:
        needs: how far the deal is that it makes it of.
        act: does it, of the deal with that id.
    """

    needs: Needs
    act: Act


async def forged_receipt(issuer: Issuer, deal: bytes) -> Entry:
    """A sale whose buyer neither paid nor received anything: it says so in its own name and in the buyer's."""
    paid = issuer.says(deal, bodies.PaymentReceived(amount=issuer.crook.known(deal).state.figures.price))
    received = issuer.forges(deal, bodies.Receive(part=0))
    return await issuer.wrongly("not_signed", *parts_of(issuer.sale(deal, paid, received)))


async def sale_unpaid(issuer: Issuer, deal: bytes) -> Entry:
    """A sale of an order that it accepted and no more: there are awards without a receipt."""
    content = issuer.sale(deal, *_completion(issuer, deal))
    known = tuple(each.data for each in issuer.crook.known(deal).ordered())
    return await issuer.wrongly("no_receipt", *parts_of(msgspec.structs.replace(content, messages=known)))


async def award_to_friend(issuer: Issuer, deal: bytes) -> Entry:
    """The sale as it was, with what its referrer earned credited to somebody else."""
    content = issuer.sale(deal)
    awards = tuple(AwardLine(issuer.friend, each.rule, each.level, each.amount) for each in content.awards)
    return await issuer.wrongly("awards_differ", *parts_of(msgspec.structs.replace(content, awards=awards)))


async def award_to_itself(issuer: Issuer, deal: bytes) -> Entry:
    """The sale as it was, with an award to itself beside that of the referrer."""
    content = issuer.sale(deal)
    first = content.awards[0]
    awards = (*content.awards, AwardLine(issuer.id, first.rule, first.level + 1, first.amount))
    return await issuer.wrongly("awards_differ", *parts_of(msgspec.structs.replace(content, awards=awards)))


async def path_dropped(issuer: Issuer, deal: bytes) -> Entry:
    """The sale as if nobody had led its buyer there."""
    content = msgspec.structs.replace(issuer.sale(deal), path=UNSET, awards=())
    return await issuer.wrongly("path_differs", *parts_of(content))


async def plan_switched(issuer: Issuer, deal: bytes) -> Entry:
    """The sale by a tenth of the commission that the order names, and by the plan of that."""
    content = issuer.sale(deal)
    known = issuer.book().governing
    awards = tuple(
        AwardLine(each.to, each.rule, each.level, max(1, each.amount // 10)) for each in content.awards
    )
    other = known.commission(100, UNIT).hash
    assert other != content.plan  # it asked for more
    return await issuer.wrongly(
        "plan_differs", *parts_of(msgspec.structs.replace(content, plan=other, awards=awards))
    )


async def logged_again(issuer: Issuer, deal: bytes) -> Entry:
    """The sale once more, as if it were another one, with the awards once more."""
    return await issuer.wrongly("deal", *issuer.logged(deal))


async def refund_alone(issuer: Issuer, deal: bytes) -> Entry:
    """A refund that it says it sent, and that its buyer did not confirm."""
    return await _refund(issuer, deal, "no_reduction", issuer.says(deal, _sent(issuer, deal)))


async def refund_forged(issuer: Issuer, deal: bytes) -> Entry:
    """A refund that it confirms in the name of its buyer."""
    sent = issuer.says(deal, _sent(issuer, deal))
    price = issuer.crook.known(deal).state.figures.price
    back = issuer.forges(deal, bodies.RefundReceived(amount=price, total=price))
    return await _refund(issuer, deal, "not_signed", sent, back)


async def freeze_alone(issuer: Issuer, deal: bytes) -> Entry:
    """A dispute of its own: what is pending is not to become payable."""
    said = issuer.says(deal, bodies.Dispute(claim=0))
    record = Freeze(messages=(said.data,), openers=(), order=deal)
    return await issuer.wrongly("no_dispute", record)


async def transfer_unasked(issuer: Issuer, deal: bytes) -> Entry:
    """Moves the referrer's credit to its friend by a request that the referrer did not sign."""
    request = issuer.request(deal, "transfer")
    return await issuer.wrongly("not_signed", Transfer(openers=(), request=request))


async def payout_unasked(issuer: Issuer, deal: bytes) -> Entry:
    """Says in the referrer's name that it has paid."""
    return await issuer.wrongly("not_signed", Payout(openers=(), request=issuer.request(deal, "payout")))


def parts_of(content: SaleContent) -> tuple[SalePart, ...]:
    """The records that carry a sale."""
    return cut(SalePart, encode_content(content))


def _completion(issuer: Issuer, deal: bytes) -> tuple[Message, ...]:
    price = issuer.crook.known(deal).state.figures.price
    paid = issuer.says(deal, bodies.PaymentReceived(amount=price))
    return paid, issuer.forges(deal, bodies.Receive(part=0))


def _sent(issuer: Issuer, deal: bytes) -> bodies.Refund:
    return bodies.Refund(amount=issuer.crook.known(deal).state.figures.price)


async def _refund(issuer: Issuer, deal: bytes, code: str, *said: Message) -> Entry:
    record = RefundEntry(base=0, messages=tuple(each.data for each in said), openers=(), order=deal)
    return await issuer.wrongly(code, record)


CREDIT_DEEDS: Final[Mapping[str, Deed]] = {
    "forged-receipt": Deed("accepted", forged_receipt),
    "sale-unpaid": Deed("accepted", sale_unpaid),
    "award-to-friend": Deed("received", award_to_friend),
    "award-to-itself": Deed("received", award_to_itself),
    "path-dropped": Deed("received", path_dropped),
    "plan-switched": Deed("received", plan_switched),
    "logged-again": Deed("logged", logged_again),
    "refund-alone": Deed("logged", refund_alone),
    "refund-forged": Deed("logged", refund_forged),
    "freeze-alone": Deed("logged", freeze_alone),
    "transfer-unasked": Deed("logged", transfer_unasked),
    "payout-unasked": Deed("logged", payout_unasked),
}
"""What a dishonest issuer logs, by name."""
