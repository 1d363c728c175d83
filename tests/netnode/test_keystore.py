"""The keystore: with and without passphrase, and every way its file can be wrong."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from netnode.home import Home
from netnode.keys import keystore
from netnode.keys.keystore import (
    MAX_PASSPHRASE,
    WARNING,
    Cost,
    EncryptionKeys,
    Keys,
    Keystore,
    Pending,
    read_passphrase_file,
)
from netnode.problems import ExitCode, Problem
from netnode.system import SystemDisk, SystemEntropy
from protocol.recovery import backup_public, backup_seed

_CHEAP = Cost(memory_kib=64, iterations=1, lanes=1)
_SEED, _SESSION = b"\x5a" * 32, b"\x6b" * 32
_KEYS = Keys(
    networker=b"\x01" * 32,
    network="inx",
    epoch=0,
    promise=b"\x02" * 32,
    signing_seed=_SEED,
    session_private=_SESSION,
    session_until=1_800_000_000_000,
    backup_public=b"\x04" * 32,
    backup_key=b"\x7c" * 32,
    encryption=(
        EncryptionKeys(
            x25519=b"\x8d" * 32,
            hybrid=b"\x9e" * 32,
            epoch=0,
            since=1_700_000_000_000,
            until=1_702_000_000_000,
        ),
    ),
)
_PENDING = Pending(
    epoch=1,
    promise=b"\x12" * 32,
    signing_seed=b"\xa5" * 32,
    session_private=b"\xb6" * 32,
    session_until=1_900_000_000_000,
    backup_public=b"\x14" * 32,
    backup_key=b"\xc7" * 32,
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home", SystemDisk())
    made.create()
    return made


def _store(home: Home, cost: Cost = _CHEAP) -> Keystore:
    return Keystore(home, SystemDisk(), SystemEntropy(), cost)


@pytest.mark.parametrize("passphrase", [None, b"correct horse"])
def test_round_trip(home: Home, passphrase: bytes | None) -> None:
    _store(home).create(_KEYS, passphrase)
    assert stat.S_IMODE(home.keys.stat().st_mode) == 0o600
    assert _store(home).open(passphrase) == _KEYS
    public = _store(home).public()
    assert public.protected is (passphrase is not None)
    assert (public.networker, public.network, public.epoch) == (_KEYS.networker, "inx", 0)
    assert (public.signing_key, public.session_key) == (_KEYS.signing_key, _KEYS.session_key)


def test_the_default_cost_is_sane_and_stored(home: Home) -> None:
    _store(home, Cost()).create(_KEYS, b"correct horse")
    stored = json.loads(home.keys.read_bytes())["derivation"]
    assert stored["name"] == "argon2id"
    assert stored["cost"] == {"memory_kib": 65536, "iterations": 3, "lanes": 4}
    assert _store(home).open(b"correct horse") == _KEYS  # by the stored cost, not its own


def test_under_a_passphrase_no_secret_is_in_the_file(home: Home) -> None:
    _store(home).create(_KEYS, None)
    plain = json.loads(home.keys.read_bytes())["plain"]
    home.keys.unlink()
    _store(home).create(_KEYS, b"correct horse")
    content = home.keys.read_text()
    assert "plain" not in json.loads(content)
    for secret in ("signing_seed", "session_private", "backup_key"):
        assert plain[secret] not in content
    for key in plain["encryption"]:
        assert key["x25519"] not in content and key["hybrid"] not in content


def test_no_secret_in_repr(home: Home) -> None:
    store = _store(home)
    store.create(_KEYS, b"correct horse")
    shown = repr(_KEYS) + repr(store) + repr(store._lock) + repr(store.public()) + repr(store._read())
    home.keys.unlink()
    store.create(_KEYS, None)
    shown += repr(store._read()) + repr(store._read().plain)
    encryption = [(key.x25519, key.hybrid) for key in _KEYS.encryption]
    shown += repr(_KEYS.with_pending(_PENDING))
    for secret in (
        _SEED,
        _SESSION,
        _KEYS.backup_key,
        _PENDING.signing_seed,
        _PENDING.backup_key,
        *encryption[0],
    ):
        assert repr(secret)[2:-1] not in shown
        assert secret.hex() not in shown


def test_a_wrong_passphrase(home: Home) -> None:
    _store(home).create(_KEYS, b"correct horse")
    with pytest.raises(Problem, match="does not open") as caught:
        _store(home).open(b"wrong horse")
    assert caught.value.exit_code is ExitCode.FAILED
    assert caught.value.code == "passphrase"
    assert "wrong horse" not in str(caught.value)


def test_a_missing_passphrase_names_the_option(home: Home) -> None:
    _store(home).create(_KEYS, b"correct horse")
    with pytest.raises(Problem, match="--passphrase-file") as caught:
        _store(home).open(None)
    assert caught.value.exit_code is ExitCode.USAGE


def test_an_accent_is_an_accent_however_it_is_typed(home: Home) -> None:
    _store(home).create(_KEYS, "caf\u00e9".encode())
    assert _store(home).open("cafe\u0301".encode()) == _KEYS


def test_a_passphrase_need_not_be_text(home: Home) -> None:
    _store(home).create(_KEYS, b"\xff\xfe\x00")
    assert _store(home).open(b"\xff\xfe\x00") == _KEYS


@pytest.mark.parametrize("empty", [b"", b" \n"])
def test_an_empty_passphrase_is_refused(home: Home, empty: bytes) -> None:
    with pytest.raises(Problem, match="protects nothing"):
        _store(home).create(_KEYS, empty)
    assert not home.initialised()


def test_keys_are_never_overwritten_by_create(home: Home) -> None:
    _store(home).create(_KEYS, None)
    with pytest.raises(Problem, match="already") as caught:
        _store(home).create(_KEYS, None)
    assert caught.value.exit_code is ExitCode.REFUSED


@pytest.mark.parametrize("passphrase", [None, b"correct horse"])
def test_renewing_the_session_key_needs_the_passphrase_once(home: Home, passphrase: bytes | None) -> None:
    _store(home).create(_KEYS, passphrase)
    before = home.keys.read_bytes()
    store = _store(home)
    renewed = store.open(passphrase).with_session_key(b"\x7c" * 32, 1_900_000_000_000)
    store.save(renewed)
    assert home.keys.read_bytes() != before
    reopened = _store(home).open(passphrase)
    assert reopened == renewed
    assert (reopened.session_until, reopened.signing_seed) == (1_900_000_000_000, _SEED)


def test_a_rotation_replaces_key_epoch_and_promise(home: Home) -> None:
    store = _store(home)
    store.create(_KEYS, b"correct horse")
    store.save(_KEYS.with_pending(_PENDING).promoted())
    public = _store(home).public()
    assert (public.epoch, public.promise, public.networker) == (1, b"\x12" * 32, _KEYS.networker)


def test_the_passphrase_can_change(home: Home) -> None:
    _store(home).create(_KEYS, None)
    _store(home).protect(_KEYS, b"new")
    assert _store(home).open(b"new") == _KEYS


def test_saving_what_was_not_opened_is_a_bug_here(home: Home) -> None:
    with pytest.raises(RuntimeError):
        _store(home).save(_KEYS)


def test_others_may_not_read_it(home: Home) -> None:
    _store(home).create(_KEYS, None)
    home.keys.chmod(0o644)
    with pytest.raises(Problem, match=f"chmod 600 {home.keys}"):
        _store(home).public()


def test_no_keys(home: Home) -> None:
    with pytest.raises(Problem, match="netnode init") as caught:
        _store(home).public()
    assert caught.value.exit_code is ExitCode.NOT_FOUND


def _edit(home: Home, *path: str, value: Any) -> None:
    content = json.loads(home.keys.read_bytes())
    place = content
    for name in path[:-1]:
        place = place[name]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    home.keys.write_text(json.dumps(content))


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"{", b"[]", b"null", b"\xff\xfe\x00", b"x" * 100_000, b"[" * 100_000, b"{}"]
)
def test_a_damaged_file_is_a_sentence(home: Home, content: bytes) -> None:
    home.keys.write_bytes(content)
    home.keys.chmod(0o600)
    for call in (_store(home).public, lambda: _store(home).open(b"x")):
        with pytest.raises(Problem, match=r"is damaged: .*recovery words"):
            call()


@pytest.mark.parametrize("passphrase", [None, b"correct horse"])
def test_every_cut_of_the_file_is_a_sentence(home: Home, passphrase: bytes | None) -> None:
    _store(home).create(_KEYS, passphrase)
    content = home.keys.read_bytes().rstrip()
    for length in range(0, len(content), 7):
        home.keys.write_bytes(content[:length])
        with pytest.raises(Problem):
            _store(home).open(passphrase)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("public", "epoch"), 1),
        (("public", "network"), "other"),
        (("public", "networker"), "A" * 43 + "="),
        (("public", "protected"), False),
        (("public", "session_until"), 2**50),
        (("derivation", "cost", "iterations"), 2),
        (("derivation", "salt"), "A" * 22 + "=="),
        (("sealed", "nonce"), "A" * 16),
        (("sealed", "ciphertext"), ""),
        (("sealed",), None),
        (("derivation",), None),
    ],
)
def test_nothing_beside_the_ciphertext_can_be_altered(home: Home, path: tuple[str, ...], value: Any) -> None:
    _store(home).create(_KEYS, b"correct horse")
    _edit(home, *path, value=value)
    with pytest.raises(Problem):
        _store(home).open(b"correct horse")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("derivation", "cost", "memory_kib"), 2**40),
        (("derivation", "cost", "iterations"), 10**9),
        (("derivation", "cost", "lanes"), 0),
        (("derivation", "name"), "md5"),
    ],
)
def test_a_cost_that_would_eat_the_machine_is_damage(home: Home, path: tuple[str, ...], value: Any) -> None:
    _store(home).create(_KEYS, b"correct horse")
    _edit(home, *path, value=value)
    with pytest.raises(Problem, match="is damaged"):
        _store(home).open(b"correct horse")


def test_plain_keys_must_belong_together(home: Home) -> None:
    _store(home).create(_KEYS, None)
    _edit(home, "plain", "signing_seed", value="A" * 43 + "=")
    with pytest.raises(Problem, match="do not belong together"):
        _store(home).open(None)


def test_a_newer_keystore_asks_for_an_upgrade(home: Home) -> None:
    _store(home).create(_KEYS, None)
    _edit(home, "version", value=2)
    with pytest.raises(Problem, match=r"version 2.*Upgrade netnode"):
        _store(home).open(None)


def test_the_warning_is_plain() -> None:
    assert "without a passphrase" in WARNING


# -- the passphrase file ---------------------------------------------------------------------------------------
def _file(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("content", "passphrase"),
    [
        (b"secret", b"secret"),
        (b"secret\n", b"secret"),
        (b"secret\r\n", b"secret"),
        (b"secret\n\n", b"secret\n"),
        (b" secret ", b" secret "),
    ],
)
def test_one_newline_is_taken_off(tmp_path: Path, content: bytes, passphrase: bytes) -> None:
    assert read_passphrase_file(_file(tmp_path / "p", content)) == (passphrase, None)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_passphrase_others_can_read_is_warned_of(tmp_path: Path, mode: int) -> None:
    passphrase, warning = read_passphrase_file(_file(tmp_path / "p", b"secret", mode))
    assert passphrase == b"secret"
    assert warning is not None
    assert "chmod 600" in warning


@pytest.mark.parametrize("content", [b"", b"\n", b"  \n"])
def test_an_empty_passphrase_file(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Problem, match="is empty") as caught:
        read_passphrase_file(_file(tmp_path / "p", content))
    assert caught.value.exit_code is ExitCode.USAGE


def test_no_passphrase_file(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no such file"):
        read_passphrase_file(tmp_path / "none")
    with pytest.raises(Problem, match="it is a folder"):
        read_passphrase_file(tmp_path)


def test_a_passphrase_file_of_any_size_is_not_read_whole(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="longer than"):
        read_passphrase_file(_file(tmp_path / "p", b"x" * (MAX_PASSPHRASE + 1)))
    read_passphrase_file(_file(tmp_path / "p", b"x" * MAX_PASSPHRASE))
    with pytest.raises(Problem, match="longer than"):
        read_passphrase_file(Path("/dev/zero"))


def _full(descriptor: int) -> None:
    raise OSError(28, "No space left on device")


def test_a_full_disk_keeps_the_old_keys(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    store = _store(home)
    store.create(_KEYS, None)
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(Problem, match="the disk is full"):
        store.save(_KEYS.with_session_key(b"\x7c" * 32, 1))
    assert _store(home).open(None) == _KEYS


def test_a_folder_in_place_of_the_keys(home: Home) -> None:
    home.keys.mkdir()
    with pytest.raises(Problem, match="it is a folder"):
        _store(home).public()


def test_too_little_memory_is_a_sentence(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    class Starved:
        def __init__(self, **parameters: object) -> None:
            pass

        def derive(self, passphrase: bytes) -> bytes:
            raise MemoryError

    monkeypatch.setattr(keystore, "Argon2id", Starved)
    with pytest.raises(Problem, match="MiB of memory"):
        _store(home, Cost()).create(_KEYS, b"correct horse")


@pytest.mark.parametrize("passphrase", [None, b"correct horse"])
def test_a_rotation_waits_beside_the_keys_in_force(home: Home, passphrase: bytes | None) -> None:
    store = _store(home)
    store.create(_KEYS, passphrase)
    store.save(_KEYS.with_pending(_PENDING))
    kept = _store(home).open(passphrase)
    assert kept.pending == _PENDING
    assert (kept.epoch, kept.signing_key) == (0, _KEYS.signing_key)  # nothing is in force yet
    after = kept.promoted()
    store.save(after)
    assert _store(home).open(passphrase) == after
    assert after.pending is None
    assert (after.epoch, after.promise, after.signing_key) == (1, _PENDING.promise, _PENDING.signing_key)
    assert after.encryption == _KEYS.encryption  # what was sealed to them can still be opened
    assert after.session_private != _KEYS.session_private and after.backup_key != _KEYS.backup_key


def test_nothing_is_promoted_that_is_not_pending() -> None:
    with pytest.raises(LookupError):
        _KEYS.promoted()


def test_the_public_part_tells_what_a_backup_is_sealed_to_and_until_when_others_seal(home: Home) -> None:
    _store(home).create(_KEYS, b"correct horse")
    public = _store(home).public()
    assert public.backup_public == _KEYS.backup_public
    assert public.encryption_until == _KEYS.encryption[-1].until
    assert _KEYS.with_encryption(()).encryption_until == 0


# -- the recovery words in place of the passphrase -------------------------------------------------------------
_WORDS, _NEW_WORDS = bytes(range(32)), bytes(range(1, 33))


def _of_words(entropy: bytes, keys: Keys = _KEYS) -> Keys:
    return replace(keys, backup_public=backup_public(keys.network, entropy))


def test_the_words_open_keys_whose_passphrase_is_forgotten(home: Home) -> None:
    keys = _of_words(_WORDS)
    _store(home).create(keys, b"forgotten")
    seed = backup_seed("inx", _WORDS)
    store = _store(home)
    assert store.open_by_words(seed) == keys
    store.protect(keys, b"new")
    assert _store(home).open(b"new") == keys == _store(home).open_by_words(seed)
    with pytest.raises(Problem, match="does not open"):
        _store(home).open(b"forgotten")
    assert seed.hex() not in home.keys.read_text()


def test_words_that_are_not_in_force_open_nothing(home: Home) -> None:
    """After a rotation with new words it is those that do, and the old ones no longer."""
    store = _store(home)
    store.create(_of_words(_WORDS), b"correct horse")
    with pytest.raises(Problem, match="do not open") as caught:
        _store(home).open_by_words(backup_seed("inx", _NEW_WORDS))
    assert (caught.value.exit_code, caught.value.code) == (ExitCode.REFUSED, "other_words")
    pending = msgspec.structs.replace(_PENDING, backup_public=backup_public("inx", _NEW_WORDS))
    after = _of_words(_WORDS).with_pending(pending).promoted()
    store.save(after)
    assert _store(home).open_by_words(backup_seed("inx", _NEW_WORDS)) == after
    with pytest.raises(Problem, match="do not open"):
        _store(home).open_by_words(backup_seed("inx", _WORDS))


def test_words_of_another_networker_with_the_same_file_open_nothing(home: Home) -> None:
    _store(home).create(_of_words(_WORDS), b"correct horse")
    data = json.loads(home.keys.read_text())
    _store(home).protect(_of_words(_WORDS, replace(_KEYS, networker=b"\x03" * 32)), b"correct horse")
    other = json.loads(home.keys.read_text())
    home.keys.write_text(json.dumps(data | {"spare": other["spare"]}))
    with pytest.raises(Problem, match="do not open"):
        _store(home).open_by_words(backup_seed("inx", _WORDS))


def test_a_keystore_of_before_names_the_other_way(home: Home) -> None:
    keys = _of_words(_WORDS)
    _store(home).create(keys, b"correct horse")
    data = json.loads(home.keys.read_text())
    del data["spare"]
    home.keys.write_text(json.dumps(data))
    with pytest.raises(Problem, match="netnode recover") as caught:
        _store(home).open_by_words(backup_seed("inx", _WORDS))
    assert (caught.value.exit_code, caught.value.code) == (ExitCode.REFUSED, "no_spare")
    store = _store(home)
    store.save(store.open(b"correct horse"))  # as when a session key is renewed
    assert _store(home).open_by_words(backup_seed("inx", _WORDS)) == keys


def test_keys_without_a_passphrase_need_no_words(home: Home) -> None:
    _store(home).create(_KEYS, None)
    assert "spare" not in json.loads(home.keys.read_text())
    assert _store(home).open_by_words(bytes(32)) == _KEYS
