"""What strangers and holders with bad intent write to an issuer's node: nothing grows, nothing stops, nobody waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from netnode.deals.signers import wire
from netnode.mail.letters import Incoming, Refusal, Taken
from netnode.store import credits as rows
from netnode.store import letters as outbox
from protocol.certificate import DAY_MS
from protocol.ledger.letters import LimitLetter, RequestLetter
from protocol.ledger.statements import Limit, Request, sign
from protocol.signing import Signer
from tests.netnode.issuers import Credits, credits
from tests.netnode.services_home import NETWORK, OpenHome
from tests.protocol.author import Author

LONG = 190  # rotations: more than a record holds, less than a letter


async def hand(home: OpenHome, sender: Author, body: Any, *, stranger: bool = True) -> Taken | Refusal:
    """Gives a letter to its receiver, as the inbox does."""
    kind = type(body).__name__.removesuffix("Letter").lower()
    receiver = home.letters.receiver(kind)
    assert receiver is not None, kind
    return await receiver(
        Incoming(
            sender=sender.id, epoch=sender.entries[-1].epoch, key=sender.signer.public, id=bytes(16), first=bytes(16),
            stranger=stranger, body=body, at=home.clock.now_ms(),
        )
    )  # fmt: skip


def openers(author: Author) -> tuple[tuple[Any, ...], ...]:
    return (tuple(wire(author.openers(*author.entries[1:]))),)


def request(market: Credits, author: Author, counter: int, amount: int = 1, **fields: Any) -> bytes:
    """A request of a networker without a home."""
    unsigned = Request(
        action="payout", amount=amount, counter=counter, epoch=author.entries[-1].epoch,
        expires=market.clock.now + DAY_MS, holder=author.id, issuer=market["sol"].me.id, signature=bytes(64),
        unit="EUR", **fields,
    )  # fmt: skip
    return sign(NETWORK, Signer(author.signer.seed), unsigned)


async def test_a_request_that_fits_no_record_is_refused_and_those_behind_it_are_answered(
    tmp_path: Path,
) -> None:
    """[R-CRED-73]"""
    async with credits(tmp_path) as market:
        await market.sold()
        rita = Author("rita", NETWORK)
        for _ in range(LONG):
            rita.rotate()
        body = RequestLetter(openers=openers(rita), request=request(market, rita, 2**50))
        assert await hand(market["sol"], rita, body) == Taken()
        await market["sol"].services.issued.answering.look()
        (row,) = await market["sol"].store.read(lambda reader: rows.requests(reader.connection, None, 5))
        assert (row.state, row.code) == ("refused", "too_large")


async def requests(market: Credits) -> list[rows.RequestRow]:
    return await market["sol"].store.read(lambda reader: rows.requests(reader.connection, None, 1_000))


async def test_what_was_refused_is_forgotten_in_time_and_its_openers_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "REFUSED", 3)
    async with credits(tmp_path) as market:
        sol, ada = market["sol"], Author("ada", NETWORK)
        await market.sold()
        logged = RequestLetter(openers=(), request=request(market, Author("rita", NETWORK), 2**50))
        assert await hand(sol, Author("rita", NETWORK), logged) == Taken()
        for number in range(6):
            body = RequestLetter(openers=openers(ada), request=request(market, ada, number))
            assert await hand(sol, ada, body) == Taken()
        await sol.services.issued.answering.look()
        assert {each.code for each in await requests(market)} == {None, "not_covered"}
        assert all(len(each.openers) == 1 for each in await requests(market) if each.code)
        await sol.services.swapping.sweep()
        kept = await requests(market)
        assert [each.state for each in kept] == ["refused"] * 3 + ["answered"]
        body = RequestLetter(openers=openers(ada), request=request(market, ada, 0))
        assert await hand(sol, ada, body) == Taken(), "it is judged anew"


async def test_who_asks_again_and_again_gets_so_many_answers(tmp_path: Path) -> None:
    """Else letters nobody fetches would fill the outbox of the issuer."""
    async with credits(tmp_path) as market:
        sol, ada = market["sol"], Author("ada", NETWORK)
        body = RequestLetter(openers=openers(ada), request=request(market, ada, 1))
        for _ in range(60):
            assert await hand(sol, ada, body) == Taken()
            await sol.services.issued.answering.look()
        assert len(await market.post.waiting(sol)) == outbox.ANSWERS_TO_ONE


async def test_limits_of_one_holder_push_out_no_limit_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "LIMITS_OF_ONE", 3)
    async with credits(tmp_path) as market:
        sol, issuer = market["sol"], market["sol"].me.id
        people = [Author(name, NETWORK) for name in ("bob", "ada")]
        for author, count in zip(people, (1, 9), strict=True):
            for number in range(count):
                market.clock.now += 1
                unsigned = Limit(
                    amount=1, counter=1, epoch=0, expires=2**50, holder=author.id, issuer=issuer,
                    signature=bytes(64), unit=f"U{number}",
                )  # fmt: skip
                body = LimitLetter(limit=sign(NETWORK, author.signer, unsigned), openers=openers(author))
                assert await hand(sol, author, body) == Taken()
        kept = await sol.store.read(
            lambda reader: [
                [row.unit for row in rows.own_limits(reader.connection, each.id)] for each in people
            ]
        )
        assert kept == [["U0"], ["U6", "U7", "U8"]]
