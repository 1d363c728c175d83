"""Ping, netcheck, and the nodes nearby.

netcheck asks peers to dial back. Where nobody can, the node works all the same through the sessions it opens itself;
it says so, and what the owner may do about it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

from msgspec import structs

from netnode.nearby import Neighbourhood
from netnode.operations import models
from netnode.ports import Clock, LinkClosed
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.services import paging
from netnode.services.advice import advice
from netnode.services.invites import Addresses
from netnode.services.ports import Serving, Session, Sessions
from netnode.store import PeerRow, Reader, Store
from netnode.sync.reachability import kind_of
from protocol.errors import ProtocolError
from protocol.identity import id_text
from protocol.messages import DialledBack
from protocol.uri import format_invite

ASKED: Final = 4  # peers in one netcheck: two that agree and some that do not answer
PORTS: Final = 2  # why: each that fails takes a peer five seconds, and its ration
CHECK_SECONDS: Final = 15.0
FRESH_MS: Final = 3_600_000  # why: routers and addresses change, but not by the minute
_LIST: Final = "nearby"


class Reaching:
    """`operations.services.Reaching`.

    Args:
        store: names of peers.
        clock: ages of answers.
        sessions: who is asked; None when no network is open.
        serving: where the running node answers; gives None when none is running.
        addresses: where this node is announced.
        local: the IP addresses of this computer.
        nearby: the nodes of the local network.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        sessions: Sessions | None,
        serving: Callable[[], Serving | None],
        addresses: Addresses,
        local: Callable[[], Sequence[str]],
        nearby: Neighbourhood,
    ) -> None:
        self._store = store
        self._clock = clock
        self._sessions = sessions
        self._serving = serving
        self._addresses = addresses
        self._local = local
        self._nearby = nearby

    # -- ping ------------------------------------------------------------------------------------------------
    async def ping(self, peer: str) -> models.Pinged:
        """Asks a peer for a sign of life.

        Raises:
            Problem: nobody of that name is known (3); no running node, no session or no answer (5).
        """
        sessions, _ = self._running()
        networker = await self._networker(peer)
        session = next((each for each in sessions.open_sessions() if each.id == networker), None)
        if session is None:
            raise Problem(
                f"There is no session with {peer} now. See why with: netnode peer ls",
                ExitCode.UNREACHABLE,
                "no_session",
            )
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                pinged = await session.ping()
        except (ProtocolError, LinkClosed, TimeoutError) as error:
            raise Problem(
                f"{peer} does not answer: {_why(error)}.", ExitCode.UNREACHABLE, "no_answer"
            ) from error
        return models.Pinged(
            id=id_text(session.id),
            name=(await self._names([session.id])).get(session.id),
            remote=session.remote,
            milliseconds=round(pinged.milliseconds, 1),
            clock=pinged.clock,
            seen_as=pinged.address or None,
        )

    # -- netcheck --------------------------------------------------------------------------------------------
    async def check(self) -> models.Netcheck:
        """Asks peers how they see this node and to dial it back.

        Raises:
            Problem: no node is running (5).
        """
        sessions, serving = self._running()
        checks = await self._look(sessions, serving, ASKED)
        opened = sessions.open_sessions()
        now = self._clock.now_ms()
        local = [each for each in self._local() if kind_of(each) not in (None, "loopback")]
        reachability = sessions.reachability
        seen_as = list(reachability.hosts(now))
        doubt = sessions.doubt()
        result = models.Netcheck(
            reachable=reachability.verdict(now).value,
            listen=serving.peer,
            port=serving.port,
            local=local,
            seen_as=seen_as,
            confirmed=list(reachability.confirmed(now)),
            ipv6=any(":" in each and kind_of(each) == "public" for each in local),
            outbound=sum(each.outbound for each in opened),
            inbound=sum(not each.outbound for each in opened),
            clock=sessions.skew(),
            clock_doubt=None if doubt is None or not (doubt.sure or doubt.alone) else doubt.off,
            peers=checks,
            advice=[],
        )
        told = advice(result, only_here=serving.only_here, announced=await self._addresses.public())
        return structs.replace(result, advice=told)

    async def look(self) -> None:
        """A chore of the running node: asks a few peers now and then, so that the status can say how it stands."""
        serving = self._serving()
        if serving is None or self._sessions is None or serving.only_here:
            return  # who listens to this computer only need not ask
        checked = self._sessions.reachability.checked
        if checked is None or self._clock.now_ms() - checked >= FRESH_MS:
            await self._look(self._sessions, serving, 2)

    async def _look(self, sessions: Sessions, serving: Serving, most: int) -> list[models.PeerCheck]:
        """Asks up to `most` peers, those this node dialled first: they are where others are."""
        able = [each for each in sessions.open_sessions() if each.answers_pings]
        chosen = sorted(able, key=lambda each: not each.outbound)[:most]
        ports = await self._ports(serving)
        checks = await asyncio.gather(*(self._ask(each, ports) for each in chosen))
        names = await self._names([each.id for each in chosen])
        return [
            structs.replace(check, name=names.get(session.id))
            for check, session in zip(checks, chosen, strict=True)
        ]

    async def _ask(self, session: Session, ports: Sequence[int]) -> models.PeerCheck:
        check = models.PeerCheck(id=id_text(session.id), remote=session.remote)
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                pinged = await session.ping()
                check = structs.replace(
                    check,
                    milliseconds=round(pinged.milliseconds, 1),
                    clock=pinged.clock,
                    seen_as=pinged.address or None,
                )
                told = await self._dialled_back(session, ports)
        except (ProtocolError, LinkClosed, TimeoutError) as error:
            return structs.replace(check, note=_why(error))
        return structs.replace(check, dialled=told.address, reached=told.reached)

    async def _dialled_back(self, session: Session, ports: Sequence[int]) -> DialledBack:
        """The first port at which the peer reaches this node, else the last it tried."""
        for port in ports:
            told = await session.dial_back(port)
            if told.reached:
                break
        return told

    async def _ports(self, serving: Serving) -> list[int]:
        """The ports peers may try: those of the public ``ws://`` addresses, else the one it listens on."""
        public = [urlsplit(each) for each in await self._addresses.public()]
        announced = [each.port or 80 for each in public if each.scheme == "ws"]
        return list(dict.fromkeys(announced))[:PORTS] or [serving.port]

    # -- nearby ----------------------------------------------------------------------------------------------
    async def nearby(self, query: models.Listed) -> models.Page[models.Neighbour]:
        """Nodes that announce themselves in the local network.

        Raises:
            Problem: no node is running (5), or it does not look around (4).
        """
        self._running()
        if not self._nearby.looking:
            raise Problem(
                f"This node does not look around in the local network: {self._nearby.why_not}",
                ExitCode.REFUSED,
                "not_looking",
            )
        after = paging.opened_id(_LIST, query.cursor)
        found = [each for each in self._nearby.found() if after is None or each.id > after]
        page = found[: query.limit]
        following = paging.seal(_LIST, page[-1].id.hex()) if len(found) > len(page) else None
        names = await self._names([each.id for each in page])
        known = {row.id for row in await self._store.read(Reader.peers)}
        return models.Page(
            [
                models.Neighbour(
                    id=id_text(each.id),
                    name=names.get(each.id),
                    addresses=list(each.addresses),
                    uri=format_invite(each.id, each.addresses),
                    seen=each.seen,
                    known=each.id in known,
                )
                for each in page
            ],
            following,
        )

    # -- steps -----------------------------------------------------------------------------------------------
    def _running(self) -> tuple[Sessions, Serving]:
        serving = self._serving()
        if self._sessions is None or serving is None:
            raise Problem(
                "No node is running, so there is nobody to ask. Start it with: netnode start",
                ExitCode.UNREACHABLE,
                "not_running",
            )
        return self._sessions, serving

    async def _networker(self, name: str) -> bytes:
        """The networker of a peer, named by its id or by one of its addresses. Raises Problem (3)."""
        rows: list[PeerRow] = await self._store.read(Reader.peers)
        for row in rows:
            if row.id is not None and (name in row.addresses or name.lower() == id_text(row.id)):
                return row.id
        raise Problem(
            f"{name} is not in the book. Name a peer by its id or address: netnode peer ls",
            ExitCode.NOT_FOUND,
            "no_peer",
        )

    async def _names(self, networkers: Sequence[bytes]) -> dict[bytes, str]:
        return await self._store.read(lambda reader: views.names(reader.connection, networkers))


def _why(error: Exception) -> str:
    if isinstance(error, ProtocolError):
        return error.text
    if isinstance(error, TimeoutError):
        return f"no answer within {CHECK_SECONDS:.0f} s"
    return "the session ended"
