"""A client that joins a node as a peer and publishes one listing, with the `protocol` package alone.

    python examples/python/publish_listing.py URI --name NAME --key KEY --title TITLE [--price 12.50 --currency EUR]

URI is an invite (``inx:...``) or an address (``ws://host:port/inx/1``). The client makes a networker of its own, keeps
its log in memory, shakes hands, tells the node that it has a log and answers the node's questions until the node has
fetched it. Everything INX is in `protocol`, which does no I/O; here are only a WebSocket, a clock and randomness.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import sys
import time
from dataclasses import dataclass, field
from decimal import Decimal

import aiohttp
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol import messages
from protocol.certificate import DAY_MS, certify
from protocol.entry import INCEPTION, NO_PREV, Entry, sign_entry
from protocol.errors import ProtocolError
from protocol.identity import id_text, networker_id
from protocol.items import Item, Standing
from protocol.messages import Body, Hello
from protocol.records import Inception, Listing, Price, Profile, encode_record
from protocol.recovery import promise, promised_seed
from protocol.run import run_of
from protocol.session import Arrived, Greeted, LocalIdentity, Session
from protocol.signing import Signer
from protocol.uri import parse_invite

NETWORK = "inx"
PATIENCE_SECONDS = 20


def now_ms() -> int:
    """Milliseconds UTC."""
    return time.time_ns() // 1_000_000


@dataclass
class Networker:
    """A networker in memory: its keys and its log."""

    signer: Signer = field(default_factory=lambda: Signer(secrets.token_bytes(32)))
    entropy: bytes = field(default_factory=lambda: secrets.token_bytes(32))  # what the recovery words encode
    session_private: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    log: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        promised = Signer(promised_seed(NETWORK, self.entropy, 1)).public
        record = encode_record(
            Inception(
                key=self.signer.public, nonce=secrets.token_bytes(16), promise=promise(NETWORK, promised)
            )
        )
        self.id = networker_id(NETWORK, record)
        self.append(INCEPTION, record)

    def append(self, kind: int, record: bytes) -> Entry:
        """Signs the next entry of the log."""
        before = self.log[-1] if self.log else None
        entry = sign_entry(
            NETWORK,
            self.signer,
            author=self.id,
            seq=len(self.log),
            prev=before.id if before else NO_PREV,
            epoch=0,
            term=0,
            time=now_ms(),
            kind=kind,
            record=record,
        )
        self.log.append(entry)
        return entry

    def identity(self) -> LocalIdentity:
        """What this networker proves in a handshake: its inception and a certified session key."""
        public = X25519PrivateKey.from_private_bytes(self.session_private).public_key().public_bytes_raw()
        certificate = certify(NETWORK, self.signer, public, now_ms() + 30 * DAY_MS)
        return LocalIdentity(self.id, (self.log[0],), certificate, self.session_private)

    def item(self) -> list[object]:
        """The head of the log, as nodes compare it."""
        tip = self.log[-1]
        return Item(Standing.HEAD, self.id, 0, 0, tip.seq, tip.id, 0).wire()


class Publisher:
    """One session: answers what the node asks of the one log this client has."""

    def __init__(self, networker: Networker, expected: bytes | None) -> None:
        self.networker = networker
        self.store = secrets.token_bytes(16)
        self.stored = False
        self.session = Session(
            NETWORK,
            initiator=True,
            identity=networker.identity(),
            hello=Hello(agent="publish_listing.py", clock=now_ms(), store=self.store, versions=[1]),
            ephemeral=secrets.token_bytes(32),
            expected=expected,
        )

    async def run(self, address: str) -> None:
        """Connects and stays until the node says that it holds the whole log."""
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(address, max_msg_size=65_535, compress=0) as socket,
        ):
            while not self.stored:
                for data in self.session.outgoing():
                    await socket.send_bytes(data)
                message = await socket.receive()
                if message.type is not aiohttp.WSMsgType.BINARY:
                    raise ConnectionError("the node ended the session")
                for event in self.session.receive(message.data, now_ms()):
                    if isinstance(event, Greeted):
                        # Only our own log is wanted here; the node is told at once that it has changed.
                        self.session.tell(messages.Interest(all=False, ids=[self.networker.id]))
                        self.session.tell(messages.Have(items=[self.networker.item()]))
                    elif isinstance(event, Arrived) and isinstance(
                        event.body, messages.Ids | messages.Refuse
                    ):
                        # The answer to `ask_whether_stored`; it is refused while nothing of the log is stored.
                        ids = event.body.ids if isinstance(event.body, messages.Ids) else []
                        self.stored = ids == [self.networker.log[-1].id]
                        if not self.stored:
                            await asyncio.sleep(0.1)
                            self.ask_whether_stored()
                    elif isinstance(event, Arrived):
                        self.answer(event.body, event.request)
            self.session.farewell("", "published")
            for data in self.session.outgoing():
                await socket.send_bytes(data)

    def answer(self, body: Body, request: int) -> None:
        """Answers one question of the node; notices and answers need none."""
        match body:
            case messages.Heads(after=after):
                items = [self.networker.item()] if after is None else []
                self.session.tell(messages.Items(cursor=self.cursor(), items=items), request)
            case messages.Changes():
                self.session.tell(messages.Items(cursor=self.cursor(), items=[]), request)
            case messages.Get(wants=wants):
                runs = []
                for author, first, last in wants:
                    entries = self.networker.log[first : last + 1]
                    if author == self.networker.id and entries:
                        runs.append(run_of(entries))
                self.session.tell(messages.Runs(runs=runs), request)
                self.ask_whether_stored()
            case messages.Bye(code=code, text=text):
                raise ConnectionError(f"the node said goodbye: {text or code or 'no reason'}")
            case _ if request:
                self.session.tell(
                    messages.Refuse(code="not_here", text="this client has one small log"), request
                )

    def ask_whether_stored(self) -> None:
        """What was sent is not yet what is stored: the node is asked for the id of the newest entry."""
        tip = self.networker.log[-1]
        self.session.ask(messages.AskIds(author=self.networker.id, epoch=0, seqs=[tip.seq], term=0))

    def cursor(self) -> list[object]:
        """This client has one store, in which nothing changes any more."""
        return [self.store, 1, bytes(8)]


def listing_record(arguments: argparse.Namespace) -> bytes:
    """The listing from the command line, as a canonical record."""
    price = None
    if arguments.price is not None:
        price = Price(amount=int(Decimal(arguments.price) * 100), currency=arguments.currency)
    fields = {"price": price} if price is not None else {}
    return encode_record(
        Listing(
            salt=secrets.token_bytes(16),
            key=arguments.key,
            kind=arguments.kind,
            title=arguments.title,
            **fields,
        )
    )


def main() -> int:
    """Reads the command line, publishes, prints one JSON line {id, ref, entry}."""
    parser = argparse.ArgumentParser(description="Join an INX node as a peer and publish one listing.")
    parser.add_argument("uri", help="inx: invite, or ws:// address, of the node")
    parser.add_argument("--name", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--title", required=True)
    parser.add_argument("--kind", default="product")
    parser.add_argument("--price", help="in a currency with two decimals, such as 12.50")
    parser.add_argument("--currency", default="EUR")
    parser.add_argument("--patience", type=float, default=PATIENCE_SECONDS, help="seconds until it gives up")
    arguments = parser.parse_args()

    networker = Networker()
    networker.append(Profile.KIND, encode_record(Profile(salt=secrets.token_bytes(16), name=arguments.name)))
    entry = networker.append(Listing.KIND, listing_record(arguments))
    try:
        if arguments.uri.startswith("inx:"):
            invite = parse_invite(arguments.uri)
            expected, address = invite.id, invite.addresses[0]
        else:
            expected, address = None, arguments.uri
        asyncio.run(asyncio.wait_for(Publisher(networker, expected).run(address), arguments.patience))
    except (ProtocolError, OSError, TimeoutError, aiohttp.ClientError, IndexError) as error:
        print(f"not published: {error or type(error).__name__}", file=sys.stderr)
        return 1
    text = id_text(networker.id)
    print(json.dumps({"id": text, "ref": f"{text}/{arguments.key}", "entry": entry.id.hex()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
