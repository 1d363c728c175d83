"""C3: letters that are handed to the node: frame, seal, signature inside, content, repeats, answers."""

from __future__ import annotations

from typing import Any, Final

from netnode.conformance.bench import Bench
from netnode.conformance.checking import KEEPERS, Broken, Check, want
from netnode.conformance.correspondent import HOUR, Correspondent, Purchase, Sealed, asked, correspondent
from netnode.conformance.encoding import decode, encode
from netnode.conformance.limits import LETTER_ID_BYTES, MAX_LETTER, MILLISECONDS_PER_DAY
from netnode.conformance.peer import QUIET, Peer

_DAYS: Final = 31  # one more than LETTER_DAYS


def _harmless(bench: Bench) -> dict[str, Any]:
    """A content that nobody is shown."""
    return {"type": "ack", "ids": [bench.entropy.token(LETTER_ID_BYTES)]}


async def _refused(peer: Peer, letter: bytes, *codes: str, what: str) -> None:
    """Fails unless the node refuses a letter with one of these codes."""
    [answer] = await peer.ask("deliver", letter=letter)
    want(answer.name == "refuse", f"{what}: it takes the letter")
    code = answer.body["code"]
    want(code in codes, f"{what}: refused with {code}, not with {' or '.join(codes)}")


async def _taken(bench: Bench) -> None:
    own = await correspondent(bench)
    async with own.meet() as peer:
        await own.give(peer, _harmless(bench))
        await own.give(peer, {**_harmless(bench), "unknown": [1]})
        await own.give(peer, _harmless(bench), bare=bench.entropy.token(32))


def _frames(right: bytes) -> dict[str, bytes]:
    """Frames with one fault each."""
    frame = decode(right, MAX_LETTER)

    def other(at: int, value: Any) -> bytes:
        return encode([*frame[:at], value, *frame[at + 1 :]])

    return {
        "no array": encode({"letter": right[:100]}),
        "eight members": encode(frame[:8]),
        "ten members": encode([*frame, None]),
        "version 2": other(0, 2),
        "a sender of 31 bytes": other(1, bytes(31)),
        "a key of 15 bytes": other(3, bytes(15)),
        "an id of 17 bytes": other(4, bytes(17)),
        "an expiry below 0": other(5, -1),
        "an empty token": other(6, b""),
        "a token of 257 bytes": other(6, bytes(257)),
        "a stamp of 65 bits": other(7, [65, bytes(8)]),
        "nothing sealed": other(8, b""),
        "a byte behind it": right + b"\x00",
        "bytes that are cut off": right[:-1],
        "an array in a longer form": b"\xdc\x00\x09" + right[1:],
    }


async def _frame(bench: Bench) -> None:
    own = await correspondent(bench)
    right = await own.write(_harmless(bench))
    for what, wrong in _frames(right.data).items():
        async with own.meet() as peer:  # each in a session of its own: a node may lose patience with faults
            await _refused(peer, wrong, "letter", what=what)
            await peer.goes_on()


async def _too_large(bench: Bench) -> None:
    bench.needs(9, "letters")
    async with bench.meet() as peer:
        await peer.say_body("deliver", {"letter": bytes(MAX_LETTER + 1)}, 1)
        await peer.expelled("bad_message")


async def _expiry(bench: Bench) -> None:
    own = await correspondent(bench)
    async with own.meet() as peer:
        for what, expires in (
            ("a letter whose time is over", bench.now() - HOUR),
            ("one that expires in 31 days", bench.now() + _DAYS * MILLISECONDS_PER_DAY),
        ):
            letter = await own.write(_harmless(bench), expires=expires)
            await _refused(peer, letter.data, "letter_expired", what=what)
        await own.give(peer, _harmless(bench), expires=bench.now() + (_DAYS - 2) * MILLISECONDS_PER_DAY)


async def _other_key(bench: Bench) -> None:
    own = await correspondent(bench)
    async with own.meet() as peer:
        letter = await own.write(_harmless(bench), key=bench.entropy.token(32))
        await _refused(peer, letter.data, "letter_key", what="sealed to a key that the node does not have")
        await own.give(peer, _harmless(bench))


async def _seal(bench: Bench) -> None:
    own = await correspondent(bench)

    def later(bound: list[Any]) -> None:
        bound[5] += 1

    def sender(bound: list[Any]) -> None:
        bound[1] = bytes(32)

    right = decode((await own.write(_harmless(bench))).data, MAX_LETTER)
    broken = bytearray(right[8])
    broken[-1] ^= 1
    wrong = {
        "a seal with a broken bit": encode([*right[:8], bytes(broken)]),
        "a suite that there is not": encode([*right[:8], b"\x7f" + right[8][1:]]),
        "a seal cut off": encode([*right[:8], right[8][:20]]),
        "sealed with another expiry": (await own.write(_harmless(bench), seal=later)).data,
        "sealed with another sender": (await own.write(_harmless(bench), seal=sender)).data,
    }
    async with own.meet() as peer:
        for what, data in wrong.items():
            await _refused(peer, data, "letter", what=what)
        await own.give(peer, _harmless(bench))


async def _signature(bench: Bench) -> None:
    own = await correspondent(bench)
    seed = bench.entropy.token(32)

    def swap(plaintext: list[Any]) -> None:
        plaintext[0] = encode(_harmless(bench))

    wrong = {
        "signed by a stranger's key": await own.write(_harmless(bench), signer=seed),
        "another content than was signed": await own.write(_harmless(bench), plain=swap),
        "of a bare key, signed by another": await own.write(_harmless(bench), bare=seed, signer=bytes(32)),
    }
    async with own.meet() as peer:
        for what, letter in wrong.items():
            await _refused(peer, letter.data, "letter", what=what)
        await own.give(peer, _harmless(bench))


async def _openers(bench: Bench) -> None:
    own, other = await correspondent(bench), bench.author()
    first = own.author.first
    async with bench.meet() as peer:  # of a session of its own the node might have kept the openers
        for what, code, changes in (
            ("openers of somebody else", "letter", {"openers": [other.first]}),
            ("no openers of an unknown sender", "unknown_author", {"openers": []}),
            ("a key of an epoch to come", "unknown_epoch", {"epoch": 1}),
            ("openers of a bare key", "letter", {"bare": bench.entropy.token(32), "openers": [first]}),
        ):
            letter = await own.write(_harmless(bench), **changes)
            await _refused(peer, letter.data, code, what=what)


async def _retired(bench: Bench) -> None:
    own = await correspondent(bench)
    rotation = own.author.rotation(own.log[-1])
    openers = [own.author.first, rotation]
    async with bench.meet() as peer:  # carried by somebody else: the session of its own key would end
        seed = own.author.seeds[rotation.id]
        letter = await own.write(_harmless(bench), openers=openers)
        await _refused(peer, letter.data, "letter_key", what="signed by a key that was replaced")
        await own.give(peer, _harmless(bench), openers=openers, epoch=1, signer=seed)


async def _padding(bench: Bench) -> None:
    own = await correspondent(bench)

    def ones(plaintext: list[Any]) -> None:
        plaintext[4] = b"\x01" * len(plaintext[4])

    def one_more(plaintext: list[Any]) -> None:
        plaintext[4] += b"\x00"

    async with own.meet() as peer:
        for what, change in (("padding that is not zeros", ones), ("a plaintext of an odd length", one_more)):
            letter = await own.write(_harmless(bench), plain=change)
            await _refused(peer, letter.data, "letter", what=what)


async def _content(bench: Bench) -> None:
    own = await correspondent(bench)
    wrong: dict[str, dict[str, Any] | bytes] = {
        "a content without a type": {"ids": [bytes(16)]},
        "ids of 15 bytes": {"type": "ack", "ids": [bytes(15)]},
        "no ids": {"type": "ack", "ids": []},
        "a code with a space": {"type": "refused", "id": bytes(16), "code": "not so"},
        "ask without a nonce": {"type": "ask", "deal": bytes(32)},
        "a deal without messages": {"type": "deal", "messages": []},
        "bytes that are no map": encode([1]),
    }
    for what, content in wrong.items():
        async with own.meet() as peer:
            letter = await own.write(content)
            await _refused(peer, letter.data, "letter", what=what)


UNKNOWN: Final = {"type": "conformance_test"}


async def _unknown_type(bench: Bench) -> None:
    bench.takes_logs()
    own = await correspondent(bench)
    async with own.meet() as peer:
        await own.known(peer)
        letter = await own.give(peer, UNKNOWN)
        code = await own.refusal(peer, letter)
        want(code == "unknown_type", f"it answers an unknown type with {code}")


async def _reply(bench: Bench) -> None:
    own, known = await correspondent(bench), await correspondent(bench)
    async with own.meet() as peer:  # its log is not shown to the node
        question = {
            "type": "ask",
            "deal": bench.entropy.token(32),
            "nonce": bench.entropy.token(LETTER_ID_BYTES),
        }
        letter = await own.give(peer, {**question, "reply": {"x25519": own.key}})
        code = await own.refusal(peer, letter)
        want(code == "no_deal", f"it answers a question for a deal that there is not with {code}")
    bench.takes_logs()
    async with known.meet() as peer:
        await known.known(peer)
        deal = Purchase(bench)
        await known.give(peer, deal.letter(deal.order))
        await asked(known, peer, deal.id)
        await known.give(peer, deal.letter(deal.add("cancel", {"reason": "other"})))
        for content in known.of("deal"):
            want("reply" in content, "its letter does not say where an answer goes [R-LET-19]")
            want(
                content["reply"]["x25519"] == known.node,
                "the key it names is not that of its newest keys [R-LET-19]",
            )


async def _again(bench: Bench) -> None:
    bench.takes_logs()
    own = await correspondent(bench)
    async with own.meet() as peer:
        await own.known(peer)
        letter = await own.give(peer, UNKNOWN)
        await own.refusal(peer, letter)
        answer = await peer.one("deliver", letter=letter.data)
        want(not answer["kept"], "the same letter again is answered otherwise")
        other = await own.give(peer, {**UNKNOWN, "first": letter.id})
        await _once(own, peer, letter, other)


async def _once(own: Correspondent, peer: Peer, *letters: Sealed) -> None:
    """Fails when the node answers a letter, however often it came, more than once."""
    fence = await own.give(peer, {"type": "conformance_fence"})
    await own.refusal(peer, fence)  # what came before it has had its answer
    ids = {letter.id for letter in letters}

    def twice() -> bool:
        return len([each for each in own.of("refused") if each["id"] in ids]) > 1

    await peer.quiet(twice, "it takes one letter twice and answers it twice [R-LET-12]", QUIET)


async def _by_way(bench: Bench) -> None:
    bench.takes_logs()
    own = await correspondent(bench)
    async with own.meet() as peer:
        await own.known(peer)
        ask = {"type": "ask", "deal": bench.entropy.token(32), "nonce": bench.entropy.token(16)}
        letter = await own.write(ask)
        for times in (1, 2):
            async with bench.meet() as carrier:
                answer = await carrier.one("deliver", letter=letter.data)
                want(not answer["kept"], "it keeps a letter to itself for somebody else")
            await _acknowledged(own, peer, letter, times)


async def _acknowledged(own: Correspondent, peer: Peer, letter: Sealed, times: int) -> None:
    def look() -> bool:
        return len([each for each in own.of("ack") if letter.id in each["ids"]]) >= times

    try:
        await peer.until(look, "ack")
    except Broken as broken:
        which = "it does not acknowledge what came by way of another"
        raise Broken(f"{which}{' again' if times > 1 else ''} [R-LET-17]: {broken}") from broken


async def _stamped(bench: Bench) -> None:
    bench.asks_stamp()
    own = await correspondent(bench)
    right = await own.write(_harmless(bench))
    bare = encode([*decode(right.data, MAX_LETTER)[:7], None, decode(right.data, MAX_LETTER)[8]])
    async with own.meet() as peer:
        await _refused(peer, bare, "letter_token", what="a stranger's letter without a stamp")
        await peer.one("deliver", letter=right.data)


CHECKS: Final = (
    Check(
        "C3-01",
        "R-LET-12 R-LET-3 R-LET-4 R-LET-7 R-LET-13",
        KEEPERS,
        "takes letters of networkers and of bare keys",
        _taken,
    ),
    Check("C3-02", "R-LET-1 R-LET-12", KEEPERS, "refuses frames of a wrong form with `letter`", _frame),
    Check("C3-03", "R-LET-1 R-MSG-4", KEEPERS, "ends with `bad_message` on a letter too large", _too_large),
    Check("C3-04", "R-LET-12", KEEPERS, "refuses letters whose time is over or too far ahead", _expiry),
    Check("C3-05", "R-LET-2 R-LET-12", KEEPERS, "refuses with `letter_key` what its keys do not open", _other_key),
    Check("C3-06", "R-LET-3", KEEPERS, "refuses with `letter` a seal that is broken or bound to another frame", _seal),
    Check("C3-07", "R-LET-4 R-LET-5", KEEPERS, "refuses letters that their sender did not sign", _signature),
    Check("C3-08", "R-LET-5", KEEPERS, "checks whose openers come along, and that they are there", _openers),
    Check("C3-09", "R-LET-5", KEEPERS, "refuses with `letter_key` what a replaced key signed", _retired),
    Check("C3-10", "R-LET-6 R-LET-5", KEEPERS, "refuses padding that is none", _padding),
    Check("C3-11", "R-LET-7 R-LET-5", KEEPERS, "refuses contents of a wrong form with `letter`", _content),
    Check(
        "C3-12",
        "R-LET-18 R-LET-4 R-LET-6 R-LET-11",
        KEEPERS,
        "answers an unknown type with a letter `refused`, sealed and signed",
        _unknown_type,
    ),
    Check("C3-13", "R-LET-12 R-LET-8 R-LET-13", KEEPERS, "takes a letter once, however often it comes", _again),
    Check("C3-14", "R-LET-17", KEEPERS, "acknowledges what came by way of another, again when it comes again", _by_way),
    Check("C3-16", "R-LET-19", KEEPERS, "says where answers go, and answers there itself", _reply),
    Check("C3-15", "R-LET-10", KEEPERS, "asks strangers for a stamp in a letter", _stamped),
)  # fmt: skip
