"""Random logs, honest and not, through the store and through a naive model of it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from netnode.store import Change
from protocol.entry import Entry
from protocol.items import Standing
from protocol.log import hold_from
from tests.netnode.stored import Twin, open_reader, opened
from tests.protocol.author import Author, seed


def branches(author: Author, chance: random.Random) -> list[list[Entry]]:
    """Several chains of one author that differ somewhere: extended, settled, rotated, forked, contested."""
    author.write(chance.randint(1, 150))
    known = [list(author.entries)]
    for turn in range(chance.randint(2, 7)):
        author.entries = list(chance.choice(known))
        at = chance.randrange(len(author.entries)) if chance.random() < 0.4 else len(author.entries) - 1
        author.signer = signer_of(author, author.entries[at].epoch)
        match chance.choice(["write", "fork", "settle", "rotate", "contest"]):
            case "write":
                author.write(chance.randint(1, 100), note=turn)
            case "fork":
                author.entries = author.entries[: at + 1]
                author.write(chance.randint(1, 80), note=("fork", turn))
            case "settle":
                author.settle(at)
                author.write(chance.randint(0, 70), note=turn)
            case "rotate":
                author.rotate(at)
                author.write(chance.randint(0, 70), note=turn)
            case "contest":
                tip = author.entries[at]
                promises = chance.choice([None, seed("another promise", turn)])
                entry, signer = author.rotation(tip, generation=1, promises=promises)
                author.entries, author.signer = [*author.entries[: at + 1], entry], signer
                author.write(chance.randint(0, 5), note=turn)
        known.append(list(author.entries))
    return known


def signer_of(author: Author, epoch: int) -> object:
    from protocol.signing import Signer

    return Signer(seed(author.name, "key", 0)) if epoch == 0 else Signer(seed(author.name, "key", epoch, 1))


def deliver(twin: Twin, known: list[list[Entry]], chance: random.Random) -> None:
    """One thing a peer, or the quota, may do."""
    chain = chance.choice(known)
    state = twin.memory.state
    if state is None:
        twin.receive(chain[: chance.randint(1, len(chain))])
        return
    match chance.choice(["slice", "slice", "fill", "follow", "opener", "hold", "whole"]):
        case "slice":
            first = chance.randrange(len(chain))
            twin.receive(chain[first : first + chance.randint(1, 80)], jump=chance.random() < 0.3)
        case "fill":
            twin.receive(chain[max(0, state.base.seq - chance.randint(1, 60)) : state.base.seq] or chain[:1])
        case "follow":
            twin.receive(chain[state.tip.seq + 1 :][:70] or chain[-1:])
        case "opener":
            twin.opener(chance.choice([entry for entry in chain if entry.is_opener]))
        case "hold":
            first = twin.memory.main(chance.randint(state.base.seq, state.tip.seq))
            assert first is not None
            after, step = hold_from(state, first)
            if chance.random() < 0.3 and after != state:
                twin.writer.commit([Change(state, after, [step])])
                twin.memory.rows = {s: e for s, e in twin.memory.rows.items() if s >= first.seq}
                twin.memory.state = after
        case "whole":
            twin.receive(chain)


@pytest.mark.parametrize("number", range(40))
def test_what_is_loaded_is_what_was_committed(number: int, tmp_path: Path) -> None:
    chance = random.Random(number)
    with opened(tmp_path) as (writer, reader):
        twins = []
        for name in ("a", "b"):
            author = Author(f"{name}{number}")
            twins.append((Twin(author.id, writer, reader), branches(author, chance)))
        for _ in range(40):
            twin, known = chance.choice(twins)
            deliver(twin, known, chance)
            twin.compare()
        for twin, _ in twins:
            state = twin.memory.state
            proof = reader.proof(twin.author)
            if state is not None and state.fork is not None and proof is not None:
                assert proof[0].first == proof[1].first == state.fork
            if state is None or state.fork is None:
                assert proof is None
        standing = [row.item for row in reader.logs(None, 10)]
        assert standing == reader.items_after(None, 10)
        assert reader.counts() == (
            sum(len(twin.memory.rows) for twin, _ in twins),
            sum(twin.memory.state is not None for twin, _ in twins),
        )
        # The log tables hold nothing that no state speaks of.
        extents = sum(len(rows) for twin, _ in twins for rows in twin.memory.extents.values())
        assert reader.connection.execute("SELECT count(*) FROM aside").get == extents
        assert reader.check() == []
        again = open_reader(tmp_path / "store.sqlite3")
        for twin, _ in twins:
            assert again.load(twin.author) == twin.memory.state
        again.connection.close()


def test_the_random_logs_reach_every_standing(tmp_path: Path) -> None:
    """The comparison is worth something only when forks, contests and extents occur in it."""
    seen: set[object] = set()
    for number in range(40):
        chance = random.Random(number)
        author = Author(f"a{number}")
        (tmp_path / str(number)).mkdir()
        with opened(tmp_path / str(number)) as (writer, reader):
            twin = Twin(author.id, writer, reader)
            known = branches(author, chance)
            for _ in range(20):
                deliver(twin, known, chance)
                if twin.memory.state is not None:
                    seen.add(twin.memory.state.item().standing)
                    seen.add(("aside", bool(twin.memory.state.aside)))
                    seen.add(("proof", reader.proof(author.id) is not None))
    assert seen == {*Standing, ("aside", True), ("aside", False), ("proof", True), ("proof", False)}
