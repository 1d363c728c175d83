"""What the doctor finds."""

from typing import Literal

from msgspec import Struct

State = Literal["ok", "warn", "fail"]


class Check(Struct, frozen=True, kw_only=True):
    """One thing that was looked at: a sentence, and the command that mends it."""

    name: str
    state: State
    text: str
    mend: str | None = None


class Examined(Struct, frozen=True, kw_only=True):
    """Everything that was looked at; `ok` is False when anything failed."""

    ok: bool
    running: bool
    checks: list[Check]
