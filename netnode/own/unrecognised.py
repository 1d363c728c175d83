"""Entries in the own log that this home did not write: noted until their owner says whose they are [R-LOG-33].

Catching up is over in a second, and the settlement after it ends the caution. Whoever has the key would be noticed by
nobody then, so this note stays: a rotation ends it, or the word that another copy of the home wrote them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from netnode.store import Reader, Writer

_META: Final = "unrecognised"


class _Noted(msgspec.Struct, frozen=True):
    """`last`: seq of the newest entry that was here before; `at`: when more came, ms UTC."""

    last: int
    at: int


def note(writer: Writer, last: int, now: int) -> None:
    """Own entries above `last` came from a peer; the first note stays."""
    if writer.get_meta(_META) is None:
        writer.set_meta(_META, msgspec.json.encode(_Noted(last, now)))


def forget(writer: Writer) -> bool:
    """The owner knows of them, or their key counts no more; whether there was a note."""
    noted = writer.get_meta(_META) is not None
    writer.set_meta(_META, None)
    return noted


def unrecognised(reader: Reader) -> str | None:
    """What the owner has to look at, in sentences; None when this home wrote all of its log."""
    value = reader.meta(_META)
    if value is None:
        return None
    noted = msgspec.json.decode(value, type=_Noted)
    when = datetime.fromtimestamp(noted.at // 1000, UTC).strftime("%Y-%m-%d %H:%M")
    return (
        f"On {when} UTC a peer brought entries of your log above number {noted.last} that this home did not write. "
        "Look at them: netnode log ls. If another copy of this home wrote them, or this one was put back from an older "
        "state, say so: netnode log resume. If not, somebody has your key: "
        f"netnode key rotate --last {noted.last}"
    )
