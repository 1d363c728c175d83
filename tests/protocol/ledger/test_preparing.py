"""Entries read ahead of their turn come to what they come to without."""

from __future__ import annotations

import msgspec
import pytest

from protocol.ledger.book import Book
from protocol.ledger.contents import encode_content
from protocol.ledger.groups import cut
from protocol.ledger.preparing import prepare
from protocol.records import SalePart
from protocol.signing import verify
from tests.protocol.author import NETWORK
from tests.protocol.ledger.operations import Operations
from tests.protocol.ledger.world import TEAM, World


def fold(world: World, *, ahead: bool) -> tuple[Book, list[str | None]]:
    book = world.fresh()
    codes = []
    for entry in world.issuer.entries:
        prepared = prepare(NETWORK, entry) if ahead else None
        proved = prepared is not None and all(verify(*claim) for claim in prepared.claims)
        codes.append(book.take(entry, prepared, proved=proved).code)
        if entry.kind == 10:
            book.teams.tree(TEAM).join(world.id("cid"), world.issuer.id, entry.seq, entry.time)
    return book, codes


def sold() -> World:
    world = World()
    world.publish()
    world.join("cid")
    path = world.path("cid")
    for prices in ((10_000,), (1, 2, 3)):
        deal = world.deal(*prices, path=path).complete()
        assert world.sell(deal, path=path).code is None
    return world


def test_what_is_prepared_changes_no_verdict_and_no_effect() -> None:
    world = sold()
    with_, without = fold(world, ahead=True), fold(world, ahead=False)
    assert with_[1] == without[1]
    assert dict(with_[0].effects) == dict(without[0].effects)


@pytest.mark.parametrize("at", [0, -1])
def test_a_signature_that_does_not_verify_is_found_either_way(at: int) -> None:
    world = sold()
    entry = world.issuer.entries[2]
    prepared = prepare(NETWORK, entry)
    assert prepared is not None
    assert all(verify(*claim) for claim in prepared.claims)
    messages = list(prepared.content.messages)
    messages[at] = messages[at][:-1] + bytes([messages[at][-1] ^ 1])
    if at == 0:
        messages = messages[:1]
    content = msgspec.structs.replace(prepared.content, messages=tuple(messages))
    fresh = World()
    fresh.publish()
    fresh.join("cid")
    assert fresh.write(cut(SalePart, encode_content(content))[0], at=entry.time).code == "not_signed"
    again = prepare(NETWORK, fresh.issuer.entries[-1])
    assert again is not None
    assert not all(verify(*claim) for claim in again.claims)


def test_only_first_sales_of_one_part_are_prepared() -> None:
    operations = Operations(11)
    for _ in range(60):
        operations.step()
    kinds = {(entry.kind, prepare(NETWORK, entry) is not None) for entry in operations.world.issuer.entries}
    assert (22, True) in kinds
    assert not [kind for kind, ready in kinds if ready and kind != 22]
