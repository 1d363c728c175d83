"""Records by kind: which are malformed; sections 6.2 and 7."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Final

from netnode.conformance import credits, listings, plans, teams
from netnode.conformance.encoding import decode
from netnode.conformance.faults import Fault, demand
from netnode.conformance.limits import (
    HASH_BYTES,
    KEY_BYTES,
    MAX_ADDRESS,
    MAX_ADDRESSES,
    MAX_BRANCHES,
    MAX_EPOCHS,
    MAX_KEY,
    MAX_RECORD,
    MAX_SEQ,
    MAX_STAMP_BITS,
    MAX_STANDING,
    MAX_STANDING_PARTS,
    SALT_BYTES,
    STAMP_NONCE_BYTES,
)
from netnode.conformance.shapes import (
    Field,
    array,
    bin_,
    bool_,
    differ,
    int_,
    line,
    may,
    must,
    one_of,
    row,
    str_,
    table,
)

Map = dict[str, Any]

_SALT: Final = must(bin_(SALT_BYTES))  # [R-REC-1]
_NAMED_ENTRY: Final = row(int_(0, MAX_SEQ), bin_(HASH_BYTES))

FIELDS: Final[Mapping[int, Mapping[str, Field]]] = {
    0: {  # inception
        "key": must(bin_(KEY_BYTES)),
        "nonce": must(bin_(SALT_BYTES)),
        "promise": must(bin_(HASH_BYTES)),
    },
    1: {  # profile
        "$": _SALT,
        "addresses": may(array(str_(6, MAX_ADDRESS, "^wss?://"), 1, MAX_ADDRESSES)),
        "attribution": may(
            table(
                {
                    "bind": must(bool_),
                    "gift": may(str_(1, 32)),
                    "gift_points": may(int_(1, 10_000)),
                    "model": must(one_of("first", "last")),
                    "window": must(int_(1, 365)),
                }
            )
        ),
        "bio": may(str_(1, 2_000)),
        "domain": may(str_(3, 253, r"^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+$")),
        "mailboxes": may(array(bin_(HASH_BYTES), 1, 4)),
        "name": must(line(1, 100)),
        "stamp": may(
            table({"bits": must(int_(0, MAX_STAMP_BITS)), "nonce": must(bin_(STAMP_NONCE_BYTES))})
        ),
    },
    2: {  # rotation
        "key": must(bin_(KEY_BYTES)),
        "promise": must(bin_(HASH_BYTES)),
        "reveal": must(bin_(KEY_BYTES)),
    },
    3: listings.FIELDS,
    4: {"branches": must(array(_NAMED_ENTRY, 0, MAX_BRANCHES))},  # settlement
    5: {"$": _SALT, "key": must(line(1, MAX_KEY))},  # withdraw
    6: {"reason": may(str_(1, 500))},  # close
    7: {  # standing
        "$": _SALT,
        "entries": must(array(_NAMED_ENTRY, 1, MAX_STANDING)),
        "part": must(int_(1, MAX_STANDING_PARTS)),
        "parts": must(int_(1, MAX_STANDING_PARTS)),
    },
    8: {  # keys
        "mlkem768_x25519": may(bin_(1_216)),
        "until": must(int_()),
        "x25519": must(bin_(KEY_BYTES)),
    },
    9: {  # block
        "$": _SALT,
        "id": must(bin_(HASH_BYTES)),
        "lifted": may(bool_),
        "reason": may(str_(1, 500)),
    },
    11: {  # report
        "$": _SALT,
        "author": must(bin_(HASH_BYTES)),
        "entry": may(bin_(HASH_BYTES)),
        "reason": must(
            one_of("abuse", "counterfeit", "fraud", "illegal", "impersonation", "other", "spam")
        ),
        "text": may(str_(1, 2_000)),
    },
    **credits.RECORDS,
    **teams.RECORDS,
    10: plans.FIELDS,
    19: {  # review
        "$": _SALT,
        "buyer": may(table({
            "epoch": must(int_(0, MAX_EPOCHS - 1)), "id": must(bin_(HASH_BYTES)), "signature": must(bin_(64)),
        })),
        "contract": must(bin_(0, 32 * 1024)),
        "entry": may(int_(0, MAX_SEQ)),
        "path": may(bin_(0, 8 * 1_032)),
        "rating": may(int_(1, 5)),
        "receipt": must(bin_(0, 1_024)),
        "seller": must(bin_(HASH_BYTES)),
        "signature": must(bin_(64)),
        "text": may(str_(1, 2_000)),
        "time": must(int_()),
    },
}  # fmt: skip
"""The field tables of the kinds this version names [R-REC-3]."""


def _profile_holds(profile: Map) -> bool:
    said = profile.get("attribution", {})
    gifts = ("gift" in said) == ("gift_points" in said)
    return gifts and differ(profile.get("addresses", [])) and differ(profile.get("mailboxes", []))


def _settlement_holds(settlement: Map) -> bool:
    branches = settlement["branches"]
    return branches == sorted(branches) and differ(branches)


def _standing_holds(standing: Map) -> bool:
    seqs = [seq for seq, _ in standing["entries"]]
    rising = all(low < high for low, high in pairwise(seqs))
    return rising and standing["part"] <= standing["parts"]


def _review_holds(review: Map) -> bool:
    others = "buyer" not in review or review["buyer"]["id"] != review["seller"]
    return others and ("text" not in review or "rating" in review)


_ACROSS: Final[Mapping[int, Callable[[Map], bool]]] = {
    1: _profile_holds,
    3: listings.holds,
    4: _settlement_holds,
    7: _standing_holds,
    19: _review_holds,
    **credits.ACROSS,
    **teams.ACROSS,
    10: plans.holds,
}


def read_record(kind: int, record: bytes) -> Map:
    """The record of an entry of this kind; of an unknown kind an empty map, for it is not judged [R-KIND-2].

    Raises:
        Fault: `malformed`. [R-REC-2]
    """
    if kind not in FIELDS:
        return {}
    try:
        value = decode(record, MAX_RECORD)
    except Fault as fault:
        raise Fault("malformed", str(fault)) from fault
    demand(table(FIELDS[kind])(value), "malformed", "a field is missing, of a wrong type or out of bounds")
    if kind in _ACROSS:
        demand(_ACROSS[kind](value), "malformed", "fields contradict each other")
    fields: Map = value
    return fields
