"""Noise XX: the published vector, ours, and everything that must end a handshake or a session."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.limits import MAX_MESSAGE, MAX_NOISE_MESSAGE
from protocol.noise import HANDSHAKE_OVERHEAD, MAX_NONCE, Handshake, Transport
from tests.vectors.generate import noise as generator
from tests.vectors.generate.writing import VECTORS, Vector, text
from tests.vectors.reading import named, read

ZERO_SECRETS = [
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
]


def pair(prologue: bytes = b"", other: bytes | None = None) -> tuple[Handshake, Handshake]:
    initiator = Handshake(True, bytes(range(32)), bytes(range(32, 64)), prologue)
    return initiator, Handshake(
        False, bytes(range(64, 96)), bytes(range(96, 128)), prologue if other is None else other
    )


def joined() -> tuple[Handshake, Handshake]:
    initiator, responder = pair()
    responder.read(initiator.write(b""))
    initiator.read(responder.write(b""))
    responder.read(initiator.write(b""))
    return initiator, responder


def transports() -> tuple[Transport, Transport]:
    initiator, responder = joined()
    return initiator.split(), responder.split()


def refused(text: str = "") -> pytest.RaisesExc[RemoteProtocolError]:
    return pytest.raises(RemoteProtocolError, match=rf"^handshake: .*{text}")


def test_vectors_are_what_their_generator_makes() -> None:
    assert (VECTORS / "noise.json").read_text() == text(generator.ABOUT, generator.vectors())


@pytest.mark.parametrize("vector", [*read("noise", "cacophony"), *read("noise", "whole-")], ids=named)
def test_whole(vector: Vector) -> None:  # [R-NOISE-1] [R-NOISE-4]
    given = {name: bytes.fromhex(value) for name, value in vector["input"].items() if name != "payloads"}
    payloads = [bytes.fromhex(payload) for payload in vector["input"]["payloads"]]
    messages = [bytes.fromhex(message) for message in vector["expected"]["messages"]]
    sides = (
        Handshake(True, given["initiator_static"], given["initiator_ephemeral"], given["prologue"]),
        Handshake(False, given["responder_static"], given["responder_ephemeral"], given["prologue"]),
    )
    for number in range(3):
        writer, reader = sides[number % 2], sides[1 - number % 2]
        assert not writer.finished and not reader.finished
        assert writer.write(payloads[number]) == messages[number]
        assert reader.read(messages[number]) == payloads[number]
        assert len(messages[number]) == len(payloads[number]) + HANDSHAKE_OVERHEAD[number]
    assert sides[0].finished and sides[1].finished
    assert sides[0].hash == sides[1].hash == bytes.fromhex(vector["expected"]["hash"])
    ends = (sides[0].split(), sides[1].split())
    for number in range(3, len(payloads)):
        assert ends[number % 2].encrypt(payloads[number]) == messages[number]
        assert ends[1 - number % 2].decrypt(messages[number]) == payloads[number]


@pytest.mark.parametrize("vector", read("noise", "answer-"), ids=named)
def test_answers(vector: Vector) -> None:  # [R-NOISE-1]
    given = vector["input"]
    side = Handshake(False, *(bytes.fromhex(given[name]) for name in ("static", "ephemeral", "prologue")))
    side.read(bytes.fromhex(given["received"][0]))
    assert side.write(bytes.fromhex(given["payloads"][0])).hex() == vector["expected"]["sent"]


@pytest.mark.parametrize("vector", read("noise", "broken-"), ids=named)
def test_broken(vector: Vector) -> None:  # [R-NOISE-1] [R-NOISE-3] [R-NOISE-4] [R-NOISE-5] [R-NOISE-6]
    given: dict[str, Any] = vector["input"]
    initiator = given["role"] == "initiator"
    keys = [bytes.fromhex(given[name]) for name in ("static", "ephemeral", "prologue")]
    side = Handshake(initiator, *keys)
    payloads = [bytes.fromhex(payload) for payload in given["payloads"]]
    *fine, last = [bytes.fromhex(message) for message in given["received"]]
    end: Transport | None = None

    def write() -> None:
        if payloads and not side.finished:
            side.write(payloads.pop(0))

    def take(message: bytes) -> None:
        nonlocal end
        if side.finished:
            end = end or side.split()
            end.decrypt(message)
        else:
            side.read(message)

    if initiator:
        write()
    for message in fine:
        take(message)
        write()
    with pytest.raises(RemoteProtocolError) as broken:
        take(last)
    assert broken.value.code == vector["error"]
    # and it stays so
    with refused():
        take(last)
    if end is not None:
        with refused():
            end.encrypt(b"")
    else:
        assert not side.finished
        with pytest.raises(LocalProtocolError):
            side.write(b"")
        with pytest.raises(LocalProtocolError):
            side.split()


def test_each_side_learns_the_other_key_when_it_is_sent() -> None:  # [R-NOISE-2]
    initiator, responder = pair()
    responder.read(initiator.write(b"in clear"))
    for side in (initiator, responder):
        with pytest.raises(LocalProtocolError, match="not known"):
            _ = side.remote_static
    initiator.read(responder.write(b""))
    assert len(initiator.remote_static) == 32
    with pytest.raises(LocalProtocolError, match="not known"):
        _ = responder.remote_static
    responder.read(initiator.write(b""))
    assert initiator.remote_static != responder.remote_static


def test_a_key_from_a_message_that_failed_is_not_given_out() -> None:
    initiator, responder = pair()
    responder.read(initiator.write(b""))
    with refused("decrypt"):
        initiator.read(responder.write(b"x")[:-1] + b"\0")
    with pytest.raises(LocalProtocolError):
        _ = initiator.remote_static


@pytest.mark.parametrize("key", ZERO_SECRETS, ids=bytes.hex)
def test_an_all_zero_secret_ends_it_for_the_responder(key: bytes) -> None:  # [R-NOISE-6]
    _, responder = pair()
    responder.read(key)
    with refused("no secret"):
        responder.write(b"")
    with pytest.raises(LocalProtocolError, match="written now"):
        responder.write(b"")
    with refused("out of turn"):
        responder.read(key)


@pytest.mark.parametrize("key", ZERO_SECRETS, ids=bytes.hex)
def test_an_all_zero_secret_ends_it_for_the_initiator(key: bytes) -> None:  # [R-NOISE-6]
    initiator, responder = pair()
    responder.read(initiator.write(b""))
    with refused("no secret"):
        initiator.read(key + responder.write(b"")[32:])


def test_another_prologue_is_another_network() -> None:  # [R-NOISE-1]
    initiator, responder = pair(b"INX/1 inx", b"INX/1 other")
    responder.read(initiator.write(b""))
    with refused("decrypt"):
        initiator.read(responder.write(b""))


def test_turns() -> None:  # [R-NOISE-5]
    initiator, responder = pair()
    with pytest.raises(LocalProtocolError, match="written now"):
        responder.write(b"")
    one = initiator.write(b"")
    with pytest.raises(LocalProtocolError, match="written now"):
        initiator.write(b"")
    responder.read(one)
    with refused("out of turn"):
        responder.read(one)
    initiator, responder = joined()
    with pytest.raises(LocalProtocolError, match="written now"):
        initiator.write(b"")
    with refused("out of turn"):
        responder.read(one)
    assert not responder.finished


def test_an_initiator_reads_nothing_before_it_has_written() -> None:
    initiator, _ = pair()
    with refused("out of turn"):
        initiator.read(bytes(32))


def test_hash_and_split_need_the_end_and_split_comes_once() -> None:
    initiator, _ = pair()
    with pytest.raises(LocalProtocolError, match="not finished"):
        _ = initiator.hash
    with pytest.raises(LocalProtocolError, match="split"):
        initiator.split()
    initiator, responder = joined()
    before = initiator.hash
    initiator.split()
    assert initiator.finished and initiator.hash == before == responder.hash
    with pytest.raises(LocalProtocolError, match="once"):
        initiator.split()


@pytest.mark.parametrize(("static", "ephemeral"), [(31, 32), (33, 32), (32, 31), (32, 0)])
def test_keys_have_32_bytes(static: int, ephemeral: int) -> None:
    with pytest.raises(LocalProtocolError):
        Handshake(True, bytes(static), bytes(ephemeral), b"")


def test_the_longest_handshake_messages() -> None:  # [R-NOISE-3]
    sides = pair()
    for number, overhead in enumerate(HANDSHAKE_OVERHEAD):
        writer, reader = sides[number % 2], sides[1 - number % 2]
        with pytest.raises(LocalProtocolError, match="fit"):
            writer.write(bytes(MAX_NOISE_MESSAGE - overhead + 1))
        message = writer.write(bytes(MAX_NOISE_MESSAGE - overhead))
        assert len(message) == MAX_NOISE_MESSAGE
        assert reader.read(message) == bytes(MAX_NOISE_MESSAGE - overhead)


def test_a_handshake_message_too_long() -> None:  # [R-NOISE-3]
    _, responder = pair()
    with refused("longer"):
        responder.read(bytes(MAX_NOISE_MESSAGE + 1))
    with refused("out of turn"):
        responder.read(bytes(32))


def test_the_longest_transport_message() -> None:  # [R-NOISE-3]
    one, two = transports()
    message = one.encrypt(bytes(MAX_MESSAGE))
    assert len(message) == MAX_NOISE_MESSAGE
    assert two.decrypt(message) == bytes(MAX_MESSAGE)
    with pytest.raises(LocalProtocolError, match="fit"):
        one.encrypt(bytes(MAX_MESSAGE + 1))
    assert two.decrypt(one.encrypt(b"goes on")) == b"goes on"
    with refused("size"):
        two.decrypt(bytes(MAX_NOISE_MESSAGE + 1))
    with refused("size"):
        two.decrypt(one.encrypt(b""))


def test_nonces_end() -> None:  # [R-NOISE-4]
    one, two = transports()
    one._sent = two._received = MAX_NONCE - 1
    assert two.decrypt(one.encrypt(b"the last one")) == b"the last one"
    with pytest.raises(LocalProtocolError, match="used up"):
        one.encrypt(b"")
    sealed_under_the_reserved_nonce = one._sealer.encrypt(MAX_NONCE.to_bytes(12, "big"), b"", None)
    with refused("now"):
        two.decrypt(sealed_under_the_reserved_nonce)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=300)), max_size=12))
def test_both_directions_run_apart(said: list[tuple[bool, bytes]]) -> None:  # [R-NOISE-4]
    one, two = transports()
    sealed = [(first, plain, (one if first else two).encrypt(plain)) for first, plain in said]
    for first in (True, False):
        for direction, plain, message in sealed:
            if direction is first:
                assert (two if first else one).decrypt(message) == plain


@settings(max_examples=40)
@given(st.lists(st.binary(max_size=50), min_size=1, max_size=5), st.data())
def test_any_change_on_the_wire_ends_the_session(
    plains: list[bytes], data: st.DataObject
) -> None:  # [R-NOISE-5]
    one, two = transports()
    messages = [one.encrypt(plain) for plain in plains]
    index = data.draw(st.integers(0, len(messages) - 1))
    bit = data.draw(st.integers(0, 8 * len(messages[index]) - 1))
    changed = bytearray(messages[index])
    changed[bit // 8] ^= 1 << bit % 8
    for message in messages[:index]:
        two.decrypt(message)
    with refused():
        two.decrypt(bytes(changed))
    with refused():
        two.decrypt(messages[index])
    with refused("did not decrypt"):
        two.encrypt(b"")
