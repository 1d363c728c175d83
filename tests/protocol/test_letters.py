"""Letters: vectors opened by the production library, properties of frame, seal and signature, hostile letters."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netnode.ports import CannotOpen, OpeningKeys, RecipientKeys
from netnode.sealer import HpkeSealer, recipient_keys
from protocol import encoding, letter_bodies, letters, limits
from protocol.entry import Entry, parse_wire
from protocol.errors import LocalProtocolError, NotHeld, ProtocolError, RemoteProtocolError
from protocol.letters import Envelope
from protocol.openers import Openers, start
from protocol.signing import Signer
from tests.protocol.author import Author, seed
from tests.vectors.reading import named, read

NETWORK = "test"
PRIVATE = OpeningKeys(seed("x25519"), seed("hybrid"))
SENDER = Author("sender of letters")
RECIPIENT = Author("recipient of letters")
Vector = dict[str, Any]


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


def entries(given: list[list[str | None]]) -> list[Entry]:
    return [parse_wire([None if part is None else raw(part) for part in each]) for each in given]


def openers_of(chain: list[Entry]) -> Openers | None:
    known = None
    for entry in chain:
        known = start(NETWORK, entry) if known is None else known.admit(entry)
    return known


# -- vectors ---------------------------------------------------------------------------------------------------
def told(vector: Vector) -> Any:
    given = vector["input"]
    if "x25519" in given:
        return letters.key_id(NETWORK, raw(given["x25519"])).hex()
    if "content" in given:
        content = letter_bodies.decode_content(raw(given["content"]))
        return {
            "type": content.type,
            "known": content.body is not None,
            "first": content.first and content.first.hex(),
            "token": content.token and content.token.hex(),
        }
    letter = letters.parse(raw(given["letter"]))
    envelope = letter.envelope
    if "private" in given:
        keys = OpeningKeys(raw(given["private"]))
        if letters.key_id(NETWORK, recipient_keys(keys).x25519) != envelope.key:
            raise NotHeld("letter_key", "another key")
        try:
            return HpkeSealer().open(keys, letters.info(NETWORK, envelope), letter.sealed).hex()
        except CannotOpen as error:
            raise RemoteProtocolError("letter", str(error)) from error
    if "plaintext" in given:
        known = openers_of(entries(given["known"]))
        opened = letters.read(NETWORK, envelope, raw(given["plaintext"]), known)
        if "signed" in vector:
            assert letters.signed_bytes(NETWORK, envelope, opened.content).hex() == vector["signed"]
        return {"content": opened.content.hex(), "epoch": opened.epoch, "key": opened.key.hex()}
    if "bits" in given:
        return letters.stamped(NETWORK, letter, given["bits"])
    if "token" in given:
        known = RECIPIENT_OF_VECTORS if any(epoch is not None for epoch, _ in given["keys"]) else None
        letters.check_token(NETWORK, envelope, raw(given["token"]), known, given["now"])
        return True
    if "info" in vector:
        assert letters.info(NETWORK, envelope).hex() == vector["info"]
    again = letters.assemble(envelope, letter.sealed, letter.token, letter.stamp)
    assert again.data == letter.data
    return {
        **{name: getattr(envelope, name).hex() for name in ("sender", "recipient", "key", "id")},
        "expires": envelope.expires,
        "token": letter.token and letter.token.hex(),
        "stamp": letter.stamp and [letter.stamp[0], letter.stamp[1].hex()],
        "sealed": letter.sealed.hex(),
    }


RECIPIENT_OF_VECTORS = openers_of(Author("letters recipient").entries[:1])


@pytest.mark.parametrize("vector", read("letters"), ids=named)
def test_letters(vector: Vector) -> None:  # [R-LET-1..5, 7, 9, 10]
    if "error" in vector:
        with pytest.raises(ProtocolError) as caught:
            told(vector)
        assert caught.value.code == vector["error"]
    else:
        assert told(vector) == vector["expected"]


# -- properties ------------------------------------------------------------------------------------------------
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=200)
IDS = st.binary(min_size=16, max_size=16)
BODIES = st.one_of(
    st.builds(letter_bodies.Mail, subject=TEXTS.filter(lambda text: len(text) <= 150), text=TEXTS, re=IDS),
    st.builds(letter_bodies.Ack, ids=st.lists(IDS, min_size=1, max_size=256).map(tuple)),
    st.builds(letter_bodies.Refused, id=IDS, code=st.sampled_from(["letter_key", "blocked"]), text=TEXTS),
    st.builds(
        letter_bodies.DealLetter,
        messages=st.lists(st.binary(max_size=900), min_size=1, max_size=8).map(tuple),
        enclosures=st.lists(st.binary(max_size=900), max_size=8).map(tuple),
    ),
)


def envelope(**changed: Any) -> Envelope:
    key = letters.key_id(NETWORK, recipient_keys(PRIVATE).x25519)
    fields = {"sender": SENDER.id, "recipient": RECIPIENT.id, "key": key, "id": bytes(16), "expires": 9}
    return Envelope(**{**fields, **changed})


@given(BODIES, st.none() | IDS, st.none() | st.binary(min_size=1, max_size=256))
def test_a_content_comes_back(body: Any, first: bytes | None, token: bytes | None) -> None:  # [R-LET-7]
    data = letter_bodies.encode_content(body, first, token)
    assert letter_bodies.decode_content(data) == letter_bodies.Content(
        letter_bodies.type_of(body), body, first, token
    )


@given(st.binary(max_size=3_000), st.booleans())
def test_a_letter_comes_back_whole_and_padded(text: bytes, hybrid: bool) -> None:  # [R-LET-3] [R-LET-6]
    content, bound = encoding.encode({"type": "t", "x": text}), envelope()
    plaintext = letters.compose(NETWORK, SENDER.signer, bound, content, 0, SENDER.entries[:1])
    assert len(plaintext) % limits.LETTER_PADDING == 0
    public = recipient_keys(PRIVATE)
    keys = public if hybrid else RecipientKeys(public.x25519)
    sealed = HpkeSealer().seal(keys, letters.info(NETWORK, bound), plaintext)
    assert sealed[0] == (2 if hybrid else 1)
    letter = letters.parse(letters.assemble(bound, sealed).data)
    opened = HpkeSealer().open(PRIVATE, letters.info(NETWORK, letter.envelope), letter.sealed)
    read_back = letters.read(NETWORK, letter.envelope, opened)
    assert (read_back.content, read_back.epoch, read_back.key) == (content, 0, SENDER.signer.public)


@given(st.data())
def test_a_changed_bit_of_a_frame_is_noticed(data: st.DataObject) -> None:  # [R-LET-3] [R-LET-4]
    bound = envelope()
    plaintext = letters.compose(NETWORK, SENDER.signer, bound, b"\x81\xa4type\xa1t", 0, SENDER.entries[:1])
    sealed = HpkeSealer().seal(
        RecipientKeys(recipient_keys(PRIVATE).x25519), letters.info(NETWORK, bound), plaintext
    )
    whole = letters.assemble(bound, sealed).data
    place = data.draw(st.integers(0, 8 * len(whole) - 1))
    flipped = bytearray(whole)
    flipped[place // 8] ^= 1 << place % 8
    try:
        letter = letters.parse(bytes(flipped))
        opened = HpkeSealer().open(PRIVATE, letters.info(NETWORK, letter.envelope), letter.sealed)
    except (RemoteProtocolError, CannotOpen):
        return
    raise AssertionError(f"bit {place} does not matter: {letter} {opened!r}")


@given(st.binary(max_size=400))
def test_bytes_of_anybody_are_refused_with_one_code(data: bytes) -> None:  # [R-LET-1] [R-LET-5] [R-LET-7]
    for judge in (
        letters.parse,
        letter_bodies.decode_content,
        lambda it: letters.read(NETWORK, envelope(), it),
    ):
        with pytest.raises(RemoteProtocolError) as caught:
            judge(data)
        assert caught.value.code == "letter"


def test_what_is_bound_is_bound_by_each_member() -> None:  # [R-LET-3] [R-LET-4]
    changes: list[dict[str, Any]] = [
        {},
        {"sender": b"s" * 32},
        {"recipient": b"r" * 32},
        {"key": b"k" * 16},
        {"id": b"i" * 16},
        {"expires": 10},
    ]
    bounds = [envelope(**each) for each in changes]
    for one, other in itertools.combinations(bounds, 2):
        assert letters.info(NETWORK, one) != letters.info(NETWORK, other)
        assert letters.signed_bytes(NETWORK, one, b"c") != letters.signed_bytes(NETWORK, other, b"c")
    assert letters.info("test", bounds[0]) != letters.info("inx", bounds[0])
    assert letters.key_id("test", b"k" * 32) != letters.key_id("inx", b"k" * 32)


# -- hostile ---------------------------------------------------------------------------------------------------
def test_a_contested_sender_is_nobody() -> None:  # [R-LET-5]
    left, right = Author("contested sender"), Author("contested sender")
    for each in (left, right):
        each.write(1, each is right)
        each.rotate()
    chain = [left.entries[0], *(entry for each in (left, right) for entry in each.entries if entry.kind == 2)]
    known = openers_of(chain)
    assert known is not None and known.contested is not None
    bound = envelope(sender=left.id)
    plaintext = letters.compose(NETWORK, left.signer, bound, b"\x80", 1)
    with pytest.raises(NotHeld) as caught:
        letters.read(NETWORK, bound, plaintext, known)
    assert caught.value.code == "contested"


def test_a_recipient_cannot_pass_a_letter_on_as_written_to_another() -> None:  # [R-LET-4]
    bound = envelope()
    plaintext = letters.compose(NETWORK, SENDER.signer, bound, b"\x80", 0, SENDER.entries[:1])
    thief = OpeningKeys(seed("another recipient"))
    again = envelope(recipient=b"v" * 32, key=letters.key_id(NETWORK, recipient_keys(thief).x25519))
    sealed = HpkeSealer().seal(recipient_keys(thief), letters.info(NETWORK, again), plaintext)
    opened = HpkeSealer().open(thief, letters.info(NETWORK, again), sealed)
    with pytest.raises(RemoteProtocolError) as caught:
        letters.read(NETWORK, again, opened)
    assert caught.value.code == "letter"


def test_a_signature_of_another_kind_signs_no_letter() -> None:  # [R-TAG-1]
    bound = envelope(sender=Signer(seed("k")).public)
    content = b"\x80"
    signature = Signer(seed("k")).sign(encoding.encode([*bound.wire(), content]))
    bare = len(encoding.encode([content, None, [], signature, b""]))
    plaintext = encoding.encode([content, None, [], signature, bytes(-bare % 256)])
    with pytest.raises(RemoteProtocolError):
        letters.read(NETWORK, bound, plaintext)


def test_what_does_not_fit_is_not_made() -> None:
    with pytest.raises(LocalProtocolError, match="at most 53248"):
        letter_bodies.encode_content(letter_bodies.DealLetter(messages=(bytes(30_000), bytes(30_000))))
    with pytest.raises(LocalProtocolError, match="wrong form"):
        letter_bodies.encode_content(letter_bodies.Mail(text="t" * 10_001))
    with pytest.raises(LocalProtocolError, match="at most 61440"):
        letters.assemble(envelope(), bytes(61_440))
