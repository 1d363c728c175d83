"""`netnode key passphrase`: changes, sets or removes what the keys of a home are under."""

from __future__ import annotations

from pathlib import Path

import click

from netnode.cli import output
from netnode.cli.asking import new_passphrase
from netnode.cli.frame import Invocation, NodeCommand, examples, file_option, invocation
from netnode.cli.reach import known_passphrase, require_home
from netnode.cli.recovery_words import known_words
from netnode.keys.keystore import WARNING, Keys, Keystore
from netnode.problems import ExitCode, Problem
from netnode.system import SystemDisk, SystemEntropy
from protocol.recovery import backup_seed


@click.command(
    cls=NodeCommand,
    epilog=examples(
        "netnode key passphrase                              asks for the old one and the new one",
        "netnode key passphrase --forgotten                  asks for your recovery words instead",
        "netnode key passphrase --no-passphrase              store the keys without one",
        "netnode key passphrase --passphrase-file old.txt --new-passphrase-file new.txt",
    ),
)
@file_option("--passphrase-file", help="File whose first line is the passphrase in use.")
@file_option(
    "--words-file",
    help="File with the 24 recovery words, such as the recovery sheet, where the passphrase is forgotten.",
)
@file_option(
    "--new-passphrase-file", help="File whose first line is the new passphrase; else you are asked for it."
)
@click.option("--forgotten", is_flag=True, help="The one in use is forgotten: asks for the recovery words.")
@click.option(
    "--no-passphrase", is_flag=True, help="From now on, store the keys in a file that only you can read."
)
@click.pass_context
def passphrase(
    context: click.Context,
    passphrase_file: Path | None,
    words_file: Path | None,
    new_passphrase_file: Path | None,
    forgotten: bool,
    no_passphrase: bool,
) -> None:
    """Change, set or remove the passphrase of your keys, with the one in use or with your recovery words.

    The node must not run. Nobody else learns of it, and your keys stay the same. Copies of the home that were made
    before, backups too, keep the passphrase they had.
    """
    run = invocation(context)
    if no_passphrase and new_passphrase_file is not None:
        text = "--no-passphrase and --new-passphrase-file contradict each other. Give one of them."
        raise Problem(text, ExitCode.USAGE, "usage")
    forgotten = forgotten or words_file is not None
    if passphrase_file is not None and forgotten:
        text = "Give --passphrase-file, or --words-file where the passphrase is forgotten, not both."
        raise Problem(text, ExitCode.USAGE, "usage")
    if not (no_passphrase or new_passphrase_file or run.interactive):
        text = "Say how the keys are kept from now on: --new-passphrase-file FILE, or --no-passphrase."
        raise Problem(text, ExitCode.USAGE, "passphrase_needed")
    require_home(run)
    if run.home.running() is not None:
        text = "The node is running, with the keys open. End it first: netnode stop"
        raise Problem(text, ExitCode.REFUSED, "running")
    with run.home.lock():
        keystore = Keystore(run.home, SystemDisk(), SystemEntropy())
        keys = _opened(run, keystore, passphrase_file, words_file, forgotten)
        new = None if no_passphrase else new_passphrase(run, new_passphrase_file)
        keystore.protect(keys, new)
    if new is None:
        output.hint(f"Warning: {WARNING}")
    output.emit(run, {"protected": new is not None}, _show)


def _opened(
    run: Invocation,
    keystore: Keystore,
    passphrase_file: Path | None,
    words_file: Path | None,
    forgotten: bool,
) -> Keys:
    public = keystore.public()
    if not public.protected:
        return keystore.open(None)
    if forgotten:
        return keystore.open_by_words(backup_seed(public.network, known_words(run, words_file)))
    if passphrase_file is None and run.interactive:
        output.hint("First the passphrase in use. If you forgot it, press Ctrl-C and add --forgotten.")
    return keystore.open(known_passphrase(run, passphrase_file))


def _show(answer: dict[str, bool]) -> None:
    if answer["protected"]:
        output.say("Your keys are under the new passphrase.")
    else:
        output.say("Your keys are stored without a passphrase now.")
