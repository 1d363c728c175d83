"""Homes with settings of their own, made before their first start."""

from __future__ import annotations

from pathlib import Path

from netnode.testing import command


def settle_home(home: Path, **settings: object) -> None:
    """Writes settings into config.toml; a stamp is not worked at, since that takes processor time."""
    for name, value in {"stamp_bits": 0, **settings}.items():
        result = command("--home", home, "config", "set", name, value)
        assert result.code == 0, result
