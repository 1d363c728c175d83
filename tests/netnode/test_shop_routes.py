"""The public routes for buyers without a node: who may call, how much, and that nothing else opens with them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from netnode.shop import proofs
from netnode.shop.bodies import ListingAsked
from netnode.shop.boxes import ShopBoxes
from netnode.shop.routes import CONTENT_TYPE, read_body
from netnode.shop.turnstile import HERE, Turnstile
from netnode.store import boxes as box_rows
from netnode.store import shop as shop_rows
from netnode.store.published import newest
from protocol import encoding, letters, limits, paths
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.records import Keys, Listing, encode_record
from protocol.signing import Signer
from tests.netnode.services_home import NETWORK
from tests.netnode.shop_open import BUYER, DAY, OTHER, SALT, Shop, letter_to, sale, served
from tests.protocol.author import Author, seed


@pytest.fixture
def turnstile() -> Turnstile:
    return Turnstile()


@pytest.fixture
async def shop(tmp_path: Path, turnstile: Turnstile) -> AsyncIterator[Shop]:
    async with served(tmp_path, turnstile) as one:
        yield one


# -- who may call --------------------------------------------------------------------------------------------
async def test_a_page_of_another_site_cannot_ask_a_node_of_this_computer(shop: Shop) -> None:
    """[R-SHOP-2]"""
    for origin, status, allowed in (
        (None, 200, None),
        ("https://evil.example", 403, None),
        ("null", 403, None),
        ("http://localhost:8000", 200, "http://localhost:8000"),
        (f"http://127.0.0.1:{shop.port}", 200, f"http://127.0.0.1:{shop.port}"),
        ("https://mine.example", 200, "https://mine.example"),
    ):
        headers = {} if origin is None else {"Origin": origin}
        async with shop.session.get("/shop/1", headers=headers) as answer:
            assert (answer.status, answer.headers.get("Access-Control-Allow-Origin")) == (status, allowed), (
                origin
            )
        async with shop.session.options("/shop/1/letter", headers=headers) as answer:
            assert answer.status == (204 if status == 200 else 403), origin


async def test_at_a_public_name_every_page_may_ask(shop: Shop) -> None:
    """[R-SHOP-2]"""
    headers = {"Host": "shop.example", "Origin": "https://any.example"}
    async with shop.session.get("/shop/1", headers=headers) as answer:
        assert answer.status == 200 and answer.headers["Access-Control-Allow-Origin"] == "*"
        about = encoding.decode(await answer.read())
        assert about["network"] == NETWORK and len(about["openers"]) == 1
    async with shop.session.options("/shop/1/collect", headers=headers) as answer:
        assert answer.headers["Access-Control-Allow-Headers"] == "content-type"
    for host in ("evil.example", "shop.example.evil.example", ""):
        async with shop.session.get("/shop/1", headers={"Host": host}) as answer:
            assert answer.status in (400, 403), host


async def test_the_owners_api_stays_closed(shop: Shop) -> None:
    """[R-SHOP-2] No header, path or method of the shop opens anything else."""
    headers = {"Origin": "https://any.example", "Host": "shop.example", "Content-Type": CONTENT_TYPE}
    for method, path in (
        ("GET", "/api/v1/status"),
        ("POST", "/api/v1/listings/add"),
        ("OPTIONS", "/api/v1/listings/add"),
        ("GET", "/shop/1/../../api/v1/status"),
        ("GET", "/shop/1/letter"),
        ("GET", "/shop/2"),
        ("DELETE", "/shop/1/collect"),
        ("OPTIONS", "/shop/1/letter/more"),
    ):
        async with shop.session.request(method, path, headers=headers) as answer:
            assert answer.status in (401, 403), (method, path)
            assert "Access-Control-Allow-Origin" not in answer.headers, path


# -- bodies --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "encoding"),
        (b"\xc1", 400, "encoding"),
        (b"\x81\xa3key\xd9\x01a", 400, "not_canonical"),
        (encoding.encode({}), 400, "bad_message"),
        (encoding.encode({"seller": b"x" * 31}), 400, "bad_message"),
        (encoding.encode({"seller": b"x" * 32, "path": [b""] * 9}), 400, "bad_message"),
        (bytes(limits.MAX_SHOP_BODY + 1), 413, "too_large"),
        (encoding.encode({"seller": b"x" * 32, "key": "lamp"}), 404, "not_here"),
    ],
    ids=["empty", "odd", "long-form", "nothing", "short", "long-path", "too-large", "unknown"],
)
async def test_bodies(shop: Shop, body: bytes, status: int, code: str) -> None:  # [R-SHOP-1]
    answered, told = await shop.post("listing", body)
    assert (answered, told["code"]) == (status, code)


async def test_a_body_of_another_form_is_refused(shop: Shop) -> None:  # [R-SHOP-1]
    for headers in ({"Content-Type": "text/plain"}, {"Content-Encoding": "gzip"}):
        status, answer = await shop.post("collect", b"x", **headers)
        assert (status, answer["code"]) == (400, "bad_message")


async def test_a_body_without_an_end_is_cut_off() -> None:  # [R-SHOP-1]
    read = 0

    async def readany() -> bytes:
        nonlocal read
        read += 1
        return bytes(64 * 1024)

    endless = SimpleNamespace(
        content_type=CONTENT_TYPE, headers={}, content_length=None, content=SimpleNamespace(readany=readany)
    )
    with pytest.raises(RemoteProtocolError) as refused:
        await read_body(endless, ListingAsked)  # type: ignore[arg-type]
    assert refused.value.code == "too_large" and read == limits.MAX_SHOP_BODY // (64 * 1024) + 1


# -- listings ------------------------------------------------------------------------------------------------
async def test_a_listing_comes_with_its_proof(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """[R-SHOP-5] [R-SHOP-6]"""
    home, me = shop.home, shop.home.me
    lamp = Listing(salt=bytes(16), key="lamp", kind="product", title="Lamp")
    await home.own.append([(3, encode_record(lamp))])
    await home.projector.level_of(me.id)
    asked = {"key": "lamp", "seller": me.id}
    assert (await shop.post("listing", asked))[1]["code"] == "not_here", "nothing to seal an order to"
    await home.own.append([(8, encode_record(Keys(until=home.clock.now + DAY, x25519=seed("x"))))])
    looks = []
    monkeypatch.setattr(proofs, "newest", lambda *given: looks.append(given) or newest(*given))
    for _ in range(3):
        status, told = await shop.post("listing", asked)
        assert status == 200 and told["path"] == []
    assert [run[5][0][1] for run in told["found"]["hits"]] == [8, 3]
    assert len(told["found"]["openers"]) == 1 and len(looks) == 1, (
        "a log that has not grown is not looked through"
    )
    status, told = await shop.post("listing", {"seller": me.id})
    assert status == 200 and [run[5][0][1] for run in told["found"]["hits"]] == [8]
    token = paths.sign_referral(NETWORK, me.signer, referrer=me.id, epoch=0, seller=b"s" * 32, expires=2**50)
    _, told = await shop.post("listing", {**asked, "path": [token]})
    assert told["path"] == [], "of another seller"
    home.clock.now += DAY
    assert (await shop.post("listing", asked))[1]["code"] == "not_here", "the keys are out of date"


# -- how often -----------------------------------------------------------------------------------------------
async def test_floods_of_one_network_are_bounded_and_others_go_on() -> None:
    """[R-SHOP-4]"""
    turnstile = Turnstile(most=5, at_once=3)
    for _ in range(5):
        with turnstile.passing("203.0.113.7", 1.0):
            pass
    for remote in ("203.0.113.7", "203.0.113.200"):
        with pytest.raises(NotHeld) as refused, turnstile.passing(remote, 1.0):
            pass
        assert refused.value.code == "rate"
    with turnstile.passing("198.51.100.1", 1.0), turnstile.passing("198.51.101.1", 1.0):  # noqa: SIM117
        with turnstile.passing("198.51.102.1", 1.0), pytest.raises(NotHeld) as busy:
            with turnstile.passing("198.51.103.1", 1.0):
                pass
    assert busy.value.code == "busy"
    with turnstile.passing("203.0.113.7", 13.1):  # one more every 12 s
        pass
    for _ in range(5 * HERE):
        with turnstile.passing("127.0.0.1", 1.0):
            pass


@pytest.mark.parametrize("turnstile", [Turnstile(most=1)])
async def test_a_flood_gets_its_code(shop: Shop) -> None:
    """[R-SHOP-4]"""
    told = [await shop.post("listing", {"seller": b"x" * 32}) for _ in range(HERE + 1)]
    assert [status for status, _ in told] == [404] * HERE + [429]
    assert told[-1][1]["code"] == "rate"


# -- letters and boxes ---------------------------------------------------------------------------------------
async def test_letters_go_on_and_stay_in_the_box(shop: Shop) -> None:
    """[R-SHOP-3] [R-SHOP-7] [R-SHOP-8]"""
    seller, own = b"s" * 32, letter_to(BUYER.public)
    out, here = letter_to(seller), letter_to(shop.home.me.id)
    for letter in (out, out, own, own, here):
        status, _ = await shop.post("letter", shop.letter_request(letter))
        assert status == 200
    assert shop.office.forwarded == [out, out] and shop.office.taken == [here]
    answer = letters.parse(letter_to(BUYER.public, Signer(seed("seller")), 1))
    assert await shop.put(answer.data)
    status, told = await shop.post("collect", shop.collect_request(BUYER.public))
    assert status == 200 and [letter for _, letter in told["letters"]] == [own, answer.data]
    first = told["letters"][0][0]
    _, told = await shop.post("collect", shop.collect_request(BUYER.public, after=first))
    assert [letter for _, letter in told["letters"]] == [answer.data]
    _, again = await shop.post("collect", shop.collect_request(BUYER.public))
    assert len(again["letters"]) == 2, "read or not, they stay"
    shop.home.clock.now += 2 * DAY
    _, later = await shop.post("collect", shop.collect_request(BUYER.public))
    assert later["letters"] == [], "until they expire"


async def test_a_box_in_pages(shop: Shop) -> None:
    for number in range(20):
        await shop.post("letter", shop.letter_request(letter_to(BUYER.public, number=number)))
    _, page = await shop.post("collect", shop.collect_request(BUYER.public))
    assert len(page["letters"]) == 16 and page["more"]
    _, rest = await shop.post("collect", shop.collect_request(BUYER.public, after=page["letters"][-1][0]))
    assert len(rest["letters"]) == 4 and not rest["more"]


async def test_anothers_box_is_neither_read_nor_filled(shop: Shop) -> None:
    """[R-SHOP-3] [R-SHOP-8]"""
    own = letter_to(BUYER.public)
    await shop.post("letter", shop.letter_request(own))
    other_host = b"h" * 32
    for request in (
        shop.collect_request(BUYER.public, OTHER),
        shop.collect_request(BUYER.public, BUYER, host=other_host),
        {**shop.collect_request(BUYER.public), "after": 1},
    ):
        status, told = await shop.post("collect", request)
        assert (status, told["code"]) == (400, "signature")
    forged = letter_to(BUYER.public, number=7)
    for request in (shop.letter_request(forged, OTHER), shop.letter_request(forged, host=other_host)):
        status, told = await shop.post("letter", request)
        assert (status, told["code"]) == (400, "signature")
    _, told = await shop.post("collect", shop.collect_request(BUYER.public))
    assert [letter for _, letter in told["letters"]] == [own]


async def test_an_old_request_is_refused_with_the_clock(shop: Shop) -> None:
    """[R-SHOP-3]"""
    for off in (-limits.CLOCK_TOLERANCE_MS - 1, limits.CLOCK_TOLERANCE_MS + 1):
        request = shop.collect_request(BUYER.public, time=shop.home.clock.now + off)
        status, told = await shop.post("collect", request)
        assert (status, told["code"], told["clock"]) == (409, "clock", shop.home.clock.now)
    edge = shop.collect_request(BUYER.public, time=shop.home.clock.now - limits.CLOCK_TOLERANCE_MS)
    assert (await shop.post("collect", edge))[0] == 200


async def test_a_letter_that_is_over_is_refused(shop: Shop) -> None:
    now = shop.home.clock.now
    for expires in (now - 1, now + 32 * DAY):
        letter = letter_to(BUYER.public, expires=expires)
        status, told = await shop.post("letter", shop.letter_request(letter))
        assert (status, told["code"]) == (409, "letter_expired")


async def test_nobody_fills_the_room_of_another(shop: Shop) -> None:
    """[R-SHOP-9] Owner, partner and strangers each have their own."""
    partner = Signer(seed("partner"))
    await shop.post("letter", shop.letter_request(letter_to(partner.public)))
    strangers = [Signer(seed("stranger", number)) for number in range(box_rows.STRANGERS + 1)]
    for number, stranger in enumerate(strangers[:-1]):
        assert await shop.put(letter_to(BUYER.public, stranger, number))
    with pytest.raises(NotHeld) as full:
        await shop.put(letter_to(BUYER.public, strangers[-1], 99))
    assert full.value.code == "mailbox_full"
    for number in range(box_rows.LETTERS):
        assert await shop.put(letter_to(BUYER.public, partner, number))
    with pytest.raises(NotHeld):
        await shop.put(letter_to(BUYER.public, partner, 1_000))
    status, _ = await shop.post("letter", shop.letter_request(letter_to(BUYER.public, number=5)))
    assert status == 200
    assert not await shop.put(letter_to(OTHER.public, partner)), "there is no such box"
    closed = ShopBoxes(shop.home.store, shop.home.clock, open=False)
    assert not await closed.keep(letters.parse(letter_to(BUYER.public, partner)), partner.public)


async def test_boxes_out_of_use_are_forgotten(shop: Shop) -> None:
    """[R-SHOP-7] One that was answered stays long; one that nobody ever answered goes soon."""
    await shop.post("letter", shop.letter_request(letter_to(b"s" * 32)))
    await shop.post("letter", shop.letter_request(letter_to(b"s" * 32, OTHER), OTHER))
    assert await shop.put(letter_to(BUYER.public, Signer(seed("seller"))))
    shop.home.clock.now += box_rows.NEW_MS + 1
    await shop.boxes.sweep()
    figures = await shop.home.store.read(box_rows.figures)
    assert (figures.boxes, figures.letters) == (1, 0)
    shop.home.clock.now += box_rows.ANSWERED_MS
    await shop.boxes.sweep()
    assert (await shop.home.store.read(box_rows.figures)).boxes == 0


async def test_the_log_says_nothing_of_what_shoppers_send(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    word = "words-of-a-shopper"
    await shop.post("listing", {"seller": b"x" * 32, "key": word})
    await shop.post("letter", word.encode())
    await shop.post("collect", {"box": word})
    await shop.post("letter", shop.letter_request(letter_to(BUYER.public)))
    assert word not in caplog.text and BUYER.public.hex() not in caplog.text


# -- witnesses -----------------------------------------------------------------------------------------------
async def test_a_witness_keeps_what_is_proved(shop: Shop) -> None:
    """[R-PATH-6] [R-SHOP-10] [R-SHOP-11]"""
    seller = Author("seller", NETWORK)
    made = sale(shop.home.me, seller)
    status, _ = await shop.post("witness", {**made.body, "receipts": []})
    assert status == 200
    assert (await shop.post("witness", made.body))[0] == 200
    assert (await shop.post("witness", {**made.body, "receipts": []}))[0] == 200, "again is no fault"
    row = await shop.home.store.read(shop_rows.witness, seed("deal"))
    assert row is not None and (row.seller, row.accept) == (seller.id, made.accept)
    assert list(row.receipts) == made.receipts, "nothing is lost again"


async def test_a_witness_is_told_no_tales(shop: Shop) -> None:
    """[R-SHOP-11]"""
    me, seller = shop.home.me, Author("seller", NETWORK)
    made = sale(me, seller)
    elsewhere = paths.sign_referral(
        NETWORK, seller.signer, referrer=b"r" * 32, epoch=0, seller=seller.id, expires=2**50
    )
    stranger = sale(me, Author("mallory", NETWORK))
    other = sale(me, seller, other_path=True)
    for body, code in (
        ({**made.body, "openers": []}, "unknown_author"),
        ({**made.body, "path": paths.path_of(SALT, [elsewhere]).encode()}, "not_wanted"),
        (other.body, "path"),
        ({**made.body, "accept": stranger.accept}, "signature"),
        ({**made.body, "accept": made.receipts[0]}, "deal_message"),
        ({**made.body, "receipts": [made.accept]}, "deal_message"),
        ({**made.body, "receipts": [made.receipts[0][:-1] + b"\0"]}, "signature"),
        (sale(me, seller, referrer=OTHER).body, "signature"),
        (sale(me, seller, epoch=7).body, "path"),
        ({**made.body, "path": b"\x90"}, "path"),
    ):  # fmt: skip
        _, told = await shop.post("witness", body)
        assert told.get("code") == code, code
    assert await shop.home.store.read(shop_rows.count) == 0


async def test_witnesses_have_room_of_their_own(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop_rows, "OF_SELLER", 0)
    _, told = await shop.post("witness", sale(shop.home.me, Author("seller", NETWORK)).body)
    assert told["code"] == "quota"
