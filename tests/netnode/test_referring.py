"""Recommendations from node to node: links, codes, forwarding, whom an order is attributed to, alliances."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from netnode.deals.known import load
from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.shop.witnesses import Witnesses
from netnode.store import Reader, Writer, deals, shop
from netnode.store import alliances as kept
from protocol import paths, witnessed
from protocol.alliances import agreement_id, judge, read_agreement, sign_ending
from protocol.certificate import DAY_MS
from protocol.errors import RemoteProtocolError
from protocol.letter_bodies import AllianceLetter, decode_content
from protocol.records import Alliance, decode_record
from protocol.referral_letters import ReferralLetter
from protocol.referrals import is_link, link_of, read_link, write_link
from tests.netnode.dealing import CAP, Post, homes_of, meet
from tests.netnode.issuers import Credits, credits
from tests.netnode.services_home import NETWORK, OpenHome, TestClock
from tests.protocol.author import seed


@dataclass
class Street:
    """A seller `sol`, referrers `anna`, `ben` and `cora`, a buyer `bea`; one clock and the post between them."""

    homes: dict[str, OpenHome]
    post: Post
    clock: TestClock

    def __getitem__(self, name: str) -> OpenHome:
        return self.homes[name]

    @property
    def cap(self) -> str:
        return f"{self['sol'].id}/cap"

    async def meet(self) -> None:
        """Each gets what the others' logs have more."""
        await meet(self.homes.values())

    async def make(self, name: str, **fields: Any) -> models.ReferralShown:
        return await self[name].services.referrals.make(
            models.ReferralMake(**{"subject": self.cap, **fields})
        )

    async def forward(self, name: str, link: str, **fields: Any) -> models.ReferralShown:
        return await self[name].services.referrals.forward(models.ReferralForward(link=link, **fields))

    async def order(self, buyer: str = "bea", **wishes: Any) -> str:
        return (await self[buyer].services.deals.order(models.DealOrder(**wishes))).deal

    async def led_by(self, deal: str, buyer: str = "bea") -> list[str]:
        """Whose tokens an order names, in order."""
        home = self[buyer]

        def read(reader: Reader) -> list[bytes]:
            row = deals.by_id(reader.connection, bytes.fromhex(deal))
            assert row is not None
            known = load(reader.connection, row, self.clock.now)
            opened_path = known.enclosures.get(known.order.path or b"")
            return (
                []
                if opened_path is None
                else [each.referrer for each in paths.read_path(opened_path).referrals]
            )

        names = {home.me.id: name for name, home in self.homes.items()}
        return [names[each] for each in await home.store.read(read)]

    async def sold(self, deal: str, buyer: str = "bea") -> None:
        """The deal from its accept to the receipt."""
        await self.post.carry()
        await self["sol"].services.deals.accept(models.DealAccept(deal=deal))
        await self.post.carry()
        await self["sol"].services.deals.fulfil(models.DealFulfil(deal=deal))
        await self.post.carry()
        await self[buyer].services.deals.receipt(models.DealPartName(deal=deal))
        await self.post.carry()


@asynccontextmanager
async def street(path: Path) -> AsyncIterator[Street]:
    async with homes_of(path, "sol", "anna", "ben", "cora", "bea") as (homes, post, clock):
        await homes["sol"].services.listings.publish(dict(CAP) | {"commission": "10"})
        await homes["sol"].services.identity.edit_profile(models.ProfileEdit(name="Sol"))
        for home in homes.values():
            if home.letters.receiver("witness") is None:
                witnesses = Witnesses(NETWORK, home.store, home.own, clock, home.letters)
                home.letters.receive("witness", witnesses.take)
        found = Street(homes, post, clock)
        await found.meet()
        yield found


async def refused(work: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        await work
    return caught.value


# -- links ---------------------------------------------------------------------------------------------------
async def test_an_order_by_a_link_names_who_made_it(tmp_path: Path) -> None:
    """[R-REF-3] [R-PATH-6] A referrer who is no member of any team, and neither node knows the other's plans."""
    async with street(tmp_path) as on:
        made = await on.make("anna", campaign="spring")
        assert is_link(made.link) and made.listed and made.path[0].campaign == "spring"
        deal = await on.order(link=made.link)
        assert await on.led_by(deal) == ["anna"]
        await on.sold(deal)
        [brought] = (await on["anna"].services.referrals.list(models.ReferralsQuery())).items
        assert brought.brought == models.ReferralBrought(orders=1, received=1, logged=0)
        [order] = (await on["anna"].services.referrals.orders(models.ReferralOrders())).items
        assert (order.order, order.campaign, order.received) == (deal, "spring", 1)
        assert order.referral == made.id and order.logged in ("not_logged", "unknown")


async def test_a_mistyped_link_says_so(tmp_path: Path) -> None:
    """[R-REF-2] Any one wrong character, and a link that was cut: never an order that lost its referrer."""
    async with street(tmp_path) as on:
        link = (await on.make("anna")).link
        assert len(link) > 300
        for place in range(7, len(link), 17):
            wrong = link[:place] + ("q" if link[place] != "q" else "p") + link[place + 1 :]
            problem = await refused(on.order(link=wrong))
            assert (problem.code, problem.exit_code) == ("link", ExitCode.USAGE)
            assert "checksum" in problem.text and "who recommended" in problem.text
        for cut in (link[:-1], link[:-40], link[: len(link) // 2], "inxref1", link + "q"):
            assert (await refused(on.order(link=cut))).code == "link"
        assert await on.post.waiting(on["bea"]) == []
        assert await on.led_by(await on.order(link=link.upper())) == ["anna"], "as a QR code holds it"


async def test_an_expired_link_is_refused_with_what_to_do(tmp_path: Path) -> None:
    """[R-PATH-5]"""
    async with street(tmp_path) as on:
        link = (await on.make("anna", days=2)).link
        on.clock.now += 2 * DAY_MS
        problem = await refused(on.order(link=link))
        assert (problem.code, problem.exit_code) == ("path_expired", ExitCode.REFUSED)
        assert (await refused(on.forward("ben", link))).code == "path_expired"
        shown = await on["bea"].services.referrals.show(models.ReferralChoice(name=link))
        assert shown.expired


async def test_who_buys_in_the_sellers_own_shop_by_a_link_leaves_there_who_led_them(tmp_path: Path) -> None:
    """[R-SHOP-11] [R-PATH-7] The seller is no step of the path, and nobody else would ever show it."""
    async with street(tmp_path) as on:
        made = await on.make("anna")
        deal = await on.order(link=made.link)
        await on.post.carry()
        await on["sol"].services.deals.accept(models.DealAccept(deal=deal))
        await on.post.carry()
        [row] = [
            row
            for row in await on["anna"].store.read(lambda reader: shop.witnesses(reader, None, 10))
            if row.id.hex() == deal
        ]
        await _forget_path(on, deal)
        assert await on.led_by(deal, "sol") == []
        sol = on["sol"]
        witnesses = Witnesses(NETWORK, sol.store, sol.own, on.clock, sol.letters)
        other = paths.path_of(bytes(16), paths.read_path(row.path).tokens)
        with pytest.raises(RemoteProtocolError, match="path"):
            await witnesses.keep(witnessed.Testimony(other.encode(), row.accept, ()), {})
        for _ in range(2):
            await witnesses.keep(witnessed.Testimony(row.path, row.accept, ()), {})
        assert await on.led_by(deal, "sol") == ["anna"]
        await on.post.carry()
        assert on.post.refused == []
        [order] = (await on["anna"].services.referrals.orders(models.ReferralOrders())).items
        assert order.order == deal, "who led the buyer is told by the seller"
        assert (await on["sol"].services.referrals.orders(models.ReferralOrders())).items == [], (
            "it brought nobody"
        )


async def _forget_path(on: Street, deal: str) -> None:
    """As if the buyer had no node: nobody has told the seller, nor who led them."""

    def forget(writer: Writer) -> None:
        row = deals.by_id(writer.connection, bytes.fromhex(deal))
        assert row is not None
        named = load(writer.connection, row, on.clock.now).order.path
        writer.connection.execute("DELETE FROM deal_enclosure WHERE hash = ?", (named,))

    await on["sol"].store.write(forget)
    await on["anna"].store.write(lambda writer: writer.connection.execute("DELETE FROM witness"))


async def test_a_chain_of_three_that_was_forwarded_pays_all_three(tmp_path: Path) -> None:
    """[R-REF-3] [R-SHOP-10] Each step names the one before; each referrer can prove the sale alone."""
    async with street(tmp_path) as on:
        first = await on.make("anna", days=10)
        second = await on.forward("ben", first.link, campaign="list", days=300)
        third = await on.forward("cora", second.link)
        assert {step.expires for step in third.path} == {first.expires}, "no step outlives those before it"
        deal = await on.order(link=third.link)
        assert await on.led_by(deal) == ["anna", "ben", "cora"]
        await on.sold(deal)
        for name in ("anna", "ben", "cora"):
            [order] = (await on[name].services.referrals.orders(models.ReferralOrders())).items
            assert (order.order, order.received) == (deal, 1), name
        again = await refused(on.forward("anna", third.link))
        assert (again.code, again.exit_code) == ("path", ExitCode.REFUSED)
        assert (await refused(on.make("sol"))).code == "own"
        cut = await refused(on.homes["sol"].services.referrals.make(models.ReferralMake(subject="nx1abc")))
        assert cut.code == "no_listing" and "SELLER/KEY" in cut.text  # it was told that this is its own


async def test_the_wrong_referrer_is_not_paid(tmp_path: Path) -> None:
    """[R-REF-3] [R-PATH-3] A link with somebody's step cut out, put in or signed by another leads nowhere."""
    async with street(tmp_path) as on:
        first = await on.make("anna")
        third = await on.forward("ben", first.link)
        tokens = read_link(third.link).path.tokens
        with pytest.raises(Exception, match="before it"):
            link_of(tokens[1:])
        forged = paths.sign_referral(
            NETWORK, on["cora"].me.signer, referrer=on["anna"].me.id, epoch=0, seller=on["sol"].me.id,
            expires=2**50, listing="cap",
        )  # fmt: skip
        problem = await refused(on.order(link=write_link(link_of((forged,)))))
        assert problem.code == "path" and "not signed" in problem.text
        other = paths.sign_referral(
            NETWORK, on["cora"].me.signer, referrer=on["cora"].me.id, epoch=0, seller=seed("other"), expires=2**50
        )  # fmt: skip
        problem = await refused(on.order(ref=on.cap, link=write_link(link_of((other,)))))
        assert (problem.code, problem.exit_code) == ("path", ExitCode.USAGE)
        assert await on.post.waiting(on["bea"]) == []


# -- codes ---------------------------------------------------------------------------------------------------
async def test_a_code_beats_a_link(tmp_path: Path) -> None:
    """[R-REF-6] [R-ALLY-7] Registered with the seller, whose node says what it stands for when it is typed."""
    async with street(tmp_path) as on:
        await on.make("ben", to=on["bea"].id)
        await on.make("anna", code="anna", register=True)
        await on.post.carry()
        assert await on.led_by(await on.order(ref=on.cap)) == ["ben"], "the link that came counts by itself"
        asked = await refused(on.order(ref=on.cap, code="An na"))
        assert asked.code == "offer_asked"
        await on.post.carry()
        assert await on.led_by(await on.order(ref=on.cap, code="An na")) == ["anna"]
        assert await on.led_by(await on.order(ref=on.cap)) == ["ben"], "a code counts where it is typed"
        assert await on.led_by(await on.order(ref=on.cap, alone=True)) == []


async def test_a_code_belongs_to_who_registered_it_first(tmp_path: Path) -> None:
    """[R-REF-6] Nor can anybody take over a price that the seller gives to everybody."""
    async with street(tmp_path) as on:
        await on["sol"].services.offers.make(models.OfferMake(percent="5", code="SUMMER"))
        await on.make("anna", code="ANNA", register=True)
        await on.make("ben", code="ANNA", register=True)
        await on.make("ben", code="SUMMER", register=True)
        await on.post.carry()
        assert [each.code for each in on.post.refused] == ["code_taken", "code_taken"]
        page = await on["sol"].services.referrals.list(models.ReferralsQuery(role="registered"))
        assert [(one.code, one.path[0].referrer) for one in page.items] == [("ANNA", on["anna"].id)]


async def test_a_mistyped_code_says_so(tmp_path: Path) -> None:
    """[R-REF-4]"""
    async with street(tmp_path) as on:
        made = await on.make("anna", code="")
        assert made.code is not None and made.code.startswith("R-") and len(made.code) == 10
        shown = await on["anna"].services.referrals.show(models.ReferralChoice(name=made.code.lower()))
        assert shown.id == made.id
        last = "A" if made.code[-1] != "A" else "B"
        wrong = await refused(on.make("anna", code=made.code[:-1] + last))
        assert (wrong.code, wrong.exit_code) == ("code", ExitCode.USAGE) and "mistyped" in wrong.text
        unknown = await refused(on["anna"].services.referrals.show(models.ReferralChoice(name="NOTHING")))
        assert unknown.exit_code == ExitCode.NOT_FOUND
        assert (await refused(on.make("anna", subject=on["sol"].id, code=made.code))).code == "code_taken"


# -- attribution ---------------------------------------------------------------------------------------------
async def test_first_and_last_touch_window_and_binding(tmp_path: Path) -> None:
    """[R-REF-7] [R-REF-9] [R-ALLY-6] [R-ALLY-8] The seller's policy, applied by the buyer's node."""
    async with street(tmp_path) as on:
        await on["sol"].services.referrals.set_policy(
            models.AttributionSet(model="first", window=5, bind=True)
        )
        await on.meet()
        await on.make("anna", to=on["bea"].id, days=300)
        await on.post.carry()
        on.clock.now += DAY_MS
        await on.make("ben", to=on["bea"].id, days=300)
        await on.post.carry()
        assert await on.led_by(await on.order(ref=on.cap)) == ["anna"]
        on.clock.now += 4 * DAY_MS
        assert await on.led_by(await on.order(ref=on.cap)) == ["ben"], "the window of the first is over"
        await on["sol"].services.referrals.set_policy(models.AttributionSet(model="last", bind=False))
        await on.meet()
        cora = (await on.make("cora", days=300)).link
        assert await on.led_by(await on.order(link=cora)) == ["cora"]
        await on["sol"].services.referrals.set_policy(models.AttributionSet(bind=True))
        await on.meet()
        bound = await on.order(link=cora)
        await on.sold(bound)
        on.clock.now += 60 * DAY_MS
        await on.make("anna", to=on["bea"].id)
        await on.post.carry()
        assert await on.led_by(await on.order(ref=on.cap)) == ["cora"], "who brought the first order"
        assert await on.led_by(await on.order(link=(await on.make("ben")).link)) == ["cora"]
        on.clock.now += 300 * DAY_MS
        assert await on.led_by(await on.order(link=(await on.make("ben")).link)) == ["ben"], (
            "by expired tokens nobody would be paid"
        )


async def test_a_gift_for_who_was_brought_once(tmp_path: Path) -> None:
    """[R-ALLY-9] [R-REF-8] The offer behind the policy's code, on the first order and by a path only."""
    async with street(tmp_path) as on:
        shown = await on["sol"].services.referrals.set_policy(models.AttributionSet(gift="20"))
        assert shown.gift == "20.00" and shown.gift_code
        await on.meet()
        link = (await on.make("anna")).link
        problem = await refused(on.order(link=link))
        assert problem.code == "offer_asked" and "--no-gift" in problem.text
        given = await on["bea"].services.deals.show(await on.order(link=link, gift=False))
        assert given.figures.price.amount == "12.50"
        await on.post.carry()
        deal = await on.order(link=link)
        price = (await on["bea"].services.deals.show(deal)).figures.price.amount
        assert price == "10.00"
        await on.sold(deal)
        deal = await on.order(ref=on.cap)
        assert (await on["bea"].services.deals.show(deal)).figures.price.amount == "12.50"
        taken = await on.order(ref=on.cap, code=shown.gift_code, alone=True)
        await on.post.carry()
        problem = await refused(on["sol"].services.deals.accept(models.DealAccept(deal=taken)))
        assert problem.code == "differs" and "brought" in problem.text


async def test_links_of_strangers_and_of_others_do_not_count(tmp_path: Path) -> None:
    """[R-REF-6] Who sends a recommendation signs a step of it; a code comes from its seller, or counts for nothing."""
    async with street(tmp_path) as on:
        made = await on.make("anna")
        await on["cora"].services.referrals.show(models.ReferralChoice(name=made.link, keep=True))
        desk_row = (await on["cora"].services.referrals.list(models.ReferralsQuery(role="met"))).items[0]
        assert desk_row.link == made.link
        body = _letter(on, made.link)
        await on["cora"].letters.send(on["bea"].me.id, body)
        await on["cora"].letters.send(on["bea"].me.id, msgspec.structs.replace(body, code="SAVE"))
        await on["anna"].letters.send(on["sol"].me.id, body)
        await on.post.carry()
        assert [each.code for each in on.post.refused] == ["not_party", "not_party", "not_party"]
        on.post.stranger = True
        await on.make("anna", to=on["bea"].id)
        await on.post.carry()
        assert on.post.refused[-1].code == "not_wanted", "nobody puts themselves before another unasked"
        assert await on.led_by(await on.order(ref=on.cap)) == []
        assert (await refused(on.make("anna", register=True))).code == "code"


def _letter(on: Street, link: str) -> Any:
    return ReferralLetter(path=read_link(link).path.tokens, listing="cap")


# -- alliances -----------------------------------------------------------------------------------------------
async def test_an_alliance_is_proposed_accepted_published_and_ended(tmp_path: Path) -> None:
    """[R-ALLY-2] [R-ALLY-3] [R-ALLY-4] [R-REF-10]"""
    async with street(tmp_path) as on:
        sol, anna = on["sol"].services.alliances, on["anna"].services.alliances
        proposed = await sol.propose(
            models.AlliancePropose(to=on["anna"].id, gives="5", gets="12.5", notice=7, text="Let us.")
        )
        assert (proposed.state, proposed.own, proposed.below) == ("proposed", True, ["cap"])
        assert (await refused(sol.accept(proposed.alliance))).code == "alliance"
        await on.post.carry()
        [came] = (await anna.list(models.AlliancesQuery())).items
        assert (came.alliance, came.gives, came.gets, came.text) == (
            proposed.alliance, "12.50", "5.00", "Let us.",
        )  # fmt: skip
        assert (await anna.accept(came.alliance[:8])).state == "agreed"
        await on.post.carry()
        assert (await sol.show(proposed.alliance)).state == "agreed"
        assert [len(each) for each in await _published(on)] == [1, 1]
        ended = await anna.end(came.alliance)
        assert ended.state == "ending" and ended.ends == on.clock.now + 7 * DAY_MS
        await on.post.carry()
        assert (await sol.show(proposed.alliance)).state == "ending"
        on.clock.now += 7 * DAY_MS
        assert (await sol.show(proposed.alliance)).state == "ended"
        assert [len(each) for each in await _published(on)] == [2, 2]
        assert on.post.refused == []
        for row in on.post.carried[:]:  # a letter that comes again changes nothing
            if row.type == "alliance":
                sender = on["sol"] if row.recipient == on["anna"].me.id else on["anna"]
                assert await on.post.bring(sender, row) is None
        assert [len(each) for each in await _published(on)] == [2, 2]
        rows = await on["sol"].store.read(lambda reader: kept.agreed(reader.connection))
        assert [read_agreement(row.data).notice for row in rows] == [7]


async def _published(on: Street) -> list[list[Alliance]]:
    """The alliance entries of sol and anna, each checked by the keys of both."""
    keys = {(on[name].me.id, 0): (on[name].me.signer.public,) for name in ("sol", "anna")}
    found = []
    for name in ("sol", "anna"):
        home = on[name]
        entries = await home.store.read(Reader.entries, home.me.id, 0, 2**40, 2**40)
        records = []
        for each in entries:
            if each.kind == Alliance.KIND and each.record is not None:
                record = decode_record(each.kind, each.record)
                assert isinstance(record, Alliance)
                judge(NETWORK, home.me.id, record, lambda id_, epoch: keys[id_, epoch])
                records.append(record)
        found.append(records)
    return found


async def test_an_end_that_is_dated_back_counts_from_when_it_came(tmp_path: Path) -> None:
    """[R-ALLY-4] Else who owes for orders that were made could end what they were made under."""
    async with street(tmp_path) as on:
        sol, anna = on["sol"].services.alliances, on["anna"].services.alliances
        proposed = await sol.propose(models.AlliancePropose(to=on["anna"].id, gives="5", gets="5", notice=7))
        await on.post.carry()
        await anna.accept(proposed.alliance)
        await on.post.carry()
        [row] = await on["anna"].store.read(lambda reader: kept.agreed(reader.connection))
        ending = sign_ending(
            NETWORK, on["anna"].me.signer, agreement=agreement_id(row.data), who=on["anna"].me.id, epoch=0,
            time=on.clock.now - 60 * DAY_MS,
        )  # fmt: skip
        letter = AllianceLetter(agreement=row.data, ending=ending, openers=(), text="")
        await on["anna"].letters.send(on["sol"].me.id, letter)
        await on.post.carry()
        shown = await sol.show(proposed.alliance)
        assert (shown.state, shown.ends) == ("ending", on.clock.now + 7 * DAY_MS)


async def test_what_was_published_before_a_crash_is_not_published_again(tmp_path: Path) -> None:
    async with street(tmp_path) as on:
        sol, anna = on["sol"].services.alliances, on["anna"].services.alliances
        proposed = await sol.propose(models.AlliancePropose(to=on["anna"].id, gives="5", gets="5", notice=7))
        await on.post.carry()
        desk = anna._desk
        keep = desk._keep

        async def ends(*_: object) -> None:
            desk._keep = keep  # type: ignore[method-assign]
            raise Problem("the process ends here")

        for _ in range(2):
            desk._keep = ends  # type: ignore[assignment,method-assign]
            with pytest.raises(Problem):
                await anna.accept(proposed.alliance)
        await anna.accept(proposed.alliance)
        await on.post.carry()
        assert [len(each) for each in await _published(on)] == [1, 1]
        await anna.end(proposed.alliance)
        await on.post.carry()
        assert [len(each) for each in await _published(on)] == [2, 2]


async def test_a_forged_agreement_is_refused(tmp_path: Path) -> None:
    """[R-ALLY-2] [R-REF-10]"""
    async with street(tmp_path) as on:
        anna = on["anna"].services.alliances
        await anna.propose(models.AlliancePropose(to=on["sol"].id, gives="5", gets="90"))
        [row] = await on.post.waiting(on["anna"])
        body = decode_content(row.content).body
        assert isinstance(body, AllianceLetter)
        forged = body.agreement[:-1] + bytes((body.agreement[-1] ^ 1,))
        for home, changed in (
            ("ben", body),  # between others
            ("anna", msgspec.structs.replace(body, agreement=forged)),
        ):
            await on[home].letters.send(on["sol"].me.id, changed)
        await on.post.carry()
        assert sorted(each.code for each in on.post.refused) in (
            ["alliance", "not_party"],
            ["not_party", "not_signed"],
        )
        assert len((await on["sol"].services.alliances.list(models.AlliancesQuery())).items) == 1


# -- to the ledger -------------------------------------------------------------------------------------------
async def _orders(market: Credits, name: str) -> list[models.ReferralOrder]:
    return (await market[name].services.referrals.orders(models.ReferralOrders())).items


async def test_a_forwarded_link_from_the_click_to_the_award(tmp_path: Path) -> None:
    """[R-REF-3] [R-ALLY-5] [R-CRED-18] Referrers of no team of the seller's: each sees what the seller's log says."""
    async with credits(tmp_path) as market:
        cap = f"{market['sol'].id}/cap"
        made = await market["rita"].services.referrals.make(models.ReferralMake(subject=cap, days=300))
        link = (
            await market["finn"].services.referrals.forward(models.ReferralForward(link=made.link, days=300))
        ).link
        deal = await market.order(link=link)
        await market.complete(deal)
        [before] = await _orders(market, "finn")
        assert (before.logged, before.awards) == ("not_logged", [])
        await market.look()
        [after] = await _orders(market, "finn")
        assert after.logged == "logged"
        assert [(each.amount, each.unit) for each in after.awards] == [("1.25", "EUR")]
        [first] = await _orders(market, "rita")
        assert (first.logged, first.awards, first.referral) == ("logged", [], made.id), "the nearest earns it"
        shown = await market["rita"].services.referrals.show(models.ReferralChoice(name=made.id))
        assert shown.brought == models.ReferralBrought(orders=1, received=1, logged=1)


async def test_who_brought_a_buyer_follows_whoever_owes_for_it(tmp_path: Path) -> None:
    """Else the log that says what is owed would not come, and `credit ls` would not show it."""
    async with credits(tmp_path) as market:
        for name in ("rita", "finn"):
            sol = market["sol"].me.id
            await market[name].store.write(lambda writer, sol=sol: writer.unfollow(sol))
        await market.sold()
        listed = (await market["rita"].services.ledgers.list(models.CreditsQuery())).items
        assert [(each.issuer.id, each.figures[0].balance) for each in listed] == [(market["sol"].id, "1.25")]
        await market["finn"].services.credits.accept(
            models.CreditAcceptance(issuer=market["sol"].id, unit="EUR", amount="5.00")
        )
        followed = await market["finn"].store.read(lambda reader: [id for id, _ in reader.follows()])
        assert market["sol"].me.id in followed, "who is ready to hold credit wants to know of it"


async def test_the_rate_of_an_alliance_wins(tmp_path: Path) -> None:
    """[R-ALLY-5] The ally of the path is paid by what both signed, and after its end by the listing again."""
    async with credits(tmp_path) as market:
        cap, sol = f"{market['sol'].id}/cap", market["sol"].services.alliances
        proposed = await sol.propose(
            models.AlliancePropose(to=market["rita"].id, gives="20", gets="5", notice=0)
        )
        await market.post.carry()
        await market["rita"].services.alliances.accept(proposed.alliance)
        await market.post.carry()
        made = await market["rita"].services.referrals.make(models.ReferralMake(subject=cap, days=300))
        await market.complete(await market.order(link=made.link))
        await market.look()
        [order] = await _orders(market, "rita")
        assert [each.amount for each in order.awards] == ["2.50"]
        await market["rita"].services.alliances.end(proposed.alliance)
        await market.post.carry()
        market.clock.now += DAY_MS
        await market.complete(await market.order(link=made.link))
        await market.look()
        amounts = sorted(each.amount for order in await _orders(market, "rita") for each in order.awards)
        assert amounts == ["1.25", "2.50"]
        assert market.post.refused == []
