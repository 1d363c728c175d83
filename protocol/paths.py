"""Referral tokens, and the paths of them that lead buyers to listings [R-PATH-1..6].

A networker recommends a seller, or one listing, by signing a *token*. Who passes a recommendation on signs a token of
their own that names the one before, so nobody can be cut out of the middle. The buyer's client draws a salt; the
order binds the hash of salt and tokens only, so it tells nobody who led the buyer until somebody opens the path.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from protocol import encoding, limits
from protocol.errors import NotHeld, RemoteProtocolError
from protocol.records.fields import Hash, Key, Milliseconds, doc
from protocol.signing import SIGNATURE_BYTES, Signer, verify
from protocol.tags import tag

_Epoch = Annotated[int, Meta(ge=0, lt=limits.MAX_EPOCHS)]
_Campaign = Annotated[str, Meta(min_length=1, max_length=limits.MAX_CAMPAIGN, pattern=r"^[a-z0-9_-]{1,32}\Z")]
_Signature = Annotated[bytes, Meta(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES)]

Keys = Callable[[bytes, int], Sequence[bytes]]
"""The signing keys of a networker (id) in an epoch: one, two where it is contested, none when it is not known."""


class Referral(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One signed recommendation; fields in byte order, so that its encoding is canonical."""

    campaign: Annotated[_Campaign | UnsetType, doc("the referrer's own name for what brought the buyer")] = (
        UNSET
    )
    epoch: Annotated[_Epoch, doc("of the referrer, whose signing key signed")]
    expires: Annotated[Milliseconds, doc("an order dated at or after it is not by this token")]
    listing: Annotated[Key | UnsetType, doc("key of the listing; absent: any of the seller's")] = UNSET
    prior: Annotated[Hash | UnsetType, doc("SHA-256 of the token before; absent in the first")] = UNSET
    referrer: Annotated[Hash, doc("networker id of who recommends")]
    seller: Annotated[Hash, doc("networker id of who is recommended")]
    signature: Annotated[_Signature, doc("over tag(`referral`) and the canonical map of the other fields")]


class Path(msgspec.Struct, frozen=True, gc=False):
    """An opened path: 16 random bytes, the tokens in order as they came, and what they say."""

    salt: bytes
    tokens: tuple[bytes, ...]
    referrals: tuple[Referral, ...]

    def encode(self) -> bytes:
        """The canonical bytes of the opened path: the array of salt and tokens."""
        return encoding.encode([self.salt, list(self.tokens)])

    @property
    def seller(self) -> bytes:
        """The networker that all of them recommend."""
        return self.referrals[0].seller


_NONE: Final[Mapping[bytes, Referral]] = MappingProxyType({})
_opened: Final = msgspec.msgpack.Decoder(tuple[bytes, list[bytes]])


# -- tokens --------------------------------------------------------------------------------------------------
def referral_bytes(network: str, referral: Referral) -> bytes:
    """What the signature of a token is over: the tag, then the canonical map without the signature [R-PATH-2]."""
    fields = {
        name: value
        for name, value in msgspec.structs.asdict(referral).items()
        if name != "signature" and value is not UNSET
    }
    return tag(network, "referral") + encoding.encode(fields)


def sign_referral(
    network: str,
    signer: Signer,
    *,
    referrer: bytes,
    epoch: int,
    seller: bytes,
    expires: int,
    listing: str | None = None,
    campaign: str | None = None,
    prior: bytes | None = None,
) -> bytes:
    """A signed token, as bytes.

    Args:
        network: name of the network.
        signer: the referrer's signing key of `epoch`.
        referrer: networker id of who recommends.
        epoch: of the referrer.
        seller: networker id of who is recommended.
        expires: ms UTC.
        listing: key of the one listing that is recommended; None for any of the seller's.
        campaign: 1 to 32 characters of ``a-z 0-9 _ -``.
        prior: `token_id` of the token this one passes on.
    """
    unsigned = Referral(
        campaign=UNSET if campaign is None else campaign,
        epoch=epoch,
        expires=expires,
        listing=UNSET if listing is None else listing,
        prior=UNSET if prior is None else prior,
        referrer=referrer,
        seller=seller,
        signature=b"",
    )
    signature = signer.sign(referral_bytes(network, unsigned))
    return encoding.encode_struct(msgspec.structs.replace(unsigned, signature=signature))


def read_referral(data: bytes) -> Referral:
    """A token from its bytes; its signature is not checked here [R-PATH-1].

    Raises:
        RemoteProtocolError: `too_large`, `encoding` or `not_canonical`; `path` when a field is missing, unknown, of a
            wrong type or out of bounds.
    """
    value = encoding.decode(data, limits.MAX_REFERRAL)
    try:
        return encoding.typed(value, Referral)
    except msgspec.ValidationError as error:
        raise RemoteProtocolError("path", f"a referral token has a wrong form: {error}") from error


def token_id(token: bytes) -> bytes:
    """What the next token names as `prior`."""
    return hashlib.sha256(token).digest()


# -- paths ---------------------------------------------------------------------------------------------------
def path_of(salt: bytes, tokens: Sequence[bytes], known: Mapping[bytes, Referral] = _NONE) -> Path:
    """A path from its parts, checked for all that needs neither keys nor a clock [R-PATH-3].

    Args:
        salt: 16 random bytes.
        tokens: in order.
        known: tokens that were read before, by their bytes.

    Raises:
        RemoteProtocolError: `path`, or as `read_referral`.
    """
    if len(salt) != limits.SALT_BYTES:
        raise RemoteProtocolError("path", f"the salt of a path has {limits.SALT_BYTES} bytes")
    if not 1 <= len(tokens) <= limits.MAX_PATH:
        raise RemoteProtocolError("path", f"a path has 1 to {limits.MAX_PATH} tokens, not {len(tokens)}")
    path = Path(salt, tuple(tokens), tuple(known.get(token) or read_referral(token) for token in tokens))
    priors = (UNSET, *map(token_id, path.tokens))
    for referral, prior in zip(path.referrals, priors, strict=False):
        if referral.prior != prior:
            raise RemoteProtocolError("path", "a token does not name the one before it")
        if referral.seller != path.seller:
            raise RemoteProtocolError("path", "the tokens recommend different sellers")
    referrers = {referral.referrer for referral in path.referrals}
    if len(referrers) < len(tokens) or path.seller in referrers:
        raise RemoteProtocolError("path", "a networker stands twice in a path, or the seller does")
    return path


def read_path(data: bytes, known: Mapping[bytes, Referral] = _NONE) -> Path:
    """An opened path from its canonical bytes; `known` as for `path_of`.

    Raises:
        RemoteProtocolError: as `path_of`, or a code of the encoding.
    """
    try:
        salt, tokens = _opened.decode(data)
        if len(data) <= limits.MAX_OPENED_PATH and encoding.encode_struct((salt, tokens)) == data:
            return path_of(salt, tokens, known)  # decoded and encoded again to the same: it is canonical
    except (msgspec.DecodeError, ValueError, RecursionError):
        pass  # the walk through every value says what is wrong
    value = encoding.decode(data, limits.MAX_OPENED_PATH)
    try:
        salt, tokens = encoding.typed(value, tuple[bytes, list[bytes]])
    except msgspec.ValidationError as error:
        raise RemoteProtocolError("path", f"an opened path has a wrong form: {error}") from error
    return path_of(salt, tokens, known)


def path_hash(network: str, path: Path) -> bytes:
    """What an order and its accept name: SHA-256 of tag(`path`) and the opened path [R-PATH-4]."""
    return opened_hash(network, path.encode())


def opened_hash(network: str, data: bytes) -> bytes:
    """The same of the bytes that `read_path` has read."""
    return hashlib.sha256(tag(network, "path") + data).digest()


def check_path(network: str, path: Path, at: int, keys: Keys, listing: str | None = None) -> None:
    """Whether a path led to an order, by returning; in this order, the first failure decides [R-PATH-5].

    Args:
        network: name of the network.
        path: its form is checked already.
        at: date of the order, or of what stands for it, ms UTC.
        keys: of the referrers.
        listing: key of the listing that was ordered; None when it is not known here.

    Raises:
        RemoteProtocolError: `path` (another listing is recommended), `signature`.
        NotHeld: `path_expired`; `unknown_author` when the keys of a referrer are not known.
    """
    check_use(path, at, listing)
    for referral in path.referrals:
        check_referral(network, referral, keys(referral.referrer, referral.epoch))


def check_use(path: Path, at: int, listing: str | None = None) -> None:
    """Whether the tokens of a path are for an order of that date and listing; signatures are not looked at.

    Raises:
        RemoteProtocolError: `path`: another listing is recommended.
        NotHeld: `path_expired`.
    """
    for referral in path.referrals:
        if listing is not None and referral.listing not in (UNSET, listing):
            raise RemoteProtocolError("path", "a token recommends another listing")
        if referral.expires <= at:
            raise NotHeld("path_expired", "a token of the path had expired")


def check_referral(network: str, referral: Referral, keys: Sequence[bytes]) -> None:
    """Whether the referrer signed a token.

    Raises:
        NotHeld: `unknown_author`: no key is given.
        RemoteProtocolError: `signature`.
    """
    if not keys:
        raise NotHeld("unknown_author", "the keys of a referrer are not known here")
    image = referral_bytes(network, referral)
    if not any(verify(key, referral.signature, image) for key in keys):
        raise RemoteProtocolError("signature", "a referral token is not signed by its referrer")


def extendable(path: Sequence[bytes], referrer: bytes) -> bool:
    """Whether a networker may add a token of their own: there is room, and none of theirs."""
    return len(path) < limits.MAX_PATH and all(read_referral(each).referrer != referrer for each in path)


DEFAULT_DAYS: Final = 30  # why: how long a recommendation is commonly paid for; an author may say otherwise
