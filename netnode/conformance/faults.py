"""What breaks INX/1, by code; section 14.2."""

from __future__ import annotations

from typing import Final

ENDING: Final = frozenset({
    "encoding", "not_canonical", "too_large", "handshake", "wrong_id", "certificate", "version", "feature",
    "unexpected", "bad_message", "answer", "header", "signature", "link", "time_order", "after_close", "record_hash",
    "record_missing", "key", "promise", "opener", "bad_proof", "blob",
})  # fmt: skip
"""Codes that end the session, of side `remote` [R-SES-12]."""

REMOTE: Final = ENDING | frozenset({
    "unknown_message", "rate", "bad_uri", "bad_file", "letter", "letter_token", "path", "deal_message",
})  # fmt: skip
"""Codes of the sender's faults [R-CODE-1]."""

HELD: Final = frozenset({
    "busy", "blocked", "twin", "internal", "unproved", "gap", "unknown_author", "unknown_epoch", "stale", "forked",
    "contested", "not_wanted", "quota", "no_stamp", "cursor", "not_here", "letter_expired",
    "letter_key", "mailbox", "mailbox_full", "unknown_type", "path_expired", "clock",
})  # fmt: skip
"""Codes of what is not kept or served now; never a fault of the sender [R-VER-3]."""

VOID: Final = frozenset({
    "malformed", "wrong_key", "stamp", "not_offered", "no_choice", "on_request", "mixed_money", "no_delivery",
    "discount", "price_differs", "mandate", "mandate_ended", "mandate_paused", "changes", "contradicted", "turn",
    "too_late", "too_early", "no_order", "bad_number", "bad_names", "names_backwards", "names_other_branch", "bad_time",
    "bad_epoch", "doubled", "broken", "not_party", "terms_differ", "already", "not_needed", "contract", "not_agreed",
    "ended", "nothing_open", "no_part", "not_seen", "repeat", "too_much", "nothing_paid", "nothing_due",
    "total_differs", "paid", "dispute_open", "dispute_used", "hold_over", "no_dispute", "no_arbiter", "ruled",
    "two_rulings", "consent", "statement", "not_signed", "names_differ", "invitation_over", "not_acknowledged",
    "too_soon", "is_member", "no_member", "no_sponsor", "cycle", "too_deep", "no_place", "no_consent", "not_neglected",
    "no_duty", "alliance", "plan_refused", "plan_joining", "plan_unbounded", "plan_terms", "group", "deal",
    "dated_ahead", "already_logged", "no_receipt", "path_differs", "openers", "listing_differs", "no_plan",
    "plan_differs", "awards_differ", "no_sale", "no_reduction", "base_differs", "period", "contested_holder",
    "request_over", "counter", "no_limit", "not_covered", "over_limit", "no_lock", "no_swap", "no_entry", "no_standing",
    "sale_full", "too_costly",
})  # fmt: skip
"""Codes of what is kept without effect [R-VER-2]."""

CODES: Final = REMOTE | HELD | VOID | {"local"}


class Fault(Exception):
    """Something is refused, not held, or void.

    Attributes:
        code: a code of the registry. [R-CODE-1]
    """

    def __init__(self, code: str, text: str = "") -> None:
        assert code in CODES, code
        super().__init__(f"{code}: {text}" if text else code)
        self.code = code


def demand(held: bool, code: str, text: str = "") -> None:
    """Raises a fault with this code unless the condition holds."""
    if not held:
        raise Fault(code, text)
