"""Cursors of lists: opaque to whoever gets them, and refused by every list but the one that gave them."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from netnode.problems import ExitCode, Problem

_LONGEST: Final = 1_024


def seal(name: str, *place: Any) -> str:
    """The cursor of list `name` that goes on after `place` (JSON values)."""
    text = json.dumps([name, *place], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def opened(name: str, cursor: str | None, *types: type) -> list[Any] | None:
    """The place a cursor stands for, None without one.

    Args:
        name: the list that gave it.
        cursor: as it came.
        types: of the values of the place.

    Raises:
        Problem: it is none of this list.
    """
    if cursor is None:
        return None
    try:
        value = json.loads(base64.urlsafe_b64decode(cursor[:_LONGEST] + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError) as error:
        raise foreign() from error
    if not isinstance(value, list) or value[:1] != [name] or [type(part) for part in value[1:]] != [*types]:
        raise foreign()
    return value[1:]


def opened_id(name: str, cursor: str | None) -> bytes | None:
    """The networker a cursor stands for; as `opened`."""
    place = opened(name, cursor, str)
    if place is None:
        return None
    return hexed(place[0])


def hexed(text: str) -> bytes:
    """32 bytes written as hex inside a cursor. Raises Problem."""
    try:
        value = bytes.fromhex(text)
    except ValueError as error:
        raise foreign() from error
    if len(value) != 32:
        raise foreign()
    return value


def foreign() -> Problem:
    """The Problem for a cursor that this list did not give."""
    return Problem(
        "The cursor does not belong to this list. Begin again without it.", ExitCode.USAGE, "cursor"
    )
