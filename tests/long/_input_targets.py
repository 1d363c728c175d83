"""What mutated inputs are fed to: the core, and beside it the codec of `netnode.conformance`, which must agree.

A target draws an input and judges it: what came of it is a value or the code of the documented error, told as a word.
Anything else that is raised is a bug, and so is a verdict on which the two codecs differ. `encoding`, `not_canonical`
and, where several limits are broken at once, `too_large` are one verdict (SPEC section 3).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from netnode.conformance import bech32 as other_bech32
from netnode.conformance import encoding as other_encoding
from netnode.conformance import signatures as other_signatures
from netnode.conformance.addresses import check_told, read_told
from netnode.conformance.addresses import scope as other_scope
from netnode.conformance.entries import read_entry
from netnode.conformance.faults import Fault
from netnode.conformance.files import read_file
from netnode.conformance.found import believed
from netnode.conformance.identity import read_identity as other_identity
from netnode.conformance.items import check_cursor, check_item
from netnode.conformance.links import read_link
from netnode.conformance.messages import read_message
from netnode.conformance.ranges import check_rows as other_rows
from netnode.conformance.records import read_record
from netnode.conformance.runs import read_run
from netnode.conformance.seen import check_statement, read_statement
from netnode.conformance.stamps import check_stamp
from protocol import address, bech32, encoding, identity, items, logfile, ranges, seen, signing, stamp, uri
from protocol.certificate import read_identity
from protocol.entry import Entry, parse_wire
from protocol.errors import CODES, LocalProtocolError, ProtocolError, RemoteProtocolError
from protocol.found import hits_of
from protocol.messages import (
    TYPES,
    Changes,
    Fork,
    Found,
    Have,
    Items,
    Peers,
    Push,
    Ranges,
    RangesAnswer,
    Received,
    Runs,
    Statement,
    decode_message,
    encode_message,
)
from protocol.records import decode_record, encode_record
from protocol.run import Run, rebuild, run_of
from tests.long._garbling import Garbler
from tests.protocol.samples import FULL, LEAST
from tests.vectors.reading import read

VALUE: Final = "value"
BYTES_REFUSED: Final = frozenset({"encoding", "not_canonical", "too_large"})
# Of these SPEC gives no order, so that a run with several faults has either.
RUN_REFUSED: Final = frozenset({"bad_message", "header", "record_missing", "link"})
# An opener that is neither the next one nor signed.
OPENERS_REFUSED: Final = frozenset({"opener", "signature", "promise", "key"})
# A header of another version with what no version has, such as a float.
HEADER_REFUSED: Final = frozenset({"header", "version"})
NETWORK: Final = "inx"


@dataclass(frozen=True, slots=True)
class Target:
    """One reader: `weight` is its share of the inputs."""

    name: str
    draw: Callable[[Garbler], Any]
    judge: Callable[[Any], str]
    weight: int = 1


def ours(act: Callable[[], Any]) -> tuple[str, Any]:
    """VALUE and what the core reads, or the code with which it refuses."""
    try:
        return VALUE, act()
    except LocalProtocolError:
        raise
    except ProtocolError as error:
        assert error.code in CODES and error.text, error
        return error.code, None


def theirs(act: Callable[[], Any]) -> tuple[str, Any]:
    """The same of the other codec."""
    try:
        return VALUE, act()
    except Fault as fault:
        return fault.code, None


def agreed(mine: str, other: str, *alike: frozenset[str]) -> str:
    """The verdict of both; `alike` are codes of which either is right where several things are wrong."""
    same = mine == other or any({mine, other} <= codes for codes in (BYTES_REFUSED, *alike))
    assert same, f"the core says {mine}, the other codec {other}"
    return mine


def both(act: Callable[[], Any], other: Callable[[], Any]) -> str:
    """The verdict, where nothing is compared but that."""
    return agreed(ours(act)[0], theirs(other)[0])


def alike(one: Any, two: Any) -> bool:
    """Equal, and of the same types all through: True is not 1."""
    if type(one) is not type(two):
        return False
    if isinstance(one, dict):
        return list(one) == list(two) and all(alike(one[key], two[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(two) and all(map(alike, one, two))
    return bool(one == two)


def raws(name: str, field: str, prefix: str = "") -> list[bytes]:
    """An input of every vector of a file."""
    return [
        bytes.fromhex(vector["input"][field]) for vector in read(name, prefix) if field in vector["input"]
    ]


# -- section 3 -------------------------------------------------------------------------------------------------
def _decoder(data: bytes) -> str:
    mine, value = ours(lambda: encoding.decode(data))
    other, again = theirs(lambda: other_encoding.decode(data))
    if agreed(mine, other) == VALUE:
        assert alike(value, again)
        assert encoding.encode(value) == data == other_encoding.encode(value)
    return mine


# -- sections 6 and 7 ------------------------------------------------------------------------------------------
Of = tuple[int, bytes]
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")


def _record(given: Of) -> str:
    kind, data = given
    mine, record = ours(lambda: decode_record(kind, data))
    verdict = agreed(mine, theirs(lambda: read_record(kind, data))[0])
    if record is not None:
        assert decode_record(kind, encode_record(record)) == record
    return verdict


def _entry(data: bytes) -> str:
    mine, entry = ours(lambda: parse_wire(encoding.decode(data)))
    other, again = theirs(lambda: read_entry(other_encoding.decode(data)))
    if agreed(mine, other, HEADER_REFUSED) == VALUE:
        assert encoding.encode(entry.wire()) == data
        assert (entry.id, entry.seq, entry.place) == (again.id, again.seq, again.place)
    return mine


def _converted(data: bytes) -> list[Entry]:
    try:
        return rebuild(encoding.typed(encoding.decode(data), Run))
    except msgspec.ValidationError as error:  # inside a message this is `bad_message`
        raise RemoteProtocolError("bad_message", str(error)) from error


def _run(data: bytes) -> str:
    mine, entries = ours(lambda: _converted(data))
    other, again = theirs(lambda: read_run(other_encoding.decode(data)))
    if other == "link" and mine == VALUE:
        # [R-RUN-1] an opener inside a run is judged with the chain, where this codec says so at once
        assert any(entry.is_opener for entry in entries[1:])
        return other
    if agreed(mine, other, RUN_REFUSED) == VALUE:
        assert [entry.id for entry in entries] == [entry.id for entry in again]
        assert encoding.encode_struct(run_of(entries)) == data
    return mine


# -- sections 9 and 10 -----------------------------------------------------------------------------------------
def _whole(data: bytes) -> Received:
    """A message, and what its receiver reads of the rows inside it [R-MSG-6]."""
    received = decode_message(data)
    match received.body:
        case Changes(cursor=cursor):
            items.parse_cursor(cursor)
        case Items(cursor=cursor, items=rows):
            for row in rows:
                items.parse_item(row)
            if cursor is not None:
                items.parse_cursor(cursor)
        case Have(items=rows):
            for row in rows:
                items.parse_item(row)
        case Found(heads=rows):
            for row in rows:
                items.parse_item(row)
            for run in (*received.body.openers, *received.body.standings, *received.body.hits):
                _formed(run)
        case Ranges(items=rows, begin=begin) | RangesAnswer(items=rows, begin=begin):
            for row in rows:
                items.parse_item(row)
            if begin is not None:
                items.parse_cursor(begin[-2])
        case Runs(runs=runs) | Push(runs=runs):
            for run in runs:
                _formed(run)
        case Fork(left=left, right=right):
            _formed(left)
            _formed(right)
        case Statement(statement=statement):
            seen.from_value(statement)
    return received


def _formed(run: Run) -> None:
    """A run whose array, ids and types are right keeps the codes of its content [R-MSG-6]."""
    try:
        rebuild(run)
    except RemoteProtocolError as error:
        if error.code == "bad_message":
            raise


def _message(data: bytes) -> str:
    mine, received = ours(lambda: _whole(data))
    other, message = theirs(lambda: read_message(data))
    if mine == VALUE and received.type == TYPES[Peers] and other == "bad_message":
        return "peers"  # the other codec looks at the statements too: a target of their own
    verdict = agreed(mine, other)
    if mine != VALUE:
        return verdict
    assert (received.type, received.request) == (message.type, message.request)
    assert (received.body is None) == (message.name is None)
    if received.body is not None:
        again = decode_message(encode_message(received.body, received.request))
        assert again == received
    if isinstance(received.body, Ranges | RangesAnswer):
        body = received.body
        return both(lambda: ranges.check_rows(body), lambda: other_rows(message.body))
    return verdict


def _identity(given: tuple[bytes, bytes, int]) -> str:
    payload, static, now = given
    mine, remote = ours(lambda: read_identity(NETWORK, payload, static, now))
    other, again = theirs(lambda: other_identity(NETWORK, payload, static, now))
    # The link is closed without a word, whatever the code (section 9.3): who refuses earlier is right too.
    assert (mine == VALUE) == (other == VALUE), (mine, other)
    if mine == VALUE:
        assert (remote.id, remote.openers.epoch) == (again.id, again.epoch)
    return mine


# -- items, answers of hubs ------------------------------------------------------------------------------------
def _item(data: bytes) -> str:
    return both(
        lambda: items.parse_item(encoding.decode(data)), lambda: check_item(other_encoding.decode(data))
    )


def _cursor(data: bytes) -> str:
    return both(
        lambda: items.parse_cursor(encoding.decode(data)), lambda: check_cursor(other_encoding.decode(data))
    )


def _found(data: bytes) -> str:
    def mine() -> list[bytes]:
        body = decode_message(data).body
        if not isinstance(body, Found):
            raise RemoteProtocolError("answer", "another message")
        return [hit.entry.id for hit in hits_of("test", body, {})]

    def other() -> list[bytes]:
        message = read_message(data)
        if message.name != "found":
            raise Fault("answer")
        return [hit.id for hit in believed("test", message.body, [])]

    verdict, hits = ours(mine)
    again, others = theirs(other)
    if agreed(verdict, again, RUN_REFUSED) == VALUE:
        assert hits == others
    return verdict


# -- section 12 ------------------------------------------------------------------------------------------------
def _file(given: tuple[bytes, int]) -> str:
    data, piece = given
    reader = logfile.Reader("test")
    runs: list[bytes] = []

    def mine() -> None:
        for at in range(0, len(data), piece):
            runs.extend(map(encoding.encode_struct, reader.feed(data[at : at + piece])))
        reader.close()

    code, _ = ours(mine)
    told, fault = read_file("test", data)
    agreed(code, VALUE if fault is None else fault.code)
    assert runs == told
    return code


def _link(text: str) -> str:
    mine, invite = ours(lambda: uri.parse_invite(text))
    other, link = theirs(lambda: read_link(text))
    if agreed(mine, other) == VALUE:
        assert (invite.id, list(invite.addresses)) == (link.networker, link.addresses)
        if invite.token is not None:
            assert (invite.token, invite.expires, invite.pin) == (link.token, link.expires, link.pin)
    return mine


def _told(data: bytes) -> str:
    def mine() -> None:
        told = address.decode_told(data)
        if not told.openers:  # whoever knows the networker has them; here nobody does
            raise RemoteProtocolError("opener", "no openers")
        address.require_signed("test", told.statement, address.proved_key("test", told))
        assert address.encode_told(told) == data

    code, _ = ours(mine)
    other, _ = theirs(lambda: check_told("test", read_told(data)))
    return agreed(code, other, OPENERS_REFUSED)


def _scope(host: str) -> str:
    if _HOST.fullmatch(host) is None:
        return "no host"
    mine = address.host_scope(host).value
    assert mine == other_scope(host), mine
    return mine


def _seen(given: tuple[bytes, bytes]) -> str:
    data, key = given

    def mine() -> None:
        if not seen.verify(NETWORK, seen.decode(data), key):
            raise RemoteProtocolError("signature", "it does not verify")

    return both(mine, lambda: check_statement(NETWORK, read_statement(data), key))


def _stamp(given: tuple[bytes, int, bytes]) -> str:
    who, bits, nonce = given
    return both(
        lambda: stamp.check(NETWORK, who, bits, nonce), lambda: check_stamp(NETWORK, who, bits, nonce)
    )


# -- sections 4 and 5 ------------------------------------------------------------------------------------------
def _text_of_id(text: str) -> str:
    mine, one = ours(lambda: identity.parse_id(text))
    other, two = theirs(lambda: other_bech32.read_id(text))
    if agreed(mine, other) == VALUE:
        assert one == two and identity.id_text(one) == text.lower()
    with suppress(ProtocolError):
        bech32.split(text)
    return mine


def _signature(given: tuple[bytes, bytes, bytes]) -> str:
    key, message, signature = given
    valid = signing.verify(key, signature, message)
    assert valid == other_signatures.valid(key, message, signature)
    both(lambda: signing.check_key(key), lambda: other_signatures.check_key(key))
    return VALUE if valid else "signature"


def _samples() -> dict[str, list[bytes]]:
    entries = [
        encoding.encode([None if part is None else bytes.fromhex(part) for part in vector["input"]["entry"]])
        for vector in read("entry", "read-")
    ]
    return {"entry": entries}


def targets() -> tuple[Target, ...]:
    """Every reader of the core, with samples from the vectors."""
    records = [
        (vector["input"]["kind"], bytes.fromhex(vector["input"]["record"])) for vector in read("records")
    ]
    records += [(record.KIND, encode_record(record)) for record in (*LEAST, *FULL)]  # type: ignore[attr-defined]
    by_kind: dict[int, list[bytes]] = {}
    for kind, data in records:
        by_kind.setdefault(kind, []).append(data)
    messages = raws("messages", "bytes")
    small = [data for data in messages if len(data) < 4_096]
    decoded = [data for data in raws("encoding", "bytes") if len(data) < 20_000]
    all_records = [data for _, data in records if len(data) < 4_096]
    payloads = [
        (raw["payload"], raw["static"], vector["input"]["now"])
        for vector in read("session", "identity-")
        for raw in [{key: bytes.fromhex(vector["input"][key]) for key in ("payload", "static")}]
    ]
    seens = [(vector["input"]["statement"], vector["input"]["key"]) for vector in read("seen")]
    ed25519 = [vector["input"] for vector in read("ed25519") if "signature" in vector["input"]]
    links = [vector["input"]["link"] for vector in read("uri") if "link" in vector["input"]]
    ids = [vector["input"]["text"] for vector in read("identity", "text-")]
    ids += [vector["input"]["text"] for vector in read("bech32") if "text" in vector["input"]]
    hosts = [vector["input"]["host"] for vector in read("scopes")]

    def packed(samples: Sequence[bytes]) -> Callable[[Garbler], bytes]:
        return lambda garbler: garbler.packed(samples)

    def record(garbler: Garbler) -> Of:
        kind = garbler.chance.choice(list(by_kind))
        return kind, garbler.packed(by_kind[kind])

    def payload(garbler: Garbler) -> tuple[bytes, bytes, int]:
        _, static, now = garbler.chance.choice(payloads)
        return garbler.packed([each for each, _, _ in payloads]), static, now

    def file(garbler: Garbler) -> tuple[bytes, int]:
        data = garbler.chance.choice(files)
        for _ in range(garbler.chance.choice((1, 1, 2, 4))):
            data = garbler.bytes(data, files)
        return data, garbler.chance.choice((1, 7, 100, 100_000))

    def statement(garbler: Garbler) -> tuple[bytes, bytes]:
        _, key = garbler.chance.choice(seens)
        return garbler.packed([bytes.fromhex(data) for data, _ in seens]), bytes.fromhex(key)

    def stamped(garbler: Garbler) -> tuple[bytes, int, bytes]:
        chance = garbler.chance
        return (
            bytes(32),
            chance.choice((-1, 0, 1, 2, 3, 8, 63, 64, 65, 255, 256)),
            chance.randbytes(chance.choice((8, 8, 8, 0, 7, 9))),
        )

    def signed(garbler: Garbler) -> tuple[bytes, bytes, bytes]:
        given = garbler.chance.choice(ed25519)
        parts = [bytes.fromhex(given[name]) for name in ("key", "message", "signature")]
        at = garbler.chance.choice((0, 1, 2, 2))
        parts[at] = garbler.bytes(parts[at], parts)
        return parts[0], parts[1], parts[2]

    files = raws("logfile", "file")
    return (
        Target("decoder", packed(decoded + small + all_records), _decoder, 4),
        Target("records", record, _record, 4),
        Target("messages", packed(small), _message, 4),
        Target("entries", packed(_samples()["entry"]), _entry, 2),
        Target("runs", packed([run for run in raws("runs", "run") if len(run) < 8_192]), _run, 2),
        Target("identity payloads", payload, _identity, 1),
        Target("items", packed(raws("items", "bytes", "item-")), _item, 1),
        Target("cursors", packed(raws("items", "bytes", "cursor-")), _cursor, 1),
        Target("answers of hubs", packed(raws("found", "message")), _found, 1),
        Target("files of runs", file, _file, 1),
        Target(
            "invite links",
            lambda garbler: garbler.text(links, ("inx:", "&", "=", "?", "%", "a=", "t=", "1")),
            _link,
            2,
        ),
        Target("address statements", packed(raws("address", "told")), _told, 1),
        Target(
            "scopes of hosts",
            lambda garbler: garbler.text(hosts, (".", ":", "::", "0x", "%", "[", "0")),
            _scope,
            1,
        ),
        Target("seen statements", statement, _seen, 1),
        Target("stamps", stamped, _stamp, 1),
        Target(
            "ids in text", lambda garbler: garbler.text(ids, ("1", "nx1", "NX1", "q", "l")), _text_of_id, 1
        ),
        Target("signatures", signed, _signature, 1),
    )
