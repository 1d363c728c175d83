"""Plans: what a sale pays to whom. Pure and exact; anybody who evaluates a plan gets the same bytes [R-PLAN-1..30]."""
