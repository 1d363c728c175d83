"""Calling an operation: the port both transports satisfy, and the transport that stays in this process."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Protocol

from netnode.operations.operation import Download, Operation, Request, Response, Upload, bounded, checked
from netnode.operations.services import Services


class Caller(Protocol):
    """Calls operations; where they run is not the caller's business. Every method raises Problem."""

    async def call(self, operation: Operation[Request, Response], request: Request) -> Response:
        """Calls a JSON operation."""

    async def upload(
        self, operation: Upload[Request, Response], request: Request, chunks: AsyncIterable[bytes]
    ) -> Response:
        """Calls an operation that takes a stream."""

    def download(self, operation: Download[Request], request: Request) -> AsyncIterator[bytes]:
        """Calls an operation that gives a stream."""


class DirectCaller:
    """Calls the handlers on services in this process, with the checks the HTTP transport makes."""

    __slots__ = ("_services",)

    def __init__(self, services: Services) -> None:
        self._services = services

    async def call(self, operation: Operation[Request, Response], request: Request) -> Response:
        """See `Caller`."""
        return await operation.handler(self._services, checked(request))

    async def upload(
        self, operation: Upload[Request, Response], request: Request, chunks: AsyncIterable[bytes]
    ) -> Response:
        """See `Caller`."""
        return await operation.receive(self._services, checked(request), bounded(chunks, operation.max_bytes))

    async def download(self, operation: Download[Request], request: Request) -> AsyncIterator[bytes]:
        """See `Caller`."""
        async for chunk in operation.send(self._services, checked(request)):
            yield chunk
