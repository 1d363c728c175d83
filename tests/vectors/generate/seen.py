"""Makes tests/vectors/seen.json: statements that an entry was seen."""

from __future__ import annotations

from typing import Any, Final

from protocol import encoding
from protocol.signing import Signer
from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Seen statements (section 12.3), network `inx`: the canonical bytes of a statement and the key of its witness "
    "(hex). Expected: valid. `signature`: the signature is not valid; other codes: the form is wrong."
)
WITNESS: Final = Signer(bytes(range(32)))
FIELDS: Final[dict[str, Any]] = {
    "author": b"a" * 32, "epoch": 1, "id": b"i" * 32, "seq": 70_000, "term": 2, "time": 1_700_000_000_000,
    "witness": b"w" * 32, "witness_epoch": 3,
}  # fmt: skip


def vectors() -> list[Vector]:
    found: list[Vector] = []

    def signed(fields: dict[str, Any], network: str = "inx") -> dict[str, Any]:
        image = b"INX/1\0" + network.encode() + b"\0seen\0" + encoding.encode(fields)
        return {**fields, "signature": WITNESS.sign(image)}

    def add(
        name: str, comment: str, requirement: str, data: Any, error: str | None = None, **more: Any
    ) -> None:
        raw = data if isinstance(data, bytes) else encoding.encode(data)
        outcome: dict[str, Any] = {"error": error} if error else {"expected": {"valid": True}}
        given = {"statement": raw.hex(), "key": WITNESS.public.hex()}
        found.append(vector(name, comment, requirement, given, **outcome, **more))

    whole = signed(FIELDS)
    image = b"INX/1\0inx\0seen\0" + encoding.encode(FIELDS)
    add("plain", "a statement", "R-SEEN-2", whole, signed=image.hex())
    add("zeros", "the smallest numbers", "R-SEEN-1",
        signed({**FIELDS, "epoch": 0, "seq": 0, "term": 0, "time": 0, "witness_epoch": 0}))  # fmt: skip
    add("largest", "the largest numbers", "R-SEEN-1", signed({**FIELDS, "seq": 2**40 - 1, "term": 2**53 - 1}))
    for field in ("author", "id", "witness"):
        add(f"other-{field}", f"{field} changed", "R-SEEN-2", whole | {field: b"x" * 32}, "signature")
    for field in ("epoch", "seq", "term", "time", "witness_epoch"):
        add(f"other-{field}", f"{field} changed", "R-SEEN-2", whole | {field: FIELDS[field] + 1}, "signature")
    add("network", "signed for another network", "R-SEEN-2", signed(FIELDS, "test"), "signature")
    for field in whole:
        rest = {key: value for key, value in whole.items() if key != field}
        add(f"lacks-{field}", f"{field} is missing", "R-SEEN-1", rest, "bad_message")
    add("more", "a field more", "R-SEEN-1", whole | {"zz": 1}, "bad_message")
    add("seq-2^40", "a seq too high", "R-SEEN-1", signed({**FIELDS, "seq": 2**40}), "bad_message")
    for field in ("epoch", "witness_epoch"):
        add(f"{field}-191", f"the last {field}", "R-SEEN-1", signed({**FIELDS, field: 191}))
        add(
            f"{field}-192",
            f"{field} beyond the last",
            "R-SEEN-1",
            signed({**FIELDS, field: 192}),
            "bad_message",
        )
    add("signature-63", "63 bytes", "R-SEEN-1", whole | {"signature": bytes(63)}, "bad_message")
    add("author-31", "31 bytes", "R-SEEN-1", whole | {"author": bytes(31)}, "bad_message")
    add("trailing", "a byte behind", "R-SEEN-1", encoding.encode(whole) + b"\0", "encoding")
    return found
