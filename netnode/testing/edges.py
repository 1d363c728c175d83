"""The way to a node, from another or from a client, and everything that can be wrong with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from netnode.ports import PEER_PATH
from netnode.system import SystemEntropy
from netnode.testing.background import Background
from netnode.testing.faults import PERFECT, Arrival, Faults
from netnode.testing.proxy import HOST, Proxy

Direction = Literal["out", "back", "both"]


class Edge:
    """The way to a node through a proxy; both directions of a connection go through it.

    Every method has done what it says when it returns, also for connections that stand. Faults add up; `heal` ends
    all that were added since the edge was made.

    Args:
        background: runs the proxy.
        dialler: name of the node that dials; empty for whoever comes from outside.
        target: name of the one that is dialled.
        address: host and port of the one that is dialled; None while it does not run.
        usual: what it does when nothing is wrong, such as a latency.
    """

    def __init__(
        self,
        background: Background,
        dialler: str,
        target: str,
        address: tuple[str, int] | None,
        usual: Faults = PERFECT,
    ) -> None:
        self.dialler = dialler
        self.target = target
        self.usual = usual
        self._background = background
        self._proxy = background.run(_started(address, usual))

    @property
    def address(self) -> str:
        """What the dialler dials: `ws://127.0.0.1:PORT/inx/1`; the same as long as the edge lives."""
        return f"ws://{self.host}{PEER_PATH}"

    @property
    def host(self) -> str:
        """Host and port, `127.0.0.1:PORT`."""
        return f"{HOST}:{self._proxy.port}"

    @property
    def api(self) -> str:
        """The same way for HTTP: `http://127.0.0.1:PORT`; see `Node.front`."""
        return f"http://{self.host}"

    @property
    def faults(self) -> Faults:
        """How it is now."""
        return self._proxy.faults

    @property
    def connections(self) -> int:
        """How many connections stand, as far as the dialler knows."""
        return self._proxy.connections

    @property
    def passed(self) -> tuple[int, int]:
        """Bytes that came through in all: from the dialler, and back."""
        return self._proxy.out, self._proxy.back

    def set(self, **changes: Any) -> None:
        """Changes fields of `Faults`, such as ``edge.set(latency=0.1, bandwidth=50_000)``; the others stay.

        Raises:
            TypeError: a field that `Faults` does not have.
            ValueError: a value that makes no sense.
        """
        self._background.run(self._proxy.change(replace(self.faults, **changes)))

    def refuse(self) -> None:
        """Resets what stands and refuses new connections, as a node that is off does."""
        self.set(arrival=Arrival.REFUSED)
        self.reset()

    def stall(self) -> None:
        """Holds everything, and accepts new connections without a word: a cut cable. `heal` lets what is held go."""
        self.set(arrival=Arrival.SILENT, hold_out=True, hold_back=True)

    def cut(self, direction: Direction = "both") -> None:
        """Holds one direction: "out", what the dialler sends; "back", what comes from the other; or "both"."""
        self.set(
            hold_out=self.faults.hold_out or direction in ("out", "both"),
            hold_back=self.faults.hold_back or direction in ("back", "both"),
        )

    def half_open(self) -> None:
        """The far side is gone and the dialler is not told: its connections stand, and lead nowhere.

        What it sends is swallowed, new connections are accepted and lead nowhere too. `heal` resets them, as a machine
        does that comes back and knows nothing of them.
        """
        self.set(half_open=True)

    def reset(self) -> None:
        """Resets the connections that stand now; new ones pass."""
        self._background.call(self._proxy.reset)

    def heal(self) -> None:
        """Is as it was made."""
        self._background.run(self._proxy.change(self.usual))

    def lead_to(self, address: tuple[str, int] | None) -> None:
        """Leads new connections to another host and port; to None, they are reset."""

        def lead() -> None:
            self._proxy.target = address

        self._background.call(lead)

    def close(self) -> None:
        """Ends the edge and its connections."""
        self._background.call(self._proxy.close)


async def _started(address: tuple[str, int] | None, usual: Faults) -> Proxy:
    proxy = Proxy(SystemEntropy())
    await proxy.start(address)
    await proxy.change(usual)
    return proxy
