"""Branches of a log merged the slow way: lists put together, and everything worked out from them again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from tests.protocol.ledger.naive import FOREVER, STAGES, Naive, NaiveSale


def merged(branches: Sequence[Naive], ids: Mapping[str, bytes]) -> Naive:
    """What branches come to together.

    Args:
        branches: of one log.
        ids: name -> networker id; decides where nothing else does.
    """
    first = branches[0]
    whole = Naive(first.sponsors, 0, None, 0)
    for id in {id for branch in branches for id in branch.sales}:
        whole.sales[id] = _sale([branch.sales[id] for branch in branches if id in branch.sales])
    for key in {key for branch in branches for key in branch.months}:
        found = [branch.months[key] for branch in branches if key in branch.months]
        steps = {step for each in found for step in each["steps"]}
        whole.months[key] = {"steps": sorted(steps), "gone": max(each["gone"] for each in found)}
    for id in {id for branch in branches for id in branch.moves}:
        same = [branch.moves[id] for branch in branches if id in branch.moves]
        whole.moves[id] = max(same, key=lambda move: move["lots"])
    for id in {id for branch in branches for id in branch.swaps}:
        sides = [branch.swaps[id] for branch in branches if id in branch.swaps]
        whole.swaps[id] = max(
            sides, key=lambda side: (STAGES.index(side["stage"]), side["lots"], ids[side["holder"]])
        )
    return whole


def _sale(same: list[NaiveSale]) -> NaiveSale:
    one = NaiveSale(same[0].line, 0, None, same[0].plan, same[0].time)
    one.earned = max(each.earned for each in same)
    one.paid = max(each.paid for each in same)
    one.refunded = max(each.refunded for each in same)
    one.keeps = min((each.keeps for each in same if each.keeps is not None), default=None)
    for step in (step for each in same for step in each.steps):
        if step not in one.steps:
            one.steps.append(step)
    return one


def claims(log: Naive, gone: Naive, ids: Mapping[str, bytes]) -> dict[str, int]:
    """What each holder would have by entries that a rotation disowned, and has not by the log: effect by effect."""
    sums: dict[str, int] = defaultdict(int)
    both = merged([log, gone], ids)
    kinds: tuple[tuple[str, Any], ...] = (
        ("sales", gone.sales), ("months", gone.months), ("moves", gone.moves), ("swaps", gone.swaps)
    )  # fmt: skip
    for name, there in kinds:
        for id in there:
            before = _gains(log, name, id)
            for who, amount in _gains(both, name, id).items():
                sums[who] += max(0, amount - before.get(who, 0))
    return {who: amount for who, amount in sums.items() if amount}


def _gains(naive: Naive, name: str, id: Any) -> dict[str, int]:
    """What one effect alone gives to everybody."""
    alone = Naive(naive.sponsors, 0, None, 0)
    found = getattr(naive, name).get(id)
    if found is None:
        return {}
    getattr(alone, name)[id] = found
    to = (found["to"],) if name in ("moves", "swaps") and found["to"] else ()
    gains = {}
    for who in {*naive.sponsors, *to}:
        net = sum(net for _, _, net in alone.posted(who, FOREVER))
        gains[who] = net + alone.figures(who, 0)["received"]
    return gains
