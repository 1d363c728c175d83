"""Mail from networker to networker, and what became of it."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from netnode.mail.letters import Delivery, Letters, delivery_of
from netnode.operations import models
from netnode.ports import Clock
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.services import paging
from netnode.services.ports import OwnLog
from netnode.store import Reader, Store, mail, mailbox
from netnode.store import letters as rows
from netnode.store.letters import OutRow
from netnode.store.mail import MailRow
from protocol import letter_bodies
from protocol.errors import LocalProtocolError
from protocol.identity import id_text

_LIST: Final = "mail"


class MailService:
    """`operations.services.Mails`.

    Args:
        store: holds mail.
        own: this node's networker.
        clock: dates.
        letters: takes what is sent.
    """

    def __init__(self, store: Store, own: OwnLog, clock: Clock, letters: Letters) -> None:
        self._store = store
        self._own = own
        self._clock = clock
        self._letters = letters

    async def send(self, draft: models.MailDraft) -> models.Mail:
        """Queues a mail; it is on disk when this returns.

        Raises:
            Problem: no id, nothing to say, or the own id (2); the mail it answers is not here (3); too many letters
                wait, or the owner blocked the recipient (4).
        """
        to = views.networker_id(draft.to)
        if to == self._own.id:
            raise Problem("A mail to yourself goes nowhere. Give another id.", ExitCode.USAGE, "own")
        if not draft.subject and not draft.text:
            raise Problem("The mail is empty. Give a subject or a text.", ExitCode.USAGE, "empty")
        await self._store.read(self._require_welcome, to)
        re = None if draft.re is None else await self._answered(draft.re, to)
        body = letter_bodies.Mail(re=UNSET if re is None else re, subject=draft.subject, text=draft.text)
        number = await self._letters.send(to, body)
        return await self.show(f"out-{number}")

    def _require_welcome(self, reader: Reader, to: bytes) -> None:
        """Refuses mail to somebody whose answer would be refused."""
        name = id_text(to)
        if any(each == to for each, _ in reader.blocked()):
            said, lift = "so your node has no sessions with them", f"netnode peer block {name} --lift"
        elif views.blocks(reader.connection, self._own.id, to):
            said, lift = "in public, and take no mail of theirs", f"netnode moderate block {name} --lift"
        else:
            return
        raise Problem(
            f"You have blocked {name}, {said}. To write to them, take that back first: {lift}",
            ExitCode.REFUSED,
            "blocked",
        )

    async def _answered(self, name: str, to: bytes) -> bytes:
        """The id of the mail that is answered, which was to or from the same networker."""
        row = await self._row(name)
        other = row.sender if isinstance(row, MailRow) else row.recipient
        if other != to:
            raise Problem(
                f"The mail {name} is not to or from {id_text(to)}, so it cannot be answered there.",
                ExitCode.USAGE,
                "re",
            )
        return row.first

    async def list(self, query: models.MailQuery) -> models.Page[models.Mail]:
        """Mails, the newest first, without their texts."""
        place = paging.opened(_LIST, query.cursor, int, int, int)
        before = None if place is None else (place[0], place[1], place[2])

        def read(reader: Reader) -> models.Page[models.Mail]:
            found = mail.page(reader, query.box, before, query.limit + 1)
            shown = found[: query.limit]
            items = [self._view(reader, row, whole=False) for _, row in shown]
            return models.Page(items, paging.seal(_LIST, *shown[-1][0]) if len(found) > query.limit else None)

        return await self._store.read(read)

    async def show(self, name: str) -> models.Mail:
        """One mail, whole; one that came counts as read from now on.

        Raises:
            Problem: it is not here (3).
        """
        row = await self._row(name)
        shown = await self._store.read(lambda reader: self._view(reader, row, whole=True))
        if isinstance(row, MailRow) and not row.read:
            await self._store.write(mail.mark_read, row.i)
        return shown

    async def remove(self, name: str) -> None:
        """Lets go of one mail here; its other side keeps theirs.

        Raises:
            Problem: it is not here (3), or still on its way (4).
        """
        row = await self._row(name)
        if isinstance(row, MailRow):
            await self._store.write(mail.remove, row.i)
        elif not await self._store.write(mail.remove_sent, row.i):
            raise Problem(
                f"The mail {name} is still on its way. It can be removed once it is delivered, refused or expired.",
                ExitCode.REFUSED,
                "waits",
                {"id": name},
            )

    async def figures(self) -> models.MailFigures:
        """How many letters wait."""
        return await self._store.read(figures)

    async def _row(self, name: str) -> MailRow | OutRow:
        side, _, number = name.partition("-")
        row: MailRow | OutRow | None
        if side == "in":
            row = await self._store.read(mail.came, int(number))
        else:
            row = await self._store.read(rows.out, int(number))
            row = row if row is not None and row.type == "mail" else None
        if row is None:
            raise Problem(
                f"There is no mail {name} here. See: netnode mail ls",
                ExitCode.NOT_FOUND,
                "no_mail",
                {"id": name},
            )
        return row

    def _view(self, reader: Reader, row: MailRow | OutRow, *, whole: bool) -> models.Mail:
        if isinstance(row, MailRow):
            return models.Mail(
                id=f"in-{row.i}",
                sender=id_text(row.sender),
                to=id_text(self._own.id),
                name=_name(reader, row.sender),
                subject=row.subject,
                text=row.text if whole else None,
                at=row.at,
                re=None if row.re is None else mail.find(reader, row.sender, row.re),
                read=bool(row.read),
            )
        body = letter_bodies.decode_content(row.content).body
        if not isinstance(body, letter_bodies.Mail):
            raise LocalProtocolError(f"letter {row.i} of the outbox is no mail")
        return models.Mail(
            id=f"out-{row.i}",
            sender=id_text(self._own.id),
            to=id_text(row.recipient),
            name=_name(reader, row.recipient),
            subject=body.subject,
            text=body.text if whole else None,
            at=row.made,
            re=mail.find(reader, row.recipient, body.re) if isinstance(body.re, bytes) else None,
            delivery=delivery_view(delivery_of(row)),
        )


def delivery_view(delivery: Delivery) -> models.Delivery:
    """How far a letter is, as JSON shows it."""
    return models.Delivery(state=delivery.state, at=delivery.at, code=delivery.code, reason=delivery.reason)


def figures(reader: Reader) -> models.MailFigures:
    """How many letters wait, out and in, and what is kept for others."""
    own = rows.figures(reader)
    kept, kept_bytes = mailbox.figures(reader)
    return models.MailFigures(
        queued=own.queued,
        at_mailbox=own.at_mailbox,
        refused=own.refused,
        incoming=own.incoming,
        unread=mail.unread(reader),
        kept=kept,
        kept_bytes=kept_bytes,
    )


def _name(reader: Reader, networker: bytes) -> str | None:
    return views.names(reader.connection, [networker]).get(networker)
