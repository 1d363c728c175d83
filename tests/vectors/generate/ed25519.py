"""Makes tests/vectors/ed25519.json: ``python -m tests.vectors.generate.ed25519``."""

from __future__ import annotations

from typing import Final

from tests.vectors.generate import curve
from tests.vectors.generate.curve import BASE, TORSION, L, P, Point
from tests.vectors.generate.writing import Vector, write

ABOUT: Final = (
    "Strict Ed25519. `sign-*`: seed and message give public key and signature (the first three seeds and messages "
    "are RFC 8032's, section 7.1). `key-*`: whether a public key may be loaded. `verify-*`: whether a signature is "
    "valid; `cofactorless` and `cofactored` say what the bare equations give, to show which rule decides. Hex "
    "throughout. Error `key`: the key is refused; error `signature`: the signature is."
)
SEED: Final = bytes(range(32))
SECRET: Final = curve.secret(SEED)
KEY: Final = curve.encode(curve.multiply(SECRET, BASE))
MIXED_POINT: Final = curve.add(curve.multiply(SECRET, BASE), TORSION)
MIXED: Final = curve.encode(MIXED_POINT)
NONCE: Final = 0x1F2E3D4C5B6A79880706050403020100

RFC_8032: Final = (
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "72",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "af82",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    ),
)


def small_order() -> list[bytes]:
    """All 14 encodings of the eight points of small order: both signs of x, and y + p where it fits 255 bits."""
    ys = sorted({curve.multiply(n, TORSION)[1] for n in range(8)})
    numbers = [y + extra for y in ys for extra in (0, P) if y + extra < 2**255]
    return [(number | sign << 255).to_bytes(32, "little") for number in numbers for sign in (0, 1)]


def _scalar(number: int) -> bytes:
    return number.to_bytes(32, "little")


def _verify(
    name: str, comment: str, requirement: str, key: bytes, signature: bytes, message: bytes
) -> Vector:
    vector: Vector = {
        "id": f"verify-{name}",
        "comment": comment,
        "requirement": requirement,
        "input": {"key": key.hex(), "signature": signature.hex(), "message": message.hex()},
    }
    if len(key) == 32 and len(signature) == 64:
        vector["cofactorless"] = curve.cofactorless(key, signature, message)
        vector["cofactored"] = curve.cofactored(key, signature, message)
    return vector


def _valid(*case: object) -> Vector:
    vector = _verify(*case)  # type: ignore[arg-type]
    assert vector["cofactorless"], vector["id"]
    return {**vector, "expected": {"valid": True}}


def _invalid(*case: object) -> Vector:
    return {**_verify(*case), "error": "signature"}  # type: ignore[arg-type]


def _matched(key: bytes, point: Point, scalar: int, wanted: range) -> tuple[bytes, bytes]:
    """A signature that satisfies the cofactorless equation for a key with a part of small order.

    R has to take the part back that h * A brings, and h depends on R: guess h mod 8, try messages until it is so.
    """
    small = curve.multiply(L * pow(L, -1, 8) % (8 * L), point)
    for number in range(10_000):
        guess = wanted[number % len(wanted)]
        message = b"guess %d" % number
        r = curve.encode(curve.add(curve.multiply(NONCE, BASE), curve.multiply(guess, curve.negate(small))))
        h = curve.challenge(r, key, message)
        if h % 8 == guess:
            return r + _scalar((NONCE + h * scalar) % L), message
    raise AssertionError("no message found")


def _signs() -> list[Vector]:
    found: list[Vector] = []
    cases = [(bytes.fromhex(seed), bytes.fromhex(message)) for seed, message, _ in RFC_8032]
    for number, (seed, message) in enumerate([*cases, (SEED, b"INX/1\0inx\0entry\0" + bytes(100))], 1):
        public, signature = curve.sign(seed, message)
        assert number > len(RFC_8032) or public.hex() == RFC_8032[number - 1][2]
        found.append(
            {
                "id": f"sign-{number}",
                "comment": f"RFC 8032 test {number}" if number <= len(RFC_8032) else "a tagged message",
                "requirement": "R-SIG-4",
                "input": {"seed": seed.hex(), "message": message.hex()},
                "expected": {"public": public.hex(), "signature": signature.hex()},
            }
        )
    return found


def _keys() -> list[Vector]:
    def case(name: str, comment: str, key: bytes, good: bool = False) -> Vector:
        outcome: Vector = {"expected": {"accepted": True}} if good else {"error": "key"}
        head = {
            "id": f"key-{name}",
            "comment": comment,
            "requirement": "R-SIG-5" if key == MIXED else "R-SIG-1",
        }
        return {**head, "input": {"key": key.hex()}, **outcome}

    found = [
        case("plain", "an honest key", KEY, good=True),
        case("mixed", "an honest key plus a point of order 8: allowed", MIXED, good=True),
        case("empty", "no bytes", b""),
        case("short", "31 bytes", KEY[:31]),
        case("long", "33 bytes", KEY + b"\0"),
        case("ones", "y far beyond p", b"\xff" * 32),
    ]
    off = next(y for y in range(2, 100) if curve.recover(y, 0) is None)
    found.append(case("off-curve", f"no point has y = {off}", off.to_bytes(32, "little")))
    top = next(y for y in range(P - 2, 0, -1) if curve.recover(y, 0) is not None)
    found.append(
        case("largest", "the largest y of a point that is allowed", top.to_bytes(32, "little"), good=True)
    )
    for number, key in enumerate(small_order()):
        found.append(case(f"small-{number}", "an encoding of a point of small order", key))
    for extra in range(2, 19):
        if curve.recover(extra, 0) is not None:
            for sign in (0, 1):
                key = (P + extra | sign << 255).to_bytes(32, "little")
                found.append(
                    case(f"not-canonical-{extra}-{sign}", f"y = p + {extra}, a point of the curve", key)
                )
    return found


def _verifies() -> list[Vector]:
    message = b"an honest message"
    key, signature = curve.sign(SEED, message)
    other, _ = curve.sign(bytes(32), b"")
    s = int.from_bytes(signature[32:], "little")
    found = [
        _valid("plain", "an honest signature", "R-SIG-4", key, signature, message),
        _valid("empty", "over the empty message", "R-SIG-4", key, curve.sign(SEED, b"")[1], b""),
        _invalid("message", "over another message", "R-SIG-4", key, signature, message + b"\0"),
        _invalid("key", "by another key", "R-SIG-4", other, signature, message),
        _invalid(
            "flip-r", "one bit of R", "R-SIG-4", key, bytes([signature[0] ^ 1]) + signature[1:], message
        ),
        _invalid("flip-s", "one bit of S", "R-SIG-4", key, signature[:40] + b"\0" + signature[41:], message),
        _invalid("zero", "all zero", "R-SIG-3", key, bytes(64), message),
        _invalid("short", "63 bytes of signature", "R-SIG-4", key, signature[:63], message),
        _invalid("long", "65 bytes of signature", "R-SIG-4", key, signature + b"\0", message),
        _invalid("no-signature", "no signature", "R-SIG-4", key, b"", message),
        _invalid("short-key", "31 bytes of key", "R-SIG-1", key[:31], signature, message),
        _invalid("long-key", "33 bytes of key", "R-SIG-1", key + b"\0", signature, message),
    ]
    for times in (1, 2, 7, 14):
        comment = f"S + {times} L, which the equations do not tell from S"
        altered = signature[:32] + _scalar(s + times * L)
        found.append(_invalid(f"s-plus-{times}l", comment, "R-SIG-2", key, altered, message))

    # keys of small order: valid by both equations, and anybody can make them
    for number, small in enumerate(small_order()):
        point = curve.decode(small)
        assert point is not None
        forged, text = _matched(small, point, 0, range(8))
        found.append(_invalid(f"small-a-{number}", "a key of small order", "R-SIG-1", small, forged, text))
        assert found[-1]["cofactorless"] and found[-1]["cofactored"]

    # R of small order, by an honest and by a mixed key
    for number, small in enumerate(small_order()):
        h = curve.challenge(small, key, message)
        forged = small + _scalar(h * SECRET % L)
        found.append(_invalid(f"small-r-{number}", "R of small order", "R-SIG-3", key, forged, message))
        assert found[-1]["cofactored"]
    for number in range(1_000):
        signed = b"mixed %d" % number
        small = curve.encode(curve.multiply(3, TORSION))
        h = curve.challenge(small, MIXED, signed)
        if curve.encode(curve.multiply(h % 8, curve.negate(TORSION))) == small:
            forged = small + _scalar(h * SECRET % L)
            found.append(
                _invalid(
                    "small-r-mixed-a", "R of order 8 that fits a mixed key", "R-SIG-3", MIXED, forged, signed
                )
            )
            assert found[-1]["cofactorless"]
            break

    # keys and R of mixed order: here the two equations part
    pure, signed = _matched(MIXED, MIXED_POINT, SECRET, range(1))
    found.append(
        _valid(
            "mixed-a", "a mixed key, h divisible by 8, R without a small part", "R-SIG-5", MIXED, pure, signed
        )
    )
    fitting, signed = _matched(MIXED, MIXED_POINT, SECRET, range(1, 8))
    found.append(
        _valid("mixed-a-r", "a mixed key, and R takes its small part back", "R-SIG-5", MIXED, fitting, signed)
    )
    for number in range(1_000):
        signed = b"cofactored only %d" % number
        r = curve.encode(curve.multiply(NONCE, BASE))
        h = curve.challenge(r, MIXED, signed)
        if h % 8:
            forged = r + _scalar((NONCE + h * SECRET) % L)
            found.append(
                _invalid(
                    "mixed-a-cofactored", "a mixed key, valid only times 8", "R-SIG-4", MIXED, forged, signed
                )
            )
            break
    r = curve.encode(curve.add(curve.multiply(NONCE, BASE), TORSION))
    forged = r + _scalar((NONCE + curve.challenge(r, key, message) * SECRET) % L)
    found.append(
        _invalid(
            "mixed-r-cofactored", "R of mixed order, valid only times 8", "R-SIG-4", key, forged, message
        )
    )
    for vector in found[-2:]:
        assert vector["cofactored"] and not vector["cofactorless"]
    return found


def vectors() -> list[Vector]:
    return [*_signs(), *_keys(), *_verifies()]


if __name__ == "__main__":
    write("ed25519", ABOUT, vectors())
