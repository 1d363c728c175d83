"""What this node does for buyers without one: shows listings with proof, carries letters, keeps what proves the way."""
