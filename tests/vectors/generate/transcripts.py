"""Makes tests/vectors/transcripts.json: files of deals."""

from __future__ import annotations

from typing import Final

from protocol import encoding
from protocol.deals import transcript
from protocol.deals.transcript import Transcript, verify
from tests.protocol.deals.made import NETWORK, OPENERS
from tests.protocol.deals.test_transcript import deal, written
from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Transcripts (section 21.8): a file (hex). Expected: whether it holds; when it does, ids of its messages in order, "
    "phase and figures; else the place of the faulty message (null: it is none) and the field."
)


def vectors() -> list[Vector]:
    """Files that hold, then files with one fault each."""
    messages = deal()
    data = written(messages)
    bare = transcript.encode(NETWORK, messages, OPENERS)
    head = bare[: bare.index(messages[0].data) - 5]
    blocks = [b"\x02" + len(each.data).to_bytes(4, "big") + each.data for each in messages]
    note = b"\x03\x00\x00\x00\x01\x80"

    def file(*parts: bytes) -> bytes:
        return head + b"".join(parts)

    def flipped(at: int) -> bytes:
        return bare[:at] + bytes((bare[at] ^ 1,)) + bare[at + 1 :]

    last = bare.index(messages[-1].data)
    rows: tuple[tuple[str, str, str, bytes], ...] = (
        ("whole", "a deal with its enclosures", "R-DEAL-26", data),
        ("bare", "without enclosures", "R-DEAL-26", bare),
        ("order", "an order alone", "R-DEAL-26", written(deal(whole=False))),
        ("empty", "no bytes", "R-DEAL-28", b""),
        ("log", "a file of logs", "R-DEAL-28", b"INXLOG1\n"),
        ("network", "no name of a network", "R-DEAL-28", transcript.MAGIC + encoding.encode("UPPER")),
        ("no-message", "openers alone", "R-DEAL-28", head),
        ("no-start", "the order is missing", "R-DEAL-28", file(*blocks[1:])),
        ("no-seen", "the accept is missing", "R-DEAL-28", file(blocks[0], *blocks[2:])),
        ("no-previous", "the seller's confirmation is missing", "R-DEAL-28", file(*blocks[:3], *blocks[4:])),
        ("twice", "the order twice", "R-DEAL-28", file(blocks[0], *blocks)),
        ("enclosure", "an enclosure of no message", "R-DEAL-28", file(*blocks, note)),
        ("kind", "a kind of block that is not known", "R-DEAL-28", file(*blocks, b"\x07\x00\x00\x00\x00")),
        ("cut", "the last byte is missing", "R-DEAL-28", bare[:-1]),
        ("no-openers", "no openers", "R-DEAL-28", transcript.MAGIC + encoding.encode(NETWORK) + b"".join(blocks)),
        ("flip-signature", "one bit of the last signature", "R-DEAL-29", flipped(len(bare) - 1)),
        ("flip-body", "one bit of the ruling's figures", "R-DEAL-29", flipped(len(bare) - 70)),
        ("flip-length", "one bit of the length of the last message", "R-DEAL-29", flipped(last - 1)),
    )  # fmt: skip
    return [
        vector(name, comment, requirement, {"file": content.hex()}, expected=told(content))
        for name, comment, requirement, content in rows
    ]


def told(data: bytes) -> dict[str, object]:
    """What is expected of a file."""
    found = verify(data)
    if not isinstance(found, Transcript):
        return {"valid": False, "message": found.message, "field": found.field}
    return {
        "valid": True,
        "messages": [each.id.hex() for each in found.messages],
        "phase": found.state.phase.value,
        "base": found.state.figures.base,
    }
