"""How a test reads a vector file."""

from __future__ import annotations

import json
from typing import Any

from tests.vectors.generate.writing import VECTORS, Vector


def read(name: str, prefix: str = "") -> list[Vector]:
    """The vectors of a file whose id begins with `prefix`; never none."""
    content = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    found = [vector for vector in content["vectors"] if vector["id"].startswith(prefix)]
    assert found, f"{name}.json has no vector {prefix}*"
    return found


def named(vector: Vector) -> str:
    """The id, for pytest."""
    return str(vector["id"])


def shared(name: str) -> dict[str, Any]:
    """What the vectors of a file share, by name."""
    content = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    return {key: value for key, value in content.items() if key not in ("about", "vectors")}
