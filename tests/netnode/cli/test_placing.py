"""Errors name what the person typed: the option, the file, or the place in the file."""

from __future__ import annotations

import pytest

from netnode import node
from netnode.cli import main as program
from netnode.cli.forms import EXAMPLE
from netnode.problems import Problem


@pytest.fixture
def real(home, capfd):
    """Commands on a real home without a running node."""

    def go(*arguments):
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            program.main([str(one) for one in arguments])
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return ended.value.code, out, err

    node.initialise(home, name="Ada", passphrase=None)
    return go


ADD = ("listing", "add", "--key", "k", "--kind", "product", "--title", "T")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--price", "12,50", "--currency", "EUR"), "--price: '12,50' is not an amount"),
        (("--price", "12.50"), "--currency: is missing"),
        (("--tax", "x", "--tax-added"), "--tax: tax, rate: 'x' is not a number"),
        (("--ship-to", "DE=x", "--currency", "EUR"), "--ship-to: shipping 1, price: 'x'"),
        (("--country", "Germany"), "--country: "),
        (("--expires", "tomorrow"), "--expires: 'tomorrow' is not a date"),
        (("--tag", ""), "--tag: tags 1: "),
        (("--points", "many"), "--points: 'many'"),
    ],
)
def test_a_wrong_field_is_named_by_its_option(real, options, says):
    code, out, err = real(*ADD, *options)
    assert (code, out) == (2, "")
    assert err.startswith(f"Error: {says}")


def test_a_wrong_field_of_a_file_is_named_with_the_file(real, tmp_path):
    form = tmp_path / "hat.toml"
    form.write_text('key = "hat"\nkind = "product"\ntitle = "Hat"\ncommission = 12.5\n')
    assert real("listing", "add", "--from", form)[2].startswith(f"Error: {form}: commission: write")
    fixed = real("listing", "add", "--from", form, "--commission", "1e9")
    assert fixed[2].startswith("Error: --commission: '1e9'")
    assert real("listing", "add", "--from", form, "--commission", "10")[0] == 0


@pytest.mark.parametrize(
    ("command", "content", "code"),
    [
        (("listing", "import"), "a,b\n1,2\n", 1),
        (("listing", "import"), "", 1),
        (("listing", "import"), "Handle,Title,Variant Price\na,A,1\n", 2),
        (("log", "import"), "no runs\n", 1),
    ],
)
def test_a_wrong_file_is_named(real, tmp_path, command, content, code):
    file = tmp_path / "given"
    file.write_text(content)
    found, out, err = real(*command, file)
    assert (found, out) == (code, "")
    assert err.startswith(f"Error: {file}: ")


# -- what a person reads ---------------------------------------------------------------------------------------
FORM = """
key = "linen"
kind = "product"
title = "Linen shirt"
description = "First line.\\nSecond line."
currency = "EUR"
price = "49.00"
sale = "39.00"
sale_until = 2031-01-31
expires = 2031-12-31
ships = true
tax = { rate = "19" }
options = ["Size"]
[area]
country = "DE"
region = "Berlin"
[[images]]
url = "https://shop.example/a.jpg"
[[shipping]]
regions = ["DE", "AT"]
price = "4.90"
days = [1, 3]
label = "Post"
[[variants]]
options = { Size = "S" }
"""


def test_a_listing_is_shown_in_words(real, tmp_path):
    form = tmp_path / "linen.toml"
    form.write_text(FORM)
    assert real("listing", "add", "--from", form)[0] == 0
    lines = real("listing", "show", "linen")[1].splitlines()
    said = {line.split("  ")[0]: line.split("  ")[-1].strip() for line in lines}
    assert (said["ships"], said["area"]) == ("yes", "DE Berlin")
    assert said["sale until"] == "2031-01-31 23:59 UTC"  # the day named is the last one
    assert said["expires"] == "2031-12-31 23:59 UTC"
    assert said["tax"] == "19 % VAT, included, also in shipping"
    assert said["shipping"] == "DE, AT: 4.90 (Post, 1-3 days)"
    assert lines[-3:] == ["", "First line.", "Second line."]
    edited = real("listing", "edit", "linen", "--title", "Shirt")
    assert edited[0] == 0
    assert real("listing", "show", "linen")[1].splitlines()[8:] == lines[8:]


def test_words_of_a_search_need_no_quotes(real):
    assert real(*ADD)[0] == 0
    assert '"total":1' in real("search", "t", "", "--kind", "product", "--json")[1]
    assert '"total":0' in real("search", "T", "shirt", "--json")[1]


@pytest.mark.parametrize("option", ["--key", "--title"])
def test_a_blank_name_is_none(real, option):
    assert real(*ADD, option, "  ")[1:] == ("", f"Error: {option}: is missing.\n")


def test_an_invite_for_this_computer_only_says_so(ready):
    told = ready("invite")
    assert "this computer only" in told.err and '"LINK"' in told.err
    assert "node runs" in ready("peer", "add", "ws://127.0.0.1:9/inx/1").err


def test_the_file_in_the_help_text_makes_that_listing(real, tmp_path):
    code, out, _ = real("listing", "add", "--help")
    shown = [line[4:] for line in out[out.index('    key = "') :].splitlines()]
    assert (code, "\n".join(shown).strip()) == (0, EXAMPLE.strip())
    form = tmp_path / "linen-shirt.toml"
    form.write_text("\n".join(shown))
    assert real("listing", "add", "--from", form)[0] == 0
    assert "from 49.00 EUR" in real("listing", "show", "linen-shirt")[1]


def test_lost_keys_never_cost_the_store(real, home):
    assert real(*ADD)[0] == 0
    (home / "keys.json").rename(home / "elsewhere")
    before = (home / "store.sqlite3").read_bytes()
    for command in (("status",), ("init", "--name", "Bo", "--no-passphrase"), ("start", "--name", "Bo")):
        code, _, err = real(*command)
        assert (code, "keys are gone" in err) == (4, True)
    assert (home / "store.sqlite3").read_bytes() == before
    with pytest.raises(Problem, match="keys are gone"):
        node.initialise(home, name="Bo", passphrase=None)
    (home / "elsewhere").rename(home / "keys.json")
    assert real("listing", "show", "k")[0] == 0
