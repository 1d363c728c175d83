"""Ledgers: what the logs held here say their authors owe, folded once and kept level."""
