"""`watch`: what it says of a file that goes away and comes back."""

from __future__ import annotations

import pytest

from netnode.cli import watching

FEED = "Handle,Title,Price,currency\na,Alpha,1,EUR\n"


@pytest.fixture
def watched(ready, tmp_path, monkeypatch):
    """Watches a file; each step of what happens to it is done before the next look."""
    file = tmp_path / "shop.csv"
    file.write_text(FEED)

    def go(*steps):
        left = list(steps)

        def pause(seconds):
            if not left:
                raise KeyboardInterrupt
            left.pop(0)(file)

        monkeypatch.setattr(watching, "pause", pause)
        return ready("watch", file)

    return go


def away(file):
    file.unlink(missing_ok=True)


def back(file):
    file.write_text(FEED)


def stays(file):
    pass


def test_a_file_that_is_gone_is_told_of_once_and_its_return_too(watched):
    told = watched(away, stays, stays, stays, back, stays, stays)
    assert told.code == 0
    assert told.err.count("shop.csv is gone. The listings stay as they were") == 1
    assert told.err.count("shop.csv is back.") == 1
    assert told.err.index("is gone") < told.err.index("is back")
    assert told.out.count("created") == 1  # the same content is not imported again


def test_a_file_that_is_only_replaced_is_not_told_of(watched):
    told = watched(away, back, stays, away, back, stays)
    assert told.code == 0 and "gone" not in told.err and "is back" not in told.err


def test_a_file_that_went_twice_is_told_of_twice(watched):
    told = watched(away, stays, back, stays, away, stays, back)
    assert (told.err.count("csv is gone"), told.err.count("csv is back")) == (2, 2)
