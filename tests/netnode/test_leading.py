"""Own orders by a path: what the order says of who led there, and what they are told of the deal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.store import shop as shop_rows
from protocol import paths
from protocol.deals.bodies import Order
from protocol.deals.message import parse
from protocol.letter_bodies import DealLetter, Witness, decode_content
from protocol.signing import Signer
from tests.netnode.dealing import Market, market
from tests.netnode.services_home import NETWORK, OpenHome, opened
from tests.protocol.author import seed


@dataclass
class Led:
    """A market, and a referrer who recommends its seller."""

    trade: Market
    referrer: OpenHome

    def token(self, listing: str | None = "cap", **changed: object) -> bytes:
        fields: dict[str, object] = {
            "referrer": self.referrer.me.id, "epoch": 0, "seller": self.trade.seller.me.id, "expires": 2**50,
            "listing": listing, **changed,
        }  # fmt: skip
        signer = fields.pop("signer", self.referrer.me.signer)
        return paths.sign_referral(NETWORK, signer, **fields)  # type: ignore[arg-type]

    async def order(self, *tokens: bytes) -> models.DealState:
        return await self.trade.order(path=[each.hex() for each in tokens])


@asynccontextmanager
async def led(folder: Path) -> AsyncIterator[Led]:
    async with market(folder) as trade, opened(folder, "rita", clock=trade.clock) as referrer:
        trade.post.homes[referrer.me.id] = referrer
        yield Led(trade, referrer)


async def test_who_led_there_can_prove_the_sale(tmp_path: Path) -> None:
    """[R-PATH-6] [R-SHOP-10] The referrer knows neither seller nor buyer, and the seller publishes nothing."""
    async with led(tmp_path) as market_:
        trade, referrer = market_.trade, market_.referrer
        ordered = await market_.order(market_.token())
        await trade.post.carry()
        assert await referrer.store.read(shop_rows.count) == 0, "there is no accept yet"
        await trade.seller.services.deals.accept(models.DealAccept(deal=ordered.deal))
        await trade.post.carry()
        [shown] = (await referrer.services.witnesses.list(models.Listed())).items
        assert (shown.order, shown.seller, shown.receipts) == (ordered.deal, trade.seller.id, [])
        assert [step.checked for step in shown.path] == [True]
        await trade.seller.services.deals.fulfil(models.DealFulfil(deal=ordered.deal))
        await trade.post.carry()
        await trade.buyer.services.deals.receipt(models.DealPartName(deal=ordered.deal))
        await trade.post.carry()
        [shown] = (await referrer.services.witnesses.list(models.Listed())).items
        assert [each.part for each in shown.receipts] == [1]
        carried = [decode_content(row.content).body for row in trade.post.carried]
        told = [each for each in carried if isinstance(each, Witness)]
        proofs = [each for each in told if each.accept]
        assert len(proofs) == 2, "the step once for the accept and once for the receipt, whatever else came"
        assert len(told) - len(proofs) == 2, "the seller once by the buyer and once by the step"
        assert trade.post.refused == []


async def test_the_seller_learns_the_hash_alone(tmp_path: Path) -> None:
    """[R-PATH-4] [R-PATH-6]"""
    async with led(tmp_path) as market_:
        token = market_.token()
        await market_.order(token)
        [row] = await market_.trade.post.waiting(market_.trade.buyer)
        body = decode_content(row.content).body
        assert isinstance(body, DealLetter)
        order = parse(body.messages[0]).body
        assert isinstance(order, Order) and isinstance(order.path, bytes)
        assert token not in row.content and market_.referrer.me.id not in row.content
        await market_.order(token)
        other = decode_content((await market_.trade.post.waiting(market_.trade.buyer))[1].content).body
        assert isinstance(other, DealLetter)
        again = parse(other.messages[0]).body
        assert isinstance(again, Order) and again.path != order.path, "another salt each time"


async def test_a_path_that_does_not_lead_there_is_refused(tmp_path: Path) -> None:
    """[R-PATH-5] A mistyped token never loses the referrer silently."""
    async with led(tmp_path) as market_:
        trade, referrer = market_.trade, market_.referrer
        good, now = market_.token(), trade.clock.now
        assert (await trade.buyer.gate.admit(referrer.me.entries)).fault is None
        for tokens, code, exit_code in (
            ([good[:-1]], "path", ExitCode.USAGE),
            ([good, good], "path", ExitCode.USAGE),
            ([market_.token("mug")], "path", ExitCode.USAGE),
            ([market_.token(seller=seed("other"))], "path", ExitCode.USAGE),
            ([market_.token(signer=Signer(seed("mallory")))], "path", ExitCode.USAGE),
            ([market_.token(expires=now)], "path_expired", ExitCode.REFUSED),
        ):
            with pytest.raises(Problem) as refused:
                await market_.order(*tokens)
            assert (refused.value.code, refused.value.exit_code) == (code, exit_code), refused.value.text
        assert await trade.post.waiting(trade.buyer) == []
        assert (await market_.order(market_.token(None))).state == "ordered", "of any listing"


async def test_an_order_without_a_path_tells_nobody(tmp_path: Path) -> None:
    async with led(tmp_path) as market_:
        trade = market_.trade
        ordered = await market_.order()
        await trade.post.carry()
        await trade.seller.services.deals.accept(models.DealAccept(deal=ordered.deal))
        await trade.post.carry()
        assert {row.type for row in trade.post.carried} == {"deal"}
