"""The tables of SPEC.md about teams and alliances: statements, disclosure, agreements, printed from the code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from protocol.alliances import Agreement, Ending
from protocol.records import table as records
from protocol.referrals import LinkBody
from protocol.teams.disclosure import Document
from protocol.teams.statements import STATEMENTS
from tests.spec.markdown import code, table


def statements() -> str:
    """Each statement with its fields."""
    found = []
    for name, form in STATEMENTS.items():
        what = (form.__doc__ or "").partition("\n")[0]
        found.append(f"{code(name)}: {what}\n\n{whole(form)}")
    return "\n".join(found)


def disclosure() -> str:
    """The fields of a disclosure document."""
    return whole(Document)


def agreement() -> str:
    """The fields of an agreement, then those of its end."""
    return f"{whole(Agreement)}\n{code('ending')}: One side ends it.\n\n{_fields(Ending)}"


def link() -> str:
    """The fields of a referral link."""
    return whole(LinkBody)


def whole(struct: Any, *, nested: bool = True) -> str:
    """The fields of a struct, then those of each struct it holds."""
    others = records.nested(struct) if nested else ()
    return _fields(struct) + "".join(f"\n{code(each.__name__)}:\n\n{_fields(each)}" for each in others)


def _fields(struct: type[Struct]) -> str:
    return table(
        ("field", "type", "bounds", "required", "meaning"),
        (
            (code(row.name), row.type, row.bounds, "yes" if row.required else "no", row.doc)
            for row in records.table(struct)
        ),
    )


TABLES: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {"team-statements": statements, "disclosure": disclosure, "agreement": agreement, "referral-link": link}
)
