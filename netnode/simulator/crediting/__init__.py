"""The market of credit in a simulation: what people do in it, what they are told, and what has to hold of ledgers."""
