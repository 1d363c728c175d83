"""A swap of two issuers' credits, step by step, each side honest or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from protocol.entry import Entry
from protocol.ledger.book import Verdict
from protocol.ledger.statements import Leg, Swap, sign_swap
from protocol.records import Lock, SwapEntry, encode_record
from protocol.records.fields import Place
from protocol.records.plan import Path
from tests.protocol.author import NETWORK, START, Author
from tests.protocol.ledger.world import DAY, HOLD, UNIT, World


class Bench:
    """Two issuers, X and Y; ann holds X's credit and wants Y's, bob the other way round.

    Args:
        cover: what ann and bob were credited, minor units.
        admitted: whether they are members; else the plan needs no team.
    """

    def __init__(self, cover: tuple[int, int] = (1_000, 1_000), *, admitted: bool = True) -> None:
        self.x = World("issuer-x", between=self.between)
        self.y = World("issuer-y", between=self.between)
        self.held = True  # whether each log's readers hold the other log
        self.branches: list[list[Entry]] = []  # of Y's log, besides the one that goes on
        for world, name, amount in ((self.x, "ann", cover[0]), (self.y, "bob", cover[1])):
            world.people = self.x.people
            if admitted:
                world.publish()
                world.join(name)
            else:
                rule = Path(depth=1, first=(1, 10), mode="flat", name="path")
                world.publish(opportunity=UNSET, path=(rule,), team=UNSET, unilevel=())
            if amount:
                credit(world, name, amount)
            world.now = max(world.now, START + 2 * HOLD)
        self.start = START + 2 * HOLD + DAY
        self.until = self.start + DAY

    def between(self, author: bytes, first: Place, last: Place) -> Sequence[Entry] | None:
        """Any branch of a log that was ever written here."""
        world = self.x if author == self.x.issuer.id else self.y
        for entries in (world.issuer.entries, *self.branches):
            if (
                self.held
                and last[0] < len(entries)
                and entries[last[0]].id == last[1]
                and entries[last[0]].author == author
            ):
                return entries[first[0] + 1 : last[0] + 1]
        return None

    def fork(self) -> None:
        """Y's log goes on from here on another branch as well; `self.y` writes the new one."""
        self.branches.append(list(self.y.issuer.entries))

    def document(self, amounts: tuple[int, int] = (600, 400), **fields: Any) -> bytes:
        ann, bob = self.x.who("ann"), self.x.who("bob")
        head = self.y.issuer.entries[-1]
        first = Leg(
            amount=amounts[0],
            counter=self.x.counter("ann"),
            epoch=0,
            holder=ann.id,
            issuer=self.x.issuer.id,
            unit=UNIT,
        )
        second = Leg(
            amount=amounts[1],
            counter=self.y.counter("bob"),
            epoch=0,
            holder=bob.id,
            issuer=self.y.issuer.id,
            unit=UNIT,
        )
        whole: dict[str, Any] = {
            "first": first, "head": (head.seq, head.id), "second": second, "signatures": (bytes(64), bytes(64)),
            "until": self.until,
        }  # fmt: skip
        return sign_swap(NETWORK, ann.signer, bob.signer, Swap(**(whole | fields)))

    def openers(self, *who: Author) -> tuple[Any, ...]:
        return tuple(tuple(entry.wire() for entry in each.entries if entry.is_opener) for each in who)

    @property
    def holders(self) -> tuple[Author, Author]:
        return self.x.who("ann"), self.x.who("bob")

    def lock(self, document: bytes, at: int | None = None) -> Verdict:
        """X's lock."""
        record = Lock(document=document, openers=self.openers(*self.holders))
        return self.x.write(record, at=self.start if at is None else at)

    def swap(self, document: bytes, at: int | None = None, lock: Entry | None = None) -> Verdict:
        """Y's swap, with X's newest entry as the lock."""
        found = self.x.issuer.entries[-1] if lock is None else lock
        record = SwapEntry(
            document=document, lock=(tuple(found.wire()),), openers=self.openers(*self.holders, self.x.issuer)
        )
        return self.y.write(record, at=self.start + 1 if at is None else at)

    def give(self, document: bytes, at: int | None = None, swap: Entry | None = None) -> Verdict:
        """X ends the lock with Y's swap embedded."""
        found = self.y.issuer.entries[-1] if swap is None else swap
        record = SwapEntry(
            document=document, openers=self.openers(self.y.issuer), swap=(tuple(found.wire()),)
        )
        return self.x.write(record, at=at)

    def pin(self, document: bytes, head: Place, last: Entry, at: int | None = None) -> Verdict:
        """X ends the lock by two places of Y's log."""
        record = SwapEntry(document=document, openers=(), pins=(head, (last.seq, last.id)))
        return self.x.write(record, at=at)

    def pass_time(self, at: int) -> Entry:
        """Y writes something that is no swap."""
        entry = self.y.issuer.after(self.y.issuer.entries[-1], 5, encode_record(_withdraw()), time=at)
        self.y.issuer.entries.append(entry)
        self.y.book.take(entry)
        return entry


def _withdraw() -> Any:
    from protocol.records import Withdraw

    return Withdraw(salt=bytes(range(1, 17)), key="thing")


def credit(world: World, name: str, amount: int) -> None:
    """Has somebody credited exactly so much, posted after the hold."""
    path = world.path(name)
    deal = world.deal(amount * 10, path=path).complete()
    verdict = world.sell(deal, path=path)
    assert verdict.code is None, verdict
