"""Commands on reviews and arbiters: what they ask a node, and what they tell a person."""

from __future__ import annotations

from tests.netnode.fake_shared import OTHER

REVIEW = "ab" * 32
DEAL = "cd" * 4


def test_a_review_is_written_and_taken_back(ready):
    for arguments in (
        ("write", DEAL, "--rating", "4", "--text", "Warm."),
        ("write", DEAL, "--rating", "1", "--unnamed"),
        ("withdraw", DEAL),
    ):
        result = ready("review", *arguments, "--json")
        assert result.code == 0, result.err
        assert set(result.json) == {"review", "entry", "seller"}
    assert REVIEW in ready("review", "write", DEAL, "--rating", "5").out
    for wrong in (("--rating", "6"), ("--rating", "0"), ()):
        refused = ready("review", "write", DEAL, *wrong)
        assert refused.code == 2 and "--rating" in refused.err


def test_a_file_with_a_review_is_carried(ready, tmp_path):
    file = tmp_path / "review.inxr"
    file.write_bytes(b"\x80")
    assert ready("review", "carry", str(file), "--json").json["review"] == REVIEW
    file.write_bytes(b"")
    assert ready("review", "carry", str(file)).code == 4
    assert ready("review", "carry", str(tmp_path / "none")).code != 0


def test_ratings_are_told_by_distance_and_never_as_one(ready):
    result = ready("review", "ls", OTHER, "--json")
    assert [group["distance"] for group in result.json["ratings"]] == ["own", "strangers"]
    assert result.json["items"][0]["listing"] == f"{OTHER}/cap"
    told = ready("review", "ls", f"{OTHER}/cap").out
    assert "4.0 of 5 by your own: 1 receipt" in told
    assert "1.5 of 5 by strangers: 1,000 receipts, 20 older than 30 days, 3 of these witnessed" in told
    assert "4 of 5" in told and "(your own, aged)" in told and "of Blue cap" in told and "  Warm." in told


def test_an_arbiter_consents_for_an_amount_or_a_share(ready, tmp_path):
    terms = tmp_path / "terms.txt"
    terms.write_text("Half each.\n")
    for fee in (("--fee", "2.5%"), ("--fee", "25.00", "--currency", "eur")):
        result = ready("arbiter", "offer", *fee, "--terms", str(terms), "--to", OTHER, "--json")
        assert result.code == 0, result.err
        assert result.json["percent"] == "2.5"
    told = ready("arbiter", "offer", "--fee", "2.5%", "--terms", str(terms))
    assert "2.5 % of the price" in told.out and "any seller" in told.out
    assert ready("arbiter", "offer", "--fee", "2%").code == 2
    terms.write_bytes(b"\xff")
    assert "UTF-8" in ready("arbiter", "offer", "--fee", "2%", "--terms", str(terms)).err
    assert ready("arbiter", "send", "abab", OTHER, "--json").code == 0


def test_consents_and_cases_are_listed_and_shown(ready):
    assert ready("arbiter", "ls", "--json").json["items"][0]["consent"] == REVIEW
    assert "2.5 % of the price" in ready("arbiter", "ls").out
    assert "Blue cap" in ready("arbiter", "cases", "--all").out
    shown = ready("arbiter", "show", "cdcd").out
    assert "your fee" in shown and "12.50 EUR" in shown and "in dispute" in shown
    assert "The buyer says the seller should keep 12.50 EUR." in shown and "The seam was open." in shown
    assert "Both sides are told: The arbiter had one deal with the seller" in shown and "Half each." in shown
    case = ready("arbiter", "show", "cdcd", "--json").json["case"]
    assert case["bars"] is None and case["claims"][0]["role"] == "buyer"
    missing = ready("arbiter", "show", "9999", "--json")
    assert missing.code == 3 and missing.json["error"]["code"] == "no_consent"
