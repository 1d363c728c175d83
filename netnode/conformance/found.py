"""Answers of hubs; R-QRY-4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netnode.conformance.alone import check_alone
from netnode.conformance.entries import INCEPTION, LISTING, Entry
from netnode.conformance.faults import HELD, VOID, Fault, demand
from netnode.conformance.items import HEAD
from netnode.conformance.openers import Openers
from netnode.conformance.records import read_record
from netnode.conformance.runs import read_run


def believed(network: str, body: Mapping[str, Any], known: list[Entry]) -> list[Entry]:
    """The hits of an answer that may be believed, in its order [R-QRY-4].

    Args:
        network: its name.
        body: of the message `found`.
        known: openers known here, of any networkers, oldest first.

    Raises:
        Fault: `bad_message`, or the code of an opener or of a hit.
    """
    heads = {item[1]: item for item in body.get("heads", [])}
    demand(len(heads) == len(body.get("heads", [])), "bad_message", "two items of one log")
    openers, standings, told = (_ones(body.get(name, [])) for name in ("openers", "standings", "hits"))
    authors = _admitted(network, openers, _admitted(network, known, {}))
    hits = []
    for hit in told:
        author = hit.header.author
        demand(hit.header.kind == LISTING and hit.record is not None, "bad_message", "no listing")
        if author not in authors or heads.get(author, [1])[0] != HEAD:
            continue
        if (
            _is_listing(authors[author], hit, [part for part in standings if part.header.author == author])
            and hit.seq <= heads[author][4]
        ):
            hits.append(hit)
    return hits


def _ones(runs: list[Any]) -> list[Entry]:
    entries = [read_run(run) for run in runs]
    demand(all(len(each) == 1 for each in entries), "bad_message", "a run of one entry")
    return [each[0] for each in entries]


def _admitted(network: str, openers: list[Entry], known: dict[bytes, Openers]) -> dict[bytes, Openers]:
    authors = dict(known)
    for opener in openers:
        author = opener.header.author
        begins = author in authors or opener.header.kind == INCEPTION
        demand(begins, "bad_message", "openers begin with the inception")
        try:
            authors.setdefault(author, Openers(network)).admit(opener)
        except Fault as fault:
            if fault.code not in HELD:
                raise
    return authors


def _is_listing(openers: Openers, hit: Entry, standings: list[Entry]) -> bool:
    try:
        check_alone(openers, hit, standings)
        read_record(LISTING, hit.record or b"")
    except Fault as fault:
        if fault.code not in HELD | VOID:
            raise
        return False
    return True
