"""A feed into one home, out of it in each format, and into a third: each field is equal there, or was named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from netnode.operations import models
from tests.netnode.services_home import OpenHome, opened, pieces
from tests.netnode.test_feeds_exporting import exported

APPAREL = Path(__file__).parents[1] / "processes" / "apparel.csv"
WOOCOMMERCE = """\
ID,Type,SKU,Name,Published,Short description,Description,Date sale price starts,Date sale price ends,In stock?,\
Weight (kg),Sale price,Regular price,Categories,Tags,Images,Parent,Grouped products,External URL,Attribute 1 name,\
Attribute 1 value(s),Attribute 1 visible,Attribute 1 global
1,simple,LOGO,Our logo,1,Small,<p>A print</p>,2031-01-01,2031-02-01,1,0.4,18,20,"Posters > Art, Gifts","a, b",\
https://shop.example/logo.jpg,,,,,,,
2,variable,SHIRT,Shirt,1,,A shirt,,,1,,,,Clothing,,,,,,Size,"S, M",1,1
3,variation,SHIRT-S,Shirt - S,1,,,,,1,0.2,,15,,,,SHIRT,,,Size,S,,1
4,variation,SHIRT-M,Shirt - M,1,,,,,0,0.3,,16,,,,SHIRT,,,Size,M,,1
5,grouped,,Both,1,,Together,,,1,,,,,,,,"LOGO, SHIRT",,,,,
6,external,BOOK,A book,1,,Elsewhere,,,1,,,9.50,Books,,,,,https://books.example/1,,,,
"""
NOSTR = [
    {
        "kind": 30402, "created_at": 1, "content": "A **lamp**.", "pubkey": "", "id": "", "sig": "",
        "tags": [["d", "lamp"], ["title", "Lamp"], ["summary", "Bright"], ["price", "50", "USD", "month"],
                 ["image", "https://shop.example/lamp.jpg"], ["t", "light"], ["location", "Lisbon"]],
    }
]  # fmt: skip
SAMPLES = {
    "shopify": APPAREL.read_bytes(),
    "woocommerce": WOOCOMMERCE.encode(),
    "nostr": json.dumps(NOSTR).encode(),
}
WITH = {  # what goes with a field that is named
    "sale_from": ("sale",),
    "sale_until": ("sale",),
    "per": ("price",),
    "currency": ("price", "variants"),
    "variants": ("options",),  # the name of an option is written at each variant
}


async def fields(node: OpenHome) -> dict[str, dict[str, Any]]:
    page = await node.services.listings.list(models.ListingsQuery(limit=500))
    return {item.key: (await node.services.listings.show(item.key)).fields for item in page.items}


@pytest.mark.parametrize("sample", SAMPLES)
async def test_every_field_comes_back_or_was_named(tmp_path: Path, sample: str) -> None:
    query = models.ImportQuery(currency="USD")
    async with opened(tmp_path / "first") as node:
        imported = await node.services.listings.import_feed(query, pieces(SAMPLES[sample]))
        assert imported.created and not imported.skipped
        before = await fields(node)
        files = {
            (form, name): await exported(node, form, name)
            for form in ("shopify", "woocommerce", "google", "schemaorg", "nostr")
            for name in (("a.tsv", "a.xml") if form == "google" else ("",))
        }
    for (form, name), (file, told) in files.items():
        assert told.exported == len(before)
        named: dict[str, set[str]] = {key: set() for key in before}
        for one in told.not_carried:
            named[one.key].add(one.field.partition(".")[0])
        async with opened(tmp_path / f"third-{form}-{name}") as third:
            again = await third.services.listings.import_feed(query, pieces(file))
            assert (again.created, again.skipped) == (len(before), [])
            after = await fields(third)
        assert after.keys() == before.keys()
        for key, had in before.items():
            lost = {field for field in had | after[key] if had.get(field) != after[key].get(field)}
            unnamed = {field for field in lost if not {field, *WITH.get(field, ())} & named[key]}
            assert not unnamed, (form, name, key, unnamed, named[key])
