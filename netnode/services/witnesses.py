"""Shows and exports what proves that this node brought buyers to sellers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Final

from msgspec import UNSET

from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.services import paging
from netnode.shop.witnesses import identity_entries, known_openers
from netnode.store import Reader, Store, boxes, shop
from netnode.store.shop import WitnessRow
from protocol import encoding, limits
from protocol.deals.bodies import Accept, Receive
from protocol.entry import parse_wire
from protocol.errors import ProtocolError
from protocol.identity import id_text
from protocol.openers import Openers
from protocol.paths import Referral, check_referral, read_path
from protocol.witnessed import (
    Proven,
    Testimony,
    encode_start,
    encode_testimony,
    newest,
    openers_of,
    prove,
    read_file,
)

_LIST: Final = "witnesses"
_PAGE: Final = 100


class WitnessShelf:
    """`operations.services.Witnesses`.

    Args:
        network: the network's name.
        store: keeps them.
    """

    def __init__(self, network: str, store: Store) -> None:
        self._network = network
        self._store = store

    async def list(self, query: models.Listed) -> models.Page[models.Witness]:
        """All, the newest first."""
        place = paging.opened(_LIST, query.cursor, int, str)
        before = None if place is None else (place[0], bytes.fromhex(place[1]))

        def read(reader: Reader) -> models.Page[models.Witness]:
            rows = shop.witnesses(reader, before, query.limit + 1)
            page = rows[: query.limit]
            following = paging.seal(_LIST, page[-1].at, page[-1].id.hex()) if len(rows) > len(page) else None
            return models.Page([self._shown(reader, row) for row in page], following)

        return await self._store.read(read)

    async def show(self, order: str) -> models.Witness:
        """One, by the id of its order or a beginning of that.

        Raises:
            Problem: there is none (3), or several begin so (2).
        """

        def read(reader: Reader) -> models.Witness:
            return self._shown(reader, _one(reader, order))

        return await self._store.read(read)

    async def export(self, order: str | None) -> AsyncIterator[bytes]:
        """The file of one or of all.

        Raises:
            Problem: as `show`; or there is none at all (3).
        """
        if order is not None:
            told = await self._store.read(lambda reader: self._told(reader, _one(reader, order)))
            yield encode_start(self._network) + encode_testimony(told)
            return
        before: tuple[int, bytes] | None = None
        first = True
        while rows := await self._store.read(shop.witnesses, before, _PAGE):
            if first:
                yield encode_start(self._network)
            first = False
            for row in rows:
                yield encode_testimony(await self._store.read(self._told, row))
            before = (rows[-1].at, rows[-1].id)
        if first:
            raise Problem("No deal is witnessed here yet.", ExitCode.NOT_FOUND, "no_witness")

    def _told(self, reader: Reader, row: WitnessRow) -> Testimony:
        """What is kept, with the openers of everybody concerned: whoever reads the file may know none of them."""
        known = self._openers(reader, row)
        entries = tuple(tuple(identity_entries(openers)) for openers in known.values())
        return Testimony(row.path, row.accept, row.receipts, entries)

    def _shown(self, reader: Reader, row: WitnessRow) -> models.Witness:
        known = self._openers(reader, row)
        proven = prove(self._network, Testimony(row.path, row.accept, row.receipts), known)
        ids = [proven.seller, *(each.referrer for each in proven.path.referrals)]
        return shown(proven, views.names(reader.connection, ids), row.at)

    def _openers(self, reader: Reader, row: WitnessRow) -> dict[bytes, Openers]:
        """Those known here now, and of the seller at least those that came with the accept.

        A step whose keys were not known when the testimony came may turn out to be forged: it stays unchecked, and
        proves nothing for whoever is named there.
        """
        wire = encoding.decode(row.openers, limits.MAX_TESTIMONY)
        kept = openers_of(self._network, [tuple(map(parse_wire, wire))])
        path = read_path(row.path)
        known = known_openers(reader, [path.seller, *(each.referrer for each in path.referrals)])
        for step in path.referrals:
            if step.referrer in known and not self._signed(step, known[step.referrer]):
                del known[step.referrer]
        return newest(known, kept)

    def _signed(self, step: Referral, openers: Openers) -> bool:
        try:
            check_referral(self._network, step, openers.keys(step.epoch))
        except ProtocolError:
            return False
        return True


def figures(reader: Reader) -> models.ShopFigures:
    """What is kept for buyers without a node."""
    kept = boxes.figures(reader)
    return models.ShopFigures(
        boxes=kept.boxes, letters=kept.letters, bytes=kept.bytes, witnesses=shop.count(reader)
    )


def shown(proven: Proven, names: Mapping[bytes, str], since: int | None = None) -> models.Witness:
    """What is proved, for people and programs."""
    accept = proven.accept.body
    assert isinstance(accept, Accept)
    steps = [
        models.PathStep(
            referrer=id_text(each.referrer),
            name=names.get(each.referrer),
            campaign=None if each.campaign is UNSET else each.campaign,
            listing=None if each.listing is UNSET else each.listing,
            expires=each.expires,
            checked=each.referrer not in proven.unchecked,
        )
        for each in proven.path.referrals
    ]
    receipts = [
        models.WitnessReceipt(part=receipt.body.part + 1, time=receipt.time)
        for receipt in proven.receipts
        if isinstance(receipt.body, Receive)
    ]
    return models.Witness(
        order=proven.order.hex(),
        seller=id_text(proven.seller),
        seller_name=names.get(proven.seller),
        listing=None if accept.listing is UNSET else accept.listing.hex(),
        path_hash=proven.path_hash.hex(),
        path=steps,
        accepted=proven.accept.time,
        receipts=receipts,
        since=since,
    )


def verified(data: bytes) -> models.WitnessesVerified:
    """What a file of witnesses proves, without network, store or clock [R-SHOP-12]."""
    network: str | None = None
    found: list[models.Witness] = []
    try:
        network, testimonies = read_file(data)
        for told in testimonies:
            found.append(shown(prove(network, told, openers_of(network, told.openers)), {}))
    except ProtocolError as error:
        piece, _, reason = error.text.partition(": ")
        named = piece in ("path", "accept", "receipt")
        fault = models.WitnessError(
            number=len(found) + 1,
            piece=piece if named else "file",
            code=error.code,
            reason=reason if named else error.text,
        )
        return models.WitnessesVerified(valid=False, network=network, witnesses=found, error=fault)
    return models.WitnessesVerified(valid=True, network=network, witnesses=found, error=None)


def _one(reader: Reader, order: str) -> WitnessRow:
    rows = shop.beginning(reader, order)
    if not rows:
        raise Problem(
            f"No deal {order} is witnessed here. See them with: netnode witness ls",
            ExitCode.NOT_FOUND,
            "no_witness",
        )
    if len(rows) > 1:
        raise Problem(f"Several deals begin with {order}. Give more of the id.", ExitCode.USAGE, "ambiguous")
    return rows[0]
