"""Questions to a person at a new home, and what answers them where nobody can be asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from netnode.cli.frame import Invocation
from netnode.cli.output import hint, say
from netnode.keys.keystore import WARNING, read_passphrase_file, require_passphrase
from netnode.operations.runtime import Created
from netnode.problems import ExitCode, Problem
from netnode.system import SystemEntropy
from protocol.limits import MAX_NAME

_TRIES: Final = 3
_COLUMNS: Final = 4


def require_answer(run: Invocation, question: str, *, yes: bool) -> None:
    """Refuses at once what could not be confirmed later; `confirm` asks.

    Raises:
        Problem: exit 2 that names --yes, when nobody can be asked.
    """
    if not yes and not run.interactive:
        raise Problem(f"Nobody can be asked here: {question} If so, add --yes.", ExitCode.USAGE, "yes_needed")


def confirm(run: Invocation, question: str, *, yes: bool) -> None:
    """Asks before something that is not undone; --yes answers it.

    Raises:
        Problem: as `require_answer`.
        click.Abort: the person does not want it.
    """
    require_answer(run, question, yes=yes)
    if not yes:
        click.confirm(question, abort=True, err=True)


def make_home(
    run: Invocation,
    name: str | None,
    no_passphrase: bool,
    passphrase_file: Path | None,
    peers: tuple[str, ...] = (),
) -> tuple[Created, bytes | None]:
    """Makes a new home, asking at a terminal for what no option says.

    Returns:
        What was made, and the passphrase its keys are under.

    Raises:
        Problem: exit 2 that names the missing option; exit 4 when the home holds a networker.
    """
    if run.home.initialised():
        raise Problem(
            f"{run.home.path} holds a networker already. Start it with: netnode start. "
            "For another networker name another folder with --home.",
            ExitCode.REFUSED,
            "exists",
            {"path": str(run.home.path)},
        )
    run.home.refuse_lost_keys()
    if no_passphrase and passphrase_file is not None:
        text = "--no-passphrase and --passphrase-file contradict each other. Give one of them."
        raise Problem(text, ExitCode.USAGE, "usage")
    name = _name(run, name)
    passphrase = None if no_passphrase else new_passphrase(run, passphrase_file)
    if passphrase is None:
        hint(f"Warning: {WARNING}")
    created = run.runtime.initialise(run.home.path, name=name, passphrase=passphrase, peers=peers)
    return created, passphrase


def _name(run: Invocation, name: str | None) -> str:
    if name is None:
        if not run.interactive:
            text = "A new home needs the name that others will see. Give it with --name NAME."
            raise Problem(text, ExitCode.USAGE, "name_needed")
        name = str(click.prompt("The name that others will see", err=True))
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME or any(ord(char) < 32 or ord(char) == 127 for char in name):
        text = f"The name must be one line of 1 to {MAX_NAME} characters. Give another with --name NAME."
        raise Problem(text, ExitCode.USAGE, "name")
    return name


def new_passphrase(run: Invocation, passphrase_file: Path | None) -> bytes | None:
    """The passphrase for new keys; None when the person chooses none."""
    if passphrase_file is not None:
        passphrase, warning = read_passphrase_file(passphrase_file)
        if warning is not None:
            hint(warning)
        return passphrase
    if not run.interactive:
        text = "Say how the keys are kept: --passphrase-file FILE, or --no-passphrase."
        raise Problem(text, ExitCode.USAGE, "passphrase_needed")
    hint("Choose a passphrase for your keys. Leave it empty to store them without one.")
    answer: str = click.prompt(
        "Passphrase", hide_input=True, confirmation_prompt=True, default="", show_default=False, err=True
    )
    if not answer:
        return None
    require_passphrase(answer.encode())
    return answer.encode()


def show_words(run: Invocation, created: Created) -> None:
    """Shows the recovery words once, and asks two back."""
    say(
        "These 24 words are the only way back to your identity when a key is stolen or a machine is lost.",
        "Write them down on paper now. They are not shown again.",
        "",
    )
    rows = -(-len(created.words) // _COLUMNS)
    for row in range(rows):
        numbers = range(row, len(created.words), rows)
        say("  " + "".join(f"{number + 1:>3}. {created.words[number]:<12}" for number in numbers).rstrip())
    say(
        "",
        f"They are also in {created.sheet}",
        "Move that file away from this computer, then delete it here.",
    )
    if run.interactive:
        ask_back(created.words)


def ask_back(words: Sequence[str]) -> None:
    """Asks for two of the words by their number, so that a note with a slip is noticed now."""
    places = list(range(len(words)))
    SystemEntropy().shuffle(places)
    for place in sorted(places[:2]):
        for _ in range(_TRIES):
            answer: str = click.prompt(f"To be sure, type word {place + 1}", err=True)
            if answer.strip().lower() == words[place]:
                break
            hint(f"That is not word {place + 1}. Look at your note.")
        else:
            hint(
                "Your note does not seem right. The words are in the recovery sheet: compare before you move it."
            )
            return
