"""A search hub that answers falsely: forged hits, stale ones, hits of others, heads that are not so [R-QRY-4]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from netnode.simulator.byzantine.authors import Author
from netnode.simulator.byzantine.puppet import Puppet
from netnode.simulator.byzantine.scene import Scene
from netnode.simulator.byzantine.shelf import Shelf
from protocol import messages
from protocol.entry import Entry
from protocol.items import Item, Standing
from protocol.messages import Body, Hello
from protocol.run import run_of
from protocol.session import Feature
from protocol.signing import Signer

PROVED: Final = ("stale", "retired", "head below", "two heads", "endless")
FORGED: Final = ("bad signature", "other author", "no openers", "not a listing")
MODES: Final = PROVED + FORGED
WORD: Final = "lantern"
"""What its hits are found by."""
STAYS: Final = 90.0  # seconds it waits to be asked


async def false_hub(scene: Scene, mode: str) -> None:
    """Says that it answers searches, and answers each with what it cannot prove or what is long replaced."""
    seller = scene.author("seller")
    true = seller.offer(f"{WORD} of {mode}")
    retired = seller.signer
    if mode == "retired":
        seller.rotate()
        seller.write(1)
    elif mode == "stale":
        seller.offer(f"{WORD} sold out", price=5_000)
    scene.deeds.sign(seller.entries)
    forged = _forged(seller, true, retired, mode, Signer(scene.chance.token(32)))
    if forged is not true:
        scene.deeds.forge(mode, [forged])
    found = _found(seller, forged, mode)
    shelf = scene.shelf(seller)

    def answer(question: Body) -> Sequence[Body]:
        if isinstance(question, messages.Query):
            scene.deeds.acts["searched"] += 1
            return (found,)
        return shelf.answer(question) if not isinstance(question, messages.Heads) else _no_heads(shelf)

    def hello(puppet: Puppet) -> Hello:
        return puppet.hello(features=[Feature.QUERY])

    await scene.each(
        [
            scene.show(target, scene.author(f"hub {index}"), Shelf(shelf.store), seconds=STAYS, act=mode,
                       answer=answer, hello=hello)
            for index, target in enumerate(scene.targets())
        ]
    )  # fmt: skip


def _no_heads(shelf: Shelf) -> tuple[Body, ...]:
    """It keeps the logs to itself: who holds the run lets the run decide."""
    return (messages.Items(cursor=shelf.cursor(), items=[]),)


def _forged(seller: Author, true: Entry, retired: Signer, mode: str, thief: Signer) -> Entry:
    match mode:
        case "bad signature":
            return seller.after(seller.tip, 3, seller.listing(f"{WORD} forged", "forged"), signer=thief)
        case "retired":
            tip = seller.entries[1]
            return seller.after(tip, 3, seller.listing(f"{WORD} back-dated", "forged"), signer=retired)
        case "not a listing":
            return seller.entries[0]
        case _:
            return true


def _found(seller: Author, hit: Entry, mode: str) -> messages.Found:
    tip = seller.tip
    head = Item(Standing.HEAD, seller.id, tip.epoch, tip.term, tip.seq, tip.id)
    openers = [run_of([entry]) for entry in seller.openers]
    run = run_of([hit])
    match mode:
        case "other author":
            run = type(run)(bytes(32), run.epoch, run.term, run.first, run.prev, run.entries)
        case "no openers":
            openers = openers[1:] or [run_of([seller.tip])]
        case "head below":
            head = Item(Standing.HEAD, seller.id, 0, 0, 0, seller.entries[0].id)
        case "endless":
            return messages.Found(heads=[head.wire()], hits=[run] * 50, openers=openers, next=b"again")
        case _:
            pass
    heads = [head.wire()] * (2 if mode == "two heads" else 1)
    return messages.Found(heads=heads, hits=[run], openers=openers)
