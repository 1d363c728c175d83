"""Makes tests/vectors/transcripts.json: files of deals."""

from __future__ import annotations

from typing import Final

from protocol import encoding
from protocol.deals import transcript
from protocol.deals.transcript import Transcript, verify
from protocol.limits import MAX_ENCLOSURE
from tests.protocol.deals.made import ARBITER, NETWORK, OPENERS, SELLER, signed
from tests.protocol.deals.test_offers import FRIEND, offer, ordered
from tests.protocol.deals.test_transcript import deal, written
from tests.protocol.deals.test_transcript_signers import file as signers
from tests.vectors.generate.deals_renewed import forged, renewal, said
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
    keeps = last + messages[-1].data.index(b"keeps") + len(b"keeps")
    signature = last + len(messages[-1].data) - 64
    named = signed([ordered(offer())])
    quoted = transcript.encode(NETWORK, named, [*OPENERS, FRIEND.entries])
    pause = said("pause", 0)
    renewed = [renewal(changes=[pause.data, said("resume", 1).data])]
    most, more = (
        b"\x03" + size.to_bytes(4, "big") + bytes(size) for size in (MAX_ENCLOSURE, MAX_ENCLOSURE + 1)
    )
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
        ("enclosure-longest", "32,768 bytes, of no message", "R-DEAL-28", file(*blocks, most)),
        ("enclosure-too-long", "32,769 bytes, which no block of an enclosure has", "R-DEAL-28", file(*blocks, more)),
        ("offer", "an order on a quote, by a named buyer, with a consent", "R-DEAL-26", quoted),
        ("offer-no-buyer", "the openers of the named buyer are missing", "R-DEAL-28", signers(named, SELLER, ARBITER)),
        ("offer-no-seller", "those of the seller are missing", "R-DEAL-28", signers(named, ARBITER, FRIEND)),
        ("offer-no-arbiter", "those of the arbiter are missing", "R-DEAL-28", signers(named, SELLER, FRIEND)),
        ("offer-nobody", "all are missing: the first signature asked for", "R-DEAL-28", signers(named)),
        ("renewal", "a renewal with two statements", "R-DEAL-26", signers(renewed, SELLER)),
        ("renewal-forged", "a statement that the buyer did not sign", "R-MAN-6",
         signers([renewal(changes=[forged(pause.data)])], SELLER)),
        ("renewal-no-statement", "something that is no statement in the place of one", "R-MAN-6",
         signers([renewal(changes=[b"\x80"])], SELLER)),
        ("flip-signature", "one bit of the last signature", "R-DEAL-29", flipped(signature)),
        ("flip-body", "one bit of what the ruling lets the seller keep", "R-DEAL-29", flipped(keeps)),
        ("flip-key", "one bit of the name of a field", "R-DEAL-29", flipped(keeps - 1)),
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
