"""Commands on credit that sign, on plans that are published and on periods: what they ask and what they tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from netnode.plans import ready as ready_made
from tests.netnode.fake_shared import ME, OTHER


def test_credit_is_moved_when_the_issuer_is_asked(ready):
    for arguments in (
        ("transfer", OTHER, "6", "--to", ME, "--unit", "star"),
        ("redeem", OTHER, "6"),
        ("payout", OTHER, "6", "--received"),
    ):
        found = ready("credit", *arguments, "--json")
        assert found.code == 0, found.err
        assert (found.json["state"], found.json["amount"]) == ("queued", "6")
        told = ready("credit", *arguments)
        assert "queued" in told.out and "netnode credit requests" in told.err
    assert ready("credit", "transfer", OTHER, "6").code == 2, "to whom?"
    refused = ready("credit", "redeem", OTHER, "999", "--json")
    assert (refused.code, refused.json["error"]["code"]) == (4, "not_covered")
    assert ready("credit", "redeem", OTHER, "999", "--anyway").code == 0
    assert ready("credit", "payout", OTHER, "6").code == 4, "nobody signs for money by a slip"
    assert ready("credit", "transfer", OTHER, "six", "--to", ME).code == 2


def test_what_is_accepted_is_said_and_listed(ready):
    assert "up to 50.00 star" in ready("credit", "accept-policy", OTHER, "50", "--unit", "star").out
    assert "50.00 star" in ready("credit", "accept-policy").out
    assert ready("credit", "accept-policy", "--json").json["items"][0]["sent"] == "delivered"
    assert ready("credit", "accept-policy", OTHER, "50").code == 2, "of which unit?"


def test_requests_tell_how_far_they_are(ready):
    told = ready("credit", "requests").out
    assert "queued" in told and "answered, entry 7" in told and "refused: more than is available" in told
    assert len(ready("credit", "requests", "--waiting", "--json").json["items"]) == 1


def test_an_issuer_is_challenged(ready):
    assert "14 days" in ready("credit", "challenge", "--order", "cdcd").out
    assert ready("credit", "challenge", "--request", "abab", "--json").json["entry"] == "ab" * 32
    assert ready("credit", "challenge").code == 2


def test_sales_that_wait_say_why(ready):
    assert "nobody has shown it" in ready("credit", "sales").out
    assert ready("credit", "sales", "--json").json["items"][0]["code"] == "path_missing"


def test_a_plan_is_published_from_a_file(ready, tmp_path: Path):
    file = tmp_path / "plan.toml"
    file.write_text(ready_made.text("default"))
    found = ready("plan", "publish", str(file), "--json")
    assert found.code == 0, found.err
    assert found.json["entry"] == 8
    told = ready("plan", "publish", str(file)).out
    assert "holds from" in told and "Switched off." in told
    assert ready("plan", "publish", str(tmp_path / "none.toml")).code == 3


@pytest.mark.parametrize("command", ["preview", "close"])
def test_a_period_is_shown_and_closed(ready, command):
    found = ready("period", command, "linen", "--at", "2026-01-31", "--json")
    assert found.code == 0, found.err
    assert found.json["count"] == 2
    told = ready("period", command, "linen")
    assert "12.50 star" in told.out and "1 more" in told.err
    assert ("published, entry 9" in told.out) == (command == "close")
    assert ready("period", command, "linen", "--at", "soon").code == 2
    assert ready("period", "preview", "none").code == 3
