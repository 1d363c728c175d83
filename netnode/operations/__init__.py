"""What a person or a program can ask of a node: one registry, called over HTTP or in process."""
