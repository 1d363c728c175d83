"""Session keys and the identity payload of a handshake [R-CERT-1..4].

The X25519 session key is certified by the signing key of the newest epoch, with an expiry. The payload carries the
certificate and the inception with all rotations, so that the other side checks the id from nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol import encoding, limits
from protocol.entry import Entry, parse_wire
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.openers import Openers, start
from protocol.signing import Signer, verify
from protocol.tags import tag

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Certificate:
    """A session key (X25519, 32 bytes), valid until `until` (ms UTC), signed."""

    key: bytes
    until: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class RemoteIdentity:
    """Who the other side proved to be: its openers as it told them, and its certificate."""

    openers: Openers
    certificate: Certificate

    @property
    def id(self) -> bytes:
        """The networker's id, 32 bytes."""
        return self.openers.author


def _signed(network: str, key: bytes, until: int) -> bytes:
    return tag(network, "session-key") + key + until.to_bytes(8, "big")


def certify(network: str, signer: Signer, key: bytes, until: int) -> Certificate:
    """Certifies a session key; `until` at most SESSION_KEY_DAYS ahead."""
    return Certificate(key, until, signer.sign(_signed(network, key, until)))


def check_certificate(network: str, signing_key: bytes, certificate: Certificate, now: int) -> None:
    """Checks a certificate under the signing key in force.

    Raises:
        RemoteProtocolError: `certificate`: not signed by that key, expired, or valid for too long.
    """
    longest = now + limits.SESSION_KEY_DAYS * DAY_MS + limits.CLOCK_TOLERANCE_MS
    if not now - limits.CLOCK_TOLERANCE_MS <= certificate.until <= longest:
        raise RemoteProtocolError("certificate", "the session key has expired, or is valid for too long")
    if not verify(signing_key, certificate.signature, _signed(network, certificate.key, certificate.until)):
        raise RemoteProtocolError(
            "certificate", "the session key is not certified by the signing key in force"
        )


def encode_identity(openers: tuple[Entry, ...], certificate: Certificate) -> bytes:
    """The payload of handshake messages 2 and 3: inception, rotations in order of epoch, certificate."""
    return encoding.encode(
        {
            "certificate": [certificate.key, certificate.until, certificate.signature],
            "openers": [entry.wire() for entry in openers],
        }
    )


def read_identity(network: str, payload: bytes, session_key: bytes, now: int) -> RemoteIdentity:
    """Checks an identity payload; numbered in SPEC, the first failure decides the code.

    Args:
        network: the network's name.
        payload: as it came out of the handshake.
        session_key: the static key the handshake proved.
        now: ms UTC, for the certificate only.

    Raises:
        RemoteProtocolError: encoding codes, `bad_message`, opener codes, `certificate`.
    """
    value = encoding.decode(payload, limits.MAX_NOISE_MESSAGE)
    if not isinstance(value, dict):
        raise RemoteProtocolError("bad_message", "an identity payload is a map")
    entries, certificate = value.get("openers"), value.get("certificate")
    if not isinstance(entries, list) or not 1 <= len(entries) <= limits.MAX_EPOCHS:
        raise RemoteProtocolError("bad_message", "an identity payload names its openers")
    if (
        not isinstance(certificate, list)
        or len(certificate) != 3
        or not isinstance(certificate[0], bytes)
        or len(certificate[0]) != limits.KEY_BYTES
        or type(certificate[1]) is not int
        or certificate[1] < 0
        or not isinstance(certificate[2], bytes)
    ):
        raise RemoteProtocolError("bad_message", "a certificate is an array of key, expiry and signature")
    openers = start(network, parse_wire(entries[0]))
    for entry in entries[1:]:
        try:
            openers = openers.admit(parse_wire(entry))
        except NotHeld as error:
            raise RemoteProtocolError("opener", error.text) from error
    if openers.contested is not None or openers.epoch != len(entries) - 1:
        raise RemoteProtocolError("opener", "the openers are not one inception and one rotation per epoch")
    told = Certificate(certificate[0], certificate[1], certificate[2])
    if told.key != session_key:
        raise RemoteProtocolError("certificate", "the certified key is not the one of this handshake")
    check_certificate(network, openers.keys(openers.epoch)[0], told, now)
    return RemoteIdentity(openers, told)
