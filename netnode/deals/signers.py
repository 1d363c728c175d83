"""Whose key signed: openers of networkers, from the store's logs, from a deal, or from the letter at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import apsw
from msgspec import UNSET

from netnode.store import Reader, deals
from protocol import encoding, limits
from protocol.deals.bodies import Order, Terms
from protocol.deals.consent import consented_by, parse_consent
from protocol.deals.message import Message, signed_by
from protocol.deals.offers import named_by, offered_by, parse_offer
from protocol.entry import INCEPTION, ROTATION, parse_wire
from protocol.errors import NotHeld, RemoteProtocolError, Void
from protocol.openers import Openers, start


def wire(openers: Openers) -> list[Any]:
    """Inception and rotations as they travel in a letter."""
    return [entry.wire() for entry in openers.entries() if entry.kind in (INCEPTION, ROTATION)]


def read(network: str, entries: Sequence[Any]) -> Openers:
    """Openers as they came in a letter, checked from nothing.

    Raises:
        RemoteProtocolError: `opener` and what else `Openers.admit` raises: they prove nothing.
    """
    parsed = [parse_wire(each) for each in entries]
    if not parsed:
        raise RemoteProtocolError("opener", "a list of openers is empty")
    try:
        openers = start(network, parsed[0])
        for entry in parsed[1:]:
            openers = openers.admit(entry)
    except (NotHeld, Void) as error:
        raise RemoteProtocolError("opener", error.text) from error
    return openers


class Signers:
    """The openers known while one letter is taken in, or one deal is looked at.

    Args:
        network: name of the network.
        connection: of the store.
        given: openers that came along, by networker.
    """

    def __init__(
        self, network: str, connection: apsw.Connection, given: Mapping[bytes, Openers] | None = None
    ) -> None:
        self._network = network
        self._reader = Reader(connection)
        self._given = dict(given or {})
        self._held: dict[bytes, Openers | None] = {}

    def log(self, networker: bytes) -> Openers | None:
        """What the logs held here say of a networker."""
        if networker not in self._held:
            state = self._reader.load(networker)
            self._held[networker] = None if state is None else state.openers
        return self._held[networker]

    def entries(self, networker: bytes, number: int) -> list[Any] | None:
        """The openers of a networker as they travel: the longer of what the logs and the deal know."""
        log = self.log(networker)
        if log is not None:
            return wire(log)
        kept = deals.signers(self._reader.connection, number).get(networker)
        if kept is not None:
            found: list[Any] = encoding.decode(kept, limits.MAX_MESSAGE)
            return found
        given = self._given.get(networker)
        return None if given is None else wire(given)

    def keys(self, networker: bytes, epoch: int, number: int) -> tuple[bytes, ...]:
        """The keys that may sign for a networker in an epoch; none when it is not known."""
        found: tuple[bytes, ...] = ()
        for openers in (self.log(networker), self._given.get(networker)):
            if openers is not None:
                found += openers.keys(epoch)
        if not found and number:
            kept = deals.signers(self._reader.connection, number).get(networker)
            if kept is not None:
                found = read(self._network, encoding.decode(kept, limits.MAX_MESSAGE)).keys(epoch)
        return tuple(dict.fromkeys(found))

    def check(self, message: Message, order: Order, number: int = 0) -> None:
        """Refuses a message that the one it claims to be from did not sign [R-DEAL-5].

        Args:
            message: of a right form.
            order: of its deal.
            number: of the deal's row; 0 for one that is not kept yet.

        Raises:
            NotHeld: `unknown_epoch`: its signer's key is not known here.
            RemoteProtocolError: `signature`, or `not_party`: the order names no arbiter.
        """
        if message.role == "buyer":
            keys: tuple[bytes, ...] = (order.key,)
        else:
            networker = order.seller if message.role == "seller" else order.terms.arbiter
            if not isinstance(networker, bytes):
                raise RemoteProtocolError("not_party", "the order names no arbiter")
            keys = self.keys(networker, message.epoch or 0, number)
            if not keys:
                text = f"the {message.role}'s key of epoch {message.epoch} is not known here"
                raise NotHeld("unknown_epoch", text)
        if not any(signed_by(self._network, message, key) for key in keys):
            raise RemoteProtocolError("signature", f"a {message.type} that the {message.role} did not sign")

    def check_named(self, order: Order) -> None:
        """Refuses an order that names a networker who did not sign for it [R-OFF-4].

        Raises:
            NotHeld: `unknown_epoch`.
            RemoteProtocolError: `signature`.
        """
        named = order.named
        if not named:
            return
        keys = self.keys(named.id, named.epoch, 0)
        if not keys:
            raise NotHeld("unknown_epoch", f"the buyer's key of epoch {named.epoch} is not known here")
        if not any(named_by(self._network, order, key) for key in keys):
            raise RemoteProtocolError("signature", "the networker whom the order names did not sign for it")

    def check_offer(self, order: Order) -> None:
        """Refuses an order with an offer that its seller did not sign [R-OFF-2].

        Raises:
            NotHeld: `unknown_epoch`.
            RemoteProtocolError: `signature`, or as `parse_offer`.
        """
        if order.offer is UNSET:
            return
        signed = parse_offer(order.offer)
        keys = self.keys(signed.offer.seller, signed.offer.epoch, 0)
        if not keys:
            text = f"the seller's key of epoch {signed.offer.epoch} is not known here"
            raise NotHeld("unknown_epoch", text)
        if not any(offered_by(self._network, signed, key) for key in keys):
            raise RemoteProtocolError("signature", "the seller did not sign the offer in the order")

    def check_consent(self, terms: Terms, number: int = 0) -> None:
        """Refuses terms with a consent that their arbiter did not sign [R-ARB-2].

        Args:
            terms: of an order or offer of a right form.
            number: of the deal's row; 0 for one that is not kept yet.

        Raises:
            NotHeld: `unknown_epoch`.
            RemoteProtocolError: `signature`.
        """
        if terms.consent is UNSET:
            return
        signed = parse_consent(terms.consent)
        keys = self.keys(signed.consent.arbiter, signed.consent.epoch, number)
        if not keys:
            text = f"the arbiter's key of epoch {signed.consent.epoch} is not known here"
            raise NotHeld("unknown_epoch", text)
        if not any(consented_by(self._network, signed, key) for key in keys):
            raise RemoteProtocolError("signature", "the arbiter did not sign the consent in the order")
