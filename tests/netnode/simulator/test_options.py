"""Options of a run: drawn from the seed, frozen, with parts left out."""

from __future__ import annotations

from collections import Counter

from netnode.simulator.chance import Stream
from netnode.simulator.options import DEALINGS, FAULTS, TOPOLOGIES, Options, drawn


def test_the_same_seed_draws_the_same() -> None:
    assert drawn(Stream(7, "options")) == drawn(Stream(7, "options"))
    assert len({drawn(Stream(seed, "options")) for seed in range(40)}) > 30


def test_every_class_of_fault_is_on_in_some_runs_and_off_in_others() -> None:
    """Swarm testing: a fault that is always there hides what others would show."""
    runs = [drawn(Stream(seed, "options"), ("liar", "forker")) for seed in range(100)]
    counted = Counter(each for run in runs for each in (*run.faults, *run.byzantine, *run.dealings))
    assert set(counted) == {*FAULTS, *DEALINGS, "liar", "forker"}
    assert all(10 < count < 90 for count in counted.values())
    assert {run.topology for run in runs} == set(TOPOLOGIES)


def test_what_is_left_out_is_out() -> None:
    options = Options(faults=("clog", "crash"), byzantine=("liar",), dealings=("mandates",))
    options = options.without("crash", "liar", "mandates", "no such thing")
    assert (options.faults, options.byzantine, options.dealings) == (("clog",), (), ())
    assert options.has("clog") and not options.has("crash")
    assert options.record()["faults"] == ("clog",)
