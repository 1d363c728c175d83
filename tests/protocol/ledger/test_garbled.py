"""Nothing that an author writes makes a fold raise: entries with wrong bytes, dates and fields are void [R-CRED-10]."""

from __future__ import annotations

import hashlib
from collections import Counter
from random import Random
from typing import Any

import msgspec
import pytest

from protocol import encoding
from protocol.entry import Entry
from protocol.errors import ProtocolError
from protocol.ledger.contents import CloseContent, encode_content
from protocol.ledger.groups import cut
from protocol.limits import MAX_INT
from protocol.records import ClosePart
from tests.protocol.ledger.operations import MEMBERS, Operations
from tests.protocol.ledger.swapping import Bench
from tests.protocol.ledger.world import DAY, TEAM, World


def scenes() -> list[tuple[World, list[Entry]]]:
    """Logs with entries of most kinds."""
    found = []
    for number in (1, 2):
        operations = Operations(number)
        for _ in range(40):
            operations.step()
        found.append((operations.world, operations.world.issuer.entries))
    bench = Bench()
    head = bench.y.issuer.entries[-1]
    document = bench.document()
    bench.lock(document)
    bench.swap(document)
    bench.pin(document, (head.seq, head.id), bench.pass_time(bench.until + DAY))
    found += [(bench.x, bench.x.issuer.entries), (bench.y, bench.y.issuer.entries)]
    return found


def changed(random: Random, value: Any, depth: int = 0) -> Any:
    """A value with something in it that is another."""
    if isinstance(value, dict) and value and random.random() < 0.9:
        key = random.choice(list(value))
        return {**value, key: changed(random, value[key], depth + 1)}
    if isinstance(value, list) and value and random.random() < 0.9:
        place = random.randrange(len(value))
        if random.random() < 0.2:
            return value[:place] + value[place + 1 :]
        return [*value[:place], changed(random, value[place], depth + 1), *value[place + 1 :]]
    if isinstance(value, bytes) and value and random.random() < 0.9:
        inner = _inside(value)
        if inner is not None and random.random() < 0.7:
            return encoding.encode(changed(random, inner, depth + 1))
        place = random.randrange(len(value))
        return value[:place] + bytes([value[place] ^ 1 << random.randrange(8)]) + value[place + 1 :]
    if isinstance(value, int):
        return random.choice((0, 1, value + 1, max(0, value - 1), MAX_INT))
    return random.choice((None, 0, MAX_INT, b"", b"\x80", bytes(32), "", [], {}))


def _inside(data: bytes) -> Any:
    try:
        found = encoding.decode(data)
    except ProtocolError:
        return None
    return found if isinstance(found, dict | list) else None


@pytest.mark.parametrize("number", range(24))
def test_no_entry_makes_a_fold_raise(number: int) -> None:
    random = Random(number)
    taken: Counter[str | None] = Counter()
    for world, entries in scenes():
        base = world.fresh()
        base.take(entries[0])  # and the plan as it is
        for entry in entries[1:]:
            record = entry.record
            if record is not None and entry.kind != 10 and random.random() < 0.5:
                try:
                    record = encoding.encode(changed(random, encoding.decode(record, 10**6)))
                except ProtocolError:
                    record = record[:-1]
            time = (
                random.choice((entry.time, entry.time, entry.time, MAX_INT))
                if entry.kind != 10
                else entry.time
            )
            kind = (
                entry.kind if entry.kind == 10 or random.random() < 0.95 else random.choice(range(0, 44, 2))
            )
            garbled = msgspec.structs.replace(
                entry,
                record=record,
                kind=kind,
                time=time,
                record_hash=hashlib.sha256(record or b"").digest(),
            )
            verdict = base.take(garbled)
            taken[verdict.code] += 1
            if entry.kind == 10:
                for name, sponsor in {**MEMBERS, "zed": None}.items():
                    above = world.issuer.id if sponsor is None else world.id(sponsor)
                    team = next(reversed(list(base.governing.all()))).opportunity or TEAM
                    if not base.teams.tree(team).member(world.id(name)):
                        base.teams.tree(team).join(world.id(name), above, entry.seq, entry.time)
            base.unknown = None  # go on all the same
    assert taken[None] > 5
    assert len(taken) > 8


@pytest.mark.parametrize("begins", [0, 1, MAX_INT])
def test_a_close_of_any_date_is_judged(begins: int) -> None:
    world = World()
    world.publish()
    content = CloseContent(awards=(), begins=begins, ends=MAX_INT, plan=world.plan or b"")
    for at in (world.now + 1, MAX_INT):
        assert world.write(cut(ClosePart, encode_content(content))[0], at=at).code == "period"
