"""What a check is, and how it says what is wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from netnode.conformance.bench import Bench

CLASSES: Final = {
    "C0": "vectors, without a node",
    "C1": "session: handshake, hello, questions and answers",
    "C2": "replication: logs served, taken and passed on",
    "C3": "letters, deals and shoppers, with the node as recipient, mailbox host, seller and way in",
    "C4": "hostile input: garbage, stalls, floods",
}
"""The classes of checks, and what each is about."""

CLOCK_OFF: Final = 600_000  # ms; a clock that is further off cannot be told apart from a wrong number
EVERYBODY: Final = ("shopper", "reader", "networker", "hub")
READERS: Final = ("reader", "networker", "hub")
KEEPERS: Final = ("networker", "hub")


class Broken(Exception):
    """The node does not do what the check asks of it; the text says what it did."""


class Skipped(Exception):
    """The check does not apply to this node; the text says why."""


def want(held: bool, text: str) -> None:
    """Fails the check unless the condition holds."""
    if not held:
        raise Broken(text)


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        id: stable over versions, as `C1-01`; its class comes first.
        requirements: ids of SPEC, the one it is about first.
        roles: whom it binds.
        sentence: what a node does that passes.
        run: raises Broken or Skipped; the node is no worse for it afterwards.
        slow: waits for a time-out of the node; runs beside the others.
    """

    id: str
    requirements: str
    roles: tuple[str, ...]
    sentence: str
    run: Callable[[Bench], Awaitable[None]]
    slow: bool = False

    @property
    def klass(self) -> str:
        """`C0` to `C4`."""
        return self.id.partition("-")[0]

    @property
    def order(self) -> tuple[str, int]:
        """Where it stands among all checks."""
        return self.klass, int(self.id.partition("-")[2])

    @property
    def ids(self) -> tuple[str, ...]:
        """The requirements, one by one."""
        return tuple(self.requirements.split())
