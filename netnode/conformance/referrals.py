"""Referral links and codes; section 28.4."""

from __future__ import annotations

from typing import Any, Final

from netnode.conformance import bech32
from netnode.conformance.encoding import decode, encode
from netnode.conformance.faults import Fault, demand
from netnode.conformance.limits import (
    MAX_ADDRESS,
    MAX_CODE,
    MAX_KEY,
    MAX_PATH,
    MAX_REFERRAL,
    MAX_REFERRAL_LINK,
    SALT_BYTES,
)
from netnode.conformance.links import is_address
from netnode.conformance.paths import read_path, read_token
from netnode.conformance.shapes import array, bin_, may, must, str_, table

PREFIX: Final = "inxref"
_ALPHABET: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_FIELDS: Final = {
    "at": may(array(str_(1, MAX_ADDRESS), 0, 3)),
    "listing": may(str_(1, MAX_KEY)),
    "path": must(array(bin_(1, MAX_REFERRAL), 1, MAX_PATH)),
}


def read_link(text: str) -> dict[str, Any]:
    """Tokens, listing, addresses and end of a link [R-REF-1] [R-REF-2].

    Raises:
        Fault: `bad_uri`.
    """
    try:
        value = decode(bech32.read(PREFIX, text, MAX_REFERRAL_LINK), MAX_REFERRAL_LINK)
        demand(table(_FIELDS)(value) and value.keys() <= _FIELDS.keys(), "bad_uri", "its form")
        _, raw = read_path(encode([bytes(SALT_BYTES), value["path"]]))
    except Fault as fault:
        raise Fault("bad_uri", str(fault)) from fault
    tokens = [read_token(each) for each in raw]
    named = {each["listing"] for each in (*tokens, value) if "listing" in each}
    demand(len(named) < 2, "bad_uri", "two listings")
    demand(all(map(is_address, value.get("at", []))), "bad_uri", "an address")
    return {
        "path": [each.hex() for each in raw],
        "listing": next(iter(named), None),
        "at": value.get("at", []),
        "expires": min(each["expires"] for each in tokens),
    }


def read_code(typed: str) -> str:
    """A code as it counts [R-REF-4].

    Raises:
        Fault: `bad_uri`.
    """
    code = "".join(each.upper() if each.isascii() else each for each in typed if not each.isspace())
    demand(1 <= len(code) <= MAX_CODE, "bad_uri", "its length")
    if code.startswith("R-"):
        values = [_ALPHABET.find(each) for each in code[2:]]
        demand(len(values) == 8 and -1 not in values, "bad_uri", "its characters")
        weighed = sum(place * value for place, value in enumerate(values[:7], 1))
        demand(weighed % 31 == values[7], "bad_uri", "its check character")
    return code
