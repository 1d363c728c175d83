"""What a netcheck means, in words for somebody who runs a shop, not a network."""

from __future__ import annotations

from collections.abc import Sequence

from netnode.operations import models
from netnode.problems import lasting
from protocol.address import Scope, host_scope
from protocol.limits import CLOCK_TOLERANCE_MS

_AGAIN = "Then look again with: netnode netcheck"


def advice(check: models.Netcheck, *, only_here: bool, announced: Sequence[str]) -> list[str]:
    """The sentences to a result.

    Args:
        check: the result, its advice still empty.
        only_here: the node listens to this computer only.
        announced: the public addresses that the owner set.
    """
    told = [*_reach(check, only_here, announced), *_clock(check)]
    if not check.ipv6:
        told.append("This computer has no public IPv6 address; that is no fault, IPv4 serves as well.")
    return told


def _reach(check: models.Netcheck, only_here: bool, announced: Sequence[str]) -> list[str]:
    if check.reachable == "yes":
        where = check.confirmed[0]
        told = [f"Others reach this node from the internet at {where}. There is nothing to do."]
        if not announced:
            told.append(
                f'To name that address in your invites: netnode config set public_address "{where}", '
                "and start the node again."
            )
        return told
    if announced and not any(each.startswith("ws:") for each in announced):
        return [
            f"Peers are told {announced[0]}, and what stands before this node there (a proxy, say) leads to it. Peers "
            f"cannot try that for you; {check.inbound} of your sessions came in by it or from nearby.",
            _works(check),
        ]
    if only_here and not announced:
        return [
            f"The node listens to this computer only. {_works(check)}",
            'To let others dial it too: netnode config set listen "0.0.0.0:4747", and start the node again.',
        ]
    if check.reachable == "lan":
        if any(one.reached is False for one in check.peers):
            return [
                f"Peers in your local network reach this node; one outside could not. {_works(check)}",
                *_router(check),
            ]
        return [
            "Peers in your local network reach this node. No peer outside was asked, so whether the internet reaches "
            f"it is not known. {_works(check)}",
        ]
    if check.reachable in ("no", "here"):
        return [f"No peer could dial this node. {_works(check)}", *_router(check)]
    if check.peers:
        return ["No peer tried to dial this node; the list says why. Look again in some minutes."]
    if check.outbound + check.inbound:
        return ["None of your peers' programs can dial back. Whether others reach this node is not known."]
    return [
        "Nobody could be asked: this node has no session with any peer. "
        "Add one with: netnode peer add LINK. " + _AGAIN
    ]


def _works(check: models.Netcheck) -> str:
    if check.outbound == 0 and check.inbound == 0:
        return "It works all the same through sessions it opens itself, once it knows a peer: netnode peer add LINK"
    if check.outbound == 0:
        return "It works all the same through the sessions it has: it publishes, receives and searches."
    sessions = "the session" if check.outbound == 1 else f"the {check.outbound} sessions"
    return f"It works all the same through {sessions} it opened itself: it publishes, receives and searches."


def _router(check: models.Netcheck) -> list[str]:
    here = check.local[0] if check.local else "this computer"
    if any(host_scope(each) is Scope.PUBLIC for each in set(check.seen_as) & set(check.local)):
        return [
            f"To be dialled as well, open TCP port {check.port} in the firewall of this computer: peers see it at its "
            f"own address, so no router is in the way. {_AGAIN}"
        ]
    return [
        f'To be dialled as well, forward TCP port {check.port} to {here} in your router ("port forwarding" or '
        f'"virtual server"), and let it through the firewall of this computer. {_AGAIN}',
        "Some providers give you no address of your own (carrier-grade NAT); then no forwarding helps, and nothing is "
        "lost but being dialled.",
    ]


def _clock(check: models.Netcheck) -> list[str]:
    if check.clock_doubt is not None:
        way = "behind" if check.clock_doubt > 0 else "ahead"
        return [
            f"The clock of this computer may be {lasting(check.clock_doubt)} {way}; too few peers tell to be sure. "
            "Look at it before you publish."
        ]
    if check.clock is None or abs(check.clock) <= CLOCK_TOLERANCE_MS:
        return []
    way = "behind" if check.clock > 0 else "ahead of"
    return [
        f"The clock of this computer is {lasting(check.clock)} {way} those of your peers: the node publishes "
        "nothing until it is right. Turn on automatic time in the system's settings."
    ]
