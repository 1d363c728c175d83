"""Commands on goods that are given back: what a member and an owner are told."""

from __future__ import annotations

import pytest

from tests.netnode.fake_shared import OTHER

TEAM = f"{OTHER}/linen"


def test_what_can_be_given_back_and_until_when(ready):
    shown = ready("team", "buyback", "goods", TEAM)
    for word in ("Cap", "27.00 EUR", "2023-11-14"):
        assert word in shown.out
    assert "buyback ask" in shown.err


def test_a_request_says_until_when_the_owner_has_to_answer(ready):
    shown = ready("team", "buyback", "ask", TEAM, "--deal", "efef", "--piece", "0=2")
    for word in ("3 x Cap", "not answered since"):
        assert word in shown.out
    assert "team buyback challenge" in shown.err
    assert "entry abab" in ready("team", "buyback", "challenge", "abab").out


@pytest.mark.parametrize("piece", ["2", "0=0", "a=1", "100=1", "0=1000001", "0=", "=1"])
def test_pieces_are_a_line_and_a_number(ready, piece):
    wrong = ready("team", "buyback", "ask", TEAM, "--piece", piece, "--json")
    assert (wrong.code, wrong.json["error"]["code"]) == (2, "usage")


def test_an_owner_sees_what_is_owed_and_answers(ready):
    shown = ready("team", "buyback", "ls")
    for word in ("you to", "to be answered until"):
        assert word in shown.out
    for word in ("buyback pay", "buyback refuse"):
        assert word in shown.err
    assert ready("team", "buyback", "pay", "cdcd", "--json").json["code"] == "too_late"
    assert "goods are taken back for 365 days" in ready("team", "buyback", "pay", "cdcd").out
    assert ready("team", "buyback", "refuse", "cdcd", "--reason", "not_returned").code == 0
    assert ready("team", "buyback", "pay", "9999", "--json").code == 3


def test_who_leaves_can_give_back_in_one_step(ready):
    assert ready("team", "leave", TEAM, "--reason", "time", "--buyback").code == 0
