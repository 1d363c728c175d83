"""Commands on opportunities and teams: what they ask a node, and what they tell a person."""

from __future__ import annotations

import json

import pytest

from netnode.cli.opportunities import EXAMPLE
from tests.netnode.fake_shared import OTHER
from tests.netnode.fake_teams import FakeOpportunities

TEAM = f"{OTHER}/linen"
TOML = """
key = "linen"
title = "Linen team"
description = "Sell linen."
[disclosure]
identity = "Sol Ltd."
legal = "none"
cancellation = "At any time."
references = ["Ask."]
"""


def test_an_opportunity_is_published_from_toml_or_json(ready, tmp_path):
    file = tmp_path / "linen.toml"
    file.write_text(TOML)
    assert ready("opportunity", "publish", str(file), "--json").json["opportunity"]["key"] == "linen"
    as_json = tmp_path / "linen.json"
    as_json.write_text(json.dumps({"key": "linen"}))
    wrong = ready("opportunity", "publish", str(as_json), "--json")
    assert wrong.code == 2 and "title" in wrong.json["error"]["text"]
    file.write_text("key =")
    assert ready("opportunity", "publish", str(file)).code == 2
    file.write_bytes(b"\xff")
    assert "UTF-8" in ready("opportunity", "publish", str(file)).err
    assert ready("opportunity", "publish", str(tmp_path / "none.toml")).code == 3


def test_the_file_in_the_help_is_one_that_is_published(ready, tmp_path, monkeypatch):
    asked = []
    publish = FakeOpportunities.publish

    async def watched(self, request):
        asked.append(request)
        return await publish(self, request)

    monkeypatch.setattr(FakeOpportunities, "publish", watched)
    file = tmp_path / "linen.toml"
    file.write_text(EXAMPLE)
    assert ready("opportunity", "publish", str(file)).code == 0
    (one,) = asked
    assert (one.opens, one.closes) == (1_796_083_200_000, 1_827_619_200_000)
    assert (one.disclosure.claims[0].from_, one.disclosure.claims[0].until) == (
        1_767_225_600_000,
        1_782_864_000_000,
    )
    assert 'purpose = "kit"' in ready("opportunity", "publish", "--help").out


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("title", "titel", "there is no field `titel`"),
        ('legal = "none"\n', "", "disclosure: the field `legal` is missing"),
        ('["Ask."]', "[]", "disclosure.references: needs one at least"),
        ('"linen"', '"linen"\ncloses = "soon"', "closes: 'soon' is no day; write it as 2026-12-31"),
    ],
)
def test_what_is_wrong_in_an_opportunity_is_said_with_its_file(ready, tmp_path, old, new, said):
    file = tmp_path / "linen.toml"
    file.write_text(TOML.replace(old, new, 1))
    done = ready("opportunity", "publish", str(file))
    assert done.code == 2 and said in done.err and "linen.toml: " in done.err, done.err


def test_who_wants_to_join_sees_costs_disclosure_and_who_stayed(ready):
    told = ready("opportunity", "show", TEAM).out
    for words in (
        "3 of 4 who ever joined", "75 % of 4, 50 % of 2, nobody so long", "needed to join", "Legal actions:",
        "3 of 40", "7.50 %", "Obligations:", "Disclosure cdcd", "sells                  hat",
        "open until 2030-01-01", "Exposed: this issuer has forked its log.",
    ):  # fmt: skip
        assert words in told, words
    assert ready("opportunity", "show", "other").code == 3
    assert "Linen team" in ready("opportunity", "ls", OTHER).out
    assert ready("opportunity", "ls", "--json").json["items"][0]["members"] == 3
    assert ready("opportunity", "close", "linen", "--json").code == 0


def test_an_invite_is_a_text_to_give_away(ready):
    told = ready("team", "invite", "linen")
    assert "inxteam1abcd" in told.out and "netnode team apply" in told.err
    assert ready("team", "invite", TEAM, "--to", OTHER, "--days", "3", "--text", "Hi", "--json").code == 0
    assert ready("team", "invite", TEAM, "--days", "0").code == 2


def test_who_applies_says_that_they_read_it(ready):
    assert ready("team", "apply", "abcd1234", "--json").json["error"]["code"] == "not_acknowledged"
    assert ready("team", "apply", "abcd1234", "--acknowledged").code == 0


def test_admissions_say_who_has_to_wait_and_until_when(ready):
    told = ready("team", "admit")
    assert "1 entry written" in told.out and "can be admitted from 2023-11-14" in told.out
    assert ready("team", "admit", "abcd1234", "--json").json["entries"]


def test_a_list_with_faults_is_refused_and_each_is_told(ready, tmp_path):
    file = tmp_path / "team.csv"
    file.write_text("ref,sponsor\n1,\n2,1\n")
    assert "1 invited now, 1 wait" in ready("team", "import", "linen", str(file)).out
    file.write_text("bad")
    told = ready("team", "import", "linen", str(file))
    assert told.code == 4 and "'9' is in no row" in told.out and "1 fault" in told.err
    asked = ready("team", "import", "linen", str(file), "--json")
    (fault,) = asked.json["error"]["details"]["faults"]  # one document
    assert asked.code == 4 and (fault["row"], fault["problem"]) == (2, "'9' is in no row")


def test_whom_an_invite_is_for_and_its_text_are_found_again(ready):
    listed = ready("team", "papers")
    assert "Bert (7 of the list)" in listed.out and "netnode team papers PAPER" in listed.err
    one = ready("team", "papers", "abab")
    assert "inxteam1abcd" in one.out and "Bert (7 of the list)" in one.out
    assert ready("team", "papers", "abab", "--json").json["items"][0]["invite"] == "inxteam1abcd"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("papers",), "invite"),
        (("papers",), "admitted"),
        (("papers", "--waiting"), "can be admitted from"),
        (("tree", TEAM), "leg 0"),
        (("tree", TEAM, "--below", OTHER), "Ada"),
        (("duties", TEAM), "follow-up 1"),
        (("neglected", TEAM), "neglected"),
        (("stats", TEAM), "100.0 % in the largest leg"),
        (("stats", TEAM), "2 of 3 members sold something in the last 30 days"),
        (("stats", TEAM), "median 12 days after joining; 3 of 4 who ever joined have sold"),
        (("stats", TEAM), "Entry 7 has no effect: too_soon."),
        (("duties", TEAM, "--module", "start"), "abab"),
        (("duties", TEAM, "--follow-up", "1", "--by", OTHER), "abab"),
        (("move", TEAM, OTHER, "--sponsor", OTHER, "--neglect"), "invite abab"),
        (("move", TEAM, OTHER, "--parent", OTHER, "--leg", "0"), "invite abab"),
        (("leave", TEAM, "--reason", "time"), "1 entry written"),
        (("leave", "linen", "--member", OTHER, "--ended", "terms"), "1 entry written"),
    ],
)
def test_commands_of_teams_tell_a_person(ready, arguments, words):
    result = ready("team", *arguments)
    assert result.code == 0, result.err
    assert words in result.out
    assert ready("team", *arguments, "--json").code == 0
