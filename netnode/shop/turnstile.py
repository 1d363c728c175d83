"""How often one address may ask the public routes, and how many requests are in work at once [R-SHOP-4]."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from netnode.sync.allowance import Trickle
from netnode.sync.groups import block_of, is_loopback
from protocol import limits
from protocol.errors import NotHeld

BLOCKS: Final = (
    10_000  # why: remembered /24 and /48 networks, about 2 MB; the one that asked longest ago is forgotten
)
HERE: Final = (
    20  # why: times as many from this computer: its owner, or a proxy that is not in `trusted_proxies`
)
AT_ONCE: Final = 32  # why: what all shoppers together may take of this node's readers and writer


class Turnstile:
    """Lets requests in, by where they come from.

    Args:
        most: requests of one network at once; after that as many a minute come through.
        at_once: requests in work at any time.
    """

    def __init__(self, most: int = limits.SHOP_REQUESTS, at_once: int = AT_ONCE) -> None:
        self._most = most
        self._at_once = at_once
        self._inside = 0
        self._blocks: OrderedDict[str, Trickle] = OrderedDict()

    @contextmanager
    def passing(self, remote: str, now: float) -> Iterator[None]:
        """Counts one request while the context lasts.

        Args:
            remote: IP address it comes from.
            now: seconds of a monotonic clock.

        Raises:
            NotHeld: `rate` or `busy`.
        """
        block = block_of(remote)
        trickle = self._blocks.get(block)
        if trickle is None:
            most = self._most * (HERE if is_loopback(remote) else 1)
            trickle = self._blocks[block] = Trickle(most, 60 / most)
            if len(self._blocks) > BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(block)
        if not trickle.take(1, now):
            raise NotHeld("rate", "this network has asked too often: try again in a minute")
        if self._inside >= self._at_once:
            raise NotHeld("busy", "too many ask at once: try again in a moment")
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
