"""C2 and C3: ledgers as far as a peer sees them: logs with entries of ledgers, requests to the node as an issuer."""

from __future__ import annotations

from typing import Any, Final

from netnode.conformance.bench import Bench
from netnode.conformance.checking import KEEPERS, Check, want
from netnode.conformance.correspondent import HOUR, Correspondent, correspondent
from netnode.conformance.credits import image, statement_id
from netnode.conformance.encoding import encode
from netnode.conformance.entries import Entry
from netnode.conformance.peer import Peer
from netnode.conformance.signatures import sign

_NAME: Final = "credit request"
_OPENERS: Final[list[Any]] = []


def _void(bench: Bench) -> dict[int, bytes]:
    """Records of ledgers by kind, each void: malformed, of nobody, or out of its place."""
    number = bench.entropy.token(32)
    part = {"content": b"c", "count": 2, "hash": number, "number": 2}
    deal: dict[str, Any] = {"messages": [b"m"], "openers": _OPENERS, "order": number}
    moved = {"openers": _OPENERS, "request": b"r"}
    return {
        10: encode({"title": "no plan"}),
        20: encode({"openers": [[0]]}),
        22: encode(part),
        24: encode(part),
        26: encode({**deal, "base": 0}),
        28: encode(deal),
        30: encode(moved),
        32: encode({"document": b"d", "openers": _OPENERS}),
        36: encode(moved),
        38: encode(moved),
        40: encode({"replies": [{"challenge": number, "entry": 2**39}]}),
        42: encode({"openers": _OPENERS, "release": b"r"}),
    }


async def _kept(bench: Bench) -> None:
    """What is void in a ledger is part of its log all the same: kept whole and shown to others."""
    bench.takes_logs()
    author = bench.author()
    log: list[Entry] = [author.first]
    for kind, record in _void(bench).items():
        log.append(author.entry(log[-1], kind=kind, record=record))
    log.append(author.entry(log[-1]))
    async with bench.meet() as giver:
        await giver.push(log)
        await bench.settle(giver)
    async with bench.meet() as other:
        await other.serves(author.id, log)


# -- requests ----------------------------------------------------------------------------------------------------
def _request(bench: Bench, own: Correspondent, **changes: Any) -> dict[str, Any]:
    """A signed request to redeem what we do not have; fields that are None are left out."""
    fields: dict[str, Any] = {
        "action": "redeem",
        "amount": 1,
        "counter": bench.now() + bench.entropy.token(1)[0],
        "epoch": 0,
        "expires": bench.now() + HOUR,
        "holder": own.id,
        "issuer": bench.known.id,
        "unit": "star",
        **changes,
    }
    seed = own.author.seeds[own.author.first.id]
    return {"signature": sign(seed, image(bench.network, _NAME, fields)), **fields}


def _letter(own: Correspondent, request: dict[str, Any]) -> dict[str, Any]:
    openers = [[own.author.first.alone()]]
    return {"type": "request", "openers": openers, "request": encode(request)}


async def _answer(
    bench: Bench, own: Correspondent, peer: Peer, request: dict[str, Any], times: int = 1
) -> str:
    """The code by which the node says that it does not carry a request out."""
    number = statement_id(bench.network, _NAME, request)
    await own.give(peer, _letter(own, request))

    def answers() -> list[dict[str, Any]] | None:
        found = [each for each in own.of("answered") if each["request"] == number]
        return found if len(found) >= times else None

    found = await peer.until(answers, "`answered`, with the id of the request")
    want(
        "entry" not in found[-1] and "code" in found[-1],
        "it says that a request without cover was carried out",
    )
    return str(found[-1]["code"])


async def _asks(bench: Bench) -> None:
    own = await correspondent(bench)
    async with own.meet() as peer:
        await own.known(peer)
        right = _request(bench, own)
        cases: tuple[tuple[str, dict[str, Any], str], ...] = (
            ("more than is available", right, "not_covered"),
            ("one that has expired", _request(bench, own, expires=bench.now() - HOUR), "request_over"),
            ("one that nobody signed", {**right, "amount": 2}, "not_signed"),
            (
                "a transfer to who signed no limit",
                _request(bench, own, action="transfer", recipient=bench.entropy.token(32)),
                "no_limit",
            ),
        )
        for what, request, expected in cases:
            code = await _answer(bench, own, peer, request)
            want(code == expected, f"{what}: answered with {code}, not with {expected}")
        code = await _answer(bench, own, peer, right, times=2)
        want(code == "not_covered", f"asked again, it answers with {code}, not with not_covered")


async def _not_taken(bench: Bench) -> None:
    own = await correspondent(bench)
    async with own.meet() as peer:
        await own.known(peer)
        cases: tuple[tuple[str, dict[str, Any], str], ...] = (
            ("to another issuer", _request(bench, own, issuer=bench.entropy.token(32)), "not_issuer"),
            ("of another holder", _request(bench, own, holder=bench.entropy.token(32)), "not_holder"),
            ("a redemption with a recipient", _request(bench, own, recipient=bytes(32)), "statement"),
            ("of nothing", _request(bench, own, amount=0), "statement"),
            ("with a field more", _request(bench, own, note="x"), "statement"),
        )
        for what, request, expected in cases:
            letter = await own.give(peer, _letter(own, request))
            code = await own.refusal(peer, letter)
            want(code == expected, f"a request {what}: refused with {code}, not with {expected}")


CHECKS: Final = (
    Check("C2-130", "R-CRED-10", KEEPERS, "keeps and shows ledger entries that have no effect", _kept),
    Check(
        "C3-90", "R-CRED-74 R-CRED-34 R-CRED-35", KEEPERS,
        "answers a request that it does not carry out with the code its entry would have", _asks,
    ),
    Check("C3-91", "R-CRED-73 R-CRED-5 R-CRED-6", KEEPERS, "refuses requests of a wrong form or holder", _not_taken),
)  # fmt: skip
