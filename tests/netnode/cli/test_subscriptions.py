"""Commands on subscriptions and invoices: what they ask for, say and write."""

from __future__ import annotations

import pytest

from netnode.operations import models
from tests.netnode.fake_deals import DEAL
from tests.netnode.fake_subscriptions import a_subscription


def test_a_subscription_is_shown_with_its_periods_and_statements(ready, runtime):
    listed = ready("deal", "renewals").out
    assert "Blue cap" in listed and "12.50 EUR a month" in listed and DEAL[:10] in listed
    shown = ready("deal", "renewals", "3f3f").out
    assert "next period" in shown and "price 12.50 EUR" in shown and "waits for one before it" in shown
    found = ready("--json", "deal", "renewals").json
    assert [each["deal"] for each in found["items"]] == [DEAL] and found["next"] is None


def test_statements_answer_as_every_command_on_a_deal(ready):
    paused = ready("--json", "deal", "pause", "3f3f").json
    assert {"deal", "state", "role", "next", "delivery"} <= set(paused) and paused["standing"] == "paused"
    assert "paused" in ready("deal", "pause", "3f3f").out
    assert ready("--json", "deal", "resume", "3f3f").json["standing"] == "active"
    assert ready("--json", "deal", "end", "3f3f").json["turn"] is None
    assert ready("deal", "end", "ffff").code == 3


def test_an_ended_subscription_has_no_next_period(ready, runtime):
    runtime.services.subscriptions.one = a_subscription(standing="ended")
    assert "next period" not in ready("deal", "renewals", "3f3f").out


def test_consent_names_a_price_or_takes_the_one_that_is_asked(ready, runtime):
    asked = ready("--json", "deal", "consent", "3f3f").json
    assert asked["asked"]["amount"] == "14.00"
    assert "asked" in ready("deal", "consent", "3f3f", "--price", "14.00", "--text", "Post").out
    work = runtime.services.subscriptions.asked
    assert work == [
        models.SubscriptionPrice(deal="3f3f"),
        models.SubscriptionPrice(deal="3f3f", price="14.00", text="Post"),
    ]
    assert ready("deal", "consent", "3f3f", "--price", "cheap").code == 2
    other = ready("deal", "consent", "3f3f", "--price", "9.00").err
    assert "at no price that they did not ask for" in " ".join(other.split())
    assert "did not ask" not in ready("deal", "consent", "3f3f").err


def test_a_renewal_can_be_made_by_hand(ready, runtime):
    assert ready("--json", "deal", "renew", "3f3f", "--anyway").json["state"] == "agreed"
    assert runtime.services.subscriptions.asked == [models.SubscriptionRenew(deal="3f3f", anyway=True)]


def test_an_invoice_is_told_and_written(ready, runtime, tmp_path):
    found = ready("--json", "deal", "invoice", "3f3f").json
    assert {"deal", "state", "role", "next", "delivery"} <= set(found)
    assert (found["number"], found["kind"], "html" in found) == ("2026-1", "invoice", False)
    file = tmp_path / "invoice.html"
    said = ready("deal", "invoice", "3f3f", "--html", file).out
    assert "Invoice 2026-1" in said and "1 Dorset St" in said and f"Wrote {file}" in said
    assert file.read_text() == "<!doctype html>\n"
    credit = ready("deal", "invoice", "3f3f", "--credit-note").out
    assert "Credit note C2026-1" in credit and "of invoice  2026-1" in credit
    ready("deal", "invoice", "3f3f", "--number", "7")
    assert runtime.services.subscriptions.asked[-1] == models.InvoiceOrder(deal="3f3f", number=7)
    assert ready("deal", "invoice", "3f3f", "--number", "0").code == 2
    assert ready("deal", "invoice", "3f3f", "--html", tmp_path / "no" / "such.html").code != 0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"stopped": True, "role": "seller", "why": "stopped", "reason": "You stopped."},
            "you renew it no more",
        ),
        (
            {"role": "seller", "why": "price", "reason": "The buyer says another."},
            "not renewed  The buyer says",
        ),
        ({"per": models.Per(count=3, unit="week")}, "a 3 weeks"),
        ({}, "renewed      by the seller, at some time from"),
        (
            {"asked": models.Price(minor=1400, amount="14.00", currency="EUR")},
            f"netnode deal consent {DEAL[:10]}",
        ),
    ],
)
def test_what_keeps_a_renewal_back_is_said(ready, runtime, changes, says):
    runtime.services.subscriptions.one = a_subscription(**changes)
    assert says in ready("deal", "renewals", "3f3f").out
