"""Which plan an order of a listing names: what the seller's log says, and what a node tells a shopper; R-CRED-71."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from netnode.conformance.awards import Payer
from netnode.conformance.entries import Entry
from netnode.conformance.faults import Fault
from netnode.conformance.limits import MILLISECONDS_PER_DAY
from netnode.conformance.records import read_record
from netnode.conformance.tags import sha256

_PLAN: Final = 10
_OPPORTUNITY: Final = 13

Map = dict[str, Any]


@dataclass(slots=True)
class _Plan:
    """One plan of a log: since when it holds, and until when; None: it has not ended."""

    hash: bytes
    key: str | None
    notice: int
    starts: int
    ends: int | None = None

    def holds(self, now: int) -> bool:
        return self.starts <= now and (self.ends is None or now < self.ends)


def plan_named(entries: Sequence[Entry], listing: str, now: int) -> bytes | None:
    """Hash of the plan that an order made now names [R-CRED-19, R-CRED-71].

    Args:
        entries: the seller's log, from its beginning.
        listing: key of what is ordered, a listing without a commission.
        now: ms UTC.
    """
    plans: list[_Plan] = []
    products: dict[str, list[str]] = {}
    for entry in entries:
        if entry.record is None or entry.header.kind not in (_PLAN, _OPPORTUNITY):
            continue
        try:
            record = read_record(entry.header.kind, entry.record)
            if entry.header.kind == _PLAN:
                _publish(plans, entry, record)
            else:
                products[record["key"]] = record.get("products", [])
        except Fault:
            continue  # without effect
    for key in sorted(products, key=str.encode):
        for plan in plans:
            if listing in products[key] and plan.key == key and plan.holds(now):
                return plan.hash
    alone = [plan.hash for plan in plans if plan.key is None and plan.holds(now)]
    return alone[-1] if alone else None


def _publish(plans: list[_Plan], entry: Entry, record: Map) -> None:
    """Takes in a plan.

    Raises:
        Fault: it is void.
    """
    digest = sha256(entry.record or b"")
    if any(plan.hash == digest for plan in plans):
        return
    found = _Plan(digest, record.get("opportunity"), Payer(record).plan["notice_days"], entry.header.time)
    before = [plan for plan in plans if found.key is not None and plan.key == found.key]
    if before:
        last = before[-1]
        found.starts = last.ends = max(found.starts, last.starts) + last.notice * MILLISECONDS_PER_DAY
    plans.append(found)
