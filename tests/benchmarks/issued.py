"""An issuer's log for W5: a team of members admitted as everywhere, and sales of theirs to buyers of their own.

Everything is signed by whom it has to be, so that a fold that checks all signatures finds nothing void; while the log
is made, nobody checks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import UNSET

from protocol import paths
from protocol.deals import message
from protocol.deals.bodies import Accept, Order, Part, PaymentReceived, Receive, Terms
from protocol.entry import Entry
from protocol.ledger.book import Book
from protocol.ledger.contents import SaleContent, encode_content
from protocol.ledger.drafting import sale_with_awards
from protocol.ledger.groups import cut
from protocol.paths import Path
from protocol.records import SalePart, encode_record
from protocol.records.plan import Plan, RankRates, Unilevel
from protocol.signing import Signer
from tests.protocol.author import NETWORK, START, Author, seed
from tests.protocol.ledger.world import UNIT, World, plan_record
from tests.protocol.teams.made import DAY, KEY, Play

ISSUER: Final = "issuer"
LEVELS: Final = 7
EVERY: Final = 20_000  # ms from one sale to the next
TERMS: Final = Terms(
    accept_by=DAY, confirm_by=DAY, dispute_until=30 * DAY, fulfil_by=10 * DAY, pay_by=DAY, ruling_by=DAY
)


def seven_levels() -> Plan:
    """A unilevel of seven levels, paid with each sale."""
    rates = tuple((part, 100) for part in (10, 5, 4, 3, 2, 2, 1))
    return plan_record(
        opportunity=KEY,
        unilevel=(Unilevel(compression="none", name="level", rates=(RankRates(rates=rates),)),),
    )


def _trusted(key: bytes, signature: bytes, data: bytes) -> bool:
    """In the place of `verify` while the log is made: nothing in it is forged."""
    return True


class Issuer:
    """The log and its fold, while it is made.

    Args:
        plan: of the team.
        members: by name, each with the name of its sponsor; None for the issuer.
    """

    def __init__(self, plan: Plan, members: Sequence[tuple[str, str | None]]) -> None:
        self.world = World(ISSUER, verify=_trusted)
        self.author = self.world.issuer
        self.world.write(plan)
        (governed,) = self.world.book.governing.all()
        self.plan = governed.hash
        self.listing = self.world.listing()
        self.sales = 0
        self.people: dict[str, Author] = {}
        self._paths: dict[str, Path] = {}
        self._admit(members)
        self.now = self.author.entries[-1].time

    @property
    def book(self) -> Book:
        """The fold of the log so far."""
        return self.world.book

    @property
    def entries(self) -> list[Entry]:
        """The log so far."""
        return self.author.entries

    def _admit(self, members: Sequence[tuple[str, str | None]]) -> None:
        play = Play(self.author)
        self.people = play.people
        play.now = self.author.entries[-1].time
        papers = [play.admission(name, sponsor or "owner", wait=0) for name, sponsor in members]
        play.now += 7 * DAY
        for record in papers:
            verdict = self.book.take(play.log(record))
            assert verdict.code is None, verdict

    # -- sales -----------------------------------------------------------------------------------------------
    def content(self, book: Book, member: str, price: int, at: int) -> SaleContent:
        """The content of a sale by a member that went straight, without its awards.

        Args:
            book: of the log that it is for.
            member: who led the buyer here.
            price: minor units.
            at: date of the receipt, ms UTC.
        """
        self.sales += 1
        path = self._path(member)
        buyer = Signer(seed("buyer", self.sales))
        first = self.listing.id not in book.state.listings
        body = Order(
            currency="EUR",
            enclosed=seed("goods", self.sales),
            key=buyer.public,
            listing=self.listing.id,
            parts=(Part(price=price),),
            path=paths.path_hash(NETWORK, path),
            plan=self.plan,
            seller=self.author.id,
            terms=TERMS,
        )

        def say(signer: Signer, role: Any, said: Any, number: int, *before: bytes) -> message.Message:
            own = before[0] if number else None
            return message.sign(
                NETWORK, signer, body=said, deal=None if said is body else order.id, role=role, number=number,
                previous=own, seen=before[1:] if number else before, time=at,
                epoch=None if role == "buyer" else 0,
            )  # fmt: skip

        order = say(buyer, "buyer", body, 0)
        accept = say(
            self.author.signer,
            "seller",
            Accept(key=body.key, listing=body.listing, path=body.path),
            0,
            order.id,
        )
        paid = say(self.author.signer, "seller", PaymentReceived(amount=price), 1, accept.id, order.id)
        received = say(buyer, "buyer", Receive(part=0), 1, order.id, paid.id)
        return SaleContent(
            awards=(),
            listing=tuple(self.listing.wire()) if first else UNSET,  # type: ignore[arg-type]
            messages=(order.data, accept.data, paid.data, received.data),
            openers=(),
            path=path.encode(),
            plan=self.plan,
        )

    def records(self, book: Book, member: str, price: int, seq: int, at: int) -> tuple[SalePart, ...]:
        """A sale with its awards, as it would stand at a place of the log."""
        draft = self.content(book, member, price, at)
        return cut(SalePart, encode_content(sale_with_awards(book.state, draft, seq=seq, time=at)))

    def sell(self, member: str, price: int) -> None:
        """Appends a sale."""
        self.now += EVERY
        tip = self.entries[-1]
        for part in self.records(self.book, member, price, tip.seq + 1, self.now):
            entry = self.author.after(tip, SalePart.KIND, encode_record(part), time=self.now)
            self.entries.append(entry)
            verdict = self.book.take(entry)
            assert verdict.code is None, verdict

    def _path(self, member: str) -> Path:
        if member not in self._paths:
            by = self.people[member]
            token = paths.sign_referral(
                NETWORK,
                by.signer,
                referrer=by.id,
                epoch=0,
                seller=self.author.id,
                expires=START + 10_000 * DAY,
            )
            self._paths[member] = paths.path_of(seed("path", member)[:16], [token])
        return self._paths[member]


def line_of(members: int) -> list[tuple[str, str | None]]:
    """Members of whom nearly all have more than seven others above them."""
    return [
        (f"m{number}", None if number == 0 else f"m{max(0, number - 1 - number % 3)}")
        for number in range(members)
    ]


__all__ = ["KEY", "LEVELS", "NETWORK", "START", "UNIT", "Issuer", "line_of", "seven_levels"]
