"""Public statements about others: blocks and reports."""

from __future__ import annotations

from typing import Any, cast, get_args

from msgspec import UNSET

from netnode.market.forms import FormError, explain
from netnode.operations import models
from netnode.ports import Entropy
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.services.listings import named, not_held
from netnode.services.ports import OwnLog, Projector
from netnode.store import Reader, Store
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.identity import parse_id
from protocol.limits import SALT_BYTES
from protocol.records import Block, Report, encode_record
from protocol.records.moderation import ReportReason

REASONS: tuple[str, ...] = get_args(ReportReason)


class Statements:
    """`operations.services.Moderation`.

    Args:
        store: where statements and listings are read.
        own: signs.
        projector: brings what was written into force.
        entropy: salts of records.
    """

    def __init__(self, store: Store, own: OwnLog, projector: Projector, entropy: Entropy) -> None:
        self._store = store
        self._own = own
        self._projector = projector
        self._entropy = entropy

    async def block(self, statement: models.BlockPublish) -> models.Stated:
        """Publishes a block, or that it is lifted; one that says nothing new is not published again.

        Raises:
            Problem: no id (2), lifting a block that is not in force (3), the own id (4), or as `OwnLog.append`.
        """
        target = self._other(views.networker_id(statement.id), "block")
        await self._projector.level_of(self._own.id)
        known = await self._store.read(_block, self._own.id, target)
        reason = statement.reason or ""
        if known is not None and not statement.lifted and known[1] == reason:
            return models.Stated(known[0].hex())
        if known is None and statement.lifted:
            raise Problem(
                f"There is no block of {statement.id} by you that could be lifted.",
                ExitCode.NOT_FOUND,
                "not_blocked",
            )
        return await self._state(
            Block(
                salt=self._entropy.token(SALT_BYTES),
                id=target,
                lifted=True if statement.lifted else UNSET,
                reason=reason or UNSET,
            )
        )

    async def report(self, statement: models.ReportPublish) -> models.Stated:
        """Publishes a report of a listing, in its version held here, or of a networker.

        Raises:
            Problem: an unknown reason or a reference of a wrong form (2), a listing not held (3), an own one (4), or
                as `OwnLog.append`.
        """
        if statement.reason not in REASONS:
            raise Problem(
                f"{statement.reason!r} is no reason of a report. There are: {', '.join(REASONS)}.",
                ExitCode.USAGE,
                "reason",
            )
        target, entry = await self._subject(statement.ref)
        return await self._state(
            Report(
                salt=self._entropy.token(SALT_BYTES),
                author=target,
                entry=UNSET if entry is None else entry,
                reason=cast("ReportReason", statement.reason),
                text=statement.text or UNSET,
            )
        )

    async def list(self, query: models.Listed) -> models.Page[models.Moderation]:
        """Blocks and reports in force by this networker and those it follows, newest first."""

        def read(reader: Reader) -> models.Page[models.Moderation]:
            authors = [self._own.id, *(each for each, _ in reader.follows())]
            return views.statements(reader.connection, authors, limit=query.limit, cursor=query.cursor)

        return await self._store.read(read)

    # -- steps -----------------------------------------------------------------------------------------------
    async def _subject(self, ref: str) -> tuple[bytes, bytes | None]:
        """The networker a reference names, and the entry when it names a listing."""
        try:
            return self._other(parse_id(ref), "report"), None
        except RemoteProtocolError as error:
            seller, key = named(ref, self._own.id)
            if "/" not in ref:
                raise Problem(
                    f"{ref!r} names neither a networker (nx1...) nor a listing of one (nx1.../KEY): {error.text}.",
                    ExitCode.USAGE,
                    "ref",
                ) from error
        if seller == self._own.id and ref.lower().startswith("nx1"):
            views.networker_id(ref.partition("/")[0])  # a slip in an id is not an own key
        self._other(seller, "report")
        row = await self._store.read(lambda reader: views.listing(reader.connection, seller, key))
        if row is None:
            raise not_held(ref, False)
        return seller, row.entry

    def _other(self, networker: bytes, verb: str) -> bytes:
        if networker == self._own.id:
            raise Problem(f"You cannot {verb} yourself.", ExitCode.REFUSED, "own")
        return networker

    async def _state(self, record: Block | Report) -> models.Stated:
        try:
            data = encode_record(record)
        except LocalProtocolError as error:
            raise FormError("", *explain(error.text)) from error
        (entry,) = await self._own.append([(record.KIND, data)])
        await self._projector.level_of(self._own.id)
        return models.Stated(entry.id.hex())


def _block(reader: Reader, author: bytes, target: bytes) -> tuple[bytes, str] | None:
    """Entry and reason of the block of `target` that is in force."""
    row: Any = reader.connection.execute(
        "SELECT entry, reason FROM statement JOIN networker USING (n)"
        " WHERE networker.id = ? AND kind = ? AND target = ? AND subject = x'' AND NOT lifted",
        (author, Block.KIND, target),
    ).fetchone()
    return None if row is None else (row[0], row[1])
