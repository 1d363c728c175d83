"""Commands on mail, with and without a running node."""

from __future__ import annotations

import io

import pytest

from netnode.operations import models
from tests.netnode.cli.running import node_running
from tests.netnode.fake_services import ME, OTHER, TIME


@pytest.fixture(params=["offline", "running"])
def go(request, ready, runtime, home):
    """A command run on a home, with a node running on it or not."""
    if request.param == "offline":
        yield ready
    else:
        with node_running(home, runtime.services):
            yield ready


def test_send_ls_show(go):
    sent = go("mail", "send", OTHER, "--subject", "The lamp", "--text", "It left.", "--json").json
    assert sent == {
        "id": "out-1", "sender": ME, "to": OTHER, "name": None, "subject": "The lamp", "text": "It left.", "at": TIME,
        "re": None, "read": None, "delivery": {"state": "queued", "at": TIME, "code": None, "reason": None},
    }  # fmt: skip
    (listed,) = go("mail", "ls", "--json").json["items"]
    assert listed == sent | {"text": None}
    assert go("mail", "show", "out-1", "--json").json == sent
    again = go("mail", "send", OTHER, "--text", "x", "--re", "out-1", "--json").json
    assert (again["id"], again["re"]) == ("out-2", "out-1")
    assert go("mail", "ls", "--limit", "1", "--json").json["next"] is not None
    assert go("mail", "rm", "out-2", "--json").code == 0
    assert [each["id"] for each in go("mail", "ls", "--json").json["items"]] == ["out-1"]
    assert go("mail", "rm", "in-7").code == 3
    assert go("mail", "show", "in-7").code == 3
    assert go("mail", "show", "lamp").code == 2
    assert go("mail", "ls", "--box", "attic").code == 2


def test_a_text_comes_from_a_file_or_stdin(go, tmp_path, monkeypatch):
    (tmp_path / "letter.txt").write_text("Grüße\n")
    assert go("mail", "send", OTHER, "--file", "letter.txt", "--json").json["text"] == "Grüße\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"from a pipe")))
    assert go("mail", "send", OTHER, "--file", "-", "--json").json["text"] == "from a pipe"
    (tmp_path / "picture").write_bytes(b"\xff\xd8")
    for arguments, says in (
        (("--file", "picture"), "is not UTF-8 text"),
        (("--file", "nowhere"), "no such file"),
        (("--file", "letter.txt", "--text", "x"), "contradict each other"),
        (("--text", "x" * 10_001), "10,001 characters"),
        (("--subject", "s" * 151), "subject"),
    ):
        said = go("mail", "send", OTHER, *arguments)
        assert said.code in (2, 3) and says in said.err, arguments


def test_for_people(go, runtime):
    assert "No mail" in go("mail", "ls").out
    assert "out-1: queued" in go("mail", "send", OTHER, "--subject", "The lamp").out
    mails = runtime.services.mail.mails
    late = models.Delivery(state="queued", at=TIME, code="not_here", reason="their node\x1b does not answer")
    mails[0] = models.Mail(
        id="out-1", sender=ME, to=OTHER, name="Ben", subject="a\nb", text="one\ntwo", at=TIME, delivery=late
    )
    mails.append(
        models.Mail(id="in-1", sender=OTHER, to=ME, subject="", text="back", at=TIME, re="out-1", read=False)
    )
    shown = go("mail", "ls").out
    assert (
        "their node  does not answer" in shown and "to Ben" in shown and "from " in shown and "new" in shown
    )
    assert "\x1b" not in shown
    one = go("mail", "show", "out-1").out
    assert "one\ntwo" in one and "subject: a b" in one
    assert "answers: out-1" in go("mail", "show", "in-1").out
    mails[0] = models.Mail(
        id="out-1",
        sender=ME,
        to=OTHER,
        subject="",
        at=TIME,
        delivery=models.Delivery(state="at_mailbox", at=TIME),
    )
    assert "at mailbox" in go("mail", "ls").out
