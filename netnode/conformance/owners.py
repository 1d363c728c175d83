"""The owner of the node under test, as far as checks need one: a command that does what only the owner may."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Sequence
from typing import Final, Protocol

from netnode.conformance.checking import Broken

ACTIONS: Final = ("accept", "received", "fulfil", "refund", "follow")
"""What an owner is asked for: to accept an order, confirm all payments, deliver, send back what is due; to follow."""
OWNER_SECONDS: Final = 30.0  # a command may have to start a whole program


class Owner(Protocol):
    """Whoever acts for the node's owner."""

    async def act(self, action: str, deal: bytes) -> str:
        """Does one of ACTIONS in a deal, or follows somebody.

        Args:
            action: which.
            deal: its id; of `follow` that of a networker.

        Returns:
            Why it could not be done, in the command's own words; empty when it was.
        """


class Command:
    """An owner behind a command line, which is called with the action and the id of the deal in hex.

    Args:
        words: of the command, as `netnode deal`.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = tuple(words)

    async def act(self, action: str, deal: bytes) -> str:
        """See `Owner.act`.

        Raises:
            Broken: the command cannot be run, or does not end.
        """
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *self._words, action, deal.hex(), stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
            )
        except OSError as error:
            raise Broken(f"the owner's command cannot be run: {error.strerror}") from error
        try:
            async with asyncio.timeout(OWNER_SECONDS):
                _, told = await process.communicate()
        except TimeoutError as error:
            raise Broken(f"the owner's command did not end within {OWNER_SECONDS:.0f} s") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode == 0:
            return ""
        return told.decode("utf-8", "replace").strip()[-300:] or f"it ended with {process.returncode}"


def read_owner(text: str) -> Command:
    """The command that a person names.

    Raises:
        ValueError: it is empty, or a quotation mark in it is not closed.
    """
    words = shlex.split(text)
    if not words:
        raise ValueError("the command is empty")
    return Command(words)
