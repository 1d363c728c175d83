"""Issuers are told of the owner's rotations, and log those of holders; what a rotation left disputed is released.

Until a holder's rotation has reached an issuer's log, that log takes the old key [R-CRED-2]. So the node writes to
every issuer in whose log the owner has anything, and shows of each whether it was sent, acknowledged, logged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from netnode.deals.means import Means
from netnode.deals.signers import read as read_openers
from netnode.deals.signers import wire
from netnode.issuing.appending import Appending, Next, lacking
from netnode.ledgers.ledger import Ledger
from netnode.ledgers.ledgers import Ledgers
from netnode.ledgers.stakes import stakes
from netnode.ledgers.superseded import superseded
from netnode.mail.letters import Incoming, Refusal, Taken
from netnode.problems import ExitCode, Problem
from netnode.store import Reader, Writer, swaps
from netnode.store import letters as outbox
from netnode.store.letters import Outgoing
from netnode.store.swaps import ToldRow
from protocol.entry import ROTATION, parse_wire
from protocol.errors import ProtocolError, Void
from protocol.identity import id_text
from protocol.ledger.accounts import NOTHING
from protocol.ledger.book import Book
from protocol.ledger.effects import Moved, Swapped, movement_id, swap_id
from protocol.ledger.signers import entries_of
from protocol.ledger.statements import Releasing, read, require_signed, sign
from protocol.ledger.swap_letters import RekeyLetter, ReleaseLetter
from protocol.openers import Openers
from protocol.records import Record, Rekey, Release
from protocol.signing import SIGNATURE_BYTES, Signer

AROUND_MS: Final = 600_000
"""So often all issuers are looked through for one that is to be told; why: each means a look at its ledger."""
AGAIN_MS: Final = 24 * 3_600_000
"""What an issuer refused, nobody took in time, or is not in the issuer's log is sent again so much later."""


@dataclass(frozen=True, slots=True)
class Notice:
    """How far one issuer is with a rotation of the owner's.

    Attributes:
        issuer: networker id.
        epoch: that the rotation opened.
        sent: when a letter was written, ms UTC.
        acknowledged: when the issuer or its mailbox host had it, ms UTC; None: nothing is known.
        logged: whether the issuer's log has embedded it.
    """

    issuer: bytes
    epoch: int
    sent: int
    acknowledged: int | None
    logged: bool


class Rekeying:
    """Tells issuers, and logs what holders tell.

    Args:
        means: what it acts with.
        ledgers: of the issuers.
        appending: to the own log.
    """

    def __init__(self, means: Means, ledgers: Ledgers, appending: Appending) -> None:
        self._means = means
        self._ledgers = ledgers
        self._appending = appending
        self._looked = (0, 0)  # epoch, and when

    def listen(self) -> None:
        """Takes letters from now on."""
        self._means.letters.receive("rekey", self.take)
        self._means.letters.receive("release", self.take_release)

    # -- as a holder -----------------------------------------------------------------------------------------
    async def look(self) -> None:
        """Writes to the issuers that have not been told of the newest epoch.

        Raises:
            Problem: the disk, or a full outbox; the next look goes on.
        """
        now, own = self._means.clock.now_ms(), self._means.own.id
        state = await self._means.store.load(own)
        if state is None or state.openers.epoch == 0:
            return
        epoch = state.openers.epoch
        if self._looked[0] == epoch and now < self._looked[1] + AROUND_MS:
            return
        told = {
            (row.issuer, row.epoch): row
            for row in await self._means.store.read(lambda reader: swaps.told(reader.connection))
        }
        for issuer in await self._means.store.read(stakes, own):
            before = told.get((issuer, epoch))
            if issuer == own or (before is not None and not await self._failed(before, now)):
                continue
            if await self._concerned(issuer, epoch):
                draft = self._means.letters.draft(
                    issuer, RekeyLetter(openers=(tuple(map(tuple, wire(state.openers))),))
                )
                await self._means.store.write(_tell, draft, issuer, epoch, now)
                self._means.letters.wake()
        self._looked = (epoch, now)

    async def notices(self) -> list[Notice]:
        """Every issuer that was told, the newest epoch first."""
        rows = await self._means.store.read(lambda reader: swaps.told(reader.connection))
        found = []
        for row in rows:
            letter = await self._means.store.read(outbox.out, row.letter)
            arrived = letter is not None and letter.state in ("at_mailbox", "delivered", "settled")
            logged = await self._known(row.issuer) >= row.epoch
            found.append(
                Notice(row.issuer, row.epoch, row.at, letter.since if arrived and letter else None, logged)
            )
        return found

    async def release(self, issuer: bytes, about: bytes | None) -> list[bytes]:
        """Signs that what rotations of an issuer left disputed is settled, and sends it; durable.

        Args:
            issuer: networker id.
            about: id of a rotation or disputed movement; None: all that is disputed.

        Returns:
            What was released.

        Raises:
            Problem: the log is not here (3, 4); nothing of the owner's is disputed (`not_disputed`, 4); locked
                keys (2).
        """
        self._means.own.caution.require_alone()
        keys, own = self._means.ring.keys, self._means.own.id
        names = await self._ledgers.study(
            issuer, lambda reader, ledger: _disputed(reader, ledger, own, about)
        )
        if not names:
            raise Problem(
                f"Nothing of yours is disputed with {id_text(issuer)}. See: netnode credit balance {id_text(issuer)}",
                ExitCode.REFUSED,
                "not_disputed",
            )
        mine = await self._means.store.load(own)
        openers = () if mine is None else (tuple(map(tuple, wire(mine.openers))),)
        drafts = []
        for name in names:
            unsigned = Releasing(
                about=name, epoch=keys.epoch, holder=own, issuer=issuer, signature=bytes(SIGNATURE_BYTES)
            )
            signed = sign(self._means.network, Signer(keys.signing_seed), unsigned)
            drafts.append(self._means.letters.draft(issuer, ReleaseLetter(openers=openers, release=signed)))
        await self._means.store.write(_queue, drafts)
        self._means.letters.wake()
        return names

    # -- as an issuer ----------------------------------------------------------------------------------------
    async def take(self, incoming: Incoming) -> Taken | Refusal:
        """Logs a holder's rotations, where the own log knows the holder and not these.

        Raises:
            Problem: nothing can be logged now; the letter comes again.
        """
        body, sender = incoming.body, incoming.sender
        assert isinstance(body, RekeyLetter)
        try:
            openers = [read_openers(self._means.network, each) for each in body.openers]
        except ProtocolError as error:
            return Refusal(error.code, error.text)
        if [each.author for each in openers] != [sender]:
            return Refusal("names_differ", "these are rotations of somebody else")
        given = wire(openers[0])

        def made(book: Book, place: Next) -> Sequence[Record]:
            if not concerned(book, sender, place.time):
                return ()
            new = lacking(book, {sender: given})
            if not any(parse_wire(list(each)).kind == ROTATION for wires in new for each in wires):
                return ()
            book.state.draft().signers.admit(entries_of(new))
            return (Rekey(openers=new),)

        try:
            await self._appending.append(made)
        except Void as void:
            return Refusal(void.code, void.text)
        return Taken()

    async def take_release(self, incoming: Incoming) -> Taken | Refusal:
        """Logs what a holder lets go of, once.

        Raises:
            Problem: nothing can be logged now; the letter comes again.
        """
        body, sender = incoming.body, incoming.sender
        assert isinstance(body, ReleaseLetter)
        own = await self._means.store.load(self._means.own.id)
        assert own is not None  # the owner's
        rotations = _rotations(own.openers)
        claims = await self._ledgers.ask(
            own.author, lambda ledger: any(each.holder == sender for each in ledger.claims)
        )
        try:
            said = read(Releasing, body.release)
            given = {each.author: wire(each) for each in map(self._read, body.openers)}
        except ProtocolError as error:
            return Refusal(error.code, error.text)
        if (said.holder, said.issuer) != (sender, self._means.own.id):
            return Refusal("names_differ", "this release is of somebody else, or for another issuer")

        def made(book: Book, place: Next) -> Sequence[Record]:
            if book.released(said.holder, said.about):
                return ()
            left = said.about in rotations and (claims or concerned(book, sender, place.time))
            if not left and not moves(book, sender, said.about):
                raise Void("no_entry", "nothing of this holder is disputed here")
            new = lacking(book, {sender: given.get(sender, [])})
            signers = book.state.draft().signers
            signers.admit(entries_of(new))
            require_signed(self._means.network, said, signers.keys(said.holder, said.epoch))
            return (Release(openers=new, release=body.release),)

        try:
            await self._appending.append(made)
        except Void as void:
            return Refusal(void.code, void.text)
        return Taken()

    # -- inside ----------------------------------------------------------------------------------------------
    def _read(self, wires: Sequence[object]) -> Openers:
        return read_openers(self._means.network, wires)

    async def _failed(self, row: ToldRow, now: int) -> bool:
        """Whether nothing comes of a letter any more, and it is time for another."""
        letter = await self._means.store.read(outbox.out, row.letter)
        return (letter is None or letter.due is None) and now >= row.at + AGAIN_MS

    async def _concerned(self, issuer: bytes, epoch: int) -> bool:
        own, now = self._means.own.id, self._means.clock.now_ms()

        def asked(ledger: Ledger) -> bool:
            known = ledger.book.signers.knows(own)
            return concerned(ledger.book, own, now) and (known is None or known.epoch < epoch)

        try:
            return await self._ledgers.ask(issuer, asked)
        except Problem:  # its log is not here as a whole
            return False

    async def _known(self, issuer: bytes) -> int:
        """The owner's newest epoch in an issuer's log; -1: none."""

        def asked(ledger: Ledger) -> int:
            known = ledger.book.signers.knows(self._means.own.id)
            return -1 if known is None else known.epoch

        try:
            return await self._ledgers.ask(issuer, asked)
        except Problem:
            return -1


def concerned(book: Book, networker: bytes, now: int) -> bool:
    """Whether a networker's keys matter to a ledger: it knows one, or the networker has something there."""
    return (
        book.signers.knows(networker) is not None
        or book.state.member(networker)
        or any(book.figures(unit, networker, now) != NOTHING for unit in book.units())
    )


def moves(book: Book, networker: bytes, about: bytes) -> bool:
    """Whether a ledger has a movement or swap of a networker's credit, by the id of its request or document."""
    found = (book.effects.get(movement_id(about)), book.effects.get(swap_id(about)))
    return any(isinstance(each, Moved | Swapped) and each.holder == networker for each in found)


def _disputed(reader: Reader, ledger: Ledger, own: bytes, about: bytes | None) -> list[bytes]:
    """What the owner has not let go of: rotations that left something of theirs disputed, and late movements.

    Args:
        reader: of the store.
        ledger: of the issuer.
        own: networker id of the owner.
        about: id of one of them; None: all.
    """
    names = [] if about is None else [about]
    if about is None and any(each.holder == own for each in ledger.claims):
        state = reader.load(ledger.issuer)
        assert state is not None  # the ledger is folded
        names = _rotations(state.openers)
    if about is None:
        names += [each.id[1:] for each in superseded(reader, ledger, own)]
    return [each for each in names if not ledger.book.released(own, each)]


def _rotations(openers: Openers) -> list[bytes]:
    return [opening.entry.id for openings in openers.epochs[1:] for opening in openings]


def _tell(writer: Writer, draft: Outgoing, issuer: bytes, epoch: int, now: int) -> None:
    with writer.transaction(durable=True):
        swaps.put_told(writer, ToldRow(issuer, epoch, outbox.queue(writer, draft), now))


def _queue(writer: Writer, drafts: Sequence[Outgoing]) -> None:
    with writer.transaction(durable=True):
        for each in drafts:
            outbox.queue(writer, each)
