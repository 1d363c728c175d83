"""Dishonest peers: each kind breaks INX in its own way, and says truthfully afterwards what it did."""
