"""Deals: the signed messages of two parties, and the state that any set of them has."""
