"""Plans of the usual families as people write them, with results that were worked out by hand [R-PLAN-19].

Each goes through the calculator of files and through a log.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.protocol.plans.ledger_path import LedgerPath
from tests.protocol.plans.test_examples import evaluated

PLANS = Path(__file__).parent / "published"


def sold(who: str, amount: str, period: int = 1) -> dict[str, Any]:
    return {"referrer": who, "amount": amount, "period": period}


@dataclass(frozen=True)
class Worked:
    """A plan, a tree, what is sold, and every award as (to, level, amount)."""

    plan: str
    tree: dict[str, Any]
    sales: Sequence[dict[str, Any]]
    awards: Sequence[tuple[str, int, str]]


STAIRSTEP = Worked(
    "stairstep",
    # Eve - Dora - (Ann - Abe, Ben, Cal). Groups: Abe 600, Ann 1,200, Ben 1,000, Cal 200; Ann and Ben are managers,
    # so Dora is a director and has 300 of her own and Cal's 200 left. Dora is above manager too: Eve has nothing left.
    {"Eve": "", "Dora": "Eve", "Ann": "Dora", "Abe": "Ann", "Ben": "Dora", "Cal": "Dora"},
    [sold("Dora", "300"), sold("Ann", "600"), sold("Abe", "600"), sold("Ben", "1000"), sold("Cal", "200")],
    [
        ("Abe", 2, "60"),  # 10 % of 600
        ("Ann", 3, "120"),  # 15 % of 1,200 less Abe's 60
        ("Ben", 3, "150"),  # 15 % of 1,000
        ("Cal", 1, "10"),  # 5 % of 200
        ("Dora", 2, "40"),  # 10 % of 500 less Cal's 10
        ("Dora", 1, "110"),  # override, first generation: 5 % of 1,200 and of 1,000
        ("Eve", 1, "25"),  # 5 % of Dora's 500; a manager has no second generation
    ],
)
BINARY = Worked(
    "binary",
    {
        "Top": "",
        "Lea": {"sponsor": "Top", "placement": {"parent": "Top", "leg": "left"}},
        "Rob": {"sponsor": "Top", "placement": {"parent": "Top", "leg": "right"}},
    },
    [
        sold("Lea", "1000"),
        sold("Rob", "400"),
        sold("Lea", "200", 2),
        sold("Rob", "900", 2),
        sold("Lea", "300", 3),
    ],
    [
        ("Top", 1, "40"),  # 400 matched; the left keeps 600, at most 500
        ("Top", 1, "60"),  # 500 + 200 against 900: 70, capped; the right keeps 200
        ("Top", 1, "20"),  # 300 against the 200 kept: what the cap took was not carried
    ],
)
MATRIX = Worked(
    "matrix",
    # Top's fourth recruit finds Top's row full and goes below Mia1; then a line of seven below Mia4.
    {
        "Top": "",
        **{f"Mia{number}": "Top" for number in (1, 2, 3, 4)},
        "Ned1": "Mia4",
        **{f"Ned{number}": f"Ned{number - 1}" for number in range(2, 8)},
    },
    [sold("Mia4", "100"), sold("Ned7", "100")],
    [
        ("Mia1", 1, "5"),  # stands above Mia4 and did not recruit her
        ("Top", 2, "4"),
        *(
            (f"Ned{7 - level}", level, amount)
            for level, amount in enumerate(("5", "4", "3", "2", "2", "1"), 1)
        ),
        ("Mia4", 7, "1"),  # the seventh; Mia1 would be the eighth
    ],
)
COMPRESSED = Worked(
    "compressed",
    # Owen has no rank, Bea is qualified for the first level only, Guy for three.
    {
        "Top": {"rank": "gold"},
        "Sue": {"sponsor": "Top", "rank": "silver"},
        "Bob": {"sponsor": "Sue", "rank": "bronze"},
        "Bea": {"sponsor": "Bob", "rank": "bronze"},
        "Owen": {"sponsor": "Bea"},
        "Xan": {"sponsor": "Owen"},
    },
    [sold("Xan", "200")],
    [
        ("Bea", 1, "10"),  # Owen is passed over
        ("Sue", 2, "8"),  # Bob has no second level
        ("Top", 3, "6"),
    ],
)
MATCHING = Worked(
    "matching",
    {
        "Eli": {"rank": "leader"},
        "Dan": {"sponsor": "Eli", "rank": "leader"},
        "Cid": {"sponsor": "Dan"},
        "Bet": {"sponsor": "Cid"},
        "Ann": {"sponsor": "Bet"},
    },
    [sold("Ann", "100")],
    [
        ("Bet", 1, "10"),
        ("Cid", 2, "5"),
        ("Dan", 1, "7.5"),  # half of 10 and of 5
        ("Eli", 2, "3.75"),  # a quarter
    ],
)
WORKED = (STAIRSTEP, BINARY, MATRIX, COMPRESSED, MATCHING)


def fields(worked: Worked) -> dict[str, Any]:
    return tomllib.loads((PLANS / f"{worked.plan}.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("worked", WORKED, ids=lambda worked: worked.plan)
def test_a_published_plan_comes_out_as_by_hand(worked: Worked, tmp_path: Path) -> None:
    found = evaluated(tmp_path, fields(worked), {"members": worked.tree}, {"sales": list(worked.sales)})
    assert sorted((one["to"], one["level"], one["amount"]) for one in found["awards"]) == sorted(
        worked.awards
    )


@pytest.mark.parametrize("worked", WORKED, ids=lambda worked: worked.plan)
def test_a_published_plan_comes_out_the_same_through_a_log(worked: Worked, tmp_path: Path) -> None:
    path = LedgerPath(fields(worked), worked.tree, tmp_path)
    before = path.figures()
    assert sorted(path.run(worked.sales)) == sorted(worked.awards)
    after = path.figures()
    gained = {
        name: Decimal(path.gain(before, after, name)) for name in {name for name, _, _ in worked.awards}
    }
    for name, amount in gained.items():
        assert amount == sum(Decimal(each) for to, _, each in worked.awards if to == name)
