"""A team made by hand: the owner's log with statements of others in it, as a test wants them, right or wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import UNSET

from protocol import seen
from protocol.entry import Entry
from protocol.errors import Void
from protocol.ledger.signers import Signers, entries_of
from protocol.records import Acknowledgement, Admission, Duty, Leave, Move, encode_record
from protocol.records.team import MoveReason, Position, TeamRules
from protocol.teams.fold import TeamRecord, Teams
from protocol.teams.statements import (
    Application,
    Followup,
    Invite,
    Leaving,
    Placing,
    Training,
    sign,
    statement_id,
)
from protocol.teams.team import DAY_MS, NO_RULES, Team
from protocol.teams.tree import Tree
from tests.protocol.author import NETWORK, START, Author, seed

KEY = "linen-team"
PAPER = seed("disclosure")
DAY = DAY_MS
RULES = msgspec.structs.replace(NO_RULES, followups=(7, 30), replacement="upline")


def bounded(**fields: Any) -> TeamRules:
    """The rules of a plan."""
    return msgspec.structs.replace(RULES, **fields)


@dataclass
class Play:
    """The owner's log and whoever takes part, by name; the fold of it."""

    owner: Author = field(default_factory=lambda: Author("owner"))
    people: dict[str, Author] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)  # whose openers the log holds
    seq: int = 0
    now: int = START

    def __post_init__(self) -> None:
        self.signers = Signers(NETWORK)
        self.teams = Teams(NETWORK, self.owner.id)

    @property
    def team(self) -> Team:
        return self.teams.team(KEY)

    @property
    def tree(self) -> Tree[bytes]:
        return self.team.tree

    def who(self, name: str) -> Author:
        """Somebody by name; `owner` is the owner."""
        return self.owner if name == "owner" else self.people.setdefault(name, Author(name))

    def id(self, name: str) -> bytes:
        return self.who(name).id

    # -- papers ----------------------------------------------------------------------------------------------
    def signed(self, name: str, form: type[Any], /, **fields: Any) -> bytes:
        """A statement by somebody; fields that are not given are right."""
        signer = self.who(name)
        whole: dict[str, Any] = {
            "epoch": signer.entries[-1].epoch,
            "opportunity": KEY,
            "owner": self.owner.id,
            "signature": bytes(64),
            "signer": signer.id,
        }
        if form is not Invite:
            whole["time"] = self.now
        return sign(NETWORK, signer.signer, form(**(whole | fields)))

    def invite(self, sponsor: str, *, by: str | None = None, **fields: Any) -> bytes:
        whole: dict[str, Any] = {
            "disclosure": PAPER,
            "expires": self.now + 60 * DAY,
            "nonce": seed("invite", sponsor, self.seq, self.now, len(self.people))[:16],
            "sponsor": self.id(sponsor),
        }
        return self.signed(by or sponsor, Invite, **(whole | fields))

    def acknowledge(self, member: str, **fields: Any) -> Entry:
        """The member's own-log entry, appended there."""
        author = self.who(member)
        whole = {"salt": bytes(16), "disclosure": PAPER, "opportunity": KEY, "owner": self.owner.id}
        record = encode_record(Acknowledgement(**(whole | fields)))
        entry = author.after(author.entries[-1], Acknowledgement.KIND, record, time=self.now)
        author.entries.append(entry)
        return entry

    def saw(self, witness: str, entry: Entry, time: int) -> bytes:
        by = self.who(witness)
        return seen.encode(
            seen.sign(
                NETWORK, by.signer, author=entry.author, epoch=entry.epoch, term=entry.term, seq=entry.seq,
                id=entry.id, time=time, witness=by.id, witness_epoch=by.entries[-1].epoch,
            )
        )  # fmt: skip

    def openers(self, *names: str) -> tuple[Any, ...]:
        """The openers of those whom the log does not hold yet."""
        new = [name for name in dict.fromkeys(names) if name not in self.known and name != "owner"]
        self.known.update(new)
        return tuple(
            tuple(entry.wire() for entry in self.who(name).entries if entry.is_opener) for name in new
        )

    # -- the log ---------------------------------------------------------------------------------------------
    def govern(self, rules: TeamRules) -> None:
        self.teams.govern(KEY, rules)

    def log(self, record: TeamRecord, *, time: int | None = None) -> Entry:
        """Appends a record to the owner's log and folds it.

        Raises:
            Void: it has no effect.
        """
        tip = self.owner.entries[-1]
        entry = self.owner.after(
            tip, record.KIND, encode_record(record), time=max(tip.time, time or self.now)
        )
        self.owner.entries.append(entry)
        self.seq = entry.seq
        self.signers.admit(entries_of(record.openers))
        self.teams.take(entry, record, self.signers)
        return entry

    def admission(
        self, member: str, sponsor: str, *, witness: str = "witness", wait: int = 7 * DAY
    ) -> Admission:
        """An admission that is right; time passes."""
        invite = self.invite(sponsor)
        acknowledged = self.acknowledge(member)
        statement = self.saw(witness, acknowledged, self.now)
        application = self.signed(
            member,
            Application,
            acknowledgement=(acknowledged.seq, acknowledged.id),
            invite=statement_id(invite),
        )
        self.now += wait
        return Admission(
            acknowledgement=(acknowledged.wire(),),
            application=application,
            disclosure=PAPER,
            invite=invite,
            openers=self.openers(sponsor, member, witness),
            opportunity=KEY,
            seen=(statement,),
        )

    def join(self, *pairs: tuple[str, str]) -> None:
        """Admits members below their sponsors, one after the other: ("ada", "owner")."""
        for member, sponsor in pairs:
            self.log(self.admission(member, sponsor))

    def leave(self, member: str, reason: str = "time") -> Entry:
        leaving = self.signed(member, Leaving, reason=reason)
        return self.log(Leave(leaving=leaving, member=self.id(member), openers=(), opportunity=KEY))

    def followup(self, member: str, by: str, step: int = 1) -> Entry:
        return self.duty(self.signed(member, Followup, by=self.id(by), step=step))

    def training(self, member: str, module: str, by: str | None = None) -> Entry:
        return self.duty(
            self.signed(member, Training, module=module, by=UNSET if by is None else self.id(by))
        )

    def duty(self, *statements: bytes) -> Entry:
        return self.log(Duty(openers=(), opportunity=KEY, statements=statements))

    def move(self, member: str, sponsor: str, reason: MoveReason, consents: Sequence[str]) -> Entry:
        statements = tuple(
            self.signed(each, Placing, member=self.id(member), sponsor=self.id(sponsor)) for each in consents
        )
        return self.log(
            Move(
                member=self.id(member), openers=(), opportunity=KEY, reason=reason, sponsor=self.id(sponsor),
                statements=statements,
            )
        )  # fmt: skip

    def put(self, member: str, parent: str, leg: int, consents: Sequence[str] = ()) -> Entry:
        """Out of the holding place."""
        position = Position(leg=leg, parent=self.id(parent))
        statements = tuple(
            self.signed(each, Placing, member=self.id(member), position=position) for each in consents
        )
        return self.log(
            Move(
                member=self.id(member), openers=(), opportunity=KEY, position=position, reason="holding",
                statements=statements,
            )
        )  # fmt: skip

    def refused(self, record: TeamRecord) -> str:
        """The code with which a record is void; and it must have changed nothing."""
        before = (list(self.tree.members()), len(self.team.used), len(self.team.endings))
        try:
            self.log(record)
        except Void as void:
            assert before == (list(self.tree.members()), len(self.team.used), len(self.team.endings))
            return void.code
        raise AssertionError("it has effect")

    def names(self, ids: Sequence[bytes]) -> list[str]:
        by = {bytes(author.id): name for name, author in (("owner", self.owner), *self.people.items())}
        return [by[each] for each in ids]

    def upline(self, member: str, at: int | None = None) -> list[str]:
        return self.names(list(self.tree.upline(self.id(member), at)))
