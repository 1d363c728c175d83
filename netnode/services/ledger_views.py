"""Ledgers as answers: figures in decimals of their unit, facts, standings, lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from netnode.ledgers.facts import Owing, Promoting, expiring
from netnode.ledgers.ledger import Ledger
from netnode.ledgers.reclosing import MOST, Reclosed, Told, Why, past_of
from netnode.ledgers.standing import Standing
from netnode.ledgers.statement import Dated
from netnode.market import money
from netnode.operations import models
from netnode.plans.values import amount_text, decimal
from protocol.kinds import KINDS
from protocol.ledger.accounts import Figures
from protocol.ledger.effects import is_period, order_of, read_period_id
from protocol.ledger.figures import StatementLine
from protocol.ledger.selling import again
from protocol.plans.facts import Award
from protocol.records import Plan
from protocol.teams.disclosure import Earnings

Person = Callable[[bytes], models.TeamPerson]


def percent(points: int) -> str:
    """Basis points as a percentage: ``12.50``."""
    return f"{points // 100}.{points % 100:02}"


def figures_view(unit: str, exponent: int, found: Figures) -> models.CreditFigures:
    """What one holder has."""

    def text(value: int) -> str:
        return amount_text(value, exponent)

    return models.CreditFigures(
        unit=unit,
        balance=text(found.balance),
        available=text(found.available),
        pending=text(found.pending),
        locked=text(found.locked),
        clawback_due=text(found.clawback_due),
        awarded=text(found.awarded),
        clawed_back=text(found.clawed),
        received=text(found.received),
        sent=text(found.sent),
        redeemed=text(found.redeemed),
        paid_out=text(found.paid_out),
        expired=text(found.expired),
        uncovered=text(found.uncovered),
    )


def exposed(*, exposed: bool) -> models.IssuerStanding:
    """An issuer of whom nothing is known but whether it forked its log."""
    return models.IssuerStanding(exposed=exposed, suspected=False, overdue=0, open=0, refused=[], disputed=[])


def standing_view(found: Standing, exponent: Callable[[str], int], holder: bytes) -> models.IssuerStanding:
    """What speaks against an issuer; `holder`: whose part of what is disputed is told."""
    sums: dict[str, tuple[int, set[bytes]]] = {}
    own: dict[str, int] = {}
    for claim in found.disputed:
        total, holders = sums.get(claim.unit, (0, set()))
        sums[claim.unit] = (total + claim.amount, holders | {claim.holder})
        own[claim.unit] = own.get(claim.unit, 0) + (claim.amount if claim.holder == holder else 0)
    return models.IssuerStanding(
        exposed=found.exposed,
        suspected=found.suspected,
        overdue=found.overdue,
        open=found.open,
        refused=list(found.refused),
        disputed=[
            models.DisputedCredit(
                unit=unit,
                amount=amount_text(total, exponent(unit)),
                holders=len(holders),
                mine=amount_text(own[unit], exponent(unit)),
            )
            for unit, (total, holders) in sorted(sums.items())
        ],
    )


def facts_view(found: Promoting) -> models.PromoterFacts:
    """How an issuer treats promoters."""
    return models.PromoterFacts(
        sales=found.sales,
        refunded=found.refunded,
        refunded_percent=percent(found.refund_points),
        promoters=found.promoters,
        promoters_paid=found.paid,
        days_to_payable=found.payable_days,
        paid_on_time=found.on_time,
        paid_on_time_percent=percent(found.on_time_points),
    )


def owed_view(found: Owing) -> models.UnitOwed:
    """What an issuer owes in one unit."""

    def text(value: int) -> str:
        return amount_text(value, found.exponent)

    sums = found.solvency.sums
    return models.UnitOwed(
        unit=found.unit,
        outstanding=text(found.solvency.outstanding),
        owed=text(found.solvency.owed),
        pending=text(found.solvency.pending),
        overdue=text(found.overdue),
        issued=text(sums.awarded),
        clawed_back=text(sums.clawed),
        redeemed=text(sums.redeemed),
        paid_out=text(sums.paid_out),
        expired=text(sums.expired),
        uncovered=text(sums.uncovered),
        disputed=text(found.disputed),
        holders=found.holders,
        warning=(
            "More than a quarter of what is owed has been payable for over 90 days and was not used."
            if found.warned
            else ""
        ),
    )


def line_view(
    ledger: Ledger, dated: Dated, unit_exponent: int, holder: bytes, person: Person, told: Told
) -> models.CreditLine:
    """One line of a statement, with rate, base and plan of an award found again.

    Args:
        ledger: of the issuer.
        dated: the line.
        unit_exponent: decimal places of its unit.
        holder: whose statement it is.
        person: what to call somebody.
        told: what the closes of its periods came to.
    """
    line = dated.line
    outward = line.what in ("sent", "redeemed", "paid_out")
    value = -dated.clawback if dated.clawback else -line.amount if outward else line.amount
    found = _NOTHING if line.what != "award" else found_again(ledger, line, unit_exponent, holder, told)
    return models.CreditLine(
        time=dated.time,
        what="clawback" if dated.clawback else line.what,
        id=readable(line.id),
        amount=amount_text(value, unit_exponent),
        remains=amount_text(line.remains, unit_exponent),
        payable=line.due or None,
        expires=expiring(line.expires) if line.what == "award" else None,
        rule=line.rule,
        level=line.level,
        rate=found.rate,
        base=found.base,
        plan=found.plan,
        other=person(line.other) if line.other else None,
        entry=dated.seq,
        why=found.why,
    )


def readable(id: bytes) -> str:
    """The id of an effect as people find it elsewhere: of a sale its order, of an award what `credit explain` takes."""
    if not is_period(id):
        return id[1:].hex()
    found = read_period_id(id)
    _, rule, level, _ = found.key
    return award_name(found.opportunity, found.label, rule, level)


def award_name(key: str, label: str, rule: str, level: int) -> str:
    """How an award of a period is named: ``KEY/PERIOD/RULE``, and the level where there is one."""
    return f"{key}/{label}/{rule}" + (f"/{level}" if level else "")


@dataclass(frozen=True, slots=True)
class FoundAgain:
    """What an award follows from, as a statement shows it; the attributes are those of `models.CreditLine`."""

    plan: str | None
    rate: str | None
    base: str | None
    why: str = ""


_NOTHING: Final = FoundAgain(None, "", "")
_WHY: Final[Mapping[Why, str]] = {
    "branch": (
        "the entry that awarded this is on another branch of the log, whose plan and sales are not at hand"
    ),
    "large": (
        f"its period has more than {MOST:,} members, too many to work it out again for a statement; `netnode credit "
        "explain` takes the time"
    ),
    "long": (
        "what it was worked out from has changed since by a refund, or by what legs carried on, and this log is too "
        "long to be gone through again for an answer; the amount itself was checked when the log was read"
    ),
}


def why_text(why: Why) -> str:
    """Why it cannot be said what an award follows from, as a part of a sentence."""
    return _WHY[why]


def found_again(
    ledger: Ledger, line: StatementLine, unit_exponent: int, holder: bytes, told: Told
) -> FoundAgain:
    """The plan that an award follows, its rate and its base; arguments as of `line_view`."""
    if is_period(line.id):
        return _of_period(ledger, line, unit_exponent, told)
    base = amount_text(line.base, unit_exponent)
    made = again(ledger.book.state, order_of(line.id))
    if made is None:
        return FoundAgain(None, None, base, _WHY["branch"])
    governed, _, awards = made
    wanted = (holder, line.rule, line.level)
    same = next((each for each in awards if (each.to, each.rule, each.level) == wanted), None)
    base, plan = amount_text(line.base, places_of(governed.plan)), governed.hash.hex()
    if same is None:
        return FoundAgain(plan, None, base, _WHY["branch"])
    return FoundAgain(plan, rate_text(same), base)


def _of_period(ledger: Ledger, line: StatementLine, unit_exponent: int, told: Told) -> FoundAgain:
    plan, past = read_period_id(line.id).plan.hex(), past_of(ledger, line.id)
    found: Reclosed | Why = "branch" if past is None else told.get(past, "branch")
    award = found.award(line) if isinstance(found, Reclosed) else None
    if award is None:
        return FoundAgain(plan, None, None, _WHY["branch" if isinstance(found, Reclosed) else found])
    return FoundAgain(plan, rate_text(award), amount_text(award.base, unit_exponent))


def places_of(plan: Plan) -> int:
    """Decimal places of the money that a plan is paid for in; two where it takes money of different ones."""
    try:
        found = {money.exponent(each.currency) for each in plan.currencies}
    except money.MoneyError:  # INX asks only for three letters
        return 2
    return found.pop() if len(found) == 1 else 2


def rate_text(award: Award[bytes]) -> str:
    """The rate of an award as plans' results give it, ``0.05`` or ``1/3``; empty for a fixed amount."""
    return decimal(award.rate) if award.num else ""


def wrong_view(ledger: Ledger, most: int) -> list[models.WrongEntry]:
    """The first entries without effect."""
    return [
        models.WrongEntry(
            seq=each.seq,
            entry=each.id.hex(),
            kind=KINDS[each.kind].name,
            time=each.time,
            code=each.code,
            text=each.text,
        )
        for each in ledger.wrong[:most]
    ]


def earnings_view(unit: str, exponent: int, start: int, end: int, found: Earnings) -> models.TeamEarnings:
    """What the members of a team earned."""

    def text(value: int) -> str:
        return amount_text(value, exponent)

    return models.TeamEarnings(
        unit=unit,
        from_=start,
        until=end,
        members=found.members,
        left=found.left,
        zero=found.zero,
        zero_percent=percent(int(found.share_zero * 10_000)),
        median=text(found.median),
        p90=text(found.p90),
        p99=text(found.p99),
        net_median=text(found.net_median),
        net_p90=text(found.net_p90),
        net_p99=text(found.net_p99),
        losing=found.losing,
        total=text(found.total),
    )
