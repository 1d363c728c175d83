"""A store in a folder for tests, and a log kept both in memory and in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import apsw

from netnode.store import Change, Reader, Writer
from netnode.store.schema import prepare, set_up_reader
from netnode.system import SystemDisk, SystemEntropy
from protocol.entry import Entry
from protocol.items import Item
from protocol.log import Admission, receive, receive_opener
from protocol.run import run_of
from tests.protocol.author import NETWORK
from tests.protocol.held import Held

FLAGS = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE


def open_writer(path: Path) -> Writer:
    connection = SystemDisk().open_database(path, FLAGS)
    prepare(connection, NETWORK, SystemEntropy())
    return Writer(connection)


def open_reader(path: Path) -> Reader:
    connection = SystemDisk().open_database(path, apsw.SQLITE_OPEN_READONLY)
    set_up_reader(connection)
    return Reader(connection)


@contextmanager
def opened(folder: Path) -> Iterator[tuple[Writer, Reader]]:
    """A writer and a reader of one new store."""
    path = folder / "store.sqlite3"
    writer = open_writer(path)
    reader = open_reader(path)
    try:
        yield writer, reader
    finally:
        reader.connection.close()
        writer.connection.close()


class Twin:
    """One log in memory and in the store; every change goes into both, and they are compared."""

    def __init__(self, author: bytes, writer: Writer, reader: Reader) -> None:
        self.author = author
        self.writer = writer
        self.reader = reader
        self.memory = Held()

    def receive(self, chain: Sequence[Entry], jump: bool = False) -> list[Item]:
        items: list[Item] = []
        while chain:
            view = self.reader.view(self.author)
            admission = receive(NETWORK, self.memory.state, chain, view, jump=jump)
            items += self.take(admission)
            chain = admission.rest
        return items

    def opener(self, entry: Entry) -> list[Item]:
        assert self.memory.state is not None
        return self.take(receive_opener(self.memory.state, entry, self.reader.view(self.author)))

    def take(self, admission: Admission) -> list[Item]:
        before = self.memory.state
        self.memory.apply(admission)
        if admission.state is None or (admission.state is before and not admission.steps):
            return []
        proof = admission.proof
        sides = None if proof is None else (run_of(proof[0]), run_of(proof[1]))
        return self.writer.commit([Change(before, admission.state, admission.steps, sides)])

    def compare(self) -> None:
        state = self.memory.state
        assert self.reader.load(self.author) == state
        assert self.reader.item(self.author) == (None if state is None else state.item())
        assert self.reader.entries(self.author, 0, 2**40 - 1, 2**40) == self.memory.log()
        view = self.reader.view(self.author)
        for number, extent in self.memory.extents.items():
            assert {seq: view.aside(number, seq) for seq in extent} == extent
        if state is not None:
            row = self.reader.log(self.author)
            assert row is not None and (row.first, row.last) == (state.base.seq, state.tip.seq)
            assert row.common == state.common
