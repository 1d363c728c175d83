"""`netnode plan`: compensation plans as files; works without a home."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from netnode.cli import output
from netnode.cli.frame import (
    Command,
    Invocation,
    NodeCommand,
    NodeGroup,
    examples,
    file_option,
    invocation,
    messages,
    verbatim,
)
from netnode.cli.reach import call
from netnode.operations import models
from netnode.operations.ledgers import PLAN_REPLAY
from netnode.problems import ExitCode, Problem, disk_problem

if TYPE_CHECKING:  # late at run time: no other command needs any of it
    from netnode.plans.calculating import Result
    from netnode.plans.laboratory import Measured
    from protocol.plans.document import Compiled

_INTERRUPTED: Final = 130  # as shells have it
_FORMATS: Final = """PLAN (TOML, or JSON): the fields of a plan record by their names, numbers as text:
  title = "Honest", unit = "ref", currency = "EUR", maximum = "20%"
  [[unilevel]]
  compression = "none"
  rates = ["10%", "5%"]              or by rank: rates = {silver = ["7%", "6%"]}
  r5 = false                         tries it without a rule: r2 (own purchases), r5 (ten outside buyers), r6
                                     (outside share), r8 (hold), r19 (idle members); lint tells

TREE: each member with its sponsor, and what it has before:
  [members.Bob]
  sponsor = "Ada"                    none: at the top
  rank = "silver"                    also achieved, active = false, joined = 2026-01-31
  placement = {parent = "Ada", leg = "left"}    where the plan has a placement tree
  carry = {left = "300", right = "0"}

SALES: in their order, period after period:
  [[sales]]
  referrer = "Bob"                   the member whose sale it is
  amount = "100"                     net; also points, currency, listing, renewal, buyer, customer, path
  period = 1                         or date = 2026-01-31; id names it, else its number does
  [[sales]]
  refund_of = "1"                    part = "50%" for a part of it

With --json: {"awards": [{"to", "amount", "rule", "level", "base", "rate", "sale" or "period"}],
"totals": {member: amount}, "state": {member: {"carry", "volume", "rank", "level"}}}. Amounts are decimal
strings; "less" stands in an award where others below earn of the same base first. A refund adds awards
with negative amounts. The state is that after the last period."""


@click.group(cls=NodeGroup)
def plan() -> None:
    """Compensation plans: write one, check it, try it on a tree and sales of your own."""


@plan.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode plan new plan.toml                     the default: a marginal differential",
        "netnode plan new plan.toml --like unilevel",
        "netnode plan new --list",
    ),
)
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--like", metavar="NAME", default="default", show_default=True, help="Which ready-made plan.")
@click.option("--list", "listed", is_flag=True, help="List the ready-made plans and end.")
@click.pass_context
def new(context: click.Context, file: Path | None, like: str, listed: bool) -> None:
    """Write a ready-made plan into FILE, with comments, to make it your own."""
    from netnode.plans import ready

    run = invocation(context)
    if listed:
        output.emit(run, ready.names(), lambda found: output.say(*found))
        return
    if file is None:
        raise Problem("Name the file to write, or give --list.", ExitCode.USAGE, "usage")
    text = ready.text(like)
    if str(file) in ready.names():
        raise Problem(
            f"{file} is a ready-made plan, not a file to write. Write: netnode plan new plan.toml --like {file}",
            ExitCode.USAGE,
            "usage",
        )
    try:
        with file.open("x", encoding="utf-8") as target:
            target.write(text)
    except FileExistsError as error:
        raise Problem(f"{file} exists. Name another file.", ExitCode.USAGE, "exists") from error
    except OSError as error:
        raise disk_problem(error, "write", file) from error
    written = {"file": str(file), "like": like}
    output.emit(run, written, lambda _: output.say(f"Wrote {file}. Check it with: netnode plan lint {file}"))


def _on_trees(default: int) -> Callable[[Command], Command]:
    """Adds --trees and --seed."""

    def added(command: Command) -> Command:
        seed = click.option(
            "--seed", type=click.IntRange(0, 2**53), default=0, show_default=True, help="Draws the trees."
        )
        trees = click.option(
            "--trees",
            type=click.IntRange(1, 1_000_000),
            default=default,
            show_default=True,
            help="How many random trees.",
        )
        return trees(seed(command))

    return added


def _watched(title: str, plan: Compiled, trees: int, seed: int) -> tuple[Measured, bool]:
    """Measures with a bar on a terminal; True when Ctrl-C ended it, what was measured until then stays."""
    from netnode.plans.laboratory import Measured, measure

    console = messages()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    found = Measured()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=trees)
        try:
            for so_far in measure(plan, trees, seed):
                found = so_far
                progress.update(task, advance=1)
        except KeyboardInterrupt:
            return found, True
    return found, False


@plan.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode plan lint plan.toml",
        "netnode plan lint plan.toml --trees 1000 --seed 7      the gains on other trees, and more of them",
        "netnode plan lint plan.toml --json",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@_on_trees(50)
@click.pass_context
def lint(context: click.Context, file: Path, trees: int, seed: int) -> int:
    """Check the plan in FILE against the rules of a fair plan; ends with 4 when INX does not allow it.

    Each rule of a fair plan is answered by pass, warn or void, from the plan's text. Then the plan is tried on random
    trees: what splitting oneself, false sponsors and own purchases gain, what one unit of volume pays at most, how much
    of what is paid needs recruits, how far it reaches, and what the same work earns by order of joining. Buyers can be
    made up, so the trees are measured as if everybody met the rules on buyers (R2, R5, R6, R19).
    """
    from netnode.plans import reporting
    from netnode.plans.laboratory import opened
    from netnode.plans.reading import read_plan
    from netnode.plans.values import decimal
    from protocol.plans.linting import lint as report_of

    run = invocation(context)
    report = report_of(read_plan(file))
    compiled = report.compiled
    document: dict[str, Any] = {
        "valid": compiled is not None,
        "bound": None if compiled is None else decimal(compiled.bound),
        "findings": report.findings,
        "report": None,
    }
    if compiled is not None:
        found, _ = _watched("trees", opened(compiled), trees, seed)
        document["findings"] = (*report.findings, *reporting.measured(compiled, found))
        document["report"] = reporting.document(compiled, found, seed)

    def show(_: dict[str, Any]) -> None:
        rows = [(each.rule, each.verdict, each.text) for each in document["findings"]]
        output.table(("rule", "verdict", "what is to be said of the plan"), rows)
        if compiled is None:
            output.hint("A plan like this is not published, and is void wherever it is met.")
        else:
            most = f"{reporting.percent(compiled.bound)}, set by {reporting.sets_maximum(compiled)}"
            output.say("", f"Maximum share: {most}.")

    output.emit(run, document, show)
    return int(ExitCode.REFUSED) if compiled is None else 0


@plan.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode plan simulate                                  every ready-made plan, one a family",
        "netnode plan simulate --plan plan.toml --trees 1000    a plan, and each of its families alone",
        "netnode plan simulate --plan plan.toml --rules-on --seed 7 --json",
    ),
)
@file_option("--plan", help="The plan; without it every ready-made one.")
@_on_trees(100)
@click.option(
    "--rules-on", is_flag=True, help="Keep R2, R5, R6 and R19 as the plan has them; else they count as met."
)
@click.pass_context
def simulate(context: click.Context, plan: Path | None, trees: int, seed: int, rules_on: bool) -> int:
    """The Sybil laboratory: what cheating gains under a plan, on random trees.

    In each tree one member is split into 2, 3 and 5 identities in four ways, false sponsors are put above and below
    it, and it buys up to the next step or rank. Gains are minor units after rounding; a purchase pays its price first.
    The same seed gives the same trees. Ctrl-C ends it and shows what was measured so far.
    """
    from netnode.plans import reporting
    from netnode.plans.laboratory import opened

    run = invocation(context)
    rows, ended = [], False
    for name, family, compiled in _subjects(plan):
        found, ended = _watched(
            f"{name} {family}".strip(), compiled if rules_on else opened(compiled), trees, seed
        )
        if found.trees:
            rows.append((name, family, compiled, found))
        if ended:
            break
    document = {
        "seed": seed,
        "interrupted": ended,
        "plans": [
            {"plan": name, "family": family or None, **reporting.document(compiled, found, seed)}
            for name, family, compiled, found in rows
        ],
    }

    def show(_: dict[str, Any]) -> None:
        counts = [f"split in {tally.count}" for _, _, _, found in rows[:1] for tally in found.tallies[:-2]]
        headings = ("plan", "family", "trees", *counts, "sponsors", "from others", "purchases", "a unit pays")
        output.table(headings, [_simulated(*row) for row in rows], right=range(2, len(headings)))
        if ended:
            output.hint("Ended before all trees were measured.")

    output.emit(run, document, show)
    return _INTERRUPTED if ended else 0


def _subjects(plan: Path | None) -> Iterator[tuple[str, str, Compiled]]:
    """Plans to measure: a name, the family measured alone or nothing, and the plan."""
    from netnode.plans import ready
    from netnode.plans.laboratory import alone, families
    from netnode.plans.reading import compiled_from

    if plan is None:
        for name in ready.names():
            yield name, "", ready.compiled(name)
        return
    compiled = compiled_from(plan)
    yield plan.stem, "", compiled
    found = families(compiled)
    if len(found) > 1:
        for family in found:
            yield plan.stem, family, alone(compiled, family)


def _simulated(name: str, family: str, plan: Compiled, found: Measured) -> tuple[str, ...]:
    from netnode.plans.reporting import percent
    from netnode.plans.values import in_units

    exponent = plan.plan.unit.exponent
    gains = [f"{each.gained}: +{percent(each.share)}" if each.gained else "0" for each in found.tallies]
    unit = "-" if found.cliff is None else in_units(found.cliff.amount, exponent)
    taken = in_units(found.taken, exponent)
    return (name, family or "all", str(found.trees), *gains[:-1], taken, gains[-1], unit)


def _on_files(command: Command) -> Command:
    """Adds --plan, --tree and --sales."""
    for name, text in (
        ("--sales", "What was sold."),
        ("--tree", "Who stands below whom; a plan of path rules alone needs none."),
        ("--plan", "The plan."),
    ):
        command = file_option(name, help=text)(command)
    return command


@plan.command(
    cls=NodeCommand,
    epilog=examples("netnode plan evaluate --plan plan.toml --tree tree.toml --sales sales.toml --json")
    + "\n\n"
    + verbatim(_FORMATS),
)
@_on_files
@click.pass_context
def evaluate(context: click.Context, plan: Path | None, tree: Path | None, sales: Path | None) -> None:
    """Evaluate a plan on files: who gets what of each sale and period."""
    from netnode.plans.calculating import document

    run = invocation(context)
    compiled, result = _evaluated(plan, tree, sales)
    found = document(compiled, result)

    def show(_: dict[str, Any]) -> None:
        if not found["awards"]:
            output.say("Nobody is paid. netnode plan explain, with the same files, says why.")
            return
        rows = [
            (
                str(one["to"]),
                one["amount"],
                one["rule"],
                str(one["level"]),
                one["base"],
                one["rate"],
                f"period {one['period']}" if "period" in one else f"sale {one['sale']}",
            )
            for one in found["awards"]
        ]
        output.table(("to", "amount", "rule", "level", "base", "rate", "of"), rows, right=(1, 3, 4, 5))
        output.say("")
        output.table(("member", "total"), list(found["totals"].items()), right=(1,))

    output.emit(run, found, show)


@plan.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode plan explain --plan plan.toml --tree tree.toml --sales sales.toml",
        "netnode plan explain --plan plan.toml --tree tree.toml --sales sales.toml --to Ada --of 3",
    ),
)
@_on_files
@click.option("--to", metavar="MEMBER", help="What this member gets, and does not get.")
@click.option("--of", metavar="SALE|PERIOD", help="Of this sale or period.")
@click.pass_context
def explain(
    context: click.Context,
    plan: Path | None,
    tree: Path | None,
    sales: Path | None,
    to: str | None,
    of: str | None,
) -> None:
    """Say in words where each award comes from, and why others did not come about."""
    from netnode.plans.explaining import sentences

    run = invocation(context)
    compiled, result = _evaluated(plan, tree, sales)
    found = sentences(compiled, result, to, of)
    output.emit(run, found, lambda lines: output.say(*(lines or ["Nothing."])))


@plan.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode plan replay --plan new.toml --team linen       on all that your log has of the team",
        "netnode plan replay --plan new.toml --against old.toml --tree tree.toml --sales sales.toml",
    ),
)
@_on_files
@file_option("--against", help="With files: the plan as it is.")
@click.option("--team", metavar="KEY", help="The team whose log is used, and its plan in force.")
@click.pass_context
def replay(
    context: click.Context,
    plan: Path | None,
    tree: Path | None,
    sales: Path | None,
    against: Path | None,
    team: str | None,
) -> None:
    """Try a changed plan on what has happened, before it is published: what every member would have got.

    With --team on the log: each sale as of its entry, raised and refunded as it was, the open period included as if it
    closed now. Else on files as of `netnode plan evaluate`.
    """
    run = invocation(context)
    if plan is None or (team is None) == (against is None):
        text = "Give --plan, and either --team, or --against with --tree and --sales."
        raise Problem(text, ExitCode.USAGE, "usage")
    if team is not None:
        output.emit(run, _replayed(run, plan, team), _show_replay)
        return
    from netnode.plans.files import read_team
    from netnode.plans.replaying import compare, document

    assert against is not None  # one of the two was given
    old, before = _evaluated(against, tree, sales)
    new, after = _evaluated(plan, tree, sales)
    members = () if tree is None else read_team(tree, new).members()
    output.emit(run, document(old, new, compare(members, before, after)), _show_replay)


def _replayed(run: Invocation, plan: Path, team: str) -> dict[str, Any]:
    """All pages of the answer of a node, as the comparison of files is told."""
    from netnode.plans.reading import compiled_from, load

    compiled_from(plan)  # what is wrong in the file is said with its name
    fields, items, cursor = load(plan), [], None
    while True:
        request = models.PlanReplay(team=team, plan=fields, limit=models.ITEMS_MAX, cursor=cursor)
        page = call(run, PLAN_REPLAY, request)
        items += page.items
        cursor = page.next
        if cursor is None:
            break
    found: dict[str, Any] = msgspec.to_builtins(page)
    members = [
        {**msgspec.to_builtins(each), "member": each.member.name or each.member.id, "id": each.member.id}
        for each in items
    ]
    return {name: found[name] for name in ("before", "after", "total", "less", "more")} | {"members": members}


def _show_replay(found: dict[str, Any]) -> None:
    before, after = found["before"], found["after"]
    headings = (
        "member",
        f"{before['title']}, {before['unit']}",
        f"{after['title']}, {after['unit']}",
        "more",
    )
    rows = [
        (each["member"], each["before"], each["after"], each["difference"] or "") for each in found["members"]
    ]
    total = found["total"]
    rows.append(("all", total["before"], total["after"], total["difference"] or ""))
    output.table(headings, rows, right=(1, 2, 3))
    if found["less"]:
        output.say(
            "", f"{output.counted(found['less'], 'member gets', 'members get')} less by the changed plan."
        )


def _evaluated(plan: Path | None, tree: Path | None, sales: Path | None) -> tuple[Compiled, Result[str]]:
    from netnode.plans.calculating import calculate
    from netnode.plans.files import read_sales, read_team
    from netnode.plans.reading import compiled_from

    if plan is None or sales is None:
        raise Problem(
            "Give --plan and --sales, and --tree where the plan has a team.", ExitCode.USAGE, "usage"
        )
    compiled = compiled_from(plan)
    if tree is None and compiled.needs_team:
        raise Problem(f"{plan}: its rules look at a team. Give --tree as well.", ExitCode.USAGE, "usage")
    team = None if tree is None else read_team(tree, compiled)
    sold = read_sales(sales, compiled, team)
    output.hint(*sold.notes)
    return compiled, calculate(compiled, team, sold)
