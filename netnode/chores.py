"""What a running node does by itself, all of it: the list of its chores."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from netnode import telling, upkeep
from netnode.assembly import Assembly
from netnode.connecting import Connections
from netnode.deals.trading import LOOK_SECONDS as LOOK_AT_DEALS
from netnode.deals.trading import REMIND_SECONDS
from netnode.ledgers.stakes import LOOK_SECONDS as LOOK_AT_CREDIT
from netnode.mail.office import SWEEP_SECONDS
from netnode.nearby import Neighbourhood, look_around
from netnode.periodic import Periodic
from netnode.ports import Multicast
from netnode.services import encryption, standing
from netnode.services.backups import LOOK_SECONDS
from netnode.services.node_services import NodeServices
from netnode.services.ports import Serving
from netnode.session_identity import RENEWAL_SECONDS
from netnode.settings import Settings
from netnode.store import Store
from netnode.swapping.work import LOOK_SECONDS as LOOK_AT_SWAPS
from netnode.sync.ranges import HELD_SECONDS
from netnode.sync.sessions import WATCH_CLOCK_SECONDS, SessionKeeper
from netnode.teams.witnessing import LOOK_SECONDS as LOOK_AT_TEAMS
from protocol.address import Scope, host_scope, ip_of
from protocol.identity import id_text

ORDERS_SECONDS: Final = (
    3_600.0  # why: an order is looked at when it comes; this is for one that came before a crash
)
STAMP_SECONDS: Final = 60.0  # why: a full disk may have room again by then
MAIL_SECONDS: Final = 5.0  # why: after a full disk letters need not wait long
CREDIT_SECONDS: Final = 60.0  # why: after a full disk sales need not wait long
DAMAGE_SECONDS: Final = 5.0  # why: a look at a variable; what peers take meanwhile they verify
OUTSIDE_SECONDS: Final = 60.0  # why: a look at the clock; peers are asked once an hour
AROUND_SECONDS: Final = 300.0  # why: where the local network could not be looked at, it may be there later
_log = logging.getLogger("netnode")


def chores(parts: Assembly, connections: Connections, services: NodeServices) -> list[Periodic]:
    """The chores of a node, but for those that need to know where it serves."""
    sessions, clock = connections.sessions, parts.ports.clock
    asking = telling.Telling(parts.store, parts.own.id, sessions.open_sessions, clock)
    damage: list[str] = []

    async def challenges() -> None:
        await services.issued.challenging.run(parts.bus, parts.projector)

    async def standings() -> None:
        await services.standings.run(parts.bus, parts.projector)

    async def briefs() -> None:
        await services.briefs.run(parts.bus, parts.projector)

    found = [
        Periodic("renewing the session key", RENEWAL_SECONDS, connections.identity.renew),
        *upkeep.chores(parts),
        Periodic("watching the clock", WATCH_CLOCK_SECONDS, sessions.watch_clock),
        Periodic("looking from outside", OUTSIDE_SECONDS, services.reaching.look),
        Periodic("working for the stamp", STAMP_SECONDS, parts.stamping.run),  # ends only when a disk fails
        Periodic("making a backup", LOOK_SECONDS, services.backups.scheduled),
        Periodic("watching the store", DAMAGE_SECONDS, lambda: _withdraw(parts.store, sessions, damage)),
        Periodic("renewing the encryption keys", encryption.LOOK_SECONDS, services.keys.renew),
        Periodic("standing entries", standing.LOOK_SECONDS, services.keys.keep_standing),
        Periodic("delivering letters", MAIL_SECONDS, connections.delivery.run),  # it never ends
        Periodic("taking letters", MAIL_SECONDS, parts.mail.inbox.run),  # ends only when a disk fails
        Periodic("looking at deals", LOOK_AT_DEALS, parts.trading.look),
        Periodic("reminding of deals", REMIND_SECONDS, parts.trading.remind),
        Periodic("accepting orders", ORDERS_SECONDS, parts.trading.accepting.look_at_all),
        Periodic("logging sales", CREDIT_SECONDS, services.issued.sales.run),  # ends only when a disk fails
        Periodic("answering holders", CREDIT_SECONDS, services.issued.answering.run),  # likewise
        Periodic("looking at challenges", CREDIT_SECONDS, challenges),  # likewise
        Periodic("watching the credit you have", LOOK_AT_CREDIT, services.credit_watch.run),
        Periodic("weighing issuers", CREDIT_SECONDS, standings),  # likewise
        Periodic("measuring plans", CREDIT_SECONDS, briefs),  # likewise
        Periodic("looking after teams", LOOK_AT_TEAMS, services.team_work.run),
        Periodic("seeing to swaps and rotations", LOOK_AT_SWAPS, services.swapping.run),
        Periodic("forgetting old swaps and requests", SWEEP_SECONDS, services.swapping.sweep),
        Periodic("ending old letters", SWEEP_SECONDS, parts.mail.sweep),
        Periodic("ending old letters to shoppers", SWEEP_SECONDS, parts.boxes.sweep),
        Periodic("asking who knows the newest key", telling.LOOK_SECONDS, asking.run),
    ]
    if connections.held is not None:
        found.append(Periodic("reading the set of logs", HELD_SECONDS, connections.held.refresh))
    return found


def around(
    neighbourhood: Neighbourhood, settings: Settings, serving: Serving, multicast: Callable[[], Multicast]
) -> list[Periodic]:
    """The chore that announces this node in the local network, where it may be dialled from there."""
    if serving.only_here:
        neighbourhood.why_not = (
            'it listens to this computer only. To change that: netnode config set listen "0.0.0.0:4747"'
        )
        return []
    if settings.mdns == "off":
        neighbourhood.why_not = "the setting mdns is off. To change that: netnode config set mdns on"
        return []
    named = [serving.peer, *serving.announced]
    hosts = [host for each in named if ip_of(host := urlsplit(each).hostname or "") is not None]
    hosts = [host for host in hosts if host_scope(host) is not Scope.LOOPBACK]
    announcing = multicast()

    async def look() -> None:
        await look_around(neighbourhood, announcing, id_text(neighbourhood.own), serving.port, hosts)

    return [Periodic("looking around in the local network", AROUND_SECONDS, look)]


async def _withdraw(store: Store, sessions: SessionKeeper, told: list[str]) -> None:
    """Ends all sessions once damage was met in the store, so that none of it is sent."""
    if store.damaged is not None and not told:
        told.append(store.damaged)
        _log.error("nothing is written or sent any more: %s", store.damaged)
        await sessions.close()
