"""The HTTP API under /api/v1: server and client of the operations registry."""
