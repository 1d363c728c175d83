"""Settings: the table, the file with its comments, and every wrong value a person can write."""

from __future__ import annotations

import dataclasses
import os
import stat
from pathlib import Path

import pytest
import tomlkit

from netnode.config import Config, default_file
from netnode.problems import ExitCode, Problem
from netnode.settings import SETTINGS, Settings, split_listen
from netnode.system import SystemDisk


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(tmp_path / "config.toml", SystemDisk())


def test_the_table_and_the_typed_settings_name_the_same() -> None:
    assert {field.name for field in dataclasses.fields(Settings)} == set(SETTINGS)


def test_every_default_is_allowed_and_explained() -> None:
    for setting in SETTINGS.values():
        members = setting.default if isinstance(setting.default, tuple) else (setting.default,)
        assert all(setting.accepts(member) for member in members), setting.name
        assert setting.doc.endswith(".")


def test_without_a_file_all_is_default(config: Config) -> None:
    settings = config.settings()
    assert (settings.network, settings.listen, settings.hops) == ("inx", "127.0.0.1:4747", 1)
    assert settings.peers == ()
    assert not any(row.is_set for row in config.ls())


def test_the_generated_file_explains_all_and_sets_nothing(config: Config) -> None:
    config.create()
    text = config.path.read_text()
    assert tomlkit.parse(text).unwrap() == {}
    for name in SETTINGS:
        assert f"\n#{name} = " in text
    bare = "\n".join(
        line[1:] if line.startswith("#") and line[1] != " " else line for line in text.splitlines()
    )
    config.path.write_text(bare)
    assert config.settings() == Config(config.path.parent / "none", SystemDisk()).settings()
    config.create()
    assert config.path.read_text() == bare


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("network", "test-1", "test-1"),
        ("listen", "0.0.0.0:0", "0.0.0.0:0"),
        ("listen", "[::1]:4747", "[::1]:4747"),
        ("listen", "localhost:80", "localhost:80"),
        ("hops", "2", 2),
        ("hops", " 0 ", 0),
        ("interest", "followed", "followed"),
        ("log_level", "debug", "debug"),
        ("max_sessions", "256", 256),
        ("peers", "ws://a.example/inx/1, inx:abc", ("ws://a.example/inx/1", "inx:abc")),
        ("peers", '["wss://[::1]:1/inx/1"]', ("wss://[::1]:1/inx/1",)),
        ("peers", "", ()),
        ("trusted_proxies", "127.0.0.1,10.0.0.0/8,::1", ("127.0.0.1", "10.0.0.0/8", "::1")),
        ("allow_hosts", "shop.example:8080", ("shop.example:8080",)),
        ("allow_origins", "https://shop.example", ("https://shop.example",)),
    ],
)
@pytest.mark.parametrize("generated", [True, False])
def test_set_and_get(config: Config, name: str, text: str, value: object, generated: bool) -> None:
    if generated:
        config.create()
    assert config.set(name, text).value == value
    row = config.get(name)
    assert (row.value, row.is_set) == (value, True)
    assert getattr(config.settings(), name) == value
    assert stat.S_IMODE(config.path.stat().st_mode) == 0o600


def test_set_goes_where_the_file_explains_it(config: Config) -> None:
    config.create()
    config.set("hops", "2")
    assert config.path.read_text() == default_file().replace("#hops = 1", "hops = 2")


def test_set_keeps_comments_and_order(config: Config) -> None:
    config.path.write_text("# mine\nhops = 2  # two\n\n# last\nlog_level = 'debug'")
    config.set("hops", "1")
    config.set("interest", "followed")
    assert config.path.read_text().startswith("# mine\nhops = 1  # two\n\n# last\nlog_level = 'debug'\n")
    assert config.settings().interest == "followed"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("network", "Inx"),
        ("network", "x" * 33),
        ("network", ""),
        ("listen", "4747"),
        ("listen", ":4747"),
        ("listen", "localhost:65536"),
        ("listen", "localhost:-1"),
        ("listen", "::1:4747"),
        ("listen", "local host:1"),
        ("hops", "3"),
        ("hops", "-1"),
        ("hops", "one"),
        ("hops", "1.5"),
        ("hops", "9" * 5000),
        ("interest", "none"),
        ("max_sessions", "0"),
        ("log_level", "loud"),
        ("peers", "http://a.example"),
        ("peers", "inx:"),
        ("peers", "inx:a b"),
        ("peers", "ws://"),
        ("peers", "ws://a.example:99999/"),
        ("peers", "[1]"),
        ("peers", "[["),
        ("peers", ",".join(["inx:a"] * 65)),
        ("public_address", "inx:abc"),
        ("public_address", ",".join(["ws://a.example/"] * 9)),
        ("public_address", "ws://" + "a" * 260),
        ("trusted_proxies", "10.0.0.1/8"),
        ("trusted_proxies", "proxy.example"),
        ("allow_hosts", "a b"),
        ("allow_hosts", "a.example:x"),
        ("allow_origins", "https://a.example/path"),
        ("allow_origins", "a.example"),
    ],
)
def test_a_wrong_value_names_what_is_allowed_and_writes_nothing(config: Config, name: str, text: str) -> None:
    with pytest.raises(Problem, match=f"The setting {name} ") as caught:
        config.set(name, text)
    assert caught.value.exit_code is ExitCode.USAGE
    assert "allowed" in caught.value.text.lower()
    assert len(caught.value.text) < 400
    assert not config.path.exists()


@pytest.mark.parametrize(
    "line",
    [
        "hops = true",
        "hops = 1.0",
        'hops = "1"',
        "peers = 1",
        "peers = [1]",
        'peers = "inx:a"',
        "hops = 2026-01-01",
    ]
    + ["[hops]\na = 1", "hops.a = 1", "log_level = nan", "log_level = []", "network = ''"],
)
def test_a_wrong_value_in_the_file_names_file_and_key(config: Config, line: str) -> None:
    config.path.write_text(line + "\n")
    with pytest.raises(Problem, match=r"config\.toml: The setting \w+ cannot be .*\. Allowed: ") as caught:
        config.settings()
    assert caught.value.exit_code is ExitCode.FAILED
    with pytest.raises(Problem):
        config.set("max_sessions", "5")
    assert config.path.read_text() == line + "\n"


def test_an_unknown_key_suggests_the_near_one(config: Config) -> None:
    config.path.write_text("lissten = '127.0.0.1:1'\n")
    with pytest.raises(
        Problem, match=r"config\.toml: There is no setting named 'lissten'\. Did you mean listen\?"
    ):
        config.settings()


@pytest.mark.parametrize("call", ["get", "set"])
def test_an_unknown_name(config: Config, call: str) -> None:
    arguments = ("zzz",) if call == "get" else ("zzz", "1")
    with pytest.raises(Problem, match="netnode config ls") as caught:
        getattr(config, call)(*arguments)
    assert caught.value.exit_code is ExitCode.NOT_FOUND


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"hops = \n", "line 1"),
        (b"hops = 1\nhops = 2\n", "is not TOML"),
        (b"a\n", "line 1"),
        (b"# fine\n\xff", "line 2: not UTF-8"),
        (b"hops = " + b"[" * 5000, "is not TOML"),
    ],
)
def test_a_file_that_is_not_toml(config: Config, content: bytes, said: str) -> None:
    config.path.write_bytes(content)
    with pytest.raises(Problem, match=said) as caught:
        config.settings()
    assert str(config.path) in caught.value.text


def test_a_byte_order_mark_is_no_error(config: Config) -> None:
    config.path.write_bytes(b"\xef\xbb\xbfhops = 2\r\n")
    assert config.settings().hops == 2


def test_a_folder_in_its_place(config: Config) -> None:
    config.path.mkdir()
    with pytest.raises(Problem, match="it is a folder"):
        config.settings()


@pytest.mark.parametrize(
    ("text", "parts"),
    [("127.0.0.1:0", ("127.0.0.1", 0)), ("[::1]:4747", ("::1", 4747)), ("my-host:1", ("my-host", 1))],
)
def test_split_listen(text: str, parts: tuple[str, int]) -> None:
    assert split_listen(text) == parts


def test_a_full_disk_keeps_the_old_file(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    config.set("hops", "2")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Problem, match="the disk is full"):
        config.set("hops", "1")
    assert config.settings().hops == 2
