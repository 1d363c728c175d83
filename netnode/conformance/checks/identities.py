"""C1: identity payloads and certificates, as the dialler shows them in message 3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from netnode.conformance.author import Author
from netnode.conformance.bench import Bench, Payload, closed, received
from netnode.conformance.checking import EVERYBODY, KEEPERS, Check, want
from netnode.conformance.encoding import decode, encode
from netnode.conformance.entries import INCEPTION, NOTHING, Entry, Header
from netnode.conformance.limits import CLOCK_TOLERANCE_MS, MILLISECONDS_PER_DAY, SESSION_KEY_DAYS
from netnode.conformance.signatures import NEUTRAL
from netnode.conformance.signatures import public as signing_key
from netnode.conformance.tags import networker_id, sha256

MINUTE: Final = 60_000
TOO_LONG: Final = SESSION_KEY_DAYS + CLOCK_TOLERANCE_MS / MILLISECONDS_PER_DAY + 0.01  # days


async def _refuses(bench: Bench, own: Author, payload: Payload) -> None:
    """The handshake ends: closed, without a message."""
    async with bench.shaken(own, payload) as (socket, _):
        await closed(socket)


async def _accepts(bench: Bench, own: Author, payload: Payload) -> None:
    async with bench.meet(own, payload=payload) as peer:
        await peer.goes_on()


def _until(days: float) -> Callable[[Bench], tuple[Author, Payload]]:
    def made(bench: Bench) -> tuple[Author, Payload]:
        own = bench.author()
        return own, lambda key: own.payload(key, own.until(days), [own.first])

    return made


async def _expired(bench: Bench) -> None:
    await _refuses(bench, *_until(-(CLOCK_TOLERANCE_MS + 2 * MINUTE) / MILLISECONDS_PER_DAY)(bench))


async def _too_long(bench: Bench) -> None:
    await _refuses(bench, *_until(TOO_LONG)(bench))


async def _tolerated(bench: Bench) -> None:
    await _accepts(bench, *_until(-MINUTE / MILLISECONDS_PER_DAY)(bench))
    await _accepts(bench, *_until(SESSION_KEY_DAYS)(bench))


async def _other_static(bench: Bench) -> None:
    own = bench.author()
    await _refuses(bench, own, lambda _: own.payload(bench.entropy.token(32), own.until(), [own.first]))


async def _other_signer(bench: Bench) -> None:
    own = bench.author()
    seed = bench.entropy.token(32)
    await _refuses(bench, own, lambda key: own.payload(key, own.until(), [own.first], seed))


async def _other_network(bench: Bench) -> None:
    own = bench.author()

    def payload(key: bytes) -> bytes:
        own.network = "other-network"
        try:
            return own.payload(key, own.until(), [own.first])
        finally:
            own.network = bench.network

    await _refuses(bench, own, payload)


async def _refused_openers(bench: Bench, own: Author, *openers: Entry) -> None:
    seed = own.seeds[own.first.id]
    await _refuses(bench, own, lambda key: own.payload(key, own.until(), list(openers), seed))


async def _inceptions(bench: Bench) -> None:
    own, other = bench.author(), bench.author()
    unsigned = replace(own.first, signature=bench.entropy.token(64))
    header = replace(own.first.header, author=other.id)
    seed = own.seeds[own.first.id]
    of_another = own.signed(header, own.record, seed)
    placed = own.signed(replace(own.first.header, prev=other.id), own.record, seed)
    for inception in (unsigned, of_another, placed, own.entry(own.first)):
        await _refused_openers(bench, own, inception)


async def _entries(bench: Bench) -> None:
    """The inception as an entry of a wrong form, one fault each."""
    own = bench.author()
    header, signature, record = own.first.alone()
    fields = decode(header)
    wrong: tuple[list[object], ...] = (
        [header, signature],
        [header, signature, record, None],
        [header, signature[:63], record],
        [header, signature, None],
        [header, signature, record + b"\x00"],
        [encode([2, *fields[1:]]), signature, record],
        [encode(fields[:9]), signature, record],
        [b"\xdc\x00\x0a" + header[1:], signature, record],
        [encode([*fields[:9], 1 << 20]), signature, record],
    )

    def payload(entry: list[object]) -> Payload:
        return lambda key: encode({**decode(own.payload(key, own.until(), [own.first])), "openers": [entry]})

    for entry in wrong:
        await _refuses(bench, own, payload(entry))


async def _small_keys(bench: Bench) -> None:
    own, nonce = bench.author(), bench.entropy.token(16)
    record = encode({"key": NEUTRAL, "nonce": nonce, "promise": bytes(32)})
    id_ = networker_id(bench.network, record)
    header = Header(1, id_, 0, NOTHING, 0, 0, bench.now(), INCEPTION, sha256(record), len(record))
    forged = replace(
        own.signed(header, record, own.seeds[own.first.id]), signature=NEUTRAL + bytes(32)
    )  # anybody could make it
    await _refused_openers(bench, own, forged)


async def _rotations(bench: Bench) -> None:
    own = bench.author()
    wrong = (
        own.rotation(own.first, reveal=bench.entropy.token(32)),
        own.rotation(own.first, signs=own.seeds[own.first.id]),
        own.rotation(own.first, skip=1),
        own.settlement(own.first),
        own.first,
    )
    for opener in wrong:
        await _refused_openers(bench, own, own.first, opener)


async def _rotated(bench: Bench) -> None:
    own = bench.author()
    openers = [own.first]
    for _ in range(3):
        openers.append(own.rotation(openers[-1]))
    await _accepts(bench, own, lambda key: own.payload(key, own.until(), openers))
    if bench.known.all and not bench.known.asks_stamp:
        await bench.tells(own.id, [0, own.id, 3, 0, 3, openers[-1].id, 3])  # it took them in


async def _retired(bench: Bench) -> None:
    own = bench.author()
    rotation = own.rotation(own.first)
    await _accepts(bench, own, lambda key: own.payload(key, own.until(), [own.first, rotation]))
    async with bench.meet(
        own, payload=lambda key: own.payload(key, own.until(), [own.first]), greet=False
    ) as peer:
        ending = await peer.ended()  # closed, or told why: so a home left behind by its rotation learns of it
        want(ending.said in (None, "certificate"), f"bye {ending.said}, not certificate")
        want(ending.closed in (1002, None), f"close code {ending.closed}, not 1002")


async def _form(bench: Bench) -> None:
    own = bench.author()

    def right(key: bytes) -> dict[str, object]:
        return dict(decode(own.payload(key, own.until(), [own.first])))

    def not_canonical(key: bytes) -> bytes:
        return b"\xde\x00\x02" + encode(right(key))[1:]

    wrong: tuple[Payload, ...] = (
        not_canonical,
        lambda key: encode(right(key)) + b"\x00",
        lambda key: encode({**right(key), "openers": []}),
        lambda key: encode({"openers": right(key)["openers"]}),
        lambda _: b"",
    )
    for payload in wrong:
        await _refuses(bench, own, payload)
    await _accepts(bench, own, lambda key: encode({**right(key), "z": [1, None]}))


async def _signing_key(bench: Bench) -> None:
    async with bench.shaken() as (socket, session):
        await received(socket)
        peer = session.peer
        assert peer is not None
        want(
            peer.key != signing_key(bytes(32)) and peer.key not in peer.openers.keys(peer.epoch),
            "one key for both",
        )


CHECKS: Final = (
    Check(
        "C1-33",
        "R-ENTRY-6 R-ENTRY-1 R-ENTRY-2 R-ENTRY-5 R-CERT-3",
        EVERYBODY,
        "refuses entries of a wrong form",
        _entries,
    ),
    Check("C1-20", "R-CERT-2", EVERYBODY, "refuses a certificate that has expired", _expired),
    Check("C1-21", "R-CERT-2", EVERYBODY, "refuses a certificate that holds too long", _too_long),
    Check(
        "C1-22", "R-CERT-2", EVERYBODY, "accepts certificates within the bounds and the tolerance", _tolerated
    ),
    Check("C1-23", "R-CERT-3", EVERYBODY, "refuses a certificate of another session key", _other_static),
    Check(
        "C1-24", "R-CERT-1 R-CERT-3", EVERYBODY, "refuses a certificate signed by another key", _other_signer
    ),
    Check("C1-25", "R-TAG-1 R-CERT-1", EVERYBODY, "refuses a certificate of another network", _other_network),
    Check(
        "C1-26", "R-CERT-3 R-LOG-1 R-ID-1", EVERYBODY, "refuses inceptions that do not verify", _inceptions
    ),
    Check(
        "C1-27", "R-SIG-1 R-LOG-1", EVERYBODY, "refuses an inception with a key of small order", _small_keys
    ),
    Check(
        "C1-28",
        "R-CERT-3 R-LOG-3",
        EVERYBODY,
        "refuses rotations that do not open the next epoch",
        _rotations,
    ),
    Check(
        "C1-29",
        "R-CERT-4 R-LOG-3 R-KEY-2",
        EVERYBODY,
        "accepts a networker that rotated, and learns it",
        _rotated,
    ),
    Check("C1-30", "R-CERT-5", EVERYBODY, "refuses the certificate of a retired key", _retired),
    Check(
        "C1-31",
        "R-CERT-3 R-ENC-6",
        EVERYBODY,
        "refuses payloads of a wrong form, ignores unknown members",
        _form,
    ),
    Check("C1-32", "R-SES-2 R-KEY-1", KEEPERS, "has a session key apart from its signing key", _signing_key),
)
