"""Keeps SPEC.md and the code in step: ``python -m tests.spec --write`` or ``--check``."""
