"""Kills nodes without warning while they publish, and looks at what is left."""

from __future__ import annotations

import random
import signal
import threading
import urllib.error
from dataclasses import dataclass, field

from tests.processes.launcher import Launcher, Node, until


@dataclass
class Publisher:
    """Publishes one listing after another until the node is gone; remembers what it was told succeeded."""

    node: Node
    prefix: str
    acknowledged: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._publish)
        self.thread.start()

    def _publish(self) -> None:
        number = 0
        while True:
            key = f"{self.prefix}-{number}"
            try:
                self.node.add(key, f"Thing {number}", description="x" * (number * 97 % 1000))
            except (urllib.error.URLError, ConnectionError, OSError):
                return
            self.acknowledged.append(key)
            number += 1


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


def kill_rounds(nodes: Launcher, rounds: int, seed: int = 1) -> int:
    """Kills a publishing node `rounds` times; after each restart everything acknowledged must be there.

    Returns:
        How many publications were acknowledged in all.
    """
    drawn = random.Random(seed)
    acknowledged: set[str] = set()
    node = nodes.start("victim")
    for number in range(rounds):
        publisher = Publisher(node, f"round-{number}")
        enough = drawn.randrange(30)
        until(lambda: len(publisher.acknowledged) >= enough, "it publishes")  # noqa: B023 -- looked at here only
        node.end(signal.SIGKILL)
        publisher.thread.join(30)
        acknowledged.update(publisher.acknowledged)
        assert (node.home / "running.json").exists(), "nothing tidied up"
        node = nodes.start("victim")  # the lock of the dead does not stand in the way
        lost = acknowledged - own_keys(node)
        assert not lost, f"seed {seed}, round {number}: lost {sorted(lost)}"
    assert node.get("/log/verify")["ok"]
    assert node.end() == 0
    return len(acknowledged)
