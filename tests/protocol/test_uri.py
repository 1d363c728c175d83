"""Invite links, beyond the vectors: any text is read or refused, and what is written is read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import limits
from protocol.errors import RemoteProtocolError
from protocol.identity import id_text
from protocol.uri import Invite, address_problem, format_invite, parse_invite

hosts = st.one_of(st.from_regex(r"[A-Za-z0-9._-]{1,30}", fullmatch=True), st.just("[2001:db8::1]"))
ports = st.one_of(st.just(""), st.integers(1, 65_535).map(lambda port: f":{port}"))
paths = st.one_of(st.just(""), st.from_regex(r'[/?][!"$-~]{0,40}', fullmatch=True))
addresses = st.builds("{}://{}{}{}".format, st.sampled_from(["ws", "wss"]), hosts, ports, paths)


@given(st.binary(min_size=32, max_size=32), st.lists(addresses, max_size=8, unique=True))
def test_what_is_written_is_read_back(networker: bytes, given_addresses: list[str]) -> None:  # [R-URI-1..3]
    link = format_invite(networker, given_addresses)
    assert len(link) <= limits.MAX_URI
    invite = parse_invite(link)
    assert invite.id == networker
    assert set(invite.addresses) <= set(given_addresses)
    assert format_invite(invite.id, invite.addresses) == link


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(tail: str) -> None:  # [R-URI-4, 5]
    for text in (tail, f"inx:{tail}", f"inx:{id_text(bytes(32))}?{tail}"):
        try:
            assert isinstance(parse_invite(text), Invite)
        except RemoteProtocolError as error:
            assert error.code in ("bad_uri", "encoding") and error.text


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ws://a.example:7400/inx/1", None),
        ("ws://a.example:00001", None),
        ("WS://a.example", "form"),
        ("ws://a.example:", "form"),
        ("ws://a.example:99999", "port"),
        ("ws://[::1", "form"),
        ("ws://a b", "form"),
        ("ws://" + "a" * 251, "longer"),
    ],
)
def test_addresses(address: str, said: str | None) -> None:  # [R-URI-2]
    problem = address_problem(address)
    assert problem is None if said is None else problem is not None and said in problem


@pytest.mark.parametrize("host", ["[2001:d0:7]", "[:::1]", "[1.2.3.4]", "[12345::]", "[1:2:3:4:5:6:7:8:9]"])
def test_what_stands_in_brackets_is_an_ip6_address(host: str) -> None:
    """[R-URI-2] [R-BOOK-1] found by mutated links."""
    assert address_problem(f"ws://{host}:7400/inx/1") == "names no IPv6 address in its brackets"
    assert address_problem("ws://[2001:d0::7]:7400/inx/1") is None
