"""Challenges made up, without end, or of no interest: none starves another, and what was answered makes room."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from netnode.issuing.asking import Wish
from netnode.mail.letters import Refusal, Taken
from netnode.store import credits as rows
from protocol.ledger.letters import ChallengeLetter
from protocol.records import Challenge, encode_record
from tests.netnode.issuers import Credits, credits
from tests.netnode.services_home import NETWORK
from tests.netnode.test_credit_letters import hand, openers, request
from tests.netnode.test_issuing_challenges import ANSWER, PAYOUT, stands
from tests.protocol.author import Author


def challenge(author: Author, issuer: bytes, number: int, document: bytes) -> None:
    """The next entry of a log that no home writes."""
    record = Challenge(salt=number.to_bytes(16, "big"), issuer=issuer, openers=(), request=document)
    tip = author.entries[-1]
    author.entries.append(author.after(tip, Challenge.KIND, encode_record(record)))


async def open_to(market: Credits, name: str) -> list[rows.ChallengeRow]:
    return await market[name].store.read(
        lambda reader: rows.challenges_to(reader.connection, market["sol"].me.id)
    )


async def test_what_was_answered_is_not_kept(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        await market.sold()
        deal = await market.order(market.token())
        rita = market["rita"].services.issued
        await rita.challenging.claim_sale(bytes.fromhex(deal))
        row = await rita.asking.ask(Wish("payout", market["sol"].me.id, "EUR", 100))
        await rita.challenging.claim_request(row)
        await market.post.carry()
        assert len(await open_to(market, "sol")) == 2
        for _ in range(4):
            await market["sol"].services.issued.challenging.look()
            await market.post.carry()
            await market.meet()
            await market["sol"].projector.level()
        assert (await market.kinds()).count(ANSWER) == 1 and PAYOUT in await market.kinds()
        assert not await open_to(market, "sol")


async def test_a_claimant_has_so_many_challenges_kept_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "CHALLENGES_OF_ONE", 2)
    async with credits(tmp_path) as market:
        ada, sol = Author("ada", NETWORK), market["sol"]
        found: list[Any] = []
        for number in range(3):
            challenge(ada, sol.me.id, number, request(market, ada, number))
            body = ChallengeLetter(
                entry=tuple(ada.entries[-1].wire()), openers=openers(Author("ada", NETWORK))
            )
            found.append(await hand(sol, ada, body))
        assert found[:2] == [Taken(), Taken()]
        assert isinstance(found[2], Refusal) and found[2].code == "busy"
        assert (
            await hand(
                sol,
                ada,
                ChallengeLetter(entry=tuple(ada.entries[1].wire()), openers=openers(Author("ada", NETWORK))),
            )
            == Taken()
        )


async def test_nobody_makes_up_a_challenge_in_the_name_of_another(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        ada, sol = Author("ada", NETWORK), market["sol"]
        challenge(ada, sol.me.id, 1, request(market, ada, 1))
        header, signature, record = ada.entries[-1].wire()
        body = ChallengeLetter(entry=(header, bytes(64), record), openers=openers(Author("ada", NETWORK)))
        refused = await hand(sol, Author("eve", NETWORK), body)
        assert isinstance(refused, Refusal) and refused.code == "signature"
        assert signature != bytes(64)


async def test_what_holds_nothing_starves_no_other_challenge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[R-CRED-76] A log may be full of challenges whose documents nobody signed."""
    monkeypatch.setattr("netnode.issuing.challenging.AT_ONCE", 3)
    async with credits(tmp_path) as market:
        deal = await market.order(market.token())
        await market.complete(deal)
        finn, made = market["finn"], []
        for name in ("one", "two", "three", "four"):
            author = Author(name, NETWORK)
            for number in range(5):
                document = request(market, author, number)
                challenge(author, market["sol"].me.id, number, document[:-70] + bytes(1) + document[-69:])
            made.append(author)
            for outcome in await finn.gate.admit_chains([author.entries]):
                assert outcome.fault is None
        await market["rita"].services.issued.challenging.claim_sale(bytes.fromhex(deal))
        await market.meet()
        await finn.projector.level()
        for _ in range(3):
            await finn.services.issued.challenging.look()
        assert [each.author for each in await open_to(market, "finn")] == [market["rita"].me.id]
        for _ in range(10):
            await finn.services.issued.challenging.look()
        assert not await finn.store.read(
            lambda reader: rows.met_anew(reader.connection, finn.me.id, 0, 10)
        ), "each was looked at once"
        assert (await stands(market)).open == 1


async def test_a_challenge_to_an_issuer_of_no_interest_is_left_alone(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        finn, ada, other = market["finn"], Author("ada", NETWORK), Author("other", NETWORK)
        challenge(ada, other.id, 1, request(market, ada, 1))
        for outcome in await finn.gate.admit_chains([ada.entries]):
            assert outcome.fault is None
        await finn.projector.level()
        await finn.services.issued.challenging.look()
        count = "SELECT count(*) FROM challenge"
        assert await finn.store.read(lambda reader: reader.connection.execute(count).get) == 0


async def test_a_challenge_that_its_author_has_no_credit_for_is_handed_to_nobody(tmp_path: Path) -> None:
    """[R-CRED-55] Else one entry would have every follower of an issuer write to it."""
    async with credits(tmp_path) as market:
        finn, ada = market["finn"], Author("ada", NETWORK)
        challenge(ada, market["sol"].me.id, 1, request(market, ada, 1))
        for outcome in await finn.gate.admit_chains([ada.entries]):
            assert outcome.fault is None
        await finn.projector.level()
        await finn.services.issued.challenging.look()
        assert not await market.post.waiting(finn)


async def test_a_challenge_that_fits_no_letter_stops_nothing(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        await market.sold()
        rita, finn, sol = market["rita"], market["finn"], market["sol"].me.id
        long = Author("long", NETWORK)
        for _ in range(140):
            long.rotate()
        asked = await rita.services.issued.asking.ask(Wish("payout", sol, "EUR", 100))
        record = Challenge(salt=bytes(16), issuer=sol, openers=openers(long), request=asked.data)
        await rita.own.append([(Challenge.KIND, encode_record(record))])
        await market.meet()
        await finn.projector.level()
        for _ in range(2):
            await finn.services.issued.challenging.look()
        assert len(await open_to(market, "finn")) == 1
        assert (await stands(market)).open == 1
