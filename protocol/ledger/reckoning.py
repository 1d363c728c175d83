"""From a deal to what its plan is evaluated on: path, rate, plan, facts [R-CRED-16..20]."""

from __future__ import annotations

from msgspec import UNSET, Struct
from msgspec.structs import replace

from protocol import alliances, paths
from protocol.deals.bodies import Order
from protocol.entry import parse_entry
from protocol.errors import NotHeld, RemoteProtocolError, Void
from protocol.ledger.contents import SaleContent
from protocol.ledger.governing import DAY, Governed
from protocol.ledger.sales import Proven
from protocol.ledger.state import State
from protocol.plans.document import commissionable
from protocol.plans.facts import Exact, SaleFacts
from protocol.rates import Allied, RateChosen, winning_rate
from protocol.records import Listing, decode_record
from protocol.teams.duties import Answers
from protocol.teams.team import Team


class Reckoned(Struct, frozen=True, gc=False):
    """What a sale is evaluated on.

    Attributes:
        governed: the plan it follows.
        team: whose tree it is evaluated on; None for a plan without one.
        facts: for the plan.
        led: whether the path led anybody.
        allied: whether an alliance pays it.
    """

    governed: Governed
    team: Team | None
    facts: SaleFacts[bytes]
    led: bool
    allied: bool

    @property
    def duties(self) -> Answers | None:
        """Who did what uplines owe, as of the sale."""
        return None if self.team is None else Answers(self.team, self.facts.time)


def reckon(
    state: State,
    content: SaleContent,
    proven: Proven,
    *,
    at: int,
    time: int,
    base: int,
    led: bool | None = None,
) -> Reckoned:
    """What a sale comes to before its plan is evaluated.

    Args:
        state: the ledger, with the content's openers taken in.
        content: of the first sale entry of the order.
        proven: by its messages.
        at: the place as of which the sale is evaluated.
        time: date of the entry.
        base: of the sale, minor units of the order's money.
        led: whether the path led anybody, of a sale that is in the log: what was found then (signatures, listing, the
            plan in force) is asked no more, and no later rotation or plan changes it. None: it is the first entry.

    Raises:
        Void: `path_differs`, `openers`, `listing_differs`, `alliance`, `not_signed`, `no_plan`.
    """
    order, first = proven.order, led is None
    if first:
        listing = listing_of(state, content, order)
        referrers = _referrers(state, content, proven, listing)
    else:
        listing = None if order.listing is UNSET else state.listings[order.listing]
        referrers = _nearest_first(state, content) if led else ()
    led = bool(referrers)
    rate = _rate(state, content, proven, referrers, listing, first=first)
    if rate.source == "alliance":
        assert rate.ally is not None  # `winning_rate`
        referrers = (rate.ally,)
    governed = _governed(state, proven, rate, first=first)
    team = None if governed.opportunity is None else state.teams.team(governed.opportunity)
    amount, points = _amounts(governed, proven, base)
    buyer = None if order.named is UNSET else order.named.id
    return Reckoned(
        governed,
        team,
        SaleFacts(
            id=proven.start.id,
            at=at,
            time=time,
            amount=amount,
            points=points,
            referrer=referrers[0] if referrers else None,
            buyer=buyer,
            customer=buyer or order.key,
            path=referrers,
            listing=listing,
            renewal=proven.renewal,
            seller=state.issuer,
            presumed=proven.presumed,
        ),
        led,
        rate.source == "alliance",
    )


def enlarged(reckoned: Reckoned, proven: Proven, base: int) -> SaleFacts[bytes]:
    """The facts of the same sale at another base."""
    amount, points = _amounts(reckoned.governed, proven, base)
    return replace(reckoned.facts, amount=amount, points=points)


def place_of(state: State, plan: Governed, proven: Proven, seq: int, time: int) -> int:
    """The place as of which a sale is evaluated: its own; that of the contract where it is logged too late [L12]."""
    late = time >= proven.contract + plan.plan.log_days * DAY
    return state.dates.until(proven.contract) if late else seq


def listing_of(state: State, content: SaleContent, order: Order) -> str | None:
    """Key of the listing that was ordered; None for free goods.

    Raises:
        Void: `listing_differs`.
    """
    if order.listing is UNSET:
        if content.listing is not UNSET:
            raise Void("listing_differs", "listing: the order is of none")
        return None
    if content.listing is UNSET:
        known = state.listings.get(order.listing)
        if known is None:
            raise Void("listing_differs", "listing: no earlier sale embeds the one that was ordered")
        return known
    header, signature, record = content.listing
    try:
        entry = parse_entry(header, signature, record)
        listing = decode_record(entry.kind, record)
    except (RemoteProtocolError, Void) as error:
        raise Void("listing_differs", f"listing: {error.text}") from error
    if entry.id != order.listing or entry.author != state.issuer or not isinstance(listing, Listing):
        raise Void("listing_differs", "listing: is not the one that was ordered")
    return listing.key


def _amounts(governed: Governed, proven: Proven, base: int) -> tuple[Exact, int]:
    """Commissionable amount in the plan's unit, and hundredths of a point, of a base."""
    order = proven.order
    first = sum(part.price for part in order.parts)
    # Of a renewal at another price, tax and shipping are the share of it that they were of the order.
    besides = (order.tax + order.shipping) * proven.price // first if first else 0
    amount: Exact = 0
    if order.currency is not UNSET:
        net = proven.price - besides
        amount = commissionable(governed.compiled, base, net, proven.price, order.currency)
    points = 0 if order.points is UNSET or first == 0 else order.points * base // first
    return amount, points


def _referrers(state: State, content: SaleContent, proven: Proven, listing: str | None) -> tuple[bytes, ...]:
    """Who led the buyer, nearest first; nobody where a token of the path was not for this order, or is not signed."""
    order = proven.order
    if (order.path is UNSET) != (content.path is UNSET):
        raise Void("path_differs", "path: the opened path goes with an order that names one, and only then")
    if order.path is UNSET or content.path is UNSET:
        return ()
    try:
        path = paths.read_path(content.path, state.tokens)
    except RemoteProtocolError as error:
        raise Void("path_differs", f"path: {error.text}") from error
    if paths.opened_hash(state.network, content.path) != order.path:
        raise Void("path_differs", "path: is not the one that the order names")
    if path.referrals[0].seller != state.issuer:
        return ()  # tokens for another seller's goods are no consent to hold this issuer's credit
    try:
        paths.check_use(path, proven.ordered, listing)
        for token, referral in zip(path.tokens, path.referrals, strict=True):
            if token in state.tokens:
                continue
            keys = state.signers.ever(referral.referrer, referral.epoch)
            if not keys:
                raise Void("openers", "openers: those of a referrer are missing")
            paths.check_referral(state.network, referral, keys)
            state.tokens[token] = referral
    except (RemoteProtocolError, NotHeld):
        return ()
    return _leading(path)


def _nearest_first(state: State, content: SaleContent) -> tuple[bytes, ...]:
    """Who led the buyer of a logged sale, by a path that was found to lead somebody."""
    assert content.path is not UNSET  # it led somebody
    return _leading(paths.read_path(content.path, state.tokens))


def _leading(path: paths.Path) -> tuple[bytes, ...]:
    return tuple(referral.referrer for referral in reversed(path.referrals))


def _rate(
    state: State,
    content: SaleContent,
    proven: Proven,
    referrers: tuple[bytes, ...],
    listing: str | None,
    *,
    first: bool,
) -> RateChosen:
    order = proven.order
    allied: tuple[Allied, ...] = ()
    if content.agreement is not UNSET:
        agreement = alliances.read_agreement(content.agreement)
        if first:
            alliances.require_signed(state.network, agreement, state.signers.ever)
        allied = (Allied(agreement),)
    commission = None if order.commission is UNSET else order.commission
    return winning_rate(state.issuer, referrers, listing, commission, allied, proven.ordered)


def _governed(state: State, proven: Proven, rate: RateChosen, *, first: bool) -> Governed:
    order = proven.order
    if rate.points is not None:
        if order.currency is UNSET:
            raise Void("no_plan", "messages: a commission is of a price in a currency")
        return state.governing.commission(rate.points, order.currency)
    if order.plan is UNSET:
        raise Void("no_plan", "messages: the order names neither a plan nor a commission")
    found = state.governing.find(order.plan)
    if found is None or (first and not found.holds(proven.ordered, proven.contract)):
        raise Void("no_plan", "messages: the plan that the order names was not in force in this log")
    return found
