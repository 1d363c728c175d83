"""Every command, alone and with a running node."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from netnode.cli import node
from netnode.operations import models
from tests.netnode.cli.running import node_running
from tests.netnode.fake_services import ME, OTHER, FakeServices

# -- commands --------------------------------------------------------------------------------------------------
ADD = ("listing", "add", "--key", "k", "--kind", "product", "--title", "Red shirt", "--price", "12.50")


def everything(run, tmp_path):
    """Every command once; the answers with --json."""
    feed, runs = tmp_path / "feed.csv", tmp_path / "runs.inx"
    feed.write_text("Handle\nhat\nshoe")
    answers = {}
    for arguments in (
        ("status",),
        (*ADD, "--currency", "eur", "--tag", "a", "--tag", "b"),
        ("listing", "ls"),
        ("listing", "show", "k"),
        ("listing", "edit", "k", "--title", "Blue shirt", "--clear", "tags"),
        ("search", "shirt", "--kind", "product", "--limit", "5"),
        ("listing", "import", feed, "--currency", "usd"),
        ("listing", "export", tmp_path / "out.csv", "--format", "shopify"),
        ("listing", "withdraw", "hat"),
        ("listing", "ls", "--all", "--limit", "2"),
        ("profile", "show"),
        ("profile", "edit", "--name", "Bo", "--bio", "Hi"),
        ("invite",),
        ("invite", "--qr"),
        ("peer", "add", "ws://127.0.0.1:9/inx/1"),
        ("peer", "ls"),
        ("peer", "show", "ws://127.0.0.1:9/inx/1"),
        ("peer", "addresses", "--limit", "2"),
        ("peer", "rm", "ws://127.0.0.1:9/inx/1"),
        ("peer", "block", OTHER),
        ("follow", OTHER),
        ("following",),
        ("unfollow", OTHER),
        ("moderate", "block", OTHER, "--reason", "spam"),
        ("moderate", "report", f"{OTHER}/x", "--reason", "fraud"),
        ("moderate", "ls"),
        ("log", "ls", "--author", ME),
        ("log", "heads"),
        ("log", "verify"),
        ("log", "export", runs),
        ("log", "import", runs),
        ("config", "path"),
        ("config", "ls"),
        ("config", "set", "hops", "2"),
        ("config", "get", "hops"),
        ("completion", "zsh"),
    ):
        result = run(*arguments)
        assert result.code == 0, (arguments, result.err)
        answers[" ".join(str(part) for part in arguments[:3])] = result
    return answers


def test_every_command_without_a_running_node(ready, tmp_path):
    answers = everything(lambda *arguments: ready(*arguments, "--json"), tmp_path)
    assert {name: type(one.json) for name, one in answers.items()} == dict.fromkeys(answers, dict)
    assert set(answers["listing add --key"].json) == {"key", "ref", "entry"}
    shown = answers["search shirt --kind"].json
    assert (shown["total"], shown["next"]) == (1, None)
    assert shown["items"][0]["price"] == {"amount": "12.50", "minor": 1250, "currency": "EUR"}
    imported = answers[f"listing import {tmp_path / 'feed.csv'}"].json
    assert imported == {
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "withdrawn": 0,
        "skipped": [{"row": 9, "field": "title", "reason": "it has none"}],
        "pictures": 0,
        "not_fetched": [],
    }
    assert answers[f"listing export {tmp_path / 'out.csv'}"].json == {
        "exported": 3,
        "not_carried": [{"key": "k", "field": "points"}],
        "currency": "EUR",
    }
    assert (tmp_path / "out.csv").read_bytes() == b"Name\nk\nhat\nshoe\n"
    assert set(answers["invite"].json) == {"uri"}
    assert len(answers["listing ls --all"].json["items"]) == 2
    assert len(answers["peer addresses --limit"].json["items"]) == 2
    assert set(answers["peer show ws://127.0.0.1:9/inx/1"].json) == {"peer", "addresses"}
    assert answers["listing ls --all"].json["next"] is not None
    assert (tmp_path / "runs.inx").read_bytes() == b"runs" * 50_000


def test_every_command_for_a_person(ready, tmp_path):
    answers = everything(ready, tmp_path)
    assert "12.50 EUR" in answers["search shirt --kind"].out
    assert "2 created" in answers[f"listing import {tmp_path / 'feed.csv'}"].out
    exported = answers[f"listing export {tmp_path / 'out.csv'}"]
    assert "Wrote 3 listings" in exported.out and "points" in exported.out and "EUR" in exported.err
    assert "Size: M" in answers["listing show k"].out
    assert (
        "\N{UPPER HALF BLOCK}" in answers["invite --qr"].out or "\N{FULL BLOCK}" in answers["invite --qr"].out
    )
    assert "\x1b" not in answers["log ls --author"].out
    assert "All is well" in answers["log verify"].out
    assert "#compdef netnode" in answers["completion zsh"].out
    assert "--cursor" in answers["listing ls --all"].err
    assert "kept" in answers["peer addresses --limit"].out
    assert "Connection refused" in answers["peer addresses --limit"].out
    assert "named" in answers["peer show ws://127.0.0.1:9/inx/1"].out


def test_every_command_with_a_running_node(ready, runtime, home, tmp_path):
    alone = everything(lambda *arguments: ready(*arguments, "--json"), tmp_path)
    runtime.opened_with.clear()
    services = FakeServices(home)
    (home / "config.toml").unlink()
    with node_running(home, services):
        reached = everything(lambda *arguments: ready(*arguments, "--json"), tmp_path)
    assert runtime.opened_with == []
    for name, result in reached.items():
        if name != "status":
            assert result.json == alone[name].json, name
    assert reached["status"].json["running"] is True


def test_verify_with_problems_is_exit_1_and_one_document(ready, runtime):
    runtime.services.log.problems.append(models.LogProblem(OTHER, 3, "signature", "it is wrong"))
    result = ready("log", "verify", "--json")
    assert (result.code, result.json["ok"]) == (1, False)
    assert "it is wrong" in ready("log", "verify").out


def test_an_import_with_refused_entries_is_exit_4_and_one_document(ready, runtime, tmp_path):
    file = tmp_path / "carried"
    file.write_bytes(b"runs")
    runtime.services.log.problems.append(models.LogProblem(OTHER, 3, "signature", "it is wrong"))
    result = ready("log", "import", file, "--json")
    assert (result.code, len(result.json["refused"])) == (4, 1)
    assert "it is wrong" in ready("log", "import", file).out


def test_an_export_that_breaks_off_leaves_no_file(ready, runtime, tmp_path):
    runtime.services.log.breaks = True
    before = sorted(tmp_path.iterdir())
    assert ready("log", "export", tmp_path / "out.inx").code == 1
    assert sorted(tmp_path.iterdir()) == before
    assert ready("log", "export", tmp_path / "no" / "out.inx").code == 1


def test_a_feed_without_currency_is_exit_2(ready, tmp_path):
    feed = tmp_path / "feed.csv"
    feed.write_text("Handle\nhat")
    result = ready("listing", "import", feed, "--json")
    assert result.code == 2
    assert "--currency" in result.json["error"]["text"]


def test_a_feed_over_20_mib_is_refused_before_it_is_sent(ready, tmp_path):
    feed = tmp_path / "feed.csv"
    with feed.open("wb") as file:
        file.truncate(20 * 1024 * 1024 + 1)
    result = ready("listing", "import", feed, "--currency", "EUR", "--json")
    assert (result.code, result.json["error"]["code"]) == (1, "too_large")


def test_a_form_in_a_file_and_options_over_it(ready, runtime, tmp_path):
    form = tmp_path / "shirt.toml"
    form.write_text(
        'key = "shirt"\nkind = "product"\ntitle = "Red"\nexpires = 2030-12-31\n'
        '[area]\ncountry = "DE"\n[[variants]]\noptions = { Size = "M" }\n'
    )
    (tmp_path / "text.md").write_text("# Long")
    assert (
        ready(
            "listing",
            "add",
            "--from",
            form,
            "--title",
            "Blue",
            "--region",
            "Berlin",
            "--ship-to",
            "DE=4.90",
            "--ship-to",
            "*",
            "--image",
            "https://x.example/a.png",
            "--description-file",
            tmp_path / "text.md",
            "--no-ships",
            "--format",
            "markdown",
        ).code
        == 0
    )
    assert runtime.services.listings.fields["shirt"] == {
        "key": "shirt",
        "kind": "product",
        "title": "Blue",
        "expires": "2030-12-31",
        "area": {"country": "DE", "region": "Berlin"},
        "variants": [{"options": {"Size": "M"}}],
        "shipping": [{"regions": ["DE"], "price": "4.90"}, {"regions": ["*"]}],
        "images": [{"url": "https://x.example/a.png"}],
        "description": "# Long",
        "ships": False,
        "format": "markdown",
    }
    assert ready("listing", "edit", "other", "--from", form).code == 2


@pytest.mark.parametrize("content", [b"key = ", b"\xff\xfe", b"x = [" * 5000])
def test_a_form_that_is_no_toml(ready, tmp_path, content):
    form = tmp_path / "bad.toml"
    form.write_bytes(content)
    result = ready("listing", "add", "--from", form)
    assert result.code == 2
    assert "bad.toml" in result.err


def test_settings_need_no_networker(run, home):
    assert run("config", "path", "--json").json == {"path": str(home / "config.toml")}
    assert run("config", "set", "peers", "ws://a.example/inx/1, ws://b.example/inx/1").code == 0
    assert run("config", "get", "peers", "--json").json["value"] == [
        "ws://a.example/inx/1",
        "ws://b.example/inx/1",
    ]
    first = run("config", "ls", "--json", "--limit", "3").json
    rest = run("config", "ls", "--json", "--cursor", first["next"]).json
    assert len(first["items"]) == 3 and rest["items"] and rest["next"] is None
    assert run("config", "ls", "--cursor", "x").code == 2


def test_the_network_of_a_networker_never_changes(run, home):
    assert run("config", "set", "network", "test-1").code == 0
    assert run("init", "--name", "Ada", "--no-passphrase").code == 0
    told = run("config", "set", "network", "other")
    assert (told.code, told.out) == (4, "")
    assert "another home" in told.err
    assert run("config", "set", "network", "test-1").code == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(run, shell):
    result = run("completion", shell)
    assert result.code == 0
    assert "_NETNODE_COMPLETE" in result.out
    assert "To install" in result.err


def test_completion_completes():
    environment = {
        **os.environ,
        "_NETNODE_COMPLETE": "bash_complete",
        "COMP_WORDS": "netnode listing ",
        "COMP_CWORD": "2",
    }
    done = subprocess.run([sys.executable, "-m", "netnode"], capture_output=True, env=environment, check=True)
    assert b"plain,import" in done.stdout


def test_who_is_new_is_told_how_to_meet_others() -> None:
    """A fresh home said "0 known, 0 sessions open", and not what to do about it."""
    fields = {
        "id": "nx1",
        "name": "Ada",
        "running": True,
        "version": "1",
        "home": "/h",
        "entries": 2,
        "logs": 1,
    }
    fields |= {"listings": 0, "own_listings": 0, "lag": 0}
    alone = models.Status(**fields, sessions=0, peers=0)
    assert node._peers(alone) == "none yet; add one: netnode peer add LINK"
    assert node._peers(models.Status(**fields, sessions=0, peers=1)).startswith("1 known, 0 sessions open")
