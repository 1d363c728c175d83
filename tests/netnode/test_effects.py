"""The projections of a real node pass the vectors of effects [R-EFF-1..4] [R-VER-4] [R-LOG-15] [R-STAMP-2, 3]."""

from __future__ import annotations

from typing import Any

import pytest

from netnode.operations.models import SearchQuery
from netnode.projections import views
from netnode.store import Reader
from protocol.entry import parse_wire
from protocol.identity import id_text, parse_id
from tests.netnode.mesh import Mesh
from tests.vectors.generate.writing import Vector
from tests.vectors.reading import named, read


@pytest.mark.parametrize("vector", read("effects"), ids=named)
async def test_effects(mesh: Mesh, vector: Vector) -> None:
    given = vector["input"]
    node = await mesh.node("reader", own=False)
    author = b""
    for wire in given["before"]:
        chain = [
            parse_wire([None if part is None else bytes.fromhex(part) for part in each]) for each in wire
        ]
        author = chain[0].author
        await node.gate._admit([chain], None, jump=given.get("jump", False))
    node.clock.now = given["now"]
    await node.projector.level()
    assert await node.store.read(told, author, given["now"]) == vector["expected"]


def told(reader: Reader, author: bytes, now: int) -> dict[str, Any]:
    """What the projections say of one log, in the shape of the vectors."""
    connection = reader.connection
    profile = views.profile(connection, author)
    rows, _ = views.listings_of(connection, author, now, everything=True)
    offered = {row.key for row in views.listings_of(connection, author, now)[0]}
    found = views.search(connection, SearchQuery(text="", seller=id_text(author)), now).items
    assert {item.key for item in found} == offered, "the search offers what the seller's page does"
    blocks = views.statements(connection, [author]).items
    return {
        "profile": None if profile is None else profile.entry.hex(),
        "stamp": 0 if profile is None else profile.stamp,
        "listings": {row.key: {"entry": row.entry.hex(), "offered": row.key in offered} for row in rows},
        "void": {str(seq): code for seq, code in views.voids(connection, author, 0, 2**40 - 1).items()},
        "blocks": sorted(parse_id(block.target).hex() for block in blocks if block.type == "block"),
    }
