"""Short referral links: what a browser and a program are told of a code, and of one that was mistyped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from netnode.shop.turnstile import HERE, Turnstile
from netnode.store import referrals
from netnode.store.referrals import ReferralRow, Role, referral_id
from protocol import paths
from protocol.identity import id_text
from protocol.records import Listing, Profile, encode_record
from protocol.referrals import read_link
from tests.netnode.services_home import NETWORK
from tests.netnode.shop_open import DAY, Shop, served
from tests.protocol.author import Author

ODD = "<script>alert('x')</script> & Co"


@pytest.fixture
def turnstile() -> Turnstile:
    return Turnstile()


@pytest.fixture
async def shop(tmp_path: Path, turnstile: Turnstile) -> AsyncIterator[Shop]:
    async with served(tmp_path, turnstile) as one:
        yield one


async def keep(shop: Shop, code: str, role: Role = "made", listing: str | None = "lamp") -> bytes:
    """A recommendation of what this node's owner offers, by somebody else; its seller."""
    home, friend = shop.home, Author("friend", NETWORK)
    token = paths.sign_referral(
        NETWORK, friend.signer, referrer=friend.id, epoch=0, seller=home.me.id, expires=home.clock.now + DAY
    )
    at = home.clock.now
    row = ReferralRow(
        0, referral_id(role, (token,), code), role, home.me.id, listing, (token,), code, at + DAY, at, at, friend.id
    )  # fmt: skip
    assert await home.store.write(referrals.put, row)
    return home.me.id


async def offer(shop: Shop, title: str, name: str) -> None:
    home = shop.home
    lamp = Listing(salt=bytes(16), key="lamp", kind="product", title=title)
    profile = Profile(salt=bytes(16), name=name)
    await home.own.append([(1, encode_record(profile)), (3, encode_record(lamp))])
    await home.projector.level_of(home.me.id)


async def told(shop: Shop, code: str, accept: str = "*/*", **headers: str) -> tuple[int, str, Any]:
    async with shop.session.get(f"/r/{code}", headers={"Accept": accept, **headers}) as answer:
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.headers["Vary"] == "Accept" and answer.headers["Cache-Control"] == "no-store"
        html = answer.content_type == "text/html"
        return answer.status, answer.content_type, await (answer.text() if html else answer.json())


@pytest.mark.parametrize("role", ["made", "registered"])
async def test_a_code_says_what_it_stands_for(shop: Shop, role: Role) -> None:
    """[R-REF-5] Typed in any case; the link in the answer is what an order is made by."""
    seller = await keep(shop, "ANNA", role)
    await offer(shop, "Brass lamp", "Ada's Lamps")
    status, form, found = await told(shop, "anna")
    assert (status, form) == (200, "application/json")
    assert {name: found[name] for name in ("code", "seller", "seller_name", "listing", "title")} == {
        "code": "ANNA", "seller": id_text(seller), "seller_name": "Ada's Lamps", "listing": "lamp",
        "title": "Brass lamp",
    }  # fmt: skip
    link = read_link(found["link"])
    assert (link.path.seller, link.listing, link.expires) == (seller, "lamp", found["expires"])
    assert (await shop.post("referral", {"code": "anna"}))[1]["link"] == found["link"]


async def test_a_browser_gets_a_plain_page(shop: Shop) -> None:
    """What strangers wrote is text in it, and it holds no script."""
    await keep(shop, "ANNA")
    await offer(shop, ODD, ODD)
    status, form, page = await told(shop, "ANNA", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
    assert (status, form) == (200, "text/html")
    assert "<script" not in page and page.count("&lt;script&gt;") == 2
    link = (await told(shop, "ANNA"))[2]["link"]
    assert link in page and "ANNA" in page


async def test_a_listing_that_is_gone_is_not_named(shop: Shop) -> None:
    await keep(shop, "ANNA")
    _, _, found = await told(shop, "ANNA")
    assert (found["title"], found["listing"], found["seller_name"]) == (None, "lamp", None)
    assert "Something of" in (await told(shop, "ANNA", "text/html"))[2]


async def test_a_link_that_does_not_work_says_why(shop: Shop) -> None:
    """[R-REF-4] Mistyped, unknown, over: each has its status, for a program and for a person."""
    await keep(shop, "ANNA")
    for code, status, name in (("R-ABCDEFGA", 400, "bad_uri"), ("BEN", 404, "not_here")):
        answered, _, found = await told(shop, code)
        assert (answered, found["error"]["code"]) == (status, name)
        answered, _, page = await told(shop, code, "text/html")
        assert answered == status and "This link does not work" in page
    assert "was mistyped" in (await told(shop, "R-ABCDEFGA", "text/html"))[2]
    shop.home.clock.now += DAY
    status, _, found = await told(shop, "ANNA")
    assert (status, found["error"]["code"]) == (410, "path_expired")


async def test_no_other_host_and_no_other_page_is_answered(shop: Shop) -> None:
    """[R-SHOP-2]"""
    await keep(shop, "ANNA")
    async with shop.session.get("/r/ANNA", headers={"Host": "evil.example"}) as answer:
        assert answer.status == 403
    async with shop.session.get("/r/ANNA", headers={"Origin": "https://evil.example"}) as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers
    for path in ("/r/", "/r/ANNA/more", "/r"):
        async with shop.session.get(path) as answer:
            assert answer.status in (401, 403, 404), path


@pytest.mark.parametrize("turnstile", [Turnstile(most=1)])
async def test_guessing_is_bounded(shop: Shop) -> None:
    """[R-SHOP-4] Nobody tries all codes of a node."""
    found = [(await told(shop, f"CODE{number}"))[0] for number in range(HERE + 1)]
    assert found == [404] * HERE + [429]
