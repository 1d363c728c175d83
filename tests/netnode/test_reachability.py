"""What peers say of the own addresses, and when it counts [R-REACH-6]."""

from __future__ import annotations

import pytest

from netnode.sync.reachability import KEPT, Reachability, Verdict, kind_of
from protocol.certificate import DAY_MS

NOW = 1_700_000_000_000
PUBLIC = "ws://93.184.216.34:4747/inx/1"
LAN = "ws://192.168.1.7:4747/inx/1"


def peer(number: int) -> bytes:
    return number.to_bytes(32, "big")


def test_one_chosen_peer_counts_and_one_stranger_does_not() -> None:
    known = Reachability()
    assert known.verdict(NOW) is Verdict.UNKNOWN and known.confirmed(NOW) == ()
    known.dialled(peer(1), PUBLIC, "45.33.32.1", reached=True, chosen=False, now=NOW)
    known.seen_as(peer(1), "93.184.216.34", "45.33.32.1", chosen=False, now=NOW)
    assert known.confirmed(NOW) == () and known.hosts(NOW) == ()
    known.dialled(peer(2), PUBLIC, "45.33.32.2", reached=True, chosen=False, now=NOW)
    assert known.confirmed(NOW) == (), "two of one network are one"
    known.dialled(peer(3), PUBLIC, "45.34.1.3", reached=True, chosen=False, now=NOW)
    assert known.confirmed(NOW) == (PUBLIC,) and known.verdict(NOW) is Verdict.YES
    chosen = Reachability()
    chosen.dialled(peer(1), LAN, "192.168.1.8", reached=True, chosen=True, now=NOW)
    chosen.seen_as(peer(1), "::ffff:192.168.1.7", "192.168.1.8", chosen=True, now=NOW)
    assert chosen.confirmed(NOW) == (LAN,) and chosen.verdict(NOW) is Verdict.LAN
    assert chosen.hosts(NOW) == ("192.168.1.7",)


def test_the_newest_word_of_a_peer_counts_for_a_day() -> None:
    known = Reachability()
    known.dialled(peer(1), PUBLIC, "45.33.32.1", reached=True, chosen=True, now=NOW)
    known.dialled(peer(1), PUBLIC, "45.33.32.1", reached=False, chosen=True, now=NOW + 1)
    assert known.confirmed(NOW + 1) == () and known.verdict(NOW + 1) is Verdict.NO
    assert known.verdict(NOW + 2 + DAY_MS) is Verdict.UNKNOWN


def test_a_peer_that_does_not_reach_takes_nothing_from_one_that_does() -> None:
    known = Reachability()
    known.dialled(peer(1), PUBLIC, "45.33.32.1", reached=True, chosen=True, now=NOW)
    known.dialled(peer(2), PUBLIC, "45.34.1.3", reached=False, chosen=True, now=NOW)
    assert known.verdict(NOW) is Verdict.YES


def test_what_is_kept_is_bounded() -> None:
    known = Reachability()
    for number in range(10 * KEPT):
        known.seen_as(peer(number), f"93.184.{number % 256}.1", "45.34.1.3", chosen=True, now=NOW)
        known.dialled(peer(number), PUBLIC, "45.34.1.3", reached=True, chosen=False, now=NOW)
        known.seen_as(peer(number), "rubbish", "45.34.1.3", chosen=True, now=NOW)
    assert len(known.hosts(NOW)) == KEPT and known.confirmed(NOW) == ()


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("93.184.216.34", "public"), ("2606:4700::1111", "public"), ("10.0.0.1", "private"), ("100.64.0.1", "private"),
        ("fe80::1%eth0", "private"), ("fd00::1", "private"), ("127.0.0.1", "loopback"), ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"), ("0.0.0.0", None), ("224.0.0.1", None), ("shop.example", None), ("", None),
    ],
)  # fmt: skip
def test_kinds_of_addresses(host: str, kind: str | None) -> None:
    assert kind_of(host) == kind
