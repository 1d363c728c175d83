"""Asks a peer for the own log: before anything else while this node is cautious, for branches while it is forked.

"None" is an answer, silence is not, and neither is a claim of entries that the peer does not give [R-LOG-32].
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from netnode.own.log import OwnLog
from netnode.store import Reader, Store
from netnode.sync.conversation import Conversation, answered, is_last
from netnode.sync.groups import host_group
from protocol import limits, messages
from protocol.entry import Entry
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.items import Item, parse_item
from protocol.log_state import LogState
from protocol.run import Run, rebuild

BRANCH_ENTRIES: Final = 20_000  # of one branch, from one peer
_log = logging.getLogger("netnode.sync")


class OwnFirst:
    """The questions about the own log in one session.

    Args:
        conversation: asks them.
        store: where the own log is.
        own: the own log.
        level: fetches what an item tells of; returns whether all of it is here.
    """

    def __init__(
        self,
        conversation: Conversation,
        store: Store,
        own: OwnLog,
        level: Callable[[Item], Awaitable[bool]],
    ) -> None:
        self._conversation = conversation
        self._store = store
        self._own = own
        self._level = level
        self._branch: tuple[int, int, int] | None = None  # the fork whose branch this peer was asked for

    async def ask(self) -> None:
        """While this node is cautious: asks for the own log and fetches what is later, then counts the answer."""
        caution, author = self._own.caution, self._own.id
        if not caution.asking:
            return
        if not caution.has_answered(self._peer):
            after = (int.from_bytes(author) - 1).to_bytes(32) if any(author) else None
            try:
                page = await self._conversation.ask(messages.Heads(after=after, limit=1), messages.Items)
            except NotHeld as refusal:
                _log.info(
                    "%s does not say what it holds of the own log: %s",
                    self._conversation.network,
                    refusal,
                )
                return
            items = [item for item in map(parse_item, page.items) if item.author == author]
            if all([await self._level(item) for item in items]):
                await self._answered()
        await self._branches()

    async def compared(self, whole: bool) -> None:
        """The ordinary comparison is through, of which the own log is a part [R-LOG-21].

        Args:
            whole: nothing of the own log is left that the peer claims and did not give.
        """
        if whole and not self._own.caution.has_answered(self._peer):
            await self._answered()
        await self._branches()

    @property
    def _peer(self) -> bytes:
        remote = self._conversation.session.remote
        if remote is None:
            raise RemoteProtocolError("unexpected", "no identity yet")
        return remote.id

    async def _answered(self) -> None:
        await self._own.caution.answered(self._peer, host_group(self._conversation.link.host))

    # -- branches --------------------------------------------------------------------------------------------
    async def _branches(self) -> None:
        """Fetches what this peer holds above the last common entry of a forked own log, once for each fork."""
        state = await self._store.load(self._own.id)
        if state is None or not state.forked:
            return
        fork = (*state.openers.place, state.common)
        below = await self._store.read(Reader.entry, state.author, state.common)
        if fork == self._branch or below is None:
            return
        self._branch = fork
        try:
            entries = await self._above(state, below)
        except NotHeld as refusal:
            _log.debug("%s gives no branch: %s", self._conversation.network, refusal)
            return
        if entries:
            await self._own.branches.take(state.openers, self._peer, entries)

    async def _above(self, state: LogState, below: Entry) -> Sequence[Entry]:
        first = state.common + 1
        entries: list[Entry] = []
        wants = [(state.author, first, limits.MAX_SEQ)]
        while wants and len(entries) < BRANCH_ENTRIES:
            question = messages.Get(budget=self._conversation.session.may_get, wants=wants)
            before = len(entries)
            async with self._conversation.asking(question) as answer:
                while True:
                    body = answered(await answer(), messages.Runs)
                    entries += [entry for run in self._mine(body.runs) for entry in rebuild(run)]
                    if is_last(body):
                        break
            wants = [want for want in body.left if want[0] == state.author]
            if len(entries) == before:
                break
        joined = bool(entries) and entries[0].seq == first and entries[0].prev == below.id
        return entries if joined else ()

    def _mine(self, runs: Sequence[Run]) -> list[Run]:
        return [run for run in runs if run.author == self._own.id]
