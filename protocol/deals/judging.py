"""The verdict of each message on its seen-set, and which branch counts where a number was used twice [R-DEAL-13..17].

A message is judged once: its place (numbers, names, dates) and then the checks of its row, on the view of the messages
with effect that it names, directly or through others. What comes later never changes that. The docket is built from
the set, each message after all it names; which of the orders that allow this is taken changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from protocol.deals import starting
from protocol.deals.bodies import LapseDispute, LapsePay, Order, Renewal, Role, Ruling
from protocol.deals.message import Message, first_order
from protocol.deals.table import verdict
from protocol.deals.view import Base, Case, Tally, View, bits, view

SIDES: Final[tuple[Role, ...]] = ("buyer", "seller")
Verdicts = Mapping[bytes, str | None]
"""By id: the code why a message has no effect by itself, None: it has; of messages that were judged before."""
NONE_KNOWN: Final[Verdicts] = MappingProxyType({})
OUT_OF_PLACE: Final = frozenset(
    {
        "bad_epoch", "bad_names", "bad_number", "bad_time", "names_backwards", "names_other_branch", "no_order",
    }
)  # fmt: skip
"""Codes of what is not in its place; no row of the table has one of them but for a start."""


def other_side(role: Role) -> Role:
    """The side that a buyer or seller deals with."""
    return "seller" if role == "buyer" else "buyer"


@dataclass(frozen=True, slots=True)
class Docket:
    """The messages of one deal that are in their places, each with its own verdict; grows at its end.

    `chains[i]` is message i and its predecessors, `sides` who sent which, `after[i]` the tally of its seen-set and
    itself, `codes` why a message has no effect by itself, those out of place among them.
    """

    case: Case
    chains: list[int] = field(default_factory=list)
    sides: dict[Role, int] = field(default_factory=dict)
    after: list[Tally] = field(default_factory=list)
    codes: dict[bytes, str | None] = field(default_factory=dict)

    def admit(self, message: Message, known: Verdicts = NONE_KNOWN) -> None:
        """Judges a message whose named messages are all here; a verdict that is known is not worked out again."""
        seen = self.seen_set(message)
        judged = message.id in known
        code = known[message.id] if judged else self.place(message, seen)
        if code is not None and (not judged or (code in OUT_OF_PLACE and not message.starts)):
            self.codes[message.id] = code
            return
        tally = self.tally(message, seen)
        case = self.case
        if not judged:
            code = case.base.fault if message.starts else verdict(view(case, tally), message)
        index = len(case.messages)
        case.messages.append(message)
        case.closures.append(seen)
        case.where[message.id] = index
        self.codes[message.id] = code
        self.chains.append(
            1 << index | (0 if message.previous is None else self.chains[case.where[message.previous]])
        )
        self.sides[message.role] = self.sides.get(message.role, 0) | 1 << index
        if code is None:
            tally.add(case, index)
        self.after.append(tally)

    def seen_set(self, message: Message) -> int:
        """All it names, directly or through others, as far as they are in their places."""
        seen = 0
        for id in message.names:
            index = self.case.where.get(id)
            if index is not None:
                seen |= self.case.closures[index] | 1 << index
        return seen

    def tally(self, message: Message, seen: int) -> Tally:
        """Of the messages with effect in a seen-set: that of the largest part known, and the rest folded onto it."""
        case = self.case
        part, tally = 0, Tally()
        for id in message.names:
            index = case.where[id]
            whole = case.closures[index] | 1 << index
            if whole.bit_count() > part.bit_count():
                part, tally = whole, self.after[index]
        tally = tally.copy()
        for index in bits(seen & ~part):
            if self.codes[case.messages[index].id] is None:
                tally.add(case, index)
        return tally

    def place(self, message: Message, seen: int) -> str | None:
        """The code why a message is out of place, None when it is in place [R-DEAL-13]."""
        if message.starts:
            return None
        previous = None if message.previous is None else self._at(message.previous)
        if message.previous is not None and (
            previous is None or previous.role != message.role or previous.number + 1 != message.number
        ):
            return "bad_number"
        named: dict[Role, int] = {}
        for id in message.seen:
            index = self.case.where.get(id)
            if index is None:
                return "bad_names"
            role = self.case.messages[index].role
            if role == message.role or (role in named and role in SIDES):
                return "bad_names"
            named[role] = index
        if not seen & 1 or self.codes[self.case.base.start.id] is not None:
            return "no_order"
        code = self._crossed(message, seen, named)
        if code is not None:
            return code
        if any(self.case.messages[self.case.where[id]].time > message.time for id in message.names):
            return "bad_time"
        if previous is not None and message.epoch is not None and message.epoch < (previous.epoch or 0):
            return "bad_epoch"
        return None

    def _at(self, id: bytes) -> Message | None:
        index = self.case.where.get(id)
        return None if index is None else self.case.messages[index]

    def _crossed(self, message: Message, seen: int, named: dict[Role, int]) -> str | None:
        """Of each side, what was seen must be the chain of the one message of it that is named, and no more."""
        for role in SIDES:
            mine = seen & self.sides.get(role, 0)
            if role == message.role:
                chain = 0 if message.previous is None else self.chains[self.case.where[message.previous]]
                if mine != chain:
                    return "bad_number"
                continue
            index = named.get(role)
            if mine != (0 if index is None else self.chains[index]):
                one_chain = self.chains[mine.bit_length() - 1] == mine
                return "names_backwards" if one_chain else "names_other_branch"
        return None


@dataclass(frozen=True, slots=True)
class Count:
    """Which messages in place count: a mask of them, the sides that used a number twice, and each side's newest.

    `tips` holds for each role the index of the message that the next one names.
    """

    mask: int
    doubled: frozenset[Role]
    tips: dict[Role, int]

    @property
    def broken(self) -> bool:
        """Whether both sides used a number twice."""
        return len(self.doubled) > 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a set comes to: the docket, what waits, what counts, the view of it, and every message's verdict."""

    docket: Docket
    waits: tuple[Message, ...]
    count: Count
    view: View
    verdicts: dict[bytes, str | None]


def outcome(start: Message, messages: Iterable[Message], now: int, known: Verdicts = NONE_KNOWN) -> Outcome:
    """Judges a set of messages of one deal.

    Args:
        start: of the deal, one of the messages.
        messages: each once.
        now: messages dated later, and those that name a missing one, wait.
        known: verdicts of some of them.
    """
    docket = Docket(Case(_base(start), [], [], {}))
    ready, waits = _in_order(messages, now)
    for message in ready:
        docket.admit(message, known)
    count = _count(docket)
    tally = Tally()
    verdicts = dict(docket.codes)
    for index, message in enumerate(docket.case.messages):
        if verdicts[message.id] is not None:
            continue
        if not count.mask >> index & 1:
            verdicts[message.id] = "broken" if count.broken else "doubled"
        elif isinstance(message.body, Ruling) and verdicts[message.body.dispute] is not None:
            verdicts[message.id] = "no_dispute"
        else:
            tally.add(docket.case, index)
    whole = view(docket.case, tally)
    for index in bits(tally.effective):
        code = _crossed_out(whole, index)
        if code is not None:
            verdicts[docket.case.messages[index].id] = code
    return Outcome(docket, waits, count, whole, verdicts)


def _base(start: Message) -> Base:
    body = start.body
    assert isinstance(body, Order | Renewal)
    fault, binds = starting.judged(start)
    return Base(
        start,
        first_order(start),
        body.parts,
        fault,
        start.time if binds else None,
    )


def _in_order(messages: Iterable[Message], now: int) -> tuple[list[Message], tuple[Message, ...]]:
    """Each message after all it names; and those that wait, by id [R-DEAL-12]."""
    known = {message.id: message for message in messages}
    missing = {message.id: len(message.names) for message in known.values()}
    followers: dict[bytes, list[Message]] = {}
    for message in known.values():
        for id in message.names:
            followers.setdefault(id, []).append(message)
    ready = [message for message in known.values() if not message.names and message.time <= now]
    for message in ready:  # grows meanwhile
        for follower in followers.get(message.id, ()):
            missing[follower.id] -= 1
            if not missing[follower.id] and follower.time <= now:
                ready.append(follower)
    there = {message.id for message in ready}
    return ready, tuple(known[id] for id in sorted(known.keys() - there))


def _crossed_out(whole: View, index: int) -> str | None:
    """The code of a message that has effect by itself, but not beside one that crosses it."""
    match whole.case.messages[index].body:
        case LapsePay() if whole.tally.unpaid is None:
            return "paid"
        case LapseDispute() if whole.ruling is not None and not whole.case.saw(whole.ruling, index):
            return "ruled"
        case Ruling() if index != whole.ruling:
            return "two_rulings"
        case _:
            return None


def _count(docket: Docket) -> Count:
    """Which branch counts of a side that used a number twice: the one that the other side names [R-DEAL-17]."""
    case = docket.case
    doubled = _doubled(docket)
    if len(doubled) > 1:
        mask = sum(
            1 << index
            for index, message in enumerate(case.messages)
            if message.role not in doubled or message.number < doubled[message.role]
        )
        return Count(mask, frozenset(doubled), {role: _newest(docket, mask, role) for role in docket.sides})
    mask = -1  # every message
    tips: dict[Role, int] = {}
    for role in doubled:
        chain, tips[role] = _branch(docket, role)
        mask &= ~docket.sides[role] | chain
    for role in docket.sides:
        tips.setdefault(role, _newest(docket, mask, role))
    return Count(mask, frozenset(doubled), tips)


def _doubled(docket: Docket) -> dict[Role, int]:
    """The sides that used a number twice, and the first such number."""
    used = Counter((message.role, message.number) for message in docket.case.messages)
    twice = [place for place, count in used.items() if count > 1]
    return {
        role: min(number for other, number in twice if other == role)
        for role in SIDES
        if any(other == role for other, _ in twice)
    }


def _newest(docket: Docket, mask: int, role: Role) -> int:
    """Index of a role's newest message that counts; -1 for none."""
    messages = docket.case.messages
    return min(
        bits(mask & docket.sides[role]),
        key=lambda index: (-messages[index].number, messages[index].time, messages[index].id),
        default=-1,
    )


def _branch(docket: Docket, role: Role) -> tuple[int, int]:
    """Of a doubled side: the mask of what counts of it, and the tip that the other side would name next."""
    case = docket.case
    other = other_side(role)
    chosen = 0
    if other in docket.sides:
        chosen = case.closures[_newest(docket, -1, other)] & docket.sides[role]
    following: dict[bytes | None, list[int]] = {}
    for index in bits(docket.sides[role]):
        following.setdefault(case.messages[index].previous, []).append(index)
    tip = chosen.bit_length() - 1
    single = True
    while after := following.get(case.messages[tip].id if tip >= 0 else None):
        tip = min(after, key=lambda index: (case.messages[index].time, case.messages[index].id))
        single = single and len(after) == 1
        chosen |= single << tip
    return chosen, tip
