"""What the public routes do: each method takes a checked body and gives an answer, or raises a code.

Nothing here can read a letter: what buyers and sellers write to each other is sealed for them. What proves that this
node brought a buyer (`leave`) names order, path and accept, never what was ordered.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from msgspec import UNSET, UnsetType

from netnode.issuing.plans import plan_of
from netnode.ledgers.ledgers import Ledgers
from netnode.mail.inbox import require_stamp
from netnode.mail.letters import check_expiry
from netnode.mail.office import PostOffice
from netnode.own.log import OwnLog
from netnode.ports import Clock
from netnode.problems import Problem
from netnode.shop import bodies, proofs
from netnode.shop.boxes import ShopBoxes
from netnode.shop.reviews import ShopReviews
from netnode.shop.short import stands_for
from netnode.shop.witnesses import Witnesses, identity_entries, known_openers
from netnode.store import Reader, Store
from netnode.sync.post import Carrier
from protocol import letters, limits, paths
from protocol.certificate import DAY_MS
from protocol.entry import Entry, parse_wire
from protocol.errors import ProtocolError
from protocol.messages import Found
from protocol.referrals import link_of, write_link
from protocol.shopping import check_request
from protocol.witnessed import Testimony, openers_of

SELLERS: Final = 10_000  # why: whose keys were looked for; 2 MB
PAGE: Final = 16  # why: letters of one answer; that many of the longest are MAX_SHOP_ANSWER


class Counter:
    """The counter at which buyers without a node are served.

    Args:
        network: the network's name.
        store: of the node.
        own: this node's networker, who recommends.
        clock: says how old a request is.
        office: carries letters.
        boxes: keep letters to buyers.
        witnesses: keep what proves who brought them.
        reviews: takes reviews.
        asked: bits of the stamp that letters of shoppers show.
        ledgers: tell which plan of a seller holds; None: no order names one.
    """

    def __init__(
        self,
        network: str,
        store: Store,
        own: OwnLog,
        clock: Clock,
        office: PostOffice,
        boxes: ShopBoxes,
        witnesses: Witnesses,
        reviews: ShopReviews,
        asked: int,
        ledgers: Ledgers | None = None,
    ) -> None:
        self._network = network
        self._store = store
        self._own = own
        self._clock = clock
        self._office = office
        self._boxes = boxes
        self._witnesses = witnesses
        self._reviews = reviews
        self._asked = asked
        self._ledgers = ledgers
        self._keys: OrderedDict[bytes, proofs.KeysPlace] = OrderedDict()

    async def about(self) -> bodies.About:
        """Which node this is."""
        openers = await self._store.read(proofs.openers_of, self._own.id)
        entries: Sequence[Entry] = () if openers is None else identity_entries(openers)
        return bodies.About(
            clock=self._clock.now_ms(),
            network=self._network,
            openers=tuple(entry.wire() for entry in entries),
            stamp=self._asked,
        )

    async def listing(self, asked: bodies.ListingAsked) -> bodies.ListingTold:
        """A listing with its proof, and the path of an order made now [R-SHOP-5, R-SHOP-6].

        Raises:
            NotHeld: `not_here`.
        """
        now = self._clock.now_ms()
        key = None if asked.key is UNSET else asked.key
        found = await self._found(asked.seller, key, now)
        if key is None:
            return bodies.ListingTold(clock=now, found=found, path=())
        path = await self._extended(asked, key, now)
        return bodies.ListingTold(
            clock=now, found=found, path=path, plan=await self._plan(asked.seller, key, now)
        )

    async def referral(self, asked: bodies.ReferralAsked) -> bodies.ReferralTold:
        """The link that a code stands for at this node [R-REF-5].

        Raises:
            RemoteProtocolError: `bad_uri`: it was mistyped.
            NotHeld: `not_here`: no code of this node; `path_expired`.
        """
        now = self._clock.now_ms()
        row = await self._store.read(stands_for, asked.code, now)
        return bodies.ReferralTold(clock=now, link=write_link(link_of(row.tokens, row.listing)))

    async def letter(self, left: bodies.LetterLeft, here: bool) -> bodies.Kept:
        """Takes a letter, and opens a box for answers to it [R-SHOP-7].

        Args:
            left: the letter.
            here: whether it comes from this computer, which is not asked for a stamp.

        Raises:
            RemoteProtocolError: `letter`, `signature`, `letter_token`.
            NotHeld: the time is not now (`clock`), or a code of the mailbox.
        """
        letter = letters.parse(left.letter)
        sender = letter.envelope.sender
        self._require(
            sender, left.signature, left.time, ["letter", left.time, hashlib.sha256(left.letter).digest()]
        )
        check_expiry(letter, self._clock.now_ms())
        if not here:  # who carries letters on for nothing is a way around the work that others ask for
            require_stamp(self._network, letter, self._asked)
        recipient = letter.envelope.recipient
        await self._boxes.open_box(sender, recipient)
        if recipient == sender:
            await self._boxes.keep(letter, sender)
        elif recipient == self._own.id:
            await self._office.reception.deliver(Carrier(sender, here=here), left.letter)
        else:
            await self._office.letters.forward(left.letter, self._own.id)
        return bodies.Kept(clock=self._clock.now_ms())

    async def collect(self, asked: bodies.Collect) -> bodies.Collected:
        """Letters of a box; they stay in it until they expire [R-SHOP-8].

        Raises:
            RemoteProtocolError: `signature`.
            NotHeld: `clock`.
        """
        self._require(asked.box, asked.signature, asked.time, ["collect", asked.time, asked.box, asked.after])
        rows = await self._boxes.letters(asked.box, asked.after, PAGE + 1)
        return bodies.Collected(clock=self._clock.now_ms(), letters=tuple(rows[:PAGE]), more=len(rows) > PAGE)

    async def leave(self, left: bodies.Left) -> bodies.Kept:
        """Keeps what proves that this node brought the buyer of a deal [R-SHOP-10, R-SHOP-11].

        Raises:
            RemoteProtocolError: `path`, `signature`, `deal_message` or a code of the encoding.
            NotHeld: `unknown_author`, `not_wanted` (this node is no step of the path), `quota`.
        """
        told = openers_of(self._network, [tuple(map(parse_wire, left.openers))]) if left.openers else {}
        await self._witnesses.keep(Testimony(left.path, left.accept, left.receipts), told)
        return bodies.Kept(clock=self._clock.now_ms())

    async def review(self, left: bodies.ReviewLeft) -> bodies.Kept:
        """Publishes a buyer's review in the owner's log [R-SHOP-14].

        Raises:
            Void: `malformed`, `signature`.
            NotHeld: `not_wanted`, `rate`.
            Problem: `unknown_author`, `signature`, `stale`, or the log takes nothing now.
        """
        await self._reviews.take(left.review)
        return bodies.Kept(clock=self._clock.now_ms())

    async def _plan(self, seller: bytes, key: str, now: int) -> bytes | UnsetType:
        """Hash of the plan that a sale of a listing follows, as far as the seller's log is held here."""
        if self._ledgers is None:
            return UNSET
        try:
            return plan_of(await self._ledgers.of(seller), key, now) or UNSET
        except Problem:
            return UNSET  # its log is not here, or not whole

    async def _found(self, seller: bytes, key: str | None, now: int) -> Found:
        """A listing with its proof; a long log is looked through for its keys only once it has grown."""
        place = await self._store.read(proofs.keys_place, seller, now, self._keys.pop(seller, None))
        if place is not None:
            self._keys[seller] = place
            if len(self._keys) > SELLERS:
                self._keys.popitem(last=False)
        return await self._store.read(
            proofs.proved_listing, self._network, seller, key, now, self._own.id, place
        )

    async def _extended(self, asked: bodies.ListingAsked, key: str, now: int) -> tuple[bytes, ...]:
        """The tokens of an order made now: those the buyer came with, and this node's own [R-SHOP-6]."""
        given = await self._store.read(self._usable, asked, key, now)
        witness = self._own.witness()
        if asked.seller == self._own.id or witness is None or not paths.extendable(given, self._own.id):
            return given
        day = now // DAY_MS
        token = paths.sign_referral(
            self._network,
            witness.signer,
            referrer=witness.id,
            epoch=witness.epoch,
            seller=asked.seller,
            listing=key,
            expires=(day + 1 + paths.DEFAULT_DAYS) * DAY_MS,
            prior=paths.token_id(given[-1]) if given else None,
        )
        return (*given, token)

    def _usable(self, reader: Reader, asked: bodies.ListingAsked, key: str, now: int) -> tuple[bytes, ...]:
        """The tokens a buyer came with; none when they cannot lead to this listing, or nobody here can tell."""
        if not asked.path:
            return ()
        try:
            path = paths.path_of(bytes(limits.SALT_BYTES), asked.path)
            if path.seller != asked.seller:
                return ()
            known = known_openers(reader, [each.referrer for each in path.referrals])

            def keys(id_: bytes, epoch: int) -> Sequence[bytes]:
                return known[id_].keys(epoch) if id_ in known else ()

            paths.check_path(self._network, path, now, keys, key)
        except ProtocolError:
            return ()
        return path.tokens

    def _require(self, key: bytes, signature: bytes, time: int, about: Sequence[object]) -> None:
        """Refuses a request that the holder of a key does not make to this node, now [R-SHOP-3]."""
        check_request(self._network, self._own.id, key, signature, time, about, self._clock.now_ms())
