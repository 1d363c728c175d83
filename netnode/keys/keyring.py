"""The opened keys of a running program: one holder, so that no change overwrites another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from netnode.home import Home
from netnode.keys.keystore import Keys, Keystore
from netnode.ports import Disk, Entropy, Executor, Lane
from netnode.problems import ExitCode, Problem
from protocol.openers import Openers

Told = Callable[[Keys], Awaitable[None]]
"""Told of keys that are on disk."""


class KeyRing:
    """The keys in force, and the one way to change them.

    Args:
        home: its keystore is written.
        disk: writes it.
        entropy: salts and nonces.
        executor: deriving the key of the keystore is slow.
        keys: as opened; None while they are locked.
        passphrase: what opened them; None for plain ones.
    """

    __slots__ = (
        "_disk",
        "_entropy",
        "_executor",
        "_home",
        "_keys",
        "_passphrase",
        "_told",
        "_turn",
        "_unsaved",
    )

    def __init__(
        self,
        home: Home,
        disk: Disk,
        entropy: Entropy,
        executor: Executor,
        keys: Keys | None,
        passphrase: bytes | None,
    ) -> None:
        self._home = home
        self._disk = disk
        self._entropy = entropy
        self._executor = executor
        self._keys = keys
        self._passphrase = passphrase
        self._turn = asyncio.Lock()
        self._told: list[Told] = []
        self._unsaved = False

    @property
    def opened(self) -> Keys | None:
        """The keys in force; None while they are locked."""
        return self._keys

    @property
    def keys(self) -> Keys:
        """The keys in force.

        Raises:
            Problem: `passphrase_needed` (exit 2): they are locked.
        """
        if self._keys is None:
            raise Problem(
                "The keys of this networker are locked. Give --passphrase-file FILE, or start the node with it.",
                ExitCode.USAGE,
                "passphrase_needed",
            )
        return self._keys

    def tell(self, told: Told) -> None:
        """Has somebody told of each change from now on, once it is on disk."""
        self._told.append(told)

    def reconcile(self, openers: Openers) -> None:
        """Puts a pending rotation into force that reached the log before a crash [R-LOG-20]; before anybody is told.

        What a rotation left pending that never reached the log is of no effect; the next one takes its place.
        """
        if self._keys is not None and (promoted := in_force(self._keys, openers)) is not self._keys:
            self._keys = promoted
            self._unsaved = True

    async def save(self) -> None:
        """Writes what `reconcile` found.

        Raises:
            Problem: the disk.
        """
        if self._unsaved:
            await self.change(lambda keys: keys)

    async def change(self, new: Callable[[Keys], Keys]) -> Keys:
        """Replaces the keys, on disk first, then for everybody who was to be told.

        Args:
            new: gives the new keys from those in force; when it gives the same ones back nothing is written.

        Raises:
            Problem: they are locked, or the disk fails: the old ones stay in force.
        """
        async with self._turn:
            before = self.keys
            after = new(before)
            if after is not before or self._unsaved:
                await self._executor.run(Lane.VERIFIER, self._write, after)
                self._keys, self._unsaved = after, False
                for told in self._told:
                    await told(after)
            return after

    def _write(self, keys: Keys) -> None:
        keystore = Keystore(self._home, self._disk, self._entropy)
        keystore.open(self._passphrase if keystore.public().protected else None)
        keystore.save(keys)


def in_force(keys: Keys, openers: Openers) -> Keys:
    """The keys that these openers call for: the pending ones once their rotation is known, else the same."""
    pending = keys.pending
    if pending is not None and pending.signing_key in openers.keys(pending.epoch):
        return keys.promoted()
    return keys
