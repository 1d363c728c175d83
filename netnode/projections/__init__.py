"""Read models made from the logs: they can be dropped and rebuilt to equal tables."""
