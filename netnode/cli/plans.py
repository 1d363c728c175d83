"""`netnode plan`: compensation plans as files; works without a home."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from netnode.cli import output
from netnode.cli.frame import Command, NodeCommand, NodeGroup, examples, file_option, invocation, verbatim
from netnode.problems import ExitCode, Problem, disk_problem

if TYPE_CHECKING:  # late at run time: no other command needs any of it
    from netnode.plans.calculating import Result
    from protocol.plans.document import Compiled

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

SALES: in their order:
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
    try:
        with file.open("x", encoding="utf-8") as target:
            target.write(text)
    except FileExistsError as error:
        raise Problem(f"{file} exists. Name another file.", ExitCode.USAGE, "exists") from error
    except OSError as error:
        raise disk_problem(error, "write", file) from error
    written = {"file": str(file), "like": like}
    output.emit(run, written, lambda _: output.say(f"Wrote {file}. Check it with: netnode plan lint {file}"))


@plan.command(cls=NodeCommand, epilog=examples("netnode plan lint plan.toml"))
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def lint(context: click.Context, file: Path) -> int:
    """Check the plan in FILE against the rules of a fair plan; ends with 4 when INX does not allow it."""
    from netnode.plans.reading import read_plan
    from netnode.plans.values import decimal
    from protocol.plans.linting import lint as report_of

    run = invocation(context)
    report = report_of(read_plan(file))
    void = report.compiled is None
    document: dict[str, Any] = {
        "valid": not void,
        "bound": None if report.compiled is None else decimal(report.compiled.bound),
        "findings": report.findings,
    }

    def show(_: dict[str, Any]) -> None:
        rows = [(each.rule, each.verdict, each.text) for each in report.findings]
        output.table(("rule", "verdict", "what the plan says"), rows)
        if void:
            output.hint("A plan like this is not published, and is void wherever it is met.")

    output.emit(run, document, show)
    return int(ExitCode.REFUSED) if void else 0


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


def _evaluated(plan: Path | None, tree: Path | None, sales: Path | None) -> tuple[Compiled, Result]:
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
    return compiled, calculate(compiled, team, read_sales(sales, compiled, team))
