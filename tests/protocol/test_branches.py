"""Branches that come by themselves are judged as if they had come with their log [R-LOG-35]."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.branches import authentic
from protocol.entry import CLOSE, AuthenticEntry, Entry
from protocol.log import Keep, receive
from protocol.openers import Openers
from tests.protocol.author import NETWORK, Author

BELOW = 30  # seq of the entry that branches stand on


class Held:
    """A log in memory, as `receive` reads it."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}

    def main(self, seq: int) -> Entry | None:
        return self.entries.get(seq)

    def aside(self, number: int, seq: int) -> Entry | None:
        return None


def as_a_log(common: Sequence[Entry], chain: Sequence[Entry]) -> int:
    """How many leading entries of a chain a node keeps that holds the common ones and nothing else."""
    held, state = Held(), None
    for part in (common, chain):
        rest: Sequence[AuthenticEntry | Entry] = part
        while rest:
            admission = receive(NETWORK, state, rest, held)
            state, rest = admission.state, admission.rest
            kept = [entry for step in admission.steps if isinstance(step, Keep) for entry in step.entries]
            held.entries.update({entry.seq: entry for entry in kept})
    # A settlement above what was cut is kept by itself [R-LOG-5]; of the branch it is no part.
    return sum(1 for _ in takewhile(lambda entry: held.entries.get(entry.seq) == entry, chain))


def written(author: Author, count: int, bad: Sequence[int], settled: int | None) -> list[Entry]:
    """So many entries above BELOW, some of them signed by somebody else, one of them a settlement."""
    stranger = Author("stranger").signer
    chain: list[Entry] = []
    for index in range(count):
        tip = chain[-1] if chain else author.entries[BELOW]
        if index == settled:
            chain.append(author.settlement(tip))
        else:
            chain.append(author.after(tip, note="branch", signer=stranger if index in bad else None))
    return chain


@pytest.fixture(scope="module")
def author() -> Author:
    made = Author("branches")
    made.write(60)
    return made


@given(
    count=st.integers(1, 90),
    bad=st.lists(st.integers(0, 89), max_size=4),
    settled=st.none() | st.integers(0, 89),
)
@example(count=35, bad=[33], settled=34)  # an anchor that fails, and a settlement above it
def test_a_branch_is_judged_like_a_log(
    author: Author, count: int, bad: list[int], settled: int | None
) -> None:
    """[R-LOG-35] [R-LOG-11] Whoever held the entry that it stands on would keep the same of it, and no more."""
    chain = written(author, count, bad, settled)
    common = author.entries[: BELOW + 1]
    # Of a log that goes on elsewhere: the term of the settlement is closed there.
    later = author.after(author.entries[-1], 4, author.settlement(author.entries[-1]).record, place=(0, 2))
    known = author.openers(later)
    found = authentic(known, common[-1], chain, sealed=False)
    assert found == as_a_log(common, chain)


def test_what_is_held_above_seals_a_branch(author: Author) -> None:
    chain = written(author, 20, [18, 19], None)
    known = author.openers()
    assert authentic(known, author.entries[BELOW], chain, sealed=False) == 18
    assert authentic(known, author.entries[BELOW], chain, sealed=True) == 20
    broken = [*chain[:10], *author.branch(chain[4], 3, "elsewhere")]
    assert authentic(known, author.entries[BELOW], broken, sealed=True) == 10
    assert authentic(known, author.entries[BELOW - 1], chain, sealed=True) == 0


def test_nothing_below_a_rotation_and_no_rotation_is_a_branch(author: Author) -> None:
    """A replaced key could have signed it today."""
    chain = written(author, 3, [], None)
    rotation, signer = author.rotation(chain[-1])
    above = author.after(rotation, signer=signer)
    known: Openers = author.openers(rotation)
    below = author.entries[BELOW]
    assert authentic(known, below, [*chain, rotation, above], sealed=False) == 0
    assert authentic(known, chain[-1], [rotation, above], sealed=True) == 0


def test_a_settlement_that_nobody_knows_ends_a_branch(author: Author) -> None:
    chain = written(author, 5, [], 2)
    assert authentic(author.openers(), author.entries[BELOW], chain, sealed=True) == 2
    known = author.openers(chain[2])
    assert authentic(known, author.entries[BELOW], chain, sealed=False) == 5
    forged = author.after(chain[1], 4, chain[2].record, signer=Author("stranger").signer, place=(0, 1))
    later = author.settlement(author.settlement(author.entries[-1]))
    assert authentic(author.openers(later), author.entries[BELOW], [*chain[:2], forged], sealed=False) == 2


def test_after_a_close_only_an_opener_comes(author: Author) -> None:
    tip = author.entries[BELOW]
    close = author.after(tip, CLOSE, b"\x80")
    after = author.after(close)
    assert authentic(author.openers(), tip, [close, after], sealed=False) == 1
