"""C1: questions, answers, and messages nobody knows."""

from __future__ import annotations

from typing import Any, Final

from netnode.conformance.bench import Bench
from netnode.conformance.checking import EVERYBODY, KEEPERS, READERS, Broken, Check, want
from netnode.conformance.encoding import encode
from netnode.conformance.limits import MAX_GET_BYTES, MAX_INT
from netnode.conformance.messages import ANSWERS, TYPES, write_message
from netnode.conformance.peer import PATIENCE, Peer

BURST: Final = 40
LONG: Final = 20  # entries, with records of
MUCH: Final = 40_000  # bytes
ODD: Final = 4_095  # a kind that nobody defined


def _each(bench: Bench) -> dict[str, dict[str, Any]]:
    """One question of each type that every node answers."""
    id_ = bench.known.id
    return {
        "changes": {"cursor": [bytes(16), 0, bytes(8)], "limit": 1},
        "heads": {"after": None, "limit": 1},
        "ask_ids": {"author": id_, "epoch": 0, "term": 0, "seqs": [0]},
        "get": {"budget": 1_000, "wants": [[id_, 0, 0]]},
        "openers": {"authors": [id_]},
        "proof": {"author": id_, "epoch": 0, "term": 0},
        "want": {"entries": [[id_, 0, bytes(32)]]},
        "see": {"author": id_, "seq": 0},
        "fetch": {"hash": bytes(32), "chunk": 0},
    }


async def _answers_each(bench: Bench) -> None:
    async with bench.meet() as peer:
        for name, body in _each(bench).items():
            answers = await peer.ask(name, **body)
            right = all(answer.name in (ANSWERS[name], "refuse") for answer in answers)
            want(right, f"{name} is answered by {[answer.name for answer in answers]}")


async def _echoes(bench: Bench) -> None:
    async with bench.meet() as peer:
        for number in (MAX_INT, 1 << 32, 77):
            await peer.ask_as(number, "heads", after=None, limit=1)
            [answer] = await peer.answered(number, f"question {number}")
            want(answer.name == "items", f"heads is answered by {answer.name}")


async def _defaults(bench: Bench) -> None:
    async with bench.meet() as peer:
        await peer.ask_as(9, "heads", limit=1, unknown={"more": [1]})
        [answer] = await peer.answered(9, "heads with an unknown field and without `after`")
        want(answer.name == "items", f"heads is answered by {answer.name}")


async def _once(bench: Bench) -> None:
    """A burst of questions: each is answered or refused with `rate`, once."""
    async with bench.meet() as peer:
        numbers = range(1_000, 1_000 + BURST)
        for number in numbers:
            await peer.ask_as(number, "get", budget=1 << 20, wants=[[bench.known.id, 0, 1 << 20]])
        for number in numbers:
            *_, last = await peer.answered(number, f"question {number} of a burst", 2 * PATIENCE)
            refused = last.name == "refuse" and last.body["code"] in ("rate", "busy")
            want(last.name == "runs" or refused, f"question {number}: {last.body.get('code')}")
        await peer.goes_on()


async def _open_twice(bench: Bench) -> None:
    """While nothing is read, an answer as long as this cannot be through: the number is still open."""
    author = bench.author()
    log = [author.first]
    for _ in range(LONG):
        log.append(author.entry(log[-1], kind=ODD, record=author.filler(MUCH)))
    await bench.show(*([entry] for entry in log))
    async with bench.meet(interest=[]) as peer:
        peer.reads.clear()
        question = write_message("get", 9, budget=MAX_GET_BYTES, wants=[[author.id, 0, LONG]] * 8)
        peer.expects(9, "get")
        both = [peer.socket.framed(peer.session.seal(question)) for _ in range(2)]
        await peer.socket.send_raw(b"".join(both))
        await bench.alive()
        peer.reads.set()
        ending = await peer.ended(2 * PATIENCE)
        want(ending.said == "answer", f"ended with {ending.said}, not with answer")


async def _number_0(bench: Bench) -> None:
    async with bench.meet() as peer:
        await peer.say(write_message("heads", 0, limit=1))
        await peer.expelled("answer")


async def _no_question(bench: Bench) -> None:
    wrong: tuple[tuple[str, int, dict[str, Any]], ...] = (
        ("ids", 4_711, {"ids": []}),
        ("items", 0, {"items": []}),
    )
    for name, number, body in wrong:
        async with bench.meet() as peer:
            await peer.say(write_message(name, number, **body))
            await peer.expelled("answer")


async def _wrong_answer(bench: Bench) -> None:
    async with bench.meet() as peer:
        peer.shelf.answers |= {name: lambda _: [("ids", {"ids": []})] for name in ("changes", "heads", "get")}
        await peer.expelled("answer")


async def _unknown_odd(bench: Bench) -> None:
    async with bench.meet() as peer:
        await peer.say(encode([1_001, 0, {"any": None}]))
        await peer.say(encode([1_003, 55, {}]))
        await peer.goes_on()


async def _unknown_even(bench: Bench) -> None:
    async with bench.meet() as peer:
        peer.expects(55, "heads")
        await peer.say(encode([1_000, 55, {}]))
        [answer] = await peer.answered(55, "a question of an unknown type")
        want(answer.body.get("code") == "unknown_message", f"refused with {answer.body.get('code')}")
        await peer.goes_on()


async def _bodies(bench: Bench) -> None:
    item = [0, bytes(32), 0, 0, 5, bytes(32), 0]
    wrong: tuple[tuple[str, int, dict[str, Any]], ...] = (
        ("heads", 1, {}),
        ("heads", 1, {"limit": 401}),
        ("heads", 1, {"limit": True}),
        ("get", 1, {"budget": 0, "wants": [[bytes(32), 0, 1]]}),
        ("changes", 1, {"limit": 1, "cursor": [bytes(16), 1]}),
        ("have", 0, {"items": []}),
        ("have", 0, {"items": [[*item[:6], 6]]}),
        ("have", 0, {"items": [[0, bytes(31), *item[2:]]]}),
        ("interest", 0, {"all": 1}),
        ("ask_ids", 1, {"author": bytes(32), "epoch": 0, "term": 0, "seqs": []}),
        ("push", 0, {"runs": [[bytes(32), 0, 0, 0, bytes(32), [[0, 1, bytes(64), None]]]]}),
    )
    for name, number, body in wrong:
        async with bench.meet() as peer:
            await peer.say(encode([TYPES[name], number, body]))
            try:
                await peer.expelled("bad_message")
            except Broken as broken:
                raise Broken(f"{name}: {broken}") from broken


async def _features_apart(bench: Bench) -> None:
    async with bench.meet(hello={"features": []}) as peer:
        await _not_here(peer, "ranges", last=True)
        await _not_here(peer, "ask_peers")
        await _not_here(peer, "join", token=bytes(16))
        await _not_here(peer, "ping", clock=0)
        await _not_here(peer, "dial_back", port=80)
        await _not_here(peer, "deliver", letter=b"l")
        if 3 not in bench.known.features:
            await _not_here(peer, "query", text="", limit=1)
        await peer.goes_on()


async def _not_here(peer: Peer, name: str, **body: object) -> None:
    code = await peer.refused(name, **body)
    want(code == "not_here", f"{name} is refused with {code}, not with not_here")


CHECKS: Final = (
    Check("C1-60", "R-SES-9", KEEPERS, "answers every question by its answer or by `refuse`", _answers_each),
    Check("C1-61", "R-SES-9 R-SES-8", KEEPERS, "answers with the number of the question", _echoes),
    Check("C1-62", "R-MSG-4", KEEPERS, "takes defaults, and ignores unknown fields", _defaults),
    Check(
        "C1-63", "R-SES-9 R-SES-11", KEEPERS, "answers or refuses each of many questions at once, once", _once
    ),
    Check("C1-64", "R-SES-8", KEEPERS, "ends with `answer` on a number that is still open", _open_twice),
    Check("C1-65", "R-SES-8", EVERYBODY, "ends with `answer` on a question without a number", _number_0),
    Check("C1-66", "R-SES-10", EVERYBODY, "ends with `answer` on an answer to no question", _no_question),
    Check("C1-67", "R-SES-10", READERS, "ends with `answer` on an answer of another type", _wrong_answer),
    Check("C1-68", "R-MSG-2", EVERYBODY, "ignores messages of unknown odd types", _unknown_odd),
    Check(
        "C1-69",
        "R-MSG-2 R-SES-12",
        EVERYBODY,
        "refuses unknown even types with `unknown_message`",
        _unknown_even,
    ),
    Check(
        "C1-70",
        "R-MSG-4 R-MSG-6 R-MSG-1",
        EVERYBODY,
        "ends with `bad_message` on bodies of a wrong form",
        _bodies,
    ),
    Check(
        "C1-71",
        "R-SES-7 R-QRY-1",
        KEEPERS,
        "refuses questions of features not in use with `not_here`",
        _features_apart,
    ),
)
