"""What honest people were told, and what may happen to whom."""

from __future__ import annotations

from netnode.simulator.oracle import NEVER, Oracle


def test_a_home_put_back_answers_only_for_what_is_in_it() -> None:
    oracle = Oracle()
    oracle.lives_at("n0", b"ada")
    for number in range(3):
        oracle.acknowledge("n0", bytes([number]), f"listing {number}", 1.0)
    oracle.replaced("n0", [b"\0", b"\2"])
    assert list(oracle.acknowledged["n0"]) == [b"\0", b"\2"] and oracle.told == 3
    assert not oracle.single(b"ada")


def test_a_copy_answers_for_what_its_source_was_told() -> None:
    oracle = Oracle()
    oracle.lives_at("n0", b"ada")
    assert oracle.single(b"ada")
    oracle.acknowledge("n0", b"a", "listing", 1.0)
    oracle.copied("n0", "copy")
    oracle.acknowledge("copy", b"b", "listing", 2.0)
    assert (set(oracle.acknowledged["n0"]), set(oracle.acknowledged["copy"])) == ({b"a"}, {b"a", b"b"})
    assert oracle.homes == {"n0": b"ada", "copy": b"ada"} and not oracle.single(b"ada")


def test_who_may_fork() -> None:
    oracle = Oracle(names={b"ada": "n0"})
    assert not oracle.may_fork(b"ada", 0) and oracle.may_fork(b"stranger", 0)
    oracle.stolen(b"ada", 0)
    assert oracle.may_fork(b"ada", 0) and not oracle.may_fork(b"ada", 1)
    oracle.copies(b"ada")
    assert oracle.may_fork(b"ada", NEVER - 1)


def test_who_may_be_contested() -> None:
    oracle = Oracle(names={b"ada": "n0"})
    assert not oracle.may_contest(b"ada") and oracle.may_contest(b"stranger")
    oracle.contests.add(b"ada")
    assert oracle.may_contest(b"ada")
