"""What a letter says: one Struct for each type of content [R-LET-7].

A content is a canonical map with the field `type` and the fields of its body beside it. Unknown fields are ignored;
a content of an unknown type is still a letter, which its recipient answers with `refused`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from protocol import encoding, limits
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.ledger.letters import AnsweredLetter, ChallengeLetter, LimitLetter, RequestLetter
from protocol.ledger.swap_letters import RekeyLetter, ReleaseLetter, SwapLetter
from protocol.records.fields import Count, Hash, Key, PublicKey, doc
from protocol.referral_letters import AllianceLetter, ReferralLetter
from protocol.teams.letters import BuybackLetter, TeamLetter

LetterId = Annotated[bytes, Meta(min_length=limits.LETTER_ID_BYTES, max_length=limits.LETTER_ID_BYTES)]
Token = Annotated[bytes, Meta(min_length=1, max_length=limits.MAX_LETTER_TOKEN)]
_Code = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[a-z_]{1,32}\Z")]
_Enclosures = Annotated[
    tuple[Annotated[bytes, Meta(max_length=limits.MAX_ENCLOSURE)], ...],
    Meta(max_length=limits.MAX_LETTER_PARTS),
]
_Openers = Annotated[
    tuple[Annotated[tuple[Any, ...], Meta(min_length=1, max_length=limits.MAX_EPOCHS)], ...],
    Meta(max_length=limits.MAX_LETTER_PARTS),
]


class Mail(Struct, frozen=True, kw_only=True):
    """A message from person to person."""

    re: Annotated[LetterId | UnsetType, doc("the mail it answers: that one's `first`")] = UNSET
    subject: Annotated[Annotated[str, Meta(max_length=limits.MAX_TITLE)], doc("one line; may be empty")] = ""
    text: Annotated[Annotated[str, Meta(max_length=limits.MAX_MAIL_TEXT)], doc("plain text")] = ""


class Answers(Struct, frozen=True, kw_only=True):
    """Says that a letter is the last one of an answer to `ask`, and where the sender's messages end."""

    heads: Annotated[
        Annotated[tuple[Hash, ...], Meta(max_length=limits.MAX_LETTER_PARTS)],
        doc("ids of the sender's messages of the deal that no other of them names, ascending"),
    ]
    nonce: Annotated[LetterId, doc("of the question")]


class DealLetter(Struct, frozen=True, kw_only=True):
    """Messages of deals, with their private documents."""

    answers: Annotated[Answers | UnsetType, doc("in the last letter of an answer")] = UNSET
    enclosures: Annotated[_Enclosures, doc("canonical bytes of enclosures")] = ()
    messages: Annotated[
        Annotated[
            tuple[Annotated[bytes, Meta(max_length=limits.MAX_DEAL_MESSAGE)], ...],
            Meta(min_length=1, max_length=limits.MAX_LETTER_PARTS),
        ],
        doc("whole deal messages, an earlier one before those that name it"),
    ]
    openers: Annotated[
        _Openers,
        doc("inception and rotations of signers that the recipient may not know, each an array of entries"),
    ] = ()


class Ask(Struct, frozen=True, kw_only=True):
    """Asks for everything of one deal again."""

    deal: Annotated[Hash, doc("id of the deal")]
    nonce: Annotated[LetterId, doc("16 random bytes, which the answer repeats")]


class Ack(Struct, frozen=True, kw_only=True):
    """Says that letters have arrived and are kept."""

    ids: Annotated[
        Annotated[tuple[LetterId, ...], Meta(min_length=1, max_length=limits.MAX_ACKS)],
        doc("ids of the letters"),
    ]


class Refused(Struct, frozen=True, kw_only=True):
    """Says that a letter was not taken, and why."""

    code: Annotated[_Code, doc("machine code")]
    id: Annotated[LetterId, doc("of the letter")]
    text: Annotated[
        Annotated[str, Meta(max_length=limits.MAX_REASON)], doc("a sentence for a person; may be empty")
    ] = ""


class OfferLetter(Struct, frozen=True, kw_only=True):
    """A signed offer."""

    enclosures: Annotated[_Enclosures, doc("canonical bytes of enclosures")] = ()
    offer: Annotated[Annotated[bytes, Meta(max_length=limits.MAX_OFFER)], doc("the offer, whole")]
    openers: Annotated[_Openers, doc("as in `deal`: those of the arbiter whom its terms name")] = ()


class AskOffer(Struct, frozen=True, kw_only=True):
    """Asks for the offer behind a discount code."""

    code: Annotated[Key, doc("as the buyer typed it")]
    listing: Annotated[Key | UnsetType, doc("key of the listing it is for")] = UNSET


class Witness(Struct, frozen=True, kw_only=True):
    """What the way in of a buyer passes on to the others of the path."""

    accept: Annotated[
        Annotated[bytes, Meta(max_length=limits.MAX_DEAL_MESSAGE)] | UnsetType,
        doc("the seller's signed accept"),
    ] = UNSET
    openers: Annotated[_Openers, doc("as in `deal`: those of the seller")] = ()
    order: Annotated[Hash, doc("id of the order")]
    path: Annotated[
        Annotated[bytes, Meta(max_length=limits.MAX_OPENED_PATH)],
        doc("the opened path: its salt and tokens"),
    ]
    receipts: Annotated[
        Annotated[
            tuple[Annotated[bytes, Meta(max_length=limits.MAX_RECEIPT)], ...],
            Meta(max_length=limits.MAX_PARTS),
        ],
        doc("the buyer's signed receipts"),
    ] = ()


class MandateLetter(Struct, frozen=True, kw_only=True):
    """What two sides say of a mandate: the buyer's statements, and what a seller asks for."""

    asks: Annotated[bool, doc("the recipient sends all statements that it has")] = False
    order: Annotated[Hash, doc("id of the order with the mandate")]
    price: Annotated[
        Count | UnsetType, doc("of a seller: asked for a renewal from now on; the buyer's `price` consents")
    ] = UNSET
    statements: Annotated[
        Annotated[
            tuple[Annotated[bytes, Meta(max_length=limits.MAX_CHANGE)], ...],
            Meta(max_length=limits.MAX_LETTER_PARTS),
        ],
        doc("of the buyer: all that the sender has"),
    ] = ()
    text: Annotated[
        Annotated[str, Meta(max_length=limits.MAX_DEAL_TEXT)], doc("a word to the other side; may be empty")
    ] = ""


class ConsentLetter(Struct, frozen=True, kw_only=True):
    """An arbiter's consent, for who may put it into an order or offer."""

    consent: Annotated[
        Annotated[bytes, Meta(max_length=limits.MAX_CONSENT)], doc("the consent, whole: see *arbiters*")
    ]
    openers: Annotated[_Openers, doc("as in `deal`: those of the arbiter")] = ()
    text: Annotated[
        Annotated[str, Meta(max_length=limits.MAX_MAIL_TEXT)],
        doc("the arbiter's terms, of which it holds the hash"),
    ]


LetterBody = (
    Mail
    | DealLetter
    | Ask
    | Ack
    | Refused
    | OfferLetter
    | AskOffer
    | Witness
    | MandateLetter
    | ConsentLetter
    | TeamLetter
    | BuybackLetter
    | RequestLetter
    | LimitLetter
    | AnsweredLetter
    | ChallengeLetter
    | ReferralLetter
    | AllianceLetter
    | SwapLetter
    | RekeyLetter
    | ReleaseLetter
)

LETTERS: Final[Mapping[str, type[LetterBody]]] = MappingProxyType(
    {
        "mail": Mail,
        "deal": DealLetter,
        "ask": Ask,
        "ack": Ack,
        "refused": Refused,
        "offer": OfferLetter,
        "ask_offer": AskOffer,
        "witness": Witness,
        "mandate": MandateLetter,
        "consent": ConsentLetter,
        "team": TeamLetter,
        "buyback": BuybackLetter,
        "request": RequestLetter,
        "limit": LimitLetter,
        "answered": AnsweredLetter,
        "challenge": ChallengeLetter,
        "referral": ReferralLetter,
        "alliance": AllianceLetter,
        "swap": SwapLetter,
        "rekey": RekeyLetter,
        "release": ReleaseLetter,
    }
)
"""Type on the wire -> body."""
_TYPES: Final = MappingProxyType({form: name for name, form in LETTERS.items()})


class Reply(Struct, frozen=True, kw_only=True):
    """Where an answer goes when the sender's log is not at hand."""

    host: Annotated[
        Hash | UnsetType, doc("networker id of a mailbox host of the sender; absent: they have none")
    ] = UNSET
    x25519: Annotated[PublicKey, doc("of the sender's newest `keys` entry")]


class Beside(Struct, frozen=True, kw_only=True):
    """The fields that a content of any type may have."""

    first: Annotated[
        LetterId | UnsetType,
        doc("id under which the same content was sealed first; absent in a letter sealed for the first time"),
    ] = UNSET
    reply: Annotated[
        Reply | UnsetType,
        doc("where an answer goes; of a sender with a log, whose log need not be held for it"),
    ] = UNSET
    token: Annotated[Token | UnsetType, doc("lets the recipient answer: see *tokens*")] = UNSET
    type: Annotated[Annotated[str, Meta(min_length=1, max_length=32)], doc("which type it is")]


@dataclass(frozen=True, slots=True)
class Content:
    """A decoded content.

    Attributes:
        type: as on the wire.
        body: None for a type that is not known here.
        first: id under which it was sealed first; None when that is the letter's own id.
        token: for an answer; None when none is given.
        reply: where an answer goes; None when it does not say.
    """

    type: str
    body: LetterBody | None
    first: bytes | None = None
    token: bytes | None = None
    reply: Reply | None = None


def type_of(body: LetterBody) -> str:
    """The name of a body's type on the wire."""
    return _TYPES[type(body)]


def encode_content(
    body: LetterBody, first: bytes | None = None, token: bytes | None = None, reply: Reply | None = None
) -> bytes:
    """The canonical bytes of a content.

    Args:
        body: what it says.
        first: id under which the same content was sealed first, when it is sealed again.
        token: given to the recipient for an answer.
        reply: where an answer goes when the sender's log is not at hand.

    Raises:
        LocalProtocolError: it is longer than MAX_LETTER_CONTENT, or a field is out of its bounds.
    """
    fields: dict[str, object] = {"type": type_of(body)}
    if first is not None:
        fields["first"] = first
    if token is not None:
        fields["token"] = token
    if reply is not None:
        fields["reply"] = _plain(reply)
    for name in body.__struct_fields__:
        if (value := getattr(body, name)) is not UNSET:
            fields[name] = _plain(value)
    data = encoding.encode(fields)
    if len(data) > limits.MAX_LETTER_CONTENT:
        text = f"a content of {len(data)} bytes, at most {limits.MAX_LETTER_CONTENT} fit a letter"
        raise LocalProtocolError(text)
    try:
        decode_content(data)
    except RemoteProtocolError as error:
        raise LocalProtocolError(error.text) from error
    return data


def decode_content(data: bytes) -> Content:
    """A content from its canonical bytes.

    Raises:
        RemoteProtocolError: `letter`: not a canonical map with a type, too long, or a field of a wrong form.
    """
    try:
        value = encoding.decode(data, limits.MAX_LETTER_CONTENT)
        beside = encoding.typed(value, Beside)
        form = LETTERS.get(beside.type)
        body: LetterBody | None = None if form is None else encoding.typed(value, form)
    except RemoteProtocolError as error:
        raise RemoteProtocolError("letter", f"the content of a letter: {error.text}") from error
    except msgspec.ValidationError as error:
        raise RemoteProtocolError("letter", f"the content of a letter has a wrong form: {error}") from error
    return Content(
        beside.type,
        body,
        None if beside.first is UNSET else beside.first,
        None if beside.token is UNSET else beside.token,
        None if beside.reply is UNSET else beside.reply,
    )


def _plain(value: object) -> object:
    return msgspec.to_builtins(value, builtin_types=(bytes,))
