"""A listing with all that a buyer without a log needs to check it, and to seal an order to its seller [R-SHOP-5]."""

from __future__ import annotations

from dataclasses import dataclass

from netnode.projections import views
from netnode.store import Reader
from netnode.store.published import newest
from netnode.sync.queries import ProvedPage
from protocol.errors import NotHeld, Void
from protocol.limits import CLOCK_TOLERANCE_MS
from protocol.messages import Found
from protocol.openers import Openers
from protocol.records import Keys, Profile, decode_record


def proved_listing(
    reader: Reader, network: str, seller: bytes, key: str | None, now: int, own: bytes, keys: KeysPlace | None
) -> Found:
    """The seller's newest keys, a listing in force and the profile, and what proves them.

    Args:
        reader: of the store.
        network: the network's name.
        seller: networker id.
        key: of the listing; None: keys and profile alone.
        now: ms UTC.
        own: id of this node's networker, whose blocks hide sellers.
        keys: `keys_place` of the seller.

    Raises:
        NotHeld: `not_here`: no such listing is offered as far as this node knows, or it cannot be proved, or the seller
            has no keys that a letter could be sealed to.
    """
    if keys is None or keys.id is None or keys.until <= now:
        raise NotHeld("not_here", "no key of that seller is known here that a letter could be sealed to")
    wanted = [(keys.seq, keys.id)]
    if key is not None:
        wanted.append(_listing(reader, seller, key, now, own))
    profile = views.profile(reader.connection, seller)
    page = ProvedPage(network, reader)
    for seq, id_ in wanted + ([] if profile is None else [(profile.seq, profile.entry)]):
        page.take(seller, seq, id_)
    found = page.found(None)
    if len([run for run in found.hits if run.entries[0][1] != Profile.KIND]) < len(wanted):
        raise NotHeld("not_here", "this node cannot prove that listing now")
    return found


def _listing(reader: Reader, seller: bytes, key: str, now: int, own: bytes) -> tuple[int, bytes]:
    row = reader.connection.execute(
        "SELECT seq, entry FROM listing JOIN networker USING (n) WHERE id = :seller AND key = :key"
        " AND (withdrawn IS NULL OR withdrawn < seq) AND (expires IS NULL OR expires > :now)",
        {"seller": seller, "key": key, "now": now},
    ).fetchone()
    if row is None or seller in views.hidden(reader.connection, own):
        raise NotHeld("not_here", "that listing is not offered here, or no longer")
    return row[0], row[1]


@dataclass(frozen=True, slots=True)
class KeysPlace:
    """Where the newest `keys` entry of a log stands, as of a head of that log; `id` None: there is none."""

    head: bytes
    seq: int
    id: bytes | None
    until: int


def keys_place(reader: Reader, author: bytes, now: int, known: KeysPlace | None) -> KeysPlace | None:
    """Looks for the newest `keys` entry of a log, unless its head is still the one that was looked at.

    Args:
        reader: of the store.
        author: whose log.
        now: ms UTC.
        known: of an earlier look.

    Returns:
        None when nothing of that log is held.
    """
    item = reader.item(author)
    if item is None or item.id is None:
        return None
    if known is not None and known.head == item.id:
        return known
    entry = newest(reader, author, Keys.KIND, now + CLOCK_TOLERANCE_MS)
    if entry is None:
        return KeysPlace(item.id, 0, None, 0)
    return KeysPlace(item.id, entry.seq, entry.id, _until(entry.record or b""))


def openers_of(reader: Reader, author: bytes) -> Openers | None:
    """What is known here of a networker's keys."""
    state = reader.load(author)
    return None if state is None else state.openers


def _until(data: bytes) -> int:
    try:
        record = decode_record(Keys.KIND, data)
    except Void:
        return 0
    return record.until if isinstance(record, Keys) else 0
