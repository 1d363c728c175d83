"""Credits: the ledger of one issuer as a fold of the issuer's own log, and what its branches come to together."""
