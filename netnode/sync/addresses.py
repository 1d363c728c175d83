"""The address book: where networkers answer that nobody here named, in two tables of keyed buckets.

*New* holds what was told, *tried* where a networker was met. An address falls into the bucket and place that a hash,
keyed with a secret of this store, gives it: of its network group and, in *new*, of the group of who told it. So one
group reaches TRIED_SHARE of the tried buckets and what one source tells SOURCE_SHARE of the new ones, however many
addresses there are, and nobody outside can aim at a place. No clock, no randomness, no disk in here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from netnode.sync.groups import host_group, host_of

NEW_BUCKETS: Final = 1_024
TRIED_BUCKETS: Final = 256
PLACES: Final = 64  # in a bucket
TRIED_SHARE: Final = 4  # buckets of one group: a /16 with all its addresses stays below 8
SOURCE_SHARE: Final = 64  # buckets of one source
CONTESTS: Final = 16  # why: places of *tried* under test at once; further challengers wait in *new*

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
BACK_OFF_MS: Final = (MINUTE_MS, 6 * HOUR_MS)  # pause after the first failure; it doubles up to the second
NEVER_MET: Final = 3  # failures before an address that never worked is let go
NOT_FOR_LONG: Final = 10  # failures before one that did, not in the last week, is let go
HORIZON_MS: Final = 30 * DAY_MS  # why: who did not answer for a month has moved
FRESH_MS: Final = 4 * HOUR_MS  # met so lately, the holder of a place keeps it without a test
TEST_MS: Final = 40 * MINUTE_MS  # a test that could not be made by then counts as failed
NOTE_LENGTH: Final = 200

Key = tuple[bytes, str]
Draw = Callable[[int], int]
"""A random number from 0 to below its argument."""


@dataclass(frozen=True, slots=True)
class Known:
    """One address of one networker; times are ms UTC, 0 for never.

    `networker` is empty where only the address is known (a bootstrap address). `source` is the network group of who
    told it, `met` when the networker was last met there, `attempt` when it was last dialled. `host` and `group` (the
    network group) are those of the address, worked out once: a book is looked through at every end of a session.
    """

    networker: bytes
    address: str
    source: str
    added: int
    tried: bool = False
    met: int = 0
    attempt: int = 0
    failures: int = 0
    note: str = ""
    host: str = field(init=False, repr=False, compare=False, default="")
    group: str = field(init=False, repr=False, compare=False, default="")

    def __post_init__(self) -> None:
        host = host_of(self.address)
        object.__setattr__(self, "host", host)
        object.__setattr__(self, "group", host_group(host))

    @property
    def key(self) -> Key:
        """Two networkers may claim one address; a handshake tells who is right, so both are kept."""
        return (self.networker, self.address)

    def dial_after(self) -> int:
        """When it may be dialled again, ms UTC: 60 s after the first failure, growing."""
        first, longest = BACK_OFF_MS
        return self.attempt + min(first << max(0, min(self.failures, 20) - 1), longest) if self.attempt else 0

    def waits(self, now: int) -> bool:
        """Whether it is too early to dial it again; an attempt in the future, by another clock, counts as none."""
        return self.attempt <= now < self.dial_after()

    def hopeless(self, now: int) -> bool:
        """Whether it is not worth its place."""
        if self.attempt and now - self.attempt < MINUTE_MS:
            return False
        if now - max(self.added, self.met) > HORIZON_MS:
            return True
        if self.met == 0:
            return self.failures >= NEVER_MET
        return self.failures >= NOT_FOR_LONG and now - self.met > 7 * DAY_MS


class AddressBook:
    """Both tables.

    Args:
        key: secret and random, the same for the life of the store.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[Key, Known] = {}
        self._tables: tuple[dict[int, dict[int, Key]], dict[int, dict[int, Key]]] = ({}, {})  # new, tried
        self._contests: dict[Key, int] = {}
        self._changed: dict[Key, None] = {}

    # -- what is in it ---------------------------------------------------------------------------------------
    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Known]:
        return iter(self._known.values())

    def get(self, networker: bytes, address: str) -> Known | None:
        """One address of a networker."""
        return self._known.get((networker, address))

    def buckets(self, *, tried: bool, group: str | None = None) -> set[int]:
        """The buckets of a table that hold something, or something of one group."""
        return {
            number
            for number, bucket in self._tables[tried].items()
            if group is None or any(self._known[key].group == group for key in bucket.values())
        }

    def load(self, rows: Iterable[Known]) -> None:
        """Takes in what was stored; of two for one place the one met later stays."""
        for row in sorted(rows, key=_merit):
            self._settle(row)
        self._changed.clear()

    def changes(self) -> tuple[list[Known], list[Key]]:
        """What is to be stored since the last call: changed rows, and keys that are gone."""
        keys, self._changed = list(self._changed), {}
        return [self._known[key] for key in keys if key in self._known], [
            k for k in keys if k not in self._known
        ]

    # -- what happens to it ----------------------------------------------------------------------------------
    def add(self, networker: bytes, address: str, source: str, now: int) -> bool:
        """Takes in an address that was told, unless its place is held by one that may still be good."""
        known = Known(networker, address, source, now)
        if known.key in self._known:
            return False
        bucket, place = self._place(known, tried=False)
        holder = self._tables[False].get(bucket, {}).get(place)
        if holder is not None:
            if not self._known[holder].hopeless(now):
                return False
            self._remove(holder)
        self._put(known)
        return True

    def only(self, networker: bytes, addresses: Iterable[str]) -> None:
        """Forgets the addresses of a networker that its newest statement no longer names."""
        named = set(addresses)
        for key in [key for key in self._known if key[0] == networker and key[1] not in named]:
            self._remove(key)

    def forget(self, key: Key) -> None:
        """Removes an address; fine when it is not there."""
        if key in self._known:
            self._remove(key)

    def attempted(self, key: Key, now: int) -> None:
        """It is dialled now."""
        if (known := self._known.get(key)) is not None:
            self._put(replace(known, attempt=now))

    def failed(self, key: Key, note: str, now: int) -> None:
        """It could not be met there; one that is not worth its place any more goes."""
        if (known := self._known.get(key)) is None:
            return
        failed = replace(known, attempt=now, failures=known.failures + 1, note=note[:NOTE_LENGTH])
        if failed.hopeless(now + MINUTE_MS):
            self._remove(key)
        else:
            self._put(failed)

    def met(self, networker: bytes, address: str, source: str, now: int) -> Known | None:
        """The networker was met there: the address is tried from now on.

        Returns:
            Who holds its place in *tried*; test that one, then call `decide`. None when there was no contest.
        """
        known = self._known.get((networker, address)) or Known(networker, address, source, now)
        known = replace(known, met=now, attempt=now, failures=0, note="")
        if known.tried:
            self._put(known)
            return None
        bucket, place = self._place(known, tried=True)
        holder = self._tables[True].get(bucket, {}).get(place)
        if holder is None:
            self._put(replace(known, tried=True))
            return None
        if known.key in self._known:
            self._put(known)
        else:
            self._settle(known)
        if known.key in self._known and len(self._contests) < CONTESTS:
            self._contests.setdefault(known.key, now)
        return self._known[holder]

    def contests(self) -> list[tuple[Known, Known]]:
        """Pairs (challenger, holder) of one place in *tried*."""
        pairs = []
        for key in self._contests:
            challenger, holder = self._known.get(key), self._holder(key)
            if challenger is not None and not challenger.tried and holder is not None:
                pairs.append((challenger, holder))
        return pairs

    def decide(self, now: int) -> None:
        """Ends contests: a holder that was met lately stays, one that failed its test goes back to *new*."""
        for key, since in list(self._contests.items()):
            challenger, holder = self._known.get(key), self._holder(key)
            if challenger is None or challenger.tried or holder is None or now - holder.met < FRESH_MS:
                del self._contests[key]
            elif (holder.attempt >= since and holder.failures) or now - since > TEST_MS:
                del self._contests[key]
                self._remove(holder.key)
                self._settle(replace(holder, tried=False))
                self._put(replace(challenger, tried=True))

    def pick(self, draw: Draw, usable: Callable[[Known], bool], *, tried: bool) -> Known | None:
        """One usable address of a table, each bucket as likely as any other; None when none was found.

        Full buckets do not weigh more: who fills buckets with many addresses gains nothing.
        """
        buckets = sorted(self._tables[tried])
        while buckets:
            number = buckets.pop(draw(len(buckets)))
            bucket = self._tables[tried][number]
            found = [known for _, key in sorted(bucket.items()) if usable(known := self._known[key])]
            if found:
                return found[draw(len(found))]
        return None

    # -- places ----------------------------------------------------------------------------------------------
    def _hash(self, *parts: object) -> int:
        text = repr(parts).encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8, key=self._key).digest(), "big")

    def _place(self, known: Known, *, tried: bool) -> tuple[int, int]:
        """Bucket and place of an address in a table."""
        group = known.group
        if tried:
            share = self._hash("t", *known.key) % TRIED_SHARE
            bucket = self._hash("tried", group, share) % TRIED_BUCKETS
        else:
            share = self._hash("n", group, known.source) % SOURCE_SHARE
            bucket = self._hash("new", known.source, share) % NEW_BUCKETS
        return bucket, self._hash("place", tried, bucket, *known.key) % PLACES

    def _holder(self, key: Key) -> Known | None:
        """Who holds the place in *tried* that an address would have."""
        if key not in self._known:
            return None
        bucket, place = self._place(self._known[key], tried=True)
        holder = self._tables[True].get(bucket, {}).get(place)
        return None if holder is None else self._known[holder]

    def _settle(self, known: Known) -> None:
        """Puts a row where it belongs, if that place is free."""
        bucket, place = self._place(known, tried=known.tried)
        if place not in self._tables[known.tried].get(bucket, {}):
            self._put(known)

    def _put(self, known: Known) -> None:
        before = self._known.get(known.key)
        if before is None or before.tried != known.tried:
            if before is not None:
                self._remove(known.key)
            bucket, place = self._place(known, tried=known.tried)
            self._tables[known.tried].setdefault(bucket, {})[place] = known.key
        self._known[known.key] = known
        self._changed[known.key] = None

    def _remove(self, key: Key) -> None:
        known = self._known.pop(key)
        bucket, place = self._place(known, tried=known.tried)
        held = self._tables[known.tried][bucket]
        del held[place]
        if not held:
            del self._tables[known.tried][bucket]
        self._changed[key] = None


def _merit(known: Known) -> tuple[bool, int, int, Key]:
    """Of two that fell into one place by an interrupted write, who is taken first."""
    return (not known.tried, -known.met, known.added, known.key)
