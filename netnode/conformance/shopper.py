"""A buyer without a node: what it asks of the way in over HTTP, and its box; section 23.2."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from netnode.conformance import hpke
from netnode.conformance.bench import Bench
from netnode.conformance.checking import Skipped, want
from netnode.conformance.encoding import decode, encode
from netnode.conformance.entries import read_entry
from netnode.conformance.faults import Fault
from netnode.conformance.http import Answer, request
from netnode.conformance.letters import open_letter, read_content, read_letter, read_plaintext
from netnode.conformance.limits import MAX_EPOCHS, MAX_LETTER_CONTENT, MAX_PATH, MAX_REFERRAL, MAX_SHOP_ANSWER
from netnode.conformance.messages import BODIES
from netnode.conformance.openers import Openers
from netnode.conformance.shapes import Field, any_bin, array, bin_, bool_, int_, may, must, row, str_, table
from netnode.conformance.signatures import public, sign
from netnode.conformance.tags import sha256, tag

PREFIX: Final = "/shop/1"
TYPE: Final = "application/msgpack"
TOO_MANY: Final = 429
AGAIN: Final = 12
AGAIN_SECONDS: Final = 2.0
ENTRY: Final = array(lambda value: value is None or any_bin(value), 3, 3)
ANSWERS: Final[Mapping[str, Mapping[str, Field]]] = {
    "": {
        "clock": must(int_()),
        "network": must(str_(1, 32)),
        "openers": must(array(ENTRY, 1, MAX_EPOCHS)),
        "version": may(int_(1, 1)),
    },
    "/listing": {
        "clock": must(int_()),
        "found": must(table(BODIES["found"])),
        "path": must(array(bin_(0, MAX_REFERRAL), 0, MAX_PATH)),
        "plan": may(bin_(32)),
    },
    "/letter": {"clock": must(int_())},
    "/collect": {"clock": must(int_()), "letters": must(array(row(int_(), any_bin))), "more": may(bool_)},
    "/review": {"clock": must(int_())},
    "/witness": {"clock": must(int_())},
}
"""The forms of answers, by route."""
REFUSED: Final = {"clock": may(int_()), "code": must(str_(1, 64)), "text": must(str_(0, 10_000))}

Map = dict[str, Any]


class Shopper:
    """Somebody who buys without a node.

    Args:
        bench: of the check.

    Attributes:
        seed: of the key it signs with.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.seed = bench.entropy.token(32)
        self._x25519 = bench.entropy.token(32)

    @property
    def key(self) -> bytes:
        """Its name, which is that of its box."""
        return public(self.seed)

    @property
    def x25519(self) -> bytes:
        """What letters to it are sealed to."""
        return hpke.public(self._x25519)

    def signed(self, *about: object, seed: bytes | None = None) -> bytes:
        """The signature of a request to the node [R-SHOP-3]."""
        image = tag(self._bench.network, "shop") + encode([self._bench.known.id, *about])
        return sign(seed or self.seed, image)

    def leaving(self, letter: bytes, **changes: object) -> Map:
        """The body that leaves a letter."""
        now = self._bench.now()
        signature = self.signed("letter", now, sha256(letter))
        return {"letter": letter, "signature": signature, "time": now, **changes}

    def collecting(self, after: int = 0, **changes: object) -> Map:
        """The body that asks for the letters of the box."""
        now = self._bench.now()
        signature = self.signed("collect", now, self.key, after)
        return {"after": after, "box": self.key, "signature": signature, "time": now, **changes}

    async def leaves(self, letter: bytes) -> None:
        """Leaves a letter, which the node has to take."""
        await told(self._bench, "/letter", self.leaving(letter))

    async def box(self, after: int = 0) -> list[tuple[int, bytes]]:
        """Number and bytes of the letters in the box above a number."""
        found: list[tuple[int, bytes]] = []
        while True:
            answer = await told(self._bench, "/collect", self.collecting(after))
            found += [(number, letter) for number, letter in answer["letters"]]
            if not answer.get("more"):
                break
            want(bool(answer["letters"]), "more is to come behind an empty page")
            after = found[-1][0]
        numbers = [number for number, _ in found]
        want(
            numbers == sorted(set(numbers)), "the letters of a box are not numbered in their order [R-SHOP-8]"
        )
        return found

    def reads(self, data: bytes) -> Map:
        """What a letter to it says [R-LET-5]."""
        letter = read_letter(data)
        want(letter.bound[2] == self.key, "a letter to somebody else is in the box [R-SHOP-8]")
        plaintext = open_letter(self._bench.network, letter, self._x25519)
        read = read_plaintext(self._bench.network, letter.bound, plaintext)
        read_content(read.content)
        content: Map = decode(read.content, MAX_LETTER_CONTENT)
        return content


async def send(
    bench: Bench, route: str, body: Map | bytes | None, headers: dict[str, str] | None = None
) -> Answer:
    """One request to the public routes; a map is encoded. Where the node has had too many, again later [R-SHOP-4]."""
    data = body if isinstance(body, bytes) else b"" if body is None else encode(body)
    given = {"Content-Type": "" if body is None else TYPE, **(headers or {})}
    method = "GET" if body is None else "POST"
    for _ in range(AGAIN):
        answer = await request(bench.target, method, PREFIX + route, data, given)
        if answer.status != TOO_MANY:
            break
        await asyncio.sleep(AGAIN_SECONDS)
    return answer


async def told(bench: Bench, route: str, body: Map | None) -> Map:
    """An answer, of its form; a refusal fails [R-SHOP-1]."""
    answer = await send(bench, route, body)
    want(answer.status == 200, f"{PREFIX}{route} is answered with HTTP {answer.status}: {_said(answer)}")
    want(answer.headers.get("content-type") == TYPE, f"the answer is no {TYPE} [R-SHOP-1]")
    found: Map = decode(answer.body, MAX_SHOP_ANSWER)
    want(table(ANSWERS[route])(found), f"the answer of {PREFIX}{route} has another form [R-SHOP-1]")
    return found


async def refused(bench: Bench, route: str, body: Map | bytes, headers: dict[str, str] | None = None) -> Map:
    """What the node says where it must refuse [R-SHOP-1]."""
    answer = await send(bench, route, body, headers)
    want(answer.status >= 400, f"{PREFIX}{route} takes what it must refuse, with HTTP {answer.status}")
    try:
        found: Map = decode(answer.body, MAX_SHOP_ANSWER)
    except Fault as fault:
        raise Fault("shop", f"a refusal with HTTP {answer.status} is no canonical map") from fault
    want(table(REFUSED)(found), f"a refusal of {PREFIX}{route} has another form [R-SHOP-1]")
    return found


def _said(answer: Answer) -> str:
    try:
        return str(decode(answer.body, MAX_SHOP_ANSWER).get("code"))
    except Fault:
        return "no word"


async def about(bench: Bench) -> Map:
    """What the node says of itself.

    Raises:
        Skipped: it does not serve shoppers.
    """
    if (await send(bench, "", None)).status == 404:
        raise Skipped("the node does not serve shoppers: there is no /shop/1")
    return await told(bench, "", None)


def identity(network: str, entries: list[list[bytes | None]]) -> Openers:
    """Openers that came alone.

    Raises:
        Fault: they do not verify.
    """
    openers = Openers(network)
    for entry in entries:
        openers.admit(read_entry(entry))
    return openers
