from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from netnode.operations import models
from netnode.problems import ExitCode, Problem
from protocol import encoding
from protocol.identity import id_text
from protocol.records import Listing
from tests.netnode.services_home import START, TestClock, csv, everything, opened, pieces
from tests.protocol.author import Author

LAMP: dict[str, object] = {
    "key": "lamp", "kind": "product", "title": "Desk lamp", "price": "12.50", "currency": "EUR",
}  # fmt: skip
ROWS = ["shirt,Shirt,Loom,Size,S,9.99", "shirt,,,,M,10.99", "cap,Cap,Loom,Title,Default Title,5", ",,,,,"]
USD = models.ImportQuery(currency="USD")


def failed(caught: pytest.ExceptionInfo[Problem]) -> tuple[int, str]:
    return int(caught.value.exit_code), caught.value.code


async def test_what_is_published_is_found_by_the_next_read(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        published = await node.services.listings.publish(LAMP)
        assert published.ref == f"{node.id}/lamp"
        shown = await node.services.listings.show("lamp")
        assert (shown.entry, shown.title, shown.seller) == (published.entry, "Desk lamp", node.id)
        assert shown == await node.services.listings.show(published.ref)
        found = await node.services.search.find(models.SearchQuery(text="lamp"))
        assert found.total == 1 and found.items[0].price is not None and found.items[0].price.minor == 1250
    async with opened(tmp_path) as node:
        assert (await node.services.listings.show("lamp")).entry == published.entry


async def test_a_key_in_force_is_not_published_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        await node.services.listings.publish(LAMP)
        with pytest.raises(Problem, match="listing edit lamp") as caught:
            await node.services.listings.publish({**LAMP, "title": "Another"})
        assert failed(caught) == (4, "key_taken")
        both = [node.services.listings.publish({**LAMP, "key": "twice"}) for _ in range(2)]
        outcomes = await asyncio.gather(*both, return_exceptions=True)
        assert sum(isinstance(outcome, Problem) for outcome in outcomes) == 1
        await node.services.listings.withdraw("lamp")
        await node.services.listings.publish(LAMP)


async def test_a_listing_that_nobody_would_see_is_refused(tmp_path: Path) -> None:
    clock = TestClock()
    async with opened(tmp_path, clock=clock) as node:
        with pytest.raises(Problem, match="expires: lies in the past") as caught:
            await node.services.listings.publish({**LAMP, "expires": clock.now})
        assert failed(caught) == (2, "form")
        await node.services.listings.publish({**LAMP, "expires": clock.now + 5})
        with pytest.raises(Problem, match="expires: lies in the past"):
            await node.services.listings.edit(
                models.ListingEdit(key="lamp", fields={"expires": "2001-01-01"})
            )


async def test_an_expired_listing_may_be_published_again(tmp_path: Path) -> None:
    clock = TestClock()
    async with opened(tmp_path, clock=clock) as node:
        await node.services.listings.publish({**LAMP, "expires": clock.now + 5})
        clock.now += 10
        await node.services.listings.publish(LAMP)


async def test_a_form_that_is_wrong_writes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        with pytest.raises(Problem) as caught:
            await node.services.listings.publish(
                {"key": "x", "kind": "product", "title": "X", "price": "1,5"}
            )
        assert failed(caught)[0] == 2
        assert (await node.services.node.status()).entries == 1


async def test_an_edit_keeps_unknown_fields_and_writes_only_changes(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        record = {"$": bytes(16), "key": "lamp", "kind": "product", "later": 7, "title": "Lamp"}
        await node.own.append([(Listing.KIND, encoding.encode(record))])
        same = await node.services.listings.edit(models.ListingEdit(key="lamp", fields={"title": "Lamp"}))
        assert (await node.services.node.status()).entries == 2
        changed = await node.services.listings.edit(
            models.ListingEdit(key="lamp", fields={"title": "Lamp II", "price": "3", "currency": "EUR"})
        )
        assert changed.entry != same.entry
        entry = await node.store.read(lambda reader: reader.entry(node.me.id, 2))
        assert entry is not None and entry.record is not None
        value = encoding.decode(entry.record)
        assert (value["later"], value["title"]) == (7, "Lamp II")
        cleared = models.ListingEdit(key="lamp", clear=["price"])
        await node.services.listings.edit(cleared)
        assert (await node.services.listings.show("lamp")).price is None


@pytest.mark.parametrize("key", ["nothing", "nx1/else"])
async def test_an_unknown_key_is_not_found(tmp_path: Path, key: str) -> None:
    async with opened(tmp_path) as node:
        for call in (
            node.services.listings.edit(models.ListingEdit(key=key, fields={"title": "X"})),
            node.services.listings.withdraw(key),
            node.services.listings.show(key),
        ):
            with pytest.raises(Problem) as caught:
                await call
            assert failed(caught) == (3, "no_listing")


async def test_a_withdrawn_listing_is_gone_until_it_is_offered_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        await node.services.listings.publish(LAMP)
        await node.services.listings.withdraw("lamp")
        assert (await node.services.listings.list(models.ListingsQuery())).items == []
        assert (await node.services.listings.show("lamp")).withdrawn is True
        with pytest.raises(Problem, match="listing add --key lamp") as caught:
            await node.services.listings.withdraw("lamp")
        assert failed(caught)[0] == 3


async def test_another_networkers_listing_is_shown_and_not_edited(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        other = Author("ben", "inx")
        record = {"$": bytes(16), "key": "a/b", "kind": "service", "title": "Haircut"}
        other.entries.append(other.after(other.entries[0], 3, encoding.encode(record)))
        await node.gate.admit(other.entries)
        await node.projector.level()
        ref = f"{id_text(other.id)}/a/b"
        assert (await node.services.listings.show(ref)).title == "Haircut"
        with pytest.raises(Problem) as caught:
            await node.services.listings.withdraw(ref)
        assert failed(caught)[0] == 3


async def test_own_listings_come_in_pages(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        for number in range(5):
            await node.services.listings.publish({**LAMP, "key": f"k/{number} ä"})
        list_ = node.services.listings.list
        items = await everything(lambda cursor: list_(models.ListingsQuery(limit=2, cursor=cursor)))
        assert [item.key for item in items] == [f"k/{number} ä" for number in range(5)]
        for cursor in ("rubbish!", "W10", "e30", "WyJwZWVycyIsMSwiIl0"):
            with pytest.raises(Problem) as caught:
                await list_(models.ListingsQuery(cursor=cursor))
            assert failed(caught) == (2, "cursor")


async def test_locked_keys_read_and_do_not_sign(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        await node.services.listings.publish(LAMP)
    async with opened(tmp_path, locked=True) as node:
        await node.services.listings.show("lamp")
        for call in (
            node.services.listings.publish({**LAMP, "key": "x"}),
            node.services.listings.withdraw("lamp"),
            node.services.listings.import_feed(USD, pieces(csv(ROWS))),
        ):
            with pytest.raises(Problem, match="--passphrase-file") as caught:
                await call
            assert failed(caught) == (2, "passphrase_needed")
        dry = models.ImportQuery(currency="USD", dry_run=True)
        assert (await node.services.listings.import_feed(dry, pieces(csv(ROWS)))).created == 2


# -- feeds ---------------------------------------------------------------------------------------------------
async def run(node: Any, rows: list[str], query: models.ImportQuery = USD) -> tuple[int, int, int, int]:
    result = await node.services.listings.import_feed(query, pieces(csv(rows)))
    return result.created, result.updated, result.unchanged, len(result.skipped)


async def test_a_feed_is_imported_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        assert await run(node, ROWS) == (2, 0, 0, 0)
        found = await node.services.search.find(models.SearchQuery(text="shirt"))
        assert found.items[0].price is not None and found.items[0].price.minor == 999
        assert [variant.options for variant in found.items[0].variants] == [{"Size": "S"}, {"Size": "M"}]
        assert await run(node, ROWS) == (0, 0, 2, 0)
        assert (await node.services.node.status()).entries == 3
        assert await run(node, [*ROWS[:2], "cap,Hat,Loom,Title,Default Title,5"]) == (0, 1, 1, 0)
        await node.services.listings.withdraw("cap")
        assert await run(node, ROWS) == (1, 0, 1, 0)


async def test_what_the_owner_added_stays_over_an_import(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        await run(node, ROWS)
        await node.services.listings.edit(models.ListingEdit(key="cap", fields={"commission": "10"}))
        assert await run(node, ROWS) == (0, 0, 2, 0)
        assert await run(node, [*ROWS[:2], "cap,Hat,Loom,Title,Default Title,5"]) == (0, 1, 1, 0)
        assert (await node.services.listings.show("cap")).fields["commission"] == "10"


async def test_a_dry_run_counts_and_writes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        dry = models.ImportQuery(currency="USD", dry_run=True)
        assert await run(node, ROWS, dry) == (2, 0, 0, 0)
        assert (await node.services.node.status()).entries == 1


async def test_a_file_without_currency_writes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        with pytest.raises(Problem, match="--currency") as caught:
            await run(node, ROWS, models.ImportQuery())
        assert failed(caught) == (2, "currency")
        assert (await node.services.node.status()).entries == 1


async def test_rows_that_make_no_listing_are_skipped_with_their_reason(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        await node.services.listings.publish({"key": "cap", "kind": "service", "title": "Cap repair"})
        rows = [*ROWS, "bad,Bad,Loom,Title,Default Title,cheap"]
        result = await node.services.listings.import_feed(USD, pieces(csv(rows)))
        assert (result.created, [(skip.row, skip.field) for skip in result.skipped]) == (
            1, [(4, "Handle"), (6, "Variant Price")],
        )  # fmt: skip
        assert (await node.services.listings.show("cap")).title == "Cap repair"


async def test_a_broken_file_writes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        before = set(os.listdir(node.home.path))
        for data, code in ((csv([*ROWS, '"open']), "feed"), (b"PK\x03\x04", "feed"), (b"a,b\n", "format")):
            with pytest.raises(Problem) as caught:
                await node.services.listings.import_feed(USD, pieces(data))
            assert caught.value.code == code
        assert (await node.services.node.status()).entries == 1
        assert set(os.listdir(node.home.path)) == before


async def test_a_feed_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netnode.services.importing.MAX_FEED", 1024 * 1024)
    async with opened(tmp_path) as node:
        with pytest.raises(Problem, match="larger than 1 MiB") as caught:
            await node.services.listings.import_feed(USD, pieces(bytes(2 * 1024 * 1024), 65_536))
        assert caught.value.code == "too_large"


async def test_a_full_disk_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    async with opened(tmp_path) as node:
        with pytest.raises(Problem, match="the disk is full"):
            await run(node, ROWS)


# -- profile -------------------------------------------------------------------------------------------------
async def test_the_profile_is_edited_in_part(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        identity = node.services.identity
        assert await identity.profile() == models.Profile(id=node.id, name="")
        with pytest.raises(Problem, match="name"):
            await identity.edit_profile(models.ProfileEdit(bio="I knit"))
        first = await identity.edit_profile(models.ProfileEdit(name="Ada", bio="I knit"))
        assert (first.name, first.bio) == ("Ada", "I knit") and first.entry is not None
        assert await identity.edit_profile(models.ProfileEdit(name="Ada")) == first
        second = await identity.edit_profile(models.ProfileEdit(bio=""))
        assert (second.name, second.bio) == ("Ada", "") and second.entry != first.entry
        assert (await node.services.node.status()).name == "Ada"


async def test_a_profile_keeps_the_fields_nobody_here_knows(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        record = {"$": bytes(16), "later": "x", "name": "Ada"}
        await node.own.append([(1, encoding.encode(record))])
        await node.services.identity.edit_profile(models.ProfileEdit(bio="new"))
        entry = await node.store.read(lambda reader: reader.entry(node.me.id, 2))
        assert entry is not None and entry.record is not None
        assert encoding.decode(entry.record)["later"] == "x"


# -- status --------------------------------------------------------------------------------------------------
async def test_status_counts(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        await node.services.listings.publish(LAMP)
        status = await node.services.node.status()
        assert (status.id, status.running, status.entries, status.logs) == (node.id, False, 2, 1)
        assert (status.listings, status.own_listings, status.lag, status.sessions) == (1, 1, 0, 0)
        with pytest.raises(Problem) as caught:
            await node.services.node.stop()
        assert failed(caught) == (5, "not_running")


async def test_a_running_node_says_where_it_serves_and_stops(tmp_path: Path) -> None:
    async with opened(tmp_path, running=True) as node:
        status = await node.services.node.status()
        assert (status.api, status.peer, status.started) == (
            "http://127.0.0.1:1", "ws://127.0.0.1:1/inx/1", START,
        )  # fmt: skip
        await node.services.node.stop()
        assert node.stopped == [True]


async def test_a_version_that_no_longer_fits_is_refused_with_a_sentence(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        big = {"$": bytes(16), "key": "cap", "kind": "product", "later": "x" * 48_000, "title": "Cap"}
        await node.own.append([(Listing.KIND, encoding.encode(big))])
        change = models.ListingEdit(key="cap", fields={"description": "y" * 4_000})
        with pytest.raises(Problem, match="at most") as caught:
            await node.services.listings.edit(change)
        assert failed(caught)[0] == 2
        rows = ["cap,Cap,Loom,Title,Default Title,5," + "z" * 4_000]
        data = csv(rows).replace(b"Variant Price", b"Variant Price,Body (HTML)")
        result = await node.services.listings.import_feed(USD, pieces(data))
        assert (result.updated, len(result.skipped)) == (0, 1)
        assert (await node.services.node.status()).entries == 2


async def test_a_product_that_breaks_a_limit_is_skipped(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        rows = [f"cap,{'long ' * 40},Loom,Title,Default Title,5"]
        result = await node.services.listings.import_feed(USD, pieces(csv(rows)))
        assert [(skip.row, skip.field) for skip in result.skipped] == [(2, "Title")]


async def test_a_sale_stands_beside_the_regular_price(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        await node.services.listings.publish({**LAMP, "sale": "9.00"})
        shown = (await node.services.search.find(models.SearchQuery(text="lamp"))).items[0]
        assert shown.price is not None and shown.price.amount == "12.50"
        assert isinstance(shown.sale, models.Sale) and shown.sale.price.amount == "9.00"


async def test_a_whole_file_withdraws_what_it_does_not_have(tmp_path: Path) -> None:
    """Only on the word of a file of which every row could be told apart."""
    whole = models.ImportQuery(currency="USD", whole=True)

    def rows(*lines: str) -> bytes:
        return "\n".join(("Handle,Title,Variant Price,Published", *lines, "")).encode()

    async with opened(tmp_path) as place:
        listings = place.services.listings
        await listings.import_feed(whole, pieces(rows("a,A,1,true", "b,B,2,true", "c,C,3,true")))
        kept = await listings.import_feed(whole, pieces(rows("a,A,1,true", "b,,2,true")))
        assert (kept.withdrawn, len(kept.skipped)) == (0, 1) and isinstance(kept.kept, str)
        found = await listings.import_feed(
            whole, pieces(rows("a,A,1,true", "a,A again,1,true", "c,C,3,false"))
        )
        assert found.withdrawn in (0, 2)
        last = await listings.import_feed(whole, pieces(rows("a,A,1,true", "c,C,3,false")))
        page = await listings.list(models.ListingsQuery())
        assert [item.key for item in page.items] == ["a"]
        assert found.withdrawn + last.withdrawn == 2
        empty = await listings.import_feed(whole, pieces(rows("x,,1,true")))
        assert empty.withdrawn == 0 and isinstance(empty.kept, str)


async def test_an_id_with_a_slip_is_no_own_key(tmp_path: Path) -> None:
    """Found in use: whoever mistyped a seller was told to look among their own listings."""
    async with opened(tmp_path) as node:
        for ref in (node.id[:-4] + "qqqq", f"{node.id[:-4]}qqqq/lamp", f"{node.id[:50]}/lamp"):
            with pytest.raises(Problem) as caught:
                await node.services.listings.show(ref)
            assert caught.value.exit_code is ExitCode.USAGE and "no networker id" in caught.value.text
        await node.services.listings.publish({**LAMP, "key": "nx100-strap"})
        assert (await node.services.listings.show("nx100-strap")).title == LAMP["title"]
