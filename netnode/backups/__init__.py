"""Backups of a home: one encrypted file each, written from a live node and opened by the recovery words."""

from netnode.backups.format import Header, Opener, OwnHead, Recipients

__all__ = ["Header", "Opener", "OwnHead", "Recipients"]
