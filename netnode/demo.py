"""`netnode demo`: a small mesh of real node processes on loopback, each with a catalogue of its own.

The nodes stand in a line, so most of what one finds has come through others. A table shows how they level; then one
search is asked of every node. Everything lies in a temporary folder that goes when the demo ends.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.live import Live
from rich.table import Table

from netnode.api.client import ApiClient
from netnode.demo_catalogue import SELLERS, catalogue
from netnode.home import Home
from netnode.operations import models
from netnode.operations.listings import LISTING_ADD, SEARCH
from netnode.operations.node import STATUS
from netnode.operations.peers import INVITE
from netnode.operations.runtime import Ready
from netnode.problems import Problem
from netnode.system import SystemClock, SystemDisk

START_SECONDS: Final = 60.0
LEVEL_SECONDS: Final = 60.0
STOP_SECONDS: Final = 12.0
LOOK_EVERY: Final = 0.02
SEARCHED: Final = "coffee"


@dataclass(slots=True)
class Member:
    """One node of the demo: its process, how to talk to it, and what was last seen of it."""

    name: str
    home: Path
    process: asyncio.subprocess.Process
    ready: Ready
    client: ApiClient
    logs: int = 0
    entries: int = 0
    listings: int = 0
    seconds: float | None = None  # from the last publication until it had everything


@dataclass(frozen=True, slots=True)
class Row:
    """What the demo says of a node."""

    node: str
    id: str
    logs: int
    entries: int
    listings: int
    seconds: float | None


async def run(*, nodes: int, once: bool, as_json: bool) -> None:
    """Starts the mesh, shows how it levels, searches it, and stays up unless `once`.

    Args:
        nodes: how many, at least 2.
        once: end after the search.
        as_json: one JSON document {nodes, search} on stdout instead of tables.

    Raises:
        Problem: a node did not start, or the mesh did not level in time.
    """
    console = Console(stderr=as_json)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopping.set)
    try:
        async with asyncio.TaskGroup() as group:
            show = group.create_task(_show(nodes, once, as_json, console), name="demo")
            ender = group.create_task(_end(stopping, show), name="end of the demo")
            show.add_done_callback(lambda _: ender.cancel())
    except* Problem as problems:
        first: BaseException = problems
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
    if stopping.is_set():
        console.print("Stopped.")


async def _end(stopping: asyncio.Event, show: asyncio.Task[None]) -> None:
    """Ends the demo when a signal comes, however far it is."""
    await stopping.wait()
    show.cancel()


async def _show(nodes: int, once: bool, as_json: bool, console: Console) -> None:
    console.print(f"Starting {nodes} nodes on this computer, each with its own keys, log and listings ...")
    with tempfile.TemporaryDirectory(prefix="netnode-demo-") as folder:
        async with AsyncExitStack() as stack:
            members = await _start(stack, Path(folder), nodes, console)
            published = await _publish(members)
            await _level(members, published, console)
            await _search(members, console, as_json)
            console.print(_farewell(members, once), soft_wrap=True)
            if not once:
                await asyncio.Event().wait()


async def _start(stack: AsyncExitStack, folder: Path, nodes: int, console: Console) -> list[Member]:
    members: list[Member] = []
    with console.status("Starting ..."):
        for number in range(nodes):
            invite = (await members[-1].client.call(INVITE, models.Nothing())).uri if members else None
            members.append(await stack.enter_async_context(_member(folder, number, invite)))
            console.print(f"  {members[-1].name} serves peers at {members[-1].ready.peer}")
    return members


@asynccontextmanager
async def _member(folder: Path, number: int, invite: str | None) -> AsyncIterator[Member]:
    """One running node; it is stopped, at last by force, when the context ends."""
    name, home, ready_file = (
        SELLERS[number % len(SELLERS)],
        folder / f"node-{number}",
        folder / f"ready-{number}",
    )
    if number >= len(SELLERS):
        name = f"{name} {number // len(SELLERS) + 1}"
    arguments = [
        "--name",
        name,
        "--no-passphrase",
        "--listen",
        "127.0.0.1:0",
        "--ready-file",
        str(ready_file),
    ]
    if invite is not None:
        arguments += ["--peer", invite]
    output = folder / f"output-{number}"
    with output.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "netnode", "--home", str(home), "start", "--no-browser", *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True,
        )  # fmt: skip
    try:
        ready = await _ready(process, ready_file, output, name)
        async with ApiClient(ready.api, Home(home, SystemDisk()).read_token()) as client:
            yield Member(name, home, process, ready, client)
    finally:
        await _stop(process)


async def _ready(process: asyncio.subprocess.Process, path: Path, output: Path, name: str) -> Ready:
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await asyncio.to_thread(path.exists):
                if process.returncode is not None:
                    said = (
                        (await asyncio.to_thread(output.read_bytes)).decode(errors="replace").strip()[-500:]
                    )
                    raise Problem(f"The node of {name} ended at its start: {said}", code="demo")
                await asyncio.sleep(LOOK_EVERY)
    except TimeoutError as error:
        raise Problem(
            f"The node of {name} did not start within {START_SECONDS:.0f} s.", code="demo"
        ) from error
    return msgspec.json.decode(await asyncio.to_thread(path.read_bytes), type=Ready)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _publish(members: list[Member]) -> int:
    """Publishes every node's catalogue; returns how many listings there are in all."""
    total = 0
    for number, member in enumerate(members):
        for fields in catalogue(number):
            await member.client.call(LISTING_ADD, models.ListingAdd(fields=fields))
            total += 1
    return total


async def _level(members: list[Member], published: int, console: Console) -> None:
    """Watches until every node holds everything; each node's seconds count from the last publication."""
    clock = SystemClock()
    start = clock.monotonic()

    async def watch(member: Member, live: Live) -> None:
        while member.seconds is None:
            status = await member.client.call(STATUS, models.Nothing())
            member.logs, member.entries, member.listings = status.logs, status.entries, status.listings
            if status.listings >= published and status.logs >= len(members):
                member.seconds = clock.monotonic() - start
            live.update(_table(members), refresh=console.is_terminal)
            await asyncio.sleep(LOOK_EVERY)

    with Live(console=console, auto_refresh=False, transient=True) as live:
        try:
            async with asyncio.timeout(LEVEL_SECONDS), asyncio.TaskGroup() as group:
                for member in members:
                    group.create_task(watch(member, live), name=f"watch {member.name}")
        except TimeoutError as error:
            console.print(_table(members))
            raise Problem(f"The nodes did not level within {LEVEL_SECONDS:.0f} s.", code="demo") from error
    console.print(_table(members))


def _table(members: list[Member]) -> Table:
    table = Table(title="What each node holds")
    for heading, justify in (
        ("Node", "left"), ("Logs", "right"), ("Entries", "right"), ("Listings", "right"), ("Converged after", "right"),
    ):  # fmt: skip
        table.add_column(heading, justify="right" if justify == "right" else "left")
    for member in members:
        seconds = "..." if member.seconds is None else f"{member.seconds:.2f} s"
        table.add_row(member.name, str(member.logs), str(member.entries), str(member.listings), seconds)
    return table


async def _search(members: list[Member], console: Console, as_json: bool) -> None:
    query = models.SearchQuery(text=SEARCHED, limit=20)
    found = [await member.client.call(SEARCH, query) for member in members]
    table = Table(title=f'A search for "{SEARCHED}" at {members[-1].name}, the last in the line')
    for heading in ("Listing", "Seller", "Kind"):
        table.add_column(heading)
    table.add_column("Price", justify="right")
    for item in found[-1].items:
        price = "" if item.price is None else f"{item.price.amount} {item.price.currency}"
        table.add_row(item.title, item.seller_name, item.kind, price)
    console.print(table)
    totals = {answer.total for answer in found}
    agreed = "Every node finds the same" if len(totals) == 1 else "The nodes find different totals:"
    console.print(f"{agreed} {', '.join(str(total) for total in sorted(totals))} listings.")
    if as_json:
        rows = [
            asdict(Row(m.name, m.ready.id, m.logs, m.entries, m.listings, m.seconds and round(m.seconds, 3)))
            for m in members
        ]
        document = {
            "nodes": rows,
            "search": {"text": SEARCHED, "total": found[-1].total, "items": found[-1].items},
        }
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
        sys.stdout.flush()


def _farewell(members: list[Member], once: bool) -> str:
    if once:
        return "The demo is over; its nodes stop and their data goes."
    first = members[0]
    return (
        f"The nodes stay up until Ctrl-C. Try in another terminal:\n"
        f"  netnode --home {first.home} search tea\n"
        f"  netnode --home {first.home} listing add --kind service --key walk --title 'Guided walk' "
        "--price 15.00 --currency EUR"
    )
