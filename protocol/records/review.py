"""Record by which a buyer says what a deal was like; any networker may carry it [R-REV-1]."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import limits
from protocol.records.fields import SALT, Epoch, Hash, Milliseconds, Salt, Seq, Signature, doc, malformed


class NamedBuyer(Struct, frozen=True, kw_only=True):
    """Which networker the key of a buyer belongs to, by that networker's signature."""

    epoch: Annotated[Epoch, doc("whose signing key signed")]
    id: Annotated[Hash, doc("networker id")]
    signature: Annotated[Signature, doc("see *named buyers*")]


class Review(Struct, frozen=True, kw_only=True, rename=SALT):
    """One deal as its buyer saw it. Whoever carries it publishes the same bytes."""

    KIND: ClassVar[int] = 19

    salt: Annotated[Salt, doc("16 random bytes")]
    buyer: Annotated[NamedBuyer | UnsetType, doc("which networker bought; absent: not said")] = UNSET
    contract: Annotated[
        Annotated[bytes, Meta(max_length=limits.MAX_DEAL_MESSAGE)],
        doc(
            "the deal message that made the contract, whole: the seller's `accept`, the `order` on an offer to a named "
            "buyer, or the `renewal`"
        ),
    ]
    entry: Annotated[
        Seq | UnsetType,
        doc("place in the seller's log of the listing's entry that the contract names; readers check it"),
    ] = UNSET
    path: Annotated[
        Annotated[bytes, Meta(max_length=limits.MAX_OPENED_PATH)] | UnsetType,
        doc("the opened path whose hash the contract names"),
    ] = UNSET
    rating: Annotated[
        Annotated[int, Meta(ge=1, le=limits.MAX_RATING)] | UnsetType,
        doc("1 is worst, 5 is best; absent: the buyer takes back what they said"),
    ] = UNSET
    receipt: Annotated[
        Annotated[bytes, Meta(max_length=limits.MAX_RECEIPT)],
        doc("the buyer's deal message `receive`, whole"),
    ]
    seller: Annotated[Hash, doc("networker id")]
    signature: Annotated[Signature, doc("by the key that signed the receipt, see *reviews*")]
    text: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_REVIEW_TEXT)] | UnsetType, doc("plain text")
    ] = UNSET
    time: Annotated[Milliseconds, doc("when it was written, by the buyer's clock")]


def check_review(record: Review) -> None:
    """What a review says of itself agrees [R-REV-1].

    Raises:
        Void: `malformed`: a text without a rating, or the seller named as the buyer.
    """
    if record.text is not UNSET and record.rating is UNSET:
        malformed("text", "a review that is taken back has none")
    if record.buyer is not UNSET and record.buyer.id == record.seller:
        malformed("buyer.id", "nobody reviews what they sold")
