"""Chance by named streams of one seed."""

from __future__ import annotations

from netnode.simulator.chance import SimEntropy, Stream

RECORDED = (446398229, "ce5559896c0a7413", 1.795613)


def draws(stream: Stream) -> list[object]:
    members = list(range(20))
    stream.shuffle(members)
    return [stream.random(), stream.below(1000), stream.choice("abc"), stream.token(8), members]


def test_the_same_seed_and_name_draw_the_same() -> None:
    assert draws(Stream(7, "a")) == draws(Stream(7, "a"))


def test_other_seeds_and_names_draw_otherwise() -> None:
    drawn = [Stream(seed, name).token(16) for seed in range(20) for name in ("a", "b", "a b", "")]
    assert len(set(drawn)) == len(drawn)


def test_a_draw_in_one_stream_moves_no_other() -> None:
    one, other = Stream(1, "a"), Stream(1, "b")
    before = Stream(1, "b").token(16)
    one.token(100)
    assert other.token(16) == before


def test_weights_say_how_often() -> None:
    stream = Stream(9, "weights")
    drawn = [stream.weighted({"often": 9, "never": 0, "seldom": 1}) for _ in range(1_000)]
    assert 50 < drawn.count("seldom") < 150 and "never" not in drawn


def test_what_a_seed_draws_never_changes() -> None:
    """Recorded: a replay line is worth something only while this holds."""
    stream = Stream(42, "recorded")
    assert (stream.below(10**9), stream.token(8).hex(), round(stream.uniform(1, 2), 6)) == RECORDED


def test_a_part_has_a_stream_of_its_own() -> None:
    whole = Stream(3, "a")
    assert whole.stream("part").token(8) == Stream(3, "a part").token(8)
    assert whole.token(8) == Stream(3, "a").token(8)


def test_entropy_comes_from_its_stream() -> None:
    entropy = SimEntropy(Stream(5, "keys"))
    assert entropy.token(32) == Stream(5, "keys").token(32)
    assert 1.0 <= entropy.uniform(1.0, 2.0) <= 2.0
    members = list(range(10))
    entropy.shuffle(members)
    assert sorted(members) == list(range(10))
