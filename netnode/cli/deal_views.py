"""Deals and offers in the words and tables of the command line."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from msgspec import UNSET

from netnode.cli import output
from netnode.deals.wording import COMMANDS, STEPS, amount_text
from netnode.operations import models
from netnode.system import SystemClock
from protocol.deals.message import first_order
from protocol.deals.transcript import Transcript
from protocol.identity import id_text

_SHORT: Final = 10  # digits; why: a person tells some thousand deals apart by them
_STATES: Final = MappingProxyType(
    {
        "ordered": "ordered",
        "agreed": "agreed",
        "fulfilled": "delivered",
        "unconfirmed": "unconfirmed",
        "disputed": "in dispute",
        "closed": "done but for money",
        "final": "done",
        "broken": "broken",
    }
)
_WAYS: Final = MappingProxyType(
    {
        "queued": "on its way, not there yet",
        "at_mailbox": "at a mailbox",
        "delivered": "delivered",
        "settled": "delivered and answered",
        "refused": "refused",
    }
)


def deal_id(deal: str) -> str:
    """An id as lists show it and commands take it."""
    return deal[:_SHORT]


def step_text(step: models.Step | None, role: str) -> str:
    """Who has to do what until when, in words."""
    if step is None:
        return "nothing is left to do"
    what = STEPS.get(step.action, step.action.replace("_", " "))
    if (
        step.action == "lapse_dispute" and step.until is not None
    ):  # who opened it; later the other side closes it
        what = "settle and withdraw the dispute"
    if step.by == role:
        return f"you: {what}{_until(step)}"
    return f"the {step.by}: {what}{_until(step)}"


def _until(step: models.Step) -> str:
    return "" if step.until is None else f" until {output.when(step.until)} UTC"


def state_text(state: str) -> str:
    """Where a deal stands, in words."""
    return _STATES.get(state, state)


def _state(deal: models.DealState | models.DealItem | models.DealShown) -> str:
    """Where a deal stands; of one that ended without a delivery: how it ended."""
    if isinstance(deal.ended, str) and deal.state in ("final", "closed"):
        return deal.ended if deal.state == "final" else f"{deal.ended} but for money"
    return state_text(deal.state)


def way(found: models.Delivery | None) -> str:
    """How far a message is, in words."""
    if found is None:
        return ""
    text = _WAYS.get(found.state, found.state)
    return f"{text}: {found.reason}" if found.reason else text


def show_proved(found: Transcript) -> None:
    """What a file proves: between whom, over how much, and where it stands."""
    start = found.messages[0]
    order, figures = first_order(start), found.state.figures
    buyer = f"a key of its own ({order.key.hex()[:16]}...)"
    if order.named is not UNSET:
        buyer = id_text(order.named.id)
    rows = [
        ("deal", start.deal.hex()),
        ("state", state_text(found.state.phase.value)),
        ("ordered", f"{output.when(start.time)} UTC"),
        ("seller", id_text(order.seller)),
        ("buyer", buyer),
    ]
    if order.terms.arbiter is not UNSET:
        rows.append(("arbiter", id_text(order.terms.arbiter)))
    money = (
        ("price", figures.price),
        ("paid", figures.paid),
        ("paid back", max(figures.refund_sent, figures.refund_received)),
        ("still to pay", figures.payment_due),
        ("to pay back", figures.refund_due),
    )
    rows += [
        (name, amount_text(order, amount)) for name, amount in money if amount or name in ("price", "paid")
    ]
    output.pairs(rows)


def show_state(state: models.DealState) -> None:
    """What a command on a deal answers."""
    rows = [
        ("deal", deal_id(state.deal)),
        ("state", _state(state)),
        ("next", step_text(state.next, state.role)),
    ]
    if isinstance(state.said, str):
        rows.insert(1, ("you", _second_person(state.said)))
    if state.delivery is not None:
        rows.append(("message", way(state.delivery)))
    output.pairs(rows)
    output.hint(_hint(state))
    if isinstance(state.held, str):
        output.hint(state.held)


def _hint(state: models.DealState) -> str:
    """The command that comes next: of the step, where it is one's own."""
    deal, step = deal_id(state.deal), state.next
    # Why not in a dispute: who has just opened one is not told to do what it is about, or to take it back.
    barred = state.state == "disputed" and state.role != "arbiter"
    if step is None or step.by != state.role or step.action not in COMMANDS or barred:
        return f"See all of it with: netnode deal show {deal}"
    other = " (or decline)" if step.action == "accept" else ""
    return f"Your turn: netnode deal {COMMANDS[step.action]} {deal}{other}"


def show_deals(page: models.Page[models.DealItem]) -> None:
    """The list of deals."""
    if not page.items:
        output.say(
            "No deals are open. Order something with: netnode deal order REF; finished ones: netnode deal ls --all"
        )
        return
    now = SystemClock().now_ms()
    rows = [
        (
            deal_id(one.deal),
            _mine(one, now),
            _state(one),
            one.title,
            output.price_text(one.price),
            f"{one.partner_name or output.short(one.partner)} ({_other(one.role)})",
            way(one.delivery)
            if one.delivery is not None and one.delivery.state in ("queued", "refused")
            else "",
        )
        for one in page.items
    ]
    output.table(("deal", "next", "state", "goods", "price", "with", "your message"), rows, right=(4,))
    output.hint("See one, and what you can do in it, with: netnode deal show DEAL")
    output.more(page.next)


def _mine(one: models.DealItem, now: int) -> str:
    if isinstance(one.held, str):
        return "waits for the other side's answer (deal show)"
    text = _next_text(one)
    late = one.next is not None and one.next.until is not None and one.next.until < now
    return f"{text} (late)" if late else text


def _next_text(deal: models.DealItem | models.DealShown) -> str:
    """The next step; in a dispute that somebody else ends, before it what its reader can do meanwhile."""
    text = step_text(deal.next, deal.role)
    return f"{step_text(deal.beside, deal.role)}; {text}" if isinstance(deal.beside, models.Step) else text


def _other(role: str) -> str:
    return {"buyer": "seller", "seller": "buyer"}.get(role, "buyer")


def show_deal(deal: models.DealShown) -> None:
    """One deal with its history."""
    rows = [
        ("deal", deal.deal),
        ("you are", f"the {deal.role}"),
        ("state", _state(deal)),
        ("next", _next_text(deal)),
        ("seller", _party(deal.seller)),
        ("buyer", _party(deal.buyer)),
    ]
    if deal.arbiter is not None:
        fee = deal.arbiter_fee
        costs = f"; a ruling costs {output.price_text(fee)}" if isinstance(fee, models.Price) else ""
        rows.append(("arbiter", f"{_party(deal.arbiter)}{costs}"))
    if isinstance(deal.address, models.DealAddress):
        rows.append(("to", address_text(deal.address)))
    rows += [(name, value) for name, value in _words(deal) if isinstance(value, str)]
    output.pairs(rows)
    output.say("")
    show_lines(deal.lines, deal.discounts, deal.taxes, deal.shipping, deal.figures.price)
    output.say("")
    output.pairs(_money(deal.figures))
    if len(deal.parts) > 1:
        output.say("")
        output.table(
            ("part", "price", "state", "until (UTC)"),
            [
                (str(one.part), output.price_text(one.price), one.state, output.when(one.until))
                for one in deal.parts
            ],
            right=(0, 1),
        )
    for method in deal.payment if _pays(deal) else ():
        output.say("", f"To pay by {method.label}: {method.uri}")
    for text in deal.differs:
        output.say("", f"Not as you offer it: {text}.")
    output.say("")
    output.table(("when (UTC)", "who", "what", "how far"), [_row(each, deal.role) for each in deal.messages])
    if isinstance(deal.held, str):
        output.hint(deal.held)
    elif deal.can:
        output.hint(f"What you can do now: {', '.join(deal.can)} (netnode deal COMMAND {deal_id(deal.deal)})")


def _pays(deal: models.DealShown) -> bool:
    """Whether its reader has still to pay, or will have once the order is accepted."""
    figures = deal.figures
    open_ = figures.payment_due.minor - figures.unconfirmed.minor
    return deal.role == "buyer" and (deal.state == "ordered" or open_ > 0)


def _words(deal: models.DealShown) -> list[tuple[str, object]]:
    return [("contact", deal.contact), ("note", deal.note), ("pays by", deal.payment_chosen)]


def _party(party: models.DealParty) -> str:
    if not party.node:
        return f"a buyer without a node (key {party.id[:16]}...)"
    return f"{party.name} ({party.id})" if party.name else party.id


def address_text(address: models.DealAddress) -> str:
    """An address on one line."""
    parts = [address.name, *address.lines, address.postcode, address.city, address.region, address.country]
    return ", ".join(part for part in parts if isinstance(part, str))


def show_lines(
    lines: list[models.DealLine],
    discounts: list[models.DealLine],
    taxes: list[models.DealLine],
    shipping: models.DealLine | None,
    price: models.Price,
) -> None:
    """Goods, and what comes to their price."""
    rows = [
        (
            str(line.quantity),
            _goods_text(line),
            output.price_text(line.unit_price) if isinstance(line.unit_price, models.Price) else "",
            output.price_text(line.amount),
        )
        for line in lines
    ]
    rows += [("", line.title, "", f"-{output.price_text(line.amount)}") for line in discounts]
    if shipping is not None:
        named = f"Shipping: {shipping.title}" if shipping.title else "Shipping"
        rows.append(("", named, "", output.price_text(shipping.amount)))
    rows += [
        (
            "",
            f"{line.title} (included)" if line.included is True else line.title,
            "",
            output.price_text(line.amount),
        )
        for line in taxes
    ]
    rows.append(("", "Total", "", output.price_text(price)))
    output.table(("pieces", "goods", "each", "amount"), rows, right=(0, 2, 3))


def _goods_text(line: models.DealLine) -> str:
    choice = f" ({', '.join(line.options)})" if isinstance(line.options, list) else ""
    more = f": {line.text}" if isinstance(line.text, str) else ""
    return f"{line.title}{choice}{more}"


def _money(figures: models.DealFigures) -> list[tuple[str, str]]:
    known = [
        ("paid", figures.paid),
        ("unconfirmed", figures.unconfirmed),
        ("still to pay", figures.payment_due),
        ("paid back", figures.refunded),
        ("to pay back", figures.refund_due),
    ]
    return [(name, output.price_text(price)) for name, price in known if price.minor or name == "paid"]


def _row(message: models.DealMessage, role: str) -> tuple[str, str, str, str]:
    who = "you" if message.own else f"the {message.role}"
    said = message.said if not message.own else _second_person(message.said)
    more = [
        f"{name}: {value}"
        for name, value in (
            ("", message.text),
            ("by", message.method),
            ("reference", message.reference),
            ("tracking", message.tracking),
            ("licence", message.licence),
            ("see", message.url),
        )
        if isinstance(value, str)
    ]
    if isinstance(message.content_bytes, int):
        more.append(f"a file of {output.size(message.content_bytes)} (netnode deal save)")
    text = "; ".join([said, *(each.removeprefix(": ") for each in more)])
    if message.void is not None:
        text += f" - without effect ({message.void}): {message.why}"
    elif message.waits:
        text += " - waits: it is dated ahead of this clock, or rests on a message that is not here yet"
    return output.when(message.time), who, text, way(message.delivery) if message.own else ""


def _second_person(said: str) -> str:
    """``confirms the payment`` of somebody else is ``confirm the payment`` of one's own."""
    for third, second in (("confirms", "confirm"), ("presumes", "presume")):
        if said.startswith(third):
            return second + said[len(third) :]
    return said
