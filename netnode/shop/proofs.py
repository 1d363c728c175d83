"""A listing with all that a buyer without a log needs to check it, and to seal an order to its seller [R-SHOP-5]."""

from __future__ import annotations

from netnode.projections import views
from netnode.store import Reader
from netnode.store.published import newest
from netnode.sync.queries import ProvedPage
from protocol.entry import Entry
from protocol.errors import NotHeld, Void
from protocol.limits import CLOCK_TOLERANCE_MS
from protocol.messages import Found
from protocol.openers import Openers
from protocol.records import Keys, Profile, decode_record


def proved_listing(
    reader: Reader, network: str, seller: bytes, key: str | None, now: int, own: bytes
) -> Found:
    """The seller's newest keys, a listing in force and the profile, and what proves them.

    Args:
        reader: of the store.
        network: the network's name.
        seller: networker id.
        key: of the listing; None: keys and profile alone.
        now: ms UTC.
        own: id of this node's networker, whose blocks hide sellers.

    Raises:
        NotHeld: `not_here`: no such listing is offered as far as this node knows, or it cannot be proved, or the seller
            has no keys that a letter could be sealed to.
    """
    keys = newest_keys(reader, seller, now)
    if keys is None:
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


def newest_keys(reader: Reader, author: bytes, now: int) -> Entry | None:
    """The newest `keys` entry of a log; None when none is known here, or it is out of date."""
    entry = newest(reader, author, Keys.KIND, now + CLOCK_TOLERANCE_MS)
    return entry if entry is not None and _until(entry.record or b"") > now else None


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
