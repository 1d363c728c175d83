"""Brings a networker back to an empty home: its log from peers, then new keys by the recovery words.

Two steps, so that its owner sees what was found before anything is signed: `fetch` and `take_over`. Either can be
interrupted and done again. Nothing leaves the home before its keystore is in place: the new keys are on disk beside it
before the rotation that names them enters the log, and a second attempt finishes with them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from netnode.assembly import Ports, PortsMaker, agent, system_ports
from netnode.bus import Bus
from netnode.config import Config
from netnode.home import Home
from netnode.homes.founding import LOCK_SECONDS
from netnode.ingest import Gate
from netnode.keys.keystore import Keys, Keystore
from netnode.keys.rotating import Grant, pending, promises_of, rotation
from netnode.operations.runtime import Answered, Fetched, Returned
from netnode.own.caution import NAMED
from netnode.problems import ExitCode, Problem
from netnode.projections import tables
from netnode.recovering import Heard, fetch_log, label
from netnode.store import GroupCommit, Reader, Store
from netnode.sync.book import Book, peer_row
from netnode.sync.peering import Core
from netnode.system import retries
from protocol import limits
from protocol.identity import id_text
from protocol.log_state import LogState

_NEW_KEYS: Final = "keys.new.json"


def fetch(
    home: Path,
    *,
    networker: bytes,
    peers: Sequence[str],
    heard: Callable[[Answered], None] = lambda answer: None,
    making: PortsMaker = system_ports,
) -> Fetched:
    """Makes the home and fetches the log into its store.

    Args:
        home: the folder.
        networker: whose log, 32 bytes.
        peers: invites or addresses of those that may hold it.
        heard: told of each peer as it has answered.
        making: the outside.

    Raises:
        Problem: the home holds a networker (exit 4), nobody gave the log (exit 5), or the disk fails.
    """

    def told(answer: Heard) -> None:
        heard(_answered(answer))

    return asyncio.run(fetched(home, making(), networker, peers, told))


def take_over(
    home: Path, *, networker: bytes, grant: Grant, passphrase: bytes | None, making: PortsMaker = system_ports
) -> Returned:
    """Rotates on the newest entry fetched and makes the keystore.

    Args:
        home: as for `fetch`.
        networker: as for `fetch`.
        grant: what the words give for the next epoch.
        passphrase: for the new keys; None stores them without one.
        making: the outside.

    Raises:
        Problem: the log was not fetched, the words do not fit (exit 4), or the disk fails.
    """
    return asyncio.run(taken_over(home, making(), networker, grant, passphrase))


async def fetched(
    path: Path, ports: Ports, networker: bytes, peers: Sequence[str], heard: Callable[[Heard], None]
) -> Fetched:
    """`fetch` on a running event loop, by ports that serve this once."""
    home = Home(path, ports.disk)
    home.create()
    now = ports.clock.now_ms()
    rows = [peer_row(uri, now) for uri in peers]
    with home.lock(retries(LOCK_SECONDS)):
        _require_empty(home, ports)
        config = Config(home.config, ports.disk)
        if not ports.disk.exists(home.config):
            config.create()
        network = config.settings().network
        store = await _open(home, ports, network)
        dialer = ports.dialer()
        try:
            async with GroupCommit(store) as commits:
                bus = Bus()
                gate = Gate(network, store, commits, ports.executor, bus)
                core = Core(network, store, gate, bus, ports.clock, lambda: None)
                answers = await fetch_log(core, dialer, ports.entropy, networker, rows, agent(), heard)
                state = await gate.state(networker)
                if state is None:
                    raise _nobody(networker, answers)
                book = Book(store)
                for answer in answers:
                    if answer.peer.id != networker:
                        await book.add(answer.peer)
                return await _found(store, network, state, answers)
        finally:
            await dialer.close()
            await store.close()
            await ports.executor.close()


async def _found(store: Store, network: str, state: LogState, answers: Sequence[Heard]) -> Fetched:
    gone = await store.read(Reader.missing_records, 1_000)
    return Fetched(
        id=state.author,
        network=network,
        promises=tuple(promises_of(state.openers)),
        epoch=state.openers.epoch,
        seq=state.tip.seq,
        time=state.tip.time,
        entries=state.tip.seq - state.base.seq + 1,
        missing=state.base.seq + sum(each.author == state.author for each in gone),
        contested=state.openers.contested is not None,
        forked=state.forked,
        answers=tuple(map(_answered, answers)),
    )


def _answered(answer: Heard) -> Answered:
    return Answered(
        peer=label(answer.peer),
        address=answer.peer.addresses[0] if answer.peer.addresses else None,
        answered=answer.answered,
        seq=None if answer.item is None else answer.item.seq,
        whole=answer.whole,
        note=answer.note,
    )


async def taken_over(
    path: Path, ports: Ports, networker: bytes, grant: Grant, passphrase: bytes | None
) -> Returned:
    """`take_over` on a running event loop, by ports that serve this once."""
    home = Home(path, ports.disk)
    with home.lock(retries(LOCK_SECONDS)):
        _require_empty(home, ports)
        network = Config(home.config, ports.disk).settings().network
        store = await _open(home, ports, network)
        try:
            async with GroupCommit(store) as commits:
                gate = Gate(network, store, commits, ports.executor, Bus())
                state = await gate.state(networker)
                if state is None:
                    raise _nobody(networker, ())
                beside = Keystore(home, ports.disk, ports.entropy)
                beside.path = home.keys.with_name(_NEW_KEYS)
                begun = _begun(beside, ports, state)
                if begun is None:
                    state = await _rotate(gate, beside, ports, state, grant, passphrase)
                home.remember(ports.machine())
                ports.disk.write_private(home.keys, ports.disk.read(beside.path))
                ports.disk.remove(beside.path)
        finally:
            await store.close()
            await ports.executor.close()
    opener = state.openers.epochs[-1][0].entry
    return Returned(networker, home.path, opener.epoch, opener.seq)


async def _rotate(
    gate: Gate, beside: Keystore, ports: Ports, state: LogState, grant: Grant, passphrase: bytes | None
) -> LogState:
    network, now = state.openers.network, ports.clock.now_ms()
    fresh = pending(grant, state.openers.epoch + 1, now, ports.entropy)
    entry = rotation(network, state.openers, state.tip, grant, fresh, now)
    keys = Keys(
        networker=state.author,
        network=network,
        epoch=fresh.epoch,
        promise=fresh.promise,
        signing_seed=fresh.signing_seed,
        session_private=fresh.session_private,
        session_until=fresh.session_until,
        backup_public=fresh.backup_public,
        backup_key=fresh.backup_key,
        deal_secret=ports.entropy.token(limits.KEY_BYTES),
    )
    ports.disk.remove(beside.path)  # of an attempt whose rotation never came into the log
    beside.create(keys, passphrase)
    outcome = await gate.admit([entry], durable=True, head=state.tip.id)
    after = await gate.state(state.author)
    if outcome.kept != 1 or after is None:
        text = "" if outcome.fault is None else f": {outcome.fault.text}"
        raise Problem(f"The log did not take the rotation{text}. Nothing has changed.", code="own_log")
    return after


def _begun(beside: Keystore, ports: Ports, state: LogState) -> bool | None:
    """Whether an earlier attempt got as far as the log: then its keys are the ones."""
    if not ports.disk.exists(beside.path):
        return None
    public = beside.public()
    return True if public.signing_key in state.openers.keys(state.openers.epoch) else None


def _require_empty(home: Home, ports: Ports) -> None:
    if home.initialised():
        raise Problem(
            f"{home.path} holds a networker already. To replace its key: netnode key rotate. To bring another one "
            "back name an empty folder with --home.",
            ExitCode.REFUSED,
            "exists",
            {"path": str(home.path)},
        )


async def _open(home: Home, ports: Ports, network: str) -> Store:
    return await Store.open(home.store, network, ports.disk, ports.executor, ports.entropy, [tables.create])


def _nobody(networker: bytes, answers: Sequence[Heard]) -> Problem:
    said = "; ".join(f"{label(each.peer)}: {each.note or 'holds nothing of it'}" for each in answers[:NAMED])
    return Problem(
        f"Nobody gave the log of {id_text(networker)}. {said or 'Nobody was asked'}. Ask other peers with --peer URI: "
        "whoever bought from you, sold for you or met you may hold it.",
        ExitCode.UNREACHABLE,
        "not_fetched",
    )
