"""Standing entries: after a rotation or settlement the newest term vouches for what still stands [R-LOG-12].

Whoever holds the run needs none of it. Whoever gets one entry alone (an answer to a search, a link) believes one of a
closed epoch or term only when a standing of the newest one names it.
"""

from __future__ import annotations

import logging
from typing import Final

import msgspec

from netnode.operations import models
from netnode.ports import Clock, Entropy
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.services.encryption import published_entry
from netnode.services.ports import OwnLog, Projector
from netnode.store import Reader, Store, Writer
from protocol import limits
from protocol.records import Standing, encode_record

LOOK_SECONDS: Final = 600.0  # why: a settlement comes with the first entry after a restore, at any time
_META: Final = "standing"
_log = logging.getLogger("netnode")


class _Published(msgspec.Struct, frozen=True):
    """The newest standing: its place, and its last part."""

    epoch: int
    term: int
    seq: int
    id: bytes
    parts: int


class StandingEntries:
    """Keeps the standing of the own log.

    Args:
        store: where entries and the catalogue are.
        own: signs.
        projector: keeps the catalogue level.
        clock: decides what has expired.
        entropy: salts.
    """

    def __init__(
        self, store: Store, own: OwnLog, projector: Projector, clock: Clock, entropy: Entropy
    ) -> None:
        self._store = store
        self._own = own
        self._projector = projector
        self._clock = clock
        self._entropy = entropy

    async def state(self) -> models.StandingState:
        """Whether a standing is needed, and the newest one."""
        await self._projector.level_of(self._own.id)
        return (await self._store.read(self._look))[0]

    async def run(self) -> None:
        """Publishes a standing where one is needed; a log that takes no entry now is no fault: it is tried again.

        Raises:
            Problem: the disk.
        """
        if not (await self.state()).needed:
            return
        try:
            await self.publish()
        except Problem as problem:
            if problem.exit_code not in (ExitCode.REFUSED, ExitCode.USAGE):
                raise
            _log.info("no standing is published yet: %s", problem.text)

    async def publish(self) -> None:
        """Names everything in force of closed epochs and terms; nothing when there is none.

        Raises:
            Problem: `too_many` (exit 4): more than a standing can name; or as `OwnLog.append`.
        """
        await self._projector.level_of(self._own.id)
        _, places = await self._store.read(self._look)
        if not places:
            return
        size = limits.MAX_STANDING
        chunks = [tuple(places[start : start + size]) for start in range(0, len(places), size)]
        if len(chunks) > limits.MAX_STANDING_PARTS:
            raise Problem(
                f"A standing names at most {size * limits.MAX_STANDING_PARTS:,} entries; {len(places):,} are in force. "
                "Peers that keep your log need none.",
                ExitCode.REFUSED,
                "too_many",
            )
        records = [
            (
                Standing.KIND,
                encode_record(
                    Standing(
                        salt=self._entropy.token(limits.SALT_BYTES),
                        entries=chunk,
                        part=part,
                        parts=len(chunks),
                    )
                ),
            )
            for part, chunk in enumerate(chunks, start=1)
        ]
        last = (await self._own.append(records))[-1]
        noted = _Published(last.epoch, last.term, last.seq, last.id, len(chunks))
        await self._store.write(Writer.set_meta, _META, msgspec.json.encode(noted))

    def _look(self, reader: Reader) -> tuple[models.StandingState, list[tuple[int, bytes]]]:
        state = reader.load(self._own.id)
        if state is None:
            return models.StandingState(epoch=0, term=0, closed=0, needed=False), []
        opener = state.openers.newest[0].seq
        places: list[tuple[int, bytes]] = []
        if opener > 0:
            now = self._clock.now_ms()
            for seq, entry_id in views.in_force(reader.connection, self._own.id, now, opener):
                held = reader.entry(self._own.id, seq)
                if held is not None and held.id == entry_id:
                    places.append((seq, entry_id))
            keys = published_entry(reader, self._own.id)
            if keys is not None and keys[0] < opener:
                places = sorted([*places, keys])
        published = _published(reader, self._own.id, state.openers.place)
        return models.StandingState(
            epoch=state.openers.epoch,
            term=state.openers.term,
            closed=len(places),
            needed=bool(places) and published is None,
            published=None if published is None else published.seq,
            parts=0 if published is None else published.parts,
        ), places


def _published(reader: Reader, networker: bytes, place: tuple[int, int]) -> _Published | None:
    """The newest standing while it stands in the log and is of the newest place."""
    value = reader.meta(_META)
    if value is None:
        return None
    noted = msgspec.json.decode(value, type=_Published)
    held = reader.entry(networker, noted.seq)
    return noted if (noted.epoch, noted.term) == place and held is not None and held.id == noted.id else None
