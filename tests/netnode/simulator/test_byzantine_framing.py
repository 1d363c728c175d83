"""Whom nodes show as forked or contested: who signed twice, and nobody else."""

from __future__ import annotations

import pytest

from netnode.simulator.byzantine import forking, retired, rotations
from protocol.items import Standing
from tests.netnode.simulator.siege import Siege, besieged


def standings(kind: str, mode: str, label: str) -> set[tuple[Standing, int, int]]:
    """How all nodes show a networker of the villain in the end, with epoch and term."""
    found: set[tuple[Standing, int, int]] = set()

    async def then(siege: Siege) -> None:
        (networker,) = [each for each, named in siege.villain.deeds.identities.items() if named == label]
        for node in siege.nodes:
            item = (await siege.items(node))[networker]
            found.add((item.standing, item.epoch, item.term))

    besieged(kind, mode, then)
    return found


@pytest.mark.parametrize("mode", forking.MODES)
def test_a_forker_is_shown_as_one_until_it_settles(mode: str) -> None:
    """Every place can fork: at anchors, right above openers, and by the openers of one term [R-LOG-14] [R-LOG-15]."""
    shown = standings("forker", mode, "forker")
    if mode == "healed":
        assert shown == {(Standing.HEAD, 0, 1)}
    else:
        assert shown == {(Standing.FORKED, 0, int("settlement" in mode))}


@pytest.mark.parametrize("mode", retired.MODES)
def test_a_retired_key_frames_nobody(mode: str) -> None:
    """[R-LOG-12] [R-LOG-13] [R-LOG-14] [R-CERT-5]"""
    assert standings("retired-key", mode, "victim") == {(Standing.HEAD, 1, 0)}


@pytest.mark.parametrize("mode", rotations.COPIES)
def test_a_copied_reveal_opens_nothing(mode: str) -> None:
    """[R-LOG-3] [R-LOG-5]"""
    assert standings("reveal-copier", mode, "victim") == {(Standing.HEAD, 1, 0)}


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        ("same promise", (Standing.CONTESTED, 1, 0)),
        ("different promise", (Standing.CONTESTED, 1, 0)),
        ("healed", (Standing.HEAD, 2, 0)),
        ("two healings", (Standing.CONTESTED, 2, 0)),
    ],
)
def test_two_rotations_of_one_epoch(mode: str, shown: tuple[Standing, int, int]) -> None:
    """The same words end the contest; other promises never do [R-LOG-16]."""
    assert standings("twice-rotated", mode, "twice") == {shown}


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        ("careless", (Standing.FORKED, 0, 0)),
        ("careful", (Standing.HEAD, 0, 1)),
        ("back and forth", (Standing.FORKED, 0, 0)),
    ],
)
def test_a_restored_author_is_shown_as_forked_unless_it_settles_first(
    mode: str, shown: tuple[Standing, int, int]
) -> None:
    """[R-LOG-22]"""
    assert standings("rollback", mode, "restored") == {shown}


def test_the_proof_of_a_settled_fork_proves_nothing_any_more() -> None:
    """[R-LOG-14]"""
    assert standings("replayer", "settled fork", "settled") == {(Standing.HEAD, 0, 1)}
