"""Where awards come from, in words: those of a sale, and those of the close of a period."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from netnode.ledgers.facts import exponent_of
from netnode.ledgers.ledger import Ledger
from netnode.ledgers.reclosing import (
    ONE,
    Again,
    Past,
    Reclosed,
    Told,
    Why,
    at_hand,
    begins_of,
    closed_periods,
    past_closes,
    past_of,
)
from netnode.operations import models
from netnode.plans.calculating import Line
from netnode.plans.explaining import explained, lost
from netnode.plans.values import amount_text
from netnode.problems import ExitCode, Problem
from netnode.services import ledger_views as shown
from netnode.services.opportunities import named
from netnode.services.team_views import Names, names_of, team_name
from netnode.store import Reader
from protocol.identity import id_text
from protocol.ledger.effects import Sold, is_period, lots_of, read_period_id
from protocol.ledger.figures import StatementLine, lines
from protocol.ledger.governing import Governed
from protocol.ledger.selling import again, allied
from protocol.plans.document import Compiled
from protocol.plans.facts import Award, Withheld

_AWARD: Final = re.compile(
    r"(?P<team>.+)/(?P<label>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(/(?P<rule>[a-z0-9][a-z0-9_-]*(:duty)?)(/(?P<level>[0-9]{1,15}))?)?"
)
_NAMED: Final = 12
"""Closed periods that an error names, the newest ones: a year of months."""


# -- of a sale -----------------------------------------------------------------------------------------------
def sale_explained(reader: Reader, ledger: Ledger, prefix: str) -> models.CreditExplained | None:
    """The awards of the sale whose order begins with some hex digits; None: the log has no such.

    Raises:
        Problem: `ambiguous` (2).
    """
    orders = [order for order in ledger.book.state.orders if order.hex().startswith(prefix)]
    if not orders:
        return None
    if len(orders) > 1:
        raise Problem(f"Several orders begin with {prefix}: give more digits.", ExitCode.USAGE, "ambiguous")
    (order,) = orders
    made = again(ledger.book.state, order)
    file, value = ledger.book.order(order), ledger.effects[b"s" + order]
    assert made is not None and file is not None and isinstance(value, Sold)  # it is logged
    governed, _, awards = made
    names = names_of(reader, {ledger.issuer, *(award.to for award in awards)})
    paid = "alliance" if allied(ledger.book.state, order) else None  # by the built-in plan of a commission
    sentences = [in_words(governed.compiled, award, names, rule=paid) for award in awards]
    exponent = governed.plan.unit.exponent
    for credit in value.awards:
        lots = list(lots_of(value, credit))
        gross, net = sum(lot.gross for lot in lots), sum(lot.net for lot in lots)
        if net < gross:
            amount = f"{amount_text(gross, exponent)} {credit.unit}"
            sentences.append(
                f"{_called(names, credit.to)}: of {amount} by {paid or credit.rule} {amount_text(net, exponent)} "
                "remain, since the sale was refunded."
            )
    if governed.compiled.by_close or governed.compiled.ground:
        sentences.append(_by_period(ledger, governed, file.time))
    elif not awards:
        sentences.append("This sale credits nobody: it has no path, or the plan gives nothing for it.")
    return models.CreditExplained(
        issuer=names.person(ledger.issuer),
        order=order.hex(),
        entries=list(file.seqs),
        plan=governed.hash.hex(),
        plan_title=paid or governed.plan.title,
        base=amount_text(value.base, shown.places_of(governed.plan)),
        sentences=sentences,
    )


def _by_period(ledger: Ledger, governed: Governed, time: int) -> str:
    """Where to read on about a sale whose plan pays for periods."""
    period, key = governed.activity.period(time, 0), governed.opportunity or ""
    together = "Its plan pays for all sales of a period together, once it is closed"
    found = f"{together}. This sale is in period {period.label}"
    if governed.closed is not None and period.end <= governed.closed:
        return f"{found}: netnode credit explain {key}/{period.label} --issuer {id_text(ledger.issuer)}"
    return f"{found}, which is not closed: netnode period open {team_name(ledger.issuer, key)}"


def in_words(
    plan: Compiled, award: Award[bytes], names: Names, period: str | None = None, rule: str | None = None
) -> str:
    """An award as a sentence: who, how much, by which rule and level, of which base at which rate.

    `period` names that of an award at its close; `rule` is what to call its rule, where that is not its name.
    """
    source = award.source.hex()[:16] if isinstance(award.source, bytes) else award.source
    called = msgspec.structs.replace(award, to=_called(names, award.to), source=source)
    return explained(plan, Line(called, award.amount, period), rule)  # type: ignore[arg-type]


def _called(names: Names, networker: bytes) -> str:
    person = names.person(networker)
    return person.name or person.id


# -- of a period ---------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Looked:
    """What a ledger says of a period and a holder.

    Attributes:
        lines: the awards asked about, as a statement has them.
        told: what closes came to, as far as it is at hand.
        again: closes for which the log has to be folded again.
    """

    lines: tuple[StatementLine, ...]
    told: dict[Past, Reclosed | Why]
    again: Again


@dataclass(frozen=True, slots=True)
class AskedAward:
    """Awards of a closed period, as somebody names them.

    Attributes:
        owner: whose team it is; None: it was not said.
        key: of the opportunity.
        label: of the period.
        rule, level: None: all.
    """

    owner: bytes | None
    key: str
    label: str
    rule: str | None
    level: int | None

    def is_of(self, ledger: Ledger) -> bool:
        """Whether a log has a plan of the team."""
        return any(each.opportunity == self.key for each in ledger.book.governing.all())

    def one_of(self, issuers: Sequence[bytes]) -> bytes:
        """The only issuer of some.

        Raises:
            Problem: there is none (3), or there are several (2).
        """
        if not issuers:
            raise Problem(
                f"No plan of a team {self.key!r} is in the logs looked at. Name whose team it is, with: "
                "--issuer nx1...",
                ExitCode.NOT_FOUND,
                "no_plan",
            )
        if len(issuers) > 1:
            several = ", ".join(map(id_text, issuers))
            text = f"Several issuers have a team {self.key!r}. Name one of them with --issuer: {several}."
            raise Problem(text, ExitCode.USAGE, "ambiguous")
        return issuers[0]

    def look(self, ledger: Ledger, holder: bytes) -> Looked:
        """What a ledger says of it.

        Raises:
            Problem: `no_period`, `not_closed` (3).
        """
        mine = tuple(line for line in lines(ledger.effects, holder) if self._has(line))
        try:
            pasts = list(past_closes(ledger, self.key, self.label))
        except ValueError as error:
            raise Problem(
                f"{self.label} is no day. A period is called by its first day.",
                ExitCode.NOT_FOUND,
                "no_period",
            ) from error
        if not pasts and not mine:
            raise self._not_closed(ledger)
        return Looked(mine, *at_hand(ledger, holder, pasts, mine, ONE))

    def explained(
        self, reader: Reader, ledger: Ledger, holder: bytes, mine: Sequence[StatementLine], told: Told
    ) -> models.AwardExplained:
        """All of it in words.

        Raises:
            Problem: `no_award` (3).
        """
        names = names_of(reader, {ledger.issuer, holder})
        closes = [
            self._close(ledger, names, mine, past, found) for past, found in sorted(told.items(), key=_place)
        ]
        closes = [each for each in closes if each.awards or each.withheld]
        closes += self._elsewhere(ledger, names, mine)
        if not closes:
            raise self._no_award(ledger, holder, names, told)
        return models.AwardExplained(
            issuer=names.person(ledger.issuer),
            holder=names.person(holder),
            team=team_name(ledger.issuer, self.key),
            period=self.label,
            closes=closes,
        )

    def _has(self, line: StatementLine) -> bool:
        if not is_period(line.id):
            return False
        found = read_period_id(line.id)
        return (found.opportunity, found.label) == (self.key, self.label) and self._wants(line)

    def _wants(self, one: StatementLine | Withheld[bytes]) -> bool:
        return self.rule in (None, one.rule) and self.level in (None, one.level)

    def _close(
        self, ledger: Ledger, names: Names, mine: Sequence[StatementLine], past: Past, found: Reclosed | Why
    ) -> models.ExplainedClose:
        governed = ledger.book.governing.find(past.plan)
        assert governed is not None  # of its log
        unit = governed.plan.unit
        lost_ = found.withheld if isinstance(found, Reclosed) else ()
        return models.ExplainedClose(
            plan=past.plan.hex(),
            plan_title=governed.plan.title,
            entry=past.seq,
            time=ledger.date(past.seq),
            unit=unit.name,
            awards=[
                self._award(governed, names, line, found) for line in mine if past_of(ledger, line.id) == past
            ],
            withheld=[
                _lost(governed.compiled, one, names, self.label)
                for one in lost_
                if one.amount and self._wants(one)
            ],
        )

    def _award(
        self, governed: Governed, names: Names, line: StatementLine, found: Reclosed | Why
    ) -> models.ExplainedAward:
        exponent = governed.plan.unit.exponent
        award = found.award(line) if isinstance(found, Reclosed) else None
        if award is None:
            why: Why = "branch" if isinstance(found, Reclosed) else found
            return self._unexplained(names, line, exponent, why)
        words = [in_words(governed.compiled, award, names, self.label)]
        if line.remains < line.amount:
            left = f"{amount_text(line.remains, exponent)} {line.unit}"
            words.append(f"Of this, {left} remain, since sales of the period were refunded.")
        return self._view(
            line, exponent, words, shown.rate_text(award), amount_text(award.base, exponent), why=""
        )

    def _elsewhere(
        self, ledger: Ledger, names: Names, mine: Sequence[StatementLine]
    ) -> Iterator[models.ExplainedClose]:
        """Awards that only another branch of the log gives."""
        for line in mine:
            if past_of(ledger, line.id) is None:
                yield models.ExplainedClose(
                    plan=read_period_id(line.id).plan.hex(),
                    plan_title="",
                    entry=None,
                    time=None,
                    unit=line.unit,
                    awards=[self._unexplained(names, line, exponent_of(ledger, line.unit), "branch")],
                    withheld=[],
                )

    def _unexplained(
        self, names: Names, line: StatementLine, exponent: int, why: Why
    ) -> models.ExplainedAward:
        """An award of which only the amount is known."""
        to, text = _called(names, read_period_id(line.id).key[0]), shown.why_text(why)
        words = (
            f"{to}: {amount_text(line.amount, exponent)} {line.unit} by {line.rule}, period {self.label}. Where it "
            f"comes from cannot be said here: {text}."
        )
        return self._view(line, exponent, [words], None, None, text)

    def _view(
        self,
        line: StatementLine,
        exponent: int,
        words: list[str],
        rate: str | None,
        base: str | None,
        why: str,
    ) -> models.ExplainedAward:
        return models.ExplainedAward(
            id=shown.readable(line.id),
            amount=amount_text(line.amount, exponent),
            remains=amount_text(line.remains, exponent),
            payable=line.due,
            rule=line.rule,
            level=line.level,
            rate=rate,
            base=base,
            words=words,
            why=why,
        )

    # -- errors ----------------------------------------------------------------------------------------------
    def _not_closed(self, ledger: Ledger) -> Problem:
        begins, team = begins_of(self.label), team_name(ledger.issuer, self.key)
        for governed in ledger.book.governing.all():
            period = governed.activity.period(begins, 0)
            if governed.opportunity == self.key and (
                period.label == self.label and period.end > max(governed.closed or 0, governed.starts)
            ):
                return Problem(
                    f"The period {self.label} of {self.key} is not closed yet, so it has awarded nothing. What the "
                    f"open period would come to now: netnode period open {team}",
                    ExitCode.NOT_FOUND,
                    "not_closed",
                )
        known = closed_periods(ledger, self.key)
        newest = ", ".join(known[:_NAMED]) + (", ..." if len(known) > _NAMED else "")
        return Problem(
            f"{self.key} has no period {self.label}. "
            + (f"Closed so far, by their first days: {newest}." if known else "None is closed so far."),
            ExitCode.NOT_FOUND,
            "no_period",
            {"periods": known[:_NAMED]},
        )

    def _no_award(self, ledger: Ledger, holder: bytes, names: Names, told: Told) -> Problem:
        rules = "" if self.rule is None else f" by {self.rule}"
        rules += "" if self.level is None else f", level {self.level}"
        text = f"{_called(names, holder)} has no award{rules} for the period {self.label} of {self.key}"
        others = sorted(
            {each.rule for found in told.values() if isinstance(found, Reclosed) for each in found.awards}
        )
        if holder == ledger.issuer:
            text += ": nobody has credit of their own. Name the member with --holder ID"
        elif others:
            text += f": there are awards by {', '.join(others)}"
        elif any(not isinstance(found, Reclosed) for found in told.values()):
            text += ", and whether something was withheld cannot be said here"
        else:
            text += ", and nothing was withheld: by the rules of the plan there was nothing to pay"
        return Problem(f"{text}.", ExitCode.NOT_FOUND, "no_award")


def asked_award(text: str, own: bytes) -> AskedAward:
    """What somebody asks about.

    Args:
        text: ``KEY/PERIOD``, ``KEY/PERIOD/RULE`` or ``KEY/PERIOD/RULE/LEVEL``; the owner's id may stand before it.
        own: networker id of the owner of this node.

    Raises:
        Problem: `id` (2): it is none of these.
    """
    found = _AWARD.fullmatch(text)
    if found is None:
        raise Problem(
            f"{text[:80]!r} is no award of a period: write KEY/PERIOD, or KEY/PERIOD/RULE, as linen/2026-10-01/group.",
            ExitCode.USAGE,
            "id",
        )
    owner, key = named(found["team"], own)
    said = found["team"].startswith("nx1")
    level = found["level"]
    return AskedAward(
        owner if said else None, key, found["label"], found["rule"], None if level is None else int(level)
    )


def _place(told: tuple[Past, object]) -> int:
    return told[0].seq


def _lost(plan: Compiled, one: Withheld[bytes], names: Names, period: str) -> str:
    called: Withheld[str] = Withheld(
        _called(names, one.to), one.amount, one.rule, one.level, one.source, one.reason
    )
    return lost(plan, called, period)
