"""Sales, refunds and freezes in an issuer's log, and what they do to the awards of a sale [R-CRED-13..29]."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final

from msgspec import UNSET, Struct
from msgspec.structs import replace

from protocol import limits
from protocol.deals.message import Message, first_order
from protocol.entry import Entry
from protocol.errors import Void
from protocol.ledger.closing import rank_again
from protocol.ledger.contents import AwardLine, SaleContent, read_sale
from protocol.ledger.effects import NEVER, Credited, Earned, Sold, Step, merged, period_id, sale_id
from protocol.ledger.filed import (
    Filed,
    as_first,
    embedded_at,
    filed_of,
    look_at,
    prove_with,
    proven_first,
    with_more,
)
from protocol.ledger.filing import OrderFile
from protocol.ledger.governing import DAY, Governed
from protocol.ledger.reckoning import Reckoned, enlarged, place_of, reckon
from protocol.ledger.sales import Money, Proven, look, prove, read_messages
from protocol.ledger.signers import entries_of
from protocol.ledger.state import State
from protocol.plans.document import Compiled
from protocol.plans.evaluate import assess_sale, evaluate_sale, raise_sale
from protocol.plans.facts import Award, SaleFacts
from protocol.plans.reversing import Reversal
from protocol.plans.rounding import exact
from protocol.records import Freeze, RefundEntry
from protocol.teams.duties import Answers
from protocol.teams.tree import Tree

FREEZE_MS: Final = limits.FREEZE_DAYS * DAY
LOGGING_MS: Final = limits.LOGGING_DAYS * DAY
_NO_SALE: Final = ("r3", "r17")  # kits and what somebody sells to oneself are nobody's sale


# -- sale ----------------------------------------------------------------------------------------------------
def take_sale(
    state: State,
    entry: Entry,
    data: bytes,
    count: int,
    known: tuple[SaleContent, tuple[Message, ...]] | None = None,
    *,
    proved: bool = False,
) -> None:
    """A whole sale [R-CRED-13..24].

    Args:
        state: the ledger.
        entry: that carries its last part.
        data: its content.
        count: how many parts it has.
        known: the content and its messages, where they were read before.
        proved: whether the buyer's signatures on them were verified.

    Raises:
        Void: in this order, the first failure decides: `malformed`, `openers`, `deal`, `sale_full`, `names_differ`,
            `dated_ahead`, `not_signed`, `not_agreed`, `no_receipt`, those of `reckon` (a later sale:
            `already_logged`), `plan_differs`, `awards_differ`.
    """
    content, messages = (read_sale(data), None) if known is None else known
    if content.openers and count == 1:
        state.admit(content.openers)
    elif content.openers:
        state.signers.admit(entries_of(content.openers))
    if messages is None:
        messages = read_messages(content.messages)
    look_at(state, messages[0].deal)
    assessed = assess(state, content, entry.seq, entry.time, messages, proved=proved)
    if content.plan != assessed.reckoned.governed.hash:
        raise Void("plan_differs", "plan: is not the one that this sale follows")
    if content.awards != assessed.lines:
        raise Void("awards_differ", "awards: are not what the plan comes to")
    governed, team = assessed.reckoned.governed, assessed.team
    proven, money, filed = assessed.proven, assessed.money, assessed.filed
    first = entry.seq + 1 - count
    if filed is None:
        counted = governed.activity.take(assessed.facts, team)
        file = OrderFile((first,), assessed.facts.at, entry.time, money.base, 0)
        if counted.owner not in (None, assessed.facts.buyer) and counted.reason not in _NO_SALE:
            assert counted.owner is not None  # see above
            file.sold = (counted.owner, governed.opportunity or "")
        file.led = assessed.reckoned.led
        if content.listing is not UNSET and proven.order.listing is not UNSET:
            assert assessed.facts.listing is not None  # `reckon`
            state.listings[proven.order.listing] = assessed.facts.listing
    else:
        governed.activity.take_more(assessed.before, assessed.facts, team, entry.time, entry.seq)
        file = filed.file
        file.seqs = (*file.seqs, first)
        file.taken = money.base
        file.counted = None if assessed.counted == money.base else assessed.counted
    file.verdicts = proven.looked.verdicts(len(proven.looked.messages))
    facts = assessed.facts
    spent = facts.amount * Fraction(money.base, assessed.counted)
    file.bought = None if facts.buyer is None else (facts.buyer, governed.plan.unit.name, exact(spent, 1))
    _date(file, entry, proven, governed)
    credits = _credits(assessed.awards, governed, file, money.base)
    if filed is not None:
        before = filed.sold.awards
        if proven.disputed and file.thawed is not None:
            before = _moved(before, entry.time, file.thawed)
        credits = merged((*before, *credits))
    value = Sold(money.earned, money.paid, money.refunded, money.keeps, credits)
    state.put(sale_id(proven.start.id), value)
    if filed is None:
        state.orders.put(proven.start.id, file)


class Assessed(Struct, frozen=True, gc=False):
    """What a sale entry comes to, before it changes anything.

    Attributes:
        proven: the deal.
        money: with what earlier entries of the sale proved.
        counted: of the base, without what credit of the sale itself paid for; minor units of the order's money.
        reckoned: as of the first entry of the sale.
        facts: what is evaluated.
        before: the facts that an earlier entry was evaluated on; of a first one the same as `facts`.
        awards: as the plan has them.
        filed: what the log has of the sale; None: nothing.
    """

    proven: Proven
    money: Money
    counted: int
    reckoned: Reckoned
    facts: SaleFacts[bytes]
    before: SaleFacts[bytes]
    awards: tuple[Award[bytes], ...]
    filed: Filed | None

    @property
    def team(self) -> Tree[bytes] | None:
        """The tree that the plan looks at."""
        return None if self.reckoned.team is None else self.reckoned.team.tree

    @property
    def lines(self) -> tuple[AwardLine, ...]:
        """The awards as a content states them [L9]."""
        return tuple([AwardLine(each.to, each.rule, each.level, each.amount) for each in self.awards])


def assess(
    state: State,
    content: SaleContent,
    seq: int,
    time: int,
    messages: tuple[Message, ...] | None = None,
    *,
    proved: bool = False,
) -> Assessed:
    """What a sale comes to; its statements on plan and awards are not looked at.

    Args:
        state: with the content's openers taken in; nothing in it changes.
        content: to be judged.
        seq: of the entry that carries it, the last part.
        time: date of that entry, ms UTC.
        messages: of the content, where they were read before.
        proved: whether the buyer's signatures on them were verified, each as of a first sale.

    Raises:
        Void: as `take_sale`.
    """
    new = read_messages(content.messages) if messages is None else messages
    filed = filed_of(state, new[0].deal, kept=True)
    proven = prove_with(state, time, filed, new, proved=proved)
    money = proven.money.after(None if filed is None else filed.money)
    if proven.newest is None or money.base == 0:
        raise Void("no_receipt", "messages: nothing was both received (or presumed, or ruled) and paid")
    counted = money.base
    if filed is None:
        reckoned = reckon(state, content, proven, at=seq, time=time, base=money.base)
        facts = reckoned.facts
        at = place_of(state, reckoned.governed, proven, seq, time)
        late = at != facts.at
        before = facts = replace(facts, at=at, logged=seq) if late else facts
    else:
        if money.base <= filed.file.taken:
            raise Void("already_logged", "messages: the sale is logged, and its base is not larger now")
        reckoned, before = as_first(state, filed)
        counted = max(filed.counted, money.base - filed.itself(proven.order))
        facts = enlarged(reckoned, proven, counted)
        late = filed.late
    judged, duties = _judged(reckoned, facts, proven) if late else (facts, reckoned.duties)
    plan, activity = reckoned.governed.compiled, reckoned.governed.activity
    team = None if reckoned.team is None else reckoned.team.tree
    if filed is not None:
        awards = raise_sale(plan, team, activity, before, judged, duties, time)
    elif late:
        owned = activity.counted(facts, team)  # it counts from its entry on
        awards = assess_sale(plan, team, activity, judged, duties, owned).awards
    else:
        awards = evaluate_sale(plan, team, activity, facts, duties)
    return Assessed(proven, money, counted, reckoned, facts, before, awards, filed)


def _judged(
    reckoned: Reckoned, facts: SaleFacts[bytes], proven: Proven
) -> tuple[SaleFacts[bytes], Answers | None]:
    """What a sale that was logged too late is evaluated on: as it would have been at the contract [R-CRED-21]."""
    facts = replace(facts, time=proven.contract)
    return facts, None if reckoned.team is None else Answers(reckoned.team, facts.time)


def _date(file: OrderFile, entry: Entry, proven: Proven, governed: Governed) -> None:
    """Hold and freeze of a sale entry: a dispute of the buyer that it embeds freezes at once."""
    assert proven.newest is not None  # asked before
    file.hold = max(file.hold, proven.newest + governed.plan.hold_days * DAY)
    if proven.disputed:
        file.frozen = entry.time if file.frozen is None else file.frozen
        file.thawed = file.hold + FREEZE_MS


def _credits(
    awards: Iterable[Award[bytes]], governed: Governed, file: OrderFile, base: int
) -> tuple[Credited, ...]:
    """Awards of a sale as effects; two of one rule, level and recipient are one."""
    plan = governed.plan
    due = file.hold if file.thawed is None else max(file.hold, file.thawed)
    expires = NEVER if plan.expiry_days is UNSET else due + plan.expiry_days * DAY
    sums: dict[tuple[bytes, str, int], int] = {}
    for award in awards:
        key = (award.to, award.rule, award.level)
        sums[key] = sums.get(key, 0) + award.amount
    unit, hold = plan.unit.name, file.hold
    return tuple(
        [
            Credited(to, rule, level, unit, (Step(due, expires, amount, base, hold),))
            for (to, rule, level), amount in sorted(sums.items())
        ]
    )


# -- refund --------------------------------------------------------------------------------------------------
def take_refund(state: State, entry: Entry, record: RefundEntry) -> None:
    """What a confirmed refund, or a ruling, takes off a sale [R-CRED-25..27; L11].

    Raises:
        Void: `no_sale`, `sale_full`, those of the messages, `no_reduction`, `base_differs`, `hold_over`.
    """
    state.signers.admit(entries_of(record.openers))
    look_at(state, record.order)
    filed, proven, money = judge_refund(state, record.order, record.messages, entry.time, record.base)
    file, before = filed.file, filed.sold.base
    reckoned, facts = as_first(state, filed)
    team = None if reckoned.team is None else reckoned.team.tree
    part = Fraction(before - money.base, file.taken)
    reversals = reckoned.governed.activity.reverse(facts, part, team)
    file.seqs = (*file.seqs, entry.seq)
    file.verdicts = proven.looked.verdicts(len(proven.looked.messages))
    value = Sold(money.earned, money.paid, money.refunded, money.keeps, filed.sold.awards)
    state.put(sale_id(record.order), value)
    for each in reversals:
        _reverse(state, reckoned.governed, each)
    rank_again(state, entry.seq, reckoned.governed)


def judge_refund(
    state: State, order: bytes, messages: Sequence[bytes], time: int, stated: int | None = None
) -> tuple[Filed, Proven, Money]:
    """What a refund takes off a sale; nothing changes.

    Args:
        state: with the openers taken in.
        order: id of the order.
        messages: that no entry of the sale embeds yet.
        time: date of the entry, ms UTC.
        stated: base that the entry states; None: none is stated yet.

    Raises:
        Void: as `take_refund`.
    """
    filed, proven = with_more(state, order, messages, time)
    money = proven.money.after(filed.money)
    if money.base >= filed.sold.base:
        raise Void("no_reduction", "messages: neither a confirmed refund nor a ruling lowers the base")
    if stated not in (None, money.base):
        raise Void("base_differs", f"base: the messages come to {money.base}")
    file = filed.file
    open_until = file.hold if file.thawed is None else max(file.hold, file.thawed + LOGGING_MS)
    if time > open_until:
        raise Void("hold_over", "the hold is over, and the time after a freeze in it: the awards stand")
    return filed, proven, money


def _reverse(state: State, governed: Governed, reversal: Reversal[bytes]) -> None:
    """Volume that a closed period's award rests on is gone: what remains of the award follows [L11]."""
    label, unit = str(reversal.source), governed.plan.unit.name
    key = (reversal.to, reversal.rule, reversal.level, unit)
    id = period_id(governed.opportunity or "", governed.hash, label, key)
    earned = state.effects.get(id)
    if isinstance(earned, Earned):  # an award of zero has no effect
        state.put(id, Earned(earned.credit, earned.reversed + reversal.volume))


# -- freeze --------------------------------------------------------------------------------------------------
def take_freeze(state: State, entry: Entry, record: Freeze) -> None:
    """A dispute of the buyer freezes what is pending; its end lets go of it [R-CRED-28, 29; L5].

    Raises:
        Void: `no_sale`, `sale_full`, those of the messages, `already_logged`, `no_dispute`, `hold_over`.
    """
    state.signers.admit(entries_of(record.openers))
    look_at(state, record.order)
    filed, proven = judge_freeze(state, record.order, record.messages, entry.time)
    file = filed.file
    if proven.disputed:
        file.frozen, file.thawed = entry.time, file.hold + FREEZE_MS
    else:
        file.thawed = max(file.hold, entry.time)
    file.seqs = (*file.seqs, entry.seq)
    file.verdicts = proven.looked.verdicts(len(proven.looked.messages))
    awards = _moved(filed.sold.awards, entry.time, file.thawed)
    state.put(sale_id(record.order), replace(filed.sold, awards=awards))


def judge_freeze(state: State, order: bytes, messages: Sequence[bytes], time: int) -> tuple[Filed, Proven]:
    """What begins a freeze (a dispute is open) or ends one; nothing changes. Arguments as of `judge_refund`.

    Raises:
        Void: as `take_freeze`.
    """
    filed, proven = with_more(state, order, messages, time)
    file = filed.file
    frozen = file.frozen is not None and file.thawed is not None and time < file.thawed
    if proven.disputed == frozen:
        if frozen:
            raise Void("already_logged", "messages: the awards are frozen by this dispute already")
        raise Void("no_dispute", "messages: no dispute of the buyer is open, and none froze the awards")
    if proven.disputed and time > file.hold:
        raise Void("hold_over", "the hold is over")
    return filed, proven


def _moved(awards: tuple[Credited, ...], now: int, due: int) -> tuple[Credited, ...]:
    """Awards with another date for what is pending."""
    return tuple(
        replace(credit, steps=tuple(sorted(_due(step, now, due) for step in credit.steps)))
        for credit in awards
    )


def _due(step: Step, now: int, due: int) -> Step:
    """A step that is pending gets another date; what is posted stays so. Its time until it expires stays as long."""
    if step.due <= now:
        return step
    expires = step.expires if step.expires == NEVER else step.expires - step.due + due
    return Step(due, expires, step.amount, step.base, step.hold)


# -- once more -----------------------------------------------------------------------------------------------
def again(state: State, order: bytes) -> tuple[Governed, SaleFacts[bytes], tuple[Award[bytes], ...]] | None:
    """The plan of a logged sale, the facts it was evaluated on, and its awards with all that explains them.

    Args:
        state: of the book.
        order: id of the sale's order.

    Returns:
        As of its first entry, at the largest base that was logged; None where no sale of it is logged.
    """
    filed = filed_of(state, order)
    if filed is None:
        return None
    draft = state.draft()
    reckoned, facts = as_first(draft, filed)
    judged, duties = facts, reckoned.duties
    if filed.late:
        judged, duties = _judged(reckoned, facts, proven_first(filed))
    plan, activity = reckoned.governed.compiled, reckoned.governed.activity
    team = None if reckoned.team is None else reckoned.team.tree
    return reckoned.governed, facts, raise_sale(plan, team, activity, facts, judged, duties)


def allied(state: State, order: bytes) -> bool:
    """Whether an alliance pays a logged sale, as a commission [R-CRED-20]; arguments as of `again`."""
    filed = filed_of(state, order)
    return filed is not None and as_first(state.draft(), filed)[0].allied


class Happened(Struct, frozen=True, gc=False):
    """What one entry made of a sale.

    Attributes:
        seq: of the entry, its first part.
        time: its date, ms UTC.
        base: that the entry brought the sale to, minor units of the order's money.
        facts: of the sale as of its first entry, at that base, under another plan; never too late.
    """

    seq: int
    time: int
    base: int
    facts: SaleFacts[bytes]


def course(state: State, order: bytes, plan: Compiled) -> tuple[str | None, tuple[Happened, ...]]:
    """All that was logged of a sale, as another plan looks at it: what a changed plan would have paid.

    Args:
        state: of the book.
        order: id of the sale's order.
        plan: whose currencies the amounts are reckoned by.

    Returns:
        Key of the opportunity whose plan the sale follows, None for a sale without a team; and what each entry made of
        it, in the order of the log; nothing where no sale of it is logged.
    """
    filed = filed_of(state, order)
    if filed is None:
        return None, ()
    reckoned, _ = as_first(state.draft(), filed)
    facts = replace(reckoned.facts, at=filed.logged, logged=None)
    other = replace(reckoned, governed=Governed(b"", plan, 0), facts=facts)
    messages: tuple[Message, ...] = ()
    money: Money | None = None
    found = []
    for seq in filed.file.seqs:
        _, more, last = embedded_at(state, seq)
        messages += more
        proven = prove(first_order(messages[0]), look(messages, last.time, filed.file.verdicts))
        money = proven.money.after(money)
        found.append(Happened(seq, last.time, money.base, enlarged(other, proven, money.base)))
    return reckoned.governed.opportunity, tuple(found)
