"""C1: questions of features: search, peers, invites, ping, dialling back, ranges; and statements."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from netnode.conformance.addresses import Told, check_told, scope, write_statement
from netnode.conformance.bench import Bench
from netnode.conformance.checking import CLOCK_OFF, EVERYBODY, KEEPERS, Check, Skipped, want
from netnode.conformance.entries import read_entry
from netnode.conformance.found import believed
from netnode.conformance.limits import MAX_PEERS, MILLISECONDS_PER_DAY
from netnode.conformance.ranges import Set
from netnode.conformance.seen import check_statement

RANGES_FROM: Final = 400
LOOKS: Final = 15  # searches of one session: half of QUERIES_A_MINUTE
LOOK_EVERY: Final = 0.3


async def _ping(bench: Bench) -> None:
    bench.needs(7, "ping")
    async with bench.meet() as peer:
        answer = await peer.one("ping", clock=bench.now())
        want(abs(answer["clock"] - bench.now()) < CLOCK_OFF, "its clock is far off")


async def _join(bench: Bench) -> None:
    bench.needs(7, "join")
    async with bench.meet() as peer:
        for pin in (None, "123456"):
            code = await peer.refused("join", token=bench.entropy.token(16), pin=pin)
            want(code == "invite", f"an unknown token is refused with {code}, not with invite")
        await peer.goes_on()


async def _dial_back(bench: Bench) -> None:
    bench.needs(7, "dial_back")
    async with bench.meet() as peer:
        [answer] = await peer.ask("dial_back", port=9)
        if answer.name == "refuse":
            want(answer.body["code"] in ("not_here", "rate", "busy"), f"refused with {answer.body['code']}")
        else:
            want(not answer.body["reached"], "it says that it reached a port where nobody listens")


async def _ask_peers(bench: Bench) -> None:
    bench.needs(5, "ask_peers")
    own = bench.author()
    async with bench.meet(own) as peer:
        told = (await peer.one("ask_peers")).get("peers", [])
        want(len(told) <= MAX_PEERS, f"{len(told)} statements")
        for statement, openers in told:
            read = Told(statement, [read_entry(opener) for opener in openers])
            if read.openers:
                check_told(bench.network, read)
            scopes = {_scope(address) for address in statement["addresses"]}
            want(scopes <= {"public"} or scopes <= {"loopback"}, f"addresses of {scopes} travel [R-BOOK-5]")
            want(bench.target.loopback or scopes <= {"public"}, f"addresses of {scopes} travel [R-BOOK-5]")
            want(statement["id"] != own.id, "it names the asker [R-BOOK-7]")
        [again] = await peer.ask("ask_peers")
        refused = again.name == "refuse" and again.body["code"] == "rate"
        want(again.name == "peers" or refused, f"asked again it says {again.body}")
    if not told:
        raise Skipped("it knows of no statement that may travel to us")


def _scope(address: str) -> str:
    host = address.partition("://")[2].partition("/")[0].partition("?")[0]
    if host.startswith("["):
        return scope(host[1:].partition("]")[0])
    return scope(host.partition(":")[0])


def _statement(bench: Bench, address: str, **changes: object) -> tuple[dict[str, Any], list[list[object]]]:
    own = bench.author()
    fields = {"addresses": [address], "epoch": 0, "id": own.id, "time": bench.now(), **changes}
    return write_statement(bench.network, own.seeds[own.first.id], **fields), [own.first.alone()]


async def _forged_statement(bench: Bench) -> None:
    bench.needs(5, "peers")
    statement, openers = _statement(bench, "ws://node.example.com/inx/1")
    forged = {**statement, "signature": bench.entropy.token(64)}
    async with bench.meet() as peer:
        await peer.say_body("peers", {"peers": [[forged, openers]]})
        await peer.expelled("signature")


async def _left_statements(bench: Bench) -> None:
    bench.needs(5, "peers")
    old = bench.now() - 40 * MILLISECONDS_PER_DAY
    told = [
        _statement(bench, "ws://192.168.1.7/inx/1"),
        _statement(bench, "ws://node.example.com/inx/1", time=old),
        _statement(bench, "ws://node.example.com/inx/1", time=bench.now() + 3_600_000),
    ]
    async with bench.meet() as peer:
        await peer.say_body("peers", {"peers": [list(each) for each in told]})
        await peer.goes_on()


async def _bad_statement(bench: Bench) -> None:
    bench.needs(5, "peers")
    statement, openers = _statement(bench, "ws://node.example.com/inx/1")
    for wrong in (
        [statement],
        [{**statement, "more": 1}, openers],
        [{**statement, "addresses": []}, openers],
    ):
        async with bench.meet() as peer:
            await peer.say_body("peers", {"peers": [wrong]})
            await peer.expelled("bad_message")


async def _search(bench: Bench) -> None:
    bench.needs(3, "search")
    bench.takes_logs()
    author = bench.author()
    word = f"conformance{bench.entropy.token(4).hex()}"
    listings = [author.first]
    for number in range(3):
        listings.append(author.listing(listings[-1], f"key-{number}", f"{word} {number}"))
    await bench.show(listings)
    async with bench.meet() as peer:
        await peer.holds(author.id, [0, author.id, 0, 0, 3, listings[-1].id, 0])
        everything = {"text": "", "seller": author.id, "currency": "EUR", "least": 1_250, "most": 1_250}

        async def hits(**body: object) -> tuple[list[int], dict[str, Any]]:
            found = await peer.one("query", **body)
            seqs = [hit.seq for hit in believed(bench.network, found, [])]
            want(len(seqs) == len(found.get("hits", [])), "hits that cannot be believed [R-QRY-3]")
            return seqs, found

        seqs: list[int] = []
        for _ in range(LOOKS):  # its catalogue may take a moment
            seqs, found = await hits(**everything, limit=50)
            if len(seqs) == 3:
                break
            await asyncio.sleep(LOOK_EVERY)
        want(sorted(seqs) == [1, 2, 3], f"entries {seqs} are found of a seller with three listings [R-QRY-2]")
        first, found = await hits(**everything, limit=2)
        want(
            len(first) == 2 and found.get("next") is not None, "a page of 2 of 3 without a next one [R-QRY-5]"
        )
        second, found = await hits(**everything, limit=2, cursor=found["next"])
        want(sorted(first + second) == [1, 2, 3], f"pages {first} and {second} [R-QRY-5]")
        want(
            (await hits(text="", seller=author.id, kind="nothing", limit=5))[0] == [],
            "an unknown kind is found",
        )
        dearer = {**everything, "least": 1_251, "most": None}
        want((await hits(**dearer, limit=5))[0] == [], "a dearer price is found")


async def _search_refused(bench: Bench) -> None:
    bench.needs(3, "search")
    async with bench.meet() as peer:
        code = await peer.refused("query", text="x", limit=1, cursor=b"never given")
        want(code == "cursor", f"an unknown cursor is refused with {code}")
    async with bench.meet() as peer:
        await peer.say_body("query", {"text": "x", "limit": 1, "least": 5}, 1)
        await peer.expelled("bad_message")


async def _see(bench: Bench) -> None:
    async with bench.meet() as peer:
        log = await peer.log(bench.known.id)
        entry = log.main[-1]
        [answer] = await peer.ask("see", author=bench.known.id, seq=entry.seq)
        if answer.name == "refuse":
            raise Skipped(f"it gives no statements ({answer.body['code']})")
        statement = answer.body["statement"]
        named = [statement[name] for name in ("author", "seq", "id", "epoch", "term", "witness")]
        want(
            named == [bench.known.id, entry.seq, entry.id, *entry.place, bench.known.id],
            "it is about another entry",
        )
        check_statement(bench.network, statement, log.openers.keys(statement["witness_epoch"])[0])
        code = await peer.refused("see", author=bench.known.id, seq=entry.seq + 1_000_000)
        want(code == "not_here", f"an entry that is not there is refused with {code}")
        code = await peer.refused("see", author=bench.entropy.token(32), seq=0)
        want(code == "not_here", f"a log that is not there is refused with {code}")


async def _ranges(bench: Bench) -> None:
    bench.needs(1, "ranges")
    async with bench.meet() as peer:
        items = list((await peer.heads()).values())
        salt = bench.entropy.token(16)
        ours = Set(bench.network, salt, items)
        begin = [salt, peer.shelf.cursor, len(items)]
        [answer] = await peer.ask("ranges", begin=begin, splits=[["", ours.split("")]])
        if len(items) < RANGES_FROM:
            want(
                answer.name == "refuse" and answer.body["code"] == "not_here",
                "it reconciles few logs [R-RNG-4]",
            )
            return
        if answer.name == "refuse":
            raise Skipped(f"it refuses ranges now ({answer.body['code']})")
        want(answer.body.get("begin") is not None, "no `begin` in the first answer [R-RNG-7]")
        differing = [row[0] for name in ("lists", "splits") for row in answer.body.get(name, [])]
        want(len(differing) <= 2, f"ranges {differing} differ of equal sets [R-RNG-3]")


async def _blob_unknown(bench: Bench) -> None:
    async with bench.meet() as peer:
        [answer] = await peer.ask("fetch", hash=bench.entropy.token(32), chunk=0)
        want(answer.name == "refuse" or answer.body.get("data") is None, "data of a blob that nobody has")


CHECKS: Final = (
    Check("C1-80", "R-REACH-1", KEEPERS, "answers `ping`", _ping),
    Check("C1-81", "R-INV-4", KEEPERS, "refuses tokens it never gave with `invite`", _join),
    Check(
        "C1-82", "R-REACH-3 R-REACH-4", KEEPERS, "tells the truth of dialling back, or refuses", _dial_back
    ),
    Check(
        "C1-83",
        "R-BOOK-2 R-BOOK-5 R-BOOK-7 R-BOOK-6 R-BOOK-1",
        KEEPERS,
        "tells statements that hold and may travel",
        _ask_peers,
    ),
    Check(
        "C1-84",
        "R-BOOK-2 R-BOOK-3",
        KEEPERS,
        "ends with `signature` on a forged statement",
        _forged_statement,
    ),
    Check(
        "C1-85",
        "R-BOOK-3 R-BOOK-4 R-BOOK-5",
        KEEPERS,
        "passes over statements it may not take",
        _left_statements,
    ),
    Check(
        "C1-86", "R-BOOK-1", KEEPERS, "ends with `bad_message` on statements of a wrong form", _bad_statement
    ),
    Check(
        "C1-87",
        "R-QRY-3 R-QRY-2 R-QRY-5",
        KEEPERS,
        "finds listings, with what proves them, page by page",
        _search,
    ),
    Check(
        "C1-88",
        "R-QRY-5 R-QRY-2",
        KEEPERS,
        "refuses unknown cursors and bounds without currency",
        _search_refused,
    ),
    Check(
        "C1-89",
        "R-MSG-14 R-SEEN-1 R-SEEN-2",
        KEEPERS,
        "signs what it has seen, or says that it has not",
        _see,
    ),
    Check(
        "C1-90",
        "R-RNG-4 R-RNG-3 R-RNG-7",
        KEEPERS,
        "reconciles ranges of many logs, refuses those of few",
        _ranges,
    ),
    Check("C1-91", "R-BLOB-5", EVERYBODY, "gives nothing of a blob it does not hold", _blob_unknown),
)
