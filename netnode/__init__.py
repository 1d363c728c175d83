"""netnode: the node that speaks INX/1."""
