"""The close of a period as a content: what a book comes to, read whole."""

from __future__ import annotations

from protocol.ledger import drafting
from protocol.ledger.contents import CloseContent, read_close
from protocol.ledger.governing import Governed
from protocol.ledger.state import State


def close_with_awards(state: State, governed: Governed, begins: int) -> CloseContent:
    """As of `protocol.ledger.drafting`, all awards at once."""
    return read_close(b"".join(drafting.close_with_awards(state, governed, begins).encoded()))
