"""The vectors, run by the JavaScript example: apart from `protocol`, on two WebCrypto libraries."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.examples import chromium, nodejs
from tests.examples.static import serving
from tests.vectors.generate.writing import VECTORS

RUNNER = Path(__file__).with_name("run_vectors.mjs")

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
    "shopper": 3,
    "uri": 40,
}


@pytest.mark.parametrize("name", FILES)
async def test_vectors(name: str) -> None:
    ended = await nodejs.run(RUNNER, str(VECTORS / f"{name}.json"))
    result = ended.json()[name]
    assert result["failed"] == []
    assert result["ran"] >= FILES[name]


@pytest.mark.browser
async def test_vectors_in_a_browser(tmp_path: Path) -> None:
    """Browsers bring another implementation of WebCrypto than Node.js: the edges of Ed25519 are where they differ."""
    async with (
        serving({"/examples": nodejs.FOLDER.parent, "/tests": VECTORS.parent}) as site,
        chromium.page(tmp_path) as page,
    ):
        await page.open(f"{site}/")
        for name, least in FILES.items():
            result = await page.value(
                f"""Promise.all([import("/tests/examples/vectors.mjs"),
                    fetch("/tests/vectors/{name}.json").then((answer) => answer.json())])
                    .then(([{{ runVectors }}, content]) => runVectors("{name}", content))"""
            )
            assert result["failed"] == []
            assert result["ran"] >= least
