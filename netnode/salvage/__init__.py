"""Saves what can be read of a damaged store: from its pages, without trusting anything it says of itself."""
