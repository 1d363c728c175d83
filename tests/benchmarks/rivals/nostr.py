"""rust-nostr, W2: a relay with an LMDB store, and a client with its own, come level both ways by negentropy.

    python nostr.py HOME relay EVENTS COPY     makes the events, copies its store to COPY for the client, says {port};
                                               a number on stdin adds so many events
    python nostr.py HOME client                says {ready}; a number adds so many, `sync PORT` levels

As it ships: LMDB, signatures verified.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from datetime import timedelta
from pathlib import Path

from nostr_sdk import (
    ClientBuilder,
    Event,
    EventBuilder,
    Filter,
    Keys,
    LocalRelay,
    NostrDatabase,
    RateLimit,
    RelayBuilder,
    RelayUrl,
    SyncDirection,
    SyncOptions,
    Timestamp,
)

TEXT = (
    "amber basket cotton desk ember fabric glass harbour iron jacket kettle linen maple needle olive paper "
)
AUTHORS = 10_000
# Strangers differ anywhere: were all new events the newest, one range of times would hold the whole difference.
START, SPAN, SCATTER = 1_600_000_000, 100_000_007, 2_654_435_761
AT_ONCE = 1_000  # its store writes what waits in one transaction


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


def made(keys: Keys, number: int) -> Event:
    text = f"{number} {TEXT}"
    builder = EventBuilder.text_note(text).custom_created_at(
        Timestamp.from_secs(START + number * SCATTER % SPAN)
    )
    return builder.sign_with_keys(keys)


async def add(database: NostrDatabase, count: int, first: int) -> None:
    keys = Keys.generate()
    await asyncio.gather(*(database.save_event(made(keys, number)) for number in range(first, first + count)))


async def orders() -> asyncio.Queue[str]:
    queue: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def heard() -> None:
        line = sys.stdin.readline()
        queue.put_nowait(line.strip())
        if not line:
            loop.remove_reader(sys.stdin)

    loop.add_reader(sys.stdin, heard)
    return queue


async def relay(home: Path, events: int, copy: Path) -> None:
    database = NostrDatabase.lmdb(str(home))
    keys = [Keys.generate() for _ in range(max(1, min(AUTHORS, events // 10)))]
    for start in range(0, events, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, events))
        await asyncio.gather(
            *(database.save_event(made(keys[number % len(keys)], number)) for number in numbers)
        )
    shutil.copytree(home, copy)
    limit = RateLimit(max_reqs=100_000, notes_per_minute=100_000_000)
    server = LocalRelay(RelayBuilder().database(database).rate_limit(limit))
    await server.run()
    say(port=int(str(await server.url()).rstrip("/").rpartition(":")[2]))
    queue = await orders()
    first = 10_000_000
    while line := await queue.get():
        await add(database, int(line), first)
        first += int(line)
        say(added=int(line))


async def client(home: Path) -> None:
    database = NostrDatabase.lmdb(str(home))
    say(ready=True)
    queue = await orders()
    first = 20_000_000
    while line := await queue.get():
        if not line.startswith("sync "):
            await add(database, int(line), first)
            first += int(line)
            say(added=int(line))
            continue
        port = int(line.removeprefix("sync "))
        begun = time.monotonic()
        made_client = ClientBuilder().database(database).build()
        await made_client.add_relay(RelayUrl.parse(f"ws://127.0.0.1:{port}"))
        await made_client.connect()
        received = sent = calls = 0
        while True:  # 0.44.8 stops after 5,000 events a call
            options = SyncOptions().direction(SyncDirection.BOTH).initial_timeout(timedelta(seconds=30))
            output = (await made_client.sync(Filter(), options)).report
            calls += 1
            if not output.received and not output.sent:
                break
            received, sent = received + len(output.received), sent + len(output.sent)
            if len(output.received) + len(output.sent) < 4_000:
                break
        seconds = time.monotonic() - begun
        say(seconds=seconds, received=received, sent=sent, calls=calls)
        await made_client.shutdown()


if __name__ == "__main__":
    place, role, *rest = sys.argv[1:]
    if role == "relay":
        asyncio.run(relay(Path(place), int(rest[0]), Path(rest[1])))
    else:
        asyncio.run(client(Path(place)))
