"""The rules that can be switched off, and the checks that must notice it: these and no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

Change = tuple[str, str, str]
"""Where, what stands there, and what stands there instead; see `tests.broken.rewriting`."""


@dataclass(frozen=True)
class Switch:
    """One rule switched off.

    Attributes:
        name: of the switch.
        requirement: what the node breaks.
        changes: how.
        checks: ids of those that fail, all of them; each names the requirement or follows from it.
        slow: whether the checks that wait for time-outs are needed.
    """

    name: str
    requirement: str
    changes: tuple[Change, ...]
    checks: str
    slow: bool = False

    @property
    def rewrites(self) -> dict[str, list[tuple[str, str]]]:
        """The pieces to replace, by where."""
        places = dict.fromkeys(where for where, _, _ in self.changes)
        return {each: [(old, new) for where, old, new in self.changes if where == each] for each in places}

    @property
    def fails(self) -> tuple[str, ...]:
        """The checks, one by one."""
        return tuple(self.checks.split())


_ALL: Final = (
    Switch(
        "signature",
        "R-LOG-7",
        (("protocol.entry:signature_valid", "return verify(", "return True or verify("),),
        "",
    ),
    Switch(
        "anchor",
        "R-LOG-7",
        (("protocol.run:proved", "if not signature_valid(network, key, entries[index]):", "if False:"),),
        "",
    ),
    Switch(
        "link",
        "R-LOG-8",
        (("protocol.log:_extend", 'if code == "link" and not jumped:', "if False:"),),
        "",
    ),
    Switch(
        "time order",
        "R-LOG-9",
        (
            ("protocol.run:follows", 'return "time_order" if entry.time < time else None', "return None"),
            ("protocol.log:_extend", "if part[0].time < state.tip.time:", "if False:"),
        ),
        "",
    ),
    Switch(
        "close",
        "R-LOG-8",
        (("protocol.run:follows", "if kind == CLOSE:", "if False:"),),
        "",
    ),
    Switch(
        "canonical",
        "R-ENC-4",
        (
            ("protocol.encoding:decode", "if msgpack.packb(value, use_bin_type=True) != data:", "if False:"),
            ("protocol.encoding:_check", 'raise RemoteProtocolError("not_canonical"', 'str("not_canonical"'),
        ),
        "",
    ),
    Switch(
        "depth",
        "R-ENC-7",
        (("protocol.encoding:_check", "if depth > limits.MAX_DEPTH:", "if False:"),),
        "",
    ),
    Switch(
        "record length",
        "R-RUN-4",
        (("protocol.run:rebuild", "or length > limits.MAX_RECORD", ""),),
        "",
    ),
    Switch(
        "critical records",
        "R-RUN-5",
        (("protocol.run:_gone", "if kind % 2 == 0:", "if False:"),),
        "",
    ),
    Switch(
        "fork detection",
        "R-LOG-14",
        (
            (
                "protocol.log:_fork",
                "state = _held(admission)",
                'raise NotHeld("unproved", "")\n    state = _held(admission)',
            ),
        ),
        "",
    ),
    Switch(
        "fork stops",
        "R-LOG-15",
        (
            (
                "protocol.log:_extend",
                "if state.forked and (state.fork is None or part[0].seq >= state.fork):",
                "if False:",
            ),
        ),
        "",
    ),
    Switch(
        "bad proof",
        "R-LOG-14",
        (("protocol.forks:_check_side", "if not signature_valid(network, key, last):", "if False:"),),
        "",
    ),
    Switch(
        "proof gossip",
        "R-SYNC-15",
        (
            (
                "netnode.sync.live:Live._tell_fault",
                "if (item.author, item.epoch, item.term) in self._peer_knows:",
                "if True:",
            ),
        ),
        "",
    ),
    Switch(
        "place",
        "R-LOG-6",
        (
            ("protocol.run:follows", "elif not opens_after(entry, place):", "elif False:"),
            ("protocol.log:_extend", "if part[0].place > state.openers.place:", "if False:"),
        ),
        "",
    ),
    Switch(
        "promise",
        "R-LOG-3",
        (
            (
                "protocol.openers:_verify_rotation",
                "if promise_of(network, record.reveal) != promise:",
                "if False:",
            ),
        ),
        "",
    ),
    Switch(
        "retired key",
        "R-CERT-5",
        (
            (
                "netnode.sync.peering:Peering._identified",
                "if known is not None and known.openers.epoch > remote.openers.epoch:",
                "if False:",
            ),
        ),
        "",
    ),
    Switch(
        "disowned",
        "R-LOG-13",
        (
            (
                "protocol.log:_open",
                "elif state.base.seq <= below < state.tip.seq and _may_open(view.main(below), opener):",
                "elif False:",
            ),
        ),
        "",
    ),
    Switch(
        "settlement",
        "R-LOG-4",
        (
            (
                "protocol.openers:Openers._admit_settlement",
                "if not any(signature_valid(self.network, key, entry) for key in self.keys(entry.epoch)):",
                "if False:",
            ),
        ),
        "",
    ),
    Switch(
        "contest",
        "R-LOG-16",
        (
            (
                "protocol.openers:Openers.contested",
                "return self.epoch if self.epoch > 0 and len(self.epochs[-1]) > 1 else None",
                "return None",
            ),
        ),
        "",
    ),
    Switch(
        "expiry",
        "R-CERT-2",
        (
            (
                "protocol.certificate:check_certificate",
                "if not now - limits.CLOCK_TOLERANCE_MS <= certificate.until <= longest:",
                "if False:",
            ),
        ),
        "",
    ),
    Switch(
        "session key",
        "R-CERT-3",
        (("protocol.certificate:read_identity", "if told.key != session_key:", "if False:"),),
        "",
    ),
    Switch(
        "id",
        "R-ID-1",
        (
            (
                "protocol.openers:verify_inception",
                "networker_id(network, entry.record) != entry.author",
                "False",
            ),
        ),
        "",
    ),
    Switch(
        "link bound",
        "R-LINK-2",
        (("netnode.links:WebSocketListener._accept", "max_msg_size=TOO_LONG", "max_msg_size=1 << 22"),),
        "",
    ),
    Switch(
        "unknown even",
        "R-MSG-2",
        (("protocol.session:Session._message", "if received.type % 2 == 0:", "if False:"),),
        "",
    ),
    Switch(
        "unknown odd",
        "R-MSG-2",
        (("protocol.session:Session._message", "if received.type % 2 == 0:", "if True:"),),
        "",
    ),
    Switch(
        "phase",
        "R-SES-5",
        (("protocol.session:Session._message", "if received.type not in PHASES[self.phase]:", "if False:"),),
        "",
    ),
    Switch(
        "version",
        "R-SES-6",
        (("protocol.session:Session._greeted", "if VERSION not in hello.versions:", "if False:"),),
        "",
    ),
    Switch(
        "feature",
        "R-SES-7",
        (("protocol.session:Session._greeted", "if unknown:", "if False:"),),
        "",
    ),
    Switch(
        "features in use",
        "R-SES-7",
        (
            (
                "protocol.session:Session._answers",
                "return feature is None or self.uses(feature)",
                "return True",
            ),
        ),
        "",
    ),
    Switch(
        "request number",
        "R-SES-8",
        (
            (
                "protocol.session:Session._routed",
                "if request == 0 or request in self._open_in:",
                "if request == 0:",
            ),
        ),
        "",
    ),
    Switch(
        "request echo",
        "R-SES-9",
        (
            (
                "protocol.session:Session.tell",
                "self._send(encode_message(body, request))",
                "self._send(encode_message(body, request % (1 << 32)))",
            ),
        ),
        "",
    ),
    Switch(
        "answer type",
        "R-SES-10",
        (
            (
                "protocol.session:Session._routed",
                "or received.type not in messages.MESSAGES[messages.TYPES[type(question)]].answers:",
                ":",
            ),
        ),
        "",
    ),
    Switch(
        "heads order",
        "R-MSG-9",
        (
            (
                "netnode.sync.answers:Answers._heads",
                "page = sorted(page, key=_author)",
                "page = sorted(page, key=_author)[::-1]",
            ),
        ),
        "",
    ),
    Switch(
        "heads paging",
        "R-MSG-9",
        (
            (
                "netnode.sync.answers:Answers._heads",
                "items=[item.wire() for item in page[:limit]]",
                "items=[item.wire() for item in page]",
            ),
        ),
        "",
    ),
    Switch(
        "cursor tag",
        "R-LOG-18",
        (
            (
                "netnode.store.reader:Reader.knows",
                "self.tag_of(cursor.arrival) == cursor.tag",
                "self.tag_of(cursor.arrival) is not None",
            ),
        ),
        "",
    ),
    Switch(
        "cursor kept",
        "R-SYNC-7",
        (
            (
                "netnode.sync.pull:Pull._keep_cursor",
                "if not self._unlevel and not self._again and not self.withheld():",
                "if True:",
            ),
        ),
        "",
    ),
    Switch(
        "heads checked",
        "R-MSG-9",
        (("netnode.sync.pull:Pull._heads", "if authors != sorted(set(authors)) or", "if False and"),),
        "",
    ),
    Switch(
        "ids",
        "R-MSG-10",
        (("netnode.sync.answers:_ids", "and entry.place == (question.epoch, question.term)", ""),),
        "",
    ),
    Switch(
        "budget",
        "R-SYNC-8",
        (("netnode.sync.harvest:Harvest.gather", "self._budget -= weight", "pass"),),
        "",
    ),
    Switch(
        "run ends",
        "R-SYNC-10",
        (
            (
                "netnode.sync.harvest:Ends._may_end",
                "return any(signature_valid(self._network, key, entry) for key in keys)",
                "return bool(keys)",
            ),
        ),
        "",
    ),
    Switch(
        "chunk",
        "R-BLOB-3",
        (("netnode.sync.answers:_chunk", 'if question.chunk == 0 else b""', 'if question.chunk else b""'),),
        "",
    ),
    Switch(
        "interest",
        "R-SYNC-2",
        (("netnode.sync.interest:Interest.wants", "self.ids is None or author in self.ids", "True"),),
        "",
    ),
    Switch(
        "known to have",
        "R-SYNC-14",
        (
            (
                "netnode.sync.live:Live.peer_has",
                "if self._peer_has.get(author, (-1, -1, -1)) < place:",
                "if False:",
            ),
            (
                "netnode.sync.live:Live.take",
                "if stored.source is self._source and arrived.item.standing is Standing.HEAD:",
                "if False:",
            ),
        ),
        "",
    ),
    Switch(
        "twin",
        "R-SYNC-17",
        (
            (
                "netnode.sync.sessions:SessionKeeper._choose",
                "if known is not None and known.store != hello.store:",
                "if False:",
            ),
        ),
        "",
    ),
    Switch(
        "records",
        "R-MSG-13",
        (("netnode.sync.answers:_records", "none.append(index)", "gone.append(index)"),),
        "",
    ),
    Switch(
        "statement",
        "R-SEEN-2",
        (
            (
                "protocol.seen:sign",
                "signer.sign(statement_bytes(network, unsigned))",
                "signer.sign(statement_bytes(network, unsigned)[::-1])",
            ),
        ),
        "",
    ),
    Switch(
        "address statement",
        "R-BOOK-2",
        (("protocol.address:require_signed", "if not verify(network, statement, key):", "if False:"),),
        "",
    ),
    Switch(
        "interest bound",
        "R-SYNC-1",
        (
            (
                "netnode.sync.interest:PeerInterest.take",
                "if len(self._parts) > limits.MAX_INTEREST_TOTAL:",
                "if False:",
            ),
        ),
        "",
    ),
    Switch(
        "handshake time",
        "R-LINK-4",
        (
            (
                "netnode.sync.conversation:Conversation._read",
                "asyncio.timeout(limits.HANDSHAKE_SECONDS)",
                "asyncio.timeout(300)",
            ),
        ),
        "",
        slow=True,
    ),
    Switch(
        "heartbeat",
        "R-LINK-3",
        (("netnode.links:WebSocketListener._accept", "heartbeat=limits.HEARTBEAT_SECONDS", "heartbeat=300"),),
        "",
        slow=True,
    ),
    Switch(
        "refusal codes",
        "R-SES-12",
        (
            (
                "netnode.sync.conversation:Conversation._serve",
                "Refuse(code=refusal.code",
                'Refuse(code="internal"',
            ),
        ),
        "",
    ),
    Switch(
        "rotated in session",
        "R-CERT-6",
        (
            (
                "netnode.sync.peering:Peering._require_newest_key",
                "if remote is not None and any(",
                "if False and any(",
            ),
        ),
        "",
    ),
)

SWITCHES: Final[Mapping[str, Switch]] = MappingProxyType(
    {switch.name.replace(" ", "-"): switch for switch in _ALL}
)
"""By the name on the command line."""
