"""What is shown of an issuer over a real store: audits, statements, explanations, facts, standings."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from netnode.ledgers.facts import owing, promoting
from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.store import Writer, credits
from protocol import encoding
from protocol.entry import Entry
from protocol.identity import id_text
from protocol.ledger.contents import AwardLine, encode_content
from protocol.records import Challenge, Redeem, SalePart, decode_record, encode_record
from protocol.run import run_of
from tests.netnode.test_ledgers import EUR, Market, forked, give, home_with, later, ledgers_of
from tests.protocol.author import Author
from tests.protocol.ledger.agreements import alliance
from tests.protocol.ledger.world import DAY, HOLD


# -- audit ---------------------------------------------------------------------------------------------------
async def test_an_audit_names_the_first_wrong_award(tmp_path):
    market = Market()
    market.sale()
    path = market.path("bob")
    deal = market.deal(10_000, path=path, commission=1_000).complete()
    market.meet(deal)
    content = market.content(deal, path=path)
    too_much = (AwardLine(market.id("bob"), "commission", 1, 9_000),)
    plan = _commission(market)
    content = msgspec.structs.replace(content, awards=too_much, plan=plan)
    assert market.parts(SalePart, encode_content(content), market.now + 1).code == "awards_differ"
    wrong = market.issuer.entries[-1]
    market.sale()
    async with home_with(tmp_path, market.issuer.entries) as home:
        later(home, market)
        told = await home.services.ledgers.audit(id_text(market.issuer.id))
        assert (told.wrong[0].seq, told.wrong[0].code) == (wrong.seq, "awards_differ")
        assert told.wrong[0].entry == wrong.id.hex() and told.wrong[0].kind == "sale"
        assert told.wrongs == 1 and told.units[0].pending == "20.00"


def _commission(market: Market) -> bytes:
    """Hash of the built-in plan that the sales of this market follow."""
    return market.book.governing.commission(1_000, EUR).hash


# -- statements ----------------------------------------------------------------------------------------------
async def test_a_statement_adds_up_whatever_its_period(tmp_path):
    market = Market()
    deal = market.sale(10_000)
    first = market.now
    deal.refund(5_000)
    market.meet(deal)
    assert market.refund(deal, 5_000).code is None
    market.now += HOLD + DAY
    market.sale(2_000)
    assert market.transfer("bob", "cal", 200, limit=200).code is None
    assert market.redeem("bob", 100).code is None
    async with home_with(tmp_path, market.issuer.entries) as home:
        later(home, market, 31)
        asked = models.StatementQuery(issuer=id_text(market.issuer.id), holder=id_text(market.id("bob")))
        told = await home.services.ledgers.statement(asked)
        lines = [(line.what, line.amount) for line in told.items]
        assert lines == [
            ("award", "10.00"), ("clawback", "-5.00"), ("award", "2.00"), ("sent", "-2.00"), ("redeemed", "-1.00"),
        ]  # fmt: skip
        award = told.items[0]
        assert (award.rate, award.base, award.rule) == ("0.1", "100.00", "commission")
        assert award.plan == _commission(market).hex()
        assert award.id == deal.id.hex()
        assert told.closing.balance == "4.00" and told.opening.balance == "0.00"
        assert (told.posted, told.clawed_back, told.sent, told.redeemed) == ("12.00", "5.00", "2.00", "1.00")
        now = home.clock.now
        for moment in range(first - DAY, now, 7 * DAY):  # cut in two anywhere, the halves make the whole
            left = await home.services.ledgers.statement(msgspec.structs.replace(asked, until=moment))
            right = await home.services.ledgers.statement(msgspec.structs.replace(asked, from_=moment))
            assert left.closing == right.opening
            assert len(left.items) + len(right.items) == len(told.items)
            assert right.closing == told.closing
        before = await home.services.ledgers.statement(msgspec.structs.replace(asked, until=first + 1))
        assert before.closing.pending == "10.00"  # as a reader of that day saw it: nothing was refunded yet
        pages = await home.services.ledgers.statement(msgspec.structs.replace(asked, limit=2))
        rest = await home.services.ledgers.statement(
            msgspec.structs.replace(asked, limit=10, cursor=pages.next)
        )
        assert [*pages.items, *rest.items] == told.items


async def test_a_unit_that_does_not_exist_is_refused_in_words(tmp_path):
    market = Market()
    async with home_with(tmp_path, market.issuer.entries) as home:
        asked = models.StatementQuery(issuer=id_text(market.issuer.id))
        with pytest.raises(Problem) as none:
            await home.services.ledgers.statement(asked)
        assert none.value.code == "no_credit"
    market.sale()
    async with home_with(tmp_path / "other", market.issuer.entries) as home:
        with pytest.raises(Problem) as other:
            await home.services.ledgers.statement(msgspec.structs.replace(asked, unit="moon"))
        assert other.value.exit_code is ExitCode.USAGE and EUR in other.value.text


# -- explanations --------------------------------------------------------------------------------------------
async def test_an_award_is_explained_by_sale_rate_and_base(tmp_path):
    market = Market()
    deal = market.sale(10_000)
    deal.refund(5_000)
    market.meet(deal)
    assert market.refund(deal, 5_000).code is None
    async with home_with(tmp_path, market.issuer.entries) as home:
        await home.store.write(Writer.follow, market.issuer.id, 1)
        told = await home.services.ledgers.explain(models.CreditExplain(id=deal.id.hex()[:12]))
        assert told.issuer.id == id_text(market.issuer.id)
        assert "10.00 EUR by commission" in told.sentences[0] and "10 % of 100.00." in told.sentences[0]
        assert "5.00 remain" in told.sentences[1]
        with pytest.raises(Problem) as none:
            await home.services.ledgers.explain(models.CreditExplain(id="00000000"))
        assert none.value.code == "no_sale"


async def test_what_an_alliance_pays_is_called_so(tmp_path):
    market = Market()
    agreement = alliance(market, market.who("bob"), 1_500)
    deal = market.sale(10_000, agreement=agreement)
    plain = market.sale(10_000)
    async with home_with(tmp_path, market.issuer.entries) as home:
        await home.store.write(Writer.follow, market.issuer.id, 1)
        told = await home.services.ledgers.explain(models.CreditExplain(id=deal.id.hex()))
        assert "15.00 EUR by alliance" in told.sentences[0] and told.plan_title == "alliance"
        other = await home.services.ledgers.explain(models.CreditExplain(id=plain.id.hex()))
        assert "10.00 EUR by commission" in other.sentences[0] and other.plan_title == "commission"


# -- facts and standings -------------------------------------------------------------------------------------
async def test_facts_of_an_issuer_are_computed_from_its_log(tmp_path):
    market = Market()
    deal = market.sale(10_000, "bob")
    market.sale(10_000, "cal")
    market.sale(10_000, "bob")
    deal.refund(4_000)
    market.meet(deal)
    assert market.refund(deal, 6_000).code is None
    disputed = market.deal(10_000, path=market.path("bob"), commission=1_000).complete()
    assert market.sell(disputed, path=market.path("bob")).code is None
    disputed.dispute()
    assert market.freeze(disputed).code is None
    async with home_with(tmp_path, market.issuer.entries) as home:
        ledger = await ledgers_of(home).of(market.issuer.id)
        facts = promoting(ledger, market.now)
        assert (facts.sales, facts.refunded, facts.refund_points) == (4, 1, 2_500)
        assert (facts.promoters, facts.paid) == (2, 0)
        assert (facts.on_time, facts.awarded, facts.on_time_points) == (3, 4, 7_500)
        assert facts.payable_days is not None and 28 <= facts.payable_days <= 30
        assert promoting(ledger, market.now + HOLD + DAY).paid == 2


async def test_credit_that_nobody_uses_for_long_is_overdue(tmp_path):
    market = Market()
    market.sale(10_000, "bob")
    async with home_with(tmp_path, market.issuer.entries) as home:
        ledger = await ledgers_of(home).of(market.issuer.id)
        (fresh,) = owing(ledger, market.now + HOLD + 10 * DAY)
        assert (fresh.solvency.owed, fresh.overdue, fresh.warned) == (1_000, 0, False)
        (old,) = owing(ledger, market.now + HOLD + 100 * DAY)
        assert (old.solvency.owed, old.overdue, old.warned) == (1_000, 1_000, True)


async def test_an_issuer_that_does_not_answer_a_challenge_is_suspected(tmp_path):
    market = Market()
    market.sale(10_000, "bob")
    market.now += HOLD + DAY
    request = market.request("redeem", "bob", 500)
    bob = market.who("bob")
    record = encode_record(
        Challenge(salt=bytes(range(1, 17)), issuer=market.issuer.id, openers=(), request=request)
    )
    entry = bob.after(bob.entries[-1], Challenge.KIND, record, time=market.now)
    async with home_with(tmp_path, market.issuer.entries) as home:
        await home.store.write(_challenge, entry, bob, market.now)
        later(home, market, 13)
        asked = models.CreditQuery(issuer=id_text(market.issuer.id))
        before = (await home.services.ledgers.balance(asked)).standing
        assert (before.suspected, before.open) == (False, 1)
        later(home, market, 15)
        after = (await home.services.ledgers.balance(asked)).standing
        assert (after.suspected, after.overdue) == (True, 1)
        known = len(market.issuer.entries)
        record_ = market.write(_redeem(market, request))
        assert record_.code is None
        await give(home, market.issuer.entries[known:])
        cleared = (await home.services.ledgers.balance(asked)).standing
        assert (cleared.suspected, cleared.open) == (False, 0)


def _redeem(market: Market, request: bytes) -> Any:
    return Redeem(openers=market.openers("bob"), request=request)


def _challenge(writer: Writer, entry: Entry, author: Author, handed: int) -> None:
    with writer.transaction():
        openers = encoding.encode([[list(each.wire()) for each in author.entries]])
        credits.put_challenge(
            writer,
            credits.ChallengeRow(
                entry.id, author.id, decode_record(entry.kind, entry.record).issuer,
                encoding.encode(list(entry.wire())), openers, handed, None, handed,
            ),
        )  # fmt: skip


async def test_the_list_shows_those_followed_whose_credit_one_has(tmp_path):
    market, other = Market("one"), Market("two")
    market.people["ada"] = other.people["ada"] = Author("ada")
    market.sale(10_000, "ada")
    other.sale(10_000, "bob")
    async with home_with(tmp_path, market.issuer.entries, other.issuer.entries) as home:
        for each in (market, other):
            await home.store.write(Writer.follow, each.issuer.id, 1)
        later(home, market)
        told = await home.services.ledgers.list(models.CreditsQuery())
        assert [one.issuer.id for one in told.items] == [id_text(market.issuer.id)]
        assert told.items[0].figures[0].pending == "10.00"
        every = await home.services.ledgers.list(models.CreditsQuery(all=True, limit=2))
        more = await home.services.ledgers.list(models.CreditsQuery(all=True, limit=2, cursor=every.next))
        assert len(every.items) + len(more.items) == 3


async def test_a_bad_standing_is_shown_beside_listings(tmp_path):
    market, left, right = forked()
    quiet = Market("quiet")
    quiet.sale()
    async with home_with(tmp_path, market.issuer.entries, quiet.issuer.entries) as home:
        outcome = await home.gate.admit_proof(run_of(left), run_of(right))
        assert outcome.fault is None
        found = await home.services.ledgers.against(market.issuer.id)
        assert found is not None and found.exposed
        assert await home.services.ledgers.against(quiet.issuer.id) is None
        assert await home.services.ledgers.against(Author("nobody").id) is None
