"""What the simulator finds wrong with ledgers, and seeds in which nothing is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

import netnode.simulator.crediting.auditing as auditing
from netnode.conformance import challenges as second
from netnode.conformance.holdings import Holding
from netnode.conformance.ledgerfold import Ledger
from netnode.conformance.teamfold import TeamFold
from netnode.plans.reading import plan_from
from netnode.simulator.chance import Stream
from netnode.simulator.crediting import given_back
from netnode.simulator.crediting.auditing import Audit
from netnode.simulator.crediting.challenged import require_challenges
from netnode.simulator.crediting.promised import Promises
from netnode.simulator.crediting.teaming import RULES, content_of
from netnode.simulator.oracle import Oracle, Violation
from netnode.simulator.running import Order, run
from protocol.entry import Entry
from protocol.ledger.book import nothing_held
from protocol.plans.linting import lint
from protocol.records import Answer
from protocol.records.credit import Reply
from tests.protocol.author import NETWORK
from tests.protocol.ledger.asking import back, challenged, keys
from tests.protocol.ledger.joining import join, move
from tests.protocol.ledger.world import HOLD, World


def audited(
    world: World,
    *,
    honest: bool = True,
    most: Callable[[bytes, str], int | None] = lambda *_: None,
    agreed: Callable[..., bool | None] = lambda *_: None,
) -> Audit:
    found = Audit(NETWORK, world.issuer.id, "n0", honest, most, nothing_held, [], agreed)
    for entry in world.issuer.entries:
        found.take(entry)
    return found


def sold() -> World:
    """Ann was credited a tenth of 10.00, which is payable."""
    world = World()
    world.publish()
    deal = world.deal(1_000, path=(path := world.path("ann")))
    deal.accept().pay(1_000).receive(0)
    world.sell(deal, path=path)
    world.now += HOLD + 1
    return world


def test_an_honest_ledger_is_the_same_by_both_implementations() -> None:
    world = sold()
    world.transfer("ann", "bob", 40, limit=10**6)
    world.redeem("ann", 10)
    found = audited(world, most=lambda *_: 10**9)
    assert found.wrong == [] and found.sales == 1 and found.moves == 1
    assert found.compared >= 4 and found.tip == world.issuer.entries[-1]


def test_an_entry_without_effect_is_a_fault_of_an_honest_issuer_alone() -> None:
    """[L16]"""
    world = sold()
    world.redeem("ann", 1_000)
    with pytest.raises(Violation, match=r"entry \d+ of n0, of kind 36, is void, not_covered"):
        audited(world)
    assert [each.code for each in audited(world, honest=False).wrong] == ["not_covered"]


def test_who_receives_more_than_they_ever_accepted_is_noticed() -> None:
    """[L7]"""
    world = sold()
    world.transfer("ann", "bob", 40, limit=10**6)
    with pytest.raises(Violation, match=r"gives 40 to who accepts 39 at most \[L7\]"):
        audited(world, most=lambda *_: 39)


def test_another_effect_by_the_second_implementation_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = sold()
    plain = auditing.plain
    monkeypatch.setattr(auditing, "_lots", lambda lots: ())

    def other(value: Any) -> Any:
        return plain(value)

    monkeypatch.setattr(auditing, "plain", other)
    world.redeem("ann", 10)
    with pytest.raises(Violation, match="has other effects by the second implementation"):
        audited(world)


def test_another_verdict_of_the_second_implementation_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = sold()
    world.redeem("ann", 10)
    monkeypatch.setattr(Ledger, "take", lambda *_: "malformed")
    with pytest.raises(Violation, match="comes to an effect, by the second implementation to malformed"):
        audited(world)


def test_figures_that_differ_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """[L2]"""
    world = sold()
    figures = vars(Holding)["figures"].fget
    monkeypatch.setattr(Holding, "figures", property(lambda each: figures(each) | {"signed": 7}))
    with pytest.raises(Violation, match=r"with figures that differ: \{'signed': .*\} \[L2\]"):
        audited(world)


@pytest.mark.parametrize(
    ("rule", "at"),
    [("_consented", r"takes 10 star of .* \[L11\]"), ("_share", r"awards 100 where 0 is the most .* \[L8\]")],
)
def test_what_no_entry_may_do_is_noticed(monkeypatch: pytest.MonkeyPatch, rule: str, at: str) -> None:
    world = sold()
    world.redeem("ann", 10)
    monkeypatch.setattr(Audit, rule, lambda *_: 0)
    with pytest.raises(Violation, match=at):
        audited(world)


def joined() -> World:
    """Ann and Bob are members below the owner, by entries."""
    world = World()
    world.publish()
    join(world, "ann")
    join(world, "bob")
    return world


def test_another_tree_by_the_second_implementation_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = joined()
    assert audited(world).compared > 3
    monkeypatch.setattr(TeamFold, "_admit", _below_nobody(TeamFold._admit))
    with pytest.raises(Violation, match="at another place by the second implementation"):
        audited(world)


def _below_nobody(admit: Any) -> Any:
    def admitted(team: Any, entry: Any, record: Any) -> None:
        admit(team, entry, record)
        for member in team.members.values():
            member.sponsor = bytes(32)

    return admitted


def test_who_is_moved_without_having_said_so_is_noticed() -> None:
    """[R-TEAM-12]"""
    world = joined()
    assert move(world, "ann", "bob", "ann", "bob").code is None
    told = {(world.id("ann"), world.id("bob"), world.id(who)) for who in ("ann", "bob")}
    assert audited(world, agreed=lambda key, *said: said in told).moved == 1
    told.pop()
    with pytest.raises(Violation, match=r"never agreed to that \[R-TEAM-12\]"):
        audited(world, agreed=lambda key, *said: said in told)


@dataclass
class Watched:
    """What `require_challenges` asks a watch for, of one issuer."""

    world: World
    asked: list[Entry]
    network: str = NETWORK

    def challenges(self) -> list[Entry]:
        return self.asked

    def keys(self) -> Any:
        return SimpleNamespace(ever=keys(self.world))

    def audits(self, issuer: bytes) -> list[Audit]:
        return [audited(self.world)]


def require(world: World, *asked: Entry) -> int:
    """As of an honest owner n0 and an honest claimant n1."""
    oracle = Oracle()
    oracle.lives_at("n0", world.issuer.id)
    oracle.lives_at("n1", world.id("ann"))
    core: Any = [SimpleNamespace(name="n0"), SimpleNamespace(name="n1")]
    watch: Any = Watched(world, list(asked))
    return require_challenges(core, oracle, watch, world.now)


def goods(world: World, deal: Any, of: Any = None) -> Entry:
    request = back(world, "ann", of or deal)
    return challenged(world, "ann", request=request, contract=deal.messages[1].data)[0]


def test_honest_issuers_have_answered_what_they_were_asked_in_public() -> None:
    """[L14]"""
    world = joined()
    asked = goods(world, world.deal().complete())
    with pytest.raises(Violation, match="n1 asked n0 in public for goods, and has no answer"):
        require(world, asked)
    assert world.write(Answer(replies=(Reply(challenge=asked.id, reason="other"),))).code is None
    assert require(world, asked) == 1


def test_a_challenge_of_an_honest_claimant_that_is_void_is_noticed() -> None:
    world = joined()
    one, two = world.deal().complete(), world.deal().complete()
    with pytest.raises(Violation, match="a challenge of n1 is void: names_differ"):
        require(world, goods(world, one, two))


def test_challenges_that_two_implementations_judge_otherwise_are_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = joined()
    asked = goods(world, world.deal().complete())
    monkeypatch.setattr(second, "TIME_MS", 0)
    with pytest.raises(Violation, match="two implementations differ on what n0 has answered"):
        require(world, asked)
    monkeypatch.setattr(second.teams, "bought_by", lambda *_: False)
    with pytest.raises(Violation, match="comes to None, by the second implementation to not_signed"):
        require(world, asked)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"refunds": (90, 90)}, "instead of 90"),
        ({"refunds": (91,)}, "instead of 90"),
        ({"amount": 91, "refunds": (91,)}, "more than is owed: 91 for 1 of 3 pieces of 300"),
        ({"goods": {0: 3}, "amount": 91, "refunds": (91,)}, "a piece of .* was taken back twice"),
    ],
)
def test_goods_are_paid_back_once_and_no_more_than_is_owed(changes: dict[str, Any], says: str) -> None:
    """[R-TEAM-29]"""
    fields: dict[str, Any] = {
        "order": bytes(32), "amount": 90, "goods": {0: 1}, "refunds": (90,), "paid_for": (300, 3),
    }  # fmt: skip
    first = given_back.Asked(**fields)
    given_back._require_paid("n0", {b"a": first, b"b": given_back.Asked(**(fields | {"refunds": ()}))})
    with pytest.raises(Violation, match=says):
        given_back._require_paid("n0", {b"a": first, b"b": given_back.Asked(**(fields | changes))})


def test_requests_for_goods_that_are_lost_or_not_paid_are_noticed() -> None:
    oracle = Oracle()
    oracle.credits.wants_back("n1", "aa", bytes(32), "100 EUR", 3.0)
    oracle.credits.repaid["n0"] = {"aa"}
    for home in ("n0", "n1"):
        given_back._require_told(home, {"aa": "paid back"}, oracle)
    with pytest.raises(Violation, match="n1 lost its request for 100 EUR for goods of second 3"):
        given_back._require_told("n1", {}, oracle)
    with pytest.raises(Violation, match="n0 was told that aa is paid back: waiting"):
        given_back._require_told("n0", {"aa": "waiting"}, oracle)


def test_a_home_put_back_need_not_know_of_its_requests() -> None:
    promises = Promises()
    promises.asked("n0", "aa", bytes(32), "redeem of 1.00 EUR", 3.0)
    promises.done["n0"] = dict(promises.requests["n0"])
    promises.asked("n0", "bb", bytes(32), "redeem of 2.00 EUR", 4.0)
    promises.forgot("n0", kept={"bb"})
    assert promises.requests["n0"].keys() == {"bb"}, "what its copy has it must know"
    assert promises.lost["n0"].keys() == {"aa"} and "aa" in promises.done["n0"], "what an issuer logged stays"


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_plan_that_people_have_can_be_published(name: str) -> None:
    """Else no seed ever plays it, and who draws it has no team."""
    for seed in range(5):
        report = lint(plan_from(content_of(name, Stream(seed, name)), name))
        assert report.compiled is not None, report.findings


@pytest.mark.parametrize(
    ("scenario", "seed", "marks"),
    [
        ("credits", 2, ("credit sales logged", "credit entries judged twice", "credit figures compared")),
        ("teams", 0, ("team admitted", "team period closed", "credit entries judged twice")),
        ("swaps", 1, ("swap accepted", "credit swaps done", "credit requests logged")),
    ],
)
def test_a_seed_covers_what_it_is_for(scenario: str, seed: int, marks: tuple[str, ...]) -> None:
    """Or one of the next: what a seed does changes with the program."""
    covered: Counter[str] = Counter()
    for number in range(seed, seed + 4):
        verdict = run(Order(number, scenario))
        assert verdict.passed, f"{verdict.replay}\n{verdict.rule}: {verdict.text}"
        covered.update(verdict.marks)
        if all(covered[each] for each in marks):
            return
    raise AssertionError(f"not covered: {[each for each in marks if not covered[each]]}; {covered}")
