"""Contents of letters about credit, swaps, referrals and alliances, for tests/vectors/letters.json."""

from __future__ import annotations

from typing import Any, Final

ID: Final = bytes(range(32))
OPENERS: Final = [[[b"h", b"s", b"r"]]]
ENTRY: Final = [b"h", b"s", b"r"]

REQUEST: Final = {"type": "request", "request": b"r" * 1_024}
LIMIT: Final = {"type": "limit", "limit": b"l" * 1_024}
ANSWERED: Final = {"type": "answered", "request": ID}
BUYBACK: Final = {"type": "buyback", "code": "not_returned", "request": ID}
CHALLENGE: Final = {"type": "challenge", "entry": ENTRY}
REFERRAL: Final = {"type": "referral", "path": [b"t" * 1_024] * 8}
ALLIANCE: Final = {"type": "alliance", "agreement": b"a" * 24_576}
SWAP: Final = {"type": "swap", "document": b"d" * 1_024, "step": "lock"}
REKEY: Final = {"type": "rekey", "openers": OPENERS}
RELEASE: Final = {"type": "release", "release": b"r" * 1_024}

RIGHT: Final[tuple[tuple[str, str, Any], ...]] = (
    ("request", "a request", REQUEST),
    ("request-limit", "with the recipient's limit and openers", {**REQUEST, "limit": b"l" * 1_024, "openers": OPENERS}),
    ("limit", "a limit", LIMIT),
    ("limit-openers", "with openers", {**LIMIT, "openers": OPENERS}),
    ("answered-entry", "carried out", {**ANSWERED, "entry": [2**40 - 1, ID], "text": ""}),
    ("answered-code", "refused", {**ANSWERED, "code": "not_covered", "text": "t" * 500}),
    ("buyback", "goods are not taken back", BUYBACK),
    ("buyback-text", "with a word", {**BUYBACK, "text": "t" * 500}),
    ("challenge", "a challenge", CHALLENGE),
    ("challenge-openers", "with its author's openers", {**CHALLENGE, "openers": OPENERS}),
    ("referral", "a recommendation by eight", REFERRAL),
    ("referral-code", "registers a code", {**REFERRAL, "code": "C" * 32, "listing": "l" * 128, "text": "t" * 2_000}),
    ("alliance", "an agreement", ALLIANCE),
    ("alliance-ending", "an end", {**ALLIANCE, "ending": b"e" * 1_024, "openers": OPENERS}),
    *((f"swap-{step}", f"step {step}", {**SWAP, "step": step}) for step in
      ("propose", "accept", "sign", "decline", "lock", "swap", "end")),
    ("swap-refuse", "an issuer refuses", {**SWAP, "step": "refuse", "code": "counter", "text": "t" * 500}),
    ("swap-entries", "with 64 entries that prove a lock", {**SWAP, "step": "swap", "entries": [ENTRY] * 64}),
    ("rekey", "rotations", REKEY),
    ("release", "a release", RELEASE),
)  # fmt: skip
"""(name, comment, content)."""


def without(value: dict[str, Any], field: str) -> dict[str, Any]:
    """All fields but one."""
    return {name: each for name, each in value.items() if name != field}


WRONG: Final[tuple[tuple[str, str, Any], ...]] = (
    ("request-none", "no request", without(REQUEST, "request")),
    ("request-empty", "an empty request", {**REQUEST, "request": b""}),
    ("request-long", "a request of 1,025 bytes", {**REQUEST, "request": bytes(1_025)}),
    ("request-limit-long", "a limit of 1,025 bytes", {**REQUEST, "limit": bytes(1_025)}),
    ("request-openers-empty", "openers of nobody", {**REQUEST, "openers": [[]]}),
    ("limit-none", "no limit", without(LIMIT, "limit")),
    ("limit-long", "a limit of 1,025 bytes", {**LIMIT, "limit": bytes(1_025)}),
    ("limit-text", "a limit that is a text", {**LIMIT, "limit": "l"}),
    ("answered-none", "of no request", {"type": "answered", "code": "counter"}),
    ("answered-short", "a request of 31 bytes", {**ANSWERED, "request": ID[1:], "code": "counter"}),
    ("answered-code-form", "a code in capitals", {**ANSWERED, "code": "COUNTER"}),
    ("answered-code-long", "a code of 33 characters", {**ANSWERED, "code": "c" * 33}),
    ("answered-entry-seq", "a seq above all", {**ANSWERED, "entry": [2**40, ID]}),
    ("answered-entry-id", "an id of 31 bytes", {**ANSWERED, "entry": [7, ID[1:]]}),
    ("answered-text", "a text of 501 characters", {**ANSWERED, "code": "counter", "text": "t" * 501}),
    ("buyback-none", "of no request", without(BUYBACK, "request")),
    ("buyback-short", "a request of 31 bytes", {**BUYBACK, "request": ID[1:]}),
    ("buyback-code-none", "no code", without(BUYBACK, "code")),
    ("buyback-code-form", "a code in capitals", {**BUYBACK, "code": "OTHER"}),
    ("buyback-text-long", "a text of 501 characters", {**BUYBACK, "code": "other", "text": "t" * 501}),
    ("challenge-none", "no entry", without(CHALLENGE, "entry")),
    ("challenge-two", "an entry of two parts", {**CHALLENGE, "entry": ENTRY[:2]}),
    ("challenge-four", "an entry of four parts", {**CHALLENGE, "entry": [*ENTRY, b"x"]}),
    ("referral-none", "no tokens", without(REFERRAL, "path")),
    ("referral-empty", "an empty path", {**REFERRAL, "path": []}),
    ("referral-nine", "nine tokens", {**REFERRAL, "path": [b"t"] * 9}),
    ("referral-long", "a token of 1,025 bytes", {**REFERRAL, "path": [bytes(1_025)]}),
    ("referral-code-long", "a code of 33 characters", {**REFERRAL, "code": "C" * 33}),
    ("referral-code-empty", "an empty code", {**REFERRAL, "code": ""}),
    ("referral-listing-long", "a key of 129 characters", {**REFERRAL, "listing": "l" * 129}),
    ("referral-text", "a text of 2,001 characters", {**REFERRAL, "text": "t" * 2_001}),
    ("alliance-none", "no agreement", without(ALLIANCE, "agreement")),
    ("alliance-long", "an agreement of 24,577 bytes", {**ALLIANCE, "agreement": bytes(24_577)}),
    ("alliance-ending-long", "an end of 1,025 bytes", {**ALLIANCE, "ending": bytes(1_025)}),
    ("alliance-text", "a text of 2,001 characters", {**ALLIANCE, "text": "t" * 2_001}),
    ("swap-none", "no document", without(SWAP, "document")),
    ("swap-no-step", "no step", without(SWAP, "step")),
    ("swap-long", "a document of 1,025 bytes", {**SWAP, "document": bytes(1_025)}),
    ("swap-step", "a step that there is not", {**SWAP, "step": "unlock"}),
    ("swap-entries-none", "no entries", {**SWAP, "entries": []}),
    ("swap-entries-65", "65 entries", {**SWAP, "entries": [ENTRY] * 65}),
    ("swap-entries-two", "an entry of two parts", {**SWAP, "entries": [ENTRY[:2]]}),
    ("swap-code", "a code with a blank", {**SWAP, "step": "refuse", "code": "not now"}),
    ("swap-text", "a text of 501 characters", {**SWAP, "text": "t" * 501}),
    ("rekey-none", "no rotations", {"type": "rekey"}),
    ("rekey-empty", "openers of nobody", {**REKEY, "openers": [[]]}),
    ("release-none", "no release", without(RELEASE, "release")),
    ("release-long", "a release of 1,025 bytes", {**RELEASE, "release": bytes(1_025)}),
)  # fmt: skip
