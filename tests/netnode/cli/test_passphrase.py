"""`key passphrase` on a real home: changed, set, removed, and set anew with the recovery words."""

from __future__ import annotations

import pytest

from netnode import node
from netnode.cli import main as program
from netnode.keys.words import encode_words

ADD = ("listing", "add", "--kind", "product", "--title", "Cap", "--key")


@pytest.fixture
def secrets(tmp_path):
    for name in ("old", "new", "wrong"):
        (tmp_path / name).write_text(f"{name} horse\n")
        (tmp_path / name).chmod(0o600)
    return tmp_path


@pytest.fixture
def real(home, secrets, capfd):
    """A real home under the passphrase in the file `old`, without a running node."""

    def go(*arguments):
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            program.main([str(one) for one in arguments])
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return ended.value.code, out, err

    created = node.initialise(home, name="Ada", passphrase=b"old horse")
    (secrets / "words").write_text(" ".join(created.words))
    return go


def opens(real, key, *options):
    return real(*ADD, key, *options)[0] == 0


def test_it_is_changed_with_the_one_in_use(real):
    code, out, err = real(
        "key", "passphrase", "--passphrase-file", "old", "--new-passphrase-file", "new", "--json"
    )
    assert (code, out, err) == (0, '{"protected":true}\n', "")
    assert opens(real, "a", "--passphrase-file", "new")
    assert not opens(real, "b", "--passphrase-file", "old")


def test_a_forgotten_one_is_replaced_with_the_words(real):
    code, _, err = real("key", "passphrase", "--passphrase-file", "wrong", "--new-passphrase-file", "new")
    assert code == 1 and "netnode key passphrase" in err
    assert opens(real, "a", "--passphrase-file", "old")
    code, out, _ = real("key", "passphrase", "--words-file", "words", "--new-passphrase-file", "new")
    assert (code, out) == (0, "Your keys are under the new passphrase.\n")
    assert opens(real, "b", "--passphrase-file", "new")
    assert real("log", "verify")[0] == 0


def test_words_of_somebody_else_change_nothing(real, secrets):
    (secrets / "other").write_text(" ".join(encode_words(bytes(32))))
    code, _, err = real("key", "passphrase", "--words-file", "other", "--no-passphrase")
    assert code == 4 and "do not open" in err
    assert opens(real, "a", "--passphrase-file", "old")


def test_it_is_removed_and_set(real):
    code, out, err = real("key", "passphrase", "--passphrase-file", "old", "--no-passphrase")
    assert code == 0 and "without a passphrase now" in out and "whoever can read your home" in err
    assert opens(real, "a")
    assert real("key", "passphrase", "--new-passphrase-file", "new")[0] == 0
    assert not opens(real, "b") and opens(real, "b", "--passphrase-file", "new")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "--new-passphrase-file FILE, or --no-passphrase"),
        (("--no-passphrase",), "--passphrase-file FILE"),
        (("--no-passphrase", "--new-passphrase-file", "new"), "contradict"),
        (("--passphrase-file", "old", "--words-file", "words", "--no-passphrase"), "not both"),
        (("--forgotten", "--no-passphrase"), "--words-file FILE"),
    ],
)
def test_what_is_missing_is_named(real, options, says):
    code, _, err = real("key", "passphrase", *options)
    assert code == 2 and says in err
    assert opens(real, "a", "--passphrase-file", "old")


def test_a_running_home_is_left_alone(real, home, secrets):
    from netnode.home import Home
    from netnode.system import SystemDisk

    with Home(home, SystemDisk()).lock():
        code, _, err = real("key", "passphrase", "--passphrase-file", "old", "--new-passphrase-file", "new")
    assert code == 4 and "netnode stop" in err
    assert opens(real, "a", "--passphrase-file", "old")
