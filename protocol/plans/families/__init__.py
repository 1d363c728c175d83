"""The families of rules, one module for those alike. Each says what it gives and what it comes to at most [R-PLAN-10]."""
