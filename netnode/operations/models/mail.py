"""Letters: mail from networker to networker, and what became of anything that was sent."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from netnode.operations.models.shared import ITEMS_DEFAULT, Cursor, Limit, NetworkerText
from protocol import limits

DeliveryState = Literal["queued", "at_mailbox", "delivered", "settled", "refused"]
MailNumber = Annotated[
    str, Meta(pattern="^(in|out)-[0-9]{1,15}$", description="id of a mail, as in the list")
]


class Delivery(Struct, frozen=True, kw_only=True):
    """How far a letter is: `at` is when it came there (ms), `reason` why it is not further, for a person."""

    state: DeliveryState
    at: int
    code: str | None = None  # machine code behind `reason`
    reason: str | None = None


class MailDraft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mail to be sent; `re` names the mail it answers."""

    to: NetworkerText
    subject: Annotated[str, Meta(max_length=limits.MAX_TITLE)] = ""
    text: Annotated[str, Meta(max_length=limits.MAX_MAIL_TEXT)] = ""
    re: MailNumber | None = None


class MailName(Struct, frozen=True, forbid_unknown_fields=True):
    """Names a mail."""

    id: MailNumber


class MailQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which mails to list, the newest first."""

    box: Literal["all", "in", "out"] = "all"
    limit: Limit = ITEMS_DEFAULT
    cursor: Cursor | None = None


class Mail(Struct, frozen=True, kw_only=True):
    """One mail. `sender` and `to` are networker ids; `delivery` is of a sent one, `read` of one that came."""

    id: str
    sender: str
    to: str
    name: str | None = None  # of the other side
    subject: str
    text: str | None = None  # null in a list
    at: int
    re: str | None = None  # the mail it answers, where it is here
    read: bool | None = None
    delivery: Delivery | None = None


class MailFigures(Struct, frozen=True, kw_only=True):
    """How many letters wait: to be sent, at a mailbox, to be looked into; kept for others, with their bytes."""

    queued: int = 0
    at_mailbox: int = 0
    refused: int = 0
    incoming: int = 0
    unread: int = 0
    kept: int = 0
    kept_bytes: int = 0
