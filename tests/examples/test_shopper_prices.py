"""Prices as the JavaScript shopper computes them, against the vectors of the specification."""

from __future__ import annotations

import json
from pathlib import Path

from tests.examples.nodejs import run
from tests.vectors.reading import read

SCRIPT = Path(__file__).with_name("shopper_prices.mjs")


async def test_prices_come_out_as_in_the_vectors(tmp_path: Path) -> None:
    """[R-PRICE-1] [R-PRICE-2] [R-PRICE-3] [R-PRICE-4] [R-PRICE-5] [R-PRICE-6]"""
    # The example orders one choice.
    chosen = [each for each in read("prices", "order-") if len(each["input"]["choices"]) == 1]
    file = tmp_path / "vectors.json"
    file.write_text(json.dumps([each["input"] for each in chosen]))
    ended = await run(SCRIPT, str(file))
    assert ended.code == 0, ended.err
    found = [json.loads(line) for line in ended.out.splitlines()]
    for vector, theirs in zip(chosen, found, strict=True):
        expected = {"error": vector["error"]} if "error" in vector else vector["expected"]
        assert theirs == expected, vector["id"]
    assert len(chosen) > 30
