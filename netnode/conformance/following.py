"""What a sale follows: its listing, who led the buyer, alliance, plan; sections 27.4 and 28.2."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from netnode.conformance import teams
from netnode.conformance.awards import Award, Payer
from netnode.conformance.bounds import closes, rules_of
from netnode.conformance.encoding import encode
from netnode.conformance.entries import read_entry
from netnode.conformance.faults import Fault, demand
from netnode.conformance.limits import MILLISECONDS_PER_DAY
from netnode.conformance.paths import check_token, hash_of, read_path, read_token
from netnode.conformance.proving import Proof
from netnode.conformance.records import read_record
from netnode.conformance.selling import Sale
from netnode.conformance.signers import Signers
from netnode.conformance.tags import sha256

Map = dict[str, Any]
_LISTING: Final = 3


@dataclass(slots=True)
class Plan:
    """A plan of the log: from when and until when it holds, and what was sold and closed under it."""

    digest: bytes
    payer: Payer
    starts: int
    ends: int | None = None
    governs: bool = False
    newest: int | None = None
    stale: int | None = None  # the oldest closed period whose ranks were not worked out since a refund
    closed: dict[int, list[Award]] = field(default_factory=dict)

    @property
    def terms(self) -> Map:
        """The record, with what absent fields mean."""
        return self.payer.plan

    @property
    def key(self) -> str | None:
        """Of the opportunity."""
        found: str | None = self.terms.get("opportunity")
        return found


class Following:
    """The plans of one log, and what its sales follow.

    Args:
        network: the network's name.
        author: networker id.
        signers: of the log.
    """

    def __init__(self, network: str, author: bytes, signers: Signers) -> None:
        self.plans: dict[bytes, Plan] = {}
        self.listings: dict[bytes, str] = {}  # id of a listing's entry that a sale embeds -> its key
        self._network = network
        self._author = author
        self._signers = signers
        self._commissions: dict[bytes, Plan] = {}

    def publish(self, now: int, record: Map) -> None:
        """A plan [R-CRED-19]."""
        payer = Payer(record)
        digest = sha256(encode(record))
        demand(digest not in self.plans, "already_logged", "a plan")
        unit = payer.plan["unit"]
        same_unit = [
            each.terms["unit"] for each in self.plans.values() if each.terms["unit"]["name"] == unit["name"]
        ]
        places = 2 if re.fullmatch("[A-Z]{3}", unit["name"]) else (same_unit or [unit])[0]["exponent"]
        demand(unit["exponent"] == places, "plan_terms", "a unit with other decimal places")
        late = any(closes(family, rule) for family, rule in rules_of(payer.plan))
        demand("team" in record or not late, "plan_terms", "a rule by period, and no team to close it for")
        plan = Plan(digest, payer, now)
        key = record.get("opportunity")
        if key is not None:
            same = [each for each in self.plans.values() if each.terms.get("opportunity") == key]
            if same:
                notice = same[-1].terms["notice_days"] * MILLISECONDS_PER_DAY
                plan.starts = same[-1].ends = max(now, same[-1].starts) + notice
        self.plans[digest] = plan

    def _commission(self, points: int, currency: str) -> Plan:
        """[R-CRED-20]."""
        record: Map = {
            "currencies": [{"currency": currency, "rate": [1, 1]}],
            "maximum": [points, 10_000],
            "path": [{"depth": 1, "first": [points, 10_000], "mode": "flat", "name": "commission"}],
            "period": {"count": 1, "unit": "month"},
            "title": "commission",
            "unit": {"exponent": 2, "name": currency},
        }
        digest = sha256(encode(record))
        return self._commissions.setdefault(digest, Plan(digest, Payer(record), 0))

    def first(self, now: int, content: Map, proof: Proof) -> tuple[Plan, Sale, str | None]:
        """What the first sale of an order is evaluated on, and the key of its listing."""
        order = proof.order
        listing = self._listing(content, order)
        led = self._led(content, proof, listing)
        points = order.get("commission")
        if "agreement" in content:
            ally, allied = self._allied(content["agreement"], led, listing, proof.ordered)
            led, points = ([ally], allied) if ally is not None else (led, points)
        if points is not None:
            demand("currency" in order, "no_plan", "a price in credit")
            plan = self._commission(points, order["currency"])
        else:
            named = self.plans.get(order.get("plan", b""))
            agreed = named is not None and named.starts <= proof.contract
            demand(agreed and (named.ends is None or proof.ordered < named.ends), "no_plan")  # type: ignore[union-attr]
            assert named is not None
            plan = named
        buyer = order["named"]["id"] if "named" in order else None
        sale = Sale(
            proof.start.id, now, Fraction(0), 0, led[0] if led else None, buyer, buyer or order["key"], tuple(led),
            listing, proof.start.type == "renewal", self._author, None, proof.presumed,
        )  # fmt: skip
        return plan, sale, listing

    def _listing(self, content: Map, order: Map) -> str | None:
        """[R-CRED-17]."""
        if "listing" not in order:
            demand("listing" not in content, "listing_differs", "of none")
            return None
        if "listing" not in content:
            demand(order["listing"] in self.listings, "listing_differs", "none before")
            return self.listings[order["listing"]]
        try:
            entry = read_entry(content["listing"])
            record = read_record(entry.header.kind, entry.record or b"")
        except Fault as fault:
            raise Fault("listing_differs", str(fault)) from fault
        same = entry.id == order["listing"] and entry.header.author == self._author
        demand(same and entry.header.kind == _LISTING, "listing_differs")
        key: str = record["key"]
        return key

    def _led(self, content: Map, proof: Proof, listing: str | None) -> list[bytes]:
        """Who led the buyer, nearest first [R-CRED-16]."""
        order = proof.order
        demand(("path" in order) == ("path" in content), "path_differs")
        if "path" not in order:
            return []
        try:
            tokens = [read_token(each) for each in read_path(content["path"])[1]]
        except Fault as fault:
            raise Fault("path_differs", str(fault)) from fault
        demand(hash_of(self._network, content["path"]) == order["path"], "path_differs", "another path")
        for token in tokens:
            other = listing is not None and token.get("listing", listing) != listing
            if other or token["expires"] <= proof.ordered or token["seller"] != self._author:
                return []
        for token in tokens:
            keys = self._signers.ever(token["referrer"], token["epoch"])
            demand(bool(keys), "openers", "of a referrer")
            if not any(_passes(check_token, self._network, token, key) for key in keys):
                return []
        return [token["referrer"] for token in reversed(tokens)]

    def _allied(
        self, data: bytes, led: list[bytes], listing: str | None, at: int
    ) -> tuple[bytes | None, int]:
        """The partner who is paid, and how much, by an agreement [R-CRED-18] [R-ALLY-5]."""
        agreement = teams.read_agreement(data)
        for side in ("first", "second"):
            keys = self._signers.ever(agreement[side]["id"], agreement[side]["epoch"])
            held = any(teams.agreed_by(self._network, agreement, side, key) for key in keys)
            demand(held, "not_signed", "an agreement")
        partners = {agreement[side]["id"]: agreement[side] for side in ("first", "second")}
        mine = partners.pop(self._author, None)
        [(other, _), *_] = partners.items()
        covers = mine is not None and ("listings" not in mine or listing in mine["listings"])
        holds = agreement["from"] <= at < agreement.get("until", at + 1)
        return (other, mine["points"]) if covers and holds and other in led and mine else (None, 0)


def _passes(act: Callable[..., Any], *arguments: Any) -> bool:
    try:
        act(*arguments)
    except Fault:
        return False
    return True
