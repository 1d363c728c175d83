"""Meshes of real nodes with faults on their ways, for tests of whatever talks to them.

In pytest the fixture `mesh` is there once ``netnode[testing]`` is installed::

    def test_my_client(mesh):
        ada, ben, cleo = mesh.up(["ada", "ben", "cleo"], "line")
        ada.add("lamp", "Brass lamp")
        mesh.partition(["ada"], ["ben", "cleo"])
        ada.add("kettle", "Kettle")
        mesh.heal()
        mesh.wait_level()
        assert cleo.keys("kettle") == {"kettle"}

Anywhere else, ``with Mesh() as mesh:`` does the same. Every node is the installed program in a process and a home of
its own, on a free port of 127.0.0.1, and is spoken to by its public API, its command line and signals alone. Between
nodes stands a proxy for each `Edge`, which delays, holds, cuts, refuses and resets. Nothing here sleeps for a fixed
time: `wait_until` waits for what is so, and NETNODE_TIMEOUT_FACTOR of the environment makes all deadlines longer.

No node outlives the process that runs its mesh, also where that is killed.

How to read it: `Mesh`, then `Node` and `Edge`; `Faults` says what can be wrong.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from netnode.testing.client import Client
    from netnode.testing.edges import Edge
    from netnode.testing.faults import Arrival, Faults
    from netnode.testing.mesh import Mesh
    from netnode.testing.nodes import END_SECONDS, Node
    from netnode.testing.programs import PROGRAM, Place, Result, command, environment
    from netnode.testing.waiting import MeshFailure, timeout_factor, wait_until

__all__ = [
    "END_SECONDS",
    "PROGRAM",
    "Arrival",
    "Client",
    "Edge",
    "Faults",
    "Mesh",
    "MeshFailure",
    "Node",
    "Place",
    "Result",
    "command",
    "environment",
    "timeout_factor",
    "wait_until",
]

_PLACES: Final = {
    "END_SECONDS": "nodes",
    "PROGRAM": "programs",
    "Arrival": "faults",
    "Client": "client",
    "Edge": "edges",
    "Faults": "faults",
    "Mesh": "mesh",
    "MeshFailure": "waiting",
    "Node": "nodes",
    "Place": "programs",
    "Result": "programs",
    "command": "programs",
    "environment": "programs",
    "timeout_factor": "waiting",
    "wait_until": "waiting",
}


def __dir__() -> list[str]:
    """Everything public: what `help` shows and an editor offers."""
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    """Loads what is asked for: pytest imports this package in every project it is installed for."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
