"""Catching up in memory: what one store asks another for, by the table and the flows of SPEC 11.2."""

from __future__ import annotations

from protocol import limits
from protocol.entry import Entry
from protocol.errors import ProtocolError
from protocol.items import Item, Need, need
from protocol.log import signed_run
from tests.protocol.held import Held

ROUNDS = 24


class Node:
    """A store of some logs."""

    def __init__(self) -> None:
        self.logs: dict[bytes, Held] = {}
        self.proofs: dict[bytes, tuple[tuple[Entry, ...], tuple[Entry, ...]]] = {}

    def item(self, author: bytes) -> Item | None:
        held = self.logs.get(author)
        return None if held is None or held.state is None else held.state.item()

    def take(self, author: bytes, chain: list[Entry]) -> None:
        """One chain, as a session hands it to the gate."""
        if chain:
            admission = self.logs.setdefault(author, Held()).receive(chain)
            if admission.proof is not None:
                self.proofs[author] = admission.proof

    def openers(self, author: bytes) -> list[Entry]:
        held = self.logs.get(author)
        return [] if held is None or held.state is None else list(held.state.openers.entries())

    def run(self, author: bytes, first: int, last: int) -> list[Entry]:
        """What is held of these places, up to where a run may end [R-SYNC-10]."""
        held = self.logs.get(author)
        if held is None or held.state is None:
            return []
        found = [held.rows[seq] for seq in range(first, last + 1) if seq in held.rows]
        while found and found[-1].seq < held.state.tip.seq and not _signed(held, found[-1]):
            found.append(held.rows[found[-1].seq + 1])
        return found

    # -- asking ------------------------------------------------------------------------------------------------
    def pull(self, peer: Node, author: bytes) -> bool:
        """One question to a peer about one log; whether there was anything to ask."""
        theirs = peer.item(author)
        if theirs is None:
            return False
        held, mine = self.logs.get(author), self.item(author)
        whole = held is None or held.state is None or not held.state.lacking
        match need(mine, theirs, whole=whole):
            case Need.NOTHING:
                return False
            case Need.ENTRIES:
                first = 0 if mine is None else mine.seq + 1
                self.take(author, peer.run(author, max(first, theirs.held_from), theirs.seq))
                if self.item(author) == mine:  # it does not join: the logs differ further down
                    self._bisect(peer, author)
            case Need.OPENERS:
                for opener in peer.openers(author):
                    self.take(author, [opener])
            case Need.PROOF:
                self._proof(peer, author)
            case Need.COMMON:
                self._common(peer, author)
            case Need.BISECT:
                for opener in peer.openers(author):
                    self.take(author, [opener])
                self._bisect(peer, author)
            case Need.LOWER:
                self.lower(peer, author)
        return True

    def lower(self, peer: Node, author: bytes) -> None:
        held = self.logs[author]
        if held.state is not None and held.state.base.seq > 0:
            self.take(author, peer.run(author, 0, held.state.base.seq - 1)[: held.state.base.seq])

    def _common(self, peer: Node, author: bytes) -> None:
        held = self.logs[author]
        if held.state is not None:
            for first, last in held.state.lacking:
                if first <= last:
                    self.take(author, peer.run(author, first, last))
                else:
                    self.lower(peer, author)

    def _bisect(self, peer: Node, author: bytes) -> None:
        """From the first different entry on, up to the next anchor or the head."""
        mine, theirs = self.logs[author].rows, peer.logs[author].rows
        differ = [seq for seq in sorted(mine) if seq in theirs and theirs[seq].id != mine[seq].id]
        if differ:
            first = differ[0]
            self.take(author, peer.run(author, first, first + -first % limits.ANCHOR_EVERY))

    def _proof(self, peer: Node, author: bytes) -> None:
        held, theirs = self.logs[author], peer.logs[author].state
        if theirs is not None and theirs.openers.term_forked:  # the two openers are the proof [R-MSG-12]
            for opener in theirs.openers.newest:
                self.take(author, [opener])
            return
        proof = peer.proofs.get(author)
        if proof is None:
            return
        try:
            held.proof(*proof)
        except ProtocolError:
            return
        self.proofs[author] = proof


def _signed(held: Held, entry: Entry) -> bool:
    assert held.state is not None
    if entry.is_opener:
        return True
    try:
        return len(signed_run(held.state.openers, [entry])) == 1
    except (ProtocolError, IndexError):
        return False


def level(nodes: list[Node], authors: list[bytes]) -> None:
    """Everybody asks everybody until nobody has anything to ask, or nobody gets anything by asking."""
    for _ in range(ROUNDS):
        before = [
            [node.logs[author].state if author in node.logs else None for author in authors] for node in nodes
        ]
        asked = [
            node.pull(peer, author)
            for author in authors
            for node in nodes
            for peer in nodes
            if node is not peer
        ]
        after = [
            [node.logs[author].state if author in node.logs else None for author in authors] for node in nodes
        ]
        if not any(asked) or before == after:
            return
    raise AssertionError("they do not come to rest")
