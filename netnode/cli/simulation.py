"""`netnode sim`: whole worlds of nodes in virtual time, and the line that runs a failure again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from netnode.cli import output
from netnode.cli.frame import NodeCommand, examples, invocation, messages
from netnode.problems import ExitCode
from netnode.simulator.options import MAX_NODES

if TYPE_CHECKING:  # late at run time: no other command needs any of it
    from netnode.simulator.running import Order, Verdict


@click.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode sim --seeds 20                    the first twenty seeds, whatever they draw",
        "netnode sim --seed 7                      one seed: its options, verdict and trace",
        "netnode sim --scenario theft --seeds 10   one scenario under ten seeds",
        "netnode sim --list                        the scenarios",
        "netnode sim --seed 7 --shrink             a failure made smaller while it still fails",
    ),
)
@click.option("--seed", type=click.IntRange(0, 2**53), default=0, show_default=True, help="The first seed.")
@click.option("--seeds", type=click.IntRange(1, 1_000_000), default=1, show_default=True, help="How many.")
@click.option("--scenario", metavar="NAME", help="Its name or number; without it each seed draws one.")
@click.option("--nodes", type=click.IntRange(1, MAX_NODES), help="Honest nodes; else drawn.")
@click.option(
    "--until", type=click.FloatRange(0.0, 1e6), metavar="T", help="Virtual seconds of trouble; else drawn."
)
@click.option(
    "--without", multiple=True, metavar="FAULT", help="Leave out a class of faults or peers; repeatable."
)
@click.option("--shrink", is_flag=True, help="Make the first failure smaller while it still fails.")
@click.option("--processes", type=click.IntRange(1, 256), help="How many at once; else one per core.")
@click.option("--list", "listed", is_flag=True, help="List the scenarios and end.")
@click.pass_context
def sim(
    context: click.Context,
    seed: int,
    seeds: int,
    scenario: str | None,
    nodes: int | None,
    until: float | None,
    without: tuple[str, ...],
    shrink: bool,
    processes: int | None,
    listed: bool,
) -> int:
    """Run whole markets of nodes in virtual time, and break them.

    Each seed founds a world: production nodes, links, clocks and disks, people who use them, and what goes wrong. The
    same seed does the same, on any computer. Ends with 0 when everything held that must hold, else with 1.
    """
    from netnode.simulator.running import Order
    from netnode.simulator.scenarios import named

    run = invocation(context)
    if listed:
        _list(run.json)
        return 0
    name = None if scenario is None else named(scenario).name
    orders = [Order(seed + number, name, nodes, until, without) for number in range(seeds)]
    verdicts = list(_shown(orders, processes, run.json))
    failed = [each for each in verdicts if not each.passed]
    smaller = _shrunk(orders[verdicts.index(failed[0])], failed[0]) if shrink and failed else None
    document: dict[str, Any] = {
        "passed": len(verdicts) - len(failed),
        "failed": len(failed),
        "seeds": verdicts,
    }
    if smaller is not None:
        document["shrunk"] = smaller
    output.emit(run, document, lambda _: _summary(verdicts, failed))
    return int(ExitCode.FAILED) if failed else 0


def _list(as_json: bool) -> None:
    from netnode.simulator.scenarios import SCENARIOS

    rows = [(str(number), each.name, each.about) for number, each in enumerate(SCENARIOS)]
    if as_json:
        output.write_json([{"number": int(row[0]), "name": row[1], "about": row[2]} for row in rows])
    else:
        output.table(("Number", "Name", "What happens"), rows)


def _shown(orders: Sequence[Order], processes: int | None, quiet: bool) -> Iterator[Verdict]:
    """The verdicts, with a bar on a terminal; each failure is told at once."""
    from netnode.simulator.running import planned, run_all

    for order in orders[:1]:
        _, options, _ = planned(order)  # what is wrong with the options is told before anything runs
        if len(orders) == 1 and not quiet:
            output.hint(f"options: {options}")
    console = messages()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} failed"),
        TimeRemainingColumn(),
    )
    failed = 0
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("seeds", total=len(orders), failed=0)
        for verdict in run_all(orders, processes):
            if not verdict.passed:
                failed += 1
                progress.console.print(
                    f"seed {verdict.seed}, {verdict.scenario}: {verdict.rule}: {verdict.text}"
                )
                progress.console.print(f"  {verdict.replay}", soft_wrap=True)
            progress.update(task, advance=1, failed=failed)
            yield verdict


def _shrunk(order: Order, failed: Verdict) -> Verdict:
    from netnode.simulator.shrinking import shrink

    console = messages()
    with console.status("Shrinking ..."):
        found = shrink(order, failed, heard=lambda line: console.print(f"  smaller: {line}", soft_wrap=True))
    console.print(f"after {found.runs} runs: {found.verdict.replay}", soft_wrap=True)
    return found.verdict


def _summary(verdicts: Sequence[Verdict], failed: Sequence[Verdict]) -> None:
    if len(verdicts) == 1:
        only = verdicts[0]
        output.pairs(
            [
                ("Seed", str(only.seed)),
                ("Scenario", only.scenario),
                ("Verdict", only.verdict if only.passed else f"failed: {only.rule}: {only.text}"),
                ("Trace", only.trace),
                ("Events", f"{only.events:,} in {only.virtual:,.0f} virtual seconds"),
                ("Told", f"{output.counted(only.told, 'entry', 'entries')} acknowledged"),
                ("Replay", only.replay),
            ]
        )
        return
    rows = []
    for name in sorted({each.scenario for each in verdicts}):
        mine = [each for each in verdicts if each.scenario == name]
        bad = sum(not each.passed for each in mine)
        rows.append((name, str(len(mine)), str(bad), f"{sum(each.events for each in mine):,}"))
    output.table(("Scenario", "Seeds", "Failed", "Events"), rows)
    for each in failed:
        output.write(f"failed: {each.replay}\n")
    output.write(f"{len(verdicts) - len(failed)} of {output.counted(len(verdicts), 'seed')} passed\n")
