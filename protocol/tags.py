"""Domain tags: what is signed or hashed for one purpose in one network is worth nothing for another."""

from __future__ import annotations

import functools
import re
from typing import Final

from protocol.errors import LocalProtocolError

DEFAULT_NETWORK: Final = "inx"
_NETWORK = re.compile(r"[a-z0-9-]{1,32}")


@functools.lru_cache(maxsize=64)
def tag(network: str, purpose: str) -> bytes:
    """The bytes that precede what is hashed or signed: ``INX/1 0x00 network 0x00 purpose 0x00`` [R-TAG-1].

    Args:
        network: 1-32 characters of ``a-z 0-9 -``.
        purpose: one of SPEC's list of purposes.

    Raises:
        LocalProtocolError: the network's name is not of that form.
    """
    if _NETWORK.fullmatch(network) is None:
        raise LocalProtocolError(f"network name {network!r} is not 1-32 characters of a-z, 0-9 and -")
    return b"INX/1\x00" + network.encode("ascii") + b"\x00" + purpose.encode("ascii") + b"\x00"
