"""Prices hold together whatever the listing: sums, bounds, one rounding; and a second implementation agrees."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from netnode.conformance import prices as second
from netnode.conformance.faults import Fault
from protocol import encoding
from protocol.deals.bodies import Mandate, Order, Part, Terms
from protocol.deals.enclosures import Address, DiscountLine, Goods, GoodsLine, TaxLine
from protocol.deals.offers import Discount
from protocol.deals.pricing import (
    Choice,
    Priced,
    check_order,
    check_sums,
    half_up,
    part_prices,
    price_of,
    priced,
    spread,
    subdivision,
)
from protocol.errors import Void
from protocol.records import Listing, Per, Price, Sale, Shipping, Tax, Variant
from tests.protocol.samples import SALT

NOW = 1_800_000_000_000
DE = Address(country="DE", region="BE")
AMOUNTS = st.integers(0, 10**9) | st.integers(0, 50)


@st.composite
def orders(draw: st.DrawFn) -> tuple[Listing, list[Choice], int, Address | None, str | None, Discount | None]:
    """Listings that can be ordered, and some that cannot."""

    def money() -> Price:
        return Price(amount=draw(AMOUNTS), currency=draw(st.sampled_from(["EUR"] * 9 + ["USD"])))

    def sale(price: Price) -> Sale:
        window = {"from_": UNSET, "until": UNSET} | {
            name: NOW + draw(st.integers(-1, 1))
            for name in draw(st.sampled_from([(), ("from_",), ("until",)]))
        }
        return Sale(amount=draw(st.integers(0, price.amount)), **window)  # type: ignore[arg-type]

    price = money()
    names = draw(st.sampled_from([(), ("S", "M"), ("S", "M", "L")]))
    variants = []
    for name in names:
        own = draw(st.none() | st.just(0).map(lambda _: money()))
        reduced = draw(st.booleans())
        variants.append(
            Variant(
                options=(name,),
                points=draw(st.just(UNSET) | st.integers(0, 99)),
                price=UNSET if own is None else own,
                sale=sale(own or price) if reduced else UNSET,
            )
        )
    rate = Shipping(price=money(), regions=(draw(st.sampled_from(["*", "DE", "DE-BE", "FR"])),), label="Post")
    listing = Listing(
        salt=SALT,
        key="k",
        kind="product",
        options=("Size",) if names else UNSET,
        points=draw(st.just(UNSET) | st.integers(0, 99)),
        price=price,
        sale=sale(price) if draw(st.booleans()) else UNSET,
        shipping=(rate, Shipping(regions=("CH",))) if draw(st.booleans()) else UNSET,
        tax=draw(
            st.just(UNSET)
            | st.builds(
                Tax,
                included=st.booleans(),
                rate=st.integers(0, 10_000),
                shipping=st.booleans(),
                title=st.just("VAT"),
            )
        ),
        title="Shirt",
        variants=tuple(variants) or UNSET,
    )
    pieces = st.integers(1, 40) | st.just(0)
    choices = draw(
        st.lists(
            st.builds(Choice, options=st.sampled_from([(name,) for name in names] or [()]), quantity=pieces),
            min_size=1,
            max_size=4,
        )
    )
    discount = draw(
        st.none()
        | st.builds(Discount, points=st.integers(0, 10_000), title=st.just("Off"))
        | st.builds(
            Discount, amount=AMOUNTS, currency=st.just("EUR"), least=st.integers(0, 10), title=st.just("Off")
        )
    )
    return (
        listing,
        choices,
        NOW,
        draw(st.sampled_from([None, DE, DE, DE])),
        draw(st.sampled_from([None, None, "Post"])),
        discount,
    )


def of_order(asked: tuple[Listing, list[Choice], int, Address | None, str | None, Discount | None]) -> Priced:
    listing, choices, time, address, service, discount = asked
    return priced(listing, choices, time, to=address, service=service, discount=discount)


@given(orders())
def test_the_price_is_the_sum_of_its_parts_and_never_negative(asked: Any) -> None:  # [R-PRICE-6]
    try:
        found = of_order(asked)
    except Void:
        return
    listing = asked[0]
    goods = sum(line.amount for line in found.lines) - sum(line.amount for line in found.discounts)
    stated = found.shipping + sum(line.shipping for line in found.taxes if line.included)
    added = sum(line.amount for line in found.taxes if not line.included)
    assert found.price == goods + stated + added
    assert found.price == goods + stated or not (listing.tax is UNSET or listing.tax.included)
    assert min(goods, found.shipping, found.tax, stated, added, found.price - found.tax - found.shipping) >= 0
    for line in found.lines:
        assert line.amount == line.quantity * line.unit_price


@given(orders())
def test_a_tax_is_rounded_once_and_by_half_a_unit_at_most(asked: Any) -> None:  # [R-PRICE-5]
    try:
        found = of_order(asked)
    except Void:
        return
    for line in found.taxes:
        goods = sum(line.amount for line in found.lines) - sum(line.amount for line in found.discounts)
        stated = found.shipping + (line.shipping if line.included else 0)
        base = goods + (stated if asked[0].tax.shipping else 0)
        rate = Fraction(line.rate, 10_000)
        exact = base * rate / (1 + rate) if line.included else base * rate
        assert -Fraction(1, 2) < line.amount - exact <= Fraction(1, 2)
        assert 0 <= line.shipping <= line.amount
        if line.included:
            # What is inside a price is the tax that its net amount would bear, to the unit.
            assert abs(line.amount - (base - line.amount) * rate) <= 1


@given(orders())
def test_a_second_implementation_comes_to_the_same(asked: Any) -> None:
    listing, choices, time, address, service, discount = asked
    try:
        found = of_order(asked)
        ours: Any = (
            [(line.unit_price, line.amount) for line in found.lines],
            found.discounts[0].amount if found.discounts else None,
            (found.taxes[0].amount, found.taxes[0].shipping) if found.taxes else None,
            found.shipping,
            found.price,
            found.points,
        )
    except Void as error:
        ours = error.code

    def plain(value: Any) -> Any:
        return value if value is None else encoding.decode(encoding.encode_struct(value))

    try:
        theirs: Any = second.cost(
            plain(listing),
            [(list(choice.options), choice.quantity) for choice in choices],
            time,
            plain(address),
            service,
            plain(discount),
        )
        theirs = tuple(getattr(theirs, name) for name in theirs.__slots__)
    except Fault as fault:
        theirs = fault.code
    assert ours == theirs


@given(
    st.integers(0, 2**53 - 1),
    st.lists(st.integers(0, 2**53 - 1) | st.integers(0, 3), min_size=1, max_size=50),
)
def test_what_is_divided_adds_up_and_each_share_is_within_one(total: int, weights: list[int]) -> None:
    shares = spread(total, weights)
    assert sum(shares) == total and list(shares) == second.divided(total, weights)
    whole = sum(weights)
    for share, weight in zip(shares, weights, strict=True):
        exact = Fraction(total * weight, whole) if whole else Fraction(total, len(weights))
        assert abs(share - exact) < 1
        assert weight or not whole or share == 0


@given(st.integers(0, 10**20), st.integers(1, 10**6))
def test_a_half_is_rounded_up(numerator: int, denominator: int) -> None:
    assert (
        -Fraction(1, 2) < half_up(numerator, denominator) - Fraction(numerator, denominator) <= Fraction(1, 2)
    )


@pytest.mark.parametrize(
    ("region", "found"),
    [
        ("CA", "DE-CA"),
        ("9", "DE-9"),
        ("ca", None),
        ("Bavaria", None),
        ("A" * 14, None),
        ("É", None),
        ("CA\n", None),
    ],
)
def test_a_region_that_is_a_code_is_a_subdivision(region: str, found: str | None) -> None:  # [R-PRICE-4]
    assert subdivision(Address(country="DE", region=region)) == found
    assert subdivision(Address(country="DE")) is None


# -- orders ----------------------------------------------------------------------------------------------------
SHIRT = Listing(
    salt=SALT,
    key="shirt",
    kind="product",
    options=("Size",),
    points=10,
    price=Price(amount=4_990, currency="EUR"),
    shipping=(Shipping(label="Post", price=Price(amount=490, currency="EUR"), regions=("DE",)),),
    tax=Tax(included=True, rate=1_900, shipping=True, title="VAT"),
    title="Shirt",
    variants=(Variant(options=("M",)), Variant(options=("L",), price=Price(amount=5_190, currency="EUR"))),
)
OFF = Discount(points=1_000, title="Spring")
TERMS = Terms(accept_by=1, confirm_by=1, dispute_until=1, fulfil_by=1, pay_by=1, ruling_by=1)


def bought(**changes: Any) -> tuple[Order, Goods]:
    """An order as the buyer's side makes it: two M, one L, with a code."""
    choices = [Choice(("M",), 2), Choice(("L",))]
    found = priced(SHIRT, choices, NOW, to=DE, service="Post", discount=OFF, code="SPRING")
    goods = Goods(
        salt=SALT,
        address=DE,
        discounts=found.discounts,
        lines=found.lines,
        shipping=UNSET if found.service is None else found.service,
        taxes=found.taxes,
    )
    order = Order(
        currency=found.money.currency,
        enclosed=bytes(32),
        key=bytes(32),
        listing=bytes(32),
        parts=(Part(price=found.price),),
        points=found.points,
        seller=bytes(32),
        shipping=found.shipping,
        tax=found.tax,
        terms=TERMS,
    )
    own = {
        name: value
        for name, value in changes.items()
        if name in Goods.__struct_fields__ and name != "shipping"
    }
    goods = msgspec.structs.replace(goods, **own)
    rest = {name.removeprefix("order_"): value for name, value in changes.items() if name not in own}
    return msgspec.structs.replace(order, **rest), goods


def test_what_the_buyer_computes_the_seller_accepts() -> None:  # [R-PRICE-8]
    order, goods = bought()
    # 2 x 49.90 + 51.90 = 151.70; less 10 % = 136.53; with shipping 141.43, of which 19 % VAT
    assert (order.parts[0].price, order.tax, order.shipping, order.points) == (14_143, 2_258, 412, 30)
    check_order(SHIRT, NOW, order, goods, OFF)
    engraved = tuple(msgspec.structs.replace(line, text="For Ada") for line in goods.lines)
    check_order(SHIRT, NOW, *bought(lines=engraved), OFF)


LINE = bought()[1].lines[0]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"parts": (Part(price=14_142),)}, "the price"),
        ({"parts": (Part(price=14_144),)}, "the price"),
        ({"parts": (Part(price=7_000), Part(price=7_143))}, "the prices of the parts"),
        ({"tax": 0}, "tax"),
        ({"order_shipping": 411}, "shipping"),
        ({"order_points": UNSET}, "points"),
        ({"order_currency": "USD"}, "the money"),
        ({"lines": (msgspec.structs.replace(LINE, amount=1),)}, "lines"),
        ({"lines": (msgspec.structs.replace(LINE, unit_price=1, amount=2),)}, "lines"),
        ({"lines": (msgspec.structs.replace(LINE, title="Two shirts and a hat"),)}, "lines"),
        ({"lines": (msgspec.structs.replace(LINE, key="hat"),)}, "lines"),
        ({"lines": (LINE,)}, "discounts"),
        ({"discounts": ()}, "discounts"),
        ({"taxes": ()}, "taxes"),
    ],
)
def test_an_order_of_other_figures_is_named(changes: dict[str, Any], says: str) -> None:  # [R-PRICE-8]
    order, goods = bought(**changes)
    with pytest.raises(Void) as caught:
        check_order(SHIRT, NOW, order, goods, OFF)
    assert caught.value.code == "price_differs" and caught.value.text.startswith(f"{says}: the order says")


def test_without_the_discount_or_at_another_price_it_is_another_price() -> None:
    order, goods = bought()
    with pytest.raises(Void, match="discounts"):
        check_order(SHIRT, NOW, order, goods)
    dearer = msgspec.structs.replace(SHIRT, price=Price(amount=5_000, currency="EUR"))
    with pytest.raises(Void, match="price_differs: lines"):
        check_order(dearer, NOW, order, goods, OFF)


def free(lines: list[tuple[int, int, int]], discounts: int = 0, taxes: tuple[TaxLine, ...] = ()) -> Goods:
    return Goods(
        salt=SALT,
        discounts=(DiscountLine(amount=discounts, title="d"),) if discounts else (),
        lines=tuple(
            GoodsLine(amount=quantity * unit, part=part, quantity=quantity, title="t", unit_price=unit)
            for part, quantity, unit in lines
        ),
        taxes=taxes,
    )


def test_milestones_are_priced_by_their_lines_and_bear_the_rest_alike() -> None:  # [R-PRICE-7] [R-PRICE-9]
    vat = TaxLine(amount=57_000, included=False, rate=1_900, title="VAT")
    goods = free([(0, 1, 100_000), (1, 10, 10_000), (2, 1, 50_000), (1, 1, 50_000)], taxes=(vat,))
    prices = part_prices(goods.lines, 357_000)
    assert prices == (119_000, 178_500, 59_500)
    order, _ = bought(parts=tuple(Part(price=price) for price in prices), order_shipping=0, tax=57_000)
    check_sums(order, goods)
    assert price_of(goods.lines, goods.discounts, goods.taxes, 0) == 357_000


@pytest.mark.parametrize(
    ("goods", "prices", "shipping", "tax", "says"),
    [
        (free([(0, 1, 10)]), [10], 0, 0, ""),
        (free([(0, 1, 10)]), [15], 5, 0, ""),
        (free([(0, 1, 10)], 10), [5], 5, 0, ""),
        (free([(0, 1, 10)], 11), [4], 5, 0, "the discounts are above"),
        (free([(0, 1, 10)]), [11], 0, 0, "the price: the order says 11"),
        (free([(0, 1, 10)]), [10], 0, 1, "tax: the order says 1"),
        (free([(0, 1, 10), (1, 1, 10)]), [10, 10], 0, 0, ""),
        (free([(0, 1, 10), (1, 1, 10)]), [11, 9], 0, 0, "the prices of the parts"),
        (free([(0, 1, 10), (1, 1, 10)]), [20], 0, 0, "the prices of the parts"),
        (
            free([(0, 1, 119)], taxes=(TaxLine(amount=19, included=True, rate=1_900, title="VAT"),)),
            [119],
            0,
            19,
            "",
        ),
        (
            free(
                [(0, 1, 119)],
                taxes=(TaxLine(amount=29, included=True, rate=1_900, shipping=10, title="VAT"),),
            ),
            [181],
            52,
            29,
            "",
        ),
        (
            free(
                [(0, 1, 119)], taxes=(TaxLine(amount=9, included=True, rate=1_900, shipping=10, title="VAT"),)
            ),
            [181],
            52,
            9,
            "VAT: more of it",
        ),
        (free([(0, 2, 5)]), [10], 0, 0, ""),
    ],
)
def test_free_goods_add_up(goods: Goods, prices: list[int], shipping: int, tax: int, says: str) -> None:
    order, _ = bought(parts=tuple(Part(price=price) for price in prices), order_shipping=shipping, tax=tax)
    if not says:
        check_sums(order, goods)
        return
    with pytest.raises(Void) as caught:
        check_sums(order, goods)
    assert caught.value.code == "price_differs" and caught.value.text.startswith(says)


def test_a_line_that_is_not_its_pieces_is_named() -> None:
    goods = free([(0, 2, 5)])
    odd = msgspec.structs.replace(goods, lines=(msgspec.structs.replace(goods.lines[0], amount=11),))
    order, _ = bought(parts=(Part(price=11),), order_shipping=0, tax=0)
    with pytest.raises(Void, match="the amount of line 1: the order says 11, its goods come to 10"):
        check_sums(order, odd)


@pytest.mark.parametrize(
    ("per", "mandate", "code"),
    [
        (Per(count=1, unit="month"), Per(count=1, unit="month"), None),
        (Per(count=1, unit="month"), None, None),  # one period
        (Per(count=1, unit="month"), Per(count=1, unit="year"), "mandate"),
        (Per(count=1, unit="month"), Per(count=3, unit="month"), "mandate"),
        (None, Per(count=1, unit="month"), "mandate"),
    ],
)
def test_a_mandate_is_for_the_period_of_the_price(
    per: Per | None, mandate: Per | None, code: str | None
) -> None:
    listing = msgspec.structs.replace(  # [R-MAN-1]
        SHIRT, options=UNSET, variants=UNSET, price=Price(amount=500, currency="EUR", per=per or UNSET)
    )
    found = priced(listing, [Choice()], NOW, to=DE)
    order, goods = bought(
        lines=found.lines,
        discounts=(),
        taxes=found.taxes,
        parts=(Part(price=found.price),),
        order_shipping=found.shipping,
        tax=found.tax,
        order_points=found.points,
        mandate=UNSET if mandate is None else Mandate(notice=1, per=mandate),
    )
    if code is None:
        check_order(listing, NOW, order, goods)
        return
    with pytest.raises(Void) as caught:
        check_order(listing, NOW, order, goods)
    assert caught.value.code == code
