"""Swaps of two issuers' credits as answers, and what a holder is told before signing one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from netnode.deals.means import Means
from netnode.issuing.units import COMMISSION_DIGITS, exponents, minor, one_unit
from netnode.ledgers.ledgers import Ledgers
from netnode.market import dates
from netnode.operations import models
from netnode.plans.values import amount_text
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.services import paging, prefixes
from netnode.services.team_views import Names, names_of
from netnode.store import Reader, swaps
from netnode.store.swaps import SwapRow
from netnode.swapping.desk import no_swap
from netnode.swapping.documents import first_entry, leg, unpacked
from netnode.swapping.work import Swapping
from protocol.certificate import DAY_MS
from protocol.identity import id_text
from protocol.ledger.statements import Leg, Swap, read

_LIST: Final = "swaps"


def warning(issuer: str, until: int) -> str:
    """What a holder is told before signing [R-CRED-52].

    Args:
        issuer: Y, whose log decides.
        until: T, ms UTC.
    """
    return (
        f"Your credit stays locked until {issuer} writes anything dated after {_moment(until)}. "
        "You cannot lose it, but nobody can promise when."
    )


class SwapBook:
    """`operations.services.Swaps`.

    Args:
        means: own id, store, clock.
        ledgers: of the issuers.
        parts: make and take what is said.
    """

    def __init__(self, means: Means, ledgers: Ledgers, parts: Swapping) -> None:
        self._means = means
        self._ledgers = ledgers
        self._parts = parts

    async def propose(self, request: models.SwapPropose) -> models.CreditSwap:
        """Proposes a swap.

        Raises:
            Problem: `not_confirmed` (4) with what signing means, before it was confirmed; a log is not here (3, 4);
                an amount or unit is none (2); `not_covered` (4); locked keys (2).
        """
        own, now = self._means.own.id, self._means.clock.now_ms()
        x, y = views.networker_id(request.from_), views.networker_id(request.of)
        first = await self._leg(own, x, request.give, request.give_unit, "--give-unit")
        second = await self._leg(
            views.networker_id(request.with_), y, request.get, request.get_unit, "--get-unit"
        )
        until = now + request.days * DAY_MS if request.until is None else request.until
        if not now < until <= now + 90 * DAY_MS:
            raise Problem("A swap ends within 90 days from now.", ExitCode.USAGE, "until")
        await self._require_confirmed(request.confirmed, second.issuer, until, second=False)
        row = await self._parts.desk.propose(first, second, until, request.text)
        return (await self._shown([row]))[0]

    async def accept(self, request: models.SwapAccept) -> models.CreditSwap:
        """Signs a proposal.

        Raises:
            Problem: as `propose`; `no_swap` (3), `state`, `unknown_head` (4).
        """
        row = await self._one(request.swap)
        issuer = read(Swap, row.data).second.issuer
        await self._require_confirmed(request.confirmed, issuer, row.until, second=True)
        return (await self._shown([await self._parts.desk.accept(row.proposal)]))[0]

    async def decline(self, request: models.SwapDecline) -> models.CreditSwap:
        """Declines a proposal, or takes an own one back. Raises Problem (3; 4 once it is signed)."""
        row = await self._one(request.swap)
        return (await self._shown([await self._parts.desk.decline(row.proposal, request.text)]))[0]

    async def list(self, query: models.SwapsQuery) -> models.Page[models.CreditSwap]:
        """Swaps, the newest first. Raises Problem for a foreign cursor."""
        place = paging.opened(_LIST, query.cursor, int)
        before = None if place is None else place[0]
        rows = await self._means.store.read(
            lambda reader: swaps.page(reader.connection, before, query.limit + 1, waiting=query.waiting)
        )
        page = rows[: query.limit]
        following = paging.seal(_LIST, page[-1].number) if len(rows) > len(page) and page else None
        return models.Page([*await self._shown(page)], following)

    async def show(self, name: str) -> models.CreditSwap:
        """One swap. Raises Problem (3)."""
        return (await self._shown([await self._one(name)]))[0]

    async def release(self, request: models.CreditRelease) -> models.CreditReleased:
        """Lets go of what rotations of an issuer left disputed.

        Raises:
            Problem: the log is not here (3, 4); `not_disputed` (4); locked keys (2).
        """
        about = None if request.about is None else bytes.fromhex(request.about)
        issuer = views.networker_id(request.issuer)
        found = await self._parts.rekeying.release(issuer, about)
        return models.CreditReleased(issuer=id_text(issuer), about=[each.hex() for each in found])

    # -- inside ----------------------------------------------------------------------------------------------
    async def _require_confirmed(self, confirmed: bool, issuer: bytes, until: int, *, second: bool) -> None:
        if confirmed:
            return
        names = await self._means.store.read(names_of, (issuer,))
        sentence = warning(_name(names, issuer), until)
        whose = (
            "In this swap it is the other holder's credit that is locked, who was told: " if second else ""
        )
        raise Problem(
            f"{whose}{sentence} Say that you have read this: --yes",
            ExitCode.REFUSED,
            "not_confirmed",
            {"sentence": whose + sentence, "until": until},
        )

    async def _leg(self, holder: bytes, issuer: bytes, amount: str, unit: str | None, option: str) -> Leg:
        units = await self._ledgers.ask(issuer, exponents)
        named = one_unit(units, unit, option)
        value = minor(amount, named, units.get(named, COMMISSION_DIGITS))
        if not value:
            raise Problem("Nothing is swapped for nothing: give amounts above 0.", ExitCode.USAGE, "amount")
        return leg(holder, issuer, named, value)

    async def _one(self, name: str) -> SwapRow:
        low, high = prefixes.span(name)
        found = await self._means.store.read(lambda reader: swaps.by_prefix(reader.connection, low, high))
        if not found:
            raise no_swap(name[:10])
        if len(found) > 1:
            raise prefixes.ambiguous(name, "swap")
        return found[0]

    async def _shown(self, rows: Sequence[SwapRow]) -> Sequence[models.CreditSwap]:
        documents = [read(Swap, row.data) for row in rows]
        digits: dict[bytes, dict[str, int]] = {}
        for document in documents:
            for issuer in (document.first.issuer, document.second.issuer):
                if issuer not in digits:
                    digits[issuer] = await self._digits(issuer)
        people = [side for each in documents for side in (each.first, each.second)]
        names = await self._means.store.read(_names, people)
        return [_view(row, document, digits, names) for row, document in zip(rows, documents, strict=True)]

    async def _digits(self, issuer: bytes) -> dict[str, int]:
        try:
            return await self._ledgers.ask(issuer, exponents)
        except Problem:  # its log is not here (yet): digits as of commissions
            return {}


def _view(
    row: SwapRow, document: Swap, digits: dict[bytes, dict[str, int]], names: Names
) -> models.CreditSwap:
    def side(one: Leg) -> models.SwapSide:
        exponent = digits[one.issuer].get(one.unit, COMMISSION_DIGITS)
        return models.SwapSide(
            holder=names.person(one.holder),
            issuer=names.person(one.issuer),
            unit=one.unit,
            amount=amount_text(one.amount, exponent),
            minor=one.amount,
        )

    return models.CreditSwap(
        swap=row.proposal.hex(),
        role=row.role,
        stage=row.stage,
        next=_next(row, _name(names, document.first.issuer), _name(names, document.second.issuer)),
        first=side(document.first),
        second=side(document.second),
        until=row.until,
        at=row.at,
        text=row.text,
        waits=row.due is not None and row.stage != "back",
        code=row.code,
        why=row.why,
        locked=_entry(row.locked),
        swapped=_entry(row.swapped),
    )


def _next(row: SwapRow, x: str, y: str) -> str:
    """What a swap waits for, or what came of it."""
    until = _moment(row.until)
    match row.stage:
        case "proposed":
            return "waits for your answer" if row.role == "second" else "waits for the other holder's answer"
        case "accepted":
            return (
                "signed by you; waits for the proposer's signature, which the proposer's node gives by itself"
            )
        case "signed":
            return f"signed by both; {x} is asked to lock, before {until}"
        case "locked":
            return f"locked by {x}; decided by {y} before {until}, or back once {y} writes anything dated after that"
        case "swapped":
            return f"{y} has decided: both sides move; {x} is asked to write that down"
        case "asked":
            return "asked of you as the issuer; your node answers by itself"
        case "given":
            return "done: both sides have moved"
        case "back":
            return "went back: nothing has moved"
        case "declined":
            return "declined; nothing was signed by both"
        case "refused":
            return "refused by you as the issuer"
        case "over":
            return "over: it was not locked in time, nothing has moved"


def _entry(proof: bytes | None) -> models.SwapEntry | None:
    if proof is None:
        return None
    entry = first_entry(unpacked(proof))
    return models.SwapEntry(seq=entry.seq, id=entry.id.hex())


def _names(reader: Reader, sides: Iterable[Leg]) -> Names:
    return names_of(reader, [each for side in sides for each in (side.holder, side.issuer)])


def _name(names: Names, networker: bytes) -> str:
    return names.known.get(networker) or id_text(networker)


def _moment(milliseconds: int) -> str:
    return f"{dates.minute(milliseconds)} UTC"
