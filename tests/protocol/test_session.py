"""Sessions between two state machines, honest and not [R-SES-1..12, R-CERT-1..4]."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from protocol import limits, messages
from protocol.certificate import certify, encode_identity
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.messages import Bye, Get, Have, Heads, Hello, Items, Refuse, Runs, encode_message
from protocol.session import Arrived, Event, Greeted, Identified, LocalIdentity, Phase, Session
from tests.protocol.author import NETWORK, START, Author, seed

NOW = START + 1_000_000
UNTIL = NOW + 86_400_000


def identity(
    author: Author, *, until: int = UNTIL, signer: object = None, key: bytes | None = None
) -> LocalIdentity:
    private = seed(author.name, "session")
    public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    certificate = certify(NETWORK, signer or author.signer, key or public, until)  # type: ignore[arg-type]
    openers = tuple(entry for entry in author.entries if entry.kind in (0, 2))
    return LocalIdentity(author.id, openers, certificate, private)


def hello(**changes: object) -> Hello:
    fields: dict[str, object] = {"agent": "test", "clock": NOW, "store": bytes(16), "versions": [1]}
    return Hello(**(fields | changes))  # type: ignore[arg-type]


class Pair:
    """A dialler and a listener with a wire between."""

    def __init__(self, **options: object) -> None:
        self.a, self.b = Author("a"), Author("b")
        if options.get("rotated"):
            self.b.rotate()
        network_b = str(options.get("network", NETWORK))
        self.dialler = Session(
            NETWORK, initiator=True, identity=identity(self.a),
            hello=options.get("asker") or hello(), ephemeral=seed("ea"),  # type: ignore[arg-type]
            expected=options.get("expected", self.b.id),  # type: ignore[arg-type]
        )  # fmt: skip
        self.listener = Session(
            network_b, initiator=False, identity=options.get("identity") or identity(self.b),  # type: ignore[arg-type]
            hello=options.get("hello") or hello(), ephemeral=seed("eb"),  # type: ignore[arg-type]
        )  # fmt: skip

    def run(self) -> tuple[list[Event], list[Event]]:
        at_dialler: list[Event] = []
        at_listener: list[Event] = []
        while True:
            down, up = self.dialler.outgoing(), self.listener.outgoing()
            if not down and not up:
                return at_dialler, at_listener
            for data in down:
                at_listener += self.listener.receive(data, NOW)
            for data in up:
                at_dialler += self.dialler.receive(data, NOW)


def opened() -> Pair:
    pair = Pair()
    pair.run()
    assert pair.dialler.phase is pair.listener.phase is Phase.OPEN
    return pair


@pytest.mark.parametrize("rotated", [False, True])
def test_both_sides_learn_each_other_and_greet(rotated: bool) -> None:
    pair = Pair(rotated=rotated)
    at_dialler, at_listener = pair.run()
    assert [type(event) for event in at_dialler] == [Identified, Greeted]
    assert [type(event) for event in at_listener] == [Identified, Greeted]
    assert pair.dialler.remote is not None and pair.dialler.remote.id == pair.b.id
    assert pair.listener.remote is not None and pair.listener.remote.id == pair.a.id


def test_a_dialler_does_not_show_itself_to_the_wrong_networker() -> None:
    pair = Pair(expected=seed("another"))
    with pytest.raises(RemoteProtocolError, match="wrong_id"):
        pair.run()
    assert pair.dialler.outgoing() == [] and pair.dialler.phase is Phase.CLOSED
    assert pair.listener.remote is None


def test_another_network_does_not_shake_hands() -> None:
    with pytest.raises(RemoteProtocolError, match="handshake"):
        Pair(network="other").run()


def test_an_expired_a_foreign_and_a_retired_certificate_are_refused() -> None:
    author = Author("b")
    old = author.signer
    bad = [
        identity(author, until=NOW - limits.CLOCK_TOLERANCE_MS - 1),
        identity(author, until=NOW + 91 * 86_400_000),
        identity(author, signer=Author("c").signer),
        identity(author, key=seed("another session key")),
    ]
    author.rotate()
    bad.append(identity(author, signer=old))
    for each in bad:
        with pytest.raises(RemoteProtocolError, match="certificate"):
            Pair(identity=each).run()


def test_an_identity_payload_must_be_whole() -> None:
    author = Author("b")
    author.rotate()
    good = identity(author)
    for openers in ((good.openers[1],), (good.openers[0], good.openers[0])):
        with pytest.raises(RemoteProtocolError, match="opener"):
            Pair(identity=LocalIdentity(good.id, openers, good.certificate, good.session_private)).run()
    assert len(encode_identity(good.openers, good.certificate)) < limits.MAX_NOISE_MESSAGE


def test_no_version_or_an_unknown_mandatory_feature_ends_the_session() -> None:
    with pytest.raises(RemoteProtocolError, match="version"):
        Pair(hello=hello(versions=[2, 3])).run()
    with pytest.raises(RemoteProtocolError, match="feature"):
        Pair(hello=hello(features=[1, 2])).run()
    Pair(hello=hello(features=[1, 3])).run()


def test_questions_and_answers() -> None:
    pair = opened()
    request = pair.dialler.ask(Heads(limit=10))
    _, at_listener = pair.run()
    assert at_listener == [Arrived(Heads(limit=10), request)]
    pair.listener.tell(Items(items=[]), request)
    at_dialler, _ = pair.run()
    assert at_dialler == [Arrived(Items(items=[]), request, Heads(limit=10))]
    with pytest.raises(LocalProtocolError):
        pair.listener.tell(Items(items=[]), request)
    assert pair.dialler.questions_open == 0


def test_runs_may_take_several_messages() -> None:
    pair = opened()
    request = pair.dialler.ask(Get(budget=1000, wants=[(pair.b.id, 0, 5)]))
    pair.run()
    pair.listener.tell(Runs(more=True), request)
    pair.listener.tell(Runs(), request)
    at_dialler, _ = pair.run()
    assert len(at_dialler) == 2 and pair.dialler.questions_open == 0
    pair.listener._send(encode_message(Runs(), request))
    with pytest.raises(RemoteProtocolError, match="answer"):
        pair.run()


def test_an_answer_of_the_wrong_type_breaks_the_session() -> None:
    pair = opened()
    request = pair.dialler.ask(Heads(limit=10))
    pair.run()
    pair.listener._send(encode_message(Runs(), request))
    with pytest.raises(RemoteProtocolError, match="answer"):
        pair.run()


def test_too_many_questions_are_refused_and_the_session_goes_on() -> None:
    pair = opened()
    for _ in range(limits.MAX_OPEN_REQUESTS):
        pair.dialler.ask(Heads(limit=10))
    with pytest.raises(LocalProtocolError, match="too many"):
        pair.dialler.ask(Heads(limit=10))
    pair.dialler._asked[99] = Heads(limit=10)
    pair.dialler._send(encode_message(Heads(limit=10), 99))
    at_dialler, at_listener = pair.run()
    assert len(at_listener) == limits.MAX_OPEN_REQUESTS
    assert isinstance(at_dialler[0], Arrived) and isinstance(at_dialler[0].body, Refuse)
    assert at_dialler[0].body.code == "rate"


@pytest.mark.parametrize(
    ("told", "may_ask", "may_get"),
    [
        ({}, limits.MAX_OPEN_REQUESTS, limits.MAX_GET_BYTES),
        ({"MAX_OPEN_REQUESTS": 3, "MAX_GET_BYTES": 5_000, "MAX_NEWS": 1}, 3, 5_000),
        ({"MAX_GET_BYTES": 0, "MAX_OPEN_REQUESTS": 0}, 1, 1),
        ({"MAX_GET_BYTES": limits.MAX_INT, "MAX_OPEN_REQUESTS": 20}, 20, limits.MAX_GET_BYTES),
    ],
)
def test_limits_of_the_other_side_are_kept_to(told: dict[str, int], may_ask: int, may_get: int) -> None:
    """Those its hello advertises; what the table of `get` bounds stays within the table [R-SES-11]."""
    pair = Pair(hello=hello(limits=told))
    pair.run()
    assert (pair.dialler.may_ask, pair.dialler.may_get) == (may_ask, may_get)
    for _ in range(may_ask):
        pair.dialler.ask(Heads(limit=10))
    with pytest.raises(LocalProtocolError, match="too many"):
        pair.dialler.ask(Heads(limit=10))


TOKEN = bytes(16)
OF_FEATURES = [
    (1, messages.Ranges(last=True)),
    (3, messages.Query(limit=1, text="")),
    (5, messages.AskPeers()),
    (7, messages.Join(token=TOKEN)),
    (7, messages.Ping(clock=0)),
    (7, messages.DialBack(port=80)),
]


@pytest.mark.parametrize(("feature", "question"), OF_FEATURES)
def test_questions_of_a_feature_that_is_not_in_use_are_refused(feature: int, question: messages.Body) -> None:
    """`not_here`, and the session goes on; a search needs the answering side's bit only [R-SES-7] [R-QRY-1]."""
    one_side = feature == 3
    for asker, answerer, heard in (([], [], False), ([feature], [], False), ([], [feature], one_side)):
        pair = Pair(hello=hello(features=answerer), asker=hello(features=asker))
        pair.run()
        request = pair.dialler.ask(question)
        at_dialler, at_listener = pair.run()
        assert at_listener == ([Arrived(question, request)] if heard else [])
        refusals = [event.body for event in at_dialler if isinstance(event, Arrived)]
        assert [body.code for body in refusals if isinstance(body, Refuse)] == ([] if heard else ["not_here"])
        assert pair.dialler.phase is pair.listener.phase is Phase.OPEN
    pair = Pair(hello=hello(features=[feature]), asker=hello(features=[feature]))
    pair.run()
    request = pair.dialler.ask(question)
    assert pair.run()[1] == [Arrived(question, request)]


def test_unknown_messages_odd_ignored_even_refused() -> None:
    pair = opened()
    pair.dialler._send(b"\x93\xcd\x03\xe9\x05\x80")
    assert pair.run() == ([], [])
    pair.dialler._asked[5] = Heads(limit=1)
    pair.dialler._send(b"\x93\xcd\x03\xe8\x05\x80")
    at_dialler, _ = pair.run()
    assert isinstance(at_dialler[0], Arrived) and at_dialler[0].body == Refuse(
        code="unknown_message", text="type 1000 is not known here"
    )


def test_messages_out_of_phase() -> None:
    pair = opened()
    pair.dialler._send(encode_message(hello()))
    with pytest.raises(RemoteProtocolError, match="unexpected"):
        pair.run()
    pair = opened()
    pair.dialler.farewell("", "done")
    _, at_listener = pair.run()
    assert at_listener == [Arrived(Bye(code="", text="done"), 0)]
    with pytest.raises(LocalProtocolError):
        pair.dialler.tell(Have(items=[[1, bytes(32), 0, 0]]))


def test_a_flipped_bit_breaks_the_transport_for_good() -> None:
    pair = opened()
    pair.dialler.ask(Heads(limit=1))
    (data,) = pair.dialler.outgoing()
    with pytest.raises(RemoteProtocolError, match="handshake"):
        pair.listener.receive(data[:-1] + bytes([data[-1] ^ 1]), NOW)


def test_every_message_type_survives_its_encoding_and_has_ordered_fields() -> None:
    for row in messages.MESSAGES.values():
        names = row.body.__struct_encode_fields__
        assert list(names) == sorted(names)
        assert all(answer in messages.MESSAGES for answer in row.answers)


def test_what_arrives_after_the_end_is_dropped() -> None:
    """Of both sides, whatever it is: goodbyes cross each other, and what was sent before [R-SES-12]."""
    pair = opened()
    pair.dialler.ask(Heads(limit=10))
    pair.listener.farewell("", "")
    pair.dialler.farewell("", "")
    at_dialler, at_listener = pair.run()
    assert at_dialler == at_listener == []
    left = opened()
    left.listener.farewell("", "")
    [bye] = left.listener.outgoing()
    assert left.dialler.receive(bye, NOW) == [Arrived(Bye(code="", text=""), 0)]
    assert left.dialler.receive(b"more", NOW) == []
