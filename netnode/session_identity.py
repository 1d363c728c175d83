"""What this node proves in handshakes: its openers and a certified session key, kept good while it runs."""

from __future__ import annotations

from typing import Final

from netnode.assembly import Assembly, Ports
from netnode.home import Home
from netnode.keystore import Keys, Keystore
from netnode.ports import Lane
from netnode.problems import Problem
from protocol import limits
from protocol.certificate import DAY_MS, certify
from protocol.session import LocalIdentity
from protocol.signing import Signer

RENEW_BEFORE_MS: Final = 30 * DAY_MS
RENEWAL_SECONDS: Final = 3_600.0  # why: a node may run for years; a look at the clock costs nothing


class SessionIdentity:
    """The identity for the handshakes to come; build it with `SessionIdentity.of`.

    Args:
        parts: the open home.
        keys: the opened keys.
        passphrase: what opened them, to write a renewed session key; None for plain ones.
        current: proved from now on.
    """

    __slots__ = ("_parts", "_passphrase", "current", "keys")

    def __init__(self, parts: Assembly, keys: Keys, passphrase: bytes | None, current: LocalIdentity) -> None:
        self._parts = parts
        self._passphrase = passphrase
        self.keys = keys
        self.current = current

    @classmethod
    async def of(cls, parts: Assembly, keys: Keys, passphrase: bytes | None) -> SessionIdentity:
        """The identity of these keys.

        Raises:
            Problem: the own log is not in the store.
        """
        return cls(parts, keys, passphrase, await _identity(parts, keys))

    async def adopt(self, keys: Keys) -> None:
        """Proves with these keys from now on, as after a rotation [R-CERT-2]."""
        self.current = await _identity(self._parts, keys)
        self.keys = keys

    async def renew(self) -> None:
        """Takes a new session key when the old one is good for less than a month [R-CERT-2].

        Raises:
            Problem: the keystore cannot be written; the key is good for weeks, so it can be tried again.
        """
        parts, keys = self._parts, self.keys
        renewed = await parts.ports.executor.run(
            Lane.VERIFIER, renewed_keys, parts.home, parts.ports, keys, self._passphrase
        )
        if renewed is not keys:
            await self.adopt(renewed)


def renewed_keys(home: Home, ports: Ports, keys: Keys, passphrase: bytes | None) -> Keys:
    """The keys with a session key that is good for at least a month more.

    Raises:
        Problem: the keystore cannot be written.
    """
    now = ports.clock.now_ms()
    if keys.session_until - now > RENEW_BEFORE_MS:
        return keys
    keystore = Keystore(home, ports.disk, ports.entropy)
    keystore.open(passphrase if keystore.public().protected else None)
    renewed = keys.with_session_key(
        ports.entropy.token(limits.KEY_BYTES), now + limits.SESSION_KEY_DAYS * DAY_MS
    )
    keystore.save(renewed)
    return renewed


async def _identity(parts: Assembly, keys: Keys) -> LocalIdentity:
    state = await parts.gate.state(keys.networker)
    if state is None:
        raise Problem(
            "The own log is not in the store, and it cannot be begun anew. Put back a backup of the home.",
            code="own_log",
        )
    openers = tuple(openings[0].entry for openings in state.openers.epochs)
    certificate = certify(keys.network, Signer(keys.signing_seed), keys.session_key, keys.session_until)
    return LocalIdentity(keys.networker, openers, certificate, keys.session_private)
