"""Nostr events: classified listings (NIP-99), and stalls with products (NIP-15).

A file is a JSON array of events, one event, or one event a line, signed or not; signatures are not judged, since what
is imported is published anew under the own key. An event's place in the file is its row, the first being 1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, BinaryIO, Final

from netnode.feeds import cells
from netnode.feeds.documents import load_json
from netnode.feeds.product import Choice, FeedError, Format, Picture, Product, Rate, Skipped, Unfit
from netnode.feeds.texts import absolute, slug

LISTING: Final = 30402
DRAFT: Final = 30403
STALL: Final = 30017
PRODUCT: Final = 30018
CATEGORY: Final = "category"  # third place of a `t` tag: which of them is the category
PERIODS: Final = ("day", "week", "month", "year")
STATUS: Final = {"active": "in_stock", "sold": "out_of_stock"}
_OWN: Final = re.compile(r'"kind"\s*:\s*(?:30402|30403|30017|30018)\b|"stall_id"')
_PLACE: Final = re.compile(r"(?:(.*), )?([A-Z]{2})", re.DOTALL)
_REGION: Final = re.compile(r"\*|[A-Z]{2}(?:-[A-Z0-9]{1,13})?")
_DAYS: Final = re.compile(r"(\d{1,4})-(\d{1,4})")
_PERIOD: Final = re.compile(r"(?:(\d{1,3}) )?(\w+?)s?")
_MARKDOWN: Final = re.compile(r"[*_`#>\[\]<~|\\&]|^ *(?:[-+=]|\d+[.)])", re.MULTILINE)


def recognises(sample: str) -> bool:
    """Whether it is JSON with an event of one of the kinds for products."""
    return sample.lstrip("\ufeff \r\n\t")[:1] in ("[", "{") and _OWN.search(sample) is not None


def read(stream: BinaryIO, encoding: str) -> Iterator[Product | Skipped]:
    """Yields the products of a file; of several versions of one event the newest.

    Raises:
        FeedError: no JSON of events.
    """
    events = _events(stream.read().decode(encoding))
    return _read([(row, event) for row, event in enumerate(events, 1)])


def _events(text: str) -> list[Any]:
    try:
        try:
            value = load_json(text)
        except json.JSONDecodeError as error:
            lines = [line for line in text.splitlines() if line.strip()]
            if len(lines) < 2 or error.msg != "Extra data":
                raise
            value = [load_json(line) for line in lines]
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise FeedError(
            f"The file is not the JSON of Nostr events{where}. Check how it was written."
        ) from error
    if isinstance(value, dict):
        inner = value.get("events")
        if isinstance(inner, list):
            value = inner
        elif "kind" in value or "name" in value:
            value = [value]
        else:  # events by name, as examples and exports of some relays have them
            value = list(value.values())
    if not isinstance(value, list):
        raise FeedError("The file is JSON, but no array of Nostr events.")
    # Relays send ["EVENT", subscription, event].
    return [each[-1] if isinstance(each, list) and each[:1] == ["EVENT"] else each for each in value]


@dataclass(frozen=True, slots=True)
class _Stall:
    currency: str
    zones: Mapping[str, Mapping[str, Any]]


def _read(events: list[tuple[int, Any]]) -> Iterator[Product | Skipped]:
    newest: dict[tuple[str, str], tuple[int, int]] = {}
    stalls: dict[str, _Stall] = {}
    for row, event in events:
        if not isinstance(event, dict):
            continue
        if event.get("kind") == STALL:
            _remember(event, stalls)
        elif event.get("kind") in (LISTING, DRAFT, PRODUCT):
            name = _name(event)
            time = event.get("created_at")
            version = (time if type(time) is int else 0, row)
            newest[name] = max(newest.get(name, version), version)
    for row, event in events:
        if isinstance(event, dict) and event.get("kind") == STALL:
            continue
        try:
            if isinstance(event, dict) and event.get("kind") in (LISTING, DRAFT, PRODUCT):
                last = newest[_name(event)][1]
                if last != row and _name(event)[1]:
                    raise Unfit(row, "created_at", f"a former version of the event at {last}")
            yield _product(row, event, stalls)
        except Unfit as unfit:
            yield Skipped(unfit.row, unfit.column, unfit.reason)


def _name(event: Mapping[str, Any]) -> tuple[str, str]:
    return _text(event.get("pubkey")), _first(_tags(event), "d")


def _product(row: int, event: Any, stalls: Mapping[str, _Stall]) -> Product:
    if not isinstance(event, dict):
        raise Unfit(row, "kind", "is no event")
    kind = event.get("kind")
    if kind in (LISTING, DRAFT):
        return _classified(row, event)
    if kind == PRODUCT:
        return _stall_product(row, _content(row, event), _tags(event), stalls)
    if kind is None and "name" in event and "price" in event:
        return _stall_product(row, event, [], stalls)
    raise Unfit(row, "kind", f"an event of kind {kind!r} is no product; 30402 and 30018 are")


def _content(row: int, event: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        value = load_json(_text(event.get("content")))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Unfit(row, "content", "is not the JSON of a product")
    return value


# -- NIP-99 ----------------------------------------------------------------------------------------------------
def _classified(row: int, event: Mapping[str, Any]) -> Product:
    tags = _tags(event)
    title = _first(tags, "title") or _first(tags, "name")
    if not title:
        raise Unfit(row, "title", "is missing")
    key = _first(tags, "d") or slug(title)
    if not key:
        raise Unfit(row, "d", "is missing, and no key can be made of the title")
    content = _text(event.get("content")).strip()
    words = [tag for tag in tags if tag[0] == "t" and len(tag) > 1 and tag[1]]
    place = _PLACE.fullmatch(_first(tags, "location"))
    status = _first(tags, "status").casefold()
    return Product(
        row=row,
        key=key,
        title=title,
        choices=(_price(row, tags, STATUS.get(status, "")),),
        summary=_first(tags, "summary"),
        description=content,
        # Without any of its signs Markdown is plain text.
        format=("markdown" if _MARKDOWN.search(content) else "plain") if content else "",
        category=next((tag[1] for tag in words if CATEGORY in tag[2:]), ""),
        tags=tuple(dict.fromkeys(tag[1] for tag in words if CATEGORY not in tag[2:])),
        images=_pictures(tag[1] for tag in tags if tag[0] == "image" and len(tag) > 1),
        url=next(
            (tag[1] for tag in tags if tag[0] == "r" and len(tag) > 1 and tag[1].startswith("http")), ""
        ),
        shipping=tuple(_rate(row, tag) for tag in tags if tag[0] == "shipping"),
        country=place[2] if place else "",
        region=place[1] or "" if place else "",
        geohash=_first(tags, "g")[:5] if place else "",
        expires=_expires(row, _first(tags, "expiration")),
        published=event.get("kind") != DRAFT,
        columns={"key": "d", "tags": "t", "category": "t", "description": "content", "published": "kind"},
    )


def _price(row: int, tags: list[list[str]], availability: str) -> Choice:
    price = next((tag for tag in tags if tag[0] == "price" and len(tag) > 1), None)
    if price is None:
        return Choice(row=row, availability=availability)
    if len(price) < 3 or not price[2]:
        raise Unfit(row, "price", "names no currency")
    return Choice(
        row=row,
        price=_amount(row, price[1]),
        currency=price[2].upper(),
        per=_per(row, price[3]) if len(price) > 3 and price[3] else None,
        availability=availability,
    )


def _per(row: int, text: str) -> tuple[int, str]:
    found = _PERIOD.fullmatch(text.strip().casefold())
    if found is None or found[2] not in PERIODS or found[1] == "0":
        raise Unfit(row, "price", f"{text!r} is none of the periods {', '.join(PERIODS)}")
    return int(found[1] or 1), found[2]


def _rate(row: int, tag: list[str]) -> Rate:
    """`["shipping", label, cost, currency, regions, days]`, of which the latter may be missing."""
    label, cost, currency, regions, days = [*tag[1:6], "", "", "", "", ""][:5]
    if cost and not currency:
        raise Unfit(row, "shipping", "names no currency")
    span = _DAYS.fullmatch(days)
    return Rate(
        regions=tuple(dict.fromkeys(part for part in regions.split(",") if part)) or ("*",),
        label=label,
        price=_amount(row, cost, "shipping") if cost else "",
        currency=currency.upper(),
        days=(int(span[1]), int(span[2])) if span else None,
    )


def _expires(row: int, text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 13):
        raise Unfit(row, "expiration", f"{text!r} is no time in seconds since 1970")
    return int(text) * 1000


# -- NIP-15 ----------------------------------------------------------------------------------------------------
def _remember(event: Mapping[str, Any], stalls: dict[str, _Stall]) -> None:
    try:
        value = _content(0, event)
    except Unfit:
        return
    zones = value.get("shipping")
    stalls[_text(value.get("id"))] = _Stall(
        _text(value.get("currency")),
        {_text(zone.get("id")): zone for zone in zones if isinstance(zone, dict)}
        if isinstance(zones, list)
        else {},
    )


def _stall_product(
    row: int, value: Mapping[str, Any], tags: list[list[str]], stalls: Mapping[str, _Stall]
) -> Product:
    title = _text(value.get("name")).strip()
    if not title:
        raise Unfit(row, "name", "is missing")
    code = _text(value.get("id")).strip() or _first(tags, "d")
    stall = stalls.get(_text(value.get("stall_id")), _Stall("", {}))
    currency = (_text(value.get("currency")) or stall.currency).upper()
    price = _number(row, value.get("price"), "price")
    if price and not currency:
        raise Unfit(row, "currency", "is missing")
    quantity = value.get("quantity")
    if quantity is not None and type(quantity) is not int:
        raise Unfit(row, "quantity", f"{quantity!r} is not a whole number")
    specs = _specs(value.get("specs"))
    condition = specs.get("condition", "").casefold()
    images = value.get("images")
    words = [tag[1] for tag in tags if tag[0] == "t" and len(tag) > 1 and tag[1]]
    key = code or slug(title)
    if not key:
        raise Unfit(row, "id", "is missing, and no key can be made of the name")
    return Product(
        row=row,
        key=key,
        title=title,
        choices=(
            Choice(
                row=row,
                price=price,
                currency=currency,
                sku=code,
                gtin=specs.get("gtin", ""),
                mpn=specs.get("mpn", ""),
                availability="out_of_stock" if quantity is not None and quantity <= 0 else "in_stock",
                stock=quantity,
            ),
        ),
        description=_text(value.get("description")).strip(),
        brand=specs.get("brand", ""),
        condition=condition if condition in ("new", "used", "refurbished") else "",
        tags=tuple(dict.fromkeys(words)),
        images=_pictures(images if isinstance(images, list) else ()),
        shipping=tuple(_zones(row, value.get("shipping"), stall, currency)),
        columns={"key": "id", "sku": "id", "title": "name", "tags": "t", "image": "images"},
    )


def _zones(row: int, extra: Any, stall: _Stall, currency: str) -> Iterator[Rate]:
    """A product's zones: what its stall asks for each, and the product's own cost on top."""
    for each in extra if isinstance(extra, list) else ():
        zone = stall.zones.get(_text(each.get("id"))) if isinstance(each, dict) else None
        if zone is None or stall.currency.upper() != currency:
            continue
        named = zone.get("regions")
        words = [_text(region).strip() for region in named] if isinstance(named, list) else []
        regions = tuple(
            dict.fromkeys("*" if word.casefold() == "worldwide" else word.upper() for word in words)
        )
        # A zone whose places have no codes would promise something else.
        if regions and all(_REGION.fullmatch(region) for region in regions):
            base, more = (_number(row, part.get("cost"), "shipping") for part in (zone, each))
            yield Rate(
                regions, _text(zone.get("name")), f"{Decimal(base or 0) + Decimal(more or 0):f}", currency
            )


def _number(row: int, value: Any, column: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _amount(row, value, column)
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not -1 < value < 10**15:
        raise Unfit(row, column, f"{value!r} is not an amount")
    text = f"{Decimal(str(value)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _specs(value: Any) -> dict[str, str]:
    pairs = value if isinstance(value, list) else []
    return {
        _text(pair[0]).casefold(): _text(pair[1]).strip()
        for pair in reversed(pairs)
        if isinstance(pair, list) and len(pair) > 1
    }


# -- both ------------------------------------------------------------------------------------------------------
def _tags(event: Mapping[str, Any]) -> list[list[str]]:
    tags = event.get("tags")
    found = (
        [[_text(part) for part in tag] for tag in tags if isinstance(tag, list)]
        if isinstance(tags, list)
        else []
    )
    return [[tag[0], *(part.strip() for part in tag[1:])] for tag in found if tag]


def _first(tags: list[list[str]], name: str) -> str:
    return next((tag[1] for tag in tags if tag[0] == name and len(tag) > 1 and tag[1]), "")


def _pictures(urls: Any) -> tuple[Picture, ...]:
    return tuple(Picture(url) for url in dict.fromkeys(absolute(_text(url)) for url in urls) if url)


def _amount(row: int, text: str, column: str = "price") -> str:
    try:
        return cells.amount(text)
    except ValueError as error:
        raise Unfit(row, column, str(error)) from error


def _text(value: Any) -> str:
    """A text, or a number that stands where a text should; anything else says nothing."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    return str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else ""


NOSTR: Final = Format("nostr", "Nostr events (NIP-99, NIP-15)", True, recognises, read)
