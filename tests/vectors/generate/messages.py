"""Makes tests/vectors/messages.json: every message, and what is refused."""

from __future__ import annotations

from typing import Any, Final

from protocol import encoding
from protocol.address import Told, sign
from protocol.messages import MESSAGES
from protocol.run import run_of
from tests.protocol.author import START, Author
from tests.vectors.generate.forms import marked, vector
from tests.vectors.generate.runs import _plain
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Messages (section 10) as canonical bytes in hex: type, request and body, or the code. An unknown type is read "
    "too (`known` false). Values as in encoding.json; the phase and the request number are not judged "
    "there. A body of null is left out because it is long."
)
H: Final = b"\x21" * 32
ITEM: Final = [0, H, 0, 0, 5, H, 0]


def bodies() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Per message: a body with what is required only, and one with all."""
    author = Author("messages")
    author.write(2)
    run = _plain(run_of(author.entries))
    side = [_plain(run_of([author.after(author.entries[-1], note=each)])) for each in "ab"]
    cursor = [b"s" * 16, 7, b"t" * 8]
    told = {"code": "rate", "text": "too many questions"}
    seen = {"author": H, "epoch": 0, "id": H, "seq": 5, "signature": bytes(64), "term": 0, "time": 1, "witness": H,
            "witness_epoch": 0}  # fmt: skip
    stated = sign(
        "test", author.signer, networker=author.id, epoch=0, addresses=["ws://5.6.7.8/"], time=START
    )
    told_address = Told(stated, (author.entries[0],)).wire()
    hello = {"agent": "x", "clock": 0, "store": b"s" * 16, "versions": [1]}
    greeting = hello | {"features": [1, 3], "kinds": [1, 3, 5], "limits": {"MAX_OPEN_REQUESTS": 4},
                        "stamp": [20, b"12345678"], "stamp_asked": 20}  # fmt: skip
    return {
        "hello": (hello, greeting),
        "changes": ({"cursor": cursor, "limit": 1}, {"cursor": cursor, "limit": 400}),
        "items": ({"items": []}, {"cursor": cursor, "items": [ITEM], "more": True}),
        "heads": ({"limit": 400}, {"after": H, "limit": 400}),
        "ask_ids": (
            {"author": H, "epoch": 0, "seqs": [1], "term": 0},
            {"author": H, "epoch": 1, "seqs": [1, 2**40 - 1], "term": 2},
        ),
        "ids": ({"ids": []}, {"ids": [H, None]}),
        "get": ({"budget": 1, "wants": [[H, 0, 9]]}, {"budget": 4_194_304, "wants": [[H, 9, 0], [H, 3, 3]]}),
        "runs": ({}, {"left": [[H, 4, 9]], "more": True, "runs": [run]}),
        "openers": ({"authors": [H]}, {"authors": [H] * 16}),
        "proof": ({"author": H, "epoch": 0, "term": 0}, {"author": H, "epoch": 1, "term": 2}),
        "fork": ({"left": side[0], "right": side[1]},) * 2,
        "want": ({"entries": [[H, 5, H]]}, {"entries": [[H, 5, H], [H, 6, H]]}),
        "records": ({}, {"gone": [1], "none": [2], "records": [[0, b"\x80"]]}),
        "see": ({"author": H, "seq": 0}, {"author": H, "seq": 2**40 - 1}),
        "seen": ({"statement": seen},) * 2,
        "fetch": ({"chunk": 0, "hash": H}, {"chunk": 511, "hash": H}),
        "chunk": ({}, {"data": b"x", "manifest": b"", "size": 1}),
        "interest": ({"all": True}, {"all": False, "ids": [H], "more": True}),
        "have": ({"items": [ITEM]}, {"items": [ITEM, [1, H, 0, 0], [2, H, 1]]}),
        "push": ({"runs": [run]}, {"runs": [run, run]}),
        "refuse": (told, told),
        "bye": ({"code": "", "text": ""}, told),
        "twin": ({}, {}),
        "query": (
            {"limit": 1, "text": ""},
            {"category": "Hats", "currency": "EUR", "cursor": b"c", "kind": "product", "least": 0, "limit": 50,
             "most": 9_900, "seller": H, "text": "blue cap"},
        ),
        "found": ({}, {"heads": [ITEM], "hits": [run], "next": b"c", "openers": [run], "standings": [run]}),
        "ask_peers": ({}, {}),
        "peers": ({}, {"peers": [told_address, told_address]}),
        "join": ({"token": H[:16]}, {"pin": "012345", "token": H[:16]}),
        "joined": ({}, {"followed": True}),
        "ping": ({"clock": 0}, {"clock": 1_700_000_000_000}),
        "pong": ({"clock": 0}, {"address": "2001:db8::7", "clock": 1_700_000_000_000}),
        "dial_back": ({"port": 1}, {"port": 65_535}),
        "dialled_back": (
            {"address": "", "reached": False},
            {"address": "ws://192.0.2.7:4747/inx/1", "reached": True},
        ),
        "deliver": ({"letter": b"l"}, {"letter": bytes(61_440)}),
        "delivered": ({"kept": False}, {"kept": True}),
        "ask_branches": ({"authors": [H]}, {"authors": [H] * 16}),
        "branches": ({}, {"branches": [[H, 0, 0, 5, H], [H, 1, 2, 2**40 - 1, H]]}),
        "branch": (
            {"author": H, "budget": 1, "id": H, "seq": 0},
            {"author": H, "budget": 4_194_304, "id": H, "seq": 2**40 - 1},
        ),
        "ranges": ({}, {"begin": [b"s" * 16, cursor, 500], "items": [ITEM], "lacking": [["0f", 3]], "last": True,
                        "lists": [["0", b""], ["a", b"i" * 16]], "splits": [["b", b"f" * 128]]}),
        "ranges_answer": ({}, {"begin": [cursor, 500], "items": [ITEM], "lacking": [["0f", 65_535]], "left": 1,
                               "lists": [["a", b"i" * 128]], "splits": [["", b"f" * 128]]}),
    }  # fmt: skip


WRONG: Final[tuple[tuple[str, str, Any], ...]] = (
    ("hello", "versions", []), ("hello", "versions", [1] * 17), ("hello", "versions", [-1]),
    ("hello", "store", b"s" * 15),
    ("hello", "agent", "a" * 65), ("hello", "clock", -1), ("hello", "features", [1] * 65), ("hello", "stamp_asked", 65),
    ("hello", "limits", {"a": -1}), ("hello", "stamp", [1]), ("changes", "limit", 0), ("changes", "limit", 401),
    ("heads", "limit", 401), ("heads", "after", H[1:]), ("items", "items", [ITEM] * 401), ("items", "more", 1),
    ("ask_ids", "seqs", []), ("ask_ids", "seqs", [0] * 1_025), ("ask_ids", "seqs", [2**40]), ("ask_ids", "term", True),
    ("ids", "ids", [H[1:]]), ("ids", "ids", [None] * 1_025), ("get", "budget", 0), ("get", "budget", 4_194_305),
    ("get", "wants", []), ("get", "wants", [[H, 0]]), ("get", "wants", [[H, 0, -1]]), ("get", "wants", [[H[1:], 0, 1]]),
    ("get", "wants", [[H, 0, 2**40]]), ("runs", "runs", [[]]), ("runs", "left", [[H, 0, 1, 2]]),
    ("openers", "authors", []),
    ("openers", "authors", [H] * 17), ("openers", "authors", [H + b"x"]), ("proof", "epoch", -1), ("fork", "left", []),
    ("want", "entries", []), ("want", "entries", [[H, 5, H[1:]]]), ("records", "gone", [-1]),
    ("records", "records", [[0, "x"]]), ("see", "seq", 2**40), ("seen", "statement", []), ("fetch", "chunk", -1),
    ("fetch", "chunk", 1_024), ("fetch", "hash", H[1:]), ("chunk", "size", -1), ("chunk", "size", 16_777_217),
    ("chunk", "data", "x"), ("interest", "all", None), ("interest", "ids", [H[1:]]), ("interest", "ids", [H] * 1_501),
    ("have", "items", []), ("push", "runs", []), ("refuse", "code", "c" * 33), ("refuse", "text", "t" * 501),
    ("bye", "code", 1),
    ("query", "limit", 0), ("query", "limit", 51), ("query", "text", "t" * 201), ("query", "currency", "eur"),
    ("query", "least", -1), ("query", "seller", H[1:]), ("query", "cursor", bytes(257)), ("query", "kind", "k" * 17),
    ("found", "hits", [[]]), ("found", "heads", [ITEM] * 51), ("found", "next", "c"),
    ("peers", "peers", [0] * 129), ("peers", "peers", None),
    ("join", "token", H[:15]), ("join", "pin", "12345"), ("join", "pin", 123456), ("joined", "followed", 1),
    ("ping", "clock", -1), ("pong", "address", "a" * 65), ("dial_back", "port", 0), ("dial_back", "port", 65_536),
    ("ranges", "begin", [b"s" * 15, [b"s" * 16, 7, b"t" * 8], 5]), ("ranges", "begin", [b"s" * 16, []]),
    ("ranges", "lists", [["A", b""]]), ("ranges", "lists", [["a\n", b""]]), ("ranges", "lists", [["a", b"i" * 129]]),
    ("ranges", "splits", [["a", b"f" * 127]]), ("ranges", "splits", [["a" * 65, b"f" * 128]]),
    ("ranges", "lacking", [["a", 0]]), ("ranges", "lacking", [["a", 65_536]]),
    ("ranges", "lacking", [["a", 1]] * 1_025),
    ("ranges", "items", [ITEM] * 401), ("ranges_answer", "left", 3_073), ("ranges_answer", "begin", [5]),
    ("dialled_back", "address", "a" * 256), ("dialled_back", "reached", None),
    ("deliver", "letter", b""), ("deliver", "letter", bytes(61_441)), ("deliver", "letter", "l"),
    ("delivered", "kept", None), ("delivered", "kept", 1),
    ("ask_branches", "authors", []), ("ask_branches", "authors", [H] * 17), ("ask_branches", "authors", [H[1:]]),
    ("branches", "branches", [[H, 0, 0, 5]]), ("branches", "branches", [[H, 0, 0, 2**40, H]]),
    ("branches", "branches", [[H, 0, -1, 5, H]]), ("branches", "branches", [[H, 0, 0, 5, H[1:]]]),
    ("branches", "branches", [[H, 0, 0, 5, H]] * 257),
    ("branch", "budget", 0), ("branch", "budget", 4_194_305), ("branch", "id", H[1:]), ("branch", "seq", 2**40),
    ("branch", "author", None),
)  # fmt: skip


def _told(value: Any) -> str:
    """What stands there instead of a right value, in a few words."""
    match value:
        case bytes():
            return f"a bin of {len(value)} bytes"
        case str():
            return f"a str of {len(value)} characters"
        case []:
            return "an array of no elements"
        case list() if len(value) > 3:
            return f"an array of {len(value)} elements"
        case list():
            return f"[{', '.join(map(_told, value))}]"
        case dict():
            return f"{{{', '.join(f'{key}: {_told(member)}' for key, member in value.items())}}}"
        case bool() | None:
            return {True: "true", False: "false", None: "nil"}[value]
        case _:
            return str(value)


def vectors() -> list[Vector]:
    found: list[Vector] = []

    def add(name: str, comment: str, requirement: str, data: bytes, **outcome: Any) -> None:
        found.append(vector(name, comment, requirement, {"bytes": data.hex()}, **outcome))

    forms = bodies()
    numbers = {row.name: row.type for row in MESSAGES.values()}
    for name, samples in forms.items():
        request = 7
        for label, body in zip(("least", "full"), samples, strict=True):
            data = encoding.encode([numbers[name], request, body])
            read = marked(encoding.decode(data)[2])
            add(
                f"{label}-{name}", f"{name}, {label}", "R-MSG-4", data,
                expected={"type": numbers[name], "request": request, "known": True, "body": read},
            )  # fmt: skip
        least = samples[0]
        more = encoding.encode([numbers[name], 7, {**least, "zz": [1]}])
        add(
            f"unknown-field-{name}", "an unknown field is ignored", "R-MSG-4", more,
            expected={"type": numbers[name], "request": 7, "known": True, "body": marked(encoding.decode(more)[2])},
        )  # fmt: skip
        for field in least:
            rest = {key: value for key, value in least.items() if key != field}
            data = encoding.encode([numbers[name], 7, rest])
            add(f"lacks-{name}-{field}", "a required field is missing", "R-MSG-4", data, error="bad_message")
    for index, (name, field, value) in enumerate(WRONG):
        if len(encoding.encode(value)) > 12_000:
            continue
        data = encoding.encode([numbers[name], 7, {**forms[name][0], field: value}])
        add(
            f"wrong-{index}-{name}-{field}",
            f"{field} of {name} is {_told(value)}",
            "R-MSG-4",
            data,
            error="bad_message",
        )
    for name, comment, body in (
        ("interest", "all true is the whole interest, the rest is ignored", {"all": True, "ids": [H], "more": True}),
        ("hello", "limits of any names, from 0 on",
         {**forms["hello"][0], "limits": {"MAX_GET_BYTES": 0, "x": 2**53 - 1}}),
        ("hello", "a stamp of the right types; whether it holds is judged elsewhere",
         {**forms["hello"][0], "stamp": [65, b"short"]}),
        ("hello", "odd features that nobody knows", {**forms["hello"][0], "features": [1, 2**53 - 1]}),
    ):  # fmt: skip
        data = encoding.encode([numbers[name], 7, body])
        add(
            f"allowed-{len(found)}-{name}", comment, "R-MSG-4", data,
            expected={"type": numbers[name], "request": 7, "known": True, "body": marked(encoding.decode(data)[2])},
        )  # fmt: skip
    for number in (1_000, 1_001, 1, 5):
        data = encoding.encode([number, 0, {"a": 1}])
        add(
            f"unknown-{number}", "ignored" if number % 2 else "refused with unknown_message", "R-MSG-2", data,
            expected={"type": number, "request": 0, "known": False, "body": {"map": [["a", 1]]}},
        )  # fmt: skip
    for name, value in (
        ("array-2", [29, 0]), ("array-4", [29, 0, {}, {}]), ("map", {}), ("type--1", [-1, 0, {}]),
        ("request--1", [29, -1, {}]),
        ("type-str", ["29", 0, {}]), ("request-nil", [29, None, {}]), ("body-nil", [29, 0, None]),
        ("body-array", [29, 0, []]),
        ("type-bool", [True, 0, {}]),
    ):  # fmt: skip
        add(f"form-{name}", name, "R-MSG-1", encoding.encode(value), error="bad_message")
    twin = encoding.encode([29, 0, {}])
    add("form-trailing", "a byte behind", "R-MSG-3", twin + b"\0", error="encoding")
    add(
        "form-long-int",
        "the type in a longer form",
        "R-MSG-3",
        b"\x93\xcc\x1d\x00\x80",
        error="not_canonical",
    )
    add("form-empty", "no bytes", "R-MSG-3", b"", error="encoding")
    frame = len(encoding.encode([1_001, 0, {"a": bytes(60_000)}])) - 60_000
    for size, ok in ((65_519, True), (65_520, False)):
        data = encoding.encode([1_001, 0, {"a": b"\x55" * (size - frame)}])
        assert len(data) == size
        if ok:
            add("size-65519", "the longest message", "R-MSG-5", data,
                expected={"type": 1_001, "request": 0, "known": False, "body": None})  # fmt: skip
        else:
            add("size-65520", "a byte more", "R-MSG-5", data, error="too_large")
    return found
