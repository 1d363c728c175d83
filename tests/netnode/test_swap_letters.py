"""What holders and strangers write about swaps: unsigned, swollen, without end; nobody else loses by it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from netnode.mail.letters import Refusal, Taken
from netnode.services.swaps import warning
from netnode.store import swaps
from netnode.store.swaps import SwapRow
from netnode.swapping.documents import UNSIGNED, data_of
from protocol.ledger.statements import Swap, read, sign_swap
from protocol.ledger.swap_letters import SwapLetter
from tests.netnode.swapped import AFTER, Four, four
from tests.netnode.test_credit_letters import hand, openers
from tests.protocol.author import NETWORK, Author


async def signed(all_: Four) -> SwapRow:
    """Signed by both; the letters to X wait."""
    await all_.propose()
    await all_.carry()
    await all_.accept()
    await all_.carry()
    found = await all_["ann"].store.read(
        lambda reader: swaps.by_proposal(reader.connection, bytes.fromhex(all_.swap))
    )
    assert found is not None
    return found


async def rows(all_: Four, name: str) -> list[SwapRow]:
    return await all_[name].store.read(lambda reader: swaps.page(reader.connection, None, 100, waiting=False))


def rotated(name: str, times: int) -> Author:
    author = Author(name, NETWORK)
    for _ in range(times):
        author.rotate()
    return author


async def test_openers_of_others_do_not_swell_a_swap_until_nobody_can_read_it(tmp_path: Path) -> None:
    """[R-CRED-83] Each letter about a swap may bring openers: of those in it, no others."""
    async with four(tmp_path) as all_:
        row = await signed(all_)
        ann, x = Author("ann", NETWORK), all_["issuer-x"]
        for number in range(4):
            junk = openers(rotated(f"other {number}", 100))
            body = SwapLetter(
                document=row.data,
                openers=(*openers(ann), *openers(Author("bob", NETWORK)), *junk),
                step="lock",
            )
            assert await hand(x, ann, body) == Taken()
        (kept,) = await rows(all_, "issuer-x")
        assert len(kept.openers) < 2_000
        await all_.settle()
        assert await all_.outcome("bob") == AFTER


async def test_openers_that_fit_no_letter_are_refused(tmp_path: Path) -> None:
    async with four(tmp_path) as all_:
        row = await signed(all_)
        ann = rotated("ann", 100)
        body = SwapLetter(
            document=row.data, openers=(*openers(ann), *openers(Author("bob", NETWORK))), step="lock"
        )
        refused = await hand(all_["issuer-x"], ann, body)
        assert isinstance(refused, Refusal) and refused.code == "too_large"
        await all_.settle()
        assert await all_.outcome("bob") == AFTER


async def test_openers_that_are_none_are_refused_like_any_other_letter(tmp_path: Path) -> None:
    async with four(tmp_path) as all_:
        row = await signed(all_)
        body = SwapLetter(document=row.data, openers=((5,),), step="lock")
        assert isinstance(await hand(all_["issuer-x"], Author("ann", NETWORK), body), Refusal)


@pytest.mark.parametrize("whose", [0, 1])
async def test_an_issuer_keeps_nothing_that_not_both_have_signed(tmp_path: Path, whose: int) -> None:
    """[R-CRED-81] Else anybody could have it write letters to others, and fill its store."""
    async with four(tmp_path) as all_:
        row = await signed(all_)
        document = read(Swap, row.data)
        signatures = tuple(bytes(64) if each == whose else document.signatures[each] for each in (0, 1))
        ann = Author("ann", NETWORK)
        body = SwapLetter(
            document=data_of(msgspec.structs.replace(document, signatures=signatures)),
            openers=(*openers(ann), *openers(Author("bob", NETWORK))),
            step="lock",
        )
        refused = await hand(all_["issuer-x"], ann, body)
        assert isinstance(refused, Refusal) and refused.code == "not_signed"
        assert not await rows(all_, "issuer-x")
        await all_["issuer-x"].services.swapping.run()
        assert not await all_.post.waiting(all_["issuer-x"])


async def test_a_swap_without_end_is_locked_by_nobody_and_every_date_can_be_shown(tmp_path: Path) -> None:
    async with four(tmp_path) as all_:
        row = await signed(all_)
        far = msgspec.structs.replace(read(Swap, row.data), until=2**53 - 1)
        ann, bob = Author("ann", NETWORK), Author("bob", NETWORK)
        body = SwapLetter(
            document=sign_swap(NETWORK, ann.signer, bob.signer, far),
            openers=(*openers(ann), *openers(bob)),
            step="lock",
        )
        refused = await hand(all_["issuer-x"], ann, body)
        assert isinstance(refused, Refusal) and refused.code == "request_over"
        assert warning("Y", 2**53 - 1).count("287396-10-12 08:59 UTC") == 1


def made(number: int, row: SwapRow, **fields: object) -> SwapRow:
    return replace(row, number=0, proposal=number.to_bytes(32, "big"), id=None, **fields)  # type: ignore[arg-type]


async def test_what_ended_without_a_swap_makes_room_and_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swaps, "ENDED", 3)
    async with four(tmp_path) as all_:
        row = await signed(all_)
        store, now = all_["bob"].store, all_.clock.now

        def fill(writer: object) -> None:
            with writer.transaction(durable=True):  # type: ignore[attr-defined]
                for number in range(6):
                    fields = {"role": "second", "stage": "declined", "due": None, "until": 2**52}
                    swaps.put(writer, made(number, row, **fields))  # type: ignore[arg-type]

        await store.write(fill)
        assert [each.stage for each in await rows(all_, "bob")] == ["declined"] * 3 + ["accepted"]
        await store.write(swaps.sweep, now + 2 * swaps.KEPT_MS)
        assert [each.stage for each in await rows(all_, "bob")] == ["accepted"]


async def test_strangers_do_not_take_all_room_for_proposals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swaps, "STRANGERS", 2)
    async with four(tmp_path) as all_:
        ann = all_["ann"]
        await all_.propose()
        (letter,) = await all_.post.waiting(ann)
        await all_.post.bring(ann, letter)
        (row,) = await rows(all_, "bob")
        document, bob = read(Swap, row.data), all_["bob"]
        answers = []
        for number in range(3):
            other = Author(f"stranger {number}", NETWORK)
            first = msgspec.structs.replace(document.first, holder=other.id)
            body = SwapLetter(
                document=data_of(msgspec.structs.replace(document, first=first, signatures=UNSIGNED)),
                openers=openers(other), step="propose",
            )  # fmt: skip
            answers.append(await hand(bob, other, body))
        assert [getattr(each, "code", None) for each in answers] == [None, "busy", "busy"]
        await bob.store.write(lambda writer: writer.follow(ann.me.id, 1))
        await all_.propose(text="another", days=3)
        assert await all_.carry() and len(await rows(all_, "bob")) == 3
