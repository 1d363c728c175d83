"""Search: full text and filters over everything in the catalogue.

What is found is ordered by where the words stand: in the title, in tags, category, brand and codes, or elsewhere,
each newest first; where the words are rare enough to be weighed in time, by BM25 with the same preference. Every step
looks at no more than WINDOW listings, so the answer takes about the same time in a catalogue of any size.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
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
_ANY_EXPIRED: Final = "SELECT 1 FROM listing WHERE indexed AND expires IS NOT NULL AND expires <= ? LIMIT 1"
_PLAN: Final = re.compile(r"(graded|tiers)([01]*)")
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
    words = _words(connection, query.text)
    scope = None if words is None else _scope(connection, query, now_ms, own, bool(words))
    if words is None or scope is None:
        return Hits(0, False, (), None)
    if not words and not scope.facets:
        return _newest(connection, query, scope, after)
    return _Search(connection, query, scope, words, after).answer(mode)


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


def _scope(
    connection: apsw.Connection, query: Query, now_ms: int, own: bytes | None, worded: bool
) -> _Scope | None:
    """The filters; None when nothing can pass them. `worded`: the text has words to look up in the index."""
    words: list[str] = []
    conditions: list[str] = []
    values: dict[str, Any] = {}
    # What has expired leaves the index soon after; only in between the rows have to be asked.
    if connection.execute(_ANY_EXPIRED, (now_ms,)).get is not None:
        conditions.append("(listing.expires IS NULL OR listing.expires > :now)")
        values["now"] = now_ms
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
    if query.min_price is not None or query.max_price is not None:
        low = 0 if query.min_price is None else facets.bound(query.min_price, upper=False)
        high = facets.HIGHEST if query.max_price is None else facets.bound(query.max_price, upper=True)
        if low > high:
            return None
        words.append(" OR ".join(map(_quoted, facets.price_facets(low, high, query.currency))))
        conditions.append("listing.low BETWEEN :low AND :high")
        values |= {"low": low, "high": high}
    elif query.currency is not None:
        words.append(_quoted(facets.currency_facet(query.currency)))
    hidden = hidden_sellers(connection, own)
    excluded = ""
    if hidden:
        if len(hidden) > _EXCLUDED or not (words or worded):
            conditions.append("listing.n NOT IN (SELECT value FROM json_each(:hidden))")
            values["hidden"] = json.dumps(hidden)
        excluded = f" NOT ({' OR '.join(_quoted(facets.seller_facet(n)) for n in hidden[:_EXCLUDED])})"
    return _Scope(tuple(words), excluded, " AND ".join(conditions), values)


def hidden_sellers(connection: apsw.Connection, own: bytes | None) -> list[int]:
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
    conditions = " AND ".join(filter(None, ("listing.indexed", scope.conditions)))
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


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a search with words is answered; the pages after the first keep to it."""

    graded: bool
    longer: tuple[bool, ...]  # of each word: it also stands for the words it begins

    def name(self) -> str:
        return ("graded" if self.graded else "tiers") + "".join("1" if each else "0" for each in self.longer)


class _Search:
    """One search by the full-text index."""

    __slots__ = ("_after", "_connection", "_query", "_scope", "_words")

    def __init__(
        self,
        connection: apsw.Connection,
        query: Query,
        scope: _Scope,
        words: list[tuple[str, bool]],
        after: Key | None,
    ) -> None:
        self._connection = connection
        self._query = query
        self._scope = scope
        self._words = words
        self._after = after

    def answer(self, mode: str) -> Hits:
        """The page. `mode` is that of the pages before, empty on the first."""
        if not self._words:
            match = self._scope.match()
            total, keys = self._tier(0, match)
            return _page(self._query, "newest", total or self._total(match), keys)
        plan = _plan(mode, len(self._words))
        longer = self._longer() if plan is None else plan.longer
        text = self._text(longer)
        match = self._scope.match(text)
        total = self._total(match)
        if plan is None:
            plan = _Plan(total <= GRADED_HITS and self._rare(longer), longer)
        keys = self._graded(text, match) if plan.graded else self._tiers(text)
        return _page(self._query, plan.name(), total, keys)

    def _longer(self) -> tuple[bool, ...]:
        """Which words are taken as beginnings: of a word that fills the count by itself longer ones are not missed."""
        return tuple(open_ and self._count(_quoted(word), WINDOW) < WINDOW for word, open_ in self._words)

    def _rare(self, longer: tuple[bool, ...]) -> bool:
        return all(
            self._count(term, GRADED_WORD + 1) <= GRADED_WORD for term in self._text(longer).split(" AND ")
        )

    def _text(self, longer: tuple[bool, ...]) -> str:
        return " AND ".join(
            f"{_quoted(word)}{'*' if each else ''}"
            for (word, _), each in zip(self._words, longer, strict=True)
        )

    def _count(self, match: str, limit: int) -> int:
        query = f"SELECT count(*) FROM (SELECT 1 FROM listing_text(?) LIMIT {limit})"  # noqa: S608 - a number
        return int(self._connection.execute(query, (match,)).get)

    def _window(self) -> str:
        """The newest arrivals, at most WINDOW, that match and pass the filters."""
        return (
            "SELECT listing.l, listing.time FROM listing_text(:match) AS found"  # noqa: S608 - constants
            f" CROSS JOIN listing ON listing.l = found.rowid WHERE {self._scope.conditions or 'TRUE'}"
            f" ORDER BY found.rowid DESC LIMIT {WINDOW}"
        )

    def _total(self, match: str) -> int:
        if not self._scope.conditions:
            return self._count(match, WINDOW)
        return int(
            self._connection.execute(
                f"SELECT count(*) FROM ({self._window()})",  # noqa: S608 - constants
                self._scope.values | {"match": match},
            ).get
        )

    def _tier(self, tier: int, match: str) -> tuple[int, list[Key]]:
        """One tier: how many it has, and what stands behind the pages before: one page and one more, newest first."""
        values = self._scope.values | {"match": match, "limit": self._query.limit + 1}
        behind = ""
        if self._after is not None and int(self._after[0]) == tier:
            behind = "WHERE (time, l) < (:time, :row)"
            values |= {"time": -self._after[1], "row": -self._after[2]}
        rows: Any = self._connection.execute(
            "SELECT l, time, total FROM (SELECT l, time, count(*) OVER () AS total"  # noqa: S608 - constants
            f" FROM ({self._window()})) {behind} ORDER BY time DESC, l DESC LIMIT :limit",
            values,
        ).fetchall()
        total = rows[0][2] if rows else 0
        return total, [(float(tier), -time, -row) for row, time, _ in rows]

    def _tiers(self, text: str) -> list[Key]:
        """Title, labels, anywhere: a tier is looked up only when the page reaches it."""
        title, labels = f"{{title}} : ({text})", f"{_LABELS} : ({text})"
        matches = (title, f"({labels}) NOT ({title})", f"({text}) NOT ({labels})")
        keys: list[Key] = []
        first = 0 if self._after is None else int(self._after[0])
        for tier, match in enumerate(matches):
            if tier >= first and len(keys) <= self._query.limit:
                keys += self._tier(tier, self._scope.match(match))[1]
        return keys

    def _graded(self, text: str, match: str) -> list[Key]:
        times: Any = dict(self._connection.execute(self._window(), self._scope.values | {"match": match}))
        rows: Any = self._connection.execute(
            f"SELECT rowid, bm25(listing_text, {_WEIGHTS}) FROM listing_text(?)",  # noqa: S608 - constants
            (text,),
        )
        keys = sorted((round(grade, 6), -times[row], -row) for row, grade in rows if row in times)
        return keys if self._after is None else [key for key in keys if key > self._after]


def _plan(mode: str, words: int) -> _Plan | None:
    """The plan a cursor carries; None when it carries none for so many words."""
    found = _PLAN.fullmatch(mode)
    if found is None or len(found[2]) != words:
        return None
    return _Plan(found[1] == "graded", tuple(each == "1" for each in found[2]))


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
            case [str(digest), str(mode), float(grade), int(time), int(row)]:
                if digest == _digest(query) and max(abs(time), abs(row)) < 2**63 and abs(grade) < 2**31:
                    return mode, (grade, time, row)
    except (ValueError, RecursionError):
        pass
    raise Problem(
        "The cursor does not belong to this search. Begin again without it.", ExitCode.USAGE, "cursor"
    )
