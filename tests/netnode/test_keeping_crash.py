"""A node killed while its quotas let go of logs leaves a store that is whole [R-QUOTA-2] [R-LOG-29]."""

from __future__ import annotations

import itertools
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from netnode.store import Reader, room
from tests.netnode.evicting_child import BOUNDS
from tests.netnode.stored import open_reader, open_writer

ROOT = Path(__file__).parents[2]


def killed(path: Path, start: int, lines: int, delay: float) -> int:
    """Kills the child a moment after so many lines; returns where to go on."""
    command = [sys.executable, "-m", "tests.netnode.evicting_child", str(path), str(start)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as child:
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(lines)]
        try:
            child.wait(delay)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
        said += child.stdout.readlines()
    return int([line for line in said if line.endswith("\n")][-1])


def require_whole(reader: Reader) -> None:
    assert reader.check() == []
    for use in room.uses(reader):
        state = reader.load(use.author)
        row = reader.log(use.author)
        assert state is not None and row is not None and state.openers.epoch == 0
        entries = reader.entries(use.author, 0, 2**40 - 1, 2**40)
        assert [entry.seq for entry in entries] == list(range(state.base.seq, state.tip.seq + 1))
        assert all(entry.prev == before.id for before, entry in itertools.pairwise(entries))
        assert entries[0].prev == state.base.prev and entries[-1].id == state.tip.id
        rows = [*entries, *state.openers.entries()]
        assert use.bytes == 512 + sum(350 + 3 * len(entry.record or b"") for entry in rows)
        assert use.cut == (state.base.seq > 0)
    orphans = reader.connection.execute(
        "SELECT count(*) FROM entry WHERE place >> 40 NOT IN (SELECT n FROM log)"
    ).get
    assert orphans == 0
    both = "SELECT count(*) FROM fallen JOIN networker USING (id) JOIN log USING (n)"
    assert reader.connection.execute(both).get == 0


@pytest.mark.parametrize("number", range(3))
def test_a_store_is_whole_after_a_kill_in_the_middle_of_letting_go(tmp_path: Path, number: int) -> None:
    path = tmp_path / "store.sqlite3"
    rng = random.Random(number)
    at = 0
    for _ in range(3):
        at = killed(path, at, rng.randrange(3, 7), rng.random() * 0.2)
        writer = open_writer(path)
        reader = open_reader(path)
        try:
            require_whole(reader)
            assert room.used(reader) <= BOUNDS.pool * 1.5
            assert room.fallen(reader) or room.cut(reader)
        finally:
            reader.connection.close()
            writer.connection.close()
