"""A new networker: keys, home and the first entries."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from netnode.assembly import Ports, PortsMaker, assembled, system_ports
from netnode.config import Config
from netnode.home import Home
from netnode.keys import words
from netnode.keys.keystore import Keys, Keystore
from netnode.market import profile
from netnode.operations.runtime import Created
from netnode.problems import ExitCode, Problem
from netnode.system import retries
from protocol import limits
from protocol.certificate import DAY_MS
from protocol.entry import INCEPTION, NO_PREV, Entry, sign_entry
from protocol.identity import id_text, networker_id
from protocol.records import encode_record
from protocol.records.openers import Inception
from protocol.recovery import backup_public, promise, promised_seed
from protocol.signing import Signer

LOCK_SECONDS: Final = 5.0  # why: another command ends within that; a running node does not


def initialise(
    home: Path,
    *,
    name: str,
    passphrase: bytes | None,
    peers: Sequence[str] = (),
    making: PortsMaker = system_ports,
) -> Created:
    """Makes keys, home and the first entries; `peers` are addresses for the recovery sheet.

    The keystore is written last: a home that was interrupted before holds nothing that ever left it, and is begun
    anew.

    Raises:
        Problem: the home holds a networker already (exit 4), is not private, or the disk fails.
    """
    return asyncio.run(found(home, making(), name, passphrase, peers))


async def found(
    path: Path, ports: Ports, name: str, passphrase: bytes | None, peers: Sequence[str]
) -> Created:
    """The same on a running event loop, by ports that serve this once; see `initialise`."""
    home = Home(path, ports.disk)
    home.create()
    with home.lock(retries(LOCK_SECONDS)):
        if home.initialised():
            raise Problem(
                f"{home.path} holds a networker already. Use another --home for a new one.",
                ExitCode.REFUSED,
                "initialised",
            )
        home.refuse_lost_keys()
        for leftover in (
            home.store,
            *(home.store.with_name(home.store.name + end) for end in ("-wal", "-shm")),
        ):
            ports.disk.remove(leftover)
        config = Config(home.config, ports.disk)
        config.create()
        network = config.settings().network
        entropy = ports.entropy.token(32)
        keys, inception = _founded(network, entropy, ports)
        async with assembled(home, ports, keys, keys.networker) as parts:
            outcome = await parts.gate.admit([inception], durable=True)
            if outcome.fault is not None:
                raise Problem(f"The new log was not taken: {outcome.fault.text}.", code="own_log")
            record = profile.from_form({"name": name}, salt=ports.entropy.token(limits.SALT_BYTES))
            await parts.own.append([(record.KIND, encode_record(record))])
            await parts.projector.level()
        spoken = words.encode_words(entropy)
        text = id_text(keys.networker)
        sheet = home.recovery_sheet(text)
        ports.disk.write_private(
            sheet, words.recovery_sheet(text, network, spoken, [*peers, *config.settings().peers]).encode()
        )
        home.remember(ports.machine())
        Keystore(home, ports.disk, ports.entropy).create(keys, passphrase)
    return Created(text, spoken, home.path, sheet)


def _founded(network: str, entropy: bytes, ports: Ports) -> tuple[Keys, Entry]:
    """New keys and the inception they sign [R-LOG-1, R-LOG-2]."""
    now = ports.clock.now_ms()
    seed = ports.entropy.token(limits.KEY_BYTES)
    signer = Signer(seed)
    promised = promise(network, Signer(promised_seed(network, entropy, 1)).public)
    record = encode_record(Inception(key=signer.public, nonce=ports.entropy.token(16), promise=promised))
    networker = networker_id(network, record)
    keys = Keys(
        networker=networker,
        network=network,
        epoch=0,
        promise=promised,
        signing_seed=seed,
        session_private=ports.entropy.token(limits.KEY_BYTES),
        session_until=now + limits.SESSION_KEY_DAYS * DAY_MS,
        backup_public=backup_public(network, entropy),
        backup_key=ports.entropy.token(limits.KEY_BYTES),
        # From the first backup on: a home that is put back from one made before its first order knows that order again.
        deal_secret=ports.entropy.token(limits.KEY_BYTES),
    )
    inception = sign_entry(
        network, signer, author=networker, seq=0, prev=NO_PREV, epoch=0, term=0, time=now, kind=INCEPTION,
        record=record,
    )  # fmt: skip
    return keys, inception
