"""Random worlds as a whole: one log, or a log that forked, each branch with operations of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

from protocol.ledger.accounts import Figures
from protocol.ledger.figures import solvency
from protocol.ledger.union import Union, disputed
from tests.protocol.ledger.merging import claims, merged
from tests.protocol.ledger.naive import DAY
from tests.protocol.ledger.operations import PEOPLE, Operations
from tests.protocol.ledger.world import UNIT


def forked(number: int, common: int, *lengths: int) -> list[Operations]:
    """Branches of one log: the same operations at first, then different ones."""
    branches = []
    for place, length in enumerate(lengths):
        branch = Operations(number)
        for _ in range(common):
            branch.step()
        branch.random.seed(f"{number} {place}")
        for _ in range(length):
            branch.step()
        branches.append(branch)
    return branches


def joined(random: Random, branches: Sequence[Operations]) -> Union:
    """Their union, put together in any order and grouping, some of it twice."""
    parts = [each.union() for each in branches for _ in range(random.choice((1, 1, 2)))]
    while len(parts) > 1:
        random.shuffle(parts)
        parts[0].add(parts[1] if random.random() < 0.3 else parts.pop())
    return parts[0]


def require_merged(random: Random, branches: Sequence[Operations]) -> None:
    """The union of branches has the figures of a naive one; what a rotation would disown is claimed alike."""
    ids = branches[0].ids
    whole = merged([each.naive for each in branches], ids)
    union = joined(random, branches)
    now = max(each.now for each in branches)
    for later in (0, 200 * DAY, DAY):
        for name in PEOPLE:
            found = union.figures(UNIT, ids[name], now + later)
            assert found == Figures(**whole.figures(name, now + later)), (name, later)
        left, right = whole.outstanding(now + later, PEOPLE)
        assert solvency(union, UNIT, now + later).outstanding == left == right
    log, gone = random.sample(list(branches), 2)
    sums: Counter[bytes] = Counter()
    for claim in disputed(log.world.book.effects, gone.world.book.effects):
        assert claim.unit == UNIT
        sums[claim.holder] += claim.amount
    assert dict(sums) == {ids[name]: amount for name, amount in claims(log.naive, gone.naive, ids).items()}


def play(number: int, steps: int) -> dict[str, int]:
    """One world of so many operations; how often each operation had each outcome."""
    random = Random(f"world {number}")
    count = random.choice((1, 1, 2, 3))
    common = random.randrange(steps // count // 2) if count > 1 else 0
    lengths = [steps // count - common] * count
    lengths[0] += steps - sum(lengths) - common * count
    outcomes: Counter[str] = Counter()
    try:
        branches = forked(number, common, *lengths)
    except Exception as error:
        error.add_note(f"world {number} of {steps} steps")
        raise
    for branch in branches:
        branch.finish()
        outcomes.update(branch.codes)
    if count > 1:
        require_merged(random, branches)
    return dict(outcomes)
