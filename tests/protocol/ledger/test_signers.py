"""Foreign signers: a rotation takes effect at a place of this log, the same for every reader [R-CRED-1..4]."""

from __future__ import annotations

import msgspec
import pytest

from protocol.entry import Entry
from protocol.errors import Void
from protocol.ledger.signers import Signers, entries_of
from protocol.ledger.statements import Request, read
from protocol.records import Redeem, Rekey
from tests.protocol.author import NETWORK, Author
from tests.protocol.ledger import joining
from tests.protocol.ledger.swapping import credit
from tests.protocol.ledger.world import HOLD, World


def rotated(author: Author, generation: int = 1) -> tuple[Author, bytes]:
    """The author goes on with a new key; the old public key."""
    rotation, signer = author.rotation(author.entries[-1], generation=generation)
    old, author.signer = author.signer.public, signer
    author.entries.append(rotation)
    return author, old


def test_keys_are_those_of_the_newest_epoch_embedded() -> None:
    signers, ann = Signers(NETWORK), Author("ann")
    assert signers.keys(ann.id, 0) == ()
    signers.admit([ann.entries])
    assert signers.keys(ann.id, 0) == (ann.signer.public,)
    _, old = rotated(ann)
    assert signers.keys(ann.id, 1) == ()
    signers.admit([ann.entries[1:]])  # only what is new
    assert signers.keys(ann.id, 1) == (ann.signer.public,)
    assert signers.keys(ann.id, 0) == ()
    assert signers.ever(ann.id, 0) == (old,)


def test_what_does_not_verify_voids_all_of_it() -> None:
    signers, ann, bob = Signers(NETWORK), Author("ann"), Author("bob")
    forged = msgspec.structs.replace(bob.entries[0], signature=bytes(64))
    rotated(ann)
    wrongs: list[list[list[Entry]]] = [
        [ann.entries[:1], [forged]], [ann.entries[1:]], [[]], [ann.write(1)],
    ]  # fmt: skip
    for wrong in wrongs:
        with pytest.raises(Void, match="openers"):
            signers.admit(wrong)
        assert signers.knows(ann.id) is None
    with pytest.raises(Void, match="openers"):
        entries_of([[[b"no header", b"", None]]])


def test_two_rotations_of_one_epoch_are_a_contest_until_it_ends() -> None:
    signers, ann = Signers(NETWORK), Author("ann")
    first, _ = ann.rotation(ann.entries[-1], generation=1)
    second, signer = ann.rotation(ann.entries[-1], generation=2)
    signers.admit([[*ann.entries, first]])
    assert not signers.contested(ann.id)
    signers.admit([[second]])
    assert signers.contested(ann.id)
    assert len(signers.keys(ann.id, 1)) == 2
    ann.entries.append(second)
    ann.signer = signer
    healing, _ = ann.rotation(second)
    signers.admit([[healing]])
    assert not signers.contested(ann.id)


def test_a_branch_keeps_what_it_learns_to_itself() -> None:
    signers, ann = Signers(NETWORK), Author("ann")
    draft = signers.branch()
    draft.admit([ann.entries])
    assert draft.knows(ann.id) is not None
    assert signers.knows(ann.id) is None


def test_an_old_key_moves_credit_until_the_rotation_is_in_the_log_and_not_after() -> None:
    world = World()
    world.publish()
    world.join("ann")
    credit(world, "ann", 1_000)
    world.now += 2 * HOLD
    early, late = (world.request("redeem", "ann", 10) for _ in range(2))
    rotated(world.who("ann"))
    assert world.write(Redeem(openers=(), request=early)).code is None
    assert world.rekey("ann").code is None
    assert world.write(Redeem(openers=(), request=late)).code == "not_signed"
    assert world.redeem("ann", 10).code is None
    assert world.figures("ann").redeemed == 20


def test_a_request_of_a_later_epoch_carries_its_rotations_and_counts_as_a_rekey() -> None:
    world = World()
    world.publish()
    world.join("ann")
    credit(world, "ann", 1_000)
    world.now += 2 * HOLD
    old = world.request("redeem", "ann", 10)
    ann, _ = rotated(world.who("ann"))
    new = world.request("redeem", "ann", 10)
    assert world.write(Redeem(openers=(), request=new)).code == "not_signed"
    carried = ((ann.entries[1].wire(),),)
    assert world.write(Redeem(openers=carried, request=new)).code is None
    assert world.write(Redeem(openers=(), request=old)).code == "not_signed"


def test_the_credit_of_a_contested_holder_moves_nowhere() -> None:
    world = World()
    world.publish()
    world.join("ann")
    credit(world, "ann", 1_000)
    world.now += 2 * HOLD
    ann = world.who("ann")
    twin, _ = ann.rotation(ann.entries[-1], generation=2)
    rotated(ann)
    openers = tuple((entry.wire(),) for entry in (ann.entries[1], twin))
    assert world.write(Rekey(openers=openers)).code is None
    verdict = world.redeem("ann", 10)
    assert verdict.code == "contested_holder"
    assert world.figures("ann").redeemed == 0


def test_openers_count_also_when_the_rest_of_the_record_is_void() -> None:
    world = World()
    ann = world.who("ann")
    request = world.request("redeem", "ann", 10)
    assert world.write(Redeem(openers=world.openers("ann"), request=request)).code == "not_covered"
    assert world.book.signers.keys(ann.id, 0) == (ann.signer.public,)
    assert read(Request, request).holder == ann.id


def test_of_who_never_rotated_the_entry_is_read_again_and_once_for_each() -> None:
    ann, bob, asked = Author("ann"), Author("bob"), list[int]()

    def again(number: int) -> list[list[Entry]]:
        asked.append(number)
        return [bob.entries[:1], ann.entries[:1]]

    signers = Signers(NETWORK, None, again)
    signers.admit(again(0), 7)
    asked.clear()
    assert [signers.keys(each.id, 0) for each in (ann, bob)] == [(ann.signer.public,), (bob.signer.public,)]
    assert signers.ever(ann.id, 0) == (ann.signer.public,) and not signers.contested(ann.id)
    assert not asked
    known = signers.knows(ann.id)
    assert known is not None and known.entries() == tuple(ann.entries) and asked == [7]
    rotated(ann)
    signers.admit([ann.entries[1:]], 8)
    signers.admit([ann.entries], 9)
    assert signers.keys(ann.id, 1) == (ann.signer.public,) and asked == [7, 7]
    for number in (10, 11):
        signers.admit([bob.entries], number)
    assert signers.count == 2 and asked == [7, 7, 7]


def test_what_a_draft_learns_is_not_looked_for_in_the_log() -> None:
    def again(number: int) -> list[list[Entry]]:
        raise AssertionError(number)

    ann = Author("ann")
    draft = Signers(NETWORK, None, again).branch()
    draft.admit([ann.entries])
    rotated(ann)
    draft.admit([ann.entries[1:]])
    assert draft.keys(ann.id, 1) == (ann.signer.public,)


def test_a_log_says_again_what_it_embedded_wherever_that_was() -> None:
    world = World()
    world.publish()
    joining.join(world, "ann")  # an admission
    credit(world, "bob", 1_000)  # a sale
    assert world.rekey("cid").code is None
    world.now += 2 * HOLD
    carried = Redeem(openers=world.openers("dan"), request=world.request("redeem", "dan", 1))
    assert world.write(carried).code == "not_covered"
    for name in ("ann", "bob", "cid", "dan"):
        known = world.book.signers.knows(world.id(name))
        assert known is not None and known.entries() == (world.who(name).entries[0],), name
        rotated(world.who(name))
        assert world.write(Rekey(openers=((world.who(name).entries[-1].wire(),),))).code is None
        assert world.book.signers.keys(world.id(name), 1) == (world.who(name).signer.public,)
