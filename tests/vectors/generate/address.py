"""Makes tests/vectors/address.json: where a networker's node answers, signed."""

from __future__ import annotations

from typing import Any, Final

from protocol import encoding
from tests.protocol.author import START, Author
from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Address statements (section 12.6), network `test`: the canonical bytes of [statement, openers], hex. Expected: "
    "id, epoch and addresses once form, openers and signature are checked in this order; or the code."
)
PUBLIC: Final = ["wss://shop.example/inx/1", "ws://5.6.7.8:4747/inx/1"]


def vectors() -> list[Vector]:
    found: list[Vector] = []
    author, other, rotated = Author("address"), Author("another"), Author("rotated")
    rotated.write()
    rotated.rotate()
    turned = [entry for entry in rotated.entries if entry.kind in (0, 2)]

    def signed(by: Author = author, network: str = "test", **changed: Any) -> dict[str, Any]:
        epoch = by.entries[-1].epoch
        fields = {"addresses": PUBLIC, "epoch": epoch, "id": by.id, "time": START, **changed}
        image = b"INX/1\0" + network.encode() + b"\0address\0" + encoding.encode(fields)
        return {**fields, "signature": by.signer.sign(image)}

    def add(
        name: str, comment: str, requirement: str, statement: Any, openers: Any = None, error: str | None = None,
        **more: Any,
    ) -> None:  # fmt: skip
        wire = [entry.wire() for entry in (author.entries[:1] if openers is None else openers)]
        raw = statement if isinstance(statement, bytes) else encoding.encode([statement, wire])
        given = {"told": raw.hex()}
        if error:
            found.append(vector(name, comment, requirement, given, error=error))
            return
        told = {key: statement[key] for key in ("addresses", "epoch")} | {"id": statement["id"].hex()}
        found.append(vector(name, comment, requirement, given, expected=told, **more))

    whole = signed()
    image = b"INX/1\0test\0address\0" + encoding.encode({k: v for k, v in whole.items() if k != "signature"})
    inception = author.entries[0]
    add("plain", "two addresses", "R-BOOK-2", whole, signed=image.hex())
    add("rotated", "of epoch 1, with its rotation", "R-BOOK-3", signed(rotated), turned)
    add("eight", "as many addresses as allowed", "R-BOOK-1",
        signed(addresses=[f"ws://5.6.7.{n}:1/inx/1" for n in range(8)]))  # fmt: skip
    add("longest", "an address of 255 characters", "R-BOOK-1",
        signed(addresses=["wss://shop.example/" + "a" * 236]))  # fmt: skip
    add("loopback", "the form is right, whether it may travel is another question", "R-BOOK-5",
        signed(addresses=["ws://127.0.0.1:1/inx/1"]))  # fmt: skip
    add("time-0", "the earliest time", "R-BOOK-1", signed(time=0))
    for field, value in (("addresses", PUBLIC[:1]), ("time", START + 1)):
        add(f"other-{field}", f"{field} changed", "R-BOOK-2", whole | {field: value}, error="signature")
    add("network", "signed for another network", "R-BOOK-2", signed(network="inx"), error="signature")
    add("by-another", "signed by another networker", "R-BOOK-2", {**whole, "signature": signed(other)["signature"]},
        error="signature")  # fmt: skip
    add(
        "anothers-openers", "the openers of another networker", "R-BOOK-3", whole, other.entries[:1], "opener"
    )
    add(
        "another-id",
        "another id than that of the openers",
        "R-BOOK-3",
        whole | {"id": other.id},
        error="opener",
    )
    add("retired", "signed by the key of epoch 0, dated epoch 1", "R-BOOK-3",
        {**signed(rotated), "signature": bytes(64)}, turned, "signature")  # fmt: skip
    add(
        "rotation-lacks",
        "epoch 1 with the inception only",
        "R-BOOK-1",
        signed(rotated),
        turned[:1],
        "bad_message",
    )
    add(
        "rotation-more",
        "epoch 0 with a rotation",
        "R-BOOK-1",
        signed(rotated, epoch=0),
        turned,
        "bad_message",
    )
    add(
        "rotation-first",
        "the rotation before the inception",
        "R-BOOK-3",
        signed(rotated),
        turned[::-1],
        "opener",
    )
    add("inception-twice", "the inception in place of the rotation", "R-BOOK-3", signed(rotated), turned[:1] * 2,
        "opener")  # fmt: skip
    add("form-no-array", "no array", "R-BOOK-1", encoding.encode(whole), error="bad_message")
    add("form-one", "no openers", "R-BOOK-1", encoding.encode([whole]), error="bad_message")
    add(
        "form-three",
        "a member more",
        "R-BOOK-1",
        encoding.encode([whole, [inception.wire()], 0]),
        error="bad_message",
    )
    add(
        "form-openers",
        "openers that are no array",
        "R-BOOK-1",
        encoding.encode([whole, None]),
        error="bad_message",
    )
    add(
        "form-opener",
        "an opener that is no entry",
        "R-BOOK-1",
        encoding.encode([whole, [[]]]),
        error="bad_message",
    )
    for field in whole:
        rest = {key: value for key, value in whole.items() if key != field}
        add(f"lacks-{field}", f"{field} is missing", "R-BOOK-1", rest, error="bad_message")
    add("more", "a field more", "R-BOOK-1", whole | {"zz": 1}, error="bad_message")
    for name, comment, value in (
        ("none", "no address", []),
        ("nine", "one address too many", [f"ws://5.6.7.{n}:1/inx/1" for n in range(9)]),
        ("twice", "an address twice", PUBLIC[:1] * 2),
        ("long", "an address of 256 characters", ["wss://shop.example/" + "a" * 237]),
        ("scheme", "another scheme", ["https://shop.example/"]),
        ("space", "a space", ["ws://shop.example/ "]),
        ("port", "port 0", ["ws://shop.example:0/"]),
        ("bin", "bytes", [b"ws://shop.example/"]),
    ):
        add(f"addresses-{name}", comment, "R-BOOK-1", signed(addresses=value), error="bad_message")
    add("epoch-192", "an epoch beyond the last", "R-BOOK-1", signed(epoch=192), error="bad_message")
    add("id-31", "31 bytes", "R-BOOK-1", signed(id=author.id[1:]), error="bad_message")
    add("signature-63", "63 bytes", "R-BOOK-1", whole | {"signature": bytes(63)}, error="bad_message")
    add("trailing", "a byte behind", "R-BOOK-1",
        encoding.encode([whole, [inception.wire()]]) + b"\0", error="encoding")  # fmt: skip
    return found
