"""Invite links; section 12.4."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from netnode.conformance.bech32 import read_id, write_id
from netnode.conformance.faults import Fault, demand
from netnode.conformance.limits import MAX_ADDRESS, MAX_ADDRESSES, MAX_INT, MAX_URI, TOKEN_BYTES

_ADDRESS: Final = re.compile(
    r"wss?://(?:[A-Za-z0-9._-]+|\[(?P<six>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{1,5}))?(?:[/?][!-~]*)?"
)
_CLAIMS: Final = {"t": f"[0-9A-Fa-f]{{{2 * TOKEN_BYTES}}}", "e": "[0-9]{1,13}", "p": "[01]"}
_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/[]")


def is_address(text: str) -> bool:
    """Whether a node may answer at this address [R-URI-2]."""
    found = _ADDRESS.fullmatch(text)
    if found is None or len(text) > MAX_ADDRESS or "#" in text:
        return False
    if found["six"] is not None:
        try:
            ipaddress.IPv6Address(found["six"])
        except ValueError:
            return False
    return found["port"] is None or 1 <= int(found["port"]) <= 65_535


@dataclass(frozen=True, slots=True)
class Link:
    """What an invite link says; `expires` in ms UTC, `pin` whether one is asked for [R-URI-6]."""

    networker: bytes
    addresses: list[str]
    token: bytes | None = None
    expires: int | None = None
    pin: bool = False


def write_link(link: Link) -> str:
    """The invite link as text [R-URI-1].

    Raises:
        Fault: `local` for addresses of a wrong form, or too many, or a token of another length.
    """
    different = list(dict.fromkeys(link.addresses))  # [R-URI-3]
    demand(len(different) <= MAX_ADDRESSES and all(map(is_address, different)), "local", "addresses")
    parameters = []
    if link.token is not None:
        demand(len(link.token) == TOKEN_BYTES, "local", "token")
        parameters.append("t=" + link.token.hex())
        parameters += [] if link.expires is None else [f"e={link.expires // 1000}"]
        parameters += ["p=1"] if link.pin else []
    parameters += ["a=" + _escape(address) for address in different]
    text = "inx:" + write_id(link.networker) + ("?" + "&".join(parameters) if parameters else "")
    demand(len(text) <= MAX_URI, "local", "the link is too long")
    return text


def read_link(text: str) -> Link:
    """What an invite link says.

    Raises:
        Fault: `bad_uri`, or `encoding` for a wrong id. [R-URI-5]
    """
    demand(
        len(text) <= MAX_URI and re.fullmatch("[!-~]*", text) is not None, "bad_uri", "length or characters"
    )
    demand("#" not in text, "bad_uri", "a fragment")
    demand(text[:4].lower() == "inx:", "bad_uri", "no invite link")
    networker, _, query = text[4:].partition("?")
    found = read_id(networker)
    addresses: list[str] = []
    claims: dict[str, str] = {}
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        if name == "a":  # [R-URI-4]
            address = _unescape(value)
            demand(is_address(address), "bad_uri", "an address")
            if address not in addresses:
                addresses.append(address)
        elif name in _CLAIMS:
            demand(name not in claims, "bad_uri", "a parameter twice")  # [R-URI-6]
            claims[name] = _unescape(value)
            demand(re.fullmatch(_CLAIMS[name], claims[name]) is not None, "bad_uri", name)
    demand(len(addresses) <= MAX_ADDRESSES, "bad_uri", "too many addresses")  # [R-URI-3]
    expires = int(claims["e"]) * 1000 if "e" in claims else None
    demand(expires is None or expires <= MAX_INT, "bad_uri", "expiry")
    if "t" not in claims:
        return Link(found, addresses)  # [R-URI-7]
    return Link(found, addresses, bytes.fromhex(claims["t"]), expires, claims.get("p") == "1")


def _escape(address: str) -> str:
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in address.encode())


def _unescape(value: str) -> str:
    demand(re.search("%(?![0-9A-Fa-f]{2})", value) is None, "bad_uri", "a % without two digits")
    raw = re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), value.encode())
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Fault("bad_uri", "no UTF-8") from error
