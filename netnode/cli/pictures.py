"""The pictures of a listing: files that options or a form name become blobs, through whichever node publishes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from netnode.cli.frame import Invocation
from netnode.cli.reach import call, file_chunks, use
from netnode.market.forms import FormError
from netnode.market.pictures import HEAD_BYTES, NAMES, media_type
from netnode.operations import models
from netnode.operations.blobs import BLOB_ADD
from netnode.operations.calling import Caller
from netnode.operations.operation import MIB, Operation, Request, Response
from netnode.problems import ExitCode, Problem, disk_problem
from protocol.limits import MAX_BLOB, MAX_IMAGES


@dataclass(frozen=True, slots=True)
class Picture:
    """A file that was looked at: its place and its bytes."""

    path: Path
    size: int


def from_options(images: Sequence[str], alts: Sequence[str]) -> list[dict[str, Any]]:
    """The images of a form from options: addresses as they are, everything else is a file.

    Args:
        images: of `--image`.
        alts: of `--image-alt`, in the same order.

    Raises:
        Problem: more texts than images.
    """
    if len(alts) > len(images):
        text = "There are more --image-alt than --image. Give one text per image, in the same order."
        raise Problem(text, ExitCode.USAGE, "usage")
    tables: list[dict[str, Any]] = [
        {"url": image} if image.lower().startswith(("http://", "https://")) else {"file": image}
        for image in images
    ]
    for table, alt in zip(tables, alts, strict=False):
        table["alt"] = alt
    return tables


def located(fields: dict[str, Any], source: Path) -> dict[str, Any]:
    """The fields of a form file, the files of its images found beside it.

    Raises:
        FormError: an image names a file in something else than a text.
    """
    images = fields.get("images")
    if not isinstance(images, list):
        return fields
    found = []
    for number, image in enumerate(images, 1):
        if isinstance(image, dict) and "file" in image:
            name = image["file"]
            if not isinstance(name, str) or not name:
                raise FormError(str(source), f"images {number}, file", "is not the name of a file in quotes")
            image = {**image, "file": str(source.parent / name)}
        found.append(image)
    return {**fields, "images": found}


def publish(
    run: Invocation,
    operation: Operation[Request, Response],
    fields: dict[str, Any],
    request: Callable[[dict[str, Any]], Request],
    passphrase_file: Path | None,
) -> Response:
    """Calls an operation on a form whose images may be files: they become blobs first.

    Args:
        run: this invocation.
        operation: adds or edits.
        fields: of the form.
        request: makes the request from the fields with the files replaced by hashes.
        passphrase_file: for an operation without a running node.

    Raises:
        Problem: a file cannot be read, is no picture or too large (2); or as `use`.
    """
    pictures = _pictures(fields)
    if not pictures:
        return call(run, operation, request(fields), passphrase_file)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Storing images", total=sum(each.size for each in pictures.values()))

        async def work(caller: Caller) -> Response:
            hashes: dict[str, str] = {}
            for name, picture in pictures.items():
                chunks = file_chunks(picture.path, lambda read: progress.advance(task, read))
                hashes[name] = (await caller.upload(BLOB_ADD, models.Nothing(), chunks)).hash
            return await caller.call(operation, request(_hashed(fields, hashes)))

        return use(run, work, operation.signs, passphrase_file)


def _pictures(fields: Mapping[str, Any]) -> dict[str, Picture]:
    """The files that images name, each looked at before anything is sent."""
    images = fields.get("images")
    if not isinstance(images, list):
        return {}
    if len(images) > MAX_IMAGES:
        text = f"{len(images)} images are too many: a listing shows at most {MAX_IMAGES}."
        raise Problem(text, ExitCode.USAGE, "form", {"field": "images"})
    found = {}
    for number, image in enumerate(images, 1):
        if isinstance(image, dict) and "file" in image:
            if "hash" in image:
                raise FormError("", f"images {number}", "names a file and a hash; leave one of them out")
            found[image["file"]] = look(Path(image["file"]))
    return found


def look(path: Path) -> Picture:
    """Sees whether a file is a picture that a listing can show.

    Raises:
        Problem: it cannot be read (3 when there is none), is no picture or too large (2).
    """
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise Problem(f"{path} is no file. Give a picture: {NAMES}.", ExitCode.USAGE, "image")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise disk_problem(error, "read", path) from error
    if media_type(head) is None:
        text = f"{path} is not a picture that every reader can show. Save it as {NAMES}."
        raise Problem(text, ExitCode.USAGE, "image", {"path": str(path)})
    if size > MAX_BLOB:
        text = f"{path} is larger than {MAX_BLOB // MIB} MiB. Save the picture smaller."
        raise Problem(text, ExitCode.USAGE, "too_large", {"path": str(path), "max_bytes": MAX_BLOB})
    return Picture(path, size)


def _hashed(fields: dict[str, Any], hashes: Mapping[str, str]) -> dict[str, Any]:
    images = []
    for image in fields["images"]:
        if isinstance(image, dict) and "file" in image:
            image = {name: value for name, value in image.items() if name != "file"} | {
                "hash": hashes[image["file"]]
            }
        images.append(image)
    return {**fields, "images": images}
