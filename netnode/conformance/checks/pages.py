"""C2: items: pages of heads and changes, cursors, and whose logs are told."""

from __future__ import annotations

from typing import Final

from netnode.conformance.author import Author
from netnode.conformance.bench import Bench
from netnode.conformance.checking import KEEPERS, Broken, Check, want
from netnode.conformance.entries import Entry
from netnode.conformance.items import same
from netnode.conformance.peer import Peer

LOGS: Final = 4


async def _shown(bench: Bench) -> tuple[list[Author], dict[bytes, Entry]]:
    """Authors of some logs that the node holds, and the newest entry of each."""
    bench.takes_logs()
    authors = [bench.author() for _ in range(LOGS)]
    logs = [author.log(1) for author in authors]
    await bench.show(*logs)
    return authors, {log[0].header.author: log[-1] for log in logs}


async def _by_author(bench: Bench) -> None:
    authors, _ = await _shown(bench)
    async with bench.meet() as peer:
        whole = await peer.heads()
        want(all(author.id in whole for author in authors), "a log it took is not told")
    async with bench.meet(interest=[author.id for author in authors]) as peer:
        by_one = await peer.heads(1)
        want(list(by_one) == sorted(author.id for author in authors), "pages of one leave out or repeat logs")


async def _own_log(bench: Bench) -> None:
    async with bench.meet() as peer:
        item = await peer.item(bench.known.id)
        want(item is not None, "it does not tell its own log")
        log = await peer.log(bench.known.id)
        want(same(log.item(), item), "its log is not what its item says")


async def _page_cursor(bench: Bench) -> None:
    await _shown(bench)
    async with bench.meet() as peer:
        page = await peer.one("heads", after=None, limit=1)
        cursor = page.get("cursor")
        if cursor is None:
            raise Broken("no cursor in the first page of heads")
        want(cursor[0] == peer.hello["store"], "a cursor of another store than its hello names")
        [answer] = await peer.ask("changes", cursor=cursor, limit=400)
        want(answer.name == "items", f"the cursor it just gave is refused with {answer.body.get('code')}")


async def _goes_on(bench: Bench) -> None:
    authors, tips = await _shown(bench)
    async with bench.meet(interest=[author.id for author in authors]) as peer:
        cursor = (await peer.one("heads", after=None, limit=1))["cursor"]
        async with bench.meet() as other:
            for author in authors:
                await other.push([author.entry(tips[author.id])])
            await bench.settle(other)
        wanted = {author.id for author in authors}
        seen: list[bytes] = []
        arrivals = [cursor[1]]
        while True:
            page = await peer.one("changes", cursor=cursor, limit=1)
            want(len(page["items"]) <= 1, "a page beyond its limit")
            seen += [item[1] for item in page["items"] if item[1] in wanted]
            cursor = page["cursor"]
            if not page.get("more"):
                break
            want(cursor[1] > arrivals[-1], "more follows, but the cursor stands still [R-MSG-8]")
            arrivals.append(cursor[1])
        want(set(seen) == wanted, f"{len(set(seen))} of {LOGS} changed logs are told")
        want(len(seen) == len(wanted), "a log is told twice")
        empty = await peer.one("changes", cursor=cursor, limit=10)
        want(empty["items"] == [] and not empty.get("more"), "changes after the newest cursor")
        want(empty["cursor"] is not None, "no cursor in an empty page [R-MSG-8]")


async def _wrong_cursors(bench: Bench) -> None:
    await _shown(bench)
    async with bench.meet() as peer:
        store, arrival, tag = (await peer.one("heads", after=None, limit=1))["cursor"]
        token = bench.entropy.token
        for name, cursor in (
            ("another store", [token(16), arrival, tag]),
            ("an arrival to come", [store, arrival + 1_000_000, tag]),
            ("another tag", [store, arrival, token(8)]),
        ):
            code = await peer.refused("changes", cursor=cursor, limit=1)
            want(code == "cursor", f"a cursor of {name} is refused with {code}")
        await peer.goes_on()


async def _only_wanted(bench: Bench) -> None:
    authors, tips = await _shown(bench)
    chosen = sorted(author.id for author in authors[:2])
    async with bench.meet(interest=chosen) as peer:
        page = await peer.one("heads", after=None, limit=400)
        want([item[1] for item in page["items"]] == chosen, "heads name logs that we do not want")
        async with bench.meet() as other:
            await other.push([authors[-1].entry(tips[authors[-1].id])])
            extra = bench.author()
            await other.push(extra.log(1))
            await bench.settle(other)
        changed = await peer.one("changes", cursor=page["cursor"], limit=400)
        want(
            not [item for item in changed["items"] if item[1] not in chosen],
            "changes name logs we do not want",
        )
        await _nothing_else(peer, chosen)


async def _nothing_else(peer: Peer, wanted: list[bytes]) -> None:
    about = {*peer.told.items, *peer.told.pushed} - set(wanted)
    want(not about, "it tells live of logs that we do not want [R-SYNC-2]")


async def _parts(bench: Bench) -> None:
    authors, _ = await _shown(bench)
    one, two, three, _ = (author.id for author in authors)
    async with bench.meet(tell=False) as peer:
        await peer.tell("interest", all=False, ids=[one], more=True)
        await peer.tell("interest", all=False, ids=[two], more=False)
        want(set(await peer.heads()) == {one, two}, "parts of an interest are not put together")
        await peer.tell("interest", all=False, ids=[three], more=False)
        want(set(await peer.heads()) == {three}, "a new interest does not take the place of the former")
        await peer.tell("interest", all=False, ids=[one], more=True)
        await peer.tell("interest", all=True, ids=[], more=False)
        want({one, two, three} <= set(await peer.heads()), "`all` is not the whole interest")
        await peer.tell("interest", all=False, ids=[], more=False)
        want(set(await peer.heads()) == set(), "an empty interest names logs")


CHECKS: Final = (
    Check("C2-01", "R-MSG-9 R-MSG-8", KEEPERS, "tells heads by author, page by page, each once", _by_author),
    Check(
        "C2-02",
        "R-LOG-17 R-SYNC-8 R-LOG-7 R-ENTRY-3 R-ENTRY-4",
        KEEPERS,
        "serves its own log as its item says",
        _own_log,
    ),
    Check(
        "C2-03",
        "R-MSG-8 R-LOG-18",
        KEEPERS,
        "gives a cursor with heads that `changes` goes on from",
        _page_cursor,
    ),
    Check(
        "C2-04",
        "R-MSG-7 R-MSG-8 R-LOG-18",
        KEEPERS,
        "tells each change once, and cursors that rise",
        _goes_on,
    ),
    Check(
        "C2-05", "R-LOG-18 R-MSG-7", KEEPERS, "refuses cursors it never gave with `cursor`", _wrong_cursors
    ),
    Check("C2-06", "R-SYNC-2", KEEPERS, "names only logs that we want", _only_wanted),
    Check(
        "C2-07",
        "R-SYNC-1 R-SYNC-2",
        KEEPERS,
        "puts an interest together from parts, and replaces it whole",
        _parts,
    ),
)
