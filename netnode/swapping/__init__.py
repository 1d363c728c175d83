"""Swaps of credit, and what issuers are told of rotations: what holders say, what issuers decide, who brings proof."""
