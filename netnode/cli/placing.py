"""Tells a Problem by the option or file a person gave, where the operation only knows the field of a request."""

from __future__ import annotations

from typing import Final

import click
from click.core import ParameterSource

from netnode.problems import Problem

_OF_FIELDS: Final = frozenset({"request", "form"})
_OF_FILES: Final = frozenset({"feed", "format", "currency", "log_file"})
_OTHER_NAMES: Final = {"shipping": "ship_to"}  # field of a form -> parameter of the command


def placed(problem: Problem, context: click.Context) -> Problem:
    """The same Problem, its sentence beginning with what the person typed.

    A field that an option gave is named by the option; one of a `--from` file, and what is wrong with a file as a
    whole, by the file.

    Args:
        problem: as the operation raised it.
        context: of the command that met it.
    """
    text = problem.text
    field = problem.details.get("field")
    if problem.code in _OF_FIELDS and isinstance(field, str) and text.startswith(f"{field}: "):
        text = _field_placed(text, field, context)
    elif problem.code in _OF_FILES and context.params.get("file") and not text.startswith("--"):
        text = f"{context.params['file']}: {text}"
    if text == problem.text:
        return problem
    return Problem(text, problem.exit_code, problem.code, problem.details)


def _field_placed(text: str, field: str, context: click.Context) -> str:
    first, _, rest = field.partition(", ")
    table = first.split(" ")[0]
    name = rest if table == "area" and rest else table
    name = _OTHER_NAMES.get(name, name)
    source = context.params.get("source")
    parameter = next((one for one in context.command.params if one.name == name), None)
    if parameter is not None and (source is None or _typed(context, name)):
        label = parameter.opts[0] if isinstance(parameter, click.Option) else parameter.make_metavar(context)
        return f"{label}{text[len(field) :]}" if field in (name, f"area, {name}") else f"{label}: {text}"
    return f"{source}: {text}" if source is not None else text


def _typed(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) == ParameterSource.COMMANDLINE
