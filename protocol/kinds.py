"""Registry of kinds: the number in a header, what its record is for, when it counts and what it does.

Even kinds are *critical*: a ledger cannot be computed past one that is unknown or missing. Odd kinds are
not: an unknown one is stored and relayed, and means nothing here [R-KIND-1..4].
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import msgspec

from protocol.records import (
    Acknowledgement,
    Admission,
    Alliance,
    Answer,
    Block,
    Challenge,
    Close,
    ClosePart,
    Duty,
    Freeze,
    Inception,
    Keys,
    Leave,
    Listing,
    Lock,
    Move,
    Opportunity,
    Payout,
    Plan,
    Profile,
    Redeem,
    RefundEntry,
    Rekey,
    Release,
    Report,
    Review,
    Rotation,
    SalePart,
    Settlement,
    Standing,
    SwapEntry,
    Transfer,
    Withdraw,
    decode_record,
    encode_record,
)

__all__ = ["KINDS", "RESERVED", "Kind", "decode_record", "encode_record", "is_critical"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of entry, with the words SPEC prints of it."""

    number: int
    name: str
    struct: type[msgspec.Struct] | None
    purpose: str
    validity: str
    effect: str

    @property
    def even(self) -> bool:
        """Whether the kind is critical: its record is never purged and travels with its header."""
        return is_critical(self.number)


def is_critical(kind: int) -> bool:
    """Even kinds are ledger-critical, known or not."""
    return kind % 2 == 0


_ALL: Final = (
    Kind(
        Inception.KIND,
        "inception",
        Inception,
        "Opens a log: names the first signing key and promises the next.",
        "Entry 0 of epoch 0, term 0, with 32 zero bytes as `prev`; signed by `key`. The networker id "
        "is the hash of this record.",
        "Opens epoch 0, term 0.",
    ),
    Kind(
        Profile.KIND,
        "profile",
        Profile,
        "Says who the networker is and where their node answers.",
        "Any place of the log. A stamp that does not reach its bits voids the stamp only.",
        "Replaces the profile before it, as a whole.",
    ),
    Kind(
        Rotation.KIND,
        "rotation",
        Rotation,
        "Replaces the signing key, after a theft or a loss or as a precaution.",
        "`reveal` hashes to the promise of the epoch before; the entry is signed by `reveal` itself; "
        "epoch is one more than before, term 0. `prev` names the last entry that stays.",
        "Opens the epoch. Entries of the old epoch that are no ancestors are disowned.",
    ),
    Kind(
        Listing.KIND,
        "listing",
        Listing,
        "Offers a product, service, opportunity, licence, knowledge or something wanted to the market.",
        "Price in a currency or in a credit unit; a sale lowers a price that is there; options and variants "
        "come together, each choice once.",
        "Becomes the current version of its key; older ones stay as history. "
        "From `expires` on it is not offered.",
    ),
    Kind(
        Settlement.KIND,
        "settlement",
        Settlement,
        "Ends an accidental fork, or follows a restored backup.",
        "Signed by the key of the epoch; term is one more than before. "
        "`prev` chooses the branch that goes on.",
        "Opens the term. Entries of the old term that are no ancestors are disowned.",
    ),
    Kind(
        Withdraw.KIND,
        "withdraw",
        Withdraw,
        "Takes a listing off the market.",
        "`key` names a listing of the same log before this entry; else void with `wrong_key`.",
        "The listing is no longer offered; its records may be purged. "
        "A later listing of the key offers it again.",
    ),
    Kind(
        Close.KIND,
        "close",
        Close,
        "Ends the log.",
        "After it only a rotation or a settlement may come.",
        "While it is the newest effective entry, listings are not offered. Debts and mailbox stay.",
    ),
    Kind(
        Standing.KIND,
        "standing",
        Standing,
        "Lets entries of closed epochs and terms be believed one by one.",
        "Names ancestors of this entry only; where the run is held, the run decides.",
        "An entry it names is accepted alone, as one of the newest term is. All parts of one standing "
        "follow each other; a later part 1 replaces them all.",
    ),
    Kind(
        Keys.KIND,
        "keys",
        Keys,
        "Publishes the keys that sealed messages are encrypted to.",
        "Any place of the log.",
        "Replaces the keys before it. After `until` nobody seals to them.",
    ),
    Kind(
        Block.KIND,
        "block",
        Block,
        "Tells followers that the author wants nothing of a networker.",
        "Any place of the log; the newest for an `id` counts.",
        "Shown to followers of the author only; changes no ledger and no other log. The author's node MAY refuse mail "
        "of that networker (`blocked`); letters of deals are taken as before.",
    ),
    Kind(
        Report.KIND,
        "report",
        Report,
        "Tells followers what a networker did wrong.",
        "Any place of the log; the newest for the same `author` and `entry` counts.",
        "Shown to followers of the author only; changes no ledger and no other log.",
    ),
    Kind(
        Plan.KIND,
        "plan",
        Plan,
        "Says what a sale pays to whom, exactly.",
        "Any place of the log. Its rules hold together and their payout is bounded by `maximum`, as chapter *Plans* "
        "says.",
        "After its notice period the plan in force for its `opportunity`, or for sales without a team; what was sold "
        "before is paid by the plan in force then.",
    ),
    Kind(
        Review.KIND,
        "review",
        Review,
        "Says what a deal was like, in the words of its buyer.",
        "Any place of any log. Contract and receipt are of one deal and of the seller named; receipt and review are "
        "signed by the buyer's key of that deal; see *reviews*.",
        "Of all reviews of one seller by one key the newest by its own time counts, whoever carries it. "
        "Changes no ledger and no other log.",
    ),
    Kind(
        Opportunity.KIND,
        "opportunity",
        Opportunity,
        "Offers a business to recruits: costs, obligations, products, plan, disclosure, terms.",
        "Only a kit, paid once, may be a condition of joining.",
        "Becomes the current version of its key. What an admission rests on is in the admission.",
    ),
    Kind(
        Admission.KIND,
        "admission",
        Admission,
        "Makes somebody a member of the author's team.",
        "See *teams*: the sponsor's invite, the member's application, and the member's acknowledgement of the "
        "disclosure, seen by somebody else at least 7 days before.",
        "From here on the networker is a member, below their sponsor.",
    ),
    Kind(
        Move.KIND,
        "move",
        Move,
        "Gives a member another sponsor or a place.",
        "See *teams*: with the consent that the rule asks for.",
        "From here on the member has this sponsor or place.",
    ),
    Kind(
        Leave.KIND,
        "leave",
        Leave,
        "Ends a membership.",
        "Signed by the member, or with a reason of the owner's; see *teams*.",
        "From here on the networker is no member; credit they hold stays.",
    ),
    Kind(
        Duty.KIND,
        "duty",
        Duty,
        "Counts training passed and follow-up received.",
        "Each statement is signed by a member; see *teams*.",
        "Counts for the member, and for who did it.",
    ),
    Kind(
        Alliance.KIND,
        "alliance",
        Alliance,
        "Says at which rates two networkers promote each other's listings.",
        "See *alliances*: the agreement is signed by both, the author among them.",
        "Shown. A sale that applies an alliance embeds the agreement.",
    ),
    Kind(
        Acknowledgement.KIND,
        "acknowledgement",
        Acknowledgement,
        "Says that the author has read the disclosure of an opportunity.",
        "Any place of the log.",
        "An admission of the author may embed it from 7 days on after another networker has seen it.",
    ),
    Kind(
        Rekey.KIND,
        "rekey",
        Rekey,
        "Tells the author's ledger that holders have rotated their keys.",
        "Each rotation verifies by itself, after the ones embedded before it.",
        "From here on requests signed with older keys of those networkers move nothing in this log.",
    ),
    Kind(
        SalePart.KIND,
        "sale",
        SalePart,
        "Publishes a completed deal and the credit it causes.",
        "See *sales*: order, accept or offer, receipts or ruling or presumption, payments, opened path; awards as "
        "anybody recomputes them.",
        "Credits each award, pending through the hold. A later sale of the order raises them.",
    ),
    Kind(
        ClosePart.KIND,
        "period close",
        ClosePart,
        "Publishes the credit of a period plan for one period.",
        "See *periods*: the period is over and not closed; awards as anybody recomputes them.",
        "Credits each award, pending through the hold.",
    ),
    Kind(
        RefundEntry.KIND,
        "refund",
        RefundEntry,
        "Takes back what a refund takes off the base of a sale.",
        "See *refunds*: signed by seller and buyer, or ruled; in the hold, or soon after its freeze.",
        "Each award of the sale remains in proportion to its base now.",
    ),
    Kind(
        Freeze.KIND,
        "freeze",
        Freeze,
        "Holds the pending awards of a sale while a dispute is open, or ends that.",
        "See *freezes*: the buyer's dispute, within the hold; or its end.",
        "The awards become payable when the dispute has ended here, at the latest 60 days past the hold.",
    ),
    Kind(
        Transfer.KIND,
        "transfer",
        Transfer,
        "Moves credit from one holder to another.",
        "See *movements*: the holder's request, which is covered; the recipient's limit or membership.",
        "The amount leaves the holder's figure and adds to the recipient's.",
    ),
    Kind(
        Lock.KIND,
        "lock",
        Lock,
        "Holds the credit that the first side of a swap gives.",
        "See *swaps*: signed by both holders, dated before `until`. Cover is not asked: who logs it is bound.",
        "The amount is not available until the second issuer's log has decided.",
    ),
    Kind(
        SwapEntry.KIND,
        "swap",
        SwapEntry,
        "Decides a swap in the second issuer's log; ends the lock in the first's.",
        "See *swaps*.",
        "Moves the credit of the side that this log owes, or unlocks it.",
    ),
    Kind(
        Redeem.KIND,
        "redeem",
        Redeem,
        "Takes credit in payment.",
        "See *movements*: the holder's request, which is covered.",
        "The amount leaves the holder's figure; the issuer owes that much less.",
    ),
    Kind(
        Payout.KIND,
        "payout",
        Payout,
        "Records that credit was paid out elsewhere.",
        "See *movements*: the holder's word that it was paid, which is covered.",
        "The amount leaves the holder's figure; the issuer owes that much less.",
    ),
    Kind(
        Challenge.KIND,
        "challenge",
        Challenge,
        "Asks an issuer in public to log what it owes an entry for.",
        "See *challenges*: a covered request of the author, or the issuer's own contract with a path that names them.",
        "Unanswered for 14 days it is shown beside the issuer. Changes no ledger.",
    ),
    Kind(
        Answer.KIND,
        "answer to a challenge",
        Answer,
        "Answers challenges.",
        "Each reply names a challenge, and an earlier entry of this log or a reason.",
        "The challenge is cleared for everybody; a reason stays shown.",
    ),
    Kind(
        Release.KIND,
        "release",
        Release,
        "Records that a holder lets go of disputed credit.",
        "Signed by the holder.",
        "What was disputed between the two is so no more.",
    ),
)
KINDS: Final = MappingProxyType({kind.number: kind for kind in sorted(_ALL, key=lambda kind: kind.number)})

RESERVED: Final = MappingProxyType(
    {
        15: "licence",
    }
)
