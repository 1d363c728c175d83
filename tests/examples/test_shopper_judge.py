"""The judge of the JavaScript shopper against the one of `protocol`: random deals, honest and not, one state."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import msgspec

from protocol.deals import bodies
from protocol.deals.message import Message
from protocol.deals.moves import steps
from protocol.deals.state import DealState, judge
from tests.examples.nodejs import run
from tests.protocol.deals.made import HOUR, order, started, unsigned
from tests.protocol.deals.model import extensions, says

SCRIPT = Path(__file__).with_name("shopper_judge.mjs")
DEALS = 1_500


def plain(value: Any) -> Any:
    """A value for JSON, bytes as `{hex}`."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [plain(member) for member in value]
    return value


def told(message: Message) -> dict[str, Any]:
    names = ("id", "type", "deal", "role", "number", "previous", "seen", "names", "time", "epoch")
    fields = {name: plain(getattr(message, name)) for name in names}
    return {**fields, "body": plain(msgspec.to_builtins(message.body, builtin_types=(bytes,)))}


def result(state: DealState, now: int) -> dict[str, Any]:
    figures = {name: getattr(state.figures, name) for name in state.figures.__slots__}
    return {
        "phase": state.phase.value,
        "contract": state.contract,
        "parts": [part.status.value for part in state.parts],
        "figures": figures,
        "verdicts": {id_.hex(): code for id_, code in state.verdicts.items()},
        "waits": sorted(id_.hex() for id_ in state.waits),
        "newest": {role: message.id.hex() for role, message in state.newest.items()},
        "steps": sorted([each.action, each.by, each.until] for each in steps(state, now)),
    }


def anything(chance: random.Random, messages: list[Message], state: DealState) -> Message:
    """A message that may have no effect, be out of place, or use a number again."""
    role = chance.choice(["buyer", "seller", "seller", "buyer", "arbiter"])
    body = chance.choice([*says(state.outcome.view, role), bodies.Cancel(reason="other")])
    if isinstance(body, bodies.Cancel) and role == "arbiter":
        role = "seller"
    own = [each for each in messages if each.role == role]
    others = [each for each in messages if each.role != role]
    previous = chance.choice([*own, None]) if role != "buyer" else chance.choice(own)
    seen = chance.sample(others, min(len(others), chance.choice([0, 1, 1, 1, 2])))
    time = chance.choice([each.time for each in messages]) + chance.choice([-1, 0, 1, 30, 200]) * HOUR
    return unsigned(
        body, role, deal=messages[0].id, previous=previous, seen=seen, time=time, salt=chance.random()
    )


def made(seed: int) -> tuple[list[Message], int]:
    """The messages of one random deal, in random order, and a moment to look at it."""
    chance = random.Random(seed)
    prices = chance.choice([(100,), (100,), (70, 30)])
    messages = [started(order(prices))]
    honest = chance.random() < 0.6
    for _ in range(chance.randrange(1, 12)):
        state = judge(messages, 2**50)
        role = chance.choice(["buyer", "seller", "seller", "buyer", "arbiter"])
        choices = list(extensions(state, role))
        if choices and (honest or chance.random() < 0.7):
            messages.append(chance.choice(choices))
        elif not honest:
            messages.append(anything(chance, messages, state))
    last = max(each.time for each in messages)
    now = chance.choice([last, last + 50 * HOUR, last + 5_000 * HOUR, max(messages[0].time, last - HOUR)])
    if not honest and len(messages) > 3 and chance.random() < 0.3:
        messages.pop(chance.randrange(1, len(messages)))
    chance.shuffle(messages)
    return messages, now


async def test_both_judges_come_to_one_state(tmp_path: Path) -> None:
    deals = [made(seed) for seed in range(DEALS)]
    expected = [result(judge(messages, now), now) for messages, now in deals]
    given = [{"messages": [told(each) for each in messages], "now": now} for messages, now in deals]
    (tmp_path / "deals.json").write_text(json.dumps(given))
    ended = await run(SCRIPT, str(tmp_path / "deals.json"))
    assert ended.code == 0, ended.err
    found = [json.loads(line) for line in ended.out.splitlines()]
    assert len(found) == DEALS
    for seed, (theirs, ours) in enumerate(zip(found, expected, strict=True)):
        assert theirs == ours, f"seed {seed}"
    phases = {each["phase"] for each in expected}
    assert phases >= {"ordered", "agreed", "fulfilled", "closed", "final", "disputed"}
    assert any("doubled" in each["verdicts"].values() for each in expected)
