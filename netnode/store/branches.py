"""What is held of logs outside their main runs: pieces set aside, branches kept as evidence, sides of a proof [L13].

A fork binds its author on every branch. The table `branch` has what is known of branches and is not in the log, of
each log as much as a bound allows; what peers hold of them is asked for by `netnode.sync.branches`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from netnode.store.evidence import EVIDENCE_BYTES, OTHERS_BYTES, keep, kept, kept_of_others
from netnode.store.reader import Reader
from netnode.store.rows import stored_entry
from netnode.store.writer import Writer
from protocol import limits
from protocol.entry import SETTLEMENT, Entry, signature_valid
from protocol.errors import Void
from protocol.items import Standing
from protocol.log_state import LogState
from protocol.records import Settlement, decode_record
from protocol.records.fields import Place
from protocol.run import entry_weight, rebuild

MOST_SETTLEMENTS: Final = 32
"""Openers of a log, the newest first, that are asked which branches they name."""

_AT_ONCE: Final = 500  # ids in one statement
_OF: Final = "WHERE n = (SELECT n FROM networker WHERE id = ?)"
_ASIDE: Final = f"SELECT header, signature, record FROM aside {_OF}"  # noqa: S608 - constants
_BRANCH: Final = f"SELECT header, signature, record FROM branch {_OF}"  # noqa: S608 - constants
_BARE: Final = f"SELECT header, signature, NULL FROM branch {_OF}"  # noqa: S608 - constants


def in_log(reader: Reader, author: bytes, place: Place) -> bool:
    """Whether an entry is in the main run."""
    return bool(reader.ids(author, (place[0],)) == [place])


def beside(reader: Reader, author: bytes) -> Iterator[Entry]:
    """Every entry of a log that is held outside its main run; the sides of a proof may be in it."""
    yield from _rows(reader, f"{_ASIDE} ORDER BY seq", author)
    yield from _rows(reader, f"{_BRANCH} ORDER BY seq", author)
    yield from _proof(reader, author)


def find(reader: Reader, author: bytes, place: Place) -> Entry | None:
    """An entry of a log, wherever it is held."""
    seq, id = place
    if in_log(reader, author, place):
        return reader.entry(author, seq)
    for entry in _rows(reader, f"{_BRANCH} AND seq = ? AND id = ?", author, seq, id):
        return entry
    if (aside := _set_aside(reader, author, place)) is not None:
        return aside
    return next((entry for entry in _proof(reader, author) if entry.id == id), None)


def _set_aside(reader: Reader, author: bytes, place: Place) -> Entry | None:
    seq, id = place
    return next((each for each in _rows(reader, f"{_ASIDE} AND seq = ?", author, seq) if each.id == id), None)


def held_between(reader: Reader, author: bytes, first: int, last: int) -> set[bytes]:
    """Ids of the entries of a log that are held, wherever, from seq `first` to `last`.

    To `find` each of a thousand takes seconds: what proves a fork is read anew for every one.
    """
    found = {id for _, id in reader.ids(author, range(first, last + 1))}
    for statement in (_ASIDE, _BARE):
        found.update(
            each.id for each in _rows(reader, f"{statement} AND seq BETWEEN ? AND ?", author, first, last)
        )
    found.update(each.id for each in _proof(reader, author) if first <= each.seq <= last)
    return found


def downwards(reader: Reader, author: bytes, place: Place, room: int) -> list[Entry]:
    """An entry and those below it as far as they are held, the newest first.

    Args:
        reader: of the store.
        author: whose log.
        place: seq and id of the newest.
        room: bytes as in runs; the first entry comes whatever its size.
    """
    found: list[Entry] = []
    at: Place | None = place
    while at is not None:
        if in_log(reader, author, at):
            part = reader.entries(author, 0, at[0], room, descending=True)
        else:
            entry = find(reader, author, at)
            part = [] if entry is None or (entry.record is None and entry.kind % 2 == 0) else [entry]
        at = None
        for entry in part:
            room -= entry_weight(entry)
            if found and room < 0:
                return found
            found.append(entry)
        if part and part[-1].seq:
            at = (part[-1].seq - 1, part[-1].prev)
    return found


def tips(reader: Reader, state: LogState) -> list[Entry]:
    """The newest entry of each branch that is held which its own signature proves, the newest first [R-MSG-15].

    At most MAX_BRANCHES; with that of the main run while the log is forked. None where nothing is held beside a log
    that is not forked.
    """
    author, held = state.author, dict[bytes, Entry]()
    for entry in (*_rows(reader, f"{_BARE} ORDER BY seq", author), *_proof(reader, author)):
        held[entry.id] = entry
    below = {entry.prev for entry in held.values()}
    view = reader.view(author)
    ends = [entry for entry in held.values() if entry.id not in below]
    for extent in state.aside:
        top = view.aside(extent.number, extent.last)
        if top is not None and top.id not in below and top.id not in held:
            ends.append(top)
    main = view.main(state.tip.seq) if state.forked else None
    found: dict[bytes, Entry] = {}
    for end in sorted((each for each in (main, *ends) if each is not None), key=_newest, reverse=True):
        signed = _signed(reader, state, end)
        if signed is None or (end is not main and in_log(reader, author, (signed.seq, signed.id))):
            continue
        found.setdefault(signed.id, signed)
        if len(found) == limits.MAX_BRANCHES:
            break
    return list(found.values())


def _signed(reader: Reader, state: LogState, entry: Entry) -> Entry | None:
    """The highest entry from one downwards with a valid signature of its own; none is far in what was proved once."""
    at: Entry | None = entry
    keys = state.openers.keys(entry.epoch)
    for _ in range(limits.ANCHOR_EVERY):
        if at is None or at.epoch != entry.epoch:
            return None
        if any(signature_valid(state.openers.network, key, at) for key in keys):
            return at
        at = find(reader, state.author, (at.seq - 1, at.prev))
    return None


def missing(reader: Reader, state: LogState) -> dict[Place, bool]:
    """Where branches are known to go on that are not held: what a held one stands on, what a settlement names.

    Returns:
        By seq and id, whether what stands on it is held. Empty while the log itself is not whole here.
    """
    if state.base.seq or state.lacking:
        return {}
    author, found, held = state.author, dict[Place, bool](), dict[bytes, Entry]()
    for entry in (*_rows(reader, f"{_BARE} ORDER BY seq", author), *_proof(reader, author)):
        held[entry.id] = entry
    for entry in held.values():
        place = (entry.seq - 1, entry.prev)
        if entry.seq == 0 or entry.prev in held or in_log(reader, author, (entry.seq, entry.id)):
            continue
        if not _is_placed(reader, author, place):
            found[place] = True
    for place in _named(reader, state):
        if place[1] not in held and not _is_placed(reader, author, place):
            found.setdefault(place, False)
    return found


def _is_placed(reader: Reader, author: bytes, place: Place) -> bool:
    return in_log(reader, author, place) or _set_aside(reader, author, place) is not None


def _named(reader: Reader, state: LogState) -> Iterator[Place]:
    """What the newest settlements of the main run name."""
    view = reader.view(state.author)
    top = view.main(state.tip.seq)
    for _ in range(MOST_SETTLEMENTS):
        if top is None or top.place == (0, 0):
            return
        low, high = 0, top.seq  # the opener of a place is the lowest entry that carries it
        while low < high:
            middle = (low + high) // 2
            entry = view.main(middle)
            if entry is None or entry.place < top.place:
                low = middle + 1
            else:
                high = middle
        opener = view.main(low)
        if opener is None:
            return
        if opener.kind == SETTLEMENT and opener.record is not None:
            yield from _names(opener.record)
        top = view.main(opener.seq - 1)


def _names(record: bytes) -> tuple[Place, ...]:
    try:
        settlement = decode_record(SETTLEMENT, record)
    except Void:
        return ()
    assert isinstance(settlement, Settlement)  # by its kind
    return tuple((seq, id) for seq, id in settlement.branches)


def parted(reader: Reader, among: Iterable[bytes]) -> list[bytes]:
    """Whose logs may have branches, of some networkers: forked, settled, rotated or with evidence; by id."""
    found: list[bytes] = []
    left = iter(sorted(among))
    while some := tuple(islice(left, _AT_ONCE)):
        marks = ", ".join("?" * len(some))
        rows: list[Any] = reader.connection.execute(
            "SELECT id FROM networker JOIN log USING (n)"  # noqa: S608 - marks
            f" WHERE id IN ({marks}) AND standing <> ?"
            " AND (standing = ? OR epoch > 0 OR term > 0 OR EXISTS(SELECT 1 FROM branch WHERE branch.n = log.n))"
            " ORDER BY id",
            (*some, Standing.CONTESTED, Standing.FORKED),
        ).fetchall()
        found += [row[0] for row in rows]
    return found


def room(reader: Reader, author: bytes, own: bytes) -> int:
    """Bytes of branches of a log that there is room for; less than nothing where more is kept than would be today.

    Args:
        reader: of the store.
        author: whose log.
        own: networker id of the owner, who needs not follow.
    """
    n = reader.connection.execute("SELECT n FROM networker WHERE id = ?", (author,)).get
    left = EVIDENCE_BYTES - kept(reader.connection, n)
    if (
        author == own
        or reader.connection.execute("SELECT EXISTS(SELECT 1 FROM follow WHERE n = ?)", (n,)).get
    ):
        return left
    return min(left, OTHERS_BYTES - kept_of_others(reader.connection, own))


def take(writer: Writer, author: bytes, entries: Iterable[Entry], bound: int = EVIDENCE_BYTES) -> None:
    """Keeps proved entries of a branch that a peer gave, oldest first; what is in the main run by now is left out."""
    with writer.transaction() as connection:
        n = connection.execute("SELECT n FROM networker WHERE id = ?", (author,)).get
        main = Reader(connection).view(author)
        new = [each for each in entries if (held := main.main(each.seq)) is None or held.id != each.id]
        if n is not None:
            keep(connection, n, [(e.seq, e.header, e.signature, e.record) for e in new], bound)


def _rows(reader: Reader, statement: str, *values: object) -> list[Entry]:
    rows: list[Any] = reader.connection.execute(statement, values).fetchall()
    return [stored_entry(*row) for row in rows]


def _proof(reader: Reader, author: bytes) -> list[Entry]:
    return [entry for side in reader.proof(author) or () for entry in rebuild(side)]


def _newest(entry: Entry) -> tuple[int, int, int, bytes]:
    return (entry.epoch, entry.term, entry.seq, entry.id)
