"""The codec of `netnode.conformance` in sessions with a real node, in a process of its own, on loopback."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from netnode.conformance.author import Author
from netnode.conformance.bech32 import read_id
from netnode.conformance.blobs import check_chunk
from netnode.conformance.encoding import encode
from netnode.conformance.entries import Entry, Header, write_entry
from netnode.conformance.links import read_link
from netnode.conformance.log import Log
from netnode.conformance.messages import ANSWERS, TYPES, Message, write_message
from netnode.conformance.openers import Openers
from netnode.conformance.records import read_record
from netnode.conformance.runs import chains, read_run, write_run
from netnode.conformance.seen import check_statement
from netnode.conformance.session import Networker, Session
from netnode.conformance.tags import sha256
from netnode.system import SystemEntropy
from netnode.testing import Mesh, Node
from tests.netnode.mesh import until
from tests.processes.test_copies import settled_in

NETWORK: Final = "inx"
ANSWER_SECONDS: Final = 30.0
LISTINGS: Final = 70  # with inception and profile the log passes an anchor
CLOSING: Final = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED)


def now() -> int:
    return time.time_ns() // 1_000_000


class Peer:
    """A small node over this codec: it serves the log of its networker and asks what a test asks."""

    def __init__(self, link: ClientWebSocketResponse, log: Log, session: Session) -> None:
        self.link, self.log, self.session = link, log, session
        self.store = os.urandom(16)
        self.notices: list[Message] = []

    @property
    def hello(self) -> dict[str, Any]:
        return {
            "agent": "conformance",
            "clock": now(),
            "features": [1],
            "kinds": None,
            "limits": {"MAX_OPEN_REQUESTS": 8, "UNKNOWN": 1},
            "stamp": None,
            "stamp_asked": 0,
            "store": self.store,
            "versions": [1, 7],
        }

    async def receive(self) -> bytes:
        async with asyncio.timeout(ANSWER_SECONDS):
            frame = await self.link.receive()
        assert frame.type is WSMsgType.BINARY, frame
        return bytes(frame.data)

    async def tell(self, name: str, request: int = 0, /, **body: object) -> None:
        await self.link.send_bytes(self.session.tell(name, request, **body))

    async def read(self) -> Message:
        """The next message; questions are answered as they come."""
        message = self.session.read(await self.receive())
        if message.name in ANSWERS:
            await self.answer(message)
        else:
            self.notices.append(message)
        return message

    async def notice(self, name: str) -> Message:
        """The next notice of this name, also one that came before."""
        while True:
            for message in self.notices:
                if message.name == name:
                    self.notices.remove(message)
                    return message
            await self.read()

    async def ask(self, name: str, /, **body: object) -> list[Message]:
        """All messages of the answer to a question."""
        number, sealed = self.session.ask(name, **body)
        await self.link.send_bytes(sealed)
        answers: list[Message] = []
        while not answers or (answers[-1].name == "runs" and answers[-1].body.get("more")):
            message = await self.read()
            if message.request == number and message.name in (ANSWERS[name], "refuse"):
                answers.append(message)
        return answers

    async def refused(self, name: str, /, **body: object) -> str:
        """The code a question is refused with."""
        [answer] = await self.ask(name, **body)
        assert answer.name == "refuse", answer
        return str(answer.body["code"])

    async def answer(self, question: Message) -> None:
        """What a node that holds its own log only answers."""
        body, entries = question.body, self.log.main
        tell = question.request
        if question.name == "heads":
            cursor = [self.store, 1, bytes(8)]
            items = [] if body.get("after") else [self.log.item()]
            await self.tell("items", tell, items=items, cursor=cursor, more=False)
        elif question.name == "changes":
            await self.tell("refuse", tell, code="cursor", text="not known here")
        elif question.name == "openers":
            await self.tell("runs", tell, runs=[write_run(entries[:1])], more=False)
        elif question.name == "get":
            wanted = [entry for entry in entries if body["wants"][0][1] <= entry.seq <= body["wants"][0][2]]
            await self.tell("runs", tell, runs=[write_run(wanted)] if wanted else [], more=False)
        else:
            await self.tell("refuse", tell, code="not_here", text="not held here")


def networker() -> Networker:
    return Author(NETWORK, SystemEntropy(), now()).networker


def log_of(own: Networker, names: list[str]) -> Log:
    """A log of the inception and one profile for each name."""
    log = Log(NETWORK)
    log.receive([own.inception])
    for name in names:
        tip = log.main[-1]
        record = encode({"$": os.urandom(16), "name": name})
        header = Header(1, own.id, tip.seq + 1, tip.id, 0, 0, now(), 1, sha256(record), len(record))
        verdict = log.receive([write_entry(NETWORK, own.seed, header, record)])
        assert verdict.kept == 1 and verdict.fault is None
    return log


@asynccontextmanager
async def dialled(
    node: Node, own: Networker | None = None, *, greet: bool = True, kind: type[Peer] | None = None
) -> AsyncIterator[Peer]:
    """A session with the node, as the dialler that expects it; `greet`: with hello and the interest all."""
    own = own or networker()
    link_to = read_link(node.invite())
    expected, address = link_to.networker, link_to.addresses[0]
    assert expected == read_id(node.id)
    async with ClientSession() as http, http.ws_connect(address, max_msg_size=65_535, compress=0) as link:
        static, ephemeral = os.urandom(32), os.urandom(32)
        session = Session(own, dialler=True, static=static, ephemeral=ephemeral, now=now())
        peer = (kind or Peer)(link, log_of(own, ["Conny"]), session)
        await link.send_bytes(session.hello_of_noise())
        session.meet(await peer.receive(), expected)
        await link.send_bytes(session.show())
        if greet:
            await peer.tell("hello", **peer.hello)
            hello = await peer.notice("hello")
            assert 1 in hello.body["versions"]
            await peer.tell("interest", all=True, ids=[], more=False)
        yield peer


async def items_of(peer: Peer) -> dict[bytes, list[Any]]:
    """All heads, page by page, as R-MSG-9 orders them."""
    found: dict[bytes, list[Any]] = {}
    after = None
    while True:
        [page] = await peer.ask("heads", after=after, limit=400)
        authors = [item[1] for item in page.body["items"]]
        assert authors == sorted(set(authors)) and all(after is None or author > after for author in authors)
        found |= {item[1]: item for item in page.body["items"]}
        if not page.body.get("more"):
            return found
        after = authors[-1]


async def runs_of(peer: Peer, wants: list[list[Any]], budget: int = 1 << 20) -> list[list[Entry]]:
    """The runs of the answers, asked for again as long as some are left."""
    runs: list[list[Entry]] = []
    while wants:
        answers = await peer.ask("get", wants=wants, budget=budget)
        assert all(answer.name == "runs" for answer in answers), answers
        got = [run for answer in answers for run in answer.body.get("runs", [])]
        assert sum(len(encode(run)) for run in got) <= budget or len(got) == 1
        runs += map(read_run, got)
        wants = [want for answer in answers for want in answer.body.get("left", [])]
        assert got or not wants
    return runs


async def log_at(peer: Peer, item: list[Any]) -> Log:
    """The log of a head, fetched and judged."""
    log = Log(NETWORK)
    for chain in chains(await runs_of(peer, [[item[1], item[6], item[4]]])):
        verdict = log.receive(chain)
        assert verdict.fault is None, verdict
    return log


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    with Mesh(tmp_path_factory.mktemp("market")) as made:
        yield made


@pytest.fixture(scope="module")
def node(market: Mesh) -> Node:
    """A node whose log holds a profile and many listings."""
    ada = market.start("ada")
    for number in range(LISTINGS):
        ada.add(f"mug-{number}", f"Mug {number}", price={"amount": "12.50", "currency": "EUR"})
    return settled_in(ada)


async def test_its_log_is_what_it_says(node: Node) -> None:
    """R-SES-1, R-CERT-3, R-SES-4, R-MSG-9, R-SYNC-8, R-RUN-2, R-LOG-7, R-LOG-17."""
    async with dialled(node) as peer:
        id_ = read_id(node.id)
        item = (await items_of(peer))[id_]
        log = await log_at(peer, item)
        assert log.item() == item
        assert len(log.main) >= LISTINGS + 2
        kinds = [entry.header.kind for entry in log.main]
        assert kinds[0] == 0 and kinds.count(1) == 1 and kinds.count(3) == LISTINGS
        for entry in log.main:
            assert entry.record is not None
            record = read_record(entry.header.kind, entry.record)
            if entry.header.kind == 3:
                assert record["price"] == {"amount": 1250, "currency": "EUR"}


async def test_its_answers_agree_with_each_other(node: Node) -> None:
    """R-MSG-10 to R-MSG-14, R-SEEN-2, R-SYNC-8, R-SYNC-9."""
    async with dialled(node) as peer:
        id_ = read_id(node.id)
        item = (await items_of(peer))[id_]
        log = await log_at(peer, item)
        answers = await peer.ask("openers", authors=[id_, bytes(32)])
        [run] = [run for answer in answers for run in answer.body.get("runs", [])]
        openers = Openers(NETWORK)
        [opener] = read_run(run)
        openers.admit(opener)
        assert opener == log.main[0]

        seqs = [0, 63, 64, item[4], item[4] + 1]
        [answer] = await peer.ask("ask_ids", author=id_, epoch=0, term=0, seqs=seqs)
        assert answer.body["ids"] == [*(log.main[seq].id for seq in seqs[:-1]), None]

        small = await runs_of(peer, [[id_, 0, item[4]]], budget=1_500)
        assert [entry for run in small for entry in run] == log.main and len(small) > 5
        for run in small:
            assert openers.signs(run[-1])  # R-SYNC-10
        descending = await runs_of(peer, [[id_, item[4], 0]], budget=1_500)
        assert sorted((entry for run in descending for entry in run), key=lambda entry: entry.seq) == log.main
        assert descending[0][-1] == log.main[-1]

        wanted = [log.main[5], log.main[1]]
        entries = [[id_, entry.seq, entry.id] for entry in wanted] + [[id_, 5, bytes(32)]]
        [answer] = await peer.ask("want", entries=entries)
        assert answer.body["records"] == [[place, entry.record] for place, entry in enumerate(wanted)]
        assert answer.body.get("none") == [2] and answer.body.get("gone", []) == []

        [answer] = await peer.ask("see", author=id_, seq=7)
        statement = answer.body["statement"]
        check_statement(NETWORK, statement, openers.keys(0)[0])
        assert statement["id"] == log.main[7].id and statement["witness"] == id_

        assert await peer.refused("see", author=id_, seq=item[4] + 1) == "not_here"
        assert await peer.refused("proof", author=id_, epoch=0, term=0) == "not_here"
        assert await peer.refused("ask_ids", author=bytes(32), epoch=0, term=0, seqs=[0]) == "not_here"
        assert await peer.refused("changes", cursor=[bytes(16), 1, bytes(8)], limit=1) == "cursor"
        [answer] = await peer.ask("fetch", hash=bytes(32), chunk=0)
        assert answer.body.get("data") is None


async def test_its_blobs_come_whole(node: Node, tmp_path: Path) -> None:
    """R-BLOB-2, R-BLOB-3, R-BLOB-4."""
    data = os.urandom(70_000)
    path = tmp_path / "blob"
    path.write_bytes(data)
    name = bytes.fromhex(node.ask("blob", "add", path)["hash"])
    async with dialled(node) as peer:
        [first] = [answer.body for answer in await peer.ask("fetch", hash=name, chunk=0)]
        chunks = []
        for number in range(3):
            [answer] = await peer.ask("fetch", hash=name, chunk=number)
            assert answer.body["size"] == len(data)
            check_chunk(name, len(data), first["manifest"], number, answer.body["data"])
            chunks.append(answer.body["data"])
        assert b"".join(chunks) == data


async def test_what_it_publishes_is_pushed(node: Node) -> None:
    """R-SYNC-4, R-SYNC-13, R-MSG-7, R-MSG-8."""
    async with dialled(node) as peer:
        id_ = read_id(node.id)
        [page] = await peer.ask("heads", after=None, limit=400)
        log = await log_at(peer, {item[1]: item for item in page.body["items"]}[id_])
        before = log.main[-1].seq
        await asyncio.to_thread(node.add, "late", "Published late")
        while log.main[-1].seq == before:
            message = await peer.read()
            if message.name == "push":
                for run in message.body["runs"]:
                    if run[0] == id_:
                        assert log.receive(read_run(run)).fault is None
            elif message.name == "have":
                [item] = [item for item in message.body["items"] if item[1] == id_]
                log = await log_at(peer, item)
        assert read_record(3, log.main[-1].record or b"")["key"] == "late"
        [page] = await peer.ask("changes", cursor=page.body["cursor"], limit=400)
        assert log.item() in page.body["items"]


async def test_it_takes_our_log(node: Node) -> None:
    """R-SYNC-3, R-SYNC-6, R-LOG-5, R-LOG-10: it asks, verifies, stores, and swears to it; after that it serves it."""
    own = networker()
    async with dialled(node, own) as peer:

        async def taken() -> (
            bool
        ):  # asked for, not waited for: a node that has it all has nothing more to say
            return (await items_of(peer)).get(own.id) == peer.log.item()

        await until(taken, "our log is there")
        [answer] = await peer.ask("see", author=own.id, seq=1)
        assert answer.body["statement"]["id"] == peer.log.main[1].id
    async with dialled(node) as other:
        log = await log_at(other, (await items_of(other))[own.id])
        assert log.main == peer.log.main


async def left(peer: Peer) -> tuple[str | None, int | None]:
    """The code of `bye`, and that of the WebSocket's close, with which the node leaves."""
    said = None
    while True:
        async with asyncio.timeout(ANSWER_SECONDS):
            frame = await peer.link.receive()
        if frame.type in CLOSING:
            return said, peer.link.close_code
        assert frame.type is WSMsgType.BINARY, frame
        message = peer.session.read(bytes(frame.data))
        if message.name == "bye":
            said = str(message.body["code"])


ITEM: Final = [0, bytes(32), 0, 0, 5, bytes(32), 0]


@pytest.mark.parametrize(
    ("plaintext", "code"),
    [
        (b"", "encoding"),
        (b"\xc1", "encoding"),
        (b"\xcb" + bytes(8), "encoding"),
        (encode([TYPES["twin"], 0, {}]) + b"\x00", "encoding"),
        (b"\x93\xcc\x1d\x00\x80", "not_canonical"),
        (b"\x93\x1d\x00\x82\xa1b\x00\xa1a\x00", "not_canonical"),
        (b"\x91" * 17 + b"\x90", "too_large"),
        (b"\xdd\xff\xff\xff\xff", "encoding too_large"),
        (b"\xdc\x27\x10" + b"\xc0" * 10_000, "too_large"),
        (encode([TYPES["twin"], 0]), "bad_message"),
        (encode([TYPES["twin"], 0, {}, {}]), "bad_message"),
        (encode([TYPES["twin"], True, {}]), "bad_message"),
        (encode([TYPES["heads"], 1, {}]), "bad_message"),
        (encode([TYPES["heads"], 1, {"limit": 401}]), "bad_message"),
        (encode([TYPES["heads"], 1, {"limit": True}]), "bad_message"),
        (encode([TYPES["get"], 1, {"budget": 0, "wants": [[bytes(32), 0, 1]]}]), "bad_message"),
        (encode([TYPES["changes"], 1, {"limit": 1, "cursor": [bytes(16), 1]}]), "bad_message"),
        (encode([TYPES["have"], 0, {"items": []}]), "bad_message"),
        (encode([TYPES["have"], 0, {"items": [[*ITEM[:6], 6]]}]), "bad_message"),
        (encode([TYPES["push"], 0, {"runs": [[bytes(32), 0, 0, 0, bytes(32), []]]}]), "bad_message"),
        (
            encode(
                [TYPES["push"], 0, {"runs": [[bytes(32), 0, 0, 0, bytes(32), [[0, 0, bytes(63), b""]]]]}]
            ),
            "header",
        ),
        (
            encode(
                [
                    TYPES["push"],
                    0,
                    {"runs": [[bytes(32), 0, 0, 0, bytes(32), [[0, 2, bytes(64), [bytes(32), 1]]]]]},
                ]
            ),
            "record_missing",
        ),
        (encode([TYPES["hello"], 0, {"agent": ""}]), "bad_message"),
        (
            encode([
                TYPES["hello"],
                0,
                {"agent": "", "clock": 0, "store": bytes(16), "versions": [1]},
            ]),
            "unexpected",
        ),
        (write_message("heads", 0, limit=1), "answer"),
        (write_message("ids", 77, ids=[]), "answer"),
        (write_message("items", 0, items=[]), "answer"),
    ],
)  # fmt: skip
async def test_a_fault_ends_the_session(node: Node, plaintext: bytes, code: str) -> None:
    """R-SES-12, R-MSG-3: bye with the code, then the close code 1002."""
    async with dialled(node) as peer:
        await peer.notice("interest")
        await peer.link.send_bytes(peer.session.seal(plaintext))
        said, closed = await left(peer)
        assert said in code.split()
        assert closed == 1002


async def test_what_is_not_known_ends_nothing(node: Node) -> None:
    """R-MSG-2, R-SES-9, R-MSG-4."""
    async with dialled(node) as peer:
        await peer.link.send_bytes(peer.session.seal(encode([1_001, 0, {"any": None}])))
        await peer.link.send_bytes(peer.session.seal(encode([1_000, 55, {}])))
        peer.session.expect(55, "heads")
        refusal = await peer.notice("refuse")
        assert (refusal.request, refusal.body["code"]) == (55, "unknown_message")
        await peer.tell("refuse", 0, code="made_up", text="?")
        assert await peer.ask("heads", after=None, limit=1, more=[{"unknown": 1}])


@pytest.mark.parametrize(
    ("change", "code"), [({"versions": [2]}, "version"), ({"features": [1, 4]}, "feature")]
)
async def test_a_hello_it_cannot_speak_to(node: Node, change: dict[str, Any], code: str) -> None:
    """R-SES-6, R-SES-7."""
    async with dialled(node, greet=False) as peer:
        await peer.tell("hello", **{**peer.hello, **change})
        said, closed = await left(peer)
        assert (said, closed) == (code, 1002)


async def test_questions_of_a_feature_it_did_not_name(node: Node) -> None:
    """R-SES-7: refused, and the session goes on."""
    async with dialled(node) as peer:  # its hello names feature 1 only
        await peer.notice("interest")
        assert await peer.refused("ask_peers") == "not_here"
        assert await peer.refused("join", token=bytes(16)) == "not_here"
        assert await peer.refused("ping", clock=0) == "not_here"
        assert await peer.refused("dial_back", port=80) == "not_here"
        [page] = await peer.ask("heads", limit=1)
        assert page.name == "items"
    async with dialled(node, greet=False) as peer:
        await peer.tell("hello", **{**peer.hello, "features": []})
        await peer.notice("interest")
        assert await peer.refused("ranges", last=True) == "not_here"


async def test_a_message_before_hello(node: Node) -> None:
    """R-SES-4, R-SES-5."""
    async with dialled(node, greet=False) as peer:
        await peer.tell("interest", all=True, ids=[], more=False)
        said, closed = await left(peer)
        assert (said, closed) == ("unexpected", 1002)


async def test_bytes_that_do_not_decrypt(node: Node) -> None:
    """R-NOISE-5: nothing more is said."""
    async with dialled(node) as peer:
        await peer.notice("interest")
        await peer.link.send_bytes(bytes(40))
        said, closed = await left(peer)
        assert said in (None, "handshake")
        assert closed == 1002


async def test_frames_that_are_none_of_inx(node: Node) -> None:
    """R-LINK-2."""
    async with dialled(node) as peer:
        await peer.link.send_str("hello")
        assert (await left(peer))[1] == 1003
    async with dialled(node) as peer:
        await peer.link.send_bytes(bytes(65_536))
        assert (await left(peer))[1] == 1009


@pytest.mark.parametrize("first", [b"", bytes(31), bytes(32), b"x" * 65_535])
async def test_a_handshake_that_is_none(node: Node, first: bytes) -> None:
    """R-NOISE-3, R-NOISE-6: closed without an answer."""
    address = read_link(node.invite()).addresses[0]
    async with ClientSession() as http, http.ws_connect(address) as link:
        await link.send_bytes(first)
        async with asyncio.timeout(ANSWER_SECONDS):
            frame = await link.receive()
            if frame.type is WSMsgType.BINARY:  # message 1 may be 32 bytes of any kind, and a payload
                await link.send_bytes(bytes(64))
                frame = await link.receive()
        assert frame.type in CLOSING and link.close_code == 1002


async def test_another_network_hears_nothing(node: Node) -> None:
    """R-TAG-1, R-SES-1: message 2 does not decrypt under another prologue."""
    address = read_link(node.invite()).addresses[0]
    own = Author("other", SystemEntropy(), now()).networker
    async with ClientSession() as http, http.ws_connect(address) as link:
        session = Session(own, dialler=True, static=os.urandom(32), ephemeral=os.urandom(32), now=now())
        await link.send_bytes(session.hello_of_noise())
        with pytest.raises(Exception, match="handshake"):
            session.meet((await link.receive()).data)
