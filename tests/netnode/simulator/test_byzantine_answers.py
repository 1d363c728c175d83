"""False answers to what an owner asks for: searches at a false hub, blobs of a false server."""

from __future__ import annotations

import hashlib

import pytest

from netnode.operations import models
from netnode.problems import Problem
from netnode.simulator.byzantine import blobs, hubs
from protocol.identity import id_text
from tests.netnode.simulator.siege import Siege, besieged

# What may be shown of an answer: it is signed by its seller, and nothing here says that it is not so any more.
SHOWN = {"stale", "endless"}


@pytest.mark.parametrize("mode", hubs.MODES)
def test_a_false_hub_shows_nothing_forged(mode: str) -> None:
    """Forged and back-dated hits are left out; stale ones are all that a hub can pass off [R-QRY-4]."""
    seen: list[models.ListingSummary] = []

    async def searching(siege: Siege) -> None:
        (node, _) = siege.nodes
        await siege.world.settle(lambda: bool(siege.outsiders(node)), 30.0, "a session with the hub")
        await siege.world.advance(2)
        query = models.SearchQuery(text=hubs.WORD, hubs="always")
        for _ in range(3):
            seen.extend((await node.ask(lambda services: services.search.find(query))).items)

    siege = besieged("false-hub", mode, beside=searching)
    assert siege.villain.deeds.acts["searched"] > 0, "nobody asked it"
    (seller,) = [each for each, label in siege.villain.deeds.identities.items() if label == "seller"]
    titles = {(each.seller, each.title) for each in seen}
    assert titles <= {(id_text(seller), f"{hubs.WORD} of {mode}")}
    assert bool(titles) == (mode in SHOWN)


@pytest.mark.parametrize("mode", blobs.MODES)
def test_false_chunks_are_no_blob(mode: str) -> None:
    """Each is checked before it is kept; who sends other bytes is left with `blob` [R-BLOB-2] [R-BLOB-4]."""
    wanted = hashlib.sha256(b"a picture").hexdigest()

    async def fetching(siege: Siege) -> None:
        (node, _) = siege.nodes
        await siege.world.settle(lambda: bool(siege.outsiders(node)), 30.0, "a session with the server")
        await siege.world.advance(2)
        with pytest.raises(Problem):
            await node.ask(lambda services: services.blobs.fetch(wanted))
        assert not (await node.ask(lambda services: services.blobs.progress(wanted))).held

    siege = besieged("false-blobs", mode, beside=fetching)
    assert siege.villain.deeds.acts["fetched"] > 0, "nobody asked it"
    codes = siege.villain.deeds.codes[mode]
    assert ("blob" in codes) == (mode in blobs.FAULTS), codes
