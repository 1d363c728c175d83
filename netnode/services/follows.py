"""Who is followed."""

from __future__ import annotations

from netnode.operations import models
from netnode.ports import Clock
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.services import paging
from netnode.services.ports import OwnLog, Sessions
from netnode.store import Reader, Store, Writer
from protocol.identity import id_text

_LIST = "follows"


class FollowList:
    """`operations.services.Follows`.

    Args:
        store: remembers them.
        own: who follows; nobody follows themselves.
        clock: dates the decision.
        sessions: told of the change; None when no network is open.
    """

    def __init__(self, store: Store, own: OwnLog, clock: Clock, sessions: Sessions | None) -> None:
        self._store = store
        self._own = own
        self._clock = clock
        self._sessions = sessions

    async def add(self, networker: str) -> models.Follow:
        """Follows; again changes nothing.

        Raises:
            Problem: no id (2), or the own one (4).
        """
        known = views.networker_id(networker)
        if known == self._own.id:
            raise Problem("You cannot follow yourself; your own log is always kept.", ExitCode.REFUSED, "own")
        await self._store.write(Writer.follow, known, self._clock.now_ms())
        await self._tell()
        return (await self._store.read(_shown, [known]))[0]

    async def remove(self, networker: str) -> None:
        """Unfollows; what is held of the log stays.

        Raises:
            Problem: no id (2), or not followed (3).
        """
        known = views.networker_id(networker)
        if not await self._store.write(Writer.unfollow, known):
            raise Problem(f"You do not follow {networker}.", ExitCode.NOT_FOUND, "not_followed")
        await self._tell()

    async def list(self, query: models.Listed) -> models.Page[models.Follow]:
        """Everybody followed, by id."""
        after = paging.opened_id(_LIST, query.cursor)

        def read(reader: Reader) -> models.Page[models.Follow]:
            ids = [each for each, _ in reader.follows() if after is None or each > after]
            following = paging.seal(_LIST, ids[query.limit - 1].hex()) if len(ids) > query.limit else None
            return models.Page(_shown(reader, ids[: query.limit]), following)

        return await self._store.read(read)

    async def _tell(self) -> None:
        if self._sessions is not None:
            await self._sessions.changed()


def _shown(reader: Reader, ids: list[bytes]) -> list[models.Follow]:
    names = views.names(reader.connection, ids)
    logs = {each: reader.log(each) for each in ids}
    return [
        models.Follow(
            id=id_text(each), name=names.get(each), entries=0 if (log := logs[each]) is None else log.entries
        )
        for each in ids
    ]
