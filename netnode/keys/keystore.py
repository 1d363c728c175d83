"""The keystore: keys.json, private keys under a passphrase (Argon2id, AES-256-GCM) or plain in a 0600 file.

The public part is readable without the passphrase and is bound to the private part: as additional data of
the encryption, and because the public keys must be those of the private ones. The recovery words are never in
it; of the promised key it knows only the hash, and of the key that opens backups only the public half. To that half
the key derived from the passphrase is sealed, so that a forgotten passphrase is replaced by the words, without a peer:
whoever has the words could replace the signing key as well.

A rotation is written here as `pending` before it enters the log, so that whichever of the two a crash leaves behind,
the key that signs is known: `Keys.promoted` makes the pending key the one in force.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from msgspec import Meta, Struct

from netnode.home import Home, require_private
from netnode.ports import CannotOpen, Disk, Entropy, OpeningKeys, RecipientKeys
from netnode.problems import ExitCode, Problem, disk_problem
from netnode.sealer import HpkeSealer

WARNING: Final = (
    "Your keys are stored without a passphrase: whoever can read your home folder, a copy of it or this disk can sign "
    "in your name. Keep this disk and every copy of the folder encrypted."
)
VERSION: Final = 1
MAX_PASSPHRASE: Final = 4096  # bytes; a passphrase file that is longer is some other file
MAX_ENCRYPTION: Final = 64  # why: renewed monthly and kept for 60 days; rotations may renew them more often

Bytes32 = Annotated[bytes, Meta(min_length=32, max_length=32)]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class Cost(Struct, frozen=True):
    """What one guess at the passphrase costs; the bounds keep a damaged file from eating the machine."""

    memory_kib: Annotated[int, Meta(ge=32, le=1024 * 1024)] = 64 * 1024
    iterations: Annotated[int, Meta(ge=1, le=64)] = 3
    lanes: Annotated[int, Meta(ge=1, le=16)] = 4


class PublicKeys(Struct, frozen=True, kw_only=True):
    """What the keystore tells without a passphrase."""

    networker: Bytes32  # the raw id
    network: str
    epoch: Count  # of the signing key
    promise: Bytes32  # hash of the key that may sign the next rotation
    signing_key: Bytes32  # Ed25519
    session_key: Bytes32  # X25519
    session_until: Count  # ms UTC: the end of its certificate
    encryption_until: Count  # ms UTC: until when others seal to the newest encryption keys; 0: there are none
    backup_public: Bytes32  # X25519, derived from the recovery words: what a backup is sealed to
    protected: bool  # by a passphrase


class EncryptionKeys(Struct, frozen=True, kw_only=True):
    """The private halves of one `keys` entry; secrets do not show in repr."""

    x25519: Bytes32
    hybrid: Bytes32  # seed of the MLKEM768-X25519 pair
    epoch: Count  # in which they were made: a rotation calls for new ones
    since: Count  # ms UTC: when they were made
    until: Count  # ms UTC: the last moment at which a sender may seal to them

    def __repr__(self) -> str:
        return f"EncryptionKeys(since={self.since}, until={self.until})"


class Pending(Struct, frozen=True, kw_only=True):
    """What the rotation that is about to enter the log makes true; it takes every secret's place at once."""

    epoch: Count
    promise: Bytes32
    signing_seed: Bytes32
    session_private: Bytes32
    session_until: Count
    backup_public: Bytes32
    backup_key: Bytes32

    @property
    def signing_key(self) -> bytes:
        """The public Ed25519 key that the rotation names."""
        return _ed25519(self.signing_seed)

    def __repr__(self) -> str:
        return f"Pending(epoch={self.epoch})"


@dataclass(frozen=True, slots=True)
class Keys:
    """The opened keys of a networker; secrets do not show in repr."""

    networker: bytes
    network: str
    epoch: int
    promise: bytes
    signing_seed: bytes = field(repr=False)
    session_private: bytes = field(repr=False)
    session_until: int
    backup_public: bytes
    backup_key: bytes = field(repr=False)
    encryption: tuple[EncryptionKeys, ...] = ()  # oldest first; the last is the one others seal to
    pending: Pending | None = None
    deal_secret: bytes | None = field(
        default=None, repr=False
    )  # what the keys of own orders are derived from

    @property
    def signing_key(self) -> bytes:
        """The public Ed25519 key."""
        return _ed25519(self.signing_seed)

    @property
    def session_key(self) -> bytes:
        """The public X25519 key."""
        return _x25519(self.session_private)

    @property
    def encryption_until(self) -> int:
        """Until when (ms UTC) others seal to the newest encryption keys; 0 without any."""
        return self.encryption[-1].until if self.encryption else 0

    def with_session_key(self, private: bytes, until: int) -> Keys:
        """The same with a new session key, certified until `until` (ms UTC)."""
        return replace(self, session_private=private, session_until=until)

    def with_encryption(self, encryption: tuple[EncryptionKeys, ...]) -> Keys:
        """The same with these encryption keys, oldest first."""
        return replace(self, encryption=encryption)

    def with_pending(self, pending: Pending | None) -> Keys:
        """The same, ready for a rotation; nothing changes before it is in the log."""
        return replace(self, pending=pending)

    def with_deal_secret(self, secret: bytes) -> Keys:
        """The same with what the keys of own orders are derived from; it stays over rotations, for open deals."""
        return replace(self, deal_secret=secret)

    def promoted(self) -> Keys:
        """The same after the pending rotation entered the log; whoever had the old keystore has nothing of it.

        The encryption keys stay, for what was sealed to them; the next ones are made at once.

        Raises:
            LookupError: nothing is pending.
        """
        if self.pending is None:
            raise LookupError("no rotation is pending")
        return replace(
            self,
            epoch=self.pending.epoch,
            promise=self.pending.promise,
            signing_seed=self.pending.signing_seed,
            session_private=self.pending.session_private,
            session_until=self.pending.session_until,
            backup_public=self.pending.backup_public,
            backup_key=self.pending.backup_key,
            pending=None,
        )


class _Secrets(Struct, frozen=True, omit_defaults=True):
    signing_seed: Bytes32
    session_private: Bytes32
    backup_key: Bytes32
    encryption: Annotated[tuple[EncryptionKeys, ...], Meta(max_length=MAX_ENCRYPTION)] = ()
    pending: Pending | None = None
    deal_secret: Bytes32 | None = None

    def __repr__(self) -> str:
        return "_Secrets(...)"


class _Derivation(Struct, frozen=True, tag_field="name", tag="argon2id"):
    salt: Annotated[bytes, Meta(min_length=16, max_length=16)]
    cost: Cost


class _Sealed(Struct, frozen=True):
    nonce: Annotated[bytes, Meta(min_length=12, max_length=12)]
    ciphertext: bytes


class _File(Struct, frozen=True, omit_defaults=True):
    version: int
    public: PublicKeys
    derivation: _Derivation | None = None
    sealed: _Sealed | None = None
    # The derived key, sealed to `backup_public`; bound by nothing, as it opens or does not
    spare: bytes | None = None
    plain: _Secrets | None = None


class _Versioned(Struct, frozen=True):
    version: int


@dataclass(frozen=True, slots=True)
class _Lock:
    """The key derived from the passphrase, kept while the node runs: it renews the session key."""

    derivation: _Derivation
    key: bytes = field(repr=False)


class Keystore:
    """The keystore of a home. Whoever writes holds the home's lock; deriving is slow, so run it in a lane.

    Args:
        home: where keys.json is.
        disk: reads and writes it.
        entropy: salts and nonces.
        cost: of a guess, for a passphrase set from now on.
    """

    __slots__ = ("_cost", "_disk", "_entropy", "_lock", "_opened", "path")

    def __init__(self, home: Home, disk: Disk, entropy: Entropy, cost: Cost = Cost()) -> None:  # noqa: B008
        self.path = home.keys
        self._disk = disk
        self._entropy = entropy
        self._cost = cost
        self._lock: _Lock | None = None
        self._opened = False

    def create(self, keys: Keys, passphrase: bytes | None) -> None:
        """Writes the keys of a new networker.

        Raises:
            Problem: `exists` (there are keys already), an empty passphrase, or the disk.
        """
        if self._disk.exists(self.path):
            raise Problem(
                f"{self.path} holds the keys of a networker already. Name another home with --home.",
                ExitCode.REFUSED,
                "exists",
            )
        self.protect(keys, passphrase)

    def protect(self, keys: Keys, passphrase: bytes | None) -> None:
        """Writes the keys under this passphrase from now on; None stores them plainly (say WARNING).

        Raises:
            Problem: an empty passphrase, or the disk.
        """
        if passphrase is None:
            self._write(keys, None)
            return
        require_passphrase(passphrase)
        derivation = _Derivation(self._entropy.token(16), self._cost)
        self._write(keys, _Lock(derivation, _derive(derivation, passphrase)))

    def save(self, keys: Keys) -> None:
        """Replaces the keys under the passphrase they were opened or created with.

        Raises:
            RuntimeError: neither `open`, `create` nor `protect` came before.
            Problem: the disk.
        """
        if not self._opened:
            raise RuntimeError("the keystore is not open")
        self._write(keys, self._lock)

    def public(self) -> PublicKeys:
        """The public part, without a passphrase.

        Raises:
            Problem: no keystore, others can read it, or it is damaged.
        """
        return self._read().public

    def open(self, passphrase: bytes | None) -> Keys:
        """Reads the keys.

        Args:
            passphrase: needed when `public().protected`; not looked at otherwise.

        Raises:
            Problem: `passphrase_needed` (exit 2), `passphrase` (a wrong one), or as `public`.
        """
        file = self._read()
        if file.derivation is not None and file.sealed is not None:
            if passphrase is None:
                raise Problem(
                    f"The keys in {self.path} are under a passphrase. Give it with --passphrase-file FILE.",
                    ExitCode.USAGE,
                    "passphrase_needed",
                )
            key = _derive(file.derivation, passphrase)
            return self._keys(file, self._unseal(file, file.sealed, key), _Lock(file.derivation, key))
        if file.plain is not None and not file.public.protected:
            return self._keys(file, file.plain, None)
        raise self._damaged("its private part is missing")

    def open_by_words(self, seed: bytes) -> Keys:
        """Reads keys whose passphrase is forgotten.

        Args:
            seed: `protocol.recovery.backup_seed` of the recovery words in force.

        Raises:
            Problem: `other_words` (exit 4), `no_spare` (4): written before words could open it, or as `public`.
        """
        file = self._read()
        if file.derivation is None or file.sealed is None or not file.public.protected:
            return self.open(None)  # nothing was forgotten
        if file.spare is None:
            raise Problem(
                f"{self.path} was written by an older netnode, and the words do not open it. With the passphrase a "
                "node that starts renews it; without, the words bring you back in a new home: netnode recover --help",
                ExitCode.REFUSED,
                "no_spare",
            )
        try:
            key = HpkeSealer().open(OpeningKeys(seed), _spare_info(file.public.networker), file.spare)
        except CannotOpen:
            raise Problem(
                f"These recovery words do not open {self.path}. They have to be those in force for this networker.",
                ExitCode.REFUSED,
                "other_words",
            ) from None
        return self._keys(file, self._unseal(file, file.sealed, key), _Lock(file.derivation, key))

    def _keys(self, file: _File, secrets: _Secrets, lock: _Lock | None) -> Keys:
        public = file.public
        keys = Keys(
            networker=public.networker,
            network=public.network,
            epoch=public.epoch,
            promise=public.promise,
            signing_seed=secrets.signing_seed,
            session_private=secrets.session_private,
            session_until=public.session_until,
            backup_public=public.backup_public,
            backup_key=secrets.backup_key,
            encryption=secrets.encryption,
            pending=secrets.pending,
            deal_secret=secrets.deal_secret,
        )
        if (keys.signing_key, keys.session_key) != (public.signing_key, public.session_key):
            raise self._damaged("its private and public keys do not belong together")
        self._lock, self._opened = lock, True
        return keys

    def _unseal(self, file: _File, sealed: _Sealed, key: bytes) -> _Secrets:
        try:
            plaintext = AESGCM(key).decrypt(sealed.nonce, sealed.ciphertext, _bound(file))
        except InvalidTag:
            raise Problem(
                f"This passphrase does not open {self.path}. If you forgot it, your recovery words set a new one: "
                "netnode key passphrase --forgotten. If it is right, the file was altered: put back a backup of it.",
                code="passphrase",
            ) from None
        try:
            return msgspec.json.decode(plaintext, type=_Secrets)
        except msgspec.DecodeError:
            raise self._damaged("its private part has a wrong form") from None

    def _write(self, keys: Keys, lock: _Lock | None) -> None:
        public = PublicKeys(
            networker=keys.networker,
            network=keys.network,
            epoch=keys.epoch,
            promise=keys.promise,
            signing_key=keys.signing_key,
            session_key=keys.session_key,
            session_until=keys.session_until,
            encryption_until=keys.encryption_until,
            backup_public=keys.backup_public,
            protected=lock is not None,
        )
        secrets = _Secrets(
            keys.signing_seed,
            keys.session_private,
            keys.backup_key,
            keys.encryption,
            keys.pending,
            keys.deal_secret,
        )
        if lock is None:
            file = _File(VERSION, public, plain=secrets)
        else:
            file = _File(VERSION, public, derivation=lock.derivation)
            nonce = self._entropy.token(12)
            ciphertext = AESGCM(lock.key).encrypt(nonce, msgspec.json.encode(secrets), _bound(file))
            spare = HpkeSealer().seal(
                RecipientKeys(keys.backup_public), _spare_info(keys.networker), lock.key
            )
            file = msgspec.structs.replace(file, sealed=_Sealed(nonce, ciphertext), spare=spare)
        try:
            self._disk.write_private(self.path, msgspec.json.format(msgspec.json.encode(file)) + b"\n")
        except OSError as error:
            raise disk_problem(error, "write", self.path) from error
        self._lock, self._opened = lock, True

    def _read(self) -> _File:
        try:
            mode = self._disk.permissions(self.path)
            data = self._disk.read(self.path)
        except FileNotFoundError as error:
            text = f"There are no keys at {self.path}. Make them with: netnode init --name NAME"
            raise Problem(text, ExitCode.NOT_FOUND, "no_keys") from error
        except OSError as error:
            raise disk_problem(error, "read", self.path) from error
        require_private(self.path, mode)
        if not data.strip():
            raise self._damaged("it is empty")
        try:
            version = msgspec.json.decode(data, type=_Versioned).version
            if version == VERSION:
                return msgspec.json.decode(data, type=_File)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # The decoder's own words could quote what is in the file, so they are not repeated.
            raise self._damaged("it is not a keystore") from None
        text = f"{self.path} has version {version}; this netnode reads version {VERSION}. Upgrade netnode."
        raise Problem(text, code="keystore_version")

    def _damaged(self, why: str) -> Problem:
        return Problem(
            f"The keystore {self.path} is damaged: {why}. Put back a backup of that file. "
            "Without one, your recovery words bring the identity back to a new home: netnode recover --help",
            code="keystore",
            details={"path": str(self.path)},
        )


def _ed25519(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _x25519(private: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def _bound(file: _File) -> bytes:
    """What the encryption binds: everything beside the ciphertext."""
    bound: tuple[Any, ...] = (file.version, file.public, file.derivation)
    return b"netnode keys\x00" + msgspec.json.encode(bound)


def _spare_info(networker: bytes) -> bytes:
    return b"netnode keys spare\x00" + networker


def _derive(derivation: _Derivation, passphrase: bytes) -> bytes:
    cost = derivation.cost
    function = Argon2id(
        salt=derivation.salt,
        length=32,
        iterations=cost.iterations,
        lanes=cost.lanes,
        memory_cost=max(cost.memory_kib, 8 * cost.lanes),  # the least Argon2 takes
    )
    try:
        return function.derive(_normal(passphrase))
    except MemoryError:
        need = cost.memory_kib // 1024
        text = f"Opening the keystore takes {need} MiB of memory, and the system gave none. Free some and try again."
        raise Problem(text, code="memory") from None


def _normal(passphrase: bytes) -> bytes:
    """The same bytes however the keyboard composed its accents; what is not UTF-8 is taken as it is."""
    try:
        return unicodedata.normalize("NFKC", passphrase.decode()).encode()
    except UnicodeDecodeError:
        return passphrase


def require_passphrase(passphrase: bytes) -> None:
    """Refuses a passphrase that protects nothing.

    Raises:
        Problem: it is empty.
    """
    if not passphrase.strip():
        raise Problem(
            "An empty passphrase protects nothing. Give one, or say --no-passphrase.",
            ExitCode.USAGE,
            "passphrase_empty",
        )


def read_passphrase_file(path: Path) -> tuple[bytes, str | None]:
    """The passphrase in a file, without one newline at its end, and a warning for a person or None.

    A pipe will do too (``--passphrase-file <(pass show netnode)``).

    Raises:
        Problem: no such file, an empty or an oversized one.
    """
    try:
        with path.open("rb") as file:
            passphrase = file.read(MAX_PASSPHRASE + 1)
        mode = path.stat().st_mode if path.is_file() else 0
    except OSError as error:
        raise disk_problem(error, "read", path) from error
    if len(passphrase) > MAX_PASSPHRASE:
        text = f"{path} is longer than {MAX_PASSPHRASE} bytes. Is it the passphrase file you meant?"
        raise Problem(text, ExitCode.USAGE, "passphrase_long")
    passphrase = passphrase.removesuffix(b"\n").removesuffix(b"\r")
    if not passphrase.strip():
        raise Problem(
            f"The passphrase file {path} is empty. Put the passphrase on its first line.",
            ExitCode.USAGE,
            "passphrase_empty",
        )
    warning = f"Other users of this computer can read {path}. Run: chmod 600 {path}" if mode & 0o077 else None
    return passphrase, warning
