"""Documents with data in them: JSON with its numbers as written, and pages with JSON-LD or microdata."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any, Final

_VOID: Final = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
_ADDRESS: Final = {"a": "href", "area": "href", "link": "href"} | dict.fromkeys(
    ("audio", "embed", "iframe", "img", "source", "track", "video"), "src"
)
_VALUE: Final = {"meta": "content", "data": "value", "meter": "value", "time": "datetime", "object": "data"}
MAX_DEPTH: Final = 500  # why: pages nest some dozens deep; what goes on is left unread


def load_json(text: str) -> Any:
    """Reads JSON; numbers with decimals keep them as written, since they may be prices.

    Raises:
        ValueError: no JSON. RecursionError: nested too deep.
    """

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    return json.loads(text, parse_float=Decimal, parse_constant=refuse)


@dataclass(slots=True)
class Page:
    """What a page has: the texts of its JSON-LD scripts, and its items of microdata in the shape of JSON-LD."""

    scripts: list[str] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)


def read_page(text: str) -> Page:
    """Finds the data of an HTML page; never fails, as browsers never do."""
    parser = _Parser()
    parser.feed(text)
    parser.close()
    return parser.page


@dataclass(slots=True)
class _Open:
    """An element that has not ended. `node`: the item it is; `names`: the property of `owner` that it gives."""

    tag: str
    owner: dict[str, Any] | None = None
    names: tuple[str, ...] = ()
    node: dict[str, Any] | None = None
    value: str | None = None
    text: list[str] = field(default_factory=list)


class _Parser(HTMLParser):
    """Reads one page; the standard library makes this class to be inherited from."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._open: list[_Open] = []
        self._script: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "script":
            kind = given.get("type", "").partition(";")[0].strip().casefold()
            self._script = [] if kind == "application/ld+json" else None
            return
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
            element.value = given.get(attribute) if attribute else None
            element.value = given.get("content", element.value)
        if tag in _VOID:
            _give(element)
        else:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # HTML knows no self-closing tags but the void ones

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            if self._script is not None:
                self.page.scripts.append("".join(self._script))
            self._script = None
            return
        if any(each.tag == tag for each in self._open):
            while True:
                element = self._open.pop()
                _give(element)
                if element.tag == tag:
                    return

    def handle_data(self, data: str) -> None:
        if self._script is not None:
            self._script.append(data)
            return
        for each in self._open:
            if each.names and each.node is None:
                each.text.append(data)

    def close(self) -> None:
        super().close()
        while self._open:
            _give(self._open.pop())


def _give(element: _Open) -> None:
    if element.owner is None:
        return
    value: Any = element.node
    if value is None:
        value = " ".join("".join(element.text).split()) if element.value is None else element.value.strip()
    for name in element.names:
        element.owner.setdefault(name, []).append(value)


def members(value: Any) -> Iterable[Any]:
    """A list as it is, nothing as no member, anything else as one."""
    if isinstance(value, list):
        return value
    return () if value is None else (value,)
