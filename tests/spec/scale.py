"""The tables of SPEC's section on scale: what was measured up to 1,000 nodes, and what follows for 1,000,000.

Figures are read from tests/long/scale.json: `growth` is written by ``python -m tests.long scale --write``, `benchmarks`
holds the figures of ``python -m tests.benchmarks`` that the model rests on, each with its command.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from protocol.ranges import LIST_MAX, WAYS
from tests.spec.markdown import table

MEASURED: Final = Path(__file__).resolve().parents[1] / "long" / "scale.json"
DAY_HOURS: Final = 24
SIZES: Final = (1_000, 100_000, 1_000_000)
HUB_PLACES: Final = 1_024  # the highest value of the setting max_sessions


@dataclass(frozen=True, slots=True)
class Life:
    """What a networker of the model does.

    Attributes:
        followed: logs that a networker's own node keeps.
        entries: that a networker publishes in a day.
        listings: that a networker has.
        hub_sessions: sessions of each node with hubs.
    """

    followed: int = 200
    entries: int = 2
    listings: int = 10
    hub_sessions: int = 2


LIFE: Final = Life()


def growth() -> str:
    """What was measured, by number of nodes."""
    rows = _measured()["growth"]
    head = ("nodes", *(f"{row['nodes']:,}" for row in rows))
    lines = (
        ("sessions per node", "sessions", "{:.1f}"),
        ("mean distance, sessions", "hops", "{:.2f}"),
        ("95 % have a publication after, s", "reach_95", "{:.2f}"),
        ("all have it after, s", "reach_all", "{:.2f}"),
        ("messages of one publication, received per node", "publication_messages", "{:.1f}"),
        ("bytes of one publication, received per node", "publication_bytes", "{:,.0f}"),
        ("a tenth returns: all level after, s", "level", "{:.1f}"),
        ("bytes received for that, per node that returns", "level_bytes", "{:,.0f}"),
        ("idle: bytes received per node and hour", "idle_bytes_hour", "{:,.0f}"),
        ("store per node, KiB", "store_kb", "{:,.0f}"),
        ("memory per further node of one process, MiB", "memory_mb", "{:.1f}"),
    )
    return table(head, ((name, *(form.format(row[key]) for row in rows)) for name, key, form in lines))


def model() -> str:
    """What follows for large networks, every figure with those it comes from."""
    measured = _measured()
    marks: Mapping[str, Any] = measured["benchmarks"]
    rows = [_figures(nodes, measured["growth"], marks) for nodes in SIZES]
    names = list(rows[0])
    return table(
        ("networkers", "from", *(f"{nodes:,}" for nodes in SIZES)),
        ((name, rows[0][name][1], *(row[name][0] for row in rows)) for name in names),
    )


def benchmarks() -> str:
    """The measured figures that the model rests on."""
    return table(
        ("figure", "value", "measured by"),
        (
            (each["what"], f"{each['value']:,} {each['unit']}", f"`{each['by']}`")
            for each in _measured()["benchmarks"].values()
        ),
    )


def _figures(
    nodes: int, growth: Sequence[Mapping[str, float]], marks: Mapping[str, Any]
) -> dict[str, tuple[str, str]]:
    """One column: each figure, and where it comes from."""
    at = {name: float(each["value"]) for name, each in marks.items()}
    mesh, spread = growth[-1], _spread(growth)
    hubs = max(2, math.ceil(nodes * LIFE.hub_sessions / HUB_PLACES))
    distance = max(1.0, math.log(hubs, spread)) + 2
    listings, new = nodes * LIFE.listings, nodes * LIFE.entries
    own_traffic = (
        LIFE.followed * LIFE.entries * mesh["publication_bytes"] + mesh["idle_bytes_hour"] * DAY_HOURS
    )
    rounds = _rounds(nodes)
    compared = at["difference_bytes"] * rounds / _rounds(at["difference_logs"])
    return {
        "hubs": (
            f"{hubs:,}",
            f"{LIFE.hub_sessions} sessions of each node with hubs, {HUB_PLACES:,} places at each",
        ),
        "sessions from one networker to another": (
            f"{distance:.1f}",
            f"among hubs one more per factor {spread:.1f}, and one at each end",
        ),
        "95 % of its followers have a publication after, s": (
            f"{distance * mesh['reach_95'] / mesh['hops']:.1f}",
            "that distance, with the time per session of the largest mesh",
        ),
        "a networker's node receives in a day": (
            _size(own_traffic),
            f"{LIFE.followed} logs followed, {LIFE.entries} entries a day in each, idle traffic",
        ),
        "a hub receives in a day": (
            _size(new * mesh["publication_bytes"]),
            "every entry, repeated as in the largest mesh",
        ),
        "a hub takes in, entries a second": (f"{new / 86_400:,.1f}", f"of the {at['ingest']:,.0f} it can"),
        "store of a hub": (
            _size(listings * at["listing_bytes"]),
            f"{LIFE.listings} listings of each networker",
        ),
        "memory of a hub": (
            _size(at["resident_mb"] * 1e6 + HUB_PLACES * at["session_kb"] * 1e3),
            "a node of 1,000,000 listings, and all its sessions",
        ),
        "a new hub has everything after, s": (
            f"{listings / at['ingest']:,.0f}",
            "entries of many networkers",
        ),
        "rounds in which two hubs find what differs": (
            str(rounds),
            f"{WAYS} parts a round, down to lists of {LIST_MAX}",
        ),
        "bytes to level 100 differences of two hubs": (
            _size(compared),
            "bytes measured, by rounds",
        ),
    }


def _rounds(logs: float) -> int:
    return max(1, math.ceil(math.log(max(WAYS, logs / LIST_MAX), WAYS)))


def _spread(growth: Sequence[Mapping[str, float]]) -> float:
    """By which factor a network grows while its mean distance grows by one; from the two largest."""
    small, large = growth[-2], growth[-1]
    return float((large["nodes"] / small["nodes"]) ** (1 / max(0.1, large["hops"] - small["hops"])))


def _size(size: float) -> str:
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if size >= scale:
            return f"{size / scale:,.1f} {unit}"
    return f"{size:,.0f} bytes"


def _measured() -> Any:
    return json.loads(MEASURED.read_text(encoding="utf-8"))
