"""Commands that are imported when they are asked for, so that each starts without waiting for all the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import click


class LateCommands(Mapping[str, click.Command]):
    """The commands of a group by name, in the form in which click keeps them.

    Args:
        places: name -> where it is in this package, as `module:attribute`; what follows after blanks joins that group,
            each the place of a command or of a sequence of them.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places
        self._loaded: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._loaded:
            place, *joining = self._places[name].split()
            command = _at(place)
            for further in joining:
                found = _at(further)
                for each in (found,) if isinstance(found, click.Command) else found:
                    command.add_command(each)
            self._loaded[name] = command
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _at(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return getattr(import_module(f"netnode.cli.{module}"), attribute)
