"""Fetches the own log from peers into a home that has keys and no store any more."""

from __future__ import annotations

import logging

from netnode.assembly import Assembly, agent
from netnode.ports import Dialer
from netnode.problems import ExitCode, Problem
from netnode.recovering import Heard, fetch_log, label
from netnode.sync.book import peer_row
from netnode.sync.peering import Core

_log = logging.getLogger("netnode")


async def fetch_own_log(parts: Assembly, dialer: Dialer, uris: tuple[str, ...]) -> None:
    """Brings the own log back where the store was lost; nothing to do where it is held.

    What is fetched may not be all: the home is cautious since its store was made anew, and asks all its peers before it
    appends [R-LOG-22].

    Args:
        parts: the open home.
        dialer: opens links.
        uris: peers that may hold the log, as settings and options name them.

    Raises:
        Problem: `own_log` (exit 5): nobody was named, or nobody gave it; with what each one said.
    """
    if await parts.gate.state(parts.own.id) is not None:
        return
    lost = (
        f"The store {parts.home.store} was missing or empty, and with it your log. It can be fetched from peers that "
        "hold it"
    )
    backup = "Or put a backup into a new folder: netnode --home DIR backup restore FILE"
    if not uris:
        raise Problem(
            f"{lost}: name them with netnode start --peer URI (repeatable). {backup}",
            ExitCode.UNREACHABLE,
            "own_log",
        )
    now = parts.ports.clock.now_ms()
    core = bare_core(parts)
    _log.warning("the own log is not in the store: asking %d peers for it", len(uris))
    answers = await fetch_log(
        core, dialer, parts.ports.entropy, parts.own.id, [peer_row(uri, now) for uri in uris], agent()
    )
    state = await parts.gate.state(parts.own.id)
    if state is None:
        said = "; ".join(f"{label(each.peer)}: {_said(each)}" for each in answers)
        raise Problem(
            f"{lost}, but none of those named gave it ({said}). Name others with netnode start --peer URI, or try "
            f"again later. {backup}",
            ExitCode.UNREACHABLE,
            "own_log",
        )
    parts.ring.reconcile(state.openers)
    await parts.ring.save()
    _log.warning("the own log is back up to entry %d", state.tip.seq)


def bare_core(parts: Assembly) -> Core:
    """What a session needs that fetches one log and offers nothing."""
    return Core(
        parts.settings.network,
        parts.store,
        parts.gate,
        parts.bus,
        parts.ports.clock,
        parts.own.witness,
        failures=parts.failures,
    )


def _said(answer: Heard) -> str:
    if not answer.answered:
        return answer.note
    return "it holds nothing of it" if answer.item is None else "it did not give it"
