"""The program itself, with an owner in it who deals: ``python -m tests.benchmarks.traders IN OUT ARGUMENTS...``.

Runs `netnode ARGUMENTS` as it is. The owner takes each step that a deal waits for as soon as it comes, through the
services, as the API does. A line ``REF COUNT OPEN`` from the file descriptor IN makes it order so many, with so many
deals open at once. To OUT it writes a line for each of its messages (when it began to say it), for each message of the
other side (when it was told of it, durable and judged), and for each deal that is over. The clock is CLOCK_MONOTONIC,
which all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from typing import Any, Final

from netnode.cli.main import main
from netnode.deals.selling import Accepting
from netnode.operations import models
from netnode.problems import Problem
from netnode.projector import Projector
from netnode.services.deals import DealBook
from netnode.store import deals as kept

BEGAN: Final = "began"
SENT: Final = "sent"
CAME: Final = "came"
OVER: Final = "over"
STEPS: Final = {
    "accept": lambda book, deal: book.accept(models.DealAccept(deal=deal)),
    "payment_sent": lambda book, deal: book.paid(models.DealMoney(deal=deal)),
    "payment_received": lambda book, deal: book.received(models.DealMoney(deal=deal)),
    "fulfil": lambda book, deal: book.fulfil(models.DealFulfil(deal=deal, tracking="T 1")),
    "receive": lambda book, deal: book.receipt(models.DealPartName(deal=deal)),
}


class Owner:
    """Deals, and writes down when what happens.

    Args:
        notes: file descriptor.
    """

    def __init__(self, notes: int) -> None:
        self._notes = notes
        self._told: set[bytes] = set()
        self._open: set[bytes] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._left = 0
        self._ref = ""
        self.book: DealBook | None = None

    def order(self, ref: str, count: int, at_once: int) -> None:
        """Orders, and again whenever a deal is over."""
        self._ref, self._left = ref, count
        for _ in range(min(at_once, count)):
            self.begin(self._order())

    def changed(self, deal: bytes) -> None:
        """Something came."""
        at = time.monotonic_ns()
        assert self.book is not None
        for message in self.book._store.reading(lambda reader: _messages(reader, deal)):
            if not message.own and message.id not in self._told:
                self._told.add(message.id)
                self._note(CAME, message.id.hex(), at)
        self.begin(self._react(deal))

    def begin(self, work: Any) -> None:
        """Does something beside what goes on."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            print(f"an owner failed: {error!r}", file=sys.stderr, flush=True)
            signal.raise_signal(signal.SIGTERM)

    async def _order(self) -> None:
        if not self._left:
            return
        self._left -= 1
        at = time.monotonic_ns()
        assert self.book is not None
        made = await self.book.order(models.DealOrder(ref=self._ref))
        self._note(BEGAN, made.deal, at)
        self._open.add(bytes.fromhex(made.deal))
        self._said(bytes.fromhex(made.deal), at)

    async def _react(self, deal: bytes) -> None:
        """Takes the own steps of a deal, until it waits for the other side."""
        assert self.book is not None
        while True:
            shown = await self.book.show(deal.hex())
            step = shown.next
            if shown.state == "final" and deal in self._open:
                self._open.discard(deal)
                self._note(OVER, deal.hex(), time.monotonic_ns())
                await self._order()
            if step is None or step.by != shown.role or step.action not in STEPS:
                return
            at = time.monotonic_ns()
            try:
                await STEPS[step.action](self.book, deal.hex())
            except Problem as problem:
                if problem.code not in ("already", "nothing_due", "nothing_open", "repeat"):
                    raise
                return  # two letters came at once, and another task of this deal took the step
            self._said(deal, at)

    def _said(self, deal: bytes, at: int) -> None:
        assert self.book is not None
        for message in self.book._store.reading(lambda reader: _messages(reader, deal)):
            if message.own and message.id not in self._told:
                self._told.add(message.id)
                self._note(SENT, message.id.hex(), at)

    def _note(self, what: str, name: str, at: int) -> None:
        os.write(self._notes, f"{what} {name} {at}\n".encode())


def _messages(reader: Any, deal: bytes) -> list[kept.MessageRow]:
    row = kept.by_id(reader.connection, deal)
    return [] if row is None else kept.messages(reader.connection, row.number)


def watch(orders: int, notes: int) -> None:
    """Puts the owner into the program."""
    owner = Owner(notes)
    opened, project = DealBook.__init__, Projector.run

    def remembered(self: DealBook, *args: Any, **named: Any) -> None:
        opened(self, *args, **named)
        owner.book = self

    async def looked(self: Accepting, deal: bytes) -> None:
        owner.changed(deal)

    def ordered() -> None:
        given = os.read(orders, 1_000)
        if not given:  # the benchmark is gone, and did not get to end its nodes
            asyncio.get_running_loop().remove_reader(orders)
            signal.raise_signal(signal.SIGTERM)
        for line in given.decode().splitlines():
            ref, count, at_once = line.split()
            owner.order(ref, int(count), int(at_once))

    async def running(self: Projector) -> None:
        asyncio.get_running_loop().add_reader(orders, ordered)
        await project(self)

    DealBook.__init__ = remembered  # type: ignore[method-assign]
    Accepting.look = looked  # type: ignore[method-assign]
    Projector.run = running  # type: ignore[method-assign]


if __name__ == "__main__":
    watch(int(sys.argv.pop(1)), int(sys.argv.pop(1)))
    main()
