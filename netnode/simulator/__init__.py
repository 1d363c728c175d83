"""The production node in virtual time: whole worlds of nodes in one thread, everything decided by one seed."""
