"""Each invariant of a ledger, taken out of the production code: a test that stands for it fails.

invariant   what is taken out                                         the test that fails then
L1          who receives credit is not credited                       sums of all figures
L2          what an effect gave before it changed stays               figures as recomputed from entry 0
L3          a request is not recognised when it comes again           the same again has no effect
L4          a part has effect before the last has come                a group has effect with its last part
L5          a freeze does not end by itself                           60 days past the hold
L6          nobody looks at what is available                         nothing moves more than is available
L7          everybody is willing to hold any amount                   a stranger receives within a limit
L8          rounded up units are not taken back                       the declared share, for any prefix
L9          awards stated are not recomputed                          another award voids the sale
L10         rounding up                                               one rounding, toward zero
L11         refunds take nothing off awards                           what remains is in proportion
L12         a raise looks at the tree of today                        as of the first entry
L13         of two branches the newer one counts                      a fork binds on every branch
L14         silence is never overdue                                  the deadline of a challenge
L15         the longest branch is right                               a transfer stays on whichever branch
L16         an entry that is not known is passed over                 unknown from there
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from protocol.ledger import challenges, effects, movements, selling
from protocol.ledger.accounts import Account, Accounts
from protocol.ledger.book import Book, Verdict
from protocol.ledger.effects import NEVER, movement_id
from protocol.ledger.groups import Groups
from protocol.ledger.union import Union
from protocol.plans import evaluate, gates
from tests.protocol.ledger import test_challenges, test_invariants, test_later, test_union

Test = Callable[[], None]
Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Switch:
    """How an invariant is taken out, and the test that has to notice."""

    off: Callable[[Patch], None]
    test: Test


def _l1(patch: Patch) -> None:
    patch.setattr(Accounts, "_pass", lambda self, account, value, lots, sign: None)


def _l2(patch: Patch) -> None:
    patch.setattr(Account, "take", lambda self, lot: None)


def _l3(patch: Patch) -> None:
    fresh = count()
    patch.setattr(movements, "movement_id", lambda id: movement_id(id) + str(next(fresh)).encode())


def _l4(patch: Patch) -> None:
    patch.setattr(Groups, "take", lambda self, seq, part: iter((part.content,)))


def _l5(patch: Patch) -> None:
    patch.setattr(selling, "FREEZE_MS", NEVER // 2)


def _l6(patch: Patch) -> None:
    patch.setattr(movements, "_cover", lambda state, time, request, lasts, final: ((NEVER, request.amount),))


def _l7(patch: Patch) -> None:
    patch.setattr(movements, "_limit", lambda state, time, record, request: None)


def _l8(patch: Patch) -> None:
    patch.setattr(gates, "trimmed", lambda amounts, most: tuple(amounts))


@dataclass(frozen=True)
class Believed:
    """A sale as assessed, but for the awards: those that its entry states."""

    assessed: Any
    lines: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.assessed, name)


def _l9(patch: Patch) -> None:
    right = selling.assess

    def believe(state: Any, content: Any, *rest: Any, **named: Any) -> Any:
        return Believed(right(state, content, *rest, **named), content.awards)

    patch.setattr(selling, "assess", believe)


def _l10(patch: Patch) -> None:
    patch.setattr(gates, "down", lambda value, den: -int(-value // den))
    patch.setattr(evaluate, "down", lambda value, den: -int(-value // den))


def _l11(patch: Patch) -> None:
    patch.setattr(effects.Sold, "base", property(lambda self: self.earned))


@dataclass(frozen=True)
class Today:
    """A tree as it is now, whatever moment is asked for."""

    tree: Any

    def __getattr__(self, name: str) -> Any:
        return lambda person, at=None: getattr(self.tree, name)(person)


def _l12(patch: Patch) -> None:
    raised = selling.raise_sale
    patch.setattr(selling, "raise_sale", lambda plan, team, *rest: raised(plan, Today(team), *rest))


def _l13(patch: Patch) -> None:
    patch.setattr(Union, "add", _longest)


def _l14(patch: Patch) -> None:
    patch.setattr(challenges, "DEADLINE_MS", NEVER // 2)


def _longest(self: Union, other: Union) -> None:
    """As systems do that follow the longest branch."""
    if max(other.branches) > max(self.branches, default=(-1, b"")):
        self.__init__(other.branches, other.effects)  # type: ignore[misc]


def _l16(patch: Patch) -> None:
    patch.setattr(Book, "_lost", lambda self, entry, why: Verdict(None))


def _other_awards() -> None:
    test_invariants.test_l9_an_award_that_is_not_what_the_plan_comes_to_voids_the_sale("amount")


def _unknown_from_there() -> None:
    test_invariants.test_l16_a_missing_record_or_unknown_kind_makes_the_ledger_unknown_from_there(44)


SWITCHES = {
    "L1": Switch(
        _l1, test_invariants.test_l1_every_amount_that_leaves_somebody_is_with_somebody_else_or_gone
    ),
    "L2": Switch(_l2, test_invariants.test_l2_the_running_figures_are_those_recomputed_from_entry_0),
    "L3": Switch(_l3, test_invariants.test_l3_the_same_sale_or_request_again_has_no_effect),
    "L4": Switch(_l4, test_invariants.test_l4_a_group_has_effect_with_its_last_part_and_not_before),
    "L5": Switch(_l5, test_invariants.test_l5_a_freeze_ends_60_days_past_the_hold_without_anyone_acting),
    "L6": Switch(_l6, test_invariants.test_l6_nothing_moves_more_than_is_available),
    "L7": Switch(_l7, test_invariants.test_l7_a_stranger_receives_only_within_a_limit_they_signed),
    "L8": Switch(
        _l8, test_invariants.test_l8_awards_never_come_to_more_than_the_declared_share_for_any_prefix
    ),
    "L9": Switch(_l9, _other_awards),
    "L10": Switch(_l10, test_invariants.test_l10_one_rounding_toward_zero_and_no_award_of_zero),
    "L11": Switch(_l11, test_invariants.test_l11_what_remains_of_an_award_is_in_proportion_to_the_base_now),
    "L12": Switch(_l12, test_later.test_l12_a_later_sale_of_the_order_raises_awards_as_of_the_first),
    "L13": Switch(
        _l13, test_union.test_l13_a_fork_binds_the_issuer_on_every_branch_and_the_shortfall_is_the_issuers
    ),
    "L14": Switch(_l14, test_challenges.test_a_covered_request_has_standing_until_it_is_logged),
    "L15": Switch(_l13, test_union.test_l15_a_transfer_under_a_head_the_payee_holds_stays_on_whatever_branch),
    "L16": Switch(_l16, _unknown_from_there),
}


@pytest.mark.parametrize("invariant", SWITCHES)
def test_each_invariant_switched_off_is_caught(invariant: str, monkeypatch: Patch) -> None:
    switch = SWITCHES[invariant]
    switch.test()  # holds as it is
    switch.off(monkeypatch)
    with pytest.raises(AssertionError):
        switch.test()


def test_all_invariants_are_in_the_table() -> None:
    assert list(SWITCHES) == [f"L{number}" for number in range(1, 17)]
