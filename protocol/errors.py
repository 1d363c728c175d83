"""The error tree of INX and the one registry of machine codes.

    ProtocolError
    ├── LocalProtocolError    this program asked for something INX does not allow (a bug here)
    ├── RemoteProtocolError   the other side broke INX: refused with its code, the session may close
    ├── NotHeld               authentic, or not yet proved: not stored now, may be later
    └── Void                  stored and relayed, without effect; the code is shown

The four classes keep the verdicts of SPEC section 2 apart. Every error carries a code of `CODES`; SPEC.md prints
that registry, so a peer in another language can act on the code and show the text.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final


class Side(enum.Enum):
    """Who is concerned by a code."""

    REMOTE = "remote"  # the sender broke INX
    HELD = "held"  # authentic or not yet proved, not kept now
    VOID = "void"  # kept, without effect
    LOCAL = "local"  # this program is at fault


@dataclass(frozen=True, slots=True)
class Code:
    """One machine code: its name, the class of verdict it belongs to, what the receiver does, and its meaning."""

    name: str
    side: Side
    closes: bool  # the receiver ends the session after answering with it
    meaning: str


_R, _H, _V = Side.REMOTE, Side.HELD, Side.VOID
CODES: Final[dict[str, Code]] = {
    code.name: code
    for code in (
        # encoding
        Code("encoding", _R, True, "bytes are not one well-formed value of the allowed types"),
        Code("not_canonical", _R, True, "the value is not in its one canonical form"),
        Code("too_large", _R, True, "a size, depth or count limit is exceeded"),
        Code("malformed", _V, False, "a record or field has a wrong type, is missing or out of bounds"),
        # session
        Code(
            "handshake",
            _R,
            True,
            "a Noise message that does not decrypt, is out of pattern or too long",
        ),
        Code("wrong_id", _R, True, "the responder is not the networker the dialler expected"),
        Code(
            "certificate",
            _R,
            True,
            "the session key is not certified by the signing key in force, or has expired",
        ),
        Code("version", _R, True, "no protocol version in common"),
        Code("feature", _R, True, "a mandatory feature of the other side is unknown"),
        Code("unexpected", _R, True, "this message is not allowed in this state or by this role"),
        Code("unknown_message", _R, False, "a message of an unknown mandatory (even) type"),
        Code(
            "bad_message",
            _R,
            True,
            "the body of a message has a wrong type, a missing or an out-of-bounds field",
        ),
        Code("answer", _R, True, "an answer to no open request, or one that does not fit its request"),
        Code("rate", _R, False, "too many requests at once or in the time: ask again later"),
        Code("busy", _H, False, "no room for another session now: try again later"),
        Code("blocked", _H, False, "this node holds no sessions with this networker"),
        Code("twin", _H, False, "another node of the same networker is running"),
        Code("internal", _H, False, "this side failed at the request; the session goes on"),
        # log
        Code("header", _R, True, "a header has a wrong form, author, version or bound"),
        Code("signature", _R, True, "a signature that must be valid is not"),
        Code("link", _R, True, "an entry does not follow the one before it (seq, prev, epoch, term)"),
        Code("time_order", _R, True, "an entry is dated before its predecessor"),
        Code("after_close", _R, True, "an entry other than a rotation or settlement follows a close"),
        Code("record_hash", _R, True, "a record does not match the hash and length in its header"),
        Code("record_missing", _R, True, "a ledger-critical (even) entry came without its record"),
        Code("key", _R, True, "a public key is not canonical, not a point of the curve, or of small order"),
        Code("promise", _R, True, "a rotation is not signed by the promised key"),
        Code("opener", _R, True, "an inception, rotation or settlement that does not verify by itself"),
        Code("unproved", _H, False, "no later signature proves these entries yet"),
        Code("gap", _H, False, "entries do not join the held log: the ones between are missing"),
        Code("unknown_author", _H, False, "the openers of this networker are not known here"),
        Code("unknown_epoch", _H, False, "a rotation between is not known here"),
        Code("stale", _H, False, "entries of a closed epoch or term that are not part of the log"),
        Code("forked", _H, False, "the term is forked: only an opener goes on"),
        Code("contested", _H, False, "the identity is contested: only a healing rotation goes on"),
        Code("not_wanted", _H, False, "this node does not keep this networker or kind"),
        Code("quota", _H, False, "no room for this within the quotas of this node"),
        Code("no_stamp", _H, False, "nothing is taken from a stranger without a stamp of the bits asked for"),
        Code("bad_proof", _R, True, "a proof of fork or contest proves nothing"),
        # replication
        Code("cursor", _H, False, "the cursor is unknown here: ask for heads"),
        Code("not_here", _H, False, "this node does not hold what was asked for"),
        Code("blob", _R, True, "bytes that do not match the hash or place they were asked for"),
        Code("bad_uri", _R, False, "an invite or referral link, or a code, of a wrong form"),
        Code("bad_file", _R, False, "not a file of runs, one of another network, or cut off"),
        Code("invite", _H, False, "no invite of this token, or one that was taken back"),
        Code("invite_expired", _H, False, "the invite's time is over"),
        Code(
            "invite_used", _H, False, "the invite was used as often as it may be, or had too many wrong PINs"
        ),
        Code("invite_pin", _H, False, "the PIN is missing or wrong"),
        # letters
        Code("letter", _R, False, "a letter of a wrong form, that its key does not open, or nobody signed"),
        Code("letter_expired", _H, False, "the letter's time is over, or further ahead than LETTER_DAYS"),
        Code(
            "letter_token",
            _R,
            False,
            "a stranger's letter without a stamp, and with a token that does not hold or none",
        ),
        Code(
            "letter_key",
            _H,
            False,
            "sealed to a key its recipient does not have, or signed by a retired one: seal it again",
        ),
        Code("mailbox", _H, False, "this node keeps no letters for that recipient"),
        Code(
            "mailbox_full",
            _H,
            False,
            "no room for another letter of this sender, or of strangers: try again later",
        ),
        Code("unknown_type", _H, False, "the recipient does not take letters of this type"),
        # records
        Code("wrong_key", _V, False, "a withdrawal names no listing of this log"),
        Code("stamp", _V, False, "a stamp does not reach the bits it commits to"),
        # paths
        Code(
            "path", _R, False, "a referral token or path of a wrong form, or tokens that do not go together"
        ),
        Code("clock", _H, False, "a request of a shopper is dated too far from this node's clock"),
        Code("path_expired", _H, False, "a token of the path had expired when the order was made"),
        # deals: form of what is signed
        Code("deal_message", _R, False, "a deal message, offer or transcript with a field of a wrong form"),
        # deals: messages without effect
        Code("waits", _H, False, "a message it names is missing, or it is dated ahead of the reader's clock"),
        Code("no_order", _V, False, "the order, with effect, is not among what the message has seen"),
        Code("bad_number", _V, False, "number and predecessor are not those of its sender's next message"),
        Code(
            "bad_names",
            _V,
            False,
            "it names a message of its own side as seen, two of one side, or one out of place",
        ),
        Code("names_backwards", _V, False, "it names an older message of the other side than it has seen"),
        Code("names_other_branch", _V, False, "it has seen two branches of the other side's messages"),
        Code("bad_time", _V, False, "it is dated before a message it names"),
        Code("bad_epoch", _V, False, "it is signed with an older key than its sender's message before"),
        Code("doubled", _V, False, "its number was used twice, and the other side has not named this branch"),
        Code("broken", _V, False, "both sides used a number twice: nothing from there on counts"),
        Code("not_party", _V, False, "this role may not send this type of deal message"),
        Code(
            "consent",
            _V,
            False,
            "the arbiter's consent does not fit the order, or the arbiter is a party to it",
        ),
        Code("terms_differ", _V, False, "the terms are not those offered, ordered or consented to"),
        Code("already", _V, False, "what it says was said before"),
        Code("not_needed", _V, False, "the order is a contract by itself"),
        Code("contract", _V, False, "there is a contract: cancel in place of decline"),
        Code("not_agreed", _V, False, "there is no contract"),
        Code("ended", _V, False, "what it is about has ended"),
        Code("nothing_open", _V, False, "no part is open"),
        Code("no_part", _V, False, "the order has no such part"),
        Code(
            "not_seen",
            _V,
            False,
            "it refers to a message that is not among what it has seen, or is of another type",
        ),
        Code("repeat", _V, False, "it confirms what was confirmed before"),
        Code("too_much", _V, False, "the amount is more than the figures allow"),
        Code("nothing_paid", _V, False, "nothing was paid that could be sent back"),
        Code("nothing_due", _V, False, "no refund was sent or is due"),
        Code("total_differs", _V, False, "the total is not that of all refunds confirmed"),
        Code("paid", _V, False, "a payment was sent or received"),
        Code("too_early", _V, False, "its deadline has not passed"),
        Code("dispute_open", _V, False, "nothing is presumed while a dispute is open"),
        Code("dispute_used", _V, False, "its sender has had its one dispute"),
        Code("hold_over", _V, False, "the time for disputes is over"),
        Code("no_dispute", _V, False, "the dispute it names is not open"),
        Code("no_arbiter", _V, False, "the order names no arbiter"),
        Code("ruled", _V, False, "the arbiter has ruled"),
        Code(
            "two_rulings",
            _V,
            False,
            "another ruling contradicts it, and neither has seen the other: both are void",
        ),
        # prices
        Code("not_offered", _V, False, "what the order is on is not for sale, or not any more"),
        Code("no_choice", _V, False, "an order of a variant or number of pieces that there is not"),
        Code("on_request", _V, False, "no price is stated for this: it takes an offer"),
        Code("mixed_money", _V, False, "amounts of one order are in different money or periods"),
        Code("no_delivery", _V, False, "it is not delivered there, or no address is given"),
        Code("discount", _V, False, "the discount does not hold for this order"),
        Code("price_differs", _V, False, "the figures are not those that the goods come to"),
        # mandates
        Code(
            "mandate",
            _V,
            False,
            "a mandate that leaves no time for a renewal, or is not for a price per period",
        ),
        Code("mandate_ended", _V, False, "the buyer has ended the mandate"),
        Code("mandate_paused", _V, False, "the buyer has paused the mandate"),
        Code("changes", _V, False, "the statements in a renewal are not those of its order, in their order"),
        Code("contradicted", _V, False, "two different statements with one number: the mandate is ended"),
        Code("turn", _V, False, "the mandate has no such turn"),
        Code("too_late", _V, False, "a renewal dated later than its notice allows"),
        # teams
        Code("statement", _V, False, "a signed statement in it has a wrong form"),
        Code("not_signed", _V, False, "a statement or entry in it is not signed with a key that counts here"),
        Code("names_differ", _V, False, "the documents in it are not about the same team, person or paper"),
        Code("invitation_over", _V, False, "the invite had expired, is for somebody else, or was used"),
        Code(
            "not_acknowledged",
            _V,
            False,
            "nothing in it proves the member's acknowledgement of the disclosure",
        ),
        Code("too_soon", _V, False, "nobody else saw the acknowledgement 7 days before the admission"),
        Code("is_member", _V, False, "is a member already, or the owner"),
        Code("no_member", _V, False, "is no member of this team"),
        Code("no_sponsor", _V, False, "the sponsor is no member of this team, nor its owner"),
        Code("cycle", _V, False, "somebody would stand below themselves"),
        Code("too_deep", _V, False, "the plan's depth is used up"),
        Code(
            "no_place", _V, False, "the place is taken, is not there, or is not the one that the rule gives"
        ),
        Code("no_consent", _V, False, "somebody whose consent the rule asks for has not signed"),
        Code(
            "not_neglected", _V, False, "no deadline for this member was missed, or the plan has no such rule"
        ),
        Code("no_duty", _V, False, "the plan names no such duty, or it was counted before"),
        Code("alliance", _V, False, "an agreement or its end that does not hold together"),
        # plans
        Code("plan_refused", _V, False, "a plan with a bonus for recruiting: board, monoline or enrolment"),
        Code("plan_joining", _V, False, "a plan that charges more for joining than its kit costs"),
        Code("plan_unbounded", _V, False, "a plan whose payout has no bound, or one above its maximum"),
        Code("plan_terms", _V, False, "a plan with a rule that contradicts itself or another"),
        # credits
        Code("openers", _V, False, "openers in it do not verify, or one between is missing"),
        Code(
            "group",
            _V,
            False,
            "a part that does not go on the one before it, or a content that its hash does not fit",
        ),
        Code("deal", _V, False, "messages of a deal in it do not hold together"),
        Code("dated_ahead", _V, False, "a message in it is dated after the entry"),
        Code("already_logged", _V, False, "it was logged before, and this adds nothing"),
        Code("no_receipt", _V, False, "nothing of the deal was both received and paid"),
        Code("path_differs", _V, False, "the opened path is not the one that the order names"),
        Code("listing_differs", _V, False, "the listing in it is not the one ordered, or is missing"),
        Code("no_plan", _V, False, "the plan was not in force in this log"),
        Code("plan_differs", _V, False, "the plan that it states is another than it follows"),
        Code("awards_differ", _V, False, "the awards that it states are not those that the plan comes to"),
        Code("no_sale", _V, False, "no sale of this order is logged"),
        Code(
            "sale_full",
            _V,
            False,
            "as many entries or messages of its order as count are in the log before it",
        ),
        Code(
            "too_costly",
            _V,
            False,
            "it asks for more work than the entries of this log may ask of their readers",
        ),
        Code("no_reduction", _V, False, "nothing in it lowers the base of the sale"),
        Code("base_differs", _V, False, "the base that it states is not what the messages come to"),
        Code("period", _V, False, "no period of the plan that is over, in force and next"),
        Code(
            "contested_holder",
            _V,
            False,
            "two rotations of the holder are embedded: their credit moves nowhere",
        ),
        Code("request_over", _V, False, "the request, or the time of the swap, had expired"),
        Code("counter", _V, False, "another request or swap of the holder has this counter"),
        Code("no_limit", _V, False, "the recipient is no member, and has signed no limit that holds"),
        Code("not_covered", _V, False, "more than is available"),
        Code("over_limit", _V, False, "the recipient would hold more than they are willing to"),
        Code("path_missing", _V, False, "nobody has shown the seller yet who led this buyer"),
        Code("other_unit", _V, False, "the order that the redemption pays is not priced in this unit"),
        Code("no_deal", _H, False, "there is no such deal here"),
        Code("no_lock", _V, False, "no lock of this swap"),
        Code("no_swap", _V, False, "no swap of this document, or none that is proved"),
        Code("no_entry", _V, False, "an entry that is named is not there before it"),
        Code(
            "no_standing", _V, False, "a challenge without a document that its author may demand an entry for"
        ),
        # here
        Code("local", Side.LOCAL, False, "this program asked for something INX does not allow"),
    )
}


class ProtocolError(Exception):
    """Root of the tree. `code` is a key of `CODES`, `text` a sentence for a person.

    Raises:
        LocalProtocolError: when built with a code that is not in the registry.
    """

    def __init__(self, code: str, text: str) -> None:
        if code not in CODES:
            raise LocalProtocolError(f"unregistered code {code!r}")
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


class LocalProtocolError(ProtocolError):
    """This program misused the library; never the fault of a peer."""

    def __init__(self, text: str) -> None:
        super().__init__("local", text)


class RemoteProtocolError(ProtocolError):
    """The other side broke INX."""


class NotHeld(ProtocolError):
    """Authentic, or not provable yet; not stored now (SPEC section 2, *held*)."""


class Void(ProtocolError):
    """Stored, linked and relayed, but without effect (SPEC section 2, *effective*)."""
