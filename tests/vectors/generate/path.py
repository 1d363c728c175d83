"""Makes tests/vectors/path.json: referral tokens, and paths of them."""

from __future__ import annotations

from typing import Any, Final

from protocol import encoding, limits
from protocol.paths import path_hash, path_of, sign_referral, token_id
from protocol.signing import Signer
from tests.protocol.author import Author
from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Referral tokens and paths (section 23.1), network `inx`. `token` with the key of its referrer (hex): expected is "
    "its id. `path`: an opened path, the date of the order and the key of its listing: expected are its parts and the "
    "path hash; signatures of the tokens are not looked at."
)
AT: Final = 1_700_000_000_000
SIGNER: Final = Signer(bytes(range(32)))
SELLER: Final = b"s" * 32
SALT: Final = bytes(range(16))
FIELDS: Final[dict[str, Any]] = {
    "campaign": "summer-24", "epoch": 2, "expires": AT + 1, "listing": "brass-lamp", "prior": b"p" * 32,
    "referrer": b"r" * 32, "seller": SELLER,
}  # fmt: skip


def token(number: int, prior: bytes | None, **more: Any) -> bytes:
    """A token of a networker of that number."""
    given: dict[str, Any] = {
        "referrer": bytes([number]) * 32,
        "seller": SELLER,
        "expires": AT + number,
        **more,
    }
    return sign_referral(
        "inx", Author(f"referrer {number}", network="inx").signer, epoch=0, prior=prior, **given
    )


def chain(count: int, **more: Any) -> list[bytes]:
    """Tokens that go together."""
    tokens: list[bytes] = []
    for number in range(1, count + 1):
        tokens.append(token(number, token_id(tokens[-1]) if tokens else None, **more))
    return tokens


def vectors() -> list[Vector]:
    found: list[Vector] = []

    def add_token(
        name: str, comment: str, requirement: str, data: Any, error: str | None = None, **more: Any
    ) -> None:
        raw = data if isinstance(data, bytes) else encoding.encode(data)
        outcome: dict[str, Any] = {"error": error} if error else {"expected": {"id": token_id(raw).hex()}}
        given = {"token": raw.hex(), "key": SIGNER.public.hex()}
        found.append(vector(name, comment, requirement, given, **outcome, **more))

    def image(fields: dict[str, Any], network: str = "inx") -> bytes:
        return b"INX/1\0" + network.encode() + b"\0referral\0" + encoding.encode(fields)

    def signed(fields: dict[str, Any], network: str = "inx") -> dict[str, Any]:
        return {**fields, "signature": SIGNER.sign(image(fields, network))}

    def without(*names: str) -> dict[str, Any]:
        return {name: value for name, value in FIELDS.items() if name not in names}

    whole = signed(FIELDS)
    add_token("plain", "every field", "R-PATH-2", whole, signed=image(FIELDS).hex())
    add_token("least", "only what must be there", "R-PATH-1", signed(without("campaign", "listing", "prior")))
    for field in ("referrer", "seller", "prior"):
        add_token(f"other-{field}", f"{field} changed", "R-PATH-2", whole | {field: b"x" * 32}, "signature")
    for field in ("epoch", "expires"):
        add_token(
            f"other-{field}", f"{field} changed", "R-PATH-2", whole | {field: FIELDS[field] + 1}, "signature"
        )
    add_token("other-listing", "listing changed", "R-PATH-2", whole | {"listing": "tin-lamp"}, "signature")
    add_token("no-campaign", "campaign taken out", "R-PATH-2",
              {name: value for name, value in whole.items() if name != "campaign"}, "signature")  # fmt: skip
    add_token("network", "signed for another network", "R-PATH-2", signed(FIELDS, "test"), "signature")
    for field in ("epoch", "expires", "referrer", "seller"):
        add_token(f"lacks-{field}", f"{field} is missing", "R-PATH-1", signed(without(field)), "path")
    add_token("unsigned", "signature is missing", "R-PATH-1", FIELDS, "path")
    add_token("more", "a field more", "R-PATH-1", signed(FIELDS | {"zz": 1}), "path")
    add_token("campaign-32", "the longest campaign", "R-PATH-1", signed(FIELDS | {"campaign": "c" * 32}))
    add_token(
        "campaign-33", "a campaign too long", "R-PATH-1", signed(FIELDS | {"campaign": "c" * 33}), "path"
    )
    add_token("campaign-A", "a capital letter", "R-PATH-1", signed(FIELDS | {"campaign": "A"}), "path")
    add_token("listing-128", "the longest key", "R-PATH-1", signed(FIELDS | {"listing": "\U0001f4a1" * 128}))
    add_token("listing-129", "a key too long", "R-PATH-1", signed(FIELDS | {"listing": "k" * 129}), "path")
    add_token("epoch-191", "the last epoch", "R-PATH-1", signed(FIELDS | {"epoch": 191}))
    add_token("epoch-192", "beyond the last epoch", "R-PATH-1", signed(FIELDS | {"epoch": 192}), "path")
    add_token("trailing", "a byte behind", "R-PATH-1", encoding.encode(whole) + b"\0", "encoding")
    add_token("too-large", "more than MAX_REFERRAL", "R-PATH-1", bytes(limits.MAX_REFERRAL + 1), "too_large")

    def add_path(
        name: str, comment: str, tokens: list[bytes], error: str | None = None, *, salt: bytes = SALT, at: int = AT,
        listing: str = "brass-lamp", requirement: str = "R-PATH-3", raw: bytes | None = None,
    ) -> None:  # fmt: skip
        data = encoding.encode([salt, tokens]) if raw is None else raw
        given = {"path": data.hex(), "at": at, "listing": listing}
        if error is not None:
            found.append(vector(name, comment, requirement, given, error=error))
            return
        hashed = path_hash("inx", path_of(salt, tokens)).hex()
        expected = {"salt": salt.hex(), "tokens": [each.hex() for each in tokens], "hash": hashed}
        found.append(vector(name, comment, requirement, given, expected=expected))

    three = chain(3)
    add_path("path-1", "one token", chain(1), requirement="R-PATH-4")
    add_path("path-3", "three tokens", three, requirement="R-PATH-4")
    add_path("path-salt", "the same under another salt", three, salt=bytes(16), requirement="R-PATH-4")
    add_path("path-8", "the most tokens", chain(8))
    add_path("path-9", "one too many", chain(9), "path")
    add_path("path-0", "none", [], "path")
    add_path("path-cut", "the first is left out", three[1:], "path")
    add_path("path-hole", "the middle is left out", [three[0], three[2]], "path")
    add_path("path-order", "another order", [three[1], three[0], three[2]], "path")
    add_path("path-twice", "the same networker again", [*three, token(1, token_id(three[-1]))], "path")
    add_path("path-seller", "the seller", [three[0], token(2, token_id(three[0]), referrer=SELLER)], "path")
    add_path(
        "path-sellers", "two sellers", [three[0], token(2, token_id(three[0]), seller=b"t" * 32)], "path"
    )
    add_path("path-salt-15", "a salt too short", three, "path", salt=bytes(15))
    add_path("path-form", "no array of two", [], "path", raw=encoding.encode([SALT]))
    add_path("path-token", "a token of a wrong form", [encoding.encode({})], "path")
    long = encoding.encode([SALT, [bytes(limits.MAX_OPENED_PATH - 20)]])
    assert len(long) > limits.MAX_OPENED_PATH
    add_path("path-too-large", "more than MAX_OPENED_PATH", [], "too_large", raw=long)
    add_path("path-salt-first", "a salt too short, and a token that is too long", [bytes(limits.MAX_REFERRAL + 1)],
             "path", salt=bytes(15))  # fmt: skip
    add_path("path-token-first", "a token that is too long behind one that names another before it",
             [three[1], bytes(limits.MAX_REFERRAL + 1)], "too_large")  # fmt: skip
    add_path(
        "path-last-ms", "the first to expire is good for another ms", three, at=AT, requirement="R-PATH-5"
    )
    add_path("path-expired", "it expires now", three, "path_expired", at=AT + 1, requirement="R-PATH-5")
    lamps = chain(2, listing="brass-lamp")
    add_path("path-listing", "for this listing", lamps, requirement="R-PATH-5")
    add_path("path-other", "for another listing", lamps, "path", listing="tin-lamp", requirement="R-PATH-5")
    turned = token(2, token_id(three[0]), listing="tin-lamp", expires=AT + 9)
    add_path("path-expired-first", "the first has expired, the second is for another listing", [three[0], turned],
             "path_expired", at=AT + 1, requirement="R-PATH-5")  # fmt: skip
    early = token(1, None, listing="tin-lamp", expires=AT + 1)
    add_path("path-other-first", "the first is for another listing, and has expired", [early], "path", at=AT + 1,
             requirement="R-PATH-5")  # fmt: skip
    return found
