"""Reviews that buyers without a node leave at the node that brought them, or at their seller's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from netnode.operations import models
from netnode.shop import reviews as shop_reviews
from netnode.shop.turnstile import Turnstile
from protocol import limits
from protocol.deals.message import parse
from protocol.identity import id_text
from protocol.signing import Signer
from tests.netnode.services_home import NETWORK
from tests.netnode.shop_open import BUYER, OTHER, Sale, Shop, sale, served
from tests.protocol.author import START, Author
from tests.protocol.deals.reviewed import reviewed


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with served(tmp_path, Turnstile()) as one:
        yield one


def of(made: Sale, seller: Author, key: Signer = BUYER, **fields: Any) -> bytes:
    """The buyer's review of a sale."""
    given = {"contract": parse(made.accept), "receipt": parse(made.receipts[0]), "time": START, **fields}
    return reviewed(key=key, seller=seller, network=NETWORK, **given)


async def witnessed(shop: Shop, deal: str = "deal", seller: str = "seller") -> tuple[Sale, Author]:
    """A sale that this node brought about, of a seller whose log it holds."""
    author = Author(seller, NETWORK)
    assert (await shop.home.gate.admit(author.entries)).fault is None
    made = sale(shop.home.me, author, deal=deal)
    assert (await shop.post("witness", made.body))[0] == 200
    return made, author


async def shown(shop: Shop, seller: Author) -> list[models.Review]:
    await shop.home.projector.level()
    return list((await shop.home.services.reviews.list(models.ReviewsQuery(ref=id_text(seller.id)))).items)


async def test_a_review_is_published_and_its_next_one_replaces_it(shop: Shop) -> None:
    """[R-SHOP-14]"""
    made, seller = await witnessed(shop)
    first = of(made, seller, path=made.path)
    for _ in range(2):
        assert (await shop.post("review", {"review": first}))[0] == 200
    [one] = await shown(shop, seller)
    assert (one.rating, one.text, one.witnessed) == (4, "Warm, and in time.", True)
    assert one.carriers == [shop.home.id]
    assert (await shop.post("review", {"review": of(made, seller, rating=1, time=START + 1)}))[0] == 200
    assert [each.rating for each in await shown(shop, seller)] == [1]
    status, told = await shop.post("review", {"review": of(made, seller, rating=3)})
    assert (status, told["code"]) == (409, "stale")


async def test_only_of_deals_that_this_node_has_a_part_in(shop: Shop) -> None:
    """[R-SHOP-14] Nobody fills a log with what they made up alone."""
    made, seller = await witnessed(shop)
    elsewhere = sale(shop.home.me, seller, deal="elsewhere")
    whole = of(made, seller)
    forged = whole[:-1] + bytes([whole[-1] ^ 1])
    for review, code in (
        (of(elsewhere, seller), "not_wanted"),
        (b"\x80", "malformed"),
        (forged, "signature"),
        (of(made, seller, key=OTHER), "signature"),
        (bytes(limits.MAX_RECORD + 1), "bad_message"),
    ):
        _, told = await shop.post("review", {"review": review})
        assert told.get("code") == code, code
    assert await shown(shop, seller) == []


async def test_how_many_are_published_is_bounded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """[R-SHOP-14] A log keeps what is written in it for good."""
    made, seller = await witnessed(shop)
    most = shop_reviews.LIMITS[0]
    for number in range(most):
        left = await shop.post("review", {"review": of(made, seller, time=START + number)})
        assert left[0] == 200
    status, told = await shop.post("review", {"review": of(made, seller, time=START + most)})
    assert (status, told["code"]) == (429, "rate")
    shop.home.clock.now += 86_400_001
    assert (await shop.post("review", {"review": of(made, seller, time=START + most)}))[0] == 200


async def test_a_node_need_not_publish_any(tmp_path: Path) -> None:
    """[R-SHOP-14]"""
    async with served(tmp_path, Turnstile(), reviews=False) as shop:
        made, seller = await witnessed(shop)
        status, told = await shop.post("review", {"review": of(made, seller)})
        assert (status, told["code"]) == (409, "not_wanted")


async def test_a_seller_who_is_not_known_here(shop: Shop) -> None:
    """[R-REV-3] The testimony brought the seller's keys; a review is checked by the log."""
    seller = Author("stranger", NETWORK)
    made = sale(shop.home.me, seller)
    await shop.post("witness", made.body)
    _, told = await shop.post("review", {"review": of(made, seller)})
    assert told["code"] == "unknown_author"
