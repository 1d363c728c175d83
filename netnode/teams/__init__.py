"""Teams on this node: read from their owners' logs, joined by letters, kept by appending to the own log."""
