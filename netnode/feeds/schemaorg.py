"""schema.org products: JSON-LD, or an HTML page with JSON-LD or microdata.

A `ProductGroup` with its variants is one product, and so is a `Product` by itself. The place of a product in the file
is its row, the first being 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from typing import Any, BinaryIO, Final, TypeVar

from netnode.feeds import cells
from netnode.feeds.documents import load_json, members, read_page
from netnode.feeds.product import Choice, FeedError, Format, Picture, Product, Rate, Skipped, Unfit
from netnode.feeds.texts import absolute, moment, slug, text_format

T = TypeVar("T")
Node = Mapping[str, Any]

OPTIONS: Final = {"color": "Color", "size": "Size", "material": "Material", "pattern": "Pattern"}
AVAILABILITY: Final = {
    "InStock": "in_stock",
    "OutOfStock": "out_of_stock",
    "PreOrder": "preorder",
    "BackOrder": "backorder",
    "LimitedAvailability": "in_stock",
    "OnlineOnly": "in_stock",
    "InStoreOnly": "in_stock",
    "PreSale": "preorder",
    "MadeToOrder": "backorder",
    "SoldOut": "out_of_stock",
    "Discontinued": "out_of_stock",
    "Reserved": "out_of_stock",
}
CONDITION: Final = {
    "NewCondition": "new",
    "UsedCondition": "used",
    "RefurbishedCondition": "refurbished",
    "DamagedCondition": "used",
}
WEIGHT: Final = {
    "GRM": Decimal(1),
    "KGM": Decimal(1000),
    "LBR": Decimal("453.59237"),
    "ONZ": Decimal("28.349523125"),
    "G": Decimal(1),
    "KG": Decimal(1000),
    "LB": Decimal("453.59237"),
    "OZ": Decimal("28.349523125"),
}
_PRODUCTS: Final = {"Product", "IndividualProduct", "SomeProducts", "ProductModel", "ProductGroup"}
_LEADS_TO: Final = ("@graph", "itemListElement", "item", "mainEntity", "itemOffered", "hasPart", "offers")
_GTIN: Final = ("gtin", "gtin13", "gtin14", "gtin12", "gtin8", "isbn")
_FORMER: Final = {"ListPrice", "StrikethroughPrice", "MSRP", "SRP", "RegularPrice"}
_PREFIX: Final = re.compile(r"(?:https?://(?:www\.)?schema\.org/|schema:)")
_REGION: Final = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,13})?")
_ROOT: Final = re.compile(
    r"<(?:!doctype\s+html|html|head|body)\b|itemscope|application/ld\+json", re.IGNORECASE
)
MAX_DEPTH: Final = 40  # why: a product in a list in a graph of a page is some levels down, never this many


def recognises(sample: str) -> bool:
    """Whether it is JSON of schema.org, or a page."""
    begin = sample.lstrip("\ufeff \r\n\t")
    if begin.startswith("<"):
        return _ROOT.search(begin) is not None
    return begin[:1] in ("[", "{") and ('"@type"' in begin or '"@graph"' in begin)


def read(stream: BinaryIO, encoding: str) -> Iterator[Product | Skipped]:
    """Yields the products of a document.

    Raises:
        FeedError: no JSON, or a page without products.
    """
    text = stream.read().decode(encoding)
    roots: list[Any] = []
    if text.lstrip("\ufeff \r\n\t").startswith("<"):
        page = read_page(text)
        for script in page.scripts:
            roots.append(_loaded(script, "A script of the page"))
        roots += page.items
    else:
        roots.append(_loaded(text, "The file"))
    nodes: list[Node] = []
    for root in roots:
        _collect(root, nodes, 0)
    if not nodes:
        raise FeedError("The file has no product of schema.org, neither as JSON-LD nor as microdata.")
    return _read(nodes)


def _loaded(text: str, what: str) -> Any:
    try:
        return load_json(text)
    except (ValueError, RecursionError) as error:
        raise FeedError(f"{what} is not the JSON of schema.org. Check how it was written.") from error


def _collect(value: Any, nodes: list[Node], depth: int) -> None:
    """Finds the products that a document is about, in its order."""
    if depth > MAX_DEPTH:
        return
    for each in members(value):
        if isinstance(each, list):
            _collect(each, nodes, depth + 1)
        elif isinstance(each, dict):
            if _types(each) & _PRODUCTS:
                nodes.append(each)
            else:
                for name in _LEADS_TO:
                    _collect(each.get(name), nodes, depth + 1)


def _types(node: Node) -> set[str]:
    return {_plain(name) for name in members(node.get("@type")) if isinstance(name, str)}


def _plain(name: str) -> str:
    return _PREFIX.sub("", name.strip(), count=1)


def _read(nodes: list[Node]) -> Iterator[Product | Skipped]:
    named = {node["@id"]: node for node in nodes if isinstance(node.get("@id"), str) and len(node) > 1}
    groups = [node for node in nodes if "ProductGroup" in _types(node)]
    by_name = {
        _text(group, name): place for place, group in enumerate(groups) for name in ("@id", "productGroupID")
    }
    variants: list[list[Node]] = [[] for _ in groups]
    taken: set[int] = set()
    for place, group in enumerate(groups):
        for each in members(group.get("hasVariant")):
            if isinstance(each, dict):
                variants[place].append(
                    named.get(each.get("@id"), each) if isinstance(each.get("@id"), str) else each
                )
                taken.add(id(variants[place][-1]))
    for node in nodes:
        place_of = by_name.get(_group_of(node)) if _group_of(node) else None
        if place_of is not None and id(node) not in taken and "ProductGroup" not in _types(node):
            variants[place_of].append(node)
            taken.add(id(node))
    places = {id(group): place for place, group in enumerate(groups)}
    row = 0
    for node in nodes:
        if id(node) in taken:
            continue
        row += 1
        try:
            yield _product(row, node, variants[places[id(node)]] if id(node) in places else [])
        except Unfit as unfit:
            yield Skipped(unfit.row, unfit.column, unfit.reason)


def _group_of(node: Node) -> str:
    """How a product names the group it belongs to."""
    direct = _text(node, "inProductGroupWithID")
    if direct:
        return direct
    for each in members(node.get("isVariantOf")):
        if isinstance(each, dict):
            return _text(each, "productGroupID") or _text(each, "@id")
        if isinstance(each, str):
            return each
    return ""


def _product(row: int, node: Node, variants: list[Node]) -> Product:
    title = _text(node, "name")
    if not title:
        raise Unfit(row, "name", "is missing")
    key = _text(node, "productGroupID") or _text(node, "productID") or _text(node, "sku") or slug(title)
    if not key:
        raise Unfit(row, "name", "no key can be made of this name; give the product a sku")
    pictures = {url: alt for each in (node, *variants) for url, alt in reversed(_images(each))}
    images = list(dict.fromkeys(url for each in (node, *variants) for url, _ in _images(each)))
    names, chosen = _options(node, variants)
    offer = _offer(variants[0] if variants else node)
    description = _text(node, "description")
    return Product(
        row=row,
        key=key,
        title=title,
        choices=tuple(
            _choice(row, each, values, images, variants)
            for each, values in zip(variants or [node], chosen, strict=True)
        ),
        options=names,
        description=description,
        format=text_format(description),
        brand=_named(node, "brand") or _named(node, "manufacturer"),
        category=_category(node),
        tags=_keywords(node),
        condition=_condition(node, offer),
        url=absolute(_text(node, "url")),
        images=tuple(Picture(url, pictures[url]) for url in images),
        shipping=tuple(_rates(row, offer)),
        columns={
            "key": "productGroupID" if _text(node, "productGroupID") else "sku",
            "title": "name",
            "tags": "keywords",
            "price": "offers.price",
            "sale": "offers.priceSpecification",
            "shipping": "offers.shippingDetails",
        },
    )


def _options(node: Node, variants: list[Node]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    if not variants:
        return (), [()]
    named = [_plain(name) for name in members(node.get("variesBy")) if isinstance(name, str) and name.strip()]
    named = named or [name for name in OPTIONS if any(_option(each, name) for each in variants)]
    chosen = [tuple(_option(each, name) or "-" for name in named) for each in variants]
    if named and len(set(chosen)) == len(chosen):
        return tuple(OPTIONS.get(name, name) for name in named), chosen
    # They differ in something that the group does not say: then by their codes or names.
    return ("Variant",), [(_text(each, "sku") or _text(each, "name") or "-",) for each in variants]


def _option(node: Node, name: str) -> str:
    if name in OPTIONS and _named(node, name):
        return _named(node, name)
    for each in members(node.get("additionalProperty")):
        if isinstance(each, dict) and _text(each, "name") == name:
            return _text(each, "value")
    return ""


def _choice(
    row: int, node: Node, options: tuple[str, ...], images: list[str], variants: list[Node]
) -> Choice:
    offer = _offer(node)
    price, sale, begin, end = _prices(row, offer)
    pictures = _images(node)
    availability = AVAILABILITY.get(_plain(_text(offer, "availability")), "")
    stock = next((each for each in members(offer.get("inventoryLevel")) if isinstance(each, dict)), {})
    count = (
        _take(row, "offers.inventoryLevel", cells.whole, _text(stock, "value"))
        if _text(stock, "value")
        else None
    )
    if not availability and count is not None:
        availability = "in_stock" if count > 0 else "out_of_stock"
    return Choice(
        row=row,
        options=options,
        price=price,
        sale=sale,
        sale_from=begin,
        sale_until=end,
        currency=_currency(offer),
        sku=_take(row, "sku", cells.code, _text(node, "sku") or _text(offer, "sku")),
        gtin=_take(
            row, "gtin", cells.code, next((text for name in _GTIN if (text := _text(node, name))), "")
        ),
        mpn=_take(row, "mpn", cells.code, _text(node, "mpn")),
        weight=_weight(row, node),
        availability=availability,
        stock=count,
        image=images.index(pictures[0][0]) if variants and pictures else None,
    )


# -- offers ----------------------------------------------------------------------------------------------------
def _offer(node: Node) -> Node:
    """The first offer of a product; of an aggregate its first, or its lowest price."""
    for each in members(node.get("offers")):
        if isinstance(each, dict):
            inner = next((one for one in members(each.get("offers")) if isinstance(one, dict)), None)
            return inner if inner is not None else each
    return {}


def _specifications(offer: Node) -> list[Node]:
    return [each for each in members(offer.get("priceSpecification")) if isinstance(each, dict)]


def _currency(offer: Node) -> str:
    found = _text(offer, "priceCurrency")
    for each in _specifications(offer):
        found = found or _text(each, "priceCurrency")
    return found.upper()


def _prices(row: int, offer: Node) -> tuple[str, str, int | None, int | None]:
    """Regular price, sale, and from when to when it holds."""
    price = _price(row, offer, "price") or _price(row, offer, "lowPrice")
    former = sale = ""
    begin = end = None
    for each in _specifications(offer):
        kind, amount = _plain(_text(each, "priceType")), _price(row, each, "price")
        if kind in _FORMER:
            former = former or amount
        elif kind == "SalePrice" and amount:
            sale = amount
            if _text(each, "validFrom"):
                begin = _take(row, "offers.priceSpecification", moment, _text(each, "validFrom"))
            if _text(each, "validThrough"):
                end = _take(
                    row, "offers.priceSpecification", partial(moment, end=True), _text(each, "validThrough")
                )
        elif not kind:
            price = price or amount
    if sale:
        return price or former or sale, sale if price or former else "", begin, end
    if former and price and Decimal(former) > Decimal(price):
        return former, price, None, None
    return price or former, "", None, None


def _price(row: int, node: Node, name: str) -> str:
    return _take(row, "offers.price", _amount, _text(node, name))


def _rates(row: int, offer: Node) -> Iterator[Rate]:
    for each in members(offer.get("shippingDetails")):
        if not isinstance(each, dict):
            continue
        places = []
        for region in members(each.get("shippingDestination")):
            if isinstance(region, dict):
                country = _named(region, "addressCountry").upper()
                parts = [text for text in members(region.get("addressRegion")) if isinstance(text, str)]
                places += [f"{country}-{part.upper()}" for part in parts] or [country]
        if not places:
            continue
        if not all(_REGION.fullmatch(place) for place in places):
            raise Unfit(
                row, "offers.shippingDetails", f"{places[0]!r} is not a country or region such as US or US-CA"
            )
        cost = next((part for part in members(each.get("shippingRate")) if isinstance(part, dict)), {})
        delivery = next((part for part in members(each.get("deliveryTime")) if isinstance(part, dict)), {})
        transit = next((part for part in members(delivery.get("transitTime")) if isinstance(part, dict)), {})
        days = [_text(transit, name) for name in ("minValue", "maxValue")]
        yield Rate(
            regions=tuple(dict.fromkeys(places)),
            label=_text(each, "shippingLabel"),
            price=_take(row, "offers.shippingDetails", cells.amount, _text(cost, "value"))
            if _text(cost, "value")
            else "",
            currency=_text(cost, "currency").upper(),
            days=(
                _take(row, "offers.shippingDetails", cells.whole, days[0] or days[1]),
                _take(row, "offers.shippingDetails", cells.whole, days[1] or days[0]),
            )
            if any(days)
            else None,
        )


def _condition(node: Node, offer: Node) -> str:
    return CONDITION.get(_plain(_text(offer, "itemCondition") or _text(node, "itemCondition")), "")


# -- texts -----------------------------------------------------------------------------------------------------
def _text(node: Node, name: str) -> str:
    """The first text of a property, or a number in its place."""
    for value in members(node.get(name)):
        if isinstance(value, dict):
            value = value.get("@value", value.get("@id"))
        if isinstance(value, str):
            return value.strip().replace("\x00", "")
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return f"{Decimal(value):f}"
    return ""


def _named(node: Node, name: str) -> str:
    """A text, or the name of a thing."""
    for value in members(node.get(name)):
        if isinstance(value, dict) and _text(value, "name"):
            return _text(value, "name")
    return _text(node, name)


def _category(node: Node) -> str:
    """The deepest category, its levels joined as here."""
    found = []
    for value in members(node.get("category")):
        text = _text({"name": value}, "name") if isinstance(value, str) else ""
        if isinstance(value, dict):
            text = _text(value, "name")
        if text:
            found.append(" > ".join(part for part in re.split(r"\s*>\s*|\s+/\s+", text.strip()) if part))
    return max(found, key=lambda path: path.count(" > "), default="")


def _keywords(node: Node) -> tuple[str, ...]:
    """A list as it is; one text is a list with commas."""
    value = node.get("keywords")
    if isinstance(value, list) and len(value) > 1:
        texts = [_named({"name": each}, "name") for each in value]
        return tuple(dict.fromkeys(text for text in texts if text))
    return cells.listed(_text(node, "keywords"))


def _images(node: Node) -> list[tuple[str, str]]:
    found = []
    for value in members(node.get("image")):
        if isinstance(value, dict):
            url = _text(value, "contentUrl") or _text(value, "url") or _text(value, "@id")
            found.append((absolute(url), _text(value, "caption")))
        elif isinstance(value, str):
            found.append((absolute(value.strip()), ""))
    return [picture for picture in found if picture[0]]


def _weight(row: int, node: Node) -> int | None:
    for value in members(node.get("weight")):
        if isinstance(value, dict) and _text(value, "value"):
            unit = (_text(value, "unitCode") or _text(value, "unitText")).upper()
            number, given = _text(value, "value"), unit
        elif isinstance(value, str):
            number, _, given = value.strip().partition(" ")
        else:
            continue
        grams = WEIGHT.get(given.strip().upper())
        if grams is None:
            raise Unfit(row, "weight", f"{given!r} is no unit known here, such as GRM or KGM")
        return _take(row, "weight", partial(_grams, grams), number)
    return None


def _amount(text: str) -> str:
    return cells.amount(text) if text else ""


def _grams(unit: Decimal, text: str) -> int:
    return cells.whole(f"{Decimal(cells.amount(text)) * unit:f}")


def _take(row: int, column: str, turn: Callable[[str], T], text: str) -> T:
    try:
        return turn(text)
    except ValueError as error:
        raise Unfit(row, column, str(error)) from error


SCHEMAORG: Final = Format("schemaorg", "schema.org products", True, recognises, read)
