"""One team, folded from its owner's log: admissions, moves, leaves, duties; sections 25.3 to 25.5."""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from netnode.conformance.encoding import decode
from netnode.conformance.entries import Entry, read_entry
from netnode.conformance.faults import Fault, demand
from netnode.conformance.limits import KEPT_STEPS, MAX_MESSAGE, MAX_TEAM_DEPTH, MILLISECONDS_PER_DAY
from netnode.conformance.records import read_record
from netnode.conformance.seen import is_statement
from netnode.conformance.seen import signed as seen_image
from netnode.conformance.selling import Listed, Tree
from netnode.conformance.signatures import valid
from netnode.conformance.signers import Signers
from netnode.conformance.tags import sha256
from netnode.conformance.teams import Map, read_statement, signed_by

ADMISSION, MOVE, LEAVE, DUTY, ACKNOWLEDGEMENT = 12, 14, 16, 18, 21
_WAIT: Final = 7 * MILLISECONDS_PER_DAY
UNRULED: Final[Map] = {
    "depth": MAX_TEAM_DEPTH, "followups": [], "holding": 14, "missed": 1, "modules": [], "orphans": "roll_up",
    "replacement": "none", "spill": "breadth",
}  # fmt: skip
"""What holds while no plan of the opportunity is in force [R-TEAM-11]."""


@dataclass(slots=True)
class Member:
    """Somebody who is or was a member.

    Attributes:
        sponsor: whom they stand below, also after they left.
        joined: date of the admission that counts, ms UTC.
        since: from when deadlines run.
        rules: under which they began.
        inside: whether they are a member.
        above: who stood above them when they joined.
        followups: by step, who gave it and when.
        modules: passed.
    """

    sponsor: bytes
    joined: int
    since: int
    rules: Map
    inside: bool = True
    above: list[bytes] = field(default_factory=list)
    followups: dict[int, tuple[bytes, int]] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)

    def due(self, now: int) -> list[int]:
        """The follow-ups whose deadline has passed [R-TEAM-19]."""
        days = enumerate(self.rules["followups"], 1)
        return [step for step, day in days if self.since + day * MILLISECONDS_PER_DAY < now]


class TeamFold:
    """A team while its owner's log is read, entry by entry.

    Args:
        network: the network's name.
        owner: networker id.
        key: of the opportunity.
        rules: `TeamRules` in force at first.
        signers: of the log; None: of this team alone.
    """

    def __init__(
        self, network: str, owner: bytes, key: str, rules: Map, signers: Signers | None = None
    ) -> None:
        self.network = network
        self.owner = owner
        self.key = key
        self.legs: int | None = None
        self.govern(rules)
        self.members: dict[bytes, Member] = {}
        self.places: dict[bytes, tuple[bytes, int]] = {}
        self._signers = signers or Signers(network)
        self._used: set[bytes] = set()
        self._history: list[tuple[int, dict[bytes, Member], dict[bytes, tuple[bytes, int]]]] = []

    def govern(self, rules: Map) -> None:
        """A plan takes force; a tree of places keeps the number of legs it began with [R-TEAM-11]."""
        self.rules = rules
        self.legs = rules.get("legs") if self.legs is None else self.legs

    def take(self, entry: Entry) -> None:
        """Takes the next entry of a log of which nothing but the team is asked.

        Raises:
            Fault: it has no effect, with its code.
        """
        kind = entry.header.kind
        if kind not in (ADMISSION, MOVE, LEAVE, DUTY) or entry.record is None:
            return
        record = read_record(kind, entry.record)
        self._signers.admit(record["openers"])
        demand(record["opportunity"] == self.key, "names_differ", "another team")
        self.apply(entry, record)

    def apply(self, entry: Entry, record: Map) -> None:
        """Applies an entry about this team, whose openers are taken in.

        Raises:
            Fault: it has no effect, with its code.
        """
        judges = {ADMISSION: self._admit, MOVE: self._move, LEAVE: self._leave, DUTY: self._count}
        judges[entry.header.kind](entry, record)
        self._history.append((entry.seq, copy.deepcopy(self.members), dict(self.places)))

    # -- as of an entry --------------------------------------------------------------------------------------
    def _as_of(self, at: int) -> tuple[dict[bytes, Member], dict[bytes, tuple[bytes, int]]]:
        known = [(members, places) for seq, members, places in self._history if seq <= at]
        return known[-1] if known else ({}, {})

    def tree(self, at: int) -> Tree:
        """Who stood where right after an entry [R-TEAM-16]."""
        members, places = self._as_of(at)
        people = {who: Listed(each.sponsor, each.joined, each.inside) for who, each in members.items()}
        return Tree(people, dict(places))

    def doer(self, upline: bytes, head: bytes, now: int, at: int) -> bytes | None:
        """Who did what somebody owes to the head of a leg; None: nobody did [R-TEAM-21]."""
        member = self._as_of(at)[0].get(head)
        if member is None or not member.inside or member.sponsor != upline or not member.rules["followups"]:
            return upline
        others = {step: by for step, by in member.followups.items() if by[0] != upline}
        lost = [step for step in member.due(now) if step not in member.followups or step in others]
        if len(lost) < member.rules["missed"]:
            return upline
        newest = max(others.values(), key=lambda each: each[1], default=None)
        return None if newest is None else newest[0]

    # -- who signs -------------------------------------------------------------------------------------------
    def _signed(self, name: str, statement: Map, keys: list[bytes]) -> None:
        held = any(signed_by(self.network, name, statement, key) for key in keys)
        demand(held, "not_signed", name)

    def _here(self, name: str, statement: Map) -> None:
        self._signed(name, statement, self._signers.now(statement["signer"], statement["epoch"]))

    # -- the tree --------------------------------------------------------------------------------------------
    def inside(self, who: bytes) -> bool:
        """Whether somebody is a member."""
        return who in self.members and self.members[who].inside

    def line(self, who: bytes) -> list[bytes]:
        """Who stands above somebody, nearest first, without the owner."""
        found = []
        while who != self.owner and (who := self.members[who].sponsor) != self.owner:
            found.append(who)
        return found

    def _depth(self, who: bytes) -> int:
        return 0 if who == self.owner else 1 + len(self.line(who))

    def _height(self, who: bytes) -> int:
        below = [each for each, member in self.members.items() if member.sponsor == who]
        return 1 + max(map(self._height, below)) if below else 0

    def steps(self, kind: int, record: Map) -> int:
        """How many people an entry makes a reader go through [R-CRED-93]."""
        if kind == LEAVE and self.rules["orphans"] == "roll_up":
            return KEPT_STEPS * len(self._next(record["member"]))
        if kind == ADMISSION:
            return self._below(read_statement("application", record["application"])["signer"])
        return self._below(record["member"]) if kind == MOVE and "sponsor" in record else 0

    def _next(self, who: bytes) -> list[bytes]:
        """Who stands right below somebody who is or was a member."""
        return [each for each, member in self.members.items() if member.sponsor == who in self.members]

    def _below(self, who: bytes) -> int:
        return sum(1 + self._below(each) for each in self._next(who))

    def _under(self, upper: bytes, lower: bytes) -> bool:
        if upper != self.owner and upper not in self.places:
            return False
        while lower not in (upper, self.owner):
            if lower not in self.places:
                return False
            lower = self.places[lower][0]
        return lower == upper

    def _free(self, sponsor: bytes, position: Map) -> None:
        demand(self.legs is not None and position["leg"] < self.legs, "no_place", "no such leg")
        parent = position["parent"]
        demand(parent == self.owner or parent in self.places, "no_place", "above has none")
        demand(self._under(sponsor, parent), "no_place", "not below the sponsor's")
        demand((parent, position["leg"]) not in self.places.values(), "no_place", "taken")

    def _by_rule(self, sponsor: bytes) -> tuple[bytes, int] | None:
        if self.legs is None:
            return None
        while sponsor != self.owner and sponsor not in self.places:
            sponsor = self.members[sponsor].sponsor
        taken = {place: who for who, place in self.places.items()}
        waiting = deque([sponsor])
        while True:
            here = waiting.popleft()
            for leg in range(1 if self.rules["spill"] == "depth" else self.legs):
                if (here, leg) not in taken:
                    return here, leg
                waiting.append(taken[here, leg])

    # -- admission -------------------------------------------------------------------------------------------
    def _admit(self, entry: Entry, record: Map) -> None:
        invite = read_statement("invite", record["invite"])
        application = read_statement("application", record["application"])
        for paper in (invite, application):
            demand(
                (paper["owner"], paper["opportunity"]) == (self.owner, self.key), "names_differ"
            )  # [R-TEAM-6]
        number = sha256(record["invite"])
        demand(application["invite"] == number, "names_differ", "another invite")
        demand(invite["disclosure"] == record["disclosure"], "names_differ", "another disclosure")
        sponsor, who = invite["sponsor"], application["signer"]
        demand(invite["signer"] in (sponsor, self.owner), "names_differ", "the invite's signer")  # [R-TEAM-7]
        demand(invite.get("for", who) == who, "invitation_over", "for another")
        demand(application["time"] < invite["expires"], "invitation_over", "expired")
        demand(number not in self._used, "invitation_over", "used")
        demand(who != self.owner and not self.inside(who), "is_member")  # [R-TEAM-10]
        demand(sponsor == self.owner or self.inside(sponsor), "no_sponsor")
        demand(sponsor == self.owner or (sponsor != who and who not in self.line(sponsor)), "cycle")
        height = self._height(who) if who in self.members else 0
        demand(self._depth(sponsor) + 1 + height <= self.rules["depth"], "too_deep")
        if invite["signer"] != self.owner:
            self._signed("invite", invite, self._signers.ever(invite["signer"], invite["epoch"]))
        self._here("application", application)
        seen = self._acknowledged(record, application)
        self._seen(entry, record, seen, (self.owner, sponsor, who))
        position = record.get("position")
        if position is not None:  # [R-TEAM-13]
            demand(who not in self.places and invite.get("position") == position, "no_place")
            self._free(sponsor, position)
            self.places[who] = (position["parent"], position["leg"])
        self._used.add(number)
        self.members[who] = Member(sponsor, entry.header.time, entry.header.time, self.rules)
        self.members[who].above = self.line(who)

    def _acknowledged(self, record: Map, application: Map) -> Entry:
        """[R-TEAM-8]."""
        try:
            entries = [read_entry(alone) for alone in record["acknowledgement"]]
        except Fault as fault:
            raise Fault("not_acknowledged", str(fault)) from fault
        first, last = entries[0], entries[-1]
        named = [first.seq, first.id] == application["acknowledgement"]
        demand(named and first.header.author == application["signer"], "not_acknowledged", "another entry")
        for below, entry in pairwise(entries):
            linked = (
                entry.header.prev == below.id and entry.seq == below.seq + 1 and entry.place == below.place
            )
            dated = entry.header.time >= below.header.time and entry.header.author == first.header.author
            demand(
                linked and dated and not entry.opens and below.header.kind != 6,
                "not_acknowledged",
                "no chain",
            )
        keys = self._signers.ever(first.header.author, last.header.epoch)
        demand(any(last.signed(self.network, key) for key in keys), "not_acknowledged", "unsigned")
        try:
            told = read_record(first.header.kind, first.record or b"")
        except Fault as fault:
            raise Fault("not_acknowledged", str(fault)) from fault
        demand(first.header.kind == ACKNOWLEDGEMENT and bool(told), "not_acknowledged", "another kind")
        about = (told["owner"], told["opportunity"], told["disclosure"])
        demand(about == (self.owner, self.key, record["disclosure"]), "not_acknowledged", "of another")
        return first

    def _seen(self, entry: Entry, record: Map, shown: Entry, parties: tuple[bytes, ...]) -> None:
        """[R-TEAM-9]."""
        head = shown.header
        for data in record["seen"]:
            try:
                said = decode(data, MAX_MESSAGE)
            except Fault:
                continue
            if (
                not is_statement(said)
                or said["witness"] in parties
                or said["time"] > entry.header.time - _WAIT
            ):
                continue
            named = (said["author"], said["epoch"], said["term"], said["seq"], said["id"])
            keys = self._signers.ever(said["witness"], said["witness_epoch"])
            if named == (head.author, head.epoch, head.term, head.seq, shown.id) and any(
                valid(key, seen_image(self.network, said), said["signature"]) for key in keys
            ):
                return
        raise Fault("too_soon")

    # -- moves and ends --------------------------------------------------------------------------------------
    def _move(self, entry: Entry, record: Map) -> None:
        who = record["member"]
        demand(self.inside(who), "no_member")
        papers = [read_statement("placing", data) for data in record["statements"]]
        for paper in papers:
            about = (paper["owner"], paper["opportunity"], paper["member"])
            same = all(paper.get(name) == record.get(name) for name in ("sponsor", "position"))
            demand(same and about == (self.owner, self.key, who), "names_differ", "another move")
        for paper in papers:
            self._here("placing", paper)
        numbers = [sha256(data) for data in record["statements"]]
        demand(len(set(numbers)) == len(numbers) and not self._used & set(numbers), "no_consent", "used")
        consent = {paper["signer"] for paper in papers} | {self.owner}
        if record["reason"] == "holding":
            self._out_of_holding(entry, record, consent)
        else:
            self._new_sponsor(entry, record, consent)
        self._used |= set(numbers)

    def _out_of_holding(self, entry: Entry, record: Map, consent: set[bytes]) -> None:
        """[R-TEAM-14]."""
        who, position = record["member"], record["position"]
        demand(who not in self.places, "no_place", "they have one")
        member = self.members[who]
        if member.sponsor in consent:
            self._free(member.sponsor, position)
        else:
            days = self.rules["holding"] * MILLISECONDS_PER_DAY
            demand(entry.header.time >= member.joined + days, "no_consent", "the sponsor may choose")
            given = self._by_rule(member.sponsor)
            demand(given == (position["parent"], position["leg"]), "no_place", "the rule gives another")
        self.places[who] = (position["parent"], position["leg"])

    def _new_sponsor(self, entry: Entry, record: Map, consent: set[bytes]) -> None:
        who, sponsor = record["member"], record["sponsor"]
        member = self.members[who]
        needed = {who, member.sponsor, sponsor}
        neglect = record["reason"] == "neglect"
        if neglect:  # [R-TEAM-20]
            rule = member.rules["replacement"]
            demand(rule != "none" and self.neglected(who, entry.header.time), "not_neglected")
            above = [each for each in self.line(who)[1:] if self.inside(each)]
            demand(rule != "upline" or sponsor == (above[0] if above else self.owner), "no_sponsor")
            needed = {who, sponsor} if rule == "choice" else {who}
        demand(needed <= consent, "no_consent")  # [R-TEAM-12]
        demand(sponsor == self.owner or self.inside(sponsor), "no_sponsor")
        demand(sponsor != member.sponsor, "no_sponsor", "theirs already")
        demand(sponsor == self.owner or (sponsor != who and who not in self.line(sponsor)), "cycle")
        demand(self._depth(sponsor) + 1 + self._height(who) <= self.rules["depth"], "too_deep")
        member.sponsor = sponsor
        if neglect:
            member.since, member.followups, member.above = entry.header.time, {}, self.line(who)
            member.rules = self.rules

    def _leave(self, entry: Entry, record: Map) -> None:
        """[R-TEAM-15] [R-TEAM-16]."""
        who = record["member"]
        demand(self.inside(who), "no_member")
        if "leaving" in record:
            paper = read_statement("leaving", record["leaving"])
            about = (paper["owner"], paper["opportunity"], paper["signer"])
            demand(about == (self.owner, self.key, who), "names_differ")
            demand(paper["time"] >= self.members[who].joined, "names_differ", "an earlier membership")
            number = sha256(record["leaving"])
            demand(number not in self._used, "names_differ", "used")
            self._here("leaving", paper)
            self._used.add(number)
        self.members[who].inside = False
        if self.rules["orphans"] == "roll_up":
            for member in self.members.values():
                if member.sponsor == who:
                    member.sponsor = self.members[who].sponsor

    # -- duties ----------------------------------------------------------------------------------------------
    def neglected(self, who: bytes, now: int) -> bool:
        """Whether as many deadlines were missed as the plan says [R-TEAM-19]."""
        member = self.members[who]
        late = [step for step in member.due(now) if step not in member.followups]
        return bool(member.rules["followups"]) and len(late) >= member.rules["missed"]

    def _count(self, entry: Entry, record: Map) -> None:
        """[R-TEAM-18]."""
        papers = []
        for data in record["statements"]:
            try:
                name = "training" if "module" in decode(data, MAX_MESSAGE) else "followup"
            except (Fault, TypeError) as fault:
                raise Fault("statement", str(fault)) from fault
            papers.append((name, read_statement(name, data)))
        done = set()
        for name, paper in papers:
            demand((paper["owner"], paper["opportunity"]) == (self.owner, self.key), "names_differ")
            who = paper["signer"]
            demand(self.inside(who), "no_member")
            member = self.members[who]
            demand(member.since <= paper["time"] <= entry.header.time, "no_duty", "its date")
            above = {self.owner, *self.line(who), *member.above}
            demand(paper.get("by", self.owner) in above, "no_duty", "who did it")
            if name == "training":
                known = paper["module"] in [module["key"] for module in member.rules["modules"]]
                demand(known and paper["module"] not in member.modules, "no_duty", "the module")
            else:
                known = paper["step"] <= len(member.rules["followups"])
                demand(known and paper["step"] not in member.followups, "no_duty", "the follow-up")
            what = (who, paper.get("module"), paper.get("step"))
            demand(what not in done, "no_duty", "twice")
            done.add(what)
        for name, paper in papers:
            self._here(name, paper)
        for name, paper in papers:
            member = self.members[paper["signer"]]
            if name == "training":
                member.modules.add(paper["module"])
            else:
                member.followups[paper["step"]] = (paper["by"], paper["time"])
