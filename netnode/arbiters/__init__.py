"""Arbiters: consents given and received, and what an arbiter owes the parties of a case to know."""
