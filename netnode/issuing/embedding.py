"""What a sale, a refund or a freeze embeds of an own deal: messages, opened path, listing, openers [R-CRED-14..17]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from msgspec import UNSET, UnsetType

from netnode.deals.known import Known, load
from netnode.deals.selling import entry_of_listing
from netnode.deals.signers import Signers
from netnode.store import Reader, deals
from netnode.store.alliances import agreed as agreed_alliances
from netnode.store.alliances import ending_of
from protocol import alliances, encoding, paths
from protocol.alliances import Agreement
from protocol.deals.bodies import (
    Dispute,
    LapseDispute,
    Order,
    PaymentReceived,
    PresumePayment,
    PresumeReceived,
    Receive,
    Refund,
    RefundReceived,
    Renewal,
    Ruling,
)
from protocol.deals.message import Message, parse
from protocol.entry import Entry
from protocol.paths import Path
from protocol.rates import Allied, winning_rate

# What the base, the hold or a freeze rests on; what these name comes along.
_PROVE: Final = (
    Dispute | LapseDispute | PaymentReceived | PresumePayment | PresumeReceived | Receive | Refund | RefundReceived
    | Ruling
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gathered:
    """A deal in which the owner sells, with what its entries need.

    Attributes:
        known: the deal.
        path: opened; None: nobody led there, or it is not here.
        listing: entry of the listing that was ordered; None: goods of none, or it is gone.
        agreement: of the alliance that applies.
        openers: of everybody whose signature counts, as far as they are known.
    """

    known: Known
    path: Path | None
    listing: Entry | None
    agreement: bytes | UnsetType
    openers: Mapping[bytes, list[Any]]

    @property
    def order(self) -> Order:
        """Whose terms hold."""
        return self.known.order

    @property
    def credited(self) -> bool:
        """Whether somebody may earn by it: else nothing of it is published [R-CRED-70]."""
        return self.order.plan is not UNSET or self.order.path is not UNSET


def gather(reader: Reader, network: str, number: int, now: int) -> Gathered:
    """Reads a deal with all that its entries need.

    Args:
        reader: of the store.
        network: the network's name.
        number: of the deal's row.
        now: the clock, ms UTC.
    """
    connection = reader.connection
    row = deals.by_number(connection, number)
    assert row is not None  # deals are never removed
    known = load(connection, row, now)
    order = known.order
    path = _path(reader, known)
    key = _key(known)
    people = [] if path is None else [each.referrer for each in path.referrals]
    agreed = _agreement(reader, known, people, key)
    people += [] if agreed is None else [agreed.first.id, agreed.second.id]
    people += [order.named.id] if order.named is not UNSET else []
    people += [order.terms.arbiter] if order.terms.arbiter is not UNSET else []
    signers = Signers(network, connection)
    openers = {each: signers.entries(each, number) or [] for each in dict.fromkeys(people)}
    return Gathered(
        known,
        path,
        None if order.listing is UNSET else entry_of_listing(reader, order.seller, order.listing, key),
        UNSET if agreed is None else encoding.encode_struct(agreed),
        openers,
    )


def proofs(known: Known, embedded: frozenset[bytes], until: int) -> tuple[bytes, ...]:
    """The messages that say what a sale comes to, and all that they name, each after what it names.

    Args:
        known: the deal.
        embedded: ids of those that its entries have embedded.
        until: date of the entry; what is dated later waits.
    """
    messages, verdicts = known.messages, known.state.verdicts
    found: set[bytes] = set()

    def closed(message: Message) -> set[bytes] | None:
        """A message and all it names; None where something is missing, or dated later."""
        met, left = set[bytes](), [message.id]
        while left:
            name = left.pop()
            each = messages.get(name)
            if each is None or each.time > until:
                return None
            if name not in met:
                met.add(name)
                left += [*each.names, *(() if each.starts else (each.deal,))]
        return met

    for each in messages.values():
        if isinstance(each.body, _PROVE) and verdicts.get(each.id, "waits") is None:
            found |= closed(each) or set()
    return tuple(each.data for each in known.ordered() if each.id in found - embedded)


def _path(reader: Reader, known: Known) -> Path | None:
    """The opened path; of a renewal it came with the first order."""
    name = known.order.path
    if name is UNSET:
        return None
    data = known.enclosures.get(name)
    body = known.state.start.body
    if data is None and isinstance(body, Renewal):
        first = deals.by_id(reader.connection, parse(body.first).id)
        data = None if first is None else deals.enclosures(reader.connection, first.number).get(name)
    return None if data is None else paths.read_path(data)


def _agreement(reader: Reader, known: Known, referrers: list[bytes], key: str | None) -> Agreement | None:
    """The agreement that decides the rate of a sale [R-ALLY-5]; None: none of the owner's does."""
    order = known.order
    allied = [
        Allied(
            alliances.read_agreement(row.data),
            () if (ending := ending_of(row, order.seller)) is None else (ending,),
        )
        for row in agreed_alliances(reader.connection)
    ]
    commission = None if order.commission is UNSET else order.commission
    return winning_rate(order.seller, referrers, key, commission, allied, _first(known)).agreement


def _key(known: Known) -> str | None:
    goods = known.goods
    if goods is None or known.order.listing is UNSET:
        return None
    return next((line.key for line in goods.lines if line.key is not UNSET), None)


def _first(known: Known) -> int:
    """Date of the order that says the terms, ms UTC."""
    body = known.state.start.body
    return parse(body.first).time if isinstance(body, Renewal) else known.state.start.time
