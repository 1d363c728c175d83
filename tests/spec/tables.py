"""The tables that SPEC.md prints from the code: name -> function giving Markdown."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from protocol.errors import CODES
from protocol.limits import LIMITS
from tests.spec.markdown import code, table

ROOT: Final = Path(__file__).resolve().parents[2]
VECTORS: Final = ROOT / "tests" / "vectors"


def limits() -> str:
    """Every limit with its value and reason."""
    return table(
        ("limit", "value", "unit", "why"),
        ((code(limit.name), f"{limit.value:,}", limit.unit, limit.reason) for limit in LIMITS),
    )


def codes() -> str:
    """Every machine code with the side it concerns."""
    return table(
        ("code", "side", "ends the session", "meaning"),
        ((code(c.name), c.side.value, "yes" if c.closes else "no", c.meaning) for c in CODES.values()),
    )


def vectors() -> str:
    """Every vector file with its SHA-256."""
    return table(
        ("file", "SHA-256"),
        (
            (code(path.relative_to(VECTORS).as_posix()), code(hashlib.sha256(path.read_bytes()).hexdigest()))
            for path in sorted(VECTORS.rglob("*.json"))
        ),
    )


TABLES: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "limits": limits,
        "codes": codes,
        "vectors": vectors,
    }
)
