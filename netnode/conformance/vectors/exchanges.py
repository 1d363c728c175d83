"""Vectors of sessions, messages, ranges, links, blobs and files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from netnode.conformance import signatures
from netnode.conformance.addresses import check_told, read_told, scope
from netnode.conformance.addresses import signed as signed_address
from netnode.conformance.blobs import check_chunk, cut
from netnode.conformance.checking import want
from netnode.conformance.encoding import decode, encode
from netnode.conformance.files import read_file, write_file
from netnode.conformance.identity import certified, read_identity
from netnode.conformance.links import Link, read_link, write_link
from netnode.conformance.log import Log
from netnode.conformance.messages import read_message
from netnode.conformance.noise import Handshake, public
from netnode.conformance.paths import check_date, check_token, hash_of, read_path, read_token
from netnode.conformance.paths import signed as signed_token
from netnode.conformance.ranges import Set as RangeSet
from netnode.conformance.ranges import element
from netnode.conformance.runs import read_run
from netnode.conformance.seen import check_statement, read_statement, signed
from netnode.conformance.stamps import check_stamp, hashed
from netnode.conformance.tags import sha256, tag
from netnode.conformance.vectors.judging import (
    OTHER,
    Judge,
    Vector,
    code_of,
    compared,
    hexed,
    judged,
    plain,
)


def _ranges(vector: Vector, content: Vector) -> None:
    given = vector["input"]
    if "item" in given:
        item = [hexed(part) if isinstance(part, str) else part for part in given["item"]]
        want(element("test", item).hex() == vector["expected"]["element"], OTHER)
        return
    first = content["items"][: given["count"]]
    items = [[hexed(part) if isinstance(part, str) else part for part in item] for item in first]
    held = RangeSet("test", hexed(given["salt"]), items)
    if "prefix" in given:
        want(held.split(given["prefix"]).hex() == vector["expected"]["fingerprints"], OTHER)
        want([each.hex() for each in held.ids(given["prefix"])] == vector["expected"]["ids"], OTHER)
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

    compared(vector, judge)


def _noise(vector: Vector, content: Vector) -> None:
    given = vector["input"]
    prologue, payloads = hexed(given["prologue"]), list(map(hexed, given["payloads"]))
    if vector["id"].startswith("answer-"):
        static, ephemeral = hexed(given["static"]), hexed(given["ephemeral"])
        side = Handshake(initiator=False, prologue=prologue, static=static, ephemeral=ephemeral)
        side.read(hexed(given["received"][0]))
        want(side.write(payloads[0]).hex() == vector["expected"]["sent"], OTHER)
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
        want(code_of(lambda: side.read(last)) == vector["error"], OTHER)
        want(code_of(lambda: side.write(b"")) is not None, OTHER)  # for good, in both directions
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
        want(reader.read(message) == payload, OTHER)
        messages.append(message.hex())
        if at == 1 and "hash_after_2" in vector["expected"]:
            want(writer.hash.hex() == reader.hash.hex() == vector["expected"]["hash_after_2"], OTHER)
    want(messages == vector["expected"]["messages"], OTHER)
    want([side.hash.hex() for side in sides] == [vector["expected"]["hash"]] * 2, OTHER)
    statics = [public(hexed(given[f"{role}_static"])) for role in ("initiator", "responder")]
    want([side.remote for side in reversed(sides)] == statics, OTHER)


def _session(vector: Vector, content: Vector) -> None:
    def judge(given: Vector) -> Any:
        if "payload" in given:
            identity = read_identity("inx", hexed(given["payload"]), hexed(given["static"]), given["now"])
            return {"id": identity.id.hex(), "epoch": identity.epoch, "key": identity.key.hex()}
        if "dialler" in given:
            return _replay(vector)
        certificate = certified("inx", hexed(given["key"]), given["until"])
        want(certificate.hex() == vector["signed"], OTHER)
        return {"signature": signatures.sign(hexed(given["seed"]), certificate).hex()}

    compared(vector, judge)


def _replay(vector: Vector) -> Vector:
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
        want(sides[reader].read(sent) == plaintext, OTHER)
        told.append({"from": message["from"], "wire": sent.hex(), "plaintext": plaintext.hex()})
        if len(told) in (2, 3):
            remote = sides[reader].remote or b""
            identity = read_identity(given["network"], plaintext, remote, given["now"])
            want(identity.id.hex() == given[message["from"]]["id"], OTHER)
        elif len(told) > 3:
            want(encode(decode(plaintext)) == plaintext, OTHER)
            read_message(plaintext)
    log = Log(given["network"])
    [run] = read_message(plaintext).body["runs"]
    want(log.receive(read_run(run)).kept == 3, OTHER)
    [item] = read_message(hexed(told[-3]["plaintext"])).body["items"]
    want(log.item() == item, OTHER)
    return {"messages": told}


def _messages(vector: Vector, content: Vector) -> None:
    message = judged(vector, lambda given: read_message(hexed(given["bytes"])))
    if message is not None:
        expected = vector["expected"]
        want((message.type, message.request) == (expected["type"], expected["request"]), OTHER)
        want((message.name is not None) == expected["known"], OTHER)
        want(expected["body"] is None or message.body == plain(expected["body"]), OTHER)
        want(encode([message.type, message.request, message.body]).hex() == vector["input"]["bytes"], OTHER)


def _seen(vector: Vector, content: Vector) -> None:
    def judge(given: Vector) -> Any:
        statement = read_statement(hexed(given["statement"]))
        if "signed" in vector:
            want(signed("inx", statement).hex() == vector["signed"], OTHER)
        check_statement("inx", statement, hexed(given["key"]))
        return {"valid": True}

    compared(vector, judge)


def _path(vector: Vector, content: Vector) -> None:
    def judge(given: Vector) -> Any:
        if "token" in given:
            token = read_token(hexed(given["token"]))
            if "signed" in vector:
                want(signed_token("inx", token).hex() == vector["signed"], OTHER)
            check_token("inx", token, hexed(given["key"]))
            return {"id": sha256(hexed(given["token"])).hex()}
        path = hexed(given["path"])
        salt, raw = read_path(path)
        check_date([read_token(each) for each in raw], given["at"], given["listing"])
        return {
            "salt": salt.hex(),
            "tokens": [each.hex() for each in raw],
            "hash": hash_of("inx", path).hex(),
        }

    compared(vector, judge)


def _address(vector: Vector, content: Vector) -> None:
    def judge(given: Vector) -> Any:
        told = read_told(hexed(given["told"]))
        if "signed" in vector:
            want(signed_address("test", told.statement).hex() == vector["signed"], OTHER)
        check_told("test", told)
        stated = told.statement
        return {"addresses": stated["addresses"], "epoch": stated["epoch"], "id": stated["id"].hex()}

    compared(vector, judge)


def _scopes(vector: Vector, content: Vector) -> None:
    want(scope(vector["input"]["host"]) == vector["expected"]["scope"], OTHER)


def _stamp(vector: Vector, content: Vector) -> None:
    def judge(given: Vector) -> Any:
        id_, nonce = hexed(given["id"]), hexed(given["nonce"])
        if "hashed" in vector:
            work = hashed(given["network"], id_, given["bits"], nonce)
            want((work.hex(), sha256(work).hex()) == (vector["hashed"], vector["work"]), OTHER)
        check_stamp(given["network"], id_, given["bits"], nonce)
        return {"reached": True}

    compared(vector, judge)


def _uri(vector: Vector, content: Vector) -> None:
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

    compared(vector, judge)


def _blob(vector: Vector, content: Vector) -> None:
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

    compared(vector, judge)


def _logfile(vector: Vector, content: Vector) -> None:
    data = hexed(vector["input"]["file"])
    runs, fault = read_file("test", data)
    want([run.hex() for run in runs] == vector["expected"]["runs"], OTHER)
    want((fault and fault.code) == vector.get("error"), OTHER)
    if fault is None:
        want(write_file("test", list(map(decode, runs))) == data, OTHER)


JUDGES: Final[Mapping[str, Judge]] = {
    "ranges": _ranges,
    "noise": _noise,
    "session": _session,
    "messages": _messages,
    "seen": _seen,
    "path": _path,
    "address": _address,
    "scopes": _scopes,
    "stamp": _stamp,
    "uri": _uri,
    "blob": _blob,
    "logfile": _logfile,
}
"""By the name of the file."""
