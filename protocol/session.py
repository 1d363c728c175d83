"""One session, sans-I/O: link messages in, events out [R-SES-1..12].

    dialler                                        listener
    AWAIT_2  -- noise 1 (empty) -->                AWAIT_1
             <-- noise 2 (identity) --             AWAIT_3
    GREETING -- noise 3 (identity), hello -->      GREETING
             <-- hello --
    OPEN     <-- everything else -->               OPEN
    CLOSED

`PHASES` is the table of what may be received in which phase; SPEC prints it. The session numbers its own questions,
checks that answers fit theirs, and refuses more open questions than it advertised. It reads no clock: `now` comes in.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import msgspec

from protocol import limits, messages
from protocol.certificate import Certificate, RemoteIdentity, encode_identity, read_identity
from protocol.entry import Entry
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.messages import Body, Hello, Received, Refuse, Role, Runs, decode_message, encode_message
from protocol.noise import Handshake, Transport
from protocol.tags import tag

VERSION: Final = 1
KNOWN_FEATURES: Final[frozenset[int]] = frozenset()
"""Even feature bits that are known here; version 1 defines none."""


class Feature(enum.IntEnum):
    """The odd feature bits of version 1: groups of questions that are asked only where both sides name the bit."""

    RANGES = 1  # comparing many items by fingerprints
    QUERY = 3  # search at hubs
    PEERS = 5  # peer exchange
    REACH = 7  # join, ping, dial_back
    LETTERS = 9  # letters: taken, and kept for others


FEATURE_OF: Final[Mapping[int, Feature]] = MappingProxyType(
    {
        messages.RANGES: Feature.RANGES,
        messages.QUERY: Feature.QUERY,
        messages.ASK_PEERS: Feature.PEERS,
        messages.JOIN: Feature.REACH,
        messages.PING: Feature.REACH,
        messages.DIAL_BACK: Feature.REACH,
        messages.DELIVER: Feature.LETTERS,
    }
)
"""The questions that belong to a feature; any other is always answered."""


class Phase(enum.Enum):
    """Where a session stands."""

    __hash__ = object.__hash__  # why: that of enumerations is written in Python, and each message asks

    AWAIT_1 = "await noise 1"
    AWAIT_2 = "await noise 2"
    AWAIT_3 = "await noise 3"
    GREETING = "await hello"
    OPEN = "open"
    CLOSED = "closed"


_ANY_TIME: Final = frozenset({messages.REFUSE, messages.BYE})
PHASES: Final[Mapping[Phase, frozenset[int]]] = MappingProxyType(
    {
        Phase.AWAIT_1: frozenset(),
        Phase.AWAIT_2: frozenset(),
        Phase.AWAIT_3: frozenset(),
        Phase.GREETING: _ANY_TIME | {messages.HELLO},
        Phase.OPEN: frozenset(messages.MESSAGES) - {messages.HELLO},
        Phase.CLOSED: frozenset(),
    }
)


@dataclass(frozen=True, slots=True)
class LocalIdentity:
    """What this side proves in the handshake: its openers (inception, rotations), certificate and session key."""

    id: bytes
    openers: tuple[Entry, ...]
    certificate: Certificate
    session_private: bytes

    def __repr__(self) -> str:
        return f"LocalIdentity({self.id.hex()[:8]})"


class Identified(msgspec.Struct, frozen=True):
    """The handshake is over and the other side's id is proved."""

    remote: RemoteIdentity


class Greeted(msgspec.Struct, frozen=True):
    """The other side's hello came: the session is open."""

    hello: Hello


class Arrived(msgspec.Struct, frozen=True):
    """A message that may be acted on; `question` is the body that it answers, for answers."""

    body: Body
    request: int
    question: Body | None = None


Event = Identified | Greeted | Arrived


class Session:
    """Both ends of the state machine; feed it with `receive`, send what `outgoing` returns.

    Args:
        network: the network's name, part of the prologue.
        initiator: whether this side dialled.
        identity: what this side proves.
        hello: what this side tells of itself once the handshake is over.
        ephemeral: 32 fresh random bytes.
        expected: as dialler, the id of the networker expected at that address; None to learn it.
    """

    def __init__(
        self,
        network: str,
        *,
        initiator: bool,
        identity: LocalIdentity,
        hello: Hello,
        ephemeral: bytes,
        expected: bytes | None = None,
    ) -> None:
        self._network = network
        self._initiator = initiator
        self._identity = identity
        self._hello = hello
        self._expected = expected
        self._handshake = Handshake(initiator, identity.session_private, ephemeral, prologue(network))
        self._transport: Transport | None = None
        self._out: list[bytes] = []
        self._asked: dict[int, Body] = {}
        self._open_in: dict[int, int] = {}
        self._next = 1
        self.phase = Phase.AWAIT_2 if initiator else Phase.AWAIT_1
        self.remote: RemoteIdentity | None = None
        self.greeting: Hello | None = None
        if initiator:
            self._out.append(self._handshake.write(b""))

    def outgoing(self) -> list[bytes]:
        """Link messages to send now, oldest first; each is handed out once."""
        out, self._out = self._out, []
        return out

    @property
    def handshake_hash(self) -> bytes:
        """What both ends of this session, and nobody else, know of it; after the handshake."""
        return self._handshake.hash

    @property
    def questions_open(self) -> int:
        """How many own questions have no full answer yet."""
        return len(self._asked)

    def receive(self, data: bytes, now: int) -> list[Event]:
        """Takes one link message.

        Args:
            data: as it came from the link.
            now: ms UTC; used for the certificate's expiry only.

        Returns:
            What happened, in order; often one event, none for what is ignored or answered here, and for what
            arrives after the end of the session [R-SES-12].

        Raises:
            RemoteProtocolError: the peer broke INX. Send `farewell(error)` and close the link.
        """
        try:
            if self.phase is Phase.OPEN:
                return self._message(data)
            match self.phase:
                case Phase.AWAIT_1:
                    return self._noise_1(data)
                case Phase.AWAIT_2:
                    return self._noise_2(data, now)
                case Phase.AWAIT_3:
                    return self._noise_3(data, now)
                case Phase.CLOSED:
                    return []  # it was on its way when one of the sides said goodbye
                case _:
                    return self._message(data)
        except RemoteProtocolError:
            if self._transport is None:
                self.phase = Phase.CLOSED
            raise

    def ask(self, body: Body) -> int:
        """Queues a question; returns its number.

        Raises:
            LocalProtocolError: the session is not open, the type is no question, or too many are open.
        """
        row = messages.MESSAGES[messages.TYPES[type(body)]]
        if self.phase is not Phase.OPEN or row.role is not Role.QUESTION:
            raise LocalProtocolError(f"cannot ask {row.name} now")
        if len(self._asked) >= self.may_ask:
            raise LocalProtocolError("too many open questions")
        request, self._next = self._next, self._next + 1
        self._send(encode_message(body, request))
        self._asked[request] = body
        return request

    def uses(self, feature: Feature) -> bool:
        """Whether both sides named an odd feature, so that its questions may be asked [R-SES-7]."""
        return (
            self.greeting is not None
            and feature in self.greeting.features
            and feature in self._hello.features
        )

    def _answers(self, question: int) -> bool:
        """Whether the other side may ask this: who searches need not answer searches itself [R-SES-7] [R-QRY-1]."""
        feature = FEATURE_OF.get(question)
        if feature is Feature.QUERY:
            return feature in self._hello.features
        return feature is None or self.uses(feature)

    @property
    def may_ask(self) -> int:
        """How many questions may be open at the other side [R-SES-11]."""
        return self._advertised("MAX_OPEN_REQUESTS", limits.MAX_OPEN_REQUESTS)

    @property
    def may_get(self) -> int:
        """How many bytes of runs one `get` may ask of the other side."""
        return min(self._advertised("MAX_GET_BYTES", limits.MAX_GET_BYTES), limits.MAX_GET_BYTES)

    def _advertised(self, name: str, usual: int) -> int:
        """A limit of the other side: what its hello says, else that of the table."""
        told = self.greeting.limits.get(name) if self.greeting else None
        return usual if told is None else max(1, told)

    def tell(self, body: Body, request: int = 0) -> None:
        """Queues a notice, or the answer to the other side's question `request`.

        Raises:
            LocalProtocolError: the session is not open, or nobody asked that.
        """
        if self.phase is not Phase.OPEN:
            raise LocalProtocolError("the session is not open")
        if request and request not in self._open_in:
            raise LocalProtocolError(f"question {request} is not open")
        self._send(encode_message(body, request))
        if request and not (isinstance(body, Runs) and body.more):
            del self._open_in[request]

    def farewell(self, code: str, text: str) -> None:
        """Queues the last message, where the session is far enough to carry one, and closes."""
        if self._transport is not None and self.phase is not Phase.CLOSED:
            with suppress(RemoteProtocolError):  # after a message that did not decrypt nothing can be said
                self._send(encode_message(messages.Bye(code=code, text=text[:500])))
        self.phase = Phase.CLOSED

    def _send(self, plaintext: bytes) -> None:
        if self._transport is None:
            raise LocalProtocolError("the handshake is not over")
        self._out.append(self._transport.encrypt(plaintext))

    def _noise_1(self, data: bytes) -> list[Event]:
        self._handshake.read(data)
        payload = encode_identity(self._identity.openers, self._identity.certificate)
        self._out.append(self._handshake.write(payload))
        self.phase = Phase.AWAIT_3
        return []

    def _noise_2(self, data: bytes, now: int) -> list[Event]:
        payload = self._handshake.read(data)
        remote = read_identity(self._network, payload, self._handshake.remote_static, now)
        if self._expected is not None and remote.id != self._expected:
            raise RemoteProtocolError("wrong_id", "another networker answers at this address")
        self._out.append(
            self._handshake.write(encode_identity(self._identity.openers, self._identity.certificate))
        )
        return self._identified(remote)

    def _noise_3(self, data: bytes, now: int) -> list[Event]:
        payload = self._handshake.read(data)
        return self._identified(read_identity(self._network, payload, self._handshake.remote_static, now))

    def _identified(self, remote: RemoteIdentity) -> list[Event]:
        self.remote = remote
        self._transport = self._handshake.split()
        self.phase = Phase.GREETING
        self._send(encode_message(self._hello))
        return [Identified(remote)]

    def _message(self, data: bytes) -> list[Event]:
        if self._transport is None:
            raise LocalProtocolError("the handshake is not over")
        received = decode_message(self._transport.decrypt(data))
        if received.body is None:
            if received.type % 2 == 0:
                self._refuse(received.request, "unknown_message", f"type {received.type} is not known here")
            return []
        if received.type not in PHASES[self.phase]:
            name = messages.MESSAGES[received.type].name
            raise RemoteProtocolError("unexpected", f"{name} is not allowed in phase {self.phase.value!r}")
        if isinstance(received.body, Hello):
            return self._greeted(received.body)
        return self._routed(received, received.body)

    def _greeted(self, hello: Hello) -> list[Event]:
        if VERSION not in hello.versions:
            raise RemoteProtocolError("version", f"version {VERSION} is not among {hello.versions}")
        unknown = [bit for bit in hello.features if bit % 2 == 0 and bit not in KNOWN_FEATURES]
        if unknown:
            raise RemoteProtocolError("feature", f"mandatory features {unknown} are not known here")
        self.greeting = hello
        self.phase = Phase.OPEN
        return [Greeted(hello)]

    def _routed(self, received: Received, body: Body) -> list[Event]:
        row, request = messages.MESSAGES[received.type], received.request
        if isinstance(body, messages.Bye):
            self.phase = Phase.CLOSED
            return [Arrived(body, 0)]
        if row.role is Role.QUESTION:
            if request == 0 or request in self._open_in:
                raise RemoteProtocolError("answer", f"{row.name} needs a request number that is not in use")
            if len(self._open_in) >= limits.MAX_OPEN_REQUESTS:
                self._refuse(request, "rate", f"more than {limits.MAX_OPEN_REQUESTS} open questions")
                return []
            if not self._answers(received.type):
                self._refuse(request, "not_here", f"{row.name} belongs to a feature that is not in use here")
                return []
            self._open_in[request] = received.type
            return [Arrived(body, request)]
        if request == 0:
            if row.role is Role.ANSWER and received.type not in messages.UNASKED:
                raise RemoteProtocolError("answer", f"{row.name} answers a question; this one names none")
            return [Arrived(body, 0)]
        question = self._asked.get(request)
        if question is None or received.type not in messages.MESSAGES[messages.TYPES[type(question)]].answers:
            raise RemoteProtocolError("answer", f"{row.name} answers no open question {request}")
        if not (isinstance(body, Runs) and body.more):
            del self._asked[request]
        return [Arrived(body, request, question)]

    def _refuse(self, request: int, code: str, text: str) -> None:
        self._send(encode_message(Refuse(code=code, text=text), request))


def prologue(network: str) -> bytes:
    """What both sides of a handshake must agree on: the tag `noise`, which names protocol version and network."""
    return tag(network, "noise")
