"""Every limit of INX, each with its reason; SPEC.md prints this table and a test holds them equal.

A limit marked *advertised* is sent in the hello, so that a peer can keep to a stricter value than this.
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


# -- encoding ----------------------------------------------------------------------------------------------
MAX_INT: Final = 2**53 - 1
MAX_DEPTH: Final = 16
MAX_NODES: Final = 10_000
MAX_NOISE_MESSAGE: Final = 65_535
MAX_MESSAGE: Final = 65_519
MAX_RECORD: Final = 48 * 1024
# -- log ---------------------------------------------------------------------------------------------------
ANCHOR_EVERY: Final = 64
MAX_EPOCHS: Final = 192
MAX_BRANCHES: Final = 16
MAX_EXTENTS: Final = 16
MAX_STANDING: Final = 1_000
MAX_STANDING_PARTS: Final = 256
MAX_SEQ: Final = 2**40 - 1
# -- session -----------------------------------------------------------------------------------------------
HANDSHAKE_SECONDS: Final = 10
HEARTBEAT_SECONDS: Final = 30
IDLE_SECONDS: Final = 90
ANSWER_SECONDS: Final = 30
SESSION_KEY_DAYS: Final = 90
MAX_OPEN_REQUESTS: Final = 8
MAX_ITEMS: Final = 400
MAX_INTEREST: Final = 1_500
MAX_INTEREST_TOTAL: Final = 20_000
MAX_HITS: Final = 50
MAX_QUERY: Final = 200
MAX_QUERY_CURSOR: Final = 256
QUERIES_A_MINUTE: Final = 30
MAX_IDS: Final = 1_024
RANGES_FROM: Final = 400
RANGES_ID_BYTES: Final = 8
MAX_RANGES: Final = 1_024
MAX_RANGES_LIST: Final = 16
MAX_RANGES_QUESTIONS: Final = 32
MAX_WANTS: Final = 512
MAX_GET_BYTES: Final = 4 * 1024 * 1024
BLOB_CHUNK: Final = 32 * 1024
MAX_BLOB: Final = 16 * 1024 * 1024
CLOCK_TOLERANCE_MS: Final = 120_000
MAX_NETWORK_NAME: Final = 32
MAX_URI: Final = 2_048
MAX_PEERS: Final = 128
ADDRESS_DAYS: Final = 30
ADDRESS_SECONDS: Final = 10
PEERS_HOURS: Final = 24
TOKEN_BYTES: Final = 16
PIN_DIGITS: Final = 6
PIN_TRIES: Final = 5
# -- records -----------------------------------------------------------------------------------------------
SALT_BYTES: Final = 16
HASH_BYTES: Final = 32
KEY_BYTES: Final = 32
HYBRID_KEY_BYTES: Final = 1_216
STAMP_NONCE_BYTES: Final = 8
MAX_STAMP_BITS: Final = 64
STAMP_ASKED: Final = 20
MAX_KEY: Final = 128
MAX_TITLE: Final = 150
MAX_SUMMARY: Final = 500
MAX_DESCRIPTION: Final = 5_000
MAX_DESCRIPTION_KNOWLEDGE: Final = 20_000
MAX_DESCRIPTION_BYTES: Final = 40 * 1024
MAX_BRAND: Final = 150
MAX_CATEGORY: Final = 255
MAX_TAGS: Final = 100
MAX_TAG_BYTES: Final = 255
MAX_IMAGES: Final = 10
MAX_ALT: Final = 500
MAX_URL: Final = 2_048
MAX_SKU: Final = 100
MAX_GTIN: Final = 50
MAX_MPN: Final = 100
MAX_OPTIONS: Final = 3
MAX_OPTION_NAME: Final = 50
MAX_OPTION_VALUE: Final = 100
MAX_VARIANTS: Final = 256
MAX_MEMBERS: Final = 100
MAX_SHIPPING: Final = 50
MAX_REGIONS: Final = 250
MAX_REGION: Final = 16
MAX_LABEL: Final = 100
MAX_DAYS: Final = 365
MAX_PLACE: Final = 100
MAX_GEOHASH: Final = 5
MAX_UNIT: Final = 16
MAX_PER_COUNT: Final = 999
MAX_BASIS_POINTS: Final = 10_000
MAX_NAME: Final = 100
MAX_BIO: Final = 2_000
MAX_DOMAIN: Final = 253
MAX_ADDRESSES: Final = 8
MAX_ADDRESS: Final = 255
MAX_MAILBOXES: Final = 4
MAX_REASON: Final = 500
MAX_REPORT_TEXT: Final = 2_000
# -- letters -----------------------------------------------------------------------------------------------
MAX_LETTER: Final = 60 * 1024
MAX_LETTER_CONTENT: Final = 52 * 1024
MAX_LETTER_PARTS: Final = 64
MAX_LETTER_TOKEN: Final = 256
LETTER_ID_BYTES: Final = 16
LETTER_KEY_BYTES: Final = 16
LETTER_PADDING: Final = 256
LETTER_DAYS: Final = 30
MAX_MAIL_TEXT: Final = 10_000
MAX_ACKS: Final = 256
# -- deals -------------------------------------------------------------------------------------------------
MAX_TERM: Final = 400 * 24 * 3_600_000
MAX_PARTS: Final = 50
MAX_TURNS: Final = 1_200
MAX_ORDER: Final = 16 * 1024
MAX_DEAL_MESSAGE: Final = 32 * 1024
MAX_SEEN: Final = 3
MAX_DEAL_MESSAGES: Final = 1_000
MAX_OFFER: Final = 8 * 1024
MAX_CONSENT: Final = 4 * 1024
MAX_CHANGE: Final = 512
MAX_CHANGES: Final = 16
MAX_ENCLOSURE: Final = 32 * 1024
MAX_DIGITAL: Final = 24 * 1024
MAX_DEAL_TEXT: Final = 2_000
MAX_METHODS: Final = 16
MAX_GOODS_LINES: Final = 100
MAX_QUANTITY: Final = 1_000_000
# -- reviews -----------------------------------------------------------------------------------------------
MAX_RATING: Final = 5
MAX_RECEIPT: Final = 1024
MAX_REVIEW_TEXT: Final = 2_000
# -- paths -------------------------------------------------------------------------------------------------
MAX_PATH: Final = 8
MAX_REFERRAL: Final = 1_024
MAX_REFERRAL_LINK: Final = 16 * 1024
MAX_CODE: Final = 32
MAX_WINDOW: Final = 365
MAX_CAMPAIGN: Final = 32
MAX_OPENED_PATH: Final = MAX_PATH * (MAX_REFERRAL + 8)
MAX_TESTIMONY: Final = 1024 * 1024
# -- plans -------------------------------------------------------------------------------------------------
MAX_RATE_PART: Final = 10**9
MAX_RULE_NAME: Final = 24
MAX_LEVELS: Final = 64
MAX_RANKS: Final = 32
MAX_STEPS: Final = 64
MAX_RULES: Final = 8
MAX_CURRENCIES: Final = 64
MAX_PLAN_DAYS: Final = 3_660
MAX_PLAN_PERIODS: Final = 120
# -- teams -------------------------------------------------------------------------------------------------
MAX_STATEMENT: Final = 1_024
MAX_DISCLOSURE: Final = 16 * 1024
MAX_DISCLOSURE_TEXT: Final = 5_000
MAX_REFERENCES: Final = 10
MAX_CLAIMS: Final = 20
MAX_COSTS: Final = 20
MAX_PRODUCTS: Final = 200
MAX_PROOF: Final = 64
MAX_STATEMENTS: Final = 32
MAX_TEAM_DEPTH: Final = 1_000
MAX_LEGS: Final = 1_000
MAX_MODULES: Final = 50
MAX_FOLLOWUPS: Final = 12
ACKNOWLEDGED_DAYS: Final = 7
MAX_AGREEMENT: Final = 24 * 1024
# -- credits -----------------------------------------------------------------------------------------------
MAX_CREDIT_STATEMENT: Final = 1_024
MAX_GROUP_CONTENT: Final = 47 * 1024
MAX_GROUP_PARTS: Final = 4_096
MAX_LEDGER_MESSAGES: Final = 500
MAX_SALE_ENTRIES: Final = 128
MAX_SALE_MESSAGES: Final = 1_000
LEDGER_STEPS: Final = 10_000_000
LEDGER_STEPS_ENTRY: Final = 256
KEPT_STEPS: Final = 16
MAX_REPLIES: Final = 500
LOGGING_DAYS: Final = 14
FREEZE_DAYS: Final = 60
CHALLENGE_DAYS: Final = 14
MAX_CIRCLE: Final = 8
MAX_CIRCLE_WAYS: Final = 3
# -- shoppers ----------------------------------------------------------------------------------------------
SHOP_REQUESTS: Final = 120
MAX_SHOP_BODY: Final = 1024 * 1024
MAX_SHOP_ANSWER: Final = 1024 * 1024

LIMITS: Final[tuple[Limit, ...]] = (
    Limit("MAX_INT", MAX_INT, "", "largest integer every language, JavaScript included, holds exactly"),
    Limit(
        "MAX_DEPTH", MAX_DEPTH, "levels", "a decoder can recurse without fear; no record nests deeper than 5"
    ),
    Limit("MAX_NODES", MAX_NODES, "values", "bounds the memory of a decoded message (64 KB of empty maps)"),
    Limit("MAX_NOISE_MESSAGE", MAX_NOISE_MESSAGE, "bytes", "the Noise specification's own limit"),
    Limit("MAX_MESSAGE", MAX_MESSAGE, "bytes", "one Noise message less its 16-byte tag"),
    Limit("MAX_RECORD", MAX_RECORD, "bytes", "a record always fits one message with room for its run"),
    Limit("ANCHOR_EVERY", ANCHOR_EVERY, "entries", "one signature check serves up to this many entries"),
    Limit("MAX_EPOCHS", MAX_EPOCHS, "epochs", "inception and all rotations fit one handshake message"),
    Limit("MAX_BRANCHES", MAX_BRANCHES, "branches", "what one settlement may name"),
    Limit(
        "MAX_EXTENTS",
        MAX_EXTENTS,
        "extents",
        "set aside of one log; an author of many holes cannot fill a node",
    ),
    Limit("MAX_STANDING", MAX_STANDING, "entries", "a full standing entry stays below MAX_RECORD"),
    Limit(
        "MAX_STANDING_PARTS", MAX_STANDING_PARTS, "parts", "256,000 standing entries; above that send the run"
    ),
    Limit(
        "MAX_SEQ", MAX_SEQ, "", "a log's highest seq: 10^12 entries, a database key with room for the author"
    ),
    Limit("HANDSHAKE_SECONDS", HANDSHAKE_SECONDS, "s", "a stalled stranger frees its place soon"),
    Limit("HEARTBEAT_SECONDS", HEARTBEAT_SECONDS, "s", "keeps proxies from closing an idle link"),
    Limit("IDLE_SECONDS", IDLE_SECONDS, "s", "three missed heartbeats: the link is dead"),
    Limit("ANSWER_SECONDS", ANSWER_SECONDS, "s", "every wait for a peer ends"),
    Limit("SESSION_KEY_DAYS", SESSION_KEY_DAYS, "days", "longest life of a certified session key"),
    Limit(
        "MAX_OPEN_REQUESTS", MAX_OPEN_REQUESTS, "requests", "what one side may ask before answers; advertised"
    ),
    Limit("MAX_ITEMS", MAX_ITEMS, "items", "a full page of items (about 110 bytes each) fits one message"),
    Limit("MAX_INTEREST", MAX_INTEREST, "ids", "what fits one interest message; longer lists come in parts"),
    Limit("MAX_INTEREST_TOTAL", MAX_INTEREST_TOTAL, "ids", "memory of one session; above that ask for all"),
    Limit("MAX_HITS", MAX_HITS, "entries", "one page of a search that a person reads"),
    Limit("MAX_QUERY", MAX_QUERY, "characters", "what a person types into a search box"),
    Limit("MAX_QUERY_CURSOR", MAX_QUERY_CURSOR, "bytes", "opaque; room for any order of hits"),
    Limit("QUERIES_A_MINUTE", QUERIES_A_MINUTE, "questions", "a person searches, a crawler copies the logs"),
    Limit("MAX_IDS", MAX_IDS, "seqs", "one round of bisecting a log"),
    Limit("RANGES_FROM", RANGES_FROM, "logs", "fewer fit one page of heads"),
    Limit(
        "RANGES_ID_BYTES",
        RANGES_ID_BYTES,
        "bytes",
        "of a fingerprint: 2^-64 to miss a difference, where nobody outside knows the salt",
    ),
    Limit("MAX_RANGES", MAX_RANGES, "ranges", "of one form in one message; bounds the work of an answer"),
    Limit("MAX_RANGES_LIST", MAX_RANGES_LIST, "ids", "a list takes no more room than sixteen fingerprints"),
    Limit(
        "MAX_RANGES_QUESTIONS",
        MAX_RANGES_QUESTIONS,
        "questions",
        "of one reconciliation: beyond 2 MB heads are cheaper",
    ),
    Limit("MAX_WANTS", MAX_WANTS, "entries", "records asked for at once"),
    Limit(
        "MAX_GET_BYTES",
        MAX_GET_BYTES,
        "bytes",
        "what one get may bring before the asker says go on; advertised",
    ),
    Limit("BLOB_CHUNK", BLOB_CHUNK, "bytes", "a chunk fits one message"),
    Limit("MAX_BLOB", MAX_BLOB, "bytes", "an image or a document, not a film"),
    Limit(
        "CLOCK_TOLERANCE_MS", CLOCK_TOLERANCE_MS, "ms", "a node further off its peers' median does not append"
    ),
    Limit("MAX_NETWORK_NAME", MAX_NETWORK_NAME, "characters", "lower-case letters, digits and hyphen"),
    Limit("MAX_URI", MAX_URI, "characters", "an invite link that mail, chat and a QR code can carry"),
    Limit("MAX_PEERS", MAX_PEERS, "statements", "1,024 addresses at most in one message of peers"),
    Limit(
        "ADDRESS_DAYS", ADDRESS_DAYS, "days", "who has not stated its address for so long has moved or gone"
    ),
    Limit(
        "ADDRESS_SECONDS", ADDRESS_SECONDS, "s", "one address unasked in that time is taken from a session"
    ),
    Limit("PEERS_HOURS", PEERS_HOURS, "h", "a book changes slowly; asking more often only maps the network"),
    Limit("TOKEN_BYTES", TOKEN_BYTES, "bytes", "an invite's token that nobody can guess"),
    Limit("PIN_DIGITS", PIN_DIGITS, "digits", "of an invite's PIN: told over the phone without a slip"),
    Limit("PIN_TRIES", PIN_TRIES, "tries", "wrong PINs in all: 1 guess in 200,000 who has the link only"),
    Limit("SALT_BYTES", SALT_BYTES, "bytes", "a purged record cannot be guessed from its hash"),
    Limit("HASH_BYTES", HASH_BYTES, "bytes", "SHA-256: networker ids, entry ids, blobs"),
    Limit("KEY_BYTES", KEY_BYTES, "bytes", "an Ed25519 or X25519 public key"),
    Limit("HYBRID_KEY_BYTES", HYBRID_KEY_BYTES, "bytes", "an MLKEM768_X25519 public key: 1,184 and 32"),
    Limit(
        "STAMP_NONCE_BYTES", STAMP_NONCE_BYTES, "bytes", "64 bits of nonce reach any bits worth asking for"
    ),
    Limit("MAX_STAMP_BITS", MAX_STAMP_BITS, "bits", "more work than anybody has"),
    Limit(
        "STAMP_ASKED", STAMP_ASKED, "bits", "a second of work of a laptop, half a minute of a small computer"
    ),
    Limit("MAX_KEY", MAX_KEY, "characters", "a shop's handle or SKU, and a reference that still can be read"),
    Limit("MAX_TITLE", MAX_TITLE, "characters", "one line in a list; what product feeds allow"),
    Limit("MAX_SUMMARY", MAX_SUMMARY, "characters", "two or three sentences below a title"),
    Limit(
        "MAX_DESCRIPTION", MAX_DESCRIPTION, "characters", "what product feeds allow; longer text is a blob"
    ),
    Limit(
        "MAX_DESCRIPTION_KNOWLEDGE",
        MAX_DESCRIPTION_KNOWLEDGE,
        "characters",
        "here the text is the thing itself",
    ),
    Limit(
        "MAX_DESCRIPTION_BYTES", MAX_DESCRIPTION_BYTES, "bytes", "leaves 8 KiB of MAX_RECORD to other fields"
    ),
    Limit("MAX_BRAND", MAX_BRAND, "characters", "as a title"),
    Limit("MAX_CATEGORY", MAX_CATEGORY, "characters", "the longest paths of public taxonomies fit"),
    Limit("MAX_TAGS", MAX_TAGS, "tags", "more would be stuffing for search"),
    Limit("MAX_TAG_BYTES", MAX_TAG_BYTES, "bytes", "what shops allow for one tag"),
    Limit("MAX_IMAGES", MAX_IMAGES, "images", "a page of a listing loads within reason"),
    Limit("MAX_ALT", MAX_ALT, "characters", "what shops allow for an alternative text"),
    Limit("MAX_URL", MAX_URL, "characters", "what browsers and servers agree on"),
    Limit("MAX_SKU", MAX_SKU, "characters", "a seller's own article code"),
    Limit("MAX_GTIN", MAX_GTIN, "characters", "GTIN, UPC, EAN or ISBN; not verified, shops hold others too"),
    Limit("MAX_MPN", MAX_MPN, "characters", "a maker's article code"),
    Limit("MAX_OPTIONS", MAX_OPTIONS, "options", "what shops allow: size, colour, material"),
    Limit("MAX_OPTION_NAME", MAX_OPTION_NAME, "characters", "a word or two"),
    Limit("MAX_OPTION_VALUE", MAX_OPTION_VALUE, "characters", "a label on a button"),
    Limit("MAX_VARIANTS", MAX_VARIANTS, "variants", "full variants of about 150 bytes each fit MAX_RECORD"),
    Limit("MAX_MEMBERS", MAX_MEMBERS, "keys", "a set of goods that one page can show"),
    Limit("MAX_SHIPPING", MAX_SHIPPING, "rates", "one a region and service for a seller of one continent"),
    Limit("MAX_REGIONS", MAX_REGIONS, "regions", "every country by name; all of them is `*`"),
    Limit("MAX_REGION", MAX_REGION, "characters", "country, hyphen, subdivision"),
    Limit("MAX_LABEL", MAX_LABEL, "characters", "the name of a shipping service"),
    Limit("MAX_DAYS", MAX_DAYS, "days", "a delivery time of more than a year is no promise"),
    Limit("MAX_PLACE", MAX_PLACE, "characters", "the name of a town or region"),
    Limit("MAX_GEOHASH", MAX_GEOHASH, "characters", "cells of about 5 km: coarse on purpose"),
    Limit("MAX_UNIT", MAX_UNIT, "characters", "the name of a credit unit"),
    Limit("MAX_PER_COUNT", MAX_PER_COUNT, "periods", "a price per up to 999 days, weeks, months or years"),
    Limit("MAX_BASIS_POINTS", MAX_BASIS_POINTS, "basis points", "100 %"),
    Limit("MAX_NAME", MAX_NAME, "characters", "one line"),
    Limit("MAX_BIO", MAX_BIO, "characters", "a page about oneself"),
    Limit("MAX_DOMAIN", MAX_DOMAIN, "characters", "the longest name of the DNS"),
    Limit("MAX_ADDRESSES", MAX_ADDRESSES, "addresses", "LAN, public, IPv6 and a few more"),
    Limit("MAX_ADDRESS", MAX_ADDRESS, "characters", "scheme, longest host name used in practice, port, path"),
    Limit("MAX_MAILBOXES", MAX_MAILBOXES, "hosts", "enough to lose some; each costs the sender a delivery"),
    Limit("MAX_REASON", MAX_REASON, "characters", "a sentence or two"),
    Limit("MAX_REPORT_TEXT", MAX_REPORT_TEXT, "characters", "what happened, in words"),
    Limit("MAX_LETTER", MAX_LETTER, "bytes", "a letter fits one message"),
    Limit(
        "MAX_LETTER_CONTENT",
        MAX_LETTER_CONTENT,
        "bytes",
        "any deal message, or an order with its enclosure; leaves 8 KiB to openers, token and seal",
    ),
    Limit("MAX_LETTER_PARTS", MAX_LETTER_PARTS, "parts", "messages, enclosures or signers in one letter"),
    Limit("MAX_LETTER_TOKEN", MAX_LETTER_TOKEN, "bytes", "who, until when, and a signature"),
    Limit("LETTER_ID_BYTES", LETTER_ID_BYTES, "bytes", "nobody can guess or meet the id of another letter"),
    Limit("LETTER_KEY_BYTES", LETTER_KEY_BYTES, "bytes", "tells apart the few keys of one recipient"),
    Limit("LETTER_PADDING", LETTER_PADDING, "bytes", "a short letter does not show how short it is"),
    Limit(
        "LETTER_DAYS",
        LETTER_DAYS,
        "days",
        "longest life of a letter: a holiday; private keys are destroyed as long after the next ones came",
    ),
    Limit(
        "MAX_MAIL_TEXT",
        MAX_MAIL_TEXT,
        "characters",
        "some pages; longer text is a blob or an attachment's address",
    ),
    Limit("MAX_ACKS", MAX_ACKS, "ids", "what a recipient that was away says of one sender's letters at once"),
    Limit("MAX_TERM", MAX_TERM, "ms", "400 days: a yearly payment, and a month of patience"),
    Limit("MAX_PARTS", MAX_PARTS, "parts", "milestones of a large piece of work"),
    Limit("MAX_TURNS", MAX_TURNS, "renewals", "a century of months"),
    Limit("MAX_ORDER", MAX_ORDER, "bytes", "an order with an offer of MAX_OFFER inside"),
    Limit("MAX_DEAL_MESSAGE", MAX_DEAL_MESSAGE, "bytes", "a renewal, which holds an order and its changes"),
    Limit("MAX_SEEN", MAX_SEEN, "ids", "the newest of the other side, and two rulings that contradict"),
    Limit("MAX_DEAL_MESSAGES", MAX_DEAL_MESSAGES, "messages", "of one deal: part payments of many parts"),
    Limit("MAX_OFFER", MAX_OFFER, "bytes", "an offer of MAX_PARTS parts"),
    Limit("MAX_CONSENT", MAX_CONSENT, "bytes", "an arbiter's consent with its terms"),
    Limit("MAX_CHANGE", MAX_CHANGE, "bytes", "a statement on a mandate"),
    Limit("MAX_CHANGES", MAX_CHANGES, "statements", "on a mandate since it was given; more: a new order"),
    Limit("MAX_ENCLOSURE", MAX_ENCLOSURE, "bytes", "with its message it fits a letter"),
    Limit("MAX_DIGITAL", MAX_DIGITAL, "bytes", "a text, a key, a ticket; larger content is sent by address"),
    Limit("MAX_DEAL_TEXT", MAX_DEAL_TEXT, "characters", "a page: what is wrong, and why"),
    Limit("MAX_METHODS", MAX_METHODS, "ways to pay", "more than any shop offers"),
    Limit("MAX_GOODS_LINES", MAX_GOODS_LINES, "lines", "a long order on one page"),
    Limit("MAX_QUANTITY", MAX_QUANTITY, "pieces", "screws are sold by the piece too"),
    Limit("MAX_RATING", MAX_RATING, "", "the best; what people know from everywhere else"),
    Limit("MAX_RECEIPT", MAX_RECEIPT, "bytes", "a `receive` message takes about 300"),
    Limit("MAX_REVIEW_TEXT", MAX_REVIEW_TEXT, "characters", "a page"),
    Limit("MAX_PATH", MAX_PATH, "tokens", "of a path: more than a commission can be divided among"),
    Limit("MAX_REFERRAL", MAX_REFERRAL, "bytes", "of a token: the longest key, three ids and a signature"),
    Limit(
        "MAX_REFERRAL_LINK",
        MAX_REFERRAL_LINK,
        "characters",
        "MAX_PATH tokens of MAX_REFERRAL, five bits each",
    ),
    Limit("MAX_CODE", MAX_CODE, "characters", "what a person types at checkout"),
    Limit("MAX_WINDOW", MAX_WINDOW, "days", "a year after a click nobody remembers it"),
    Limit("MAX_CAMPAIGN", MAX_CAMPAIGN, "characters", "a word of the referrer's"),
    Limit(
        "SHOP_REQUESTS",
        SHOP_REQUESTS,
        "requests",
        "of one network at once, and a minute: a family that shops",
    ),
    Limit("MAX_SHOP_BODY", MAX_SHOP_BODY, "bytes", "what a shopper may send at once: a testimony"),
    Limit(
        "MAX_SHOP_ANSWER", MAX_SHOP_ANSWER, "bytes", "a page of letters; a listing takes one message at most"
    ),
    Limit("MAX_OPENED_PATH", MAX_OPENED_PATH, "bytes", "MAX_PATH tokens of MAX_REFERRAL with their frames"),
    Limit(
        "MAX_STATEMENT",
        MAX_STATEMENT,
        "bytes",
        "of a signed statement of a team: some ids, a key, a signature",
    ),
    Limit("MAX_DISCLOSURE", MAX_DISCLOSURE, "bytes", "leaves room for the other fields of an opportunity"),
    Limit(
        "MAX_DISCLOSURE_TEXT", MAX_DISCLOSURE_TEXT, "characters", "two pages; who needs more names a document"
    ),
    Limit("MAX_REFERENCES", MAX_REFERENCES, "references", "more than anybody asks"),
    Limit("MAX_CLAIMS", MAX_CLAIMS, "claims", "a table of earnings by group and year"),
    Limit("MAX_COSTS", MAX_COSTS, "costs", "all that joining costs fits one page"),
    Limit("MAX_PRODUCTS", MAX_PRODUCTS, "keys", "the catalogue of a small company"),
    Limit("MAX_PROOF", MAX_PROOF, "entries", "one signature proves that many, see ANCHOR_EVERY"),
    Limit("MAX_STATEMENTS", MAX_STATEMENTS, "statements", "of MAX_STATEMENT in one record"),
    Limit("MAX_TEAM_DEPTH", MAX_TEAM_DEPTH, "levels", "no plan pays further; bounds the walk up a line"),
    Limit("MAX_LEGS", MAX_LEGS, "legs", "below one place; a plan without a width needs no places"),
    Limit("MAX_MODULES", MAX_MODULES, "modules", "a year of training, one a week"),
    Limit("MAX_FOLLOWUPS", MAX_FOLLOWUPS, "follow-ups", "one a month of the first year"),
    Limit(
        "ACKNOWLEDGED_DAYS", ACKNOWLEDGED_DAYS, "days", "time to read, ask and sleep over it before joining"
    ),
    Limit("MAX_CREDIT_STATEMENT", MAX_CREDIT_STATEMENT, "bytes", "of a swap: six ids and two signatures"),
    Limit("MAX_GROUP_CONTENT", MAX_GROUP_CONTENT, "bytes", "of a part: a full record less its other fields"),
    Limit("MAX_GROUP_PARTS", MAX_GROUP_PARTS, "parts", "a period of 2,000,000 awards"),
    Limit(
        "MAX_LEDGER_MESSAGES",
        MAX_LEDGER_MESSAGES,
        "messages",
        "of a deal in one entry: MAX_PARTS and all that is said of each",
    ),
    Limit(
        "MAX_SALE_ENTRIES",
        MAX_SALE_ENTRIES,
        "entries",
        "of one order after its first: MAX_PARTS raises, as many refunds, a freeze and its end, and room",
    ),
    Limit(
        "MAX_SALE_MESSAGES",
        MAX_SALE_MESSAGES,
        "messages",
        "of one order in a log: twenty for each of MAX_PARTS; each later entry goes through them once",
    ),
    Limit("LEDGER_STEPS", LEDGER_STEPS, "steps", "of any log: a reader takes some millions in a minute"),
    Limit(
        "LEDGER_STEPS_ENTRY",
        LEDGER_STEPS_ENTRY,
        "steps",
        "more for each entry: about what its own bytes cost a reader, several times over",
    ),
    Limit(
        "KEPT_STEPS",
        KEPT_STEPS,
        "steps",
        "for what a reader keeps: who stood where before, each expiry of what is moved",
    ),
    Limit("MAX_REPLIES", MAX_REPLIES, "replies", "to challenges in one entry"),
    Limit("LOGGING_DAYS", LOGGING_DAYS, "days", "to log a refund once its freeze has ended"),
    Limit("FREEZE_DAYS", FREEZE_DAYS, "days", "past the hold: no dispute freezes an award for longer"),
    Limit("CHALLENGE_DAYS", CHALLENGE_DAYS, "days", "to answer a challenge"),
    Limit("MAX_CIRCLE", MAX_CIRCLE, "sales", "of a circle that pays nobody: longer ones are not looked for"),
    Limit(
        "MAX_CIRCLE_WAYS",
        MAX_CIRCLE_WAYS,
        "referrers",
        "of one buyer in a period that a circle may lead by: 3^7 steps",
    ),
    Limit("MAX_AGREEMENT", MAX_AGREEMENT, "bytes", "of an alliance that names MAX_PRODUCTS keys"),
    Limit(
        "MAX_TESTIMONY", MAX_TESTIMONY, "bytes", "path, accept, MAX_PARTS receipts, and openers of them all"
    ),
    Limit("MAX_RATE_PART", MAX_RATE_PART, "", "of a rate: nine decimal places, and thirds"),
    Limit("MAX_RULE_NAME", MAX_RULE_NAME, "characters", "stands in every award"),
    Limit("MAX_LEVELS", MAX_LEVELS, "levels", "far above any plan; a walk up a line stays short"),
    Limit("MAX_RANKS", MAX_RANKS, "ranks", "twice the longest ladder known"),
    Limit("MAX_STEPS", MAX_STEPS, "steps", "a schedule that fits a page"),
    Limit("MAX_RULES", MAX_RULES, "rules", "of one family; who needs more has two plans"),
    Limit("MAX_CURRENCIES", MAX_CURRENCIES, "currencies", "those that one networker sells in"),
    Limit("MAX_PLAN_DAYS", MAX_PLAN_DAYS, "days", "ten years of holding, notice or validity"),
    Limit("MAX_PLAN_PERIODS", MAX_PLAN_PERIODS, "periods", "ten years of months"),
)
