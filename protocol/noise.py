"""``Noise_XX_25519_AESGCM_SHA256``, sans-I/O: bytes in, bytes out (Noise framework, revision 34) [R-NOISE-1..6].

    initiator (dialler)                   responder (listener)
    -> e                                  ephemeral key, payload in clear
    <- e, ee, s, es                       ephemeral key, static key sealed, payload sealed
    -> s, se                              static key sealed, payload sealed

Both sides then `split` into a `Transport`. The responder shows itself first, so a dialler that expects
another networker stops after message 2 without having revealed itself [R-NOISE-2]. The caller brings the
ephemeral key: this package has no randomness. A handshake or transport that failed once refuses everything
after it, and no message is longer than 65,535 bytes.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.limits import KEY_BYTES, MAX_MESSAGE, MAX_NOISE_MESSAGE

PROTOCOL_NAME: Final = b"Noise_XX_25519_AESGCM_SHA256"
TAG_BYTES: Final = 16
MAX_NONCE: Final = 2**64 - 1  # reserved by Noise, never used

# What each message carries, in order; a message's sender is the initiator when its index is even.
_PATTERN: Final = (("e",), ("e", "ee", "s", "es"), ("s", "se"))
# How much longer than its payload each message is: keys and tags.
HANDSHAKE_OVERHEAD: Final = (32, 96, 64)


class Handshake:
    """One side of a handshake. Call `write` and `read` in turn until `finished`, then `split`.

    Args:
        initiator: whether this side dialled; it writes first.
        static: 32 bytes, this side's X25519 session key (private).
        ephemeral: 32 fresh random bytes, never used again.
        prologue: what both sides must agree on (network and version); a difference fails the handshake.

    Raises:
        LocalProtocolError: a key of another length.
    """

    __slots__ = (
        "_broken",
        "_divided",
        "_ephemeral",
        "_initiator",
        "_remote",
        "_remote_ephemeral",
        "_static",
        "_step",
        "_symmetric",
    )

    def __init__(self, initiator: bool, static: bytes, ephemeral: bytes, prologue: bytes) -> None:
        if len(static) != KEY_BYTES or len(ephemeral) != KEY_BYTES:
            raise LocalProtocolError(f"static and ephemeral keys have {KEY_BYTES} bytes")
        self._initiator = initiator
        self._static = X25519PrivateKey.from_private_bytes(static)
        self._ephemeral = X25519PrivateKey.from_private_bytes(ephemeral)
        self._remote = b""
        self._remote_ephemeral = b""
        self._step = 0
        self._broken = False
        self._divided = False
        self._symmetric = _Symmetric(prologue)

    @property
    def finished(self) -> bool:
        """Whether all three messages went through."""
        return self._step == len(_PATTERN) and not self._broken

    @property
    def remote_static(self) -> bytes:
        """The other side's static public key, known to the initiator after message 2, else after message 3.

        Raises:
            LocalProtocolError: asked for before.
        """
        if not self._remote or self._broken:
            raise LocalProtocolError("the other side's static key is not known yet")
        return self._remote

    @property
    def hash(self) -> bytes:
        """32 bytes that stand for this one session: both sides, and nobody else, have the same.

        Raises:
            LocalProtocolError: the handshake is not finished.
        """
        if not self.finished:
            raise LocalProtocolError("the handshake is not finished")
        return self._symmetric.hash

    def write(self, payload: bytes) -> bytes:
        """The next message of this side.

        Args:
            payload: in clear in message 1, sealed and authenticated in messages 2 and 3.

        Raises:
            LocalProtocolError: not this side's turn, a handshake that failed, or a payload too long.
            RemoteProtocolError: `handshake`: the other side's key gives an all-zero secret.
        """
        if self._broken or self._step == len(_PATTERN) or (self._step % 2 == 0) != self._initiator:
            raise LocalProtocolError("no handshake message is to be written now")
        if len(payload) + HANDSHAKE_OVERHEAD[self._step] > MAX_NOISE_MESSAGE:
            raise LocalProtocolError(f"{len(payload)} bytes of payload do not fit a handshake message")
        self._broken = True  # until the message is whole
        symmetric = self._symmetric
        message = bytearray()
        for token in _PATTERN[self._step]:
            if token == "e":
                public = self._ephemeral.public_key().public_bytes_raw()
                symmetric.mix_hash(public)
                message += public
            elif token == "s":
                message += symmetric.seal(self._static.public_key().public_bytes_raw())
            else:
                symmetric.mix_key(self._agree(token))
        message += symmetric.seal(payload)
        self._broken = False
        self._step += 1
        return bytes(message)

    def read(self, message: bytes) -> bytes:
        """The payload of the next message of the other side.

        Raises:
            RemoteProtocolError: `handshake`: out of turn, too short or long, not authentic, or a key that
                gives an all-zero secret. The handshake is over then.
        """
        if self._broken or self._step == len(_PATTERN) or (self._step % 2 == 0) == self._initiator:
            raise self._failed("a handshake message came out of turn")
        if len(message) > MAX_NOISE_MESSAGE:
            raise self._failed(f"a handshake message is longer than {MAX_NOISE_MESSAGE} bytes")
        self._broken = True  # until the message has proved whole
        symmetric = self._symmetric
        at = 0
        for token in _PATTERN[self._step]:
            if token == "e":
                self._remote_ephemeral = self._cut(message, at, KEY_BYTES)
                symmetric.mix_hash(self._remote_ephemeral)
                at += KEY_BYTES
            elif token == "s":
                self._remote = symmetric.open(self._cut(message, at, KEY_BYTES + TAG_BYTES))
                at += KEY_BYTES + TAG_BYTES
            else:
                symmetric.mix_key(self._agree(token))
        payload = symmetric.open(message[at:])
        self._broken = False
        self._step += 1
        return payload

    def split(self) -> Transport:
        """The transport of this side.

        Raises:
            LocalProtocolError: the handshake is not finished, or was split before.
        """
        if not self.finished or self._divided:
            raise LocalProtocolError("only a finished handshake can be split, and only once")
        self._divided = True
        first, second = self._symmetric.split()
        return Transport(first, second) if self._initiator else Transport(second, first)

    def _agree(self, token: str) -> bytes:
        """The shared secret of a token: first letter the initiator's key, second the responder's."""
        mine, theirs = (token[0], token[1]) if self._initiator else (token[1], token[0])
        private = self._ephemeral if mine == "e" else self._static
        public = self._remote_ephemeral if theirs == "e" else self._remote
        try:
            return private.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError as error:  # all-zero: a key of small order
            raise RemoteProtocolError("handshake", "the other side's key gives no secret") from error

    def _cut(self, message: bytes, at: int, length: int) -> bytes:
        part = message[at : at + length]
        if len(part) != length:
            raise RemoteProtocolError("handshake", "a handshake message is cut off")
        return part

    def _failed(self, text: str) -> RemoteProtocolError:
        self._broken = True
        return RemoteProtocolError("handshake", text)


class Transport:
    """An established session: messages in order, each direction under its own key.

    A message that does not decrypt ends it for good, in both directions.
    """

    __slots__ = ("_failed", "_opener", "_received", "_sealer", "_sent")

    def __init__(self, send_key: bytes, receive_key: bytes) -> None:
        self._sealer = AESGCM(send_key)
        self._opener = AESGCM(receive_key)
        self._sent = 0
        self._received = 0
        self._failed = False

    def encrypt(self, plaintext: bytes) -> bytes:
        """The next message to send, 16 bytes longer than the plaintext.

        Args:
            plaintext: at most 65,519 bytes.

        Raises:
            LocalProtocolError: the plaintext is too long, or all 2^64 - 1 messages of the session are sent.
            RemoteProtocolError: `handshake`: a message of the other side failed before.
        """
        if self._failed:
            raise RemoteProtocolError("handshake", "the session ended with a message that did not decrypt")
        if len(plaintext) > MAX_MESSAGE:
            raise LocalProtocolError(f"{len(plaintext)} bytes do not fit one message of {MAX_MESSAGE}")
        number = self._sent
        if number >= MAX_NONCE:
            raise LocalProtocolError("the session is used up: a new one is needed")
        self._sent = number + 1
        return self._sealer.encrypt(number.to_bytes(12, "big"), plaintext, None)

    def decrypt(self, message: bytes) -> bytes:
        """The plaintext of the next message received.

        Raises:
            RemoteProtocolError: `handshake`: too short or long, altered, lost, repeated or out of order,
                beyond the last nonce, or any message after one that failed.
        """
        number = self._received
        size = len(message)
        if self._failed or number >= MAX_NONCE or not TAG_BYTES <= size <= MAX_NOISE_MESSAGE:
            self._failed = True
            raise RemoteProtocolError(
                "handshake", "no message of this size can be opened in this session now"
            )
        self._received = number + 1
        try:
            return self._opener.decrypt(number.to_bytes(12, "big"), message, None)
        except InvalidTag as error:
            self._failed = True
            raise RemoteProtocolError(
                "handshake", "a message does not decrypt: altered, lost or repeated"
            ) from error


class _Symmetric:
    """Noise's SymmetricState with its CipherState: the running hash, chaining key and handshake cipher."""

    __slots__ = ("_chain", "_cipher", "_nonce", "hash")

    def __init__(self, prologue: bytes) -> None:
        self.hash = PROTOCOL_NAME.ljust(32, b"\x00")
        self._chain = self.hash
        self._cipher: AESGCM | None = None
        self._nonce = 0
        self.mix_hash(prologue)

    def mix_hash(self, data: bytes) -> None:
        self.hash = hashlib.sha256(self.hash + data).digest()

    def mix_key(self, secret: bytes) -> None:
        self._chain, key = _derive(self._chain, secret)
        self._cipher = AESGCM(key)
        self._nonce = 0

    def seal(self, plaintext: bytes) -> bytes:
        sealed = plaintext
        if self._cipher is not None:
            sealed = self._cipher.encrypt(self._nonce.to_bytes(12, "big"), plaintext, self.hash)
            self._nonce += 1
        self.mix_hash(sealed)
        return sealed

    def open(self, sealed: bytes) -> bytes:
        plaintext = sealed
        if self._cipher is not None:
            try:
                plaintext = self._cipher.decrypt(self._nonce.to_bytes(12, "big"), sealed, self.hash)
            except InvalidTag as error:  # also for fewer than 16 bytes
                raise RemoteProtocolError("handshake", "a handshake message does not decrypt") from error
            self._nonce += 1
        self.mix_hash(sealed)
        return plaintext

    def split(self) -> tuple[bytes, bytes]:
        """The keys of the initiator's and of the responder's messages."""
        return _derive(self._chain, b"")


def _derive(chain: bytes, secret: bytes) -> tuple[bytes, bytes]:
    """Noise's HKDF with two outputs."""
    temporary = hmac.digest(chain, secret, "sha256")
    first = hmac.digest(temporary, b"\x01", "sha256")
    return first, hmac.digest(temporary, first + b"\x02", "sha256")
