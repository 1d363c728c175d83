"""Buyers without a node: each buys by somebody's shop, reads its box there, and pays the credit of who brought it.

What a buyer does is written with the second codec, as a page in a browser would do it: it proves the listing,
signs with the key of its deal, and leaves what proves the sale at its way in [R-SHOP-5..11]. A shop that is down serves
nobody, and nothing waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from netnode.conformance.alone import check_alone
from netnode.conformance.deals import read_message
from netnode.conformance.encoding import decode, encode
from netnode.conformance.entries import LISTING, Entry
from netnode.conformance.faults import Fault
from netnode.conformance.hpke import public as x25519_of
from netnode.conformance.letters import info, key_id, read_content, read_letter, read_plaintext, signed
from netnode.conformance.limits import (
    LETTER_ID_BYTES,
    LETTER_PADDING,
    MAX_LETTER_CONTENT,
    MAX_RECORD,
    SALT_BYTES,
)
from netnode.conformance.paths import hash_of
from netnode.conformance.prices import cost
from netnode.conformance.records import read_record
from netnode.conformance.runs import read_run
from netnode.conformance.shopper import identity
from netnode.conformance.signatures import public, sign
from netnode.conformance.tags import sha256, tag
from netnode.conformance.verdicts import judge
from netnode.deals.terms import terms_of
from netnode.ports import CannotOpen, OpeningKeys, RecipientKeys
from netnode.shop import bodies
from netnode.shop.counter import Counter
from netnode.shop.reviews import ShopReviews
from netnode.simulator.crediting.recommending import NEWEST
from netnode.simulator.crediting.shopper import Map, Shopper
from netnode.simulator.outside import SimSealer
from protocol import encoding
from protocol.errors import ProtocolError
from protocol.referrals import read_link

if TYPE_CHECKING:
    from netnode.simulator.actors import Act, Stall

KEYS: Final = 8
LETTER_MS: Final = 20 * 86_400_000  # why: longer than anybody is away here
ACCEPTED: Final = 0.9  # how often somebody who was served comes back after the order


async def serve_shopper(stall: Stall) -> None:
    """Somebody comes to this node's shop by a link, and orders."""
    own, chance = stall.id_of(stall.node), stall.chance
    links = [each for each in stall.oracle.credits.links[-NEWEST:] if own not in each.referrers]
    if not links:
        return
    link, counter = chance.choice(links), _counter(stall)
    tokens = read_link(link.text).path.tokens
    asked = bodies.ListingAsked(seller=link.seller, key=link.key, path=tokens)
    try:
        told = await counter.listing(asked)
    except ProtocolError as error:  # nothing of it is here, or not any more
        stall.seen.mark(f"shopper refused {error.code}")
        return
    answer = decode(encoding.encode_struct(told), 1 << 22)
    openers, entries = _proved(_network(stall), answer["found"], link.seller)
    record = read_record(LISTING, entries[LISTING].record or b"")
    path = encode([chance.token(SALT_BYTES), list(answer["path"])]) if answer["path"] else b""
    seed, private, count = chance.token(32), chance.token(32), 1 + chance.below(3)
    now = stall.node.clock.now_ms()
    price = cost(record, [([], count)], now, None, None, None).price
    line = {
        "amount": price, "key": link.key, "quantity": count, "title": record["title"], "unit_price": price // count,
    }  # fmt: skip
    goods = encode({
        "$": chance.token(SALT_BYTES), "lines": [line], "reply": {"host": own, "x25519": x25519_of(private)},
    })  # fmt: skip
    sealed_to = _keys(_network(stall), told, link.seller)
    shopper = Shopper(stall.node.name, link.seller, seed, private, path, sealed_to, goods, openers, price)
    more: Map = {name: record[name] for name in ("commission", "points") if name in record}
    if "commission" not in record and "plan" in answer:
        more["plan"] = answer["plan"]
    if path:
        more["path"] = hash_of(_network(stall), path)
    assert stall.node.parts is not None  # it is asked
    terms = decode(encoding.encode_struct(terms_of(stall.node.parts.settings)), MAX_RECORD)
    order: Map = {
        "currency": record["price"]["currency"], "enclosed": sha256(goods), "key": public(seed),
        "listing": entries[LISTING].id, "parts": [{"price": price}], "seller": link.seller, "terms": terms, **more,
    }  # fmt: skip
    shopper.said.append(shopper.drafted(_network(stall), "order", order, now))
    stall.oracle.credits.shoppers.append(shopper)
    if path:
        stall.oracle.credits.led[shopper.deal] = link
    await _leave(stall, shopper)
    stall.seen.mark("shopper ordered")


async def shoppers_return(stall: Stall) -> None:
    """Those whom this node's shop serves look into their boxes, and do what their deals wait for."""
    mine = [each for each in stall.oracle.credits.shoppers if each.host == stall.node.name]
    for shopper in mine:
        if stall.chance.random() < ACCEPTED:
            await _collect(stall, shopper)
            await _go_on(stall, shopper)


async def _go_on(stall: Stall, shopper: Shopper) -> None:
    for type_, body in _wanted(shopper):
        data = shopper.drafted(_network(stall), type_, body, stall.node.clock.now_ms())
        message = read_message(data)
        if judge([*shopper.messages, message], message.time).verdicts.get(message.id, "waits") is None:
            shopper.said.append(data)
            stall.seen.mark(f"shopper says {type_}")
    while shopper.asked and await _send(stall, shopper, _everything(shopper, shopper.asked[0])):
        shopper.asked.pop(0)
        stall.seen.mark("shopper asked for everything")
    if any(sha256(each) not in shopper.kept for each in shopper.said):
        await _leave(stall, shopper)
    if shopper.path and not shopper.proved and shopper.of("accept") and shopper.of("receive"):
        accept = next(data for data in shopper.heard.values() if read_message(data).type == "accept")
        receipts = tuple(each for each in shopper.said if read_message(each).type == "receive")
        left = bodies.Left(accept=accept, path=shopper.path, receipts=receipts)
        try:
            await _counter(stall).leave(left)
        except ProtocolError as error:
            stall.seen.mark(f"shopper refused {error.code}")
            return
        shopper.proved = True
        stall.seen.mark("shopper proved a sale")


def _wanted(shopper: Shopper) -> list[tuple[str, Map]]:
    """What the buyer could say now, the money first; whether it has effect the judge says."""
    found: list[tuple[str, Map]] = []
    if shopper.of("accept") and not shopper.of("payment_sent"):
        found.append(("payment_sent", {"amount": shopper.price}))
    if shopper.of("payment_sent") and not shopper.of("fulfil") and not shopper.of("lapse_fulfil"):
        found.append(("lapse_fulfil", {}))
    if shopper.of("fulfil") and not shopper.of("receive"):
        found.append(("receive", {}))
    sent = sum(each.body["amount"] for each in shopper.of("refund"))
    confirmed = sum(each.body["amount"] for each in shopper.of("refund_received"))
    if sent > confirmed:
        found.append(("refund_received", {"amount": sent - confirmed, "total": sent}))
    return found


# -- letters -------------------------------------------------------------------------------------------------
async def _leave(stall: Stall, shopper: Shopper) -> None:
    """Leaves what the shop does not keep yet; refused, or lost with the power, it is left again another time."""
    messages = [each for each in shopper.said if sha256(each) not in shopper.kept]
    enclosures = [shopper.goods] if shopper.said[0] in messages else []
    if await _send(stall, shopper, {"type": "deal", "messages": messages, "enclosures": enclosures}):
        shopper.kept.update(map(sha256, messages))


def _everything(shopper: Shopper, nonce: bytes) -> Map:
    """The answer to who lacks something of the deal, since its home was put back [R-DEAL-32]."""
    known = sorted((*shopper.said, *shopper.heard.values()), key=lambda each: read_message(each).time)
    answers = {"heads": [sha256(shopper.said[-1])], "nonce": nonce}
    return {"type": "deal", "answers": answers, "messages": known, "enclosures": [shopper.goods]}


async def _send(stall: Stall, shopper: Shopper, content: Map) -> bool:
    """Leaves a letter to the seller at the shop; whether it was taken."""
    network, now, key = _network(stall), stall.node.clock.now_ms(), public(shopper.seed)
    said = encode(content)
    try:  # sellers replace the keys that letters are sealed to
        told = await _counter(stall).listing(bodies.ListingAsked(seller=shopper.seller))
        shopper.sealed_to = _keys(network, told, shopper.seller)
    except ProtocolError as error:
        stall.seen.mark(f"shopper refused {error.code}")
    target, name = shopper.sealed_to, stall.chance.token(LETTER_ID_BYTES)
    bound = [1, key, shopper.seller, key_id(network, target), name, now + LETTER_MS]
    array: list[Any] = [said, None, [], sign(shopper.seed, signed(network, bound, said)), b""]
    array[4] = bytes(-len(encode(array)) % LETTER_PADDING)
    sealer = SimSealer(stall.chance)
    letter = encode(
        [*bound, None, None, sealer.seal(RecipientKeys(target), info(network, bound), encode(array))]
    )
    left = bodies.LetterLeft(
        letter=letter, signature=_signed(stall, shopper, "letter", now, sha256(letter)), time=now
    )
    try:
        await _counter(stall).letter(left, True)
    except ProtocolError as error:
        stall.seen.mark(f"shopper refused {error.code}")
        return False
    shopper.letters[name] = content["messages"]
    return True


async def _collect(stall: Stall, shopper: Shopper) -> None:
    """Reads the box from its beginning: a shop that was put back numbers its letters anew."""
    network, key = _network(stall), public(shopper.seed)
    more, after = True, 0
    while more:
        now = stall.node.clock.now_ms()
        signature = _signed(stall, shopper, "collect", now, key, after)
        asked = bodies.Collect(after=after, box=key, signature=signature, time=now)
        try:
            found = await _counter(stall).collect(asked)
        except ProtocolError as error:
            stall.seen.mark(f"shopper refused {error.code}")
            return
        for number, data in found.letters:
            after = number
            if sha256(data) in shopper.read:
                continue
            shopper.read.add(sha256(data))
            letter = read_letter(data)
            try:
                plaintext = SimSealer(stall.chance).open(
                    OpeningKeys(shopper.private), info(network, letter.bound), letter.sealed
                )
            except CannotOpen:
                raise AssertionError("a letter in the box is sealed to another key") from None
            read = read_plaintext(network, letter.bound, plaintext)
            read_content(read.content)
            content: Map = decode(read.content, MAX_LETTER_CONTENT)
            if content["type"] == "refused":
                shopper.kept.difference_update(map(sha256, shopper.letters.pop(content["id"], ())))
                stall.seen.mark(f"shopper's letter refused {content['code']}")
            if content["type"] == "ask" and content["deal"] == shopper.deal:
                shopper.asked.append(content["nonce"])
            for each in content.get("messages", ()) if content["type"] == "deal" else ():
                message = read_message(each)
                if message.role != "buyer" and message.deal == shopper.deal:
                    shopper.heard[message.id] = each
        more = found.more


def _signed(stall: Stall, shopper: Shopper, *about: object) -> bytes:
    """The signature of a request to the shop [R-SHOP-3]."""
    image = tag(_network(stall), "shop") + encode([stall.id_of(stall.node), *about])
    return sign(shopper.seed, image)


def _network(stall: Stall) -> str:
    assert stall.node.parts is not None  # it is asked
    return stall.node.parts.settings.network


def _counter(stall: Stall) -> Counter:
    """The shop of this node, as its public routes serve it."""
    parts = stall.node.parts
    assert parts is not None  # it is asked
    network, clock = parts.settings.network, parts.ports.clock
    reviews = ShopReviews(network, parts.store, clock, None)
    return Counter(
        network, parts.store, parts.own, clock, parts.mail, parts.boxes, parts.witnesses, reviews, 0, parts.ledgers
    )  # fmt: skip


def _keys(network: str, told: bodies.ListingTold, seller: bytes) -> bytes:
    """What letters to a seller are sealed to now, by what the shop shows of it."""
    _, entries = _proved(network, decode(encoding.encode_struct(told), 1 << 22)["found"], seller)
    key: bytes = decode(entries[KEYS].record or b"", MAX_RECORD)["x25519"]
    return key


def _proved(network: str, found: Map, seller: bytes) -> tuple[Any, dict[int, Entry]]:
    """The seller's openers, and the entries of an answer by kind, each accepted alone [R-SHOP-5]."""
    told = {
        name: [entry for run in found.get(name, []) for entry in read_run(run)]
        for name in ("hits", "openers", "standings")
    }
    try:
        openers = identity(network, [each.alone() for each in told["openers"]])
        for entry in told["hits"]:
            check_alone(openers, entry, told["standings"])
    except Fault as fault:
        raise AssertionError(f"a shop shows a listing that does not hold: {fault}") from fault
    assert openers.author == seller, "a shop shows the listing of another seller"
    return openers, {entry.header.kind: entry for entry in told["hits"]}


SHOPPING_ACTS: Final[Mapping[str, tuple[Act, int]]] = {
    "serve shopper": (serve_shopper, 4),
    "shoppers return": (shoppers_return, 6),
}
"""What those without a node do, and how often, in a market with credit."""
