"""Plays peers against any node, from outside; its codec is written from SPEC.md and imports nothing of `protocol`."""
