"""Which files are pictures that every reader of a listing can show: known by their first bytes, not by their name."""

from __future__ import annotations

from typing import Final

HEAD_BYTES: Final = 16
"""As many first bytes are enough to know a picture by."""

NAMES: Final = "PNG, JPEG, WebP or GIF"


def media_type(head: bytes) -> str | None:
    """The media type of a picture that begins with these bytes; None for any other file.

    SVG is left out: it is a program as much as a picture.
    """
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return None
