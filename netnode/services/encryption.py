"""The keys that others seal messages to: made, published, renewed every month, destroyed a month later [R-KEYS-2]."""

from __future__ import annotations

import logging
from typing import Final

import msgspec

from netnode.keys.keyring import KeyRing
from netnode.keys.keystore import MAX_ENCRYPTION, EncryptionKeys
from netnode.keys.keystore import Keys as Secrets
from netnode.ports import Clock, Entropy, OpeningKeys
from netnode.problems import ExitCode, Problem
from netnode.sealer import recipient_keys
from netnode.services.ports import OwnLog
from netnode.store import Reader, Store, Writer
from protocol import limits
from protocol.certificate import DAY_MS
from protocol.records import Keys, decode_record, encode_record

RENEW_AFTER_MS: Final = 30 * DAY_MS
GOOD_FOR_MS: Final = 45 * DAY_MS  # why: a node that is away for two weeks can still be written to
# After the next took its place: what was sealed last has arrived by then
DESTROY_AFTER_MS: Final = 30 * DAY_MS
LOOK_SECONDS: Final = (
    60.0  # why: a computer that slept for weeks can be written to at once; a look costs nothing
)
_META: Final = "encryption keys"
_LOOKED_AT: Final = 256  # newest own entries
_BYTES: Final = 64 * 1024 * 1024
_log = logging.getLogger("netnode")


class _Published(msgspec.Struct, frozen=True):
    """Which key the log names, and where."""

    x25519: bytes
    seq: int
    id: bytes


class EncryptionRenewal:
    """Keeps the `keys` entry of the own log good.

    Args:
        ring: holds the private halves.
        own: signs the entry.
        store: remembers which keys are published.
        clock: says when it is time.
        entropy: new keys.
    """

    def __init__(self, ring: KeyRing, own: OwnLog, store: Store, clock: Clock, entropy: Entropy) -> None:
        self._ring = ring
        self._own = own
        self._store = store
        self._clock = clock
        self._entropy = entropy

    async def run(self) -> None:
        """Makes new keys when it is time, destroys old ones, and publishes what is not published yet.

        A log that takes no entry now is no fault: it is tried again.

        Raises:
            Problem: the disk.
        """
        keys = await self._ring.change(self._renewed)
        newest = keys.encryption[-1]
        if await self.published(newest):
            return
        public = recipient_keys(OpeningKeys(newest.x25519, newest.hybrid))
        if public.mlkem768_x25519 is None:
            raise RuntimeError("a hybrid pair has a public key")
        record = Keys(mlkem768_x25519=public.mlkem768_x25519, until=newest.until, x25519=public.x25519)
        try:
            (entry,) = await self._own.append([(Keys.KIND, encode_record(record))])
        except Problem as problem:
            if problem.exit_code is not ExitCode.REFUSED:
                raise
            _log.info("the encryption keys are not published yet: %s", problem.text)
            return
        noted = msgspec.json.encode(_Published(public.x25519, entry.seq, entry.id))
        await self._store.write(Writer.set_meta, _META, noted)

    async def published(self, keys: EncryptionKeys) -> bool:
        """Whether the own log names these keys."""
        public = recipient_keys(OpeningKeys(keys.x25519)).x25519

        noted = await self._store.read(_published, self._own.id)
        if noted is not None and noted.x25519 == public:
            return True
        found = await self._store.read(_newest, self._own.id)  # a crash may have come before the note
        if found is None or found.x25519 != public:
            return False
        await self._store.write(Writer.set_meta, _META, msgspec.json.encode(found))
        return True

    def _renewed(self, keys: Secrets) -> Secrets:
        now = self._clock.now_ms()
        kept = [
            each
            for index, each in enumerate(keys.encryption)
            if index == len(keys.encryption) - 1 or now < keys.encryption[index + 1].since + DESTROY_AFTER_MS
        ]
        newest = kept[-1] if kept else None
        if newest is None or newest.epoch != keys.epoch or now >= newest.since + RENEW_AFTER_MS:
            fresh = EncryptionKeys(
                x25519=self._entropy.token(limits.KEY_BYTES),
                hybrid=self._entropy.token(limits.KEY_BYTES),
                epoch=keys.epoch,
                since=now,
                until=now + GOOD_FOR_MS,
            )
            kept.append(fresh)
        made = tuple(kept[-MAX_ENCRYPTION:])
        return keys if made == keys.encryption else keys.with_encryption(made)


def published_entry(reader: Reader, networker: bytes) -> tuple[int, bytes] | None:
    """Seq and id of the newest `keys` entry that this node put into the own log; None when it is not in it."""
    noted = _published(reader, networker)
    return None if noted is None else (noted.seq, noted.id)


def _newest(reader: Reader, networker: bytes) -> _Published | None:
    """The newest `keys` entry among the last ones of the own log."""
    state = reader.load(networker)
    if state is None:
        return None
    first = max(state.base.seq, state.tip.seq - _LOOKED_AT)
    for entry in reversed(reader.entries(networker, first, state.tip.seq, _BYTES)):
        if entry.kind == Keys.KIND and entry.record is not None:
            record = decode_record(entry.kind, entry.record)
            if isinstance(record, Keys):
                return _Published(record.x25519, entry.seq, entry.id)
    return None


def _published(reader: Reader, networker: bytes) -> _Published | None:
    value = reader.meta(_META)
    if value is None:
        return None
    noted = msgspec.json.decode(value, type=_Published)
    held = reader.entry(networker, noted.seq)
    return noted if held is not None and held.id == noted.id else None
