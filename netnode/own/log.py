"""The own log: the one place that signs entries [R-LOG-20..23]."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from netnode.ingest import Gate
from netnode.keys.keystore import Keys
from netnode.own.branches import Branch, Branches, settlement_names
from netnode.own.caution import Caution, Reason
from netnode.ports import Clock
from netnode.problems import ExitCode, Problem, lasting
from netnode.store import Store
from netnode.store.rows import Change
from protocol import limits
from protocol.entry import CLOSE, SETTLEMENT, Entry, sign_entry
from protocol.items import Item, Standing
from protocol.log import Drop, Keep, Rejoin, SetAside
from protocol.log_state import LogState, Place
from protocol.records import Settlement, encode_record
from protocol.signing import Signer


@dataclass(frozen=True, slots=True)
class Witness:
    """Who signs `seen` statements: this node's networker."""

    id: bytes
    epoch: int
    signer: Signer


RETIRED: Final = (
    "The signing key of this home was replaced elsewhere, by key rotate or recover: nothing can be published from it. "
    "Go on with the home that has the new key. Where that one is lost, as after an old backup was put back, or if that "
    "was not you, make a new key here with your recovery words: netnode key rotate"
)
FORKED: Final = (
    "Your log is forked: another copy of this home, or somebody with your key, wrote a second branch. Nothing is "
    "published until you say which one goes on: netnode log settle"
)
SIGNED_AT_ONCE: Final = 128  # why: some milliseconds of signing, then the event loop has its turn
_log = logging.getLogger("netnode")


class OwnLog:
    """Appends to the log of this node's networker.

    Args:
        network: the network's name.
        networker: the own id, 32 bytes.
        gate: what own entries pass like all others.
        clock: dates entries.
        keys: None while they are locked; then nothing is signed.
        store: keeps why this node is cautious, and branches of the log.
    """

    def __init__(
        self, network: str, networker: bytes, gate: Gate, clock: Clock, keys: Keys | None, store: Store
    ) -> None:
        self._network = network
        self._gate = gate
        self._clock = clock
        self._keys = keys
        self._signer = None if keys is None else Signer(keys.signing_seed)
        self._turn = asyncio.Lock()
        self._claims: dict[object, tuple[Item, float]] = {}  # and until when they are believed
        self._since = clock.now_ms()
        self.id = networker
        self.caution = Caution(store, clock)
        self.branches = Branches(store, networker)
        self.skew: Callable[[], int | None] = _unknown
        gate.watch(networker, self._from_outside)

    @property
    def halted(self) -> str | None:
        """The sentence why nothing is appended before the owner did something about it."""
        return self.caution.alarmed

    async def adopt(self, keys: Keys) -> None:
        """Signs with these keys from now on, as after a rotation."""
        self._keys = keys
        self._signer = Signer(keys.signing_seed)

    @asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """Appends nothing while the context lasts: its owner opens an epoch or term."""
        async with self._turn:
            yield

    def reopened(self) -> None:
        """A rotation was stored: what peers claimed before was of the old key."""
        self._claims.clear()

    def retired(self, state: LogState) -> bool:
        """Whether a rotation elsewhere replaced the signing key of this home."""
        return self._keys is not None and self._keys.epoch < state.openers.epoch

    def witness(self) -> Witness | None:
        """Who signs `seen` statements; None while the keys are locked."""
        if self._keys is None or self._signer is None:
            return None
        return Witness(self.id, self._keys.epoch, self._signer)

    def behind(self, peer: object, item: Item, seconds: float = math.inf) -> None:
        """A peer claims a later own head: nothing is appended until it is here [R-LOG-21].

        Args:
            peer: who claims it; a claim takes the place of the same peer's former one.
            item: what it claims.
            seconds: for how long the peer is believed.
        """
        if item.author == self.id:
            self._claims[peer] = (item, self._clock.monotonic() + seconds)

    def unproved(self, peer: object) -> None:
        """That peer did not give the entries it claimed, which alone would prove them: the claim is void."""
        self._claims.pop(peer, None)

    async def append(
        self, records: Sequence[tuple[int, bytes]], *, after: bytes | None = None
    ) -> list[Entry]:
        """Signs and stores entries; they are on disk when it returns.

        Args:
            records: kind and canonical record of each, in order.
            after: id of the entry that the records were made for to follow; None: whichever is the newest.

        Raises:
            Problem: the keys are locked (exit 2); the log takes no entries now, or went on since `after`
                (`log_moved`) (exit 4); the disk fails.
        """
        if not records:
            return []
        async with self._turn:
            state = await self._gate.state(self.id)
            signer, held = self._ready(state)
            settles = await self.caution.require()
            if held.forked:
                raise _refused(FORKED, "forked")
            before = held.tip
            if after not in (None, before.id):
                raise _refused("The own log went on meanwhile. Try again.", "log_moved")
            await self._require_dated(before)
            if settles:  # the first entry after a restored backup [R-LOG-22]
                named = Settlement(branches=((before.seq, before.id),))
                records = [(SETTLEMENT, encode_record(named)), *records]
            entries: list[Entry] = []
            for kind, record in records:
                entry = self._sign(signer, before, kind, record)
                entries.append(entry)
                if len(entries) % SIGNED_AT_ONCE == 0:
                    await asyncio.sleep(0)  # a large import must not stop the sessions
                before = Place(entry.seq, entry.id, entry.epoch, entry.term, entry.time, entry.kind)
            outcome = await self._gate.admit(entries, durable=True, head=held.tip.id)
            if outcome.fault is not None or outcome.kept != len(entries):
                text = "" if outcome.fault is None else f": {outcome.fault.text}"
                raise Problem(
                    f"The own log took {outcome.kept} of {len(entries)} entries{text}.", code="own_log"
                )
            if settles:
                await self.caution.settled()
        return entries[settles:]

    async def settle(self, tip: bytes | None = None) -> tuple[Entry, Branch, list[Branch]]:
        """Ends a fork of the own log: signs a settlement that names the branches known and goes on with one [R-LOG-4].

        Args:
            tip: the id of the newest entry of the branch that goes on; None for the one `Branches.known` puts first.

        Returns:
            The settlement, the branch that goes on, and those that leave the log; on disk when it returns.

        Raises:
            Problem: the keys are locked (exit 2); the log is not forked, is not caught up, or no such branch is whole
                here (exit 4); the disk fails.
        """
        async with self._turn:
            state = await self._gate.state(self.id)
            signer, held = self._ready(state)
            settles = await self.caution.require()
            branches = await self.branches.known(held)
            chosen = self._chosen(held, branches, tip)
            below = chosen.tip
            before = Place(below.seq, below.id, below.epoch, below.term, below.time, below.kind)
            named = Settlement(branches=tuple(settlement_names(branches, chosen.named)))
            entry = self._sign(signer, before, SETTLEMENT, encode_record(named))
            if chosen.main:
                outcome = await self._gate.admit([entry], durable=True, head=held.tip.id)
            else:
                await self.branches.keep_main(held.common + 1)
                outcome = await self._gate.admit_openers([entry], durable=True)
                if outcome.fault is None:  # the branch takes the place of the one in the main run
                    outcome = await self._gate.admit(chosen.entries, durable=True)
            if outcome.fault is not None or not outcome.kept:
                text = "" if outcome.fault is None else f": {outcome.fault.text}"
                raise Problem(f"The settlement was not taken{text}.", code="own_log")
            if settles:
                await self.caution.settled()
        return entry, chosen, [each for each in branches if each is not chosen]

    async def take_back(self, first: int) -> tuple[Entry, Branch, Branch]:
        """Takes the newest entries out of the log, such as those a wrong clock dated: a settlement stands below them.

        They are kept beside the log, so that their owner can publish them again.

        Args:
            first: seq of the first entry that leaves.

        Returns:
            The settlement, the entry the log goes on with, and what left; on disk when it returns.

        Raises:
            Problem: the keys are locked (exit 2); there is no such entry (3); the log is forked or takes no entries
                now, or the entry is of a closed term (4); the disk fails.
        """
        async with self._turn:
            state = await self._gate.state(self.id)
            signer, held = self._ready(state)
            settles = await self.caution.require()
            if held.forked:
                raise _refused(FORKED, "forked")
            leaves = await self.branches.main(first, held.tip.seq) if first > 0 else []
            stays = await self.branches.main(first - 1, first - 1) if first > 0 else []
            if not leaves or not stays:
                raise Problem(
                    f"There is no entry {first} that could leave your log. See them with: netnode log ls",
                    ExitCode.NOT_FOUND,
                    "no_entry",
                )
            below = stays[0]
            if below.place != held.openers.place:
                raise _refused(
                    f"Entry {first} or one above it opened the newest term of your log, and a settlement cannot reach "
                    f"below that. A rotation can: netnode key rotate --last {first - 1}",
                    "closed_term",
                )
            before = Place(below.seq, below.id, below.epoch, below.term, below.time, below.kind)
            await self._require_dated(before)
            named = Settlement(branches=((held.tip.seq, held.tip.id),))
            entry = self._sign(signer, before, SETTLEMENT, encode_record(named))
            await self.branches.keep_main(first)
            outcome = await self._gate.admit([entry], durable=True, head=held.tip.id)
            if outcome.fault is not None or not outcome.kept:
                text = "" if outcome.fault is None else f": {outcome.fault.text}"
                raise Problem(f"The settlement was not taken{text}.", code="own_log")
            if settles:
                await self.caution.settled()
        return entry, Branch(tuple(stays), True, True, 0), Branch(tuple(leaves), False, True, 0)

    async def _require_dated(self, before: Place) -> None:
        """Refuses to go on from an entry dated after now: this clock is wrong, or was when that was written."""
        now = self._clock.now_ms()
        if before.time <= now + limits.CLOCK_TOLERANCE_MS:
            return
        first = await self.branches.first_after(before.seq, now + limits.CLOCK_TOLERANCE_MS)
        if first:
            back = (
                "If it is right, it was ahead when you published: others show nothing from entry "
                f"{first} on before that date. Take it back with netnode log settle --from {first}, then publish it "
                "again."
            )
        else:  # below the inception there is nothing to go on from
            back = (
                "Even your first entry is dated ahead: if the clock is right, it was wrong when this home was made: "
                "nothing can be published from it before that date. Make a new one then: netnode init --home DIR"
            )
        raise _refused(
            f"This computer's clock says {_moment(now)} UTC, but your newest entry is dated {_moment(before.time)}. "
            f"Set the clock if it is wrong, then try again. {back}",
            "clock",
        )

    def _sign(self, signer: Signer, before: Place, kind: int, record: bytes) -> Entry:
        return sign_entry(
            self._network,
            signer,
            author=self.id,
            seq=before.seq + 1,
            prev=before.id,
            epoch=before.epoch,
            term=before.term + (kind == SETTLEMENT),
            time=max(self._clock.now_ms(), before.time),
            kind=kind,
            record=record,
        )

    def _chosen(self, held: LogState, branches: Sequence[Branch], tip: bytes | None) -> Branch:
        if not held.forked:
            raise _refused("Your log is not forked: there is nothing to settle.", "not_forked")
        found = [each for each in branches if tip in (None, each.tip.id)]
        if not found:
            raise Problem(
                "No branch of your log ends with that entry. See them with: netnode log settle",
                ExitCode.NOT_FOUND,
                "no_branch",
            )
        if not found[0].whole:
            raise _refused(
                "That branch is not here as a whole, so your log cannot go on with it yet. Start the node and wait "
                "until a peer that holds it has been met.",
                "not_here",
            )
        return found[0]

    async def said_elsewhere(self, time: int, what: str) -> None:
        """A deal message that this networker signed and this home never wrote came back [R-DEAL-35]; durable at return.

        Args:
            time: its date, ms UTC.
            what: where it was said, for the owner: ``in the deal 3f9c2a71``.
        """
        await self._alarm_if_newer(
            time,
            f"Another node of this networker is dealing: a message of yours {what} that was written since this node "
            "started came back.",
        )
        if self.caution.alarmed is None and self.caution.reason is None:
            await self.caution.begin(Reason.BEHIND)

    async def _alarm_if_newer(self, time: int, how: str) -> None:
        """What was signed after this node started, and not here, a second one signed [R-LOG-23]."""
        if time > self._since + limits.CLOCK_TOLERANCE_MS:
            self.caution.alarm(f"{how} (Or somebody has your key: then run netnode key rotate.)")
            await self.caution.save()

    # -- own entries that came from a peer -------------------------------------------------------------------
    async def _from_outside(self, change: Change) -> None:
        """Runs before own entries that a peer gave are stored: somebody else wrote them [R-LOG-33] [R-LOG-23]."""
        before, after = change.before, change.after
        await self._keep_dropped(change)
        newest = max(
            (each.time for step in change.steps if isinstance(step, Keep) for each in step.entries), default=0
        )
        await self._alarm_if_newer(
            newest,
            "Another node of this networker is publishing: entries of yours that were written since this node "
            "started came from a peer.",
        )
        if self.caution.reason is not None:
            return
        if before is None:
            await self.caution.begin(Reason.LOST)
        elif (
            before.openers != after.openers or before.tip.seq < after.tip.seq or before.fork != after.fork
        ):  # an older copy, put back by other means than this program's
            same = before.openers.epoch == after.openers.epoch
            brought = before.tip.seq if same and before.tip.seq < after.tip.seq else None
            await self.caution.begin(Reason.BEHIND, brought=brought)

    async def _keep_dropped(self, change: Change) -> None:
        """Keeps what another copy disowned: the owner may want to publish it again [R-LOG-34]."""
        aside = {step.number: step.first for step in change.steps if isinstance(step, SetAside)}
        joined = {step.number: step.last for step in change.steps if isinstance(step, Rejoin)}
        stays = {each.id for step in change.steps if isinstance(step, Keep) for each in step.entries}
        kept = 0
        for step in change.steps:
            if isinstance(step, Drop):
                first = joined.get(step.number, -1) + 1
                if step.number in aside:  # in this very change: it is in the main run as yet
                    kept += await self.branches.keep_main(max(first, aside[step.number]), stays)
                else:
                    kept += await self.branches.keep_aside(step.number, first, stays)
        if kept:
            _log.warning(
                "%d own entries left the log, another copy did not have them: netnode key disowned", kept
            )

    def _ready(self, state: LogState | None) -> tuple[Signer, LogState]:
        if self._keys is None or self._signer is None:
            raise Problem(
                "The keys of this networker are locked. Give --passphrase-file FILE, or start the node with it.",
                ExitCode.USAGE,
                "passphrase_needed",
            )
        if self.halted is not None:
            raise _refused(self.halted, "twin")
        skew = self.skew()
        if skew is not None and abs(skew) > limits.CLOCK_TOLERANCE_MS:
            raise _refused(
                f"This computer's clock is {lasting(skew)} {'behind' if skew > 0 else 'ahead of'} those of its peers. "
                "Set the clock, then try again.",
                "clock",
            )
        if state is None:
            raise Problem(
                "Your log is not in the store of this home. Start the node, which fetches it from peers: "
                "netnode start --peer URI",
                code="own_log",
            )
        self._require_newest(state)
        if state.openers.contested is not None:
            raise _refused("Two rotations contest this identity: nothing can be published.", "contested")
        if state.tip.kind == CLOSE:
            raise _refused("The own log is closed: nothing more can be published.", "closed")
        if self._keys.epoch != state.openers.epoch:
            raise _refused(RETIRED, "retired_key")
        return self._signer, state

    def _require_newest(self, state: LogState) -> None:
        now = self._clock.monotonic()
        self._claims = {
            peer: (item, until)
            for peer, (item, until) in self._claims.items()
            if now < until and _later(item, state)
        }
        if self._claims:
            raise _refused(
                "A peer holds newer entries of this networker's log; they are being fetched. Try again in a moment.",
                "behind",
            )


def _later(item: Item, state: LogState) -> bool:
    """Whether an item tells of own entries, of a fork or of a contest that is not here."""
    place = (item.epoch, item.term)
    if item.standing is Standing.CONTESTED:
        return state.openers.contested is None
    if place != state.openers.place:
        return place > state.openers.place
    if state.forked:  # the term takes no more entries, whatever its branches hold
        return False
    return item.standing is Standing.FORKED or item.seq > state.tip.seq


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _unknown() -> int | None:
    """The skew while there are no peers to compare with."""
    return None


def _refused(text: str, code: str) -> Problem:
    return Problem(text, ExitCode.REFUSED, code)
