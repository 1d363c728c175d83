"""A node's HTTP API for plain code: documents as every program sees them, or typed by the table of operations."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from netnode.operations.operation import PREFIX, Operation, Request, Response
from netnode.problems import ExitCode, Problem
from netnode.testing.waiting import timeout_factor

ANSWER_SECONDS: Final = 30.0


class Client:
    """Asks one node, by its public API and nothing else.

    Every call raises `netnode.problems.Problem` when the node refuses (its `code` and `exit_code` are stable), or does
    not answer (`ExitCode.UNREACHABLE`).

    Args:
        api: gives the node's address, ``http://host:port``; asked for each call, as a node may come back elsewhere.
        token: gives what authorises calls, the content of the file `token` of the node's home.
    """

    def __init__(self, api: Callable[[], str], token: Callable[[], str]) -> None:
        self._api = api
        self._token = token

    def get(self, path: str, **query: object) -> Any:
        """The JSON document of a GET below ``/api/v1``; a query of None is left out."""
        return json.loads(self._ask(path, _query(query)))

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        """The JSON document of a POST of a JSON document."""
        return json.loads(self._ask(path, "", json.dumps(body or {}).encode()))

    def upload(self, path: str, body: bytes, **query: object) -> Any:
        """The JSON document of a POST of a file."""
        return json.loads(self._ask(path, _query(query), body, "application/octet-stream"))

    def download(self, path: str, **query: object) -> bytes:
        """The file of a GET."""
        return self._ask(path, _query(query))

    def call(self, operation: Operation[Request, Response], request: Request) -> Response:
        """Calls an operation of `netnode.operations`, types checked on both ways."""
        fields = msgspec.to_builtins(request)
        if operation.method == "GET":
            answer = self._ask(operation.path, _query(fields))
        else:
            answer = self._ask(operation.path, "", msgspec.json.encode(fields))
        return msgspec.json.decode(answer, type=operation.response)

    def pages(self, path: str, **query: object) -> list[Any]:
        """All items of a list, page by page."""
        items: list[Any] = []
        cursor: str | None = None
        while True:
            page = self.get(path, **query, limit=500, cursor=cursor)
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return items

    def _ask(self, path: str, query: str, body: bytes | None = None, form: str = "application/json") -> bytes:
        headers = {"Authorization": f"Bearer {self._token()}", "Content-Type": form}
        url = f"{self._api()}{PREFIX}{path}?{query}"
        request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 -- http, as the node said
        # No proxy of the environment: the token stays on this computer.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=ANSWER_SECONDS * timeout_factor()) as answer:
                read: bytes = answer.read()
                return read
        except urllib.error.HTTPError as error:
            from netnode.api.answers import to_problem  # late: aiohttp takes a third of a second

            with error:
                raise to_problem(error.code, error.read()) from error
        except (OSError, http.client.HTTPException) as error:
            raise Problem(
                f"The node at {self._api()} does not answer ({error}). Does it run? Its node.log says more.",
                ExitCode.UNREACHABLE,
                "unreachable",
            ) from error


def _query(fields: Mapping[str, object]) -> str:
    texts = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in fields.items()
        if value is not None
    }
    return urllib.parse.urlencode(texts)
