"""The limits of section 14.1 that decide what this codec accepts [R-LIM-1]."""

from __future__ import annotations

from typing import Final

MAX_INT: Final = 2**53 - 1
MAX_DEPTH: Final = 16
MAX_NODES: Final = 10_000

MAX_NOISE_MESSAGE: Final = 65_535
MAX_MESSAGE: Final = 65_519
MAX_RECORD: Final = 49_152

ANCHOR_EVERY: Final = 64
MAX_EPOCHS: Final = 192
MAX_BRANCHES: Final = 16
MAX_STANDING: Final = 1_000
MAX_STANDING_PARTS: Final = 256
MAX_SEQ: Final = 2**40 - 1

SESSION_KEY_DAYS: Final = 90
MILLISECONDS_PER_DAY: Final = 86_400_000
CLOCK_TOLERANCE_MS: Final = 120_000

MAX_ITEMS: Final = 400
MAX_INTEREST: Final = 1_500
MAX_IDS: Final = 1_024
MAX_RANGES: Final = 1_024
MAX_RANGES_LIST: Final = 16
RANGES_ID_BYTES: Final = 8
MAX_HITS: Final = 50
MAX_QUERY: Final = 200
MAX_QUERY_CURSOR: Final = 256
MAX_CATEGORY: Final = 255
MAX_WANTS: Final = 512
MAX_GET_BYTES: Final = 4_194_304
MAX_RUNS: Final = 1_024  # of one message: only the tables of section 10 name it

MAX_LETTER: Final = 61_440
MAX_LETTER_CONTENT: Final = 53_248
MAX_LETTER_TOKEN: Final = 256
LETTER_ID_BYTES: Final = 16
LETTER_KEY_BYTES: Final = 16
LETTER_PADDING: Final = 256
BLOB_CHUNK: Final = 32_768
MAX_BLOB: Final = 16_777_216

MAX_NETWORK_NAME: Final = 32
MAX_URI: Final = 2_048
MAX_PEERS: Final = 128
TOKEN_BYTES: Final = 16
PIN_DIGITS: Final = 6
MAX_ADDRESS: Final = 255
MAX_ADDRESSES: Final = 8

HASH_BYTES: Final = 32
KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
SALT_BYTES: Final = 16
STAMP_NONCE_BYTES: Final = 8
MAX_STAMP_BITS: Final = 64

MAX_KEY: Final = 128
MAX_PATH: Final = 8
MAX_REFERRAL: Final = 1_024
MAX_CAMPAIGN: Final = 32
MAX_DESCRIPTION: Final = 5_000
MAX_DESCRIPTION_BYTES: Final = 40_960
MAX_TAG_BYTES: Final = 255
