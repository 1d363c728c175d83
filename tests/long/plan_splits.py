"""Random trees: the default plan pays nobody for splitting, false sponsors, own purchases; unilevel shows its gain."""

from __future__ import annotations

import argparse
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from functools import cache

from netnode.plans import laboratory, ready, reporting
from netnode.plans.worlds import Draws, draw_world, inserted, price_of, splits, thresholds, unit_of
from protocol.plans.document import Compiled


def options(parser: argparse.ArgumentParser) -> None:
    """How many trees, from which on, which seed, and in how many processes."""
    parser.add_argument("--trees", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first tree")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--members", type=int, default=1, help="of each tree that cheat, drawn")
    parser.add_argument("--processes", type=int, default=2)


def run(chosen: argparse.Namespace) -> str:
    """Tries every cheat in every tree, with the rules on buyers met and as they are; ends with an assertion."""
    trees = range(chosen.first, chosen.first + chosen.trees)
    with ProcessPoolExecutor(chosen.processes) as pool:
        seeds, members = [chosen.seed] * len(trees), [chosen.members] * len(trees)
        counts: Counter[str] = Counter()
        gained = 0
        rounds = pool.map(tried_in, trees, seeds, members, chunksize=16)
        for number, (tried, gains) in enumerate(rounds, 1):
            counts += tried
            gained += gains
            if number % 500 == 0:
                print(f"{number:,} trees, {counts.total():,} cheats, none gains", flush=True)
    for name, count in sorted(counts.items()):
        print(f"{count:9,} {name}", flush=True)
    assert gained > len(trees) // 2, f"unilevel gains in {gained} trees only: the laboratory is blind"
    linted("default", chosen.seed, gains=False)
    linted("unilevel", chosen.seed, gains=True)
    return f"{len(trees):,} trees: none gains under the default plan, {gained:,} do under unilevel"


@cache
def plans(name: str) -> tuple[Compiled, Compiled]:
    """A ready-made plan, and the same as if its rules on buyers were met."""
    plan = ready.compiled(name)
    return plan, laboratory.opened(plan)


def tried_in(tree: int, seed: int, members: int) -> tuple[Counter[str], bool]:
    """What was tried in one tree, and whether the same tree gains under unilevel."""
    return try_default(tree, seed, members), unilevel_gains(tree, seed)


def try_default(tree: int, seed: int, members: int) -> Counter[str]:
    """Asserts that nothing gains in one tree; returns how many of each cheat were tried."""
    plan, opened = plans("default")
    counts = refuted(opened, tree, seed, members)
    strict = refuted(
        plan, tree, seed, members, purchases=False
    )  # the tenth buyer is worth having: keys are free
    return counts + Counter({f"{name}, rules on buyers as they are": count for name, count in strict.items()})


def refuted(plan: Compiled, tree: int, seed: int, members: int, *, purchases: bool = True) -> Counter[str]:
    """Members of a tree try every cheat; what all their names are paid is never more, to the minor unit."""
    draws = Draws(seed, tree)
    world = draw_world(plan, draws)
    honest = laboratory.paid(plan, world)
    found: Counter[str] = Counter()
    for who in sorted({draws.choice(tuple(world.sponsors)) for _ in range(members)}):
        for count in laboratory.IDENTITIES:
            for cheat, names in splits(world, who, count, draws):
                after = laboratory.paid(plan, cheat)
                assert sum(after[name] for name in names) <= honest[who], (
                    "splitting",
                    seed,
                    tree,
                    who,
                    cheat,
                )
                found[f"splitting in {count}"] += 1
        for cheat, names in inserted(world, who, draws):
            after = laboratory.paid(plan, cheat)
            where = ("sponsors", seed, tree, who, cheat)
            assert all(after[name] == honest[name] for name in world.sponsors if name != who), where
            together = sum(after[name] for name in names)  # rounded twice instead of once
            assert together <= honest[who] and (not purchases or together >= honest[who] - 1), where
            found["false sponsors, and nobody else is paid otherwise"] += 1
        if purchases:
            found["purchases"] += bought(plan, world, who, honest[who], draws, (seed, tree, who))
    return found


def bought(plan, world, who, before, draws, where) -> int:
    """Purchases through anybody in the group: up to each step, and the last unit before it, pay less than they cost."""
    sold = sum(world.own(name) for name in world.group(who))
    one, tried = unit_of(plan), 0
    through = draws.choice(world.group(who))
    for mark in thresholds(plan):
        for now in {sold, world.own(who)}:
            missing = mark - now
            if missing <= 0:
                continue
            reached = laboratory.paid(plan, world.bought(through, missing))[who]
            short = (
                laboratory.paid(plan, world.bought(through, missing - one))[who] if missing > one else before
            )
            assert reached - before <= price_of(plan, missing) * Fraction(1, 5) + 1, ("purchase", where, mark)
            assert reached - short <= price_of(plan, min(one, missing)), ("last unit", where, mark)
            tried += 1
    return tried


def unilevel_gains(tree: int, seed: int) -> bool:
    """Whether splitting gains under a unilevel, in the very same trees."""
    _, plan = plans("unilevel")
    draws = Draws(seed, tree)
    world = draw_world(plans("default")[0], draws)
    honest = laboratory.paid(plan, world)
    return any(
        sum(laboratory.paid(plan, cheat)[name] for name in names) > honest[who]
        for who in sorted(world.sponsors, key=world.own, reverse=True)
        for cheat, names in splits(world, who, 2, draws)
    )


def linted(name: str, seed: int, *, gains: bool) -> None:
    """The linter says of a ready-made plan what was found."""
    plan, opened = plans(name)
    *_, found = laboratory.measure(opened, 50, seed)
    verdicts: dict[str, set[str]] = {}
    for finding in reporting.measured(plan, found):
        verdicts.setdefault(finding.rule, set()).add(finding.verdict)
    expected = {"warn"} if gains else {"pass"}
    assert verdicts["splitting"] == verdicts["sponsors"] == expected, (name, verdicts)
    assert verdicts["purchases"] == verdicts["cliff"] == {"pass"}, (name, verdicts)
