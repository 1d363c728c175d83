"""Operations on mail."""

from __future__ import annotations

from typing import Final

from netnode.operations import models
from netnode.operations.operation import Operation
from netnode.operations.services import Services


async def _send(services: Services, request: models.MailDraft) -> models.Mail:
    return await services.mail.send(request)


async def _list(services: Services, request: models.MailQuery) -> models.Page[models.Mail]:
    return await services.mail.list(request)


async def _show(services: Services, request: models.MailName) -> models.Mail:
    return await services.mail.show(request.id)


async def _remove(services: Services, request: models.MailName) -> models.Done:
    await services.mail.remove(request.id)
    return models.Done()


MAIL_SEND: Final = Operation(
    "mail.send", "POST", "/mail/send", "Send a mail to a networker", models.MailDraft, models.Mail, _send
)
MAILS: Final = Operation(
    "mail.list",
    "GET",
    "/mail",
    "Mails that came and that were sent",
    models.MailQuery,
    models.Page[models.Mail],
    _list,
    page=True,
)
MAIL_SHOW: Final = Operation(
    "mail.show", "POST", "/mail/show", "One mail; it counts as read then", models.MailName, models.Mail, _show
)
MAIL_REMOVE: Final = Operation(
    "mail.remove", "POST", "/mail/remove", "Let go of one mail", models.MailName, models.Done, _remove
)
OPERATIONS: Final = (MAIL_SEND, MAILS, MAIL_SHOW, MAIL_REMOVE)
