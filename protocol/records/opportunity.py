"""Records about an opportunity: the offer to join, and a prospect's word on its disclosure [R-TEAM-1..4]."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import limits
from protocol.records.fields import SALT, Hash, Key, Milliseconds, Salt, TextFormat, doc, malformed, one_line
from protocol.records.money import Price, check_price

Purpose = Literal["kit", "other", "service", "tool", "training"]
_Text = Annotated[str, Meta(min_length=1, max_length=limits.MAX_DESCRIPTION)]


class Cost(Struct, frozen=True, kw_only=True):
    """Something that a member pays, once or per period."""

    price: Annotated[Price, doc("how much")]
    purpose: Annotated[Purpose, doc("what for; `kit`: what a member starts with, sold at its cost")]
    required: Annotated[bool, doc("whether nobody can be a member without it; of a `kit` only, see R4")]
    title: Annotated[Annotated[str, Meta(min_length=1, max_length=limits.MAX_TITLE)], doc("one line")]


class Opportunity(Struct, frozen=True, kw_only=True, rename=SALT):
    """A business offered to recruits; the newest entry of a key is its current version."""

    KIND: ClassVar[int] = 13

    salt: Annotated[Salt, doc("16 random bytes")]
    closes: Annotated[Milliseconds | UnsetType, doc("from this moment on nobody is invited")] = UNSET
    costs: Annotated[
        Annotated[tuple[Cost, ...], Meta(max_length=limits.MAX_COSTS)],
        doc("all that a member pays; none: free"),
    ]
    description: Annotated[_Text, doc("what it is, in `format`")]
    disclosure: Annotated[
        Annotated[bytes, Meta(min_length=1, max_length=limits.MAX_DISCLOSURE)],
        doc("the disclosure document, canonical; its SHA-256 is what a prospect acknowledges"),
    ]
    format: Annotated[TextFormat | UnsetType, doc("how `description` is written; absent: plain")] = UNSET
    key: Annotated[Key, doc("the owner's name for it, one line: unique in the log, stable over edits")]
    obligations: Annotated[_Text | UnsetType, doc("what a member has to do; absent: nothing")] = UNSET
    opens: Annotated[Milliseconds | UnsetType, doc("before this moment nobody is invited")] = UNSET
    plan: Annotated[Hash | UnsetType, doc("record hash of the plan; absent: none yet")] = UNSET
    products: Annotated[
        Annotated[tuple[Key, ...], Meta(min_length=1, max_length=limits.MAX_PRODUCTS)] | UnsetType,
        doc("keys of listings of this log that members sell"),
    ] = UNSET
    summary: Annotated[
        Annotated[str, Meta(min_length=1, max_length=limits.MAX_SUMMARY)] | UnsetType,
        doc("plain text for lists"),
    ] = UNSET
    terms: Annotated[_Text | UnsetType, doc("of membership")] = UNSET
    title: Annotated[Annotated[str, Meta(min_length=1, max_length=limits.MAX_TITLE)], doc("one line")]


class Acknowledgement(Struct, frozen=True, kw_only=True, rename=SALT):
    """The author has read the disclosure of an opportunity; the days until they may join run from here."""

    KIND: ClassVar[int] = 21

    salt: Annotated[Salt, doc("16 random bytes")]
    disclosure: Annotated[Hash, doc("SHA-256 of the disclosure document")]
    opportunity: Annotated[Key, doc("key of the opportunity")]
    owner: Annotated[Hash, doc("networker id of its owner")]


def check_opportunity(record: Opportunity) -> None:
    """The cross-field rules of an opportunity [R-TEAM-1] [R-TEAM-2].

    Raises:
        Void: `malformed`, with a sentence that names the field.
    """
    one_line("key", record.key)
    one_line("title", record.title)
    if record.opens is not UNSET and record.closes is not UNSET and record.opens > record.closes:
        malformed("closes", "is before `opens`")
    for index, cost in enumerate(record.costs):
        check_price(f"costs[{index}].price", cost.price)
        one_line(f"costs[{index}].title", cost.title)
        if cost.required and (cost.purpose != "kit" or cost.price.per is not UNSET):
            malformed(f"costs[{index}]", "only a kit, paid once, may be a condition of joining")
    if record.products is not UNSET and len(set(record.products)) < len(record.products):
        malformed("products", "one is named twice")
