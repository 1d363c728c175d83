"""INX/1 as a library: bytes and times in, values and verdicts out; no I/O, no clock, no randomness."""
