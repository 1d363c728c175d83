"""The rules that can be switched off, and the checks that must notice it: these and no others."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tests.broken.credits import CREDITS
from tests.broken.letters import LETTERS
from tests.broken.switch import Switch, never

_ALL: Final = (
    Switch(
        "signature",
        "R-LOG-7",
        (("protocol.entry:signature_valid", "return verify(", "return True or verify("),),
        "C1-26 C2-11 C2-22 C2-23 C2-24 C2-25 C2-41 C2-50 C2-54 C2-56 C2-58 C2-73 C2-108 C2-123",
    ),
    Switch(
        "anchor",
        "R-LOG-7",
        (never("protocol.run:proved", "if not signature_valid(network, key, entries[index])"),),
        "C2-25",
    ),
    Switch(
        "link",
        "R-LOG-8",
        (never("protocol.log:_extend", 'if code == "link" and not jumped'),),
        "C2-27 C2-97",
    ),
    Switch(
        "time order",
        "R-LOG-9",
        (
            ("protocol.run:follows", 'return "time_order" if entry.time < time else None', "return None"),
            never("protocol.log:_extend", "if part[0].time < state.tip.time"),
        ),
        "C2-30",
    ),
    Switch(
        "close",
        "R-LOG-8",
        (never("protocol.run:follows", "if kind == CLOSE"),),
        "C2-31",
    ),
    Switch(
        "canonical",
        "R-ENC-4",
        (
            never("protocol.encoding:decode", "if msgpack.packb(value, use_bin_type=True) != data"),
            ("protocol.encoding:_check", 'raise RemoteProtocolError("not_canonical"', 'str("not_canonical"'),
        ),
        "C1-31 C3-02 C4-04",
    ),
    Switch(
        "depth",
        "R-ENC-7",
        (never("protocol.encoding:_check", "if depth > limits.MAX_DEPTH"),),
        "C4-05",
    ),
    Switch(
        "record length",
        "R-RUN-4",
        (("protocol.run:rebuild", "or length > limits.MAX_RECORD", ""),),
        "C2-36",
    ),
    Switch(
        "critical records",
        "R-RUN-5",
        (never("protocol.run:_gone", "if kind % 2 == 0"),),
        "C2-37",
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
        "C2-70 C2-71 C2-99 C2-127",
    ),
    Switch(
        "fork stops",
        "R-LOG-15",
        (
            never(
                "protocol.log:_extend",
                "if state.forked and (state.fork is None or part[0].seq >= state.fork)",
            ),
        ),
        "C2-71",
    ),
    Switch(
        "bad proof",
        "R-LOG-14",
        (never("protocol.forks:_check_side", "if not signature_valid(network, key, last)"),),
        "C2-73",
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
        "C2-127 C2-128",
    ),
    Switch(
        "place",
        "R-LOG-6",
        (
            never("protocol.run:follows", "elif not opens_after(entry, place)"),
            never("protocol.log:_extend", "if place > state.openers.place"),
        ),
        "C2-28",
    ),
    Switch(
        "promise",
        "R-LOG-3",
        (never("protocol.openers:_verify_rotation", "if promise_of(network, record.reveal) != promise"),),
        "C2-53",
    ),
    Switch(
        "retired key",
        "R-CERT-5",
        (
            never(
                "netnode.sync.peering:Peering._identified",
                "if known is not None and known.openers.epoch > remote.openers.epoch",
            ),
        ),
        "C1-30",
    ),
    Switch(
        "disowned",
        "R-LOG-13",
        (
            never(
                "protocol.log:_open",
                "elif state.base.seq <= below < state.tip.seq and _may_open(view.main(below), opener)",
            ),
        ),
        "C2-59",
    ),
    Switch(
        "settlement",
        "R-LOG-4",
        (
            never(
                "protocol.openers:Openers._admit_settlement",
                "if not any(signature_valid(self.network, key, entry) for key in self.keys(entry.epoch))",
            ),
        ),
        "C2-56",
    ),
    Switch(
        "contest",
        "R-LOG-16",
        (
            (
                "protocol.openers:_contested",
                "return newest if newest > 0 and len(epochs[-1]) > 1 else None",
                "return None",
            ),
        ),
        "C2-78 C2-128",
    ),
    Switch(
        "expiry",
        "R-CERT-2",
        (
            never(
                "protocol.certificate:check_certificate",
                "if not now - limits.CLOCK_TOLERANCE_MS <= certificate.until <= longest",
            ),
        ),
        "C1-20 C1-21",
    ),
    Switch(
        "session key",
        "R-CERT-3",
        (never("protocol.certificate:read_identity", "if told.key != session_key"),),
        "C1-23",
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
        "C1-26 C2-50",
    ),
    Switch(
        "link bound",
        "R-LINK-2",
        (("netnode.websocket:WebSocketLink.__init__", "limits.MAX_NOISE_MESSAGE", "1 << 22"),),
        "C1-04 C4-11",
    ),
    Switch(
        "unknown even",
        "R-MSG-2",
        (never("protocol.session:Session._message", "if received.type % 2 == 0"),),
        "C1-69",
    ),
    Switch(
        "unknown odd",
        "R-MSG-2",
        (("protocol.session:Session._message", "if received.type % 2 == 0:", "if True:"),),
        "C1-68",
    ),
    Switch(
        "phase",
        "R-SES-5",
        (never("protocol.session:Session._message", "if received.type not in PHASES[self.phase]"),),
        "C1-48 C1-50",
    ),
    Switch(
        "version",
        "R-SES-6",
        (never("protocol.session:Session._greeted", "if VERSION not in hello.versions"),),
        "C1-42",
    ),
    Switch(
        "feature",
        "R-SES-7",
        (never("protocol.session:Session._greeted", "if unknown"),),
        "C1-44",
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
        "C1-71",
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
        "C1-64",
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
        "C1-61",
    ),
    Switch(
        "answers unasked",
        "R-SES-10",
        (
            never(
                "protocol.session:Session._routed",
                "if row.role is Role.ANSWER and received.type not in messages.UNASKED",
            ),
        ),
        "C1-66",
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
        "C2-01",
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
        "C2-05",
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
        "C2-93",
    ),
    Switch(
        "heads checked",
        "R-MSG-9",
        (("netnode.sync.pull:Pull._heads", "if authors != sorted(set(authors)) or", "if False and"),),
        "C2-105",
    ),
    Switch(
        "ids",
        "R-MSG-10",
        (("netnode.sync.answers:_ids", "and entry.place == (question.epoch, question.term)", ""),),
        "C2-15",
    ),
    Switch(
        "budget",
        "R-SYNC-8",
        (("netnode.sync.harvest:Harvest.gather", "self._budget -= weight", "pass"),),
        "C2-10",
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
        "C2-11",
    ),
    Switch(
        "chunk",
        "R-BLOB-3",
        (("netnode.sync.answers:_chunk", 'if question.chunk == 0 else b""', 'if question.chunk else b""'),),
        "C2-17",
    ),
    Switch(
        "interest",
        "R-SYNC-2",
        (("netnode.sync.interest:Interest.wants", "self.ids is None or author in self.ids", "True"),),
        "C2-06 C2-124",
    ),
    Switch(
        "known to have",
        "R-SYNC-14",
        (
            never("netnode.sync.live:Live._sorted", "if self._peer_has.get(author, (-1, -1, -1)) >= place"),
            never(
                "netnode.sync.live:Live.take",
                "if stored.source is self._source and item.standing is Standing.HEAD",
            ),
            ("netnode.sync.live:Live._is_told", "return item.standing", "return False and item.standing"),
            ("netnode.sync.live:Live.pass_on", "if news.source is not self._source:", "if True:"),
            never("netnode.sync.live:Live._passed_on", "if stored.source is self._source"),
            (
                "netnode.sync.live:Live._passed_on",
                "or self._peer_has.get(author, (-1, -1, -1)) >= (first.epoch, first.term, first.seq)",
                "",
            ),
        ),
        "C2-121 C2-122",
    ),
    Switch(
        "twin",
        "R-SYNC-17",
        (
            never(
                "netnode.sync.sessions:SessionKeeper._choose",
                "if known is not None and known.store != hello.store",
            ),
        ),
        "C1-55",
    ),
    Switch(
        "records",
        "R-MSG-13",
        (("netnode.sync.answers:_records", "none.append(index)", "gone.append(index)"),),
        "C2-16",
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
        "C1-89",
    ),
    Switch(
        "address statement",
        "R-BOOK-2",
        (never("protocol.address:require_signed", "if not verify(network, statement, key)"),),
        "C1-84",
    ),
    Switch(
        "interest bound",
        "R-SYNC-1",
        (
            never(
                "netnode.sync.interest:PeerInterest.take", "if len(self._parts) > limits.MAX_INTEREST_TOTAL"
            ),
        ),
        "C1-52",
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
        "C4-20 C4-21 C4-22 C4-23 C4-24",
        slow=True,
    ),
    Switch(
        "heartbeat",
        "R-LINK-3",
        (
            (
                "netnode.websocket:WebSocketLink._beat",
                "due = self._heard + limits.HEARTBEAT_SECONDS",
                "return",
            ),
        ),
        "C4-28",
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
        "C1-81 C1-82 C1-83 C1-88 C1-89 C1-90 C2-05 C2-15 C2-18 C3-02 C3-04 C3-05 C3-06 C3-07 C3-08 C3-09 C3-10 C3-11"
        " C3-20 C3-23",
    ),
    Switch(
        "rotated in session",
        "R-CERT-6",
        (
            never(
                "netnode.sync.peering:Peering._require_newest_key",
                "if remote is not None and item.epoch > remote.openers.epoch",
            ),
        ),
        "C2-129",
    ),
)

SWITCHES: Final[Mapping[str, Switch]] = MappingProxyType(
    {switch.name.replace(" ", "-"): switch for switch in (*_ALL, *LETTERS, *CREDITS)}
)
"""By the name on the command line."""
