"""Fakes of peers, their addresses, and whom the owner follows."""

from netnode.operations import models
from netnode.problems import ExitCode, Problem
from tests.netnode.fake_shared import ME, paged

TIME = 1_760_000_000_000


class FakeAddresses:
    def __init__(self, peers):
        self._peers = peers

    async def show(self, peer):
        found = self._peers.book.get(peer)
        if found is None:
            raise Problem(f"Nothing is known of {peer}.", ExitCode.NOT_FOUND, "no_peer")
        named = [models.KnownAddress(id=None, address=peer, group="loopback", state="named")]
        return models.PeerShown(peer=found, addresses=named)

    async def list(self, query):
        told = [
            models.KnownAddress(
                id=ME, address=f"wss://shop{number}.example/inx/1", group=f"shop{number}.example", state="tried",
                kept=number == 0, source="5.6.0.0/16", met=1_700_000_000_000, failures=number,
                failure="cannot connect: Connection refused" if number else None,
            )
            for number in range(3)
        ]  # fmt: skip
        start = int(query.cursor or 0)
        page = told[start : start + query.limit]
        following = start + len(page)
        return models.Page(page, str(following) if following < len(told) else None)


class FakePeers:
    def __init__(self):
        self.book: dict[str, models.Peer] = {}

    async def invite(self):
        return models.Invitation(f"inx:{ME}?a=ws://127.0.0.1:1/inx/1")

    async def add(self, uri, pin=None, *, patience=0.0):
        if not uri.startswith(("inx:", "ws://", "wss://")):
            raise Problem(f"{uri} is no peer address.", ExitCode.USAGE, "uri")
        self.book[uri] = models.Peer(id=None, addresses=[uri], state="known")
        return self.book[uri]

    async def list(self, query):
        return paged(list(self.book.values()), query)

    async def remove(self, peer):
        if self.book.pop(peer, None) is None:
            raise Problem(f"{peer} is not in the book.", ExitCode.NOT_FOUND, "no_peer")

    async def block(self, change):
        return models.Peer(id=change.id, addresses=[], state="known" if change.lifted else "blocked")


class FakeFollows:
    def __init__(self):
        self.ids: list[str] = []

    async def add(self, networker):
        self.ids.append(networker)
        return models.Follow(id=networker)

    async def remove(self, networker):
        if networker not in self.ids:
            raise Problem(f"You do not follow {networker}.", ExitCode.NOT_FOUND, "not_followed")
        self.ids.remove(networker)

    async def list(self, query):
        return paged([models.Follow(id=one) for one in self.ids], query)
