"""What happens in the scenes of tests/vectors/ledger.json with a team, each time first with something wrong in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from protocol.ledger.contents import AwardLine, CloseContent, encode_content
from protocol.ledger.drafting import sale_with_awards
from protocol.records import ClosePart, SalePart
from protocol.records.plan import (
    RankRates,
    Unilevel,
)
from tests.protocol.ledger.closes import close_with_awards
from tests.protocol.ledger.joining import join
from tests.protocol.ledger.world import Deal, World

LEVELS: Final = (RankRates(rates=((1, 10), (1, 20), (1, 100))),)


def level(name: str = "level", compression: Any = "none", **fields: Any) -> Unilevel:
    """A rule of three levels."""
    return Unilevel(**({"compression": compression, "name": name, "rates": LEVELS} | fields))


def made(*line: str, **fields: Any) -> World:
    """A team in one line below the owner, by a plan."""
    world = World()
    world.publish(**fields)
    for sponsor, name in zip((None, *line), line, strict=False):
        join(world, name, sponsor)
    return world


def altered(world: World, content: Any, turn: int) -> Any:
    """A content that says something wrong: of plan or awards, each in its turn."""
    replace, awards = msgspec.structs.replace, content.awards
    if not awards:
        return replace(content, awards=(AwardLine(world.id("ann"), "level", 1, 1),))
    first, others = awards[0], awards[1:]
    match turn % 6:
        case 0:
            return replace(content, awards=(replace(first, amount=first.amount + 1), *others))
        case 1:
            return replace(content, awards=awards[:-1])
        case 2:
            return replace(content, awards=(replace(first, to=world.issuer.id), *others))
        case 3:
            return replace(content, awards=(replace(first, level=first.level + 1), *others))
        case 4:
            return replace(content, awards=(*awards, first))
    return replace(content, plan=bytes(31) + b"p")


def log(world: World, deal: Deal, path: Any, *, at: int | None = None, **fields: Any) -> None:
    """Logs a sale twice: first something wrong in it, then as it should be."""
    content = world.content(deal, path=path, **fields)
    at = max(world.now + 1, deal.now, world.issuer.entries[-1].time) if at is None else at
    content = sale_with_awards(world.book.state, content, seq=world.issuer.entries[-1].seq + 1, time=at)
    world.parts(SalePart, encode_content(altered(world, content, world.deals)), at)
    world.parts(SalePart, encode_content(msgspec.structs.replace(content, openers=())), at)


def sold(
    world: World, name: str | None, *prices: int, logged: bool = True, **fields: Any
) -> tuple[Deal, Any]:
    """A completed deal that somebody brought."""
    path = None if name is None else world.path(name)
    deal = world.deal(*prices or (10_000,), path=path, **fields).complete()
    if logged:
        log(world, deal, path)
    return deal, path


def refund(world: World, deal: Deal, amount: int) -> None:
    """Logs a confirmed refund, twice: first with another base."""
    deal.now = max(deal.now, world.now)
    deal.refund(amount)
    sent, base = deal.sent, deal.state().figures.base
    world.refund(deal, base + 1)
    deal.sent = sent
    world.refund(deal, base)


def closed(world: World, *changes: Callable[[CloseContent], CloseContent], at: int = 0) -> None:
    """The close of the next period of the plan: with each of the changes, with something wrong, as it should be."""
    governed = world.book.governing.find(world.plan or b"")
    assert governed is not None
    begins = governed.starts if governed.closed is None else governed.closed
    content = close_with_awards(world.book.state, governed, begins)
    tip = max(world.now, world.issuer.entries[-1].time)
    for change in changes:
        world.parts(ClosePart, encode_content(change(content)), at or max(tip, content.ends) + 1)
    if not at:
        at = max(tip, content.ends) + 1
        world.parts(ClosePart, encode_content(altered(world, content, world.deals)), at)
        world.parts(ClosePart, encode_content(content), at)


def same(content: CloseContent) -> CloseContent:
    """As it should be."""
    return content
