"""Solvers against each other: equal budgets, options tuned over a declared grid, medians over seeds.

``grids`` declares what is tried for each solver, ``trial`` is the cell that runs one setting on one problem, and
``compare`` tunes on some seeds, measures on others and says who got further.
"""
