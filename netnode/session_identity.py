"""What this node proves in handshakes: its openers and a certified session key, kept good while it runs."""

from __future__ import annotations

from typing import Final

from netnode.assembly import Assembly, Ports
from netnode.keys.keystore import Keys
from netnode.problems import Problem
from protocol import limits
from protocol.certificate import DAY_MS, certify
from protocol.session import LocalIdentity
from protocol.signing import Signer

RENEW_BEFORE_MS: Final = 30 * DAY_MS
LONGEST_MS: Final = limits.SESSION_KEY_DAYS * DAY_MS + limits.CLOCK_TOLERANCE_MS
# Why: a look at the clock costs nothing; one that was set right cuts off until then
RENEWAL_SECONDS: Final = 60.0


class SessionIdentity:
    """The identity for the handshakes to come; build it with `SessionIdentity.of`.

    Args:
        parts: the open home; its key ring tells of changed keys.
        current: proved from now on.
    """

    __slots__ = ("_parts", "current")

    def __init__(self, parts: Assembly, current: LocalIdentity) -> None:
        self._parts = parts
        self.current = current

    @classmethod
    async def of(cls, parts: Assembly) -> SessionIdentity:
        """The identity of the keys in force, with a session key that is good for at least a month more.

        Raises:
            Problem: the keys are locked, the own log is not in the store, or the keystore cannot be written.
        """
        keys = await parts.ring.change(lambda keys: renewed_keys(parts.ports, keys))
        made = cls(parts, await _identity(parts, keys))
        parts.ring.tell(made.adopt)
        return made

    async def adopt(self, keys: Keys) -> None:
        """Proves with these keys from now on, as after a rotation [R-CERT-2]."""
        self.current = await _identity(self._parts, keys)

    async def renew(self) -> None:
        """Takes a new session key when the old one is good for less than a month [R-CERT-2].

        Raises:
            Problem: the keystore cannot be written; the key is good for weeks, so it can be tried again.
        """
        await self._parts.ring.change(lambda keys: renewed_keys(self._parts.ports, keys))


def renewed_keys(ports: Ports, keys: Keys) -> Keys:
    """The keys with a session key that is good for at least a month more: the same ones, or with a new one.

    One that is good for too long was made while this clock was ahead: no peer takes it [R-CERT-2].
    """
    now = ports.clock.now_ms()
    if RENEW_BEFORE_MS < keys.session_until - now <= LONGEST_MS:
        return keys
    return keys.with_session_key(
        ports.entropy.token(limits.KEY_BYTES), now + limits.SESSION_KEY_DAYS * DAY_MS
    )


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
