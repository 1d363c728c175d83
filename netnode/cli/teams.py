"""Commands on teams."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click
import msgspec

from netnode.cli import output
from netnode.cli.frame import NodeCommand, NodeGroup, examples, invocation, page_options, passphrase_option
from netnode.cli.opportunities import kept, show_earnings, show_report
from netnode.cli.reach import call, send_file
from netnode.operations import models
from netnode.operations.teams import (
    TEAM_ADMIT,
    TEAM_APPLY,
    TEAM_DUTIES,
    TEAM_DUTY,
    TEAM_IMPORT,
    TEAM_INVITE,
    TEAM_LEAVE,
    TEAM_MOVE,
    TEAM_NEGLECTED,
    TEAM_PAPERS,
    TEAM_STATS,
    TEAM_TREE,
)
from netnode.problems import ExitCode, Problem

_SENT: Final = {
    "leaving": "Signed, and sent to the owner: you have left once it is in their log (netnode team tree OWNER/KEY).",
    "placing": "Your consent is signed, and sent to the owner, who moves the member once all have consented.",
    "buyback": "Asked for, to be answered in 14 days: netnode team buyback ls",
}
_REASONS = ("company", "earnings", "other", "personal", "products", "support", "time")


@click.group(cls=NodeGroup)
def team() -> None:
    """Teams: invite, apply, admit; who sponsors whom, what was done for whom, who stays."""


# -- joining -------------------------------------------------------------------------------------------------
@team.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode team invite linen-team --to nx1...",
        "netnode team invite nx1.../linen-team          a text for whoever you give it to",
    ),
)
@click.argument("name", metavar="OWNER/KEY")
@click.option("--to", metavar="ID", help="Only for this networker, to whom it is sent.")
@click.option("--days", type=click.IntRange(1, 365), default=30, show_default=True, help="Until it expires.")
@click.option("--parent", metavar="ID", help="Wish for a place below this member.")
@click.option("--leg", type=click.IntRange(0, 999), help="In this leg of theirs, from 0.")
@click.option("--text", default="", help="A word that goes along.")
@passphrase_option
@click.pass_context
def invite(
    context: click.Context,
    /,
    name: str,
    to: str | None,
    days: int,
    parent: str | None,
    leg: int | None,
    text: str,
    passphrase_file: Path | None,
) -> None:
    """Invite somebody to join a team below you."""
    run = invocation(context)
    request = models.TeamInvite(team=name, to=to, days=days, parent=parent, leg=leg, text=text)
    made = call(run, TEAM_INVITE, request, passphrase_file)
    output.emit(run, made, lambda one: _show_paper(one, sent=to is not None))


@team.command(
    name="apply",
    cls=NodeCommand,
    epilog=examples(
        "netnode team apply 3f9c2a71 --acknowledged", "netnode team apply inxteam1... --acknowledged"
    ),
)
@click.argument("paper", metavar="INVITE")
@click.option("--acknowledged", is_flag=True, help="You have read what opportunity show says.")
@passphrase_option
@click.pass_context
def apply_(context: click.Context, /, paper: str, acknowledged: bool, passphrase_file: Path | None) -> None:
    """Apply by an INVITE: its text, or the id of one that came to you (netnode team papers)."""
    run = invocation(context)
    request = models.TeamApply(invite=paper, acknowledged=acknowledged)
    output.emit(run, call(run, TEAM_APPLY, request, passphrase_file), _show_paper)


@team.command(cls=NodeCommand, epilog=examples("netnode team admit", "netnode team admit 3f9c2a71"))
@click.argument("paper", required=False, metavar="[APPLICATION]")
@passphrase_option
@click.pass_context
def admit(context: click.Context, /, paper: str | None, passphrase_file: Path | None) -> None:
    """Admit by one APPLICATION, or by all whose seven days are over."""
    run = invocation(context)
    output.emit(run, call(run, TEAM_ADMIT, models.TeamAdmit(paper=paper), passphrase_file), _show_done)


@team.command(
    name="import",
    cls=NodeCommand,
    epilog=examples(
        "netnode team import linen-team old-team.csv --dry-run",
        "netnode team import linen-team old-team.csv      columns: ref, sponsor, name, networker",
    ),
)
@click.argument("key")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--days", type=click.IntRange(1, 365), default=90, show_default=True, help="Until invites expire."
)
@click.option("--dry-run", is_flag=True, help="Only say what is wrong in the list.")
@passphrase_option
@click.pass_context
def import_(
    context: click.Context, /, key: str, file: Path, days: int, dry_run: bool, passphrase_file: Path | None
) -> None:
    """Take a team over from a list: each person gets an invite below the sponsor they had, once that one has joined."""
    run = invocation(context)
    query = models.TeamImportQuery(key=key, days=days, dry_run=dry_run)
    found = send_file(run, TEAM_IMPORT, query, file, signs=not dry_run, passphrase_file=passphrase_file)
    if not found.faults:
        output.emit(run, found, _show_imported)
        return
    if not run.json:
        output.table(
            ("row", "field", "what is wrong"),
            [(str(one.row), one.field, one.problem) for one in found.faults],
            right=(0,),
        )
    raise Problem(
        f"{file} has {output.counted(len(found.faults), 'fault')}; nothing was done. Mend them and try again.",
        ExitCode.REFUSED,
        "faults",
        {"faults": msgspec.to_builtins(found.faults)},
    )


@team.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode team papers",
        "netnode team papers --waiting",
        "netnode team papers 3f9c2a71      one of them whole, an invite with its text",
    ),
)
@click.argument("paper", required=False, metavar="[PAPER]")
@click.option("--waiting", is_flag=True, help="Only those that something can still come of.")
@page_options
@click.pass_context
def papers(context: click.Context, paper: str | None, waiting: bool, limit: int, cursor: str | None) -> None:
    """List invites, applications and other papers, the newest first; or show one PAPER."""
    run = invocation(context)
    query = models.PapersQuery(waiting=waiting, paper=paper, limit=limit, cursor=cursor)
    found = call(run, TEAM_PAPERS, query)
    if paper is None:
        output.emit(run, found, _show_papers)
    else:
        output.emit(run, found, lambda page: _show_paper(page.items[0], page.items[0].invitee is not None))


# -- looking -------------------------------------------------------------------------------------------------
@team.command(
    cls=NodeCommand, epilog=examples("netnode team tree linen-team", "netnode team tree nx1.../linen-team")
)
@click.argument("name", metavar="OWNER/KEY")
@click.option("--below", metavar="ID", help="Only below this member.")
@page_options
@click.pass_context
def tree(context: click.Context, name: str, below: str | None, limit: int, cursor: str | None) -> None:
    """Show who stands below whom, level by level."""
    run = invocation(context)
    query = models.TeamTreeQuery(team=name, below=below, limit=limit, cursor=cursor)
    output.emit(run, call(run, TEAM_TREE, query), _show_tree)


@team.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode team duties linen-team",
        "netnode team duties nx1.../linen-team --module start --by nx1...   you passed it, helped by them",
        "netnode team duties nx1.../linen-team --follow-up 1                your sponsor gave you the first",
    ),
)
@click.argument("name", metavar="OWNER/KEY")
@click.option("--module", metavar="KEY", help="Sign that you passed this module.")
@click.option("--follow-up", "step", type=click.IntRange(1, 12), help="Sign that you got this follow-up.")
@click.option("--by", metavar="ID", help="Who did it; of a follow-up your sponsor unless given.")
@page_options
@passphrase_option
@click.pass_context
def duties(
    context: click.Context,
    /,
    name: str,
    module: str | None,
    step: int | None,
    by: str | None,
    limit: int,
    cursor: str | None,
    passphrase_file: Path | None,
) -> None:
    """Show training and follow-ups of members, or sign what was done for you.

    What is due follows the plan in force when a member joined, or was moved for neglect: modules published later apply
    to who joins later.
    """
    run = invocation(context)
    if module is not None or step is not None:
        request = models.TeamDutyDone(team=name, module=module, step=step, by=by)
        output.emit(run, call(run, TEAM_DUTY, request, passphrase_file), _show_paper)
        return
    query = models.TeamQuery(team=name, limit=limit, cursor=cursor)
    output.emit(run, call(run, TEAM_DUTIES, query), _show_duties)


@team.command(cls=NodeCommand, epilog=examples("netnode team neglected linen-team"))
@click.argument("name", metavar="OWNER/KEY")
@page_options
@click.pass_context
def neglected(context: click.Context, name: str, limit: int, cursor: str | None) -> None:
    """List members whose follow-up deadlines were missed, the longest first."""
    run = invocation(context)
    query = models.TeamQuery(team=name, limit=limit, cursor=cursor)
    output.emit(run, call(run, TEAM_NEGLECTED, query), _show_duties)


@team.command(cls=NodeCommand, epilog=examples("netnode team stats linen-team"))
@click.argument("name", metavar="OWNER/KEY")
@click.pass_context
def stats(context: click.Context, name: str) -> None:
    """Show what is computed of a team: who stays, who duplicates, its shape."""
    run = invocation(context)
    output.emit(run, call(run, TEAM_STATS, models.OpportunityName(name)), _show_stats)


# -- acting --------------------------------------------------------------------------------------------------
@team.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode team move nx1.../linen-team nx1... --sponsor nx1...   consent to it, in a team of another",
        "netnode team move linen-team nx1... --sponsor nx1... --neglect",
        "netnode team move linen-team nx1... --parent nx1... --leg 0   out of the holding place",
    ),
)
@click.argument("name", metavar="OWNER/KEY")
@click.argument("member", metavar="ID")
@click.option("--sponsor", metavar="ID", help="The new sponsor.")
@click.option("--parent", metavar="ID", help="Below this member, out of the holding place.")
@click.option("--leg", type=click.IntRange(0, 999), help="In this leg of theirs, from 0.")
@click.option("--neglect", is_flag=True, help="By the rule for neglected members, with their consent.")
@passphrase_option
@click.pass_context
def move(
    context: click.Context, /, name: str, member: str, passphrase_file: Path | None, **where: Any
) -> None:
    """Give a member another sponsor or their place; in a team of another you consent to it by signature."""
    run = invocation(context)
    request = models.TeamMove(team=name, member=member, **where)
    output.emit(run, call(run, TEAM_MOVE, request, passphrase_file), _show_done)


@team.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode team leave nx1.../linen-team --reason time",
        "netnode team leave nx1.../linen-team --reason earnings --buyback   and give back what you have not sold",
        "netnode team leave linen-team --member nx1... --ended terms   as its owner",
    ),
)
@click.argument("name", metavar="OWNER/KEY")
@click.option("--reason", type=click.Choice(_REASONS), help="Why you leave.")
@click.option(
    "--buyback",
    is_flag=True,
    help="Ask the owner to take back all you bought there; if you sold some of it, use: netnode team buyback ask.",
)
@click.option("--member", metavar="ID", help="As the owner: whose membership ends.")
@click.option("--ended", type=click.Choice(("inactive", "terms")), help="As the owner: why.")
@passphrase_option
@click.pass_context
def leave(context: click.Context, /, name: str, passphrase_file: Path | None, **why: Any) -> None:
    """Leave a team; what you are owed stays yours. As its owner: end a membership."""
    run = invocation(context)
    output.emit(run, call(run, TEAM_LEAVE, models.TeamLeave(team=name, **why), passphrase_file), _show_done)


# -- for a person --------------------------------------------------------------------------------------------
def _show_paper(one: models.TeamPaper, sent: bool = False) -> None:
    rows = [
        ("paper", one.paper),
        ("kind", one.kind),
        ("team", one.team),
        ("signed by", "you" if one.own else _person(one.signer)),
        ("state", _state(one)),
    ]
    if _for(one):
        rows.insert(4, ("for", _for(one)))
    output.pairs(rows)
    if isinstance(one.text, str):
        output.say("", *(output.plain(line) for line in one.text.splitlines()))
    if one.kind == "invite":
        show_earnings(one.earnings)
        show_report(one.report)
    if isinstance(one.invite, str) and one.own:
        output.say("", one.invite)
        output.hint(
            "It is sent to them, and only they can apply with it."
            if sent
            else "Whoever has this text can apply with: netnode team apply INVITE"
        )
    if one.kind == "application" and one.own and one.state == "waiting":
        output.hint(
            "It leaves as soon as somebody has seen your acknowledgement who is neither the owner nor your sponsor; "
            "your node asks every peer it meets. You can be admitted 7 days after that."
        )


def _for(one: models.TeamPaper) -> str:
    """Whom an invite is for; empty where that is whoever has it."""
    if one.listed is not None:
        return f"{output.plain(one.listed.name)} ({output.plain(one.listed.ref)} of the list)".strip()
    return "" if one.invitee is None else _person(one.invitee)


def _state(one: models.TeamPaper) -> str:
    if one.state == "logged":
        return "admitted" if one.kind == "application" else "in the owner's log"
    if one.own and one.kind == "application" and one.state == "closed":
        return "sent"
    if one.state == "too soon" and one.due is not None:
        return f"can be admitted from {output.when(one.due)} UTC on"
    return f"void: {one.code}" if one.state == "void" else one.state


def _show_papers(page: models.Page[models.TeamPaper]) -> None:
    if not page.items:
        output.say("No papers. Invite somebody with: netnode team invite --help")
        return
    rows = [
        (
            one.paper[:10],
            one.kind,
            one.opportunity,
            "you" if one.own else _person(one.signer),
            _for(one),
            _state(one),
            output.when(one.at)[:10],
        )
        for one in page.items
    ]
    output.table(("paper", "kind", "team", "signed by", "for", "state", "made"), rows)
    if any(isinstance(one.invite, str) and one.own for one in page.items):
        output.hint("The text of an invite, to give to whom it is for: netnode team papers PAPER")
    output.more(page.next)


def _show_done(done: models.TeamDone) -> None:
    if done.entries:
        output.say(f"{output.counted(len(done.entries), 'entry', 'entries')} written to your log.")
    if not done.entries and not done.skipped:
        output.say("Nothing to do: no application waits.")
    for one in done.skipped:
        if one.own and one.kind in _SENT:
            output.say(_SENT[one.kind])
            continue
        text = output.plain(one.text) if isinstance(one.text, str) else ""
        output.say(
            f"{one.kind} {one.paper[:10]} of {_person(one.signer)}: {_state(one)}. "
            f"{text[:1].upper()}{text[1:]}".strip()
        )


def _show_imported(found: models.TeamImported) -> None:
    before = found.rows - found.invited - found.waiting
    output.say(
        f"{output.counted(found.rows, 'row')}: {found.invited:,} invited now, "
        f"{found.waiting:,} wait until their sponsor has joined"
        + (f", {before:,} were invited or had joined before." if before > 0 else ".")
    )
    if found.invited:
        output.hint(
            "Whose id the list has is sent theirs. To the others you give its text: netnode team papers --waiting"
        )


def _show_tree(page: models.Page[models.TeamMember]) -> None:
    if not page.items:
        output.say("Nobody.")
        return
    rows = [
        (
            str(one.level),
            _person(one.member),
            _person(one.sponsor),
            f"{one.sponsors:,}",
            "holding" if one.holding else "" if one.leg is None else f"leg {one.leg}",
            output.when(one.joined)[:10],
        )
        for one in page.items
    ]
    output.table(("level", "member", "sponsor", "sponsors", "place", "joined"), rows, right=(0, 3))
    output.more(page.next)


def _show_duties(page: models.Page[models.MemberDuties]) -> None:
    if not page.items:
        output.say("Nobody.")
        return
    rows = []
    for one in page.items:
        done = ", ".join(duty.name for duty in one.duties if duty.done)
        missed = ", ".join(duty.name for duty in one.duties if duty.missed)
        due = ", ".join(
            duty.name if duty.due is None else f"{duty.name} until {output.when(duty.due)[:10]}"
            for duty in one.duties
            if not duty.done and not duty.missed
        )
        state = "neglected" if one.neglected else ""
        rows.append((_person(one.member), _person(one.sponsor), done, missed, due, state))
    output.table(("member", "sponsor", "done", "missed", "still due", ""), rows)
    output.more(page.next)


def _show_stats(found: models.TeamStats) -> None:
    output.pairs(
        (
            ("team", found.team),
            ("members", f"{found.members:,} of {found.ever:,} who ever joined"),
            ("left", ", ".join(f"{reason} {count:,}" for reason, count in found.left.items()) or "nobody"),
            (
                "shape",
                f"{found.width:,} wide, {found.depth:,} deep, {found.concentration} % in the largest leg",
            ),
            ("sponsoring", f"{found.sponsoring:,} members"),
            ("duplication", f"{found.duplicated:,} of {found.duplicated_of:,} within 90 days"),
            ("active", f"{found.active:,} of {found.members:,} members sold something in the last 30 days"),
            ("first sale", _first_sale(found)),
            ("neglected", f"{found.neglected:,}"),
            ("stay 90 days", kept(found.all)),
        )
    )
    if found.months:
        output.say("")
        rows = [(one.group, f"{one.joined:,}", kept(one)) for one in found.months]
        output.table(("joined in", "members", "stay 90 days"), rows, right=(1,))
    output.say("")
    rows = [(one.period, f"{one.recruits:,}", f"{one.outside_buyers:,}") for one in found.growth]
    output.table(("period", "recruits", "buyers outside"), rows, right=(1, 2))
    if found.outgrown:
        output.say("WARNING: recruitment grew faster than buyers outside the team in three periods running.")
    for seq, code in found.void.items():
        output.say(f"Entry {seq} has no effect: {code}.")


def _first_sale(found: models.TeamStats) -> str:
    if found.first_sale_days is None:
        return "nobody has sold anything yet"
    days = output.counted(found.first_sale_days, "day")
    return f"median {days} after joining; {found.sellers:,} of {found.ever:,} who ever joined have sold"


def _person(party: models.TeamPerson) -> str:
    return f"{output.plain(party.name)} ({output.short(party.id)})" if party.name else output.short(party.id)
