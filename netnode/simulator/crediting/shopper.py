"""A buyer without a node: what a page in a browser remembers of one deal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from netnode.conformance.deals import Message, read_message
from netnode.conformance.encoding import encode
from netnode.conformance.signatures import sign
from netnode.conformance.tags import sha256, tag

Map = dict[str, Any]


@dataclass(slots=True)
class Shopper:
    """Somebody who buys one thing, and all that a page would remember of that.

    Attributes:
        host: name of the node whose shop serves them.
        seller: networker id.
        seed: of the key of the deal.
        private: X25519, what letters to them are sealed to.
        path: opened, canonical bytes.
        sealed_to: the seller's X25519 key.
        goods: enclosed with the order.
        openers: of the seller.
        price: of all, minor units.
        said: own messages, in order.
        heard: the seller's, by id.
        read: hashes of letters that were looked into.
        asked: nonces of questions for everything of the deal that wait for an answer.
        letters: messages of each letter that was taken, by its id; refused, they are left again.
        kept: ids of messages that the shop said it keeps.
        proved: whether the shop keeps what proves the sale.
    """

    host: str
    seller: bytes
    seed: bytes
    private: bytes
    path: bytes
    sealed_to: bytes
    goods: bytes
    openers: Any
    price: int
    said: list[bytes] = field(default_factory=list)
    heard: dict[bytes, bytes] = field(default_factory=dict)
    read: set[bytes] = field(default_factory=set)
    asked: list[bytes] = field(default_factory=list)
    letters: dict[bytes, list[bytes]] = field(default_factory=dict)
    kept: set[bytes] = field(default_factory=set)
    proved: bool = False

    @property
    def deal(self) -> bytes:
        """Its id."""
        return sha256(self.said[0])

    @property
    def messages(self) -> list[Message]:
        """All that both sides said, as far as it is known here."""
        return [read_message(each) for each in (*self.said, *self.heard.values())]

    def of(self, type_: str) -> list[Message]:
        """Messages of a type."""
        return [each for each in self.messages if each.type == type_]

    def drafted(self, network: str, type_: str, body: Map, now: int) -> bytes:
        """The next message of the buyer, which has seen all that was heard."""
        newest = max(
            (read_message(each) for each in self.heard.values()), key=lambda each: each.number, default=None
        )
        frame = [
            type_, self.deal if self.said else None, "buyer", len(self.said),
            sha256(self.said[-1]) if self.said else None, [] if newest is None else [newest.id],
            max([now, *(each.time for each in self.messages)]), None, body,
        ]  # fmt: skip
        signature = sign(self.seed, tag(network, "deal message") + encode(frame))
        return encode([*frame, signature])
