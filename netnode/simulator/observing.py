"""What the simulator sees of the sessions of a node: message types, refusals and how sessions ended.

The node knows nothing of it: the state machine of each session is watched from outside, as it is made. What was seen
is also the coverage of a run: names of marks, such as ``tell push`` or ``refused rate``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from netnode.sync.sessions import SessionKeeper
from protocol.errors import CODES, Side
from protocol.messages import MESSAGES, TYPES, Body, Bye, Refuse
from protocol.session import Arrived, Phase, Session

# Why: a clogged link is nobody's fault
_SLOW: Final = ("no answer in time", "took too long", "does not read")


@dataclass(frozen=True, slots=True)
class Ending:
    """A node ended a session because of what its peer did."""

    node: str
    peer: bytes
    code: str
    text: str


@dataclass(slots=True)
class Seen:
    """Marks of one run with their counts, and endings for a fault of the other side that nobody looked at yet."""

    marks: Counter[str] = field(default_factory=Counter)
    endings: list[Ending] = field(default_factory=list)
    messages: int = 0

    def mark(self, name: str) -> None:
        """Something worth covering happened."""
        self.marks[name] += 1

    def taken(self) -> list[Ending]:
        """The endings since the last call."""
        found, self.endings = self.endings, []
        return found


def watch(keeper: SessionKeeper, node: str, seen: Seen) -> None:
    """Watches every session of a node from its beginning on; call it before the keeper starts."""
    made = keeper.session

    def session(*args: Any, **named: Any) -> Session:
        new = made(*args, **named)
        _watch(new, node, seen)
        return new

    setattr(keeper, "session", session)  # noqa: B010 - a method of one object, from outside


def _watch(session: Session, node: str, seen: Seen) -> None:
    tell, ask, receive, farewell = session.tell, session.ask, session.receive, session.farewell

    def told(body: Body, request: int = 0) -> None:
        seen.messages += 1
        seen.mark(f"tell {_name(body)}")
        if isinstance(body, Refuse):
            seen.mark(f"refuse {body.code}")
        tell(body, request)

    def asked(body: Body) -> int:
        seen.messages += 1
        seen.mark(f"ask {_name(body)}")
        return ask(body)

    def received(data: bytes, now: int) -> Any:
        events = receive(data, now)
        for event in events:
            if isinstance(event, Arrived):
                seen.mark(f"get {_name(event.body)}")
                if isinstance(event.body, Refuse):
                    seen.mark(f"refused {event.body.code}")
                if isinstance(event.body, Bye):
                    seen.mark(f"left {event.body.code or 'ok'}")
        return events

    def ended(code: str, text: str) -> None:
        seen.mark(f"bye {code or 'ok'}")
        known = CODES.get(code)
        if (
            session.phase
            is not Phase.CLOSED  # else what is on its way is nobody's fault, and nothing is said
            and session.remote is not None
            and known is not None
            and known.side is Side.REMOTE
            and not any(each in text for each in _SLOW)
        ):
            seen.endings.append(Ending(node, session.remote.id, code, text))
        farewell(code, text)

    replaced: dict[str, Callable[..., Any]] = {
        "tell": told,
        "ask": asked,
        "receive": received,
        "farewell": ended,
    }
    for name, method in replaced.items():
        setattr(session, name, method)


def _name(body: Body) -> str:
    return MESSAGES[TYPES[type(body)]].name
