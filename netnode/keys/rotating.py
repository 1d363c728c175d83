"""A rotation: which words may sign it, and the entry and keys they make [R-LOG-3] [R-KEY-4].

The words stay in the process they were typed in. What goes to the node is a `Grant`: the one promised key of the next
epoch, which is worth nothing once it was used, and what is promised after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from netnode.keys.keystore import Pending
from netnode.ports import Entropy
from netnode.problems import ExitCode, Problem
from protocol import limits
from protocol.certificate import DAY_MS
from protocol.entry import ROTATION, Entry, sign_entry
from protocol.identity import id_text
from protocol.log_state import Place
from protocol.openers import Openers
from protocol.records import encode_record
from protocol.records.openers import Rotation
from protocol.recovery import backup_public, promise, promised_seed
from protocol.signing import Signer


@dataclass(frozen=True, slots=True)
class Grant:
    """What the words give for one rotation.

    Args:
        seed: of the promised key that opens the next epoch.
        promise: of the key that opens the one after it.
        backup_public: the key that backups are sealed to from then on.
    """

    seed: bytes = field(repr=False)
    promise: bytes
    backup_public: bytes


def grant(network: str, entropy: bytes, epoch: int, after: bytes) -> Grant:
    """What words give for the rotation that opens an epoch.

    Args:
        network: the network's name.
        entropy: the 32 bytes of the words in force.
        epoch: to be opened.
        after: the 32 bytes of the words in force afterwards; the same, or new ones.
    """
    promised = promise(network, Signer(promised_seed(network, after, epoch + 1)).public)
    return Grant(promised_seed(network, entropy, epoch), promised, backup_public(network, after))


def require_words(network: str, entropy: bytes, promises: Sequence[bytes], networker: bytes) -> None:
    """Refuses words that do not open the next epoch, saying whose they are if that can be known.

    Args:
        network: the network's name.
        entropy: the 32 bytes of the words.
        promises: of each epoch of the log, from 0 on.
        networker: whose log it is.

    Raises:
        Problem: `older_words`: they were in force before; `other_words`: they never were.
    """
    epochs = [
        epoch
        for epoch in range(1, len(promises) + 1)
        if promise(network, Signer(promised_seed(network, entropy, epoch)).public) == promises[epoch - 1]
    ]
    if len(promises) in epochs:
        return
    if epochs:
        raise Problem(
            f"These are older recovery words of this networker: the rotation to epoch {epochs[-1]} replaced them. "
            "Use the words that were handed out then.",
            ExitCode.REFUSED,
            "older_words",
        )
    raise Problem(
        f"These are good recovery words, but not those of {id_text(networker)} in the network {network}. "
        "Look for the sheet that names this networker.",
        ExitCode.REFUSED,
        "other_words",
    )


def promises_of(openers: Openers) -> list[bytes]:
    """The promise of each epoch.

    Raises:
        Problem: exit 4; the identity is contested for good.
    """
    if any(len({opening.promise for opening in openings}) > 1 for openings in openers.epochs):
        raise Problem(
            "Two rotations with different recovery words contest this identity, and no further one can end that: "
            "whoever held the older words has frozen it. Begin a new networker, and tell those who know you.",
            ExitCode.REFUSED,
            "contested",
        )
    return [openings[0].promise for openings in openers.epochs]


def pending(grant: Grant, epoch: int, now: int, entropy: Entropy) -> Pending:
    """New keys for an epoch to be opened; whoever has the old keystore has none of them."""
    return Pending(
        epoch=epoch,
        promise=grant.promise,
        signing_seed=entropy.token(limits.KEY_BYTES),
        session_private=entropy.token(limits.KEY_BYTES),
        session_until=now + limits.SESSION_KEY_DAYS * DAY_MS,
        backup_public=grant.backup_public,
        backup_key=entropy.token(limits.KEY_BYTES),
    )


def rotation(network: str, openers: Openers, last: Place, grant: Grant, keys: Pending, now: int) -> Entry:
    """Signs the entry that opens the next epoch.

    Args:
        network: the network's name.
        openers: of the log.
        last: the newest entry that stays.
        grant: of the words in force.
        keys: those it names.
        now: ms UTC; a rotation is not dated before the entry it stands on [R-LOG-9].

    Raises:
        Problem: exit 4; the promised key is not the one promised, or the identity is contested for good.
    """
    signer = Signer(grant.seed)
    if promise(network, signer.public) != promises_of(openers)[-1]:
        raise Problem(
            "The key of these words is not the one that was promised. Another rotation may have come in between: "
            "look with netnode key show, then try again.",
            ExitCode.REFUSED,
            "promise",
        )
    record = Rotation(key=keys.signing_key, promise=keys.promise, reveal=signer.public)
    return sign_entry(
        network,
        signer,
        author=openers.author,
        seq=last.seq + 1,
        prev=last.id,
        epoch=openers.epoch + 1,
        term=0,
        time=max(now, last.time),
        kind=ROTATION,
        record=encode_record(record),
    )
