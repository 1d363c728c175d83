"""L13: what branches of a forked log come to together, in whatever order they are merged [R-CRED-58, 60..63, 68]."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError
from protocol.ledger.book import Book
from protocol.ledger.effects import (
    NEVER,
    Credited,
    Earned,
    Kind,
    Moved,
    Stage,
    Step,
    Swapped,
    Value,
    join,
    movement_id,
)
from protocol.ledger.figures import solvency
from protocol.ledger.union import Union, disputed
from protocol.records import Transfer
from tests.protocol.ledger.branches import forked, require_merged
from tests.protocol.ledger.swapping import credit
from tests.protocol.ledger.world import HOLD, UNIT, World


def union(book: Book) -> Union:
    assert book.head is not None
    return Union([book.head[:2]], book.effects)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 40), st.lists(st.integers(0, 25), min_size=2, max_size=4))
def test_l13_branches_merge_to_the_figures_of_a_naive_union_in_any_order_and_grouping(
    seed: int, common: int, lengths: list[int]
) -> None:
    """Any order, any grouping, some of it twice; and what a rotation to one of them would leave disputed."""
    branches = forked(seed, common, *lengths)
    for order in range(3):
        require_merged(Random(f"{seed} {order}"), branches)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 25), st.permutations(range(4)), st.integers(1, 3))
def test_l13_a_union_is_the_same_whatever_was_merged_first(
    seed: int, common: int, order: list[int], cut: int
) -> None:
    parts = [each.union() for each in forked(seed, common, 12, 9, 15, 4)]
    left = Union()
    for part in parts:
        left.add(part)
    first, second = Union(), Union()
    for index in order[:cut]:
        first.add(parts[index])
    for index in order[cut:]:
        second.add(parts[index])
    second.add(first)
    second.add(first)
    assert dict(second.effects) == dict(left.effects)
    assert second.branches == left.branches


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_join_is_associative_commutative_and_idempotent(seed: int) -> None:
    branches = [each.world.book.effects for each in forked(seed, 12, 8, 8, 8)]
    for id in branches[0].keys() & branches[1].keys() & branches[2].keys():
        one, two, three = (branch[id] for branch in branches)
        assert join(one, one) == one
        assert join(one, two) == join(two, one)
        assert join(join(one, two), three) == join(one, join(two, three))


def split(limit: int = 10**6) -> tuple[World, list[Book], int]:
    """cid has 1,000; on one branch it went to zoe, on the other to yan."""
    made = World()
    made.publish()
    made.join("cid")
    credit(made, "cid", 1_000)
    made.now += 2 * HOLD
    tip = made.issuer.entries[-1]
    books = []
    for to, counter in (("zoe", 1), ("yan", 1 if limit == 0 else 2)):
        del made.issuer.entries[tip.seq + 1 :]
        made.book = made.fresh()
        for entry in made.issuer.entries:
            made.book.take(entry)
            if entry.kind == 10:
                made.book.teams.tree("team").join(made.id("cid"), made.issuer.id, entry.seq, entry.time)
        made.known.discard(to)
        record = Transfer(
            limit=made.limit(to, 10**6),
            openers=tuple(tuple(each.wire() for each in made.who(name).entries) for name in (to, "cid")),
            request=made.request("transfer", "cid", 1_000, to, counter=counter),
        )
        assert made.write(record).code is None
        books.append(made.book)
    return made, books, made.now


def test_l13_a_fork_binds_the_issuer_on_every_branch_and_the_shortfall_is_the_issuers() -> None:
    made, books, now = split()
    both = union(books[0])
    both.add(union(books[1]))
    assert [both.figures(UNIT, made.id(name), now).balance for name in ("zoe", "yan")] == [1_000, 1_000]
    cid = both.figures(UNIT, made.id("cid"), now)
    assert (cid.signed, cid.uncovered) == (0, 1_000)
    assert solvency(both, UNIT, now).outstanding == 2_000


def test_l15_a_transfer_under_a_head_the_payee_holds_stays_on_whatever_branch() -> None:
    """The issuer goes on, on the branch without it, as far as it likes: the payee has the credit all the same."""
    made, books, now = split()
    zoe = made.id("zoe")
    held = union(books[0])
    assert held.figures(UNIT, zoe, now).balance == 1_000
    for _ in range(3):
        made.rekey("cid")  # the world writes the branch that paid yan
    held.add(union(made.book))
    assert held.figures(UNIT, zoe, now).balance == 1_000
    assert held.figures(UNIT, made.id("cid"), now).uncovered == 1_000
    other = union(made.book)
    other.add(union(books[0]))
    assert other.figures(UNIT, zoe, now).balance == 1_000


def test_l13_two_requests_with_one_counter_are_the_holders_clawback() -> None:
    made, books, now = split(limit=0)
    both = union(books[0])
    both.add(union(books[1]))
    cid = both.figures(UNIT, made.id("cid"), now)
    assert (cid.signed, cid.clawback_due, cid.uncovered) == (-1_000, 1_000, 0)
    assert solvency(both, UNIT, now).outstanding == 1_000


def test_l13_a_refund_on_one_branch_and_a_spending_on_the_other_is_the_holders_clawback() -> None:
    made = World()
    made.publish()
    made.join("cid")
    path = made.path("cid")
    deal = made.deal(path=path).complete()
    made.sell(deal, path=path)
    before = union(made.book)
    deal.refund(10_000)
    made.refund(deal, 0)
    refunded = union(made.book)
    spent = union_of(
        before,
        made,
        Moved(Kind.TRANSFER, UNIT, made.id("cid"), made.id("bob"), 1_000, 1, ((2**53 - 1, 1_000),)),
    )
    spent.add(refunded)
    cid = spent.figures(UNIT, made.id("cid"), made.now + HOLD)
    assert (cid.signed, cid.uncovered, cid.clawed) == (-1_000, 0, 1_000)


def union_of(before: Union, made: World, value: Value) -> Union:
    return Union(before.branches, {**before.effects, movement_id(b"r" * 32): value})


def test_l13_the_larger_award_of_a_sale_counts_and_every_refund() -> None:
    made = World()
    made.publish()
    made.join("cid")
    path = made.path("cid")
    deal = made.deal(4_000, 6_000, path=path).accept().pay().receive(0)
    made.sell(deal, path=path)
    small = union(made.book)
    deal.receive(1)
    made.sell(deal, path=path)
    whole = union(made.book)
    assert list(disputed(whole.effects, small.effects)) == []
    assert [each.amount for each in disputed(small.effects, whole.effects)] == [600]
    small.add(whole)
    assert small.figures(UNIT, made.id("cid"), made.now + HOLD).balance == 1_000


def test_a_figure_names_the_branches_it_rests_on() -> None:
    _, books, _ = split()
    heads = sorted(book.head[:2] for book in books if book.head is not None)
    merged = Union()
    for book in books:
        merged.add(union(book))
    assert list(merged.branches) == heads


@pytest.mark.parametrize("other", [0, 1])
def test_l13_what_a_rotation_disowned_is_disputed_for_who_would_have_it(other: int) -> None:
    made, books, _ = split()
    log, gone = (books[other], books[1 - other])
    claims = list(disputed(log.effects, gone.effects))
    assert [(each.holder, each.unit, each.amount) for each in claims] == [
        (made.id(("yan", "zoe")[other]), UNIT, 1_000)
    ]
    assert list(disputed(log.effects, log.effects)) == []


def test_a_holders_release_ends_a_dispute() -> None:
    from protocol.ledger.statements import Releasing, sign
    from protocol.records import Release

    made, _, _ = split()
    yan = made.who("yan")
    about = b"r" * 32
    signed = sign(
        yan.network, yan.signer,
        Releasing(about=about, epoch=0, holder=yan.id, issuer=made.issuer.id, signature=bytes(64)),
    )  # fmt: skip
    assert not made.book.released(yan.id, about)
    assert made.write(Release(openers=(), release=signed)).code is None
    assert made.book.released(yan.id, about)
    forged = sign(
        yan.network, made.who("zoe").signer,
        Releasing(about=b"s" * 32, epoch=0, holder=yan.id, issuer=made.issuer.id, signature=bytes(64)),
    )  # fmt: skip
    assert made.write(Release(openers=(), release=forged)).code == "not_signed"


def test_a_swap_given_by_other_credit_on_another_branch_is_one_movement() -> None:
    one = Swapped(Stage.GIVEN, UNIT, b"a" * 32, b"b" * 32, 10, 1, ((5, 10),))
    two = Swapped(Stage.GIVEN, UNIT, b"a" * 32, b"b" * 32, 10, 1, ((7, 10),))
    back = Swapped(Stage.BACK, UNIT, b"a" * 32, b"b" * 32, 10, 1, ((9, 10),))
    for order in ((one, two, back), (back, two, one), (two, back, one)):
        merged = Union()
        for value in order:
            merged.add(Union([], {b"w": value}))
        assert dict(merged.effects) == {b"w": two}
        assert merged.figures(UNIT, b"b" * 32, 0).received == 10
        assert merged.figures(UNIT, b"a" * 32, 0).sent == 10
    with pytest.raises(LocalProtocolError):
        join(one, Moved(Kind.REDEEM, UNIT, b"a" * 32, b"", 1, 1, ()))


def test_period_awards_of_two_branches_are_one() -> None:
    small, large = (
        Earned(Credited(b"a" * 32, "group", 1, UNIT, (Step(5, NEVER, amount, 100, 5),)), gone)
        for amount, gone in ((10, 0), (20, 50))
    )
    merged = Union([], {b"p": small})
    merged.add(Union([], {b"p": large}))
    assert merged.figures(UNIT, b"a" * 32, 5).signed == 10  # half of the larger one
