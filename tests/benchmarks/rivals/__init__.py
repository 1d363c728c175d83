"""What netnode is measured beside: published programs for the same work, installed by an optional step.

Nothing of them is part of this repository but the small programs here, which drive them.
"""
