"""Makes tests/vectors/deals.json: sets of messages, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from protocol.deals import bodies
from protocol.deals.bodies import DealBody, Role
from protocol.deals.message import Message
from protocol.deals.state import DealState, judge
from tests.protocol.deals.made import FAR, HOUR, START, Play, signed, unsigned
from tests.protocol.deals.test_crossings import ACCEPT, CANCEL, agreed, fulfilled, paid
from tests.protocol.deals.test_offers import DISCOUNT, offer, ordered
from tests.protocol.deals.test_table import STATES, disputed, said
from tests.protocol.deals.verdicts_expected import LATE, SOON
from tests.vectors.generate import deals_renewed
from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Deals (section 21), network `test`: messages of one deal (hex, in no particular order) and the reader's clock. "
    "Expected: phase, contract, parts as [status, late], the figures, each dispute as it closed (null: open), the "
    "place of the ruling that stands, and of each message its code (null: it has effect; `waits`: it is not judged)."
)

Say = tuple[Role, "DealBody | Callable[[Play], DealBody]"]


def vectors() -> list[Vector]:
    """Deals as they go on, mandates, crossings, every code once, places, and numbers used twice."""
    return [
        *_states(),
        *_discounts(),
        *deals_renewed.vectors(_made),
        *deals_renewed.nested(_made),
        *_crossings(),
        *_holds(),
        *_codes(),
        *_places(),
        *_doubled(),
        *_waits(),
    ]


def _vector(name: str, comment: str, requirement: str, messages: Sequence[Message], now: int = FAR) -> Vector:
    """Messages in an order that is not that of their dates."""
    shown = [*messages[1::2], *messages[::2]]
    given = {"messages": [each.data.hex() for each in shown], "now": now}
    return vector(name, comment, requirement, given, expected=told(shown, judge(shown, now)))


def _made(name: str, comment: str, requirement: str, messages: Sequence[Message]) -> Vector:
    """A vector as of the end of time that consents allow."""
    return _vector(name, comment, requirement, messages, FAR + 1)


def told(messages: Sequence[Message], state: DealState) -> dict[str, Any]:
    """What is expected of a set."""
    return {
        "phase": state.phase.value,
        "contract": state.contract,
        "parts": [[part.status.value, part.late] for part in state.parts],
        "figures": asdict(state.figures),
        "disputes": [dispute.closed for dispute in state.disputes],
        "ruling": None if state.ruling is None else messages.index(state.ruling),
        "verdicts": ["waits" if each.id in state.waits else state.verdicts[each.id] for each in messages],
    }


def _states() -> list[Vector]:
    found = [
        _vector(f"state-{name}", f"a deal that is {name}", "R-DEAL-20, 21, 23", make().signed())
        for name, make in STATES.items()
    ]
    on_offer = signed([ordered(offer())])
    late = signed([ordered(offer(), time=START + 10 * HOUR + 1)])
    differs = signed([ordered(offer(), tax=4)])
    found.append(_vector("offer", "an order on a quote to this buyer", "R-DEAL-8", on_offer))
    found.append(_vector("offer-expired", "dated after the offer's expiry", "R-DEAL-8", late))
    found.append(_vector("offer-differs", "the tax is not that of the quote", "R-DEAL-7", differs))
    play = agreed(60, 40, 30)
    for amount in (50, 30):
        payment = play.say("buyer", bodies.PaymentSent(amount=amount))
        play.say("seller", bodies.PaymentReceived(amount=amount - 10, payment=payment.id))
    fulfil = play.say("seller", bodies.Fulfil(part=1))
    play.say("buyer", bodies.Receive(fulfil=fulfil.id, part=1))
    found.append(
        _vector("part-payments", "three parts, less confirmed than sent", "R-DEAL-20", play.signed())
    )
    play.say("buyer", CANCEL)
    refund = play.say("seller", bodies.Refund(amount=30))
    play.say("buyer", bodies.RefundReceived(amount=25, refund=refund.id, total=25))
    found.append(
        _vector("part-refunds", "a refund confirmed with another amount", "R-DEAL-20", play.signed())
    )
    return found


def _discounts() -> list[Vector]:
    """Orders on offers that quote nothing: what they cost is for the seller to judge, so they wait for the accept."""
    by_code = offer(quote=UNSET, buyer=UNSET, code=b"c" * 32, discount=DISCOUNT)
    for_friend = offer(quote=UNSET, discount=DISCOUNT)
    counted = offer(buyer=UNSET, count=2)
    play = Play(ordered(by_code, by=None))
    play.say("seller", ACCEPT)
    return [
        _vector("discount", "an order on a discount got by a code, accepted", "R-DEAL-8", play.signed()),
        _vector("discount-named", "a discount for this buyer waits all the same", "R-DEAL-8",
                signed([ordered(for_friend)])),
        _vector("discount-over", "dated after the offer's expiry", "R-DEAL-8",
                signed([ordered(by_code, by=None, time=START + 10 * HOUR + 1)])),
        _vector("discount-unnamed", "a discount for somebody else", "R-DEAL-7", signed([ordered(for_friend, by=None)])),
        _vector("counted", "a quote by count", "R-DEAL-8", signed([ordered(counted, by=None)])),
    ]  # fmt: skip


def _holds() -> list[Vector]:
    """When a dispute is over, and how it closes."""
    never = paid()
    never.say("buyer", CANCEL)
    never.say("buyer", bodies.Dispute(claim=0), after=100_000)
    over = goods()
    over.say("buyer", bodies.Receive())
    over.send("seller", bodies.Dispute(claim=100), after=101)
    last = goods()
    last.say("buyer", bodies.Receive())
    last.say("seller", bodies.Dispute(claim=100), after=100)
    both = disputed()
    dispute = both.messages[-1].id
    one = both.say("seller", bodies.LapseDispute(dispute=dispute), after=40)
    both.say("buyer", bodies.LapseDispute(dispute=dispute), blind=[one])
    return [
        _vector("hold-never", "nothing was ever received: the hold never began", "R-DEAL-14", never.signed()),
        _vector("hold-last", "at the end of the hold", "R-DEAL-14", last.signed()),
        _vector("hold-over", "an hour later", "R-DEAL-14", over.signed()),
        _vector(
            "lapsed-by-both", "each side closes one dispute, and the two cross", "R-DEAL-22", both.signed()
        ),
    ]


def goods() -> Play:
    """A deal that was paid and delivered."""
    return fulfilled()[0]


def _first(kind: str) -> Callable[[Play], bytes]:
    return lambda play: next(each.id for each in play.messages if each.type == kind)


def _crossings() -> list[Vector]:
    payment, dispute, fulfil = _first("payment_sent"), _first("dispute"), _first("fulfil")

    def received(play: Play) -> DealBody:
        return bodies.PaymentReceived(amount=100, payment=payment(play))

    def sent() -> Play:
        play = agreed()
        play.say("buyer", bodies.PaymentSent(amount=100))
        return play

    presume: Callable[[Play], DealBody] = lambda play: bodies.PresumeReceived(fulfil=fulfil(play))  # noqa: E731
    rows: tuple[tuple[str, Callable[[], Play], Say, Say, int], ...] = (
        ("accept-cancel", Play, ("seller", ACCEPT), ("buyer", CANCEL), 1),
        ("accept-lapse_accept", Play, ("seller", ACCEPT), ("buyer", bodies.LapseAccept()), 10),
        ("fulfil-cancel", paid, ("seller", bodies.Fulfil()), ("buyer", CANCEL), 1),
        ("fulfil-cancel-2", lambda: paid(60, 40), ("seller", bodies.Fulfil()), ("buyer", CANCEL), 1),
        ("fulfil-lapse_fulfil", paid, ("seller", bodies.Fulfil()), ("buyer", bodies.LapseFulfil()), 40),
        ("payment-cancel", agreed, ("buyer", bodies.PaymentSent(amount=100)), ("seller", CANCEL), 1),
        ("payment-lapse_pay", agreed, ("buyer", bodies.PaymentSent(amount=100)), ("seller", bodies.LapsePay()), 20),
        ("received-cancel", sent, ("seller", received), ("buyer", CANCEL), 1),
        ("received-lapse_fulfil", sent, ("seller", received), ("buyer", bodies.LapseFulfil()), 40),
        ("receive-cancel", paid, ("buyer", bodies.Receive()), ("seller", CANCEL), 1),
        ("receive-cancel-unpaid", agreed, ("buyer", bodies.Receive()), ("seller", CANCEL), 1),
        ("receive-refund", goods, ("buyer", bodies.Receive()), ("seller", bodies.Refund(amount=100)), 1),
        ("receive-dispute", goods, ("buyer", bodies.Receive()), ("seller", bodies.Dispute(claim=100)), 1),
        ("refund-dispute", goods, ("seller", bodies.Refund(amount=30)), ("buyer", bodies.Dispute(claim=70)), 1),
        ("fulfil-dispute", paid, ("seller", bodies.Fulfil()), ("buyer", bodies.Dispute(claim=0)), 1),
        ("presume-receive", goods, ("seller", presume), ("buyer", bodies.Receive()), 25),
        ("presume-dispute", goods, ("seller", presume), ("buyer", bodies.Dispute(claim=0)), 25),
        ("presume_payment-received", sent,
         ("buyer", lambda play: bodies.PresumePayment(payment=payment(play))), ("seller", received), 25),
        ("cancel-cancel", paid, ("buyer", CANCEL), ("seller", CANCEL), 1),
        ("cancel-lapse_pay", agreed, ("buyer", CANCEL), ("seller", bodies.LapsePay()), 20),
        ("ruling-lapse_dispute", disputed,
         ("arbiter", lambda play: bodies.Ruling(dispute=dispute(play), delivered=(0,), keeps=60, paid=100)),
         ("buyer", lambda play: bodies.LapseDispute(dispute=dispute(play))), 1),
    )  # fmt: skip
    found = []
    for name, make, one, other, hours in rows:
        play = make()
        first = play.say(one[0], _body(one, play), after=hours)
        play.say(other[0], _body(other, play), blind=[first])
        comment = f"{first.type} and {play.messages[-1].type} cross"
        found.append(_vector(f"cross-{name}", comment, "R-DEAL-18", play.signed()))
    play = disputed()
    ruling = bodies.Ruling(dispute=play.messages[-1].id, keeps=100, paid=100)
    first = play.say("arbiter", ruling)
    play.messages.remove(first)
    play.say("arbiter", replaced(ruling, keeps=0))
    play.messages.append(first)
    found.append(_vector("cross-rulings", "two rulings cross", "R-DEAL-18", play.signed()))
    return found


def replaced(ruling: bodies.Ruling, *, keeps: int) -> bodies.Ruling:
    """The same ruling with another figure."""
    return bodies.Ruling(dispute=ruling.dispute, keeps=keeps, paid=ruling.paid)


def _body(say: Say, play: Play) -> DealBody:
    return say[1](play) if callable(say[1]) else say[1]


def _codes() -> list[Vector]:
    """Of each code and type the first state of the table's test in which it comes."""
    found: list[Vector] = []
    shown: set[tuple[str, str]] = set()
    for table, hours in ((SOON, 1), (LATE, 1_000)):
        for state, rows in table.items():
            for code, moves in rows.items():
                for move in moves.split():
                    type, _, side = move.partition("/")
                    if code == "effect" or (code, type) in shown:
                        continue
                    role: Role = {"a": "arbiter", "b": "buyer", "s": "seller"}[side]  # type: ignore[assignment]
                    play = STATES[state]()
                    made = play.send(role, said(play, type), after=hours)
                    assert play.code(made) == code
                    shown.add((code, type))
                    name = f"void-{type}-{code}"
                    found.append(_vector(name, f"a {type} when {state}", "R-DEAL-15", play.signed()))
    return found


def _places() -> list[Vector]:
    play = agreed()
    start, accept = play.messages
    deal, late = start.id, START + 99 * HOUR
    sent = play.say("buyer", bodies.PaymentSent(amount=40))
    fulfil = play.say("seller", bodies.Fulfil())
    newer = replace(accept, id=b"a" * 32, epoch=3)

    def add(name: str, messages: Sequence[Message], made: Message, code: str) -> Vector:
        every = [*messages, made]
        assert judge(every, FAR).verdicts[made.id] == code, (name, judge(every, FAR).verdicts[made.id])
        return _vector(f"place-{name}", f"out of its place: {code}", "R-DEAL-13", signed(every))

    def by_seller(body: DealBody, **more: Any) -> Message:
        return unsigned(body, "seller", deal=deal, **{"time": late, **more})

    base = [start, accept]
    return [
        add("number", base, by_seller(CANCEL, previous=accept, seen=[start], number=5), "bad_number"),
        add("foreign-predecessor", base, by_seller(CANCEL, previous=start, number=1), "bad_number"),
        add("own-seen", [*base, sent], by_seller(bodies.Fulfil(), seen=[sent]), "bad_number"),
        add("two-of-a-side", [*base, sent],
            by_seller(bodies.Fulfil(), previous=accept, seen=[sent, start]), "bad_names"),
        add("own-side", base, by_seller(CANCEL, seen=[accept]), "bad_names"),
        add("no-order", base, by_seller(ACCEPT), "no_order"),
        add("backwards", [*base, sent, fulfil],
            by_seller(CANCEL, previous=fulfil, seen=[start]), "names_backwards"),
        add("nothing", [*base, sent, fulfil], by_seller(CANCEL, previous=fulfil), "names_backwards"),
        add("time", base, by_seller(bodies.Fulfil(), previous=accept, seen=[start], time=accept.time - 1),
            "bad_time"),
        add("epoch", [start, newer], replace(
            by_seller(bodies.Fulfil(), previous=newer, seen=[start]), epoch=2), "bad_epoch"),
    ]  # fmt: skip


def _doubled() -> list[Vector]:
    play = Play()
    deal, start = play.start.id, play.start
    one, two = (
        unsigned(ACCEPT, "seller", deal=deal, seen=[start], time=START + hours * HOUR) for hours in (1, 2)
    )
    follows = unsigned(
        bodies.Fulfil(), "seller", deal=deal, previous=two, seen=[start], time=START + 3 * HOUR
    )
    twice = [start, one, two, follows]

    def sent(seen: Message, **more: Any) -> Message:
        return unsigned(
            bodies.PaymentSent(amount=100),
            "buyer",
            **{"deal": deal, "previous": start, "seen": [seen], "time": START + 9 * HOUR, **more},
        )

    first, second, other = sent(one), sent(follows), sent(one, time=START + 10 * HOUR)
    later = [
        unsigned(bodies.Fulfil(), "seller", deal=deal, previous=one, seen=[start], time=START + hours * HOUR)
        for hours in (2, 3)
    ]
    both = unsigned(CANCEL, "buyer", deal=deal, previous=first, seen=[follows], time=START + 11 * HOUR)
    back = unsigned(bodies.Fulfil(), "seller", deal=deal, previous=two, seen=[first], time=START + 12 * HOUR)
    return [
        _vector(f"doubled-{name}", comment, "R-DEAL-17", signed(messages))
        for name, comment, messages in (
            ("unnamed", "two accepts with number 0, none named", twice),
            ("first", "the buyer names the first", [*twice, first]),
            ("second", "the buyer names what follows the second", [*twice, second]),
            ("neither", "two with number 1, and the buyer names number 0 alone", [start, one, *later, first]),
            ("both-named", "the buyer names one branch, then the other", [*twice, first, both]),
            ("from-the-other", "a message of the branch not chosen names the choice", [*twice, first, back]),
            ("both-sides", "the buyer uses number 1 twice as well", [*twice, first, other]),
        )
    ]


def _waits() -> list[Vector]:
    play = paid()
    play.say("seller", bodies.Fulfil())
    messages = play.signed()
    return [
        _vector("waits-missing", "the payment is missing", "R-DEAL-12", [*messages[:2], *messages[3:]]),
        _vector("waits-ahead", "the last two are dated ahead", "R-DEAL-12", messages, messages[2].time),
        _vector("repeats", "a message that is there twice", "R-DEAL-10", [*messages, messages[1]]),
    ]
