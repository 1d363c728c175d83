"""Documents with data in them: JSON with its numbers as written, and pages with JSON-LD or microdata."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

_NAME: Final = re.compile(r"<(/?)([a-zA-Z][^\s/>]{0,63})")
# One step within a tag: its end, or an attribute with its value in one of three forms, or a slash between.
_ATTRIBUTE: Final = re.compile(
    r"""\s*+(?:(>)|/++|([^\s>/=][^\s>/=]*+|=[^\s>/=]*+)(?:\s*+=\s*+(?:"([^"]*)"|'([^']*)'|([^\s>"'][^\s>]*+)?))?)"""
)
_RAW: Final = ("script", "style", "textarea", "title", "noscript")
_VOID: Final = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
_ADDRESS: Final = {"a": "href", "area": "href", "link": "href"} | dict.fromkeys(
    ("audio", "embed", "iframe", "img", "source", "track", "video"), "src"
)
_VALUE: Final = {"meta": "content", "data": "value", "meter": "value", "time": "datetime", "object": "data"}
MAX_EXPONENT: Final = 30  # why: beyond any price or measure
MAX_DEPTH: Final = 500  # why: pages nest some dozens deep; what goes on is left unread


def load_json(text: str) -> Any:
    """Reads JSON; numbers with decimals keep them as written, since they may be prices.

    Raises:
        ValueError: no JSON. RecursionError: nested too deep.
    """

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    return json.loads(text, parse_float=_number, parse_constant=refuse)


def _number(text: str) -> Decimal:
    """A number with decimals or an exponent, of a size that can be meant: 1e999999 would fill the memory as text."""
    try:
        number = Decimal(text)
    except ArithmeticError as error:
        raise ValueError(f"{text} is no number that can be meant") from error
    if number.is_finite() and (not number or abs(number.adjusted()) <= MAX_EXPONENT):
        return number
    raise ValueError(f"{text} is no number that can be meant")


@dataclass(slots=True)
class Page:
    """What a page has: the texts of its JSON-LD scripts, and its items of microdata in the shape of JSON-LD."""

    scripts: list[str] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)


def read_page(text: str) -> Page:
    """Finds the data of an HTML page; never fails, as browsers never do, and takes time in proportion to its size."""
    reading = _Reading()
    lower = text.lower() if len(text.lower()) == len(text) else text
    place = 0
    while True:
        begin = text.find("<", place)
        if begin < 0:
            reading.data(text[place:])
            break
        if text.startswith("<!--", begin):
            reading.data(text[place:begin])
            place = _after(text, "-->", begin + 4)
        elif text.startswith(("<!", "<?"), begin):
            reading.data(text[place:begin])
            place = _after(text, ">", begin + 2)
        elif (found := _NAME.match(text, begin)) is None:
            reading.data(text[place : begin + 1])
            place = begin + 1
        else:
            reading.data(text[place:begin])
            tag = found[2].casefold()
            attributes, place = _attributes(text, found.end())
            if place < 0:
                break
            if found[1]:
                reading.end(tag)
            elif tag in _RAW:
                end = lower.find(f"</{tag}", place)
                end = len(text) if end < 0 else end
                reading.raw(tag, attributes, text[place:end])
                place = end
            else:
                reading.start(tag, attributes)
    reading.close()
    return reading.page


def _after(text: str, end: str, place: int) -> int:
    found = text.find(end, place)
    return len(text) if found < 0 else found + len(end)


def _attributes(text: str, place: int) -> tuple[dict[str, str], int]:
    """The attributes of a tag, and the place after it; -1 when the page ends within it."""
    attributes: dict[str, str] = {}
    while (found := _ATTRIBUTE.match(text, place)) is not None:
        place = found.end()
        if found[1] == ">":
            return attributes, place
        if found[2] is not None:
            value = next((part for part in found.group(3, 4, 5) if part is not None), "")
            attributes.setdefault(found[2].casefold(), html.unescape(value))
    return attributes, -1


@dataclass(slots=True)
class _Open:
    """An element that has not ended. `node`: the item it is; `names`: the property of `owner` that it gives."""

    tag: str
    owner: dict[str, Any] | None = None
    names: tuple[str, ...] = ()
    node: dict[str, Any] | None = None
    value: str | None = None
    text: list[str] = field(default_factory=list)


class _Reading:
    """The state between two tags."""

    __slots__ = ("_open", "page")

    def __init__(self) -> None:
        self.page = Page()
        self._open: list[_Open] = []

    def raw(self, tag: str, attributes: dict[str, str], text: str) -> None:
        kind = attributes.get("type", "").partition(";")[0].strip().casefold()
        if tag == "script" and kind == "application/ld+json":
            self.page.scripts.append(text)

    def start(self, tag: str, given: dict[str, str]) -> None:
        if len(self._open) >= MAX_DEPTH:
            return
        owner = next((each.node for each in reversed(self._open) if each.node is not None), None)
        names = tuple(given.get("itemprop", "").split()) if owner is not None else ()
        element = _Open(tag, owner, names)
        if "itemscope" in given:
            element.node = {"@type": given.get("itemtype", "").split()}
            if given.get("itemid"):
                element.node["@id"] = given["itemid"]
            if not names:
                self.page.items.append(element.node)
        elif names:
            attribute = _ADDRESS.get(tag) or _VALUE.get(tag)
            # Many shops put the value into `content` of any element.
            element.value = given.get("content", given.get(attribute) if attribute else None)
        if tag in _VOID:
            _give(element)
        else:
            self._open.append(element)

    def end(self, tag: str) -> None:
        if any(each.tag == tag for each in self._open):
            while True:
                element = self._open.pop()
                _give(element)
                if element.tag == tag:
                    return

    def data(self, data: str) -> None:
        if not data:
            return
        for each in self._open:
            if each.names and each.node is None and each.value is None:
                each.text.append(data)

    def close(self) -> None:
        while self._open:
            _give(self._open.pop())


def _give(element: _Open) -> None:
    if element.owner is None:
        return
    value: Any = element.node
    if value is None:
        value = (
            " ".join(html.unescape("".join(element.text)).split())
            if element.value is None
            else element.value.strip()
        )
    for name in element.names:
        element.owner.setdefault(name, []).append(value)


def members(value: Any) -> Iterable[Any]:
    """A list as it is, nothing as no member, anything else as one."""
    if isinstance(value, list):
        return value
    return () if value is None else (value,)
