"""The tables of deals that SPEC.md prints, from the Structs of bodies and enclosures and from the table of messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from protocol.deals.bodies import TYPES
from protocol.deals.consent import Consent
from protocol.deals.enclosures import Goods, Note
from protocol.deals.offers import Offer
from protocol.deals.state import Phase
from protocol.deals.table import ROWS
from protocol.records import table as records
from tests.spec.markdown import code, table

_MEANING: Final = {
    Phase.BROKEN: "both sides used a number twice",
    Phase.DISPUTED: "a dispute is open",
    Phase.ORDERED: "no contract yet, and some part is open",
    Phase.AGREED: "contract, and some part is open",
    Phase.FULFILLED: "some part is fulfilled and not received",
    Phase.UNCONFIRMED: "payments or refunds are unconfirmed",
    Phase.CLOSED: "a refund or a payment is due",
    Phase.FINAL: "nothing is outstanding and nothing is due",
}


def rows() -> str:
    """The table of messages: checks in their order, each with the code of what fails it."""
    return table(
        ("message", "from", "class", "must hold on the seen-set, else the code", "effect"),
        (
            (
                code(row.type),
                row.sender,
                row.kind,
                "; ".join(f"{check.words}: {code(check.code)}" for check in row.checks) or "nothing",
                row.effect,
            )
            for row in ROWS.values()
        ),
    )


def phases() -> str:
    """Each phase with what it means; the first that fits holds."""
    return table(("phase", "when"), ((code(phase.value), _MEANING[phase]) for phase in Phase))


def bodies() -> str:
    """The fields of each body, and once those of each struct they hold."""
    shown: set[type[Struct]] = set()
    return "\n".join(_section(name, struct, shown) for name, struct in TYPES.items())


def enclosures() -> str:
    """The fields of both enclosures and of what they hold."""
    shown: set[type[Struct]] = set()
    return "\n".join(_section(struct.__name__, struct, shown) for struct in (Goods, Note))


def offer() -> str:
    """The fields of an offer and of what it holds, but for what an order holds too."""
    shown = set(records.nested(TYPES["order"]))
    return _section("Offer", Offer, shown)


def consent() -> str:
    """The fields of an arbiter's consent."""
    return _section("Consent", Consent, set())


def _section(name: str, struct: type[Struct], shown: set[type[Struct]]) -> str:
    lines = [f"{code(name)}:\n\n{_fields(struct)}"]
    for held in records.nested(struct):
        if held not in shown:
            shown.add(held)
            lines.append(f"{code(held.__name__)}:\n\n{_fields(held)}")
    return "\n".join(lines)


def _fields(struct: type[Struct]) -> str:
    found = records.table(struct)
    if not found:
        return "no fields\n"
    return table(
        ("field", "type", "bounds", "required", "meaning"),
        ((code(row.name), row.type, row.bounds, "yes" if row.required else "no", row.doc) for row in found),
    )


TABLES: Final[dict[str, Callable[[], str]]] = {
    "deal-bodies": bodies,
    "deal-enclosures": enclosures,
    "deal-table": rows,
    "deal-phases": phases,
    "offer": offer,
    "consent": consent,
}
