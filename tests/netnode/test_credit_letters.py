"""What strangers and holders with bad intent write to an issuer's node: nothing grows, nothing stops, nobody waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netnode.deals.signers import wire
from netnode.mail.letters import Incoming, Refusal, Taken
from netnode.store import credits as rows
from protocol.certificate import DAY_MS
from protocol.ledger.letters import RequestLetter
from protocol.ledger.statements import Request, sign
from protocol.signing import Signer
from tests.netnode.issuers import Credits, credits
from tests.netnode.services_home import NETWORK, OpenHome
from tests.protocol.author import Author

LONG = 190  # rotations: more than a record holds, less than a letter


async def hand(home: OpenHome, sender: Author, body: Any, *, stranger: bool = True) -> Taken | Refusal:
    """Gives a letter to its receiver, as the inbox does."""
    kind = type(body).__name__.removesuffix("Letter").lower()
    receiver = home.letters.receiver(kind)
    assert receiver is not None, kind
    return await receiver(
        Incoming(
            sender=sender.id, epoch=sender.entries[-1].epoch, key=sender.signer.public, id=bytes(16), first=bytes(16),
            stranger=stranger, body=body, at=home.clock.now_ms(),
        )
    )  # fmt: skip


def openers(author: Author) -> tuple[tuple[Any, ...], ...]:
    return (tuple(wire(author.openers(*author.entries[1:]))),)


def request(market: Credits, author: Author, counter: int, amount: int = 1, **fields: Any) -> bytes:
    """A request of a networker without a home."""
    unsigned = Request(
        action="payout", amount=amount, counter=counter, epoch=author.entries[-1].epoch,
        expires=market.clock.now + DAY_MS, holder=author.id, issuer=market["sol"].me.id, signature=bytes(64),
        unit="EUR", **fields,
    )  # fmt: skip
    return sign(NETWORK, Signer(author.signer.seed), unsigned)


async def test_a_request_that_fits_no_record_is_refused_and_those_behind_it_are_answered(
    tmp_path: Path,
) -> None:
    """[R-CRED-73]"""
    async with credits(tmp_path) as market:
        await market.sold()
        rita = Author("rita", NETWORK)
        for _ in range(LONG):
            rita.rotate()
        body = RequestLetter(openers=openers(rita), request=request(market, rita, 2**50))
        assert await hand(market["sol"], rita, body) == Taken()
        await market["sol"].services.issued.answering.look()
        (row,) = await market["sol"].store.read(lambda reader: rows.requests(reader.connection, None, 5))
        assert (row.state, row.code) == ("refused", "too_large")
