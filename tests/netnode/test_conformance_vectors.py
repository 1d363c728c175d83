"""Every vector through the codec of `netnode.conformance`, which shares no code with `protocol`.

The ids that the vectors cite are thereby tested a second time.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from netnode.conformance.checking import Broken
from netnode.conformance.vectors import FILES, judge, judge_folder
from netnode.problems import Problem

VECTORS: Final = Path(__file__).resolve().parents[1] / "vectors"
Vector = dict[str, Any]


@cache
def content(name: str) -> Vector:
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "vector"),
    [
        pytest.param(name, vector, id=f"{name}-{vector['id']}")
        for name in FILES
        for vector in content(name)["vectors"]
    ],
)
def test_vector(name: str, vector: Vector) -> None:
    judge(name, content(name), vector)


def test_every_file_of_vectors_is_judged() -> None:
    assert {path.stem for path in VECTORS.glob("*.json")} == set(FILES)


def test_a_folder_is_judged_as_the_command_does() -> None:
    results = judge_folder(VECTORS)
    assert {result.verdict for result in results} == {"passed"}
    assert [result.check.id for result in results] == [
        f"C0-{number:02}" for number in range(1, len(FILES) + 1)
    ]
    assert all(result.check.ids for result in results)


def test_a_wrong_vector_is_told(tmp_path: Path) -> None:
    changed = content("encoding") | {"vectors": [{**content("encoding")["vectors"][0], "error": "too_large"}]}
    changed["vectors"][0].pop("expected", None)
    (tmp_path / "encoding.json").write_text(json.dumps(changed))
    [result] = judge_folder(tmp_path)
    assert result.verdict == "failed" and "not too_large" in result.detail
    with pytest.raises(Broken):
        judge("encoding", changed, changed["vectors"][0])


def test_a_folder_without_vectors_is_told(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no vectors"):
        judge_folder(tmp_path)
    (tmp_path / "log.json").write_text("[]")
    with pytest.raises(Problem, match="no file of vectors"):
        judge_folder(tmp_path)
