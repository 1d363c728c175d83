"""Kills nodes without warning while they publish, import and replicate, and looks at what is left.

A round costs the same at the end as at the beginning: after each restart the newest page of the writer's listings and
of its log, at the writer and at its reader, is read on from where the last look ended. Each entry seen before must
still have the id it had, so nothing under it can have changed: every entry names the one before it. Everything that
was acknowledged in the round must be in the page of listings. Every `WHOLE_EVERY` rounds, and at the end, all
listings are read, and every hash, link and signature on both disks is verified (`log verify`).
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from netnode.problems import ExitCode, Problem
from netnode.testing import Mesh, Node, wait_until

FEED: Final = 40  # products of one import
PAGE: Final = 500
WHOLE_EVERY: Final = 25


@dataclass
class Publisher:
    """Publishes listings, one by one and by feeds, until the node is gone; remembers what it was told succeeded.

    Keys sort as they were published, so that the newest are the last page of the own listings.
    """

    node: Node
    prefix: str
    acknowledged: list[str] = field(default_factory=list)
    importing: bool = False
    enough: bool = False

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._publish)
        self.thread.start()

    def _publish(self) -> None:
        number = 0
        try:
            while not self.enough:
                if number % 5 == 4:
                    keys = [f"{self.prefix}-{number:04}-{each:02}" for each in range(FEED)]
                    self.importing = True
                    self._import(keys)
                    self.importing = False
                    self.acknowledged += keys
                else:
                    key = f"{self.prefix}-{number:04}"
                    self.node.add(key, f"Thing {number}", description="x" * (number * 97 % 1000))
                    self.acknowledged.append(key)
                number += 1
        except Problem as problem:
            if problem.exit_code is not ExitCode.UNREACHABLE:
                raise

    def _import(self, keys: list[str]) -> None:
        rows = "".join(f"{key},Product {key},9.90,true\n" for key in keys)
        feed = f"Handle,Title,Variant Price,Published\n{rows}".encode()
        answer = self.node.api.upload("/listings/import", feed, currency="EUR")
        assert answer["created"] == len(keys), answer


@dataclass
class Told:
    """What rounds came to: kills of each, those in the middle of an import or while the reader lacked entries."""

    writer: int = 0
    reader: int = 0
    importing: int = 0
    behind: int = 0
    acknowledged: int = 0


@dataclass
class Pages:
    """A list that only grows at its end, read on from the page that was its last."""

    path: str
    cursor: str | None = None

    def newest(self, node: Node, **query: object) -> list[Any]:
        """The items of the last page known, and of those after it."""
        found: list[Any] = []
        while True:
            place = {} if self.cursor is None else {"cursor": self.cursor}
            page = node.api.get(self.path, limit=PAGE, **query, **place)
            found += page["items"]
            if page["next"] is None:
                return found
            self.cursor = page["next"]


@dataclass
class Entries:
    """The ids of one log's entries as any node ever showed them: a second one for a seq is a fork."""

    author: str
    ids: dict[int, str] = field(default_factory=dict)
    pages: dict[str, Pages] = field(default_factory=dict)

    def look(self, node: Node) -> int:
        """Reads on at a node; returns the newest seq it holds."""
        if not head(node, self.author):
            return -1
        pages = self.pages.setdefault(node.home.name, Pages("/log"))
        items = pages.newest(node, author=self.author)
        for before, after in pairwise(items):
            assert after["seq"] == before["seq"] + 1, f"a gap above {before['seq']}"
        for item in items:
            known = self.ids.setdefault(item["seq"], item["id"])
            assert known == item["id"], f"two entries at seq {item['seq']}: {known} and {item['id']}"
        return int(items[-1]["seq"]) if items else -1


def head(node: Node, author: str) -> tuple[object, ...]:
    """What a node holds of a log."""
    for log in node.api.get("/logs")["items"]:
        if log["author"] == author:
            return (log["head"], log["seq"], log["state"])
    return ()


def whole(writer: Node, reader: Node, acknowledged: set[str]) -> None:
    """Everything ever acknowledged is there, and both stores verify from nothing."""
    lost = acknowledged - {item["key"] for item in Pages("/listings").newest(writer)}
    assert not lost, f"lost {len(lost)}, such as {min(lost)}"
    for node in (writer, reader):
        answer = node.api.get("/log/verify")
        assert answer["ok"], f"{node.home.name}: {answer}"


def kill_rounds(mesh: Mesh, rounds: int, seed: int = 1, say: Callable[[str], None] = lambda _: None) -> Told:
    """Kills a publishing node, one that copies it, or both, `rounds` times.

    After each restart everything acknowledged is there and both logs are what they were, grown; at the end both hold
    the same log, and nobody saw a fork.

    Args:
        mesh: starts them.
        rounds: how many.
        seed: decides when who is killed; where that catches the nodes is up to the machine.
        say: gets a line per round.
    """
    drawn = random.Random(seed)
    told = Told()
    acknowledged: set[str] = set()
    writer = mesh.start("writer")
    listen = ("--listen", f"127.0.0.1:{writer.port}")  # where the reader finds it again
    reader = mesh.start("reader", "--peer", writer.peer)
    entries, listings = Entries(writer.id), Pages("/listings")
    for number in range(rounds):
        began = time.monotonic()
        publisher = Publisher(writer, f"round-{number:05}")
        wanted = drawn.randrange(60)
        wait_until(lambda: len(publisher.acknowledged) >= wanted, "it publishes")  # noqa: B023 -- looked at here only
        time.sleep(drawn.random() * 0.05)  # not only right after an answer
        victim = drawn.choice(("writer", "reader", "both"))
        told.importing += publisher.importing and victim != "reader"
        if victim != "reader":
            writer.end(signal.SIGKILL)
            told.writer += 1
        if victim != "writer":
            reader.end(signal.SIGKILL)
            told.reader += 1
        publisher.enough = True
        publisher.thread.join(30)
        acknowledged.update(publisher.acknowledged)
        if victim != "reader":
            writer = mesh.start("writer", *listen)  # the lock of the dead does not stand in the way
        if victim != "writer":
            reader = mesh.start("reader")
        try:
            lost = set(publisher.acknowledged) - {item["key"] for item in listings.newest(writer)}
            assert not lost, f"lost {len(lost)}, such as {min(lost)}"
            copied = entries.look(reader)
            newest = entries.look(writer)
            told.behind += copied < newest
            if number % WHOLE_EVERY == WHOLE_EVERY - 1 or number == rounds - 1:
                whole(writer, reader, acknowledged)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, round {number}, {victim} killed: {error}") from error
        say(
            f"round {number + 1} of {rounds}: {victim} killed, log at {newest:,}, the reader's at {copied:,}, "
            f"{len(acknowledged):,} acknowledged, {time.monotonic() - began:.1f} s"
        )
    wait_until(lambda: head(reader, writer.id) == head(writer, writer.id), "the reader holds it all", 60)
    assert head(writer, writer.id)[2] == "open", head(writer, writer.id)
    assert entries.look(reader) == entries.look(writer) == len(entries.ids) - 1
    whole(writer, reader, acknowledged)
    told.acknowledged = len(acknowledged)
    return told
