"""Every vector through the codec of `netnode.conformance`, which shares no code with `protocol`.

The ids that the vectors cite are thereby tested a second time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from netnode.conformance import bech32, signatures
from netnode.conformance.addresses import check_told, read_told, scope
from netnode.conformance.addresses import signed as signed_address
from netnode.conformance.alone import check_alone
from netnode.conformance.blobs import check_chunk, cut
from netnode.conformance.effects import effects
from netnode.conformance.encoding import decode, encode
from netnode.conformance.entries import Entry, Header, read_entry, write_entry
from netnode.conformance.faults import Fault
from netnode.conformance.files import read_file, write_file
from netnode.conformance.found import believed
from netnode.conformance.identity import certified, read_identity
from netnode.conformance.items import check_cursor, check_item, need
from netnode.conformance.limits import MAX_MESSAGE
from netnode.conformance.links import Link, read_link, write_link
from netnode.conformance.log import Log
from netnode.conformance.messages import read_message
from netnode.conformance.noise import Handshake, public
from netnode.conformance.openers import Openers
from netnode.conformance.ranges import Set as RangeSet
from netnode.conformance.ranges import element
from netnode.conformance.records import read_record
from netnode.conformance.recovery import backup_seed, promised_seed
from netnode.conformance.runs import read_run, write_run
from netnode.conformance.seen import check_statement, read_statement, signed
from netnode.conformance.stamps import check_stamp, hashed
from netnode.conformance.tags import networker_id, promise, sha256, tag

VECTORS: Final = Path(__file__).resolve().parents[1] / "vectors"
Vector = dict[str, Any]
hexed = bytes.fromhex


@cache
def content(name: str) -> Vector:
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


def vectors_of(name: str) -> pytest.MarkDecorator:
    """All vectors of a file, by id."""
    vectors = content(name)["vectors"]
    assert vectors
    return pytest.mark.parametrize("vector", vectors, ids=[vector["id"] for vector in vectors])


def judged(vector: Vector, judge: Callable[[Vector], Any]) -> Any:
    """What `judge` says of the input, which is refused with the vector's code exactly where the vector says so."""
    if "expected" in vector and "error" not in vector:
        return judge(vector["input"])
    with pytest.raises(Fault) as caught:
        judge(vector["input"])
    same = {"encoding", "not_canonical"}  # either is right of broken bytes, section 3
    codes = same if vector["error"] in same else {vector["error"]}
    assert caught.value.code in codes, vector["comment"]
    return None


def plain(value: Any) -> Any:
    """A value as vectors write it, as this codec does."""
    if isinstance(value, list):
        return [plain(element) for element in value]
    if not isinstance(value, dict):
        return value
    [(form, inner)] = value.items()
    return {
        "bin": lambda: hexed(inner),
        "str": lambda: inner,
        "map": lambda: {key: plain(member) for key, member in inner},
        "nils": lambda: [None] * inner,
    }[form]()


def entry_of(alone: list[str | None]) -> Entry:
    """An entry as vectors write it."""
    return read_entry([None if part is None else hexed(part) for part in alone])


def alone_of(entry: Entry) -> list[str | None]:
    """An entry as vectors write it."""
    return [None if part is None else part.hex() for part in entry.alone()]


@vectors_of("encoding")
def test_encoding(vector: Vector) -> None:
    def judge(given: Vector) -> Any:
        return decode(hexed(given["bytes"]), given.get("limit", MAX_MESSAGE))

    value = judged(vector, judge)
    if "error" not in vector:
        expected = plain(vector["expected"].get("value", vector["expected"]))
        assert value == expected and type(value) is type(expected)
        assert encode(expected).hex() == vector["input"]["bytes"]


@vectors_of("bech32")
def test_bech32(vector: Vector) -> None:
    def judge(given: Vector) -> Any:
        if "bytes" in given:
            text = bech32.write(given["prefix"], hexed(given["bytes"]))
            assert bech32.read(given["prefix"], text).hex() == given["bytes"]
            return {"text": text}
        if "prefix" in given:
            return {"bytes": bech32.read(given["prefix"], given["text"]).hex()}
        prefix, groups = bech32.groups(given["text"])
        return {"prefix": prefix, "groups": bytes(groups).hex()}

    found = judged(vector, judge)
    assert found is None or found == vector["expected"]


@vectors_of("ed25519")
def test_ed25519(vector: Vector) -> None:
    def judge(given: Vector) -> Any:
        if "seed" in given:
            seed, message = hexed(given["seed"]), hexed(given["message"])
            key, signature = signatures.public(seed), signatures.sign(seed, message)
            assert signatures.valid(key, message, signature)
            return {"public": key.hex(), "signature": signature.hex()}
        key = hexed(given["key"])
        if "signature" not in given:
            signatures.check_key(key)
            return {"accepted": True}
        if not signatures.valid(key, hexed(given["message"]), hexed(given["signature"])):
            raise Fault("signature")
        return vector["expected"]

    found = judged(vector, judge)
    assert found is None or found == vector["expected"]


@vectors_of("identity")
def test_identity(vector: Vector) -> None:
    def judge(given: Vector) -> Any:
        if "purpose" in given:
            return {"tag": tag(given["network"], given["purpose"]).hex()}
        if "text" in given:
            return {"id": bech32.read_id(given["text"]).hex()}
        record = hexed(given["record"])
        id_ = networker_id(given["network"], record)
        assert vector["hashed"] == (tag(given["network"], "networker") + record).hex()
        return {"id": id_.hex(), "text": bech32.write_id(id_)}

    found = judged(vector, judge)
    assert found is None or found == vector["expected"]


@vectors_of("recovery")
def test_recovery(vector: Vector) -> None:
    def judge(given: Vector) -> Any:
        if "epoch" not in given:
            private = backup_seed(given["network"], hexed(given["entropy"]))
            public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
            return {"private": private.hex(), "public": public.hex()}
        seed = promised_seed(given["network"], hexed(given["entropy"]), given["epoch"])
        key = signatures.public(seed)
        promised = promise(given["network"], key)
        return {"seed": seed.hex(), "public": key.hex(), "promise": promised.hex()}

    found = judged(vector, judge)
    assert found is None or found == vector["expected"]


def fields_of(header: Header) -> Vector:
    return {
        name: value.hex() if isinstance(value, bytes) else value for name, value in asdict(header).items()
    }


@vectors_of("entry")
def test_entry(vector: Vector) -> None:
    def judge(given: Vector) -> Any:
        if "entry" in given:
            entry = entry_of(given["entry"])
            return {"fields": fields_of(entry.header), "id": entry.id.hex()}
        fields = {
            name: hexed(value) if isinstance(value, str) else value for name, value in given["fields"].items()
        }
        record = hexed(given["record"])
        entry = write_entry("inx", hexed(given["seed"]), Header(**fields), record)
        assert entry.signed("inx", signatures.public(hexed(given["seed"])))
        assert vector["signed"] == (tag("inx", "entry") + entry.header_bytes).hex()
        return {
            "header": entry.header_bytes.hex(),
            "signature": entry.signature.hex(),
            "id": entry.id.hex(),
        }

    found = judged(vector, judge)
    assert found is None or found == vector["expected"]


@vectors_of("records")
def test_record(vector: Vector) -> None:
    def judge(given: Vector) -> Any:
        read_record(given["kind"], hexed(given["record"]))
        return {"valid": True}

    found = judged(vector, judge)
    assert found is None or found == vector["expected"]


@vectors_of("runs")
def test_run(vector: Vector) -> None:
    def judge(given: Vector) -> Any:
        entries = read_run(decode(hexed(given["run"]), 1 << 20))
        assert encode(write_run(entries)).hex() == given["run"]
        return {"entries": list(map(alone_of, entries)), "ids": [entry.id.hex() for entry in entries]}

    found = judged(vector, judge)
    assert found is None or found == vector["expected"]


def wire(item: list[Any] | None) -> list[Any] | None:
    """An item or cursor with its bytes in hex."""
    return item and [part.hex() if isinstance(part, bytes) else part for part in item]


def from_wire(item: list[Any] | None) -> list[Any] | None:
    return item and [hexed(part) if isinstance(part, str) else part for part in item]


@vectors_of("items")
def test_item(vector: Vector) -> None:
    def judge(given: Vector) -> Any:
        if "theirs" in given:
            return {"need": need(from_wire(given["mine"]), from_wire(given["theirs"]) or [])}
        value = decode(hexed(given["bytes"]))
        name, check = ("item", check_item) if vector["id"].startswith("item") else ("cursor", check_cursor)
        check(value)
        return {name: wire(value)}

    found = judged(vector, judge)
    assert found is None or found == vector["expected"]


@vectors_of("log")
def test_log(vector: Vector) -> None:
    entries = [entry_of(alone) for alone in content("log")["entries"]]

    def chain(spans: list[str]) -> list[Entry]:
        found = []
        for span in spans:
            first, _, last = span.partition("-")
            found += entries[int(first) : int(last or first) + 1]
        return found

    given, log = vector["input"], Log("test")
    for spans in given["before"]:
        log.receive(chain(spans))
    kept, code = 0, None
    if "proof" in given:
        try:
            log.receive_proof(*map(chain, given["proof"]))
        except Fault as fault:
            code = fault.code
    else:
        verdict = log.receive(chain(given["chain"]), jump=given.get("jump", False))
        kept, code = verdict.kept, verdict.fault and verdict.fault.code
    assert code == vector.get("error")
    held = [log.main[0].seq, log.main[-1].seq] if log.main else None
    found = {"kept": kept, "item": wire(log.item()), "common": log.common(), "held": held}
    assert found == vector["expected"]


@vectors_of("effects")
def test_effects(vector: Vector) -> None:
    given, log = vector["input"], Log("test")
    for chain in given["before"]:
        log.receive(list(map(entry_of, chain)), jump=given.get("jump", False))
    found = effects(log, given["now"])
    listings = {
        key: {"entry": offer.entry.hex(), "offered": offer.offered} for key, offer in found.listings.items()
    }
    assert vector["expected"] == {
        "profile": found.profile and found.profile.hex(),
        "stamp": found.stamp,
        "listings": listings,
        "void": {str(seq): code for seq, code in found.void.items()},
        "blocks": sorted(id_.hex() for id_ in found.blocks),
    }


@vectors_of("alone")
def test_alone(vector: Vector) -> None:
    def judge(given: Vector) -> Any:
        openers = Openers("test")
        for alone in given["openers"]:
            openers.admit(entry_of(alone))
        check_alone(openers, entry_of(given["entry"]), list(map(entry_of, given["standing"])))
        return {"accepted": True}

    found = judged(vector, judge)
    assert found is None or found == vector["expected"]


@vectors_of("found")
def test_found(vector: Vector) -> None:
    def judge(given: Vector) -> Any:
        body = read_message(hexed(given["message"])).body
        hits = believed("test", body, list(map(entry_of, given["known"])))
        return {"hits": [hit.id.hex() for hit in hits]}

    found = judged(vector, judge)
    assert found is None or found == vector["expected"]


@vectors_of("ranges")
def test_ranges(vector: Vector) -> None:
    given = vector["input"]
    if "item" in given:
        item = [hexed(part) if isinstance(part, str) else part for part in given["item"]]
        assert element("test", item).hex() == vector["expected"]["element"]
        return
    first = content("ranges")["items"][: given["count"]]
    items = [[hexed(part) if isinstance(part, str) else part for part in item] for item in first]
    held = RangeSet("test", hexed(given["salt"]), items)
    if "prefix" in given:
        assert held.split(given["prefix"]).hex() == vector["expected"]["fingerprints"]
        assert [each.hex() for each in held.ids(given["prefix"])] == vector["expected"]["ids"]
        return

    def judge(told: Vector) -> Any:
        question = {
            form: [[prefix, hexed(each) if isinstance(each, str) else each] for prefix, each in rows]
            for form, rows in told["question"].items()
        }
        answer = held.answer(question)
        return {
            form: [
                each.hex() if form == "tell" else [each[0], each[1] if form == "lacking" else each[1].hex()]
                for each in rows
            ]
            for form, rows in answer.items()
        }

    found = judged(vector, judge)
    assert found is None or found == vector["expected"]


@vectors_of("noise")
def test_noise(vector: Vector) -> None:
    given = vector["input"]
    prologue, payloads = hexed(given["prologue"]), list(map(hexed, given["payloads"]))
    if vector["id"].startswith("answer-"):
        static, ephemeral = hexed(given["static"]), hexed(given["ephemeral"])
        side = Handshake(initiator=False, prologue=prologue, static=static, ephemeral=ephemeral)
        side.read(hexed(given["received"][0]))
        assert side.write(payloads[0]).hex() == vector["expected"]["sent"]
        return
    if "error" in vector:
        side = Handshake(
            initiator=given["role"] == "initiator",
            prologue=prologue,
            static=hexed(given["static"]),
            ephemeral=hexed(given["ephemeral"]),
        )
        *received, last = map(hexed, given["received"])
        if given["role"] == "initiator":
            side.write(payloads.pop(0))
        for message in received:
            side.read(message)
            if not side.done and payloads:
                side.write(payloads.pop(0))
        with pytest.raises(Fault) as caught:
            side.read(last)
        assert caught.value.code == vector["error"]
        with pytest.raises(Fault):
            side.write(b"")  # for good, in both directions
        return
    sides = [
        Handshake(
            initiator=role == "initiator",
            prologue=prologue,
            static=hexed(given[f"{role}_static"]),
            ephemeral=hexed(given[f"{role}_ephemeral"]),
        )
        for role in ("initiator", "responder")
    ]
    messages = []
    for at, payload in enumerate(payloads):
        writer, reader = sides if at % 2 == 0 else reversed(sides)
        message = writer.write(payload)
        assert reader.read(message) == payload
        messages.append(message.hex())
        if at == 1 and "hash_after_2" in vector["expected"]:
            assert writer.hash.hex() == reader.hash.hex() == vector["expected"]["hash_after_2"]
    assert messages == vector["expected"]["messages"]
    assert [side.hash.hex() for side in sides] == [vector["expected"]["hash"]] * 2
    assert [side.remote for side in reversed(sides)] == [
        public(hexed(given[f"{role}_static"])) for role in ("initiator", "responder")
    ]


@vectors_of("session")
def test_session(vector: Vector) -> None:
    def judge(given: Vector) -> Any:
        if "payload" in given:
            identity = read_identity("inx", hexed(given["payload"]), hexed(given["static"]), given["now"])
            return {"id": identity.id.hex(), "epoch": identity.epoch, "key": identity.key.hex()}
        if "dialler" in given:
            return replay(vector)
        certificate = certified("inx", hexed(given["key"]), given["until"])
        assert certificate.hex() == vector["signed"]
        return {"signature": signatures.sign(hexed(given["seed"]), certificate).hex()}

    found = judged(vector, judge)
    assert found is None or found == vector["expected"]


def replay(vector: Vector) -> Vector:
    """The worked exchange, each side played by this codec; gives back what it sends."""
    given = vector["input"]
    sides = {}
    for role in ("dialler", "listener"):
        keys = given[role]
        sides[role] = Handshake(
            initiator=role == "dialler",
            prologue=tag(given["network"], "noise"),
            static=hexed(keys["session"]),
            ephemeral=hexed(keys["ephemeral"]),
        )
    told = []
    for message in vector["expected"]["messages"]:
        reader = "listener" if message["from"] == "dialler" else "dialler"
        plaintext = hexed(message["plaintext"])
        sent = sides[message["from"]].write(plaintext)
        assert sides[reader].read(sent) == plaintext
        told.append({"from": message["from"], "wire": sent.hex(), "plaintext": plaintext.hex()})
        if len(told) in (2, 3):
            remote = sides[reader].remote
            assert remote is not None
            identity = read_identity(given["network"], plaintext, remote, given["now"])
            assert identity.id.hex() == given[message["from"]]["id"]
        elif len(told) > 3:
            assert encode(decode(plaintext)) == plaintext
            read_message(plaintext)
    log = Log(given["network"])
    [run] = read_message(plaintext).body["runs"]
    assert log.receive(read_run(run)).kept == 3
    [item] = read_message(hexed(told[-3]["plaintext"])).body["items"]
    assert log.item() == item
    return {"messages": told}


@vectors_of("messages")
def test_message(vector: Vector) -> None:
    message = judged(vector, lambda given: read_message(hexed(given["bytes"])))
    if message is not None:
        expected = vector["expected"]
        assert (message.type, message.request) == (expected["type"], expected["request"])
        assert (message.name is not None) == expected["known"]
        assert expected["body"] is None or message.body == plain(expected["body"])
        assert encode([message.type, message.request, message.body]).hex() == vector["input"]["bytes"]


@vectors_of("seen")
def test_seen(vector: Vector) -> None:
    def judge(given: Vector) -> Any:
        statement = read_statement(hexed(given["statement"]))
        if "signed" in vector:
            assert signed("inx", statement).hex() == vector["signed"]
        check_statement("inx", statement, hexed(given["key"]))
        return {"valid": True}

    found = judged(vector, judge)
    assert found is None or found == vector["expected"]


@vectors_of("address")
def test_address(vector: Vector) -> None:
    def judge(given: Vector) -> Any:
        told = read_told(hexed(given["told"]))
        if "signed" in vector:
            assert signed_address("test", told.statement).hex() == vector["signed"]
        check_told("test", told)
        stated = told.statement
        return {"addresses": stated["addresses"], "epoch": stated["epoch"], "id": stated["id"].hex()}

    found = judged(vector, judge)
    assert found is None or found == vector["expected"]


@vectors_of("scopes")
def test_scope(vector: Vector) -> None:
    assert scope(vector["input"]["host"]) == vector["expected"]["scope"]


@vectors_of("stamp")
def test_stamp(vector: Vector) -> None:
    def judge(given: Vector) -> Any:
        id_, nonce = hexed(given["id"]), hexed(given["nonce"])
        if "hashed" in vector:
            work = hashed(given["network"], id_, given["bits"], nonce)
            assert (work.hex(), sha256(work).hex()) == (vector["hashed"], vector["work"])
        check_stamp(given["network"], id_, given["bits"], nonce)
        return {"reached": True}

    found = judged(vector, judge)
    assert found is None or found == vector["expected"]


@vectors_of("uri")
def test_link(vector: Vector) -> None:
    def judge(given: Vector) -> Any:
        if "id" in given:
            token = hexed(given["token"]) if "token" in given else None
            wanted = Link(
                hexed(given["id"]), given["addresses"], token, given.get("expires"), given.get("pin", False)
            )
            return {"link": write_link(wanted)}
        link = read_link(given["link"])
        told: dict[str, Any] = {"id": link.networker.hex(), "addresses": link.addresses}
        if link.token is not None:
            told["token"] = link.token.hex()
            told |= {} if link.expires is None else {"expires": link.expires}
            told |= {"pin": True} if link.pin else {}
        return told

    found = judged(vector, judge)
    assert found is None or found == vector["expected"]


@vectors_of("blob")
def test_blob(vector: Vector) -> None:
    def judge(given: Vector) -> Any:
        if "name" not in given:
            blob = cut(bytes([given["byte"]]) * given["size"])
            told = {"name": blob.name.hex(), "chunks": len(blob.chunks)}
            if "manifest_hash" in vector["expected"]:
                return {**told, "manifest_hash": sha256(blob.manifest).hex()}
            return {**told, "manifest": blob.manifest.hex()}
        data = bytes([given["data"]["byte"]]) * given["data"]["size"]
        check_chunk(hexed(given["name"]), given["size"], hexed(given["manifest"]), given["chunk"], data)
        return vector["expected"]

    found = judged(vector, judge)
    assert found is None or found == vector["expected"]


@vectors_of("logfile")
def test_file(vector: Vector) -> None:
    data = hexed(vector["input"]["file"])
    runs, fault = read_file("test", data)
    assert [run.hex() for run in runs] == vector["expected"]["runs"]
    assert (fault and fault.code) == vector.get("error")
    if fault is None:
        assert write_file("test", list(map(decode, runs))) == data


def test_every_file_of_vectors_is_read_here() -> None:
    read = {path.stem for path in VECTORS.glob("*.json")}
    assert read == set(TESTED)


TESTED: Final = (
    "address", "alone", "bech32", "blob", "ed25519", "effects", "encoding", "entry", "found", "identity", "items",
    "log", "logfile", "messages", "noise", "ranges", "records", "recovery", "runs", "scopes", "seen", "session",
    "stamp", "uri",
)  # fmt: skip
