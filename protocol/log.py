"""The log of one networker as a node holds it: a pure trust state [R-LOG-1..17].

`LogState` says what is held: the openers, the *main run* (base to tip, without a hole, in the newest epoch and term at
its top) and what was set aside. `receive` judges one chain of entries and returns an `Admission`: the new state, the
steps a store must take in one transaction, and the fault of what was not taken. Nothing here reads a clock or a disk;
stored entries are read through `LogView`.

How a log changes:

    extend    entries follow the tip in its (epoch, term)                      -> Keep
    open      an opener follows the tip, or an entry below it (the rest is     -> SetAside?, Keep
              disowned), or an entry not held (a hole)
    fill      entries end right below the base, to which they are linked       -> Keep, Rejoin?, Drop*
    fork      entries differ from held ones of the newest (epoch, term)        -> fork
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, cast

from protocol.entry import CLOSE, INCEPTION, OPENERS, AuthenticEntry, Entry, signature_valid
from protocol.errors import LocalProtocolError, NotHeld, ProtocolError, RemoteProtocolError
from protocol.forks import check_fork
from protocol.items import Item, Standing
from protocol.openers import Openers, start
from protocol.run import follows, linked, opens_after, proved


@dataclass(frozen=True, slots=True)
class Place:
    """What must be known of an entry to link another one to it."""

    seq: int
    id: bytes
    epoch: int
    term: int
    time: int
    kind: int

    @property
    def place(self) -> tuple[int, int]:
        """(epoch, term)."""
        return (self.epoch, self.term)


@dataclass(frozen=True, slots=True)
class Base:
    """The lowest entry held without a hole: its seq, and what the one below it must be."""

    seq: int
    prev: bytes
    epoch: int
    term: int
    time: int
    opener: bool


@dataclass(frozen=True, slots=True)
class Extent:
    """Linked entries set aside: a former main run, or its disowned end. `base` is its lowest entry."""

    number: int
    base: Base
    last: int


@dataclass(frozen=True, slots=True)
class LogState:
    """One log as held here. A value: `receive` and `receive_proof` return new ones."""

    openers: Openers
    base: Base
    tip: Place
    aside: tuple[Extent, ...] = ()
    fork: int | None = None  # the lowest seq of the newest (epoch, term) at which two entries are known
    extents: int = 0  # how many extents were ever numbered

    @property
    def author(self) -> bytes:
        """The networker's id, 32 bytes."""
        return self.openers.author

    @property
    def forked(self) -> bool:
        """Whether the newest term is known to be forked."""
        return self.fork is not None or self.openers.term_forked

    @property
    def open(self) -> bool:
        """Whether entries other than openers may still be accepted."""
        return not self.forked and self.openers.contested is None

    @property
    def common(self) -> int:
        """The seq up to which the log may have effect: the tip, or the last common entry below a fork or contest."""
        if self.open:
            return self.tip.seq
        limit = self.fork if self.fork is not None else self.tip.seq + 1
        contested = self.openers.contested
        if contested is not None:
            limit = min(limit, *(each.entry.seq for each in self.openers.epochs[contested]))
        elif self.openers.term_forked:
            limit = min(limit, *(entry.seq for entry in self.openers.newest))
        return limit - 1

    def item(self) -> Item:
        """What is compared with other nodes [R-LOG-17]."""
        contested = self.openers.contested
        if contested is not None:
            return Item(Standing.CONTESTED, self.author, contested)
        epoch, term = self.openers.place
        if self.forked:
            return Item(Standing.FORKED, self.author, epoch, term)
        return Item(Standing.HEAD, self.author, epoch, term, self.tip.seq, self.tip.id, self.base.seq)


class LogView(Protocol):
    """How stored entries of the log in question are read."""

    def main(self, seq: int) -> Entry | None:
        """The entry of the main run at `seq`."""

    def aside(self, number: int, seq: int) -> Entry | None:
        """The entry at `seq` of an extent set aside."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Store these entries in the main run, above its tip or below its base."""

    entries: tuple[AuthenticEntry, ...]


@dataclass(frozen=True, slots=True)
class SetAside:
    """Move the main run's entries from `first` on to extent `number`."""

    number: int
    first: int


@dataclass(frozen=True, slots=True)
class Rejoin:
    """Move the entries of extent `number` up to `last` back to the main run; those above stay set aside."""

    number: int
    last: int


@dataclass(frozen=True, slots=True)
class Drop:
    """The entries of extent `number` are disowned for good; who needs evidence keeps them outside the log."""

    number: int


@dataclass(frozen=True, slots=True)
class Release:
    """Let go of the main run's entries below `first`: the log is held from there on."""

    first: int


Step = Keep | SetAside | Rejoin | Drop | Release


@dataclass(slots=True)
class Admission:
    """The outcome of one chain: the new state, the steps in order, and why the rest was not taken (None: all was).

    `diverged` is set when the chain does not link to the tip: the peer's log differs further down (bisect).
    `proof` holds both sides of a fork that the chain showed, to be stored and passed on.
    """

    state: LogState | None
    steps: list[Step] = field(default_factory=list)
    fault: ProtocolError | None = None
    diverged: bool = False
    proof: tuple[tuple[Entry, ...], tuple[Entry, ...]] | None = None
    rest: tuple[Entry, ...] = ()

    @property
    def kept(self) -> int:
        """How many entries were newly stored."""
        return sum(len(step.entries) for step in self.steps if isinstance(step, Keep))


def receive(
    network: str, state: LogState | None, chain: Sequence[Entry], view: LogView, *, jump: bool = False
) -> Admission:
    """Judges consecutive entries of one author, oldest first.

    Args:
        network: the network's name.
        state: what is held of that log; None when nothing is.
        chain: at least one entry, of one author, with seqs that count up by one.
        view: reads held entries of that log.
        jump: the log may be held from a higher seq on: when nothing above the newest opener is held, entries need
            not start right behind it.

    Returns:
        What to store. Never raises for what a peer can send: faults are in `Admission.fault`. When `rest` is not
        empty, the steps must be applied first and `receive` called again with it.
    """
    admission = Admission(state)
    good = linked(chain)
    below = sum(1 for entry in chain[:good] if entry.seq < state.base.seq) if state is not None else 0
    above = chain[below:good]
    try:
        while above:
            above = above[_stretch(network, admission, above, view, jump) :]
            if any(isinstance(step, SetAside) for step in admission.steps):
                admission.rest = tuple(above)
                return admission
        _fill_down(network, admission, chain[:below], view)
    except ProtocolError as error:
        admission.fault = error
    if admission.fault is None and good < len(chain):
        before, entry = chain[good - 1], chain[good]
        code = _follows(entry, _place(before)) or "link"
        admission.fault = RemoteProtocolError(code, f"entry {entry.seq} does not follow entry {before.seq}")
    return admission


def hold_from(state: LogState, first: Entry) -> tuple[LogState, Step]:
    """Lets go of what lies below `first`, an entry of the main run; the openers stay known [R-LOG-17].

    Raises:
        LocalProtocolError: the entry is not in the main run.
    """
    if not state.base.seq <= first.seq <= state.tip.seq or first.author != state.author:
        raise LocalProtocolError(f"entry {first.seq} is not held")
    return replace(state, base=_base(first)), Release(first.seq)


def receive_proof(state: LogState, left: Sequence[Entry], right: Sequence[Entry]) -> LogState:
    """Takes in the proof of a fork of the newest term; a proof at a lower seq replaces a known one.

    Raises:
        RemoteProtocolError: `bad_proof`.
        NotHeld: not of the newest (epoch, term).
    """
    seq = check_fork(state.openers, left, right)
    return replace(state, fork=seq if state.fork is None else min(seq, state.fork))


def receive_opener(state: LogState, entry: Entry, view: LogView) -> Admission:
    """Takes in one opener that came by itself (handshake, answer to `openers`).

    Returns:
        An admission as from `receive`; a repeated opener changes nothing.
    """
    admission = Admission(state)
    try:
        _open(admission, entry, view)
    except ProtocolError as error:
        admission.fault = error
    return admission


def signed_run(openers: Openers, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The shortest leading part that ends with a valid signature at the next anchor at the latest: one side of a proof.

    Args:
        entries: linked entries of the newest stretch, from the place in question on.

    Raises:
        NotHeld: `unproved`: no such signature among them.
    """
    key = openers.keys(entries[0].epoch)[0]
    for index, entry in enumerate(entries):
        if signature_valid(openers.network, key, entry):
            return tuple(entries[: index + 1])
        if entry.is_anchor:
            break
    raise NotHeld("unproved", "no signature up to the next anchor proves this entry")


def _place(entry: Entry) -> Place:
    return Place(entry.seq, entry.id, entry.epoch, entry.term, entry.time, entry.kind)


def _base(entry: Entry) -> Base:
    return Base(entry.seq, entry.prev, entry.epoch, entry.term, entry.time, entry.is_opener)


def _keep(entries: Sequence[Entry]) -> Keep:
    return Keep(cast("tuple[AuthenticEntry, ...]", tuple(entries)))


def _follows(entry: Entry, before: Place) -> str | None:
    return follows(
        entry, seq=before.seq, entry_id=before.id, place=before.place, time=before.time, kind=before.kind
    )


def _stretch(network: str, admission: Admission, chain: Sequence[Entry], view: LogView, jump: bool) -> int:
    """Takes the first stretch of the chain (or its opener alone); returns how many entries it consumed."""
    first = chain[0]
    if first.is_opener:
        _take_opener(network, admission, first, view)
        return 1
    if admission.state is None:
        raise NotHeld("unknown_author", "the inception of this networker is not known here")
    end = next((index for index, entry in enumerate(chain) if entry.place != first.place), len(chain))
    sealed = end < len(chain) and _opener_verifies(admission.state, chain[end])
    _entries(network, admission, chain[:end], sealed, view, jump)
    return end


def _take_opener(network: str, admission: Admission, opener: Entry, view: LogView) -> None:
    if admission.state is None:
        if opener.kind != INCEPTION:
            raise NotHeld("unknown_author", "the inception of this networker is not known here")
        openers = start(network, opener)
        admission.state = LogState(openers, _base(opener), _place(opener))
        admission.steps.append(_keep([opener]))
        return
    if not admission.state.openers.knows(opener):
        try:
            _open(admission, opener, view)
        except NotHeld as error:
            if error.code != "stale":
                raise
        else:
            return
    _entries(network, admission, [opener], True, view, False)


def _opener_verifies(state: LogState, opener: Entry) -> bool:
    try:
        state.openers.admit(opener)
    except NotHeld as error:
        return error.code == "stale"
    except RemoteProtocolError:
        return False
    return True


def _entries(
    network: str, admission: Admission, part: Sequence[Entry], sealed: bool, view: LogView, jump: bool
) -> None:
    """Skips what is held, extends, or finds a fork; `part` is linked, of one stretch and not below the base."""
    state = _held(admission)
    for entry in part:
        if entry.seq > state.tip.seq:
            break
        known = view.main(entry.seq)
        if known is None or known.id == entry.id:
            continue
        if entry.place != state.openers.place or known.place != entry.place:
            raise NotHeld("stale", "entries of a closed epoch or term that are not part of the log")
        if state.openers.contested is None:
            _fork(admission, part[part.index(entry) :], view)
        admission.diverged = entry is part[0]
        raise NotHeld("forked", f"entry {entry.seq} differs from the one held")
    above = [entry for entry in part if entry.seq > state.tip.seq]
    if above:
        _extend(network, admission, above, sealed, jump)


def _held(admission: Admission) -> LogState:
    if admission.state is None:
        raise LocalProtocolError("entries before their log")
    return admission.state


def _extend(network: str, admission: Admission, part: Sequence[Entry], sealed: bool, jump: bool) -> None:
    state = _held(admission)
    if part[0].place < state.openers.place:
        raise NotHeld("stale", "entries of a closed epoch or term above the log")
    if part[0].place > state.openers.place:
        raise NotHeld("unknown_epoch", "entries of an epoch or term whose opener is not known here")
    if state.openers.contested is not None:
        raise NotHeld("contested", "a contested identity takes no entries but openers")
    if state.forked:
        raise NotHeld("forked", "a forked term takes no entries but openers")
    jumped = jump and part[0].seq > state.tip.seq + 1 and state.tip.kind in OPENERS
    code = "link" if part[0].is_opener else _follows(part[0], state.tip)
    if code == "link" and not jumped:
        if part[0].seq > state.tip.seq + 1:
            raise NotHeld("gap", f"entries {state.tip.seq + 1} to {part[0].seq - 1} are missing")
        admission.diverged = True
        raise NotHeld(
            "gap", f"entry {part[0].seq} does not follow the head held: the log differs further down"
        )
    if code == "after_close":
        raise RemoteProtocolError(code, f"entry {part[0].seq} follows a close")
    if part[0].time < state.tip.time:
        raise RemoteProtocolError("time_order", f"entry {part[0].seq} is dated before entry {state.tip.seq}")
    count = proved(network, state.openers.keys(part[0].epoch)[0], part, sealed)
    if count:
        taken = part[:count]
        admission.steps.append(_keep(taken))
        if jumped:
            admission.steps.append(Release(taken[0].seq))
        admission.state = replace(
            state, tip=_place(taken[-1]), base=_base(taken[0]) if jumped else state.base
        )
    if count < len(part):
        raise RemoteProtocolError("signature", f"entry {part[count].seq} is not proved by a valid signature")


def _fill_down(network: str, admission: Admission, chain: Sequence[Entry], view: LogView) -> None:
    """Fills below the base, stretch by stretch from the top."""
    while chain:
        place, start_at = chain[-1].place, len(chain) - 1
        while start_at > 0 and chain[start_at - 1].place == place:
            start_at -= 1
        _fill(network, admission, chain[start_at:], view)
        chain = chain[:start_at]


def _fill(network: str, admission: Admission, part: Sequence[Entry], view: LogView) -> None:
    """Adds entries of one stretch right below the base: what is held proves them, anchors are checked besides."""
    state = _held(admission)
    last = part[-1]
    if last.seq >= state.base.seq:
        return  # an extent rejoined meanwhile holds them
    if last.id != state.base.prev or not _links_below(state.base, _place(last)):
        raise NotHeld("gap", "entries below the log that it does not link to")
    opener = part[0] if part[0].is_opener else None
    if opener is not None:
        state = _opener_below(admission, state, opener)
    entries = part[1:] if opener is not None else part
    good = max((_anchored(network, key, entries) for key in state.openers.keys(last.epoch)), default=0)
    taken = part if good == len(entries) else entries[len(entries) - good :]
    if taken:
        admission.steps.append(_keep(taken))
        admission.state = replace(state, base=_base(taken[0]))
        _rejoin(admission, view)
    if len(taken) < len(part):
        failed = part[len(part) - len(taken) - 1]
        raise RemoteProtocolError("signature", f"anchor {failed.seq} fails its own signature")


def _opener_below(admission: Admission, state: LogState, opener: Entry) -> LogState:
    """An opener met while filling is verified like any other; an unknown one may reveal a contest."""
    try:
        openers = state.openers.admit(opener)
    except NotHeld as error:
        if error.code != "stale":
            raise
        return state
    if openers.contested is not None and state.openers.contested is None:
        admission.state = replace(state, openers=openers)
        raise NotHeld("contested", f"two rotations open epoch {opener.epoch}")
    return replace(state, openers=openers)


def _anchored(network: str, key: bytes, part: Sequence[Entry]) -> int:
    """How many trailing entries lie above the highest anchor whose signature fails."""
    for index in range(len(part) - 1, -1, -1):
        if part[index].is_anchor and not signature_valid(network, key, part[index]):
            return len(part) - 1 - index
    return len(part)


def _links_below(base: Base, below: Place) -> bool:
    """Whether what is held from `base` on may follow an entry with those figures [R-LOG-5, 6, 8, 9]."""
    if below.time > base.time:
        return False
    if base.opener:
        epoch, term = below.place
        rotation, settlement = (
            (base.epoch, base.term) == (epoch + 1, 0),
            (base.epoch, base.term) == (epoch, term + 1),
        )
        return rotation or settlement
    return below.place == (base.epoch, base.term) and below.kind != CLOSE


def _open(admission: Admission, opener: Entry, view: LogView) -> None:
    """Takes in an opener that is not known yet."""
    state = _held(admission)
    before = state.openers
    after = before.admit(opener)
    if after is before:
        return
    if after.place <= before.place or after.newest != (opener,):
        # a second opener of a known epoch or term: contested or forked; what is held stays as it is
        admission.state = replace(
            state, openers=after, fork=state.fork if after.place == before.place else None
        )
        return
    below = opener.seq - 1
    if below == state.tip.seq and _follows(opener, state.tip) is None:
        admission.steps.append(_keep([opener]))
        admission.state = replace(state, openers=after, tip=_place(opener), fork=None)
    elif state.base.seq <= below < state.tip.seq and _may_open(view.main(below), opener):
        admission.state = _set_aside(admission, state, opener.seq, view)
        admission.steps.append(_keep([opener]))
        admission.state = replace(admission.state, openers=after, tip=_place(opener), fork=None)
    else:
        admission.state = _set_aside(admission, state, state.base.seq, view)
        admission.steps.append(_keep([opener]))
        admission.state = replace(
            admission.state, openers=after, base=_base(opener), tip=_place(opener), fork=None
        )
        _rejoin(admission, view)
    _drop_disowned(admission)


def _may_open(below: Entry | None, opener: Entry) -> bool:
    return (
        below is not None
        and below.id == opener.prev
        and below.time <= opener.time
        and opens_after(opener, below.place)
    )


def _set_aside(admission: Admission, state: LogState, first: int, view: LogView) -> LogState:
    entry = view.main(first)
    if entry is None:
        raise LocalProtocolError(f"entry {first} of the main run is not stored")
    admission.steps.append(SetAside(state.extents, first))
    extent = Extent(state.extents, _base(entry), state.tip.seq)
    return replace(state, aside=(*state.aside, extent), extents=state.extents + 1)


def _rejoin(admission: Admission, view: LogView) -> None:
    """Joins extents that the main run has come down to, then lets go of what is disowned."""
    joined = True
    while joined:
        joined = False
        state = _held(admission)
        for extent in state.aside:
            below = state.base.seq - 1
            if not extent.base.seq <= below <= extent.last:
                continue
            entry = view.aside(extent.number, below)
            if entry is None or entry.id != state.base.prev or not _links_below(state.base, _place(entry)):
                continue
            admission.steps.append(Rejoin(extent.number, below))
            others = tuple(each for each in state.aside if each.number != extent.number)
            if below < extent.last:
                upper = view.aside(extent.number, below + 1)
                if upper is None:
                    raise LocalProtocolError(f"entry {below + 1} of extent {extent.number} is not stored")
                others = (*others, replace(extent, base=_base(upper)))
            admission.state = replace(state, aside=others, base=extent.base)
            joined = True
            break
    _drop_disowned(admission)


def _drop_disowned(admission: Admission) -> None:
    """Disowned entries go only when the run up to the newest opener is linked and nothing is forked [R-LOG-13]."""
    state = _held(admission)
    if state.base.seq == 0 and state.open and state.aside:
        admission.steps.extend(Drop(extent.number) for extent in state.aside)
        admission.state = replace(state, aside=())


def _fork(admission: Admission, part: Sequence[Entry], view: LogView) -> None:
    """Proves a fork from a received chain and what is held; records it in the state when the proof stands."""
    state = _held(admission)
    mine: list[Entry] = []
    seq = part[0].seq
    while (entry := view.main(seq)) is not None and entry.place == part[0].place:
        mine.append(entry)
        if entry.is_anchor:
            break
        seq += 1
    left, right = signed_run(state.openers, mine), signed_run(state.openers, part)
    admission.state = receive_proof(state, left, right)
    if admission.state.fork != state.fork:
        admission.proof = (left, right)
