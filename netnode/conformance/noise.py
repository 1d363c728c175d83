"""Noise_XX_25519_AESGCM_SHA256, revision 34, on `cryptography`; section 9.2."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from netnode.conformance.faults import Fault, demand
from netnode.conformance.limits import MAX_NOISE_MESSAGE

NAME: Final = b"Noise_XX_25519_AESGCM_SHA256"
TAG_BYTES: Final = 16
LAST_COUNT: Final = 2**64 - 1

PATTERN: Final = (("e",), ("e", "ee", "s", "es"), ("s", "se"))
"""The tokens of the three messages; the initiator writes the first and the third."""


def public(private: bytes) -> bytes:
    """The public key of an X25519 private key."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def exchange(private: bytes, other: bytes) -> bytes:
    """X25519.

    Raises:
        Fault: `handshake` for a result of zeros. [R-NOISE-6]
    """
    try:
        return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(other))
    except ValueError as error:
        raise Fault("handshake", "a key of small order") from error


def expand(chaining: bytes, material: bytes) -> tuple[bytes, bytes]:
    """HKDF of the Noise specification with two outputs."""
    secret = hmac.digest(chaining, material, hashlib.sha256)
    first = hmac.digest(secret, b"\x01", hashlib.sha256)
    return first, hmac.digest(secret, first + b"\x02", hashlib.sha256)


class Cipher:
    """One direction: a key and the count of messages sealed or opened with it."""

    def __init__(self, key: bytes) -> None:
        self._key = AESGCM(key)
        self._count = 0

    def _nonce(self) -> bytes:
        demand(self._count < LAST_COUNT, "handshake", "the counter is used up")  # [R-NOISE-4]
        nonce = bytes(4) + self._count.to_bytes(8, "big")
        self._count += 1
        return nonce

    def seal(self, plain: bytes, associated: bytes = b"") -> bytes:
        """The sealed bytes, 16 more [R-NOISE-1]."""
        return self._key.encrypt(self._nonce(), plain, associated)

    def open(self, sealed: bytes, associated: bytes = b"") -> bytes:
        """The plain bytes.

        Raises:
            Fault: `handshake`. [R-NOISE-3] [R-NOISE-5]
        """
        demand(TAG_BYTES <= len(sealed) <= MAX_NOISE_MESSAGE, "handshake", "its length")
        try:
            return self._key.decrypt(self._nonce(), sealed, associated)
        except InvalidTag as error:
            raise Fault("handshake", "does not decrypt") from error


class Handshake:
    """One side of a handshake, and after it of the transport.

    Attributes:
        hash: h; the handshake hash at the end.
        remote: the other side's static key, once it is known.
    """

    def __init__(self, *, initiator: bool, prologue: bytes, static: bytes, ephemeral: bytes) -> None:
        self._initiator = initiator
        self._static, self._ephemeral = static, ephemeral
        self.hash = self._chaining = NAME.ljust(32, b"\0")
        self._mix_hash(prologue)
        self._cipher: Cipher | None = None
        self._told: dict[str, bytes] = {}  # the other side's "e" and "s"
        self._turn = 0
        self._broken = False
        self._sends: Cipher | None = None
        self._receives: Cipher | None = None

    @property
    def remote(self) -> bytes | None:
        """The other side's static key."""
        return self._told.get("s")

    @property
    def done(self) -> bool:
        """Whether all three messages went."""
        return self._sends is not None

    def write(self, payload: bytes = b"") -> bytes:
        """The next message of this side: of the handshake, then of the transport."""
        self._expect(own=True)
        if self._sends is not None:
            message = self._sends.seal(payload)
        else:
            message = b"".join(self._write_token(token) for token in PATTERN[self._turn]) + self._seal(
                payload
            )
            self._next()
        demand(len(message) <= MAX_NOISE_MESSAGE, "local", "too long")
        return message

    def read(self, message: bytes) -> bytes:
        """The payload of the other side's next message.

        Raises:
            Fault: `handshake`; then nothing more is read or written. [R-NOISE-5]
        """
        self._expect(own=False)
        try:
            return self._read(message)
        except Fault:
            self._broken = True
            raise

    def _expect(self, *, own: bool) -> None:
        demand(not self._broken, "handshake", "the session has ended")
        writes = (self._turn % 2 == 0) == self._initiator
        if not self.done and writes != own:
            self._broken = True
            raise Fault("handshake", "out of turn")

    def _read(self, message: bytes) -> bytes:
        demand(len(message) <= MAX_NOISE_MESSAGE, "handshake", "too long")  # [R-NOISE-3]
        if self._receives is not None:
            return self._receives.open(message)
        for token in PATTERN[self._turn]:
            message = self._read_token(token, message)
        payload = self._open(message)
        self._next()
        return payload

    def _next(self) -> None:
        self._turn += 1
        if self._turn == len(PATTERN):  # Split. [R-NOISE-4]
            ciphers = [Cipher(key) for key in expand(self._chaining, b"")]
            self._sends, self._receives = ciphers if self._initiator else reversed(ciphers)

    # -- tokens ------------------------------------------------------------------------------------------------

    def _write_token(self, token: str) -> bytes:
        if token == "e":
            key = public(self._ephemeral)
            self._mix_hash(key)
            return key
        if token == "s":
            return self._seal(public(self._static))
        self._mix_key(self._agree(token))
        return b""

    def _read_token(self, token: str, message: bytes) -> bytes:
        if token not in ("e", "s"):
            self._mix_key(self._agree(token))
            return message
        length = 32 if self._cipher is None or token == "e" else 32 + TAG_BYTES
        demand(len(message) >= length, "handshake", "too short")
        key = message[:length]
        if token == "e":
            self._mix_hash(key)
        else:
            key = self._open(key)
        self._told[token] = key
        return message[length:]

    def _agree(self, token: str) -> bytes:
        """`ee`, `es` or `se`: the initiator's key is named first."""
        mine, theirs = (token[0], token[1]) if self._initiator else (token[1], token[0])
        return exchange(self._ephemeral if mine == "e" else self._static, self._told[theirs])

    # -- the symmetric state -----------------------------------------------------------------------------------

    def _mix_hash(self, data: bytes) -> None:
        self.hash = hashlib.sha256(self.hash + data).digest()

    def _mix_key(self, material: bytes) -> None:
        self._chaining, key = expand(self._chaining, material)
        self._cipher = Cipher(key)

    def _seal(self, plain: bytes) -> bytes:
        sealed = plain if self._cipher is None else self._cipher.seal(plain, self.hash)
        self._mix_hash(sealed)
        return sealed

    def _open(self, sealed: bytes) -> bytes:
        plain = sealed if self._cipher is None else self._cipher.open(sealed, self.hash)
        self._mix_hash(sealed)
        return plain
