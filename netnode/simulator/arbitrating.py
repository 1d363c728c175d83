"""What arbiters do: they consent to rule for a fee, are named in orders, and rule on the disputes that come to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from netnode.operations import models
from netnode.services.node_services import NodeServices
from protocol.identity import id_text

if TYPE_CHECKING:
    from netnode.simulator.actors import Act, Stall

RULES: Final = "The side that loses pays me."
_PAGE: Final = 100


async def consent(stall: Stall) -> None:
    """Consents to rule in deals, for a share of the price or an amount, and tells two others."""
    others = [each for each in (stall.somebody(), stall.somebody()) if each is not None]
    to = sorted({id_text(stall.id_of(each)) for each in others})
    if not to:
        return
    if stall.chance.random() < 0.5:
        points = stall.chance.below(1_000)
        order = models.ArbiterOffer(percent=f"{points // 100}.{points % 100:02}", terms=RULES, to=to)
        fee = ("points", points)
    else:
        minor = stall.chance.below(2_000)
        amount = f"{minor // 100}.{minor % 100:02}"
        order = models.ArbiterOffer(amount=amount, currency="EUR", terms=RULES, to=to)
        fee = ("amount", minor)
    made = await stall.services.arbiters.offer(order)
    stall.oracle.consents[made.consent] = fee
    stall.seen.mark("arbiter consents")


async def an_arbiter(stall: Stall, seller: bytes, buyer: bytes) -> str | None:
    """Somebody whose consent is here, to name in an order or offer; None for nobody."""
    page = await stall.services.arbiters.list(models.Listed(limit=_PAGE))
    sides = (id_text(seller), id_text(buyer))
    found = sorted({each.arbiter.id for each in page.items if not each.own and each.state == "open"})
    found = [each for each in found if each not in sides]
    if not found or stall.chance.random() < 0.2:
        return None
    return stall.chance.choice(found)


async def rule(services: NodeServices, shown: models.DealShown, chance: Any) -> models.DealState:
    """Rules: the seller keeps some of what was paid, and some parts were delivered."""
    paid, price = shown.figures.paid.minor, shown.figures.price.minor
    most = min(paid, price)
    keeps = most if chance is None else chance.below(most + 1)
    delivered = [each.part for each in shown.parts if chance is None or chance.random() < 0.5]
    found = None if chance is None or chance.random() < 0.7 else _text(paid + chance.below(price + 1))
    order = models.DealRuling(deal=shown.deal, keeps=_text(keeps), paid=found, delivered=delivered)
    return await services.deals.rule(order)


async def look_at_cases(stall: Stall) -> None:
    """Looks at the cases that came, and whether the fee is the one that was consented to."""
    page = await stall.services.arbiters.cases(models.CasesQuery(all=True, limit=_PAGE))
    for case in page.items:
        found = (await stall.services.arbiters.show(case.deal)).consent
        given = None if found is None else stall.oracle.consents.get(found.consent)
        if given is None:
            continue  # the answer to its arbiter was lost
        kind, figure = given
        due = figure if kind == "amount" else (case.price.minor * figure * 2 + 10_000) // 20_000
        fee = case.fee
        assert fee is not UNSET, f"the case {case.deal[:10]} costs nothing"
        assert fee.minor == due, f"the ruling in {case.deal[:10]} costs {fee.minor} and not {due}"
        stall.seen.mark("arbiter's fee")
        if case.ruled:
            stall.seen.mark("arbiter's case ruled")


def _text(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"


ARBITER_ACTS: Final[Mapping[str, tuple[Act, int]]] = {
    "consent": (consent, 4),
    "look at cases": (look_at_cases, 2),
}
"""What there is to do for arbiters, and how often it is done in a market that has them."""
