"""Commands on credit that read: what they ask a node, and what they tell a person."""

from __future__ import annotations

import msgspec
import pytest

from netnode.operations import models
from tests.netnode.fake_services import FakeNode
from tests.netnode.fake_shared import OTHER


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("balance", OTHER),
            [
                "12.50 star",
                "locked",
                "Exposed",
                "Suspected: 1 challenge",
                "Disputed: 4.00 star",
                "3.00 star of it yours",
            ],
        ),
        (("balance", OTHER), ["Unknown from entry 9 on", "2 branches", "refused: paid in cash"]),
        (("ls",), ["5.00 % of 40", "30", "95.00 %", "6 of 7", "exposed, suspected, disputed", "moon"]),
        (("ls", "--all"), ["unknown from 0"]),
        (
            ("statement", OTHER),
            ["the beginning", "level 1", "5 % of 250.00", "-2.00", "Ada", "closing", "posted"],
        ),
        (
            ("audit", OTHER),
            ["first wrong entry is 7 (sale", "[awards_differ]", "2 entries have", "overdue", "Warning"],
        ),
        (
            ("audit", OTHER),
            [
                "6 of 7",
                "95.00 %",
                "1 branch of",
                "Unknown: a branch of this log with an entry 41",
                "And 89 more branches",
            ],
        ),
        (("explain", "4b4b"), ["entry 7", "Three levels", "5 % of 250.00"]),
        (
            ("statement", OTHER),
            ["not known", "Rate not known of linen/2023-11-01/group/2: the log is too long."],
        ),
        (
            ("explain", "linen/2023-11-01/group", "--holder", OTHER),
            [
                "Ada, period 2023-11-01 of linen, closed on 2023-11-14 22:13 UTC by entry 7 of the log of nx1ot",
                "Plan: Groups (efef",
                "Ada: 12.50 star by group, step 2, period 2023-11-01: 5 % of 250.00.",
                "2.00 star by pool not paid",
                "on another branch of the log of nx1ot",
                "Plan: not held here (efef",
            ],
        ),
    ],
)
def test_what_commands_on_credit_say(ready, arguments, words):
    told = ready("credit", *arguments).out
    for word in words:
        assert word in told, told


def test_answers_as_json(ready):
    assert ready("credit", "balance", OTHER, "--json").json["figures"][0]["balance"] == "12.50"
    assert ready("credit", "ls", "--json").json["items"][0]["facts"]["promoters_paid"] == 6
    assert ready("credit", "statement", OTHER, "--json").json["items"][0]["plan"] == "ef" * 32
    assert ready("credit", "audit", OTHER, "--json").json["wrong"][0]["seq"] == 7
    assert ready("credit", "explain", "4b4b", "--json").json["entries"] == [7]
    told = ready("credit", "explain", "linen/2023-11-01", "--json").json["closes"][0]["awards"][0]
    assert (told["id"], told["rate"], told["why"]) == ("linen/2023-11-01/group/2", "0.05", "")
    line = ready("credit", "statement", OTHER, "--json").json["items"][1]
    assert (line["rate"], line["base"], line["why"]) == (None, None, "the log is too long")


def test_a_statement_as_csv_has_all_pages(ready):
    told = ready("credit", "statement", OTHER, "--csv").out.splitlines()
    assert told[0].startswith("time,what,id,amount,remains,payable")
    assert len(told) == 4
    assert told[2].endswith(",the log is too long")
    assert told[1].startswith("2023-11-14T22:13:20+00:00,award,")
    assert ready("credit", "statement", OTHER, "--csv", "--json").code == 2


def test_days_of_a_statement_are_checked(ready):
    asked = ready("credit", "statement", OTHER, "--from", "2026-10-01", "--json")
    assert asked.json["from"] == 1_790_812_800_000
    wrong = ready("credit", "statement", OTHER, "--from", "1.10.2026")
    assert wrong.code == 2
    assert "2026-10-01" in wrong.err


def test_what_cannot_be_found_has_an_exit_code(ready):
    assert ready("credit", "balance", "nx1other").code == 3
    assert ready("credit", "explain", "4c4c").code == 3
    assert ready("credit", "explain", "zz").code == 2
    assert ready("credit", "explain", "linen/2023-12-01").code == 3
    wrong = ready("credit", "explain", "linen/november")
    assert wrong.code == 2 and "such as linen/2026-10-01/group" in wrong.err
    assert ready("credit", "explain", "4b4b", "--holder", OTHER).code == 2


def test_a_statement_says_how_to_ask_where_an_award_comes_from(ready):
    told = ready("credit", "statement", OTHER)
    assert f"netnode credit explain {'4b' * 8} --issuer nx1" in told.err
    cursor = ready("credit", "statement", OTHER, "--limit", "1", "--json").json["next"]
    page = ("credit", "statement", OTHER, "--limit", "1", "--cursor", cursor)
    later = ready(*page)
    assert "netnode credit explain linen/2023-11-01/group/2 --issuer nx1" in later.err
    assert "--holder" not in later.err
    assert f"--holder {OTHER}" in ready(*page, "--holder", OTHER).err


def test_the_open_period(ready):
    told = ready("period", "open", "linen-team")
    for word in ("2023-11-01", "12.50 star", "close would add", "not closed yet", "Ada: 3 star by weak."):
        assert word in told.out, told.out
    assert ready("period", "open", "linen-team", "--json").json["closing"] == "3.00"


def test_earnings_stand_beside_an_opportunity_and_an_invitation(ready):
    told = ready("opportunity", "show", f"{OTHER}/linen").out
    for word in ("earned nothing", "7 (70.00 %)", "-20.00", "2 of them left", "6 than they were awarded"):
        assert word in told, told


def test_the_status_says_what_stands_against_issuers_whose_credit_one_has(ready, monkeypatch):
    """[R-CRED-95]"""
    assert "credit " not in ready("status").out
    right = FakeNode.status

    async def status(self):
        notice = models.CreditNotice(issuer=OTHER, name="Bob", what="disputed", since=1_700_000_000_000)
        other = msgspec.structs.replace(notice, name="Cal", what="unknown")
        return msgspec.structs.replace(await right(self), notices=[notice, other])

    monkeypatch.setattr(FakeNode, "status", status)
    shown = ready("status").out
    assert f"Bob is disputed since 2023-11-14 22:13 UTC: netnode credit balance {OTHER}" in shown
    assert f"Cal is not known whole here since 2023-11-14 22:13 UTC: netnode credit balance {OTHER}" in shown
    assert ready("status", "--json").json["notices"][0]["what"] == "disputed"


def test_a_list_of_credit_says_where_to_look_closer(ready):
    assert "look closer with: netnode credit balance nx1" in ready("credit", "ls").err


def test_an_audit_warns_of_circles_over_several_issuers(ready):
    shown = ready("credit", "audit", OTHER).out
    assert (
        "Warning: 1 sale closes a circle with sales of other issuers" in shown
        and "credit explain 4b4b" in shown
    )
