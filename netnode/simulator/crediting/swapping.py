"""What holders do to swap the credit of two issuers: proposals, accepts, declines; issuers' nodes do the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from netnode.operations import models
from netnode.problems import Problem
from netnode.simulator.crediting.moving import have, some
from protocol.identity import id_text

if TYPE_CHECKING:
    from netnode.simulator.actors import Act, Stall

_PAGE: Final = 100
UNIT: Final = "EUR"


async def propose_swap(stall: Stall) -> None:
    """Proposes somebody to give some credit for some of another issuer's, mostly for what they have."""
    found = await have(stall)
    partners = (
        [] if found is None else [each for each in stall.others if id_text(stall.id_of(each)) != found.issuer]
    )
    if found is None or not partners:  # an issuer takes no credit of its own
        return
    to = id_text(stall.id_of(stall.chance.choice(partners)))
    issuers = {id_text(stall.id_of(each)) for each in stall.others} - {to, found.issuer}
    theirs = {each: await _balance(stall, each, to) for each in sorted(issuers)}
    owned = [each for each, minor in theirs.items() if minor]
    if not owned:
        return
    of = stall.chance.choice(owned)
    get = 1 + stall.chance.below(theirs[of] if stall.chance.random() < 0.8 else 2 * theirs[of])
    wish = models.SwapPropose(
        with_=to, give=some(stall, found.minor), from_=found.issuer, give_unit=found.unit,
        get=f"{get // 100}.{get % 100:02}", of=of, get_unit=UNIT, days=1 + stall.chance.below(3), confirmed=True,
    )  # fmt: skip
    made = await stall.services.swaps.propose(wish)
    stall.oracle.credits.swaps.setdefault(stall.node.name, {})[made.swap] = stall.now
    stall.seen.mark("swap proposed")


async def answer_swap(stall: Stall) -> None:
    """Accepts a swap that was proposed, or declines it."""
    page = await stall.services.swaps.list(models.SwapsQuery(waiting=True, limit=_PAGE))
    found = [each for each in page.items if each.role == "second" and each.stage == "proposed"]
    if not found:
        return
    swap = stall.chance.choice(found)
    if stall.chance.random() < 0.15:
        await stall.services.swaps.decline(models.SwapDecline(swap=swap.swap))
        stall.seen.mark("swap declined")
        return
    await stall.services.swaps.accept(models.SwapAccept(swap=swap.swap, confirmed=True))
    stall.oracle.credits.swaps.setdefault(stall.node.name, {})[swap.swap] = stall.now
    stall.seen.mark("swap accepted")


async def look_at_swaps(stall: Stall) -> None:
    """Looks at the own swaps; now and then takes a proposal back."""
    page = await stall.services.swaps.list(models.SwapsQuery(limit=_PAGE))
    for each in page.items:
        stall.seen.mark(f"swap {each.role} {each.stage}")
    mine = [each for each in page.items if each.role == "first" and each.stage == "proposed"]
    if mine and stall.chance.random() < 0.2:
        await stall.services.swaps.decline(models.SwapDecline(swap=stall.chance.choice(mine).swap))
        stall.seen.mark("swap taken back")


async def _balance(stall: Stall, issuer: str, holder: str) -> int:
    """What somebody has of an issuer's credit in the money of commissions, minor units; 0 where it is not known."""
    try:
        shown = await stall.services.ledgers.balance(models.CreditQuery(issuer=issuer, holder=holder))
    except Problem:
        return 0
    return next((int(each.available.replace(".", "")) for each in shown.figures if each.unit == UNIT), 0)


SWAPPING_ACTS: Final[Mapping[str, tuple[Act, int]]] = {
    "propose swap": (propose_swap, 5),
    "answer swap": (answer_swap, 6),
    "look at swaps": (look_at_swaps, 2),
}
"""What there is to do about swaps, and how often it is done in a market with credit of several issuers."""
