"""What people do in teams: plans and opportunities, invites, applications, duties, leavings, periods that close.

Everybody may own one team. As in `actors` each is one function that goes through the services.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from netnode.operations import models
from netnode.plans.reading import plan_from
from netnode.problems import Problem
from netnode.simulator.chance import Stream
from netnode.simulator.crediting.recommending import GOODS
from protocol.identity import id_text, parse_id
from protocol.records import encode_record

if TYPE_CHECKING:
    from netnode.simulator.actors import Act, Stall

TEAM: Final = "club"  # key of everybody's opportunity
UNIT: Final = "star"
_DUTIES: Final[Mapping[str, object]] = {"followups": [1, 3], "modules": [{"key": "basics"}]}
RULES: Final[Mapping[str, Mapping[str, object]]] = {
    "unilevel": {"unilevel": {"compression": "none", "rates": ["10%", "5%", "3%"]}},
    "inactive skipped": {"unilevel": {"compression": "inactive", "rates": ["8%", "4%"]}, "active": "1"},
    "differential": {
        "differential": {"mode": "marginal", "steps": [["0", "5%"], ["100", "10%"], ["500", "15%"]]}
    },
    "whole amounts": {"differential": {"mode": "whole", "steps": [["0", "5%"], ["200", "12%"]]}},
    "tiers": {"tiers": {"mode": "marginal", "when": "period", "steps": [["0", "8%"], ["100", "10%"]]}},
    "binary": {
        "binary": {"mode": "percent", "after": "carry", "carry_cap": "500", "steps": "10%"},
        "cap_company": "8%", "team": {**_DUTIES, "legs": 2},
    },
    "cycles": {
        "binary": {"mode": "cycles", "after": "net_off", "strong": "60", "weak": "30", "amount": "4"},
        "cap_company": "10%", "cap_member": "20", "team": {**_DUTIES, "legs": 2},
    },
    "matrix": {
        "matrix": {"height": 3, "rates": ["6%", "4%", "2%"]}, "team": {**_DUTIES, "legs": 2, "spill": "breadth"},
    },
    "capped, expires": {
        "unilevel": {"compression": "none", "rates": ["8%", "4%"], "when": "period"}, "cap_member": "15",
        "expiry_days": 20,
    },
    "ranks": {
        "ranks": [{"name": "Bronze", "own": "1"}, {"name": "Gold", "own": "50", "group": "120"}], "grace": 1,
        "generation": {"boundary": "threshold", "rank": "Bronze", "rates": ["5%", "3%"], "empty": "passes"},
        "matching": {"of": ["generation"], "rates": {"Bronze": ["20%"]}},
        "pool": [{"name": "bronze", "rank": "Bronze", "share": "2%", "split": "own"},
                 {"name": "first", "rank": "Gold", "share": "1%", "new": True}],
        "infinity": {"start": 2, "rates": {"Bronze": "1%"}}, "fast_start": {"days": 60, "rates": ["2%"]},
    },
    "duty": {
        "unilevel": {"compression": "none", "rates": ["6%", "3%"]},
        "duty": {"rules": ["unilevel"], "withheld": "50%"},
    },
    "path and kinds": {
        "path": {"mode": "geometric", "first": "7%", "ratio": "50%"}, "cdrm": {"mode": 1, "phi": "5%", "theta": "4%"},
    },
}  # fmt: skip
"""Plans that people publish; rules that look at outside buyers are off, of whom there are few."""
_PAGE: Final = 100
_PERIODS: Final = ("day", "week", "week", "month")
_REPLACEMENTS: Final = ("choice", "none", "upline")  # of the sponsor of somebody neglected


async def found_team(stall: Stall) -> None:
    """Offers an opportunity with its goods and its plan, unless the owner does; later ones change the plan."""
    own = (await stall.services.opportunities.list(models.OpportunitiesQuery())).items
    if not own:
        keys = []
        for number in range(2):
            key = f"{GOODS}-{number}"
            price = {
                "amount": f"{10 + stall.chance.below(200)}.{stall.chance.below(100):02}",
                "currency": "EUR",
            }
            made = await stall.services.listings.publish(
                {"key": key, "kind": "product", "title": stall.words(12), "price": price}
            )
            stall.told(made.entry, f"listing {key}")
            await stall.services.stock.change(models.StockChange(key=key, auto_accept="on"))
            stall.oracle.shelves.setdefault(stall.node.name, {})[key] = None
            keys.append(key)
        disclosure = models.DisclosureGiven(
            identity="Us.", legal="None.", cancellation="Any day.", references=["Ada."]
        )
        wish = models.OpportunityPublish(
            key=TEAM, title="Club", description="Sell with us.", disclosure=disclosure, products=keys
        )
        shown = await stall.services.opportunities.publish(wish)
        stall.told(shown.entry, "opportunity")
    name = stall.chance.choice(sorted(RULES))
    record = encode_record(plan_from(content_of(name, stall.chance), name))
    await stall.services.credits.publish(models.PlanPublish(plan=record))
    stall.seen.mark(f"team plan {name}")


def content_of(name: str, chance: Stream) -> dict[str, object]:
    """A plan of that name for the own team, as people write it; what its rules leave open is drawn."""
    content: dict[str, object] = {
        "title": f"{name} {chance.below(1_000)}", "unit": UNIT, "currency": "EUR", "maximum": "20%",
        "period": chance.choice(_PERIODS), "hold_days": chance.choice((0, 2, 12)), "r2": False, "r5": False,
        "r6": False, "r19": False, "team": _DUTIES, "opportunity": TEAM,
        **RULES[name],
    }  # fmt: skip
    shaped: Any = content["team"]
    content["team"] = {**shaped, "replacement": chance.choice(_REPLACEMENTS)}
    return content


async def invite_member(stall: Stall) -> None:
    """Invites somebody below the owner of this node: to the own team, or to one they are a member of."""
    other, owners = stall.somebody(), await teams_of(stall)
    if other is None or not owners:
        return
    team = stall.chance.choice(owners)
    wish = models.TeamInvite(team=team, to=id_text(stall.id_of(other)))
    await stall.services.teams.invite(wish)
    stall.seen.mark("team invited")


async def apply_to_team(stall: Stall) -> None:
    """Applies by an invite that came."""
    page = await stall.services.teams.papers(models.PapersQuery(waiting=True, limit=_PAGE))
    found = [each for each in page.items if each.kind == "invite" and not each.own]
    if found:
        wish = models.TeamApply(invite=stall.chance.choice(found).paper, acknowledged=True)
        await stall.services.teams.apply(wish)
        stall.seen.mark("team applied")


async def admit_members(stall: Stall) -> None:
    """Admits all whose days are over."""
    done = await stall.services.teams.admit(models.TeamAdmit())
    for entry in done.entries:
        stall.told(entry, "admission")
        stall.seen.mark("team admitted")
    for each in done.skipped:
        stall.seen.mark(f"team skipped {each.state} {each.code or ''}".strip())


async def do_duty(stall: Stall) -> None:
    """Says that a module was passed, or that a follow-up came."""
    teams = [each for each in await teams_of(stall) if not own_team(stall, each)]
    if teams:
        team = stall.chance.choice(teams)
        if stall.chance.random() < 0.5:
            wish = models.TeamDutyDone(team=team, module="basics")
        else:
            wish = models.TeamDutyDone(team=team, step=1 + stall.chance.below(2))
        await stall.services.teams.duty(wish)
        stall.seen.mark("team duty")


async def leave_team(stall: Stall) -> None:
    """Leaves a team, or ends somebody's membership in the own one."""
    teams = await teams_of(stall)
    if not teams:
        return
    team = stall.chance.choice(teams)
    if not own_team(stall, team):
        await stall.services.teams.leave(models.TeamLeave(team=team, reason="time"))
        stall.seen.mark("team left")
        return
    members = (await stall.services.teams.tree(models.TeamTreeQuery(team=team))).items
    if members:
        wish = models.TeamLeave(team=team, member=stall.chance.choice(members).member.id, ended="inactive")
        done = await stall.services.teams.leave(wish)
        for entry in done.entries:
            stall.told(entry, "end of a membership")
        stall.seen.mark("team membership ended")


async def close_period(stall: Stall) -> None:
    """Closes the next period of the own team, and the same again: the bytes are the same [L12]."""
    closed = await stall.services.credits.close(models.PeriodChoice(key=TEAM))
    known = stall.oracle.credits.closed
    place = (stall.node.name, closed.plan, closed.begins)
    before = known.setdefault(place, closed.hash)
    assert before == closed.hash, f"the period {closed.period} was closed twice, otherwise"
    for at in (
        closed.begins,
        closed.ends - 1,
    ):  # where the plan changed in the period, each has its own close
        again = await stall.services.credits.close(models.PeriodChoice(key=TEAM, at=at))
        assert again.plan != closed.plan or (again.hash, again.entry) == (closed.hash, closed.entry), (
            f"the close of {closed.period} is another one"
        )
    stall.seen.mark("team period closed")
    if closed.count:
        stall.seen.mark("team period paid")


async def look_at_team(stall: Stall) -> None:
    """Looks at a team: its tree, its figures, the earnings of its members, the open period."""
    teams = await teams_of(stall)
    if teams:
        team = stall.chance.choice(teams)
        await stall.services.teams.stats(team)
        await stall.services.opportunities.show(team)
        await stall.services.ledgers.period(models.PeriodQuery(team=team))


async def teams_of(stall: Stall, *, once: bool = False) -> list[str]:
    """The own team, and those the owner of this node is a member of, as far as their logs are here.

    Args:
        stall: of whom.
        once: also those that they left.
    """
    own, found = stall.id_of(stall.node), []
    joined = stall.oracle.credits.joined.setdefault(stall.node.name, set())
    for networker in sorted({stall.id_of(each) for each in stall.others} | {own}):
        try:
            page = await stall.services.opportunities.list(
                models.OpportunitiesQuery(owner=id_text(networker))
            )
        except Problem:  # nothing of it is here
            continue
        for each in page.items:
            if once and each.team in joined:
                found.append(each.team)
                continue
            members = (await stall.services.teams.tree(models.TeamTreeQuery(team=each.team))).items
            if networker == own or own in [parse_id(member.member.id) for member in members]:
                joined.add(each.team)
                found.append(each.team)
    return found


def own_team(stall: Stall, team: str) -> bool:
    """Whether the owner of this node owns a team."""
    return team.startswith(id_text(stall.id_of(stall.node)))


TEAMING_ACTS: Final[Mapping[str, tuple[Act, int]]] = {
    "found team": (found_team, 1),
    "invite member": (invite_member, 5),
    "apply to team": (apply_to_team, 5),
    "admit members": (admit_members, 3),
    "do duty": (do_duty, 2),
    "leave team": (leave_team, 1),
    "close period": (close_period, 3),
    "look at team": (look_at_team, 2),
}
"""What there is to do in teams, and how often it is done in a market that has them."""
