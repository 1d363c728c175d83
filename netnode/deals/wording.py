"""What people read of deals: steps, messages, and why a move is not possible."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from netnode.market import money
from netnode.market.dates import minute
from protocol.deals.bodies import Order
from protocol.deals.moves import Next
from protocol.deals.offers import Quote
from protocol.deals.table import ROWS
from protocol.errors import CODES
from protocol.records import Price

COMMANDS: Final = MappingProxyType(
    {
        "order": "order",
        "accept": "accept",
        "decline": "decline",
        "cancel": "cancel",
        "payment_sent": "paid",
        "payment_received": "received",
        "fulfil": "fulfil",
        "receive": "receipt",
        "refund": "refund",
        "refund_received": "refunded",
        "dispute": "dispute",
        "ruling": "rule",
        "lapse_accept": "lapse",
        "lapse_pay": "lapse",
        "lapse_fulfil": "lapse",
        "lapse_dispute": "lapse",
        "presume_received": "presume",
        "presume_payment": "presume",
        "presume_refund": "presume",
    }
)
"""Type of message -> the command that sends it."""

SAID: Final = MappingProxyType(
    {
        "order": "ordered",
        "renewal": "began the next period",
        "accept": "accepted the order",
        "decline": "declined the order{why}",
        "cancel": "cancelled what is open{why}",
        "payment_sent": "paid {amount}",
        "payment_received": "confirms the payment of {amount}",
        "fulfil": "delivered{part}",
        "receive": "confirms the receipt{part}",
        "refund": "paid back {amount}",
        "refund_received": "confirms the refund of {amount}",
        "dispute": "opened a dispute: the seller should keep {claim}",
        "ruling": "ruled: {paid} were paid, the seller keeps {keeps}",
        "lapse_accept": "took the order back: it was not accepted in time",
        "lapse_pay": "ended the deal: it was not paid in time",
        "lapse_fulfil": "ended what is open: it was not delivered in time",
        "lapse_dispute": "closed the dispute",
        "presume_received": "presumes that the delivery arrived: nobody confirmed it in time",
        "presume_payment": "presumes that the payment arrived: nobody confirmed it in time",
        "presume_refund": "presumes that the refund arrived: nobody confirmed it in time",
    }
)
"""Type of message -> what its sender did, after a name; places are filled with amounts, parts and reasons."""

STEPS: Final = MappingProxyType(
    {
        "accept": "accept or decline",
        "payment_sent": "pay",
        "payment_received": "confirm the payment",
        "fulfil": "deliver",
        "receive": "confirm the receipt",
        "refund": "pay back",
        "refund_received": "confirm the refund",
        "ruling": "rule",
        "lapse_accept": "take the order back",
        "lapse_pay": "end it as unpaid",
        "lapse_fulfil": "end it as undelivered",
        "lapse_dispute": "close the dispute",
        "presume_received": "presume the receipt",
        "presume_payment": "presume the payment",
        "presume_refund": "presume the refund",
    }
)
"""Action of a step -> what is to be done."""

WHY: Final = MappingProxyType(
    {
        "already": "this was done before",
        "bad_number": "it does not follow its sender's message before",
        "bad_time": "it is dated earlier than something it names",
        "contract": "there is a contract already, which only a cancel ends",
        "dispute_open": "a dispute is open",
        "dispute_used": "this side has had its one dispute",
        "ended": "the part, or the whole deal, has ended",
        "expired": "the offer had expired when it was ordered",
        "hold_over": "the time for disputes is over",
        "names_backwards": "it names an older message of the other side than its sender had named before",
        "names_other_branch": "it names a message of the branch that the other side did not choose",
        "no_arbiter": "the order names no arbiter",
        "no_dispute": "no dispute is open",
        "no_order": "there is no order",
        "not_agreed": "the seller has not accepted the order, so there is no contract",
        "not_needed": "the order is on an offer to this buyer, so the contract stands already",
        "not_party": "its sender has no part in the deal, or may not send this",
        "nothing_due": "no refund is sent or due",
        "nothing_open": "nothing is open any more",
        "nothing_paid": "nothing was paid",
        "paid": "a payment was sent",
        "repeat": "this was said before",
        "ruled": "an arbiter has ruled",
        "terms_differ": "it does not say what the offer says",
        "too_early": "its time has not come yet",
        "too_much": "the amount is above what is open in this deal",
    }
)
"""Void code -> why a message has no effect, for the history."""


_BEFORE: Final = MappingProxyType(
    {
        "lapse_accept": "accept",
        "lapse_pay": "payment_sent",
        "lapse_fulfil": "fulfil",
        "presume_received": "receive",
        "presume_payment": "payment_received",
        "presume_refund": "refund_received",
    }
)


def too_early(type: str, steps: Iterable[Next]) -> str:
    """Why a lapse or a presumption is not possible yet, with the date from which it is where one is known.

    Args:
        type: of the message.
        steps: what the deal waits for now: their end is the beginning of what may be said instead.
    """
    actions = ("ruling", "lapse_dispute") if type == "lapse_dispute" else (_BEFORE.get(type),)
    dates = [each.until for each in steps if each.action in actions and each.until is not None]
    if not dates:
        return WHY["too_early"]
    from_ = minute(min(dates))
    return f"{WHY['too_early']}, it will on {from_} UTC"


def amount_text(order: Order | Quote, amount: int) -> str:
    """An amount of a deal, or of what is offered, in words: ``12.50 EUR``."""
    shown = money.view(Price(amount=amount, currency=order.currency, issuer=order.issuer, unit=order.unit))
    return f"{shown['amount']} {shown.get('currency', shown.get('unit', ''))}".strip()


def commands(types: Iterable[str]) -> list[str]:
    """The commands that send these types, each once."""
    return list(dict.fromkeys(COMMANDS[each] for each in types if each in COMMANDS))


def possible(types: Iterable[str], deal: str) -> str:
    """A sentence that names the commands which can be used instead."""
    found = commands(types)
    if not found:
        return "Nothing is left for you to do in this deal."
    return f"What you can do in this deal now: {', '.join(found)} (netnode deal COMMAND {deal})."


def impossible(type: str, role: str, code: str, text: str, steps: Iterable[Next] = ()) -> str:
    """Why a move cannot be made, as a sentence.

    Args:
        type: of the message; empty where nothing of the kind was found.
        role: of who wants to send it.
        code: why it would have no effect.
        text: the same in words, where nothing better is known.
        steps: what the deal waits for now.
    """
    reason = too_early(type, steps) if code == "too_early" else WHY.get(code) or text.rstrip(".")
    if not type:
        return f"{reason[:1].upper()}{reason[1:]}."
    command = COMMANDS.get(type, type)
    meant = sorted(sender for each, sender in ROWS if each == type)
    if meant and role not in meant:
        return f"`{command}` is for the {' or the '.join(meant)}; in this deal you are the {role}."
    return f"`{command}` is not possible now: {reason}."


def sentence(text: str) -> str:
    """A text that begins with a capital letter and ends with a stop."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?", "!")) else f"{text}."


def why(code: str) -> str:
    """Why a message has no effect, in words; a code of a later version stands for itself."""
    meaning = CODES[code].meaning if code in CODES else code.replace("_", " ")
    return WHY.get(code, meaning)
