"""The keys of the networker: shown, and replaced by a rotation.

A rotation is written down twice, in this order: as pending in the keystore, then in the log, both on disk; only then
are the new keys in force. A crash in between leaves either the old keys and a log without the rotation, or a log with
it and its keys beside the old ones, which the next start puts into force (`netnode.keys.keyring`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Literal, Protocol

import msgspec

from netnode.ingest import Gate
from netnode.keys.keyring import KeyRing
from netnode.keys.keystore import PublicKeys
from netnode.keys.rotating import Grant, pending, promises_of, rotation
from netnode.operations import models
from netnode.own import evidence
from netnode.own.branches import Branches
from netnode.own.caution import Standing as CaughtUp
from netnode.ports import Clock, Entropy
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.services.encryption import EncryptionRenewal
from netnode.services.logs import entry_view
from netnode.services.ports import Sessions
from netnode.services.rotations import Rotations
from netnode.services.standing import StandingEntries
from netnode.store import Reader, Store
from netnode.swapping.rekeying import Notice
from netnode.sync import address_store
from protocol.entry import CLOSE
from protocol.identity import id_text
from protocol.log_state import LogState, Place

SHOWN: Final = 100  # disowned entries in a plan
SHEET_PEERS: Final = 5
_log = logging.getLogger("netnode")


class Own(Protocol):
    """The own log, as a rotation needs it."""

    @property
    def id(self) -> bytes:
        """The own networker, 32 bytes."""

    def still(self) -> AbstractAsyncContextManager[None]:
        """Nothing is appended while this lasts."""

    def reopened(self) -> None:
        """A new epoch was opened: what stopped appending before does so no longer."""


class CatchingUp(Protocol):
    """Whether the newest own entries are here."""

    async def standing(self) -> CaughtUp:
        """How far catching up is."""

    async def settled(self, *, rotated: bool = False) -> None:
        """An opener was written that makes further caution needless."""


class Issuers(Protocol):
    """Tells issuers of the owner's credit of rotations."""

    async def look(self) -> None:
        """Writes to who has not been told."""

    async def notices(self) -> Sequence[Notice]:
        """How far each issuer is."""


class OwnKeys:
    """`operations.services.KeyWork`.

    Args:
        network: the network's name.
        store: where the own log is.
        gate: takes the rotation in.
        own: held still meanwhile.
        ring: the keys.
        public: reads the public part of the keystore.
        catching_up: says whether the newest own entries are here.
        clock: dates.
        entropy: new keys.
        renewal: publishes new encryption keys after a rotation.
        standings: publishes what still stands after a rotation.
        rotations: lists them.
        sessions: None without a network.
    """

    def __init__(
        self,
        network: str,
        store: Store,
        gate: Gate,
        own: Own,
        ring: KeyRing,
        public: Callable[[], PublicKeys],
        catching_up: CatchingUp,
        clock: Clock,
        entropy: Entropy,
        renewal: EncryptionRenewal,
        standings: StandingEntries,
        rotations: Rotations,
        sessions: Sessions | None,
    ) -> None:
        self._network = network
        self._store = store
        self._gate = gate
        self._own = own
        self._ring = ring
        self._public = public
        self._catching_up = catching_up
        self._clock = clock
        self._entropy = entropy
        self._renewal = renewal
        self._standings = standings
        self._rotations = rotations
        self._sessions = sessions
        self._branches = Branches(store, own.id)
        self.issuers: Issuers | None = None

    async def show(self) -> models.KeyState:
        """The keys in force; works with locked keys.

        Raises:
            Problem: the own log is not in the store, or the keystore cannot be read.
        """
        state = await self._state()
        public, keys = self._public(), self._ring.opened
        opening = state.openers.epochs[-1][0]
        signing = public.signing_key if keys is None else keys.signing_key
        encryption = public.encryption_until if keys is None else keys.encryption_until
        return models.KeyState(
            id=id_text(self._own.id),
            network=self._network,
            epoch=state.openers.epoch,
            term=state.openers.term,
            since=opening.entry.time,
            state=_standing(state),
            signing_key=opening.key.hex(),
            promise=opening.promise.hex(),
            protected=public.protected,
            session_until=public.session_until if keys is None else keys.session_until,
            encryption_until=encryption or None,
            pending=keys is not None and keys.pending is not None,
            usable=signing in state.openers.keys(state.openers.epoch) or keys is None,
        )

    async def plan(self, last: int | None) -> models.KeyPlan:
        """What a rotation would do now.

        Args:
            last: seq of the last entry that stays; None for the newest one held.

        Raises:
            Problem: no such entry (exit 3), or the identity is contested for good (exit 4).
        """
        state = await self._state()
        promises = promises_of(state.openers)
        stays = await self._last(state, last)
        gone = await self._store.read(evidence.disowned_by, state, stays.seq)
        standing = await self._catching_up.standing()
        addresses = await self._store.read(sheet_addresses)
        return models.KeyPlan(
            id=id_text(self._own.id),
            network=self._network,
            epoch=state.openers.epoch + 1,
            head=state.tip.id.hex(),
            seq=state.tip.seq,
            last=stays.seq,
            promises=[promise.hex() for promise in promises],
            caught_up=standing.caught_up,
            whole_book=_whole_book(standing),
            waiting=standing.waiting_for(),
            peers=standing.peers,
            addresses=addresses,
            disowned=[entry_view(entry) for entry in gone[:SHOWN]],
            disowned_count=len(gone),
        )

    async def rotate(self, request: models.KeyRotation) -> models.KeyRotated:
        """Opens the next epoch; the new keys are in force when it returns.

        Raises:
            Problem: exit 4 before the peers have answered (`catching_up`), when the log went on since the plan
                (`moved_on`), or as `rotating.rotation`; exit 2 with locked keys; the disk fails.
        """
        given = Grant(
            bytes.fromhex(request.seed), bytes.fromhex(request.promise), bytes.fromhex(request.backup_public)
        )
        self._ring.keys  # noqa: B018 - locked keys are told of before anything else
        # Counted now: those who learn of the rotation end their sessions, to shake hands anew [R-CERT-6].
        sessions = 0 if self._sessions is None else len(self._sessions.open_sessions())
        async with self._own.still():
            state = await self._state()
            if state.tip.id.hex() != request.head:
                raise Problem(
                    "Your log went on since the rotation was planned. Look at it again: netnode key rotate",
                    ExitCode.REFUSED,
                    "moved_on",
                )
            standing = await self._catching_up.standing()
            if not standing.caught_up:
                raise Problem(" ".join(standing.waiting_for()), ExitCode.REFUSED, "catching_up")
            if given.backup_public != self._ring.keys.backup_public and not _whole_book(standing):
                raise Problem(
                    "New recovery words need the answer of every peer this node knows: a rotation with the old ones "
                    f"that is not here yet would freeze your identity. {standing.answered} of {standing.peers} have "
                    "answered; one that is gone for good can be forgotten: netnode peer rm PEER",
                    ExitCode.REFUSED,
                    "catching_up",
                )
            stays = await self._last(state, request.last)
            now = self._clock.now_ms()
            fresh = pending(given, state.openers.epoch + 1, now, self._entropy)
            entry = rotation(self._network, state.openers, stays, given, fresh, now)
            gone = await self._store.read(evidence.disowned_by, state, stays.seq)
            await self._branches.keep(gone)
            await self._ring.change(lambda keys: keys.with_pending(fresh))
            outcome = await self._gate.admit([entry], durable=True, head=state.tip.id)
            if outcome.kept != 1:
                text = "" if outcome.fault is None else f": {outcome.fault.text}"
                raise Problem(
                    f"The own log did not take the rotation{text}. Nothing has changed.", code="own_log"
                )
            await self._ring.change(lambda keys: keys.promoted())
            await self._catching_up.settled(rotated=True)
            self._own.reopened()
        _log.warning("the signing key was replaced: epoch %d begins at entry %d", entry.epoch, entry.seq)
        await self._afterwards()
        return models.KeyRotated(
            id=id_text(self._own.id),
            epoch=entry.epoch,
            seq=entry.seq,
            entry=entry.id.hex(),
            time=entry.time,
            disowned=len(gone),
            sessions=sessions,
            issuers=(await self._issuers()).get(entry.epoch, []),
        )

    async def history(self, query: models.Listed) -> models.Page[models.KeyEpoch]:
        """Rotations, newest first."""
        page = await self._rotations.history(query)
        issuers = await self._issuers()
        return models.Page(
            [msgspec.structs.replace(each, issuers=issuers.get(each.epoch, [])) for each in page.items],
            page.next,
        )

    async def disowned(self, query: models.KeyExhibits) -> models.Page[models.KeyExhibit]:
        """Own entries that are out of the log."""
        return await self._rotations.disowned(query)

    async def standing(self) -> models.StandingState:
        """Whether a standing is needed, and the newest one."""
        return await self._standings.state()

    async def publish_standing(self) -> models.StandingState:
        """Publishes a standing; nothing when no closed entry is in force."""
        await self._standings.publish()
        return await self._standings.state()

    async def renew(self) -> None:
        """A chore of the running node: see `EncryptionRenewal.run`."""
        await self._renewal.run()

    async def keep_standing(self) -> None:
        """A chore of the running node: see `StandingEntries.run`."""
        await self._standings.run()

    # -- inside ----------------------------------------------------------------------------------------------
    async def _afterwards(self) -> None:
        """What can wait: the rotation stands, and the chores of a running node try it again."""
        told = () if self.issuers is None else (self.issuers.look,)
        for what in (self._renewal.run, self._standings.run, *told):
            try:
                await what()
            except Problem as problem:
                _log.error("after the rotation: %s", problem.text)

    async def _issuers(self) -> dict[int, list[models.KeyIssuer]]:
        """Issuers that were told, by epoch."""
        notices = () if self.issuers is None else await self.issuers.notices()
        people = [each.issuer for each in notices]
        names = await self._store.read(lambda reader: views.names(reader.connection, people))
        found: dict[int, list[models.KeyIssuer]] = {}
        for each in notices:
            one = models.KeyIssuer(
                issuer=id_text(each.issuer),
                name=names.get(each.issuer, ""),
                sent=each.sent,
                acknowledged=each.acknowledged,
                logged=each.logged,
            )
            found.setdefault(each.epoch, []).append(one)
        return found

    async def _state(self) -> LogState:
        state = await self._gate.state(self._own.id)
        if state is None:
            raise Problem(
                "The own log is not in the store. Start the node with the peers that hold it: netnode start",
                code="own_log",
            )
        return state

    async def _last(self, state: LogState, last: int | None) -> Place:
        if last is None or last == state.tip.seq:
            return state.tip
        entry = await self._store.read(Reader.entry, self._own.id, last)
        if entry is None or entry.seq > state.tip.seq:
            raise Problem(
                f"There is no entry {last} in your log. See them with: netnode log ls",
                ExitCode.NOT_FOUND,
                "no_entry",
            )
        if entry.epoch != state.openers.epoch:
            raise Problem(
                f"Entry {last} is of epoch {entry.epoch}, which a rotation has closed already. The earliest that can "
                f"stay last is the one that opened epoch {state.openers.epoch}.",
                ExitCode.REFUSED,
                "closed_epoch",
            )
        return Place(entry.seq, entry.id, entry.epoch, entry.term, entry.time, entry.kind)


def _whole_book(standing: CaughtUp) -> bool:
    """Rule (a) of R-LOG-22: there are peers, and every one has answered."""
    return standing.peers > 0 and not standing.silent


def sheet_addresses(reader: Reader) -> list[str]:
    """Addresses of a few peers to fetch the log back from: those met last first, as named or as the peers told them."""
    known: list[tuple[int, str]] = []
    for row in reader.peers():
        if row.addresses:
            known.append((row.seen or 0, row.addresses[0]))
        elif row.id is not None:
            met = [each for each in address_store.of(reader, row.id) if each.met]
            known += [(each.met, each.address) for each in sorted(met, key=lambda each: -each.met)[:1]]
    return [address for _, address in sorted(known, key=lambda each: -each[0])[:SHEET_PEERS]]


def _standing(state: LogState) -> Literal["open", "forked", "contested", "closed"]:
    if state.openers.contested is not None:
        return "contested"
    if state.forked:
        return "forked"
    return "closed" if state.tip.kind == CLOSE else "open"
