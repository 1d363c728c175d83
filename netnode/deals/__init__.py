"""The node's side of deals: own moves, messages that come in, stock, and what a restored home asks first."""
