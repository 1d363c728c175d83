"""Ed25519 in plain integers, for making signatures that no library makes. Slow, not constant time: tests only."""

from __future__ import annotations

import hashlib
from typing import Final

P: Final = 2**255 - 19
L: Final = 2**252 + 27742317777372353535851937790883648493
D: Final = -121665 * pow(121666, -1, P) % P
_SQRT_M1: Final = pow(2, (P - 1) // 4, P)

Point = tuple[int, int]  # affine (x, y)
_Extended = tuple[int, int, int, int]  # (x * z, y * z, z, x * y * z)
ZERO: Final[Point] = (0, 1)


def add(a: Point, b: Point) -> Point:
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2
    return (x1 * y2 + y1 * x2) * pow(1 + k, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P


def negate(point: Point) -> Point:
    return -point[0] % P, point[1]


def multiply(scalar: int, point: Point) -> Point:
    """In extended coordinates: an inversion at the end instead of two for each step."""
    x, y = point
    result, power = (0, 1, 1, 0), (x, y, 1, x * y % P)
    while scalar:
        if scalar & 1:
            result = _add(result, power)
        power, scalar = _add(power, power), scalar >> 1
    x, y, z, _ = result
    inverse = pow(z, -1, P)
    return x * inverse % P, y * inverse % P


def _add(a: _Extended, b: _Extended) -> _Extended:
    (x1, y1, z1, t1), (x2, y2, z2, t2) = a, b
    minus, plus = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    k, z = 2 * D * t1 * t2 % P, 2 * z1 * z2 % P
    e, f, g, h = plus - minus, z - k, z + k, plus + minus
    return e * f % P, g * h % P, f * g % P, e * h % P


def recover(y: int, sign: int) -> Point | None:
    """The point with this y and this lowest bit of x, or None."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * _SQRT_M1 % P
    if x * x % P != square:
        return None
    return (x if x & 1 == sign else -x % P), y % P


def encode(point: Point) -> bytes:
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(data: bytes) -> Point | None:
    """As lenient as can be: a y of p or more is reduced."""
    number = int.from_bytes(data, "little")
    return recover((number & (2**255 - 1)) % P, number >> 255)


def _base() -> Point:
    point = recover(4 * pow(5, -1, P) % P, 0)
    assert point is not None
    return point


def _torsion() -> Point:
    """A point of order 8: what is left of a point when its part in the large subgroup is taken away."""
    y = 2
    while True:
        point = recover(y, 0)
        rest = ZERO if point is None else multiply(L, point)
        if multiply(4, rest) != ZERO:
            return rest
        y += 1


BASE: Final = _base()
TORSION: Final = _torsion()


def challenge(r: bytes, a: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.sha512(r + a + message).digest(), "little") % L


def secret(seed: bytes) -> int:
    """The clamped scalar of a seed."""
    half = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    return half & (2**254 - 8) | 2**254


def sign(seed: bytes, message: bytes) -> tuple[bytes, bytes]:
    """Public key and signature as RFC 8032 makes them."""
    a = encode(multiply(secret(seed), BASE))
    nonce = (
        int.from_bytes(hashlib.sha512(hashlib.sha512(seed).digest()[32:] + message).digest(), "little") % L
    )
    r = encode(multiply(nonce, BASE))
    return a, r + ((nonce + challenge(r, a, message) * secret(seed)) % L).to_bytes(32, "little")


def cofactorless(a: bytes, signature: bytes, message: bytes) -> bool:
    """RFC 8032 without the factor 8, R compared as bytes; none of the other rules."""
    key, s = decode(a), int.from_bytes(signature[32:], "little")
    if key is None:
        return False
    minus = multiply(challenge(signature[:32], a, message), negate(key))
    return encode(add(multiply(s, BASE), minus)) == signature[:32]


def cofactored(a: bytes, signature: bytes, message: bytes) -> bool:
    """8 S B == 8 R + 8 h A; none of the other rules."""
    key, r, s = decode(a), decode(signature[:32]), int.from_bytes(signature[32:], "little")
    if key is None or r is None:
        return False
    right = add(r, multiply(challenge(signature[:32], a, message), key))
    return multiply(8 * s, BASE) == multiply(8, right)
