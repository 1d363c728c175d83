"""The own log: the one place that signs, and what keeps it from forking itself."""
