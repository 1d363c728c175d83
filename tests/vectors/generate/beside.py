"""The vectors of branches that come by themselves, part of log.json [R-LOG-35]."""

from __future__ import annotations

from collections.abc import Sequence

from protocol.branches import authentic
from protocol.entry import CLOSE, Entry
from protocol.signing import Signer
from tests.protocol.author import Author, seed
from tests.protocol.held import Held
from tests.vectors.generate.book import Book

_STRANGER = Signer(seed("someone else"))


def told(before: Sequence[Sequence[Entry]], branch: Sequence[Entry], sealed: bool) -> dict[str, int]:
    """How many leading entries of a branch are authentic to who received the chains before."""
    store = Held()
    for each in before:
        store.receive(each)
    assert store.state is not None
    below = next(entry for chain in before for entry in chain if entry.id == branch[0].prev)
    return {"kept": authentic(store.state.openers, below, branch, sealed=sealed)}


def branches(book: Book) -> None:
    """Branches that stand on entry 30 of a log of 41, or of one that was settled twice."""
    author = Author("beside")
    log = author.write(40) and list(author.entries)
    base = log[30]

    def add(name: str, comment: str, branch: Sequence[Entry], sealed: bool = False, *more: Entry) -> None:
        chains = [log, *([[each] for each in more])]
        book.beside(f"branch-{name}", comment, chains, branch, sealed, told(chains, branch, sealed))

    def made(count: int, unsigned: Sequence[int] = (), tip: Entry = base) -> list[Entry]:
        chain: list[Entry] = []
        for index in range(count):
            signer = _STRANGER if index in unsigned else None
            chain.append(author.after(chain[-1] if chain else tip, note="beside", signer=signer))
        return chain

    add("whole", "every entry signed", made(5))
    add("tail", "the last two are signed by nobody who counts", made(5, [3, 4]))
    add("none", "no entry is signed", made(3, [0, 1, 2]))
    add("inner", "one below a signed entry is proved by it", made(5, [1, 2]))
    add("sealed", "an authentic entry that is held stands on it", made(5, [3, 4]), True)
    add("anchor", "the anchor fails: nothing from there on, whatever signs above it", made(40, [33]))
    add("anchor-tail", "below the anchor that fails the tail is not signed", made(40, [31, 32, 33]))
    add("anchor-sealed", "what is held above does not speak for an anchor", made(40, [33]), True)
    broken = made(4)
    add("broken", "entries that do not follow each other", [*broken[:2], *author.branch(broken[0], 3)[1:]])
    add(
        "broken-sealed",
        "then what is held above stands on none of them",
        [*made(5, [3, 4])[:4], broken[3]],
        True,
    )
    early = author.after(broken[-1], time=broken[-1].time - 1)
    add("early", "dated before its predecessor", [*broken, early])
    close = author.after(broken[-1], CLOSE, b"\x80")
    add("close", "goes on after a close", [*broken, close, author.after(close)])
    settled = author.settlement(broken[-1])
    chain = [*broken[:2], *made(2, [0, 1], broken[1])]
    inner = author.settlement(chain[-1])
    above = author.after(inner, note="beside")
    add(
        "open",
        "a settlement of the newest term, which is not known",
        [*broken, settled, author.after(settled)],
    )
    add("open-tail", "what stands below it has no other proof", [*chain, inner, above])
    first = author.settlement(log[-1])
    later = author.after(log[-1], 4, first.record, place=(0, 2))
    add(
        "closed",
        "a settlement of a closed term proves what it stands on",
        [*chain, inner, above],
        False,
        later,
    )
    rotation, signer = author.rotation(broken[-1])
    turned = author.after(rotation, place=(1, 0), signer=signer)
    add("rotation", "a rotation in it: nothing is taken", [*broken, rotation, turned])
    add("rotation-first", "it begins with a rotation", [author.rotation(base)[0]])
