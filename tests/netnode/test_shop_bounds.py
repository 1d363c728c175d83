"""What buyers without a node may take of a node, and of those it passes things on to: each bound, and who pays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from netnode.operations import models
from netnode.services.witnesses import verified
from netnode.shop.turnstile import SHARE, Turnstile
from netnode.store import boxes as box_rows
from netnode.store import letters as rows
from netnode.store import mailbox
from netnode.store import shop as shop_rows
from protocol import encoding, letter_bodies, letters, limits, paths, stamp
from protocol.deals.message import parse
from protocol.entry import parse_wire
from protocol.errors import NotHeld
from protocol.signing import Signer
from protocol.witnessed import openers_of
from tests.netnode.services_home import NETWORK
from tests.netnode.shop_open import BUYER, OTHER, SALT, Shop, letter_to, sale, served
from tests.protocol.author import Author, seed

BITS = 6


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with served(tmp_path, Turnstile()) as one:
        yield one


@pytest.fixture
async def asking(tmp_path: Path) -> AsyncIterator[Shop]:
    """One that asks for a stamp."""
    async with served(tmp_path, Turnstile(), asked=BITS) as one:
        yield one


def stamped(letter: bytes, bits: int = BITS) -> bytes:
    """The letter with a stamp of its sender."""
    parsed = letters.parse(letter)
    nonce = stamp.search(NETWORK, parsed.envelope.sender, bits, 0, 2**16)
    assert nonce is not None
    return letters.assemble(parsed.envelope, parsed.sealed, None, (bits, nonce)).data


# -- letters -------------------------------------------------------------------------------------------------
async def test_who_writes_from_elsewhere_shows_work(asking: Shop) -> None:
    """[R-SHOP-7] [R-LET-10] Else a node would be a way around the work that recipients ask of strangers."""
    outside = {"Host": "shop.example"}
    for recipient in (b"s" * 32, BUYER.public, asking.home.me.id):
        bare = letter_to(recipient)
        status, told = await asking.post("letter", asking.letter_request(bare), **outside)
        assert (status, told["code"]) == (400, "letter_token")
        weak = stamped(bare, BITS - 1)
        assert (await asking.post("letter", asking.letter_request(weak), **outside))[1][
            "code"
        ] == "letter_token"
        shown = stamped(bare)
        assert (await asking.post("letter", asking.letter_request(shown), **outside))[0] == 200
    figures = await asking.home.store.read(box_rows.figures)
    assert (figures.boxes, figures.letters) == (1, 1), "and what is refused opens no box"
    async with asking.session.get("/shop/1") as answer:
        assert encoding.decode(await answer.read())["stamp"] == BITS, "the client knows beforehand"
    assert (await asking.post("letter", asking.letter_request(letter_to(b"s" * 32))))[0] == 200, (
        "this computer"
    )


async def test_a_shopper_is_a_stranger_to_the_owner(shop: Shop) -> None:
    """[R-SHOP-9] Its letters have the room of strangers, whoever owns the node that takes them."""
    await shop.post("letter", shop.letter_request(letter_to(shop.home.me.id)))
    [carrier] = shop.office.carriers
    assert carrier.id == BUYER.public
    await shop.post("letter", shop.letter_request(letter_to(shop.home.me.id)), Host="shop.example")
    assert [each.here for each in shop.office.carriers] == [True, False]


async def test_a_letter_that_there_is_no_room_for_is_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[R-SHOP-7] Who is told that a letter is kept can rely on it."""
    monkeypatch.setattr(mailbox, "FORWARDED", 1)
    first, second = letter_to(b"s" * 32, number=1), letter_to(b"s" * 32, number=2)
    forward = shop.home.letters.forward
    await forward(first, shop.home.me.id)
    await forward(first, shop.home.me.id)
    with pytest.raises(NotHeld) as full:
        await forward(second, shop.home.me.id)
    assert full.value.code == "mailbox_full"
    monkeypatch.undo()
    monkeypatch.setattr(mailbox, "OF_SENDER", 1)
    with pytest.raises(NotHeld):
        await forward(second, shop.home.me.id)
    await forward(letter_to(b"s" * 32, Signer(seed("other buyer"))), shop.home.me.id)


async def test_what_shoppers_send_takes_nothing_of_the_mailbox(shop: Shop) -> None:
    """[R-LET-14] What is on its way through has room of its own."""
    letter, store = letters.parse(letter_to(b"s" * 32)), shop.home.store
    await store.write(mailbox.forward, letter, shop.home.me.id, 0)
    assert await store.read(mailbox.used_by_strangers, shop.home.me.id) == (0, 0)
    assert await store.read(mailbox.use, b"s" * 32, shop.home.me.id) == mailbox.Use(0, 0)


# -- boxes ---------------------------------------------------------------------------------------------------
async def test_a_name_on_a_letter_gives_no_room_in_a_box(shop: Shop) -> None:
    """[R-SHOP-9] Whoever knows buyer and seller could fill the room of the seller's answers with letters of nobody."""
    seller = Signer(seed("seller"))
    await shop.post("letter", shop.letter_request(letter_to(seller.public)))
    forged = letters.parse(letter_to(BUYER.public, seller, 1))
    assert not await shop.boxes.keep(forged, b"m" * 32)
    assert await shop.boxes.keep(forged, seller.public)


async def test_one_box_does_not_write_to_everybody(shop: Shop) -> None:
    """[R-SHOP-9]"""
    for number in range(box_rows.PARTNERS):
        letter = letter_to(Signer(seed("partner", number)).public, number=number)
        assert (await shop.post("letter", shop.letter_request(letter)))[0] == 200
    one_more = letter_to(Signer(seed("one more")).public, number=99)
    status, told = await shop.post("letter", shop.letter_request(one_more))
    assert (status, told["code"]) == (409, "mailbox_full")
    again = letter_to(Signer(seed("partner", 0)).public, number=100)
    assert (await shop.post("letter", shop.letter_request(again)))[0] == 200


# -- requests ------------------------------------------------------------------------------------------------
def test_one_network_does_not_hold_every_place() -> None:
    """[R-SHOP-4] Bodies that drip from one network leave room for all others."""
    turnstile = Turnstile(at_once=2 * SHARE)
    with turnstile.passing("203.0.113.7", 1.0), turnstile.passing("203.0.113.8", 1.0):
        with pytest.raises(NotHeld) as busy, turnstile.passing("203.0.113.9", 1.0):
            pass
        assert busy.value.code == "busy"
        with turnstile.passing("198.51.100.1", 1.0):
            pass
    with turnstile.passing("203.0.113.9", 1.0):
        pass


# -- witnesses -----------------------------------------------------------------------------------------------
def by(me: Author, seller: Author, *behind: Author, forged: bool = False) -> paths.Path:
    """A path of this node and others behind it, whose tokens they signed or did not."""
    tokens: list[bytes] = []
    for who in (me, *behind):
        signer = OTHER if forged and who is not me else who.signer
        prior = paths.token_id(tokens[-1]) if tokens else None
        tokens.append(
            paths.sign_referral(
                NETWORK, signer, referrer=who.id, epoch=0, seller=seller.id, expires=2**50, prior=prior
            )
        )
    return paths.path_of(SALT, tokens)


async def knows(shop: Shop, author: Author) -> None:
    """The node holds somebody's log as it is now."""
    assert (await shop.home.gate.admit(author.entries)).fault is None


async def letters_to(shop: Shop) -> list[bytes]:
    return await shop.home.store.read(rows.recipients, 2**60)


async def test_a_path_that_names_anybody_sends_them_nothing(shop: Shop) -> None:
    """[R-SHOP-11] Else one request would send a letter to each of seven who never heard of it."""
    seller, named = Author("seller", NETWORK), [Author(f"named {n}", NETWORK) for n in range(3)]
    path = by(shop.home.me, seller, *named, forged=True)
    assert (await shop.post("witness", sale(shop.home.me, seller, path=path).body))[0] == 200
    assert await letters_to(shop) == [seller.id], "who signed the accept is told who led the buyer [R-PATH-7]"
    for each in named:
        await knows(shop, each)
    other = by(shop.home.me, seller, *named)
    assert (await shop.post("witness", sale(shop.home.me, seller, path=other, deal="two").body))[0] == 200
    assert sorted(await letters_to(shop)) == sorted([*(each.id for each in named), seller.id])


async def test_a_step_that_turns_out_to_be_forged_is_shown_as_unchecked(shop: Shop) -> None:
    """[R-SHOP-11] [R-SHOP-12] What is kept is shown and written down, whatever becomes known later."""
    seller, named = Author("seller", NETWORK), Author("named", NETWORK)
    path = by(shop.home.me, seller, named, forged=True)
    await shop.post("witness", sale(shop.home.me, seller, path=path).body)
    await knows(shop, named)
    page = await shop.home.services.witnesses.list(models.Listed())
    assert [step.checked for step in page.items[0].path] == [True, False]
    file = b"".join([chunk async for chunk in shop.home.services.witnesses.export(None)])
    proof = verified(file)
    assert proof.valid and [step.checked for step in proof.witnesses[0].path] == [True, False]


async def test_receipts_of_one_deal_are_one_for_each_part(shop: Shop) -> None:
    """[R-SHOP-11] A buyer can sign as many as they like."""
    made = sale(shop.home.me, Author("seller", NETWORK))
    for number in range(1, 6):
        assert (await shop.post("witness", {**made.body, "receipts": [made.receipt(0, number)]}))[0] == 200
    both = [made.receipt(0, 9), made.receipt(1, 8), made.receipt(1, 7)]
    assert (await shop.post("witness", {**made.body, "receipts": both}))[0] == 200
    row = await shop.home.store.read(shop_rows.witness, made.deal)
    assert row is not None and [parse(each).body.part for each in row.receipts].count(0) == 1
    assert made.receipt(0, 1) in row.receipts and len(row.receipts) == 2
    long = {**made.body, "receipts": [bytes(limits.MAX_RECEIPT + 1)]}
    assert (await shop.post("witness", long))[1]["code"] == "bad_message"


async def test_newer_keys_of_the_seller_come_along(shop: Shop) -> None:
    """[R-SHOP-11] A node whose copy of the seller's log is old takes an accept by the seller's next key."""
    seller = Author("seller", NETWORK)
    await knows(shop, seller)
    seller.rotate()
    made = sale(shop.home.me, seller)
    assert (await shop.post("witness", made.body))[0] == 200
    [shown] = (await shop.home.services.witnesses.list(models.Listed())).items
    assert shown.order == made.deal.hex()


async def test_who_is_told_of_a_sale_need_not_know_its_seller(shop: Shop) -> None:
    """[R-SHOP-11] The letter brings the seller's openers."""
    seller, named = Author("seller", NETWORK), Author("named", NETWORK)
    await knows(shop, named)
    path = by(shop.home.me, seller, named)
    await shop.post("witness", sale(shop.home.me, seller, path=path).body)
    [row] = await shop.home.store.read(rows.waiting, named.id, 2**60, 9)
    body = letter_bodies.decode_content(row.content).body
    assert isinstance(body, letter_bodies.Witness)
    found = openers_of(NETWORK, [tuple(map(parse_wire, each)) for each in body.openers])
    assert list(found) == [seller.id]
