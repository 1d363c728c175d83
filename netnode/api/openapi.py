"""OpenAPI 3.1 of the API, generated from the registry of operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from netnode.api.answers import ErrorDocument
from netnode.operations.operation import PREFIX, Download, Operation, Upload
from netnode.operations.registry import AnyOperation

_REF: Final = "#/components/schemas/{name}"


def describe(operations: Sequence[AnyOperation], version: str) -> dict[str, Any]:
    """The OpenAPI document of these operations."""
    types: list[Any] = [ErrorDocument]
    for operation in operations:
        types.append(operation.request)
        if not isinstance(operation, Download):
            types.append(operation.response)
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    references = dict(zip(types, schemas, strict=True))
    paths: dict[str, Any] = {}
    for operation in operations:
        method = operation.method.lower() if isinstance(operation, Operation) else _method(operation)
        paths.setdefault(PREFIX + operation.path, {})[method] = _operation(operation, references, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "netnode", "version": version, "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _method(operation: Upload[Any, Any] | Download[Any]) -> str:
    return "post" if isinstance(operation, Upload) else "get"


def _operation(
    operation: AnyOperation, references: dict[Any, Any], components: dict[str, Any]
) -> dict[str, Any]:
    described: dict[str, Any] = {"operationId": operation.name, "summary": operation.summary, "responses": {}}
    binary = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    if isinstance(operation, Operation) and operation.method == "POST":
        body = {"application/json": {"schema": references[operation.request]}}
        described["requestBody"] = {"required": True, "content": body}
    else:
        described["parameters"] = _parameters(components[operation.request.__name__])
    if isinstance(operation, Upload):
        described["requestBody"] = {"required": True, "content": binary}
    if isinstance(operation, Download):
        answer: dict[str, Any] = binary
    else:
        answer = {"application/json": {"schema": references[operation.response]}}
    described["responses"]["200"] = {"description": operation.summary, "content": answer}
    problem = {"application/json": {"schema": references[ErrorDocument]}}
    described["responses"]["default"] = {"description": "what is wrong", "content": problem}
    return described


def _parameters(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": part}
        for name, part in schema.get("properties", {}).items()
    ]
