"""`netnode conformance`: plays peers against any node of INX and reports what it does with them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from netnode.cli import output
from netnode.cli.frame import NodeCommand, examples, file_option, invocation, messages
from netnode.conformance.checking import CLASSES
from netnode.problems import ExitCode, Problem, disk_problem
from netnode.system import SystemClock, SystemEntropy

if TYPE_CHECKING:
    from netnode.conformance.checking import Check
    from netnode.conformance.owners import Owner
    from netnode.conformance.running import Result

_USUAL: Final = ("C1", "C2", "C3", "C4")
_MORE: Final = {"expected": "failed as expected", "skipped": "skipped"}


def _classes(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    if value is None:
        return _USUAL
    named = tuple(word.strip().upper() for word in value.split(",") if word.strip())
    unknown = [word for word in named if word not in CLASSES]
    if unknown or not named:
        text = f"{', '.join(unknown) or value!r} is no class. Name some of {', '.join(CLASSES)}."
        raise click.BadParameter(text, context, parameter)
    return named


def _owner(context: click.Context, parameter: click.Parameter, value: str | None) -> Owner | None:
    from netnode.conformance.owners import read_owner

    if value is None:
        return None
    try:
        return read_owner(value)
    except ValueError as error:
        text = f"{value!r} cannot be run: {error}. Give a command such as 'netnode deal'."
        raise click.BadParameter(text, context, parameter) from error


@click.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode conformance ws://127.0.0.1:4747",
        "netnode conformance 'inx:nx1...?a=wss://node.example.org/inx/1' --class C1,C4",
        "netnode conformance ws://127.0.0.1:4747 --json --xfail known.txt",
        "netnode conformance ws://127.0.0.1:4747 --class C3 --owner 'netnode deal'   whole deals, own node",
        "netnode conformance --class C0 --vectors tests/vectors   the codec of these checks on vectors, no node",
        "netnode conformance --list",
    ),
)
@click.argument("url", metavar="[URL]", required=False)
@click.option(
    "--class",
    "classes",
    metavar="C1,C2,...",
    callback=_classes,
    help="Classes of checks: C0 vectors, C1 session, C2 replication, C3 letters and deals, C4 hostile "
    "input. Without it: C1 to C4.",
)
@click.option("--only", metavar="ID,...", help="Checks by id, as C1-20,C2-10.")
@file_option("--xfail", help="Ids of checks that are expected to fail, one a line, with a reason behind #.")
@file_option("--vectors", metavar="DIR", help="Folder of the vectors, for class C0.")
@click.option(
    "--owner",
    metavar="COMMAND",
    callback=_owner,
    help="What does as the node's owner in deals of the checks: called with accept, received, fulfil or refund, and "
    "the id of the deal, whose payments nobody makes. Without it those checks are skipped.",
)
@click.option("--network", default="inx", show_default=True, metavar="NAME", help="Network of the node.")
@click.option("--list", "listed", is_flag=True, help="Show the checks and run none.")
@click.pass_context
def conformance(
    context: click.Context,
    url: str | None,
    classes: tuple[str, ...],
    only: str | None,
    xfail: Path | None,
    vectors: Path | None,
    owner: Owner | None,
    network: str,
    listed: bool,
) -> int:
    """Check whether a node keeps to INX, from outside; URL is its ws:// address or an inx: link.

    Honest and hostile peers with throw-away identities talk to the node; some leave a small log there. With --owner
    they also buy what it offers and play the deal to its end. Ends with 1 when a check fails that was not expected to.
    """
    from netnode.conformance.checks import ALL
    from netnode.conformance.reporting import document, read_expected

    run = invocation(context)
    chosen = _chosen(ALL, classes, only)
    if listed:
        _show_list(chosen, as_json=run.json)
        return ExitCode.OK
    expected = {} if xfail is None else read_expected(_text(xfail), ALL)
    results: list[Result] = []
    if "C0" in classes:
        results += _vectors(vectors)
    if any(name in classes for name in _USUAL):
        results += _against(url, chosen, network, owner, expected)
    elif url is not None:
        output.hint("C0 needs no node: the URL is not looked at.")
    report = document(results, expected)
    if run.json:
        output.write_json(report)
    else:
        _show(report)
    return ExitCode.FAILED if report["failed"] else ExitCode.OK


def _chosen(checks: Sequence[Check], classes: Sequence[str], only: str | None) -> list[Check]:
    if only is None:
        return [check for check in checks if check.klass in classes]
    ids = {word.strip().upper() for word in only.split(",") if word.strip()}
    unknown = sorted(ids - {check.id for check in checks})
    if unknown or not ids:
        raise Problem(f"There is no check {', '.join(unknown)}. See --list.", ExitCode.USAGE, "usage")
    return [check for check in checks if check.id in ids]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise disk_problem(error, "read", path) from error
    except UnicodeDecodeError as error:
        raise Problem(f"{path} is no text in UTF-8.", ExitCode.USAGE, "usage") from error


def _vectors(folder: Path | None) -> list[Result]:
    from netnode.conformance.vectors import judge_folder

    if folder is None:
        raise Problem(
            "Class C0 needs the vectors: name their folder with --vectors.", ExitCode.USAGE, "usage"
        )
    return judge_folder(folder)


def _against(
    url: str | None, checks: Sequence[Check], network: str, owner: Owner | None, expected: Mapping[str, str]
) -> list[Result]:
    """Runs checks against the node, with progress for a person."""
    from netnode.conformance.bench import Bench
    from netnode.conformance.reporting import verdict
    from netnode.conformance.running import described, run, survey
    from netnode.conformance.target import read_target

    if url is None:
        raise Problem(
            "Name the node: a ws:// address or an inx: link. Or see --list.", ExitCode.USAGE, "usage"
        )
    target = read_target(url)
    clock, entropy = SystemClock(), SystemEntropy()

    async def checked() -> list[Result]:
        known = await survey(target, network, clock, entropy)
        output.hint(described(known))
        with messages().status("Checking ...") as status:
            done = failed = 0

            def told(result: Result) -> None:
                nonlocal done, failed
                done += 1
                failed += verdict(result, expected) == "failed"
                status.update(f"{done} of {len(checks)} checks, {failed} failed; last: {result.check.id}")

            return await run(Bench(target, network, known, clock, entropy, owner), checks, told)

    return asyncio.run(checked())


def _show_list(checks: Sequence[Check], *, as_json: bool) -> None:
    if as_json:
        output.write_json([
            {
                "id": check.id,
                "class": check.klass,
                "requirements": list(check.ids),
                "roles": list(check.roles),
                "sentence": check.sentence,
            }
            for check in checks
        ])  # fmt: skip
        return
    rows = [(check.id, check.sentence, ", ".join(check.ids), ", ".join(check.roles)) for check in checks]
    output.table(("check", "a node that passes", "requirements", "binds"), rows)


def _show(report: Mapping[str, Any]) -> None:
    told = [row for row in report["results"] if row["verdict"] != "passed"]
    if told:
        rows = [
            (row["id"], row["verdict"], row["sentence"], row["detail"], ", ".join(row["requirements"]))
            for row in told
        ]
        output.table(("check", "verdict", "a node that passes", "this node", "requirements"), rows)
    if report["unexpected"]:
        output.say(f"Passed though expected to fail: {', '.join(report['unexpected'])}.")
    counts = (f"{report['passed']} passed", f"{report['failed']} failed")
    more = [f"{report[name]} {said}" for name, said in _MORE.items() if report[name]]
    output.say(", ".join((*counts, *more)) + ".")
