"""Requirements on the behaviour of a node whose tests come with replication; the set only shrinks.

An id leaves this set with the first test that cites it. When it is empty, this module goes.
"""

from __future__ import annotations

from typing import Final

AWAITED: Final = frozenset(
    {
        *(f"R-LINK-{number}" for number in (1, 2, 3, 4, 5)),
        *(f"R-LOG-{number}" for number in (21, 22, 23)),
        *(f"R-MSG-{number}" for number in (7, 8, 10, 11, 12, 14)),
        *(f"R-SYNC-{number}" for number in (4, 6, 8, 9, 10, 15, 17, 18)),
        "R-CERT-5",
        "R-FILE-4",
        "R-TIME-1",
    }
)
