"""A profile as people write it (a form) and as INX holds it (a record), both ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import UNSET, UnsetType

from netnode.market.forms import Form, FormError, explain
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.identity import id_text, parse_id
from protocol.records import Profile, Stamp, encode_record
from protocol.records.profile import Attribution

FIELDS: Final = ("name", "bio", "addresses", "domain", "mailboxes")


def from_form(
    fields: Mapping[str, Any],
    *,
    salt: bytes,
    stamp: Stamp | UnsetType = UNSET,
    attribution: Attribution | UnsetType = UNSET,
    where: str = "",
) -> Profile:
    """Makes a profile record of a form.

    Args:
        fields: the form, see `FIELDS`; `name` is needed.
        salt: 16 random bytes.
        stamp: proof of work found for this networker; nobody writes one by hand.
        attribution: how orders are attributed; `netnode refer policy` writes it.
        where: the name of the file, for sentences.

    Raises:
        FormError: the sentence names file and field, and says what is wrong.
    """
    form = Form(fields, where)
    form.only(FIELDS)
    mailboxes = []
    for index, text in enumerate(form.texts("mailboxes") or (), 1):
        try:
            mailboxes.append(bytes(parse_id(text)))
        except RemoteProtocolError as error:
            form.fail(f"mailboxes {index}", error.text)
    domain = form.text("domain")
    record = Profile(
        salt=salt,
        addresses=form.texts("addresses") or UNSET,
        attribution=attribution,
        bio=form.text("bio") or UNSET,
        domain=UNSET if domain is None else domain.lower().removesuffix("."),
        mailboxes=tuple(mailboxes) or UNSET,
        name=form.needed("name"),
        stamp=stamp,
    )
    try:
        encode_record(record)
    except LocalProtocolError as error:
        raise FormError(where, *explain(error.text)) from error
    return record


def to_form(profile: Profile) -> dict[str, Any]:
    """The form that makes this profile, fit for TOML and JSON; stamp and attribution are no part of it."""
    form: dict[str, Any] = {"name": profile.name}
    if profile.bio is not UNSET:
        form["bio"] = profile.bio
    if profile.addresses is not UNSET:
        form["addresses"] = list(profile.addresses)
    if profile.domain is not UNSET:
        form["domain"] = profile.domain
    if profile.mailboxes is not UNSET:
        form["mailboxes"] = [id_text(host) for host in profile.mailboxes]
    return form
