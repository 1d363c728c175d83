"""The commands on keys: what they ask, refuse and say."""

from __future__ import annotations

import stat

import pytest

from netnode.cli import asking, frame, keys, recovery_words
from netnode.keys.words import decode_words, encode_words
from netnode.problems import Problem
from tests.netnode.fake_keys import ID, backup_of

OWN = bytes(range(32))


@pytest.fixture
def fake(runtime):
    return runtime.services.keys


@pytest.fixture
def sheet(tmp_path):
    path = tmp_path / "sheet.txt"
    path.write_text(" ".join(encode_words(OWN)))
    return path


@pytest.fixture
def person(monkeypatch):
    """Somebody at the terminal, who answers in this order."""
    answers: list[str] = []
    asked: list[str] = []

    def prompt(text, **options):
        asked.append(text)
        if "word" in text and "type" in text:
            assert not options.get("hide_input")
            return answers_of_sheet(int(text.rsplit(" ", 1)[1]))
        assert options.get("hide_input"), text
        return answers.pop(0)

    def confirm(text, **options):
        asked.append(text)
        if answers.pop(0) != "y":
            raise keys.click.Abort

    def answers_of_sheet(number):
        return prompt.words[number - 1]

    prompt.words = encode_words(OWN)
    monkeypatch.setattr(frame, "terminal_on_stdin", lambda: True)
    for module in (recovery_words, asking, keys):
        monkeypatch.setattr(module.click, "prompt", prompt)
        monkeypatch.setattr(module.click, "confirm", confirm)
    prompt.answers, prompt.asked = answers, asked
    return prompt


def test_show(ready, fake):
    said = ready("key", "show")
    assert ID in said.out and "epoch 0, term 0" in said.out and "in order" in said.out and said.err == ""
    assert "recovery words" in said.out and "replaced" not in said.out
    assert ready("key", "show", "--json").json["promise"] == fake.promises[0].hex()
    fake.usable, fake.pending = False, True
    said = ready("key", "show")
    assert "netnode key rotate" in said.err and "did not happen" in said.err


def test_rotate_without_questions(ready, fake, sheet):
    """What goes to the node is one promised key, never the words."""
    said = ready("key", "rotate", "--words-file", sheet, "--yes", "--json")
    assert said.code == 0 and said.json["epoch"] == 1 and said.json["told"] == 1
    (order,) = fake.orders
    assert order.backup_public == backup_of(OWN) and OWN.hex() not in repr(order) + order.seed
    said = ready("key", "rotate", "--words-file", sheet, "--yes")
    assert "epoch 2 begins at entry 8" in said.out and "1 of 1 connected peer has it" in said.out


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((), 2),  # nobody to ask
        (("--yes",), 2),  # no words
        (("--yes", "--new-words"), 2),
        (("--yes", "--out", "x"), 2),
    ],
)
def test_what_a_script_leaves_out(ready, fake, options, code):
    said = ready("key", "rotate", *options, "--json")
    assert said.code == code and fake.orders == []


def test_new_words(ready, fake, sheet, tmp_path):
    out = tmp_path / "new.txt"
    said = ready("key", "rotate", "--words-file", sheet, "--new-words", "--out", out, "--yes", "--json")
    assert said.code == 0 and said.json["new_words"] == str(out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    fresh = decode_words(out.read_text())
    assert fresh != OWN and fake.orders[0].backup_public == backup_of(fresh)
    assert ID in out.read_text() and "ws://peer/inx/1" in out.read_text()
    assert ready("key", "check", "--words-file", out).out.startswith("These are the words in force")
    assert ready("key", "check", "--words-file", sheet, "--json").json["error"]["code"] == "older_words"
    again = ready("key", "rotate", "--words-file", out, "--new-words", "--out", out, "--yes", "--json")
    assert (again.code, again.json["error"]["code"]) == (4, "exists")
    assert decode_words(out.read_text()) == fresh
    missing = tmp_path / "none" / "new.txt"
    assert ready("key", "rotate", "--words-file", out, "--new-words", "--out", missing, "--yes").code == 3


def test_new_words_that_did_not_come_into_force(ready, fake, sheet, tmp_path):
    fake.fail = Problem("The disk is full.", code="disk")
    out = tmp_path / "new.txt"
    said = ready("key", "rotate", "--words-file", sheet, "--new-words", "--out", out, "--yes")
    assert said.code == 1 and "may not be in force" in said.err and out.exists()


def test_words_of_somebody_else(ready, fake, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text(" ".join(encode_words(bytes(32))))
    said = ready("key", "rotate", "--words-file", other, "--yes", "--json")
    assert (said.code, said.json["error"]["code"]) == (4, "other_words") and fake.orders == []
    other.write_text("x" * 70_000)
    assert ready("key", "check", "--words-file", other).code == 2
    assert ready("key", "check", "--words-file", tmp_path / "none.txt").code == 3
    assert ready("key", "check").code == 2


def test_peers_that_do_not_answer(ready, fake, sheet):
    fake.caught_up = False
    said = ready("key", "rotate", "--words-file", sheet, "--yes", "--wait", "1", "--json")
    assert (said.code, said.json["error"]["code"]) == (5, "catching_up")
    assert (
        "0 of 1 peer has answered" in said.err and "--wait" in said.err and "Nothing was changed" in said.err
    )
    fake.peers = 0
    said = ready("key", "rotate", "--words-file", sheet, "--yes")  # nobody to wait for
    assert said.code == 5 and "--wait" not in said.err


def test_a_person_sees_what_would_go(ready, fake, person):
    """Words by hidden prompt, with another try; then what would leave the log, then the question."""
    fake.disowned_count = 25
    person.answers += ["not words", " ".join(encode_words(OWN)), "n"]
    said = ready("key", "rotate", "--last", "5")
    assert said.code == 130 and fake.orders == []
    assert "25 entries leave your log" in said.out and "k3: Thing 3" in said.out and "and 5 more" in said.out
    assert encode_words(OWN)[3] not in said.out + said.err
    person.answers += [" ".join(encode_words(OWN)), "y"]
    said = ready("key", "rotate")
    assert said.code == 0 and "25 entries left your log" in said.out and len(fake.orders) == 1


def test_a_person_is_asked_two_new_words_back(ready, fake, person, sheet, tmp_path, monkeypatch):
    fresh = bytes(reversed(range(32)))
    monkeypatch.setattr(keys.SystemEntropy, "token", lambda self, size: fresh[:size])
    person.words = encode_words(fresh)
    person.answers += ["y"]
    out = tmp_path / "new.txt"
    said = ready("key", "rotate", "--words-file", sheet, "--new-words", "--out", out)
    assert said.code == 0, said.err
    assert sum("type word" in text for text in person.asked) == 2
    assert "Destroy the old ones" in said.out and person.words[0] not in said.out


def test_who_breaks_off_keeps_the_old_words_and_no_sheet_of_others(
    ready, fake, person, sheet, tmp_path, monkeypatch
):
    """A sheet of words that never came into force would be noticed when it is needed."""
    out = tmp_path / "new.txt"

    def broken_off(text, **options):
        raise asking.click.Abort

    monkeypatch.setattr(asking.click, "prompt", broken_off)
    person.answers += ["y"]
    said = ready("key", "rotate", "--words-file", sheet, "--new-words", "--out", out)
    assert said.code == 130 and fake.orders == []
    assert "old recovery words stay in force" in said.err and not out.exists()


def test_history_and_evidence(ready, fake, sheet):
    assert "never replaced" in ready("key", "history").out
    assert "Nothing left your log" in ready("key", "disowned").out
    fake.disowned_count = 2
    ready("key", "rotate", "--words-file", sheet, "--yes")
    said = ready("key", "history").out
    assert "left your log: 2 entries" in said and "Bob" in said and "not heard yet  ws://cy/inx/1" in said
    shown = ready("key", "disowned", "--epoch", "0").out
    assert "k1: Thing 1" in shown and "after the rotation" in shown
    assert len(ready("key", "disowned", "--json").json["items"]) == 2


def test_standing(ready, fake):
    assert "nothing has to be vouched for" in ready("standing").out
    fake.closed = 3
    assert "netnode standing --publish" in ready("standing").out
    assert "entry 9 vouches for them" in ready("standing", "--publish").out
    assert ready("standing", "--json").json["published"] == 9


def test_recover_refuses_before_it_asks(ready, home, sheet, tmp_path):
    peer = ("--peer", "ws://127.0.0.1:9/inx/1")
    assert ready("recover", "--id", ID, "--words-file", sheet, *peer).code == 4  # the home has a networker
    elsewhere = ("--home", tmp_path / "new")
    for options in (
        ("--id", "nx1nobody", *peer),
        ("--id", ID, "--peer", "http://nowhere"),
        ("--id", ID),
        ("--id", ID, *peer, "--new-words"),
        ("--id", ID, *peer, "--no-passphrase", "--passphrase-file", sheet),
        ("--id", ID, *peer, "--no-passphrase", "--yes"),  # no words, nobody to ask
        ("--id", ID, *peer, "--no-passphrase", "--words-file", sheet),  # nobody to confirm it
    ):
        assert ready("recover", *elsewhere, *options).code == 2, options
