"""Reviews as this node's owner sees them: which count, from how far they come, and what they come to."""
