"""What the owner of this node signs about teams, theirs and others', and the papers that come to them [R-TEAM-30]."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec
from msgspec import UNSET

from netnode.deals.means import Means
from netnode.deals.signers import Signers as Known
from netnode.deals.signers import read as read_openers
from netnode.mail.letters import Incoming, Refusal, Taken
from netnode.problems import ExitCode, Problem
from netnode.store import Reader, Writer, teams
from netnode.store import letters as outbox
from netnode.store.letters import Outgoing
from netnode.store.teams import PaperRow, SeenRow
from netnode.teams.goods import require_sold
from netnode.teams.reading import OwnerLog, TeamLogs, opportunity_of
from protocol import encoding, limits, seen
from protocol.entry import Entry, parse_wire
from protocol.errors import LocalProtocolError, ProtocolError, Void
from protocol.identity import id_text
from protocol.openers import Openers
from protocol.records import Acknowledgement, decode_record, encode_record
from protocol.records.team import Position
from protocol.signing import Signer
from protocol.teams.admission import WAIT_MS, seen_by_other
from protocol.teams.disclosure import document_hash
from protocol.teams.duties import require_counted
from protocol.teams.letters import Paper, TeamLetter
from protocol.teams.statements import (
    Application,
    BuybackRequest,
    Followup,
    Invite,
    Leaving,
    LeavingReason,
    Placing,
    Statement,
    Training,
    read,
    read_named,
    require_signed,
    sign,
    statement_id,
)

INVITE_PREFIX: Final = "inxteam1"
_NOBODY: Final = b""


class TeamDesk:
    """Signs papers, keeps and sends them, and takes those of others.

    Args:
        means: what it acts with.
        logs: the teams of logs held here.
    """

    def __init__(self, means: Means, logs: TeamLogs) -> None:
        self._means = means
        self._logs = logs

    def listen(self) -> None:
        """Takes letters from now on."""
        self._means.letters.receive("team", self.take)

    # -- what the owner says ---------------------------------------------------------------------------------
    async def invite(
        self,
        owner: bytes,
        key: str,
        *,
        to: bytes | None,
        days: int,
        sponsor: bytes | None = None,
        position: Position | None = None,
        text: str = "",
    ) -> PaperRow:
        """Invites somebody, or whoever gets the invite, to join below the owner of this node; durable.

        Args:
            owner: of the team.
            key: of the opportunity.
            to: networker id; None: for whoever has it.
            days: until it expires.
            sponsor: another than the owner of this node: for a team that is taken over, by its owner only.
            position: the place wished for.
            text: a word that goes along.

        Raises:
            Problem: the log is not here, there is no such opportunity (3), who invites is no member, or `to` is in the
                team already (4).
        """
        log = await self._logs.of(owner)
        offered = opportunity_of(log, key)
        if to is not None and (to in (owner, self._means.own.id) or log.teams.tree(key).member(to)):
            who = (
                "This is your own id"
                if to == self._means.own.id
                else f"{id_text(to)} is in this team already"
            )
            raise Problem(f"{who}: invite somebody who is not in it.", ExitCode.REFUSED, "is_member")
        below = self._means.own.id if sponsor is None else sponsor
        if below != owner and not log.teams.tree(key).member(below):
            raise Problem(
                f"{id_text(below)} is no member of this team, so nobody can be invited below them.",
                ExitCode.REFUSED,
                "no_member",
            )
        now = self._means.clock.now_ms()
        if isinstance(offered.record.closes, int) and now >= offered.record.closes:
            raise Problem("This opportunity is closed: nobody can be invited.", ExitCode.REFUSED, "closed")
        unsigned = Invite(
            disclosure=document_hash(offered.record.disclosure),
            epoch=0,
            expires=now + days * 24 * 3_600_000,
            for_=UNSET if to is None else to,
            nonce=self._means.entropy.token(limits.SALT_BYTES),
            opportunity=key,
            owner=owner,
            position=UNSET if position is None else position,
            signature=bytes(64),
            signer=self._means.own.id,
            sponsor=below,
        )
        return await self._make("invite", unsigned, to, text)

    async def apply(self, invite: bytes) -> PaperRow:
        """Acknowledges the disclosure in the own log and applies; the application leaves once somebody else saw that.

        Args:
            invite: bytes of the invite.

        Raises:
            Problem: the invite is over, for another, or does not fit what its owner's log says (4); log locked.
        """
        own = self._means.own.id
        said = read_invite(invite)
        log = await self._logs.of(said.owner)
        offered = opportunity_of(log, said.opportunity)
        now = self._means.clock.now_ms()
        if said.for_ not in (UNSET, own) or now >= said.expires:
            raise Problem(
                "This invite is over, or for somebody else. Ask for another.", ExitCode.REFUSED, "invite"
            )
        if document_hash(offered.record.disclosure) != said.disclosure:
            raise Problem(
                "The opportunity has another disclosure by now than when you were invited. Ask for a new invite.",
                ExitCode.REFUSED,
                "disclosure",
            )
        if log.teams.tree(said.opportunity).member(own):
            raise Problem("You are a member of this team.", ExitCode.REFUSED, "is_member")
        sent = await self._applied(said, statement_id(invite), now)
        if sent is not None:  # the owner has it, or gets it: one more would only wait there for good
            return sent
        entry = await self._acknowledged(said)
        unsigned = Application(
            acknowledgement=(entry.seq, entry.id),
            epoch=0,
            invite=statement_id(invite),
            opportunity=said.opportunity,
            owner=said.owner,
            signature=bytes(64),
            signer=own,
            time=now,
        )
        proof = encoding.encode([entry.wire()])
        row = await self._signed("application", unsigned, said.owner, "", proof)
        await self._means.store.write(_keep, (self._paper_of_invite(invite, said, now), row))
        return row

    async def train(self, owner: bytes, key: str, module: str, by: bytes | None) -> PaperRow:
        """Says that a module was passed. Raises Problem."""
        unsigned = Training(
            by=UNSET if by is None else by, epoch=0, module=module, opportunity=key, owner=owner,
            signature=bytes(64), signer=self._means.own.id, time=self._means.clock.now_ms(),
        )  # fmt: skip
        await self._counting(unsigned)
        return await self._make("training", unsigned, owner, "")

    async def followed(self, owner: bytes, key: str, step: int, by: bytes | None) -> PaperRow:
        """Says that a follow-up was received, from the sponsor unless another is named. Raises Problem."""
        log = await self._member_of(owner, key)
        giver = by or log.teams.tree(key).sponsor(self._means.own.id)
        assert giver is not None  # a member has a sponsor
        unsigned = Followup(
            by=giver, epoch=0, opportunity=key, owner=owner, signature=bytes(64), signer=self._means.own.id,
            step=step, time=self._means.clock.now_ms(),
        )  # fmt: skip
        await self._counting(unsigned)
        return await self._make("followup", unsigned, owner, "")

    async def leave(self, owner: bytes, key: str, reason: LeavingReason) -> PaperRow:
        """Leaves a team. Raises Problem."""
        await self._member_of(owner, key)
        unsigned = Leaving(
            epoch=0, opportunity=key, owner=owner, reason=reason, signature=bytes(64), signer=self._means.own.id,
            time=self._means.clock.now_ms(),
        )  # fmt: skip
        return await self._make("leaving", unsigned, owner, "")

    async def place(
        self, owner: bytes, key: str, member: bytes, sponsor: bytes | None, position: Position | None
    ) -> PaperRow:
        """Consents to another sponsor of somebody, or chooses their place. Raises Problem."""
        unsigned = Placing(
            epoch=0, member=member, opportunity=key, owner=owner, position=UNSET if position is None else position,
            signature=bytes(64), signer=self._means.own.id, sponsor=UNSET if sponsor is None else sponsor,
            time=self._means.clock.now_ms(),
        )  # fmt: skip
        return await self._make("placing", unsigned, owner, "")

    # -- letters ---------------------------------------------------------------------------------------------
    async def take(self, incoming: Incoming) -> Taken | Refusal:
        """Takes a paper that its signer signed; whether it has effect, the owner's log says later.

        Raises:
            Problem: the disk; the letter comes again.
        """
        body = incoming.body
        assert isinstance(body, TeamLetter)
        try:
            statement = read_named(body.name, body.statement)
            given = {
                found.author: found
                for each in body.openers
                for found in [read_openers(self._means.network, each)]
            }
        except ProtocolError as error:
            return Refusal(error.code, error.text)
        own = self._means.own.id
        to_me = own in (statement.owner, getattr(statement, "for_", UNSET))
        if not to_me and body.name != "invite":
            return Refusal("names_differ", "this paper is for the owner of another team")
        if statement.owner == own:
            log = await self._logs.of(own)
            if statement.opportunity not in log.opportunities:
                return Refusal("no_opportunity", "there is no such opportunity here")
            if body.name == "buyback" and not log.teams.tree(statement.opportunity).known(statement.signer):
                return Refusal("no_member", "who asks never was a member of this team")
        try:
            rows, saw = await self._means.store.read(self._checked, body, statement, given)
        except ProtocolError as error:
            return Refusal(error.code, error.text)
        await self._means.store.write(_take, rows, saw)
        return Taken()

    def _checked(
        self, reader: Reader, body: TeamLetter, statement: Statement, given: Mapping[bytes, Openers]
    ) -> tuple[list[PaperRow], list[SeenRow]]:
        """What a letter brings, its signatures checked; who saw an acknowledgement, as far as they signed that.

        Raises:
            Void: `not_signed`; of an application `names_differ`, `not_acknowledged`; of a `buyback` `no_deal`.
            RemoteProtocolError: something in it has no right form.
        """
        known = Known(self._means.network, reader.connection, given)
        require_signed(self._means.network, statement, known.keys(statement.signer, statement.epoch, 0))
        now = self._means.clock.now_ms()
        if isinstance(statement, BuybackRequest):
            require_sold(reader.connection, self._means.network, statement, now)
        row = PaperRow(
            number=0,
            id=statement_id(body.statement),
            name=body.name,
            owner=statement.owner,
            opportunity=statement.opportunity,
            signer=statement.signer,
            recipient=self._means.own.id,
            own=False,
            data=body.statement,
            openers=encoding.encode([list(each) for each in body.openers]),
            proof=encoding.encode([]),
            text=body.text,
            at=now,
        )
        if not isinstance(statement, Application):
            return [row], []
        if body.invite is UNSET or statement_id(body.invite) != statement.invite:
            raise Void("names_differ", "an application comes with the invite it is by")
        entries = [parse_wire(each) for each in body.acknowledgement]
        first = entries[0] if entries else None
        if first is None or (first.author, first.seq, first.id) != (
            statement.signer,
            *statement.acknowledgement,
        ):
            raise Void("not_acknowledged", "an application comes with the acknowledgement that it names")

        def keys(networker: bytes, epoch: int) -> Sequence[bytes]:
            return known.keys(networker, epoch, 0)

        saw = [
            SeenRow(first.id, *_witness(data, body.openers), now)
            for data in body.seen
            if seen_by_other(self._means.network, data, first, (), keys, limits.MAX_INT)
        ]
        invite = self._paper_of_invite(body.invite, read(Invite, body.invite), now)
        return [replace(row, proof=encoding.encode([each.wire() for each in entries])), invite], saw

    def letter(self, row: PaperRow, seen: Sequence[SeenRow] = (), invite: bytes | None = None) -> TeamLetter:
        """The letter that carries a paper.

        Args:
            row: the paper.
            seen: with an application: who saw the acknowledgement.
            invite: with an application: the invite.
        """
        openers: list[Any] = encoding.decode(row.openers, limits.MAX_MESSAGE)
        authors = {parse_wire(each[0]).author for each in openers}
        for each in seen:
            if each.witness not in authors:
                openers += encoding.decode(each.openers, limits.MAX_MESSAGE)
                authors.add(each.witness)
        return TeamLetter(
            acknowledgement=tuple(encoding.decode(row.proof, limits.MAX_MESSAGE)),
            invite=UNSET if invite is None else invite,
            name=msgspec.convert(row.name, Paper),
            openers=tuple(tuple(each) for each in openers),
            seen=tuple(each.data for each in seen),
            statement=row.data,
            text=row.text,
        )

    # -- inside ----------------------------------------------------------------------------------------------
    async def _acknowledged(self, said: Invite) -> Entry:
        record = Acknowledgement(
            salt=self._means.entropy.token(limits.SALT_BYTES),
            disclosure=said.disclosure,
            opportunity=said.opportunity,
            owner=said.owner,
        )
        earlier = await self._means.store.read(
            lambda reader: teams.applications(reader.connection, said.owner, said.opportunity)
        )
        for row in earlier:  # who applies again need not wait again
            entry = parse_wire(encoding.decode(row.proof, limits.MAX_MESSAGE)[0])
            before = None if entry.record is None else decode_record(entry.kind, entry.record)
            if isinstance(before, Acknowledgement) and before.disclosure == said.disclosure:
                return entry
        return (await self._means.own.append([(Acknowledgement.KIND, encode_record(record))]))[0]

    async def _applied(self, said: Invite, invite: bytes, now: int) -> PaperRow | None:
        """The application by this invite that was made in the days it takes to be admitted; None: there is none."""
        earlier = await self._means.store.read(
            lambda reader: teams.applications(reader.connection, said.owner, said.opportunity)
        )
        for row in earlier:
            if read(Application, row.data).invite == invite and now - row.at < WAIT_MS:
                return row
        return None

    async def _counting(self, statement: Training | Followup) -> None:
        """Raises Problem where a duty would not count: the owner's log would take it for nothing."""
        log = await self._member_of(statement.owner, statement.opportunity)
        team = log.teams.team(statement.opportunity)
        try:
            require_counted(team, statement, self._means.clock.now_ms())
        except Void as void:
            membership = team.membership(statement.signer)
            assert membership is not None  # looked at above
            rules = membership.rules
            modules = ", ".join(module.key for module in rules.modules) or "none"
            raise Problem(
                f"This would not count: {void.text}. By the plan that held when you joined there are the modules: "
                f"{modules}; follow-ups: {len(rules.followups)}.",
                ExitCode.REFUSED,
                void.code,
            ) from void

    async def _member_of(self, owner: bytes, key: str) -> OwnerLog:
        log = await self._logs.of(owner)
        if not log.teams.tree(key).member(self._means.own.id):
            raise Problem("You are no member of this team.", ExitCode.REFUSED, "no_member")
        return log

    def _paper_of_invite(self, data: bytes, said: Invite, now: int) -> PaperRow:
        """An invite that came as a text, kept like one that came by letter."""
        return PaperRow(
            0, statement_id(data), "invite", said.owner, said.opportunity, said.signer, self._means.own.id, False,
            data, encoding.encode([]), encoding.encode([]), "", now, now,
        )  # fmt: skip

    async def send(self, name: Paper, unsigned: Statement, to: bytes, text: str) -> PaperRow:
        """Signs, keeps and sends a paper that was made elsewhere; durable. Raises Problem: locked keys (2)."""
        return await self._make(name, unsigned, to, text)

    async def _make(self, name: Paper, unsigned: Statement, to: bytes | None, text: str) -> PaperRow:
        """Signs, keeps and sends a paper in one go; one to oneself is kept only."""
        row = await self._signed(name, unsigned, to, text, encoding.encode([]))
        draft = None
        if to is not None and to != self._means.own.id:
            draft = self._means.letters.draft(to, self.letter(row))
        await self._means.store.write(_keep, (row,), draft)
        if draft is not None:
            self._means.letters.wake()
        return row

    async def _signed(
        self, name: Paper, unsigned: Statement, to: bytes | None, text: str, proof: bytes
    ) -> PaperRow:
        keys = self._means.ring.keys
        whole: Any = msgspec.structs.replace(unsigned, epoch=keys.epoch)
        try:
            data = sign(self._means.network, Signer(keys.signing_seed), whole)
        except LocalProtocolError as error:
            raise Problem(f"This cannot be signed: {error.text}.", ExitCode.USAGE, "statement") from error
        openers = await self._means.store.read(
            lambda reader: Known(self._means.network, reader.connection).entries(self._means.own.id, 0)
        )
        return PaperRow(
            number=0,
            id=statement_id(data),
            name=name,
            owner=unsigned.owner,
            opportunity=unsigned.opportunity,
            signer=self._means.own.id,
            recipient=to or _NOBODY,
            own=True,
            data=data,
            openers=encoding.encode([openers or []]),
            proof=proof,
            text=text,
            at=self._means.clock.now_ms(),
        )


def invite_text(data: bytes) -> str:
    """An invite as a text that mail and chat carry."""
    return INVITE_PREFIX + base64.urlsafe_b64encode(data).decode().rstrip("=")


def read_invite_text(text: str) -> bytes:
    """The bytes of an invite from its text.

    Raises:
        Problem: `invite` (2).
    """
    body = text.strip().removeprefix(INVITE_PREFIX)
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem(
            f"This is no invite to a team: copy all of it, from {INVITE_PREFIX} to the end.",
            ExitCode.USAGE,
            "invite",
        ) from error


def read_invite(data: bytes) -> Invite:
    """An invite from its bytes.

    Raises:
        Problem: `invite` (2).
    """
    try:
        return read(Invite, data)
    except Void as void:
        text = f"This is no invite to a team, or not all of it: copy it from {INVITE_PREFIX} to the end."
        raise Problem(text, ExitCode.USAGE, "invite") from void


def _witness(data: bytes, openers: Sequence[Any]) -> tuple[bytes, bytes, bytes]:
    """Who saw, the statement, and their openers among those that came along."""
    witness = seen.decode(data).witness
    mine = [list(each) for each in openers if parse_wire(list(each[0])).author == witness]
    return witness, data, encoding.encode(mine)


def _keep(writer: Writer, rows: Sequence[PaperRow], draft: Outgoing | None = None) -> None:
    with writer.transaction(durable=True):
        for row in rows:
            teams.put(writer, row)
        if draft is not None:
            outbox.queue(writer, draft)


def _take(writer: Writer, rows: Sequence[PaperRow], seen: Sequence[SeenRow]) -> None:
    with writer.transaction(durable=True):
        for row in rows:
            teams.put(writer, row)
        for each in seen:
            teams.put_seen(writer, each)
