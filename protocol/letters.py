"""Letters: sealed messages between two networkers, or a networker and a buyer without a node [R-LET-1..12].

A letter is the canonical array ``[1, sender, recipient, key, id, expires, token, stamp, sealed]``. Everybody who
carries it reads the first eight; `sealed` is one byte that names the suite and what HPKE made of the plaintext, with
``info`` = tag("letter") and the canonical array of the first six. The plaintext is the canonical array ``[content,
epoch, openers, signature, padding]``: who wrote it is proved inside, by a signature that also covers recipient, key,
id and expiry, so that a letter sealed again for somebody else proves nothing there.

Nothing here seals or opens; HPKE is behind the node's `Sealer` port.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from protocol import encoding, limits, stamp
from protocol.entry import INCEPTION, ROTATION, Entry, parse_wire
from protocol.errors import LocalProtocolError, NotHeld, RemoteProtocolError, Void
from protocol.openers import Openers, start
from protocol.signing import SIGNATURE_BYTES, Signer, check_key, verify
from protocol.tags import tag

VERSION: Final = 1
_PARTS: Final = 9
_NAMES: Final = ("sender", "recipient", "key", "id")
_SIZES: Final = (limits.HASH_BYTES, limits.HASH_BYTES, limits.LETTER_KEY_BYTES, limits.LETTER_ID_BYTES)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is bound by the seal and by the signature inside.

    Attributes:
        sender: networker id, or the Ed25519 key of a buyer without a node; 32 bytes.
        recipient: the same of who reads it.
        key: `key_id` of the X25519 key it is sealed to; 16 bytes.
        id: 16 random bytes.
        expires: ms UTC; nobody keeps or takes it later.
    """

    sender: bytes
    recipient: bytes
    key: bytes
    id: bytes
    expires: int

    def wire(self) -> list[Any]:
        """The first six members of a letter."""
        return [VERSION, self.sender, self.recipient, self.key, self.id, self.expires]


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as it travels; `data` is the whole of it."""

    data: bytes = field(repr=False)
    envelope: Envelope
    token: bytes | None = field(repr=False)
    stamp: tuple[int, bytes] | None
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """A letter whose signature holds.

    Attributes:
        content: canonical bytes; see `letter_bodies`.
        epoch: whose signing key of the sender signed; None for a sender without a log.
        key: that signing key.
        openers: what is known of the sender's keys, those of the letter included; None for a sender without a log.
    """

    content: bytes = field(repr=False)
    epoch: int | None
    key: bytes
    openers: Openers | None


# -- the frame -----------------------------------------------------------------------------------------------
def assemble(
    envelope: Envelope, sealed: bytes, token: bytes | None = None, stamp: tuple[int, bytes] | None = None
) -> Letter:
    """A letter from its parts.

    Raises:
        LocalProtocolError: it is longer than MAX_LETTER, or a part has a wrong form.
    """
    data = encoding.encode([*envelope.wire(), token, None if stamp is None else list(stamp), sealed])
    try:
        return parse(data)
    except RemoteProtocolError as error:
        raise LocalProtocolError(error.text) from error


def parse(data: bytes) -> Letter:
    """The frame of a letter [R-LET-1]; nothing of it is proved yet.

    Raises:
        RemoteProtocolError: `letter`: too long, not canonical, or a member of a wrong form.
    """
    if len(data) > limits.MAX_LETTER:
        raise _fault(f"it has {len(data)} bytes, at most {limits.MAX_LETTER} are allowed")
    try:
        value = encoding.decode(data, limits.MAX_LETTER)
    except RemoteProtocolError as error:
        raise _fault(error.text) from error
    if not isinstance(value, list) or len(value) != _PARTS:
        raise _fault(f"it is an array of {_PARTS}")
    version, sender, recipient, key, id, expires, token, stamp, sealed = value
    if type(version) is not int or version != VERSION:
        raise _fault(f"its version is {VERSION}")
    for name, member, size in zip(_NAMES, (sender, recipient, key, id), _SIZES, strict=True):
        if type(member) is not bytes or len(member) != size:
            raise _fault(f"its {name} has {size} bytes")
    if type(expires) is not int or expires < 0:
        raise _fault("its expiry is a time in ms")
    if token is not None and (type(token) is not bytes or not 1 <= len(token) <= limits.MAX_LETTER_TOKEN):
        raise _fault(f"its token is nil or has 1 to {limits.MAX_LETTER_TOKEN} bytes")
    if type(sealed) is not bytes or not sealed:
        raise _fault("its sealed part has at least one byte")
    return Letter(data, Envelope(sender, recipient, key, id, expires), token, _stamp(stamp), sealed)


def _stamp(value: object) -> tuple[int, bytes] | None:
    if value is None:
        return None
    match value:
        case [int() as bits, bytes() as nonce] if (
            type(bits) is int
            and 0 <= bits <= limits.MAX_STAMP_BITS
            and len(nonce) == limits.STAMP_NONCE_BYTES
        ):
            return (bits, nonce)
    raise _fault("its stamp is nil, or an array of bits and nonce")


def key_id(network: str, x25519: bytes) -> bytes:
    """How a letter names the key it is sealed to: 16 bytes [R-LET-2]."""
    return hashlib.sha256(tag(network, "key id") + x25519).digest()[: limits.LETTER_KEY_BYTES]


def info(network: str, envelope: Envelope) -> bytes:
    """The `info` of HPKE [R-LET-3]."""
    return tag(network, "letter") + encoding.encode(envelope.wire())


# -- the plaintext -------------------------------------------------------------------------------------------
def signed_bytes(network: str, envelope: Envelope, content: bytes) -> bytes:
    """What the signature inside is over [R-LET-4]."""
    return tag(network, "letter content") + encoding.encode([*envelope.wire(), content])


def compose(
    network: str,
    signer: Signer,
    envelope: Envelope,
    content: bytes,
    epoch: int | None = None,
    openers: Sequence[Entry] = (),
) -> bytes:
    """The plaintext of a letter, signed and padded.

    Args:
        network: name of the network.
        signer: the sender's signing key of `epoch`; of a sender without a log the key that is its name.
        envelope: of this letter and no other.
        content: canonical bytes of `letter_bodies.encode_content`.
        epoch: of the signing key; None for a sender without a log.
        openers: the sender's inception and rotations, so that a stranger can check it; may be left out for a recipient
            that holds the sender's log.
    """
    signature = signer.sign(signed_bytes(network, envelope, content))
    entries = [entry.wire() for entry in openers]
    bare = len(encoding.encode([content, epoch, entries, signature, b""]))
    return encoding.encode([content, epoch, entries, signature, bytes(-bare % limits.LETTER_PADDING)])


def read(network: str, envelope: Envelope, plaintext: bytes, known: Openers | None = None) -> Opened:
    """Checks an opened plaintext; numbered in SPEC, the first failure decides the code [R-LET-5].

    Args:
        network: name of the network.
        envelope: of the letter that was opened.
        plaintext: what its seal gave.
        known: what is known here of the sender's keys; None when nothing is.

    Raises:
        RemoteProtocolError: `letter`: it has a wrong form, or nobody signed it for this envelope.
        NotHeld: `letter_key`: signed by a retired key; `unknown_author`, `unknown_epoch`: the sender's openers are
            missing; `contested`: nobody can say which key is the sender's.
    """
    content, epoch, entries, signature = _members(plaintext)
    if epoch is None:
        if entries:
            raise _fault("a sender without a log has no openers")
        key, openers = envelope.sender, None
        try:
            check_key(key)
        except RemoteProtocolError as error:
            raise _fault(f"its sender: {error.text}") from error
    else:
        openers = _openers(network, envelope.sender, entries, known)
        key = _key(openers, epoch)
    if not verify(key, signature, signed_bytes(network, envelope, content)):
        raise _fault("its signature is not its sender's, or not for this letter")
    return Opened(content, epoch, key, openers)


def _members(plaintext: bytes) -> tuple[bytes, int | None, list[Any], bytes]:
    if len(plaintext) % limits.LETTER_PADDING:
        raise _fault(f"its plaintext is padded to a multiple of {limits.LETTER_PADDING} bytes")
    try:
        value = encoding.decode(plaintext, limits.MAX_LETTER)
    except RemoteProtocolError as error:
        raise _fault(f"its plaintext: {error.text}") from error
    match value:
        case [bytes() as content, epoch, list() as entries, bytes() as signature, bytes() as padding] if (
            (epoch is None or (type(epoch) is int and 0 <= epoch < limits.MAX_EPOCHS))
            and len(entries) <= limits.MAX_EPOCHS
            and len(signature) == SIGNATURE_BYTES
            and len(content) <= limits.MAX_LETTER_CONTENT
            and padding == bytes(len(padding))
            and len(padding) < limits.LETTER_PADDING
        ):
            return content, epoch, entries, signature
    raise _fault("its plaintext is an array of content, epoch, openers, signature and padding")


def _openers(network: str, sender: bytes, entries: list[Any], known: Openers | None) -> Openers:
    openers = known
    try:
        told = [parse_wire(entry) for entry in entries]
        if any(entry.kind not in (INCEPTION, ROTATION) for entry in told):
            raise _fault("of its sender's openers a letter holds inception and rotations alone")
        if told and openers is None:
            openers = start(network, told[0])
        for entry in told:
            openers = openers.admit(entry) if openers is not None else None
    except RemoteProtocolError as error:
        raise _fault(f"the openers of its sender: {error.text}") from error
    if openers is None:
        raise NotHeld("unknown_author", "the keys of the letter's sender are not known here")
    if openers.author != sender:
        raise _fault("the openers in it are not its sender's")
    if openers.contested is not None:
        raise NotHeld("contested", "the identity of the letter's sender is contested")
    return openers


def _key(openers: Openers, epoch: int) -> bytes:
    if epoch > openers.epoch:
        raise NotHeld("unknown_epoch", "the signing key of the letter's sender is newer than known here")
    if epoch < openers.epoch:
        raise NotHeld("letter_key", "the letter is signed by a key that its sender has replaced")
    return openers.keys(epoch)[0]


# -- tokens and stamps ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Token:
    """A recipient's word that a sender may write until a time; `epoch` of the key that signed, None for a bare key."""

    sender: bytes
    expires: int
    epoch: int | None
    signature: bytes


def _token_bytes(network: str, recipient: bytes, token: Token) -> bytes:
    fields = [recipient, token.sender, token.expires, token.epoch]
    return tag(network, "letter token") + encoding.encode(fields)


def sign_token(
    network: str, signer: Signer, *, recipient: bytes, sender: bytes, expires: int, epoch: int | None
) -> bytes:
    """A token for a letter's frame [R-LET-9].

    Args:
        network: name of the network.
        signer: the recipient's signing key of `epoch`, or the key that is its name.
        recipient: who signs.
        sender: who may write.
        expires: ms UTC.
        epoch: of the signing key; None for a recipient without a log.
    """
    unsigned = Token(sender, expires, epoch, b"")
    signature = signer.sign(_token_bytes(network, recipient, unsigned))
    return encoding.encode([sender, expires, epoch, signature])


def parse_token(data: bytes) -> Token:
    """The form of a token.

    Raises:
        RemoteProtocolError: `letter_token`.
    """
    try:
        value = encoding.decode(data, limits.MAX_LETTER_TOKEN)
    except RemoteProtocolError as error:
        raise RemoteProtocolError("letter_token", f"the token: {error.text}") from error
    match value:
        case [bytes() as sender, int() as expires, epoch, bytes() as signature] if (
            len(sender) == limits.HASH_BYTES
            and type(expires) is int
            and expires >= 0
            and (epoch is None or (type(epoch) is int and 0 <= epoch < limits.MAX_EPOCHS))
            and len(signature) == SIGNATURE_BYTES
        ):
            return Token(sender, expires, epoch, signature)
    raise RemoteProtocolError("letter_token", "a token is an array of sender, expiry, epoch and signature")


def check_token(network: str, envelope: Envelope, data: bytes, openers: Openers | None, now: int) -> None:
    """Whether a token lets a letter's sender write to its recipient now [R-LET-9].

    Args:
        network: name of the network.
        envelope: of the letter.
        data: the token.
        openers: of the recipient; None when it has no log, or none is held here.
        now: ms UTC.

    Raises:
        RemoteProtocolError: `letter_token`: it has another form, is for somebody else, over, or not signed by the
            recipient's key in force.
    """
    token = parse_token(data)
    if token.sender != envelope.sender:
        raise RemoteProtocolError("letter_token", "the token is for another sender")
    if token.expires < now:
        raise RemoteProtocolError("letter_token", "the token's time is over")
    if token.epoch is None:
        keys: tuple[bytes, ...] = (envelope.recipient,)
    elif openers is None or openers.contested is not None or token.epoch != openers.epoch:
        raise RemoteProtocolError("letter_token", "the token is not of a key in force of the recipient")
    else:
        keys = openers.keys(token.epoch)
    message = _token_bytes(network, envelope.recipient, token)
    if not any(verify(key, token.signature, message) for key in keys):
        raise RemoteProtocolError("letter_token", "the token is not signed by the recipient")


def stamped(network: str, letter: Letter, bits: int) -> bool:
    """Whether a letter shows a stamp of its sender of at least so many bits [R-LET-10]."""
    if letter.stamp is None or letter.stamp[0] < bits:
        return False
    try:
        stamp.check(network, letter.envelope.sender, *letter.stamp)
    except Void:
        return False
    return True


def _fault(text: str) -> RemoteProtocolError:
    return RemoteProtocolError("letter", f"a letter that cannot be read: {text}")
