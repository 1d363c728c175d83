"""What is asked of an issuer in public: challenges in somebody's log, and the documents that they embed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from protocol.deals.offers import Offer, Quote, name_buyer, sign_offer
from protocol.entry import Entry
from protocol.records import Challenge, encode_record
from protocol.signing import Signer
from protocol.teams.statements import BuybackRequest, sign, sign_bought
from tests.protocol.author import seed
from tests.protocol.ledger.world import DAY, TEAM, Deal, World

SALT = bytes(range(16))


def keys(world: World) -> Callable[[bytes, int], list[bytes]]:
    """The keys of all who are there, none of whom ever rotated."""

    def of(networker: bytes, epoch: int) -> list[bytes]:
        people = [*world.people.values(), world.issuer]
        return [each.signer.public for each in people if each.id == networker and epoch == 0]

    return of


def challenged(world: World, by: str, **fields: Any) -> tuple[Entry, Challenge]:
    """A challenge in somebody's log."""
    record = Challenge(**({"salt": SALT, "issuer": world.issuer.id, "openers": ()} | fields))
    author = world.who(by)
    entry = author.after(author.entries[-1], Challenge.KIND, encode_record(record), time=world.now)
    author.entries.append(entry)
    return entry, record


def back(world: World, by: str, deal: Deal, **fields: Any) -> bytes:
    """A request to take goods of a deal back; fields that are not given are right."""
    whole: dict[str, Any] = {
        "amount": 100, "bought": bytes(64), "epoch": 0, "goods": ((0, 1),), "opportunity": TEAM, "order": deal.id,
        "owner": world.issuer.id, "signature": bytes(64), "signer": world.who(by).id, "time": world.now,
    }  # fmt: skip
    request = sign_bought(world.issuer.network, deal.buyer, BuybackRequest(**(whole | fields)))
    return sign(world.issuer.network, world.who(by).signer, request)


def on_offer(world: World, by: str, signer: Signer | None = None, *, seller: bytes | None = None) -> Deal:
    """An order on the issuer's offer to somebody named, which is the contract by itself.

    Args:
        world: of the issuer.
        by: the buyer.
        signer: signs the offer; None: the issuer does.
        seller: as the offer and the order name it; None: the issuer.
    """
    who, issuer = world.who(by), world.issuer
    like = world.deal().body
    offer = sign_offer(
        issuer.network,
        signer or issuer.signer,
        Offer(
            salt=SALT, buyer=who.id, epoch=0, expires=world.now + 30 * DAY, seller=seller or issuer.id,
            signature=bytes(64), time=world.now,
            quote=Quote(currency="EUR", listing=like.listing, parts=like.parts, plan=like.plan, terms=like.terms),
        ),
    )  # fmt: skip
    key = Signer(seed(issuer.name, "buyer", world.deals + 1)).public  # of the next deal
    named = name_buyer(who.network, who.signer, id=who.id, epoch=0, key=key, seller=seller or issuer.id)
    return world.deal(offer=offer.data, named=named, **({} if seller is None else {"seller": seller}))
