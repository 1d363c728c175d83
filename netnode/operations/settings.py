"""The configuration service on config.toml; the node core and the command line use the same one."""

from __future__ import annotations

from netnode.config import Config, Row
from netnode.operations import models
from netnode.problems import ExitCode, Problem


class FileConfiguration:
    """`services.Configuration` on the settings file of a home.

    Args:
        config: the file.
        made: the home holds a networker, which belongs to its network for good.
    """

    __slots__ = ("_config", "_made")

    def __init__(self, config: Config, *, made: bool = False) -> None:
        self._config = config
        self._made = made

    async def list(self, query: models.Listed) -> models.Page[models.Setting]:
        """All settings, by their place in the table; the cursor is the number of those passed."""
        rows = self._config.ls()
        start = _offset(query.cursor, len(rows))
        end = start + query.limit
        return models.Page([_setting(row) for row in rows[start:end]], str(end) if end < len(rows) else None)

    async def get(self, name: str) -> models.Setting:
        """One setting; Problem 3 for an unknown name."""
        return _setting(self._config.get(name))

    async def set(self, name: str, value: str) -> models.Setting:
        """Checks and writes one setting; Problem 2 for a value it cannot take, 4 for the network of a networker."""
        if name == "network" and self._made and value != self._config.get(name).value:
            raise Problem(
                "The network of a networker never changes. For another network make another home: "
                "netnode --home DIR config set network NAME, then netnode --home DIR init.",
                ExitCode.REFUSED,
                "network",
            )
        return _setting(self._config.set(name, value))


def _offset(cursor: str | None, most: int) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit()) or len(cursor) > 6 or int(cursor) > most:
        raise Problem("That cursor is not one this list gave.", ExitCode.USAGE, "cursor")
    return int(cursor)


def _setting(row: Row) -> models.Setting:
    return models.Setting(
        name=row.setting.name,
        value=row.value,
        default=row.setting.default,
        text=row.setting.doc,
        set=row.is_set,
    )
