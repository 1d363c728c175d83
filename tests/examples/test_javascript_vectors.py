"""The vectors, run by the JavaScript example in Node.js: an implementation apart from `protocol`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.examples import nodejs
from tests.vectors.generate.writing import VECTORS

RUNNER = Path(__file__).with_name("vectors.mjs")

# How many vectors of each file are for this client at least; the others are for nodes (`vectors.mjs` says which).
FILES = {
    "bech32": 20,
    "ed25519": 95,
    "encoding": 107,
    "entry": 49,
    "identity": 46,
    "items": 24,
    "log": 45,
    "messages": 170,
    "noise": 36,
    "records": 300,
    "runs": 24,
    "session": 35,
    "uri": 40,
}


@pytest.mark.parametrize("name", FILES)
async def test_vectors(name: str) -> None:
    ended = await nodejs.run(RUNNER, str(VECTORS / f"{name}.json"))
    result = ended.json()[name]
    assert result["failed"] == []
    assert result["ran"] >= FILES[name]
