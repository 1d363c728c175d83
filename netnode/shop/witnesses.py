"""What proves that this node brought a buyer: checked, kept, passed on to the others of the path [R-SHOP-10, 11]."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from netnode.deals.leading import opened_for_seller
from netnode.mail.letters import Incoming, Letters, Refusal, Taken
from netnode.own.log import OwnLog
from netnode.ports import Clock
from netnode.shop import proofs
from netnode.store import Reader, Store, Writer, credits, deals, shop
from netnode.store import letters as outbox
from protocol import encoding, paths
from protocol.deals.message import first_order, parse
from protocol.entry import Entry, parse_wire
from protocol.errors import NotHeld, ProtocolError, RemoteProtocolError
from protocol.letter_bodies import Witness
from protocol.openers import Openers
from protocol.paths import Path
from protocol.witnessed import Proven, Testimony, newest, openers_of, part_of, prove

OPENERS: Final = 8 * 1024  # why: a long history of the seller does not fit a letter beside the accept


class Witnesses:
    """Keeps testimonies of deals whose path names this node.

    Args:
        network: the network's name.
        store: keeps them.
        own: this node's networker.
        clock: says since when.
        letters: carry them to the others of the path.
    """

    def __init__(self, network: str, store: Store, own: OwnLog, clock: Clock, letters: Letters) -> None:
        self._network = network
        self._store = store
        self._own = own
        self._clock = clock
        self._letters = letters
        self.opened: Callable[[bytes], Awaitable[None]] = _nobody
        """Told of each order to the owner of which it came out who led the buyer, by its id."""

    async def keep(
        self, testimony: Testimony, told: Mapping[bytes, Openers], *, passing: bool = True
    ) -> Proven:
        """Keeps what proves a deal, durably.

        Args:
            testimony: path, accept and receipts.
            told: openers that came along; they count where they reach further than those known here.
            passing: whether the others of the path are told.

        Raises:
            RemoteProtocolError: `path`, `signature`, `deal_message` or a code of the encoding.
            NotHeld: `unknown_author`, `not_wanted` (this node is neither a step nor the seller of the path), `quota`,
                `no_deal`.
        """
        path = paths.read_path(testimony.path)
        others = [each.referrer for each in path.referrals if each.referrer != self._own.id]
        mine = path.seller == self._own.id
        if len(others) == len(path.referrals) and not mine:
            raise NotHeld("not_wanted", "this node is no step of that path")
        known = newest(await self._store.read(known_openers, [path.seller, self._own.id, *others]), told)
        proven = prove(self._network, testimony, known)
        if self._own.id in proven.unchecked:
            raise RemoteProtocolError("path", "the token of this node is not one that it signed")
        row = shop.WitnessRow(
            id=proven.order,
            seller=proven.seller,
            path=testimony.path,
            accept=testimony.accept,
            openers=encoding.encode([entry.wire() for entry in identity_entries(known[path.seller])]),
            at=self._clock.now_ms(),
        )
        # Only to whoever signed a step: else one request would send letters to anybody whom its path names.
        signed = [each for each in others if each not in proven.unchecked]
        if mine:
            await self._store.write(self._shown, row, proven, path, signed)
            await self.opened(proven.order)
        else:
            await self._store.write(self._kept, row, proven, signed if passing else ())
        self._letters.wake()
        return proven

    async def take(self, incoming: Incoming) -> Taken | Refusal:
        """Takes what another of the path passes on; its signatures count, not who brings it."""
        body = incoming.body
        assert isinstance(body, Witness)
        try:
            told = openers_of(self._network, [tuple(map(parse_wire, each)) for each in body.openers])
            path = paths.read_path(body.path)
            if path.seller == self._own.id:
                await self._store.write(self._led, body.order, path, told)
                await self.opened(body.order)
                return Taken()
            if not isinstance(body.accept, bytes):
                return Refusal("letter", "this proves no sale")
            await self.keep(Testimony(body.path, body.accept, body.receipts), told, passing=False)
        except ProtocolError as error:
            return Refusal(error.code, error.text)
        return Taken()

    def _shown(
        self, writer: Writer, row: shop.WitnessRow, proven: Proven, path: Path, others: Sequence[bytes]
    ) -> None:
        """Keeps who led the buyer to the own shop, and tells them, once [R-SHOP-11]. Raises as `_led`."""
        with writer.transaction(durable=True) as connection:
            deal = deals.by_id(connection, row.id)
            known = deal is not None and paths.path_hash(self._network, path) in deals.enclosures(
                connection, deal.number
            )
            self._led(writer, row.id, path, known_openers(Reader(connection), list(others)))
            if not known:
                self._pass_on(writer, row, [each.data for each in proven.receipts], others)

    def _led(self, writer: Writer, order: bytes, path: Path, told: Mapping[bytes, Openers]) -> None:
        """Keeps who led the buyer of an own deal here: the hash in the order proves it, whoever tells [R-PATH-7].

        Raises:
            NotHeld: `no_deal`.
            RemoteProtocolError: `path`.
        """
        with writer.transaction(durable=True) as connection:
            row = deals.by_id(connection, order)
            data = (
                None if row is None or row.role != "seller" else deals.message(connection, row.number, order)
            )
            if row is None or data is None:
                raise NotHeld("no_deal", "there is no such deal here")
            name = first_order(parse(data)).path
            if name != paths.path_hash(self._network, path):
                raise RemoteProtocolError("path", "the path is not the one that the order names")
            deals.put_enclosure(writer, row.number, name, path.encode())
            for each in path.referrals:
                if each.referrer in told:
                    entries = [entry.wire() for entry in identity_entries(told[each.referrer])]
                    deals.put_signer(writer, row.number, each.referrer, encoding.encode(entries))
            credits.sale_again(writer, row.number)

    def _kept(self, writer: Writer, row: shop.WitnessRow, proven: Proven, others: Sequence[bytes]) -> None:
        """Keeps it, and queues letters to the others where there is anything new."""
        with writer.transaction(durable=True):
            before = shop.witness(Reader(writer.connection), row.id)
            known = () if before is None else before.receipts
            parts = {part_of(parse(receipt)) for receipt in known}
            # One of each part: a buyer can sign as many as they like, and the room of a deal is bounded.
            fresh = {part_of(each): each for each in reversed(proven.receipts) if part_of(each) not in parts}
            if not shop.keep(writer, row, [(each.id, each.data) for each in fresh.values()]):
                raise NotHeld("quota", "this node has no room for another deal to witness")
            if before is None:
                # Whoever owes for it is followed: the owner has recommended them, so no stranger can bring this about.
                writer.follow(row.seller, row.at)
                # The seller may not know yet who led the buyer there, nor the keys of this one.
                reader = Reader(writer.connection)
                steps = [each.referrer for each in paths.read_path(row.path).referrals]
                openers = [
                    [entry.wire() for entry in identity_entries(each)]
                    for each in known_openers(reader, steps).values()
                ]
                told = opened_for_seller(row.id, row.path, openers)
                outbox.queue(writer, self._letters.draft(row.seller, told))
            if before is not None and not fresh:
                return
            self._pass_on(writer, row, [each.data for each in fresh.values()], others)

    def _pass_on(
        self, writer: Writer, row: shop.WitnessRow, receipts: Sequence[bytes], others: Sequence[bytes]
    ) -> None:
        body = Witness(
            accept=row.accept,
            openers=() if len(row.openers) > OPENERS else (tuple(encoding.decode(row.openers)),),
            order=row.id,
            path=row.path,
            receipts=tuple(sorted(receipts)),
        )
        for recipient in others:
            outbox.queue(writer, self._letters.draft(recipient, body))


def identity_entries(openers: Openers) -> list[Entry]:
    """Inception and rotations of a networker, one opener of each epoch."""
    return [opening[0].entry for opening in openers.epochs]


def known_openers(reader: Reader, ids: Sequence[bytes]) -> dict[bytes, Openers]:
    """What is known here of the keys of networkers."""
    found = {id_: proofs.openers_of(reader, id_) for id_ in ids}
    return {id_: openers for id_, openers in found.items() if openers is not None}


async def _nobody(order: bytes) -> None:
    """Who is told while nobody listens."""
