"""A plan, a tree and sales as files have them, put through a log: signed entries, folded by the book.

Plans are published, members seated, each sale is a deal with an opened path of signed tokens and a sale entry, each
period a close; awards are those that entries stated and the fold agreed with. What a file may say and no log can,
ranks that members have from the start, is earned here: in the month before, each sells what the rank asks for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET

from netnode.plans.files import read_team
from netnode.plans.reading import plan_from
from protocol.ledger.contents import AwardLine, encode_content, read_sale
from protocol.ledger.effects import Sold, sale_id
from protocol.ledger.groups import cut
from protocol.ledger.union import Union
from protocol.plans.document import compile_plan
from protocol.records import ClosePart, Plan, SalePart, decode_record
from protocol.teams.team import NO_RULES
from tests.protocol.ledger.closes import close_with_awards
from tests.protocol.ledger.world import DAY, HOUR, TEAM, Deal, World

Awards = list[tuple[str, int, str]]
MOST_RANK = 10**6  # own volume that the lowest rank asks for


def has_no_log(tree: Mapping[str, Any]) -> bool:
    """Whether members begin with something that no log can give them."""
    return any(isinstance(given, dict) and {"carry", "achieved"} & given.keys() for given in tree.values())


class LedgerPath:
    """One example in a log.

    Args:
        plan: fields as in a file.
        tree: members as in a file; None: the plan is of paths.
        folder: where the tree may be written.
    """

    def __init__(self, plan: Mapping[str, Any], tree: Mapping[str, Any] | None, folder: Path) -> None:
        self.world = World("plans")
        self.tree = tree
        self.ranks = _ranks(tree)
        record = plan_from({"title": "example", **_earned(plan, bool(self.ranks))}, "plan")
        if tree is not None and record.opportunity is UNSET:
            record = msgspec.structs.replace(record, opportunity=TEAM, team=NO_RULES)
        record = msgspec.structs.replace(record, hold_days=30)  # else nothing could be refunded
        assert record.period.unit == "month"
        assert record.period.count == 1
        self.record: Plan = record
        verdict = self.world.write(record)
        assert verdict.code is None, verdict
        (self.governed,) = self.world.book.governing.all()
        self.world.plan = self.governed.hash
        self.lines: Awards = []
        self.deals: dict[str, Deal] = {}
        self.bases: dict[str, int] = {}
        self.first = self.governed.activity.period(self.world.now, 0).end
        if tree is not None:
            self._seat(tree, folder)
        if self.ranks:
            self._earn()

    # -- people ----------------------------------------------------------------------------------------------
    def _seat(self, tree: Mapping[str, Any], folder: Path) -> None:
        file = folder / "tree.json"
        file.write_text(json.dumps({"members": _without_ranks(tree)}), encoding="utf-8")
        team = read_team(file, compile_plan(self.record))
        seq = self.world.issuer.entries[-1].seq
        seated = self.world.book.teams.tree(TEAM)
        for name in _from_the_top(team.sponsors):
            sponsor = team.sponsors[name]
            above = self.world.issuer.id if sponsor is None else self.world.id(sponsor)
            seated.join(self.world.id(name), above, seq, self.world.now)
        if not team.places:
            return
        tops = [name for name in team.sponsors if name not in team.places]
        places = {name: (self.world.id(parent), leg) for name, (parent, leg) in team.places.items()}
        places |= {name: (self.world.issuer.id, leg) for leg, name in enumerate(tops)}
        for name in _from_the_top({one: place[0] for one, place in team.places.items()}, tops):
            seated.place(self.world.id(name), *places[name], seq)

    def _earn(self) -> None:
        """The month before: everybody sells what their rank asks for."""
        names = [rank.name for rank in self.record.ranks]
        for name, rank in self.ranks.items():
            self.sell({"referrer": name, "amount": str(MOST_RANK * (names.index(rank) + 1))}, self.world.now)
        self.close(self.first)
        self.lines.clear()

    # -- what happens ----------------------------------------------------------------------------------------
    def run(self, sales: Sequence[Mapping[str, Any]]) -> Awards:
        """Logs the sales and refunds of an example, month by month, and closes each."""
        months = list(dict.fromkeys(str(line.get("period", "1")) for line in sales))
        begins = self.first
        for month in months:
            at = begins + HOUR
            for line in sales:
                if str(line.get("period", "1")) == month:
                    if "refund_of" in line:
                        self.refund(line)
                    else:
                        self.sell(line, at)
            if self.tree is not None:
                begins = self.close(self.governed.activity.period(begins, 0).end)
        return self.lines

    def sell(self, line: Mapping[str, Any], at: int) -> None:
        """A deal that somebody's token led to, complete, and its sale entry."""
        world = self.world
        world.now = max(world.now, at)
        path = world.path(*reversed(line.get("path", (line.get("referrer"),))))
        price = Decimal(line["amount"]) * 100
        assert price == int(price)
        points = {"points": int(Decimal(line["points"]) * 100)} if "points" in line else {}
        deal = world.deal(int(price), path=path, **points).complete()
        verdict = world.sell(deal, path=path)
        assert verdict.code is None, verdict
        entry = world.issuer.entries[-1]
        part = decode_record(entry.kind, entry.record or b"")
        assert isinstance(part, SalePart)
        self._note(read_sale(part.content).awards)
        name = str(line.get("id", len(self.deals) + 1))
        self.deals[name], self.bases[name] = deal, int(price)

    def refund(self, line: Mapping[str, Any]) -> None:
        """What the seller gave back and the buyer confirms; what it takes off the awards of the sale."""
        name = str(line["refund_of"])
        deal, before = self.deals[name], self._left(name)
        amount = int(self.bases[name] * Fraction(str(line.get("part", "1"))))
        self.bases[name] -= amount
        deal.now = max(deal.now, self.world.now)
        deal.refund(amount)
        assert self.world.refund(deal, self.bases[name]).code is None
        after = self._left(name)
        self.lines += [
            (who, level, self.text(after[who, level] - left)) for (who, level), left in before.items()
        ]

    def _left(self, name: str) -> dict[tuple[str, int], int]:
        """What stands of each award of a sale."""
        value = self.world.book.effects[sale_id(self.deals[name].id)]
        assert isinstance(value, Sold)
        union = Union((), {b"s": value})
        return {
            (self.name(credit.to), credit.level): union.figures(
                self.record.unit.name, credit.to, self.world.now + 3_000 * DAY
            ).signed
            for credit in value.awards
        }

    def close(self, ends: int) -> int:
        """Closes the month that ends then, and returns when the next begins."""
        begins = self.governed.activity.period(ends - 1, 0).start
        content = close_with_awards(self.world.book.state, self.governed, begins)
        for part in cut(ClosePart, encode_content(content)):
            verdict = self.world.write(part, at=max(ends, self.world.now))
            assert verdict.code is None, verdict
        self._note(content.awards)
        return ends

    # -- what came out ---------------------------------------------------------------------------------------
    def _note(self, awards: Iterable[AwardLine]) -> None:
        self.lines += [(self.name(each.to), each.level, self.text(each.amount)) for each in awards]

    def name(self, id: bytes) -> str:
        return next(name for name, author in self.world.people.items() if author.id == id)

    def text(self, amount: int) -> str:
        """An amount as files write it."""
        value = Decimal(amount).scaleb(-self.record.unit.exponent)
        return format(value.normalize() if value else Decimal(0), "f")

    def carry(self, name: str) -> dict[str, str]:
        """What the legs of the one binary rule keep."""
        (rule,) = (each.name for each in self.record.binary)
        number = self.governed.activity.known(self.world.id(name))
        assert number is not None
        left, right = self.governed.activity.carry(rule).get(number, (0, 0))
        return {"left": self.text(int(left)), "right": self.text(int(right))}

    def figures(self) -> dict[str, str]:
        """Everybody's balance by the book, long after."""
        unit, later = self.record.unit.name, self.world.now + 3_000 * DAY
        found = {
            name: self.world.book.figures(unit, author.id, later).signed
            for name, author in self.world.people.items()
        }
        return {name: self.text(amount) for name, amount in found.items() if amount}

    def gain(self, before: Mapping[str, str], after: Mapping[str, str], name: str) -> str:
        """By how much somebody's balance grew."""
        more = Decimal(after.get(name, "0")) - Decimal(before.get(name, "0"))
        return format(more.normalize() if more else Decimal(0), "f")


def _ranks(tree: Mapping[str, Any] | None) -> dict[str, str]:
    given = {} if tree is None else tree
    return {name: each["rank"] for name, each in given.items() if isinstance(each, dict) and each.get("rank")}


def _without_ranks(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {key: value for key, value in each.items() if key != "rank"} if isinstance(each, dict) else each
        for name, each in tree.items()
    }


def _earned(plan: Mapping[str, Any], ranked: bool) -> dict[str, Any]:
    """The same plan, whose ranks can be reached: each asks for own volume of some month."""
    if not ranked:
        return dict(plan)
    ranks = [{**rank, "own": str(MOST_RANK * number)} for number, rank in enumerate(plan["ranks"], 1)]
    return {**plan, "ranks": ranks, "rank_used": "achieved"}


def _from_the_top(above: Mapping[str, str | None], tops: Iterable[str] = ()) -> list[str]:
    """Names in an order in which nobody comes before who is above them."""
    found: list[str] = []

    def add(name: str) -> None:
        if name in found:
            return
        upper = above.get(name)
        if upper is not None:
            add(upper)
        found.append(name)

    for name in (*tops, *above):
        add(name)
    return found
