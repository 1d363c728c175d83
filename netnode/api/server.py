"""Serves the operations over HTTP, on the port that also takes the links of peers.

Every path needs the token and a Host of the allow-list, unknown ones too, so that nothing here can be probed;
only the extra routes (the WebSocket of peers, which authenticates by Noise) are open.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, Final

import msgspec
from aiohttp import http_exceptions, http_parser, web

from netnode.api import answers
from netnode.api.admission import Admission, Doorway, Links
from netnode.api.answers import MAX_BODY
from netnode.api.guard import LOCAL_NAMES, Guard, allowed_hosts
from netnode.api.openapi import describe
from netnode.failures import SERVING, Failures
from netnode.operations.operation import MIB, PREFIX, Download, Operation, Upload, bad_request, bounded
from netnode.operations.registry import OPERATIONS, AnyOperation
from netnode.operations.services import Services
from netnode.problems import ExitCode, Problem

BODY_SECONDS: Final = 30.0  # why: a body that drips longer than this holds a connection for nothing
KEEPALIVE_SECONDS: Final = 30.0  # why: idle connections count in the caps; aiohttp's own default is an hour
CHUNK: Final = 64 * 1024

_BUSY: Final = {
    errno.EADDRINUSE: "that port is in use by another program, perhaps another node",
    errno.EADDRNOTAVAIL: "this computer has no such address",
    errno.EACCES: "ports below 1024 need the rights of an administrator",
}

_log = logging.getLogger("netnode.api")
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ApiServer:
    """The HTTP server of a node.

    Args:
        services: what the operations work on.
        token: the bearer token of the home.
        version: of the program, for OpenAPI.
        extra_routes: routes without Host and token check, such as the peers' WebSocket.
        allow_hosts: Host values to answer to besides those of loopback, with or without port.
        allow_origins: pages of other origins that may call.
        admission: caps on connections.
        body_seconds: longest time a body, or one piece of a streamed one, may take.
        failures: told when the node fails at a request.
    """

    def __init__(
        self,
        services: Services,
        token: str,
        *,
        version: str = "",
        extra_routes: Sequence[web.RouteDef] = (),
        allow_hosts: Sequence[str] = (),
        allow_origins: Sequence[str] = (),
        admission: Admission | None = None,
        body_seconds: float = BODY_SECONDS,
        failures: Failures | None = None,
    ) -> None:
        self._services = services
        self._token = token
        self._allow_hosts = tuple(allow_hosts)
        self._allow_origins = tuple(allow_origins)
        self._admission = admission or Admission()
        self._links = Links(self._admission)
        self._body_seconds = body_seconds
        self._failures = failures or Failures()
        self._guard = Guard(token, frozenset(), ())
        self._listening: asyncio.Server | None = None
        self._openapi = describe(OPERATIONS, version)
        self.app = web.Application(client_max_size=MAX_BODY, middlewares=[self._protect])
        self._open = frozenset(self.app.router.add_routes(extra_routes))
        for operation in OPERATIONS:
            self._add(operation)
        self.app.router.add_route("GET", f"{PREFIX}/openapi.json", self._serve_openapi)
        self._runner = web.AppRunner(
            self.app,
            handle_signals=False,
            access_log=None,
            logger=_http_log(),
            keepalive_timeout=KEEPALIVE_SECONDS,
            auto_decompress=False,  # why: no bombs; a body with Content-Encoding is refused below
            lingering_time=2.0,  # why: long enough for a client to read why its body was refused
            shutdown_timeout=2.0,  # why: a clean stop ends within 10 s in all
        )

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listens; returns the address and port that were given.

        Raises:
            Problem: the port is taken or not allowed, or aiohttp runs without its C parser.
        """
        check_parser()
        await self._runner.setup()
        server = self._runner.server
        if server is None:
            raise Problem("The HTTP server did not start.", code="internal")
        loop = asyncio.get_running_loop()
        try:
            self._listening = await loop.create_server(
                lambda: Doorway(server, self._admission, self._links), host, port, start_serving=False
            )
        except (OSError, OverflowError) as error:
            await self._runner.cleanup()
            raise _cannot_listen(host, port, error) from error
        bound = self._listening.sockets[0].getsockname()
        actual = int(bound[1])
        names = LOCAL_NAMES if _is_wildcard(host) else (*LOCAL_NAMES, f"[{host}]" if ":" in host else host)
        hosts = allowed_hosts(actual, names, self._allow_hosts)
        self._guard = Guard(self._token, hosts, self._allow_origins)
        await self._listening.start_serving()
        return str(bound[0]), actual

    async def close(self) -> None:
        """Stops listening, lets requests in work end for a moment, closes every connection."""
        if self._listening is not None:
            self._listening.close()
        await self._runner.cleanup()

    # -- one request -----------------------------------------------------------------------------------------
    @web.middleware
    async def _protect(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        if request.match_info.route in self._open:
            with self._links.carried(request.transport) as room:
                return (
                    await handler(request) if room else web.Response(status=503, text="Too many peers now.\n")
                )
        refused = self._guard.refusal(request)
        if refused is not None:
            return refused
        try:
            return await handler(request)
        except Problem as problem:
            return answers.of_problem(problem)
        except web.HTTPRequestEntityTooLarge:
            return answers.error(413, "too_large", f"The request is larger than {MAX_BODY // MIB} MiB.")
        except web.HTTPNotFound:
            return answers.error(404, "no_route", f"There is nothing at {request.path}.")
        except web.HTTPMethodNotAllowed as error:
            allowed = sorted(error.allowed_methods)
            refused = answers.error(405, "method", f"Use {' or '.join(allowed)} there.", {"allowed": allowed})
            refused.headers["Allow"] = ", ".join(allowed)
            return refused
        except web.HTTPException as error:
            return answers.error(error.status, "http", error.reason)
        except TimeoutError:
            return answers.error(408, "slow", "The body of the request took too long.")
        except Exception as error:
            # A person gets a sentence; the trace belongs into the log, where a developer looks.
            self._failures.outlived(SERVING, error, f"{request.method} {request.path}")
            return answers.error(500, "internal", "The node failed at this request; its log says more.")

    def _add(self, operation: AnyOperation) -> None:
        path = PREFIX + operation.path
        if isinstance(operation, Operation):
            self.app.router.add_route(
                operation.method, path, self._json_route(operation), name=operation.name
            )
        elif isinstance(operation, Upload):
            self.app.router.add_route("POST", path, self._upload_route(operation))
        else:
            self.app.router.add_route("GET", path, self._download_route(operation))

    def _json_route(self, operation: Operation[Any, Any]) -> _Handler:
        async def serve(request: web.Request) -> web.StreamResponse:
            if operation.method == "GET":
                asked = _from_query(request, operation.request)
            else:
                asked = await self._from_body(request, operation.request)
            return answers.document(await operation.handler(self._services, asked))

        return serve

    def _upload_route(self, operation: Upload[Any, Any]) -> _Handler:
        async def serve(request: web.Request) -> web.StreamResponse:
            asked = _from_query(request, operation.request)
            _refuse_other_body(request, "application/octet-stream")
            if (request.content_length or 0) > operation.max_bytes:
                return answers.error(413, "too_large", f"At most {operation.max_bytes // MIB} MiB are taken.")
            try:
                chunks = bounded(self._chunks(request), operation.max_bytes)
                return answers.document(await operation.receive(self._services, asked, chunks))
            except Problem as problem:
                if problem.code == "too_large":
                    return answers.error(413, problem.code, problem.text, problem.details)
                raise

        return serve

    def _download_route(self, operation: Download[Any]) -> _Handler:
        async def serve(request: web.Request) -> web.StreamResponse:
            async with aclosing(
                _closable(operation.send(self._services, _from_query(request, operation.request)))
            ) as chunks:
                first = await anext(chunks, b"")  # a Problem before the first byte is still a JSON answer
                response = web.StreamResponse(headers=answers.SECURITY_HEADERS)
                response.content_type = "application/octet-stream"
                await response.prepare(request)
                await response.write(first)
                try:
                    async for chunk in chunks:
                        await response.write(chunk)
                except Problem as problem:
                    # Too late for a status: a cut stream tells the other side that it is not whole.
                    _log.error("%s broke off: %s", operation.name, problem.text)
                    if request.transport is not None:
                        request.transport.abort()
                    return response
                await response.write_eof()
            return response

        return serve

    async def _serve_openapi(self, request: web.Request) -> web.StreamResponse:
        return answers.document(self._openapi)

    async def _from_body(self, request: web.Request, kind: type[msgspec.Struct]) -> msgspec.Struct:
        _refuse_other_body(request, "application/json")
        async with asyncio.timeout(self._body_seconds):
            body = await request.read()
        try:
            return msgspec.json.decode(body or b"{}", type=kind)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise bad_request(error) from error

    async def _chunks(self, request: web.Request) -> AsyncIterator[bytes]:
        while True:
            async with asyncio.timeout(self._body_seconds):
                chunk = await request.content.readany()
            if not chunk:
                return
            yield chunk


def _http_log() -> logging.Logger:
    """Where the HTTP server writes: bugs, and no trace of what strangers send that is no HTTP."""
    log = logging.getLogger("netnode.api.http")
    log.addFilter(_is_no_noise)
    return log


def _is_no_noise(record: logging.LogRecord) -> bool:
    return record.exc_info is None or not isinstance(record.exc_info[1], http_exceptions.HttpProcessingError)


def check_parser() -> None:
    """Refuses to serve with aiohttp's pure Python parser, which is open to request smuggling.

    Raises:
        Problem: exit code 1.
    """
    if http_parser.HttpRequestParser.__module__ != "aiohttp._http_parser":
        raise Problem(
            "aiohttp runs without its compiled parser, which is not safe to serve with. "
            "Install aiohttp from a wheel and unset AIOHTTP_NO_EXTENSIONS.",
            code="parser",
        )


def _from_query(request: web.Request, kind: type[msgspec.Struct]) -> msgspec.Struct:
    if len(request.query) != len(set(request.query)):
        raise Problem("The request names a parameter twice.", ExitCode.USAGE, "request")
    try:
        return msgspec.convert(dict(request.query), kind, strict=False)
    except (msgspec.ValidationError, RecursionError) as error:
        raise bad_request(error) from error


def _refuse_other_body(request: web.Request, content_type: str) -> None:
    # A form of another site can send only three content types; none of them is ours.
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise web.HTTPUnsupportedMediaType(reason="Send the body without compression.")
    if request.body_exists and request.content_type != content_type:
        raise web.HTTPUnsupportedMediaType(reason=f"Send the body as {content_type}.")


async def _closable(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    async for chunk in chunks:
        yield chunk


def _is_wildcard(host: str) -> bool:
    return host in ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound


def _cannot_listen(host: str, port: int, error: OSError | OverflowError) -> Problem:
    if isinstance(error, socket.gaierror):
        text = f"Cannot listen on {host}: there is no such address. Give one of this machine with --listen."
        return Problem(text, ExitCode.USAGE, "listen")
    if isinstance(error, OverflowError):
        return Problem(f"Port {port} does not exist. Use one from 0 to 65535.", ExitCode.USAGE, "listen")
    reason = _BUSY.get(error.errno or 0, error.strerror or str(error))
    text = (
        f"Cannot listen on {host}:{port}: {reason}. Choose another with --listen HOST:PORT; port 0 picks one."
    )
    return Problem(text, ExitCode.FAILED, "listen", {"host": host, "port": port})
