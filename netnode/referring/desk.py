"""Links and codes: what the owner recommends, what led the owner somewhere, what others registered [R-REF-3..6]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import UNSET

from netnode.deals.means import Means
from netnode.deals.signers import Signers as Known
from netnode.deals.signers import read as read_openers
from netnode.mail.letters import Incoming, Refusal, Taken
from netnode.problems import ExitCode, Problem
from netnode.store import Reader, Writer, offers, referrals
from netnode.store import letters as outbox
from netnode.store.letters import Outgoing
from netnode.store.referrals import ReferralRow, Role, referral_id
from protocol import limits, paths
from protocol.certificate import DAY_MS
from protocol.errors import NotHeld, ProtocolError, RemoteProtocolError
from protocol.openers import Openers
from protocol.referral_letters import ReferralLetter
from protocol.referrals import ALPHABET, CODE_CHARACTERS, Link, check_code, checked_code, link_of, read_link
from protocol.signing import Signer

_BLOCK: Final = 256 - 256 % len(ALPHABET)  # why: a byte above it would make some characters likelier


class ReferralDesk:
    """Signs tokens, keeps links and codes, and takes those of others.

    Args:
        means: what it acts with.
    """

    def __init__(self, means: Means) -> None:
        self._means = means

    def listen(self) -> None:
        """Takes letters from now on."""
        self._means.letters.receive("referral", self.take)

    # -- what the owner recommends ---------------------------------------------------------------------------
    async def make(
        self,
        seller: bytes,
        listing: str | None,
        *,
        days: int,
        campaign: str | None = None,
        code: str | None = None,
        prior: Sequence[bytes] = (),
        register: bool = False,
        to: bytes | None = None,
        text: str = "",
    ) -> ReferralRow:
        """Recommends a seller or listing, or passes a recommendation on; durable when it returns.

        Args:
            seller: networker id.
            listing: key of the listing; None: any of the seller's.
            days: until it expires; never later than the tokens it passes on.
            campaign: the owner's own name for what brings buyers.
            code: that stands for it at this node; empty: one with a check character is drawn.
            prior: the tokens that are passed on, in order.
            register: whether the seller is told the code, so that buyers with a node of their own can type it.
            to: a networker who is sent it.
            text: a word to them.

        Raises:
            Problem: the owner is the seller or stands in the path (4); it has no room, or the code is taken (4), or
                was mistyped (2); locked keys (2).
        """
        own = self._means.own.id
        if seller == own:
            raise Problem(
                "This is yours: nobody is paid for recommending themselves. Whoever you want to pay recommends it: "
                "netnode refer make, at their node.",
                ExitCode.REFUSED,
                "own",
            )
        if prior and not paths.extendable(prior, own):
            raise Problem(
                f"You stand in this path already, or it has {limits.MAX_PATH} steps, the most there can be.",
                ExitCode.REFUSED,
                "path",
            )
        if register and code is None:
            raise Problem("What is the seller to be told? Add --code CODE.", ExitCode.USAGE, "code")
        keys, now = self._means.ring.keys, self._means.clock.now_ms()
        expires = min((now + days * DAY_MS, *(paths.read_referral(each).expires for each in prior)))
        if expires <= now:
            raise Problem(
                "This recommendation is out of date: ask who made it for a new one.",
                ExitCode.REFUSED,
                "path_expired",
            )
        token = paths.sign_referral(
            self._means.network,
            Signer(keys.signing_seed),
            referrer=own,
            epoch=keys.epoch,
            seller=seller,
            expires=expires,
            listing=listing,
            campaign=campaign,
            prior=paths.token_id(prior[-1]) if prior else None,
        )
        chosen = None if code is None else self._code(code)
        row = self._row("made", link_of((*prior, token), listing), chosen, own, text, now)
        drafts = [] if to is None else [await self._letter(row, to, text)]
        if register and chosen is not None:
            drafts.append(await self._letter(row, seller, text, chosen))
        if not await self._means.store.write(_keep, row, drafts):
            raise Problem(
                f"The code {chosen} stands for another recommendation of yours. Choose another, or leave it to the "
                "node: --code ''.",
                ExitCode.REFUSED,
                "code_taken",
            )
        if drafts:
            self._means.letters.wake()
        return row

    async def meet(self, link: Link, code: str | None = None) -> None:
        """Keeps what led the owner to a seller; durable when it returns. Raises Problem: the disk."""
        own, now = self._means.own.id, self._means.clock.now_ms()
        await self._means.store.write(_keep, self._row("met", link, code, own, "", now), ())

    async def check(self, link: Link, listing: str | None) -> list[bool]:
        """Whether each token is signed by its referrer, as far as their keys are known here.

        Raises:
            Problem: `path` (2): one is not signed, or leads elsewhere; `path_expired` (4).
        """
        now = self._means.clock.now_ms()
        try:
            paths.check_use(link.path, now, listing)
            return await self._means.store.read(lambda reader: self._signed(reader, link, {}))
        except NotHeld as held:
            raise Problem(
                "The link is out of date: ask who recommended this for a new one.",
                ExitCode.REFUSED,
                held.code,
            ) from held
        except ProtocolError as fault:
            raise Problem(f"The link leads nowhere: {fault.text}.", ExitCode.USAGE, "path") from fault

    # -- letters ---------------------------------------------------------------------------------------------
    async def take(self, incoming: Incoming) -> Taken | Refusal:
        """Takes a recommendation, a code that a referrer registers, or what a code stands for.

        Raises:
            Problem: the disk; the letter comes again.
        """
        body = incoming.body
        assert isinstance(body, ReferralLetter)
        own = self._means.own.id
        try:
            link = link_of(body.path, None if body.listing is UNSET else body.listing)
            given = {
                found.author: found
                for each in body.openers
                for found in [read_openers(self._means.network, each)]
            }
            code = None if body.code is UNSET else check_code(body.code)
            seller, last = link.path.seller, link.path.referrals[-1].referrer
            if incoming.sender not in ((last, seller) if code is not None else (last,)):
                return Refusal("not_party", "who passes a recommendation on signs a step of it")
            if (seller == own) != (code is not None and incoming.sender == last):
                return Refusal(
                    "not_party", "a code is registered with the seller; anything else is for others"
                )
            if code is None and incoming.stranger:
                # else anybody could put themselves before who brought the buyer, by a letter nobody asked for
                return Refusal(
                    "not_wanted", "recommendations of strangers are not kept: write a mail with the link"
                )
            checked = await self._means.store.read(lambda reader: self._signed(reader, link, given))
        except ProtocolError as error:
            return Refusal(error.code, error.text)
        registered = seller == own
        if registered and not all(checked):
            return Refusal("unknown_author", "the keys of a referrer are not known here")
        role: Role = "registered" if registered else "met"
        row = self._row(role, link, code, incoming.sender, body.text, incoming.at)
        if registered and code is not None and await self._means.store.read(self._sells_by, code):
            return Refusal("code_taken", "that code stands for something else here: choose another")
        if not await self._means.store.write(_keep, row, ()):
            return Refusal(
                "code_taken", "that code stands for something else here, or you have as many as one may"
            )
        return Taken()

    # -- inside ----------------------------------------------------------------------------------------------
    def _sells_by(self, reader: Reader, code: str) -> bool:
        """Whether a code is one of the owner's own offers: nobody may be paid for a price that is everybody's."""
        return offers.by_code(reader.connection, self._means.own.id, code) is not None

    def _signed(self, reader: Reader, link: Link, given: Mapping[bytes, Openers]) -> list[bool]:
        """Of each token whether the keys of its referrer are known; one that they did not sign is refused."""
        known, checked = Known(self._means.network, reader.connection, given), []
        for referral in link.path.referrals:
            keys = known.keys(referral.referrer, referral.epoch, 0)
            if keys:
                paths.check_referral(self._means.network, referral, keys)
            checked.append(bool(keys))
        return checked

    async def _letter(self, row: ReferralRow, to: bytes, text: str, code: str | None = None) -> Outgoing:
        def openers(reader: Reader) -> tuple[tuple[object, ...], ...]:
            known = Known(self._means.network, reader.connection)
            steps = [paths.read_referral(each).referrer for each in row.tokens]
            return tuple(tuple(found) for each in steps if (found := known.entries(each, 0)) is not None)

        body = ReferralLetter(
            code=UNSET if code is None else code,
            listing=UNSET if row.listing is None else row.listing,
            openers=await self._means.store.read(openers),
            path=row.tokens,
            text=text,
        )
        return self._means.letters.draft(to, body)

    def _row(
        self, role: Role, link: Link, code: str | None, sender: bytes, text: str, now: int
    ) -> ReferralRow:
        tokens = link.path.tokens
        return ReferralRow(
            number=0,
            id=referral_id(role, tokens, code),
            role=role,
            seller=link.path.seller,
            listing=link.listing,
            tokens=tokens,
            code=code,
            expires=link.expires,
            first=now,
            at=now,
            sender=sender,
            text=text,
        )

    def _code(self, wished: str) -> str:
        if wished:
            try:
                return check_code(wished)
            except RemoteProtocolError as error:
                raise Problem(
                    f"{error.text}. Of codes that begin with R- the node makes the rest: --code ''.",
                    ExitCode.USAGE,
                    "code",
                ) from error
        drawn = ""
        while len(drawn) < CODE_CHARACTERS:
            drawn += "".join(
                ALPHABET[each % len(ALPHABET)]
                for each in self._means.entropy.token(2 * CODE_CHARACTERS)
                if each < _BLOCK
            )
        return checked_code(drawn[:CODE_CHARACTERS])


def link_from(text: str) -> Link:
    """A link from what a person pasted.

    Raises:
        Problem: `link` (2): mistyped, cut, or another thing.
    """
    try:
        return read_link(text)
    except RemoteProtocolError as error:
        raise Problem(
            f"This referral link cannot be used: {error.text}. Copy all of it, from inxref1 to its end, or ask for it "
            "again; ordered without it, nobody would know who recommended this to you.",
            ExitCode.USAGE,
            "link",
        ) from error


def _keep(writer: Writer, row: ReferralRow, drafts: Sequence[Outgoing]) -> bool:
    with writer.transaction(durable=True):
        if not referrals.put(writer, row):
            return False
        for each in drafts:
            outbox.queue(writer, each)
    return True
