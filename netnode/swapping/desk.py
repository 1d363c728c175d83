"""What holders say of a swap: proposed, accepted, signed, declined; and the letters about it, to issuers as well.

Each step is durable together with the letters that it causes. The proposer signs last, by its node, once an accept
has come that says what was proposed: who proposes has been told what that means before [R-CRED-52].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec
from msgspec import UNSET

from netnode.deals.means import Means
from netnode.deals.signers import Signers as Known
from netnode.deals.signers import read as read_openers
from netnode.ledgers.ledgers import Ledgers
from netnode.mail.letters import Incoming, Refusal, Taken
from netnode.problems import ExitCode, Problem
from netnode.store import Reader, Writer, credits, swaps
from netnode.store import letters as outbox
from netnode.store.letters import Outgoing
from netnode.store.swaps import Role, SwapRow
from netnode.swapping.documents import (
    UNSIGNED,
    data_of,
    first_entry,
    held_openers,
    merged,
    packed,
    proposal_id,
    proposed,
    unpacked,
)
from protocol import encoding, limits
from protocol.entry import parse_wire
from protocol.errors import ProtocolError, RemoteProtocolError, Void
from protocol.identity import id_text
from protocol.ledger.statements import Leg, Swap, read, require_both, signed_bytes, statement_id
from protocol.ledger.swap_letters import SwapLetter, SwapStep
from protocol.openers import Openers
from protocol.signing import Signer, verify

LONGEST_MS: Final = 90 * 24 * 3_600_000
"""How far ahead the end of a swap may lie; why: so long the first side's credit may be locked for nothing."""

OPENERS: Final = 8 * 1024
"""Bytes of the openers of one networker; why: those of all four fit a letter beside a proof, a record beside a lock."""


class SwapDesk:
    """Proposes, accepts and declines swaps, and takes letters about them.

    Args:
        means: what it acts with.
        ledgers: of both issuers.
    """

    def __init__(self, means: Means, ledgers: Ledgers) -> None:
        self._means = means
        self._ledgers = ledgers

    def listen(self) -> None:
        """Takes letters from now on."""
        self._means.letters.receive("swap", self.take)

    # -- what the owner says ---------------------------------------------------------------------------------
    async def propose(self, first: Leg, second: Leg, until: int, text: str) -> SwapRow:
        """Proposes to the second holder; durable.

        Args:
            first: what the owner gives, which is locked; its counter and epoch are put in here.
            second: what the owner gets.
            until: ms UTC.
            text: a word that goes along.

        Raises:
            Problem: the log of an issuer is not here (3, 4); what is asked for is none (`swap`, 2), is not covered
                (`not_covered`, 4); locked keys (2); another copy of this home runs (4).
        """
        self._means.own.caution.require_alone()
        keys, now = self._means.ring.keys, self._means.clock.now_ms()
        await self._require_cover(first)
        ledger = await self._ledgers.of(second.issuer)
        assert ledger.place is not None  # folded
        document = Swap(first=first, head=ledger.place, second=second, signatures=UNSIGNED, until=until)
        try:
            read(Swap, data_of(document))
        except Void as void:
            raise Problem(f"This cannot be swapped: {void.text}.", ExitCode.USAGE, "swap") from void
        row = await self._means.store.write(self._propose, document, keys.epoch, text, now)
        self._means.letters.wake()
        return row

    async def accept(self, proposal: bytes) -> SwapRow:
        """Signs a swap that was proposed to the owner; durable.

        Raises:
            Problem: `no_swap` (3); it is not proposed to the owner or over (`state`, 4); the other issuer's log is not
                here up to the place it names (`unknown_head`, 4); `not_covered` (4); locked keys (2); as `propose`.
        """
        self._means.own.caution.require_alone()
        keys, now = self._means.ring.keys, self._means.clock.now_ms()
        row = await self._one(proposal)
        document = read(Swap, row.data)
        if row.role != "second" or row.stage != "proposed" or now >= row.until:
            raise Problem(
                f"This swap is {row.stage if now < row.until else 'over'}: there is nothing to accept. See: "
                f"netnode credit swap show {proposal.hex()[:10]}",
                ExitCode.REFUSED,
                "state",
            )
        await self._ledgers.of(document.second.issuer)
        if not await self._means.store.read(_holds, document.second.issuer, document.head):
            raise Problem(
                f"The log of {id_text(document.second.issuer)} is not here up to the entry that the proposal names, "
                "so it cannot be checked that the swap ends one day. Try again once it has come.",
                ExitCode.REFUSED,
                "unknown_head",
            )
        await self._require_cover(document.second)
        signer = Signer(keys.signing_seed)
        row = await self._means.store.write(self._accept, proposal, signer, keys.epoch, now)
        self._means.letters.wake()
        return row

    async def decline(self, proposal: bytes, text: str) -> SwapRow:
        """Declines a proposal, or takes an own one back; durable.

        Raises:
            Problem: `no_swap` (3); the owner has signed it (`signed`, 4).
        """
        row = await self._one(proposal)
        if row.role not in ("first", "second") or row.stage != "proposed":
            raise Problem(
                "You have signed this swap, or it has ended: it cannot be declined. It goes on until both issuers "
                "have written what comes of it.",
                ExitCode.REFUSED,
                "signed",
            )
        document = read(Swap, row.data)
        other = document.second.holder if row.role == "first" else document.first.holder
        draft = self.letter(other, "decline", row, text=text)
        ended = replace(row, stage="declined", why=text, due=None)
        if not await self._means.store.write(keep, row, ended, (draft,)):
            raise _changed()
        self._means.letters.wake()
        return ended

    # -- letters ---------------------------------------------------------------------------------------------
    def letter(
        self,
        to: bytes,
        step: SwapStep,
        row: SwapRow,
        *,
        entries: bytes | None = None,
        code: str | None = None,
        text: str = "",
    ) -> Outgoing:
        """A letter about a swap, for the transaction that goes with it."""
        body = SwapLetter(
            code=UNSET if code is None else code,
            document=row.data,
            entries=UNSET if entries is None else tuple(tuple(each) for each in unpacked(entries)),
            openers=tuple(tuple(each) for each in unpacked(row.openers)),
            step=step,
            text=text,
        )
        over = row.until if step in ("propose", "accept", "lock", "swap") else None
        return self._means.letters.draft(to, body, expires=over)

    async def take(self, incoming: Incoming) -> Taken | Refusal:
        """Takes a letter; what it says is judged by who it is for.

        Raises:
            Problem: the disk, locked keys; the letter comes again.
        """
        body = incoming.body
        assert isinstance(body, SwapLetter)
        try:
            document = read(Swap, body.document)
            body = msgspec.structs.replace(body, openers=self._concerned(body, document))
            if body.entries is not UNSET:
                first_entry(body.entries)
        except ProtocolError as error:
            return Refusal(error.code, error.text)
        own, sender = self._means.own.id, incoming.sender
        between = (document.first.holder, document.second.holder)
        match body.step:
            case "propose" if (sender, own) == between:
                return await self._proposed(body, document, incoming)
            case "accept" if (own, sender) == between:
                return await self._accepted(body, document)
            case "sign" if (sender, own) == between:
                return await self._whole(body, document)
            case "decline" if sender in between and own in between:
                return await self._noted(body, document, "declined")
            case "refuse" if sender in (document.first.issuer, document.second.issuer) and own in between:
                return await self._noted(body, document, None)
            case "lock" | "end" if own == document.first.issuer and sender in between:
                return await self._asked(body, document, "locks", sender)
            case "swap" if own == document.second.issuer and sender in between:
                return await self._asked(body, document, "decides", sender)
            case _:
                return Refusal(
                    "names_differ", "this step of a swap is not the sender's, or for somebody else"
                )

    async def _proposed(self, body: SwapLetter, document: Swap, incoming: Incoming) -> Taken | Refusal:
        now = self._means.clock.now_ms()
        if not now < document.until <= now + LONGEST_MS:
            return Refusal("request_over", "its time is over, or too far ahead")
        if document != proposed(document):
            return Refusal("names_differ", "a proposal leaves open what the second holder puts in")
        row = self._row(body, document, "second", incoming.sender, now)
        return await self._put(replace(row, id=None, stage="proposed"))

    async def _accepted(self, body: SwapLetter, document: Swap) -> Taken | Refusal:
        """Signs what was proposed, once the other holder has; hands it to the first issuer."""
        self._means.own.caution.require_alone()
        name = proposal_id(self._means.network, document)
        row = await self._means.store.read(lambda reader: swaps.by_proposal(reader.connection, name))
        if row is None or row.role != "first" or row.stage == "declined":
            return Refusal("withdrawn", "this swap is not proposed any more")
        if row.stage != "proposed":
            return Taken()  # the letter came again
        if self._means.clock.now_ms() >= row.until:
            return Refusal("request_over", "the time of this swap is over")
        keys = self._means.ring.keys
        if document.first.epoch != keys.epoch:
            return Refusal("not_signed", "the proposer has rotated the key since: propose the swap again")
        signer = Signer(keys.signing_seed)
        image = signed_bytes(self._means.network, document)
        signed = msgspec.structs.replace(document, signatures=(signer.sign(image), document.signatures[1]))
        refusal = await self._means.store.read(self._outdated, signed, body, (signer.public,))
        if refusal is not None:
            return refusal
        openers = merged(unpacked(row.openers), body.openers)
        whole = replace(
            row,
            id=statement_id(self._means.network, document),
            data=data_of(signed),
            openers=packed(openers),
            stage="signed",
            due=0,
        )
        letters = (
            self.letter(document.second.holder, "sign", whole),
            self.letter(document.first.issuer, "lock", whole),
        )
        if not await self._means.store.write(keep, row, whole, letters):
            raise _changed()
        self._means.letters.wake()
        return Taken()

    async def _whole(self, body: SwapLetter, document: Swap) -> Taken | Refusal:
        """Keeps the document that both signed, and hands it to the first issuer too: either holder may vanish."""
        name = proposal_id(self._means.network, document)
        row = await self._means.store.read(lambda reader: swaps.by_proposal(reader.connection, name))
        if row is None or row.id != statement_id(self._means.network, document):
            return Refusal("names_differ", "this is not what was accepted")
        if row.stage != "accepted":
            return Taken()
        refusal = await self._means.store.read(self._outdated, document, body, ())
        if refusal is not None:
            return refusal
        whole = replace(
            row,
            data=body.document,
            openers=packed(merged(unpacked(row.openers), body.openers)),
            stage="signed",
            due=0,
        )
        letters = (self.letter(document.first.issuer, "lock", whole),)
        if not await self._means.store.write(keep, row, whole, letters):
            raise _changed()
        self._means.letters.wake()
        return Taken()

    async def _noted(self, body: SwapLetter, document: Swap, stage: str | None) -> Taken | Refusal:
        """Notes that the other holder declines, or why an issuer refuses; what is signed goes on all the same."""
        name = proposal_id(self._means.network, document)

        def noted(writer: Writer) -> None:
            with writer.transaction(durable=True) as connection:
                row = swaps.by_proposal(connection, name)
                if row is None or row.due is None or row.role not in ("first", "second"):
                    return
                code = None if body.code is UNSET else body.code
                if stage is None:
                    swaps.change(writer, replace(row, code=code, why=body.text))
                elif row.stage == "proposed":
                    swaps.change(writer, replace(row, stage="declined", why=body.text, due=None))
                elif row.stage == "accepted":  # the own signature is out: the word of the other is not enough
                    swaps.change(writer, replace(row, code="withdrawn", why=body.text))

        await self._means.store.write(noted)
        return Taken()

    async def _asked(self, body: SwapLetter, document: Swap, role: Role, sender: bytes) -> Taken | Refusal:
        """Keeps what a holder asks of the owner as an issuer, once both have signed it; it is judged in its turn."""
        refusal = await self._means.store.read(self._unsigned, document, body, ())
        if refusal is not None:
            return refusal
        now = self._means.clock.now_ms()
        if body.step != "end" and document.until > now + LONGEST_MS + limits.CLOCK_TOLERANCE_MS:
            return Refusal("request_over", "its time is too far ahead")
        row = self._row(body, document, role, sender, now)
        given = None if body.entries is UNSET else packed(body.entries)
        if (body.step == "lock") != (given is None):
            return Refusal("no_lock" if role == "decides" else "no_swap", "this step comes with its proof")
        locked, swapped = (given, None) if role == "decides" else (None, given)
        return await self._put(replace(row, locked=locked, swapped=swapped, stage="asked"))

    # -- inside ----------------------------------------------------------------------------------------------
    def _row(self, body: SwapLetter, document: Swap, role: Role, sender: bytes, now: int) -> SwapRow:
        network = self._means.network
        return SwapRow(
            0, proposal_id(network, document), statement_id(network, document), role, sender, body.document,
            packed(body.openers), document.until, body.text, "asked", None, "", None, None, None, now, 0,
        )  # fmt: skip

    async def _put(self, row: SwapRow) -> Taken | Refusal:
        found = await self._means.store.write(_put, row)
        return Taken() if found is None else found

    def _concerned(self, body: SwapLetter, document: Swap) -> tuple[Any, ...]:
        """The openers of those in a swap; what a letter brings of others is not kept.

        Raises:
            RemoteProtocolError: they prove nothing; `too_large`.
        """
        between = {each for leg in (document.first, document.second) for each in (leg.holder, leg.issuer)}
        found = {}
        for each in body.openers:
            author = parse_wire(each[0]).author
            if author not in between:
                continue
            if len(encoding.encode(list(each))) > OPENERS:
                raise RemoteProtocolError("too_large", "the openers of one networker fit no swap")
            read_openers(self._means.network, each)
            found[author] = each
        return tuple(found.values())

    def _known(self, reader: Reader, body: SwapLetter) -> tuple[Known, dict[bytes, Openers]]:
        given = {
            found.author: found
            for each in body.openers
            for found in [read_openers(self._means.network, each)]
        }
        return Known(self._means.network, reader.connection, given), given

    def _unsigned(
        self, reader: Reader, document: Swap, body: SwapLetter, firsts: Sequence[bytes]
    ) -> Refusal | None:
        """Why a document is not signed by both, with whichever keys they had; None: it is."""
        known, _ = self._known(reader, body)
        first, second = document.first, document.second
        try:
            require_both(
                self._means.network,
                document,
                firsts or known.keys(first.holder, first.epoch, 0),
                known.keys(second.holder, second.epoch, 0),
                verify,
            )
        except Void as void:
            return Refusal(void.code, void.text)
        return None

    def _outdated(
        self, reader: Reader, document: Swap, body: SwapLetter, firsts: Sequence[bytes]
    ) -> Refusal | None:
        """Why a document is not signed by both with the keys they have now; None: it is."""
        refusal = self._unsigned(reader, document, body, firsts)
        if refusal is not None:
            return refusal
        known, given = self._known(reader, body)
        for side in (document.first, document.second):
            newest = max(
                (each.epoch for each in (known.log(side.holder), given.get(side.holder)) if each is not None),
                default=side.epoch,
            )
            if newest > side.epoch:
                return Refusal("not_signed", "a holder has rotated the key since: propose the swap again")
        return None

    async def _one(self, proposal: bytes) -> SwapRow:
        row = await self._means.store.read(lambda reader: swaps.by_proposal(reader.connection, proposal))
        if row is None:
            raise no_swap(proposal.hex()[:10])
        return row

    async def _require_cover(self, side: Leg) -> None:
        now = self._means.clock.now_ms()
        figures = await self._ledgers.ask(
            side.issuer, lambda ledger: ledger.figures(side.unit, side.holder, now)
        )
        if figures.available < side.amount:
            raise Problem(
                f"You have less {side.unit} of {id_text(side.issuer)} available than you would give. See: netnode "
                "credit balance",
                ExitCode.REFUSED,
                "not_covered",
                {"available": figures.available, "amount": side.amount},
            )

    # -- in the writer's lane --------------------------------------------------------------------------------
    def _propose(self, writer: Writer, document: Swap, epoch: int, text: str, now: int) -> SwapRow:
        with writer.transaction(durable=True) as connection:
            counter = credits.next_counter(writer, document.first.issuer, now)
            first = msgspec.structs.replace(document.first, counter=counter, epoch=epoch)
            document = msgspec.structs.replace(document, first=first)
            for issuer in (document.first.issuer, document.second.issuer):
                writer.follow(issuer, now)
            openers = held_openers(Reader(connection), (first.holder,))
            row = SwapRow(
                0, proposal_id(self._means.network, document), None, "first", first.holder, data_of(document),
                packed(openers), document.until, text, "proposed", None, "", None, None, None, now, document.until,
            )  # fmt: skip
            swaps.put(writer, row)
            outbox.queue(writer, self.letter(document.second.holder, "propose", row, text=text))
            return row

    def _accept(self, writer: Writer, proposal: bytes, signer: Signer, epoch: int, now: int) -> SwapRow:
        with writer.transaction(durable=True) as connection:
            row = swaps.by_proposal(connection, proposal)
            if row is None or row.stage != "proposed":  # accepted twice at once
                raise Problem("This swap is no proposal any more.", ExitCode.REFUSED, "state")
            document = read(Swap, row.data)
            counter = credits.next_counter(writer, document.second.issuer, now)
            second = msgspec.structs.replace(document.second, counter=counter, epoch=epoch)
            document = msgspec.structs.replace(document, second=second)
            signature = signer.sign(signed_bytes(self._means.network, document))
            document = msgspec.structs.replace(document, signatures=(UNSIGNED[0], signature))
            for issuer in (document.first.issuer, second.issuer):
                writer.follow(issuer, now)
            openers = merged(unpacked(row.openers), held_openers(Reader(connection), (second.holder,)))
            row = replace(
                row,
                id=statement_id(self._means.network, document),
                data=data_of(document),
                openers=packed(openers),
                stage="accepted",
                due=now,
            )
            swaps.change(writer, row)
            outbox.queue(writer, self.letter(document.first.holder, "accept", row))
            return row


def keep(writer: Writer, before: SwapRow, row: SwapRow, letters: Sequence[Outgoing] = ()) -> bool:
    """Writes a swap that is there, and queues letters with it, durably.

    Returns:
        False: it is not as it was `before` any more, so nothing was done.
    """
    with writer.transaction(durable=True) as connection:
        if swaps.by_proposal(connection, row.proposal) != before:
            return False
        swaps.change(writer, row)
        for each in letters:
            outbox.queue(writer, each)
    return True


def no_swap(name: str) -> Problem:
    """The Problem of a swap that is not here."""
    return Problem(
        f"There is no swap {name} here. See: netnode credit swap ls", ExitCode.NOT_FOUND, "no_swap"
    )


def _changed() -> Problem:
    """A letter that meets it comes again."""
    return Problem("This swap has just changed. Try again.", ExitCode.REFUSED, "changing")


def _holds(reader: Reader, author: bytes, place: tuple[int, bytes]) -> bool:
    return bool(reader.ids(author, (place[0],)) == [place])


def _put(writer: Writer, row: SwapRow) -> Refusal | None:
    """Keeps what another asks; what is new about a swap that is here has it looked at again."""
    with writer.transaction(durable=True) as connection:
        known = swaps.by_proposal(connection, row.proposal)
        if known is None:
            if swaps.full(connection, row):
                return Refusal("busy", "too many swaps wait here")
            swaps.put(writer, row)
            return None
        if known.role != row.role:
            return Refusal("names_differ", "this swap is here already, with other parts")
        if known.id != row.id and known.stage not in ("asked", "refused"):
            return Refusal("names_differ", "another document of this proposal is logged already")
        over = known.stage in ("given", "swapped") or (known.stage == "back" and row.swapped is None)
        if row.role == "second" or over:
            return None
        again = known.stage in ("asked", "refused")
        swaps.change(
            writer,
            replace(
                known,
                id=row.id,
                data=row.data,
                openers=packed(merged(unpacked(known.openers), unpacked(row.openers))),
                stage="asked" if again else known.stage,
                code=None,
                why="",
                locked=row.locked or known.locked,
                swapped=row.swapped or known.swapped,
                due=0,
            ),
        )
        return None
