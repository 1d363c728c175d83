"""Orders in the making: of a listing as its seller offers it, or of what an offer quotes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from netnode.deals.wording import sentence
from netnode.problems import ExitCode, Problem
from protocol import limits
from protocol.certificate import DAY_MS
from protocol.deals.bodies import Mandate, Order, Part, Terms
from protocol.deals.enclosures import Address, Goods
from protocol.deals.offers import QUOTED, Discount, SignedOffer
from protocol.deals.periods import shortest
from protocol.deals.pricing import Choice, Priced, priced
from protocol.errors import Void
from protocol.records import Listing
from protocol.records.listing import Variant
from protocol.records.money import Per

NOTHING: Final = bytes(limits.HASH_BYTES)  # in the place of what the desk puts in
_NO_SALT: Final = bytes(limits.SALT_BYTES)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a buyer says beside the goods."""

    address: Address | UnsetType = UNSET
    contact: str | UnsetType = UNSET
    note: str | UnsetType = UNSET
    payment: str | UnsetType = UNSET
    service: str | None = None
    renew: bool = False
    turns: int | UnsetType = UNSET


def of_listing(
    listing: Listing,
    entry: bytes,
    seller: bytes,
    choice: Choice,
    terms: Terms,
    wishes: Wishes,
    time: int,
    offer: SignedOffer | None = None,
    code: str | None = None,
) -> tuple[Order, Goods]:
    """An order of a listing, with the discount of an offer if there is one.

    Args:
        listing: its current version.
        entry: id of that version.
        seller: networker id.
        choice: what and how many.
        terms: of the order.
        wishes: all else.
        time: ms UTC; the order will be dated so.
        offer: with a discount.
        code: by which the buyer came to it.

    Raises:
        Problem: it cannot be ordered so (exit 4, the code of the price), or as the wishes say (2).
    """
    discount: Discount | None = None
    if offer is not None and offer.offer.discount is not UNSET:
        discount = offer.offer.discount
    try:
        found = priced(
            listing,
            [choice],
            time,
            to=None if wishes.address is UNSET else wishes.address,
            service=wishes.service,
            discount=discount,
            code=code,
        )
    except Void as void:
        text = sentence(void.text)
        if void.code == "no_delivery" and wishes.address is UNSET:
            text = f"{listing.title} is shipped: say where to, with --name, --line, --postcode, --city and --country."
        raise Problem(text, ExitCode.REFUSED, void.code) from void
    if listing.shipping is not UNSET and listing.ships is not False:
        _refuse_vague(listing, wishes.address)
    order = Order(
        commission=listing.commission,
        currency=found.money.currency,
        enclosed=NOTHING,
        issuer=found.money.issuer,
        key=NOTHING,
        listing=entry,
        mandate=_mandate(found.per, wishes),
        offer=UNSET if offer is None else offer.data,
        parts=(Part(price=found.price),),
        points=found.points or UNSET,
        seller=seller,
        shipping=found.shipping,
        tax=found.tax,
        terms=terms,
        unit=found.money.unit,
    )
    return order, _goods(found, wishes)


def of_quote(offer: SignedOffer, quoted: Goods, wishes: Wishes) -> tuple[Order, Goods]:
    """An order of what an offer quotes, field by field [R-OFF-3].

    Args:
        offer: with a quote.
        quoted: its goods.
        wishes: address and the like.

    Raises:
        Problem: `payment` (exit 2): the offer has no such way to pay.
    """
    ways = [each.label for each in quoted.methods]
    if ways and wishes.payment is not UNSET and wishes.payment not in ways:
        text = f"The seller does not offer to be paid by {wishes.payment!r}. Give --payment one of: {', '.join(ways)}."
        raise Problem(text, ExitCode.USAGE, "payment")
    quote = offer.offer.quote
    assert quote is not UNSET
    fields = {name: getattr(quote, name) for name in QUOTED}
    order = Order(**fields, enclosed=NOTHING, key=NOTHING, offer=offer.data, seller=offer.offer.seller)
    goods = msgspec.structs.replace(
        quoted,
        address=wishes.address,
        contact=wishes.contact,
        note=wishes.note,
        payment=wishes.payment,
    )
    return order, goods


def choice_of(listing: Listing, text: str | None, quantity: int) -> Choice:
    """The variant that a person means: its SKU, its values, or ``Name=Value`` of each option.

    Args:
        listing: its variants.
        text: as typed: ``LS-M``, ``M``, ``M / blue`` or ``Size=M, Colour=blue``; None for a listing without variants.
        quantity: pieces.

    Raises:
        Problem: no variant, or more than one, is meant by it (2).
    """
    if listing.variants is UNSET or listing.options is UNSET:
        if text:
            text = f"{listing.title} has no variants: leave out --variant."
            raise Problem(text, ExitCode.USAGE, "variant")
        return Choice((), quantity)
    known = [_names(variant, listing.options) for variant in listing.variants]
    if not text:
        raise Problem(f"Which variant? Add --variant with one of: {_some(known)}.", ExitCode.USAGE, "variant")
    wanted = _folded(text)
    named = {_folded(part) for part in text.replace("/", ",").split(",")}
    found = [
        variant
        for variant in listing.variants
        if wanted in (_folded(variant.sku or ""), _folded("/".join(variant.options)))
        or named == {_folded(each) for each in variant.options}
        or named
        == {_folded(f"{name}={each}") for name, each in zip(listing.options, variant.options, strict=True)}
    ]
    if len(found) != 1:
        raise Problem(
            f"{listing.title} has no variant {text!r}. It has: {_some(known)}.", ExitCode.USAGE, "variant"
        )
    return Choice(found[0].options, quantity)


def _names(variant: Variant, options: Sequence[str]) -> str:
    values = ", ".join(f"{name}={value}" for name, value in zip(options, variant.options, strict=True))
    return f"{values} ({variant.sku})" if variant.sku else values


def _refuse_vague(listing: Listing, address: Address | UnsetType) -> None:
    """Refuses an address that prices the shipping and that nobody can deliver to.

    Why here: the order is sealed and signed, so neither side could complete it.
    """
    if address is UNSET:
        return
    given = (("--line", bool(address.lines)), ("--city", address.city is not UNSET))
    missing = [option for option, there in given if not there]
    if missing:
        text = f"{listing.title} is shipped, and nobody finds this address: add {' and '.join(missing)}"
        more = "" if address.name is not UNSET else ", and --name with who gets it"
        raise Problem(f"{text}{more}.", ExitCode.USAGE, "address")


def _some(names: Sequence[str]) -> str:
    return "; ".join(names[:10]) + ("; ..." if len(names) > 10 else "")


def _folded(text: str) -> str:
    return "".join(text.split()).casefold()


def _mandate(per: Per | None, wishes: Wishes) -> Mandate | UnsetType:
    if not wishes.renew:
        return UNSET
    if per is None:
        text = "Only a price that is paid again, such as per month, can be renewed: leave out --renew."
        raise Problem(text, ExitCode.USAGE, "renew")
    notice = min(7 * DAY_MS, shortest(per) // 2)
    return Mandate(notice=notice, per=per, turns=wishes.turns)


def _goods(found: Priced, wishes: Wishes) -> Goods:
    return Goods(
        salt=_NO_SALT,
        address=wishes.address,
        contact=wishes.contact,
        discounts=found.discounts,
        lines=found.lines,
        note=wishes.note,
        payment=wishes.payment,
        shipping=UNSET if found.service is None else found.service,
        taxes=found.taxes,
    )
