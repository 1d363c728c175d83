"""The file of a deal: one for one set, proved by itself, and every flipped bit is named."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from protocol import encoding
from protocol.deals import bodies, transcript
from protocol.deals.enclosures import Goods, GoodsLine, Note
from protocol.deals.message import Message
from protocol.deals.transcript import Fault, Transcript, enclosed, in_order, verify
from protocol.errors import LocalProtocolError
from tests.protocol.author import Author
from tests.protocol.deals.made import ARBITER, BUYER, NETWORK, OPENERS, SELLER, Play, order, signed, started

GOODS = encoding.encode_struct(
    Goods(salt=b"s" * 16, lines=(GoodsLine(amount=100, quantity=1, title="Tea", unit_price=100),))
)
NOTE = encoding.encode_struct(Note(salt=b"n" * 16, tracking="00340434161094042557"))


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def deal(*, whole: bool = True) -> list[Message]:
    """A deal with goods and tracking enclosed; signed."""
    first = msgspec.structs.replace(order(), enclosed=digest(GOODS))
    play = Play(started(first))
    if whole:
        play.say("seller", bodies.Accept(key=BUYER.public, listing=b"l" * 32))
        sent = play.say("buyer", bodies.PaymentSent(amount=100))
        play.say("seller", bodies.PaymentReceived(amount=100, payment=sent.id))
        play.say("seller", bodies.Fulfil(enclosed=digest(NOTE)))
        play.say("buyer", bodies.Dispute(claim=0))
        dispute = play.messages[-1]
        play.say("arbiter", bodies.Ruling(dispute=dispute.id, keeps=100, paid=100, delivered=(0,)))
    return play.signed()


def written(messages: list[Message]) -> bytes:
    return transcript.encode(NETWORK, messages, OPENERS, [GOODS, NOTE])


def fault(data: bytes) -> Fault:
    found = verify(data)
    assert isinstance(found, Fault)
    return found


def test_a_file_proves_the_deal_and_its_state() -> None:
    """R-DEAL-26, 27."""
    messages = deal()
    proved = verify(written(messages))
    assert isinstance(proved, Transcript)
    assert proved.network == NETWORK
    assert [each.id for each in proved.messages] == [each.id for each in messages]
    assert proved.enclosures == {digest(GOODS): GOODS, digest(NOTE): NOTE}
    assert proved.state.phase.value == "final"
    assert proved.state.ruling is not None


def test_one_set_has_one_file() -> None:
    """R-DEAL-26: whatever order the messages come in, and whatever else is at hand."""
    messages = deal()
    data = written(messages)
    strangers = [Author("stranger").entries]
    spare = transcript.encode(
        NETWORK, [*reversed(messages), messages[0]], [*strangers, *reversed(OPENERS)], [b"\x80", NOTE, GOODS]
    )
    assert spare == data


def test_enclosures_may_be_left_out() -> None:
    """R-DEAL-26: the deal proves itself without what is private."""
    proved = verify(transcript.encode(NETWORK, deal(), OPENERS))
    assert isinstance(proved, Transcript)
    assert proved.enclosures == {}


@pytest.mark.parametrize("whole", [False, True])
def test_every_flipped_bit_is_named(whole: bool) -> None:
    """R-DEAL-29: no bit of a file is free, and the fault names the block that it is in."""
    messages = deal(whole=whole)
    data = written(messages)
    # Of the whole deal one bit a byte, each bit by turns; of the order alone every bit.
    flips = range(len(data) * 8) if not whole else range(0, len(data) * 8, 9)
    starts = [data.index(message.data) for message in messages]
    for bit in flips:
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        found = verify(bytes(flipped))
        assert isinstance(found, Fault), bit
        assert found.field, bit
        assert found.reason, bit
        for index, start in enumerate(starts):
            if start <= bit // 8 < start + len(messages[index].data):
                # A message whose bytes changed no longer proves itself, whatever else no longer fits.
                assert found.message == index, (bit, found)


def test_each_fault_is_named() -> None:
    """R-DEAL-28: message, field and reason of what a file lacks or has too much."""
    messages = deal()
    data = written(messages)
    head = data[: data.index(messages[0].data) - 5]
    blocks = [
        bytes((transcript.MESSAGE,)) + len(each.data).to_bytes(4, "big") + each.data for each in messages
    ]

    def file(*parts: bytes) -> bytes:
        return head + b"".join(parts)

    assert isinstance(verify(file(*blocks)), Transcript)
    other = next(
        each for number in range(99) if (each := Author(f"other {number}")).id > max(SELLER.id, ARBITER.id)
    )
    more = encoding.encode([each.wire() for each in other.entries])
    idle = bytes((transcript.OPENERS,)) + len(more).to_bytes(4, "big") + more
    note = bytes((transcript.ENCLOSURE,)) + len(NOTE).to_bytes(4, "big") + NOTE
    for content, message, where in (
        (b"", None, "file"),
        (b"INXLOG1\n", None, "file"),
        (transcript.MAGIC, None, "network"),
        (transcript.MAGIC + encoding.encode("UPPER"), None, "network"),
        (transcript.MAGIC + encoding.encode("other"), None, "file"),
        (file(), None, "file"),
        (file(*blocks[1:]), 0, "type"),
        (file(blocks[0], *blocks[2:]), 1, "seen"),
        (file(*blocks[:3], *blocks[4:]), 3, "previous"),
        (file(blocks[0], *blocks), 1, "message"),
        (file(*blocks, blocks[-1]), 7, "message"),
        (file(*blocks, note), 6, "enclosed"),
        (file(*blocks[:5], note, note, *blocks[5:]), 4, "enclosed"),
        (file(note, *blocks), None, "enclosed"),
        (file(*blocks, b"\x07\x00\x00\x00\x00"), 7, "block"),
        (file(*blocks)[:-1], 6, "length"),
        (file(*blocks, b"\x02\x00"), 7, "length"),
        (file(*blocks, b"\x02\x00\x00\x00\x01\x80"), 7, "message"),
        (file(idle, *blocks), None, "openers"),
        (file(*blocks, b"\x01\x00\x00\x00\x01\x90"), 7, "openers"),
        (transcript.MAGIC + encoding.encode(NETWORK) + b"\x01\x00\x00\x00\x01\x90", None, "openers"),
        (transcript.MAGIC + encoding.encode(NETWORK) + b"\x01\x00\x00\x00\x01\x03", None, "openers"),
        (transcript.MAGIC + encoding.encode(NETWORK) + b"".join(blocks), 0, "body.terms.consent"),
        (transcript.MAGIC + encoding.encode("othr") + data[len(transcript.MAGIC) + 5 :], None, "openers"),
    ):
        found = fault(content)
        assert (found.message, found.field) == (message, where), found


def test_another_deals_message_is_named() -> None:
    """R-DEAL-28."""
    messages, other = deal(), signed([started(order((7,)))])[0]
    data = written(messages)
    found = fault(data + b"\x02" + len(other.data).to_bytes(4, "big") + other.data)
    assert (found.message, found.field) == (7, "deal")


def test_messages_out_of_their_order_are_named() -> None:
    """R-DEAL-26: two that do not name each other stand by date, then by id."""
    play = Play()
    play.say("seller", bodies.Decline(reason="other"))
    play.say("buyer", bodies.Cancel(reason="other"), blind=play.messages[1:])
    messages = play.signed()
    data = transcript.encode(NETWORK, messages, OPENERS)
    first, second = (bytes((2,)) + len(each.data).to_bytes(4, "big") + each.data for each in messages[1:])
    at = data.index(first)
    assert (fault(data[:at] + second + first).message, fault(data[:at] + second + first).field) == (
        1,
        "message",
    )


def test_no_file_is_written_that_would_not_verify() -> None:
    """R-DEAL-26: a signature that is not there, openers that lack, a name of nothing."""
    messages = deal()
    with pytest.raises(LocalProtocolError, match="openers"):
        transcript.encode(NETWORK, messages, [])
    with pytest.raises(LocalProtocolError, match="signature: the key of the order did not sign"):
        transcript.encode(
            NETWORK, [msgspec.structs.replace(messages[0], data=messages[0].data[:-1] + b"\x00")], OPENERS
        )
    with pytest.raises(LocalProtocolError, match="seen"):
        transcript.encode(NETWORK, [messages[0], messages[2]], OPENERS)


def test_names_that_are_missing_come_last() -> None:
    """What waits has no place among the rest."""
    messages = deal()
    assert in_order([messages[4], messages[0]]) == [messages[0], messages[4]]
    assert enclosed(msgspec.structs.replace(messages[1], body=bodies.LapsePay())) is None
