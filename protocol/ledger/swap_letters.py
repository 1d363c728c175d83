"""Letters around swaps, rotations of holders, and what is settled after a rotation of an issuer [R-CRED-80..89]."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import limits
from protocol.records.credit import Headers, Statement
from protocol.records.fields import Wires, doc

SwapStep = Literal["accept", "decline", "end", "lock", "propose", "refuse", "sign", "swap"]
_Code = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[a-z_]{1,32}\Z")]


class SwapLetter(Struct, frozen=True, kw_only=True):
    """One step of a swap between two holders and two issuers."""

    code: Annotated[_Code | UnsetType, doc("with `refuse`: the code that the entry would have")] = UNSET
    document: Annotated[
        Statement,
        doc(
            "a `credit swap`; before `accept` without `second.counter` and `second.epoch`, missing signatures 0"
        ),
    ]
    entries: Annotated[
        Headers | UnsetType,
        doc(
            "with `swap`: the first issuer's lock, with `end`: the second issuer's swap; a signed entry last"
        ),
    ] = UNSET
    openers: Annotated[Wires, doc("of the holders; with `entries` of that issuer too")] = ()
    step: Annotated[
        SwapStep,
        doc(
            "between holders propose, accept, sign, decline; to issuers lock, swap, end; of an issuer refuse"
        ),
    ]
    text: Annotated[
        Annotated[str, Meta(max_length=limits.MAX_REASON)], doc("a sentence for a person; may be empty")
    ] = ""


class RekeyLetter(Struct, frozen=True, kw_only=True):
    """A holder tells an issuer of its own rotations."""

    openers: Annotated[Wires, doc("inception and rotations of the sender")]


class ReleaseLetter(Struct, frozen=True, kw_only=True):
    """A holder lets go of what a rotation of the recipient left disputed."""

    openers: Annotated[Wires, doc("of the sender")] = ()
    release: Annotated[Statement, doc("a `credit release`, whole")]
