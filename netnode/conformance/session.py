"""One side of a session: handshake, hello, and sealed messages, without a link; section 9."""

from __future__ import annotations

from dataclasses import dataclass

from netnode.conformance.entries import Entry
from netnode.conformance.faults import demand
from netnode.conformance.identity import Identity, read_identity, write_identity
from netnode.conformance.limits import MILLISECONDS_PER_DAY
from netnode.conformance.messages import ANSWERS, NAMES, Message, read_message, write_message
from netnode.conformance.noise import Handshake, public
from netnode.conformance.tags import tag


@dataclass(frozen=True, slots=True)
class Networker:
    """A networker of our own: its signing seed and the inception of its log."""

    network: str
    seed: bytes
    inception: Entry

    @property
    def id(self) -> bytes:
        """Networker id."""
        return self.inception.header.author


class Session:
    """A dialler's or listener's side of one session; bytes in, bytes out.

    Attributes:
        peer: who the other side is, once its payload was checked.
    """

    def __init__(
        self, networker: Networker, *, dialler: bool, static: bytes, ephemeral: bytes, now: int
    ) -> None:
        prologue = tag(networker.network, "noise")  # [R-SES-1]
        self._noise = Handshake(initiator=dialler, prologue=prologue, static=static, ephemeral=ephemeral)
        self._networker, self._static, self._now = networker, static, now
        self._next = 1
        self._open: dict[int, str] = {}
        self.peer: Identity | None = None

    # -- handshake ---------------------------------------------------------------------------------------------

    def hello_of_noise(self, payload: bytes = b"") -> bytes:
        """Message 1; its payload is empty, unless a check wants to see it ignored. [R-SES-2]."""
        return self._noise.write(payload)

    @property
    def static(self) -> bytes:
        """The private session key."""
        return self._static

    def show(self, payload: bytes | None = None) -> bytes:
        """Message 2 or 3: who we are [R-SES-2]; `payload` says it otherwise than a right one."""
        if payload is not None:
            return self._noise.write(payload)
        until = self._now + MILLISECONDS_PER_DAY
        openers = [self._networker.inception]
        key = public(self._static)
        return self._noise.write(
            write_identity(self._networker.network, self._networker.seed, key, until, openers)
        )

    def meet(self, message: bytes, expected: bytes | None = None) -> None:
        """Reads message 2 or 3.

        Raises:
            Fault: `handshake`, the codes of R-CERT-3, or `wrong_id`. [R-SES-3]
        """
        payload = self._noise.read(message)
        peer = read_identity(self._networker.network, payload, self._noise.remote or b"", self._now)
        demand(expected in (None, peer.id), "wrong_id", "another networker answers")
        self.peer = peer

    # -- messages ----------------------------------------------------------------------------------------------

    def tell(self, name: str, request: int = 0, /, **body: object) -> bytes:
        """A notice, or the answer to the question of this number, sealed. [R-MSG-1]."""
        return self._noise.write(write_message(name, request, **body))

    def ask(self, name: str, /, **body: object) -> tuple[int, bytes]:
        """A question, numbered and sealed. [R-SES-8]."""
        request, self._next = self._next, self._next + 1
        self._open[request] = name
        return request, self.tell(name, request, **body)

    def seal(self, plaintext: bytes) -> bytes:
        """Any bytes as the next transport message; to say what a node must refuse."""
        return self._noise.write(plaintext)

    def expect(self, request: int, name: str) -> None:
        """Counts a question that was sealed by hand as open."""
        self._open[request] = name

    def read(self, sealed: bytes) -> Message:
        """The message that was sealed.

        Raises:
            Fault: `handshake`, the codes of R-MSG-3, or `answer`. [R-SES-10]
        """
        message = read_message(self._noise.read(sealed))
        name = NAMES.get(message.type)
        if name in ANSWERS.values() or (name == "refuse" and message.request):
            if name in ("fork", "peers") and message.request == 0:
                return message  # a notice [R-SES-9]
            question = self._open.get(message.request)
            demand(question is not None and name in (ANSWERS[question], "refuse"), "answer", str(name))
            if not message.body.get("more") or name != "runs":
                del self._open[message.request]
        return message
