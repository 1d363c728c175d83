"""The rest of a simulated node's outside: sealing, the web, the local network."""

from __future__ import annotations

import pytest

from netnode.ports import CannotOpen, OpeningKeys
from netnode.sealer import recipient_keys
from netnode.simulator.chance import SimEntropy, Stream
from netnode.simulator.outside import SimMulticast, SimSealer, SimWeb

KEYS = OpeningKeys(b"k" * 32)


def sealer() -> SimSealer:
    return SimSealer(SimEntropy(Stream(1, "sealer")))


def test_what_is_sealed_opens_with_its_key_and_purpose_only() -> None:
    sealed = sealer().seal(recipient_keys(KEYS), b"info", b"secret")
    assert sealer().open(KEYS, b"info", sealed) == b"secret"
    for keys, info, data in (
        (OpeningKeys(b"x" * 32), b"info", sealed),
        (KEYS, b"other", sealed),
        (KEYS, b"info", sealed[:-1]),
        (KEYS, b"info", b""),
    ):
        with pytest.raises(CannotOpen):
            sealer().open(keys, info, data)


def test_sealing_is_decided_by_the_seed() -> None:
    assert sealer().seal(recipient_keys(KEYS), b"", b"a") == sealer().seal(recipient_keys(KEYS), b"", b"a")


async def test_the_web_holds_what_was_put_there() -> None:
    pages = {"https://shop.example/a": b"page"}
    web = SimWeb(pages)
    assert await web.fetch("shop.example", "/a") == b"page"
    with pytest.raises(OSError, match="nowhere"):
        await web.picture("https://shop.example/b")
    pages["https://shop.example/b"] = b"new"
    assert await web.picture("https://shop.example/b") == b"new"


async def test_there_is_no_local_network() -> None:
    with pytest.raises(OSError, match="no local network"):
        await SimMulticast().run("nx1", 1, [], lambda *_: None, lambda _: None)
