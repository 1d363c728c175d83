"""The command that brings a networker back on a new computer."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final

import click

from netnode.cli import output
from netnode.cli.asking import confirm, new_passphrase, require_answer
from netnode.cli.frame import Invocation, NodeCommand, examples, file_option, invocation
from netnode.cli.node import peer_uris
from netnode.cli.reach import use
from netnode.cli.recovery_words import hand_out, known_words, require_new, words_option
from netnode.keys import words
from netnode.keys.keystore import WARNING
from netnode.keys.rotating import grant, require_words
from netnode.operations import models
from netnode.operations.calling import Caller
from netnode.operations.keys import KEY_HISTORY, KEY_SHOW
from netnode.operations.peers import PEER_ADD
from netnode.operations.runtime import Answered, Fetched, Returned
from netnode.problems import ExitCode, Problem
from netnode.system import SystemEntropy
from protocol.errors import RemoteProtocolError
from protocol.identity import id_text, parse_id

_QUESTION: Final = "Go on with a new key?"
_LOOK_SECONDS: Final = 0.5
_TOLD_SECONDS: Final = 15.0


def _networker(context: click.Context, parameter: click.Parameter, value: str) -> bytes:
    try:
        return parse_id(value.strip())
    except RemoteProtocolError as error:
        raise click.BadParameter(
            f"{value[:80]!r} is no networker id: {error.text}.", context, parameter
        ) from error


@click.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode recover --id nx1... --peer ws://shop.example:4747/inx/1",
        'netnode recover --id nx1... --peer "inx:nx1..." --words-file sheet.txt',
    ),
)
@click.option(
    "--id", "networker", required=True, metavar="ID", callback=_networker, help="Who you are: nx1..."
)
@words_option
@click.option(
    "--peer",
    "peers",
    metavar="URI",
    multiple=True,
    required=True,
    callback=peer_uris,
    help="A peer that may hold your log: inx: or ws://. Repeatable; give all you know.",
)
@click.option("--new-words", is_flag=True, help="Replace the recovery words too. Needs --out.")
@file_option("--out", help="New file for the new recovery words.")
@click.option(
    "--no-passphrase", is_flag=True, help="Ask for none: store the keys in a file that only you can read."
)
@file_option("--passphrase-file", help="File whose first line is the passphrase for the keys.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def recover(
    context: click.Context,
    networker: bytes,
    words_file: Path | None,
    peers: tuple[str, ...],
    new_words: bool,
    out: Path | None,
    no_passphrase: bool,
    passphrase_file: Path | None,
    yes: bool,
) -> None:
    """Bring your identity back in an empty home, with your recovery words and the address of a peer or more.

    Your log is fetched from the peers, then your key is replaced: a lost or stolen one is worth nothing from then on.
    An attempt that was interrupted can be made again.
    """
    run = invocation(context)
    if new_words != (out is not None):
        text = "New recovery words need a file to go to: give --new-words and --out FILE together."
        raise Problem(text, ExitCode.USAGE, "usage")
    if out is not None:
        require_new(out)
    if no_passphrase and passphrase_file is not None:
        text = "--no-passphrase and --passphrase-file contradict each other. Give one of them."
        raise Problem(text, ExitCode.USAGE, "usage")
    if run.home.initialised():
        raise Problem(
            f"{run.home.path} holds a networker already. To replace its key: netnode key rotate. To bring another one "
            "back name an empty folder with --home.",
            ExitCode.REFUSED,
            "exists",
            {"path": str(run.home.path)},
        )
    require_answer(run, _QUESTION, yes=yes)
    entropy = known_words(run, words_file)
    passphrase = None if no_passphrase else new_passphrase(run, passphrase_file)
    if passphrase is None:
        output.hint(f"Warning: {WARNING}")
    fetched = run.runtime.fetch(run.home.path, networker=networker, peers=peers, heard=_hint_answer)
    require_words(fetched.network, entropy, fetched.promises, networker)
    _require_answers(fetched)
    if not run.json:
        _show_fetched(fetched)
    confirm(run, _QUESTION, yes=yes)
    after = entropy if out is None else SystemEntropy().token(words.ENTROPY_SIZE)
    given = grant(fetched.network, entropy, fetched.epoch + 1, after)
    with nullcontext() if out is None else _handed_out(run, out, networker, fetched, after, ask=not yes):
        returned = run.runtime.take_over(
            run.home.path, networker=networker, grant=given, passphrase=passphrase
        )
    told = _tell(run, networker, peers, passphrase)
    answer = {
        "id": id_text(networker),
        "home": str(returned.home),
        "epoch": returned.epoch,
        "seq": returned.seq,
        "entries": fetched.entries,
        "missing": fetched.missing,
        "peers": [
            {
                "peer": each.peer,
                "answered": each.answered,
                "seq": each.seq,
                "note": each.note,
            }
            for each in fetched.answers
        ],
        "told": told,
        "new_words": None if out is None else str(out),
    }
    output.emit(run, answer, lambda _: _show_returned(returned, told, out))


def _hint_answer(answer: Answered) -> None:
    if not answer.answered:
        output.hint(f"{answer.peer} did not answer: {answer.note}")
    elif answer.seq is None:
        output.hint(f"{answer.peer} holds nothing of your log.")
    else:
        output.hint(f"{answer.peer} holds your log up to entry {answer.seq}.")


def _require_answers(fetched: Fetched) -> None:
    """What a silent peer holds alone would be lost: its owner decides by leaving it out [R-LOG-23].

    Raises:
        Problem: exit 5, naming those that did not answer or did not give what they claim.
    """
    silent = [each for each in fetched.answers if not each.answered]
    stingy = [each for each in fetched.answers if each.answered and not each.whole]
    if not silent and not stingy:
        return
    named = ", ".join(each.peer for each in [*silent, *stingy][:5])
    raise Problem(
        f"Not every peer you named gave what it holds: {named}. Entries that only such a peer has would leave "
        "your log. Try again when it is online, or leave it out of the command if it is gone for good.",
        ExitCode.UNREACHABLE,
        "catching_up",
        {"silent": [each.peer for each in silent], "lacking": [each.peer for each in stingy]},
    )


def _show_fetched(fetched: Fetched) -> None:
    output.say(
        f"Your log is here: {output.counted(fetched.entries, 'entry', 'entries')} up to number {fetched.seq} of "
        f"{output.when(fetched.time)} UTC, epoch {fetched.epoch}."
    )
    if fetched.missing:
        output.say(f"{fetched.missing:,} older entries or their contents were let go of by these peers.")
    if fetched.contested:
        output.say("Two rotations contest your identity; the one to come ends that.")
    elif fetched.forked:
        output.say("Your log is forked; it goes on with the branch that came first.")
    output.say("What you wrote later than that, and gave to none of these peers, leaves your log.")


def _handed_out(
    run: Invocation, out: Path, networker: bytes, fetched: Fetched, entropy: bytes, *, ask: bool
) -> AbstractContextManager[None]:
    spoken = words.encode_words(entropy)
    addresses = [each.address for each in fetched.answers if each.answered and each.address]
    sheet = words.recovery_sheet(id_text(networker), fetched.network, spoken, addresses)
    doubt = (
        f"The words in {out} are in force only if {run.home.path} is your home now: netnode key show. If it is not, "
        f"delete {out}, keep your old words, and try again."
    )
    return hand_out(run, out, sheet, spoken, ask=ask, doubt=doubt)


def _tell(run: Invocation, networker: bytes, peers: tuple[str, ...], passphrase: bytes | None) -> int:
    """Runs the node for a moment, so that the peers hear of the new key; returns how many have."""
    others = [uri for uri in peers if not uri.lower().startswith(f"inx:{id_text(networker)}")]

    async def work(caller: Caller) -> int:
        for uri in others:
            await caller.call(PEER_ADD, models.PeerUri(uri=uri))
        state = await caller.call(KEY_SHOW, models.Nothing())
        loop = asyncio.get_running_loop()
        end, told = loop.time() + _TOLD_SECONDS, 0
        while told < len(others) and loop.time() < end:
            await asyncio.sleep(_LOOK_SECONDS)
            page = await caller.call(KEY_HISTORY, models.Listed(limit=1))
            told = len(page.items[0].told) if page.items and page.items[0].epoch == state.epoch else 0
        return told

    try:
        return use(run, work, online=True, passphrase=passphrase)
    except Problem as problem:  # the identity is back all the same
        output.hint(f"The peers are not told yet: {problem.text}")
        return 0


def _show_returned(returned: Returned, told: int, out: Path | None) -> None:
    output.say(
        "",
        f"You are back: {id_text(returned.id)}",
        f"Your new key opened epoch {returned.epoch} at entry {returned.seq}; "
        f"{output.counted(told, 'peer knows', 'peers know')} it already.",
    )
    if out is not None:
        output.say(
            f"Your new recovery words are in {out}. Move it away from this computer, and destroy the old ones."
        )
    else:
        output.say("Your recovery words stay the same. Keep them where they are.")
    output.say(
        "Deals, mail and settings are in no log: a backup has them (netnode backup restore FILE), this home has not.",
        "",
        "Next:",
        "  netnode start                     run the node",
        "  netnode doctor                    see that all is well",
    )
