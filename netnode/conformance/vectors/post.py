"""Vectors of letters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from netnode.conformance import letters
from netnode.conformance.checking import want
from netnode.conformance.entries import read_entry
from netnode.conformance.faults import Fault
from netnode.conformance.openers import Openers
from netnode.conformance.stamps import check_stamp
from netnode.conformance.vectors.judging import OTHER, Judge, Vector, compared, hexed

_NETWORK: Final = "test"


def _letters(vector: Vector, content: Vector) -> None:
    given = vector["input"]
    if "content" in given:
        compared(vector, lambda given: letters.read_content(hexed(given["content"])))
        return
    if "x25519" in given:
        compared(vector, lambda given: letters.key_id(_NETWORK, hexed(given["x25519"])).hex())
        return
    judge = next((each for name, each in _JUDGES.items() if name in given), _frame)
    compared(vector, lambda _: judge(vector, letters.read_letter(hexed(given["letter"]))))


def _frame(vector: Vector, letter: letters.Letter) -> Any:
    _, sender, recipient, key, id_, expires = letter.bound
    if "info" in vector:
        want(letters.info(_NETWORK, letter.bound).hex() == vector["info"], OTHER)
    return {
        "sender": sender.hex(),
        "recipient": recipient.hex(),
        "key": key.hex(),
        "id": id_.hex(),
        "expires": expires,
        "token": letter.token and letter.token.hex(),
        "stamp": letter.stamp and [letter.stamp[0], letter.stamp[1].hex()],
        "sealed": letter.sealed.hex(),
    }


def _opened(vector: Vector, letter: letters.Letter) -> Any:
    return letters.open_letter(_NETWORK, letter, hexed(vector["input"]["private"])).hex()


def _read(vector: Vector, letter: letters.Letter) -> Any:
    given = vector["input"]
    known = None
    for entry in given["known"]:
        known = known or Openers(_NETWORK)
        known.admit(read_entry([part if part is None else hexed(part) for part in entry]))
    read = letters.read_plaintext(_NETWORK, letter.bound, hexed(given["plaintext"]), known)
    if "signed" in vector:
        want(letters.signed(_NETWORK, letter.bound, read.content).hex() == vector["signed"], OTHER)
    return {"content": read.content.hex(), "epoch": read.epoch, "key": read.key.hex()}


def _token(vector: Vector, letter: letters.Letter) -> Any:
    given = vector["input"]
    keys = {epoch: hexed(key) for epoch, key in given["keys"]}
    letters.check_token(_NETWORK, letter.bound, hexed(given["token"]), keys, given["now"])
    return True


def _stamped(vector: Vector, letter: letters.Letter) -> Any:
    if letter.stamp is None or letter.stamp[0] < vector["input"]["bits"]:
        return False
    try:
        check_stamp(_NETWORK, letter.bound[1], *letter.stamp)
    except Fault:
        return False
    return True


_JUDGES: Final = {"private": _opened, "plaintext": _read, "token": _token, "bits": _stamped}
JUDGES: Final[Mapping[str, Judge]] = {"letters": _letters}
"""By the name of the file."""
