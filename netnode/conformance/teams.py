"""Opportunities, teams and alliances: records, statements, disclosure, agreements; chapters 25 and 28."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from netnode.conformance.encoding import decode, encode
from netnode.conformance.faults import Fault, demand
from netnode.conformance.limits import (
    HASH_BYTES,
    MAX_AGREEMENT,
    MAX_BASIS_POINTS,
    MAX_DEAL_TEXT,
    MAX_DESCRIPTION,
    MAX_DISCLOSURE,
    MAX_EPOCHS,
    MAX_KEY,
    MAX_LETTER_PARTS,
    MAX_PROOF,
    MAX_QUANTITY,
    MAX_REASON,
    MAX_SEEN,
    MAX_SEQ,
    MAX_STATEMENT,
    MAX_STATEMENTS,
    MAX_TITLE,
    SALT_BYTES,
    SIGNATURE_BYTES,
)
from netnode.conformance.listings import PRICE, in_one_unit
from netnode.conformance.shapes import (
    Field,
    array,
    bin_,
    bool_,
    differ,
    int_,
    line,
    may,
    must,
    one_of,
    row,
    str_,
    table,
)
from netnode.conformance.signatures import valid
from netnode.conformance.tags import sha256, tag

Map = dict[str, Any]

_ID: Final = bin_(HASH_BYTES)
_KEY: Final = str_(1, MAX_KEY)
_EPOCH: Final = int_(0, MAX_EPOCHS - 1)
_TEXT: Final = str_(1, MAX_DESCRIPTION)
_PAPER: Final = bin_(1, MAX_STATEMENT)
_ANY: Final = lambda _: True  # noqa: E731 - a shape like the others
_OPENERS: Final = must(array(array(_ANY, 1, MAX_EPOCHS), 0, MAX_LETTER_PARTS))
_SALT: Final = must(bin_(SALT_BYTES))
_POSITION: Final = table({"leg": must(int_(0, 999)), "parent": must(_ID)})

RECORDS: Final[Mapping[int, Mapping[str, Field]]] = {
    13: {  # opportunity
        "$": _SALT,
        "closes": may(int_()),
        "costs": must(array(table({
            "price": must(PRICE),
            "purpose": must(one_of("kit", "other", "service", "tool", "training")),
            "required": must(bool_),
            "title": must(line(1, MAX_TITLE)),
        }), 0, 20)),
        "description": must(_TEXT),
        "disclosure": must(bin_(1, MAX_DISCLOSURE)),
        "format": may(one_of("html", "markdown", "plain")),
        "key": must(line(1, MAX_KEY)),
        "obligations": may(_TEXT),
        "opens": may(int_()),
        "plan": may(_ID),
        "products": may(array(_KEY, 1, 200)),
        "summary": may(str_(1, 500)),
        "terms": may(_TEXT),
        "title": must(line(1, MAX_TITLE)),
    },
    21: {  # acknowledgement
        "$": _SALT, "disclosure": must(_ID), "opportunity": must(_KEY), "owner": must(_ID),
    },
    12: {  # admission
        "acknowledgement": must(array(_ANY, 1, MAX_PROOF)),
        "application": must(_PAPER),
        "disclosure": must(_ID),
        "invite": must(_PAPER),
        "openers": _OPENERS,
        "opportunity": must(_KEY),
        "position": may(_POSITION),
        "seen": must(array(_PAPER, 1, MAX_SEEN)),
    },
    14: {  # move
        "member": must(_ID),
        "openers": _OPENERS,
        "opportunity": must(_KEY),
        "position": may(_POSITION),
        "reason": must(one_of("agreed", "holding", "neglect")),
        "sponsor": may(_ID),
        "statements": must(array(_PAPER, 0, MAX_STATEMENTS)),
    },
    16: {  # leave
        "ended": may(one_of("inactive", "terms")),
        "leaving": may(_PAPER),
        "member": must(_ID),
        "openers": _OPENERS,
        "opportunity": must(_KEY),
    },
    18: {  # duty
        "openers": _OPENERS,
        "opportunity": must(_KEY),
        "statements": must(array(_PAPER, 1, MAX_STATEMENTS)),
    },
    17: {  # alliance
        "$": _SALT,
        "agreement": must(bin_(1, MAX_AGREEMENT)),
        "ending": may(_PAPER),
        "openers": _OPENERS,
    },
}  # fmt: skip
"""The field tables of these kinds [R-REC-3]."""


def _opportunity_holds(record: Map) -> bool:
    kits = all(
        not cost["required"] or (cost["purpose"] == "kit" and "per" not in cost["price"])
        for cost in record["costs"]
    )
    times = "opens" not in record or "closes" not in record or record["opens"] <= record["closes"]
    prices = all(in_one_unit(cost["price"]) for cost in record["costs"])
    return kits and times and prices and differ(record.get("products", []))  # [R-TEAM-2]


def _move_holds(record: Map) -> bool:
    placed, sponsored = "position" in record, "sponsor" in record
    return placed != sponsored and placed == (record["reason"] == "holding")


ACROSS: Final[Mapping[int, Callable[[Map], bool]]] = {
    13: _opportunity_holds,
    14: _move_holds,
    16: lambda record: ("ended" in record) != ("leaving" in record),
}
"""What fields say of each other."""

LETTER: Final[dict[str, Field]] = {
    "acknowledgement": may(array(_ANY, 0, MAX_PROOF)),
    "invite": may(_PAPER),
    "name": must(one_of("application", "buyback", "followup", "invite", "leaving", "placing", "training")),
    "openers": may(array(array(_ANY, 1, MAX_EPOCHS), 0, MAX_LETTER_PARTS)),
    "seen": may(array(_PAPER, 0, MAX_SEEN)),
    "statement": must(_PAPER),
    "text": may(str_(0, MAX_DEAL_TEXT)),
}
"""The body of a letter of type `team`."""

_ALWAYS: Final = {
    "epoch": must(_EPOCH),
    "opportunity": must(_KEY),
    "owner": must(_ID),
    "signature": must(bin_(SIGNATURE_BYTES)),
    "signer": must(_ID),
}
_DATED: Final = {**_ALWAYS, "time": must(int_())}
_STATEMENTS: Final[Mapping[str, Mapping[str, Field]]] = {
    "invite": {
        **_ALWAYS,
        "disclosure": must(_ID),
        "expires": must(int_()),
        "for": may(_ID),
        "nonce": must(bin_(SALT_BYTES)),
        "position": may(_POSITION),
        "sponsor": must(_ID),
    },
    "application": {**_DATED, "acknowledgement": must(row(int_(0, MAX_SEQ), _ID)), "invite": must(_ID)},
    "leaving": {
        **_DATED,
        "reason": must(one_of("company", "earnings", "other", "personal", "products", "support", "time")),
    },
    "training": {**_DATED, "by": may(_ID), "module": must(_KEY)},
    "followup": {**_DATED, "by": must(_ID), "step": must(int_(1, 12))},
    "placing": {**_DATED, "member": must(_ID), "position": may(_POSITION), "sponsor": may(_ID)},
    "buyback": {
        **_DATED,
        "amount": must(int_()),
        "bought": must(bin_(SIGNATURE_BYTES)),
        "goods": must(array(row(int_(0, 99), int_(1, MAX_QUANTITY)), 1, MAX_STATEMENTS)),
        "order": must(_ID),
    },
}
_CLAIM: Final[Mapping[str, Field]] = {
    "amount": must(int_()),
    "currency": may(str_(3, 3, "^[A-Z]{3}$")),
    "from": must(int_()),
    "members": must(int_()),
    "of": must(int_(1)),
    "points": must(int_(0, MAX_BASIS_POINTS)),
    "until": must(int_()),
}
_DISCLOSURE: Final[Mapping[str, Field]] = {
    "cancellation": must(_TEXT),
    "claims": must(array(table(_CLAIM), 0, 20)),
    "identity": must(_TEXT),
    "legal": must(_TEXT),
    "references": must(array(str_(1, MAX_REASON), 1, 10)),
}
_PARTNER: Final[Mapping[str, Field]] = {
    "epoch": must(_EPOCH),
    "id": must(_ID),
    "listings": may(array(_KEY, 1, 200)),
    "points": must(int_(0, MAX_BASIS_POINTS)),
}
_AGREEMENT: Final[Mapping[str, Field]] = {
    "first": must(table(_PARTNER)),
    "first_signature": may(bin_(SIGNATURE_BYTES)),
    "from": must(int_()),
    "nonce": must(bin_(SALT_BYTES)),
    "notice": must(int_(0, 365)),
    "second": must(table(_PARTNER)),
    "second_signature": may(bin_(SIGNATURE_BYTES)),
    "until": may(int_()),
}
_ENDING: Final[Mapping[str, Field]] = {
    "agreement": must(_ID),
    "epoch": must(_EPOCH),
    "signature": must(bin_(SIGNATURE_BYTES)),
    "signer": must(_ID),
    "time": must(int_()),
}


def read_statement(name: str, data: bytes) -> Map:
    """A statement by its form; its signature is another question [R-TEAM-5].

    Raises:
        Fault: `statement`.
    """
    found = _read(_STATEMENTS[name], data, MAX_STATEMENT, "statement")
    position = found.get("position")
    demand(position is None or position.keys() == {"leg", "parent"}, "statement", "a position")
    return found


def signed_by(network: str, name: str, statement: Map, key: bytes) -> bool:
    """Whether a key signed a statement [R-TEAM-5]."""
    image = {field: value for field, value in statement.items() if field != "signature"}
    return valid(key, tag(network, name) + encode(image), statement["signature"])


def bought_by(network: str, request: Map, key: bytes) -> bool:
    """Whether the key of an order signed that its goods be taken back [R-TEAM-29]."""
    image = {field: value for field, value in request.items() if field not in ("bought", "signature")}
    return valid(key, tag(network, "buyback") + encode(image), request["bought"])


def read_disclosure(data: bytes) -> Map:
    """A disclosure document [R-TEAM-3] [R-TEAM-24].

    Raises:
        Fault: `statement`.
    """
    found = _read(_DISCLOSURE, data, MAX_DISCLOSURE, "statement")
    for claim in found["claims"]:
        demand(claim.keys() <= _CLAIM.keys(), "statement", "an unknown field of a claim")
        demand(claim["from"] < claim["until"] and claim["members"] <= claim["of"], "statement", "a claim")
        demand(claim["points"] == claim["members"] * 10_000 // claim["of"], "statement", "a percentage")
    return found


def read_agreement(data: bytes) -> Map:
    """An agreement by its form [R-ALLY-1].

    Raises:
        Fault: `alliance`.
    """
    found = _read(_AGREEMENT, data, MAX_AGREEMENT, "alliance")
    for side in ("first", "second"):
        demand(found[side].keys() <= _PARTNER.keys(), "alliance", "an unknown field of a partner")
    demand(found["first"]["id"] < found["second"]["id"], "alliance", "the lower id first")
    demand("until" not in found or found["from"] < found["until"], "alliance", "no time")
    return found


def agreed_by(network: str, agreement: Map, side: str, key: bytes) -> bool:
    """Whether a key signed for one side of an agreement [R-ALLY-2]."""
    signature = agreement.get(f"{side}_signature")
    image = {name: value for name, value in agreement.items() if not name.endswith("_signature")}
    return signature is not None and valid(key, tag(network, "alliance") + encode(image), signature)


def read_ending(network: str, data: bytes, agreement: bytes, key: bytes) -> Map:
    """The end of an agreement, signed with a key [R-ALLY-4].

    Raises:
        Fault: `alliance`, `not_signed`.
    """
    found = _read(_ENDING, data, MAX_STATEMENT, "alliance")
    parties = {side["id"] for name, side in read_agreement(agreement).items() if name in ("first", "second")}
    demand(found["agreement"] == sha256(agreement) and found["signer"] in parties, "alliance", "of another")
    image = {name: value for name, value in found.items() if name != "signature"}
    demand(valid(key, tag(network, "alliance_end") + encode(image), found["signature"]), "not_signed")
    return found


def _read(fields: Mapping[str, Field], data: bytes, most: int, code: str) -> Map:
    try:
        value = decode(data, most)
    except Fault as fault:
        raise Fault(code, str(fault)) from fault
    demand(
        table(fields)(value) and isinstance(value, dict) and value.keys() <= fields.keys(), code, "its form"
    )
    found: Map = value
    return found
