"""Who led the owner to a seller: the path of an own order, and what its steps are told of the deal [R-PATH-6].

The order names the hash of the path alone, and the opened path stays in this store beside the deal, under that hash.
Once there is an accept with effect, and again with each receipt, everybody on the path gets accept and receipts, as a
buyer without a node leaves them at the way in [R-SHOP-10]: so a seller who publishes nothing still owes them. The
seller gets the opened path once there is a contract, and can then pay whom it names [R-PATH-7].
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from netnode.deals.known import Known, load
from netnode.deals.means import Means
from netnode.deals.signers import Signers
from netnode.problems import ExitCode, Problem
from netnode.store import Reader, Store, Writer, deals
from netnode.store import letters as outbox
from protocol import encoding, limits, paths
from protocol.deals.bodies import Accept, Receive
from protocol.deals.message import Message
from protocol.errors import NotHeld, ProtocolError
from protocol.letter_bodies import Witness
from protocol.paths import Path

_OPENERS: Final = 8 * 1024  # why: a long history of the seller does not fit a letter beside the accept


async def path_of_order(
    network: str,
    store: Store,
    salt: bytes,
    tokens: Sequence[bytes],
    seller: bytes,
    listing: str | None,
    now: int,
) -> Path:
    """The path of an order to be made, from the tokens that led there.

    Args:
        network: the network's name.
        store: knows keys of referrers.
        salt: 16 fresh random bytes.
        tokens: in order, as they came.
        seller: of the listing.
        listing: its key; None for goods of none.
        now: date of the order, ms UTC.

    Raises:
        Problem: `path` (exit 2): the tokens do not lead to this listing, or nobody signed one; `path_expired` (4).
    """
    try:
        path = paths.path_of(salt, tokens)
        if path.seller != seller:
            raise Problem(
                "The path leads to another seller: ask for one to this listing.", ExitCode.USAGE, "path"
            )
        known = await store.read(_keys, path)
        paths.check_path(network, path, now, lambda id_, epoch: known[id_, epoch], listing)
    except NotHeld as held:
        if held.code == "path_expired":
            text = "The path is out of date: ask who recommended this for a new one, or order without --path."
            raise Problem(text, ExitCode.REFUSED, held.code) from held
        return path  # whose keys are not known here will tell by themselves whether they signed
    except ProtocolError as fault:
        text = f"The path does not lead to this listing: {fault.text}. Was it copied whole?"
        raise Problem(text, ExitCode.USAGE, "path") from fault
    return path


def _keys(reader: Reader, path: Path) -> dict[tuple[bytes, int], Sequence[bytes]]:
    found: dict[tuple[bytes, int], Sequence[bytes]] = {}
    for each in path.referrals:
        state = reader.load(each.referrer)
        found[each.referrer, each.epoch] = () if state is None else state.openers.keys(each.epoch)
    return found


@dataclass(frozen=True, slots=True)
class Leading:
    """Tells those who led the owner to a seller what came of it."""

    means: Means

    async def look(self, deal: bytes) -> None:
        """Tells them of a deal what they do not know yet, durably; of any other deal nothing.

        Raises:
            Problem: the disk, or a full outbox.
        """
        if await self.means.store.write(self._tell, deal, self.means.clock.now_ms()):
            self.means.letters.wake()

    def _tell(self, writer: Writer, deal: bytes, now: int) -> bool:
        with writer.transaction(durable=True) as connection:
            row = deals.by_id(connection, deal)
            if row is None or row.role != "buyer":
                return False
            known = load(connection, row, now)
            opened = known.enclosures.get(known.order.path or b"")
            if opened is None or not known.state.contract:
                return False
            others = [each.referrer for each in paths.read_path(opened).referrals]
            signers = Signers(self.means.network, connection)
            openers = (
                signers.entries(each, row.number)
                for each in (*others, *([row.buyer] if known.order.named else []))
            )
            told = [self._queue(writer, row.seller, opened_for_seller(deal, opened, openers))]
            accept = _effective(known, Accept)
            if not accept:
                return any(told)
            entries = signers.entries(row.seller, row.number) or []
            body = Witness(
                accept=accept[0].data,
                openers=() if not entries or len(encoding.encode(entries)) > _OPENERS else (tuple(entries),),
                order=deal,
                path=opened,
                receipts=tuple(each.data for each in _effective(known, Receive))[: limits.MAX_PARTS],
            )
            told += [self._queue(writer, each, body) for each in others if each != self.means.own.id]
            return any(told)

    def _queue(self, writer: Writer, to: bytes, body: Witness) -> bool:
        """Puts a letter into the outbox, unless it was there before; whether it was not."""
        said = hashlib.sha256(to + body.path + (body.accept or b"") + b"".join(body.receipts)).digest()
        # The salt of the path is known to nobody who has not got this letter, so nobody guesses its id.
        id = said[: limits.LETTER_ID_BYTES]
        if outbox.written(writer, id):
            return False
        outbox.queue(writer, self.means.letters.draft(to, body, id=id))
        return True


def opened_for_seller(order: bytes, opened: bytes, openers: Iterable[Sequence[Any] | None]) -> Witness:
    """What the seller of an order is told of who led the buyer there [R-PATH-7].

    Args:
        order: its id.
        opened: the opened path.
        openers: of those whom it names, as they travel, as far as they are known.
    """
    found, room = list[tuple[Any, ...]](), 3 * _OPENERS
    for entries in openers:
        size = len(encoding.encode(list(entries))) if entries else 0
        if entries and size <= room:
            found.append(tuple(entries))
            room -= size
    return Witness(openers=tuple(found), order=order, path=opened)


def _effective(known: Known, form: type[Accept] | type[Receive]) -> list[Message]:
    """Messages of a form that have effect, in order."""
    verdicts = known.state.verdicts
    return [
        each
        for each in known.ordered()
        if isinstance(each.body, form) and verdicts.get(each.id, "waits") is None
    ]
