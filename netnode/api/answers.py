"""JSON answers of the API: documents, errors and the headers every answer carries.

An error is `{"error": {"code", "text", "details"}}`; its HTTP status says the exit code of the Problem, so
that the client ends a command the same way whether a node is running or not.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from aiohttp import web

from netnode.problems import ExitCode, Problem

MAX_BODY: Final = 1024 * 1024  # why: the largest document sent is a listing, whose record has 48 KiB
SECURITY_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_STATUS: Final = {
    ExitCode.FAILED: 500,
    ExitCode.USAGE: 400,
    ExitCode.NOT_FOUND: 404,
    ExitCode.REFUSED: 409,
    ExitCode.UNREACHABLE: 503,
}
_WRONG_FILES: Final = frozenset(
    {"feed", "format", "log_file"}
)  # the sender's fault, though a command fails with 1
_EXIT: Final = {status: exit_code for exit_code, status in _STATUS.items()}
_encoder: Final = msgspec.json.Encoder()


class ErrorBody(msgspec.Struct, frozen=True):
    """What went wrong: a word for machines, a sentence for people, more for machines."""

    code: str
    text: str
    details: dict[str, Any] = {}


class ErrorDocument(msgspec.Struct, frozen=True):
    """The document of every answer that is not a success."""

    error: ErrorBody


def document(value: object, status: int = 200) -> web.Response:
    """Answers with one JSON document."""
    return web.Response(
        body=_encoder.encode(value),
        status=status,
        content_type="application/json",
        charset="utf-8",
        headers=SECURITY_HEADERS,
    )


def error(status: int, code: str, text: str, details: dict[str, Any] | None = None) -> web.Response:
    """Answers with an error document."""
    return document(ErrorDocument(ErrorBody(code, text, details or {})), status)


def of_problem(problem: Problem) -> web.Response:
    """Answers with a Problem."""
    status = _STATUS.get(problem.exit_code, 500)
    if problem.exit_code == ExitCode.FAILED and problem.code in _WRONG_FILES:
        status = 422
    return error(status, problem.code, problem.text, problem.details)


def to_problem(status: int, body: bytes) -> Problem:
    """The Problem that an answer of the API stands for (the client's side of `of_problem`)."""
    try:
        body_error = msgspec.json.decode(body, type=ErrorDocument).error
    except (msgspec.DecodeError, RecursionError):
        return Problem(
            f"The node answered with status {status} and nothing this program understands. "
            "Is another program listening at its address? Try `netnode stop`, then `netnode start`.",
            ExitCode.FAILED,
            "answer",
        )
    exit_code = _EXIT.get(status, ExitCode.FAILED)
    return Problem(body_error.text, exit_code, body_error.code, body_error.details)
