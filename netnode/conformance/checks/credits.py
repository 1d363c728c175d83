"""C3: sales that somebody brought, as the node's log has them; what comes of requests; challenges."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from netnode.conformance.bench import Bench
from netnode.conformance.checking import KEEPERS, Broken, Check, Skipped, want
from netnode.conformance.correspondent import HOUR, Correspondent
from netnode.conformance.credits import image, statement_id
from netnode.conformance.encoding import encode
from netnode.conformance.holdings import Sold
from netnode.conformance.peer import Peer
from netnode.conformance.referring import Referral, Told, referral, told
from netnode.conformance.runs import read_run
from netnode.conformance.signatures import sign

_REQUEST: Final = "credit request"
_REDEEM: Final = 36
_SALE: Final = 22


def _awards(ledger: Told, order: bytes) -> dict[tuple[bytes, str], int]:
    """Who was awarded what of a sale, by recipient and unit."""
    sold = ledger.effects[b"s" + order]
    assert isinstance(sold, Sold)  # by its id
    found: dict[tuple[bytes, str], int] = {}
    for (to, _, _, unit), steps in sold.awards.items():
        found[to, unit] = found.get((to, unit), 0) + max(step.amount for step in steps)
    return found


@asynccontextmanager
async def _met(bench: Bench) -> AsyncIterator[tuple[Referral, Peer, Peer]]:
    """A referral whose buyer and referrer are in session with the node, which knows them both."""
    made = await referral(bench)
    async with made.buyer.meet() as peer, made.referrer.meet() as other:
        await made.buyer.known(peer)
        await made.referrer.known(other)
        yield made, peer, other


# -- sales -------------------------------------------------------------------------------------------------------
async def _logs(bench: Bench) -> None:
    async with _met(bench) as (made, peer, _):
        await made.completed(peer)
        await made.buyer.give(peer, made.witness())
        ledger = await made.effective("a sale entry of an order that was paid and received [R-CRED-70]")
        plan = ledger.of(made.order)[0].content["plan"]
        want(made.sold.plan in (None, plan), "its sale entry follows another plan than its order [R-CRED-19]")
        awards = _awards(ledger, made.order)
        want(
            any(to == made.referrer.id for to, _ in awards),
            "its sale entry pays nobody who brought the buyer",
        )
        await made.buyer.give(peer, made.witness())
        await made.buyer.give(peer, made.trade.deal.letter(*made.trade.deal.said))
        await bench.settle(peer)
        want(len((await told(bench)).of(made.order)) == 1, "it logs a sale twice [R-CRED-70]")


async def _kept_back(bench: Bench) -> None:
    async with _met(bench) as (made, peer, other):
        await made.completed(peer)
        await made.challenge(other, peer)
        ledger = await made.effective("the sale that a witness of it asked for in public [R-CRED-76]")
        want(
            any(to == made.referrer.id for to, _ in _awards(ledger, made.order)),
            "it pays another than the witness",
        )


async def _refuses(bench: Bench) -> None:
    async with _met(bench) as (made, peer, other):
        await made.trade.agreed(peer)
        challenge = await made.challenge(other, peer)

        async def look() -> dict[str, Any] | None:
            return (await told(bench)).reply(challenge)

        reply = await bench.awaited(look, "an answer to a challenge about a contract of its own [R-CRED-76]")
        want("reason" in reply, "it answers with an entry, and nothing was paid or received")
        want(
            not (await told(bench)).of(made.order), "it logs a sale of which nothing was received [R-CRED-15]"
        )
        await made.trade.says(peer, "cancel", reason="other")


# -- requests ----------------------------------------------------------------------------------------------------
async def _credited(made: Referral, peer: Peer, other: Peer) -> tuple[str, int]:
    """Unit and amount of what the referrer can ask for now.

    Raises:
        Skipped: nothing; what is wrong with it is said by the checks of sales.
    """
    buyer, referrer = made.buyer, made.referrer
    await buyer.known(peer)
    await referrer.known(other)
    await made.completed(peer)
    await buyer.give(peer, made.witness())
    try:
        ledger = await made.effective("a sale entry")
    except Broken as broken:
        raise Skipped("the node does not log what it sells: see C3-92") from broken
    for to, unit in _awards(ledger, made.order):
        amount = ledger.holds(to, unit, made.now())
        if to == referrer.id and amount:
            return unit, amount
    raise Skipped("what the node awards is pending for longer than a check can wait")


def _request(made: Referral, unit: str, amount: int) -> dict[str, Any]:
    """A signed request of the referrer to redeem something."""
    own = made.referrer
    fields = {
        "action": "redeem",
        "amount": amount,
        "counter": made.now(),
        "epoch": 0,
        "expires": made.now() + HOUR,
        "holder": own.id,
        "issuer": made.seller,
        "unit": unit,
    }
    seed = own.author.seeds[own.author.first.id]
    return {"signature": sign(seed, image(made.network, _REQUEST, fields)), **fields}


def _since(own: Correspondent, before: int) -> list[dict[str, Any]]:
    return own.of("answered")[before:]


async def _carries_out(bench: Bench) -> None:
    made = await referral(bench)
    own = made.referrer
    async with made.buyer.meet() as peer, own.meet() as other:
        unit, amount = await _credited(made, peer, other)
        request = _request(made, unit, amount)
        number = statement_id(bench.network, _REQUEST, request)
        entries: list[Any] = []
        for _ in range(2):  # again: another letter, the same entry
            before = len(own.of("answered"))
            await own.give(other, {"type": "request", "openers": made.openers, "request": encode(request)})
            what = "`answered` to a request that is covered"
            found = await other.until(partial(_since, own, before), what)
            want(found[-1]["request"] == number, "its answer names another request")
            want(
                "entry" in found[-1],
                f"it does not carry out what is covered: {found[-1].get('code')} [R-CRED-74]",
            )
            entries.append(found[-1]["entry"])
        want(entries[0] == entries[1], "it carries a request out twice [R-CRED-74]")
        ledger = await told(bench)
        seq, id_ = entries[0]
        entry = ledger.entries.get(seq)
        right = entry is not None and entry.id == id_ and entry.header.kind == _REDEEM
        want(right and ledger.codes[seq] is None, "the entry that it names does not carry the request out")
        left = ledger.holds(own.id, unit, made.now())
        want(left == 0, f"its log leaves {left} of {amount} {unit} where all was redeemed")


async def _omits(bench: Bench) -> None:
    made = await referral(bench)
    own = made.referrer
    async with made.buyer.meet() as peer, own.meet() as other:
        unit, amount = await _credited(made, peer, other)
        await made.challenge(other, peer, request=encode(_request(made, unit, amount)))

        async def look() -> bool | None:
            return (await told(bench)).holds(own.id, unit, made.now()) == 0 or None

        await bench.awaited(
            look, "an entry for a covered request that its holder asked for in public [R-CRED-76]"
        )


# -- what a key cannot take back ---------------------------------------------------------------------------------
async def _disowned(bench: Bench) -> None:
    """An issuer replaces its key below what it owes: who follows it keeps that, and tells whoever asks."""
    bench.takes_logs()
    if bench.owner is None:
        raise Skipped("needs what only the owner does: name a command for it with --owner")
    author = bench.author()
    log = author.log(2)
    part = {"content": b"c", "count": 2, "hash": bench.entropy.token(32), "number": 1}
    owes = [author.entry(log[-1], kind=_SALE, record=encode(part))]
    owes.append(author.entry(owes[-1], kind=_SALE, record=encode({**part, "number": 2})))
    await bench.show([*log, *owes])
    if said := await bench.owner.act("follow", author.id):
        raise Skipped(f"the owner's command follows nobody: {said}")
    await bench.show([*log, author.rotation(log[-1])])
    tip = owes[-1]
    async with bench.meet() as peer:

        async def look() -> bool | None:
            rows = (await peer.one("ask_branches", authors=[author.id])).get("branches", [])
            return any(row[3:] == [tip.seq, tip.id] for row in rows) or None

        await bench.awaited(look, "the branch that a followed issuer's new key disowned [R-CRED-68]")
        answers = await peer.ask("branch", author=author.id, budget=1 << 20, id=tip.id, seq=tip.seq)
        runs = [read_run(run) for each in answers for run in each.body.get("runs", [])]
        found = {entry.id: entry.record for run in runs for entry in run}
        kept = all(found.get(entry.id) == entry.record for entry in owes)
        want(kept, "it does not show the entries that a new key disowned [R-MSG-16]")


CHECKS: Final = (
    Check(
        "C3-92", "R-CRED-70 R-PATH-7 R-CRED-13 R-CRED-19 R-CRED-22", KEEPERS,
        "logs a sale once, by the plan of its order, and pays who brought the buyer", _logs,
    ),
    Check(
        "C3-93", "R-CRED-76 R-CRED-54 R-CRED-57", KEEPERS,
        "logs a sale whose path the buyer kept back when a witness challenges it", _kept_back,
    ),
    Check("C3-94", "R-CRED-76 R-CRED-57", KEEPERS, "says to a challenge why it logs no sale", _refuses),
    Check("C3-95", "R-CRED-74 R-CRED-35", KEEPERS, "carries a covered request out, once", _carries_out),
    Check("C3-96", "R-CRED-76 R-CRED-55", KEEPERS, "carries out a covered request that a challenge shows", _omits),
    Check(
        "C3-97", "R-CRED-68 R-CRED-61 R-MSG-15 R-MSG-16", KEEPERS,
        "keeps and tells what a followed issuer owed before it replaced its key", _disowned,
    ),
)  # fmt: skip
