"""The public routes of one home, served on loopback, and what shoppers send there."""

from __future__ import annotations

import hashlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp

from netnode.api.server import ApiServer
from netnode.mail.letters import Letters
from netnode.shop.boxes import ShopBoxes
from netnode.shop.counter import Counter
from netnode.shop.reviews import ShopReviews
from netnode.shop.routes import CONTENT_TYPE, ShopRoutes
from netnode.shop.short import ShortLinks
from netnode.shop.turnstile import Turnstile
from netnode.shop.witnesses import Witnesses
from netnode.sync.post import Carrier
from netnode.system import SystemEntropy
from protocol import encoding, letters, limits, paths
from protocol.deals.bodies import Accept, Receive
from protocol.deals.message import sign as sign_message
from protocol.letters import Envelope
from protocol.signing import Signer
from protocol.tags import tag
from tests.netnode.fake_services import FakeServices
from tests.netnode.services_home import NETWORK, OpenHome, opened
from tests.protocol.author import Author, seed

TOKEN = "5e" * 32
DAY = 86_400_000
BUYER, OTHER = Signer(seed("buyer")), Signer(seed("other buyer"))
SALT = bytes(range(16))


@dataclass
class FakeOffice:
    """Remembers what it was to carry."""

    forwarded: list[bytes] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)
    carriers: list[Carrier] = field(default_factory=list)

    @property
    def letters(self) -> Any:
        async def forward(data: bytes, carrier: bytes) -> None:
            self.forwarded.append(data)

        return SimpleNamespace(forward=forward)

    @property
    def reception(self) -> Any:
        async def deliver(carrier: Carrier, data: bytes) -> bool:
            self.taken.append(data)
            self.carriers.append(carrier)
            return False

        return SimpleNamespace(deliver=deliver)


@dataclass
class Shop:
    """A served counter and what stands behind it."""

    home: OpenHome
    office: FakeOffice
    boxes: ShopBoxes
    port: int
    session: aiohttp.ClientSession

    async def post(self, name: str, body: Any, **headers: str) -> tuple[int, Any]:
        data = io.BytesIO(body if isinstance(body, bytes) else encoding.encode(body))
        given = {"Content-Type": CONTENT_TYPE, **headers}
        async with self.session.post(f"/shop/1/{name}", data=data, headers=given) as answer:
            read = await answer.read()
            assert answer.headers["Cache-Control"] == "no-store"
            return answer.status, encoding.decode(read, limits.MAX_SHOP_ANSWER)

    async def put(self, letter: bytes) -> bool:
        """Whether a letter that its sender brings in a session is kept in a box."""
        parsed = letters.parse(letter)
        return await self.boxes.keep(parsed, parsed.envelope.sender)

    def signed(self, signer: Signer, *parts: Any, host: bytes | None = None) -> bytes:
        image = encoding.encode([host or self.home.me.id, *parts])
        return signer.sign(tag(NETWORK, "shop") + image)

    def letter_request(self, letter: bytes, signer: Signer = BUYER, **more: Any) -> dict[str, Any]:
        time = more.pop("time", self.home.clock.now)
        signature = self.signed(signer, "letter", time, hashlib.sha256(letter).digest(), **more)
        return {"letter": letter, "signature": signature, "time": time}

    def collect_request(
        self, box: bytes, signer: Signer = BUYER, after: int = 0, **more: Any
    ) -> dict[str, Any]:
        time = more.pop("time", self.home.clock.now)
        signature = self.signed(signer, "collect", time, box, after, **more)
        return {"after": after, "box": box, "signature": signature, "time": time}


@asynccontextmanager
async def served(
    folder: Path, turnstile: Turnstile, asked: int = 0, reviews: bool = True
) -> AsyncIterator[Shop]:
    """A home with its public routes; `asked`: bits of a stamp that letters of shoppers need."""
    async with opened(folder) as home:
        office, boxes = FakeOffice(), ShopBoxes(home.store, home.clock)
        post = Letters(home.store, home.clock, SystemEntropy())
        witnesses = Witnesses(NETWORK, home.store, home.own, home.clock, post)
        counter = Counter(
            NETWORK,
            home.store,
            home.own,
            home.clock,
            office,  # type: ignore[arg-type]
            boxes,
            witnesses,
            ShopReviews(NETWORK, home.store, home.clock, home.services.reviews if reviews else None),
            asked,
        )

        async def known(host: str) -> bool:
            return host.partition(":")[0] in ("127.0.0.1", "shop.example")

        routes = ShopRoutes(counter, home.clock, known, ["https://mine.example"], turnstile=turnstile)
        short = ShortLinks(home.store, home.clock, known, turnstile)
        server = ApiServer(FakeServices(folder), TOKEN, extra_routes=[*routes.routes(), short.route()])
        _, port = await server.start("127.0.0.1", 0)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            yield Shop(home, office, boxes, port, session)
        await server.close()


def letter_to(recipient: bytes, sender: Signer = BUYER, number: int = 0, expires: int | None = None) -> bytes:
    """A letter by its frame; nobody here can open one."""
    until = 1_700_000_000_000 + DAY if expires is None else expires
    envelope = Envelope(sender.public, recipient, bytes(16), seed("letter", number)[:16], until)
    return letters.assemble(envelope, b"\x01sealed" + bytes(64)).data


@dataclass
class Sale:
    """A deal by a path, with what proves it."""

    deal: bytes
    path: bytes
    accept: bytes
    receipts: list[bytes]
    openers: list[Any]

    @property
    def body(self) -> dict[str, Any]:
        return {"accept": self.accept, "openers": self.openers, "path": self.path, "receipts": self.receipts}

    def receipt(self, part: int, number: int) -> bytes:
        """A receipt of a part; those of other numbers are other bytes."""
        return said(self.deal, "buyer", BUYER, Receive(part=part), None, number)


def said(deal: bytes, role: Any, signer: Signer, body: Any, epoch: int | None, number: int) -> bytes:
    """A message of a deal."""
    previous = None if number == 0 else deal
    return sign_message(
        NETWORK, signer, body=body, deal=deal, role=role, number=number, previous=previous, seen=(), time=5,
        epoch=epoch,
    ).data  # fmt: skip


def sale(
    me: Author,
    seller: Author,
    *,
    referrer: Signer | None = None,
    other_path: bool = False,
    epoch: int = 0,
    path: paths.Path | None = None,
    deal: str = "deal",
) -> Sale:
    token = paths.sign_referral(
        NETWORK, referrer or me.signer, referrer=me.id, epoch=epoch, seller=seller.id, expires=2**50
    )
    path = path or paths.path_of(SALT, [token])
    named = paths.path_of(bytes(16), path.tokens) if other_path else path
    accept = Accept(key=BUYER.public, listing=b"l" * 32, path=paths.path_hash(NETWORK, named))
    made = Sale(
        seed(deal),
        path.encode(),
        said(seed(deal), "seller", seller.signer, accept, seller.entries[-1].epoch, 0),
        [],
        [entry.wire() for entry in seller.entries],
    )
    made.receipts.append(made.receipt(0, 1))
    return made
