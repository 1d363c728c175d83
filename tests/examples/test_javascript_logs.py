"""The JavaScript example against a peer that serves what the test wants: odd logs, and attacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from protocol import messages
from protocol.entry import Entry
from protocol.identity import id_text
from protocol.items import Item, Standing
from protocol.kinds import encode_record
from protocol.messages import Body
from protocol.records import Close, Listing, Price, Profile, Withdraw
from protocol.run import Run
from protocol.session import Arrived
from tests.examples.nodejs import Ended, listed
from tests.examples.peer import Peer, Served, serving
from tests.protocol.author import NETWORK, Author

SALT = bytes(16)


def offer(author: Author, *keys: str, **fields: Any) -> None:
    """Appends listings."""
    for key in keys:
        record = Listing(salt=SALT, key=key, kind="product", title=f"Title of {key}", **fields)
        author.entries.append(author.after(author.entries[-1], 3, encode_record(record)))


def seller(name: str = "seller") -> Author:
    author = Author(name)
    record = Profile(salt=SALT, name=f"Shop of {name}")
    author.entries.append(author.after(author.entries[-1], 1, encode_record(record)))
    return author


def openers(author: Author) -> list[Entry]:
    return [entry for entry in author.entries if entry.is_opener]


def served(author: Author, first: int = 0) -> Served:
    return Served(author.entries[first:], openers(author))


async def visit(peer: Peer, *arguments: str) -> Ended:
    async with serving(peer):
        return await listed(
            f"inx:{id_text(peer.owner.id)}?a={peer.address}", "--json", "--network", NETWORK, *arguments
        )


def keys(found: Any) -> list[str]:
    return [item["ref"].partition("/")[2] for item in found["items"]]


async def test_many_logs_in_pages() -> None:
    sellers = [seller(f"seller {number}") for number in range(7)]
    for author in sellers:
        offer(author, "one", "two", price=Price(amount=1250, currency="EUR"))
    found = (await visit(Peer([served(author) for author in sellers], page=3))).json()
    assert (found["logs"], found["entries"], found["skipped"]) == (7, 28, [])
    assert sorted({item["seller_name"] for item in found["items"]}) == sorted(
        f"Shop of {author.name}" for author in sellers
    )
    assert all(
        item["price"] == {"amount": "12.50", "minor": 1250, "currency": "EUR"} for item in found["items"]
    )


async def test_rotations_settlements_and_answers_in_parts() -> None:
    author = seller()
    offer(author, "before")
    author.write(140)
    author.rotate()
    offer(author, "between")
    author.settle()
    author.write(70)
    offer(author, "after")
    peer = Peer([served(author)], portion=64)
    found = (await visit(peer)).json()
    assert keys(found) == ["before", "between", "after"]
    assert found["entries"] == len(author.entries)
    assert sum(isinstance(body, messages.Get) for body in peer.heard) == len(author.entries) // 64 + 1


async def test_a_log_held_from_above() -> None:
    author = seller()
    offer(author, "gone")
    author.rotate()
    author.write(3)
    offer(author, "here")
    first = len(author.entries) - 2
    found = (await visit(Peer([served(author, first)]))).json()
    assert (keys(found), found["entries"], found["skipped"]) == (["here"], 2, [])


async def test_effects() -> None:
    author = seller()
    offer(author, "a", "b", "c")
    offer(author, "expired", expires=1)
    author.entries.append(author.after(author.entries[-1], 5, encode_record(Withdraw(salt=SALT, key="a"))))
    offer(author, "b", price=Price(amount=1000, currency="JPY"))
    author.entries.append(author.after(author.entries[-1], 3, b"\x80"))  # malformed: void
    author.entries.append(author.after(author.entries[-1], 99, b"\x80"))  # an unknown odd kind
    author.entries.append(author.after(author.entries[-1], 100, b"\x80"))  # an unknown even kind
    found = (await visit(Peer([served(author)]))).json()
    assert {item["ref"].partition("/")[2]: item["price"] for item in found["items"]} == {
        "b": {"amount": "1000", "minor": 1000, "currency": "JPY"},
        "c": None,
    }


async def test_a_closed_log_offers_nothing() -> None:
    author = seller()
    offer(author, "a")
    author.entries.append(author.after(author.entries[-1], 6, encode_record(Close())))
    found = (await visit(Peer([served(author)]))).json()
    assert (found["items"], found["logs"]) == ([], 1)


async def test_forked_and_contested_logs_are_named_not_shown() -> None:
    forked, contested, two = seller("forked"), seller("contested"), seller("two")
    for author in (forked, contested, two):
        offer(author, "a")
    rotations = [contested.rotation(contested.entries[-1], generation=number)[0] for number in (1, 2)]
    # `two` is told as a plain log, but its openers show two settlements of one term
    settlements = [two.settlement(two.entries[-1], branches=two.entries[:number]) for number in (0, 1)]
    peer = Peer(
        [
            Served(forked.entries, (), Item(Standing.FORKED, forked.id, 0, 0)),
            Served([*contested.entries, rotations[0]], [contested.entries[0], *rotations]),
            Served([*two.entries, settlements[0]], [two.entries[0], *settlements]),
        ]
    )
    found = (await visit(peer)).json()
    assert {each["seller"]: each["code"] for each in found["skipped"]} == {
        id_text(forked.id): "forked",
        id_text(contested.id): "contested",
        id_text(two.id): "forked",
    }
    assert found["items"] == []


async def test_a_log_below_its_newest_opener_is_not_shown() -> None:
    author = seller()
    offer(author, "a")
    head = author.entries[-1]
    below = list(author.entries)
    author.rotate()
    told = Item(Standing.HEAD, author.id, 1, 0, head.seq, head.id)
    found = (await visit(Peer([Served(below, openers(author), told)]))).json()
    assert found["skipped"] == [{"seller": id_text(author.id), "code": "stale"}]


async def test_a_log_that_changes_while_it_is_read_is_read_again() -> None:
    author = seller()
    offer(author, "a", "b", "c", "d")
    old = list(author.entries)
    author.settle(at=-3)
    offer(author, "e", "f", "g")
    log = Served(old, [], None)
    peer = Peer([log], portion=4)

    def change(body: Body) -> Body:
        if isinstance(body, messages.Runs) and body.left:
            log.entries, log.openers = author.entries, openers(author)
        return body

    peer.tamper = change
    found = (await visit(peer)).json()
    assert keys(found) == ["a", "b", "e"]  # up to the seq that was told


# -- attacks: each ends the session with its code, which the peer is told ------------------------------------------
def _signature(run: Run) -> Run:
    time, kind, signature, record = run.entries[-1]
    return msgspec.structs.replace(
        run, entries=[*run.entries[:-1], (time, kind, bytes([signature[0] ^ 1]) + signature[1:], record)]
    )


def _record(run: Run) -> Run:
    time, kind, signature, record = run.entries[2]
    assert isinstance(record, bytes)
    entries = list(run.entries)
    entries[2] = (time, kind, signature, record.replace(b"Title", b"Tit1e"))
    return msgspec.structs.replace(run, entries=entries)


def _id(run: Run) -> Run:
    time, kind, signature, record = run.entries[0]
    assert isinstance(record, bytes)
    return msgspec.structs.replace(
        run, entries=[(time, kind, signature, record[:-1] + b"\0"), *run.entries[1:]]
    )


def _kept_back(run: Run) -> Run:
    time, kind, signature, record = run.entries[0]
    assert isinstance(record, bytes)
    return msgspec.structs.replace(
        run, entries=[(time, kind, signature, [bytes(32), len(record)]), *run.entries[1:]]
    )


def _back_dated(run: Run) -> Run:
    _time, kind, signature, record = run.entries[-1]
    return msgspec.structs.replace(run, entries=[*run.entries[:-1], (0, kind, signature, record)])


def _gap(run: Run) -> Run:
    return msgspec.structs.replace(run, first=run.first + 1)


@pytest.mark.parametrize(
    ("alter", "code"),
    [
        (_signature, "signature"),
        (_record, "signature"),
        (_id, "opener"),
        (_kept_back, "record_missing"),
        (_back_dated, "time_order"),
        (_gap, "opener"),
    ],
)
async def test_altered_runs_are_refused(alter: Callable[[Any], Any], code: str) -> None:
    author = seller()
    offer(author, "a", "b")

    def tamper(body: Body) -> Body:
        if isinstance(body, messages.Runs):
            return msgspec.structs.replace(body, runs=[alter(run) for run in body.runs])
        return body

    peer = Peer([served(author)], tamper=tamper)
    ended = await visit(peer)
    assert (ended.code, ended.out) == (1, "")
    assert f"({code})" in ended.err
    assert isinstance(peer.heard[-1], messages.Bye)
    assert peer.heard[-1].code == code


def _same_page_again(body: Body) -> Body:
    return msgspec.structs.replace(body, more=True) if isinstance(body, messages.Items) else body


def _bad_item(body: Body) -> Body:
    return msgspec.structs.replace(body, items=[[9]]) if isinstance(body, messages.Items) else body


def _brings_nothing(body: Body) -> Body:
    if isinstance(body, messages.Runs) and not body.more:
        return messages.Runs(left=[(bytes(32), 0, 1)])
    return body


def _another_answer(body: Body) -> Body:
    return messages.Ids(ids=[]) if isinstance(body, messages.Items) else body


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (_bad_item, "bad_message"),
        (_brings_nothing, "answer"),
        (_another_answer, "answer"),
    ],
)
async def test_peers_that_break_the_rules_of_messages_are_left(
    tamper: Callable[[Body], Body], code: str
) -> None:
    author = seller()
    offer(author, "a")
    peer = Peer([served(author)], tamper=tamper)
    ended = await visit(peer)
    assert ended.code == 1
    assert f"({code})" in ended.err
    assert isinstance(peer.heard[-1], messages.Bye)
    assert peer.heard[-1].code == code


def _size(body: Body) -> int:
    return sum(len(run.entries) for run in body.runs) if isinstance(body, messages.Runs) else 0


@pytest.mark.parametrize("question", [messages.Get, messages.AskOpeners])
async def test_answers_that_never_end_are_left(question: type[Body]) -> None:
    author = seller()
    author.rotate()
    offer(author, *[f"key {number}" for number in range(200)])

    class Flood(Peer):
        def answers(self, asked: Arrived) -> Sequence[Body]:
            answers = super().answers(asked)
            if isinstance(asked.body, question):
                return [msgspec.structs.replace(max(answers, key=_size), more=True)] * 400
            return answers

    peer = Flood([served(author)])
    ended = await visit(peer)
    assert "(answer)" in ended.err


async def test_heads_that_never_end_are_left() -> None:
    author = seller()
    peer = Peer([served(author)], tamper=_same_page_again)
    peer.heads = lambda question: messages.Items(items=[peer.logs[0].told().wire()])  # type: ignore[method-assign]
    ended = await visit(peer)
    assert "(answer)" in ended.err


async def test_another_networker_than_expected() -> None:
    peer = Peer()
    async with serving(peer):
        stranger = id_text(Author("somebody else").id)
        ended = await listed(f"inx:{stranger}?a={peer.address}", "--network", NETWORK)
    assert ended.code == 1
    assert "wrong_id" in ended.err
    assert peer.heard == []


async def test_another_network() -> None:
    peer = Peer()
    async with serving(peer):
        ended = await listed(peer.address, "--network", "other")
    assert ended.code == 1
    assert "(handshake)" in ended.err


async def test_a_retired_key_certifies_nothing() -> None:
    peer = Peer()
    peer.owner.signer = Author("a thief").signer
    async with serving(peer):
        ended = await listed(peer.address, "--network", NETWORK)
    assert "(certificate)" in ended.err


async def test_questions_are_answered() -> None:
    questions: Sequence[Body] = [
        messages.Heads(after=None, limit=10),
        messages.Changes(cursor=[bytes(16), 0, bytes(8)], limit=10),
        messages.Get(budget=1000, wants=[(bytes(32), 0, 1)]),
        messages.AskOpeners(authors=[bytes(32)]),
        messages.Fetch(chunk=0, hash=bytes(32)),
    ]
    author = seller()
    peer = Peer([served(author)], questions=questions)
    assert (await visit(peer)).code == 0
    heard = [
        body for body in peer.heard if isinstance(body, messages.Items | messages.Runs | messages.Refuse)
    ]
    assert [type(body) for body in heard] == [
        messages.Items,
        messages.Refuse,
        messages.Runs,
        messages.Runs,
        messages.Refuse,
    ]
    assert [body.code for body in heard if isinstance(body, messages.Refuse)] == ["cursor", "not_here"]
    assert isinstance(peer.heard[0], messages.Interest) or peer.heard[0].items == []  # type: ignore[attr-defined]
    assert isinstance(peer.heard[-1], messages.Bye)
    assert peer.heard[-1].code == ""


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ((), 2, "usage"),
        (("ws://127.0.0.1:9/inx/1", "another"), 2, "usage"),
        (("http://127.0.0.1:9/",), 2, "bad_uri"),
        (("inx:nx1qqqqqqqqq",), 2, "encoding"),
        (("inx:nx1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0shyws3x",), 2, "bad_uri"),
    ],
)
async def test_wrong_usage_is_a_sentence(arguments: tuple[str, ...], code: int, text: str) -> None:
    first, *rest = arguments or ("--json",)
    ended = await listed(first, *rest)
    assert (ended.code, ended.out) == (code, "")
    assert text in ended.err
    assert len(ended.err.splitlines()) == 1
