"""`netnode plan` on the command line: works without a home [R-PLAN-8, 9]."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netnode.plans import laboratory, ready
from netnode.plans.reading import compiled_from
from netnode.problems import ExitCode

PLAN = """
title = "Two levels"
unit = "ref"
currency = "EUR"
maximum = "15%"
unlock_buyers = 1
[[unilevel]]
compression = "none"
rates = ["10%", "5%"]
"""
TREE = """
[members.Ada]
[members.Bob]
sponsor = "Ada"
"""
SALES = """
[[sales]]
referrer = "Ada"
amount = "10"
[[sales]]
id = "big"
referrer = "Bob"
amount = "99.99"
[[sales]]
referrer = "Bob"
amount = "100"
[[sales]]
refund_of = "3"
part = "25%"
[[sales]]
referrer = "Bob"
buyer = "Bob"
amount = "5"
"""


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    found = []
    for name, text in (("plan", PLAN), ("tree", TREE), ("sales", SALES)):
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
        found += [f"--{name}", str(tmp_path / f"{name}.toml")]
    return found


def test_evaluate_gives_the_documented_format(run, files) -> None:
    found = json.loads(run("plan", "evaluate", *files, "--json").out)
    assert set(found) == {"awards", "totals", "state"}
    assert found["awards"][0] == {
        "to": "Ada", "amount": "1", "rule": "unilevel", "level": 1, "base": "10", "rate": "0.1", "sale": "1",
    }  # fmt: skip
    given = [(one["to"], one["amount"], one["sale"]) for one in found["awards"]]
    assert given == [
        ("Ada", "1", "1"), ("Bob", "9.99", "big"), ("Ada", "4.99", "big"),
        ("Bob", "10", "3"), ("Ada", "5", "3"), ("Bob", "-2.5", "3"), ("Ada", "-1.25", "3"),
    ]  # fmt: skip
    assert found["totals"] == {"Ada": "9.74", "Bob": "17.49"}
    assert found["state"]["Ada"] == {"carry": {}, "volume": "184.99", "rank": None, "level": 0}


def test_evaluate_shows_people_a_table(run, files) -> None:
    done = run("plan", "evaluate", *files)
    assert done.code == 0 and "sale big" in done.out and "9.74" in done.out


def test_explain_says_where_an_award_comes_from_and_why_not(run, files) -> None:
    told = run("plan", "explain", *files).out
    assert "Ada: 4.99 ref by unilevel, level 2, sale big: 5 % of 99.99." in told
    assert "Bob: -2.50 ref back of unilevel, sale 3: the sale was refunded." in told
    assert "Sale 5 does not count, or not whole: the buyer is the seller or the referrer" in told
    assert "Bob" not in run("plan", "explain", *files, "--to", "Ada", "--of", "big").out
    assert json.loads(run("plan", "explain", *files, "--to", "Nobody", "--json").out) == []


def test_explain_names_what_was_withheld(run, files) -> None:
    sales = Path(files[-1])
    sales.write_text(SALES.replace('referrer = "Ada"', 'referrer = "Bob"', 1), encoding="utf-8")
    told = run("plan", "explain", *files).out
    assert (
        "Ada: 4.99 ref by unilevel not paid, sale big: too few buyers outside the team in this period (R5)."
        in told
    )


def test_who_is_paid_nothing_is_told_so_and_why_by_the_period_of_the_file(run, files, tmp_path) -> None:
    plan = tmp_path / "binary.toml"
    plan.write_text(ready.text("binary"), encoding="utf-8")
    tree = '[members.Ada]\n[members.Bob]\nsponsor = "Ada"\n[members.Cy]\nsponsor = "Ada"\n'
    Path(files[3]).write_text(tree, encoding="utf-8")
    sold = "".join(
        f'[[sales]]\nreferrer = "{name}"\namount = "300"\nperiod = "May"\n' for name in ("Bob", "Cy")
    )
    Path(files[-1]).write_text(sold, encoding="utf-8")
    given = ["--plan", str(plan), *files[2:]]
    assert "netnode plan explain" in run("plan", "evaluate", *given).out
    told = run("plan", "explain", *given, "--of", "May").out
    assert told == (
        "Ada: 30.00 credit by binary not paid, period May: too few buyers outside the team in this period (R5).\n"
    )


def test_lint_tells_each_rule_and_ends_with_4_for_a_void_plan(run, files) -> None:
    plan = files[1]
    found = json.loads(run("plan", "lint", plan, "--json").out)
    assert found["valid"] and found["bound"] == "0.15"
    (r5,) = (each for each in found["findings"] if each["rule"] == "R5")
    assert r5["verdict"] == "warn" and r5["text"].endswith("outside the team in the period: 1.")
    Path(plan).write_text(PLAN + "[[board]]\n", encoding="utf-8")
    done = run("plan", "lint", plan)
    assert done.code == ExitCode.REFUSED and "recruiting" in done.out
    assert run("plan", "evaluate", *files).code == ExitCode.REFUSED


def test_a_ready_made_plan_is_not_taken_for_a_file(run) -> None:
    refused = run("plan", "new", "unilevel")
    assert refused.code == ExitCode.USAGE and "netnode plan new plan.toml --like unilevel" in refused.err


def test_new_writes_a_ready_made_plan_once(run, tmp_path) -> None:
    file = tmp_path / "mine.toml"
    assert run("plan", "new", str(file)).code == 0
    assert file.read_text(encoding="utf-8") == ready.text("default")
    assert run("plan", "new", str(file)).code == ExitCode.USAGE
    assert run("plan", "new", str(tmp_path / "x.toml"), "--like", "board").code == ExitCode.NOT_FOUND
    assert json.loads(run("plan", "new", "--list", "--json").out) == ready.names()


@pytest.mark.parametrize("name", ready.names())
def test_every_ready_made_plan_is_valid(name: str, tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(ready.text(name), encoding="utf-8")
    compiled = compiled_from(file)
    maximum = compiled.plan.maximum
    assert compiled.bound * maximum[1] <= maximum[0]


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("tree", '[members.Ada]\nsponsor = "Bob"\n[members.Bob]\nsponsor = "Ada"', "stands below itself"),
        ("tree", '[members.Ada]\nsponsor = "Eve"', "Ada: the sponsor Eve is no member"),
        ("tree", '[members.Ada]\nrank = "star"', "the plan has no rank star"),
        ("tree", '[members.Ada]\nsponser = "Bob"', "there is no such key: sponser"),
        ("tree", '[members.Ada]\nplacement = "left"', "placement: is written as"),
        ("sales", "[[sales]]\nreferrer = 'Ada'", "needs an amount, or points"),
        ("sales", "[[sales]]\namount = '1'", "needs a referrer"),
        ("sales", "[[sales]]\nreferrer = 'Ada'\namount = 1.5", "not exact"),
        ("sales", "[[sales]]\nrefund_of = 'x'", "no sale above it"),
        ("sales", "[[sales]]\nreferrer = 'Ada'\namount = '1'\ndate = '2026-13-01'", "is no date"),
        ("sales", "[[sales]]\nreferrer = 'Ada'\namount = '1'\nwhen = '2026'", "there is no such key: when"),
        ("sales", "sales = ", "not valid TOML"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(run, files, file, text, words) -> None:
    path = Path(files[files.index(f"--{file}") + 1])
    path.write_text(text, encoding="utf-8")
    done = run("plan", "evaluate", *files)
    assert done.code == ExitCode.USAGE and words in " ".join(done.err.split())


def test_a_plan_that_looks_at_a_team_needs_a_tree(run, files) -> None:
    done = run("plan", "evaluate", *files[:2], *files[4:])
    assert done.code == ExitCode.USAGE and "--tree" in done.err


def test_lint_reports_what_it_measured(run, tmp_path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(PLAN, encoding="utf-8")
    found = run("plan", "lint", str(file), "--trees", "8", "--json").json
    report = found["report"]
    assert (report["trees"], report["seed"], report["maximum"]["sets"]) == (8, 0, "unilevel")
    assert report["maximum"]["rules"] == {"unilevel": "0.15"} and report["depths"]["unilevel"]["levels"] == 2
    assert [(one["by"], one.get("identities")) for one in report["gains"]] == [
        ("splitting", 2), ("splitting", 3), ("splitting", 5), ("sponsors", None), ("purchases", None),
    ]  # fmt: skip
    assert {"splitting", "sponsors", "cliff", "recruiting", "depth", "order", "R1", "R19"} <= {
        one["rule"] for one in found["findings"]
    }
    told = run("plan", "lint", str(file), "--trees", "8").out
    assert "Maximum share: 15 %, set by unilevel." in told and "of 8 random trees" in told
    assert (
        run("plan", "lint", str(file), "--trees", "8", "--json").json == found
    )  # the same to the last digit


def test_a_void_plan_is_not_measured(run, tmp_path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(PLAN + "[[board]]\n", encoding="utf-8")
    done = run("plan", "lint", str(file), "--json")
    assert done.code == ExitCode.REFUSED and done.json["report"] is None


def test_simulate_measures_a_plan_and_its_families(run, tmp_path) -> None:
    file = tmp_path / "leaders.toml"
    file.write_text(ready.text("leaders"), encoding="utf-8")
    found = run("plan", "simulate", "--plan", str(file), "--trees", "2", "--json").json
    assert [one["family"] for one in found["plans"]] == [None, "unilevel", "infinity", "fast_start", "pool"]
    assert not found["interrupted"]
    told = run("plan", "simulate", "--plan", str(file), "--trees", "2", "--rules-on").out
    assert "split in 2" in told and "fast_start" in told and "from others" in told


def test_simulate_without_a_plan_measures_every_ready_made_one(run) -> None:
    found = run("plan", "simulate", "--trees", "1", "--seed", "3", "--json").json
    assert [one["plan"] for one in found["plans"]] == ready.names() and found["seed"] == 3


def test_a_simulation_that_is_ended_shows_what_it_measured(run, tmp_path, monkeypatch) -> None:
    """Ctrl-C in the third tree."""
    whole = laboratory.measure

    def ended(plan, trees, seed):
        for number, found in enumerate(whole(plan, trees, seed), 1):
            yield found
            if number == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(laboratory, "measure", ended)
    file = tmp_path / "plan.toml"
    file.write_text(PLAN, encoding="utf-8")
    done = run("plan", "simulate", "--plan", str(file), "--trees", "9", "--json")
    assert done.code == 130 and done.json["interrupted"] and done.json["plans"][0]["trees"] == 2
    assert "Ended before" in run("plan", "simulate", "--plan", str(file), "--trees", "9").err


def test_replay_puts_two_plans_side_by_side(run, files, tmp_path) -> None:
    changed = tmp_path / "new.toml"
    changed.write_text(PLAN.replace('"10%", "5%"', '"5%", "10%"'), encoding="utf-8")
    plan, tree, sales = files[1], files[2:4], files[4:6]
    given = ("plan", "replay", "--plan", str(changed), "--against", plan, *tree, *sales)
    found = run(*given, "--json").json
    assert found["members"] == [
        {"member": "Ada", "before": "9.74", "after": "17.99", "difference": "8.25"},
        {"member": "Bob", "before": "17.49", "after": "8.74", "difference": "-8.75"},
    ]
    assert (found["less"], found["more"]) == (1, 1)
    told = run(*given).out
    assert "1 member gets less" in told and "-8.75" in told
    assert run("plan", "replay", "--plan", str(changed)).code == ExitCode.USAGE
    assert (
        run("plan", "replay", "--plan", str(changed), "--team", "t", "--against", plan).code == ExitCode.USAGE
    )


def test_replay_on_a_team_s_log_asks_the_node(ready_home, tmp_path) -> None:
    changed = tmp_path / "new.toml"
    changed.write_text(PLAN, encoding="utf-8")
    done = ready_home("plan", "replay", "--plan", str(changed), "--team", "linen", "--json")
    assert done.json["after"]["title"] == "Two levels" and len(done.json["members"]) == 2
    assert "-1.5" in ready_home("plan", "replay", "--plan", str(changed), "--team", "linen").out
    changed.write_text("title =", encoding="utf-8")
    assert ready_home("plan", "replay", "--plan", str(changed), "--team", "linen").code == ExitCode.USAGE


@pytest.fixture
def ready_home(request):
    return request.getfixturevalue("ready")


@pytest.mark.parametrize(
    ("which", "old", "new", "said"),
    [
        (
            "plan",
            '"none"',
            '"nonne"',
            "unilevel[0].compression: 'nonne' is none of dynamic, inactive, none, rank",
        ),
        ("plan", '"EUR"', '["EUR"]', 'currency: is no text; write currency = "EUR"'),
        ("sales", '"99.99"', '"-99.99"', "sale big: amount: '-99.99' is below zero"),
        ("sales", '"99.99"', f'"{"9" * 21}"', "is too long: at most 20 digits"),
        ("sales", '"99.99"', '"99.99"\ncurrency = "EURO"', "'EURO' is not an ISO 4217 currency code"),
        ("sales", '"99.99"', '"99.99"\ncurrency = 7', "currency: 7 is no name"),
        ("sales", '"99.99"', '"99.99"\ndate = "2026-02-30"', "'2026-02-30' is no date"),
        ("sales", 'buyer = "Bob"', 'buyer = ["Bob"]', "buyer: ['Bob'] is no name"),
        (
            "sales",
            '"99.99"',
            '"99.99"\nperiod = 2',
            "sale 3: is of a period before that of a sale above it, 2",
        ),
        ("tree", '"Ada"', "7", 'Bob: sponsor: 7 is no name; write it in quotes, as "Ada"'),
        (
            "tree",
            "[members.Ada]",
            '[members.Ada]\nsponsor = "Bob"',
            "Ada: stands below itself, by way of Bob",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_place(run, files, which, old, new, said) -> None:
    path = Path(files[files.index(f"--{which}") + 1])
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    done = run("plan", "evaluate", *files)
    assert done.code == ExitCode.USAGE and said in done.err, done.err


def test_names_that_are_not_in_the_tree_and_currencies_without_a_rate_are_pointed_out(run, files) -> None:
    path = Path(files[-1])
    text = path.read_text(encoding="utf-8").replace('"Bob"', '"Bbo"', 1)
    path.write_text(text.replace('"100"', '"100"\ncurrency = "USD"'), encoding="utf-8")
    done = run("plan", "evaluate", *files, "--json")
    assert "Bbo is not in the tree" in done.err and "no rate for USD" in done.err
    assert json.loads(done.out)["totals"]["Bbo"] == "9.99"
    assert "Ada is not" not in done.err
