"""Commands on opportunities."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from netnode.cli import output
from netnode.cli.credits import warn
from netnode.cli.frame import (
    NodeCommand,
    NodeGroup,
    examples,
    invocation,
    page_options,
    passphrase_option,
    verbatim,
)
from netnode.cli.reach import call
from netnode.operations import models
from netnode.operations.operation import bad_request
from netnode.operations.teams import OPPORTUNITIES, OPPORTUNITY_CLOSE, OPPORTUNITY_PUBLISH, OPPORTUNITY_SHOW
from netnode.problems import ExitCode, Problem, disk_problem

EXAMPLE: Final = """\
key = "linen-team"
title = "Linen team"
description = "Sell linen to people you know."
summary = "Linen, sold by friends."           # from here to the costs: only what you want to say
obligations = "None but to be honest."
terms = "Leave whenever you like."
products = ["linen-shirt"]                    # keys of your listings that the team sells
opens = 2026-12-01
closes = 2027-12-01                           # from then on nobody is invited

[[costs]]
title = "Samples"
purpose = "kit"                               # or other, service, tool, training
amount = "30.00"
currency = "EUR"
required = true                               # only a kit, paid once, may be; per = "month" for what is paid again

[disclosure]                                  # what a recruit is told before joining
identity = "Sol Ltd, Harbour 1, Hamburg, HRB 123"
legal = "none"                                # legal actions of the last ten years
cancellation = "At any time; unsold goods are taken back at 90 %."
references = ["Ada Ash, ada@mail.example"]

[[disclosure.claims]]                         # only if you claim earnings: 3 of 40 members had this much in that time
amount = "100.00"
currency = "EUR"
from = 2026-01-01
until = 2026-07-01
members = 3
of = 40
"""
_MEASURED: Final = frozenset(("cliff", "depth", "order", "purchases", "recruiting", "splitting", "sponsors"))


@click.group(cls=NodeGroup)
def opportunity() -> None:
    """Opportunities: a business offered to recruits, with all they are told before joining."""


@opportunity.command(
    cls=NodeCommand,
    epilog=examples("netnode opportunity publish opportunity.toml")
    + "\n\n\b\nopportunity.toml:\n\n"
    + verbatim(EXAMPLE),
)
@click.argument("file", type=click.Path(path_type=Path))
@passphrase_option
@click.pass_context
def publish(context: click.Context, /, file: Path, passphrase_file: Path | None) -> None:
    """Publish an opportunity, or its next version, from a TOML or JSON FILE.

    Needed: key, title, description, and the table disclosure with identity, legal, cancellation, references. Also:
    summary, format, costs, obligations, terms, products, plan, opens, closes; in disclosure: claims. A plan that names
    the opportunity (netnode plan publish) is the plan of its team; `plan` pins one by its hash as well.

    Members keep the duties (training, follow-ups) of the plan in force when they joined, or were moved for neglect:
    modules published later apply to who joins later.
    """
    run = invocation(context)
    try:
        request = msgspec.convert(_dated(_fields(file), str(file)), models.OpportunityPublish)
    except msgspec.ValidationError as error:
        problem = bad_request(error)
        raise Problem(f"{file}: {problem.text}", problem.exit_code, problem.code, problem.details) from error
    output.emit(run, call(run, OPPORTUNITY_PUBLISH, request, passphrase_file), show_opportunity)


def _fields(path: Path) -> Any:
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise disk_problem(error, "read", path) from error
    except UnicodeDecodeError as error:
        raise Problem(f"{path} is not UTF-8 text.", ExitCode.USAGE, "file", {"path": str(path)}) from error
    try:
        return json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise Problem(
            f"{path} cannot be read: {error}.", ExitCode.USAGE, "file", {"path": str(path)}
        ) from error


def _dated(fields: Any, where: str) -> Any:
    """The fields with their days, as 2026-12-01, as the moments at which they begin, ms UTC."""
    if not isinstance(fields, Mapping):
        return fields
    told = fields.get("disclosure")
    claims = told.get("claims") if isinstance(told, Mapping) else None
    if isinstance(told, Mapping) and isinstance(claims, list):
        told = {**told, "claims": [_moments(each, where, "from", "until") for each in claims]}
    return _moments(
        {**fields, "disclosure": told} if "disclosure" in fields else fields, where, "opens", "closes"
    )


def _moments(fields: Any, where: str, *names: str) -> Any:
    if not isinstance(fields, Mapping):
        return fields
    return {**fields, **{name: _moment(fields[name], f"{where}: {name}") for name in names if name in fields}}


def _moment(value: Any, place: str) -> Any:
    """A day or a moment of TOML, or of a JSON text, as ms UTC; anything else as it is."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            text = f"{place}: {value!r} is no day; write it as 2026-12-31."
            raise Problem(text, ExitCode.USAGE, "request") from error
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if isinstance(value, datetime):
        return round(value.replace(tzinfo=value.tzinfo or UTC).timestamp() * 1000)
    return value


@opportunity.command(cls=NodeCommand, epilog=examples("netnode opportunity show nx1.../linen-team"))
@click.argument("team", metavar="OWNER/KEY")
@click.pass_context
def show(context: click.Context, team: str) -> None:
    """Show an opportunity: costs, obligations, disclosure, and what its team's log says of those who joined."""
    run = invocation(context)
    output.emit(run, call(run, OPPORTUNITY_SHOW, models.OpportunityName(team)), show_opportunity)


@opportunity.command(
    cls=NodeCommand, name="ls", epilog=examples("netnode opportunity ls", "netnode opportunity ls nx1...")
)
@click.argument("owner", required=False, metavar="[ID]")
@page_options
@click.pass_context
def list_(context: click.Context, owner: str | None, limit: int, cursor: str | None) -> None:
    """List your opportunities, or those of another whose log is here."""
    run = invocation(context)
    query = models.OpportunitiesQuery(owner=owner, limit=limit, cursor=cursor)
    output.emit(run, call(run, OPPORTUNITIES, query), _show_list)


def _show_list(page: models.Page[models.Opportunity]) -> None:
    if not page.items:
        output.say(
            "No opportunities. See those of another with: netnode opportunity ls ID; publish one with: "
            "netnode opportunity publish --help"
        )
        return
    rows = [
        (
            output.plain(one.key),
            output.plain(one.title),
            one.state,
            f"{one.members:,}",
            kept(one.retention),
            "no plan" if one.earnings is None else f"{one.earnings.zero_percent} %",
            "" if one.earnings is None else f"{one.earnings.net_median} {output.plain(one.earnings.unit)}",
            "" if one.report is None else f"{warnings(one.report)}",
        )
        for one in page.items
    ]
    heads = (
        "key",
        "title",
        "",
        "members",
        "stay 90 days",
        "earned nothing",
        "half net at most",
        "plan warns",
    )
    output.table(heads, rows, right=(3, 7))
    output.more(page.next)


@opportunity.command(cls=NodeCommand, epilog=examples("netnode opportunity close linen-team"))
@click.argument("key")
@passphrase_option
@click.pass_context
def close(context: click.Context, /, key: str, passphrase_file: Path | None) -> None:
    """Close your opportunity KEY: nobody is invited any more. Its team goes on."""
    run = invocation(context)
    output.emit(
        run, call(run, OPPORTUNITY_CLOSE, models.OpportunityClose(key), passphrase_file), show_opportunity
    )


def show_opportunity(found: models.OpportunityShown) -> None:
    """For a person: what they pay, what they are told, and what the log says."""
    one = found.opportunity
    output.pairs(
        (
            ("opportunity", one.team),
            ("title", output.plain(one.title)),
            ("state", _when_open(found)),
            ("members", f"{one.members:,} of {one.ever:,} who ever joined"),
            ("stay 30, 90, 365 days", ", ".join(_share(age) for age in one.retention.ages)),
            *((("sells", ", ".join(map(output.plain, found.products))),) if found.products else ()),
        )
    )
    if isinstance(one.summary, str):
        output.say("", output.plain(one.summary))
    output.say("", *(output.plain(line) for line in found.description.splitlines()))
    for title, text in (("Obligations", found.obligations), ("Terms", found.terms)):
        if isinstance(text, str):
            output.say("", f"{title}:", *(f"  {output.plain(line)}" for line in text.splitlines()))
    if found.costs:
        rows = [
            (
                output.plain(cost.title),
                output.price_text(cost.price),
                "needed to join" if cost.required else "",
            )
            for cost in found.costs
        ]
        output.say("")
        output.table(("cost", "price", ""), rows, right=(1,))
    told = found.disclosure
    for title, text in (
        ("Who", told.identity),
        ("Legal actions", told.legal),
        ("Cancellation and refund", told.cancellation),
        ("References", "\n".join(told.references)),
    ):
        output.say("", f"{title}:", *(f"  {output.plain(line)}" for line in text.splitlines()))
    if told.claims:
        claims = [
            (
                f"{output.when(claim.from_)[:10]} to {output.when(claim.until)[:10]}",
                f"{claim.amount} {claim.currency or 'in the unit of the plan, smallest parts'}",
                f"{claim.members:,} of {claim.of:,}",
                f"{claim.percent} %",
            )
            for claim in told.claims
        ]
        output.say("", "The owner says:")
        output.table(("in", "earned at least", "members", ""), claims)
    show_earnings(found.earnings)
    show_report(found.report)
    if found.standing is not None:
        output.say("")
        warn(found.standing)
    output.say("", f"Disclosure {told.hash}")


def _when_open(found: models.OpportunityShown) -> str:
    """`open until 2027-12-01`: the state, and when it ends."""
    state = found.opportunity.state
    if state == "opens later":
        return f"opens on {output.when(found.opens)[:10]}"
    if state == "closed":
        return (
            f"closed since {output.when(found.closes)[:10]}: nobody is invited any more; the team goes on, and who was "
            "invited before can still join"
        )
    return state if found.closes is None else f"{state} until {output.when(found.closes)[:10]}"


def show_earnings(found: models.TeamEarnings | None) -> None:
    """What members earned, by the log: no invitation is shown without it."""
    if found is None:
        output.say("", "Earnings: there is no plan yet, so nobody can have earned anything.")
        return
    output.say(
        "",
        f"What members earned from {output.when(found.from_)[:10]} to {output.when(found.until)[:10]}, by the log "
        f"({found.unit}):",
    )
    output.pairs(
        (
            ("  members", f"{found.members:,}, {found.left:,} of them left; all of them are counted"),
            ("  earned nothing", f"{found.zero:,} ({found.zero_percent} %)"),
            ("  half had at most", f"{found.median}; less what they bought {found.net_median}"),
            ("  9 of 10 at most", f"{found.p90}; less what they bought {found.net_p90}"),
            ("  99 of 100 at most", f"{found.p99}; less what they bought {found.net_p99}"),
            ("  bought for more", f"{found.losing:,} than they were awarded"),
        )
    )


def show_report(found: models.PlanReport | None) -> None:
    """What a plan was measured to do: nobody is invited, and nothing recommended, without it."""
    if found is None:
        return
    rules = [each for each in found.findings if each.rule not in _MEASURED]
    warned = [each for each in rules if each.verdict != "pass"]
    most = found.figures.get("maximum", {}).get("share")
    share = "" if most is None else f" It pays at most {Decimal(most) * 100:f} % of what counts of a sale."
    output.say("", f"The plan {found.plan[:10]}, computed and measured here:{share}")
    for each in (*warned, *(each for each in found.findings if each.rule in _MEASURED)):
        output.say(f"  {'! ' if each.verdict != 'pass' else '  '}{output.plain(each.text)}")
    output.say(f"  {len(rules) - len(warned)} of {len(rules)} rules of a fair plan pass.")


def warnings(found: models.PlanReport) -> int:
    """How many findings of a report are no pass."""
    return sum(each.verdict != "pass" for each in found.findings)


def show_beside(found: models.PlanBeside | None) -> None:
    """What a sale of a listing pays whoever recommends it, and what came of it for them."""
    if found is None:
        return
    if found.team is not None:
        output.say("", f"It is sold by the team {found.team}.")
        show_earnings(found.earnings)
    show_report(found.report)


def kept(found: models.Retention) -> str:
    """The share that stayed 90 days."""
    return next((_share(age) for age in found.ages if age.days == 90), "")


def _share(age: models.KeptOf) -> str:
    return f"{age.kept * 100 / age.of:.0f} % of {age.of:,}" if age.of else "nobody so long"
