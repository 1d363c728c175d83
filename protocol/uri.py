"""Invite links: ``inx:<networker id>?a=<address>&a=<address>`` [R-URI-1..7].

The id says whom to expect there, so a link cannot lead to somebody else; the addresses are hints and may be none. An
invite that gives its bearer a standing with its maker carries a token besides (`t`), its expiry (`e`) and whether a
PIN is asked for (`p`).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from protocol import limits
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.identity import NetworkerId, id_text, parse_id

SCHEME: Final = "inx:"
_ADDRESS: Final = re.compile(r"wss?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?([/?][!\"$-~]*)?")
_PRINTABLE: Final = re.compile(r"[!-~]*")
_TOKEN: Final = re.compile(rf"[0-9A-Fa-f]{{{2 * limits.TOKEN_BYTES}}}")
_EXPIRES: Final = re.compile(r"[0-9]{1,13}")
_ESCAPE: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/[]")


_ONCE: Final[Mapping[str, str]] = MappingProxyType({"t": "a token", "e": "an expiry", "p": "its PIN"})


@dataclass(frozen=True, slots=True)
class Invite:
    """Who is meant and where their node answers (`ws://` or `wss://` URLs, the preferred first).

    Attributes:
        id: of the networker.
        addresses: `ws://` or `wss://` URLs, the preferred first.
        token: 16 bytes to show there by `join`; None in a link that only says where somebody is.
        expires: until when the token holds, ms UTC; None for no end.
        pin: whether a PIN is to be shown with the token.
    """

    id: NetworkerId
    addresses: tuple[str, ...]
    token: bytes | None = None
    expires: int | None = None
    pin: bool = False


def format_invite(
    networker: bytes,
    addresses: Sequence[str],
    *,
    token: bytes | None = None,
    expires: int | None = None,
    pin: bool = False,
) -> str:
    """The link of a networker; addresses that no longer fit MAX_URI characters are left out [R-URI-2, 3, 5, 6].

    Args:
        networker: its id.
        addresses: where its node answers.
        token: 16 bytes that the bearer shows by `join`; None for a link that only says where somebody is.
        expires: until when the token holds, ms UTC; whole seconds are written, rounded down.
        pin: whether a PIN is asked for with the token.

    Raises:
        LocalProtocolError: an address that is no `ws://` or `wss://` URL, more than MAX_ADDRESSES, a token of another
            length, or an expiry or PIN without a token.
    """
    if token is None and (expires is not None or pin):
        raise LocalProtocolError("an invite without a token has neither expiry nor PIN")
    if token is not None and len(token) != limits.TOKEN_BYTES:
        raise LocalProtocolError(f"a token has {limits.TOKEN_BYTES} bytes, this one {len(token)}")
    unique = tuple(dict.fromkeys(addresses))
    if len(unique) > limits.MAX_ADDRESSES:
        raise LocalProtocolError(
            f"{len(unique)} addresses, at most {limits.MAX_ADDRESSES} fit an invite link"
        )
    link = SCHEME + id_text(networker)
    separator = "?"
    if token is not None:
        link, separator = f"{link}?t={token.hex()}", "&"
        if expires is not None:
            link += f"&e={expires // 1000}"
        if pin:
            link += "&p=1"
    for address in unique:
        if (problem := address_problem(address)) is not None:
            raise LocalProtocolError(f"address {address!r} {problem}")
        part = f"{separator}a={_quoted(address)}"
        if len(link) + len(part) <= limits.MAX_URI:
            link, separator = link + part, "&"
    return link


def parse_invite(text: str) -> Invite:
    """Reads a link; numbered checks of R-URI-1 to 7, parameters of other names are ignored.

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
    said: dict[str, str] = {}
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        if name in _ONCE:
            if name in said:
                raise _bad(f"the link names {_ONCE[name]} twice")
            said[name] = _unquoted(value)
        if name != "a":
            continue
        address = _unquoted(value)
        if (problem := address_problem(address)) is not None:
            raise _bad(f"the address {address!r} {problem}")
        found[address] = None
    if len(found) > limits.MAX_ADDRESSES:
        raise _bad(f"the link names more than {limits.MAX_ADDRESSES} addresses")
    return Invite(networker, tuple(found), *_claims(said))


def _claims(said: Mapping[str, str]) -> tuple[bytes | None, int | None, bool]:
    """Token, expiry and PIN of a link [R-URI-6]; expiry and PIN mean nothing without a token."""
    token, expires, pin = said.get("t"), said.get("e"), said.get("p")
    if token is not None and _TOKEN.fullmatch(token) is None:
        raise _bad(f"its token is not {2 * limits.TOKEN_BYTES} hex digits")
    if expires is not None and (_EXPIRES.fullmatch(expires) is None or int(expires) * 1000 > limits.MAX_INT):
        raise _bad("its expiry is not a number of seconds")
    if pin not in (None, "0", "1"):
        raise _bad("it says neither 0 nor 1 of its PIN")
    if token is None:
        return None, None, False
    return bytes.fromhex(token), None if expires is None else int(expires) * 1000, pin == "1"


def address_problem(address: str) -> str | None:
    """What is wrong with the address of a node, as the end of a sentence; None when nothing is."""
    if len(address) > limits.MAX_ADDRESS:
        return f"is longer than {limits.MAX_ADDRESS} characters"
    match = _ADDRESS.fullmatch(address)
    if match is None:
        return "is not of the form ws://host:port/path or wss://host:port/path"
    if match[1].startswith("[") and not _is_ip6(match[1][1:-1]):
        return "names no IPv6 address in its brackets"
    if match[2] is not None and not 1 <= int(match[2][1:]) <= 65_535:
        return "names no port from 1 to 65535"
    return None


def _is_ip6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


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
