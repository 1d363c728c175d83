"""Search: full text and filters over everything in the catalogue.

What is found is ordered by where the words stand: in the title, in tags, category, brand and codes, or elsewhere,
each newest first; where the words are rare enough to be weighed in time, by BM25 with the same preference. Every step
looks at no more than WINDOW listings, so the answer takes about the same time in a catalogue of any size.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import apsw

from netnode.problems import ExitCode, Problem
from netnode.projections import facets
from protocol.records import Block

COUNTED: Final = 10_000  # totals are exact up to here
WINDOW: Final = COUNTED + 1
# BM25 reads all listings of each word, so it weighs only these: about 10 ms.
GRADED_HITS: Final = 1_000
GRADED_WORD: Final = 5_000
MAX_WORDS: Final = 16
PREFIX_FROM: Final = 3
_EXCLUDED: Final = 32  # hidden sellers that the index leaves out; further ones are left out row by row
_WEIGHTS: Final = "10, 5, 3, 3, 5, 2, 1, 0"
_LABELS: Final = "{title tags category brand codes}"
_IDEOGRAPHS: Final = "\u2e80"  # from here on scripts that are written without spaces

Key = tuple[float, int, int]  # grade or tier, -time, -l: rising in the order of the answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is looked for. Prices are decimals in major units, `seller` is an id of 32 bytes."""

    text: str = ""
    kind: str | None = None
    seller: bytes | None = None
    category: str | None = None
    min_price: str | None = None
    max_price: str | None = None
    currency: str | None = None
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Hits:
    """Row numbers of `listing` in order; `total` is exact unless `more`; `next` is the cursor of the page after."""

    total: int
    more: bool
    rows: tuple[int, ...]
    next: str | None


def find(connection: apsw.Connection, query: Query, now_ms: int, own: bytes | None = None) -> Hits:
    """Searches the catalogue.

    Args:
        connection: any, best inside a transaction, so that the rows found can be read.
        query: what is looked for.
        now_ms: the clock; listings that expire at or before it are not found.
        own: id of this node's networker, whose public blocks hide sellers here.

    Raises:
        Problem: the cursor is of another query.
    """
    mode, after = _after(query)
    scope = _scope(connection, query, now_ms, own)
    if scope is None:
        return Hits(0, False, (), None)
    words = _words(connection, query.text)
    if words is None:
        return Hits(0, False, (), None)
    if not words and not scope.facets:
        return _newest(connection, query, scope, after)
    return _Search(connection, query, scope, words, mode, after).answer()


# -- what a query asks for -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Scope:
    """The filters of a query: as words of the index, and as conditions on rows with their values."""

    facets: tuple[str, ...]
    excluded: str
    conditions: str
    values: dict[str, Any]

    def match(self, text: str = "") -> str:
        """The expression for a text and all filters."""
        parts = [f"({part})" for part in (text, *self.facets) if part]
        return " AND ".join(parts) + self.excluded


def _scope(connection: apsw.Connection, query: Query, now_ms: int, own: bytes | None) -> _Scope | None:
    """The filters; None when nothing can pass them."""
    words: list[str] = []
    conditions = ["(listing.expires IS NULL OR listing.expires > :now)"]
    values: dict[str, Any] = {"now": now_ms}
    if query.kind is not None:
        words.append(_quoted(facets.kind_facet(query.kind)))
    if query.seller is not None:
        n = connection.execute("SELECT n FROM networker WHERE id = ?", (query.seller,)).get
        if n is None:
            return None
        words.append(_quoted(facets.seller_facet(n)))
    path = "" if query.category is None else facets.category_path(query.category)
    if path:
        words.append(_quoted(facets.category_facet(path)))
    if query.currency is not None:
        words.append(_quoted(facets.currency_facet(query.currency)))
    if query.min_price is not None or query.max_price is not None:
        low = 0 if query.min_price is None else facets.bound(query.min_price, upper=False)
        high = facets.HIGHEST if query.max_price is None else facets.bound(query.max_price, upper=True)
        if low > high:
            return None
        words.append(" OR ".join(map(_quoted, facets.price_facets(low, high))))
        conditions.append("listing.low BETWEEN :low AND :high")
        values |= {"low": low, "high": high}
    hidden = _hidden(connection, own)
    excluded = ""
    if hidden:
        conditions.append("listing.n NOT IN (SELECT value FROM json_each(:hidden))")
        values["hidden"] = json.dumps(hidden)
        excluded = f" NOT ({' OR '.join(_quoted(facets.seller_facet(n)) for n in hidden[:_EXCLUDED])})"
    return _Scope(tuple(words), excluded, " AND ".join(conditions), values)


def _hidden(connection: apsw.Connection, own: bytes | None) -> list[int]:
    """Sellers whose listings are not shown: blocked here, blocked in public by the owner, or with a closed log."""
    rows = connection.execute(
        "SELECT n FROM blocked UNION SELECT n FROM projected WHERE closed UNION"
        " SELECT target.n FROM statement JOIN networker AS author ON author.n = statement.n"
        " JOIN networker AS target ON target.id = statement.target"
        " WHERE author.id = ? AND statement.kind = ? AND NOT statement.lifted ORDER BY 1",
        (own, Block.KIND),
    )
    return [n for (n,) in rows]


def _words(connection: apsw.Connection, text: str) -> list[tuple[str, bool]] | None:
    """The words of a text as the index sees them, and whether each also stands for longer words.

    Returns:
        No words for a text of nothing but punctuation; None for words that nothing can have.
    """
    if facets.MARK in text:
        return None
    split = connection.fts5_tokenizer("unicode61", ["remove_diacritics", "2"])
    stem = connection.fts5_tokenizer("porter", ["unicode61", "remove_diacritics", "2"])
    data = text.replace("\x00", " ").encode()
    found: Any = split(
        data, apsw.FTS5_TOKENIZE_DOCUMENT, None, include_offsets=False, include_colocated=False
    )
    words: list[str] = list(dict.fromkeys(found))[:MAX_WORDS]
    return [(word, _prefixed(word, stem)) for word in words]


def _prefixed(word: str, stem: Any) -> bool:
    """Whether a word may be the beginning of one: `lamp` of lampshade. Not `running`: its stem would be of runway."""
    if len(word) < PREFIX_FROM and word[0] < _IDEOGRAPHS:
        return False
    stems = stem(
        word.encode(), apsw.FTS5_TOKENIZE_DOCUMENT, None, include_offsets=False, include_colocated=False
    )
    return bool(stems == [word])


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


# -- answers -------------------------------------------------------------------------------------------------
def _newest(connection: apsw.Connection, query: Query, scope: _Scope, after: Key | None) -> Hits:
    """All listings, newest first: a walk along the index by time."""
    conditions = f"listing.indexed AND {scope.conditions}"
    total: int = connection.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM listing WHERE {conditions} LIMIT {WINDOW})",  # noqa: S608 - constants
        scope.values,
    ).get
    values = scope.values | {"limit": query.limit + 1}
    if after is not None:
        conditions += " AND (listing.time, listing.l) < (:time, :l)"
        values |= {"time": -after[1], "l": -after[2]}
    rows: list[Any] = connection.execute(
        f"SELECT time, l FROM listing WHERE {conditions} ORDER BY time DESC, l DESC LIMIT :limit",  # noqa: S608
        values,
    ).fetchall()
    return _page(query, "newest", total, [(0.0, -time, -row) for time, row in rows])


class _Search:
    """One search by the full-text index."""

    __slots__ = ("_after", "_connection", "_mode", "_query", "_scope", "_words")

    def __init__(
        self,
        connection: apsw.Connection,
        query: Query,
        scope: _Scope,
        words: list[tuple[str, bool]],
        mode: str,
        after: Key | None,
    ) -> None:
        self._connection = connection
        self._query = query
        self._scope = scope
        self._words = words
        self._mode = mode  # "" on the first page; the pages after keep to what it chose
        self._after = after

    def answer(self) -> Hits:
        if not self._words:
            found = self._candidates(self._scope.match())
            return self._paged("newest", len(found), [(0.0, -time, -row) for row, time in found])
        mode = self._mode or self._choose()
        text = self._text(longer=not mode.startswith("exact"))
        found = self._candidates(self._scope.match(text))
        if mode == "graded" or (mode == "longer" and not self._mode and self._gradable(len(found))):
            return self._paged("graded", len(found), self._graded(text, found))
        return self._tiers(mode, text, found)

    def _choose(self) -> str:
        """Words that fill the count by themselves need no longer ones beside them, which are dear to merge."""
        if not any(longer for _, longer in self._words):
            return "longer"
        return (
            "exact"
            if self._count(self._scope.match(self._text(longer=False)), WINDOW) == WINDOW
            else "longer"
        )

    def _text(self, *, longer: bool) -> str:
        return " AND ".join(
            f"{_quoted(word)}{'*' if longer and open_ else ''}" for word, open_ in self._words
        )

    def _count(self, match: str, limit: int) -> int:
        query = f"SELECT count(*) FROM (SELECT 1 FROM listing_text(?) LIMIT {limit})"  # noqa: S608 - a number
        return int(self._connection.execute(query, (match,)).get)

    def _candidates(self, match: str) -> list[tuple[int, int]]:
        """The newest arrivals, at most WINDOW, that match and pass the filters: (row, time)."""
        rows: list[Any] = self._connection.execute(
            "SELECT listing.l, listing.time FROM listing_text(:match) AS found"  # noqa: S608 - constants
            f" CROSS JOIN listing ON listing.l = found.rowid WHERE {self._scope.conditions}"
            f" ORDER BY found.rowid DESC LIMIT {WINDOW}",
            self._scope.values | {"match": match},
        ).fetchall()
        return rows

    def _gradable(self, hits: int) -> bool:
        return hits <= GRADED_HITS and all(
            self._count(f"{_quoted(word)}{'*' if longer else ''}", GRADED_WORD + 1) <= GRADED_WORD
            for word, longer in self._words
        )

    def _graded(self, text: str, found: list[tuple[int, int]]) -> list[Key]:
        times = dict(found)
        rows = self._connection.execute(
            f"SELECT rowid, bm25(listing_text, {_WEIGHTS}) FROM listing_text(?)",  # noqa: S608 - constants
            (text,),
        )
        return [(round(grade, 6), -times[row], -row) for row, grade in rows if row in times]

    def _tiers(self, mode: str, text: str, found: list[tuple[int, int]]) -> Hits:
        """Title, labels, anywhere: a tier is looked up only when the page reaches it."""
        seen: set[int] = set()
        keys: list[Key] = []
        sources: tuple[Callable[[], list[tuple[int, int]]], ...] = (
            lambda: self._candidates(self._scope.match(f"{{title}} : ({text})")),
            lambda: self._candidates(self._scope.match(f"{_LABELS} : ({text})")),
            lambda: found,
        )
        first = 0 if self._after is None else int(self._after[0])
        for tier, source in enumerate(sources):
            fresh = [(row, time) for row, time in source() if row not in seen]
            seen.update(row for row, _ in fresh)
            if tier >= first:
                keys += self._behind([(float(tier), -time, -row) for row, time in fresh])
            if len(keys) > self._query.limit:
                break
        keys.sort()
        return _page(self._query, mode, len(found), keys)

    def _behind(self, keys: list[Key]) -> list[Key]:
        return keys if self._after is None else [key for key in keys if key > self._after]

    def _paged(self, mode: str, total: int, keys: list[Key]) -> Hits:
        return _page(self._query, mode, total, sorted(self._behind(keys)))


def _page(query: Query, mode: str, total: int, keys: Sequence[Key]) -> Hits:
    page = keys[: query.limit]
    following = _cursor(query, mode, page[-1]) if len(keys) > len(page) else None
    return Hits(min(total, COUNTED), total > COUNTED, tuple(-row for _, _, row in page), following)


# -- cursors -------------------------------------------------------------------------------------------------
def _digest(query: Query) -> str:
    parts = (
        query.text, query.kind, None if query.seller is None else query.seller.hex(), query.category,
        query.min_price, query.max_price, query.currency,
    )  # fmt: skip
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _cursor(query: Query, mode: str, key: Key) -> str:
    text = json.dumps([_digest(query), mode, *key], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _after(query: Query) -> tuple[str, Key | None]:
    """How the pages before were ordered, and the last place on them."""
    if query.cursor is None:
        return "", None
    try:
        data = base64.urlsafe_b64decode(query.cursor + "=" * (-len(query.cursor) % 4))
        match json.loads(data):
            case [
                str(digest),
                ("newest" | "graded" | "longer" | "exact") as mode,
                float(grade),
                int(time),
                int(row),
            ]:
                if digest == _digest(query) and max(abs(time), abs(row)) < 2**63 and abs(grade) < 2**31:
                    return mode, (grade, time, row)
    except (ValueError, RecursionError):
        pass
    raise Problem(
        "The cursor does not belong to this search. Begin again without it.", ExitCode.USAGE, "cursor"
    )
