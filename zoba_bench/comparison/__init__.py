"""Solvers against each other: equal budgets, options tuned over a declared grid, medians over seeds."""
