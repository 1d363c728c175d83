"""Two sessions and whoever sits behind one of them: any message in any phase ends in what SPEC section 9 says.

The model knows of each side its phase, the questions it has open and those open to it, as plain sets; the forms of
messages are judged by the second codec. Link messages are delivered in order, as a link does; in the handshake they
may be damaged, and a side may say anything at all, right or wrong, under its own key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from netnode.conformance.faults import Fault
from netnode.conformance.messages import ANSWERS, TYPES, read_message
from protocol import encoding, limits, messages
from protocol.certificate import certify
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.messages import Role, decode_message
from protocol.session import FEATURE_OF, Identified, LocalIdentity, Phase, Session
from tests.protocol.author import NETWORK, START, Author, seed
from tests.vectors.reading import read

SAMPLES = {
    name: [
        encoding.decode(bytes.fromhex(vector["input"]["bytes"]))[2]
        for vector in read("messages")
        if "error" not in vector and len(vector["input"]["bytes"]) < 4_000
        and encoding.decode(bytes.fromhex(vector["input"]["bytes"]))[0] == number
    ]
    for name, number in TYPES.items()
}  # fmt: skip
QUESTIONS = sorted(name for name in ANSWERS if SAMPLES[name])
NOTICES = ["interest", "have", "push", "twin"]
OTHERS = sorted(name for name in TYPES if SAMPLES[name])
FEATURES = {TYPES["ranges"]: 1, TYPES["query"]: 3, TYPES["ask_peers"]: 5}
FEATURES |= {TYPES[name]: 7 for name in ("join", "ping", "dial_back")} | {TYPES["deliver"]: 9}
SELDOM = st.sampled_from([0, *range(1, 9)])
UNASKED = {TYPES["fork"], TYPES["peers"], TYPES["refuse"]}


@dataclass
class Side:
    """One end: the session, what the model knows of it, and what is on the way to it."""

    name: str
    session: Session
    features: list[int]
    arriving: list[bytes] = field(default_factory=list)
    plain: list[bytes] = field(default_factory=list)
    spoken: list[bytes] = field(default_factory=list)
    open: bool = False
    greeted: bool = False
    closed: bool = False
    asked: dict[int, int] = field(default_factory=dict)
    serving: dict[int, int] = field(default_factory=dict)
    peer_features: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        send = self.session._send

        def recorded(plaintext: bytes) -> None:
            send(plaintext)
            self.spoken.append(plaintext)

        self.session._send = recorded  # type: ignore[method-assign]


class Sessions(RuleBasedStateMachine):
    """A dialler and a listener."""

    @initialize(
        features=st.tuples(*[st.lists(st.sampled_from([1, 3, 5, 7, 9]), max_size=4, unique=True)] * 2),
        requests=st.sampled_from([None, 0, 1, 2, 64]),
        expected=st.sampled_from(["right", "nobody"]),
        opened=st.sampled_from([True, True, True, False]),
    )
    def begin(self, features: Any, requests: int | None, expected: str, opened: bool) -> None:
        self.meet(features, requests, expected, opened)

    @precondition(lambda self: any(side.closed for side in self.sides))
    @rule(
        features=st.tuples(*[st.sets(st.sampled_from([1, 3, 5, 7]))] * 2),
        requests=st.sampled_from([None, 0, 2, 64]),
    )
    def again(self, features: Any, requests: int | None) -> None:
        """Another session takes the place of one that ended."""
        self.meet(features, requests, "right", True)

    def meet(self, features: Any, requests: int | None, expected: str, opened: bool) -> None:
        self.sides = []
        told = {} if requests is None else {"MAX_OPEN_REQUESTS": requests}
        self.may_ask = limits.MAX_OPEN_REQUESTS if requests is None else max(1, requests)
        ids = [Author(name).id for name in "ab"]
        for number, name in enumerate("ab"):
            author, private = Author(name), seed(name, "session")
            certificate = certify(NETWORK, author.signer, public_of(private), START + 86_400_000)
            session = Session(
                NETWORK,
                initiator=number == 0,
                identity=LocalIdentity(author.id, (author.entries[0],), certificate, private),
                hello=messages.Hello(
                    agent="x", clock=START, features=sorted(features[number]), store=seed(name)[:16], versions=[1],
                    limits=told,
                ),
                ephemeral=seed(name, "ephemeral"),
                expected=ids[1] if number == 0 and expected == "right" else None,
            )  # fmt: skip
            self.sides.append(Side(name, session, sorted(features[number])))
        self.sent()
        while opened and any(side.arriving for side in self.sides):
            for side in self.sides:
                if side.arriving:
                    self.one(side)

    def sent(self) -> None:
        """Puts what the sessions want to send on its way."""
        for side, other in (self.sides, self.sides[::-1]):
            out = side.session.outgoing()
            other.arriving += out
            other.plain += [b""] * (len(out) - len(side.spoken)) + side.spoken  # the handshake comes first
            side.spoken.clear()

    def said(self, number: int, plaintext: bytes, now: bool = False) -> None:
        """Sends under the session's key what its node would never say; `now`: it arrives before anything else."""
        side = self.sides[number]
        if side.session._transport is None or side.closed:
            return
        self.sent()
        other = self.sides[1 - number]
        other.arriving.append(side.session._transport.encrypt(plaintext))
        other.plain.append(plaintext)
        while now and other.arriving:
            self.one(other)

    # -- what honest nodes do ----------------------------------------------------------------------------------
    @rule(number=st.integers(0, 1), name=st.sampled_from(QUESTIONS), which=st.integers(0, 9))
    def ask(self, number: int, name: str, which: int) -> None:
        side = self.sides[number]
        body = body_of(name, which)
        try:
            request = side.session.ask(body)
        except LocalProtocolError:
            assert not side.greeted or side.closed or len(side.asked) >= self.may_ask
            return
        assert side.greeted and not side.closed and len(side.asked) < self.may_ask
        assert request not in side.asked
        side.asked[request] = TYPES[name]
        self.sent()

    @rule(number=st.integers(0, 1), which=st.integers(0, 9), refuse=st.booleans(), more=st.booleans())
    def answer(self, number: int, which: int, refuse: bool, more: bool) -> None:
        side = self.sides[number]
        if not side.serving or side.closed:
            return
        request = sorted(side.serving)[which % len(side.serving)]
        name = {TYPES[each]: answer for each, answer in ANSWERS.items()}[side.serving[request]]
        body = messages.Refuse(code="busy", text="") if refuse else body_of(name, which)
        if name == "runs" and not refuse:
            body = messages.Runs(more=more)
        side.session.tell(body, request)
        if not (isinstance(body, messages.Runs) and body.more):
            del side.serving[request]
        self.sent()

    @rule(number=st.integers(0, 1), name=st.sampled_from(NOTICES), which=st.integers(0, 9))
    def tell(self, number: int, name: str, which: int) -> None:
        side = self.sides[number]
        try:
            side.session.tell(body_of(name, which))
        except LocalProtocolError:
            assert not side.greeted or side.closed
            return
        assert side.greeted and not side.closed
        self.sent()

    @rule(number=st.integers(0, 1), request=st.integers(1, 9))
    def answer_nobody(self, number: int, request: int) -> None:
        side = self.sides[number]
        if request not in side.serving:
            try:
                side.session.tell(messages.Refuse(code="busy", text=""), request)
            except LocalProtocolError:
                return
            raise AssertionError("an answer to a question that nobody asked")

    @rule(number=st.integers(0, 1), sure=SELDOM)
    def leave(self, number: int, sure: int) -> None:
        side = self.sides[number]
        if sure:
            return
        side.session.farewell("", "")
        side.closed = True
        self.sent()

    @rule(
        number=st.integers(0, 1), name=st.sampled_from(QUESTIONS), which=st.integers(0, 9), far=st.booleans()
    )
    def ask_freely(self, number: int, name: str, which: int, far: bool) -> None:
        """A question under a number of its own, whatever features are in use and how many are open."""
        side, bodies = self.sides[number], SAMPLES[name]
        open_to = (each for each in self.sides[1 - number].serving if each < limits.MAX_INT)
        request = max(open_to, default=0) + (500 if far else 100)
        if side.greeted:
            side.asked[request] = TYPES[name]
            side.session._asked[request] = body_of(name, which)
            self.said(number, encoding.encode([TYPES[name], request, bodies[which % len(bodies)]]), now=True)

    # -- what hostile ones do ----------------------------------------------------------------------------------
    @rule(
        number=st.integers(0, 1),
        name=st.sampled_from(OTHERS),
        which=st.integers(0, 9),
        request=st.sampled_from([0, 1, 2, 3, 1, 2, 70, limits.MAX_INT]),
    )
    def say_anything(self, number: int, name: str, which: int, request: int) -> None:
        bodies = SAMPLES[name]
        self.said(number, encoding.encode([TYPES[name], request, bodies[which % len(bodies)]]), now=True)

    @rule(
        number=st.integers(0, 1),
        kind=st.sampled_from([1, 5, 11, 50, 51, 1_000, 1_001]),
        request=st.integers(0, 3),
    )
    def say_unknown(self, number: int, kind: int, request: int) -> None:
        self.said(number, encoding.encode([kind, request, {}]), now=True)

    @rule(
        number=st.integers(0, 1),
        data=st.sampled_from([b"", b"\xc0", b"\x93\x02", b"\x93\x02\x01\x90", b"\x93\x02\x01\x80"]),
        sure=SELDOM,
    )
    def say_garbage(self, number: int, data: bytes, sure: int) -> None:
        if sure:
            return
        self.said(number, data)

    @rule(number=st.integers(0, 1), count=st.integers(60, 70), sure=SELDOM)
    def ask_too_much(self, number: int, count: int, sure: int) -> None:
        if sure:
            return
        for request in range(1_000, 1_000 + count):
            self.said(number, encoding.encode([TYPES["heads"], request, {"limit": 1}]))

    @precondition(lambda self: any(side.arriving for side in self.sides))
    @rule(number=st.integers(0, 1), at=st.integers(0, 400), cut=st.booleans(), sure=SELDOM)
    def damage(self, number: int, at: int, cut: bool, sure: int) -> None:
        """A third on the way changes one message: nothing that comes after can be read either."""
        side = self.sides[number]
        if sure or not side.arriving or side.closed:
            return
        data = side.arriving[0]
        at %= max(1, len(data))
        side.arriving[0] = (
            data[:at] if cut else data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :] if data else b"x"
        )
        early = side.session.phase is Phase.AWAIT_1 and not cut  # any 32 bytes are a public key
        try:
            side.session.receive(side.arriving.pop(0), START)
        except RemoteProtocolError as error:
            assert error.code in {
                "handshake",
                "certificate",
                "encoding",
                "bad_message",
                "signature",
                "key",
                "too_large",
            }
            self.ends(side, error)
            return
        assert early, "damage that nobody noticed"
        side.plain.pop(0)
        self.sent()

    # -- delivery ----------------------------------------------------------------------------------------------
    @precondition(lambda self: any(side.arriving for side in self.sides))
    @rule(first=st.integers(0, 1), count=st.sampled_from([1, 2, 5, 100]))
    def deliver(self, first: int, count: int) -> None:
        for side in (self.sides[first], self.sides[1 - first]):
            for _ in range(min(count, len(side.arriving))):
                self.one(side)

    def one(self, side: Side) -> None:
        data, plaintext = side.arriving.pop(0), side.plain.pop(0)
        if side.closed:
            assert side.session.receive(data, START) == [], "a message was taken after the end"
            return None
        other = self.sides[1] if side is self.sides[0] else self.sides[0]
        if not side.open:
            return self.shake(side, other, data)
        expected = self.expected(side, plaintext)
        try:
            events = side.session.receive(data, START)
        except RemoteProtocolError as error:
            allowed = {"encoding", "not_canonical", "too_large"}
            assert error.code == expected or {error.code, expected} <= allowed, (error.code, expected)
            self.ends(side, error)
            return
        kinds = [type(event).__name__ for event in events]
        assert isinstance(expected, tuple) and kinds == list(expected), (kinds, expected)
        self.sent()

    def shake(self, side: Side, other: Side, data: bytes) -> None:
        try:
            events = side.session.receive(data, START)
        except RemoteProtocolError as error:
            self.ends(side, error)
            return
        if events:
            (event,) = events
            assert isinstance(event, Identified) and event.remote.id == Author(other.name).id
            side.open = True
        self.sent()

    def ends(self, side: Side, error: RemoteProtocolError) -> None:
        side.session.farewell(error.code, error.text)
        side.closed = True
        self.sent()

    def expected(self, side: Side, plaintext: bytes) -> str | tuple[str, ...]:
        """The names of the events, or the code; what the model knows changes with it."""
        try:
            message = read_message(plaintext)
        except Fault as fault:
            return fault.code
        kind, request = message.type, message.request
        if message.name is None:
            return ()
        if not side.greeted:
            if message.name == "hello":
                return self.hello(side, message.body)
            if message.name not in ("refuse", "bye"):
                return "unexpected"
        elif message.name == "hello":
            return "unexpected"
        if message.name == "bye":
            side.closed = True
            return ("Arrived",)
        if message.name in ANSWERS:
            return self.question(side, kind, request)
        answers = {TYPES[each] for each in ANSWERS.values()} | {TYPES["refuse"]}
        if request == 0:
            return "answer" if kind in answers - UNASKED else ("Arrived",)
        if request not in side.asked:
            return "answer"
        question = next(name for name, number in TYPES.items() if number == side.asked[request])
        if kind not in (TYPES[ANSWERS[question]], TYPES["refuse"]):
            return "answer"
        if not (message.name == "runs" and message.body.get("more", False)):
            del side.asked[request]
        return ("Arrived",)

    def hello(self, side: Side, body: dict[str, Any]) -> str | tuple[str, ...]:
        if 1 not in body["versions"]:
            return "version"
        if any(bit % 2 == 0 for bit in body.get("features", [])):
            return "feature"
        side.greeted, side.peer_features = True, body.get("features", [])
        told = body.get("limits", {}).get("MAX_OPEN_REQUESTS")
        self.may_ask = limits.MAX_OPEN_REQUESTS if told is None else max(1, told)
        return ("Greeted",)

    def question(self, side: Side, kind: int, request: int) -> str | tuple[str, ...]:
        if request == 0 or request in side.serving:
            return "answer"
        if len(side.serving) >= limits.MAX_OPEN_REQUESTS:
            return ()
        bit = FEATURES.get(kind)
        if bit is not None and (bit not in side.features or (bit != 3 and bit not in side.peer_features)):
            return ()
        side.serving[request] = kind
        return ("Arrived",)

    @invariant()
    def alike(self) -> None:
        for side in getattr(self, "sides", []):
            assert (side.session.phase is Phase.CLOSED) == side.closed
            assert (side.session.greeting is not None) == side.greeted
            assert side.session.questions_open == len(side.asked)


def public_of(private: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def body_of(name: str, which: int) -> Any:
    """A body of this name, as the core reads it."""
    bodies = SAMPLES[name]
    return decode_message(encoding.encode([TYPES[name], 1, bodies[which % len(bodies)]])).body


assert {kind: int(bit) for kind, bit in FEATURE_OF.items()} == FEATURES
assert all(messages.MESSAGES[TYPES[name]].role is Role.QUESTION for name in QUESTIONS)
Sessions.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestSessions = Sessions.TestCase
