"""Identity payloads and session-key certificates; section 9.3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from netnode.conformance.encoding import decode, encode
from netnode.conformance.entries import INCEPTION, ROTATION, Entry, read_entry
from netnode.conformance.faults import demand
from netnode.conformance.limits import (
    CLOCK_TOLERANCE_MS,
    KEY_BYTES,
    MAX_EPOCHS,
    MAX_NOISE_MESSAGE,
    MILLISECONDS_PER_DAY,
    SESSION_KEY_DAYS,
)
from netnode.conformance.openers import Arrival, Openers
from netnode.conformance.shapes import any_bin, array, bin_, int_, must, row, table
from netnode.conformance.signatures import sign, valid
from netnode.conformance.tags import tag

LONGEST_MS: Final = SESSION_KEY_DAYS * MILLISECONDS_PER_DAY

_PAYLOAD: Final = table({
    "certificate": must(row(bin_(KEY_BYTES), int_(), any_bin)),
    "openers": must(array(lambda entry: isinstance(entry, list), 1, MAX_EPOCHS)),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a side of a handshake is: networker id, newest epoch, certified key, and the openers that say so."""

    id: bytes
    epoch: int
    key: bytes
    openers: Openers


def certified(network: str, key: bytes, until: int) -> bytes:
    """What the signature of a certificate is over. [R-CERT-1]."""
    return tag(network, "session-key") + key + until.to_bytes(8, "big")


def write_identity(network: str, seed: bytes, key: bytes, until: int, openers: list[Entry]) -> bytes:
    """The payload of a networker. [R-CERT-4].

    Args:
        network: the name of the network.
        seed: Ed25519 seed of the signing key of the newest epoch.
        key: X25519 public key of the session.
        until: last moment of the certificate, in milliseconds.
        openers: the inception, then the rotations by epoch.
    """
    certificate = [key, until, sign(seed, certified(network, key, until))]
    return encode({"certificate": certificate, "openers": [opener.alone() for opener in openers]})


def read_identity(network: str, payload: bytes, static: bytes, now: int) -> Identity:
    """Who sent this payload.

    Args:
        network: the name of the network.
        payload: as it came.
        static: the key that the handshake proved.
        now: the receiver's clock, in milliseconds.

    Raises:
        Fault: in the order of [R-CERT-3].
    """
    value = decode(payload, MAX_NOISE_MESSAGE)
    demand(_PAYLOAD(value), "bad_message", "no identity payload")
    openers = Openers(network)
    for epoch, alone in enumerate(value["openers"]):
        entry = read_entry(alone)
        right = entry.header.kind == (ROTATION if epoch else INCEPTION) and entry.header.epoch == epoch
        demand(right, "opener", "not the opener of the next epoch")
        demand(openers.admit(entry) is Arrival.NEWEST, "opener", "opens nothing new")
    key, until, signature = value["certificate"]
    epoch = max(openers.epochs)
    demand(key == static, "certificate", "of another key than that of the handshake")
    least, most = now - CLOCK_TOLERANCE_MS, now + LONGEST_MS + CLOCK_TOLERANCE_MS  # [R-CERT-2]
    demand(least <= until <= most, "certificate", "expired, or too long")
    signing = openers.keys(epoch)[0]
    demand(valid(signing, certified(network, key, until), signature), "certificate", "its signature")
    return Identity(openers.epochs[0][0].header.author, epoch, key, openers)
