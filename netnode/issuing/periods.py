"""Periods of own plans: what a close would publish, the close, and the same again [R-CRED-30..33]."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
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
from protocol.ledger.contents import CloseContent, encode_content, read_close
from protocol.ledger.governing import Governed
from protocol.ledger.groups import cut
from protocol.plans.facts import Period
from protocol.records import ClosePart, Record, decode_record

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
        content: what is published.
        hash: SHA-256 of its bytes.
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
    content: CloseContent
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
            self._means.own.id, lambda ledger: _close(_governed(ledger.book, key, at), ledger.book, at, now)
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

        def make(book: Book, place: Next) -> Sequence[Record]:
            found[:] = [_close(_governed(book, key, at), book, at, place.time)]
            if not found[0].over:
                raise Problem(
                    f"The period {found[0].label} is not over yet. To see how it stands: netnode period preview {key}",
                    ExitCode.REFUSED,
                    "not_over",
                )
            return cut(ClosePart, encode_content(found[0].content))

        try:
            entries = await self._appending.append(make)
        except LocalProtocolError as error:
            raise Problem(f"This close does not fit the log: {error.text}.", code="too_large") from error
        return _with_entry(found[0], entries[-1].seq)

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
        content, seq = found
        digest = hashlib.sha256(encode_content(content)).digest()
        return Close(
            key, plan, unit, exponent, str(period.label), period.start, period.end, content, digest, True, seq
        )


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
    text = f"Your opportunity {key!r} has no plan" if not plans else "No plan of yours holds at that date"
    raise Problem(f"{text}. Publish one with: netnode plan publish FILE", ExitCode.NOT_FOUND, "no_plan")


def _close(governed: Governed, book: Book, at: int | None, now: int) -> Close:
    """The close of the next period of a plan.

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
        content = drafting.close_with_awards(book.state, governed, following)
    except Void as void:
        raise Problem(f"The period cannot be closed: {void.text}.", ExitCode.REFUSED, void.code) from void
    unit = governed.plan.unit
    assert governed.opportunity is not None  # looked for by it
    return Close(
        opportunity=governed.opportunity,
        plan=governed.hash,
        unit=unit.name,
        exponent=unit.exponent,
        label=str(period.label),
        begins=content.begins,
        ends=content.ends,
        content=content,
        hash=hashlib.sha256(encode_content(content)).digest(),
        over=period.end <= now,
    )


def _with_entry(close: Close, seq: int) -> Close:
    fields = {name: getattr(close, name) for name in Close.__slots__}
    return Close(**(fields | {"entry": seq}))


def _period_closed(ledger: Ledger, key: str, at: int) -> tuple[bytes, str, int, Period] | None:
    for each in ledger.book.governing.all():
        if each.opportunity == key and each.closed is not None and at < each.closed:
            period = each.activity.period(at, 0)
            if period.end > each.starts:
                return each.hash, each.plan.unit.name, each.plan.unit.exponent, period
    return None


def _find(reader: Reader, own: bytes, plan: bytes, begins: int) -> tuple[CloseContent, int] | None:
    """The newest whole close of a period in the own log, and the seq of its last part."""
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
                return content, entry.seq + part.count - 1
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
