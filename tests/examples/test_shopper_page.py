"""The shopper's page in a browser, from a static server: an order, the link back, and a receipt."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from tests.examples import chromium
from tests.examples.nodejs import FOLDER
from tests.examples.running import running
from tests.examples.static import serving

HOSTILE = '<img src=x onerror="document.body.dataset.owned=1"> lamp'
ENDED = """new Promise((resolve) => {
    const look = () => ["done", "failed"].includes(document.body.dataset.state)
        ? resolve(document.body.dataset.state) : setTimeout(look, 20);
    setTimeout(look, 50);
})"""


async def told(page: chromium.Page, id_: str) -> str:
    return str(await page.value(f"document.getElementById('{id_}').textContent"))


@pytest.mark.browser
async def test_an_order_in_a_browser(tmp_path: Path) -> None:
    """[R-SHOP-2] [R-SHOP-5] [R-SHOP-7] [R-SHOP-8] [R-SHOP-13]"""
    async with (
        chromium.page(tmp_path / "browser") as page,
        running(tmp_path, "Ada & Sons") as node,
        serving({"/shopper": FOLDER.parent / "shopper", "/javascript": FOLDER}) as site,
    ):
        await node.do(
            "listing", "add", "--kind", "product", "--key", "lamp", "--title", HOSTILE, "--price", "12.50",
            "--currency", "EUR",
        )  # fmt: skip
        address = f"{site}/shopper/index.html?way={quote(node.api, safe='')}&ref={quote(node.id + '/lamp', safe='')}"
        await page.open(address)
        assert await page.value("document.body.dataset.state") == "done", (
            page.said,
            await told(page, "status"),
        )
        assert await told(page, "title") == HOSTILE
        assert await told(page, "seller") == "Sold by Ada & Sons"
        await page.value(
            "(() => { const field = document.getElementById('quantity'); field.value = 2;"
            " field.dispatchEvent(new Event('input', {bubbles: true})); })()"
        )
        assert await told(page, "price") == "Together 25.00 EUR"
        await page.value("document.getElementById('buy').click()")
        assert await page.value(ENDED) == "done", (page.said, await told(page, "status"))
        assert (await told(page, "phase")).startswith("Waiting for the seller to accept. Price 25.00 EUR.")
        link = str(await page.value("location.href"))
        assert "#inx-deal?v=1&s=" in link

        [deal] = (await node.do("deal", "ls", "--all"))["items"]
        await node.do("deal", "accept", deal["deal"])
        await node.do("deal", "fulfil", deal["deal"])
        await page.open(f"{site}/")  # another page, then back by the link alone
        await page.open(link)
        assert (await told(page, "phase")).startswith("Sent: confirm when it is there."), page.said
        await page.value(
            "[...document.querySelectorAll('#moves button')].find((each) => each.textContent === 'It is there').click()"
        )
        assert await page.value(ENDED) == "done", (page.said, await told(page, "status"))
        assert (await told(page, "phase")).startswith("Closed, money is due.")
        assert await page.value("document.querySelectorAll('img').length") == 0
        assert await page.value("document.body.dataset.owned ?? null") is None
        assert page.said == []
