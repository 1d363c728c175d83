"""What must hold at every moment, whatever fails: looked at every so many events, over all stores at once.

A look costs what changed since the last one. What it saw is remembered, so that an entry which was seen anywhere and
is gone from its author later is noticed [R-LOG-20].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from netnode.assembly import Assembly
from netnode.own.caution import Reason
from netnode.problems import Problem
from netnode.quotas import MIB, Distance
from netnode.simulator.judging import Judge
from netnode.simulator.nodes import SimNode
from netnode.simulator.observing import Seen
from netnode.simulator.oracle import Oracle, Violation
from netnode.simulator.stored import disk_copy, own_ids, require_projections
from netnode.store import Reader, room
from netnode.sync.addresses import TRIED_SHARE
from netnode.sync.live import PUSH_BYTES
from netnode.sync.pull import PENDING_ITEMS, UNLEVEL_ITEMS
from netnode.sync.sessions import SessionKeeper
from protocol.items import Item, Standing

ON_ITS_WAY: Final = 3 * MIB  # why: what streams in while a sweep is made; quotas bound what stays
# Why: the answers to as many questions as may be open, of one message each at most
QUEUED_BYTES: Final = 8 * MIB
OUTSIDE: Final = frozenset({"certificate", "wrong_id"})  # codes that are right for a home left behind

Place = tuple[int, int, int]
"""Epoch, term and seq."""


@dataclass(slots=True)
class _Scanned:
    """How far the store of one life of a node was looked at."""

    parts: Assembly
    arrival: int = 0
    logs: dict[bytes, tuple[int, int, int]] = field(default_factory=dict)  # generation, first, last


class Safety:
    """The checks of one run.

    Args:
        network: the network's name.
        nodes: all honest nodes, up or down, by name.
        oracle: what was told.
        seen: what sessions ended with.
    """

    def __init__(
        self,
        network: str,
        nodes: Mapping[str, SimNode],
        oracle: Oracle,
        seen: Seen,
    ) -> None:
        self._network = network
        self._nodes = nodes
        self._oracle = oracle
        self._seen = seen
        self._judge = Judge(network)
        self._scans: dict[str, _Scanned] = {}
        self._places: dict[bytes, dict[Place, bytes]] = {}  # of every author, whoever holds it
        self._newest: dict[bytes, int] = {}  # the newest epoch of each author that any node knows
        self._elsewhere: dict[bytes, dict[bytes, Place]] = {}  # seen in a store that is not the author's
        self._written: dict[str, dict[bytes, Place]] = {}  # seen in the main run of the home itself

    # -- now and then ----------------------------------------------------------------------------------------
    def look(self) -> None:
        """Looks at all nodes that are up.

        Raises:
            Violation: a rule does not hold.
        """
        self._sessions()
        for name in sorted(self._oracle.homes):
            node = self._nodes[name]
            if node.parts is not None:
                self._look_at(node, node.parts)

    def crashed(self, node: SimNode) -> None:
        """Looks at the disk of a node right after a power loss, before anything is fetched back [R-LOG-20].

        Raises:
            Violation: `durable`.
        """
        self._scans.pop(node.name, None)
        self.look()
        author = self._oracle.homes[node.name]
        with disk_copy(node.home) as connection:
            held = own_ids(connection, author)
        self._require(node, held, "after a power loss")
        written = self._written.get(node.name, {})
        spread = self._elsewhere.get(author, {})
        known = (
            spread
            if self._oracle.single(author)
            else {each: spread[each] for each in written if each in spread}
        )
        lost = sorted(place for entry, place in known.items() if entry not in held)
        if lost:
            raise Violation(
                "durable",
                f"others hold entries of {node.name} that it lost with the power: {_places(lost)}",
            )
        self._written[node.name] = {entry: place for entry, place in written.items() if entry in held}

    def look_before_crash(self, node: SimNode) -> None:
        """Notes what a node has written, right before its power goes."""
        if node.parts is not None:
            self._look_at(node, node.parts)

    def held(self, author: bytes, homes: Iterable[str]) -> set[bytes]:
        """Ids of a log's entries in the stores of these homes, as far as they are up."""
        found: set[bytes] = set()
        for name in homes:
            parts = self._nodes[name].parts
            if parts is not None:
                found |= parts.store.reading(lambda reader: own_ids(reader.connection, author))
        return found

    def replaced(self, name: str) -> None:
        """A home was put back from an older copy: what it wrote since is not asked of it any more."""
        self._scans.pop(name, None)
        self._written.pop(name, None)

    # -- one store -------------------------------------------------------------------------------------------
    def _look_at(self, node: SimNode, parts: Assembly) -> None:
        scan = self._scans.get(node.name)
        if scan is None or scan.parts is not parts:
            scan = self._scans[node.name] = _Scanned(parts)
        try:
            parts.store.reading(lambda reader: self._read(reader, node, scan))
        except Problem as problem:  # its disk fails just now
            self._seen.mark(f"unreadable {problem.code}")
            return
        self._bounded(node, parts)

    def _read(self, reader: Reader, node: SimNode, scan: _Scanned) -> None:
        own, home = False, self._oracle.homes[node.name]
        for arrival, item in reader.items_since(scan.arrival, 100_000):
            scan.arrival = max(scan.arrival, arrival)
            own = own or item.author == home
            self._framed(node, item)
            self._entries(reader, node, item.author, scan)
        if own or scan.arrival == 0:
            self._require(node, own_ids(reader.connection, home), "while it runs")
        self._quotas(reader, node, scan.parts)

    def _framed(self, node: SimNode, item: Item) -> None:
        """Nobody honest is shown as a forker or contested who did nothing [R-LOG-14]."""
        oracle = self._oracle
        newest = self._newest[item.author] = max(item.epoch, self._newest.get(item.author, 0))
        if item.standing is not Standing.HEAD and item.author in oracle.framed and item.epoch == newest:
            text = f"{node.name} shows a networker as {item.standing.name.lower()} whom a retired key framed"
            raise Violation("framed", text)
        if item.standing is Standing.FORKED:
            self._seen.mark("item forked")
            if not oracle.may_fork(item.author, item.epoch):
                who = oracle.label(item.author)
                raise Violation("framed", f"{node.name} holds {who} for a forker, who never forked")
        if item.standing is Standing.CONTESTED:
            self._seen.mark("item contested")
            if not oracle.may_contest(item.author):
                raise Violation("framed", f"{node.name} holds {oracle.label(item.author)} for contested")

    def _entries(self, reader: Reader, node: SimNode, author: bytes, scan: _Scanned) -> None:
        row = reader.log(author)
        if row is None:
            return
        generation, first, last = scan.logs.get(author, (-1, 0, -1))
        same = generation == row.generation and first == row.first
        entries = reader.entries(author, last + 1 if same else row.first, row.last, 2**40)
        scan.logs[author] = (row.generation, row.first, row.last)
        forged = self._oracle.forged
        bad = next((forged[entry.id] for entry in entries if entry.id in forged), None) if forged else None
        if bad is not None:
            raise Violation("forged", f"{node.name} stored a forged entry: {bad}")
        if author not in self._oracle.names:
            return
        known = self._places.setdefault(author, {})
        elsewhere = self._elsewhere.setdefault(author, {})
        written = self._written.setdefault(node.name, {})
        retired = self._oracle.retired.get(author, set())
        for entry in entries:
            place = (entry.epoch, entry.term, entry.seq)
            before = known.setdefault(place, entry.id)
            if before != entry.id and not self._oracle.may_fork(author, entry.epoch):
                who = self._oracle.label(author)
                raise Violation("fork", f"{who} wrote two entries at {place}; one of them is at {node.name}")
            if entry.id in retired and row.item.epoch > entry.epoch:
                who = self._oracle.label(author)
                text = (
                    f"{node.name} knows the rotation of {who} and counts what a retired key signed at {place}"
                )
                raise Violation("retired_key", text)
            if author == self._oracle.homes[node.name]:
                written[entry.id] = place
            else:
                elsewhere[entry.id] = place

    def _require(self, node: SimNode, held: set[bytes], when: str) -> None:
        """What the owner was told is on disk is there [R-LOG-20]."""
        told = self._oracle.acknowledged.get(node.name, {})
        lost = [each for entry, each in told.items() if entry not in held]
        if lost:
            text = ", ".join(f"{each.what} of second {each.at:.0f}" for each in lost[:3])
            raise Violation("acknowledged", f"{node.name} lost {len(lost)} entries {when}: {text}")

    # -- bounds ----------------------------------------------------------------------------------------------
    def _quotas(self, reader: Reader, node: SimNode, parts: Assembly, slack: int = ON_ITS_WAY) -> None:
        settings, keeping = parts.settings, parts.keeping
        taken: dict[Distance, int] = dict.fromkeys(Distance, 0)
        for use in room.uses(reader):
            taken[keeping.distance(use.author)] += use.bytes
        for distance, most in (
            (Distance.STRANGER, settings.pool_mb),
            (Distance.NEAR, settings.near_mb),
        ):
            if taken[distance] > most * MIB + slack:
                raise Violation(
                    "quota",
                    f"{node.name} holds {taken[distance]:,} bytes of those at distance {distance.name.lower()},"
                    f" where {most} MiB are allowed",
                )
        if reader.connection.execute("SELECT 1 FROM fallen LIMIT 1").get:
            self._seen.mark("log fell")
        if reader.connection.execute("SELECT 1 FROM log WHERE cut LIMIT 1").get:
            self._seen.mark("log cut")

    def _bounded(self, node: SimNode, parts: Assembly) -> None:
        home = self._oracle.homes[node.name]
        if (reason := parts.own.caution.reason) is not None:
            self._seen.mark(f"cautious {reason.value}")
            if reason is Reason.BEHIND and self._oracle.single(home):
                text = f"others held entries of {node.name} that its only home did not have"
                raise Violation("durable", text)
        if parts.own.caution.alarmed is not None:
            self._seen.mark("alarmed")
            if self._oracle.single(home):
                raise Violation(
                    "alarm", f"{node.name} thinks that it has a twin: {parts.own.caution.alarmed}"
                )
        if node.connections is None:
            return
        for peering in node.connections.sessions.open_sessions():
            sizes = (
                ("bytes to send", peering.conversation._out_bytes, QUEUED_BYTES),
                ("bytes gathered", peering.live._bytes, PUSH_BYTES),
                ("items told", len(peering.pull._pending), PENDING_ITEMS),
                ("items not level", len(peering.pull._unlevel), UNLEVEL_ITEMS),
            )
            for what, size, most in sizes:
                if size > most:
                    raise Violation(
                        "bounded", f"{node.name} has {size:,} {what} in one session; {most:,} is the bound"
                    )
        if node.connections.sessions.outreach is not None:
            self._shares(node, node.connections.sessions)

    def _shares(self, node: SimNode, sessions: SessionKeeper) -> None:
        """No network group fills more than its share of the address book [R-BOOK-2]."""
        if sessions.outreach is None:
            return
        book = sessions.outreach.book
        for group in sorted({known.group for known in book if known.tried}):
            taken = len(book.buckets(tried=True, group=group))
            if taken > TRIED_SHARE:
                raise Violation("share", f"the group {group} has {taken} tried buckets at {node.name}")

    def _sessions(self) -> None:
        """No honest node finds another honest one at fault."""
        for ending in self._seen.taken():
            at = self._oracle.homes.get(ending.node, b"")
            if ending.peer not in self._oracle.names or not at:
                continue
            moved = ending.peer in self._oracle.rotated or at in self._oracle.rotated
            if ending.code in OUTSIDE and (moved or self._oracle.wrong_clocks):
                continue
            who = self._oracle.label(ending.peer)
            raise Violation(
                "session", f"{ending.node} ended its session with {who}: {ending.code}: {ending.text}"
            )

    # -- at the end ------------------------------------------------------------------------------------------
    def thorough(self, now: int) -> None:
        """Everything held, judged from its bytes; catalogues made anew; quotas without slack.

        Args:
            now: ms UTC by which catalogues are compared; entries dated later wait.

        Raises:
            Violation: a rule does not hold.
        """
        self.look()
        for name in sorted(self._oracle.homes):
            parts = self._nodes[name].parts
            if parts is None:
                continue
            try:
                parts.store.reading(self._whole, self._nodes[name], parts, now)
            except Problem as problem:
                self._seen.mark(f"unreadable {problem.code}")

    def _whole(self, reader: Reader, node: SimNode, parts: Assembly, now: int) -> None:
        self._quotas(reader, node, parts, slack=0)
        self._judge.look(reader.connection, node.name, self._oracle.label)
        require_projections(reader.connection, self._network, now, node.name)


def _places(places: list[Place]) -> str:
    shown = ", ".join(str(each) for each in places[:5])
    return f"{len(places)}, such as {shown}" if len(places) > 5 else shown
