"""An issuer's ledger, folded from its log: the verdict on each entry, and the effects; chapter 27."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from netnode.conformance.credits import read_statement, signed_by, statement_id
from netnode.conformance.entries import Entry, read_entry
from netnode.conformance.faults import Fault, demand
from netnode.conformance.groups import Groups, read_close, read_sale
from netnode.conformance.holdings import NEVER, Effect, Holding, Lots, Moved, ended
from netnode.conformance.limits import KEPT_STEPS
from netnode.conformance.log import links
from netnode.conformance.records import FIELDS, read_record
from netnode.conformance.salefold import Sales
from netnode.conformance.signers import Signers
from netnode.conformance.teamfold import TeamFold

Map = dict[str, Any]
UNKNOWN: Final = "unknown"
_LOCK, _SWAP = 32, 34
_ACTIONS: Final = {30: "transfer", 36: "redeem", 38: "payout"}


class Lost(Exception):
    """Nothing can be said from here on."""


class Ledger:
    """Folds one branch of one log.

    Args:
        network: the network's name.
        author: networker id.
        others: logs of others that are held, for what is pinned.
    """

    def __init__(self, network: str, author: bytes, others: Sequence[Sequence[Entry]] = ()) -> None:
        self.network = network
        self.author = author
        self.effects: dict[bytes, Effect] = {}
        self.replies: dict[bytes, str | None] = {}
        """By id of a challenge: why what it asks for is not logged; None: it is [R-CRED-57]."""
        self._others = others
        self._lost = False
        self._signers = Signers(network)
        self._sales = Sales(network, author, self._signers, self.effects)
        self._counters: dict[tuple[bytes, int], bytes] = {}
        self._limits: dict[tuple[bytes, str], int] = {}
        self._groups = Groups()

    def take(self, entry: Entry) -> str | None:
        """The verdict on the next entry: a code, None with effect (or where none is needed), `UNKNOWN`."""
        if self._lost:
            return UNKNOWN
        if entry.header.kind % 2:
            return None
        try:
            if entry.header.kind not in FIELDS or entry.record is None:
                raise Lost  # [R-CRED-10]
            self._sales.note(entry)
            self._apply(entry, entry.header.time, read_record(entry.header.kind, entry.record))
        except Fault as fault:
            return fault.code
        except Lost:
            self._lost = True
            return UNKNOWN
        return None

    def _apply(self, entry: Entry, now: int, record: Map) -> None:
        match entry.header.kind:
            case 0 | 2:
                self._signers.admit([[entry.alone()]])
            case 10:
                self._sales.publish(now, record)
            case 12 | 14 | 16 | 18:
                self._sales.enter(entry, record)
            case 20:
                self._signers.admit(record["openers"])
            case 22 | 24:
                content = self._groups.take(entry.seq, entry.header.kind, record)
                if content is not None and entry.header.kind == 22:
                    self._sales.sell(entry.seq, now, read_sale(content))
                elif content is not None:
                    self._sales.close(entry.seq, now, read_close(content))
            case 26:
                self._sales.refund(entry.seq, now, record)
            case 28:
                self._sales.freeze(now, record)
            case 30 | 36 | 38:
                self._move(entry, now, record)
            case 32:
                self._lock(entry, record)
            case 34:
                self._swap(entry, record)
            case 40:
                self._answer(entry, record)
            case 42:
                self._release(record)

    @property
    def teams(self) -> Mapping[str, TeamFold]:
        """The teams that entries of this log named, by opportunity."""
        return self._sales.teams

    def available(self, unit: str, holder: bytes, now: int) -> int:
        """What somebody has to move, by this branch [R-CRED-65]."""
        return self._holding(unit, holder, now).available

    def ever_member(self, key: str, who: bytes) -> bool:
        """Whether somebody is or was a member of a team of this log [R-CRED-55]."""
        return key in self.teams and who in self.teams[key].members

    def _answer(self, entry: Entry, record: Map) -> None:
        """[R-CRED-57]."""
        late = any(reply.get("entry", -1) >= entry.seq for reply in record["replies"])
        demand(not late, "no_entry")
        for reply in record["replies"]:
            if "entry" in reply:
                self.replies[reply["challenge"]] = None
            else:  # the first reason stays
                self.replies.setdefault(reply["challenge"], reply["reason"])

    # -- who signs -------------------------------------------------------------------------------------------
    def _signed(self, name: str, statement: Map, keys: list[bytes]) -> None:
        held = any(signed_by(self.network, name, statement, key, statement["signature"]) for key in keys)
        demand(held, "not_signed", name)

    # -- movements -------------------------------------------------------------------------------------------
    def _holding(self, unit: str, holder: bytes, now: int) -> Holding:
        return Holding(self.effects, unit, holder, now)

    def _move(self, entry: Entry, now: int, record: Map) -> None:
        """[R-CRED-34]."""
        kind = entry.header.kind
        self._signers.admit(record["openers"])
        request = read_statement("credit request", record["request"])
        asked = request["issuer"] == self.author and request["action"] == _ACTIONS[kind]
        demand(asked, "names_differ")
        own = statement_id(self.network, "credit request", request)
        demand(b"m" + own not in self.effects, "already_logged")
        holder, unit = request["holder"], request["unit"]
        self._signed("credit request", request, self._signers.now(holder, request["epoch"]))
        demand(not self._signers.contested(holder), "contested_holder")
        demand(now < request["expires"], "request_over")
        demand(self._counters.get((holder, request["counter"]), own) == own, "counter")
        to, limit = request.get("recipient", b""), None
        if kind == 30:
            demand("limit" in record or self._sales.member(to), "no_limit", "no member")
        if "limit" in record:
            limit = read_statement("credit limit", record["limit"])
            about = (limit["holder"], limit["issuer"], limit["unit"])
            demand(about == (to, self.author, unit), "names_differ", "the limit")
            self._signed("credit limit", limit, self._signers.now(to, limit["epoch"]))
            newest = self._limits.get((to, unit), 0)
            demand(now < limit["expires"] and limit["counter"] >= newest, "no_limit")
        mine = self._holding(unit, holder, now)
        demand(request["amount"] <= mine.available, "not_covered")
        lots = mine.choose(request["amount"], 0 if limit is None else limit.get("lasts", 0))
        demand(sum(amount for _, amount in lots) == request["amount"], "not_covered", "that lasts")
        if limit is not None:
            after = self._holding(unit, to, now).balance + request["amount"]
            demand(after <= limit["amount"], "over_limit")
        self._sales.spend(entry.seq, KEPT_STEPS * len(lots))
        if limit is not None:
            self._limits[to, unit] = limit["counter"]
        self._counters[holder, request["counter"]] = own
        self.effects[b"m" + own] = Moved(
            request["action"], unit, holder, to, request["amount"], request["counter"], lots
        )
        if "order" in request:
            self._sales.redeem(request["order"], holder, unit, request["amount"])

    def _release(self, record: Map) -> None:
        """[R-CRED-58]."""
        self._signers.admit(record["openers"])
        release = read_statement("credit release", record["release"])
        demand(release["issuer"] == self.author, "names_differ")
        self._signed("credit release", release, self._signers.now(release["holder"], release["epoch"]))

    # -- swaps -----------------------------------------------------------------------------------------------
    def _alone(self, openers: Sequence[Any]) -> Ledger:
        """What stands by its own bytes is judged by these openers alone."""
        other = Ledger(self.network, self.author)
        other._signers.admit(openers)
        return other

    def _standing(self, entry: Entry, record: Map) -> bytes:
        """The id of the document of a lock or swap that stands [R-CRED-44] [R-CRED-46]."""
        alone = self._alone(record["openers"])
        document = read_statement("credit swap", record["document"])
        locks = entry.header.kind == _LOCK
        leg = document["first" if locks else "second"]
        demand(leg["issuer"] == entry.header.author and (locks or "lock" in record), "names_differ")
        demand(entry.header.time < document["until"], "request_over")
        for side, signature in zip(("first", "second"), document["signatures"], strict=True):
            keys = alone._signers.ever(document[side]["holder"], document[side]["epoch"])
            held = any(signed_by(self.network, "credit swap", document, key, signature) for key in keys)
            demand(held, "not_signed", side)
        own = statement_id(self.network, "credit swap", document)
        if not locks:
            lock = self._embedded(
                record["lock"], document["first"]["issuer"], _LOCK, alone._signers.ever, "no_lock"
            )
            demand(self._decides(lock, own), "no_lock")
        return own

    def _embedded(
        self,
        proof: Sequence[Any],
        author: bytes,
        kind: int,
        keys: Callable[[bytes, int], list[bytes]],
        code: str,
    ) -> Entry:
        """The first of consecutive entries of another log, the last of which is signed."""
        try:
            entries = [read_entry(each) for each in proof]
        except Fault as fault:
            raise Fault(code, str(fault)) from fault
        first, last = entries[0], entries[-1]
        whole = all(links(below, above) for below, above in pairwise(entries))
        demand(whole and first.header.author == author and first.header.kind == kind, code)
        demand(first.place == last.place, code, "two terms")
        demand(
            any(last.signed(self.network, key) for key in keys(author, last.header.epoch)), code, "unsigned"
        )
        return first

    def _decides(self, entry: Entry, document: bytes) -> bool:
        """Whether an entry is a lock or swap of a document, and stands."""
        try:
            record = read_record(entry.header.kind, entry.record or b"")
            return self._standing(entry, record) == document
        except Fault:
            return False

    def _lock(self, entry: Entry, record: Map) -> None:
        """[R-CRED-45]."""
        own = self._standing(entry, record)
        demand(b"w" + own not in self.effects, "already_logged")
        document = read_statement("credit swap", record["document"])
        side = self._side(entry, own, document["first"], document["second"]["holder"], record["openers"])
        self.effects[b"w" + own] = replace(side, stage="locked")

    def _swap(self, entry: Entry, record: Map) -> None:
        """[R-CRED-47] [R-CRED-48] [R-CRED-49]."""
        if "lock" in record:
            own = self._standing(entry, record)
            demand(b"w" + own not in self.effects, "already_logged")
            document = read_statement("credit swap", record["document"])
            side = self._side(entry, own, document["second"], document["first"]["holder"], record["openers"])
            self.effects[b"w" + own] = side
            return
        if "pins" in record:
            (first, _), (last, _) = record["pins"]
            self._sales.spend(entry.seq, max(0, last - first))
        document = read_statement("credit swap", record["document"])
        own = statement_id(self.network, "credit swap", document)
        known = self.effects.get(b"w" + own)
        mine = isinstance(known, Moved) and document["first"]["issuer"] == self.author
        demand(mine, "no_lock")
        assert isinstance(known, Moved)
        other = document["second"]["issuer"]
        if "swap" in record:
            self._signers.admit(record["openers"])
            swap = self._embedded(record["swap"], other, _SWAP, self._signers.now, "no_swap")
            demand(self._decides(swap, own), "no_swap")
            given = True
        else:
            given = self._pinned(document, record["pins"], own)
        after = ended(known, "given" if given else "back")
        demand(after is not None, "already_logged")
        assert after is not None
        self.effects[b"w" + own] = after

    def _pinned(self, document: Map, pins: Sequence[Any], own: bytes) -> bool:
        """Whether the other issuer swapped between two places of its log [R-CRED-49]."""
        demand(pins[0] == document["head"], "no_swap", "another place")
        for log in self._others:
            at = {entry.id: place for place, entry in enumerate(log)}
            author = log[0].header.author == document["second"]["issuer"]
            if author and pins[1][1] in at and log[at[pins[1][1]]].seq == pins[1][0]:
                low, high = at.get(pins[0][1]), at[pins[1][1]]
                demand(low is not None and low < high, "no_swap", "no descent")
                demand(log[high].header.time >= document["until"], "no_swap", "too early")
                between = log[(low or 0) + 1 : high + 1]
                return any(each.header.kind == _SWAP and self._decides(each, own) for each in between)
        raise Lost

    def _side(self, entry: Entry, own: bytes, leg: Map, to: bytes, openers: Sequence[Any]) -> Moved:
        """[R-CRED-50] [R-CRED-51]."""
        _passes(self._signers.admit, openers)
        holder, counter, unit = leg["holder"], leg["counter"], leg["unit"]
        free = self._counters.setdefault((holder, counter), own) == own
        bound = free and bool(self._signers.now(holder, leg["epoch"])) and not self._signers.contested(holder)
        lots: Lots = ()
        if bound:
            mine = self._holding(unit, holder, entry.header.time)
            lots = mine.choose(min(leg["amount"], mine.available))
            lots = lots if self._sales.affords(entry.seq, KEPT_STEPS * len(lots)) else ()
        rest = leg["amount"] - sum(amount for _, amount in lots)
        if rest:
            sums = dict(lots)
            sums[NEVER] = sums.get(NEVER, 0) + rest
            lots = tuple(sorted(sums.items()))
        who = holder if bound else self.author
        return Moved("swap", unit, who, to, leg["amount"], counter if bound else None, lots)


def _passes(act: Callable[..., Any], *arguments: Any) -> bool:
    try:
        act(*arguments)
    except Fault:
        return False
    return True
