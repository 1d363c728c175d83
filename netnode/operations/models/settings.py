"""config.toml."""

from typing import Annotated, Any

from msgspec import Meta, Struct


class Setting(Struct, frozen=True, kw_only=True):
    """One setting of config.toml with its meaning."""

    name: str
    value: Any
    default: Any
    text: str = ""
    set: bool = False  # in the file; otherwise the default holds


class SettingName(Struct, frozen=True, forbid_unknown_fields=True):
    """Names a setting."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]


class SettingChange(Struct, frozen=True, forbid_unknown_fields=True):
    """A new value, as text the way it is typed; it is checked against the setting's type."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    value: Annotated[str, Meta(max_length=4096)]
