"""What owners were told of credit: links that went round, requests and swaps that are on disk, limits, periods."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field

from netnode.simulator.crediting.shopper import Shopper


@dataclass(frozen=True, slots=True)
class Passed:
    """A link that people pass to each other outside of the program.

    Attributes:
        text: of the link.
        seller: networker id.
        key: of the listing.
        referrers: networker ids, in the order of the path.
    """

    text: str
    seller: bytes
    key: str
    referrers: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that its holder was told is on disk.

    Attributes:
        issuer: networker id.
        what: for a person.
        at: virtual seconds.
    """

    issuer: bytes
    what: str
    at: float


@dataclass(frozen=True, slots=True)
class Wish:
    """A member of a team wants another sponsor.

    Attributes:
        team: as commands name it.
        member: networker id.
        sponsor: of now, networker id.
        to: whom they want, networker id.
    """

    team: str
    member: bytes
    sponsor: bytes
    to: bytes


@dataclass(slots=True)
class Promises:
    """Remembers.

    Attributes:
        links: that went round.
        led: orders that were told to be made by a link, by id: that link.
        requests: own requests by home and id.
        lost: those that a home put back has forgotten, by home and id.
        done: requests that their holder was told are in the issuer's log, by home and id.
        limits: the most that a networker ever said to hold, by recipient, issuer and unit; minor units.
        swaps: own proposals and accepts by home and name of the swap.
        closed: hash of what a close published, by home, plan and first moment.
        members: networkers that the owner of a team was told are admitted, by home and opportunity.
        joined: teams that somebody saw themselves a member of, by home.
        backs: own requests to take goods back, by home and id.
        repaid: requests that an owner was told are paid back, by home.
        shoppers: buyers without a node, in the order in which they ordered.
        wishes: for other sponsors, in the order in which they were told.
        consents: who was about to sign a wish: team, member, new sponsor, signer.
    """

    links: list[Passed] = field(default_factory=list)
    led: dict[bytes, Passed] = field(default_factory=dict)
    requests: dict[str, dict[str, Asked]] = field(default_factory=dict)
    lost: dict[str, dict[str, Asked]] = field(default_factory=dict)
    done: dict[str, dict[str, Asked]] = field(default_factory=dict)
    limits: dict[tuple[bytes, bytes, str], int] = field(default_factory=dict)
    swaps: dict[str, dict[str, float]] = field(default_factory=dict)
    closed: dict[tuple[str, str, int], str] = field(default_factory=dict)
    members: dict[tuple[str, str], set[bytes]] = field(default_factory=dict)
    joined: dict[str, set[str]] = field(default_factory=dict)
    backs: dict[str, dict[str, Asked]] = field(default_factory=dict)
    repaid: dict[str, set[str]] = field(default_factory=dict)
    shoppers: list[Shopper] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)
    consents: set[tuple[str, bytes, bytes, bytes]] = field(default_factory=set)

    def asked(self, home: str, request: str, issuer: bytes, what: str, at: float) -> None:
        """An owner was told that a request is on disk, and on its way."""
        self.requests.setdefault(home, {})[request] = Asked(issuer, what, at)

    def wants_back(self, home: str, paper: str, owner: bytes, amount: str, at: float) -> None:
        """A member was told that a request to take goods back is on disk, and on its way."""
        self.backs.setdefault(home, {})[paper] = Asked(owner, f"{amount} for goods", at)

    def forgot(self, home: str, kept: Container[str] = ()) -> None:
        """A home was put back from an older copy: it need not know of its own requests and swaps any more.

        Args:
            home: name of its node.
            kept: ids of own requests of holders that the copy has.
        """
        asked = self.requests.pop(home, {})
        self.requests[home] = {name: each for name, each in asked.items() if name in kept}
        self.lost.setdefault(home, {}).update((name, asked[name]) for name in asked if name not in kept)
        for told in (self.swaps, self.backs):
            told.pop(home, None)
        self.repaid.pop(home, None)
        for place in [each for each in self.closed if each[0] == home]:
            del self.closed[place]
