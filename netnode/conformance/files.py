"""Files of runs; section 12.5."""

from __future__ import annotations

from typing import Final

from netnode.conformance.encoding import decode, encode
from netnode.conformance.faults import Fault, demand
from netnode.conformance.limits import MAX_MESSAGE
from netnode.conformance.runs import read_run

BEGINNING: Final = b"INXLOG1\n"


def write_file(network: str, runs: list[list[object]]) -> bytes:
    """The file of these runs; per author its openers first [R-FILE-1] to [R-FILE-3]."""
    blocks = [encode(run) for run in runs]
    return BEGINNING + encode(network) + b"".join(len(block).to_bytes(4, "big") + block for block in blocks)


def read_file(network: str, data: bytes) -> tuple[list[bytes], Fault | None]:
    """The runs of a file as canonical bytes, up to the first fault, and that fault [R-FILE-2].

    The fault is `bad_file`, or of its encoding or run. What it holds is verified as if a peer had sent it. [R-FILE-4]
    """
    front = BEGINNING + encode(network)
    if not data.startswith(front):
        return [], Fault("bad_file", "another beginning, or another network")
    at = len(front)
    runs: list[bytes] = []
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        block = data[at + 4 : at + 4 + length]
        at += 4 + length
        try:
            demand(1 <= length <= MAX_MESSAGE and len(block) == length, "bad_file", "a block, or cut off")
            read_run(decode(block))
        except Fault as fault:
            return runs, Fault("bad_file", str(fault)) if fault.code == "bad_message" else fault
        runs.append(block)
    return runs, None
