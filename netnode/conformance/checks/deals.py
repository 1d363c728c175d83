"""C3: deals with the node as the seller, as far as they go without its owner: what is kept, refused, answered."""

from __future__ import annotations

from typing import Any, Final

from netnode.conformance.bench import Bench
from netnode.conformance.checking import KEEPERS, Check, want
from netnode.conformance.correspondent import (
    LINE,
    MINUTE,
    Correspondent,
    Purchase,
    Sealed,
    asked,
    consent,
    correspondent,
    soon,
)
from netnode.conformance.encoding import decode, encode
from netnode.conformance.peer import Peer
from netnode.conformance.signatures import public, sign
from netnode.conformance.tags import sha256, tag

CANCEL: Final = {"reason": "other"}


async def _buyer(bench: Bench) -> Correspondent:
    bench.takes_logs()
    return await correspondent(bench)


async def _sent(own: Correspondent, peer: Peer, deal: Purchase, *messages: bytes, **changes: Any) -> None:
    """Hands over messages of a deal in a letter."""
    await own.give(peer, deal.letter(*messages, **changes))


async def _has(own: Correspondent, peer: Peer, deal: Purchase, *messages: bytes) -> None:
    """Fails unless the node has these messages of ours, byte for byte, and no others of ours."""
    found = set(await asked(own, peer, deal.id))
    ours = {each for each in found if decode(each, 1 << 16)[2] == "buyer"}
    lacking = [decode(each, 1 << 16)[0] for each in set(messages) - ours]
    want(not lacking, f"it has not kept: {' '.join(lacking)} [R-DEAL-11]")
    want(ours == set(messages), "it has messages of ours that it was never to keep [R-DEAL-33]")


async def _refused(own: Correspondent, peer: Peer, content: dict[str, Any], what: str, *codes: str) -> None:
    """Fails unless the node answers a letter with one of these codes."""
    letter = await own.give(peer, content)
    code = await own.refusal(peer, letter)
    want(code in codes, f"{what}: refused with {code}, not with {' or '.join(codes)}")


async def _over(own: Correspondent, peer: Peer, deal: Purchase) -> None:
    """Ends what a check began, so that nobody has to look at it."""
    await _sent(own, peer, deal, deal.add("cancel", CANCEL))


async def _order(bench: Bench) -> None:
    own = await _buyer(bench)
    async with own.meet() as peer:
        await own.known(peer)
        deal = Purchase(bench)
        await _sent(own, peer, deal, deal.order)
        await _has(own, peer, deal, deal.order)
        await _sent(own, peer, deal, deal.order)  # again: another letter, the same message
        cancel = deal.add("cancel", CANCEL)
        await _sent(own, peer, deal, cancel)
        await _has(own, peer, deal, deal.order, cancel)


async def _forms(bench: Bench) -> None:
    own = await _buyer(bench)
    async with own.meet() as peer:
        await own.known(peer)
        deal = Purchase(bench)
        await _sent(own, peer, deal, deal.order)
        frame = decode(deal.message("cancel", CANCEL), 1 << 16)
        for what, wrong in (
            ("a type that there is not", deal.message("gift", {})),
            ("a body without its field", deal.message("cancel", {})),
            ("a payment of nothing", deal.message("payment_sent", {"amount": 0})),
            ("a part above all", deal.message("receive", {"part": 50})),
            ("number 1 without a predecessor", encode([*frame[:4], None, *frame[5:]])),
            ("one named twice", encode([*frame[:5], [frame[4]], *frame[6:]])),
            ("an epoch of a buyer", encode([*frame[:7], 0, *frame[8:]])),
            ("nine members", encode(frame[:9])),
        ):
            await _refused(own, peer, deal.letter(wrong), what, "deal_message")
        await _over(own, peer, deal)


async def _orders(bench: Bench) -> None:
    own = await _buyer(bench)
    async with own.meet() as peer:
        await own.known(peer)
        deal = Purchase(bench)
        frame = decode(deal.order, 1 << 16)
        body = frame[8]
        moneys = {"issuer": bytes(32), "unit": "hour"}
        for what, code, changes in (
            ("two moneys", "deal_message", moneys),
            ("tax above the price", "deal_message", {"tax": 101}),
            (
                "an arbiter without consent",
                "deal_message",
                {"terms": {**body["terms"], "arbiter": bytes(32)}},
            ),
            ("no listing and no offer", "deal_message", {"listing": None}),
            ("no parts", "deal_message", {"parts": []}),
            ("a key of small order", "key", {"key": bytes(32)}),
            ("a key of small order and two moneys", "key", {"key": bytes(32), **moneys}),
            ("no parts and a key of small order", "deal_message", {"key": bytes(32), "parts": []}),
        ):
            changed = {name: value for name, value in {**body, **changes}.items() if value is not None}
            wrong = deal.message("order", changed, number=0)
            content = {**deal.letter(wrong), "enclosures": [deal.goods]}
            await _refused(own, peer, content, what, code)


async def _signed(bench: Bench) -> None:
    own = await _buyer(bench)
    other = bench.entropy.token(32)
    async with own.meet() as peer:
        await own.known(peer)
        deal = Purchase(bench)
        forged = deal.message("order", decode(deal.order, 1 << 16)[8], seed=other, number=0)
        content = {**deal.letter(forged), "enclosures": [deal.goods]}
        await _refused(own, peer, content, "an order that its key did not sign", "signature")
        await _sent(own, peer, deal, deal.order)
        for what, wrong in (
            ("a message of a stranger in a deal", deal.message("cancel", CANCEL, seed=other)),
            (
                "a message of the seller that the seller did not sign",
                deal.message("accept", {"key": public(deal.seed)}, role="seller", epoch=0, number=0),
            ),
        ):
            await _refused(own, peer, deal.letter(wrong), what, "signature")
        await _has(own, peer, deal, deal.order)
        await _over(own, peer, deal)


async def _void(bench: Bench) -> None:
    own = await _buyer(bench)
    async with own.meet() as peer:
        await own.known(peer)
        deal = Purchase(bench)
        await _sent(own, peer, deal, deal.order)
        receive = deal.add("receive", {})  # there is no contract
        lapse = deal.add("lapse_accept", {})  # too early
        back = deal.message("cancel", CANCEL, number=1, previous=sha256(receive))  # a wrong number
        await _sent(own, peer, deal, receive, lapse, back)
        await _has(own, peer, deal, deal.order, receive, lapse, back)
        await _over(own, peer, deal)


async def _doubled(bench: Bench) -> None:
    own = await _buyer(bench)
    async with own.meet() as peer:
        await own.known(peer)
        deal = Purchase(bench)
        await _sent(own, peer, deal, deal.order)
        other = deal.message("cancel", {"reason": "changed_mind"})
        cancel = deal.add("cancel", CANCEL)
        await _sent(own, peer, deal, cancel)
        await _sent(own, peer, deal, other)
        await _has(own, peer, deal, deal.order, cancel, other)


async def _waits(bench: Bench) -> None:
    own = await _buyer(bench)
    async with own.meet() as peer:
        await own.known(peer)
        deal = Purchase(bench)
        await _sent(own, peer, deal, deal.order)
        ahead = deal.message("cancel", CANCEL, later=30 * MINUTE)
        await _sent(own, peer, deal, ahead)
        await _has(own, peer, deal, deal.order, ahead)
        first = deal.add("cancel", CANCEL)
        second = deal.add("receive", {})
        await _sent(own, peer, deal, second)  # before the one it names
        await own.awaits(peer, "ask", lambda each: each["deal"] == deal.id)
        await _sent(own, peer, deal, first)
        await _has(own, peer, deal, deal.order, ahead, first, second)


async def _enclosures(bench: Bench) -> None:
    own = await _buyer(bench)
    async with own.meet() as peer:
        await own.known(peer)
        deal, other = Purchase(bench), Purchase(bench)
        await _refused(
            own, peer, deal.letter(deal.order, goods=False), "an order without its goods", "enclosure"
        )
        content = {**deal.letter(deal.order), "enclosures": [other.goods]}
        await _refused(own, peer, content, "an order with other goods than it signs", "enclosure")
        await _sent(own, peer, deal, deal.order)
        await _has(own, peer, deal, deal.order)
        await _over(own, peer, deal)


async def _ask(bench: Bench) -> None:
    own, stranger = await _buyer(bench), await _buyer(bench)
    deal = Purchase(bench)
    async with own.meet() as peer, stranger.meet() as other:
        await own.known(peer)
        await stranger.known(other)
        await _sent(own, peer, deal, deal.order)
        await _has(own, peer, deal, deal.order)
        question = {"type": "ask", "nonce": bench.entropy.token(16)}
        unknown = {**question, "deal": bench.entropy.token(32)}
        await _refused(own, peer, unknown, "ask for a deal that there is not", "no_deal")
        content = {**question, "deal": deal.id}
        await _refused(stranger, other, content, "ask of somebody who has no part in the deal", "not_party")
        want(not stranger.of("deal"), "it shows a deal to somebody who has no part in it")
        await _over(own, peer, deal)


async def _offers(bench: Bench) -> None:
    own = await _buyer(bench)
    async with own.meet() as peer:
        await own.known(peer)
        code = bench.entropy.token(8).hex()
        content = {"type": "ask_offer", "code": code}
        await _refused(own, peer, content, "a code that nobody gave out", "no_offer")


def _offer(bench: Bench, **changes: object) -> bytes:
    """A discount of the node that it never signed."""
    return encode({
        "$": bench.entropy.token(16),
        "discount": {"points": 1_000, "title": "A tenth off"},
        "epoch": 0,
        "expires": bench.now() + MINUTE,
        "seller": bench.known.id,
        "signature": bench.entropy.token(64),
        "time": bench.now() - 2 * MINUTE,
        **changes,
    })  # fmt: skip


async def _offered(bench: Bench) -> None:
    own = await _buyer(bench)
    async with own.meet() as peer:
        await own.known(peer)
        for what, code, offer in (
            ("an offer that the seller did not sign", "signature", _offer(bench)),
            ("an offer without terms or discount", "deal_message", _offer(bench, discount={"title": "x"})),
            ("an offer that is no map", "deal_message", encode([1])),
        ):
            deal = Purchase(bench, offer=offer)
            await _refused(own, peer, deal.letter(deal.order), what, code)


async def _named(bench: Bench) -> None:
    own = await _buyer(bench)
    async with own.meet() as peer:
        await own.known(peer)
        named = {"epoch": 0, "id": own.id, "signature": bench.entropy.token(64)}
        deal = Purchase(bench, named=named)
        what = "an order in the name of a networker who did not sign it"
        await _refused(own, peer, deal.letter(deal.order), what, "signature")


async def _consent(bench: Bench) -> None:
    own = await _buyer(bench)
    async with own.meet() as peer:
        await own.known(peer)
        terms = decode(Purchase(bench).order, 1 << 16)[8]["terms"]
        consent = {
            "$": bench.entropy.token(16),
            "arbiter": own.id,
            "epoch": 0,
            "expires": bench.now() + MINUTE,
            "points": 100,
            "signature": bench.entropy.token(64),
            "terms": bench.entropy.token(32),
            "time": bench.now() - 2 * MINUTE,
        }
        for what, code, changes in (
            ("a consent that its arbiter did not sign", "signature", {}),
            ("a consent with two fees", "deal_message", {"amount": 1, "currency": "EUR"}),
        ):
            given = {**terms, "arbiter": own.id, "consent": encode({**consent, **changes})}
            deal = Purchase(bench, terms=given)
            await _refused(own, peer, deal.letter(deal.order), what, code)


async def _statements(bench: Bench) -> None:
    own = await _buyer(bench)
    async with own.meet() as peer:
        await own.known(peer)
        deal = Purchase(bench, mandate={"notice": MINUTE, "per": {"count": 1, "unit": "month"}})
        await _sent(own, peer, deal, deal.order)
        statement = ["pause", deal.id, 0, bench.now(), None]
        signed = encode([*statement, sign(deal.seed, tag(bench.network, "mandate") + encode(statement))])
        forged = encode([*statement, bench.entropy.token(64)])
        letter = {"type": "mandate", "order": deal.id, "statements": [signed]}
        unknown = {**letter, "order": bench.entropy.token(32)}
        await _refused(own, peer, unknown, "statements on an order that there is not", "no_deal")
        for what, code, wrong in (
            ("a statement that the order's key did not sign", "signature", forged),
            ("a statement of another form", "deal_message", encode(statement)),
        ):
            await _refused(own, peer, {**letter, "statements": [wrong]}, what, code)
        right = await own.give(peer, letter)
        await _over(own, peer, deal)
        await _has(own, peer, deal, *deal.said)  # and what came before this has had its answer
        want(all(each["id"] != right.id for each in own.of("refused")), "it refuses the buyer's statement")


async def _asks_statements(bench: Bench) -> None:
    own = await _buyer(bench)
    async with own.meet() as peer:
        await own.known(peer)
        deal = Purchase(bench, mandate={"notice": MINUTE, "per": {"count": 1, "unit": "month"}})
        await _sent(own, peer, deal, deal.order)
        statements = []
        for number, action in enumerate(("pause", "resume")):
            said = [action, deal.id, number, bench.now(), None]
            statements.append(encode([*said, sign(deal.seed, tag(bench.network, "mandate") + encode(said))]))
        letter = {"type": "mandate", "order": deal.id}
        await own.give(peer, {**letter, "statements": statements[1:]})
        await own.give(peer, {**letter, "statements": statements[:1], "asks": True})
        answer = await own.awaits(peer, "mandate", lambda each: each["order"] == deal.id)
        told = set(answer.get("statements", []))
        want(told == set(statements), "its answer lacks a statement that it has, or has another [R-MAN-9]")
        await _over(own, peer, deal)


async def _given_offers(bench: Bench) -> None:
    own, other = await _buyer(bench), bench.entropy.token(32)
    seed = own.author.seeds[own.author.first.id]
    goods = encode({"$": bench.entropy.token(16), "lines": [LINE]})

    def offer(by: bytes = seed, **changes: Any) -> bytes:
        fields = {
            "$": bench.entropy.token(16),
            "epoch": 0,
            "expires": bench.now() + MINUTE,
            "quote": {
                "currency": "EUR",
                "enclosed": sha256(goods),
                "parts": [{"price": 100}],
                "terms": soon(),
            },
            "seller": own.id,
            "time": bench.now() - MINUTE,
            **changes,
        }
        return encode({**fields, "signature": sign(by, tag(bench.network, "offer") + encode(fields))})

    async with own.meet() as peer:
        await own.known(peer)
        stranger = bench.entropy.token(32)
        for what, code, changes, enclosed in (
            ("an offer of a wrong form, by nobody", "deal_message", {"quote": {}, "by": other}, goods),
            ("an offer that its seller did not sign", "signature", {"by": other}, goods),
            ("an offer of a seller who is not known", "signature", {"seller": stranger}, goods),
            ("an offer to somebody else, without its goods", "not_party", {"buyer": stranger}, None),
            ("an offer without the goods it quotes", "enclosure", {}, None),
            (
                "an offer with other goods than it quotes",
                "enclosure",
                {},
                encode({"$": bytes(16), "lines": [LINE]}),
            ),
        ):
            enclosures = [] if enclosed is None else [enclosed]
            content = {"type": "offer", "offer": offer(**changes), "enclosures": enclosures}
            await _refused(own, peer, content, what, code)
        right = await own.give(peer, {"type": "offer", "offer": offer(), "enclosures": [goods]})
        await _answered(own, peer, right, "an offer that its seller signed")


async def _given_consents(bench: Bench) -> None:
    own, text = await _buyer(bench), "Conformance test: the loser pays."
    stranger = await _buyer(bench)
    openers = [[each.alone() for each in own.log[:1]]]
    async with own.meet() as peer:
        await own.known(peer)
        right = consent(bench, own, text)
        other = {**decode(right, 1 << 16), "expires": bench.now() + 2 * MINUTE}
        for what, code, changes in (
            ("a consent of a wrong form, with other terms", "deal_message", {"consent": encode({}), "text": "x"}),
            ("other terms, of a consent of another", "consent",
             {"consent": consent(bench, stranger, text), "text": "x"}),
            ("a consent that another brings", "not_party", {"consent": consent(bench, stranger, text)}),
            ("a consent that its arbiter did not sign", "signature", {"consent": encode(other)}),
        ):  # fmt: skip
            content = {"type": "consent", "consent": right, "openers": openers, "text": text, **changes}
            await _refused(own, peer, content, what, code)
        content = {"type": "consent", "consent": right, "openers": openers, "text": text}
        await _answered(own, peer, await own.give(peer, content), "a consent of its arbiter")


async def _answered(own: Correspondent, peer: Peer, letter: Sealed, what: str) -> None:
    """Fails when a letter is refused; once a later one is, whatever came before it has had its answer."""
    nonce, deal = bytes(16), sha256(letter.id)  # there is no such deal
    await own.refusal(peer, await own.give(peer, {"type": "ask", "deal": deal, "nonce": nonce}))
    want(all(each["id"] != letter.id for each in own.of("refused")), f"it refuses {what}")


CHECKS: Final = (
    Check("C3-40", "R-DEAL-33 R-DEAL-2 R-DEAL-11 R-DEAL-31", KEEPERS, "takes an order, byte for byte", _order),
    Check("C3-41", "R-DEAL-1 R-DEAL-2 R-DEAL-3", KEEPERS, "refuses messages of a wrong form", _forms),
    Check("C3-42", "R-DEAL-6 R-DEAL-1", KEEPERS, "refuses orders that contradict themselves", _orders),
    Check("C3-43", "R-DEAL-5 R-DEAL-10 R-DEAL-33", KEEPERS, "refuses what its sender did not sign", _signed),
    Check("C3-44", "R-DEAL-11 R-DEAL-33", KEEPERS, "keeps what has no effect", _void),
    Check("C3-45", "R-DEAL-17 R-DEAL-11", KEEPERS, "keeps two messages with one number", _doubled),
    Check("C3-46", "R-DEAL-12 R-DEAL-10 R-DEAL-33", KEEPERS, "keeps what waits", _waits),
    Check("C3-47", "R-DEAL-4 R-DEAL-33", KEEPERS, "refuses an order without the goods it signs", _enclosures),
    Check("C3-48", "R-DEAL-33 R-DEAL-32", KEEPERS, "shows a deal to those who have part in it alone", _ask),
    Check("C3-49", "R-DEAL-34", KEEPERS, "refuses to give an offer for a code that there is not", _offers),
    Check("C3-50", "R-OFF-2 R-OFF-1", KEEPERS, "refuses orders on offers that their seller did not sign", _offered),
    Check("C3-51", "R-OFF-4", KEEPERS, "refuses orders in the name of who did not sign", _named),
    Check("C3-52", "R-ARB-2 R-ARB-1", KEEPERS, "refuses orders with a consent that its arbiter did not sign", _consent),
    Check("C3-53", "R-MAN-9 R-MAN-3", KEEPERS, "refuses statements that the buyer did not sign", _statements),
    Check("C3-54", "R-MAN-9", KEEPERS, "tells who asks all statements that it has", _asks_statements),
    Check("C3-55", "R-DEAL-34 R-OFF-1 R-OFF-2", KEEPERS, "takes offers that are signed, and for it", _given_offers),
    Check("C3-56", "R-ARB-5 R-ARB-1 R-ARB-2", KEEPERS, "takes consents that their arbiters sent", _given_consents),
)  # fmt: skip
