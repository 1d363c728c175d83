"""What members do with goods that they cannot sell, and owners with what they shall take back [R-TEAM-29, 31]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from netnode.operations import models
from netnode.problems import Problem
from netnode.simulator.crediting.teaming import own_team, teams_of
from netnode.simulator.dealing import DEALS
from netnode.simulator.dealt import note_told
from protocol.identity import id_text, parse_id

if TYPE_CHECKING:
    from netnode.simulator.actors import Act, Stall

_PAGE: Final = 100
_CODES: Final = ("not_resalable", "not_returned", "other")


async def buy_stock(stall: Stall) -> None:
    """A member buys goods of the owner's, to sell them on."""
    teams = [each for each in await teams_of(stall, once=True) if not own_team(stall, each)]
    if not teams:
        return
    owner = parse_id(stall.chance.choice(teams).partition("/")[0])
    keys = sorted(stall.oracle.shelves.get(stall.oracle.names[owner], {}))
    if keys:
        wanted = models.DealOrder(
            ref=f"{id_text(owner)}/{stall.chance.choice(keys)}", quantity=1 + stall.chance.below(5)
        )
        note_told(stall, (await stall.services.deals.order(wanted)).deal)
        stall.seen.mark("buyback stock ordered")


async def ask_back(stall: Stall) -> None:
    """Asks the owner of a team to take goods back: some of one order, or of each order all that is left."""
    teams = [each for each in await teams_of(stall, once=True) if not own_team(stall, each)]
    if not teams:
        return
    team = stall.chance.choice(teams)
    goods = (await stall.services.buybacks.goods(models.BuybackGoodsQuery(team=team, limit=_PAGE))).items
    if not goods:
        return
    wish = models.BuybackAsk(team=team)
    if stall.chance.random() < 0.7:
        one = stall.chance.choice(goods)
        line = stall.chance.choice(one.lines)
        pieces = [] if stall.chance.random() < 0.5 else [(line.line, 1 + stall.chance.below(line.left))]
        wish = models.BuybackAsk(team=team, deal=one.deal, pieces=pieces)
    owner = parse_id(team.partition("/")[0])
    for made in (await stall.services.buybacks.ask(wish)).items:
        stall.oracle.credits.wants_back(stall.node.name, made.paper, owner, made.amount, stall.now)
        stall.seen.mark("buyback asked")


async def answer_back(stall: Stall) -> None:
    """Pays back what members ask for, mostly, or says why not."""
    page = await stall.services.buybacks.list(models.BuybacksQuery(waiting=True, limit=_PAGE))
    for asked in [each for each in page.items if not each.own]:
        if asked.owed is not None and stall.chance.random() < 0.75:
            paid = await stall.services.buybacks.pay(models.BuybackPay(paper=asked.paper))
            assert paid.state == "paid back", f"what was paid back of {asked.deal[:10]} is {paid.state}"
            note_told(stall, asked.deal)
            stall.oracle.credits.repaid.setdefault(stall.node.name, set()).add(asked.paper)
            stall.seen.mark("buyback paid")
        elif asked.owed is not None or asked.code is not None:
            code = stall.chance.choice(_CODES)
            refusal = models.BuybackRefuse(paper=asked.paper, code=code)  # type: ignore[arg-type]
            await stall.services.buybacks.refuse(refusal)
            stall.seen.mark("buyback refused")


async def take_refund(stall: Stall) -> None:
    """Confirms the refunds that came for goods given back."""
    page = await stall.services.deals.list(models.DealsQuery(limit=DEALS, all=True))
    for each in page.items:
        if each.role == "buyer" and each.next is not None and each.next.action == "refund_received":
            note_told(stall, (await stall.services.deals.refunded(models.DealMoney(deal=each.deal))).deal)
            stall.seen.mark("buyback refund confirmed")


async def ask_back_in_public(stall: Stall) -> None:
    """Challenges owners who have not answered in time, or have refused."""
    page = await stall.services.buybacks.list(models.BuybacksQuery(limit=_PAGE))
    for each in page.items:
        stall.seen.mark(f"buyback {'of mine' if each.own else 'asked of me'} {each.state}")
        if not each.own or each.state not in ("overdue", "refused"):
            continue
        try:
            made = await stall.services.buybacks.challenge(models.BuybackName(each.paper))
        except Problem as problem:
            stall.seen.mark(f"buyback challenge {problem.code}")
            continue
        stall.told(made.entry, "challenge")
        stall.seen.mark(f"buyback challenged {each.state}")


GIVING_BACK_ACTS: Final[Mapping[str, tuple[Act, int]]] = {
    "buy stock": (buy_stock, 4),
    "ask back": (ask_back, 5),
    "answer back": (answer_back, 1),
    "take refund": (take_refund, 1),
    "ask back in public": (ask_back_in_public, 1),
}
"""What there is to do about goods given back, and how often it is done in a market that has teams."""
