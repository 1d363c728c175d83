"""Credit at the end, once nobody is in the way: all nodes compute the same, and what was told came to pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final

from msgspec import UNSET

from netnode.conformance.holdings import Effect, Holding, union
from netnode.ledgers.ledger import Ledger
from netnode.operations import models
from netnode.problems import Problem
from netnode.services.node_services import NodeServices
from netnode.simulator.crediting.auditing import LATER_MS, Audit, plain
from netnode.simulator.crediting.watching import CreditWatch
from netnode.simulator.dealt import Side, judged, sides
from netnode.simulator.nodes import SimNode
from netnode.simulator.oracle import Oracle, Violation
from netnode.store import shop, swaps
from netnode.store.swaps import SwapRow
from protocol.certificate import DAY_MS
from protocol.deals.bodies import Order
from protocol.deals.message import first_order
from protocol.deals.state import DealState
from protocol.ledger import effects
from protocol.ledger.effects import Stage
from protocol.ledger.statements import Swap, read
from protocol.ledger.union import Branch

_PAGE: Final = 500
AWAY_MS: Final = 17 * DAY_MS  # why: longer than anybody is away at a time
OVER: Final = frozenset({"logged", "refused"})
ENDED: Final = frozenset({"back", "declined", "given", "over"})  # of a swap as its holders see it

Figures = Mapping[tuple[str, bytes, int], Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Computed:
    """What one node computes of one log.

    Attributes:
        tip: id of the newest entry.
        branches: heads of all that the figures rest on.
        figures: by unit, holder and moment.
        unknown: seq from which on nothing can be said.
        wrong: seq and code of entries without effect.
    """

    tip: bytes
    branches: tuple[Branch, ...]
    figures: Figures
    unknown: int | None
    wrong: tuple[tuple[int, str], ...]


async def require_equal_figures(core: Sequence[SimNode], oracle: Oracle, watch: CreditWatch, now: int) -> int:
    """All nodes that hold a log compute the same from it, which is what its bytes come to.

    Args:
        core: honest, up, and level.
        oracle: whose logs.
        watch: folded the same logs.
        now: ms UTC.

    Returns:
        How many figures were compared.

    Raises:
        Violation: `figures`.
    """
    count = 0
    for issuer in sorted({oracle.homes[node.name] for node in core}):
        known: dict[tuple[object, ...], tuple[str, Computed]] = {}
        for node in core:
            found = await _computed(node, issuer, now)
            if found is None:
                continue
            audit = watch.audit_at(issuer, found.tip)
            if audit is None:
                raise Violation(
                    "figures", f"{node.name} is at an entry of {oracle.label(issuer)} that nobody looked at"
                )
            if found.unknown is None and not found.branches:
                _require_audited(node.name, oracle.label(issuer), found, audit)
            elif found.unknown is None:
                _require_union(node.name, oracle.label(issuer), found, watch.audits(issuer))
            name, before = known.setdefault((found.tip, found.branches, found.unknown), (node.name, found))
            if before != found:
                raise Violation(
                    "figures", f"{name} and {node.name} compute different figures of {oracle.label(issuer)}"
                )
            count += len(found.figures)
    return count


async def _computed(node: SimNode, issuer: bytes, now: int) -> Computed | None:
    parts = node.parts
    assert parts is not None  # the core is up
    try:
        return await parts.ledgers.ask(issuer, partial(_read, now))
    except Problem:  # not held here, or not from its beginning
        return None


def _read(now: int, ledger: Ledger) -> Computed:
    assert ledger.tip is not None  # folded
    figures = {
        (unit, holder, at): asdict(ledger.figures(unit, holder, at))
        for unit in ledger.units()
        for holder in sorted(ledger.holders(unit))
        for at in (now, now + LATER_MS)
    }
    branches = () if ledger.union is None else ledger.union.branches
    wrong = tuple((each.seq, each.code) for each in ledger.wrong)
    return Computed(ledger.tip.id, branches, figures, ledger.book.unknown, wrong)


def _require_audited(name: str, whose: str, found: Computed, audit: Audit) -> None:
    for (unit, holder, at), figures in found.figures.items():
        if asdict(audit.book.figures(unit, holder, at)) != figures:
            raise Violation("figures", f"{name} computes other figures of {whose} than its log comes to")
    if found.wrong != tuple((each.seq, each.code) for each in audit.wrong):
        raise Violation("figures", f"{name} finds other entries of {whose} without effect than there are")


def _require_union(name: str, whose: str, found: Computed, audits: Sequence[Audit]) -> None:
    """Figures of several branches are those of all their effects together, joined a second time [L13]."""
    branches: list[Mapping[bytes, Effect]] = []
    for _, head in found.branches:
        audit = next((each for each in audits if head in each.after), None)
        if audit is None:
            raise Violation("figures", f"{name} counts a branch of {whose} that nobody looked at")
        branches.append({id: plain(value) for id, value in audit.after[head].items()})
    joined = union(branches)
    for (unit, holder, at), figures in found.figures.items():
        if Holding(joined, unit, holder, at).figures != figures:
            raise Violation("figures", f"{name} computes other figures of {whose} than its branches come to")


async def require_requests(core: Sequence[SimNode], oracle: Oracle, watch: CreditWatch) -> int:
    """Every request that was told is there, and logged or refused; what was said to be logged is.

    Of what a home put back has forgotten it finds again what the logs have [R-CRED-77], and no request of an honest
    holder has the counter of another one [R-CRED-72].

    Returns:
        How many are logged.

    Raises:
        Violation: `requests`.
    """
    logged = 0
    names = {oracle.homes[node.name]: node for node in core}
    for node in core:
        told = oracle.credits.requests.get(node.name, {})
        lost = oracle.credits.lost.get(node.name, {})
        found = await node.ask(_requests) if told or lost else {}
        for name, asked in told.items():
            row = found.get(name)
            if row is None:
                raise Violation(
                    "requests", f"{node.name} lost its request: {asked.what} of second {asked.at:.0f}"
                )
            # One put back has forgotten what was asked of it, and owes no word to a challenge that nothing covers.
            forgotten = asked.issuer in oracle.put_back
            if asked.issuer in names and row.state not in OVER and not forgotten:
                whose = oracle.label(asked.issuer)
                raise Violation(
                    "requests", f"the request of {node.name} to {whose} is {row.state}: {asked.what}"
                )
            if row.code == "counter" and not oracle.may_fork(oracle.homes[node.name], 0):
                raise Violation("requests", f"{node.name} used a counter twice: {asked.what}")
            logged += row.state == "logged"
        for name, asked in lost.items():
            if name not in found and _holds(watch, asked.issuer, b"m" + bytes.fromhex(name)):
                text = f"{node.name} was put back and does not find what {oracle.label(asked.issuer)} logged for it"
                raise Violation("requests", f"{text}: {asked.what}")
        for name, asked in oracle.credits.done.get(node.name, {}).items():
            if not _holds(watch, asked.issuer, b"m" + bytes.fromhex(name)):
                whose = oracle.label(asked.issuer)
                raise Violation(
                    "requests", f"{node.name} was told that {whose} logged what is nowhere: {asked.what}"
                )
    return logged


async def _requests(services: NodeServices) -> dict[str, models.CreditRequest]:
    page = await services.credits.requests(models.CreditRequestsQuery(limit=_PAGE))
    return {each.request: each for each in page.items if each.own}


def require_sales(core: Sequence[SimNode], oracle: Oracle, watch: CreditWatch, now: int) -> int:
    """Each sale that a link brought about is in its seller's log, and pays by what the deal came to.

    Returns:
        How many are.

    Raises:
        Violation: `sales`.
    """
    count = 0
    names = {oracle.homes[node.name]: node for node in core}
    proved = {
        each.deal
        for each in oracle.credits.shoppers
        if each.proved and oracle.homes.get(each.host) in names.keys() - oracle.put_back
    }
    for deal, kept in sides(core).items():
        selling = next((side for side in kept if side.role == "seller"), None)
        link = oracle.credits.led.get(deal)
        if selling is None or link is None or link.seller not in names:
            continue
        state = judged(selling, now)
        base = state.figures.base
        sold = _value(watch, link.seller, b"s" + deal)
        who = names[link.seller].name
        if sold is None:
            told = deal in proved or _provable(core, deal)
            if base > 0 and _owes(first_order(state.start)) and told:
                raise Violation(
                    "sales", f"{who} sold {deal.hex()[:10]} by a recommendation, and its log does not say so"
                )
            continue
        assert isinstance(sold, effects.Sold)
        if base > sold.base:
            raise Violation(
                "sales", f"the log of {who} has {sold.base} as the base of {deal.hex()[:10]}, not {base}"
            )
        if base < sold.base and link.seller not in oracle.put_back:
            _require_taken_back(watch, link.seller, selling, state, who)
        count += 1
    return count


def _require_taken_back(watch: CreditWatch, seller: bytes, selling: Side, state: DealState, who: str) -> None:
    """What was given back, or ruled, long before the end of the hold is taken off in the log [L11].

    Raises:
        Violation: `sales`.
    """
    said = [] if state.ruling is None else [state.ruling.time]
    refunds = [each for each in selling.messages.values() if each.type == "refund_received"]
    said += [each.time for each in refunds if state.verdicts.get(each.id, "waits") is None]
    files = [audit.book.state.orders.get(selling.row.id) for audit in watch.audits(seller)]
    holds = [file.hold for file in files if file is not None]
    if len(files) == 1 and holds and said and max(said) + AWAY_MS < holds[0]:
        raise Violation(
            "sales", f"the log of {who} says nothing of what was taken off {selling.row.id.hex()[:10]}"
        )


def _owes(order: Order) -> bool:
    """Whether an order came by a path, and names what that is worth: without a plan or commission nobody is owed."""
    return order.path is not UNSET and (order.commission is not UNSET or order.plan is not UNSET)


def _provable(core: Sequence[SimNode], deal: bytes) -> bool:
    """Whether any node is a witness of a deal that was received: one put back may have forgotten."""
    rows = [
        node.parts.store.reading(lambda reader: shop.witness(reader, deal))
        for node in core
        if node.parts is not None
    ]
    return any(row is not None and row.receipts for row in rows)


def open_swaps(core: Sequence[SimNode], oracle: Oracle, watch: CreditWatch) -> list[str]:
    """The swaps of which something can still come, in sentences: locked, or half done, or waited for by a holder.

    Args:
        core: honest, up, and level.
        oracle: whose nodes they are.
        watch: folded the same logs.
    """
    names = {oracle.homes[node.name] for node in core}
    found = []
    for name, row in _swaps(core):
        document = read(Swap, row.data)
        if not {document.first.issuer, document.second.issuer} <= names:
            continue
        if row.role in ("first", "second") and row.stage not in ENDED:
            found.append(f"{name} waits for its swap {row.proposal.hex()[:10]}, which is {row.stage}")
        if row.id is not None and (locked := _sides(watch, row.id, document))[0] is Stage.LOCKED:
            found.append(f"the swap {row.proposal.hex()[:10]} is locked, and {locked[1]} at the other issuer")
    return sorted(set(found))


def require_swaps(core: Sequence[SimNode], oracle: Oracle, watch: CreditWatch) -> int:
    """Each swap is done on both sides, or on none; those that holders were told are on disk are there.

    Returns:
        How many are done.

    Raises:
        Violation: `swaps`.
    """
    given: set[bytes] = set()
    rows = _swaps(core)
    for name, row in rows:
        if row.id is None:
            continue
        first, second = _sides(watch, row.id, read(Swap, row.data))
        if (first is Stage.GIVEN) != (second is Stage.GIVEN):
            raise Violation(
                "swaps", f"the swap {row.proposal.hex()[:10]} is {first} on one side, {second} on the other"
            )
        if (
            row.role in ("first", "second")
            and row.due is None
            and (row.stage == "given") != (first is Stage.GIVEN)
        ):
            raise Violation("swaps", f"{name} says that a swap is {row.stage}, and the log says {first}")
        if first is Stage.GIVEN:
            given.add(row.id)
    known = {(name, row.proposal.hex()) for name, row in rows}
    for node in core:
        for swap, at in oracle.credits.swaps.get(node.name, {}).items():
            if (node.name, swap) not in known:
                raise Violation("swaps", f"{node.name} lost its swap {swap[:10]} of second {at:.0f}")
    return len(given)


def _swaps(core: Sequence[SimNode]) -> list[tuple[str, SwapRow]]:
    found = []
    for node in core:
        assert node.parts is not None  # up
        rows = node.parts.store.reading(
            lambda reader: swaps.page(reader.connection, None, _PAGE, waiting=False)
        )
        found += [(node.name, row) for row in rows]
    return found


def _sides(watch: CreditWatch, id: bytes, document: Swap) -> tuple[Stage | None, Stage | None]:
    """How far a swap is in the logs of both issuers; None: it is not there."""
    first, second = (_value(watch, each.issuer, b"w" + id) for each in (document.first, document.second))
    return (
        first.stage if isinstance(first, effects.Swapped) else None,
        second.stage if isinstance(second, effects.Swapped) else None,
    )


def _value(watch: CreditWatch, issuer: bytes, id: bytes) -> effects.Value | None:
    """An effect as any branch of a log has it."""
    found: effects.Value | None = None
    for audit in watch.audits(issuer):
        value = audit.book.effects.get(id)
        if value is not None:
            found = value if found is None else effects.join(found, value)
    return found


def _holds(watch: CreditWatch, issuer: bytes, id: bytes) -> bool:
    return _value(watch, issuer, id) is not None
