"""`protocol` passes the vectors that SPEC pins, and each file is what its generator makes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from protocol import (
    address,
    blobs,
    encoding,
    identity,
    items,
    logfile,
    messages,
    ranges,
    recovery,
    seen,
    session,
    signing,
    stamp,
)
from protocol import records as record_codecs
from protocol import uri as invites
from protocol.certificate import certify, read_identity
from protocol.entry import Entry, parse_wire, sign_entry
from protocol.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from protocol.found import hits_of
from protocol.messages import Found, decode_message
from protocol.openers import Openers, start
from protocol.run import Run, rebuild
from protocol.standing import accept_alone
from protocol.tags import tag
from tests.protocol.held import Held
from tests.vectors.generate import (
    ALL,
    beside,
)
from tests.vectors.generate.forms import hexed, marked
from tests.vectors.generate.noise import xx
from tests.vectors.generate.writing import VECTORS, Vector, text
from tests.vectors.reading import named, read, shared


def raw(value: str) -> bytes:
    return bytes.fromhex(value)


def entry(value: list[str | None]) -> Entry:
    return parse_wire([None if part is None else raw(part) for part in value])


def outcome(vector: Vector, act: Callable[[], Any]) -> None:
    """Runs `act`: its value is what is expected, or it raises with the code of the vector."""
    if "error" in vector:
        with pytest.raises(ProtocolError) as caught:
            act()
        assert caught.value.code == vector["error"]
    else:
        assert act() == vector["expected"]


@pytest.mark.parametrize("name", sorted(ALL))
def test_each_file_is_what_its_generator_makes(name: str) -> None:
    module = ALL[name]
    more = module.shared() if hasattr(module, "shared") else {}
    assert (VECTORS / f"{name}.json").read_text() == text(module.ABOUT, module.vectors(), **more)


@pytest.mark.parametrize(
    "name", sorted(set(ALL) - {"bech32", "effects", "items", "recovery", "scopes", "uri"})
)
def test_at_least_as_many_are_refused_as_accepted(name: str) -> None:
    vectors = read(name)
    refused = sum("error" in vector for vector in vectors)
    assert 2 * refused >= len(vectors) or name in {
        "deals",
        "ledger",
        "mandates",
        "noise",
        "plans",
        "prices",
        "ranges",
        "transcripts",
        "witnesses",
    }


@pytest.mark.parametrize("vector", read("encoding"), ids=named)
def test_encoding(vector: Vector) -> None:  # [R-ENC-1..9]
    data, limit = raw(vector["input"]["bytes"]), vector["input"].get("limit", 65_519)

    def act() -> Any:
        value = encoding.decode(data, limit)
        assert encoding.encode(value) == data
        return {"value": marked(value)}

    outcome(vector, act)


@pytest.mark.parametrize("vector", read("identity", "tag-"), ids=named)
def test_tags(vector: Vector) -> None:  # [R-TAG-1]
    given = vector["input"]
    outcome(vector, lambda: {"tag": tag(given["network"], given["purpose"]).hex()})


@pytest.mark.parametrize("vector", read("identity", "id-"), ids=named)
def test_ids(vector: Vector) -> None:  # [R-ID-1, 2]
    made = identity.networker_id(vector["input"]["network"], raw(vector["input"]["record"]))
    assert {"id": made.hex(), "text": identity.id_text(made)} == vector["expected"]


@pytest.mark.parametrize("vector", read("identity", "text-"), ids=named)
def test_text_forms(vector: Vector) -> None:  # [R-ID-2, 3]
    outcome(vector, lambda: {"id": identity.parse_id(vector["input"]["text"]).hex()})


@pytest.mark.parametrize("vector", read("entry", "sign-"), ids=named)
def test_signed_entries(vector: Vector) -> None:  # [R-ENTRY-1, 3, 4]
    given, fields = vector["input"], vector["input"]["fields"]
    made = sign_entry(
        "inx", signing.Signer(raw(given["seed"])), author=raw(fields["author"]), seq=fields["seq"],
        prev=raw(fields["prev"]), epoch=fields["epoch"], term=fields["term"], time=fields["time"],
        kind=fields["kind"], record=raw(given["record"]),
    )  # fmt: skip
    assert {"header": made.header.hex(), "signature": made.signature.hex(), "id": made.id.hex()} == vector[
        "expected"
    ]
    assert vector["signed"] == (tag("inx", "entry") + made.header).hex()


@pytest.mark.parametrize("vector", read("entry", "read-"), ids=named)
def test_entries_alone_are_read(vector: Vector) -> None:  # [R-ENTRY-1, 2, 5..9]
    def act() -> Any:
        one = entry(vector["input"]["entry"])
        fields = {
            name: value.hex() if isinstance(value, bytes) else value
            for name, value in (
                ("version", 1), ("author", one.author), ("seq", one.seq), ("prev", one.prev), ("epoch", one.epoch),
                ("term", one.term), ("time", one.time), ("kind", one.kind), ("record_hash", one.record_hash),
                ("record_length", one.record_length),
            )
        }  # fmt: skip
        return {"fields": fields, "id": one.id.hex()}

    outcome(vector, act)


@pytest.mark.parametrize("vector", read("records"), ids=named)
def test_records(vector: Vector) -> None:  # [R-REC-1..12] [R-KIND-2, 3]
    given = vector["input"]

    def act() -> Any:
        record_codecs.decode_record(given["kind"], raw(given["record"]))
        return {"valid": True}

    outcome(vector, act)


ENTRIES = [entry(each) for each in shared("log")["entries"]]


def chain(ranges: list[str]) -> list[Entry]:
    found: list[Entry] = []
    for each in ranges:
        first, _, last = each.partition("-")
        found += ENTRIES[int(first) : int(last or first) + 1]
    return found


BRANCHES = [vector for vector in read("log") if "branch" in vector["input"]]


@pytest.mark.parametrize("vector", BRANCHES, ids=named)
def test_branches(vector: Vector) -> None:  # [R-LOG-35]
    given = vector["input"]
    found = beside.told(list(map(chain, given["before"])), chain(given["branch"]), given.get("sealed", False))
    assert found == vector["expected"]


@pytest.mark.parametrize("vector", [each for each in read("log") if each not in BRANCHES], ids=named)
def test_logs(vector: Vector) -> None:  # [R-LOG-1..11, 13..16, 24..30] [R-KEY-1] [R-VER-1, 2]
    given = vector["input"]
    store = Held()
    for each in given["before"]:
        store.receive(chain(each))

    def ids() -> set[bytes]:
        aside = [one for extent in store.extents.values() for one in extent.values()]
        return {one.id for one in (*store.rows.values(), *aside, *store.dropped)}

    known, code = ids(), None
    if "proof" in given:
        try:
            store.proof(*(chain(side) for side in given["proof"]))
        except ProtocolError as error:
            code = error.code
    else:
        fault = store.receive(chain(given["chain"]), jump=given.get("jump", False)).fault
        code = fault.code if fault else None
    state = store.state
    assert code == vector.get("error")
    assert vector["expected"] == {
        "kept": len(ids() - known),
        "item": None if state is None else hexed(state.item().wire()),
        "common": None if state is None else state.common,
        "held": None if state is None else [state.base.seq, state.tip.seq],
    }


@pytest.mark.parametrize("vector", read("found"), ids=named)
def test_answers_of_hubs_are_believed(vector: Vector) -> None:  # [R-QRY-4]
    given = vector["input"]
    known: dict[bytes, Openers] = {}
    for each in map(entry, given["known"]):
        known[each.author] = known[each.author].admit(each) if each.author in known else start("test", each)

    def act() -> Any:
        body = decode_message(bytes.fromhex(given["message"])).body
        assert isinstance(body, Found)
        return {"hits": [hit.entry.id.hex() for hit in hits_of("test", body, known)]}

    outcome(vector, act)


@pytest.mark.parametrize("vector", read("alone"), ids=named)
def test_entries_alone_are_accepted(vector: Vector) -> None:  # [R-LOG-12]
    given = vector["input"]
    first, *rest = map(entry, given["openers"])
    openers = start("test", first)
    for each in rest:
        openers = openers.admit(each)

    def act() -> Any:
        accept_alone(openers, entry(given["entry"]), [entry(part) for part in given["standing"]])
        return {"accepted": True}

    outcome(vector, act)


@pytest.mark.parametrize("vector", read("items", "item-"), ids=named)
def test_items(vector: Vector) -> None:  # [R-LOG-17] [R-MSG-6]
    value = encoding.decode(raw(vector["input"]["bytes"]))
    outcome(vector, lambda: {"item": hexed(items.parse_item(value).wire())})


@pytest.mark.parametrize("vector", read("items", "cursor-"), ids=named)
def test_cursors(vector: Vector) -> None:  # [R-LOG-18] [R-MSG-6]
    value = encoding.decode(raw(vector["input"]["bytes"]))

    def act() -> Any:
        cursor = items.parse_cursor(value)
        return {"cursor": hexed([cursor.store, cursor.arrival, cursor.tag])}

    outcome(vector, act)


@pytest.mark.parametrize("vector", read("items", "need-"), ids=named)
def test_needs(vector: Vector) -> None:  # [R-SYNC-5]
    def item(value: Any) -> Any:
        return value and items.parse_item([raw(part) if isinstance(part, str) else part for part in value])

    mine, theirs = item(vector["input"]["mine"]), item(vector["input"]["theirs"])
    assert items.need(mine, theirs).name == vector["expected"]["need"]


@pytest.mark.parametrize("vector", read("ranges"), ids=named)
def test_ranges(vector: Vector) -> None:  # [R-RNG-2] [R-RNG-3] [R-RNG-6] [R-RNG-7]
    given = vector["input"]

    def item(value: Any) -> items.Item:
        return items.parse_item([raw(part) if isinstance(part, str) else part for part in value])

    if "item" in given:
        assert ranges.element("test", item(given["item"])).hex() == vector["expected"]["element"]
        return
    all_items = shared("ranges")["items"]
    elements = ranges.Elements().changed(
        ranges.element("test", item(each)) for each in all_items[: given["count"]]
    )
    held = ranges.Salted(elements, "test", raw(given["salt"]))
    if "prefix" in given:
        low, high = elements.within(given["prefix"])
        found = {
            "fingerprints": held.split(given["prefix"], low, high).hex(),
            "ids": hexed(held.ids(low, high)),
        }
        assert found == vector["expected"]
        return
    question = messages.Ranges(
        **{
            form: [(prefix, raw(each) if isinstance(each, str) else each) for prefix, each in rows]
            for form, rows in given["question"].items()
        }
    )

    def act() -> Any:
        reply = ranges.answered(held, question)
        rows = {form: hexed(each) for form, each in ranges.rows_of(reply).items()}
        return {"tell": hexed(reply.tell)} | rows

    outcome(vector, act)


@pytest.mark.parametrize("vector", read("runs"), ids=named)
def test_runs(vector: Vector) -> None:  # [R-RUN-1..5]
    data = raw(vector["input"]["run"])

    def act() -> Any:
        try:
            run = msgspec.convert(encoding.decode(data), Run)
        except msgspec.ValidationError as error:  # inside a message this is `bad_message`
            raise RemoteProtocolError("bad_message", str(error)) from error
        rebuilt = rebuild(run)
        return {
            "entries": [hexed([one.header, one.signature, one.record]) for one in rebuilt],
            "ids": [one.id.hex() for one in rebuilt],
        }

    outcome(vector, act)


@pytest.mark.parametrize("vector", read("messages"), ids=named)
def test_messages(vector: Vector) -> None:  # [R-MSG-1..5]
    data = raw(vector["input"]["bytes"])

    def act() -> Any:
        received = messages.decode_message(data)
        known = received.body is not None
        expected = vector["expected"]["body"]
        body = marked(encoding.decode(data)[2]) if expected is not None else None
        if isinstance(received.body, msgspec.Struct):
            again = messages.decode_message(messages.encode_message(received.body, received.request))
            assert again == received
        return {"type": received.type, "request": received.request, "known": known, "body": body}

    outcome(vector, act)


@pytest.mark.parametrize("vector", read("session", "identity-"), ids=named)
def test_identity_payloads(vector: Vector) -> None:  # [R-CERT-1..4]
    given = vector["input"]

    def act() -> Any:
        remote = read_identity("inx", raw(given["payload"]), raw(given["static"]), given["now"])
        return {
            "id": remote.id.hex(),
            "epoch": remote.openers.epoch,
            "key": remote.certificate.key.hex(),
        }

    outcome(vector, act)


def test_certificates() -> None:  # [R-CERT-1]
    (vector,) = read("session", "certificate-")
    given = vector["input"]
    made = certify("inx", signing.Signer(raw(given["seed"])), raw(given["key"]), given["until"])
    assert made.signature.hex() == vector["expected"]["signature"]


def test_the_exchange_can_be_played_again() -> None:
    """Both sides of SPEC's exchange from the keys in the vector; every byte on the wire [R-SES-1..4] [R-NOISE-1]."""
    (vector,) = read("session", "exchange")
    from tests.spec.exchange import exchange

    ada, bob, _ = exchange()
    given = vector["input"]
    dialler = ada.session_as(True, raw(given["listener"]["id"]))
    listener = bob.session_as(False)
    waiting: dict[str, list[bytes]] = {"dialler": [], "listener": []}
    for message in vector["expected"]["messages"][:5]:
        side, other = (dialler, listener) if message["from"] == "dialler" else (listener, dialler)
        waiting[message["from"]] += side.outgoing()
        data = waiting[message["from"]].pop(0)
        assert data.hex() == message["wire"]
        other.receive(data, given["now"])
    assert dialler.phase is listener.phase is session.Phase.OPEN


def test_the_handshake_of_the_exchange_is_that_of_another_noise() -> None:
    """The generator of noise.json has its own Noise, which gives the same bytes [R-NOISE-1] [R-SES-1, 2]."""
    (vector,) = read("session", "exchange")
    given, sent = vector["input"], vector["expected"]["messages"]
    keys = {
        "prologue": b"INX/1\0inx\0noise\0".hex(),
        "initiator_static": given["dialler"]["session"],
        "initiator_ephemeral": given["dialler"]["ephemeral"],
        "responder_static": given["listener"]["session"],
        "responder_ephemeral": given["listener"]["ephemeral"],
        "payloads": [message["plaintext"] for message in sent[:3]]
        + [sent[4]["plaintext"], sent[3]["plaintext"]],
    }
    made, _, _ = xx(keys)
    assert [message.hex() for message in made] == [sent[index]["wire"] for index in (0, 1, 2, 4, 3)]


@pytest.mark.parametrize("vector", read("uri", "write-"), ids=named)
def test_links_are_written(vector: Vector) -> None:  # [R-URI-2, 3]
    given = dict(vector["input"])
    networker, addresses = raw(given.pop("id")), given.pop("addresses")
    if "token" in given:
        given["token"] = raw(given["token"])
    assert invites.format_invite(networker, addresses, **given) == vector["expected"]["link"]


@pytest.mark.parametrize("vector", [*read("uri", "read-"), *read("uri", "refused-")], ids=named)
def test_links_are_read(vector: Vector) -> None:  # [R-URI-1..7]
    def act() -> Any:
        invite = invites.parse_invite(vector["input"]["link"])
        told: dict[str, Any] = {"id": invite.id.hex(), "addresses": list(invite.addresses)}
        if invite.token is not None:
            told["token"] = invite.token.hex()
            told |= {} if invite.expires is None else {"expires": invite.expires}
            told |= {"pin": True} if invite.pin else {}
        assert invite.token is not None or (invite.expires, invite.pin) == (None, False)
        return told

    outcome(vector, act)


@pytest.mark.parametrize("vector", read("address"), ids=named)
def test_address_statements(vector: Vector) -> None:  # [R-BOOK-1..3]
    def act() -> Any:
        told = address.decode_told(raw(vector["input"]["told"]))
        if "signed" in vector:
            assert address.statement_bytes("test", told.statement).hex() == vector["signed"]
        address.require_signed("test", told.statement, address.proved_key("test", told))
        assert address.encode_told(told).hex() == vector["input"]["told"]
        stated = told.statement
        return {"addresses": stated.addresses, "epoch": stated.epoch, "id": stated.id.hex()}

    outcome(vector, act)


@pytest.mark.parametrize("vector", read("scopes"), ids=named)
def test_scopes(vector: Vector) -> None:  # [R-BOOK-5]
    assert address.host_scope(vector["input"]["host"]).value == vector["expected"]["scope"]


@pytest.mark.parametrize("vector", read("stamp"), ids=named)
def test_stamps(vector: Vector) -> None:  # [R-STAMP-1..3]
    given = vector["input"]

    def act() -> Any:
        stamp.check(given["network"], raw(given["id"]), given["bits"], raw(given["nonce"]))
        return {"reached": True}

    outcome(vector, act)


@pytest.mark.parametrize("vector", read("seen"), ids=named)
def test_seen_statements(vector: Vector) -> None:  # [R-SEEN-1, 2]
    given = vector["input"]

    def act() -> Any:
        if not seen.verify("inx", seen.decode(raw(given["statement"])), raw(given["key"])):
            raise RemoteProtocolError("signature", "not valid")
        return {"valid": True}

    outcome(vector, act)


@pytest.mark.parametrize("vector", read("blob", "whole-"), ids=named)
def test_whole_blobs(vector: Vector) -> None:  # [R-BLOB-1..3]
    size = vector["input"]["size"]

    def act() -> Any:
        count = blobs.chunk_count(size)
        data = bytes([vector["input"]["byte"]]) * size
        manifest = blobs.manifest(data)
        made = {"name": blobs.name(data).hex(), "chunks": count}
        if "manifest" in vector["expected"]:
            return made | {"manifest": manifest.hex()}
        return made | {"manifest_hash": hashlib.sha256(manifest).hexdigest()}

    outcome(vector, act)


@pytest.mark.parametrize("vector", read("blob", "chunk-"), ids=named)
def test_chunks(vector: Vector) -> None:  # [R-BLOB-3, 4]
    given = vector["input"]

    def act() -> Any:
        data = bytes([given["data"]["byte"]]) * given["data"]["size"]
        blobs.check_chunk(raw(given["name"]), given["size"], raw(given["manifest"]), given["chunk"], data)
        return {"fits": True}

    outcome(vector, act)


@pytest.mark.parametrize("vector", read("logfile"), ids=named)
@pytest.mark.parametrize("piece", [1, 7, 100_000])
def test_files(vector: Vector, piece: int) -> None:  # [R-FILE-1..3]
    data = raw(vector["input"]["file"])
    reader = logfile.Reader("test")
    runs: list[Run] = []
    code = None
    try:
        for at in range(0, len(data), piece):
            runs += reader.feed(data[at : at + piece])
        reader.close()
    except RemoteProtocolError as error:
        code = error.code
    assert code == vector.get("error")
    assert [encoding.encode_struct(run).hex() for run in runs] == vector["expected"]["runs"]


def test_a_promise_is_derived_as_the_vectors_say() -> None:  # [R-KEY-4, 5]
    vector = read("recovery")[0]
    seed = recovery.promised_seed("inx", raw(vector["input"]["entropy"]), vector["input"]["epoch"])
    assert seed.hex() == vector["expected"]["seed"]
    with pytest.raises(LocalProtocolError):
        recovery.promised_seed("inx", b"", 1)
