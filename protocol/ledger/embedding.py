"""Openers read again from the log that embeds them: most are never asked for after they were verified [R-CRED-1]."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from protocol.entry import Entry
from protocol.errors import LocalProtocolError
from protocol.ledger.contents import read_sale
from protocol.ledger.dates import Dates
from protocol.ledger.signers import entries_of
from protocol.records import SalePart, decode_record


def openers_again(read: Callable[[int], Entry], dates: Dates, number: int) -> Sequence[Sequence[Entry]]:
    """What an entry of one part embeds.

    Args:
        read: an entry of the log that was folded before, by seq.
        dates: of the log.
        number: of the entry among the critical ones.

    Raises:
        LocalProtocolError: there is nothing of it in that entry.
    """
    entry = read(dates.seq(number))
    record = None if entry.record is None else decode_record(entry.kind, entry.record)
    if isinstance(record, SalePart):
        return entries_of(read_sale(record.content).openers)
    openers = getattr(record, "openers", None)
    if openers is None:
        raise LocalProtocolError(f"entry {entry.seq} of this log cannot be read again")
    return entries_of(openers)
