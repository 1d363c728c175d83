"""The statement *seen*: a node's signed word that it stored an entry by a certain time [R-SEEN-1..2].

A canonical map of exactly these fields: author, epoch, id, seq, signature, term, time, witness,
witness_epoch. The signature is Ed25519 by the signing key of the witness in `witness_epoch`, over
``tag("seen")`` and the canonical map of all other fields. It is evidence that the entry existed by that time,
as far as one trusts the witness; it is not an entry of any log. Another set of fields would be another
statement, with another tag.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from protocol import encoding, limits
from protocol.errors import RemoteProtocolError
from protocol.signing import Signer
from protocol.signing import verify as verify_signature
from protocol.tags import tag

_Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=limits.MAX_INT)]
_Epoch = Annotated[int, msgspec.Meta(ge=0, lt=limits.MAX_EPOCHS)]


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A statement as it travels; fields in byte order, so that its encoding is canonical.

    Author, epoch, term, seq and id are those of the entry seen; `time` is the witness's clock in ms UTC;
    `witness` is the networker id of the one who says so.
    """

    author: _Hash
    epoch: _Epoch
    id: _Hash
    seq: Annotated[int, msgspec.Meta(ge=0, le=limits.MAX_SEQ)]
    signature: Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]
    term: _Count
    time: _Count
    witness: _Hash
    witness_epoch: _Epoch


def statement_bytes(network: str, statement: Seen) -> bytes:
    """What the signature of a statement is over: the tag, then the canonical map without the signature."""
    fields = msgspec.structs.asdict(statement)
    del fields["signature"]
    return tag(network, "seen") + encoding.encode(fields)


def sign(
    network: str,
    signer: Signer,
    *,
    author: bytes,
    epoch: int,
    term: int,
    seq: int,
    id: bytes,
    time: int,
    witness: bytes,
    witness_epoch: int,
) -> Seen:
    """A signed statement about an entry this node has stored.

    Args:
        network: name of the network.
        signer: the signing key of the witness in `witness_epoch`.
        author: networker id of the entry's author.
        epoch: of the entry.
        term: of the entry.
        seq: of the entry.
        id: of the entry.
        time: now, in ms UTC.
        witness: this node's networker id.
        witness_epoch: its newest epoch.
    """
    unsigned = Seen(
        author=author,
        epoch=epoch,
        id=id,
        seq=seq,
        signature=b"",
        term=term,
        time=time,
        witness=witness,
        witness_epoch=witness_epoch,
    )
    return msgspec.structs.replace(unsigned, signature=signer.sign(statement_bytes(network, unsigned)))


def verify(network: str, statement: Seen, witness_key: bytes) -> bool:
    """Whether the witness signed this; the caller looks up the key of `witness` in `witness_epoch`."""
    return verify_signature(witness_key, statement.signature, statement_bytes(network, statement))


def encode(statement: Seen) -> bytes:
    """The canonical bytes of a statement."""
    return encoding.encode_struct(statement)


def decode(data: bytes) -> Seen:
    """A statement from its canonical bytes; its signature is not checked here.

    Raises:
        RemoteProtocolError: `encoding`, `not_canonical` or `too_large` from the encoding; `bad_message` when
            a field is missing, unknown, of a wrong type or out of bounds.
    """
    return from_value(encoding.decode(data))


def from_value(value: object) -> Seen:
    """A statement from a decoded map, as it comes inside a message.

    Raises:
        RemoteProtocolError: `bad_message`.
    """
    try:
        return encoding.typed(value, Seen)
    except msgspec.ValidationError as error:
        raise RemoteProtocolError("bad_message", f"a seen statement has a wrong form: {error}") from error
