"""A random walk over `tests.netnode.copies`: one seed decides what happens, and is named when something breaks."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Awaitable
from pathlib import Path
from unittest.mock import patch

from netnode.sync import dialling
from tests.netnode.copies import HOMES, PEERS, World
from tests.netnode.mesh import Mesh
from tests.netnode.wires import Wires

WEIGHTS = {
    "start": 4, "stop": 3, "publish": 8, "copy": 2, "shelve": 2, "put_back": 3, "meet": 3, "away": 4, "forget": 1,
    "resume": 3, "settle": 2, "rotate": 2, "recover": 1,
}  # fmt: skip


def walk(folder: Path, seed: int, steps: int) -> World:
    """Makes `steps` steps and lets one home go on; the error names the steps.

    With an even seed every copy knows that it is one and its owner waits: then nothing may fork at all.
    """
    done: list[str] = []
    try:
        with patch.object(dialling, "BACK_OFF", (0.01, 0.05)):
            return asyncio.run(_walk(folder, random.Random(seed), steps, seed % 2 == 0, done))
    finally:
        fault = sys.exception()
        if fault is not None:
            fault.add_note(f"seed {seed}: {'; '.join(done)}")


async def _walk(folder: Path, drawn: random.Random, steps: int, careful: bool, done: list[str]) -> World:
    async with Wires().running() as wires:
        mesh = Mesh(folder, wires, {})
        world = World(mesh)
        await world.begin()
        for _ in range(steps):
            step = _drawn(world, drawn, careful, done)
            await step
            world.pass_time()
        last = drawn.choice(sorted(world.homes))
        done.append(f"heal {last}")
        await world.heal(last)
        await mesh.close()
    return world


def _drawn(world: World, drawn: random.Random, careful: bool, done: list[str]) -> Awaitable[None]:
    name = drawn.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    made = sorted(world.homes)
    home, peer = drawn.choice(made), drawn.choice(PEERS)
    marked, flag, number = drawn.random() < 0.6, drawn.random() < 0.3, drawn.randint(1, 3)
    marked, flag = marked or careful, flag and not careful
    running = world.homes[home].node is not None
    onto = drawn.choice([each for each in HOMES if each != home])
    fresh = drawn.choice(HOMES)
    match name:
        case "start" if not running:
            told, step = home, world.start(home)
        case "start" | "stop" if running:
            told, step = home, world.stop(home)
        case "copy":
            told, step = f"{home} {onto} {marked}", world.copy(home, onto, marked)
        case "shelve":
            told, step = home, world.shelve(home)
        case "put_back":
            told, step = f"{home} {number} {marked}", world.put_back(home, number, marked)
        case "meet":
            told, step = f"{home} {peer}", world.meet(home, peer)
        case "away":
            told, step = peer, world.away(peer)
        case "forget" if not careful:
            told, step = f"{home} {peer}", world.forget(home, peer)
        case "resume":
            told, step = f"{home} {flag}", world.resume(home, flag)
        case "settle":
            told, step = home, world.settle(home)
        case "rotate":
            told, step = home, world.rotate(home)
        case "recover":
            told, step = fresh, world.recover(fresh)
        case _:
            name, told, step = "publish", f"{home} {number}", world.publish(home, number)
    done.append(f"{name} {told}")
    return step
