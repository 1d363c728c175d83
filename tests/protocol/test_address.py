"""Address statements beyond the vectors."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from protocol import address, encoding, limits
from protocol.address import Scope, Told
from tests.protocol.author import NETWORK, START, Author

AUTHOR = Author("address")
hosts = st.sampled_from(
    ["shop.example", "5.6.7.8", "[2a01:4f8::1]", "10.1.2.3", "127.0.0.1", "localhost", "router"]
)
urls = st.builds(
    lambda host, port, path: f"ws://{host}:{port}/{path}",
    hosts,
    st.integers(1, 65_535),
    st.text("abcdefgh/", max_size=20),
)
lists = st.lists(urls, min_size=1, max_size=limits.MAX_ADDRESSES, unique=True)


def told(addresses: list[str], time: int = START) -> Told:
    statement = address.sign(
        NETWORK, AUTHOR.signer, networker=AUTHOR.id, epoch=0, addresses=addresses, time=time
    )
    return Told(statement, (AUTHOR.entries[0],))


@given(lists, st.integers(0, limits.MAX_INT))
def test_round_trip(addresses: list[str], time: int) -> None:
    """What is signed verifies, and comes back from its bytes as it was [R-BOOK-1] [R-BOOK-2]."""
    made = told(addresses, time)
    data = address.encode_told(made)
    assert data == encoding.encode(made.wire())
    read = address.decode_told(data)
    assert read == made
    address.require_signed(NETWORK, read.statement, address.proved_key(NETWORK, read))
    assert not address.verify("other", read.statement, AUTHOR.signer.public)


@given(lists)
def test_only_statements_of_one_open_scope_travel(addresses: list[str]) -> None:
    """All public, or all loopback on loopback [R-BOOK-5]."""
    statement = told(addresses).statement
    scopes = {address.scope_of(each) for each in addresses}
    assert address.may_travel(statement, False) == (scopes == {Scope.PUBLIC})
    assert address.may_travel(statement, True) == (scopes in ({Scope.PUBLIC}, {Scope.LOOPBACK}))


def test_age_and_currency() -> None:
    """[R-BOOK-4]."""
    day = 86_400_000
    statement = told(["ws://5.6.7.8/"]).statement
    assert address.current(statement, START + 30 * day)
    assert not address.current(statement, START + 30 * day + 1)
    assert address.current(statement, START - limits.CLOCK_TOLERANCE_MS)
    assert not address.current(statement, START - limits.CLOCK_TOLERANCE_MS - 1)
    assert told(["ws://5.6.7.8/"], START + 1).statement.age > statement.age


def test_hosts_that_are_no_url() -> None:
    assert address.scope_of("ws://[::1") is Scope.PRIVATE
