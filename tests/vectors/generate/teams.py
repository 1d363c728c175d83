"""Makes tests/vectors/teams.json: statements about teams, disclosures, agreements."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from protocol import encoding
from protocol.alliances import (
    Agreement,
    Partner,
    agreement_id,
    read_agreement,
    read_ending,
    require_ending,
    sign_agreement,
    sign_ending,
    signed_by,
)
from protocol.errors import Void
from protocol.teams.disclosure import document_hash, encode_document, read_document
from protocol.teams.statements import STATEMENTS, read_named, require_signed, statement_id
from tests.protocol.author import NETWORK, START, Author
from tests.protocol.teams.made import DAY, PAPER, Play
from tests.protocol.teams.test_figures import CLAIM, DOCUMENT
from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Teams and alliances (chapters 25 and 28), network `test`. `statement` (hex) with its name and a key: expected "
    "are its id and whether that key signed it. `disclosure`: its hash. `agreement` with the keys of the two: its id "
    "and who signed. `ending` with its agreement and the signer's key: when it was signed."
)
FIELDS: Final[dict[str, dict[str, Any]]] = {
    "invite": {"disclosure": PAPER, "expires": START + 60 * DAY, "nonce": bytes(range(16))},
    "application": {"acknowledgement": (7, PAPER), "invite": PAPER},
    "leaving": {"reason": "time"},
    "training": {"module": "start"},
    "followup": {"step": 2},
    "placing": {},
    "buyback": {"amount": 1_000, "goods": ((0, 2), (3, 1)), "order": PAPER},
}
MORE: Final[dict[str, tuple[str, ...]]] = {"invite": ("for_",), "training": ("by",), "placing": ("sponsor",)}


def fields_of(name: str, play: Play) -> dict[str, Any]:
    """The fields of a statement, the least of them."""
    others = {"invite": {"sponsor": play.id("ada")}, "followup": {"by": play.id("ada")}}
    return FIELDS[name] | others.get(name, {}) | ({"member": play.id("bob")} if name == "placing" else {})


def vectors() -> list[Vector]:
    found: list[Vector] = []
    play = Play()
    ada, eve = play.who("ada"), play.who("eve")

    def statement(name: str, comment: str, rule: str, kind: str, data: bytes, by: Author = ada) -> None:
        given = {"name": kind, "statement": data.hex(), "key": by.signer.public.hex()}
        try:
            read = read_named(kind, data)
        except Void as void:
            found.append(vector(name, comment, rule, given, error=void.code))
            return
        try:
            require_signed(NETWORK, read, (by.signer.public,))
            signed = True
        except Void:
            signed = False
        expected = {"id": statement_id(data).hex(), "signed": signed}
        found.append(vector(name, comment, rule, given, expected=expected))

    for kind, form in STATEMENTS.items():
        data = play.signed("ada", form, **fields_of(kind, play))
        statement(kind, f"{kind}, the least", "R-TEAM-5", kind, data)
        for more in MORE.get(kind, ()):
            whole = play.signed("ada", form, **(fields_of(kind, play) | {more: play.id("eve")}))
            statement(f"{kind}-{more.strip('_')}", f"with `{more.strip('_')}`", "R-TEAM-5", kind, whole)
        statement(f"{kind}-forged", "a key that did not sign it", "R-TEAM-5", kind, data, eve)
        value = encoding.decode(data)
        altered = encoding.encode({**value, "opportunity": "other"})
        statement(f"{kind}-altered", "another opportunity than was signed", "R-TEAM-5", kind, altered)
        unknown = encoding.encode({**value, "zest": 1})
        statement(f"{kind}-unknown", "an unknown field", "R-TEAM-5", kind, unknown)
        for field in value:
            rest = encoding.encode({key: each for key, each in value.items() if key != field})
            statement(f"{kind}-without-{field}", f"without `{field}`", "R-TEAM-5", kind, rest)
        other = next(each for each in STATEMENTS if each != kind)
        statement(f"{kind}-as-{other}", f"read as {other}", "R-TEAM-5", other, data)
    base = encoding.decode(play.signed("ada", STATEMENTS["placing"], **fields_of("placing", play)))
    for name, position in (
        ("nested", {"leg": 0, "parent": PAPER, "zest": 1}),
        ("leg", {"leg": 1_000, "parent": PAPER}),
        ("parent", {"leg": 0, "parent": PAPER[:31]}),
    ):
        data = encoding.encode({**base, "position": position})
        statement(f"placing-{name}", f"a position of a wrong form: {name}", "R-TEAM-5", "placing", data)
    found += _disclosures()
    found += _agreements()
    return found


def _disclosures() -> list[Vector]:
    found: list[Vector] = []

    def disclosure(name: str, comment: str, rule: str, data: bytes) -> None:
        given = {"disclosure": data.hex()}
        try:
            read_document(data)
        except Void as void:
            found.append(vector(name, comment, rule, given, error=void.code))
            return
        found.append(vector(name, comment, rule, given, expected={"hash": document_hash(data).hex()}))

    data = encode_document(DOCUMENT)
    disclosure("disclosure", "all five items, one claim", "R-TEAM-3", data)
    silent = msgspec.structs.replace(DOCUMENT, claims=())
    disclosure("disclosure-silent", "nothing is claimed", "R-TEAM-3", encode_document(silent))
    value = encoding.decode(data)
    for item in value:
        rest = encoding.encode({key: each for key, each in value.items() if key != item})
        disclosure(f"disclosure-without-{item}", f"without `{item}`", "R-TEAM-3", rest)
    claim = encoding.decode(encoding.encode_struct(CLAIM))
    for name, change in (
        ("percentage", {"points": claim["points"] + 1}),
        ("more-than-all", {"members": 41, "points": 10_000}),
        ("no-time", {"until": claim["from"]}),
        ("nobody", {"of": 0}),
        ("unknown", {"zest": 1}),
    ):
        wrong = encoding.encode({**value, "claims": [{**claim, **change}]})
        disclosure(f"claim-{name}", f"a claim that is wrong: {name}", "R-TEAM-24", wrong)
    return found


def _agreements() -> list[Vector]:
    found: list[Vector] = []
    ada, bob = sorted((Author("ada"), Author("bob")), key=lambda each: each.id)
    eve = Author("eve")
    keys = {"first": ada.signer.public.hex(), "second": bob.signer.public.hex()}
    open_ = Agreement(
        first=Partner(epoch=0, id=ada.id, points=1_000),
        from_=START,
        nonce=bytes(16),
        notice=30,
        second=Partner(epoch=0, id=bob.id, listings=("hat",), points=2_000),
    )

    def agreement(name: str, comment: str, rule: str, data: bytes) -> None:
        given = {"agreement": data.hex(), **keys}
        try:
            read = read_agreement(data)
        except Void as void:
            found.append(vector(name, comment, rule, given, error=void.code))
            return
        expected = {
            "id": agreement_id(data).hex(),
            "first": signed_by(NETWORK, read, "first", (ada.signer.public,)),
            "second": signed_by(NETWORK, read, "second", (bob.signer.public,)),
        }
        found.append(vector(name, comment, rule, given, expected=expected))

    proposed = sign_agreement(NETWORK, ada.signer, ada.id, open_)
    both = sign_agreement(NETWORK, bob.signer, bob.id, read_agreement(proposed))
    agreement("agreement", "signed by both", "R-ALLY-2", both)
    agreement("agreement-proposed", "signed by the first", "R-ALLY-2", proposed)
    value = encoding.decode(both)
    raised = {**value, "first": {**value["first"], "points": 1_001}}
    agreement("agreement-altered", "another rate than was signed", "R-ALLY-2", encoding.encode(raised))
    for name, wrong in (
        ("order", {**value, "first": value["second"], "second": value["first"]}),
        ("alone", {**value, "second": value["first"]}),
        ("until", {**value, "until": START}),
        ("unknown", {**value, "zest": 1}),
        ("partner", {**value, "first": {**value["first"], "zest": 1}}),
        ("rate", {**value, "first": {**value["first"], "points": 10_001}}),
        ("notice", {**value, "notice": 366}),
    ):
        agreement(f"agreement-{name}", f"of a wrong form: {name}", "R-ALLY-1", encoding.encode(wrong))

    def ending(name: str, comment: str, data: bytes, by: Author) -> None:
        given = {"ending": data.hex(), "agreement": both.hex(), "key": by.signer.public.hex()}
        try:
            read = read_ending(data)
            require_ending(NETWORK, both, read_agreement(both), read, lambda *_: (by.signer.public,))
        except Void as void:
            found.append(vector(name, comment, "R-ALLY-4", given, error=void.code))
            return
        found.append(vector(name, comment, "R-ALLY-4", given, expected={"time": read.time}))

    def ended(signer: Author, who: Author, data: bytes = both) -> bytes:
        return sign_ending(
            NETWORK, signer.signer, agreement=agreement_id(data), who=who.id, epoch=0, time=START + 5
        )

    ending("ending-first", "the first ends it", ended(ada, ada), ada)
    ending("ending-second", "the second ends it", ended(bob, bob), bob)
    ending("ending-forged", "not signed by who it names", ended(eve, ada), ada)
    ending("ending-stranger", "by a third", ended(eve, eve), eve)
    ending("ending-other", "of another agreement", ended(ada, ada, proposed), ada)
    ending("ending-form", "no ending", both, ada)
    return found
