"""Own plans: checked, published, and from when on they hold [R-CRED-19; R11]."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from msgspec import UNSET

from netnode.issuing.appending import Appending, Next
from netnode.ledgers.ledger import Ledger
from netnode.ledgers.ledgers import Ledgers
from netnode.problems import ExitCode, Problem
from protocol.errors import Void
from protocol.ledger.book import Book
from protocol.plans.linting import Report, lint
from protocol.records import Plan, Record, encode_record


@dataclass(frozen=True, slots=True)
class Published:
    """A plan in the own log: its hash, its place, since when it holds (ms UTC), and what is to be said of it."""

    hash: bytes
    seq: int
    starts: int
    report: Report


class Plans:
    """Publishes plans.

    Args:
        own: networker id of the owner.
        ledgers: fold the own log.
        appending: appends to it.
    """

    def __init__(self, own: bytes, ledgers: Ledgers, appending: Appending) -> None:
        self._own = own
        self._ledgers = ledgers
        self._appending = appending

    async def publish(self, plan: Plan) -> Published:
        """Publishes a plan that the rules allow; on disk when it returns.

        Raises:
            Problem: `plan_void` (4), with the findings: INX does not allow such a plan; `already_logged` (4): this very
                plan is published; `no_opportunity` (3); the log takes no entries now.
        """
        report = lint(plan)
        if report.compiled is None:
            reasons = [f"{each.rule}: {each.text}" for each in report.findings]
            raise Problem(
                f"This plan is not published, it would be void: {' '.join(reasons)}",
                ExitCode.REFUSED,
                "plan_void",
                {"findings": [[each.rule, each.verdict, each.text] for each in report.findings]},
            )
        key = plan.opportunity
        if isinstance(key, str):
            ledger = await self._ledgers.of(self._own)
            if key not in ledger.opportunities:
                raise Problem(
                    f"You have no opportunity {key!r}. Publish it first: netnode opportunity publish --help",
                    ExitCode.NOT_FOUND,
                    "no_opportunity",
                )
        digest = hashlib.sha256(encode_record(plan)).digest()

        def make(book: Book, place: Next) -> tuple[Record, ...]:
            if book.governing.find(digest) is not None:
                raise Problem(
                    "This very plan is published already. Change something, its title for instance.",
                    ExitCode.REFUSED,
                    "already_logged",
                )
            return (plan,)

        try:
            entries = await self._appending.append(make)
        except Void as void:
            raise Problem(f"This plan is not published: {void.text}.", ExitCode.REFUSED, void.code) from void
        starts = await self._ledgers.ask(self._own, lambda ledger: _starts(ledger.book, digest))
        return Published(digest, entries[0].seq, starts, report)


def plan_of(ledger: Ledger, listing: str, now: int) -> bytes | None:
    """Hash of the plan that a sale of a listing follows when it is ordered now [R-CRED-71].

    It is the plan in force of an opportunity whose products name the listing, of several the one with the lowest key;
    None: no plan holds for it.

    Args:
        ledger: of the seller.
        listing: its key.
        now: ms UTC.
    """
    for key in sorted(ledger.opportunities):
        products = ledger.opportunities[key].record.products
        if products is UNSET or listing not in products:
            continue
        for each in ledger.book.governing.all():
            if each.opportunity == key and each.starts <= now and (each.ends is None or now < each.ends):
                return each.hash
    return None


def _starts(book: Book, digest: bytes) -> int:
    found = book.governing.find(digest)
    assert found is not None  # published just now
    return found.starts
