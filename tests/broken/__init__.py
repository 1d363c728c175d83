"""A node with one rule switched off, to check the checks of `netnode conformance`.

``python -m tests.broken --switch NAME -- start ...`` runs the real program after one function of it was rewritten in
memory; the program on disk, and everybody else's, has no switch.
"""
