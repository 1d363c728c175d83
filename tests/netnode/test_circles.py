"""R17 over several issuers: no log shows it, who holds the logs is warned, and no award falls."""

from __future__ import annotations

from typing import Any

import pytest

from netnode.ledgers.circles import closing
from netnode.store import Writer
from protocol.deals.offers import name_buyer
from protocol.identity import id_text
from protocol.signing import Signer
from tests.netnode.test_ledgers import Market, home_with, later
from tests.protocol.author import seed


def bought(market: Market, buyer: str, by: str) -> None:
    """A sale whose order names its buyer."""
    key = Signer(seed(market.issuer.name, "buyer", market.deals + 1)).public  # as `World.deal` makes it
    who, path = market.who(buyer), market.path(by)
    named = name_buyer(
        market.issuer.network, who.signer, id=who.id, epoch=0, key=key, seller=market.issuer.id
    )
    deal = market.deal(10_000, path=path, commission=1_000, named=named).complete()
    market.meet(deal)
    assert market.sell(deal, path=path, openers=market.openers(by, buyer)).code is None


async def test_two_who_bring_each_other_to_two_issuers_are_warned_of(tmp_path: Any) -> None:
    first, second = Market(), Market("second")
    bought(first, "bob", by="cal")
    bought(first, "eve", by="cal")
    bought(second, "cal", by="bob")
    async with home_with(tmp_path, first.issuer.entries, second.issuer.entries) as home:
        later(home, first)
        alone = await home.services.ledgers.audit(id_text(first.issuer.id))
        assert alone.circles == [] and alone.wrongs == 0
        await home.store.write(Writer.follow, second.issuer.id, 1)
        found = await home.services.ledgers.audit(id_text(first.issuer.id))
        assert len(found.circles) == 1 and found.wrongs == 0, "the awards stand"
        home.clock.now += 100 * 86_400_000
        assert (await home.services.ledgers.audit(id_text(first.issuer.id))).circles == []


A, B, C, D = (bytes([each]) * 32 for each in range(4))


@pytest.mark.parametrize(
    ("mine", "others", "found"),
    [
        ({b"1": (A, B)}, [(B, A)], [b"1"]),
        ({b"1": (A, B)}, [(B, C), (C, A)], [b"1"]),
        ({b"1": (A, B), b"2": (B, A)}, [], []),
        ({b"1": (A, B), b"2": (B, A)}, [(B, A)], []),
        ({b"1": (A, B)}, [(A, B)], []),
        ({b"1": (A, B)}, [(B, C), (C, D)], []),
        ({b"1": (A, B)}, [(B, bytes([9]) * 32), *(((bytes([n]) * 32), bytes([n + 1]) * 32) for n in range(9, 20)),
                          (bytes([20]) * 32, A)], []),
    ],
)  # fmt: skip
def test_a_circle_is_of_sales_of_several_issuers_and_not_longer_than_one_in_a_log(
    mine: Any, others: Any, found: Any
) -> None:
    """One in the log itself has voided what it has to void [R-PLAN-13]."""
    assert closing(mine, others) == found
