"""Reviews in a node: written by buyers, carried by anybody, weighed by the owner's own trust."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from netnode.operations import models
from netnode.problems import Problem
from netnode.projections import catalogue
from netnode.reviews import reading
from netnode.store import Reader, Writer
from netnode.store.room import set_near
from protocol.certificate import DAY_MS
from protocol.identity import id_text
from protocol.records import Review, decode_record, encode_record
from protocol.signing import Signer
from tests.netnode.dealing import Market, market
from tests.netnode.services_home import NETWORK, OpenHome, TestClock, opened, pieces
from tests.protocol.author import START, Author, seed
from tests.protocol.deals.reviewed import HOUR, accepted, received, reviewed, the_path

SOL = Author("sol", NETWORK)
RITA = Author("rita", NETWORK)
NELL = Author("nell", NETWORK)
KAY = Author("kay", NETWORK)


def buyer(number: int) -> Signer:
    return Signer(seed("buyer", number))


def review_of(number: int = 0, **fields: object) -> bytes:
    """A review of the seller `sol` by a buyer of its own key."""
    return reviewed(seller=SOL, key=buyer(number), network=NETWORK, **fields)  # type: ignore[arg-type]


async def hold(home: OpenHome, author: Author, *records: bytes) -> None:
    """Gives a home the log of an author with these reviews at its end."""
    for record in records:
        author.entries.append(author.after(author.entries[-1], Review.KIND, record))
    for outcome in await home.gate.admit_chains([author.entries]):
        assert outcome.fault is None
    await home.projector.level()


def fresh(*names: str) -> list[Author]:
    return [Author(name, NETWORK) for name in names]


@pytest.fixture
async def viewer(tmp_path: Path) -> AsyncIterator[OpenHome]:
    async with opened(tmp_path, "ada", clock=TestClock()) as home:
        await hold(home, Author("sol", NETWORK))
        yield home


async def ratings(home: OpenHome, ref: str | None = None) -> dict[str, models.RatingGroup]:
    found = await home.services.reviews.list(models.ReviewsQuery(ref=ref or id_text(SOL.id)))
    return {group.distance: group for group in found.ratings}


async def met(trade: Market) -> None:
    """Each side has the other's log, and has looked through it."""
    await trade.meet()
    for home in (trade.seller, trade.buyer):
        await home.projector.level()


async def finished(trade: Market) -> str:
    """A deal from order to receipt."""
    ordered = await trade.order()
    await trade.post.carry()
    sells, buys = trade.seller.services.deals, trade.buyer.services.deals
    await sells.accept(models.DealAccept(deal=ordered.deal))
    await sells.fulfil(models.DealFulfil(deal=ordered.deal))
    await trade.post.carry()
    await buys.receipt(models.DealPartName(deal=ordered.deal))
    return ordered.deal


async def test_a_buyer_reviews_and_the_listing_shows_it(tmp_path: Path) -> None:  # [R-REV-5] [R-REV-10]
    async with market(tmp_path) as trade:
        deal = await finished(trade)
        reviews = trade.buyer.services.reviews
        await reviews.write(models.ReviewWrite(deal=deal[:8], rating=4, text="Warm."))
        await met(trade)
        ref = f"{trade.seller.id}/cap"
        seen = await trade.seller.services.reviews.list(models.ReviewsQuery(ref=ref))
        (one,) = seen.items
        assert (one.rating, one.text, one.title) == (4, "Warm.", "Blue cap")
        assert (one.buyer, one.distance, one.listing) == (trade.buyer.id, "strangers", ref)
        mine = await reviews.list(models.ReviewsQuery(ref=ref))
        assert [each.distance for each in mine.items] == ["own"]
        shown = await trade.seller.services.listings.show("cap")
        assert [(each.average, each.receipts, each.aged) for each in shown.ratings] == [("4.0", 1, 0)]
        trade.clock.now += 31 * DAY_MS
        assert (await ratings(trade.seller, ref))["strangers"].aged == 1


async def test_a_flood_by_one_key_is_not_judged_to_its_end(
    viewer: OpenHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[R-REV-3] [R-REV-7] Reviews that no seller agreed to cost a signature each; their key can sign any number."""
    thief = Author("thief", NETWORK)
    flood = [
        reviewed(
            seller=SOL, key=buyer(0), network=NETWORK, contract=accepted(seller=thief, key=buyer(0), network=NETWORK),
            time=START + 20 * HOUR + number,
        )
        for number in range(reading.OF_KEY + 20)
    ]  # fmt: skip
    await hold(viewer, KAY, review_of(1), *flood)
    looked = []
    judged = reading.read_review
    monkeypatch.setattr(reading, "read_review", lambda *given: looked.append(given) or judged(*given))
    found = await viewer.services.reviews.list(models.ReviewsQuery(ref=id_text(SOL.id)))
    assert len(found.items) == 1 and len(looked) == reading.OF_KEY + 1


async def test_the_next_one_replaces_it_and_withdrawing_takes_it_back(tmp_path: Path) -> None:  # [R-REV-7]
    async with market(tmp_path) as trade:
        deal = await finished(trade)
        reviews = trade.buyer.services.reviews
        with pytest.raises(Problem) as none:
            await reviews.withdraw(deal)
        assert none.value.code == "no_review"
        await reviews.write(models.ReviewWrite(deal=deal, rating=5))
        await reviews.write(models.ReviewWrite(deal=deal, rating=1, unnamed=True))  # in the same millisecond
        found = await reviews.list(models.ReviewsQuery(ref=trade.seller.id))
        assert [(each.rating, each.buyer) for each in found.items] == [(1, None)]
        await reviews.withdraw(deal)
        assert (await reviews.list(models.ReviewsQuery(ref=trade.seller.id))).items == []
        await met(trade)
        assert await ratings(trade.seller) == {}


async def test_only_the_buyer_reviews_and_only_what_was_received(tmp_path: Path) -> None:  # [R-REV-2]
    async with market(tmp_path) as trade:
        ordered = await trade.order()
        await trade.post.carry()
        for home, code in ((trade.buyer, "no_receipt"), (trade.seller, "not_buyer")):
            with pytest.raises(Problem) as caught:
                await home.services.reviews.write(models.ReviewWrite(deal=ordered.deal, rating=5))
            assert caught.value.code == code


async def test_an_older_version_of_the_listing_is_still_its_listing(tmp_path: Path) -> None:  # [R-REV-10]
    async with market(tmp_path) as trade:
        deal = await finished(trade)
        await trade.buyer.services.reviews.write(models.ReviewWrite(deal=deal, rating=3))
        await trade.seller.services.listings.edit(models.ListingEdit(key="cap", fields={"price": "14.00"}))
        await met(trade)
        for home in (trade.seller, trade.buyer):
            assert (
                sum(each.receipts for each in (await ratings(home, f"{trade.seller.id}/cap")).values()) == 1
            )


async def test_ratings_are_told_by_distance(viewer: OpenHome) -> None:  # [R-REV-9] [R-REV-10]
    nell, kay, rita = fresh("nell", "kay", "rita")
    await viewer.store.write(Writer.follow, nell.id, START)
    await viewer.store.write(set_near, nell.id, [kay.id])
    await hold(viewer, nell, review_of(1, named=nell, rating=5), review_of(2, rating=4))
    await hold(viewer, kay, review_of(3, named=kay, rating=2))
    await hold(
        viewer, rita, *(review_of(10 + n, rating=1) for n in range(3)), review_of(4, named=rita, rating=2)
    )
    found = await ratings(viewer)
    assert {name: (group.average, group.receipts) for name, group in found.items()} == {
        "followed": ("5.0", 1),
        "near": ("3.0", 2),  # of kay, and one that nell passes on
        "strangers": ("1.3", 4),
    }


async def test_whose_carrier_does_not_matter_when_the_buyer_is_named(viewer: OpenHome) -> None:  # [R-REV-9]
    nell, rita = fresh("nell", "rita")
    await viewer.store.write(Writer.follow, nell.id, START)
    await hold(viewer, nell)
    await hold(viewer, rita, review_of(1, named=nell))
    assert list(await ratings(viewer)) == ["followed"]
    page = await viewer.services.reviews.list(models.ReviewsQuery(ref=id_text(SOL.id)))
    assert page.items[0].buyer == id_text(nell.id)


async def test_a_name_that_somebody_else_signed_lends_no_trust(
    viewer: OpenHome,
) -> None:  # [R-REV-5] [R-REV-9]
    nell, rita, impostor = fresh("nell", "rita", "rita")
    await viewer.store.write(Writer.follow, nell.id, START)
    await hold(viewer, nell)
    impostor.id = nell.id
    await hold(viewer, rita, review_of(1, named=impostor))
    found = await viewer.services.reviews.list(models.ReviewsQuery(ref=id_text(SOL.id)))
    assert [(each.distance, each.buyer) for each in found.items] == [("strangers", None)]


async def test_a_sellers_own_log_lends_no_trust_to_the_seller(viewer: OpenHome) -> None:  # [R-REV-9]
    sol = Author("sol", NETWORK)
    await viewer.store.write(Writer.follow, sol.id, START)
    await hold(viewer, sol, *(review_of(n, rating=5) for n in range(3)))
    assert list(await ratings(viewer)) == ["strangers"]


async def test_copies_of_one_review_count_once_and_the_newest_wherever_it_stands(viewer: OpenHome) -> None:
    """[R-REV-7]"""
    nell, rita = fresh("nell", "rita")
    old = review_of(1, rating=5)
    await hold(viewer, rita, review_of(1, rating=2, time=START + 20 * HOUR))
    await hold(viewer, nell, old, old)
    found = await ratings(viewer)
    assert (found["strangers"].average, found["strangers"].receipts) == ("2.0", 1)
    await hold(
        viewer, rita, review_of(1, rating=3, time=START + 19 * HOUR)
    )  # later in the log, older by its buyer
    assert (await ratings(viewer))["strangers"].average == "2.0"


async def test_what_the_seller_never_agreed_to_does_not_count(viewer: OpenHome) -> None:  # [R-REV-3]
    rita = Author("rita", NETWORK)
    contract = accepted(seller=rita, key=buyer(1), network=NETWORK)
    forged = reviewed(
        seller=SOL, key=buyer(1), contract=contract, receipt=received(contract, key=buyer(1), network=NETWORK),
        network=NETWORK, rating=1, time=START + 90 * HOUR,
    )  # fmt: skip
    await hold(viewer, rita, forged)
    assert await ratings(viewer) == {}
    await hold(
        viewer, rita, review_of(1, rating=4)
    )  # what is proved is not hidden by a newer one that is not
    assert (await ratings(viewer))["strangers"].average == "4.0"


async def test_an_altered_review_is_void_in_its_carriers_log(viewer: OpenHome) -> None:  # [R-REV-4]
    rita = Author("rita", NETWORK)
    record = decode_record(Review.KIND, review_of(1))
    assert isinstance(record, Review)
    await hold(viewer, rita, encode_record(msgspec.structs.replace(record, rating=1)))
    assert await ratings(viewer) == {}
    query = models.EntriesQuery(author=id_text(rita.id))
    entries = (await viewer.services.log.entries(query)).items
    assert entries[-1].kind_name == "review" and entries[-1].void == "signature"


async def test_a_path_that_is_opened_counts_as_a_witness_when_aged(
    viewer: OpenHome,
) -> None:  # [R-REV-6] [R-REV-8]
    rita, nell = fresh("rita", "nell")
    path = the_path(rita, SOL, NETWORK)
    contract = accepted(seller=SOL, key=buyer(1), path=path, network=NETWORK)
    data = reviewed(
        seller=SOL, key=buyer(1), contract=contract, receipt=received(contract, key=buyer(1), network=NETWORK),
        network=NETWORK, path=path.encode(),
    )  # fmt: skip
    await hold(viewer, nell, data, review_of(2))
    group = (await ratings(viewer))["strangers"]
    assert (group.receipts, group.aged, group.witnessed) == (2, 0, 0)
    viewer.clock.now += 31 * DAY_MS
    group = (await ratings(viewer))["strangers"]
    assert (group.receipts, group.aged, group.witnessed) == (2, 2, 0)  # nobody knows who led
    await hold(viewer, rita)
    assert (await ratings(viewer))["strangers"].witnessed == 1


async def test_a_witnessed_receipt_counts_once_it_is_aged(viewer: OpenHome) -> None:  # [R-REV-8] [R-REV-10]
    rita, nell = fresh("rita", "nell")
    path = the_path(rita, SOL, NETWORK)
    contract = accepted(seller=SOL, key=buyer(1), path=path, network=NETWORK)
    receipt = received(contract, key=buyer(1), network=NETWORK)
    await hold(viewer, rita)
    await hold(viewer, nell, review_of(1, contract=contract, receipt=receipt, path=path.encode()))
    assert (await ratings(viewer))["strangers"].witnessed == 0
    viewer.clock.now += 31 * DAY_MS
    assert (await ratings(viewer))["strangers"].witnessed == 1


async def test_a_review_is_of_no_listing_but_the_one_that_was_sold(tmp_path: Path) -> None:  # [R-REV-10]
    async with market(tmp_path) as trade:
        rita = Author("rita", NETWORK)
        sol = trade.seller.me
        seq = (await trade.seller.store.read(lambda reader: reader.log(sol.id))).entries - 1  # of the cap
        contract = accepted(seller=sol, key=buyer(1), network=NETWORK)
        receipt = received(contract, key=buyer(1), network=NETWORK)
        record = reviewed(
            seller=sol, key=buyer(1), contract=contract, receipt=receipt, network=NETWORK, entry=seq
        )
        await hold(trade.buyer, rita, record)
        page = await trade.buyer.services.reviews.list(models.ReviewsQuery(ref=trade.seller.id))
        assert [each.listing for each in page.items] == [None]
        assert await ratings(trade.buyer, f"{trade.seller.id}/cap") == {}


async def test_whom_a_stranger_follows_is_a_stranger(viewer: OpenHome) -> None:  # [R-REV-9]
    nell, kay = fresh("nell", "kay")
    await viewer.store.write(set_near, nell.id, [kay.id])
    await hold(viewer, kay, review_of(1, named=kay))
    assert list(await ratings(viewer)) == ["strangers"]


async def test_a_node_carries_the_review_of_a_buyer_without_one(viewer: OpenHome) -> None:  # [R-REV-11]
    data = review_of(1, rating=2)
    reviews = viewer.services.reviews
    made = await reviews.carry(pieces(data))
    assert await reviews.carry(pieces(data)) == made
    found = await reviews.list(models.ReviewsQuery(ref=id_text(SOL.id)))
    assert [(each.carriers, each.distance, each.review) for each in found.items] == [
        ([viewer.id], "followed", made.review)
    ]
    for other, code in (
        (review_of(1, rating=3, time=START + 9 * HOUR), "stale"),
        (data[:-1], "malformed"),
        (reviewed(seller=Author("who", NETWORK), network=NETWORK), "unknown_author"),
        (review_of(1) + b"\x00" * 50_000, "too_large"),
    ):
        with pytest.raises(Problem) as caught:
            await reviews.carry(pieces(other))
        assert caught.value.code == code
    contract = accepted(seller=Author("who", NETWORK), key=buyer(2), network=NETWORK)
    forged = reviewed(
        seller=SOL, key=buyer(2), contract=contract, receipt=received(contract, key=buyer(2), network=NETWORK),
        network=NETWORK,
    )  # fmt: skip
    with pytest.raises(Problem) as caught:
        await reviews.carry(pieces(forged))
    assert caught.value.code == "signature"


async def test_reviews_come_in_pages(viewer: OpenHome) -> None:
    rita = Author("rita", NETWORK)
    await hold(viewer, rita, *(review_of(n, time=START + (10 + n) * HOUR) for n in range(5)))
    first = await viewer.services.reviews.list(models.ReviewsQuery(ref=id_text(SOL.id), limit=3))
    rest = await viewer.services.reviews.list(
        models.ReviewsQuery(ref=id_text(SOL.id), limit=3, cursor=first.next)
    )
    times = [each.time for each in (*first.items, *rest.items)]
    assert (len(first.items), len(rest.items), rest.next) == (3, 2, None)
    assert times == sorted(times, reverse=True)
    assert first.ratings == rest.ratings and first.ratings[0].receipts == 5


async def test_a_blocked_carrier_is_not_listened_to(viewer: OpenHome) -> None:
    rita = Author("rita", NETWORK)
    await hold(viewer, rita, review_of(1))
    assert await ratings(viewer) != {}
    await viewer.store.write(Writer.block, rita.id, START)
    assert await ratings(viewer) == {}


async def test_a_rebuilt_projection_is_equal(viewer: OpenHome) -> None:
    await hold(viewer, Author("rita", NETWORK), *(review_of(n) for n in range(3)))
    await viewer.projector.level()

    def rows(reader: Reader) -> list[object]:
        return reader.connection.execute("SELECT * FROM review ORDER BY n, seq").fetchall()

    before = await viewer.store.read(rows)
    assert len(before) == 3
    await viewer.store.write(lambda writer: catalogue.rebuild(writer.connection))
    await viewer.projector.level()
    assert await viewer.store.read(rows) == before
