"""Private keys: where they rest, who holds them, the words that promise the next."""
