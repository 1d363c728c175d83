"""What was asked for in public: both implementations say the same of it, and honest issuers have answered [L14]."""

from __future__ import annotations

from collections.abc import Sequence

from netnode.conformance import challenges as second
from netnode.conformance.entries import read_entry
from netnode.conformance.faults import Fault
from netnode.simulator.crediting.watching import CreditWatch
from netnode.simulator.nodes import SimNode
from netnode.simulator.oracle import Oracle, Violation
from protocol.entry import Entry
from protocol.errors import Void
from protocol.ledger.challenges import DEADLINE_MS, Demand, Outcome, outcomes, read_challenge
from protocol.records import Challenge, decode_record

_STANDING = (Outcome.OPEN, Outcome.OVERDUE)


def require_challenges(core: Sequence[SimNode], oracle: Oracle, watch: CreditWatch, now: int) -> int:
    """Challenges hold, stand alike by both implementations, and were answered.

    Args:
        core: honest, up, and level.
        oracle: whose logs.
        watch: folded the same logs.
        now: ms UTC.

    Returns:
        How many hold.

    Raises:
        Violation: `challenges`.
    """
    signers = watch.keys()
    mine: dict[bytes, list[Demand]] = {}
    theirs: dict[bytes, list[second.Asked]] = {}
    for entry in watch.challenges():
        code, demand, asked = _read(watch, entry, signers.ever)
        if code is not None:
            if entry.author in oracle.names:
                raise Violation("challenges", f"a challenge of {oracle.label(entry.author)} is void: {code}")
            continue
        assert demand is not None and asked is not None  # it holds
        mine.setdefault(demand.issuer, []).append(demand)
        theirs.setdefault(demand.issuer, []).append(asked)
    names = {oracle.homes[node.name] for node in core}
    for issuer in sorted(mine):
        audits = watch.audits(issuer)
        if len(audits) != 1 or audits[0].book.unknown is not None:
            continue  # of several branches each has its answers
        book, ledger = audits[0].book, audits[0].ledger
        at = now if book.head is None else max(now, book.head[2])
        for when in (at, at + DEADLINE_MS):
            handed = {each.id: at for each in mine[issuer]}
            found = {each.id: state.value for each, state in outcomes(mine[issuer], book, when, handed)}
            if found != second.stand(ledger, theirs[issuer], when, handed):
                text = f"the two implementations differ on what {oracle.label(issuer)} has answered"
                raise Violation("challenges", text)
        if issuer not in names or issuer in oracle.put_back:
            continue
        for demand, state in outcomes(mine[issuer], book, at, {}):
            if state in _STANDING and demand.author not in oracle.put_back:
                what = "goods" if demand.buyback else "a request" if demand.request else "a sale"
                whose = f"{oracle.label(demand.author)} asked {oracle.label(issuer)}"
                raise Violation("challenges", f"{whose} in public for {what}, and has no answer")
    return sum(map(len, mine.values()))


def _read(
    watch: CreditWatch, entry: Entry, keys: second.Keys
) -> tuple[str | None, Demand | None, second.Asked | None]:
    """Why a challenge does not hold, or it as both implementations read it.

    Raises:
        Violation: `challenges`: they differ.
    """
    record = decode_record(entry.kind, entry.record or b"")
    assert isinstance(record, Challenge)
    demand, asked, codes = None, None, list[str | None]([None, None])
    try:
        demand = read_challenge(watch.network, entry, record, keys)
    except Void as void:
        codes[0] = void.code
    try:
        asked = second.read_challenge(watch.network, read_entry(list(entry.wire())), keys)
    except Fault as fault:
        codes[1] = fault.code
    if codes[0] != codes[1]:
        raise Violation(
            "challenges", f"a challenge comes to {codes[0]}, by the second implementation to {codes[1]}"
        )
    return codes[0], demand, asked
