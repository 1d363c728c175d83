"""Logs that travel as files between homes that never met."""

from __future__ import annotations

from pathlib import Path

import pytest

from netnode.testing import Mesh, Place


def test_a_file_of_logs_carries_listings_to_a_home_that_never_met_their_seller(
    mesh: Mesh, place: Place, tmp_path: Path
) -> None:
    place.ask("listing", "add", "--kind", "product", "--key", "lamp", "--title", "Brass lamp", "--price", "80.00",
              "--currency", "EUR")  # fmt: skip
    place.ask("listing", "add", "--kind", "service", "--key", "polish", "--title", "Lamp polishing")
    place.ask("listing", "withdraw", "polish")
    stick = tmp_path / "stick.inx"
    place.ask("log", "export", stick)

    ben = mesh.start("ben")  # a running node takes it
    first = ben.ask("log", "import", stick)
    assert (first["added"], first["held"], first["logs"], first["refused"]) == (5, 0, 1, [])
    mine = place.ask("search", "lamp")
    assert ben.ask("search", "lamp") == mine and mine["total"] == 1
    assert ben.ask("log", "verify")["ok"]
    again = ben.ask("log", "import", stick)
    assert (again["added"], again["held"], again["refused"]) == (0, 5, [])

    cleo = Place(tmp_path / "cleo")  # and a home without one
    cleo.ask("init", "--name", "Cleo", "--no-passphrase")
    onward = tmp_path / "onward.inx"
    ben.ask("log", "export", onward)  # everything it holds, not only its own
    cleo.ask("log", "import", onward)
    assert cleo.ask("search", "lamp") == mine
    assert cleo.ask("status")["logs"] == 3


def test_a_file_that_was_tampered_with_changes_nothing(place: Place, tmp_path: Path) -> None:
    place.ask("listing", "add", "--kind", "product", "--key", "lamp", "--title", "Brass lamp")
    stick = tmp_path / "stick.inx"
    place.ask("log", "export", stick)
    data = stick.read_bytes()
    at = data.index(b"Brass")
    stick.write_bytes(data[:at] + b"Glass" + data[at + 5 :])
    other = Place(tmp_path / "other")
    other.ask("init", "--name", "Ben", "--no-passphrase")
    result = other.run("log", "import", stick, "--json")
    assert other.ask("search", "lamp")["total"] == 0
    assert result.code == 1 or result.json["refused"], result
    assert other.ask("log", "verify")["ok"]


@pytest.mark.parametrize("name", ["cut off", "rubbish", "empty"])
def test_a_file_that_is_no_file_of_logs_is_told(place: Place, tmp_path: Path, name: str) -> None:
    stick = tmp_path / "stick.inx"
    place.ask("log", "export", stick)
    data = stick.read_bytes()
    stick.write_bytes({"cut off": data[:-7], "rubbish": b"PK\x03\x04" + bytes(500), "empty": b""}[name])
    result = place.run("log", "import", stick, "--json")
    assert result.code == 1
    assert str(stick.name) in result.sentence or "file" in result.sentence
