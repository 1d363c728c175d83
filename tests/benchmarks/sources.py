"""The logs that a workload copies: signed, of one shape, made from nothing but their number."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from protocol.entry import INCEPTION, NO_PREV, Entry, sign_entry
from protocol.identity import networker_id
from protocol.logfile import encode_run, encode_start
from protocol.records import Inception, Listing, Price, encode_record
from protocol.recovery import promise
from protocol.run import RUN_BYTES, RUN_OVERHEAD, Run, entry_weight, run_of
from protocol.signing import Signer

NETWORK: Final = "inx"
START: Final = 1_750_000_000_000  # ms
_WORDS: Final = (
    "amber", "basket", "cotton", "desk", "ember", "fabric", "glass", "harbour", "iron", "jacket", "kettle", "linen",
    "maple", "needle", "olive", "paper", "quilt", "rope", "silver", "table", "umber", "velvet", "walnut", "yarn",
    "zinc", "oak", "steel", "clay", "brass", "wool", "cedar", "copper",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Workload:
    """So many networkers with logs of `each` entries."""

    name: str
    networkers: int
    each: int

    @property
    def entries(self) -> int:
        """Of all logs."""
        return self.networkers * self.each


W1A: Final = Workload("W1a", 1, 10_000)
W1B: Final = Workload("W1b", 1_000, 10)


def _seed(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()


def listing_record(number: int, seq: int) -> bytes:
    """A listing that makes an entry of about 500 bytes: header, signature and record together."""
    noise = _seed("words", number, seq)
    words = [_WORDS[byte % len(_WORDS)] for byte in noise]
    description = " ".join(words)
    record = encode_record(
        Listing(
            salt=_seed("salt", number, seq)[:16],
            key=f"thing-{seq}",
            kind="product",
            title=" ".join(words[:3]).capitalize(),
            category="Things",
            description=description,
            price=Price(amount=100 + noise[0] * 10, currency="EUR"),
        )
    )
    return record


def signer(number: int) -> Signer:
    """Who signs a networker's log."""
    return Signer(_seed("key", number))


def log(number: int, length: int) -> list[Entry]:
    """One networker's log: an inception, then listings."""
    signs = signer(number)
    promised = promise(NETWORK, Signer(_seed("promised", number)).public)
    record = encode_record(Inception(key=signs.public, nonce=_seed("nonce", number)[:16], promise=promised))
    author = networker_id(NETWORK, record)
    entries: list[Entry] = []
    prev, kind = NO_PREV, INCEPTION
    for seq in range(length):
        entry = sign_entry(
            NETWORK, signs, author=author, seq=seq, prev=prev, epoch=0, term=0, time=START + seq, kind=kind,
            record=record,
        )  # fmt: skip
        entries.append(entry)
        prev, kind, record = entry.id, Listing.KIND, listing_record(number, seq + 1)
    return entries


def runs(workload: Workload, first: int = 0) -> Iterator[Run]:
    """All logs as runs that fit a message each; the networkers are numbered from `first` on."""
    for number in range(first, first + workload.networkers):
        entries = log(number, workload.each)
        yield run_of(entries[:1])
        batch: list[Entry] = []
        room = RUN_BYTES - RUN_OVERHEAD
        for entry in entries[1:]:
            weight = entry_weight(entry)
            if weight > room or (batch and batch[-1].is_anchor and len(batch) >= 64):
                yield run_of(batch)
                batch, room = [], RUN_BYTES - RUN_OVERHEAD
            batch.append(entry)
            room -= weight
        if batch:
            yield run_of(batch)


def log_file(workload: Workload, first: int = 0) -> tuple[bytes, float]:
    """A file that `netnode log import` reads, and the mean size of an entry in bytes."""
    made = list(runs(workload, first))
    sizes = [entry_weight_of(run) for run in made]
    return encode_start(NETWORK) + b"".join(map(encode_run, made)), sum(sizes) / workload.entries


def entry_weight_of(run: Run) -> int:
    """Bytes of all headers, signatures and records of a run."""
    from protocol.run import rebuild

    return sum(len(e.header) + len(e.signature) + len(e.record or b"") for e in rebuild(run))
