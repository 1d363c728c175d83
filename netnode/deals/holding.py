"""Deals of a home that turned out to be an older copy: the other side is asked before anything is sent [R-DEAL-32].

Such a home may lack own messages that the other side holds, and its next one would use a number twice, which voids it.
So each deal that it has waits until the other side has told everything it has of it, which also brings back what was
lost. An arbiter waits for both parties, since either may be the only one that a ruling reached; in a dispute a party
waits for the arbiter too, for the same reason. They are asked a quarter of an hour later, when nothing that the lost
home sent is on its way any more. A deal that began after the home was put back has nothing to lose.
"""

from __future__ import annotations

from typing import Final

import apsw

from netnode.deals.known import load
from netnode.deals.sending import recipients
from netnode.mail.letters import Letters
from netnode.own.caution import Copied, copied
from netnode.ports import Clock, Entropy
from netnode.problems import ExitCode, Problem
from netnode.store import Reader, Store, Writer, deals
from netnode.store import letters as outbox
from netnode.store.deals import DealRow
from protocol import limits
from protocol.letter_bodies import Ask

SETTLED_MS: Final = 15 * 60_000  # why: what the lost home sent last has come out of mailboxes by then
AGAIN_MS: Final = (
    3_600_000  # why: who has no room, or was away for longer than a letter lives, is asked again
)
AT_ONCE: Final = 200  # why: a bounded round; the next one goes on
_SHOWN: Final = 10


class Held(Exception):
    """A deal waits for what the other side has of it.

    Args:
        row: of the deal.
    """

    def __init__(self, row: DealRow) -> None:
        super().__init__(row.id.hex())
        self.row = row

    @property
    def problem(self) -> Problem:
        """What a person is told."""
        shown = self.row.id.hex()[:_SHOWN]
        return Problem(
            f"{sentence(self.row)} Where the other side is gone for good: netnode deal ask {shown} --release",
            ExitCode.REFUSED,
            "held",
            {"deal": self.row.id.hex()},
        )


def sentence(row: DealRow) -> str:
    """Why nothing can be sent in a deal that is held."""
    who = {"buyer": "the seller", "seller": "the buyer", "arbiter": "the parties"}[row.role]
    return (
        f"This home is an older copy of itself, so {who} may hold newer messages of yours, and another one now would "
        f"contradict them. {who.capitalize()} is asked for all messages of this deal while the node runs, a quarter of "
        "an hour after it was put back; once the answer is here you can go on."
    )


def holding(connection: apsw.Connection, row: DealRow) -> DealRow | None:
    """The row when the deal is held, else None."""
    return row if row.copies < _copied(connection).times else None


def copies_for(writer: Writer, opened: int) -> int:
    """What the row of a new deal says of copies: one that was ordered before the home became a copy is held."""
    found = copied(writer)
    return found.times if opened > found.at else 0


def question(writer: Writer, row: DealRow, letters: Letters, nonce: bytes, now: int) -> None:
    """Queues the question for everything of a deal, durably, unless it is asked already or it is too early."""
    with writer.transaction(durable=True) as connection:
        kept = deals.by_number(connection, row.number)
        if kept is None or kept.asked is not None or now < _copied(connection).at + SETTLED_MS:
            return
        if others := recipients(load(connection, kept, kept.opened), b""):
            body = Ask(deal=kept.id, nonce=nonce)
            questions = {
                each.id: outbox.queue(writer, letters.draft(each.id, body, reply=each.reply))
                for each in others
            }
            deals.ask(writer, kept.number, nonce, questions)


class Holding:
    """Asks for deals that are held, and lets go of those that nobody else knows.

    Args:
        store: holds the deals.
        letters: carry the questions.
        clock: when it is time to ask.
        entropy: their nonces.
    """

    def __init__(self, store: Store, letters: Letters, clock: Clock, entropy: Entropy) -> None:
        self._store = store
        self._letters = letters
        self._clock = clock
        self._entropy = entropy

    async def run(self) -> None:
        """Asks where it was not asked yet, and again where the question was not taken.

        Raises:
            Problem: the disk, or a full outbox.
        """
        await self._store.write(_turned_away, self._clock.now_ms())
        rows = await self._store.read(_unasked)
        for row in rows:
            nonce = self._entropy.token(limits.LETTER_ID_BYTES)
            await self._store.write(question, row, self._letters, nonce, self._clock.now_ms())
        if rows:
            self._letters.wake()


def answered(writer: Writer, row: DealRow, networker: bytes) -> None:
    """Somebody has told all they have of a held deal, or has nothing to tell; it is released by the last of them.

    Where that tells of a dispute, the arbiter is one of them: all are asked again.
    """
    if not deals.told(writer, row.number, networker):
        return
    heard = recipients(load(writer.connection, row, row.opened), b"")
    if {each.id for each in heard} <= deals.asked_of(writer.connection, row.number):
        deals.release(writer, row.number, copied(writer).times)
    else:
        deals.forget_question(writer, row.number)


def _turned_away(writer: Writer, now: int) -> None:
    """Who knows nothing of a deal has nothing to contradict; who did not take the question is asked again.

    Of a party who took no letter for as long as one lives an arbiter expects nothing more, once the other one has told;
    nor does a party of such an arbiter.
    """
    with writer.transaction(durable=True) as connection:
        for each in deals.turned_away(connection, AT_ONCE):
            row = deals.by_number(connection, each.number)
            assert row is not None  # the question is of that row
            spared = each.other and (row.role == "arbiter" or each.networker == row.arbiter)
            if each.code == "no_deal" or (spared and each.code in (None, "letter_expired")):
                answered(writer, row, each.networker)
            elif now >= each.since + AGAIN_MS:
                deals.forget_question(writer, each.number)


def _unasked(reader: Reader) -> list[DealRow]:
    return deals.unasked(reader.connection, _copied(reader.connection).times, AT_ONCE)


def _copied(connection: apsw.Connection) -> Copied:
    return copied(Reader(connection))


def copied_times(connection: apsw.Connection) -> int:
    """How often this store was a copy, for the row of a deal that is released."""
    return _copied(connection).times
