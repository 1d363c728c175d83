"""Sealing and opening by HPKE."""

from __future__ import annotations

import pytest

from netnode.ports import CannotOpen, OpeningKeys, RecipientKeys, Sealer
from netnode.sealer import HYBRID_SUITE, X25519_SUITE, HpkeSealer, recipient_keys

_PLAIN = OpeningKeys(bytes(range(32)))
_HYBRID = OpeningKeys(bytes(range(32)), bytes(range(32, 64)))
_INFO = b"sender, recipient, message"
SEALER: Sealer = HpkeSealer()


@pytest.mark.parametrize(("keys", "suite"), [(_PLAIN, X25519_SUITE), (_HYBRID, HYBRID_SUITE)])
def test_a_round_trip_takes_the_best_suite_offered(keys: OpeningKeys, suite: int) -> None:
    sealed = SEALER.seal(recipient_keys(keys), _INFO, b"an order")
    assert sealed[0] == suite
    assert SEALER.open(keys, _INFO, sealed) == b"an order"
    assert SEALER.seal(recipient_keys(keys), _INFO, b"an order") != sealed


def test_hybrid_holders_open_the_mandatory_suite_too() -> None:
    sealed = SEALER.seal(RecipientKeys(recipient_keys(_HYBRID).x25519), _INFO, b"x")
    assert SEALER.open(_HYBRID, _INFO, sealed) == b"x"


def test_the_public_keys_have_the_lengths_of_the_keys_record() -> None:
    public = recipient_keys(_HYBRID)
    assert len(public.x25519) == 32
    assert public.mlkem768_x25519 is not None
    assert len(public.mlkem768_x25519) == 1216


@pytest.mark.parametrize("keys", [_PLAIN, _HYBRID])
def test_what_is_not_ours_does_not_open(keys: OpeningKeys) -> None:
    sealed = SEALER.seal(recipient_keys(keys), _INFO, b"an order")
    stranger = OpeningKeys(b"\x07" * 32, b"\x08" * 32)
    altered = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for opener, info, data in (
        (stranger, _INFO, sealed),
        (keys, b"other info", sealed),
        (keys, _INFO, altered),
        (keys, _INFO, sealed[:20]),
        (keys, _INFO, sealed[:1]),
        (keys, _INFO, b""),
        (keys, _INFO, b"\x09" + sealed[1:]),
        (keys, _INFO, bytes([sealed[0] ^ 3]) + sealed[1:]),  # the other suite's number
    ):
        with pytest.raises(CannotOpen):
            SEALER.open(opener, info, data)


def test_a_hybrid_message_needs_the_hybrid_key() -> None:
    sealed = SEALER.seal(recipient_keys(_HYBRID), _INFO, b"x")
    with pytest.raises(CannotOpen):
        SEALER.open(_PLAIN, _INFO, sealed)


@pytest.mark.parametrize(
    "recipient",
    [RecipientKeys(b"short"), RecipientKeys(bytes(32)), RecipientKeys(b"\x09" * 32, b"\xff" * 1215)],
)
def test_a_key_that_is_none_is_refused(recipient: RecipientKeys) -> None:
    with pytest.raises(ValueError):
        SEALER.seal(recipient, _INFO, b"x")


def test_a_hybrid_seed_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        recipient_keys(OpeningKeys(b"\x07" * 32, b"short"))


def test_private_keys_do_not_show() -> None:
    assert repr(_HYBRID) == "OpeningKeys()"
