"""Commands on the keys: show them, replace them, see what a rotation put out of the log, vouch for what stands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from netnode.cli import output
from netnode.cli.asking import confirm, require_answer
from netnode.cli.frame import (
    Invocation,
    NodeCommand,
    NodeGroup,
    examples,
    file_option,
    invocation,
    messages,
    page_options,
    passphrase_option,
)
from netnode.cli.passphrase import passphrase
from netnode.cli.reach import call, needed_passphrase, use
from netnode.cli.recovery_words import hand_out, known_words, require_new, words_option
from netnode.keys import words
from netnode.keys.rotating import grant, require_words
from netnode.operations import models
from netnode.operations.calling import Caller
from netnode.operations.keys import (
    KEY_DISOWNED,
    KEY_HISTORY,
    KEY_PLAN,
    KEY_ROTATE,
    KEY_SHOW,
    STANDING,
    STANDING_PUBLISH,
)
from netnode.problems import ExitCode, Problem
from netnode.system import SystemEntropy
from protocol.errors import RemoteProtocolError
from protocol.identity import parse_id

_LOOK_SECONDS: Final = 0.5
_TOLD_SECONDS: Final = 10.0  # how long a rotation waits to see that peers have it
_WAIT_SECONDS: Final = 120
_QUESTION: Final = "Replace the signing key?"
_STATES: Final = {
    "open": "in order",
    "forked": "forked; see netnode log settle",
    "contested": "contested: two rotations with different words",
    "closed": "closed",
}
_SHOWN: Final = 20  # disowned entries shown before a rotation


@click.group(cls=NodeGroup)
def key() -> None:
    """Your keys: what signs for you, and how to replace it when it was stolen."""


@key.command(cls=NodeCommand, epilog=examples("netnode key show"))
@click.pass_context
def show(context: click.Context) -> None:
    """Show the keys in force: how often they were replaced, and until when they are good.

    The place says how often your log began anew: its epoch grows with each key rotate or recover, its term with each
    fork that was settled and each backup that was restored.
    """
    run = invocation(context)
    output.emit(run, call(run, KEY_SHOW, models.Nothing()), _show)


def _show(found: models.KeyState) -> None:
    since = f"{output.when(found.since)} UTC"
    replaced = (
        f"replaced {output.counted(found.epoch, 'time')}, last {since}" if found.epoch else f"since {since}"
    )
    healed = (
        f"; {output.counted(found.term, 'fork or restore', 'forks or restores')} healed" if found.term else ""
    )
    encryption = found.encryption_until
    output.pairs(
        [
            ("you", found.id),
            ("network", found.network),
            ("signing key", f"{found.signing_key}, {replaced}"),
            ("next one", f"only your recovery words make it (promise {found.promise[:12]})"),
            ("log", f"{_STATES[found.state]}{healed}"),
            ("place", f"epoch {found.epoch}, term {found.term}"),
            (
                "sessions",
                f"peers accept this node until {output.when(found.session_until)} UTC; renewed by itself",
            ),
            (
                "messages",
                "no key yet: the node makes and publishes one when it runs"
                if encryption is None
                else f"others may write to you until {output.when(encryption)} UTC; renewed monthly",
            ),
            (
                "passphrase",
                "set"
                if found.protected
                else "none; who reads your home can sign. Set one: netnode key passphrase",
            ),
        ]
    )
    if not found.usable:
        output.hint(
            "These keys are retired: a rotation was made elsewhere, so this home publishes nothing. If that was not "
            "you, rotate again with your recovery words: netnode key rotate"
        )
    if found.pending:
        output.hint("A rotation that was begun here did not happen; your keys are as before.")


key.add_command(passphrase)


# -- rotate --------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Order:
    """What the command line asks of a rotation."""

    last: int | None
    wait: int
    whole_book: bool


@key.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode key rotate                                  asks for your words, shows what would go",
        "netnode key rotate --words-file sheet.txt --yes     without questions",
        "netnode key rotate --new-words --out new.txt        new words from then on, in new.txt",
        "netnode key rotate --last 41                        what stands above entry 41 leaves your log",
    ),
)
@words_option
@click.option("--new-words", is_flag=True, help="Replace the recovery words too. Needs --out.")
@file_option("--out", help="New file for the new recovery words.")
@click.option(
    "--last", type=click.IntRange(0), metavar="SEQ", help="The last entry that stays; else your newest one."
)
@click.option(
    "--wait",
    type=click.IntRange(1, 86_400),
    default=_WAIT_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for your peers to say what they hold of your log.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@passphrase_option
@click.pass_context
def rotate(
    context: click.Context,
    words_file: Path | None,
    new_words: bool,
    out: Path | None,
    last: int | None,
    wait: int,
    yes: bool,
    passphrase_file: Path | None,
) -> None:
    """Replace the key that signs for you, with your recovery words; the old key is worth nothing from then on.

    First your peers are asked for entries of yours that are not here. You see what would leave your log before anything
    is done. Without a running node, one runs for the time of this command.
    """
    run = invocation(context)
    if new_words != (out is not None):
        text = "New recovery words need a file to go to: give --new-words and --out FILE together."
        raise Problem(text, ExitCode.USAGE, "usage")
    if out is not None:
        require_new(out)
    require_answer(run, _QUESTION, yes=yes)
    state = call(run, KEY_SHOW, models.Nothing())
    order = _Order(last, wait, new_words)
    # Words that are not recovery words at all are told of before anybody waits for peers.
    entropy = known_words(run, words_file)
    passphrase = needed_passphrase(run, True, passphrase_file)  # asked for once, for both parts
    plan = use(run, lambda caller: _caught_up(run, caller, order), online=True, passphrase=passphrase)
    require_words(plan.network, entropy, _promises(plan), _id(state.id))
    if not run.json:
        _show_plan(plan, new_words)
    confirm(run, _QUESTION, yes=yes)
    after = entropy if out is None else SystemEntropy().token(words.ENTROPY_SIZE)
    given = grant(plan.network, entropy, plan.epoch, after)
    request = models.KeyRotation(
        head=plan.head,
        seed=given.seed.hex(),
        promise=given.promise.hex(),
        backup_public=given.backup_public.hex(),
        last=last,
    )
    with nullcontext() if out is None else _handed_out(run, out, plan, after, ask=not yes):
        rotated, told = use(
            run, lambda caller: _rotate(run, caller, order, request), online=True, passphrase=passphrase
        )
    answer = {**msgspec.to_builtins(rotated), "told": told, "new_words": None if out is None else str(out)}
    output.emit(run, answer, lambda _: _show_rotated(rotated, told, out))


async def _caught_up(run: Invocation, caller: Caller, order: _Order) -> models.KeyPlan:
    """The plan once the peers have said what they hold.

    Raises:
        Problem: exit 5; not all of them did in time.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + order.wait
    said = ""
    with _waiting(run) as status:
        while True:
            plan = await caller.call(KEY_PLAN, models.KeyPlanQuery(last=order.last))
            if plan.whole_book if order.whole_book else plan.caught_up:
                return plan
            text = " ".join(plan.waiting) or "Not every peer this node knows has answered."
            if not plan.peers or loop.time() >= end:
                more = " A peer that is gone for good: netnode peer rm PEER. To wait longer: --wait SECONDS"
                raise Problem(
                    f"A rotation needs to know your newest entries first. Nothing was changed. {text}"
                    f"{more if plan.peers else ''}",
                    ExitCode.UNREACHABLE,
                    "catching_up",
                    {"waiting": plan.waiting},
                )
            if text != said:
                status(f"Asking your peers for entries of yours. {text}")
                said = text
            await asyncio.sleep(_LOOK_SECONDS)


async def _rotate(
    run: Invocation, caller: Caller, order: _Order, request: models.KeyRotation
) -> tuple[models.KeyRotated, int]:
    """Rotates, then waits a little until the peers in session have it; returns how many do."""
    plan = await _caught_up(run, caller, order)
    if plan.head != request.head:
        raise Problem(
            "Your log went on since you looked. Look again: netnode key rotate", ExitCode.REFUSED, "moved_on"
        )
    rotated = await caller.call(KEY_ROTATE, request)
    loop = asyncio.get_running_loop()
    end = loop.time() + _TOLD_SECONDS
    told = 0
    with _waiting(run) as status:
        status("Telling your peers.")
        while told < rotated.sessions and loop.time() < end:
            page = await caller.call(KEY_HISTORY, models.Listed(limit=1))
            told = len(page.items[0].told) if page.items else 0
            await asyncio.sleep(_LOOK_SECONDS)
    return rotated, told


def _waiting(run: Invocation) -> AbstractContextManager[Callable[[str], Any]]:
    """Shows on stderr what is waited for, where that is a terminal."""
    console = messages()
    if run.json or not console.is_terminal:
        return nullcontext(lambda text: None)
    return _Status(console.status("Asking your peers."))


class _Status:
    """A line that says what is going on, while the context lasts."""

    def __init__(self, status: Any) -> None:
        self._status = status

    def __enter__(self) -> Callable[[str], Any]:
        self._status.start()
        return lambda text: self._status.update(output.plain(text))

    def __exit__(self, *_: object) -> None:
        self._status.stop()


def _promises(plan: models.KeyPlan) -> list[bytes]:
    return [bytes.fromhex(promise) for promise in plan.promises]


def _id(text: str) -> bytes:
    try:
        return parse_id(text)
    except RemoteProtocolError as error:
        raise Problem(f"{text} is no networker id.", code="answer") from error


def _show_plan(plan: models.KeyPlan, new_words: bool) -> None:
    output.say(f"The rotation opens epoch {plan.epoch} after your entry {plan.last}.")
    if not plan.disowned_count:
        output.say("Nothing leaves your log.")
    else:
        output.say(
            f"{output.counted(plan.disowned_count, 'entry leaves', 'entries leave')} your log for good. Did you "
            "write this, or whoever holds the stolen key?"
        )
        output.table(
            ("seq", "kind", "time (UTC)", "what"),
            [
                (str(one.seq), one.kind_name, output.when(one.time), one.summary)
                for one in plan.disowned[:_SHOWN]
            ],
            right=(0,),
        )
        if plan.disowned_count > _SHOWN:
            output.say(f"and {plan.disowned_count - _SHOWN:,} more.")
    if plan.last == plan.seq:
        output.say(
            "Everything up to your newest entry stays. If somebody else wrote the newest ones, see them with",
            "netnode log ls, and name the last one that is yours with --last SEQ.",
        )
    if new_words:
        output.say(
            "Your recovery words are replaced too. Destroy the old ones then: whoever has them could still freeze your",
            "identity, though not take it.",
        )


def _handed_out(
    run: Invocation, out: Path, plan: models.KeyPlan, entropy: bytes, *, ask: bool
) -> AbstractContextManager[None]:
    spoken = words.encode_words(entropy)
    sheet = words.recovery_sheet(plan.id, plan.network, spoken, plan.addresses)
    doubt = (
        f"The words in {out} may not be in force. Look whether the epoch is {plan.epoch}: netnode key show. "
        f"If it is not, delete {out} and keep your old words."
    )
    return hand_out(run, out, sheet, spoken, ask=ask, doubt=doubt)


def _show_rotated(rotated: models.KeyRotated, told: int, out: Path | None) -> None:
    output.say(
        f"Your signing key was replaced: epoch {rotated.epoch} begins at entry {rotated.seq}.",
        f"{told} of {output.counted(rotated.sessions, 'connected peer')} {'has' if told == 1 else 'have'} it already; "
        "the others hear of it when they meet one that has.",
    )
    if rotated.disowned:
        output.say(
            f"{output.counted(rotated.disowned, 'entry', 'entries')} left your log. See them with: netnode key disowned"
        )
    if out is not None:
        output.say(f"Move {out} away from this computer, and destroy your old recovery words.")
    _show_issuers(rotated.issuers)
    output.say("Who knows of it: netnode key history")


# -- words ---------------------------------------------------------------------------------------------------
@key.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode key check                                      asks for the words",
        "netnode key check --words-file recovery-nx1abcde.txt",
    ),
)
@words_option
@click.pass_context
def check(context: click.Context, words_file: Path | None) -> None:
    """Check that recovery words are those in force for you; nothing is changed."""
    run = invocation(context)
    plan = call(run, KEY_PLAN, models.KeyPlanQuery())
    known_words(
        run, words_file, lambda each: require_words(plan.network, each, _promises(plan), _id(plan.id))
    )
    output.emit(
        run,
        {"id": plan.id, "in_force": True},
        lambda _: output.say(f"These are the words in force for {plan.id}."),
    )


# -- what came of rotations ----------------------------------------------------------------------------------
@key.command(cls=NodeCommand, epilog=examples("netnode key history"))
@page_options
@click.pass_context
def history(context: click.Context, limit: int, cursor: str | None) -> None:
    """List your rotations: when, what left your log, and which peers know of it."""
    run = invocation(context)
    output.emit(run, call(run, KEY_HISTORY, models.Listed(limit=limit, cursor=cursor)), _show_history)


def _show_history(page: models.Page[models.KeyEpoch]) -> None:
    if not page.items:
        output.say("Your signing key was never replaced.")
        return
    for one in page.items:
        output.say(
            f"epoch {one.epoch}  since {output.when(one.time)} UTC, entry {one.seq} ({one.entry[:12]})",
            f"  left your log: {output.counted(one.disowned, 'entry', 'entries')}"
            + (f", see netnode key disowned --epoch {one.epoch - 1}" if one.disowned else ""),
        )
        for each in one.told:
            output.say(f"  knows of it    {_peer(each)}  since {output.when(each.at)} UTC")
        for each in one.untold:
            output.say(f"  not heard yet  {_peer(each)}")
        _show_issuers(one.issuers)
    output.more(page.next)


def _show_issuers(issuers: Sequence[models.KeyIssuer]) -> None:
    """Issuers of your credit take your old key until their log has the rotation."""
    for one in issuers:
        name = " ".join(part for part in (output.short(one.issuer), one.name) if part)
        state = f"sent {output.when(one.sent)} UTC"
        if one.acknowledged is not None:
            state += f", acknowledged {output.when(one.acknowledged)} UTC"
        output.say(f"  issuer         {name}  {state}{', logged' if one.logged else ', not logged yet'}")


def _peer(receipt: models.KeyReceipt) -> str:
    return " ".join(part for part in (output.short(receipt.peer), receipt.name) if part and part != "-")


@key.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode key disowned",
        "netnode key disowned --epoch 0     what the first key signed",
    ),
)
@click.option("--epoch", type=click.IntRange(0), metavar="N", help="Only what the key of this epoch signed.")
@page_options
@click.pass_context
def disowned(context: click.Context, epoch: int | None, limit: int, cursor: str | None) -> None:
    """List entries with your signature that are out of your log, kept as evidence."""
    run = invocation(context)
    query = models.KeyExhibits(epoch=epoch, limit=limit, cursor=cursor)
    output.emit(run, call(run, KEY_DISOWNED, query), _show_disowned)


def _show_disowned(page: models.Page[models.KeyExhibit]) -> None:
    if not page.items:
        output.say("Nothing left your log.")
        return
    rows = [
        (
            f"{one.entry.epoch}/{one.entry.term}/{one.entry.seq}",
            one.entry.kind_name,
            output.when(one.entry.time),
            one.entry.summary,
            "after the rotation" if one.afterwards else "",
            ", ".join(output.short(peer) for peer in one.shown_by),
        )
        for one in page.items
    ]
    output.table(("epoch/term/seq", "kind", "time (UTC)", "what", "signed", "seen at"), rows)
    for one in page.items:
        if one.why:
            place = f"{one.entry.epoch}/{one.entry.term}/{one.entry.seq}"
            output.say(f"{place} is not logged again: {output.plain(one.why)}.")
    output.more(page.next)


# -- standing ------------------------------------------------------------------------------------------------
@click.command(cls=NodeCommand, epilog=examples("netnode standing", "netnode standing --publish"))
@click.option("--publish", is_flag=True, help="Publish one now, also if one is there.")
@passphrase_option
@click.pass_context
def standing(context: click.Context, publish: bool, passphrase_file: Path | None) -> None:
    """Show whether what you published before your last rotation or settlement is vouched for.

    Who finds one old listing of yours without your whole log believes it only then. A running node sees to it.
    """
    run = invocation(context)
    if publish:
        found = call(run, STANDING_PUBLISH, models.Nothing(), passphrase_file)
    else:
        found = call(run, STANDING, models.Nothing())
    output.emit(run, found, _show_standing)


def _show_standing(found: models.StandingState) -> None:
    place = f"epoch {found.epoch}, term {found.term}"
    if not found.closed:
        output.say("Nothing of yours is older than your key in force, so nothing has to be vouched for.")
    elif found.published is None:
        output.say(
            f"{output.counted(found.closed, 'entry', 'entries')} from before {place} stand, and nothing vouches for "
            "them yet. Do it with: netnode standing --publish"
        )
    else:
        output.say(
            f"{output.counted(found.closed, 'entry', 'entries')} from before {place} stand; entry {found.published} "
            f"vouches for them ({output.counted(found.parts, 'part')})."
        )
