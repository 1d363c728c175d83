"""Promised keys from the recovery entropy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError
from protocol.recovery import backup_public, backup_seed, promise, promised_seed
from protocol.signing import Signer
from tests.vectors.generate import recovery as generator
from tests.vectors.generate.writing import Vector
from tests.vectors.reading import named, read


@pytest.mark.parametrize(
    "vector", [each for each in read("recovery") if "epoch" not in each["input"]], ids=named
)
def test_vector_of_backups(vector: Vector) -> None:  # [R-KEY-6]
    network, entropy = vector["input"]["network"], bytes.fromhex(vector["input"]["entropy"])
    if "error" in vector:
        with pytest.raises(LocalProtocolError) as refused:
            backup_seed(network, entropy)
        assert refused.value.code == vector["error"]
        return
    found = {"private": backup_seed(network, entropy).hex(), "public": backup_public(network, entropy).hex()}
    assert found == vector["expected"]


@pytest.mark.parametrize("vector", [each for each in read("recovery") if "epoch" in each["input"]], ids=named)
def test_vector(vector: Vector) -> None:  # [R-KEY-4] [R-KEY-5]
    network, epoch = vector["input"]["network"], vector["input"]["epoch"]
    entropy = bytes.fromhex(vector["input"]["entropy"])
    if "error" in vector:
        with pytest.raises(LocalProtocolError) as refused:
            promised_seed(network, entropy, epoch)
        assert refused.value.code == vector["error"]
        return
    seed = promised_seed(network, entropy, epoch)
    public = Signer(seed).public
    found = {"seed": seed.hex(), "public": public.hex(), "promise": promise(network, public).hex()}
    assert found == vector["expected"]


def test_hkdf_of_the_generator_is_rfc_5869() -> None:
    """Test case 3 of RFC 5869 (no salt, no info), cut to 32 bytes."""
    expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
    assert generator.hkdf(b"\x0b" * 22, b"").hex() == expected


@given(
    entropy=st.binary(min_size=32, max_size=32),
    epochs=st.lists(st.integers(1, 2**32 - 1), min_size=2, max_size=2, unique=True),
)
def test_every_epoch_and_network_has_its_own_key(entropy: bytes, epochs: list[int]) -> None:
    one, two = epochs
    seeds = {promised_seed(network, entropy, epoch) for network in ("inx", "other") for epoch in (one, two)}
    assert len(seeds) == 4


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_promise_is_of_a_whole_key(length: int) -> None:
    with pytest.raises(LocalProtocolError, match="32 bytes"):
        promise("inx", bytes(length))
