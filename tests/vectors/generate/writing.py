"""How a generator writes its file: the same bytes from the same vectors, always."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

VECTORS: Final = Path(__file__).resolve().parents[1]

Vector = dict[str, Any]


def text(about: str, vectors: Sequence[Vector], **shared: Any) -> str:
    """The content of a vector file; `shared` is what several vectors refer to."""
    ids = [vector["id"] for vector in vectors]
    assert len(ids) == len(set(ids)), "two vectors have one id"
    return (
        json.dumps({"about": about, **shared, "vectors": list(vectors)}, indent=1, ensure_ascii=True) + "\n"
    )


def write(name: str, about: str, vectors: Sequence[Vector], **shared: Any) -> None:
    """Writes ``tests/vectors/<name>.json``."""
    (VECTORS / f"{name}.json").write_text(text(about, vectors, **shared), encoding="utf-8")
