"""What a proxy can do to the connections of one way."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final


class Arrival(enum.Enum):
    """What a new connection meets."""

    PASSED = "passed"  # it leads to the node
    REFUSED = "refused"  # nobody listens: the system refuses it
    # It is accepted, and nothing comes through: a machine that hangs, or a cable that was cut
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Faults:
    """The state of a way; as it stands here, it passes everything at once.

    A TCP connection loses, repeats and reorders nothing, so none of that is here: bytes are late, held, or their
    connection ends.

    Attributes:
        latency: seconds that each byte takes, in either direction; a question and its answer take twice as long.
        jitter: up to so many seconds more, drawn for each piece that was read; order is kept.
        bandwidth: bytes a second in each direction; None for no bound.
        hold_out: what the dialling node sends is held, and comes once this is over.
        hold_back: the same for what the other node sends.
        half_open: new connections are accepted and lead nowhere, what the dialler sends is swallowed. Connections
            that stood lose their far side, and the dialler is not told.
        reset_after: a connection is reset once so many bytes, of both directions, have come through it.
        arrival: what a new connection meets.
    """

    latency: float = 0.0
    jitter: float = 0.0
    bandwidth: int | None = None
    hold_out: bool = False
    hold_back: bool = False
    half_open: bool = False
    reset_after: int | None = None
    arrival: Arrival = Arrival.PASSED

    def __post_init__(self) -> None:
        if self.latency < 0 or self.jitter < 0:
            raise ValueError("latency and jitter are seconds, 0 or more")
        if self.bandwidth is not None and self.bandwidth <= 0:
            raise ValueError("a bandwidth is bytes a second, above 0; to hold everything use stall()")
        if self.reset_after is not None and self.reset_after < 0:
            raise ValueError("reset_after is a number of bytes, 0 or more")


PERFECT: Final = Faults()  # nothing is wrong
