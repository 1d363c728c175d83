"""config.toml: the settings of a home, read and written with the file's comments kept."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.toml_document import TOMLDocument

from netnode.ports import Disk
from netnode.problems import ExitCode, Problem, disk_problem
from netnode.settings import SETTINGS, Setting, Settings, Value


@dataclass(frozen=True, slots=True)
class Row:
    """A setting as `config ls` shows it."""

    setting: Setting
    value: Value
    is_set: bool  # in the file; otherwise the default holds


class Config:
    """The settings file of a home; every call reads it anew, so an edit by hand is seen.

    Args:
        path: of config.toml; a missing file means all defaults.
        disk: reads and writes it.
    """

    __slots__ = ("_disk", "path")

    def __init__(self, path: Path, disk: Disk) -> None:
        self.path = path
        self._disk = disk

    def settings(self) -> Settings:
        """All settings.

        Raises:
            Problem: the file cannot be read, is not TOML, or holds an unknown key or a wrong value.
        """
        values: dict[str, Any] = {row.setting.name: row.value for row in self.ls()}
        return Settings(**values)

    def ls(self) -> list[Row]:
        """All settings in the order of the table. Raises as `settings`."""
        found = self._values()
        for name in found:
            if name not in SETTINGS:
                raise self._unknown(name, ExitCode.FAILED)
        return [
            Row(setting, self._checked(setting, found[name]), True)
            if name in found
            else Row(setting, setting.default, False)
            for name, setting in SETTINGS.items()
        ]

    def get(self, name: str) -> Row:
        """One setting.

        Raises:
            Problem: exit 3 for an unknown name; or as `settings`.
        """
        if name not in SETTINGS:
            raise self._unknown(name, ExitCode.NOT_FOUND)
        return next(row for row in self.ls() if row.setting.name == name)

    def set(self, name: str, text: str) -> Row:
        """Checks and writes one setting; everything else in the file stays, comments included.

        Args:
            name: of the setting.
            text: the value as typed; a list as ``a, b`` or as a TOML list, empty for none.

        Raises:
            Problem: exit 3 for an unknown name, exit 2 for a value it cannot take; or as `settings`.
        """
        if name not in SETTINGS:
            raise self._unknown(name, ExitCode.NOT_FOUND)
        setting = SETTINGS[name]
        value = self._checked(setting, _typed(setting, text), typed=True)
        self.ls()  # a file with another error in it is not written to: say that one first
        self._write(self._with(setting, value))
        return Row(setting, value, True)

    def create(self) -> None:
        """Writes the file with every setting explained and commented out; leaves one that is there alone.

        Raises:
            Problem: the disk.
        """
        if not self._disk.exists(self.path):
            self._write(default_file())

    def _with(self, setting: Setting, value: Value) -> str:
        document = self._document()
        plain = list(value) if isinstance(value, tuple) else value
        if setting.name not in document:
            # Put it where the generated file explains it, instead of at the end.
            text, place = tomlkit.dumps(document), re.compile(rf"^#{setting.name} = .*$", re.MULTILINE)
            line = f"{setting.name} = {_toml(value)}"
            replaced, count = place.subn(lambda _: line, text, count=1)
            if count:
                return replaced
            if text and not text.endswith("\n"):
                document.add(tomlkit.nl())
        document[setting.name] = plain
        return tomlkit.dumps(document)

    def _values(self) -> dict[str, Any]:
        """What the file says, without its comments: those cost every command a twentieth of a second."""
        try:
            return tomllib.loads(self._text())
        except (tomllib.TOMLDecodeError, RecursionError):
            return dict(self._document().unwrap())  # it has the better word for what is wrong

    def _text(self) -> str:
        try:
            return self._disk.read(self.path).decode("utf-8-sig")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise disk_problem(error, "read", self.path) from error
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise Problem(
                f"{self.path}, line {line}: not UTF-8 text. Save the file as UTF-8.", code="config"
            ) from error

    def _document(self) -> TOMLDocument:
        text = self._text()
        try:
            return tomlkit.parse(text)
        except (TOMLKitError, RecursionError) as error:
            why = str(error).rstrip(".") or "it is nested too deep"
            raise Problem(f"{self.path} is not TOML: {why}. Mend that line.", code="config") from error

    def _write(self, text: str) -> None:
        try:
            self._disk.write_private(self.path, text.encode())
        except OSError as error:
            raise disk_problem(error, "write", self.path) from error

    def _checked(self, setting: Setting, found: Any, typed: bool = False) -> Value:
        """The value when the setting takes it; `typed`: it comes from a command, not from the file."""
        wrong = found
        if isinstance(setting.default, tuple):
            if isinstance(found, list):
                if len(found) > setting.most:
                    raise self._refused(
                        setting, f"has {len(found)} members, at most {setting.most} are allowed", typed
                    )
                refused = [member for member in found if not _fits(setting, member, str)]
                if not refused:
                    return tuple(found)
                wrong = refused[0]
        elif _fits(setting, found, type(setting.default)):
            return cast(Value, found)
        shown = json.dumps(wrong, ensure_ascii=False, default=str)[:80]
        form = "a list of " if isinstance(setting.default, tuple) else ""
        raise self._refused(setting, f"cannot be {shown}. Allowed: {form}{setting.allowed}", typed)

    def _refused(self, setting: Setting, why: str, typed: bool) -> Problem:
        where = "" if typed else f"{self.path}: "
        exit_code = ExitCode.USAGE if typed else ExitCode.FAILED
        details = {"path": str(self.path), "name": setting.name, "allowed": setting.allowed}
        return Problem(f"{where}The setting {setting.name} {why}.", exit_code, "config", details)

    def _unknown(self, name: str, exit_code: ExitCode) -> Problem:
        near = difflib.get_close_matches(name, SETTINGS, n=1)
        hint = f"Did you mean {near[0]}?" if near else "See all of them with: netnode config ls"
        where = f"{self.path}: " if exit_code is ExitCode.FAILED else ""
        return Problem(f"{where}There is no setting named {name[:64]!r}. {hint}", exit_code, "config")


def _fits(setting: Setting, value: Any, kind: type) -> bool:
    # bool is an int to Python, not to the person who wrote `hops = true`.
    return isinstance(value, kind) and not isinstance(value, bool) and setting.accepts(value)


def _typed(setting: Setting, text: str) -> Any:
    """A value typed on the command line, in the setting's type where it can be; `_checked` judges it."""
    text = text.strip()
    if isinstance(setting.default, int):
        return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else text
    if isinstance(setting.default, str):
        return text
    if text.startswith("["):
        try:
            return tomlkit.parse(f"value = {text}")["value"].unwrap()
        except TOMLKitError:
            return text
    return [member for part in text.split(",") if (member := part.strip())]


def _toml(value: Value) -> str:
    return tomlkit.item(list(value) if isinstance(value, tuple) else value).as_string()


def default_file() -> str:
    """The text of a new config.toml: every setting explained, its default commented out."""
    lines = ["# Settings of this node. Take the # away from a line to set it; then start the node again.", ""]
    for setting in SETTINGS.values():
        lines += [f"# {line}" for line in _wrapped(setting.doc)]
        form = "a list of " if isinstance(setting.default, tuple) else ""
        lines += [f"# Allowed: {form}{setting.allowed}.", f"#{setting.name} = {_toml(setting.default)}", ""]
    return "\n".join(lines)


def _wrapped(text: str, width: int = 100) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
