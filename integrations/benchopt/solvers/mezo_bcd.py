"""MeZO-BCD in benchopt's bilevel benchmark."""

from zoba_bench.integrations.benchopt.adapter import ValueSolver


class Solver(ValueSolver):
    """Two values along a block of coordinates after an inner run (arXiv 2501.19099)."""

    name = "MeZO-BCD"
    solver = "mezo-bcd"
    radii = {"eta": 3, "h": 3}
    parameters = {
        "gamma": [0.01],
        "alpha": [0.1],
        "inner_steps": [10],
        "block_size": [None],
        "eta": [None],
        "h": [None],
        **ValueSolver.common,
        "batch_size": ["full"],
    }
