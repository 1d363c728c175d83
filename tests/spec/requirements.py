"""Requirement ids: defined once in SPEC.md, each cited by a test or listed there as untestable.

Defined: ``**[R-LOG-4]**``. Cited in comments, docstrings and vectors: ``R-LOG-4``, ``R-LOG-4..7`` or ``R-LOG-4, 13``.
Listed: a table row ``| R-LOG-4 | reason |`` under the heading "Untestable requirements".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_DEFINED: Final = re.compile(r"\*\*\[(R-[A-Z0-9]+-\d+)\]\*\*")
_CITED: Final = re.compile(r"\b(R-[A-Z0-9]+-)(\d+(?:\.\.\d+)?(?:, \d+(?:\.\.\d+)?)*)\b")
_HEADING: Final = re.compile(r"^(#+)\s+(?:[\d.]+\s+)?Untestable requirements\s*$", re.M | re.I)
_LISTED: Final = re.compile(r"^\|\s*`?\[?(R-[A-Z0-9]+-\d+)\]?`?\s*\|(.*)\|\s*$", re.M)
_SUFFIXES: Final = frozenset({".py", ".js", ".mjs", ".html", ".json"})


def cited(text: str) -> set[str]:
    """Every id that `text` names, ranges expanded."""
    found: set[str] = set()
    for prefix, numbers in _CITED.findall(text):
        for part in numbers.split(", "):
            first, _, last = part.partition("..")
            found.update(f"{prefix}{number}" for number in range(int(first), int(last or first) + 1))
    return found


def defined(spec: str) -> Counter[str]:
    """How often SPEC defines each id."""
    return Counter(_DEFINED.findall(spec))


def untestable(spec: str) -> dict[str, str]:
    """The ids that SPEC lists as untestable, with the reason."""
    heading = _HEADING.search(spec)
    if heading is None:
        return {}
    rest = spec[heading.end() :]
    following = re.search(rf"^#{{1,{len(heading[1])}}}\s", rest, re.M)
    section = rest[: following.start()] if following else rest
    return {name: reason.strip() for name, reason in _LISTED.findall(section)}


def citations(folders: Iterable[Path]) -> dict[str, list[Path]]:
    """Where each id is cited in the source files and vectors under `folders`; this tool itself left out."""
    here = Path(__file__).parent
    where: dict[str, list[Path]] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix not in _SUFFIXES or here in path.parents or "__pycache__" in path.parts:
                continue
            for name in sorted(cited(path.read_text(encoding="utf-8"))):
                where.setdefault(name, []).append(path)
    return where


def findings(spec: str, root: Path) -> list[str]:
    """What is wrong, one sentence each; empty when all is well."""
    definitions = defined(spec)
    if not definitions:
        return ["SPEC.md defines no requirement"]
    excused = untestable(spec)
    by_tests = citations([root / "tests"])
    by_code = citations([root / "netnode", root / "protocol", root / "examples"])
    found = [
        f"{name} is defined {count} times in SPEC.md" for name, count in definitions.items() if count > 1
    ]
    for name in sorted(definitions, key=_order):
        if name not in by_tests and name not in excused:
            found.append(f"{name} is cited by no test and not listed under 'Untestable requirements'")
        if name in by_tests and name in excused:
            found.append(f"{name} is listed as untestable, but {_at(by_tests[name], root)} cites it")
    for name, reason in excused.items():
        if name not in definitions:
            found.append(f"{name} is listed as untestable but not defined in SPEC.md")
        if not reason:
            found.append(f"{name} is listed as untestable without a reason")
    for name in sorted(cited(spec) - set(definitions), key=_order):
        found.append(f"{name} is mentioned in SPEC.md but not defined there")
    for name in sorted((set(by_code) | set(by_tests)) - set(definitions), key=_order):
        paths = by_code.get(name, []) + by_tests.get(name, [])
        found.append(f"{name} is not in SPEC.md, but {_at(paths, root)} cites it")
    return found


def _order(name: str) -> tuple[str, int]:
    prefix, _, number = name.rpartition("-")
    return prefix, int(number)


def _at(paths: list[Path], root: Path) -> str:
    return ", ".join(str(path.relative_to(root)) for path in paths[:3]) + (" ..." if len(paths) > 3 else "")
