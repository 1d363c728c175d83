"""Makes tests/vectors/challenges.json: what an issuer is asked for in public, and where that stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from protocol.deals.bodies import Accept
from protocol.entry import Entry, parse_wire
from protocol.ledger.book import Book
from protocol.ledger.challenges import DEADLINE_MS, outcomes, read_challenge
from protocol.ledger.signers import Signers
from protocol.records import Answer, Challenge, Redeem, decode_record
from protocol.records.credit import Reply
from tests.protocol.author import NETWORK, Author
from tests.protocol.ledger.asking import back, challenged, on_offer
from tests.protocol.ledger.joining import join, leave
from tests.protocol.ledger.swapping import credit
from tests.protocol.ledger.world import DAY, HOLD, Deal, World
from tests.vectors.generate.forms import chain, vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Challenges (section 27.9), network `test`. `log`: of the issuer, an array of entries [header, signature, record] "
    "in hex. `openers`: those of everybody, whose keys are known. `asked`: entries of claimants' logs. `handed`: since "
    "when the reader had each stored and handed to the issuer, or null. Expected is where each stands at `now`; an "
    "error is the code why what one of them embeds does not hold."
)


def stood(given: Mapping[str, Any]) -> dict[str, Any]:
    """Where the challenges of a vector stand."""
    log, asked = _entries(given["log"]), _entries(given["asked"])
    book = Book(NETWORK, log[0].author, lambda seq: log[seq], lambda author, first, last: None)
    for entry in log:
        book.take(entry)
    signers = Signers(NETWORK)
    signers.admit([tuple(_entries(each)) for each in given["openers"]])
    demands = []
    for entry in asked:
        record = decode_record(entry.kind, entry.record or b"")
        assert isinstance(record, Challenge)
        demands.append(read_challenge(NETWORK, entry, record, signers.keys))
    handed = {entry.id: at for entry, at in zip(asked, given["handed"], strict=True) if at is not None}
    found = {each.id: each_.value for each, each_ in outcomes(demands, book, given["now"], handed)}
    return {"stand": [found[entry.id] for entry in asked]}


def _entries(chain: Any) -> list[Entry]:
    return [parse_wire([None if part is None else bytes.fromhex(part) for part in entry]) for entry in chain]


class Scene:
    """An issuer with two members and a stranger, a deal of each way, and what they ask for."""

    def __init__(self) -> None:
        self.world = world = World()
        world.publish()
        join(world, "ann")
        join(world, "bob", "ann")
        world.who("zoe")
        credit(world, "ann", 1_000)
        world.now += 2 * HOLD
        self.path = world.path("ann", "bob")
        self.deal, self.other = (world.deal(path=path).complete() for path in (self.path, None))
        self.asked: list[Entry] = []

    def ask(self, by: str, **fields: Any) -> Entry:
        """One more challenge."""
        self.asked.append(challenged(self.world, by, **fields)[0])
        return self.asked[-1]

    def goods(self, by: str = "ann", deal: Deal | None = None, **fields: Any) -> dict[str, Any]:
        """A buyback with its contract."""
        deal = self.deal if deal is None else deal
        contract = next((each for each in deal.messages if isinstance(each.body, Accept)), deal.messages[0])
        return {"request": back(self.world, by, deal, **fields), "contract": contract.data}

    def sale(self, **fields: Any) -> dict[str, Any]:
        """A contract with its path."""
        return {"contract": self.deal.messages[1].data, "path": self.path.encode()} | fields

    def reply(self, **outcome: Any) -> None:
        """Answers the newest challenge."""
        self.world.write(Answer(replies=(Reply(challenge=self.asked[-1].id, **outcome),)))

    def vector(
        self, id: str, comment: str, requirement: str, later: int = 0, handed: int | None = 0
    ) -> Vector:
        """What is asked for by now, so much later, handed so much later than it was asked."""
        world = self.world
        people = [world.issuer, *(world.people[name] for name in sorted(world.people))]
        now = max(world.now, world.issuer.entries[-1].time)
        given = {
            "log": chain(world.issuer.entries), "openers": [chain(each.entries[:1]) for each in people],
            "asked": chain(self.asked), "handed": [None if handed is None else now + handed] * len(self.asked),
            "now": now + later,
        }  # fmt: skip
        return vector(id, comment, requirement, given)


def forged(data: bytes) -> bytes:
    """Its last byte is another one."""
    return data[:-1] + bytes([data[-1] ^ 1])


def vectors() -> list[Vector]:
    found: list[Vector] = []
    for id, comment, requirement, act, later, handed in STANDING:
        scene = Scene()
        act(scene)
        made = scene.vector(id, comment, requirement, later, handed)
        found.append({**made, "expected": stood(made["input"])})
    for id, comment, code, act in VOID:
        scene = Scene()
        act(scene)
        found.append({**scene.vector(id, comment, "R-CRED-54"), "error": code})
    return found


# -- what stands ---------------------------------------------------------------------------------------------
def asks(**fields: Any) -> Callable[[Scene], None]:
    """ann asks for goods of hers to be taken back."""
    return lambda scene: _none(scene.ask("ann", **scene.goods(**fields)))


def stranger(scene: Scene) -> None:
    scene.ask("zoe", **scene.goods("zoe"))


def left(scene: Scene) -> None:
    leave(scene.world, "bob")
    scene.ask("bob", **scene.goods("bob"))


def offered(scene: Scene) -> None:
    scene.ask("ann", **scene.goods(deal=on_offer(scene.world, "ann")))


def answered(**outcome: Any) -> Callable[[Scene], None]:
    """The issuer says that of the challenge."""

    def act(scene: Scene) -> None:
        scene.ask("ann", **scene.goods())
        scene.reply(**outcome)

    return act


def answered_twice(scene: Scene) -> None:
    answered(reason="other")(scene)
    scene.reply(entry=1)
    scene.reply(reason="refunded")


def several(scene: Scene) -> None:
    scene.ask("ann", **scene.goods())
    scene.ask("ann", request=scene.world.request("redeem", "ann", 1_000))
    scene.ask("bob", **scene.sale())


def sells(scene: Scene) -> None:
    scene.ask("bob", **scene.sale())


def sold(scene: Scene) -> None:
    sells(scene)
    assert scene.world.sell(scene.deal, path=scene.path).code is None


def requests(amount: int, days: int = 100) -> Callable[[Scene], None]:
    """ann asks for credit to be redeemed."""

    def act(scene: Scene) -> None:
        expires = scene.world.now + days * DAY
        scene.ask("ann", request=scene.world.request("redeem", "ann", amount, expires=expires))

    return act


def redeemed(scene: Scene) -> None:
    request = scene.world.request("redeem", "ann", 1_000)
    scene.ask("ann", request=request)
    assert scene.world.write(Redeem(openers=(), request=request)).code is None


def _none(_: object) -> None:
    return None


STANDING: Final[tuple[tuple[str, str, str, Callable[[Scene], None], int, int | None], ...]] = (
    ("goods", "a member's goods, by the issuer's accept", "R-CRED-54", asks(), DEADLINE_MS - 1, 0),
    ("goods-overdue", "on the last day", "R-CRED-56", asks(), DEADLINE_MS, 0),
    ("goods-handed-later", "handed a day later", "R-CRED-56", asks(), DEADLINE_MS, DAY),
    ("goods-not-handed", "never handed", "R-CRED-56", asks(), 2 * DEADLINE_MS, None),
    ("goods-offer", "by an order on the issuer's offer to its buyer", "R-CRED-54", offered, DEADLINE_MS, 0),
    ("goods-stranger", "by who never was a member", "R-CRED-55", stranger, DEADLINE_MS, 0),
    ("goods-other-team", "of a team that is none", "R-CRED-55", asks(opportunity="other"), DEADLINE_MS, 0),
    ("goods-left", "by who was a member", "R-CRED-55", left, DEADLINE_MS, 0),
    ("goods-refused", "the issuer says why not", "R-CRED-57", answered(reason="refunded"), DEADLINE_MS, 0),
    ("goods-answered", "the issuer names an entry", "R-CRED-57", answered(entry=1), DEADLINE_MS, 0),
    ("goods-answered-later", "a reason, then an entry, then a reason", "R-CRED-57", answered_twice, DEADLINE_MS, 0),
    ("goods-answered-ahead", "an answer that names what is not there yet", "R-CRED-57", answered(entry=10**6),
     DEADLINE_MS, 0),
    ("several", "one of a claimant at a time, the oldest", "R-CRED-55", several, DEADLINE_MS, 0),
    ("sale", "a witness's sale", "R-CRED-54", sells, DEADLINE_MS, 0),
    ("sale-logged", "and then it is logged", "R-CRED-57", sold, DEADLINE_MS, 0),
    ("request", "a covered request", "R-CRED-54", requests(1_000), DEADLINE_MS, 0),
    ("request-uncovered", "more than there is", "R-CRED-55", requests(1_001), DEADLINE_MS, 0),
    ("request-expired", "on the day it expires", "R-CRED-55", requests(1, 14), DEADLINE_MS, 0),
    ("request-logged", "and then it is carried out", "R-CRED-57", redeemed, DEADLINE_MS, 0),
)  # fmt: skip


# -- what does not hold --------------------------------------------------------------------------------------
def wrong(by: str = "ann", **change: Callable[[Scene], Any]) -> Callable[[Scene], None]:
    """Goods, with other fields."""

    def act(scene: Scene) -> None:
        fields = {**scene.goods(), **{name: make(scene) for name, make in change.items()}}
        scene.ask(by, **{name: value for name, value in fields.items() if value is not None})

    return act


def wrong_sale(by: str = "ann", **change: Callable[[Scene], Any]) -> Callable[[Scene], None]:
    """A sale, with other fields."""
    return lambda scene: _none(
        scene.ask(by, **scene.sale(**{name: make(scene) for name, make in change.items()}))
    )


def wrong_request(make: Callable[[Scene], bytes], by: str = "ann") -> Callable[[Scene], None]:
    """A request to move credit that is none of its author's."""
    return lambda scene: _none(scene.ask(by, request=make(scene)))


def other_issuer(scene: Scene) -> None:
    scene.ask("ann", **scene.goods(), issuer=scene.world.id("zoe"))


def other_offer(scene: Scene) -> None:
    world = scene.world
    scene.ask("ann", **scene.goods(deal=on_offer(world, "ann", world.who("zoe").signer)))


def other_seller(scene: Scene) -> None:
    world = scene.world
    scene.ask("ann", **scene.goods(deal=on_offer(world, "ann", seller=world.id("zoe"))))


def other_key(scene: Scene) -> None:
    """The request is signed by another key than the claimant's."""
    world = scene.world
    real, world.people["ann"].signer = world.people["ann"].signer, Author("another").signer
    request = back(world, "ann", scene.deal)
    world.people["ann"].signer = real
    scene.ask("ann", request=request, contract=scene.deal.messages[1].data)


def redeem(scene: Scene) -> bytes:
    return scene.world.request("redeem", "ann", 1)


VOID: Final[tuple[tuple[str, str, str, Callable[[Scene], None]], ...]] = (
    ("goods-alone", "goods without the contract of their order", "no_standing", wrong(contract=lambda scene: None)),
    ("goods-no-contract", "a contract that is none", "statement", wrong(contract=lambda scene: b"\x80")),
    ("goods-order", "the order in the place of the accept", "no_standing",
     wrong(contract=lambda scene: scene.deal.messages[0].data)),
    ("goods-payment", "another message of the seller", "no_standing",
     wrong(contract=lambda scene: scene.deal.messages[2].data)),
    ("goods-contract-forged", "an accept that the issuer did not sign", "not_signed",
     wrong(contract=lambda scene: forged(scene.deal.messages[1].data))),
    ("goods-offer-forged", "an offer that another signed", "not_signed", other_offer),
    ("goods-offer-other", "an offer of another seller", "names_differ", other_seller),
    ("goods-other-order", "the contract of another order", "names_differ",
     wrong(contract=lambda scene: scene.other.messages[1].data)),
    ("goods-other-buyer", "signed by the key of another order", "not_signed",
     wrong(request=lambda scene: back(scene.world, "ann", scene.other, order=scene.deal.id))),
    ("goods-other-member", "in another's name", "names_differ",
     wrong(request=lambda scene: back(scene.world, "bob", scene.deal))),
    ("goods-other-owner", "to another owner", "names_differ",
     wrong(request=lambda scene: back(scene.world, "ann", scene.deal, owner=bytes(32)))),
    ("goods-other-issuer", "asked of another issuer", "names_differ", other_issuer),
    ("goods-other-key", "signed by another key than the claimant's", "not_signed", other_key),
    ("goods-epoch", "signed in an epoch that is not there", "not_signed",
     wrong(request=lambda scene: back(scene.world, "ann", scene.deal, epoch=1))),
    ("goods-no-statement", "a statement of another form", "statement", wrong(request=redeem)),
    ("goods-garbage", "no statement at all", "statement", wrong(request=lambda scene: b"\x80")),
    ("sale-stranger", "by who is not on the path", "no_standing", wrong_sale("zoe")),
    ("sale-other-path", "a path that the contract does not name", "path_differs",
     wrong_sale(path=lambda scene: scene.world.path("ann").encode())),
    ("sale-no-path", "a path that is none", "path_differs", wrong_sale(path=lambda scene: b"\x80")),
    ("sale-without-path", "a contract that names no path", "path_differs",
     wrong_sale(contract=lambda scene: scene.other.messages[1].data)),
    ("sale-forged", "a contract that the issuer did not sign", "not_signed",
     wrong_sale(contract=lambda scene: forged(scene.deal.messages[1].data))),
    ("request-other-holder", "a request of another holder", "names_differ", wrong_request(redeem, "bob")),
    ("request-other-issuer", "a request to another issuer", "names_differ",
     wrong_request(lambda scene: scene.world.request("redeem", "ann", 1, issuer=scene.world.id("zoe")))),
    ("request-epoch", "signed in an epoch that is not there", "not_signed",
     wrong_request(lambda scene: scene.world.request("redeem", "ann", 1, epoch=1))),
    ("request-garbage", "no statement at all", "statement", wrong_request(lambda scene: b"\x80")),
)  # fmt: skip
