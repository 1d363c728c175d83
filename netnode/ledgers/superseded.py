"""What an issuer moved by a key of the owner's that it knew to be replaced: disputed [L13]."""

from __future__ import annotations

from collections.abc import Mapping

from netnode.ledgers.ledger import Ledger
from netnode.store import Reader, letters, swaps
from protocol.errors import Void
from protocol.ledger.effects import Moved, Swapped, Value
from protocol.ledger.statements import Request, Swap, read
from protocol.ledger.union import Claim
from protocol.records import Lock, Payout, Redeem, SwapEntry, Transfer, decode_record

_TAKEN = ("delivered", "settled")


def told(reader: Reader, issuer: bytes) -> Mapping[int, int]:
    """Epochs of the owner that an issuer has acknowledged, and since when (ms UTC)."""
    found = {}
    for row in swaps.told(reader.connection):
        letter = letters.out(reader, row.letter) if row.issuer == issuer else None
        if letter is not None and letter.state in _TAKEN:
            found[row.epoch] = letter.since
    return found


def superseded(reader: Reader, ledger: Ledger, own: bytes) -> tuple[Claim, ...]:
    """Movements of the owner's credit by an old key, logged after the issuer had acknowledged the newer one.

    Args:
        reader: of the store.
        ledger: of the issuer.
        own: networker id of the owner of this node: of others nobody here knows when they told whom.
    """
    epochs = told(reader, ledger.issuer)
    if not epochs:
        return ()
    return tuple(
        Claim(id, own, value.unit, value.amount)
        for id, value in ledger.effects.items()
        if isinstance(value, Moved | Swapped)
        and value.holder == own
        and not ledger.book.released(own, id[1:])
        and _is_late(reader, ledger, id, value, epochs)
    )


def _is_late(reader: Reader, ledger: Ledger, id: bytes, value: Value, epochs: Mapping[int, int]) -> bool:
    seq, logged = ledger.made(id), ledger.logged(id)
    newest = max((epoch for epoch, since in epochs.items() if since < logged), default=0)
    if seq is None or not newest:
        return False
    entry = reader.entry(ledger.issuer, seq)
    if entry is None or entry.record is None:
        return False
    try:
        record = decode_record(entry.kind, entry.record)
        match record:
            case Transfer() | Redeem() | Payout():
                return read(Request, record.request).epoch < newest
            case Lock():
                return read(Swap, record.document).first.epoch < newest
            case SwapEntry():
                return read(Swap, record.document).second.epoch < newest
            case _:
                return False
    except Void:
        return False
