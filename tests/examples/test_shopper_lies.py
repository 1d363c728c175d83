"""The JavaScript shopper and a node that lies: nothing that is not proved reaches the buyer."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from protocol import encoding, letters, paths
from protocol.entry import Entry
from protocol.identity import id_text
from protocol.records import Keys, Listing, Price, Profile, Standing, encode_record
from protocol.run import run_of
from tests.examples.nodejs import BINARY, Ended, run
from tests.examples.shopping import SHOP
from tests.protocol.author import START, Author, seed

NETWORK = "inx"
FAR = 2**50


@dataclass
class Lie:
    """What a node tells; a test changes a part of it."""

    seller: Author = field(default_factory=lambda: Author("seller", NETWORK))
    way: Author = field(default_factory=lambda: Author("way", NETWORK))
    openers: list[Entry] = field(default_factory=list)
    hits: list[Entry] = field(default_factory=list)
    standings: list[Entry] = field(default_factory=list)
    path: list[bytes] = field(default_factory=list)
    raw: bytes | None = None

    def say(self, kind: int, record: Any) -> Entry:
        """Appends an entry to the seller's log."""
        data = record if isinstance(record, bytes) else encode_record(record)
        entry = self.seller.after(self.seller.entries[-1], kind, data)
        self.seller.entries.append(entry)
        return entry

    @property
    def told(self) -> bytes:
        if self.raw is not None:
            return self.raw
        runs = {
            name: [encoding.decode(encoding.encode_struct(run_of([each]))) for each in entries]
            for name, entries in (
                ("openers", self.openers),
                ("hits", self.hits),
                ("standings", self.standings),
            )
        }
        found = {**runs, "heads": [], "next": None}
        return encoding.encode({"clock": START, "found": found, "path": self.path})


def listing(**more: Any) -> Listing:
    fields: dict[str, Any] = {"key": "lamp", "kind": "product", "title": "Brass lamp", **more}
    return Listing(salt=bytes(16), price=Price(amount=1250, currency="EUR"), **fields)


def keys(until: int = FAR) -> Keys:
    return Keys(until=until, x25519=seed("x25519"))


def honest() -> Lie:
    lie = Lie()
    lie.say(1, Profile(salt=bytes(16), name="Ada"))
    lie.hits = [lie.say(8, keys()), lie.say(3, listing()), lie.seller.entries[1]]
    lie.openers = [lie.seller.entries[0]]
    token = paths.sign_referral(
        NETWORK, lie.way.signer, referrer=lie.way.id, epoch=0, seller=lie.seller.id, expires=FAR
    )
    lie.path = [token]
    return lie


@asynccontextmanager
async def serving(lie: Lie, left: list[letters.Letter] | None = None) -> AsyncIterator[str]:
    """Serves what a node tells; it keeps no letter, or, where `left` is given, those with a stamp."""

    async def about(_: web.Request) -> web.Response:
        entries = [lie.way.entries[0].wire()]
        data = encoding.encode({"clock": START, "network": NETWORK, "openers": entries, "version": 1})
        return web.Response(body=data)

    async def letter(request: web.Request) -> web.Response:
        assert left is not None
        brought = letters.parse(encoding.decode(await request.read(), 2**20)["letter"])
        if brought.stamp is None:
            refused = {"code": "letter_token", "text": "strangers show a stamp"}
            return web.Response(status=400, body=encoding.encode(refused))
        left.append(brought)
        return web.Response(body=encoding.encode({"clock": START}))

    async def told(_: web.Request) -> web.Response:
        return web.Response(body=lie.told)

    app = web.Application()
    app.add_routes([web.get("/shop/1", about), web.post("/shop/1/listing", told)])
    if left is not None:
        app.add_routes([web.post("/shop/1/letter", letter)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def look(lie: Lie) -> Ended:
    async with serving(lie) as address:
        return await run(SHOP, "look", address, f"{id_text(lie.seller.id)}/lamp")


async def test_what_is_proved_is_shown() -> None:
    """[R-SHOP-5]"""
    told = (await look(honest())).json()
    assert (told["seller"], told["title"], told["price"], len(told["path"])) == ("Ada", "Brass lamp", 1250, 1)


def _altered(lie: Lie) -> None:
    entry = lie.hits[1]
    record = encode_record(listing(title="Gold lamp"))
    lie.hits[1] = lie.seller.after(
        lie.seller.entries[2], 3, record, signer=Author("mallory", NETWORK).signer, time=entry.time
    )


def _other_author(lie: Lie) -> None:
    mallory = Author("mallory", NETWORK)
    mallory.entries.append(mallory.after(mallory.entries[0], 3, encode_record(listing())))
    lie.hits[1] = mallory.entries[1]


def _others_openers(lie: Lie) -> None:
    other = honest()
    other.seller = Author("mallory", NETWORK)
    other.hits = [other.say(8, keys()), other.say(3, listing())]
    lie.openers, lie.hits = [other.seller.entries[0]], other.hits


def _other_key(lie: Lie) -> None:
    lie.hits[1] = lie.say(3, listing(key="tin-lamp"))


def _old_keys(lie: Lie) -> None:
    lie.hits[0] = lie.say(8, keys(START - 1))


def _retired(lie: Lie) -> None:
    lie.seller.rotate()
    lie.openers.append(lie.seller.entries[-1])


def _forked(lie: Lie) -> None:
    twin = Author("seller", NETWORK)
    rotations = [twin.rotation(tip)[0] for tip in (lie.seller.entries[2], lie.seller.entries[3])]
    lie.openers += rotations


def _path_of_another(lie: Lie) -> None:
    lie.path = [
        paths.sign_referral(
            NETWORK, lie.way.signer, referrer=lie.way.id, epoch=0, seller=b"x" * 32, expires=FAR
        )
    ]


def _malformed(lie: Lie) -> None:
    lie.hits[1] = lie.say(3, encoding.encode({"$": bytes(16), "key": "lamp", "kind": "product", "title": 1}))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_altered, "signature"),
        (_other_author, "unknown_author"),
        (_others_openers, "unknown_author"),
        (_other_key, "not_here"),
        (_old_keys, "not_here"),
        (lambda lie: lie.hits.pop(0), "not_here"),
        (lambda lie: lie.hits.pop(1), "not_here"),
        (lambda lie: lie.openers.clear(), "opener"),
        (_retired, "stale"),
        (_forked, "contested"),
        (_path_of_another, "path"),
        (_malformed, "malformed"),
        (lambda lie: setattr(lie, "raw", b"<html>"), "answer"),
        (lambda lie: setattr(lie, "raw", encoding.encode({"clock": START})), "bad_message"),
        (lambda lie: lie.path.append(b"\x80"), "path"),
    ],
)
async def test_what_is_not_proved_is_not_shown(change: Callable[[Lie], object], code: str) -> None:
    """[R-SHOP-5] [R-SHOP-6] [R-LOG-12]"""
    lie = honest()
    change(lie)
    ended = await look(lie)
    assert ended.code == 1 and ended.out == ""
    assert f"({code})" in ended.err


async def test_a_standing_vouches_for_an_entry_of_a_closed_epoch() -> None:
    """[R-LOG-12]"""
    lie = honest()
    hits = list(lie.hits)
    lie.seller.rotate()
    lie.openers.append(lie.seller.entries[-1])
    named = tuple(sorted((entry.seq, entry.id) for entry in hits))
    part = Standing(salt=bytes(16), entries=named, part=1, parts=1)
    lie.standings = [lie.say(7, part)]
    assert (await look(lie)).json()["title"] == "Brass lamp"
    lie.standings = [lie.say(7, replace_entries(part, named[:2]))]
    assert "(stale)" in (await look(lie)).err
    lie.standings = [lie.say(7, Standing(salt=bytes(16), entries=named, part=1, parts=2))]
    assert "(stale)" in (await look(lie)).err


def replace_entries(part: Standing, entries: Any) -> Standing:
    return Standing(salt=part.salt, entries=entries, part=part.part, parts=part.parts)


async def test_a_node_that_asks_for_work_gets_it() -> None:
    """[R-SHOP-7] [R-SHOP-9] Also from a device that had none to show."""
    lie, left = honest(), list[letters.Letter]()
    async with serving(lie, left) as address:
        ended = await run(SHOP, "order", address, f"{id_text(lie.seller.id)}/lamp", "--bits", "0")
    assert ended.json()["phase"] == "ordered"
    assert [each.envelope.recipient == lie.seller.id for each in left] == [False, True], "to itself first"
    assert all(letters.stamped(NETWORK, each, 20) for each in left)


def test_nobody_answers() -> None:
    ended = subprocess.run(
        [BINARY, SHOP, "look", "http://127.0.0.1:9", f"{id_text(b'x' * 32)}/lamp"],
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 1 and b"does not answer" in ended.stderr
