"""Vectors of encoding, identity, entries, records and logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from netnode.conformance import bech32, signatures
from netnode.conformance.alone import check_alone
from netnode.conformance.beside import authentic
from netnode.conformance.checking import want
from netnode.conformance.effects import effects
from netnode.conformance.encoding import decode, encode
from netnode.conformance.entries import Entry, Header, write_entry
from netnode.conformance.faults import Fault
from netnode.conformance.found import believed
from netnode.conformance.items import check_cursor, check_item, need
from netnode.conformance.limits import MAX_MESSAGE
from netnode.conformance.log import Log
from netnode.conformance.messages import read_message
from netnode.conformance.openers import Openers
from netnode.conformance.records import read_record
from netnode.conformance.recovery import backup_seed, promised_seed
from netnode.conformance.runs import read_run, write_run
from netnode.conformance.tags import networker_id, promise, tag
from netnode.conformance.vectors.judging import (
    OTHER,
    Judge,
    Vector,
    alone_of,
    compared,
    entry_of,
    from_wire,
    hexed,
    judged,
    plain,
    wire,
)


def _encoding(vector: Vector, content: Vector) -> None:
    def judge(given: Vector) -> Any:
        return decode(hexed(given["bytes"]), given.get("limit", MAX_MESSAGE))

    value = judged(vector, judge)
    if "error" not in vector:
        expected = plain(vector["expected"].get("value", vector["expected"]))
        want(value == expected and type(value) is type(expected), OTHER)
        want(encode(expected).hex() == vector["input"]["bytes"], OTHER)


def _bech32(vector: Vector, content: Vector) -> None:
    def judge(given: Vector) -> Any:
        if "bytes" in given:
            text = bech32.write(given["prefix"], hexed(given["bytes"]))
            want(bech32.read(given["prefix"], text).hex() == given["bytes"], OTHER)
            return {"text": text}
        if "prefix" in given:
            return {"bytes": bech32.read(given["prefix"], given["text"]).hex()}
        prefix, groups = bech32.groups(given["text"])
        return {"prefix": prefix, "groups": bytes(groups).hex()}

    compared(vector, judge)


def _ed25519(vector: Vector, content: Vector) -> None:
    def judge(given: Vector) -> Any:
        if "seed" in given:
            seed, message = hexed(given["seed"]), hexed(given["message"])
            key, signature = signatures.public(seed), signatures.sign(seed, message)
            want(signatures.valid(key, message, signature), OTHER)
            return {"public": key.hex(), "signature": signature.hex()}
        key = hexed(given["key"])
        if "signature" not in given:
            signatures.check_key(key)
            return {"accepted": True}
        if not signatures.valid(key, hexed(given["message"]), hexed(given["signature"])):
            raise Fault("signature")
        return vector["expected"]

    compared(vector, judge)


def _identity(vector: Vector, content: Vector) -> None:
    def judge(given: Vector) -> Any:
        if "purpose" in given:
            return {"tag": tag(given["network"], given["purpose"]).hex()}
        if "text" in given:
            return {"id": bech32.read_id(given["text"]).hex()}
        record = hexed(given["record"])
        id_ = networker_id(given["network"], record)
        want(vector["hashed"] == (tag(given["network"], "networker") + record).hex(), OTHER)
        return {"id": id_.hex(), "text": bech32.write_id(id_)}

    compared(vector, judge)


def _recovery(vector: Vector, content: Vector) -> None:
    def judge(given: Vector) -> Any:
        if "epoch" not in given:
            private = backup_seed(given["network"], hexed(given["entropy"]))
            public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
            return {"private": private.hex(), "public": public.hex()}
        seed = promised_seed(given["network"], hexed(given["entropy"]), given["epoch"])
        key = signatures.public(seed)
        promised = promise(given["network"], key)
        return {"seed": seed.hex(), "public": key.hex(), "promise": promised.hex()}

    compared(vector, judge)


def _fields_of(header: Header) -> Vector:
    return {
        name: value.hex() if isinstance(value, bytes) else value for name, value in asdict(header).items()
    }


def _entry(vector: Vector, content: Vector) -> None:
    def judge(given: Vector) -> Any:
        if "entry" in given:
            entry = entry_of(given["entry"])
            return {"fields": _fields_of(entry.header), "id": entry.id.hex()}
        fields: dict[str, Any] = {
            name: hexed(value) if isinstance(value, str) else value for name, value in given["fields"].items()
        }
        record = hexed(given["record"])
        entry = write_entry("inx", hexed(given["seed"]), Header(**fields), record)
        want(entry.signed("inx", signatures.public(hexed(given["seed"]))), OTHER)
        want(vector["signed"] == (tag("inx", "entry") + entry.header_bytes).hex(), OTHER)
        return {
            "header": entry.header_bytes.hex(),
            "signature": entry.signature.hex(),
            "id": entry.id.hex(),
        }

    compared(vector, judge)


def _records(vector: Vector, content: Vector) -> None:
    def judge(given: Vector) -> Any:
        read_record(given["kind"], hexed(given["record"]))
        return {"valid": True}

    compared(vector, judge)


def _runs(vector: Vector, content: Vector) -> None:
    def judge(given: Vector) -> Any:
        entries = read_run(decode(hexed(given["run"]), 1 << 20))
        want(encode(write_run(entries)).hex() == given["run"], OTHER)
        return {"entries": list(map(alone_of, entries)), "ids": [entry.id.hex() for entry in entries]}

    compared(vector, judge)


def _items(vector: Vector, content: Vector) -> None:
    def judge(given: Vector) -> Any:
        if "theirs" in given:
            return {"need": need(from_wire(given["mine"]), from_wire(given["theirs"]) or [])}
        value = decode(hexed(given["bytes"]))
        name, check = ("item", check_item) if vector["id"].startswith("item") else ("cursor", check_cursor)
        check(value)
        return {name: wire(value)}

    compared(vector, judge)


def _log(vector: Vector, content: Vector) -> None:
    entries = [entry_of(alone) for alone in content["entries"]]

    def chain(spans: list[str]) -> list[Entry]:
        found = []
        for span in spans:
            first, _, last = span.partition("-")
            found += entries[int(first) : int(last or first) + 1]
        return found

    given, log = vector["input"], Log("test")
    for spans in given["before"]:
        log.receive(chain(spans))
    if "branch" in given:
        branch = chain(given["branch"])
        below = next(entry for entry in entries if entry.id == branch[0].header.prev)
        count = authentic(log.openers, below, branch, sealed=given.get("sealed", False))
        want(vector["expected"] == {"kept": count}, OTHER)
        return
    kept = 0
    code: str | None = None
    if "proof" in given:
        try:
            log.receive_proof(*map(chain, given["proof"]))
        except Fault as fault:
            code = fault.code
    else:
        verdict = log.receive(chain(given["chain"]), jump=given.get("jump", False))
        kept, code = verdict.kept, None if verdict.fault is None else verdict.fault.code
    want(code == vector.get("error"), OTHER)
    held = [log.main[0].seq, log.main[-1].seq] if log.main else None
    found = {"kept": kept, "item": wire(log.item()), "common": log.common(), "held": held}
    want(found == vector["expected"], OTHER)


def _effects(vector: Vector, content: Vector) -> None:
    given, log = vector["input"], Log("test")
    for chain in given["before"]:
        log.receive(list(map(entry_of, chain)), jump=given.get("jump", False))
    found = effects(log, given["now"])
    listings = {
        key: {"entry": offer.entry.hex(), "offered": offer.offered} for key, offer in found.listings.items()
    }
    told = {
        "profile": found.profile and found.profile.hex(),
        "stamp": found.stamp,
        "listings": listings,
        "void": {str(seq): code for seq, code in found.void.items()},
        "blocks": sorted(id_.hex() for id_ in found.blocks),
    }
    want(vector["expected"] == told, OTHER)


def _alone(vector: Vector, content: Vector) -> None:
    def judge(given: Vector) -> Any:
        openers = Openers("test")
        for alone in given["openers"]:
            openers.admit(entry_of(alone))
        check_alone(openers, entry_of(given["entry"]), list(map(entry_of, given["standing"])))
        return {"accepted": True}

    compared(vector, judge)


def _found(vector: Vector, content: Vector) -> None:
    def judge(given: Vector) -> Any:
        body = read_message(hexed(given["message"])).body
        hits = believed("test", body, list(map(entry_of, given["known"])))
        return {"hits": [hit.id.hex() for hit in hits]}

    compared(vector, judge)


JUDGES: Final[Mapping[str, Judge]] = {
    "encoding": _encoding,
    "bech32": _bech32,
    "ed25519": _ed25519,
    "identity": _identity,
    "recovery": _recovery,
    "entry": _entry,
    "records": _records,
    "runs": _runs,
    "items": _items,
    "log": _log,
    "effects": _effects,
    "alone": _alone,
    "found": _found,
}
"""By the name of the file."""
