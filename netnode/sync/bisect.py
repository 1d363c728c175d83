"""Finds where two logs part [R-LOG-19]: asks for ids at spread places, then between the last equal and first other."""

from __future__ import annotations

from netnode.store import Reader, Store
from netnode.sync.conversation import Conversation
from protocol import limits, messages
from protocol.errors import RemoteProtocolError
from protocol.items import Item
from protocol.log_state import LogState


async def first_difference(conversation: Conversation, store: Store, item: Item) -> int | None:
    """The lowest seq of the newest stretch at which the peer's log and the one held here differ.

    Args:
        conversation: with the peer.
        store: holds this side's log.
        item: the peer's head of that log.

    Returns:
        None when no difference is found: one side holds nothing of that stretch, or the peer changed meanwhile.
    """
    state = await store.load(item.author)
    if state is None or state.openers.place != (item.epoch, item.term):
        return None
    low, high = _range(state, item)
    differs = False  # whether `high` is known to differ
    while low < high or (low == high and not differs):
        seqs = spread(low, high)
        theirs = await conversation.ask(
            messages.AskIds(author=item.author, epoch=item.epoch, seqs=seqs, term=item.term), messages.Ids
        )
        if len(theirs.ids) != len(seqs):
            raise RemoteProtocolError("answer", "ids for other places than asked")
        mine = dict(await store.read(Reader.ids, item.author, seqs))
        differing = next(
            (
                index
                for index, seq in enumerate(seqs)
                if theirs.ids[index] is not None and seq in mine and theirs.ids[index] != mine[seq]
            ),
            None,
        )
        if differing is None:
            return None
        if differing == 0 or seqs[differing - 1] == seqs[differing] - 1:
            return seqs[differing]
        low, high, differs = seqs[differing - 1] + 1, seqs[differing], True
    return low if differs else None


def _range(state: LogState, item: Item) -> tuple[int, int]:
    """The places both hold in the newest stretch, above its opener."""
    opener = max(entry.seq for entry in state.openers.newest)
    return max(opener + 1, state.base.seq, item.held_from), min(state.tip.seq, item.seq)


def spread(low: int, high: int) -> list[int]:
    """At most MAX_IDS places from `low` to `high`, both among them, in order."""
    count = high - low + 1
    if count <= limits.MAX_IDS:
        return list(range(low, high + 1))
    steps = limits.MAX_IDS - 1
    return [low + (high - low) * step // steps for step in range(steps + 1)]
