"""Swaps by four nodes: end to end, with anybody gone at any step, too late, not covered [R-CRED-80..86]."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.store import Reader, letters, swaps
from netnode.swapping.documents import only, unpacked
from protocol.entry import Entry, sign_entry
from protocol.records import Lock, SwapEntry, encode_record
from protocol.run import run_of
from tests.netnode.services_home import OpenHome
from tests.netnode.swapped import AFTER, BEFORE, DAYS, GIVEN, NAMES, TAKEN, Four, four
from tests.protocol.author import NETWORK
from tests.protocol.ledger.world import DAY

Step = Callable[[Four], Awaitable[object]]


async def test_a_swap_goes_from_proposal_to_the_end(tmp_path: Path) -> None:
    async with four(tmp_path) as all_:
        proposed = await all_.propose(text="as agreed")
        assert (proposed.stage, proposed.role, proposed.first.amount) == ("proposed", "first", "6.00")
        await all_.carry()
        shown = await all_["bob"].services.swaps.show(all_.swap)
        assert (shown.role, shown.stage, shown.text) == ("second", "proposed", "as agreed")
        assert (await all_.accept()).stage == "accepted"
        await all_.settle()
        for name in NAMES:
            assert await all_.outcome(name) == AFTER, name
        assert [await all_.stage(name) for name in NAMES] == ["given", "swapped", "given", "given"]
        assert (
            len(await all_.kinds("issuer-x", Lock.KIND)),
            len(await all_.kinds("issuer-x", SwapEntry.KIND)),
        ) == (1, 1)
        assert len(await all_.kinds("issuer-y", SwapEntry.KIND)) == 1
        assert not all_.post.refused
        page = await all_["ann"].services.swaps.list(models.SwapsQuery(waiting=True))
        assert not page.items


# -- anybody gone, at any step -------------------------------------------------------------------------------
async def _propose(all_: Four) -> None:
    if "ann" in all_.here:
        await all_.propose()


async def _accept(all_: Four) -> None:
    if "bob" in all_.here:
        page = await all_["bob"].services.swaps.list(models.SwapsQuery())
        if page.items:
            all_.swap = page.items[0].swap
            await all_.accept()


async def _tick(all_: Four) -> None:
    all_.clock.now += 10_000
    await all_.meet()


STEPS: tuple[Step, ...] = (
    _propose,
    Four.carry,
    _accept,
    Four.carry,  # ann signs
    Four.carry,  # bob and X have the document
    lambda all_: all_.run("issuer-x"),  # locks
    _tick,
    lambda all_: all_.run("ann", "bob"),  # bring the lock to Y
    Four.carry,
    lambda all_: all_.run("issuer-y"),  # decides
    _tick,
    lambda all_: all_.run("ann", "bob"),  # bring the swap to X
    Four.carry,
    lambda all_: all_.run("issuer-x"),
)


@pytest.mark.parametrize("step", range(1, len(STEPS)))
@pytest.mark.parametrize("who", NAMES)
async def test_whoever_vanishes_at_whichever_step_nobody_loses(tmp_path: Path, who: str, step: int) -> None:
    late = (step + NAMES.index(who)) % 2 == 1  # back after the swap's time is over
    async with four(tmp_path) as all_:
        for number, act in enumerate(STEPS):
            if number == step:
                all_.gone.add(who)
            await act(all_)
        await all_.settle(3)
        if late:
            await all_.pass_time()
            await all_.settle(3)
        all_.gone.clear()
        await all_.pass_time()
        await all_.settle(4)
        found = {await all_.outcome(name) for name in NAMES}
        assert found in ({AFTER}, {BEFORE})


# -- too late, not covered, twice ----------------------------------------------------------------------------
async def _locked(all_: Four) -> None:
    """Up to the lock; nothing has reached Y."""
    for act in STEPS[:6]:
        await act(all_)


async def test_a_swap_that_comes_too_late_goes_back_by_two_places_of_the_other_log(tmp_path: Path) -> None:
    async with four(tmp_path) as all_:
        await _locked(all_)
        all_.gone.add("issuer-y")
        await all_.settle(2)
        assert await all_.stage("ann") == "locked"
        assert await all_.figures("ann", "issuer-x", "ann") == (1_000, 600)
        await all_.pass_time()
        await all_.settle(2)
        assert await all_.figures("ann", "issuer-x", "ann") == (1_000, 600)  # Y has not written anything
        all_.gone.clear()
        await all_.settle(2)
        assert not await all_.kinds("issuer-y", SwapEntry.KIND)  # its node does not decide too late
        assert await all_.stage("issuer-y") == "refused"
        await all_.write("issuer-y")
        await all_.settle(3)
        assert await all_.outcome("bob") == BEFORE
        assert [await all_.stage(name) for name in ("issuer-x", "ann", "bob")] == ["back", "back", "back"]


async def test_what_the_first_issuer_cannot_check_it_does_not_log(tmp_path: Path) -> None:
    """Without Y's headers the end of a lock is not known, and a ledger must not become unknown by it."""
    async with four(tmp_path, left=("issuer-y",)) as all_:
        with pytest.raises(Problem) as refused:
            await all_.propose()
        assert refused.value.exit_code is ExitCode.NOT_FOUND
        all_.gone.clear()
        await all_.meet()
        await _locked(all_)
        all_.gone.add("issuer-x")
        await all_.pass_time()
        all_.gone = {"issuer-y"}
        await all_.settle(2)
        assert len(await all_.kinds("issuer-x", SwapEntry.KIND)) == 0
        assert await all_.stage("issuer-x") == "locked"


@pytest.mark.parametrize(("cover", "issuer"), [((1_000, 399), "issuer-y"), ((600, 400), None)])
async def test_an_issuer_binds_itself_only_to_what_is_covered(
    tmp_path: Path, cover: tuple[int, int], issuer: str | None
) -> None:
    async with four(tmp_path, cover) as all_:
        await all_.propose()
        await all_.carry()
        if issuer is not None:
            with pytest.raises(Problem) as refused:
                await all_.accept()
            assert refused.value.code == "not_covered"
            all_["bob"].services.swapping.desk._require_cover = _anyway  # type: ignore[method-assign]
        await all_.accept()
        await all_.settle()
        if issuer is None:
            assert (await all_.outcome("ann"))[0] == (0, 0)
            return
        shown = await all_["ann"].services.swaps.show(all_.swap)
        assert (shown.stage, shown.code) == ("locked", "not_covered")
        assert not await all_.kinds(issuer, SwapEntry.KIND)
        await all_.pass_time()
        await all_.settle(3)
        assert await all_.stage("ann") == "back"
        assert (await all_.outcome("ann"))[0] == (1_000, 0)


async def _anyway(side: object) -> None:
    """A node that lets its owner give what they have not."""


async def test_a_lock_that_is_not_covered_is_refused_and_binds_whoever_logs_it_all_the_same(
    tmp_path: Path,
) -> None:
    async with four(tmp_path, (599, 1_000)) as all_:
        with pytest.raises(Problem) as refused:
            await all_.propose()
        assert refused.value.code == "not_covered"
        all_["ann"].services.swapping.desk._require_cover = _anyway  # type: ignore[method-assign]
        for act in STEPS[:6]:
            await act(all_)
        await all_.settle(2)
        assert await all_.stage("issuer-x") == "refused"
        assert (await all_["bob"].services.swaps.show(all_.swap)).code == "not_covered"
        row = await all_["issuer-x"].store.read(
            lambda reader: swaps.by_proposal(reader.connection, bytes.fromhex(all_.swap))
        )
        assert row is not None
        openers = only(unpacked(row.openers), all_["ann"].me.id, all_["bob"].me.id)
        record = Lock(document=row.data, openers=openers)
        await all_["issuer-x"].own.append([(Lock.KIND, encode_record(record))])
        await all_.settle(4)
        assert (await all_.outcome("bob"))[1:] == AFTER[1:]  # bob has all of it: X bears what ann had not
        assert await all_.figures("bob", "issuer-x", "bob") == (600, 0)


async def test_what_was_logged_before_a_crash_is_not_logged_again(tmp_path: Path) -> None:
    async with four(tmp_path) as all_:
        for act in STEPS:
            await act(all_)
            for name in ("issuer-x", "issuer-y"):  # the entry is on disk, what came of it was not noted
                await all_[name].store.write(
                    lambda writer: writer.connection.execute(
                        "UPDATE credit_swap SET stage = 'asked', due = 0 WHERE role IN ('locks', 'decides')"
                    )
                )
        await all_.settle(3)
        assert await all_.outcome("ann") == AFTER
        assert len(await all_.kinds("issuer-x", Lock.KIND)) == 1
        assert len(await all_.kinds("issuer-x", SwapEntry.KIND)) == 1
        assert len(await all_.kinds("issuer-y", SwapEntry.KIND)) == 1


async def test_letters_that_come_again_and_in_any_order_change_nothing(tmp_path: Path) -> None:
    async with four(tmp_path) as all_:
        await all_.propose()
        await all_.carry()
        await all_.accept()
        await all_.settle()
        before = {name: len(await all_.kinds(name, kind)) for name in NAMES for kind in (32, 34)}
        for row in reversed(all_.post.carried):
            for home in all_.homes.values():
                if row.id in await _sent(home):
                    await all_.post.bring(home, row)
        await all_.settle(2)
        assert {name: len(await all_.kinds(name, kind)) for name in NAMES for kind in (32, 34)} == before
        assert await all_.outcome("bob") == AFTER


async def _sent(home: OpenHome) -> set[bytes]:
    return {row.id for row in await home.store.read(lambda reader: letters._outs(reader, "1 ORDER BY i"))}


async def test_the_other_side_goes_on_while_who_has_locked_is_gone(tmp_path: Path) -> None:
    """The holders bring the lock to Y and keep what proves it; X ends its lock when it is back."""
    async with four(tmp_path) as all_:
        await _locked(all_)
        await all_.meet()
        await all_.run("ann", "bob")
        all_.gone.add("issuer-x")
        await all_.settle(3)
        assert await all_.stage("bob") == "swapped"
        shown = await all_["bob"].services.swaps.show(all_.swap)
        assert shown.locked is not None and shown.swapped is not None
        assert await all_.figures("ann", "issuer-y", "ann") == (400, 0)
        all_.gone.clear()
        await all_.settle(3)
        assert await all_.outcome("bob") == AFTER


# -- what people may say -------------------------------------------------------------------------------------
async def test_a_node_says_what_signing_means_before_it_signs(tmp_path: Path) -> None:
    """[R-CRED-52]"""
    async with four(tmp_path) as all_:
        with pytest.raises(Problem) as told:
            await all_.propose(confirmed=False)
        assert told.value.code == "not_confirmed"
        sentence = told.value.details["sentence"]
        assert sentence.startswith(
            f"Your credit stays locked until {all_['issuer-y'].id} writes anything dated after"
        )
        assert sentence.endswith("You cannot lose it, but nobody can promise when.")
        assert not (await all_["ann"].services.swaps.list(models.SwapsQuery())).items
        await all_.propose()
        await all_.carry()
        with pytest.raises(Problem) as again:
            await all_["bob"].services.swaps.accept(models.SwapAccept(swap=all_.swap))
        assert again.value.code == "not_confirmed"
        assert await all_.stage("bob") == "proposed"


async def test_a_proposal_is_declined_or_taken_back_until_it_is_signed(tmp_path: Path) -> None:
    async with four(tmp_path) as all_:
        await all_.propose()
        await all_.carry()
        bob, ann = all_["bob"].services.swaps, all_["ann"].services.swaps
        await bob.decline(models.SwapDecline(swap=all_.swap, text="too little"))
        await all_.carry()
        shown = await ann.show(all_.swap)
        assert (shown.stage, shown.why, shown.waits) == ("declined", "too little", False)
        await all_.propose()
        await all_.carry()
        await ann.decline(models.SwapDecline(swap=all_.swap))
        await all_.accept()  # crosses
        await all_.carry()
        assert [one.code for one in all_.post.refused] == ["withdrawn"]
        with pytest.raises(Problem) as signed:
            await bob.decline(models.SwapDecline(swap=all_.swap))
        assert signed.value.code == "signed"
        await all_.pass_time()
        await all_.settle(2)
        assert await all_.stage("bob") == "over"
        assert await all_.outcome("ann") == BEFORE


async def test_nobody_speaks_for_another(tmp_path: Path) -> None:
    async with four(tmp_path) as all_:
        await all_.propose()
        await all_.carry()
        await all_.accept()
        (accepted,) = await all_.post.waiting(all_["bob"])
        refusal = await all_.post.bring(all_["issuer-x"], accepted)
        assert refusal is not None and refusal.code == "names_differ"
        assert await all_.stage("ann") == "proposed"


# -- a second issuer with two branches -----------------------------------------------------------------------
def _signed(home: OpenHome, before: Entry, record: SwapEntry, time: int) -> Entry:
    """An entry of the owner's after one of the own log, which its node knows nothing of."""
    return sign_entry(
        NETWORK, home.me.signer, author=home.me.id, seq=before.seq + 1, prev=before.id, epoch=0, term=0, time=time,
        kind=SwapEntry.KIND, record=encode_record(record),
    )  # fmt: skip


@pytest.mark.parametrize("when", ["before the lock ended", "after the lock ended"])
async def test_a_swap_on_another_branch_of_the_second_log_gives_what_is_locked(
    tmp_path: Path, when: str
) -> None:
    """[R-CRED-48, 84] Its holder is debited there, on whichever branch, so X has to give what it locked."""
    async with four(tmp_path) as all_:
        await _locked(all_)
        bob, y = all_["bob"], all_["issuer-y"]
        all_.gone.add("issuer-y")
        await all_.settle(1)
        row = await bob.store.read(
            lambda reader: swaps.by_proposal(reader.connection, bytes.fromhex(all_.swap))
        )
        assert row is not None and row.locked is not None
        lock = tuple(tuple(each) for each in unpacked(row.locked))
        openers = only(unpacked(row.openers), all_["ann"].me.id, bob.me.id, all_["issuer-x"].me.id)
        head = (await y.store.read(Reader.entries, y.me.id, 0, 2**40, 2**40))[-1]
        record = SwapEntry(document=row.data, lock=lock, openers=openers)
        hidden = _signed(y, head, record, all_.clock.now)
        all_.gone.clear()
        all_.clock.now += DAYS * DAY
        other = await all_.write("issuer-y")
        if when == "after the lock ended":
            await all_.settle(2)
            assert await all_.stage("bob") == "back"
            assert await all_.outcome("bob") == BEFORE
        else:
            await bob.gate.admit([other])
        assert (await bob.gate.admit_proof(run_of([other]), run_of([hidden]))).fault is None
        assert await all_.figures("bob", "issuer-y", "bob") == (1_000 - TAKEN, 0)
        all_.clock.now += DAY
        await all_.settle(4)
        assert await all_.figures("bob", "issuer-x", "bob") == (GIVEN, 0)
        assert await all_.figures("issuer-x", "issuer-x", "ann") == (1_000 - GIVEN, 0)
        assert [await all_.stage(name) for name in ("issuer-x", "bob")] == ["given", "given"]
