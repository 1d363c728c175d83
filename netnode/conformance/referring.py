"""Somebody who leads a buyer to the node, and what the node's log says of the sale: folded anew, from its beginning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from netnode.conformance.bench import Bench
from netnode.conformance.checking import Skipped, want
from netnode.conformance.correspondent import HOUR, Correspondent, correspondent
from netnode.conformance.deals import read_message
from netnode.conformance.encoding import encode
from netnode.conformance.entries import Entry
from netnode.conformance.faults import Fault
from netnode.conformance.groups import Groups, read_sale
from netnode.conformance.holdings import Effect, Holding
from netnode.conformance.ledgerfold import Ledger
from netnode.conformance.limits import SALT_BYTES
from netnode.conformance.paths import hash_of, signed
from netnode.conformance.peer import Peer
from netnode.conformance.records import read_record
from netnode.conformance.signatures import sign
from netnode.conformance.trading import Trade, Ware, ware

CHALLENGE: Final = 23
ANSWER: Final = 40
_SALE: Final = 22

Map = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Logged:
    """A sale entry of the node's log: its verdict, None where it has effect, and its content."""

    code: str | None
    content: Map


class Told:
    """The node's ledger as its log tells it.

    Args:
        bench: of the check.
        entries: the log, from its inception.
    """

    def __init__(self, bench: Bench, entries: list[Entry]) -> None:
        ledger, groups = Ledger(bench.network, bench.known.id), Groups()
        self.codes: dict[int, str | None] = {}
        self.entries: dict[int, Entry] = {}
        self.sales: list[Logged] = []
        for entry in entries:
            self.entries[entry.seq] = entry
            code = self.codes[entry.seq] = ledger.take(entry)
            if entry.header.kind == _SALE and entry.record is not None:
                self._sale(groups, entry, code)
        self.effects: dict[bytes, Effect] = ledger.effects

    def _sale(self, groups: Groups, entry: Entry, code: str | None) -> None:
        try:
            content = groups.take(entry.seq, _SALE, read_record(_SALE, entry.record or b""))
            if content is not None:
                self.sales.append(Logged(code, read_sale(content)))
        except Fault:
            return  # void; no sale can be read in it

    def of(self, order: bytes) -> list[Logged]:
        """The sale entries of an order."""
        return [each for each in self.sales if read_message(each.content["messages"][0]).deal == order]

    def holds(self, holder: bytes, unit: str, now: int) -> int:
        """What somebody can dispose of."""
        found: int = Holding(self.effects, unit, holder, now).available
        return found

    def reply(self, challenge: bytes) -> Map | None:
        """How the log answers a challenge; None: not at all."""
        for seq, entry in self.entries.items():
            if entry.header.kind == ANSWER and entry.record is not None and self.codes[seq] is None:
                for reply in read_record(ANSWER, entry.record)["replies"]:
                    if reply["challenge"] == challenge:
                        found: Map = reply
                        return found
        return None


async def told(bench: Bench) -> Told:
    """The node's ledger by now."""
    async with bench.meet(gives=False) as peer:
        log = await peer.log(bench.known.id)
    return Told(bench, list(log.main))


class Referral:
    """A deal that a referrer of ours brought to the node.

    Args:
        bench: of the check.
        buyer: carries the buyer's letters.
        referrer: who led them here.
        sold: what is ordered.
    """

    def __init__(self, bench: Bench, buyer: Correspondent, referrer: Correspondent, sold: Ware) -> None:
        self._bench = bench
        self.network, self.now = bench.network, bench.now
        self.buyer, self.seller = buyer, bench.known.id
        self.referrer, self.sold = referrer, sold
        self.path = encode([bench.entropy.token(SALT_BYTES), [_token(bench, referrer)]])
        self.trade = Trade(bench, buyer, sold, path=hash_of(bench.network, self.path))

    @property
    def order(self) -> bytes:
        """Id of the order."""
        return self.trade.deal.id

    @property
    def openers(self) -> list[Any]:
        """Of the referrer."""
        return [[self.referrer.author.first.alone()]]

    def witness(self) -> Map:
        """The letter that shows the path to the seller [R-PATH-7]."""
        return {"type": "witness", "openers": self.openers, "order": self.order, "path": self.path}

    async def completed(self, peer: Peer) -> None:
        """Accepted, paid, delivered and received."""
        trade = self.trade
        await trade.agreed(peer)
        await trade.says(peer, "payment_sent", amount=self.sold.price)
        await trade.awaits(peer, "received", "payment_received")
        fulfil = await trade.awaits(peer, "fulfil", "fulfil")
        await trade.says(peer, "receive", fulfil=fulfil.id, part=fulfil.body.get("part", 0))

    async def challenge(self, peer: Peer, buyer: Peer, **document: bytes) -> bytes:
        """Asks the node in public for an entry; the id of the challenge.

        Args:
            peer: a session of the referrer.
            buyer: one of the buyer, where the contract is shown.
            document: what is asked for; nothing: this sale, with its contract and its path.
        """
        bench, author = self._bench, self.referrer.author
        if not document:
            said = await self.trade.all(buyer)
            contract = next(each for each in said if read_message(each).type == "accept")
            document = {"contract": contract, "path": self.path}
        async with bench.meet(gives=False) as other:
            log = await other.log(bench.known.id)
        issuer = [entry.alone() for entry in log.main if entry.opens]
        fields = {
            "$": bench.entropy.token(SALT_BYTES),
            "issuer": bench.known.id,
            "openers": [issuer],
            **document,
        }
        entry = author.entry(self.referrer.log[-1], kind=CHALLENGE, record=encode(fields))
        self.referrer.log.append(entry)
        letter = {"type": "challenge", "entry": entry.alone(), "openers": self.openers}
        await self.referrer.give(peer, letter)
        return entry.id

    async def effective(self, what: str) -> Told:
        """The node's ledger, once a sale of this order has effect in it.

        Raises:
            Broken: `what` there is not; or what was logged of it is void.
        """

        async def look() -> Told | None:
            found = await told(self._bench)
            return found if found.of(self.order) else None

        ledger = await self._bench.awaited(look, what)
        code = ledger.of(self.order)[0].code
        want(code is None, f"its sale entry is void: {code} [R-CRED-13]")
        return ledger


def _token(bench: Bench, referrer: Correspondent) -> bytes:
    fields = {
        "epoch": 0,
        "expires": bench.now() + HOUR,
        "referrer": referrer.id,
        "seller": bench.known.id,
    }
    seed = referrer.author.seeds[referrer.author.first.id]
    return encode({**fields, "signature": sign(seed, signed(bench.network, fields))})


async def referral(bench: Bench) -> Referral:
    """A buyer, who brought them here, and what they order.

    Raises:
        Skipped: nobody acts for the owner, or what the node sells pays nobody who brings buyers.
    """
    bench.takes_logs()
    if bench.owner is None:
        raise Skipped("needs what only the owner does: name a command for it with --owner")
    sold = await ware(bench)
    if sold.plan is None and "commission" not in sold.record:
        raise Skipped("the node sells nothing that pays whoever brings a buyer")
    want(sold.price > 0, "what pays whoever brings a buyer costs nothing")
    return Referral(bench, await correspondent(bench), await correspondent(bench), sold)
