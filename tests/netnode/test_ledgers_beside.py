"""What stands beside search results, and what is read of other logs for it: as far as it costs little."""

import threading
from types import SimpleNamespace
from typing import Any

from msgspec import UNSET

from netnode.ledgers import evidence
from netnode.ledgers.reading import Source
from netnode.operations import models
from protocol.records import SwapEntry
from tests.netnode.test_ledgers import Market, forked, home_with, run_of
from tests.protocol.ledger.swapping import Bench


async def test_a_bad_standing_is_shown_beside_search_results(tmp_path):
    """Of who forked the proof suffices; anything else is said once the ledger was looked at."""
    market, left, right = forked()
    quiet = Market("quiet")
    quiet.sale()
    fields = {"kind": "product", "key": "cap", "title": "Cap", "price": {"amount": "1.00", "currency": "EUR"}}
    async with home_with(tmp_path, market.issuer.entries, quiet.issuer.entries) as home:
        await home.services.listings.publish(fields)
        outcome = await home.gate.admit_proof(run_of(left), run_of(right))
        assert outcome.fault is None
        glances = await home.services.ledgers.glances([market.issuer.id, quiet.issuer.id, home.me.id])
        assert {id: each.exposed for id, each in glances.items()} == {market.issuer.id: True}
        (item,) = (await home.services.search.find(models.SearchQuery(text="cap"))).items
        assert item.standing is UNSET
        finder = home.services.search

        class Exposed:
            async def glances(self, issuers):
                return dict.fromkeys(issuers, glances[market.issuer.id])

        finder._standings = Exposed()
        (item,) = (await finder.find(models.SearchQuery(text="cap"))).items
        assert item.standing.exposed


async def test_of_the_entries_between_two_pins_only_swaps_are_read_whole(tmp_path, monkeypatch):
    """Whose log it is decides how large the others are: 100,000 of them would not fit."""
    monkeypatch.setattr(evidence, "_AT_ONCE", 2_000)
    bench = Bench(admitted=False)
    head = bench.y.issuer.entries[-1]
    document = bench.document()
    assert bench.lock(document).code is None
    bench.y.issuer.write(20)
    assert bench.swap(document).code is None
    entries = bench.y.issuer.entries
    async with home_with(tmp_path, entries) as home:
        first, last = (head.seq, head.id), (entries[-1].seq, entries[-1].id)
        found = await home.store.read(evidence.between, bench.y.issuer.id, first, last)
        assert [each.id for each in found] == [each.id for each in entries[head.seq + 1 :]]
        assert {each.kind for each in found if each.record is not None} == {SwapEntry.KIND}


def test_a_thread_that_folds_lends_its_reader_to_nobody() -> None:
    """The event loop reads entries again for teams while a thread folds a close; a connection is for one at a time."""
    store: Any = SimpleNamespace(reading=lambda function, *values: "of its own")
    reader: Any = SimpleNamespace(entry=lambda *values: "of the thread")
    source, folds, read = Source(store, bytes(32)), threading.Event(), threading.Event()
    found: list[object] = []

    def fold() -> None:
        with source.within(reader):
            folds.set()
            read.wait(10)
            found.append(source.read(1))

    thread = threading.Thread(target=fold)
    thread.start()
    folds.wait(10)
    found.append(source.read(1))
    read.set()
    thread.join()
    assert found == ["of its own", "of the thread"]
