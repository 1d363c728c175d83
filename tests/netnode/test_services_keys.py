"""The keys as a service: shown, rotated, and whole after a crash at any step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from netnode.keys.keystore import Keystore
from netnode.keys.rotating import grant
from netnode.operations import models
from netnode.own.caution import Rule, Standing
from netnode.ports import OpeningKeys, RecipientKeys
from netnode.problems import ExitCode, Problem
from netnode.sealer import HpkeSealer
from netnode.services import encryption
from netnode.store import PeerRow, Reader
from netnode.sync import address_store
from netnode.sync.addresses import Known
from netnode.system import SystemDisk, SystemEntropy
from protocol.certificate import DAY_MS
from protocol.entry import Entry
from protocol.kinds import decode_record
from protocol.records import Keys, Listing, Price, Rotation, encode_record
from protocol.records import Standing as StandingRecord
from protocol.standing import accept_alone
from tests.netnode.services_home import NETWORK, OpenHome, opened
from tests.protocol.author import Author, odd_record, seed

PEER = PeerRow(id=b"\x07" * 32, name="peer", addresses=("ws://10.0.0.1:1/inx/1",), seen=5)


async def meet(ada: OpenHome) -> None:
    """A peer of the book answers what it holds of the own log."""
    if not await ada.store.read(Reader.peers):
        await ada.store.write(lambda writer: writer.put_peer(PEER))
    await ada.own.caution.answered(PEER.id or b"", "10.0")


async def order(ada: OpenHome, *, after: bytes | None = None, last: int | None = None) -> models.KeyRotation:
    plan = await ada.services.keys.plan(last)
    given = grant(NETWORK, ada.me.entropy, plan.epoch, after or ada.me.entropy)
    return models.KeyRotation(
        head=plan.head, seed=given.seed.hex(), promise=given.promise.hex(),
        backup_public=given.backup_public.hex(), last=last,
    )  # fmt: skip


async def log(ada: OpenHome) -> list[Entry]:
    return await ada.store.read(Reader.entries, ada.me.id, 0, 2**40 - 1, 2**40)


async def write(ada: OpenHome, count: int = 1) -> list[Entry]:
    return await ada.own.append([(1, odd_record(ada.me.name, index)) for index in range(count)])


async def test_show(tmp_path: Path) -> None:
    async with opened(tmp_path) as ada:
        found = await ada.services.keys.show()
        assert (found.id, found.epoch, found.term, found.state) == (ada.id, 0, 0, "open")
        assert found.since == ada.me.entries[0].time
        assert found.promise == ada.me.promise_for(1).hex()
        assert found.signing_key == ada.me.signer.public.hex()
        assert found.encryption_until is None and found.usable and not found.pending and not found.protected
    async with opened(tmp_path, locked=True) as ada:
        assert (await ada.services.keys.show()).signing_key == found.signing_key


async def test_a_rotation_waits_for_the_peers(tmp_path: Path) -> None:
    """By (a) or (b), never by the owner's word (c) [R-LOG-23]."""
    async with opened(tmp_path) as ada:
        request = await order(ada)
        with pytest.raises(Problem, match="knows no peer") as raised:
            await ada.services.keys.rotate(request)
        assert (raised.value.code, raised.value.exit_code) == ("catching_up", ExitCode.REFUSED)
        await ada.store.write(lambda writer: writer.put_peer(PEER))
        with pytest.raises(Problem, match="0 of 1 peer has answered"):
            await ada.services.keys.rotate(request)
        assert not (await ada.services.keys.plan(None)).caught_up
        await meet(ada)
        plan = await ada.services.keys.plan(None)
        assert plan.caught_up and plan.whole_book and plan.waiting == []
        assert (await ada.services.keys.rotate(request)).epoch == 1


async def test_the_owners_word_is_not_enough(tmp_path: Path) -> None:
    async with opened(tmp_path) as ada:
        await ada.store.write(lambda writer: writer.put_peer(PEER))
        request = await order(ada)
        standing = await ada.own.caution.standing()
        by_owner = Standing(
            **{name: getattr(standing, name) for name in Standing.__slots__ if name != "by"}, by=Rule.OWNER
        )
        assert not by_owner.caught_up
        with pytest.raises(Problem):
            await ada.services.keys.rotate(request)


async def test_a_rotation(tmp_path: Path) -> None:
    """Another key signs from then on; the promise, the session key and the backup key are others too [R-LOG-3]."""
    async with opened(tmp_path) as ada:
        await write(ada, 3)
        await meet(ada)
        before = ada.ring.keys
        done = await ada.services.keys.rotate(await order(ada))
        assert (done.epoch, done.seq, done.disowned) == (1, 4, 0)
        after = ada.ring.keys
        for name in ("signing_seed", "session_private", "backup_key", "promise"):
            assert getattr(after, name) != getattr(before, name), name
        assert after.backup_public == before.backup_public  # the words are the same
        assert Keystore(ada.home, SystemDisk(), SystemEntropy()).open(None) == after
        entries = await log(ada)
        rotation = entries[4]
        record = decode_record(rotation.kind, rotation.record or b"")
        assert isinstance(record, Rotation) and record.key == after.signing_key
        (entry,) = await write(ada)
        assert entry.epoch == 1
        found = await ada.services.keys.show()
        assert (found.epoch, found.since, found.usable) == (1, rotation.time, True)
        witness = ada.own.witness()
        assert witness is not None and witness.epoch == 1
    async with opened(tmp_path) as ada:  # and after a restart
        await write(ada)
        await meet(ada)
        assert (await ada.services.keys.rotate(await order(ada))).epoch == 2  # with the same words


async def test_a_rotation_chooses_the_last_entry_that_stays(tmp_path: Path) -> None:
    """What lies above it leaves the log, and is kept as evidence [R-LOG-13]."""
    async with opened(tmp_path) as ada:
        await meet(ada)
        written = await write(ada, 5)
        plan = await ada.services.keys.plan(3)
        assert (plan.last, plan.seq, plan.disowned_count) == (3, 5, 2)
        assert [entry.id for entry in plan.disowned] == [entry.id.hex() for entry in written[3:]]
        done = await ada.services.keys.rotate(await order(ada, last=3))
        assert (done.seq, done.disowned) == (4, 2)
        assert [entry.id for entry in (await log(ada))[:4]] == [
            ada.me.entries[0].id,
            *(e.id for e in written[:3]),
        ]
        page = await ada.services.keys.disowned(models.KeyExhibits(epoch=0))
        assert [one.entry.id for one in page.items] == [entry.id.hex() for entry in written[3:]]
        assert not any(one.afterwards for one in page.items)
        first = await ada.services.keys.disowned(models.KeyExhibits(limit=1))
        assert first.next is not None and len(first.items) == 1
        second = await ada.services.keys.disowned(models.KeyExhibits(limit=1, cursor=first.next))
        assert second.next is None and second.items[0].entry.id == written[4].id.hex()
        assert (await ada.services.keys.disowned(models.KeyExhibits(epoch=1))).items == []
        history = await ada.services.keys.history(models.Listed())
        assert [(one.epoch, one.disowned) for one in history.items] == [(1, 2)]
        assert [one.name for one in history.items[0].untold] == ["peer"] and history.items[0].told == []
        with pytest.raises(Problem, match="closed already") as raised:
            await ada.services.keys.plan(2)
        assert raised.value.exit_code is ExitCode.REFUSED
        with pytest.raises(Problem, match="no entry 99"):
            await ada.services.keys.plan(99)


async def test_a_log_that_went_on_is_planned_anew(tmp_path: Path) -> None:
    async with opened(tmp_path) as ada:
        await meet(ada)
        request = await order(ada)
        await write(ada)
        with pytest.raises(Problem, match="went on") as raised:
            await ada.services.keys.rotate(request)
        assert raised.value.code == "moved_on"
        assert (await ada.services.keys.show()).epoch == 0


async def test_the_wrong_key_opens_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as ada:
        await meet(ada)
        request = await order(ada)
        wrong = models.KeyRotation(
            head=request.head, seed="11" * 32, promise=request.promise, backup_public=request.backup_public
        )
        assert "11" * 32 not in repr(wrong)
        with pytest.raises(Problem, match="not the one that was promised"):
            await ada.services.keys.rotate(wrong)
        assert not (await ada.services.keys.show()).pending
        assert len(await log(ada)) == 1


async def test_locked_keys_rotate_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    async with opened(tmp_path, locked=True) as ada:
        await meet(ada)
        with pytest.raises(Problem, match="--passphrase-file"):
            await ada.services.keys.rotate(await order(ada))


async def test_a_new_sheet_names_peers_met_where_others_told_of_them(tmp_path: Path) -> None:
    """Who was only ever dialled by others has no named address; the sheet would say that nobody is known."""
    dialler, unmet = b"\x08" * 32, b"\x09" * 32
    told = [
        Known(dialler, "ws://10.2.0.1:1/inx/1", "10.0", 1, tried=True, met=9),
        Known(dialler, "ws://10.2.0.2:1/inx/1", "10.0", 1, tried=True, met=7),
        Known(unmet, "ws://10.3.0.1:1/inx/1", "10.0", 1),
    ]
    async with opened(tmp_path) as ada:
        for row in (PEER, PeerRow(id=dialler, inbound=True, seen=9), PeerRow(id=unmet, inbound=True)):
            await ada.store.write(lambda writer, row=row: writer.put_peer(row))
        await ada.store.write(
            lambda writer: address_store.save(writer, address_store.Changes(told, (), (), (), None, None))
        )
        plan = await ada.services.keys.plan(None)
        assert plan.addresses == ["ws://10.2.0.1:1/inx/1", "ws://10.0.0.1:1/inx/1"]


async def test_new_words(tmp_path: Path) -> None:
    """The next rotation is by the new ones; they need the answer of the whole book [R-LOG-16]."""
    new = seed("new words")
    async with opened(tmp_path) as ada:
        await meet(ada)
        await ada.store.write(
            lambda writer: writer.put_peer(PeerRow(id=b"\x08" * 32, addresses=("ws://10.1.0.1:1/x",)))
        )
        for index in range(3):  # three networks, and ten minutes: rule (b)
            await ada.own.caution.answered(bytes([0x20 + index]) * 32, f"net {index}")
        ada.clock.now += 601_000
        plan = await ada.services.keys.plan(None)
        assert plan.caught_up and not plan.whole_book
        request = await order(ada, after=new)
        with pytest.raises(Problem, match="New recovery words need") as raised:
            await ada.services.keys.rotate(request)
        assert raised.value.code == "catching_up"
        await ada.own.caution.answered(b"\x08" * 32, "10.1")
        await ada.services.keys.rotate(request)
        plan = await ada.services.keys.plan(None)
        old, fresh = grant(NETWORK, ada.me.entropy, 2, new), grant(NETWORK, new, 2, new)
        assert ada.ring.keys.backup_public == fresh.backup_public
        for given, fits in ((old, False), (fresh, True)):
            request = models.KeyRotation(
                head=plan.head, seed=given.seed.hex(), promise=given.promise.hex(),
                backup_public=given.backup_public.hex(),
            )  # fmt: skip
            if fits:
                assert (await ada.services.keys.rotate(request)).epoch == 2
            else:
                with pytest.raises(Problem, match="not the one that was promised"):
                    await ada.services.keys.rotate(request)


# -- a crash at any step -------------------------------------------------------------------------------------
class Killed(BaseException):
    """The process ends here."""


def dying(call: Callable[..., Any], at: int, before: bool) -> Callable[..., Any]:
    """The call, which at its n-th time ends the process before or after it did its work."""
    count = 0

    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        if count == at and before:
            raise Killed
        result = await call(*args, **kwargs)
        if count == at:
            raise Killed
        return result

    return wrapped


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(
    ("part", "at", "rotated"),
    [("branches", 1, False), ("ring", 1, False), ("gate", 1, None), ("ring", 2, True), ("settled", 1, True)],
)
async def test_a_crash_at_any_step_leaves_a_working_identity(
    tmp_path: Path, part: str, at: int, rotated: bool | None, before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys and log belong together at the next start, whichever of the two has the rotation [R-LOG-20]."""
    async with opened(tmp_path) as ada:
        await meet(ada)
        await write(ada, 4)
        request = await order(ada, last=3)
        keys = ada.services.keys
        holder, name = {
            "branches": (keys._branches, "keep"),
            "ring": (ada.ring, "change"),
            "gate": (ada.gate, "admit"),
            "settled": (ada.own.caution, "settled"),
        }[part]
        monkeypatch.setattr(type(holder), name, dying(getattr(type(holder), name), at, before))
        with pytest.raises(Killed):
            await keys.rotate(request)
        monkeypatch.undo()
    expected = (not before) if rotated is None else rotated
    async with opened(tmp_path) as ada:
        found = await ada.services.keys.show()
        assert (found.epoch, found.usable) == (1 if expected else 0, True)
        assert found.pending is (not expected and part != "branches" and not (part == "ring" and before))
        (entry,) = await write(ada)
        assert entry.epoch == found.epoch
        assert (await ada.gate.state(ada.me.id)).open  # type: ignore[union-attr]
        await meet(ada)
        done = await ada.services.keys.rotate(await order(ada))
        assert done.epoch == found.epoch + 1
        state = await ada.gate.state(ada.me.id)
        assert state is not None and state.openers.contested is None and not state.forked
        await ada.ring.save()
    async with opened(tmp_path) as ada:
        assert not (await ada.services.keys.show()).pending


# -- what comes after a rotation -----------------------------------------------------------------------------
def listing(key: str) -> bytes:
    return encode_record(
        Listing(
            salt=seed(key)[:16], key=key, kind="product", title=key, price=Price(amount=100, currency="EUR")
        )
    )


async def test_what_stands_is_vouched_for(tmp_path: Path) -> None:
    """A standing names what is in force of closed places; each is believed alone [R-LOG-12] [R-STAND-1]."""
    async with opened(tmp_path) as ada:
        await meet(ada)
        soap, oil, _ = await ada.own.append(
            [(3, listing("soap")), (3, listing("oil")), (1, odd_record("no profile"))]
        )
        await ada.services.listings.withdraw("oil")
        assert not (await ada.services.keys.standing()).needed
        await ada.services.keys.rotate(await order(ada))
        found = await ada.services.keys.standing()
        assert not found.needed and found.published is not None and found.parts == 1
        entries = await log(ada)
        part = entries[found.published]
        record = decode_record(part.kind, part.record or b"")
        assert isinstance(record, StandingRecord)
        assert (soap.seq, soap.id) in record.entries and (oil.seq, oil.id) not in record.entries
        state = await ada.gate.state(ada.me.id)
        assert state is not None
        accept_alone(state.openers, soap, [part])
        await ada.services.keys.keep_standing()
        assert (await ada.services.keys.standing()).published == found.published  # once is enough


async def test_a_standing_of_several_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocol.limits.MAX_STANDING", 2)
    async with opened(tmp_path) as ada:
        await meet(ada)
        entries = await ada.own.append([(3, listing(f"k{index}")) for index in range(5)])
        await ada.services.keys.rotate(await order(ada))
        found = await ada.services.keys.standing()
        assert found.parts == 3 and found.published is not None
        parts = (await log(ada))[found.published - 2 : found.published + 1]
        state = await ada.gate.state(ada.me.id)
        assert state is not None
        for entry in entries:
            accept_alone(state.openers, entry, parts)


async def test_encryption_keys_are_published_renewed_and_destroyed(tmp_path: Path) -> None:
    """Monthly, and the private halves go thirty days after the next took their place [R-KEYS-1] [R-KEYS-2]."""
    async with opened(tmp_path) as ada:
        await ada.services.keys.renew()
        await ada.services.keys.renew()
        (entry,) = [each for each in await log(ada) if each.kind == Keys.KIND]
        record = decode_record(entry.kind, entry.record or b"")
        assert isinstance(record, Keys) and isinstance(record.mlkem768_x25519, bytes)
        first = ada.ring.keys.encryption[0]
        sealed = HpkeSealer().seal(RecipientKeys(record.x25519, record.mlkem768_x25519), b"info", b"hello")
        assert HpkeSealer().open(OpeningKeys(first.x25519, first.hybrid), b"info", sealed) == b"hello"
        assert (await ada.services.keys.show()).encryption_until == record.until
        ada.clock.now += encryption.RENEW_AFTER_MS - 1
        await ada.services.keys.renew()
        assert len(ada.ring.keys.encryption) == 1
        ada.clock.now += 1
        await ada.services.keys.renew()
        second = ada.ring.keys.encryption[1]
        assert ada.ring.keys.encryption == (first, second)
        assert len([each for each in await log(ada) if each.kind == Keys.KIND]) == 2
        ada.clock.now += 30 * DAY_MS
        await ada.services.keys.renew()
        assert first not in ada.ring.keys.encryption and second in ada.ring.keys.encryption
        await meet(ada)
        await ada.services.keys.rotate(await order(ada))
        assert ada.ring.keys.encryption[-1].epoch == 1  # the thief has the old ones


async def test_encryption_keys_wait_where_the_log_takes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as ada:
        with patch.object(ada.own, "append", side_effect=Problem("No.", ExitCode.REFUSED)):
            await ada.services.keys.renew()
        assert len(await log(ada)) == 1
        kept = ada.ring.keys.encryption
        await ada.services.keys.renew()
        assert ada.ring.keys.encryption == kept and len(await log(ada)) == 2


async def test_a_crash_after_publishing_publishes_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as ada:
        monkeypatch.setattr(type(ada.own), "append", dying(type(ada.own).append, 1, False))
        with pytest.raises(Killed):
            await ada.services.keys.renew()
        monkeypatch.undo()
    async with opened(tmp_path) as ada:
        await ada.services.keys.renew()
        assert len(await log(ada)) == 2


async def test_a_contest_ends_with_the_same_words(tmp_path: Path) -> None:
    """Two rotations of one epoch, by the same words: the next one chooses [R-LOG-16]."""
    async with opened(tmp_path) as ada:
        await write(ada, 3)
        entries = await log(ada)
        elsewhere = Author("ada", NETWORK)
        one, _ = elsewhere.rotation(entries[1], generation=1)
        two, _ = elsewhere.rotation(entries[2], generation=2)
        await ada.gate.admit_openers([one])
        await ada.gate.admit_openers([two])
        assert (await ada.services.keys.show()).state == "contested"
        assert not (await ada.services.keys.show()).usable
        await meet(ada)
        assert (await ada.services.keys.rotate(await order(ada))).epoch == 2
        found = await ada.services.keys.show()
        assert (found.state, found.usable) == ("open", True)
        await write(ada)


async def test_an_identity_contested_for_good_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as ada:
        elsewhere = Author("ada", NETWORK)
        one, _ = elsewhere.rotation(ada.me.entries[0], generation=1)
        two, _ = elsewhere.rotation(ada.me.entries[0], generation=2, promises=bytes(32))
        await ada.gate.admit_openers([one])
        await ada.gate.admit_openers([two])
        with pytest.raises(Problem, match="frozen") as raised:
            await ada.services.keys.plan(None)
        assert raised.value.exit_code is ExitCode.REFUSED
