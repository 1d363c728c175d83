"""Rules of SPEC that no vector carries: registries, chains of several runs, what a fault does."""

from __future__ import annotations

from itertools import chain

import msgspec
import pytest

from protocol import encoding, limits, messages
from protocol.certificate import certify, encode_identity
from protocol.entry import parse_wire
from protocol.errors import CODES, LocalProtocolError, NotHeld, ProtocolError, RemoteProtocolError, Side
from protocol.items import parse_cursor
from protocol.kinds import KINDS, RESERVED
from protocol.limits import LIMITS
from protocol.logfile import Reader, encode_run, encode_start
from protocol.messages import Get, decode_message, encode_message
from protocol.records import Withdraw, encode_record
from protocol.run import Run, rebuild, run_of, runs_of
from protocol.session import PHASES, Phase
from protocol.signing import Signer
from protocol.standing import accept_alone
from protocol.uri import format_invite, parse_invite
from tests.protocol.author import Author, seed
from tests.protocol.held import Held

ID = bytes(range(32))


def test_codes_are_registered_and_say_who_is_concerned() -> None:
    """[R-CODE-1] [R-VER-3] what is not held ends no session; what is void is nobody's fault."""
    with pytest.raises(LocalProtocolError, match="unregistered"):
        ProtocolError("no such code", "")
    assert not [code.name for code in CODES.values() if code.closes and code.side is not Side.REMOTE]
    assert all(name == code.name and len(name) <= 32 for name, code in CODES.items())


def test_limits_fit_each_other() -> None:
    """[R-LIM-1] what a limit allows fits the message that carries it."""
    assert limits.MAX_MESSAGE == limits.MAX_NOISE_MESSAGE - 16
    assert len({limit.name for limit in LIMITS}) == len(LIMITS)
    author = Author("wide")
    salt, fill = seed("salt")[:16], b"\x07"
    frame = len(encoding.encode({"$": salt, "x": fill * 40_000})) - 40_000
    record = encoding.encode({"$": salt, "x": fill * (limits.MAX_RECORD - frame)})
    assert len(record) == limits.MAX_RECORD
    entry = author.after(author.entries[0], 3, record)
    assert len(encode_message(messages.Runs(runs=[run_of([entry])]), limits.MAX_INT)) < limits.MAX_MESSAGE
    items = [[0, ID, limits.MAX_EPOCHS - 1, limits.MAX_INT, limits.MAX_SEQ, ID, limits.MAX_SEQ]]
    page = messages.Items(cursor=[bytes(16), limits.MAX_INT, bytes(8)], items=items * limits.MAX_ITEMS)
    assert len(encode_message(page, 1)) < limits.MAX_MESSAGE
    many = messages.Interest(all=False, ids=[ID] * limits.MAX_INTEREST, more=True)
    assert len(encode_message(many)) < limits.MAX_MESSAGE
    want = Get(budget=1, wants=[(ID, limits.MAX_SEQ, limits.MAX_SEQ)] * limits.MAX_WANTS)
    assert len(encode_message(want, 1)) < limits.MAX_MESSAGE


def test_all_epochs_fit_one_handshake_message() -> None:
    """[R-LOG-26] at the highest seqs and with the longest numbers."""
    author = Author("epochs")
    for _ in range(limits.MAX_EPOCHS - 1):
        author.rotate()
    rotation = author.entries[-1]
    # Author, prev, record hash; seq, epoch, term, time, kind, length
    longest = 34 * 3 + 9 + 2 * 2 + 9 + 3 + 9
    assert len(rotation.header) <= longest
    certificate = certify("test", author.signer, ID, limits.MAX_INT // 2)
    payload = encode_identity(tuple(author.entries), certificate)
    room = limits.MAX_NOISE_MESSAGE - 96
    assert len(payload) + limits.MAX_EPOCHS * (longest - len(rotation.header)) <= room


def test_a_writer_uses_the_kinds_of_the_table_only() -> None:
    """[R-KIND-4]"""
    assert not set(KINDS) & set(RESERVED)

    class Other(msgspec.Struct):
        KIND = 10

    with pytest.raises(LocalProtocolError):
        encode_record(Other())
    assert encode_record(Withdraw(salt=bytes(16), key="k"))


def test_runs_that_join_are_one_chain() -> None:
    """[R-RUN-6] [R-LOG-8] the tail of a run is proved by the opener with which the next one begins."""
    author = Author("joined")
    author.write(3)
    bad = author.after(author.entries[-1])
    bad = parse_wire([bad.header, Signer(seed("foreign")).sign(b"x"), bad.record])
    rotation, _ = author.rotation(bad)
    runs = list(runs_of([*author.entries, bad, rotation]))
    assert [len(run.entries) for run in runs] == [5, 1]
    joined = list(chain.from_iterable(map(rebuild, runs)))
    store = Held()
    assert store.receive(joined).fault is None and store.log()[-1] == rotation
    apart = Held()
    fault = apart.receive(rebuild(runs[0])).fault
    assert fault is not None and fault.code == "signature"


def test_wants_name_whole_ids_and_real_places() -> None:
    """[R-MSG-4] found while SPEC was written: such a question came through to the store."""
    for wants in ([[ID[1:], 0, 1]], [[ID, -1, 1]], [[ID, 0, limits.MAX_SEQ + 1]]):
        data = encoding.encode([messages.GET, 1, {"budget": 1, "wants": wants}])
        with pytest.raises(RemoteProtocolError, match="bad_message"):
            decode_message(data)
    with pytest.raises(RemoteProtocolError, match="bad_message"):
        decode_message(encoding.encode([messages.WANT, 1, {"entries": [[ID, 0, ID[1:]]]}]))


def test_a_cursor_has_a_number_and_no_truth_value() -> None:
    """[R-LOG-18] found while SPEC was written."""
    with pytest.raises(RemoteProtocolError, match="bad_message"):
        parse_cursor([bytes(16), True, bytes(8)])


def test_a_close_comes_before_the_order_of_time() -> None:
    """[R-LOG-24] found while SPEC was written: the code depended on where a run was cut."""
    author = Author("closed")
    close = author.after(author.entries[0], 6, b"\x80")
    late = author.after(close, time=0)
    whole, cut = Held(), Held()
    cut.receive([author.entries[0], close])
    first = whole.receive([author.entries[0], close, late]).fault
    second = cut.receive([late]).fault
    assert first is not None and second is not None and first.code == second.code == "after_close"


def test_nothing_is_allowed_after_the_end() -> None:
    """[R-SES-5, 12]"""
    assert PHASES[Phase.CLOSED] == frozenset()
    assert messages.HELLO not in PHASES[Phase.OPEN]
    assert messages.INTEREST not in PHASES[Phase.GREETING]


def test_a_lone_entry_of_a_forked_term_is_not_believed() -> None:
    """[R-LOG-12, 15]"""
    author = Author("lone")
    author.write(2)
    store = Held()
    store.receive(author.entries)
    assert store.state is not None
    accept_alone(store.state.openers, author.entries[1])
    with pytest.raises(NotHeld, match="forked"):
        accept_alone(store.state.openers, author.entries[1], forked=True)
    accept_alone(store.state.openers, author.settlement(author.entries[2]))


def test_links_that_cannot_be_written() -> None:
    """[R-URI-2, 3, 5]"""
    for addresses in (["http://a.example"], [f"ws://10.0.0.{number}" for number in range(9)]):
        with pytest.raises(LocalProtocolError):
            format_invite(ID, addresses)
    long = [f"ws://example.org/{number}" + "%" * 230 for number in range(8)]
    link = format_invite(ID, long)
    assert len(link) <= limits.MAX_URI and 0 < len(parse_invite(link).addresses) < 8


def test_a_file_is_refused_for_good_and_a_run_must_fit() -> None:
    """[R-FILE-2]"""
    author = Author("file")
    author.write(1)
    reader = Reader("test")
    assert reader.feed(encode_start("test") + encode_run(run_of(author.entries))) == [run_of(author.entries)]
    reader.close()
    with pytest.raises(RemoteProtocolError, match="bad_file"):
        reader.feed(bytes(4))
    with pytest.raises(RemoteProtocolError, match="bad_file"):
        reader.feed(b"")
    big = Run(ID, 0, 0, 1, ID, [(0, 1, bytes(64), bytes(40_000))] * 2)
    with pytest.raises(LocalProtocolError):
        encode_run(big)
