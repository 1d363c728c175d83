"""`log settle` and `log resume`: what is shown, what is asked, and what a script has to say."""

from __future__ import annotations

import click
import pytest

from netnode.cli import settling
from netnode.operations import models
from netnode.services.settling import notice
from tests.netnode.fake_services import TIME


def waiting(**fields):
    known = {
        "text": "Nothing is published yet. 0 of 1 peer has answered.", "reason": "restored", "alarm": False, "by": None,
        "since": TIME, "peers": 1, "answered": 0, "silent": ["Ben at ws://b"], "groups": 0, "seconds": None,
    }  # fmt: skip
    return models.Waiting(**(known | fields))


def test_what_a_start_says_is_short_unless_the_owner_has_to_act():
    assert notice(None) is None and notice(waiting(by="book")) is None
    told = notice(waiting())
    assert told.startswith("Nothing is published yet. This home was restored from a backup")
    assert told.count(". ") == 2 and told.endswith("netnode status")
    for fields in ({"alarm": True, "by": "book"}, {"reason": "forked"}, {"reason": "retired"}):
        assert notice(waiting(**fields)) == waiting().text


@pytest.fixture
def asked(monkeypatch):
    """A person at a terminal who chooses the second and says yes."""
    questions = []

    def confirm(text, **options):
        questions.append(text)
        return True

    def prompt(text, **options):
        questions.append(text)
        return 2

    monkeypatch.setattr("netnode.cli.frame.terminal_on_stdin", lambda: True)
    monkeypatch.setattr(settling.click, "confirm", confirm)
    monkeypatch.setattr(settling.click, "prompt", prompt)
    return questions


# -- log settle ------------------------------------------------------------------------------------------------
def test_a_log_that_is_not_forked_needs_no_settlement(ready, runtime):
    told = ready("log", "settle", "--yes", "--json")
    assert (told.code, told.json["error"]["code"]) == (4, "not_forked")
    assert runtime.services.own.settled == []


def test_the_branches_are_shown_and_a_person_chooses(ready, runtime, asked):
    runtime.services.own.forked = True
    told = ready("log", "settle")
    assert told.code == 0, told.err
    assert "Your log is forked: 2 branches after entry 2." in told.out
    assert "1. aaaaaaaaaaaa  7 entries, 2025-10-09" in told.out and "held by 2 peers  (proposed)" in told.out
    assert "2. bbbbbbbbbbbb  21 entries" in told.out and "(shown now)" in told.out
    assert "     listing a4: Hat\n     and 2 more" in told.out and "not all of it is here" in told.out
    assert runtime.services.own.settled == ["b" * 64] and asked == ["Which one goes on?"]
    assert "Settled: your log goes on with the branch aaaaaaaaaaaa (entry 10 opens term 1)." in told.out
    assert "No longer part of your log" in told.out and "  and 14 more; see them" in told.out
    assert "With it went 2 entries that your node writes by itself: keys (1), settlement (1)\n" in told.out


def test_a_named_branch_is_confirmed(ready, runtime, asked):
    runtime.services.own.forked = True
    assert ready("log", "settle", "--branch", " BBBB ").code == 0
    assert runtime.services.own.settled == ["bbbb"] and len(asked) == 1
    assert ready("log", "settle", "--branch", "no hex", "--yes").code == 2


def test_a_script_says_which(ready, runtime):
    runtime.services.own.forked = True
    told = ready("log", "settle", "--json")
    assert (told.code, told.json["error"]["code"]) == (2, "branch_needed") and "--yes" in told.err
    answer = ready("log", "settle", "--yes", "--json").json
    assert runtime.services.own.settled == [None]
    assert (answer["term"], answer["goes_on"]["id"], len(answer["left"])) == (1, "a" * 64, 1)


# -- log resume ------------------------------------------------------------------------------------------------
def test_nothing_to_resume(ready):
    told = ready("log", "resume", "--json")
    assert (told.code, told.json["error"]["code"]) == (4, "not_waiting")


def test_the_other_copy_is_gone(ready, runtime, asked):
    runtime.services.own.waits = waiting(alarm=True, reason=None, text="Another node.")
    told = ready("log", "resume")
    assert told.code == 0 and told.out == "Another node.\n"
    assert runtime.services.own.resumed == [False] and "never be started again" in asked[0]


def test_anyway_names_the_risk(ready, runtime, asked):
    runtime.services.own.waits = waiting()
    told = ready("log", "resume", "--anyway")
    assert told.code == 0 and "leave your log for good" in told.err and asked == ["Publish without waiting?"]
    assert "publishes again" in told.out and runtime.services.own.resumed == [True]


def test_a_script_needs_yes(ready, runtime):
    runtime.services.own.waits = waiting(alarm=True)
    told = ready("log", "resume", "--json")
    assert (told.code, told.json["error"]["code"]) == (2, "yes_needed")
    assert ready("log", "resume", "--anyway", "--yes", "--json").json == {"waiting": None}


def test_a_forked_log_is_settled_not_resumed(ready, runtime):
    runtime.services.own.waits = waiting(reason="forked", text="Your log is forked: netnode log settle")
    told = ready("log", "resume", "--anyway", "--yes", "--json")
    assert (told.code, told.json["error"]["code"]) == (4, "forked")


def test_the_status_says_what_is_waited_for(ready, runtime):
    assert "Nothing is published" not in ready("status").out
    runtime.services.own.waits = waiting()
    assert ready("status").out.endswith("Nothing is published yet. 0 of 1 peer has answered.\n")
    runtime.services.own.waits = waiting(by="book")
    assert "Nothing is published" not in ready("status").out
    assert click is settling.click
