"""Commands on deals, offers and stock: what they ask a node, and what they tell a person."""

from __future__ import annotations

import pytest
from msgspec import structs

from netnode.cli.deal_views import step_text
from netnode.operations import models
from tests.netnode.fake_deals import DEAL, NONE, OFFER, PRICE, TIME
from tests.netnode.fake_services import OTHER

ID = DEAL[:8]
MOVES = {
    "accept": (),
    "decline": ("--reason", "sold_out"),
    "cancel": ("--text", "Sorry."),
    "paid": ("--amount", "12.50", "--method", "Bank", "--reference", "RF18"),
    "received": (),
    "fulfil": ("--tracking", "JD1", "--url", "https://a.example/x"),
    "receipt": ("--part", "1"),
    "refund": ("--amount", "2"),
    "refunded": (),
    "dispute": ("--claim", "0"),
    "rule": ("--keeps", "5.00", "--delivered", "1"),
    "lapse": ("--what", "pay"),
    "presume": (),
    "ask": ("--release",),
}


@pytest.mark.parametrize("name", MOVES)
def test_every_move_answers_alike(ready, name):
    result = ready("deal", name, ID, *MOVES[name], "--json")
    assert result.code == 0, result.err
    assert {"deal", "state", "role", "next", "delivery"} <= set(result.json)
    assert result.json["deal"] == DEAL
    assert set(result.json["next"]) == {"action", "by", "until"}
    told = ready("deal", name, ID, *MOVES[name])
    assert told.code == 0 and "you: pay until" in told.out and "on its way, not there yet" in told.out
    # Why not in a dispute: who has just opened one is not told to do what it is about.
    turn = "See all of it with: netnode deal show" if name == "dispute" else "Your turn: netnode deal paid"
    assert f"{turn} {DEAL[:10]}" in told.err


def test_a_move_tells_what_was_said_and_how_a_deal_ended(ready):
    paid = ready("deal", "paid", ID).out
    assert "you      paid 12.50 EUR" in paid and "cancelled" not in paid
    assert "state    cancelled" in ready("deal", "cancel", ID).out


def test_a_deal_that_waits_for_the_other_side_offers_no_move(ready, runtime):
    deals, show = runtime.services.deals, runtime.services.deals.show

    async def held(name):
        return structs.replace(await show(name), held="The seller is asked first.")

    deals.show = held
    told = ready("deal", "show", ID).err
    assert "The seller is asked first." in told and "What you can do now" not in told


def test_who_recommended_it_is_told_by_token_or_file(ready, runtime, tmp_path):
    file = tmp_path / "path.txt"
    file.write_text("ABcd01\n02ff\n")
    for given, tokens in (("abcd01", ["abcd01"]), (str(file), ["abcd01", "02ff"]), ("ab,cd", ["ab", "cd"])):
        result = ready("deal", "order", f"{OTHER}/cap", "--path", given, "--json")
        assert result.code == 0, result.err
        assert runtime.services.deals.moves[-1].path == tokens
    for wrong in ("no-such-file", "abc", "", "ab" * 5_000 + "x", str(tmp_path), ",".join(["ab"] * 9)):
        result = ready("deal", "order", f"{OTHER}/cap", "--path", wrong)
        assert result.code == 2 and "--path: " in result.err, wrong


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (models.Step("ruling", "arbiter", TIME), "the arbiter: rule until"),
        (models.Step("lapse_dispute", "buyer", TIME), "you: settle and withdraw the dispute until"),
        (models.Step("lapse_dispute", "buyer", None), "you: close the dispute"),
    ],
)
def test_the_next_step_in_a_dispute_is_what_ends_it(step, says):
    assert step_text(step, "buyer").startswith(says)


def test_an_order_carries_address_and_wishes(ready, runtime):
    result = ready(
        "deal", "order", f"{OTHER}/cap", "--qty", "2", "--variant", "M", "--country", "de", "--line", "Am Sand 1",
        "--city", "Ulm", "--code", "SUMMER", "--note", "Ring twice.", "--json",
    )  # fmt: skip
    assert result.code == 0, result.err
    (asked,) = runtime.services.deals.moves
    assert isinstance(asked, models.DealOrder)
    assert (asked.quantity, asked.variant, asked.code, asked.note) == (2, "M", "SUMMER", "Ring twice.")
    assert asked.address == models.DealAddress(country="DE", lines=["Am Sand 1"], city="Ulm")
    assert "arbiter send" not in result.err
    ruled = ready("deal", "order", f"{OTHER}/cap", "--arbiter", OTHER)
    assert ruled.code == 0 and "netnode arbiter send CONSENT SELLER" in ruled.err
    refused = ready("deal", "order", f"{OTHER}/cap", "--city", "Ulm")
    assert refused.code == 2 and "--country" in refused.err


def test_the_list_and_one_deal_in_words(ready):
    listed = ready("deal", "ls")
    told = listed.out
    assert "netnode deal show DEAL" in listed.err
    assert "Sol (seller)" in told and "you: pay until" in told and "12.50 EUR" in told
    assert ready("deal", "ls", "--role", "seller").out.startswith("No deals are open.")
    shown = ready("deal", "show", ID)
    assert "To pay by Bank transfer: payto://iban/DE02" in shown.out
    assert "Ada, Am Sand 1, DE" in shown.out
    assert "without effect (too_early): its time has not come yet" in shown.out
    assert "delivered and answered" in shown.out
    assert "What you can do now: paid, cancel" in shown.err
    assert "\x1b" not in shown.out  # a text of the other side moves no cursor
    unknown = ready("deal", "show", "0000")
    assert unknown.code == 3
    wrong = ready("deal", "show", "zzz")
    assert wrong.code == 2 and "is not an id as lists show it" in wrong.err and "regex" not in wrong.err
    why = ready("deal", "decline", ID, "--reason", "sold out")
    assert (
        why.code == 2 and "one word of small letters such as sold_out" in why.err and "regex" not in why.err
    )
    mail = ready("mail", "show", "zzz")
    assert mail.code == 2 and "netnode mail ls" in mail.err and "regex" not in mail.err


@pytest.mark.parametrize(
    ("changes", "figures"),
    [({"role": "seller"}, {}), ({}, {"unconfirmed": PRICE}), ({}, {"payment_due": NONE})],
)
def test_how_to_pay_is_told_to_who_has_to(ready, runtime, changes, figures):
    show = runtime.services.deals.show

    async def shown(name):
        found = await show(name)
        return structs.replace(
            found, state="agreed", figures=structs.replace(found.figures, **figures), **changes
        )

    runtime.services.deals.show = shown
    assert "To pay by" not in ready("deal", "show", ID).out


def test_a_file_is_sent_and_saved(ready, runtime, tmp_path):
    manual = tmp_path / "manual.txt"
    manual.write_bytes(b"\x00the manual")
    assert ready("deal", "fulfil", ID, "--file", manual).code == 0
    (sent,) = runtime.services.deals.moves
    assert (sent.content, sent.content_type) == (b"\x00the manual", "text/plain")
    manual.write_bytes(bytes(24 * 1024 + 1))
    large = ready("deal", "fulfil", ID, "--file", manual)
    assert large.code == 2 and "--url" in large.err
    assert ready("deal", "fulfil", ID, "--file", tmp_path / "none").code == 3
    saved = ready("deal", "save", ID, tmp_path / "got.txt", "--json")
    assert saved.json["bytes"] == 10 and (tmp_path / "got.txt").read_bytes() == b"the manual"


def test_an_exported_deal_is_proved_without_a_home(run, ready, tmp_path):
    file = tmp_path / "cap.inxdeal"
    assert ready("deal", "export", ID, file).code == 0
    again = ready("deal", "export", ID, file)
    assert again.code == 4 and "--force" in again.err
    assert ready("deal", "export", ID, file, "--force").code == 0
    result = run("deal", "verify", file, "--json", "--home", str(tmp_path / "nowhere"))
    assert result.code == 1
    assert set(result.json) == {"valid", "state", "messages", "error"}
    assert result.json["valid"] is False and set(result.json["error"]) == {"message", "field", "reason"}
    assert "proves nothing" in run("deal", "verify", file).out
    assert run("deal", "verify", tmp_path / "none").code == 3


def test_offers_are_read_from_short_forms(ready, runtime):
    def made(*arguments: str) -> models.OfferMake:
        result = ready("offer", "make", *arguments, "--json")
        assert result.code == 0, result.err
        return runtime.services.offers.made[-1]

    lines = made(
        "--line", "2 x Workshop @ 400.00", "--line", "Room = 50", "--currency", "eur", "--tax", "19% VAT"
    ).lines
    assert [(line.title, line.quantity, line.unit_price) for line in lines] == [
        ("Workshop", 2, "400.00"),
        ("Room", 1, "50"),
    ]
    asked = made("--line", "Box @ 5", "--currency", "EUR", "--tax", "7.5% VAT", "--tax-added")
    assert asked.tax == models.OfferTax(rate=750, title="VAT", included=False)
    parts = made(
        "--part", "Draft @ 300.00 / 14d", "--part", "Text @ 700.00", "--currency", "EUR", "--to", OTHER
    ).lines
    assert [(part.part, part.days) for part in parts] == [(1, 14), (2, None)]
    share = made("--off", "12.5%", "--code", "SUMMER", "--expires", "4w")
    assert (share.percent, share.off, share.expires_in) == ("12.5", None, 28 * 86_400)
    assert made("--off", "5.00", "--currency", "EUR", "--only", "cap").only == ["cap"]
    for wrong in (("--line", "Workshop"), ("--part", "Draft"), ("--expires", "never"), ("--tax", "VAT")):
        result = ready("offer", "make", *wrong, "--currency", "EUR")
        assert result.code == 2 and wrong[0] in result.err
    assert ready("offer", "make", "--line", "A @ 1", "--part", "B @ 1", "--currency", "EUR").code == 2


def test_offers_in_words(ready):
    assert "code SUMMER" in ready("offer", "ls").out
    shown = ready("offer", "show", OFFER[:6]).out
    assert "Total" in shown and "Delivery: within 14 days of the contract" in shown
    assert ready("offer", "show", "0000").code == 3
    assert "is taken back" in ready("offer", "end", OFFER[:6]).out


def test_stock_is_counted_or_not(ready):
    assert "there is always enough" in ready("listing", "stock", "cap").out
    counted = ready("listing", "stock", "cap", "12", "--auto-accept", "on")
    assert "12" in counted.out and "accepted by themselves" in counted.out
    assert ready("listing", "stock", "cap", "--json").json["counters"][0]["count"] == 12
    assert "there is always enough" in ready("listing", "stock", "cap", "--uncounted").out
