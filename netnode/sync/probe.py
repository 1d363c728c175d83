"""A short dial that tells whether a networker answers at an address, without a session.

Message 2 of the handshake proves who answers; the link ends there, before this side has shown itself.
"""

from __future__ import annotations

import asyncio
from typing import Final

from netnode.ports import Clock, Dialer, LinkClosed
from protocol.errors import RemoteProtocolError
from protocol.session import Session

PROBE_SECONDS: Final = 10.0


async def fault_at(
    dialer: Dialer,
    address: str,
    session: Session,
    clock: Clock,
    *,
    public: bool,
    seconds: float = PROBE_SECONDS,
) -> str:
    """Why the networker that the session expects does not answer there; empty when it does.

    Args:
        dialer: opens the link.
        address: to dial.
        session: new, as initiator, with the id that is expected.
        clock: for the certificate's expiry.
        public: whether a name that leads into a private network is refused.
        seconds: for all of it.
    """
    try:
        async with asyncio.timeout(seconds):
            link = await dialer.dial(address, public=public)
            try:
                for data in session.outgoing():
                    await link.send(data)
                session.receive(await link.receive(), clock.now_ms())
            finally:
                await link.close()
    except TimeoutError:
        return f"no answer within {seconds:.0f} s"
    except RemoteProtocolError as error:
        return error.text
    except (OSError, LinkClosed) as error:
        return str(error)
    return ""
