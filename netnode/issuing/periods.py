"""Periods of own plans: what a close would publish, the close, and the same again [R-CRED-30..33]."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from netnode.deals.means import Means
from netnode.issuing.appending import Appending, Next
from netnode.ledgers.ledger import Ledger
from netnode.ledgers.ledgers import Ledgers
from netnode.problems import ExitCode, Problem
from netnode.store import Reader
from protocol.errors import LocalProtocolError, Void
from protocol.ledger import drafting
from protocol.ledger.book import Book
from protocol.ledger.contents import AwardLine, CloseContent, read_close
from protocol.ledger.governing import Governed
from protocol.ledger.groups import cut_stream
from protocol.plans.facts import Award, Period
from protocol.records import ClosePart, Record, decode_record

SHOWN: Final = 1_000
"""Awards of a close that are at hand to be shown: nobody reads more of them at once."""

Stated = AwardLine | Award[bytes]
_BACK: Final = 500
_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Close:
    """The close of one period.

    Attributes:
        opportunity: key of the team.
        plan: hash of the plan.
        unit: of the amounts, and the digits behind their point.
        exponent: of the unit.
        label: of the period.
        begins: first moment, ms UTC.
        ends: first moment after it.
        count: of its awards.
        total: of all of them, minor units.
        awards: the first ones.
        hash: SHA-256 of what is published.
        over: whether the period is over.
        entry: seq of its last part; None: it is not in the log.
    """

    opportunity: str
    plan: bytes
    unit: str
    exponent: int
    label: str
    begins: int
    ends: int
    count: int
    total: int
    awards: tuple[Stated, ...]
    hash: bytes
    over: bool
    entry: int | None = None


class Periods:
    """Closes the periods of own plans.

    Args:
        means: the own log.
        ledgers: fold it.
        appending: appends to it.
    """

    def __init__(self, means: Means, ledgers: Ledgers, appending: Appending) -> None:
        self._means = means
        self._ledgers = ledgers
        self._appending = appending

    async def preview(self, key: str, at: int | None = None) -> Close:
        """What the close of a period would publish as of now: of the next one, or of that which holds a moment.

        Raises:
            Problem: `no_plan` (3); `period` (4): that period is closed, or is not the next; then see `show`.
        """
        now = self._means.clock.now_ms()
        return await self._ledgers.ask(
            self._means.own.id, lambda ledger: _preview(_governed(ledger.book, key, at), ledger.book, at, now)
        )

    async def close(self, key: str, at: int | None = None) -> Close:
        """Closes the next period, or says what the close of a closed one published; on disk when it returns.

        Args:
            key: of the opportunity.
            at: a moment in the period that is meant, ms UTC; None: the next one.

        Raises:
            Problem: `no_plan` (3); `not_over`, `period` (4); the log takes no entries now.
        """
        before = None if at is None else await self._closed(key, at)
        if before is not None:
            return before
        found: list[Close] = []

        def make(book: Book, place: Next) -> Iterator[Record]:
            close, content = _drafted(_governed(book, key, at), book, at, place.time)
            if not close.over:
                raise Problem(
                    f"The period {close.label} is not over yet. To see how it stands: netnode period preview {key}",
                    ExitCode.REFUSED,
                    "not_over",
                )
            try:
                for part in cut_stream(ClosePart, content):
                    found[:] = [replace(close, hash=part.hash)]
                    yield part
            except Void as void:
                raise _refused(void) from void
            except LocalProtocolError as error:
                raise Problem(f"This close does not fit the log: {error.text}.", code="too_large") from error

        await self._ledgers.ask(self._means.own.id, Ledger.let_go)
        entries = await self._appending.append(make)
        return replace(found[0], entry=entries[-1].seq)

    async def _closed(self, key: str, at: int) -> Close | None:
        """What was published of the period that a moment lies in; None: nothing yet."""
        own = self._means.own.id
        governed = await self._ledgers.ask(own, lambda ledger: _period_closed(ledger, key, at))
        if governed is None:
            return None
        plan, unit, exponent, period = governed
        found = await self._means.store.read(_find, own, plan, period.start)
        if found is None:
            return None
        content, digest, seq = found
        total, first = sum(each.amount for each in content.awards), content.awards[:SHOWN]
        return Close(
            key, plan, unit, exponent, str(period.label), period.start, period.end, len(content.awards), total, first,
            digest, True, seq,
        )  # fmt: skip


def _governed(book: Book, key: str, at: int | None) -> Governed:
    """The plan whose period is meant: the first of the opportunity that has one left, or that held at a moment.

    Raises:
        Problem: `no_plan`.
    """
    plans = [each for each in book.governing.all() if each.opportunity == key]
    left = [each for each in plans if each.closed is None or each.left(each.closed)]
    for each in left:
        if at is None or (each.starts <= at and (each.ends is None or at < each.ends)):
            return each
    text = (
        f"No plan of yours is for an opportunity {key!r}"
        if not plans
        else "No plan of yours holds at that date"
    )
    raise Problem(f"{text}. Publish one with: netnode plan publish FILE", ExitCode.NOT_FOUND, "no_plan")


def _preview(governed: Governed, book: Book, at: int | None, now: int) -> Close:
    close, content = _drafted(governed, book, at, now)
    digest = hashlib.sha256()
    try:
        for piece in content():
            digest.update(piece)
    except Void as void:
        raise _refused(void) from void
    return replace(close, hash=digest.digest())


def _drafted(
    governed: Governed, book: Book, at: int | None, now: int
) -> tuple[Close, Callable[[], Iterator[bytes]]]:
    """The close of the next period of a plan, without its hash; and what gives what is published, piece by piece.

    Raises:
        Problem: `period`: another one than the next is meant.
    """
    following = governed.starts if governed.closed is None else governed.closed
    period = governed.activity.period(following, 0)
    if at is not None and not period.start <= at < period.end:
        raise Problem(
            f"Periods are closed in their order, and {period.label} is the next one.",
            ExitCode.REFUSED,
            "period",
        )
    try:
        drafted = drafting.close_with_awards(book.state, governed, following)
    except Void as void:
        raise _refused(void) from void
    unit = governed.plan.unit
    assert governed.opportunity is not None  # looked for by it
    close = Close(
        opportunity=governed.opportunity,
        plan=governed.hash,
        unit=unit.name,
        exponent=unit.exponent,
        label=str(period.label),
        begins=drafted.begins,
        ends=drafted.ends,
        count=len(drafted.awards),
        total=sum(each.amount for each in drafted.awards),
        awards=tuple(drafted.awards[:SHOWN]),
        hash=b"",
        over=period.end <= now,
    )
    return close, drafted.encoded


def _refused(void: Void) -> Problem:
    return Problem(f"The period cannot be closed: {void.text}.", ExitCode.REFUSED, void.code)


def _period_closed(ledger: Ledger, key: str, at: int) -> tuple[bytes, str, int, Period] | None:
    for each in ledger.book.governing.all():
        if each.opportunity == key and each.closed is not None and at < each.closed:
            period = each.activity.period(at, 0)
            if period.end > each.starts:
                return each.hash, each.plan.unit.name, each.plan.unit.exponent, period
    return None


def _find(reader: Reader, own: bytes, plan: bytes, begins: int) -> tuple[CloseContent, bytes, int] | None:
    """The newest whole close of a period in the own log, its hash, and the seq of its last part."""
    state = reader.load(own)
    last = -1 if state is None else state.tip.seq
    parts: dict[int, ClosePart] = {}
    while last >= 0:
        for entry in reversed(reader.entries(own, max(0, last - _BACK + 1), last, _BYTES)):
            if entry.kind != ClosePart.KIND or entry.record is None:
                continue
            try:
                part = decode_record(entry.kind, entry.record)
            except Void:
                continue
            assert isinstance(part, ClosePart)  # by its kind
            parts[entry.seq] = part
            content = _whole(parts, entry.seq, part)
            if content is not None and (content.plan, content.begins) == (plan, begins):
                return content, part.hash, entry.seq + part.count - 1
        last -= _BACK
    return None


def _whole(parts: dict[int, ClosePart], first: int, part: ClosePart) -> CloseContent | None:
    run = [parts.get(seq) for seq in range(first, first + part.count)]
    if part.number != 1 or any(each is None for each in run):
        return None
    try:
        return read_close(b"".join(each.content for each in run if each is not None))
    except Void:
        return None
