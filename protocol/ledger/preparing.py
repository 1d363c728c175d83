"""What can be done of an entry before its turn: reading it, and naming the signatures that need no ledger.

A fold is one entry after another; reading and verifying are not. A node prepares a batch, has threads verify the
claims, and hands each entry to its book with what was prepared. What is not prepared the book does itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.deals.bodies import Renewal
from protocol.deals.message import Message, first_order, signed_bytes
from protocol.entry import Entry
from protocol.errors import Void
from protocol.ledger.contents import SaleContent, read_sale
from protocol.ledger.sales import read_messages
from protocol.records import SalePart, decode_record
from protocol.signing import SIGNATURE_BYTES

Claim = tuple[bytes, bytes, bytes]
"""As the arguments of `protocol.signing.verify`: key, signature, message."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A sale of one part that was read, and what its buyer signed.

    Attributes:
        part: its record.
        content: of the sale.
        messages: of the content, read.
        claims: all must verify for `Book.take` to be told that they do.
    """

    part: SalePart
    content: SaleContent
    messages: tuple[Message, ...]
    claims: tuple[Claim, ...]


def prepare(network: str, entry: Entry) -> Prepared | None:
    """Reads an entry ahead of its turn; None for all but first sales of one part, the most there are of."""
    if entry.kind != SalePart.KIND or entry.record is None:
        return None
    try:
        part = decode_record(entry.kind, entry.record)
        if not isinstance(part, SalePart) or part.count > 1:
            return None
        content = read_sale(part.content)
        messages = read_messages(content.messages)
    except Void:
        return None
    if not messages[0].starts or isinstance(messages[0].body, Renewal):
        return None
    key = first_order(messages[0]).key
    claims = tuple(
        (key, each.data[-SIGNATURE_BYTES:], signed_bytes(network, each))
        for each in messages
        if each.role == "buyer"
    )
    return Prepared(part, content, messages, claims)
