"""What members sold, period by period: volumes, outside buyers, ranks, carry. Fed by the fold of a ledger.

People get numbers as they are met, so that volumes and ranks are lists. Everything is a sum, so the order of sales
within a period changes nothing that is read at its close; what is read at a sale is what came before it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from fractions import Fraction
from typing import Generic, cast

from msgspec import Struct
from msgspec.structs import replace

from protocol.plans import calendar
from protocol.plans.closed import Closed, Settled
from protocol.plans.document import Compiled
from protocol.plans.facts import Exact, P, Period, Reason, SaleFacts, Team
from protocol.plans.history import History
from protocol.plans.ranks import Standing
from protocol.plans.reversing import Reversal, reversals
from protocol.plans.rounding import exact
from protocol.plans.tables import fraction
from protocol.plans.turns import Turns
from protocol.plans.volumes import Volumes
from protocol.rolls import Part, Roll


class Counted(Struct, Generic[P], frozen=True, gc=False):
    """Whose sale something is, and how much of it counts.

    Attributes:
        owner: the member whose own sale it is; None: nobody's.
        level_one: whether the owner is level 1, else its sponsor is.
        inside: the buyer is a member of the team.
        part: of the sale, after R2, R3, R7 and R17.
        reason: why it is less than all.
    """

    owner: P | None
    level_one: bool
    inside: bool
    part: Exact
    reason: Reason | None


class Activity(Generic[P]):
    """The volumes of one plan's sales. One object lives as long as the plan is in force.

    Args:
        plan: ready for evaluation.
        everybody: that its ledger has met; None: nobody else counts them.
    """

    __slots__ = (
        "_carry",
        "_closed",
        "_credit",
        "_ends",
        "_everybody",
        "_newest",
        "_nothing",
        "_open",
        "_pieces",
        "_plan",
        "_standings",
        "_taken",
        "_volumes",
        "inactive",
        "people",
        "revision",
        "stale",
        "turns",
    )

    def __init__(self, plan: Compiled, everybody: Roll[P] | None = None) -> None:
        self._plan = plan
        self.people = Part(everybody)
        self._everybody: Roll[P] = self.people.roll
        self.inactive: set[P] = set()  # by hand, where a plan is tried on a file
        self.turns = Turns()
        self._volumes: dict[int, Volumes] = {}
        self._nothing = self._empty()  # of periods without sales; for reading
        self._open = _Open(0, 0, 0, self._nothing)
        self._standings: dict[int, Standing] = {}  # by number of the period they were reached in
        self._closed: dict[int, Settled[P]] = {}
        self._ends: dict[int, int] = {}  # number of a closed period -> place of its close
        self._newest = -1  # place of the newest close
        self.stale: list[int] = []  # closed periods whose ranks a refund may have changed, oldest first
        self.revision = 0
        """Counts what changes of other periods than those that are watched."""
        self._carry: dict[str, dict[int, tuple[Exact, Exact]]] = {}
        self._credit: list[Exact] = [0, 0]  # base sold outside and inside, of all time (R7)
        self._taken: dict[Hashable, tuple[Counted[P], Fraction]] = {}  # sales that count less than whole
        # Sales raised after the close of their period: what each entry brought, newest last, and which part is gone.
        self._pieces: dict[Hashable, list[tuple[SaleFacts[P], Fraction, Counted[P]]]] = {}

    # -- feeding ---------------------------------------------------------------------------------------------
    def number(self, person: P) -> int:
        """The number of a person, given when first asked for."""
        return self.people.add(person)

    def take(self, sale: SaleFacts[P], team: Team[P] | None) -> Counted[P]:
        """Adds a sale, after its own awards were evaluated; whose it is, and how much of it counts."""
        counted = self.counted(sale, team)
        if counted.part != 1:
            self._taken[sale.id] = (counted, Fraction(0))
        self._put(sale, counted, 1)
        if counted.part and sale.buyer is not None and sale.referrer is not None:
            self._volumes_at(sale.time).lead(sale.buyer, sale.referrer)
        self._meet(sale, counted)
        self._note(sale, counted)
        return counted

    def take_more(
        self,
        first: SaleFacts[P],
        larger: SaleFacts[P],
        team: Team[P] | None,
        time: int | None = None,
        place: int | None = None,
    ) -> None:
        """Replaces a sale by what a later entry of its order raised it to [L12].

        Where the period of the sale is closed, its awards stay as they are; what was added counts in the period of the
        later entry [R-CRED-31].

        Args:
            first: as it was taken.
            larger: the same with a larger amount; what was refunded before is in it no more.
            team: its team.
            time: date of the later entry, ms UTC; None: that of the sale.
            place: of the later entry in the log; None: that of the sale.
        """
        known, gone = self._known(first, team)
        counted = self.raised(first, larger, team, time)
        late = self._added_at(first, time)
        added = None if late is None else self._of_added(first, larger, known, late)
        self._taken[first.id] = (counted, Fraction(0))
        if added is not None and late is not None:
            pieces = self._pieces.setdefault(first.id, [(first, gone, known)])
            piece = replace(added[0], time=late, logged=first.place if place is None else place)
            pieces.append((piece, Fraction(0), added[1]))
            self._put(piece, added[1], 1)
            self._meet(piece, added[1])
            self._note(piece, added[1])
            return
        self._put(first, known, gone - 1)
        self._put(larger, counted, 1)
        if gone >= 1:
            self._meet(larger, counted)  # the buyer was taken back with the whole of the sale
        self._leave(larger, counted, Fraction(0))

    def reverse(self, sale: SaleFacts[P], part: Fraction, team: Team[P] | None) -> tuple[Reversal[P], ...]:
        """Takes back a part of a sale that was refunded; what it counted for in rank, tier and unlocking goes too.

        Args:
            sale: as it was taken.
            part: of the sale as it was taken, above 0 and at most 1; later parts are given as they come. Of a sale
                that was raised after the close of its period, what came last goes first.
            team: its team.

        Returns:
            The awards of its period that rest on it, when that was closed before; empty otherwise.
        """
        counted, gone = self._known(sale, team)
        self._taken[sale.id] = (counted, gone + part)
        pieces = self._pieces.get(sale.id)
        if pieces is None:
            return self._reverse(sale, counted, gone, part, team)
        left = self._plan.volume(sale.amount, sale.points) * part
        found: tuple[Reversal[P], ...] = ()
        for place in reversed(range(len(pieces))):
            piece, lost, known = pieces[place]
            volume = self._plan.volume(piece.amount, piece.points)
            taken = min(left, volume * (1 - lost))
            if taken <= 0:
                continue
            share = Fraction(taken) / volume
            pieces[place] = (piece, lost + share, known)
            left -= taken
            found += self._reverse(piece, known, lost, share, team)
        return found

    def _reverse(
        self, sale: SaleFacts[P], counted: Counted[P], gone: Fraction, part: Fraction, team: Team[P] | None
    ) -> tuple[Reversal[P], ...]:
        """Takes back a part of what was taken at one moment."""
        self._put(sale, counted, -part)
        if gone < 1 <= gone + part and counted.owner is not None and self._outside(sale, counted):
            self._volumes_at(sale.time).part_from(self.number(counted.owner), self._buyer(sale))
        self._leave(sale, counted, gone + part)
        first = calendar.number_of(self._plan.plan.period, sale.time)
        closed = self._closed.get(first)
        if closed is None or not counted.part:
            return ()  # whose sale it was need not even have a number in that period
        self.age(min((first, *self.stale)))
        self._release(sale, counted, part, team)
        volume = self._plan.volume(sale.amount, sale.points) * counted.part * part
        owner = None if counted.owner is None else self.number(counted.owner)
        return reversals(self._plan, closed, owner, volume)

    def begin(
        self,
        person: P,
        *,
        rank: str | None = None,
        achieved: str | None = None,
        carry: Mapping[str, tuple[Exact, Exact]] | None = None,
        active: bool = True,
    ) -> None:
        """What a member has before the first period, where a plan is tried on a file; a ledger has no such thing.

        Args:
            person: the member.
            rank: held until the end; ranks that ask for nothing exist only so.
            achieved: the highest ever; at least `rank`.
            carry: name of a binary rule -> what its legs keep.
            active: False: never active.
        """
        number = self.number(person)
        first = self._standings.setdefault(_BEFORE, Standing.empty()).grown(len(self.people))
        first.given[number] = first.paid[number] = -1 if rank is None else self._plan.ranks[rank]
        reached = -1 if achieved is None else self._plan.ranks[achieved]
        first.achieved[number] = max(reached, first.given[number])
        self.restand(_BEFORE, first)
        for name, legs in (carry or {}).items():
            self._carry.setdefault(name, {})[number] = legs
        if not active:
            self.inactive.add(person)

    def close(self, closed: Closed[P], at: int = -1) -> None:
        """Takes over ranks and carry of a period that was evaluated.

        Args:
            closed: what the period came to.
            at: place of the close: a sale as of an earlier one knows nothing of it.
        """
        number = calendar.number_of(self._plan.plan.period, closed.period.start)
        self._closed[number] = closed.settled()
        self._ends[number] = self._newest = at
        self.restand(number, closed.standing)
        self._carry = {name: dict(legs) for name, legs in closed.carry.items()}

    def age(self, first: int) -> None:
        """The ranks of a closed period, by its number, and of all later ones may have changed."""
        self.stale = sorted(number for number in self._closed if number >= first)

    def restand(self, number: int, standing: Standing) -> None:
        """Replaces the ranks of a closed period, after a refund of its sales."""
        self.revision += 1
        self._standings[number] = standing
        self._open.standing = None

    def _release(self, sale: SaleFacts[P], counted: Counted[P], part: Fraction, team: Team[P] | None) -> None:
        """Takes refunded volume out of what legs keep, as far as it is still there."""
        if team is None or counted.owner is None:
            return
        volume = self._plan.volume(sale.amount, sale.points) * counted.part * part
        place = team.placement(counted.owner, sale.at)
        while place is not None:
            parent, leg = place
            for legs in self._carry.values():
                left = legs.get(self.number(parent))
                if left is not None and leg < 2:
                    kept: list[Exact] = [left[0], left[1]]
                    kept[leg] = kept[leg] - volume if kept[leg] > volume else 0
                    legs[self.number(parent)] = (kept[0], kept[1])
            place = team.placement(parent, sale.at)

    # -- questions -------------------------------------------------------------------------------------------
    def known(self, person: P) -> int | None:
        """The number of a person who was met before."""
        return self.people.find(person)

    def period(self, time: int, at: int) -> Period:
        """The period that a moment lies in.

        Args:
            time: ms UTC.
            at: seq of the last entry dated before its end.
        """
        per = self._plan.plan.period
        return calendar.period_of(per, calendar.number_of(per, time), at)

    def volumes(self, time: int) -> Volumes:
        """The sums of the period that a moment lies in, so far."""
        if self._open.holds(time):
            return self._open.sums
        return self._volumes.get(calendar.number_of(self._plan.plan.period, time)) or self._nothing

    def watched(self, time: int) -> Volumes:
        """The sums of the period of a moment, which note from now on of whom they change."""
        for each in self._volumes.values():
            each.changed = None  # one period at a time
        sums = self._volumes_at(time)
        sums.changed = set()
        return sums

    def sold_since(self, time: int) -> bool:
        """Whether anything counts in the period of a moment or a later one."""
        first = calendar.number_of(self._plan.plan.period, time)
        return any(number >= first and sums.total != 0 for number, sums in self._volumes.items())

    def closed(self, number: int) -> tuple[Period, int] | None:
        """A period by its number, and the place of its close; None: it was not closed."""
        return (self._closed[number].period, self._ends[number]) if number in self._closed else None

    def standing(self, time: int, at: int | None = None) -> Standing:
        """Ranks at the end of the newest period before the one of `time`, of those closed before a place.

        Args:
            time: ms UTC.
            at: closed before it; None: the newest.
        """
        if not self._open.holds(time) or (at is not None and at <= self._newest):
            return self._standing(time, at)
        if self._open.standing is None:
            self._open.standing = self._standing(time, None)
        return self._open.standing

    def _standing(self, time: int, at: int | None) -> Standing:
        number = calendar.number_of(self._plan.plan.period, time)
        known = [
            each
            for each in self._standings
            if each < number and (at is None or self._ends.get(each, -1) < at)
        ]
        return self._standings[max(known)] if known else Standing.empty()

    def carry(self, rule: str) -> Mapping[int, tuple[Exact, Exact]]:
        """What the legs of a binary rule keep, by number of the member."""
        return self._carry.get(rule, {})

    def active(self, person: P, time: int, before: int, sold: Exact = 0) -> bool:
        """Whether a member has the plan's own volume at a sale: in its period so far, or in the one before.

        Args:
            person: the member.
            time: of the sale, ms UTC.
            before: place before which something was sold that counts.
            sold: volume of the sale, for its owner: what makes active counts for itself.
        """
        least = self._plan.plan.active
        if not least or person in self.inactive:
            return person not in self.inactive
        number = -1 if (known := self.known(person)) is None else known
        if self.volumes(time).owned(number, before) + sold >= least:
            return True
        return self.volumes(self.before(time)).owned(number, before) >= least

    def before(self, time: int) -> int:
        """A moment in the period before that of `time`."""
        if self._open.holds(time):
            return self._open.before
        per = self._plan.plan.period
        return calendar.start_of(per, calendar.number_of(per, time) - 1)

    def locked_at(self, person: P, time: int, before: int) -> Reason | None:
        """Why overrides of somebody stop at a sale, by what was sold before a place: R5, R19."""
        number = -1 if (known := self.known(person)) is None else known
        if self._unlocks and not self._unlocked(self.volumes(time), number, before):
            return "r5"
        if self._plan.plan.idle_periods and not self._sold(number, time, before):
            return "r19"
        return None

    def locked(self, number: int, time: int) -> Reason | None:
        """Why overrides of a member stop at the close of the period of `time`: R5, R19."""
        if self._unlocks and not self._unlocked(self.volumes(time), number):
            return "r5"
        if self._plan.plan.idle_periods and not self._sold(number, time):
            return "r19"
        return None

    @property
    def locks(self) -> bool:
        """Whether overrides of anybody may stop: R5, R19."""
        return self._unlocks or self._plan.plan.idle_periods > 0

    @property
    def _looks_back(self) -> bool:
        """Whether a sale that is evaluated as of an earlier place may ask what was sold before that."""
        plan = self._plan
        others = plan.reach != 0 or plan.height > 0
        return bool(plan.by_sale) and (plan.plan.active > 0 or (self.locks and others))

    @property
    def _unlocks(self) -> bool:
        return self._plan.plan.unlock_buyers > 0

    def _unlocked(self, sums: Volumes, number: int, before: int | None = None) -> bool:
        plan = self._plan.plan
        if sums.buyers(number, before) >= plan.unlock_buyers:
            return True
        least = plan.unlock_volume
        return isinstance(least, int) and sums.sold_outside(number, before) >= least

    def _sold(self, number: int, time: int, before: int | None = None) -> bool:
        """Whether a member sold outside the team in the last periods, that of `time` being the newest."""
        now = calendar.number_of(self._plan.plan.period, time)
        recent = (self._volumes.get(now - back) for back in range(self._plan.plan.idle_periods))
        return any(sums is not None and sums.sold_outside(number, before) > 0 for sums in recent)

    def counted(self, sale: SaleFacts[P], team: Team[P] | None) -> Counted[P]:
        """Whose sale it is and how much of it counts [R2, R3, R7, R17]."""
        found = self._owner(sale, team)
        if found.reason is None and self._circle(sale):
            return Counted(found.owner, found.level_one, found.inside, part=0, reason="r17")
        return self._within(found, sale)

    def _within(self, found: Counted[P], sale: SaleFacts[P]) -> Counted[P]:
        """What is left of a sale by the cap of own purchases, and by what has to come from outside [R2, R7]."""
        if found.reason is not None or not found.inside or self._plan.plan.personal_free:
            return found
        volume = self._plan.volume(sale.amount, sale.points)
        if volume <= 0:
            return found
        left = self._plan.plan.personal - self.volumes(sale.time).personal.get(sale.buyer, 0)
        base = self._plan.base(sale.amount, sale.points)
        fair = (
            exact(self._credit[0], 2) - self._credit[1]
        )  # inside at most half of outside: two thirds are outside
        parts: list[tuple[Exact, Reason]] = [(exact(max(left, 0), volume), "r2")]
        if base > 0:
            parts.append((exact(max(fair, 0), base), "r7"))
        part, reason = min(parts, key=lambda each: each[0])
        if part >= 1:
            return found
        return Counted(found.owner, found.level_one, inside=True, part=part, reason=reason)

    def raised(
        self, first: SaleFacts[P], larger: SaleFacts[P], team: Team[P] | None, time: int | None = None
    ) -> Counted[P]:
        """How much of a raised sale counts [R-PLAN-23].

        Where a part of it did, no more volume than before. Where all did, of what is added as much as would of a sale
        of its own: else an own purchase could be raised beyond what own purchases count for.
        """
        known, _ = self._known(first, team)
        volume, more = (self._plan.volume(each.amount, each.points) for each in (first, larger))
        if more <= 0 or more == volume:
            return known
        if known.part != 1:
            part = exact(known.part * volume, more)
            return Counted(known.owner, known.level_one, known.inside, part, known.reason)
        late = self._added_at(first, time)
        piece, added = self._of_added(first, larger, known, first.time if late is None else late)
        new = self._plan.volume(piece.amount, piece.points)
        part = exact(more - new + new * added.part, more)
        return Counted(known.owner, known.level_one, known.inside, part, added.reason)

    def _added_at(self, first: SaleFacts[P], time: int | None) -> int | None:
        """The date of what is added to a sale whose period is closed; None: that of the sale [R-CRED-31]."""
        closed = calendar.number_of(self._plan.plan.period, first.time) in self._closed
        return time if closed else None

    def _of_added(
        self, first: SaleFacts[P], larger: SaleFacts[P], known: Counted[P], time: int
    ) -> tuple[SaleFacts[P], Counted[P]]:
        """What a sale is larger by than what stands of it, as a sale dated `time`, and how much of that counts."""
        gone = self._taken[first.id][1] if first.id in self._taken else Fraction(0)
        amount, points = larger.amount, Fraction(larger.points)
        for piece, lost, _ in self._pieces.get(first.id, [(first, gone, known)]):
            amount -= piece.amount * (1 - lost)
            points -= piece.points * (1 - lost)
        added = replace(larger, amount=exact(amount, 1), points=exact(points, 1), time=time)
        # Of a sale of which not all counted nothing more does. That is kept as well: refunds take it back first.
        return added, self._within(known, added) if known.part == 1 else replace(known, part=0)

    def _circle(self, sale: SaleFacts[P]) -> bool:
        """Whether receipts of the period lead from the referrer back to the buyer: those would pay each other."""
        if sale.buyer is None or sale.referrer is None:
            return False
        return self.volumes(sale.time).circle(sale.buyer, sale.referrer)

    # -- inside ----------------------------------------------------------------------------------------------
    def _known(self, sale: SaleFacts[P], team: Team[P] | None) -> tuple[Counted[P], Fraction]:
        """How a sale was counted when it was taken, and which part of it was refunded since."""
        return self._taken.get(sale.id) or (self._owner(sale, team), Fraction(0))

    def _owner(self, sale: SaleFacts[P], team: Team[P] | None) -> Counted[P]:
        inside = team is not None and sale.buyer is not None and team.member(sale.buyer, sale.at)
        owner, level_one = sale.referrer, self._plan.plan.origin == "referrer"
        if inside and not level_one:
            owner = sale.buyer
        elif inside and owner is None:
            assert team is not None and sale.buyer is not None
            owner = team.sponsor(sale.buyer, sale.at)
            if owner is not None and not team.member(owner, sale.at) and team.sponsor(owner, sale.at) is None:
                owner = None  # the owner of the team, who is no member
        reason = sale.excluded
        if sale.listing is not None and sale.listing in self._plan.plan.kits:
            reason = "r3"
        elif sale.buyer is not None and sale.buyer in (sale.seller, sale.referrer):
            reason = "r17"
        return Counted(owner, level_one, inside, 1 if reason is None else 0, reason)

    def _put(self, sale: SaleFacts[P], counted: Counted[P], times: Exact) -> None:
        sums = self._volumes_at(sale.time)
        self.revision += sums.changed is None
        whole = self._plan.volume(sale.amount, sale.points)
        if not sale.presumed and counted.reason != "r3":
            sums.told += whole * times
            if not counted.inside and counted.reason is None:
                sums.outside += whole * times
        part = counted.part * times
        if not part:
            return
        volume = whole * part
        base = self._plan.base(sale.amount, sale.points) * part
        sums.total += volume
        sums.total_base += base
        self._credit[counted.inside] += base
        if counted.inside:
            sums.personal[sale.buyer] = sums.personal.get(sale.buyer, 0) + volume
        if counted.owner is None:
            return
        number = self.number(counted.owner)
        self.turns.note(number)
        sums.add(number, volume, base)
        if not self._outside(sale, counted):
            sums.inside[number] = sums.inside.get(number, 0) + volume

    def _outside(self, sale: SaleFacts[P], counted: Counted[P]) -> bool:
        return counted.part != 0 and not counted.inside and not sale.presumed

    def _meet(self, sale: SaleFacts[P], counted: Counted[P]) -> None:
        if counted.owner is not None and self._outside(sale, counted):
            self._volumes_at(sale.time).meet(self.number(counted.owner), self._buyer(sale))

    def _buyer(self, sale: SaleFacts[P]) -> int:
        """The number of who bought, among everybody: what tells buyers apart may be a key, or nothing."""
        return self._everybody.add(cast(P, sale.customer))

    def _note(self, sale: SaleFacts[P], counted: Counted[P]) -> None:
        """Notes at which place somebody sold something."""
        history = self._volumes_at(sale.time).history
        if history is None or counted.owner is None or not counted.part:
            return
        volume = self._plan.volume(sale.amount, sale.points) * counted.part
        outside = self._outside(sale, counted)
        buyer = self._buyer(sale) if outside else None
        history.add(self.number(counted.owner), sale.place, volume, buyer)

    def _leave(self, sale: SaleFacts[P], counted: Counted[P], gone: Fraction) -> None:
        """Notes what of a sale is left when a part of it is gone."""
        history = self._volumes_at(sale.time).history
        if history is None or counted.owner is None or not counted.part:
            return
        left = self._plan.volume(sale.amount, sale.points) * counted.part * (1 - gone)
        outside = self._outside(sale, counted) and gone < 1
        history.change(sale.place, left, self._buyer(sale) if outside else None)

    def _volumes_at(self, time: int) -> Volumes:
        if self._open.holds(time):
            return self._open.sums
        per = self._plan.plan.period
        number = calendar.number_of(per, time)
        found = self._volumes.setdefault(number, self._empty())
        before, start, end = (calendar.start_of(per, each) for each in (number - 1, number, number + 1))
        self._open = _Open(before, start, end, found)
        return found

    def _empty(self) -> Volumes:
        plan = self._plan.plan
        sums = Volumes(history=History() if self._looks_back else None)
        if plan.volume == plan.pay_on and fraction(plan.share) == 1 and plan.volume == "amount":
            sums.base = sums.own
        return sums


class _Open(Struct, gc=False):
    """The period of the newest sale, at hand: sales come in the order of time, nearly all in the period of the last.

    Attributes:
        before: first moment of the period before it, ms UTC.
        start: its own.
        end: first moment after it.
        sums: of its sales.
        standing: ranks before it; None: not asked for since they changed.
    """

    before: int
    start: int
    end: int
    sums: Volumes
    standing: Standing | None = None

    def holds(self, time: int) -> bool:
        """Whether a moment lies in it."""
        return self.start <= time < self.end


_BEFORE = -(1 << 40)  # before every period
