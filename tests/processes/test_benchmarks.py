"""The benchmarks run, each at a small size, and what they say has the shape that is promised."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks import __main__ as benchmarks
from tests.benchmarks import audit, closing, cold_copy, crowd, growth, live, sources
from tests.benchmarks.rivals.children import HERE, child
from tests.benchmarks.rivals.installing import NPM, PYPI, Rivals
from tests.benchmarks.sources import Workload

ROW = {"own", "unit", "rival", "ratio", "runs", "durability"}


def test_a_small_cold_copy_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    small = Workload("small", 20, 10)
    figures = cold_copy.measure(small, rounds=1)
    assert figures.keys() >= ROW
    assert figures["own"] > 0 and len(figures["runs"]) == 1 and figures["gate alone"] > 0
    assert 0 < figures["seconds"]["committed"] <= figures["seconds"]["searchable"]
    assert figures["rival"] is None is figures["ratio"]
    benchmarks.show({"machine": benchmarks.machine(), "versions": benchmarks.versions(), "W1b": figures})
    assert "cold copy" in capsys.readouterr().out


def test_a_short_line_is_measured(tmp_path: Path) -> None:
    took = live.line(tmp_path, 3, nodes=3, pause=0.0)
    assert len(took) == 3 and all(0 < each < 5_000 for each in took)


def test_a_small_crowd_is_measured() -> None:
    figures = crowd.measure(sessions=3, seconds=0.2, quiet=0.1)
    assert figures["sessions"] == 3 and figures["KB a session"] > 0


def test_a_small_store_is_measured() -> None:
    figures = growth.measure(rounds=1, listings=300, entries=100, queries=20)
    assert figures["start s"] > 0 and figures["memory MB"]["up"] > 10
    assert all(rate > 0 for rate in figures["ingest entries/s"].values())
    assert figures["search"]["p99 ms"] >= figures["search"]["p50 ms"] > 0


def test_a_few_sales_are_audited() -> None:
    figures = audit.measure(1, sales=30, credits=100)
    # Why not more than 0: it is a difference of two times, and so few sales take less than what else goes on
    assert len(figures["audited runs/s"]) == 1 and figures["audited/s"] == figures["audited runs/s"][0]
    assert figures["published one by one/s"] > 0 and figures["balance ms"] > 0


def test_a_small_period_is_closed_watched_and_audited() -> None:
    rows = closing.measure(members=300, sales=200)
    assert rows.keys() == {"W5b", "W5c", "W5d"}
    assert rows["W5b"]["awards"] > 50 and rows["W5b"]["close s"] >= 0
    assert 0 < rows["W5c"]["delay s"] <= rows["W5c"]["worst delay s"]
    assert rows["W5d"]["audit s"] >= 0 and rows["W5d"]["outsider"]["state MB"] >= 0


def test_the_workloads_are_those_of_the_table() -> None:
    assert (sources.W1A.entries, sources.W1A.networkers) == (10_000, 1)
    assert (sources.W1B.entries, sources.W1B.networkers) == (10_000, 1_000)
    _, entry_bytes = sources.log_file(Workload("few", 3, 50))
    assert 450 < entry_bytes < 550
    assert (live.NODES, live.ENTRIES, crowd.SESSIONS, growth.LISTINGS) == (5, 300, 256, 1_000_000)
    assert (audit.CREDITS, closing.MEMBERS, closing.SALES) == (1_000_000, 1_000_000, 1_000_000)


def test_the_ratio_of_the_line_is_the_worse_of_the_two(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(live, "line", lambda *_: [2.0] * 99 + [8.0])
    monkeypatch.setattr(live.running, "gossip_line", lambda *_: [6.0] * 99 + [12.0])
    monkeypatch.setattr(Rivals, "has", lambda *_: True)
    row = live.measure(3, Rivals(tmp_path), 100)
    assert row.keys() >= ROW
    assert row["ratios"] == {"median": 3.0, "p99": 1.5} and row["ratio"] == 1.5
    assert [each["ratios"] for each in row["shorter pauses"].values()] == [row["ratios"]] * 2


def test_what_the_program_prints(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"own": 2, "unit": "ms", "rival": None, "ratio": None, "runs": [2], "durability": "none"}
    monkeypatch.setattr(
        benchmarks, "TABLE", {"W2": lambda *_: {"W2": row, "W2a": row}, "W3": lambda *_: {"W3": row}}
    )
    for arguments, rows in ((["--only", "W2a"], {"W2", "W2a"}), ([], {"W2", "W2a", "W3"})):
        monkeypatch.setattr("sys.argv", ["benchmarks", "--json", *arguments])
        benchmarks.main()
        said = capsys.readouterr()
        assert json.loads(said.out).keys() == {"machine", "versions", *rows}
        assert "W2: " in said.err


def test_a_folder_without_rivals_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks", "--rivals", str(tmp_path)])
    with pytest.raises(SystemExit, match="--install-rivals"):
        benchmarks.main()


def test_rivals_are_found_where_they_were_installed(tmp_path: Path) -> None:
    rivals = Rivals(tmp_path)
    assert not any(rivals.has(name) for name in (*NPM, *PYPI))
    package = tmp_path / "node_modules" / "@libp2p" / "gossipsub"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"version": "17.1.1"}')
    (tmp_path / "venv" / "lib" / "python3.0" / "site-packages" / "nostr_sdk-0.44.8.dist-info").mkdir(
        parents=True
    )
    assert (rivals.version("@libp2p/gossipsub"), rivals.version("nostr-sdk")) == ("17.1.1", "0.44.8")


def test_a_rival_that_fails_says_why(tmp_path: Path) -> None:
    with (
        child([*Rivals(tmp_path).node, HERE / "ssb.cjs", tmp_path, tmp_path, "serve"]) as failing,
        pytest.raises(RuntimeError, match="ssb-keys"),
    ):
        failing.document()
