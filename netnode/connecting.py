"""The parts of a running node that meet peers: links, the identity they prove, the sessions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from netnode.assembly import Assembly, agent
from netnode.homes.refetching import bare_core, fetch_own_log
from netnode.mail.delivery import Delivery
from netnode.mail.routes import Routes
from netnode.ports import Dialer, Listener
from netnode.recovering import fetch_log
from netnode.session_identity import SessionIdentity
from netnode.store import PeerRow
from netnode.sync.claims import Claims
from netnode.sync.groups import group_of
from netnode.sync.peering import Core
from netnode.sync.ranges import Held
from netnode.sync.reach import Reach
from netnode.sync.sessions import SessionKeeper


@dataclass(frozen=True, slots=True)
class Connections:
    """The parts; `held` is None where a node keeps few logs."""

    identity: SessionIdentity
    sessions: SessionKeeper
    held: Held | None
    delivery: Delivery


@asynccontextmanager
async def connecting(
    parts: Assembly, listener: Listener, addresses: tuple[str, ...]
) -> AsyncIterator[Connections]:
    """Puts the parts together; they begin to work with `SessionKeeper.start`, and all links end with the context.

    Args:
        parts: the open home.
        listener: accepts links; closed with `SessionKeeper.close`.
        addresses: of peers, asked for the own log where it is not here.

    Raises:
        Problem: the own log is not in the store, and nobody who could be reached has it.
    """
    settings, ports = parts.settings, parts.ports
    dialer = ports.dialer()
    try:
        await fetch_own_log(parts, dialer, addresses)
        identity = await SessionIdentity.of(parts)
        keeps_all = settings.interest == "all"
        held = Held(parts.store, settings.network, ports.entropy, ports.clock) if keeps_all else None
        reach = Reach(
            settings.network,
            parts.store,
            ports.clock,
            ports.entropy,
            dialer,
            lambda: identity.current,
            agent(),
        )
        core = Core(
            settings.network,
            parts.store,
            parts.gate,
            parts.bus,
            ports.clock,
            parts.own.witness,
            own=parts.own,
            # A node that keeps few logs has little to answer.
            searched_as=parts.own.id if keeps_all and settings.answer_searches == "on" else None,
            keeping=parts.keeping,
            stamping=parts.stamping,
            held=held,
            reach=reach,
            claims=Claims(ports.clock),
            post=parts.mail.reception,
            failures=parts.failures,
            reckoned=parts.reckoned,
        )
        sessions = SessionKeeper(
            core,
            parts.own,
            lambda: identity.current,
            settings,
            ports.entropy,
            dialer,
            listener,
            agent(),
        )

        async def look_for_rotation(address: str) -> None:
            row = PeerRow(addresses=(address,), added=ports.clock.now_ms())
            for heard in await fetch_log(
                bare_core(parts), dialer, ports.entropy, parts.own.id, [row], agent()
            ):
                # It told what it holds all the same: the rotation by which the owner goes on need not wait for it.
                if heard.answered and heard.whole and heard.peer.id is not None:
                    await parts.own.caution.answered(heard.peer.id, group_of(address))

        sessions.look_for_rotation = look_for_rotation
        parts.own.skew = sessions.skew
        reach.named = sessions.invited
        parts.keeping.on_wider = sessions.compare_again
        parts.stamping.on_better = sessions.show_stamp
        parts.bus.subscribe(lambda _: parts.stamping.busy())
        yield Connections(identity, sessions, held, _delivery(parts, dialer, sessions))
    finally:
        await dialer.close()


def _delivery(parts: Assembly, dialer: Dialer, sessions: SessionKeeper) -> Delivery:
    """What brings letters on their way."""
    mail, ports = parts.mail, parts.ports

    async def fetch(networker: bytes, peers: Sequence[PeerRow]) -> None:
        await fetch_log(bare_core(parts), dialer, ports.entropy, networker, peers, agent())

    mail.inbox.refuses = mail.mailbox.refuses = sessions.refuses
    routes = Routes(parts.store, dialer, sessions, fetch, parts.failures)
    return Delivery(
        parts.own.id,
        parts.store,
        mail.letters,
        mail.seals,
        mail.keys,
        routes,
        mail.reception,
        ports.clock,
        ports.entropy,
        parts.failures,
    )
