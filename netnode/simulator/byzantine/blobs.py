"""A blob server with wrong chunks: other bytes, other sizes, manifests that fit nothing, no end [R-BLOB-2..4]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from netnode.simulator.byzantine.scene import Scene
from protocol import blobs, limits, messages
from protocol.messages import Body, Chunk

MODES: Final = (
    "other bytes",
    "other size",
    "short manifest",
    "whole is another",
    "huge",
    "vanishes",
    "silent",
)
FAULTS: Final = frozenset({"other bytes", "other size", "short manifest", "whole is another", "huge"})
"""Modes that end a session with code `blob`; the others only give nothing."""
CHUNKS: Final = 3
STAYS: Final = 90.0  # seconds it waits to be asked


async def false_blobs(scene: Scene, mode: str) -> None:
    """Says that it has every blob, and gives something else."""
    data = scene.chance.token(CHUNKS * limits.BLOB_CHUNK - 7)
    shelf = scene.shelf(scene.author("picture"))

    def answer(question: Body) -> Sequence[Body]:
        if isinstance(question, messages.Fetch):
            scene.deeds.acts["fetched"] += 1
            return _chunk(scene, mode, data, question)
        return shelf.answer(question)

    await scene.each(
        [
            scene.show(target, scene.author(f"server {index}"), shelf, seconds=STAYS, act=mode, answer=answer)
            for index, target in enumerate(scene.targets())
        ]
    )


def _chunk(scene: Scene, mode: str, data: bytes, question: messages.Fetch) -> tuple[Body, ...]:
    number, size = question.chunk, len(data)
    piece = blobs.chunk(data, min(number, CHUNKS - 1))
    manifest = blobs.manifest(data) if number == 0 else b""
    match mode:
        case "other bytes":
            piece = scene.chance.token(len(piece)) if number else piece
        case "other size":
            size += number
        case "short manifest":
            manifest = manifest[:-1]
        case "huge":
            size, manifest = limits.MAX_BLOB, scene.chance.token(32 * 512)
        case "vanishes" if number:
            return (Chunk(),)
        case "silent":
            return ()
        case _:
            pass
    return (Chunk(data=piece, manifest=manifest, size=size),)
