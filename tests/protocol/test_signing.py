"""Strict Ed25519: every vector, and that the library underneath draws the line where SPEC does."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl import bindings
from nacl.exceptions import BadSignatureError

from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.signing import SMALL_ORDER, Signer, check_key, verify
from tests.vectors.generate import ed25519
from tests.vectors.generate.curve import cofactorless
from tests.vectors.generate.writing import Vector
from tests.vectors.reading import named, read


@pytest.mark.parametrize("vector", read("ed25519", "sign-"), ids=named)
def test_sign(vector: Vector) -> None:
    signer = Signer(bytes.fromhex(vector["input"]["seed"]))
    message = bytes.fromhex(vector["input"]["message"])
    assert signer.public.hex() == vector["expected"]["public"]
    assert signer.sign(message).hex() == vector["expected"]["signature"]
    assert verify(signer.public, signer.sign(message), message)


@pytest.mark.parametrize("vector", read("ed25519", "key-"), ids=named)
def test_check_key(vector: Vector) -> None:  # [R-SIG-1] [R-SIG-5]
    key = bytes.fromhex(vector["input"]["key"])
    if "expected" in vector:
        check_key(key)
        return
    with pytest.raises(RemoteProtocolError) as refused:
        check_key(key)
    assert refused.value.code == vector["error"]


@pytest.mark.parametrize("vector", read("ed25519", "verify-"), ids=named)
def test_verify(vector: Vector) -> None:  # [R-SIG-1] [R-SIG-2] [R-SIG-3] [R-SIG-4] [R-SIG-5]
    key, signature, message = (
        bytes.fromhex(vector["input"][name]) for name in ("key", "signature", "message")
    )
    assert verify(key, signature, message) is ("expected" in vector)


@pytest.mark.parametrize("vector", read("ed25519", "verify-"), ids=named)
def test_libsodium_alone_is_as_strict(vector: Vector) -> None:
    """A new libsodium that is laxer (or takes the equation times 8) shows here, before it splits the network."""
    key, signature, message = (
        bytes.fromhex(vector["input"][name]) for name in ("key", "signature", "message")
    )
    if len(key) != 32:
        return  # the binding reads 32 bytes whatever there is
    try:
        bindings.crypto_sign_open(signature + message, key)
    except BadSignatureError:
        assert vector.get("error") == "signature"
    else:
        assert vector.get("expected") == {"valid": True}


def test_every_small_order_encoding_is_listed() -> None:
    assert set(ed25519.small_order()) == SMALL_ORDER


@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200), data=st.data())
def test_a_changed_bit_anywhere_is_noticed(seed: bytes, message: bytes, data: st.DataObject) -> None:
    signer = Signer(seed)
    whole = signer.public + signer.sign(message) + message
    place = data.draw(st.integers(0, 8 * len(whole) - 1))
    changed = bytearray(whole)
    changed[place // 8] ^= 1 << place % 8
    assert verify(whole[:32], whole[32:96], whole[96:])
    assert not verify(bytes(changed[:32]), bytes(changed[32:96]), bytes(changed[96:]))


@given(key=st.binary(max_size=40), signature=st.binary(max_size=70), message=st.binary(max_size=20))
def test_nothing_escapes_verify(key: bytes, signature: bytes, message: bytes) -> None:
    assert verify(key, signature, message) is False


@given(seed=st.binary(min_size=32, max_size=32))
def test_own_keys_are_loadable(seed: bytes) -> None:
    check_key(Signer(seed).public)


def test_own_arithmetic_agrees() -> None:
    signer = Signer(bytes(32))
    assert cofactorless(signer.public, signer.sign(b"m"), b"m")


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_seed_has_32_bytes(length: int) -> None:
    with pytest.raises(LocalProtocolError):
        Signer(bytes(length))


def test_a_signer_shows_no_secret_and_does_not_change() -> None:
    signer = Signer(b"\x5a" * 32)
    assert "5a5a" not in repr(signer) and "ZZ" not in repr(signer)
    assert signer == Signer(b"\x5a" * 32)
    assert signer != Signer(bytes(32))
    with pytest.raises(dataclasses.FrozenInstanceError):
        signer.seed = bytes(32)  # type: ignore[misc]


def test_the_small_order_rules_do_not_rest_on_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bindings, "crypto_sign_open", lambda signed, key: signed[64:])
    honest = Signer(bytes(32)).public
    assert verify(honest, honest + bytes(32), b"")
    for small in SMALL_ORDER:
        assert not verify(small, honest + bytes(32), b"")  # [R-SIG-1]
        assert not verify(honest, small + bytes(32), b"")  # [R-SIG-3]
