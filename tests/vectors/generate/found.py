"""Makes tests/vectors/found.json: answers of hubs, and what of them may be believed."""

from __future__ import annotations

from typing import Any, Final

from protocol.entry import Entry, parse_wire
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.found import hits_of
from protocol.items import Item
from protocol.items import Standing as Of
from protocol.messages import Found, decode_message, encode_message
from protocol.openers import Openers, start
from protocol.records import Listing, encode_record
from protocol.run import run_of
from tests.protocol.author import Author, seed
from tests.vectors.generate.alone import standing
from tests.vectors.generate.forms import chain, vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Answers of hubs (R-QRY-4), network `test`: a whole message `found` in hex, and the openers `known` here of any "
    "networkers (inception first, admitted in order). Expected: the ids of the hits that may be believed, in order; "
    "or the code. Known entries are [header, signature, record] in hex."
)


def listing(author: Author, key: str) -> Entry:
    """A listing, appended."""
    record = Listing(salt=seed("found", key)[:16], key=key, kind="product", title=key.capitalize())
    entry = author.after(author.entries[-1], 3, encode_record(record))
    author.entries.append(entry)
    return entry


def head(author: Author, standing: Of = Of.HEAD) -> Item:
    """The item of a log of which all is held."""
    tip = author.entries[-1]
    if standing is Of.HEAD:
        return Item(Of.HEAD, tip.author, tip.epoch, tip.term, tip.seq, tip.id, 0)
    return Item(standing, tip.author, tip.epoch, tip.term)


def known_of(entries: list[Entry]) -> dict[bytes, Openers]:
    """The openers by author, admitted in order."""
    openers: dict[bytes, Openers] = {}
    for entry in entries:
        held = openers.get(entry.author)
        openers[entry.author] = start("test", entry) if held is None else held.admit(entry)
    return openers


def vectors() -> list[Vector]:
    found: list[Vector] = []

    def add(
        name: str,
        comment: str,
        expected: list[Entry] | str,
        hits: list[Entry],
        openers: list[Entry],
        heads: list[Item],
        parts: tuple[Entry, ...] = (),
        known: tuple[Entry, ...] = (),
        **instead: list[Any],  # with a `_` behind the name of the field
    ) -> None:
        fields: dict[str, list[Any]] = {
            "heads": [item.wire() for item in heads],
            "hits": [run_of([hit]) for hit in hits],
            "openers": [run_of([opener]) for opener in openers],
            "standings": [run_of([part]) for part in parts],
        }
        body = Found(**(fields | {name.rstrip("_"): value for name, value in instead.items()}))
        data = encode_message(body, 7)
        outcome: dict[str, Any]
        try:
            read = decode_message(data).body
            assert isinstance(read, Found)
            ids = [hit.entry.id.hex() for hit in hits_of("test", read, known_of(list(known)))]
            assert ids == [entry.id.hex() for entry in expected], name
            outcome = {"expected": {"hits": ids}}
        except (RemoteProtocolError, NotHeld) as fault:
            assert fault.code == expected, (name, fault)
            outcome = {"error": fault.code}
        given = {"message": data.hex(), "known": chain(list(known))}
        found.append(vector(name, comment, "R-QRY-4", given, **outcome))

    ada, bob = Author("ada"), Author("bob")
    cap, hat, shoe = listing(ada, "cap"), listing(ada, "hat"), listing(bob, "shoe")
    first, other = ada.entries[0], bob.entries[0]
    both = [head(ada), head(bob)]
    add("empty", "nothing found", [], [], [], [])
    add("two", "of two networkers, in the hub's order", [shoe, cap], [shoe, cap], [first, other], both)
    add("known", "openers that are known need not be sent", [cap], [cap], [], [head(ada)], known=(first,))
    add("no-openers", "of a networker that is not known", [], [cap], [], [head(ada)])
    add("no-head", "without the head of its log", [], [cap], [first], [])
    add("forked", "of a log that the hub calls forked", [], [cap], [first], [head(ada, Of.FORKED)])
    low = Item(Of.HEAD, cap.author, 0, 0, cap.seq, cap.id, 0)
    add("above-head", "above the head that the hub tells", [cap], [hat, cap], [first], [low])
    add("two-heads", "two items of one log", "bad_message", [cap], [first], [low, head(ada)])
    add(
        "two-entries",
        "a run of two entries",
        "bad_message",
        [],
        [first],
        [head(ada)],
        hits_=[run_of([cap, hat])],
    )
    gone = parse_wire([cap.header, cap.signature, None])
    add("gone", "the record is gone", "bad_message", [gone], [first], [head(ada)])
    profile = ada.after(hat)
    add("kind", "not a listing", "bad_message", [profile], [first], [head(ada)])
    bad = parse_wire([cap.header, bytes(64), cap.record])
    add("unsigned", "its own signature is not valid", "signature", [bad], [first], [head(ada)])
    bogus = parse_wire([first.header, bytes(64), first.record])
    add("opener-unsigned", "an inception that is not signed", "signature", [cap], [bogus], [head(ada)])
    add("opener-as-hit", "an opener as a hit", "bad_message", [first], [first], [head(ada)])
    add("two-openers", "a run of two openers' length", "bad_message", [cap], [first], [head(ada)],
        openers_=[run_of([first, ada.entries[1]])])  # fmt: skip
    add("two-standings", "a standing that is a run of two", "bad_message", [cap], [first], [head(ada)],
        standings_=[run_of([cap, hat])])  # fmt: skip
    add(
        "no-item",
        "a head that is no item",
        "bad_message",
        [cap],
        [first],
        [head(ada)],
        heads_=[[0, first.author]],
    )
    add("opener-kind", "an opener that opens nothing", "opener", [cap], [first, cap], [head(ada)])
    add("head-item", "a head whose seq lies below where it is held from", "bad_message", [cap], [first], [],
        heads_=[[0, first.author, 0, 0, 1, cap.id, 2]])  # fmt: skip
    malformed = ada.after(hat, 3, b"\x81\xa1a\x01")
    tip = Item(Of.HEAD, malformed.author, 0, 0, malformed.seq, malformed.id, 0)
    add("malformed", "a record that is no listing", [cap], [malformed, cap], [first], [tip])
    rotation = ada.rotate()
    pear = listing(ada, "pear")
    add("epochs", "of the newest epoch", [pear], [pear], [first, rotation], [head(ada)])
    add("rotation-first", "openers without the inception before them", "bad_message", [pear], [rotation, first],
        [head(ada)])  # fmt: skip
    add("rotation-known", "the inception is known, the rotation is sent", [pear], [pear], [rotation], [head(ada)],
        known=(first,))  # fmt: skip
    add("rotation-here", "a rotation that the hub does not know", [], [hat], [first], [head(ada)],
        known=(first, rotation))  # fmt: skip
    add("closed", "of a closed epoch", [], [cap], [first, rotation], [head(ada)])
    whole = standing(ada, pear, 1, 1, cap)
    add("named", "of a closed epoch, and named in a standing", [cap], [cap, hat], [first, rotation], [head(ada)],
        parts=(whole,))  # fmt: skip
    wrong, _ = Author("bob").rotation(hat)
    wrong = ada._sign(bob.signer, rotation.seq, rotation.prev, 1, 0, rotation.time, 2, wrong.record or b"")
    add(
        "promise", "a rotation by a key that was not promised", "promise", [pear], [first, wrong], [head(ada)]
    )
    copied = parse_wire([rotation.header, bytes(64), rotation.record])
    add(
        "reveal",
        "a copied reveal with a signature of nobody",
        "signature",
        [pear],
        [first, copied],
        [head(ada)],
    )
    retired = ada.after(pear, 3, cap.record, signer=Author("ada").signer)
    add(
        "retired",
        "of the newest epoch, by the key before",
        "signature",
        [retired],
        [first, rotation],
        [head(ada)],
    )
    below = ada._sign(ada.signer, 1, first.id, 1, 0, pear.time, 3, cap.record or b"")
    add("below", "of the newest epoch, not above its opener", "link", [below], [first, rotation], [head(ada)])
    add("ahead", "of an epoch whose rotation is not sent", [], [pear], [first], [head(ada)])
    return found
