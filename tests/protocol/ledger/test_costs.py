"""What an issuer's log can cost its readers: counted, not timed [R-CRED-90..94]."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
import pytest
from msgspec import UNSET, UnsetType

from protocol import limits
from protocol.deals import judging, message
from protocol.deals.bodies import Fulfil, LapseDispute, PaymentReceived, PaymentSent, Receive
from protocol.deals.table import verdict
from protocol.deals.view import View
from protocol.entry import Entry
from protocol.errors import Void
from protocol.ledger import binding, closing
from protocol.ledger.contents import AwardLine, encode_content
from protocol.ledger.governing import Governed, Governing
from protocol.ledger.state import State
from protocol.ledger.statements import Swap, read
from protocol.plans import surveying
from protocol.plans.activity import Activity
from protocol.plans.closed import Closed
from protocol.plans.document import Compiled
from protocol.plans.facts import Period
from protocol.plans.ground import Ground
from protocol.plans.ranks import Standing
from protocol.plans.surveying import survey
from protocol.records import ClosePart, Freeze
from protocol.records.fields import Place
from protocol.records.plan import Path, Rank
from protocol.rolls import Roll
from protocol.signing import verify
from protocol.teams.tree import Tree
from tests.protocol.author import START
from tests.protocol.ledger.closes import close_with_awards
from tests.protocol.ledger.joining import join, leave, move
from tests.protocol.ledger.swapping import Bench
from tests.protocol.ledger.world import TEAM, Deal, World, plan_record


class Work:
    """Counts what folds do.

    Attributes:
        judged: ids of the messages whose verdict was worked out, how often.
        checked: signatures that were verified, how often.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.judged: Counter[bytes] = Counter()
        self.checked: Counter[bytes] = Counter()

        def counted(view: View, one: message.Message) -> str | None:
            self.judged[one.id] += 1
            return verdict(view, one)

        patch.setattr(judging, "verdict", counted)

    def verify(self, key: bytes, signature: bytes, data: bytes) -> bool:
        self.checked[signature] += 1
        return verify(key, signature, data)

    def codes(self, made: World) -> list[str | None]:
        """Folds a whole log anew, and counts that alone."""
        self.judged.clear()
        made.verify = self.verify
        book = made.fresh()
        return [book.take(entry).code for entry in made.issuer.entries]


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    return Work(monkeypatch)


def world(expiry_days: int | UnsetType = UNSET) -> World:
    """An issuer with a plan without a team: 10 per cent to who referred."""
    made = World()
    path = Path(depth=1, first=(1, 10), mode="flat", name="path")
    made.publish(expiry_days=expiry_days, opportunity=UNSET, path=(path,), team=UNSET, unilevel=())
    return made


def confirmed(deal: Deal, count: int = 1) -> None:
    """So many payments received, one after another: signed without judging what came before."""
    for _ in range(count):
        own = [each for each in deal.messages if each.role == "seller"]
        seen = next(each for each in reversed(deal.messages) if each.role == "buyer")
        deal.now += 1
        deal.messages.append(
            message.sign(
                deal.issuer.network, deal.issuer.signer, body=PaymentReceived(amount=10), deal=deal.id, role="seller",
                number=len(own), previous=own[-1].id, seen=(seen.id,), time=deal.now, epoch=0,
            )
        )  # fmt: skip


def long_sale(made: World, payments: int) -> Deal:
    """A logged sale with that many payments, and a dispute of the seller, so that it is not straight."""
    path = made.path("ann")
    deal = made.deal(1_000_000, path=path).accept().receive().dispute("seller")
    confirmed(deal, payments)
    assert made.sell(deal, path=path).code is None
    return deal


def frozen(made: World, deal: Deal) -> str | None:
    """A freeze that brings the newest message and no dispute of the buyer."""
    record = Freeze(messages=(deal.messages[-1].data,), openers=(), order=deal.id)
    return made.write(record, at=max(made.now, deal.now) + 1).code


def test_entries_of_one_order_judge_no_message_twice(work: Work) -> None:
    """[R-CRED-90]: void ones and those with effect cost what they bring, whatever the order has in the log."""
    made = world()
    deal = long_sale(made, 300)
    for _ in range(20):
        confirmed(deal)
        assert frozen(made, deal) == "no_dispute"
        assert made.sell(deal).code is None
    codes = work.codes(made)
    assert codes[-40:] == ["no_dispute", None] * 20
    void = 20  # each new message came in a void entry first
    assert sum(work.judged.values()) <= len(deal.messages) + void
    assert set(work.checked.values()) == {1}  # and no signature of the buyer's


def test_a_straight_deal_is_judged_once_although_what_comes_after_is_void(work: Work) -> None:
    """[R-CRED-90]: no message of it needed a verdict until something came that is not straight."""
    made = world()
    path = made.path("ann")
    deal = made.deal(1_000_000, path=path).accept().receive()
    confirmed(deal, 50)
    assert made.sell(deal, path=path).code is None
    deal.dispute("seller")
    assert [frozen(made, deal) for _ in range(20)] == ["no_dispute"] * 20
    assert work.codes(made)[-20:] == ["no_dispute"] * 20
    assert sum(work.judged.values()) <= len(deal.messages) + 20


def test_an_order_has_a_last_entry_that_is_looked_at(work: Work) -> None:
    """[R-CRED-91]: also of those that are void."""
    made = world()
    deal = long_sale(made, 5)
    confirmed(deal)
    codes = [frozen(made, deal) for _ in range(limits.MAX_SALE_ENTRIES + 1)]
    assert Counter(codes) == {"no_dispute": limits.MAX_SALE_ENTRIES, "sale_full": 1}
    confirmed(deal)
    assert made.sell(deal, awards=()).code == "sale_full"
    confirmed(deal)
    assert made.refund(deal, 0).code == "sale_full"
    confirmed(deal)
    with pytest.raises(Void, match="have named it"):  # nor is one drawn up
        made.sell(deal)
    other = long_sale(made, 5)
    confirmed(other)
    assert frozen(made, other) == "no_dispute"


def test_an_order_has_so_many_messages_in_a_log(work: Work) -> None:
    """[R-CRED-91]."""
    made = world()
    deal = long_sale(made, 400)
    confirmed(deal, 500)
    assert made.sell(deal).code is None
    confirmed(deal, limits.MAX_SALE_MESSAGES - len(deal.messages))
    assert made.sell(deal).code is None
    confirmed(deal)
    assert frozen(made, deal) == "sale_full"
    assert made.sell(deal, awards=()).code == "sale_full"


def test_a_long_deal_of_many_milestones_stays_below_the_limits(work: Work) -> None:
    """[R-CRED-91]: each part paid, delivered, logged, disputed at the end, and sent back one by one."""
    made = world()
    path = made.path("ann")
    deal = made.deal(*([1_000] * limits.MAX_PARTS), path=path).accept()
    for part in range(limits.MAX_PARTS):
        deal.say("buyer", PaymentSent(amount=1_000))
        deal.say("seller", PaymentReceived(amount=1_000, payment=deal.messages[-1].id))
        deal.say("seller", Fulfil(part=part))
        deal.say("buyer", Receive(part=part, fulfil=deal.messages[-1].id))
        assert made.sell(deal, path=path if part == 0 else None).code is None
    deal.dispute()
    assert made.freeze(deal).code is None
    deal.say("buyer", LapseDispute(dispute=deal.messages[-1].id))
    assert made.freeze(deal).code is None
    for part in range(limits.MAX_PARTS):
        deal.refund(1_000)
        assert made.refund(deal, 1_000 * (limits.MAX_PARTS - part - 1)).code is None
    file = made.book.order(deal.id)
    assert file is not None
    assert file.looked == 2 * limits.MAX_PARTS + 1 < limits.MAX_SALE_ENTRIES
    assert len(deal.messages) < limits.MAX_SALE_MESSAGES // 2
    assert set(work.codes(made)) == {None}
    assert sum(work.judged.values()) <= len(deal.messages)


# -- what else an entry makes a reader go through [R-CRED-93] ---------------------------------------------------
def budget(patch: pytest.MonkeyPatch, steps: int, an_entry: int = 0) -> None:
    patch.setattr(limits, "LEDGER_STEPS", steps)
    patch.setattr(limits, "LEDGER_STEPS_ENTRY", an_entry)


def test_closes_of_one_period_again_and_again_are_not_all_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A close that states what nobody comes to costs a whole evaluation, and may be logged for ever."""
    made = World()
    made.publish()
    for name in ("ann", "bob", "cid"):
        assert join(made, name).code is None
    evaluated = Counter[int]()
    inner = closing.close_of

    def counted(state: State, governed: Governed, period: Period) -> Closed[bytes]:
        evaluated[period.start] += 1
        return inner(state, governed, period)

    monkeypatch.setattr(closing, "close_of", counted)
    known = made.book.signers.count
    assert known == 5  # the author, the witness and three members
    budget(monkeypatch, made.book.state.steps + 3 * known + 1)
    (governed,) = made.book.governing.all()
    right = close_with_awards(made.book.state, governed, made.now)
    wrong = msgspec.structs.replace(right, awards=(AwardLine(bytes(32), "level", 1, 1),))
    evaluated.clear()
    codes = [made.parts(ClosePart, encode_content(wrong), right.ends).code for _ in range(10)]
    assert codes == ["awards_differ"] * 3 + ["too_costly"] * 7
    assert sum(evaluated.values()) == 3
    with pytest.raises(Void, match="too much work"):
        close_with_awards(made.book.state, governed, right.begins)
    budget(monkeypatch, 0, 256)  # as an honest log has: entries bring steps
    assert made.parts(ClosePart, encode_content(right), right.ends).code is None


def test_pins_over_a_long_run_of_another_log_are_not_all_read(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    document = bench.document()
    assert bench.lock(document).code is None
    head = read(Swap, document).head
    early = bench.y.issuer.entries[-1]
    for _ in range(10):
        early = bench.pass_time(early.time + 1)
    read_of = Counter[int]()

    def counted(author: bytes, first: Place, last: Place) -> Sequence[Entry] | None:
        found = bench.between(author, first, last)
        read_of[last[0]] += len(found or ())
        return found

    monkeypatch.setattr(bench.x.book.state, "between", counted)
    span = early.seq - head[0]
    budget(monkeypatch, bench.x.book.state.steps + 2 * span)
    codes = [bench.pin(document, head, early).code for _ in range(6)]
    assert codes == ["no_swap"] * 2 + ["too_costly"] * 4
    assert sum(read_of.values()) == 2 * span


def test_members_who_move_up_and_down_again_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaving and moving go through whoever stands below: with thousands of them, for a few bytes."""
    made = World()
    made.publish()
    for name, sponsor in (("ann", None), ("bob", None), ("cid", "bob"), ("dan", "bob"), ("eve", "dan")):
        assert join(made, name, sponsor).code is None
    state = made.book.state
    spent = state.steps
    assert move(made, "bob", "ann", "bob", "ann").code is None
    assert state.steps - spent == 3
    assert leave(made, "bob").code is None
    assert state.steps - spent == 3 + 2 * limits.KEPT_STEPS
    assert [made.book.teams.tree(TEAM).sponsor(made.id(name)) for name in ("cid", "dan")] == [
        made.id("ann")
    ] * 2
    budget(monkeypatch, state.steps + limits.KEPT_STEPS - 1)
    assert leave(made, "dan").code == "too_costly"  # eve would move up
    assert made.book.teams.tree(TEAM).member(made.id("dan"))
    assert state.left(0) == 0  # what was left is used up
    assert leave(made, "eve").code is None  # nobody does


def test_plans_that_wait_cost_no_entry_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    governing = Governing(Roll())
    for number in range(20):
        governing.take(START + number, plan_record(title=f"plan {number}", notice_days=1))
    starts = [each.starts for each in governing.all()]
    assert starts == sorted(starts)
    assert [each.starts for each in governing.due(starts[3])] == starts[:4]
    assert not list(governing.due(starts[3]))
    assert [each.starts for each in governing.due(starts[-1])] == starts[4:]


def test_ranks_are_worked_out_again_after_a_refund_while_there_are_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """[R-CRED-94]: else with the next refund or close for which there are; a sale does not wait for it."""
    made = World()
    made.publish(hold_days=3_000, ranks=(Rank(name="star", own=5_000),))
    for name in ("ann", "bob"):
        assert join(made, name).code is None
    (governed,) = made.book.governing.all()
    surveyed = Counter[str]()

    def counted(
        plan: Compiled, team: Tree[bytes] | None, activity: Activity[bytes], period: Period
    ) -> tuple[Ground[bytes], Standing]:
        surveyed[period.label] += 1
        return survey(plan, team, activity, period)

    monkeypatch.setattr(surveying, "survey", counted)

    def sold(name: str) -> Deal:
        path = made.path(name)
        deal = made.deal(5_500, path=path).complete()
        assert made.sell(deal, path=path).code is None
        return deal

    def refunded(deal: Deal, base: int) -> None:
        deal.refund(1_000)
        assert made.refund(deal, base).code is None

    first, second = sold("ann"), sold("bob")
    for _ in range(3):
        content = close_with_awards(made.book.state, governed, governed.closed or made.now)
        assert made.parts(ClosePart, encode_content(content), content.ends).code is None
    before = made.book.state.steps
    surveyed.clear()
    refunded(first, 4_500)
    assert sum(surveyed.values()) == 3
    assert made.book.state.steps - before == 3 * made.book.signers.count
    budget(monkeypatch, made.book.state.steps + 3 * made.book.signers.count - 1)
    refunded(second, 4_500)
    assert (sum(surveyed.values()), governed.stale is None) == (3, False)
    for _ in range(5):
        sold("ann")
    assert sum(surveyed.values()) == 3
    budget(monkeypatch, made.book.state.steps + 3 * made.book.signers.count)
    refunded(second, 3_500)
    assert (sum(surveyed.values()), governed.stale) == (6, None)
    refunded(second, 2_500)
    assert governed.stale is not None
    budget(monkeypatch, made.book.state.steps + 5 * made.book.signers.count)
    assert governed.closed is not None
    content = close_with_awards(made.book.state, governed, governed.closed)
    assert made.parts(ClosePart, encode_content(content), content.ends).code is None
    assert [sum(surveyed.values()), governed.stale] == [10, None]  # with the period that was closed just now


# -- what an issuer's own node does not write ------------------------------------------------------------------
def test_no_side_of_a_swap_is_drafted_that_its_log_cannot_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    """[R-CRED-81] [R-CRED-93]: it would bind the issuer, who alone would bear it."""
    bench = Bench(admitted=False)
    document, openers = bench.document(), bench.openers(*bench.holders)
    state = bench.x.book.state
    budget(monkeypatch, state.steps + limits.KEPT_STEPS - 1)
    with pytest.raises(Void, match="expiries") as refused:
        binding.lock(state, document, openers, (), bench.start)
    assert refused.value.code == "too_costly"
    budget(monkeypatch, state.steps + limits.KEPT_STEPS)
    record = binding.lock(state, document, openers, (), bench.start)
    assert bench.x.write(record, at=bench.start).code is None
    lock, both = bench.x.issuer.entries[-1], bench.openers(*bench.holders, bench.x.issuer)
    state = bench.y.book.state
    budget(monkeypatch, state.steps + limits.KEPT_STEPS - 1)
    with pytest.raises(Void, match="expiries") as refused:
        binding.swap(state, document, both, (), [tuple(lock.wire())], bench.start + 1)
    assert refused.value.code == "too_costly"


def test_no_pins_are_drafted_that_are_too_far_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """[R-CRED-81] [R-CRED-93]: the entry would be void, and use up what is left."""
    bench = Bench()
    document = bench.document()
    assert bench.lock(document).code is None
    head, last = read(Swap, document).head, bench.pass_time(bench.until + 1)
    state, place = bench.x.book.state, (last.seq, last.id)
    budget(monkeypatch, state.steps + last.seq - head[0] - 1)
    with pytest.raises(Void, match="further apart") as refused:
        binding.end_by_pins(state, document, head, place)
    assert refused.value.code == "too_costly"
    budget(monkeypatch, state.steps + last.seq - head[0])
    assert bench.x.write(binding.end_by_pins(state, document, head, place), at=bench.until + 2).code is None
