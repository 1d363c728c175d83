"""How often one address may ask the public routes, and how many requests are in work at once [R-SHOP-4]."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
SHARE: Final = 4  # of the requests in work, one network may have a quarter
AT_ONCE: Final = (
    32  # of all networks; why: what all shoppers together may take of this node's readers and writer
)


@dataclass(slots=True)
class _Block:
    """One network: how often it may ask, and how many of its requests are in work."""

    trickle: Trickle
    inside: int = 0


class Turnstile:
    """Lets requests in, by where they come from.

    Args:
        most: requests of one network at once; after that as many a minute come through.
        at_once: requests in work at any time; one network may have a quarter of them.
    """

    def __init__(self, most: int = limits.SHOP_REQUESTS, at_once: int = AT_ONCE) -> None:
        self._most = most
        self._at_once = at_once
        self._inside = 0
        self._blocks: OrderedDict[str, _Block] = OrderedDict()

    @contextmanager
    def passing(self, remote: str, now: float) -> Iterator[None]:
        """Counts one request while the context lasts.

        Args:
            remote: IP address it comes from.
            now: seconds of a monotonic clock.

        Raises:
            NotHeld: `rate` or `busy`.
        """
        name, here = block_of(remote), is_loopback(remote)
        block = self._blocks.get(name)
        if block is None:
            most = self._most * (HERE if here else 1)
            block = self._blocks[name] = _Block(Trickle(most, 60 / most))
            if len(self._blocks) > BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(name)
        if not block.trickle.take(1, now):
            raise NotHeld("rate", "this network has asked too often: try again in a minute")
        # A body that drips holds a place for long: nobody holds all of them.
        if self._inside >= self._at_once or (not here and block.inside >= max(1, self._at_once // SHARE)):
            raise NotHeld("busy", "too many ask at once: try again in a moment")
        self._inside += 1
        block.inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            block.inside -= 1
