"""The worked exchange of SPEC.md: a real session with fixed keys, annotated byte by byte."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol import encoding
from protocol.certificate import certify, encode_identity
from protocol.entry import Entry
from protocol.identity import id_text
from protocol.items import Item, Standing
from protocol.messages import MESSAGES, Body, Get, Heads, Hello, Interest, Items, Runs, encode_message
from protocol.records import Listing, Price, Profile, encode_record
from protocol.run import runs_of
from protocol.session import LocalIdentity, Session, prologue
from tests.protocol.author import START, Author, seed

NETWORK: Final = "inx"
NOW: Final = START + 60_000
UNTIL: Final = START + 86_400_000


@dataclass(frozen=True)
class Sent:
    """One WebSocket message: which way it went, its bytes, what they hold, and what that is."""

    title: str
    from_dialler: bool
    wire: bytes
    plaintext: bytes


@dataclass(frozen=True)
class Party:
    """One side with its fixed keys."""

    author: Author
    session: bytes
    ephemeral: bytes
    store: bytes

    @property
    def identity(self) -> LocalIdentity:
        key = X25519PrivateKey.from_private_bytes(self.session).public_key().public_bytes_raw()
        openers = tuple(entry for entry in self.author.entries if entry.kind in (0, 2))
        certificate = certify(NETWORK, self.author.signer, key, UNTIL)
        return LocalIdentity(self.author.id, openers, certificate, self.session)

    @property
    def payload(self) -> bytes:
        return encode_identity(self.identity.openers, self.identity.certificate)

    @property
    def hello(self) -> Hello:
        return Hello(agent=self.author.name, clock=NOW, store=self.store, versions=[1])

    def session_as(self, initiator: bool, expected: bytes | None = None) -> Session:
        return Session(
            NETWORK, initiator=initiator, identity=self.identity, hello=self.hello, ephemeral=self.ephemeral,
            expected=expected,
        )  # fmt: skip


def party(name: str) -> Party:
    """A side with keys that depend on its name only."""
    return Party(
        Author(name, network=NETWORK),
        seed(name, "session"),
        seed(name, "ephemeral"),
        seed(name, "store")[:16],
    )


def bobs_log(bob: Author) -> list[Entry]:
    """Inception, profile, listing."""
    profile = encode_record(Profile(salt=seed("profile")[:16], name="Bob"))
    listing = Listing(
        salt=seed("listing")[:16], key="mug", kind="product", price=Price(amount=1250, currency="EUR"),
        title="Blue mug",
    )  # fmt: skip
    bob.entries.append(bob.after(bob.entries[-1], 1, profile))
    bob.entries.append(bob.after(bob.entries[-1], 3, encode_record(listing)))
    return bob.entries


@functools.cache
def exchange() -> tuple[Party, Party, tuple[Sent, ...]]:
    """The parties and every message in order; both state machines of `protocol` ran to make it."""
    ada, bob = party("Ada"), party("Bob")
    entries = bobs_log(bob.author)
    dialler, listener = ada.session_as(True, bob.author.id), bob.session_as(False)
    sent: list[Sent] = []

    def carry(title: str, from_dialler: bool, plaintext: bytes) -> None:
        source, target = (dialler, listener) if from_dialler else (listener, dialler)
        waiting[from_dialler] += source.outgoing()
        queued = waiting[from_dialler].pop(0)
        target.receive(queued, NOW)
        sent.append(Sent(title, from_dialler, queued, plaintext))

    waiting: dict[bool, list[bytes]] = {True: [], False: []}
    carry("Noise message 1", True, b"")
    carry("Noise message 2, its payload opened", False, bob.payload)
    carry("Noise message 3, its payload opened", True, ada.payload)
    carry("Ada's hello", True, encode_message(ada.hello))
    carry("Bob's hello", False, encode_message(bob.hello))

    def tell(title: str, from_dialler: bool, body: Body, request: int = 0, asks: bool = False) -> int:
        source = dialler if from_dialler else listener
        number = source.ask(body) if asks else request
        if not asks:
            source.tell(body, request)
        carry(title, from_dialler, encode_message(body, number))
        return number

    tell("Ada's interest: everything", True, Interest(all=True))
    tell("Bob's interest: only his own log", False, Interest(all=False, ids=[bob.author.id]))
    request = tell("Ada asks for heads", True, Heads(limit=400), asks=True)
    head = entries[-1]
    item = Item(Standing.HEAD, head.author, 0, 0, head.seq, head.id, 0)
    cursor = [bob.store, 3, seed("tag")[:8]]
    tell("Bob's items, one", False, Items(cursor=cursor, items=[item.wire()]), request)
    get = Get(budget=1 << 20, wants=[(bob.author.id, 0, 2)])
    request = tell("Ada asks for the entries", True, get, asks=True)
    tell("Bob's log, as one run", False, Runs(runs=list(runs_of(entries))), request)
    return ada, bob, tuple(sent)


def exchange_text() -> str:
    """What SPEC.md prints."""
    ada, bob, sent = exchange()
    lines = [
        "Keys (all 32 bytes; the session and ephemeral keys are X25519 private keys, the signing keys Ed25519 seeds):\n"
    ]
    rows = [f"prologue          {prologue(NETWORK).hex()}"]
    for name, side in (("Ada", ada), ("Bob", bob)):
        rows += [
            f"{name} id            {side.author.id.hex()}",
            f"{name} id, text      {id_text(side.author.id)}",
            f"{name} signing seed  {side.author.signer.seed.hex()}",
            f"{name} session key   {side.session.hex()}",
            f"{name} ephemeral key {side.ephemeral.hex()}",
        ]
    lines.append(_block(rows))
    for number, message in enumerate(sent, 1):
        way = "Ada -> Bob" if message.from_dialler else "Bob -> Ada"
        lines.append(f"**{number}. {message.title}** ({way}, {len(message.wire)} bytes on the wire)\n")
        rows = list(_handshake(number, message.wire)) if number <= 3 else [f"sealed  {message.wire.hex()}"]
        lines.append(_block(rows))
        if message.plaintext:
            lines.append(_block(list(annotate(message.plaintext, _root(message, number)))))
    return "\n".join(line for line in lines if line)


def _handshake(number: int, wire: bytes) -> Iterator[str]:
    at = 0
    for name, size in ((("e", 32),), (("e", 32), ("s, sealed", 48)), (("s, sealed", 48),))[number - 1]:
        yield f"{name:<18}{wire[at : at + size].hex()}"
        at += size
    if wire[at:]:
        yield f"{'payload, sealed':<18}{wire[at:].hex()}"


def _root(message: Sent, number: int) -> str:
    return "identity payload" if number <= 3 else "message"


def annotate(data: bytes, root: str) -> Iterator[str]:
    """One line per token of a canonical value: offset, bytes, meaning."""
    value = encoding.decode(data, len(data))
    yield from _walk(data, 0, value, _NAMES.get(root, {}), root, 0)[1]


def _walk(data: bytes, at: int, value: Any, names: Any, label: str, depth: int) -> tuple[int, list[str]]:
    token = _token(value)
    if isinstance(value, bytes) and label in ("header", "record"):
        begins = len(token) - len(value)
        lines = [_line(at, token[:begins], f"{_words(value)}  {label}, holding", depth)]
        _, inner = _walk(value, at + begins, encoding.decode(value), _NAMES.get(label), "", depth + 1)
        return at + len(token), lines + inner
    lines = [_line(at, token, f"{_words(value)}{'  ' + label if label else ''}", depth)]
    at += len(token)
    if isinstance(value, list):
        for index, member in enumerate(value):
            name, inner = _named(names, index)
            at, more = _walk(data, at, member, inner, name, depth + 1)
            lines += more
    elif isinstance(value, dict):
        for key, member in value.items():
            encoded = encoding.encode(key)
            lines.append(_line(at, encoded, f'"{key}"', depth + 1))
            at, more = _walk(data, at + len(encoded), member, _BY_KEY.get(key), "", depth + 2)
            lines += more
    return at, lines


def _token(value: Any) -> bytes:
    """The bytes of a scalar, or the head of an array or map."""
    data = encoding.encode(value)
    if isinstance(value, list | dict):
        inner = sum(
            len(encoding.encode(member)) for member in (value.values() if isinstance(value, dict) else value)
        )
        inner += sum(len(encoding.encode(key)) for key in value) if isinstance(value, dict) else 0
        return data[: len(data) - inner]
    return data


def _line(at: int, token: bytes, text: str, depth: int) -> str:
    return f"{at:04x}  {'  ' * depth}{token.hex()}  {text}"


def _words(value: Any) -> str:
    match value:
        case None | bool():
            return {None: "nil", True: "true", False: "false"}[value]
        case int():
            return str(value)
        case str():
            return f'"{value}"'
        case bytes():
            return f"bin {len(value)}"
        case list():
            return f"array of {len(value)}"
        case _:
            return f"map of {len(value)}"


def _named(names: Any, index: int) -> tuple[str, Any]:
    if isinstance(names, list):
        return names[index] if index < len(names) else ("", None)
    if isinstance(names, tuple):  # every member alike
        return names
    return "", None


_ENTRY: Final = ("entry", [("header", None), ("signature", None), ("record", None)])
_RUN_ENTRY: Final = ("entry", [("time", None), ("kind", None), ("signature", None), ("record", None)])
_RUN: Final = [
    ("author", None), ("epoch", None), ("term", None), ("first seq", None), ("prev", None), ("entries", _RUN_ENTRY),
]  # fmt: skip
_BY_KEY: Final[dict[str, Any]] = {
    "openers": _ENTRY,
    "certificate": [("key", None), ("until", None), ("signature", None)],
    "runs": ("run", _RUN),
    "items": (
        "item",
        [(name, None) for name in ("standing", "author", "epoch", "term", "seq", "id", "from")],
    ),
    "cursor": [("store", None), ("arrival", None), ("tag", None)],
    "wants": ("want", [("author", None), ("first seq", None), ("last seq", None)]),
}
_HEADER: Final = (
    "version", "author", "seq", "prev", "epoch", "term", "time", "kind", "record hash", "record length",
)  # fmt: skip
_NAMES: Final[dict[str, Any]] = {
    "message": [("type", None), ("request", None), ("body", None)],
    "header": [(name, None) for name in _HEADER],
}


def _block(rows: list[str]) -> str:
    return "```\n" + "\n".join(rows) + "\n```\n" if rows else ""


def type_name(plaintext: bytes) -> str:
    """The name of the message in a plaintext."""
    return MESSAGES[encoding.decode(plaintext)[0]].name
