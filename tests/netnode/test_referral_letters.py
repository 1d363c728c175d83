"""Codes, links and proposals of strangers: no word is taken for ever, and they push out nobody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from netnode.mail.letters import Refusal, Taken
from netnode.operations import models
from netnode.store import alliances, referrals
from protocol import paths
from protocol.alliances import Agreement, Partner, sign_agreement
from protocol.referral_letters import AllianceLetter, ReferralLetter
from tests.netnode.services_home import NETWORK, OpenHome
from tests.netnode.test_credit_letters import hand, openers
from tests.netnode.test_referring import Street, street
from tests.protocol.author import Author

DAY_MS = 24 * 3_600_000


def token(author: Author, seller: bytes, expires: int, campaign: str | None = None) -> bytes:
    return paths.sign_referral(
        NETWORK, author.signer, referrer=author.id, epoch=0, seller=seller, expires=expires, campaign=campaign
    )


async def register(on: Street, author: Author, code: str, expires: int = 2**50) -> Taken | Refusal:
    sol = on["sol"]
    path = (token(author, sol.me.id, expires),)
    return await hand(sol, author, ReferralLetter(code=code, openers=openers(author), path=path))


async def codes(home: OpenHome) -> dict[str | None, bytes]:
    rows = await home.store.read(lambda reader: referrals.page(reader.connection, "registered", None, 1_000))
    return {row.code: row.sender for row in rows}


async def test_a_code_that_is_over_is_free_again_and_makes_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(referrals, "REGISTERED", 3)
    eve, bob = Author("eve", NETWORK), Author("bob", NETWORK)
    async with street(tmp_path) as on:
        soon = on.clock.now + DAY_MS
        assert await register(on, eve, "SUMMER", soon) == Taken()
        assert isinstance(await register(on, bob, "SUMMER"), Refusal)
        for code in ("ONE", "TWO"):
            assert await register(on, eve, code, soon) == Taken()
        assert isinstance(await register(on, bob, "THREE"), Refusal)
        on.clock.now = soon
        assert await register(on, bob, "SUMMER") == Taken()
        assert await register(on, bob, "THREE") == Taken()
        assert set((await codes(on["sol"])).values()) == {bob.id}


async def test_a_registration_that_comes_again_is_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(referrals, "REGISTERED_BY_ONE", 1)
    async with street(tmp_path) as on:
        eve = Author("eve", NETWORK)
        for _ in range(2):
            assert await register(on, eve, "SUMMER") == Taken()


async def test_links_of_one_seller_push_out_no_link_to_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[R-REF-6] Else a seller could make a buyer forget who brought them to another."""
    monkeypatch.setattr(referrals, "MET_OF_ONE", 3)
    monkeypatch.setattr(referrals, "MET", 6)
    async with street(tmp_path) as on:
        bea, eve, bob = on["bea"], Author("eve", NETWORK), Author("bob", NETWORK)
        link = (await on.make("anna")).link
        await bea.services.referrals.show(models.ReferralChoice(name=link, keep=True))
        for number in range(9):
            on.clock.now += 1
            path = (token(bob, eve.id, 2**50, f"campaign-{number}"),)
            body = ReferralLetter(code="SUMMER", openers=openers(bob), path=path)
            assert await hand(bea, eve, body) == Taken()
        met = await bea.store.read(lambda reader: referrals.met(reader.connection, on["sol"].me.id))
        assert len(met) == 1
        assert len(await bea.store.read(lambda reader: referrals.met(reader.connection, eve.id))) == 3


async def test_proposals_of_one_push_out_none_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alliances, "PROPOSED_BY_ONE", 3)
    monkeypatch.setattr(alliances, "PROPOSED", 6)
    async with street(tmp_path) as on:
        sol, eve, bob = on["sol"], Author("eve", NETWORK), Author("bob", NETWORK)
        for author, count in ((bob, 1), (eve, 9)):
            for number in range(count):
                sides = sorted((author.id, sol.me.id))
                one, two = (Partner(epoch=0, id=each, points=500) for each in sides)
                agreement = Agreement(
                    first=one, from_=0, nonce=number.to_bytes(16, "big"), notice=1, second=two
                )
                data = sign_agreement(NETWORK, author.signer, author.id, agreement)
                assert (
                    await hand(sol, author, AllianceLetter(agreement=data, openers=openers(author)))
                    == Taken()
                )
        rows = await sol.store.read(lambda reader: alliances.page(reader.connection, None, 100))
        assert [row.other for row in rows] == [eve.id] * 3 + [bob.id]
