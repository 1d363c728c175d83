"""Plans: what a sale pays to whom. Pure and exact; anybody who evaluates a plan gets the same awards."""
