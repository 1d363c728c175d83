"""Feeds in XML, read item by item. Document types are refused, and with them every trick with entities."""

from __future__ import annotations

import xml.parsers.expat
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, NoReturn

from netnode.feeds.product import FeedError

_BLOCK: Final = 64 * 1024
_ITEMS: Final = ("item", "entry")  # of RSS and of Atom
MAX_DEPTH: Final = 32  # why: an item nests two deep; a feed that nests deeper is no feed


@dataclass(frozen=True, slots=True)
class Element:
    """One item: texts of its children by local name, and those of their children, joined to one path by a slash."""

    line: int
    texts: dict[str, list[str]] = field(default_factory=dict)
    parts: dict[str, list[dict[str, str]]] = field(default_factory=dict)


def items(stream: BinaryIO) -> Iterator[Element]:
    """Reads the items of a feed as it goes.

    Raises:
        FeedError: a document type, or no well-formed XML.
    """
    reading = _Reading()
    stream.seek(0)
    while True:
        block = stream.read(_BLOCK)
        try:
            reading.parser.Parse(block, not block)
        except xml.parsers.expat.ExpatError as error:
            raise FeedError(
                f"The file is not well-formed XML in line {error.lineno}: "
                f"{xml.parsers.expat.errors.messages[error.code]}. Write it anew where it comes from."
            ) from error
        except (LookupError, ValueError) as error:
            raise FeedError(
                "The file is XML in an encoding that is unknown here. Save it as UTF-8."
            ) from error
        yield from reading.taken()
        if not block:
            return


class _Reading:
    """The state between two blocks."""

    __slots__ = ("_element", "_found", "_part", "_path", "_text", "parser")

    def __init__(self) -> None:
        parser = xml.parsers.expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.buffer_text = True
        self.parser = parser
        self._path: list[str] = []
        self._element: Element | None = None
        self._part: dict[str, str] = {}
        self._text: list[str] = []
        self._found: list[Element] = []

    def taken(self) -> list[Element]:
        found, self._found = self._found, []
        return found

    def _refuse(self, *_: Any) -> NoReturn:
        raise FeedError(
            "The file has a document type (DOCTYPE), which is not read: it could name other files. "
            "A feed needs none; take its line out."
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2].casefold()
        if self._element is None:
            if local in _ITEMS:
                self._element, self._path = Element(self.parser.CurrentLineNumber), []
            return
        self._path.append(local)
        if len(self._path) > MAX_DEPTH:
            raise FeedError(f"The file nests its elements more than {MAX_DEPTH} deep; no feed does.")
        self._text = []
        if len(self._path) == 1:
            self._part = {}
            if (
                local == "link"
                and attributes.get("href")
                and attributes.get("rel", "alternate") == "alternate"
            ):
                self._text = [attributes["href"]]  # of Atom

    def _end(self, name: str) -> None:
        if self._element is None:
            return
        if not self._path:
            self._found.append(self._element)
            self._element = None
            return
        local = self._path.pop()
        text = "".join(self._text).strip()
        self._text = []
        if len(self._path) == 1 and text:
            self._part[local] = text
        elif not self._path and self._part:
            self._element.parts.setdefault(local, []).append(self._part)
        elif not self._path and text:
            self._element.texts.setdefault(local, []).append(text)

    def _characters(self, data: str) -> None:
        if self._element is not None and self._path:
            self._text.append(data)
