"""The ledgers of the logs held here, folded when they are asked for and kept level with the store.

    ledger = await ledgers.of(issuer)                   # level; its teams and plans may be read on the event loop
    found = await ledgers.ask(issuer, function)         # function(ledger) in a thread, while nothing is folded
    book = await ledgers.own()                          # the own log's fold, level with what is stored
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from netnode.ledgers.ledger import Ledger
from netnode.store import Store
from protocol.ledger.book import Book

T = TypeVar("T")


class Ledgers:
    """The ledgers of the logs held here.

    Args:
        network: the network's name.
        own: networker id of the owner of this node.
        store: holds the logs.
    """

    def __init__(self, network: str, own: bytes, store: Store) -> None:
        self._network = network
        self._own = own
        self._store = store

    async def of(self, issuer: bytes) -> Ledger:
        """The ledger of a networker, level with what is held of their log.

        What a close or the end of a swap changes (effects, accounts) may be changing in a thread while another task
        waits: read those by `ask`. Teams, plans, opportunities and signers may be read until the next `await`.

        Raises:
            Problem: `unknown_author` (3): nothing of the log is here; `incomplete` (4): its beginning is missing.
        """
        raise NotImplementedError

    async def own(self) -> Book:
        """The fold of the own log, level with it; the same object each time, until the log changes its branch.

        Its `state` may be given to `protocol.ledger.drafting` on the event loop: what it reads again of the log it
        reads from the store at once.

        Raises:
            Problem: as `of`.
        """
        return (await self.of(self._own)).book

    async def ask(self, issuer: bytes, function: Callable[[Ledger], T]) -> T:
        """Runs ``function(ledger)`` in a reader lane, level with the log, while nobody folds it.

        Args:
            issuer: networker id.
            function: returns nothing that still refers to the ledger.

        Raises:
            Problem: as `of`.
        """
        raise NotImplementedError
