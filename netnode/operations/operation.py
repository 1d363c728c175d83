"""The three shapes of an operation, and the one place where a request is checked against its type.

An `Operation` takes and gives a JSON document, an `Upload` takes a stream of bytes with its request in the
query string, a `Download` gives one. A GET reads and takes its request from the query string; a POST changes
something and takes a JSON body.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Generic, Literal, TypeVar

import msgspec

from netnode.operations.services import Services
from netnode.problems import ExitCode, Problem

Request = TypeVar("Request", bound=msgspec.Struct)
Response = TypeVar("Response", bound=msgspec.Struct)

PREFIX: Final = "/api/v1"
MIB: Final = 1024 * 1024
MAX_FEED: Final = 20 * MIB  # why: some ten thousand products; it is streamed to disk
MAX_LOG_FILE: Final = 1024 * MIB  # why: a stick full of logs; streamed through ingest, never whole in memory


# What msgspec says of a field, and what a person is told.
_WORDING: Final = (
    (re.compile(r"Expected `int(?: \| null)?`, got .*$"), "must be a whole number"),
    (re.compile(r"Expected `str(?: \| null)?`, got .*$"), "must be a text"),
    (re.compile(r"Expected `bool`, got .*$"), "must be true or false"),
    (re.compile(r"Expected `array`, got .*$"), "must be a list"),
    (re.compile(r"Expected `object`, got .*$"), "must be an object with fields"),
    (re.compile(r"Invalid enum value (.*)$"), r"\1 is none of the values it can have"),
    (re.compile(r"Expected `str` of length >= 1$"), "may not be empty"),
    (re.compile(r"Expected `str` of length >= (\d+)$"), r"has fewer than \1 characters"),
    (re.compile(r"Expected `array` of length >= 1$"), "needs one at least"),
    (re.compile(r"Expected `array` of length <= (\d+)$"), r"has more than \1 elements"),
    (re.compile(r"Object contains unknown field `(.*)`$"), r"there is no field `\1`"),
    (re.compile(r"Object missing required field `(.*)`$"), r"the field `\1` is missing"),
    (re.compile(r"Expected `str` of length <= (\d+)$"), r"has more than \1 characters"),
    (re.compile(r"Expected `int` >= (\d+)$"), r"is below \1"),
    (re.compile(r"Expected `int` <= (\d+)$"), r"is above \1"),
)
_MATCHING: Final = re.compile(r"Expected `str` matching regex (.*)$")
_ID: Final = "is not an id as lists show it: its first digits, at least 4 of 0-9 and a-f"
_PERCENT: Final = "is not a share such as 12.5, with at most two decimals and without a sign"
# The patterns of requests in `models` -> what a person is told of a text that does not match.
_SHAPES: Final = MappingProxyType(
    {
        "^[0-9]{1,15}([.][0-9]{1,8})?$": (
            "is not an amount such as 12.50, with a decimal point and without a currency"
        ),
        "^[0-9]{1,3}([.][0-9]{1,2})?$": _PERCENT,
        r"^[0-9]{1,3}(\.[0-9]{1,2})?$": _PERCENT,
        "^[0-9]{6}$": "is not a PIN of six digits",
        "^[A-Z]{2}$": "is not a country in two letters, such as DE",
        "^[A-Z]{3}$": "is not a currency code such as EUR or USD",
        "^[0-9a-f]{64}$": "is not a SHA-256 in 64 hex digits",
        "^([0-9a-f]{2}){1,1024}$": "is not a referral token: hex digits, copied whole",
        "^[a-z_]{1,32}$": "is not one word of small letters such as sold_out; say more in a text beside it",
        "^[a-z0-9_-]{1,32}$": "is not one word of at most 32 of a-z, 0-9, _ and -",
        "^[0-9a-fA-F]{4,64}$": _ID,
        "^[0-9a-fA-F]{4,80}$": _ID,
        "^[0-9a-f]+$": _ID,
        "^[0-9a-f]{8,64}$": "is not an id as lists show it: its first digits, at least 8 of 0-9 and a-f",
        "^(in|out)-[0-9]{1,15}$": "is not a mail as `netnode mail ls` names it, such as in-12 or out-3",
        "/[0-9]{4}-[0-9]{2}-[0-9]{2}(/|$)": (
            "is not an award of a period as a statement shows it, such as linen/2026-10-01/group"
        ),
        "^https?://": "is not the address of a page: it begins with https://",
    }
)


@dataclass(frozen=True, slots=True)
class Operation(Generic[Request, Response]):
    """A JSON document in, one out. `signs`: needs unlocked keys; `page`: a list with limit and cursor.

    `slow`: may work for minutes before it answers.
    """

    name: str
    method: Literal["GET", "POST"]
    path: str  # below PREFIX
    summary: str
    request: type[Request]
    response: type[Response]
    handler: Callable[[Services, Request], Awaitable[Response]]
    signs: bool = False
    page: bool = False
    slow: bool = False


@dataclass(frozen=True, slots=True)
class Upload(Generic[Request, Response]):
    """A stream of at most `max_bytes` in, a JSON document out. Always a POST."""

    name: str
    path: str
    summary: str
    request: type[Request]
    response: type[Response]
    receive: Callable[[Services, Request, AsyncIterable[bytes]], Awaitable[Response]]
    max_bytes: int
    signs: bool = False


@dataclass(frozen=True, slots=True)
class Download(Generic[Request]):
    """A request in, a stream of bytes out. Always a GET."""

    name: str
    path: str
    summary: str
    request: type[Request]
    send: Callable[[Services, Request], AsyncIterator[bytes]]
    signs: bool = False


def bad_request(error: Exception) -> Problem:
    """The Problem for a request that does not fit its type."""
    if isinstance(error, RecursionError):
        return Problem("The request is nested too deep.", ExitCode.USAGE, "request")
    if isinstance(error, UnicodeDecodeError):
        return Problem("The request is not UTF-8 text.", ExitCode.USAGE, "request")
    reason, _, path = str(error).partition(" - at `$.")
    for pattern, words in _WORDING:
        reason = pattern.sub(words, reason)
    if match := _MATCHING.fullmatch(reason):
        told = [words for shape, words in _SHAPES.items() if repr(shape) == match[1]]
        reason = told[0] if told else "has not the form it should have"
    if not path:
        return Problem(f"The request cannot be used: {reason}.", ExitCode.USAGE, "request")
    field = path.rstrip("`")
    return Problem(f"{field}: {reason}.", ExitCode.USAGE, "request", {"field": field})


def checked(request: Request) -> Request:
    """The same request, with the bounds of its fields enforced (a Struct built in Python checks nothing).

    Raises:
        Problem: exit code 2, naming the field.
    """
    try:
        return msgspec.convert(msgspec.to_builtins(request), type(request))
    except (msgspec.ValidationError, RecursionError) as error:
        raise bad_request(error) from error


async def bounded(chunks: AsyncIterable[bytes], max_bytes: int) -> AsyncIterator[bytes]:
    """Passes chunks on until more than `max_bytes` came.

    Raises:
        Problem: `too_large`, before the chunk that exceeds it.
    """
    total = 0
    async for chunk in chunks:
        total += len(chunk)
        if total > max_bytes:
            raise Problem(
                f"The file is larger than {max_bytes // MIB} MiB. Split it and import the parts.",
                code="too_large",
                details={"max_bytes": max_bytes},
            )
        yield chunk
