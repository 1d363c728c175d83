"""Writing what a node sends into a file, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from netnode.problems import disk_problem


async def save(chunks: AsyncIterator[bytes], path: Path) -> int:
    """Writes beside and renames, so that a stream that breaks off leaves no half file.

    A device or pipe is written to as it is: renaming over it would replace it.

    Returns:
        The bytes written; 0 makes no file.

    Raises:
        Problem: the disk, or of the stream.
    """
    size = 0
    file: IO[bytes] | None = None
    beside: str | None = None
    try:
        async for chunk in chunks:
            if file is None:
                file, beside = _opened(path)
            file.write(chunk)
            size += len(chunk)
        if file is not None:
            file.close()
        if beside is not None:
            os.replace(beside, path)
            beside = None
    except OSError as error:
        raise disk_problem(error, "write", path) from error
    finally:
        if file is not None:
            with suppress(OSError):  # what it could not write has been told already
                file.close()
        if beside is not None:
            with suppress(OSError):
                os.unlink(beside)
    return size


def _opened(path: Path) -> tuple[IO[bytes], str | None]:
    """What to write to, and its name if that is not `path` itself."""
    if path.exists() and not path.is_file():
        return path.open("wb"), None
    descriptor, beside = tempfile.mkstemp(prefix=f".{path.name[:64]}.", dir=path.parent)
    return open(descriptor, "wb"), beside
