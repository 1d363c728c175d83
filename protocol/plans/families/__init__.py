"""The families of rules. Each says what it gives, and what it comes to at most [R-PLAN-10]."""
