"""Whose signatures a transcript proves, besides those of its messages; and from which keys."""

from __future__ import annotations

import hashlib

import msgspec

from protocol import encoding
from protocol.deals import transcript
from protocol.deals.bodies import Cancel, Mandate, Order, Renewal
from protocol.deals.enclosures import Goods, GoodsLine
from protocol.deals.message import Message, parse, sign
from protocol.deals.transcript import Fault, Transcript, verify
from protocol.records import Per
from tests.protocol.author import Author
from tests.protocol.deals.made import (
    ARBITER,
    HOUR,
    NETWORK,
    OPENERS,
    SELLER,
    START,
    Play,
    order,
    signed,
    started,
)
from tests.protocol.deals.test_crossings import ACCEPT
from tests.protocol.deals.test_offers import FRIEND, offer, ordered

GOODS = encoding.encode_struct(
    Goods(salt=b"s" * 16, lines=(GoodsLine(amount=100, quantity=1, title="Tea", unit_price=100),))
)


def file(messages: list[Message], *openers: Author) -> bytes:
    """A file made without asking whether it holds."""
    blocks = [transcript.MAGIC, encoding.encode(NETWORK)]
    for author in sorted(openers, key=lambda each: each.id):
        content = encoding.encode([each.wire() for each in author.entries if each.kind in (0, 2)])
        blocks.append(b"\x01" + len(content).to_bytes(4, "big") + content)
    blocks += [b"\x02" + len(each.data).to_bytes(4, "big") + each.data for each in messages]
    return b"".join(blocks)


def fault(data: bytes) -> tuple[int | None, str]:
    found = verify(data)
    assert isinstance(found, Fault)
    return found.message, found.field


def changed(start: Message, **changes: object) -> Message:
    """The order with other fields, signed anew."""
    assert isinstance(start.body, Order)
    return signed([started(msgspec.structs.replace(start.body, **changes))])[0]


def test_offer_and_named_buyer_are_proved() -> None:
    """R-DEAL-27, 28: by the openers of seller and buyer."""
    play = Play(ordered(offer()))
    play.say("buyer", Cancel(reason="other"))
    messages = play.signed()
    data = transcript.encode(NETWORK, messages, [*OPENERS, FRIEND.entries])
    assert data == file(messages, SELLER, ARBITER, FRIEND)
    assert isinstance(verify(data), Transcript)
    assert fault(file(messages, SELLER, ARBITER)) == (0, "body.named")
    assert fault(file(messages, ARBITER, FRIEND)) == (0, "body.offer")
    assert fault(file(messages, SELLER, FRIEND)) == (0, "body.terms.consent")
    body = messages[0].body
    assert isinstance(body, Order)
    assert body.named
    named = msgspec.structs.replace(body.named, signature=b"x" * 64)
    assert fault(file([changed(messages[0], named=named)], SELLER, ARBITER, FRIEND)) == (0, "body.named")
    fields = encoding.decode(offer().data)
    fields["expires"] += 1
    forged = changed(messages[0], offer=encoding.encode(fields))
    assert fault(file([forged], SELLER, ARBITER, FRIEND)) == (0, "body.offer")


def test_openers_come_once_and_in_order() -> None:
    """R-DEAL-26, 28."""
    messages = signed([ordered(offer())])
    whole = file(messages, SELLER, ARBITER, FRIEND)
    assert isinstance(verify(whole), Transcript)
    head = transcript.MAGIC + encoding.encode(NETWORK)
    first, second = (
        file([], each)[len(head) :] for each in sorted((SELLER, ARBITER), key=lambda each: each.id)
    )
    assert fault(head + second + first) == (None, "openers")
    assert fault(whole + first) == (1, "openers")
    assert fault(head + first + first) == (None, "openers")
    twice = encoding.encode([SELLER.entries[0].wire()] * 2)
    assert fault(head + b"\x01" + len(twice).to_bytes(4, "big") + twice) == (None, "openers")


def test_keys_of_later_epochs() -> None:
    """R-DEAL-5, 26: the file has the openers up to the newest epoch that signed, and no further."""
    seller = Author("seller")
    seller.rotate()
    start = signed([started()])[0]
    before = [start]
    assert transcript.encode(NETWORK, before, [seller.entries, ARBITER.entries]) == transcript.encode(
        NETWORK, before, OPENERS
    )
    accept = sign(
        NETWORK,
        seller.signer,
        body=ACCEPT,
        deal=start.id,
        role="seller",
        number=0,
        previous=None,
        seen=(start.id,),
        time=START + HOUR,
        epoch=1,
    )
    data = transcript.encode(NETWORK, [start, accept], [seller.entries, ARBITER.entries])
    assert data == file([start, accept], seller, ARBITER)
    assert fault(file([start, accept], SELLER, ARBITER)) == (1, "signature")
    assert fault(file([start], seller, ARBITER)) == (None, "openers")


def renewal(first: Message) -> Message:
    return signed(
        [started(Renewal(first=first.data, parts=order().parts, turn=1), time=START + 20 * 24 * HOUR)]
    )[0]


def test_what_a_renewal_holds_is_proved() -> None:
    """R-DEAL-28: the order inside is signed by its buyer; its goods are what is enclosed."""
    body = msgspec.structs.replace(
        order(),
        enclosed=hashlib.sha256(GOODS).digest(),
        mandate=Mandate(notice=HOUR, per=Per(count=1, unit="month")),
    )
    first = signed([started(body)])[0]
    data = transcript.encode(NETWORK, [renewal(first)], OPENERS, [GOODS])
    proved = verify(data)
    assert isinstance(proved, Transcript)
    assert list(proved.enclosures.values()) == [GOODS]
    assert proved.state.contract
    value = encoding.decode(first.data)
    value[6] -= 1
    forged = parse(encoding.encode(value))
    assert fault(file([renewal(forged)], SELLER)) == (0, "body.first")
