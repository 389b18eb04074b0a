"""LOZO in benchopt's bilevel benchmark."""

from zoba_bench.integrations.benchopt.adapter import ValueSolver


class Solver(ValueSolver):
    """Two values along a matrix of low rank after an inner run (arXiv 2410.07698)."""

    name = "LOZO"
    solver = "lozo"
    radii = {"eta": 3, "h": 3}
    parameters = {
        "gamma": [0.01],
        "alpha": [0.1],
        "inner_steps": [10],
        "columns": [1],
        "rank": [1],
        "refresh": [50],
        "eta": [None],
        "h": [None],
        **ValueSolver.common,
        "batch_size": ["full"],
    }
