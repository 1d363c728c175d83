"""Somebody of our own who writes letters and reads those that come, and buys: right ones and wrong ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final

from netnode.conformance import hpke
from netnode.conformance.author import Author
from netnode.conformance.bench import Bench
from netnode.conformance.checking import Broken, Skipped, want
from netnode.conformance.encoding import decode, encode
from netnode.conformance.entries import Entry
from netnode.conformance.letters import (
    X25519_SUITE,
    Letter,
    info,
    key_id,
    open_letter,
    read_content,
    read_letter,
    read_plaintext,
    signed,
)
from netnode.conformance.limits import LETTER_ID_BYTES, LETTER_PADDING, MAX_LETTER_CONTENT, SALT_BYTES
from netnode.conformance.messages import Message
from netnode.conformance.peer import Peer
from netnode.conformance.shelf import Reply, Shelf
from netnode.conformance.signatures import public, sign
from netnode.conformance.tags import sha256, tag

FEATURE: Final = 9
KEYS: Final = 8
MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
_LATER: Final = 40 * 24 * HOUR

LINE: Final = {"amount": 100, "quantity": 1, "title": "Conformance test", "unit_price": 100}
"""The goods of our orders, where they are not those of a listing."""

Map = dict[str, Any]
Change = Callable[[list[Any]], object]
"""Changes an array before it is encoded or sealed."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A letter as it goes out."""

    data: bytes
    id: bytes


class Correspondent:
    """A networker with keys for letters, and what came for it.

    Args:
        bench: of the check.
        node: the newest key that the node can be sealed to.

    Attributes:
        node: what letters to the node are sealed to.
        author: who it is.
        log: the inception, and an entry with its keys.
        came: letters to it that were opened, as (letter, content).
    """

    def __init__(self, bench: Bench, node: bytes) -> None:
        self._bench, self.node = bench, node
        self.author: Author = bench.author()
        self._x25519 = bench.entropy.token(32)
        record = encode({"until": bench.now() + _LATER, "x25519": self.key})
        first = self.author.first
        self.log: list[Entry] = [first, self.author.entry(first, kind=KEYS, record=record)]
        self.came: list[tuple[Letter, Map]] = []
        self._seen: set[bytes] = set()
        self.shelf: Shelf = bench.shelf()
        self.shelf.put(self.log)
        self.shelf.answers["deliver"] = self._take
        self.takes = True

    @property
    def id(self) -> bytes:
        """Its networker."""
        return self.author.id

    @property
    def key(self) -> bytes:
        """What letters to it are sealed to."""
        return hpke.public(self._x25519)

    def token(self, sender: bytes) -> bytes:
        """Lets somebody write to it for an hour [R-LET-9]."""
        fields = [sender, self._bench.now() + HOUR, 0]
        message = tag(self._bench.network, "letter token") + encode([self.id, *fields])
        return encode([*fields, sign(self.author.seeds[self.author.first.id], message)])

    def meet(self) -> AbstractAsyncContextManager[Peer]:
        """A session of it with the node."""
        return self._bench.meet(self.author, shelf=self.shelf)

    async def known(self, peer: Peer) -> None:
        """Shows its log to the node, and returns when the node has it: so it can be answered."""
        await peer.push(self.log)
        await peer.holds(self.id, self.shelf.item(self.id))

    # -- writing -----------------------------------------------------------------------------------------------

    async def write(
        self,
        content: Map | bytes,
        *,
        to: bytes | None = None,
        key: bytes | None = None,
        id_: bytes | None = None,
        expires: int | None = None,
        bare: bytes | None = None,
        signer: bytes | None = None,
        epoch: int = 0,
        openers: list[Entry] | None = None,
        plain: Change | None = None,
        seal: Change | None = None,
        token: bytes | None = None,
        stamped: bool = True,
    ) -> Sealed:
        """A letter; with nothing changed a right one to the node.

        Args:
            content: as map, or its bytes.
            to: another recipient than the node.
            key: X25519 key that it is sealed to, in place of the node's.
            id_: 16 bytes.
            expires: ms UTC.
            bare: seed of an Ed25519 key that writes in place of this networker, without a log.
            signer: seed that signs in place of the right one.
            epoch: told of the signing key.
            openers: that go along; by default the inception.
            plain: changes the plaintext's array after it was signed.
            seal: changes the frame's first six members before sealing: what is bound is then not what is sent.
            token: of the recipient.
            stamped: whether it shows a stamp, where the node asks for one.
        """
        bench, network = self._bench, self._bench.network
        own_seed = bare or self.author.seeds[self.author.first.id]
        sender = self.id if bare is None else public(bare)
        target = key or self.node
        name = id_ or bench.entropy.token(LETTER_ID_BYTES)
        until = bench.now() + HOUR if expires is None else expires
        bound = [1, sender, to or bench.known.id, key_id(network, target), name, until]
        said = content if isinstance(content, bytes) else encode(content)
        told = [each.alone() for each in ([self.author.first] if openers is None else openers)]
        signature = sign(signer or own_seed, signed(network, bound, said))
        array: list[Any] = [
            said,
            None if bare else epoch,
            [] if bare and openers is None else told,
            signature,
            b"",
        ]
        array[4] = next(
            zeros
            for zeros in map(bytes, range(LETTER_PADDING))
            if len(encode([*array[:4], zeros])) % LETTER_PADDING == 0
        )
        if plain is not None:
            plain(array)
        inner = list(bound)
        if seal is not None:
            seal(inner)
        sealed = hpke.seal(target, bench.entropy.token(32), info(network, inner), encode(array))
        stamp = await bench.stamp_of(sender) if stamped else None
        return Sealed(encode([*bound, token, stamp, bytes([X25519_SUITE]) + sealed]), name)

    async def give(self, peer: Peer, content: Map | bytes, **changes: Any) -> Sealed:
        """Writes a letter and hands it over; the node has to take it."""
        letter = await self.write(content, **changes)
        answer = await peer.one("deliver", letter=letter.data)
        want(not answer["kept"], "it keeps a letter to itself for somebody else [R-LET-13]")
        return letter

    # -- reading -----------------------------------------------------------------------------------------------

    def _take(self, question: Message) -> list[Reply]:
        letter = read_letter(question.body["letter"])
        if not self.takes:
            return [("refuse", {"code": "busy", "text": "by the conformance test"})]
        if letter.bound[4] not in self._seen:
            self._seen.add(letter.bound[4])
            self._open(letter)
        return [("delivered", {"kept": False})]

    def _open(self, letter: Letter) -> None:
        """Judges a letter of the node as any recipient does [R-LET-5]."""
        want(letter.bound[2] == self.id, "a letter to somebody else [R-LET-15]")
        plaintext = open_letter(self._bench.network, letter, self._x25519)
        read = read_plaintext(self._bench.network, letter.bound, plaintext)
        read_content(read.content)
        self.came.append((letter, decode(read.content, MAX_LETTER_CONTENT)))

    def of(self, type_: str) -> list[Map]:
        """The contents of a type that came."""
        return [content for _, content in self.came if content["type"] == type_]

    async def awaits(self, peer: Peer, type_: str, fits: Callable[[Map], bool] = lambda _: True) -> Map:
        """The first letter of a type that fits; the node has to bring it."""
        what = f"a letter of type {type_} from the node"
        return await peer.until(lambda: next(filter(fits, self.of(type_)), None), what)

    async def refusal(self, peer: Peer, letter: Sealed) -> str:
        """The code with which the node answers a letter it took [R-LET-18]."""
        content = await self.awaits(peer, "refused", lambda each: each["id"] == letter.id)
        return str(content["code"])


# -- the node's keys ---------------------------------------------------------------------------------------------------


async def correspondent(bench: Bench) -> Correspondent:
    """Somebody who can write to the node.

    Raises:
        Skipped: the node takes no letters, or publishes no key for them.
    """
    bench.needs(FEATURE, "letters")
    async with bench.meet(gives=False) as peer:
        log = await peer.log(bench.known.id)
    records = [decode(entry.record, 2048) for entry in log.main if entry.header.kind == KEYS and entry.record]
    if not records:
        raise Skipped("the node publishes no key for letters")
    want(records[-1]["until"] >= bench.now(), "the node's newest keys are over [R-KEYS-2]")
    return Correspondent(bench, records[-1]["x25519"])


# -- buying ------------------------------------------------------------------------------------------------------------


def soon() -> Map:
    """Terms of a deal that is over in hours."""
    names = ("accept_by", "confirm_by", "dispute_until", "fulfil_by", "pay_by", "ruling_by")
    return dict.fromkeys(names, HOUR)


def consent(bench: Bench, arbiter: Correspondent, text: str) -> bytes:
    """An arbiter's word to rule for a hundredth of the price, by these terms [R-ARB-1]."""
    fields = {
        "$": bench.entropy.token(SALT_BYTES),
        "arbiter": arbiter.id,
        "epoch": 0,
        "expires": bench.now() + HOUR,
        "points": 100,
        "terms": sha256(text.encode()),
        "time": bench.now() - 2 * MINUTE,
    }
    seed = arbiter.author.seeds[arbiter.author.first.id]
    return encode({**fields, "signature": sign(seed, tag(bench.network, "consent") + encode(fields))})


class Purchase:
    """A deal that a fresh key of ours begins with the node as the seller.

    Args:
        bench: of the check.
        goods: fields of the goods that are others, or more.
        changes: fields of the order that are others, or more; None: left out.

    Attributes:
        seed: of the buyer's key.
        said: our messages, by their bytes, in order.
    """

    def __init__(self, bench: Bench, goods: Map | None = None, **changes: object) -> None:
        self._bench = bench
        self.seed = bench.entropy.token(32)
        self.time = bench.now() - MINUTE
        salt = bench.entropy.token(SALT_BYTES)
        self.goods = encode({"$": salt, "lines": [LINE], **(goods or {})})
        self.said: list[bytes] = []
        fields = {**self._body(), **changes}
        self.order = self.add("order", {name: each for name, each in fields.items() if each is not None})

    def _body(self) -> Map:
        return {
            "currency": "EUR",
            "enclosed": sha256(self.goods),
            "key": public(self.seed),
            "listing": self._bench.entropy.token(32),
            "parts": [{"price": 100}],
            "seller": self._bench.known.id,
            "terms": soon(),
        }

    @property
    def id(self) -> bytes:
        """Of the deal."""
        return sha256(self.said[0])

    def message(
        self,
        type_: str,
        body: Map,
        *,
        seed: bytes | None = None,
        role: str = "buyer",
        epoch: int | None = None,
        number: int | None = None,
        previous: bytes | None = None,
        seen: Sequence[bytes] = (),
        later: int = 0,
    ) -> bytes:
        """A message of ours that follows what we said, or another where something is given."""
        place = len(self.said) if number is None else number
        before = previous or (sha256(self.said[place - 1]) if place else None)
        deal = None if type_ == "order" and place == 0 else self.id
        frame: list[Any] = [type_, deal, role, place, before, list(seen), self.time + later, epoch, body]
        signature = sign(seed or self.seed, tag(self._bench.network, "deal message") + encode(frame))
        return encode([*frame, signature])

    def add(self, type_: str, body: Map, **changes: Any) -> bytes:
        """The same, and it counts as said."""
        data = self.message(type_, body, **changes)
        self.said.append(data)
        return data

    def letter(self, *messages: bytes, goods: bool = True) -> Map:
        """A letter with messages; with the order go its goods."""
        enclosures = [self.goods] if goods and self.order in messages else []
        return {"type": "deal", "messages": list(messages), "enclosures": enclosures}


async def asked(own: Correspondent, peer: Peer, deal: bytes) -> list[bytes]:
    """All messages that the node says it has of a deal [R-DEAL-32]."""
    nonce = own._bench.entropy.token(LETTER_ID_BYTES)
    letter = await own.give(peer, {"type": "ask", "deal": deal, "nonce": nonce})

    def last() -> Map | str | None:
        for content in own.of("refused"):
            if content["id"] == letter.id:
                return str(content["code"])
        return next((each for each in own.of("deal") if each.get("answers", {}).get("nonce") == nonce), None)

    found = await peer.until(last, "the answer to ask, a letter of type deal with its nonce")
    if isinstance(found, str):
        raise Broken(f"ask of a party to the deal is refused with {found}")
    return [message for content in own.of("deal") for message in content["messages"]]
