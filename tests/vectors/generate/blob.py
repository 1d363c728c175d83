"""Makes tests/vectors/blob.json: blobs, their manifests and chunks."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Blobs (section 12.1). A blob is given as `size` and `byte`: so many times that byte. `whole-*`: name, number of "
    "chunks and manifest. `chunk-*`: name, size of the whole, manifest, number of the chunk and its data (again as "
    "size and byte) fit together, or not (`blob`). Hex."
)
CHUNK: Final = 32_768


def _hash(size: int, byte: int) -> bytes:
    return hashlib.sha256(bytes([byte]) * size).digest()


def _sizes(size: int) -> list[int]:
    return [min(CHUNK, size - at) for at in range(0, size, CHUNK)]


def _manifest(size: int, byte: int) -> bytes:
    sizes = _sizes(size)
    return b"".join(_hash(each, byte) for each in sizes) if len(sizes) > 1 else b""


def vectors() -> list[Vector]:
    found: list[Vector] = []
    for size in (1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 5, 16 * 1024 * 1024):
        manifest = _manifest(size, 7)
        expected: dict[str, Any] = {"name": _hash(size, 7).hex(), "chunks": len(_sizes(size))}
        if len(manifest) <= 256:
            expected["manifest"] = manifest.hex()
        else:
            expected["manifest_hash"] = hashlib.sha256(manifest).hexdigest()
        found.append(
            vector(f"whole-{size}", f"{size} bytes", "R-BLOB-2", {"size": size, "byte": 7}, expected=expected)
        )
    for size in (0, 16 * 1024 * 1024 + 1):
        found.append(
            vector(
                f"whole-{size}", "no blob has this size", "R-BLOB-2", {"size": size, "byte": 7}, error="blob"
            )
        )

    def chunk(
        name: str, comment: str, requirement: str, ok: bool, *, size: int = CHUNK + 5, manifest: bytes | None = None,
        number: int = 0, data: int = CHUNK, byte: int = 7,
    ) -> None:  # fmt: skip
        given = {
            "name": _hash(size, 7).hex(), "size": size, "chunk": number, "data": {"size": data, "byte": byte},
            "manifest": (_manifest(size, 7) if manifest is None else manifest).hex(),
        }  # fmt: skip
        outcome: dict[str, Any] = {"expected": {"fits": True}} if ok else {"error": "blob"}
        found.append(vector(f"chunk-{name}", comment, requirement, given, **outcome))

    chunk("first", "the first of two", "R-BLOB-4", True)
    chunk("last", "the last of two", "R-BLOB-4", True, number=1, data=5)
    chunk("only", "the only one", "R-BLOB-4", True, size=9, data=9)
    chunk("bytes", "other bytes", "R-BLOB-4", False, byte=8)
    chunk("short", "a byte less", "R-BLOB-4", False, data=CHUNK - 1)
    chunk("last-long", "the last with a byte more", "R-BLOB-4", False, number=1, data=6)
    chunk("beyond", "a number too high", "R-BLOB-4", False, number=2, data=5)
    chunk("negative", "a negative number", "R-BLOB-4", False, number=-1, data=5)
    chunk("only-bytes", "the only one, other bytes", "R-BLOB-4", False, size=9, data=9, byte=8)
    chunk("manifest-short", "a manifest of one hash", "R-BLOB-3", False, manifest=_hash(CHUNK, 7))
    chunk("manifest-long", "a manifest of three", "R-BLOB-3", False, manifest=_hash(CHUNK, 7) * 3)
    chunk("manifest-none", "no manifest", "R-BLOB-3", False, manifest=b"")
    chunk(
        "manifest-needless",
        "a manifest of one chunk",
        "R-BLOB-3",
        False,
        size=9,
        data=9,
        manifest=_hash(9, 7),
    )
    chunk("size-0", "no blob", "R-BLOB-2", False, size=0, data=0)
    return found
