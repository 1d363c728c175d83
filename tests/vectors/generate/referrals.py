"""Makes tests/vectors/referrals.json: links and codes that recommend."""

from __future__ import annotations

from typing import Any, Final

from protocol import bech32, encoding, limits, paths
from protocol.errors import RemoteProtocolError
from protocol.referrals import PREFIX, check_code, checked_code, link_of, read_link, write_link
from tests.protocol.author import START, Author
from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Referral links and codes (section 28.4). `link`, its text: expected are the tokens (hex, the first first), the "
    "key of the listing it leads to or null, the addresses, and when it ends, ms UTC; signatures are not looked at. "
    "`code`, as it was typed: expected is the code as it counts."
)
AT: Final = ("ws://127.0.0.1:4747/inx/1", "wss://shop.example/inx/1", "ws://[::1]:1/inx/1")


def tokens(*names: str, listing: str | None = "lamp", of: str = "seller") -> tuple[bytes, ...]:
    """Tokens in order, each naming the one before."""
    found: list[bytes] = []
    for number, name in enumerate(names):
        by = Author(f"referrals {name}")
        prior = paths.token_id(found[-1]) if found else None
        made = paths.sign_referral(
            "test", by.signer, referrer=by.id, epoch=0, seller=Author(of).id, expires=START - number,
            listing=listing, prior=prior,
        )  # fmt: skip
        found.append(made)
    return tuple(found)


def vectors() -> list[Vector]:
    return [*_links(), *_codes()]


def _links() -> list[Vector]:
    found: list[Vector] = []
    one, any_, three = tokens("ann"), tokens("ann", listing=None), tokens("ann", "bob", "cid")

    def add(name: str, comment: str, rule: str, text: str) -> None:
        try:
            link = read_link(text)
        except RemoteProtocolError as error:
            found.append(vector(f"link-{name}", comment, rule, {"link": text}, error=error.code))
            return
        expected = {
            "path": [each.hex() for each in link.path.tokens], "listing": link.listing, "at": list(link.at),
            "expires": link.expires,
        }  # fmt: skip
        found.append(vector(f"link-{name}", comment, rule, {"link": text}, expected=expected))

    def raw(value: Any, prefix: str = PREFIX) -> str:
        data = value if isinstance(value, bytes) else encoding.encode(value)
        return bech32.encode(prefix, data, limits.MAX_REFERRAL_LINK)

    text = write_link(link_of(one, "lamp", AT))
    add("listing", "to a listing, with three addresses", "R-REF-1", text)
    add("seller", "to a seller", "R-REF-1", write_link(link_of(any_)))
    add("key", "to a listing that no token names", "R-REF-1", write_link(link_of(any_, "lamp")))
    add("token", "to the listing that a token names", "R-REF-1", raw({"path": list(one)}))
    add("three", "passed on twice", "R-REF-1", write_link(link_of(three, "lamp")))
    add("eight", "passed on as often as can be", "R-REF-1", write_link(link_of(tokens(*"abcdefgh"), "lamp")))
    add("capitals", "all in capital letters", "R-REF-2", text.upper())
    add("mixed", "capital letters among small ones", "R-REF-2", text[:9].upper() + text[9:])
    for place in (7, len(text) // 2, len(text) - 1):
        other = "q" if text[place] != "q" else "p"
        add(
            f"mistyped-{place}",
            f"another character at {place}",
            "R-REF-2",
            text[:place] + other + text[place + 1 :],
        )
    at = next(n for n in range(20, 99) if text[n] != text[n + 1])
    add("swapped", "two characters swapped", "R-REF-2", text[:at] + text[at + 1] + text[at] + text[at + 2 :])
    add("cut", "the last character is missing", "R-REF-2", text[:-1])
    add("cut-far", "cut in the middle", "R-REF-2", text[: len(text) // 2])
    add("prefix", "another prefix", "R-REF-2", raw({"path": list(one)}, "nx"))
    add("empty", "nothing", "R-REF-2", "")
    add("behind", "a byte behind the map", "R-REF-1", raw(encoding.encode({"path": list(one)}) + b"\0"))
    for name, comment, value in (
        ("none", "no tokens", {"at": []}),
        ("no-path", "an empty path", {"path": []}),
        ("nine", "nine tokens", {"path": [*tokens(*"abcdefgh"), one[0]]}),
        ("more", "an unknown field", {"path": list(one), "zest": 1}),
        ("array", "no map", [list(one)]),
        ("other-listing", "a token for another listing", {"listing": "vase", "path": list(one)}),
        ("order", "tokens in another order", {"path": list(three[::-1])}),
        ("hole", "a token left out", {"path": [three[0], three[2]]}),
        ("first", "the first left out", {"path": list(three[1:])}),
        ("twice", "a token twice", {"path": [one[0], one[0]]}),
        ("sellers", "two sellers", {"path": [any_[0], tokens("eve", of="other")[0]]}),
        ("token-form", "a token that is none", {"path": [b"token"]}),
        ("addresses", "four addresses", {"at": [*AT, AT[0]], "path": list(one)}),
        ("address", "an address of a wrong form", {"at": ["http://shop.example"], "path": list(one)}),
        ("address-port", "port 0", {"at": ["ws://shop.example:0/inx/1"], "path": list(one)}),
        ("listing-empty", "an empty key", {"listing": "", "path": list(any_)}),
        ("listing-long", "a key of 129 characters", {"listing": "l" * 129, "path": list(any_)}),
    ):  # fmt: skip
        add(name, comment, "R-REF-1", raw(value))
    return found


def _codes() -> list[Vector]:
    found: list[Vector] = []

    def add(name: str, comment: str, code: str) -> None:
        try:
            outcome: dict[str, Any] = {"expected": check_code(code)}
        except RemoteProtocolError as error:
            outcome = {"error": error.code}
        found.append(vector(f"code-{name}", comment, "R-REF-4", {"code": code}, **outcome))

    made = checked_code("ABCDEFG")
    add("chosen", "a word", "ANNA")
    add("small", "in small letters, with blanks", " an na ")
    add("long", "32 characters", "A" * 32)
    add("too-long", "33 characters", "A" * 33)
    add("empty", "nothing but blanks", "  ")
    add("checked", "with a check character", made)
    add("checked-small", "the same in small letters", made.lower())
    add("zeros", "all of value 0", checked_code("AAAAAAA"))
    add("last", "the last character of the alphabet", checked_code("9999999"))
    for place in range(2, 10):
        other = "B" if made[place] != "B" else "C"
        add(f"mistyped-{place}", f"another character at {place}", made[:place] + other + made[place + 1 :])
    add("swapped", "two characters swapped", made[:3] + made[4] + made[3] + made[5:])
    add("short", "a character less", made[:-1])
    add("more", "a character more", made + "A")
    add("alphabet", "a character that is none of them", made[:4] + "0" + made[5:])
    return found
