"""What people read of a price adds up to its total."""

from __future__ import annotations

from pathlib import Path

import pytest

from netnode.operations import models
from tests.netnode.dealing import CAP, market

SHIPPED = {**CAP, "ships": True, "shipping": [{"regions": ["DE"], "price": "4.90"}]}


@pytest.mark.parametrize("included", [True, False], ids=["included", "added"])
async def test_the_lines_of_a_deal_with_tax_and_shipping_add_up(tmp_path: Path, included: bool) -> None:
    tax = {"rate": "19", "title": "VAT", "included": included, "shipping": True}
    async with market(tmp_path, listing={**SHIPPED, "tax": tax}) as trade:
        ordered = await trade.order(address=models.DealAddress(country="DE", lines=["Am Sand 1"], city="Ulm"))
        shown = await trade.buyer.services.deals.show(ordered.deal)
        assert shown.shipping is not None and shown.shipping.amount.amount == "4.90"
        above = sum(line.amount.minor for line in shown.taxes if not line.included)
        goods = sum(line.amount.minor for line in shown.lines)
        assert goods + shown.shipping.amount.minor + above == shown.figures.price.minor
