"""Errors name what the person typed: the option, the file, or the place in the file."""

from __future__ import annotations

import pytest

from netnode import node
from netnode.cli import main as program


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
        (("listing", "import"), "a,b\n1,2\n", 2),
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
