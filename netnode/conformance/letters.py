"""Letters: the frame, the plaintext, tokens; section 20."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from netnode.conformance import hpke
from netnode.conformance.encoding import decode, encode
from netnode.conformance.entries import INCEPTION, ROTATION, read_entry
from netnode.conformance.faults import Fault, demand
from netnode.conformance.limits import (
    HASH_BYTES,
    KEY_BYTES,
    LETTER_ID_BYTES,
    LETTER_KEY_BYTES,
    LETTER_PADDING,
    MAX_ACKS,
    MAX_AGREEMENT,
    MAX_CHANGE,
    MAX_CODE,
    MAX_CONSENT,
    MAX_CREDIT_STATEMENT,
    MAX_DEAL_MESSAGE,
    MAX_DEAL_TEXT,
    MAX_ENCLOSURE,
    MAX_EPOCHS,
    MAX_KEY,
    MAX_LETTER,
    MAX_LETTER_CONTENT,
    MAX_LETTER_PARTS,
    MAX_LETTER_TOKEN,
    MAX_MAIL_TEXT,
    MAX_OFFER,
    MAX_OPENED_PATH,
    MAX_PARTS,
    MAX_PATH,
    MAX_PROOF,
    MAX_REASON,
    MAX_RECEIPT,
    MAX_REFERRAL,
    MAX_SEQ,
    MAX_STAMP_BITS,
    MAX_STATEMENT,
    MAX_TITLE,
    SIGNATURE_BYTES,
    STAMP_NONCE_BYTES,
)
from netnode.conformance.openers import Openers
from netnode.conformance.shapes import (
    Field,
    any_bin,
    array,
    bin_,
    bool_,
    int_,
    may,
    must,
    or_nil,
    row,
    str_,
    table,
)
from netnode.conformance.signatures import check_key, valid
from netnode.conformance.tags import sha256, tag
from netnode.conformance.teams import LETTER

X25519_SUITE: Final = 1

_EPOCH: Final = or_nil(int_(0, MAX_EPOCHS - 1))
_FRAME: Final = row(
    int_(1, 1),
    bin_(HASH_BYTES),
    bin_(HASH_BYTES),
    bin_(LETTER_KEY_BYTES),
    bin_(LETTER_ID_BYTES),
    int_(),
    or_nil(bin_(1, MAX_LETTER_TOKEN)),
    or_nil(row(int_(0, MAX_STAMP_BITS), bin_(STAMP_NONCE_BYTES))),
    any_bin,
)
_PLAINTEXT: Final = row(
    bin_(0, MAX_LETTER_CONTENT),
    _EPOCH,
    array(lambda _: True, 0, MAX_EPOCHS),
    bin_(SIGNATURE_BYTES),
    bin_(0, LETTER_PADDING - 1),
)
_ID: Final = bin_(LETTER_ID_BYTES)
_OPENERS: Final = array(array(lambda _: True, 1, MAX_EPOCHS), 0, MAX_LETTER_PARTS)
_BESIDE: Final = {
    "first": may(_ID),
    "reply": may(table({"host": may(bin_(HASH_BYTES)), "x25519": must(bin_(KEY_BYTES))})),
    "token": may(bin_(1, MAX_LETTER_TOKEN)),
    "type": must(str_(1, 32)),
}
_BODIES: Final[dict[str, dict[str, Field]]] = {
    "mail": {
        "re": may(_ID),
        "subject": may(str_(0, MAX_TITLE)),
        "text": may(str_(0, MAX_MAIL_TEXT)),
    },
    "deal": {
        "answers": may(
            table({"heads": must(array(bin_(HASH_BYTES), 0, MAX_LETTER_PARTS)), "nonce": must(_ID)})
        ),
        "enclosures": may(array(bin_(0, MAX_ENCLOSURE), 0, MAX_LETTER_PARTS)),
        "messages": must(array(bin_(0, MAX_DEAL_MESSAGE), 1, MAX_LETTER_PARTS)),
        "openers": may(_OPENERS),
    },
    "ask": {"deal": must(bin_(HASH_BYTES)), "nonce": must(_ID)},
    "ack": {"ids": must(array(_ID, 1, MAX_ACKS))},
    "refused": {
        "code": must(str_(1, 32, "^[a-z_]{1,32}$")),
        "id": must(_ID),
        "text": may(str_(0, MAX_REASON)),
    },
    "offer": {
        "enclosures": may(array(bin_(0, MAX_ENCLOSURE), 0, MAX_LETTER_PARTS)),
        "offer": must(bin_(0, MAX_OFFER)),
        "openers": may(_OPENERS),
    },
    "ask_offer": {"code": must(str_(1, MAX_KEY)), "listing": may(str_(1, MAX_KEY))},
    "witness": {
        "accept": may(bin_(0, MAX_DEAL_MESSAGE)),
        "order": must(bin_(HASH_BYTES)),
        "openers": may(_OPENERS),
        "path": must(bin_(0, MAX_OPENED_PATH)),
        "receipts": may(array(bin_(0, MAX_RECEIPT), 0, MAX_PARTS)),
    },
    "mandate": {
        "asks": may(bool_),
        "order": must(bin_(HASH_BYTES)),
        "price": may(int_()),
        "statements": may(array(bin_(0, MAX_CHANGE), 0, MAX_LETTER_PARTS)),
        "text": may(str_(0, MAX_DEAL_TEXT)),
    },
    "consent": {
        "consent": must(bin_(0, MAX_CONSENT)),
        "openers": may(_OPENERS),
        "text": must(str_(0, MAX_MAIL_TEXT)),
    },
    "team": LETTER,
    "buyback": {
        "code": must(str_(1, 32, "^[a-z_]{1,32}$")),
        "request": must(bin_(HASH_BYTES)),
        "text": may(str_(0, MAX_REASON)),
    },
    "referral": {
        "code": may(str_(1, MAX_CODE)),
        "listing": may(str_(1, MAX_KEY)),
        "openers": may(_OPENERS),
        "path": must(array(bin_(1, MAX_REFERRAL), 1, MAX_PATH)),
        "text": may(str_(0, MAX_DEAL_TEXT)),
    },
    "alliance": {
        "agreement": must(bin_(1, MAX_AGREEMENT)),
        "ending": may(bin_(1, MAX_STATEMENT)),
        "openers": may(_OPENERS),
        "text": may(str_(0, MAX_DEAL_TEXT)),
    },
    "request": {
        "limit": may(bin_(1, MAX_CREDIT_STATEMENT)),
        "openers": may(_OPENERS),
        "request": must(bin_(1, MAX_CREDIT_STATEMENT)),
    },
    "limit": {"limit": must(bin_(1, MAX_CREDIT_STATEMENT)), "openers": may(_OPENERS)},
    "answered": {
        "code": may(str_(1, 32, "^[a-z_]{1,32}$")),
        "entry": may(row(int_(0, MAX_SEQ), bin_(HASH_BYTES))),
        "request": must(bin_(HASH_BYTES)),
        "text": may(str_(0, MAX_REASON)),
    },
    "challenge": {"entry": must(array(lambda _: True, 3, 3)), "openers": may(_OPENERS)},
    "swap": {
        "code": may(str_(1, 32, "^[a-z_]{1,32}$")),
        "document": must(bin_(1, MAX_CREDIT_STATEMENT)),
        "entries": may(array(array(lambda _: True, 3, 3), 1, MAX_PROOF)),
        "openers": may(_OPENERS),
        "step": must(str_(3, 7, "^(accept|decline|end|lock|propose|refuse|sign|swap)$")),
        "text": may(str_(0, MAX_REASON)),
    },
    "rekey": {"openers": must(_OPENERS)},
    "release": {"openers": may(_OPENERS), "release": must(bin_(1, MAX_CREDIT_STATEMENT))},
}
_TOKEN: Final = row(bin_(HASH_BYTES), int_(), _EPOCH, bin_(SIGNATURE_BYTES))


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter by its frame; `bound` is the array that seal and signature bind."""

    bound: list[Any]
    token: bytes | None
    stamp: list[Any] | None
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """A content, and which key signed it."""

    content: bytes
    epoch: int | None
    key: bytes


def read_letter(data: bytes) -> Letter:
    """The frame of a letter [R-LET-1].

    Raises:
        Fault: `letter`.
    """
    value = _read(data, MAX_LETTER)
    demand(_FRAME(value) and len(value[8]) > 0, "letter", "its frame")
    return Letter(value[:6], value[6], value[7], value[8])


def key_id(network: str, x25519: bytes) -> bytes:
    """How a letter names a key [R-LET-2]."""
    return sha256(tag(network, "key id"), x25519)[:LETTER_KEY_BYTES]


def info(network: str, bound: list[Any]) -> bytes:
    """The `info` of HPKE [R-LET-3]."""
    return tag(network, "letter") + encode(bound)


def signed(network: str, bound: list[Any], content: bytes) -> bytes:
    """What the sender signs [R-LET-4]."""
    return tag(network, "letter content") + encode([*bound, content])


def open_letter(network: str, letter: Letter, private: bytes) -> bytes:
    """The plaintext, by the mandatory suite [R-LET-3].

    Raises:
        Fault: `letter_key`, `letter`.
    """
    demand(key_id(network, hpke.public(private)) == letter.bound[3], "letter_key", "sealed to another key")
    demand(letter.sealed[0] == X25519_SUITE, "letter", "another suite")
    return hpke.open_(private, info(network, letter.bound), letter.sealed[1:])


def read_plaintext(network: str, bound: list[Any], plaintext: bytes, known: Openers | None = None) -> Read:
    """What an opened letter says, whose signature holds [R-LET-5].

    Raises:
        Fault: in the order of that rule.
    """
    demand(len(plaintext) % LETTER_PADDING == 0, "letter", "its padding")
    value = _read(plaintext, MAX_LETTER)
    demand(_PLAINTEXT(value) and not any(value[4]), "letter", "its plaintext")
    content, epoch, entries, signature, _ = value
    if epoch is None:
        demand(not entries, "letter", "openers of a bare key")
        key = bound[1]
        try:
            check_key(key)
        except Fault as fault:
            raise Fault("letter", "its sender is no key") from fault
    else:
        key = _signing_key(network, bound[1], epoch, entries, known)
    demand(valid(key, signed(network, bound, content), signature), "letter", "its signature")
    return Read(content, epoch, key)


def _signing_key(network: str, sender: bytes, epoch: int, entries: list[Any], known: Openers | None) -> bytes:
    openers = known or Openers(network)
    try:
        told = [read_entry(entry) for entry in entries]
        demand(all(entry.header.kind in (INCEPTION, ROTATION) for entry in told), "opener", "another kind")
        for entry in told:
            openers.admit(entry)
    except Fault as fault:
        held = fault.code in (
            "contested",
            "unknown_epoch",
        )  # a rotation alone proves nothing to who knows nothing
        raise Fault(fault.code if held else "letter", "its openers") from fault
    demand(openers.author is not None, "unknown_author", "no openers are known")
    demand(openers.author == sender, "letter", "openers of another networker")
    demand(openers.contested is None, "contested", "the sender")
    newest = openers.place[0]
    demand(epoch <= newest, "unknown_epoch", "of the signature")
    demand(epoch == newest, "letter_key", "a retired signing key")
    return openers.keys(epoch)[0]


def check_token(network: str, bound: list[Any], data: bytes, keys: dict[int | None, bytes], now: int) -> None:
    """Checks a token for a letter [R-LET-9].

    Args:
        network: name of the network.
        bound: of the letter.
        data: the token.
        keys: the recipient's key in force by epoch; of one without a log its key by None.
        now: ms UTC.

    Raises:
        Fault: `letter_token`.
    """
    try:
        value = decode(data, MAX_LETTER_TOKEN)
    except Fault as fault:
        raise Fault("letter_token", str(fault)) from fault
    demand(_TOKEN(value), "letter_token", "its form")
    sender, expires, epoch, signature = value
    demand(sender == bound[1] and expires >= now, "letter_token", "for another sender, or over")
    demand(epoch in keys, "letter_token", "of a key that is not in force")
    message = tag(network, "letter token") + encode([bound[2], sender, expires, epoch])
    demand(valid(keys[epoch], message, signature), "letter_token", "its signature")


def read_content(data: bytes) -> dict[str, Any]:
    """Type of a content, whether it is known, and the fields beside its body [R-LET-7].

    Raises:
        Fault: `letter`.
    """
    value = _read(data, MAX_LETTER_CONTENT)
    demand(table(_BESIDE)(value), "letter", "its content")
    form = _BODIES.get(value["type"])
    demand(form is None or table(form)(value), "letter", f"its {value['type']}")
    beside = {name: value[name].hex() if name in value else None for name in ("first", "token")}
    return {"type": value["type"], "known": form is not None, **beside}


def _read(data: bytes, most: int) -> Any:
    try:
        return decode(data, most)
    except Fault as fault:
        raise Fault("letter", str(fault)) from fault
