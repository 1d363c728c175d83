"""Commands on blobs, and images of listings from files, with and without a running node."""

from __future__ import annotations

import hashlib
import os

import pytest

from netnode.market.pictures import media_type
from protocol.limits import MAX_BLOB
from tests.netnode.cli.running import node_running
from tests.netnode.fake_services import FAR

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100_000)
JPEG = b"\xff\xd8\xff\xe0" + bytes(10)
NAME = hashlib.sha256(PNG).hexdigest()
LISTING = ("--kind", "product", "--key", "shirt", "--title", "Shirt")


@pytest.fixture(params=["offline", "running"])
def go(request, ready, runtime, home):
    """A command run on a home, with a node running on it or not."""
    if request.param == "offline":
        yield ready
    else:
        with node_running(home, runtime.services):
            yield ready


def test_add_get_ls_rm(go, tmp_path):
    (tmp_path / "in.png").write_bytes(PNG)
    assert go("blob", "add", "in.png", "--json").json == {"hash": NAME, "size": len(PNG)}
    assert go("blob", "ls", "--json").json == {
        "items": [{"hash": NAME, "size": len(PNG), "added": 1_760_000_000_000, "own": True}],
        "next": None,
    }
    got = go("blob", "get", NAME.upper(), "out.png", "--json")
    assert got.json == {"hash": NAME, "size": len(PNG), "file": "out.png"}
    assert (tmp_path / "out.png").read_bytes() == PNG
    assert go("blob", "rm", NAME, "--json").json == {"done": True}
    assert go("blob", "ls", "--json").json == {"items": [], "next": None}
    for arguments in (("get", NAME, "again.png"), ("rm", NAME)):
        assert go("blob", *arguments).code == 3
    assert not (tmp_path / "again.png").exists()


def test_what_is_elsewhere_is_fetched_first(go, tmp_path):
    assert go("blob", "get", FAR, "far", "--json").json == {"hash": FAR, "size": 3, "file": "far"}
    assert (tmp_path / "far").read_bytes() == b"far"


def test_for_people(go, tmp_path):
    (tmp_path / "in.png").write_bytes(PNG)
    assert "No blobs" in go("blob", "ls").out
    assert NAME in go("blob", "add", "in.png").out
    assert NAME in go("blob", "ls").out and "100,008" in go("blob", "ls").out
    assert "Wrote 100,008 bytes" in go("blob", "get", NAME, "out.png").out
    assert "Removed" in go("blob", "rm", NAME).out


@pytest.mark.parametrize(("name", "code"), [("nothing", 3), (".", 2), ("empty", 2), ("pipe", 2), ("long", 2)])
def test_files_that_are_no_blob(ready, tmp_path, name, code):
    (tmp_path / "empty").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "long").open("wb") as file:
        file.truncate(MAX_BLOB + 1)
    done = ready("blob", "add", name)
    assert done.code == code and name in done.err


def test_names_and_places_that_are_none(ready, tmp_path):
    for name in ("", "ab", NAME + "00", "g" * 64):
        done = ready("blob", "get", name, "out")
        assert done.code == 2 and "64 hex" in done.err
    assert ready("blob", "get", NAME, tmp_path).code == 2
    assert ready("blob", "get", NAME, tmp_path / "no" / "out").code == 2


def test_images_of_a_listing(go, runtime, tmp_path):
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "b.jpg").write_bytes(JPEG)
    images = (
        "--image",
        "a.png",
        "--image",
        "https://a.example/b.png",
        "--image",
        "b.jpg",
        "--image-alt",
        "One",
    )
    assert go("listing", "add", *LISTING, *images, "--json").code == 0
    other = hashlib.sha256(JPEG).hexdigest()
    assert runtime.services.listings.fields["shirt"]["images"] == [
        {"alt": "One", "hash": NAME},
        {"url": "https://a.example/b.png"},
        {"hash": other},
    ]
    assert runtime.services.blobs.kept == {NAME: PNG, other: JPEG}
    assert go("listing", "edit", "shirt", "--image", "b.jpg").code == 0
    assert runtime.services.listings.fields["shirt"]["images"] == [{"hash": other}]


def test_images_of_a_form_lie_beside_it(go, runtime, tmp_path):
    (tmp_path / "forms").mkdir()
    (tmp_path / "forms" / "photo.png").write_bytes(PNG)
    (tmp_path / "forms" / "shirt.toml").write_text(
        'kind = "product"\nkey = "shirt"\ntitle = "Shirt"\n'
        'images = [{file = "photo.png", alt = "A shirt"}, {file = "photo.png"}, "https://a.example/b.png"]\n'
    )
    assert go("listing", "add", "--from", "forms/shirt.toml").code == 0
    assert runtime.services.listings.fields["shirt"]["images"] == [
        {"alt": "A shirt", "hash": NAME},
        {"hash": NAME},
        "https://a.example/b.png",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("--image", "text.png"), 2, "not a picture"),
        (("--image", "vector.svg"), 2, "not a picture"),
        (("--image", "nothing.png"), 3, "no such file"),
        (("--image", "."), 2, "is no file"),
        (("--image", "long.png"), 2, "16 MiB"),
        (("--image-alt", "One"), 2, "--image-alt"),
        (("--image", "a.png") * 11, 2, "at most 10"),
        (("--from", "number.toml"), 2, "images 1, file"),
        (("--from", "both.toml"), 2, "file and a hash"),
    ],
)
def test_wrong_images_publish_nothing(ready, runtime, tmp_path, arguments, code, text):
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "vector.svg").write_text("<svg/>")
    (tmp_path / "number.toml").write_text("images = [{file = 3}]\n")
    (tmp_path / "both.toml").write_text(f'images = [{{file = "a.png", hash = "{NAME}"}}]\n')
    with (tmp_path / "long.png").open("wb") as file:
        file.write(PNG)
        file.truncate(MAX_BLOB + 1)
    done = ready("listing", "add", *LISTING, *arguments)
    assert done.code == code and text in done.err
    assert runtime.services.listings.known == {} and runtime.services.blobs.kept == {}


def test_pictures_are_known_by_their_first_bytes():
    assert media_type(PNG) == "image/png" and media_type(JPEG) == "image/jpeg"
    assert media_type(b"GIF89a...") == media_type(b"GIF87a...") == "image/gif"
    assert media_type(b"RIFF\0\0\0\0WEBPVP8 ") == "image/webp"
    for other in (b"", b"RIFF\0\0\0\0WAVEfmt ", b"<svg/>", b"GIF88a", b"\x89PNG", b"\xff\xd8", b"BM"):
        assert media_type(other) is None
