"""Taking an export apart: the text of the file from the account of what it does not carry."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from msgspec import UNSET

from netnode.operations import models
from netnode.problems import ExitCode, Problem


class Received:
    """One export as it arrives."""

    __slots__ = ("_currency", "_exported", "_not_carried")

    def __init__(self) -> None:
        self._not_carried: list[models.NotCarried] = []
        self._exported: int | None = None
        self._currency: str | None = None

    async def texts(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yields the bytes of the file.

        Raises:
            Problem: the stream ends before its last line; or as it does.
        """
        rest = b""
        self._not_carried, self._exported = [], None
        async for chunk in chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield self._line(msgspec.json.decode(line, type=models.ExportLine))
        if self._exported is None:
            raise Problem("The node broke off. Try again.", ExitCode.UNREACHABLE, "unreachable")

    def result(self) -> models.Exported:
        """The account, once all texts came."""
        return models.Exported(
            exported=self._exported or 0, not_carried=self._not_carried, currency=self._currency
        )

    def _line(self, line: models.ExportLine) -> bytes:
        if line.not_carried is not UNSET:
            self._not_carried.append(line.not_carried)
        if line.exported is not UNSET:
            self._exported = line.exported
        if line.currency is not UNSET:
            self._currency = line.currency
        return b"" if line.text is UNSET else line.text.encode()
