"""The node as a whole: its figures, and its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from netnode.failures import Failures
from netnode.keeping import Keeping
from netnode.ledgers.stakes import notices
from netnode.operations import models
from netnode.own.unrecognised import unrecognised
from netnode.ports import Clock
from netnode.problems import ExitCode, Problem
from netnode.projections import catalogue, views
from netnode.services import mail, witnesses
from netnode.services.backups import HomeBackups
from netnode.services.doctor import computer
from netnode.services.logs import DISTANCES
from netnode.services.ports import OwnLog, Serving, Sessions
from netnode.store import Reader, Store, blobs
from netnode.sync import address_store
from protocol.identity import id_text


class LiveState:
    """`operations.services.NodeState`.

    Args:
        store: counted.
        own: whose node it is.
        clock: decides what has expired.
        home: the folder, shown.
        version: of the program, shown.
        sessions: None when no network is open.
        serving: where the running node answers; gives None when none is running.
        stop: asks the running node to end; None when none is running.
        backups: knows the newest one.
        waiting: says why the own log takes no entries.
        keeping: what is kept of whose log.
        failures: counts the tasks that failed.
    """

    def __init__(
        self,
        store: Store,
        own: OwnLog,
        clock: Clock,
        home: Path,
        version: str,
        sessions: Sessions | None,
        serving: Callable[[], Serving | None],
        stop: Callable[[], None] | None,
        backups: HomeBackups,
        waiting: Callable[[], Awaitable[models.Waiting | None]],
        keeping: Keeping,
        failures: Failures,
    ) -> None:
        self._store = store
        self._own = own
        self._clock = clock
        self._home = home
        self._version = version
        self._sessions = sessions
        self._serving = serving
        self._stop = stop
        self._backups = backups
        self._waiting = waiting
        self._keeping = keeping
        self._failures = failures

    async def status(self) -> models.Status:
        """All figures, of one moment."""
        serving = self._serving()
        shelter = await self._backups.shelter()
        open_sessions = () if self._sessions is None else self._sessions.open_sessions()
        dialled = [session for session in open_sessions if session.outbound]
        now = self._clock.now_ms()
        waiting = await self._waiting()
        figures = await self._keeping.figures()
        storage = [
            models.Storage(
                distance=DISTANCES[each.distance], logs=each.logs, bytes=each.bytes, most=each.most
            )
            for each in figures
        ]

        def counted(reader: Reader) -> models.Status:
            entries, logs = reader.counts()
            addresses, tried = address_store.counts(reader)
            connection = reader.connection
            return models.Status(
                id=id_text(self._own.id),
                name=views.names(connection, [self._own.id]).get(self._own.id, views.NAMELESS),
                running=serving is not None,
                version=self._version,
                home=str(self._home),
                entries=entries,
                logs=logs,
                listings=views.count_listings(connection, now),
                own_listings=views.count_listings(connection, now, self._own.id),
                sessions=len(open_sessions),
                outbound=len(dialled),
                inbound=len(open_sessions) - len(dialled),
                groups=len({session.group for session in dialled}),
                addresses=addresses,
                tried=tried,
                peers=len(reader.peers()),
                lag=catalogue.lag(connection),
                api=None if serving is None else serving.api,
                peer=None if serving is None else serving.peer,
                started=None if serving is None else serving.started,
                reachable=None if self._sessions is None else self._sessions.reachability.verdict(now).value,
                waiting=waiting,
                storage=storage,
                blobs=blobs.totals(reader)[0],
                fetched_blobs=blobs.totals(reader)[1],
                fallen=self._keeping.fallen,
                backup=shelter.newest,
                backup_fault=shelter.fault,
                mail=mail.figures(reader),
                shop=witnesses.figures(reader),
                unrecognised=unrecognised(reader),
                damaged=self._store.damaged,
                clock=self._clock_told(reader, now),
                failing=self._store.failing,
                notices=_notices(reader),
                failures=self._failures.counts(),
            )

        return await self._store.read(counted)

    def _clock_told(self, reader: Reader, now: int) -> str | None:
        """What the doctor finds of the clock, where something may be wrong."""
        head = reader.log(self._own.id)
        sessions = self._sessions
        skew, doubt = (None, None) if sessions is None else (sessions.skew(), sessions.doubt())
        found = computer.clock(now, None if head is None else head.time, skew, doubt)
        return None if found.state == "ok" else found.text

    async def stop(self) -> None:
        """Asks the running node to end; returns at once.

        Raises:
            Problem: none is running (exit 5).
        """
        if self._stop is None:
            raise Problem(
                f"No node is running on the home {self._home}, so there is nothing to stop.",
                ExitCode.UNREACHABLE,
                "not_running",
            )
        self._stop()


def _notices(reader: Reader) -> list[models.CreditNotice]:
    """What stands against issuers whose credit the owner has."""
    found = notices(reader)
    names = views.names(reader.connection, [each.issuer for each in found])
    return [
        models.CreditNotice(
            issuer=id_text(each.issuer), name=names.get(each.issuer, ""), what=each.what, since=each.since
        )
        for each in found
    ]
