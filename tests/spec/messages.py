"""The tables of SPEC.md about messages, phases, items and roles, printed from the code."""

from __future__ import annotations

from itertools import product
from typing import Final

import msgspec
from msgspec import inspect as shapes

from protocol.items import Item, Standing, need
from protocol.messages import MESSAGES, Message, Role
from protocol.run import Run
from protocol.session import PHASES
from tests.spec.markdown import code, table

A, B = b"\x01" * 32, b"\x02" * 32
LACKING: Final = "common part not whole"

ROLES: Final = (
    (
        "shopper",
        "verifies one entry and its openers without keeping logs; orders through somebody else's node",
        "sections 3 to 7; R-LOG-1..9, R-LOG-12, R-LOG-16; R-URI where it reads links; R-LET-1..7, 17; of section 21 "
        "what binds a buyer; R-OFF, R-PRICE, R-MAN where it uses offers or mandates; R-PATH-3, 4, 6; R-SHOP-3, 5, 6, "
        "10, 13 as client",
    ),
    (
        "reader",
        "fetches and verifies logs of others, writes none",
        "shopper; R-LOG-10..17, 24..30, 35, of R-LOG-18, 19 what binds the asker; sections 9, 10 as dialler "
        "(end of 11.2 for what it does not serve); R-SYNC-1..3, 5..12, 18; R-URI; R-BLOB, R-QRY where it fetches blobs "
        "and searches; R-STAMP-1, 2, 5 where it shows a stamp; R-TEAM, R-PLAN, R-CRED where it shows teams or credit, "
        "R-SYNC-19..22 with them",
    ),
    (
        "networker",
        "writes its own log and serves what it holds",
        "reader; R-LOG-18..23, 31..34; sections 9 and 10 as listener or dialler; all of R-SYNC; R-BLOB, R-STAMP, "
        "R-SEEN, R-QUOTA, R-FILE; where it deals, sections 20 to 22 and 24; where it issues or holds credit, or has a "
        "team, sections 25 to 28; the rules of each feature it names: of 7 R-INV and R-REACH",
    ),
    (
        "hub",
        "serves everybody's logs",
        "networker; interest `all`; listens at a public address; features 1, 3, 5 and 7 (R-RNG, R-QRY, "
        "R-BOOK, R-INV, R-REACH); where it keeps letters for others, R-LET of mailbox hosts (feature 9)",
    ),
)


def messages() -> str:
    """Every message: type, name, role, what answers it."""
    return table(
        ("type", "name", "role", "answered by", "purpose"),
        (
            (
                row.type,
                code(row.name),
                row.role.value if row.name not in ("fork", "peers") else "answer, notice",
                ", ".join(code(MESSAGES[answer].name) for answer in row.answers),
                (row.body.__doc__ or "").strip(),
            )
            for row in MESSAGES.values()
        ),
    )


def fields(row: Message) -> str:
    """The body of one message, in the order of the wire."""
    info = msgspec.inspect.type_info(row.body)
    assert isinstance(info, shapes.StructType)
    if not info.fields:
        return "The body has no fields: an empty map.\n"
    return table(
        ("field", "type", "bounds", "required", "meaning"),
        (
            (
                code(field.encode_name),
                *_describe(field.type)[:2],
                "yes" if field.required else "no",
                _describe(field.type)[2],
            )
            for field in info.fields
        ),
    )


def phases() -> str:
    """Which message types may come in which phase."""
    rows = []
    for phase, allowed in PHASES.items():
        names = [code(MESSAGES[number].name) for number in sorted(allowed)]
        everything = set(MESSAGES) - allowed
        if len(everything) < len(allowed):
            names = ["all but " + ", ".join(code(MESSAGES[number].name) for number in sorted(everything))]
        rows.append((phase.value, ", ".join(names) or "no message of section 10"))
    return table(("phase", "messages that may be received"), rows)


def needs() -> str:
    """What the asker needs for each pair of items; printed from the function that decides."""
    mine, theirs = own_items(), their_items()
    rows = {name: [name] for name in theirs}
    for (name, other), (label, own) in product(theirs.items(), mine.items()):
        rows[name].append(need(own, other, whole=LACKING not in label).name)
    return table(("theirs \\ mine", *mine), rows.values())


def own_items() -> dict[str, Item | None]:
    """What a node may hold of a log."""
    return {
        "nothing held": None,
        "head": _head(),
        "forked": Item(Standing.FORKED, A, 1, 1),
        f"forked, {LACKING}": Item(Standing.FORKED, A, 1, 1),
        "contested at epoch 1": Item(Standing.CONTESTED, A, 1),
        f"contested at epoch 1, {LACKING}": Item(Standing.CONTESTED, A, 1),
    }


def their_items() -> dict[str, Item]:
    """What another node may tell of it."""
    return {
        "head at (0, 0), `from` 0": _head(epoch=0, term=0, held_from=0),
        "head at (0, 0), higher `from`": _head(epoch=0, term=0),
        "head, lower (epoch, term)": _head(term=0),
        "head, same, lower seq": _head(seq=4),
        "equal head, `from` not lower": _head(),
        "equal head, lower `from`": _head(held_from=0),
        "head, same seq, other id": _head(entry=B),
        "head, same, higher seq": _head(seq=6),
        "head, higher (epoch, term)": _head(term=2),
        "head, higher epoch": _head(epoch=2),
        "forked, lower (epoch, term)": Item(Standing.FORKED, A, 1, 0),
        "forked, same (epoch, term)": Item(Standing.FORKED, A, 1, 1),
        "forked, higher (epoch, term)": Item(Standing.FORKED, A, 2, 0),
        "contested, lower epoch": Item(Standing.CONTESTED, A, 0),
        "contested, same epoch": Item(Standing.CONTESTED, A, 1),
        "contested, higher epoch": Item(Standing.CONTESTED, A, 2),
    }


def roles() -> str:
    """The four roles and what they must do."""
    return table(("role", "what it does", "MUST meet"), ROLES)


def questions() -> list[Message]:
    """The messages that ask."""
    return [row for row in MESSAGES.values() if row.role is Role.QUESTION]


def _head(epoch: int = 1, term: int = 1, seq: int = 5, entry: bytes = A, held_from: int = 2) -> Item:
    return Item(Standing.HEAD, A, epoch, term, seq, entry, held_from)


def _describe(kind: shapes.Type) -> tuple[str, str, str]:
    """Type, bounds and meaning."""
    if isinstance(kind, shapes.Metadata):
        name, bounds, inner = _describe(kind.type)
        return name, bounds, str((kind.extra_json_schema or {}).get("description", "")) or inner
    match kind:
        case shapes.UnionType():
            members = [member for member in kind.types if not isinstance(member, shapes.NoneType)]
            name, bounds, text = _describe(members[0])
            return (f"{name} or nil" if len(members) < len(kind.types) else name), bounds, text
        case shapes.IntType():
            low, high = kind.ge or 0, kind.le if kind.lt is None else kind.lt - 1
            return "int", f"{low:,} to {high:,}" if high is not None else "", ""
        case shapes.BytesType():
            least, most = kind.min_length, kind.max_length
            if most is None:
                return "bin", "", ""
            return "bin", f"{most} bytes" if least == most else f"{least or 0} to {most:,} bytes", ""
        case shapes.StrType():
            return "str", _text_bounds(kind), ""
        case shapes.BoolType():
            return "bool", "", ""
        case shapes.TupleType():
            parts = [" ".join(filter(None, _describe(member)[:2])) for member in kind.item_types]
            return "array", f"[{', '.join(parts)}]", ""
        case shapes.ListType():
            name, bounds, _ = _describe(kind.item_type)
            each = f"each {bounds}" if bounds else ""
            count = _count(kind.min_length, kind.max_length)
            of = f"({name})" if " or " in name else name
            return f"array of {of}" if name else "array", ", ".join(filter(None, (count, each))), ""
        case shapes.DictType():
            each = _describe(kind.value_type)[1]
            count = f"0 to {kind.max_length} members" if kind.max_length else ""
            return "map", ", each ".join(filter(None, (count, each))), ""
        case shapes.AnyType():
            return "", "", ""
        case shapes.StructType():
            assert kind.cls is Run
            return "Run", "", ""
    raise TypeError(f"no words for the type {kind!r}")


def _text_bounds(kind: shapes.StrType) -> str:
    """How long a text is, and what it matches."""
    least, most = kind.min_length or 0, kind.max_length
    length = (
        "" if most is None else f"{most:,} characters" if least == most else f"{least} to {most:,} characters"
    )
    matches = (
        "" if kind.pattern is None else "matches " + kind.pattern.replace(r"\Z", "$").replace("|", r"\|")
    )
    return ", ".join(filter(None, (length, matches)))


def _count(least: int | None, most: int | None) -> str:
    if most is None:
        return f"{least} or more elements" if least else ""
    return f"{least or 0} to {most:,} elements"
