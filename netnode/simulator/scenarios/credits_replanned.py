"""A plan that is changed after a sale: what an order names holds, whatever its issuer publishes or logs later."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

import msgspec

from netnode.ledgers.ledger import Ledger
from netnode.operations import models
from netnode.plans.reading import plan_from
from netnode.services.node_services import NodeServices
from netnode.simulator import credit_scene as scene
from netnode.simulator.byzantine.credits import parts_of
from netnode.simulator.nodes import SimNode
from netnode.simulator.oracle import Violation
from netnode.simulator.playing import Play
from netnode.simulator.scenarios import credit_stage as stage
from protocol.ledger.contents import AwardLine
from protocol.records import encode_record

TEAM: Final = "club"
GOODS: Final = "goods"
UNIT: Final = "star"
PRICE: Final = "50.00"


async def credits_replanned(play: Play) -> None:
    """An issuer logs a sale by a meaner plan that it published later: void; it counts by the plan of its order."""
    issuer, referrer, buyer = await stage.market(play)
    node = issuer.crook.node
    await node.ask(_offer_team)
    await _publish(node, "10%")
    await asyncio.sleep(scene.SOON)
    led = await scene.link(referrer, issuer.id, GOODS)
    deal = bytes.fromhex(await scene.ordered(buyer, issuer.id, GOODS, led))
    await scene.accepted(node, deal.hex())
    issuer.fall_silent()
    await scene.completed(node, buyer, deal.hex())
    second = await _publish(node, "1%")
    if play.chance.random() < 0.5:  # the meaner one is in force by then
        await scene.days_pass(stage.everybody(play, issuer), stage.HOLD_DAYS)
    content = issuer.sale(deal)
    less = tuple(AwardLine(each.to, each.rule, each.level, each.amount // 10) for each in content.awards)
    switched = msgspec.structs.replace(content, plan=second, awards=less)
    entry = await issuer.wrongly("plan_differs", *parts_of(switched))
    await stage.struck(play)
    for each in play.nodes:
        await scene.known(each, issuer.id, partial(_has, entry.seq), "what the issuer has logged")
        shown = await scene.audit(each, issuer.id)
        if [(bytes.fromhex(one.entry), one.code) for one in shown.wrong] != list(issuer.wrong.items()):
            raise Violation("credit", f"{each.name} finds {shown.wrong} wrong")
        if (await scene.figures(each, issuer.id, referrer.id, UNIT)).pending:
            raise Violation("credit", f"{each.name} counts a sale by another plan than its order names")
    await issuer.speak_again()
    await stage.struck(play)
    for each in play.nodes:
        owed = partial(_owed, each, issuer.id, referrer.id)
        await scene.until(owed, f"{each.name} does not count the sale by the plan of its order")
    play.seen.mark("evil credit replanned")
    await stage.leave(play, issuer)


def _has(seq: int, ledger: Ledger) -> bool:
    return ledger.tip is not None and ledger.tip.seq >= seq


async def _owed(node: SimNode, issuer: bytes, holder: bytes) -> bool:
    found = await scene.figures(node, issuer, holder, UNIT)
    return found.pending + found.signed == stage.EARNED


async def _offer_team(services: NodeServices) -> None:
    listing: dict[str, object] = {
        "key": GOODS,
        "kind": "product",
        "title": "Goods",
        "price": {"amount": PRICE, "currency": "EUR"},
    }
    await services.listings.publish(listing)
    disclosure = models.DisclosureGiven(
        identity="Us.", legal="None.", cancellation="Any day.", references=["Ada."]
    )
    await services.opportunities.publish(
        models.OpportunityPublish(
            key=TEAM, title="Club", description="Sell with us.", disclosure=disclosure, products=[GOODS]
        )
    )


async def _publish(node: SimNode, rate: str) -> bytes:
    """Publishes a plan of one level; its hash."""
    content: dict[str, object] = {
        "title": f"Club at {rate}", "unit": UNIT, "currency": "EUR", "maximum": "20%", "period": "month",
        "r2": False, "r5": False, "r6": False, "r19": False, "team": {}, "opportunity": TEAM,
        "unilevel": {"compression": "none", "rates": [rate]},
    }  # fmt: skip
    record = encode_record(plan_from(content, "plan"))
    published = await node.ask(lambda services: services.credits.publish(models.PlanPublish(plan=record)))
    return bytes.fromhex(published.plan)
