"""What a switch is: one rule of the program that is switched off."""

from __future__ import annotations

from dataclasses import dataclass

Change = tuple[str, str, str]
"""Where, what stands there, and what stands there instead; see `tests.broken.rewriting`."""


@dataclass(frozen=True)
class Switch:
    """One rule switched off.

    Attributes:
        name: of the switch.
        requirement: what the node breaks.
        changes: how.
        checks: ids of those that fail, all of them; each names the requirement or follows from it.
        slow: whether the checks that wait for time-outs are needed.
    """

    name: str
    requirement: str
    changes: tuple[Change, ...]
    checks: str
    slow: bool = False

    @property
    def rewrites(self) -> dict[str, list[tuple[str, str]]]:
        """The pieces to replace, by where."""
        places = dict.fromkeys(where for where, _, _ in self.changes)
        return {each: [(old, new) for where, old, new in self.changes if where == each] for each in places}

    @property
    def fails(self) -> tuple[str, ...]:
        """The checks, one by one."""
        return tuple(self.checks.split())


def never(where: str, condition: str) -> Change:
    """A branch that is never taken: `condition` is its line without the colon."""
    return where, f"{condition}:", f"{condition.split(maxsplit=1)[0]} False:"
