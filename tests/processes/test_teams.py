"""Three real nodes: from an opportunity to an admitted member, with seven days that the launcher's clock lets pass."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from netnode.problems import Problem
from netnode.testing import Mesh, Node, wait_until
from tests.processes.hasty import HASTY

PATIENCE = 90.0  # seconds; why: the load of other tests
TOML = """
key = "linen-team"
title = "Linen team"
description = "Sell linen."
[disclosure]
identity = "Sol Ltd, 1 High Street."
legal = "none"
cancellation = "At any time."
references = ["Ask any member."]
"""


def papers(node: Node, kind: str) -> list[dict[str, Any]]:
    return [one for one in node.api.get("/teams/papers")["items"] if one["kind"] == kind]


def tree(node: Node, team: str) -> list[tuple[int, str]]:
    return [(one["level"], one["member"]["id"]) for one in node.api.get("/teams/tree", team=team)["items"]]


def knows(node: Node, team: str) -> bool:
    try:
        return bool(node.api.get("/opportunities/show", team=team))
    except Problem:
        return False


def test_from_an_opportunity_to_a_member_that_every_node_knows(
    mesh: Mesh, tmp_path: Path
) -> None:  # [R-TEAM-9]
    sol, ada, wes = mesh.start_all("sol", "ada", "wes", clock=timedelta(0), program=HASTY)
    for one, other in ((sol, ada), (sol, wes), (ada, wes)):
        one.api.post("/peers/add", {"uri": other.peer})
    file = tmp_path / "linen.toml"
    file.write_text(TOML)
    team = sol.ask("opportunity", "publish", str(file))["opportunity"]["team"]
    for node in (ada, wes):
        wait_until(lambda node=node: knows(node, team), "the opportunity is there", PATIENCE)
    sol.ask("team", "invite", "linen-team", "--to", ada.id)
    wait_until(lambda: papers(ada, "invite"), "the invite is there", PATIENCE)
    (invite,) = papers(ada, "invite")
    refused = ada.run("team", "apply", invite["paper"], "--json")
    assert refused.code == 4 and "not_acknowledged" in refused.out
    ada.ask("team", "apply", invite["paper"], "--acknowledged")
    wait_until(lambda: papers(sol, "application"), "the application is there, with a witness", PATIENCE)
    (application,) = papers(sol, "application")
    assert application["state"] == "too soon"
    with pytest.raises(Problem, match="7 days"):
        sol.api.post("/teams/admit", {"paper": application["paper"]})
    for node in (sol, ada, wes):
        node.set_clock(timedelta(days=7, minutes=1))
    assert len(sol.ask("team", "admit")["entries"]) == 1
    for node in (sol, ada, wes):
        wait_until(lambda node=node: tree(node, team) == [(1, ada.id)], "the member is known", PATIENCE)
    ada.ask("team", "leave", team, "--reason", "time")
    wait_until(lambda: tree(wes, team) == [], "the member has left", PATIENCE)
    assert wes.ask("team", "stats", team)["left"] == {"time": 1}
