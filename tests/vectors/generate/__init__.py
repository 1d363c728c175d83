"""Scripts that make the vector files: ``python -m tests.vectors.generate`` writes all of them."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from tests.vectors.generate import (
    address,
    alone,
    bech32,
    blob,
    challenges,
    deal_messages,
    deals,
    ed25519,
    effects,
    encoding,
    entry,
    found,
    identity,
    items,
    ledger,
    letters,
    log,
    logfile,
    mandates,
    messages,
    noise,
    offers,
    path,
    plans,
    prices,
    ranges,
    records,
    recovery,
    referrals,
    reviews,
    runs,
    scopes,
    seen,
    session,
    shopper,
    stamp,
    teams,
    transcripts,
    uri,
    witnesses,
)

ALL: Final = MappingProxyType(
    {
        module.__name__.rpartition(".")[2]: module
        for module in (
            address, alone, bech32, blob, challenges, deal_messages, deals, ed25519, effects, encoding, entry, found,
            identity, items, ledger, letters, log, logfile, mandates, messages, noise, offers, path, plans, prices,
            ranges, records, recovery, referrals, reviews, runs, scopes, seen, session, shopper, stamp, teams,
            transcripts, uri, witnesses,
        )
    }
)  # fmt: skip

__all__ = ["ALL"]
