"""Mail between real processes: sender, host and recipient are killed at any moment, nothing is lost or doubled."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest

from netnode.problems import ExitCode, Problem
from netnode.testing import Mesh, Node, wait_until

PATIENCE = 90.0  # seconds; why: a killed node is dialled again after a minute at the latest


def mails(node: Node, box: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = node.api.get("/mail", box=box, limit=500, **cursor)
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


class Writer:
    """Sends mails until the node is gone; remembers what it was told is sent."""

    def __init__(self, node: Node, to: str, prefix: str) -> None:
        self.node, self.to, self.prefix = node, to, prefix
        self.sent: dict[str, str] = {}
        self.enough = False
        self.thread = threading.Thread(target=self._write)
        self.thread.start()

    def _write(self) -> None:
        number = 0
        try:
            while not self.enough:
                subject = f"{self.prefix} {number}"
                draft = {"to": self.to, "subject": subject, "text": "x" * (number * 97 % 2_000)}
                self.sent[self.node.api.post("/mail/send", draft)["id"]] = subject
                number += 1
        except Problem as problem:
            if problem.exit_code is not ExitCode.UNREACHABLE:
                raise

    def end(self) -> dict[str, str]:
        self.enough = True
        self.thread.join()
        return self.sent


def meet(mesh: Mesh) -> list[Node]:
    """Sender, recipient and host, who know each other's addresses and keys; the recipient names the host."""
    ada, ben, hub = mesh.start_all("ada", "ben", "hub", settings={"mailbox": "all"})
    for one, other in ((ada, ben), (ada, hub), (ben, hub)):
        one.api.post("/peers/add", {"uri": other.peer})
        other.api.post("/peers/add", {"uri": one.peer})
    ben.ask("profile", "edit", "--name", "ben", "--mailbox", hub.id)
    ada.ask("profile", "edit", "--name", "ada", "--mailbox", hub.id)
    first = ada.api.post("/mail/send", {"to": ben.id, "subject": "first"})["id"]
    wait_until(lambda: state(ada, first) == "delivered", "the first mail is delivered", PATIENCE)
    back = ben.api.post("/mail/send", {"to": ada.id, "subject": "back"})["id"]
    wait_until(lambda: state(ben, back) == "delivered", "an answer is delivered", PATIENCE)
    return [ada, ben, hub]


def state(node: Node, name: str) -> str:
    return str(node.api.post("/mail/show", {"id": name})["delivery"]["state"])


@pytest.mark.parametrize("rounds", [6])
def test_kills_lose_and_double_no_mail(mesh: Mesh, rounds: int) -> None:
    ada, ben, hub = meet(mesh)
    drawn = random.Random(20)
    sent: dict[str, str] = {"out-1": "first"}
    for number in range(rounds):
        away = drawn.random() < 0.5  # then it goes by the mailbox
        if away:
            ben.end()
        writer = Writer(ada, ben.id, f"round {number}")
        wanted = drawn.randrange(3, 25)
        wait_until(lambda: len(writer.sent) >= wanted, "it writes")  # noqa: B023 - looked at here only
        victim = drawn.choice([each for each in (ada, ben, hub) if each.running])
        victim.kill()
        if victim is not ada:
            wanted += drawn.randrange(10)
            wait_until(lambda: len(writer.sent) >= wanted, "it goes on")  # noqa: B023
        sent |= writer.end()
        for node in (ada, ben, hub):
            if not node.running:
                mesh.restart(node, same_port=True)
    settled: set[str] = set()

    def arrived() -> bool:
        settled.update(mail["id"] for mail in mails(ada, "out") if mail["delivery"]["state"] == "delivered")
        return set(sent) <= settled

    wait_until(arrived, "all mails are delivered", PATIENCE)
    wait_until(lambda: ben.status().mail.incoming == 0, "all mails are looked into", PATIENCE)
    got = [mail["subject"] for mail in mails(ben, "in")]
    assert len(got) == len(set(got))
    assert set(sent.values()) <= set(got)
    assert ben.ask("mail", "ls", "--box", "in", "--limit", "2")["items"][0]["read"] is False


def test_a_mail_from_the_command_line(mesh: Mesh) -> None:
    ada, ben, _ = meet(mesh)
    letter = mesh.folder / "letter.txt"
    letter.write_text("It leaves today.\n\nAda")
    sent = ada.ask("mail", "send", ben.id, "--subject", "Your lamp", "--file", letter)
    assert (sent["to"], sent["subject"]) == (ben.id, "Your lamp")
    wait_until(lambda: state(ada, sent["id"]) == "delivered", "it is delivered", PATIENCE)
    wait_until(
        lambda: "Your lamp" in {mail["subject"] for mail in mails(ben, "in")}, "it is listed", PATIENCE
    )
    mail = next(each for each in ben.ask("mail", "ls")["items"] if each["subject"] == "Your lamp")
    shown = ben.run("mail", "show", mail["id"])
    assert "It leaves today." in shown.out and "Ada" in shown.out
    answer = ben.ask("mail", "send", ada.id, "--re", mail["id"], "--text", "Thanks")
    assert answer["re"] == mail["id"]
    ada.end()
    offline = ada.ask("mail", "send", ben.id, "--text", "while off")  # it waits for the node
    assert offline["delivery"]["state"] == "queued"
    for arguments, code in (
        (("mail", "send", ben.id), "empty"),
        (("mail", "send", ada.id, "--text", "x"), "own"),
        (("mail", "send", ben.id, "--text", "x" * 10_001), "too_large"),
        (("mail", "send", ben.id, "--text", "x", "--file", letter), "usage"),
        (("mail", "show", "in-99"), "no_mail"),
        (("mail", "send", ben.id, "--text", "x", "--re", "in-99"), "no_mail"),
    ):
        said = ada.run(*arguments, "--json")
        assert said.json["error"]["code"] == code, arguments
        assert "Traceback" not in said.err
