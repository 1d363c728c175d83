"""Every limit of INX, each with its reason; SPEC.md prints this table and a test holds them equal.

A limit marked *advertised* is sent in the hello, so that a peer can keep to a stricter value than the one here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Limit:
    """One row of SPEC's table: name, value, unit, why it is so."""

    name: str
    value: int
    unit: str
    reason: str


# -- encoding --------------------------------------------------------------------------------------------------
MAX_INT: Final = 2**53 - 1
MAX_DEPTH: Final = 16
MAX_NODES: Final = 10_000
MAX_NOISE_MESSAGE: Final = 65_535
MAX_MESSAGE: Final = 65_519
MAX_RECORD: Final = 48 * 1024
# -- log -------------------------------------------------------------------------------------------------------
ANCHOR_EVERY: Final = 64
MAX_EPOCHS: Final = 192
MAX_BRANCHES: Final = 16
MAX_STANDING: Final = 1_000
MAX_STANDING_PARTS: Final = 256
MAX_SEQ: Final = 2**40 - 1
# -- session ---------------------------------------------------------------------------------------------------
HANDSHAKE_SECONDS: Final = 10
HEARTBEAT_SECONDS: Final = 30
IDLE_SECONDS: Final = 90
ANSWER_SECONDS: Final = 30
SESSION_KEY_DAYS: Final = 90
MAX_OPEN_REQUESTS: Final = 8
MAX_ITEMS: Final = 400
MAX_INTEREST: Final = 1_500
MAX_INTEREST_TOTAL: Final = 100_000
MAX_IDS: Final = 1_024
MAX_WANTS: Final = 512
MAX_GET_BYTES: Final = 4 * 1024 * 1024
BLOB_CHUNK: Final = 32 * 1024
MAX_BLOB: Final = 16 * 1024 * 1024
CLOCK_TOLERANCE_MS: Final = 120_000
MAX_NETWORK_NAME: Final = 32

LIMITS: Final[tuple[Limit, ...]] = (
    Limit("MAX_INT", MAX_INT, "", "largest integer every language, JavaScript included, holds exactly"),
    Limit("MAX_DEPTH", MAX_DEPTH, "levels", "a decoder can recurse without fear; no record nests deeper than 5"),
    Limit("MAX_NODES", MAX_NODES, "values", "bounds the memory of a decoded message (64 KB of empty maps)"),
    Limit("MAX_NOISE_MESSAGE", MAX_NOISE_MESSAGE, "bytes", "the Noise specification's own limit"),
    Limit("MAX_MESSAGE", MAX_MESSAGE, "bytes", "one Noise message less its 16-byte tag"),
    Limit("MAX_RECORD", MAX_RECORD, "bytes", "a record always fits one message with room for its run"),
    Limit("ANCHOR_EVERY", ANCHOR_EVERY, "entries", "one signature check serves up to this many entries"),
    Limit("MAX_EPOCHS", MAX_EPOCHS, "epochs", "inception and all rotations fit one handshake message"),
    Limit("MAX_BRANCHES", MAX_BRANCHES, "branches", "what one settlement may name"),
    Limit("MAX_STANDING", MAX_STANDING, "entries", "a full standing entry stays below MAX_RECORD"),
    Limit("MAX_STANDING_PARTS", MAX_STANDING_PARTS, "parts", "256,000 standing entries; above that send the run"),
    Limit("MAX_SEQ", MAX_SEQ, "", "a log's highest seq: 10^12 entries, a database key with room for the author"),
    Limit("HANDSHAKE_SECONDS", HANDSHAKE_SECONDS, "s", "a stalled stranger frees its place soon"),
    Limit("HEARTBEAT_SECONDS", HEARTBEAT_SECONDS, "s", "keeps proxies from closing an idle link"),
    Limit("IDLE_SECONDS", IDLE_SECONDS, "s", "three missed heartbeats: the link is dead"),
    Limit("ANSWER_SECONDS", ANSWER_SECONDS, "s", "every wait for a peer ends"),
    Limit("SESSION_KEY_DAYS", SESSION_KEY_DAYS, "days", "longest life of a certified session key"),
    Limit("MAX_OPEN_REQUESTS", MAX_OPEN_REQUESTS, "requests", "what one side may ask before answers; advertised"),
    Limit("MAX_ITEMS", MAX_ITEMS, "items", "a full page of items (about 110 bytes each) fits one message"),
    Limit("MAX_INTEREST", MAX_INTEREST, "ids", "what fits one interest message; longer lists come in parts"),
    Limit("MAX_INTEREST_TOTAL", MAX_INTEREST_TOTAL, "ids", "memory of one session; above that ask for all"),
    Limit("MAX_IDS", MAX_IDS, "seqs", "one round of bisecting a log"),
    Limit("MAX_WANTS", MAX_WANTS, "entries", "records asked for at once"),
    Limit("MAX_GET_BYTES", MAX_GET_BYTES, "bytes", "what one get may bring before the asker says go on; advertised"),
    Limit("BLOB_CHUNK", BLOB_CHUNK, "bytes", "a chunk fits one message"),
    Limit("MAX_BLOB", MAX_BLOB, "bytes", "an image or a document, not a film"),
    Limit("CLOCK_TOLERANCE_MS", CLOCK_TOLERANCE_MS, "ms", "a node further off its peers' median does not append"),
    Limit("MAX_NETWORK_NAME", MAX_NETWORK_NAME, "characters", "lower-case letters, digits and hyphen"),
)
