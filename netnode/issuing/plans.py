"""Own plans: checked, published, and from when on they hold [R-CRED-19; R11]."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from msgspec import UNSET

from netnode.deals.known import Known
from netnode.deals.selling import offer_of
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

    async def apart(self, known: Known) -> list[str]:
        """How the plan that an order to the owner names is not the one that holds, in sentences [R-CRED-71].

        Raises:
            Problem: the disk.
        """
        order, goods = known.order, known.goods
        if known.role != "seller" or known.state.contract or order.plan is UNSET or goods is None:
            return []
        offer = offer_of(order)
        if offer is not None and offer.quote is not UNSET:
            return []  # the owner has quoted the plan with the rest
        listing = next((line.key for line in goods.lines if line.key is not UNSET), "")
        named, ordered, now = order.plan, known.state.start.time, known.now
        try:
            holds = await self._ledgers.ask(
                self._own, lambda ledger: _binds(ledger, listing, named, ordered, now)
            )
        except Problem as problem:
            if problem.exit_code not in (ExitCode.REFUSED, ExitCode.NOT_FOUND):
                raise
            return ["it names a plan, and your own ledger cannot be read now to see whether it holds"]
        return [] if holds else [f"it names a plan that does not hold for that listing, {named.hex()[:10]}"]

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
                    f"The plan is for the opportunity {key!r}, which you have not published. "
                    + (
                        f'Name one of yours in the plan, as opportunity = "{sorted(ledger.opportunities)[0]}"'
                        if ledger.opportunities
                        else "Publish it first: netnode opportunity publish --help"
                    ),
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
            book.governing.require_unit(plan.unit)
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
    else the newest plan without a team. None: no plan holds for it.

    Args:
        ledger: of the seller.
        listing: its key.
        now: ms UTC.
    """
    found, other = plans_of(ledger, (listing,), now)
    return found.get(listing, other)


def plans_of(ledger: Ledger, listings: Iterable[str], now: int) -> tuple[dict[str, bytes], bytes | None]:
    """The same of many listings: what opportunities name, by key, and the plan that holds for any other."""
    in_force: dict[str, bytes] = {}
    other: bytes | None = None
    for each in ledger.book.governing.all():
        if not each.holds(now, now):
            continue
        if each.opportunity is None:
            other = each.hash
        else:
            in_force.setdefault(each.opportunity, each.hash)
    found: dict[str, bytes] = {}
    wanted = frozenset(listings)
    for key in sorted(in_force.keys() & ledger.opportunities.keys()):
        products = ledger.opportunities[key].record.products
        for product in () if products is UNSET else products:
            if product in wanted:
                found.setdefault(product, in_force[key])
    return found, other


def _binds(ledger: Ledger, listing: str, named: bytes, ordered: int, now: int) -> bool:
    """Whether a plan is the one of a listing, when it was ordered or now, and in force at a contract of now.

    Why either: one that the buyer did not know of yet may hold by now, one that held then may have been replaced.
    """
    plan = ledger.book.governing.find(named)
    if plan is None or not plan.holds(ordered, now):
        return False
    return named in (plan_of(ledger, listing, ordered), plan_of(ledger, listing, now))


def _starts(book: Book, digest: bytes) -> int:
    found = book.governing.find(digest)
    assert found is not None  # published just now
    return found.starts
