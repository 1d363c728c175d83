"""C1: hello, versions, features, interest, and the end of a session."""

from __future__ import annotations

from typing import Any, Final

from netnode.conformance.bench import Bench
from netnode.conformance.checking import CLOCK_OFF, EVERYBODY, KEEPERS, READERS, Check, want
from netnode.conformance.encoding import encode
from netnode.conformance.limits import MAX_INTEREST
from netnode.conformance.messages import write_message
from netnode.conformance.peer import Peer

PARTS: Final = 14  # of MAX_INTEREST ids each: more than MAX_INTEREST_TOTAL


async def _hello_first(bench: Bench) -> None:
    async with bench.meet(greet=False) as peer:
        hello = await peer.until(lambda: peer.hello, "its hello, before ours went")
        want(1 in hello["versions"], f"versions {hello['versions']} [R-SES-6]")
        even = [feature for feature in hello.get("features", []) if feature % 2 == 0]
        want(not even, f"it names even features {even}: version 1 has none [R-SES-7]")
        off = abs(hello["clock"] - bench.now())
        want(off < CLOCK_OFF, f"its clock is {off} ms off")
        await peer.quiet(lambda: peer.told.notices or peer.asked, "it says more before our hello came")


async def _interest_first(bench: Bench) -> None:
    async with bench.meet(tell=False) as peer:
        await peer.until(lambda: peer.told.notices or peer.asked, "its interest")
        want(peer.came[0] == "interest", f"{peer.came[0]} comes before its interest")


async def _expels_hello(bench: Bench, code: str, **hello: object) -> None:
    async with bench.meet(greet=False) as peer:
        await peer.tell("hello", **bench.hello(peer.shelf, **hello))
        await peer.expelled(code)


async def _no_version(bench: Bench) -> None:
    await _expels_hello(bench, "version", versions=[2, 7])


async def _some_version(bench: Bench) -> None:
    async with bench.meet(hello={"versions": [9, 1, 4]}) as peer:
        await peer.goes_on()


async def _even_feature(bench: Bench) -> None:
    await _expels_hello(bench, "feature", features=[1, 400])


async def _odd_features(bench: Bench) -> None:
    async with bench.meet(hello={"features": [1, 3, 5, 7, 401, 9_999]}) as peer:
        await peer.goes_on()


async def _unknown_in_hello(bench: Bench) -> None:
    limits = {"MAX_OPEN_REQUESTS": 8, "MAX_ANYTHING": 1}
    unknown: dict[str, Any] = {"limits": limits, "unknown": [None, {"x": 1}], "stamp": [9_999, b"no stamp"]}
    async with bench.meet(hello=unknown) as peer:
        await peer.goes_on()


async def _bad_hello(bench: Bench) -> None:
    for hello in ({}, {"agent": "x", "clock": -1, "store": bytes(16), "versions": [1]}):
        async with bench.meet(greet=False) as peer:
            await peer.say_body("hello", hello)
            await peer.expelled("bad_message")


async def _too_soon(bench: Bench) -> None:
    for name, body in (("interest", {"all": True}), ("heads", {"limit": 1})):
        async with bench.meet(greet=False) as peer:
            await peer.say(write_message(name, 1 if name == "heads" else 0, **body))
            await peer.expelled("unexpected")


async def _unknown_too_soon(bench: Bench) -> None:
    async with bench.meet(greet=False) as peer:
        await peer.say(encode([1_001, 0, {}]))
        await peer.tell("refuse", 0, code="rate", text="allowed before hello")
        await peer.tell("hello", **bench.hello(peer.shelf))
        await peer.tell("interest", all=True)
        await peer.goes_on()


async def _second_hello(bench: Bench) -> None:
    async with bench.meet() as peer:
        await peer.tell("hello", **bench.hello(peer.shelf))
        await peer.expelled("unexpected")


async def _one_question(bench: Bench) -> None:
    bench.takes_logs()
    for told in (1, 0):  # 0 counts as 1
        shelf = bench.shelf()
        authors = [bench.author() for _ in range(3)]
        shelf.put(*(author.log(2) for author in authors))
        shelf.answers["get"] = lambda _: None
        async with bench.meet(
            shelf=shelf, hello={"limits": {"MAX_OPEN_REQUESTS": told, "MAX_GET_BYTES": 5_000}}
        ) as peer:
            get = await peer.until(lambda: peer.asks("get"), "its question for what we hold")
            want(
                get[0].body["budget"] <= 5_000,
                f"a budget of {get[0].body['budget']}, above what we advertise",
            )
            await peer.told_of(*(author.id for author in authors))
            await peer.quiet(lambda: peer.most_open > 1, "more than one question at once")


async def _too_many_wanted(bench: Bench) -> None:
    async with bench.meet(tell=False) as peer:
        for part in range(PARTS):
            ids = [bench.entropy.token(32) for _ in range(MAX_INTEREST)]
            await peer.tell("interest", all=False, ids=ids, more=part < PARTS - 1)
        await peer.expelled("too_large")


async def _leaves(bench: Bench) -> None:
    async with bench.meet() as peer:
        await peer.goes_on()
        number, sealed = peer.session.ask("heads", after=None, limit=1)
        await peer.tell("bye", 0, code="", text="a normal end")
        await peer.socket.send(sealed)  # what arrives after bye is dropped
        peer.expects(number)
        ending = await peer.ended()
        want(ending.said in (None, ""), f"bye {ending.said} to a bye")
        want(not peer.answers(number), "a question after bye is answered")


async def _unknown_code(bench: Bench) -> None:
    async with bench.meet() as peer:
        await peer.tell("refuse", 0, code="made_up", text="\u202e not for machines")
        await peer.goes_on()
    async with bench.meet() as peer:
        await peer.tell("bye", 0, code="made_up", text="?")
        ending = await peer.ended()
        want(ending.said in (None, ""), f"bye {ending.said} to a bye with an unknown code")


async def _twins(bench: Bench) -> None:
    own = bench.author()
    async with bench.meet(own) as one, bench.meet(own) as other:
        for peer in (one, other):
            await _is_told_of_twin(peer)


async def _is_told_of_twin(peer: Peer) -> None:
    await peer.until(lambda: any(each.name == "twin" for each in peer.told.notices), "the notice twin")
    ending = await peer.ended()
    want(ending.said in ("twin", ""), f"bye {ending.said}, not twin")


CHECKS: Final = (
    Check(
        "C1-40",
        "R-SES-4 R-SES-6 R-SES-7 R-MSG-4",
        EVERYBODY,
        "says hello at once, and nothing else",
        _hello_first,
    ),
    Check("C1-41", "R-SYNC-1", READERS, "tells its interest before anything else", _interest_first),
    Check("C1-42", "R-SES-6", EVERYBODY, "ends with `version` when none is in common", _no_version),
    Check("C1-43", "R-SES-6", EVERYBODY, "takes version 1 among others", _some_version),
    Check(
        "C1-44", "R-SES-7", EVERYBODY, "ends with `feature` on an even one it does not know", _even_feature
    ),
    Check("C1-45", "R-SES-7", EVERYBODY, "ignores odd features it does not know", _odd_features),
    Check(
        "C1-46",
        "R-MSG-4 R-MSG-6 R-STAMP-3",
        EVERYBODY,
        "ignores what it does not know in a hello",
        _unknown_in_hello,
    ),
    Check("C1-47", "R-MSG-4", EVERYBODY, "ends with `bad_message` on a hello of a wrong form", _bad_hello),
    Check(
        "C1-48", "R-SES-5 R-SES-4", EVERYBODY, "ends with `unexpected` on messages before hello", _too_soon
    ),
    Check("C1-49", "R-MSG-3 R-SES-4", EVERYBODY, "lets pass what may come before hello", _unknown_too_soon),
    Check("C1-50", "R-SES-5", EVERYBODY, "ends with `unexpected` on a second hello", _second_hello),
    Check("C1-51", "R-SES-11 R-SES-8", READERS, "keeps to the limits we advertise", _one_question),
    Check(
        "C1-52",
        "R-SYNC-1",
        KEEPERS,
        "ends with `too_large` on an interest beyond the bound",
        _too_many_wanted,
    ),
    Check("C1-53", "R-SES-12", EVERYBODY, "drops what comes after bye, and ends", _leaves),
    Check(
        "C1-54", "R-SES-12 R-CODE-1", EVERYBODY, "gives no meaning to codes it does not know", _unknown_code
    ),
    Check("C1-55", "R-SYNC-17", KEEPERS, "tells both of two nodes of one networker, and ends both", _twins),
)
