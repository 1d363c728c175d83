"""What a node knows of one log, and how it judges a chain of it; section 8.8, step by step.

Plain lists are searched anew for every question, so that each step reads as SPEC says it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from netnode.conformance.entries import CLOSE, INCEPTION, SETTLEMENT, Entry
from netnode.conformance.faults import Fault, demand
from netnode.conformance.items import CONTESTED, FORKED, HEAD, Item
from netnode.conformance.limits import ANCHOR_EVERY
from netnode.conformance.openers import Arrival, Openers, follows


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a chain: how many of its entries are new in the log, and the fault of those not taken."""

    kept: int
    fault: Fault | None


def link(below: Entry, entry: Entry) -> None:
    """Whether an entry follows another in a chain; step 1.

    Raises:
        Fault: `link` [R-LOG-6], `after_close` [R-LOG-8] or `time_order` [R-LOG-9].
    """
    joined = entry.seq == below.seq + 1 and entry.header.prev == below.id
    same = entry.header.author == below.header.author
    placed = follows(below.place, entry) if entry.opens else entry.place == below.place
    demand(joined and same and placed, "link", "does not follow the entry before")
    demand(below.header.kind != CLOSE or entry.opens, "after_close", "only an opener may follow a close")
    demand(entry.header.time >= below.header.time, "time_order", "dated before its predecessor")


def links(below: Entry, entry: Entry) -> bool:
    """Whether `link` finds no fault."""
    try:
        link(below, entry)
    except Fault:
        return False
    return True


def stretches(entries: list[Entry]) -> list[list[Entry]]:
    """Entries that follow each other, cut before every opener."""
    cut: list[list[Entry]] = []
    for entry in entries:
        if entry.opens or not cut:
            cut.append([])
        cut[-1].append(entry)
    return cut


class Log:
    """One log at one node.

    Attributes:
        openers: what is known of its openers.
        main: the main run, without a hole, the newest place at its top.
        aside: runs set aside: other branches, and what lies below a hole.
        fork: the lowest seq of the newest place at which two entries are known. [R-LOG-14]
    """

    def __init__(self, network: str) -> None:
        self.network = network
        self.openers = Openers(network)
        self.main: list[Entry] = []
        self.aside: list[list[Entry]] = []
        self.fork: int | None = None

    # -- what it says ------------------------------------------------------------------------------------------

    @property
    def forked(self) -> bool:
        """Whether two branches of the newest term are known. [R-LOG-14]."""
        return self.openers.forked or self.fork is not None

    def item(self) -> Item | None:
        """What is compared with other nodes; None while nothing is held. [R-LOG-17]."""
        if not self.main:
            return None
        tip, author = self.main[-1], self.main[-1].header.author
        if self.openers.contested is not None:
            return [CONTESTED, author, self.openers.contested]
        if self.forked:
            return [FORKED, author, *self.openers.place]
        return [HEAD, author, *self.openers.place, tip.seq, tip.id, self.main[0].seq]

    def common(self) -> int | None:
        """The highest seq that has effect; -1 for none. [R-LOG-15] [R-LOG-16]."""
        if not self.main:
            return None
        if self.openers.contested is not None:
            return min(opener.seq for opener in self.openers.epochs[self.openers.contested]) - 1
        differ = [] if self.fork is None else [self.fork]
        if self.openers.forked:
            differ += [opener.seq for opener in self.openers.newest]
        return min(differ) - 1 if differ else self.main[-1].seq

    # -- receiving ---------------------------------------------------------------------------------------------

    def receive(self, chain: list[Entry], *, jump: bool = False) -> Verdict:
        """Judges a chain and keeps what it proves. [R-LOG-24].

        Args:
            chain: entries of one author, oldest first.
            jump: whether the log may be held from a higher seq on. [R-LOG-30]
        """
        before = self._ids()
        good, fault = self._leading(chain)
        base = self.main[0].seq if self.main else 0
        upper = stretches([entry for entry in good if entry.seq >= base])
        lower = [entry for entry in good if entry.seq < base]
        judged = self._take_all(upper, jump=jump) or self._fill_all(lower)
        self._open_others(chain)
        return Verdict(len(self._ids() - before), judged or fault)

    def _take_all(self, upper: list[list[Entry]], *, jump: bool) -> Fault | None:
        """Step 2."""
        for at, stretch in enumerate(upper):
            follower = upper[at + 1][0] if at + 1 < len(upper) else None
            try:
                self._take(stretch, follower, jump=jump)
            except Fault as fault:
                return fault
        return None

    def _fill_all(self, lower: list[Entry]) -> Fault | None:
        """Step 3."""
        self._open_others(lower)
        try:
            self._fill(lower)
        except Fault as fault:
            return fault
        return None

    def _open_others(self, chain: list[Entry]) -> None:
        """Step 4: openers count however they came and whatever is missing below. [R-LOG-5]."""
        for opener in chain:
            if opener.opens and not self.openers.knows(opener):
                try:
                    self._open(opener)
                except Fault:
                    continue

    def _ids(self) -> set[bytes]:
        return {entry.id for run in (self.main, *self.aside) for entry in run}

    def _leading(self, chain: list[Entry]) -> tuple[list[Entry], Fault | None]:
        """The entries that follow each other from the first on, and the fault of the next; step 1."""
        for at, (below, entry) in enumerate(pairwise(chain), 1):
            try:
                link(below, entry)
            except Fault as fault:
                return chain[:at], fault
        return chain, None

    # -- open --------------------------------------------------------------------------------------------------

    def _take(self, stretch: list[Entry], follower: Entry | None, *, jump: bool) -> None:
        """Opens or extends with one stretch; `follower` is the opener behind it in the chain."""
        if stretch[0].opens and self._open(stretch[0]):
            stretch = stretch[1:]
        self._extend(stretch, follower, jump=jump)

    def _open(self, opener: Entry) -> bool:
        """Opens by itself; whether that is all there is to say of it, and it is no ordinary entry of the run."""
        arrival = self.openers.admit(opener)
        if arrival is Arrival.NEWEST:
            self._append(opener)
        return arrival in (Arrival.NEWEST, Arrival.SECOND)

    def _append(self, opener: Entry) -> None:
        """A new newest opener; step 5 of *open*."""
        self.fork = None
        below = [at for at, entry in enumerate(self.main) if links(entry, opener)]
        kept = below[-1] + 1 if below else 0
        if self.main[kept:]:
            self.aside.append(self.main[kept:])
        self.main = [*self.main[:kept], opener]
        self._join()

    def _disown(self) -> None:
        """Drops what is no ancestor of the newest opener, once that is certain. [R-LOG-13]."""
        if self.main[0].seq == 0 and not self.forked and self.openers.contested is None:
            self.aside = []

    # -- extend ------------------------------------------------------------------------------------------------

    def _extend(self, stretch: list[Entry], follower: Entry | None, *, jump: bool) -> None:
        if not stretch:
            return
        demand(bool(self.main), "unknown_author", "no inception is known")
        demand(stretch[0].header.author == self.openers.author, "unknown_author", "of another networker")
        held = {entry.seq: entry.id for entry in self.main}
        for at, entry in enumerate(stretch):
            if entry.seq > self.main[-1].seq:
                return self._extend_above(stretch[at:], follower, jump=jump)
            if held.get(entry.seq) != entry.id:
                self._differ(stretch[at:])
        return None

    def _differ(self, received: list[Entry]) -> None:
        """Another entry than the held one; step 1 of *extend*. It always ends in a fault."""
        seq, newest = received[0].seq, self.openers.place
        ours = [entry for entry in self.main if entry.seq >= seq]
        demand(ours[0].place == newest == received[0].place, "stale", "not of the newest place")
        demand(not ours[0].opens and not received[0].opens, "stale", "another opener")
        demand(self.openers.contested is None, "contested", "nothing is recorded")
        demand(self._side(ours) and self._side(received), "unproved", "a side has no valid signature")
        self.fork = seq if self.fork is None else min(seq, self.fork)
        raise Fault("forked", f"at {seq}")

    def _side(self, run: list[Entry]) -> bool:
        """Whether some signature up to the next anchor makes this the side of a fork. [R-LOG-14]."""
        anchor = -(-run[0].seq // ANCHOR_EVERY) * ANCHOR_EVERY
        return any(self.openers.signs(entry) for entry in run if entry.seq <= anchor)

    def _extend_above(self, part: list[Entry], follower: Entry | None, *, jump: bool) -> None:
        """Entries above the tip; steps 2 to 5 of *extend*."""
        first, tip, newest = part[0], self.main[-1], self.openers.place
        demand(first.place >= newest, "stale", "of a closed place")
        demand(first.place <= newest, "unknown_epoch", "its opener is not known")
        demand(self.openers.contested is None, "contested", "takes openers only")
        common = not self.openers.forked and (self.fork is None or first.seq < self.fork)  # [R-LOG-15]
        demand(common, "forked", "at or above the difference")
        joins = first.seq == tip.seq + 1 and first.header.prev == tip.id
        jumps = jump and first.seq > tip.seq + 1 and tip.id == self.openers.newest[0].id  # [R-LOG-30]
        demand(joins or jumps, "gap", "does not join what is held")
        if joins:
            link(tip, first)
        proved = self._proved(part, follower)
        kept = [entry for entry in proved if self.fork is None or entry.seq < self.fork]
        if jumps and kept:
            self.main = []  # what was below is let go of; its opener stays known
        self.main += kept
        demand(len(kept) == len(proved), "forked", "at or above the difference")
        demand(len(proved) == len(part), "signature", "no later signature proves them")

    def _proved(self, part: list[Entry], follower: Entry | None) -> list[Entry]:
        """What signatures prove of entries that join the tip; step 5 of *extend*. [R-LOG-7] [R-LOG-10]."""
        least, end = 0, len(part)
        for at, entry in enumerate(part):
            if entry.seq % ANCHOR_EVERY == 0:
                if not self.openers.signs(entry):
                    end = at
                    break
                least = at + 1
        if end == len(part) and follower is not None and self._verifies(follower):
            return part  # [R-LOG-8]
        while end > least and not self.openers.signs(part[end - 1]):
            end -= 1
        return part[:end]

    def _verifies(self, opener: Entry) -> bool:
        try:
            self.openers.verify(opener)
        except Fault:
            return False
        return True

    # -- fill --------------------------------------------------------------------------------------------------

    def _fill(self, part: list[Entry]) -> None:
        for whole in reversed(stretches(part)):
            stretch = [entry for entry in whole if entry.seq < self.main[0].seq]
            if not stretch:
                continue  # what was set aside has joined: the same entries, by their links
            demand(links(stretch[-1], self.main[0]), "gap", "does not join the lowest entry held")
            if stretch[0].opens:
                self.openers.admit(stretch[0])
            kept = self._proved_from_above(stretch)
            self.main = [*kept, *self.main]
            demand(len(kept) == len(stretch), "signature", "an anchor without a valid signature")
            self._join()

    def _proved_from_above(self, stretch: list[Entry]) -> list[Entry]:
        """What lies above the highest failing anchor, under one key of the epoch; step 3 of *fill*."""
        best: list[Entry] = []
        for key in self.openers.keys(stretch[0].header.epoch):
            failing = [
                at
                for at, entry in enumerate(stretch)
                if entry.seq % ANCHOR_EVERY == 0 and not entry.opens and not entry.signed(self.network, key)
            ]
            best = max(best, stretch[failing[-1] + 1 :] if failing else stretch, key=len)
        return best

    def _join(self) -> None:
        """Takes back what was set aside and lies right below the main run; step 4 of *fill*."""
        for run in self.aside:
            below = [at for at, entry in enumerate(run) if links(entry, self.main[0])]
            if below:
                self.aside.remove(run)
                self.aside += [run[below[0] + 1 :]] if run[below[0] + 1 :] else []
                self.main = [*run[: below[0] + 1], *self.main]
                return self._join()
        return self._disown()

    # -- proofs of a fork --------------------------------------------------------------------------------------

    def receive_proof(self, left: list[Entry], right: list[Entry]) -> None:
        """Judges the proof of a fork and records what it proves. [R-LOG-14].

        Raises:
            Fault: `bad_proof`, or `stale`, `unknown_epoch`, `contested`: not held.
        """
        demand(bool(left and right), "bad_proof", "a side is empty")
        first, other = left[0], right[0]
        authors = {first.header.author, other.header.author}
        demand(authors == {self.openers.author}, "bad_proof", "of another networker")
        demand(first.id != other.id and first.seq == other.seq, "bad_proof", "not two entries of one seq")
        demand(first.place == other.place, "bad_proof", "of two places")
        demand(first.place >= self.openers.place, "stale", "of a closed place")
        demand(first.place <= self.openers.place, "unknown_epoch", "its opener is not known")
        demand(self.openers.contested is None, "contested", "has no term to fork")
        above = first.seq > max(opener.seq for opener in self.openers.newest)
        demand(above, "bad_proof", "not above the opener")
        for side in (left, right):
            anchor = -(-side[0].seq // ANCHOR_EVERY) * ANCHOR_EVERY
            linked = all(links(*pair) and not pair[1].opens for pair in pairwise(side))
            demand(linked and side[-1].seq <= anchor, "bad_proof", "a side does not link, or is too long")
            demand(not side[0].opens and self.openers.signs(side[-1]), "bad_proof", "a side is not signed")
        self.fork = first.seq if self.fork is None else min(first.seq, self.fork)

    def receive_fork(self, left: list[Entry], right: list[Entry]) -> None:
        """Judges a message `fork`: a proof, or two openers that fork the term they open. [R-MSG-12].

        Raises:
            Fault: as `receive_proof`.
        """
        kinds = {entry.header.kind for entry in (*left, *right)}
        if not len(left) == len(right) == 1 or kinds not in ({INCEPTION}, {SETTLEMENT}):
            return self.receive_proof(left, right)
        for side in (left, right):
            fault = self.receive(side).fault
            demand(fault is None, "bad_proof", str(fault))
        return demand(self.openers.forked, "bad_proof", "they fork nothing")
