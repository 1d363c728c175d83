"""Invite links; section 12.4."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from netnode.conformance.bech32 import read_id, write_id
from netnode.conformance.faults import Fault, demand
from netnode.conformance.limits import MAX_ADDRESS, MAX_ADDRESSES, MAX_URI

_ADDRESS: Final = re.compile(
    r"wss?://(?:[A-Za-z0-9._-]+|\[(?P<six>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{1,5}))?(?:[/?][!-~]*)?"
)
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


def write_link(networker: bytes, addresses: list[str]) -> str:
    """The invite link of a networker [R-URI-1].

    Raises:
        Fault: `local` for addresses of a wrong form, or too many.
    """
    different = list(dict.fromkeys(addresses))  # [R-URI-3]
    demand(len(different) <= MAX_ADDRESSES and all(map(is_address, different)), "local", "addresses")
    parameters = "&".join("a=" + _escape(address) for address in different)
    link = "inx:" + write_id(networker) + ("?" + parameters if parameters else "")
    demand(len(link) <= MAX_URI, "local", "the link is too long")
    return link


def read_link(link: str) -> tuple[bytes, list[str]]:
    """The networker and the addresses that an invite link names.

    Raises:
        Fault: `bad_uri`, or `encoding` for a wrong id. [R-URI-5]
    """
    demand(
        len(link) <= MAX_URI and re.fullmatch("[!-~]*", link) is not None, "bad_uri", "length or characters"
    )
    demand("#" not in link, "bad_uri", "a fragment")
    demand(link[:4].lower() == "inx:", "bad_uri", "no invite link")
    networker, _, query = link[4:].partition("?")
    found = read_id(networker)
    addresses: list[str] = []
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        if name == "a":  # [R-URI-4]
            address = _unescape(value)
            demand(is_address(address), "bad_uri", "an address")
            if address not in addresses:
                addresses.append(address)
    demand(len(addresses) <= MAX_ADDRESSES, "bad_uri", "too many addresses")  # [R-URI-3]
    return found, addresses


def _escape(address: str) -> str:
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in address.encode())


def _unescape(value: str) -> str:
    demand(re.search("%(?![0-9A-Fa-f]{2})", value) is None, "bad_uri", "a % without two digits")
    raw = re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), value.encode())
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Fault("bad_uri", "no UTF-8") from error
