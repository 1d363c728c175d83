"""What holders of credit do with it: limits, transfers, redemptions, payouts, challenges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from netnode.operations import models
from netnode.simulator.crediting.teaming import UNIT as TEAM_UNIT
from netnode.simulator.dealt import note_told
from protocol.identity import id_text, parse_id

if TYPE_CHECKING:
    from netnode.simulator.actors import Act, Stall

UNITS: Final = ("EUR", "EUR", TEAM_UNIT)
MOST_ASKED: Final = 8  # challenges at once
_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Have:
    """Of whom, in which unit, and how much is available, in minor units."""

    issuer: str
    unit: str
    minor: int


async def accept_credit(stall: Stall) -> None:
    """Says how much of somebody's credit the owner is willing to hold, and to whom; now and then takes that back."""
    issuer, holder = stall.somebody(), stall.somebody()
    if issuer is None:
        return
    minor = 0 if stall.chance.random() < 0.15 else 1 + stall.chance.below(20_000)
    to, unit = None if holder is None else id_text(stall.id_of(holder)), stall.chance.choice(UNITS)
    wish = models.CreditAcceptance(
        issuer=id_text(stall.id_of(issuer)), amount=_amount(minor), unit=unit, to=to
    )
    key = (stall.id_of(stall.node), stall.id_of(issuer), unit)
    limits = stall.oracle.credits.limits  # before it is said: the answer may be lost
    limits[key] = max(minor, limits.get(key, 0))
    await stall.services.credits.accept(wish)


async def transfer(stall: Stall) -> None:
    """Gives some credit to somebody."""
    found, to = await have(stall), stall.somebody()
    if found is None or to is None:
        return
    willing = [
        each for each in stall.others
        if stall.oracle.credits.limits.get((stall.id_of(each), parse_id(found.issuer), found.unit), 0)
        and stall.id_of(each) != stall.id_of(stall.node)
    ]  # fmt: skip
    if willing and stall.chance.random() < 0.8:
        to = stall.chance.choice(willing)
    wish = models.CreditTransfer(
        issuer=found.issuer, unit=found.unit, amount=some(stall, found.minor), to=id_text(stall.id_of(to)),
        anyway=_anyway(stall),
    )  # fmt: skip
    _asked(stall, await stall.services.credits.transfer(wish))


async def redeem(stall: Stall) -> None:
    """Redeems some credit, for no deal in particular."""
    found = await have(stall)
    if found is not None:
        wish = models.CreditMove(
            issuer=found.issuer, unit=found.unit, amount=some(stall, found.minor), anyway=_anyway(stall)
        )
        _asked(stall, await stall.services.credits.redeem(wish))


async def pay_out(stall: Stall) -> None:
    """Signs that some credit was paid out elsewhere."""
    found = await have(stall)
    if found is not None:
        wish = models.CreditPayout(
            issuer=found.issuer,
            unit=found.unit,
            amount=some(stall, found.minor),
            received=True,
            anyway=_anyway(stall),
        )
        _asked(stall, await stall.services.credits.payout(wish))


async def pay_by_credit(stall: Stall) -> None:
    """Pays a deal, or some of it, with credit of its seller."""
    page = await stall.services.deals.list(models.DealsQuery(limit=_PAGE))
    credit = await stall.services.ledgers.list(models.CreditsQuery())
    owed = {
        each.issuer.id: one.available
        for each in credit.items
        for one in each.figures
        if one.unit == "EUR" and _minor(one.available)
    }
    found = [
        each for each in page.items
        if each.role == "buyer" and each.state in ("agreed", "fulfilled") and each.partner in owed
    ]  # fmt: skip
    if not found:
        return
    deal = stall.chance.choice(found[:10])
    amount = None if stall.chance.random() < 0.3 else some(stall, _minor(owed[deal.partner]))
    asked = await stall.services.deals.paid(models.DealMoney(deal=deal.deal, amount=amount, redeem=True))
    note_told(stall, asked.deal)
    stall.seen.mark("credit paid a deal")


async def look_at_requests(stall: Stall) -> None:
    """Looks at the own requests; what is said to be in the issuer's log stays there."""
    promises, home = stall.oracle.credits, stall.node.name
    page = await stall.services.credits.requests(models.CreditRequestsQuery(limit=_PAGE))
    for each in page.items:
        told = promises.requests.get(home, {}).get(each.request)
        stall.seen.mark(f"credit request {each.action} {each.state} {each.code or ''}".strip())
        if each.own and each.state == "logged" and told is not None:
            promises.done.setdefault(home, {})[each.request] = told


async def look_at_credit(stall: Stall) -> None:
    """Looks at the own credit, a statement and an audit."""
    page = await stall.services.ledgers.list(models.CreditsQuery())
    if not page.items:
        return
    issuer = stall.chance.choice(page.items).issuer
    await stall.services.ledgers.audit(issuer.id)
    await stall.services.ledgers.statement(models.StatementQuery(issuer=issuer.id))


async def ask_for_request(stall: Stall) -> None:
    """Asks in public for what an issuer does not carry out."""
    page = await stall.services.credits.requests(models.CreditRequestsQuery(waiting=True))
    own = [each for each in page.items if each.own and each.state in ("queued", "delivered")]
    for each in own[:MOST_ASKED]:
        wish = models.CreditChallenge(request=each.request)
        stall.told((await stall.services.credits.challenge(wish)).entry, "challenge")
        stall.seen.mark("credit challenge of a request")


async def have(stall: Stall) -> Have | None:
    """Some credit that the owner has."""
    page = await stall.services.ledgers.list(models.CreditsQuery())
    found = [
        Have(each.issuer.id, one.unit, _minor(one.available))
        for each in page.items
        for one in each.figures
        if _minor(one.available) > 0
    ]
    return stall.chance.choice(found) if found else None


def some(stall: Stall, available: int) -> str:
    """Mostly a part of what there is; now and then all of it, or more."""
    most = available if stall.chance.random() < 0.8 else 2 * available
    return _amount(most if stall.chance.random() < 0.2 else 1 + stall.chance.below(most))


def _anyway(stall: Stall) -> bool:
    return stall.chance.random() < 0.3


def _asked(stall: Stall, made: models.CreditRequest) -> None:
    what = f"{made.action} of {made.amount} {made.unit}"
    issuer = parse_id(made.issuer.id)
    stall.oracle.credits.asked(stall.node.name, made.request, issuer, what, stall.now)
    stall.seen.mark(f"credit asked {made.action}")


def _minor(amount: str) -> int:
    return int(amount.replace(".", ""))


def _amount(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"


MOVING_ACTS: Final[Mapping[str, tuple[Act, int]]] = {
    "accept credit": (accept_credit, 5),
    "transfer": (transfer, 6),
    "redeem": (redeem, 2),
    "pay out": (pay_out, 2),
    "pay by credit": (pay_by_credit, 4),
    "look at requests": (look_at_requests, 2),
    "look at credit": (look_at_credit, 1),
    "ask for request": (ask_for_request, 1),
}
"""What there is to do, and how often it is done in a market with credit."""
