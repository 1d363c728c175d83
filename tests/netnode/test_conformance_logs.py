"""A real node and the codec of `netnode.conformance` judge the same chains: same head, same fault or none."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from netnode.conformance import signatures
from netnode.conformance.encoding import encode
from netnode.conformance.entries import NOTHING, Entry, Header, write_entry
from netnode.conformance.faults import ENDING
from netnode.conformance.log import Log, stretches
from netnode.conformance.messages import Message
from netnode.conformance.runs import chains, read_run, write_run
from netnode.conformance.tags import networker_id, promise, sha256
from netnode.testing import Mesh, Node
from tests.netnode.test_conformance_live import NETWORK, Peer, dialled, left

SETTLE_SECONDS: Final = 10.0
BEGAN: Final = 1_700_000_000_000


class Author:
    """Writes branches of one log, right and wrong ones."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed).randbytes
        self.promised = {epoch: self.draw(32) for epoch in range(1, 5)}
        key = self.draw(32)
        self.inception_record = encode({
            "key": signatures.public(key),
            "nonce": self.draw(16),
            "promise": promise(NETWORK, signatures.public(self.promised[1])),
        })  # fmt: skip
        self.id = networker_id(NETWORK, self.inception_record)
        self.keys: dict[bytes, bytes] = {}
        self.first = self._write(None, 0, self.inception_record, key, key, (0, 0), 0)

    def _write(
        self,
        below: Entry | None,
        kind: int,
        record: bytes,
        signs: bytes,
        key: bytes,
        place: tuple[int, int],
        later: int,
    ) -> Entry:
        seq, prev, date = (
            (0, NOTHING, BEGAN) if below is None else (below.seq + 1, below.id, below.header.time)
        )
        header = Header(
            1, self.id, seq, prev, *place, date + later, kind, sha256(record), len(record)
        )  # fmt: skip
        entry = write_entry(NETWORK, signs, header, record)
        self.keys[entry.id] = key
        return entry

    def inception(self) -> Entry:
        """Another header for the same record. [R-LOG-25]"""
        key = self.keys[self.first.id]
        return self._write(None, 0, self.inception_record, key, key, (0, 0), 3)

    def entry(self, below: Entry, *, kind: int = 1, later: int = 1, unsigned: bool = False) -> Entry:
        record = encode({"$": self.draw(16), "name": "x"})
        key = self.keys[below.id]
        entry = self._write(below, kind, record, key, key, below.place, later)
        if unsigned:
            entry = Entry(entry.header, entry.header_bytes, self.draw(64), record)
            self.keys[entry.id] = key
        return entry

    def entries(self, below: Entry, count: int) -> list[Entry]:
        found: list[Entry] = []
        for _ in range(count):
            below = self.entry(below)
            found.append(below)
        return found

    def settlement(self, below: Entry, *, later: int = 1) -> Entry:
        key, (epoch, term) = self.keys[below.id], below.place
        return self._write(below, 4, encode({"branches": []}), key, key, (epoch, term + 1), later)

    def rotation(self, below: Entry, *, other_promise: bool = False) -> Entry:
        key, epoch = self.draw(32), below.header.epoch + 1
        promised = self.draw(32) if other_promise else self.promised[epoch + 1]
        record = encode({
            "key": signatures.public(key),
            "promise": promise(NETWORK, signatures.public(promised)),
            "reveal": signatures.public(self.promised[epoch]),
        })  # fmt: skip
        return self._write(below, 2, record, self.promised[epoch], key, (epoch, 0), 1)


Chains = list[list[Entry]]
Case = Callable[[Author], Chains]


def second_settlement_twice(a: Author) -> Chains:
    x = a.entries(a.first, 2)
    one, other = a.settlement(x[-1]), a.settlement(x[-1], later=2)
    return [[a.first, *x, one], [other], [other], [*x, other, *a.entries(other, 2)]]


def second_rotation_and_its_entries(a: Author) -> Chains:
    x = a.entries(a.first, 2)
    one, other = a.rotation(x[-1]), a.rotation(x[-1])
    y = a.entries(other, 2)
    return [[a.first, *x, one], [*x, other, *y], [*x, other, *y]]


def branches_of_two_inceptions(a: Author) -> Chains:
    other = a.inception()
    return [[a.first, *a.entries(a.first, 2)], [other, *a.entries(other, 2)]]


def second_inception_twice(a: Author) -> Chains:
    other = a.inception()
    return [[a.first], [other], [other], [other, *a.entries(other, 2)]]


def other_branch_and_its_rotation(a: Author) -> Chains:
    x = a.entries(a.first, 5)
    y = a.entries(x[1], 2)
    return [[a.first, *x], [a.first, *x[:2], *y, a.rotation(y[-1])]]


def gap_and_a_rotation(a: Author) -> Chains:
    x = a.entries(a.first, 8)
    return [[a.first, *x[:2]], [*x[4:], a.rotation(x[-1])]]


def gap_and_two_openers(a: Author) -> Chains:
    x = a.entries(a.first, 8)
    rotation = a.rotation(x[-1])
    y = a.entry(rotation)
    return [[a.first, *x[:2]], [*x[4:], rotation, y, a.settlement(y)]]


def back_dated_settlement(a: Author) -> Chains:
    x = a.entries(a.first, 3)
    return [[a.first, *x, a.settlement(x[-1], later=-1)]]


def back_dated_entry_above_a_hole(a: Author) -> Chains:
    x = a.entries(a.first, 5)
    rotation = a.rotation(x[-1])
    y = a.entry(rotation)
    return [[a.first, *x[:2]], [rotation, y, a.entry(y, later=-1)]]


def hole_and_a_chain_into_what_is_disowned(a: Author) -> Chains:
    x = a.entries(a.first, 5)
    return [[a.first], [a.rotation(x[2])], [a.first, *x], [a.first, *x[:3]]]


def hole_and_a_chain_with_a_bad_end(a: Author) -> Chains:
    x = a.entries(a.first, 3)
    rotation = a.rotation(x[-1])
    return [[a.first], [rotation], [a.first, *x, rotation, a.entry(rotation, unsigned=True)]]


def after_a_close(a: Author) -> Chains:
    close = a.entry(a.entry(a.first), kind=6)
    return [[a.first, a.entry(a.first)], [a.first, a.entry(a.first), close, a.entry(close)]]


def settlements_of_closed_terms(a: Author) -> Chains:
    x = a.entries(a.first, 3)
    one = a.settlement(x[-1])
    two = a.settlement(one)
    rotation = a.rotation(two)
    return [[a.first], [rotation], [a.first, *x, one, two, rotation]]


def third_opener_with_another_promise(a: Author) -> Chains:
    x = a.entries(a.first, 3)
    return [[a.first, *x, a.rotation(x[-1])], [a.rotation(x[1])], [a.rotation(x[0], other_promise=True)]]


def rotation_on_what_was_set_aside(a: Author) -> Chains:
    x = a.entries(a.first, 4)
    settlement = a.settlement(x[-1])
    return [[a.first, *x], [settlement], [a.rotation(x[1])]]


def unsigned_tail_below_a_known_rotation(a: Author) -> Chains:
    x = a.entries(a.first, 4)
    tail = a.entry(x[-1], unsigned=True)
    rotation = a.rotation(tail)
    return [[a.first, *x], [rotation], [*x, tail, rotation, a.entry(rotation)]]


def fork_healed_on_the_other_branch(a: Author) -> Chains:
    x = a.entries(a.first, 4)
    y = a.entries(x[1], 2)
    return [[a.first, *x], y, [a.settlement(y[-1])], [*x[:2], *y]]


CASES: Final[tuple[Case, ...]] = (
    second_rotation_and_its_entries,
    branches_of_two_inceptions,
    other_branch_and_its_rotation,
    gap_and_a_rotation,
    hole_and_a_chain_into_what_is_disowned,
    hole_and_a_chain_with_a_bad_end,
    after_a_close,
    settlements_of_closed_terms,
    third_opener_with_another_promise,
    rotation_on_what_was_set_aside,
    unsigned_tail_below_a_known_rotation,
    fork_healed_on_the_other_branch,
    second_settlement_twice,
    second_inception_twice,
    gap_and_two_openers,
    back_dated_settlement,
    back_dated_entry_above_a_hole,
)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    with Mesh(tmp_path_factory.mktemp("logs")) as made:
        yield made


@pytest.fixture(scope="module")
def node(market: Mesh) -> Node:
    return market.start("ada")


class Silent(Peer):
    """A peer that has nothing itself: what the node holds came by what the test pushed."""

    async def answer(self, question: Message) -> None:
        number = question.request
        if question.name == "heads":
            await self.tell("items", number, items=[], cursor=[self.store, 0, bytes(8)], more=False)
        elif question.name in ("get", "openers"):
            await self.tell("runs", number, runs=[], more=False)
        else:
            code = "cursor" if question.name == "changes" else "not_here"
            await self.tell("refuse", number, code=code, text="not here")


async def item_of(peer: Peer, author: bytes) -> list[Any] | None:
    """The node's item of one log."""
    before = (int.from_bytes(author, "big") - 1).to_bytes(32, "big")
    [page] = await peer.ask("heads", after=before, limit=1)
    items = [item for item in page.body["items"] if item[1] == author]
    return items[0] if items else None


async def settled(peer: Peer, log: Log, author: bytes) -> None:
    """Fails unless the node comes to tell the item of this log."""
    end = time.monotonic() + SETTLE_SECONDS
    while (told := await item_of(peer, author)) != log.item():
        assert time.monotonic() < end, (told, log.item())
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_both_judge_alike(node: Node, case: Case) -> None:
    """R-LOG-24, R-LOG-5, R-LOG-13 to R-LOG-17, R-RUN-6, R-SES-12."""
    author, log = Author(sum(case.__name__.encode())), Log(NETWORK)
    pushes = case(author)
    while pushes:
        async with dialled(node, kind=Silent) as peer:
            await settled(peer, log, author.id)
            while pushes:
                runs = [write_run(stretch) for stretch in stretches(pushes.pop(0))]
                verdicts = [log.receive(chain) for chain in chains(list(map(read_run, runs)))]
                faults = {verdict.fault.code for verdict in verdicts if verdict.fault is not None} & ENDING
                await peer.tell("push", runs=runs)
                if faults:
                    said, _ = await left(peer)
                    assert said in faults
                    break
                await settled(peer, log, author.id)
    async with dialled(node, kind=Silent) as peer:
        await settled(peer, log, author.id)
