"""The trace: everything in it counts, and when it was."""

from __future__ import annotations

from netnode.simulator.trace import Trace


def test_each_part_of_an_event_counts() -> None:
    now = 0.0

    def made(*events: tuple[float, str, str, bytes]) -> str:
        nonlocal now
        trace = Trace(lambda: now)
        for now, kind, who, data in events:  # noqa: B007 - the trace reads it
            trace.note(kind, who, data)
        return trace.hex

    plain = (1.0, "message", "a>b", b"data")
    others = [
        (1.0000000001, "message", "a>b", b"data"),
        (1.0, "commit", "a>b", b"data"),
        (1.0, "message", "a>c", b"data"),
        (1.0, "message", "a>b", b"dat"),
        (1.0, "message", "a>b", b"datA"),
    ]
    hashes = [made(plain), made(plain, plain), made(), *(made(each) for each in others)]
    hashes += [made(plain, others[0]), made(others[0], plain)]
    assert len(set(hashes)) == len(hashes)
    assert made(plain) == hashes[0]


def test_an_event_cannot_pass_for_two() -> None:
    one, two = Trace(lambda: 0.0), Trace(lambda: 0.0)
    one.note("message", "a", b"\n0.0 message a 1 x")
    two.note("message", "a", b"")
    two.note("message", "a", b"x")
    assert one.hex != two.hex


def test_the_newest_lines_are_kept_for_people() -> None:
    trace = Trace(lambda: 12.5, keep=3)
    for number in range(10):
        trace.note("commit", f"n{number}", b"x" * number)
    assert trace.count == 10 and trace.lines is not None and len(trace.lines) == 3
    assert trace.lines[-1].startswith("12.500000 commit n9 9 ")
    assert Trace(lambda: 0.0).lines is None
