"""Referral tokens and paths; section 23.1."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

from netnode.conformance.encoding import decode, encode
from netnode.conformance.faults import demand
from netnode.conformance.limits import (
    HASH_BYTES,
    MAX_CAMPAIGN,
    MAX_EPOCHS,
    MAX_KEY,
    MAX_PATH,
    MAX_REFERRAL,
    SALT_BYTES,
    SIGNATURE_BYTES,
)
from netnode.conformance.shapes import any_bin, array, bin_, int_, may, must, row, str_, table
from netnode.conformance.signatures import valid
from netnode.conformance.tags import sha256, tag

_FIELDS: Final = {
    "campaign": may(str_(1, MAX_CAMPAIGN, "^[a-z0-9_-]{1,32}$")),
    "epoch": must(int_(0, MAX_EPOCHS - 1)),
    "expires": must(int_()),
    "listing": may(str_(1, MAX_KEY)),
    "prior": may(bin_(HASH_BYTES)),
    "referrer": must(bin_(HASH_BYTES)),
    "seller": must(bin_(HASH_BYTES)),
    "signature": must(bin_(SIGNATURE_BYTES)),
}
_PATH: Final = row(any_bin, array(any_bin))


def read_token(data: bytes) -> dict[str, Any]:
    """A token by its form; its signature is another question [R-PATH-1].

    Raises:
        Fault: as `decode` says, or `path`.
    """
    token = decode(data, MAX_REFERRAL)
    form = table(_FIELDS)(token) and isinstance(token, dict) and token.keys() <= _FIELDS.keys()
    demand(form, "path", "no token")
    found: dict[str, Any] = token
    return found


def signed(network: str, token: dict[str, Any]) -> bytes:
    """What the referrer signs [R-PATH-2]."""
    return tag(network, "referral") + encode({name: token[name] for name in token if name != "signature"})


def check_token(network: str, token: dict[str, Any], key: bytes) -> None:
    """Checks a token under the signing key of its referrer [R-PATH-2].

    Raises:
        Fault: `signature`.
    """
    demand(valid(key, signed(network, token), token["signature"]), "signature", "of the token")


def read_path(data: bytes) -> tuple[bytes, list[bytes]]:
    """Salt and tokens of an opened path that go together [R-PATH-3].

    Raises:
        Fault: as `read_token`.
    """
    path = decode(data, MAX_PATH * (MAX_REFERRAL + 8))
    demand(_PATH(path), "path", "no path")
    salt, raw = path
    demand(len(salt) == SALT_BYTES and 1 <= len(raw) <= MAX_PATH, "path", "salt, or number of tokens")
    tokens = [read_token(each) for each in raw]
    demand("prior" not in tokens[0], "path", "something stands before the first")
    for before, token in pairwise(zip(raw, tokens, strict=True)):
        demand(token[1].get("prior") == sha256(before[0]), "path", "another before")
    sellers = {token["seller"] for token in tokens}
    referrers = {token["referrer"] for token in tokens}
    demand(len(sellers) == 1, "path", "two sellers")
    demand(len(referrers) == len(tokens) and not referrers & sellers, "path", "somebody twice")
    return salt, raw


def hash_of(network: str, data: bytes) -> bytes:
    """The path hash of an opened path [R-PATH-4]."""
    return sha256(tag(network, "path") + data)


def check_date(tokens: list[dict[str, Any]], at: int, listing: str) -> None:
    """Whether these tokens can lead to an order of that listing at that date [R-PATH-5].

    Raises:
        Fault: `path`, `path_expired`.
    """
    for token in tokens:
        demand(token.get("listing", listing) == listing, "path", "another listing")
        demand(token["expires"] > at, "path_expired", "a token")
