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
    "what a team comes to, and what its owner publishes of it; the vectors (C0) judge whole logs of teams": (
        "R-TEAM-1 R-TEAM-2 R-TEAM-3 R-TEAM-4 R-TEAM-5 R-TEAM-6 R-TEAM-7 R-TEAM-8 R-TEAM-9 R-TEAM-10 R-TEAM-11"
        " R-TEAM-12 R-TEAM-13 R-TEAM-14 R-TEAM-15 R-TEAM-16 R-TEAM-17 R-TEAM-18 R-TEAM-19 R-TEAM-20 R-TEAM-21"
        " R-TEAM-22 R-TEAM-23 R-TEAM-24 R-TEAM-25 R-TEAM-26 R-TEAM-27 R-TEAM-28 R-TEAM-29 R-TEAM-30"
        " R-TEAM-31"
    ),
    "what a plan pays: each reader computes it for itself; the vectors (C0) judge plans and awards": (
        "R-PLAN-1 R-PLAN-2 R-PLAN-3 R-PLAN-4 R-PLAN-5 R-PLAN-6 R-PLAN-7 R-PLAN-8 R-PLAN-9 R-PLAN-10 R-PLAN-11"
        " R-PLAN-12 R-PLAN-13 R-PLAN-14 R-PLAN-15 R-PLAN-16 R-PLAN-17 R-PLAN-18 R-PLAN-19 R-PLAN-20 R-PLAN-21"
        " R-PLAN-22 R-PLAN-23 R-PLAN-24"
    ),
    "what a ledger comes to: each reader computes it for itself; the vectors (C0) judge verdicts and figures": (
        "R-CRED-1 R-CRED-2 R-CRED-3 R-CRED-4 R-CRED-7 R-CRED-8 R-CRED-9 R-CRED-11"
        " R-CRED-12 R-CRED-14 R-CRED-15 R-CRED-16 R-CRED-17 R-CRED-18 R-CRED-20 R-CRED-21"
        " R-CRED-23 R-CRED-24 R-CRED-25 R-CRED-26 R-CRED-27 R-CRED-28 R-CRED-29 R-CRED-30 R-CRED-31"
        " R-CRED-32 R-CRED-33 R-CRED-36 R-CRED-37 R-CRED-38 R-CRED-40 R-CRED-41 R-CRED-42"
        " R-CRED-43 R-CRED-44 R-CRED-45 R-CRED-46 R-CRED-47 R-CRED-48 R-CRED-49 R-CRED-50 R-CRED-51"
        " R-CRED-58 R-CRED-59 R-CRED-60 R-CRED-62 R-CRED-63 R-CRED-64 R-CRED-65 R-CRED-66 R-CRED-67"
        " R-CRED-90 R-CRED-91 R-CRED-93 R-CRED-94"
    ),
    "what its owner asks others for, signs or is shown of credit": (
        "R-CRED-39 R-CRED-52 R-CRED-53 R-CRED-56 R-CRED-69"
        " R-CRED-72 R-CRED-75 R-CRED-77 R-CRED-80 R-CRED-81 R-CRED-82 R-CRED-83 R-CRED-84 R-CRED-85"
        " R-CRED-86 R-CRED-87 R-CRED-88 R-CRED-89 R-CRED-92 R-CRED-95 R-PATH-8"
    ),
    "what it asks others for of branches that its owner's figures rest on, and what it believes of them": (
        "R-LOG-35 R-SYNC-19 R-SYNC-20 R-SYNC-21 R-SYNC-22 R-CRED-98"
    ),
    "agreements of its owner, and which rate or way a sale goes by; the vectors (C0) judge agreements": (
        "R-ALLY-1 R-ALLY-2 R-ALLY-3 R-ALLY-4 R-ALLY-5 R-ALLY-6 R-ALLY-7 R-ALLY-8 R-ALLY-9"
        " R-REF-1 R-REF-2 R-REF-3 R-REF-4 R-REF-5 R-REF-6 R-REF-7 R-REF-8 R-REF-9 R-REF-10"
        " R-REF-1 R-REF-2 R-REF-3 R-REF-4 R-REF-5 R-REF-6 R-REF-7 R-REF-8 R-REF-9 R-REF-10"
    ),
    "a claim of an implementation": "R-ROLE-1",
}

UNOBSERVABLE: Final[Mapping[str, str]] = MappingProxyType(
    {id_: reason for reason, ids in _REASONS.items() for id_ in ids.split()}
)
"""Why no check covers a requirement, by its id."""
