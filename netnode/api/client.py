"""Calls the operations of a running node over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import msgspec

from netnode.api import answers
from netnode.api.answers import MAX_BODY
from netnode.operations.operation import (
    PREFIX,
    Download,
    Operation,
    Request,
    Response,
    Upload,
    bounded,
    checked,
)
from netnode.problems import ExitCode, Problem

CONNECT_SECONDS: Final = 5.0  # why: the node is on this machine; longer means that it hangs
ANSWER_SECONDS: Final = 30.0  # why: a node that is busy answers within a second; longer means that it hangs
SILENCE_SECONDS: Final = 600.0  # why: a large import or verification answers only when it is done


class ApiClient:
    """A `Caller` for the node at `api` (http://host:port). Use as an async context manager."""

    __slots__ = ("_api", "_session", "_token")

    def __init__(self, api: str, token: str) -> None:
        self._api = api
        self._token = token
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
        headers = {"Authorization": f"Bearer {self._token}"}
        # trust_env stays off: the token must not travel through a proxy that the environment names
        self._session = aiohttp.ClientSession(self._api, headers=headers, timeout=timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(self, operation: Operation[Request, Response], request: Request) -> Response:
        """Calls a JSON operation.

        Raises:
            Problem: what the operation raised in the node; exit code 5 when the node does not answer.
        """
        request = checked(request)
        path = PREFIX + operation.path
        silence = SILENCE_SECONDS if operation.slow else ANSWER_SECONDS
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=silence)
        if operation.method == "GET":
            answer = await self._read("GET", path, params=_query(request), timeout=timeout)
        else:
            body = msgspec.json.encode(request)
            if len(body) > MAX_BODY:
                raise Problem(
                    "The request is larger than 1 MiB. Shorten its texts.", ExitCode.USAGE, "too_large"
                )
            headers = {"Content-Type": "application/json"}
            answer = await self._read("POST", path, data=body, headers=headers, timeout=timeout)
        return _decoded(answer, operation.response)

    async def upload(
        self, operation: Upload[Request, Response], request: Request, chunks: AsyncIterable[bytes]
    ) -> Response:
        """Sends a stream to an operation. Raises as `call`, and what reading `chunks` raises."""
        answer = await self._read(
            "POST",
            PREFIX + operation.path,
            params=_query(checked(request)),
            data=bounded(chunks, operation.max_bytes),
            headers={"Content-Type": "application/octet-stream"},
        )
        return _decoded(answer, operation.response)

    async def download(self, operation: Download[Request], request: Request) -> AsyncIterator[bytes]:
        """Receives a stream. Raises as `call`; a stream that breaks off is a Problem too."""
        try:
            async with self._open.get(PREFIX + operation.path, params=_query(checked(request))) as answer:
                if answer.status != 200:
                    raise answers.to_problem(answer.status, await answer.read())
                async for chunk in answer.content.iter_any():
                    yield chunk
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(self._api, error) from error

    @property
    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("use the client as an async context manager")
        return self._session

    async def _read(self, method: str, path: str, **arguments: Any) -> bytes:
        try:
            async with self._open.request(method, path, **arguments) as answer:
                body = await answer.read()
                if answer.status != 200:
                    raise answers.to_problem(answer.status, body)
                return body
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError) as error:
            raise _unreachable(self._api, error) from error


def _query(request: msgspec.Struct) -> dict[str, str]:
    fields = msgspec.to_builtins(request)
    return {name: _text(value) for name, value in fields.items() if value is not None}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _decoded(body: bytes, kind: type[Response]) -> Response:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Problem(
            f"The running node answered in a form this program does not know ({error}). "
            "Is it of another version? Stop it with `netnode stop` and start it again.",
            ExitCode.FAILED,
            "answer",
        ) from error


def _unreachable(api: str, error: Exception) -> Problem:
    reason = str(error) or type(error).__name__
    return Problem(
        f"The node at {api} does not answer ({reason}). Look at its node.log, or start it again.",
        ExitCode.UNREACHABLE,
        "unreachable",
        {"api": api, "connected": not isinstance(error, aiohttp.ClientConnectorError)},
    )
