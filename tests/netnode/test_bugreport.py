"""What a bug report says, and that it says nothing of keys, people, places and listings."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netnode import node
from netnode.config import Config
from netnode.home import Home
from netnode.keys.keystore import Keystore
from netnode.operations import models
from netnode.services.bugreport import LOG_LINES, bundle, log_lines, masked, packed
from netnode.services.doctor import examine
from netnode.system import SystemDisk, SystemEntropy
from tests.netnode.services_home import TestClock

LOG = """2026-11-22 00:15:22,123 INFO netnode: {id} serves peers at ws://203.0.113.9:4747/inx/1
2026-11-22 00:15:23,001 WARNING netnode.sync: session with Ada Lovelace at [2001:db8::7]:4747 ended: code 1006
2026-11-22 00:15:24,001 WARNING netnode.sync: cannot dial shop.gretas-laden.example:4747 (host unreachable)
netnode 0.1.0: ['listing', 'add'] failed
2026-11-22 00:15:25,001 ERROR netnode.api: operation failed: GET /api/v1/listings
Traceback (most recent call last):
  File "{home}/x/netnode/market/listing.py", line 12, in parse
    raise ValueError("Secret Boots 12.50")
ValueError: cannot read 'Secret Boots' for Secret Customer
2026-11-22 00:15:26,001 INFO netnode.own: entry 00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff is stored
2026-11-22 00:15:27,001 INFO netnode.api: token {token} in {home}/token
"""


@pytest.fixture
async def report(tmp_path: Path) -> tuple[dict[str, str], list[bytes]]:
    """A report of a home full of secrets, and the secrets."""
    home = Home(tmp_path / "ada-home", SystemDisk())
    entropy = SystemEntropy()
    import asyncio

    created = await asyncio.to_thread(
        lambda: node.initialise(home.path, name="Ada Lovelace", passphrase=None)
    )
    with home.lock():
        token = home.token(entropy)
    config = Config(home.config, SystemDisk())
    config.set("public_address", "wss://shop.ada.example/inx/1")
    config.set("backup_folder", "/media/adas-stick")
    config.set("allow_hosts", "shop.ada.example")
    async with node.opened(home.path, passphrase=None) as services:
        await services.listings.publish({"key": "wellies", "title": "Secret Boots", "kind": "want-ad"})
        await services.peers.add("ws://198.51.100.7:4747/inx/1")
        status = await services.node.status()
    home.log_file.write_text(LOG.format(id=created.id, home=home.path, token=token))
    keys = Keystore(home, SystemDisk(), entropy).open(None)
    secrets = [
        *(
            each.encode()
            for each in (token, created.id, str(home.path), str(tmp_path), " ".join(created.words[:2]))
        ),
        *(each.encode() for each in ("Ada", "Lovelace", "Boots", "Customer", "gretas-laden", "adas-stick")),
        *(each.encode() for each in ("203.0.113.9", "198.51.100.7", "2001:db8", "shop.", "wellies")),
    ]
    for key in (keys.signing_seed, keys.session_private, keys.backup_key, keys.backup_public, keys.networker):
        secrets += [key, key.hex().encode(), key.hex()[:16].encode()]
    examined = examine(home, "elsewhere", TestClock(), SystemDisk(), entropy)
    return bundle(home, SystemDisk(), "1.0", examined, status, ""), secrets


async def test_it_says_nothing_of_keys_people_places_or_listings(
    report: tuple[dict[str, str], list[bytes]],
) -> None:
    files, secrets = report
    data = packed(files)
    plain = b"".join(text.encode() for text in files.values()) + b"".join(map(str.encode, files))
    for secret in secrets:
        assert secret not in plain and secret not in data, secret


async def test_it_says_what_helps(report: tuple[dict[str, str], list[bytes]]) -> None:
    files, _ = report
    assert list(files) == ["about.json", "settings.json", "doctor.json", "counts.json", "log.txt"]
    assert json.loads(files["about.json"])["netnode"] == "1.0"
    settings = json.loads(files["settings.json"])
    assert (settings["network"], settings["hops"], settings["public_address"]) == ("inx", 1, "1 set")
    assert settings["backup_folder"] == "set" and settings["listen"] == "default"
    counts = json.loads(files["counts.json"])
    assert (counts["entries"], counts["own_listings"], counts["peers"]) == (3, 1, 1)
    checks = {name: state for name, state, _ in json.loads(files["doctor.json"])["checks"]}
    assert checks["store"] == checks["log"] == "ok" and checks["place"] == "warn"
    log = files["log.txt"]
    assert "netnode.sync: session with" in log and "code 1006" in log and "ended" in log
    assert "ValueError\n" in log and "market/listing.py, line 12, in parse" in log
    assert "entry 00ff... is stored" in log and "host unreachable" in log
    with zipfile.ZipFile(io.BytesIO(packed(files))) as archive:
        assert archive.namelist() == list(files) and archive.read("log.txt").decode() == log


async def test_a_damaged_home_is_reported_too(tmp_path: Path) -> None:
    home = Home(tmp_path / "h", SystemDisk())
    home.create()
    home.config.write_text("not = = toml")
    home.store.write_bytes(b"damaged")
    examined = examine(home, "m", TestClock(), SystemDisk(), SystemEntropy())
    files = bundle(home, SystemDisk(), "1.0", examined, None, f"Cannot open the store {home.store}.")
    assert json.loads(files["counts.json"]) == {"missing": "Cannot open the store HOME/store.sqlite3."}
    assert "missing" in json.loads(files["settings.json"]) and files["log.txt"] == "\n"
    assert str(tmp_path) not in "".join(files.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at ws://a.example:1/inx/1 now", "at (address) now"),
        ("inx:nx1abc?x=y", "(address)"),
        ("nx1qqqqzzzzzzzzzzzzzzzzzzzzzzzz left", "nx1qqqq... left"),
        ("10.0.0.1:80 and [::1]:4747 and fe80::1%eth0", "(address) and (address) and (address)"),
        ("hash " + "ab" * 32, "hash abab..."),
        ("key 'hidden' of \"that\"", "key '...' of '...'"),
        ("shop.example.com is gone", "(name) is gone"),
        ("netnode.sync.live failed", "netnode.sync.live failed"),
        ("/media/ada/x.toml is old", "(path)/x.toml is old"),
        ("bmV0bm9kZSBrZXlzIGFyZSBzZWNyZXQ0Mg==", "(bytes)"),
        (
            "12 of 345 entries, 6.5 s, code 1006, at 00:15:22",
            "12 of 345 entries, 6.5 s, code 1006, at 00:15:22",
        ),
    ],
)
def test_masks(text: str, expected: str) -> None:
    assert masked(text) == expected


@given(st.binary(min_size=32, max_size=32), st.sampled_from(["{}", "key {}.", "'{}'", "a={},", "/x/{}/y"]))
@example(bytes(32), "{}")
def test_no_key_shows_in_any_spelling(key: bytes, form: str) -> None:
    import base64

    spellings = (key.hex(), base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode())
    for spelling in spellings:
        shown = masked(form.format(spelling))
        assert spelling[4:20] not in shown


def test_only_lines_of_known_form_are_taken() -> None:
    assert log_lines("a customer's letter\nFile: x\n  y = 'z'\nKeyError: 'secret'\n", []) == ["KeyError"]
    line = "2026-11-22 00:15:22,123 INFO netnode: ready"
    assert log_lines("\n".join([line] * 1000), []) == [line] * LOG_LINES


def test_names_of_people_go_first() -> None:
    assert masked("Ada Lovelace and Al", [("Ada Lovelace", "(me)"), ("Al", "(peer)")]) == "(me) and Al"


def test_status_is_what_it_takes_counts_from() -> None:
    from netnode.services.bugreport import _COUNTS

    assert set(_COUNTS) <= set(models.Status.__struct_fields__)
