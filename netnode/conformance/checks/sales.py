"""C3: deals played through, with somebody who does what only the node's owner may."""

from __future__ import annotations

from typing import Any, Final

from netnode.conformance.bench import Bench
from netnode.conformance.checking import KEEPERS, Check, Skipped, want
from netnode.conformance.correspondent import Correspondent, consent, correspondent, soon
from netnode.conformance.deals import read_message
from netnode.conformance.trading import Trade, Ware, ware

OTHER: Final = {"reason": "other"}


async def _sale(bench: Bench) -> tuple[Correspondent, Ware]:
    """A buyer of ours, and what the node sells.

    Raises:
        Skipped: nobody acts for the owner, or there is nothing to buy.
    """
    bench.takes_logs()
    if bench.owner is None:
        raise Skipped("needs what only the owner does: name a command for it with --owner")
    return await correspondent(bench), await ware(bench)


async def _accepts(bench: Bench) -> None:
    own, sold = await _sale(bench)
    async with own.meet() as peer:
        await own.known(peer)
        trade = Trade(bench, own, sold, path=bench.entropy.token(32))
        accept = await trade.agreed(peer)
        want(accept.seen == (trade.deal.id,), "its accept does not name the order [R-DEAL-13]")
        want(trade.state.phase == "agreed", f"an accepted order is {trade.state.phase}")
        await trade.orders(peer)  # again: another letter, the same order
        await trade.owner("accept")
        await trade.all(peer)
        want(len(trade.of("accept")) == 1, "it accepts an order twice [R-DEAL-15]")
        await trade.says(peer, "cancel", **OTHER)


async def _whole(bench: Bench) -> None:
    own, sold = await _sale(bench)
    async with own.meet() as peer:
        await own.known(peer)
        trade = Trade(bench, own, sold)
        await trade.agreed(peer)
        payment = await trade.says(peer, "payment_sent", amount=sold.price)
        received = await trade.awaits(peer, "received", "payment_received")
        want(received.body["amount"] == sold.price, "it confirms another amount than was told")
        want(received.body.get("payment") == payment, "its confirmation does not name the payment")
        fulfil = await trade.awaits(peer, "fulfil", "fulfil")
        await trade.says(peer, "receive", fulfil=fulfil.id, part=fulfil.body.get("part", 0))
        want(trade.state.phase == "final", f"a deal that was paid and delivered is {trade.state.phase}")
        want(set(trade.deal.said) <= set(await trade.all(peer)), "it has lost a message [R-DEAL-11]")


async def _refunds(bench: Bench) -> None:
    own, sold = await _sale(bench)
    if not sold.price:
        raise Skipped("what the node offers costs nothing")
    async with own.meet() as peer:
        await own.known(peer)
        trade = Trade(bench, own, sold)
        await trade.agreed(peer)
        await trade.says(peer, "payment_sent", amount=sold.price)
        await trade.awaits(peer, "received", "payment_received")
        await trade.says(peer, "cancel", **OTHER)
        want(trade.state.figures["refund_due"] == sold.price, "a cancelled part is not due back")
        await trade.owner("fulfil")  # refused, or crossing: what is ended is not delivered any more
        refund = await trade.awaits(peer, "refund", "refund")
        want(not trade.of("fulfil"), "it delivers what the buyer has cancelled before [R-DEAL-15]")
        amount = refund.body["amount"]
        want(amount == sold.price, f"it sends back {amount}, and {sold.price} are due [R-DEAL-20]")
        await trade.says(peer, "refund_received", amount=amount, refund=refund.id, total=amount)
        want(trade.state.phase == "final", f"a deal that was paid back is {trade.state.phase}")


async def _prices(bench: Bench) -> None:
    own, sold = await _sale(bench)
    async with own.meet() as peer:
        await own.known(peer)
        taxed = {"tax": 1} if sold.price else {"shipping": 0, "points": 7}
        for what, unit_price, changes in (
            ("a price that is not that of the listing", sold.price + 1, {}),
            ("a tax that the listing has not", None, taxed),
            (
                "a version of a listing that the node never published",
                None,
                {"listing": bench.entropy.token(32)},
            ),
            ("a plan that its log has not", None, {"plan": bench.entropy.token(32)}),
        ):
            trade = Trade(bench, own, sold, unit_price, **changes)
            await trade.orders(peer)
            await trade.owner("accept")
            await trade.all(peer)
            want(not trade.of("accept"), f"it accepts an order with {what}")
            await trade.says(peer, "cancel", **OTHER)


async def _disputes(bench: Bench) -> None:
    own, sold = await _sale(bench)
    arbiter = await correspondent(bench)
    text = "Conformance test: the loser pays."
    agreed = consent(bench, arbiter, text)
    async with own.meet() as peer, arbiter.meet() as other:
        await own.known(peer)
        await arbiter.known(other)
        openers = [[each.alone() for each in arbiter.log[:1]]]
        await arbiter.give(other, {"type": "consent", "consent": agreed, "openers": openers, "text": text})
        trade = Trade(bench, own, sold, terms={**soon(), "arbiter": arbiter.id, "consent": agreed})
        await trade.agreed(peer)
        dispute = await trade.says(peer, "dispute", claim=0)
        wanted = {read_message(each).id for each in trade.deal.said} | set(trade.heard)

        def told() -> dict[bytes, dict[str, Any]] | None:
            found = {
                read_message(each).id: content
                for content in arbiter.of("deal")
                for each in content["messages"]
            }
            return found if wanted <= found.keys() else None

        found = await other.until(told, "for the arbiter, all messages of a deal in dispute [R-DEAL-31]")
        with_goods = any(trade.deal.goods in content.get("enclosures", []) for content in found.values())
        want(with_goods, "the arbiter gets the order without its goods [R-ARB-5]")
        ruling = trade.deal.message(
            "ruling",
            {"delivered": [], "dispute": dispute, "keeps": 0, "paid": 0},
            seed=arbiter.author.seeds[arbiter.author.first.id],
            role="arbiter",
            epoch=0,
            number=0,
            seen=sorted((dispute, trade.of("accept")[0].id)),
            later=bench.now() - trade.deal.time,
        )
        trade.add(ruling)
        want(trade.state.ruling == read_message(ruling).id, "a ruling of this check does not stand")
        await arbiter.give(other, {"type": "deal", "messages": [ruling], "openers": openers})
        want(ruling in await trade.all(peer), "it has not kept the arbiter's ruling [R-DEAL-11]")
        await trade.owner("fulfil")
        await trade.all(peer)
        want(not trade.of("fulfil"), "it delivers after a ruling [R-ARB-8]")


CHECKS: Final = (
    Check("C3-60", "R-DEAL-8 R-DEAL-13 R-DEAL-15 R-DEAL-19 R-PATH-6", KEEPERS, "accepts an order once", _accepts),
    Check("C3-61", "R-DEAL-23 R-DEAL-16 R-DEAL-19 R-DEAL-31", KEEPERS, "brings a deal to its end", _whole),
    Check("C3-62", "R-DEAL-20 R-DEAL-16 R-DEAL-21", KEEPERS, "pays back what is due", _refunds),
    Check(
        "C3-63",
        "R-PRICE-8 R-PRICE-1 R-CRED-71",
        KEEPERS,
        "accepts no order at another price, or by another plan, than its own",
        _prices,
    ),
    Check("C3-64", "R-ARB-5 R-DEAL-31 R-ARB-8", KEEPERS, "lets the arbiter see a deal in dispute", _disputes),
)  # fmt: skip
