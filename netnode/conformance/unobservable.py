"""Requirements that no check of a running node covers, each with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_REASONS: Final[Mapping[str, str]] = {
    "its own keys and records: their owner uses them, a peer cannot make the node do it": (
        "R-KEY-3 R-KEY-4 R-KEY-6 R-KIND-4 R-KEYS-1 R-KEYS-2 R-LOG-2 R-LOG-20 R-LOG-22 R-LOG-23 R-LOG-31 R-LOG-32"
        " R-LOG-33 R-LOG-34 R-TIME-1 R-DEAL-35"
    ),
    "text, links and files that a person gives it; the vectors (C0) judge the forms": (
        "R-ID-2 R-ID-3 R-URI-1 R-URI-2 R-URI-3 R-URI-4 R-URI-5 R-URI-6 R-URI-7 R-FILE-1 R-FILE-2 R-FILE-3 R-FILE-4"
    ),
    "what it does as a dialler or asker, of its owner's will": (
        "R-SES-3 R-NOISE-2 R-QRY-4 R-INV-1 R-INV-2 R-INV-3 R-INV-5 R-STAMP-5 R-BOOK-9 R-REACH-2 R-REACH-5"
        " R-REACH-6 R-REACH-8 R-REACH-10 R-REACH-11"
    ),
    "needs hundreds of logs on both sides, or longer than a run takes": (
        "R-RNG-1 R-RNG-2 R-RNG-5 R-RNG-6 R-RNG-8 R-RNG-9 R-RNG-10 R-RNG-11 R-QUOTA-1 R-QUOTA-2 R-QUOTA-3 R-QUOTA-4"
        " R-QUOTA-5 R-BOOK-8 R-BOOK-10 R-BOOK-11 R-INV-6 R-QRY-6"
    ),
    "what it keeps and shows inside; nothing of it goes over a link": "R-VER-4 R-QUOTA-6",
    "other ways than a link: multicast DNS, and HTTP that it asks itself": "R-REACH-7 R-REACH-9",
    "how much room shoppers have, what their program does, and files of testimonies": (
        "R-SHOP-9 R-SHOP-10 R-SHOP-12 R-SHOP-13"
    ),
    "what a deal or mandate comes to: each side computes it for itself; the vectors (C0) judge verdicts and figures": (
        "R-DEAL-7 R-DEAL-9 R-DEAL-14 R-DEAL-18 R-DEAL-22 R-OFF-3 R-ARB-3 R-ARB-4 R-MAN-1 R-MAN-2 R-MAN-5 R-MAN-6"
        " R-MAN-7"
    ),
    "what its owner decides or is shown: orders, offers, prices, renewals, rulings, reviews": (
        "R-LET-16 R-DEAL-24 R-DEAL-25 R-DEAL-30 R-OFF-5 R-OFF-6 R-PRICE-2 R-PRICE-3 R-PRICE-4 R-PRICE-5 R-PRICE-6"
        " R-PRICE-7 R-PRICE-9 R-MAN-4 R-MAN-8 R-ARB-6 R-ARB-7 R-REV-1 R-REV-2 R-REV-3 R-REV-4 R-REV-5 R-REV-6 R-REV-7"
        " R-REV-8 R-REV-9 R-REV-10 R-REV-11"
    ),
    "files that a person gives away and reads; the vectors (C0) judge them": (
        "R-DEAL-26 R-DEAL-27 R-DEAL-28 R-DEAL-29"
    ),
    "needs a key with a component of small order, which no author here makes; the vectors (C0) do": "R-SIG-5",
    "a claim of an implementation": "R-ROLE-1",
}

UNOBSERVABLE: Final[Mapping[str, str]] = MappingProxyType(
    {id_: reason for reason, ids in _REASONS.items() for id_ in ids.split()}
)
"""Why no check covers a requirement, by its id."""
