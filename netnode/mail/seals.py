"""Seals this node's own letters and opens those that came [R-LET-2..6]."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from netnode.keys.keyring import KeyRing
from netnode.keys.keystore import EncryptionKeys
from netnode.mail.routes import mailboxes
from netnode.own.log import OwnLog
from netnode.ports import CannotOpen, Clock, Entropy, Executor, Lane, OpeningKeys, RecipientKeys, Sealer
from netnode.problems import ExitCode, Problem
from netnode.sealer import recipient_keys
from netnode.stamping import Stamping
from netnode.store import Store
from netnode.store import letters as rows
from netnode.store.letters import OutRow
from protocol import letter_bodies, letters, limits
from protocol.certificate import DAY_MS
from protocol.entry import Entry
from protocol.errors import LocalProtocolError, NotHeld, RemoteProtocolError
from protocol.letter_bodies import Ack, Refused, Reply
from protocol.letters import Envelope, Letter, Opened

TOKEN_DAYS: Final = 180  # why: whoever was written to may answer after half a year without proof of work
_FRAME: Final = 512  # what the frame takes beside the sealed part, at most: names, token, stamp


class Seals:
    """Everything about letters that needs a private key.

    Args:
        network: the network's name.
        store: openers of senders, tokens of recipients.
        ring: the private keys.
        own: this node's networker.
        sealer: HPKE.
        executor: sealing and opening take tenths of a millisecond.
        clock: dates tokens.
        entropy: new ids.
        stamping: the stamp that letters show.
    """

    __slots__ = (
        "_clock",
        "_entropy",
        "_executor",
        "_network",
        "_own",
        "_ring",
        "_sealer",
        "_stamping",
        "_store",
    )

    def __init__(
        self,
        network: str,
        store: Store,
        ring: KeyRing,
        own: OwnLog,
        sealer: Sealer,
        executor: Executor,
        clock: Clock,
        entropy: Entropy,
        stamping: Stamping,
    ) -> None:
        self._network = network
        self._store = store
        self._ring = ring
        self._own = own
        self._sealer = sealer
        self._executor = executor
        self._clock = clock
        self._entropy = entropy
        self._stamping = stamping

    # -- own letters -----------------------------------------------------------------------------------------
    async def seal(self, row: OutRow, keys: RecipientKeys) -> Letter:
        """One letter of the outbox, ready to go; its id and key are noted first.

        Args:
            row: of the outbox.
            keys: to seal to.

        Raises:
            Problem: the keys are locked, or the disk fails.
        """
        key = self.key_id(keys)
        id = row.id
        if row.key is not None and row.key != key:  # who keeps the one before knows it by its id [R-LET-8]
            id = self._entropy.token(limits.LETTER_ID_BYTES)
        if row.key != key:
            await self._store.write(rows.sealed, row, id, key)
        envelope = Envelope(self._own.id, row.recipient, key, id, row.expires)
        token = await self._store.read(rows.token_of, row.recipient)
        openers = await self._openers()
        reply = await self._reply()
        return await self._executor.run(
            Lane.VERIFIER, self._sealed, row, envelope, keys, token, openers, reply
        )

    def key_id(self, keys: RecipientKeys) -> bytes:
        """How a letter names these keys."""
        return letters.key_id(self._network, keys.x25519)

    async def _openers(self) -> tuple[Entry, ...]:
        state = await self._store.load(self._own.id)
        if state is None:
            raise LocalProtocolError("the own log is not in the store")
        return tuple(openings[0].entry for openings in state.openers.epochs)

    async def _reply(self) -> Reply | None:
        """Where answers go, for whoever does not hold the own log."""
        keys = self._ring.opened
        if keys is None or not keys.encryption:
            return None
        hosts = await self._store.read(mailboxes, self._own.id)
        return Reply(host=hosts[0] if hosts else UNSET, x25519=_public(keys.encryption[-1]))

    def _sealed(
        self,
        row: OutRow,
        envelope: Envelope,
        keys: RecipientKeys,
        token: bytes | None,
        openers: tuple[Entry, ...],
        reply: Reply | None,
    ) -> Letter:
        witness = self._own.witness()
        if witness is None:
            raise Problem(
                "The keys of this networker are locked: no letter can be sealed. Start the node with its passphrase.",
                ExitCode.USAGE,
                "passphrase_needed",
            )
        body = letter_bodies.decode_content(row.content).body
        if body is None:
            raise LocalProtocolError(f"a letter of the unknown type {row.type!r} in the outbox")
        given = None
        if not isinstance(body, Ack | Refused):
            given = letters.sign_token(
                self._network,
                witness.signer,
                recipient=self._own.id,
                sender=row.recipient,
                expires=self._clock.now_ms() + TOKEN_DAYS * DAY_MS,
                epoch=witness.epoch,
            )
        first = None if row.first == row.id == envelope.id else row.first
        content = letter_bodies.encode_content(body, first, given, None if given is None else reply)
        shown: tuple[Entry, ...]
        for shown in (openers, ()):  # without them where they do not fit: then the recipient has to know them
            plaintext = letters.compose(
                self._network, witness.signer, envelope, content, witness.epoch, shown
            )
            sealed = self._sealer.seal(keys, letters.info(self._network, envelope), plaintext)
            if len(sealed) + _FRAME <= limits.MAX_LETTER:
                break
        return letters.assemble(envelope, sealed, token, self._stamping.wire)

    # -- letters of others -----------------------------------------------------------------------------------
    async def open(self, letter: Letter) -> Opened:
        """Opens a letter to this node's networker and checks who wrote it.

        Raises:
            RemoteProtocolError: `letter`.
            NotHeld: `letter_key`, `unknown_author`, `unknown_epoch`, `contested`.
        """
        state = await self._store.load(letter.envelope.sender)
        known = None if state is None else state.openers
        plaintext = await self._executor.run(Lane.VERIFIER, self._opened, letter)
        return await self._executor.run(
            Lane.VERIFIER, letters.read, self._network, letter.envelope, plaintext, known
        )

    def _opened(self, letter: Letter) -> bytes:
        keys = self._ring.opened
        if keys is None:
            raise NotHeld("busy", "the keys of this networker are locked")
        for each in reversed(keys.encryption):
            pair = OpeningKeys(each.x25519, each.hybrid)
            if letters.key_id(self._network, _public(each)) == letter.envelope.key:
                try:
                    info = letters.info(self._network, letter.envelope)
                    return self._sealer.open(pair, info, letter.sealed)
                except CannotOpen as error:
                    raise RemoteProtocolError("letter", f"a letter that cannot be read: {error}") from error
        raise NotHeld("letter_key", "the letter is sealed to a key that its recipient does not have any more")


def _public(keys: EncryptionKeys) -> bytes:
    return recipient_keys(OpeningKeys(keys.x25519)).x25519
