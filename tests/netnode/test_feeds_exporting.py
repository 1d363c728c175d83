"""Exports of a node: what is in force, page by page, into files that another node imports."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from netnode.cli.receiving import Received
from netnode.operations import models
from netnode.problems import Problem
from tests.netnode.services_home import OpenHome, csv, opened, pieces

NAMELESS = ("shopify", "woocommerce")  # they name no currency
LACKING = {
    "shopify": {"currency"},
    "woocommerce": {"currency", "ships"},
    "nostr": {"brand", "options", "variants", "variants.options"},
}


async def exported(node: OpenHome, form: str, filename: str = "") -> tuple[bytes, models.Exported]:
    received = Received()
    query = models.ExportQuery(format=form, filename=filename)
    parts = [part async for part in received.texts(node.services.listings.export_feed(query))]
    return b"".join(parts), received.result()


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("shopify", ""),
        ("woocommerce", ""),
        ("google", ""),
        ("google", "a.xml"),
        ("schemaorg", ""),
        ("nostr", ""),
    ],
)
async def test_an_export_is_imported_elsewhere_and_changes_nothing_here(
    tmp_path: Path, form: str, name: str
) -> None:
    rows = [f"k{n:03},Title {n},Loom,Size,{size},{n}.50" for n in range(1, 70) for size in ("S", "M")]
    query = models.ImportQuery(currency="EUR")
    async with opened(tmp_path / "a") as node:
        assert (await node.services.listings.import_feed(query, pieces(csv(rows)))).created == 69
        await node.services.listings.withdraw("k007")
        file, result = await exported(node, form, name)
        assert (result.exported, result.currency) == (68, "EUR" if form in NAMELESS else None)
        assert {one.field for one in result.not_carried} == LACKING.get(form, set())
        if form == "shopify":
            again = await node.services.listings.import_feed(query, pieces(file))
            assert (again.created, again.updated, again.unchanged, again.skipped) == (0, 0, 68, [])
    async with opened(tmp_path / "b") as other:
        assert (await other.services.listings.import_feed(query, pieces(file))).created == 68
        assert (await exported(other, form, name))[1].exported == 68


async def test_an_empty_export_is_a_file_all_the_same(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        file, result = await exported(node, "shopify")
        assert file.startswith(b"Handle,Title") and file.count(b"\n") == 1
        assert result == models.Exported(exported=0, not_carried=[])
        with pytest.raises(Problem, match="cannot be written; there are: shopify"):
            await exported(node, "auto")


async def test_a_stream_that_ends_early_is_no_export() -> None:
    received = Received()
    with pytest.raises(Problem, match="broke off"):
        line = msgspec.json.encode(models.ExportLine(text="Handle")) + b"\n"
        assert [part async for part in received.texts(pieces(line))] == [b"Handle"]
