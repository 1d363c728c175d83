"""C1: what a search finds: only what is in force, well formed, and can be believed alone."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from netnode.conformance.author import Author
from netnode.conformance.bench import Bench
from netnode.conformance.checking import KEEPERS, Broken, Check, want
from netnode.conformance.encoding import encode
from netnode.conformance.entries import LISTING, STANDING, WITHDRAW, Entry
from netnode.conformance.found import believed
from netnode.conformance.limits import MILLISECONDS_PER_DAY
from netnode.conformance.peer import Peer

LOOKS: Final = 25  # searches of one session, fewer than QUERIES_A_MINUTE
LOOK_EVERY: Final = 0.3
LAST: Final = "last"  # key of the listing that tells that the node has looked at all of the log

Map = dict[str, Any]


class _Shop:
    """An author with listings, as a search shows them."""

    def __init__(self, bench: Bench) -> None:
        bench.needs(3, "search")
        bench.takes_logs()
        self.bench, self.author = bench, bench.author()
        self.log: list[Entry] = [self.author.first]

    def add(self, entry: Entry) -> None:
        """One more entry."""
        self.log.append(entry)

    def offer(self, key: str, **fields: object) -> Entry:
        """A listing of a product; fields that are None are left out."""
        salt = self.bench.entropy.token(16)
        whole: Map = {"$": salt, "key": key, "kind": "product", "title": f"Thing {key}", **fields}
        record = encode({name: value for name, value in whole.items() if value is not None})
        self.add(self.author.entry(self.log[-1], kind=LISTING, record=record))
        return self.log[-1]

    async def found(self, peer: Peer, *expected: Entry) -> None:
        """Waits until a search of this seller finds exactly these entries."""
        ids: list[int] = []
        wanted = sorted(entry.seq for entry in expected)
        for _ in range(LOOKS):
            body = await peer.one("query", text="", seller=self.author.id, limit=50)
            hits = believed(self.bench.network, body, [])
            want(len(hits) == len(body.get("hits", [])), "hits that cannot be believed alone [R-QRY-3]")
            ids = sorted(hit.seq for hit in hits)
            if ids == wanted:
                return
            await asyncio.sleep(LOOK_EVERY)
        raise Broken(f"a search finds the entries {ids}, not {wanted}")

    async def shown(self, *expected: Entry) -> None:
        """Shows the log, then searches."""
        await self.bench.show(self.log)
        async with self.bench.meet() as peer:
            await self.found(peer, *expected)


async def _in_force(bench: Bench) -> None:
    shop = _Shop(bench)
    shop.offer("replaced", title="Old")
    newer = shop.offer("replaced", title="New")
    shop.offer("withdrawn")
    record = encode({"$": bench.entropy.token(16), "key": "withdrawn"})
    shop.add(shop.author.entry(shop.log[-1], kind=WITHDRAW, record=record))
    shop.offer("expired", expires=bench.now() - 3_600_000)
    await shop.shown(newer, shop.offer(LAST))


async def _closed(bench: Bench) -> None:
    shop = _Shop(bench)
    first = shop.offer("first")
    await shop.shown(first)
    shop.add(shop.author.close(shop.log[-1]))
    await bench.show(shop.log)
    async with bench.meet() as peer:
        await shop.found(peer)


async def _not_due(bench: Bench) -> None:
    shop = _Shop(bench)
    now = shop.offer("now")
    record = encode({"$": bench.entropy.token(16), "key": "later", "kind": "product", "title": "Later"})
    shop.add(shop.author.entry(shop.log[-1], kind=LISTING, record=record, later=30 * MILLISECONDS_PER_DAY))
    await bench.show(shop.log)
    await bench.keeps(shop.author.id, shop.log)  # stored and relayed at once, all the same
    async with bench.meet() as peer:
        await shop.found(peer, now)


EUR: Final = {"amount": 500, "currency": "EUR"}
DEARER: Final = {"amount": 501}
MALFORMED: Final[tuple[Map, ...]] = (
    {"$": None},  # R-REC-1
    {"title": "two\nlines"},  # R-REC-5
    {"price": {"amount": 1}},  # R-REC-6
    {"price": {**EUR, "issuer": bytes(32), "unit": "hour"}},  # R-REC-6
    {"sale": {"amount": 1}},  # R-REC-7
    {"price": EUR, "sale": DEARER},  # R-REC-7
    {"description": "x" * 5_001},  # R-REC-8
    {"format": "plain"},  # R-REC-8
    {"tags": ["same", "same"]},  # R-REC-9
    {"images": [{"alt": "no image"}]},  # R-REC-9
    {"shipping": [{"regions": ["DE", "DE"]}]},  # R-REC-10
    {"shipping": [{"regions": ["DE"], "days": [3, 2]}]},  # R-REC-10
    {"options": ["Size"]},  # R-REC-11
    {"options": ["Size"], "variants": [{"options": ["S"]}, {"options": ["S"]}]},  # R-REC-11
    {"members": ["a", "a"]},  # R-REC-12
    {"kind": "something else"},  # R-REC-3
    {"price": {"amount": -1, "currency": "EUR"}},  # R-REC-3
    {"area": {"country": "de"}},  # R-REC-3
)


async def _malformed(bench: Bench) -> None:
    shop = _Shop(bench)
    for number, wrong in enumerate(MALFORMED):
        shop.offer(f"wrong-{number}", **wrong)
    right = shop.offer("right", unknown={"any": [1]}, price=EUR, sale={"amount": 500}, tags=["a", "b"])
    await shop.shown(right, shop.offer(LAST))


async def _standing(bench: Bench) -> None:
    """After a rotation a hit of the closed epoch comes with the standing that names it, or not at all."""
    shop = _Shop(bench)
    named = shop.offer("named")
    shop.offer("other")
    shop.add(shop.author.rotation(shop.log[-1]))
    record = {"$": bench.entropy.token(16), "entries": [[named.seq, named.id]], "part": 1, "parts": 1}
    shop.add(shop.author.entry(shop.log[-1], kind=STANDING, record=encode(record)))
    await shop.shown(named, shop.offer(LAST))


async def _stamped(bench: Bench) -> None:
    bench.asks_stamp()
    author: Author = bench.author()
    async with bench.meet(hello={"stamp": None}) as peer:
        refusal = await peer.until(
            lambda: next((each for each in peer.told.notices if each.name == "refuse"), None),
            "a refusal of strangers",
        )
        want(refusal.body["code"] == "no_stamp", f"it refuses with {refusal.body['code']}, not no_stamp")
        await peer.push(author.log(1))
        await peer.goes_on()
        want(await peer.item(author.id) is None, "it takes a log from a stranger without a stamp")
    await bench.show(author.log(1))  # shown with a stamp that is enough


CHECKS: Final = (
    Check(
        "C1-92",
        "R-EFF-1 R-QRY-3",
        KEEPERS,
        "finds the newest version, nothing withdrawn or expired",
        _in_force,
    ),
    Check("C1-93", "R-EFF-4 R-QRY-3", KEEPERS, "finds nothing of a log that is closed", _closed),
    Check("C1-94", "R-EFF-3 R-VER-1", KEEPERS, "stores what is not due yet, and does not find it", _not_due),
    Check(
        "C1-95",
        "R-REC-2 R-REC-1 R-REC-3 R-REC-4 R-REC-5 R-REC-6 R-REC-7 R-REC-8 R-REC-9 R-REC-10 R-REC-11 R-REC-12",
        KEEPERS,
        "finds no listing that breaks a rule of its kind",
        _malformed,
    ),
    Check(
        "C1-96",
        "R-LOG-12 R-QRY-3 R-STAND-1",
        KEEPERS,
        "finds of a closed epoch only what a standing names",
        _standing,
    ),
    Check(
        "C1-97",
        "R-STAMP-4 R-STAMP-1 R-STAMP-2",
        KEEPERS,
        "takes from strangers with a stamp, serves the others",
        _stamped,
    ),
)
