"""GFM in benchopt's bilevel benchmark."""

from zoba_bench.integrations.benchopt.adapter import ValueSolver


class Solver(ValueSolver):
    """Two-point differences along the sphere of the value after an inner run (arXiv 2209.05045)."""

    name = "GFM"
    solver = "gfm"
    radii = {"eta": 3, "h": 3}
    parameters = {
        "gamma": [0.01],
        "alpha": [0.1],
        "inner_steps": [10],
        "q": [1],
        "eta": [None],
        "h": [None],
        **ValueSolver.common,
        "batch_size": ["full"],
    }
