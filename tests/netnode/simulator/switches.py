"""One rule of the node taken out at a time, from outside, and the scenario that has to notice.

The shipped node has no option, variable or import for any of this: the functions are replaced while a run lasts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import netnode.assembly
import netnode.homes.restoring
import netnode.ingest
import protocol.forks
import protocol.log
import protocol.openers
import protocol.run
import protocol.standing
from netnode.ingest import Gate
from netnode.keeping import Keeping
from netnode.own.caution import Caution
from netnode.simulator.running import Order, Verdict, run
from protocol.entry import Entry
from protocol.errors import NotHeld
from tests.netnode.simulator import credit_switches, fault_switches, ledger_switches

Off = Callable[[ExitStack], None]
SEEDS = 200


@dataclass(frozen=True, slots=True)
class Switch:
    """A rule, how it is taken out, the scenario that shows it, and which of the simulator's rules may tell."""

    name: str
    off: Off
    scenario: str
    tells: tuple[str, ...]


def _signatures(stack: ExitStack) -> None:
    for module in (protocol.log, protocol.openers, protocol.run, protocol.forks, protocol.standing):
        stack.enter_context(patch.object(module, "signature_valid", lambda *_: True))


def _unanchored(network: str, key: bytes, entries: Any, sealed: bool) -> int:
    """`protocol.run.proved` without its look at anchors."""
    end = len(entries)
    while not sealed and end and not protocol.run.signature_valid(network, key, entries[end - 1]):
        end -= 1
    return end


def _anchors(stack: ExitStack) -> None:
    stack.enter_context(patch.object(protocol.log, "proved", _unanchored))
    stack.enter_context(patch.object(Entry, "is_anchor", property(lambda _: False)))


def _forks(stack: ExitStack) -> None:
    def nothing(*_: Any) -> None:
        raise NotHeld("stale", "no fork is looked for")

    stack.enter_context(patch.object(protocol.log, "_fork", nothing))
    stack.enter_context(patch.object(netnode.ingest, "receive_proof", lambda state, *_: state))


def _catching_up(stack: ExitStack) -> None:
    async def begin(*_: Any) -> None:
        return

    stack.enter_context(patch.object(netnode.assembly, "mark", lambda *_: None))
    stack.enter_context(patch.object(netnode.homes.restoring, "mark", lambda *_: None))
    stack.enter_context(patch.object(Caution, "begin", begin))


def _durability(stack: ExitStack) -> None:
    admit = Gate.admit

    async def hasty(gate: Gate, chain: Any, *, durable: bool = False, **named: Any) -> Any:
        return await admit(gate, chain, **named)

    stack.enter_context(patch.object(Gate, "admit", hasty))


def _quotas(stack: ExitStack) -> None:
    async def nothing(*_: Any) -> None:
        return

    stack.enter_context(patch.object(Keeping, "full", lambda _: False))
    stack.enter_context(patch.object(Keeping, "sweep", nothing))
    stack.enter_context(patch.object(Keeping, "look", nothing))


# What is asserted of dishonest issuers, and the second implementation, which may be the first to tell
BOTH = ("credit", "ledger")
SWITCHES = {
    each.name: each
    for each in (
        Switch("signature check", _signatures, "forgeries", ("forged", "authentic")),
        Switch("anchor rule", _anchors, "forgeries", ("forged", "authentic")),
        Switch("fork detection", _forks, "forks", ("liveness", "authentic", "noise")),
        Switch("catch-up before append", _catching_up, "restore", ("fork", "framed", "catch_up")),
        Switch("durability before send", _durability, "crashes", ("durable", "acknowledged")),
        Switch("quota", _quotas, "flood", ("quota",)),
        Switch("buyers sign", credit_switches.buyers_sign, "credits_forged", BOTH),
        Switch("awards are recomputed", credit_switches.awards_are_recomputed, "credits_forged", BOTH),
        Switch("plans bind", credit_switches.plans_bind, "credits_forged", BOTH),
        Switch("refunds are confirmed", credit_switches.refunds_are_confirmed, "credits_forged", BOTH),
        Switch("buyers dispute", credit_switches.buyers_dispute, "credits_forged", BOTH),
        Switch("holders sign", credit_switches.holders_sign, "credits_forged", BOTH),
        Switch("forks bind", credit_switches.forks_bind, "credits_forked", BOTH),
        Switch("evidence stays", credit_switches.evidence_stays, "credits_escape", BOTH),
        Switch("evidence of a fork stays", credit_switches.evidence_stays, "credits_forked", BOTH),
        Switch("silence is shown", credit_switches.silence_is_shown, "credits_silent", BOTH),
        Switch("refusing is having", credit_switches.refusing_is_having, "credits_silent", BOTH),
        Switch("swaps are in time", credit_switches.swaps_are_in_time, "swaps_evil", BOTH),
        Switch("locks are proved", credit_switches.locks_are_proved, "swaps_evil", BOTH),
        Switch("branches prove swaps", credit_switches.branches_prove_swaps, "swaps_evil", BOTH),
        Switch("cover binds", credit_switches.cover_binds, "swaps_evil", BOTH),
        Switch("movements are covered", ledger_switches.movements_are_covered, "credits", ("ledger",)),
        Switch("recipients consent", ledger_switches.recipients_consent, "credits", ("ledger",)),
        Switch("refunds take back", ledger_switches.refunds_take_back, "credits", ("ledger",)),
        Switch("drafts are judged", ledger_switches.drafts_are_judged, "credits", ("ledger",)),
        Switch("dates come", ledger_switches.dates_come, "found-future-receipt", ("sales",)),
        Switch("sales are logged", ledger_switches.sales_are_logged, "credits", ("sales",)),
        Switch("swaps go back", ledger_switches.swaps_go_back, "swaps", ("swaps",)),
        Switch("refunds are logged", ledger_switches.refunds_are_logged, "credits", ("sales",)),
        Switch("shops carry letters", ledger_switches.shops_carry_letters, "credits", ("shoppers",)),
        Switch("shops bear witness", ledger_switches.shops_bear_witness, "credits", ("sales",)),
        Switch("goods have a rate", ledger_switches.goods_have_a_rate, "teams", ("buybacks",)),
        Switch("moves are agreed", ledger_switches.moves_are_agreed, "teams", ("ledger",)),
        Switch("challenges are answered", ledger_switches.challenges_are_answered, "teams", ("challenges",)),
        Switch(
            "folds are whole",
            ledger_switches.folds_are_whole,
            "credits",
            ("fold", "figures", "ledger", "sales"),
        ),
        Switch("letters are repeated", fault_switches.letters_are_repeated, "credits_returned", ("credit",)),
        Switch(
            "comparing begins anew", fault_switches.comparing_begins_anew, "credits_returned", ("credit",)
        ),
        Switch(
            "catch-up in a market", _catching_up, "credits_returned", ("fork", "framed", "catch_up", "mend")
        ),
        Switch("counters are new", fault_switches.counters_are_new, "credits_returned", ("credit",)),
        Switch(
            "lost requests are found", fault_switches.lost_requests_are_found, "credits_returned", ("credit",)
        ),
        Switch("lost locks are found", fault_switches.lost_locks_are_found, "swaps_returned", ("credit",)),
    )
}


@contextmanager
def taken_out(switch: Switch) -> Iterator[None]:
    """The rule does not hold while the context lasts."""
    with ExitStack() as stack:
        switch.off(stack)
        yield


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of the runs without a rule.

    Attributes:
        verdict: of the first run that fails without the rule and passes with it; None: there was none.
        seeds: how many were run.
        sick: of runs that fail without the rule and with it: they say nothing of it.
    """

    verdict: Verdict | None
    seeds: int
    sick: tuple[Verdict, ...]


def first_failure(
    switch: Switch, first: int = 0, seeds: int = SEEDS, honest: Callable[[Order], Verdict] = run
) -> Tried:
    """Tries one seed after the other until a run notices that the rule is gone.

    Args:
        switch: the rule.
        first: seed.
        seeds: how many at most.
        honest: runs a seed with every rule in place.
    """
    sick: list[Verdict] = []
    for number in range(seeds):
        order = Order(first + number, switch.scenario)
        with taken_out(switch):
            verdict = run(order)
        if verdict.passed:
            continue
        whole = honest(order)
        if whole.passed:
            return Tried(verdict, number + 1, tuple(sick))
        sick.append(whole)
    return Tried(None, seeds, tuple(sick))
