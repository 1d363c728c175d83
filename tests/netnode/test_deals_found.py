"""Faults of deals that the simulator found, each as its own test."""

from __future__ import annotations

from pathlib import Path

import pytest

from netnode.home import Home
from netnode.homes.founding import initialise
from netnode.keys.keystore import Keystore
from netnode.operations import models
from netnode.problems import Problem
from netnode.system import SystemDisk, SystemEntropy
from protocol import limits
from tests.netnode.dealing import Market, market


async def _offered(found: Market, ahead: int) -> str:
    """An offer to the buyer by a seller whose clock is ahead; its id."""
    found.clock.now += ahead
    made = await found.seller.services.offers.make(
        models.OfferMake(key="cap", price="9.00", to=found.buyer.id)
    )
    await found.post.carry()
    found.clock.now -= ahead
    return made.offer


async def test_an_offer_of_a_clock_a_little_ahead_can_be_ordered_on(tmp_path: Path) -> None:
    async with market(tmp_path) as found:
        offer = await _offered(found, 5_000)
        made = await found.buyer.services.deals.order(models.DealOrder(offer=offer))
        assert made.state == "agreed"


async def test_an_offer_of_a_clock_far_ahead_is_refused_with_a_sentence(tmp_path: Path) -> None:
    async with market(tmp_path) as found:
        offer = await _offered(found, limits.CLOCK_TOLERANCE_MS + 1)
        with pytest.raises(Problem, match="Set the clock") as told:
            await found.buyer.services.deals.order(models.DealOrder(offer=offer))
        assert told.value.code == "clock"


def test_a_backup_made_before_the_first_order_can_bring_that_order_back(tmp_path: Path) -> None:
    """The key of an order is derived from a secret of the keystore, so the secret is there from the beginning."""
    home = tmp_path / "home"
    initialise(home, name="Ada", passphrase=None)
    keys = Keystore(Home(home, SystemDisk()), SystemDisk(), SystemEntropy()).open(None)
    assert keys.deal_secret is not None
