"""S-SZD in benchopt's bilevel benchmark."""

from zoba_bench.integrations.benchopt.adapter import ValueSolver


class Solver(ValueSolver):
    """Forward differences along orthogonal directions after an inner run (arXiv 2206.05124)."""

    name = "S-SZD"
    solver = "s-szd"
    radii = {"eta": 2, "h": 3}
    parameters = {
        "gamma": [0.01],
        "alpha": [0.1],
        "inner_steps": [10],
        "l": [1],
        "eta": [None],
        "h": [None],
        **ValueSolver.common,
        "batch_size": ["full"],
    }
