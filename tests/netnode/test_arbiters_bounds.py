"""Strangers at an arbiter's: what they may leave there has bounds of its own, in all and for each of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from netnode.deals import receiving
from netnode.operations import models
from netnode.store import consents
from netnode.store.consents import ConsentRow
from protocol.certificate import DAY_MS
from protocol.identity import parse_id
from tests.netnode.test_arbiters import Court, court


async def dispute(found: Court) -> str:
    """One more case at the arbiter, who gave the consent long ago; nobody there knows the parties."""
    ordered = await found.trade.order(arbiter=found.id)
    await found.carry()
    await found.trade.seller.services.deals.accept(models.DealAccept(deal=ordered.deal))
    await found.carry()
    await found.trade.buyer.services.deals.paid(models.DealMoney(deal=ordered.deal))
    await found.carry()
    await found.trade.buyer.services.deals.dispute(models.DealDispute(deal=ordered.deal, claim="0"))
    await found.carry()
    return ordered.deal


async def cases(found: Court) -> set[str]:
    page = await found.arbiter.services.arbiters.cases(models.CasesQuery(all=True))
    return {each.deal for each in page.items}


@pytest.mark.parametrize("bound", ["CASES", "CASES_OF_ONE"])
async def test_strangers_cannot_fill_the_cases_of_an_arbiter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    assert receiving.CASES >= 100 and receiving.CASES_OF_ONE >= 10
    monkeypatch.setattr(receiving, bound, 1)
    async with court(tmp_path) as found:
        await found.consent(found.trade.buyer, found.trade.seller)
        found.trade.post.stranger = True
        first = await dispute(found)
        second = await dispute(found)
        assert await cases(found) == {first}
        assert {each.code for each in found.trade.post.refused} == {"busy"}
        # Who is no stranger is not kept out by them.
        found.trade.post.stranger = False
        third = await dispute(found)
        assert await cases(found) == {first, third}
        # A case in which the arbiter ruled takes no room, and neither does one that nobody asks for any more.
        for deal in (first, third):
            await found.arbiter.services.deals.rule(models.DealRuling(deal=deal, keeps="0"))
        await found.carry()
        found.trade.post.stranger = True
        fourth = await dispute(found)
        assert await cases(found) == {first, third, fourth}
        await found.consent(found.trade.buyer, found.trade.seller)
        found.trade.clock.now += 100 * DAY_MS
        fifth = await dispute(found)
        assert await cases(found) == {first, third, fourth, fifth}  # let go of when there are too many
        assert second not in await cases(found)


async def test_cases_of_strangers_that_are_over_make_room_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with court(tmp_path) as found:
        await found.consent(found.trade.buyer, found.trade.seller)
        ruled = await dispute(found)
        await found.arbiter.services.deals.rule(models.DealRuling(deal=ruled, keeps="0"))
        await found.carry()
        found.trade.post.stranger = True
        left = []
        for _ in range(4):
            left.append(await dispute(found))
            await found.trade.buyer.services.deals.lapse(models.DealLapse(deal=left[-1], what="dispute"))
            await found.trade.buyer.services.deals.cancel(models.DealEnd(deal=left[-1]))
            await found.carry()
        monkeypatch.setattr(receiving, "CASES", 2)
        found.trade.clock.now += 100 * DAY_MS
        await found.consent(found.trade.buyer, found.trade.seller)
        newest = await dispute(found)
        assert await cases(found) == {ruled, *left[-2:], newest}


async def test_a_case_of_strangers_does_not_grow_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert receiving.CASE_BYTES >= 50 * 24_576
    async with court(tmp_path) as found:
        await found.consent(found.trade.buyer, found.trade.seller)
        found.trade.post.stranger = True
        deal = await dispute(found)
        monkeypatch.setattr(receiving, "CASE_BYTES", 1)
        await found.trade.seller.services.deals.fulfil(models.DealFulfil(deal=deal))
        await found.carry()
        assert "too_large" in {each.code for each in found.trade.post.refused}
        assert "fulfil" not in [
            each.type for each in (await found.arbiter.services.deals.show(deal)).messages
        ]
        found.trade.post.stranger = False
        await found.trade.seller.services.deals.dispute(models.DealDispute(deal=deal, claim="12.50"))
        await found.carry()
        assert "fulfil" in [each.type for each in (await found.arbiter.services.deals.show(deal)).messages]


async def test_consents_of_strangers_displace_none_of_those_the_owner_deals_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consents, "KEPT", 3)
    async with court(tmp_path) as found:
        home = found.trade.buyer
        await found.consent(home)  # of nobody the buyer follows
        friend = parse_id(found.id)
        await home.services.follows.add(found.id)

        def strange(number: int) -> ConsentRow:
            name = bytes([number]) * 32
            return ConsentRow(0, name, name, own=False, data=b"", text="", openers=b"", at=2**50 + number)

        for number in range(1, 9):
            await home.store.write(consents.put, strange(number))
        kept = await home.store.read(lambda reader: consents.page(reader.connection, None, 100))
        assert [each.arbiter for each in kept] == [bytes([number]) * 32 for number in (8, 7, 6)] + [friend]
