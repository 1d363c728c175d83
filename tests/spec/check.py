"""The whole comparison of SPEC.md with the code, as a list of sentences about what is wrong."""

from __future__ import annotations

from pathlib import Path

import protocol.limits
from tests.spec import requirements
from tests.spec.markdown import fill, places
from tests.spec.tables import TABLES


def written(spec: str) -> str:
    """SPEC.md as it should be: each known table printed anew."""
    return fill(spec, lambda name: TABLES[name]() if name in TABLES else None)


def findings(spec: str, root: Path) -> list[str]:
    """What is wrong with SPEC.md or with the code's citations of it; empty when all is well."""
    return [*_tables(spec), *_limits(), *requirements.findings(spec, root)]


def _tables(spec: str) -> list[str]:
    try:
        names = places(spec)
    except ValueError as error:
        return [f"SPEC.md: {error}"]
    found = [f"SPEC.md asks for table {name!r}, which nothing prints" for name in names if name not in TABLES]
    found += [f"SPEC.md has no place for table {name!r}" for name in TABLES if name not in names]
    found += [
        f"table {name!r} of SPEC.md differs from the code: run python -m tests.spec --write"
        for name, content in TABLES.items()
        if fill(spec, {name: content()}.get) != spec
    ]
    return found


def _limits() -> list[str]:
    """Every named limit stands in the table with its own value, and the other way round."""
    constants = {
        name: value
        for name, value in vars(protocol.limits).items()
        if name.isupper() and isinstance(value, int) and not isinstance(value, bool)
    }
    listed = {limit.name: limit.value for limit in protocol.limits.LIMITS}
    found = [f"{name} is not in LIMITS" for name in constants.keys() - listed.keys()]
    found += [f"LIMITS names {name}, which is no constant" for name in listed.keys() - constants.keys()]
    found += [
        f"{name} is {constants[name]}, LIMITS says {listed[name]}"
        for name in constants.keys() & listed.keys()
        if constants[name] != listed[name]
    ]
    return sorted(found)
