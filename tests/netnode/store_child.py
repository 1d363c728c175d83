"""Commits one log, entry by entry and durably, and says so after each: ``python -m tests.netnode.store_child PATH``."""

from __future__ import annotations

import sys
from pathlib import Path

from netnode.store import Change, Reader
from protocol.log import receive
from tests.netnode.stored import open_writer
from tests.protocol.author import NETWORK, Author


def main() -> None:
    writer = open_writer(Path(sys.argv[1]))
    reader = Reader(writer.connection)
    author = Author("crash")
    state = reader.load(author.id)
    if state is not None:
        author.entries = reader.entries(author.id, 0, state.tip.seq, 2**40)
    while True:
        start = len(author.entries) if state is not None else 0
        author.write(7)
        admission = receive(NETWORK, state, author.entries[start:], reader.view(author.id))
        assert admission.fault is None and admission.state is not None
        writer.commit([Change(state, admission.state, admission.steps)], durable=True)
        state = admission.state
        print(state.tip.seq, flush=True)


if __name__ == "__main__":
    main()
