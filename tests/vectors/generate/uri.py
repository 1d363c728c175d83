"""Makes tests/vectors/uri.json: invite links."""

from __future__ import annotations

from typing import Any, Final

from protocol.identity import id_text
from protocol.uri import format_invite
from tests.vectors.generate.forms import vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Invite links (section 12.4). `write-*`: id (hex) and addresses, where given also token (hex), expires (ms) and "
    "pin, give the link. `read-*`: a link gives the same, or is refused with `bad_uri` (`encoding` where the id is "
    "wrong)."
)
ID: Final = bytes(range(32))
LAN: Final = "ws://192.168.1.7:7400/inx/1"
WEB: Final = "wss://node.example.org/inx/1"


def vectors() -> list[Vector]:
    found: list[Vector] = []
    text = id_text(ID)
    for name, addresses in (
        ("none", []), ("one", [LAN]), ("two", [LAN, WEB]), ("ipv6", ["ws://[2001:db8::7]:7400/inx/1"]),
        ("query", ["wss://example.org/inx/1?x=1&y=%20+"]), ("twice", [LAN, LAN]),
        ("eight", [f"ws://10.0.0.{number}:7400/inx/1" for number in range(8)]),
    ):  # fmt: skip
        link = format_invite(ID, addresses)
        given = {"id": ID.hex(), "addresses": addresses}
        found.append(vector(f"write-{name}", name, "R-URI-2", given, expected={"link": link}))
        expected = {"id": ID.hex(), "addresses": list(dict.fromkeys(addresses))}
        found.append(vector(f"read-{name}", name, "R-URI-2", {"link": link}, expected=expected))

    token = bytes(range(200, 216))
    for name, more in (
        ("token", {"token": token.hex()}),
        ("expires", {"token": token.hex(), "expires": 1_700_000_000_000}),
        ("pin", {"token": token.hex(), "expires": 1_700_000_000_000, "pin": True}),
    ):
        link = format_invite(ID, [LAN], **(more | {"token": token}))  # type: ignore[arg-type]
        given = {"id": ID.hex(), "addresses": [LAN], **more}
        found.append(vector(f"write-{name}", name, "R-URI-6", given, expected={"link": link}))
        found.append(vector(f"read-{name}", name, "R-URI-6", {"link": link}, expected=given))
    told = {"id": ID.hex(), "addresses": [LAN]}
    for name, comment, requirement, parameters, more in (
        (
            "token-capitals",
            "a token in capitals",
            "R-URI-6",
            f"t={token.hex().upper()}&p=0",
            {"token": token.hex()},
        ),
        ("no-token", "expiry and PIN without a token mean nothing", "R-URI-7", "e=1700000000&p=1", {}),
    ):
        link = f"inx:{text}?a={LAN}&{parameters}"
        found.append(vector(f"read-{name}", comment, requirement, {"link": link}, expected=told | more))

    def read(name: str, comment: str, requirement: str, link: str, *addresses: str) -> None:
        expected = {"id": ID.hex(), "addresses": list(addresses)}
        found.append(vector(f"read-{name}", comment, requirement, {"link": link}, expected=expected))

    def refused(name: str, comment: str, requirement: str, link: str, error: str = "bad_uri") -> None:
        outcome: dict[str, Any] = {"error": error}
        found.append(vector(f"refused-{name}", comment, requirement, {"link": link}, **outcome))

    read("capitals", "all in capitals", "R-URI-1", f"INX:{text.upper()}")
    read("scheme", "the scheme in any case", "R-URI-1", f"Inx:{text}?a={LAN}", LAN)
    read("plain", "no escapes", "R-URI-2", f"inx:{text}?a={WEB}", WEB)
    read(
        "escaped",
        "everything escaped",
        "R-URI-2",
        f"inx:{text}?a=" + "".join(f"%{ord(c):02x}" for c in WEB),
        WEB,
    )
    read("question", "an empty query", "R-URI-4", f"inx:{text}?")
    read("ampersands", "empty parameters", "R-URI-4", f"inx:{text}?&&a={LAN}&", LAN)
    read("unknown", "unknown parameters", "R-URI-4", f"inx:{text}?n=Bob&a={LAN}&a2=%zz&A={WEB}&x", LAN)
    pad = f"inx:{text}?x="
    read("length-2048", "the longest", "R-URI-5", pad + "y" * (2_048 - len(pad)))
    refused("length-2049", "a character more", "R-URI-5", pad + "y" * (2_049 - len(pad)))
    refused("empty", "nothing", "R-URI-1", "")
    refused("scheme", "another scheme", "R-URI-1", f"http:{text}")
    refused("no-scheme", "an id alone", "R-URI-1", text)
    refused("address", "a bare address", "R-URI-1", LAN)
    refused("no-id", "no id", "R-URI-1", f"inx:?a={LAN}", "encoding")
    refused("slashes", "slashes before the id", "R-URI-1", f"inx://{text}", "encoding")
    refused("mixed", "mixed case of the id", "R-URI-1", f"inx:{text[:9]}{text[9:].upper()}", "encoding")
    refused(
        "checksum",
        "another last character",
        "R-URI-1",
        "inx:" + text[:-1] + ("q" if text[-1] != "q" else "p"),
        "encoding",
    )
    for name, comment, address in (
        ("http", "an http address", "http://example.org/"),
        ("no-host", "no host", "ws:///inx/1"),
        ("empty-address", "an empty address", ""),
        ("port-0", "port 0", "ws://example.org:0/inx/1"),
        ("port-65536", "port 65536", "ws://example.org:65536/inx/1"),
        ("port-letters", "a port in letters", "ws://example.org:http/"),
        ("user", "a user in it", "ws://user@example.org/"),
        ("percent", "a % with one digit", "ws://example.org/%2"),
        ("percent-letters", "a % with other letters", "ws://example.org/%zz"),
        ("escaped-space", "a space", "ws://example.org/%20x"),
        ("utf8", "bytes that are no UTF-8", "ws://%ff.example"),
        ("fragment", "an escaped fragment", "ws://example.org/%23x"),
        ("address-256", "a longer address", "ws://example.org/" + "x" * 239),
    ):
        refused(name, comment, "R-URI-2", f"inx:{text}?a={address}")
    fits = "ws://example.org/" + "x" * 238
    read("address-255", "the longest address", "R-URI-2", f"inx:{text}?a={fits}", fits)
    for name, comment, parameters in (
        ("token-short", "a token of 15 bytes", f"t={token.hex()[2:]}"),
        ("token-long", "a token of 17 bytes", f"t={token.hex()}00"),
        ("token-letters", "a token of other letters", "t=" + "g" * 32),
        ("token-empty", "an empty token", "t="),
        ("token-twice", "two tokens", f"t={token.hex()}&t={token.hex()}"),
        ("expiry-sign", "an expiry with a sign", f"t={token.hex()}&e=-1"),
        ("expiry-large", "an expiry above MAX_INT ms", f"t={token.hex()}&e=9007199254741"),
        ("expiry-twice", "two expiries", "e=1&e=1"),
        ("pin-2", "a PIN that is neither 0 nor 1", f"t={token.hex()}&p=2"),
        ("pin-number", "a PIN in the link", f"t={token.hex()}&p=123456"),
    ):
        refused(name, comment, "R-URI-6", f"inx:{text}?{parameters}")
    nine = "&".join(f"a=ws://10.0.0.{number}/" for number in range(9))
    refused("nine", "nine addresses", "R-URI-3", f"inx:{text}?{nine}")
    refused("hash", "a fragment", "R-URI-5", f"inx:{text}#x")
    refused("space", "a space", "R-URI-5", f"inx:{text} ")
    refused("line", "a line feed", "R-URI-5", f"inx:{text}\n")
    refused("accent", "a character that is not ASCII", "R-URI-5", f"inx:{text}?x=\u00e9")
    return found
