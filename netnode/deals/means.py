"""What it takes to act in the owner's name: every part that signs deals, offers or consents is built on the same."""

from __future__ import annotations

from dataclasses import dataclass

from netnode.keys.keyring import KeyRing
from netnode.mail.letters import Letters
from netnode.own.log import OwnLog
from netnode.ports import Clock, Entropy
from netnode.store import Store


@dataclass(frozen=True, slots=True)
class Means:
    """What it takes to act in the owner's name.

    Attributes:
        network: name of the network.
        own: who this is, and whether two copies of its home run.
        store: keeps what is said, with its letters.
        ring: the keys, which sign.
        letters: carry what is said, and bring what others say.
        clock: dates it.
        entropy: salts and nonces.
    """

    network: str
    own: OwnLog
    store: Store
    ring: KeyRing
    letters: Letters
    clock: Clock
    entropy: Entropy
