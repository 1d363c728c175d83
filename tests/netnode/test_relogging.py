"""What an issuer's own rotation took out of its log is logged again; releases and old keys after rotations."""

from __future__ import annotations

from pathlib import Path

from netnode.issuing.asking import Wish
from netnode.mail.letters import Refusal, Taken
from netnode.operations import models
from netnode.store import credits as rows
from protocol.ledger.statements import Releasing, Request, sign
from protocol.ledger.swap_letters import ReleaseLetter
from protocol.records import Lock, Payout, Release, SwapEntry, encode_record
from tests.netnode.issuers import Credits, credits
from tests.netnode.services_home import NETWORK, OpenHome
from tests.netnode.swapped import AFTER, BEFORE, four
from tests.netnode.test_credit_letters import hand, openers
from tests.netnode.test_rekeying import rotate
from tests.protocol.author import Author

DAY = 24 * 3_600_000


async def tip(home: OpenHome) -> int:
    state = await home.store.load(home.me.id)
    assert state is not None
    return state.tip.seq


async def pays(market: Credits, amount: int = 100) -> rows.RequestRow:
    wish = Wish("payout", market["sol"].me.id, "EUR", amount)
    row = await market["rita"].services.issued.asking.ask(wish)
    await market.post.carry()
    await market.look()
    return row


async def test_a_movement_that_a_rotation_disowned_is_logged_again(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        await market.sold()
        last = await tip(market["sol"])
        row = await pays(market)
        await rotate(market["sol"], last=last)
        assert (await market.figures("rita")).paid_out == 0
        await market.look()
        assert (await market.figures("rita")).paid_out == 100
        await market.look()
        assert (await market.kinds()).count(Payout.KIND) == 1
        found = await market["rita"].store.read(lambda reader: rows.request(reader.connection, row.id))
        entries = await market.entries()
        assert found is not None and (found.seq, found.entry) == (entries[-1].seq, entries[-1].id)


async def test_a_movement_that_is_over_by_then_is_answered_with_the_reason(tmp_path: Path) -> None:
    async with credits(tmp_path) as market:
        await market.sold()
        last = await tip(market["sol"])
        row = await pays(market)
        market.clock.now += 40 * DAY
        await rotate(market["sol"], last=last)
        await market.look()
        found = await market["sol"].store.read(lambda reader: rows.request(reader.connection, row.id))
        assert found is not None and (found.state, found.code) == ("refused", "request_over")


async def test_a_swap_that_rotations_disowned_is_logged_again(tmp_path: Path) -> None:
    async with four(tmp_path) as all_:
        lasts = {name: await tip(all_[name]) for name in ("issuer-x", "issuer-y")}
        await all_.propose()
        await all_.carry()
        await all_.accept()
        await all_.settle()
        assert await all_.outcome("bob") == AFTER
        for name, last in lasts.items():
            await rotate(all_[name], last=last)
        await all_.settle()
        assert await all_.outcome("bob") == AFTER
        assert len(await all_.kinds("issuer-x", Lock.KIND)) == 1
        assert len(await all_.kinds("issuer-y", SwapEntry.KIND)) == 1


async def test_a_rotation_that_an_issuers_rotation_disowned_is_told_again(tmp_path: Path) -> None:
    """[R-CRED-87] Else the holder's old key would move credit there again."""
    async with four(tmp_path) as all_:
        ann, x = all_["ann"], all_["issuer-x"]
        await ann.store.write(lambda writer: writer.follow(x.me.id, 1))
        last = await tip(x)
        await rotate(ann)
        await all_.settle(2)
        assert (await ann.services.swapping.rekeying.notices())[0].logged
        await rotate(x, last=last)
        await all_.meet()
        assert not (await ann.services.swapping.rekeying.notices())[0].logged
        all_.clock.now += DAY
        await all_.settle(2)
        assert (await ann.services.swapping.rekeying.notices())[0].logged


# -- releases ------------------------------------------------------------------------------------------------
def release(market: Credits, author: Author, about: bytes) -> ReleaseLetter:
    unsigned = Releasing(
        about=about,
        epoch=author.entries[-1].epoch,
        holder=author.id,
        issuer=market["sol"].me.id,
        signature=bytes(64),
    )
    return ReleaseLetter(openers=openers(author), release=sign(NETWORK, author.signer, unsigned))


async def test_a_holder_releases_what_there_is_and_no_more(tmp_path: Path) -> None:
    """[R-CRED-89] Else any holder could fill an issuer's log."""
    async with credits(tmp_path) as market:
        await market.sold()
        row = await pays(market)
        sol, rita, eve = market["sol"], Author("rita", NETWORK), Author("eve", NETWORK)
        refused = await hand(sol, rita, release(market, rita, bytes(32)))
        assert isinstance(refused, Refusal) and refused.code == "no_entry"
        assert await hand(sol, rita, release(market, rita, row.id)) == Taken()
        rotated = await rotate(sol)
        refused = await hand(sol, eve, release(market, eve, bytes.fromhex(rotated.entry)))
        assert isinstance(refused, Refusal) and refused.code == "no_entry"
        assert await hand(sol, rita, release(market, rita, bytes.fromhex(rotated.entry))) == Taken()
        assert (await market.kinds()).count(Release.KIND) == 2


async def test_what_an_old_key_moved_after_its_rotation_was_delivered_is_disputed(tmp_path: Path) -> None:
    """[L13] The issuer has acknowledged the rotation, has not logged it, and pays the old key."""
    async with credits(tmp_path) as market:
        await market.sold()
        sol, rita = market["sol"], market["rita"]
        old = Author("rita", NETWORK)
        before = await pays(market, 25)
        await rotate(rita)

        async def ignores(_: object) -> Taken:
            return Taken()

        sol.letters._receivers["rekey"] = ignores  # type: ignore[assignment]
        await market.post.carry()
        market.clock.now += DAY
        asked = Request(
            action="payout", amount=100, counter=2**50, epoch=0, expires=market.clock.now + DAY, holder=rita.me.id,
            issuer=sol.me.id, signature=bytes(64), unit="EUR",
        )  # fmt: skip
        stolen = Payout(openers=(), request=sign(NETWORK, old.signer, asked))
        await sol.own.append([(Payout.KIND, encode_record(stolen))])
        await market.meet()

        async def shown() -> models.IssuerStanding:
            found = await rita.services.ledgers.balance(models.CreditQuery(issuer=sol.id))
            return found.standing

        disputed = (await shown()).disputed
        assert [(each.unit, each.amount, each.holders) for each in disputed] == [("EUR", "1.00", 1)]
        assert before.state == "waits"  # what was moved before is not disputed
        done = await rita.services.swaps.release(models.CreditRelease(issuer=sol.id))
        assert len(done.about) == 1
        await market.post.carry()
        await market.meet()
        assert (await shown()).disputed == []


async def test_a_lock_that_a_rotation_disowned_makes_no_swap(tmp_path: Path) -> None:
    """[R-CRED-81] The second holder would give for what the first issuer's log does not owe."""
    async with four(tmp_path) as all_:
        last = await tip(all_["issuer-x"])
        await all_.propose()
        await all_.carry()
        await all_.accept()
        await all_.carry()
        await all_.carry()
        await all_.run("issuer-x")  # locks
        await all_.meet()
        all_.clock.now += 700_000
        await all_.run("ann")  # has the proof for Y
        await rotate(all_["issuer-x"], last=last)
        await all_.meet()
        all_.gone.add("issuer-x")
        await all_.settle()
        assert await all_.stage("issuer-y") == "asked"
        await all_.pass_time()
        await all_.settle()
        assert await all_.stage("issuer-y") == "refused"
        assert await all_.outcome("bob") == BEFORE
