"""One branch of one log, folded entry by entry by two implementations, and what no entry may do [CREDITS L1..L13].

What SPEC says is written twice in this repository; here both are fed the bytes of the log, and after each entry the
effects and everybody's figures have to be the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any, Final

from msgspec import UNSET

from netnode.conformance import entries as second
from netnode.conformance.deals import read_message
from netnode.conformance.groups import read_sale
from netnode.conformance.holdings import NEVER, Effect, Holding, Moved, Paid, Sold, Step
from netnode.conformance.ledgerfold import Ledger
from netnode.conformance.teams import read_agreement
from netnode.simulator.oracle import Violation
from protocol.certificate import DAY_MS
from protocol.entry import Entry
from protocol.kinds import is_critical
from protocol.ledger import effects
from protocol.ledger.book import Book
from protocol.ledger.statements import Request, Swap, read
from protocol.records import (
    Admission,
    Duty,
    Freeze,
    Leave,
    Lock,
    Move,
    Payout,
    Record,
    Redeem,
    RefundEntry,
    SalePart,
    SwapEntry,
    Transfer,
    decode_record,
)
from protocol.records.fields import Place

LATER_MS: Final = 31 * DAY_MS  # why: what is pending now is payable then
FREEZE_MS: Final = 60 * DAY_MS  # a dispute freezes awards for so long past the hold at most [L5]
_KINDS: Final = {
    effects.Kind.TRANSFER: "transfer",
    effects.Kind.REDEEM: "redeem",
    effects.Kind.PAYOUT: "payout",
}
_STAGES: Final = {effects.Stage.LOCKED: "locked", effects.Stage.BACK: "back", effects.Stage.GIVEN: "given"}
_CONSENTS: Final = ("refund_received", "ruling")

TEAM_KINDS: Final = frozenset((Admission.KIND, Duty.KIND, Leave.KIND, Move.KIND))
Between = Callable[[bytes, Place, Place], Sequence[Entry] | None]
Holdings = Mapping[tuple[str, bytes], dict[str, int]]


@dataclass(frozen=True, slots=True)
class Wrong:
    """An entry without effect."""

    seq: int
    code: str


@dataclass(slots=True)
class Audit:
    """The fold of one branch.

    Attributes:
        network: the network's name.
        issuer: networker id.
        name: of the issuer, for a person.
        honest: whether its node has to be right about everything that it writes.
        agreed: whether somebody said to agree to a move: opportunity, member, new sponsor, who agrees; None: not known.
        most: how much a networker ever said to hold of this issuer's credit, by recipient and unit; None: not known.
        between: entries of other logs.
        others: the same logs for the second implementation.
    """

    network: str
    issuer: bytes
    name: str
    honest: bool
    most: Callable[[bytes, str], int | None]
    between: Between
    others: Sequence[Sequence[second.Entry]]
    agreed: Callable[[str, bytes, bytes, bytes], bool | None] = lambda *_: None
    after: dict[bytes, Mapping[bytes, effects.Value]] = field(default_factory=dict)
    """Effects as of each entry, by its id."""
    wrong: list[Wrong] = field(default_factory=list)
    sales: int = 0
    moves: int = 0
    swaps: int = 0
    moved: int = 0
    ruled: int = 0
    frozen: int = 0
    compared: int = 0
    _entries: dict[int, Entry] = field(default_factory=dict)
    _book: Book = field(init=False)
    _ledger: Ledger = field(init=False)
    _plain: dict[bytes, Effect] = field(default_factory=dict)
    _held: Holdings = field(default_factory=dict)
    _shares: dict[bytes, Fraction] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._book = Book(self.network, self.issuer, self._entries.__getitem__, self.between)
        self._ledger = Ledger(self.network, self.issuer, self.others)

    @property
    def book(self) -> Book:
        """As the production code folds it."""
        return self._book

    @property
    def tip(self) -> Entry | None:
        """The newest entry taken."""
        return self._entries[max(self._entries)] if self._entries else None

    @property
    def plain(self) -> Mapping[bytes, Effect]:
        """The effects as the second implementation has them."""
        return self._plain

    def take(self, entry: Entry) -> None:
        """Takes the next entry.

        Raises:
            Violation: `ledger`, with what is wrong.
        """
        self._entries[entry.seq] = entry
        if not is_critical(entry.kind) or entry.record is None or self._book.unknown is not None:
            self.after[entry.id] = self.after.get(entry.prev, {})
            return
        before, held = self._plain, self._held
        moving = decode_record(entry.kind, entry.record) if entry.kind == Move.KIND else None
        sponsor = self._sponsor(moving) if isinstance(moving, Move) else None
        verdict = self._book.take(entry)
        if verdict.code is not None:
            self.wrong.append(Wrong(entry.seq, verdict.code))
            if self.honest and verdict.code != "unknown":
                self._fail(entry, f"is void, {verdict.code}: {verdict.text}")
        self.after[entry.id] = dict(self._book.effects)
        self._judge(entry, verdict.code)
        if entry.kind in TEAM_KINDS and verdict.code != "unknown":
            self._require_trees(entry)
        if isinstance(moving, Move) and verdict.code is None:
            self._require_agreed(entry, moving, sponsor)
        if self._book.unknown is not None:
            return
        self._plain = {id: plain(value) for id, value in self._book.effects.items()}
        self._held = self._figures(entry)
        record = decode_record(entry.kind, entry.record) if verdict.code is None else None
        if verdict.code is not None or self._plain == before:
            if self._plain != before:
                self._fail(entry, "has no effect, and changed something [L16]")
            return
        assert record is not None  # it was taken
        self._require_sums(entry)
        self._require_consent(entry, record, before, held)
        self._require_once(entry, record, before)
        self._require_bounds(entry, record)

    # -- two implementations ---------------------------------------------------------------------------------
    def _judge(self, entry: Entry, code: str | None) -> None:
        found = self._ledger.take(second.read_entry(list(entry.wire())))
        if found != code:
            self._fail(
                entry,
                f"comes to {code or 'an effect'}, by the second implementation to {found or 'an effect'}",
            )
        if code != "unknown" and (mine := {id: plain(value) for id, value in self._book.effects.items()}) != (
            self._ledger.effects
        ):
            differs = sorted(
                id.hex()[:12]
                for id in mine.keys() | self._ledger.effects.keys()
                if mine.get(id) != self._ledger.effects.get(id)
            )
            self._fail(entry, f"has other effects by the second implementation: {', '.join(differs[:3])}")
        self.compared += 1

    def _figures(self, entry: Entry) -> Holdings:
        """What everybody has, summed anew from the effects, now and later; both implementations agree."""
        found: dict[tuple[str, bytes], dict[str, int]] = {}
        for unit in self._book.units():
            for holder in self._book.holders(unit):
                for now in (entry.time + LATER_MS, entry.time):
                    mine = asdict(self._book.figures(unit, holder, now))
                    figures = Holding(self._plain, unit, holder, now).figures
                    if mine != figures:
                        rest = {
                            name: (mine[name], figures[name]) for name in mine if mine[name] != figures[name]
                        }
                        self._fail(entry, f"leaves {holder.hex()[:8]} with figures that differ: {rest} [L2]")
                    found[unit, holder] = figures
        return found

    # -- teams -----------------------------------------------------------------------------------------------
    @property
    def ledger(self) -> Ledger:
        """As the second implementation folds it."""
        return self._ledger

    def _sponsor(self, move: Move) -> bytes | None:
        team = self._ledger.teams.get(move.opportunity)
        member = None if team is None else team.members.get(move.member)
        return None if member is None else member.sponsor

    def _require_trees(self, entry: Entry) -> None:
        """Who stands below whom, and at which place, is the same by both implementations."""
        for key, team in self._ledger.teams.items():
            tree = self._book.teams.tree(key)
            for who, member in team.members.items():
                mine = (
                    (tree.member(who), tree.sponsor(who), tree.placement(who)) if tree.member(who) else None
                )
                theirs = (True, member.sponsor, team.places.get(who)) if member.inside else None
                if mine != theirs:
                    self._fail(entry, f"leaves {who.hex()[:8]} at another place by the second implementation")

    def _require_agreed(self, entry: Entry, move: Move, before: bytes | None) -> None:
        """Nobody gets another sponsor, or loses or gains a recruit, who did not say so [R-TEAM-12, 20]."""
        if move.sponsor is UNSET:
            return
        needed = {move.member} if move.reason == "neglect" else {move.member, before, move.sponsor}
        for who in sorted(each for each in needed if each not in (None, self.issuer)):
            assert who is not None  # left out
            if self.agreed(move.opportunity, move.member, move.sponsor, who) is False:
                self._fail(entry, f"moves a member, and {who.hex()[:8]} never agreed to that [R-TEAM-12]")
        self.moved += 1

    # -- what holds of all figures ---------------------------------------------------------------------------
    def _require_sums(self, entry: Entry) -> None:
        """All figures sum to zero with what they come from [L1, L2, L6]."""
        for unit in self._book.units():
            mine = [figures for (of, _), figures in self._held.items() if of == unit]
            sums = {name: sum(each[name] for each in mine) for name in (mine[0] if mine else ())}
            if not mine:
                continue
            if sums["received"] != sums["sent"]:
                self._fail(entry, f"has {sums['sent']} sent and {sums['received']} received in {unit} [L1]")
            come = sums["awarded"] + sums["uncovered"]
            gone = sums["redeemed"] + sums["paid_out"] + sums["clawed"] + sums["expired"]
            if sums["signed"] != come - gone:
                self._fail(
                    entry, f"leaves {sums['signed']} outstanding in {unit}, and not {come - gone} [L2]"
                )
            if self.honest and sums["uncovered"]:
                self._fail(entry, f"has the issuer bear {sums['uncovered']} {unit} that nobody covered [L6]")

    def _require_consent(
        self, entry: Entry, record: Record, before: Mapping[bytes, Effect], held: Holdings
    ) -> None:
        """No figure sinks by what the issuer wrote alone [L11]; nobody receives against their will [L7]."""
        for (unit, holder), now in self._held.items():
            was = _standing_then(before, unit, holder, entry.time)
            if now["signed"] + now["pending"] < was and not self._consented(record, holder):
                self._fail(
                    entry, f"takes {was - now['signed'] - now['pending']} {unit} of {holder.hex()[:8]} [L11]"
                )
        if isinstance(record, RefundEntry):
            self.ruled += any(read_message(each).type == "ruling" for each in record.messages)
        self.frozen += isinstance(record, Freeze)
        if isinstance(record, Transfer):
            request = read(Request, record.request)
            assert isinstance(request.recipient, bytes)  # of a transfer
            most = None if record.limit is UNSET else self.most(request.recipient, request.unit)
            if record.limit is UNSET and not self._book.state.member(request.recipient):
                self._fail(entry, "gives to who is no member and accepts nothing [L7]")
            figures = self._held[request.unit, request.recipient]
            if most is not None and max(0, figures["signed"]) > most:
                self._fail(entry, f"gives {figures['signed']} to who accepts {most} at most [L7]")
            self.moves += 1

    def _consented(self, record: Record, holder: bytes) -> bool:
        """Whether the entry embeds a word of a holder, of the buyer, or of an arbiter."""
        match record:
            case Transfer() | Redeem() | Payout():
                return read(Request, record.request).holder == holder
            case Lock() | SwapEntry():
                document = read(Swap, record.document)
                return holder in (document.first.holder, document.second.holder)
            case RefundEntry():
                return any(read_message(each).type in _CONSENTS for each in record.messages)
            case _:
                return False

    def _require_once(self, entry: Entry, record: Record, before: Mapping[bytes, Effect]) -> None:
        """Movements once and covered [L3, L6]; swaps end once [L5]; groups as a whole [L4]; awards only grow [L12]."""
        changed = [id for id in self._plain if self._plain[id] != before.get(id)]
        for id in changed:
            old, new = before.get(id), self._plain[id]
            match new:
                case Moved() if new.kind != "swap" and old is not None:
                    self._fail(entry, "carries a request out twice [L3]")
                case Moved() if new.kind != "swap":
                    mine = Holding(before, new.unit, new.holder, entry.time)
                    if new.amount > mine.available:
                        self._fail(entry, f"moves {new.amount} where {mine.available} are available [L6]")
                case Moved() if isinstance(old, Moved):
                    self.swaps += 1
                    if old.stage != "locked" and (old.stage, new.stage) != ("back", "given"):  # by a fork
                        self._fail(entry, f"makes a swap {new.stage} that was {old.stage} [L5]")
                case Sold() if isinstance(old, Sold) and isinstance(record, SalePart):
                    lower = [
                        key
                        for key, steps in old.awards.items()
                        if max(step.amount for step in new.awards.get(key, steps))
                        < max(step.amount for step in steps)
                    ]
                    if lower or not new.base > old.base:
                        self._fail(entry, "logs a sale again without raising it [L12]")
        if isinstance(record, SalePart):
            self.sales += 1
            if record.number < record.count:
                self._fail(entry, f"is part {record.number} of {record.count}, and has an effect [L4]")

    def _require_bounds(self, entry: Entry, record: Record) -> None:
        """Awards are payable in the end [L5], and come to no more than the plan declares [L8]."""
        for id, value in self._book.effects.items():
            if not isinstance(value, effects.Sold):
                continue
            last = self._book.state.orders[id[1:]].hold + FREEZE_MS
            if any(step.due > last for credit in value.awards for step in credit.steps):
                self._fail(entry, "keeps an award from being payable for ever [L5]")
        if not isinstance(record, SalePart) or record.count > 1:
            return
        content = read_sale(record.content)
        start = read_message(content["messages"][0])
        if start.type == "order":
            self._shares[start.id] = self._share(content, start.body)
        sold = self._book.effects[b"s" + start.deal]
        assert isinstance(sold, effects.Sold)
        awarded = sum(max(step.amount for step in credit.steps) for credit in sold.awards)
        most = sold.base * self._shares.get(start.deal, Fraction(1))
        if awarded > most:
            self._fail(entry, f"awards {awarded} where {most} is the most that is declared [L8]")

    def _share(self, content: dict[str, Any], order: dict[str, Any]) -> Fraction:
        """The largest part of a sale's base that its awards may come to."""
        if "agreement" in content:
            agreement = read_agreement(content["agreement"])
            sides = (agreement["first"], agreement["second"])
            return Fraction(sum(side["points"] for side in sides if side["id"] == self.issuer), 10_000)
        if "commission" in order:
            return Fraction(order["commission"], 10_000)
        governed = self._book.governing.find(content["plan"])
        assert governed is not None  # the entry has an effect
        rates = [
            Fraction(*each.rate)
            for each in governed.plan.currencies
            if each.currency == order.get("currency")
        ]
        return Fraction(*governed.plan.maximum) * sum(rates, Fraction(0))

    def _fail(self, entry: Entry, text: str) -> None:
        raise Violation("ledger", f"entry {entry.seq} of {self.name}, of kind {entry.kind}, {text}")


def plain(value: effects.Value) -> Effect:
    """An effect of the production code as the second implementation writes it."""
    match value:
        case effects.Sold():
            awards = {each.key: frozenset(map(_step, each.steps)) for each in value.awards}
            return Sold(value.earned, value.paid, value.refunded, value.keeps, awards)
        case effects.Earned():
            credit = value.credit
            steps = frozenset(map(_step, credit.steps))
            return Paid(credit.to, credit.unit, steps, Fraction(value.reversed))
        case effects.Moved():
            lots = _lots(value.lots)
            return Moved(
                _KINDS[value.kind], value.unit, value.holder, value.to, value.amount, value.counter, lots
            )
        case effects.Swapped():
            counter = None if value.counter == effects.NO_COUNTER else value.counter
            lots, stage = _lots(value.lots), _STAGES[value.stage]
            return Moved("swap", value.unit, value.holder, value.to, value.amount, counter, lots, stage)


def _step(step: effects.Step) -> Step:
    return Step(step.due, _expiry(step.expires), step.amount, step.base)


def _lots(lots: effects.Lots) -> tuple[tuple[int, int], ...]:
    return tuple((_expiry(expires), amount) for expires, amount in lots)


def _expiry(expires: int) -> int:
    return NEVER if expires == effects.NEVER else expires


def _standing_then(before: Mapping[bytes, Effect], unit: str, holder: bytes, now: int) -> int:
    figures = Holding(before, unit, holder, now).figures
    return figures["signed"] + figures["pending"]
