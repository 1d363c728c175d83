"""What a plan was measured to do, and what came of it: beside every invitation, opportunity and listing."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

Findings = Literal["pass", "void", "warn"]


class PlanFinding(Struct, frozen=True, kw_only=True):
    """What the plan says about one rule of a fair plan."""

    rule: str
    verdict: Findings
    text: str


class PlanReport(Struct, frozen=True, kw_only=True):
    """A plan by its hash: what the linter says of it, and what was measured on random trees.

    `figures` are those of `plan lint --json`: maximum share, gains by cheating, largest cliff, share that needs
    recruits, depths, what the same work earns by order of joining.
    """

    plan: str
    figures: dict[str, Any]
    findings: list[PlanFinding]


class TeamEarnings(Struct, frozen=True, kw_only=True):
    """What members earned in a year, zeros and those who left included, net of what they bought; from the log.

    `zero_percent`: share of members who were awarded nothing; `losing`: bought for more than they were awarded.
    """

    unit: str
    from_: int = field(name="from")
    until: int
    members: int
    left: int
    zero: int
    zero_percent: str
    median: str
    p90: str
    p99: str
    net_median: str
    net_p90: str
    net_p99: str
    losing: int
    total: str


class PlanBeside(Struct, frozen=True, kw_only=True):
    """The plan that sales of a listing follow; of a team's, what its members earned in a year; computed."""

    team: str | None
    earnings: TeamEarnings | None
    report: PlanReport


class PlanBrief(Struct, frozen=True, kw_only=True):
    """The same in short, in lists: all of it stands beside the listing itself.

    `most`: share of what counts of a sale that the plan pays at most; `warns`: findings that are no pass; of a team,
    what its members earned in a year: the share at zero, and what half of them had at most, less what they bought.
    """

    plan: str
    team: str | None
    most: str | None
    warns: int
    members: int | None = None
    zero_percent: str | None = None
    net_median: str | None = None
    unit: str
