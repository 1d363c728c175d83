"""The verdict on every message of every sender in every state of `test_table`, read over by hand.

`SOON` is an hour after the last message, before any deadline; `LATE` holds what differs after all of them. `b`, `s` and
`a` are buyer, seller and arbiter; `effect` is none of the codes.
"""

from __future__ import annotations

SOON: dict[str, dict[str, str]] = {
    "ordered": {
        "effect": "accept/s decline/s cancel/b payment_received/s",
        "not_agreed": (
            "cancel/s payment_sent/b fulfil/s receive/b dispute/b dispute/s lapse_pay/s lapse_fulfil/b"
        ),
        "nothing_paid": "refund/s",
        "nothing_due": "refund_received/b",
        "no_dispute": "ruling/a lapse_dispute/b lapse_dispute/s",
        "too_early": "lapse_accept/b",
        "not_seen": "presume_received/s presume_payment/b presume_refund/s",
    },
    "declined": {
        "ended": "accept/s",
        "already": "decline/s lapse_accept/b",
        "nothing_open": "cancel/b",
        "not_agreed": (
            "cancel/s payment_sent/b fulfil/s receive/b dispute/b dispute/s lapse_pay/s lapse_fulfil/b"
        ),
        "effect": "payment_received/s",
        "nothing_paid": "refund/s",
        "nothing_due": "refund_received/b",
        "no_dispute": "ruling/a lapse_dispute/b lapse_dispute/s",
        "not_seen": "presume_received/s presume_payment/b presume_refund/s",
    },
    "agreed": {
        "already": "accept/s lapse_accept/b",
        "contract": "decline/s",
        "effect": (
            "cancel/b cancel/s payment_sent/b payment_received/s fulfil/s receive/b dispute/b dispute/s"
        ),
        "nothing_paid": "refund/s",
        "nothing_due": "refund_received/b",
        "no_dispute": "ruling/a lapse_dispute/b lapse_dispute/s",
        "too_early": "lapse_pay/s lapse_fulfil/b",
        "not_seen": "presume_received/s presume_payment/b presume_refund/s",
    },
    "sent": {
        "already": "accept/s payment_sent/b lapse_accept/b",
        "contract": "decline/s",
        "effect": "cancel/b cancel/s payment_received/s fulfil/s receive/b dispute/b dispute/s",
        "nothing_paid": "refund/s",
        "nothing_due": "refund_received/b",
        "no_dispute": "ruling/a lapse_dispute/b lapse_dispute/s",
        "paid": "lapse_pay/s",
        "too_early": "lapse_fulfil/b presume_payment/b",
        "not_seen": "presume_received/s presume_refund/s",
    },
    "paid": {
        "already": "accept/s payment_sent/b lapse_accept/b presume_payment/b",
        "contract": "decline/s",
        "effect": "cancel/b cancel/s payment_received/s fulfil/s receive/b dispute/b dispute/s",
        "too_much": "refund/s",
        "nothing_due": "refund_received/b",
        "no_dispute": "ruling/a lapse_dispute/b lapse_dispute/s",
        "paid": "lapse_pay/s",
        "too_early": "lapse_fulfil/b",
        "not_seen": "presume_received/s presume_refund/s",
    },
    "fulfilled": {
        "already": "accept/s payment_sent/b fulfil/s lapse_accept/b presume_payment/b",
        "contract": "decline/s",
        "nothing_open": "cancel/b cancel/s lapse_pay/s lapse_fulfil/b",
        "effect": "payment_received/s receive/b refund/s dispute/b dispute/s",
        "nothing_due": "refund_received/b",
        "no_dispute": "ruling/a lapse_dispute/b lapse_dispute/s",
        "too_early": "presume_received/s",
        "not_seen": "presume_refund/s",
    },
    "received": {
        "already": "accept/s payment_sent/b fulfil/s lapse_accept/b presume_received/s presume_payment/b",
        "contract": "decline/s",
        "nothing_open": "cancel/b cancel/s lapse_pay/s lapse_fulfil/b",
        "effect": "payment_received/s refund/s dispute/b dispute/s",
        "repeat": "receive/b",
        "nothing_due": "refund_received/b",
        "no_dispute": "ruling/a lapse_dispute/b lapse_dispute/s",
        "not_seen": "presume_refund/s",
    },
    "presumed": {
        "already": "accept/s payment_sent/b fulfil/s lapse_accept/b presume_received/s presume_payment/b",
        "contract": "decline/s",
        "nothing_open": "cancel/b cancel/s lapse_pay/s lapse_fulfil/b",
        "effect": "payment_received/s receive/b refund/s dispute/b dispute/s",
        "nothing_due": "refund_received/b",
        "no_dispute": "ruling/a lapse_dispute/b lapse_dispute/s",
        "not_seen": "presume_refund/s",
    },
    "half": {
        "already": "accept/s lapse_accept/b presume_received/s presume_payment/b",
        "contract": "decline/s",
        "effect": (
            "cancel/b cancel/s payment_sent/b payment_received/s fulfil/s receive/b refund/s dispute/b "
            "dispute/s"
        ),
        "nothing_due": "refund_received/b",
        "no_dispute": "ruling/a lapse_dispute/b lapse_dispute/s",
        "paid": "lapse_pay/s",
        "too_early": "lapse_fulfil/b",
        "not_seen": "presume_refund/s",
    },
    "cancelled": {
        "already": "accept/s cancel/b lapse_accept/b presume_payment/b",
        "contract": "decline/s",
        "nothing_open": "cancel/s lapse_pay/s lapse_fulfil/b",
        "ended": "payment_sent/b fulfil/s",
        "effect": "payment_received/s receive/b refund/s refund_received/b dispute/b dispute/s",
        "no_dispute": "ruling/a lapse_dispute/b lapse_dispute/s",
        "not_seen": "presume_received/s presume_refund/s",
    },
    "refunding": {
        "already": "accept/s cancel/b lapse_accept/b presume_payment/b",
        "contract": "decline/s",
        "nothing_open": "cancel/s lapse_pay/s lapse_fulfil/b",
        "ended": "payment_sent/b fulfil/s",
        "effect": "payment_received/s receive/b refund_received/b dispute/b dispute/s",
        "too_much": "refund/s",
        "no_dispute": "ruling/a lapse_dispute/b lapse_dispute/s",
        "not_seen": "presume_received/s",
        "too_early": "presume_refund/s",
    },
    "refunded": {
        "already": "accept/s cancel/b lapse_accept/b presume_payment/b presume_refund/s",
        "contract": "decline/s",
        "nothing_open": "cancel/s lapse_pay/s lapse_fulfil/b",
        "ended": "payment_sent/b fulfil/s",
        "effect": "payment_received/s receive/b dispute/b dispute/s",
        "too_much": "refund/s",
        "nothing_due": "refund_received/b",
        "no_dispute": "ruling/a lapse_dispute/b lapse_dispute/s",
        "not_seen": "presume_received/s",
    },
    "disputed": {
        "already": "accept/s payment_sent/b fulfil/s lapse_accept/b",
        "contract": "decline/s",
        "nothing_open": "cancel/b cancel/s lapse_pay/s lapse_fulfil/b",
        "effect": "payment_received/s receive/b refund/s dispute/s ruling/a lapse_dispute/b",
        "nothing_due": "refund_received/b",
        "dispute_used": "dispute/b",
        "too_early": "lapse_dispute/s",
        "dispute_open": "presume_received/s presume_payment/b",
        "not_seen": "presume_refund/s",
    },
    "ruled": {
        "already": "accept/s payment_sent/b lapse_accept/b presume_received/s presume_payment/b",
        "contract": "decline/s",
        "ruled": "cancel/b cancel/s dispute/b dispute/s ruling/a",
        "effect": "payment_received/s receive/b refund/s refund_received/b",
        "ended": "fulfil/s",
        "nothing_open": "lapse_pay/s lapse_fulfil/b",
        "no_dispute": "lapse_dispute/b lapse_dispute/s",
        "not_seen": "presume_refund/s",
    },
}
LATE: dict[str, dict[str, str]] = {
    "ordered": {
        "effect": "lapse_accept/b",
    },
    "agreed": {
        "effect": "lapse_pay/s lapse_fulfil/b",
    },
    "sent": {
        "effect": "lapse_fulfil/b presume_payment/b",
    },
    "paid": {
        "effect": "lapse_fulfil/b",
    },
    "fulfilled": {
        "effect": "presume_received/s",
    },
    "received": {
        "hold_over": "dispute/b dispute/s",
    },
    "presumed": {
        "hold_over": "dispute/b dispute/s",
    },
    "half": {
        "effect": "lapse_fulfil/b",
    },
    "refunding": {
        "effect": "presume_refund/s",
    },
    "disputed": {
        "effect": "lapse_dispute/s",
    },
}
