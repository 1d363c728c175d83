"""Makes tests/vectors/teams.json: statements about teams, disclosures, agreements."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
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
from protocol.ledger.signers import Signers, entries_of
from protocol.records import Leave, decode_record
from protocol.records.team import Module, TeamRules
from protocol.teams.buyback import require_bought
from protocol.teams.disclosure import document_hash, encode_document, read_document
from protocol.teams.fold import Teams
from protocol.teams.statements import (
    STATEMENTS,
    BuybackRequest,
    Leaving,
    read,
    read_named,
    require_signed,
    sign,
    sign_bought,
    statement_id,
)
from tests.protocol.author import NETWORK, START, Author
from tests.protocol.teams.made import DAY, KEY, PAPER, Play, bounded
from tests.protocol.teams.test_figures import CLAIM, DOCUMENT
from tests.vectors.generate.forms import chain, vector
from tests.vectors.generate.team_goods import goods
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Teams and alliances (chapters 25 and 28), network `test`. `statement` (hex) with its name and a key: expected "
    "are its id and whether that key signed it, and with `order_key` whether that key signed it as the order's. "
    "`goods`, the enclosure of `order` (a deal message), with a `request` to take some back, the `price` of the deal, "
    "its `parts` received, the newest receipt, [line, pieces] returned before, what the seller has left of what was "
    "paid, and the rule [days, basis points]: what is owed, and as `paid` [line, pieces, paid for them]. "
    "`disclosure`: its hash. `agreement` with the keys of the two: its id and who signed. `ending` with its agreement "
    "and the signer's key: when it was signed. `log`: an owner's entries, under `rules` that hold all the time: "
    "expected are the codes of void ones by seq, and the members with their sponsor and place, by id."
)
FIELDS: Final[dict[str, dict[str, Any]]] = {
    "invite": {"disclosure": PAPER, "expires": START + 60 * DAY, "nonce": bytes(range(16))},
    "application": {"acknowledgement": (7, PAPER), "invite": PAPER},
    "leaving": {"reason": "time"},
    "training": {"module": "start"},
    "followup": {"step": 2},
    "placing": {},
    "buyback": {"amount": 1_000, "bought": bytes(64), "goods": ((0, 2), (3, 1)), "order": PAPER},
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
    found += _bought(play)
    found += goods(play)
    found += _disclosures()
    found += _agreements()
    found += _logs()
    return found


def _bought(play: Play) -> list[Vector]:
    """Requests that the key of their order signs as well."""
    key, ada = play.who("order").signer, play.who("ada")
    data = play.signed("ada", BuybackRequest, **fields_of("buyback", play))
    unsigned = read(BuybackRequest, data)
    signed = sign_bought(NETWORK, key, unsigned)
    other = msgspec.structs.replace(signed, amount=1_001)
    found: list[Vector] = []
    for name, comment, request in (
        ("bought", "signed by the key of the order", signed),
        ("bought-nothing", "the key of the order signed nothing", unsigned),
        ("bought-other", "the key of the order signed another amount", other),
    ):
        made = sign(NETWORK, ada.signer, request)
        given = {
            "name": "buyback", "statement": made.hex(), "key": ada.signer.public.hex(), "order_key": key.public.hex(),
        }  # fmt: skip
        try:
            require_bought(NETWORK, read(BuybackRequest, made), key.public)
            bought = True
        except Void:
            bought = False
        expected = {"id": statement_id(made).hex(), "signed": True, "bought": bought}
        found.append(vector(name, comment, "R-TEAM-29", given, expected=expected))
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


# -- whole logs ----------------------------------------------------------------------------------------------
def _logs() -> list[Vector]:
    """Owners' logs in which things go right and wrong, with what they come to."""
    found: list[Vector] = []

    def log(name: str, comment: str, rule: str, play: Play, rules: TeamRules) -> None:
        void, teams, signers = [], Teams(NETWORK, play.owner.id), Signers(NETWORK)
        teams.govern(KEY, rules)
        for entry in play.owner.entries:
            if entry.kind not in (12, 14, 16, 18):
                continue
            record: Any = decode_record(entry.kind, entry.record or b"")
            try:
                signers.admit(entries_of(record.openers))
                teams.take(entry, record, signers)
            except Void as fault:
                void.append([entry.seq, fault.code])
        tree = teams.tree(KEY)
        members = []
        for each in tree.members():
            place, sponsor = tree.placement(each), tree.sponsor(each)
            assert sponsor is not None
            members.append([each.hex(), sponsor.hex(), None if place is None else [place[0].hex(), place[1]]])
        given = {
            "owner": play.owner.id.hex(),
            "key": KEY,
            "rules": msgspec.to_builtins(rules),
            "log": chain(play.owner.entries),
        }
        found.append(vector(name, comment, rule, given, expected={"void": void, "members": sorted(members)}))

    def attempt(act: Callable[..., object], *args: object) -> None:
        with suppress(Void):
            act(*args)

    play, rules = Play(), bounded()
    play.govern(rules)
    play.join(("ada", "owner"), ("bob", "ada"))
    attempt(play.log, play.admission("ada", "owner"))
    attempt(play.log, play.admission("cid", "nobody"))
    attempt(play.log, play.admission("dot", "bob", wait=7 * DAY - 1))
    attempt(play.log, play.admission("eve", "bob", witness="bob"))
    record = play.admission("fay", "bob")
    attempt(play.log, msgspec.structs.replace(record, disclosure=bytes(32)))
    attempt(play.log, msgspec.structs.replace(record, seen=(b"x",)))
    attempt(play.log, msgspec.structs.replace(record, acknowledgement=(b"x",)))
    attempt(play.log, record)
    attempt(play.log, record)
    log("log-admissions", "right and wrong admissions", "R-TEAM-10", play, rules)

    play, rules = Play(), bounded(depth=2, orphans="stay")
    play.govern(rules)
    play.join(("ada", "owner"), ("bob", "ada"))
    attempt(play.log, play.admission("cid", "bob"))
    play.leave("ada")
    attempt(play.log, play.admission("ada", "bob"))
    attempt(play.log, play.admission("ada", "owner"))
    log("log-back", "who comes back stands above whom they sponsored", "R-TEAM-16", play, rules)

    play, rules = Play(), bounded()
    play.govern(rules)
    play.join(("ada", "owner"))
    ahead = play.signed("ada", Leaving, reason="time", time=play.now + 365 * DAY)
    left = Leave(leaving=ahead, member=play.id("ada"), openers=(), opportunity=KEY)
    attempt(play.log, left)
    play.join(("ada", "owner"))
    attempt(play.log, left)
    attempt(play.leave, "ada")
    log("log-left-once", "a leaving dated ahead ends one membership", "R-TEAM-15", play, rules)

    play, rules = Play(), bounded(followups=(7,), modules=(Module(key="start"),))
    play.govern(rules)
    play.join(("ada", "owner"), ("bob", "ada"), ("cid", "bob"), ("eve", "owner"))
    attempt(play.followup, "bob", "eve")
    attempt(play.followup, "bob", "ada")
    attempt(play.followup, "bob", "ada")
    attempt(play.training, "cid", "start", "ada")
    attempt(play.training, "cid", "other")
    attempt(play.move, "cid", "eve", "agreed", ("cid", "eve"))
    attempt(play.move, "bob", "eve", "agreed", ("bob", "ada", "eve"))
    attempt(play.move, "bob", "cid", "agreed", ("bob", "cid", "eve"))
    play.now += DAY
    attempt(play.move, "bob", "owner", "neglect", ("bob",))
    attempt(play.move, "cid", "owner", "neglect", ("cid",))
    attempt(play.move, "cid", "eve", "neglect", ("cid",))
    attempt(play.leave, "eve")
    attempt(play.leave, "eve")
    log("log-duties", "duties, moves, an end", "R-TEAM-20", play, rules)

    play, rules = Play(), bounded(legs=2, holding=3)
    play.govern(rules)
    play.join(("ada", "owner"), ("bob", "ada"), ("cid", "ada"))
    attempt(play.put, "bob", "ada", 0, ("ada",))
    attempt(play.put, "ada", "owner", 1)
    attempt(play.put, "bob", "ada", 2, ("ada",))
    attempt(play.put, "bob", "ada", 1, ("ada",))
    play.join(("dot", "ada"))
    attempt(play.put, "dot", "ada", 0)
    attempt(play.put, "cid", "bob", 0)
    play.now += 3 * DAY
    attempt(play.put, "cid", "bob", 0)
    attempt(play.put, "cid", "ada", 0)
    attempt(play.put, "dot", "bob", 0)
    log("log-places", "the holding place, wishes and the rule", "R-TEAM-14", play, rules)
    return found
