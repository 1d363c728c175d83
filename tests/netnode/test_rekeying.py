"""Rotations of holders reach issuers' logs; what an issuer's rotation left disputed is released [R-CRED-87..89]."""

from __future__ import annotations

from pathlib import Path

import pytest

from netnode.keys.rotating import grant
from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.store import PeerRow, Reader
from protocol.records import Rekey, Release
from tests.netnode.services_home import OpenHome
from tests.netnode.swapped import AFTER, BEFORE, Four, four

PEER = PeerRow(id=b"\x07" * 32, name="peer", addresses=("ws://10.0.0.1:1/inx/1",), seen=5)


async def rotate(home: OpenHome, last: int | None = None) -> models.KeyRotated:
    """Rotates, with the recovery words of the test author."""
    await home.store.write(lambda writer: writer.put_peer(PEER))
    await home.own.caution.answered(PEER.id or b"", "10.0")
    plan = await home.services.keys.plan(last)
    given = grant(home.me.network, home.me.entropy, plan.epoch, home.me.entropy)
    return await home.services.keys.rotate(
        models.KeyRotation(
            head=plan.head, seed=given.seed.hex(), promise=given.promise.hex(),
            backup_public=given.backup_public.hex(), last=last,
        )
    )  # fmt: skip


async def followed(all_: Four) -> None:
    for holder, issuer in (("ann", "issuer-x"), ("ann", "issuer-y"), ("bob", "issuer-y")):
        await all_[holder].store.write(lambda writer, to=all_[issuer].me.id: writer.follow(to, 1))


async def test_issuers_of_held_credit_hear_of_a_rotation_and_log_it(tmp_path: Path) -> None:
    async with four(tmp_path) as all_:
        await followed(all_)
        rotated = await rotate(all_["ann"])
        (told,) = rotated.issuers  # Y owes her nothing
        assert (told.issuer, told.acknowledged, told.logged) == (all_["issuer-x"].id, None, False)
        await all_.carry()
        (one,) = (await all_["ann"].services.keys.history(models.Listed())).items[0].issuers
        assert one.acknowledged is not None and not one.logged  # X has it, its log is not here yet
        await all_.meet()
        (one,) = (await all_["ann"].services.keys.history(models.Listed())).items[0].issuers
        assert one.logged
        (entry,) = await all_.kinds("issuer-x", Rekey.KIND)
        for row in [*all_.post.carried]:  # again
            await all_.post.bring(all_["ann"], row)
        await all_.settle(3)
        assert await all_.kinds("issuer-x", Rekey.KIND) == [entry]
        assert not await all_.kinds("issuer-y", Rekey.KIND)
        assert len(all_.post.carried) == 2


async def test_a_rotation_that_finds_no_issuer_is_sent_once_there_is_one(tmp_path: Path) -> None:
    async with four(tmp_path) as all_:
        assert (await rotate(all_["ann"])).issuers == []
        await followed(all_)
        await all_["ann"].services.swapping.run()
        assert not await all_.post.waiting(all_["ann"])  # looked at a moment ago
        all_.clock.now += 600_000
        await all_["ann"].services.swapping.run()
        assert len(await all_.post.waiting(all_["ann"])) == 1


async def test_who_is_owed_nothing_causes_no_entry(tmp_path: Path) -> None:
    async with four(tmp_path) as all_:
        await followed(all_)
        await rotate(all_["ann"])
        (letter,) = await all_.post.waiting(all_["ann"])
        all_.post.homes[letter.recipient] = all_["issuer-y"]
        await all_.post.bring(all_["ann"], letter)
        assert not await all_.kinds("issuer-y", Rekey.KIND)
        all_.post.homes[letter.recipient] = all_["issuer-x"]
        refusal = await all_.post.bring(all_["bob"], letter)
        assert refusal is not None and refusal.code == "names_differ"


async def test_a_swap_signed_with_an_older_key_is_locked_by_nobody(tmp_path: Path) -> None:
    """A holder who rotates has not given away what the old key signs later."""
    async with four(tmp_path) as all_:
        await all_.propose()
        await all_.carry()
        await all_.accept()
        await rotate(all_["ann"])
        await all_.carry()
        assert [each.code for each in all_.post.refused] == ["not_signed"]
        await all_.pass_time()
        await all_.settle(3)
        assert await all_.outcome("bob") == BEFORE


async def test_an_issuer_that_knows_of_a_rotation_does_not_lock_by_the_older_key(tmp_path: Path) -> None:
    async with four(tmp_path) as all_:
        await all_.propose()
        await all_.carry()
        await all_.accept()
        await all_.carry()  # ann signs
        await all_.carry()  # X has the document
        await rotate(all_["ann"])
        await all_.meet()
        await all_.settle(2)
        assert await all_.stage("issuer-x") == "refused"
        assert (await all_["ann"].services.swaps.show(all_.swap)).code == "not_signed"
        await all_.pass_time()
        await all_.settle(3)
        assert await all_.outcome("bob") == BEFORE


async def test_a_swap_that_is_locked_goes_on_after_a_rotation(tmp_path: Path) -> None:
    async with four(tmp_path) as all_:
        await all_.propose()
        await all_.carry()
        await all_.accept()
        await all_.carry()
        await all_.carry()
        await all_.run("issuer-x")
        await rotate(all_["ann"])
        await rotate(all_["issuer-x"])
        await all_.settle()
        assert await all_.outcome("bob") == AFTER


# -- what an issuer's rotation left --------------------------------------------------------------------------
async def test_what_an_issuers_rotation_disowned_stays_disputed_until_it_is_released(tmp_path: Path) -> None:
    async with four(tmp_path) as all_:
        await followed(all_)
        ann, x = all_["ann"], all_["issuer-x"]
        with pytest.raises(Problem) as nothing:
            await ann.services.swaps.release(models.CreditRelease(issuer=x.id))
        assert (nothing.value.code, nothing.value.exit_code) == ("not_disputed", ExitCode.REFUSED)
        await rotate(x, last=1)
        await all_.meet()
        ledgers = ann.services.swaps._ledgers
        assert [each.amount for each in (await ledgers.of(x.me.id)).claims] == [1_000]
        released = await ann.services.swaps.release(models.CreditRelease(issuer=x.id))
        state = await ann.store.read(Reader.load, x.me.id)
        assert state is not None
        assert released.about == [state.openers.epochs[1][0].entry.id.hex()]
        await all_.carry()
        await all_.settle(1)
        assert len(await all_.kinds("issuer-x", Release.KIND)) == 1
        assert (await ledgers.of(x.me.id)).claims == ()
        for row in [*all_.post.carried]:
            await all_.post.bring(ann, row)
        assert len(await all_.kinds("issuer-x", Release.KIND)) == 1
