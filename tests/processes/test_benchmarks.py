"""The benchmarks run: a small cold copy, and the shape of what is said about it."""

from __future__ import annotations

from tests.benchmarks import cold_copy, sources
from tests.benchmarks.__main__ import machine, show, versions
from tests.benchmarks.sources import Workload


def test_a_small_cold_copy_is_measured(capsys) -> None:
    small = Workload("small", 20, 10)
    figures = cold_copy.measure(small, rounds=1)
    assert figures["own"] > 0 and len(figures["runs"]) == 1 and figures["gate alone"] > 0
    assert 0 < figures["seconds"]["committed"] <= figures["seconds"]["searchable"]
    assert figures["rival"] is None is figures["ratio"]
    show({"machine": machine(), "versions": versions(), "small": figures})
    assert "200 entries of" in capsys.readouterr().out


def test_the_workloads_are_those_of_the_table() -> None:
    assert (sources.W1A.entries, sources.W1A.networkers) == (10_000, 1)
    assert (sources.W1B.entries, sources.W1B.networkers) == (10_000, 1_000)
    _, entry_bytes = sources.log_file(Workload("few", 3, 50))
    assert 450 < entry_bytes < 550
