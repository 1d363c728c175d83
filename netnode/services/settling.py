"""The own log as its owner works on it: what holds it up, its branches, and going on."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Final

from netnode.operations import models
from netnode.own.branches import Branch
from netnode.own.caution import Reason, Standing, asked_first, peer_label, sentence
from netnode.own.log import FORKED, RETIRED, OwnLog
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.services.logs import entry_view
from netnode.services.ports import Projector
from netnode.store import Store
from protocol.entry import Entry
from protocol.errors import Void
from protocol.kinds import decode_record
from protocol.records import (
    Acknowledgement,
    Alliance,
    Block,
    Challenge,
    Close,
    Listing,
    Opportunity,
    Plan,
    Profile,
    Report,
    Review,
    Withdraw,
)

CONTENTS: Final = 20  # newest entries of a branch that are named
PUBLISHED: Final = frozenset(
    each.KIND
    for each in (
        Acknowledgement, Alliance, Block, Challenge, Close, Listing, Opportunity, Plan, Profile, Report, Review,
        Withdraw,
    )
)  # fmt: skip
"""Kinds that an owner publishes by a command; all others a node writes by itself, from papers, deals and requests."""
SILENT: Final = 50  # silent peers in one answer


class OwnWork:
    """`operations.services.OwnWork`.

    Args:
        own: the own log.
        store: where it is.
        projector: brings the branch that goes on into force.
    """

    def __init__(self, own: OwnLog, store: Store, projector: Projector) -> None:
        self._own = own
        self._store = store
        self._projector = projector

    async def waiting(self) -> models.Waiting | None:
        """Why nothing is published, or why the next entry is a settlement; None when all is as usual."""
        caution = self._own.caution
        found = await caution.standing()
        state = await self._store.load(self._own.id)
        waits = found.alarm is not None or (found.reason is not None and found.by is None)
        forked = not waits and state is not None and state.forked
        retired = state is not None and self._own.retired(state)
        if found.reason is None and found.alarm is None and not forked and not retired:
            return None
        found = await self._named(found)
        text = caution.alarmed or sentence(found)
        if retired:
            text = RETIRED
        elif forked:
            text = FORKED
        elif not waits:
            text = "This node may publish; its next entry is a settlement."
        return models.Waiting(
            text=text,
            reason="retired"
            if retired
            else "forked"
            if forked
            else None
            if found.reason is None
            else found.reason.value,
            alarm=found.alarm is not None,
            by=None if waits or forked or retired or found.by is None else found.by.value,
            since=found.since,
            peers=found.peers,
            answered=found.answered,
            silent=[peer_label(row) for row in found.silent[:SILENT]],
            groups=found.groups,
            seconds=found.seconds,
        )

    async def _named(self, found: Standing) -> Standing:
        """With the names that silent peers have in their profiles."""
        ids = [row.id for row in found.silent[:SILENT] if row.id is not None]
        names = await self._store.read(lambda reader: views.names(reader.connection, ids))
        return replace(
            found,
            silent=tuple(
                row if row.id is None else replace(row, name=names.get(row.id, row.name))
                for row in found.silent
            ),
        )

    async def branches(self) -> models.Branches:
        """The branches of a forked own log, as far as they are known here."""
        state = await self._store.load(self._own.id)
        if state is None or not state.forked:
            return models.Branches(forked=False, common=None, branches=[])
        known = await self._own.branches.known(state)
        return models.Branches(
            forked=True, common=state.common, branches=[branch_view(each) for each in known]
        )

    async def settle(self, branch: str | None, first: int | None = None) -> models.Settled:
        """Publishes the settlement; see `OwnLog.settle`, and with `first` `OwnLog.take_back`."""
        if first is not None and branch is not None:
            raise Problem("Give a branch or a first entry, not both.", ExitCode.USAGE, "branch_and_first")
        if first is not None:
            entry, chosen, gone = await self._own.take_back(first)
            left = [gone]
        else:
            tip = None if branch is None else await self._tip(branch)
            entry, chosen, left = await self._own.settle(tip)
        await self._projector.level_of(self._own.id)
        return models.Settled(
            entry=entry.id.hex(),
            seq=entry.seq,
            epoch=entry.epoch,
            term=entry.term,
            goes_on=branch_view(chosen),
            left=[branch_view(each) for each in left],
        )

    async def resume(self, *, anyway: bool) -> models.Resumed:
        """The owner's word; see `Caution.resume`."""
        await self._own.caution.resume(anyway=anyway)
        waiting = await self.waiting()
        return models.Resumed(waiting=None if waiting is None or waiting.by is not None else waiting)

    async def _tip(self, begin: str) -> bytes:
        """The id of a newest entry from the begin of its text."""
        state = await self._store.load(self._own.id)
        known = [] if state is None else await self._own.branches.known(state)
        found = [each.tip.id for each in known if each.tip.id.hex().startswith(begin)]
        if len(found) == 1 or not known:
            return found[0] if found else bytes(32)
        raise Problem(
            f"{'No branch' if not found else 'More than one branch'} of your log ends with an entry {begin}... "
            "See them with: netnode log settle",
            ExitCode.NOT_FOUND,
            "no_branch",
        )


def branch_view(branch: Branch) -> models.OwnBranch:
    """A branch as JSON shows it."""
    published = [each for each in branch.entries if each.kind in PUBLISHED]
    # Of a thing that was edited its newest version counts; the same words twice tell nobody more.
    newest: dict[object, Entry] = {}
    for each in reversed(published):
        newest.setdefault(_subject(each), each)
    again = list(dict.fromkeys(_content(each) for each in newest.values()))
    wrote = Counter(entry_view(each).kind_name for each in branch.entries if each.kind not in PUBLISHED)
    return models.OwnBranch(
        id=branch.tip.id.hex(),
        seq=branch.tip.seq,
        entries=len(branch.entries),
        first=branch.entries[0].time,
        last=branch.tip.time,
        whole=branch.whole,
        main=branch.main,
        peers=branch.peers,
        contents=[_content(each) for each in reversed(branch.entries[-CONTENTS:])],
        again=again[:CONTENTS],
        again_more=max(0, len(again) - CONTENTS),
        technical=dict(sorted(wrote.items())),
    )


def _subject(entry: Entry) -> object:
    """What an entry is about: a later one about the same takes its place."""
    try:
        record = None if entry.record is None else decode_record(entry.kind, entry.record)
    except Void:
        record = None
    match record:
        case Listing(key=key) | Withdraw(key=key):
            return key
        case Profile():
            return Profile.KIND
        case _:
            return entry.id


def _content(entry: Entry) -> str:
    view = entry_view(entry)
    return f"{view.kind_name} {view.summary}".strip()


def notice(waiting: models.Waiting | None) -> str | None:
    """What the owner is told when the node starts; None when it publishes as usual."""
    if waiting is None or (waiting.by is not None and not waiting.alarm):
        return None
    if waiting.alarm or waiting.reason in (None, "forked", "retired"):
        return waiting.text
    return asked_first(Reason(waiting.reason))
