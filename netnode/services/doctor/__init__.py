"""The doctor: looks at a home from outside, with and without a running node, and at one that is damaged."""

from netnode.services.doctor.examining import Doctor, Live, examine

__all__ = ["Doctor", "Live", "examine"]
