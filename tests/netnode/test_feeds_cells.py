"""Cells as spreadsheets save them: encodings, separators, quotes, amounts in other habits."""

from __future__ import annotations

import io

import pytest

from netnode.feeds import cells
from netnode.feeds.product import FeedError
from netnode.feeds.reading import FORMATS, read_feed

ALIASES = {"key": ("handle",), "title": ("title",), "price": ("price", "variant price")}


def read(data: bytes) -> list[tuple[int, dict[str, str]]]:
    stream = io.BytesIO(data)
    _, rows = cells.rows(stream, cells.encoding_of(stream), ALIASES)
    found = [(row.line, dict(row.cells)) for row in rows]
    assert not stream.closed
    return found


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"a", "utf-8-sig"),
        ("Été".encode(), "utf-8-sig"),
        ("Été".encode("utf-8-sig"), "utf-8-sig"),
        ("Été".encode("cp1252"), "cp1252"),
        ("Été".encode("utf-16"), "utf-16"),
        (b"x" * 300_000 + "€".encode("cp1252"), "cp1252"),
        (b"x" * (256 * 1024 - 1) + "é".encode(), "utf-8-sig"),
    ],
)
def test_the_encoding_is_found_in_the_whole_file(data: bytes, encoding: str) -> None:
    stream = io.BytesIO(data)
    assert cells.encoding_of(stream) == encoding
    assert stream.tell() == 0


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04rest", "workbook"),
        (b"\xd0\xcf\x11\xe0rest", "workbook"),
        (b"a\x81b", "not text in UTF-8"),
        (b"a\x00b", "not text in UTF-8"),
        (b"\xff\xfea", "not text in UTF-8"),
    ],
)
def test_what_is_no_text_is_said_in_words(data: bytes, says: str) -> None:
    with pytest.raises(FeedError, match=says):
        cells.encoding_of(io.BytesIO(data))


@pytest.mark.parametrize(
    "data",
    [
        b"Handle,Title,Price\nk,t,5\n",
        b"\xef\xbb\xbfHANDLE,title,Variant  Price\r\nk,t,5\r\n",
        b"Handle;Title;Price\rk;t;5",
        b"Handle\tTitle\tPrice\nk\tt\t5\n",
        b'"Handle";"Title";"Price"\n"k";" t ";"5"\n',
        b"Other,Handle,Title,Price\nx,k,t,5\n",
        b"Handle,Title,Price,Title\nk,t,5,second\n",
    ],
)
def test_separators_marks_and_names_of_columns(data: bytes) -> None:
    assert read(data) == [(2, {"key": "k", "title": "t", "price": "5"})]


def test_rows_are_named_by_their_first_line() -> None:
    data = b'sep=;\nHandle;Title\n\na;"two\nlines"\nb;"say ""hi"""\n;;\nc;short\n'
    assert read(data) == [
        (4, {"key": "a", "title": "two\nlines"}),
        (6, {"key": "b", "title": 'say "hi"'}),
        (8, {"key": "c", "title": "short"}),
    ]


@pytest.mark.parametrize("broken", [b'b,"open', b'b,"a"x', b'b,"' + b"x" * 140_000 + b'"'])
def test_broken_quotes_are_named_by_line(broken: bytes) -> None:
    with pytest.raises(FeedError, match="row that begins at line 3"):
        read(b"Handle,Title\na,t\n" + broken)


def test_cells_beyond_the_header_are_counted() -> None:
    stream = io.BytesIO(b"Handle,Title\na,t,,\nb,t,u,\n")
    _, rows = cells.rows(stream, "utf-8-sig", ALIASES)
    assert [row.surplus for row in rows] == [0, 1]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("50", "50"),
        ("12.5", "12.5"),
        ("12,50", "12.50"),
        ("1 234,50", "1234.50"),
        ("1\u00a0234,50", "1234.50"),
        ("1'234.50", "1234.50"),
        ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("1,234,567", "1234567"),
        ("1.234.567", "1234567"),
    ],
)
def test_amounts(text: str, plain: str) -> None:
    assert cells.amount(text) == plain


@pytest.mark.parametrize("text", ["1,234", "", "-5", "5 EUR", "1,23,4", "1e3", "12.34.5", "٣"])
def test_an_amount_is_never_guessed(text: str) -> None:
    with pytest.raises(ValueError, match=r"two ways|is not an amount"):
        cells.amount(text)


def test_counts_codes_and_truth() -> None:
    assert [cells.whole(text) for text in ("3", "-2", "250.0", "250,5")] == [3, -2, 250, 251]
    assert cells.code("'0123") == "0123" and cells.code("12E34") == "12E34"
    assert [cells.truth(text) for text in ("", "TRUE", "no", "WAHR")] == [None, True, False, True]
    for call, text in (
        (cells.whole, "many"),
        (cells.whole, "NaN"),
        (cells.whole, "1e99"),
        (cells.code, "4.00638E+12"),
        (cells.code, "4,00638E+12"),
        (cells.truth, "perhaps"),
    ):
        with pytest.raises(ValueError, match="'"):
            call(text)


@pytest.mark.parametrize("mark", [b"\xef", b"\xef\xbb"])
@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_file_that_ends_within_the_mark_of_its_encoding_is_refused(mark: bytes, name: str) -> None:
    """Found by mutated files."""
    assert cells.encoding_of(io.BytesIO(mark)) == "cp1252"
    with pytest.raises(FeedError):
        list(read_feed(io.BytesIO(mark), format=name, currency="EUR"))
