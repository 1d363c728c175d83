"""Plans from TOML or JSON: the record's own fields by their names, with numbers as people write them [R-PLAN-9].

What a file may say shorter: `currency = "EUR"`, `period = "month"` or `"quarter"`, `unit = "ref"`, one list of rates
for everybody, rates by rank as a table, steps as pairs, and `r2`, `r5`, `r6`, `r8`, `r19` = false.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import inspect as shapes

from netnode.market.forms import FormError, read_toml
from netnode.market.money import MoneyError
from netnode.market.money import exponent as currency_exponent
from netnode.plans.values import number, scaled, wrong
from netnode.problems import ExitCode, Problem, disk_problem
from protocol.errors import LocalProtocolError, Void
from protocol.plans.document import FAMILIES, Compiled, compile_plan
from protocol.records import CODECS
from protocol.records.plan import Plan

_VOLUMES: Final = frozenset(
    {"at", "group", "own", "outside_volume", "least", "strong", "weak", "carry_cap", "active", "personal"}
    | {"unlock_volume"}
)
_AMOUNTS: Final = frozenset({"amounts", "amount", "cap_member", "joining", "kit_cost"})
_PERIODS: Final = {
    "day": (1, "day"),
    "week": (1, "week"),
    "month": (1, "month"),
    "quarter": (3, "month"),
    "year": (1, "year"),
}
_SWITCHES: Final[Mapping[str, Mapping[str, Any]]] = {
    "r2": {"personal_free": True},
    "r5": {"unlock_buyers": 0},
    "r6": {"outside_full": [0, 1], "outside_least": [0, 1]},
    "r8": {"hold_days": 0},
    "r19": {"idle_periods": 0},
}
_ALWAYS: Final = {
    "r1": "an award needs a sale",
    "r3": "joining, kits, fees and training pay nobody",
    "r4": "nobody buys to be paid",
    "autoship": "a plan that makes buying a condition for being paid is void (R4)",
    "required_purchase": "a plan that makes buying a condition for being paid is void (R4)",
}
_TEAM: Final[Mapping[str, Any]] = {
    "depth": 100,
    "followups": [],
    "holding": 7,
    "missed": 1,
    "modules": [],
    "orphans": "roll_up",
    "replacement": "none",
    "spill": "breadth",
}
_WITHOUT_TEAM: Final = frozenset({"path", "tiers", "matching"})
MAX_FILE: Final = 256 * 1024 * 1024


def load(path: Path) -> Any:
    """The content of a TOML or JSON file; JSON where its name ends so.

    Raises:
        Problem: it cannot be read, or is neither.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise disk_problem(error, "read", path) from error
    if len(data) > MAX_FILE:
        wrong(str(path), "is larger than 256 MiB")
    if path.suffix.lower() == ".json":
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            wrong(str(path), f"is not valid JSON: {error}")
    try:
        return read_toml(data, str(path))
    except FormError as error:
        raise Problem(str(error), ExitCode.USAGE, "plan_file") from error


def read_plan(path: Path) -> Plan:
    """The plan that a file describes.

    Raises:
        Problem: names the file, the key, and what to write instead.
    """
    content = load(path)
    if not isinstance(content, dict):
        wrong(str(path), "is no table of a plan")
    return plan_from(content, str(path))


def compiled_from(path: Path) -> Compiled:
    """The plan of a file, compiled.

    Raises:
        Problem: it cannot be read, or INX does not allow such a plan: the sentence says where and why.
    """
    return allowed(read_plan(path), str(path))


def allowed(plan: Plan, where: str) -> Compiled:
    """A plan, compiled.

    Raises:
        Problem: INX does not allow such a plan: the sentence says where and why.
    """
    try:
        return compile_plan(plan)
    except Void as error:
        raise Problem(f"{where}: {error.text}", ExitCode.REFUSED, error.code) from error


def plan_from(content: Mapping[str, Any], where: str) -> Plan:
    """The plan that a table describes.

    Args:
        content: as TOML or JSON has it.
        where: its file, for sentences.

    Raises:
        Problem: as `read_plan`.
    """
    fields = _expanded(dict(content), where)
    reader = _Reader(where, _exponent(fields, where), fields.get("volume") == "points")
    value = reader.struct(Plan, fields, "")
    try:
        plan = msgspec.convert(value, Plan)
        CODECS[Plan.KIND].encode(plan)
    except msgspec.ValidationError as error:
        text, _, at = str(error).rpartition(" - at `$.")
        sentence = text or str(error)
        wrong(f"{where}: {at.rstrip('`')}" if text else where, sentence[:1].lower() + sentence[1:])
    except LocalProtocolError as error:
        wrong(where, error.text)
    return plan


def _expanded(fields: dict[str, Any], where: str) -> dict[str, Any]:
    """The short forms written out."""
    for name, why in _ALWAYS.items():
        if name in fields:
            wrong(f"{where}: {name}", f"this is no matter of the plan: {why}")
    for name, values in _SWITCHES.items():
        if name in fields:
            if fields.pop(name) is not False:
                wrong(f"{where}: {name}", "only false can be said: the rule holds unless it is switched off")
            fields.update(values)
    if isinstance(fields.get("unit"), str):
        fields["unit"] = {"name": fields["unit"], "exponent": 2}
    if "currency" in fields:
        if "currencies" in fields:
            wrong(f"{where}: currency", "stands beside `currencies`; give one of them")
        if not isinstance(fields["currency"], str):
            wrong(f"{where}: currency", 'is no text; write currency = "EUR"')
        fields["currencies"] = {fields.pop("currency"): "1"}
    if isinstance(fields.get("currencies"), dict):
        fields["currencies"] = [
            {"currency": code, "rate": _rate_of(code, rate, _exponent(fields, where), where)}
            for code, rate in fields["currencies"].items()
        ]
    period = fields.setdefault("period", "month")
    if isinstance(period, str):
        if period not in _PERIODS:
            wrong(f"{where}: period", f"{period!r} is none of {', '.join(_PERIODS)}")
        count, unit = _PERIODS[period]
        fields["period"] = {"count": count, "unit": unit}
    for family in (*FAMILIES, "board", "monoline", "enrolment"):
        if family in fields:
            fields[family] = _named(family, fields[family], where)
    if "team" in fields or any(fields.get(family) for family in FAMILIES if family not in _WITHOUT_TEAM):
        team = fields.get("team", {})
        if not isinstance(team, dict):
            wrong(f"{where}: team", "is no table")
        fields["team"] = {**_TEAM, **team}
        fields.setdefault("opportunity", "team")
    return fields


def _named(family: str, rules: Any, where: str) -> list[dict[str, Any]]:
    """The rules of a family; a single one may stand alone, and what has no name is called by its family."""
    listed = [rules] if isinstance(rules, dict) else rules
    if not isinstance(listed, list) or not all(isinstance(rule, dict) for rule in listed):
        wrong(f"{where}: {family}", f"is no table; write [[{family}]] and below it what the rule says")
    return [
        {"name": family.replace("_", "-") + (f"-{number}" if number > 1 else ""), **rule}
        for number, rule in enumerate(listed, 1)
    ]


def _exponent(fields: Mapping[str, Any], where: str) -> int:
    unit = fields.get("unit")
    if not isinstance(unit, dict):
        wrong(f"{where}: unit", 'is missing; write unit = "ref", or {name = "ref", exponent = 2}')
    found = unit.get("exponent", 2)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= 9:
        wrong(f"{where}: unit.exponent", "is a whole number from 0 to 9")
    return found


def _rate_of(code: str, rate: Any, exponent: int, where: str) -> list[int]:
    """Whole units for one of a currency, as minor units for a minor unit."""
    place = f"{where}: currencies.{code}"
    try:
        minor = currency_exponent(code)
    except MoneyError as error:
        wrong(place, str(error))
    found = number(place, rate) * Fraction(10**exponent, 10**minor)
    return [found.numerator, found.denominator]


class _Reader:
    """Turns what people write into what the record holds, by the types of its fields."""

    def __init__(self, where: str, exponent: int, points: bool) -> None:
        self._where = where
        self._exponent = exponent
        self._volume = 2 if points else exponent

    def struct(self, kind: type[msgspec.Struct], fields: Any, path: str) -> dict[str, Any]:
        """The fields of one Struct."""
        if not isinstance(fields, Mapping):
            wrong(self._at(path), "is no table")
        info = shapes.type_info(kind)
        assert isinstance(info, shapes.StructType)
        known = {field.encode_name: field for field in info.fields}
        for name in fields:
            if name not in known:
                wrong(self._at(path, name), f"there is no such key here{_meant(name, known)}")
        for field in info.fields:
            if field.required and field.encode_name not in fields:
                wrong(self._at(path), f"needs {field.encode_name}")
        return {name: self._value(known[name].type, value, path, name) for name, value in fields.items()}

    def _value(self, kind: shapes.Type, value: Any, path: str, name: str) -> Any:
        while isinstance(kind, shapes.Metadata):
            kind = kind.type
        place = f"{path}.{name}" if path else name
        match kind:
            case shapes.StructType():
                return self.struct(kind.cls, value, place)
            case shapes.TupleType():
                return self._rate(value, place)
            case shapes.VarTupleType():
                return self._list(kind, value, place, name)
            case shapes.LiteralType() if value not in kind.values:
                wrong(self._at(place), f"{value!r} is none of {', '.join(map(str, kind.values))}")
            case shapes.IntType() if name in _VOLUMES:
                return scaled(self._at(place), value, self._volume, "what the plan counts")
            case shapes.IntType() if name in _AMOUNTS:
                return scaled(self._at(place), value, self._exponent, "the plan's unit")
        return value

    def _list(self, kind: shapes.VarTupleType, value: Any, place: str, name: str) -> list[Any]:
        item: shapes.Type = kind.item_type
        while isinstance(item, shapes.Metadata):
            item = item.type
        if isinstance(item, shapes.StructType) and "rates" in item.cls.__struct_fields__:
            value = _by_rank(value)
        elif isinstance(item, shapes.StructType) and item.cls.__struct_fields__ == ("at", "rate"):
            value = _by_volume(value)
        if not isinstance(value, list):
            wrong(self._at(place), "is no list")
        return [self._item(item, each, f"{place}[{index}]", name) for index, each in enumerate(value)]

    def _item(self, kind: shapes.Type, value: Any, place: str, name: str) -> Any:
        if isinstance(kind, shapes.StructType):
            return self.struct(kind.cls, value, place)
        if isinstance(kind, shapes.TupleType):
            return self._rate(value, place)
        if isinstance(kind, shapes.IntType) and name in _AMOUNTS:
            return scaled(self._at(place), value, self._exponent, "the plan's unit")
        return value

    def _rate(self, value: Any, place: str) -> list[int]:
        if isinstance(value, list) and len(value) == 2 and all(type(each) is int for each in value):
            return value
        found = number(self._at(place), value)
        return [found.numerator, found.denominator]

    def _at(self, path: str, name: str = "") -> str:
        key = ".".join(filter(None, (path, name)))
        return f"{self._where}: {key}" if key else self._where


def _by_rank(value: Any) -> Any:
    """Rows of rates from a table by rank, or from one list for everybody."""
    if isinstance(value, dict):
        return [
            {"rates": rates if isinstance(rates, list) else [rates]}
            | ({} if rank == "all" else {"rank": rank})
            for rank, rates in value.items()
        ]
    if isinstance(value, list) and value and not any(isinstance(each, dict) for each in value):
        return [{"rates": value}]
    return value


def _by_volume(value: Any) -> Any:
    """Steps from pairs of volume and rate, or from one rate for every volume."""
    if isinstance(value, (int, str)):
        return [{"at": 0, "rate": value}]
    if isinstance(value, list):
        return [
            {"at": each[0], "rate": each[1]} if isinstance(each, list) and len(each) == 2 else each
            for each in value
        ]
    return value


def _meant(name: str, known: Mapping[str, object]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"; do you mean {found[0]}?" if found else f". There is: {', '.join(known)}"
