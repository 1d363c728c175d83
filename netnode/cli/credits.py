"""Commands on credit that read: figures, statements, audits, explanations."""

from __future__ import annotations

import csv
import io
import re
import shlex
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from fractions import Fraction

import click
import msgspec

from netnode.cli import output
from netnode.cli.frame import NodeCommand, NodeGroup, examples, invocation, page_options
from netnode.cli.reach import call
from netnode.market import dates
from netnode.operations import models
from netnode.operations.ledgers import (
    CREDIT_AUDIT,
    CREDIT_BALANCE,
    CREDIT_EXPLAIN,
    CREDIT_EXPLAIN_AWARD,
    CREDIT_STATEMENT,
    CREDITS,
)
from netnode.problems import ExitCode, Problem

_COLUMNS = tuple(models.CreditLine.__struct_fields__)
_WHOLE_PAGE = 500
_HEX = re.compile("[0-9a-f]+")


@click.group(cls=NodeGroup)
def credit() -> None:
    """Credit: what issuers owe you and others, recomputed here from their logs."""


@credit.command(
    cls=NodeCommand,
    epilog=examples("netnode credit balance nx1...", "netnode credit balance nx1... --holder nx1..."),
)
@click.argument("issuer")
@click.option("--holder", default=None, metavar="ID", help="Of somebody else; else your own.")
@click.pass_context
def balance(context: click.Context, issuer: str, holder: str | None) -> None:
    """Show what you have of an ISSUER, unit by unit."""
    run = invocation(context)
    output.emit(
        run, call(run, CREDIT_BALANCE, models.CreditQuery(issuer=issuer, holder=holder)), _show_balance
    )


def _show_balance(found: models.CreditBalance) -> None:
    output.say(f"{named(found.holder)} with {named(found.issuer)}")
    if not found.figures:
        output.say("Nothing so far.")
    for one in found.figures:
        output.say("")
        output.pairs(figure_rows(one))
    warn(found.standing)
    _unknown(found)
    if found.branches:
        output.say(
            f"The figures rest on {output.counted(len(found.branches), 'branch', 'branches')} of the log."
        )


def figure_rows(one: models.CreditFigures) -> list[tuple[str, str]]:
    """Figures as names and values; what is zero is left out, but for the first three."""
    rows = [
        ("balance", f"{one.balance} {one.unit}"),
        ("available", one.available),
        ("pending", one.pending),
    ]
    rows += [
        (name, value)
        for name, value in (
            ("locked", one.locked),
            ("clawback due", one.clawback_due),
            ("awarded", one.awarded),
            ("clawed back", one.clawed_back),
            ("received", one.received),
            ("sent", one.sent),
            ("redeemed", one.redeemed),
            ("paid out", one.paid_out),
            ("expired", one.expired),
            ("uncovered", one.uncovered),
        )
        if value.strip("0.")
    ]
    return rows


@credit.command(cls=NodeCommand, name="ls", epilog=examples("netnode credit ls", "netnode credit ls --all"))
@click.option("--all", "every", is_flag=True, help="Also issuers of whom you have nothing.")
@page_options
@click.pass_context
def list_(context: click.Context, every: bool, limit: int, cursor: str | None) -> None:
    """List the issuers whose credit you have, or had until a rotation took it, and how each treats promoters.

    Refunds, days until credit is payable, and the share paid on time are computed here from the issuer's log. A sale is
    paid on time when it was logged before the plan's deadline and no dispute froze it.
    """
    run = invocation(context)
    query = models.CreditsQuery(all=every, limit=limit, cursor=cursor)
    output.emit(run, call(run, CREDITS, query), _show_issuers)


def _show_issuers(page: models.Page[models.CreditIssuer]) -> None:
    if not page.items:
        output.say("No credit yet. It comes from sales you brought; see: netnode refer --help")
        return
    rows = []
    for one in page.items:
        facts = one.facts
        first = one.figures[0] if one.figures else None
        rows.append(
            (
                one.issuer.name or output.short(one.issuer.id),
                "" if first is None else f"{first.balance} {first.unit}",
                "" if first is None else first.pending,
                "" if facts is None else f"{facts.refunded_percent} % of {facts.sales:,}",
                "" if facts is None or facts.days_to_payable is None else f"{facts.days_to_payable:,}",
                "" if facts is None or facts.days_to_payable is None else f"{facts.paid_on_time_percent} %",
                "" if facts is None else f"{facts.promoters_paid:,} of {facts.promoters:,}",
                ", ".join(badges(one.standing, one.unknown_from, one.unknown_branches)),
            )
        )
        rows += [
            ("", f"{each.balance} {each.unit}", each.pending, "", "", "", "", "") for each in one.figures[1:]
        ]
    headings = ("issuer", "balance", "pending", "refunded", "days", "on time", "promoters paid", "")
    output.table(headings, rows, right=(1, 2, 3, 4, 5, 6))
    for one in page.items:
        if badges(one.standing, None):
            output.hint(f"{named(one.issuer)}: look closer with: netnode credit balance {one.issuer.id}")
    output.more(page.next)


@credit.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode credit statement nx1...",
        "netnode credit statement nx1... --from 2026-10-01 --until 2026-11-01",
        "netnode credit statement nx1... --unit star --csv > october.csv",
    ),
)
@click.argument("issuer")
@click.option("--unit", default=None, help="Which unit, where the issuer has several.")
@click.option("--holder", default=None, metavar="ID", help="Of somebody else; else your own.")
@click.option("--from", "begin", default=None, metavar="DATE", help="First day, as 2026-10-01 (UTC).")
@click.option("--until", "end", default=None, metavar="DATE", help="First day after it; else now.")
@click.option("--csv", "as_csv", is_flag=True, help="Write all lines as CSV.")
@page_options
@click.pass_context
def statement(
    context: click.Context,
    /,
    issuer: str,
    unit: str | None,
    holder: str | None,
    begin: str | None,
    end: str | None,
    as_csv: bool,
    limit: int,
    cursor: str | None,
) -> None:
    """Show what changed your credit with an ISSUER: opening, every line, closing.

    Each line of an award names its sale, or the period that it is for, with rule, level, rate, base and the hash of the
    plan. What stands in the column "from, to" is what netnode credit explain takes.
    """
    run = invocation(context)
    query = models.StatementQuery(
        issuer=issuer,
        unit=unit,
        holder=holder,
        from_=0 if begin is None else _day("--from", begin),
        until=None if end is None else _day("--until", end),
        limit=_WHOLE_PAGE if as_csv else limit,
        cursor=cursor,
    )
    if as_csv and run.json:
        raise Problem("Give --csv or --json, not both.", ExitCode.USAGE, "usage")
    found = call(run, CREDIT_STATEMENT, query)
    if not as_csv:
        output.emit(run, found, lambda shown: _show_statement(shown, holder))
        return
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_COLUMNS)
    rows.writerows(_cells(line) for line in found.items)
    while found.next is not None:
        found = call(run, CREDIT_STATEMENT, msgspec.structs.replace(query, cursor=found.next))
        rows.writerows(_cells(line) for line in found.items)
    output.write(text.getvalue())


def _iso(ms: int) -> str:
    """A moment as ISO 8601 writes it, also one that an issuer dated beyond the year 9999."""
    return f"{dates.minute(ms).replace(' ', 'T')}:{ms // 1000 % 60:02}+00:00"


def _cells(line: models.CreditLine) -> Iterator[str]:
    for name in _COLUMNS:
        value = getattr(line, name)
        if name in ("time", "payable", "expires"):
            yield "" if value is None else _iso(value)
        elif isinstance(value, models.TeamPerson):
            yield value.id
        else:
            yield "" if value is None else str(value)


def _day(option: str, text: str) -> int:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise Problem(
            f"{option}: {text!r} is no day; write it as 2026-10-01.", ExitCode.USAGE, "date"
        ) from None
    return max(0, int(day.timestamp() * 1000))


def _show_statement(found: models.CreditStatement, holder: str | None) -> None:
    span = f"{'the beginning' if not found.from_ else output.when(found.from_)} to {output.when(found.until)} UTC"
    output.say(f"{named(found.holder)} with {named(found.issuer)}, {found.unit}, {span}", "")
    rows = [
        (
            output.when(line.time),
            line.what.replace("_", " "),
            line.amount,
            f"{line.rule} {line.level}" if line.level else line.rule,
            _rate(line),
            _source(line),
            "" if line.payable is None else output.when(line.payable)[:10],
        )
        for line in found.items
    ]
    if rows:
        output.table(("date (UTC)", "", "amount", "rule", "rate", "from, to", "payable"), rows, right=(2,))
        output.say("")
    for why in dict.fromkeys(line.why for line in found.items if line.why):
        which = dict.fromkeys(_source(line) for line in found.items if line.why == why)
        output.say(f"Rate not known of {', '.join(which)}: {output.plain(why)}.", "")
    output.pairs(
        [("opening", found.opening.balance)]
        + [
            (name, value)
            for name, value in (
                ("posted", found.posted),
                ("clawed back", found.clawed_back),
                ("received", found.received),
                ("sent", found.sent),
                ("redeemed", found.redeemed),
                ("paid out", found.paid_out),
                ("expired", found.expired),
                ("uncovered", found.uncovered),
            )
            if value.strip("-0.")
        ]
        + [("closing", f"{found.closing.balance} {found.unit}"), ("pending", found.closing.pending)]
    )
    warn(found.standing)
    _unknown(found)
    award = next((line for line in found.items if line.what == "award"), None)
    if award is not None:
        output.hint(f"Where an award comes from: netnode credit explain {_explaining(found, award, holder)}")
    output.more(found.next)


def _rate(line: models.CreditLine) -> str:
    """Rate and base of an award."""
    from netnode.plans.explaining import percent

    if line.rate is None:
        return "not known"
    return f"{percent(Fraction(line.rate)) if line.rate else ''} of {line.base}".strip() if line.base else ""


def _source(line: models.CreditLine) -> str:
    """What a line comes from, as `credit explain` takes it, or whom it went to."""
    if line.other is not None:
        return named(line.other)
    return line.id[:16] if _HEX.fullmatch(line.id) else output.plain(line.id)


def _explaining(found: models.CreditStatement, line: models.CreditLine, holder: str | None) -> str:
    """What to write after `netnode credit explain` for a line of a statement; `holder` as it was given."""
    where = f"{shlex.quote(_source(line))} --issuer {found.issuer.id}"
    return where if holder is None or _HEX.fullmatch(line.id) else f"{where} --holder {holder}"


@credit.command(cls=NodeCommand, epilog=examples("netnode credit audit nx1..."))
@click.argument("issuer")
@click.pass_context
def audit(context: click.Context, issuer: str) -> None:
    """Recompute every award and balance of an ISSUER from its log alone, and name the first wrong entry.

    A wrong entry has no effect, whoever reads it. Where a record is missing or a kind is not known here, the ledger is
    unknown from there on, and the audit says so: it never guesses.
    """
    run = invocation(context)
    output.emit(run, call(run, CREDIT_AUDIT, models.IssuerName(issuer)), _show_audit)


def _show_audit(found: models.CreditAudit) -> None:
    output.say(f"{named(found.issuer)}: {output.counted(found.entries, 'entry', 'entries')} recomputed")
    if found.wrongs:
        first = found.wrong[0]
        output.say(
            f"The first wrong entry is {first.seq} ({first.kind}, {output.when(first.time)} UTC): {first.text} "
            f"[{first.code}]",
            f"{output.counted(found.wrongs, 'entry has', 'entries have')} no effect in all.",
        )
    else:
        output.say("Every entry is right.")
    _unknown(found)
    for one in found.units:
        output.say("")
        output.pairs(
            (
                ("outstanding", f"{one.outstanding} {one.unit} ({output.counted(one.holders, 'holder')})"),
                ("pending", one.pending),
                ("overdue", one.overdue),
                ("issued", one.issued),
                ("clawed back", one.clawed_back),
                ("redeemed", one.redeemed),
                ("paid out", one.paid_out),
                ("expired", one.expired),
                ("uncovered", one.uncovered),
                ("disputed", one.disputed),
            )
        )
        if one.warning:
            output.say(f"Warning: {one.warning}")
    facts = found.facts
    output.say("")
    output.pairs(
        (
            ("sales", f"{facts.sales:,}, {facts.refunded_percent} % refunded, in whole or in part"),
            ("promoters paid", f"{facts.promoters_paid:,} of {facts.promoters:,}"),
            ("days to payable", "-" if facts.days_to_payable is None else f"{facts.days_to_payable:,}"),
            (
                "paid on time",
                "no sale has awards"
                if facts.days_to_payable is None
                else f"{facts.paid_on_time_percent} % of the sales with awards",
            ),
        )
    )
    warn(found.standing)
    if found.circles:
        output.say(
            f"Warning: {output.counted(len(found.circles), 'sale closes a circle', 'sales close circles')} with sales "
            "of other issuers whose logs you hold: buyer and referrer brought each other. No log alone shows it, and "
            "the awards stand.",
            *(f"  order {each[:16]}: netnode credit explain {each[:16]}" for each in found.circles),
        )
    if found.branches:
        output.say(
            f"The figures rest on {output.counted(len(found.branches), 'branch', 'branches')} of the log."
        )


@credit.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode credit explain 4be0c94d3a",
        "netnode credit explain 4be0c94d3a --issuer nx1...",
        "netnode credit explain linen/2026-10-01/group --issuer nx1...",
        "netnode credit explain linen/2026-10-01 --holder nx1...",
    ),
)
@click.argument("what", metavar="ORDER|AWARD")
@click.option(
    "--issuer", default=None, metavar="ID", help="Whose log has it; else yours and those you follow."
)
@click.option("--holder", default=None, metavar="ID", help="Of an AWARD: whose it is; else yours.")
@click.pass_context
def explain(context: click.Context, what: str, issuer: str | None, holder: str | None) -> None:
    """Say where awards come from: rule, level, rate, base and plan of each.

    ORDER is the id of an order, or its beginning, as statements and deals show it: what its sale awards by itself.

    AWARD is KEY/PERIOD/RULE, as statements show what the close of a team's period awards, or KEY/PERIOD for all of the
    period; it says too what was withheld, and why. PERIOD is the first day.
    """
    run, text = invocation(context), what.strip()
    if "/" in text:
        award = models.AwardExplain(id=text, issuer=issuer, holder=holder)
        output.emit(run, call(run, CREDIT_EXPLAIN_AWARD, award), _show_award)
        return
    if holder is not None:
        raise Problem(
            "A sale is explained whole: --holder is for the award of a period.", ExitCode.USAGE, "usage"
        )
    try:
        asked = msgspec.convert({"id": text, "issuer": issuer}, models.CreditExplain)
    except msgspec.ValidationError as error:
        raise Problem(
            "Write the id of an order in hex, or at least its first 4 digits; or the award of a period as a statement "
            "shows it, such as linen/2026-10-01/group.",
            ExitCode.USAGE,
            "id",
        ) from error
    output.emit(run, call(run, CREDIT_EXPLAIN, asked), _show_explained)


def _show_explained(found: models.CreditExplained) -> None:
    entries = f"{'entry' if len(found.entries) == 1 else 'entries'} {', '.join(map(str, found.entries))}"
    output.say(
        f"Sale {found.order[:16]} in the log of {named(found.issuer)}, {entries}, base {found.base}",
        f"Plan: {output.plain(found.plan_title)} ({found.plan})",
        "",
        *(output.plain(sentence) for sentence in found.sentences),
    )


def _show_award(found: models.AwardExplained) -> None:
    key = found.team.partition("/")[2]
    for place, one in enumerate(found.closes):
        where = (
            "on another branch of the log"
            if one.entry is None or one.time is None
            else f"closed on {output.when(one.time)} UTC by entry {one.entry} of the log"
        )
        output.say(
            *([""] if place else []),
            f"{named(found.holder)}, period {found.period} of {output.plain(key)}, {where} of {named(found.issuer)}",
            f"Plan: {output.plain(one.plan_title) or 'not held here'} ({one.plan})",
            "",
            *(output.plain(sentence) for award in one.awards for sentence in award.words),
            *(output.plain(sentence) for sentence in one.withheld),
        )


# -- shared with other commands ------------------------------------------------------------------------------
def named(person: models.TeamPerson) -> str:
    """Somebody by name where it is known, else by id."""
    return output.plain(person.name) or output.short(person.id)


def badges(
    standing: models.IssuerStanding | None,
    unknown_from: int | None,
    unknown_branches: Sequence[models.UnknownBranch] = (),
) -> list[str]:
    """What speaks against an issuer, in single words."""
    found = [] if unknown_from is None else [f"unknown from {unknown_from}"]
    found += ["unknown branch"] if unknown_branches else []
    if standing is not None:
        found += ["exposed"] if standing.exposed else []
        found += ["suspected"] if standing.suspected else []
        found += ["disputed"] if standing.disputed else []
    return found


def warn(standing: models.IssuerStanding) -> None:
    """Says what speaks against an issuer."""
    if standing.exposed:
        output.say("Exposed: this issuer has forked its log. What it owes on any branch, it owes.")
    if standing.suspected:
        output.say(
            f"Suspected: {output.counted(standing.overdue, 'challenge')} not answered for more than 14 days."
        )
    for one in standing.disputed:
        yours = f", {one.mine} {one.unit} of it yours" if one.mine.strip("0.") else ""
        output.say(
            f"Disputed: {one.amount} {one.unit} of {output.counted(one.holders, 'holder')}{yours}, disowned by a "
            "rotation of the issuer's key. Its credit is not accepted by default."
        )
    for reason in standing.refused:
        output.say(f"Challenged and refused: {output.plain(reason)}")


def _unknown(found: models.CreditBalance | models.CreditStatement | models.CreditAudit) -> None:
    """Says what of an issuer's log is not here."""
    if found.unknown_from is not None:
        output.say(f"Unknown from entry {found.unknown_from} on: {output.plain(found.why)}.")
    for one in found.unknown_branches:
        output.say(
            f"Unknown: a branch of this log with an entry {one.seq} ({output.short(one.id)}) is not held here, and "
            "what it gives is in no figure. Peers are asked for it while you follow the issuer."
        )
    more = found.unknown_count - len(found.unknown_branches)
    if more > 0:
        output.say(f"And {output.counted(more, 'more branch', 'more branches')} like that.")
