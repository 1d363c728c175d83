"""What a running node does about swaps and rotations by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from netnode.deals.means import Means
from netnode.issuing.issuing import Issuing
from netnode.store import credits, swaps
from netnode.swapping.deciding import Deciding
from netnode.swapping.desk import SwapDesk
from netnode.swapping.recovering import Recovering
from netnode.swapping.rekeying import Rekeying
from netnode.swapping.watching import Watching

LOOK_SECONDS: Final = 5.0
"""Between two looks; why: each is one question to an index while nothing is due."""


@dataclass(frozen=True, slots=True)
class Swapping:
    """The parts: letters come to `desk` and `rekeying`, the rest is looked at in its turn."""

    means: Means
    desk: SwapDesk
    deciding: Deciding
    watching: Watching
    rekeying: Rekeying
    recovering: Recovering

    async def run(self) -> None:
        """One round: what the owner is asked as an issuer, then what the own swaps need, then who is to be told.

        Before: what this home forgot when it was put back.
        """
        await self.recovering.look()
        await self.deciding.look()
        await self.watching.look()
        await self.rekeying.look()

    async def sweep(self) -> None:
        """Forgets swaps and requests that ended long ago."""
        await self.means.store.write(swaps.sweep, self.means.clock.now_ms())
        await self.means.store.write(credits.sweep)


def swapping(issued: Issuing) -> Swapping:
    """Puts the parts together, and has letters come to them.

    Args:
        issued: the issuer's part of the node, whose turn at the own log is shared.
    """
    means, ledgers, appending = issued.means, issued.ledgers, issued.appending
    desk = SwapDesk(means, ledgers)
    desk.listen()
    rekeying = Rekeying(means, ledgers, appending)
    rekeying.listen()
    return Swapping(
        means,
        desk,
        Deciding(means, ledgers, appending, desk),
        Watching(means, ledgers, desk),
        rekeying,
        Recovering(means, ledgers),
    )
