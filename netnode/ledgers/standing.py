"""What stands beside an issuer's credit and listings: exposed by a fork, suspected of silence, disputed [L13, L14].

Both standings are shown, and change no figure: silence is never proof, and a fork is shown because there is a proof.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from netnode.ledgers import evidence
from netnode.ledgers.evidence import beside
from netnode.ledgers.ledger import Ledger
from netnode.ledgers.superseded import superseded, told
from netnode.store import Reader, credits
from protocol import encoding, limits
from protocol.entry import Entry, parse_wire
from protocol.errors import ProtocolError, Void
from protocol.ledger.challenges import Demand, Outcome, outcomes, read_challenge
from protocol.ledger.signers import Signers
from protocol.ledger.union import Claim
from protocol.records import Challenge, decode_record

# Of a log, what anything against its author leaves behind: a fork or branches, a challenge, a rotation it was told of.
_DOUBT: Final = (
    "fork IS NOT NULL OR extents > 0 OR EXISTS(SELECT 1 FROM branch WHERE branch.n = log.n)"
    " OR EXISTS(SELECT 1 FROM challenge WHERE issuer = networker.id AND challenge.entry <> x'')"
    " OR EXISTS(SELECT 1 FROM credit_told WHERE credit_told.issuer = networker.id)"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What speaks against an issuer, as far as it is known here.

    Attributes:
        exposed: there is a proof that it forked its log.
        overdue: challenges that were handed to it, and not answered in the time it has.
        open: challenges whose time is not over, or that are not handed yet.
        refused: reasons it gave for not doing what it was challenged to, the newest last.
        disputed: what a rotation of its key disowned, or it moved by a key that it knew to be replaced, and its
            holders did not release.
    """

    exposed: bool
    overdue: int
    open: int
    refused: tuple[str, ...]
    disputed: tuple[Claim, ...]

    @property
    def suspected(self) -> bool:
        """Whether a challenge is overdue."""
        return self.overdue > 0

    @property
    def bad(self) -> bool:
        """Whether anything stands against it."""
        return self.exposed or self.suspected or bool(self.disputed)


@dataclass(frozen=True, slots=True)
class Question:
    """What is known of an issuer without folding its log.

    Attributes:
        exposed: there is a proof that it forked its log.
        closer: whether there is more to look at: branches, challenges.
        entries: of the log.
    """

    exposed: bool = False
    closer: bool = False
    entries: int = 0


def questioned(reader: Reader, issuer: bytes) -> Question:
    """Whether it is worth while to look closer at an issuer."""
    state = reader.load(issuer)
    if state is None:
        return Question()
    challenged = credits.is_challenged(reader.connection, issuer)
    closer = state.forked or challenged or beside(reader, state) or bool(told(reader, issuer))
    return Question(state.forked, closer, state.tip.seq + 1)


def doubtful(reader: Reader, issuers: Collection[bytes]) -> dict[bytes, bool]:
    """Of networkers those that something may speak against, and whether there is a proof that they forked their log.

    One question for a whole page of search results.
    """
    marks = ", ".join("?" * len(issuers))
    rows = reader.connection.execute(
        "SELECT id, EXISTS(SELECT 1 FROM proof WHERE proof.n = log.n) FROM networker JOIN log USING (n)"  # noqa: S608
        f" WHERE id IN ({marks}) AND ({_DOUBT})",
        tuple(issuers),
    )
    return {id: bool(forked) for id, forked in rows}


def doubtful_sellers(reader: Reader, limit: int) -> list[bytes]:
    """Networkers with listings that something may speak against, those whose logs changed last first."""
    rows = reader.connection.execute(
        "SELECT id FROM networker JOIN log USING (n)"  # noqa: S608 - a constant
        f" WHERE ({_DOUBT}) AND EXISTS(SELECT 1 FROM listing WHERE listing.n = log.n) ORDER BY arrival DESC LIMIT ?",
        (limit,),
    )
    return [id for (id,) in rows]


def mark_of(reader: Reader, issuer: bytes) -> bytes:
    """Another one whenever something that the standing of an issuer rests on has changed, but for the time."""
    state = reader.load(issuer)
    challenges = [(row.id, row.handed) for row in credits.challenges_to(reader.connection, issuer)]
    held = None if state is None else evidence.mark_of(reader, state)
    return hashlib.sha256(repr((held, challenges, sorted(told(reader, issuer).items()))).encode()).digest()


def standing(reader: Reader, network: str, ledger: Ledger, now: int, own: bytes = b"") -> Standing:
    """What speaks against an issuer.

    Args:
        reader: of the store.
        network: its name.
        ledger: of the issuer.
        now: ms UTC.
        own: networker id of the owner of this node, whose rotations the issuer was told of.
    """
    state = reader.load(ledger.issuer)
    demands, handed = _demands(reader, network, ledger.issuer)
    overdue = waiting = 0
    refused: list[str] = []
    for demand, outcome in outcomes(demands, ledger.book, now, handed):
        overdue += outcome is Outcome.OVERDUE
        waiting += outcome is Outcome.OPEN
        reply = ledger.book.reply(demand.id)
        if outcome is Outcome.REFUSED and reply is not None and reply[1] is not None:
            refused.append(reply[1])
    forked = state is not None and state.forked
    return Standing(
        forked, overdue, waiting, tuple(refused), (*ledger.claims, *superseded(reader, ledger, own))
    )


def _demands(reader: Reader, network: str, issuer: bytes) -> tuple[list[Demand], dict[bytes, int]]:
    """The challenges to an issuer whose documents hold, and since when each is handed to it."""
    found: list[Demand] = []
    handed: dict[bytes, int] = {}
    for row in credits.challenges_to(reader.connection, issuer):
        try:
            entry = parse_wire(encoding.decode(row.entry, limits.MAX_MESSAGE))
            record = None if entry.record is None else decode_record(entry.kind, entry.record)
            if not isinstance(record, Challenge):
                continue
            found.append(read_challenge(network, entry, record, _Keys(reader, network, row.openers)))
        except (ProtocolError, Void):
            continue
        if row.handed is not None:
            handed[row.id] = row.handed
    return found, handed


class _Keys:
    """The keys of signers, from what came with a challenge and from the logs held here."""

    def __init__(self, reader: Reader, network: str, openers: bytes) -> None:
        self._reader = reader
        self._given = Signers(network)
        chains: list[list[Entry]] = [
            [parse_wire(list(wire)) for wire in each]
            for each in encoding.decode(openers, limits.MAX_TESTIMONY)
        ]
        self._given.admit(chains)

    def __call__(self, networker: bytes, epoch: int) -> Sequence[bytes]:
        state = self._reader.load(networker)
        held = () if state is None else state.openers.keys(epoch)
        return held or self._given.ever(networker, epoch)
