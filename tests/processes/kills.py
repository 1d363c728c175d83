"""Kills nodes without warning while they publish, import and replicate, and looks at what is left."""

from __future__ import annotations

import random
import signal
import threading
import time
import urllib.error
from dataclasses import dataclass, field

from tests.processes.launcher import Launcher, Node, until

FEED = 40  # products of one import


@dataclass
class Publisher:
    """Publishes listings, one by one and by feeds, until the node is gone; remembers what it was told succeeded."""

    node: Node
    prefix: str
    acknowledged: list[str] = field(default_factory=list)
    enough: bool = False

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._publish)
        self.thread.start()

    def _publish(self) -> None:
        number = 0
        try:
            while not self.enough:
                if number % 5 == 4:
                    keys = [f"{self.prefix}-{number}-{each}" for each in range(FEED)]
                    self._import(keys)
                    self.acknowledged += keys
                else:
                    key = f"{self.prefix}-{number}"
                    self.node.add(key, f"Thing {number}", description="x" * (number * 97 % 1000))
                    self.acknowledged.append(key)
                number += 1
        except (urllib.error.URLError, ConnectionError, OSError):
            return

    def _import(self, keys: list[str]) -> None:
        rows = "".join(f"{key},Product {key},9.90,true\n" for key in keys)
        feed = f"Handle,Title,Variant Price,Published\n{rows}".encode()
        answer = self.node.upload("/listings/import", feed, currency="EUR")
        assert answer["created"] == len(keys), answer


@dataclass
class Told:
    """What rounds came to."""

    writer: int = 0
    reader: int = 0
    acknowledged: int = 0


def own_keys(node: Node) -> set[str]:
    """The keys of all own listings."""
    keys: set[str] = set()
    query: dict[str, object] = {"limit": 500}
    while True:
        page = node.get("/listings", **query)
        keys |= {item["key"] for item in page["items"]}
        if page["next"] is None:
            return keys
        query["cursor"] = page["next"]


def head(node: Node, author: str) -> tuple[object, ...]:
    """What a node holds of a log."""
    for log in node.get("/logs")["items"]:
        if log["author"] == author:
            return (log["head"], log["seq"], log["state"])
    return ()


def kill_rounds(nodes: Launcher, rounds: int, seed: int = 1) -> Told:
    """Kills a publishing node, one that copies it, or both, `rounds` times.

    After each restart everything acknowledged is there and both logs verify; at the end both hold the same log, and
    nobody saw a fork.
    """
    drawn = random.Random(seed)
    told = Told()
    acknowledged: set[str] = set()
    writer = nodes.start("writer")
    listen = ("--listen", f"127.0.0.1:{writer.port}")  # where the reader finds it again
    reader = nodes.start("reader", "--peer", writer.peer)
    for number in range(rounds):
        publisher = Publisher(writer, f"round-{number}")
        wanted = drawn.randrange(60)
        until(lambda: len(publisher.acknowledged) >= wanted, "it publishes")  # noqa: B023 -- looked at here only
        time.sleep(drawn.random() * 0.05)  # not only right after an answer
        victim = drawn.choice(("writer", "reader", "both"))
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
            writer = nodes.start("writer", *listen)  # the lock of the dead does not stand in the way
        if victim != "writer":
            reader = nodes.start("reader")
        lost = acknowledged - own_keys(writer)
        assert not lost, f"seed {seed}, round {number}: lost {len(lost)}, such as {min(lost)}"
        for node in (writer, reader):
            answer = node.get("/log/verify")
            assert answer["ok"], f"seed {seed}, round {number}, {node.home.name}: {answer}"
    until(lambda: head(reader, writer.id) == head(writer, writer.id), "the reader holds it all", 60)
    assert head(writer, writer.id)[2] == "open", head(writer, writer.id)
    told.acknowledged = len(acknowledged)
    return told
