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
from contextlib import suppress
from typing import Any

import msgspec
from msgspec.structs import replace

from protocol import limits
from protocol.entry import CLOSE, INCEPTION, OPENERS, AuthenticEntry, Entry, signature_valid
from protocol.errors import LocalProtocolError, NotHeld, ProtocolError, RemoteProtocolError
from protocol.forks import check_fork
from protocol.log_state import Base, Extent, LogState, LogView, Place
from protocol.openers import Openers, start
from protocol.run import follows, linked, opens_after, proved


class Keep(msgspec.Struct, frozen=True):
    """Store these entries in the main run, above its tip or below its base."""

    entries: tuple[AuthenticEntry, ...]


class SetAside(msgspec.Struct, frozen=True):
    """Move the main run's entries from `first` on to extent `number`."""

    number: int
    first: int


class Rejoin(msgspec.Struct, frozen=True):
    """Move the entries of extent `number` up to `last` back to the main run; those above stay set aside."""

    number: int
    last: int


class Drop(msgspec.Struct, frozen=True):
    """The entries of extent `number` are disowned for good; who needs evidence keeps them outside the log."""

    number: int


class Release(msgspec.Struct, frozen=True):
    """Let go of the main run's entries below `first`: the log is held from there on."""

    first: int


Step = Keep | SetAside | Rejoin | Drop | Release


class Admission(msgspec.Struct):
    """The outcome of one chain: the new state, the steps in order, and why the rest was not taken (None: all was).

    `diverged` is set when the chain does not link to the tip: the peer's log differs further down (bisect).
    `proof` holds both sides of a fork that the chain showed, to be stored and passed on.
    """

    state: LogState | None
    steps: list[Step] = []
    fault: ProtocolError | None = None
    diverged: bool = False
    proof: tuple[tuple[Entry, ...], tuple[Entry, ...]] | None = None
    rest: tuple[Entry, ...] = ()

    @property
    def kept(self) -> int:
        """How many entries were newly stored."""
        total = 0
        for step in self.steps:
            if isinstance(step, Keep):
                total += len(step.entries)
        return total

    @property
    def set_aside(self) -> bool:
        """Whether a step moves stored entries, so that the store must be asked anew."""
        return SetAside in map(type, self.steps)


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
    below = 0 if state is None else min(good, max(0, state.base.seq - chain[0].seq))
    above = chain[below:good]
    try:
        while above:
            above = above[_stretch(network, admission, above, view, jump) :]
            if admission.set_aside:
                if above or below or good < len(chain):
                    admission.rest = tuple(chain)  # what is held by then is skipped
                return admission
        if below:
            _open_alone(admission, chain[:below], view)
            _fill_down(network, admission, chain[:below], view)
    except ProtocolError as error:
        admission.fault = error
        _open_alone(admission, [*chain[:below], *above, *chain[good:]], view)
    if admission.fault is None and good < len(chain):
        before, entry = chain[good - 1], chain[good]
        if entry.is_opener and entry.prev != before.id:
            admission.rest = tuple(chain[good:])  # no run joins them: a chain of its own
            return admission
        code = _follows(entry, _place(before)) or "link"
        admission.fault = RemoteProtocolError(code, f"entry {entry.seq} does not follow entry {before.seq}")
        _open_alone(admission, chain[good:], view)
    return admission


def hold_from(state: LogState, first: Entry) -> tuple[LogState, Step]:
    """Lets go of what lies below `first`, an entry of the main run; the openers stay known [R-LOG-29].

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
    authentic: Any = tuple(entries)
    return Keep(authentic)


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
    end = 1
    while end < len(chain) and chain[end].place == first.place:
        end += 1
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


def _open_alone(admission: Admission, chain: Sequence[Entry], view: LogView) -> None:
    """Openers count however they came, whatever lies between [R-LOG-5]: those not linked are opened by themselves."""
    openers = [entry for entry in chain if entry.is_opener]
    for index, entry in enumerate(openers):
        if admission.steps:
            admission.rest = tuple(openers[index:])  # what they may set aside is not stored yet
            return
        if admission.state is not None and not admission.state.openers.knows(entry):
            # One that counts for nothing is judged where it stands.
            with suppress(NotHeld, RemoteProtocolError):
                _open(admission, entry, view)


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
        newest = entry.place == known.place == state.openers.place
        if not newest or entry.is_opener or known.is_opener:  # two openers of one term are told apart as such
            raise NotHeld(
                "stale", "entries of a closed epoch or term, or of another opener, are not part of the log"
            )
        if state.openers.contested is not None:
            raise NotHeld("contested", "a contested identity takes no entries but openers")
        _fork(admission, part[part.index(entry) :], view)
        admission.diverged = entry is part[0]
        raise NotHeld("forked", f"entry {entry.seq} differs from the one held")
    above = part if part[0].seq > state.tip.seq else [entry for entry in part if entry.seq > state.tip.seq]
    if above:
        _extend(network, admission, above, sealed, jump)


def _held(admission: Admission) -> LogState:
    if admission.state is None:
        raise LocalProtocolError("entries before their log")
    return admission.state


def _extend(network: str, admission: Admission, part: Sequence[Entry], sealed: bool, jump: bool) -> None:
    state = _held(admission)
    place = part[0].place
    if place < state.openers.place:
        raise NotHeld("stale", "entries of a closed epoch or term above the log")
    if place > state.openers.place:
        raise NotHeld("unknown_epoch", "entries of an epoch or term whose opener is not known here")
    if state.openers.contested is not None:
        raise NotHeld("contested", "a contested identity takes no entries but openers")
    if state.forked and (state.fork is None or part[0].seq >= state.fork):
        raise NotHeld("forked", "a forked term takes no entries but openers and what lies below the fork")
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
    count = proved(network, state.openers.epochs[part[0].epoch][0].key, part, sealed)
    common = count if state.fork is None else min(count, state.fork - part[0].seq)
    if common:
        taken = part[:common]
        admission.steps.append(_keep(taken))
        if jumped:
            admission.steps.append(Release(taken[0].seq))
        base = _base(taken[0]) if jumped else state.base
        admission.state = LogState(
            state.openers, base, _place(taken[-1]), state.aside, state.fork, state.extents
        )
    if common < count:
        raise NotHeld("forked", f"the term is forked from entry {state.fork} on")
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
    part = [entry for entry in part if entry.seq < state.base.seq]  # what rejoined meanwhile holds the others
    if not part:
        return
    last = part[-1]
    if last.id != state.base.prev or not _links_below(state.base, _place(last)):
        raise NotHeld("gap", "entries below the log that it does not link to")
    opener = part[0] if part[0].is_opener else None
    if opener is not None:
        _require_opener(state, opener)
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


def _require_opener(state: LogState, opener: Entry) -> None:
    """An opener met while filling is known by now, or a settlement of a closed term that verifies.

    Raises:
        RemoteProtocolError: it does not verify.
        NotHeld: an epoch between is not known here.
    """
    try:
        state.openers.admit(opener)
    except NotHeld as error:
        if error.code != "stale":
            raise


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
    kept = [*state.aside, extent]
    if len(kept) > limits.MAX_EXTENTS:  # the shortest is the cheapest to fetch again
        shortest = min(kept, key=lambda each: each.last - each.base.seq)
        admission.steps.append(Drop(shortest.number))
        kept.remove(shortest)
    return replace(state, aside=tuple(kept), extents=state.extents + 1)


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
