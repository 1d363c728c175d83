"""`netnode conformance` as people and programs run it, against our own node and against what is no node."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netnode.conformance.checking import CLASSES, EVERYBODY, Broken, Check
from netnode.conformance.checks import ALL
from netnode.conformance.owners import read_owner
from netnode.conformance.reporting import document, read_expected
from netnode.conformance.running import Result
from netnode.conformance.target import read_target
from netnode.conformance.unobservable import UNOBSERVABLE
from netnode.problems import Problem
from netnode.testing import PROGRAM, Mesh, Node, command
from tests.broken.judging import SETTINGS, judged, offer

UNASKED = {"C1-97", "C3-15", "C3-24"}
"""Checks of what a peer on the same computer is not asked for: a stamp."""
SPEC = Path(__file__).resolve().parents[2] / "SPEC.md"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("market")
    with Mesh(folder, SETTINGS) as mesh:
        ada = mesh.start("ada")
        offer(ada, folder)
        yield ada


# -- the checks themselves -------------------------------------------------------------------------------------


def test_ids_are_stable_and_classes_known() -> None:
    ids = [check.id for check in ALL]
    assert len(set(ids)) == len(ids)
    assert {check.klass for check in ALL} == {"C1", "C2", "C3", "C4"} < set(CLASSES)
    assert all(re.fullmatch(r"C\d-\d{2,3}", id_) for id_ in ids)
    assert all(set(check.roles) <= set(EVERYBODY) for check in ALL)


def test_every_requirement_is_covered_or_excused() -> None:
    defined = set(re.findall(r"\*\*\[(R-[A-Z0-9]+-\d+)\]\*\*", SPEC.read_text(encoding="utf-8")))
    covered = {id_ for check in ALL for id_ in check.ids}
    assert covered <= defined and set(UNOBSERVABLE) <= defined
    assert not covered & set(UNOBSERVABLE)
    assert covered | set(UNOBSERVABLE) == defined


# -- against our node ------------------------------------------------------------------------------------------


@pytest.mark.timeout(300)
async def test_our_node_passes(node: Node) -> None:
    """Also the checks that wait for time-outs, beside the others: it ends what stalls."""
    results = await judged(node, ALL)
    assert [each.check for each in results] == list(ALL)
    wrong = [
        f"{each.check.id} {each.check.sentence}: {each.detail}"
        for each in results
        if each.verdict == "failed"
    ]
    assert not wrong, "\n".join(wrong)
    assert {each.check.id for each in results if each.verdict == "skipped"} == UNASKED


def test_the_document(node: Node) -> None:
    result = command("conformance", node.peer, "--only", "C1-20,C2-10", "--json")
    assert result.code == 0, result
    report = result.json
    assert (report["passed"], report["failed"]) == (2, 0)
    assert [row["id"] for row in report["results"]] == ["C1-20", "C2-10"]
    row = report["results"][0]
    assert row["class"] == "C1" and row["requirements"] == ["R-CERT-2"] and row["verdict"] == "passed"
    assert row["detail"] == "" and "hub" in row["roles"] and row["sentence"]


def test_a_person_reads_counts(node: Node) -> None:
    result = command("conformance", node.ask("invite")["uri"], "--only", "C1-20,C1-97")
    assert result.code == 0, result
    assert "1 passed, 0 failed, 1 skipped." in result.out and "C1-97" in result.out
    assert node.id in result.err


def test_an_unexpected_pass_is_told(node: Node, tmp_path: Path) -> None:
    expected = tmp_path / "expected.txt"
    expected.write_text("# known\n\nC1-20  # an old clock\n")
    report = command("conformance", node.peer, "--only", "C1-20", "--xfail", expected, "--json").json
    assert report["unexpected"] == ["C1-20"] and report["failed"] == 0
    assert report["results"][0]["verdict"] == "unexpected"


def test_one_class(node: Node) -> None:
    report = command("conformance", node.peer, "--class", "C1", "--json").json
    assert [row["id"] for row in report["results"]] == [check.id for check in ALL if check.klass == "C1"]
    skipped = {row["id"] for row in report["results"] if row["verdict"] == "skipped"}
    assert report["failed"] == 0 and skipped == {"C1-97"}


def test_a_command_acts_for_the_owner(node: Node) -> None:
    """Every step an owner is asked for, by the program itself."""
    owner = shlex.join(("env", f"NETNODE_HOME={node.home}", *PROGRAM, "deal"))
    only = "C3-61,C3-62,C3-97"
    report = command("conformance", node.peer, "--only", only, "--owner", owner, "--json").json
    assert [(row["id"], row["verdict"]) for row in report["results"]] == [
        ("C3-61", "passed"), ("C3-62", "passed"), ("C3-97", "skipped"),
    ], "following is no move in a deal"  # fmt: skip


def test_whole_deals_need_somebody_who_acts_for_the_owner(node: Node) -> None:
    [row] = command("conformance", node.peer, "--only", "C3-61", "--json").json["results"]
    assert row["verdict"] == "skipped" and "--owner" in row["detail"]


async def test_an_owner_behind_a_command() -> None:
    deal = bytes(range(32))
    script = 'test "$0 $1" = "fulfil ' + deal.hex() + '" || { echo "not $0" >&2; exit 4; }'
    owner = read_owner(shlex.join(("sh", "-c", script)))
    assert await owner.act("fulfil", deal) == ""
    assert await owner.act("accept", deal) == "not accept"
    assert await read_owner("false").act("accept", deal) == "it ended with 1"
    with pytest.raises(Broken, match="cannot be run"):
        await read_owner("/nowhere/at-all").act("accept", deal)


def test_the_list() -> None:
    listed = command("conformance", "--list", "--json").json
    assert [row["id"] for row in listed] == [check.id for check in ALL]
    assert "C1-20" in command("conformance", "--list", "--class", "C1").out


# -- what a person can get wrong -------------------------------------------------------------------------------


def _code(*arguments: object) -> tuple[int, str]:
    result = command("conformance", *arguments)
    return result.code, result.sentence


def test_what_is_no_node(node: Node) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    code, said = _code(f"ws://127.0.0.1:{port}")
    assert code == 5 and "Cannot connect" in said
    code, said = _code(node.peer.removesuffix("/inx/1") + "/nothing/here")
    assert code == 5 and "no INX node" in said
    code, said = _code(node.peer, "--network", "another")
    assert code == 4 and "--network" in said


async def test_what_answers_and_says_nothing_of_inx() -> None:
    async def junk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(junk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        code, said = await asyncio.to_thread(_code, f"ws://127.0.0.1:{port}")
    assert code == 5 and "no INX node" in said


def test_another_networker_than_the_link_names(node: Node) -> None:
    other = "nx1g6haqhh9lp5h95w84ysf3r3z6t9hf95sgtzfj0wzrunujeglsy9sadkv87"
    code, said = _code(f"inx:{other}?a={node.peer}")
    assert code == 4 and "Another networker" in said


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("http://127.0.0.1:1",),
        ("ws://",),
        ("ws://127.0.0.1:99999",),
        ("inx:nx1abc",),
        ("inx:nx1g6haqhh9lp5h95w84ysf3r3z6t9hf95sgtzfj0wzrunujeglsy9sadkv87",),
        ("ws://127.0.0.1:1", "--class", "C9"),
        ("ws://127.0.0.1:1", "--only", "C1-999"),
        ("--class", "C0"),
        ("ws://127.0.0.1:1", "--owner", ""),
        ("ws://127.0.0.1:1", "--owner", "netnode 'deal"),
    ],
)
def test_usage(arguments: tuple[str, ...]) -> None:
    code, said = _code(*arguments)
    assert code == 2, said


def test_expected_failures_that_name_no_check(tmp_path: Path) -> None:
    code, said = _code("ws://127.0.0.1:1", "--xfail", tmp_path / "none.txt")
    assert code == 3 and "none.txt" in said
    (tmp_path / "wrong.txt").write_text("C1-20\nC7-01 # nonsense\n")
    code, said = _code("ws://127.0.0.1:1", "--xfail", tmp_path / "wrong.txt")
    assert code == 2 and "Line 2" in said


def test_vectors_by_the_command() -> None:
    report = command(
        "conformance", "--class", "C0", "--vectors", SPEC.parent / "tests" / "vectors", "--json"
    ).json
    assert report["failed"] == 0 and report["passed"] > 20


# -- reports ---------------------------------------------------------------------------------------------------


def test_expected_failures_do_not_count() -> None:
    one, two, three = ALL[:3]
    results = [Result(one, "failed", "x"), Result(two, "failed", "y"), Result(three, "skipped", "z")]
    expected = read_expected(f"{one.id} # known\n{three.id}\n", ALL)
    report: dict[str, Any] = document(results, expected)
    assert [row["verdict"] for row in report["results"]] == ["expected", "failed", "skipped"]
    assert (report["passed"], report["failed"], report["expected"], report["skipped"]) == (0, 1, 1, 1)
    assert json.dumps(report)


def test_checks_have_an_order() -> None:
    async def nothing(_: object) -> None:
        """Never run."""

    checks = [Check(id_, "R-LOG-1", EVERYBODY, "x", nothing) for id_ in ("C2-100", "C2-20", "C1-99")]
    assert [check.id for check in sorted(checks, key=lambda each: each.order)] == ["C1-99", "C2-20", "C2-100"]


def test_targets() -> None:
    assert read_target("ws://127.0.0.1:4747").path == "/inx/1"
    assert read_target("wss://example.org/deep/inx/1?x=1").path == "/deep/inx/1?x=1"
    assert read_target("wss://example.org").port == 443
    assert read_target("ws://[::1]:4747/inx/1").loopback and not read_target("ws://10.0.0.1:1").loopback
    with pytest.raises(Problem):
        read_target("ws://x:y")
