"""The JavaScript example against a running node: in Node.js, and in a browser from a static server."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.examples import chromium
from tests.examples.nodejs import FOLDER, listed
from tests.examples.running import Running, running
from tests.examples.static import serving

HOSTILE = '<img src=x onerror="document.body.dataset.owned=1"> & more'


@asynccontextmanager
async def shop(folder: Path) -> AsyncIterator[Running]:
    """A node with listings of several sorts."""
    async with running(folder, "Ada & Sons") as node:
        add = ("listing", "add", "--kind")
        await node.do(*add, "product", "--key", "plain", "--title", "A plain thing", "--price", "12.50",
                      "--currency", "USD")  # fmt: skip
        await node.do(*add, "product", "--key", "yen", "--title", "こんにちは", "--price", "1200",
                      "--currency", "JPY")  # fmt: skip
        await node.do(*add, "service", "--key", "asked", "--title", HOSTILE)
        await node.do(*add, "product", "--key", "gone", "--title", "Withdrawn")
        await node.do("listing", "withdraw", "gone")
        variants = folder / "shirt.csv"
        variants.write_text(
            "Handle,Title,Option1 Name,Option1 Value,Variant Price\n"
            "shirt,Blue shirt,Size,S,20.00\nshirt,,,M,19.00\nshirt,,,L,21.00\n"
        )
        await node.do("listing", "import", str(variants), "--currency", "EUR")
        yield node


async def test_it_lists_what_the_node_lists(tmp_path: Path) -> None:
    async with shop(tmp_path) as node:
        uri = (await node.do("invite"))["uri"]
        found = (await listed(uri, "--json")).json()
        own = (await node.do("listing", "ls"))["items"]
        table = await listed(uri)
        bare = (await listed(node.peer, "--json")).json()
    assert found["peer"] == node.id
    assert (found["logs"], found["skipped"]) == (1, [])
    facts = ("ref", "entry", "kind", "title", "price")
    mine = {item["ref"]: [item[fact] for fact in facts] + [item["variants"]] for item in found["items"]}
    theirs = {item["ref"]: [item[fact] for fact in facts] + [len(item["variants"])] for item in own}
    assert mine == theirs
    assert mine[f"{node.id}/shirt"][-2:] == [
        {"amount": "19.00", "minor": 1900, "currency": "EUR", "from": True},
        3,
    ]
    assert {item["seller_name"] for item in found["items"]} == {"Ada & Sons"}
    assert re.search(r"^Ada & Sons +Blue shirt +from 19\.00 EUR +3 variants$", table.out, re.MULTILINE)
    assert bare["items"] == found["items"]


async def test_nobody_answers(tmp_path: Path) -> None:
    async with running(tmp_path, "Ada") as node:
        address = node.peer
    ended = await listed(address)
    assert (ended.code, ended.out) == (1, "")
    assert "no node answers at" in ended.err


@pytest.mark.browser
async def test_the_page_lists_in_a_browser(tmp_path: Path) -> None:
    async with (
        chromium.page(tmp_path / "browser") as page,
        shop(tmp_path) as node,
        serving({"/listings": FOLDER}) as site,
    ):
        uri = (await node.do("invite"))["uri"]
        await page.open(f"{site}/listings/index.html?uri={quote(uri, safe='')}")
        assert await page.value("document.body.dataset.state") == "done", page.said
        rows = await page.value(
            "[...document.querySelectorAll('#rows tr')].map((row) => [row.dataset.ref,"
            " ...[...row.cells].map((cell) => cell.textContent)])"
        )
        assert sorted(rows) == sorted(
            [
                [f"{node.id}/plain", "Ada & Sons", "A plain thing", "product", "12.50 USD", ""],
                [f"{node.id}/yen", "Ada & Sons", "こんにちは", "product", "1200 JPY", ""],
                [f"{node.id}/asked", "Ada & Sons", HOSTILE, "service", "on request", ""],
                [f"{node.id}/shirt", "Ada & Sons", "Blue shirt", "product", "from 19.00 EUR", "3"],
            ]
        )
        status = await page.value("document.getElementById('status').textContent")
        assert "4 listings in 1 log with " in status
        assert node.id in status
        assert await page.value("document.querySelectorAll('img').length") == 0
        assert await page.value("document.body.dataset.owned ?? null") is None
        assert page.said == []


@pytest.mark.browser
async def test_the_page_says_what_failed(tmp_path: Path) -> None:
    async with chromium.page(tmp_path / "browser") as page, serving({"/listings": FOLDER}) as site:
        await page.open(f"{site}/listings/index.html?uri=nonsense")
        assert await page.value("document.body.dataset.state") == "failed"
        status = await page.value("document.getElementById('status').textContent")
        assert (
            status == "Could not list: this is neither an inx: link nor a ws:// or wss:// address (bad_uri)."
        )
