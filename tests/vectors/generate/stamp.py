"""Makes tests/vectors/stamp.json: proof of work."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Stamps (section 12.2): network, id, bits and nonce (hex) reach the bits, or do not (`stamp`). `hashed` and `work` "
    "are what is hashed and its SHA-256."
)
ID: Final = bytes(range(32))


def _found(network: str, bits: int, exactly: bool = False) -> bytes:
    number = 0
    while True:
        nonce = number.to_bytes(8, "big")
        zeros = 256 - int.from_bytes(_work(network, bits, nonce), "big").bit_length()
        if zeros == bits or (zeros > bits and not exactly):
            return nonce
        number += 1


def _image(network: str, bits: int, nonce: bytes) -> bytes:
    return b"INX/1\0" + network.encode() + b"\0stamp\0" + ID + bytes([bits]) + nonce


def _work(network: str, bits: int, nonce: bytes) -> bytes:
    return hashlib.sha256(_image(network, bits, nonce)).digest()


def vectors() -> list[Vector]:
    found: list[Vector] = []

    def add(
        name: str, comment: str, requirement: str, network: str, bits: int, nonce: bytes, ok: bool
    ) -> None:
        given = {"network": network, "id": ID.hex(), "bits": bits, "nonce": nonce.hex()}
        outcome: dict[str, Any] = {"expected": {"reached": True}} if ok else {"error": "stamp"}
        if 0 <= bits <= 64:
            outcome["hashed"] = _image(network, bits, nonce).hex()
            outcome["work"] = _work(network, bits, nonce).hex()
        found.append(vector(name, comment, requirement, given, **outcome))

    for bits in (0, 1, 7, 8, 9, 12, 16):
        add(
            f"reached-{bits}",
            "exactly so many zero bits",
            "R-STAMP-2",
            "inx",
            bits,
            _found("inx", bits, True),
            True,
        )
    eight = _found("inx", 8, True)
    add("other-bits", "the nonce of 8 bits told as 9", "R-STAMP-2", "inx", 9, eight, False)
    add("here-16", "a nonce for this network", "R-STAMP-1", "inx", 16, _found("inx", 16), True)
    add(
        "other-network",
        "the same nonce in another network",
        "R-STAMP-1",
        "test-1",
        16,
        _found("inx", 16),
        False,
    )
    add("nonce-7", "7 bytes", "R-STAMP-3", "inx", 0, bytes(7), False)
    add("nonce-9", "9 bytes", "R-STAMP-3", "inx", 0, bytes(9), False)
    add("bits-65", "more bits than there may be", "R-STAMP-3", "inx", 65, bytes(8), False)
    add("bits--1", "negative bits", "R-STAMP-3", "inx", -1, bytes(8), False)
    add("not-64", "64 bits, not reached", "R-STAMP-2", "inx", 64, bytes(8), False)
    add("nonce-changed", "the nonce of here-16 and one more", "R-STAMP-2", "inx", 16,
        (int.from_bytes(_found("inx", 16), "big") + 1).to_bytes(8, "big"), False)  # fmt: skip
    return found
