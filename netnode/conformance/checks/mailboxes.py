"""C3: a node that keeps letters for others, or says that it does not."""

from __future__ import annotations

from typing import Any, Final

from netnode.conformance.bench import Bench
from netnode.conformance.checking import KEEPERS, Check, Skipped, want
from netnode.conformance.correspondent import FEATURE, MINUTE, Correspondent, Sealed
from netnode.conformance.encoding import encode
from netnode.conformance.hpke import public
from netnode.conformance.limits import LETTER_ID_BYTES, MILLISECONDS_PER_DAY
from netnode.conformance.peer import QUIET, Peer

_MANY: Final = 300  # letters of the largest size: 18 MB, more than a node should keep for a stranger
_LARGE: Final = 50_000


def _recipient(bench: Bench) -> Correspondent:
    """Somebody who can be written to; the node is only asked to keep the letter."""
    bench.needs(FEATURE, "letters")
    return Correspondent(bench, public(bench.entropy.token(32)))


async def _letter(bench: Bench, to: Correspondent, size: int = 0, **changes: Any) -> Sealed:
    """A letter of a stranger to somebody else than the node."""
    writer = Correspondent(bench, to.key)
    content = {"type": "conformance_test", "filler": bytes(size)}
    return await writer.write(content, to=to.id, **changes)


async def _keeps(bench: Bench, peer: Peer, letter: Sealed) -> bool:
    """Whether the node keeps a letter; refusals other than `mailbox` fail."""
    [answer] = await peer.ask("deliver", letter=letter.data)
    if answer.name == "refuse":
        code = answer.body["code"]
        want(code == "mailbox", f"it refuses a letter for somebody else with {code}, not with mailbox")
        return False
    want(answer.body["kept"], "it says that it is the recipient of a letter to somebody else [R-LET-14]")
    return True


async def _kept(bench: Bench) -> tuple[Correspondent, Sealed]:
    """A recipient and a letter that the node keeps for it."""
    recipient = _recipient(bench)
    letter = await _letter(bench, recipient)
    async with bench.meet() as carrier:
        if not await _keeps(bench, carrier, letter):
            raise Skipped("the node keeps no letters for strangers")
    return recipient, letter


async def _others(bench: Bench) -> None:
    recipient = _recipient(bench)
    async with bench.meet() as carrier:
        await _keeps(bench, carrier, await _letter(bench, recipient))
        wrong = (await _letter(bench, recipient)).data + b"\x00"
        code = await carrier.refused("deliver", letter=wrong)
        want(code == "letter", f"a frame of a wrong form is refused with {code}, not with letter")
        for expires in (bench.now() - 60 * MINUTE, bench.now() + 31 * MILLISECONDS_PER_DAY):
            letter = await _letter(bench, recipient, expires=expires)
            code = await carrier.refused("deliver", letter=letter.data)
            want(code == "letter_expired", f"a letter out of its time is refused with {code}")


async def _hands_over(bench: Bench) -> None:
    recipient, letter = await _kept(bench)
    async with recipient.meet() as peer:
        question = await peer.until(lambda: next(iter(peer.asks("deliver")), None), "the letter it keeps")
        want(question.body["letter"] == letter.data, "it hands over other bytes than it was given [R-LET-15]")
        await peer.goes_on()
    async with recipient.meet() as peer:
        await peer.goes_on()
        await peer.quiet(lambda: peer.asks("deliver"), "it offers a letter again that was taken", QUIET)


async def _holds(bench: Bench) -> None:
    recipient, letter = await _kept(bench)
    recipient.takes = False
    for _ in range(2):
        async with recipient.meet() as peer:
            question = await peer.until(lambda: next(iter(peer.asks("deliver")), None), "the letter it keeps")
            want(question.body["letter"] == letter.data, "it hands over other bytes than it was given")
    recipient.takes = True
    async with recipient.meet() as peer:
        await peer.until(lambda: recipient.of("conformance_test"), "the letter, after it was not taken")


async def _bounded(bench: Bench) -> None:
    recipient, _ = await _kept(bench)
    async with bench.meet() as carrier:
        for _ in range(_MANY):
            letter = await _letter(bench, recipient, _LARGE, expires=bench.now() + MINUTE)
            [answer] = await carrier.ask("deliver", letter=letter.data)
            if answer.name == "refuse":
                code = answer.body["code"]
                want(code in ("mailbox_full", "rate"), f"it refuses with {code}, not with mailbox_full")
                return
    want(held=False, text=f"it keeps {_MANY} letters of {_LARGE} bytes that one stranger brings for another")


async def _token(bench: Bench) -> None:
    """A token that the recipient signed lets a letter in where strangers are asked for a stamp."""
    bench.asks_stamp()
    recipient = _recipient(bench)
    async with recipient.meet() as peer:
        await recipient.known(peer)
    writer = Correspondent(bench, recipient.key)
    token = recipient.token(writer.id)
    content = {"type": "ack", "ids": [bench.entropy.token(LETTER_ID_BYTES)]}
    letter = await writer.write(content, to=recipient.id, token=token, stamped=False)
    without = await writer.write(content, to=recipient.id, token=encode([1]), stamped=False)
    async with bench.meet() as carrier:
        [answer] = await carrier.ask("deliver", letter=letter.data)
        if answer.name == "refuse" and answer.body["code"] == "mailbox":
            raise Skipped("the node keeps no letters for strangers")
        want(answer.name == "delivered", f"a letter with a token is refused: {answer.body}")
        code = await carrier.refused("deliver", letter=without.data)
        want(code == "letter_token", f"a letter without token or stamp is refused with {code}")


CHECKS: Final = (
    Check(
        "C3-20",
        "R-LET-14 R-LET-1",
        KEEPERS,
        "keeps letters for others, or refuses them with `mailbox`",
        _others,
    ),
    Check(
        "C3-21",
        "R-LET-15 R-LET-14",
        KEEPERS,
        "hands over what it keeps, the same bytes, until taken",
        _hands_over,
    ),
    Check("C3-22", "R-LET-15 R-LET-14", KEEPERS, "keeps a letter that its recipient could not take", _holds),
    Check("C3-23", "R-LET-14", KEEPERS, "bounds what one stranger leaves for another", _bounded),
    Check("C3-24", "R-LET-9 R-LET-14", KEEPERS, "takes a letter with a token of its recipient", _token),
)
