"""Referral tokens and paths: the vectors, and that nothing in them can be changed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import encoding, limits, paths
from protocol.errors import NotHeld, ProtocolError, RemoteProtocolError
from protocol.openers import start
from tests.protocol.author import START, Author
from tests.vectors.reading import named, read

SALT = bytes(range(16))
SELLER = Author("seller")


def token(author: Author, prior: bytes | None = None, **more: Any) -> bytes:
    given: dict[str, Any] = {"seller": SELLER.id, "expires": START + 1_000, "epoch": 0, **more}
    before = None if prior is None else paths.token_id(prior)
    return paths.sign_referral(author.network, author.signer, referrer=author.id, prior=before, **given)


def keys_of(*authors: Author) -> paths.Keys:
    openers = {author.id: start(author.network, author.entries[0]) for author in authors}
    return lambda id_, epoch: openers[id_].keys(epoch) if id_ in openers else ()


@pytest.mark.parametrize("vector", read("path"), ids=named)
def test_vectors(vector: dict[str, Any]) -> None:  # [R-PATH-1] [R-PATH-2] [R-PATH-3] [R-PATH-4] [R-PATH-5]
    told = vector["input"]
    try:
        if "token" in told:
            data = bytes.fromhex(told["token"])
            referral = paths.read_referral(data)
            if "signed" in vector:
                assert paths.referral_bytes("inx", referral).hex() == vector["signed"]
            paths.check_referral("inx", referral, [bytes.fromhex(told["key"])])
            assert vector["expected"] == {"id": paths.token_id(data).hex()}
            return
        path = paths.read_path(bytes.fromhex(told["path"]))
        assert path.encode().hex() == told["path"]
        with pytest.raises(ProtocolError) as refused:  # no keys: only the steps before signatures pass
            paths.check_path("inx", path, told["at"], lambda *_: (), told["listing"])
        if refused.value.code != "unknown_author":
            raise refused.value
        assert vector["expected"] == {
            "salt": path.salt.hex(),
            "tokens": [each.hex() for each in path.tokens],
            "hash": paths.path_hash("inx", path).hex(),
        }
    except ProtocolError as error:
        assert error.code == vector["error"], error.text
        assert error.text.endswith(tuple("abcdefghijklmnopqrstuvwxyz0123456789)`"))


def test_a_path_leads_to_an_order() -> None:  # [R-PATH-5]
    ada, ben = Author("ada"), Author("ben")
    first = token(ada)
    path = paths.path_of(SALT, [first, token(ben, first, listing="lamp", campaign="june")])
    paths.check_path("test", path, START, keys_of(ada, ben), "lamp")
    paths.check_path("test", path, START, keys_of(ada, ben))
    with pytest.raises(NotHeld) as unknown:
        paths.check_path("test", path, START, keys_of(ada))
    assert unknown.value.code == "unknown_author"
    with pytest.raises(RemoteProtocolError) as other:
        paths.check_path("other", path, START, keys_of(ada, ben))
    assert other.value.code == "signature"


def test_the_key_of_the_epoch_counts() -> None:  # [R-PATH-2]
    ada = Author("ada")
    ada.rotate()
    path = paths.path_of(SALT, [token(ada, epoch=1)])
    openers = start("test", ada.entries[0]).admit(ada.entries[1])
    paths.check_path("test", path, START, lambda _, epoch: openers.keys(epoch))
    old = paths.path_of(SALT, [token(ada, epoch=0)])  # signed by the key of epoch 1
    with pytest.raises(RemoteProtocolError):
        paths.check_path("test", old, START, lambda _, epoch: openers.keys(epoch))


@given(st.data())
def test_nobody_is_cut_out_or_put_in(data: st.DataObject) -> None:  # [R-PATH-3]
    count = data.draw(st.integers(2, 4))
    tokens: list[bytes] = []
    for number in range(count):
        tokens.append(token(Author(f"referrer {number}"), tokens[-1] if tokens else None))
    other = data.draw(st.lists(st.sampled_from(tokens), min_size=1, max_size=count + 1))
    if other == tokens[: len(other)]:
        paths.path_of(SALT, other)  # who comes last can be left out with all after: they led nobody there
    else:
        with pytest.raises(RemoteProtocolError) as refused:
            paths.path_of(SALT, other)
        assert refused.value.code == "path"


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_a_path_hash_says_nothing_without_its_salt(one: bytes, two: bytes) -> None:  # [R-PATH-4]
    tokens = [token(Author("ada"))]
    hashes = [paths.path_hash("test", paths.path_of(salt, tokens)) for salt in (one, two)]
    assert (hashes[0] == hashes[1]) == (one == two)


def test_who_may_add_a_token() -> None:
    ada, ben = Author("ada"), Author("ben")
    assert paths.extendable([], ada.id)
    assert paths.extendable([token(ada)], ben.id)
    assert not paths.extendable([token(ada)], ada.id)
    full = [token(Author(f"referrer {number}")) for number in range(limits.MAX_PATH)]
    assert not paths.extendable(full, ada.id)


@pytest.mark.parametrize("value", [None, 1, {}, [SALT], [SALT, b"x"], [SALT, [1]]])
def test_only_an_array_of_salt_and_tokens(value: object) -> None:  # [R-PATH-3]
    with pytest.raises(RemoteProtocolError) as refused:
        paths.read_path(encoding.encode(value))
    assert refused.value.code == "path"
