"""Alliances: proposed, agreed and ended by letters, and published in both logs [R-ALLY-1..5] [R-REF-10]."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec
from msgspec import UNSET

from netnode.deals.means import Means
from netnode.deals.signers import Signers as Known
from netnode.deals.signers import read as read_openers
from netnode.mail.letters import Incoming, Refusal, Taken
from netnode.problems import ExitCode, Problem
from netnode.store import Reader, Writer, alliances
from netnode.store import letters as outbox
from netnode.store.alliances import AllianceRow
from netnode.store.letters import Outgoing
from protocol import encoding, limits
from protocol.alliances import (
    Agreement,
    Partner,
    Side,
    agreement_bytes,
    agreement_id,
    read_agreement,
    read_ending,
    require_ending,
    require_signed,
    sign_agreement,
    sign_ending,
    signed_by,
)
from protocol.errors import LocalProtocolError, ProtocolError, Void
from protocol.openers import Openers
from protocol.records import Alliance, decode_record, encode_record
from protocol.referral_letters import AllianceLetter
from protocol.signing import Signer

_LOOKED: Final = 10_000  # own entries; why: what a crash came between comes again within days
_PART: Final = 500
_BYTES: Final = 32 * 1024 * 1024

_Keys = Callable[[bytes, int], Sequence[bytes]]


class AllianceDesk:
    """Signs agreements and their ends, and takes those of others.

    Args:
        means: what it acts with.
    """

    def __init__(self, means: Means) -> None:
        self._means = means

    def listen(self) -> None:
        """Takes letters from now on."""
        self._means.letters.receive("alliance", self.take)

    # -- what the owner says ---------------------------------------------------------------------------------
    async def propose(
        self,
        other: bytes,
        *,
        gives: int,
        gets: int,
        listings: Sequence[str],
        theirs: Sequence[str],
        starts: int,
        until: int | None,
        notice: int,
        text: str,
    ) -> AllianceRow:
        """Signs an agreement and sends it; durable when it returns.

        Args:
            other: networker id.
            gives: basis points of the net price that the owner pays for a sale the other one brought.
            gets: the same of the other one.
            listings: keys of the owner's listings it is for; empty: all.
            theirs: keys of the other's.
            starts: first moment, ms UTC.
            until: first moment after it; None: open.
            notice: days until a one-sided end takes effect.
            text: a word to them.

        Raises:
            Problem: with oneself (2), it ends before it begins (2), it is too long (2); locked keys (2).
        """
        own, keys = self._means.own.id, self._means.ring.keys
        if other == own:
            raise Problem("An alliance is between two networkers.", ExitCode.USAGE, "own")
        mine = Partner(epoch=keys.epoch, id=own, listings=tuple(listings) or UNSET, points=gives)
        # the epoch that they sign in they put in: the newest known here is a guess
        yours = Partner(epoch=0, id=other, listings=tuple(theirs) or UNSET, points=gets)
        yours = msgspec.structs.replace(yours, epoch=await self._means.store.read(self._epoch, other))
        first, second = sorted((mine, yours), key=lambda each: each.id)
        agreement = Agreement(
            first=first,
            from_=starts,
            nonce=self._means.entropy.token(limits.SALT_BYTES),
            notice=notice,
            second=second,
            until=UNSET if until is None else until,
        )
        data = self._sign(agreement)
        row = AllianceRow(
            0, self._id(agreement), other, True, data, encoding.encode([]), "proposed", None, text,
            self._means.clock.now_ms(),
        )  # fmt: skip
        await self._keep(row, await self._letter(row, text))
        return row

    async def accept(self, row: AllianceRow) -> AllianceRow:
        """Signs what another networker proposed, publishes it and tells them; durable when it returns.

        Raises:
            Problem: `alliance` (4): it is no proposal of another, or names keys that were rotated away; locked keys
                (2).
        """
        if row.own or row.state != "proposed":
            raise Problem(
                "Only what another networker proposed can be accepted, and once.",
                ExitCode.REFUSED,
                "alliance",
            )
        agreement = read_agreement(row.data)
        mine = agreement.first if agreement.first.id == self._means.own.id else agreement.second
        if mine.epoch != self._means.ring.keys.epoch:
            raise Problem(
                "The proposal names keys that you have rotated since. Propose it anew: netnode alliance propose",
                ExitCode.REFUSED,
                "alliance",
            )
        agreed = replace(
            row, data=self._sign(agreement), state="agreed", at=self._means.clock.now_ms(), letter=None
        )
        await self._publish(agreed)
        await self._keep(agreed, await self._letter(agreed, ""))
        return agreed

    async def end(self, row: AllianceRow) -> AllianceRow:
        """Ends an agreement by its notice, or takes a proposal back; publishes that and tells the other one.

        Raises:
            Problem: `alliance` (4): it is ended already, or a proposal of another; locked keys (2).
        """
        if row.state != "agreed":
            raise Problem(
                "Only an alliance that both have signed can be ended; a proposal that nobody accepts is none.",
                ExitCode.REFUSED,
                "alliance",
            )
        keys, now = self._means.ring.keys, self._means.clock.now_ms()
        ending = sign_ending(
            self._means.network,
            Signer(keys.signing_seed),
            agreement=agreement_id(row.data),
            who=self._means.own.id,
            epoch=keys.epoch,
            time=now,
        )
        ended = replace(row, state="ended", ending=ending, at=now, letter=None)
        await self._publish(ended)
        await self._keep(ended, await self._letter(ended, ""))
        return ended

    # -- letters ---------------------------------------------------------------------------------------------
    async def take(self, incoming: Incoming) -> Taken | Refusal:
        """Takes a proposal, the other signature, or an end; what both signed is published here too.

        Raises:
            Problem: the disk, or the log takes nothing now; the letter comes again.
        """
        body = incoming.body
        assert isinstance(body, AllianceLetter)
        try:
            agreement = read_agreement(body.agreement)
            parties = {agreement.first.id, agreement.second.id}
            if parties != {self._means.own.id, incoming.sender}:
                return Refusal("not_party", "the agreement is between others")
            given = {
                found.author: found
                for each in body.openers
                for found in [read_openers(self._means.network, each)]
            }
            found = await self._means.store.read(self._judged, body, agreement, incoming, given)
        except ProtocolError as error:
            return Refusal(error.code, error.text)
        if isinstance(found, Refusal):
            return found
        before = await self._means.store.read(
            lambda reader: alliances.by_id(reader.connection, self._id(agreement))
        )
        if before is not None and _rank(before) >= _rank(found):
            return Taken()
        row = found if before is None else replace(found, own=before.own, text=before.text)
        if row.state != "proposed":
            try:
                await self._publish(row)
            except LocalProtocolError as error:  # openers after very many rotations
                return Refusal("too_large", error.text)
        await self._keep(row, None)
        return Taken()

    # -- inside ----------------------------------------------------------------------------------------------
    def _judged(
        self,
        reader: Reader,
        body: AllianceLetter,
        agreement: Agreement,
        incoming: Incoming,
        given: dict[bytes, Openers],
    ) -> AllianceRow | Refusal:
        """What a letter comes to, its signatures checked.

        Raises:
            Void: `alliance`, `not_signed`.
        """
        known = Known(self._means.network, reader.connection, given)

        def keys(id_: bytes, epoch: int) -> Sequence[bytes]:
            found = known.keys(id_, epoch, 0)
            same = (id_, epoch) == (incoming.sender, incoming.epoch)
            return (*found, incoming.key) if same else found

        openers = known.entries(incoming.sender, 0)
        row = AllianceRow(
            number=0,
            id=self._id(agreement),
            other=incoming.sender,
            own=False,
            data=body.agreement,
            openers=encoding.encode([] if openers is None else [openers]),
            state="proposed",
            ending=None,
            text=body.text,
            at=incoming.at,
        )
        theirs = agreement.first if agreement.first.id == incoming.sender else agreement.second
        side: Side = "first" if theirs is agreement.first else "second"
        if not signed_by(self._means.network, agreement, side, keys(theirs.id, theirs.epoch)):
            return Refusal("not_signed", "its sender did not sign the agreement")
        if UNSET in (agreement.first_signature, agreement.second_signature):
            return row
        require_signed(self._means.network, agreement, keys)
        if body.ending is UNSET:
            return replace(row, state="agreed")
        ending = read_ending(body.ending)
        require_ending(self._means.network, body.agreement, agreement, ending, keys)
        return replace(row, state="ended", ending=body.ending)

    async def _publish(self, row: AllianceRow) -> None:
        """Says in the own log what both have signed, unless it was said before this process ended."""
        if await self._means.store.read(self._said, row):
            return
        record = Alliance(
            salt=self._means.entropy.token(limits.SALT_BYTES),
            agreement=row.data,
            ending=UNSET if row.ending is None else row.ending,
            openers=tuple(tuple(each) for each in _wires(row.openers)),
        )
        await self._means.own.append([(Alliance.KIND, encode_record(record))])

    def _said(self, reader: Reader, row: AllianceRow) -> bool:
        """Whether one of the newest own entries says it: a process ended between the entry and the row."""
        said = (row.data, UNSET if row.ending is None else row.ending)
        state = reader.load(self._means.own.id)
        last = -1 if state is None else state.tip.seq
        lowest = max(0, last - _LOOKED)
        while last >= lowest:
            part = reader.entries(self._means.own.id, max(lowest, last - _PART + 1), last, _BYTES)
            for entry in part:
                record = None
                if entry.kind == Alliance.KIND and entry.record is not None:
                    record = decode_record(entry.kind, entry.record)
                if isinstance(record, Alliance) and (record.agreement, record.ending) == said:
                    return True
            last -= _PART
        return False

    async def _keep(self, row: AllianceRow, draft: Outgoing | None) -> None:
        await self._means.store.write(_keep, row, draft)
        if draft is not None:
            self._means.letters.wake()

    async def _letter(self, row: AllianceRow, text: str) -> Outgoing:
        own = await self._means.store.read(
            lambda reader: Known(self._means.network, reader.connection).entries(self._means.own.id, 0)
        )
        body = AllianceLetter(
            agreement=row.data,
            ending=UNSET if row.ending is None else row.ending,
            openers=() if own is None else (tuple(own),),
            text=text,
        )
        return self._means.letters.draft(row.other, body)

    def _sign(self, agreement: Agreement) -> bytes:
        try:
            data = sign_agreement(
                self._means.network,
                Signer(self._means.ring.keys.signing_seed),
                self._means.own.id,
                agreement,
            )
            read_agreement(data)
        except LocalProtocolError as error:
            raise Problem(f"This cannot be signed: {error.text}.", ExitCode.USAGE, "alliance") from error
        except Void as void:
            raise Problem(f"This is no alliance: {void.text}.", ExitCode.USAGE, "alliance") from void
        return data

    def _id(self, agreement: Agreement) -> bytes:
        return hashlib.sha256(agreement_bytes(self._means.network, agreement)).digest()

    def _epoch(self, reader: Reader, other: bytes) -> int:
        openers = Known(self._means.network, reader.connection).log(other)
        if openers is None:
            raise Problem(
                "Nothing is known here of that networker. Follow them, and propose it once their log is here: "
                "netnode follow ID",
                ExitCode.NOT_FOUND,
                "unknown_author",
            )
        return openers.epoch


def _wires(openers: bytes) -> list[Any]:
    found: list[Any] = encoding.decode(openers, limits.MAX_MESSAGE)
    return found


def _rank(row: AllianceRow) -> int:
    return ("proposed", "agreed", "ended").index(row.state)


def _keep(writer: Writer, row: AllianceRow, draft: Outgoing | None) -> None:
    with writer.transaction(durable=True):
        letter = None if draft is None else outbox.queue(writer, draft)
        alliances.put(writer, replace(row, letter=letter))
