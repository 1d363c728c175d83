"""What holders of credit do with it: limits, transfers, redemptions, payouts, challenges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from netnode.operations import models
from netnode.simulator.dealt import note_told
from protocol.identity import id_text, parse_id

if TYPE_CHECKING:
    from netnode.simulator.actors import Act, Stall

UNIT: Final = "EUR"
_PAGE: Final = 100


async def accept_credit(stall: Stall) -> None:
    """Says how much of somebody's credit the owner is willing to hold, and to whom; now and then takes that back."""
    issuer, holder = stall.somebody(), stall.somebody()
    if issuer is None:
        return
    minor = 0 if stall.chance.random() < 0.15 else 1 + stall.chance.below(20_000)
    to = None if holder is None else id_text(stall.id_of(holder))
    wish = models.CreditAcceptance(
        issuer=id_text(stall.id_of(issuer)), amount=_amount(minor), unit=UNIT, to=to
    )
    key = (stall.id_of(stall.node), stall.id_of(issuer), UNIT)
    limits = stall.oracle.credits.limits  # before it is said: the answer may be lost
    limits[key] = max(minor, limits.get(key, 0))
    await stall.services.credits.accept(wish)


async def transfer(stall: Stall) -> None:
    """Gives some credit to somebody."""
    found, to = await _mine(stall), stall.somebody()
    if found is None or to is None:
        return
    issuer, available = found
    wish = models.CreditTransfer(
        issuer=issuer, amount=_some(stall, available), to=id_text(stall.id_of(to)), anyway=_anyway(stall)
    )
    _asked(stall, await stall.services.credits.transfer(wish))


async def redeem(stall: Stall) -> None:
    """Redeems some credit, for no deal in particular."""
    found = await _mine(stall)
    if found is not None:
        wish = models.CreditMove(issuer=found[0], amount=_some(stall, found[1]), anyway=_anyway(stall))
        _asked(stall, await stall.services.credits.redeem(wish))


async def pay_out(stall: Stall) -> None:
    """Signs that some credit was paid out elsewhere."""
    found = await _mine(stall)
    if found is not None:
        wish = models.CreditPayout(
            issuer=found[0], amount=_some(stall, found[1]), received=True, anyway=_anyway(stall)
        )
        _asked(stall, await stall.services.credits.payout(wish))


async def pay_by_credit(stall: Stall) -> None:
    """Pays a deal with credit of its seller."""
    page = await stall.services.deals.list(models.DealsQuery(limit=_PAGE))
    found = [each for each in page.items if each.role == "buyer" and each.state == "agreed"]
    if not found:
        return
    deal = stall.chance.choice(found[:10])
    asked = await stall.services.deals.paid(models.DealMoney(deal=deal.deal, redeem=True))
    note_told(stall, asked.deal)
    stall.seen.mark("credit paid a deal")


async def look_at_requests(stall: Stall) -> None:
    """Looks at the own requests; what is said to be in the issuer's log stays there."""
    promises, home = stall.oracle.credits, stall.node.name
    page = await stall.services.credits.requests(models.CreditRequestsQuery(limit=_PAGE))
    for each in page.items:
        told = promises.requests.get(home, {}).get(each.request)
        stall.seen.mark(f"credit request {each.action} {each.state}")
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
    if own:
        wish = models.CreditChallenge(request=stall.chance.choice(own).request)
        stall.told((await stall.services.credits.challenge(wish)).entry, "challenge")
        stall.seen.mark("credit challenge of a request")


async def _mine(stall: Stall) -> tuple[str, int] | None:
    """An issuer whose credit the owner has, and how much is available, in minor units."""
    page = await stall.services.ledgers.list(models.CreditsQuery())
    found = [
        (each.issuer.id, _minor(one.available))
        for each in page.items
        for one in each.figures
        if one.unit == UNIT and _minor(one.available) > 0
    ]
    return stall.chance.choice(found) if found else None


def _some(stall: Stall, available: int) -> str:
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
    "accept credit": (accept_credit, 4),
    "transfer": (transfer, 6),
    "redeem": (redeem, 3),
    "pay out": (pay_out, 3),
    "pay by credit": (pay_by_credit, 2),
    "look at requests": (look_at_requests, 3),
    "look at credit": (look_at_credit, 2),
    "ask for request": (ask_for_request, 1),
}
"""What there is to do, and how often it is done in a market with credit."""
