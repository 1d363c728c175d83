"""The tables of SPEC.md about credits: what holders sign, and the contents of groups, printed from the code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from protocol.ledger.contents import AwardLine, CloseContent, SaleContent
from protocol.ledger.statements import STATEMENTS
from tests.spec.markdown import code
from tests.spec.teams import whole


def statements() -> str:
    """Each statement with its fields."""
    found = []
    for name, form in STATEMENTS.items():
        what = (form.__doc__ or "").partition("\n")[0]
        found.append(f"{code(name)}: {what}\n\n{whole(form)}")
    return "\n".join(found)


def contents() -> str:
    """The content of a sale, of a close, and an award in them."""
    return (
        f"`SaleContent`:\n\n{whole(SaleContent, nested=False)}\n`CloseContent`:\n\n"
        f"{whole(CloseContent, nested=False)}\n`AwardLine`, an array of:\n\n{whole(AwardLine)}"
    )


TABLES: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {"ledger-statements": statements, "ledger-contents": contents}
)
