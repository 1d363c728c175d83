"""C3: the public routes for buyers without a node: proofs, paths, letters, boxes, testimonies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from netnode.conformance.alone import check_alone
from netnode.conformance.bench import Bench
from netnode.conformance.checking import CLOCK_OFF, KEEPERS, Check, want
from netnode.conformance.correspondent import HOUR, KEYS, Correspondent, Purchase, correspondent
from netnode.conformance.encoding import decode, encode
from netnode.conformance.entries import LISTING, PROFILE, Entry
from netnode.conformance.letters import read_letter
from netnode.conformance.limits import (
    CLOCK_TOLERANCE_MS,
    LETTER_ID_BYTES,
    MAX_RECORD,
    MAX_SHOP_BODY,
    SALT_BYTES,
)
from netnode.conformance.paths import check_token, hash_of, read_path, read_token, signed
from netnode.conformance.runs import read_run
from netnode.conformance.shopper import Shopper, about, identity, refused, send, told
from netnode.conformance.signatures import sign
from netnode.conformance.tags import sha256, tag
from netnode.conformance.trading import ware

GOODS: Final = "conformance"
"""The key of a listing of ours."""

Map = dict[str, Any]


async def _about(bench: Bench) -> None:
    said = await about(bench)
    openers = identity(bench.network, said["openers"])
    want(openers.author == bench.known.id, "the openers are of another networker than the node's [R-SHOP-3]")
    want(said["network"] == bench.network, f"it says that its network is {said['network']!r}")
    want(abs(said["clock"] - bench.now()) < CLOCK_OFF, "its clock is far from ours")


# -- listings and paths ------------------------------------------------------------------------------------------------


def _proved(bench: Bench, found: Map, seller: bytes) -> dict[int, Entry]:
    """The entries of an answer by kind, each accepted alone [R-SHOP-5]."""
    told = {name: [entry for run in found.get(name, []) for entry in read_run(run)] for name in _RUNS}
    openers = identity(bench.network, [each.alone() for each in told["openers"]])
    want(openers.author == seller, "the openers are not those of the seller [R-SHOP-5]")
    for entry in told["hits"]:
        check_alone(openers, entry, told["standings"])
    return {entry.header.kind: entry for entry in told["hits"]}


_RUNS: Final = ("hits", "openers", "standings")


async def _listing(bench: Bench) -> None:
    await about(bench)
    sold = await ware(bench)
    asked = {"key": sold.key, "seller": bench.known.id}
    answer = await told(bench, "/listing", asked)
    if "commission" not in sold.record:
        want(answer.get("plan") == sold.plan, "not the plan that an order of the listing names [R-CRED-71]")
    found = _proved(bench, answer["found"], bench.known.id)
    want(found.keys() >= {KEYS, LISTING}, "keys or listing lack [R-SHOP-5]")
    want(found.keys() <= {KEYS, LISTING, PROFILE}, "entries that nobody asked for [R-SHOP-5]")
    want(found[LISTING].id == sold.entry, "not the entry of the listing that is in force [R-SHOP-5]")
    until = decode(found[KEYS].record or b"", MAX_RECORD)["until"]
    want(until > bench.now(), "the seller's keys are over [R-SHOP-5]")
    alone = _proved(
        bench, (await told(bench, "/listing", {"seller": bench.known.id}))["found"], bench.known.id
    )
    want(
        KEYS in alone and LISTING not in alone, "without a key: the seller's keys, and no listing [R-SHOP-5]"
    )
    for what, changes in (
        ("a listing that there is not", {"key": bench.entropy.token(16).hex()}),
        ("a seller that there is not", {"seller": bench.entropy.token(32)}),
    ):
        code = (await refused(bench, "/listing", {**asked, **changes}))["code"]
        want(code == "not_here", f"{what}: refused with {code}, not with not_here")


async def _seller(bench: Bench) -> Correspondent:
    """A seller of ours whose listing the node knows."""
    bench.takes_logs()
    await about(bench)
    own = await correspondent(bench)
    own.log.append(own.author.listing(own.log[-1], GOODS, "Conformance goods"))
    own.shelf.put(own.log)
    return own


async def _shown(bench: Bench, seller: bytes, *path: bytes) -> list[bytes]:
    """The path that the node tells of an order of our listing made now; it may need a moment to know of that."""
    asked = {"key": GOODS, "path": list(path), "seller": seller}

    async def known() -> bool | None:
        return (await send(bench, "/listing", asked)).status == 200 or None

    await bench.awaited(known, "a listing that it was shown, with its proof")
    answer = await told(bench, "/listing", asked)
    want(LISTING in _proved(bench, answer["found"], seller), "the listing lacks [R-SHOP-5]")
    return list(answer["path"])


def _token(
    bench: Bench, own: Correspondent, seller: bytes, seed: bytes | None = None, **changes: object
) -> bytes:
    """A recommendation of a seller by somebody of ours [R-PATH-1]."""
    token: Map = {
        "epoch": 0, "expires": bench.now() + HOUR, "listing": GOODS, "referrer": own.id, "seller": seller, **changes,
    }  # fmt: skip
    key = seed or own.author.seeds[own.author.first.id]
    return encode({**token, "signature": sign(key, signed(bench.network, token))})


async def _paths(bench: Bench) -> None:
    seller, friend = await _seller(bench), await correspondent(bench)
    async with seller.meet() as peer, friend.meet() as other:
        await seller.known(peer)
        await friend.known(other)
        node = identity(bench.network, (await about(bench))["openers"])
        first = _token(bench, friend, seller.id)
        for what, given, before in (
            ("nobody", [], []),
            ("a friend", [first], [first]),
            ("a friend of another seller", [_token(bench, friend, friend.id)], []),
            ("a friend, for another listing", [_token(bench, friend, seller.id, listing="x")], []),
            (
                "a friend whose word is over",
                [_token(bench, friend, seller.id, expires=bench.now() - HOUR)],
                [],
            ),
            (
                "a friend who did not sign",
                [_token(bench, friend, seller.id, seed=bench.entropy.token(32))],
                [],
            ),
        ):
            path = await _shown(bench, seller.id, *given)
            want(path[:-1] == before, f"led here by {what}: the path tells others [R-SHOP-6]")
            want(len(path) == len(before) + 1, f"led here by {what}: its own token lacks [R-SHOP-6]")
            read_path(encode([bytes(SALT_BYTES), path]))
            token = read_token(path[-1])
            want(token["referrer"] == bench.known.id, "the last token is not its own [R-SHOP-6]")
            want(token["seller"] == seller.id, "its token is for another seller [R-SHOP-6]")
            want(token.get("listing", GOODS) == GOODS, "its token is for another listing [R-SHOP-6]")
            want(token["expires"] > bench.now(), "its token is over already [R-SHOP-6]")
            check_token(bench.network, token, node.keys(token["epoch"])[0])


# -- bodies, hosts, keys -----------------------------------------------------------------------------------------------


async def _forms(bench: Bench) -> None:
    await about(bench)
    right = {"seller": bench.known.id}
    answer = await send(bench, "/listing", {**right, "zest": 1})
    want(answer.status == 200, "a field that is not known is refused [R-SHOP-1]")
    for what, body, headers, codes in (
        ("a body that is cut off", encode(right)[:-1], {}, ("encoding", "not_canonical")),
        ("bytes behind the body", encode(right) + b"\0", {}, ("encoding", "not_canonical")),
        ("a body that is no map", encode([1]), {}, ("bad_message",)),
        ("a body without its field", encode({}), {}, ("bad_message",)),
        ("a seller of 31 bytes", encode({"seller": bytes(31)}), {}, ("bad_message",)),
        ("nine tokens", encode({**right, "path": [b"x"] * 9}), {}, ("bad_message",)),
        ("a body of another type", encode(right), {"Content-Type": "application/json"}, ("bad_message",)),
        ("a compressed body", encode(right), {"Content-Encoding": "gzip"}, ("bad_message",)),
        ("a body that is too long", bytes(MAX_SHOP_BODY + 1), {}, ("too_large",)),
    ):
        code = (await refused(bench, "/listing", body, headers))["code"]
        want(code in codes, f"{what}: refused with {code}, not with {' or '.join(codes)}")


async def _hosts(bench: Bench) -> None:
    await about(bench)
    answer = await send(bench, "", None, {"Host": "conformance.invalid"})
    want(answer.status >= 400, f"it answers to a foreign host name with HTTP {answer.status} [R-SHOP-2]")
    if bench.target.loopback:
        answer = await send(bench, "", None, {"Origin": "https://conformance.invalid"})
        want(answer.status == 403, f"at a private name a foreign page gets HTTP {answer.status} [R-SHOP-2]")
        own = f"http://{bench.target.netloc}"
        answer = await send(bench, "", None, {"Origin": own})
        allowed = answer.headers.get("access-control-allow-origin")
        want(answer.status == 200 and allowed in (own, "*"), "its own page gets no answer [R-SHOP-2]")


async def _signed(bench: Bench) -> None:
    await about(bench)
    own, shopper = await correspondent(bench), Shopper(bench)
    letter = await _to_self(own, shopper)
    left, asked = shopper.leaving(letter), shopper.collecting()
    other = bench.entropy.token(32)
    late = bench.now() - 2 * CLOCK_TOLERANCE_MS
    now = bench.now()
    for what, route, body, code in (
        ("a letter left by another", "/letter",
         {**left, "signature": shopper.signed("letter", left["time"], sha256(letter), seed=other)}, "signature"),
        ("a letter in place of the one that was signed", "/letter",
         {**left, "letter": await _to_self(own, shopper)}, "signature"),
        ("a letter left long ago", "/letter",
         {**left, "time": late, "signature": shopper.signed("letter", late, sha256(letter))}, "clock"),
        ("a box that another asks for", "/collect",
         {**asked, "signature": shopper.signed("collect", asked["time"], shopper.key, 0, seed=other)}, "signature"),
        ("other letters than were asked for", "/collect", {**asked, "after": 1}, "signature"),
        ("a question of long ago", "/collect",
         {**asked, "time": late, "signature": shopper.signed("collect", late, shopper.key, 0)}, "clock"),
    ):  # fmt: skip
        found = await refused(bench, route, body)
        want(found["code"] == code, f"{what}: refused with {found['code']}, not with {code}")
        if code == "clock":
            want(
                abs(found.get("clock", 0) - now) < CLOCK_OFF,
                "a refused time does not tell the clock [R-SHOP-3]",
            )
    want(not await shopper.box(), "it keeps a letter that it refused [R-SHOP-3]")


# -- letters and boxes -------------------------------------------------------------------------------------------------


async def _to_self(own: Correspondent, shopper: Shopper, number: int = 0) -> bytes:
    """A letter of a shopper to itself."""
    content = {"type": "conformance_test", "number": number}
    return (await own.write(content, to=shopper.key, key=shopper.x25519, bare=shopper.seed)).data


async def _box(bench: Bench) -> None:
    await about(bench)
    own, shopper, stranger = await correspondent(bench), Shopper(bench), Shopper(bench)
    letters = [await _to_self(own, shopper, number) for number in range(3)]
    for letter in (letters[0], *letters):  # the first one twice
        await shopper.leaves(letter)
    for _ in range(2):  # reading removes nothing
        box = await shopper.box()
        want(
            [letter for _, letter in box] == letters,
            "the box does not hold what was left, in order [R-SHOP-8]",
        )
    after = await shopper.box(box[0][0])
    want(after == box[1:], "it does not go on behind the number that was told [R-SHOP-8]")
    want(shopper.reads(box[2][1])["number"] == 2, "another letter than was left [R-SHOP-7]")
    want(not await stranger.box(), "a box that nobody opened holds letters [R-SHOP-8]")
    over = await own.write(
        {"type": "conformance_test"},
        to=shopper.key,
        key=shopper.x25519,
        bare=shopper.seed,
        expires=bench.now() - HOUR,
    )
    code = (await refused(bench, "/letter", shopper.leaving(over.data)))["code"]
    want(code == "letter_expired", f"a letter that is over: refused with {code}, not with letter_expired")


async def _carries(bench: Bench) -> None:
    await about(bench)
    own, shopper = await correspondent(bench), Shopper(bench)
    letter = await own.write({"type": "conformance_test"}, to=own.id, key=own.key, bare=shopper.seed)
    async with own.meet() as peer:
        await shopper.leaves(letter.data)

        def brought() -> bytes | None:
            told = (each.body["letter"] for each in peer.asks("deliver"))
            return next((each for each in told if read_letter(each).bound[1] == shopper.key), None)

        found = await peer.until(brought, "the letter that a shopper left for us")
        want(found == letter.data, "it carries other bytes than were left [R-SHOP-7]")
        answer = await own.write({"type": "conformance_test"}, to=shopper.key, key=shopper.x25519)
        taken = await peer.one("deliver", letter=answer.data)
        want(taken["kept"], "it says that it is the recipient of a letter to a shopper [R-LET-14]")
    box = await shopper.box()
    want([each for _, each in box] == [answer.data], "the answer to a shopper is not in the box [R-SHOP-7]")


async def _answered(bench: Bench) -> None:
    await about(bench)
    own, shopper = await correspondent(bench), Shopper(bench)
    deal = Purchase(bench, {"reply": {"host": bench.known.id, "x25519": shopper.x25519}})
    shopper.seed = deal.seed
    nonce = bench.entropy.token(LETTER_ID_BYTES)
    for content in (deal.letter(deal.order), {"type": "ask", "deal": deal.id, "nonce": nonce}):
        await shopper.leaves((await own.write(content, bare=shopper.seed)).data)

    async def look() -> Map | None:
        contents = [shopper.reads(letter) for _, letter in await shopper.box()]
        return next((each for each in contents if each.get("answers", {}).get("nonce") == nonce), None)

    answer = await bench.awaited(look, "in the box, the answer to a shopper who asks for a deal [R-DEAL-32]")
    want(deal.order in answer["messages"], "the answer lacks the order [R-DEAL-32]")
    want(answer.get("enclosures") == [deal.goods], "the answer lacks the goods [R-DEAL-32]")
    cancel = deal.add("cancel", {"reason": "other"})
    await shopper.leaves((await own.write(deal.letter(cancel), bare=shopper.seed)).data)


# -- testimonies -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sold:
    """A deal of a seller of ours that the node and a friend of ours led to."""

    bench: Bench
    seller: Correspondent
    deal: Purchase
    path: bytes
    first: bytes  # the friend's token

    def accept(self, by: bytes | None = None, **changes: object) -> bytes:
        """The seller's accept, or one that is signed or says otherwise."""
        order = decode(self.deal.order, 1 << 16)[8]
        hashed = hash_of(self.bench.network, self.path)
        body = {"key": order["key"], "listing": order["listing"], "path": hashed, **changes}
        seed = by or self.seller.author.seeds[self.seller.author.first.id]
        return self.deal.message(
            "accept", body, seed=seed, role="seller", epoch=0, number=0, seen=[self.deal.id]
        )

    @property
    def testimony(self) -> Map:
        """What proves it."""
        return {"accept": self.accept(), "path": self.path, "receipts": [self.deal.message("receive", {})]}


async def _sold(bench: Bench, seller: Correspondent, friend: Correspondent) -> _Sold:
    """Such a deal; the node knows both logs."""
    first = _token(bench, friend, seller.id)
    tokens = await _shown(bench, seller.id, first)
    path = encode([bench.entropy.token(SALT_BYTES), tokens])
    return _Sold(bench, seller, Purchase(bench), path, first)


async def _witness(bench: Bench) -> None:
    seller, friend, stranger = await _seller(bench), await correspondent(bench), bench.entropy.token(32)
    async with seller.meet() as peer, friend.meet() as other:
        await seller.known(peer)
        await friend.known(other)
        sold = await _sold(bench, seller, friend)
        deal, right = sold.deal, sold.testimony
        [receipt] = right["receipts"]
        forged = deal.message("receive", {}, seed=stranger)
        without = encode([bench.entropy.token(SALT_BYTES), [sold.first]])
        for what, changes, code in (
            ("a path that does not name it", {"path": without}, "not_wanted"),
            ("a path with a token it never signed", {"path": _forged(bench, sold.path)}, "path"),
            ("an accept that the seller did not sign", {"accept": sold.accept(stranger)}, "signature"),
            ("an accept by another path", {"accept": sold.accept(path=bytes(32))}, "path"),
            ("a receipt in place of the accept", {"accept": receipt}, "deal_message"),
            ("a receipt that the buyer did not sign", {"receipts": [forged]}, "signature"),
            ("an accept in place of a receipt", {"receipts": [sold.accept()]}, "deal_message"),
        ):
            found = (await refused(bench, "/witness", {**right, **changes}))["code"]
            want(found == code, f"{what}: refused with {found}, not with {code}")
        await told(bench, "/witness", {**right, "receipts": []})
        letter = await friend.awaits(other, "witness", lambda each: each["order"] == deal.id)
        same = (letter.get("accept"), letter["path"]) == (right["accept"], sold.path)
        want(same, "what it passes on to the others of the path is not what was left [R-SHOP-11]")
        for _ in range(2):  # the second time there is nothing new in it
            await told(bench, "/witness", right)
        await friend.awaits(other, "witness", lambda each: each.get("receipts") == [receipt])


def _forged(bench: Bench, path: bytes) -> bytes:
    """The path, its last token signed by somebody else."""
    salt, tokens = read_path(path)
    token = {**read_token(tokens[-1]), "signature": bench.entropy.token(64)}
    return encode([salt, [*tokens[:-1], encode(token)]])


# -- reviews -----------------------------------------------------------------------------------------------------------


async def _reviews(bench: Bench) -> None:
    """Only what is to be refused: what a node takes here stands in its owner's log for good."""
    seller, friend, stranger = await _seller(bench), await correspondent(bench), bench.entropy.token(32)
    async with seller.meet() as peer, friend.meet() as other:
        await seller.known(peer)
        await friend.known(other)
        sold = await _sold(bench, seller, friend)
        await told(bench, "/witness", sold.testimony)
    deal, another = sold.deal, Purchase(bench)

    def review(by: bytes, **changes: object) -> Map:
        fields = {
            "$": bench.entropy.token(SALT_BYTES),
            "contract": sold.accept(),
            "path": sold.path,
            "rating": 3,
            "receipt": deal.message("receive", {}),
            "seller": seller.id,
            "time": bench.now(),
            **changes,
        }
        return {
            "review": encode({**fields, "signature": sign(by, tag(bench.network, "review") + encode(fields))})
        }

    for what, body, code in (
        ("a record that is none", {"review": encode({"rating": 3})}, "malformed"),
        ("an accept in place of the receipt", review(stranger, receipt=sold.accept()), "malformed"),
        (
            "the receipt of another deal",
            review(deal.seed, receipt=another.message("receive", {})),
            "malformed",
        ),
        ("a review that is older than the receipt", review(deal.seed, time=deal.time - HOUR), "malformed"),
        ("a review that its buyer did not sign", review(stranger), "signature"),
        (
            "a contract that the seller did not sign",
            review(deal.seed, contract=sold.accept(stranger)),
            "signature",
        ),
    ):
        found = (await refused(bench, "/review", body))["code"]
        want(found in (code, "not_wanted"), f"{what}: refused with {found}, not with {code}")


CHECKS: Final = (
    Check("C3-70", "R-SHOP-1 R-SHOP-3", KEEPERS, "tells shoppers which node it is", _about),
    Check("C3-71", "R-SHOP-5 R-CRED-71", KEEPERS, "shows a listing with its proof and its plan", _listing),
    Check("C3-72", "R-SHOP-6 R-PATH-1 R-PATH-2 R-PATH-3 R-PATH-5", KEEPERS, "adds its own token to a path", _paths),
    Check("C3-73", "R-SHOP-1", KEEPERS, "refuses bodies of a wrong form", _forms),
    Check("C3-74", "R-SHOP-2", KEEPERS, "answers to its own host names, and to no page of another site", _hosts),
    Check("C3-75", "R-SHOP-3", KEEPERS, "does for a key what its holder signed, now, for this node", _signed),
    Check("C3-76", "R-SHOP-8 R-SHOP-7", KEEPERS, "keeps a box of letters for its holder", _box),
    Check("C3-77", "R-SHOP-7 R-LET-14", KEEPERS, "carries a shopper's letter, and keeps the answer", _carries),
    Check("C3-78", "R-LET-11 R-DEAL-32 R-SHOP-7", KEEPERS, "answers a buyer without a node in the box", _answered),
    Check("C3-79", "R-SHOP-11 R-PATH-4", KEEPERS, "takes what proves a sale, and passes it on", _witness),
    Check("C3-80", "R-SHOP-14", KEEPERS, "refuses reviews that nobody wrote, or of nobody", _reviews),
)  # fmt: skip
