"""Invite links: ``inx:<networker id>?a=<address>&a=<address>`` [R-URI-1..5].

The id says whom to expect there, so a link cannot lead to somebody else; the addresses are hints and may be none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from protocol import limits
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.identity import NetworkerId, id_text, parse_id

SCHEME: Final = "inx:"
_ADDRESS: Final = re.compile(r"wss?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?([/?][!\"$-~]*)?")
_PRINTABLE: Final = re.compile(r"[!-~]*")
_ESCAPE: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/[]")


@dataclass(frozen=True, slots=True)
class Invite:
    """Who is meant and where their node answers (`ws://` or `wss://` URLs, the preferred first)."""

    id: NetworkerId
    addresses: tuple[str, ...]


def format_invite(networker: bytes, addresses: Sequence[str]) -> str:
    """The link of a networker; addresses that no longer fit MAX_URI characters are left out [R-URI-2, 3, 5].

    Raises:
        LocalProtocolError: an address that is no `ws://` or `wss://` URL, or more than MAX_ADDRESSES.
    """
    unique = tuple(dict.fromkeys(addresses))
    if len(unique) > limits.MAX_ADDRESSES:
        raise LocalProtocolError(
            f"{len(unique)} addresses, at most {limits.MAX_ADDRESSES} fit an invite link"
        )
    link = SCHEME + id_text(networker)
    separator = "?"
    for address in unique:
        if (problem := address_problem(address)) is not None:
            raise LocalProtocolError(f"address {address!r} {problem}")
        part = f"{separator}a={_quoted(address)}"
        if len(link) + len(part) <= limits.MAX_URI:
            link, separator = link + part, "&"
    return link


def parse_invite(text: str) -> Invite:
    """Reads a link; numbered checks of R-URI-1 to 5, parameters of other names are ignored.

    Raises:
        RemoteProtocolError: `bad_uri` or, for the id, `encoding`, with a sentence that says what is wrong.
    """
    if len(text) > limits.MAX_URI:
        raise _bad(f"the link is longer than {limits.MAX_URI} characters")
    if _PRINTABLE.fullmatch(text) is None or "#" in text:
        raise _bad("the link holds a space, a # or another character that cannot be in it")
    if text[: len(SCHEME)].lower() != SCHEME:
        raise _bad(f"the link does not begin with {SCHEME}")
    subject, _, query = text[len(SCHEME) :].partition("?")
    networker = parse_id(subject)
    found: dict[str, None] = {}
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        if name != "a":
            continue
        address = _unquoted(value)
        if (problem := address_problem(address)) is not None:
            raise _bad(f"the address {address!r} {problem}")
        found[address] = None
    if len(found) > limits.MAX_ADDRESSES:
        raise _bad(f"the link names more than {limits.MAX_ADDRESSES} addresses")
    return Invite(networker, tuple(found))


def address_problem(address: str) -> str | None:
    """What is wrong with the address of a node, as the end of a sentence; None when nothing is."""
    if len(address) > limits.MAX_ADDRESS:
        return f"is longer than {limits.MAX_ADDRESS} characters"
    match = _ADDRESS.fullmatch(address)
    if match is None:
        return "is not of the form ws://host:port/path or wss://host:port/path"
    if match[2] is not None and not 1 <= int(match[2][1:]) <= 65_535:
        return "names no port from 1 to 65535"
    return None


def _quoted(text: str) -> str:
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in text.encode())


def _unquoted(text: str) -> str:
    raw = text.encode("ascii")
    if raw.count(b"%") != len(_ESCAPE.findall(raw)):
        raise _bad("a % in the link is not followed by two hex digits")
    try:
        return _ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), raw).decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad("an address in the link is not well-formed UTF-8") from error


def _bad(text: str) -> RemoteProtocolError:
    return RemoteProtocolError("bad_uri", text)
