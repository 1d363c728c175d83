"""The keys of a networker in memory, for the tests of the command line: real words and promises, no log."""

from __future__ import annotations

from netnode.operations import models
from netnode.problems import ExitCode, Problem
from protocol.identity import id_text
from protocol.recovery import backup_public, promise, promised_seed
from protocol.signing import Signer

ID = id_text(bytes(range(32)))
PEER = id_text(bytes(range(1, 33)))
TIME = 1_760_000_000_000


def promised(entropy: bytes, epoch: int) -> bytes:
    return promise("inx", Signer(promised_seed("inx", entropy, epoch)).public)


def entry(seq: int) -> models.Entry:
    return models.Entry(
        author=ID, epoch=0, term=0, seq=seq, id=f"{seq:064x}", time=TIME, kind=3, kind_name="listing", record=True,
        summary=f"k{seq}: Thing {seq}",
    )  # fmt: skip


class FakeKeys:
    """Satisfies `KeyWork`."""

    def __init__(self) -> None:
        self.entropy = bytes(range(32))
        self.promises = [promised(self.entropy, 1)]
        self.caught_up = True
        self.peers = 1
        self.disowned_count = 0
        self.seq = 7
        self.orders: list[models.KeyRotation] = []
        self.fail: Problem | None = None
        self.usable = True
        self.pending = False
        self.closed, self.published = 0, None

    async def show(self):
        return models.KeyState(
            id=ID, network="inx", epoch=len(self.promises) - 1, term=0, since=TIME, state="open",
            signing_key="aa" * 32, promise=self.promises[-1].hex(), protected=False, session_until=TIME,
            encryption_until=None, pending=self.pending, usable=self.usable,
        )  # fmt: skip

    async def plan(self, last):
        return models.KeyPlan(
            id=ID, network="inx", epoch=len(self.promises), head=f"{self.seq:064x}", seq=self.seq,
            last=self.seq if last is None else last, promises=[each.hex() for each in self.promises],
            caught_up=self.caught_up, whole_book=self.caught_up, peers=self.peers, addresses=["ws://peer/inx/1"],
            waiting=[] if self.caught_up else ["0 of 1 peer has answered."],
            disowned=[entry(seq) for seq in range(self.disowned_count)][:100], disowned_count=self.disowned_count,
        )  # fmt: skip

    async def rotate(self, request):
        if self.fail is not None:
            raise self.fail
        reveal = Signer(bytes.fromhex(request.seed)).public
        if promise("inx", reveal) != self.promises[-1]:
            raise Problem("not the one promised", ExitCode.REFUSED, "promise")
        self.orders.append(request)
        self.promises.append(bytes.fromhex(request.promise))
        return models.KeyRotated(
            id=ID, epoch=len(self.promises) - 1, seq=8, entry="bb" * 32, time=TIME, disowned=self.disowned_count,
            sessions=1,
        )  # fmt: skip

    async def history(self, query):
        if len(self.promises) == 1:
            return models.Page([])
        told = [models.KeyReceipt(peer=PEER, name="Bob", at=TIME)]
        untold = [models.KeyReceipt(peer=None, name="ws://cy/inx/1")]
        return models.Page(
            [
                models.KeyEpoch(
                    epoch=len(self.promises) - 1, seq=8, entry="bb" * 32, time=TIME, disowned=self.disowned_count,
                    told=told, untold=untold,
                )
            ]
        )  # fmt: skip

    async def disowned(self, query):
        shown = [
            models.KeyExhibit(entry=entry(seq), afterwards=True, shown_by=[PEER])
            for seq in range(self.disowned_count)
        ]
        return models.Page(shown)

    async def standing(self):
        return models.StandingState(
            epoch=len(self.promises) - 1, term=0, closed=self.closed,
            needed=self.published is None and self.closed > 0, published=self.published,
            parts=0 if self.published is None else 1,
        )  # fmt: skip

    async def publish_standing(self):
        self.published = 9
        return await self.standing()


def backup_of(entropy: bytes) -> str:
    return backup_public("inx", entropy).hex()
