"""Methods on tasks with data, judged as practice does: on rows that no method sees, at equal evaluations and time.

``settings`` declares the tasks, their budgets and who runs on them. ``searches`` has the rivals that hyperparameters
are usually selected with: a grid, random points, TPE. ``runs`` are the cells: one setting of one method on one
instance, and the reference solution. ``campaign`` tunes and measures, and ``winners`` says who got furthest.
"""
