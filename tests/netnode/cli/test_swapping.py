"""Commands on swaps and releases: what a person is told before signing, and afterwards [R-CRED-52]."""

from __future__ import annotations

import pytest

from tests.netnode.fake_shared import OTHER
from tests.netnode.fake_swaps import SENTENCE

PROPOSE = ("credit", "swap", "propose", OTHER, "--give", "6", "--from", OTHER, "--get", "4", "--of", OTHER)
ACCEPT = ("credit", "swap", "accept", "abab")


@pytest.mark.parametrize("command", [PROPOSE, ACCEPT])
def test_nothing_is_signed_before_the_sentence_was_read(ready, command):
    asked = ready(*command)
    assert asked.code == 2
    assert SENTENCE in asked.err and "--yes" in asked.err
    refused = ready(*command, "--json")
    assert (refused.code, refused.json["error"]["code"]) == (2, "yes_needed")
    signed = ready(*command, "--yes")
    assert signed.code == 0
    assert SENTENCE in signed.err
    assert "6.00 star of Yara, given by Ada" in signed.out


def test_swaps_are_listed_and_shown(ready):
    shown = ready("credit", "swap", "show", "abab").out
    for word in ("waits for your answer", "as agreed", "not_covered", "entry 7", "entry 8", "swap accept"):
        assert word in shown
    assert "proposed" in ready("credit", "swap", "ls").out
    assert ready("credit", "swap", "ls", "--waiting").out == "No swaps.\n"
    assert ready("credit", "swap", "ls", "--json").json["items"][0]["first"]["minor"] == 600
    assert ready("credit", "swap", "decline", "abab", "--text", "no", "--json").json["stage"] == "declined"
    missing = ready("credit", "swap", "show", "9999", "--json")
    assert (missing.code, missing.json["error"]["code"]) == (3, "no_swap")


def test_a_release_is_asked_for(ready):
    assert ready("credit", "release", OTHER).code == 2
    assert "1 release on the way" in ready("credit", "release", OTHER, "--yes").out
