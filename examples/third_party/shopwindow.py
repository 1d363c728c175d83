"""A shop window: one page of HTML with what a node knows to be on offer, for the screen in the window of a real shop.

    python shopwindow.py http://127.0.0.1:4747 ~/.local/share/netnode/token lamp > window.html

The client speaks HTTP with the node's API and nothing else; it uses no code of netnode. A screen nobody looks after
must not go dark: while the node does not answer, the page stays as it was and says how old it is.
"""

from __future__ import annotations

import html
import http.client
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any


class Window:
    """What is shown, kept over times when the node does not answer.

    Args:
        api: address of the node, ``http://host:port``.
        token: content of the file `token` in the node's home.
        text: what to search for; empty for everything.
        patience: seconds to wait for an answer before the old page is shown.
    """

    def __init__(self, api: str, token: str, text: str = "", patience: float = 5.0) -> None:
        self._api = api
        self._token = token
        self._text = text
        self._patience = patience
        self._items: list[dict[str, Any]] = []
        self._fetched: float | None = None
        self.trouble = "not asked yet"

    def refresh(self) -> bool:
        """Asks the node; whether it answered. Never raises for what a network can do."""
        try:
            items: list[dict[str, Any]] = []
            cursor: str | None = None
            while True:
                page = self._page(cursor)
                items += page["items"]
                cursor = page["next"]
                if cursor is None:
                    break
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            self.trouble = str(error) or type(error).__name__
            return False
        self._items, self._fetched, self.trouble = items, time.monotonic(), ""
        return True

    def page(self) -> str:
        """The page as it is known now."""
        rows = "".join(
            f"<li><b>{html.escape(item['title'])}</b> {html.escape(_price(item))}"
            f" <i>{html.escape(item['seller_name'] or 'a seller without a name')}</i></li>"
            for item in self._items
        )
        return f"<!doctype html><title>On offer</title><ul>{rows}</ul><p>{self._age()}</p>"

    def _age(self) -> str:
        if self._fetched is None:
            return "Nothing is known yet."
        if not self.trouble:
            return "This is on offer now."
        return f"As it was {time.monotonic() - self._fetched:.0f} seconds ago."

    def _page(self, cursor: str | None) -> Any:
        query = {"text": self._text, "limit": "100", "hubs": "never"}
        if cursor is not None:
            query["cursor"] = cursor
        request = urllib.request.Request(
            f"{self._api}/api/v1/search?{urllib.parse.urlencode(query)}",
            headers={"Authorization": f"Bearer {self._token}"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the token goes to no proxy
        with opener.open(request, timeout=self._patience) as answer:
            return json.load(answer)


def _price(item: dict[str, Any]) -> str:
    price = item.get("price")
    return f"{price['amount']} {price['currency']}" if price else "ask for the price"


def main() -> None:
    """Prints the page once."""
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: shopwindow.py http://HOST:PORT TOKEN_FILE [TEXT]")
    window = Window(sys.argv[1], Path(sys.argv[2]).read_text().strip(), "".join(sys.argv[3:]))
    if not window.refresh():
        sys.exit(f"The node at {sys.argv[1]} gave no list of offers: {window.trouble}")
    print(window.page())


if __name__ == "__main__":
    main()
