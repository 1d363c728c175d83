"""Letters of this node's networker, out and in, and those it keeps for others."""
