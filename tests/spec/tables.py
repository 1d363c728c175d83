"""The tables that SPEC.md prints from the code: name -> function giving Markdown."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from protocol.errors import CODES
from protocol.kinds import KINDS, RESERVED, Kind
from protocol.letter_bodies import LETTERS, Beside
from protocol.limits import LIMITS
from protocol.messages import MESSAGES
from protocol.records import table as records
from tests.spec import conformance, deals, exchange, ledger, messages, scale, shoppers, teams
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


def kinds() -> str:
    """Every kind of this version, then the numbers kept for later ones."""
    known = table(
        ("kind", "name", "critical", "purpose"),
        ((kind.number, kind.name, "yes" if kind.even else "no", kind.purpose) for kind in KINDS.values()),
    )
    kept = table(("reserved", "for"), sorted(RESERVED.items()))
    return f"{known}\n{kept}"


def record(kind: Kind) -> str:
    """One record: purpose, fields, validity, effect."""
    assert kind.struct is not None, f"kind {kind.number} has no record"
    return (
        f"**Purpose.** {kind.purpose}\n\n{fields(kind.struct)}\n"
        f"**Validity.** {kind.validity}\n\n**Effect.** {kind.effect}\n"
    )


def fields(struct: type[Struct]) -> str:
    """The fields of `struct` in the order of the wire, then those of each struct it holds."""
    held = "".join(f"\n{code(each.__name__)}:\n\n{_rows(each)}" for each in records.nested(struct))
    return _rows(struct) + held


def letters() -> str:
    """The fields beside every content, then those of each type."""
    found = [f"Beside the body of any type:\n\n{fields(Beside)}"]
    for name, form in LETTERS.items():
        what = (form.__doc__ or "").partition("\n")[0]
        rows = fields(form) if form.__struct_fields__ else ""
        found.append(f"{code(name)}: {what}\n\n{rows}")
    return "\n".join(found)


def _rows(struct: type[Struct]) -> str:
    return table(
        ("field", "type", "bounds", "required", "meaning"),
        (
            (code(row.name), row.type, row.bounds, "yes" if row.required else "no", row.doc)
            for row in records.table(struct)
        ),
    )


TABLES: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "limits": limits,
        "codes": codes,
        "kinds": kinds,
        "letters": letters,
        "referral": shoppers.referral,
        "shop": shoppers.shop,
        **{
            f"record-{kind.name.replace(' ', '-')}": partial(record, kind)
            for kind in KINDS.values()
            if kind.struct
        },
        **deals.TABLES,
        **teams.TABLES,
        **ledger.TABLES,
        "messages": messages.messages,
        **{
            f"message-{row.name.replace('_', '-')}": partial(messages.fields, row)
            for row in MESSAGES.values()
        },
        "phases": messages.phases,
        "needs": messages.needs,
        "roles": messages.roles,
        "exchange": exchange.exchange_text,
        "vectors": vectors,
        "scale-growth": scale.growth,
        "scale-model": scale.model,
        "scale-benchmarks": scale.benchmarks,
        "conformance": conformance.classes,
        "conformance-left-out": conformance.left_out,
    }
)
