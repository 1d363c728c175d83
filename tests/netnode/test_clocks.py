"""A clock that is wrong where fewer than three chosen peers tell: its owner is warned, by two voices, never by one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from netnode.problems import lasting
from netnode.services.doctor import computer
from netnode.sync.clocks import Doubt, PeerClocks
from netnode.system import SystemClock
from protocol.certificate import DAY_MS
from protocol.limits import CLOCK_TOLERANCE_MS
from tests.netnode.dealing import CAP
from tests.netnode.mesh import NOW, Mesh, level
from tests.netnode.services_home import opened

TODAY = 1_790_000_000_000  # the doctor finds a clock of long ago wrong by years
HERE, FAR = "network 1", "network 2"


@dataclass
class Clock:
    """A wall clock that is set, beside the time that passes."""

    now: int = NOW
    passed: float = 5.0

    def now_ms(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return 0.0  # it stands still while the computer sleeps

    def elapsed(self) -> float:
        return self.passed

    def sleep(self, ms: int) -> None:
        self.now += ms
        self.passed += ms / 1000


def clocks(*told: tuple[int, str, bool]) -> tuple[PeerClocks, Clock]:
    """A node whose peers' clocks are so many ms ahead of the true time: each with its network, chosen or not."""
    clock = Clock()
    found = PeerClocks(clock)
    for number, (ahead, group, chosen) in enumerate(told):
        found.greeted(bytes([number]) * 32, NOW + ahead, group, chosen=chosen)
    return found, clock


@pytest.mark.parametrize("chosen", [True, False])
@pytest.mark.parametrize("lie", [DAY_MS, -DAY_MS])
def test_one_peer_that_lies_is_heard_by_nobody(chosen: bool, lie: int) -> None:
    for honest in ([], [(0, FAR, True)], [(0, FAR, False)], [(0, FAR, True), (0, FAR, False)]):
        found, _ = clocks((lie, HERE, chosen), *honest)
        doubt = found.doubt()
        assert doubt is None or not (doubt.sure or doubt.alone)
        assert computer.clock(TODAY, None, found.skew(), doubt).state == "ok"


def test_one_operator_with_many_peers_has_one_voice() -> None:
    found, _ = clocks((0, FAR, True), *((DAY_MS, HERE, False) for _ in range(20)))
    assert found.skew() is None and found.doubt() is None
    # Nor with the one that the owner chose.
    found, _ = clocks((DAY_MS, HERE, True), *((DAY_MS, HERE, False) for _ in range(20)))
    assert found.doubt() == Doubt(DAY_MS, sure=False, alone=False)


@pytest.mark.parametrize(("side", "word"), [(1, "behind"), (-1, "ahead")])
def test_two_voices_that_agree_are_told(side: int, word: str) -> None:
    for other in (True, False):
        found, _ = clocks((side * DAY_MS * 3, HERE, True), (side * DAY_MS * 4, FAR, other))
        assert found.doubt() == Doubt(side * DAY_MS * 3, sure=True, alone=False)
        check = computer.clock(TODAY, None, found.skew(), found.doubt())
        assert check.state == "warn" and f"3 days {word}" in check.text and check.mend
    found, _ = clocks((DAY_MS, HERE, True), (-DAY_MS, FAR, True))
    assert found.doubt() is None  # they do not agree


def test_a_clock_that_jumps_while_one_peer_is_there() -> None:
    """The jump and the peer say the same; where a peer says that the clock is right, it was wrong before."""
    found, clock = clocks((0, HERE, True))
    clock.now += 40 * DAY_MS
    assert found.doubt() == Doubt(-40 * DAY_MS, sure=True, alone=False)
    clock.now -= 40 * DAY_MS
    assert found.doubt() is None
    found, clock = clocks((40 * DAY_MS, HERE, True))
    assert found.doubt() == Doubt(40 * DAY_MS, sure=False, alone=False)
    clock.now += 40 * DAY_MS  # set right while it runs
    assert found.doubt() is None


def test_a_clock_that_jumps_while_nobody_is_there() -> None:
    found, clock = clocks()
    assert found.doubt() is None
    clock.now += CLOCK_TOLERANCE_MS
    assert found.doubt() is None
    clock.now += 2 * DAY_MS
    doubt = found.doubt()
    assert doubt is not None and doubt.alone
    check = computer.clock(TODAY, None, None, doubt)
    assert check.state == "warn" and "was set 2 days ahead while the node ran" in check.text


def test_a_sleep_is_no_jump() -> None:
    found, clock = clocks((0, HERE, True))
    clock.sleep(60 * DAY_MS)
    assert found.was_set() is None and found.doubt() is None
    before = SystemClock().elapsed()
    assert SystemClock().elapsed() >= before


def test_three_chosen_peers_need_no_doubt() -> None:
    found, _ = clocks(*((DAY_MS, HERE, True) for _ in range(3)))
    assert found.skew() == DAY_MS and found.doubt() is None


async def test_a_node_with_one_peer_notices_the_jump_and_goes_on(mesh: Mesh) -> None:
    a, b = await mesh.node("a"), await mesh.node("b")
    await a.join(b)
    await level(a, b)
    a.clock.now += 40 * DAY_MS
    doubt = a.keeper.doubt()
    assert a.keeper.skew() is None
    assert doubt is not None and doubt.sure and doubt.off == pytest.approx(-40 * DAY_MS, abs=60_000)
    assert b.keeper.doubt() is None  # it was told the time before the jump


async def test_status_and_doctor_tell_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path, "ada", running=True) as home:
        told = (await home.services.node.status()).clock
        assert told is not None and told.endswith("wrong by years: it says 2023-11-14.")
        home.clock.now = TODAY
        assert (await home.services.node.status()).clock is None
        monkeypatch.setattr(home.sessions, "doubt", lambda: Doubt(-40 * DAY_MS, sure=True, alone=False))
        told = (await home.services.node.status()).clock
        assert told is not None and "40 days ahead" in told
        monkeypatch.setattr(home.sessions, "doubt", lambda: None)
        await home.services.listings.publish(dict(CAP))
        home.clock.now -= 30 * DAY_MS
        told = (await home.services.node.status()).clock
        assert told is not None and told.startswith("Your newest entry is dated 30 days ahead")


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (0, "0 s"),
        (-119_999, "119 s"),
        (120_000, "2 minutes"),
        (7_200_000, "2 hours"),
        (-40 * DAY_MS, "40 days"),
    ],
)
def test_lengths_of_time_in_words(ms: int, said: str) -> None:
    assert lasting(ms) == said
