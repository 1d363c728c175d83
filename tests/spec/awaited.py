"""Requirements whose tests come later, with the reason; the set only shrinks.

An id leaves this set with the first test that cites it. When it is empty, this module goes.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

AWAITED: Final = MappingProxyType(
    {
        "R-LOG-22": "the node's part, when a restored home may append again, comes with backups",
    }
)
