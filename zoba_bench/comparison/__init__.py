"""Solvers against each other: equal budgets, options tuned over a declared grid on instances that are not measured.

``grids`` declares what is tried for each solver, ``suites`` what a comparison is made of. ``cases`` makes instances to
tune on and others to measure on, ``pairs`` is the plan, ``trial`` the cell that runs one setting on one instance, and
``hits`` when it reaches the targets. ``phases`` runs such cells, ``compare`` tunes and measures with it, ``rows`` says
who got further, with limits from ``bootstrap``, and ``profiles`` reads from the same runs how fast; ``numbers`` stands
for runs that failed. Methods on tasks with data, beside what practice does there, are in ``applications``; how many
times longer rivals of MEHA take where it was published is in ``ratios``.
"""
